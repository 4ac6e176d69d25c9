"""Many paths to one batch of tables: folder hygiene, worker processes, and what concerns several files at once."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import hashlib
import multiprocessing
import os
import re
import stat
import sys
import time
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlgoals import guard
from xlgoals.errors import Refused, UsageError
from xlgoals.findings import Catalogue, Finding
from xlgoals.forms import Forms
from xlgoals.guard import OUTPUT_MARK, Limits
from xlgoals.outputs import MARKER
from xlgoals.parse import understand
from xlgoals.read import read_book
from xlgoals.records import At, Book, Given, Return
from xlgoals.spec import load_forms
from xlgoals.tables import Tables, from_bytes, tabulate, to_bytes

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".et", ".xltx", ".xltm", ".xlt")
IN_PROCESS = 3  # so few files are read without workers: starting them takes longer than reading
FILES_A_TASK = 25
OTHERS_NAMED = 10
_SPREADSHEET_HEADS = (b"PK\3\4", b"\xd0\xcf\x11\xe0")
_IGNORED = ("~$", ".")
_IGNORED_NAMES = ("thumbs.db", "desktop.ini")
Packed = Mapping[str, bytes]
Progress = Callable[[int, int], None]


class Source(NamedTuple):
    """One file to read: where it is, what findings call it, and when it was last changed."""

    path: str
    name: str
    changed: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Intake:
    """What reading a batch gave: its tables, how many files were read, and how many of our own outputs were passed over."""

    tables: Tables
    files: int
    outputs: int


class Job(NamedTuple):
    """What a worker must know beside its files."""

    forms: tuple[str, ...]
    given: Given
    limits: Limits


class Answer(NamedTuple):
    """What a worker sends back for its files."""

    tables: Packed
    outputs: int


# ------------------------------------------------------------------------------------------------------------------ which files


def files_in(paths: Iterable[str | Path], catalogue: Catalogue, limits: Limits | None = None) -> tuple[list[Source], list[Finding]]:
    """List the workbooks of files and folders (any depth), in a natural order, with the findings of listing them.

    A path given directly is always listed, whatever it is; within a folder lock files, hidden files and system files are
    passed over, and what is no workbook by bytes nor by extension is only named. A file present twice is listed once.
    """
    limits = limits or Limits()
    found: list[Source] = []
    findings: list[Finding] = []
    roots = [Path(path) for path in paths]
    seen: set[tuple[int, int]] = set()
    for root in roots:
        if not root.exists():
            raise UsageError(f"找不到 {root}，请检查路径。")
        if not root.is_dir():
            found.append(_source(root, _label(root.name), root.stat()))
            continue
        others: list[str] = []
        before = len(found), len(findings)
        for path, info in _walk(root, seen):
            name = _label(path.relative_to(root).as_posix())
            if isinstance(info, OSError):
                findings.append(catalogue.finding("file.unreadable", At(name), detail=info.strerror or type(info).__name__))
            elif path.suffix.lower() in WORKBOOKS or _is_workbook(path, info, limits):
                found.append(_source(path, name, info))
            elif not (path.parent / MARKER).exists():  # else it stands in a folder of our own outputs
                others.append(name)
        place = At(_label(root.name or str(root)))
        if (len(found), len(findings)) == before:
            findings.append(catalogue.finding("folder.no_workbooks", place))
        if others:
            shown = "、".join(others[:OTHERS_NAMED]) + ("…" if len(others) > OTHERS_NAMED else "")
            findings.append(catalogue.finding("folder.other_files", place, found=shown, detail=str(len(others))))
    return _once(_told_apart(found), catalogue, findings), findings


def _source(path: Path, name: str, info: os.stat_result) -> Source:
    return Source(str(path), name, info.st_mtime, info.st_size)


def _label(name: str) -> str:
    """Make a name that can be shown and stored, also from bytes that are no UTF-8 (a GBK archive unpacked elsewhere)."""
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return unicodedata.normalize("NFC", raw.decode(encoding))
    return raw.decode("utf-8", "replace")


def natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort 单位2 before 单位10."""
    pieces = re.split(r"([0-9]+)", unicodedata.normalize("NFKC", name).casefold())
    return tuple((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece), name


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[Path, os.stat_result | OSError]]:
    """Walk a folder in natural order; links are followed, each folder once."""
    try:
        info = folder.stat()
        if (info.st_dev, info.st_ino) in seen:
            return
        seen.add((info.st_dev, info.st_ino))
        names = sorted(os.listdir(folder), key=lambda name: natural(_label(name)))  # noqa: PTH208  bytes that are no UTF-8 must pass
    except OSError as error:
        yield folder, error
        return
    for name in names:
        if name.startswith(_IGNORED) or name.lower() in _IGNORED_NAMES:
            continue
        path = folder / name
        try:
            info = path.stat()
        except OSError as error:
            if path.suffix.lower() in WORKBOOKS:
                yield path, error
            continue
        if getattr(info, "st_file_attributes", 0) & 2:  # hidden, on Windows
            continue
        if stat.S_ISDIR(info.st_mode):
            yield from _walk(path, seen)
        elif stat.S_ISREG(info.st_mode):
            yield path, info


def _is_workbook(path: Path, info: os.stat_result, limits: Limits) -> bool:
    """Whether a file of a foreign extension is a workbook all the same."""
    if info.st_size > limits.file_bytes:
        return False
    try:
        with path.open("rb") as opened:
            head = opened.read(8)
            return head.startswith(_SPREADSHEET_HEADS) and bool(guard.kind_of(head + opened.read()))
    except OSError:
        return False


def _told_apart(found: list[Source]) -> list[Source]:
    """Give files of several folders that have the same name there their whole path as name; drop a file given twice."""
    by_path = {os.path.realpath(one.path): one for one in reversed(found)}
    kept = [one for one in found if by_path[os.path.realpath(one.path)] is one]
    counts = Counter(one.name for one in kept)
    named = [one if counts[one.name] == 1 else one._replace(name=_label(Path(one.path).as_posix())) for one in kept]
    taken = Counter[str]()
    for at, one in enumerate(named):  # two spellings of one name in Unicode, or two paths that look alike
        taken[one.name] += 1
        if taken[one.name] > 1:
            named[at] = one._replace(name=f"{one.name}（{taken[one.name]}）")
    return named


def _once(found: list[Source], catalogue: Catalogue, findings: list[Finding]) -> list[Source]:
    """Of files with the same bytes keep the newest; say so, unless they are our own outputs."""
    sizes: dict[int, list[Source]] = {}
    for one in found:
        sizes.setdefault(one.size, []).append(one)
    groups: dict[str, list[Source]] = {}
    for same_size in sizes.values():
        for one in same_size if len(same_size) > 1 and same_size[0].size else ():
            with contextlib.suppress(OSError), Path(one.path).open("rb") as opened:
                groups.setdefault(hashlib.file_digest(opened, "sha256").hexdigest(), []).append(one)
    dropped: set[str] = set()
    for group in groups.values():
        if len(group) < 2:
            continue
        newest = max(group, key=lambda one: (one.changed, natural(one.name)))
        older = [one for one in group if one is not newest]
        dropped |= {one.path for one in older}
        with contextlib.suppress(OSError):
            if not guard.is_output(Path(newest.path).read_bytes()):
                names = "、".join(one.name for one in older)
                findings.append(catalogue.finding("folder.same_file", At(newest.name), found=names, others=[At(one.name) for one in older]))
    return [one for one in found if one.path not in dropped]


# ------------------------------------------------------------------------------------------------------------------ one file


@lru_cache(maxsize=4)
def _forms(folders: tuple[str, ...]) -> Forms:
    forms = load_forms(folders)
    if multiprocessing.parent_process() is not None:
        gc.freeze()  # what a worker keeps for good need not be looked through again with every file
    return forms


def take_file(source: Source, job: Job) -> tuple[list[Return], list[Finding], bool]:
    """Read one file. The third value tells that it is one of our own outputs, of which nothing is taken."""
    forms = _forms(job.forms)
    try:
        book = read_book(source.path, name=source.name, limits=job.limits)
        if OUTPUT_MARK in book.properties:
            return [], [], True
        returns, findings = understand(book, forms, job.given)
        return returns, [*_flagged(book, forms.catalogue), *findings], False
    except Refused as refused:
        return [], [forms.catalogue.finding(refused.code, At(source.name), detail=refused.detail)], False
    except MemoryError:
        return [], [forms.catalogue.finding("file.too_large", At(source.name), detail="内存不足")], False
    except Exception as error:  # a defect of ours must not take the other files with it
        return [], [_crash(source, error, forms.catalogue)], False


def _crash(source: Source, error: BaseException, catalogue: Catalogue) -> Finding:
    """Report a defect of the program, with the place in our code where it came up."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    told = f"{type(error).__name__}: {error}"[:200]
    return catalogue.finding("internal.crash", At(source.name), found=told, detail=place, error=told)


def _flagged(book: Book, catalogue: Catalogue) -> list[Finding]:
    """Tell what a workbook carries beside cells."""
    return [catalogue.finding(f"book.{flag}", At(book.file)) for flag in book.flags]


def _take_task(sources: Sequence[Source], job: Job) -> Answer:
    """Read the files of one task, in a worker; a file that takes too long ends the worker, since native code cannot be stopped."""
    returns: list[Return] = []
    findings: list[Finding] = []
    outputs = 0
    _forms(job.forms)  # not on the first file's time
    for source in sources:
        with _deadline(job.limits.seconds):
            some, told, output = take_file(source, job)
        returns += some
        findings += told
        outputs += output
    return Answer(to_bytes(tabulate(returns, findings)), outputs)


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[None]:
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


def _start_worker(memory: int) -> None:
    """Bound a worker's memory where the system can: then a runaway reader ends its own process, not the machine."""
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory if hard == resource.RLIM_INFINITY else min(memory, hard), hard))


# ------------------------------------------------------------------------------------------------------------------ many files


def take_in(
    paths: Iterable[str | Path],
    *,
    forms_dirs: tuple[str, ...] = (),
    given: Given = Given(),  # noqa: B008  an immutable tuple
    jobs: int | None = None,
    executor: Executor | None = None,
    on_progress: Progress | None = None,
    limits: Limits | None = None,
) -> Tables:
    """Read files and folders into the tables of one batch; see `gather`."""
    return gather(
        paths, forms_dirs=forms_dirs, given=given, jobs=jobs, executor=executor, on_progress=on_progress, limits=limits
    ).tables  # fmt: skip


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
    """Read files and folders into the tables of one batch, and count.

    Up to three files are read in this process: the guard stands before the native reader there too, and starting workers
    would take longer than the work. More files go to `jobs` worker processes, or to the executor given. When a worker
    dies, the files it may have had are read again under supervision, so that the culprit is named and the rest is kept.
    """
    job = Job(tuple(forms_dirs), given, limits or Limits())
    catalogue = _forms(job.forms).catalogue
    sources, findings = files_in(paths, catalogue, job.limits)
    progress = on_progress or (lambda done, total: None)
    progress(0, len(sources))
    if len(sources) <= IN_PROCESS and executor is None:
        answers = _take_here(sources, job, progress)
    else:
        answers = _take_by_workers(sources, job, jobs or os.cpu_count() or 1, executor, catalogue, progress)
    tables = from_bytes([answer.tables for answer in answers] + [to_bytes(tabulate([], findings))])
    tables = _settled(tables, {one.name: one.changed for one in sources}, catalogue)
    outputs = sum(answer.outputs for answer in answers)
    return Intake(tables, len(sources) - outputs, outputs)


def _take_here(sources: Sequence[Source], job: Job, progress: Progress) -> list[Answer]:
    answers = []
    for done, source in enumerate(sources, 1):
        returns, findings, output = take_file(source, job)
        answers.append(Answer(to_bytes(tabulate(returns, findings)), output))
        progress(done, len(sources))
    return answers


def _take_by_workers(
    sources: Sequence[Source], job: Job, jobs: int, executor: Executor | None, catalogue: Catalogue, progress: Progress
) -> list[Answer]:
    """Read all files, answers in the order of the files, whatever becomes of the workers."""
    each = max(1, min(FILES_A_TASK, -(-len(sources) // jobs)))
    tasks = [sources[at : at + each] for at in range(0, len(sources), each)]
    answers: dict[int, Answer] = {}
    done = 0

    def keep(number: int, answer: Answer) -> None:
        nonlocal done
        answers[number] = answer
        done += len(tasks[number])
        progress(done, len(sources))

    def run(pool: Executor) -> bool:
        """Whether the pool lived through all tasks that were still open."""
        lived = True
        futures: dict[Future[Answer], int] = {}
        with contextlib.suppress(BrokenExecutor):
            futures = {pool.submit(_take_task, tasks[number], job): number for number in range(len(tasks)) if number not in answers}
        lived = len(futures) + len(answers) == len(tasks)
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in sorted(finished, key=futures.__getitem__):
                if future.cancelled() or future.exception() is not None:  # whatever it was: reading under supervision will tell
                    lived = False
                else:
                    keep(futures[future], future.result())
        return lived

    if executor is not None:
        run(executor)
    else:
        while len(answers) < len(tasks):
            with ProcessPoolExecutor(
                min(jobs, len(tasks), 61), multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(job.limits.memory,)
            ) as pool:
                lived = run(pool)
            if lived:
                break
            # tasks begin in their order, so the one that ended a worker is among the first still open; the rest may use a new pool
            for number in [number for number in range(len(tasks)) if number not in answers][:jobs]:
                keep(number, _supervised(tasks[number], job, catalogue))
    for number in range(len(tasks)):
        if number not in answers:
            keep(number, _supervised(tasks[number], job, catalogue))
    return [answers[number] for number in range(len(tasks))]


# ------------------------------------------------------------------------------------------------------------------ after a crash


def _serve(sources: Sequence[Source], job: Job, pipe: Connection) -> None:
    """Read files one by one, each answer sent at once: what has not been answered when this process dies is what killed it."""
    _start_worker(job.limits.memory)
    _forms(job.forms)
    pipe.send(None)  # ready: from now on the clock runs
    for source in sources:
        pipe.send(_take_task([source], job))
    pipe.close()


def _supervised(sources: Sequence[Source], job: Job, catalogue: Catalogue) -> Answer:
    """Read files in a process of their own, started anew after each that ends it; a suspect gets a second try, alone."""
    answers: list[Answer] = []
    rest = deque(sources)
    alone = False
    while rest:
        batch = [rest[0]] if alone else list(rest)
        got, slow = _serve_and_watch(batch, job)
        answers += got
        for _ in got:
            rest.popleft()
        if len(got) == len(batch):
            alone = False
        elif got or len(batch) > 1:
            alone = True
        else:
            culprit = rest.popleft()
            code = "file.too_slow" if slow else "file.crashed"
            finding = catalogue.finding(code, At(culprit.name), detail=f"{job.limits.seconds:g}")
            answers.append(Answer(to_bytes(tabulate([], [finding])), 0))
            alone = False
    parts = [answer.tables for answer in answers]
    return Answer(to_bytes(from_bytes(parts)), sum(answer.outputs for answer in answers))


STARTING = 60.0  # seconds a worker may take to start, on a busy machine


def _serve_and_watch(sources: Sequence[Source], job: Job) -> tuple[list[Answer], bool]:
    """Answers of a process of its own until it ends, and whether it ended for slowness."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sources, job, theirs), daemon=True)
    process.start()
    theirs.close()
    answers: list[Answer] = []
    slow, patience, since = False, STARTING, time.monotonic()
    try:
        while len(answers) < len(sources):
            if not ours.poll(patience):
                slow = True
                break
            answer = ours.recv()
            patience, since = job.limits.seconds + 5, time.monotonic()
            if answer is not None:
                answers.append(answer)
    except (EOFError, OSError):
        # the worker's own deadline ended it, or it died; a process that dies of memory or a signal has another exit code
        process.join(5)
        slow = process.exitcode == 1 and time.monotonic() - since >= job.limits.seconds * 0.9
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        ours.close()
    return answers, slow


# ------------------------------------------------------------------------------------------------------------------ between files

_CONTENT = ("values", "funds", "goals", "indicators", "details")


def _settled(tables: Tables, changed: Mapping[str, float], catalogue: Catalogue) -> Tables:
    """Count a return that came in several files once if they agree, and not at all if they do not."""
    known = pl.col("project_code") != ""  # a name is only unique within its unit
    named = (pl.col("project_name") != "") & (pl.col("unit") != "")
    returns = tables.returns.filter(known | named)
    several = returns.group_by("identity").agg(pl.col("file").n_unique().alias("files")).filter(pl.col("files") > 1)
    if several.is_empty():
        return tables
    groups: dict[str, list[dict[str, str]]] = {}
    for row in returns.filter(pl.col("identity").is_in(several["identity"].to_list())).sort("identity", "rid").iter_rows(named=True):
        groups.setdefault(row["identity"], []).append(row)
    contents = _contents(tables, [row["rid"] for group in groups.values() for row in group])
    dropped: list[str] = []
    findings: list[Finding] = []
    for identity, same in groups.items():
        same.sort(key=lambda row: (changed.get(row["file"], 0.0), natural(row["file"])), reverse=True)
        places = [At(row["file"], row["sheet"]) for row in same]
        differing = [key for row in same[1:] for key in _differences(contents[same[0]["rid"]], contents[row["rid"]])]
        subject = same[0]["project_name"] or same[0]["project_code"]
        files = "、".join(dict.fromkeys(place.file for place in places[1:]))
        if differing:
            dropped += [row["rid"] for row in same]
            detail = "、".join(_labels(differing, tables, same)[:3])
            findings.append(
                catalogue.finding(
                    "folder.conflicting_returns", places[0], field=subject, found=files, detail=detail, identity=identity, others=places[1:]
                )
            )
        else:
            dropped += [row["rid"] for row in same[1:]]
            findings.append(
                catalogue.finding("folder.same_return", places[0], field=subject, found=files, identity=identity, others=places[1:])
            )
    kept = {
        one.name: getattr(tables, one.name) if one.name == "findings" else getattr(tables, one.name).filter(~pl.col("rid").is_in(dropped))
        for one in fields(tables)
    }
    more = tabulate([], findings).findings
    return replace(tables, **kept | {"findings": pl.concat([tables.findings, more])})


Content = dict[tuple[str, ...], tuple[object, ...]]


def _contents(tables: Tables, rids: Sequence[str]) -> dict[str, Content]:
    """All that each return says, by table and key; where it stands does not matter."""
    found: dict[str, Content] = {rid: {} for rid in rids}
    for name in _CONTENT:
        frame: pl.DataFrame = getattr(tables, name)
        for row in frame.filter(pl.col("rid").is_in(rids)).iter_rows(named=True):
            content, spot = found[row.pop("rid")], (name, row.pop("key"))
            row.pop("order", None)
            content[spot] = (*content.get(spot, ()), *row.values())
    return found


def _differences(one: Content, other: Content) -> list[str]:
    """The keys of what two returns say differently."""
    return [] if one == other else [key for name, key in {**one, **other} if one.get((name, key)) != other.get((name, key))]


def _labels(keys: Iterable[str], tables: Tables, same: Sequence[Mapping[str, str]]) -> list[str]:
    """What the form calls the fields of these keys, each once."""
    frame = tables.places.filter(pl.col("rid").is_in([row["rid"] for row in same]))
    labels = dict(zip(frame["key"], frame["label"], strict=True))
    return list(dict.fromkeys(labels.get(key) or labels.get(f"{key}.target") or key for key in keys))
