"""Type the five published documents as an office does that never had our template: their layouts and defects included.

Run from the repository: `python examples/as_published.py` writes `examples/as-published/*.xlsx`; a test regenerates and compares
them. The words come from `examples/data/*.yaml`; what is printed otherwise than it is meant (a year with a thousands comma, a
shifted column, a form broken by the page) is listed here, above the office that types it.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import re
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.worksheet import Worksheet

from xlgoals.spec import data_folder
from xlgoals.yamlmark import load_marked

Project = Mapping[str, Any]
Cell = str | tuple[str, int] | tuple[str, int, int]  # text, columns across, rows down
MOMENT = dt.datetime(2025, 1, 1)  # noqa: DTZ001  # of the workbooks' making, so that equal data gives equal bytes
THIN = Border(*[Side("thin")] * 4)
LINE = 15  # points of one line of a cell


# --- at the keyboard ---------------------------------------------------------------------------------------------------


def as_excel_takes(text: str) -> tuple[str | int | float, str]:
    """What a text becomes when it is typed into a cell, and the number format it ends up with."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        return int(text.replace(",", "")), "#,##0"
    if re.fullmatch(r"\d+%", text):
        share = int(text[:-1])
        return (share // 100 if share % 100 == 0 else share / 100), "0%"
    if re.fullmatch(r"\d+\.\d\d", text):
        return (float(text) if float(text) % 1 else int(float(text))), "0.00"
    if re.fullmatch(r"0|[1-9]\d*", text):
        return int(text), "General"
    return text, "General"


class Typist:
    """Types a table row by row from the left, as in an HTML table: a cell may go across and down, and covered places are skipped."""

    def __init__(self, sheet: Worksheet, widths: Sequence[float], corner: str = "A1", font: str = "宋体", size: float = 11) -> None:
        self.sheet, self.widths, self.font, self.size = sheet, widths, font, size
        self.row_now, self.left = sheet[corner].row, sheet[corner].column
        self.covered: set[tuple[int, int]] = set()
        self.tall: list[tuple[int, int, float]] = []  # first row, last row, points that the text of a cell needs
        for n, width in enumerate(widths):
            sheet.column_dimensions[get_column_letter(self.left + n)].width = width

    def row(self, *cells: Cell, width: int | None = None) -> None:
        """One row of the table, filled with blank cells up to its width."""
        self._type(cells, width or len(self.widths), boxed=True)

    def line(self, *cells: Cell, size: float | None = None, bold: bool = False, align: str = "left") -> None:
        """One row outside the table: a title, the line for signatures."""
        self._type(cells, len(self.widths), boxed=False, size=size, bold=bold, align=align)

    def skip(self, rows: int = 1) -> None:
        self.row_now += rows

    def _type(
        self, cells: Iterable[Cell], width: int, *, boxed: bool, size: float | None = None, bold: bool = False, align: str = ""
    ) -> None:
        waiting = iter(cells)
        for n in range(width):
            if (self.row_now, n) in self.covered:
                continue
            given = next(waiting, "")
            text, across, down = (given, 1, 1) if isinstance(given, str) else (*given, 1)[:3]
            self._cell(n, text, across, down, boxed, Font(self.font, size or self.size, bold=bold), align)
        if left_over := list(waiting):
            raise SystemExit(f"{self.sheet.title}!{self.row_now}: no room for {left_over}")
        self.row_now += 1

    def _cell(self, n: int, text: str, across: int, down: int, boxed: bool, font: Font, align: str) -> None:
        top, left = self.row_now, self.left + n
        cell = self.sheet.cell(top, left)
        value, cell.number_format = as_excel_takes(text)
        cell.value = None if value == "" else value
        if text.startswith("="):
            cell.data_type = "s"  # typed with an apostrophe before it: stays text
            cell.quotePrefix = True
        for row in range(top, top + down):
            for col in range(left, left + across):
                self.covered.add((row, col - self.left))
                here = self.sheet.cell(row, col)
                here.font = font
                if boxed:
                    here.border = THIN
        horizontal = align or ("left" if len(text) > 16 else "center")
        cell.alignment = Alignment(horizontal, "center", wrap_text=True)
        if across > 1 or down > 1:
            self.sheet.merge_cells(start_row=top, start_column=left, end_row=top + down - 1, end_column=left + across - 1)
        room = sum(self.widths[n : n + across]) * 0.92 - 1
        lines = sum(max(1, -(-_units(part) // room)) for part in text.split("\n"))
        self.tall.append((top, top + down - 1, max(lines * LINE * (font.size / 11), LINE) + 4))

    def fit_rows(self) -> None:
        """Drag every row as tall as its cells need; what a merged cell still lacks goes to its last row."""
        heights: dict[int, float] = {}
        for first, last, need in sorted(self.tall, key=lambda one: one[1] - one[0]):
            lacks = need - sum(heights.get(row, LINE + 4) for row in range(first, last))
            heights[last] = max(heights.get(last, LINE + 4), lacks)
        for row, height in heights.items():
            self.sheet.row_dimensions[row].height = round(height, 2)


def _units(text: str) -> float:
    """The width of a text in digits."""
    return sum(2 if unicodedata.east_asian_width(c) in "FWA" else 1 for c in text)


def below(words: Sequence[str]) -> Iterator[Cell | None]:
    """Equal words one below another as one merged cell; None where the cell above goes on."""
    for word, same in groupby(words):
        rows = len(list(same))
        yield (word, 1, rows)
        yield from [None] * (rows - 1)


def there(*cells: Cell | None) -> list[Cell]:
    return [cell for cell in cells if cell is not None]


def page(book: openpyxl.Workbook, name: str, *, landscape: bool = False) -> Worksheet:
    sheet = book.create_sheet(name)
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # one page wide, as many tall as it takes
    return sheet


def printed(project: Project, field: str, otherwise: str = "") -> str:
    """What the document prints for a field, where the transcription restored it."""
    return next((note["printed"] for note in project["restored"] if note["field"] == field), otherwise)


# --- 弋阳: six sheets with Excel's own names; in two forms the columns have slipped ------------------------------------

SLIPPED = {"4": "blank", "6": "merged"}  # form -> what stands in the column that came in between: nothing, or the label goes over it


def yiyang(book: openpyxl.Workbook, data: Project) -> None:
    for project in data["projects"]:
        t = Typist(page(book, f"Sheet{project['seq']}"), (16, 22, 36, 24))
        slip = SLIPPED.get(project["seq"])

        def label(text: str, down: int = 1, slip: str | None = slip) -> list[Cell]:
            return [(text, 2, down)] if slip == "merged" else [(text, 1, down), ("", 1, down)] if slip else [(text, 1, down)]

        t.line(("项目支出绩效目标表", 4), size=16, bold=True, align="center")
        t.line((f"({printed(project, 'year')}年度)", 4), align="center")
        t.row(*label("项目名称"), (project["project_name"], 2 if slip else 3))
        if slip:
            t.row(*label("主管部门及代码"), data["department"], f"实施单位 {data['unit']}")
        else:
            t.row(*label("主管部门及代码"), data["department"], "实施单位", data["unit"])
        money = {"年度资金总额": "total", "其中：财政拨款": "fiscal", "其他资金": "other", "上年结转": "carryover"}
        for n, (words, key) in enumerate(money.items()):
            t.row(*(label("项目资金 (万元)", 4) if n == 0 else ()), words, (project[key], 1 if slip else 2))
        t.row(("年度绩效目标", 4))
        t.row((project["goal"], 4))
        t.row("一级指标", "二级指标", "三级指标", "指标值")
        lines = project["indicators"]
        for level1, line in zip(below([one["level1"] for one in lines]), lines, strict=True):
            t.row(*there(level1, line["level2"], line["name"], line["target"]))
        t.fit_rows()


# --- 六安: a sheet a project, named by it; the first form is broken by the page ----------------------------------------

LUAN_BLOCKS = (
    ("产出指标", ("数量指标", "质量指标", "时效指标", "成本指标")),
    ("效益指标", ("经济效益指标", "社会效益指标", "生态效益指标", "可持续影响指标")),
    ("满意度指标", ("满意度指标",)),
)
PAGE_END = 9  # lines of the first form before the page ends
BROKEN = {  # first form: what stands before the third level, from the column 一级指标 on; three cells: the line has slipped to the right
    "数量指标": ("数量 指标", "数量 指标"),
    "质量指标": ("质量 指标", "质量 指标"),
    "时效指标": ("", "时效指标", ""),
    "成本指标": ("", "成本指标"),
    "经济效益指标": ("", "效益指标", "经济效益指标"),
    "社会效益指标": ("社会效益指标", ""),
    "生态效益指标": ("生态效益指标", ""),
    "可持续影响指标": ("可持续影响指标", ""),
    "满意度指标": ("满意度指标", "满意度指标"),
}


def luan(book: openpyxl.Workbook, data: Project) -> None:
    for project in data["projects"]:
        t = Typist(page(book, project["project_name"]), (6, 8, 11, 24, 13, 11, 24, 13))
        spelt = {"1": str, "5": _loose}.get(project["seq"], _half)
        year = f"{data['year']} 年度"
        t.line((project["title"], 8), size=16, bold=True, align="center")
        t.line((f"（{year}）" if project["seq"] == "1" else f"({year})", 8), align="center")
        if project["seq"] == "5":
            t.line((spelt(f"{project['person_label']}（签字）："), 4), (spelt("单位（盖章）："), 4))
        else:
            t.line((spelt(f"{project['person_label']}（签字）："), 8))
            t.line((spelt("单位（盖章）："), 8))
        t.row(("项目名称", 2), (project["project_name"], 6))
        t.row(("主管部门及代码", 2), (project["department"], 2), "实施单位", (project["unit"], 3))
        t.row(("项目属性", 2), (project["attribute"], 2), "项目期", (project["period"], 3))
        money = (("中期资金总额：", "mid_total", "年度资金总额：", "total"), ("其中：财政拨款", "mid_fiscal", "其中：财政拨款", "fiscal"))
        for n, (mid, mid_key, annual, key) in enumerate((*money, ("其他资金", "mid_other", "其他资金", "other"))):
            t.row(*((("项目资金 (万元)", 2, 3),) if n == 0 else ()), (spelt(mid), 2), project[mid_key], (spelt(annual), 2), project[key])
        beside = "总体目标" if project["seq"] in "234" else "总体 目标"
        t.row((beside, 1, 2), (spelt(f"中期目标（{project['mid_from']}年—{project['mid_to']}年）"), 4), ("年度目标", 3))
        t.row((project["mid_goal"], 4), (project["goal"], 3))
        (_luan_broken if project["seq"] == "1" else _luan_whole)(t, project)
        t.line((spelt("项目负责人："), 8))
        t.fit_rows()


def _half(text: str) -> str:
    return text.translate(str.maketrans("（）：", "():"))


def _loose(text: str) -> str:
    """Half-width signs with blanks round them, as the fifth form has them."""
    return _half(text).replace("(", " (").replace("):", ") :").replace("中:", "中: ")


LUAN_HEADS = ("一级指标", "二级指标", "三级指标", "指标值", "二级指标", "三级指标", "指标值")


def _pairs(project: Project, level1: str, level2: str, *, gap_before_last: bool) -> list[tuple[str, str, str, str]]:
    """The lines of a block: mid-term name and value beside annual ones; at least one line, the shorter side with blanks."""
    sides = []
    for grid in ("mid_term_indicators", "indicators"):
        sides.append([(i["name"], i["target"]) for i in project[grid] if (i["level1"], i["level2"]) == (level1, level2)])
    rows = max(1, *map(len, sides))
    for side in sides:
        at = max(len(side) - 1, 0) if gap_before_last else len(side)
        side[at:at] = [("", "")] * (rows - len(side))
    return [(*mid, *annual) for mid, annual in zip(*sides, strict=True)]


def _luan_whole(t: Typist, project: Project) -> None:
    blocks = [(level1, level2, _pairs(project, level1, level2, gap_before_last=False)) for level1, seconds in LUAN_BLOCKS for level2 in seconds]
    lines = [(level1, level2, pair) for level1, level2, pairs in blocks for pair in pairs]
    wrapped = "{} 指标" if project["seq"] == "5" else "{}指标"
    t.row((wrapped.format("绩效"), 1, len(lines) + 1), *LUAN_HEADS)
    firsts = below([wrapped.format(level1.removesuffix("指标")) for level1, _, _ in lines])
    seconds = list(below([f"{level1}/{level2}" for level1, level2, _ in lines]))
    for first, second, (_, level2, (mid, mid_target, annual, target)) in zip(firsts, seconds, lines, strict=True):
        own = second and (wrapped.format(level2.removesuffix("指标")), *second[1:])
        t.row(*there(first, own, mid, mid_target, own, annual, target))


def _luan_broken(t: Typist, project: Project) -> None:
    """The first level stands beside the head and the word beside the whole grid only on the next page; second levels stand in the
    first level's column, and some lines have slipped to the right."""
    blocks = [(level2, _pairs(project, level1, level2, gap_before_last=True)) for level1, seconds in LUAN_BLOCKS for level2 in seconds]
    lines = [(level2, pair) for level2, pairs in blocks for pair in pairs]
    t.row(("产出 指标", 1, PAGE_END + 1), *LUAN_HEADS)
    done = 0
    for level2, same in groupby(lines, key=lambda line: line[0]):
        pairs = [pair for _, pair in same]
        before = BROKEN[level2]
        for n, (mid, mid_target, annual, target) in enumerate(pairs):
            beside: list[Cell] = []
            if done == PAGE_END:
                t.sheet.row_breaks.append(Break(id=t.row_now - 1))
                beside = [("绩效指标", 1, len(lines) - PAGE_END)]
            start = n == 0 or done == PAGE_END
            down = min(len(pairs) - n, PAGE_END - done if done < PAGE_END else len(pairs))
            words = before if n == 0 else [""] * len(before)  # what goes on after the page break has no words
            heads = [(word, 1, down) for word in words] if start else []
            own = [(before[-1] or before[-2] or before[0] if n == 0 else "", 1, down)] if start else []
            t.row(*beside, *heads, mid, mid_target, *own, annual, target, width=9 if len(before) == 3 else 8)
            done += 1


# --- 青龙: all forms one below another on one sheet, as the pages of the document come ---------------------------------

PAGES = {  # form -> after which indicators the page ends, and where the cell 依据 of the last one is broken by it
    "1": ((6, "冀医保发"),),
    "2": ((4, "冀民【2014】79号,冀政办"),),
    "4": ((2, ""), (6, "")),
    "5": ((6, "冀财社【2022】"),),
    "7": ((4, "【2019】-75河北省"), (8, "")),
    "9": ((2, "根据冀政办[2016]131"), (4, ""), (6, ""), (8, "")),
    "10": ((0, ""), (2, ""), (6, "根据秦政办发[2016]39号城乡居民保险实施办法中的第二")),
    "11": ((4, "根据秦政办发[2016]39"),),
    "12": ((4, "根据秦政办发[2016]39号城乡居民保险实施办法中的第二"),),
    "13": ((5, ""),),
    "14": ((6, ""),),
    "15": ((7, ""),),
    "18": ((6, ""),),
    "19": ((7, ""),),
    "20": ((7, ""),),
    "21": ((8, "青字"),),
    "22": ((4, ""),),
    "23": ((4, ""),),
    "24": ((4, "秦政办[2014]71"), (9, "秦政办[2014]71号;秦政办发")),
}
QINGLONG_HEADS: tuple[Cell, ...] = ("一级指标", ("二级指标", 2), "三级指标", "绩效指标描述", "指标值", "指标值确定依据")


def qinglong(book: openpyxl.Workbook, data: Project) -> None:
    t = Typist(page(book, "Sheet1", landscape=True), (13, 12, 14, 28, 44, 18, 20), size=10)
    for project in data["projects"]:
        if project["seq"] != "1":
            t.skip(2)
        t.line((f"{project['seq']}、{project['project_name']}绩效目标表", 7), size=14, bold=True, align="center")
        t.line(("单位：万元", 7), align="right")
        t.row("项目编码", (project["project_code"], 2), "项目名称", (project["project_name"], 3))
        t.row(("预算规模及资金用途", 1, 2), "预算数", project["total"], "其中：财政资金", project["fiscal"], "其他资金", project["other"])
        t.row((project["purpose"], 6))
        t.row(("资金支出计划（%）", 1, 2), ("3月底", 2), "6月底", "10月底", ("12月底", 2))
        t.row((project["plan_3"], 2), project["plan_6"], project["plan_10"], (project["plan_12"], 2))
        for n, goal in enumerate(project["goals"], 1):
            t.row(*([("绩效目标", 1, len(project["goals"]))] if n == 1 else []), (f"{n}. {goal}", 6))
        t.row(*QINGLONG_HEADS)
        _qinglong_lines(t, project)
    t.fit_rows()


def _qinglong_lines(t: Typist, project: Project) -> None:
    """The indicators page by page: after each page the head again, first the rest of a broken cell, and no first level until the next."""
    lines = project["indicators"]
    ends = dict(PAGES.get(project["seq"], ()))
    rest = ""
    named = ""
    for sheet_of_paper, (start, end) in enumerate(zip((0, *ends), (*ends, len(lines)), strict=True)):
        if sheet_of_paper:
            t.row(*QINGLONG_HEADS)
        own = list(lines[start:end])
        words = [line["level1"] for line in own]
        if rest:  # the rest of the broken cell has a row of its own, under the first level that goes on
            words = [named, *words]
        firsts = [first and (first[0] if first[0] != named else "", *first[1:]) for first in below(words)]
        if rest:
            t.row(*there(firsts.pop(0), ("", 2), "", "", "", rest))
            rest = ""
        for first, line in zip(firsts, own, strict=True):
            basis = line["basis"]
            if line is own[-1] and ends.get(end):
                basis, rest = ends[end], basis.removeprefix(ends[end])
                assert basis + rest == line["basis"], f"{project['seq']}: {line['basis']}"
            t.row(*there(first, (line["level2"], 2), line["name"], line["description"], line["target"], basis))
        named = own[-1]["level1"] if own else ""


# --- 平罗: six tables one below another on one sheet, in 元; the third column has no name ------------------------------

UNMERGED = "3"  # in this form nobody merged the levels: each is written once, at its top


def pingluo(book: openpyxl.Workbook, data: Project) -> None:
    sheet = page(book, "项目绩效目标表")
    sheet["B1"] = "附件 2"
    sheet["B1"].font = Font("黑体", 12)
    t = Typist(sheet, (18, 22, 38, 26), corner="B3", font="仿宋")
    sheet.column_dimensions["A"].width = 3
    for project in data["projects"]:
        number = project["seq"]
        spelt = str if number == "4" else _half
        if number != "1":
            t.skip(2)
        t.line((f"{data['department']}项目支出预算绩效目标表", 4), size=16, bold=True, align="center")
        t.row((f"部门项目支出预算绩效目标表 {number}", 4))
        t.row((f"({data['year']}{' ' if number == '1' else ''}年)", 4))
        t.row("项目名称", (project["project_name"], 3))
        t.row("主管部门", data["department"], "实施单位", data["unit"])
        t.row("项目属性", project["attribute"], "项目期限", project["period"])
        office = "资金主管处（科、股）室" if number == "4" else "资金主管处 (科、股)室"
        t.row(office, project["office"], spelt("项目年度金额（元）"), project["total"])
        t.row("项目年度绩效 目标" if number == "1" else "项目年度绩效目标", (project["goal"], 3))
        t.row("一级绩效指标", "二级绩效指标", "", "绩效值")
        lines = project["indicators"]
        for n, (first, line) in enumerate(zip(below([one["level1"] for one in lines]), lines, strict=True)):
            if number == UNMERGED:
                first = line["level1"] if n == 0 or line["level1"] != lines[n - 1]["level1"] else ""
            t.row(*there(first, line["level2"], line["name"], line["target"]))
    t.fit_rows()


# --- 石鼓: four sheets; lost ticks, labels with breaks and blanks in them, full-width blanks round the values ----------

BEFORE = {"1": ["start"], "2": ["start"], "3": ["department", "start", "name2"], "4": ["department", "start"]}
AFTER = {  # form -> the values that a full-width blank follows (a blank remark is nothing but one)
    "1": ["project_name", "department", "total", "grounds", "finish", *(f"{part}{n}" for n in (1, 2, 4, 5) for part in ("name", "remark"))],
    "2": ["department", "total", "grounds", "finish", *(f"{part}{n}" for n in (1, 2, 3) for part in ("name", "remark"))],
    "3": ["project_name", "total", "grounds", "finish", "name4", *(f"remark{n}" for n in (1, 2, 3, 4, 5))],
    "4": ["project_name", "total", "finish", *(f"{part}{n}" for n in (1, 2, 3, 4) for part in ("name", "remark"))],
}
UPRIGHT = {("2", "产出指标"), ("3", "效益指标")}  # first levels written letter below letter
EMPTY = {"2": 1}  # form -> the indicator below which a row was left blank
BOXES = {
    "财政部门支出股室股审核意见": " " * 120 + "\n" + " " * 61 + "（盖章）\n年   月   日" + " " * 56,
    "财政绩效管理股审核意见": "（盖章）\n年   月   日\n",
}


def shigu(book: openpyxl.Workbook, data: Project) -> None:
    for project in data["projects"]:
        seq = project["seq"]

        def told(key: str, text: str, seq: str = seq) -> str:
            return ("　" if key in BEFORE[seq] else "") + text + ("　" if key in AFTER[seq] else "")

        sheet = page(book, project["project_name"])
        t = Typist(sheet, (13, 12, 17, 32, 18, 18), corner="B3")
        sheet.column_dimensions["A"].width = 3
        t.line(("专项资金绩效目标申报表", 6), size=18, bold=True, align="center")
        t.line((f"（{data['year']}年度）", 6), align="center")
        t.line(("填报单位（盖章）", 6))
        t.row("专项名称", (told("project_name", project["project_name"]), 3), "专项属性", printed(project, "attribute") + "    ")
        t.row("部门名称", (told("department", project["department"]), 3), "资金总额（万元）", told("total", project["total"]))
        t.row("部门相应职能职责概述", (project["duties"], 5))
        t.row("专项立项\n依据", (told("grounds", project["grounds"]), 5))
        t.row(("专项实施  进度计划", 1, len(project["schedule"]) + 1), ("专项实施内容", 3), "计划开始时间", "计划完成时间")
        for step in project["schedule"]:
            t.row((step["task"], 3), told("start", step["start"]), told("finish", step["finish"]))
        t.row("专项长期  绩效目标", (project["long_goal"], 5))
        t.row("专项年度  绩效目标", (project["goal"], 5))
        _shigu_lines(t, project, told)
        t.row("专项实施\n保障措施", (project["measures"], 5))
        for label, text in BOXES.items():
            t.row(label, (text, 5))
        t.line((f"填报人：{project['filler']}             联系电话：{project['phone']}        填报日期：{project['fill_date']}", 6))
        t.fit_rows()


def _shigu_lines(t: Typist, project: Project, told: Callable[[str, str], str]) -> None:
    lines: list[Project] = []
    for n, line in enumerate(project["indicators"], 1):
        lines.append({**line, "name": told(f"name{n}", line["name"]), "remark": told(f"remark{n}", line["remark"])})
        if EMPTY.get(project["seq"]) == n:
            lines.append({"level1": line["level1"], "level2": "", "name": "", "target": "", "remark": ""})
    t.row(("专项年度绩效指标", 1, len(lines) + 1), "一级指标", "二级指标", "指标内容", "指标值", "备注")
    words = ["\n".join(line["level1"]) if (project["seq"], line["level1"]) in UPRIGHT else line["level1"] for line in lines]
    for first, line in zip(below(words), lines, strict=True):
        t.row(*there(first, line["level2"], line["name"], line["target"], line["remark"]))


# --- the five workbooks ------------------------------------------------------------------------------------------------

OFFICES: Mapping[str, tuple[str, Callable[[openpyxl.Workbook, Project], None]]] = {
    "yiyang-2023": ("弋阳县医疗保障局2023年项目支出绩效目标表.xlsx", yiyang),
    "luan-2023": ("六安市医疗保障局2023年项目支出绩效目标表.xlsx", luan),
    "qinglong-2024": ("青龙县医保局2024年项目绩效目标.xlsx", qinglong),
    "pingluo-2026": ("平罗县医疗保障局2026年项目绩效目标表.xlsx", pingluo),
    "shigu-2020": ("石鼓区医保局专项资金绩效目标申报表2020.xlsx", shigu),
}


def workbooks() -> Iterator[tuple[str, bytes]]:
    """Every workbook: its file name and its bytes."""
    module = importlib.util.spec_from_file_location("fill", Path(__file__).with_name("fill.py"))
    assert module and module.loader
    fill = importlib.util.module_from_spec(module)
    module.loader.exec_module(fill)
    for form, (name, type_it) in OFFICES.items():
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        book.properties.creator = "Administrator"
        book.properties.created = MOMENT
        type_it(book, load_marked(data_folder("examples") / "data" / f"{form}.yaml").data)
        buffer = io.BytesIO()
        book.save(buffer)
        yield name, fill._pinned(_as_saved_by_excel(buffer.getvalue()))


def _as_saved_by_excel(package: bytes) -> bytes:
    """The package under the program's name that an office has."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(buffer, "w") as target:
        for part in source.namelist():
            content = source.read(part)
            if part == "docProps/app.xml":
                content = re.sub(rb"(<Application>).*(</AppVersion>)", rb"\1Microsoft Excel</Application><AppVersion>16.0300\2", content)
            target.writestr(part, content)
    return buffer.getvalue()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, package in workbooks():
        (folder / name).write_bytes(package)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data_folder("examples") / "as-published")
