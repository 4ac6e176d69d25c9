"""Kinds of rule about the value of one indicator line: what `target` understood of it, against its level and its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from xlgoals.conditions import Condition, Kind, Row, any_of, matching
from xlgoals.facts import SORTS, Units, indicator_parts
from xlgoals.findings import Rule
from xlgoals.forms import Form

KIND, OP, SORT = pl.col("means.kind").fill_null(""), pl.col("means.op").fill_null(""), pl.col("sort").fill_null("")
LEVEL1, LEVEL2 = pl.col("level1").fill_null(""), pl.col("level2").fill_null("")
NAME, TARGET = pl.col("name").fill_null(""), pl.col("target").fill_null("")
AT_LEAST, AT_MOST = OP.is_in([">=", ">"]), OP.is_in(["<=", "<"])


def words(row: Row) -> Mapping[str, str]:
    """What every sentence about a line may hold."""
    return {"found": row["target"] or "", "name": row["name"] or "", "level2": row["level2"] or ""}


def _line(form: Form, rule: Rule, fails: pl.Expr, part: str = "target", say: Callable[[Row], Mapping[str, str]] = words) -> Iterator[Condition]:
    """The condition that no line of a form fails, told at one part of the line, or at its value where the form lacks that part."""
    if parts := indicator_parts(form):
        at = part if part in parts else "target"
        yield Condition(rule.code, "indicators", at, ~fails.fill_null(False), f"{{key}}.{at}", say)


class Case(NamedTuple):
    """One way to fail: which lines do, why, and at which part of the line that is told."""

    fails: pl.Expr
    reason: str
    at: str = "target"


def _first_of(form: Form, rule: Rule, cases: Sequence[Case], asked: pl.Expr, say: Callable[[Row, str], Mapping[str, str]]) -> Iterator[Condition]:
    """The condition that no line fails in any of these ways; where one does, the first is told."""
    if not (parts := indicator_parts(form)):
        return
    first = pl.lit(None, pl.Int32())
    for number, case in reversed(list(enumerate(cases))):
        first = pl.when(case.fails).then(pl.lit(number, pl.Int32())).otherwise(first)
    at = {number: case.at if case.at in parts else "target" for number, case in enumerate(cases)}
    more = {"#case": first, "#at": first.replace_strict(at, return_dtype=pl.String())}

    def tell(row: Row) -> Mapping[str, str]:
        return say(row, cases[row["#case"]].reason)

    yield Condition(rule.code, "indicators", "target", first.is_null(), "{key}.{#at}", tell, more=more, asked=asked)


def _reasoned(row: Row, reason: str) -> Mapping[str, str]:
    return {**words(row), "reason": reason.format_map(words(row))}


# --- is it a value at all


def _target_kind(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No target is of a kind: one that stands for nothing, one that nobody filled in, one that cannot be read."""
    named = NAME != ""
    if rule.parameters.get("nothing"):  # 无 beside 无 is told by a rule of its own
        named &= ~NAME.is_in(rule.parameters["nothing"].split())
    yield from _line(form, rule, (rule.parameters["value_kind"] == KIND) & named)


def _unquantified(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Words are no value: not where output, cost or satisfaction is measured, and nowhere when they are vague. A verdict (合格) is
    one, but no amount; and so is a benefit that the form's own column declares to be qualitative."""
    p = rule.parameters
    everywhere = LEVEL1.is_in(p["levels"].split())
    declared = pl.col("nature").fill_null("").str.contains(p["declared"], literal=True)
    words = pl.when(KIND == "qualitative").then(TARGET)
    verdict = matching(words.str.replace_all(r"\s", ""), p["verdict"]) & ~LEVEL2.is_in(p["amounts"].split())
    yield from _line(form, rule, (KIND == "qualitative") & ~verdict & (everywhere | (any_of(words, p["vague"]) & ~declared)))


def _unclear(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Where output, cost or satisfaction is measured, words with figures among them (other than years and documents) say how much."""
    words = pl.when((KIND == "qualitative") & LEVEL1.is_in(rule.parameters["levels"].split())).then(TARGET)
    yield from _line(form, rule, words.str.replace_all(rule.parameters["set_aside"], "").str.contains(r"\d"))


def _several(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """One cell holds one value; several dates or frequencies of one thing are one."""
    parts = pl.col("means.parts").fill_null([])
    yield from _line(form, rule, (KIND == "multi") & ~parts.list.eval(pl.element().is_in(["date", "frequency"])).list.all())


def _conflict(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Nothing that stands beside the value contradicts it: the name, the description, the columns for comparison and unit."""
    wanted = rule.parameters["conflicts"].split()

    def say(row: Row) -> Mapping[str, str]:
        return {**words(row), "detail": next(text for code, text in row["means.conflicts"] if code in wanted)}

    codes = pl.col("means.conflicts").fill_null([]).list.eval(pl.element().list.first().is_in(wanted)).list.any()
    yield from _line(form, rule, codes, rule.parameters.get("part", "target"), say)


# --- its unit, its sign


def _no_unit(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A number has a unit: its own, the name's or the column's. Nought needs none, nor do numbers that have none (系数, pH)."""
    bare = pl.col("means.unit").fill_null("").str.strip_chars(rule.parameters["scales"]) == ""
    free = matching(NAME, rule.parameters["without"]) | NAME.str.contains(r"[(（][^()（）]{1,8}[)）]$")
    number = KIND.is_in(["number", "range"]) & (pl.col("means.dimension").fill_null("") == "") & (pl.col("means.value") != 0)
    yield from _line(form, rule, number & bare & ~free, "measure")


def _strange_unit(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A unit is a unit of measure, and so is what it is counted by."""
    dimension, unit = pl.col("means.dimension").fill_null(""), pl.col("means.unit").fill_null("")
    unknown = (dimension == "") & (unit.str.strip_chars(rule.parameters["scales"]) != "") | dimension.str.ends_with(" per unit")

    def say(row: Row) -> Mapping[str, str]:
        return {**words(row), "unit": row["means.unit"]}

    yield from _line(form, rule, KIND.is_in(["number", "range", "frequency"]) & unknown, "measure", say)


def _no_sign(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A figure says whether it is the least, the most or exactly that, where it matters."""
    unsigned = (KIND == "number") & (OP == "=") & ~TARGET.str.contains("[=＝]") & (pl.col("nature").fill_null("") == "")
    value = pl.col("means.value")
    plain = (value == 0) | ((SORT == "ratio") & (value == 100))  # none, or all: nothing is beyond
    matters = SORT.is_in(rule.parameters["sorts"].split()) | any_of(LEVEL1 + LEVEL2, rule.parameters["levels"])
    yield from _line(form, rule, unsigned & matters & ~plain, "nature")


def _date_sign(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A date is written as a date: 12月底前, not ≤12月份, and not 年初."""
    vague = (pl.col("means.from") == "") & (pl.col("means.to") == "")
    signed = TARGET.str.contains("^[≤≥<>]") & (pl.col("nature").fill_null("") == "")
    cases = [Case(signed, rule.parameters["signed_date"]), Case(vague, rule.parameters["vague_date"])]
    yield from _first_of(form, rule, cases, KIND == "date", _reasoned)


# --- does it fit


def _level_kind(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A value is of the sort that its second level measures. Each case of the rule: the sorts of value that do not belong under
    some levels, `only` where the name says one word, `unless` it says another, or the value says one of `value`; told at the value
    or, where it is the name that does not fit, there."""
    cases: list[Case] = []
    asked: list[str] = []
    for case in rule.cases:
        pairs = [f"{level}/{sort}" for level in case["level2"].split() for sort in case["sorts"].split()]
        fails = (LEVEL2 + "/" + SORT).is_in(pairs)
        if case.get("only"):
            fails &= any_of(NAME, case["only"])
        if case.get("unless"):
            fails &= ~any_of(NAME, case["unless"])
        if case.get("value"):
            fails &= ~any_of(TARGET, case["value"])
        cases.append(Case(fails, case["say"], case.get("at", "target")))
        asked += pairs

    def say(row: Row, reason: str) -> Mapping[str, str]:
        value = rule.parameters["given"].format_map(words(row)) if row["target"] else ""
        return {**words(row), "value": value, "level2": form.local(row["level2"]), "reason": reason}

    yield from _first_of(form, rule, cases, (LEVEL2 + "/" + SORT).is_in(asked), say)


def _direction(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """What should be little is not demanded at least, what should be much not at most; and no demand is always met."""
    p = rule.parameters
    value, level = pl.col("means.value"), LEVEL1 + LEVEL2
    bad, kept_low = any_of(NAME, p["worse"]), any_of(pl.col("description").fill_null(""), p["kept_low"])
    head = rf"(?:{_either(p['worse'])})(?:{_either(p['events'])})*(?:{_either(p['counts'])})?(?:[(（][^()（）]*[)）])?$"
    most, feared = pl.when(AT_MOST).then(NAME), pl.when(bad).then(NAME)  # in the others no words are looked for
    worse = feared.str.contains(head).fill_null(False)
    better = most.str.contains(rf"(?:{_either(p['better'])})(?:{_either(p['endings'])})(?:[(（][^()（）]*[)）])?$")
    limited = any_of(most, p["limits"])
    priced = SORT.is_in(["money", "price"])
    cost = any_of(level, p["cost"]) & priced & ~any_of(NAME, p["paid"])
    fought = any_of(feared, p["fought"])
    amount = LEVEL2.is_in(p["amounts"].split()) & (SORT == "count") & ~worse & ~limited
    gained = any_of(most, p["gained"]) & SORT.is_in(["count", "money"]) & ~any_of(level, p["cost"]) & ~worse & ~limited
    lasts = (SORT == "time") & LEVEL2.is_in(p["timing"].split()) & ~any_of(NAME, p["lasting"])
    cases = [
        Case(AT_LEAST & worse & ~fought & (value > 0), p["worse_least"]),
        Case(AT_LEAST & cost, p["cost_least"]),
        Case(AT_LEAST & kept_low & (SORT != "ratio"), p["low_least"]),
        Case(AT_LEAST & lasts, p["slow_least"]),
        Case(AT_MOST & (pl.col("means.unit") == "%") & (value >= 100) & ~worse & ~limited, p["whole_most"]),
        Case(AT_MOST & (((SORT == "ratio") & better) | gained), p["better_most"]),
        Case(AT_MOST & amount, p["amount_most"]),
        Case(AT_LEAST & (value == 0) & SORT.is_in(["ratio", "count", "money"]), p["nought_least"]),
    ]
    # most demands are "at least" of something good: no case speaks of those
    yield from _first_of(form, rule, cases, AT_MOST | (AT_LEAST & (bad | kept_low | priced | (SORT == "time") | (value == 0))), _reasoned)


def _too_much(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A part is not more than the whole: no share of something is demanded above 100 %."""
    part = matching(NAME, rf"(?:{_either(rule.parameters['parts'])})(?:[(（][^()（）]*[)）])?$")
    most = pl.coalesce("means.high", "means.value")
    above = (most > 100) | ((most == 100) & (OP == ">"))
    yield from _line(form, rule, part & ~any_of(NAME, rule.parameters["growth"]) & (pl.col("means.unit") == "%") & above & ~AT_MOST)


def _either(words: str) -> str:
    return "|".join(words.split())


KINDS: Mapping[str, Kind] = {
    "target_kind": Kind(_target_kind, ("value_kind",)),
    "unquantified": Kind(_unquantified, ("levels", "vague", "declared", "verdict", "amounts"), patterns=("verdict",), levels=("levels", "amounts")),
    "unclear": Kind(_unclear, ("levels", "set_aside"), patterns=("set_aside",), levels=("levels",)),
    "several": Kind(_several),
    "target_conflict": Kind(_conflict, ("conflicts",)),
    "no_unit": Kind(_no_unit, ("scales",), patterns=("without",)),
    "strange_unit": Kind(_strange_unit, ("scales",)),
    "no_sign": Kind(_no_sign, ("sorts", "levels")),
    "date_sign": Kind(_date_sign, ("signed_date", "vague_date")),
    "level_kind": Kind(_level_kind, ("given",), cases={"level2": (), "sorts": SORTS, "say": ()}, besides=("only", "unless", "value", "at"), levels=("level2",)),
    "direction": Kind(_direction, (
        "worse", "events", "counts", "better", "endings", "limits", "fought", "gained", "cost", "paid", "kept_low", "amounts", "timing", "lasting",
        "worse_least", "cost_least", "low_least", "slow_least", "whole_most", "better_most", "amount_most", "nought_least",
    ), levels=("amounts", "timing")),
    "too_much": Kind(_too_much, ("parts", "growth")),
}  # fmt: skip
