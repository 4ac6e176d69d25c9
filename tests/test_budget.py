"""A department's budget from its workbook to the county's: read, judged, added up along codes, every figure with its way back."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner
from openpyxl.workbook import Workbook

from examples.fill import file_name, fill
from tests.budget import DATA, EXAMPLES, PRINTED_SHEETS, SUBJECTS, Budget, printed
from tests.opened import opened, plainly
from tests.returns import checked
from tests.test_ties import ROUNDED, departments
from xlgoals.balance import evaluate, lay_out
from xlgoals.budget import Budgets, add_up
from xlgoals.budget_sheets import sheets
from xlgoals.cli import main
from xlgoals.cycle import create_cycle
from xlgoals.findings import Finding
from xlgoals.intake import gather
from xlgoals.kinds_tie import judge
from xlgoals.records import Return, Stamp
from xlgoals.spec import load_forms
from xlgoals.tables import Tables, tabulate, with_findings
from xlgoals.wording import load_wording

FORMS = load_forms()
WORDS = load_wording()
ROSTER = EXAMPLES / "budget" / "subjects-qinglong-2024.csv"
DOCUMENT = Path(__file__).parent.parent / "docs" / "ties.md"


@pytest.fixture(scope="module")
def folder() -> Path:
    return EXAMPLES.parent / "budget"


@pytest.fixture(scope="module")
def workbook(folder: Path) -> bytes:
    return (folder / file_name(DATA)).read_bytes()


@pytest.fixture(scope="module")
def tables(folder: Path) -> Tables:
    return gather([folder], jobs=1).tables


def budgets(tables: Tables) -> Budgets:
    return add_up(lay_out(tables, FORMS, FORMS.ties, SUBJECTS), FORMS.ties, tables, tuple(WORDS.budget))


# --- the workbook as read ---------------------------------------------------------------------------------------------


def test_the_workbook_as_read_holds_the_figures_as_printed(tables: Tables) -> None:
    """What the tests of equalities stand on is what reading the workbook gives."""

    def figures(of: Tables) -> set[tuple[object, ...]]:
        frame = of.details.filter(pl.col("amount").is_not_null() & (pl.col("grid") != "plan")).join(of.returns.select("rid", "form"), on="rid")
        return set(frame.select("form", "key", "grid", "line", "column", "amount").iter_rows())

    assert figures(tables) == figures(tabulate(printed().returns()))


def test_the_department_keeps_every_equality_but_for_rounding(tables: Tables) -> None:
    outcomes = evaluate(lay_out(tables, FORMS, FORMS.ties, SUBJECTS), FORMS.ties)
    off = outcomes.filter(pl.col("outcome") != "equal").with_columns(by=pl.concat_str("grid", "line", "code", "column", separator=" ").str.strip_chars())
    assert {name: off.filter(pl.col("tie") == name)["by"].to_list() for name in off["tie"].unique(maintain_order=True)} == ROUNDED
    findings = [one for one in checked(tables, FORMS, SUBJECTS) if one.code.partition(".")[0] in ("tie", "subject", "internal")]
    assert {one.code for one in findings} == {"tie.rounding"} and len(findings) == sum(map(len, ROUNDED.values()))
    assert all(one.at.cell and one.others and one.at.sheet in PRINTED_SHEETS for one in findings)


@pytest.mark.parametrize(("sheet", "cell", "others"), [
    ("支出总表", "F8", {"一般公共预算支出表", "情况说明", "项目25"}),
    ("一般公共预算基本支出表", "D24", {"三公经费支出表", "一般公共预算基本支出表"}),
    ("项目8", "C5", {"支出总表", "项目1"}),
])  # fmt: skip
def test_a_figure_altered_in_the_workbook_is_an_error_at_its_cell(workbook: bytes, tmp_path: Path, sheet: str, cell: str, others: set[str]) -> None:
    book = opened(workbook)
    book[sheet][cell].value = float(book[sheet][cell].value) + 1
    book.save(tmp_path / "改.xlsx")
    told = [one for one in checked(gather([tmp_path], jobs=1).tables, FORMS, SUBJECTS) if one.code in ("tie.broken", "tie.unusual")]
    assert "tie.broken" in {one.code for one in told}
    places = {(at.sheet, at.cell) for one in told for at in (one.at, *one.others)}
    assert (sheet, cell) in places and others <= {name for name, _ in places}
    assert all(re.search(r"相差 1\.0[01]万元|相差 0\.99万元", one.text) for one in told)


def test_a_figure_of_another_workbook_counts_with_its_department(workbook: bytes, tmp_path: Path) -> None:
    """The goal forms may come in a workbook of their own."""
    book, rest = opened(workbook), opened(workbook)
    for name in book.sheetnames:
        if name.startswith("项目") or name in PRINTED_SHEETS:
            del (rest if name.startswith("项目") else book)[name]
    rest.save(tmp_path / "表.xlsx")
    book.save(tmp_path / "项目.xlsx")
    tables = gather([tmp_path], jobs=1).tables
    frame = evaluate(lay_out(tables, FORMS, FORMS.ties, SUBJECTS), FORMS.ties).filter(pl.col("tie") == "goals.total")
    assert frame.select("left", "right", "outcome").row(0) == (Decimal("115650600"), Decimal("115650600"), "equal")


# --- added up ---------------------------------------------------------------------------------------------------------


def test_departments_are_added_cell_by_cell_along_codes() -> None:
    """Of three departments one has no 21013 and another a code of its own."""
    cells = printed().cells
    without = {place: text for place, text in cells.items() if not (place[1] == "expense" and place[2].startswith("21013"))}
    form = "qinglong-expense-2024"
    own = {**cells, (form, "expense", "2130101", "code"): "2130101", (form, "expense", "2130101", "name"): "行政运行", (form, "expense", "2130101", "basic"): "7.00"}
    whole = budgets(departments([printed(), replace(printed(), cells=without), replace(printed(), cells=own)]))
    lines = whole.budget_lines.filter(pl.col("grid") == "expense")

    def amount(code: str, column: str) -> tuple[str, int]:
        row = lines.filter((pl.col("subject_code") == code) & (pl.col("column") == column)).row(0, named=True)
        return f"{row['amount_wan']:.2f}", row["departments_in"]

    assert amount("", "project") == (str(3 * Decimal("11565.06")), 3)
    assert amount("21013", "total") == (str(2 * Decimal("3662.41")), 2) and amount("2130101", "basic") == ("7.00", 1)
    codes = lines["subject_code"].unique(maintain_order=True).to_list()
    assert codes[0] == "" and codes == sorted(codes) and set(lines["line_no"]) == set(range(lines["line_no"].min(), lines["line_no"].max() + 1))  # type: ignore[arg-type, operator]


def test_the_sums_tie_to_their_figures_and_the_goal_forms_to_the_projects(tables: Tables) -> None:
    whole = budgets(tables)
    added = whole.budget_figures.group_by("line_no", "column_no").agg(pl.col("amount_wan").sum())
    lines = whole.budget_lines.join(added, on=["line_no", "column_no"], suffix="_added")
    assert lines.height == whole.budget_lines.height and (lines["amount_wan"] == lines["amount_wan_added"]).all()
    goals = whole.budget_ties.filter(pl.col("tie") == "goals.total").row(0, named=True)
    assert f"{goals['left']:.2f}" == f"{goals['right']:.2f}" == "11565.06" and goals["outcome"] == "equal"


def test_a_figure_with_an_open_finding_is_counted_as_doubtful() -> None:
    place = ("qinglong-expense-2024", "expense", "20805", "basic")
    tables = departments([printed(), printed().altered(place, Decimal(1))])
    whole = budgets(with_findings(tables, [one for _, judged in judge(tables, FORMS, SUBJECTS) for one in judged()]))
    doubtful = whole.budget_figures.filter(pl.col("state") == "pending")
    assert set(doubtful["file"]) == {"1.xlsx"} and "20805" in set(doubtful["subject_code"])
    row = whole.budget_lines.filter((pl.col("subject_code") == "20805") & (pl.col("column") == "basic")).row(0, named=True)
    assert (row["doubtful"], row["departments_in"], f"{row['amount_wan']:.2f}") == (1, 2, "85.84")


def test_the_words_of_every_sheet_are_there(tables: Tables) -> None:
    for name, frame in budgets(tables).items():
        assert set(frame.columns) <= set(WORDS.columns), name
        assert set(WORDS.tables[name].columns) <= set(frame.columns)
    assert set(WORDS.budget) <= set(WORDS.words["grid"]) and {one for tie in FORMS.ties.ties for one in tie.grids} - {"goals"} <= set(WORDS.words["grid"])


# --- the summary workbook ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def summary(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("汇总") / "汇总.xlsx"
    run = CliRunner().invoke(main, ["consolidate", str(folder), "-o", str(path), "--subjects", str(ROSTER)])
    assert run.exit_code == 1, run.output  # the published forms hold mistakes of their own
    return path


@pytest.fixture(scope="module")
def values(summary: Path) -> Workbook:
    """The summary's values, to look at."""
    return plainly(summary, data_only=True)


def rows(sheet: Any) -> list[dict[str, Any]]:
    head, *body = list(sheet.iter_rows(min_row=4, values_only=True))
    return [dict(zip(head, row, strict=True)) for row in body]


def test_the_summary_shows_both_sides_and_the_whole_table(values: Workbook) -> None:
    total = next(row for row in rows(values["勾稽核对"]) if row["编号"] == "K22")
    assert (total["一边（万元）"], total["另一边（万元）"], total["结果"], total["另一边几个数"]) == (11565.06, 11565.06, "平", 25)
    assert rows(values["支出总表汇总"])[0] | {"行号": 0} == {
        "行号": 0, "年度": "2024", "科目编码": None, "项目或科目": "合计", "合计": 11915.4, "基本支出": 350.34, "项目支出": 11565.06, "待核实的数": 0,
    }  # fmt: skip
    assert next(row["项目或科目"] for row in rows(values["三公经费汇总"])) == "“三公”经费小计"
    balance = {row["项目或科目"]: (row["收入预算数"], row["支出预算数"]) for row in rows(values["收支总表汇总"])}
    assert balance["收入总计"] == (11915.4, None) and balance["支出总计"] == (None, 11915.4) and next(iter(balance)) == "一、一般公共预算拨款收入"
    projects = [row for row in rows(values["项目汇总"]) if row["项目序号"]]
    assert len(projects) == 25 and round(sum(row["年度资金总额（万元）"] for row in projects), 2) == 11565.06  # budget tables are no projects


def test_the_first_sheet_tells_both_sides_and_who_is_in_the_sums(summary: Path) -> None:
    """Nobody need look among hundreds of equalities for the one between the tables and the goal forms."""
    told = {row[1].value: row[3].value for row in openpyxl.load_workbook(summary)["说明与目录"].iter_rows() if row[0].value == "目录"}
    assert told["勾稽核对"].endswith("平 405，尾差 32，不平 0；项目支出＝各项目绩效目标表的预算数之和 11,565.06＝11,565.06（平）")
    assert told["支出总表汇总"] == "各部门的支出总表按功能分类科目逐格相加；1 个部门中计入 1 个"


def test_a_department_whose_table_is_not_in_the_sums_is_named() -> None:
    """One sent no 支出总表, one sent it twice, of one nobody could read the amounts, of one a single amount."""
    def tables(number: int, budget: Budget) -> Iterator[Return]:
        for one in replace(budget, department=f"第{number}局", unit=f"第{number}局", file=f"{number}.xlsx").returns():
            mine = one.form == "qinglong-expense-2024"
            if not mine or number == 0:
                yield one
            elif number > 1:
                unread = [detail.amount is not None and (number == 3 or detail.line == "208") for detail in one.details]
                yield replace(one, details=tuple(replace(d, amount=None) if number > 2 and lost else d for d, lost in zip(one.details, unread, strict=True)))
                if number == 2:
                    yield replace(one, file="另一份.xlsx")

    whole = budgets(tabulate(one for number in range(5) for one in tables(number, printed())))
    expense = whole.budget_standing.filter(pl.col("grid") == "expense").select("department", "budget_state")
    assert dict(expense.iter_rows()) == {"第0局": "whole", "第1局": "absent", "第2局": "twice", "第3局": "lost", "第4局": "part"}
    assert set(whole.budget_standing.filter(pl.col("grid") != "expense")["budget_state"]) == {"whole"}
    about = {one.plan.name: one.about for one in sheets(whole, WORDS, FORMS.ties)}["支出总表汇总"]
    assert about.endswith("5 个部门中计入 2 个，没有计入：第1局、第2局、第3局（原因见“预算表计入情况”），第4局有的数读不出")


def test_every_figure_leads_back_to_its_cell(summary: Path, values: Workbook, workbook: bytes) -> None:
    source = plainly(workbook, data_only=True)
    found = rows(values["预算表明细"])
    assert len(found) == 82
    for row in found:
        assert float(source[row["工作表"]][row["单元格"]].value) == row["金额（万元）"]
    linked = opened(summary)["预算表明细"]
    assert all(cells[-1].hyperlink is not None for cells in linked.iter_rows(min_row=5, max_col=14))


@pytest.mark.office
@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice")
def test_the_sums_are_formulas_that_come_out_the_same(summary: Path, values: Workbook, tmp_path: Path) -> None:
    book = opened(summary)
    book.save(tmp_path / "bare.xlsx")  # openpyxl writes no cached values: what stands there afterwards was calculated
    home = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", home, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "out"), str(tmp_path / "bare.xlsx")]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    computed = plainly(tmp_path / "out" / "bare.xlsx", data_only=True)
    for told in WORDS.budget.values():
        cells = [cell for row in book[told.name].iter_rows(min_row=5) for cell in row if cell.data_type == "f"]
        assert cells
        for cell in cells:
            assert computed[told.name][cell.coordinate].value == values[told.name][cell.coordinate].value


def test_in_a_cycle_the_roster_says_which_code_a_project_is_of(tmp_path: Path) -> None:
    """The department's workbook as it was sent out and came back: the goal forms are held against the tables by code."""
    cycle = tmp_path / "2024预算"
    create_cycle(cycle, DATA["year"], "qinglong-budget-2024")
    code, name = DATA["department"].split(" ")
    book = openpyxl.load_workbook(cycle / "roster.xlsx")
    book["单位"].append((code, name))
    head = [cell.value for cell in book["项目"][1]]
    for one in SUBJECTS:
        told = {"单位编码": code, "项目名称": one.project_name, "项目编码": one.project_code, "科目编码": one.code, "是否结转": "是" if one.carried else "否"}
        book["项目"].append([told.get(heading) for heading in head])
    book.save(cycle / "roster.xlsx")
    stamp = Stamp(1, "", "", year=DATA["year"], department=DATA["department"], unit=name, code=code, cycle=cycle.name)
    (cycle / "inbox" / "报送.xlsx").write_bytes(fill(DATA, stamp))
    run = CliRunner().invoke(main, ["consolidate", "--cycle", str(cycle), "--include", "errors", "--no-state"])
    assert run.exit_code == 1 and "应报 1 家，计入 1 家" in run.output, run.output
    found = rows(openpyxl.load_workbook(cycle / "summary" / "汇总.xlsx", data_only=True)["勾稽核对"])
    assert [(row["一边（万元）"], row["结果"]) for row in found if row["编号"] == "K24"] == [(1316, "平"), (1904.81, "平")]
    assert len([row for row in found if row["编号"] == "K23" and row["结果"] == "平"]) == 6
    listed = CliRunner().invoke(main, ["ties", "--cycle", str(cycle), "--format", "json"])
    assert listed.exit_code == 0 and "平 405，尾差 32，不平 0" in listed.stderr, listed.output
    refused = CliRunner().invoke(main, ["ties", "--cycle", str(cycle), "--subjects", str(ROSTER)])
    assert refused.exit_code == 2 and "名册“项目”表" in refused.output
    (cycle / "inbox" / "报送.xlsx").unlink()
    empty = CliRunner().invoke(main, ["ties", "--cycle", str(cycle)])
    assert empty.exit_code == 0 and "核对 0 处" in empty.output, empty.output


def test_a_summary_without_budgets_has_no_such_sheets(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES.parent / "filled" / "平罗县医疗保障局-2026.xlsx", tmp_path)
    run = CliRunner().invoke(main, ["consolidate", str(tmp_path), "-o", str(tmp_path / "汇总.xlsx")])
    assert run.exit_code in (0, 1), run.output
    assert not {"勾稽核对", "预算表明细", "支出总表汇总"} & set(plainly(tmp_path / "汇总.xlsx").sheetnames)


def test_data_has_the_same_frames(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["consolidate", str(folder), "-o", str(tmp_path / "数据"), "--format", "parquet", "--subjects", str(ROSTER)])
    assert run.exit_code == 1, run.output
    names = {"budget_lines", "budget_figures", "budget_standing", "budget_ties"}
    assert names <= {path.stem for path in (tmp_path / "数据").glob("*.parquet")}
    assert names <= set(pl.read_parquet(tmp_path / "数据" / "columns.parquet")["table"])


# --- commands ---------------------------------------------------------------------------------------------------------


def told(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "xlgoals", "ties", str(folder), *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert run.returncode == 0 and "平 405，尾差 32，不平 0" in run.stderr, run.stderr
    return run.stdout


def test_the_document_is_what_the_command_says(folder: Path, request: pytest.FixtureRequest) -> None:
    """`python -m pytest tests/test_budget.py --update-golden` writes docs/ties.md anew."""
    listed = told(folder, "--subjects", str(ROSTER), "--format", "md")
    head = DOCUMENT.read_text(encoding="utf-8").partition("### ")[0]
    if request.config.getoption("--update-golden"):
        DOCUMENT.write_text(head + listed, encoding="utf-8")
    assert head + listed == DOCUMENT.read_text(encoding="utf-8")
    numbers = set(re.findall(r"^\| (K\d+) ", listed, re.MULTILINE))
    assert numbers == {f"K{n}" for n in range(1, 26)}


def test_every_comparison_is_an_object(folder: Path) -> None:
    listed = told(folder, "--subjects", str(ROSTER), "--format", "json").splitlines()
    assert len(listed) == 437 and '"left": "11565.06", "right": "11565.06"' in "".join(listed)


def test_a_bureaus_own_codes_are_heeded(folder: Path, tmp_path: Path) -> None:
    names = {**FORMS.codes["functional"].names, **FORMS.codes["economic"].names, "2101301": "城乡医疗救助（新）"}
    del names["2101506"]
    lines = [("编码", "名称"), *names.items()]
    (tmp_path / "科目.csv").write_bytes("\r\n".join(",".join(line) for line in lines).encode("gb18030"))
    run = CliRunner().invoke(main, ["check", str(folder), "--codes", str(tmp_path / "科目.csv"), "--format", "json"])
    codes = re.findall(r'"code": "(subject\.\w+)".*?"found": "([^"]*)"', run.output)
    assert set(codes) == {("subject.unknown", "2101506"), ("subject.name", "城乡医疗救助")} and len(codes) == 6  # ②③⑤ each
    bad = CliRunner().invoke(main, ["check", str(folder), "--codes", str(tmp_path / "没有.csv")])
    assert bad.exit_code == 2 and "打不开" in bad.output


def test_findings_can_be_told_apart(tables: Tables) -> None:
    findings: list[Finding] = checked(tables, FORMS, SUBJECTS)
    ties = [one for one in findings if one.code.startswith("tie.")]
    assert len({one.key for one in ties}) == len(ties)
