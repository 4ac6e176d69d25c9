"""What a summary tells of budget tables: the county's tables, added up cell by cell along lines and codes, where each figure comes
from, and every equality with both its sides. Pure polars; words for people stand in `mappings/summary.yaml` and in the forms.

Money is in 万元 with six decimals, exact, as elsewhere in a summary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

import polars as pl

from xlgoals.balance import Laid, evaluate, summed, together, witnesses
from xlgoals.consolidate import STATES
from xlgoals.tables import OPEN, Tables
from xlgoals.ties import Ties

WAN = pl.Decimal(38, 6)
NAME = "name"  # the column of a coded table that holds a code's name
BETWEEN = "·"  # stands between the line and the column in what a form calls a figure
READY, PENDING, _ = STATES
SIDES = ("left", "right", "difference", "tolerance")


@dataclass(frozen=True, slots=True)
class Budgets:
    """`budget_lines`: one row a line and column of a table of the whole, with its sum, how many budgets are in
    it and how many of its figures are in doubt (an open finding names their cell).
    `budget_figures`: one row a figure that is in such a sum, with its place. `budget_standing`: one row a department and table,
    whether it is in the sums, and if not, why. `budget_ties`: one row a comparison of the sums."""

    budget_lines: pl.DataFrame
    budget_figures: pl.DataFrame
    budget_standing: pl.DataFrame
    budget_ties: pl.DataFrame

    def items(self) -> Iterator[tuple[str, pl.DataFrame]]:
        for one in fields(self):
            yield one.name, getattr(self, one.name)


def wan(column: str) -> pl.Expr:
    """Yuan to 万元; widened first, for polars keeps the left side's scale in a division."""
    return (pl.col(column).cast(pl.Decimal(38, 8)) / pl.lit(Decimal(10_000))).cast(WAN)


def compared(laid: Laid, ties: Ties, tables: Tables) -> pl.DataFrame:
    """Every comparison as people read it: whose, which equality, of what (what the form calls its first figure), both sides, the
    outcome, and the place of the first figure."""
    outcomes = evaluate(laid, ties).with_row_index("number")
    order = pl.DataFrame(
        [(n, one.tie, one.number, one.title) for n, one in enumerate(ties.ties)],
        schema={"rank": pl.Int32(), "tie": pl.String(), "mark": pl.String(), "tie_title": pl.String()}, orient="row",
    )  # fmt: skip
    by_name = {one.tie: one for one in ties.ties}
    seen = [
        witnesses(laid, by_name[str(name)], rows).unique("number", keep="first", maintain_order=True)
        for (name,), rows in outcomes.partition_by("tie", as_dict=True, maintain_order=True).items()
    ]
    first = pl.concat(seen) if seen else pl.DataFrame(schema={"number": outcomes.schema["number"], "rid": pl.String(), "key": pl.String()})
    places = tables.places.select("rid", "key", "cell", what="label")
    found = first.select("number", "rid", "key", first=pl.col("key").str.extract(r"^(\w+)\.")).join(places, on=["rid", "key"], how="left").join(
        tables.returns.select("rid", "file", "sheet"), on="rid", how="left"
    )
    frame = outcomes.join(found.drop("rid", "key"), on="number", how="left").join(order, on="tie").join(laid.scopes, on="scope")
    blank = [pl.col(name).fill_null("") for name in ("first", "what", "file", "sheet", "cell")]
    return frame.sort("scope", "rank", "number").with_columns(*(wan(side) for side in SIDES), *blank).select(
        "year", "department", "unit", "tie", "mark", pl.col("first").alias("grid"), "tie_title", "what", *SIDES, "left_count", "right_count", "outcome", "presumed",
        "file", "sheet", "cell",
    )  # fmt: skip


def add_up(laid: Laid, ties: Ties, tables: Tables, grids: Sequence[str]) -> Budgets:
    """The budget tables named by `grids`, of all departments of a year, added cell by cell; every equality checked on the sums."""
    years = together(laid)
    figures = _numbered(_figures(years, tables, grids))
    by = ["year", "grid", "line_no", "column_no", "subject_code", "line_name", "heading", "column"]
    lines = figures.group_by(by, maintain_order=True).agg(
        pl.col("amount_wan").sum().cast(WAN), departments_in=pl.struct("department", "unit").n_unique().cast(pl.Int32),
        doubtful=(pl.col("state") == PENDING).sum().cast(pl.Int32),
    )  # fmt: skip
    return Budgets(
        lines.sort("line_no", "column_no"),
        figures.select(*by[:-1], "department", "unit", "amount_wan", "state", "file", "sheet", "cell"),
        _standing(laid, tables, grids),
        compared(years, ties, tables),
    )


def _standing(laid: Laid, tables: Tables, grids: Sequence[str]) -> pl.DataFrame:
    """How each table of each budget that is added up stands: in the sums whole or in part, not sent, sent twice, or not legible."""
    wanted = summed(laid).join(pl.DataFrame({"grid": list(grids)}, schema={"grid": pl.String()}), how="cross")
    held = laid.cells.group_by("scope", "grid").agg(some=(~pl.col("lost")).any(), lost=pl.col("lost").any(), rid=pl.col("rid").min())
    twice = laid.twice.group_by("scope", "grid").agg(again=pl.col("rid").min())
    frame = wanted.join(held, on=["scope", "grid"], how="left").join(twice, on=["scope", "grid"], how="left").with_columns(rid=pl.coalesce("again", "rid"))
    standing = (
        pl.when(pl.col("again").is_not_null()).then(pl.lit("twice")).when(pl.col("some").is_null()).then(pl.lit("absent"))
        .when(~pl.col("some")).then(pl.lit("lost")).when("lost").then(pl.lit("part"))
    )  # fmt: skip
    places = tables.returns.select("rid", "file", "sheet", cell=pl.col("area").str.split(":").list.first())
    frame = frame.with_columns(budget_state=standing.otherwise(pl.lit("whole"))).join(places, on="rid", how="left").sort("year", "department", "unit", maintain_order=True)
    return frame.select("year", "grid", "department", "unit", "budget_state", pl.col("file", "sheet", "cell").fill_null(""))


def _figures(years: Laid, tables: Tables, grids: Sequence[str]) -> pl.DataFrame:
    """One row a figure that is in a sum, with the words its form has for its line and column, and its place."""
    cells = years.cells.filter(pl.col("grid").is_in(list(grids)) & ~pl.col("lost")).join(years.scopes.select("scope", "year"), on="scope")
    places = tables.places.select("rid", "key", "cell", "label")
    names = tables.details.filter(pl.col("column") == NAME).select("rid", "grid", "line", name="text")
    frame = cells.join(places, on=["rid", "key"], how="left").with_columns(pl.col("cell").fill_null("")).join(names, on=["rid", "grid", "line"], how="left")
    frame = frame.join(tables.returns.select("rid", "department", "unit", "file", "sheet"), on="rid")
    frame = frame.join(_doubted(tables), on=["file", "sheet", "cell"], how="left")
    label = pl.col("label").fill_null("").str.splitn(BETWEEN, 2).struct
    return frame.with_columns(
        state=pl.when(pl.col("doubt").is_null()).then(pl.lit(READY)).otherwise(pl.lit(PENDING)),
        amount_wan=wan("amount"), heading=label.field("field_1").fill_null(""),
        line_name=pl.coalesce("name", label.field("field_0")), subject_code=pl.col("code").fill_null(""),
    )  # fmt: skip


def _doubted(tables: Tables) -> pl.DataFrame:
    """The cells that an open finding speaks of, first or among others."""
    found = tables.findings.filter(OPEN)
    places = [
        place
        for file, sheet, cell, others in found.select("file", "sheet", "cell", "others").iter_rows()
        for place in ((file, sheet, cell), *map(tuple, others or ()))
    ]
    schema = dict.fromkeys(("file", "sheet", "cell"), pl.String())
    return pl.DataFrame(places, schema=schema, orient="row").unique().with_columns(doubt=pl.lit(value=True))


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Number lines and columns. A line of a classification is its code, whatever it is called in one department; any other line is
    its id and its words (two sides of a table may use one id). Lines stand by code, or as on the form; columns as on the form."""
    coded = (pl.col("subject_code") != "").any().over("grid")
    total = coded & (pl.col("subject_code") == "")
    frame = frame.with_columns(
        item=pl.when(coded).then(pl.when(total).then("line").otherwise("subject_code")).otherwise(pl.format("{}|{}", "line", "line_name")),
        at_column=pl.col("cell").str.extract(r"^([A-Z]+)").str.pad_start(3, "@"), at_row=pl.col("cell").str.extract(r"(\d+)$").cast(pl.Int64, strict=False),
    )  # fmt: skip
    line, column = ["year", "grid", "item"], ["year", "grid", "column"]
    lines = frame.group_by(line).agg(
        pl.col("at_column", "at_row").min(), pl.col("subject_code").first(), pl.col("line_name").mode().sort().first(), coded=coded.first()
    )
    order = [pl.col("year"), pl.col("grid"), pl.when("coded").then("subject_code"), pl.when(~pl.col("coded")).then("at_column"), pl.when(~pl.col("coded")).then("at_row")]
    lines = lines.sort(order, maintain_order=True).select(*line, pl.col("line_name"), line_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
    columns = frame.group_by(column).agg(pl.col("at_column").min(), pl.col("heading").mode().sort().first()).sort("year", "grid", "at_column")
    columns = columns.select(*column, "heading", column_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("year", "grid"))
    numbered = frame.drop("line_name", "heading").join(lines, on=line).join(columns, on=column)
    return numbered.sort("line_no", "column_no", "department", "unit", "file", "cell")
