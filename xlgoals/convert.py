"""Move the content of one form into another: what was read, by its canonical meaning, to entries of the other form.

Nothing is lost on the way: what the other form has no place for, and what stands elsewhere in it, is a finding `convert.*` at
the place it came from, with its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from xlgoals.entries import Entry, filled_pattern, fits_cell, fitting_lines, line_inputs
from xlgoals.findings import Finding
from xlgoals.forms import LEVELS, STAMPED, Form, Forms, Meaning
from xlgoals.layout import Plan, Slot, plan, tick_line
from xlgoals.models import HOLE, Grid
from xlgoals.parse import understand
from xlgoals.records import At, Book, Detail, Given, Horizon, Indicator, Return, Spot, Stamp
from xlgoals.render import render
from xlgoals.words import bare

Value = str | Decimal
Pane = tuple[Grid, Horizon | None]


def convert_book(book: Book, to: Form, forms: Forms, given: Given = Given()) -> tuple[bytes | None, list[Finding]]:  # noqa: B008  # an immutable tuple
    """All returns of a workbook as one new workbook of another form, a sheet each in the same order, with the findings of
    reading and of converting. None where there is nothing to convert; the findings say why."""
    returns, findings = understand(book, forms, given)
    if not returns:
        return None, findings
    content: list[list[Entry]] = []
    for taken in returns:
        entries, told = convert(taken, to, forms)
        content.append(entries)
        findings += told
    stamp, told = _identity(returns, to, forms)
    return render(forms, to, count=len(returns), stamp=stamp, content=content), forms.catalogue.heeded([*findings, *told])


def _identity(returns: Sequence[Return], to: Form, forms: Forms) -> tuple[Stamp, list[Finding]]:
    """What the new workbook is stamped with: what all its sheets agree on. Where they do not, and the form has no cell for it,
    a finding for each says so."""
    stamped: dict[str, str] = {}
    findings: list[Finding] = []
    cells = {meaning.to for slot in plan(to).slots if slot.typed for meaning in slot.meanings.values()}
    for part in STAMPED:
        said = {taken.fields.get(part, "") for taken in returns}
        stamped[part] = next(iter(said)) if len(said) == 1 else ""
        for taken in returns if len(said) > 1 and part not in cells else ():
            if taken.fields.get(part):
                findings.append(forms.catalogue.at_spot(
                    "convert.several", _spot(taken, part, forms), found=taken.fields[part], identity=taken.identity, record=part, form=to.title
                ))  # fmt: skip
    return Stamp(0, "", "", year=stamped["year"], department=stamped["department"], unit=stamped["unit"]), findings


def _spot(taken: Return, key: str, forms: Forms) -> Spot:
    """Where a value stands; that of a field which is printed or stamped is the sheet."""
    label = forms.fields[key].label if key in forms.fields else ""
    return taken.spots.get(key) or Spot(At(taken.file, taken.sheet), "", "", label)


def convert(taken: Return, to: Form, forms: Forms) -> tuple[list[Entry], list[Finding]]:
    """The entries of another form that say what a return says, and findings for all it says that they do not. Year, department
    and unit go where the form has a cell for them; else they travel in the workbook's stamp."""
    mover = _Mover(taken, to, forms)
    mover.move()
    return mover.entries, mover.findings


class _Mover:
    """Moves one return. `done` holds the key of every spot that was moved or told of: what is left at the end is told too."""

    def __init__(self, taken: Return, to: Form, forms: Forms) -> None:
        self.taken, self.form, self.forms, self.catalogue = taken, to, forms, forms.catalogue
        self.source: Form | None = forms.forms.get(taken.form)
        self.plan: Plan = plan(to)
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []
        self.done: set[str] = set()
        self.cells: dict[tuple[int, int], Value] = {}
        self.printed = self._printed_inputs()
        self.shared = {key for key, words in self.printed.items() if words is None}  # fields that share a cell
        self.lines: set[tuple[str, Horizon | None, int]] = set()

    def move(self) -> None:
        self._fields()
        self._funds()
        self._goals()
        for indicator in self.taken.indicators:
            self._indicator(indicator)
        self._details()
        self._rest()

    # --- telling and putting

    def _tell(self, code: str, key: str, found: str, *, at: str = "", expected: str = "", **words: str) -> None:
        """One finding about the value under a key; a value without a place of its own is told at the place of `at`."""
        label = words.pop("label", "")
        spot = self.taken.spots.get(key)
        if spot is None:
            spot = _spot(self.taken, at or key, self.forms)
            spot = spot._replace(label=label or spot.label)
        elif key in self.shared:
            spot = spot._replace(label=self.forms.fields[key].label)
        self.done.add(key)
        self.findings.append(self.catalogue.at_spot(
            code, spot, found=found, expected=expected, identity=self.taken.identity, record=key, form=self.form.title, **words
        ))  # fmt: skip

    def _put(self, slot: Slot, value: Value) -> bool:
        """Whether a value could be put into a slot."""
        if isinstance(value, str) and not fits_cell(value):
            return False
        if value != "":
            self.entries.append(Entry(slot, slot.area.top, value))
            self.cells[slot.area.top, slot.area.left] = value
        return True

    def _amount(self, yuan: Decimal) -> Decimal | None:
        """An amount in the form's unit; None when it has no exact one there (a unit that is no power of ten)."""
        amount = yuan / self.form.money_factor
        return amount if amount * self.form.money_factor == yuan else None

    def _choice(self, name: str, value: str, choices: Sequence[str]) -> str | None:
        """The choice of a code list that says what a value says."""
        same = next((group for group in self.forms.same.get(name, ()) if value in group), (value,))
        return next((choice for choice in (value, *same) if choice in choices), None)

    def _inputs(self) -> Iterator[Slot]:
        return (slot for slot in self.plan.slots if slot.typed and not slot.grid)

    # --- fields, funds, goals

    def _fields(self) -> None:
        places = {meaning.to: (slot, meaning) for slot in self._inputs() for meaning in slot.meanings.values() if not meaning.record}
        patterns: dict[tuple[int, int], Slot] = {}
        for key, value in self.taken.fields.items():
            if not value:
                continue
            if key not in places:
                if key not in STAMPED:
                    self._tell("convert.no_field", key, value)
            elif places[key][0].kind == "pattern":
                slot = places[key][0]
                patterns[slot.area.top, slot.area.left] = slot
            else:
                self._field(key, value, *places[key])
            self.done.add(key)
        for slot in patterns.values():
            values = {hole: self.taken.fields.get(slot.meanings[hole].to, "") for hole in slot.meanings}
            whole = filled_pattern(slot.text, values)
            if whole is None or not self._put(slot, whole):
                for hole, value in values.items():
                    if value:
                        self._tell("convert.unfit", slot.meanings[hole].to, value)

    def _field(self, key: str, value: str, slot: Slot, meaning: Meaning) -> None:
        name = meaning.list or key
        choices = slot.tick or self.form.choices(name)
        shown = self._choice(name, value, choices) if choices else value
        if shown is None:
            self._tell("convert.not_listed", key, value, expected="、".join(choices))
        elif not self._put(slot, tick_line(slot.tick, shown) if slot.tick else shown):
            self._tell("convert.unfit", key, value)

    def _funds(self) -> None:
        places = {(m.horizon, m.part): slot for slot in self._inputs() for m in slot.meanings.values() if m.record == "funds"}
        for line in self.taken.funds:
            slot = places.get((line.horizon, line.source))
            printed = line.printed.strip()
            if line.amount is None:
                if printed:
                    self._tell("convert.unread", line.key, printed)
            elif slot is None and not line.amount:
                self._tell("convert.no_field", line.key, printed)
            elif slot is None:
                period = self.catalogue["convert.no_funds"].parameters[line.horizon]
                self._tell("convert.no_funds", line.key, printed, unit=line.unit, period=period)
            else:
                amount = self._amount(line.amount)
                if amount is None or not self._put(slot, amount):
                    self._tell("convert.unfit", line.key, printed)
            self.done.add(line.key)

    def _goals(self) -> None:
        """Each goal to a place of its own, as long as there are places; the last place takes the rest, numbered, a line each."""
        for horizon in dict.fromkeys(goal.horizon for goal in self.taken.goals):
            goals = [(goal.key, goal.text) for goal in self.taken.goals if goal.horizon == horizon]
            places = list(self._goal_places(horizon))
            if not places:
                for key, text in goals:
                    self._tell("convert.no_field", key, text)
                continue
            if len(goals) == 1 and len(places) > 1:
                goals = [(goals[0][0], part) for part in _numbered(goals[0][1])]
            for number, ((key, text), slot) in enumerate(zip(goals, places, strict=False), 1):
                if number == len(places) < len(goals):
                    self._join(goals[number - 1 :], number, slot)
                    continue
                shown = _without_number(text, number) if slot.column and slot.column.numbered else text
                if not shown or not self._put(slot, shown):
                    self._tell("convert.unfit", key, text)
            self.done |= {key for key, _ in goals}

    def _goal_places(self, horizon: Horizon) -> Iterator[Slot]:
        def fits(slot: Slot) -> bool:
            return slot.kind == "input" and any(m.record == "goals" and m.horizon == horizon for m in slot.meanings.values())

        yield from filter(fits, self._inputs())
        yield from (slot for slot in self.plan.slots if slot.grid and slot.typed and fits(slot))

    def _join(self, goals: Sequence[tuple[str, str]], first: int, slot: Slot) -> None:
        joined = ""
        for number, (key, text) in enumerate(goals, first):
            longer = f"{joined}\n{number}. {text}".lstrip("\n")
            if fits_cell(longer):
                joined = longer
            else:
                self._tell("convert.unfit", key, text)
        self._put(slot, _without_number(joined, first) if slot.column and slot.column.numbered else joined)

    # --- lines

    def _line(self, grid: Grid, pane: Horizon | None, values: Mapping[str, Value], keys: Mapping[str, str]) -> bool | None:
        """Put one line (canonical field -> value) into a grid: True when it stands there, False when the lines for it are used
        up, None when there are none. `keys` are those of the values that somebody typed: what of them has no column is told."""
        meanings = self.form.columns[grid.grid]
        own = {column.key: meanings[column.id] for column in grid.columns if column.pane in (None, pane)}
        rows = list(fitting_lines(self.plan, grid, {key: str(values.get(meaning.to, "")) for key, meaning in own.items()}))
        for row in rows:
            if (grid.grid, pane, row) in self.lines:
                continue
            inputs = [(slot, own[column.key]) for slot, column in line_inputs(self.plan, grid, row, pane)]
            cells = {(slot.area.top, slot.area.left): self._shown(meaning, values) or "" for slot, meaning in inputs}
            if any(self.cells.get(spot, value) != value for spot, value in cells.items()):
                continue  # a level that the panes share says something else in the other pane
            self.lines.add((grid.grid, pane, row))
            for slot, meaning in inputs:
                self._part(slot, meaning, values, keys)
            there = {meaning.to for meaning in own.values()}
            for to, key in keys.items():
                if to not in there and values.get(to):
                    self._tell("convert.no_field", key, str(values[to]), at=_any(keys, self.taken), label=self.forms.fields[to].label)
            return True
        return False if rows else None

    def _shown(self, meaning: Meaning, values: Mapping[str, Value]) -> Value | None:
        """A value as the form prints it; None when its code list has no such choice."""
        value = values.get(meaning.to, "")
        if not isinstance(value, str) or not value or not meaning.list:
            return value
        if meaning.list in LEVELS:
            first = self.form.canonical(str(values.get("indicator.level1", "")), "level1")
            known = self.form.taxonomy if meaning.list == "level1" else self.form.taxonomy.get(first, ())
            return self.form.local(value) if value in known else None
        choices = self.form.choices(meaning.list)
        return self._choice(meaning.list, value, choices) if choices else value

    def _part(self, slot: Slot, meaning: Meaning, values: Mapping[str, Value], keys: Mapping[str, str]) -> None:
        value = values.get(meaning.to, "")
        shown = self._shown(meaning, values)
        key, at = keys.get(meaning.to, ""), _any(keys, self.taken)
        if (slot.area.top, slot.area.left) in self.cells:
            return  # the other pane has put the level they share
        if shown is None:
            first = str(values.get("indicator.level1", "")) if meaning.list == "level2" else None
            choices = self.form.choices(meaning.list or "", first)
            self._tell("convert.not_listed", key, str(value), at=at, label=meaning.label, expected="、".join(choices))
        elif not self._put(slot, shown):
            self._tell("convert.unfit", key, str(value), at=at, label=meaning.label)

    def _indicator(self, one: Indicator) -> None:
        level1, level2 = self._levels(one)
        texts = {"level1": one.level1, "level2": one.level2, "name": one.name, "target": one.target, **one.more}
        keys = {f"indicator.{part}": f"{one.key}.{part}" for part in texts}
        values = {f"indicator.{part}": text for part, text in {**texts, "level1": level1, "level2": level2}.items()}
        panes = list(self._panes(one.horizon))
        answers = []
        for grid, pane in panes:
            answers.append(self._line(grid, pane, values, keys))
            if answers[-1]:
                break
        at = _any(keys, self.taken)
        if True not in answers:
            whole = self._whole(texts, "indicator")
            if not panes:
                period = self.catalogue["convert.no_horizon"].parameters[one.horizon]
                self._tell("convert.no_horizon", one.key, whole, at=at, period=period)
            else:
                code = "convert.full" if False in answers else "convert.no_level"
                self._tell(code, one.key, whole, at=at, level=_both(level1, level2))
        elif (level1, level2) != (one.level1, one.level2):
            self._tell("convert.moved", one.key, _both(one.level1, one.level2), at=at, expected=_both(level1, level2))
        self.done |= set(keys.values())

    def _levels(self, one: Indicator) -> tuple[str, str]:
        """Where an indicator belongs in the form's taxonomy: where it was, or where `moves` says."""
        level1, level2 = (self.form.canonical(word, level) for word, level in zip((one.level1, one.level2), LEVELS, strict=True))
        taxonomy = self.form.taxonomy
        if level2 not in taxonomy.get(level1, ()) and (level2 or level1 not in taxonomy):
            for move in self.forms.moves:
                if move.source in ((level1,), (level1, level2)) and move.to[1] in taxonomy.get(move.to[0], ()):
                    return move.to
        return level1, level2

    def _panes(self, horizon: Horizon) -> Iterator[Pane]:
        """The grids for indicators of a horizon, each with the pane of it."""
        for _, grid in self.form.template.grids():
            meanings = self.form.columns[grid.grid]
            own = [column for column in grid.columns if meanings[column.id].part == "name" and meanings[column.id].horizon == horizon]
            if own and meanings[own[0].id].record == "indicator":
                yield grid, own[0].pane

    def _whole(self, texts: Mapping[str, str], record: str) -> str:
        """All of a line in one text, for a finding."""
        told = {part: text for part, text in texts.items() if text}
        return "；".join(f"{self.forms.fields[f'{record}.{part}'].label}：{text}" for part, text in told.items())

    # --- other grids

    def _details(self) -> None:
        places = {
            (m.to, m.line or m.key): slot for slot in self._inputs() for m in slot.meanings.values() if m.record not in ("", "funds", "goals")
        }
        lines: dict[tuple[str, str], list[Detail]] = {}
        for detail in self.taken.details:
            if detail.key != f"{detail.grid}.{detail.line}":
                lines.setdefault((detail.grid, detail.line), []).append(detail)
                continue
            to = f"{detail.grid}.{detail.column}"
            value = self._value(detail, to)
            slot = places.get((to, detail.line))
            if value is not None:
                if slot is None:
                    self._tell("convert.no_field", detail.key, detail.text)
                elif not self._put(slot, value):
                    self._tell("convert.unfit", detail.key, detail.text)
            self.done.add(detail.key)
        for (grid, line), details in lines.items():
            self._detail_line(grid, line, details)

    def _value(self, detail: Detail, to: str) -> Value | None:
        """What a detail says, in the form's unit where it is money; None when it could not be read (then told)."""
        if self.forms.fields[to].type != "money":
            return detail.text
        value = None if detail.amount is None else self._amount(detail.amount)
        if value is None:
            self._tell("convert.unread" if detail.amount is None else "convert.unfit", detail.key, detail.text)
        return value

    def _detail_line(self, source: str, line: str, details: Sequence[Detail]) -> None:
        """A line of another grid: into the line with the same printed words, of the grid that has the same columns."""
        meanings = {m.part: m.to for m in self.source.columns[source].values()} if self.source else {}
        tos = {detail: meanings[detail.column] for detail in details}
        read = {to: value for detail, to in tos.items() if (value := self._value(detail, to)) is not None}
        keys = {tos[detail]: detail.key for detail in details if tos[detail] in read}
        self.done |= {detail.key for detail in details}
        if not read:
            return
        values = {**self._printed(source, line), **read}
        grids = [g for _, g in self.form.template.grids() if any(m.to in read for m in self.form.columns[g.grid].values())]
        answers = []
        for grid in grids:
            answers.append(self._line(grid, None, values, keys))
            if answers[-1]:
                return
        whole = "；".join(f"{self.forms.fields[to].label}：{detail.text}" for detail, to in tos.items() if to in read)
        if not grids:
            for to, key in keys.items():
                self._tell("convert.no_field", key, next(detail.text for detail, one in tos.items() if one == to))
        elif False in answers:
            self._tell("convert.full", f"{source}.{line}", whole, at=_any(keys, self.taken), level=self.taken.spots[next(iter(keys.values()))].label)
        else:
            self._tell("convert.no_line", f"{source}.{line}", whole, at=_any(keys, self.taken))

    def _printed(self, source: str, line: str) -> dict[str, str]:
        """What the source prints in a line, by canonical field."""
        block = line.partition(".")[0]
        if self.source is None or not block.isdecimal():
            return {}
        grid = next(g for _, g in self.source.template.grids() if g.grid == source)
        fixed = grid.blocks[int(block) - 1].fixed
        return {self.source.columns[source][c.id].to: fixed[c.key] for c in grid.columns if c.key in fixed}

    # --- the rest

    def _rest(self) -> None:
        """Whatever was typed and is neither moved nor told of: it was not understood."""
        for key, spot in self.taken.spots.items():
            text = spot.text.strip()
            blank = key in self.shared or bare(text) == self.printed.get(key, "")
            if text and key not in self.done and not blank:
                self._tell("convert.unread", key, text)

    def _printed_inputs(self) -> dict[str, str | None]:
        """What is printed in input cells beforehand, by field; None where the field is one of several in a cell and was read."""
        known: dict[str, str | None] = {}
        for slot in plan(self.source).slots if self.source else ():
            if slot.text and not slot.grid and slot.kind in ("input", "pattern"):
                words = bare(HOLE.sub("", slot.text))
                for meaning in slot.meanings.values():
                    known[meaning.to] = None if slot.kind == "pattern" and meaning.to in self.taken.fields else words
        return known


def _any(keys: Mapping[str, str], taken: Return) -> str:
    """The key of a line's first value that has a place, its name and target before others."""
    placed = [key for key in keys.values() if key in taken.spots and taken.spots[key].text]
    return next((key for key in placed if key.endswith((".name", ".target"))), placed[0] if placed else "")


def _both(level1: str, level2: str) -> str:
    return "／".join(filter(None, (level1, level2)))


def _numbered(text: str) -> list[str]:
    """The goals that were joined in one cell, a numbered line each; the text itself when it is no such list."""
    lines = [re.fullmatch(r"(\d+)\. (.+)", line) for line in text.split("\n")]
    if len(lines) > 1 and all(line and line[1] == str(n) for n, line in enumerate(lines, 1)):
        return [line[2] for line in lines if line]
    return [text]


def _without_number(text: str, number: int) -> str:
    """A goal without the number that the form prints before it."""
    return re.sub(rf"^(?:{number}\s*[.、．)）]\s*(?!\d))+", "", text)
