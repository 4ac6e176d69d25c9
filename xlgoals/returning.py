"""Marked copies of a batch, written into a folder: one for each workbook with findings, under the name it came with."""

from __future__ import annotations

import contextlib
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import polars as pl

from xlgoals import guard
from xlgoals.annotate import mark, problem_list
from xlgoals.errors import OutputError, Refused
from xlgoals.findings import Finding
from xlgoals.limits import Limits
from xlgoals.names import cut, safe_name
from xlgoals.outputs import write_whole
from xlgoals.sources import UNREAD, Source, opened
from xlgoals.tables import as_findings
from xlgoals.wording import ReturnWords

ZIPPED = (".xlsx", ".xlsm", ".xltx", ".xltm")  # names under which a marked package opens without a warning
NAME_MOST = 200  # bytes of a name without its ending: what tells two apart must still find room
OURS = "internal."  # how the codes begin that tell defects of the program


@dataclass(slots=True)
class Returned:
    """What became of each workbook: marked copies, lists alone (by the name of what they speak of), those that had changed
    since they were judged, and those that a defect of ours kept from being marked. Of what went back before: copies in which
    somebody has written since, which are left alone, and those that were taken away."""

    marked: list[Path] = field(default_factory=list)
    listed: dict[str, Path] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    cleared: list[Path] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class Batch(NamedTuple):
    """Some judged files: their returns that count, and what was found in them."""

    returns: pl.DataFrame
    findings: pl.DataFrame


def with_problems(findings: pl.DataFrame) -> set[str]:
    """The files that findings speak of, but for defects of ours."""
    return set(findings.filter(~pl.col("code").str.starts_with(OURS))["file"])


def write_returns(
    batches: Iterable[Batch], sources: Sequence[Source], wanted: Collection[str], answers: pl.DataFrame, folder: Path, words: ReturnWords, *,
    grades: Mapping[str, Sequence[str]] | None = None, force: bool = False, clear: bool = False, limits: Limits | None = None,
) -> Returned:  # fmt: skip
    """Write what goes back, file by file: of the `sources` those `wanted`, which are `with_problems`. Raises `OutputError` before
    anything is written when a file is in the way: one of ours needs `force`, any other is never replaced. `grades`: what reviewers
    graded, by file. With `clear` what went back
    before and is no longer to go back is taken out of the folder. A copy in which somebody has written since stays as it is."""
    limits = limits or Limits()
    said = dict(answers.select("key", "text").reverse().iter_rows())
    told, taken = Returned(), set[str]()
    going = {source.name: source for source in sources if source.name in wanted}
    paths = {name: (_free(folder / _name(one, ""), taken), _free(folder / _name(one, words.list.alone), taken)) for name, one in going.items()}
    ours = [path for both in paths.values() for path in both]
    _check(ours, [Path(source.path) for source in sources], force, limits)
    if clear:
        _clear(folder, set(ours), told, limits)
    for returns, found in batches:
        findings: dict[str, list[Finding]] = defaultdict(list)
        for one in as_findings(found.filter(pl.col("file").is_in(list(going)) & ~pl.col("code").str.starts_with(OURS))):
            findings[one.at.file].append(one)
        judged = dict(returns.select("file", "sha256").iter_rows())
        for name in [name for name in going if name in findings]:
            source = going[name]
            data = _read(source, judged.get(name, ""), limits.file_bytes)
            if data is None:
                told.changed.append(name)
                continue
            marked = _marked(data, source, findings[name], words, said, (grades or {}).get(name, ()), told, limits)
            if marked is None:
                continue
            copy, alone = marked
            path = paths[name][alone]
            if path.exists() and not guard.is_untouched(path.read_bytes()):
                told.written.append(path)
                continue
            with write_whole(path, force=force) as draft:
                draft.write_bytes(copy)
            if alone:
                told.listed[name] = path
            else:
                told.marked.append(path)
    return told


def _read(source: Source, sha256: str, most: int) -> bytes | None:
    """The bytes that were judged, no more of them than are ever read; None when they are no longer there."""
    try:
        with opened(source) as file:
            data = file.read(most + 1)
        info = Path(source.path).stat()
    except OSError:
        return None
    now = (source.changed, source.size) if source.member else (info.st_mtime, info.st_size)
    same = hashlib.sha256(data).hexdigest() == sha256 if sha256 else now == (source.changed, source.size)
    return data if same else None


def _marked(
    data: bytes, source: Source, findings: Sequence[Finding], words: ReturnWords, answers: Mapping[str, str], grades: Sequence[str],
    told: Returned, limits: Limits,
) -> tuple[bytes, bool] | None:
    """The marked copy, or the list alone where the file cannot be read or marked."""
    name = PurePosixPath(source.name).name
    try:
        if not any(one.code.startswith(UNREAD) for one in findings):
            try:
                return mark(data, findings, words, file=name, answers=answers, grades=grades, limits=limits), False
            except Refused:
                pass  # xls, xlsb, ods, et: not packages of this kind
        return problem_list(findings, words, file=name, answers=answers, grades=grades), True
    except Exception as error:  # a defect of ours must not keep the other files from going back
        told.failed[source.name] = type(error).__name__
        return None


def _name(source: Source, alone: str) -> Path:
    """The name a copy gets: the one its original has within what was read, made safe, with an ending that fits what is written."""
    parts = [safe_name(part) for part in PurePosixPath(source.name).parts if part not in ("/", "..", ".")]
    leaf, suffix = parts[-1], Path(source.member or source.path).suffix
    if not leaf.lower().endswith(suffix.lower()):
        leaf += suffix  # one of two equal names, told apart behind the ending
    stem = cut(leaf[: -len(suffix)] if suffix else leaf, NAME_MOST)
    if alone:
        stem, suffix = alone.format(name=stem + suffix), ".xlsx"
    elif suffix.lower() not in ZIPPED:
        suffix = ".xlsx"
    return Path(*(cut(part, NAME_MOST) for part in parts[:-1]), stem + suffix)


def _free(path: Path, taken: set[str]) -> Path:
    """A path that no other copy of this run has, also where names differ only in case."""
    wanted, number = path, 1
    while (same := unicodedata.normalize("NFC", str(wanted)).casefold()) in taken:
        number += 1
        wanted = path.with_name(f"{path.stem}（{number}）{path.suffix}")
    taken.add(same)
    return wanted


def _check(paths: Sequence[Path], inputs: Sequence[Path], force: bool, limits: Limits) -> None:
    read = {_id(path) for path in inputs} - {None}
    there = [path for path in paths if path.exists()]
    for path in there:
        if _id(path) in read:
            raise OutputError(f"输出 {path} 会盖掉输入。请换一个文件夹。")
    if there and not force:
        raise OutputError(f"{there[0]} 等 {len(there)} 个文件已存在，没有覆盖，什么也没有写。请换一个文件夹，或加 --force 覆盖上次退回的。")
    for path in there:
        if path.is_dir() or path.stat().st_size > limits.file_bytes or not guard.is_marked(path.read_bytes()):
            raise OutputError(f"{path} 不是本程序退回的表，加 --force 也不覆盖。请换一个文件夹。")


def _clear(folder: Path, wanted: Collection[Path], told: Returned, limits: Limits) -> None:
    """Take away what went back before: sent once more, it would ask for what has long been mended."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path not in wanted and path.stat().st_size <= limits.file_bytes):
        data = path.read_bytes()
        if not guard.is_marked(data):
            continue
        if not guard.is_untouched(data):
            told.written.append(path)
            continue
        try:
            path.unlink()
        except OSError as error:
            raise OutputError(f"上次退回的 {path} 拿不掉（{error.strerror or error}）。请先关闭该文件（可能正被 Excel 或 WPS 打开），再审核一次。") from error
        told.cleared.append(path)
        for above in path.parents[: len(path.relative_to(folder).parents) - 1]:
            with contextlib.suppress(OSError):  # others stand in it
                above.rmdir()


def _id(path: Path) -> tuple[int, int] | None:
    """What a file is, whatever it is called."""
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino
