"""Many paths to one batch of tables."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from xlgoals.errors import Refused
from xlgoals.explanations import Said, is_list, without_lists
from xlgoals.findings import Catalogue, Finding
from xlgoals.forms import Forms
from xlgoals.keys import keyed
from xlgoals.limits import Limits
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.records import At, Given, Return
from xlgoals.settle import settled
from xlgoals.sources import Source, files_in, opened
from xlgoals.spec import load_forms
from xlgoals.stamp import OUTPUT_PROPERTY, stamp_findings
from xlgoals.store import Piece, Store
from xlgoals.tables import Tables, from_bytes, tabulate, to_bytes, with_findings
from xlgoals.wording import load_return_words
from xlgoals.workers import begin, deadline, work_through

SELDOM = (1_000_000, 10, 10)  # a file makes very many small things and no rings of them: looking for rings took a third of the time
Progress = Callable[[int, int], None]


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
    key: bytes = b""  # of a cycle whose stamps are signed
    judge: bool = False  # whether it also judges each form, by the rules that look at one alone


class Taken(NamedTuple):
    """What one file gave: whether it is one of our own outputs, of which nothing is taken, and the hash of its bytes where they
    could be read."""

    returns: Sequence[Return] = ()
    findings: Sequence[Finding] = ()
    answers: Sequence[Said] = ()
    sha256: str = ""
    output: bool = False


def gather(
    paths: Iterable[str | Path],
    *,
    forms_dirs: tuple[str, ...] = (),
    given: Given = Given(),  # noqa: B008  an immutable tuple
    jobs: int | None = None,
    executor: Executor | None = None,
    on_progress: Progress | None = None,
    limits: Limits | None = None,
    key: bytes = b"",
) -> Intake:
    """Read files and folders into the tables of one batch, a return that came in several files once. With a cycle's `key` every
    stamp must be signed with it.

    Files are read in `jobs` worker processes, even a single one, or in the executor given: the reader is native code, and
    what kills it must not kill the command. When a worker dies, the files it may have had are read again under supervision,
    so that the culprit is named and the rest is kept.
    """
    job = Job(tuple(forms_dirs), given, limits or Limits(), key)
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
    key: bytes = b"",
) -> None:
    """Read files, as `gather` does, into a store, and judge each form as far as it can be judged alone; those that it knows are not
    read again. Whatever ends the run early, what was read until then is kept."""
    from xlgoals.rules import lint

    job = Job(tuple(forms_dirs), given, limits or Limits(), key, judge=True)
    forms = _forms(job.forms)
    lint(forms.catalogue, tuple(forms.money_units.items()))  # here, not in a worker: a mistake in the rules is no fault of a file
    jobs = jobs or os.cpu_count() or 1
    begun: list[Executor] = []
    rest = store.known(sources, lambda: begun.append(begin(partial(take_files, job=job), jobs, job.limits)) if executor is None else None)
    known = len(sources) - len(rest)

    def taken(items: Sequence[Source], answers: list[Piece]) -> None:
        for own, answer in [(items, answers[0])] if len(answers) == 1 else zip(([one] for one in items), answers, strict=True):
            store.keep(own, answer)

    def progress(done: int, total: int) -> None:
        if on_progress:
            on_progress(known + done, known + total, store.problems)

    _read(rest, job, forms.catalogue, jobs, executor, progress, taken, begun[0] if begun else None)


def _read(
    sources: Sequence[Source],
    job: Job,
    catalogue: Catalogue,
    jobs: int | None,
    executor: Executor | None,
    on_progress: Progress | None,
    taken: Callable[[Sequence[Source], list[Piece]], None] | None = None,
    begun: Executor | None = None,
) -> list[Piece]:
    progress = on_progress or (lambda done, total: None)
    progress(0, len(sources))

    def lost(source: Source, slow: bool) -> Piece:
        code = "file.too_slow" if slow else "file.crashed"
        return _answer({source: Taken(findings=[catalogue.finding(code, At(source.name), detail=job.limits.told("seconds"))])}, job)

    return work_through(
        sources, partial(take_files, job=job), lost,
        limits=job.limits, jobs=jobs or os.cpu_count() or 1, executor=executor, on_done=progress, taken=taken,
        weigh=lambda source: source.size, begun=begun,
    )  # fmt: skip


def take_files(sources: Sequence[Source], job: Job) -> Piece:
    """Read some files, in a worker; one that takes too long ends the worker, since native code cannot be stopped."""
    _forms(job.forms)  # not on the first file's time
    load_return_words()
    if job.judge:
        import xlgoals.check  # noqa: F401
    taken = {}
    for source in sources:
        with deadline(job.limits.seconds):
            taken[source] = take_file(source, job)
    return _answer(taken, job)


def take_file(source: Source, job: Job) -> Taken:
    """Read one file. One that went back with marks is a return all the same: its list of problems is taken off, with what the
    unit wrote there."""
    forms = _forms(job.forms)
    at, catalogue = At(source.name), forms.catalogue
    try:
        book = read_bytes(_bytes(source, job.limits), name=source.name, limits=job.limits)
        if OUTPUT_PROPERTY in book.properties:
            return Taken(sha256=book.sha256, output=True)
        sha256 = book.sha256
        book, answers = without_lists(book, load_return_words().list)
        if is_list(book):
            return Taken(answers=answers, sha256=sha256)
        returns, findings = understand(book, forms, job.given)
        signed = stamp_findings(book, returns, job.key, catalogue)
        return Taken(returns, [*(catalogue.finding(f"book.{flag}", at) for flag in book.flags), *signed, *findings], answers, sha256)
    except Refused as refused:
        return Taken(findings=[catalogue.finding(refused.code, at, detail=refused.detail)])
    except MemoryError:
        short = job.limits.beyond("memory", "内存不足")
        return Taken(findings=[catalogue.finding(short.code, at, detail=short.detail)])
    except Exception as error:  # a defect of ours must not take the other files with it
        return Taken(findings=[_crash(at, error, catalogue)])


def _bytes(source: Source, limits: Limits) -> bytes:
    """No more of a file than may be read: one byte beyond tells that it is too large."""
    try:
        with opened(source) as file:
            return file.read(limits.file_bytes + 1)
    except OSError as error:
        raise Refused("file.unreadable", error.strerror or type(error).__name__) from error


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


def _answer(taken: Mapping[Source, Taken], job: Job) -> Piece:
    told, forms = taken.values(), _forms(job.forms)
    tables = tabulate((one for some in told for one in some.returns), (), (one for some in told for one in some.answers))
    findings = keyed((one for some in told for one in some.findings), tables, forms.catalogue)
    tables = with_findings(tables, findings)
    if job.judge and tables.returns.height:
        from xlgoals.check import alone  # pandera takes half a second to load: only for those who judge

        tables = replace(tables, judged=alone(tables, forms))
    return Piece(
        to_bytes(tables),
        {source.name: one.sha256 for source, one in taken.items() if one.sha256},
        tuple(source.name for source, one in taken.items() if one.output),
        sum(finding.open for finding in findings),
    )
