"""Kinds of damage that openpyxl can do as faithfully as a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import openpyxl
from openpyxl.styles import PatternFill, Protection
from openpyxl.worksheet.worksheet import Worksheet

from tests.case import FORMS, Case, got, kind, panes, put, rename, unmerge
from tests.oracle import Truth, shown
from xlgoals.layout import ORIGIN, Slot
from xlgoals.ownformulas import OWN
from xlgoals.records import area_name, column_name
from xlgoals.stamp import read_stamp, stamp_text

# --- harmless things ---------------------------------------------------------------------------------------------------


@kind("不动，只用另一个程序打开再保存", notes=0)
def saved_again(case: Case) -> None:
    pass


@kind("撤销工作表保护，全部单元格解锁", notes=0)
def protection_removed(case: Case) -> None:
    for page in case.pages:
        page.protection.sheet = False
        for row in page.iter_rows():
            for cell in row:
                cell.protection = Protection(locked=False)


@kind("改列宽、行高和底色", notes=0)
def looks_changed(case: Case) -> None:
    for page in case.pages:
        for col in range(case.plan.width):
            page.column_dimensions[column_name(col)].width = 30
        for row in range(1, 20):
            page.row_dimensions[row].height = 50
        page["A3"].fill = PatternFill("solid", fgColor="FFFF00")


@kind("隐藏几行（含填了内容的行）", notes=0)
def rows_hidden(case: Case) -> None:
    for page in case.pages:
        for row in (3, 5, case.lines()[0] + 1):
            page.row_dimensions[row].hidden = True


@kind("隐藏两栏", notes=0)
def columns_hidden(case: Case) -> None:
    for page in case.pages:
        page.column_dimensions["B"].hidden = True
        page.column_dimensions["C"].hidden = True


@kind("取消隐藏标记行和标记列", notes=0)
def keys_unhidden(case: Case) -> None:
    for page in case.pages:
        page.row_dimensions[1].hidden = False
        page.column_dimensions[column_name(case.key_column)].width = 20


@kind("预留的隐藏行取消隐藏并填写", notes=0)
def spare_lines_used(case: Case) -> None:
    for page in case.pages:
        rows = [r for r in case.lines(case.block) if case.plan.rows[r - ORIGIN[0]].hidden][:2]
        for n, row in enumerate(rows):
            page.row_dimensions[row + 1].hidden = False
            level1, level2 = case.levels(case.block)
            for slot in case.grid_slots(row):
                if slot.meanings[slot.key].list == "level2" and slot.column and slot.column.pane != "mid_term":
                    word = case.form.choices("level2", level1)[0]
                    put(page, (row, slot.area.left + ORIGIN[1]), word)
                    level2 = case.form.canonical(word, "level2")
            for col, text in case.new_line(page.title, n, (level1, level2)).items():
                put(page, (row, col), text)


# --- sheets and workbooks ----------------------------------------------------------------------------------------------


@kind("工作表改名", notes=0)
def sheets_renamed(case: Case) -> None:
    for n, page in enumerate(case.pages, 1):
        rename(case, page.title, f"Sheet{n}")
        page.title = f"Sheet{n}"


@kind("两张表互换名称", notes=0)
def sheet_names_swapped(case: Case) -> None:
    one, other = case.pages
    first, second = one.title, other.title
    one.title, other.title = "暂", first
    one.title = second
    case.truths = {second: case.truths[first], first: case.truths[second]}


@kind("工作表倒序", notes=0)
def sheets_reordered(case: Case) -> None:
    case.book._sheets.reverse()  # type: ignore[attr-defined]


@kind("隐藏一张已填的表")
def sheet_hidden(case: Case) -> None:
    case.pages[1].sheet_state = "hidden"


@kind("清空标记格里的表样标记")
def stamp_cleared(case: Case) -> None:
    for page in case.pages:
        put(page, (0, case.key_column), None)


@kind("删除 _meta 表", notes=0)
def meta_deleted(case: Case) -> None:
    del case.book[FORMS.guide.meta_sheet]


@kind("删除填报说明", notes=0)
def guide_deleted(case: Case) -> None:
    del case.book[FORMS.guide.sheet]


@kind("表样标记与本机版本不同")
def other_version(case: Case) -> None:
    for page in case.pages:
        stamp = read_stamp(got(page, (0, case.key_column)))
        assert stamp
        put(page, (0, case.key_column), stamp_text(replace(stamp, digest="0123456789ab")))


def _another(case: Case, page: Worksheet) -> Truth:
    """Type another project's name and code into a copied sheet."""
    truth = case.truths[page.title]
    for key in ("project_name", "project_code"):
        if key in case.plan.inputs:
            at = case.input(key)
            old = got(page, at)
            new = old[:-2] + "77" if key == "project_code" else "复制后另填的项目"
            put(page, at, new)
            truth.change(old, new)
    return truth


@kind("在本文件里复制一张表，另填一个项目（库复制，无名称）")
def copied_for_another_project(case: Case) -> None:
    page = case.book.copy_worksheet(case.pages[0])
    page.title = "项目1 (2)"
    case.truths[page.title] = case.truths["项目1"].copy()
    _another(case, page)


@kind("在本文件里复制一张表，内容没改")
def copied_unchanged(case: Case) -> None:
    page = case.book.copy_worksheet(case.pages[0])
    page.title = "项目1 (2)"
    case.truths[page.title] = case.truths["项目1"].copy()


@kind("在本文件里复制一张表，同一项目改了一个数", floor=None)
def copied_and_changed(case: Case) -> None:
    page = case.book.copy_worksheet(case.pages[0])
    page.title = "项目1 (2)"
    truth = case.truths[page.title] = case.truths["项目1"].copy()
    truth.change(shown(got(page, case.input("total"))), "98765.5")
    put(page, case.input("total"), 98765.5)


@kind("旧表隐藏在旁边，新表改了一个数")
def old_copy_hidden(case: Case) -> None:
    page = case.book.copy_worksheet(case.pages[0])
    page.title = "项目1旧"
    page.sheet_state = "hidden"
    truth = case.truths[page.title] = case.truths["项目1"].copy()
    truth.change(shown(got(page, case.input("total"))), "98765.5")
    put(page, case.input("total"), 98765.5)


@kind("把两张表的位置、内容都换到新文件：只有值，位置不变")
def values_pasted(case: Case) -> None:
    _paste(case, 0, 0)


@kind("只把值粘贴到空白文件，位置下移两行右移一列")
def values_pasted_shifted(case: Case) -> None:
    _paste(case, 2, 1)


@kind("全选粘贴值到空白文件（带着标记行列）")
def everything_pasted(case: Case) -> None:
    _paste(case, 0, 0, keys=True)


def _paste(case: Case, down: int, right: int, keys: bool = False) -> None:
    book = openpyxl.Workbook()
    assert book.active
    book.remove(book.active)
    for page in case.pages:
        new = book.create_sheet(page.title)
        for row in page.iter_rows():
            for cell in row:
                r, c = cell.row - 1, cell.column - 1
                if cell.value is None or (not keys and (r < ORIGIN[0] or c >= case.key_column)):
                    continue
                if cell.data_type == "f" and OWN in str(cell.value):
                    continue  # never computed here: a blank is what it has for a value
                value = _echo(case, page) if isinstance(cell.value, str) and cell.data_type == "f" else cell.value
                put(new, (r + down, c + right), value)
    case.book = book


def _echo(case: Case, page: Worksheet) -> str:
    return f"{page.title.removeprefix('项目')}、{got(page, case.input('project_name'))}绩效目标表"


@kind("同一张表下方又贴了另一个项目的整张表（只有值）")
def second_form_below(case: Case) -> None:
    first, second = case.pages
    for row in second.iter_rows(min_row=ORIGIN[0] + 1, max_col=case.key_column):
        for cell in row:
            if cell.value is not None:
                value = _echo(case, second) if cell.data_type == "f" else cell.value
                put(first, (cell.row + case.bottom + 3, cell.column - 1), value)
    one, other = case.truths[first.title], case.truths.pop(second.title)
    shared = one.values.keys() & other.values.keys()  # who: both projects' own
    one.values = {
        **{text: replace(what, project=0 if text in shared else 1) for text, what in one.values.items()},
        **{text: replace(what, project=2, line=what.line and f"2{what.line}") for text, what in other.values.items() if text not in shared},
    }
    one.levels |= {f"2{line}": levels for line, levels in other.levels.items()}
    case.book.remove(second)


@kind("另加一张续表：只有表头和几行指标", floor=None)
def continued_sheet(case: Case) -> None:
    page = case.book.create_sheet("续表")
    put(page, (0, 0), "项目1 续表")
    for slot in case.plan.slots:
        if slot.kind == "heading" and slot.grid == "indicators":
            put(page, (1, slot.area.left), slot.text)
    case.truths["续表"] = Truth(case.form)
    for n in (1, 2):
        for col, text in case.new_line("续表", n, ("", "")).items():
            put(page, (1 + n, col), text)


@kind("旁边放一张无关的草稿表")
def unrelated_sheet(case: Case) -> None:
    page = case.book.create_sheet("草稿")
    for n, text in enumerate(("测算过程", "人数", "标准", "合计 120 万元")):
        put(page, (n, 0), text)


# --- names and keys ----------------------------------------------------------------------------------------------------


@kind("删除全部定义名称", notes=0)
def names_deleted(case: Case) -> None:
    case.book.defined_names.clear()
    for page in case.book.worksheets:
        page.defined_names.clear()


@kind("定义名称全部变成 #REF!", notes=0)
def names_broken(case: Case) -> None:
    for page in case.pages:
        for name in page.defined_names.values():
            name.value = "#REF!"


@kind("标记列清空")
def row_keys_cleared(case: Case) -> None:
    for page in case.pages:
        for row in range(ORIGIN[0], case.bottom + 1):
            put(page, (row, case.key_column), None)


@kind("标记行和标记列清空，名称删除（只剩文字）")
def only_words_left(case: Case) -> None:
    row_keys_cleared(case)
    names_deleted(case)
    stamp_cleared(case)
    for page in case.pages:
        for col in range(case.plan.width):
            put(page, (0, col), None)


@kind("标记格里误输入了字")
def key_typed_over(case: Case) -> None:
    for page in case.pages:
        put(page, (case.input("total")[0], case.key_column), "误")


# --- printed words -----------------------------------------------------------------------------------------------------


def _respell(case: Case, change: Callable[[str], str]) -> None:
    for page, at, slot in case.words():
        put(page, at, change(slot.text))


@kind("标签里加空格：项 目 名 称", notes=0)
def labels_spaced(case: Case) -> None:
    _respell(case, " ".join)


@kind("标签里加换行", notes=0)
def labels_broken(case: Case) -> None:
    _respell(case, lambda text: text[:2] + "\n" + text[2:])


@kind("标签里的括号、标点换成全角或半角，空格换成全角", notes=0)
def labels_full_width(case: Case) -> None:
    narrow = str.maketrans("（）：，—", "():,—")
    _respell(case, lambda text: "　".join(text.translate(narrow) if "（" in text else text))


@kind("标签后面加冒号", notes=0)
def labels_with_colon(case: Case) -> None:
    _respell(case, lambda text: text.rstrip("：") + "：")


@kind("标签后面加（必填）和星号", notes=0)
def labels_required(case: Case) -> None:
    _respell(case, lambda text: "*" + text + "（必填）" if text else text)


@kind("标签全部改成别的字", notes=None)
def labels_overwritten(case: Case) -> None:
    for n, (page, at, _) in enumerate(case.words()):
        put(page, at, f"改{n}")


@kind("删掉一个标签")
def label_deleted(case: Case) -> None:
    for page in case.pages:
        put(page, case.label("total"), None)


@kind("内容填到了标签格里，本格空着", floor=None)
def typed_over_label(case: Case) -> None:
    for page in case.pages:
        at = case.input("project_name")
        put(page, case.label("project_name"), got(page, at))
        put(page, at, None)


@kind("标签里的金额单位被改：万元改成元，元改成万元", floor=None)
def unit_in_label_changed(case: Case) -> None:
    for page in case.pages:
        for row in page.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and "元" in cell.value and cell.protection.locked and len(cell.value) < 20:
                    cell.value = cell.value.replace("万元", "元") if "万元" in cell.value else cell.value.replace("元", "万元")
    for truth in case.truths.values():
        truth.unit_changed = True


@kind("标题改成别的字")
def title_changed(case: Case) -> None:
    for page in case.pages:
        put(page, (1, 0), "我单位绩效目标表（修改稿）")


# --- merges ------------------------------------------------------------------------------------------------------------


@kind("取消全部合并单元格", notes=0)
def unmerged(case: Case) -> None:
    for page in case.pages:
        unmerge(page)


def _spread(case: Case) -> Slot:
    """A merged input, or one right of which there is room in a merge."""
    slots = [s for s in case.plan.inputs.values() if s.kind == "input" and s.area.right > s.area.left and not s.tick]
    return next((s for s in slots if "project_name" in s.meanings), slots[0])


@kind("取消合并后，内容填到了原合并区的另一格")
def unmerged_and_moved(case: Case) -> None:
    slot = _spread(case)
    for page in case.pages:
        unmerge(page)
        area = case.area(slot)
        put(page, (area.top, area.left + 1), got(page, (area.top, area.left)))
        put(page, (area.top, area.left), None)


@kind("取消合并后，原合并区里填了两处", floor=None)
def unmerged_and_doubled(case: Case) -> None:
    slot = _spread(case)
    for page in case.pages:
        unmerge(page)
        area = case.area(slot)
        put(page, (area.bottom, area.right), "补充的第二处内容")


@kind("合并格底下藏着内容")
def covered_content(case: Case) -> None:
    slot = _spread(case)
    for page in case.pages:
        area = case.area(slot)
        for merged in list(page.merged_cells.ranges):
            if merged.bounds == (area.left + 1, area.top + 1, area.right + 1, area.bottom + 1):
                page.unmerge_cells(str(merged))
                put(page, (area.top, area.right), "底下的内容")
                page.merged_cells.add(area_name(area))


# --- values ------------------------------------------------------------------------------------------------------------


@kind("金额成了文本（带千分位）", notes=0)
def numbers_as_text(case: Case) -> None:
    for page in case.pages:
        for key, slot in case.plan.inputs.items():
            value = got(page, case.input(key))
            if slot.kind == "input" and slot.meanings[key].type == "money" and value is not None:
                put(page, case.input(key), f"{value:,}")


@kind("指标值成了数字", notes=0)
def texts_as_numbers(case: Case) -> None:
    for page in case.pages:
        for n, row in enumerate(case.filled(page, case.lines())):
            at = row, case.column("target")
            case.truths[page.title].change(got(page, at), str(500 + n))
            put(page, at, 500 + n)
            page.cell(at[0] + 1, at[1] + 1).number_format = "General"


@kind("指标值成了百分数（0.95，格式 0%）", notes=0)
def percents(case: Case) -> None:
    for page in case.pages:
        for n, row in enumerate(case.filled(page, case.lines())):
            at = row, case.column("target")
            case.truths[page.title].change(got(page, at), shown((501 + n) / 1000))
            put(page, at, (501 + n) / 1000)
            page.cell(at[0] + 1, at[1] + 1).number_format = "0%"


@kind("日期格成了真日期", notes=0)
def dates(case: Case) -> None:
    for page in case.pages:
        rows = case.filled(page, case.lines())[:1]
        spots = [(row, case.column("target")) for row in rows]
        for grid in {g.grid for _, g in case.form.template.grids()} - {"indicators", "goals"}:
            spots += [(r, s.area.left) for r in case.lines(grid=grid) for s in case.grid_slots(r, grid) if s.meanings[s.key].type == "date"]
        for n, at in enumerate(spots):
            if (old := got(page, at)) is not None:
                put(page, at, dt.date(2025, 3 + n, 7))
                page.cell(at[0] + 1, at[1] + 1).number_format = "yyyy-mm-dd"
                case.truths[page.title].change(old, f"2025年{3 + n}月7日")


@kind("填写格里是没有算过的公式", floor=None)
def formula_without_value(case: Case) -> None:
    for page in case.pages:
        at = case.input("total")
        case.truths[page.title].change(shown(got(page, at)), "=1000+23.5")
        put(page, at, "=1000+23.5")


@kind("填写格里是错误值", floor=None)
def error_value(case: Case) -> None:
    for page in case.pages:
        at = case.input("total")
        case.truths[page.title].change(shown(got(page, at)), "#DIV/0!")
        cell = page.cell(at[0] + 1, at[1] + 1)
        cell.value = "#DIV/0!"
        cell.data_type = "e"


@kind("内容前后有空格和换行", notes=0)
def blanks_around(case: Case) -> None:
    for page in case.pages:
        at = case.input("project_name")
        put(page, at, f" \u3000{got(page, at)}\n ")


@kind("一个填写格里写着另一个标签的字")
def label_word_as_value(case: Case) -> None:
    for page in case.pages:
        row = case.filled(page, case.lines())[0]
        at = row, case.column("name")
        heading = next(s.text for s in case.plan.slots if s.kind == "label" and s.text and not s.grid and len(s.text) < 8)
        case.truths[page.title].change(got(page, at), heading)
        put(page, at, heading)


# --- lines -------------------------------------------------------------------------------------------------------------


@kind("一个指标块全部清空", notes=0)
def block_emptied(case: Case) -> None:
    for page in case.pages:
        for row in case.lines(case.block):
            for slot in case.grid_slots(row):
                put(page, (row, slot.area.left + ORIGIN[1]), None)


def _line(case: Case, page: Worksheet, row: int) -> dict[int, Any]:
    return {s.area.left: got(page, (row, s.area.left)) for s in case.grid_slots(row)}


@kind("块内各行排序（标记列没有一起排）", notes=0)
def block_sorted(case: Case) -> None:
    for page in case.pages:
        rows = case.filled(page, case.lines(case.block))
        lines = [_line(case, page, row) for row in rows]
        for row, line in zip(rows, reversed(lines), strict=True):
            for col, value in line.items():
                put(page, (row, col), value)


@kind("块内各行连同标记一起排序")
def block_sorted_with_keys(case: Case) -> None:
    for page in case.pages:
        rows = case.filled(page, case.lines(case.block))
        lines = [_line(case, page, row) | {case.key_column: got(page, (row, case.key_column))} for row in rows]
        for row, line in zip(rows, reversed(lines), strict=True):
            for col, value in line.items():
                put(page, (row, col), value)


@kind("整行复制到下面的空行再改（标记重复）")
def line_copied_below(case: Case) -> None:
    for page in case.pages:
        source = case.filled(page, case.lines(case.block))[0]
        target = case.blank(page, case.lines(case.block))
        put(page, (target, case.key_column), got(page, (source, case.key_column)))
        level = case.truths[page.title].levels[f"indicators{source - ORIGIN[0]}{'annual' if panes(case) else None}"]
        for slot in case.grid_slots(source):
            if slot.meanings[slot.key].list:
                put(page, (target, slot.area.left), got(page, (source, slot.area.left)))
        for col, text in case.new_line(page.title, 1, level).items():
            put(page, (target, col), text)


@kind("预留行里写了重复表头（续页），下面接着填")
def header_in_a_line(case: Case) -> None:
    for page in case.pages:
        row = case.blank(page, case.lines(case.block))
        for slot in case.plan.slots:
            if slot.kind == "heading" and slot.grid == "indicators" and (s := _input_at(case, row, slot.area.left)):
                put(page, (row, s.area.left), slot.text)


def _input_at(case: Case, row: int, col: int) -> Slot | None:
    return next((s for s in case.grid_slots(row) if s.area.left == col), None)


# --- beside the form ---------------------------------------------------------------------------------------------------


@kind("表的右边写了备注")
def remark_beside(case: Case) -> None:
    for page in case.pages:
        put(page, (case.input("total")[0], case.key_column + 2), "与财政局沟通后定的数")


@kind("表的下面写了备注")
def remark_below(case: Case) -> None:
    for page in case.pages:
        put(page, (case.bottom + 3, 0), "备注：以上数据截至年底")


@kind("标记行里写了字")
def text_in_margin(case: Case) -> None:
    for page in case.pages:
        put(page, (0, case.key_column + 1), "草稿")


@kind("表里印好的空白处写了字")
def text_in_printed_blank(case: Case) -> None:
    for page in case.pages:
        slot = next(s for s in case.plan.slots if s.kind == "text")
        area = case.area(slot)
        put(page, (area.top, area.right + 2 + ORIGIN[1]), "已核")
