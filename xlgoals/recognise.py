"""Tell which forms a sheet without a stamp holds, by its printed labels, and where each begins and ends.

A form is not a sheet: people paste one form below another. Each becomes a part of the sheet with its true addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from xlgoals.forms import Form
from xlgoals.layout import Plan, plan
from xlgoals.models import HOLE
from xlgoals.records import Sheet
from xlgoals.words import short

ENOUGH = 0.6  # share of a form's labels that a sheet must show to be that form
TITLE = "title"  # the style of what a form is called
CLEAR = 1.15  # and by how much the best form must lead the next


def recognise(sheet: Sheet, forms: Iterable[Form]) -> list[Form]:
    """The form an unstamped sheet looks like by its labels; several when it is a tie, none when it looks like none."""
    words = {short(value) for row in sheet.rows for value in row if isinstance(value, str)}
    scores = []
    for form in forms:
        labels = _labels(form)
        score = len(labels & words) / len(labels) if labels else 0.0
        if score >= ENOUGH:
            scores.append((score, form))
    scores.sort(key=lambda one: (-one[0], one[1].id))
    alike = [form for score, form in scores if score * CLEAR > scores[0][0]]
    named = [form for form in alike if _titles(form) & words]
    if len(alike) > 1 and named and any(_unnamed(form) for form in alike):
        alike = named  # tables of equal columns are told apart by what they are called
    alike = [form for form in alike if not any(_labels(form) < _labels(other) & words for other in alike)]
    shared, every = set.intersection(*map(_labels, alike)) if alike else set(), set().union(*map(_labels, alike))
    if len(alike) < 2 or len(shared) < ENOUGH * len(every):
        return alike  # forms of different labels on one sheet are not told apart by what else is printed
    printed = {form.id: {short(slot.text) for slot in plan(form).slots if slot.kind == "fixed"} for form in alike}
    seen = words & set().union(*printed.values())  # equal labels: the words printed in the lines decide, found and missing ones
    fits = {form.id: len(seen & printed[form.id]) / len(seen | printed[form.id]) for form in alike if seen}
    return [form for form in alike if not fits or fits[form.id] * CLEAR > max(fits.values())]


@lru_cache(maxsize=256)
def _titles(form: Form) -> frozenset[str]:
    """What a form is called on itself."""
    titles = (slot for slot in plan(form).slots if slot.kind == "text" and slot.style == TITLE and not HOLE.search(slot.text))
    return frozenset(short(text) for slot in titles for text in (slot.text, *slot.aka))


@lru_cache(maxsize=256)
def _unnamed(form: Form) -> bool:
    """Whether a form prints no labels outside its grids: its title then says what it is."""
    return not any(slot.kind == "label" and slot.text and not slot.grid for slot in plan(form).slots)


def sections(sheet: Sheet, forms: Iterable[Form]) -> list[Sheet]:
    """The sheet cut where titles stand: departments put all their tables on one sheet. Only where one of them is a form's that has
    nothing but tables or sentences: forms with labels are found by these (`parts`)."""
    titles = {title: _unnamed(form) for form in forms for title in _titles(form)}
    found = [(r, titles[word]) for r, row in enumerate(sheet.rows) for value in row if isinstance(value, str) and (word := short(value)) in titles]
    if len(found) < 2 or not any(unnamed for _, unnamed in found):
        return [sheet]
    rows = sorted({row for row, _ in found})
    return [_rows(sheet, start, end) for start, end in zip([0, *rows[1:]], [*rows[1:], len(sheet.rows)], strict=True)]


@lru_cache(maxsize=256)
def _labels(form: Form) -> set[str]:
    """The printed words a form is known by: labels and headings, or on one that has none (sentences with blanks) what else it prints."""
    slots = plan(form).slots
    named = {short(slot.text) for slot in slots if slot.kind in ("label", "heading") and slot.text}
    return named or {short(slot.text) for slot in slots if slot.kind == "text" and slot.text and not HOLE.search(slot.text)}


def parts(sheet: Sheet, form: Form) -> list[Sheet]:
    """The sheet as one part for each form instance on it, every cell at its own address and in exactly one part.

    A form begins where a label that it prints once, near its top, comes again; the border is the blank row above it, else as
    many rows up as the form has above that label.
    """
    laid = plan(form)
    anchor = _anchor(laid, sheet)
    if anchor is None:
        return [sheet]
    above, found = anchor
    again = pairwise([*found[1:], len(sheet.rows)])  # a label's word typed as a value begins no form
    rows = [found[0], *(row for row, end in again if recognise(_rows(sheet, row, end), [form]))]
    starts = [0]
    for previous, row in pairwise(rows):
        blank = [r for r in range(previous + 1, row) if not any(value is not None for value in sheet.rows[r])]
        starts.append(blank[-1] + 1 if blank else max(previous + 1, row - above))
    return [_rows(sheet, start, end) for start, end in zip(starts, [*starts[1:], len(sheet.rows)], strict=True)]


def _anchor(laid: Plan, sheet: Sheet) -> tuple[int, list[int]] | None:
    """The topmost label that the form prints once: how many rows stand above it, and where it is on the sheet."""
    found: dict[str, list[int]] = {}
    for r, row in enumerate(sheet.rows):
        for value in row:
            if isinstance(value, str):
                found.setdefault(short(value), []).append(r)
    printed = [short(slot.text) for slot in laid.slots if slot.text]
    for slot in sorted((s for s in laid.slots if s.kind == "label" and s.text), key=lambda s: (s.area.top, s.area.left)):
        rows = found.get(short(slot.text), [])
        if printed.count(short(slot.text)) == 1 and rows:
            return slot.area.top, rows
    return None


def _rows(sheet: Sheet, start: int, end: int) -> Sheet:
    """The sheet with only the rows from `start` to before `end`."""

    def inside(spot: tuple[int, int]) -> bool:
        return start <= spot[0] < end

    return replace(
        sheet,
        rows=((),) * start + sheet.rows[start:end],
        merges=tuple(area for area in sheet.merges if start <= area.top < end),
        formulas={spot: text for spot, text in sheet.formulas.items() if inside(spot)},
        errors={spot: text for spot, text in sheet.errors.items() if inside(spot)},
        formats={spot: text for spot, text in sheet.formats.items() if inside(spot)},
    )


def continues(sheet: Sheet, form: Form) -> bool:
    """Whether a sheet that is no form shows the header of one of a form's grids: lines that go on from another sheet."""
    for _, grid in form.template.grids():
        heads = {short(slot.text) for slot in plan(form).slots if slot.kind == "heading" and slot.grid == grid.grid and slot.text}
        if len(heads) > 2 and any(len(heads & {short(v) for v in row if isinstance(v, str)}) >= len(heads) - 1 for row in sheet.rows):
            return True
    return False
