"""The sheets of a summary about budget tables: each table of the whole, the figures it is made of, and its equalities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from xlsxwriter.worksheet import Worksheet

from xlgoals.annexes import Listing
from xlgoals.budget import PENDING, Budgets
from xlgoals.tablesheet import FIRST, Plan, Writer, plan_listing
from xlgoals.ties import Ties
from xlgoals.wording import BudgetWords, TableWords, Wording

FIGURES, STANDING, TIES = "budget_figures", "budget_standing", "budget_ties"
LEFT_OUT, PARTLY = ("absent", "twice", "lost"), ("part",)
MOST = 8  # how many departments are named on the front sheet
DOUBTFUL = "doubtful"
LEAD = ("line_no", "year", "subject_code", "line_name")  # what stands left of the figures of a table of the whole


@dataclass(frozen=True, slots=True)
class Whole:
    """A table of the whole: a row a line, a column a column, every figure a formula over the sheet of figures."""

    plan: Plan
    words: BudgetWords
    lines: pl.DataFrame  # of one grid: as Budgets.budget_lines
    figures: Plan
    about: str

    def write(self, writer: Writer, sheets: Sequence[Worksheet]) -> None:
        (sheet,) = sheets
        lead = self.plan.columns[: -len(self.headings) - 1]
        rows = self._rows(lead)
        shown = pl.DataFrame([row[: len(lead)] for row in rows], schema=list(lead), orient="row")
        doubtful = writer.words.columns[DOUBTFUL]
        widths = [*writer.widths(shown), *([self.words.width] * len(self.headings)), doubtful.width[1]]
        labels = [writer.words.columns[key].label for key in lead]
        writer.open(sheet, self.words.name, self.words.note, [*labels, *self.headings.values(), doubtful.label], widths, len(rows))
        writer.heighten(sheet, FIRST, shown, widths[: len(lead)])
        for row, cells in enumerate(rows, FIRST):
            for col, (key, value) in enumerate(zip(self.plan.columns, cells, strict=True)):
                if key == DOUBTFUL:
                    writer.figure(sheet, row, col, value, doubtful.kind, self._count(row, writer.codes["state"][PENDING]))
                elif key not in lead:
                    formula = self._sum(row, int(key)) if value is not None else None
                    writer.figure(sheet, row, col, value, "money", formula)
                elif writer.words.columns[key].kind == "text":
                    writer.text(sheet, row, col, value)
                else:
                    writer.figure(sheet, row, col, value, writer.words.columns[key].kind)

    @property
    def headings(self) -> dict[int, str]:
        """Column number -> heading, from the forms unless the words have a better one."""
        found = self.lines.select("column_no", "column", "heading").unique().sort("column_no")
        return {number: self.words.headings.get(column, heading) for number, column, heading in found.iter_rows()}

    def _rows(self, lead: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """Each line: what stands left of the figures, and its sum in each column (None where no budget has a figure)."""
        wide = self.lines.pivot("column_no", on_columns=list(self.headings), index=list(LEAD), values="amount_wan", aggregate_function="first")
        doubts = self.lines.group_by("line_no").agg(pl.col(DOUBTFUL).sum())
        wide = wide.join(doubts, on="line_no").sort("line_no")
        return wide.select(*lead, *(str(number) for number in self.headings), DOUBTFUL).rows()

    def _sum(self, row: int, column: int) -> str:
        figures = self.figures
        return (
            f"=ROUND(SUMIFS({figures.reach('amount_wan')},{figures.reach('line_no')},{self.plan.cell('line_no', row)},"
            f"{figures.reach('column_no')},{column}),6)"
        )

    def _count(self, row: int, word: str) -> str:
        """How many figures of a line are in doubt."""
        figures = self.figures
        return f'=COUNTIFS({figures.reach("line_no")},{self.plan.cell("line_no", row)},{figures.reach("state")},"{word}")'


def sheets(budgets: Budgets, words: Wording, ties: Ties) -> Iterator[Whole | Listing]:
    """The sheets in the order of the workbook: tables of the whole, what they are made of and who is in them, the equalities."""
    told = {**words.tables, TIES: words.tables[TIES].model_copy(update={"about": _ties_told(budgets.budget_ties, words, ties)})}
    listings = {name: _listing(told[name], dict(budgets.items())[name]) for name in (FIGURES, STANDING, TIES)}
    for grid, one in words.budget.items():
        lines = budgets.budget_lines.filter(pl.col("grid") == grid)
        if lines.is_empty():
            continue
        columns = lines["column_no"].unique().sort()
        coded = bool((lines["subject_code"] != "").any())
        lead = tuple(name for name in LEAD if name != "subject_code" or coded)
        plan = Plan(one.name, (*lead, *map(str, columns), DOUBTFUL), lines["line_no"].n_unique())
        standing = budgets.budget_standing.filter(pl.col("grid") == grid)
        yield Whole(plan, one, lines, listings[FIGURES].plan, _standing_told(one.about, standing, words))
    yield from listings.values()


def _standing_told(about: str, standing: pl.DataFrame, words: Wording) -> str:
    """What a table is, how many budgets are in it, and which are not."""
    told = words.budget_told
    names = {
        states: [unit or department for department, unit in standing.filter(pl.col("budget_state").is_in(states)).select("department", "unit").iter_rows()]
        for states in (LEFT_OUT, PARTLY)
    }  # fmt: skip
    text = told.counted.format(about=about, all=standing.height, counted=standing.height - len(names[LEFT_OUT]))
    for states, phrase in ((LEFT_OUT, told.left_out), (PARTLY, told.partly)):
        if some := names[states]:
            listed = words.phrases.between.join(some[:MOST]) + ("……" if len(some) > MOST else "")
            text = phrase.format(told=text, names=listed, sheet=words.tables[STANDING].name)
    return text


def _ties_told(found: pl.DataFrame, words: Wording, ties: Ties) -> str:
    """How many equalities hold, and the figures of those that everybody asks about."""
    told, outcomes = words.budget_told, words.words["outcome"]
    counts = "，".join(f"{word} {found.filter(pl.col('outcome') == outcome).height}" for outcome, word in outcomes.items())
    names = [tie.tie for tie in ties.ties if tie.front]
    asked = [
        told.front.format(title=row["tie_title"], left=f"{row['left']:,.2f}", right=f"{row['right']:,.2f}", sign="＝" if row["outcome"] == "equal" else "≠", outcome=outcomes[row["outcome"]])
        for row in found.filter(pl.col("tie").is_in(names)).iter_rows(named=True)
    ]  # fmt: skip
    return "；".join((told.ties.format(about=words.tables[TIES].about, counts=counts), *asked))


def _listing(table: TableWords, frame: pl.DataFrame) -> Listing:
    return Listing(plan_listing(table, frame), table, frame)
