"""Kinds of rule about the value of one indicator line: what `target` understood of it, against its level and its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

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


def _first_of(form: Form, rule: Rule, cases: Iterable[tuple[pl.Expr, str]]) -> Iterator[Condition]:
    """A condition for each case that is not a case already told: what fails, and the parameter that says why."""
    told = pl.lit(False)
    for fails, reason in cases:

        def say(row: Row, reason: str = reason) -> Mapping[str, str]:
            return {**words(row), "reason": rule.parameters[reason].format_map(words(row))}

        yield from _line(form, rule, fails & ~told, say=say)
        told |= fails.fill_null(False)


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
    yield from _first_of(form, rule, [((KIND == "date") & signed, "signed_date"), ((KIND == "date") & vague, "vague_date")])


# --- does it fit


def _level_kind(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A value is of the sort that its second level measures. Each case of the rule: the sorts of value that do not belong under
    some levels, `only` where the name says one word, `unless` it says another, or the value says one of `value`; told at the value
    or, where it is the name that does not fit, there."""
    told = pl.lit(False)
    for case in rule.cases:
        fails = misplaced = LEVEL2.is_in(case["level2"].split()) & SORT.is_in(case["sorts"].split())
        name = pl.when(misplaced).then(NAME)  # in the others no words are looked for
        if case.get("only"):
            fails &= any_of(name, case["only"])
        if case.get("unless"):
            fails &= ~any_of(name, case["unless"])
        if case.get("value"):
            fails &= ~any_of(pl.when(misplaced).then(TARGET), case["value"])

        def say(row: Row, reason: str = case["say"]) -> Mapping[str, str]:
            value = rule.parameters["given"].format_map(words(row)) if row["target"] else ""
            return {**words(row), "value": value, "level2": form.local(row["level2"]), "reason": reason}

        yield from _line(form, rule, fails & ~told, case.get("at", "target"), say)
        told |= fails  # without what was told before, or it would double with every case


def _direction(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """What should be little is not demanded at least, what should be much not at most; and no demand is always met."""
    p = rule.parameters
    head = rf"(?:{_either(p['worse'])})(?:{_either(p['events'])})*(?:{_either(p['counts'])})?(?:[(（][^()（）]*[)）])?$"
    name = pl.when(AT_LEAST | AT_MOST).then(NAME)  # in the others no words are looked for
    worse, value = name.str.contains(head), pl.col("means.value")
    better = name.str.contains(rf"(?:{_either(p['better'])})(?:{_either(p['endings'])})(?:[(（][^()（）]*[)）])?$")
    limited = any_of(name, p["limits"])
    cost = any_of(LEVEL1 + LEVEL2, p["cost"]) & SORT.is_in(["money", "price"]) & ~any_of(NAME, p["paid"])
    kept_low = any_of(pl.col("description").fill_null(""), p["kept_low"])
    fought = any_of(name, p["fought"])
    amount = LEVEL2.is_in(p["amounts"].split()) & (SORT == "count") & ~worse & ~limited
    gained = any_of(name, p["gained"]) & SORT.is_in(["count", "money"]) & ~any_of(LEVEL1 + LEVEL2, p["cost"]) & ~worse & ~limited
    lasts = (SORT == "time") & LEVEL2.is_in(p["timing"].split()) & ~any_of(NAME, p["lasting"])
    yield from _first_of(form, rule, [
        (AT_LEAST & worse & ~fought & (value > 0), "worse_least"),
        (AT_LEAST & cost, "cost_least"),
        (AT_LEAST & kept_low & (SORT != "ratio"), "low_least"),
        (AT_LEAST & lasts, "slow_least"),
        (AT_MOST & (pl.col("means.unit") == "%") & (value >= 100) & ~worse & ~limited, "whole_most"),
        (AT_MOST & (((SORT == "ratio") & better) | gained), "better_most"),
        (AT_MOST & amount, "amount_most"),
        (AT_LEAST & (value == 0) & SORT.is_in(["ratio", "count", "money"]), "nought_least"),
    ])  # fmt: skip


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
