@echo off
set PYTHONUTF8=1
set PYTHONIOENCODING=gbk:replace
"%~dp0.venv\Scripts\xlgoals.exe" %*
