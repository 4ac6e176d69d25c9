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
    fields = tables.values.join(parts, on="key").select("rid", "key", "part", "text", role=pl.lit("field"), horizon=pl.lit("annual"))
    lines = lines.select("rid", pl.concat_str("key", "role", separator="."), "horizon", "role", "text", part="role")
    basis = pl.col("role") == "basis"
    texts = pl.concat([_written(fields), _goals(tables), _bases(_written(lines.filter(basis))), _written(lines.filter(~basis))], how="diagonal")
    spoken = texts.filter((pl.col("role") == "goal") | (pl.col("part") == "purpose")).group_by("rid").agg(
        pl.col("text").str.extract_all(r"20\d\d").explode().drop_nulls().unique().sort().str.join(" ").alias("years")
    )  # fmt: skip
    about = tables.returns.select("rid", "year", project="project_name").join(spoken, on="rid", how="left")
    for name, key in (("from", "mid_from"), ("to", "mid_to")):
        about = about.join(tables.values.filter(pl.col("key") == key).select("rid", pl.col("text").alias(name)), on="rid", how="left")
    texts = texts.join(about, on="rid", how="left", maintain_order="left")
    texts = texts.with_columns(doubled=_doubled(texts.select(pl.when(pl.col("role") != "target").then("text")).to_series()))
    filled = texts.with_columns(pl.col("first", "year", "from", "to", "years", "project", "doubled", "mixed").fill_null(""))
    return filled.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _written(texts: pl.DataFrame) -> pl.DataFrame:
    return texts.with_columns(pl.col("text").str.strip_chars()).filter(pl.col("text") != "")


def _goals(tables: Tables) -> pl.DataFrame:
    """The goals with what they say together."""
    goals = _written(tables.goals.select("rid", "key", "horizon", "text", role=pl.lit("goal"), part=pl.lit("goal")))
    same = pl.col("text").str.replace_all(r"[\s\p{P}]", "")
    return goals.with_columns(
        first=pl.col("key").first().over("rid", "horizon", same), length=same.str.len_chars().sum().over("rid", "horizon")
    )


def _bases(texts: pl.DataFrame) -> pl.DataFrame:
    """What lines rest on, with what is another's and was pasted behind it."""
    whole = texts.select("rid", mixed="text", tail="text").unique()
    tail = pl.col("text").str.extract(r"[:：;；]\s*(\p{Han}{4,})\s*$")
    return texts.with_columns(tail=tail).join(whole, on=["rid", "tail"], how="left", maintain_order="left").drop("tail")


_DOUBLED = re.compile(r"((?:(?!每)[\u4e00-\u9fff]){2,10})\1")  # 每馆每年 is no 馆每 written twice
_LIKELY = re.compile(r"([\u4e00-\u9fff]{2,10})\1")  # the same but for 每: far faster, and hardly any text has one


def _doubled(texts: pl.Series) -> pl.Series:
    """The runs of Chinese characters that stand twice in a row in each text, set apart by blanks."""
    likely = (text for text in texts.drop_nulls().unique().to_list() if _LIKELY.search(text))
    found = {text: " ".join(words) for text in likely if (words := _DOUBLED.findall(text))}
    return texts.replace_strict(found, default="", return_dtype=pl.String()) if found else pl.repeat("", len(texts), eager=True)


_SHARE = r"(\d+(?:\.\d+)?)\s*[%％]"


def promise_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """Every percentage of a goal with its clause, and whether an indicator of the form carries it in any of its parts."""
    schema = columns(form)["promises"]
    clauses = tables.goals.select("rid", "key", clause=pl.col("text").str.extract_all(r"[^，。；;：:、\n]+")).explode("clause")
    shares = clauses.filter(pl.col("clause").str.contains(_SHARE)).with_columns(share=pl.col("clause").str.extract_all(_SHARE)).explode("share")
    if shares.is_empty():  # as mostly: then nobody need look through the indicators
        return pl.DataFrame(schema=schema)
    number = pl.col("share").str.extract(_SHARE).cast(pl.Float64, strict=False)
    said = tables.indicators.select("rid", share=pl.concat_str("name", "description", "target", separator=" ").str.extract_all(_SHARE)).explode("share")
    typed = pl.concat([
        tables.indicators.filter(pl.col("base") == "1").select("rid", number=(pl.col(part).cast(pl.Float64))) for part in ("value", "high")
    ])  # fmt: skip
    carried = pl.concat([said.select("rid", number=number), typed]).drop_nulls().unique().with_columns(carried=True)
    promises = shares.with_columns(number=number).join(carried, on=["rid", "number"], how="left", maintain_order="left")
    return promises.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).with_columns(pl.col("carried").fill_null(False))


BUILDERS: Mapping[Table, Callable[[Tables, Form, Units, pl.DataFrame], pl.DataFrame]] = {"texts": text_table, "promises": promise_table}
