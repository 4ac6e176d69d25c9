"""Kinds of rule about a spending plan, what the horizons say of each other, and how long a project lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import polars as pl

from xlgoals.conditions import Condition, Kind, Row, filled, words
from xlgoals.facts import Units, funds, goals, scalars, yuan
from xlgoals.facts_figures import planned
from xlgoals.findings import Rule
from xlgoals.forms import Form
from xlgoals.kinds_money import figure
from xlgoals.layout import in_percent, plan


def _amounts_planned(form: Form, rule: Rule) -> tuple[pl.Expr, pl.Expr] | None:
    """Whether a plan is written in amounts that could all be read, and how far its last one is from the budget; None for a form
    without a plan."""
    if not planned(form) or "total" not in funds(form).get("annual", {}):
        return None
    amounts = ~pl.col("percents") & ~pl.col("unread") & (pl.col("total").fill_null(Decimal(0)) > 0)
    room = Decimal(rule.parameters.get("rounding", "0")) * form.money_factor
    return amounts, (pl.col("spent").fill_null(Decimal(0)) - pl.col("total").fill_null(Decimal(0))).abs() > pl.lit(room)


def _plan_total(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The amount planned to be spent by the last date filled in is the budget."""
    if asked := _amounts_planned(form, rule):
        amounts, apart = asked

        def tell(row: Row) -> Mapping[str, str]:
            added = row["added"] == row["total"]
            return {
                "found": figure(row["spent"], form), "expected": figure(row["total"], form), "unit": form.dialect.money_unit,
                "detail": rule.parameters["added"] if added else "",
            }  # fmt: skip

        yield Condition(rule.code, "plans", "spent", ~(amounts & apart), "{last}", tell, other=funds(form)["annual"]["total"], about=tuple(planned(form)))


def _plan_ends(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The plan reaches its last date, and all of the budget there."""
    if asked := _amounts_planned(form, rule):
        keys = tuple(planned(form))
        short = pl.col("last") != keys[-1]
        not_all = pl.col("percents") & ~pl.col("unread") & ~pl.col("written").str.contains(r"^100(?:\.0+)?\s*[%％]?$")

        def tell(row: Row) -> Mapping[str, str]:
            found = row["written"] if row["last"] == keys[-1] else ""
            said = rule.parameters["given"].format(found=found) if found else rule.parameters["empty"]
            return {"found": found, "said": said, "expected": rule.parameters["whole"] if row["percents"] else figure(row["total"], form)}

        holds = ~(((asked[0] & ~pl.col("unread")) | pl.col("percents")) & (short | not_all))
        yield Condition(rule.code, "plans", "last", holds.fill_null(True), keys[-1], tell, other="{last}", about=keys)


def _plan_falls(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """What is spent by a later date is no less than by an earlier one."""
    if planned(form):
        holds = pl.col("fell").is_null() | pl.col("unread")
        yield Condition(rule.code, "plans", "fell", holds, "{fell}", lambda row: {}, other="{earlier}")


def _plan_money(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Where a form asks for percents, there are percents; said once a form, at the first date."""
    asked = _amounts_planned(form, rule)
    if asked and any(in_percent(plan(form), m.key) for m in planned(form).values()):
        yield Condition(rule.code, "plans", "first", ~asked[0], "{first}", lambda row: {}, about=tuple(planned(form)))


# --- horizons --------------------------------------------------------------------------------------------------------


def _number(key: str) -> pl.Expr:
    return pl.col(key).fill_null("").str.extract(r"^\s*(\d{4})\s*年?\s*$").cast(pl.Int32, strict=False)


_SPAN = pl.col("period").fill_null("").str.extract(r"^\s*([0-9０-９]{1,2}|[一二两三四五六七八九十])\s*年期?\s*$")
_YEARS = _SPAN.replace_strict({**{str(n): n for n in range(100)}, **dict(zip("一二三四五六七八九十两", (*range(1, 11), 2), strict=True))}, default=None, return_dtype=pl.Int32)


def _has(form: Form, *keys: str) -> bool:
    return all(key in scalars(form) or key in form.template.stamped for key in keys)


def _horizons_agree(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """This year's money is part of the middle term's, in total and from each source; in a term of one year it is the same."""
    annual, term = funds(form).get("annual", {}), funds(form).get("mid_term", {})
    if "total" not in annual or "total" not in term or not _has(form, "mid_from", "mid_to", "year"):
        return
    zero, room = Decimal(0), Decimal(rule.parameters["rounding"]) * 2 * form.money_factor
    within = (_number("year") >= _number("mid_from")) & (_number("year") <= _number("mid_to"))
    read = pl.all_horizontal(pl.col(key).is_not_null() for key in (*annual.values(), *term.values()))
    asked = within.fill_null(True) & read & filled(term["total"]) & filled(annual["total"])
    more = {s: pl.col(yuan(annual[s])).fill_null(zero) - pl.col(yuan(term[s])).fill_null(zero) for s in annual if s in term}
    one_year = (_number("mid_from") == _number("mid_to")).fill_null(False)
    apart = (more["total"] > room) | (one_year & (more["total"] < -room))
    for source in more:

        def tell(row: Row, source: str = source) -> Mapping[str, str]:
            now, all_years = (figure(row[yuan(lines[source])] or zero, form) for lines in (annual, term))
            return {"found": now, "expected": all_years, "unit": form.dialect.money_unit}

        fails = apart if source == "total" else (more[source] > room) & ~apart
        yield Condition(rule.code, "form", annual[source], ~(asked & fails), annual[source], tell, other=term[source])


def _attribute_years(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A project of an attribute lasts as long as that attribute means: at least so many years, at most so many."""
    if _has(form, "attribute", "period"):
        least, most = (int(rule.parameters[name]) for name in ("least", "most"))
        fits = ((least <= _YEARS) & (most >= _YEARS)).fill_null(True)
        holds = fits | ~pl.col("attribute").fill_null("").str.contains_any(list(words(rule.parameters["attributes"])))
        yield Condition(rule.code, "form", "period", holds, "period", lambda row: {"attribute": row["attribute"]}, other="attribute")


def _term_years(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The years of the middle term: as many as the project lasts (`length`), in their order (`order`), this year among them
    (`year`)."""
    if not _has(form, "mid_from", "mid_to", "year", "period"):
        return
    start, end = _number("mid_from"), _number("mid_to")
    fits = {"length": end - start + 1 == _YEARS, "order": end >= start, "year": (end < start) | ((_number("year") >= start) & (_number("year") <= end))}

    def tell(row: Row) -> Mapping[str, str]:
        return {"found": f"{row['mid_from']}—{row['mid_to']}", "expected": row["period"] if rule.parameters["fits"] == "length" else row["year"]}

    other = "period" if rule.parameters["fits"] == "length" else ""
    yield Condition(rule.code, "form", "mid_to", fits[rule.parameters["fits"]].fill_null(True), "mid_from", tell, other=other)


def _one_year_term(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A project of one year has no middle term of its own to fill in."""
    asked = any(m.horizon == "mid_term" for m in goals(form))
    if asked and _has(form, "mid_from", "mid_to"):
        one = (_number("mid_from") == _number("mid_to")).fill_null(False)
        holds = ~(one & (pl.col("goals.mid_term") > 0))
        yield Condition(rule.code, "form", "goals.mid_term", holds, "mid_from", lambda row: {"found": f"{row['mid_from']}—{row['mid_to']}"})


def _filled_late(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The form was filled in before its budget year began."""
    if _has(form, "fill_date", "year"):
        date = pl.col("fill_date").fill_null("").str.extract(r"^\s*(20\d\d)\s*[年./-]").cast(pl.Int32, strict=False)
        holds = (date < _number("year")).fill_null(True)
        yield Condition(rule.code, "form", "fill_date", holds, "fill_date", lambda row: {"expected": row["year"]})


KINDS: Mapping[str, Kind] = {
    "plan_total": Kind(_plan_total, ("added",), ("rounding",)),
    "plan_ends": Kind(_plan_ends, ("whole", "given", "empty")),
    "plan_falls": Kind(_plan_falls),
    "plan_money": Kind(_plan_money),
    "horizons_agree": Kind(_horizons_agree, numbers=("rounding",)),
    "attribute_years": Kind(_attribute_years, ("attributes",), ("least", "most")),
    "term_years": Kind(_term_years, ("fits",)),
    "one_year_term": Kind(_one_year_term),
    "filled_late": Kind(_filled_late),
}
