"""Kinds of damage in which names, merges and formulas must move as in a real program: recorded here, done by LibreOffice."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from openpyxl.worksheet.worksheet import Worksheet

from tests.case import Case, got, kind, panes, rename
from tests.oracle import Place, shown
from xlgoals.layout import ORIGIN
from xlgoals.records import Area

# --- rows and columns -----------------------------------------------------------------------------------


def _pages(case: Case, step: Callable[[Worksheet], None]) -> None:
    for page in case.pages:
        step(page)


@kind("最上面插入两行", office=True, notes=0)
def rows_on_top(case: Case) -> None:
    _pages(case, lambda page: case.do("insert_rows", page.title, 0, 2))


@kind("标记行下面插入一行", office=True, notes=0)
def row_under_keys(case: Case) -> None:
    _pages(case, lambda page: case.do("insert_rows", page.title, 1, 1))


@kind("各栏目之间插入一行", office=True, notes=0)
def row_among_fields(case: Case) -> None:
    _pages(case, lambda page: case.do("insert_rows", page.title, case.input("total")[0], 1))


@kind("各栏目之间插入一行并写了字", office=True)
def row_among_fields_typed(case: Case) -> None:
    for page in case.pages:
        row = case.input("total")[0]
        case.do("insert_rows", page.title, row, 1)
        case.do("type", page.title, row, 1, "说明：含上年结转")


def _insert(case: Case, row: int, levels: tuple[str, str], cols: bool = True) -> None:
    for page in case.pages:
        case.do("insert_rows", page.title, row, 1)
        texts = case.new_line(page.title, 1, levels)
        for slot in case.grid_slots(case.lines(case.block)[0]):
            if slot.meanings[slot.key].list == "level2" and cols:
                word = case.form.choices("level2", levels[0])[0]
                case.do("type", page.title, row, slot.area.left, word)
                case.truths[page.title].levels["new1"] = (levels[0], case.form.canonical(word, "level2"))
        for col, text in texts.items():
            case.do("type", page.title, row, col, text)


@kind("指标块中间插入一行并填写", office=True)
def line_inserted(case: Case) -> None:
    rows = case.lines(case.block)
    _insert(case, rows[1] if len(rows) > 1 else rows[0], case.levels(case.block))


@kind("指标块第一行上面插入一行并填写", office=True)
def line_inserted_first(case: Case) -> None:
    _insert(case, case.lines(case.block)[0], case.levels(case.block))


@kind("指标块最后一行下面插入一行并填写", office=True)
def line_inserted_last(case: Case) -> None:
    _insert(case, case.lines(case.block)[-1] + 1, case.levels(case.block))


@kind("指标表最后一行下面插入一行并填写", office=True)
def line_inserted_at_end(case: Case) -> None:
    block = case.plan.rows[case.lines()[-1] - ORIGIN[0]].block
    _insert(case, case.lines()[-1] + 1, case.levels(block))


@kind("指标块中间插入一个空行", office=True, notes=0)
def blank_line_inserted(case: Case) -> None:
    rows = case.lines(case.block)
    _pages(case, lambda page: case.do("insert_rows", page.title, rows[1], 1))


@kind("指标块里删一行", office=True, notes=0)
def line_deleted(case: Case) -> None:
    rows = case.lines(case.block)
    _pages(case, lambda page: case.do("delete_rows", page.title, rows[1], 1))


@kind("删指标块的第一行", office=True)
def first_line_deleted(case: Case) -> None:
    _pages(case, lambda page: case.do("delete_rows", page.title, case.lines(case.block)[0], 1))


@kind("删指标块的最后一行", office=True, notes=0)
def last_line_deleted(case: Case) -> None:
    _pages(case, lambda page: case.do("delete_rows", page.title, case.lines(case.block)[-1], 1))


@kind("整块删掉", office=True)
def block_deleted(case: Case) -> None:
    rows = case.lines(case.block)
    _pages(case, lambda page: case.do("delete_rows", page.title, rows[0], len(rows)))


@kind("删掉一行栏目", office=True, notes=6)
def field_row_deleted(case: Case) -> None:
    _pages(case, lambda page: case.do("delete_rows", page.title, case.input("total")[0], 1))


@kind("左边插入一列", office=True, notes=0)
def column_left(case: Case) -> None:
    _pages(case, lambda page: case.do("insert_columns", page.title, 0, 1))


@kind("中间插入一列", office=True, notes=0)
def column_middle(case: Case) -> None:
    _pages(case, lambda page: case.do("insert_columns", page.title, case.column("target"), 1))


@kind("最右边插入一列并写备注", office=True)
def column_right(case: Case) -> None:
    for page in case.pages:
        case.do("insert_columns", page.title, case.key_column, 1)
        case.do("type", page.title, case.lines()[0], case.key_column, "另加的备注")


@kind("删掉标记行", office=True)
def key_row_deleted(case: Case) -> None:
    _pages(case, lambda page: case.do("delete_rows", page.title, 0, 1))


@kind("删掉标记列", office=True)
def key_column_deleted(case: Case) -> None:
    _pages(case, lambda page: case.do("delete_columns", page.title, case.key_column, 1))


@kind("标记行、标记列都删掉", office=True)
def keys_deleted(case: Case) -> None:
    key_row_deleted(case)
    key_column_deleted(case)


@kind("标记行、标记列都删掉，名称也删掉，再插入行列", office=True)
def keys_deleted_and_inserted(case: Case) -> None:
    keys_deleted(case)
    case.do("lose_names")
    for page in case.pages:
        case.do("insert_rows", page.title, 2, 1)
        case.do("insert_columns", page.title, 0, 1)


@kind("删掉标记列，又在块里插入一行并填写", office=True)
def key_column_deleted_line_inserted(case: Case) -> None:
    key_column_deleted(case)
    line_inserted(case)


@kind("名称删掉，标签改写，再插入行列", office=True, notes=0)
def names_lost_and_inserted(case: Case) -> None:
    case.do("lose_names")
    for page, at, slot in case.words():
        case.do("type", page.title, *at, " ".join(slot.text) + "：")
    for page in case.pages:
        case.do("insert_rows", page.title, case.input("total")[0], 1)
        case.do("insert_columns", page.title, 1, 1)


# --- cut, copy and paste --------------------------------------------------------------------------------


def _cut(case: Case, key: str, to: Place) -> None:
    area = case.area(case.plan.inputs[key])
    for page in case.pages:
        case.do("move", page.title, *area, *to)


@kind("一个栏目的内容剪切到表外", office=True)
def cut_outside(case: Case) -> None:
    _cut(case, "total", (case.bottom + 3, 1))


@kind("一个栏目的内容剪切到表内空着的指标格", office=True)
def cut_inside(case: Case) -> None:
    for page in case.pages:
        area = case.area(case.plan.inputs["total"])
        row = case.blank(page, case.lines())
        case.do("move", page.title, area.top, area.left, area.top, area.left, row, case.column("name"))


@kind("两个栏目的内容用剪切互换", office=True, floor=None)
def swapped_by_cutting(case: Case) -> None:
    one, other = _pair(case)
    for page in case.pages:
        aside = case.bottom + 20, 0
        case.do("move", page.title, *one, *aside)
        case.do("move", page.title, *other, one.top, one.left)
        case.do("move", page.title, aside[0], aside[1], aside[0] + one.bottom - one.top, aside[1] + one.right - one.left, other.top, other.left)


def _pair(case: Case) -> tuple[Area, Area]:
    """Two required inputs of the same size."""
    areas = [case.area(s) for s in case.plan.inputs.values() if s.kind == "input" and s.typed and not s.tick]
    return next(
        (a, b) for a, b in itertools.combinations(areas, 2) if (a.bottom - a.top, a.right - a.left) == (b.bottom - b.top, b.right - b.left)
    )


@kind("一个栏目的内容剪切到另一个栏目上（盖住了它）", office=True, floor=None)
def cut_onto_another(case: Case) -> None:
    one, other = _pair(case)
    for page in case.pages:
        case.truths[page.title].forget(shown(got(page, (other.top, other.left))))
        case.do("separate", page.title, *other)  # this office pastes no merge onto another
        case.do("move", page.title, *one, other.top, other.left)


@kind("整行复制、插入到下一行再改（标记重复）", office=True)
def line_copied_and_inserted(case: Case) -> None:
    for page in case.pages:
        source = case.filled(page, case.lines(case.block))[0]
        case.do("insert_rows", page.title, source + 1, 1)
        case.do("copy", page.title, source, 0, source, case.key_column, source + 1, 0)
        level = case.truths[page.title].levels[f"indicators{source - ORIGIN[0]}{'annual' if panes(case) else None}"]
        for slot in case.grid_slots(source):
            if slot.column and slot.column.pane == "mid_term":
                case.do("clear", page.title, source + 1, slot.area.left, source + 1, slot.area.left)
        for col, text in case.new_line(page.title, 1, level).items():
            case.do("type", page.title, source + 1, col, text)


@kind("指标表中间插入两行，写“续页”和重复表头", office=True)
def header_repeated(case: Case) -> None:
    for page in case.pages:
        row = case.lines(case.block)[1]
        case.do("insert_rows", page.title, row, 1)
        for slot in case.plan.slots:
            if slot.kind == "heading" and slot.grid == "indicators" and slot.text:
                case.do("type", page.title, row, slot.area.left, slot.text)


@kind("两行指标剪切后换位置", office=True)
def lines_moved(case: Case) -> None:
    for page in case.pages:
        rows = case.filled(page, case.lines(case.block))
        if len(rows) < 2:
            continue
        first, second = rows[:2]
        left, right = case.column("name"), max(s.area.right for s in case.grid_slots(first))
        aside = case.bottom + 20
        case.do("move", page.title, first, left, first, right, aside, left)
        case.do("move", page.title, second, left, second, right, first, left)
        case.do("move", page.title, aside, left, aside, right, second, left)
        truth = case.truths[page.title]
        pane = "annual" if panes(case) else None
        one, other = (f"indicators{row - ORIGIN[0]}{pane}" for row in (first, second))
        truth.levels[one], truth.levels[other] = truth.levels[other], truth.levels[one]  # chosen second levels stay where they are


@kind("复制一张表，另填一个项目（名称成为表内名称）", office=True)
def copied_in_office(case: Case) -> None:
    case.do("copy_sheet", "项目1", "项目1_2", 2)
    truth = case.truths["项目1_2"] = case.truths["项目1"].copy()
    for key in ("project_name", "project_code"):
        if key in case.plan.inputs:
            at = case.input(key)
            old = got(case.book["项目1"], at)
            new = old[:-2] + "77" if key == "project_code" else "复制后另填的项目"
            case.do("type", "项目1_2", *at, new)
            truth.change(old, new)


@kind("复制后删掉原表", office=True, notes=0)
def copied_original_deleted(case: Case) -> None:
    case.do("copy_sheet", "项目1", "项目1_2", 2)
    case.do("delete_sheet", "项目1")
    rename(case, "项目1", "项目1_2")


@kind("两张表复制到新文件（没有说明、字典、_meta）", office=True)
def copied_into_new_book(case: Case) -> None:
    case.do("into_new_book", *case.truths)


@kind("取消合并（办公软件）", office=True, notes=0)
def unmerged_in_office(case: Case) -> None:
    _pages(case, lambda page: case.do("unmerge", page.title))


@kind("填写格里是公式，有结果", office=True)
def formula_with_value(case: Case) -> None:
    for page in case.pages:
        at = case.input("total")
        value = shown(got(page, at))
        case.do("type", page.title, *at, f"={value}+0")


@kind("一行里插入单元格，右边的内容连同标记右移", office=True, floor=None)
def cells_shifted_right(case: Case) -> None:
    for page in case.pages:
        row = case.filled(page, case.lines())[0]
        case.do("shift_right", page.title, row, case.column("name"))


@kind("没有标记和名称的表，一行里插入单元格，内容右移", office=True, floor=None)
def cells_shifted_right_in_bare_sheet(case: Case) -> None:
    keys_deleted(case)
    case.do("lose_names")
    for page in case.pages:
        row = case.filled(page, case.lines())[0]
        case.do("shift_right", page.title, row - 1, case.column("name"))


# --- other formats --------------------------------------------------------------------------------------


@kind("另存为 xlsx（LibreOffice）", office=True, notes=0)
def saved_as_xlsx(case: Case) -> None:
    pass


@kind("另存为 xls", office=True, notes=0)
def saved_as_xls(case: Case) -> None:
    case.suffix = ".xls"


@kind("另存为 ods", office=True, notes=0)
def saved_as_ods(case: Case) -> None:
    case.suffix = ".ods"


@kind("另存为 xls 再存回 xlsx", office=True, notes=0)
def there_and_back(case: Case) -> None:
    case.do("resave", "{work}.xls")


@kind("插入行列后另存为 xls", office=True)
def inserted_and_xls(case: Case) -> None:
    line_inserted(case)
    column_left(case)
    case.suffix = ".xls"


@kind("插入行列后另存为 ods", office=True)
def inserted_and_ods(case: Case) -> None:
    line_inserted(case)
    column_left(case)
    case.suffix = ".ods"


@kind("删掉标记行列后另存为 xls", office=True)
def keys_deleted_and_xls(case: Case) -> None:
    keys_deleted(case)
    case.suffix = ".xls"


@kind("一个栏目剪切到表外后另存为 xls（名称没有了）", office=True, floor=None)
def cut_outside_and_xls(case: Case) -> None:
    cut_outside(case)
    case.suffix = ".xls"


@kind("取消合并、删掉标记行列和名称，另存为 ods", office=True)
def bare_and_ods(case: Case) -> None:
    keys_deleted(case)
    case.do("lose_names")
    unmerged_in_office(case)
    case.suffix = ".ods"
