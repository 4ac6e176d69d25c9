"""A batch laid out for the rules that look across its forms: every line with whose it is, worked out once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from xlgoals.sources import natural
from xlgoals.tables import Tables


@dataclass(frozen=True)
class Gathered:
    """The tables of a batch, and what is asked of them again and again."""

    tables: Tables

    @cached_property
    def lines(self) -> pl.DataFrame:
        """Every line with a name, with whose it is: `unit` and `department` fall back to what is narrower."""
        blank = pl.col("unit").str.strip_chars() == ""
        unit = pl.when(blank).then("file").otherwise(pl.concat_str("department", "unit", separator="|"))
        of = self.tables.returns.select(
            "rid", "file", "year", "project_name", owner=pl.concat_str("year", unit, separator="|"),
            office=pl.concat_str("year", pl.when(pl.col("department").str.strip_chars() == "").then(unit).otherwise("department"), separator="|"),
        )  # fmt: skip
        lines = self.tables.indicators.filter((pl.col("kind") != "none") & (pl.col("name") != ""))
        lines = lines.with_columns(pl.col("name").str.normalize("NFKC").str.replace_all(r"\s", ""), said=pl.col("target").str.replace_all(r"\s", ""))
        return lines.join(of, on="rid", suffix="_of").join(self.places, on="rid").sort("place", "order", maintain_order=True)

    @cached_property
    def places(self) -> pl.DataFrame:
        """The place of each form among all: by file and sheet as people count them."""
        rids = sorted(self.tables.returns["rid"], key=natural)
        return pl.DataFrame({"rid": rids, "place": range(len(rids))}, schema={"rid": pl.String(), "place": pl.Int64()})
