"""The 填报说明 sheet of a generated workbook: for whom it is, how to fill it in, the way to each form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.contents import FormSheet
from xlgoals.layout import column_points, plan, text_height
from xlgoals.models import Grid, Guide
from xlgoals.pen import ALLOWED, RenderError, put_text
from xlgoals.records import Area, RowCol, Stamp

LINE: dict[str, Any] = {"font_name": "宋体", "font_size": 10.5, "valign": "top", "text_wrap": True}


class GuideSheet:
    """Draws the sheet row by row; `sheets` are the form sheets, `style` makes (or finds) a format of the workbook. `own` are the
    cells that say for whom the workbook is, `notice_row` is left blank for what the bureau has to say."""

    def __init__(self, sheet: Worksheet, words: Guide, title: str, sheets: Sequence[FormSheet], style: Callable[..., Format]) -> None:
        self.sheet, self.words, self.title, self.sheets, self.style, self.row = sheet, words, title, sheets, style, 0
        self.form = next((one.form for one in sheets if one.project), sheets[0].form)
        self.widths = (24.0, 12.0, 52.0)
        self.own: list[tuple[RowCol, Callable[[Stamp], str]]] = []
        self.notice_row = 0

    def draw(self) -> None:
        guide, form, sheet = self.words, self.form, self.sheet
        names, projects = [one.name for one in self.sheets], [one.name for one in self.sheets if one.project] or [self.sheets[0].name]
        unit = form.dialect.money_unit
        for col, width in enumerate(self.widths):
            sheet.set_column(col, col, width)
        self._line(guide.title.format(title=self.title), font_name="黑体", font_size=16)
        for part in ("year", "department", "unit"):
            self.own.append(((self.row, 2), partial(self._identity, part)))
            self._cells(getattr(guide.identity, part), "", "")
        self.notice_row = self.row
        sheet.merge_range(self.row, 0, self.row, len(self.widths) - 1, "", self.style(**LINE, bold=True))
        self.row += 1
        self._line(guide.steps_title, font_name="黑体", font_size=12)
        known = {"count": len(projects), "first": projects[0], "last": projects[-1], "money_unit": unit, "spare": self._spare()}
        for i, step in enumerate(guide.steps, 1):
            self._line(f"{i}. {step.format_map(known)}")
        self.row += 1
        self._line(guide.contact_title, font_name="黑体", font_size=12)
        self._line(guide.contact)
        self.row += 1
        self._line(guide.links_title, font_name="黑体", font_size=12)
        link = self.style(font_name="宋体", font_size=10.5, font_color="#0563C1", underline=1)
        narrow = column_points(self.widths[1])
        cols = (0, 1, 2) if all(self._height(name, narrow) <= self._height("", narrow) for name in names) else (0, 2)
        for i, name in enumerate(names):
            if sheet.write_url(self.row + i // len(cols), cols[i % len(cols)], f"internal:'{name}'!A1", link, name):
                raise RenderError(f"link to {name}")
        self.row += -(-len(names) // len(cols)) + 1
        self._line(guide.fields_title, font_name="黑体", font_size=12)
        self._cells(*guide.fields_head, font_name="黑体")
        told: set[str] = set()
        for slot in (slot for form in dict.fromkeys(one.form for one in self.sheets) for slot in plan(form).slots):
            for meaning in slot.meanings.values() if slot.typed else ():
                label = slot.label if slot.kind == "input" and not meaning.many else meaning.label
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
        return self._height(text, sum(map(column_points, self.widths)), size)

    def _height(self, text: str, points: float, size: float = 10.5) -> float:
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
        heights = [self._height(text, column_points(width)) for text, width in zip(texts, self.widths, strict=True)]
        if max(heights) > self._height("", 0):  # LibreOffice does not fit rows when it opens a file
            self.sheet.set_row(self.row, max(heights))
        self.row += 1
