"""审核意见.xlsx: what reviewers write is kept, counts, and lapses when the unit changes what it speaks of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner, Result
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from examples.fill import fill
from tests.test_returning import explain
from xlgoals.cli import main
from xlgoals.findings import Finding
from xlgoals.opinions import Decision, Opinions
from xlgoals.opinions_book import HOME, load_words, read_opinions, write_opinions
from xlgoals.pages import FIRST, HEAD
from xlgoals.records import At
from xlgoals.spec import data_folder
from xlgoals.tables import tabulate, with_findings
from xlgoals.yamlmark import load_marked

WORDS = load_words()


def run(*told: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in told], catch_exceptions=False)


def filled(folder: Path, target: str = "") -> Path:
    """Two 青龙 forms, one of which leaves a target blank unless it is given."""
    data = load_marked(data_folder("examples") / "data" / "qinglong-2024.yaml").data
    one = {**data["projects"][5]}
    one["indicators"] = [{**line, "target": line["target"] or target} for line in one["indicators"]]
    path = folder / "报送" / "青龙.xlsx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(fill({**data, "projects": [one, data["projects"][8]]}))
    return path


def column(sheet: Worksheet, label: str) -> int:
    return next(cell.column for cell in sheet[HEAD + 1] if cell.value == label)


def rows(path: Path, page: str) -> list[dict[str, str]]:
    sheet = openpyxl.load_workbook(path)[WORDS.sheets[page].name]
    heads = {cell.column: cell.value for cell in sheet[HEAD + 1]}
    lines = [{heads[cell.column]: cell.value or "" for cell in row} for row in sheet.iter_rows(min_row=FIRST + 1)]
    return [line for line in lines if any(line.values())]


def write(path: Path, page: str, line: int, **words: object) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book[WORDS.sheets[page].name]
    for label, word in words.items():
        cell = sheet.cell(FIRST + line, column(sheet, label))
        cell.value = word
        if isinstance(word, str):
            cell.data_type = "s"  # the cells are text cells: what begins with = stays text
    book.save(path)


def line_of(path: Path, code: str) -> int:
    return next(n for n, row in enumerate(rows(path, "decisions"), 1) if row["规则"] == code)


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of returns, and the opinions of its first check."""
    returns, opinions = filled(tmp_path).parent, tmp_path / "审核意见.xlsx"
    assert run("check", returns, "--opinions", opinions).exit_code == 1
    return returns, opinions


def finding(result: Result, code: str) -> str:
    return next(line for line in result.stdout.splitlines() if f'"{code}"' in line)


def test_a_decision_counts_and_is_kept(begun: tuple[Path, Path]) -> None:
    returns, opinions = begun
    line = line_of(opinions, "target.blank")
    write(opinions, "decisions", line, 处理="误报", 审核人="王审", 日期=dt.date(2026, 3, 1), 理由="另有附件说明")
    result = run("check", returns, "--opinions", opinions, "--format", "json")
    assert '"status": "dismissed"' in finding(result, "target.blank")
    assert "王审 2026-03-01：另有附件说明" in finding(result, "target.blank")
    kept = rows(opinions, "decisions")[line_of(opinions, "target.blank") - 1]
    assert (kept["处理"], kept["审核人"], kept["日期"], kept["理由"]) == ("误报", "王审", "2026-03-01", "另有附件说明")


def test_a_dismissed_finding_no_longer_blocks_and_one_sent_back_does(tmp_path: Path) -> None:
    returns, opinions = filled(tmp_path).parent, tmp_path / "审核意见.xlsx"
    run("check", returns, "--opinions", opinions)
    for n in range(1, len(rows(opinions, "decisions")) + 1):
        write(opinions, "decisions", n, 处理="误报")
    assert run("check", returns, "--opinions", opinions).exit_code == 0
    assert run("consolidate", returns, "--opinions", opinions, "-o", tmp_path / "汇总.xlsx").exit_code == 0
    write(opinions, "decisions", 1, 处理="退回")
    assert run("check", returns, "--opinions", opinions).exit_code == 1


def test_a_decision_lapses_when_the_value_changes_and_counts_again_when_it_comes_back(tmp_path: Path) -> None:
    returns, opinions = filled(tmp_path).parent, tmp_path / "审核意见.xlsx"
    run("check", returns, "--opinions", opinions)
    write(opinions, "decisions", line_of(opinions, "target.blank"), 处理="认可", 理由="去年也空")
    filled(tmp_path, target="≥95%")
    run("check", returns, "--opinions", opinions)
    assert [row["理由"] for row in rows(opinions, "past")] == ["去年也空"]
    filled(tmp_path)
    result = run("check", returns, "--opinions", opinions, "--format", "json")
    assert '"status": "accepted"' in finding(result, "target.blank")
    assert rows(opinions, "past") == []


def test_a_remark_is_raised_at_its_cell_and_lapses_when_the_cell_changes(tmp_path: Path) -> None:
    returns, opinions = filled(tmp_path).parent, tmp_path / "审核意见.xlsx"
    run("check", returns, "--opinions", opinions)
    blank = {"项目编码或名称": "基金监管专项经费", "栏目": "违反违规行为纠正率"}
    write(opinions, "remarks", 1, **blank, 轻重="请说明", 意见="=请写明口径", 审核人="王审")
    told = finding(run("check", returns, "--opinions", opinions, "--format", "json"), "opinion.explain")
    assert '"cell": "' in told
    assert "=请写明口径（王审）" in told
    assert rows(opinions, "remarks")[0]["状态"] == WORDS.states["raised"]
    write(opinions, "remarks", 1, 栏目="purpose")
    path = filled(tmp_path)
    book = openpyxl.load_workbook(path)
    run("check", returns, "--opinions", opinions)
    spot = next(cell for row in book.worksheets[1].iter_rows() for cell in row if str(cell.value or "").startswith("预算 10.55"))
    spot.value = "改写了用途"
    book.save(path)
    run("check", returns, "--opinions", opinions)
    assert rows(opinions, "remarks")[0]["状态"] == WORDS.states["changed"]


@pytest.mark.parametrize(("weight", "code"), [("必须修改", "opinion.mend"), ("提示", "opinion.note")])
def test_a_remark_weighs_what_the_reviewer_says(begun: tuple[Path, Path], weight: str, code: str) -> None:
    returns, opinions = begun
    write(opinions, "remarks", 1, 项目编码或名称="基金监管专项经费", 栏目="违反违规行为纠正率", 轻重=weight, 意见="请核对")
    assert "审核意见：请核对" in finding(run("check", returns, "--opinions", opinions, "--format", "json"), code)


def test_a_remark_on_nothing_is_told_not_dropped(begun: tuple[Path, Path]) -> None:
    returns, opinions = begun
    write(opinions, "remarks", 1, 项目编码或名称="没有的项目", 意见="请重报")
    told = finding(run("check", returns, "--opinions", opinions, "--format", "json"), "opinion.lost")
    assert '"file": "审核意见.xlsx"' in told
    assert rows(opinions, "remarks")[0]["意见"] == "请重报"


def test_grades_are_kept_and_marked_when_the_content_changes(tmp_path: Path) -> None:
    returns, opinions = filled(tmp_path).parent, tmp_path / "审核意见.xlsx"
    run("check", returns, "--opinions", opinions)
    write(opinions, "grades", 1, 完整性="优", 相关性="良", 总级="良", 审核人="王审")
    run("check", returns, "--opinions", opinions)
    assert (rows(opinions, "grades")[0]["总级"], rows(opinions, "grades")[0]["状态"]) == ("良", WORDS.states["done"])
    filled(tmp_path, target="≥95%")
    run("check", returns, "--opinions", opinions)
    assert (rows(opinions, "grades")[0]["总级"], rows(opinions, "grades")[0]["状态"]) == ("良", WORDS.states["changed"])


def test_grades_go_back_with_the_form_until_its_content_changes(tmp_path: Path) -> None:
    returns, opinions, back = filled(tmp_path).parent, tmp_path / "审核意见.xlsx", tmp_path / "退回"
    run("check", returns, "--opinions", opinions)
    write(opinions, "grades", 1, 完整性="中", 总级="中", 审核人="王审", 日期="2026-03-01", 说明="指标值不全")

    def told() -> list[str]:
        run("check", returns, "--opinions", opinions, "--return", back, "--force")
        sheet = openpyxl.load_workbook(back / "青龙.xlsx").worksheets[-1]
        return [str(cell.value) for (cell,) in sheet.iter_rows(max_row=9, max_col=1) if str(cell.value).startswith("评级")]

    assert told() == ["评级：项目1（基金监管专项经费）　完整性 中、总级 中（王审 2026-03-01：指标值不全）"]
    assert told() == told()
    filled(tmp_path, target="≥95%")
    assert told() == []


def test_a_word_outside_the_list_stops_the_run_and_loses_nothing(begun: tuple[Path, Path]) -> None:
    returns, opinions = begun
    write(opinions, "decisions", 1, 处理="同意", 理由="写错了词")
    result = run("check", returns, "--opinions", opinions)
    assert result.exit_code == 2
    assert "只能选：退回、认可、误报" in result.stderr
    assert rows(opinions, "decisions")[0]["理由"] == "写错了词"


def test_what_is_half_written_is_kept_told_and_does_not_count(begun: tuple[Path, Path]) -> None:
    returns, opinions = begun
    write(opinions, "decisions", 1, 审核人="李审", 理由="等科长回来再定")
    write(opinions, "remarks", 1, 项目编码或名称="基金监管专项经费", 栏目="违反违规行为纠正率")
    write(opinions, "grades", 2, 说明="待议")
    for _ in range(2):
        result = run("check", returns, "--opinions", opinions, "--format", "json")
        assert result.stdout.count('"opinion.unfinished"') == 2 and '"status": "upheld"' not in result.stdout
        assert "李审：等科长回来再定" in finding(result, "opinion.unfinished") and '"sheet": "问题处理", "cell": "A4"' in result.stdout
        (kept,) = [row for row in rows(opinions, "decisions") if row["理由"]]
        assert (kept["处理"], kept["审核人"], kept["理由"]) == ("", "李审", "等科长回来再定")
        (remark,) = rows(opinions, "remarks")
        assert (remark["项目编码或名称"], remark["状态"]) == ("基金监管专项经费", WORDS.states["unfinished"])
        assert rows(opinions, "grades")[1]["说明"] == "待议"


def test_sorted_with_lines_above_and_columns_of_the_reviewers_own_nothing_is_lost(begun: tuple[Path, Path]) -> None:
    returns, opinions = begun
    line = line_of(opinions, "target.blank")
    write(opinions, "decisions", line, 处理="误报", 理由="另有附件")
    book = openpyxl.load_workbook(opinions)
    for name, words in (("decisions", "打电话问过"), ("remarks", "自己的"), ("grades", "再看")):
        sheet = book[WORDS.sheets[name].name]
        last = sheet.max_column + 1
        sheet.cell(HEAD + 1, last).value = "我的备注"
        sheet.cell(FIRST + 2, last).value = words
    sheet = book[WORDS.sheets["decisions"].name]
    lines = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=FIRST + 1)]
    for row, values in enumerate(reversed(lines), FIRST + 1):
        for col, value in enumerate(values, 1):
            sheet.cell(row, col).value = value
    sheet.insert_rows(1, 2)
    book.save(opinions)
    for _ in range(2):
        result = run("check", returns, "--opinions", opinions, "--format", "json")
        assert '"status": "dismissed"' in finding(result, "target.blank")
        told = rows(opinions, "decisions")
        assert [row["我的备注"] for row in told if row["我的备注"]] == ["打电话问过"] and told[1]["我的备注"] == "打电话问过"
        assert rows(opinions, "remarks")[0]["我的备注"] == "自己的" and rows(opinions, "grades")[1]["我的备注"] == "再看"
    (returns / "青龙.xlsx").unlink()
    filled(returns.parent, target="≥95%").rename(returns / "别的.xlsx")
    run("check", returns, "--opinions", opinions)
    assert [row["理由"] for row in rows(opinions, "past")] == ["另有附件"], "and a page of lapsed ones is kept though it has such a column"
    run("check", returns, "--opinions", opinions)
    assert [row["理由"] for row in rows(opinions, "past")] == ["另有附件"]


def some_columns_sorted(book: openpyxl.Workbook) -> None:
    sheet = book[WORDS.sheets["decisions"].name]
    lines = [[cell.value for cell in row[: column(sheet, "规则")]] for row in sheet.iter_rows(min_row=FIRST + 1)]
    for row, values in enumerate(sorted(lines, key=str), FIRST + 1):
        for col, value in enumerate(values, 1):
            sheet.cell(row, col).value = value
    sheet.cell(FIRST + 1, 1).value, sheet.cell(sheet.max_row, 1).value = "误报", "认可"


def test_what_the_arrows_of_the_headings_sort_holds_the_hidden_columns(begun: tuple[Path, Path]) -> None:
    """Excel sorts the columns of the filter and leaves those beside it: decisions would go to other findings."""
    _, opinions = begun
    book = openpyxl.load_workbook(opinions)
    for name in ("decisions", "grades"):
        sheet, page = book[WORDS.sheets[name].name], WORDS.sheets[name]
        assert sheet.auto_filter.ref.partition(":")[2].startswith(get_column_letter(len(page.columns)))


def added_sheet(book: openpyxl.Workbook) -> None:
    book.create_sheet("草稿")["A1"] = "想到的"


def added_line(book: openpyxl.Workbook) -> None:
    book[WORDS.sheets["decisions"].name].append(["退回", "王审", "", "自己写的一条"])


def without_heading(book: openpyxl.Workbook) -> None:
    book[WORDS.sheets["decisions"].name].cell(FIRST + 1, 25).value = "没有列名"


def heading_twice(book: openpyxl.Workbook) -> None:
    book[WORDS.sheets["grades"].name].cell(HEAD + 1, 25).value = "说明"


@pytest.mark.parametrize(("change", "told"), [(some_columns_sorted, "对不上"), (added_sheet, "“草稿”"), (added_line, "是后加的"), (without_heading, "没有列名"), (heading_twice, "都叫“说明”")])
def test_what_could_not_be_kept_stops_the_run_before_it_is_lost(begun: tuple[Path, Path], change: Callable[[openpyxl.Workbook], None], told: str) -> None:
    returns, opinions = begun
    book = openpyxl.load_workbook(opinions)
    change(book)
    book.save(opinions)
    before = opinions.read_bytes()
    result = run("check", returns, "--opinions", opinions)
    assert result.exit_code == 2 and told in result.stderr
    assert opinions.read_bytes() == before


def test_the_reviewer_sees_what_the_unit_answers_also_after_sending_back(tmp_path: Path) -> None:
    returns, opinions, back = filled(tmp_path).parent, tmp_path / "审核意见.xlsx", tmp_path / "退回"
    run("check", returns, "--opinions", opinions, "--return", back)
    code = next(row["规则"] for row in rows(opinions, "decisions") if row["级别"] == "核实")
    write(opinions, "decisions", line_of(opinions, code), 处理="退回", 审核人="王审")
    explain(back / "青龙.xlsx", "文件依据见附件二")
    (returns / "青龙.xlsx").write_bytes((back / "青龙.xlsx").read_bytes())
    run("check", returns, "--opinions", opinions)
    upheld = rows(opinions, "decisions")[line_of(opinions, code) - 1]
    assert (upheld["处理"], upheld["单位说明"]) == ("退回", "文件依据见附件二")


@pytest.mark.parametrize("name", ["~$审核意见.xlsx", ".~lock.审核意见.xlsx#"])
def test_a_workbook_that_is_open_is_told(begun: tuple[Path, Path], name: str) -> None:
    returns, opinions = begun
    assert "好像正开着" not in run("check", returns, "--opinions", opinions).stderr
    (opinions.parent / name).write_bytes(b"")
    assert "好像正开着" in run("check", returns, "--opinions", opinions).stderr


def test_another_workbook_is_never_written_over(tmp_path: Path) -> None:
    path = filled(tmp_path)
    before = path.read_bytes()
    result = run("check", path.parent, "--opinions", path)
    assert result.exit_code == 2
    assert path.read_bytes() == before


def test_equal_input_gives_equal_bytes(begun: tuple[Path, Path]) -> None:
    returns, opinions = begun
    before = opinions.read_bytes()
    run("check", returns, "--opinions", opinions)
    assert opinions.read_bytes() == before


def test_a_workbook_of_a_large_inbox_is_read_again_and_a_broken_one_told(begun: tuple[Path, Path]) -> None:
    """More cells than a return may have."""
    returns, opinions = begun
    asked = with_findings(tabulate([]), [
        Finding("funds.sum", "error", At(f"{n // 50}.xlsx", "项目1", f"C{n % 50 + 1}"), "总额", "1", "2", f"相差 {n}", "请核对", f"{n:016x}", status="accepted")
        for n in range(24_000)
    ]).findings  # fmt: skip
    decisions = {key: Decision(key, "accepted", reason="可以", row={"reason": "可以"}) for key in asked["key"][::1000]}  # all of them found again
    write_opinions(opinions, pl.DataFrame(schema=dict.fromkeys(HOME, pl.String())), asked, Opinions(decisions), [], {})
    assert read_opinions(opinions).decisions.keys() == decisions.keys()
    opinions.write_bytes(opinions.read_bytes()[:5000])
    result = run("check", returns, "--opinions", opinions)
    assert result.exit_code == 2 and "移走它" in result.output
