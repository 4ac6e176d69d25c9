"""What is judged: the tables of a batch laid out by one form's meanings, so that a rule is a condition on rows.

Three tables here: `form` (one row a form instance, a column a field), `indicators` (one row a line) and `figures` (one row a
pair: a money line of a form and another figure of the same form); further ones in `facts_*`. A text is "" when blank, and null when it could not be
read and an earlier stage has said so: nothing may follow from that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache, reduce
from typing import NamedTuple

import polars as pl

from xlgoals.forms import Form, Meaning
from xlgoals.layout import plan
from xlgoals.tables import INDICATOR_MORE, MONEY, NUMBER, Tables

Table = str
Units = tuple[tuple[str, Decimal], ...]
PARTS = ("level1", "level2", "name", "target", *INDICATOR_MORE)
# what a line's target says, read with all that stands beside it (`target.Target`). `sort`: what kind of thing it is a value of
MEANS: Mapping[str, pl.DataType] = {
    "means.kind": pl.String(), "means.op": pl.String(), "means.value": NUMBER, "means.high": NUMBER, "means.unit": pl.String(),
    "means.base": pl.String(), "means.dimension": pl.String(), "means.from": pl.String(), "means.to": pl.String(),
    "means.parts": pl.List(pl.String()), "means.conflicts": pl.List(pl.List(pl.String())), "sort": pl.String(), "doubled": pl.String(),
}  # fmt: skip
SORTS = ("count", "ratio", "money", "price", "time", "frequency", "date", "text", "unread")


# --- what a form has --------------------------------------------------------------------------------------------------


def scalars(form: Form) -> Mapping[str, Meaning]:
    """The fields that stand once on a form and that the unit fills: record key -> meaning."""
    inputs = plan(form).inputs
    own = {key: m for key, m in form.meanings.items() if key not in inputs or inputs[key].typed}
    return {m.record_key: m for m in own.values() if m.record not in ("goals", "indicator")}


def money(form: Form) -> tuple[str, ...]:
    return tuple(key for key, m in scalars(form).items() if m.type == "money")


def funds(form: Form) -> Mapping[str, dict[str, str]]:
    """The money lines of a form: horizon -> source -> record key."""
    lines: dict[str, dict[str, str]] = {}
    for key, m in scalars(form).items():
        if m.record == "funds":
            lines.setdefault(m.horizon, {})[m.part] = key
    return lines


def goals(form: Form) -> tuple[Meaning, ...]:
    """One meaning for each horizon the form asks goals for; required when any of its places is."""
    every = [m for m in (*form.meanings.values(), *(m for grid in form.columns.values() for m in grid.values())) if m.record == "goals"]
    found: dict[str, Meaning] = {}
    for m in sorted(every, key=lambda m: not m.required):
        found.setdefault(m.horizon, m)
    return tuple(found.values())


def indicator_parts(form: Form) -> Mapping[str, Meaning]:
    """The columns of a form's indicator lines: level1, level2, name, target, …"""
    return {m.part: m for grid in form.columns.values() for m in grid.values() if m.record == "indicator"}


def levels(form: Form) -> tuple[str, ...]:
    """The first and second levels that a form's lines may have."""
    return tuple(dict.fromkeys((*form.taxonomy, *(word for words in form.taxonomy.values() for word in words))))


def free_line(level: str) -> str:
    """The column that tells where a line of a level could stand: the first of the level's own lines, else the first line of all."""
    return f"#free {level}"


def yuan(key: str) -> str:
    """The column that holds a money field as an amount, beside the one that holds its text."""
    return f"{key}:yuan"


@lru_cache(maxsize=64)
def columns(form: Form) -> Mapping[Table, Mapping[str, pl.DataType]]:
    """The columns of the tables that are judged, from the form's meanings."""
    texts, amount, count = pl.String(), MONEY, pl.UInt32()
    return {
        "form": {
            "rid": texts, "#indicators": count, "#line": texts, "#levels": texts, "#weights": texts, "#weighed": texts,  # no field is called so
            **dict.fromkeys(map(free_line, levels(form)), texts),
            **dict.fromkeys((*scalars(form), *form.template.stamped), texts),
            **{yuan(key): amount for key in money(form)},
            **{f"goals.{m.horizon}": count for m in goals(form)},
        },
        "indicators": {"rid": texts, "key": texts, "horizon": texts, **dict.fromkeys(PARTS, texts), **MEANS},
        "figures": {
            "rid": texts, "key": texts, "amount": amount, "source": texts, "other": texts, "yuan": amount, "written": texts,
            "clause": texts, "levels": texts, "before": texts, "step": amount, "horizon": texts, "of": texts,
        },
    }  # fmt: skip


# --- the tables ------------------------------------------------------------------------------------------------------


def unread(tables: Tables) -> pl.DataFrame:
    """The records (rid, key) that an earlier stage has spoken of: where they have no value, nothing follows from that."""
    spoken = tables.findings.filter(pl.col("record") != "").select("file", "sheet", "record", said="cell")
    of = spoken.join(tables.returns.select("rid", "file", "sheet"), on=["file", "sheet"])
    asked = tables.places.filter(pl.col("rid").is_in(of["rid"].unique().implode()) & pl.col("key").is_in(of["record"].unique().implode()))
    placed = of.join(asked.select("rid", "cell", record="key"), on=["rid", "record"], how="left")
    # two forms on one sheet have the same record keys: the cell tells them apart, where there is one
    same = pl.col("cell").is_null() | (pl.col("said") == "") | (pl.col("cell") == pl.col("said"))
    return placed.filter(same).select("rid", key="record").unique()


def form_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """One row a form instance: its fields as text and, where they are money, in yuan; how many goals and indicators; and
    the name cell of its first line, where a missing indicator would stand."""
    fields, amounts = tuple(scalars(form)), money(form)
    cells = _cells(tables, (*fields, *form.template.stamped), amounts, unread)
    places = tables.places.select("rid", "key")
    line = places.filter(pl.col("key").str.starts_with("indicators.") & pl.col("key").str.ends_with(".name"))
    weighed = places.filter(pl.col("key").str.starts_with("indicators.annual.") & pl.col("key").str.ends_with(".weight"))
    free = places.filter(pl.col("key").str.starts_with("levels.")).with_columns(level=pl.col("key").str.extract(r"^levels\.\w+\.(.*)$"))
    parts = [
        _wide(cells, (*fields, *form.template.stamped), "text"),
        _wide(cells, amounts, "amount").rename({key: yuan(key) for key in amounts}),
        line.group_by("rid", maintain_order=True).agg(pl.col("key").first().alias("#line")),
        _count(tables.indicators, unread, "#indicators", r"^indicators(\..*\.(name|target))?$"),
        weighed.group_by("rid", maintain_order=True).agg(pl.col("key").first().alias("#weighed")),
        _present(tables.indicators),
        *(free.filter(level=level).group_by("rid").agg(pl.col("key").max().alias(free_line(level))) for level in levels(form)),
    ]
    for m in goals(form):
        name, written = f"goals.{m.horizon}", pl.col("text").str.strip_chars() != ""
        # a place that was not found was told of, and is there: only a place that stands blank lacks a goal
        found = places.filter(pl.col("key").str.starts_with(f"{name}."))["rid"]
        lost = tables.returns.filter(~pl.col("rid").is_in(found.implode())).select("rid", key=pl.lit(name))
        mine = tables.goals.filter((pl.col("horizon") == m.horizon) & written)
        parts.append(_count(mine, pl.concat([unread, lost]), name, rf"^{name}(\.\w+)?$"))
    wide = reduce(lambda left, right: left.join(right, on="rid", how="left"), parts, tables.returns.select("rid"))
    told = wide.with_columns(pl.col("#line", "#levels", "#weights", "#weighed").fill_null(""), pl.col(pl.UInt32).fill_null(0))
    return _typed(told.with_columns(pl.coalesce(free_line(level), "#line").alias(free_line(level)) for level in levels(form)), form, "form")


def _present(lines: pl.DataFrame) -> pl.DataFrame:
    """For each return, the levels of its lines that say anything, and the weights of its annual lines, each between bars."""
    said = lines.filter((pl.col("kind") != "none") & ((pl.col("name") != "") | (pl.col("target") != "")))
    spoken = pl.concat([said.select("rid", level=one) for one in ("level1", "level2")]).drop_nulls().unique()
    words = spoken.group_by("rid").agg((pl.lit("|") + pl.col("level").str.join("|") + pl.lit("|")).alias("#levels"))
    annual = said.filter((pl.col("horizon") == "annual") & (pl.col("weight") != ""))
    return words.join(annual.group_by("rid", maintain_order=True).agg(pl.col("weight").str.join("|").alias("#weights")), on="rid", how="full", coalesce=True)


def _cells(tables: Tables, keys: tuple[str, ...], amounts: tuple[str, ...], unread: pl.DataFrame) -> pl.DataFrame:
    """Every field that stands once on a form, one row each: rid, key, text, amount."""
    none = pl.lit(None, MONEY)
    mine = pl.col("key").is_in(keys)  # asked of each table first: most places are those of indicators
    found = pl.concat([
        tables.values.filter(mine).select("rid", "key", "text", amount=none),
        tables.funds.filter(mine).select("rid", "key", text="printed", amount="amount"),
        tables.details.filter(mine).select("rid", "key", "text", "amount"),
        # a blank that left no record still has its place; words at a place without a record could not be read
        tables.places.filter(mine).select("rid", "key", text=pl.when(pl.col("text").str.strip_chars() == "").then(pl.lit("")), amount=none),
    ])  # fmt: skip
    cells = found.unique(["rid", "key"], keep="first", maintain_order=True)
    cells = cells.with_columns(pl.col("text").str.strip_chars()).join(unread.with_columns(said=True), on=["rid", "key"], how="left")
    blank, said, is_money = pl.col("text") == "", pl.col("said").fill_null(False), pl.col("key").is_in(amounts)
    lost = pl.when(is_money).then(pl.col("amount").is_null() & (said | ~blank)).otherwise(said & blank)
    return cells.with_columns(pl.when(~lost).then("text"))


def _wide(cells: pl.DataFrame, keys: tuple[str, ...], values: str) -> pl.DataFrame:
    if not keys:
        return cells.select("rid").unique()
    return cells.pivot("key", on_columns=list(dict.fromkeys(keys)), index="rid", values=values, aggregate_function="first")


def _count(rows: pl.DataFrame, unread: pl.DataFrame, name: str, keys: str) -> pl.DataFrame:
    """How many rows each return has; one that an earlier stage could not read is there, too."""
    lost = unread.filter(pl.col("key").str.contains(keys))
    return pl.concat([rows.select("rid"), lost.select("rid")]).group_by("rid").agg(pl.len().cast(pl.UInt32).alias(name))


def indicator_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """One row an indicator line."""
    typed = {part: pl.col(INDICATOR_MORE.get(part, part)).str.strip_chars() for part in PARTS}
    means = {name: pl.col(name.removeprefix("means.").replace("unit", "measure")) for name in MEANS if name.startswith("means.")}
    frame = tables.indicators.with_columns(**means, sort=_sort()).with_columns(**typed)
    frame = frame.join(_doubled(frame["name"]), on="name", how="left", maintain_order="left")
    for part in PARTS:
        said = unread.filter(pl.col("key").str.ends_with(f".{part}"))
        if not said.is_empty():
            of = said.select("rid", pl.col("key").str.strip_suffix(f".{part}"), said=pl.lit(True))
            frame = frame.join(of, on=["rid", "key"], how="left", maintain_order="left")
            lost = pl.col("said").fill_null(False) & (pl.col(part) == "")
            frame = frame.with_columns(pl.when(~lost).then(part).alias(part)).drop("said")
    return _typed(frame, form, "indicators")


def _sort() -> pl.Expr:
    """What kind of thing a target is a value of, one of SORTS; "" where it says several things, nothing, or a bare number.
    A unit that nobody knows still counts something."""
    kind, dimension = pl.col("kind"), pl.col("dimension")
    bare = (dimension == "") & (pl.col("measure").str.strip_chars("十百千万亿") == "")
    return (
        pl.when(kind.is_in(["date", "frequency"])).then(kind)
        .when(kind == "qualitative").then(pl.lit("text"))
        .when(kind.is_in(["blank", "unreadable", "placeholder"])).then(pl.lit("unread"))
        .when(~kind.is_in(["number", "range"]) | bare).then(pl.lit(""))
        .when(dimension.is_in(["ratio", "points", "multiple"])).then(pl.lit("ratio"))
        .when(dimension.is_in(["money", "time"])).then(dimension)
        .when(dimension.str.starts_with("money per")).then(pl.lit("price"))
        .otherwise(pl.lit("count"))
    )  # fmt: skip


_DOUBLED = re.compile(r"([\u4e00-\u9fff]{2,})\1")


def _doubled(names: pl.Series) -> pl.DataFrame:
    """For each name in which words stand twice in a row, these: 对象对象."""
    matches = ((name, _DOUBLED.search(name)) for name in names.unique() if name)
    rows = [(name, match[0]) for name, match in matches if match]
    return pl.DataFrame(rows, schema={"name": pl.String(), "doubled": pl.String()}, orient="row")


def figure_table(tables: Tables, form: Form, units: Units, unread: pl.DataFrame) -> pl.DataFrame:
    """One row a pair: a money line (`of`: its source), and another figure of the form that may speak for it or against it. A total
    is paired with the sum of its sources and each source with the total; every line with the spending plan and what is said in
    words, which knows its clause, what stands `before` it there, and the `step` of its last digit."""
    keys = [key for lines in funds(form).values() for key in lines.values()]
    lines = tables.funds.filter(pl.col("key").is_in(keys) & (pl.col("amount") > 0)).select("rid", "key", "horizon", "source", "amount")
    totals, sources = lines.filter(pl.col("source") == "total"), lines.filter(pl.col("source") != "total")
    added = sources.group_by("rid", "horizon", maintain_order=True).agg(pl.col("amount").sum(), pl.col("key").first())
    pair = ["rid", "key", "amount", "horizon", pl.col("source").alias("of"), pl.col("key_of").alias("other"), pl.col("amount_of").alias("yuan"), pl.lit("funds").alias("source")]
    added = added.with_columns(source=pl.lit(""))
    within = [left.join(right, on=["rid", "horizon"], suffix="_of").select(pair) for left, right in ((totals, added), (sources, totals))]
    plans = tables.details.filter(pl.col("key").is_in(money(form)) & (pl.col("amount") > 0))
    plans = plans.select("rid", other="key", yuan="amount", source=pl.lit("plan"))
    others = pl.concat([plans, _said(tables, form, units)], how="diagonal_relaxed")
    pairs = lines.select("rid", "key", "amount", "horizon", pl.col("source").alias("of")).join(others, on="rid", maintain_order="left_right")
    frame = pl.concat([*within, pairs], how="diagonal_relaxed")
    return _typed(frame.with_columns(pl.col("written", "clause", "levels", "before").fill_null("")), form, "figures")


def _said(tables: Tables, form: Form, units: Units) -> pl.DataFrame:
    """The amounts that a form states in words: in its prose, its goals and its indicators' values."""
    prose = [key for key, m in scalars(form).items() if m.type == "prose"]
    blank, text = pl.lit(""), pl.lit("text").alias("source")
    around = pl.concat_str("name", "description", "target", separator=" ")
    texts = pl.concat([
        tables.values.filter(pl.col("key").is_in(prose)).select("rid", "key", "text", text, around=blank, levels=blank),
        tables.goals.select("rid", "key", "text", text, around=blank, levels=blank),
        tables.indicators.select(
            "rid", pl.col("key") + ".target", text="target", source=pl.lit("target"), around=around,
            levels=pl.concat_str("level1", "level2", separator=" "),
        ),
    ])  # fmt: skip
    units_written = pl.col("text").str.contains_any([name for name, _ in units])
    found: list[tuple[int, Decimal, str, str, str, Decimal]] = []
    texts = texts.filter(units_written)
    for number, text in enumerate(texts["text"]):
        found += [(number, one.yuan, one.written, one.clause, one.before, one.step) for one in amounts_in(text, units)]
    numbers, *said = zip(*found, strict=True) if found else ((),) * 6
    schema = columns(form)["figures"]
    names = ("yuan", "written", "said", "before", "step")
    told = pl.DataFrame([pl.Series(name, values, dtype=schema.get(name, pl.String())) for name, values in zip(names, said, strict=True)])
    of = texts[list(numbers)].select("rid", "source", "around", "levels", other="key")
    clause = pl.when(pl.col("around") != "").then("around").otherwise("said")
    return of.hstack(told).select("rid", "other", "yuan", "source", "written", "levels", "before", "step", clause=clause)


def _typed(frame: pl.DataFrame, form: Form, table: Table) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in columns(form)[table].items())


BUILDERS: Mapping[Table, Callable[[Tables, Form, Units, pl.DataFrame], pl.DataFrame]] = {
    "form": form_table,
    "indicators": indicator_table,
    "figures": figure_table,
}


# --- amounts in prose ------------------------------------------------------------------------------------------------


class Money(NamedTuple):
    """An amount found in prose: as written, in yuan, the clause it stands in, what stands before it there, and what one unit of
    its last digit is worth in yuan."""

    written: str
    yuan: Decimal
    clause: str
    before: str = ""
    step: Decimal = Decimal(0)


_NARROW = {0x3000: " "} | {0xFF01 + i: chr(0x21 + i) for i in range(94)}  # only full-width forms: NFKC would make 102 of 10²
_CLAUSES = re.compile(r"(?<!\d),|,(?!\d)|[。;、:()\[\]\n]")  # a comma between digits separates thousands
_EXACT = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?", re.ASCII)
_CENT = Decimal("0.01")
_MOST = Decimal(10) ** 17  # what the tables' Decimal(20, 2) surely holds


@lru_cache(maxsize=4)
def _amount(units: Units) -> tuple[Mapping[str, Decimal], re.Pattern[str]]:
    """The units by name, and how an amount in one of them is written: the whole run of figures before the unit is taken, so that
    a broken number is refused and not read from its middle."""
    names = "|".join(sorted((re.escape(name) for name, _ in units), key=len, reverse=True))
    return dict(units), re.compile(rf"(?<![万亿千百十~至到\-\d.,])(\d[\d.,\s]*?)\s*({names})", re.ASCII)


@lru_cache(maxsize=4096)
def amounts_in(text: str, units: Units) -> tuple[Money, ...]:
    """Read the amounts that a text states beyond doubt: a well-formed number with a unit of money behind it.

    `8476. 31万元`, `2. 万元`, `万3元`, `3-5万元` and `5 万人次` state none.
    """
    factors, pattern = _amount(units)
    found: list[Money] = []
    for clause in _CLAUSES.split(text.translate(_NARROW)):
        ended = 0
        for match in pattern.finditer(clause):
            number, unit = match.groups()
            before, ended = clause[ended : match.start()].strip(), match.end()
            if not _EXACT.fullmatch(number) or (amount := Decimal(number.replace(",", "")) * factors[unit]) >= _MOST:
                continue
            step = max(factors[unit].scaleb(-len(number.partition(".")[2])), _CENT)
            found.append(Money(match[0], amount.quantize(_CENT, ROUND_HALF_UP), clause.strip(), before, step))
    return tuple(found)
