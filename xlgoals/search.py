"""Find every value on a sheet whose geometry cannot be trusted: people inserted, deleted, moved, unmerged, respelled.

Where the witnesses (`witnesses`) disagree about filled cells the value is not taken, and a finding says so. Every non-empty
cell is accounted for: printed, taken, or named in a finding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from xlgoals.findings import Finding
from xlgoals.forms import Forms
from xlgoals.gridplan import BY_FORM
from xlgoals.layout import Plan, Slot
from xlgoals.lines import grid_lines
from xlgoals.models import HOLE
from xlgoals.places import GridLine, Located, Place, Taken, echo_pattern, shown, strange_unit
from xlgoals.records import Area, Book, Sheet, Stamp, cell_name
from xlgoals.tablecells import is_table
from xlgoals.tablerows import table_lines
from xlgoals.witnesses import Witnesses
from xlgoals.words import bare, short

_WITNESS = {"key": "行列标记", "name": "定义名称", "label": "标签"}
Lines = Mapping[str, tuple[GridLine, ...]]


def search(book: Book, sheet: Sheet, laid: Plan, stamp: Stamp | None, forms: Forms) -> tuple[Located, list[Finding]]:
    """One form on a sheet that people have changed, with the findings of finding its values."""
    one = _Search(Witnesses(book, sheet, laid, forms))
    return one.located(stamp), one.seen.findings


class _Search:
    def __init__(self, seen: Witnesses) -> None:
        self.seen, self.plan, self.form = seen, seen.plan, seen.plan.form
        self.doubted: set[Place] = set()  # told of, taken by nobody

    def located(self, stamp: Stamp | None) -> Located:
        fields = self._fields()
        lines = {
            grid.grid: (table_lines if is_table(grid) else grid_lines)(self.seen, grid.grid, stamp is not None)
            for _, grid in self.form.template.grids()
        }
        echoes, echoed_at = self._echoes()
        unit = self._unit(fields, lines)
        self._altered()
        area = self._area(fields, lines)
        self._account(area)
        return Located(self.seen.book, self.seen.sheet, self.form, stamp, area, fields, lines, echoes, echoed_at, unit)

    # --- fields

    def _fields(self) -> dict[str, Taken]:
        seen = self.seen
        slots = {slot.key: slot for slot in self.plan.inputs.values()}  # an input with several fields in it is asked for once
        votes: dict[str, dict[Place, list[str]]] = {}
        for key, slot in slots.items():
            places = votes.setdefault(key, {})
            for witness, ask in (("key", seen.key_place), ("name", seen.name_place), ("label", seen.label_place)):
                if place := ask(slot):
                    places.setdefault(seen.anchor(place), []).append(witness)
        self.sure = {place: key for key, places in votes.items() for place, witnesses in places.items() if len(witnesses) > 1}
        self.named = {(place, key) for key, places in votes.items() for place, witnesses in places.items() if "name" in witnesses}
        fields: dict[str, Taken] = {}
        for key, slot in slots.items():
            if place := self._agreed(key, slot, votes[key]):
                seen.used.add(place)
                seen.claims[place] = key
                fields |= dict.fromkeys(slot.meanings, Taken(slot, *place, "+".join(votes[key][place]), seen.sheet.cell(*place)))
        return fields

    def _agreed(self, key: str, slot: Slot, places: Mapping[Place, Sequence[str]]) -> Place | None:
        """The place the witnesses agree on. One that points to a blank cell or to a label is not heard against one that points to
        a filled cell; nor is one, unless it is the name, that points to a cell which is surely another field's. A name goes
        where its cell was cut and pasted to: a cell that other witnesses give to another field is then nobody's."""
        seen, label = self.seen, slot.label or slot.meanings[key].label
        if not places:
            seen.tell("layout.lost", field=label, record=key)
            return None
        filled = {p: w for p, w in places.items() if p in seen.cells and not self._printed(p) and ("name" in w or self.sure.get(p, key) == key)}
        others = sorted(p for p, k in self.named if k != key and p in filled)
        if len(filled) > 1 or others:
            told = [f"{'、'.join(map(_WITNESS.__getitem__, w))}指向 {cell_name(*p)}" for p, w in filled.items()]
            told += [f"{cell_name(*p)} 的定义名称属于另一栏" for p in others]
            seen.tell("layout.disagree", *filled, field=label, found="；".join(told), record=key)
            seen.used |= set(filled)
            self.doubted |= set(filled)
            return None
        if filled:
            (place,) = filled
        else:
            free = {p: w for p, w in places.items() if not self._printed(p)}
            if not free:  # where the input was stands a label now: its column or row was deleted
                seen.tell("layout.lost", *sorted(places)[:1], field=label, record=key)
                return None
            free = {p: w for p, w in free.items() if self.sure.get(p, key) == key} or free
            place = max(free, key=lambda p: len(free[p]))
        if place in seen.claims:
            seen.tell("layout.disagree", place, field=label, found=f"与“{seen.claims[place]}”同在 {cell_name(*place)}", record=key)
            return None
        if len(places) > 1 and place in seen.cells and len(places[place]) < 2:
            seen.tell("layout.moved", place, field=label, found=cell_name(*place), record=key)
        return place

    def _printed(self, place: Place) -> bool:
        seen = self.seen
        return place in seen.label_places or (place in seen.used and place not in seen.claims and place not in self.doubted)

    # --- printed words

    def _echoes(self) -> tuple[dict[str, str], dict[str, Place]]:
        """What printed words with holes say of stamped fields, and where; words without holes are only found."""
        seen, found, places = self.seen, dict[str, str](), dict[str, Place]()
        for slot in self.plan.slots:
            if slot.kind != "text" or not slot.text or (slot.grid and slot.by != BY_FORM):
                continue
            if slot.by == BY_FORM and (place := seen.key_place(slot)) and place in seen.sheet.formulas:
                seen.used.add(place)
            if not HOLE.search(slot.text):
                seen.used |= {spot for spot, value in seen.cells.items() if isinstance(value, str) and short(value) == short(slot.text)}
                continue
            said = [part for part in re.split(r"\{\w+\}", slot.text) if part]
            seen.used |= {spot for spot, formula in seen.sheet.formulas.items() if said and all(part in formula for part in said)}
            pattern = echo_pattern(slot.text)
            for spot, value in seen.cells.items():
                if spot not in seen.used and isinstance(value, str) and (match := pattern.match(bare(value))):
                    told = {key: text for key, text in match.groupdict().items() if text}
                    found |= told
                    places |= dict.fromkeys(told, spot)
                    seen.used.add(spot)
        return found, places

    def _unit(self, fields: Mapping[str, Taken], lines: Lines) -> str:
        """Another unit of money than the form's, printed or written anywhere but in a value: nobody knows then what amounts mean."""
        values, found = {(t.row, t.col) for t in _taken(fields, lines)}, ""
        for spot, value in sorted(self.seen.cells.items()):
            if spot not in values and (unit := strange_unit(value, self.form, self.seen.forms.money_units)):
                found = unit
                self.seen.used.add(spot)
                self.seen.tell("layout.unit", spot, found=unit, expected=self.form.dialect.money_unit)
        return found

    def _altered(self) -> None:
        """Name printed words that other words have replaced, where the key row and column say they stood."""
        seen = self.seen
        for slot in self.plan.slots:
            place = seen.key_place(slot) if slot.kind in ("text", "label", "heading", "fixed") and slot.text and not slot.formula else None
            if place is None or seen.label(slot) or place in seen.claims or place in seen.label_places:
                continue
            cell = seen.sheet.cell(*place)
            if cell is None or (HOLE.search(slot.text) and (cell.formula or place in seen.used)):
                continue
            found = shown(cell)
            known = {short(slot.text), *map(short, slot.aka)}
            if short(found) not in known and not strange_unit(cell.value, self.form, seen.forms.money_units):
                seen.used.add(place)
                seen.tell("layout.label", place, found=found, expected=HOLE.sub("…", slot.text))

    # --- the rest

    def _area(self, fields: Mapping[str, Taken], lines: Lines) -> Area:
        """The cells the form covers."""
        seen = self.seen
        spots = [*seen.label_places, *((t.row, t.col) for t in _taken(fields, lines))]
        spots += [(r, c) for r in seen.key_rows for c in seen.col_of.values()]
        if not spots:
            return Area(0, 0, 0, 0)
        spots += [(a.bottom, a.right) for s in spots if (a := seen.merged.get(s))]
        return Area(min(r for r, _ in spots), min(c for _, c in spots), max(r for r, _ in spots), max(c for _, c in spots))

    def _account(self, area: Area) -> None:
        """Name every non-empty cell that is neither printed nor keyed nor taken."""
        seen = self.seen
        printed = Counter(short(slot.text) for slot in self.plan.slots if slot.text and (slot.kind in ("label", "heading", "fixed") or slot.grid))
        printed.subtract(short(text) for spot in seen.label_places if (text := seen.text(spot)))
        rest = [spot for spot in sorted(seen.cells) if spot not in seen.used and spot not in seen.label_places]
        extra = {word for word, count in Counter(short(seen.text(spot)) for spot in rest if seen.text(spot)).items() if count > printed[word]}
        for spot in rest:
            word = short(seen.text(spot))
            if word and word in printed and word not in extra:
                continue
            if cell := seen.sheet.cell(*spot):
                seen.tell("cell.unrecognised" if area.holds(*spot) else "cell.outside", spot, found=shown(cell))


def _taken(fields: Mapping[str, Taken], lines: Lines) -> list[Taken]:
    return [*fields.values(), *(taken for grid in lines.values() for line in grid for taken in line.cells.values())]
