"""How much the guard and the making of cells cost, as ratios of the native reader reading every cell of the same file.

    python benchmarks/reading.py DIR [ROUNDS]

All candidates run in turn within each round, so that a change of the machine's speed falls on all of them; quote the ratios.
"""

from __future__ import annotations

import gc
import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from python_calamine import CalamineWorkbook

from xlgoals import guard
from xlgoals.errors import Refused
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.spec import load_forms


def read_natively(data: bytes) -> int:
    """Read all cells and merges with the native reader alone."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    cells = 0
    for number in range(len(book.sheet_names)):
        sheet = book.get_sheet_by_index(number)
        cells += sum(map(len, sheet.to_python(skip_empty_area=False))) + len(sheet.merged_cell_ranges or ())
    return cells


def main(folder: Path, rounds: int = 11) -> None:
    forms = load_forms()
    gc.freeze()  # as workers do
    files: list[bytes] = []
    for path in sorted(folder.rglob("*.xls*")):
        data = path.read_bytes()
        try:
            guard.inspect(data)
            files.append(data)
        except Refused as refused:
            print(f"{path}: {refused}")
    if not files:
        raise SystemExit("no workbook that may be read")
    candidates: dict[str, Callable[[bytes], object]] = {
        "native reader": read_natively,
        "guard": guard.inspect,
        "guard + read": lambda data: read_bytes(data, name="a"),
        "guard + read + understand": lambda data: understand(read_bytes(data, name="a"), forms),
    }
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            gc.collect()
            start = time.perf_counter()
            for data in files:
                run(data)
            if turn:  # the first round warms up
                taken[name].append(time.perf_counter() - start)
    base = taken["native reader"]
    print(f"{len(files)} files, {rounds} rounds; median of the ratios within each round, and their range")
    for name, times in taken.items():
        ratios = [one / other for one, other in zip(times, base, strict=True)]
        each = statistics.median(times) / len(files) * 1000
        print(f"{name:26} {each:8.2f} ms a file   {statistics.median(ratios):5.2f} x   {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
