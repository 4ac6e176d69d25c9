"""Kinds of rule about the name of one indicator line, and about the levels that a form's lines have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation

import polars as pl

from xlgoals.conditions import Condition, Kind, Row, any_of, matching
from xlgoals.facts import Units, free_line, indicator_parts, levels
from xlgoals.findings import Rule
from xlgoals.forms import Form
from xlgoals.kinds_target import KIND, LEVEL2, NAME, SORT, words
from xlgoals.words import bare


def _words(row: Row) -> Mapping[str, str]:
    return {**words(row), "found": row["name"] or ""}


def _named(form: Form, rule: Rule, fails: pl.Expr, tell: Callable[[Row], Mapping[str, str]] = _words) -> Iterator[Condition]:
    if "name" in indicator_parts(form):
        yield Condition(rule.code, "indicators", "name", ~fails.fill_null(False), "{key}.name", tell)


def _name_words(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The names under a second level say one of some words."""
    wanted = LEVEL2.is_in(rule.parameters["level2"].split()) & (NAME != "") & (KIND != "none")
    yield from _named(form, rule, wanted & ~any_of(NAME, rule.parameters["words"]))


def _name_pattern(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No name is written by a pattern; where the rule names sorts of value, only beside these."""
    fails = matching(NAME, rule.parameters["pattern"])
    if sorts := rule.parameters.get("sorts"):
        fails &= SORT.is_in(sorts.split())
    if but := rule.parameters.get("but"):
        fails &= ~matching(NAME, but)
    yield from _named(form, rule, fails)


def _name_is_level(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A name is not the heading it stands under, nor the words that are printed where it goes."""
    known = {word for level in levels(form) for word in (level, form.local(level), *form.aka.get(level, ()))}
    said = {word if word.endswith("指标") else f"{word}指标" for word in known}
    plain = {word.removesuffix("指标") for word in said if not any(part in word for part in rule.parameters["names"].split())}
    spoken = NAME.str.replace_all(r"\s", "")
    yield from _named(form, rule, spoken.is_in(sorted(said | plain)) | matching(spoken, rf"^(?:{rule.parameters['pattern']})$"))


def _name_doubled(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No word stands in a name twice in a row."""
    fails = (pl.col("doubled").fill_null("") != "") & ~any_of(NAME, rule.parameters["fine"])

    def tell(row: Row) -> Mapping[str, str]:
        return {**words(row), "found": row["name"], "word": row["doubled"][: len(row["doubled"]) // 2]}

    yield from _named(form, rule, fails, tell)


def _levels_there(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Some line of each wanted level says something, where the form has the level; told where such a line could stand."""
    for level in rule.parameters["levels"].split():
        if level not in levels(form) or not indicator_parts(form):
            continue
        there = pl.col("#levels").str.contains(f"|{level}|", literal=True) | (pl.col("#levels") == "")  # no line at all is told by a rule of its own

        def tell(row: Row, level: str = level) -> Mapping[str, str]:
            return {"found": "", "expected": form.local(level)}

        yield Condition(rule.code, "form", "#levels", there, f"{{{free_line(level)}}}", tell, form.local(level))


def _weights(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The weights of the annual lines, where any is filled in, add up to one of the sums allowed."""
    if "weight" not in indicator_parts(form):
        return
    sums = [Decimal(text) for text in rule.parameters["sums"].split()]
    added = pl.col("#weights").str.replace_all("[%％分\\s]", "").str.split("|").list.eval(pl.element().cast(pl.Float64, strict=False)).list.sum()
    right = pl.any_horizontal((added - float(total)).abs() < 0.005 for total in sums)

    def tell(row: Row) -> Mapping[str, str]:
        return {"found": f"{sum(map(_number, row['#weights'].split('|')), Decimal(0)).normalize():f}", "expected": " 或 ".join(map(str, sums))}

    yield Condition(rule.code, "form", "#weights", (pl.col("#weights") == "") | right, "{#weighed}", tell, bare(indicator_parts(form)["weight"].label))


def _number(text: str) -> Decimal:
    try:
        return Decimal("".join(letter for letter in text if letter in "0123456789."))
    except InvalidOperation:
        return Decimal(0)


KINDS: Mapping[str, Kind] = {
    "name_words": Kind(_name_words, ("level2", "words"), levels=("level2",)),
    "name_pattern": Kind(_name_pattern, ("pattern",), patterns=("but",)),
    "name_is_level": Kind(_name_is_level, ("names", "pattern")),
    "name_doubled": Kind(_name_doubled, ("fine",)),
    "levels_there": Kind(_levels_there, ("levels",), levels=("levels",)),
    "weights": Kind(_weights, ("sums",)),
}
