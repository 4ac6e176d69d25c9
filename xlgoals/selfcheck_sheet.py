"""The 填报自检 sheet of a generated workbook: every check on every form with its result in words, and the way to the cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.forms import Form
from xlgoals.formulas import phrase
from xlgoals.layout import column_points, text_height
from xlgoals.models import SelfCheck
from xlgoals.ownformulas import OVERVIEW, owned
from xlgoals.pen import ALLOWED, put_formula, put_text
from xlgoals.records import Area, absolute, cell_name
from xlgoals.selfcheck import KEPT, Checks, Row, rows_of

FONT = {"font_name": "宋体", "font_size": 10.5, "valign": "top"}
HEAD_HEIGHT = 30


class SelfCheckSheet:
    """Draws the sheet; `forms` are the form sheets by name, `style` makes (or finds) a format of the workbook, `short`
    a stand-in for a long formula."""

    def __init__(
        self, sheet: Worksheet, words: SelfCheck, forms: Sequence[tuple[str, Form, Checks]], style: Callable[..., Format],
        short: Callable[[str], str],
    ) -> None:  # fmt: skip
        self.sheet, self.words, self.forms, self.style, self.short = sheet, words, forms, style, short
        self.width = len(words.heads)

    def draw(self) -> None:
        sheet, words = self.sheet, self.words
        for col, width in enumerate(words.widths):
            sheet.set_column(col, col, width)
        sheet.set_row(0, 26)
        put_text(sheet, 0, 0, words.title, self.style(**{**FONT, "font_name": "黑体", "font_size": 16}))
        for row, text in enumerate(words.about, 2):
            self._about(row, text)
        head = len(words.about) + 3
        for col, text in enumerate(words.heads):
            put_text(sheet, head, col, text, self.style(**FONT | {"font_name": "黑体", "border": 1, "bg_color": "#F2F2F2"}))
        row = head + 1
        for name, form, checks in self.forms:
            for n, one in enumerate(rows_of(name, form, checks, words, row)):
                self._row(row + n, one, bold=n == 0)
            row += len(checks.rules) + 1
        self._summary(Area(head + 1, 0, row - 1, 0))
        sheet.set_column(self.width, self.width + KEPT - 1, None, None, {"hidden": True})
        put_text(sheet, 0, self.width, OVERVIEW, None)
        sheet.autofilter(head, 0, row - 1, self.width - 1)
        sheet.freeze_panes(head + 1, 0)
        sheet.repeat_rows(head)
        sheet.print_area(0, 0, row - 1, self.width - 1)
        sheet.hide_gridlines(2)
        sheet.set_tab_color("#ED7D31")
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.protect("", {**ALLOWED, "autofilter": True})

    def _about(self, row: int, text: str) -> None:
        """A line of words over all columns, as high as it needs."""
        style = self.style(**FONT, text_wrap=True)
        self.sheet.merge_range(row, 0, row, self.width - 1, "", style)
        put_text(self.sheet, row, 0, text, style)
        form, points = self.forms[0][1], sum(map(column_points, self.words.widths))
        self.sheet.set_row(row, text_height(form, form.looks.styles["line"], text, points))

    def _row(self, row: int, one: Row, *, bold: bool) -> None:
        look: dict[str, Any] = {**FONT, "border": 1, "bold": bold}
        if bold:
            self.sheet.set_row(row, HEAD_HEIGHT)  # its status may take two lines, and no program fits a row to a formula
        for col, text in enumerate(one.shown):
            linked = col == self.width - 1 or (bold and col == 0)
            style = self.style(**look, text_wrap=True, **({"font_color": self.words.link, "underline": 1} if linked else {}))
            self._put(row, col, text, style)
        for col, text in enumerate(one.kept, self.width):
            if text:
                self._put(row, col, text, None)

    def _put(self, row: int, col: int, text: str, style: Format | None) -> None:
        if text.startswith("="):
            put_formula(self.sheet, row, col, self.short(owned(text[1:])), style)
        elif text:
            put_text(self.sheet, row, col, text, style)
        else:
            self.sheet.write_blank(row, col, None, style)

    def _summary(self, rows: Area) -> None:
        """How many forms there are, and how they stand."""
        state = self.width + KEPT - 1
        area = f"{absolute(cell_name(rows.top, state))}:{absolute(cell_name(rows.bottom, state))}"
        counts = {name: f'COUNTIF({area},"{test}")' for name, test in (("count", ">-2"), ("passed", "0"), ("wrong", ">0"), ("blank", "-1"))}
        put_formula(self.sheet, 1, 0, f"={phrase(self.words.summary, counts)}", self.style(**FONT, bold=True))
