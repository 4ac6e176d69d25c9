"""Which code of expenditure a project is of: the goal forms do not say, so the bureau's own list does (`--subjects`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlgoals.codes import CodeList, deepest
from xlgoals.errors import Fault, InputError
from xlgoals.listing import Row, read_listing, spellings
from xlgoals.roster import Roster
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


def read_subjects(path: Path, headings: Path, codes: Mapping[str, CodeList]) -> tuple[Subject, ...]:
    """Read a list of projects with their codes; UsageError when it has no such headings, InputError with every mistake in it.
    `headings` is `mappings/listings.yaml`. A project without a code is left out."""
    known = spellings(headings)
    words = known["words"]
    found: dict[tuple[str, str], tuple[Subject, Row]] = {}
    faults: list[Fault] = []
    for row in read_listing(path, (("project_code", "subject"), ("project_name", "subject")), known["headings"]):
        subject, carried = digits(row.text("subject")), bare(row.text("carried"))
        one = Subject(
            row.text("project_code"), row.text("project_name"), subject, carried in words["yes"],
            any(word in bare(row.text("basis")) for word in words["presumed"]),
        )  # fmt: skip
        if not subject:
            continue
        if wrong := subject_fault(subject, codes):
            faults.append(row.fault(wrong))
        if carried and carried not in (*words["yes"], *words["no"]):
            faults.append(row.fault(f"“上年结转”一栏写的是“{row.text('carried')}”，只能写是或否，不是结转的空着。"))
        first, before = found.setdefault((one.project_code, "" if one.project_code else bare(one.project_name)), (one, row))
        if one.project_code and (first.code, first.carried) != (one.code, one.carried):
            faults.append(row.fault(f"项目 {one.project_code} 的科目写了两次，不一样（{before.place} 也是），请留一个。"))
        if before is not row and not one.project_code:
            found[one.project_code, f"{bare(one.project_name)} {row.place}"] = (one, row)  # of one name there may be several
    if faults:
        raise InputError(faults)
    return tuple(one for one, _ in found.values())


def subject_fault(subject: str, codes: Mapping[str, CodeList]) -> str:
    """What is wrong with a project's code of expenditure, and what to do; empty when nothing is."""
    known = deepest(codes)
    fault = known.fault(subject) if known else ""
    if known is None or not fault:
        return ""
    if fault == "unknown":
        return f"{known.year}年{known.title}里没有“{subject}”这个编码，请改正。"
    return f"“{subject}”不是{known.title}的编码（数字，以 {known.begins} 开头，{'、'.join(map(str, known.levels))} 位），请改正。"


def subjects_of(roster: Roster) -> tuple[Subject, ...]:
    """The projects of a roster whose code of expenditure it gives."""
    return tuple(Subject(one.code, one.name, one.subject, one.carried) for unit in roster for one in unit.projects if one.subject)


def digits(subject: str) -> str:
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
