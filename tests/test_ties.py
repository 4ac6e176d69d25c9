"""The equalities of a department's budget: each with its figures as `knowledge/domain.md` §7 has them, and what an altered figure does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.budget import DATA, SUBJECTS, WAN, Budget, printed
from xlgoals.balance import OUTCOME, evaluate, lay_out, together, witnesses
from xlgoals.errors import SpecError
from xlgoals.findings import Finding
from xlgoals.kinds_tie import FAULTS, OUTCOMES, judge
from xlgoals.records import At, Detail, Return
from xlgoals.spec import load_forms
from xlgoals.tables import Tables, tabulate, with_findings
from xlgoals.ties import Tie, load_ties

FORMS = load_forms()
PRINTED = printed()
BY_NAME = {one.tie: one for one in FORMS.ties.ties}
ONE = Decimal("1.00")


def outcomes(budget: Budget | Iterable[Return], subjects: tuple = SUBJECTS) -> pl.DataFrame:
    """The outcomes in 万元, as printed, with the cells they are compared by in one column."""
    tables = tabulate(budget.returns() if isinstance(budget, Budget) else budget)
    frame = evaluate(lay_out(tables, FORMS, FORMS.ties, subjects), FORMS.ties)
    wan = [(pl.col(name).cast(pl.Decimal(38, 8)) / WAN).cast(pl.Decimal(38, 2)) for name in ("left", "right", "difference")]
    return frame.with_columns(*wan, by=pl.concat_str("grid", "line", "code", "column", separator=" ").str.strip_chars())


def findings(tables: Tables, subjects: tuple = SUBJECTS) -> list[Finding]:
    return [finding for _, judged in judge(tables, FORMS, subjects) for finding in judged()]


def side(frame: pl.DataFrame, tie: str, by: str = "") -> tuple[str, str, str]:
    row = frame.filter((pl.col("tie") == tie) & (pl.col("by") == by)).row(0, named=True)
    return str(row["left"]), str(row["right"]), row["outcome"]


# --- K1–K25 -----------------------------------------------------------------------------------------------------------

FIGURES = [  # number, tie, compared by, left, right: the figures that domain.md gives
    ("K1", "balance.sides", "", "11915.40", "11915.40"),
    ("K2", "balance.income", "", "11915.40", "11915.40"),
    ("K3", "balance.current", "", "8676.31", "8676.31"),
    ("K4", "balance.expense", "", "11915.40", "11915.41"),
    ("K5", "income.total", "", "11915.40", "11915.40"),
    ("K5", "income.current", "", "8676.31", "8676.31"),
    ("K5", "income.carryover", "", "3239.09", "3239.09"),
    ("K6", "income.rows", "2101506", "213.38", "213.39"),
    ("K7", "income.expense", "21013", "3662.41", "3662.41"),
    ("K8", "expense.total", "", "11915.40", "11915.40"),
    ("K9", "expense.rows", "21015", "336.03", "336.02"),
    ("K10", "expense.levels", "expense  21011 total", "19.08", "19.09"),
    ("K10", "expense.levels", "expense  21015 total", "336.03", "336.02"),
    ("K10", "expense.levels", "expense  210 basic", "288.06", "288.05"),
    ("K10", "expense.levels", "expense   basic", "350.34", "350.35"),
    ("K11", "expense.parts", "total", "11915.40", "11915.40"),
    ("K12", "fiscal.sides", "", "11915.40", "11915.40"),
    ("K12", "fiscal.balance", "", "11915.40", "11915.40"),
    ("K13", "fiscal.general", "", "11715.40", "11715.40"),
    ("K13", "fiscal.fund", "", "200.00", "200.00"),
    ("K13", "fiscal.columns", "general", "11715.40", "11715.41"),
    ("K14", "general.sides", "", "11715.40", "11715.40"),
    ("K15", "general.basic", "", "350.34", "350.34"),
    ("K16", "basic.rows", "total", "350.34", "350.34"),
    ("K17", "basic.levels", "basic  301 total", "329.60", "329.59"),
    ("K17", "basic.levels", "basic  302 total", "16.88", "16.87"),
    ("K17", "basic.levels", "basic  303 total", "3.87", "3.87"),
    ("K17", "basic.levels", "basic   total", "350.34", "350.35"),
    ("K18", "three.total", "total", "3.66", "3.66"),
    ("K18", "three.cars", "total", "3.20", "3.20"),
    ("K19", "three.reception", "", "0.46", "0.46"),
    ("K19", "three.running", "", "3.20", "3.20"),
    ("K20", "economic.pension", "", "38.55", "38.55"),
    ("K20", "economic.housing", "", "19.87", "19.87"),
    ("K20", "economic.retired", "", "3.87", "3.87"),
    ("K21", "stated.tables", "income", "11915.40", "11915.40"),
    ("K21", "stated.expense", "project", "11565.06", "11565.06"),
    ("K21", "stated.change", "", "594.08", "594.08"),
    ("K21", "stated.running", "", "16.87", "16.88"),
    ("K22", "goals.total", "", "11565.06", "11565.06"),
    ("K23", "goals.items", "20899", "4.00", "4.00"),
    ("K23", "goals.items", "21012", "7222.80", "7222.80"),
    ("K23", "goals.items", "21013", "3662.41", "3662.41"),
    ("K23", "goals.items", "21015", "67.05", "67.05"),
    ("K23", "goals.items", "21099", "408.80", "408.80"),
    ("K23", "goals.items", "21208", "200.00", "200.00"),
    ("K24", "goals.carryover", "21013", "1904.81", "1904.81"),
    ("K24", "goals.carryover", "21012", "1316.00", "1316.00"),
    ("K25", "assets.total", "", "141.22", "141.22"),
    ("K25", "assets.stated", "", "141.22", "141.22"),
]

ROUNDED = {  # every equality that is off, K-numbered or not; all by 0.01
    "balance.expense": [""],
    "income.rows": ["2101506"],
    "expense.rows": ["21015"],
    "expense.levels": ["expense   basic", "expense   total", "expense  210 basic", "expense  21011 basic", "expense  21011 total", "expense  21015 total"],
    "fiscal.columns": ["expense", "general"],
    "basic.levels": ["basic   staff", "basic   total", "basic  301 staff", "basic  301 total", "basic  302 office", "basic  302 total"],
    "funds.rows": ["general 21015"],
    "funds.levels": [
        "general   basic", "general   total", "general  210 basic", "general  21011 basic", "general  21011 total", "general  21015 total",
        "income   current", "income   fiscal", "income   total", "income  21011 current", "income  21011 fiscal", "income  21011 total", "income  21015 total",
    ],
    "stated.running": [""],
}  # fmt: skip


@pytest.fixture(scope="module")
def as_printed() -> pl.DataFrame:
    return outcomes(PRINTED)


@pytest.mark.parametrize("number, tie, by, left, right", FIGURES)
def test_each_equality_has_the_figures_of_the_handbook(as_printed: pl.DataFrame, number: str, tie: str, by: str, left: str, right: str) -> None:
    assert BY_NAME[tie].number == number
    assert side(as_printed, tie, by) == (left, right, "equal" if left == right else "rounding")


def test_every_number_of_the_handbook_is_declared_and_evaluated(as_printed: pl.DataFrame) -> None:
    numbers = {f"K{n}" for n in range(1, 26)}
    assert {one.number for one in FORMS.ties.ties if one.number} == numbers == {number for number, *_ in FIGURES}
    evaluated = set(as_printed["tie"])
    assert set(BY_NAME) - evaluated == {"three.abroad", "procurement.rows"}  # nothing stands in those lines: neither side has a figure


def test_what_is_off_is_off_by_rounding_and_nothing_else_is(as_printed: pl.DataFrame) -> None:
    off = as_printed.filter(pl.col("outcome") != "equal")
    assert set(off["outcome"]) == {"rounding"} and set(off["difference"].abs()) == {Decimal("0.01")}
    assert {tie: off.filter(pl.col("tie") == tie)["by"].to_list() for tie in off["tie"].unique(maintain_order=True)} == ROUNDED


def test_the_findings_of_the_printed_budget_are_notes_that_tell_both_sides() -> None:
    told = findings(tabulate(PRINTED.returns()))
    ties = [one for one in told if one.code.startswith("tie.")]
    assert {(one.code, one.severity) for one in ties} == {("tie.rounding", "note")} and len(ties) == sum(map(len, ROUNDED.values()))
    running = next(one for one in ties if one.found == "16.87")
    assert running.expected == "16.88" and "相差 0.01万元" in running.text and "0.01万元）以内" in running.text
    assert running.at.sheet == "qinglong-statement-2024" and [at.sheet for at in running.others] == ["qinglong-basic-2024"]
    assert len({one.key for one in ties}) == len(ties)  # each can be answered by itself


def test_ten_thousand_times_over_is_told_as_the_unit_it_may_be() -> None:
    """万元 printed, yuan typed: in the goal forms' total, and where a rounded figure is one side."""
    cells = {**PRINTED.cells, ("qinglong-statement-2024", "stated", "project", "amount"): "115650649.00", ("qinglong-statement-2024", "stated", "staff", "amount"): "3330000.00"}
    told = {one.found: one.text for one in findings(tabulate(replace(PRINTED, cells=cells).returns())) if one.code == "tie.broken"}
    assert "是不是有一边按元填了" in told["115,650,649.00"] and "按元" not in told["3,330,000.00"]


# --- an altered figure ------------------------------------------------------------------------------------------------


def departments(budgets: Iterable[Budget]) -> Tables:
    """One batch of many departments."""
    return tabulate(one for n, budget in enumerate(budgets) for one in replace(budget, department=f"第{n}局", unit=f"第{n}局", file=f"{n}.xlsx").returns())


def taking_part() -> set[tuple[str, str]]:
    """Sheet and cell of every figure that some equality speaks of."""
    tables = tabulate(PRINTED.returns())
    laid = lay_out(tables, FORMS, FORMS.ties, SUBJECTS)
    found = evaluate(laid, FORMS.ties).with_row_index("number")
    seen = pl.concat([witnesses(laid, BY_NAME[name], rows) for (name,), rows in found.partition_by("tie", as_dict=True).items()])
    places = seen.join(tables.places, on=["rid", "key"]).join(tables.returns, on="rid")
    return set(places.select("sheet", "cell").iter_rows())


def addresses(budget: Budget) -> dict[object, At]:
    """Where each figure of a budget stands."""
    found: dict[object, At] = {}
    for one in budget.returns():
        for detail in one.details:
            if detail.amount is not None:
                line = detail.line
                found[one.form, detail.grid, line, detail.column] = one.spots[detail.key].at
        if one.funds:
            found[int(one.sheet.removeprefix("项目"))] = one.spots["funds.annual.total"].at
    return found


@pytest.mark.parametrize("by", [ONE, -ONE])
def test_a_figure_altered_by_one_is_an_error_that_names_both_sides(by: Decimal) -> None:
    """Over every figure that takes part in an equality, each in a department of its own."""
    places = addresses(PRINTED)
    part = taking_part()
    chosen = [place for place, at in places.items() if (at.sheet, at.cell) in part]
    left_out = {place for place in places if place not in chosen}
    assert left_out == {("qinglong-statement-2024", "stated", "assets_new", "amount")}
    told: dict[str, list[Finding]] = {}
    for finding in findings(departments(PRINTED.altered(place, by) for place in chosen)):
        if finding.code == "tie.broken":
            told.setdefault(finding.at.file, []).append(finding)
    for n, place in enumerate(chosen):
        at = places[place]._replace(file=f"{n}.xlsx")
        own = [one for one in told.get(at.file, []) if at in (one.at, *one.others)]
        assert own, place
        assert all(one.severity == "error" and one.found != one.expected for one in told[at.file])
        assert any(one.others or "空白" in one.text for one in own)
        assert all(one.found in one.text and one.expected in one.text and one.at.cell in one.text for one in own)


def blanks() -> set[tuple[str, str, str, str]]:
    """Every place of a table where the department wrote no amount: of coded tables in the lines that it has."""
    found = set()
    for name in DATA["forms"]:
        for _, grid in FORMS[name].template.grids():
            money = [column for column in grid.columns if FORMS[name].columns[grid.grid][column.id].type == "money"]
            used = {place[2] for place in PRINTED.cells if place[:2] == (name, grid.grid)}
            for column in money:
                lines = {grid.line_id(block, column) for block in range(len(grid.blocks))} - {""}
                lines |= used if any(not block.words for block in grid.blocks) else set()
                found |= {(name, grid.grid, line, column.key) for line in lines} - set(PRINTED.cells)
    return found


def test_a_figure_where_nothing_stood_is_an_error() -> None:
    chosen = sorted(blanks())
    assert len(chosen) > 400
    tables = departments(replace(PRINTED, cells={**PRINTED.cells, place: "1.00"}) for place in chosen)
    told = {finding.at.file for finding in findings(tables) if finding.code == "tie.broken"}
    missed = {chosen[n] for n in range(len(chosen)) if f"{n}.xlsx" not in told}
    assert missed == {("qinglong-assets-2024", "assets", "house_office", "value")}  # 其中：办公用房, part of 房屋


@given(st.data())
def test_the_more_a_figure_is_off_the_more_it_is_told(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(sorted(addresses(PRINTED), key=str)))
    off = data.draw(st.decimals("0.5", "99999999", places=2))
    if place != ("qinglong-statement-2024", "stated", "assets_new", "amount"):
        assert "broken" in set(outcomes(PRINTED.altered(place, off))["outcome"])


def test_departments_do_not_meet(as_printed: pl.DataFrame) -> None:
    """Two budgets in one batch are judged each by itself; the goal forms of another department count in none."""
    frame = outcomes([*PRINTED.returns(), *replace(PRINTED, department="另一局", unit="另一局", file="另.xlsx").returns()])
    assert frame.height == 2 * as_printed.height and set(frame["outcome"]) == {"equal", "rounding"}


def only(rows: dict[str, dict[str, str]]) -> Budget:
    """A budget of nothing but a 支出总表 with these lines."""
    form = "qinglong-expense-2024"
    cells = {(form, "expense", line, column): text for line, row in rows.items() for column, text in ({"code": line} | row).items() if line != "total" or column != "code"}
    return replace(PRINTED, cells=cells, projects={})


@pytest.mark.parametrize("rows, off", [
    ({"208": {}, "20805": {}, "2080505": {"basic": "38.55"}}, {"20805": "38.55"}),  # a sum left blank is nought
    ({"total": {"basic": "38.55"}, "208": {"basic": "38.55"}, "20805": {}, "2080505": {}}, {"208": "0.00"}),  # only the sums are there
    ({"2080505": {"basic": "38.55"}, "2101301": {"basic": "1.45"}}, {"": "40.00"}),  # 项 only: the total is the sum of all
    ({"total": {"basic": "40.00"}, "2080505": {"basic": "38.55"}, "2101301": {"basic": "1.45"}}, {}),
    ({"total": {"basic": "40.00"}, "208": {"basic": "40.00"}, "2080505": {"basic": "38.55"}}, {"208": "38.55"}),  # 款 left out
    ({"total": {"basic": "40.00"}, "208": {"basic": "40.00"}, "21013": {"basic": "1.45"}}, {"": "41.45"}),
    ({"total": {"basic": "40.00"}, "208": {"basic": "40.00"}, "20805": {"basic": "40.00"}}, {}),  # 款 that nobody split into 项
])  # fmt: skip
def test_each_line_is_held_against_the_lines_below_it(rows: dict[str, dict[str, str]], off: dict[str, str]) -> None:
    """Blank is nought on either side, wherever the line stands; what hangs on a line that is not there hangs on the next above."""
    frame = outcomes(only(rows)).filter((pl.col("tie") == "expense.levels") & (pl.col("outcome") == "broken"))
    assert {row["code"]: str(row["right"]) for row in frame.iter_rows(named=True) if row["column"] == "basic"} == off


def test_the_county_s_table_is_held_against_its_own_lines() -> None:
    """A department that lists 项 only leaves the county's 款 short of its 项: that is seen on the sums."""
    whole = {"total": {"basic": "2.00"}, "208": {"basic": "2.00"}, "20805": {"basic": "2.00"}, "2080505": {"basic": "2.00"}}
    laid = together(lay_out(departments([only(whole), only({"total": {"basic": "1.00"}, "2080505": {"basic": "1.00"}})]), FORMS, FORMS.ties))
    broken = evaluate(laid, FORMS.ties).filter((pl.col("tie") == "expense.levels") & (pl.col("outcome") == "broken"))
    assert set(broken["code"]) == {"", "20805"}


# --- what is not judged -----------------------------------------------------------------------------------------------


def test_a_missing_table_keeps_its_equalities_from_being_judged() -> None:
    without = [one for one in PRINTED.returns() if one.form != "qinglong-expense-2024"]
    ties = set(outcomes(without)["tie"])
    assert not [tie for tie in ties if "expense" in BY_NAME[tie].grids] and "balance.sides" in ties
    assert set(outcomes([one for one in PRINTED.returns() if one.form != "qinglong-2024"])["tie"]) & {"goals.total", "goals.items"} == set()


def test_an_absent_table_of_funds_is_an_empty_one() -> None:
    general_only = [one for one in PRINTED.returns() if one.form not in ("qinglong-fund-2024", "qinglong-capital-2024")]
    assert side(outcomes(general_only), "expense.parts", "total") == ("11915.40", "11715.40", "broken")


def test_other_money_than_the_treasury_lifts_what_holds_only_without_it() -> None:
    cells = {**PRINTED.cells, ("qinglong-balance-2024", "balance", "units", "income"): "5.00"}
    frame = outcomes(replace(PRINTED, cells=cells))
    assert not {"expense.parts", "fiscal.balance"} & set(frame["tie"]) and side(frame, "balance.current")[2] == "broken"


def test_nothing_follows_from_a_figure_that_could_not_be_read() -> None:
    key = "expense.total.project"
    returns = []
    for one in PRINTED.returns():
        details = tuple(Detail(d.key, d.grid, d.line, d.column, "约一亿", None) if d.key == key and one.form == "qinglong-expense-2024" else d for d in one.details)
        returns.append(replace(one, details=details))
    at = next(one.spots[key].at for one in returns if one.form == "qinglong-expense-2024")
    spoken = FORMS.catalogue.finding("money.unreadable", at, found="约一亿", record=key, expected="", unit="万元", field="x", detail="")
    tables = with_findings(tabulate(returns), [spoken])
    frame = evaluate(lay_out(tables, FORMS, FORMS.ties, SUBJECTS), FORMS.ties)
    assert set(frame["outcome"]) == {"equal", "rounding"}
    assert {"goals.total", "expense.total"} & set(frame["tie"]) == set()


def test_nothing_follows_from_a_table_whose_amounts_were_not_taken() -> None:
    """Somebody wrote another unit over the printed one: one finding tells it, and no amount of the table is nought."""
    returns = [
        replace(one, details=tuple(d if d.amount is None else replace(d, amount=None) for d in one.details)) if one.form in ("qinglong-expense-2024", "qinglong-statement-2024") else one
        for one in PRINTED.returns()
    ]  # fmt: skip
    frame = outcomes(returns)
    assert set(frame["outcome"]) == {"equal", "rounding"} and not [tie for tie in set(frame["tie"]) if {"expense", "stated"} & BY_NAME[tie].grids]


@pytest.mark.parametrize("grid", ["expense", "fund"])
def test_a_table_sent_twice_is_told_and_not_counted_twice(grid: str) -> None:
    """Also where an absent table counts as an empty one."""
    copy = next(one for one in PRINTED.returns() if one.form == f"qinglong-{grid}-2024")
    tables = tabulate([*PRINTED.returns(), replace(copy, file="另.xlsx")])
    told = [one for one in findings(tables) if one.severity != "note"]
    assert [(one.code, one.at, one.others) for one in told] == [("tie.several", At("另.xlsx", copy.sheet), (At("预算.xlsx", copy.sheet),))]
    laid = lay_out(tables, FORMS, FORMS.ties, SUBJECTS)
    assert not [tie for tie in set(evaluate(laid, FORMS.ties)["tie"]) if grid in BY_NAME[tie].grids]
    assert together(laid).cells.filter(pl.col("grid") == grid).is_empty()


def test_a_project_that_nobody_assigned_is_told_and_stops_only_the_comparison_by_code() -> None:
    some = tuple(one for one in SUBJECTS if "征缴" not in one.project_name)
    told = [one for one in findings(tabulate(PRINTED.returns()), some) if one.code == "tie.unassigned"]
    assert [one.found for one in told] == ["城乡居民征缴专项经费"] and told[0].at.sheet == "项目12"
    frame = outcomes(PRINTED, some)
    assert "goals.total" in set(frame["tie"]) and "goals.items" not in set(frame["tie"])
    assert not [one for one in findings(tabulate(PRINTED.returns()), ()) if one.code == "tie.unassigned"]


def test_a_form_in_yuan_and_a_unit_of_the_department_count_with_it(as_printed: pl.DataFrame) -> None:
    """Goal forms come from units of the department, in their own workbooks and money units."""
    moved = []
    for one in PRINTED.returns():
        if one.funds:
            line = replace(one.funds[0], printed=f"{one.funds[0].amount}", unit="元")
            one = replace(one, file="站.xlsx", funds=(line,), fields={**one.fields, "unit": "医疗保险基金服务中心"})
        moved.append(one)
    frame = outcomes(moved)
    assert side(frame, "goals.total") == ("11565.06", "11565.06", "equal")
    row = frame.filter(pl.col("tie") == "goals.total").row(0, named=True)
    assert row["tolerance"] == 50 + 25 * Decimal("0.005")  # one figure in 万元, 25 in 元


def test_a_department_is_known_with_or_without_its_code() -> None:
    """Goal forms of a unit that writes its department without the code count with the department's tables."""
    moved = [replace(one, file="站.xlsx", fields={**one.fields, "department": "青龙满族自治县 医疗保障局", "unit": "医保中心"}) if one.funds else one for one in PRINTED.returns()]
    assert side(outcomes(moved), "goals.total") == ("11565.06", "11565.06", "equal")


def test_a_table_in_yuan_is_held_against_one_in_ten_thousands() -> None:
    """The statement in 万元, the tables in 元 to the cent: what rounding explains is the statement's alone."""
    yuan = {name: form if name in ("qinglong-2024", "qinglong-statement-2024") else replace(form, money_factor=Decimal(1)) for name, form in FORMS.forms.items()}
    tables = tabulate(PRINTED.returns())
    frame = evaluate(lay_out(tables, replace(FORMS, forms=yuan), FORMS.ties, SUBJECTS), FORMS.ties)
    found = {row["tie"]: row for row in frame.filter(pl.col("tie").is_in(["stated.running", "balance.expense"])).iter_rows(named=True)}
    assert found["stated.running"]["tolerance"] == Decimal("50.005") and found["stated.running"]["outcome"] == "broken"  # 100 yuan apart
    assert found["balance.expense"]["tolerance"] == 5 * Decimal("0.005") and found["balance.expense"]["outcome"] == "broken"


def test_a_batch_without_budgets_has_nothing_to_compare() -> None:
    laid = lay_out(tabulate(one for one in PRINTED.returns() if one.funds), FORMS, FORMS.ties, SUBJECTS)
    assert laid.scopes.is_empty() and evaluate(laid, FORMS.ties).is_empty() and evaluate(together(laid), FORMS.ties).is_empty()


def test_outcomes_have_one_schema(as_printed: pl.DataFrame) -> None:
    laid = lay_out(tabulate(PRINTED.returns()), FORMS, FORMS.ties, SUBJECTS)
    assert dict(evaluate(laid, FORMS.ties).schema) == OUTCOME and dict(evaluate(laid, FORMS.ties.model_copy(update={"ties": ()})).schema) == OUTCOME


def test_the_sums_of_many_departments_hold_the_same_equalities(as_printed: pl.DataFrame) -> None:
    tables = departments([PRINTED] * 3)
    laid = together(lay_out(tables, FORMS, FORMS.ties, SUBJECTS))
    assert laid.scopes.height == 1
    frame = evaluate(laid, FORMS.ties)
    assert frame.height == as_printed.height and set(frame["outcome"]) == {"equal", "rounding"}
    total = frame.filter(pl.col("tie") == "goals.total").row(0, named=True)
    assert total["left"] == total["right"] == 3 * Decimal("115650600") and (total["left_count"], total["right_count"]) == (3, 75)


def test_units_of_a_department_are_not_added_to_the_department_itself() -> None:
    both = [*PRINTED.returns(), *replace(PRINTED, unit="医疗保险基金服务中心", projects={}, file="站.xlsx").returns()]
    laid = lay_out(tabulate(both), FORMS, FORMS.ties, SUBJECTS)
    assert laid.scopes["whole"].to_list() == [False, True] and together(laid).cells.height == lay_out(tabulate(PRINTED.returns()), FORMS, FORMS.ties, SUBJECTS).cells.height


# --- the declarations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong, told", [
    ("{tie: a, title: 甲, left: {grid: x}, right: {grid: y, as: {code: parent}}}", "不在 each 里"),
    ("{tie: a, title: 甲, each: [code], left: {grid: x}, right: {grid: y, as: {code: aunt}}}", "只能是"),
    ("{tie: a, title: 甲, left: {grid: x}, wright: {grid: y}}", "right"),
    ("{tie: a, title: 甲, each: [code], match: below, left: {grid: x}, right: {grid: y}}", "each 里补上"),
    ("{tie: a, title: 甲, left: {grid: x}, right: {grid: y}}\n  - {tie: a, title: 甲, left: {grid: x}, right: {grid: y}}", "写了两次"),
])  # fmt: skip
def test_a_mistake_in_the_declarations_is_told_with_its_line(tmp_path: Path, wrong: str, told: str) -> None:
    (tmp_path / "ties.yaml").write_text(f'rounding: "0.005"\nties:\n  - {wrong}\n', encoding="utf-8")
    mistakes: list = []
    assert load_ties(tmp_path / "ties.yaml", mistakes) is None
    assert told in str(mistakes[0]) and "ties.yaml:" in str(mistakes[0])
    with pytest.raises(SpecError):
        load_forms((str(tmp_path),))


@pytest.mark.parametrize("wrong, told", [
    ("left: {grid: balanc}", "没有表 balanc，是不是 balance？"),
    ("left: {grid: balance, line: totel}", "没有行 totel，是不是 total？"),
    ("left: {grid: balance, column: incom}", "没有栏 incom，是不是 income？"),
    ("left: {grid: balance, line: \"9*\"}", "没有行 9*，请改正"),
    ("left: {grid: goals, line: carry}", "没有行 carry"),
    ("left: {grid: stated, line: incomes}", "是不是 income"),
    ("left: {grid: balance}, absent: [fund]", "absent 里的 fund"),
])  # fmt: skip
def test_an_equality_of_what_no_form_has_is_told_with_its_line(tmp_path: Path, wrong: str, told: str) -> None:
    text = f'rounding: "0.005"\nties:\n  - {{tie: a, title: 甲, {wrong}, right: {{grid: expense, line: 自己的, column: total}}}}\n'
    (tmp_path / "ties.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as error:
        load_forms((str(tmp_path),))
    assert told in str(error.value) and "ties.yaml:3" in str(error.value)


def test_every_word_a_rule_may_ask_for_has_its_rule() -> None:
    """The gate of the kinds that are judged on a batch, as test_check has it for the others."""
    rules = FORMS.catalogue.rules.values()
    assert {rule.parameters["outcome"] for rule in rules if rule.kind == "tie"} == set(OUTCOMES)
    assert {rule.parameters["fault"] for rule in rules if rule.kind == "subject"} == set(FAULTS)


def test_what_takes_away_is_taken_away() -> None:
    tie = Tie.model_validate({"tie": "x", "title": "x", "left": {"grid": "balance", "line": "total", "column": "income"},
        "right": [{"grid": "balance", "line": "total", "column": "income"}, {"grid": "balance", "line": "carryover", "column": "income", "minus": "yes"}]})  # fmt: skip
    tables = tabulate(PRINTED.returns())
    frame = evaluate(lay_out(tables, FORMS, FORMS.ties), FORMS.ties.model_copy(update={"ties": (tie,)}))
    assert (frame["left"][0], frame["right"][0]) == (Decimal("119154000"), Decimal("86763100"))


# --- codes ------------------------------------------------------------------------------------------------------------


def coded(changes: dict[str, tuple[str, str]], drop: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """What is said of the codes of ③ when rows are changed: line -> code and name; rows may be left out."""
    returns = []
    for one in PRINTED.returns():
        if one.form == "qinglong-expense-2024":
            details = [d for d in one.details if d.line not in drop]
            new = {"code": 0, "name": 1}
            details = [replace(d, text=changes[d.line][new[d.column]]) if d.line in changes and d.column in new else d for d in details]
            one = replace(one, details=tuple(d for d in details if d.text))
        returns.append(one)
    told = [f for f in findings(tabulate(returns)) if f.code.startswith("subject.")]
    return [(f.code, f.found) for f in told]


@pytest.mark.parametrize("changes, drop, expected", [
    ({}, (), []),
    ({"2101301": ("210131", "城乡医疗救助")}, (), [("subject.shape", "210131")]),
    ({"2101301": ("30101", "城乡医疗救助")}, (), [("subject.shape", "30101")]),
    ({"2101301": ("21O1301", "城乡医疗救助")}, (), [("subject.shape", "21O1301")]),
    ({"2101301": ("2101302", "疾病应急救助")}, (), [("subject.unlisted", "2101302")]),
    ({"2101301": ("2101301", "城乡救助")}, (), [("subject.name", "城乡救助")]),
    ({"2101301": ("2101302", "")}, (), [("subject.nameless", "2101302"), ("subject.unlisted", "2101302")]),
    ({"2101301": ("2101301", "")}, (), []),
    ({"2101301": ("2101299", "财政对其他基本医疗保险基金的补助")}, (), [("subject.repeated", "2101299")]),
    ({"2101301": ("", "城乡医疗救助")}, (), [("subject.blank", "城乡医疗救助")]),
    ({}, ("21013",), [("subject.parent", "2101301")]),
    ({}, ("208", "210", "212", "221", "20805", "20899", "21011", "21012", "21013", "21015", "21099", "21208", "22102"), []),
])  # fmt: skip
def test_each_fault_of_a_code_is_told(changes: dict[str, tuple[str, str]], drop: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """The last: a table that lists 项 only lacks no parents."""
    assert coded(changes, drop) == expected


def test_with_a_full_list_a_code_outside_it_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    full = replace(FORMS.codes["functional"], complete=True, names={k: v for k, v in FORMS.codes["functional"].names.items() if k != "2101301"})
    told = [f for _, judged in judge(tabulate(PRINTED.returns()), replace(FORMS, codes={**FORMS.codes, "functional": full})) for f in judged()]
    assert {(f.code, f.found) for f in told if f.code.startswith("subject.")} == {("subject.unknown", "2101301")}
