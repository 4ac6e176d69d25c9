"""The cells of a table that staff type in, as runs down its columns: what dropdowns and tints are put on as one."""

from __future__ import annotations

from collections.abc import Mapping

from xlgoals.layout import ORIGIN, Plan, Slot
from xlgoals.models import Grid
from xlgoals.records import Area
from xlgoals.sums import listed

Runs = Mapping[str, list[tuple[Slot, Area]]]  # column id -> runs of cells, as areas of the sheet, each with its first slot


def is_table(grid: Grid) -> bool:
    """Whether a grid holds figures that belong to named lines or to codes: cells are left blank there that nobody misses."""
    return bool(grid.tree) or any(map(listed, grid.blocks))


def in_table(laid: Plan, slot: Slot) -> bool:
    return slot.grid in {grid.grid for _, grid in laid.form.template.grids() if is_table(grid)}


def tables(laid: Plan) -> Mapping[str, Runs]:
    """Grid -> runs of the cells of its tables that staff may write in."""
    found: dict[str, dict[str, list[tuple[Slot, Area]]]] = {}
    named = {grid.grid for _, grid in laid.form.template.grids() if is_table(grid)}
    for slot in laid.slots:
        if slot.grid not in named or not slot.typed:
            continue
        runs = found.setdefault(slot.grid, {}).setdefault(slot.key, [])
        area = slot.area.moved(*ORIGIN)
        if runs and runs[-1][1].bottom + 1 == area.top:
            runs[-1] = runs[-1][0], runs[-1][1]._replace(bottom=area.bottom)
        else:
            runs.append((slot, area))
    return found


def holds_text(slot: Slot) -> bool:
    """Whether figures written in a cell are text: codes and the like, and the printed numbers of lines."""
    if slot.kind == "input":
        return slot.typed and slot.meanings[slot.key].type != "money" and slot.formula is None
    return slot.text.isdecimal() and slot.kind in ("fixed", "text")
