"""Fill the generated templates with the example data the way a person does: typing into input cells only.

Run from the repository: `python examples/fill.py` writes `examples/filled/*.xlsx` and `examples/budget/*.xlsx`; a test regenerates and compares them.
Where Excel would fit a row's height to what is typed, and where a person would drag a merged row taller, the height is set.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from xlgoals.entries import Entry, fitted_heights, typed
from xlgoals.forms import Form
from xlgoals.layout import ORIGIN, plan
from xlgoals.records import Stamp
from xlgoals.render import render
from xlgoals.spec import data_folder, load_forms
from xlgoals.yamlmark import load_marked

MOMENT = (1980, 1, 1, 0, 0, 0)  # of every part of the package, so that equal data gives equal bytes


def fill(data: Mapping[str, Any], stamp: Stamp | None = None) -> bytes:
    """One department's workbook: a sheet a project, every value typed where the form asks for it. Of a book of forms (`book`), also
    one sheet each for what `forms` gives by form; its projects may be those of another file (`projects_from`). `stamp`: as it was sent out."""
    forms = load_forms()
    binder = forms.binder(data.get("book") or data["form"])
    stamp = stamp or Stamp(1, "", "", year=data["year"], department=data["department"], unit=data["unit"])
    known = load_marked(data_folder("examples") / "data" / f"{data['projects_from']}.yaml").data if "projects_from" in data else data
    projects = known.get("projects", [])
    book = openpyxl.load_workbook(io.BytesIO(render(forms, binder, count=max(1, len(projects)), stamp=stamp)))
    for spec in binder.sheets:
        contents = projects if spec.per == "project" else [one] if (one := data.get("forms", {}).get(spec.form)) else []
        for number, content in enumerate(contents, 1):
            typist = _Typist(forms[spec.form], book[spec.sheet.replace("{seq}", str(number))])
            for entry in typed(plan(forms[spec.form]), {**data, **content}):
                typist.type(entry)
            typist.fit_rows()
    buffer = io.BytesIO()
    book.save(buffer)
    return _pinned(buffer.getvalue())


class _Typist:
    def __init__(self, form: Form, sheet: Worksheet) -> None:
        self.form, self.sheet = form, sheet
        self.texts: list[Entry] = []

    def type(self, entry: Entry) -> None:
        slot, row, text = entry
        cell = self.sheet.cell(row + ORIGIN[0] + 1, slot.area.left + ORIGIN[1] + 1)
        if cell.protection.locked and slot.formula is None:  # a published total is typed over the sum: protection was taken off
            raise SystemExit(f"{self.sheet.title}!{cell.coordinate} is locked")
        cell.value = as_number(str(text)) if slot.kind == "input" and slot.meanings[slot.key].type == "money" else text
        if isinstance(cell.value, str):
            cell.data_type = "s"  # a person's text cell: what begins with = stays text
            self.texts.append(entry)

    def fit_rows(self) -> None:
        laid = plan(self.form)
        for row, height in fitted_heights(laid, self.texts).items():
            dimension = self.sheet.row_dimensions[row + ORIGIN[0] + 1]
            dimension.height = height
            if laid.rows[row].hidden:
                dimension.hidden = False  # a spare line that was needed


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


def main(folder: Path, budgets: Path) -> None:
    """The forms of each department, and apart from them the whole budgets: these hold the same goal forms once more."""
    source = data_folder("examples") / "data"
    for target, paths in ((folder, source.glob("*.yaml")), (budgets, source.glob("budget/*.yaml"))):
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(paths):
            data = load_marked(path).data
            (target / file_name(data)).write_bytes(fill(data))


def file_name(data: Mapping[str, Any]) -> str:
    return f"{data['unit']}-{data['year']}{'-部门预算' if 'book' in data else ''}.xlsx"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else data_folder("examples")
    main(target / "filled", target / "budget")
