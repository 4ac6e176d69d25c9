"""Code lists: structure of any code, the shipped lists, and a bureau's own in the ways that people keep it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from xlgoals.codes import load_codes, take_codes
from xlgoals.errors import InputError, UsageError
from xlgoals.listing import read_listing, spellings
from xlgoals.spec import data_folder, load_forms
from xlgoals.subjects import read_subjects

CODES = load_forms().codes
HEADINGS = data_folder("mappings") / "listings.yaml"
FULL = [("208", "社会保障和就业支出"), ("20801", "人力资源和社会保障管理事务"), ("2080101", "行政运行"), ("301", "工资福利支出"), ("30101", "基本工资")]


@pytest.mark.parametrize("code, fault, level, parent", [
    ("208", "", 1, ""), ("20805", "", 2, "208"), ("2080505", "", 3, "20805"), ("2089876", "", 3, "20898"), ("", "digits", 0, ""),
    ("2080", "length", 0, ""), ("20805051", "length", 0, ""), ("30101", "begins", 2, "301"), ("208O5", "digits", 2, "208"), ("２０８", "digits", 1, ""),
])  # fmt: skip
def test_a_code_is_judged_by_its_structure(code: str, fault: str, level: int, parent: str) -> None:
    functional = CODES["functional"]
    assert (functional.fault(code), functional.level(code), functional.parent(code)) == (fault, level, parent)


def test_names_are_compared_as_people_read_them() -> None:
    economic = CODES["economic"]
    assert economic.fits("30213", "维修（护）费") and economic.fits("30213", " 维修(护)\n费") and economic.fits("39999", "什么都行")
    assert not economic.fits("30213", "维修费")


def test_every_shipped_code_has_its_parents_in_the_list() -> None:
    for one in CODES.values():
        assert all(one.fault(code) == "" for code in one.names)
        assert {one.parent(code) for code in one.names} - {""} <= set(one.names)
        assert list(one.names) == sorted(one.names) and not one.complete


def workbook(path: Path, rows: list[list[object]], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for column, number_format in (formats or {}).items():
        for cell in sheet[column]:
            cell.number_format = number_format
    book.save(path)
    return path


def test_a_full_list_replaces_names_and_knows_every_code(tmp_path: Path) -> None:
    rows: list[list[object]] = [["2025年政府收支分类科目"], [], ["序号", "功能分类科目编码（2025）", "科目名称", "备注"]]
    path = workbook(tmp_path / "科目.xlsx", [*rows, *([i, int(code), name] for i, (code, name) in enumerate(FULL, 1))])
    codes = take_codes(path, CODES, HEADINGS)
    assert dict(codes["functional"].names) == dict(FULL[:3]) and dict(codes["economic"].names) == dict(FULL[3:])
    assert codes["functional"].fault("2080505") == "unknown" and codes["functional"].fault("2080101") == "" and codes["functional"].complete


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_csv_may_be_of_any_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [("科目代码", "名 称"), *FULL]
    path = tmp_path / "科目.csv"
    path.write_text("\r\n".join(delimiter.join(line) for line in lines), encoding=encoding, newline="")
    assert dict(take_codes(path, CODES, HEADINGS)["functional"].names) == dict(FULL[:3])


@pytest.mark.parametrize("rows", [
    [[208, None, None, "社会保障和就业支出"], [None, 1, None, "人力资源和社会保障管理事务"], [None, None, 1, "行政运行"]],  # parts, blank above
    [["208", "", "", "社会保障和就业支出"], ["208", "01", "", "人力资源和社会保障管理事务"], ["208", "01", "01", "行政运行"]],  # parts, repeated
    [[208, "", "", "社会保障和就业支出"], ["", 20801, "", "人力资源和社会保障管理事务"], ["", "", 2080101, "行政运行"]],  # whole, in the level's column
])  # fmt: skip
def test_codes_may_stand_in_three_columns(tmp_path: Path, rows: list[list[object]]) -> None:
    path = workbook(tmp_path / "科目.xlsx", [["类", "款", "项", "科目名称"], *rows], {"B": "00", "C": "00"})
    assert dict(take_codes(path, CODES, HEADINGS)["functional"].names) == dict(FULL[:3])


def test_what_is_no_code_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="没有找到表头"):
        take_codes(workbook(tmp_path / "a.xlsx", [["姓名", "电话"], ["甲", "1"]]), CODES, HEADINGS)
    with pytest.raises(UsageError, match="没有读到科目编码"):
        take_codes(workbook(tmp_path / "b.xlsx", [["编码", "名称"], ["一", "甲"]]), CODES, HEADINGS)
    with pytest.raises(UsageError, match="打不开"):
        take_codes(tmp_path / "没有.csv", CODES, HEADINGS)
    (tmp_path / "c.xlsx").write_bytes(b"no workbook")
    with pytest.raises(UsageError, match="打不开"):
        take_codes(tmp_path / "c.xlsx", CODES, HEADINGS)


def test_the_later_folder_and_the_later_year_win(tmp_path: Path) -> None:
    text = 'codes: functional\ntitle: 支出\nyear: "{}"\nbegins: "2"\nlevels: ["3"]\nnames: {{"{}": 甲}}\n'
    (tmp_path / "codes").mkdir()
    for year, code in (("2025", "201"), ("2024", "202")):
        (tmp_path / "codes" / f"functional-{year}.yaml").write_text(text.format(year, code), encoding="utf-8")
    found = load_codes([data_folder("mappings"), tmp_path], [])
    assert (found["functional"].year, list(found["functional"].names)) == ("2025", ["201"]) and "economic" in found
    mistakes: list = []
    (tmp_path / "codes" / "functional-2026.yaml").write_text(text.format("2026", "301"), encoding="utf-8")
    load_codes([tmp_path], mistakes)
    assert "301" in str(mistakes[0]) and "functional-2026.yaml:6" in str(mistakes[0])


def test_the_roster_of_projects_is_read(tmp_path: Path) -> None:
    rows = read_listing(data_folder("examples") / "data" / "budget" / "subjects-qinglong-2024.csv", (("project_name", "subject"),), spellings(HEADINGS)["headings"])
    assert len(rows) == 25 and rows[0].text("project_code") == "13032123P00305610045Y" and rows[0].text("subject") == "2101301"
    assert rows[4].text("project_name").endswith("(冀财社【2023】208号)") and all(row.text("basis").startswith("推定") for row in rows)
    assert rows[0].place == "subjects-qinglong-2024.csv:2"


def written(path: Path, lines: list[str], encoding: str = "gb18030") -> Path:
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def test_every_mistake_of_a_code_list_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """Of a year's full list as it is copied together: codes of other classifications and notes are left, what is wrong is told."""
    good = ["说明：2026年", "序号,科目编码,科目名称,备注", "1,208,社会保障和就业支出,", "2,208,社会保障 和就业支出,又抄了一遍", "3,101,税收收入,", "4,501,机关工资福利支出,", "注：以上,,,"]
    codes = take_codes(written(tmp_path / "科目2026.csv", good), CODES, HEADINGS)
    assert dict(codes["functional"].names) == {"208": "社会保障和就业支出"} and codes["functional"].year == "2026" and not codes["economic"].complete
    wrong = ["5,2080,四位,", "6,20805O2,字母,", "7,2.08E+06,成了数字,", "8,208,社保支出,", "9,20805,,", "10,2100717,计划生育服务,", "11,2100799,其他计划生育事务支出,"]
    with pytest.raises(InputError) as error:
        take_codes(written(tmp_path / "科目.csv", [*good, *wrong]), CODES, HEADINGS)
    assert [(one.place, one.text.partition("，")[0]) for one in error.value.faults] == [
        ("科目.csv:8", "“2080”不是支出功能分类科目的编码（数字"), ("科目.csv:9", "“20805O2”不是支出功能分类科目的编码（数字"),
        ("科目.csv:10", "“2.08E+06”不是支出功能分类科目的编码（数字"), ("科目.csv:11", "科目 208 有两个名称：“社保支出”和“社会保障和就业支出”（科目.csv:3）"),
        ("科目.csv:12", "科目 20805 没有名称"), ("科目.csv:13", "有科目 2100717"),
    ]  # fmt: skip
    book = workbook(tmp_path / "科目.xlsx", [["科目编码", "科目名称"], ["2080502", "事业单位离退休"]])
    with pytest.raises(InputError, match=r"科目\.xlsx Sheet!第2行  有科目 2080502，没有它的上级 20805，请补上 20805 这一行"):
        take_codes(book, CODES, HEADINGS)


def test_every_mistake_of_a_list_of_projects_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    head = ["项目编码,项目名称,功能科目,是否结转", "P1,甲,2101301 城乡医疗救助,是", "P2,乙,,", ",丙,21015,", ",丙,21012,否"]
    found = read_subjects(written(tmp_path / "项目.csv", head), HEADINGS, CODES)
    assert [(one.project_code, one.project_name, one.code, one.carried) for one in found] == [
        ("P1", "甲", "2101301", True), ("", "丙", "21015", False), ("", "丙", "21012", False),
    ]  # fmt: skip
    with pytest.raises(InputError) as error:
        read_subjects(written(tmp_path / "项目.csv", [*head, "P3,丁,30101,", "P1,甲,21015,是", "P4,戊,2101301,1316.00"]), HEADINGS, CODES)
    assert [one.place for one in error.value.faults] == ["项目.csv:6", "项目.csv:7", "项目.csv:8"]
    assert "项目 P1 的科目写了两次" in str(error.value) and "“上年结转”一栏写的是“1316.00”" in str(error.value)
    full = {**CODES, "functional": replace(CODES["functional"], complete=True, names={"210": "卫生健康支出"})}
    with pytest.raises(InputError, match="里没有“2101301”这个编码"):
        read_subjects(written(tmp_path / "项目.csv", head), HEADINGS, full)
