"""Keys of findings: what a finding is about, told so that it is known again in the next round.

A key hashes the rule, the form instance, the field or line, and the values found; never where they stand or what the file is
called. So explanations and decisions follow a cell that moves, and lapse when its value changes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import polars as pl

from xlgoals.findings import Catalogue, Finding, finding_key
from xlgoals.records import RowCol, cell_spot
from xlgoals.tables import Tables
from xlgoals.words import bare

MOVING = "moves"  # a rule's parameter: which words of its findings tell places, and are no part of the key
_LOOSE = re.compile(r"^(.*\.)(\+\d+)(\.\w+)?$")  # the record of a line that has no key of its own, only a row
_CELL = re.compile(r"[A-Z]{1,3}[1-9][0-9]{0,6}")


class Home(NamedTuple):
    """One form instance: where it stands, and what its findings' keys hang on."""

    rid: str
    file: str
    sheet: str
    first: int
    last: int
    subject: str


class Keys:
    """The keys of the findings on some files, from what their tables hold; `home` is each form instance by rid."""

    def __init__(self, tables: Tables, catalogue: Catalogue) -> None:
        self.home: dict[str, Home] = {home.rid: home for home in homes_of(tables)}
        self._places = tables.places
        self._moving = {code: frozenset(words.split()) for code, rule in catalogue.rules.items() if (words := rule.parameters.get(MOVING))}

    def of(self, code: str, home: Home | None, record: str, found: str, expected: str, subject: str = "") -> str:
        """The key of a finding on a record of a form instance, or on a `subject` that belongs to none."""
        if home and "+" in record and (loose := _LOOSE.match(record)):
            record = f"{loose[1]}{self._lines.get((home.rid, loose[1] + loose[2]), '')}{loose[3] or ''}"
        values = [" ".join(found.split()), " ".join(expected.split())]
        if moves := self._moving.get(code):
            values = [value for name, value in zip(("found", "expected"), values, strict=True) if name not in moves]
        return finding_key(code, home.subject if home else subject, record, *values)

    @cached_property
    def _lines(self) -> Mapping[tuple[str, str], str]:
        """What tells the lines that have no keys of their own apart, by rid and line: their name, else all they say."""
        found: dict[tuple[str, str], list[str]] = {}
        named: dict[tuple[str, str], str] = {}
        loose = self._places.filter(pl.col("key").str.contains(r"\.\+\d"))
        for rid, key, text in loose.select("rid", "key", "text").iter_rows():
            if match := _LOOSE.match(key):
                line = rid, match[1] + match[2]
                found.setdefault(line, []).append(bare(text))
                if match[3] == ".name" and text:
                    named[line] = bare(text)
        return {line: named.get(line) or "/".join(sorted(texts)) for line, texts in found.items()}


def keyed(findings: Iterable[Finding], tables: Tables, catalogue: Catalogue) -> list[Finding]:
    """Give findings of the files of these tables their keys."""
    every = list(findings)
    if not every:
        return []
    keys = Keys(tables, catalogue)
    homes, owners = by_sheet(keys.home.values()), _owners(tables)
    told = []
    for one in every:
        place = home_of(homes.get((one.at.file, one.at.sheet), ()), one.at.cell)
        whose = "|".join((owners.get(one.at.file) or one.at.file, one.at.sheet))
        told.append(one._replace(key=keys.of(one.code, place, one.record or one.field, one.found, one.expected, whose)))
    return told


def by_sheet(homes: Iterable[Home]) -> Mapping[tuple[str, str], list[Home]]:
    """Form instances by file and sheet."""
    found: dict[tuple[str, str], list[Home]] = {}
    for home in homes:
        found.setdefault((home.file, home.sheet), []).append(home)
    return found


def homes_of(tables: Tables) -> list[Home]:
    """The form instances that tables hold."""
    columns = ("rid", "file", "sheet", "area", "form", "instance", "unit", "project_code", "project_name")
    rows = list(tables.returns.select(columns).iter_rows())
    shared = Counter((file, form, instance) for _, file, _, _, form, instance, *_ in rows)
    homes: list[Home] = []
    for rid, file, sheet, area, form, instance, unit, code, name in rows:
        project = code or name or sheet
        if instance and unit:  # the place in the unit's workbook: it stays when the project's name is mended
            project = instance if shared[file, form, instance] == 1 else f"{instance}/{project}"
        first, _, last = area.partition(":")
        homes.append(Home(rid, file, sheet, _row(first), _row(last or first), "|".join((form, bare(unit), bare(project)))))
    return homes


def _owners(tables: Tables) -> Mapping[str, str]:
    """Of each file whose it is, for findings that belong to no form of it."""
    files: dict[str, dict[str, None]] = {}
    for file, form, unit in tables.returns.select("file", "form", "unit").unique(maintain_order=True).iter_rows():
        files.setdefault(file, {})["|".join((form, bare(unit)))] = None
    return {file: "；".join(sorted(subjects)) for file, subjects in files.items()}


def home_of(homes: Sequence[Home], cell: str) -> Home | None:
    """The instance that a cell belongs to: a form is not a sheet."""
    if len(homes) == 1:
        return homes[0]
    match = _CELL.match(cell)
    row = _row(match[0]) if match else -1
    return next((home for home in homes if home.first <= row <= home.last), None)


def _row(cell: str) -> int:
    spot: RowCol = cell_spot(cell.encode()) if _CELL.fullmatch(cell) else (-1, -1)
    return spot[0]
