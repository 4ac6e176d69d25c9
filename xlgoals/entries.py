"""Entries: what stands in which input cell of a form, whoever puts it there: a person, pre-filling, or another form's content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from math import ceil, inf
from typing import Any, NamedTuple

from xlgoals.errors import UsageError
from xlgoals.layout import NARROW, PADDING, TALLEST, Plan, Slot, column_points, style_of, text_height, tick_line
from xlgoals.models import HOLE, Column, Grid
from xlgoals.records import Horizon

TEXT_MOST = 32_767  # what a cell holds, in UTF-16 units
LATIN = re.compile(r"[A-Za-z0-9.,%+\-/]+")  # words that a line break does not part
UNFIT = re.compile("[\ud800-\udfff\ufffe\uffff]")


class Entry(NamedTuple):
    """One value for one input cell. Text stands there as it is; a Decimal is an amount in the form's money unit."""

    slot: Slot
    row: int  # of the form
    value: str | Decimal


def typed(laid: Plan, project: Mapping[str, Any]) -> Iterator[Entry]:
    """What a person types for one project, whose values are given by the form's own keys; amounts as the text typed."""
    for key, slot in laid.inputs.items():
        if slot.kind == "input" and project.get(key):
            yield Entry(slot, slot.area.top, tick_line(slot.tick, project[key]) if slot.tick else project[key])
        elif slot.kind == "pattern" and key == slot.key:
            yield Entry(slot, slot.area.top, HOLE.sub(lambda hole, slot=slot: project.get(hole[1]) or slot.blank, slot.text))  # type: ignore[misc]
    for _, grid in laid.form.template.grids():
        panes = dict.fromkeys(column.pane for column in grid.columns if column.pane)
        named, free = _by_line(project.get(grid.grid, []))
        yield from _named_lines(laid, grid, named)
        for pane in panes or (None,):
            lines = free if not panes else project.get(grid.grid if pane in (None, "annual") else f"{pane}_{grid.grid}", [])
            taken: set[int] = set()
            for line in lines:
                values = line if isinstance(line, dict) else {grid.columns[0].key: line}
                row = next((row for row in fitting_lines(laid, grid, values) if row not in taken), None)
                if row is None:
                    raise UsageError(f"表样 {laid.form.id} 的 {grid.grid} 没有空行可填：{values}。请在表样里加大 lines 的 most。")
                taken.add(row)
                for slot, column in line_inputs(laid, grid, row, pane):
                    if values.get(column.key):
                        yield Entry(slot, row, values[column.key])


def _by_line(given: Any) -> tuple[Mapping[str, Mapping[str, Any]], list[Any]]:
    """What is given for lines that have a name, by their names, and the rest: a mapping names all its lines, in a list `line` does."""
    if isinstance(given, Mapping):
        return given, []
    named = {one["line"]: one for one in given if isinstance(one, Mapping) and "line" in one}
    return named, [one for one in given if not (isinstance(one, Mapping) and "line" in one)]


def _named_lines(laid: Plan, grid: Grid, named: Mapping[str, Mapping[str, Any]]) -> Iterator[Entry]:
    """What is typed in the lines that printed words name."""
    slots = {(grid.line_id(s.block, s.column), s.column.key): s for s in laid.slots if s.grid == grid.grid and s.kind == "input" and s.column}
    for line, values in named.items():
        for key, value in values.items():
            if key != "line" and value:
                if (line, key) not in slots:
                    raise UsageError(f"表样 {laid.form.id} 的 {grid.grid} 没有可填的格子 {line}.{key}。")
                yield Entry(slots[line, key], slots[line, key].area.top, value)


def fitting_lines(laid: Plan, grid: Grid, values: Mapping[str, str]) -> Iterator[int]:
    """The rows of a grid whose printed words are those of the values (by column key), shown lines of a block before its spare ones."""
    lists = {column.key: laid.form.columns[grid.grid][column.id].list for column in grid.columns}
    for row in laid.lines(grid.grid):
        fixed = grid.blocks[laid.rows[row].block].fixed
        if all(_same(laid, lists[key], values.get(key, ""), text) for key, text in fixed.items()):
            yield row


def _same(laid: Plan, name: str | None, text: str, printed: str) -> bool:
    """Level words are the same when they mean the same, however the form prints them."""
    if name in ("level1", "level2"):
        return laid.form.canonical(text, name) == laid.form.canonical(printed, name)
    return text == printed


def line_inputs(laid: Plan, grid: Grid, row: int, pane: Horizon | None) -> Iterator[tuple[Slot, Column]]:
    """The inputs of one line that one pane fills: its own, and those the panes share."""
    for slot in laid.slots:
        if slot.grid == grid.grid and slot.kind == "input" and slot.area.top == row and slot.column and slot.column.pane in (None, pane):
            yield slot, slot.column


def fits_cell(text: str) -> bool:
    """Whether a cell holds a text whole: Excel counts UTF-16 units, and no file holds what XML cannot say."""
    short = len(text) <= TEXT_MOST // 2 or len(text.encode("utf-16-le", "surrogatepass")) <= 2 * TEXT_MOST
    return short and (text.isascii() or not UNFIT.search(text))


def own_number(slot: Slot) -> str:
    """What is printed before the text of a numbered line."""
    return HOLE.sub(lambda _: str(slot.line + 1), slot.column.numbered) if slot.column else ""


def filled_pattern(text: str, values: Mapping[str, str]) -> str | None:
    """Printed words with values in their holes; None when nobody could tell the values apart again (they hold printed words)."""
    whole = HOLE.sub(lambda hole: values.get(hole[1], ""), text)
    parts = re.split(r"\{(\w+)\}", text)
    pattern = "".join(
        f"(?P<{part}>.*?)" if i % 2 else r"\s*".join(map(re.escape, re.sub(r"\s+", "", part))) + r"\s*" for i, part in enumerate(parts)
    )
    found = re.fullmatch(pattern + r"\s*", whole, re.DOTALL)
    read = {key: match.strip(" \u3000") for key, match in found.groupdict().items()} if found else None
    return whole if read == {key: values.get(key, "") for key in HOLE.findall(text)} else None


@lru_cache(maxsize=4096)
def _room(laid: Plan, left: int, right: int, style: str) -> tuple[float, float, float]:
    """The width of some columns, in points and in letters of a style, and what one more line of it adds to the height."""
    looks = laid.form.looks
    points = sum(column_points(w) for w in laid.form.template.columns[left : right + 1])
    return points, (points - looks.cell_padding) / looks.styles[style].size, looks.styles[style].size * looks.line_factor


def _most(text: str, em: float) -> float:
    """No fewer lines than a text takes in a width of so many em: each but the last is filled but for less than its longest word."""
    if "\n" in text:
        return inf
    if len(text) <= em:
        return 1
    if LATIN.fullmatch(text):
        return ceil(len(text) * NARROW / em)
    longest = max(map(len, LATIN.findall(text)), default=1)
    return len(text) // (em - longest) + 1 if em > longest else inf


def fitted_heights(laid: Plan, entries: Iterable[Entry]) -> dict[int, float]:
    """Points of height for the rows in which text stands: what it needs where that is more than the form gives the row, and
    for spare lines and those that Excel would fit."""
    form = laid.form
    needed: dict[int, float] = {}
    for slot, row, value in entries:
        if isinstance(value, str) and value:
            points, em, line = _room(laid, slot.area.left, slot.area.right, slot.style)
            text, planned = own_number(slot) + value, laid.rows[row]
            if planned.height is not None and not planned.hidden and _most(text, em) * line + PADDING <= planned.least:
                continue  # however its lines break, the row has room
            height = text_height(form, style_of(form, slot), text, points)
            needed[row] = max(needed.get(row, 0), height)
    heights: dict[int, float] = {}
    for row, height in needed.items():
        planned = laid.rows[row]
        least = planned.least
        if height > least or planned.hidden or planned.height is None:
            heights[row] = min(max(height, least), TALLEST)
    return heights
