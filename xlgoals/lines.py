"""Find the lines of a grid on a changed sheet: its columns, its first and last row, and what each row in between is.

A row with a key is the line it was drawn as. One without was added by staff, or the sheet has no keys (any more): then
the words of its level columns tell what it is. A row whose cells were pushed aside is read only where those words say how.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from xlgoals.forms import LEVELS, Form
from xlgoals.layout import Slot
from xlgoals.models import HOLE
from xlgoals.places import GridLine, Place, Taken, fixed_words, shown
from xlgoals.witnesses import Witnesses
from xlgoals.words import short

REMARK = 4  # letters that printed words have at least when they are no value
Columns = Mapping[str, int]  # column id -> column of the sheet


def grid_lines(seen: Witnesses, grid: str, stamped: bool) -> tuple[GridLine, ...]:
    """The lines of a grid of a form, from top to bottom."""
    return GridRows(seen, grid, stamped).lines()


class GridRows:
    """The rows of one grid, asked for once."""

    def __init__(self, seen: Witnesses, grid: str, stamped: bool) -> None:
        self.seen, self.grid, self.stamped = seen, grid, stamped
        self.plan, self.form = seen.plan, seen.plan.form
        self.spec = next(g for _, g in self.form.template.grids() if g.grid == grid)
        own = [slot for slot in self.plan.slots if slot.grid == grid]
        self.heads = {s.key: s for s in own if s.kind == "heading"}
        self.beside = next((s for s in own if s.kind == "label"), None)
        self.inputs = {(s.block, s.line, s.key): s for s in own if s.kind == "input"}
        self.printed = {s.key: s for s in own if s.kind == "fixed"}  # columns that blocks print words in
        self.any_input = {s.key: s for s in own if s.kind == "input"}
        self.meanings = self.form.columns[grid]
        self.levels = {c_id for c_id, meaning in self.meanings.items() if meaning.list in LEVELS}
        self.remarks = {
            short(slot.text) for slot in self.plan.slots
            if slot.kind == "text" and slot.line < 0 and len(slot.text) >= REMARK and not HOLE.search(slot.text)
        }  # fmt: skip
        self.keyed = any(self._drawn(row) for row in seen.key_rows)
        self.found: list[GridLine] = []

    def lines(self) -> tuple[GridLine, ...]:
        columns = self._columns()
        self.first, self.last = self._bounds()
        for row in range(self.first, self.last + 1):
            drawn = self._drawn(row)
            if row in self.seen.key_rows and drawn is None:
                continue  # another row of the form
            if drawn is None and self._remark(row):
                continue
            if self._repeats_header(row, columns, drawn is not None):
                self.seen.used |= {(row, col) for col in columns.values()}
            elif row in self.seen.pushed:
                self._refuse(row)
            elif drawn:
                self._drawn_line(row, columns, *drawn)
            elif own := self._unpushed(row, columns):
                self._other_line(row, own)
            else:
                self._refuse(row)
        return tuple(self.found)

    def _drawn(self, row: int) -> tuple[int, int] | None:
        """The block and line that the key of a row tells."""
        match = re.fullmatch(rf"#{self.grid}\.(\d+)\.(\d+)", self.seen.key_rows.get(row, ""))
        return (int(match[1]) - 1, int(match[2]) - 1) if match else None

    # --- where the grid is

    def _columns(self) -> dict[str, int]:
        """Where each column is now, by its key and its heading."""
        seen, columns = self.seen, dict[str, int]()
        left = self.spec.beside.span if self.spec.beside else 0
        for column in self.spec.columns:
            key, head = seen.col_of.get(left), seen.label(self.heads.get(column.id))
            left += column.span
            if key is not None and head is not None and key != head[1]:
                told = f"列标记指向第 {key + 1} 列，表头在第 {head[1] + 1} 列"
                seen.tell("layout.disagree", head, field=column.label or column.key, found=told)
                continue
            if head is not None:
                columns[column.id] = head[1]
            elif key is not None:
                columns[column.id] = key
            elif column.label == "" and columns and not seen.col_of:  # one without a heading stands right of the one before it
                right = max(columns.values()) + 1
                if right not in {place[1] for h in self.heads.values() if (place := seen.label(h))}:
                    columns[column.id] = right
            elif not self.spec.headed and len(self.spec.columns) == 1 and (place := seen.label(self.beside)):
                columns[column.id] = seen.extent(place).right + 1
            if column.id not in columns and not column.count:
                seen.tell("layout.lost", field=column.label or column.key)
        return columns

    def _bounds(self) -> tuple[int, int]:
        """First and last row of the lines: from the heading (or the label beside) to before the next thing the form prints."""
        seen = self.seen
        keyed = [row for row in seen.key_rows if self._drawn(row)]
        heads = [seen.extent(place).bottom for head in self.heads.values() if (place := seen.label(head))]
        beside = seen.label(self.beside)
        starts = [*keyed, *([max(heads) + 1] if heads else [beside[0]] if beside else [])]
        if not starts:
            return 0, -1
        last_line = max(self.plan.lines(self.grid))
        further = (s for s in self.plan.slots if s.area.top > last_line and s.kind in ("label", "heading"))
        after = [place[0] for s in further if (place := seen.label(s))]
        after += [row for i, planned in enumerate(self.plan.rows) if i > last_line and (row := seen.row_of.get(planned.key)) is not None]
        bottom = max((row for row, _ in seen.cells), default=0)
        if not keyed:
            if beside and (extent := seen.extent(beside)).bottom > extent.top:
                return min(starts), extent.bottom  # the label beside the grid tells how far it goes
            return min(starts), min(after) - 1 if after else bottom
        if after:
            return min(starts), max(min(after) - 1, *keyed)
        last = max(keyed)  # the grid ends the form: lines added below it stand directly below it
        while any((last + 1, col) in seen.cells for col in seen.col_of.values()):
            last += 1
        return min(starts), last

    # --- what a row is

    def _remark(self, row: int) -> bool:
        """Whether nothing but words that the form prints beside its grids stands in a row: a title, a note below the lines."""
        cells = self.seen.sheet.rows[row] if row < len(self.seen.sheet.rows) else ()
        words = [short(str(value)) for c, value in enumerate(cells) if value is not None and (row, c) not in self.seen.used]
        return bool(words) and self.remarks.issuperset(words)

    def _repeats_header(self, row: int, columns: Columns, drawn: bool) -> bool:
        """Whether a row holds the header again (续页), in the columns that are typed in."""
        left_out = self.printed.keys() if drawn else set()
        heads = {c_id: short(head.text) for c_id, head in self.heads.items() if head.text and c_id not in left_out}
        words = {c_id: text for c_id, col in columns.items() if c_id not in left_out and (text := self.seen.text((row, col)))}
        same = sum(short(text) == heads.get(c_id) for c_id, text in words.items())
        return same >= max(1, min(2, len(heads))) and len(words) - same <= (len(words) > 3)

    def _drawn_line(self, row: int, columns: Columns, block: int, line: int) -> None:
        """A row that still has its key: what it prints is known, what is typed in it is its own."""
        fixed = fixed_words(self.plan, self.grid, block)
        cells: dict[str, Taken] = {}
        for c_id, col in columns.items():
            place = self.seen.anchor((row, col))
            if fixed.get(c_id) or self.meanings[c_id].to == "":
                self.seen.used |= {place} & self.seen.cells.keys()
                if fixed.get(c_id):  # a line's number is no words to compare with
                    self._compare(place, c_id, fixed[c_id])
                continue
            slot = self.inputs.get((block, line, c_id))
            if slot is None or place in self.seen.claims:
                continue
            if (place[1] != col and place[1] in columns.values()) or (place[0] != row and slot.meanings[c_id].list is None):
                place = (row, col)  # merged over columns or lines: what is typed there is the first one's
            cells[c_id] = Taken(slot, *place, "key", self.seen.sheet.cell(*place))
        self._keep(GridLine(f"{block + 1}.{line + 1}", cells, dict(fixed), row))

    def _compare(self, place: Place, c_id: str, drawn: str) -> None:
        """Say where the level word that stands beside a line is another than the one of its key: lines were moved with their keys."""
        word, level = self.seen.text(place), self.meanings[c_id].list
        if level in _levels_of(self.form, word) and self.form.canonical(word, level) != self.form.canonical(drawn, level):
            self.seen.tell("line.level", place, found=word, expected=drawn)

    def _other_line(self, row: int, columns: Columns) -> None:
        """A row without a key: a line when anything but a level is written in it."""
        carried = {c_id: self._level(row, columns[c_id], c_id) for c_id in self.printed if c_id in columns}
        words = {c_id: text for c_id, (text, _) in carried.items()}
        broken = False
        unsaid = not any(self.seen.text(self.seen.anchor((row, columns[c_id]))) for c_id in self.levels & columns.keys())
        if not self.stamped and unsaid and self.found and self.found[-1].row == row - 1:
            above = dict(self.found[-1].printed)  # typed by hand: a page ended inside a merged cell
            broken = any(text != words[c_id] for c_id, text in above.items())
            words = above
        cells: dict[str, Taken] = {}
        for c_id, col in columns.items():
            place = self.seen.anchor((row, col))
            slot: Slot | None = self.any_input.get(c_id)
            if c_id in carried:
                if words[c_id] and not carried[c_id][1]:
                    continue  # known from the lines around, written nowhere
                if place not in self.seen.cells or place[0] != row or slot is None:
                    place = carried[c_id][1] or place
                slot = slot or self.printed[c_id]
            elif place[0] != row:
                continue
            if slot is None or place in self.seen.claims:
                continue
            if place[1] != col and place[1] in columns.values():
                place = (row, col)
            cells[c_id] = Taken(slot, *place, "label", self.seen.sheet.cell(*place))
        if any(taken.cell is not None for c_id, taken in cells.items() if c_id not in carried):
            self.seen.used |= {place for _, place in carried.values() if place}
            self._keep(GridLine(f"+{row + 1}", cells, words, row, self.keyed or broken))

    def _keep(self, line: GridLine) -> None:
        self.seen.used |= {(taken.row, taken.col) for taken in line.cells.values() if taken.cell is not None}
        self.found.append(line)

    def _level(self, row: int, col: int, c_id: str) -> tuple[str, Place | None]:
        """The level word of a line without a key, and where it stands: its own, that of a merged cell, that of the block whose
        lines stand above and below it; where the sheet has lost its keys, the last one written above. Between two blocks
        there is none: that is for people to say."""
        seen = self.seen
        if text := seen.text(place := seen.anchor((row, col))):
            return text, place
        if self.keyed:
            above = next((drawn[0] for r in range(row - 1, self.first - 1, -1) if (drawn := self._drawn(r))), None)
            below = next((drawn[0] for r in range(row + 1, self.last + 1) if (drawn := self._drawn(r))), None)
            words = {fixed_words(self.plan, self.grid, block).get(c_id, "") for block in (above, below) if block is not None}
            return (words.pop() if len(words) == 1 else ""), None
        if any(area.left == col and area.top < area.bottom and self.first <= area.top <= self.last for area in seen.sheet.merges):
            return "", None  # merged cells say how far each word goes
        for r in range(row - 1, self.first - 1, -1):
            if self.meanings[c_id].list in _levels_of(self.form, text := seen.text((r, col))):
                return text, (r, col)
        return "", None

    # --- rows whose cells were pushed aside

    def _unpushed(self, row: int, usual: Columns) -> Columns:
        """The columns of a line without a key. Where its cells were pushed one to the right from some column on, its level words
        tell from which; where only a cell beside the grid speaks for it, nothing is sure and no column is given."""
        seen, beside = self.seen, (row, max(usual.values(), default=0) + 1)
        if beside not in seen.cells or beside in seen.used or not any((row, c) in seen.cells for i, c in usual.items() if i not in self.levels):
            return usual
        ordered = sorted(usual, key=usual.__getitem__)
        options = [{c_id: usual[c_id] + (i >= j) for i, c_id in enumerate(ordered)} for j in range(len(ordered))]
        base, *fits = (self._fit(row, columns, usual) for columns in (usual, *options))
        best = max(fits, key=sum)
        if sum(best) <= sum(base):
            return usual
        columns = options[fits.index(best)]
        moved = [(row, col) for c_id, col in columns.items() if col != usual[c_id] and (row, col) in seen.cells]
        if not moved:
            return usual
        if best[0] <= base[0] or fits.count(best) > 1:
            return {}
        seen.tell("line.pushed", *moved, found="、".join(shown(cell) for spot in moved if (cell := seen.sheet.cell(*spot))))
        return columns

    def _fit(self, row: int, columns: Columns, usual: Columns) -> tuple[int, int]:
        """How well a row fits into columns: its level words in level columns, and nothing left over beside them."""
        seen, words = self.seen, 0
        for c_id, col in columns.items():
            if text := seen.text(seen.anchor((row, col))):
                lists, wanted = _levels_of(self.form, text), self.meanings[c_id].list
                if lists or c_id in self.levels:
                    words += 1 if wanted in lists else -1
        around = range(min(usual.values()), max(usual.values()) + 2)
        return words, -sum((row, col) in seen.cells and col not in columns.values() for col in around)

    def _refuse(self, row: int) -> None:
        """Name the cells of a row of which nobody can say which is which."""
        seen = self.seen
        spots = [spot for spot in sorted(seen.cells) if spot[0] == row and spot not in seen.used and spot not in seen.label_places]
        seen.used |= set(spots)
        if spots:
            seen.tell("line.slid", *spots, found="；".join(shown(cell) for spot in spots if (cell := seen.sheet.cell(*spot))))


@lru_cache(maxsize=20_000)
def _levels_of(form: Form, text: str) -> frozenset[str]:
    """Which lists of levels a text is a word of."""
    known = {"level1": set(form.taxonomy), "level2": {word for words in form.taxonomy.values() for word in words}}
    return frozenset(level for level, words in known.items() if text and form.canonical(text, level) in words)
