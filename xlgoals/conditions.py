"""What a rule demands of a form, as a condition on the rows of a table of `facts`; the words that conditions share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from xlgoals.facts import Table, Units
from xlgoals.findings import Rule
from xlgoals.forms import Form

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What must hold in every row of a table, which column is to blame where it does not, and what to say then.

    Texts are "" when blank and null when nobody could read them; a condition must hold on null, and must never be null
    itself. `place` and `other` are record keys, with the row's columns in braces. `about` names all records judged. `more`
    are further columns that telling needs, worked out on the failing rows only.
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
    more: Mapping[str, pl.Expr] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of rule becomes conditions on one form, and the parameters it cannot do without: words, numbers, and those
    that are regular expressions."""

    conditions: Callable[[Form, Rule, Units], Iterator[Condition]]
    needs: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


def words(text: str) -> tuple[str, ...]:
    """The words of a parameter, which are set apart by blanks."""
    return tuple(text.split())


def filled(column: str) -> pl.Expr:
    """Whether a text is there; what nobody could read counts as neither filled nor blank."""
    return pl.col(column).fill_null("") != ""


def blank(column: str) -> pl.Expr:
    return pl.col(column).fill_null("?") == ""


def unfit_pattern(pattern: str) -> str:
    """Why a text is no regular expression for polars, or ""; Python's dialect allows more (look-around, references)."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        return str(error).strip().splitlines()[-1]
    return ""
