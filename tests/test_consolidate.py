"""Tables → summary frames, on a small batch with everything that makes sums hard."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import polars as pl
import pytest

from xlgoals.consolidate import WAN, consolidate, money_column
from xlgoals.findings import Finding, Severity
from xlgoals.records import Area, At, Funds, Horizon, Indicator, Return, Spot
from xlgoals.tables import Tables, tabulate

UNITS = {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000)}
LONG = "很长的描述" * 8_000
HOSTILE_FILE = "医保 局/甲#1 100%'s.xlsx"


def fund(printed: str, unit: str, source: str = "total", horizon: Horizon = "annual") -> Funds:
    """A money line as parse gives it: unreadable text has no amount."""
    try:
        amount = Decimal(printed.replace(",", "")) * UNITS[unit] if printed else None
    except ArithmeticError:
        amount = None
    return Funds(f"funds.{horizon}.{source}", horizon, source, amount, printed, unit)


def made(
    file: str,
    sheet: str,
    fields: str,
    funds: Iterable[Funds] = (),
    indicators: Iterable[Indicator] = (),
    *,
    top: int = 0,
    form: str = "yiyang-2023",
) -> Return:
    """A return whose values stand one below the other: name in B, funds in C, indicators' targets in F from `top` on."""
    department, unit, name = fields.split("|")
    funds, indicators = tuple(funds), tuple(indicators)

    def spot(cell: str) -> Spot:
        return Spot(At(file, sheet, cell), "", "name", "")

    spots = {"project_name": spot(f"B{top + 2}")}
    spots |= {one.key: spot(f"C{top + 3 + n}") for n, one in enumerate(funds)}
    for n, one in enumerate(indicators):
        spots |= {f"{one.key}.name": spot(f"E{top + 10 + n}")} | ({f"{one.key}.target": spot(f"F{top + 10 + n}")} if one.target else {})
    told = {"year": "2024", "department": department, "unit": unit, "project_name": name, "project_code": ""}
    return Return(file, "a" * 64, sheet, Area(top, 0, top + 19, 6), form, None, told, funds, (), indicators, (), spots)


def finding(at: At, severity: Severity = "error", *, amount: bool = False, record: str = "", others: tuple[At, ...] = ()) -> Finding:
    return Finding("money.unit", severity, at, "年度资金总额", "1", "2", "金额太大。", "请改正。", "k" * 16, amount, record, others)


def small_batch() -> Tables:
    """Two departments, three units, five forms in four files; and a fifth file that no one could read."""
    jia, yi, bing = HOSTILE_FILE, "乙.xlsx", "丙.xlsx"
    hostile = Indicator("i1", "annual", "产出指标", "数量指标", "@SUM(A1:A9)", "≥\x0b5人", {"description": LONG, "remark": "<r>注入</r>"})
    plain = [Indicator(f"i{n}", "annual", "效益指标", "社会效益指标", f"指标{n}", "" if n == 3 else "≥95%") for n in (2, 3)]
    returns = [
        made(yi, "p01", "医保局|乙中心|零钱", [fund("", "元"), fund("0.01", "元", "fiscal"), fund("", "元", "other")], top=0),
        made(
            yi, "p02", "医保局|乙中心|大额", [fund("1,234,567.89", "元"), fund("1234567.89", "元", "fiscal")], plain, form="qinglong-2024"
        ),
        made(
            jia,
            "表 一",
            "医保局|甲中心|=1+1",
            [fund("100.5", "万元"), fund("60.5", "万元", "fiscal"), fund("40", "万元", "other")],
            [hostile],
        ),
        made(
            bing, "表", "民政局|丙|", [fund("3", "万元"), fund("9", "万元", "total", "mid_term"), fund("9", "万元", "fiscal", "mid_term")]
        ),
        made(bing, "表", "民政局|丙|空白", [fund("", "万元"), fund("", "万元", "fiscal")], top=30),
    ]
    findings = [
        finding(At(jia, "表 一", "E10"), "note"),
        finding(At(jia, "表 一", "C3"), "note", amount=True, record="funds.annual.total"),
        finding(At(yi, "p02", "C3"), "query", amount=True, record="funds.annual.total", others=(At(yi, "p02", "C4"), At(bing, "表", "C3"))),
        finding(At(bing, "表", "C33"), "error"),
        finding(At("坏.xlsx")),
    ]
    return tabulate(returns, findings)


def test_units_and_departments_add_up_exactly() -> None:
    summary = consolidate(small_batch())
    told = summary.departments.select(
        "department_no", "department", "unit_no", "unit", "projects", "total_ready", "total_pending", "pending_forms", "total"
    )
    zero = Decimal("0.000000")
    assert told.rows() == [
        (1, "医保局", 1, "乙中心", 2, Decimal("0.000001"), Decimal("123.456789"), 1, Decimal("123.456790")),
        (1, "医保局", 2, "甲中心", 1, Decimal("100.500000"), zero, 0, Decimal("100.500000")),
        (2, "民政局", 3, "丙", 2, Decimal("3.000000"), zero, 0, Decimal("3.000000")),
        (3, None, 4, None, 0, zero, zero, 0, zero),
    ]
    assert summary.subtotals.select("department", "fiscal", "fiscal_ready", "blank_forms", "indicators").rows() == [
        ("医保局", Decimal("183.956790"), Decimal("60.500001"), 0, 3),
        ("民政局", zero, zero, 1, 0),
        (None, zero, zero, 0, 0),
    ]
    total = summary.total.row(0, named=True)
    assert (total["total_ready"], total["total_pending"], total["total"]) == (
        Decimal("103.500001"),
        Decimal("123.456789"),
        Decimal("226.956790"),
    )
    assert (total["projects"], total["ready_forms"], total["pending_forms"], total["blank_forms"]) == (5, 3, 1, 1)


def test_an_indicator_is_listed_under_the_unit_of_its_form() -> None:
    told = consolidate(small_batch()).indicators
    assert told.select("department", "unit", "project_name").unique(maintain_order=True).rows() == [("医保局", "乙中心", "大额"), ("医保局", "甲中心", "=1+1")]


def test_a_further_place_that_is_a_whole_file_is_named_as_that() -> None:
    told = tabulate([], [finding(At("a.xlsx"), others=(At("b.xlsx"), At("c.xlsx", "表")))])
    assert consolidate(told).findings["others"].to_list() == ["b.xlsx；c.xlsx 表"]


def test_every_finding_is_counted_once_in_each_place() -> None:
    summary = consolidate(small_batch())
    counts = ["errors", "queries", "notes"]
    assert summary.total.select(counts).row(0) == (2, 1, 2)
    assert summary.sources.select(pl.col(counts).sum()).row(0) == (2, 1, 2)
    assert summary.departments.select("unit", *counts).rows() == [
        ("乙中心", 0, 1, 0),
        ("甲中心", 0, 0, 2),
        ("丙", 1, 0, 0),
        (None, 1, 0, 0),
    ]
    assert summary.sources.select("file", "forms", *counts).rows() == [
        ("丙.xlsx", 2, 1, 0, 0), ("乙.xlsx", 2, 0, 1, 0), (HOSTILE_FILE, 1, 0, 0, 2), ("坏.xlsx", 0, 1, 0, 0),
    ]  # fmt: skip


def test_projects_keep_what_was_printed_and_where() -> None:
    projects = consolidate(small_batch()).projects
    told = projects.select(
        "project_no", "project_name", "state", "total_printed", "total_unit", "total", "total_summed", "sheet", "cell", "errors"
    )
    assert told.rows() == [
        (1, "零钱", "ready", "", "元", Decimal("0.000001"), True, "p01", "C3", 0),
        (2, "大额", "pending", "1,234,567.89", "元", Decimal("123.456789"), False, "p02", "C3", 0),
        (3, "=1+1", "ready", "100.5", "万元", Decimal("100.500000"), False, "表 一", "C3", 0),
        (4, "", "ready", "3", "万元", Decimal("3.000000"), False, "表", "C3", 0),
        (5, "空白", "blank", "", "万元", None, False, "表", "C33", 1),
    ]
    assert projects.schema["total"] == WAN
    assert projects["mid_term_total"].to_list() == [None, None, None, Decimal("9.000000"), None]


def test_an_amount_that_cannot_be_read_is_never_made_up() -> None:
    funds = [fund("约一百万", "万元"), fund("60", "万元", "fiscal")]
    projects = consolidate(tabulate([made("a.xlsx", "s", "局|所|项", funds)])).projects
    assert projects.select("state", "total", "fiscal").row(0) == ("pending", None, Decimal("60.000000"))


def test_two_lines_of_one_source_are_added_and_all_lines_are_listed() -> None:
    funds = [fund("1", "万元", "fiscal"), fund("20000", "元", "fiscal"), fund("5", "万元", "bond")]
    summary = consolidate(tabulate([made("a.xlsx", "s", "局|所|项", funds)]))
    assert summary.projects.select("fiscal_printed", "fiscal_unit", "fiscal", "total", "total_summed").row(0) == (
        "1；20000", "万元；元", Decimal("3.000000"), Decimal("3.000000"), True,
    )  # fmt: skip
    assert summary.funds.select("source", "amount_wan").rows() == [
        ("fiscal", Decimal("1.000000")), ("fiscal", Decimal("2.000000")), ("bond", Decimal("5.000000")),
    ]  # fmt: skip


def test_absurd_amounts_do_not_end_a_batch() -> None:
    funds = [fund("999999999999999999.99", "元")]
    summary = consolidate(tabulate([made(f"{n}.xlsx", "s", "局|所|项", funds) for n in range(20)]))
    assert summary.total["total"].item() == Decimal("99999999999999.999999") * 20


@pytest.mark.parametrize(
    ("doubt", "states"),
    [
        (finding(At("a.xlsx", "s", "C3"), "query", amount=True, record="funds.annual.total"), ["pending", "ready"]),
        (finding(At("a.xlsx", "s", "C43"), "error", amount=True, record="funds.annual.total"), ["ready", "pending"]),
        (finding(At("a.xlsx", "s"), "error", amount=True, record="funds.sum"), ["pending", "pending"]),
        (
            finding(At("a.xlsx", "s", "C3"), amount=True, record="funds.annual.total", others=(At("a.xlsx", "s", "C43"),)),
            ["pending", "pending"],
        ),
        (finding(At("a.xlsx", "s", "C3"), "note", amount=True, record="funds.annual.total"), ["ready", "ready"]),
        (finding(At("a.xlsx", "s", "C3"), "error", amount=False, record="funds.annual.total"), ["ready", "ready"]),
        (finding(At("a.xlsx", "s", "C3"), "error", amount=True, record="plan.1"), ["ready", "ready"]),
        (finding(At("a.xlsx", "t", "C3"), "error", amount=True, record="funds.annual.total"), ["ready", "ready"]),
        (finding(At("b.xlsx", "s", "C3"), "error", amount=True, record="funds.annual.total"), ["ready", "ready"]),
    ],
)
def test_where_two_forms_share_a_sheet_the_cell_decides(doubt: Finding, states: list[str]) -> None:
    returns = [made("a.xlsx", "s", "局|所|项", [fund("1", "万元")], top=top) for top in (0, 40)]
    assert consolidate(tabulate(returns, [doubt])).projects["state"].to_list() == states


def test_indicators_point_to_their_value_else_to_their_name() -> None:
    told = consolidate(small_batch()).indicators.select("indicator_no", "project_no", "horizon", "name", "target", "sheet", "cell")
    assert told.rows() == [
        (1, 2, "annual", "指标2", "≥95%", "p02", "F10"),
        (2, 2, "annual", "指标3", "", "p02", "E11"),
        (3, 3, "annual", "@SUM(A1:A9)", "≥\x0b5人", "表 一", "F10"),
    ]


def test_findings_come_worst_first_and_keep_their_places() -> None:
    told = consolidate(small_batch()).findings.select("finding_no", "severity", "unit", "project_name", "file", "cell", "others")
    assert told.rows() == [
        (1, "error", "丙", "空白", "丙.xlsx", "C33", ""),
        (2, "error", None, None, "坏.xlsx", "", ""),
        (3, "query", "乙中心", "大额", "乙.xlsx", "C3", "C4；丙.xlsx 表!C3"),
        (4, "note", "甲中心", "=1+1", HOSTILE_FILE, "C3", ""),
        (5, "note", "甲中心", "=1+1", HOSTILE_FILE, "E10", ""),
    ]


def test_rows_of_a_sheet_are_sorted_as_people_count() -> None:
    places = [At("a.xlsx", "s", cell) for cell in ("AA2", "B10", "B9", "C9", "")]
    found = consolidate(tabulate([made("a.xlsx", "s", "局|所|项")], map(finding, places))).findings
    assert found["cell"].to_list() == ["", "AA2", "B9", "C9", "B10"]


def test_forms_without_names_stand_last_and_file_findings_go_to_the_files_only_unit() -> None:
    returns = [made("a.xlsx", "s", "||项"), made("b.xlsx", "s", "局||项"), made("b.xlsx", "t", "局|所|项"), made("c.xlsx", "s", "局|所|项")]
    summary = consolidate(tabulate(returns, [finding(At("b.xlsx")), finding(At("c.xlsx")), finding(At("c.xlsx", "填报说明", "A1"))]))
    assert summary.departments.select("department", "unit", "projects", "errors").rows() == [
        ("局", "所", 2, 2), ("局", "", 1, 0), ("", "", 1, 0), (None, None, 0, 1),
    ]  # fmt: skip


def test_a_folder_is_no_source() -> None:
    about_folder = finding(At("收件箱"), "note")._replace(code="folder.other_files")
    summary = consolidate(tabulate([made("a.xlsx", "s", "局|所|项")], [about_folder, finding(At("b.xlsx"))]))
    assert summary.sources["file"].to_list() == ["a.xlsx", "b.xlsx"]
    assert summary.total["notes"].item() == 1


def test_nothing_gives_empty_frames() -> None:
    summary = consolidate(tabulate([]))
    assert {name: frame.height for name, frame in summary.items()} == {
        "departments": 0, "subtotals": 0, "total": 1, "projects": 0, "funds": 0, "indicators": 0, "findings": 0, "sources": 0,
    }  # fmt: skip
    assert summary.total["total"].item() == 0


def test_frames_have_one_schema_whatever_the_batch() -> None:
    full, empty = consolidate(small_batch()), consolidate(tabulate([]))
    assert {name: frame.schema for name, frame in full.items()} == {name: frame.schema for name, frame in empty.items()}
    assert money_column("mid_term", "total") in full.projects.columns
