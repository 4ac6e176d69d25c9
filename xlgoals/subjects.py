"""Which code of expenditure a project is of: the goal forms do not say, so the bureau's own list does (`--subjects`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlgoals.listing import read_listing, spellings
from xlgoals.words import bare

SCHEMA = {"rid": pl.String(), "subject": pl.String(), "carried": pl.Boolean(), "presumed": pl.Boolean()}


class Subject(NamedTuple):
    """One project: found by its code, else by its name. `carried`: its money is carried over from last year; `presumed`: nobody has
    confirmed the code of expenditure."""

    project_code: str
    project_name: str
    code: str
    carried: bool = False
    presumed: bool = False


def read_subjects(path: Path, headings: Path) -> tuple[Subject, ...]:
    """Read a list of projects with their codes; UsageError when it has no such headings. `headings` is `mappings/listings.yaml`."""
    known = spellings(headings)
    words = known["words"]
    rows = read_listing(path, (("project_code", "subject"), ("project_name", "subject")), known["headings"])
    return tuple(
        Subject(
            row.get("project_code", ""), row.get("project_name", ""), _digits(row["subject"]),
            bare(row.get("carried", "")) in words["yes"], any(word in bare(row.get("basis", "")) for word in words["presumed"]),
        )
        for row in rows
    )  # fmt: skip


def _digits(subject: str) -> str:
    """The code at the beginning of what people write: 2101301 城乡医疗救助."""
    found = re.match(r"\d+", bare(subject))
    return found[0] if found else bare(subject)


def assign(subjects: Sequence[Subject], returns: pl.DataFrame) -> pl.DataFrame:
    """Give each return (rid, project_code, project_name) its subject; those that are not listed, or whose name is listed for several
    codes, get none."""
    by_code = {one.project_code: one for one in subjects if one.project_code}
    by_name: dict[str, Subject | None] = {}
    for one in subjects:
        if name := bare(one.project_name):
            by_name[name] = None if name in by_name else one
    found = []
    for rid, code, name in returns.select("rid", "project_code", "project_name").iter_rows():
        if known := by_code.get(code) or by_name.get(bare(name)):
            found.append((rid, known.code, known.carried, known.presumed))
    return pl.DataFrame(found, schema=SCHEMA, orient="row")
