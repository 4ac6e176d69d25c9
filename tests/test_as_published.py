"""The workbooks of offices that never had our template: made again as they are, with their defects, and read."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import openpyxl
import pytest

from xlgoals.findings import Finding
from xlgoals.parse import understand
from xlgoals.read import read_book
from xlgoals.records import Given, Return
from xlgoals.spec import data_folder, load_forms
from xlgoals.target import as_typed
from xlgoals.yamlmark import load_marked

EXAMPLES = data_folder("examples")
FOLDER = EXAMPLES / "as-published"
YIYANG = "弋阳县医疗保障局2023年项目支出绩效目标表.xlsx"
LUAN = "六安市医疗保障局2023年项目支出绩效目标表.xlsx"
QINGLONG = "青龙县医保局2024年项目绩效目标.xlsx"
PINGLUO = "平罗县医疗保障局2026年项目绩效目标表.xlsx"
SHIGU = "石鼓区医保局专项资金绩效目标申报表2020.xlsx"

EXPECTED = {  # workbook: its form; forms, annual indicators, mid-term ones that a reader should find
    YIYANG: ("yiyang-2023", 6, 36, 0),
    LUAN: ("luan-2023", 5, 66, 66),
    QINGLONG: ("qinglong-2024", 25, 238, 0),
    PINGLUO: ("pingluo-2026", 6, 54, 0),
    SHIGU: ("shigu-2020", 4, 17, 0),
}
NOWHERE = {QINGLONG: ("year", "department", "unit"), SHIGU: ("unit",)}  # what a document prints nowhere on its forms
EACH = pytest.mark.parametrize("name", [pytest.param(name, id=form) for name, (form, *_) in EXPECTED.items()])
LUAN_1 = "专项业务费-医疗保障专项业务费"
STANDS = [  # workbook, sheet, cell, what is typed there: the defects, as the README names them
    (YIYANG, "Sheet1", "A2", "(2,023年度)"),
    (YIYANG, "Sheet1", "C5", 1907400),
    (YIYANG, "Sheet2", "D15", "=100%"),
    (YIYANG, "Sheet4", "B3", None),
    (YIYANG, "Sheet4", "C3", "城乡医疗救助县级财政补助资金"),
    (YIYANG, "Sheet4", "D4", "实施单位 弋阳县医疗保障服务中心"),
    (YIYANG, "Sheet4", "D5", 24480000),
    (YIYANG, "Sheet6", "C3", "城镇职工县级财政补助资金"),
    (YIYANG, "Sheet6", "D4", "实施单位 弋阳县医疗保障服务中心"),
    (LUAN, LUAN_1, "A1", "表十四、2023年项目支出绩效目标表"),
    (LUAN, LUAN_1, "A13", "产出 指标"),
    (LUAN, LUAN_1, "B14", "数量 指标"),
    (LUAN, LUAN_1, "A23", "绩效指标"),
    (LUAN, LUAN_1, "C24", "时效指标"),
    (LUAN, LUAN_1, "D24", None),
    (LUAN, LUAN_1, "E24", "离休干部医药费中介审计完成时间"),
    (LUAN, LUAN_1, "I24", "1次/半年"),
    (LUAN, LUAN_1, "C30", "效益指标"),
    (LUAN, LUAN_1, "E30", "医保基金不符合规定支出追回率"),
    (LUAN, LUAN_1, "B31", "社会效益指标"),
    (LUAN, "医疗服务与保障能力提升补助资金", "A1", "项目支出绩效目标申报表"),
    (LUAN, "医疗服务与保障能力提升补助资金", "A3", "项目责任人 (签字) :"),
    (QINGLONG, "Sheet1", "A2", "单位：万元"),
    (QINGLONG, "Sheet1", "B8", "1. 通过政府资助特困人群个人缴费资金安排,实现了保障困难群众参保"),
    (QINGLONG, "Sheet1", "G16", "冀医保发"),
    (QINGLONG, "Sheet1", "A17", "一级指标"),
    (QINGLONG, "Sheet1", "G18", "【2021】10号文件精神"),
    (QINGLONG, "Sheet1", "B19", "质量指标"),
    (PINGLUO, "项目绩效目标表", "B1", "附件 2"),
    (PINGLUO, "项目绩效目标表", "B5", "(2026 年)"),
    (PINGLUO, "项目绩效目标表", "E9", 2000000),
    (PINGLUO, "项目绩效目标表", "D11", None),
    (PINGLUO, "项目绩效目标表", "D16", "无"),
    (PINGLUO, "项目绩效目标表", "B52", "产出指标"),
    (PINGLUO, "项目绩效目标表", "B53", None),
    (SHIGU, "城乡医疗救助", "C6", "城乡医疗救助　"),
    (SHIGU, "城乡医疗救助", "G6", "延续专项     新增专项□    "),
    (SHIGU, "城乡医疗救助", "G7", "10　"),
    (SHIGU, "城乡医疗救助", "B9", "专项立项\n依据"),
    (SHIGU, "城乡医疗救助", "B10", "专项实施  进度计划"),
    (SHIGU, "城乡医疗救助", "G15", "　"),
    (SHIGU, "城乡居民医保系统维护费", "C15", "产\n出\n指\n标"),
    (SHIGU, "城乡居民医保系统维护费", "D16", None),
    (SHIGU, "医保专项经费", "G6", "延续专项□      新增专项    "),
]


def script() -> ModuleType:
    found = importlib.util.spec_from_file_location("as_published", EXAMPLES / "as_published.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@cache
def document(name: str) -> Mapping[str, Any]:
    return load_marked(EXAMPLES / "data" / f"{EXPECTED[name][0]}.yaml").data


@cache
def understood(name: str) -> tuple[list[Return], list[Finding]]:
    """What is read of a file; the one who reads says only what stands nowhere in it."""
    given = Given(**{part: document(name)[part] for part in NOWHERE.get(name, ())})
    return understand(read_book(str(FOLDER / name), name=name), load_forms(), given)


def test_made_again_they_are_the_same() -> None:
    made = dict(script().workbooks())
    assert made.keys() == EXPECTED.keys() == {path.name for path in FOLDER.glob("*.xlsx")}
    for name, package in made.items():
        assert (FOLDER / name).read_bytes() == package, f"{name}: run examples/as_published.py"


@EACH
def test_nothing_of_a_template_is_in_them(name: str) -> None:
    with zipfile.ZipFile(FOLDER / name) as package:
        assert not any(b"openpyxl" in package.read(part).lower() for part in package.namelist())
    book = openpyxl.load_workbook(FOLDER / name)
    assert not book.defined_names and not (book.security and book.security.lockStructure)
    for sheet in book.worksheets:
        assert sheet.sheet_state == "visible" and not sheet.protection.sheet
        assert not sheet.data_validations.dataValidation and not sheet.conditional_formatting and not sheet.defined_names
        assert not any(row.hidden for row in sheet.row_dimensions.values())
        assert not any(column.hidden for column in sheet.column_dimensions.values())
        for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
            assert not cell.value.startswith(("{", "#")) and cell.data_type != "f", cell.coordinate


@pytest.mark.parametrize(("name", "sheet", "cell", "typed"), [pytest.param(*one, id=f"{EXPECTED[one[0]][0]}-{one[2]}") for one in STANDS])
def test_a_defect_stands_where_it_is_told(name: str, sheet: str, cell: str, typed: object) -> None:
    assert openpyxl.load_workbook(FOLDER / name)[sheet][cell].value == typed


@EACH
def test_every_word_of_the_document_stands_in_it(name: str) -> None:
    """Indicator by indicator, in the order of the document; a cell broken by the page is put together again."""
    book = openpyxl.load_workbook(FOLDER / name)
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    there = Counter(bare(as_typed(cell.value, cell.number_format)) for cell in cells)
    values = Counter(
        bare(line[part])
        for project in document(name)["projects"]
        for grid in ("indicators", "mid_term_indicators")
        for line in project.get(grid, ())
        for part in ("name", "description", "target")
        if line.get(part)
    )
    assert not values - there
    everything = "".join(there)
    assert all(bare(goal) in everything for project in document(name)["projects"] for goal in project.get("goals", [project.get("goal", "")]))


@EACH
def test_all_forms_and_indicators_are_found(name: str) -> None:
    form, forms, annual, mid_term = EXPECTED[name]
    returns, _ = understood(name)
    counted = Counter(indicator.horizon for one in returns for indicator in one.indicators)
    assert {one.form for one in returns} == {form}
    assert (len(returns), counted["annual"], counted["mid_term"]) == (forms, annual, mid_term)


@EACH
def test_what_is_read_is_what_the_document_says(name: str) -> None:
    """Project, horizon, levels, name and value of every indicator: none wrong, none lost, none made up."""
    form = load_forms()[EXPECTED[name][0]]

    def told(project: str, horizon: str, level1: str, level2: str, words: str, target: str) -> tuple[str, ...]:
        levels = (form.canonical(level1, "level1"), form.canonical(level2, "level2"))
        return bare(project), horizon, *levels, bare(words), bare(target)

    said = Counter(
        told(project["project_name"], horizon, line["level1"], line["level2"], line["name"], line["target"])
        for project in document(name)["projects"]
        for grid, horizon in (("indicators", "annual"), ("mid_term_indicators", "mid_term"))
        for line in project.get(grid, ())
    )
    read = Counter(
        told(one.fields.get("project_name", ""), i.horizon, i.level1, i.level2, i.name, i.target)
        for one in understood(name)[0]
        for i in one.indicators
    )
    assert (read - said, said - read) == (Counter(), Counter())


@EACH
def test_what_is_not_read_is_named(name: str) -> None:
    """Every other word of a form is in what was read of it, or in a finding: the rest of a cell that the page broke, too."""
    returns, findings = understood(name)
    assert len(returns) == len(document(name)["projects"])
    named = bare("".join(finding.found for finding in findings))
    for one, project in zip(returns, document(name)["projects"], strict=True):
        figures = [*(line.printed for line in one.funds), *(detail.text for detail in one.details)]
        words = [*one.fields.values(), *(goal.text for goal in one.goals), *(text for i in one.indicators for text in i.more.values())]
        read = {bare(text) for text in (*figures, *words)}
        told = "|".join(sorted(read))
        for key, value in project.items():
            for whole in map(bare, _texts(value) if key not in ("restored", "seq", "title", "person_label") else ()):
                broken = any(whole[:n] in read and whole[n:] in named for n in range(1, len(whole)))
                figure = re.fullmatch(r"[\d.]+", whole)
                assert (whole in read if figure else whole in told) or whole in named or broken, f"{project['seq']} {key}: {whole}"


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    lines = value if isinstance(value, list) else ()
    parts = ("description", "basis", "task", "start", "finish")
    return [text for line in lines for text in ([line] if isinstance(line, str) else [line[p] for p in parts if p in line])]


def bare(text: str) -> str:
    """A text without blanks, and figures without what a number cell does not keep: commas, ending noughts."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", re.sub(r"\s", "", text))
    return re.sub(r"(?<=\d)(\.\d*?)0+(?!\d)", lambda decimals: decimals[1].rstrip("."), text)
