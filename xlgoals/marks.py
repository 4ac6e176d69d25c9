"""A form as its own workbook sees it: input cells and lines as expressions, and the marks that rules make of them.

What `facts` lays out as tables for the checks stands here as cells of the sheet, by the same record keys and parts. An
expression refers to cells of its own sheet only, so that a sheet may be copied, renamed or deleted; the row of a reference
moves with its formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from xlgoals.forms import STAMPED, Form, Meaning
from xlgoals.formulas import blank, compact, content, every, quoted, stripped, substituted
from xlgoals.layout import ORIGIN, Plan, Slot, plan
from xlgoals.models import HOLE
from xlgoals.records import Area, Horizon, absolute, area_name, cell_name, column_name
from xlgoals.tablecells import is_table
from xlgoals.words import BOXES, full_width

ARGUMENTS_MOST = 250  # of a function
FIGURES_MOST = 200  # inputs of a grid of lines; one of more is taken for a table


@dataclass(frozen=True, slots=True)
class Ref:
    """One input as expressions. `cell` is where it stands; `text` what is filled in, without the blanks around; `blank`
    whether nothing is; `unread` an expression that is an error where nobody can tell."""

    slot: Slot
    meaning: Meaning
    row: int  # of the form
    cell: str
    text: str
    blank: str
    unread: str

    @property
    def label(self) -> str:
        return self.slot.label or self.meaning.label


class Line(NamedTuple):
    """One line of indicators in one horizon: its inputs, and the words printed in it, by part (level1, name …)."""

    cells: Mapping[str, Ref]
    printed: Mapping[str, str]

    @property
    def present(self) -> str:
        """Whether the line is read as an indicator at all: anything stands where its name or its value belongs."""
        return f"COUNTA({','.join(self.cells[part].cell for part in ('name', 'target') if part in self.cells)})>0"

    @property
    def begun(self) -> str:
        """Whether it has a name or a value besides blanks."""
        parts = [self.filled(part) for part in ("name", "target") if part in self.cells]
        return f"OR({','.join(parts)})" if len(parts) > 1 else parts[0]

    def filled(self, part: str) -> str:
        """Whether something legible stands in a part."""
        return f"IFERROR(NOT({self.cells[part].blank}),FALSE)"


class Mark(NamedTuple):
    """What a rule demands of one cell: an expression that is true where it is not met, and expressions for the holes of the
    rule's sentence ({field} and the rule's own parameters are known). A hole left out is shown as unknown. `of_error`: it is
    about a cell that nobody can read, where no other mark is asked."""

    ref: Ref
    fails: str
    words: Mapping[str, str] = {}
    of_error: bool = False


@dataclass
class Cells:
    """The cells of one form. Expressions that are used again are kept in helper cells beside the form, row by row."""

    form: Form
    plan: Plan = field(init=False)
    inputs: list[Ref] = field(default_factory=list)
    fields: dict[str, Ref] = field(default_factory=dict)  # record key -> input, of what stands once on a form
    lines: list[Line] = field(default_factory=list)
    goals: dict[Horizon, list[Ref]] = field(default_factory=dict)
    figures: list[Slot] = field(default_factory=list)  # inputs of tables: no marks there, each would be longer than a row of figures
    sentences: list[Slot] = field(default_factory=list)  # prose with blanks to fill: no marks, a formula cannot tell a figure's own words
    kept: dict[int, dict[str, int]] = field(default_factory=dict)  # row -> expression -> which of its helper cells

    def __post_init__(self) -> None:
        self.plan = plan(self.form)
        for slot in self.plan.slots:
            if slot.typed and slot.kind == "pattern" and slot.blank:
                self.sentences.append(slot)
            elif slot.typed and not slot.grid:
                for key, meaning in slot.meanings.items():
                    ref = self._ref(slot, key, meaning)
                    self.fields.setdefault(meaning.record_key, ref)
                    if meaning.record == "goals":
                        self.goals.setdefault(meaning.horizon, []).append(ref)
        for _, grid in self.form.template.grids():
            own = [slot for slot in self.plan.slots if slot.grid == grid.grid and slot.typed]
            said = any(meaning.record in ("indicator", "goals") for meaning in self.form.columns[grid.grid].values())
            if is_table(grid) or (len(own) > FIGURES_MOST and not said):
                self.figures += [slot for slot in own if slot.formula is None]
                continue
            for row in self.plan.lines(grid.grid):
                self._line(grid.grid, row)

    def _ref(self, slot: Slot, key: str, meaning: Meaning) -> Ref:
        row, cell = slot.area.top, self.address(slot.area.top, slot.area.left)
        text, empty, unread = stripped(cell), blank(cell), cell
        if slot.kind == "pattern":
            text = unread = self.keep(row, self._hole(slot, key, cell))
            empty = f'{text}=""'
        elif slot.tick:
            empty = f"OR({empty},{compact_boxes(cell)}={quoted(''.join(slot.text.split()))})"
        if meaning.to in STAMPED:  # what the stamp says of it, it says where nobody typed it
            said = quoted('"' + meaning.to + '":')
            empty = f"AND({empty},ISERROR(FIND({said},{self.stamp})))"
        ref = Ref(slot, meaning, row, cell, text, empty, unread)
        self.inputs.append(ref)
        return ref

    def _line(self, grid: str, row: int) -> None:
        meanings = self.form.columns[grid]
        slots = [slot for slot in self.plan.slots if slot.grid == grid and slot.area.top == row and slot.typed]
        refs = {slot.key: self._ref(slot, slot.key, slot.meanings[slot.key]) for slot in slots}
        spec = next(g for _, g in self.form.template.grids() if g.grid == grid)
        fixed = spec.blocks[self.plan.rows[row].block].fixed
        printed = {column.id: fixed[column.key] for column in spec.columns if column.key in fixed}
        for horizon in dict.fromkeys(m.horizon for m in meanings.values() if m.record in ("indicator", "goals")):
            own = {key: m for key, m in meanings.items() if m.horizon == horizon or m.list == "level1"}
            if any(m.record == "goals" for m in own.values()):
                self.goals.setdefault(horizon, []).extend(refs[key] for key in own if key in refs)
            elif any(m.part in ("name", "target") and key in refs for key, m in own.items()):
                inputs = {m.part: refs[key] for key, m in own.items() if key in refs}
                self.lines.append(Line(inputs, {m.part: printed[key] for key, m in own.items() if key in printed}))

    # --- places

    @staticmethod
    def address(row: int, col: int) -> str:
        """A cell of the form, its column fixed."""
        return f"${cell_name(row + ORIGIN[0], col + ORIGIN[1])}"

    def keep(self, row: int, expression: str) -> str:
        """Where the value of an expression stands beside a row: it is computed once, however often it is used."""
        own = self.kept.setdefault(row, {})
        return self.address(row, self.helper + own.setdefault(expression, len(own)))

    @property
    def stamp(self) -> str:
        """The cell of the sheet's stamp."""
        return absolute(cell_name(0, self.plan.width + ORIGIN[1]))

    @property
    def hints(self) -> int:
        """The column of the hints, behind the key column."""
        return self.plan.width + 1

    @property
    def helper(self) -> int:
        """The first column of helper cells."""
        return self.plan.width + 2

    @property
    def helpers(self) -> int:
        return max((len(own) for own in self.kept.values()), default=0)

    def ranges(self, slots: Iterable[Slot]) -> list[str]:
        """The cells of some inputs as few ranges: runs of rows in one column."""
        columns: dict[int, list[int]] = {}
        for slot in slots:
            columns.setdefault(slot.area.left, []).append(slot.area.top)
        return [
            re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", area_name(Area(first, col, last, col).moved(*ORIGIN)))
            for col, rows in columns.items()
            for first, last in runs(rows)
        ]

    # --- what is filled in

    def anything(self) -> str:
        """How many inputs hold what the unit wrote: neither printed beforehand nor said by the stamp in a cell."""
        plain = list(self.figures)
        terms: list[str] = []
        for ref in {ref.cell: ref for ref in self.inputs}.values():
            slot = ref.slot
            if slot.kind == "pattern" or slot.tick:
                printed = re.sub(r"\s", "", HOLE.sub("", slot.text))
                terms.append(f"IFERROR(({compact(ref.cell)}<>\"\")*({compact(ref.cell)}<>{quoted(printed)}),1)")
            elif ref.meaning.to in STAMPED:
                known = f'ISNUMBER(FIND(""""&{stripped(ref.cell)}&"""",{self.stamp}))'
                terms.append(f"IFERROR(COUNTA({ref.cell})*NOT({known}),1)")
            else:
                plain.append(slot)
        for slot in self.sentences:
            cell = self.address(slot.area.top, slot.area.left)
            left = f"LEN({cell})-LEN({substituted(cell, [(slot.blank, '')])})"
            terms.append(f'IFERROR(({compact(cell)}<>"")*({left}<{len(slot.blank) * len(slot.meanings)}),1)')
        areas = self.ranges(plain)
        counted = [f"COUNTA({','.join(areas[n : n + ARGUMENTS_MOST])})" for n in range(0, len(areas), ARGUMENTS_MOST)]
        return "+".join([*counted, *terms]) or "0"

    def nothing(self, refs: list[Ref]) -> str:
        """Whether none of some inputs holds anything besides blanks."""
        return every(*(f"SUMPRODUCT(LEN({content(area)}))=0" for area in self.ranges(ref.slot for ref in refs)))

    def _hole(self, slot: Slot, key: str, cell: str) -> str:
        """What stands in a hole of printed words; an error where the printed words are no longer there."""
        words, holes = [_narrow(part) for part in HOLE.sub("\0", slot.text).split("\0")], HOLE.findall(slot.text)
        signs = [(wide, _narrow(wide)) for wide in dict.fromkeys(HOLE.sub("", slot.text)) if _narrow(wide) not in ("", wide)]
        whole = self.keep(slot.area.top, substituted(compact(cell), signs))
        begin = f"IF(LEFT({whole},{len(words[0])})={quoted(words[0])},{len(words[0]) + 1},NA())" if words[0] else "1"
        places = dict[str, tuple[str, str]]()
        for n, (hole, word) in enumerate(zip(holes, words[1:], strict=True), 1):
            if n < len(holes):
                end = f"FIND({quoted(word)},{whole},{begin})"
            else:
                rest = f"LEN({whole})-{len(word) - 1}" if word else f"LEN({whole})+1"
                end = f"IF(RIGHT({whole},{len(word)})={quoted(word)},{rest},NA())" if word else rest
            places[hole] = begin, self.keep(slot.area.top, end)
            begin = f"{places[hole][1]}+{len(word)}"
        begin, end = places[key]
        sure = f"ISNUMBER({places[holes[-1]][1]})"  # one hole is read where all are
        return f'IF({whole}="","",IF({sure},MID({whole},{begin},{end}-({begin})),NA()))'


def _narrow(text: str) -> str:
    """Printed words without blanks, ASCII signs half width."""
    narrow = {full_width(chr(code)): chr(code) for code in range(0x21, 0x7F)}
    return "".join(narrow.get(letter, letter) for letter in re.sub(r"\s", "", text))


def compact_boxes(cell: str) -> str:
    """The text of a cell without blanks, every box the same."""
    return substituted(compact(cell), [(box, BOXES[0]) for box in BOXES[1:]])


def runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Numbers as runs (first, last) of one after the other."""
    ordered = sorted(set(numbers))
    ends = [i for i, (a, b) in enumerate(pairwise(ordered), 1) if b != a + 1]
    for first, last in pairwise([0, *ends, len(ordered)]):
        yield ordered[first], ordered[last - 1]


def letter_of(ref: Ref) -> str:
    return column_name(ref.slot.area.left + ORIGIN[1])
