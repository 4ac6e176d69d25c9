"""Rules that reading itself raises, each on a workbook that has the fault, at its cell: the register that the gate of rules searches."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from xlgoals.intake import gather
from xlgoals.tables import findings_of

EXAMPLES = Path(__file__).parents[1] / "examples"


@cache
def told_of(path: Path) -> set[tuple[str, str, str]]:
    """Of a workbook that no test changes."""
    return told(path)


def told(path: Path) -> set[tuple[str, str, str]]:
    return {(f.code, f.at.sheet, f.at.cell) for f in findings_of(gather([path], jobs=1).tables)}


@pytest.mark.parametrize(("code", "document", "sheet", "cell"), [
    ("cell.unrecognised", "弋阳", "Sheet4", "C4"),
    ("cell.outside", "六安", "专项业务费-医疗保障专项业务费", "A1"),
    ("line.pushed", "六安", "专项业务费-医疗保障专项业务费", "E24"),
    ("line.added", "六安", "专项业务费-医疗保障专项业务费", "G23"),
    ("level1.inferred", "六安", "专项业务费-医疗保障专项业务费", "F14"),
    ("tick.lost", "石鼓", "城乡医疗救助", "G6"),
])  # fmt: skip
def test_raised_by_a_published_workbook(code: str, document: str, sheet: str, cell: str) -> None:
    assert (code, sheet, cell) in told(next((EXAMPLES / "as-published").glob(f"{document}*.xlsx")))


def hide(book: Any) -> None:
    book["项目2"].sheet_state = "hidden"


def same_name(book: Any) -> None:
    book["Sheet2"]["B3"] = book["Sheet1"]["B3"].value


def misname(book: Any) -> None:
    """A defined name that points to another filled cell than the label and the hidden key."""
    name = next(name for name in book["项目1"].defined_names.values() if name.attr_text.endswith("!$B$4"))
    name.attr_text = name.attr_text.replace("$B$4", "$C$21")


def relabel(book: Any) -> None:
    book["项目1"]["A4"] = "专项名"


def other_unit(book: Any) -> None:
    book["项目1"]["A6"] = "项目资金（元）"


def paste_a_key(book: Any) -> None:
    book["项目1"]["C21"] = "#c3"


def move_a_level(book: Any) -> None:
    """The level words of two blocks changed places, their keys did not."""
    book["项目1"]["A21"], book["项目1"]["A45"] = book["项目1"]["A45"].value, book["项目1"]["A21"].value


def type_into_a_split_cell(book: Any) -> None:
    book["项目1"].unmerge_cells("B4:D4")
    book["项目1"]["C4"] = "另一个名称"


def shift_a_line(book: Any) -> None:
    name, target = book["项目1"]["C21"].value, book["项目1"]["D21"].value
    book["项目1"]["C21"], book["项目1"]["D21"], book["项目1"]["E21"] = None, name, target


def hide_text(book: Any) -> None:
    """A sign that turns the order of what follows: what is written is not what is read."""
    book["项目1"]["C21"] = f"\u202e{book['项目1']['C21'].value}"


def write_over_the_stamp(book: Any) -> None:
    """The workbook keeps its stamp elsewhere too, so the sheet is read all the same."""
    assert str(book["项目1"]["E1"].value).startswith('{"xlgoals"')
    book["项目1"]["E1"] = "写在标记上"


def type_amount(book: Any, typed: object) -> None:
    book["项目1"]["C6"] = typed


@pytest.mark.parametrize(("code", "damage", "sheet", "cell"), [
    ("money.unreadable", partial(type_amount, typed="约5万"), "项目1", "C6"),
    ("money.negative", partial(type_amount, typed=-5), "项目1", "C6"),
    ("money.cents", partial(type_amount, typed=5.1234567), "项目1", "C6"),
    ("cell.no_value", partial(type_amount, typed="=1+1"), "项目1", "C6"),  # nobody has calculated it
    ("form.hidden", hide, "项目2", ""),
    ("form.same_name", same_name, "Sheet1", ""),
    ("layout.disagree", misname, "项目1", "B4"),
    ("layout.label", relabel, "项目1", "A4"),
    ("layout.unit", other_unit, "项目1", "A6"),
    ("cell.hidden", hide_text, "项目1", "C21"),
    ("cell.key", paste_a_key, "项目1", "C21"),
    ("line.level", move_a_level, "项目1", "A21"),
    ("cell.outside", write_over_the_stamp, "项目1", "E1"),
    ("cell.covered", type_into_a_split_cell, "项目1", "C4"),
    ("line.slid", shift_a_line, "项目1", "A21"),
])  # fmt: skip
def test_raised_by_a_damaged_workbook(tmp_path: Path, code: str, damage: Callable[[Any], None], sheet: str, cell: str) -> None:
    folder = "as-published" if sheet.startswith("Sheet") else "filled"
    sound = next((EXAMPLES / folder).glob("弋阳*.xlsx"))
    assert (code, sheet, cell) not in told_of(sound)
    book = openpyxl.load_workbook(sound)
    damage(book)
    book.save(tmp_path / "a.xlsx")
    assert (code, sheet, cell) in told(tmp_path / "a.xlsx")
