"""Kinds of rule about amounts of money."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from xlgoals import amounts
from xlgoals.conditions import Condition, Kind, Row, filled, words
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
    cost = (pl.col("source") != "target") | pl.col("levels").str.contains(rule.parameters["cost"], literal=True)
    rate = _clause(prose & cost).str.contains_any(rule.parameters["rates"].split())
    heeded = ~prose | (~rate & cost & (pl.col("yuan").cast(pl.Float64) >= least))
    ratio = pl.col("amount").cast(pl.Float64) / pl.col("yuan").cast(pl.Float64)  # only compared within a tolerance
    same, scaled = (ratio - 1).abs() <= within, (ratio / factor - 1).abs() <= within
    holds = (prose & heeded & same).any().over("rid", "key") | ~(heeded & scaled)

    def tell(row: Row) -> Mapping[str, str]:
        unit = form.dialect.money_unit
        return {"found": figure(row["amount"], form), "expected": row["written"] or f"{figure(row['yuan'], form)} {unit}", "unit": unit}

    if funds(form):
        yield Condition(rule.code, "figures", "amount", holds, "{key}", tell, other="{other}", asked=same | scaled)


# --- what is said of the budget in words and targets -------------------------------------------------------------------


def _clause(asked: pl.Expr) -> pl.Expr:
    """The clause that an amount stands in, where it is asked: looking for words in the others would take most of the time."""
    return pl.when(asked).then("clause")


def _near(form: Form) -> pl.Expr:
    """Whether an amount and a money line are the same: within half of the last digit written (but 5万元 is not 4.6), and the
    rounding of the line."""
    rounding = pl.min_horizontal(pl.col("step").fill_null(Decimal(0)).cast(pl.Float64) / 2, pl.col("amount").cast(pl.Float64) / 200)
    room = rounding + 0.005 * float(form.money_factor)
    return (pl.col("yuan").cast(pl.Float64) - pl.col("amount").cast(pl.Float64)).abs() <= room + 1e-6


def _annual(form: Form) -> pl.Expr:
    """Whether the money line is the total of the horizon that the other figure is about."""
    mid = pl.col("other").str.starts_with("indicators.mid_term.") | pl.col("other").str.starts_with("goals.mid_term.")
    return (pl.col("of") == "total") & (pl.col("horizon") == pl.when(mid).then(pl.lit("mid_term")).otherwise(pl.lit("annual")))


def _tell_amounts(form: Form) -> Callable[[Row], Mapping[str, str]]:
    return lambda row: {"found": row["written"], "expected": figure(row["amount"], form), "unit": form.dialect.money_unit}


def _amount_said(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """An amount that the purpose states as the whole is the budget; silent where any amount there, or all of them together, are
    a money line of the form."""
    said = (pl.col("source") == "text") & pl.col("other").is_in(list(words(rule.parameters["where"]))) & (pl.col("yuan") > 0)
    clause = pl.col("clause")
    heeded = ~clause.str.contains_any(list(words(rule.parameters["rates"]))) & ~clause.str.contains(rule.parameters["base"])
    claimed = heeded & pl.col("before").str.contains(rule.parameters["pattern"])
    agreed = (heeded & _near(form)).any().over("rid", "other")
    added = (heeded.cast(pl.Int8) * pl.col("yuan")).cast(pl.Float64).sum().over("rid", "other", "key")
    together = ((added - pl.col("amount").cast(pl.Float64)).abs() <= 0.005 * float(form.money_factor)).any().over("rid", "other")
    if funds(form):
        holds = ~(claimed & _annual(form)) | agreed | together
        about = tuple(funds(form)["annual"].values())
        yield Condition(rule.code, "figures", "yuan", holds, "{other}", _tell_amounts(form), other="{key}", about=about, asked=said)


def _cost(rule: Rule) -> tuple[pl.Expr, pl.Expr]:
    """Whether a figure is a cost, and whether it is one so much a head."""
    cost = (pl.col("source") == "target") & pl.col("levels").str.contains(rule.parameters["cost"], literal=True)
    return cost, _clause(cost).str.contains_any(list(words(rule.parameters["rates"])))


def _amount_cost(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No cost is above the budget; one that speaks of the whole budget, or that the purpose states too, is not below it either,
    and none is the budget but for the factor between two units (元 written for 万元)."""
    cost, rate = _cost(rule)
    whole, text = cost & ~rate, pl.col("source") == "text"
    above = pl.col("yuan") > pl.col("amount")
    named = _clause(whole & ~above & _annual(form)).str.contains(rule.parameters["pattern"]).fill_null(False)
    stated = text.any().over("rid", "key", "yuan")
    agreed = (whole & _near(form)).any().over("rid")
    if funds(form):
        ratio = pl.col("amount").cast(pl.Float64) / pl.col("yuan").cast(pl.Float64)
        scaled = (ratio / float(rule.parameters["factor"]) - 1).abs() <= 1e-9
        fails = whole & _annual(form) & ~agreed & (above | named | stated | scaled)
        about = tuple(key for lines in funds(form).values() for key in lines.values())
        yield Condition(rule.code, "figures", "written", ~fails, "{other}", _tell_amounts(form), other="{key}", about=about, asked=cost | text)


def _cost_total(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A cost that is the whole budget does not stand alone: some other says how much a head, a time, a thing."""
    cost, rate = _cost(rule)
    if funds(form):
        fails = ~rate & _annual(form) & _near(form) & ~rate.any().over("rid")
        yield Condition(rule.code, "figures", "levels", ~fails, "{other}", _tell_amounts(form), other="{key}", asked=cost)


def _price_heads(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The fewest heads promised (`bounds: no`: the most allowed) at a fixed price a head cost no more than the budget."""
    given = rule.parameters
    head = pl.col("each_unit").str.contains(given["heads"]) | ((pl.col("each_kind") == "money") & pl.col("named").str.contains_any(list(words(given["rates"]))))
    priced = head & pl.col("levels").str.contains(given["cost"], literal=True)
    share = pl.col("project").str.contains_any(list(words(given["shares"]))) & ~pl.col("named").str.contains_any(list(words(given["payers"])))
    fixed = pl.col("each_op").is_in(["=", ">=", ">"])
    least = pl.col("count_op").is_in(["=", ">=", ">"])
    cost = pl.col("count").cast(pl.Float64) * pl.col("each").cast(pl.Float64)
    asked = priced & ~share
    smallest = pl.when(asked).then(cost).min().over("rid")
    fails = asked & fixed & (least if given["bounds"] == "yes" else ~least) & (cost <= smallest) & (cost > pl.col("total").cast(pl.Float64) * (1 + float(given["within"])))

    def tell(row: Row) -> Mapping[str, str]:
        cost = (row["count"] * row["each"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return {
            "found": row["priced"], "counted": row["counted"], "cost": readable(cost, units), "expected": figure(row["total"], form),
            "unit": form.dialect.money_unit,
        }  # fmt: skip

    if funds(form):
        yield Condition(rule.code, "prices", "each", ~fails.fill_null(False), "{price}", tell, other="{heads}")


def _heads_added(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Of people who are there all the time, the middle term does not count each once a year."""
    years = pl.col("to").cast(pl.Float64, strict=False) - pl.col("from").cast(pl.Float64, strict=False) + 1
    aside = rf"{rule.parameters['pattern']}|人数|数量|规模|总数|[\s（()）]"
    same = pl.col("name").str.replace_all(aside, "") == pl.col("name_of").str.replace_all(aside, "")
    stays = pl.concat_str("name", "name_of").str.contains(rule.parameters["pattern"])
    ratio = pl.col("many").cast(pl.Float64) / pl.col("few").cast(pl.Float64)
    fails = same & stays & (years >= 2) & ((ratio / years - 1).abs() <= float(rule.parameters["within"]))

    def tell(row: Row) -> Mapping[str, str]:
        return {"many": f"{row['many'].normalize():f}", "few": f"{row['few'].normalize():f}", "years": str(int(row["to"]) - int(row["from"]) + 1)}

    yield Condition(rule.code, "heads", "many", ~fails.fill_null(False), "{key}", tell, other="{other}")


KINDS: Mapping[str, Kind] = {
    "funds_sum": Kind(_funds_sum, numbers=("rounding",), formula=_funds_sum_marks),
    "money_size": Kind(_money_size, ("unit",), ("from",), formula=_money_size_marks),
    "money_factor": Kind(_money_factor, ("cost", "rates"), ("factor", "within", "least")),
    "amount_said": Kind(_amount_said, ("where", "rates", "pattern", "base"), patterns=("pattern", "base")),
    "amount_cost": Kind(_amount_cost, ("cost", "rates", "pattern"), ("factor",), ("pattern",)),
    "cost_total": Kind(_cost_total, ("cost", "rates")),
    "price_heads": Kind(_price_heads, ("cost", "rates", "shares", "payers", "heads", "bounds"), ("within",), ("heads",)),
    "heads_added": Kind(_heads_added, ("pattern", "set_aside"), ("within",), ("pattern", "set_aside")),
}
