"""Budget tables as one frame of cells, and the equalities between them evaluated: polars frames in, polars frames out, no words.

A scope is the budget of one department or unit and year, whatever workbooks it came in. Money is in yuan, exact. An equality holds,
or is off by no more than rounding explains (each printed figure may be half a unit of its last place off), or is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import translate
from functools import reduce
from operator import and_, or_

import polars as pl

from xlgoals.facts import unread
from xlgoals.forms import Form, Forms
from xlgoals.subjects import Subject, assign
from xlgoals.tables import Tables
from xlgoals.ties import CARRIED, GOALS, NEW, Term, Tie, Ties
from xlgoals.words import bare

AMOUNT = pl.Decimal(38, 4)
TOTAL, CODE = "total", "code"  # the line that all codes add up to, and the column that names a line's code
DIMENSIONS = ("grid", "line", "code", "column")
CELL = {
    "scope": pl.Int64(), "rid": pl.String(), "key": pl.String(), "grid": pl.String(), "line": pl.String(), "code": pl.String(),
    "column": pl.String(), "amount": AMOUNT, "room": AMOUNT, "lost": pl.Boolean(), "presumed": pl.Boolean(), "above": pl.String(),
}  # fmt: skip
OUTCOME = {
    "tie": pl.String(), "scope": pl.Int64(), **dict.fromkeys(DIMENSIONS, pl.String()), "left": AMOUNT, "right": AMOUNT, "left_count": pl.Int32(),
    "right_count": pl.Int32(), "tolerance": AMOUNT, "presumed": pl.Boolean(), "difference": AMOUNT, "outcome": pl.String(),
}  # fmt: skip
LINE = ("scope", "grid", "code", "above")
NIL = pl.lit(Decimal(0)).cast(AMOUNT)


@dataclass(frozen=True, slots=True)
class Laid:
    """The figures of a batch that equalities speak of.

    `scopes`: scope, year, department, unit, whole (it stands for all units of the department). `cells`: one row a figure, with the
    rounding it may carry (`room`); `lost`: somebody wrote there what nobody can read. `lines`: the codes that a table has lines for,
    whether figures stand there or not; `above`, there and of a cell, is the code of the nearest line above, empty for the total.
    `present`: which tables a scope has. `twice`: returns (scope, form, grid, rid) of tables that a scope has more than once; nobody
    knows which holds, so that none of them counts.
    """

    scopes: pl.DataFrame
    cells: pl.DataFrame
    lines: pl.DataFrame
    present: pl.DataFrame
    twice: pl.DataFrame
    levels: tuple[int, ...]


def lay_out(tables: Tables, forms: Forms, ties: Ties, subjects: Sequence[Subject] = ()) -> Laid:
    """Bring budget tables and the money of goal forms into one frame of cells by scope."""
    known = {name: forms.forms[name] for name in tables.returns["form"].unique() if name in forms.forms}
    goals = [name for name, form in known.items() if is_goal_form(form)]
    grids = {name: set(form.columns) | {m.record for m in form.meanings.values()} for name, form in known.items()}
    budget = [name for name, has in grids.items() if has & (ties.grids - {GOALS}) and name not in goals]
    if not budget:
        return _nothing()
    scopes, members = _scopes(tables.returns, budget, goals)
    every = members.join(tables.returns.select("rid", "form"), on="rid", maintain_order="left")
    doubled = every.filter(pl.col("form").is_in(budget) & (pl.len().over("scope", "form") > 1))
    mine = every.join(doubled, on=["scope", "rid"], how="anti", maintain_order="left")
    has = pl.DataFrame([(name, grid) for name in budget for grid in grids[name]], schema={"form": pl.String(), "grid": pl.String()}, orient="row")
    twice = doubled.join(has, on="form").select("scope", "form", "grid", "rid")
    present = pl.concat([
        mine.join(has, on="form").select("scope", "grid"),
        mine.filter(pl.col("form").is_in(goals)).select("scope", grid=pl.lit(GOALS)),
    ]).unique()  # fmt: skip
    spoken = unread(tables)
    codes = _codes(tables, ties)
    cells = pl.concat([_figures(tables, known, budget, ties, spoken, codes), _money(tables, forms, known, goals, ties, spoken, subjects)])
    levels = max((one.levels for one in forms.codes.values()), key=len, default=())
    lines = _nested(mine.join(codes, on="rid"), levels)
    return Laid(scopes, _hung(mine.join(cells, on="rid"), lines), lines, present, twice, levels)


def _nothing() -> Laid:
    """What a batch without budget tables has to compare."""
    text = dict.fromkeys(("year", "department", "unit"), pl.String())
    scopes = pl.DataFrame(schema={"scope": pl.Int64(), **text, "whole": pl.Boolean()})
    twice = pl.DataFrame(schema={"scope": pl.Int64(), "form": pl.String(), "grid": pl.String(), "rid": pl.String()})
    lines = pl.DataFrame(schema={name: CELL[name] for name in LINE})
    return Laid(scopes, pl.DataFrame(schema=CELL), lines, twice.select("scope", "grid"), twice, ())


def is_goal_form(form: Form) -> bool:
    """Whether a form is filled once a project and says what the project costs."""
    to = {m.to for m in form.meanings.values()}
    return "project_name" in to and any(one.startswith("funds.") for one in to)


def _scopes(returns: pl.DataFrame, budget: Sequence[str], goals: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Whose budgets there are, and which returns each is made of. A goal form belongs to its unit's budget, and to that of the whole
    department (whose tables name the department as their unit, or none)."""
    mine = returns.filter(pl.col("form").is_in([*budget, *goals])).select("rid", "form", "year", "department", "unit")
    named = {name: _owner(name) for part in ("department", "unit") for name in mine[part].unique()}
    mine = mine.with_columns(pl.col("department", "unit").replace_strict(named, return_dtype=pl.String()).name.prefix("own_"))
    owner = ["year", "own_department", "own_unit"]
    own = mine.filter(pl.col("form").is_in(budget))
    scopes = own.group_by(owner).agg(pl.col("department", "unit").min()).sort(owner).with_row_index("scope").cast({"scope": pl.Int64()})
    whole = pl.Series([department.endswith(unit) for department, unit in scopes.select("own_department", "own_unit").iter_rows()], dtype=pl.Boolean)
    scopes = scopes.with_columns(whole=whole)
    forms, above = mine.filter(pl.col("form").is_in(goals)), scopes.filter(pl.col("whole") & (pl.col("own_department") != ""))
    members = pl.concat([
        own.join(scopes, on=owner).select("scope", "rid"),
        forms.join(scopes, on=owner).select("scope", "rid"),
        forms.join(above, on=owner[:2]).select("scope", "rid"),
    ]).unique().sort("scope", "rid")  # fmt: skip
    return scopes.select("scope", "year", "department", "unit", "whole"), members


def _owner(name: str) -> str:
    """A department's or unit's name without its code and without what people respell: 450 县医保局 and 县医保局 are one."""
    return re.sub(r"^\d{3,}[-—_.、]*", "", bare(name)) or bare(name)


def _codes(tables: Tables, ties: Ties) -> pl.DataFrame:
    """The codes of the lines of coded tables."""
    details = tables.details.filter(pl.col("grid").is_in(list(ties.grids)) & (pl.col("column") == CODE))
    return details.select("rid", "grid", "line", code=pl.col("text").str.strip_chars())


def _nested(codes: pl.DataFrame, levels: tuple[int, ...]) -> pl.DataFrame:
    """The lines of each scope's tables by their codes, each with the nearest above it that is there."""
    lines = codes.select("scope", "grid", "code").unique().sort("scope", "grid", "code")
    length = pl.col("code").str.len_chars()
    proper = length.is_in(list(levels))
    above = pl.when(proper).then(pl.lit("")).otherwise(None)  # of a code of no length nobody can tell
    for level in levels:
        known = lines.select("scope", "grid", pl.lit(value=True).alias(f"is_{level}"), pl.col("code").alias(f"at_{level}"))
        lines = lines.with_columns(pl.col("code").str.head(level).alias(f"at_{level}")).join(known, on=["scope", "grid", f"at_{level}"], how="left")
        above = pl.when(proper & (length > level) & pl.col(f"is_{level}")).then(pl.col(f"at_{level}")).otherwise(above)
    return lines.select("scope", "grid", "code", above=above)


def _hung(cells: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Cells with the code above theirs."""
    return cells.drop("above", strict=False).join(lines, on=list(LINE[:3]), how="left").select(list(CELL))


def _figures(tables: Tables, known: Mapping[str, Form], budget: Sequence[str], ties: Ties, spoken: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """The cells of the budget tables: those that hold an amount, and those whose amount is lost."""
    grids = list(ties.grids)
    factors = [(name, known[name].money_factor * ties.rounding) for name in budget]
    rooms = pl.DataFrame(factors, schema={"form": pl.String(), "room": AMOUNT}, orient="row")
    returns = tables.returns.join(rooms, on="form").select("rid", "form", "room")
    details = tables.details.filter(pl.col("grid").is_in(grids)).join(returns, on="rid")
    held = details.filter(pl.col("amount").is_not_null()).with_columns(lost=pl.lit(value=False))
    # an amount that was written but not taken: whatever was the matter with it, or with the unit of the whole table
    untaken = details.filter(pl.col("amount").is_null() & (pl.col("text").str.strip_chars() != "")).join(_amounts(known, budget), on=["form", "grid", "column"], how="semi")
    parts = pl.col("key").str.splitn(".", 2).struct
    rest = spoken.join(returns, on="rid").with_columns(grid=parts.field("field_0"), rest=parts.field("field_1")).filter(pl.col("grid").is_in(grids))
    column = pl.col("rest").str.extract(r"\.([^.]+)$")
    rest = rest.join(details.filter(pl.col("amount").is_not_null()), on=["rid", "key"], how="anti").join(untaken, on=["rid", "key"], how="anti").with_columns(
        line=pl.col("rest").str.strip_suffix(pl.format(".{}", column).fill_null("")), column=column.fill_null("amount"),
    )  # fmt: skip
    named = ["rid", "key", "grid", "line", "column", "room"]
    lost = pl.concat([untaken.select(named), rest.select(named)]).with_columns(amount=NIL, lost=pl.lit(value=True))
    wanted = ["rid", "key", "grid", "line", "column", "amount", "room", "lost"]
    both = pl.concat([one.with_columns(pl.col("amount").cast(AMOUNT)).select(wanted) for one in (held, lost)])
    code = pl.when(pl.col("line") == TOTAL).then(pl.lit("")).otherwise("code")
    return _typed(both.join(codes, on=["rid", "grid", "line"], how="left").with_columns(code=code, presumed=pl.lit(value=False)))


def _amounts(known: Mapping[str, Form], budget: Sequence[str]) -> pl.DataFrame:
    """Where the forms of budget tables ask for an amount: form, grid, column."""
    found = [(name, grid, column) for name in budget for grid, columns in known[name].columns.items() for column, m in columns.items() if m.type == "money"]
    found += [(name, m.record, m.part) for name in budget for m in known[name].meanings.values() if m.record and m.type in ("money", "change")]
    return pl.DataFrame(found, schema=dict.fromkeys(("form", "grid", "column"), pl.String()), orient="row").unique()


def _money(
    tables: Tables, forms: Forms, known: Mapping[str, Form], goals: Sequence[str], ties: Ties, spoken: pl.DataFrame, subjects: Sequence[Subject]
) -> pl.DataFrame:
    """The money lines of the goal forms, as cells of the grid `goals`; a total left blank is the sum of its sources."""
    returns = tables.returns.filter(pl.col("form").is_in(goals))
    units = [(name, factor * ties.rounding) for name, factor in forms.money_units.items()]
    rooms = pl.DataFrame(units, schema={"unit": pl.String(), "room": AMOUNT}, orient="row")
    lines = tables.funds.join(returns.select("rid"), on="rid", how="semi").filter(pl.col("horizon") == "annual")
    lines = lines.join(rooms, on="unit", how="left").with_columns(pl.col("amount").cast(AMOUNT), pl.col("room").fill_null(NIL))
    said = spoken.with_columns(said=pl.lit(value=True))
    written = pl.col("printed").str.strip_chars() != ""
    lines = lines.join(said, on=["rid", "key"], how="left").with_columns(lost=pl.col("amount").is_null() & (written | pl.col("said").fill_null(value=False)))
    lines = lines.filter(pl.col("amount").is_not_null() | pl.col("lost")).with_columns(pl.col("amount").fill_null(NIL))
    totals = lines.filter(pl.col("source") == TOTAL)
    parts = lines.join(totals, on="rid", how="anti").with_columns(source=pl.lit(TOTAL))
    every = pl.concat([lines, parts]).select("rid", "key", "amount", "room", "lost", column="source")
    # a form that says no amount at all: that it must is told elsewhere, and nothing follows from it
    silent = returns.join(every.filter(pl.col("column") == TOTAL), on="rid", how="anti")
    none = silent.select("rid", key=pl.lit(""), amount=NIL, room=NIL, lost=pl.lit(value=True), column=pl.lit(TOTAL))
    every = pl.concat([every, none])
    told = assign(subjects, returns)
    carried = pl.col("carried").fill_null(value=False)
    line = pl.when(carried).then(pl.lit(CARRIED)).otherwise(pl.lit(NEW))
    cells = every.join(told, on="rid", how="left").with_columns(grid=pl.lit(GOALS), line=line, code="subject")
    return _typed(cells.with_columns(pl.col("presumed").fill_null(value=False)))


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in CELL.items() if name not in ("scope", "above"))


# --- evaluating -------------------------------------------------------------------------------------------------------


def evaluate(laid: Laid, ties: Ties) -> pl.DataFrame:
    """One row a comparison: tie, scope, what it is compared by, both sides in yuan, how many figures each side has, the difference, how
    much of it rounding explains, and the outcome: equal, rounding or broken. What hangs on a lost figure is not compared."""
    by_grid = {str(name): frame for (name,), frame in laid.cells.partition_by("grid", as_dict=True).items()}
    tables = {str(name): set(frame["scope"]) for (name,), frame in laid.present.partition_by("grid", as_dict=True).items()}
    twice = {str(name): set(frame["scope"]) for (name,), frame in laid.twice.partition_by("grid", as_dict=True).items()}
    if not ties.ties:
        return pl.DataFrame(schema=OUTCOME)
    parents = laid.lines.select("scope", "grid", code="above").unique()
    found = [_compared(tie, by_grid, _judged(tie, by_grid, tables, twice, laid.levels), laid.levels, parents) for tie in ties.ties]
    frame = pl.concat(found)
    difference = pl.col("left") - pl.col("right")
    outcome = pl.when(difference == 0).then(pl.lit("equal")).when(difference.abs() <= pl.col("room")).then(pl.lit("rounding"))
    return frame.with_columns(difference=difference, outcome=outcome.otherwise(pl.lit("broken"))).rename({"room": "tolerance"})


def _compared(tie: Tie, cells: Mapping[str, pl.DataFrame], scopes: list[int], levels: tuple[int, ...], parents: pl.DataFrame) -> pl.DataFrame:
    keys = ["scope", *tie.each]
    left, right = (_side(terms, keys, cells, levels) for terms in (tie.left, tie.right))
    if tie.match == "both":
        wanted = left.join(right, on=keys, how="semi").select(keys)
    elif tie.each:
        wanted = pl.concat([left.select(keys), right.select(keys)]).unique()
        if tie.match == "below":
            wanted = wanted.join(parents, on=["scope", "grid", "code"], how="semi")
    else:  # where neither side holds a figure, both are zero all the same, and that is equal
        wanted = pl.DataFrame({"scope": scopes}, schema={"scope": pl.Int64()})
    frame = wanted.filter(pl.col("scope").is_in(scopes))
    for name, side in (("left", left), ("right", right)):
        parts = [part for part in side.columns if part not in keys]
        frame = frame.join(side.rename({part: f"{name}_{part}" for part in parts}), on=keys, how="left")
    lost, presumed = (pl.any_horizontal(pl.col(f"{side}_{what}").fill_null(value=False) for side in ("left", "right")) for what in ("lost", "presumed"))
    frame = frame.filter(~lost).sort(keys)
    blank = [pl.lit("").alias(name) for name in DIMENSIONS if name not in tie.each]
    amount, room = pl.col("left_amount", "right_amount").fill_null(NIL), pl.col("left_room").fill_null(NIL) + pl.col("right_room").fill_null(NIL)
    return frame.with_columns(*blank, tie=pl.lit(tie.tie), room=room).select(
        "tie", "scope", *DIMENSIONS, amount.name.map(lambda name: name.removesuffix("_amount")), pl.col("left_count", "right_count").fill_null(0).cast(pl.Int32), "room",
        presumed=presumed if "code" in tie.each else pl.lit(value=False),
    )  # fmt: skip


def _judged(
    tie: Tie, cells: Mapping[str, pl.DataFrame], tables: Mapping[str, set[int]], twice: Mapping[str, set[int]], levels: tuple[int, ...]
) -> list[int]:
    """The scopes in which an equality is asked: all its tables are there, once; nothing stands where it does not hold; and every project
    has a code where projects are compared by code."""
    needed = tie.grids - set(tie.absent)
    if needed:
        scopes = set.intersection(*(tables.get(grid, set()) for grid in needed))
    else:  # each by itself
        scopes = set().union(*(tables.get(grid, set()) for grid in tie.grids))
    scopes = scopes.difference(*(twice.get(grid, set()) for grid in tie.grids))
    if tie.without:
        ruled_out = [one.filter(pl.col("amount") != 0)["scope"] for one in _selected(tie.without, cells, levels)]
        scopes -= set().union(*(set(one) for one in ruled_out))
    if GOALS in tie.grids and "code" in tie.each and GOALS in cells:
        scopes -= set(cells[GOALS].filter(pl.col("code").is_null())["scope"])
    return sorted(scopes)


def _side(terms: Sequence[Term], keys: list[str], cells: Mapping[str, pl.DataFrame], levels: tuple[int, ...]) -> pl.DataFrame:
    """What the terms of one side add up to, by the keys."""
    added = [one.select(*keys, "amount", "room", "lost", "presumed") for one in _selected(terms, cells, levels)]
    frame = pl.concat(added) if added else pl.DataFrame(schema={**{k: CELL[k] for k in keys}, "amount": AMOUNT, "room": AMOUNT, "lost": pl.Boolean(), "presumed": pl.Boolean()})
    return frame.group_by(keys).agg(
        pl.col("amount").sum().cast(AMOUNT), pl.len().alias("count"), pl.col("room").sum().cast(AMOUNT), pl.col("lost", "presumed").any()
    )


def _selected(terms: Sequence[Term], cells: Mapping[str, pl.DataFrame], levels: tuple[int, ...]) -> Iterator[pl.DataFrame]:
    """The cells that each term selects, signed, and named as the term wants them named."""
    for term in terms:
        for grid in term.grid:
            if grid not in cells:
                continue
            frame = cells[grid].filter(_wanted(term, levels))
            named = [_named(name, told, levels).alias(name) for name, told in term.as_.items()]
            sign = [-pl.col("amount")] if term.minus else []
            frame = frame.with_columns(*sign, *named)
            yield frame.filter(pl.col("code").is_not_null()) if term.level or term.code or "code" in term.as_ else frame


def _wanted(term: Term, levels: tuple[int, ...]) -> pl.Expr:
    tests = [
        reduce(or_, (_like(name, pattern) for pattern in patterns))
        for name, patterns in (("column", term.column), ("line", term.line), ("code", term.code)) if patterns
    ]  # fmt: skip
    if term.level:
        lengths = [0 if level == 0 else levels[level - 1] for level in term.level if level <= len(levels)]
        tests.append(pl.col("code").str.len_chars().is_in(lengths).fill_null(value=False))
    return reduce(and_, tests, pl.lit(value=True))


def _like(name: str, pattern: str) -> pl.Expr:
    if "*" not in pattern:
        return (pl.col(name) == pattern).fill_null(value=False)
    return pl.col(name).str.contains(re.sub(r"^\(\?s:(.*)\)\\[zZ]$", r"^(?s:\1)$", translate(pattern))).fill_null(value=False)


def _named(dimension: str, told: str, levels: tuple[int, ...]) -> pl.Expr:
    """As what a cell counts: a code as its parent, as its ancestor of a level, as its line's name; anything else as the word given."""
    if dimension != "code":
        return pl.lit(told)
    code, length = pl.col("code"), pl.col("code").str.len_chars()
    if told == "parent":
        return pl.col("above")
    if told.startswith("level"):
        wanted = levels[int(told[-1]) - 1]
        return pl.when(length >= wanted).then(code.str.head(wanted))
    return pl.col("line") if told == "line" else code


def witnesses(laid: Laid, tie: Tie, outcomes: pl.DataFrame) -> pl.DataFrame:
    """The cells that the outcomes (with a `number` each) of one tie were made of: number, side, rid, key, amount; in order of place."""
    cells = {str(name): frame for (name,), frame in laid.cells.partition_by("grid", as_dict=True).items()}
    keys = ["scope", *tie.each]
    found = [
        one.join(outcomes.select("number", *keys), on=keys).select("number", "rid", "key", "amount", side=pl.lit(side))
        for side, terms in (("left", tie.left), ("right", tie.right))
        for one in _selected(terms, cells, laid.levels)
    ]
    empty = {"number": outcomes.schema["number"], "rid": pl.String(), "key": pl.String(), "amount": AMOUNT, "side": pl.String()}
    return pl.concat(found) if found else pl.DataFrame(schema=empty)


def summed(laid: Laid) -> pl.DataFrame:
    """The scopes that are added up: whole departments, and units whose department sent no budget of its own."""
    return laid.scopes.filter(pl.col("whole") | ~pl.col("whole").any().over("year", "department"))


def together(laid: Laid) -> Laid:
    """The budgets of each year as one."""
    taken = summed(laid)
    years = taken.select("year").unique().sort("year").with_row_index("all").cast({"all": pl.Int64()})
    lead = taken.join(years, on="year").select("scope", "all")

    def moved(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(lead, on="scope").with_columns(scope="all").drop("all")

    new = years.select(scope="all", year="year", department=pl.lit(""), unit=pl.lit(""), whole=pl.lit(value=True))
    lines = _nested(moved(laid.lines), laid.levels)
    return replace(laid, scopes=new, cells=_hung(moved(laid.cells), lines), lines=lines, present=moved(laid.present).unique())
