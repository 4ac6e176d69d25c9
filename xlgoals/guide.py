"""The 填报说明 sheet of a generated workbook: for whom it is, how to fill it in, the way to each form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.forms import Form
from xlgoals.layout import plan, text_height
from xlgoals.models import Grid, Guide
from xlgoals.pen import ALLOWED, RenderError, put_text
from xlgoals.records import Area, RowCol, Stamp

LINE: dict[str, Any] = {"font_name": "宋体", "font_size": 10.5, "valign": "top", "text_wrap": True}


class GuideSheet:
    """Draws the sheet row by row; `names` are the form sheets, `style` makes (or finds) a format of the workbook. `own` are the
    cells that say for whom the workbook is, `notice_row` is left blank for what the bureau has to say."""

    def __init__(self, sheet: Worksheet, words: Guide, form: Form, names: Sequence[str], style: Callable[..., Format]) -> None:
        self.sheet, self.words, self.form, self.names, self.style, self.row = sheet, words, form, names, style, 0
        self.widths = (24.0, 12.0, 52.0)
        self.own: list[tuple[RowCol, Callable[[Stamp], str]]] = []
        self.notice_row = 0

    def draw(self) -> None:
        guide, form, sheet, names = self.words, self.form, self.sheet, self.names
        unit = form.dialect.money_unit
        for col, width in enumerate(self.widths):
            sheet.set_column(col, col, width)
        self._line(guide.title.format(title=form.title), font_name="黑体", font_size=16)
        for part in ("year", "department", "unit"):
            self.own.append(((self.row, 2), partial(self._identity, part)))
            self._cells(getattr(guide.identity, part), "", "")
        self.notice_row = self.row
        sheet.merge_range(self.row, 0, self.row, len(self.widths) - 1, "", self.style(**LINE, bold=True))
        self.row += 1
        self._line(guide.steps_title, font_name="黑体", font_size=12)
        known = {"count": len(names), "first": names[0], "last": names[-1], "money_unit": unit, "spare": self._spare()}
        for i, step in enumerate(guide.steps, 1):
            self._line(f"{i}. {step.format_map(known)}")
        self.row += 1
        self._line(guide.contact_title, font_name="黑体", font_size=12)
        self._line(guide.contact)
        self.row += 1
        self._line(guide.links_title, font_name="黑体", font_size=12)
        link = self.style(font_name="宋体", font_size=10.5, font_color="#0563C1", underline=1)
        for i, name in enumerate(names):
            row, col = self.row + i // 3, i % 3
            if sheet.write_url(row, col, f"internal:'{name}'!A1", link, name):
                raise RenderError(f"link to {name}")
        self.row += (len(names) + 2) // 3 + 1
        self._line(guide.fields_title, font_name="黑体", font_size=12)
        self._cells(*guide.fields_head, font_name="黑体")
        told: set[str] = set()
        for slot in plan(form).slots:
            for meaning in slot.meanings.values() if slot.typed else ():
                label = slot.label if slot.kind == "input" else meaning.label
                if label not in told:
                    told.add(label)
                    self._cells(label, guide.required if meaning.required else guide.optional, meaning.prompt)
        self.sheet.set_tab_color("#70AD47")
        self.sheet.hide_gridlines(2)
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.protect("", ALLOWED)

    def _identity(self, part: str, stamp: Stamp) -> str:
        text: str = getattr(stamp, part)
        return (f"{stamp.code} {text}" if part == "unit" and stamp.code else text) or self.words.identity.blank

    def height(self, text: str, size: float = 10.5) -> float:
        """Points of height that a text over all columns needs."""
        points = sum(w * 7 + 5 for w in self.widths) * 0.75
        return text_height(self.form, self.form.looks.styles["input"].model_copy(update={"size": size}), text, points)

    def _spare(self) -> str:
        guide = self.words
        parts = []
        for _, grid in self.form.template.grids():
            shown, most = sum(b.lines.print for b in grid.blocks), sum(b.lines.most for b in grid.blocks)
            if most > shown:
                parts.append(guide.spare.format(grid=self._grid_label(grid), shown=shown, most=most))
        return f"（{'；'.join(parts)}）" if parts else ""

    def _grid_label(self, grid: Grid) -> str:
        if grid.beside:
            return grid.beside.label
        return (
            next((c.label for c in grid.columns if c.label and self.form.columns[grid.grid][c.id].part == "name"), grid.columns[0].label)
            or ""
        )

    def _line(self, text: str, **look: Any) -> None:
        """One line of text over all columns, as high as it needs."""
        style = self.style(**{**LINE, **look})
        area = Area(self.row, 0, self.row, len(self.widths) - 1)
        self.sheet.merge_range(*area, "", style)
        put_text(self.sheet, self.row, 0, text, style)
        self.sheet.set_row(self.row, self.height(text, look.get("font_size", 10.5)))
        self.row += 1

    def _cells(self, *texts: str, **look: Any) -> None:
        style = self.style(**{**LINE, "border": 1, **look})
        for col, text in enumerate(texts):
            put_text(self.sheet, self.row, col, text, style) if text else self.sheet.write_blank(self.row, col, None, style)
        self.row += 1
