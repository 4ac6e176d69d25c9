"""Which files to read: folders as people leave them, every file once and under a name of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from xlgoals import guard
from xlgoals.errors import UsageError
from xlgoals.findings import Catalogue, Finding
from xlgoals.limits import Limits
from xlgoals.outputs import MARKER
from xlgoals.records import At
from xlgoals.words import HIDDEN

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".et", ".xltx", ".xltm", ".xlt")
ARCHIVE = ".zip"  # departments send their units' workbooks packed
OTHERS_NAMED = 10
OTHERS = "folder.other_files"  # the code that tells of what is no workbook
UNREAD = "file."  # how the codes begin that say a file was not read
STATE = ".xlgoals-state"  # how the name of the file ends that `store` keeps beside a summary
_IGNORED = ("~$", ".")
_STATES = (STATE, f"{STATE}-journal")
_IGNORED_NAMES = ("thumbs.db", "desktop.ini")


class Source(NamedTuple):
    """One file to read, alone or in a zip archive: where it is, what findings call it, and when it was last changed."""

    path: str
    name: str
    changed: float = 0.0
    size: int = 0
    member: str = ""  # of the zip archive at `path`, as its directory names it


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
            about = root.stat()
            if root.suffix.lower() == ARCHIVE and not _is_workbook(root, about, limits):
                found += _archived(root, _label(root.name), limits, catalogue, findings)
            else:
                found.append(_source(root, _label(root.name), about))
            continue
        others: list[str] = []
        before = len(found), len(findings)
        for path, info in _walk(root, seen):
            name = _label(path.relative_to(root).as_posix())
            if isinstance(info, OSError):
                findings.append(catalogue.finding("file.unreadable", At(name), detail=info.strerror or type(info).__name__))
            elif path.suffix.lower() in WORKBOOKS or _is_workbook(path, info, limits):
                found.append(_source(path, name, info))
            elif path.suffix.lower() == ARCHIVE:
                found += _archived(path, name, limits, catalogue, findings)
            elif not (path.parent / MARKER).exists():  # else it stands in a folder of our own outputs
                others.append(name)
        place = At(_label(root.name or str(root)))
        if (len(found), len(findings)) == before:
            findings.append(catalogue.finding("folder.no_workbooks", place))
        if others:
            shown = "、".join(others[:OTHERS_NAMED]) + ("…" if len(others) > OTHERS_NAMED else "")
            findings.append(catalogue.finding(OTHERS, place, found=shown, detail=str(len(others))))
    return _once(_told_apart(found), catalogue, findings, limits.file_bytes), findings


def _source(path: Path, name: str, info: os.stat_result) -> Source:
    return Source(str(path), name, info.st_mtime, info.st_size)


@contextlib.contextmanager
def opened(source: Source) -> Iterator[IO[bytes]]:
    """The bytes of a source, from its file or from within its archive; raises OSError when it cannot be had."""
    if not source.member:
        with Path(source.path).open("rb") as file:
            yield file
        return
    try:
        with zipfile.ZipFile(source.path) as archive, archive.open(source.member) as inside:
            yield inside
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, EOFError) as error:  # RuntimeError: a password
        raise OSError(0, f"压缩包里的文件读不出（{type(error).__name__}）") from error


def _archived(path: Path, name: str, limits: Limits, catalogue: Catalogue, findings: list[Finding]) -> list[Source]:
    """The workbooks in a zip archive, each under the archive's name and its own; what else it holds is only named."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError) as error:
        detail = (error.strerror or "") if isinstance(error, OSError) else "压缩包损坏，或者不是 zip"
        findings.append(catalogue.finding("file.unreadable", At(name), detail=detail or type(error).__name__))
        return []
    size = sum(info.file_size for info in infos)
    if len(infos) > limits.parts or size > limits.archive_bytes:
        limit = "parts" if len(infos) > limits.parts else "archive_bytes"
        refused = limits.beyond(limit, f"压缩包里有 {len(infos)} 个文件，展开后 {size >> 20} MB")
        findings.append(catalogue.finding(refused.code, At(name), detail=refused.detail))
        return []
    found, others, locked = [], [], []
    for info in infos:
        inner = _inner(info)
        last = inner.rpartition("/")[2]
        if last.startswith(_IGNORED) or last.lower() in _IGNORED_NAMES or inner.startswith("__MACOSX/"):
            continue
        if Path(last).suffix.lower() not in WORKBOOKS:
            others.append(inner)
        elif info.flag_bits & 1:
            locked.append(inner)
        else:
            changed = dt.datetime(*info.date_time).timestamp() if info.date_time > (1980, 1, 1, 0, 0, 0) else 0.0  # noqa: DTZ001  zip knows no zone
            found.append(Source(str(path), f"{name}/{inner}", changed, info.file_size, info.filename))
    if others:
        shown = "、".join(others[:OTHERS_NAMED]) + ("…" if len(others) > OTHERS_NAMED else "")
        findings.append(catalogue.finding(OTHERS, At(name), found=shown, detail=str(len(others))))
    findings += [catalogue.finding("file.encrypted", At(f"{name}/{inner}")) for inner in locked]
    return found


def _inner(info: zipfile.ZipInfo) -> str:
    """The name of an archive's file: Windows writes it in GBK without saying so, which zipfile takes for cp437."""
    if info.flag_bits & 0x800:
        return shown(info.filename)
    return _label(os.fsdecode(info.filename.encode("cp437", "replace")))


def shown(name: str) -> str:
    """A file's name as findings call it: composed as most systems do, its control characters and those that turn its order made visible."""
    return HIDDEN.sub("\ufffd", re.sub(r"[\t\r\n]", "\ufffd", unicodedata.normalize("NFC", name)))


def _label(name: str) -> str:
    """Make a name that can be shown and stored, also from bytes that are no UTF-8 (a GBK archive unpacked elsewhere)."""
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return shown(raw.decode(encoding))
    return shown(raw.decode("utf-8", "replace"))


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
        if name.startswith(_IGNORED) or name.lower() in _IGNORED_NAMES or name.endswith(_STATES):
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
        with path.open("rb") as file:
            head = file.read(8)
            return head.startswith(guard.HEADS) and guard.is_workbook(head + file.read(), limits)
    except OSError:
        return False


def _told_apart(found: list[Source]) -> list[Source]:
    """Give files of several folders that have the same name there their whole path as name; drop a file given twice."""
    by_path = {(os.path.realpath(one.path), one.member): one for one in reversed(found)}
    kept = [one for one in found if by_path[os.path.realpath(one.path), one.member] is one]
    counts = Counter(one.name for one in kept)
    named = [one if counts[one.name] == 1 else one._replace(name=_whole_name(one)) for one in kept]
    taken = Counter[str]()
    for at, one in enumerate(named):  # two spellings of one name in Unicode, or two paths that look alike
        taken[one.name] += 1
        if taken[one.name] > 1:
            named[at] = one._replace(name=f"{one.name}（{taken[one.name]}）")
    return named


def _whole_name(one: Source) -> str:
    inside = re.search(rf"(?i){re.escape(ARCHIVE)}(/.*)$", one.name) if one.member else None
    return _label(Path(one.path).as_posix()) + (inside[1] if inside else "")


def _once(found: list[Source], catalogue: Catalogue, findings: list[Finding], most: int) -> list[Source]:
    """Of files with the same bytes keep the newest; say so, unless they are our own outputs. What is too large to be read is not compared."""
    sizes: dict[int, list[Source]] = {}
    for one in found:
        sizes.setdefault(one.size, []).append(one)
    groups: dict[str, list[Source]] = {}
    for same_size in sizes.values():
        for one in same_size if len(same_size) > 1 and 0 < same_size[0].size <= most else ():
            with contextlib.suppress(OSError), opened(one) as file:
                groups.setdefault(hashlib.sha256(file.read()).hexdigest(), []).append(one)
    dropped: set[tuple[str, str]] = set()
    for group in groups.values():
        if len(group) < 2:
            continue
        newest = max(group, key=lambda one: (one.changed, natural(one.name)))
        older = [one for one in group if one is not newest]
        dropped |= {(one.path, one.member) for one in older}
        with contextlib.suppress(OSError), opened(newest) as file:
            if not guard.is_output(file.read()):
                names = "、".join(one.name for one in older)
                findings.append(catalogue.finding("folder.same_file", At(newest.name), found=names, others=[At(one.name) for one in older]))
    return [one for one in found if (one.path, one.member) not in dropped]
