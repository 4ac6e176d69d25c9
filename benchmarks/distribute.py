"""How fast unit workbooks are made: against a raw copy of the same zip members, and against drawing each.

    python -m benchmarks.distribute [--units 2000] [--projects 18] [--rounds 5]

A roster of so many units in the form `qinglong-2024`, so many known projects each (name and code) and two spare sheets, signed
stamps. In each round the three ways take turns, so that a busy machine slows all of them:

- distribute: `write_issues`: fill the cells in, write each workbook whole or not at all, hash it for the manifest;
- raw copy: open each of these workbooks, and write its members, as they lie compressed in it, into a new zip file, in the same way;
- drawing each: `render` with the same content, for a few units.

The figures are ratios of the medians over the rounds; the drawing of the one blank form stands apart.
"""

from __future__ import annotations

import argparse
import gc
import io
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from xlgoals.cycle import create_cycle, load_cycle
from xlgoals.distribute import Issue, issues, write_issues
from xlgoals.mould import Packed, assemble, members
from xlgoals.outputs import write_whole
from xlgoals.render import blank, render
from xlgoals.roster import Project, Roster, Unit

KEY = b"a key of some length"
DRAWN = 3  # units drawn each round
WORDS = ("城乡居民基本医疗保险县级财政补助资金", "离休人员医疗费", "医疗救助一站式结算服务费", "药品集中采购结余留用", "信息系统运行维护", "乡村道路养护")


def roster(units: int, projects: int) -> Roster:
    """Units of ten departments, their projects with names of realistic length."""
    found = {}
    for n in range(units):
        code, department = f"{n % 10 + 400}{n:05}", f"{n % 10 + 400}"
        own = tuple(Project(code, f"{WORDS[(n + k) % len(WORDS)]}（第{n}号单位{k + 1}）", f"13032126P{n:06}{k:05}Y") for k in range(projects))
        found[code] = Unit(code, f"某某县第{n}事业服务中心", f"第{n % 10}局", department, "所属单位", department, True, projects=own)
    return Roster(found)


def seconds(work: Callable[[], object]) -> float:
    """Processor time, the system's share included: on a shared machine the clock would measure the others."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--projects", type=int, default=18)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.units, given.projects, given.rounds)


def measure(folder: Path, units: int, projects: int, rounds: int) -> tuple[float, float, float]:
    """Milliseconds a workbook, the ratio to a raw copy, and that of drawing each."""
    create_cycle(folder / "cycle", "2026", "qinglong-2024")
    cycle, forms = load_cycle(folder / "cycle")
    wanted: list[Issue] = []
    planned = seconds(lambda: wanted.extend(issues(cycle, forms, roster(units, projects), {})))
    drawings: list[float] = []
    ways: dict[str, list[float]] = {"distribute": [], "raw copy": [], "raw copy, from memory": [], "drawing each": []}
    sent, out = folder / "sent", folder / "out"
    write_issues(wanted, sent, forms, KEY)
    for n in range(rounds):
        drawings.append(seconds(lambda: blank(forms, forms["qinglong-2024"], wanted[0].count)))
        some = wanted[n * DRAWN : (n + 1) * DRAWN]
        turns: list[tuple[str, int, Callable[[], object]]] = [
            ("distribute", units, lambda: write_issues(wanted, out, forms, KEY)),
            ("raw copy", units, lambda: raw_copy(sent, out)),
            ("raw copy, from memory", units, lambda: raw_copy_from_memory(sent, out)),
            ("drawing each", DRAWN, partial(draw, some, out, forms)),
        ]
        for way, count, work in turns[n % 4 :] + turns[: n % 4]:  # the file system is not the same to the first and the last
            took = seconds(work) - (drawings[-1] if way == "distribute" else 0)
            ways[way].append(took / count)
            shutil.rmtree(out)
    size = median(path.stat().st_size for path in sent.rglob("*.xlsx"))
    print(f"{units} workbooks of {wanted[0].count} project sheets, {size / 1024:.0f} KB each; {rounds} rounds")
    for way, took in ways.items():
        print(f"{way:22} {median(took) * 1000:8.2f} ms a workbook")
    print(f"{'planning':22} {planned / units * 1000:8.2f} ms a workbook; the one drawing {median(drawings):.2f} s, not counted above")
    mine = ways["distribute"]
    copied = median(a / b for a, b in zip(mine, ways["raw copy"], strict=True))
    drawn = median(b / a for a, b in zip(mine, ways["drawing each"], strict=True))
    print(f"distribute / raw copy               {copied:6.2f}")
    print(f"distribute / raw copy, from memory  {median(a / b for a, b in zip(mine, ways['raw copy, from memory'], strict=True)):6.2f}")
    print(f"drawing each / distribute           {drawn:6.0f}")
    return median(mine) * 1000, copied, drawn


def raw_copy(out: Path, copies: Path) -> None:
    """Write every workbook anew from its members as they lie."""
    for path in sorted(out.rglob("*.xlsx")):
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = [Packed.of(member) for member in members(data, package)]
        with write_whole(copies / path.relative_to(out), flush=False) as draft:
            draft.write_bytes(assemble(parts))


def raw_copy_from_memory(out: Path, copies: Path) -> None:
    """Write as many workbooks of one that was opened once."""
    paths = sorted(out.rglob("*.xlsx"))
    data = paths[0].read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        found = list(members(data, package))
    for path in paths:
        with write_whole(copies / path.relative_to(out), flush=False) as draft:
            draft.write_bytes(assemble([Packed.of(member) for member in found]))


def draw(some: list[Issue], folder: Path, forms: object) -> None:
    folder.mkdir()
    for n, one in enumerate(some):
        made = render(forms, one.binder, count=one.count, stamp=one.stamp, content=one.content, projects=one.projects, key=KEY)  # type: ignore[arg-type]
        (folder / f"{n}.xlsx").write_bytes(made)


if __name__ == "__main__":
    main()
