"""The form that goes back and comes again: marked copies of a batch, explanations in them, and how long those hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner, Result
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.test_collect import ROSTER, report, stamp
from tests.test_office import convert
from xlgoals import kinds_form
from xlgoals.cli import main
from xlgoals.cycle import create_cycle
from xlgoals.explanations import counts
from xlgoals.keys import keyed
from xlgoals.listsheet import KEY_MARK
from xlgoals.read import read_book
from xlgoals.running import reviewed
from xlgoals.spec import load_forms
from xlgoals.tables import findings_of
from xlgoals.wording import load_return_words

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
EXAMPLES = Path(__file__).parents[1] / "examples"
STAMPED = EXAMPLES / "filled" / "弋阳县医疗保障服务中心-2023.xlsx"  # six amounts to explain, and nothing else
UNSTAMPED = EXAMPLES / "as-published" / "弋阳县医疗保障局2023年项目支出绩效目标表.xlsx"
WORDS = load_return_words()
ANSWER = WORDS.list.columns["answer"].label
QUIET = TemporaryDirectory(prefix="xlgoals-quiet-")  # goes when the tests end


def run(*told: object) -> Result:
    return shipped(*told, "--forms", quiet())


def shipped(*told: object) -> Result:
    """With the rules as they are shipped."""
    return CliRunner().invoke(main, [str(one) for one in told], catch_exceptions=False)


@cache
def quiet() -> Path:
    """A bureau's folder that switches off what judges how well indicators are made: the six amounts are what is answered here."""
    kept = ("", *kinds_form.KINDS, "funds_sum", "money_size", "money_factor")
    off = [f"  - {{code: {rule.code}, off: yes}}" for rule in load_forms().catalogue.rules.values() if rule.kind not in kept]
    folder = Path(QUIET.name)
    (folder / "rules.yaml").write_text("\n".join(["rules:", *off, ""]), encoding="utf-8")
    return folder


def send(source: Path, folder: Path) -> Path:
    """The marked copy of one file."""
    run("check", source, "--return", folder, "--force")
    return folder / source.name


def listing(book: Workbook) -> tuple[Worksheet, int, int, int]:
    """The list, the row of its headings, the columns of answer and key."""
    sheet = next(sheet for sheet in book if sheet.title.startswith(WORDS.list.sheet))
    head = next(row for row in sheet.iter_rows() if any(cell.value == KEY_MARK for cell in row))
    columns = {str(cell.value): cell.column for cell in head}
    return sheet, head[0].row, columns[ANSWER], columns[KEY_MARK]


def explain(path: Path, text: object = "按省厅文件由基金统筹安排", change: Callable[[Workbook], None] = lambda book: None) -> Path:
    """Answer every query as staff do, do something else to the workbook, and save it."""
    book = openpyxl.load_workbook(path)
    sheet, head, answer, _ = listing(book)
    for row in range(head + 1, sheet.max_row + 1):
        if not sheet.cell(row, answer).protection.locked:
            sheet.cell(row, answer).value = text  # type: ignore[assignment]
    change(book)
    book.save(path)
    return path


def told(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in run("check", path, "--format", "json").stdout.splitlines()]


def states(path: Path, code: str = "money.unit_size") -> list[str]:
    return [one.get("status", "") for one in told(path) if one["code"] == code]


# --- explained


def test_an_explained_form_blocks_no_more(tmp_path: Path) -> None:
    source = shutil.copy(STAMPED, tmp_path)
    assert run("check", source).exit_code == 1
    back = send(Path(source), tmp_path / "退回")
    assert run("check", back).exit_code == 1, "sent back, not yet answered: as before"
    assert [one["key"] for one in told(back)] == [one["key"] for one in told(Path(source))], "the marks are no content"
    explain(back)
    result = run("check", back)
    assert result.exit_code == 0 and "已说明" in result.output
    assert all(one["answer"] == "按省厅文件由基金统筹安排" for one in told(back))
    again = send(back, tmp_path / "再退")
    book = openpyxl.load_workbook(again)
    sheet, head, answer, _ = listing(book)
    notes = [cell.comment.text for sheet in book for row in sheet.iter_rows() for cell in row if cell.comment]
    assert len(notes) == 6 and all(note.count(WORDS.note.begin) == 1 and "已说明：按省厅" in note for note in notes), "old notes go, new ones say what was answered"
    assert [sheet.cell(row, answer).value for row in range(head + 1, sheet.max_row + 1)] == ["按省厅文件由基金统筹安排"] * 6, "words once written are kept"
    assert run("check", again).exit_code == 0


@pytest.mark.parametrize("source", sorted((EXAMPLES / "filled").glob("*.xlsx")), ids=lambda path: path.stem)
def test_under_the_shipped_rules_every_query_can_be_explained_and_nothing_else(source: Path, tmp_path: Path) -> None:
    def found(path: Path) -> list[dict[str, str]]:
        return [json.loads(line) for line in shipped("check", path, "--format", "json").stdout.splitlines()]

    before, out = found(source), tmp_path / "退回"
    shipped("check", source, "--return", out)
    if not before:
        assert not out.exists()
        return
    after = found(explain(out / source.name))
    assert [one["key"] for one in after] == [one["key"] for one in before]
    assert {one["severity"] for one in after if one.get("status") == "explained"} <= {"query"}
    assert [one for one in after if one["severity"] == "query" and one.get("status") != "explained"] == []
    assert (shipped("check", out / source.name).exit_code == 0) == all(one["severity"] != "error" for one in before)


def test_the_summary_tells_the_explanation_and_counts_the_amounts_in(tmp_path: Path) -> None:
    back = explain(send(STAMPED, tmp_path / "退回"))
    assert run("consolidate", STAMPED, "-o", tmp_path / "前.xlsx").exit_code == 1
    assert run("consolidate", back, "-o", tmp_path / "后.xlsx").exit_code == 0
    before, after = (openpyxl.load_workbook(tmp_path / f"{name}.xlsx", data_only=True) for name in ("前", "后"))

    def column(book: Workbook, sheet: str, label: str) -> list[object]:
        rows = list(book[sheet].iter_rows(min_row=4, values_only=True))
        at = rows[0].index(label)
        return [row[at] for row in rows[1:]]

    assert column(before, "项目汇总", "金额状态") == ["待核实"] * 6 and column(after, "项目汇总", "金额状态") == ["可汇总"] * 6
    assert column(after, "问题清单", "状态") == ["已说明"] * 6 and column(after, "问题清单", "说明或意见") == ["按省厅文件由基金统筹安排"] * 6
    assert column(before, "部门汇总", "未了结") == [6, 6, 6] and column(after, "部门汇总", "未了结") == [0, 0, 0]
    assert column(after, "部门汇总", "已说明") == [6, 6, 6] and column(after, "部门汇总", "核实") == [6, 6, 6]


@pytest.mark.parametrize("text", ["", "  ", "无", "无。", "没有", "好的", "！！！！！！", "已核实"])
def test_words_that_say_nothing_explain_nothing(text: str, tmp_path: Path) -> None:
    assert not counts(text, WORDS.explanation)
    back = explain(send(STAMPED, tmp_path / "退回"), text)
    assert states(back) == [""] * 6


@pytest.mark.parametrize("text", ["基金安排", "=SUM(1,2)是误写的", 20240101, "见皖财社〔2022〕1号"])
def test_words_that_say_something_do(text: object, tmp_path: Path) -> None:
    def as_text(book: Workbook) -> None:
        sheet, head, answer, _ = listing(book)
        for row in range(head + 1, sheet.max_row + 1):
            sheet.cell(row, answer).data_type = "n" if isinstance(text, int) else "s"

    back = explain(send(STAMPED, tmp_path / "退回"), text, as_text)
    assert states(back) == ["explained"] * 6
    assert {one["answer"] for one in told(back)} == {str(text)}


def test_an_error_is_not_explained_away(tmp_path: Path) -> None:
    source = EXAMPLES / "filled" / "青龙满族自治县医疗保障局-2024.xlsx"

    def insist(book: Workbook) -> None:
        sheet, head, answer, _ = listing(book)
        for row in range(head + 1, sheet.max_row + 1):
            assert sheet.cell(row, answer).protection.locked
            sheet.cell(row, answer).value = "我们认为没有问题，请予通过"

    back = explain(send(source, tmp_path / "退回"), change=insist)
    assert [one.get("status", "") for one in told(back)] == ["", ""] and run("check", back).exit_code == 1


# --- wherever things move to


def move_rows(book: Workbook) -> None:
    """Sort the list, insert rows and columns into it, rename it and move it to the front."""
    sheet, head, _, _ = listing(book)
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=head + 1)]
    for at, values in enumerate(reversed(rows), head + 1):
        for col, value in enumerate(values, 1):
            sheet.cell(at, col).value = value
    sheet.insert_rows(head + 2)
    sheet.insert_cols(1)
    sheet.insert_rows(1, 3)
    sheet.title = WORDS.list.sheet + "（已填）"
    book.move_sheet(sheet, -len(book.sheetnames))


def insert_above(book: Workbook) -> None:
    """Push each form down by two rows; openpyxl would leave the names behind, as no office program does."""
    for sheet in book.worksheets:
        for name in [name for name in sheet.defined_names if not name.startswith("Print")]:
            del sheet.defined_names[name]
        if not sheet.title.startswith(WORDS.list.sheet):
            for merged in [*sheet.merged_cells.ranges]:
                merged.shift(row_shift=2)
            sheet.insert_rows(1, 2)


def rename_sheets(book: Workbook) -> None:
    for number, sheet in enumerate(book.worksheets):
        if sheet.title.startswith("项目"):
            sheet.title = f"表{number}"


@pytest.mark.parametrize("change", [move_rows, insert_above, rename_sheets], ids=lambda one: one.__name__)
@pytest.mark.parametrize("source", [STAMPED, UNSTAMPED], ids=["stamped", "unstamped"])
def test_explanations_follow_what_they_speak_of(source: Path, change: Callable[[Workbook], None], tmp_path: Path) -> None:
    back = explain(send(source, tmp_path / "退回"), change=change)
    assert states(back) == ["explained"] * 6


def test_a_file_renamed_or_copied_keeps_its_keys(tmp_path: Path) -> None:
    for source in (STAMPED, UNSTAMPED):
        other = tmp_path / "二稿.xlsx"
        shutil.copy(source, other)
        before, after = told(source), told(other)
        assert [one["key"] for one in before] == [one["key"] for one in after]


def test_an_explanation_lapses_when_the_value_changes(tmp_path: Path) -> None:
    def change(book: Workbook) -> None:
        book["项目2"]["C6"].value = 13_290_001

    back = explain(send(STAMPED, tmp_path / "退回"), change=change)
    found = {one["sheet"]: one.get("status", "") for one in told(back) if one["code"] == "money.unit_size"}
    assert found == {"项目1": "explained", "项目2": "", **{f"项目{n}": "explained" for n in range(3, 7)}}


def test_mending_the_projects_name_leaves_other_explanations(tmp_path: Path) -> None:
    def change(book: Workbook) -> None:
        sheet = book["项目1"]
        sheet[next(cell.coordinate for row in sheet.iter_rows() for cell in row if cell.value == "城镇职工和城乡居民长期护理保险县级财政配套金")].value = "长护险配套"

    back = explain(send(STAMPED, tmp_path / "退回"), change=change)
    assert states(back) == ["explained"] * 6


def test_a_list_that_comes_by_itself_is_read_beside_the_form(tmp_path: Path) -> None:
    """As for an xls: the list went back alone, and comes back with the form."""
    inbox = tmp_path / "报送"
    inbox.mkdir()
    shutil.copy(STAMPED, inbox / "表.xlsx")
    tables = reviewed([inbox], ("", "", ""), 1, ()).tables
    from xlgoals.annotate import problem_list

    (inbox / "清单.xlsx").write_bytes(problem_list(findings_of(tables), WORDS, file="表.xls"))
    explain(inbox / "清单.xlsx")
    result = run("check", inbox)
    assert result.exit_code == 0, result.output
    assert "1 个文件" in result.output and "没有找到" not in result.output, "the list is no return, and nothing is wrong with it"


def test_the_list_is_no_other_sheet_and_no_content(tmp_path: Path) -> None:
    source = EXAMPLES / "as-published" / "石鼓区医保局专项资金绩效目标申报表2020.xlsx"
    back = send(source, tmp_path / "退回")
    assert WORDS.list.sheet in [sheet.name for sheet in read_book(str(back), name="a").sheets]
    assert [(one["code"], one["cell"], one["key"]) for one in told(back)] == [(one["code"], one["cell"], one["key"]) for one in told(source)]


def test_keys_of_all_examples_are_told_apart_and_hold_no_place() -> None:
    """Every key of the published forms is one finding's, unless two findings say the same of the same thing."""
    forms = load_forms()
    tables = reviewed([EXAMPLES / "as-published"], ("", "", ""), 1, ()).tables
    found = [one for one in findings_of(tables) if one.at.cell]
    seen: dict[str, tuple[str, ...]] = {}
    for one in found:
        said = (one.code, one.at.file, one.found, one.expected)
        assert seen.setdefault(one.key, said) == said
    renamed = {"file": pl.col("file") + "2"}
    moved = tables.__class__(**{name: frame.with_columns(**renamed) if "file" in frame.columns else frame for name, frame in tables.items()})
    before, after = (
        [one.key for one in keyed(findings_of(some), some, forms.catalogue) if not one.code.startswith(("file.", "folder."))] for some in (tables, moved)
    )  # what is said of files and folders speaks of their names
    assert after == before and len(before) > 100


# --- writing them


def test_what_is_in_the_way_is_left_alone(tmp_path: Path) -> None:
    inbox, out = tmp_path / "报送", tmp_path / "退回"
    inbox.mkdir()
    (inbox / "甲").mkdir()
    shutil.copy(STAMPED, inbox / "甲" / "表.xlsx")
    shutil.copy(UNSTAMPED, inbox / "表.xlsx")
    shutil.copy(EXAMPLES / "filled" / "石鼓区医疗保障局-2020.xlsx", inbox / "没有问题.xlsx")
    assert run("check", inbox, "--return", out).exit_code == 1
    made = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert sorted(made) == ["甲/表.xlsx", "表.xlsx"], "only those with findings, where they came from"
    again = run("check", inbox, "--return", out)
    assert again.exit_code == 2 and "--force" in again.output
    assert run("check", inbox, "--return", out, "--force").exit_code == 1
    assert {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()} == made
    (out / "表.xlsx").write_bytes(STAMPED.read_bytes())
    refused = run("check", inbox, "--return", out, "--force")
    assert refused.exit_code == 2 and "不是本程序退回的表" in refused.output
    assert (out / "表.xlsx").read_bytes() == STAMPED.read_bytes() and (out / "甲" / "表.xlsx").read_bytes() == made["甲/表.xlsx"]


def test_a_folder_within_the_inbox_or_over_the_input_is_refused(tmp_path: Path) -> None:
    source = Path(shutil.copy(STAMPED, tmp_path / "表.xlsx"))
    before = source.read_bytes()
    for folder in (tmp_path, tmp_path / "退回"):
        assert run("check", tmp_path, "--return", folder, "--force").exit_code == 2
    assert run("check", source, "--return", tmp_path, "--force").exit_code == 2
    assert source.read_bytes() == before and not (tmp_path / "退回").exists()


@pytest.fixture
def cycle(tmp_path: Path) -> Path:
    """Two units that have reported, one with a blank name."""
    folder = tmp_path / "2025预算"
    create_cycle(folder, "2025", "yiyang-2023")
    (folder / "roster.xlsx").unlink()
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8-sig")
    for name, code, unit in (("养老", "415001", "安源区养老服务中心"), ("福利院", "415002", "安源区福利院")):
        report(folder / "inbox" / "民政" / f"{name}.xlsx", stamp(code, unit), {"project_name": ""})
    assert shipped("check", "--cycle", folder).exit_code == 1
    return folder


def test_in_a_cycle_what_need_not_go_back_any_more_is_taken_away(cycle: Path) -> None:
    out = cycle / "returned"
    (out / "公函.docx").write_bytes(b"PK")
    assert sorted(path.name for path in out.rglob("*.xlsx")) == ["养老.xlsx", "福利院.xlsx"]
    report(cycle / "inbox" / "养老（改）.xlsx", stamp("415001"), {"project_name": ""}, saved="2025-09-02T02:00:00Z")
    result = shipped("check", "--cycle", cycle)
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.xlsx")) == ["养老（改）.xlsx", "民政/福利院.xlsx"] and "拿掉" in result.stderr
    (cycle / "inbox" / "民政" / "福利院.xlsx").unlink()
    shipped("check", "--cycle", cycle)
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*")) == ["公函.docx", "养老（改）.xlsx"], "nor folders that hold nothing"


def test_a_copy_in_which_somebody_wrote_is_left_alone(cycle: Path) -> None:
    """A unit that mends the very file in returned/, instead of sending it."""
    out = cycle / "returned" / "民政"
    made = (out / "福利院.xlsx").read_bytes()
    for name in ("养老", "福利院"):
        explain(out / f"{name}.xlsx", "两院共用一套指标")
    (cycle / "inbox" / "民政" / "福利院.xlsx").unlink()
    before = [(out / f"{name}.xlsx").read_bytes() for name in ("养老", "福利院")]
    assert made not in before
    result = shipped("check", "--cycle", cycle)
    assert result.exit_code == 1 and result.stderr.count("又有人写过") == 2
    assert [(out / f"{name}.xlsx").read_bytes() for name in ("养老", "福利院")] == before


def test_equal_names_of_two_folders_stay_apart(tmp_path: Path) -> None:
    for folder, path in (("甲", STAMPED), ("乙", UNSTAMPED)):
        (tmp_path / folder).mkdir()
        shutil.copy(path, tmp_path / folder / "表.xlsx")
    out = tmp_path / "退回"
    assert run("check", tmp_path / "甲" / "表.xlsx", tmp_path / "乙" / "表.xlsx", "--return", out).exit_code == 1
    found = sorted(path for path in out.rglob("*.xlsx"))
    assert len(found) == 2 and all(path.resolve().is_relative_to(out.resolve()) for path in found)


def test_a_file_changed_since_it_was_judged_is_not_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(shutil.copy(STAMPED, tmp_path / "表.xlsx"))
    monkeypatch.setattr("xlgoals.cli_returns.tally", lambda *_: source.write_bytes(UNSTAMPED.read_bytes()))
    result = run("check", source, "--return", tmp_path / "退回")
    assert result.exit_code == 1 and "又被改动" in result.output and not (tmp_path / "退回").exists()


def test_what_cannot_be_marked_comes_back_as_a_list(tmp_path: Path) -> None:
    inbox, out = tmp_path / "报送", tmp_path / "退回"
    inbox.mkdir()
    (inbox / "密.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000)
    (inbox / "网页.xls").write_bytes(b"<html><table></table></html>")
    (inbox / "改名.xls").write_bytes(STAMPED.read_bytes())
    result = run("check", inbox, "--return", out)
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(["密.xlsx-校验问题清单.xlsx", "网页.xls-校验问题清单.xlsx", "改名.xlsx"]), "an xlsx by another name is marked, and gets the right ending"
    assert "不能直接标注" in result.output
    assert openpyxl.load_workbook(out / "密.xlsx-校验问题清单.xlsx").sheetnames == [WORDS.list.sheet]


def test_a_defect_of_ours_is_told_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xlgoals import returning

    inbox = tmp_path / "报送"
    inbox.mkdir()
    for name, path in (("a.xlsx", STAMPED), ("b.xlsx", UNSTAMPED)):
        shutil.copy(path, inbox / name)
    marked = returning.mark

    def crash(data: bytes, *told: object, **more: object) -> bytes:
        if more["file"] == "a.xlsx":
            raise ZeroDivisionError
        return marked(data, *told, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(returning, "mark", crash)
    result = run("check", inbox, "--return", tmp_path / "退回")
    assert result.exit_code == 3 and "ZeroDivisionError" in result.output
    assert [path.name for path in (tmp_path / "退回").iterdir()] == ["b.xlsx"]


# --- through a real office program

office = pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice")


@pytest.mark.office
@office
@pytest.mark.parametrize("to", ["xlsx", "xls", "ods"])
def test_explanations_survive_the_office(to: str, tmp_path: Path) -> None:
    """Answered, saved by LibreOffice, checked: explained. And its own spelling of our marks is taken off as well."""
    back = explain(send(STAMPED, tmp_path / "退回"))
    saved = convert([back], to, tmp_path) / f"{back.stem}.{to}"
    assert states(saved) == ["explained"] * 6
    if to == "xlsx":
        again = send(saved, tmp_path / "再退")
        book = openpyxl.load_workbook(again)
        assert [title for title in book.sheetnames if title.startswith(WORDS.list.sheet)] == [WORDS.list.sheet]
        notes = [cell.comment.text for sheet in book for row in sheet.iter_rows() for cell in row if cell.comment]
        assert len(notes) == 6 and all(note.count(WORDS.note.begin) == 1 for note in notes)
        ours = [rule for sheet in book for area in sheet.conditional_formatting for rule in area.rules if rule.formula and "xlgoals" in rule.formula[0]]
        assert len(ours) == 6, "tints are not doubled"
        twice = send(again, tmp_path / "三退")
        assert twice.read_bytes() == again.read_bytes()
