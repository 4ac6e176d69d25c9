"""What the bureau's reviewers say: decisions on findings, opinions of their own, grades; and what follows from them.

A decision hangs on a finding's key, which holds the values found: when the unit changes them, it lapses by itself. An opinion
of a reviewer's own becomes a finding; it lapses when what stands in its cell changes. A grade is given to the content of a form;
when that changes, the grade is kept and marked.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from xlgoals.findings import Catalogue, Finding, Status
from xlgoals.records import At
from xlgoals.tables import Tables
from xlgoals.words import bare

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """A reviewer's verdict on one finding, "" while there is none yet. `row` is the whole line as it stood, so that one that lapsed
    can still be shown."""

    key: str
    verdict: Status
    by: str = ""
    date: str = ""
    reason: str = ""
    row: Row = field(default_factory=dict)
    line: int = 0  # of the sheet, from 1; 0 on the page of those that lapsed

    @property
    def text(self) -> str:
        """Who decided when, and why."""
        who = " ".join(part for part in (self.by, self.date) if part)
        return "：".join(part for part in (who, self.reason) if part)


@dataclass(frozen=True, slots=True)
class Remark:
    """An opinion of a reviewer's own. `code` is the rule it counts as; `seen` what stood in its field when it was first read."""

    line: int  # of the sheet, from 1: where the reviewer finds it again
    project: str
    file: str
    sheet: str
    field: str
    code: str
    text: str
    by: str = ""
    date: str = ""
    seen: str = ""  # field and text; blank when no run has read it yet
    own: tuple[tuple[str, str], ...] = ()  # what stands in columns that reviewers have added


@dataclass(frozen=True, slots=True)
class Grade:
    """Grades of one form by the four properties of 财预〔2015〕88号, an overall grade, and of which content they were given."""

    identity: str
    digest: str
    marks: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opinions:
    """All that reviewers wrote into one 审核意见 workbook. `columns`: the headings of those they have added, by page."""

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    grades: Mapping[str, Grade] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a remark: the finding it raised, if it still stands, what stands there now, and its state."""

    remark: Remark
    state: str  # raised, changed, lost, unfinished
    seen: str
    finding: Finding | None = None


def decided(findings: Iterable[Finding], opinions: Opinions) -> list[Finding]:
    """The findings with the bureau's verdicts: it is the last word, also over a unit's explanation."""
    told = []
    for finding in findings:
        decision = opinions.decisions.get(finding.key)
        if decision and decision.verdict and finding.severity != "note":
            said = decision.text if finding.status != "explained" else "；".join(part for part in (finding.answer, decision.text) if part)
            finding = finding._replace(status=decision.verdict, answer=said)
        told.append(finding)
    return told


def remarked(remarks: Sequence[Remark], tables: Tables, catalogue: Catalogue) -> list[Told]:
    """Find the form and the field each remark speaks of, and raise it there; one whose cell has changed since is not raised again."""
    found = _returns(remarks, tables)
    labels: dict[str, dict[str, tuple[str, str, str]]] = defaultdict(dict)
    wanted = {rid for rids in found for rid in rids}
    for rid, key, cell, text, label in (
        tables.places.filter(pl.col("rid").is_in(wanted)).select("rid", "key", "cell", "text", "label").iter_rows()
    ):
        for name in (key, bare(label), bare(text)):
            if name:
                labels[rid].setdefault(name, (key, cell, text))
    return [_raised(remark, rids, labels, tables, catalogue) for remark, rids in zip(remarks, found, strict=True)]


def _returns(remarks: Sequence[Remark], tables: Tables) -> list[list[str]]:
    """The forms each remark may speak of, by project code or name, file and sheet: whatever of them is given must agree."""
    if not remarks:
        return []
    rows = [
        (rid, {bare(code), bare(name)}, {file, file.rpartition("/")[2]}, sheet)
        for rid, code, name, file, sheet in tables.returns.select("rid", "project_code", "project_name", "file", "sheet").iter_rows()
    ]
    told = []
    for one in remarks:
        project, given = bare(one.project), one.project or one.file or one.sheet
        told.append([
            rid for rid, names, files, sheet in rows
            if given and (not project or project in names) and (not one.file or one.file in files) and one.sheet in ("", sheet)
        ])  # fmt: skip
    return told


def _raised(
    remark: Remark, rids: Sequence[str], labels: Mapping[str, Mapping[str, tuple[str, str, str]]], tables: Tables, catalogue: Catalogue
) -> Told:
    if not remark.text:
        return Told(remark, "unfinished", remark.seen)
    if len(rids) != 1:
        return Told(remark, "lost", remark.seen)
    (of,) = tables.returns.filter(pl.col("rid") == rids[0]).to_dicts()
    place = labels[rids[0]].get(bare(remark.field)) if remark.field else ("", "", "")
    begins = f"{remark.field}："
    raised = remark.seen.startswith(begins)  # else the reviewer has turned it to another field
    if place is None:
        return Told(remark, "changed" if raised else "lost", remark.seen)
    record, cell, text = place
    if raised and remark.seen != begins + text:
        return Told(remark, "changed", remark.seen)
    who = " ".join(part for part in (remark.by, remark.date) if part)
    finding = catalogue.finding(
        remark.code, At(of["file"], of["sheet"], cell), field=remark.field, found=text, expected=remark.text, identity=of["identity"],
        record=record or "form", who=f"（{who}）" if who else "",
    )  # fmt: skip
    return Told(remark, "raised", begins + text, finding)


def lost(told: Iterable[Told], file: str, sheet: str, catalogue: Catalogue) -> Iterator[Finding]:
    """Say which remarks of the workbook `file` speak of no form or field, so that none is silently dropped."""
    for one in told:
        if one.state == "lost":
            yield catalogue.finding("opinion.lost", At(file, sheet, f"A{one.remark.line}"), field=one.remark.field, found=one.remark.text)


def unfinished(opinions: Opinions, file: str, sheets: Mapping[str, str], catalogue: Catalogue) -> Iterator[Finding]:
    """Say which lines of the workbook `file` are begun and do not count yet. `sheets`: the names of its pages."""
    for decision in opinions.decisions.values():
        if decision.line and not decision.verdict and decision.text:
            yield catalogue.finding("opinion.unfinished", At(file, sheets["decisions"], f"A{decision.line}"), found=decision.text)
    for remark in opinions.remarks:
        if not remark.text:
            said = " ".join(word for word in (remark.project, remark.field, remark.by, *dict(remark.own).values()) if word)
            yield catalogue.finding("opinion.unfinished", At(file, sheets["remarks"], f"A{remark.line}"), found=said)


def digests(tables: Tables) -> dict[str, str]:
    """A hash of what each form says, wherever it stands: rid -> hash."""
    hashes: dict[str, hashlib._Hash] = {}
    for rid, key, text in tables.places.filter(pl.col("text") != "").select("rid", "key", "text").sort("rid", "key").iter_rows():
        hashes.setdefault(rid, hashlib.sha256()).update(f"{key}\x1f{text}\x1e".encode("utf-8", "surrogatepass"))
    return {rid: one.hexdigest()[:16] for rid, one in hashes.items()}
