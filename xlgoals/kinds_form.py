"""Kinds of rule about what is filled in at all, and by which words and patterns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

import polars as pl

from xlgoals.conditions import Condition, Kind, Row, blank, filled
from xlgoals.facts import Units, goals, indicator_parts, scalars
from xlgoals.findings import Rule
from xlgoals.forms import LEVELS, Form, Meaning


def accepted(form: Form, name: str, level1: str | None = None) -> tuple[str, ...]:
    """The words that the in_list check accepts, as the form prints them; `level2` under one first level, or under any."""
    return tuple(form.local(word) for word in _canonical(form, name, level1))


def _canonical(form: Form, name: str, level1: str | None = None) -> tuple[str, ...]:
    if name == "level1":
        return tuple(form.taxonomy)
    if name != "level2":
        return form.dialect.lists.get(name, ())
    under = form.taxonomy if level1 is None else [form.canonical(level1, "level1")]
    return tuple(dict.fromkeys(word for first in under for word in form.taxonomy.get(first, ())))


def listed(words: tuple[str, ...]) -> str:
    return "、".join(words)


def _required(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A field that must be filled is."""
    for key, m in scalars(form).items():
        if m.required:

            def tell(row: Row, prompt: str = m.prompt or rule.parameters.get("prompt", "")) -> Mapping[str, str]:
                return {"found": "", "prompt": prompt}

            yield Condition(rule.code, "form", key, ~blank(key), key, tell, m.label)


def _some_goal(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """There is a goal for each horizon whose goals are required."""
    for m in goals(form):
        if m.required:
            column = f"goals.{m.horizon}"
            yield Condition(rule.code, "form", column, pl.col(column) > 0, f"{column}.1", lambda row: {"found": ""}, m.label)


def _some_indicator(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """There is an indicator."""
    if indicator_parts(form):
        yield Condition(rule.code, "form", "#indicators", pl.col("#indicators") > 0, "{#line}", lambda row: {"found": ""})


def _matches(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A field of a type is written by its pattern: the field's own, or the rule's."""
    wanted = rule.parameters["type"]
    typed = {key: m for key, m in scalars(form).items() if m.type == wanted}
    # a stamped year has no input and so no meaning; its type is what it is called
    found: dict[str, Meaning | None] = {**dict.fromkeys(set(form.template.stamped) & {wanted}), **typed}
    for key, m in found.items():
        pattern = (m and m.pattern) or rule.parameters.get("pattern", "")
        if not pattern:
            continue
        expected = (m and m.like) or rule.parameters.get("like", "")

        def tell(row: Row, key: str = key, pattern: str = pattern, expected: str = expected) -> Mapping[str, str]:
            return {"found": row[key], "expected": expected, "detail": _deviation(row[key], pattern, rule.parameters)}

        holds = ~filled(key) | pl.col(key).fill_null("").str.contains(rf"^(?:{pattern})$")
        yield Condition(rule.code, "form", key, holds, key, tell, m.label if m else rule.parameters.get("label", ""))


def _deviation(code: str, pattern: str, phrases: Mapping[str, str]) -> str:
    """Say which letters of a code are look-alikes from another script and at which place, and how long a code of wrong length is."""
    said: list[str] = []
    letters = {pair[0]: pair[1] for pair in phrases.get("letters", "").split()}
    for place, letter in enumerate(code, 1):
        script = phrases.get(unicodedata.name(letter, "?").partition(" ")[0].lower(), "")
        if script:
            folded = unicodedata.normalize("NFKC", letter)
            latin = letters.get(letter) or (folded if folded.isascii() else "")
            phrase = phrases.get("right_letter" if latin else "wrong_letter", "")
            said.append(phrase.format(place=place, letter=letter, script=script, latin=latin))
    shape = re.sub(r"\[[^\]]*\]|\\[dw]", ".", pattern)  # the pattern with any letter anywhere: only the length is left
    if not re.fullmatch(shape, code):
        said.append(phrases.get("wrong_length", "").format(length=len(code)))
    return "".join(said)


def _in_list(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A level is one of the form's words; a second level is one of those under its first. `field`: so is each other choice."""
    part = rule.parameters["list"]
    for key, m in scalars(form).items() if part == "field" else ():
        if m.list and (words := accepted(form, m.list)):

            def say(row: Row, key: str = key, words: tuple[str, ...] = words) -> Mapping[str, str]:
                return {"found": row[key], "expected": listed(words)}

            yield Condition(rule.code, "form", key, ~filled(key) | pl.col(key).fill_null("").is_in(words), key, say, m.label)
    if part not in indicator_parts(form):
        return
    place = f"{{key}}.{part}"
    known = ~filled("level1") | pl.col("level1").fill_null("").is_in(_canonical(form, "level1"))
    if part == "level1":
        expected = listed(accepted(form, "level1"))
        yield Condition(rule.code, "indicators", part, known, place, lambda row: {"found": form.local(row[part]), "expected": expected})
        return
    # an unknown first level is told by its own rule; under a blank one any second level will do
    holds = ~filled(part) | ~known
    for first in form.taxonomy:
        holds |= (pl.col("level1").fill_null("") == first) & pl.col(part).fill_null("").is_in(_canonical(form, part, first))
    holds |= ~filled("level1") & pl.col(part).fill_null("").is_in(_canonical(form, part))

    def tell(row: Row) -> Mapping[str, str]:
        first = row["level1"] or ""
        expected = listed(accepted(form, part, first or None))
        return {"found": form.local(row[part]), "expected": expected, "level1": form.local(first)}

    yield Condition(rule.code, "indicators", part, holds, place, tell)


def _line_part(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A line that has a name or a value has this part, too."""
    part = rule.parameters["part"]
    if part not in indicator_parts(form):
        return
    holds = ~blank(part) | ~(filled("name") | filled("target"))
    if part == "level2":
        holds |= filled("level1") & ~pl.col("level1").fill_null("").is_in(_canonical(form, "level1"))

    def tell(row: Row) -> Mapping[str, str]:
        expected = accepted(form, part, row["level1"] or None) if part in LEVELS else ()
        return {"found": (row["target"] if part == "name" else row["name"] or row["target"]) or "", "expected": listed(expected)}

    yield Condition(rule.code, "indicators", part, holds, f"{{key}}.{part}", tell)


KINDS: Mapping[str, Kind] = {
    "required": Kind(_required),
    "some_goal": Kind(_some_goal),
    "some_indicator": Kind(_some_indicator),
    "matches": Kind(_matches, ("type",)),
    "in_list": Kind(_in_list, ("list",)),
    "line_part": Kind(_line_part, ("part",)),
}
