"""What a user would write otherwise: the same values out of the same workbooks with openpyxl and pandas, rolled up by unit.

    python -m benchmarks.naive FOLDER OUTPUT COUNT

Values by address, since this form's sheets all look alike; nothing is checked and nothing that staff moved is found again. The
cells' places are looked up in the form once, and not counted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import openpyxl
import pandas

from xlgoals.layout import ORIGIN, plan
from xlgoals.records import cell_name
from xlgoals.spec import load_forms


def main(folder: Path, output: Path, count: int) -> None:
    form = load_forms()["qinglong-2024"]
    laid = plan(form)

    def address(row: int, col: int) -> str:
        return cell_name(row + ORIGIN[0], col + ORIGIN[1])

    fields = {key: address(slot.area.top, slot.area.left) for key, slot in laid.inputs.items()}
    columns = {slot.key: slot.area.left for slot in laid.slots if slot.grid == "indicators" and slot.kind in ("input", "fixed")}
    lines = list(laid.lines("indicators"))
    goals = [address(slot.area.top, slot.area.left) for slot in laid.slots if slot.grid == "goals" and slot.kind == "input"]
    start = time.perf_counter()
    projects, indicators = [], []
    for path in sorted(folder.rglob("*.xlsx"))[:count]:
        book = openpyxl.load_workbook(path, data_only=True)
        for sheet in book.worksheets:
            if sheet["A1"].value != "#c0" or sheet[fields["project_name"]].value is None:
                continue
            told = json.loads(sheet.cell(1, laid.width + 1).value)
            known = {"file": path.name, "sheet": sheet.title, "department": told["department"], "unit": told["unit"]}
            project = {key: sheet[place].value for key, place in fields.items()}
            projects.append({**known, **project, "goals": "\n".join(str(sheet[place].value or "") for place in goals)})
            level1 = None
            for row in lines:
                line = {key: sheet[address(row, col)].value for key, col in columns.items()}
                level1 = line["level1"] or level1
                if line.get("name") or line.get("target"):
                    indicators.append({**known, **line, "level1": level1})
    frame = pandas.DataFrame(projects)
    for key in ("total", "fiscal", "other"):
        frame[key] = pandas.to_numeric(frame[key], errors="coerce").fillna(0)
    rolled = frame.groupby(["department", "unit"])[["total", "fiscal", "other"]].sum().reset_index()
    with pandas.ExcelWriter(output) as writer:
        rolled.to_excel(writer, sheet_name="units", index=False)
        frame.to_excel(writer, sheet_name="projects", index=False)
        pandas.DataFrame(indicators).to_excel(writer, sheet_name="indicators", index=False)
    print(json.dumps({"seconds": time.perf_counter() - start, "forms": len(projects), "indicators": len(indicators)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
