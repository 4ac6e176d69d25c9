"""Writing into a workbook, checked: text stays text, formulas carry no stale value, and a refusal of the writer is an error."""

from __future__ import annotations

import datetime as dt

from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from xlgoals.entries import fits_cell
from xlgoals.records import cell_name

# What staff may do on a protected form: put a seal or a comment on it, size rows and columns, unhide spare lines.
ALLOWED = {"objects": True, "scenarios": True, "format_rows": True, "format_columns": True}
PINNED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)  # equal input gives equal bytes


class RenderError(Exception):
    """The writer refused something: a defect of ours or a limit of Excel that lint should have caught."""


def put_text(sheet: Worksheet, row: int, col: int, text: str, style: Format | None) -> None:
    """Write text as text, whatever it begins with."""
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # xlsxwriter would take it for rich-text XML of its own and write it raw
    if not fits_cell(text) or sheet.write_string(row, col, text, style):
        raise RenderError(f"{sheet.get_name()}!{cell_name(row, col)}: text refused")


def put_formula(sheet: Worksheet, row: int, col: int, formula: str, style: Format | None) -> None:
    """Write a formula with an empty cached value: LibreOffice trusts a cached 0 and would show it."""
    if sheet.write_formula(row, col, formula, style, ""):
        raise RenderError(f"{sheet.get_name()}!{cell_name(row, col)}: formula refused")


def close_book(book: Workbook) -> None:
    """Write the workbook out; where the file cannot be written, the system's own error is raised, as for any other file."""
    try:
        book.close()
    except FileCreateError as error:
        cause = error.args[0] if error.args else None
        raise (cause if isinstance(cause, OSError) else OSError(0, str(error))) from error
