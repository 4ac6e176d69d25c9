"""Keys of findings: what a finding is about, told so that it is known again in the next round.

A key hashes the rule, the form instance, the field or line, and the values found; never where they stand or what the file is
called. So explanations and decisions follow a cell that moves, and lapse when its value changes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import polars as pl

from xlgoals.findings import Catalogue, Finding, finding_key
from xlgoals.records import RowCol, cell_spot
from xlgoals.tables import Tables
from xlgoals.words import bare

MOVING = "moves"  # a rule's parameter: which words of its findings tell places, and are no part of the key
_LOOSE = re.compile(r"^(.*\.)(\+\d+)(\.\w+)?$")  # the record of a line that has no key of its own, only a row
_CELL = re.compile(r"[A-Z]{1,3}[1-9][0-9]{0,6}")


class _Home(NamedTuple):
    """One form instance: where it stands, and what its findings' keys hang on."""

    rid: str
    first: int
    last: int
    subject: str


def keyed(findings: Iterable[Finding], tables: Tables, catalogue: Catalogue) -> list[Finding]:
    """Give findings of the files of these tables their keys."""
    homes, files = _homes(tables)
    lines = cache(lambda rid: _lines(tables, rid))
    moving = {code: frozenset(words.split()) for code, rule in catalogue.rules.items() if (words := rule.parameters.get(MOVING))}
    told = []
    for one in findings:
        home = _home(homes.get((one.at.file, one.at.sheet), ()), one.at.cell)
        subject = home.subject if home else "|".join((files.get(one.at.file) or one.at.file, one.at.sheet))
        record = one.record or one.field
        if home and "+" in record and (loose := _LOOSE.match(record)):
            record = f"{loose[1]}{lines(home.rid).get(loose[1] + loose[2], '')}{loose[3] or ''}"
        moves = moving.get(one.code, ())
        values = (" ".join(value.split()) for name, value in (("found", one.found), ("expected", one.expected)) if name not in moves)
        told.append(one._replace(key=finding_key(one.code, subject, record, *values)))
    return told


def _homes(tables: Tables) -> tuple[Mapping[tuple[str, str], list[_Home]], Mapping[str, str]]:
    """The form instances by file and sheet; and of each file whose it is, for findings that belong to no form of it."""
    columns = ("rid", "file", "sheet", "area", "form", "instance", "unit", "project_code", "project_name")
    rows = list(tables.returns.select(columns).iter_rows())
    shared = Counter((file, form, instance) for _, file, _, _, form, instance, *_ in rows)
    homes: dict[tuple[str, str], list[_Home]] = {}
    files: dict[str, dict[str, None]] = {}
    for rid, file, sheet, area, form, instance, unit, code, name in rows:
        project = code or name or sheet
        if instance and unit:  # the place in the unit's workbook: it stays when the project's name is mended
            project = instance if shared[file, form, instance] == 1 else f"{instance}/{project}"
        first, _, last = area.partition(":")
        homes.setdefault((file, sheet), []).append(_Home(rid, _row(first), _row(last or first), "|".join((form, bare(unit), bare(project)))))
        files.setdefault(file, {})["|".join((form, bare(unit)))] = None
    return homes, {file: "；".join(sorted(subjects)) for file, subjects in files.items()}


def _home(homes: Sequence[_Home], cell: str) -> _Home | None:
    """The instance that a cell belongs to: a form is not a sheet."""
    if len(homes) == 1:
        return homes[0]
    match = _CELL.match(cell)
    row = _row(match[0]) if match else -1
    return next((home for home in homes if home.first <= row <= home.last), None)


def _row(cell: str) -> int:
    spot: RowCol = cell_spot(cell.encode()) if _CELL.fullmatch(cell) else (-1, -1)
    return spot[0]


def _lines(tables: Tables, rid: str) -> Mapping[str, str]:
    """What tells the lines of an instance that have no keys apart: their name, else all they say."""
    found: dict[str, list[str]] = {}
    named: dict[str, str] = {}
    for key, text in tables.places.filter((pl.col("rid") == rid) & pl.col("key").str.contains(r"\.\+\d")).select("key", "text").iter_rows():
        if match := _LOOSE.match(key):
            found.setdefault(match[1] + match[2], []).append(bare(text))
            if match[3] == ".name" and text:
                named[match[1] + match[2]] = bare(text)
    return {line: named.get(line) or "/".join(sorted(texts)) for line, texts in found.items()}
