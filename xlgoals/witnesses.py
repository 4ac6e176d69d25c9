"""What a changed sheet still says of where things are: its key row and key column, its defined names, its printed labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xlgoals.findings import Finding
from xlgoals.forms import Forms
from xlgoals.layout import Plan, Slot, column_key
from xlgoals.places import Place, echo_pattern
from xlgoals.records import Area, At, Book, Sheet, Value, cell_name
from xlgoals.stamp import read_stamp
from xlgoals.words import bare, short

MOST_ROWS, MOST_COLUMNS = 500, 200  # of one merged cell that are looked at


class Witnesses:
    """A sheet's cells, what of them is spoken for, and the three witnesses: each gives a place or none.

    `used` are the cells that are printed, keyed, taken or told of; a finding made here is kept in `findings`.
    """

    def __init__(self, book: Book, sheet: Sheet, laid: Plan, forms: Forms) -> None:
        self.book, self.sheet, self.plan, self.forms = book, sheet, laid, forms
        self.findings: list[Finding] = []
        self.cells: dict[Place, Value | None] = {(r, c): v for r, row in enumerate(sheet.rows) for c, v in enumerate(row) if v is not None}
        for spot in (*sheet.formulas, *sheet.errors):
            self.cells.setdefault(spot, None)
        self.merged = {spot: area for area in sheet.merges for spot in _spots(area)}
        self.used: set[Place] = set()
        self.claims: dict[Place, str] = {}  # place -> field that took it
        self._find_keys()
        self._find_labels()

    def tell(self, code: str, *spots: Place, **words: Any) -> None:
        """Make a finding about some cells of the sheet, or about the sheet."""
        first, *more = [At(self.book.file, self.sheet.name, cell_name(*spot)) for spot in spots] or [At(self.book.file, self.sheet.name)]
        self.findings.append(self.forms.catalogue.finding(code, first, others=more, **words))

    def text(self, spot: Place) -> str:
        value = self.cells.get(spot)
        return value if isinstance(value, str) else ""

    def anchor(self, spot: Place) -> Place:
        """The first cell of the merged cell that a place is part of; else the place itself."""
        area = self.merged.get(spot)
        return (area.top, area.left) if area else spot

    def extent(self, spot: Place) -> Area:
        return self.merged.get(spot) or Area(*spot, *spot)

    # --- keys

    def _find_keys(self) -> None:
        """Where the key row and the key column are now; a key met twice (a copied row) speaks for its first place only."""
        columns: dict[int, dict[int, int]] = {}  # row of column keys -> column as drawn -> column now
        known = {column_key(c): c for c in range(self.plan.width)}
        row_keys = set(self.plan.row_keys)
        self.row_of: dict[str, int] = {}
        self.key_rows: dict[int, str] = {}
        key_columns: dict[int, int] = {}
        for (r, c), value in sorted(self.cells.items()):
            if not isinstance(value, str):
                continue
            if value in known:
                columns.setdefault(r, {}).setdefault(known[value], c)
            elif value in row_keys:
                if value not in self.row_of:
                    self.row_of[value], self.key_rows[r], key_columns[r] = r, value, c
            elif not read_stamp(value):
                continue
            self.used.add((r, c))
        self.col_of: Mapping[int, int] = max(columns.values(), key=len, default={})
        usual = Counter(key_columns.values()).most_common(1)
        self.pushed = {r for r, c in key_columns.items() if c != usual[0][0]}  # rows in which cells were inserted or deleted: the key went along

    def key_place(self, slot: Slot) -> Place | None:
        row, col = self.row_of.get(self.plan.rows[slot.area.top].key), self.col_of.get(slot.area.left)
        return None if row is None or col is None else (row, col)

    # --- names

    def name_place(self, slot: Slot) -> Place | None:
        name = f"fld_{slot.key}"
        for reference in (self.sheet.names.get(name), self.book.names.get(name)):
            match = re.fullmatch(r"(?:'((?:[^']|'')+)'|([^'!]+))!\$([A-Z]{1,3})\$(\d+)(?::.*)?", reference or "")
            if match and (match[1] or match[2]).replace("''", "'") == self.sheet.name:
                col = 0
                for letter in match[3]:
                    col = col * 26 + ord(letter) - 64
                return int(match[4]) - 1, col - 1
        return None

    # --- labels

    def _find_labels(self) -> None:
        """Printed words where they stand now: each label slot matched to a cell, in reading order where words repeat."""
        by_words: dict[str, list[Place]] = {}
        for spot, value in sorted(self.cells.items()):
            if isinstance(value, str) and spot not in self.used:
                by_words.setdefault(short(value), []).append(spot)
        wanted: dict[str, list[Slot]] = {}
        for slot in self.plan.slots:
            if slot.kind in ("label", "heading") and slot.text:
                wanted.setdefault(short(slot.text), []).append(slot)
        self.label_words = set(wanted)
        self._labels: dict[int, Place] = {}  # id of slot -> place
        heads = self._head_rows(by_words)
        for word, slots in wanted.items():
            spots = next((by_words[w] for w in (word, *(short(a) for a in slots[0].aka)) if w in by_words), [])
            if len(spots) > len(slots) and (rows := heads.get(slots[0].grid)) is not None and all(s.kind == "heading" for s in slots):
                spots = [spot for spot in spots if rows[0] <= spot[0] <= rows[1]]  # further ones stand in repeated headers (续页)
            if len(spots) == len(slots):
                self._labels |= {id(slot): spot for slot, spot in zip(slots, spots, strict=True)}
        self.label_places = set(self._labels.values())
        for slot in self.plan.slots:
            if slot.kind == "pattern":  # input cells with words in them are their own label
                spots = [spot for spot, value in self.cells.items() if isinstance(value, str) and echo_pattern(slot.text).match(bare(value))]
                if len(spots) == 1:
                    self._labels[id(slot)] = spots[0]

    def _head_rows(self, by_words: Mapping[str, Sequence[Place]]) -> dict[str, tuple[int, int]]:
        """The first rows of each grid that read like its header."""
        found: dict[str, tuple[int, int]] = {}
        for _, grid in self.plan.form.template.grids():
            heads = {short(s.text) for s in self.plan.slots if s.kind == "heading" and s.grid == grid.grid and s.text}
            rows = {word: {r for r, _ in by_words.get(word, ())} for word in heads}
            tall = max(1, len(grid.head))
            for row in sorted(set().union(*rows.values())):
                if sum(any(row <= r < row + tall for r in own) for own in rows.values()) >= max(2, len(heads) - 1):
                    found[grid.grid] = row, row + tall - 1
                    break
        return found

    def label(self, slot: Slot | None) -> Place | None:
        """Where a label, a heading or words with fields in them stand."""
        return self._labels.get(id(slot)) if slot else None

    def label_place(self, slot: Slot) -> Place | None:
        """The cell a label names: right of it or below it, as drawn; a search to the right stops at the next label."""
        if slot.kind == "pattern":
            return self.label(slot)
        label = self.plan.labels.get(slot.key)
        at = self.label(label)
        if label is None or at is None:
            return None
        extent = self.extent(at)
        if slot.area.left <= label.area.right:
            return None if self._below(extent.bottom + 1, slot) else (extent.bottom + 1, at[1])
        row = at[0] + slot.area.top - label.area.top
        if self._below(row, slot):
            return None
        beside = next((s for s in self.plan.slots if s.kind == "label" and s.area.top == slot.area.top and s.area.left > slot.area.right), None)
        drawn = slot.area.right - label.area.left + 1  # without a label beside it, only the drawn width is surely this field's
        for col in range(extent.right + 1, at[1] + (2 * self.plan.width if self.label(beside) else drawn)):
            if (row, col) in self.cells:
                if (row, col) in self.used or short(str(self.cells[row, col])) in self.label_words:
                    break  # a key or the next label: what lies before it is blank
                return row, col
        return row, extent.right + 1

    def _below(self, row: int, slot: Slot) -> bool:
        """Whether a label from further down the form stands in a row: the row of `slot` is gone then."""
        further = (s for s in self.plan.slots if s.kind in ("label", "heading") and s.area.top > slot.area.top)
        return any(place[0] == row for s in further if (place := self.label(s)))


def _spots(area: Area) -> Iterator[Place]:
    for row in range(area.top, min(area.bottom, area.top + MOST_ROWS) + 1):
        for col in range(area.left, min(area.right, area.left + MOST_COLUMNS) + 1):
            yield row, col
