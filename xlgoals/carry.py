"""What a former cycle's returns say of projects that go on: read in workers, moved into this cycle's forms, amounts and dates left open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from xlgoals.convert import convert
from xlgoals.cycle import SETTINGS
from xlgoals.entries import Entry
from xlgoals.errors import InputError
from xlgoals.forms import STAMPED, Form, Forms
from xlgoals.intake import Job, Progress, take_file
from xlgoals.layout import plan
from xlgoals.limits import Limits
from xlgoals.records import Given, Return
from xlgoals.roster import Roster, load_words
from xlgoals.sources import Source, files_in
from xlgoals.spec import load_forms
from xlgoals.target import Target
from xlgoals.words import bare
from xlgoals.workers import deadline, work_through

OPEN_TYPES = ("money", "date", "year")  # fields of these types are left open
OWN = (*STAMPED, "project_name", "project_code", "attribute", "seq")  # told by this cycle's roster, not by the former one


@dataclass(frozen=True, slots=True, eq=False)
class Former:
    """One project as a former return had it: what it was, and the texts of its cells (by row and column) in each form asked for;
    `lost` tells what did not go into a form."""

    code: str  # of the unit, as stamped
    unit: str
    department: str
    project: str
    project_code: str
    kind: str
    order: tuple[int, float, str]  # the latest wins: round, time, file
    cells: Mapping[str, tuple[tuple[int, int, str], ...]]
    lost: Mapping[str, tuple[str, ...]]

    def entries(self, form: Form) -> list[Entry]:
        """What is carried forward, as entries of a form."""
        inputs = {(slot.area.top, slot.area.left): slot for slot in plan(form).slots if slot.typed}
        return [Entry(inputs[row, left], row, text) for row, left, text in self.cells[form.id]]


@dataclass(frozen=True)
class Formers:
    """All former projects that were read; `unread` tells of files that could not be."""

    projects: tuple[Former, ...]
    unread: tuple[str, ...] = ()

    def of_units(self, roster: Roster) -> tuple[dict[str, list[Former]], list[Former]]:
        """The former projects of each unit (by code), the latest of each; and those of no unit of the roster."""
        found: dict[str, dict[str, Former]] = {}
        strange = []
        for one in sorted(self.projects, key=lambda former: former.order):
            unit = roster.units.get(one.code) or roster.named(one.unit, one.department)
            if unit:
                found.setdefault(unit.code, {})[bare(one.project_code or one.project)] = one
            else:
                strange.append(one)
        return {code: list(projects.values()) for code, projects in found.items()}, strange


def read_formers(
    paths: Iterable[Path], form_ids: Sequence[str], forms_dirs: tuple[str, ...], jobs: int | None, on_progress: Progress | None,
    limits: Limits = Limits(),  # noqa: B008  never changed
) -> Formers:  # fmt: skip
    """Read a former cycle's folder, or files and folders of returns."""
    forms = load_forms(forms_dirs)
    roots = [path / "inbox" if (path / SETTINGS).is_file() else path for path in paths]
    kinds: dict[tuple[str, str], str] = {}
    for path in paths:
        if (path / SETTINGS).is_file():
            kinds |= _kinds(path)
    sources, _ = files_in(roots, forms.catalogue, limits)
    job = Job(forms_dirs, Given(), limits)
    answers = work_through(
        sources, partial(_read, job=job, form_ids=tuple(form_ids)), lambda source, slow: ([], [source.name]),
        limits=job.limits, jobs=jobs or os.cpu_count() or 1, executor=None, on_done=on_progress or (lambda done, total: None),
    )  # fmt: skip
    found = [one for some, _ in answers for one in some]
    told = [replace(one, kind=_kind(kinds, one) or one.kind) for one in found]
    return Formers(tuple(told), tuple(name for _, unread in answers for name in unread))


def _kinds(folder: Path) -> dict[tuple[str, str], str]:
    """What kinds of projects the former roster names, where it can be read."""
    from xlgoals.enrol import load_whole

    try:
        _, _, roster = load_whole(folder)
    except InputError:
        return {}
    return {(unit.code, bare(key)): one.kind for unit in roster for one in unit.projects if one.kind for key in (one.code, one.name) if key}


def _kind(kinds: Mapping[tuple[str, str], str], one: Former) -> str:
    return kinds.get((one.code, bare(one.project_code)), "") or kinds.get((one.code, bare(one.project)), "")


def _read(sources: Sequence[Source], job: Job, form_ids: tuple[str, ...]) -> tuple[list[Former], list[str]]:
    """Read some files, in a worker."""
    forms = load_forms(job.forms)
    found: list[Former] = []
    unread: list[str] = []
    for source in sources:
        with deadline(job.limits.seconds):
            taken = take_file(source, job)
        if taken is None:
            continue
        returns, findings = taken.returns, taken.findings
        if not returns and any(finding.severity == "error" for finding in findings):
            unread.append(source.name)
        found += [_former(one, source, forms, form_ids) for one in returns]
    return found, unread


def _former(taken: Return, source: Source, forms: Forms, form_ids: Iterable[str]) -> Former:
    left = left_open(taken, forms)
    cells, lost = {}, {}
    for form_id in form_ids:
        entries, findings = convert(left, forms[form_id], forms)
        cells[form_id] = tuple((entry.row, entry.slot.area.left, entry.value) for entry in entries if isinstance(entry.value, str))
        lost[form_id] = tuple(finding.text for finding in findings)
    kind = load_words().kind(taken.fields.get("attribute", ""))
    stamp = taken.stamp
    return Former(
        stamp.code if stamp else "", taken.fields.get("unit", ""), taken.fields.get("department", ""),
        taken.fields.get("project_name", ""), taken.fields.get("project_code", ""), kind.word if kind else "",
        (stamp.round if stamp else 0, source.changed, source.name), cells, lost,
    )  # fmt: skip


def left_open(taken: Return, forms: Forms) -> Return:
    """A return without what another year must say anew: amounts, dates and years, targets that are a date or an amount of money,
    and what the roster tells."""
    fields = {key: value for key, value in taken.fields.items() if key not in OWN and forms.fields[key].type not in OPEN_TYPES}
    details = tuple(one for one in taken.details if one.amount is None and forms.fields[f"{one.grid}.{one.column}"].type not in OPEN_TYPES)
    indicators = tuple(replace(one, target="") if _of_its_year(one.means) else one for one in taken.indicators)
    gone = {f"{one.key}.target" for one, kept in zip(taken.indicators, indicators, strict=True) if kept.target != one.target}
    gone |= {one.key for one in taken.details} - {one.key for one in details}
    gone |= {one.key for one in taken.funds} | (taken.fields.keys() - fields.keys())
    spots = {key: spot for key, spot in taken.spots.items() if key not in gone}
    return replace(taken, fields=fields, funds=(), details=details, indicators=indicators, spots=spots)


def _of_its_year(target: Target) -> bool:
    """Whether a target is a date or an amount of money, wholly or in part."""
    return target.kind == "date" or (target.dimension or "").startswith("money") or any(map(_of_its_year, target.parts))


