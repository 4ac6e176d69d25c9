"""A roster to unit workbooks: what each unit is to get, what it has got already, and the writing of what is missing.

What was issued is known from the files themselves, by their stamps; the manifest is for people and can be deleted.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import unescape

from xlgoals.blanks import Blank
from xlgoals.carry import Former
from xlgoals.cycle import Cycle
from xlgoals.entries import Entry, filled_pattern
from xlgoals.errors import Fault, InputError, OutputError, UsageError
from xlgoals.forms import STAMPED, Binder, Form, Forms
from xlgoals.layout import Slot, plan
from xlgoals.listed import Content, meant, with_kind
from xlgoals.names import safe_stem
from xlgoals.outputs import write_whole
from xlgoals.records import Stamp
from xlgoals.render import blank
from xlgoals.roster import Project, Roster, Unit, load_words
from xlgoals.stamp import MARK, VERSION, read_stamp, stamp_text
from xlgoals.words import bare

SHEETS_MOST = 200
BATCH = "_第{n}批"
STAMPS = re.compile(r"<t[^>]*>(" + re.escape(MARK) + r".*?)</t>", re.DOTALL)
ROUND = "_第{n}次"


@dataclass(frozen=True, slots=True)
class Issue:
    """One workbook for a unit, as it is to be: all that decides its bytes."""

    unit: Unit
    binder: Binder
    count: int
    stamp: Stamp
    content: tuple[tuple[Entry, ...], ...]
    projects: tuple[str, ...]
    carried: frozenset[int]
    notice: str
    lost: tuple[tuple[str, tuple[str, ...]], ...] = ()  # project -> what of its former content this form has no place for

    @property
    def file(self) -> Path:
        """Where it stands in the outbox."""
        name = safe_stem(self.unit.code, self.unit.name)
        return Path(folder_of(self.unit)) / f"{name}{ROUND.format(n=self.stamp.round) if self.stamp.round > 1 else ''}.xlsx"


class Issued(NamedTuple):
    """A workbook found in the outbox: its place there, what it is stamped with, its projects, its hash."""

    file: Path
    stamp: Stamp
    projects: tuple[str, ...]
    sha256: str


class Changed(NamedTuple):
    """A unit whose workbook no longer says what the roster says."""

    unit: Unit
    issued: Issued
    what: tuple[str, ...]


class Work(NamedTuple):
    """What a run has to do: workbooks to write, units that changed, workbooks of units that are gone."""

    write: tuple[Issue, ...]
    changed: tuple[Changed, ...]
    gone: tuple[Issued, ...]


def folder_of(unit: Unit) -> str:
    """The folder of a unit's department in the outbox, and the name of its zip."""
    return safe_stem(unit.department_code, unit.department) if unit.department_code else safe_stem(unit.department)


# --- what each unit is to get ------------------------------------------------------------------------------------------


def issues(cycle: Cycle, forms: Forms, roster: Roster, formers: Mapping[str, Sequence[Former]]) -> list[Issue]:
    """What every unit of the roster is to get, in its first round; raises InputError for what the forms cannot hold."""
    faults: list[Fault] = []
    found = [_issue(unit, cycle, forms, formers.get(unit.code, ()), faults) for unit in roster.filling]
    if faults:
        raise InputError(faults)
    return found


def unfit(cycle: Cycle, forms: Forms, roster: Roster) -> Sequence[Fault]:
    """What of a roster the forms cannot hold."""
    try:
        issues(cycle, forms, roster, {})
    except InputError as error:
        return error.faults
    return ()


def _issue(unit: Unit, cycle: Cycle, forms: Forms, formers: Sequence[Former], faults: list[Fault]) -> Issue:
    settings, told = cycle.settings, forms.guide.notice
    binder = forms.binder(cycle.form_of(unit.department, unit.department_code))
    form = forms[binder.project or binder.sheets[0].form]
    projects: list[tuple[Project, Former | None]] = []
    for listed in unit.projects:
        same = _former_of(listed, formers)
        projects.append((replace(listed, kind=listed.kind or same.kind) if same else listed, same))
    known = {former for _, former in projects if former}
    words = load_words()
    going_on = {one.word for one in words.kinds if one.carried}
    projects += [
        (Project(unit.code, one.project, one.project_code, one.kind), one) for one in formers if one not in known and one.kind in going_on and one.project
    ]  # fmt: skip
    if not binder.project:  # a workbook without sheets for projects has no place for any
        projects = []
    count = max(len(projects) + settings.spare_sheets, 1) if binder.project else 1
    if count > SHEETS_MOST:
        faults.append(Fault(unit.place, f"“{unit.name}”有 {len(projects)} 个项目，一个工作簿最多 {SHEETS_MOST} 张表，请分成几个单位。"))
        count = 1
    identity = {"year": settings.year, "department": unit.department_text, "unit": unit.name}
    content: list[tuple[Entry, ...]] = []
    carried: list[tuple[int, str]] = []
    lost: list[tuple[str, tuple[str, ...]]] = []
    for seq in range(1, count + 1) if binder.project else ():
        project, former = projects[seq - 1] if seq <= len(projects) else (None, None)
        entries = _entries(form, forms, identity, project, faults)
        if project and former and project.kind in going_on:
            taken = {(entry.row, entry.slot.area.left) for entry in entries}
            more = [entry for entry in former.entries(form) if (entry.row, entry.slot.area.left) not in taken]
            if more:
                entries += more
                carried.append((seq, project.name))
                lost.append((project.label, former.lost[form.id]))
        content.append(tuple(entries))
    matched = {former for _, former in projects if former}
    lost += [(f"{one.project_code} {one.project}".strip(), (words.issued.unknown_kind,)) for one in formers if not one.kind and one not in matched]
    lost += [(project.label, (words.issued.unknown_kind,)) for project, former in projects if former and not project.kind]
    lines = [told.deadline.format(year=settings.deadline.year, month=settings.deadline.month, day=settings.deadline.day)] if settings.deadline else []
    lines += [told.contact.format(contact=settings.contact)] if settings.contact else []
    lines += [told.carried.format(projects="、".join(f"{seq}. {name}" for seq, name in carried))] if carried else []
    stamp = Stamp(0, "", "", year=settings.year, department=unit.department_text, unit=unit.name, code=unit.code, cycle=settings.cycle)
    return Issue(
        unit, binder, count, stamp, tuple(content), tuple(project.label for project, _ in projects), frozenset(seq for seq, _ in carried), "\n".join(lines), tuple(lost)
    )  # fmt: skip


def _former_of(project: Project, formers: Sequence[Former]) -> Former | None:
    """The former content of a project: by its code, else by its name."""
    by_code = next((one for one in formers if project.code and bare(one.project_code) == bare(project.code)), None)
    return by_code or next((one for one in formers if bare(one.project) == bare(project.name)), None)


def _entries(form: Form, forms: Forms, identity: Mapping[str, str], project: Project | None, faults: list[Fault]) -> list[Entry]:
    """What stands in a project's sheet beforehand; on a spare sheet only for whom it is."""
    fields = {**identity, "project_name": project.name, "project_code": project.code} if project else identity
    if project is None or not (project.more or project.kind):
        return _plain(form, fields)
    content = Content(fields=dict(fields))
    for heading, item in project.more.items():
        meaning = meant(heading, form)
        if meaning is None:
            faults.append(item.fault(f"栏目“{heading}”不是表样 {form.id} 的栏目，不知道填在哪里。请改成表上的叫法，或删去这一栏。"))
        else:
            content.put(form, meaning, item, heading)
    with_kind(content, project.kind, form)
    only_named = content.fields == fields and not content.spots
    entries = _plain(form, fields) if only_named else content.entries(form, forms, spare=("project_code",))
    faults += content.faults
    return entries


def _plain(form: Form, fields: Mapping[str, str]) -> list[Entry]:
    """Identity, name and code, which go as they are into the cells that ask for them."""
    entries = []
    for slot in _identity_slots(form):
        values = {key: fields.get(meaning.to, "") for key, meaning in slot.meanings.items()}
        value = filled_pattern(slot.text, values) if slot.kind == "pattern" else values[slot.key]
        if value and any(values.values()):
            entries.append(Entry(slot, slot.area.top, value))
    return entries


@lru_cache(maxsize=64)
def _identity_slots(form: Form) -> tuple[Slot, ...]:
    wanted = (*STAMPED, "project_name", "project_code")
    return tuple(s for s in plan(form).slots if s.typed and not s.grid and any(m.to in wanted for m in s.meanings.values()))


# --- what it has got already -------------------------------------------------------------------------------------------


def issued_in(outbox: Path, cycle: str) -> tuple[list[Issued], list[Path]]:
    """The workbooks of a cycle that stand in its outbox, by their stamps; and the workbooks that have no stamp of it."""
    found: list[Issued] = []
    others: list[Path] = []
    for path in sorted(outbox.rglob("*.xlsx")) if outbox.is_dir() else ():
        if path.name.startswith((".", "~$")):
            continue
        name = path.relative_to(outbox)
        issued = _issued(name, path.read_bytes(), cycle)
        if issued:
            found.append(issued)
        else:
            others.append(name)
    return found, others


def _issued(file: Path, data: bytes, cycle: str) -> Issued | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            strings = package.read("xl/sharedStrings.xml").decode()
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, zlib.error):
        return None
    stamps = [stamp for text in STAMPS.findall(strings) if (stamp := read_stamp(unescape(text))) and stamp.cycle == cycle and stamp.code]
    if not stamps:
        return None
    whole = next((stamp for stamp in stamps if not stamp.instance), stamps[0])
    projects = tuple(stamp.project for stamp in sorted(stamps, key=lambda one: one.instance) if stamp.project)
    return Issued(file, whole, projects, hashlib.sha256(data).hexdigest())


def work_to_do(wanted: Iterable[Issue], issued: Sequence[Issued], reissue: Collection[str]) -> Work:
    """What must be written: what a unit has not got in any round, and a further round of what is asked for. Raises UsageError
    for codes to reissue that no unit has."""
    latest: dict[str, Issued] = {}
    for one in sorted(issued, key=lambda one: one.stamp.round):
        latest[one.stamp.code] = one
    write: list[Issue] = []
    changed: list[Changed] = []
    codes = set()
    for issue in wanted:
        code = issue.unit.code
        codes.add(code)
        if code not in latest:
            write.append(issue)
        elif code in reissue:
            write.append(replace(issue, stamp=replace(issue.stamp, round=latest[code].stamp.round + 1)))
        elif what := tuple(_differences(issue, latest[code])):
            changed.append(Changed(issue.unit, latest[code], what))
    if unknown := sorted(set(reissue) - codes):
        raise UsageError(f"名册里没有要填报的单位 {'、'.join(unknown)}，请检查 --reissue 后面的单位编码。")
    return Work(tuple(write), tuple(changed), tuple(one for code, one in latest.items() if code not in codes))


def _differences(issue: Issue, issued: Issued) -> Iterator[str]:
    """In what an issued workbook differs from what the roster says now."""
    now, then, words = issue.stamp, issued.stamp, load_words().issued
    for part in STAMPED:
        if getattr(now, part) != getattr(then, part):
            yield f"{getattr(words, part)}：{getattr(then, part)} → {getattr(now, part)}"
    if then.digest != issue.binder.digest:
        yield f"{words.form}：{then.form} → {issue.binder.id}" if then.form != issue.binder.id else words.version
    added, gone = ([one for one in some if one not in others] for some, others in ((issue.projects, issued.projects), (issued.projects, issue.projects)))
    if added:
        yield f"{words.added}：{'、'.join(added)}"
    if gone:
        yield f"{words.gone}：{'、'.join(gone)}"


# --- writing -----------------------------------------------------------------------------------------------------------


def write_issues(
    work: Sequence[Issue], outbox: Path, forms: Forms, key: bytes = b"", on_progress: Callable[[int, int], None] | None = None
) -> tuple[list[Issued], list[str]]:
    """Write workbooks, each whole or not at all and never over another file; what could not be written is told. Workbooks of one
    form and number of sheets are made of one drawing, one after another. Interrupted, it leaves those of a first round, from which
    the next run goes on, and none of a further round, for the next run would write yet another."""
    done: list[Issued] = []
    failed: list[str] = []
    drawn: Blank | None = None
    try:
        for n, issue in enumerate(sorted(work, key=lambda one: (one.binder.id, one.count)), 1):
            if drawn is None or (drawn.binder.id, drawn.count) != (issue.binder.id, issue.count):
                drawn = blank(forms, issue.binder, issue.count)
            made = drawn.issue(issue.stamp, issue.content, issue.projects, key=key, notice=issue.notice, carried=issue.carried)
            try:
                done.append(_write(issue, made, outbox))
            except OutputError as error:
                failed.append(str(error))
            if on_progress:
                on_progress(n, len(work))
    except KeyboardInterrupt:
        for one in done:
            if one.stamp.round > 1:
                (outbox / one.file).unlink(missing_ok=True)
        raise
    return done, failed


def _write(issue: Issue, made: bytes, outbox: Path) -> Issued:
    file = issue.file
    with write_whole(outbox / file, flush=False) as draft:
        draft.write_bytes(made)
    return Issued(file, replace(issue.stamp, form=issue.binder.id, digest=issue.binder.digest), issue.projects, hashlib.sha256(made).hexdigest())


def zip_departments(outbox: Path, issued: Iterable[Issued]) -> list[Path]:
    """A zip for each department with the workbooks that no zip of it holds yet; those that went out before stay as they are."""
    by_folder: dict[Path, list[Issued]] = {}
    for one in sorted(issued, key=lambda one: one.file):
        by_folder.setdefault(one.file.parent, []).append(one)
    made = []
    for folder, own in by_folder.items():
        batches = [path for n in range(1, 1000) if (path := outbox / f"{folder}{BATCH.format(n=n) if n > 1 else ''}.zip").exists()]
        inside = {name for path in batches for name in _names_in(path)}
        new = [one for one in own if one.file.name not in inside]
        if not new:
            continue
        path = outbox / f"{folder}{BATCH.format(n=len(batches) + 1) if batches else ''}.zip"
        with write_whole(path, flush=False) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as package:
            for one in new:
                package.writestr(zipfile.ZipInfo(one.file.name), (outbox / one.file).read_bytes())  # workbooks are deflated already
        made.append(path)
    return made


def _names_in(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as package:
            return package.namelist()
    except (zipfile.BadZipFile, OSError):
        return []


def manifest_rows(issued: Iterable[Issued]) -> Iterator[tuple[str, ...]]:
    """Every issued workbook: unit, department, round, form, projects, file, stamp, hash."""
    for one in sorted(issued, key=lambda one: (one.stamp.department, one.stamp.code, one.stamp.round)):
        stamp = one.stamp
        yield (
            stamp.code, stamp.unit, stamp.department, str(stamp.round), stamp.form, str(len(one.projects)), one.file.as_posix(), stamp_id(stamp), one.sha256
        )  # fmt: skip


def stamp_id(stamp: Stamp) -> str:
    """A short name for a workbook's stamp: the same for all that say the same, signed or not."""
    return hashlib.sha256(stamp_text(replace(stamp, version=VERSION, signature="")).encode()).hexdigest()[:16]
