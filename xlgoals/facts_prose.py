"""What a form says in words: its texts, and the percentages that its goals promise.

`texts`: one row a text that is not blank. `promises`: one row a percentage in a goal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import polars as pl

from xlgoals.facts import Table, Units, scalars
from xlgoals.forms import Form
from xlgoals.tables import Tables

WORDED = ("text", "word", "prose")  # the types of fields that are written in words
LINE_PARTS = ("description", "basis", "remark")


def columns(form: Form) -> Mapping[Table, Mapping[str, pl.DataType]]:
    text, yes = pl.String(), pl.Boolean()
    return {
        # role: field (by its part), goal, name and target (of an indicator), description, basis, remark
        "texts": {
            "rid": text, "key": text, "role": text, "part": text, "horizon": text, "text": text, "year": text, "from": text, "to": text,
            "project": text, "first": text, "length": pl.UInt32(), "doubled": text, "years": text,
            "mixed": text,
        },
        "promises": {"rid": text, "key": text, "clause": text, "share": text, "carried": yes},
    }  # fmt: skip


def text_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """Every text with what it stands beside: the form's years and project; of a goal also the key of the first goal of its horizon
    that says the same, and how many Chinese characters, letters and digits all goals of its horizon have together. `doubled` are
    the words written twice in a row, `years` the years that the form speaks of in its goals and purpose, `mixed` what follows a
    colon or semicolon at the end of a basis and is the whole basis of another line."""
    schema = columns(form)["texts"]
    worded = {key: m for key, m in scalars(form).items() if m.type in WORDED}
    parts = pl.DataFrame({"key": list(worded), "part": [m.part for m in worded.values()]}, schema={"key": pl.String(), "part": pl.String()})
    lines = tables.indicators.select("rid", "key", "horizon", "name", "target", *LINE_PARTS).unpivot(
        ["name", "target", *LINE_PARTS], index=["rid", "key", "horizon"], variable_name="role", value_name="text"
    )
    annual = pl.lit("annual")
    texts = pl.concat([
        tables.values.join(parts, on="key").select("rid", "key", "part", "text", role=pl.lit("field"), horizon=annual),
        tables.goals.select("rid", "key", "horizon", "text", role=pl.lit("goal"), part=pl.lit("goal")),
        lines.select("rid", pl.concat_str("key", "role", separator="."), "horizon", "role", "text", part="role"),
    ], how="diagonal")  # fmt: skip
    texts = texts.with_columns(pl.col("text").str.strip_chars()).filter(pl.col("text") != "")
    about = tables.returns.select("rid", "year", project="project_name")
    for name, key in (("from", "mid_from"), ("to", "mid_to")):
        about = about.join(tables.values.filter(pl.col("key") == key).select("rid", pl.col("text").alias(name)), on="rid", how="left")
    spoken = texts.filter((pl.col("role") == "goal") | (pl.col("part") == "purpose")).group_by("rid").agg(
        pl.col("text").str.extract_all(r"20\d\d").explode().drop_nulls().unique().sort().str.join(" ").alias("years")
    )  # fmt: skip
    bases = texts.filter(pl.col("role") == "basis").select("rid", mixed="text").unique()
    tail = pl.when(pl.col("role") == "basis").then(pl.col("text").str.extract(r"[:：;；]\s*(\p{Han}{4,})\s*$"))
    texts = texts.with_columns(tail=tail).join(bases.with_columns(tail="mixed"), on=["rid", "tail"], how="left", maintain_order="left")
    goal = pl.col("role") == "goal"
    same = pl.col("text").str.replace_all(r"[\s\p{P}]", "")
    texts = texts.join(about, on="rid", how="left", maintain_order="left").join(spoken, on="rid", how="left", maintain_order="left")
    texts = texts.with_columns(
        first=pl.when(goal).then(pl.col("key").first().over("rid", "role", "horizon", same)).otherwise(pl.lit("")),
        length=pl.when(goal).then(same.str.len_chars().sum().over("rid", "role", "horizon")),
        doubled=pl.when(~pl.col("role").is_in(["target"])).then(_doubled(texts["text"])).otherwise(pl.lit("")),
    )
    filled = texts.with_columns(pl.col("year", "from", "to", "years", "project", "doubled", "mixed").fill_null(""))
    return filled.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


_DOUBLED = re.compile(r"([\u4e00-\u9fff]{2,10})\1")


def _doubled(texts: pl.Series) -> pl.Series:
    """The runs of Chinese characters that stand twice in a row in each text, set apart by blanks."""
    once = texts.unique()
    found = pl.DataFrame({"text": once, "doubled": [" ".join(_DOUBLED.findall(text)) for text in once]}, schema={"text": pl.String(), "doubled": pl.String()})
    return pl.DataFrame({"text": texts}).join(found, on="text", how="left", maintain_order="left")["doubled"].alias("doubled")


_SHARE = r"(\d+(?:\.\d+)?)\s*[%％]"


def promise_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """Every percentage of a goal with its clause, and whether an indicator of the form carries it in any of its parts."""
    schema = columns(form)["promises"]
    clauses = tables.goals.select("rid", "key", clause=pl.col("text").str.extract_all(r"[^，。；;：:、\n]+")).explode("clause")
    shares = clauses.filter(pl.col("clause").str.contains(_SHARE)).with_columns(share=pl.col("clause").str.extract_all(_SHARE)).explode("share")
    number = pl.col("share").str.extract(_SHARE).cast(pl.Float64, strict=False)
    said = tables.indicators.select("rid", share=pl.concat_str("name", "description", "target", separator=" ").str.extract_all(_SHARE)).explode("share")
    typed = pl.concat([
        tables.indicators.filter(pl.col("base") == "1").select("rid", number=(pl.col(part).cast(pl.Float64))) for part in ("value", "high")
    ])  # fmt: skip
    carried = pl.concat([said.select("rid", number=number), typed]).drop_nulls().unique().with_columns(carried=True)
    promises = shares.with_columns(number=number).join(carried, on=["rid", "number"], how="left", maintain_order="left")
    return promises.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).with_columns(pl.col("carried").fill_null(False))


BUILDERS: Mapping[Table, Callable[[Tables, Form, Units, pl.DataFrame], pl.DataFrame]] = {"texts": text_table, "promises": promise_table}
