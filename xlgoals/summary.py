"""Summary frames → the summary workbook, or Parquet, CSV, JSON. Every word and width stands in `mappings/summary.yaml`.

The file is written where told, plainly: give the temporary path of `outputs.write_whole`.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from xlgoals import departments
from xlgoals.consolidate import Summary
from xlgoals.longsheet import insert, rows_xml
from xlgoals.outputs import DataFormat, link_target, write_frames
from xlgoals.parts import Frame, Parts, slices
from xlgoals.pen import close_book
from xlgoals.records import At
from xlgoals.stamp import OUTPUT_PROPERTY
from xlgoals.tablesheet import FIRST, Plan, Writer, done, linked, plan_listing, quoted
from xlgoals.wording import Wording, load_wording

EPOCH = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter wants it naive; pinned so that equal input gives equal bytes


@dataclass(frozen=True, slots=True)
class About:
    """What the caller tells of a summary. Left blank, a line is left out; nothing here is read from the clock."""

    source: str = ""  # what was read
    scope: str = ""  # what was taken of it, such as 已收未审
    counted: str = ""  # how many of how many are in
    left_out: str = ""  # what is not, and why
    made: str = ""
    version: str = ""
    forms: Mapping[str, str] = field(default_factory=dict)  # form id -> official title
    rules: Mapping[str, str] = field(default_factory=dict)  # code of a rule -> what it is called
    base: Path = Path()  # the folder that the files' names are relative to
    paths: Mapping[str, Path] = field(default_factory=dict)  # where each file is, if `base` does not tell; others get no link


class Extra(Protocol):
    """A sheet beside the usual ones: its plan, what the contents say of it, and how it is written."""

    @property
    def plan(self) -> Plan: ...

    @property
    def about(self) -> str: ...

    def write(self, writer: Writer, sheets: Sequence[Worksheet]) -> None: ...


def write_summary(summary: Summary, path: Path, *, told: About, wording: Wording | None = None, extras: Sequence[Extra] = ()) -> None:
    """Write the summary workbook; equal input gives equal bytes. Links lead from `path`'s folder."""
    words = wording or load_wording()
    own = dict(summary.items())
    plans = {name: _plan(name, summary, words) for name, table in words.tables.items() if table.columns and name in own}
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    package = io.BytesIO()
    book = xlsxwriter.Workbook(package, options)
    book.set_properties({"title": words.front.title, "created": EPOCH})
    done(book.set_custom_property(OUTPUT_PROPERTY, "summary", "text"))

    def target(file: str) -> str | None:
        where = told.paths.get(file) if told.paths else told.base / file
        return link_target(where, path.parent) if file and where else None

    writer = Writer(book, words, plans, {"form": told.forms, "rule": told.rules}, target)
    front = book.add_worksheet(words.front.name)
    sheets = {name: [book.add_worksheet(one) for one, _, _ in plan.sheets] for name, plan in plans.items()}
    beside = [(one, [book.add_worksheet(name) for name, _, _ in one.plan.sheets]) for one in extras]
    contents = [(plan, words.tables[name].about) for name, plan in plans.items()] + [(one.plan, one.about) for one in extras]
    _front(writer, front, summary, told, contents)
    for name, some in sheets.items():
        if name == "departments":
            departments.write(writer, some[0], summary)
        else:
            writer.listing(some, words.tables[name], own[name], plans[name], name)
    for extra, some in beside:
        extra.write(writer, some)
    close_book(book)
    insert(package, path, writer.long)


def apart(summary: Summary, wording: Wording | None = None) -> list[str]:
    """The tables that are too long for the workbook, by name: the caller writes them as data beside it."""
    words = wording or load_wording()
    own = dict(summary.items())
    return [name for name, table in words.tables.items() if table.columns and name in own and _plan(name, summary, words).apart]


def _plan(name: str, summary: Summary, words: Wording) -> Plan:
    more = summary.subtotals.height + 1 if name == "departments" else 0
    return plan_listing(words.tables[name], getattr(summary, name), more)


# --- the first sheet ---------------------------------------------------------------------------------------------------


def _front(writer: Writer, sheet: Worksheet, summary: Summary, told: About, contents: Sequence[tuple[Plan, str]]) -> None:
    """What this is, the figures, how to read it, the way to each sheet, and all sources."""
    words = writer.words
    front, whole, sources = words.front, writer.plans["departments"], summary.sources
    total, facts = summary.total.row(0, named=True), _facts(writer, summary, told)
    rows = [one for one in front.rows if not one.value or one.value in total or facts.get(one.value)]
    lines = [(one.topic, one.name, str(facts.get(one.value, "")), one.text) for one in rows]
    lines += [(front.contents.topic, plan.name, "", about) for plan, about in contents]
    listed = _lines(sources, words)
    files = FIRST + len(lines)
    if linked(sources.height):
        lines += listed.rows()
    writer.open(sheet, front.title, front.note, front.columns, front.widths, files + sources.height - FIRST)
    writer.heighten(sheet, FIRST, pl.DataFrame(lines, schema=listed.columns, orient="row"), front.widths)
    for row, line in enumerate(lines, FIRST):
        for col, text in enumerate(line):
            writer.text(sheet, row, col, text)
    for row, one in enumerate(rows, FIRST):
        if one.value in total:
            formula = f"={quoted(whole.name)}!{whole.cell(one.value, FIRST)}" if one.value in whole.columns else None
            writer.figure(sheet, row, 2, total[one.value], f"{words.columns[one.value].kind} fact", formula)
        elif isinstance(number := facts.get(one.value), int):
            writer.figure(sheet, row, 2, number, "count fact")
    for row, (plan, _) in enumerate(contents, FIRST + len(rows)):
        writer.inner(sheet, row, 1, plan.name, plan.name, "link")
    if not linked(sources.height):
        looks = {"": [writer.look("text")] * len(listed.columns)}
        tags = writer.tags(listed, front.widths)
        writer.later(sheet, rows_xml(listed, looks, files, words.phrases.cut, tags=tags), files + sources.height)
        return
    for row, (file, found) in enumerate(listed.select("name", "told").iter_rows(), files):
        writer.outer(sheet, row, 2, At(file), found)


def _lines(sources: pl.DataFrame, words: Wording) -> pl.DataFrame:
    """What the first sheet says of each file."""
    say = words.front.sources
    rows = ((say.read if file["forms"] else say.unread).format_map(file) for file in sources.iter_rows(named=True))
    hashes = pl.when(pl.col("sha256") != "").then(pl.format(say.hash.replace("{sha256}", "{}"), "sha256")).otherwise(pl.lit(""))
    return sources.select(topic=pl.lit(say.topic), name="file", told=pl.Series(rows, dtype=pl.String), text=hashes)


def _facts(writer: Writer, summary: Summary, told: About) -> dict[str, object]:
    """What the first sheet can tell beside the totals."""
    join = writer.words.phrases.between.join
    projects = pl.concat(one.select("year", "form").unique() for one in slices(summary.projects))
    return {
        **{name: getattr(told, name) for name in ("source", "scope", "counted", "left_out", "made", "version")},
        "files": summary.sources.height,
        "years": join(year for year in projects["year"].unique().sort() if year),
        "forms": join(told.forms.get(form, form) for form in projects["form"].unique().sort()),
    }


# --- data ------------------------------------------------------------------------------------------------------------


def write_data(
    summary: Summary, path: Path, format: DataFormat, *, wording: Wording | None = None, more: Mapping[str, pl.DataFrame] | None = None
) -> None:
    """Write all frames, and `more`, as `outputs.write_frames` does, and a table `columns` that says what each column means in Chinese. A table
    in parts becomes a folder of Parquet files, or a file for each part; JSON holds it whole."""
    words = (wording or load_wording()).columns
    every: dict[str, Frame] = {**dict(summary.items()), **(more or {})}
    legend = [(name, key, words[key].label) for name, frame in every.items() for key in frame.columns]
    told = pl.DataFrame(legend, schema={name: pl.String() for name in ("table", "column", "label")}, orient="row")
    frames: dict[str, pl.DataFrame] = {}
    for name, frame in every.items():
        if not isinstance(frame, Parts):
            frames[name] = frame
        elif format == "json":
            frames[name] = pl.concat(slices(frame))
        else:
            for number, part in enumerate(frame.paths, 1):
                write_frames({f"{number:05}": pl.read_parquet(part)}, path / name, format)
    write_frames({**frames, "columns": told}, path, format)
