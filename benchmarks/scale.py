"""All figures of docs/performance.md, measured side by side in one run.

    python -m benchmarks.scale FOLDER [--workbooks 2000] [--larger 20000] [--naive 100] [--bench-python PYTHON] [--write]

FOLDER gets the corpora and all outputs (20,000 workbooks with all that is made of them: some 15 GB). What is compared runs in turn on the same machine in the same minutes, and the ratio is quoted;
each figure is given by wall time and by processor time, since a machine that others use stretches the first. `--bench-python` is
a Python with pandas (`pip install -e .[bench]`) for the comparison with a plain script. `--write` writes docs/performance.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import hashlib
import io
import json
import multiprocessing
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from benchmarks.corpus import SEED, Press, fill_folder, further
from benchmarks.distribute import measure

ROOT = Path(__file__).parent.parent
Row = tuple[str, str, str, str]  # what, reach, measured, how


def natively(path: str) -> int:
    """Read all cells of all sheets with the native reader, and nothing else."""
    book = CalamineWorkbook.from_path(path)
    return sum(len(row) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False))


def natively_all(paths: Sequence[str]) -> int:
    return sum(map(natively, paths))


def spent() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of something, its finished child processes included."""
    wall, used = time.perf_counter(), spent()
    run()
    return time.perf_counter() - wall, spent() - used


def two_processes(files: Sequence[Path]) -> tuple[float, float]:
    """Reading all cells natively, in two processes that are up already."""
    chunks = [[str(path) for path in files[at : at + 25]] for at in range(0, len(files), 25)]
    used = spent()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(natively_all, [[], []]))
        started = time.perf_counter()
        list(pool.map(natively_all, chunks))
        wall = time.perf_counter() - started
    return wall, spent() - used


def phases(folder: Path, output: Path, state: Path | None) -> dict[str, Any]:
    """A whole run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.phases", str(folder), str(output), *([str(state)] if state else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def checked(folder: Path, state: Path) -> float:
    """Processor seconds of the check alone."""
    command = [sys.executable, "-m", "benchmarks.phases", "--check", str(folder), str(state)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "POLARS_MAX_THREADS": "1"})
    return float(json.loads(done.stdout))


def one_process(files: Sequence[Path], rounds: int) -> Row:
    """Guard, read, locate and parse, against the native reader; each round has other workbooks, so that nothing is remembered."""
    from xlgoals.intake import SELDOM
    from xlgoals.parse import understand
    from xlgoals.read import read_bytes
    from xlgoals.spec import load_forms

    forms = load_forms()
    gc.freeze()  # as a worker does
    gc.set_threshold(*SELDOM)
    each = max(1, len(files) // (rounds + 1))
    ratios, whole = [], []
    for turn in range(rounds + 1):
        datas = [path.read_bytes() for path in files[turn * each : (turn + 1) * each]]
        start = time.process_time()
        for data in datas:
            book = CalamineWorkbook.from_filelike(io.BytesIO(data))
            for name in book.sheet_names:
                book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        middle = time.process_time()
        for data in datas:
            understand(read_bytes(data, name="a"), forms)
        end = time.process_time()
        if turn:  # the first round warms up
            ratios.append((end - middle) / (middle - start))
            whole.append((end - middle) / len(datas) * 1000)
    told = f"{statistics.median(ratios):.2f} ×（{min(ratios):.2f} 至 {max(ratios):.2f}）"
    return "guard + read + locate + parse, one process", "≤ 3.5 × calamine (aim 2.5)", told, f"{statistics.median(whole):.1f} ms a workbook, processor time, {rounds} rounds of {each} workbooks"


def changed_copy(folder: Path, copy: Path, share: float) -> int:
    """The same corpus again (hard links), one workbook in so many with other content."""
    from xlgoals.spec import load_forms

    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, copy_function=os.link)
    files = sorted(copy.rglob("*.xlsx"))
    picked = random.Random(SEED).sample(range(len(files)), max(1, round(len(files) * share)))
    press = Press(load_forms())
    names = {path.name: path for path in files}
    for number in picked:
        name, data = press.workbook(number, random.Random(number))  # the same unit, other projects
        path = names.get(Path(name).name, files[number])
        path.unlink()
        path.write_bytes(data)
    return len(picked)


def long_sheet(folder: Path, rows: int) -> Row:
    """A sheet of 20 columns, 12 of text: this program's writer against xlsxwriter's constant_memory, which gets a tenth of the rows."""
    import polars as pl
    import xlsxwriter

    from xlgoals.longsheet import Look, Rows, insert, rows_xml

    words = [f"指标名称{n}数量情况" for n in range(5_000)]
    texts = {f"t{j}": [words[(i * 7 + j * 13) % 5_000] for i in range(rows)] for j in range(12)}
    frame = pl.DataFrame({**texts, **{f"n{j}": [i * 1.25 + j for i in range(rows)] for j in range(8)}})

    def ours() -> None:
        package = io.BytesIO()
        book = xlsxwriter.Workbook(package, {"in_memory": True})
        book.add_worksheet("明细").write_row(0, 0, frame.columns, book.add_format({"border": 1}))
        book.close()
        looks = {"": [Look(1, kind == pl.String) for kind in frame.dtypes]}
        insert(package, folder / "ours.xlsx", {"xl/worksheets/sheet1.xml": Rows(rows_xml(frame, looks, 1, "…"), rows + 1)})

    def theirs() -> None:
        book = xlsxwriter.Workbook(folder / "theirs.xlsx", {"constant_memory": True})
        sheet, look = book.add_worksheet("明细"), book.add_format({"border": 1})
        for row, values in enumerate(frame.head(rows // 10).iter_rows()):
            for col, value in enumerate(values):
                (sheet.write_string if col < 12 else sheet.write_number)(row, col, value, look)
        book.close()

    mine, other = timed(ours), timed(theirs)
    told = f"{other[0] * 10 / mine[0]:.1f} ×（处理器时间 {other[1] * 10 / mine[1]:.1f} ×）"
    return f"a {rows:,}-row detail sheet", "≥ 5 × xlsxwriter constant_memory", told, f"{mine[0]:.1f} s against {other[0] * 10:.0f} s (a tenth measured); {(folder / 'ours.xlsx').stat().st_size >> 20} MB"


def help_text(rounds: int) -> Row:
    def once(*command: str) -> float:
        return timed(lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=ROOT))[1]

    pairs = [(once("-m", "xlgoals", "--help"), once("-c", "pass")) for _ in range(rounds)]
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    return "`--help`", "≤ 5 × a bare interpreter", f"{ratio:.1f} ×", f"{min(one for one, _ in pairs) * 1000:.0f} ms against {min(bare for _, bare in pairs) * 1000:.0f} ms, processor time, median of {rounds}"


def distributed(units: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        each, copied, drawn = measure(Path(folder), units, 18, 5)
    return f"distribute {units:,} pre-filled workbooks", "≤ 2 × a raw copy of the same zip members; ≥ 50 × faster than rendering each", f"{copied:.2f} ×; {drawn:.0f} ×", f"{each:.1f} ms a workbook, processor time"


def larger(folder: Path, files: Sequence[Path], corpus: Path, count: int, first: dict[str, Any]) -> list[Row]:
    """One run over many more workbooks: those of the corpus again for further counties."""
    many = folder / f"corpus-{count}"
    if len(list(many.rglob("*.xlsx"))) < count:
        for _ in further(files, corpus, many, count):
            pass
    told = phases(many, folder / "out" / "larger.xlsx", None)
    few = len(files)

    def each(run: dict[str, Any]) -> tuple[float, float]:
        return run["total"] - run["start"], sum(value for name, value in run.items() if name.endswith("_cpu") and name != "start_cpu")

    near = [seconds / few for seconds in each(first)]
    far = [(more - less) / (count - few) for more, less in zip(each(told), each(first), strict=True)]
    cost = [after / before for before, after in zip(near, far, strict=True)]
    return [
        ("memory", "flat from 2,000 to 20,000", f"{told['memory']} MB at {count:,} workbooks, {first['memory']} MB at {few:,}", f"largest worker {told['worker_memory']} MB"),
        ("cost of a further workbook", f"at {few:,} and at {count:,} within ±25 %", f"{cost[0]:.2f} ×（处理器时间 {cost[1]:.2f} ×）", f"{near[0] * 1000:.1f} and {far[0] * 1000:.1f} ms; {told['total']:.0f} s for {count:,}, {told['forms']:,} forms, {told['indicators']:,} indicators"),
    ]  # fmt: skip


def naive(python: str, folder: Path, output: Path, count: int) -> tuple[float, float]:
    """Seconds a workbook of the plain script, by the wall and by the processor."""
    used = spent()
    done = subprocess.run([python, "-m", "benchmarks.naive", str(folder), str(output), str(count)], check=True, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return json.loads(done.stdout)["seconds"] / count, (spent() - used) / count


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workbooks", type=int, default=2_000)
    parser.add_argument("--larger", type=int, default=0, help="so many workbooks, once, for memory and the cost of a further one")
    parser.add_argument("--naive", type=int, default=100)
    parser.add_argument("--units", type=int, default=2_000, help="so many workbooks to distribute")
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bench-python", default="")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    folder: Path = given.folder
    files = fill_folder(folder / f"corpus-{given.workbooks}", given.workbooks)
    corpus, out = folder / f"corpus-{given.workbooks}", folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    rows: list[Row] = [one_process(files, given.rounds)]
    show(rows)
    before = two_processes(files)
    first = phases(corpus, out / "first.xlsx", out / "first.xlgoals-state")
    after = two_processes(files)
    base = tuple(map(statistics.mean, zip(before, after, strict=True)))
    used = sum(value for name, value in first.items() if name.endswith("_cpu"))
    rows.append((
        f"`consolidate` of {len(files):,}, read to written summary and Parquet, two processes", "≤ 5 × two processes merely reading (aim 3.5)",
        f"{first['total'] / base[0]:.2f} ×（处理器时间 {used / base[1]:.2f} ×）",
        f"{first['total']:.1f} s: start {first['start']:.1f}, read {first['read']:.1f}, judge and add up {first['judge']:.1f}, workbook {first['workbook']:.1f}, "
        f"Parquet {first['parquet']:.1f}; merely reading {base[0]:.1f} s",
    ))  # fmt: skip
    found, check = sum(first["findings"].values()), checked(corpus, out / "first.xlgoals-state")
    rows.append(("check", "≤ 5 % of the whole", f"{check / used:.1%}", f"processor time: {check:.2f} of {used:.1f} s, {first['indicators']:,} indicators, {found:,} findings, {found / first['forms']:.1f} a form"))
    rows.append(("memory", "parent below 500 MB", f"{first['memory']} MB", f"largest worker {first['worker_memory']} MB"))
    rows.append(("start-up", "≤ 2 s", f"{first['start']:.2f} s", f"{first['start_cpu']:.2f} s of processor time; first answer of a worker {first['first_answer']} s after that"))
    show(rows[1:])
    changed = changed_copy(corpus, folder / "changed", 0.01)
    shutil.copy(out / "first.xlgoals-state", out / "again.xlgoals-state")
    again = phases(folder / "changed", out / "again.xlsx", out / "again.xlgoals-state")
    fresh = phases(folder / "changed", out / "fresh.xlsx", None)
    same = digest(out / "again.xlsx") == digest(out / "fresh.xlsx")
    rows.append((
        f"again, with {changed} of {len(files):,} changed", "reading ≤ 0.05 ×, whole ≤ 0.4 ×, the same bytes",
        f"reading {again['read'] / fresh['read']:.3f} ×, whole {again['total'] / fresh['total']:.2f} ×, {'the same bytes' if same else 'OTHER BYTES'}",
        f"{again['read']:.2f} s against {fresh['read']:.1f} s; {again['total']:.1f} s against {fresh['total']:.1f} s; state {first['bytes']['state'] >> 20} MB",
    ))  # fmt: skip
    if given.bench_python:
        wall, cpu = naive(given.bench_python, corpus, out / "naive.xlsx", given.naive)
        rows.append((
            "against openpyxl + pandas", "≥ 40 ×", f"{wall * len(files) / first['total']:.0f} ×（处理器时间 {cpu * len(files) / used:.0f} ×）",
            f"{wall * 1000:.0f} ms a workbook, measured on {given.naive}; it checks nothing and keeps no places",
        ))  # fmt: skip
    rows += [long_sheet(out, given.rows), help_text(15), distributed(given.units)]
    show(rows[5:])
    if given.larger:
        rows += larger(folder, files, corpus, given.larger, first)
        show(rows[-2:])
    if given.write:
        write(rows, first, len(files))


def show(rows: Sequence[Row]) -> None:
    for what, reach, told, how in rows:
        print(f"{what}\n    {reach}\n    {told}\n    {how}", flush=True)


def write(rows: Sequence[Row], first: dict[str, Any], workbooks: int) -> None:
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    lines = [
        "# Speed, measured", "",
        f"By `python -m benchmarks.scale` on {dt.date.today().isoformat()}, {platform.platform()}, {model}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}.",  # noqa: DTZ011
        "Quote the ratios: what is compared ran in turn in one run. Where others use the machine, processor time is the steadier figure.", "",
        f"Corpus: {workbooks:,} unit workbooks with 20 forms each in the `qinglong-2024` form (`benchmarks/corpus.py`, fixed seed), {first['forms']:,} forms, {first['indicators']:,} indicators.", "",
        "| what | reach | measured | how |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows), "",
    ]  # fmt: skip
    (ROOT / "docs" / "performance.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
