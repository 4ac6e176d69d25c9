"""Placed cells to typed content: the one place where text becomes money, blank becomes None, and a form becomes a `Return`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from xlgoals.figures import read_figures
from xlgoals.findings import Catalogue, Finding
from xlgoals.forms import STAMPED, Form, Forms, Meaning
from xlgoals.layout import in_percent, is_key, plan
from xlgoals.locate import locate
from xlgoals.places import GridLine, Located, Taken
from xlgoals.records import At, Book, Detail, Funds, Given, Goal, Horizon, Indicator, Return, Spot, cell_name
from xlgoals.sentences import in_hole, words_before
from xlgoals.sums import is_own
from xlgoals.target import as_typed, read_line
from xlgoals.words import BLANKS, BOXES, HIDDEN, NIL, TICKS, bare

ALL_BLANK = "form.all_blank"  # of a workbook nobody filled in; its field tells whose it is, code first, where it is stamped
CENT = Decimal("0.01")
ELSEWHERE = re.compile(r"\[(?!\.)")  # a reference to another file; ods writes [.A1] for a cell of its own


def understand(book: Book, forms: Forms, given: Given = Given()) -> tuple[list[Return], list[Finding]]:  # noqa: B008  # an immutable tuple
    """Everything a workbook says: its form instances, read, with all findings of reading. Unused blank forms of a workbook are
    named in one note; copies of one sheet are told apart by project."""
    located, findings = locate(book, forms)
    parsed: list[tuple[Located, Return]] = []
    blank: list[str] = []
    empty: list[Located] = []
    for one in located:
        taken, own = parse(one, forms, given)
        if taken is not None:
            parsed.append((one, taken))
        elif one.form.columns and all(grid.empty for _, grid in one.form.template.grids()):
            empty.append(one)
        else:
            blank.append(one.sheet.name)
        findings += own
    for one in empty:  # a table that is left empty says so, where the workbook is filled in but for this table
        alone = parsed and all(other.form is not one.form for other, _ in parsed)
        taken, own = parse(one, forms, given, empty=True) if alone else (None, [])
        if taken is None:
            blank.append(one.sheet.name)
        else:
            parsed.append((one, taken))
        findings += own
    if blank and parsed:
        findings.append(forms.catalogue.finding("form.blank", At(book.file, blank[0]), found=_some(blank)))
    elif blank:
        whose = next((f"{one.stamp.code} {one.stamp.unit}".strip() for one in located if one.stamp), "")
        findings.append(forms.catalogue.finding(ALL_BLANK, At(book.file, blank[0]), field=whose, found=_some(blank)))
    returns, copies = _copies(parsed, forms.catalogue)
    return returns, [*findings, *copies]


def _some(names: Sequence[str], most: int = 6, counter: str = "张") -> str:
    return "、".join(names[:most]) + (f" 等 {len(names)} {counter}" if len(names) > most else "")


def _copies(parsed: Sequence[tuple[Located, Return]], catalogue: Catalogue) -> tuple[list[Return], list[Finding]]:
    """Two sheets with one stamp: another project by code, else by name, is an added project; the same project is taken from
    neither sheet (nobody but the unit knows which is right), unless the two say the same, or all but one are hidden."""
    groups: dict[object, list[tuple[Located, Return]]] = {}
    for n, (one, taken) in enumerate(parsed):
        groups.setdefault((one.form.id, one.stamp.instance) if one.stamp and one.stamp.instance else n, []).append((one, taken))
    state = {taken.sheet: one.sheet.state for one, taken in parsed}
    kept: list[Return] = []
    findings: list[Finding] = []
    for group in groups.values():
        projects: dict[str, list[Return]] = {}
        for _, taken in group:
            project = taken.fields.get("project_code") or taken.fields.get("project_name", "")
            projects.setdefault(bare(project), []).append(taken)
        for n, same in enumerate(projects.values()):
            seen = [one for one in same if state[one.sheet] == "visible"]
            if len(seen) == 1 and len(same) > 1 and (differ := _differences(same)):
                at, others = At(seen[0].file, seen[0].sheet), [At(one.file, one.sheet) for one in same if one not in seen]
                hidden = "、".join(place.sheet for place in others)
                findings.append(catalogue.finding("form.hidden_copy", at, found=hidden, expected=at.sheet, differ=_some(differ), others=others))
                same = seen
            if len(same) == 1:
                kept += same
                if n:
                    findings.append(catalogue.finding("form.copied", At(same[0].file, same[0].sheet), found=same[0].sheet, expected=group[0][1].sheet))
                continue
            names = "、".join(one.sheet for one in same)
            differ = _differences(same)
            first = (seen or same)[0]
            at = At(first.file, first.sheet)
            others = [At(one.file, one.sheet) for one in same if one is not first]
            if differ:
                findings.append(catalogue.finding("form.copy", at, found=names, differ=_some(differ), others=others))
            else:
                kept.append(first)
                findings.append(catalogue.finding("form.same_copy", at, found=names, expected=first.sheet, others=others))
    findings += [catalogue.finding("form.hidden", At(one.file, one.sheet), found=one.sheet) for one in kept if state[one.sheet] != "visible"]
    place = {taken.id: at for at, (_, taken) in enumerate(parsed)}
    return sorted(kept, key=lambda one: place[one.id]), [*findings, *_namesakes(kept, parsed, catalogue)]


def _namesakes(kept: Sequence[Return], parsed: Sequence[tuple[Located, Return]], catalogue: Catalogue) -> Iterator[Finding]:
    """Sheets of one form that have no code and the same project name, one of them without a stamp of its own: perhaps one project
    twice, perhaps two. Identity is never the name alone, so both are taken, and people are asked."""
    unstamped = {taken.id for one, taken in parsed if not (one.stamp and one.stamp.instance)}
    groups: dict[tuple[str, str, str], list[Return]] = {}
    for one in kept:
        project = one.fields.get("project_code") or one.fields.get("project_name", "")
        groups.setdefault((one.form, one.fields.get("unit", ""), bare(project)), []).append(one)
    for (_, _, project), same in groups.items():
        if project and len(same) > 1 and any(one.id in unstamped for one in same):
            at, others = At(same[0].file, same[0].sheet), [At(one.file, one.sheet) for one in same[1:]]
            yield catalogue.finding("form.same_name", at, field=project, found="、".join(one.sheet for one in same), others=others)


def _differences(same: Sequence[Return]) -> list[str]:
    """The cells in which sheets of one project say different things."""
    first, *rest = same
    cells: dict[str, None] = {}
    for other in rest:
        for key in first.spots.keys() | other.spots.keys():
            a, b = first.spots.get(key), other.spots.get(key)
            if (a.text if a else "") != (b.text if b else ""):
                cells[(b or a).at.cell if (b or a) else ""] = None  # type: ignore[union-attr]
    return sorted(cells)


def parse(located: Located, forms: Forms, given: Given, empty: bool = False) -> tuple[Return | None, list[Finding]]:
    """One form instance, typed; None when nobody typed anything into it, unless an empty one is wanted."""
    reader = _Parser(located, forms, given)
    return reader.read(empty), reader.findings


_typed = lru_cache(maxsize=65_536, typed=True)(as_typed)  # amounts repeat: totals, sources, plans


class _Money(NamedTuple):
    """What was typed as an amount: in yuan, or the words behind the number that make it none; `fine` is below a cent."""

    yuan: Decimal | None = None
    written: str | None = None
    fine: bool = False


@lru_cache(maxsize=65_536)
def _money(plain: str, form: Form) -> _Money:
    """Read an amount, typed in the form's unit, without blanks and in half width."""
    if plain in NIL:
        return _Money(Decimal(0))
    if re.match(r"[+-]?\d{1,3}(,\d{3})+(?![\d,])", plain):  # else a comma may stand for a point: not guessed
        plain = plain.replace(",", "")
    match = re.fullmatch(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?)(\D*)", plain)
    if not match:
        return _Money()
    if match[2] and match[2] != form.dialect.money_unit:
        return _Money(written=match[2])
    try:
        exact = Decimal(match[1]) * form.money_factor
        yuan = exact.quantize(CENT, ROUND_HALF_UP)
    except InvalidOperation:
        return _Money()
    return _Money(yuan, fine=yuan != exact) if abs(yuan) < Decimal(10) ** 17 else _Money()


class _Pane(NamedTuple):
    """The columns of a grid that make up one record: those of one horizon, and the ones that the horizons share."""

    horizon: Horizon
    record: str  # indicator, goals, or the name of another grid
    columns: tuple[tuple[str, str, Meaning], ...]  # part, column id, meaning


@lru_cache(maxsize=512)
def _panes(form: Form, grid: str) -> tuple[_Pane, ...]:
    meanings = form.columns[grid]
    horizons = dict.fromkeys(m.horizon for m in meanings.values() if m.record in ("indicator", "goals"))
    panes = []
    for horizon in horizons or (None,):
        own = {i: m for i, m in meanings.items() if horizon is None or m.horizon == horizon or m.list == "level1"}
        kinds = {m.record for m in own.values()}
        record = "indicator" if "indicator" in kinds else "goals" if "goals" in kinds else grid
        panes.append(_Pane(horizon or "annual", record, tuple((m.part, column, m) for column, m in own.items())))
    return tuple(panes)


class _Parser:
    def __init__(self, located: Located, forms: Forms, given: Given) -> None:
        self.located, self.given = located, given
        self.file, self.sheet = located.book.file, located.sheet.name
        self.form: Form = located.form
        self.catalogue: Catalogue = forms.catalogue
        self.units = forms.money_units
        self.measures = forms.units
        self.labels = forms.fields
        self.changes = forms.changes
        self.findings: list[Finding] = []
        self.spots: dict[str, Spot] = {}
        self.fields: dict[str, str] = {}
        self.funds: list[Funds] = []
        self.goals: list[Goal] = []
        self.indicators: list[Indicator] = []
        self.details: list[Detail] = []
        self.identity = ""

    def read(self, empty: bool = False) -> Return | None:
        one = self.located
        if not empty and not self._anything():
            return None
        self._identify()
        for key, taken in one.fields.items():
            if taken.slot.kind == "pattern":
                self._pattern(key, taken)
            else:
                self._field(taken, taken.slot.meanings[key])
        for grid, lines in one.lines.items():
            if any(m.record in ("indicator", "goals") for m in self.form.columns[grid].values()):
                self._grid(grid, lines)
            else:
                self.details += read_figures(self, grid, lines)
            if lines and not self.indicators:
                self._first_line(grid, lines[0])
        self._stamped()
        return Return(
            file=one.book.file, sha256=one.book.sha256, sheet=one.sheet.name, area=one.area, form=self.form.id, stamp=one.stamp,
            fields=self.fields, funds=tuple(self.funds), goals=tuple(self.goals), indicators=tuple(self.indicators),
            details=tuple(self.details), spots=self.spots, modified=one.book.modified,
        )  # fmt: skip

    def _anything(self) -> bool:
        """Whether the unit typed anything; what the bureau filled in beforehand (stamped identity) does not count alone."""
        one = self.located
        known = {bare(x) for x in (one.stamp.department, one.stamp.unit, one.stamp.year)} if one.stamp else set()
        if any(t.typed and not (t.slot.key in STAMPED and t.cell and bare(str(t.cell.value)) in known) for t in one.fields.values()):
            return True
        return any(t.typed for lines in one.lines.values() for line in lines if not line.blank for t in line.cells.values())

    def _identify(self) -> None:
        """What finding keys hang on: known before anything is parsed, so that every finding of this form carries it."""
        one = self.located
        told = {m.to: str(t.cell.value) for k, t in one.fields.items() if t.cell and (m := t.slot.meanings.get(k))}
        project = told.get("project_code") or f"{told.get('project_name', '')}/{one.stamp.instance if one.stamp and one.stamp.instance else one.sheet.name}"
        unit = told.get("unit") or (one.stamp.unit if one.stamp else "") or self.given.unit
        self.identity = "|".join((self.form.id, unit, project))

    # --- one cell

    def text(self, taken: Taken, meaning: Meaning, key: str, label: str = "") -> str:
        """The text of a cell as it was typed, with the findings of its being a formula or an error; kept as the value's spot."""
        slot, row, col, witness, cell = taken
        at, label = At(self.file, self.sheet, cell_name(row, col)), label or slot.label or meaning.label
        if cell is None:
            self.spots[key] = Spot(at, "", witness, label)
            return ""
        value = cell.value
        text = value if isinstance(value, str) else "" if value is None else (_typed if value else as_typed)(value, cell.number_format)
        self.spots[key] = Spot(at, text, witness, label)
        formula = cell.formula
        if not text.isprintable() and HIDDEN.search(text):
            self.tell("cell.hidden", key)
        own = formula is not None and slot.formula is not None and is_own(slot.formula, formula)
        if own and value is None and not cell.error:
            return ""  # never calculated
        if cell.error or (formula is not None and (value is None or ELSEWHERE.search(formula))):
            told = cell.error or ("引用了别的文件" if ELSEWHERE.search(formula or "") else "没有算出结果")
            self.tell("cell.no_value", key, found=told)
            return ""
        if text[:1] == "#" and is_key(text):
            self.tell("cell.key", key)
            return ""
        if formula is not None and not own:
            self.tell("cell.formula", key)
        return text.strip(BLANKS)

    def tell(self, code: str, key: str, **words: str) -> None:
        found = words.pop("found", None)
        expected = words.pop("expected", "")
        self.findings.append(
            self.catalogue.at_spot(code, self.spots[key], found=found, expected=expected, identity=self.identity, record=key, **words)
        )

    def told(self, code: str, key: str, others: Sequence[str] = ()) -> None:
        """A finding about several values, told at the first of them."""
        spot = self.spots[key]
        more = [self.spots[one].at for one in others]
        self.findings.append(self.catalogue.finding(
            code, spot.at, field=spot.label, found=_some([at.cell for at in (spot.at, *more)], counter="格"), identity=self.identity, record=key, others=more
        ))  # fmt: skip

    def _field(self, taken: Taken, meaning: Meaning) -> None:
        if meaning.record == "funds":
            key = meaning.record_key
            text = self.text(taken, meaning, key)
            self.funds.append(
                Funds(key, meaning.horizon, meaning.part, self.money(text, key), self.spots[key].text, self.form.dialect.money_unit)
            )
        elif meaning.record == "goals":
            key = meaning.record_key
            if text := self.text(taken, meaning, key):
                self.goals.append(Goal(key, meaning.horizon, 1, text))
        elif meaning.record:
            key = meaning.record_key
            text = self.text(taken, meaning, key)
            share = meaning.type == "money" and text.endswith(("%", "％")) and in_percent(plan(self.form), taken.slot.key)
            amount = self.money(text, key) if meaning.type == "money" and not share else None
            if text:
                self.details.append(Detail(key, meaning.record, meaning.line or meaning.key, meaning.part, text, amount))
        else:
            text = self.text(taken, meaning, meaning.to)
            self.fields[meaning.to] = self._ticked(text, taken.slot.tick, meaning.to) if taken.slot.tick else text

    def _ticked(self, text: str, options: Sequence[str], key: str) -> str:
        """The choice that is ticked in a line of choices. A sign lost on the way (fonts, copying) is inferred when every other
        choice still shows its empty box, and said so."""
        rest = re.sub(r"\s+", "", text)
        if not rest:
            return ""  # a blank cell is blank: nothing unclear about it
        before = rest[:1] in tuple(TICKS + BOXES)  # the signs stand before their words, or (as printed) behind them
        marks: dict[str, str] = {}
        for option in options:
            sign = rf"([{TICKS}{BOXES}]?)"
            match = re.search(sign + re.escape(option) if before else re.escape(option) + sign, rest)
            if match:
                marks[option] = match[1]
        ticked = [option for option, mark in marks.items() if mark and mark in TICKS]
        plain = [option for option, mark in marks.items() if not mark]
        empty = [option for option, mark in marks.items() if mark and mark in BOXES]
        if len(ticked) == 1:
            return ticked[0]
        if not ticked and len(plain) == 1 and len(empty) == len(options) - 1:
            self.tell("tick.lost", key, expected=plain[0])
            return plain[0]
        if ticked or len(empty) < len(options):
            self.tell("tick.unclear", key, expected="、".join(options))
        return ""

    def _pattern(self, key: str, taken: Taken) -> None:
        """An input cell with printed words in it: the same pattern that drew it reads it."""
        meaning = taken.slot.meanings[key]
        told = meaning.record_key
        whole = self.text(taken, meaning, told, words_before(taken.slot.text, key, self.form.dialect.money_unit) or meaning.label if meaning.record else "")
        text = in_hole(taken.slot, key, whole)
        if text is None:
            if whole:
                self.tell("cell.pattern", told, expected=re.sub(r"\{\w+\}", "…", taken.slot.text))
            return
        if not meaning.record:
            self.fields[meaning.to] = text
        elif text:
            amount = self.money(text, told) if meaning.type == "money" else self._change(text, told)
            self.details.append(Detail(told, meaning.record, meaning.line or meaning.key, meaning.part, text, amount))

    def _change(self, text: str, key: str) -> Decimal | None:
        """Yuan of an amount by which something changed: the word before it, or its own sign, says in which direction."""
        word = next((word for word in self.changes if text.startswith(word)), "")
        amount = self.money(text.removeprefix(word), key) if word else self.money(text, key)
        return -amount if amount is not None and self.changes.get(word) == "-" else amount

    def money(self, text: str, key: str) -> Decimal | None:
        """Yuan of an amount typed in the form's unit; None when blank or not an amount (then said so)."""
        unit = self.form.dialect.money_unit
        plain = text if text.isascii() and text.isprintable() else unicodedata.normalize("NFKC", text)
        plain = re.sub(r"\s+", "", plain).replace("−", "-").removeprefix("¥").removeprefix("￥")
        if not plain or self.located.unit:
            return None  # blank; or the form shows another unit than its own, which a finding has told
        yuan, written, fine = _money(plain, self.form)
        if written is not None:
            code = "money.unit_written" if written in self.units else "money.unreadable"
            self.tell(code, key, written=written, unit=unit)
        elif yuan is None:
            self.tell("money.unreadable", key, unit=unit)
        if fine:
            self.tell("money.cents", key, unit=unit)
        if yuan is not None and yuan < 0:
            self.tell("money.negative", key, unit=unit)
        return yuan

    # --- grids

    def _grid(self, grid: str, lines: Sequence[GridLine]) -> None:
        panes = _panes(self.form, grid)
        for line in lines:
            if line.blank and line is not lines[0]:
                continue  # the first one is the place where something missing would stand
            for pane in panes:
                if pane.record == "indicator":
                    self._indicator(line, pane)
                else:
                    self._goal(line, pane)
        self._free_lines(self.form.columns[grid], lines)

    def _first_line(self, grid: str, line: GridLine) -> None:
        """The place of a first indicator that nobody wrote, so that a finding can point there."""
        for column, meaning in self.form.columns[grid].items():
            if meaning.to == "indicator.name" and column in line.cells:
                self.text(line.cells[column], meaning, f"indicators.{meaning.horizon}.{line.key}.name")

    def _free_lines(self, meanings: Mapping[str, Meaning], lines: Sequence[GridLine]) -> None:
        """The place of the first line of each second level that the form prints and nobody wrote under: there a finding can point."""
        level2 = next((column for column, m in meanings.items() if m.to == "indicator.level2"), "")
        for column, meaning in meanings.items():
            if meaning.to != "indicator.name":
                continue
            used = {(one.horizon, one.level2) for one in self.indicators}
            for line in lines:
                if not (printed := line.printed.get(level2, "")):
                    continue
                level = self.form.canonical(printed, "level2")
                key = f"levels.{meaning.horizon}.{level}"
                taken = line.cells.get(column)
                if level and taken and taken.cell is None and (meaning.horizon, level) not in used and key not in self.spots:
                    self.text(taken, meaning, key)

    def _goal(self, line: GridLine, pane: _Pane) -> None:
        horizon = pane.horizon
        for _, column, meaning in pane.columns:
            taken = line.cells.get(column)
            if taken is None:
                continue
            number = 1 + sum(goal.horizon == horizon for goal in self.goals)
            key = f"goals.{horizon}.{number}"
            if taken.cell is None and key in self.spots:
                continue  # a further line left blank is no place of its own; the first is, so that a finding can point there
            first = self.spots.get(key)
            text = self.text(taken, meaning, key)
            text = re.sub(rf"^{number}\s*[.、．)）]\s*(?!\d)", "", text) if taken.slot.column and taken.slot.column.numbered else text
            if text:
                self.goals.append(Goal(key, meaning.horizon, number, text))
            elif first:
                self.spots[key] = first  # a finding about a missing goal points to the first line left blank
            elif taken.cell is None and number > 1:
                del self.spots[key]

    def _indicator(self, line: GridLine, pane: _Pane) -> None:
        """One indicator, when the unit wrote a name or a value; what stands alone in such a line is told, never dropped."""
        cells = line.cells
        typed = {part: column for part, column, _ in pane.columns if column in cells and cells[column].cell is not None}
        if not typed:
            return
        key = f"indicators.{pane.horizon}.{line.key}"
        if "name" not in typed and "target" not in typed:
            meanings = {column: meaning for _, column, meaning in pane.columns}
            told = all(meanings[c].list == "level1" or cells[c].slot.kind == "fixed" for c in typed.values())  # printed, not chosen
            if not told:
                self._lonely(line, typed, meanings, key)
            return
        texts: dict[str, str] = {}
        horizon: Horizon = "annual"
        for part, column, meaning in pane.columns:
            taken = cells.get(column)
            texts[part] = line.printed.get(column, "") if taken is None else self.text(taken, meaning, f"{key}.{part}")
            if part == "name":
                horizon = meaning.horizon
        level1, level2 = self._levels(texts.pop("level1", ""), texts.pop("level2", ""), key)
        name, target = texts.pop("name", ""), texts.pop("target", "")
        means = read_line(target, name, level2, texts, self.measures)
        self.indicators.append(Indicator(key, horizon, level1, level2, name, target, texts, means))
        if line.added:
            spot = next(self.spots[f"{key}.{p}"] for p in ("name", "target") if p in typed)
            self.findings.append(self.catalogue.at_spot("line.added", spot, identity=self.identity, record=key))

    def _levels(self, level1: str, level2: str, key: str) -> tuple[str, str]:
        """The canonical levels of a line. A first level left blank, or a second level written in its place, follows from the
        second level: each belongs to one first level only. That is said."""
        first, second = self.form.canonical(level1, "level1"), self.form.canonical(level2, "level2")
        if first in self.form.taxonomy:
            return first, second
        misplaced = self.form.canonical(level1, "level2")
        owners = [word for word, words in self.form.taxonomy.items() if (second or misplaced) in words and (not level1 or misplaced in words)]
        if len(owners) != 1:
            return first, second
        spot = self.spots.get(f"{key}.level2") or self.spots.get(f"{key}.level1") or self.spots.get(f"{key}.name") or self.spots[f"{key}.target"]
        self.findings.append(self.catalogue.at_spot(
            "level1.inferred", spot, found=self.form.local(second or misplaced), expected=self.form.local(owners[0]), identity=self.identity, record=f"{key}.level1"
        ))  # fmt: skip
        return owners[0], second or misplaced

    def _lonely(self, line: GridLine, typed: Mapping[str, str], meanings: Mapping[str, Meaning], key: str) -> None:
        for part, column in typed.items():
            if not self.text(line.cells[column], meanings[column], f"{key}.{part}"):
                continue  # blanks, or an error that was told
            chosen = meanings[column].list is not None
            self.tell("line.only_level" if chosen else "line.no_indicator", f"{key}.{part}")

    # --- who and when

    def _stamped(self) -> None:
        """Year, department and unit: typed, stamped, printed or given; what is typed or printed must agree with the stamp."""
        one = self.located
        first = At(one.book.file, one.sheet.name, cell_name(one.area.top, one.area.left))
        for part in STAMPED:
            stamped = getattr(one.stamp, part) if one.stamp else ""
            typed = self.fields.get(part, "") or one.echoes.get(part, "")
            label = self.spots[part].label if part in self.spots else self.labels[part].label
            if typed and stamped and not _same_name(typed, stamped):
                at = self.spots[part].at if part in self.spots else first
                self.findings.append(
                    self.catalogue.finding(
                        "identity.conflict", at, field=label, found=typed, expected=stamped, identity=self.identity, record=part
                    )
                )
            known = stamped if stamped and typed == one.echoes.get(part) and _same_name(typed, stamped) else typed or stamped or getattr(self.given, part)
            if typed and not stamped and part not in self.spots and part in one.echoed_at:  # only the printed words say it
                place = one.echoed_at[part]
                self.spots[part] = Spot(At(one.book.file, one.sheet.name, cell_name(*place)), str(one.sheet.value(*place)), "name", label)
            if known:
                self.fields[part] = known
            elif part not in self.spots:
                self.findings.append(
                    self.catalogue.finding("identity.missing", first, field=label, identity=self.identity, record=part, option=part)
                )
                self.fields[part] = ""


def _same_name(typed: str, stamped: str) -> bool:
    """The same year, department or unit: one may carry its code, the other not."""
    a, b = (re.sub(r"^[\[(]?\d{3,}[\])]?-?", "", bare(text)) or bare(text) for text in (typed, stamped))
    return a == b
