"""Check the tables of a batch: pandera schemas built from each form's meanings and the rule catalogue, failures told as findings.

Each form's returns are laid out as the tables of `facts` and its kin, and each table is validated once a batch. A rule that
crashes is a defect of the program and is told as such; the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

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
from xlgoals.telling import Defect, Failure, Outcome, Place, told

__all__ = ["DEFECT", "accepted", "check"]

BUILDERS = {**facts.BUILDERS, **facts_figures.BUILDERS, **facts_prose.BUILDERS}
COLUMNS = (facts.columns, facts_figures.columns, facts_prose.columns)


def check(tables: Tables, forms: Forms, subjects: Sequence[Subject] = ()) -> pl.DataFrame:
    """Judge all returns of a batch by the rules of the catalogue: a findings table, sorted by place. `subjects` say which code of
    expenditure a project is of."""
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
    if not tables.returns.is_empty():
        _across(tables, forms.catalogue, outcome)
    for kind, judged in judge(tables, forms, subjects):
        try:
            outcome.findings += judged()
        except Exception as error:
            outcome.defects.append(Defect(kind, type(error).__name__))
    return told(outcome, tables, forms.catalogue)


def _across(tables: Tables, catalogue: Catalogue, outcome: Outcome) -> None:
    """Judge what only several lines or forms together can get wrong: by unit, by department, whatever layouts they have."""
    gathered = Gathered(tables)
    for rule in catalogue.rules.values():
        try:
            across = across_forms(rule)
            if across is None:
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


def _schema(types: Mapping[str, pl.DataType], name: str, wanted: Sequence[Condition], held: Sequence[Held]) -> pa.DataFrameSchema:
    """A schema of columns, each with the conditions that may blame it."""
    checks: dict[str, list[pa.Check]] = {}
    for number, (one, whether) in enumerate(zip(wanted, held, strict=True)):
        checks.setdefault(one.column, []).append(pa.Check(partial(_holds, whether), name=str(number), ignore_na=False))
    return pa.DataFrameSchema(
        {column: pa.Column(dtype, nullable=True, checks=checks.get(column, [])) for column, dtype in types.items()}, strict=True, name=name
    )


def _holds(held: Held, data: PolarsData) -> pl.LazyFrame:
    """Tell pandera which rows meet a condition; one that cannot decide is a defect, which pandera would take for bad data."""
    if isinstance(held, Exception):
        raise held
    if held.null_count():
        raise ValueError("undecided")
    return held.to_frame().lazy()


def _judge(frame: pl.DataFrame, types: Mapping[str, pl.DataType], name: str, wanted: Sequence[Condition], outcome: Outcome) -> None:
    """Validate once; pandera's reason tells a failing row from a check that crashed and from a table that is not as declared."""
    try:
        _schema(types, name, wanted, _held(frame, wanted)).validate(frame, lazy=True)
    except SchemaErrors as errors:
        for error in errors.schema_errors:
            reason, told = error.reason_code, error.check_output
            # a check of ours bears the number of its condition; pandera's own (a column missing, a type wrong) bear words
            number = error.check.name if isinstance(error.check, pa.Check) else None
            blamed = wanted if number is None else wanted[int(number) : int(number) + 1]
            if reason is SchemaErrorReason.DATAFRAME_CHECK and isinstance(told, pl.DataFrame):
                _fail(blamed[0], frame.filter(~told.to_series()), outcome)
            elif reason is SchemaErrorReason.CHECK_ERROR:
                kind = re.match(r"\w+", str(error.failure_cases))
                outcome.crashed(blamed, kind[0] if kind else reason.name)
            else:
                outcome.crashed(blamed, reason.name if reason else type(error).__name__)
    except Exception as error:  # pandera itself
        outcome.crashed(wanted, type(error).__name__)


def _fail(condition: Condition, failing: pl.DataFrame, outcome: Outcome) -> None:
    seen: set[Place] = set()
    try:
        for row in failing.with_columns(**condition.more).iter_rows(named=True):
            rid, record = row["rid"], condition.place.format_map(row)
            if (rid, record) not in seen:
                seen.add((rid, record))
                other = condition.other.format_map(row)
                others = ((rid, other),) if other else tuple((r, key) for r, key in row[condition.others]) if condition.others else ()
                outcome.failures.append(Failure(condition, rid, record, condition.tell(row), others))
    except Exception as error:
        outcome.defects.append(Defect(condition.code, type(error).__name__))
