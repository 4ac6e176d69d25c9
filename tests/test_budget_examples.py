"""The department's tables in `examples/` against the text of the printed document (as scanned, `tests/printed/`), cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xlgoals.spec import data_folder
from xlgoals.yamlmark import load_marked

DATA: dict[str, Any] = load_marked(data_folder("examples") / "data" / "budget" / "qinglong-budget-2024.yaml").data
GRIDS: dict[str, Any] = {grid: lines for form in DATA["forms"].values() for grid, lines in form.items() if not isinstance(lines, str)}
SCAN = (Path(__file__).parent / "printed" / "qinglong-budget-2024.txt").read_text(encoding="utf-8")

CODED = {  # grid -> title in print, columns after 序号 as printed
    "income": ("部门预算收入总表", "code name total current fiscal special business operation upper affiliated other carryover"),
    "expense": ("部门预算支出总表", "code name total basic project operation upward affiliated"),
    "general": ("部门预算一般公共预算财政拨款支出表", "code name total basic project"),
    "basic": ("部门预算一般公共预算财政拨款基本支出表", "code name total staff office"),
    "fund": ("部门预算政府性基金预算财政拨款支出表", "code name total basic project"),
}
CLASSES = ["201", "202", "203", "204", "205", "206", "207", "208", "209", "210", "211", "212", "213", "214", "215", "216", "217", "219", "220", "221", "222", "223", "224", "227", "229", "230", "231", "232", "233", "234", "pboc"]
BLANK = [""]
FIXED = {  # grid -> title; for each side, its lines from 序号 1 down, where its first figure stands, and its columns
    "balance": ("部门预算收支总表", [
        (["general", "fund", "capital", "special", "units"] + BLANK * 26 + ["current", "carryover", "total"], 2, ["income"]),
        ([*CLASSES, "current", "carryover", "total"], 4, ["expense"]),
    ]),
    "fiscal": ("部门预算财政拨款收支总表", [
        (["general", "fund", "capital"] + BLANK * 28 + ["current", "carryover", "carryover_general", "carryover_fund", "carryover_capital", "total"], 2, ["income"]),
        ([*CLASSES, "current", "carryover", *BLANK * 3, "total"], 4, ["expense", "general", "fund", "capital"]),
    ]),
    "three": ('部门预算财政拨款"三公"经费支出表', [
        (["total", "abroad", "abroad_research", "abroad_other", "cars", "cars_purchase", "cars_running", "reception"], 2, ["total", "general", "fund", "capital"]),
    ]),
}  # fmt: skip
EMPTY = ("capital", "procurement")
TITLES = (*(title for title, _ in (*CODED.values(), *FIXED.values())), "部门预算国有资本经营预算财政拨款支出表", "部门机构设置情况", "部门政府采购预算", "部门固定资产占用情况表")


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def pages(title: str) -> str:
    """The scanned pages of one table: from its title to the next title."""
    marks = [f"\n{one}\n" for one in TITLES] + ["\n青龙满族自治县医疗保障局", "\n八、", "\n九、", "\n二、"]
    text = "\n" + SCAN
    start = text.index(f"\n{title}\n") + len(title) + 1
    return text[start : min((at for one in marks if (at := text.find(one, start)) > 0), default=len(text))]


def scanned(title: str) -> Iterator[list[str]]:
    """The rows of a table as the scan has them, without blanks; a name broken over two pages is joined again."""
    rows: list[list[str]] = []
    for line in pages(title).splitlines():
        cells = [bare(cell).strip("_·") for cell in line.split("\t")]
        if len(cells) > 3 and re.fullmatch(r"\d\d?", cells[0]):  # no wreck of a heading (1175)
            rows.append(cells)
        elif len(cells) > 3 and cells[:2] == ["", ""] and cells[2] and not any(cells[3:]) and rows:
            rows[-1][2] += cells[2]
    yield from rows


@pytest.mark.parametrize("grid", CODED)
def test_every_row_of_a_coded_table_is_as_scanned(grid: str) -> None:
    title, columns = CODED[grid]
    rows = [[str(n), *(line.get(key, "合计" if key == "name" else "") for key in columns.split())] for n, line in enumerate(GRIDS[grid], 1)]
    assert rows == [cells[: len(columns.split()) + 1] for cells in scanned(title)]
    assert [line.get("line") for line in GRIDS[grid]] == ["total", *[None] * (len(rows) - 1)]
    for line in GRIDS[grid]:
        assert set(line) <= {"line", *columns.split()}


@pytest.mark.parametrize("grid", FIXED)
def test_every_row_of_a_fixed_table_is_as_scanned(grid: str) -> None:
    """The scan of the first page of 收支总表 lost its lines: its rows are held against the figures of that page."""
    title, sides = FIXED[grid]
    found = {int(cells[0]): cells for cells in scanned(title)}
    figures: list[str] = []
    seen = 0
    for lines, first, columns in sides:
        for seq, line in enumerate(lines, 1):
            typed = [GRIDS[grid].get(line, {}).get(column, "") for column in columns] if line else [""] * len(columns)
            seen += sum(map(bool, typed))
            if seq in found:
                assert found[seq][first : first + len(columns)] == typed, (line, seq)
            else:
                figures += filter(None, typed)
    assert seen == sum(len(line) for line in GRIDS[grid].values())  # nothing is typed that has no place
    if lost := set(range(1, len(sides[0][0]) + 1)) - set(found):
        assert grid == "balance" and lost == set(range(1, 20))
        page = next(line for line in SCAN.splitlines() if "栏次 1 2" in line)
        assert sorted(figures) == sorted(bare(figure) for figure in re.findall(r"\d+\. ?\d\d", page))


def test_the_empty_tables_carry_their_note_and_the_small_ones_their_rows() -> None:
    assert [GRIDS[grid] for grid in EMPTY] == [[], []]
    assert "空表列示" in pages("部门预算国有资本经营预算财政拨款支出表") and "空表列示" in pages("部门政府采购预算")
    assets = [bare(cell) for line in pages("部门固定资产占用情况表").splitlines() for cell in line.split("\t")]
    assert [cell for cell in assets if re.fullmatch(r"[\d.]+", cell)] == ["141.22", "1", "9.89", "561", "131.33"]
    assert [cell for line in ("total", "vehicles", "other") for cell in GRIDS["assets"][line].values()] == ["141.22", "1", "9.89", "561", "131.33"]
    offices = [line.split("\t") for line in pages("部门机构设置情况").splitlines() if line.count("\t") == 3]
    assert offices[1:] == [list(line.values()) for line in GRIDS["offices"]]


def test_the_sentences_hold_every_amount_in_the_order_of_print() -> None:
    stated = DATA["forms"]["qinglong-statement-2024"]
    text = bare(SCAN)
    text = text[text.index("二、部门预算安排的总体情况") :]
    printed = re.findall(r"((?:增加|减少)?\d+\.\d\d)万元", text)
    assert printed == [value for value in stated.values() if re.fullmatch(r"(增加|减少)?[\d]+\.\d+", value)]
    assert all(bare(value) in text for value in stated.values())
