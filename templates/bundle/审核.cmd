@echo off
chcp 936 >nul
if "%~1"=="" (
  echo 请把装有报送文件的文件夹（或文件）拖到“审核.cmd”上。
  pause
  exit /b 2
)
call "%~dp0xlgoals.cmd" check %*
pause
