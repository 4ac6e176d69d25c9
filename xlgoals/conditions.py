"""What a rule demands of a form: a condition on the rows of a table of `facts` and, where the workbook can tell it by itself, a
formula in the workbook's own cells (`marks`); the words that conditions share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from xlgoals.facts import Table, Units
from xlgoals.findings import Rule
from xlgoals.forms import Form
from xlgoals.gathered import Gathered
from xlgoals.marks import Cells, Mark

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What must hold in every row of a table, which column is to blame where it does not, and what to say then.

    Texts are "" when blank and null when nobody could read them; a condition must hold on null, and must never be null
    itself. `place` and `other` are record keys, with the row's columns in braces. `about` names all records judged. `others`
    is a column that lists places in any form of the batch, each as `[rid, record key]`; `more` are further columns that telling
    needs, worked out on the failing rows only. `asked` are the rows that the condition speaks of, where those are few: it sees no
    others, and holds in them.
    """

    code: str
    table: Table
    column: str
    holds: pl.Expr
    place: str
    tell: Callable[[Row], Mapping[str, str]]
    label: str = ""
    about: tuple[str, ...] = ()
    other: str = ""
    others: str = ""
    more: Mapping[str, pl.Expr] = field(default_factory=dict)
    asked: pl.Expr | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of rule becomes conditions on one form, and the parameters it cannot do without: words, numbers, and those
    that are regular expressions; what each of the rule's cases must say, with the words it may choose from, and may say besides;
    and which of the parameters (and of what cases say) name levels. A kind that is
    `across` makes no conditions on single forms, but one on rows it gathers from all forms of a batch. `formula` is how it becomes
    marks in the form's own workbook, from the same parameters; a kind without one is judged by `check` alone."""

    conditions: Callable[[Form, Rule, Units], Iterator[Condition]]
    needs: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    besides: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    across: Across | None = None
    formula: Callable[[Cells, Rule, Units], Iterator[Mark]] | None = None


@dataclass(frozen=True, slots=True)
class Across:
    """A table that a rule gathers from the whole batch, its columns (`rid` and `key` say where a row is told), and what must hold in its
    rows; `alone` where each of them is gathered from one form, whatever layout that has."""

    columns: Mapping[str, pl.DataType]
    rows: Callable[[Gathered, Rule], pl.DataFrame]
    condition: Callable[[Rule], Condition]
    alone: bool = False


def words(text: str) -> tuple[str, ...]:
    """The words of a parameter, which are set apart by blanks."""
    return tuple(text.split())


def filled(column: str) -> pl.Expr:
    """Whether a text is there; what nobody could read counts as neither filled nor blank."""
    return pl.col(column).fill_null("") != ""


def any_of(text: pl.Expr, words: str) -> pl.Expr:
    """Whether a text holds one of some words, given with blanks between them."""
    return text.str.contains_any(words.split()) if words.split() else pl.lit(False)


def matching(text: pl.Expr, pattern: str) -> pl.Expr:
    """Whether a pattern is found in a text; no pattern is found nowhere."""
    return text.str.contains(pattern) if pattern else pl.lit(False)


def blank(column: str) -> pl.Expr:
    return pl.col(column).fill_null("?") == ""


def unfit_pattern(pattern: str) -> str:
    """Why a text is no regular expression for polars, or ""; Python's dialect allows more (look-around, references)."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        told = [line.removeprefix("error: ") for line in str(error).splitlines() if line.startswith("error: ")]
        return told[0] if told else str(error).strip().splitlines()[0]
    return ""
