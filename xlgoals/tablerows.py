"""Find the lines of a table on a changed sheet: lines that printed words name, and lines that a code names.

A row that has its key is the line it was drawn as. One without is told by its words where the table prints them, in their order;
any other is a free line where the table has such lines, and whatever stands in it belongs to the code in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from xlgoals.lines import Columns, GridRows
from xlgoals.places import GridLine, Place, Taken
from xlgoals.records import Value
from xlgoals.sums import listed
from xlgoals.witnesses import Witnesses
from xlgoals.words import short


def table_lines(seen: Witnesses, grid: str, stamped: bool) -> tuple[GridLine, ...]:
    """The lines of a table of a form, from top to bottom."""
    return _TableRows(seen, grid, stamped).lines()


class _TableRows(GridRows):
    def __init__(self, seen: Witnesses, grid: str, stamped: bool) -> None:
        super().__init__(seen, grid, stamped)
        lefts = {slot.area.left: slot.key for slot in self.plan.slots if slot.grid == grid and slot.kind in ("heading", "input") and slot.key}
        self.head_words: dict[str, set[str]] = {}  # what the heading rows print over each column
        for slot in self.plan.slots:
            if slot.grid == grid and slot.line < 0 and slot.text and slot.area.left in lefts:
                self.head_words.setdefault(lefts[slot.area.left], set()).add(short(slot.text))
        self.words: list[tuple[int, Mapping[str, str]]] = [
            (i, {column.id: short(block.fixed[column.key]) for column in self.spec.columns if block.fixed.get(column.key)})
            for i, block in enumerate(self.spec.blocks)
            if listed(block)
        ]
        self.free = next((i for i, block in enumerate(self.spec.blocks) if not listed(block)), None)
        self.next = 0  # the first named line that may still come

    def _drawn_line(self, row: int, columns: Columns, block: int, line: int) -> None:
        super()._drawn_line(row, columns, block, line)
        self.next = max(self.next, block + 1)

    def _repeats_header(self, row: int, columns: Columns, drawn: bool) -> bool:
        """Whether a row holds headings or their numbers again."""
        if drawn:
            return False
        found = {c_id: _words(value) for c_id, col in columns.items() if (value := self.seen.cells.get((row, col))) is not None}
        same = sum(word in self.head_words.get(c_id, ()) for c_id, word in found.items())
        return same > len(found) / 2 and self._named(row, columns) is None

    def _other_line(self, row: int, columns: Columns) -> None:
        """A row without a key: the line its printed words name, else a free line."""
        block = self._named(row, columns)
        if block is not None:
            self._drawn_line(row, columns, block, 0)
            return
        if self.free is None:
            return
        cells: dict[str, Taken] = {}
        for c_id, col in columns.items():
            place = self.seen.anchor((row, col))
            if self.meanings[c_id].to == "":
                self.seen.used |= {place} & self.seen.cells.keys()
            elif place == (row, col) and place not in self.seen.claims and (slot := self.inputs.get((self.free, 0, c_id))):
                cells[c_id] = Taken(slot, *place, "label", self.seen.sheet.cell(*place))
        if any(taken.cell is not None for taken in cells.values()):
            self._keep(GridLine(f"+{row + 1}", cells, {}, row))

    def _named(self, row: int, columns: Columns) -> int | None:
        """The block whose printed words stand in a row: the first that is still to come, and whose words are all there."""
        here = {c_id: short(text) for c_id, col in columns.items() if (text := self.seen.text(self._own((row, col))))}
        for block, words in self.words:
            if block >= self.next and words and all(here.get(c_id) == word for c_id, word in words.items()):
                return block
        return None

    def _own(self, place: Place) -> Place:
        """A cell merged over several lines belongs to the first of them."""
        anchor = self.seen.anchor(place)
        return anchor if anchor[0] == place[0] else place


def _words(value: Value | None) -> str:
    """What stands in a cell of a heading: words, or a number as it is printed."""
    return f"{value:g}" if isinstance(value, float) else short(str(value))
