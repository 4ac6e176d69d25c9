"""Fill the generated templates with the example data the way a person does: typing into input cells only.

Run from the repository: `python examples/fill.py` writes `examples/filled/*.xlsx`; a test regenerates and compares them.
Where Excel would fit a row's height to what is typed, and where a person would drag a merged row taller, the height is set.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from xlgoals.forms import LEVELS, Form
from xlgoals.layout import ORIGIN, Plan, Slot, column_points, plan, style_of, text_height, tick_line
from xlgoals.records import Stamp
from xlgoals.render import render
from xlgoals.spec import data_folder, load_forms
from xlgoals.yamlmark import load_marked

MOMENT = (1980, 1, 1, 0, 0, 0)  # of every part of the package, so that equal data gives equal bytes


def fill(data: Mapping[str, Any]) -> bytes:
    """One department's workbook: a sheet a project, every value typed where the form asks for it."""
    forms = load_forms()
    form = forms[data["form"]]
    stamp = Stamp(1, "", "", year=data["year"], department=data["department"], unit=data["unit"])
    blank = render(forms, form, count=len(data["projects"]), stamp=stamp)
    book = openpyxl.load_workbook(io.BytesIO(blank))
    for number, project in enumerate(data["projects"], 1):
        sheet = book[form.book[0].sheet.replace("{seq}", str(number))]
        typist = _Typist(form, sheet)
        for slot, row, text in typed(plan(form), {**data, **project}):
            typist.type(slot, row, text)
        typist.fit_rows()
    buffer = io.BytesIO()
    book.save(buffer)
    return _pinned(buffer.getvalue())


def typed(laid: Plan, project: Mapping[str, Any]) -> Iterator[tuple[Slot, int, str]]:
    """What is typed where: (slot, row of the form, text) for every value of a project."""
    for key, slot in laid.inputs.items():
        if slot.kind == "input" and project.get(key):
            yield slot, slot.area.top, tick_line(slot.tick, project[key]) if slot.tick else project[key]
        elif slot.kind == "pattern" and key == slot.key:
            yield slot, slot.area.top, re.sub(r"\{(\w+)\}", lambda hole: project.get(hole[1], ""), slot.text)
    for _, grid in laid.form.template.grids():
        panes = dict.fromkeys(column.pane for column in grid.columns if column.pane)
        for pane in panes or (None,):
            lines = project.get(grid.grid if pane in (None, "annual") else f"{pane}_{grid.grid}", [])
            taken: set[int] = set()
            last = -1
            for line in lines:
                values = line if isinstance(line, dict) else {grid.columns[0].key: line}
                row = _line(laid, grid.grid, values, taken, last, pane)
                taken.add(row)
                last = row
                for slot in laid.slots:
                    here = slot.grid == grid.grid and slot.kind == "input" and slot.area.top == row
                    if here and slot.column and slot.column.pane in (None, pane) and values.get(slot.column.key):
                        yield slot, row, values[slot.column.key]


def _line(laid: Plan, grid: str, values: Mapping[str, str], taken: set[int], last: int, pane: str | None) -> int:
    """The next free line whose printed words are those of the values, shown ones before spare ones."""
    spec = next(g for _, g in laid.form.template.grids() if g.grid == grid)
    form = laid.form
    for row in laid.lines(grid):
        fixed = spec.blocks[laid.rows[row].block].fixed
        if row not in taken and all(_same(form, key, values.get(key, ""), text) for key, text in fixed.items()):
            return row
    raise SystemExit(f"{form.id}: no line left in {grid} for {dict(values)}")


def _same(form: Form, key: str, text: str, printed: str) -> bool:
    return form.canonical(text, key) == form.canonical(printed, key) if key in LEVELS else text == printed


class _Typist:
    def __init__(self, form: Form, sheet: Worksheet) -> None:
        self.form, self.sheet = form, sheet
        self.needed: dict[int, float] = {}

    def type(self, slot: Slot, row: int, text: str) -> None:
        cell = self.sheet.cell(row + ORIGIN[0] + 1, slot.area.left + ORIGIN[1] + 1)
        if cell.protection.locked:
            raise SystemExit(f"{self.sheet.title}!{cell.coordinate} is locked")
        cell.value = as_number(text) if slot.kind == "input" and slot.meanings[slot.key].type == "money" else text
        if isinstance(cell.value, str):
            cell.data_type = "s"  # a person's text cell: what begins with = stays text
            points = sum(column_points(w) for w in self.form.template.columns[slot.area.left : slot.area.right + 1])
            height = text_height(
                self.form, style_of(self.form, slot), ("1. " if slot.column and slot.column.numbered else "") + text, points
            )
            self.needed[row] = max(self.needed.get(row, 0), height)

    def fit_rows(self) -> None:
        laid = plan(self.form)
        for row, height in self.needed.items():
            planned = laid.rows[row]
            least = planned.height or self.form.looks.line_size * self.form.looks.line_factor
            dimension = self.sheet.row_dimensions[row + ORIGIN[0] + 1]
            if planned.hidden:
                dimension.hidden = False  # a spare line that was needed
            if height > least or planned.hidden or planned.height is None:
                dimension.height = min(max(height, least), 409)


def as_number(text: str) -> str | int | Decimal:
    """What Excel makes of a figure typed into a number cell."""
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return text
    return int(number) if number == number.to_integral_value() else number


def _pinned(package: bytes) -> bytes:
    """The package with its moments of writing taken out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            part = source.read(info)
            if info.filename == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2025-01-01T00:00:00Z", part)
            target.writestr(zipfile.ZipInfo(info.filename, MOMENT), part, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def main(folder: Path) -> None:
    for path in sorted(data_folder("examples").glob("data/*.yaml")):
        data = load_marked(path).data
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{data['unit']}-{data['year']}.xlsx").write_bytes(fill(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data_folder("examples") / "filled")
