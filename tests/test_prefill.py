"""Pre-filling: entries written into input cells come back exactly, and what is not pre-filled stays blank."""

from __future__ import annotations

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from examples.fill import fill
from xlgoals.celltext import as_typed
from xlgoals.entries import Entry, _most, filled_pattern, fits_cell, typed
from xlgoals.errors import UsageError
from xlgoals.layout import ORIGIN, Plan, Slot, plan, text_lines
from xlgoals.mould import Fill, Mould, MouldError
from xlgoals.parse import understand
from xlgoals.pen import RenderError
from xlgoals.read import read_bytes
from xlgoals.records import Return, Sheet, Stamp
from xlgoals.render import render
from xlgoals.spec import data_folder, load_forms
from xlgoals.yamlmark import load_marked

FORMS = load_forms()
WHO = Stamp(0, "", "", year="2025", department="甲局", unit="乙中心")
EXAMPLES = sorted(data_folder("examples").glob("data/*.yaml"))


def written(values: list[str | Decimal]) -> Sheet:
    """The values cast into column A of a workbook, read back."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet()
    for row in range(len(values)):
        sheet.write_blank(row, 0, None, book.add_format({"bold": True}))
    sheet.write_string(len(values), 0, "end", None)
    book.close()
    made = Mould(buffer.getvalue()).cast({"Sheet1": Fill({(row, 0): value for row, value in enumerate(values)})})
    second = openpyxl.load_workbook(io.BytesIO(made)).active
    assert second is not None and second["A1"].font.bold and second.max_row == len(values) + 1
    return read_bytes(made, name="x").sheets[0]


def slot_of(laid: Plan, to: str, nth: int = 0) -> Slot:
    return [s for s in laid.slots if s.typed and any(m.to == to for m in s.meanings.values())][nth]


def filled(form_id: str, *entries: Entry, count: int = 1) -> bytes:
    return render(FORMS, FORMS[form_id], count=count, stamp=WHO, content=[entries])


# --- exact


AMOUNTS = st.decimals(-(10**17), 10**17, allow_nan=False, allow_infinity=False, places=2).flatmap(
    lambda yuan: st.sampled_from((1, 1000, 10_000, 10**8)).map(lambda factor: yuan / factor)
)


@given(st.lists(AMOUNTS, min_size=1, max_size=30))
def test_amounts_come_back_exactly(amounts: list[Decimal]) -> None:
    found = written(list(amounts))
    assert [Decimal(as_typed(found.value(row, 0))) for row in range(len(amounts))] == amounts


@pytest.mark.parametrize("amount", ["8476.31", "0.000001", "190.74", "0", "999999999999.999", "123456789012345", "0.1", "1.005"])
def test_an_amount_is_a_number(amount: str) -> None:
    value = written([Decimal(amount)]).value(0, 0)
    assert isinstance(value, float)
    assert Decimal(repr(value)) == Decimal(amount)


@pytest.mark.parametrize("amount", ["1234567890123456", "12345678901234.123456"])
def test_an_amount_of_more_than_fifteen_digits_is_text(amount: str) -> None:
    assert written([Decimal(amount)]).value(0, 0) == amount


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=30)
STRANGE = ["=1+1", "+86", "-", "@x", " 前后有空 ", "一\n二", "一\r\n二", "_x0041_", "<r>甲</r>", "<r><t>甲</t></r>", "\x01", "2024-01-01", "0012", "1E5", "TRUE", "#N/A"]


@given(st.lists(TEXTS | st.sampled_from(STRANGE), min_size=1, max_size=20))
def test_text_comes_back_as_text(texts: list[str]) -> None:
    found = written(list(texts))
    shown = [found.value(row, 0) for row in range(len(texts))]
    assert shown == texts


def test_text_that_no_cell_holds_is_refused() -> None:
    for text in ("甲" * 32_768, "𠮷" * 16_384, "\ufffe", "\ud800"):
        assert not fits_cell(text)
        with pytest.raises(MouldError):
            written([text])
    assert written(["甲" * 32_767]).value(0, 0) == "甲" * 32_767


# --- in a form


def said(one: Return) -> tuple[object, ...]:
    """All that was read, and where; by which witnesses does not matter."""
    places = {key: (spot.at, spot.text, spot.label) for key, spot in one.spots.items()}
    return one.fields, one.funds, one.goals, one.indicators, one.details, places


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_prefilled_reads_as_if_typed(path: Path) -> None:
    """Every example, pre-filled by render, reads the same as the workbook a person filled: texts, places and all."""
    data = load_marked(path).data
    form = FORMS[data["form"]]
    content = []
    for project in data["projects"]:
        entries = []
        for slot, row, text in typed(plan(form), {**data, **project}):
            money = slot.kind == "input" and slot.meanings[slot.key].type == "money" and re.fullmatch(r"[\d,.]+", str(text))
            entries.append(Entry(slot, row, Decimal(str(text).replace(",", "")) if money else text))
        content.append(entries)
    stamp = Stamp(0, "", "", year=data["year"], department=data["department"], unit=data["unit"])
    made = render(FORMS, form, count=len(content), stamp=stamp, content=content)
    name = f"{data['unit']}-{data['year']}.xlsx"
    returns, findings = understand(read_bytes(made, name=name), FORMS)
    by_hand, told = understand(read_bytes(fill(data), name=name), FORMS)
    assert [said(one) for one in returns] == [said(one) for one in by_hand]
    assert findings == told
    assert made == render(FORMS, form, count=len(content), stamp=stamp, content=content)


@pytest.mark.parametrize("form_id", FORMS.forms)
def test_nothing_to_prefill_leaves_the_blank_form(form_id: str) -> None:
    form = FORMS[form_id]
    blank = render(FORMS, form, count=2, stamp=WHO)
    nothing = Entry(next(s for s in plan(form).slots if s.typed), 0, "")
    assert blank == render(FORMS, form, count=2, stamp=WHO, content=[(), ()])
    assert blank == render(FORMS, form, count=2, stamp=WHO, content=[[nothing._replace(row=nothing.slot.area.top)]])


def test_what_is_not_prefilled_is_a_blank_cell() -> None:
    laid = plan(FORMS["yiyang-2023"])
    name = slot_of(laid, "project_name")
    made = filled("yiyang-2023", Entry(name, name.area.top, "乡村道路"))
    sheet = zipfile.ZipFile(io.BytesIO(made)).read("xl/worksheets/sheet2.xml").decode()
    cells = dict(re.findall(r'<c r="([A-Z]+\d+)"([^>]*?)/?>', sheet))
    for slot in laid.slots:
        if slot.typed and slot.kind == "input" and slot is not name:
            address = f"{'ABCDEFGH'[slot.area.left]}{slot.area.top + ORIGIN[0] + 1}"
            assert 't="' not in cells[address], address


def test_prefilled_spare_lines_are_shown_and_rows_made_taller() -> None:
    form = FORMS["mof-2021"]
    laid = plan(form)
    names = [s for s in laid.slots if s.typed and s.grid and s.key == "name@annual" and s.block == 3]
    spare = next(s for s in names if laid.rows[s.area.top].hidden)
    goal = slot_of(laid, "goals.text", 1)
    made = filled("mof-2021", Entry(spare, spare.area.top, "三级指标名称" * 6), Entry(goal, goal.area.top, "年度目标一句话。\n" * 30))
    sheet = openpyxl.load_workbook(io.BytesIO(made))["项目1"]
    blank = openpyxl.load_workbook(io.BytesIO(filled("mof-2021")))["项目1"]
    rows, before = sheet.row_dimensions, blank.row_dimensions
    at = spare.area.top + ORIGIN[0] + 1
    assert before[at].hidden and not rows[at].hidden
    assert rows[at].height > 40
    assert rows[at + 1].hidden
    assert rows[goal.area.top + ORIGIN[0] + 1].height > 3 * before[goal.area.top + ORIGIN[0] + 1].height
    assert rows[goal.area.top + ORIGIN[0] + 1].height <= 409


def test_each_sheet_gets_its_own_content() -> None:
    slot = slot_of(plan(FORMS["yiyang-2023"]), "project_name")
    content = [[Entry(slot, slot.area.top, "甲")], [], [Entry(slot, slot.area.top, "丙")]]
    returns, findings = understand(read_bytes(render(FORMS, FORMS["yiyang-2023"], count=4, stamp=WHO, content=content), name="x"), FORMS)
    assert [(one.sheet, one.fields["project_name"]) for one in returns] == [("项目1", "甲"), ("项目3", "丙")]
    assert [finding.code for finding in findings] == ["form.blank"]


def test_entries_that_cannot_stand_are_our_defect() -> None:
    laid = plan(FORMS["yiyang-2023"])
    name = slot_of(laid, "project_name")
    label = next(s for s in laid.slots if s.kind == "label")
    entry = Entry(name, name.area.top, "甲")
    for wrong in ([entry, entry], [Entry(label, label.area.top, "甲")], [Entry(name, 999, "甲")]):
        with pytest.raises(RenderError):
            filled("yiyang-2023", *wrong)
    with pytest.raises(RenderError):
        render(FORMS, FORMS["yiyang-2023"], count=1, stamp=WHO, content=[[], []])


# --- the form's own keys


def test_typed_fills_shown_lines_then_spare_ones() -> None:
    laid = plan(FORMS["yiyang-2023"])
    lines = [{"level1": "产出指标", "level2": "质量指标", "name": f"第{n}条", "target": "1"} for n in range(8)]
    entries = [e for e in typed(laid, {"indicators": lines}) if e.slot.key == "name"]
    assert [e.value for e in entries] == [f"第{n}条" for n in range(8)]
    assert [laid.rows[e.row].hidden for e in entries] == [False] * 2 + [True] * 6
    with pytest.raises(UsageError, match="没有空行"):
        list(typed(laid, {"indicators": [*lines, lines[0]]}))


@pytest.mark.parametrize(
    ("values", "whole"),
    [
        ({"a": "2024", "b": "2026"}, "中期（2024年—2026年）"),
        ({"a": "2024"}, "中期（2024年—年）"),
        ({}, "中期（年—年）"),
        ({"a": "2024年—2025", "b": "2026"}, None),  # could be read as 2024 and 2025年—2026
        ({"a": " 2024", "b": "2026"}, None),
    ],
)
def test_a_pattern_is_only_filled_so_that_it_can_be_read_again(values: dict[str, str], whole: str | None) -> None:
    assert filled_pattern("中期（{a}年—{b}年）", values) == whole


LINES = st.text(st.sampled_from("预算项目名称（，。》abcXYZ019.-% "), max_size=80)


@given(LINES, st.floats(3, 40))
def test_the_bound_of_lines_holds(text: str, em: float) -> None:
    """A row that is passed over as high enough is high enough."""
    assert text_lines(text, em) <= _most(text, em)
