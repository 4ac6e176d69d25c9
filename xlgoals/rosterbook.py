"""The blank roster workbook that a new cycle gets: headings, dropdowns, prompts, codes as text, and a sheet that explains it."""

from __future__ import annotations

import io

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.pen import PINNED, RenderError, put_text
from xlgoals.roster import RosterWords, SheetWords

ROWS = 10_000  # rows below the headings that dropdowns and the text format reach


def blank_roster(words: RosterWords) -> bytes:
    """An empty roster; equal input gives equal bytes."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": words.help.title, "created": PINNED})
    text = book.add_format({"num_format": "@", "font_name": "宋体", "font_size": 11})
    looks = [book.add_format({"font_name": "黑体", "font_size": 11, "bg_color": colour, "border": 1, "text_wrap": True, "valign": "vcenter"})
             for colour in ("#D9D9D9", "#FFE699")]  # fmt: skip
    for sheet in (words.units, words.projects):
        _list(book.add_worksheet(sheet.sheet), sheet, words, text, looks)
    _help(book.add_worksheet(words.help.sheet), words, text, looks[0], book.add_format({"font_name": "黑体", "font_size": 16}))
    book.close()
    return buffer.getvalue()


def _list(page: Worksheet, sheet: SheetWords, words: RosterWords, text: Format, looks: list[Format]) -> None:
    for col, column in enumerate(sheet.columns.values()):
        page.set_column(col, col, column.width, text)  # text throughout: a code loses no zeros
        put_text(page, 0, col, column.label, looks[column.required])
        rule: dict[str, object] = {"validate": "any", "input_title": column.label, "input_message": column.prompt}
        if column.choices:
            choices = [one.word for one in words.choices(column.choices)]
            rule |= {"validate": "list", "source": choices, "error_message": f"只能是：{'、'.join(choices)}"}
        if page.data_validation(1, col, ROWS, col, rule):
            raise RenderError(f"{page.get_name()}: validation refused")
    page.set_column(len(sheet.columns), len(sheet.columns) + 20, 20, text)
    page.set_row(0, 24)
    page.freeze_panes(1, 2)
    page.autofilter(0, 0, ROWS, len(sheet.columns) - 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.ignore_errors({"number_stored_as_text": f"A1:Z{ROWS}"})


def _help(page: Worksheet, words: RosterWords, text: Format, head: Format, title: Format) -> None:
    for col, width in enumerate((12, 18, 10, 80)):
        page.set_column(col, col, width, text)
    put_text(page, 0, 0, words.help.title, title)
    row = 2
    for line in (*words.help.lines, words.projects.more):
        put_text(page, row, 0, line, text)
        row += 1
    row += 1
    for col, word in enumerate(words.help.head):
        put_text(page, row, col, word, head)
    for sheet in (words.units, words.projects):
        for column in sheet.columns.values():
            row += 1
            need = words.help.required if column.required else words.help.optional
            for col, word in enumerate((sheet.sheet, column.label, need, column.prompt)):
                put_text(page, row, col, word, text)
    page.set_paper(9)
    page.set_landscape()
    page.fit_to_pages(1, 0)
