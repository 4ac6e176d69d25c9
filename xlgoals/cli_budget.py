"""The command about equalities: every one that a department's budget must keep, with both sides."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xlgoals.options import forms_option, given_options, jobs_option, limits_option, lists_options, paths_argument
from xlgoals.running import OwnLists, echo_json, loaded, taken_in

if TYPE_CHECKING:
    import polars as pl

    from xlgoals.limits import Limits

MOST = 8  # how many comparisons of one equality are shown one by one
HEAD = ("编号", "勾稽关系", "核对", "结果", "两边的数（万元）")


@click.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "md", "json"]), default="text", show_default=True, help="json 为每行一次比较。")
@given_options
@lists_options
@jobs_option
@limits_option
@forms_option
def ties(
    paths: Sequence[Path], shape: str, year: str, department: str, unit: str, codes: Path | None, subjects: Path | None, jobs: int | None,
    limits: Limits | None, forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """逐条列出部门预算的勾稽关系和两边的数。例：xlgoals ties 报送/ --subjects 项目科目.csv"""
    forms, assigned = loaded(forms_dirs, OwnLists(codes, subjects))
    tables = taken_in(paths, (year, department, unit), jobs, forms_dirs, limits=limits).tables
    from xlgoals.balance import lay_out
    from xlgoals.budget import compared
    from xlgoals.report import print_table
    from xlgoals.sources import UNREAD
    from xlgoals.tables import findings_of

    found = compared(lay_out(tables, forms, forms.ties, assigned), forms.ties, tables)
    if shape == "json":
        for row in found.iter_rows(named=True):
            echo_json({key: f"{value.normalize():f}" if key in ("left", "right", "difference", "tolerance") else value for key, value in row.items()})
    for (own_year, name, own_unit), frame in found.partition_by("year", "department", "unit", as_dict=True, maintain_order=True).items():
        title = f"{name}　{own_unit}　{own_year}年"
        if shape == "text":
            print_table(HEAD, list(_overview(frame)), title)
        elif shape == "md":
            click.echo("\n".join([f"### {title}", "", _line(HEAD), _line(["---"] * len(HEAD)), *map(_line, _overview(frame)), ""]))
    counts = {one: found.filter(found["outcome"] == one).height for one in ("equal", "rounding", "broken")}
    unread = [one for one in findings_of(tables) if one.code.startswith(UNREAD) and one.open]
    for one in unread:
        click.echo(f"{one.at.file}：{one.text}", err=True)
    click.echo(f"核对 {found.height} 处：平 {counts['equal']}，尾差 {counts['rounding']}，不平 {counts['broken']}。", err=True)
    sys.exit(int(counts["broken"] > 0 or bool(unread)))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _overview(frame: pl.DataFrame) -> Iterator[tuple[str, str, str, str, str]]:
    """One row an equality: how often it was compared, what came of it, and the figures: those that are off, else all that are few."""
    from xlgoals.wording import load_wording

    words, grids = load_wording().words["outcome"], load_wording().words["grid"]
    for rows in frame.partition_by("tie", maintain_order=True):
        lines = rows.rows(named=True)
        off = [one for one in lines if one["outcome"] != "equal"]
        counts = [(words[name], sum(one["outcome"] == name for one in lines)) for name in ("broken", "rounding", "equal")]
        result = "，".join(f"{word} {count}" if len(lines) > 1 else word for word, count in counts if count)
        listed = off or (lines if len(lines) <= MOST else lines[:1])
        several = rows["grid"].n_unique() > 1
        shown = [_figures(one, len(lines) > 1, grids.get(one["grid"], "") if several else "") for one in listed[:MOST]]
        more = "；……" if len(off or lines) > len(shown) else ""
        yield lines[0]["mark"], lines[0]["tie_title"], str(len(lines)), result, "；".join(shown) + more


def _figures(one: dict[str, Any], named: bool, table: str) -> str:
    sign = "＝" if one["difference"] == 0 else "≠"
    return table + (f"{one['what']} " if named else "") + f"{one['left']:,.2f}{sign}{one['right']:,.2f}"
