"""Two rounds of the same returns: what changed, which problems were mended, which are new, which are still there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import polars as pl

from xlgoals.findings import Finding
from xlgoals.keys import by_sheet, home_of, homes_of
from xlgoals.records import At
from xlgoals.tables import Tables

Fate = Literal["mended", "new", "still", "otherwise"]
FATES: tuple[Fate, ...] = ("new", "otherwise", "still", "mended")
PARTS = ("level1", "level2", "name", "target")


class Change(NamedTuple):
    """One value that the two rounds say differently; blank where it was not there."""

    project: str
    field: str
    before: str
    after: str
    at: At  # in the later round; in the earlier where the later has it no more


class Judged(NamedTuple):
    """What became of a finding. `otherwise`: the value was changed, and the same rule still speaks of it."""

    fate: Fate
    finding: Finding  # the later round's, where it has one
    project: str  # the form it speaks of; the file, where it speaks of none


@dataclass(frozen=True, slots=True)
class Difference:
    """Between two rounds: forms that came or went, values changed, findings by fate."""

    gone: tuple[str, ...]
    came: tuple[str, ...]
    changes: tuple[Change, ...]
    findings: tuple[Judged, ...]


def difference(before: Tables, after: Tables, before_findings: Iterable[Finding], after_findings: Iterable[Finding]) -> Difference:
    """Compare two batches, form by form: by identity, else by the place of the form in its workbook and layout."""
    pairs, gone, came = _paired(before.returns, after.returns)
    old, new = _said(before), _said(after)
    changes = [one for first, second in pairs for one in _changes(first, second, old[first["rid"]], new[second["rid"]])]
    identities = {first["identity"]: second["identity"] for first, second in pairs}
    return Difference(
        tuple(_name(row) for row in gone), tuple(_name(row) for row in came), tuple(changes),
        tuple(_judged(_placed(before, before_findings), _placed(after, after_findings), identities)),
    )  # fmt: skip


def _name(row: Mapping[str, Any]) -> str:
    return str(row["project_name"] or row["project_code"] or f"{row['file']} {row['sheet']}")


def _paired(before: pl.DataFrame, after: pl.DataFrame) -> tuple[list[tuple[dict[str, Any], dict[str, Any]]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Forms of the two rounds that are one: the surest sign first."""
    olds, news = before.to_dicts(), after.to_dicts()
    pairs = []
    for sign in (("identity",), ("form", "unit", "project_code"), ("form", "unit", "project_name"), ("form", "unit", "instance"), ("form", "unit", "sheet")):
        known = defaultdict(list)
        for row in news:
            known[tuple(row[column] for column in sign)].append(row)
        for row in list(olds):
            named = tuple(row[column] for column in sign)
            if named[-1] and known[named]:
                pairs.append((row, known[named].pop(0)))
        done = {id(row) for pair in pairs for row in pair}
        olds, news = [row for row in olds if id(row) not in done], [row for row in news if id(row) not in done]
    order = {id(row): n for n, row in enumerate(after.to_dicts())}
    return sorted(pairs, key=lambda pair: (pair[1]["file"], order.get(id(pair[1]), 0))), olds, news


class _Value(NamedTuple):
    label: str
    text: str
    cell: str


def _said(tables: Tables) -> dict[str, dict[str, _Value]]:
    """All that each form says, by what it is: an indicator's parts by its levels and name, so that lines may move."""
    lines: dict[tuple[str, str], str] = {}
    met: dict[tuple[str, ...], int] = defaultdict(int)
    for row in tables.indicators.iter_rows(named=True):
        what = (row["rid"], row["horizon"], row["level1"], row["level2"], row["name"])
        met[what] += 1
        lines[row["rid"], row["key"]] = "\x1f".join((*what[1:], str(met[what])))
    said: dict[str, dict[str, _Value]] = defaultdict(dict)
    for rid, key, cell, text, label in tables.places.select("rid", "key", "cell", "text", "label").iter_rows():
        line, _, part = key.rpartition(".")
        if (name := lines.get((rid, line))) is not None:
            words = name.split("\x1f")
            if part not in ("level1", "level2"):
                said[rid][f"{name}.{part}"] = _Value(f"{words[2] or words[1]} {words[3]} {label}".strip(), text, cell)
        elif not key.startswith("indicators."):
            said[rid][key] = _Value(label, text, cell)
    return said


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], before: Mapping[str, _Value], after: Mapping[str, _Value]) -> Iterator[Change]:
    for key in dict.fromkeys((*after, *before)):
        was, now = before.get(key), after.get(key)
        if (was.text if was else "") != (now.text if now else ""):
            told = now or was
            assert told
            at = At(new["file"], new["sheet"], now.cell) if now else At(old["file"], old["sheet"], told.cell)
            yield Change(_name(new), told.label, was.text if was else "", now.text if now else "", at)


def _placed(tables: Tables, findings: Iterable[Finding]) -> list[tuple[Finding, str, str]]:
    """Findings with the form they speak of: its identity and its name. Several forms may stand on one sheet."""
    homes = by_sheet(homes_of(tables))
    forms = {row["rid"]: (str(row["identity"]), _name(row)) for row in tables.returns.iter_rows(named=True)}
    told = []
    for one in findings:
        home = home_of(homes.get((one.at.file, one.at.sheet), ()), one.at.cell)
        told.append((one, *(forms[home.rid] if home else ("", one.at.file))))
    return told


def _judged(
    before: Iterable[tuple[Finding, str, str]], after: Iterable[tuple[Finding, str, str]], identities: Mapping[str, str]
) -> Iterator[Judged]:
    """The fate of each finding: by its key, which holds the values, else by rule and record of the same form."""

    def subject(finding: Finding, identity: str) -> tuple[str, ...]:
        return finding.code, identity, finding.record or f"{finding.at.sheet}!{finding.at.cell}"

    rest: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
    keys: dict[str, list[tuple[Finding, str]]] = defaultdict(list)
    for one, identity, project in before:
        keys[one.key].append((one, project))
        rest[subject(one, identities.get(identity, identity))].append(one)
    told: set[int] = set()
    for one, identity, project in after:
        same = [old for old, _ in keys[one.key] if id(old) not in told]
        like = [old for old in rest[subject(one, identity)] if id(old) not in told]
        for fate, known in (("still", same), ("otherwise", like)):
            if known:
                told.add(id(known[0]))
                yield Judged(fate, one, project)  # type: ignore[arg-type]  # mypy widens the literals of a tuple
                break
        else:
            yield Judged("new", one, project)
    yield from (Judged("mended", one, project) for some in keys.values() for one, project in some if id(one) not in told)
