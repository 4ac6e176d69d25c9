"""Kinds of rule about amounts of money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from xlgoals import amounts
from xlgoals.conditions import Condition, Kind, Row, filled
from xlgoals.facts import Units, funds, yuan
from xlgoals.findings import Rule
from xlgoals.forms import Form
from xlgoals.formulas import every, number, quoted
from xlgoals.marks import Cells, Mark


def figure(amount: Decimal, form: Form) -> str:
    """An amount in yuan as the form would print it: in its unit, at least two decimals, thousands separated."""
    whole, _, cents = f"{amount / form.money_factor:,f}".partition(".")
    return f"{whole}.{cents.rstrip('0'):0<2}"


def readable(amount: Decimal, units: Units) -> str:
    """An amount in the largest unit it fills: 190.74 亿元."""
    filled = [unit for unit in units if unit[1] <= abs(amount)]
    name, factor = max(filled, key=lambda unit: unit[1]) if filled else min(units, key=lambda unit: unit[1])
    return f"{(amount / factor).quantize(Decimal('0.01'), ROUND_HALF_UP).normalize():,f} {name}"


def _funds_sum(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The sources add up to the total, within the rounding of the figures filled in; a blank source counts as 0."""
    zero, step = Decimal(0), Decimal(rule.parameters["rounding"]) * form.money_factor
    for lines in funds(form).values():
        total, sources = lines.get("total"), [key for source, key in lines.items() if source != "total"]
        if not total or not sources:
            continue
        unread = pl.any_horizontal(pl.col(key).is_null() for key in (total, *sources))
        sources_filled = pl.sum_horizontal(filled(key).cast(pl.Int32) for key in sources)
        added = pl.sum_horizontal(pl.col(yuan(key)).fill_null(zero) for key in sources)
        apart = (pl.col(yuan(total)).fill_null(zero) - added).abs()
        room = pl.lit(step) * (sources_filled + 1)

        def tell(row: Row, total: str = total, sources: list[str] = sources) -> Mapping[str, str]:
            said, added = row[yuan(total)], sum((row[yuan(key)] or zero for key in sources), zero)
            return {
                "found": figure(said, form), "expected": figure(added, form), "difference": figure(abs(said - added), form),
                "unit": form.dialect.money_unit,
            }  # fmt: skip

        holds = unread | ~filled(total) | (sources_filled == 0) | (apart <= room)
        yield Condition(rule.code, "form", total, holds, total, tell, about=(total, *sources))


def _funds_sum_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    form, step = cells.form, Decimal(rule.parameters["rounding"]) * cells.form.money_factor
    for lines in funds(form).values():
        total = cells.fields.get(lines.get("total", ""))
        sources = [ref for source, key in lines.items() if source != "total" and (ref := cells.fields.get(key))]
        if not total or not sources:
            continue
        said, *parts = (amounts.state(cells, ref, units) for ref in (total, *sources))
        yuan = amounts.yuan(cells, said)
        added = "+".join(amounts.yuan(cells, part) for part in parts)
        filled_in = f"COUNT({','.join(parts)})"
        words = {
            "found": amounts.figure(cells, yuan), "expected": amounts.figure(cells, f"({added})"),
            "difference": amounts.figure(cells, f"ABS({yuan}-({added}))"), "unit": quoted(form.dialect.money_unit),
        }  # fmt: skip
        known = [f"NOT({amounts.unknown(one)})" for one in (said, *parts)]
        yield Mark(
            total, every(*known, f"NOT({total.blank})", f"{filled_in}>0", f"ROUND(ABS({yuan}-({added}))-{number(step)}*({filled_in}+1),4)>0"), words
        )


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


def _money_size_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    limit = Decimal(rule.parameters["from"]) * dict(units)[rule.parameters["unit"]]
    for lines in funds(cells.form).values():
        total = cells.fields.get(lines.get("total", ""))
        for key in lines.values():
            if (ref := cells.fields.get(key)) is None:
                continue
            yuan = amounts.yuan(cells, amounts.state(cells, ref, units))
            fails = [f"{yuan}>={number(limit)}"]
            if total and total != ref:
                fails.append(f"{amounts.yuan(cells, amounts.state(cells, total, units))}<{number(limit)}")
            words = {
                "found": amounts.figure(cells, yuan), "readable": amounts.readable(yuan, limit, units),
                "unit": quoted(cells.form.dialect.money_unit),
            }  # fmt: skip
            yield Mark(ref, every(*fails), words)


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
    "funds_sum": Kind(_funds_sum, numbers=("rounding",), formula=_funds_sum_marks),
    "money_size": Kind(_money_size, ("unit",), ("from",), _money_size_marks),
    "money_factor": Kind(_money_factor, ("cost", "rates"), ("factor", "within", "least")),
}
