"""A cycle rolled up: which returns are in, the tree, the comparison with a former cycle, the charts; and commands without arguments."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_collect import ROSTER, report, run, stamp
from test_consolidate import fund, made, small_batch

from xlgoals.annexes import load_annexes, whole_wording
from xlgoals.assembly import assemble
from xlgoals.comparison import Goals, compare, former_frames, goals_of
from xlgoals.consolidate import consolidate
from xlgoals.cycle import create_cycle
from xlgoals.records import Indicator, Return
from xlgoals.rollup import MONEY, add_up, grow, planted
from xlgoals.roster import Roster, Unit
from xlgoals.spec import load_forms
from xlgoals.stamp import OUTPUT_PROPERTY
from xlgoals.summary import About, write_summary
from xlgoals.tables import tabulate
from xlgoals.tablesheet import FIRST, HEAD
from xlgoals.wording import load_wording

WORDS = load_annexes()
CATALOGUE = load_forms().catalogue
DEEP = "单位编码,单位名称,主管部门,级次,上级单位编码\n36,某市,,市,\n3603,某县,,县,36\n" + "\n".join(
    line.rsplit(",", 2)[0] + ("3603" if line.rsplit(",", 2)[0].endswith("部门,") else "") for line in ROSTER.splitlines()[1:]
)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of four units two are accepted, one has errors, one is missing; and a former cycle that is alike."""
    base = tmp_path_factory.mktemp("周期")
    for year in ("2024", "2025"):
        folder = base / f"{year}预算"
        create_cycle(folder, year, "yiyang-2023")
        (folder / "roster.xlsx").unlink()
        (folder / "roster.csv").write_text(DEEP, encoding="utf-8-sig")
        settings = folder / "cycle.yaml"  # the units' projects are all alike here, which is of no matter
        settings.write_text(settings.read_text(encoding="utf-8").replace("  # folders: [本局规则]", "  folders: [本局规则]"), encoding="utf-8")
        (folder / "本局规则").mkdir()
        (folder / "本局规则" / "rules.yaml").write_text("rules:\n  - {code: forms.same_project, off: yes}\n  - {code: forms.copied, off: yes}\n", encoding="utf-8")
        told = {"year": year, "cycle": folder.name}
        report(folder / "inbox" / "养老.xlsx", stamp("415001", **told))
        report(folder / "inbox" / "民政.xlsx", stamp("415", unit="安源区民政局", **told), {"project_name": f"{year}年的项目"})
        report(folder / "inbox" / "水利.xlsx", stamp("420", unit="安源区水利局", department="420 安源区水利局", **told), {"project_name": ""})
    return base


@pytest.fixture
def cycle(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made_once, tmp_path / "局")
    monkeypatch.chdir(tmp_path / "局" / "2025预算")
    return tmp_path / "局" / "2025预算"


def rows(path: Path, name: str, *, values: bool = True) -> list[dict[str, Any]]:
    sheet = openpyxl.load_workbook(path, data_only=values)[name]
    heads = [cell.value for cell in sheet[HEAD + 1]]
    told = [dict(zip(heads, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=FIRST + 1)]
    return [row for row in told if any(value is not None for value in row.values())]


def label(key: str) -> str:
    return whole_wording(WORDS).columns[key].label


def front(path: Path) -> dict[str, str]:
    return {row["名称"]: str(row["内容"]) for row in rows(path, load_wording().front.name)}


# --- commands without arguments ----------------------------------------------------------------------------------------


def test_a_summary_takes_what_is_accepted_and_says_what_is_left_out(cycle: Path) -> None:
    result = run("consolidate", "--jobs", 1)
    assert result.exit_code == 1, result.output  # units are missing
    told = front(cycle / "summary" / "汇总.xlsx")
    assert told["计入多少"] == "应报 4 家单位，已收 3 家（6 张表），计入 2 家（4 张表）"
    assert told["没有计入的"] == "“有错误，须改”1 家、“未报”1 家，逐个见“上报情况”"
    assert told["数据来自"] == "inbox" and told["项目数"] == "4"
    standing = rows(cycle / "summary" / "汇总.xlsx", "上报情况")
    assert [(row["编码"], row["状态"], row["是否计入"]) for row in standing] == [
        ("415", "已通过", "是"), ("415001", "已通过", "是"), ("415002", "未报", None), ("420", "有错误，须改", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("include", "counted"), [("accepted", 2), ("queries", 2), ("errors", 3)])
def test_what_is_included_is_told_or_stands_in_the_settings(cycle: Path, include: str, counted: int) -> None:
    output = cycle / "summary" / "汇总.xlsx"
    run("consolidate", "--include", include, "--jobs", 1)
    assert f"计入 {counted} 家" in front(output)["计入多少"]
    told = output.read_bytes()
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("include: accepted", f"include: {include}"), encoding="utf-8")
    run("consolidate", "--jobs", 1)
    assert output.read_bytes() == told  # its own earlier one is replaced, and equal input gives equal bytes


def test_departments_and_units_stand_in_the_order_of_the_roster(cycle: Path) -> None:
    roster = cycle / "roster.csv"
    heading, *lines = roster.read_text(encoding="utf-8-sig").splitlines()

    def order() -> list[tuple[str, str]]:
        run("consolidate", "--include", "errors", "--jobs", 1)
        told = rows(cycle / "summary" / "汇总.xlsx", "部门汇总")
        return [(row[label("department")], row[label("unit")]) for row in told if row[label("unit")]]

    usual = order()
    assert usual == [("415 安源区民政局", "安源区民政局"), ("415 安源区民政局", "安源区养老服务中心"), ("420 安源区水利局", "安源区水利局")]
    roster.write_text("\n".join([heading, *reversed(lines)]) + "\n", encoding="utf-8-sig")
    assert order() == [usual[2], usual[1], usual[0]]


def test_queries_are_included_on_request_only(cycle: Path) -> None:
    told = {"year": "2025", "cycle": "2025预算", "unit": "安源区福利院"}
    one = report(cycle / "inbox" / "福利.xlsx", stamp("415002", **told))
    wait = json.loads(next(line for line in run("status", "--format", "json", "--jobs", 1).stdout.splitlines() if "415002" in line))
    assert wait["state"] == "accepted"
    review = cycle / "审核意见.xlsx"
    run("check", "--jobs", 1)
    book = openpyxl.load_workbook(review)
    page = book["审核人意见"]
    page.cell(FIRST, 2, "福利.xlsx"), page.cell(FIRST, 3, "项目1"), page.cell(FIRST, 5, "请说明"), page.cell(FIRST, 6, "为什么这么多？")
    book.save(review)
    run("consolidate", "--jobs", 1)
    assert "计入 2 家" in front(cycle / "summary" / "汇总.xlsx")["计入多少"]
    run("consolidate", "--include", "queries", "--jobs", 1)
    assert "计入 3 家" in front(cycle / "summary" / "汇总.xlsx")["计入多少"], one


def test_check_writes_the_opinions_and_marked_copies_of_what_counts(cycle: Path) -> None:
    source = cycle / "inbox" / "水利.xlsx"
    with zipfile.ZipFile(cycle / "inbox" / "水利局.zip", "w") as archive:
        archive.write(source, "报表.xlsx")
    source.unlink()
    shutil.copy(cycle / "inbox" / "养老.xlsx", cycle / "inbox" / "养老（旧）.xlsx")
    for _ in range(2):  # its own earlier copies are replaced
        result = run("check", "--jobs", 1)
        assert result.exit_code == 1 and "已标注" in result.output, result.output
        assert [path.relative_to(cycle / "returned").as_posix() for path in (cycle / "returned").rglob("*.xlsx")] == ["水利局.zip/报表.xlsx"]
    assert (cycle / "审核意见.xlsx").is_file()
    foreign = cycle / "returned" / "水利局.zip" / "报表.xlsx"
    foreign.write_bytes(b"theirs")
    assert run("check", "--jobs", 1).exit_code == 2
    assert foreign.read_bytes() == b"theirs"


def test_grades_stand_on_a_sheet_of_their_own(cycle: Path) -> None:
    run("check", "--jobs", 1)
    review = cycle / "审核意见.xlsx"
    book = openpyxl.load_workbook(review)
    page = book["评级"]
    heads = [cell.value for cell in page[HEAD]]  # of such a page: one row higher than in a summary
    page.cell(FIRST, heads.index("总级") + 1, "良")
    book.save(review)
    run("consolidate", "--include", "errors", "--jobs", 1)
    (row,) = rows(cycle / "summary" / "汇总.xlsx", "审核评级")
    assert row["总级"] == "良" and row["源文件"].endswith(".xlsx") and row["单元格"]


def test_an_empty_inbox_gives_a_summary_that_says_so(cycle: Path) -> None:
    shutil.rmtree(cycle / "inbox")
    (cycle / "inbox").mkdir()
    result = run("consolidate", "--against", cycle.parent / "2024预算", "--jobs", 1)
    assert result.exit_code == 1, result.output
    assert front(cycle / "summary" / "汇总.xlsx")["计入多少"] == "应报 4 家单位，已收 0 家（0 张表），计入 0 家（0 张表）"
    assert {row[label("total")] for row in rows(cycle / "summary" / "汇总.xlsx", "逐级汇总")} == {0}
    assert {row["变化"] for row in rows(cycle / "summary" / "汇总.xlsx", "与上期比较")} == {"取消", "合计"}


def test_a_foreign_file_is_not_replaced(cycle: Path) -> None:
    (cycle / "summary" / "汇总.xlsx").write_bytes(b"theirs")
    assert run("consolidate", "--jobs", 1).exit_code == 2
    assert (cycle / "summary" / "汇总.xlsx").read_bytes() == b"theirs"


@pytest.mark.parametrize("command", ["check", "read", "consolidate"])
def test_outside_a_cycle_and_without_paths_it_says_what_to_do(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(command)
    assert result.exit_code == 2 and "没有写要读哪些文件" in result.output and f"xlgoals {command}" in result.output


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (("consolidate", "--level", "乡镇"), "没有“乡镇”这一级"),
        (("consolidate", "--year", "2024"), "标记"),
        (("consolidate", "--against", "没有"), "找不到"),
        (("consolidate", "inbox", "--include", "errors", "-o", "x.xlsx"), "--include"),
        (("consolidate", "inbox"), "-o"),
        (("check", "inbox", "--cycle", "."), "--cycle"),
    ],
)
def test_what_does_not_fit_together_is_2(cycle: Path, told: tuple[str, ...], words: str) -> None:
    result = run(*told)
    assert result.exit_code == 2 and words in result.output and not list((cycle / "summary").iterdir())


def test_paths_given_are_taken_whole_and_marked_so(cycle: Path) -> None:
    (cycle / "inbox" / "坏.xlsx").write_bytes(b"PK\x03\x04 broken")
    assert run("consolidate", "inbox", "-o", "全部.xlsx", "--jobs", 1).exit_code == 1
    told = front(cycle / "全部.xlsx")
    assert told["汇总范围"].startswith("已收未审") and told["计入多少"] == "4 个文件中 3 个读出了表（6 张）" and told["没有计入的"].startswith("1 个文件")
    assert "逐级汇总" not in openpyxl.load_workbook(cycle / "全部.xlsx").sheetnames


def test_data_hold_the_further_sheets_too(cycle: Path) -> None:
    run("consolidate", "--format", "parquet", "--against", cycle.parent / "2024预算", "--jobs", 1)
    made_ = {path.stem for path in (cycle / "summary" / "汇总-parquet").glob("*.parquet")}
    assert {"tree", "standing", "changes", "targets"} <= made_
    columns = pl.read_parquet(cycle / "summary" / "汇总-parquet" / "columns.parquet")
    assert columns.filter(pl.col("label") == "").is_empty()


# --- the tree ----------------------------------------------------------------------------------------------------------


def test_every_node_is_a_formula_that_carries_the_true_value_and_parts_tie_to_totals(cycle: Path) -> None:
    run("consolidate", "--include", "errors", "--jobs", 1)
    path = cycle / "summary" / "汇总.xlsx"
    values, formulas = rows(path, "逐级汇总"), rows(path, "逐级汇总", values=False)
    assert [(row["级次"], row["编码"], row["应报单位"], row["计入单位"], row["项目数"]) for row in values] == [
        ("合计", None, 4, 3, 6), ("市", "36", 4, 3, 6), ("县", "3603", 4, 3, 6), ("部门", "415", 3, 2, 4), ("所属单位", "415001", 1, 1, 2),
        ("所属单位", "415002", 1, 0, 0), ("部门", "420", 1, 1, 2),
    ]  # fmt: skip
    assert all(row[label("gap")] == 0 for row in values)
    assert values[0][label("total")] == 6 * 192 and values[3][label("own")] == 384
    plain = ("名册序号", "含至序号", "上级序号")
    for row in formulas:
        figures = {head: value for head, value in row.items() if isinstance(value, int | float) and head not in plain}
        assert not figures, figures
    outline = openpyxl.load_workbook(path)["逐级汇总"].row_dimensions
    assert [outline[FIRST + 1 + n].outlineLevel for n in range(7)] == [0, 1, 2, 3, 4, 4, 3]


@pytest.mark.parametrize(
    ("level", "names"),
    [("县", ["", "某市", "某县"]), ("主管部门", ["", "某市", "某县", "安源区民政局", "安源区水利局"])],
)
def test_a_level_folds_what_is_below(cycle: Path, level: str, names: list[str]) -> None:
    run("consolidate", "--level", level, "--jobs", 1)
    told = rows(cycle / "summary" / "汇总.xlsx", "逐级汇总")
    assert [row["名称"] or "" for row in told] == names
    assert {row[label("gap")] for row in told} == {0} and told[0]["项目数"] == 4


trees = st.lists(st.integers(-1, 30), min_size=1, max_size=14)


@given(trees, st.lists(st.tuples(st.integers(0, 15), st.integers(0, 10**9)), max_size=20), st.sampled_from(["", "部门"]))
def test_parts_come_to_the_whole_in_any_tree(parents: list[int], amounts: list[tuple[int, int]], level: str) -> None:
    units = {
        str(n): Unit(str(n), f"单位{n}", level="部门" if n % 3 == 0 else "所属单位", parent=str(parent % n) if n and parent >= 0 else "")
        for n, parent in enumerate(parents)
    }
    returns = [made(f"{at}-{n}.xlsx", "表", f"局|单位{at}|项目{n}", [fund(f"{cents / 100:.2f}", "元")]) for n, (at, cents) in enumerate(amounts)]
    tree = grow(Roster(units), level)
    owners = {f"{at}-{n}.xlsx": str(at) for n, (at, _) in enumerate(amounts)}
    summary = planted(consolidate(tabulate(returns)), tree, owners)
    nodes = add_up(summary, tree, pl.DataFrame({"node_no": [], "taken": []}, schema={"node_no": pl.Int32(), "taken": pl.Boolean()}))
    assert set(nodes["gap"]) <= {Decimal(0)}
    assert nodes["total"][0] == sum((Decimal(cents) for _, cents in amounts), Decimal(0)) / 1_000_000
    for row in nodes.to_dicts():  # each by adding up, one by one, what is below it
        below = {one.code for code in units for one in Roster(units).under(code) if tree.home[code] in range(row["node_no"], row["last_no"] + 1)}
        mine = [cents for at, cents in amounts if (str(at) in below if row["node_level"] not in ("all", "outside") else row["node_no"] == 0 or str(at) not in units)]
        assert (row["projects"], row["total"]) == (len(mine), Decimal(sum(mine)) / 1_000_000)


def test_a_gap_shows() -> None:
    """The check can fail: a project that is counted in the whole and in no row leaves a gap."""
    tree = grow(Roster({"1": Unit("1", "甲")}))
    summary = planted(consolidate(small_batch()), tree, {})
    lost = replace(summary, projects=summary.projects.with_columns(node_no=pl.lit(99, dtype=pl.Int32)))
    nodes = add_up(lost, tree, pl.DataFrame({"node_no": [], "taken": []}, schema={"node_no": pl.Int32(), "taken": pl.Boolean()}))
    assert nodes["gap"][0] == summary.total["total"][0] != 0
    assert set(MONEY) <= set(nodes.columns)


# --- beside a former one -----------------------------------------------------------------------------------------------


def goals(*told: tuple[str, str, str, str, list[tuple[str, str]]]) -> Goals:
    """Projects as (code, unit, name, amount in yuan, [(indicator, target)])."""
    returns: list[Return] = []
    for n, (code, unit, name, amount, lines) in enumerate(told):
        one = made(f"{n}.xlsx", "表", f"局|{unit}|{name}", [fund(amount, "元")], [Indicator(f"i{k}", "annual", "产出指标", "数量指标", *line) for k, line in enumerate(lines)])
        returns.append(replace(one, fields={**one.fields, "project_code": code}))
    return goals_of(consolidate(tabulate(returns)))


def test_projects_are_the_same_by_code_else_by_unit_and_name() -> None:
    before = goals(("A1", "甲", "老名", "10000", []), ("", "甲", "修路", "20000", []), ("", "乙", "修路", "30000", []), ("A9", "乙", "旧码", "1", []))
    now = goals(("A1", "甲", "新名", "10000", []), ("", "甲", "修 路", "50000", []), ("", "丙", "修路", "30000", []), ("B9", "乙", "旧码", "1", []))
    told = compare(now, before, "上期/").changes
    assert told.select("change", "unit", "project_name", "former", "moved").rows() == [
        ("changed", "乙", "旧码", "A9 旧码", Decimal(0)), ("changed", "甲", "新名", "A1 老名", Decimal(0)), ("changed", "甲", "修 路", "", Decimal(3)),
        ("new", "丙", "修路", "", Decimal(3)), ("gone", "乙", "修路", "", Decimal(-3)),
    ]  # fmt: skip
    assert told.filter(pl.col("change") == "gone")["file"].to_list() == ["上期/2.xlsx"]
    assert told["total_now"].sum() - told["total_before"].sum() == told["moved"].sum()


def test_targets_are_compared_by_levels_and_name() -> None:
    before = goals(("", "甲", "修路", "1", [("里程", "≥5公里"), ("座数", "3座"), ("比例", "1:2"), ("不变", "≥95％")]))
    now = goals(("", "甲", "修路", "1", [("里程", "≥6公里"), ("比例", "12"), ("不变", "≥ 95%"), ("新的", "1")]))
    told = compare(now, before, "上期/")
    assert told.targets.select("change", "name", "target_before", "target_now").rows() == [
        ("changed", "里程", "≥5公里", "≥6公里"), ("changed", "比例", "1:2", "12"), ("new", "新的", "", "1"), ("gone", "座数", "3座", ""),
    ]  # fmt: skip
    (row,) = told.changes.to_dicts()
    assert (row["change"], row["targets_changed"], row["targets_new"], row["targets_gone"]) == ("changed", 2, 1, 1)


def test_a_former_summary_may_lie_in_parts(tmp_path: Path) -> None:
    """As `consolidate --format parquet` writes a large one."""
    whole = goals(("", "甲", "修路", "1", [("里程", "≥5公里")]), ("", "乙", "修桥", "2", [("座数", "3座")]))
    assert former_frames(tmp_path) is None
    for name in ("projects", "indicators"):
        (tmp_path / name).mkdir()
        for number in (0, 1):
            getattr(whole, name)[number : number + 1].write_parquet(tmp_path / name / f"0000{number + 1}.parquet")
    told = former_frames(tmp_path)
    assert told and told.projects.equals(whole.projects) and told.indicators.equals(whole.indicators)


@given(st.lists(st.tuples(st.sampled_from(["", "A", "B"]), st.sampled_from("甲乙"), st.sampled_from(["修路", "修桥", ""])), max_size=8), st.randoms())
def test_against_itself_in_any_order_nothing_is_new_or_gone(told: list[tuple[str, str, str]], random: Any) -> None:
    one = goals(*((*row, "1", []) for row in told if row[0] or row[2]))
    mixed = Goals(one.projects.sample(fraction=1, shuffle=True, seed=random.randint(0, 99)), one.indicators)
    assert not set(compare(one, mixed, "").changes["change"]) & {"new", "gone"}


def test_sheets_of_many_rows_say_the_same(cycle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> dict[str, list[dict[str, Any]]]:
        run("consolidate", "--include", "errors", "--against", cycle.parent / "2024预算", "--jobs", 1)
        path, link = cycle / "summary" / "汇总.xlsx", load_wording().phrases.open  # what a short listing shows for a file without a cell
        names = [name for name in openpyxl.load_workbook(path).sheetnames if name != WORDS.charts.name]
        return {name: [{key: None if value == link else value for key, value in row.items()} for row in rows(path, name)] for name in names}

    short = told()
    monkeypatch.setattr("xlgoals.tablesheet.LINKED_ROWS_MOST", 2)
    assert {"与上期比较", "上报情况", "逐级汇总"} <= short.keys()
    assert told() == short


@pytest.mark.parametrize("kind", ["cycle", "folder", "parquet"])
def test_a_former_cycle_folder_or_data_give_the_same_comparison(cycle: Path, kind: str) -> None:
    former = cycle.parent / "2024预算"
    against = {"cycle": former, "folder": former / "inbox", "parquet": cycle.parent / "数据"}[kind]
    if kind == "parquet":
        assert run("consolidate", former / "inbox", "-o", against, "--format", "parquet", "--jobs", 1).exit_code == 1
    run("consolidate", "--include", "errors", "--against", against, "--jobs", 1)
    path = cycle / "summary" / "汇总.xlsx"
    told = rows(path, "与上期比较")
    assert [row["变化"] for row in told] == ["新增"] * 2 + ["取消"] * 2 + ["没有变化"] * 4 + ["合计"]  # a unit has projects of another name; those without any are its own ones
    assert told[-1][label("moved")] == 0 and told[0][label("total_before")] is None
    gone = next(row for row in told if row["变化"] == "取消")
    assert gone["源文件"].startswith("上期/")


def test_former_data_that_are_none_are_refused(cycle: Path) -> None:
    folder = cycle.parent / "坏数据"
    folder.mkdir()
    for name in ("projects", "indicators"):
        pl.DataFrame({"x": [1]}).write_parquet(folder / f"{name}.parquet")
    result = run("consolidate", "--against", folder, "--jobs", 1)
    assert result.exit_code == 2 and "parquet" in result.output


# --- charts ------------------------------------------------------------------------------------------------------------


def chart_parts(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as package:
        for name in sorted(package.namelist()):
            if re.fullmatch(r"xl/charts/chart\d+\.xml", name):
                yield package.read(name).decode()


def test_charts_tell_the_figures_of_the_summary(tmp_path: Path) -> None:
    summary = consolidate(small_batch())
    whole = assemble(summary, CATALOGUE)
    for name in ("a.xlsx", "b.xlsx"):
        write_summary(whole.summary, tmp_path / name, told=About(base=tmp_path), wording=whole.wording, extras=whole.extras)
    path = tmp_path / "a.xlsx"
    assert path.read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    parts = list(chart_parts(path))
    assert len(parts) == 3
    assert "a:pattFill" in parts[0] and 'c:grouping val="stacked"' in parts[0]
    values, formulas = (openpyxl.load_workbook(path, data_only=flag)["图表"] for flag in (True, False))
    cells = {cell.coordinate: cell.value for row in values.iter_rows() for cell in row if isinstance(cell.value, int | float)}
    assert all(str(formulas[at].value).startswith("=") for at in cells)
    by_department = {row[0].value: [cell.value for cell in row[1:6] if cell.value is not None] for row in values.iter_rows(max_row=12) if row[0].value}
    figures = summary.subtotals.filter(pl.col("department") == "医保局").row(0, named=True)
    parts_of = [figures["fiscal_ready"], figures["other_ready"], figures["total_ready"] - figures["fiscal_ready"] - figures["other_ready"], figures["total_pending"]]
    assert by_department["医保局"] == [float(one) for one in parts_of]
    assert formulas.page_setup.orientation == "portrait" and formulas.page_setup.fitToHeight == 0


def test_without_data_there_is_no_chart(tmp_path: Path) -> None:
    whole = assemble(consolidate(tabulate([])), CATALOGUE)
    assert whole.extras == ()
    blank = assemble(consolidate(tabulate([made("a.xlsx", "表", "局|甲|", [fund("", "元")])])), CATALOGUE)
    write_summary(blank.summary, tmp_path / "a.xlsx", told=About(), wording=blank.wording, extras=blank.extras)
    assert list(chart_parts(tmp_path / "a.xlsx")) == []


def test_many_departments_are_shown_as_the_largest_and_the_rest(tmp_path: Path) -> None:
    returns = [made(f"{n}.xlsx", "表", f"局{n:02}|甲|项目", [fund(f"{n}", "万元"), fund(f"{n}", "万元", "fiscal")]) for n in range(1, 41)]
    whole = assemble(consolidate(tabulate(returns)), CATALOGUE)
    write_summary(whole.summary, tmp_path / "a.xlsx", told=About(), wording=whole.wording, extras=whole.extras)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx", data_only=True)["图表"]
    told = [(row[0].value, row[1].value) for row in sheet.iter_rows(min_row=HEAD + 4, max_row=HEAD + 3 + WORDS.charts.most + 1)]
    assert told[0] == ("局40", 40) and told[-1] == ("其余 25 个", sum(range(1, 26)))


# --- the rest ----------------------------------------------------------------------------------------------------------


def test_no_column_has_two_meanings() -> None:
    assert not set(WORDS.columns) & set(load_wording().columns)
    whole = whole_wording(WORDS)
    for table in WORDS.tables.values():
        assert set(table.columns) <= set(whole.columns) and set(table.optional) <= set(table.columns)


def test_every_sheet_is_frozen_filtered_printed_and_linked(cycle: Path) -> None:
    run("consolidate", "--against", cycle.parent / "2024预算", "--jobs", 1)
    book = openpyxl.load_workbook(cycle / "summary" / "汇总.xlsx")
    assert book.sheetnames[5:] == ["逐级汇总", "上报情况", "图表", "与上期比较", "指标变化"]
    for name in ("逐级汇总", "上报情况", "与上期比较", "指标变化"):
        sheet = book[name]
        assert sheet.freeze_panes == f"A{FIRST + 1}" and sheet.auto_filter.ref and sheet.print_title_rows and sheet.page_setup.fitToHeight == 0
    links = {cell.hyperlink.target for row in book["与上期比较"].iter_rows(min_row=FIRST + 1) for cell in row if cell.hyperlink}
    assert {"../inbox/民政.xlsx", "../../2024预算/inbox/民政.xlsx"} <= links
    assert {one.name for one in book.custom_doc_props.props} == {OUTPUT_PROPERTY}
