"""The sheet of charts: funds by department and source, the quantified share by department, findings by rule.

Charts are Excel's own, over figures on the sheet itself, which are formulas over the other sheets. Bars differ in pattern and carry
their figures, so that a print without colour tells the same. What has no data has no chart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from xlsxwriter.worksheet import Worksheet

from xlgoals.annexes import ChartWords
from xlgoals.consolidate import Summary
from xlgoals.parts import slices
from xlgoals.tablesheet import HEAD, NOTE, TITLE, Plan, Writer

SPLIT = ("fiscal_ready", "other_ready", "carryover_ready")
PENDING, UNSPLIT = "total_pending", "unsplit"
WIDTHS = (30.0, 15.0, 15.0, 15.0, 15.0, 15.0)  # of the columns, in characters: together as wide as a chart
CHART_WIDTH, CHART_LEAST, BAR = 760, 220, 34  # pixels
ROW_PIXELS, HEAD_PIXELS = 20, 40
PAGE_PIXELS = 1_000  # what stands on a page of this width
GREY = "#D9D9D9"

Cells = Sequence[tuple[float | Decimal | None, str | None]]  # value and formula, by series


@dataclass(frozen=True, slots=True)
class Block:
    """One chart and its figures: a line each for what is compared, a column each series."""

    title: str
    heads: tuple[str, ...]
    kind: str
    lines: tuple[tuple[str, Cells], ...]
    stacked: bool = False

    @property
    def rows(self) -> int:
        """Rows it takes on the sheet: title, headings, figures, and below them the chart."""
        return len(self.lines) + 4 + -(-self.height // ROW_PIXELS)

    @property
    def height(self) -> int:
        return max(CHART_LEAST, 120 + BAR * len(self.lines))


@dataclass(frozen=True, slots=True)
class Charts:
    """A sheet beside the usual ones, as `write_summary` takes it."""

    words: ChartWords
    summary: Summary
    titles: Mapping[str, str]  # code of a rule -> what it is called

    @property
    def plan(self) -> Plan:
        return Plan(self.words.name, (), 0)

    @property
    def about(self) -> str:
        return self.words.about

    @property
    def any(self) -> bool:
        """Whether there is anything to show."""
        return bool((self.summary.total["total"][0] or 0) or self.summary.total["indicators"][0] or self.summary.findings.height)

    def write(self, writer: Writer, sheets: Sequence[Worksheet]) -> None:
        (sheet,) = sheets
        words, front = self.words, writer.words.front
        writer.text(sheet, TITLE, 0, words.name, "title")
        writer.text(sheet, NOTE, 0, words.note, "note")
        writer.inner(sheet, HEAD - 1, 0, front.name, writer.words.phrases.back.format(sheet=front.name), "back")
        for col, width in enumerate(WIDTHS):
            sheet.set_column(col, col, width)
        row, used, breaks = HEAD + 1, 0, []
        for block in self._blocks(writer):
            need = block.rows * ROW_PIXELS + HEAD_PIXELS
            if used and used + need > PAGE_PIXELS:
                breaks.append(row)
                used = 0
            self._draw(writer, sheet, block, row)
            row, used = row + block.rows, used + need
        sheet.set_h_pagebreaks(breaks)
        sheet.hide_gridlines(2)
        sheet.set_portrait()
        sheet.set_paper(9)
        sheet.set_margins(*writer.words.looks.margins)
        sheet.fit_to_pages(1, 0)
        sheet.print_area(0, 0, row, len(WIDTHS) - 1)
        sheet.set_footer(f"&C{writer.words.looks.footer}")

    def _draw(self, writer: Writer, sheet: Worksheet, block: Block, row: int) -> None:
        writer.text(sheet, row, 0, block.title, "title")
        for col, head in enumerate(block.heads):
            writer.text(sheet, row + 1, col, head, "head")
        sheet.set_row(row + 1, 2.6 * writer.words.looks.size * writer.words.looks.line_factor)
        first, last = row + 2, row + 1 + len(block.lines)
        for at, (name, cells) in enumerate(block.lines, first):
            writer.text(sheet, at, 0, name)
            for col, (value, formula) in enumerate(cells, 1):
                writer.figure(sheet, at, col, value, block.kind, formula)
        chart = writer.book.add_chart({"type": "bar", "subtype": "stacked"} if block.stacked else {"type": "bar"})
        font = {"name": writer.words.looks.font, "size": 9}
        for col in range(1, len(block.heads)):
            colour = self.words.colours[(col - 1) % len(self.words.colours)]
            chart.add_series({
                "name": [sheet.get_name(), row + 1, col], "categories": [sheet.get_name(), first, 0, last, 0],
                "values": [sheet.get_name(), first, col, last, col], "gap": 50,
                "pattern": {"pattern": self.words.patterns[(col - 1) % len(self.words.patterns)], "fg_color": colour, "bg_color": "#FFFFFF"},
                "border": {"color": colour},
                **({} if block.stacked else {"data_labels": {"value": True, "font": font}}),
            })  # fmt: skip
        chart.set_title({"name": block.title, "name_font": {**font, "size": 12}, "overlay": False})
        chart.set_y_axis({"reverse": True, "num_font": font})  # the first line on top, and the scale at the bottom all the same
        formats = {"money": "#,##0", "share": "0%", "count": "0"}
        ends = {"max": 1.1, "major_unit": 0.2} if block.kind == "share" else {}  # room for a label beside a full bar
        grid = {"visible": True, "line": {"color": GREY}}
        chart.set_x_axis({"num_font": font, "num_format": formats[block.kind], "min": 0, "label_position": "high", "major_gridlines": grid, **ends})
        chart.set_legend({"position": "bottom", "font": font} if block.stacked else {"none": True})
        chart.set_size({"width": CHART_WIDTH, "height": block.height})
        chart.show_blanks_as("gap")
        sheet.insert_chart(last + 2, 0, chart, {"description": block.title, "object_position": 1})

    # --- figures ---

    def _blocks(self, writer: Writer) -> Iterator[Block]:
        departments = self.summary.subtotals.filter(pl.col("department").is_not_null())
        if block := self._funds(departments, writer):
            yield block
        if block := self._share(departments, writer):
            yield block
        if block := self._findings(writer):
            yield block

    def _funds(self, departments: pl.DataFrame, writer: Writer) -> Block | None:
        """Money by department: the largest ones, the rest together. What no source is told of stands as a series of its own."""
        rows = departments.filter(pl.col("total") != 0).sort("total", "department_no", descending=[True, False]).to_dicts()
        if not rows:
            return None
        plan, every = writer.plans["departments"], [*SPLIT, UNSPLIT, PENDING]
        for row in rows:
            row[UNSPLIT] = max(row["total_ready"] - sum(row[name] for name in SPLIT), Decimal(0))
        names = [name for name in every if any(row[name] for row in rows)]

        def formula(name: str, only: Sequence[dict[str, Any]]) -> str:
            def amount(of: str) -> str:
                return "+".join(_of_department(writer, plan, of, row["department_no"]) for row in only)

            if name != UNSPLIT:
                return f"=ROUND({amount(name)},6)"
            return f"=ROUND(MAX({amount('total_ready')}-({'+'.join(amount(one) for one in SPLIT)}),0),6)"

        shown, rest = self._cut(rows)
        lines: list[tuple[str, Cells]] = [(writer.named(row["department"]), [(row[name], formula(name, [row])) for name in names]) for row in shown]
        if rest:
            told = {name: sum((row[name] for row in rest), Decimal(0)) for name in names}
            lines.append((self.words.rest.format(count=len(rest)), [(told[name], None) for name in names]))
        heads = [self.words.funds.unsplit if name == UNSPLIT else writer.words.columns[name].label for name in names]
        return Block(self.words.funds.title, (self.words.department, *heads), "money", tuple(lines), stacked=True)

    def _share(self, departments: pl.DataFrame, writer: Writer) -> Block | None:
        """The quantified share of the departments with the most indicators, in the order of the department sheet."""
        rows = departments.filter(pl.col("indicators") > 0).sort("indicators", "department_no", descending=[True, False]).to_dicts()
        if not rows:
            return None
        shown, rest = self._cut(rows)
        plan = writer.plans["departments"]
        lines: list[tuple[str, Cells]] = [
            (writer.named(row["department"]), [(row["share"], f"={_of_department(writer, plan, 'share', row['department_no'])}")])
            for row in sorted(shown, key=lambda row: row["department_no"])
        ]
        if rest:
            share = sum(row["quantified_count"] for row in rest) / sum(row["indicators"] for row in rest)
            lines.append((self.words.rest.format(count=len(rest)), [(share, None)]))
        return Block(self.words.share.title, (self.words.department, writer.words.columns["share"].label), "share", tuple(lines))

    def _findings(self, writer: Writer) -> Block | None:
        counted = pl.concat([one.group_by("code").len() for one in slices(self.summary.findings)]).group_by("code").agg(pl.col("len").sum())
        rows = counted.sort("len", "code", descending=[True, False]).rows()
        if not rows:
            return None
        shown, rest = self._cut(rows)
        plan = writer.plans["findings"]
        lines: list[tuple[str, Cells]] = [(self.titles.get(code, code), [(count, f'=COUNTIFS({plan.reach("code")},"{code}")' if plan.whole else None)]) for code, count in shown]
        if rest:
            lines.append((self.words.rest.format(count=len(rest)), [(sum(count for _, count in rest), None)]))
        return Block(self.words.findings.title, (self.words.rule, self.words.count), "count", tuple(lines))

    def _cut(self, rows: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        """The first ones, and the rest, which is never one alone."""
        most = self.words.most if len(rows) > self.words.most + 1 else len(rows)
        return rows[:most], rows[most:]


def _of_department(writer: Writer, plan: Plan, name: str, number: int) -> str:
    word = writer.codes["level"]["department"]
    return f'SUMIFS({plan.reach(name)},{plan.reach("level")},"{word}",{plan.reach("department_no")},{number})'


