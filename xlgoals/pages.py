"""Plain workbooks of lists: pages with a title, a note, headings and lines of text, some of them to be filled in.

Columns, words and looks come from the caller's own file in `mappings/`; what is written is text, so that nothing runs as a formula, or a whole number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path

import xlsxwriter
from pydantic import BaseModel, ConfigDict
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.layout import text_lines
from xlgoals.outputs import fit_text
from xlgoals.pen import close_book
from xlgoals.records import Value
from xlgoals.stamp import OUTPUT_PROPERTY

EPOCH = dt.datetime(2000, 1, 1)  # noqa: DTZ001  # pinned, so that equal input gives equal bytes
TITLE, NOTE, HEAD, FIRST = range(4)  # rows of every page
ROW_MOST = 409.0  # points: Excel's tallest row
PAPER_A4 = 9
SPARE: Mapping[str, str] = {}  # a blank line to write in

Lines = Iterable[Mapping[str, str]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Looks(_Model):
    font: str
    size: float
    title_size: float
    head_fill: str
    input_fill: str
    margins: tuple[float, float, float, float]
    footer: str


class Column(_Model):
    key: str
    label: str
    width: float
    fill: bool = False  # people write here
    number: bool = False  # whole numbers, which people may want to add up
    words: str = ""  # the list to choose from
    hidden: bool = False


class Page(_Model):
    name: str
    note: str
    columns: tuple[Column, ...]
    spare: int = 0  # blank lines to write in


def write_pages(
    path: Path, kind: str, title: str, looks: Looks, pages: Iterable[tuple[Page, Lines]], choices: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Write a workbook, one page a sheet, line by line: none is held. `kind` is what its output property says; `choices`: list -> what
    a cell may hold."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": title, "created": EPOCH})
    book.set_custom_property(OUTPUT_PROPERTY, kind, "text")
    base = {"font_name": looks.font, "font_size": looks.size, "valign": "top", "text_wrap": True, "num_format": "@"}
    styles = {
        "title": book.add_format({"font_name": looks.font, "font_size": looks.title_size, "bold": True}),
        "note": book.add_format({**base, "border": 0}),
        "head": book.add_format({**base, "bold": True, "border": 1, "bg_color": looks.head_fill, "valign": "vcenter"}),
        "text": book.add_format({**base, "border": 1}),
        "number": book.add_format({**base, "border": 1, "num_format": "0", "align": "right"}),
        "fill": book.add_format({**base, "border": 1, "bg_color": looks.input_fill, "locked": False}),
    }
    for page, lines in pages:
        _write_page(book.add_worksheet(page.name), page, lines, looks, choices or {}, styles)
    close_book(book)


def _write_page(
    sheet: Worksheet, page: Page, lines: Lines, looks: Looks, choices: Mapping[str, Sequence[str]], styles: Mapping[str, Format]
) -> None:
    sheet.write_string(TITLE, 0, page.name, styles["title"])
    visible = [n for n, column in enumerate(page.columns) if not column.hidden]
    sheet.merge_range(NOTE, 0, NOTE, visible[-1], "", styles["note"])
    sheet.write_string(NOTE, 0, page.note, styles["note"])
    sheet.set_row(NOTE, _height(((page.note, sum(page.columns[n].width for n in visible)),), looks))
    for col, column in enumerate(page.columns):
        sheet.set_column(col, col, column.width, None, {"hidden": column.hidden})
        sheet.write_string(HEAD, col, column.label, styles["head"])
    sheet.set_row(HEAD, _height(((column.label, column.width) for column in page.columns if not column.hidden), looks))
    row, told = FIRST - 1, False
    for row, line in enumerate(chain(lines, repeat(SPARE, page.spare)), FIRST):
        told = told or line is not SPARE
        sheet.set_row(row, _height(((line.get(column.key, ""), column.width) for column in page.columns if not column.hidden), looks))
        for col, column in enumerate(page.columns):
            style = styles["fill" if column.fill else "text"]
            text = line.get(column.key, "")
            if column.number and text.isdecimal():
                sheet.write_number(row, col, int(text), styles["number"])
            elif text:
                sheet.write_string(row, col, fit_text(text, "…"), style)
            else:
                sheet.write_blank(row, col, None, style)
    for col, column in enumerate(page.columns):
        if column.words and column.fill and row >= FIRST:
            sheet.data_validation(FIRST, col, row, col, {"validate": "list", "source": list(choices[column.words])})
    sheet.freeze_panes(FIRST, 0)
    if told:
        sheet.autofilter(HEAD, 0, row, len(page.columns) - 1)  # hidden ones too: what is sorted by it must stay together
    sheet.set_landscape()
    sheet.set_paper(PAPER_A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD)
    left, right, top, bottom = looks.margins
    sheet.set_margins(left, right, top, bottom)
    sheet.set_footer(f"&C{looks.footer}")


def _height(texts: Iterable[tuple[str, float]], looks: Looks) -> float:
    """Points that a row of wrapped texts needs in columns of these widths: Excel would find it on opening, LibreOffice would not."""
    lines = max(text_lines(text, width * 10.5 / looks.size / 2 - 0.5) if text else 1 for text, width in texts)
    return min(lines * looks.size * 1.4 + 2, ROW_MOST)


def as_text(value: Value | None) -> str:
    """What a person typed into a cell of such a page, as text."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime | dt.date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
