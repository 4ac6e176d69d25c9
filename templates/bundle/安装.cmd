@echo off
chcp 936 >nul
setlocal
cd /d "%~dp0"
echo 正在安装 xlgoals {version}，不需要联网……
set PY=
if exist "python\python.exe" set PY="%~dp0python\python.exe"
if not defined PY for /f "delims=" %%i in ('dir /b python-3*-amd64.exe 2^>nul') do (
  echo 正在安装本文件夹里的 %%i ……
  "%%i" /quiet InstallAllUsers=0 PrependPath=0 Include_test=0 TargetDir="%~dp0python"
  if exist "python\python.exe" set PY="%~dp0python\python.exe"
)
if not defined PY for %%v in ({pythons}) do (
  if not defined PY py -%%v -c "import sys" >nul 2>nul && set PY=py -%%v
)
if not defined PY (
  echo 没有找到 Python（{pythons}）。请把官方安装包 python-3.x-amd64.exe 放进本文件夹，再双击一次“安装.cmd”。
  pause
  exit /b 1
)
%PY% -m venv .venv || goto failed
.venv\Scripts\python.exe -m pip install --quiet --no-index --find-links wheels --upgrade xlgoals || goto failed
echo 装好了。把报送文件夹拖到“审核.cmd”或“汇总.cmd”上就可以用；说明见“使用说明.html”。
pause
exit /b 0
:failed
echo 没有装成。请把上面的文字转告程序维护人。
pause
exit /b 1
