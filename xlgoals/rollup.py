"""A summary added up along the roster's tree: which return belongs to which unit, and what each node of the tree comes to.

Nodes are numbered so that all below one follow it without a gap: what a node comes to is what lies between two numbers. Each sum is
made twice, over its whole stretch and from its parts, and the two must agree. No words for people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from xlgoals.collect import Ledger
from xlgoals.consolidate import SHARE, SOURCES, STATES, WAN, Summary
from xlgoals.parts import Frame, changed, slices
from xlgoals.roster import Roster

TOP, ALL, OUTSIDE = 0, "all", "outside"
MONEY = (*(f"{source}_{state}" for state in STATES[:2] for source in SOURCES), "total")
COUNTS = ("projects", *(f"{state}_forms" for state in STATES), "indicators", "quantified_count")
REPORTED = ("units", "included")  # how many are to send a form, and of how many it is in
NUMBER = pl.Int32()


@dataclass(frozen=True, slots=True)
class Node:
    """A row of the tree: `number` to `last` are all below it; `parent` the row it is a part of, itself for the topmost row.

    `level` is the roster's word, or `all` for the topmost row and `outside` for what belongs to no unit of the roster.
    """

    number: int
    last: int
    parent: int
    depth: int
    level: str
    code: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """The rows in their order, and in which row each unit of the roster is, by code."""

    nodes: tuple[Node, ...]
    home: Mapping[str, int]


def grow(roster: Roster, level: str = "") -> Tree:
    """The roster's tree, down to a level where one is told: what lies below a unit of it is counted there. Units that no unit of
    that level stands above keep a row of their own, for the parts must come to the whole."""
    nodes: list[Node] = []
    home: dict[str, int] = {}

    def add(code: str, parent: int, depth: int) -> None:
        unit, number = roster.units[code], len(nodes) + 1
        nodes.append(Node(number, number, parent, depth, unit.level, code, unit.name))
        if level and unit.level == level:
            home.update((one.code, number) for one in roster.under(code))
            return
        home[code] = number
        for below in roster.children.get(code, ()):
            add(below.code, number, depth + 1)
        nodes[number - 1] = replace(nodes[number - 1], last=len(nodes))

    for unit in roster:
        if unit.parent not in roster.units:
            add(unit.code, TOP, 1)
    outside = len(nodes) + 1
    nodes.append(Node(outside, outside, TOP, 1, OUTSIDE))
    return Tree((Node(TOP, outside, TOP, 0, ALL), *nodes), home)


def planted(summary: Summary, tree: Tree, owners: Mapping[str, str]) -> Summary:
    """The summary with each project's row in the tree; `owners`: file -> code of the unit it is from."""
    outside = tree.nodes[-1].number
    homes = {file: tree.home.get(code, outside) for file, code in owners.items()}
    number = pl.col("file").replace_strict(homes, default=outside, return_dtype=NUMBER) if homes else pl.lit(outside, dtype=NUMBER)
    return replace(summary, projects=changed(summary.projects, lambda part: part.with_columns(node_no=number)))


def add_up(summary: Summary, tree: Tree, standing: pl.DataFrame) -> pl.DataFrame:
    """A row a node: figures of all below it, `own` what its own returns come to, and `gap` what its whole differs from its parts by.

    `standing`: a row a unit that is to send a form, with its `node_no` and whether it is `taken`.
    """
    own = {number: dict(figures) for number, figures in _own(summary.projects).items()}
    units, included = Counter(standing["node_no"]), Counter(standing.filter(pl.col("taken"))["node_no"])
    running: dict[str, list[Decimal]] = {name: [Decimal(0)] for name in (*COUNTS, *MONEY, *REPORTED)}
    for node in tree.nodes:
        mine = own.get(node.number, {}) | {"units": units[node.number], "included": included[node.number]}
        for name, sums in running.items():
            sums.append(sums[-1] + mine.get(name, 0))
    rows: list[dict[str, Any]] = []
    for node in tree.nodes:
        figures = {name: sums[node.last + 1] - sums[node.number] for name, sums in running.items()}
        rows.append({
            "node_no": node.number, "last_no": node.last, "parent_no": node.parent, "depth": node.depth, "node_level": node.level,
            "unit_code": node.code, "node_name": node.name, **figures, "own": own.get(node.number, {}).get("total", Decimal(0)),
        })  # fmt: skip
    parts: dict[int, Decimal] = {}
    for row in rows[1:]:
        parts[row["parent_no"]] = parts.get(row["parent_no"], Decimal(0)) + row["total"]
    for row in rows:
        row["gap"] = row["total"] - row["own"] - parts.get(row["node_no"], Decimal(0))
    rows[0]["gap"] = summary.total["total"][0] - parts.get(TOP, Decimal(0))  # the whole is known from elsewhere, too
    if rows[-1]["projects"] == 0:
        rows.pop()  # nothing came from outside the roster
    schema = {
        **dict.fromkeys(("node_no", "last_no", "parent_no", "depth"), NUMBER), **dict.fromkeys(("node_level", "unit_code", "node_name"), pl.String()),
        **dict.fromkeys((*REPORTED, *COUNTS), NUMBER), **dict.fromkeys((*MONEY, "own", "gap"), WAN),
    }  # fmt: skip
    kept = [{name: int(row[name]) if kind == NUMBER else row[name] for name, kind in schema.items()} for row in rows]
    return pl.DataFrame(kept, schema=schema).with_columns(SHARE)


def _own(projects: Frame) -> Mapping[int, Mapping[str, Decimal]]:
    """What the returns of each node itself come to."""
    amounts = [pl.col(source).filter(pl.col("state") == state).sum().alias(f"{source}_{state}") for state in STATES[:2] for source in SOURCES]
    counts = [(pl.col("state") == state).sum().alias(f"{state}_forms") for state in STATES]
    figures = (pl.len().alias("projects"), *counts, *amounts, pl.col("total").sum(), pl.col("indicators", "quantified_count").sum())
    found: dict[int, dict[str, Decimal]] = {}
    for part in slices(projects):
        for row in part.group_by("node_no").agg(figures).to_dicts():
            sums = found.setdefault(row.pop("node_no"), dict.fromkeys(row, Decimal(0)))
            for name, value in row.items():
                sums[name] += Decimal(value or 0)
    return found


# --- which returns are taken -------------------------------------------------------------------------------------------

INCLUDE = {"accepted": ("accepted",), "queries": ("accepted", "waiting"), "errors": ("accepted", "waiting", "blocked")}


def owners(ledger: Ledger, include: str) -> dict[str, str]:
    """The files that are rolled up, each with the code of its unit."""
    return {line.sent.file: line.unit.code for line in ledger.lines if line.sent and line.state in INCLUDE[include]}


def standing(ledger: Ledger, tree: Tree, taken: Mapping[str, str], words: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """A row a unit that is to send a form: what the ledger says of it in `words`, its row in the tree, and whether it is taken."""
    included = set(taken.values())
    counts = ("forms", "errors", "queries", "answered")
    rows = [
        {
            **told, **{name: getattr(line, name) for name in counts}, "node_no": tree.home[line.unit.code],
            "unit_code": line.unit.code, "taken": line.unit.code in included, "file": line.sent.file if line.sent else "", "sheet": "", "cell": "",
            "sha256": line.sent.sha256 if line.sent else "",
        }
        for line, told in zip(ledger.lines, words, strict=True)
    ]  # fmt: skip
    schema = {
        "node_no": NUMBER, **dict.fromkeys(("department", "unit_code", "unit", "standing", "marks"), pl.String()), "taken": pl.Boolean(),
        **dict.fromkeys(counts, NUMBER), **dict.fromkeys(("round", "modified", "received", "file", "sheet", "cell", "sha256"), pl.String()),
    }  # fmt: skip
    return pl.DataFrame([{name: row.get(name, "") for name in schema} for row in rows], schema=schema)
