"""The batches of a run judged in several processes, and given back in their order.

Reading uses all processors; judging one batch after the other would leave all but one idle. Only findings cross the border
back. Where a process dies (of memory, mostly) its batch is judged here.
"""

from __future__ import annotations

import io
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from functools import partial

import polars as pl

from xlgoals.check import check
from xlgoals.forms import Forms
from xlgoals.subjects import Subject
from xlgoals.tables import Tables, from_bytes, to_bytes, with_findings
from xlgoals.workers import PROCESSES_MOST, start_worker

FEWEST = 3  # batches for which starting processes pays
_law: tuple[Forms, Sequence[Subject]]  # by which a process judges, given to it once


def judged(batches: Iterable[Tables], count: int, forms: Forms, subjects: Sequence[Subject], jobs: int | None) -> Iterator[Tables]:
    """Each of `count` batches with what the rules found in it; some more are held than there are `jobs`, never all."""
    here = partial(check, forms=forms, subjects=subjects)
    size = min(jobs or os.cpu_count() or 1, count, PROCESSES_MOST)
    if size < 2 or count < FEWEST:
        for tables in batches:
            yield with_findings(tables, here(tables))
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(size, spawn, initializer=_start, initargs=(forms, tuple(subjects))) as pool:
        waiting: deque[tuple[Tables, Future[bytes] | None]] = deque()

        def first() -> Tables:
            tables, told = waiting.popleft()
            try:
                found = told.result() if told else None
            except BrokenExecutor:
                found = None
            if found is None:
                return with_findings(tables, here(tables))
            return with_findings(tables, pl.read_ipc_stream(io.BytesIO(found)))

        for tables in batches:
            try:
                waiting.append((tables, pool.submit(_judge, to_bytes(tables))))
            except BrokenExecutor:
                waiting.append((tables, None))
            del tables
            if len(waiting) > size:
                yield first()
        while waiting:
            yield first()


def _start(forms: Forms, subjects: Sequence[Subject]) -> None:
    global _law
    start_worker()
    _law = forms, subjects


def _judge(packed: Mapping[str, bytes]) -> bytes:
    """What the rules find in a batch, packed."""
    tables = from_bytes([packed])
    found = with_findings(tables, check(tables, *_law)).findings.slice(tables.findings.height)
    buffer = io.BytesIO()
    found.write_ipc_stream(buffer, compression="lz4")
    return buffer.getvalue()
