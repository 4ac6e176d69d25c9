"""The shipped examples: made from the data by typing into input cells, and read back as they were typed, to the cent."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from tests.forms import FORMS
from xlgoals.check import check
from xlgoals.consolidate import consolidate
from xlgoals.entries import typed
from xlgoals.findings import Finding
from xlgoals.intake import gather
from xlgoals.layout import ORIGIN, plan
from xlgoals.parse import understand
from xlgoals.read import read_book
from xlgoals.records import Return, cell_name
from xlgoals.tables import with_findings
from xlgoals.yamlmark import load_marked

EXAMPLES = Path(__file__).parents[1] / "examples"
DATA = {path.stem: path for path in sorted(EXAMPLES.glob("data/*.yaml"))}
BUDGETS = {path.stem: path for path in sorted(EXAMPLES.glob("data/budget/*.yaml"))}
spec = importlib.util.spec_from_file_location("fill", EXAMPLES / "fill.py")
assert spec and spec.loader
fill = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fill)


@cache
def data(form: str) -> Any:
    return load_marked((DATA | BUDGETS)[form]).data


def path(form: str) -> Path:
    return EXAMPLES / ("budget" if form in BUDGETS else "filled") / fill.file_name(data(form))


@cache
def read(form: str) -> tuple[list[Return], list[Finding]]:
    return understand(read_book(str(path(form)), name=path(form).name), FORMS)


def annual(form: str) -> list[Any]:
    return [i for one in read(form)[0] for i in one.indicators if i.horizon == "annual"]


def total(form: str) -> Decimal:
    """Annual funds as printed, in the form's unit."""
    return sum((f.amount or Decimal(0) for one in read(form)[0] for f in one.funds if (f.source, f.horizon) == ("total", "annual")), Decimal(0)) / FORMS[form].money_factor


@pytest.mark.parametrize("form", [*DATA, *BUDGETS])
def test_committed_workbooks_are_what_the_script_makes(form: str) -> None:
    with zipfile.ZipFile(io.BytesIO(fill.fill(data(form)))) as made, zipfile.ZipFile(path(form)) as committed:
        assert made.namelist() == committed.namelist()
        differ = [name for name in made.namelist() if made.read(name) != committed.read(name)]
    assert not differ, f"{differ} of {path(form).name} differ: run examples/fill.py"


def test_no_workbook_without_data() -> None:
    assert {file for folder in ("filled", "budget") for file in (EXAMPLES / folder).glob("*.xlsx")} == {path(form) for form in (*DATA, *BUDGETS)}


@pytest.mark.parametrize(
    ("form", "projects", "indicators", "funds"),
    [
        ("qinglong-2024", 25, 238, "11565.06"), ("yiyang-2023", 6, 36, "88063400"), ("luan-2023", 5, 66, "201541.00"), ("pingluo-2026", 6, 54, "19420000.00"),
        ("shigu-2020", 4, 17, "45"),
    ],
)  # fmt: skip
def test_the_figures_of_the_documents(form: str, projects: int, indicators: int, funds: str) -> None:
    assert (len(read(form)[0]), len(annual(form)), total(form)) == (projects, indicators, Decimal(funds))


def test_one_target_of_qinglong_is_empty() -> None:
    assert [i.target for i in annual("qinglong-2024")].count("") == 1


def test_mid_term_of_luan() -> None:
    returns = read("luan-2023")[0]
    assert sum(i.horizon == "mid_term" for one in returns for i in one.indicators) == 66
    assert sum(f.amount or 0 for one in returns for f in one.funds if (f.source, f.horizon) == ("total", "mid_term")) == Decimal("2032020000")


@pytest.mark.parametrize("form", DATA)
def test_every_value_reads_back_from_its_cell(form: str) -> None:
    book = openpyxl.load_workbook(path(form))
    returns = {one.sheet: one for one in read(form)[0]}
    for number, project in enumerate(data(form)["projects"], 1):
        one = returns[FORMS[form].book[0].sheet.replace("{seq}", str(number))]
        by_cell = {spot.at.cell: spot for spot in one.spots.values()}
        for slot, row, text in typed(plan(FORMS[form]), {**data(form), **project}):
            cell = cell_name(row + ORIGIN[0], slot.area.left + ORIGIN[1])
            wanted = fill.as_number(str(text)) if slot.kind == "input" and slot.meanings[slot.key].type == "money" else text
            found = by_cell[cell]
            assert found.at.file == path(form).name and found.at.sheet == one.sheet
            assert Decimal(found.text.replace(",", "")) == wanted if isinstance(wanted, int | Decimal) else found.text == wanted
            shown = book[one.sheet][cell].value
            assert str(shown) == found.text or Decimal(str(shown)) == Decimal(found.text)


@pytest.mark.parametrize("form", DATA)
def test_reading_raises_nothing_that_blocks(form: str) -> None:
    assert not [f for f in read(form)[1] if f.severity == "error" and f.code.startswith(("form.", "layout.", "cell.", "identity."))]


def test_all_examples_consolidate_to_the_published_figures() -> None:
    """Five departments in 万元: 青龙 ties to the 项目支出 of its published budget, 弋阳's amounts (元 in a 万元 form) stand apart."""
    tables = gather([EXAMPLES / "filled"]).tables
    summary = consolidate(with_findings(tables, check(tables, FORMS)))
    assert {
        (row["unit"], row["projects"], row["total_ready"], row["total_pending"], row["pending_forms"])
        for row in summary.departments.iter_rows(named=True)
    } == {
        ("青龙满族自治县医疗保障局", 25, Decimal("11565.06"), Decimal(0), 0),
        ("弋阳县医疗保障服务中心", 6, Decimal(0), Decimal("88063400"), 6),
        ("六安市医疗保障局", 5, Decimal("1618.00"), Decimal("199923.00"), 1),
        ("平罗县医疗保障局", 6, Decimal(1942), Decimal(0), 0),
        ("石鼓区医疗保障局", 4, Decimal(45), Decimal(0), 0),
    }
    total = summary.total.row(0, named=True)
    assert (total["projects"], total["indicators"], total["total_ready"]) == (46, 477, Decimal("15170.06"))
    mid_term = summary.projects.filter(pl.col("form") == "luan-2023")["mid_term_total"].sum()
    assert mid_term == Decimal("203202.00")
