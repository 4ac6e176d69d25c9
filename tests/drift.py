"""Damage every form in every way that staff do, read it, judge the reading, and report.

The kinds stand in `damage` (done with openpyxl) and `damage_office` (recorded steps that LibreOffice carries out, all of them on
one server: `office`); `oracle` knows what was typed and judges. `python -m tests.drift` writes `docs/drift.md`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.workbook import Workbook
from python_calamine import CalamineWorkbook

from examples.fill import fill
from tests import damage, damage_office
from tests.case import KINDS, SHIPPED, TABLES, Case, applies, pairs
from tests.forms import FORMS
from tests.opened import opened, plainly, saved
from tests.oracle import Seen, Verdict, judge, sample, truth_of
from xlgoals.ownformulas import OWN
from xlgoals.parse import understand
from xlgoals.read import read_bytes

REPORT = Path(__file__).parent.parent / "docs" / "drift.md"
OFFICE_SECONDS = 1800
assert damage and damage_office  # importing them registers their kinds


# --- running -----------------------------------------------------------------------------------------------------------


@cache
def base(form_id: str) -> bytes:
    """The undamaged workbook of a form; without dropdowns and tints, which reading never looks at."""
    book = openpyxl.load_workbook(io.BytesIO(fill(sample(FORMS[form_id]))))
    for page in book.worksheets:
        page.data_validations.dataValidation = []
        page.conditional_formatting = type(page.conditional_formatting)()
    return saved(book)


def case_of(form_id: str, book: Workbook | None = None) -> Case:
    form = FORMS[form_id]
    truths = {f"项目{n}": truth_of(form, project) for n, project in enumerate(sample(form)["projects"], 1)}
    return Case(form, book or opened(base(form_id)), truths)


@cache
def damaged_by_office() -> tuple[Mapping[tuple[str, str], tuple[bytes, Case]], str]:
    """Every office kind on every form, made in one go by one server; or what went wrong, which no test tries again."""
    made: dict[tuple[str, str], tuple[bytes, Case]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs: list[dict[str, Any]] = []
        cases: dict[tuple[str, str], Case] = {}
        for form_id in (*SHIPPED, *TABLES):
            source = folder / f"{form_id}.xlsx"
            source.write_bytes(base(form_id))
            book = case_of(form_id).book  # only looked at: the office works on the file
            for one in KINDS.values():
                if one.office and applies(one.name, form_id):
                    case = cases[one.name, form_id] = case_of(form_id, book)
                    one.make(case)
                    work = folder / f"{form_id}-{one.name}"
                    steps = [[w.replace("{work}", str(work)) if isinstance(w, str) else w for w in step] for step in case.steps]
                    jobs.append({"source": str(source), "steps": steps, "target": str(work) + case.suffix})
        listed = folder / "jobs.json"
        listed.write_text(json.dumps(jobs), encoding="utf-8")
        if trouble := by_office(listed, folder):
            return {}, trouble
        for (kind_name, form_id), case in cases.items():
            made[kind_name, form_id] = ((folder / f"{form_id}-{kind_name}{case.suffix}").read_bytes(), case)
    return made, ""


def by_office(jobs: Path, folder: Path) -> str:
    """Have an office of its own carry out jobs (`office`); says what went wrong. It takes minutes, on a busy machine many."""
    with subprocess.Popen([office_python(), str(Path(__file__).with_name("office.py")), str(jobs), str(folder)]) as running:
        try:
            return f"the office's jobs ended with {code}" if (code := running.wait(OFFICE_SECONDS)) else ""
        except subprocess.TimeoutExpired:
            running.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(60)
            running.kill()
            return f"the office did not finish within {OFFICE_SECONDS} seconds"


@cache
def office_python() -> str:
    """The Python that can talk to LibreOffice; empty when there is none."""
    if shutil.which("soffice"):
        for python in filter(None, (shutil.which("python3", path=os.defpath), shutil.which("python3"))):
            if subprocess.run([python, "-c", "import uno"], capture_output=True, check=False).returncode == 0:
                return python
    return ""


@cache
def run(kind_name: str, form_id: str) -> Verdict:
    """Damage one form in one way, read it and judge."""
    one = KINDS[kind_name]
    if one.office:
        made, trouble = damaged_by_office()
        assert not trouble, trouble
        data, case = made[kind_name, form_id]
        seen = looked_at(data, case.suffix)
    else:
        case = case_of(form_id)
        one.make(case)
        data = saved(case.book)
        seen = cells(case.book)
    returns, findings = understand(read_bytes(data, name=f"表{case.suffix}"), FORMS)
    return judge(case.truths, seen, returns, findings, FORMS)


def looked_at(data: bytes, suffix: str) -> Seen:
    """A workbook's cells by a reader of its own; without those of our own formulas, which nobody typed."""
    if suffix == ".xlsx":
        book = plainly(data, data_only=True)
        own = cells(plainly(data), own=True)
        return {name: {spot: value for spot, value in found.items() if spot not in own[name]} for name, found in cells(book).items()}
    other = CalamineWorkbook.from_filelike(io.BytesIO(data))
    formulas = {sheet.name: {spot for spot, text in sheet.formulas.items() if OWN in text} for sheet in read_bytes(data, name="表").sheets}
    return {
        name: {
            (r, c): value
            for r, row in enumerate(other.get_sheet_by_name(name).to_python(skip_empty_area=False))
            for c, value in enumerate(row)
            if value not in ("", OWN) and (r, c) not in formulas[name]
        }
        for name in other.sheet_names
    }


def cells(book: Workbook, *, own: bool = False) -> Seen:
    """The cells of an openpyxl workbook; our own formulas, or everything but them."""
    return {
        page.title: {
            (row - 1, column - 1): cell.value
            for (row, column), cell in sorted(page._cells.items())  # a blank cell in the last corner would make iter_rows lay out all before it
            if cell.value is not None and (OWN in str(cell.value)) == own
        }
        for page in book.worksheets
    }


# --- the report --------------------------------------------------------------------------------------------------------

HEAD = """# Drift: what staff do to a form, and what the reader makes of it

Made by `python -m tests.drift` (a test keeps it current): {kinds} kinds of damage on {forms} forms, {runs} workbooks. On every
one of them **{wrong} values are silently wrong and {lost} silently lost** (design §5.1). The numbers are the share of the values
still in the workbook that is read right with its true address; what is not read is named in a finding. The last column
lists the findings raised. Tables of figures (the two on the right) have no projects and no indicators: “–” where a damage is about these.

"""


def report() -> str:
    verdicts = {(one.name, form): run(one.name, form) for one, form in pairs()}
    forms = (*SHIPPED, *TABLES)
    lines = [HEAD.format(
        kinds=len(KINDS), forms=len(forms), runs=len(verdicts),
        wrong=sum(len(v.wrong) for v in verdicts.values()), lost=sum(len(v.lost) for v in verdicts.values()),
    )]  # fmt: skip
    for office, title in ((False, "Made with openpyxl"), (True, "Made with LibreOffice")):
        lines += [f"## {title}\n", "| damage | " + " | ".join(forms) + " | findings |", "|---|" + "---:|" * len(forms) + "---|"]
        for one in KINDS.values():
            if one.office != office:
                continue
            own = [verdicts.get((one.name, form)) for form in forms]
            codes = sorted({code for verdict in own if verdict for code in verdict.codes})
            shares = " | ".join(f"{verdict.share:.0%}" if verdict else "–" for verdict in own)
            lines.append(f"| {one.words} (`{one.name}`) | {shares} | {', '.join(f'`{code}`' for code in codes)} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(report(), encoding="utf-8")
