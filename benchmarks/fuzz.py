"""Fuzz the reading of workbooks: `python -m benchmarks.fuzz --mutants 10000 --seed 1` judges mutants and writes docs/fuzz.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import FAILED, LIMITS, outcomes, told

REPORT = Path(__file__).parent.parent / "docs" / "fuzz.md"
BROUGHT = "## What it brought to light"


def page(options: str, numbers: str, table: str) -> str:
    """The report; what is written below `BROUGHT` by hand stays."""
    before = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    kept = before[before.index(BROUGHT) :] if BROUGHT in before else f"{BROUGHT}\n"
    return (
        f"# Fuzzing the reading\n\n`python -m benchmarks.fuzz {options} --write` (mutants {numbers}; `python -m tests.fuzz NUMBER` makes and judges one "
        "again; 500 others run with the tests).\n\nReal filled workbooks of every form, damaged in the bytes and parts of the zip, in the XML of the parts, or "
        "in the cells. The oracle: every value is right with its address, or there is a finding. Fates: read; read alone (openpyxl cannot open it); "
        f"refused with a finding (its code); crashed, slow (over {LIMITS.seconds:g} s), defect: failures, as is anything silently wrong or lost.\n\n"
        f"{table}\n\n{kept}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write docs/fuzz.md")
    asked = parser.parse_args()
    first = asked.seed * 1_000_000
    start = time.monotonic()
    found = outcomes(range(first, first + asked.mutants), asked.jobs, lambda done, total: print(f"\r{done}/{total}", end="", file=sys.stderr))
    text = page(f"--mutants {asked.mutants} --seed {asked.seed}", f"{first} to {first + asked.mutants - 1}", told(found))
    print(f"\n{text}\n{time.monotonic() - start:.0f} s")
    if asked.write:
        REPORT.write_text(text, encoding="utf-8")
    return int(any(one.wrong or one.fate in FAILED for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
