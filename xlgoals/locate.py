"""Find the forms in a workbook, and in each form the cell every value stands in. Pure: cells in, places out.

Three witnesses speak for a place: the *key* row and column, the defined *name*, and the printed *label*. On a sheet whose
printed cells and keys all stand where they were drawn they agree by construction, and the drawn places hold. Otherwise each
witness is asked; where they disagree about filled cells the value is not taken, and a finding says so. Every non-empty cell
is accounted for: printed, taken, or named in a finding.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from xlgoals.findings import Catalogue, Finding
from xlgoals.forms import Form, Forms
from xlgoals.layout import ORIGIN, Plan, Slot, column_key, plan
from xlgoals.models import HOLE
from xlgoals.records import Area, At, Book, Cell, Sheet, Stamp, Value, cell_name, column_name
from xlgoals.stamp import read_stamp

Place = tuple[int, int]
ENOUGH = 0.6  # share of a form's labels that an unstamped sheet must show to be that form
CLEAR = 1.15  # and by how much the best form must lead the next


@dataclass(frozen=True, slots=True)
class Taken:
    """The place of one input: its cell (None when blank) and the witnesses that led there."""

    slot: Slot
    row: int
    col: int
    witness: str
    cell: Cell | None

    @property
    def address(self) -> str:
        return cell_name(self.row, self.col)

    @property
    def typed(self) -> bool:
        """Whether anybody wrote here: words printed into an input cell beforehand do not count."""
        if self.cell is None:
            return False
        return not (self.slot.text and self.cell.formula is None and _words(self.cell.value) == bare(HOLE.sub("", self.slot.text)))


@dataclass(frozen=True, slots=True)
class GridLine:
    """One line of a grid as found. `key` is `block.line` from the row key, or `+row` for a line that staff added; `printed`
    holds the words that stand for columns nobody types in (by column id)."""

    key: str
    cells: Mapping[str, Taken]
    printed: Mapping[str, str]
    row: int
    added: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """One form instance: which form, where, and the place of every value."""

    book: Book
    sheet: Sheet
    form: Form
    stamp: Stamp | None
    area: Area
    fields: Mapping[str, Taken]
    lines: Mapping[str, tuple[GridLine, ...]]
    echoes: Mapping[str, str] = field(default_factory=dict)  # what printed words say of stamped fields: year …

    def at(self, taken: Taken) -> At:
        return At(self.book.file, self.sheet.name, taken.address)


# --- words


@lru_cache(maxsize=20_000)
def bare(text: str) -> str:
    """A printed text without what staff change harmlessly: blanks, line breaks, width of letters, colons, stars."""
    return re.sub(r"[\s:*]+", "", unicodedata.normalize("NFKC", text)).removesuffix("(必填)").lower()


def _short(text: str) -> str:
    """`bare` without what stands in brackets."""
    return re.sub(r"\(.*?\)", "", bare(text)) or bare(text)


def _words(value: Value | None) -> str:
    return bare(value) if isinstance(value, str) else ""


@lru_cache(maxsize=256)
def _echo_pattern(text: str) -> re.Pattern[str]:
    """A pattern for printed words with holes, as they may have been respelled."""
    parts = re.split(r"\{\w+\}", text)
    holes = HOLE.findall(text)
    pattern = re.escape(bare(parts[0]))
    for hole, part in zip(holes, parts[1:], strict=True):
        pattern += f"(?P<{hole}>.*?)" + re.escape(bare(part))
    return re.compile(pattern + "$")


# --- which forms


def locate(book: Book, forms: Forms) -> tuple[list[Located], list[Finding]]:
    """All form instances of a workbook, with the findings of finding them."""
    located: list[Located] = []
    findings: list[Finding] = []
    loose: list[Sheet] = []
    stamped = False
    for sheet in book.sheets:
        stamp = _stamp_of(sheet)
        if stamp is None:
            loose.append(sheet)
            continue
        stamped = True
        if stamp.form not in forms.forms:
            findings.append(forms.catalogue.finding("form.unknown", At(book.file, sheet.name), found=stamp.form))
            continue
        _take(book, sheet, forms.forms[stamp.form], stamp, forms.catalogue, located, findings)
    for sheet in loose:
        if sheet.state != "visible" or (stamped and _ours(sheet, forms)):
            continue
        found = recognise(sheet, forms.forms.values())
        if len(found) == 1:
            _take(book, sheet, found[0], None, forms.catalogue, located, findings)
        elif found:
            names = "、".join(form.title for form in found)
            findings.append(forms.catalogue.finding("form.ambiguous", At(book.file, sheet.name), found=names))
    if not located and not findings:
        findings.append(forms.catalogue.finding("form.none", At(book.file)))
    return located, findings


def _stamp_of(sheet: Sheet) -> Stamp | None:
    """The stamp of a form sheet; that of the `_meta` sheet names no instance and does not count."""
    for row in sheet.rows[:1] + sheet.rows[1:]:
        for value in row:
            if isinstance(value, str) and value.startswith("{"):
                stamp = read_stamp(value)
                if stamp and stamp.instance:
                    return stamp
    return None


def _ours(sheet: Sheet, forms: Forms) -> bool:
    """A sheet that render puts beside the forms."""
    return sheet.name in (forms.guide.sheet, forms.guide.lists_sheet, forms.guide.meta_sheet)


def recognise(sheet: Sheet, forms: Iterable[Form]) -> list[Form]:
    """The form an unstamped sheet looks like by its labels; several when it is a tie, none when it looks like none."""
    words = {_short(value) for row in sheet.rows for value in row if isinstance(value, str)}
    scores = []
    for form in forms:
        labels = {_short(slot.text) for slot in plan(form).slots if slot.kind in ("label", "heading") and slot.text}
        score = len(labels & words) / len(labels) if labels else 0.0
        if score >= ENOUGH:
            scores.append((score, form))
    scores.sort(key=lambda one: (-one[0], one[1].id))
    return [form for score, form in scores if score * CLEAR > scores[0][0]]


def _take(
    book: Book, sheet: Sheet, form: Form, stamp: Stamp | None, catalogue: Catalogue, located: list[Located], findings: list[Finding]
) -> None:
    laid = plan(form)
    if stamp is not None and stamp.digest == form.digest:
        exact = _exact(book, sheet, laid, stamp, catalogue)
        if exact is not None:
            located.append(exact[0])
            findings += exact[1]
            return
    search = _Search(book, sheet, laid, stamp, catalogue)
    if stamp is not None and stamp.digest != form.digest:
        findings.append(catalogue.finding("form.version", At(book.file, sheet.name), found=stamp.digest, expected=form.digest, form=form.title))
    located.append(search.located())
    findings += search.findings


# --- the sheet as drawn


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A plan as it stands on a generated sheet: what is printed or keyed where, and the inputs by place."""

    words: Mapping[Place, str]
    echoes: Mapping[Place, Slot]
    inputs: Mapping[Place, Slot]
    covered: Mapping[Place, Slot]  # the rest of a merged input
    names: tuple[tuple[str, str], ...]  # defined name of a field -> how a reference to its cell ends
    area: Area
    corner: Place


@lru_cache(maxsize=256)
def _drawn(laid: Plan) -> _Drawn:
    words: dict[Place, str] = {(0, c): column_key(c) for c in range(laid.width)}
    words |= {(r + ORIGIN[0], laid.width): key for r, key in enumerate(laid.row_keys)}
    echoes: dict[Place, Slot] = {}
    inputs: dict[Place, Slot] = {}
    covered: dict[Place, Slot] = {}
    for slot in laid.slots:
        area = slot.area.moved(*ORIGIN)
        spot = (area.top, area.left)
        if slot.kind in ("input", "pattern"):
            inputs[spot] = slot
            covered |= {(r, c): slot for r in range(area.top, area.bottom + 1) for c in range(area.left, area.right + 1) if (r, c) != spot}
        elif slot.kind == "text" and HOLE.search(slot.text):
            echoes[spot] = slot
        elif slot.text:
            words[spot] = slot.text
    area = Area(0, 0, len(laid.rows) - 1, laid.width - 1).moved(*ORIGIN)
    names = tuple(
        (f"fld_{slot.key}", f"!${column_name(spot[1])}${spot[0] + 1}") for spot, slot in inputs.items() if not slot.grid
    )
    return _Drawn(words, echoes, inputs, covered, names, area, (0, laid.width))


def _exact(book: Book, sheet: Sheet, laid: Plan, stamp: Stamp, catalogue: Catalogue) -> tuple[Located, list[Finding]] | None:
    """Read a sheet on which everything printed stands where it was drawn; None when anything printed is elsewhere or changed."""
    drawn = _drawn(laid)
    words, inputs = drawn.words, drawn.inputs
    if any(name in sheet.names and not sheet.names[name].endswith(place) for name, place in drawn.names):
        return None  # a cell was cut and pasted elsewhere: its name went with it
    seen = 0
    values: dict[Place, Cell] = {}
    stray: list[Cell] = []
    echoes: dict[str, str] = {}
    for r, row in enumerate(sheet.rows):
        for c, value in enumerate(row):
            if value is None:
                continue
            spot = (r, c)
            if spot in words:
                if value != words[spot]:
                    return None
                seen += 1
            elif spot in inputs:
                values[spot] = Cell(r, c, value, sheet.formulas.get(spot), sheet.errors.get(spot), sheet.formats.get(spot, ""))
            elif spot in drawn.echoes:
                echoes |= _echoed(drawn.echoes[spot], value)
            elif spot != drawn.corner:
                stray.append(Cell(r, c, value))
    if seen != len(words):
        return None
    for spot in (*sheet.formulas, *sheet.errors):  # formulas without a value, and errors, which the reader gives as blank
        if spot in inputs and spot not in values:
            values[spot] = Cell(*spot, None, sheet.formulas.get(spot), sheet.errors.get(spot))
        elif spot not in words and spot not in inputs and spot not in drawn.echoes and sheet.value(*spot) is None:
            stray.append(Cell(*spot, None, sheet.formulas.get(spot), sheet.errors.get(spot)))
    fields: dict[str, Taken] = {}
    lines: dict[str, dict[int, dict[str, Taken]]] = {}
    for (r, c), slot in inputs.items():
        taken = Taken(slot, r, c, "key+label+name", values.get((r, c)))
        if slot.grid:
            lines.setdefault(slot.grid, {}).setdefault(r, {})[slot.key] = taken
        else:
            fields |= dict.fromkeys(slot.meanings, taken)
    found = {
        grid: tuple(
            GridLine(f"{row.block + 1}.{row.line + 1}", by_row.get(i + ORIGIN[0], {}), _fixed(laid, grid, row.block), i + ORIGIN[0])
            for i in laid.lines(grid)
            for row in (laid.rows[i],)
        )
        for grid, by_row in lines.items()
    }
    findings = [_stray(book, sheet, cell, drawn.area, catalogue, drawn.covered.get((cell.row, cell.col)), values, drawn) for cell in stray]
    return Located(book, sheet, laid.form, stamp, drawn.area, fields, found, echoes), findings


@lru_cache(maxsize=4096)
def _fixed(laid: Plan, grid: str, block: int) -> Mapping[str, str]:
    """What a block prints in its columns, by column id."""
    spec = next(g for _, g in laid.form.template.grids() if g.grid == grid)
    fixed = spec.blocks[block].fixed
    return {column.id: fixed[column.key] for column in spec.columns if column.key in fixed}


def _echoed(slot: Slot, value: Value) -> dict[str, str]:
    """What printed words say of the fields in their holes."""
    match = _echo_pattern(slot.text).match(_words(value))
    return {key: text for key, text in match.groupdict().items() if text} if match else {}


def _stray(
    book: Book, sheet: Sheet, cell: Cell, area: Area, catalogue: Catalogue, slot: Slot | None, values: Mapping[Place, Cell], drawn: _Drawn
) -> Finding:
    at = At(book.file, sheet.name, cell_name(cell.row, cell.col))
    text = _shown(cell)
    if slot is not None:
        top = slot.area.moved(*ORIGIN)
        first = values.get((top.top, top.left))
        told = "；".join(_shown(c) for c in (first, cell) if c)
        return catalogue.finding("cell.covered", at, field=slot.label, found=told)
    inside = area.holds(cell.row, cell.col)
    return catalogue.finding("cell.unrecognised" if inside else "cell.outside", at, found=text)


def _shown(cell: Cell) -> str:
    if cell.error:
        return cell.error
    text = str(cell.value) if cell.value is not None else f"={cell.formula}"
    return text if len(text) <= 60 else text[:57] + "…"


# --- the sheet as people left it


class _Search:
    """Finds every place by its witnesses on a sheet whose geometry cannot be trusted."""

    def __init__(self, book: Book, sheet: Sheet, laid: Plan, stamp: Stamp | None, catalogue: Catalogue) -> None:
        self.book, self.sheet, self.plan, self.stamp, self.catalogue = book, sheet, laid, stamp, catalogue
        self.findings: list[Finding] = []
        self.cells: dict[Place, Value | None] = {(r, c): v for r, row in enumerate(sheet.rows) for c, v in enumerate(row) if v is not None}
        for spot in (*sheet.formulas, *sheet.errors):
            self.cells.setdefault(spot, None)
        self.merged = {spot: area for area in sheet.merges for spot in _spots(area)}
        self.used: set[Place] = set()  # printed, keyed or taken
        self.claims: dict[Place, str] = {}  # place -> field that took it
        self._find_keys()
        self._find_labels()

    def located(self) -> Located:
        fields = self._fields()
        lines = {grid.grid: self._lines(grid.grid) for _, grid in self.plan.form.template.grids()}
        echoes = self._echoes()
        self._altered()
        area = self._area(fields, lines)
        self._account(area)
        return Located(self.book, self.sheet, self.plan.form, self.stamp, area, fields, lines, echoes)

    # --- witnesses

    def _find_keys(self) -> None:
        """Where the key row and the key column are now; a key met twice (a copied row) tells nothing but its first place."""
        rows: dict[int, dict[str, int]] = {}
        known = {column_key(c): c for c in range(self.plan.width)}
        row_keys = set(self.plan.row_keys)
        self.col_of: dict[int, int] = {}
        self.row_of: dict[str, int] = {}
        self.key_rows: dict[int, str] = {}
        doubled: set[str] = set()
        for (r, c), value in sorted(self.cells.items()):
            if not isinstance(value, str):
                continue
            if value in known:
                rows.setdefault(r, {}).setdefault(value, c)
                self.used.add((r, c))
            elif value in row_keys:
                self.used.add((r, c))
                if value in self.row_of:
                    doubled.add(value)
                else:
                    self.row_of[value] = r
                    self.key_rows[r] = value
            elif value.startswith("{") and read_stamp(value):
                self.used.add((r, c))
        if rows:
            best = max(rows.values(), key=len)
            self.col_of = {known[key]: c for key, c in best.items()}

    def _find_labels(self) -> None:
        """Printed words where they stand now: each label slot matched to a cell, in reading order where words repeat."""
        by_words: dict[str, list[Place]] = {}
        for spot, value in sorted(self.cells.items()):
            if isinstance(value, str) and spot not in self.used:
                by_words.setdefault(_short(value), []).append(spot)
        wanted: dict[str, list[Slot]] = {}
        for slot in self.plan.slots:
            if slot.kind in ("label", "heading") and slot.text:
                wanted.setdefault(_short(slot.text), []).append(slot)
        self.label_at: dict[int, Place] = {}  # id of slot -> place
        self.pattern_at: dict[int, Place] = {}  # the same for input cells with words in them: they are their own label
        self.label_words = set(wanted)
        heads = self._head_rows(by_words)
        for word, slots in wanted.items():
            spots = next((by_words[w] for w in (word, *(_short(a) for a in slots[0].aka)) if w in by_words), [])
            if len(spots) > len(slots) and (row := heads.get(slots[0].grid)) is not None and all(s.kind == "heading" for s in slots):
                spots = [spot for spot in spots if spot[0] == row]  # further ones stand in repeated headers (续页)
            if len(spots) == len(slots):
                for slot, spot in zip(slots, spots, strict=True):
                    self.label_at[id(slot)] = spot
        for slot in self.plan.slots:
            if slot.kind == "pattern":
                spots = [spot for spot, value in self.cells.items() if isinstance(value, str) and _echo_pattern(slot.text).match(bare(value))]
                if len(spots) == 1:
                    self.pattern_at[id(slot)] = spots[0]

    def _head_rows(self, by_words: Mapping[str, Sequence[Place]]) -> dict[str, int]:
        """The first row of each grid that reads like its header."""
        found: dict[str, int] = {}
        for _, grid in self.plan.form.template.grids():
            heads = {_short(s.text) for s in self.plan.slots if s.kind == "heading" and s.grid == grid.grid and s.text}
            rows = Counter(row for word in heads for row in {r for r, _ in by_words.get(word, ())})
            alike = [row for row, count in rows.items() if count >= max(2, len(heads) - 1)]
            if alike:
                found[grid.grid] = min(alike)
        return found

    def _key_place(self, slot: Slot) -> Place | None:
        row, col = self.row_of.get(self.plan.rows[slot.area.top].key), self.col_of.get(slot.area.left)
        return None if row is None or col is None else (row, col)

    def _name_place(self, slot: Slot) -> Place | None:
        name = f"fld_{slot.key}"
        for reference in (self.sheet.names.get(name), self.book.names.get(name)):
            match = re.fullmatch(r"(?:'((?:[^']|'')+)'|([^'!]+))!\$([A-Z]{1,3})\$(\d+)(?::.*)?", reference or "")
            if match and (match[1] or match[2]).replace("''", "'") == self.sheet.name:
                col = 0
                for letter in match[3]:
                    col = col * 26 + ord(letter) - 64
                return int(match[4]) - 1, col - 1
        return None

    def _label_place(self, slot: Slot) -> Place | None:
        """The cell a label names: right of it or below it, as drawn; a search to the right stops at the next label."""
        if slot.kind == "pattern":
            return self.pattern_at.get(id(slot))
        label = self.plan.labels.get(slot.key)
        at = (self.label_at.get(id(label)) or self.pattern_at.get(id(label))) if label else None
        if label is None or at is None:
            return None
        extent = self.merged.get(at, Area(*at, *at))
        if slot.area.left > label.area.right:
            row = at[0] + slot.area.top - label.area.top
            if any(at[0] < r <= row and c == at[1] for r, c in self.label_at.values()):
                return None  # the label's own rows are gone: the next label stands there
            for col in range(extent.right + 1, extent.right + 1 + 2 * self.plan.width):
                if (row, col) in self.cells:
                    if (row, col) in self.used or _short(str(self.cells[row, col])) in self.label_words:
                        break  # a key or the next label: what lies before it is blank
                    return row, col
            return row, extent.right + 1
        return extent.bottom + 1, at[1]

    # --- fields

    def _fields(self) -> dict[str, Taken]:
        slots = {slot.key: slot for slot in self.plan.inputs.values()}  # an input with several fields in it is asked for once
        votes: dict[str, dict[Place, list[str]]] = {}
        for key, slot in slots.items():
            places = votes.setdefault(key, {})
            for witness, ask in (("key", self._key_place), ("name", self._name_place), ("label", self._label_place)):
                place = ask(slot)
                if place is not None:
                    anchor = self.merged.get(place)
                    places.setdefault((anchor.top, anchor.left) if anchor else place, []).append(witness)
        sure = {place: key for key, places in votes.items() for place, witnesses in places.items() if len(witnesses) > 1}
        fields: dict[str, Taken] = {}
        for key, slot in slots.items():
            place = self._agreed(key, slot, votes[key], sure)
            if place is None:
                continue
            self.used.add(place)
            self.claims[place] = key
            fields |= dict.fromkeys(slot.meanings, Taken(slot, *place, "+".join(votes[key][place]), self.sheet.cell(*place)))
        return fields

    def _agreed(self, key: str, slot: Slot, places: Mapping[Place, Sequence[str]], sure: Mapping[Place, str]) -> Place | None:
        """The place the witnesses agree on. One that points to a blank cell, to a label, or to a cell that is surely another
        field's is not heard against one that points to a filled cell."""
        at = At(self.book.file, self.sheet.name)
        label = slot.label or slot.meanings[key].label
        if not places:
            self.findings.append(self.catalogue.finding("layout.lost", at, field=label, record=key))
            return None
        filled = {p: w for p, w in places.items() if p in self.cells and not self._printed(p) and sure.get(p, key) == key}
        if len(filled) > 1:
            told = "；".join(f"{'、'.join(map(_WITNESS.__getitem__, w))}指向 {cell_name(*p)}" for p, w in filled.items())
            first = cell_name(*next(iter(filled)))
            self.findings.append(self.catalogue.finding("layout.disagree", at._replace(cell=first), field=label, found=told, record=key))
            self.used |= set(filled)
            return None
        if filled:
            (place,) = filled
        else:
            free = {p: w for p, w in places.items() if sure.get(p, key) == key and not self._printed(p)} or dict(places)
            place = max(free, key=lambda p: len(free[p]))
        if place in self.claims:
            told = cell_name(*place)
            self.findings.append(self.catalogue.finding("layout.disagree", at._replace(cell=told), field=label, found=f"与“{self.claims[place]}”同在 {told}", record=key))
            return None
        if len(places) > 1 and place in self.cells:
            self.findings.append(
                self.catalogue.finding("layout.moved", at._replace(cell=cell_name(*place)), field=label, found=cell_name(*place), record=key)
            )
        return place

    def _printed(self, place: Place) -> bool:
        return place in self.label_at.values() or (place in self.used and place not in self.claims)

    # --- grids

    def _columns(self, grid: str) -> dict[str, int]:
        """Where each column of a grid is now, by its key and its heading."""
        columns: dict[str, int] = {}
        heads = {slot.key: slot for slot in self.plan.slots if slot.kind == "heading" and slot.grid == grid}
        spec = next(g for _, g in self.plan.form.template.grids() if g.grid == grid)
        left = spec.beside.span if spec.beside else 0
        for column in spec.columns:
            by_key = self.col_of.get(left)
            head = heads.get(column.id)
            place = self.label_at.get(id(head)) if head else None
            by_label = place[1] if place else None
            if by_key is not None and by_label is not None and by_key != by_label:
                told = f"列标记指向第 {by_key + 1} 列，表头在第 {by_label + 1} 列"
                at = At(self.book.file, self.sheet.name, cell_name(*place) if place else "")
                self.findings.append(self.catalogue.finding("layout.disagree", at, field=column.label or column.key, found=told))
            elif by_label is None and by_key is None and column.label == "" and columns:
                columns[column.id] = max(columns.values()) + 1  # a column without a heading stands right of the one before it
            elif by_label is not None or by_key is not None:
                columns[column.id] = by_label if by_label is not None else by_key  # type: ignore[assignment]
            elif not spec.headed and spec.beside and len(spec.columns) == 1:
                beside = next(s for s in self.plan.slots if s.kind == "label" and s.grid == grid)
                if id(beside) in self.label_at:
                    at_label = self.label_at[id(beside)]
                    columns[column.id] = self.merged.get(at_label, Area(*at_label, *at_label)).right + 1
            if column.id not in columns and not (by_key is not None and by_label is not None):
                self.findings.append(self.catalogue.finding("layout.lost", At(self.book.file, self.sheet.name), field=column.label or column.key))
            left += column.span
        return columns

    def _bounds(self, grid: str) -> tuple[int, int]:
        """First and last row of a grid's lines: from its heading (or its label's top) to before the next thing the form prints."""
        starts = [r for key, r in self.row_of.items() if key.startswith(f"#{grid}.") and key != f"#{grid}.head"]
        ends = list(starts)
        heads = [self.label_at[id(s)][0] for s in self.plan.slots if s.kind == "heading" and s.grid == grid and id(s) in self.label_at]
        beside = next((self.label_at[id(s)] for s in self.plan.slots if s.kind == "label" and s.grid == grid and id(s) in self.label_at), None)
        if heads:
            starts.append(max(heads) + 1)
        elif beside:
            starts.append(beside[0])
        last_line = max(self.plan.lines(grid))
        after = [
            place[0] for s in self.plan.slots if s.area.top > last_line and s.kind in ("label", "heading") and (place := self.label_at.get(id(s)))
        ] + [r for i, row in enumerate(self.plan.rows) if i > last_line and (r := self.row_of.get(row.key)) is not None]
        bottom = max((r for r, _ in self.cells), default=0)
        if not starts:
            return 0, -1
        return min(starts), max(min(after) - 1, *ends) if after and ends else (min(after) - 1 if after else bottom)

    def _lines(self, grid: str) -> tuple[GridLine, ...]:
        columns = self._columns(grid)
        first, last = self._bounds(grid)
        slots = {(s.block, s.line, s.key): s for s in self.plan.slots if s.grid == grid and s.kind == "input"}
        any_slot = {s.key: s for s in self.plan.slots if s.grid == grid and s.kind == "input"}
        fixed_ids = {s.key for s in self.plan.slots if s.grid == grid and s.kind == "fixed"}
        fixed_slot = {s.key: s for s in self.plan.slots if s.grid == grid and s.kind == "fixed"}
        heads = {_short(s.text) for s in self.plan.slots if s.kind == "heading" and s.grid == grid}
        levels = {columns[c_id] for c_id in fixed_ids if c_id in columns}
        merged_down = any(a.top < a.bottom and a.left in levels and first <= a.top <= last for a in self.sheet.merges)
        block = 0
        lines: list[GridLine] = []
        for row in range(first, last + 1):
            key = self.key_rows.get(row, "")
            own = key.removeprefix(f"#{grid}.").split(".") if key.startswith(f"#{grid}.") and not key.endswith(".head") else None
            if key and own is None:
                continue
            printed: dict[str, str] = {}
            carried: dict[str, tuple[str, Place | None]] = {}
            if own:
                block = int(own[0]) - 1
                printed = dict(_fixed(self.plan, grid, block))
            cells: dict[str, Taken] = {}
            texts = {c_id: self._text_at(row, col) for c_id, col in columns.items()}
            if not own:
                if heads and sum(_short(t) in heads for t in texts.values() if t) >= max(2, len(heads) - 1):
                    self.used |= {(row, col) for col in columns.values()}  # a repeated header (续页)
                    continue
                carried = {c_id: self._carried(row, columns[c_id], first) for c_id in fixed_ids if c_id in columns}
                printed = {c_id: text for c_id, (text, _) in carried.items()}
            for c_id, col in columns.items():
                place = self.merged[row, col][:2] if (row, col) in self.merged else (row, col)
                slot = slots.get((block, int(own[1]) - 1, c_id)) if own else any_slot.get(c_id)
                if c_id in printed and own:
                    if place in self.cells:
                        self.used.add(place)
                    continue
                if not own and c_id in fixed_ids and ((place not in self.cells and not merged_down) or place[0] != row or slot is None):
                    place = carried[c_id][1] or place
                if slot is None and c_id in fixed_ids:
                    slot = fixed_slot[c_id]
                if slot is None or place in self.claims or (own is None and place[0] != row and c_id not in fixed_ids):
                    continue
                if place[1] != col and place[1] in columns.values():
                    place = (row, col)  # merged over several columns: what is typed there is the first one's
                cells[c_id] = Taken(slot, *place, "key" if own else "label", self.sheet.cell(*place))
            filled = {c_id for c_id, taken in cells.items() if taken.cell is not None}
            if own or filled - fixed_ids:
                self.used |= {(t.row, t.col) for t in cells.values() if t.cell is not None}
                self.used |= {spot for _, spot in carried.values() if spot}
                lines.append(GridLine(f"{own[0]}.{own[1]}" if own else f"+{row + 1}", cells, printed, row, own is None))
        return tuple(lines)

    def _text_at(self, row: int, col: int) -> str:
        value = self.cells.get((row, col))
        return value if isinstance(value, str) else ""

    def _carried(self, row: int, col: int, first: int) -> tuple[str, Place | None]:
        """The words a merged or once-written level cell gives to the lines below it, and where they stand."""
        area = self.merged.get((row, col))
        if area and isinstance(text := self.cells.get((area.top, area.left)), str):
            return text, (area.top, area.left)
        for r in range(row, first - 1, -1):
            if isinstance(text := self.cells.get((r, col)), str):
                return text, (r, col)
        return "", None

    # --- the rest

    def _echoes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for slot in self.plan.slots:
            if slot.kind != "text":
                continue
            if not HOLE.search(slot.text):
                for spot, value in self.cells.items():
                    if spot not in self.used and isinstance(value, str) and _short(value) == _short(slot.text):
                        self.used.add(spot)
                continue
            pattern = _echo_pattern(slot.text)
            for spot, value in self.cells.items():
                if spot in self.used:
                    continue
                if isinstance(value, str) and (match := pattern.match(bare(value))):
                    found |= {key: text for key, text in match.groupdict().items() if text}
                    self.used.add(spot)
        return found

    def _altered(self) -> None:
        """Name printed words that other words have replaced, where the key row and column say they stood."""
        for slot in self.plan.slots:
            place = self._key_place(slot) if slot.kind in ("text", "label", "heading", "fixed") and slot.text else None
            if place is None or id(slot) in self.label_at or place in self.claims or place in self.label_at.values():
                continue
            cell = self.sheet.cell(*place)
            if cell is None or (HOLE.search(slot.text) and (cell.formula or place in self.used)):
                continue
            found = _shown(cell)
            if _short(found) != _short(slot.text) and _short(found) not in map(_short, slot.aka):
                self.used.add(place)
                expected = HOLE.sub("…", slot.text)
                at = At(self.book.file, self.sheet.name, cell_name(*place))
                self.findings.append(self.catalogue.finding("layout.label", at, found=found, expected=expected))

    def _area(self, fields: Mapping[str, Taken], lines: Mapping[str, tuple[GridLine, ...]]) -> Area:
        spots = [*self.label_at.values(), *((t.row, t.col) for t in fields.values())]
        spots += [(t.row, t.col) for grid in lines.values() for line in grid for t in line.cells.values()]
        spots += [(r, c) for r in self.key_rows for c in self.col_of.values()]
        if not spots:
            return Area(0, 0, 0, 0)
        spots += [(a.bottom, a.right) for s in spots if (a := self.merged.get(s))]
        return Area(min(r for r, _ in spots), min(c for _, c in spots), max(r for r, _ in spots), max(c for _, c in spots))

    def _account(self, area: Area) -> None:
        """Name every non-empty cell that is neither printed nor keyed nor taken."""
        printed = {_short(slot.text) for slot in self.plan.slots if slot.kind in ("label", "heading", "fixed") and slot.text}
        placed = set(self.label_at.values())
        for spot, value in sorted(self.cells.items()):
            if spot in self.used or spot in placed or (isinstance(value, str) and _short(value) in printed):
                continue
            cell = self.sheet.cell(*spot)
            if cell is None:
                continue
            at = At(self.book.file, self.sheet.name, cell_name(*spot))
            code = "cell.unrecognised" if area.holds(*spot) else "cell.outside"
            self.findings.append(self.catalogue.finding(code, at, found=_shown(cell)))


_WITNESS = {"key": "行列标记", "name": "定义名称", "label": "标签"}


def _spots(area: Area) -> Iterator[Place]:
    for row in range(area.top, min(area.bottom, area.top + 500) + 1):
        for col in range(area.left, min(area.right, area.left + 200) + 1):
            yield row, col
