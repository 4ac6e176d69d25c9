"""What the figures of a form say of each other: its spending plan, its heads and prices, its heads now and over the years.

`plans`: one row a form that plans its spending. `prices`: one row a pair of a number of heads and a price a head. `heads`: one
row a pair of a number of heads over the years and the same for this year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from xlgoals.facts import Table, Units, funds, scalars
from xlgoals.forms import Form, Meaning
from xlgoals.layout import in_percent, plan
from xlgoals.tables import MONEY, NUMBER, Tables


def planned(form: Form) -> Mapping[str, Meaning]:
    """The dates up to which a form asks what will be spent, in their order: record key -> meaning."""
    return {key: m for key, m in scalars(form).items() if m.record == "plan" and m.part == "amount"}


def columns(form: Form) -> Mapping[Table, Mapping[str, pl.DataType]]:
    text, amount, number, yes = pl.String(), MONEY, NUMBER, pl.Boolean()
    return {
        "plans": {
            "rid": text, "total": amount, "first": text, "last": text, "spent": amount, "written": text, "added": amount,
            "fell": text, "earlier": text, "percents": yes, "unread": yes,
        },
        "prices": {
            "rid": text, "heads": text, "count": number, "count_op": text, "price": text, "each": number, "each_op": text,
            "each_unit": text, "each_kind": text, "named": text, "project": text, "total": amount, "counted": text, "priced": text, "levels": text,
        },
        "heads": {
            "rid": text, "key": text, "name": text, "many": number, "other": text, "name_of": text, "few": number, "from": text, "to": text,
        },
    }  # fmt: skip


def plan_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """A form's plan beside its annual total: the first and the last date filled in, what is spent by then, all dates added up, the
    first date at which less is spent than before, and whether the plan is written in percents (`100%`, or up to exactly 100
    where the form asks for a share)."""
    keys = list(planned(form))
    schema = columns(form)["plans"]
    total = funds(form).get("annual", {}).get("total")
    if not keys or not total:
        return pl.DataFrame(schema=schema)
    dates = pl.DataFrame({"key": keys, "date": range(len(keys))})
    lines = tables.details.join(dates, on="key").filter(pl.col("text").str.strip_chars() != "").sort("rid", "date")
    share = any(in_percent(plan(form), m.key) for m in planned(form).values())
    percent = pl.col("text").str.strip_chars().str.extract(r"^(\d+(?:\.\d+)?)\s*[%％]$").cast(NUMBER, strict=False)
    lines = lines.with_columns(percent=percent, plain=(pl.col("amount") / form.money_factor).cast(NUMBER))
    value = pl.coalesce("percent", "plain")
    before = value.shift(1).over("rid")
    lines = lines.with_columns(value=value, fell=value < before, before=pl.col("key").shift(1).over("rid"))
    plans = lines.group_by("rid", maintain_order=True).agg(
        pl.col("key").first().alias("first"), pl.col("key").last().alias("last"), pl.col("amount").last().alias("spent"),
        pl.col("text").last().str.strip_chars().alias("written"), pl.col("amount").sum().alias("added"),
        pl.col("key").filter(pl.col("fell").fill_null(False)).first().alias("fell"),
        pl.col("before").filter(pl.col("fell").fill_null(False)).first().alias("earlier"),
        pl.col("percent").is_not_null().any().alias("signed"), (pl.col("value").last() == 100).alias("whole"),
        pl.col("value").is_null().any().alias("unread"),
    )  # fmt: skip
    totals = tables.funds.filter(pl.col("key") == total).select("rid", total="amount")
    plans = plans.join(totals, on="rid", how="left")
    hundred = pl.lit(share) & pl.col("whole") & (pl.col("total").fill_null(0) != 100 * form.money_factor)
    return _typed(plans.with_columns(percents=pl.col("signed") | hundred.fill_null(False)), schema)


_HEADS = ("人", "人次", "户", "户次")


def _measured(tables: Tables) -> pl.DataFrame:
    return tables.indicators.filter(pl.col("kind") == "number", pl.col("amount") > 0).with_columns(
        place=pl.col("key") + ".target", named=pl.concat_str("name", "description", separator=" ")
    )


def price_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """Each number of heads of a form's year with each amount of money among its costs."""
    schema = columns(form)["prices"]
    total = funds(form).get("annual", {}).get("total")
    lines = _measured(tables).filter(pl.col("horizon") == "annual")
    heads = lines.filter(pl.col("dimension") == "count", pl.col("base").is_in(_HEADS))
    heads = heads.select("rid", heads="place", count="amount", count_op="op", counted="target")
    prices = lines.filter(pl.col("dimension").str.starts_with("money"))
    prices = prices.select("rid", price="place", each="amount", each_op="op", each_unit="base", each_kind="dimension", named="named", priced="target", levels=pl.concat_str("level1", "level2", separator=" "))
    amounts = tables.funds.filter(pl.col("key") == total, pl.col("amount") > 0).select("rid", total="amount")
    pairs = heads.join(prices, on="rid").join(amounts, on="rid").join(tables.returns.select("rid", project="project_name"), on="rid")
    return _typed(pairs, schema)


def head_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """Each number of heads that a form states for its middle term with each one for its year, and the years of the term."""
    schema = columns(form)["heads"]
    lines = _measured(tables).filter(pl.col("dimension") == "count", pl.col("base").is_in(["人", "户"]))
    later = lines.filter(pl.col("horizon") == "mid_term").select("rid", "name", key="place", many="amount")
    now = lines.filter(pl.col("horizon") == "annual").select("rid", other="place", name_of="name", few="amount")
    years = tables.values.filter(pl.col("key").is_in(["mid_from", "mid_to"])).select("rid", "key", "text")
    start, end = (years.filter(pl.col("key") == key).select("rid", pl.col("text").alias(name)) for key, name in (("mid_from", "from"), ("mid_to", "to")))
    return _typed(later.join(now, on="rid").join(start, on="rid").join(end, on="rid"), schema)


def _typed(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


BUILDERS: Mapping[Table, Callable[[Tables, Form, Units, pl.DataFrame], pl.DataFrame]] = {
    "plans": plan_table,
    "prices": price_table,
    "heads": head_table,
}
