"""One run of `consolidate` in this process and its workers, phase by phase, as one line of JSON.

    python -m benchmarks.phases FOLDER OUTPUT [STATE]
    python -m benchmarks.phases --check FOLDER STATE

Seconds of wall time and of processor time (this process and its workers), the peak memory of both, and the sizes of what was written:
the summary workbook and beside it the same summary as Parquet. With `--check` the processor seconds of the rules alone, over what an
earlier run left.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()


def memory() -> tuple[int, int]:
    """Peak MB of this process and of the largest of its finished workers."""
    return tuple(resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # type: ignore[return-value]


def spent() -> float:
    """Processor seconds of this process and its finished workers."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def checking(folder: Path, state: Path) -> None:
    """The check alone, which a run leaves to its workers: all batches once more, on one thread as there."""
    from xlgoals.batches import planned
    from xlgoals.check import check
    from xlgoals.records import Given
    from xlgoals.sources import files_in
    from xlgoals.spec import load_forms
    from xlgoals.store import Store, circumstances

    forms, used = load_forms(), 0.0
    sources, _ = files_in([folder], forms.catalogue)
    with Store(state, circumstances((), Given())) as store:
        assert not store.known(sources), "the state is another program's"
        for batch in planned(store, sources).batches:
            tables = store.tables(batch)
            start = time.process_time()
            check(tables, forms)
            used += time.process_time() - start
    print(json.dumps(round(used, 3)))


def main(folder: Path, output: Path, state: Path | None) -> None:
    from xlgoals import batches
    from xlgoals.intake import read_into
    from xlgoals.records import Given
    from xlgoals.sources import files_in
    from xlgoals.spec import load_forms
    from xlgoals.store import Store, circumstances
    from xlgoals.summary import About, write_data, write_summary

    output.parent.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {}
    at, used = BEGAN, 0.0

    def lap(name: str) -> None:
        nonlocal at, used
        now, cost = time.perf_counter(), spent()
        told[name], told[f"{name}_cpu"] = round(now - at, 3), round(cost - used, 3)
        at, used = now, cost

    forms = load_forms()
    lap("start")
    sources, listed = files_in([folder], forms.catalogue)
    first: list[float] = []

    def progress(done: int, total: int, problems: int) -> None:
        if done > known and not first:
            first.append(time.perf_counter() - at)

    with Store(state, circumstances((), Given())) as store, tempfile.TemporaryDirectory() as work:
        known = 0
        read_into(store, sources, jobs=2, on_progress=progress)
        lap("read")
        told["first_answer"] = round(first[0], 3) if first else None
        summary, tally = batches.summarised(store, sources, listed, forms, Path(work))
        lap("judge")
        write_summary(summary, output, told=About(base=folder))
        lap("workbook")
        write_data(summary, output.with_suffix(""), "parquet")
        lap("parquet")
        told["memory"], told["worker_memory"] = memory()
        told["total"] = round(time.perf_counter() - BEGAN, 3)
    told["files"], told["forms"], told["indicators"], told["findings"] = tally.files, tally.forms, tally.indicators, dict(tally.severities)
    told["bytes"] = {"workbook": output.stat().st_size, "parquet": sum(p.stat().st_size for p in output.with_suffix("").rglob("*") if p.is_file())}
    if state:
        told["bytes"]["state"] = state.stat().st_size
    print(json.dumps(told))


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        checking(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3:] else None)
