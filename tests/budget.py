"""The department's budget as tables, straight from the example data: what the tests of equalities stand on, without any workbook."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from xlgoals.records import Area, At, Detail, Funds, Return, Spot, cell_name
from xlgoals.spec import data_folder, load_forms
from xlgoals.subjects import Subject, read_subjects
from xlgoals.yamlmark import load_marked

EXAMPLES = data_folder("examples") / "data"
DATA: dict[str, Any] = load_marked(EXAMPLES / "budget" / "qinglong-budget-2024.yaml").data
PROJECTS: list[dict[str, Any]] = load_marked(EXAMPLES / "qinglong-2024.yaml").data["projects"]
SUBJECTS: tuple[Subject, ...] = read_subjects(EXAMPLES / "budget" / "subjects-qinglong-2024.csv", data_folder("mappings") / "listings.yaml", load_forms().codes)
STATED = load_forms()["qinglong-statement-2024"]
PRINTED_SHEETS = frozenset(sheet.sheet for sheet in load_forms().books["qinglong-budget-2024"].sheets if sheet.per == "workbook")
WAN = Decimal(10_000)
TEXTS = ("code", "name", "quantity")
@dataclass(frozen=True)
class Budget:
    """Figures of one department's budget, in 万元 as printed: (form, grid, line, column) -> text, and the projects' totals."""

    cells: Mapping[tuple[str, str, str, str], str]
    projects: Mapping[int, str]
    department: str = DATA["department"]
    unit: str = DATA["unit"]
    file: str = "预算.xlsx"
    factor: Decimal = WAN

    def altered(self, place: tuple[str, str, str, str] | int, by: Decimal) -> Budget:
        if isinstance(place, int):
            return replace(self, projects={**self.projects, place: str(_figure(self.projects[place]) + by)})
        return replace(self, cells={**self.cells, place: str(_figure(self.cells[place]) + by)})

    def returns(self) -> Iterator[Return]:
        """The returns that reading a workbook would give, each cell at a place of its own."""
        for form in dict.fromkeys(place[0] for place in self.cells) | dict.fromkeys(DATA["forms"]):
            details, spots = [], {}
            mine = [(place[1:], text) for place, text in self.cells.items() if place[0] == form]
            for number, ((grid, line, column), text) in enumerate(mine):
                key = f"stated.{line}" if grid == "stated" else f"{grid}.{line}.{column}"
                amount = None if column in TEXTS or not re.fullmatch(r"(增加|减少|-)?[\d.]+", text) else (_figure(text) * self.factor).quantize(Decimal("0.01"))
                details.append(Detail(key, grid, line, column, text, amount))
                spots[key] = Spot(At(self.file, form, cell_name(number, 3)), text, "test", f"{line}·{column}")
            fields = {"year": DATA["year"], "department": self.department, "unit": self.unit}
            yield Return(self.file, "", form, Area(0, 0, 99, 9), form, None, fields, details=tuple(details), spots=spots)
        for number, total in self.projects.items():
            data = PROJECTS[number - 1]
            fields = {**{k: data[k] for k in ("project_code", "project_name")}, "year": DATA["year"], "department": self.department, "unit": self.unit}
            sheet, key = f"项目{number}", "funds.annual.total"
            line = Funds(key, "annual", "total", _figure(total) * WAN, total, "万元")
            spot = Spot(At(self.file, sheet, "D6"), total, "test", "预算数")
            yield Return(self.file, "", sheet, Area(0, 0, 99, 9), "qinglong-2024", None, fields, funds=(line,), spots={key: spot})


def _figure(text: str) -> Decimal:
    return Decimal(re.sub("减少", "-", text).replace("增加", ""))


def printed() -> Budget:
    """The department's budget as printed."""
    cells: dict[tuple[str, str, str, str], str] = {}
    for form, grids in DATA["forms"].items():
        for grid, lines in grids.items():
            if isinstance(lines, str):
                if grid in STATED.meanings and STATED.meanings[grid].record == "stated":
                    cells[form, "stated", grid, STATED.meanings[grid].part] = lines
                continue
            rows = lines.items() if isinstance(lines, dict) else enumerate(lines, 1)
            for line, row in rows:
                if isinstance(row, str):
                    row = {"measure": row}
                name = row.get("line") or row.get("code") or str(line)
                cells |= {(form, grid, name, column): text for column, text in row.items() if column != "line"}
    return Budget(cells, {int(one["seq"]): one["total"] for one in PROJECTS})
