"""Bytes to a `Book`: cells as found, without meaning. The only module that calls the native reader."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from xlgoals import guard
from xlgoals.errors import Refused
from xlgoals.formats import is_moment, moment
from xlgoals.limits import Limits
from xlgoals.records import Area, Book, Package, RowCol, Sheet, State, Value, changed, trimmed
from xlgoals.workers import deadline, work_through

_STATES: tuple[tuple[SheetVisibleEnum, State], ...] = (
    (SheetVisibleEnum.Visible, "visible"), (SheetVisibleEnum.Hidden, "hidden"), (SheetVisibleEnum.VeryHidden, "very_hidden")
)  # fmt: skip
_Answer = tuple[Any, str, str]  # what was made of a workbook, or the code and detail of its refusal
Made = TypeVar("Made")


def read_book(path: str, *, name: str, limits: Limits | None = None) -> Book:
    """Read one workbook; `name` is what its cells' addresses call it. Raises `Refused` when it must not or cannot be read."""
    limits = limits or Limits()
    try:
        with Path(path).open("rb") as opened:
            data = opened.read(limits.file_bytes + 1)
    except OSError as error:
        raise Refused("file.unreadable", error.strerror or type(error).__name__) from error
    return read_bytes(data, name=name, limits=limits)


def read_apart(path: Path, make: Callable[[Book], Made], *, limits: Limits | None = None) -> Made:
    """As `read_book`, in a process of its own: what ends the native reader does not end the caller, and only what `make` makes of the
    workbook there is held here."""
    limits = limits or Limits()

    def lost(item: Path, slow: bool) -> _Answer:
        return None, *(("file.too_slow", limits.told("seconds")) if slow else ("file.crashed", "读取程序异常退出"))

    ((made, code, detail),) = work_through(
        [path], partial(_answered, make=make, limits=limits), lost, limits=limits, jobs=1, executor=None, on_done=lambda done, total: None
    )
    if code:
        raise Refused(code, detail)
    return made  # type: ignore[no-any-return]  # it comes from another process


def _answered(paths: Sequence[Path], make: Callable[[Book], Any], limits: Limits) -> _Answer:
    """What is made of one workbook, or why it was refused: nothing that must be raised crosses between processes."""
    for path in paths:
        with deadline(limits.seconds):
            try:
                return make(read_book(str(path), name=path.name, limits=limits)), "", ""
            except Refused as refused:
                return None, refused.code, refused.detail
            except MemoryError:
                short = limits.beyond("memory", "内存不足")
                return None, short.code, short.detail
    return None, "", ""


def read_bytes(data: bytes, *, name: str, limits: Limits | None = None) -> Book:
    """Read a workbook from memory."""
    package = guard.inspect(data, limits)
    if not package.readable:
        sheets = [_finished(sheet, sheet.rows, package) for sheet in package.sheets]
        return _book(data, name, package, sheets)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(package.readable))
        sheets = _known_sheets(workbook, package) if package.plain_numbers else _other_sheets(workbook, package)
    except Exception as error:
        raise Refused("file.damaged", f"读取时出错：{type(error).__name__}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a panic of the native reader is no Exception
            raise
        raise Refused("file.damaged", "内容不合规范，无法读取") from error
    return _book(data, name, package, sheets)


def _book(data: bytes, name: str, package: Package, sheets: list[Sheet]) -> Book:
    return Book(name, package.kind, tuple(sheets), hashlib.sha256(data).hexdigest(), package.names, package.properties, package.flags, package.modified)


def _known_sheets(workbook: CalamineWorkbook, package: Package) -> list[Sheet]:
    """Put values into the sheets that the guard found: the reader was given exactly these, in this order."""
    return [_filled(sheet, workbook.get_sheet_by_index(index), package) for index, sheet in enumerate(package.sheets)]


def _other_sheets(workbook: CalamineWorkbook, package: Package) -> list[Sheet]:
    """Join values with what little the guard can tell of xls, xlsb and ods; names and states are the reader's."""
    sheets = []
    listed = [(index, meta) for index, meta in enumerate(workbook.sheets_metadata) if meta.typ == SheetTypeEnum.WorkSheet]
    facts = package.sheets if len(package.sheets) == len(listed) else (Sheet(""),) * len(listed)
    for (index, meta), known in zip(listed, facts, strict=True):
        found = workbook.get_sheet_by_index(index)
        state = next(word for reader_word, word in _STATES if reader_word == meta.visible)
        merges = known.merges or tuple(Area(*first, *last) for first, last in found.merged_cell_ranges or ())
        sheets.append(_filled(replace(known, name=meta.name, state=state, merges=merges), found, package))
    return sheets


def _filled(facts: Sheet, found: CalamineSheet, package: Package) -> Sheet:
    """Put the values that the reader found into a sheet."""
    rows = [tuple([None if value == "" else value for value in row]) for row in found.to_python(skip_empty_area=False)]
    # infinite or no number at all: 1E999 is written as a number but is none; it must not be taken for a blank
    lost = [(r, c) for r, row in enumerate(rows) for c, value in enumerate(row) if value.__class__ is float and value - value != 0.0]
    return _finished(replace(facts, errors={**facts.errors, **dict.fromkeys(lost, "#NUM!")}), rows, package)


def _finished(facts: Sheet, rows: Sequence[tuple[Value | None, ...]], package: Package) -> Sheet:
    """Turn numbers that are shown as dates into dates, and drop what stands for an error."""
    others: dict[RowCol, Value | None] = {}
    if package.plain_numbers:
        for (r, c), code in facts.formats.items():
            if is_moment(code) and r < len(rows) and c < len(rows[r]):
                number = rows[r][c]
                if type(number) is float:
                    others[r, c] = moment(number, code, package.date1904)
    others |= {(r, c): None for r, c in facts.errors if r < len(rows) and c < len(rows[r])}
    return replace(facts, rows=trimmed(changed(rows, others)))
