"""The summary workbook: what stands in it, what its formulas give, where its links lead, that nothing in it runs."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import polars as pl
import pytest
from test_consolidate import HOSTILE_FILE, LONG, fund, made, small_batch

from xlgoals.consolidate import Summary, consolidate
from xlgoals.errors import SpecError
from xlgoals.outputs import TEXT_MOST, write_whole
from xlgoals.spec import data_folder
from xlgoals.stamp import OUTPUT_PROPERTY
from xlgoals.summary import About, write_data, write_summary
from xlgoals.tables import tabulate
from xlgoals.tablesheet import FIRST, HEAD
from xlgoals.wording import Wording, load_wording

WORDS = load_wording()
Sheet = Any  # openpyxl has no types


@pytest.fixture(scope="module")
def summary() -> Summary:
    return consolidate(small_batch())


@pytest.fixture(scope="module")
def path(summary: Summary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("收件箱")
    target = folder / "汇总" / "2024 年.xlsx"
    target.parent.mkdir()
    write_summary(summary, target, told=About(source="收件箱", forms={"yiyang-2023": "绩效目标表"}, base=folder))
    return target


@pytest.fixture(scope="module")
def formulas(path: Path) -> Sheet:
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def values(path: Path) -> Sheet:
    return openpyxl.load_workbook(path, data_only=True)


def name_of(table: str) -> str:
    return WORDS.front.name if table == "front" else WORDS.tables[table].name


def label(key: str) -> str:
    return WORDS.columns[key].label


def rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    """A sheet's data by heading."""
    headings = [cell.value for cell in sheet[HEAD + 1]]
    for row in sheet.iter_rows(min_row=FIRST + 1):
        yield dict(zip(headings, (cell.value for cell in row), strict=True))


def test_sheets_stand_in_order_and_each_has_one_table(formulas: Sheet) -> None:
    assert formulas.sheetnames == ["说明与目录", "部门汇总", "项目汇总", "指标汇总", "问题清单"]
    for sheet in formulas:
        assert sheet["A1"].value
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes == f"A{FIRST + 1}"
        assert sheet.auto_filter.ref.startswith(f"A{HEAD + 1}:")
        assert all(cell.value for cell in sheet[HEAD + 1])
        page = sheet.page_setup
        wide = sum((one.width - 0.71) * (one.max - one.min + 1) for one in sheet.column_dimensions.values()) > WORDS.looks.wide
        assert (page.orientation, page.paperSize, page.fitToWidth or 1, page.fitToHeight) == ("landscape", 8 if wide else 9, 1, 0)  # 1 is left out
        assert sheet.print_title_rows == f"${HEAD + 1}:${HEAD + 1}"
        assert sheet.oddFooter.center.text == "第 &P 页 共 &N 页"


def test_the_workbook_is_known_as_our_output(formulas: Sheet) -> None:
    assert {one.name: one.value for one in formulas.custom_doc_props.props} == {OUTPUT_PROPERTY: "summary"}


def test_totals_are_formulas_that_carry_the_true_value(summary: Summary, formulas: Sheet, values: Sheet) -> None:
    """Every figure of 部门汇总 is a formula, and what it carries is the frame's figure, to the cent."""
    written, carried = list(rows(formulas["部门汇总"])), list(rows(values["部门汇总"]))
    expected = [summary.total.row(0, named=True)]
    for department in summary.subtotals.iter_rows(named=True):
        expected.append(department)
        expected += summary.departments.filter(pl.col("department_no") == department["department_no"]).to_dicts()
    assert len(carried) == len(expected)
    figures = [key for key in WORDS.tables["departments"].columns if key in summary.total.columns]
    assert len(figures) > 10
    for formula, value, frame in zip(written, carried, expected, strict=True):
        for key in figures:
            if formula[label("level")] == "单位" and key.startswith("carryover"):
                assert formula[label(key)] == 0  # no project has any: no column to add up
            else:
                assert str(formula[label(key)]).startswith("=")
            if frame[key] is None:  # a share of nothing
                assert value[label(key)] in (None, "")
            else:
                assert Decimal(str(value[label(key)])) == Decimal(str(frame[key]))


def test_the_front_sheet_shows_the_three_figures(formulas: Sheet, values: Sheet) -> None:
    told = {row["名称"]: row["内容"] for row in rows(values["说明与目录"])}
    assert (told["可汇总（万元）"], told["待核实（万元）"], told["合计（万元）"]) == (103.500001, 123.456789, 226.95679)
    assert (told["待核实的表数"], told["来源文件数"], told["预算年度"]) == (1, 4, "2024")
    assert told["表样"] == "qinglong-2024、绩效目标表"
    assert "汇总时间" not in told  # nothing was told, and nothing is read from the clock
    written = {row["名称"]: row["内容"] for row in rows(formulas["说明与目录"])}
    assert written["可汇总（万元）"].startswith("='部门汇总'!")
    assert told[HOSTILE_FILE] == "1 张表；错误 0，核实 0，提示 2"
    assert told["坏.xlsx"].startswith("没有读出表")


def test_money_is_shown_to_the_cent_beside_what_was_printed(formulas: Sheet) -> None:
    projects = list(rows(formulas["项目汇总"]))
    told = [(row[label("total_printed")], row[label("total")], row[label("state")]) for row in projects]
    assert told == [
        ("（未填，按各来源相加）", 0.000001, "可汇总"),
        ("1,234,567.89 元", 123.456789, "待核实"),
        ("100.5 万元", 100.5, "可汇总"),
        ("3 万元", 3, "可汇总"),
        (None, None, "未填金额"),
    ]
    column = WORDS.tables["projects"].columns.index("total") - 1  # project_code, all blank, is not shown
    assert formulas["项目汇总"].cell(FIRST + 1, column + 1).number_format == "#,##0.00####"
    assert label("mid_term_total") in projects[0]
    assert label("long_term_total") not in projects[0]
    assert label("carryover") not in projects[0]


def test_foreign_text_stays_text(formulas: Sheet, path: Path) -> None:
    project = next(row for row in rows(formulas["项目汇总"]) if row[label("unit")] == "甲中心")
    indicator = list(rows(formulas["指标汇总"]))[2]
    assert project[label("project_name")] == "=1+1"
    assert (indicator[label("name")], indicator[label("target")]) == ("@SUM(A1:A9)", "≥5人")
    assert indicator[label("remark")].strip() == "<r>注入</r>"
    description = indicator[label("description")]
    assert len(description) == TEXT_MOST
    assert description.endswith("…（已截断）")
    assert LONG.startswith(description.removesuffix("…（已截断）"))
    with zipfile.ZipFile(path) as pack:
        sheets = [pack.read(name).decode() for name in pack.namelist() if name.startswith("xl/worksheets/sheet")]
    written = re.findall(r"<f>(.*?)</f>", "".join(sheets))
    assert written
    assert all(re.match(r"(ROUND\(SUMIFS|SUMIFS|COUNTIFS|IF)\(|'部门汇总'!", one) for one in written)
    for sheet in formulas:
        for row in sheet.iter_rows(min_row=FIRST + 1):
            assert {cell.number_format for cell in row if cell.data_type == "s"} <= {"@"}


def test_every_row_links_to_its_cell(path: Path, formulas: Sheet) -> None:
    for name in ("项目汇总", "指标汇总", "问题清单"):
        sheet = formulas[name]
        column = [cell.value for cell in sheet[HEAD + 1]].index("单元格")
        for row, told in zip(sheet.iter_rows(min_row=FIRST + 1), rows(sheet), strict=True):
            link = row[column].hyperlink
            assert unquote(link.target) == f"../{told['源文件']}"
            assert link.location == (f"'{told['工作表']}'!{told['单元格']}" if told["工作表"] else None)
            assert row[column].value == (told["单元格"] or "打开")
    with zipfile.ZipFile(path) as pack:
        links = pack.read("xl/worksheets/_rels/sheet3.xml.rels").decode()
    assert 'Target="../医保%20局/甲%231%20100%25\'s.xlsx" TargetMode="External"' in links


def test_a_finding_bears_the_name_of_its_rule_and_the_code_that_explains_it(summary: Summary, tmp_path: Path) -> None:
    rules = {code: f"规则{n}" for n, code in enumerate(summary.findings["code"].unique())}  # type: ignore[union-attr]
    write_summary(summary, tmp_path / "a.xlsx", told=About(base=tmp_path, rules=rules))
    found = [*rows(openpyxl.load_workbook(tmp_path / "a.xlsx")["问题清单"])]
    assert found and all(row["规则"] == rules[row["规则代码"]] for row in found)


def test_links_follow_the_paths_told(summary: Summary, tmp_path: Path) -> None:
    write_summary(summary, tmp_path / "a.xlsx", told=About(paths={"乙.xlsx": tmp_path / "另一处" / "乙（1）.xlsx"}))
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["项目汇总"]
    links = {cell.hyperlink.target for row in sheet.iter_rows(min_row=FIRST + 1) for cell in row if cell.hyperlink}
    assert links == {"另一处/乙（1）.xlsx"}


def test_contents_and_ways_back(formulas: Sheet) -> None:
    inner = [cell.hyperlink.location for row in formulas["说明与目录"].iter_rows(max_col=2) for cell in row if cell.hyperlink]
    assert inner == [f"'{name}'!A1" for name in formulas.sheetnames[1:]]
    assert {sheet["A3"].hyperlink.location for sheet in formulas.worksheets[1:]} == {"'说明与目录'!A1"}


def test_widths_and_heights_make_room_for_chinese(formulas: Sheet) -> None:
    sheet = formulas["指标汇总"]
    assert 400 < sheet.row_dimensions[FIRST + 3].height <= 409  # Excel's limit, for the 40,000 characters
    assert sheet.row_dimensions[FIRST + 1].height < 40


def test_equal_input_gives_equal_bytes(summary: Summary, tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_summary(summary, tmp_path / name, told=About(base=tmp_path, made="2024-12-01"))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_written_whole_it_is_the_same_file(summary: Summary, tmp_path: Path) -> None:
    write_summary(summary, tmp_path / "a.xlsx", told=About(base=tmp_path))
    with write_whole(tmp_path / "b.xlsx") as draft:
        write_summary(summary, draft, told=About(base=tmp_path))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_an_empty_batch_says_so(tmp_path: Path) -> None:
    write_summary(consolidate(tabulate([])), tmp_path / "a.xlsx", told=About())
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book["问题清单"]["A2"].value.endswith("没有发现问题。")
    assert [row[label("level")] for row in rows(book["部门汇总"])] == ["合计"]


def test_many_rows_are_not_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, summary: Summary) -> None:
    monkeypatch.setattr("xlgoals.tablesheet.LINKED_ROWS_MOST", 4)
    write_summary(summary, tmp_path / "a.xlsx", told=About(base=tmp_path))
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    linked = [any(cell.hyperlink for cell in book[name][FIRST + 1]) for name in ("项目汇总", "指标汇总", "问题清单")]
    assert linked == [False, True, False]
    assert [row["单元格"] for row in rows(book["项目汇总"])] == ["C3", "C3", "C3", "C3", "C33"]


def test_names_that_criteria_would_misread_add_up_right(tmp_path: Path) -> None:
    names = ["*", "?", ">1", "=1+1", "~", "a", "A", ""]
    summary = consolidate(tabulate(made(f"{n}.xlsx", "s", f"局|{name}|项", [fund("1", "万元")]) for n, name in enumerate(names)))
    write_summary(summary, tmp_path / "a.xlsx", told=About())
    written = [row for row in rows(openpyxl.load_workbook(tmp_path / "a.xlsx")["部门汇总"]) if row[label("level")] == "单位"]
    assert len(written) == len(names)
    assert all("*" not in row[label("total")] and '"局"' not in row[label("total")] for row in written)


@pytest.mark.office
@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice")
def test_libreoffice_comes_to_the_same_totals(path: Path, values: Sheet, tmp_path: Path) -> None:
    """Take the carried values out, so that LibreOffice must compute them, and compare all cells."""
    bare = tmp_path / "bare.xlsx"
    with zipfile.ZipFile(path) as pack, zipfile.ZipFile(bare, "w") as out:
        for name in pack.namelist():
            part = pack.read(name)
            if name.startswith("xl/worksheets/sheet"):
                part, count = re.subn(rb"(</f>)<v>[^<]*</v>", rb"\1<v></v>", part)
                assert count or not name.endswith("sheet2.xml")
            out.writestr(name, part)
    home = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", home, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "out"), str(bare)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    computed = openpyxl.load_workbook(tmp_path / "out" / "bare.xlsx", data_only=True)
    for name in ("说明与目录", "部门汇总"):
        ours, theirs = list(rows(values[name])), list(rows(computed[name]))
        assert len(ours) == len(theirs)
        for mine, its in zip(ours, theirs, strict=True):
            for heading, value in mine.items():
                if isinstance(value, int | float):
                    assert its[heading] == value, (name, heading)


# --- words -----------------------------------------------------------------------------------------------------------


def test_every_column_of_every_frame_has_words(summary: Summary) -> None:
    for name, frame in summary.items():
        assert name in WORDS.tables
        assert set(frame.columns) <= set(WORDS.columns), name
    for name, table in WORDS.tables.items():
        if not name.startswith("budget_"):  # those: test_budget
            assert {WORDS.columns[key].of or key for key in table.columns} - {"level"} <= set(getattr(summary, name).columns)
        assert table.optional <= set(table.columns)
    for heading in WORDS.columns.values():
        assert not heading.words or heading.words in {*WORDS.words, "severity", "status", "form", "rule"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  size: 10\n", "  size: 十\n", "looks.size"),
        ("columns: [level, ", "columns: [levl, ", "levl"),
        ("columns: [project_no, unit_no, ", "columns: [project_no, ", "unit_no"),
        ("  about: 每个部门一行的小计", "  abot: 每个部门一行的小计", "subtotals"),
    ],
)
def test_mistakes_in_the_words_are_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (data_folder("mappings") / "summary.yaml").read_text(encoding="utf-8")
    old, new = (part.removeprefix("  ") if "about" in old else part for part in (old, new))
    assert old in text
    (tmp_path / "summary.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError, match=told):
        load_wording(tmp_path / "summary.yaml")


def test_a_bureau_may_rearrange_columns(summary: Summary, tmp_path: Path) -> None:
    tables = dict(WORDS.tables)
    tables["projects"] = tables["projects"].model_copy(
        update={"columns": ("project_name", "unit_no", "state", "total", "file", "sheet", "cell")}
    )
    words: Wording = WORDS.model_copy(update={"tables": tables})
    write_summary(summary, tmp_path / "a.xlsx", told=About(), wording=words)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx", data_only=True)
    first = next(rows(book["部门汇总"]))
    assert (first[label("total_ready")], first[label("fiscal_ready")]) == (103.500001, 60.500001)


# --- data ------------------------------------------------------------------------------------------------------------


def test_data_holds_the_same_tables_and_a_legend(summary: Summary, tmp_path: Path) -> None:
    write_data(summary, tmp_path / "d", "parquet")
    for name, frame in summary.items():
        assert pl.read_parquet(tmp_path / "d" / f"{name}.parquet").equals(frame)
    legend = pl.read_parquet(tmp_path / "d" / "columns.parquet")
    assert ("projects", "total", "年度资金总额（万元）") in legend.rows()
    write_data(summary, tmp_path / "d.json", "json")
    told = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    assert [*told] == [*(field.name for field in dataclasses.fields(Summary)), "columns"]
    assert told["total"][0]["total_ready"] == "103.500001"
    write_data(summary, tmp_path / "c", "csv")
    assert "'=1+1" in (tmp_path / "c" / "projects.csv").read_text(encoding="utf-8-sig")
