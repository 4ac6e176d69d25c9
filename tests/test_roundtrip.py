"""Whatever is typed into the inputs of any shipped form comes back as it was typed, from the cell it was typed into."""

from __future__ import annotations

import importlib.util
import io
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.forms import FORMS, SHIPPED
from xlgoals.entries import line_inputs, typed
from xlgoals.layout import ORIGIN, plan
from xlgoals.models import Grid
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.records import Return, Stamp
from xlgoals.render import render
from xlgoals.tablecells import is_table

spec = importlib.util.spec_from_file_location("fill", Path(__file__).parents[1] / "examples" / "fill.py")
assert spec and spec.loader
fill = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fill)

STAMP = Stamp(0, "", "", year="2025", department="450 某局", unit="某中心")
BLANKS = " \t\r\n\u3000\u00a0"
LETTERS = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\ufffe\uffff")
TEXT = st.one_of(
    st.text(LETTERS, min_size=1, max_size=30),
    st.text(st.sampled_from("绩效目标项目资金万元年度0123456789≥≤%，。、\n =+-@'\"{}#&<>"), min_size=1, max_size=60),
    st.sampled_from(["=1+1", "=SUM(A1)", "+86-010", "-5", "@x", "012", "1e5", "1/2", "2026/12/31", "95%", "TRUE", "#N/A", "无", "项目名称", "'x", "𠮷", "a\nb"]),
).filter(lambda text: bool(text.strip(BLANKS)))
MONEY = st.one_of(
    st.decimals(0, 10_000_000, places=2), st.decimals(0, 10_000, places=4), st.integers(0, 999_999_999).map(Decimal)
).map(lambda amount: format(amount.normalize(), "f"))  # fmt: skip


@cache
def blank(form: str) -> bytes:
    return render(FORMS, FORMS[form], count=2, stamp=STAMP)


@st.composite
def projects(draw: st.DrawFn, form: str) -> dict[str, Any]:
    """Values by the form's own keys, as `entries.typed` takes them; lines up to a block's most."""
    laid, one = plan(FORMS[form]), FORMS[form]
    values: dict[str, Any] = {}
    full = draw(st.integers(0, 9)) == 9
    for key, slot in laid.inputs.items():
        meaning = slot.meanings[key]
        if slot.by != "unit" or slot.kind == "pattern":
            continue
        if slot.tick:
            values[key] = draw(st.sampled_from(["", *slot.tick]))
        elif meaning.list and one.choices(meaning.list):
            values[key] = draw(st.sampled_from(["", *one.choices(meaning.list)]))
        elif meaning.to in ("year", "department", "unit"):
            values[key] = {"year": "2025", "department": "450 某局", "unit": "某中心"}[meaning.to]
        else:
            values[key] = draw(st.one_of(st.just(""), MONEY if meaning.type == "money" else TEXT))
    for slot in laid.slots:
        if slot.kind == "pattern":
            values |= {key: draw(st.one_of(st.just(""), st.from_regex(r"[0-9]{1,11}", fullmatch=True))) for key in slot.meanings}
    for _, grid in one.template.grids():
        if is_table(grid):
            values[grid.grid] = draw(tables(form, grid))
            continue
        panes = tuple(dict.fromkeys(c.pane for c in grid.columns if c.pane)) or (None,)
        for pane in panes:
            lines = []
            for block in grid.blocks:
                for _ in range(draw(st.sampled_from([0, 0, 1, 2, block.lines.most if full else 1]))):
                    line = dict(block.fixed)
                    for column in grid.columns:
                        meaning = one.columns[grid.grid][column.id]
                        if column.key in line or column.pane not in (None, pane) or column.sum:
                            continue
                        if meaning.list == "level2":
                            first = line.get("level1") or one.choices("level1")[0]
                            line[column.key] = draw(st.sampled_from(one.choices("level2", first)))
                        elif meaning.list:
                            line[column.key] = draw(st.sampled_from(one.choices(meaning.list)))
                        else:
                            line[column.key] = draw(MONEY if meaning.type == "money" else TEXT)
                    lines.append(line)
            values[grid.grid if pane in (None, "annual") else f"{pane}_{grid.grid}"] = lines
    return values


@st.composite
def tables(draw: st.DrawFn, form: str, grid: Grid) -> Any:
    """A table: figures on some of the lines that it names, or lines with codes, those above first; sums are left to the form, but for
    some that somebody typed over."""
    one, laid = FORMS[form], plan(FORMS[form])
    if not grid.tree:
        lines: dict[str, dict[str, str]] = {}
        for slot in laid.slots:
            if slot.grid == grid.grid and slot.kind == "input" and slot.column and draw(st.integers(0, 9)) < (1 if slot.formula else 5):
                value = draw(MONEY if slot.meanings[slot.key].type == "money" else TEXT)
                lines.setdefault(grid.line_id(slot.block, slot.column), {})[slot.column.key] = value
        return lines
    coded = next(c for c in grid.columns if c.key == grid.tree)
    codes = one.codes[one.columns[grid.grid][coded.id].list or ""]
    lasts = draw(st.lists(st.sampled_from([c for c in codes.names if len(c) == codes.levels[-1]]), unique=True, max_size=6))
    above = {code[:length] for code in lasts for length in codes.levels}
    rows = []
    for code in sorted(above):
        row = {"code": code}
        for column in grid.columns:
            if one.columns[grid.grid][column.id].type == "money" and not column.sum and draw(st.integers(0, 9)) < (6 if code in lasts else 1):
                row[column.key] = draw(MONEY)
        rows.append(row)
    return rows


def _tables_equal(form: str, content: dict[str, Any], one: Return) -> None:
    """Every figure under the name of its line, and every sum that nobody typed over computed from what stands below or beside it."""
    known = FORMS[form]
    found = {(d.grid, d.line, d.column): d for d in one.details}
    for _, grid in known.template.grids():
        if not is_table(grid):
            continue
        given = content[grid.grid]
        typed_ = given if isinstance(given, dict) else {row["code"]: row for row in given}
        for line, row in typed_.items():
            for key, text in row.items():
                detail = found[grid.grid, line, key]
                if known.columns[grid.grid][key].type == "money":
                    assert detail.amount == (Decimal(text) * known.money_factor).quantize(Decimal("0.01"), "ROUND_HALF_UP")
                else:
                    assert detail.text == text.strip(BLANKS)
        if not grid.tree:
            continue

        def amount(line: str, column: str, grid: Grid = grid) -> Decimal:
            detail = found.get((grid.grid, line, column))
            return detail.amount or Decimal(0) if detail else Decimal(0)

        for column in grid.columns:
            if known.columns[grid.grid][column.id].type != "money":
                continue
            for line in ["total", *typed_]:
                if column.key in typed_.get(line, {}):
                    continue
                below = [c for c in typed_ if (len(c) == 3 if line == "total" else len(c) == len(line) + 2 and c.startswith(line))]
                parts = [amount(line, key) for key in column.sum] or [amount(code, column.key) for code in below]
                assert amount(line, column.key) == sum(parts, Decimal(0)), (line, column.key)


def filled(form: str, contents: list[dict[str, Any]]) -> tuple[bytes, list[dict[str, str]]]:
    """The blank form with every value typed in, and for each sheet what stands in which cell."""
    book = openpyxl.load_workbook(io.BytesIO(blank(form)))
    told = []
    for number, project in enumerate(contents, 1):
        sheet = book[FORMS[form].book[0].sheet.replace("{seq}", str(number))]
        typist = fill._Typist(FORMS[form], sheet)
        for entry in typed(plan(FORMS[form]), project):
            typist.type(entry)
        told.append({
            cell.coordinate: None if cell.data_type == "f" and slot.formula else cell.value
            for slot in plan(FORMS[form]).slots if slot.kind in ("input", "pattern")
            for cell in [sheet.cell(slot.area.top + ORIGIN[0] + 1, slot.area.left + 1)]
        })  # fmt: skip
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue(), told


def same(cell: object, text: str) -> bool:
    """Whether a spot's text is what the second reader finds in its cell."""
    if cell is None or isinstance(cell, str):
        return (cell or "") == text
    return Decimal(str(cell)) == Decimal(text)


@pytest.mark.parametrize("form", SHIPPED)
@given(data=st.data())
def test_what_is_typed_comes_back(form: str, data: st.DataObject) -> None:
    content = data.draw(projects(form))
    package, (cells,) = filled(form, [content])
    returns, findings = understand(read_bytes(package, name="表.xlsx"), FORMS)
    if not returns:
        assert {finding.code for finding in findings} == {"form.all_blank"}
        return
    (one,) = returns
    assert {f.code for f in findings} <= {"form.blank", "money.cents", "line.only_level", "line.no_indicator", "tick.lost", "formula.typed"}, findings
    for key, spot in one.spots.items():
        assert same(cells[spot.at.cell], spot.text), f"{key} {spot}"
    taken = {spot.at.cell for spot in one.spots.values()}
    patterns = {slot.text for slot in plan(FORMS[form]).slots if slot.kind == "pattern"}
    kept = {cell for cell, value in cells.items() if value is not None and str(value).strip(BLANKS)}
    assert patterns or kept
    assert kept <= taken | {f.at.cell for f in findings}, kept - taken
    _equal(form, content, one)
    _tables_equal(form, content, one)


def _equal(form: str, content: dict[str, Any], one: Return) -> None:
    laid, known = plan(FORMS[form]), FORMS[form]
    for key, slot in laid.inputs.items():
        meaning = slot.meanings[key]
        if slot.kind == "input" and not meaning.record and slot.by == "unit" and meaning.to not in ("year", "department", "unit"):
            assert one.fields[meaning.to] == content[key].strip(BLANKS)
        elif slot.kind == "pattern" and not meaning.record:
            assert one.fields[meaning.to] == content[key]
        elif slot.kind == "pattern":
            (amount,) = [d.amount for d in one.details if d.key == meaning.record_key] or [None]
            assert amount == (Decimal(content[key]) * known.money_factor if content[key] else None)
        elif meaning.record == "funds":
            (line,) = [f for f in one.funds if f.source == meaning.part and f.horizon == meaning.horizon]
            wanted = (Decimal(content[key]) * known.money_factor) if content[key] else None
            assert line.amount == (None if wanted is None else wanted.quantize(Decimal("0.01"), "ROUND_HALF_UP"))
    for _, grid in known.template.grids():
        meanings = known.columns[grid.grid]
        if not any(m.record == "indicator" for m in meanings.values()):
            continue
        panes = tuple(dict.fromkeys(c.pane for c in grid.columns if c.pane)) or (None,)
        for pane in panes:
            lines = content[grid.grid if pane in (None, "annual") else f"{pane}_{grid.grid}"]
            horizon = pane or next(m.horizon for m in meanings.values() if m.record == "indicator")
            wanted = sorted(
                (known.canonical(line.get("level1", ""), "level1"), known.canonical(line.get("level2", ""), "level2"), line["name"].strip(BLANKS), line["target"].strip(BLANKS))
                for line in lines
            )  # fmt: skip
            assert sorted((i.level1, i.level2, i.name, i.target) for i in one.indicators if i.horizon == horizon) == wanted
    assert line_inputs


@pytest.mark.parametrize("form", [form for form in SHIPPED if "project_name" in FORMS[form].meanings])
def test_two_projects_stay_two(form: str) -> None:
    name = next(key for key, slot in plan(FORMS[form]).inputs.items() if slot.meanings[key].to == "project_name")
    package, _ = filled(form, [{name: "甲"}, {name: "乙"}])
    returns, _ = understand(read_bytes(package, name="表.xlsx"), FORMS)
    assert [one.fields["project_name"] for one in returns] == ["甲", "乙"]
