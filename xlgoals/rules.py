"""The kinds of rule: what an entry of the catalogue demands of a form, as conditions on the rows of a table.

A short closed list. Everything else about a rule (code, severity, sentence, parameters, the words it looks for) stands in
`mappings/rules.yaml`; which fields it concerns follows from the form's meanings. The tables are those of `facts`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import polars as pl

from xlgoals.errors import Mistake, SpecError
from xlgoals.facts import PARTS, Table, Units, funds, goals, indicator_parts, scalars, yuan
from xlgoals.findings import Catalogue, Rule
from xlgoals.forms import LEVELS, Form, Meaning

Row = Mapping[str, Any]
DEFECT = "internal.rule"  # the one code that Python itself raises: a rule crashed


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What must hold in every row of a table, which column is to blame where it does not, and what to say then.

    Texts are "" when blank and null when nobody could read them; a condition must hold on null, and must never be null
    itself. `place` and `other` are record keys, with the row's columns in braces. `about` names all records judged.
    """

    code: str
    table: Table
    column: str
    holds: pl.Expr
    place: str
    tell: Callable[[Row], Mapping[str, str]]
    label: str = ""
    about: tuple[str, ...] = ()
    other: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of rule becomes conditions on one form, and the parameters it cannot do without."""

    conditions: Callable[[Form, Rule, Units], Iterator[Condition]]
    needs: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def lint(catalogue: Catalogue, units: Units) -> None:
    """Raise SpecError with every mistake in the catalogue that concerns a kind."""
    told = [(rule.code, text) for rule in catalogue.rules.values() for text in _mistakes(rule, catalogue, units)]
    if DEFECT not in catalogue.rules:
        told.append((DEFECT, "缺少这条规则，程序出错时要用它说明，请补上"))
    if told:
        raise SpecError(Mistake("mappings/rules.yaml", 0, f"{code}：{text}") for code, text in told)


def conditions(form: Form, rule: Rule, units: Units) -> tuple[Condition, ...]:
    """What a rule demands of a form; nothing where the form has no such field, or where an earlier stage raises the finding."""
    return tuple(KINDS[rule.kind].conditions(form, rule, units)) if rule.kind else ()


def _mistakes(rule: Rule, catalogue: Catalogue, units: Units) -> Iterator[str]:
    kind = KINDS.get(rule.kind)
    if kind is None:
        if rule.kind:
            yield f"没有 kind {rule.kind}，可用：{'、'.join(KINDS)}"
        return
    for name in (*kind.needs, *kind.numbers):
        if not rule.parameters.get(name):
            yield f"parameters 缺少 {name}，请补上"
        elif name in kind.numbers:
            try:
                finite = Decimal(rule.parameters[name]).is_finite()
            except InvalidOperation:
                finite = False
            if not finite:
                yield f"parameters 的 {name} 应为数字"
    for name, known in (("part", PARTS), ("list", (*LEVELS, "field")), ("unit", tuple(name for name, _ in units))):
        if name in kind.needs and rule.parameters.get(name, known[0]) not in known:
            yield f"parameters 的 {name} 只能是 {'、'.join(known)}"
    for code in rule.parameters.get("unless", "").split():
        if code not in catalogue.rules:
            yield f"unless 里的 {code} 不在规则清单里，请改正或删去"
    try:
        re.compile(rule.parameters.get("pattern", ""))
    except re.error as error:
        yield f"parameters 的 pattern 不是正则表达式（{error}）"


# --- words and figures ------------------------------------------------------------------------------------------------


def figure(amount: Decimal, form: Form) -> str:
    """An amount in yuan as the form would print it: in its unit, at least two decimals, thousands separated."""
    whole, _, cents = f"{amount / form.money_factor:,f}".partition(".")
    return f"{whole}.{cents.rstrip('0'):0<2}"


def readable(amount: Decimal, units: Units) -> str:
    """An amount in the largest unit it fills: 190.74 亿元."""
    filled = [unit for unit in units if unit[1] <= abs(amount)]
    name, factor = max(filled, key=lambda unit: unit[1]) if filled else min(units, key=lambda unit: unit[1])
    return f"{(amount / factor).quantize(Decimal('0.01'), ROUND_HALF_UP).normalize():,f} {name}"


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


def _listed(words: tuple[str, ...]) -> str:
    return "、".join(words)


# --- the kinds --------------------------------------------------------------------------------------------------------


def _filled(column: str) -> pl.Expr:
    """Whether a text is there; what nobody could read counts as neither filled nor blank."""
    return pl.col(column).fill_null("") != ""


def _blank(column: str) -> pl.Expr:
    return pl.col(column).fill_null("?") == ""


def _required(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A field that must be filled is."""
    for key, m in scalars(form).items():
        if m.required:

            def tell(row: Row, prompt: str = m.prompt or rule.parameters.get("prompt", "")) -> Mapping[str, str]:
                return {"found": "", "prompt": prompt}

            yield Condition(rule.code, "form", key, ~_blank(key), key, tell, m.label)


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

        holds = ~_filled(key) | pl.col(key).fill_null("").str.contains(rf"^(?:{pattern})$")
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
                return {"found": row[key], "expected": _listed(words)}

            yield Condition(rule.code, "form", key, ~_filled(key) | pl.col(key).fill_null("").is_in(words), key, say, m.label)
    if part not in indicator_parts(form):
        return
    place = f"{{key}}.{part}"
    known = ~_filled("level1") | pl.col("level1").fill_null("").is_in(_canonical(form, "level1"))
    if part == "level1":
        expected = _listed(accepted(form, "level1"))
        yield Condition(rule.code, "indicators", part, known, place, lambda row: {"found": form.local(row[part]), "expected": expected})
        return
    # an unknown first level is told by its own rule; under a blank one any second level will do
    holds = ~_filled(part) | ~known
    for first in form.taxonomy:
        holds |= (pl.col("level1").fill_null("") == first) & pl.col(part).fill_null("").is_in(_canonical(form, part, first))
    holds |= ~_filled("level1") & pl.col(part).fill_null("").is_in(_canonical(form, part))

    def tell(row: Row) -> Mapping[str, str]:
        first = row["level1"] or ""
        expected = _listed(accepted(form, part, first or None))
        return {"found": form.local(row[part]), "expected": expected, "level1": form.local(first)}

    yield Condition(rule.code, "indicators", part, holds, place, tell)


def _line_part(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A line that has a name or a value has this part, too."""
    part = rule.parameters["part"]
    if part not in indicator_parts(form):
        return
    holds = ~_blank(part) | ~(_filled("name") | _filled("target"))
    if part == "level2":
        holds |= _filled("level1") & ~pl.col("level1").fill_null("").is_in(_canonical(form, "level1"))

    def tell(row: Row) -> Mapping[str, str]:
        expected = accepted(form, part, row["level1"] or None) if part in LEVELS else ()
        return {"found": (row["target"] if part == "name" else row["name"] or row["target"]) or "", "expected": _listed(expected)}

    yield Condition(rule.code, "indicators", part, holds, f"{{key}}.{part}", tell)


def _funds_sum(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The sources add up to the total, within the rounding of the figures filled in; a blank source counts as 0."""
    zero, step = Decimal(0), Decimal(rule.parameters["rounding"]) * form.money_factor
    for lines in funds(form).values():
        total, sources = lines.get("total"), [key for source, key in lines.items() if source != "total"]
        if not total or not sources:
            continue
        unread = pl.any_horizontal(pl.col(key).is_null() for key in (total, *sources))
        filled = pl.sum_horizontal(_filled(key).cast(pl.Int32) for key in sources)
        added = pl.sum_horizontal(pl.col(yuan(key)).fill_null(zero) for key in sources)
        apart = (pl.col(yuan(total)).fill_null(zero) - added).abs()
        room = pl.lit(step) * (filled + 1)

        def tell(row: Row, total: str = total, sources: list[str] = sources) -> Mapping[str, str]:
            said, added = row[yuan(total)], sum((row[yuan(key)] or zero for key in sources), zero)
            return {
                "found": figure(said, form), "expected": figure(added, form), "difference": figure(abs(said - added), form),
                "unit": form.dialect.money_unit,
            }  # fmt: skip

        holds = unread | ~_filled(total) | (filled == 0) | (apart <= room)
        yield Condition(rule.code, "form", total, holds, total, tell, about=(total, *sources))


def _money_size(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No money line is larger than such projects are."""
    limit = Decimal(rule.parameters["from"]) * dict(units)[rule.parameters["unit"]]
    for lines in funds(form).values():
        for key in lines.values():

            def tell(row: Row, key: str = key) -> Mapping[str, str]:
                amount = row[yuan(key)]
                return {"found": figure(amount, form), "readable": readable(amount, units), "unit": form.dialect.money_unit}

            holds = pl.col(yuan(key)).fill_null(Decimal(0)) < limit
            if (total := lines.get("total")) and total != key:  # said once, at the total, not again at each of its parts
                holds |= pl.col(yuan(total)).fill_null(Decimal(0)) >= limit
            yield Condition(rule.code, "form", key, holds, key, tell)


def _money_factor(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No other figure of the form says that a money line is too large by the factor between two units.

    A figure in prose is heeded when it is a whole amount: not a rate (so much a head), not a trifle, and in an indicator
    only where it is a cost. One that says the same as the money line acquits it.
    """
    within, factor, least = (float(rule.parameters[name]) for name in ("within", "factor", "least"))
    prose = pl.col("source").is_in(["text", "target"])
    rate = pl.col("clause").str.contains_any(rule.parameters["rates"].split())
    cost = (pl.col("source") != "target") | pl.col("levels").str.contains(rule.parameters["cost"], literal=True)
    heeded = ~prose | (~rate & cost & (pl.col("yuan").cast(pl.Float64) >= least))
    ratio = pl.col("amount").cast(pl.Float64) / pl.col("yuan").cast(pl.Float64)  # only compared within a tolerance
    acquitted = (prose & heeded & ((ratio - 1).abs() <= within)).any().over("rid", "key")
    holds = acquitted | ~heeded | ((ratio / factor - 1).abs() > within)

    def tell(row: Row) -> Mapping[str, str]:
        unit = form.dialect.money_unit
        return {"found": figure(row["amount"], form), "expected": row["written"] or f"{figure(row['yuan'], form)} {unit}", "unit": unit}

    if funds(form):
        yield Condition(rule.code, "figures", "amount", holds, "{key}", tell, other="{other}")


KINDS: Mapping[str, Kind] = {
    "required": Kind(_required),
    "some_goal": Kind(_some_goal),
    "some_indicator": Kind(_some_indicator),
    "matches": Kind(_matches, ("type",)),
    "in_list": Kind(_in_list, ("list",)),
    "line_part": Kind(_line_part, ("part",)),
    "funds_sum": Kind(_funds_sum, numbers=("rounding",)),
    "money_size": Kind(_money_size, ("unit",), ("from",)),
    "money_factor": Kind(_money_factor, ("cost", "rates"), ("factor", "within", "least")),
}
