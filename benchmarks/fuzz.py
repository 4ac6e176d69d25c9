"""Fuzz the reading of workbooks: `python -m benchmarks.fuzz --mutants 10000 --seed 1` judges mutants and writes docs/fuzz.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import FAILED, outcomes, told

REPORT = Path(__file__).parent.parent / "docs" / "fuzz.md"


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
    text = (
        "# Fuzzing the reading\n\n"
        f"`python -m benchmarks.fuzz --mutants {asked.mutants} --seed {asked.seed} --write` (mutants {first} to {first + asked.mutants - 1}; "
        "`python -m tests.fuzz NUMBER` shows one again).\nFates: read, refused with a finding (its code), crashed (the native reader ended its "
        "worker; in the program that is the finding file.crashed), slow, defect.\n\n" + told(found) + "\n"
    )
    print(f"\n{text}\n{time.monotonic() - start:.0f} s")
    if asked.write:
        REPORT.write_text(text, encoding="utf-8")
    return int(any(one.wrong or one.fate in FAILED for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
