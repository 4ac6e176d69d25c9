"""Rows of a list as content: headings are a form's labels or canonical names, a row is what one project says.

What a row says becomes a `Return`, as if it had been read from a form, so that one way leads into any form: `convert`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from xlgoals.convert import convert
from xlgoals.entries import Entry
from xlgoals.errors import Fault
from xlgoals.forms import LEVELS, Form, Forms, Meaning
from xlgoals.layout import Slot, plan
from xlgoals.listing import spellings
from xlgoals.lists import Item, code_in
from xlgoals.models import HOLE
from xlgoals.records import Area, At, Detail, Funds, Goal, Indicator, Return, Spot
from xlgoals.roster import load_words
from xlgoals.spec import data_folder
from xlgoals.words import bare

NOWHERE = ("convert.no_field",)  # the form has no cell for it


@dataclass
class Content:
    """What is known of one project: canonical fields and records, each with its spot, and what was wrong with them."""

    fields: dict[str, str] = field(default_factory=dict)
    funds: list[Funds] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    indicators: list[Indicator] = field(default_factory=list)
    details: list[Detail] = field(default_factory=list)
    spots: dict[str, Spot] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def put(self, form: Form, meaning: Meaning, item: Item, heading: str) -> None:
        """Take one value, typed as its meaning says; a mistake in it is kept, the value is not."""
        text = item.text
        if meaning.type == "code":
            text, fault = code_in(item, heading)
            if fault:
                self.faults.append(fault)
                return
        amount = None
        if meaning.type == "money" and (amount := _amount(text, form)) is None:
            self.faults.append(item.fault(f"“{heading}”应是数字（单位{form.dialect.money_unit}），现在是“{text}”，请改正。"))
            return
        if meaning.type == "year" and not re.fullmatch(r"[12][0-9]{3}", text):
            self.faults.append(item.fault(f"“{heading}”应是四位年份，现在是“{text}”，请改正。"))
            return
        key = meaning.record_key
        match meaning.record:
            case "":
                self.fields[meaning.to] = text
            case "funds":
                self.funds.append(Funds(key, meaning.horizon, meaning.part, amount, text, form.dialect.money_unit))
            case "goals":
                number = 1 + sum(goal.horizon == meaning.horizon for goal in self.goals)
                key = f"goals.{meaning.horizon}.{number}"
                self.goals.append(Goal(key, meaning.horizon, number, text))
            case grid:
                self.details.append(Detail(key, grid, meaning.line or meaning.key, meaning.part, text, amount))
        self.spots[key] = Spot(At(item.place), text, "", heading)

    def put_indicator(self, form: Form, items: Mapping[Meaning, tuple[str, Item]]) -> None:
        """Take one line of indicators, by what its headings mean."""
        texts = {meaning.part: item.text for meaning, (_, item) in items.items()}
        horizon = next(iter(items)).horizon
        key = f"indicators.{horizon}.{len(self.indicators) + 1}"
        level1, level2 = (form.canonical(texts.pop(level, ""), level) for level in LEVELS)
        name, target = texts.pop("name", ""), texts.pop("target", "")
        self.indicators.append(Indicator(key, horizon, level1, level2, name, target, texts))
        for meaning, (heading, item) in items.items():
            self.spots[f"{key}.{meaning.part}"] = Spot(At(item.place), item.text, "", heading)

    def entries(self, form: Form, forms: Forms, *, spare: Sequence[str] = ()) -> list[Entry]:
        """The entries of a form that say this; what the form has no place for is a mistake, but for the fields in `spare`."""
        said = Return(
            "", "", "", Area(0, 0, 0, 0), "", None, self.fields, tuple(self.funds), tuple(self.goals), tuple(self.indicators),
            tuple(self.details), self.spots,
        )  # fmt: skip
        entries, findings = convert(said, form, forms)
        for finding in findings:
            if not (finding.code in NOWHERE and finding.record in spare):
                self.faults.append(Fault(finding.at.file, finding.text))
        return entries


def _amount(text: str, form: Form) -> Decimal | None:
    """An amount of the form's unit, in yuan; None when it is no number."""
    plain = re.sub(r"[\s,]", "", unicodedata.normalize("NFKC", text)).removesuffix(form.dialect.money_unit)
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        return None
    return amount * form.money_factor if amount.is_finite() and re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", plain) else None


@lru_cache(maxsize=64)
def headings(form: Form) -> Mapping[str, Meaning]:
    """What a heading (bare) of a list of projects may mean in a form: its keys and canonical names, its labels, their other
    spellings. What several fields are called is the annual one, and the first."""
    laid = plan(form)
    slots: dict[Meaning, Slot] = {}
    for slot in laid.slots:
        for meaning in slot.meanings.values() if slot.typed else ():
            if not slot.grid or meaning.record == "goals":
                slots.setdefault(meaning, slot)
    known = sorted(slots, key=lambda meaning: meaning.horizon != "annual")

    columns = load_words().projects.columns
    called = {"project_name": columns["name"], "project_code": columns["code"]}  # as rosters call them

    def words(meaning: Meaning) -> Iterator[tuple[str, ...]]:
        slot = slots[meaning]
        label = laid.labels.get(meaning.key)
        yield meaning.key, meaning.to
        yield (slot.label if slot.kind == "input" else "", label.text if label and not HOLE.search(label.text) else "", meaning.label)
        yield label.aka if label else ()
        yield called[meaning.to].aka if meaning.to in called else ()

    found: dict[str, Meaning] = {}
    for told in zip(*(list(words(meaning)) for meaning in known), strict=True):
        for meaning, own in zip(known, told, strict=True):
            for word in filter(None, map(bare, own)):
                found.setdefault(word, meaning)
    return found


def meant(heading: str, form: Form) -> Meaning | None:
    """What a heading of a list of projects means in a form; the form's own money unit may stand behind it."""
    known, word = headings(form), bare(heading)
    return known.get(word) or known.get(word.removesuffix(f"({form.dialect.money_unit})"))


@lru_cache(maxsize=64)
def indicator_headings(form: Form) -> Mapping[str, Meaning]:
    """What a heading (bare) of a list of indicators may mean in a form: as the form calls it, else as lists do; of two horizons the
    annual one."""
    found: dict[str, Meaning] = {}
    for _, grid in form.template.grids():
        meanings = form.columns[grid.grid]
        columns = sorted(grid.columns, key=lambda column: meanings[column.id].horizon != "annual")
        for column in columns:
            meaning = meanings[column.id]
            if meaning.record == "indicator":
                for word in (column.key, meaning.to, meaning.part, column.label or "", meaning.label, *column.aka):
                    found.setdefault(bare(word), meaning)
    parts = {meaning.part: meaning for meaning in reversed(found.values())}
    for part, words in spellings(data_folder("mappings") / "listings.yaml")["indicators"].items():
        for word in words if part in parts else ():
            found.setdefault(word, parts[part])
    return {word: meaning for word, meaning in found.items() if word}


def with_kind(content: Content, kind: str, form: Form) -> None:
    """Add what kind of project it is, in the words of the form: the choice of its attribute that means the same."""
    for slot in plan(form).inputs.values():
        for meaning in slot.meanings.values():
            if meaning.to == "attribute" and kind and "attribute" not in content.fields:
                for choice in slot.tick or form.choices(meaning.list or ""):
                    if (same := load_words().kind(choice)) and same.word == kind:
                        content.fields["attribute"] = choice
