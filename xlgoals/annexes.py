"""The sheets beside the usual ones of a summary: along the roster's tree, who has reported, what changed since last time, grades.

Words and widths stand in `mappings/annexes.yaml`; columns that it does not name are those of `mappings/summary.yaml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict
from xlsxwriter.worksheet import Worksheet

from xlgoals.consolidate import SOURCES, STATES
from xlgoals.longsheet import Look, rows_xml
from xlgoals.opinions import Opinions, digests
from xlgoals.opinions_book import Words as OpinionWords
from xlgoals.pages import Column
from xlgoals.rollup import TOP
from xlgoals.spec import data_folder
from xlgoals.tables import Tables
from xlgoals.tablesheet import FIRST, Plan, Writer, plan_listing, quoted
from xlgoals.wording import Heading, TableWords, Wording, load_wording, loaded

INDENT_MOST = 15  # Excel's
OUTLINE_MOST = 7


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FundsWords(_Model):
    title: str
    unsplit: str


class TitleWords(_Model):
    title: str


class ChartWords(_Model):
    name: str
    about: str
    note: str
    most: int
    rest: str
    department: str
    rule: str
    count: str
    funds: FundsWords
    share: TitleWords
    findings: TitleWords
    patterns: tuple[str, ...]
    colours: tuple[str, ...]


class ScopeWords(_Model):
    """What the front sheet says of how much is in."""

    cycle: str
    include: dict[Literal["accepted", "queries", "errors"], str]
    paths: str
    counted: str
    read: str
    left_out: str
    files: str
    unread: str
    nothing: str
    see: str
    between: str
    former: str
    output: str


class AnnexWords(_Model):
    """`mappings/annexes.yaml`."""

    words: dict[str, dict[str, str]]
    columns: dict[str, Heading]
    tables: dict[str, TableWords]
    charts: ChartWords
    scope: ScopeWords


def load_annexes(path: Path | None = None) -> AnnexWords:
    return loaded(AnnexWords, path or data_folder("mappings") / "annexes.yaml")


def whole_wording(annexes: AnnexWords, pages: Sequence[Column] = ()) -> Wording:
    """The words of the usual sheets and of these, with columns of a page of another workbook that are shown as they stand there."""
    usual = load_wording()
    taken = {column.key: Heading(label=column.label, width=(column.width, column.width)) for column in pages if not column.hidden}
    return usual.model_copy(update={"words": usual.words | annexes.words, "columns": taken | usual.columns | annexes.columns})


@dataclass(frozen=True, slots=True)
class Listing:
    """A sheet that lists a frame row by row."""

    plan: Plan
    table: TableWords
    frame: pl.DataFrame

    @property
    def about(self) -> str:
        return self.table.about

    def write(self, writer: Writer, sheets: Sequence[Worksheet]) -> None:
        writer.listing(sheets, self.table, self.frame, self.plan)


def listing(table: TableWords, frame: pl.DataFrame) -> Listing:
    return Listing(plan_listing(table, frame), table, frame)


# --- along the tree ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TreeSheet:
    """The roster's tree, a row a node: every figure a formula over 项目汇总 and 上报情况."""

    plan: Plan
    table: TableWords
    frame: pl.DataFrame  # of rollup.add_up
    standing: Plan

    @property
    def about(self) -> str:
        return self.table.about

    def write(self, writer: Writer, sheets: Sequence[Worksheet]) -> None:
        """Write the sheet, whose rows are written when the workbook is finished."""
        (sheet,) = sheets
        plan, frame = self.plan, self.frame
        shown = writer.shown(frame, plan).with_columns(_indented(frame["node_name"], frame["depth"]))
        widths = writer.widths(shown)
        writer.open(sheet, self.table.name, self.table.note, writer.headings(plan), widths, plan.height)
        sheet.outline_settings(symbols_below=False)
        sheet.outline_row_level = min(frame["depth"].max(), OUTLINE_MOST)  # type: ignore[type-var]
        heights, depth = writer.tags(shown, widths), pl.col("depth").clip(upper_bound=OUTLINE_MOST)
        tags = frame.select(pl.when(depth > 0).then(pl.format('{}outlineLevel="{}" ', heights, depth)).otherwise(heights))
        kinds = frame.select(top=pl.col("node_no") == TOP, parent=pl.col("node_no").is_in(frame["parent_no"].implode()), depth=pl.col("depth").clip(upper_bound=INDENT_MOST))
        named = kinds.select(pl.format("{}{}{}", *kinds.columns)).to_series()
        looks = {name: self._looks(writer, *kind) for name, kind in dict(zip(named, kinds.iter_rows(), strict=True)).items()}
        written = rows_xml(shown.with_columns(frame["node_name"]), looks, FIRST, writer.words.phrases.cut, kinds=named, tags=tags.to_series())
        writer.later(sheet, written, FIRST + plan.height)

    def _looks(self, writer: Writer, top: bool, parent: bool, depth: int) -> list[Look]:
        """How the row of a node is written: one that has others below it as a total, its name as far in as it stands in the tree."""
        ending, found = " total" if parent else "", []
        for key in self.plan.columns:
            name = writer.words.columns[key].kind + ending
            if key == "node_name":
                name = writer.indented(name, depth)
            found.append(writer.look(name, self._formula(writer, key, top=top)))
        return found

    def _formula(self, writer: Writer, key: str, *, top: bool) -> str | None:
        """The formula of one figure; None for words, the numbers of rows and what is on no sheet."""
        plan, projects = self.plan, writer.plans["projects"]
        number, last = plan.cell("node_no"), plan.cell("last_no")
        if key in ("node_no", "last_no", "parent_no") or writer.words.columns[key].kind == "text":
            return None
        if key == "share":
            count, whole = plan.cell("quantified_count"), plan.cell("indicators")
            return f'=IF({whole}=0,"",{count}/{whole})'
        if key == "gap":
            parts = f"SUMIFS({plan.reach('total')},{plan.reach('parent_no')},{number},{plan.reach('node_no')},\">\"&{number})"
            departments = writer.plans["departments"]
            whole = f"{quoted(departments.name)}!{departments.cell('total', FIRST)}" if top else plan.cell("total")
            return f"=ROUND({whole}-{plan.cell('own')}-{parts},6)"
        if key in ("units", "included"):
            area = self.standing.reach("node_no")
            only = f',{self.standing.reach("taken")},"{writer.codes["truth"]["true"]}"' if key == "included" else ""
            return f'=COUNTIFS({area},">="&{number},{area},"<="&{last}{only})'
        if "node_no" not in projects.columns or not projects.whole:
            return None  # no project at all, or more than a sheet holds
        area = projects.reach("node_no")
        within = f'{area},">="&{number},{area},"<="&{last}' if key != "own" else f"{area},{number}"
        stem, _, state = key.rpartition("_")
        if key == "projects" or (state == "forms" and stem in STATES):
            only = f',{projects.reach("state")},"{writer.codes["state"][stem]}"' if stem else ""
            return f"=COUNTIFS({within}{only})"
        column, only = ("total" if key == "own" else key), ""
        if stem in SOURCES and state in STATES:
            column, only = stem, f',{projects.reach("state")},"{writer.codes["state"][state]}"'
        if column not in projects.columns:
            return None
        total = f"SUMIFS({projects.reach(column)},{within}{only})"
        return f"=ROUND({total},6)" if writer.words.columns[key].kind == "money" else f"={total}"


def _indented(names: pl.Series, depths: pl.Series) -> pl.Series:
    """Names as wide as they will be with their indent."""
    return pl.Series(names.name, ["　" * depth + name for name, depth in zip(names, depths, strict=True)], dtype=pl.String)


# --- beside a former one -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangesSheet:
    """A row a project with what it came to before and now, below a row that adds them up."""

    plan: Plan
    table: TableWords
    frame: pl.DataFrame  # of comparison.compare

    @property
    def about(self) -> str:
        return self.table.about

    def write(self, writer: Writer, sheets: Sequence[Worksheet]) -> None:
        (sheet,) = sheets
        writer.listing(sheets, self.table, self.frame, self.plan)
        before, now = (self.plan.columns.index(key) for key in ("total_before", "total_now"))
        moved = self.plan.columns.index("moved")
        for row, difference in enumerate(self.frame["moved"], FIRST):
            formula = f"=ROUND({self.plan.cell('total_now', row)}-{self.plan.cell('total_before', row)},6)"
            writer.figure(sheet, row, moved, difference, "money", formula)
        row = FIRST + max(self.plan.height, 1) + 1  # apart from the rows that the filter shows
        sheet.print_area(0, 0, row, len(self.plan.columns) - 1)
        writer.text(sheet, row, 0, writer.codes["level"]["all"], "text total")
        for col, key in ((before, "total_before"), (now, "total_now"), (moved, "moved")):
            total = self.frame[key].sum() if self.plan.height else Decimal(0)
            writer.figure(sheet, row, col, total, "money total", f"=ROUND(SUM({self.plan.reach(key)}),6)")


# --- grades ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Graded:
    """What reviewers graded: a row a form, and the columns of their workbook that are shown as they stand there."""

    frame: pl.DataFrame
    columns: tuple[Column, ...] = field(default=())


def graded(tables: Tables, opinions: Opinions, words: OpinionWords) -> Graded:
    """The grades of the forms of a batch; of forms that are not in it none are shown."""
    page = words.sheets["grades"]
    fills = [column for column in page.columns if column.fill]
    contents, rows = digests(tables), []
    for row in tables.returns.iter_rows(named=True):
        grade = opinions.grades.get(row["identity"])
        if grade is None:
            continue
        state = words.states["done" if grade.digest in ("", contents.get(row["rid"], "")) else "changed"]
        told = {key: row[key] for key in ("department", "unit", "project_name", "file", "sheet")}
        marks = {f"grade_{column.key}": grade.marks.get(column.key, "") for column in fills}
        rows.append({**told, **marks, "grade_state": state, "cell": row["area"].partition(":")[0]})
    shown = tuple(
        column.model_copy(update={"key": f"grade_{column.key}"}) for column in page.columns if column.fill or column.key == "state"
    )
    names = ["department", "unit", "project_name", *(column.key for column in shown), "file", "sheet", "cell"]
    return Graded(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String())), shown)


def graded_listing(found: Graded, table: TableWords) -> Listing:
    plan = Plan(table.name, tuple(found.frame.columns), found.frame.height)
    return Listing(plan, table, found.frame)


