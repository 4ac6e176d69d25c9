"""A whole cycle's commands over a full inbox: what each takes, and how much memory its own process needs at most.

    python -m benchmarks.cycle FOLDER [--workbooks 200 400]

For every number of workbooks FOLDER gets a cycle with as many units, all of which have reported (the corpus of `corpus`, with the
cycle's stamps). The commands then run one after the other, each in a process of its own, and again with one workbook changed.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.corpus import DEPARTMENT, FORM, SEED, UNIT, YEAR, Press
from xlgoals.cycle import create_cycle
from xlgoals.records import Stamp
from xlgoals.spec import load_forms

COMMANDS = (("collect",), ("status",), ("check",), ("consolidate", "--include", "errors"))


def made(folder: Path, count: int) -> Path:
    """A cycle whose units have all reported."""
    cycle = folder / f"周期{count}"
    if cycle.exists():
        return cycle
    create_cycle(cycle, YEAR, FORM)
    (cycle / "roster.xlsx").unlink()
    press = Press(load_forms(), stamp=Stamp(0, "", "", year=YEAR, department=DEPARTMENT, unit=UNIT, code=UNIT, cycle=cycle.name, round=1))
    rows = []
    for number in range(count):
        name, data = press.workbook(number, random.Random(SEED * 1_000_003 + number))
        path = cycle / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        unit = path.stem.removesuffix("绩效目标表")
        rows.append((unit, unit, path.parent.name.partition(" ")[2], "部门"))
    with (cycle / "roster.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([("单位编码", "单位名称", "主管部门", "级次"), *rows])
    return cycle


def run(cycle: Path, *told: str) -> tuple[float, float, int]:
    """Seconds, the process's own peak memory in MB, and the exit code of one command."""
    measured = "import resource, sys; from xlgoals.cli import main\ntry: main()\nfinally: print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", measured, *told, "--jobs", "2"], cwd=cycle, capture_output=True, text=True, check=False)
    peak = [line for line in done.stderr.splitlines() if line.startswith("PEAK ")]
    if not peak or done.returncode not in (0, 1):
        raise SystemExit(done.stderr[-3000:])
    return time.perf_counter() - start, int(peak[-1].split()[1]) / (1 if sys.platform == "darwin" else 1024), done.returncode


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--workbooks", type=int, nargs="+", default=[200, 400])
    told = asked.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for count in told.workbooks:
        cycle = made(told.folder, count)
        for command in COMMANDS:
            seconds, peak, code = run(cycle, *command)
            print(f"{count:6} {' '.join(command):32} {seconds:7.1f} s {peak:7.0f} MB, exit {code}", flush=True)


if __name__ == "__main__":
    main()
