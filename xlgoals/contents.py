"""The contents sheet of a book of forms: what is in it, with the way to each sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.forms import Form
from xlgoals.layout import ORIGIN, plan
from xlgoals.models import Contents
from xlgoals.pen import ALLOWED, RenderError, put_formula, put_text
from xlgoals.records import absolute, cell_name

WIDTHS = (64.0, 26.0)


class FormSheet(NamedTuple):
    """One form sheet of a workbook: its name, its form, its number among those of the form, its line in the contents."""

    name: str
    form: Form
    seq: int
    project: bool
    title: str


def draw_contents(sheet: Worksheet, words: Contents, sheets: Sequence[FormSheet], style: Callable[..., Format]) -> None:
    """One line a sheet, below a title that is told for each unit; a project's sheet shows, below the title they share, the name that is typed on it."""
    for col, width in enumerate(WIDTHS):
        sheet.set_column(col, col, width)
    sheet.merge_range(0, 0, 0, 1, "", style(font_name="方正小标宋简体", font_size=18, align="center", valign="vcenter"))
    sheet.set_row(0, 34)
    head = style(font_name="黑体", font_size=12, align="center", valign="vcenter", border=1)
    for col, text in enumerate(words.head):
        put_text(sheet, 2, col, text, head)
    body = style(font_name="宋体", font_size=12, valign="vcenter", text_wrap=True, border=1)
    below = style(font_name="宋体", font_size=10.5, valign="vcenter", shrink=True, border=1, indent=2)  # no program fits a row to a formula
    link = style(font_name="宋体", font_size=10.5, font_color="#0563C1", underline=1, align="center", valign="vcenter", border=1)
    row, group = 3, ""
    for one in sheets:
        named = _name_cell(one)
        if not named or one.title != group:
            put_text(sheet, row, 0, one.title or one.form.title, body)
            if named:
                sheet.write_blank(row, 1, None, body)
                row += 1
        if named:
            put_formula(sheet, row, 0, f'=\'{one.name}\'!{named}&""', below)
        if sheet.write_url(row, 1, f"internal:'{one.name}'!A1", link, one.name):
            raise RenderError(f"link to {one.name}")
        row, group = row + 1, one.title
    sheet.repeat_rows(2)
    sheet.set_paper(9)
    sheet.center_horizontally()
    sheet.fit_to_pages(1, 0)
    sheet.hide_gridlines(2)
    sheet.set_tab_color("#70AD47")
    sheet.protect("", ALLOWED)


def _name_cell(one: FormSheet) -> str:
    """Where a project's name is typed on its sheet; empty on sheets that stand for no project."""
    laid = plan(one.form)
    slot = next((slot for key, slot in laid.inputs.items() if slot.meanings[key].to == "project_name"), None) if one.project else None
    return absolute(cell_name(slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1])) if slot else ""
