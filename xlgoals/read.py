"""Bytes to a `Book`: cells as found, without meaning. The only module that calls the native reader."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from xlgoals import guard
from xlgoals.errors import Refused
from xlgoals.guard import Limits, Package, SheetFacts
from xlgoals.records import Area, Book, Sheet, Value

_STATES: tuple[tuple[SheetVisibleEnum, guard.State], ...] = (
    (SheetVisibleEnum.Visible, "visible"), (SheetVisibleEnum.Hidden, "hidden"), (SheetVisibleEnum.VeryHidden, "very_hidden")
)  # fmt: skip
Rows = list[list[Value | None]]


def read_book(path: str, *, name: str, limits: Limits | None = None) -> Book:
    """Read one workbook; `name` is what its cells' addresses call it. Raises `Refused` when it must not or cannot be read."""
    limits = limits or Limits()
    try:
        with Path(path).open("rb") as opened:
            data = opened.read(limits.file_bytes + 1)
    except OSError as error:
        raise Refused("file.unreadable", error.strerror or type(error).__name__) from error
    return read_bytes(data, name=name, limits=limits)


def read_bytes(data: bytes, *, name: str, limits: Limits | None = None) -> Book:
    """Read a workbook from memory."""
    package = guard.inspect(data, limits)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(package.readable))
        sheets = _known_sheets(workbook, package) if package.plain_numbers else _other_sheets(workbook, package)
    except Exception as error:
        raise Refused("file.damaged", f"读取时出错：{type(error).__name__}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a panic of the native reader is no Exception
            raise
        raise Refused("file.damaged", "内容不合规范，无法读取") from error
    return Book(name, package.kind, tuple(sheets), hashlib.sha256(data).hexdigest(), package.names, package.properties, package.flags)


def _known_sheets(workbook: CalamineWorkbook, package: Package) -> list[Sheet]:
    """Join values with what the guard found, sheet by sheet: the reader was given exactly the guard's sheets, in its order."""
    return [
        _sheet(workbook.get_sheet_by_index(index).to_python(skip_empty_area=False), facts, facts.merges, package)
        for index, facts in enumerate(package.sheets)
    ]


def _other_sheets(workbook: CalamineWorkbook, package: Package) -> list[Sheet]:
    """Join values with what little the guard can tell of xls, xlsb and ods; names and states are the reader's."""
    sheets = []
    listed = [(index, meta) for index, meta in enumerate(workbook.sheets_metadata) if meta.typ == SheetTypeEnum.WorkSheet]
    facts = package.sheets if len(package.sheets) == len(listed) else (SheetFacts(""),) * len(listed)
    for (index, meta), known in zip(listed, facts, strict=True):
        sheet = workbook.get_sheet_by_index(index)
        state = next(word for reader_word, word in _STATES if reader_word == meta.visible)
        known = replace(known, name=meta.name, state=state)
        sheets.append(_sheet(sheet.to_python(skip_empty_area=False), known, known.merges or _merges(sheet), package))
    return sheets


def _merges(sheet: CalamineSheet) -> tuple[Area, ...]:
    return tuple(Area(*first, *last) for first, last in sheet.merged_cell_ranges or ())


def _sheet(found: Sequence[Sequence[Any]], facts: SheetFacts, merges: tuple[Area, ...], package: Package) -> Sheet:
    errors = facts.errors
    rows: Rows = [[value or (None if value == "" else value) for value in row] for row in found]
    lost = [(r, c) for r, row in enumerate(rows) for c, value in enumerate(row) if value.__class__ is float and value - value != 0.0]
    if lost:  # infinite or no number at all: 1E999 is written as a number but is none; it must not be taken for a blank
        errors = {**errors, **dict.fromkeys(lost, "#NUM!")}
        for r, c in lost:
            rows[r][c] = None
    if package.plain_numbers:
        for (r, c), code in facts.formats.items():
            if is_moment(code) and r < len(rows) and c < len(rows[r]):
                number = rows[r][c]
                if type(number) is float:
                    rows[r][c] = moment(number, code, package.date1904)
    for spot in errors:
        if spot[0] < len(rows) and spot[1] < len(rows[spot[0]]):
            rows[spot[0]][spot[1]] = None
    return Sheet(
        name=facts.name, rows=_trimmed(rows), merges=merges, state=facts.state, formulas=facts.formulas, errors=errors,
        formats=facts.formats, names=facts.names, hidden_rows=facts.hidden_rows, hidden_cols=facts.hidden_cols,
    )  # fmt: skip


def _trimmed(rows: Rows) -> tuple[tuple[Value | None, ...], ...]:
    """Cut off blank rows at the end and blank columns at the right."""
    while rows and rows[-1].count(None) == len(rows[-1]):
        rows.pop()
    width = max(map(len, rows), default=0)
    while width and all(row[width - 1] is None for row in rows):
        width -= 1
    return tuple(tuple(row) if len(row) == width else tuple(row[:width]) for row in rows)


# ------------------------------------------------------------------------------------------------------------------ dates

_MIDNIGHT = dt.datetime(2000, 1, 1)  # noqa: DTZ001  a date in a sheet has no zone

_NO_DATE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|am/pm|a/p|general', re.IGNORECASE)


@lru_cache(maxsize=1_024)
def is_moment(code: str) -> bool:
    """Whether a number format shows a date, a time or a duration."""
    bare = _bare(code)
    return any(letter in bare for letter in "ymdhse") and "0e" not in bare and "#e" not in bare


@lru_cache(maxsize=1_024)
def _bare(code: str) -> str:
    """The letters of a format's first section that stand for something."""
    return _NO_DATE.sub("", code).partition(";")[0].lower()


def moment(number: float, code: str, date1904: bool = False) -> Value:
    """Turn a serial number into what its format shows; where it shows no real date, the number stays a number."""
    bare = _bare(code)
    if "[" in code and any(mark in code.lower() for mark in ("[h", "[m", "[s")):
        return dt.timedelta(milliseconds=round(number * 86_400_000)) if abs(number) < 3_000_000 else number
    if not any(letter in bare for letter in "yde") and ("h" in bare or "s" in bare) and 0 <= number < 1:
        return (_MIDNIGHT + dt.timedelta(milliseconds=min(round(number * 86_400_000), 86_399_999))).time()
    if date1904:
        start = _MIDNIGHT.replace(1904, 1, 1)
    elif 1 <= number < 60:
        start = _MIDNIGHT.replace(1899, 12, 31)
    elif number >= 61:
        start = _MIDNIGHT.replace(1899, 12, 30)  # Excel counts a 29 February 1900 that never was
    else:
        return number
    if not 0 <= number < 2_958_466 - 1_462 * date1904:
        return number
    found = start + dt.timedelta(milliseconds=round(number * 86_400_000))
    return found if number % 1 else found.date()
