"""A summary beside a former one: which projects are new, gone or changed, in amounts and in targets. Pure, no words for people."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from xlgoals.consolidate import WAN, Summary
from xlgoals.parts import slices
from xlgoals.words import bare

Row = Mapping[str, Any]
CHANGES = ("changed", "new", "gone", "same")  # the order they are told in
LEVELS = ("horizon", "level1", "level2", "name")
PLACE = ("file", "sheet", "cell")
PROJECT = ("project_no", "project_code", "project_name", "department", "unit", "total", *PLACE)  # what is asked of a project
INDICATOR = ("project_no", *LEVELS, "target", *PLACE)  # and of an indicator


class Goals(NamedTuple):
    """What is compared of a summary: its projects and their indicators, and where the files of a former one are (name -> path)."""

    projects: pl.DataFrame
    indicators: pl.DataFrame
    paths: Mapping[str, Path] = {}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changes`: a row a project, in 万元; `targets`: a row an indicator of projects in both that is new, gone or changed."""

    changes: pl.DataFrame
    targets: pl.DataFrame

    def items(self) -> Iterator[tuple[str, pl.DataFrame]]:
        yield "changes", self.changes
        yield "targets", self.targets


CHANGE_SCHEMA: dict[str, pl.DataType] = {
    "change": pl.String(), "department": pl.String(), "unit": pl.String(), "project_code": pl.String(), "project_name": pl.String(),
    "former": pl.String(), "total_before": WAN, "total_now": WAN, "moved": WAN, "targets_changed": pl.Int32(), "targets_new": pl.Int32(),
    "targets_gone": pl.Int32(), "file": pl.String(), "sheet": pl.String(), "cell": pl.String(),
}  # fmt: skip
TARGET_SCHEMA: dict[str, pl.DataType] = {
    "change": pl.String(), "department": pl.String(), "unit": pl.String(), "project_name": pl.String(),
    **dict.fromkeys((*LEVELS, "target_before", "target_now", "file", "sheet", "cell"), pl.String()),
}  # fmt: skip


def goals_of(summary: Summary, paths: Mapping[str, Path] | None = None) -> Goals:
    """Of a summary only what is compared, for it is held as a whole."""
    projects, indicators = (
        pl.concat(part.select(columns) for part in slices(frame))
        for frame, columns in ((summary.projects, PROJECT), (summary.indicators, INDICATOR))
    )
    return Goals(projects, indicators, paths or {})


def former_frames(folder: Path) -> Goals | None:
    """What is compared of a summary in a folder of Parquet, a file a table or, of a large one, a folder of parts; None where it is
    no such folder, and what polars raises where its files cannot be read."""
    files = [_files(folder, name) for name in ("projects", "indicators")]
    if not all(files):
        return None
    projects, indicators = (pl.read_parquet(some, columns=list(columns)) for some, columns in zip(files, (PROJECT, INDICATOR), strict=True))
    return Goals(projects, indicators)


def _files(folder: Path, name: str) -> list[Path]:
    whole = folder / f"{name}.parquet"
    return [whole] if whole.is_file() else sorted((folder / name).glob("*.parquet"))


def compare(now: Goals, before: Goals, mark: str) -> Comparison:
    """Compare two summaries. Projects are the same by code; those whose code finds none, by unit and name; those with neither, by unit; several alike are paired
    in their order. `mark` goes before the names of former files, so that they are not taken for those of now."""
    pairs = _paired(now.projects.to_dicts(), before.projects.to_dicts())
    lines_now, lines_before = _lines(now.indicators), _lines(before.indicators)
    changes, targets = [], []
    for new, old in pairs:
        shown = new or {**(old or {}), "file": f"{mark}{(old or {})['file']}"}
        told = list(_targets(new, old, lines_now, lines_before, mark)) if new and old else []
        counts = {f"targets_{kind}": sum(one["change"] == kind for one in told) for kind in ("changed", "new", "gone")}
        amounts = (old or {}).get("total"), (new or {}).get("total")
        renamed = _label(old) if new and old and any(bare(old[key]) != bare(new[key]) for key in ("project_code", "project_name")) else ""
        kind = "gone" if not new else "new" if not old else "changed" if told or renamed or amounts[0] != amounts[1] else "same"
        changes.append({
            "change": kind, **{key: shown[key] for key in ("department", "unit", "project_code", "project_name", "file", "sheet", "cell")},
            "former": renamed, "total_before": amounts[0], "total_now": amounts[1],
            "moved": (amounts[1] or Decimal(0)) - (amounts[0] or Decimal(0)), **counts,
        })  # fmt: skip
        targets += told
    changes.sort(key=lambda row: CHANGES.index(row["change"]))  # within, in the order of now and then of before
    return Comparison(_frame(changes, CHANGE_SCHEMA), _frame(targets, TARGET_SCHEMA))


def _frame(rows: Iterable[Row], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)


def _paired(now: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[tuple[Row | None, Row | None]]:
    """Each project of now with its former self, then the former ones that are gone."""
    rest = set(range(len(before)))
    found: dict[int, int] = {}
    for key in (_by_code, _by_name, _by_unit):
        former: dict[Any, list[int]] = defaultdict(list)
        for at in sorted(rest):
            if (name := key(before[at])) is not None:
                former[name].append(at)
        for at, row in enumerate(now):
            if at in found or (name := key(row)) is None:
                continue
            if former[name]:
                found[at] = former[name].pop(0)
                rest.discard(found[at])
    pairs: list[tuple[Row | None, Row | None]] = [(row, before[found[at]] if at in found else None) for at, row in enumerate(now)]
    return [*pairs, *((None, before[at]) for at in sorted(rest))]


def _label(row: Row) -> str:
    return f"{row['project_code']} {row['project_name']}".strip()


def _plain(text: str) -> str:
    """A target without what may differ harmlessly: blanks, line breaks, width of letters."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _by_code(row: Row) -> str | None:
    return bare(row["project_code"]) or None


def _by_name(row: Row) -> tuple[str, str] | None:
    return (bare(row["unit"]), bare(row["project_name"])) if row["project_name"] else None


def _by_unit(row: Row) -> tuple[str, str] | None:
    """Of projects with neither code nor name those of a unit are the same, in their order."""
    return (bare(row["department"]), bare(row["unit"])) if not (bare(row["project_code"]) or bare(row["project_name"])) else None


def _lines(indicators: pl.DataFrame) -> Mapping[int, list[Row]]:
    told: dict[int, list[Row]] = defaultdict(list)
    for row in indicators.select("project_no", *LEVELS, "target", "file", "sheet", "cell").to_dicts():
        told[row["project_no"]].append(row)
    return told


def _targets(new: Row, old: Row, now: Mapping[int, list[Row]], before: Mapping[int, list[Row]], mark: str) -> Iterator[dict[str, Any]]:
    """The indicators of one project that are not as they were. Blanks, widths and line breaks are no change."""
    former: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in before.get(old["project_no"], ()):
        former[tuple(bare(row[key]) for key in LEVELS)].append(row)
    own = {key: new[key] for key in ("department", "unit", "project_name")}
    for row in now.get(new["project_no"], ()):
        same = former[tuple(bare(row[key]) for key in LEVELS)]
        was = same.pop(0) if same else None
        if was is None or _plain(was["target"]) != _plain(row["target"]):
            yield {**own, **row, "change": "changed" if was else "new", "target_before": was["target"] if was else "", "target_now": row["target"]}
    for row in [one for some in former.values() for one in some]:
        yield {**own, **row, "change": "gone", "target_before": row["target"], "target_now": "", "file": f"{mark}{row['file']}"}
