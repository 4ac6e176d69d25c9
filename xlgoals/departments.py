"""部门汇总: the grand total, then each department's subtotal with its units below, every figure a formula over 项目汇总 and 问题清单."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from xlsxwriter.worksheet import Worksheet

from xlgoals.consolidate import COUNTS, SOURCES, Summary
from xlgoals.findings import STATUS_WORDS
from xlgoals.longsheet import rows_xml
from xlgoals.tablesheet import FIRST, Writer

NAME = "departments"
LEVELS = ("all", "department", "unit")
FORMULAS_MOST = 200_000_000  # rows that all formulas of one column look at together: Excel works them out on opening


def write(writer: Writer, sheet: Worksheet, summary: Summary) -> None:
    """Write the sheet, whose rows are written when the workbook is finished: there may be tens of thousands."""
    table, plan = writer.words.tables[NAME], writer.plans[NAME]
    rows = _rows(summary, writer)
    shown = writer.shown(rows, plan)
    widths = writer.widths(shown)
    writer.open(sheet, table.name, table.note, writer.headings(plan), widths, plan.height)
    looks = {}
    for level in LEVELS:
        kinds = {key: writer.words.columns[key].kind + ("" if level == "unit" else " total") for key in plan.columns}
        looks[level] = [writer.look(kind, _formula(writer, key, level, summary)) for key, kind in kinds.items()]
    written = rows_xml(shown, looks, FIRST, writer.words.phrases.cut, kinds=rows["level"], tags=writer.tags(shown, widths))
    writer.later(sheet, written, FIRST + plan.height)


def _rows(summary: Summary, writer: Writer) -> pl.DataFrame:
    """The rows, parents first."""
    frames = []
    for level, frame in zip(LEVELS, (summary.total, summary.subtotals, summary.departments), strict=True):
        names = [pl.col(one).fill_null(writer.named(None)).replace("", writer.named("")) for one in ("department", "unit") if one in frame.columns]
        frames.append(frame.with_columns(pl.lit(level).alias("level"), *names))
    return pl.concat(frames, how="diagonal").sort("department_no", "unit_no", nulls_last=False)


def _formula(writer: Writer, key: str, level: str, summary: Summary) -> str | None:
    """The formula of one column of a level's rows, None where its detail is on no sheet.

    Rows are told apart by numbers, for a name may hold `*` or begin with `=`, which criteria take for more than text.
    """
    plan, kind = writer.plans[NAME], writer.words.columns[key].kind
    if kind == "text" or key.endswith("_no"):
        return None
    if kind == "share":
        count, whole = plan.cell("quantified_count"), plan.cell("indicators")
        return f'=IF({whole}=0,"",{count}/{whole})'
    if level != "unit":
        mine = [(plan.reach("department_no"), plan.cell("department_no"))] if level == "department" else []
        return _total(plan.reach(key), [(plan.reach("level"), _literal(writer.codes["level"]["unit"])), *mine], kind)
    said = _counted(writer, key)
    detail = writer.plans["findings" if said else "projects"]
    if not detail.whole or summary.departments.height * detail.height > FORMULAS_MOST:
        return None
    wanted = [(detail.reach("unit_no"), plan.cell("unit_no"))]
    stem, _, state = key.rpartition("_")  # total_ready, pending_forms
    if said:
        return _total("", [*wanted, (detail.reach(said[0]), _literal(said[1]))], kind)
    if state == "forms":
        return _total("", [*wanted, (detail.reach("state"), _literal(writer.codes["state"][stem]))], kind)
    if key == "projects":
        return _total("", wanted, kind)
    if stem in SOURCES:
        wanted.append((detail.reach("state"), _literal(writer.codes["state"][state])))
    column = stem if stem in SOURCES else key
    return _total(detail.reach(column), wanted, kind) if column in detail.columns else None


def _counted(writer: Writer, key: str) -> tuple[str, str] | None:
    """Which column of 问题清单 holds which word in the rows that a figure counts; None for what counts no findings."""
    if key == "open_count":
        return "open", writer.codes["truth"]["true"]
    if key == "answered":
        return "status", STATUS_WORDS["explained"]
    severity = {count: severity for severity, count in COUNTS.items()}.get(key)
    return ("severity", writer.codes["severity"][severity]) if severity else None


def _literal(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _total(area: str, wanted: Sequence[tuple[str, str]], kind: str) -> str:
    """Count the rows that fit, or sum an area over them; money rounded to the cent, for Excel adds doubles."""
    criteria = ",".join(f"{where},{value}" for where, value in wanted)
    if not area:
        return f"=COUNTIFS({criteria})"
    return f"=ROUND(SUMIFS({area},{criteria}),6)" if kind == "money" else f"=SUMIFS({area},{criteria})"
