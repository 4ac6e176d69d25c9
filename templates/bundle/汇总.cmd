@echo off
chcp 936 >nul
if "%~1"=="" (
  echo 请把装有报送文件的文件夹拖到“汇总.cmd”上。
  pause
  exit /b 2
)
call "%~dp0xlgoals.cmd" consolidate %* -o "%~dp1汇总.xlsx"
pause
