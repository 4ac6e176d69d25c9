"""Find the forms in a workbook, and in each form the cell every value stands in. Pure: cells in, places out.

On a sheet whose printed cells and keys all stand where they were drawn, every witness agrees by construction, and the drawn
places hold: this module reads it so. A sheet that people changed is handed to `search`, which asks the witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest

from xlgoals.findings import Finding
from xlgoals.forms import Form, Forms
from xlgoals.gridplan import BY_FORM
from xlgoals.layout import ORIGIN, Plan, Slot, column_key, plan
from xlgoals.models import HOLE
from xlgoals.ownformulas import OVERVIEW, set_aside
from xlgoals.places import GridLine, Located, Place, Taken, echo_pattern, echoed, fixed_words, plain, shown, strange_unit
from xlgoals.recognise import continues, parts, recognise, sections
from xlgoals.records import Area, At, Book, Cell, Sheet, Stamp, cell_name, column_name
from xlgoals.search import search
from xlgoals.stamp import PROPERTY, read_stamp

AS_DRAWN = "key+label+name"  # the witnesses on a sheet that nobody changed: all of them
SECOND = 1.5  # a stamped sheet so many times as long as its form may hold another one below

# --- which forms


def locate(book: Book, forms: Forms) -> tuple[list[Located], list[Finding]]:
    """All form instances of a workbook, with the findings of finding them."""
    located: list[Located] = []
    findings: list[Finding] = []
    issued = _issued(book)
    loose: list[Sheet] = []
    for sheet in (set_aside(sheet, forms.selfcheck.said) for sheet in book.sheets):
        stamp = _stamp_of(sheet)
        if stamp is None:
            loose.append(sheet)
        elif stamp.form not in forms.forms:
            findings.append(forms.catalogue.finding("form.unknown", At(book.file, sheet.name), found=stamp.form))
        else:
            form = forms.forms[stamp.form]
            first, *more = parts(sheet, form) if len(sheet.rows) >= SECOND * len(plan(form).rows) else [sheet]
            _take(book, first, form, stamp, forms, located, findings)
            for part in more:  # another project pasted below
                _take(book, replace(part, names={}), form, replace(stamp, instance=""), forms, located, findings)
    generated = issued is not None or len(loose) < len(book.sheets)
    others: list[Sheet] = []
    foreign = (sheet for sheet in loose if not (generated and _ours(sheet, forms)))
    for sheet in (section for whole in foreign for section in sections(whole, forms.forms.values())):
        found = recognise(sheet, forms.forms.values())
        if issued and (own := [form for form in found if form.id in forms.of(issued.form)]):
            found = own  # the sheet lost its stamp, the workbook kept its own
        if len(found) == 1:
            known = issued if issued and found[0].id in forms.of(issued.form) else None
            stamp = replace(known, form=found[0].id, digest=found[0].digest) if known else None
            for part in parts(sheet, found[0]):
                _take(book, part, found[0], stamp, forms, located, findings)
        elif found:
            names = "、".join(form.title for form in found)
            findings.append(forms.catalogue.finding("form.ambiguous", At(book.file, sheet.name), found=names))
        elif sheet.state == "visible" and any(value is not None for row in sheet.rows for value in row):
            others.append(sheet)
    if not located and not findings:
        findings.append(forms.catalogue.finding("form.none", At(book.file)))
    elif others:
        findings += _others(book, others, forms)
    return located, findings


def _stamp_of(sheet: Sheet) -> Stamp | None:
    """The stamp of a form sheet; that of the `_meta` sheet names no instance and does not count."""
    return next((stamp for stamp in _stamps(sheet) if stamp.instance), None)


def _stamps(sheet: Sheet) -> Iterator[Stamp]:
    for row in sheet.rows:
        for value in row:
            if isinstance(value, str) and value.startswith("{") and (stamp := read_stamp(value)):
                yield stamp


def _issued(book: Book) -> Stamp | None:
    """For whom the workbook as a whole was made: sheets that lost their own stamp are still told by this one."""
    own = read_stamp(book.properties.get(PROPERTY))
    return own or next((stamp for sheet in book.sheets for stamp in _stamps(sheet) if not stamp.instance), None)


def _ours(sheet: Sheet, forms: Forms) -> bool:
    """A sheet that render puts beside the forms."""
    listings = (book.contents.sheet for book in forms.books.values() if book.contents)
    ours = (forms.guide.sheet, forms.selfcheck.sheet, forms.guide.lists_sheet, forms.guide.meta_sheet, *listings)
    return sheet.name in ours or any(OVERVIEW in row for row in sheet.rows)


def _others(book: Book, sheets: Sequence[Sheet], forms: Forms) -> Iterator[Finding]:
    """Visible sheets that are no form: named in one note, but a continuation of a grid (续表) is an error."""
    plain_ones = []
    for sheet in sheets:
        form = next((form for form in forms.forms.values() if continues(sheet, form)), None)
        if form is None:
            plain_ones.append(sheet.name)
        else:
            yield forms.catalogue.finding("form.continued", At(book.file, sheet.name), found=sheet.name, form=form.title)
    if plain_ones:
        first, *more = (At(book.file, name) for name in plain_ones)
        yield forms.catalogue.finding("form.other_sheet", first, found="、".join(plain_ones), others=more)


def _take(
    book: Book, sheet: Sheet, form: Form, stamp: Stamp | None, forms: Forms, located: list[Located], findings: list[Finding]
) -> None:
    laid, catalogue = plan(form), forms.catalogue
    if stamp is not None and stamp.digest == form.digest:
        exact = _exact(book, sheet, laid, stamp, forms)
        if exact is not None:
            located.append(exact[0])
            findings += exact[1]
            return
    if stamp is not None and stamp.digest != form.digest:
        findings.append(catalogue.finding("form.version", At(book.file, sheet.name), found=stamp.digest, expected=form.digest, form=form.title))
    one, own = search(book, sheet, laid, stamp, forms)
    located.append(one)
    findings += own


# --- the sheet as drawn


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A plan as it stands on a generated sheet: what is printed, keyed or typed where, and what a blank one is read as."""

    rows: tuple[tuple[str | None, ...], ...]  # the values of a sheet that nobody has typed in, without stamp and echoes
    whats: tuple[tuple[str | Slot | None, ...], ...]  # printed words, inputs and echoes by row and column
    echoes: frozenset[Place]
    inputs: Mapping[Place, Slot]
    covered: Mapping[Place, Slot]  # the rest of a merged input
    names: tuple[tuple[str, str], ...]  # defined name of a field -> how a reference to its cell ends
    merges: frozenset[Area]
    fields: Mapping[str, Taken]  # all of them blank
    lines: Mapping[str, tuple[GridLine, ...]]  # likewise
    line_at: Mapping[int, tuple[str, int]]  # row -> grid, and which of its lines
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
        elif slot.kind == "text" and (HOLE.search(slot.text) or slot.by == BY_FORM):
            echoes[spot] = slot
        elif slot.text:
            words[spot] = slot.text
    area = Area(0, 0, len(laid.rows) - 1, laid.width - 1).moved(*ORIGIN)
    names = tuple(
        (f"fld_{slot.key}", f"!${column_name(spot[1])}${spot[0] + 1}") for spot, slot in inputs.items() if not slot.grid
    )
    whats: dict[Place, str | Slot] = {**words, **echoes, **inputs}
    height, width = len(laid.rows) + ORIGIN[0], laid.width + 1
    blank = {spot: Taken(slot, *spot, AS_DRAWN, None) for spot, slot in inputs.items()}
    fields: dict[str, Taken] = {}
    own: dict[int, dict[str, Taken]] = {}
    for spot, slot in inputs.items():
        if slot.grid:
            own.setdefault(spot[0], {})[slot.key] = blank[spot]
        else:
            fields |= dict.fromkeys(slot.meanings, blank[spot])
    lines: dict[str, list[GridLine]] = {slot.grid: [] for slot in inputs.values() if slot.grid}
    line_at: dict[int, tuple[str, int]] = {}
    for r, row in enumerate(laid.rows, ORIGIN[0]):
        if row.kind == "line" and row.grid in lines:
            line_at[r] = row.grid, len(lines[row.grid])
            key = f"{row.block + 1}.{row.line + 1}"
            lines[row.grid].append(GridLine(key, own.get(r, {}), fixed_words(laid, row.grid, row.block), r, blank=True))
    return _Drawn(
        rows=tuple(tuple(words.get((r, c)) for c in range(width)) for r in range(height)),
        whats=tuple(tuple(whats.get((r, c)) for c in range(width)) for r in range(height)),
        echoes=frozenset(echoes), inputs=inputs, covered=covered, names=names,
        merges=frozenset(slot.area.moved(*ORIGIN) for slot in laid.slots),
        fields=fields, lines={grid: tuple(some) for grid, some in lines.items()}, line_at=line_at, area=area, corner=(0, laid.width),
    )  # fmt: skip


def _exact(book: Book, sheet: Sheet, laid: Plan, stamp: Stamp, forms: Forms) -> tuple[Located, list[Finding]] | None:
    """Read a sheet on which everything printed stands where it was drawn; None when anything printed is elsewhere or changed."""
    drawn = _drawn(laid)
    if any((at := sheet.names.get(name)) and "#REF!" not in at and not at.endswith(place) for name, place in drawn.names):
        return None  # a cell was cut and pasted elsewhere: its name went with it
    if not drawn.merges.issuperset(sheet.merges):
        return None  # cells were merged that were drawn apart
    seen = _cells(sheet, drawn)
    if seen is None:
        return None
    values, stray, echoes, echoed_at = seen
    for spot in (*sheet.formulas, *sheet.errors):  # formulas without a value, and errors, which the reader gives as blank
        if spot in drawn.inputs and spot not in values:
            values[spot] = Cell(*spot, None, sheet.formulas.get(spot), sheet.errors.get(spot))
        elif sheet.value(*spot) is None and not _planned(drawn, spot):
            stray.append(Cell(*spot, None, sheet.formulas.get(spot), sheet.errors.get(spot)))
    if laid.rows[-1].kind == "line" and sum(cell.row == drawn.area.bottom + 1 for cell in stray) > 1:
        return None  # a line added below the last one
    found = {spot: Taken(drawn.inputs[spot], *spot, AS_DRAWN, cell) for spot, cell in values.items()}
    slipped = _slipped(sheet, drawn, values, stray) if stray else {}
    findings: list[Finding] = []
    for spot, cell in slipped.items():
        taken = found[spot] = Taken(drawn.inputs[spot], cell.row, cell.col, "key+label", cell)
        where, label = At(book.file, sheet.name, taken.address), taken.slot.label
        findings.append(forms.catalogue.finding("layout.moved", where, field=label, found=taken.address, record=taken.slot.key))
    unit = ""
    for cell in stray:
        if cell not in slipped.values():
            findings.append(_stray(book, sheet, cell, drawn, values, laid.form, forms))
            unit = unit or strange_unit(cell.value, laid.form, forms.money_units)
    return Located(book, sheet, laid.form, stamp, drawn.area, *_placed(drawn, found), echoes, echoed_at, unit), findings


def _planned(drawn: _Drawn, spot: Place) -> bool:
    """Whether the form has something for a place: printed words, an input or an echo."""
    return spot[0] < len(drawn.whats) and spot[1] < len(drawn.whats[0]) and drawn.whats[spot[0]][spot[1]] is not None


def _cells(sheet: Sheet, drawn: _Drawn) -> tuple[dict[Place, Cell], list[Cell], dict[str, str], dict[str, Place]] | None:
    """What was typed into inputs, what stands where the form has no place, what the echoes say and where; None when a printed word
    is not where it was drawn. Most rows of most sheets hold only what was drawn, and are passed over at once."""
    formulas, errors, formats = sheet.formulas, sheet.errors, sheet.formats
    values: dict[Place, Cell] = {}
    stray: list[Cell] = []
    echoes: dict[str, str] = {}
    echoed_at: dict[str, Place] = {}
    height = len(drawn.rows)
    if len(sheet.rows) < height:
        return None  # the last row has its key
    for r, row in enumerate(sheet.rows):
        if r < height and row == drawn.rows[r]:
            continue
        whats = drawn.whats[r] if r < height else ()
        for c, (value, what) in enumerate(zip_longest(row, whats)):
            if what.__class__ is str:
                if value != what:
                    return None
            elif value is None:
                continue
            elif what is None:
                if (r, c) != drawn.corner or read_stamp(value) is None:
                    stray.append(Cell(r, c, value))
            elif what.kind == "text":  # type: ignore[union-attr]  # mypy does not see that it is a slot
                assert isinstance(what, Slot)
                if not echo_pattern(what.text).match(plain(value)) and (r, c) not in formulas:
                    return None
                told = echoed(what, value)
                echoes |= told
                echoed_at |= dict.fromkeys(told, (r, c))
            else:
                assert isinstance(what, Slot)
                if what.column is not None and value == what.column.label:
                    return None  # a repeated header (续页) among the lines
                spot = (r, c)
                values[spot] = Cell(r, c, value, formulas.get(spot), errors.get(spot), formats.get(spot, ""))
    return values, stray, echoes, echoed_at


def _placed(drawn: _Drawn, found: Mapping[Place, Taken]) -> tuple[dict[str, Taken], dict[str, tuple[GridLine, ...]]]:
    """All fields and all lines of a form, those in which something stands put among the blank ones."""
    fields = dict(drawn.fields)
    written: dict[int, dict[str, Taken]] = {}
    for spot, taken in found.items():
        if taken.slot.grid:
            written.setdefault(spot[0], {})[taken.slot.key] = taken
        else:
            fields |= dict.fromkeys(taken.slot.meanings, taken)
    lines: dict[str, list[GridLine]] = {}
    for row, cells in written.items():
        grid, at = drawn.line_at[row]
        own = lines.get(grid) or lines.setdefault(grid, list(drawn.lines[grid]))
        own[at] = GridLine(own[at].key, {**own[at].cells, **cells}, own[at].printed, row)
    return fields, {**drawn.lines, **{grid: tuple(own) for grid, own in lines.items()}}


def _slipped(sheet: Sheet, drawn: _Drawn, values: Mapping[Place, Cell], stray: Sequence[Cell]) -> dict[Place, Cell]:
    """Blank inputs whose merge was taken apart and whose one value stands in another cell of it: by where they were drawn."""
    found: dict[Place, list[Cell]] = {}
    for cell in stray:
        if slot := drawn.covered.get((cell.row, cell.col)):
            found.setdefault((slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1]), []).append(cell)
    return {
        spot: cells[0]
        for spot, cells in found.items()
        if len(cells) == 1 and spot not in values and not any(area.holds(cells[0].row, cells[0].col) for area in sheet.merges)
    }


def _stray(book: Book, sheet: Sheet, cell: Cell, drawn: _Drawn, values: Mapping[Place, Cell], form: Form, forms: Forms) -> Finding:
    """A cell that holds something where the form has no place for it."""
    at = At(book.file, sheet.name, cell_name(cell.row, cell.col))
    slot = drawn.covered.get((cell.row, cell.col))
    if slot is not None:
        first = values.get((slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1]))
        return forms.catalogue.finding("cell.covered", at, field=slot.label, found="；".join(shown(c) for c in (first, cell) if c))
    if unit := strange_unit(cell.value, form, forms.money_units):
        return forms.catalogue.finding("layout.unit", at, found=unit, expected=form.dialect.money_unit)
    code = "cell.unrecognised" if drawn.area.holds(cell.row, cell.col) else "cell.outside"
    return forms.catalogue.finding(code, at, found=shown(cell))
