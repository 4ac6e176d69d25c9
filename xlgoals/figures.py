"""Lines of a table to details: what names each line, what stands in each column, and what the form fills in by itself.

A figure that stands in a cell of a sum is taken as printed, whoever wrote it there: rules hold it against its parts. Only where
the form's own formula was never calculated is the sum computed here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from xlgoals.findings import Catalogue
from xlgoals.forms import Form, Meaning
from xlgoals.gridplan import BY_FORM, NUMBERS
from xlgoals.models import Column, Grid
from xlgoals.places import GridLine, Located, Taken
from xlgoals.records import Detail, Spot
from xlgoals.sums import Formula, Line, Lookup, compute, is_own, listed

COMPUTED = "formula"  # the witness of a figure that stands in no cell: the form's formula, which nobody calculated


class Parser(Protocol):
    """What reading one cell needs of the parser."""

    located: Located
    form: Form
    catalogue: Catalogue
    spots: dict[str, Spot]
    identity: str

    def text(self, taken: Taken, meaning: Meaning, key: str, label: str = "") -> str: ...
    def money(self, text: str, key: str) -> Decimal | None: ...
    def told(self, code: str, key: str, others: Sequence[str] = ()) -> None: ...


@dataclass(slots=True)
class _Line:
    """A line as found, and what names it."""

    found: GridLine
    place: Line | None
    code: str = ""
    name: str = ""
    own: str = ""
    cells: dict[str, Taken] = field(default_factory=dict)


def read_figures(parser: Parser, grid: str, lines: Sequence[GridLine]) -> list[Detail]:
    """Every value of a grid of details; blank cells give none."""
    return _Figures(parser, grid, lines).details()


class _Figures:
    def __init__(self, parser: Parser, grid: str, lines: Sequence[GridLine]) -> None:
        self.parser, self.form = parser, parser.form
        self.grid: Grid = next(spec for _, spec in self.form.template.grids() if spec.grid == grid)
        self.meanings = self.form.columns[grid]
        self.columns = [column for column in self.grid.columns if self.meanings[column.id].to]
        self.coded = next((c for c in self.columns if self.meanings[c.id].list in self.form.codes), None)
        self.lines = list(self._lines(lines))
        self.out: list[tuple[tuple[int, int], Detail]] = []  # by line and column
        self.wanted: dict[tuple[int, str], Formula] = {}
        self.figures: dict[tuple[int, str], Decimal] = {}
        self.over: list[str] = []

    def details(self) -> list[Detail]:
        for i, line in enumerate(self.lines):
            if not self._written(line):
                continue  # nobody wrote here: that its sums come to nothing says nothing
            for column in self.columns:
                taken = line.cells.get(column.id)
                if taken is not None and taken.cell is not None:
                    self._value(i, line, column, taken)
        self._computed()
        if self.over and self.parser.located.stamp:  # a table that somebody else made never had our formulas
            self.parser.told("formula.typed", self.over[0], self.over[1:])
        return [one for _, one in sorted(self.out, key=lambda pair: pair[0])]

    # --- lines

    def _written(self, line: _Line) -> bool:
        """Whether a line has words printed in it, or anything in it that is not the form's own formula."""
        if line.place and listed(self.grid.blocks[line.place[0]]):
            return True
        cells = ((taken.slot.formula, taken.cell) for taken in line.cells.values() if taken.cell)
        return any(not (own and cell.formula is not None and is_own(own, cell.formula)) for own, cell in cells)

    def _lines(self, lines: Sequence[GridLine]) -> Iterator[_Line]:
        seen: dict[str, int] = {}
        for found in lines:
            match = re.fullmatch(r"(\d+)\.(\d+)", found.key)
            line = _Line(found, (int(match[1]) - 1, int(match[2]) - 1) if match else None, own=found.key, cells=dict(found.cells))
            if self.coded and (taken := found.cells.get(self.coded.id)) and taken.cell and taken.cell.value is not None:
                line.code = _code(taken.cell.value)
            if line.code:
                seen[line.code] = seen.get(line.code, 0) + 1
                line.own = line.code if seen[line.code] == 1 else f"{line.code}#{seen[line.code]}"
            yield line

    def _id(self, line: _Line, column: Column) -> str:
        named = self.grid.line_id(line.place[0], column) if line.place else ""
        return named or line.own

    def _label(self, line: _Line, column: Column, label: str) -> str:
        """What people call the cell: the words or the code of its line, and its column."""
        words = self.grid.blocks[line.place[0]].fixed.get(self.grid.names(column), "") if line.place else ""
        who = words.strip(" \u3000") or line.code
        return f"{who}·{label}" if who else label

    # --- cells

    def _value(self, i: int, line: _Line, column: Column, taken: Taken) -> None:
        meaning, slot, cell = self.meanings[column.id], taken.slot, taken.cell
        assert cell
        own = slot.formula is not None and cell.formula is not None and not cell.error and is_own(slot.formula, cell.formula)
        if own and cell.value == 0:
            return  # a sum of nothing, which the form shows as a blank
        key = f"{self.grid.grid}.{self._id(line, column)}.{meaning.part}"
        text = self.parser.text(taken, meaning, key, self._label(line, column, slot.label or meaning.label))
        if own and not text and slot.formula:
            self.wanted[i, column.id] = slot.formula
            return
        if slot.formula and slot.by == BY_FORM and cell.formula is None and text:
            self.over.append(key)
        if column is self.coded:
            text = line.code
        amount = self.parser.money(text, key) if meaning.type in NUMBERS else None
        if amount is not None:
            self.figures[i, column.id] = amount
        if text:
            self._keep(i, column, Detail(key, self.grid.grid, self._id(line, column), meaning.part, text, amount))

    def _keep(self, i: int, column: Column, detail: Detail) -> None:
        self.out.append(((i, self.columns.index(column)), detail))

    def _computed(self) -> None:
        """What the form's own formulas would show, had anybody calculated them."""
        codes = [line.code for line in self.lines]
        place = {line.place: i for i, line in enumerate(self.lines) if line.place}
        sums = compute({at: one for at, one in self.wanted.items() if not isinstance(one, Lookup)}, self.figures, codes, place)
        for (i, c_id), formula in self.wanted.items():
            line, column = self.lines[i], next(c for c in self.columns if c.id == c_id)
            meaning, taken = self.meanings[c_id], line.cells[c_id]
            amount = sums.get((i, c_id))
            if isinstance(formula, Lookup):
                text = self.form.codes[formula.list].names.get(line.code, "") if formula.list in self.form.codes else ""
            else:
                text = "" if amount is None else f"{amount / self.form.money_factor:.2f}"
            key = f"{self.grid.grid}.{self._id(line, column)}.{meaning.part}"
            if not text:
                self.parser.spots.pop(key, None)
                continue
            self.parser.spots[key] = Spot(
                self.parser.located.at(taken), "", COMPUTED, self._label(line, column, taken.slot.label or meaning.label)
            )
            self._keep(i, column, Detail(key, self.grid.grid, self._id(line, column), meaning.part, text, amount))


def _code(value: object) -> str:
    """A code as it is compared: half width, without blanks."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
