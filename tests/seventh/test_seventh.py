"""A form the program has never seen, added by two YAML files beside this test and by nothing else."""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl
import pytest

from tests.returns import checked
from xlgoals.draft import draft
from xlgoals.findings import Finding
from xlgoals.layout import plan
from xlgoals.models import Grid
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.records import Area, Book, Return
from xlgoals.spec import data_folder, load_forms
from xlgoals.tables import tabulate
from xlgoals.vocabulary import load_vocabulary

HERE = Path(__file__).parent
FORM = "bumen-2025"
DATA: Mapping[str, Any] = {
    "form": FORM,
    "year": "2025",
    "department": "[301]某县教育局",
    "unit": "某县教育局",
    "projects": [
        {
            "seq": "1",
            "total": "12,345.67",
            "fiscal": "12,000.00",
            "carryover": "345.67",
            "other": "0",
            "duties": "负责全县教育工作的统筹规划和管理。",
            "goal": "保障义务教育学校正常运转，改善办学条件，义务教育巩固率稳中有升。",
            "tasks": [
                {"name": "义务教育保障", "content": "拨付生均公用经费，免费提供教科书", "total": "9,000.00", "fiscal": "9,000.00", "other": "0"},
                {"name": "校舍维修", "content": "维修校舍 12 所", "total": "3,000", "fiscal": "3,000", "other": "0"},
                {"name": "教师培训", "content": "培训教师", "total": "345.67"},
                {"name": "第四项任务", "content": "用上一行备用的", "total": "0"},
            ],
            "indicators": [
                {"level1": "成本指标", "level2": "经济成本指标", "name": "每所维修费", "nature": "≤", "target": "250", "measure": "万元", "weight": "10"},
                {"level1": "产出指标", "level2": "数量指标", "name": "维修校舍数", "nature": "＝", "target": "12", "measure": "所", "weight": "20"},
                {"level1": "产出指标", "level2": "数量指标", "name": "培训教师人次", "nature": "≥", "target": "1500", "measure": "人次", "weight": "10"},
                {"level1": "产出指标", "level2": "数量指标", "name": "免费教科书覆盖率", "nature": "＝", "target": "100", "measure": "%", "weight": "10"},
                {"level1": "产出指标", "level2": "质量指标", "name": "验收合格率", "nature": "＝", "target": "100", "measure": "%", "weight": "10"},
                {"level1": "产出指标", "level2": "时效指标", "name": "完成时间", "nature": "≤", "target": "12", "measure": "月", "weight": "10"},
                {"level1": "效益指标", "level2": "社会效益指标", "name": "办学条件", "nature": "定性", "target": "明显改善", "weight": "10"},
                {"level1": "效益指标", "level2": "可持续影响指标", "name": "巩固率", "nature": "≥", "target": "97", "measure": "%", "weight": "10"},
                {"level1": "满意度指标", "level2": "服务对象满意度", "name": "家长满意度", "nature": "≥", "target": "90", "measure": "%", "weight": "10"},
            ],
            "filler": "张三",
            "phone": "0000-1234567",
            "fill_date": "2025年1月5日",
        }
    ],
}  # fmt: skip
PROJECT: Mapping[str, Any] = DATA["projects"][0]


@cache
def forms() -> Any:
    return load_forms((str(HERE),))


@pytest.fixture(scope="module")
def filled() -> bytes:
    """The form rendered, and typed into the way the examples are."""
    found = importlib.util.spec_from_file_location("fill", data_folder("examples") / "fill.py")
    assert found and found.loader
    module: ModuleType = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load_forms", forms)
        made: bytes = module.fill(DATA)
    return made


@pytest.fixture(scope="module")
def understood(filled: bytes) -> tuple[Return, list[Finding]]:
    (taken,), findings = understand(read_bytes(filled, name="部门.xlsx"), forms())
    return taken, findings


def test_no_python_knows_the_form_or_its_words() -> None:
    assert FORM not in load_forms().forms and FORM in forms().forms
    for path in (Path(data_folder("templates")).parent / "xlgoals").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"bumen|seventh|度量单位|年度主要任务|主要内容", text), path.name


def test_lint_finds_nothing() -> None:
    form = forms()[FORM]
    assert plan(form).width == len(form.template.columns)
    assert [grid.grid for _, grid in form.template.grids()] == ["tasks", "indicators"]


def test_it_is_read_back_equal(understood: tuple[Return, list[Finding]]) -> None:
    taken, findings = understood
    assert not findings and taken.form == FORM
    for key in ("duties", "filler", "phone", "fill_date"):
        assert taken.fields[key] == PROJECT[key]
    assert {part: taken.fields[part] for part in ("year", "department", "unit")} == {
        part: DATA[part] for part in ("year", "department", "unit")
    }
    assert {f.source: f.amount for f in taken.funds} == {
        key: Decimal(PROJECT[key].replace(",", "")) * 10_000 for key in ("total", "fiscal", "carryover", "other")
    }
    assert [g.text for g in taken.goals] == [PROJECT["goal"]]
    more = ("nature", "measure", "weight")
    canonical = {"服务对象满意度": "服务对象满意度指标"}
    assert [(i.level1, i.level2, i.name, i.target, *(i.more.get(m, "") for m in more)) for i in taken.indicators] == [
        (i["level1"], canonical.get(i["level2"], i["level2"]), i["name"], i["target"], *(i.get(m, "") for m in more))
        for i in PROJECT["indicators"]
    ]
    tasks: dict[str, dict[str, str | Decimal]] = {}
    for one in taken.details:
        assert one.grid == "tasks"
        tasks.setdefault(one.line, {})[one.column] = one.text if one.amount is None else one.amount
    money = ("total", "fiscal", "other")
    assert list(tasks.values()) == [
        {key: Decimal(text.replace(",", "")) * 10_000 if key in money else text for key, text in task.items()} for task in PROJECT["tasks"]
    ]


def test_nature_value_and_unit_are_one_target(understood: tuple[Return, list[Finding]]) -> None:
    means = {i.name: i.means for i in understood[0].indicators}
    assert (means["维修校舍数"].op, means["维修校舍数"].value, means["维修校舍数"].unit) == ("=", 12, "所")
    assert (means["培训教师人次"].op, means["培训教师人次"].amount, means["培训教师人次"].base_unit) == (">=", 1500, "人次")
    assert (means["免费教科书覆盖率"].dimension, means["完成时间"].kind, means["完成时间"].to) == ("ratio", "date", "--12")
    assert (means["办学条件"].kind, means["办学条件"].conflicts) == ("qualitative", ())
    assert all(not one.conflicts for one in means.values())


def test_findings_point_at_the_right_one_of_the_three_cells(filled: bytes) -> None:
    """The workbook typed into again, as staff would: a contradiction is told where it stands, not at the value."""
    book = openpyxl.load_workbook(io.BytesIO(filled))
    sheet = book["项目1"]
    cells = {(cell.column_letter, str(cell.value)): cell for row in sheet for cell in row if cell.value is not None}
    row = cells["D", "维修校舍数"].row
    sheet[f"E{row}"], sheet[f"F{row}"], sheet[f"G{row}"] = "定性", "12万元", "所"
    row2 = cells["D", "验收合格率"].row
    sheet[f"G{row2}"] = None
    sheet[f"D{row2}"] = "验收结果"
    saved = io.BytesIO()
    book.save(saved)
    returns, _ = understand(read_bytes(saved.getvalue(), name="部门.xlsx"), forms())
    told = {(f.code, f.at.cell) for f in checked(tabulate(returns), forms()) if f.code.startswith("target.")}
    assert {("target.symbol", f"E{row}"), ("target.column", f"G{row}"), ("target.no_unit", f"G{row2}")} <= told


def test_every_value_knows_its_cell(filled: bytes, understood: tuple[Return, list[Finding]]) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(filled))["项目1"]
    spots = understood[0].spots
    said = 0
    for spot in spots.values():
        stands = sheet[spot.at.cell].value
        text = str(stands) if stands is not None else ""
        number = re.fullmatch(r"[\d,.]+", spot.text)
        assert Decimal(spot.text.replace(",", "")) == Decimal(text.replace(",", "")) if number and text else spot.text == text, spot
        said += bool(text)
    typed = [PROJECT[key] for key in ("total", "fiscal", "carryover", "other", "duties", "goal", "filler", "phone", "fill_date")]
    lines = [text for grid in ("tasks", "indicators") for line in PROJECT[grid] for text in line.values()]
    blocks = next(row for row in forms()[FORM].template.rows if isinstance(row, Grid) and row.grid == "indicators").blocks
    printed = sum(
        2 if "level2" in next(b for b in blocks if b.fixed["level1"] == line["level1"]).fixed else 1 for line in PROJECT["indicators"]
    )
    assert said == len(typed) + len(lines) - printed + len(("department", "unit"))


def test_shipped_forms_and_the_seventh_are_not_taken_for_each_other(filled: bytes) -> None:
    book = _unstamped(filled)
    (taken,), _ = understand(book, forms())
    assert taken.form == FORM and len(taken.indicators) == len(PROJECT["indicators"])


def test_it_could_have_been_drafted(filled: bytes, tmp_path: Path) -> None:
    """The same form drafted from the filled sheet, when nothing but words is known of it."""
    book = _unstamped(filled)
    made = draft(book, None, "drafted", load_vocabulary(load_forms()))
    assert not made.marks
    for part, text in (("templates", made.template), ("mappings", made.mapping)):
        (tmp_path / part).mkdir()
        (tmp_path / part / "drafted.yaml").write_text(text, encoding="utf-8")
    known = load_forms((str(tmp_path), str(HERE)))
    by_hand, drafted = (understand(book, replace(known, forms={name: known[name]}))[0][0] for name in (FORM, "drafted"))
    assert drafted.indicators == by_hand.indicators and drafted.funds == by_hand.funds and drafted.fields == by_hand.fields
    assert [(d.column, d.text) for d in drafted.details] == [(d.column, d.text) for d in by_hand.details]


def _unstamped(filled: bytes) -> Book:
    """The form's sheet as typed by somebody without our template: no keys, no stamp, no names."""
    book = read_bytes(filled, name="部门.xlsx")
    sheet = next(sheet for sheet in book.sheets if sheet.name == "项目1")
    merges = tuple(Area(*area) for area in sheet.merges)
    keys = sheet.rows[1].index("#r0")  # and beyond it our own check
    bare = replace(sheet, rows=((), *(row[:keys] for row in sheet.rows[1:])), merges=merges, names={})
    return replace(book, sheets=(bare,), names={}, properties={})
