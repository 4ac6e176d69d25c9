"""The sheets of a summary about budget tables: each table of the whole, the figures it is made of, and its equalities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
from xlsxwriter.worksheet import Worksheet

from xlgoals.annexes import Listing
from xlgoals.budget import PENDING, Budgets
from xlgoals.summary import FIRST, Plan, Writer, plan_listing
from xlgoals.wording import BudgetWords, TableWords, Wording

FIGURES, TIES = "budget_figures", "budget_ties"
DOUBTFUL = "doubtful"
LEAD = ("line_no", "year", "subject_code", "line_name")  # what stands left of the figures of a table of the whole


@dataclass(frozen=True, slots=True)
class Whole:
    """A table of the whole: a row a line, a column a column, every figure a formula over the sheet of figures."""

    plan: Plan
    words: BudgetWords
    lines: pl.DataFrame  # of one grid: as Budgets.budget_lines
    figures: Plan

    @property
    def about(self) -> str:
        return self.words.about

    def write(self, writer: Writer, sheet: Worksheet) -> None:
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


def sheets(budgets: Budgets, words: Wording) -> Iterator[Whole | Listing]:
    """The sheets in the order of the workbook: tables of the whole, what they are made of, the equalities."""
    listings = {name: _listing(words.tables[name], dict(budgets.items())[name]) for name in (FIGURES, TIES)}
    for grid, told in words.budget.items():
        lines = budgets.budget_lines.filter(pl.col("grid") == grid)
        if lines.is_empty():
            continue
        columns = lines["column_no"].unique().sort()
        coded = bool((lines["subject_code"] != "").any())
        lead = tuple(name for name in LEAD if name != "subject_code" or coded)
        plan = Plan(told.name, (*lead, *map(str, columns), DOUBTFUL), lines["line_no"].n_unique())
        yield Whole(plan, told, lines, listings[FIGURES].plan)
    yield from listings.values()


def _listing(table: TableWords, frame: pl.DataFrame) -> Listing:
    return Listing(plan_listing(table, frame), table, frame)
