"""The cells of a table: those that staff type in, as runs down its columns that dropdowns and tints are put on as one, and the
formulas of those that the form fills in."""

from __future__ import annotations

from collections.abc import Mapping

from xlgoals.layout import ORIGIN, Plan, Slot
from xlgoals.models import Grid
from xlgoals.records import Area, cell_name
from xlgoals.sums import Lookup, excel, listed

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


def code_name(name: str) -> str:
    """The defined name of a list of codes; that of their names ends in `_names`. One for all forms of a workbook."""
    return f"cod_{name}"


def formula_text(laid: Plan, slot: Slot) -> str:
    """What fills a cell in by itself, for Excel: a sum, a name for a code, or the note below a grid while nothing is written in it."""
    row, column = slot.area.top, slot.area.left
    lines = list(laid.lines(slot.grid))
    places = {(laid.rows[at].block, laid.rows[at].line): at for at in lines}
    lefts = {s.key: s.area.left for s in laid.slots if s.grid == slot.grid and s.column and s.key}

    def at(row: int, col: int) -> str:
        return cell_name(row + ORIGIN[0], col + ORIGIN[1])

    def below(key: str) -> str:  # down to the row after the last line, which holds no figure: a range that ends before it begins turns round
        col = lefts[key] if key else column
        last = at(lines[-1] + 1, col)
        letters = last.rstrip("0123456789")
        return f"{at(row + 1, col)}:{letters}${last[len(letters) :]}"

    if slot.formula is None:
        typed = next(s for s in laid.slots if s.grid == slot.grid and s.typed and s.formula is None)
        note = slot.text.replace('"', '""')
        return f'=IF(COUNTA({at(typed.area.top, typed.area.left)}:{at(lines[-1], typed.area.left)})=0,"{note}","")'
    names = f"{code_name(slot.formula.list)}_names" if isinstance(slot.formula, Lookup) else ""
    return excel(
        slot.formula, lambda term: at(row if term.line is None else places[term.line], lefts[term.column]), below,
        lambda key: f"${at(row, lefts[key])}", names,
    )  # fmt: skip
