"""Who has sent what: the ledger of a cycle's inbox.

Whose workbook it is, and of which round, is told by the stamps in it, never by the file name. Of several of one unit the latest
counts: by round, then by the time the document was saved, then by the file's own time. Nothing is dropped unnamed.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from xlgoals.cycle import Cycle
from xlgoals.findings import Catalogue, Finding
from xlgoals.records import At, Stamp
from xlgoals.roster import Roster, Unit
from xlgoals.sources import Source
from xlgoals.stamp import UNSIGNED
from xlgoals.tables import Tables, findings_of

UnitState = Literal["accepted", "waiting", "blocked", "tie", "missing"]
FileState = Literal[
    "taken", "superseded", "duplicate", "wrong_unit", "mixed", "wrong_cycle", "wrong_form", "forged", "unstamped", "unreadable", "tie"
]


@dataclass(frozen=True, slots=True)
class Sent:
    """One file that came in: whose it says it is, of which round, when it was saved and when it came, and what became of it.

    `modified` is ISO 8601 in UTC, as documents say it, blank when this one does not; `changed` the file's own time, seconds since
    1970; `detail` why it was not taken, for people.
    """

    file: str
    state: FileState
    code: str = ""
    unit: str = ""
    round: int = 0
    modified: str = ""
    changed: float = 0.0
    sha256: str = ""
    detail: str = ""

    @property
    def rank(self) -> tuple[int, str, float]:
        """Later ones count."""
        return self.round, self.modified or _utc(self.changed), self.changed


@dataclass(frozen=True, slots=True)
class Line:
    """How far a unit is. `sent` is the file that counts, None when there is none."""

    unit: Unit
    state: UnitState
    sent: Sent | None = None
    late: bool = False
    altered: bool = False
    forms: int = 0
    errors: int = 0
    queries: int = 0
    answered: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """A line a unit that is to send a form, in the roster's order, and the files that do not count."""

    lines: tuple[Line, ...]
    others: tuple[Sent, ...]

    @property
    def received(self) -> int:
        return sum(line.state != "missing" for line in self.lines)


@dataclass(frozen=True, slots=True)
class Sorted:
    """The inbox sorted out before anything is judged: by unit the file that counts, all files, what is to be said of them."""

    taken: Mapping[str, Sent]
    files: tuple[Sent, ...]
    findings: tuple[Finding, ...]

    def of(self, tables: Tables) -> Tables:
        """The tables of the files that count; findings about other files and about folders stay, for they are to be told."""
        files = [sent.file for sent in self.taken.values()]
        kept = tables.returns.filter(pl.col("file").is_in(files)).select("rid")
        dropped = [sent.file for sent in self.files if sent.file not in files and sent.state != "unreadable"]
        frames = {
            name: frame.filter(~pl.col("file").is_in(dropped)) if name == "findings"
            else frame.join(kept, on="rid", how="semi", maintain_order="left") if "rid" in frame.columns
            else frame  # explanations hang on keys, whichever file they came in
            for name, frame in tables.items()
        }  # fmt: skip
        return Tables(**frames)


def sorted_out(tables: Tables, sources: Sequence[Source], roster: Roster, cycle: Cycle, catalogue: Catalogue) -> Sorted:
    """Tell of every file of the inbox whose it is and whether it counts."""
    changed = {source.name: source.changed for source in sources}
    stamps: dict[str, list[Stamp]] = defaultdict(list)
    about: dict[str, tuple[str, str]] = {}
    frame = tables.stamps.join(tables.returns.select("rid", "file", "sha256"), on="rid", how="inner", maintain_order="left")
    for row in frame.iter_rows(named=True):
        stamps[row["file"]].append(Stamp(**{name: row[name] for name in Stamp.__dataclass_fields__}))
        about[row["file"]] = (row["modified"], row["sha256"])
    read = set(tables.returns["file"])
    known = findings_of(tables)
    said = _first_errors(known)
    forged = {finding.at.file for finding in known if finding.code in UNSIGNED} if cycle.key else set()
    files: list[Sent] = []
    findings: list[Finding] = []
    for source in sources:
        modified, sha256 = about.get(source.name, ("", ""))
        sent = Sent(source.name, "taken", modified=modified, changed=source.changed, sha256=sha256)
        if source.name not in read:
            files.append(replace(sent, state="unreadable", detail=said.get(source.name, "")))
        elif source.name not in stamps:
            files.append(_refused(replace(sent, state="unstamped"), catalogue, findings))
        else:
            files.append(_judged(sent, stamps[source.name], source.name in forged, roster, cycle, catalogue, findings))
    files += _duplicates(tables, changed)
    return _latest(files, roster, catalogue, findings)


def _judged(
    sent: Sent, stamps: Sequence[Stamp], forged: bool, roster: Roster, cycle: Cycle, catalogue: Catalogue, findings: list[Finding]
) -> Sent:
    """Whose workbook a stamped file is, and whether it is one that this cycle sent out. Whether it is forged was told by the stamps
    as they stand in the file: those of the returns are what reading made of them."""
    whose = list(dict.fromkeys((stamp.code, stamp.unit) for stamp in stamps))
    first = stamps[0]
    name = "、".join(" ".join(part for part in one if part) for one in whose)
    sent = replace(sent, code=first.code, unit=name, round=max(stamp.round for stamp in stamps))
    if len(whose) > 1:
        return _refused(replace(sent, state="mixed"), catalogue, findings, found=name)
    wanted = (cycle.settings.cycle, cycle.settings.year)
    if odd := next((stamp for stamp in stamps if (stamp.cycle, stamp.year) != wanted), None):
        words = {"found": f"{odd.cycle} {odd.year}".strip() or "（没有写）", "expected": " ".join(wanted)}
        return _refused(replace(sent, state="wrong_cycle"), catalogue, findings, **words)
    if forged:
        return _refused(replace(sent, state="forged"), catalogue, findings, found=name)
    unit = roster.units.get(first.code)
    if unit is None or not unit.fills:
        return _refused(replace(sent, state="wrong_unit"), catalogue, findings, found=name)
    form = cycle.form_of(unit.department, unit.department_code)
    if odd := next((stamp for stamp in stamps if stamp.form != form), None):
        return _refused(replace(sent, state="wrong_form"), catalogue, findings, found=odd.form, expected=form)
    return sent


def _refused(sent: Sent, catalogue: Catalogue, findings: list[Finding], **words: str) -> Sent:
    finding = catalogue.finding(f"collect.{sent.state}", At(sent.file), field=sent.unit, identity=sent.sha256, **words)  # type: ignore[arg-type]  # mypy cannot see that words holds no `others`
    findings.append(finding)
    return replace(sent, detail=finding.message)


def _duplicates(tables: Tables, changed: Mapping[str, float]) -> list[Sent]:
    """Files with the same bytes as another, of which only one was read."""
    told = tables.findings.filter(pl.col("code") == "folder.same_file").select("file", "others", "message")
    return [
        Sent(str(at[0]), "duplicate", changed=changed.get(str(at[0]), 0.0), detail=message.replace(str(at[0]), file))
        for file, others, message in told.iter_rows()
        for at in others
    ]


def _first_errors(findings: Iterable[Finding]) -> dict[str, str]:
    """Why a file gave nothing: the first error, else the first thing, that was said of it."""
    said: dict[str, str] = {}
    for finding in sorted(findings, key=lambda one: one.severity != "error"):
        said.setdefault(finding.at.file, finding.message)
    return said


def _latest(files: Sequence[Sent], roster: Roster, catalogue: Catalogue, findings: list[Finding]) -> Sorted:
    by_unit: dict[str, list[Sent]] = defaultdict(list)
    for sent in files:
        if sent.state == "taken":
            by_unit[sent.code].append(sent)
    told: dict[str, Sent] = {}
    taken: dict[str, Sent] = {}
    for code, some in by_unit.items():
        some.sort(key=lambda sent: sent.rank, reverse=True)
        newest, name = [sent for sent in some if sent.rank == some[0].rank], roster.units[code].name
        if len(newest) > 1:
            names = "、".join(sent.file for sent in newest)
            finding = catalogue.finding(
                "collect.tie", At(newest[0].file), field=name, found=names, identity=code, others=[At(sent.file) for sent in newest[1:]]
            )
            findings.append(finding)
            told |= {sent.file: replace(sent, state="tie", detail=finding.message) for sent in newest}
        else:
            taken[code] = newest[0]
        for sent in some[len(newest) :]:
            finding = catalogue.finding("collect.superseded", At(sent.file), field=name, found=newest[0].file, identity=code)
            findings.append(finding)
            told[sent.file] = replace(sent, state="superseded", detail=finding.message)
    return Sorted(taken, tuple(told.get(sent.file, sent) for sent in files), tuple(findings))


def ledger(sorted_: Sorted, tables: Tables, roster: Roster, deadline: dt.date | None, altered_by: Sequence[str]) -> Ledger:
    """How far each unit is, from the judged tables of the files that count.

    Late is what was both saved and received after the deadline: neither time alone can be trusted against the unit.
    """
    findings: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings_of(tables):
        findings[finding.at.file].append(finding)
    forms = dict(tables.returns.group_by("file").len().iter_rows())
    ties = {sent.code for sent in sorted_.files if sent.state == "tie"}
    lines = []
    for unit in roster.filling:
        sent = sorted_.taken.get(unit.code)
        if sent is None:
            lines.append(Line(unit, "tie" if unit.code in ties else "missing"))
            continue
        mine = findings[sent.file]
        errors = sum(one.open and one.severity == "error" for one in mine)
        queries = sum(one.open and one.severity == "query" for one in mine)
        lines.append(Line(
            unit, "blocked" if errors else "waiting" if queries else "accepted", sent, _late(sent, deadline),
            any(one.code.startswith(tuple(altered_by)) for one in mine), forms.get(sent.file, 0), errors, queries,
            sum(one.status != "" and not one.open for one in mine),
        ))  # fmt: skip
    return Ledger(tuple(lines), tuple(sent for sent in sorted_.files if sent.state != "taken"))


def _late(sent: Sent, deadline: dt.date | None) -> bool:
    if deadline is None:
        return False
    times = [_local_day(moment) for moment in (sent.modified, _utc(sent.changed)) if moment]
    return bool(times) and min(times) > deadline.isoformat()


def _utc(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds else ""


def local_time(moment: str) -> str:
    """A moment in UTC as the clock on the wall here said it; as it is when it is none."""
    try:
        return f"{dt.datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return moment


def received_time(sent: Sent) -> str:
    return local_time(_utc(sent.changed))


def _local_day(moment: str) -> str:
    return local_time(moment)[:10]
