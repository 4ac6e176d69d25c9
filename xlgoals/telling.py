"""What rules found, told: the place of each failing row, its words and its key, as rows of the findings table.

A county makes hundreds of thousands of them, so they become rows at once, never objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import polars as pl

from xlgoals.conditions import Condition
from xlgoals.findings import Catalogue, Finding
from xlgoals.keys import Keys, keyed
from xlgoals.records import At
from xlgoals.rules import DEFECT
from xlgoals.tables import Tables, as_rows, cell_column, cell_row, framed

Place = tuple[str, str]  # rid, record key
NOWHERE = ("", "", "")  # cell, text and label of what stands in no cell


class Failure(NamedTuple):
    """A row that does not meet a condition: which return, which record, and the words to say it with."""

    condition: Condition
    rid: str
    record: str
    words: Mapping[str, str]
    others: tuple[Place, ...] = ()


class Defect(NamedTuple):
    """A rule, or what a table needs for its rules, that crashed."""

    rule: str
    error: str


@dataclass(slots=True)
class Outcome:
    """What a batch yields before places are looked up; `findings` are those that know their places already."""

    failures: list[Failure] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def crashed(self, conditions: Iterable[Condition], error: str) -> None:
        self.defects += [Defect(code, error) for code in dict.fromkeys(one.code for one in conditions)]


def told(outcome: Outcome, tables: Tables, catalogue: Catalogue) -> pl.DataFrame:
    """Tell all that a batch yields, each finding with the return that it is about. A defect is about all of them; findings that know
    their places need none."""
    defects = list(outcome.defects)
    rows = list(_phrased(_led(outcome.failures, tables, catalogue), tables, catalogue, defects))
    crashed = as_rows(catalogue.finding(DEFECT, At(""), found=one.rule, error=one.error) for one in dict.fromkeys(defects))
    rows += [(rid, *row) for row in crashed for rid in (tables.returns["rid"].to_list() or [""])]
    rows += [("", *row) for row in as_rows(keyed(outcome.findings, tables, catalogue))]
    return framed("judged", rows)


def _led(failures: Sequence[Failure], tables: Tables, catalogue: Catalogue) -> Iterator[Failure]:
    """Leave out what only follows from another finding: a rule's `unless` names those that say it better."""
    better = {code: words.split() for code, rule in catalogue.rules.items() if (words := rule.parameters.get("unless"))}
    leading = {code for codes in better.values() for code in codes}
    said = set(tables.judged.filter(pl.col("code").is_in(leading)).select("code", "rid", "record").rows())
    said.update((one.condition.code, one.rid, one.record) for one in failures if one.condition.code in leading)
    for one in failures:
        codes, about = better.get(one.condition.code, ()), one.condition.about or (one.record,)
        if not any((code, one.rid, record) in said for code in codes for record in about):
            yield one


def _phrased(failures: Iterable[Failure], tables: Tables, catalogue: Catalogue, defects: list[Defect]) -> Iterator[tuple[object, ...]]:
    """Each failure as a row; a sentence that asks for a word that its kind does not pass is a defect."""
    every = list(failures)
    if not every:
        return
    places, keys = _places(every, tables), Keys(_concerned(every, tables), catalogue)
    for condition, rid, record, words, others in every:
        home = keys.home[rid]
        cell, text, label = places.get((rid, record), NOWHERE)
        at, told = (home.file, home.sheet, cell), {"found": text, "other": "", "expected": ""}
        beside: tuple[tuple[str, str, str], ...] = ()
        if others:
            named = [(keys.home[of], *places.get((of, key), NOWHERE)) for of, key in others]
            beside = tuple(there for of, spot, _, _ in named if (there := (of.file, of.sheet, spot)) != at and (spot or of is not home))
            told["other"] = named[0][3]
        told.update(words)
        called = told["field"] = label or condition.label
        rule = catalogue[condition.code]
        try:
            message, remedy = rule.phrased(told)
        except Exception as error:
            defects.append(Defect(condition.code, type(error).__name__))
            continue
        found, expected = told["found"], told["expected"]
        key = keys.of(condition.code, home, record or called, found, expected)
        yield rid, condition.code, rule.severity, *at, called, found, expected, message, remedy, key, rule.amount, record, beside, "", ""


def _concerned(failures: Sequence[Failure], tables: Tables) -> Tables:
    """The tables with the returns of only those files that failures speak of: of many files, mostly few."""
    rids = {one.rid for one in failures} | {rid for one in failures for rid, _ in one.others}
    files = tables.returns.filter(pl.col("rid").is_in(list(rids)))["file"].unique()
    return replace(tables, returns=tables.returns.filter(pl.col("file").is_in(files.implode())))


def _places(failures: Sequence[Failure], tables: Tables) -> dict[Place, tuple[str, str, str]]:
    """Cell, text and label of every record that a failure speaks of."""
    wanted = {(one.rid, one.record) for one in failures if one.record}
    wanted.update(place for one in failures for place in one.others if place[1])
    if not wanted:
        return {}
    rids, keys = zip(*wanted, strict=True)
    asked = pl.DataFrame({"rid": rids, "key": keys}, schema={"rid": pl.String(), "key": pl.String()})
    found = tables.places.join(asked, on=["rid", "key"], how="semi")
    return {(rid, key): (cell, text, label) for rid, key, cell, text, label in found.select("rid", "key", "cell", "text", "label").rows()}


def sorted_by_place(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings as people read them: file, sheet, row, column; what concerns a whole sheet first."""
    place = {"#row": cell_row(pl.col("cell")), "#column": cell_column(pl.col("cell"))}
    order = ["file", "sheet", "#row", "#column", "code", "record", "found"]
    return findings.with_columns(**place).sort(order, maintain_order=True).drop(place)
