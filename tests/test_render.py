"""The blank workbook: what staff see, what guides them, and that equal input gives equal bytes."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import fromstring

from tests.forms import FORMS, SHIPPED, SMALL, small
from xlgoals.layout import ORIGIN, Slot, plan
from xlgoals.models import HOLE
from xlgoals.pen import RenderError, put_text
from xlgoals.read import read_bytes
from xlgoals.records import Stamp, cell_name
from xlgoals.render import PROMPT_TEXT, PROMPT_TITLE, list_names, render
from xlgoals.spec import load_forms
from xlgoals.stamp import PROPERTY, read_stamp
from xlgoals.sums import Lookup
from xlgoals.tablecells import in_table

STAMP = Stamp(0, "", "", year="2025", department="450 某局", unit="某中心")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
forms = pytest.mark.parametrize("form", SHIPPED)


@cache
def blank(form: str, count: int = 2) -> bytes:
    return render(FORMS, FORMS[form], count=count, stamp=STAMP)


@cache
def opened(form: str) -> Any:
    return openpyxl.load_workbook(io.BytesIO(blank(form)))


def page(form: str) -> Worksheet:
    sheet: Worksheet = opened(form).worksheets[1]
    return sheet


def part(form: str, name: str) -> Any:
    with zipfile.ZipFile(io.BytesIO(blank(form))) as package:
        return fromstring(package.read(name))


def cell_of(slot: Slot) -> str:
    return cell_name(slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1])


# --- bytes -------------------------------------------------------------------------------------------------------------


@forms
def test_twice_the_same_bytes(form: str) -> None:
    assert render(FORMS, FORMS[form], count=2, stamp=STAMP) == blank(form)


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    code = (
        "import hashlib;from xlgoals.records import Stamp;from xlgoals.render import render;from xlgoals.spec import load_forms;f=load_forms();"
        "print([hashlib.sha256(render(f,f[n],count=2,stamp=Stamp(0,'','',year='2025',department='450 某局',unit='某中心'))).hexdigest() for n in f.forms])"
    )
    told = {
        subprocess.run([sys.executable, "-W", "error", "-c", code], env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}, capture_output=True, text=True, check=True).stdout
        for seed, zone in (("1", "UTC"), ("77", "Asia/Shanghai"))
    }
    assert told == {str([hashlib.sha256(blank(form)).hexdigest() for form in SHIPPED]) + "\n"}


def test_a_refused_write_is_an_error() -> None:
    class Sheet:
        def write_string(self, *told: object) -> int:
            return -2

        def get_name(self) -> str:
            return "项目1"

    with pytest.raises(RenderError, match="项目1!B1"):
        put_text(Sheet(), 0, 1, "x", None)  # type: ignore[arg-type]


# --- cells -------------------------------------------------------------------------------------------------------------


@forms
def test_labels_are_locked_and_inputs_open_and_text(form: str) -> None:
    sheet = page(form)
    assert sheet.protection.sheet
    for slot in plan(FORMS[form]).slots:
        cell = sheet[cell_of(slot)]
        assert cell.protection.locked != slot.typed, f"{cell.coordinate} {slot.kind}"
        if slot.typed:
            shown = slot.meanings[slot.key].look if slot.kind == "input" else ""
            wanted = {"money": "#,##0.00####", "figure": "#,##0.00;-#,##0.00;;@"}.get(shown, "@")
            if slot.column and slot.column.numbered:
                wanted = HOLE.sub(str(slot.line + 1), f'"{slot.column.numbered}"@')
            assert cell.number_format == ("General" if isinstance(slot.formula, Lookup) else wanted)
        assert cell.alignment.wrap_text and cell.font.name
        bordered = FORMS[form].looks.styles[slot.style].border == "thin"
        assert (cell.border.top.style == "thin") == bordered


@forms
def test_every_printed_text_stands_in_its_cell(form: str) -> None:
    sheet = page(form)
    for slot in plan(FORMS[form]).slots:
        if slot.kind in ("label", "heading", "fixed") and slot.text:
            assert sheet[cell_of(slot)].value == slot.text
    merged = {str(area) for area in sheet.merged_cells.ranges}
    for slot in plan(FORMS[form]).slots:
        area = slot.area.moved(*ORIGIN)
        if (area.top, area.left) != (area.bottom, area.right):
            assert f"{cell_name(area.top, area.left)}:{cell_name(area.bottom, area.right)}" in merged


@forms
def test_formulas_have_an_empty_cached_value(form: str) -> None:
    for name in [n for n in zipfile.ZipFile(io.BytesIO(blank(form))).namelist() if n.startswith("xl/worksheets/sheet")]:
        for cell in part(form, name).iter(f"{MAIN}c"):
            if cell.find(f"{MAIN}f") is not None:
                value = cell.find(f"{MAIN}v")
                assert value is None or not value.text, cell.get("r")


@forms
def test_spare_lines_are_hidden_and_no_other(form: str) -> None:
    sheet = page(form)
    hidden = {row for row, dimension in sheet.row_dimensions.items() if dimension.hidden}
    assert hidden == {1} | {i + ORIGIN[0] + 1 for i, row in enumerate(plan(FORMS[form]).rows) if row.hidden}
    # what the formulas keep is hidden; the key column is not (hidden, it would not count for row heights)
    first = plan(FORMS[form]).width + 2
    hidden_columns = {n for column in sheet.column_dimensions.values() if column.hidden for n in range(column.min, column.max + 1)}
    assert hidden_columns == set(range(first, first + len(hidden_columns))) and hidden_columns


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    form = small(tmp_path, SMALL.replace("label: 项目名称", 'label: "=1+1"').replace('"{year}年小表"', "\"=cmd|'/c calc'!A1\""))
    sheet = openpyxl.load_workbook(io.BytesIO(render(load_forms((str(tmp_path),)), form, count=1, stamp=STAMP))).worksheets[1]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows(max_col=plan(form).width + 1) for cell in row)


def test_an_echo_quotes_its_words(tmp_path: Path) -> None:
    form = small(tmp_path, SMALL.replace('"{year}年小表"', "'{seq}、“{project_name}”说\"好\"'"))
    sheet = openpyxl.load_workbook(io.BytesIO(render(load_forms((str(tmp_path),)), form, count=2, stamp=STAMP)))["项目2"]
    assert sheet["A2"].value == '="2、“"&$B$3&"”说""好"""'


# --- guidance ----------------------------------------------------------------------------------------------------------


def resolved(form: str) -> dict[str, tuple[str, ...]]:
    """The words behind each defined name, as they stand in the written file."""
    book = opened(form)
    found = {}
    for name, defined in book.defined_names.items():
        ((sheet, cells),) = defined.destinations
        found[name] = tuple(row[0].value for row in book[sheet][cells.replace("$", "")]) if ":" in cells else (book[sheet][cells.replace("$", "")].value,)
    return found


@forms
def test_every_dropdown_is_the_list_the_check_accepts(form: str) -> None:
    one, names = FORMS[form], resolved(form)
    assert names == list_names(one)
    rules = {cell: rule for rule in page(form).data_validations.dataValidation for cell in str(rule.sqref).split()}
    asked = 0
    for slot in plan(one).slots:
        meaning = slot.meanings.get(slot.key) if slot.typed and slot.kind == "input" else None
        if meaning is None or not (meaning.list and one.choices(meaning.list)):
            continue
        row, left = slot.area.top + ORIGIN[0], slot.area.left
        rule = next(r for r in rules.values() if any(a.min_row <= row + 1 <= a.max_row and a.min_col == left + 1 for a in r.sqref.ranges))
        if meaning.list in FORMS.codes:  # reissued every year: a code not listed is asked about
            assert rule.type == "list" and rule.errorStyle == "warning" and rule.allowBlank and names[rule.formula1] == tuple(FORMS.codes[meaning.list].names)
            asked += 1
            continue
        assert rule.type == "list" and rule.errorStyle in (None, "stop") and not rule.allowBlank
        asked += 1
        if meaning.list != "level2":
            assert names[rule.formula1] == one.choices(meaning.list)
            continue
        grid = next(g for _, g in one.template.grids() if g.grid == slot.grid)
        first = next((grid.blocks[slot.block].fixed[c.key] for c in grid.columns if c.key in grid.blocks[slot.block].fixed and one.columns[slot.grid][c.id].list == "level1"), None)
        if first:
            assert names[rule.formula1] == one.choices("level2", first)
        else:
            match = re.fullmatch(r"CHOOSE\(MATCH\(\$([A-Z]+)\d+,(\w+),0\),([\w,]+)\)", rule.formula1)
            assert match
            for level1, name in zip(names[match[2]], match[3].split(","), strict=True):
                assert names[name] == one.choices("level2", level1)
    wanted = {m.list for known in one.columns.values() for m in known.values() if m.list}
    assert asked or not wanted or all(slot.kind != "input" for slot in plan(one).slots if slot.grid and slot.meanings and slot.meanings[slot.key].list)


@forms
def test_the_check_accepts_what_the_dropdown_offers(form: str) -> None:
    accepted = pytest.importorskip("xlgoals.check").accepted
    one = FORMS[form]
    for level1 in one.choices("level1"):
        assert tuple(accepted(one, "level2", level1)) == one.choices("level2", level1)
    assert tuple(accepted(one, "level1")) == one.choices("level1")


def test_a_cascade_where_no_level_is_printed(tmp_path: Path) -> None:
    form = small(tmp_path, SMALL[: SMALL.index("    blocks:")] + "    blocks: [{lines: {print: 2, most: 3}}]\n")
    book = openpyxl.load_workbook(io.BytesIO(render(load_forms((str(tmp_path),)), form, count=1, stamp=STAMP)))
    rules = {str(r.sqref): r.formula1 for r in book.worksheets[1].data_validations.dataValidation if r.type == "list"}
    lists = ",".join(f"lst_small_level2_{i}" for i in range(1, 5))
    assert rules == {"A5:A7": "lst_small_level1", "B5:B7": f"CHOOSE(MATCH($A5,lst_small_level1,0),{lists})"}


@forms
def test_sources_are_plain_names_and_prompts_fit(form: str) -> None:
    with zipfile.ZipFile(io.BytesIO(blank(form))) as package:
        assert b"x14:" not in package.read("xl/worksheets/sheet2.xml")
    for rule in page(form).data_validations.dataValidation:
        if rule.type == "list":
            assert re.fullmatch(r"[\x20-\x7e]+", rule.formula1) and "!" not in rule.formula1 and '"' not in rule.formula1
        for text, most in ((rule.promptTitle, PROMPT_TITLE), (rule.prompt, PROMPT_TEXT), (rule.errorTitle, 32), (rule.error, 225)):
            assert text is None or len(text.encode("utf-16-le")) // 2 <= most
    for name in opened(form).defined_names:
        assert re.fullmatch(r"[A-Za-z_][\w.]*", name, re.ASCII)


@forms
def test_money_is_stopped_when_it_is_no_number(form: str) -> None:
    rules = page(form).data_validations.dataValidation
    for key, slot in plan(FORMS[form]).inputs.items():
        if slot.kind == "input" and slot.meanings[key].type == "money" and slot.by == "unit":
            (rule,) = [r for r in rules if cell_of(slot) in r.sqref]
            assert (rule.type, rule.operator) == ("decimal", "greaterThanOrEqual")
            assert FORMS[form].dialect.money_unit in rule.error and FORMS[form].dialect.money_unit in (rule.promptTitle or FORMS[form].dialect.money_unit)


@forms
def test_a_sentence_takes_words(form: str) -> None:
    """Staff type the whole sentence anew: a stop that asks for a number would refuse it. What to write is told, and it is tinted while a hole is left."""
    tints = page(form).conditional_formatting._cf_rules
    for slot in plan(FORMS[form]).slots:
        if slot.kind != "pattern" or not slot.typed:
            continue
        own = [rule for rule in page(form).data_validations.dataValidation if cell_of(slot) in rule.sqref]
        assert {rule.type for rule in own} <= {None}
        if slot.blank:
            assert slot.blank in own[0].prompt and all(one.prompt in own[0].prompt for one in slot.meanings.values())
            assert [rule for area, some in tints.items() if cell_of(slot) in area.sqref for rule in some if f'FIND("{slot.blank}",' in rule.formula[0]]


@forms
def test_inputs_are_tinted_only_while_blank(form: str) -> None:
    found = page(form).conditional_formatting._cf_rules
    rules = [(str(area.sqref), [rule.formula[0] for rule in some][-1]) for area, some in found.items()]
    for slot in plan(FORMS[form]).slots:
        if in_table(plan(FORMS[form]), slot):  # blank cells stay in a finished table: its tint goes with the first figure
            own = [rule.formula[0] for area, some in found.items() if cell_of(slot) in area.sqref for rule in some]
            assert bool(own) == (slot.typed and not isinstance(slot.formula, Lookup))
            assert all(re.fullmatch(r"COUNT\([$A-Z0-9:,]+\)=0", formula) for formula in own)
        elif slot.typed and slot.kind == "input":
            row, left = slot.area.top + ORIGIN[0] + 1, slot.area.left + ORIGIN[1] + 1
            ((area, formula),) = [(CellRange(area), formula) for area, formula in rules if left == CellRange(area).min_col and CellRange(area).min_row <= row <= CellRange(area).max_row]
            assert cell_name(area.min_row - 1, area.min_col - 1) in formula.replace("$", "")
            assert "LEN(TRIM(" in formula or slot.tick


# --- page, names, stamps -----------------------------------------------------------------------------------------------


@forms
def test_print_set_up(form: str) -> None:
    sheet, one, template = page(form), plan(FORMS[form]), FORMS[form].template
    assert sheet.page_setup.paperSize == {"A4": 9, "A3": 8}[template.page.paper]
    assert sheet.page_setup.orientation == template.page.orientation
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0) and sheet.sheet_properties.pageSetUpPr.fitToPage
    last = cell_name(len(one.rows), one.width - 1)
    letters = last.rstrip("0123456789")
    assert sheet.print_area.split("!")[-1].replace("$", "") == f"A2:{letters}{len(one.rows) + 1}"
    if one.repeat:
        assert sheet.print_title_rows.replace("$", "").split("!")[-1] == f"{one.repeat[0] + 2}:{one.repeat[1] + 2}"
    assert [b.id for b in sheet.row_breaks.brk] == [row + ORIGIN[0] for row in one.breaks]
    assert abs(sheet.page_margins.left * 25.4 - template.page.margins.left) < 0.1


@forms
def test_names_are_local_to_their_sheet(form: str) -> None:
    for sheet in opened(form).worksheets[1:3]:
        fields = {name: defined for name, defined in sheet.defined_names.items() if name.startswith("fld_")}
        wanted = {f"fld_{slot.key}" for slot in plan(FORMS[form]).inputs.values() if slot.kind in ("input", "pattern")}
        assert set(fields) == wanted
        for key, slot in plan(FORMS[form]).inputs.items():
            if f"fld_{key}" in fields:
                assert fields[f"fld_{key}"].attr_text.replace("$", "") == f"'{sheet.title}'!{cell_of(slot)}"
    assert not any(name.startswith(("fld_", "blk_")) for name in opened(form).defined_names)


@forms
def test_stamps(form: str) -> None:
    book = opened(form)
    guide = FORMS.guide
    assert [sheet.title for sheet in book.worksheets] == [guide.sheet, "项目1", "项目2", FORMS.selfcheck.sheet, guide.lists_sheet, guide.meta_sheet]
    assert [sheet.sheet_state for sheet in book.worksheets] == ["visible", "visible", "visible", "visible", "hidden", "veryHidden"]
    wanted = {"form": form, "digest": FORMS[form].digest, "year": "2025", "department": "450 某局", "unit": "某中心"}
    for n, sheet in enumerate(book.worksheets[1:3], 1):
        stamp = read_stamp(sheet.cell(1, plan(FORMS[form]).width + 1).value)
        assert stamp and stamp.instance == f"p{n:02}"
        assert {key: getattr(stamp, key) for key in wanted} == wanted
    assert read_stamp(book[guide.meta_sheet]["A2"].value)
    assert [read_stamp(p.value).form for p in book.custom_doc_props.props if p.name == PROPERTY] == [form]  # type: ignore[union-attr]


@forms
def test_our_own_reader_finds_a_blank_form(form: str) -> None:
    from xlgoals.parse import understand

    returns, findings = understand(read_bytes(blank(form), name="空表.xlsx"), FORMS)
    assert returns == [] and [finding.code for finding in findings] == ["form.all_blank"]


@pytest.mark.parametrize("count", [1, 60, 200])
def test_many_projects(count: int) -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(FORMS, FORMS["yiyang-2023"], count=count, stamp=STAMP)), read_only=True)
    assert len(book.sheetnames) == count + 4
    assert all(len(name) <= 31 for name in book.sheetnames) and len({name.casefold() for name in book.sheetnames}) == count + 4


def test_a_long_sheet_name_is_cut_and_stays_unique(tmp_path: Path) -> None:
    form = small(tmp_path, SMALL.replace("title: 小表", "title: 小表\nbook: [{form: small, sheet: \"一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十{seq}\"}]"))
    book = openpyxl.load_workbook(io.BytesIO(render(load_forms((str(tmp_path),)), form, count=12, stamp=STAMP)))
    names = book.sheetnames[1:13]
    assert len(set(names)) == 12 and all(len(name) <= 31 for name in names)


def test_guide_names_what_it_must() -> None:
    for form in SHIPPED:
        sheet = opened(form).worksheets[0]
        text = "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)
        for word in ("2025", "450 某局", "某中心", FORMS[form].title, "项目1", "项目2", FORMS[form].dialect.money_unit):
            assert word in text
        for slot in plan(FORMS[form]).slots:
            if slot.typed and slot.kind == "input":
                assert slot.label in text or (slot.meanings[slot.key].many and slot.meanings[slot.key].label in text)
        assert "{" not in text


@pytest.mark.parametrize("text", ["&", "A&B 局", "“引号”'单'", "=1+1", "很长的单位名称" * 30, "𠮷野家", "<b>"])
def test_names_of_departments_with_odd_letters(text: str) -> None:
    from xlgoals.parse import understand

    stamp = Stamp(0, "", "", year="2025", department=text, unit=text)
    for form in SHIPPED:
        book = read_bytes(render(FORMS, FORMS[form], count=1, stamp=stamp), name="a.xlsx")
        understand(book, FORMS)
        corner = book.sheets[1].value(0, plan(FORMS[form]).width)
        read = read_stamp(corner)
        assert read and read.department == text
