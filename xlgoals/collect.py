"""Who has sent what: the ledger of a cycle's inbox.

Whose workbook it is, and of which round, is told by the stamps in it, never by the file name. Of several of one unit the latest
counts: by round, then by the time the document was saved, then by the file's own time. Nothing is dropped unnamed.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import polars as pl

from xlgoals.carry import OWN
from xlgoals.cycle import Cycle
from xlgoals.findings import Catalogue, Finding
from xlgoals.forms import Forms
from xlgoals.parse import ALL_BLANK
from xlgoals.records import At, Stamp
from xlgoals.roster import Roster, Unit
from xlgoals.sources import UNREAD, Source
from xlgoals.stamp import UNSIGNED
from xlgoals.tables import INDICATOR_MORE, OPEN, Tables

UnitState = Literal["accepted", "waiting", "blocked", "tie", "blank", "missing"]
FileState = Literal[
    "taken", "superseded", "duplicate", "wrong_unit", "mixed", "wrong_cycle", "wrong_form", "forged", "unstamped", "blank", "answers", "unreadable", "tie"
]
NOT_ITS = ("wrong_cycle", "wrong_form", "forged")  # whose such a file is is known all the same
GAVE_NOTHING = ("unreadable", "answers")  # no form was read in such a file; what was found in it is told all the same
BACK = (*GAVE_NOTHING, "blank")  # such a file goes back to who sent it


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
    """How far a unit is. `sent` is the file that counts, None when there is none; `vain` one that it did send, and that is not taken."""

    unit: Unit
    state: UnitState
    sent: Sent | None = None
    late: bool = False
    altered: bool = False
    forms: int = 0
    errors: int = 0
    queries: int = 0
    answered: int = 0
    vain: Sent | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A line a unit that is to send a form, in the roster's order, and the files that do not count."""

    lines: tuple[Line, ...]
    others: tuple[Sent, ...]

    @property
    def received(self) -> int:
        return sum(line.state != "missing" for line in self.lines)


@dataclass(slots=True)
class Seen:
    """What reading gave of one file: the stamps of its forms, each once, without what differs from sheet to sheet; when the document
    was saved, its hash; whether any form was read, and whether the unit wrote anything into the file; whether all its forms are blank, and
    whose they are; whether a stamp is not signed; why it gave nothing."""

    stamps: dict[Stamp, None] = field(default_factory=dict)
    modified: str = ""
    sha256: str = ""
    read: bool = False
    written: bool = False
    blank: bool = False
    owner: str = ""
    unsigned: bool = False
    why: str = ""
    failed: bool = False


SEEN = ("returns", "stamps", "findings", "values", "funds", "goals", "indicators", "details")  # the tables that it takes
OF_A_FILE = ("form", "year", "unit", "code", "cycle", "round")  # what all stamps of a good workbook have in common


def seen(pieces: Iterable[Sequence[pl.DataFrame]]) -> dict[str, Seen]:
    """What is to be known of files before any is judged, from their tables `SEEN`, as many or few at a time as there are."""
    found: dict[str, Seen] = defaultdict(Seen)
    for returns, stamps, findings, *contents in pieces:
        for file in returns["file"].unique(maintain_order=True):
            found[file].read = True
        for file in _written(returns, findings, *contents):
            found[file].written = True
        frame = stamps.join(returns.select("rid", "file", "sha256"), on="rid", how="inner", maintain_order="left")
        for row in frame.select("file", "sha256", "modified", *OF_A_FILE).unique(maintain_order=True).iter_rows(named=True):
            one = found[row["file"]]
            one.modified, one.sha256 = row["modified"], row["sha256"]
            one.stamps[Stamp(1, digest="", **{name: row[name] for name in OF_A_FILE})] = None
        told = findings.filter(~pl.col("file").is_in(returns["file"].unique().implode()) | pl.col("code").is_in(UNSIGNED))
        for file, code, severity, owner, message in told.select("file", "code", "severity", "field", "message").iter_rows():
            one = found[file]
            one.unsigned |= code in UNSIGNED
            if code == ALL_BLANK:
                one.blank, one.owner = True, owner
            if not one.why or (severity == "error" and not one.failed):
                one.why, one.failed = message, severity == "error"
    return found


def _written(
    returns: pl.DataFrame, findings: pl.DataFrame, values: pl.DataFrame, funds: pl.DataFrame, goals: pl.DataFrame, indicators: pl.DataFrame,
    details: pl.DataFrame,
) -> set[str]:  # fmt: skip
    """The files in which something stands that the roster did not tell, or may stand: reading found what it could not make out."""
    typed = (
        values.filter((pl.col("text") != "") & ~pl.col("key").is_in(OWN)), funds.filter(pl.col("printed") != ""), goals.filter(pl.col("text") != ""),
        indicators.filter(pl.any_horizontal(pl.col("name", "target", *INDICATOR_MORE) != "")), details.filter(pl.col("text") != ""),
    )  # fmt: skip
    doubtful = findings.filter((pl.col("severity") != "note") & ~pl.col("code").is_in([ALL_BLANK, *UNSIGNED]))
    return {*returns.filter(pl.col("rid").is_in(pl.concat([one.select("rid") for one in typed])["rid"].implode()))["file"], *doubtful["file"]}


@dataclass(frozen=True, slots=True)
class Sorted:
    """The inbox sorted out before anything is judged: by unit the file that counts, all files, what is to be said of them."""

    taken: Mapping[str, Sent]
    files: tuple[Sent, ...]
    findings: tuple[Finding, ...]
    unopened: tuple[Sent, ...] = ()  # archives and what lies in them that could not even be listed

    @property
    def told(self) -> set[str]:
        """The files that are judged: those that count, and those that gave nothing, for that is to be told."""
        return {sent.file for sent in self.taken.values()} | {sent.file for sent in self.files if sent.state in GAVE_NOTHING}

    def of(self, listed: Iterable[Finding]) -> list[Finding]:
        """What was found listing the inbox, without what speaks of files that do not count, and what was found sorting it out."""
        dropped = {sent.file for sent in self.files} - self.told
        return [*(one for one in listed if one.at.file not in dropped), *self.findings]


def sorted_out(
    known: Mapping[str, Seen], sources: Sequence[Source], listed: Sequence[Finding], roster: Roster, cycle: Cycle, forms: Forms
) -> Sorted:
    """Tell of every file of the inbox whose it is and whether it counts. `listed`: what was found listing them."""
    catalogue = forms.catalogue
    files: list[Sent] = []
    findings: list[Finding] = []
    for source in sources:
        one = known.get(source.name) or Seen()
        sent = Sent(source.name, "taken", modified=one.modified, changed=source.changed, sha256=one.sha256)
        if one.blank and not (one.read or one.written):
            files.append(_refused(replace(sent, state="blank", code=one.owner.partition(" ")[0], unit=one.owner), catalogue, findings))
        elif not one.read:
            files.append(replace(sent, state="unreadable" if one.why else "answers", detail=one.why))
        elif not one.stamps:
            files.append(_refused(replace(sent, state="unstamped"), catalogue, findings))
        else:
            judged = _judged(sent, list(one.stamps), bool(cycle.key) and one.unsigned, roster, cycle, forms, findings)
            empty = judged.state == "taken" and not one.written
            files.append(_refused(replace(judged, state="blank"), catalogue, findings) if empty else judged)
    files += _duplicates(listed, {source.name: source.changed for source in sources})
    unopened = tuple(Sent(one.at.file, "unreadable", detail=one.message) for one in listed if one.code.startswith(UNREAD))
    return replace(_latest(files, roster, catalogue, findings), unopened=unopened)


def _judged(
    sent: Sent, stamps: Sequence[Stamp], forged: bool, roster: Roster, cycle: Cycle, forms: Forms, findings: list[Finding]
) -> Sent:
    """Whose workbook a stamped file is, and whether it is one that this cycle sent out. Whether it is forged was told by the stamps
    as they stand in the file: those of the returns are what reading made of them."""
    catalogue = forms.catalogue
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
    if odd := next((stamp for stamp in stamps if stamp.form not in forms.of(form)), None):
        return _refused(replace(sent, state="wrong_form"), catalogue, findings, found=odd.form, expected=form)
    return sent


def _refused(sent: Sent, catalogue: Catalogue, findings: list[Finding], **words: str) -> Sent:
    finding = catalogue.finding(f"collect.{sent.state}", At(sent.file), field=sent.unit, identity=sent.sha256, **words)  # type: ignore[arg-type]  # mypy cannot see that words holds no `others`
    findings.append(finding)
    return replace(sent, detail=finding.message)


def _duplicates(listed: Iterable[Finding], changed: Mapping[str, float]) -> list[Sent]:
    """Files with the same bytes as another, of which only one was read."""
    return [
        Sent(at.file, "duplicate", changed=changed.get(at.file, 0.0), detail=one.message.replace(at.file, one.at.file))
        for one in listed
        if one.code == "folder.same_file"
        for at in one.others
    ]


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


class Stood(NamedTuple):
    """How a file stands that was judged."""

    forms: int = 0
    errors: int = 0
    queries: int = 0
    answered: int = 0
    altered: bool = False


def stood(tables: Tables, altered_by: Sequence[str]) -> dict[str, Stood]:
    """How the files of judged tables stand. `altered_by`: how codes begin that say a form was altered."""
    count = {
        "errors": OPEN & (pl.col("severity") == "error"), "queries": OPEN & (pl.col("severity") == "query"),
        "answered": (pl.col("status") != "") & ~OPEN,
    }  # fmt: skip
    altered = pl.any_horizontal(pl.lit(value=False), *(pl.col("code").str.starts_with(code) for code in altered_by)).any()
    found = tables.findings.group_by("file").agg(**{name: one.sum() for name, one in count.items()}, altered=altered)
    forms = dict(tables.returns.group_by("file").len().iter_rows())
    told = {file: Stood(forms.get(file, 0), *rest) for file, *rest in found.iter_rows()}
    return {file: Stood(number) for file, number in forms.items()} | told


def ledger(sorted_: Sorted, standing: Mapping[str, Stood], roster: Roster, deadline: dt.date | None) -> Ledger:
    """How far each unit is, from how the files stand that count.

    Late is what was both saved and received after the deadline: neither time alone can be trusted against the unit.
    """
    ties, blank = ({sent.code for sent in sorted_.files if sent.state == state} for state in ("tie", "blank"))
    lines = []
    state: UnitState
    for unit in roster.filling:
        sent = sorted_.taken.get(unit.code)
        if sent is None:
            vain = [sent for sent in sorted_.files if sent.code == unit.code and sent.state in NOT_ITS]
            state = "tie" if unit.code in ties else "blank" if unit.code in blank else "missing"
            lines.append(Line(unit, state, vain=max(vain, key=lambda sent: sent.rank, default=None) if state == "missing" else None))
            continue
        its = standing.get(sent.file, Stood())
        state = "blocked" if its.errors else "waiting" if its.queries else "accepted"
        lines.append(Line(unit, state, sent, _late(sent, deadline), its.altered, its.forms, its.errors, its.queries, its.answered))
    return Ledger(tuple(lines), (*(sent for sent in sorted_.files if sent.state != "taken"), *sorted_.unopened))


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
