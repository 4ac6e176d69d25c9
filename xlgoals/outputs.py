"""What all outputs share: written whole or not at all, foreign text made harmless, relative links, frames as data files.

Polars is only needed by `write_frames`, and imported there: other commands write outputs too.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, get_args

from xlgoals.errors import OutputError
from xlgoals.words import HIDDEN, unhidden

if TYPE_CHECKING:
    import polars as pl

_MACHINE = hashlib.sha256(platform.node().encode("utf-8", "surrogatepass")).hexdigest()[:6]
_OLD = "-old"
MARKER = ".xlgoals-output"  # stands in every folder we write: only such a folder may be replaced
DRAFT = ".xlgoals-"  # how the name of what is not yet whole begins
LOCK = f"{DRAFT}lock"
HALF = re.compile(re.escape(DRAFT) + r"[0-9a-f]{6}-[0-9]+-[0-9a-f]{8}(?:\..*)?")
TEXT_MOST = 32_767  # what a cell holds, in UTF-16 units
DataFormat = Literal["parquet", "csv", "json"]
RUNS = re.compile(r"^[=+\-@\t\r\n＝＋－＠]")  # how text begins that a spreadsheet would run; some take the wide signs for the others
_UNFIT = re.compile("[\ud800-\udfff\ufffe\uffff]|" + HIDDEN.pattern)
_MISLEADING = re.compile(r"""[\x00-\x20%#?"<>\\^`{|}\[\]\x7f]""")


# --- whole or not at all ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def write_whole(
    path: Path, *, force: bool = False, folder: bool = False, inputs: Iterable[Path] = (), flush: bool = True
) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there takes its place at the end, and is removed on failure.
    Without `flush` it is not waited for the disk: one of thousands, which a further run would make again.

    With `folder` the temporary path is an empty folder. An existing target needs `force`, and is never one of `inputs`;
    an existing folder is replaced only if we made it.
    """
    _check_target(path, force, folder, tuple(inputs))
    draft = _draft(path.parent, "" if folder else path.suffix)
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        if flush:
            _sweep(path.parent)
        if folder:
            draft.mkdir()
        yield draft
        if folder:
            (draft / MARKER).touch()
        for one in () if not flush else [*draft.rglob("*"), draft] if folder else [draft]:
            _flush(one)
        _check_target(path, force, folder, ())  # what appeared meanwhile is not ours to replace
        _replace(draft, path)
        if flush:
            _flush(path.parent)
    except OSError as error:
        named = Path(str(error.filename)) if error.filename else draft
        if named not in (draft, path, *path.parents) and draft not in named.parents:
            raise  # about something else that the caller touched
        if isinstance(error, PermissionError):
            raise OutputError(f"无法写入 {path}。请先关闭该文件（可能正被 Excel 或 WPS 打开），并确认有写入权限，然后重试。") from error
        raise OutputError(f"无法写入 {path}（{error.strerror or error}）。请检查路径和磁盘空间后重试。") from error
    finally:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Work in a folder as the only one of its kind: a second run is refused, and what a killed one left half written goes."""
    lock = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock.open("ab")
    except OSError as error:
        raise OutputError(f"无法写入 {folder}（{error.strerror or error}）。请检查路径、权限和磁盘空间后重试。") from error
    with held:
        if not _locked(held):
            raise OutputError(f"另一个 xlgoals 正在写 {folder}，请等它完成后再运行。")
        for left in folder.rglob(f"{DRAFT}*"):
            if left.is_file() and HALF.fullmatch(left.name):
                with contextlib.suppress(OSError):
                    left.unlink()
        yield
    with contextlib.suppress(OSError):
        lock.unlink()


def settle() -> None:
    """Have the system put on disk what was written without waiting for it."""
    if hasattr(os, "sync"):
        os.sync()


def _locked(held: IO[bytes]) -> bool:
    """Take a lock that ends with the process, however that ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(held.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def write_apart(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`, which must not exist or be empty; at the end it takes that name. What is made so
    belongs to the user from then on: it is not marked as ours, and never replaced."""
    draft = _draft(folder.parent)
    try:
        draft.mkdir(parents=True)
        yield draft
        for one in [*draft.rglob("*"), draft]:
            _flush(one)
        if folder.is_dir():
            folder.rmdir()
        draft.rename(folder)
        _flush(folder.parent)
    except OSError as error:
        raise OutputError(f"无法建立 {folder}（{error.strerror or error}）。请检查路径、权限和磁盘空间后重试。") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _draft(folder: Path, suffix: str = "") -> Path:
    """A temporary path: short and without the target's name, for a Chinese name may already fill the 255 bytes a file system
    allows; it names machine and process, so that what a killed run left can be told from what another is writing."""
    return folder / f"{DRAFT}{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


def _sweep(folder: Path) -> None:
    """Remove what runs of this machine left when they were killed; an old folder that had stepped aside comes back."""
    for one in folder.glob(f"{DRAFT}{_MACHINE}-*"):
        process = one.name.split("-")[2]
        if not process.isdecimal() or _running(int(process), one):
            continue
        with contextlib.suppress(OSError):
            if not one.is_dir():
                one.unlink(missing_ok=True)
            elif one.name.endswith(_OLD) and not (target := folder / (one / MARKER).read_text(encoding="utf-8")).exists():
                one.replace(target)
            else:
                shutil.rmtree(one)


def _running(process: int, draft: Path) -> bool:
    """Whether the process still runs; where that cannot be asked harmlessly (Windows), whether its draft is less than an hour old."""
    try:
        if os.name == "posix":
            os.kill(process, 0)
            return True
        return time.time() - draft.stat().st_mtime < 3600
    except ProcessLookupError:
        return False
    except OSError:
        return True


def _check_target(path: Path, force: bool, folder: bool, inputs: tuple[Path, ...]) -> None:
    where = path.resolve() if inputs else path
    for one in inputs:
        given = one.resolve()
        if given == where or _same(path, one) or (folder and where in given.parents):
            raise OutputError(f"输出 {path} 会盖掉输入 {one}。请换一个输出路径。")
    if not os.path.lexists(path):
        return
    if path.is_dir() != folder:
        raise OutputError(f"{path} 已存在，是一个{'文件夹' if path.is_dir() else '文件'}。请换一个输出路径。")
    if not force:
        raise OutputError(f"{path} 已存在，没有覆盖。请换一个输出路径，或加 --force 覆盖。")
    if folder and not (path / MARKER).is_file() and any(path.iterdir()):
        raise OutputError(f"文件夹 {path} 不是本程序生成的，加 --force 也不覆盖。请换一个输出路径。")


def _same(path: Path, other: Path) -> bool:
    """Whether two names stand for one file, hard links included."""
    try:
        return path.samefile(other)
    except OSError:
        return False


def _flush(path: Path) -> None:
    """Have the system put a file or folder on disk; some file systems cannot flush folders, and need not."""
    if path.is_dir():
        if os.name == "posix":
            with contextlib.suppress(OSError):
                _sync(path)
    else:
        _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(draft: Path, path: Path) -> None:
    """Rename; a folder cannot replace another, so the old one steps aside first, and comes back if that fails."""
    if not path.is_dir():
        draft.replace(path)
        return
    aside = draft.with_name(f"{draft.name}{_OLD}")
    (path / MARKER).write_text(path.name, encoding="utf-8")  # so that it finds its way back when we are killed here
    path.replace(aside)
    try:
        draft.replace(path)
    except OSError:
        aside.replace(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


# --- foreign text and links ------------------------------------------------------------------------------------------


def fit_text(text: str, mark: str) -> str:
    """Make foreign text fit for a cell: no control characters nor such as turn its order, no more than a cell holds (cut, with a visible mark)."""
    text = _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # xlsxwriter takes such text for rich-text XML of its own and writes it raw
    if len(text) > TEXT_MOST // 2 and len(units := text.encode("utf-16-le")) > 2 * TEXT_MOST:
        text = units[: 2 * (TEXT_MOST - len(mark))].decode("utf-16-le", "ignore") + mark
    return text


def link_target(file: Path, folder: Path) -> str | None:
    """The relative way from a folder to a file, escaped as Excel does: only what would mislead, Chinese as it is.

    None when there is no such way, the file being on another drive.
    """
    try:
        way = os.path.relpath(file, folder)
    except ValueError:
        return None
    escaped = _MISLEADING.sub(lambda found: f"%{ord(found[0]):02X}", way.replace(os.sep, "/"))
    escaped = re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", escaped)  # a name whose bytes are no UTF-8
    return f"./{escaped}" if ":" in escaped.split("/")[0] else escaped  # else a: would be taken for a protocol


# --- data ------------------------------------------------------------------------------------------------------------


def write_frames(frames: Mapping[str, pl.DataFrame], path: Path, format: DataFormat) -> None:
    """Write frames as data.

    parquet, csv: a folder with a file a table; csv for Excel, text that would run as a formula marked with `'`.
    json: one file, an object whose keys are the tables, each a list of rows; money is text there ("190.740000"), since
    most readers would make a rounded double of a number.
    """
    if format not in get_args(DataFormat):
        raise ValueError(format)
    if format == "json":
        _write_json(frames, path)
        return
    path.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        if format == "parquet":
            frame.write_parquet(path / f"{name}.parquet")
        else:
            _harmless(frame).write_csv(path / f"{name}.csv", include_bom=True, line_terminator="\r\n")


def _harmless(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    text = pl.col(pl.String).str.replace_all(HIDDEN.pattern.encode("unicode_escape").decode(), "")
    return frame.with_columns(pl.when(text.str.contains(RUNS.pattern)).then(pl.lit("'") + text).otherwise(text).name.keep())


def write_rows(rows: Iterable[Sequence[str]], path: Path) -> None:
    """Rows of text as a csv file that Chinese Excel opens right; text that would run as a formula is marked with `'`."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([f"'{cell}" if RUNS.match(cell) else cell for cell in map(unhidden, row)] for row in rows)
    path.write_bytes(buffer.getvalue().encode("utf-8-sig"))


def _write_json(frames: Mapping[str, pl.DataFrame], path: Path) -> None:
    """A row a line, so that two runs can be compared line by line."""
    tables = []
    for name, frame in frames.items():
        rows = (json.dumps(row, ensure_ascii=False, default=str) for row in frame.iter_rows(named=True))
        tables.append(f"{json.dumps(name)}: [\n" + ",\n".join(rows) + "\n]")
    path.write_text("{\n" + ",\n".join(tables) + "\n}\n", encoding="utf-8", newline="\n")
