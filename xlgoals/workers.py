"""Work done in processes that may die of it: what ends a process is found out, and everything else is kept."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from xlgoals.limits import Limits

ITEMS_A_TASK = 100
BYTES_A_TASK = 16 << 20  # so much takes a worker some three seconds; what it does once a task, it should not do much oftener
PROCESSES_MOST = 61  # Windows waits for no more
STARTING = 60.0  # seconds a worker may take to start, on a busy machine
Item = TypeVar("Item")
Answer = TypeVar("Answer")
Work = Callable[[Sequence[Item]], Answer]
"""What is done with some items at once; given none, it loads what all items need. Goes to a worker by pickling."""


def work_through(
    items: Sequence[Item],
    work: Work[Item, Answer],
    lost: Callable[[Item, bool], Answer],
    *,
    limits: Limits,
    jobs: int,
    executor: Executor | None,
    on_done: Callable[[int, int], None],
    taken: Callable[[Sequence[Item], list[Answer]], None] | None = None,
    weigh: Callable[[Item], int] = lambda item: 0,
    begun: Executor | None = None,
) -> list[Answer]:
    """Give the answers to all items, in the order of the items, whatever becomes of the workers.

    `lost` answers for an item that ended its process; its second argument tells whether by being slow. With `taken` no answer is
    kept and none returned: each goes there as soon as it comes, with its items, so that nobody holds all of them. A task is some items
    that `weigh` no more than one should, in bytes. `begun` are processes that `begin` has started already.
    """
    tasks = list(_tasks(items, jobs, weigh))
    answers: dict[int, list[Answer]] = {}
    done = 0

    def keep(number: int, answer: list[Answer]) -> None:
        nonlocal done
        answers[number] = [] if taken else answer
        if taken:
            taken(tasks[number], answer)
        done += len(tasks[number])
        on_done(done, len(items))

    def run(pool: Executor) -> None:
        """Keep what the pool answers to the tasks still open; of those it fails, reading under supervision will tell why."""
        futures: dict[Future[Answer], int] = {}
        with contextlib.suppress(BrokenExecutor):
            for number in left():
                futures[pool.submit(work, tasks[number])] = number
        waiting = set(futures)
        while waiting:
            try:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                for future in waiting:  # what is done is kept; what is under way is waited for
                    future.cancel()
                raise
            for future in sorted(finished, key=futures.__getitem__):
                number = futures.pop(future)  # with its answer, which nobody needs to hold twice
                if not future.cancelled() and future.exception() is None:
                    keep(number, [future.result()])

    def left() -> list[int]:
        return [number for number in range(len(tasks)) if number not in answers]

    if executor is not None:
        run(executor)
    while left():
        if executor is None:
            with begun or _pool(min(jobs, len(tasks)), limits) as pool:
                run(pool)
            begun = None
        # tasks begin in their order, so the one that ended a worker is among the first still open; the rest may use a new pool
        for number in left()[: len(tasks) if executor else jobs]:
            keep(number, _supervised(tasks[number], work, lost, limits))
    return [answer for number in range(len(tasks)) for answer in answers[number]]


def begin(work: Work[Item, Answer], jobs: int, limits: Limits) -> Executor:
    """Start processes that load what the work needs while its items are still looked for: that takes them longer than a few items."""
    pool = _pool(jobs, limits)
    for _ in range(jobs):
        pool.submit(work, ())
    return pool


def _pool(size: int, limits: Limits) -> Executor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(min(size, PROCESSES_MOST), spawn, initializer=_start_reader, initargs=(limits.memory,))


def _tasks(items: Sequence[Item], jobs: int, weigh: Callable[[Item], int]) -> Iterator[Sequence[Item]]:
    """Items in their order, some at a time; fewer towards the end, so that no worker is long at its last ones while others have none."""
    most, left = max(1, min(ITEMS_A_TASK, -(-len(items) // jobs))), sum(map(weigh, items))
    begin = held = 0
    for end, item in enumerate(items):
        room = min(BYTES_A_TASK, max(BYTES_A_TASK // 4, left // jobs))
        if end > begin and (end - begin == most or held + weigh(item) > room):
            yield items[begin:end]
            begin, left, held = end, left - held, 0
        held += weigh(item)
    if items:
        yield items[begin:]


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End this process when its work takes longer. A thread of faulthandler does it, also while native code holds the lock.

    Only a worker process may be ended so: an executor of threads works in the caller's own.
    """
    if multiprocessing.parent_process() is None:
        yield
        return
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def start_worker() -> None:
    """What every worker process begins with: one thread, for there are as many processes as processors; deaf to Ctrl-C, which is
    for the command; and it ends with the command, however that ends: a killed one would leave its workers waiting for ever."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _start_reader(memory: int) -> None:
    """A worker that reads: its memory is bound where the system can, so that a runaway reader ends its own process, not the machine."""
    start_worker()
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory if hard == resource.RLIM_INFINITY else min(memory, hard), hard))


def _end_with(command: Any) -> None:
    """Wait for the end of the process that started this one."""
    command.join()
    os._exit(1)


def _supervised(
    items: Sequence[Item], work: Work[Item, Answer], lost: Callable[[Item, bool], Answer], limits: Limits
) -> list[Answer]:  # fmt: skip
    """Work in a process of its own, started anew after each item that ends it; a suspect gets a second try, alone."""
    answers: list[Answer] = []
    rest = deque(items)
    alone = False
    while rest:
        batch = [rest[0]] if alone else list(rest)
        got, slow = _serve_and_watch(batch, work, limits)
        answers += got
        for _ in got:
            rest.popleft()
        if len(got) == len(batch):
            alone = False
        elif got or len(batch) > 1:
            alone = True
        else:
            answers.append(lost(rest.popleft(), slow))
            alone = False
    return answers


def _serve_and_watch(items: Sequence[Item], work: Work[Item, Answer], limits: Limits) -> tuple[list[Answer], bool]:
    """Answers of a process of its own until it ends, and whether it ended for slowness."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(items, work, limits.memory, theirs), daemon=True)
    process.start()
    theirs.close()
    answers: list[Answer] = []
    slow, patience, since = False, STARTING, time.monotonic()
    try:
        while len(answers) < len(items):
            if not ours.poll(patience):
                slow = True
                break
            answer = ours.recv()
            patience, since = limits.seconds + 5, time.monotonic()
            if answer is not None:
                answers.append(answer)
    except (EOFError, OSError):
        # the worker's own deadline ended it, or it died; a process that dies of memory or a signal has another exit code
        process.join(5)
        slow = process.exitcode == 1 and time.monotonic() - since >= limits.seconds * 0.9
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        ours.close()
    return answers, slow


def _serve(items: Sequence[Item], work: Work[Item, Answer], memory: int, pipe: Connection) -> None:
    """Answer to items one by one, each sent at once: what has not been answered when this process dies is what killed it."""
    _start_reader(memory)
    work([])
    pipe.send(None)  # ready: from now on the clock runs
    for item in items:
        pipe.send(work([item]))
    pipe.close()
