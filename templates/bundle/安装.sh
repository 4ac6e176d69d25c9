#!/bin/sh
# 麒麟、UOS 等：双击或在终端运行；不需要联网。
cd "$(dirname "$0")" || exit 1
for one in {commands}; do
  if command -v "$one" >/dev/null 2>&1 && "$one" -c "import venv, ensurepip" >/dev/null 2>&1; then python=$one; break; fi
done
if [ -z "$python" ]; then
  echo "没有找到可用的 Python（{pythons}，含 venv）。请向系统管理员要一个。"
  exit 1
fi
"$python" -m venv .venv && .venv/bin/python -m pip install --quiet --no-index --find-links wheels --upgrade xlgoals || exit 1
echo "装好了。例：./xlgoals.sh consolidate 报送/ -o 汇总.xlsx；说明见 使用说明.html。"
