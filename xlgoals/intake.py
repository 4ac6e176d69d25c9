"""Many paths to one batch of tables."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from xlgoals.errors import Refused
from xlgoals.findings import Catalogue, Finding
from xlgoals.forms import Forms
from xlgoals.limits import Limits
from xlgoals.parse import understand
from xlgoals.read import read_book
from xlgoals.records import At, Given, Return
from xlgoals.settle import settled
from xlgoals.sources import Source, files_in
from xlgoals.spec import load_forms
from xlgoals.stamp import OUTPUT_PROPERTY
from xlgoals.store import Piece, Store
from xlgoals.tables import Tables, from_bytes, tabulate, to_bytes
from xlgoals.workers import deadline, work_through

SELDOM = (1_000_000, 10, 10)  # a file makes very many small things and no rings of them: looking for rings took a third of the time
Progress = Callable[[int, int], None]
Taken = tuple[str, list[Return] | None, list[Finding]]


@dataclass(frozen=True, slots=True)
class Intake:
    """What reading a batch gave: its tables, the files that were read, and how many of our own outputs were passed over."""

    tables: Tables
    sources: tuple[Source, ...]
    outputs: int


class Job(NamedTuple):
    """What a worker must know beside its files."""

    forms: tuple[str, ...]
    given: Given
    limits: Limits


def gather(
    paths: Iterable[str | Path],
    *,
    forms_dirs: tuple[str, ...] = (),
    given: Given = Given(),  # noqa: B008  an immutable tuple
    jobs: int | None = None,
    executor: Executor | None = None,
    on_progress: Progress | None = None,
    limits: Limits | None = None,
) -> Intake:
    """Read files and folders into the tables of one batch.

    Files are read in `jobs` worker processes, even a single one, or in the executor given: the reader is native code, and
    what kills it must not kill the command. When a worker dies, the files it may have had are read again under supervision,
    so that the culprit is named and the rest is kept.
    """
    job = Job(tuple(forms_dirs), given, limits or Limits())
    catalogue = _forms(job.forms).catalogue
    sources, findings = files_in(paths, catalogue, job.limits)
    answers = _read(sources, job, catalogue, jobs, executor, on_progress)
    tables = from_bytes([*(answer.tables for answer in answers), to_bytes(tabulate([], findings))])
    outputs = {name for answer in answers for name in answer.outputs}
    return Intake(
        settled(tables, {source.name: source.changed for source in sources}, catalogue),
        tuple(source for source in sources if source.name not in outputs),
        len(outputs),
    )


def read_into(
    store: Store,
    sources: Sequence[Source],
    *,
    forms_dirs: tuple[str, ...] = (),
    given: Given = Given(),  # noqa: B008  an immutable tuple
    jobs: int | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int, int, int], None] | None = None,
    limits: Limits | None = None,
) -> None:
    """Read files, as `gather` does, into a store; those that it knows are not read again. Whatever ends the run early, what was
    read until then is kept."""
    job = Job(tuple(forms_dirs), given, limits or Limits())
    rest = store.known(sources)
    known = len(sources) - len(rest)

    def taken(items: Sequence[Source], answers: list[Piece]) -> None:
        for own, answer in [(items, answers[0])] if len(answers) == 1 else zip(([one] for one in items), answers, strict=True):
            store.keep(own, answer)

    def progress(done: int, total: int) -> None:
        if on_progress:
            on_progress(known + done, known + total, store.problems)

    _read(rest, job, _forms(job.forms).catalogue, jobs, executor, progress, taken)


def _read(
    sources: Sequence[Source],
    job: Job,
    catalogue: Catalogue,
    jobs: int | None,
    executor: Executor | None,
    on_progress: Progress | None,
    taken: Callable[[Sequence[Source], list[Piece]], None] | None = None,
) -> list[Piece]:
    progress = on_progress or (lambda done, total: None)
    progress(0, len(sources))

    def lost(source: Source, slow: bool) -> Piece:
        code = "file.too_slow" if slow else "file.crashed"
        return _answer({source: ("", [], [catalogue.finding(code, At(source.name), detail=f"{job.limits.seconds:g}")])})

    return work_through(
        sources, partial(take_files, job=job), lost,
        limits=job.limits, jobs=jobs or os.cpu_count() or 1, executor=executor, on_done=progress, taken=taken,
    )  # fmt: skip


def take_files(sources: Sequence[Source], job: Job) -> Piece:
    """Read some files, in a worker; one that takes too long ends the worker, since native code cannot be stopped."""
    _forms(job.forms)  # not on the first file's time
    taken = {}
    for source in sources:
        with deadline(job.limits.seconds):
            taken[source] = take_file(source, job)
    return _answer(taken)


def take_file(source: Source, job: Job) -> Taken:
    """Read one file: the hash of its bytes, returns and findings; None for these when it is one of our own outputs."""
    forms = _forms(job.forms)
    at, catalogue = At(source.name), forms.catalogue
    try:
        book = read_book(source.path, name=source.name, limits=job.limits)
        if OUTPUT_PROPERTY in book.properties:
            return book.sha256, None, []
        returns, findings = understand(book, forms, job.given)
        return book.sha256, returns, [*(catalogue.finding(f"book.{flag}", at) for flag in book.flags), *findings]
    except Refused as refused:
        return "", [], [catalogue.finding(refused.code, at, detail=refused.detail)]
    except MemoryError:
        return "", [], [catalogue.finding("file.too_large", at, detail="内存不足")]
    except Exception as error:  # a defect of ours must not take the other files with it
        return "", [], [_crash(at, error, catalogue)]


@lru_cache(maxsize=4)
def _forms(folders: tuple[str, ...]) -> Forms:
    forms = load_forms(folders)
    if multiprocessing.parent_process() is not None:
        gc.freeze()  # what a worker keeps for good need not be looked through again with every file
        gc.set_threshold(*SELDOM)
    return forms


def _crash(at: At, error: Exception, catalogue: Catalogue) -> Finding:
    """Report a defect of the program, with the place in our code where it came up."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    told = f"{type(error).__name__}: {error}"[:200]
    return catalogue.finding("internal.crash", at, found=told, detail=place, error=told)


def _answer(taken: Mapping[Source, Taken]) -> Piece:
    returns = [one for _, some, _ in taken.values() for one in some or ()]
    findings = [one for _, _, some in taken.values() for one in some]
    return Piece(
        to_bytes(tabulate(returns, findings)),
        {source.name: told[0] for source, told in taken.items() if told[0]},
        tuple(source.name for source, told in taken.items() if told[1] is None),
        sum(finding.open for finding in findings),
    )
