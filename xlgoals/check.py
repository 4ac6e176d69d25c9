"""Check the tables of a batch: pandera schemas built from each form's meanings and the rule catalogue, failures told as findings.

Each form's returns are laid out as the tables of `facts` and its kin, and each table is validated once a batch. A rule that
crashes is a defect of the program and is told as such; the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial, reduce
from operator import and_
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pandera.errors import SchemaErrorReason, SchemaErrors

from xlgoals import facts, facts_figures, facts_prose
from xlgoals.conditions import Condition
from xlgoals.facts import Table, Units, unread
from xlgoals.findings import Catalogue
from xlgoals.forms import Form, Forms
from xlgoals.gathered import Gathered
from xlgoals.kinds_form import accepted
from xlgoals.kinds_tie import judge
from xlgoals.rules import DEFECT, across_forms, conditions, lint
from xlgoals.subjects import Subject
from xlgoals.tables import Tables
from xlgoals.telling import Defect, Failure, Outcome, Place, sorted_by_place, told

__all__ = ["DEFECT", "accepted", "check"]

BUILDERS = {**facts.BUILDERS, **facts_figures.BUILDERS, **facts_prose.BUILDERS}
COLUMNS = (facts.columns, facts_figures.columns, facts_prose.columns)


def check(tables: Tables, forms: Forms, subjects: Sequence[Subject] = ()) -> pl.DataFrame:
    """Judge all returns of a batch by the rules of the catalogue: a findings table, sorted by place. `subjects` say which code of
    expenditure a project is of."""
    return together(replace(tables, judged=alone(tables, forms)), forms, subjects)


def alone(tables: Tables, forms: Forms) -> pl.DataFrame:
    """What the rules find that look at one form at a time: the table `judged`, the same whatever else is in the batch."""
    outcome, spoken, units = Outcome(), unread(tables), tuple(forms.money_units.items())
    for (name,), returns in sorted(tables.returns.partition_by("form", as_dict=True).items()):
        form = forms[str(name)]
        mine, (demanded, defects) = _of(tables, returns), _demanded(form, forms.catalogue, units)
        outcome.defects += defects
        for table, build in BUILDERS.items():
            wanted = tuple(one for one in demanded if one.table == table)
            if not wanted:
                continue
            try:
                frame = build(mine, form, units, spoken)
            except Exception as error:  # what a table is made of is as much ours as the rules on it
                outcome.crashed(wanted, type(error).__name__)
                continue
            _judge(frame, _columns(form)[table], f"{form.id} {table}", wanted, outcome)
    _across(tables, forms.catalogue, outcome, alone=True)
    return told(outcome, tables, forms.catalogue)


def together(tables: Tables, forms: Forms, subjects: Sequence[Subject] = ()) -> pl.DataFrame:
    """All that the rules find in a batch whose forms were judged alone: that, and what only several forms together can get wrong."""
    outcome = Outcome()
    _across(tables, forms.catalogue, outcome, alone=False)
    for kind, judged in judge(tables, forms, subjects):
        try:
            outcome.findings += judged()
        except Exception as error:
            outcome.defects.append(Defect(kind, type(error).__name__))
    found = pl.concat([tables.judged, told(outcome, tables, forms.catalogue)]).drop("rid")
    defect = pl.col("code") == DEFECT  # each return that a defect is about has told of it
    return sorted_by_place(pl.concat([found.filter(~defect), found.filter(defect).unique("key", keep="first", maintain_order=True)]))


def _across(tables: Tables, catalogue: Catalogue, outcome: Outcome, *, alone: bool) -> None:
    """Judge what only several lines together can get wrong, whatever layouts their forms have: those of one form, or those of several,
    by unit and by department."""
    if tables.returns.is_empty():
        return
    gathered = Gathered(tables)
    for rule in catalogue.rules.values():
        try:
            across = across_forms(rule)
            if across is None or across.alone is not alone:
                continue
            condition, frame = across.condition(rule), across.rows(gathered, rule)
        except Exception as error:
            outcome.defects.append(Defect(rule.code, type(error).__name__))
            continue
        _judge(frame, across.columns, rule.code, (condition,), outcome)


@lru_cache(maxsize=64)
def _demanded(form: Form, catalogue: Catalogue, units: Units) -> tuple[tuple[Condition, ...], tuple[Defect, ...]]:
    """All conditions on a form; a mistake in the catalogue is its author's and raised, a kind that crashes is ours."""
    lint(catalogue, units)
    found: list[Condition] = []
    crashed: list[Defect] = []
    for rule in catalogue.rules.values():
        try:
            found += conditions(form, rule, units)
        except Exception as error:
            crashed.append(Defect(rule.code, type(error).__name__))
    return tuple(found), tuple(crashed)


def _of(tables: Tables, returns: pl.DataFrame) -> Tables:
    """The tables of some returns; findings of earlier stages are no longer asked."""
    if returns.height == tables.returns.height:
        return tables  # all are of one form, as they mostly are
    rids = returns.select("rid")
    whole = {"returns": returns, "findings": tables.findings, "answers": tables.answers}
    return Tables(**{name: whole[name] if name in whole else frame.join(rids, on="rid", how="semi") for name, frame in tables.items()})


# --- judging ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _columns(form: Form) -> Mapping[Table, Mapping[str, pl.DataType]]:
    return {table: dtypes for columns in COLUMNS for table, dtypes in columns(form).items()}


Held = pl.Series | Exception  # of each row whether it meets a condition, or what the condition crashed of


def _held(frame: pl.DataFrame, wanted: Sequence[Condition]) -> Sequence[Held]:
    """Evaluate the conditions: those on whole rows at once, since they share much, each of the others on the rows that it asks;
    where one crashes, each by itself."""
    everywhere = [number for number, one in enumerate(wanted) if one.asked is None]
    numbered = frame.lazy().with_row_index("#row")
    whole = numbered.with_columns(**{f"?{n}": wanted[n].holds.cast(pl.Boolean) for n in everywhere}).select(f"?{n}" for n in everywhere)
    some = {
        n: numbered.filter(one.asked).with_columns(held=one.holds.cast(pl.Boolean)).select("#row", "held")
        for n, one in enumerate(wanted) if one.asked is not None
    }  # fmt: skip
    try:
        told, *rest = pl.collect_all([whole, *some.values()])
    except Exception as error:
        if len(wanted) == 1:
            return [error]
        return [held for one in wanted for held in _held(frame, [one])]
    found = dict(zip(everywhere, told.get_columns(), strict=True))
    for number, asked in zip(some, rest, strict=True):
        found[number] = pl.repeat(True, frame.height, dtype=pl.Boolean(), eager=True).scatter(asked["#row"], asked["held"])
    return [found[number] for number in range(len(wanted))]


Blamed = dict[str, list[tuple[Condition, pl.Series]]]  # by column: its conditions, and of each row whether it meets them


def _schema(types: Mapping[str, pl.DataType], name: str, blamed: Blamed) -> pa.DataFrameSchema:
    """A schema of the columns that conditions may blame, each checked by all of its own: to pandera a column and a check cost the same
    on one row and on a million, so there are no more than need be."""
    checks = {column: pa.Check(partial(_all_hold, [held for _, held in own]), ignore_na=False) for column, own in blamed.items()}
    return pa.DataFrameSchema({column: pa.Column(types[column], nullable=True, checks=check) for column, check in checks.items()}, name=name)


def _all_hold(held: Sequence[pl.Series], data: PolarsData) -> pl.LazyFrame:
    return pl.LazyFrame(reduce(and_, held).alias("held"))


def _judge(frame: pl.DataFrame, types: Mapping[str, pl.DataType], name: str, wanted: Sequence[Condition], outcome: Outcome) -> None:
    """Validate once. A table that is not as declared, and a condition that crashed or could not decide, are defects, which pandera would
    take for bad data."""
    if frame.schema != types:
        return outcome.crashed(wanted, "schema")
    blamed: Blamed = {}
    for one, held in zip(wanted, _held(frame, wanted), strict=True):
        if isinstance(held, pl.Series) and not held.null_count():
            blamed.setdefault(one.column, []).append((one, held))
        else:
            outcome.crashed((one,), "undecided" if isinstance(held, pl.Series) else type(held).__name__)
    try:
        _schema(types, name, blamed).validate(frame, lazy=True)
    except SchemaErrors as errors:
        for error in errors.schema_errors:
            if error.reason_code is SchemaErrorReason.DATAFRAME_CHECK and isinstance(error.check, pa.Check):
                for one, held in blamed[error.schema.name]:
                    _fail(one, frame.filter(~held), outcome)
            else:  # pandera's own
                outcome.crashed(wanted, error.reason_code.name if error.reason_code else type(error).__name__)
    except Exception as error:  # pandera itself
        outcome.crashed(wanted, type(error).__name__)


def _fail(condition: Condition, failing: pl.DataFrame, outcome: Outcome) -> None:
    seen: set[Place] = set()
    try:
        columns = _Columns(failing.with_columns(**condition.more))
        for number, rid in enumerate(columns["rid"]):
            row = _Row(columns, number)
            record = condition.place.format_map(row)
            if (rid, record) not in seen:
                seen.add((rid, record))
                other = condition.other.format_map(row)
                others = ((rid, other),) if other else tuple((r, key) for r, key in row[condition.others]) if condition.others else ()
                outcome.failures.append(Failure(condition, rid, record, condition.tell(row), others))
    except Exception as error:
        outcome.defects.append(Defect(condition.code, type(error).__name__))


class _Columns(dict[str, list[Any]]):
    """The columns of failing rows, each made a list when it is first asked for: telling asks for a few of many."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __missing__(self, name: str) -> list[Any]:
        if name not in self._frame.columns:
            raise KeyError(name)
        self[name] = self._frame[name].to_list()
        return self[name]


class _Row(Mapping[str, Any]):
    """One of the failing rows."""

    __slots__ = ("_columns", "_number")

    def __init__(self, columns: _Columns, number: int) -> None:
        self._columns, self._number = columns, number

    def __getitem__(self, name: str) -> Any:
        return self._columns[name][self._number]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns._frame.columns)

    def __len__(self) -> int:
        return self._columns._frame.width
