"""Tables and books of forms: a department's whole budget drawn, filled, read back, however the workbook has been treated since."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.forms import FORMS, TABLES, small, write_form
from tests.opened import opened, plainly, saved
from xlgoals.errors import SpecError
from xlgoals.findings import Finding
from xlgoals.layout import ORIGIN, plan
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.records import Return, Stamp
from xlgoals.render import render
from xlgoals.spec import data_folder, load_forms
from xlgoals.stamp import read_stamp
from xlgoals.sums import Sum, Term, Tree, compute, is_own
from xlgoals.yamlmark import load_marked

BOOK = "qinglong-budget-2024"
PUBLISHED = next((data_folder("examples") / "budget").glob("*.xlsx")).read_bytes()
DATA: dict[str, Any] = load_marked(data_folder("examples") / "data" / "budget" / f"{BOOK}.yaml").data
STAMP = Stamp(0, "", "", year="2025", department="450 某局", unit="某中心")
OWN = [sheet for sheet in FORMS.books[BOOK].sheets if sheet.per == "workbook"]
Values = dict[str, Decimal | str]


@cache
def values(data: bytes) -> tuple[Values, list[Finding], list[Return]]:
    """Every detail of the tables of a workbook, by its key."""
    returns, findings = understand(read_bytes(data, name="预算.xlsx"), FORMS)
    own = [one for one in returns if one.form != "qinglong-2024"]
    return {d.key: d.text if d.amount is None else d.amount for one in own for d in one.details}, findings, returns


def published() -> Values:
    return values(PUBLISHED)[0]


@cache
def drawn(count: int) -> bytes:
    """The blank book, with so many sheets for projects."""
    return render(FORMS, FORMS.binder(BOOK), count=count, stamp=STAMP)


def yuan(text: str) -> Decimal:
    sign = -1 if text.startswith("减少") else 1
    return sign * Decimal(text.removeprefix("减少").removeprefix("增加")) * 10_000


# --- what was typed comes back -----------------------------------------------------------------------------------------


def test_every_figure_of_the_document_comes_back_under_its_line() -> None:
    found, seen = published(), 0
    for form, content in DATA["forms"].items():
        for grid, lines in content.items():
            if isinstance(lines, str):
                continue
            named = lines.items() if isinstance(lines, dict) else [(row.get("line") or row.get("code"), row) for row in lines if isinstance(row, dict)]
            for line, row in named:
                for column, text in row.items():
                    if column in ("line", "code") or line is None:
                        continue
                    value = found[f"{grid}.{line}.{column}"]
                    assert value == (yuan(text) if isinstance(value, Decimal) else text), (form, grid, line, column)
                    seen += 1
    for key, text in DATA["forms"]["qinglong-statement-2024"].items():
        if f"stated.{key}" in found:
            assert found[f"stated.{key}"] == yuan(text)
            seen += 1
    assert seen > 430
    assert sum(isinstance(value, Decimal) for value in found.values()) > 330


def test_texts_of_a_book_come_back_and_empty_tables_are_there() -> None:
    _, findings, returns = values(PUBLISHED)
    by_form = {one.form: one for one in returns}
    overall = DATA["forms"]["qinglong-overall-2024"]
    assert by_form["qinglong-overall-2024"].fields["overall"] == overall["overall"].strip()
    assert [d.text for d in by_form["qinglong-overall-2024"].details if d.grid == "measures"] == [m.strip() for m in overall["measures"]]
    assert [d.text for d in by_form["qinglong-overall-2024"].details if d.column == "indicator"] == [p["indicator"] for p in overall["parts"]]
    assert by_form["qinglong-statement-2024"].fields["running_use"] == DATA["forms"]["qinglong-statement-2024"]["running_use"]
    assert len(returns) == len(OWN) + 25 and by_form["qinglong-capital-2024"].details == ()
    assert {one.fields["department"] for one in returns} == {DATA["department"]} and {one.fields["year"] for one in returns} == {"2024"}
    assert {finding.code for finding in findings} == {"formula.typed"}, "totals of the document are typed over the sums, and that is said"


def test_figures_know_their_cells() -> None:
    """Checked with a reader of its own: the cell a figure is said to stand in holds it."""
    book = opened(PUBLISHED)
    for one in values(PUBLISHED)[2]:
        for detail in one.details:
            spot = one.spots[detail.key]
            shown = book[one.sheet][spot.at.cell].value
            if detail.grid in ("stated", "plan"):
                assert detail.text in str(shown) or detail.grid == "plan"
            elif spot.witness == "formula":
                assert spot.text == "" and str(shown).startswith("=")
            elif detail.amount is not None:
                assert Decimal(str(shown)) * 10_000 == detail.amount
            else:
                assert str(shown).strip() == detail.text or detail.text in str(shown)


# --- as people leave it ------------------------------------------------------------------------------------------------


def pasted(down: int, right: int, one_sheet: bool, plain: bool) -> bytes:
    """Only values, elsewhere: without keys, stamps, names and merges, numbers of lines as numbers; perhaps all tables on one sheet."""
    source, book = opened(PUBLISHED), openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    whole = book.create_sheet("全部") if one_sheet else None
    at = 0
    for n, spec in enumerate(OWN):
        target = whole or book.create_sheet(f"Sheet{n}")
        last = 0
        for row in source[spec.sheet].iter_rows(min_row=ORIGIN[0] + 1, max_col=plan(FORMS[spec.form]).width):
            for cell in row:
                if cell.value is None or cell.data_type == "f":
                    continue
                number = plain and isinstance(cell.value, str) and cell.value.isdigit() and len(cell.value) < 8
                target.cell(cell.row - ORIGIN[0] + down + at, cell.column + right, int(cell.value) if number else cell.value)
                last = max(last, cell.row)
        at += last + 3 if one_sheet else 0
    return saved(book)


FREE = ("offices.", "parts.", "measures.")  # their lines have no name: on a sheet without keys they are called by their row


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("down", "right", "one_sheet"), [(0, 0, False), (2, 1, False), (0, 0, True)])
def test_tables_that_somebody_else_typed_are_read_by_their_words(down: int, right: int, one_sheet: bool, plain: bool) -> None:
    found, findings, _ = values(pasted(down, right, one_sheet, plain))

    def named(all_: Values) -> Values:
        return {key: value for key, value in all_.items() if not key.startswith(FREE)}

    assert named(found) == named(published())
    assert sorted(str(v) for k, v in found.items() if k.startswith(FREE)) == sorted(str(v) for k, v in published().items() if k.startswith(FREE))
    assert {finding.code for finding in findings} <= {"identity.missing"}


@pytest.mark.parametrize("remove", [True, False])
def test_rows_inserted_or_deleted_in_a_coded_table(remove: bool) -> None:
    """A row that staff add has no key: it is told by its code. One that they delete is gone, and nothing else moves."""
    book = opened(PUBLISHED)
    sheet = book["支出总表"]
    row = next(cell.row for cell in sheet["B"] if cell.value == "2101301")
    for merged in list(sheet.merged_cells.ranges):
        if merged.min_row >= row:
            sheet.unmerge_cells(str(merged))
    if remove:
        sheet.delete_rows(row)
    else:
        sheet.insert_rows(row + 1)
        for column, value in (("B", "2101399"), ("C", "其他医疗救助支出"), ("D", 12.5), ("F", 12.5)):
            sheet[f"{column}{row + 1}"] = value
    found = values(saved(book))[0]
    new = {"expense.2101399.code": "2101399", "expense.2101399.name": "其他医疗救助支出", "expense.2101399.total": Decimal(125000), "expense.2101399.project": Decimal(125000)}
    wanted = {k: v for k, v in published().items() if not k.startswith("expense.2101301.")} if remove else published() | new  # type: ignore[operator]
    assert found == wanted


def test_a_code_met_twice_and_a_line_without_a_code() -> None:
    book = opened(PUBLISHED)
    sheet = book["一般公共预算基本支出表"]
    first = next(cell.row for cell in sheet["B"] if cell.value == "30302")
    sheet[f"B{first + 1}"], sheet[f"E{first + 1}"] = "３０３０２", 1
    sheet[f"E{first + 2}"] = 2
    found = values(saved(book))[0]
    line = first - ORIGIN[0] - plan(FORMS["qinglong-basic-2024"]).lines("basic").__next__()
    assert found["basic.30302.staff"] == Decimal(38700) and found["basic.30302#2.staff"] == Decimal(10000)
    assert found[f"basic.2.{line + 1}.staff"] == Decimal(20000)


def test_what_stands_where_nothing_belongs_is_told() -> None:
    book = opened(PUBLISHED)
    book["收支总表"]["C20"] = 77  # left of line 13, where the income side has no line
    book["收入总表"]["B8"] = "999"  # the code of the total
    _, findings, _ = values(saved(book))
    assert {("收支总表", "C20"), ("收入总表", "B8")} <= {(f.at.sheet, f.at.cell) for f in findings if f.code == "cell.unrecognised"}


@pytest.mark.parametrize(("formula", "asked"), [("=SUM(E20,M20)", False), ("=SUM(E21,M21)+0.01", True), ("=E20*2", True), ("=[2]表!A1", True)])
def test_a_formula_of_ones_own_in_a_sum(formula: str, asked: bool) -> None:
    book = opened(PUBLISHED)
    book["收入总表"]["D15"] = formula
    codes = {f.code for f in values(saved(book))[1] if f.at.cell == "D15"}
    assert bool(codes & {"cell.formula", "cell.no_value"}) == asked


# --- sums --------------------------------------------------------------------------------------------------------------


@cache
def small_budget() -> bytes:
    """A book of which only the last codes are filled in, as a unit does."""
    book = opened(drawn(1))
    sheet = book["收入总表"]
    for row, (code, fiscal, carryover) in enumerate(
        [("208", None, None), ("20805", None, None), ("2080502", 3.87, None), ("2080505", 38.55, 0.5), ("210", None, None), ("21013", None, None), ("2101301", 1757.6, 1904.81)], 9
    ):  # fmt: skip
        sheet[f"B{row}"] = code
        for column, amount in (("F", fiscal), ("M", carryover)):
            if amount is not None:
                sheet[f"{column}{row}"] = amount
    for cell, amount in (("C8", 1), ("C12", 2), ("C40", 4), ("E15", 8)):
        book["收支总表"][cell] = amount
    return saved(book)


WANTED = {
    "income.total.total": "3705.33", "income.total.fiscal": "1800.02", "income.total.carryover": "1905.31", "income.208.total": "42.92",
    "income.20805.current": "42.42", "income.2080502.total": "3.87", "income.21013.carryover": "1904.81", "income.2101301.total": "3662.41",
    "balance.current.income": "3", "balance.total.income": "7", "balance.current.expense": "8", "balance.total.expense": "8",
}  # fmt: skip


def test_sums_that_nobody_calculated_are_computed_and_names_looked_up() -> None:
    found, findings, _ = values(small_budget())
    assert {key: found[key] for key in WANTED} == {key: Decimal(text) * 10_000 for key, text in WANTED.items()}
    assert found["income.2080505.name"] == "机关事业单位基本养老保险缴费支出"
    assert not any(key.startswith("income.2.") for key in found), "blank lines have no sums"
    assert {f.code for f in findings} == {"form.blank"}


@pytest.mark.office
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
@pytest.mark.parametrize("name", ["small", "published"])
def test_an_office_calculates_what_the_program_computes(name: str, tmp_path: Path) -> None:
    data = small_budget() if name == "small" else PUBLISHED
    (tmp_path / "in.xlsx").write_bytes(data)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run(["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(tmp_path / "in.xlsx")], check=True, capture_output=True, timeout=300)
    calculated = (tmp_path / "out" / "in.xlsx").read_bytes()
    assert values(calculated)[0] == values(data)[0]
    shown = plainly(calculated, data_only=True)
    assert Decimal(str(shown["收入总表"]["D8"].value)).quantize(Decimal("0.01")) == (Decimal("3705.33") if name == "small" else Decimal("11915.40"))


@given(st.dictionaries(st.from_regex(r"2[0-9]{2}([0-9]{2}([0-9]{2})?)?", fullmatch=True), st.integers(-9, 9), max_size=12))
def test_a_tree_is_the_sum_of_its_leaves(leaves: dict[str, int]) -> None:
    """Where every line but the last ones is a sum, the total is the sum of the last ones."""
    lasts = {code: n for code, n in leaves.items() if not any(other != code and other.startswith(code) for other in leaves)}
    codes = sorted({code[:length] for code in lasts for length in (3, 5, 7) if length <= len(code)})
    wanted = {(0, "c"): Tree("code", True, 3)} | {(i, "c"): Tree("code", False, 3) for i, code in enumerate(codes, 1) if code not in lasts}
    figures = {(i, "c"): Decimal(lasts[code]) for i, code in enumerate(codes, 1) if code in lasts}
    found = compute(wanted, figures, ["", *codes], {})
    assert found.get((0, "c"), Decimal(0)) == sum(lasts.values())


def test_sums_that_ask_for_each_other_end() -> None:
    wanted = {(0, "a"): Sum((Term("b"),)), (0, "b"): Sum((Term("a"), Term("c", minus=True)))}
    assert compute(wanted, {(0, "c"): Decimal(2)}, [""], {}) == {(0, "a"): Decimal(-2), (0, "b"): Decimal(-2)}


def test_which_formula_is_the_forms_own() -> None:
    assert is_own(Sum((Term("a"),)), "SUM(C3:C9)-SUM($D$4)") and not is_own(Sum((Term("a"),)), "SUM(C3:C9,5)")
    assert is_own(Tree("code", False, 3), 'IF($B9="","",IF(COUNTIFS(B10:B$69,$B9&"??")=0,"",SUMIFS(F10:F$69,B10:B$69,$B9&"??")))')
    assert not is_own(Tree("code", False, 3), "SUMPRODUCT(F10:F69)")


# --- books -------------------------------------------------------------------------------------------------------------


def test_a_book_has_its_sheets_its_contents_and_its_stamps() -> None:
    book = opened(drawn(3))
    before = [sheet.sheet for sheet in FORMS.books[BOOK].sheets]
    at = before.index("项目{seq}")
    names = [*before[:at], "项目1", "项目2", "项目3", *before[at + 1 :]]
    contents = FORMS.books[BOOK].contents
    assert contents and book.sheetnames == [FORMS.guide.sheet, contents.sheet, *names, FORMS.selfcheck.sheet, FORMS.guide.lists_sheet, FORMS.guide.meta_sheet]
    links = {cell.hyperlink.location for row in book[contents.sheet].iter_rows() for cell in row if cell.hyperlink}
    assert links == {f"'{name}'!A1" for name in names}
    assert book[contents.sheet]["A1"].value == "2025年部门预算信息公开目录"
    forms = {name: spec.form for name, spec in zip(before, FORMS.books[BOOK].sheets, strict=True)}
    for name in names:
        form = forms.get(name, "qinglong-2024")
        stamp = read_stamp(book[name].cell(1, plan(FORMS[form]).width + 1).value)
        assert stamp and (stamp.form, stamp.digest, stamp.unit) == (form, FORMS[form].digest, "某中心")


def test_an_unfilled_book_is_blank_and_a_copied_sheet_still_knows_its_form() -> None:
    blank = drawn(3)
    assert [f.code for f in values(blank)[1]] == ["form.all_blank"]
    book = opened(PUBLISHED)
    for sheet in list(book.worksheets):
        if sheet.title != "收支总表":
            del book[sheet.title]
    (one,) = values(saved(book))[2]
    assert one.form == "qinglong-balance-2024" and one.fields["unit"] == DATA["unit"]


def test_dropdowns_of_codes_name_one_list_for_the_whole_book() -> None:
    book = opened(drawn(1))
    assert {"cod_functional", "cod_functional_names", "cod_economic", "cod_economic_names"} <= set(book.defined_names)
    (rule,) = [rule for rule in book["收入总表"].data_validations.dataValidation if rule.type == "list"]
    assert rule.formula1 == "cod_functional" and book["收入总表"]["B9"].number_format == "@"


# --- the language ------------------------------------------------------------------------------------------------------

TABLE = """\
form: small
title: 小表
stamped: [year, department, unit]
columns: [10, 30, 20, 20]
rows:
  - [{text: 小表, span: 4, style: title}]
  - grid: sides
    head:
      - [{label: 序号, down: 2}, {label: 两栏, span: 3}]
      - [{label: 项目}, {label: 甲}, {label: 乙}]
    columns: [{key: no, count: yes}, {key: item}, {key: a}, {key: b, sum: [a]}]
    blocks:
      - {item: {id: one, text: 一}}
      - {item: {id: two, text: 二}}
      - {item: {id: all, text: 合计, sum: above}}
"""
MAPPING = """\
form: small
money_unit: 万元
grids:
  sides: {item: budget.item, a: budget.amount, b: budget.amount}
"""


def test_the_small_table_is_right(tmp_path: Path) -> None:
    form = small(tmp_path, TABLE, MAPPING)
    slots = {(slot.kind, slot.text): slot for slot in plan(form).slots}
    assert slots["heading", "甲"].key == "a" and slots["text", "两栏"].area.right == 3 and slots["heading", "序号"].area.bottom == 2
    assert plan(form).repeat == (1, 2)
    sums = [slot for slot in plan(form).slots if slot.key == "a" and slot.kind == "input" and slot.formula]
    assert [(slot.block, slot.formula) for slot in sums] == [(2, Sum((Term("a", (0, 0)), Term("a", (1, 0)))))]


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        ("sum: [a]", "sum: [c]", "key: b", "没有栏 c"),
        ("sum: [a]", "sum: [b]", "key: b", "不能是自己的和"),
        ("sum: above", "sum: [one, tow]", "合计", "没有 id 为 tow 的行，是不是 two？"),
        ("sum: above", "sum: tree", "合计", "tree"),
        ("{id: two, text: 二}", "{id: one, text: 二}", "二}", "用了两次"),
        ("{id: two, text: 二}", "{id: two}", "id: two", "缺少 text"),
        ("item: {id: two, text: 二}}", "item: {text: 二, sum: above}, lines: {print: 1, most: 1}}", "most: 1", "有 sum 的一行要有 id"),
        ("{label: 甲}, {label: 乙}", "{label: 甲}", "label: 甲", "少了第 4 栏"),
        ("{label: 甲}, {label: 乙}", "{label: 甲, span: 2}", "key: a", "没有正好在栏 a 上方"),
        ("{label: 两栏, span: 3}", "{label: 两栏, span: 4}", "两栏", "放不下"),
        ("{label: 甲}", "{label: 甲, text: 乙}", "text: 乙", "只能写 label、text 中的一个"),
        ("{key: a}", "{key: a, label: 甲}", "key: a", "请删去 label"),
        ("{key: a}", "{key: a, look_up: code}", "key: a", "没有栏 code"),
        ("  - grid: sides\n", "  - grid: sides\n    tree: code\n", "tree: code", "没有栏 code"),
        ("item: {id: one, text: 一}}", "item: {id: one, text: 一}, lines: {print: 2, most: 2}}", "print: 2", "只能是一行"),
    ],
)  # fmt: skip
def test_mistakes_in_tables_are_told_where_they_stand(old: str, new: str, at: str, told: str, tmp_path: Path) -> None:
    assert old in TABLE
    text = TABLE.replace(old, new, 1)
    with pytest.raises(SpecError) as caught:
        plan(small(tmp_path, text, MAPPING))
    mistake = next(one for one in caught.value.mistakes if told in one.text)
    assert mistake.file == "small.yaml" and mistake.line == next(i for i, line in enumerate(text.splitlines(), 1) if at in line)


def test_mistakes_in_books(tmp_path: Path) -> None:
    write_form(tmp_path, TABLE, MAPPING)
    book = "workbook: small\ntitle: 册\nsheets:\n  - {form: small, per: workbook, sheet: 甲}\n  - {form: smal, sheet: 甲}\n"
    (tmp_path / "templates" / "book.yaml").write_text(book, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_forms((str(tmp_path),))
    assert {(one.line, one.text) for one in caught.value.mistakes} == {
        (1, "small 已经是一个表样的名称，请改名"), (5, "没有表样 smal，是不是 small？"), (5, "工作表名称 甲 用了两次，请改名"),
    }  # fmt: skip


def test_there_are_the_nine_tables() -> None:
    assert len(TABLES) == 10 and len(OWN) == 14  # the nine, and what is owned


def test_a_bureaus_own_codes_are_offered_and_looked_up() -> None:
    codes = {**FORMS.codes, "functional": replace(FORMS.codes["functional"], names={"299": "其他类", "29901": "其他款", "2990101": "其他项"})}
    forms = FORMS.recoded(codes)
    book = opened(render(forms, forms["qinglong-fund-2024"], count=1, stamp=STAMP))
    for row, code in enumerate(("299", "29901", "2990101"), 9):
        book["项目1"][f"B{row}"] = code
    book["项目1"]["F11"] = 5
    assert [row[0].value for row in book["字典"].iter_rows(min_row=2, max_col=1)] == ["299", "29901", "2990101"]
    (one,), _ = understand(read_bytes(saved(book), name="a.xlsx"), forms)
    assert {d.key: d.text for d in one.details if d.column == "name"} == {"fund.299.name": "其他类", "fund.29901.name": "其他款", "fund.2990101.name": "其他项"}
    assert {d.amount for d in one.details if d.amount} == {Decimal(50_000)}
