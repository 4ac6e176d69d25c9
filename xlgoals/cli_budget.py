"""The command about equalities: every one that a department's budget must keep, with both sides."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xlgoals.options import cycle_option, forms_option, given_options, limits_option, lists_options, paths_argument, reading_options
from xlgoals.running import OwnLists, Reading, echo_json, found_cycle, loaded, no_more, taken_in

if TYPE_CHECKING:
    import polars as pl

    from xlgoals.forms import Forms
    from xlgoals.limits import Limits
    from xlgoals.subjects import Subject
    from xlgoals.tables import Tables

MOST = 8  # how many comparisons of one equality are shown one by one
HEAD = ("编号", "勾稽关系", "核对", "结果", "两边的数（万元）")


@click.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "md", "json"]), default="text", show_default=True, help="json 为每行一次比较。")
@given_options
@lists_options
@cycle_option
@reading_options
@limits_option
@forms_option
def ties(
    paths: Sequence[Path], shape: str, year: str, department: str, unit: str, codes: Path | None, subjects: Path | None, cycle_dir: Path | None,
    jobs: int | None, state: bool, engine: str, scheduler: str, limits: Limits | None, forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """逐条列出部门预算的勾稽关系和两边的数。例：xlgoals ties 报送/ --subjects 项目科目.csv

    在周期的文件夹里什么也不用写：看收件箱里计数的表，项目的科目按名册。
    """
    inside = found_cycle(cycle_dir, paths, "ties 报送/")
    if inside:
        no_more(year, department, unit, *forms_dirs, codes, subjects, limits=limits)
        forms, assigned, tables = _of_cycle(inside, Reading(jobs, state, engine, scheduler))
    elif engine != "local" or scheduler:
        from xlgoals.errors import UsageError

        raise UsageError("写明了文件的 ties 只在本机读。要用集群，请在周期的文件夹里运行。")
    else:
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


def _of_cycle(inside: Path, how: Reading) -> tuple[Forms, Sequence[Subject], Tables]:
    """The forms of a cycle, the codes of its projects, and the budgets in its inbox that count."""
    from xlgoals.batches import budget_of, planned, unjudged
    from xlgoals.inbox import opened
    from xlgoals.subjects import subjects_of
    from xlgoals.tables import tabulate

    with opened(inside, [], how) as inbox:
        stored, subjects = inbox.stored, subjects_of(inbox.roster)
        plan = planned(stored.store, inbox.named(inbox.sorted.told), order=inbox.order)
        found = budget_of(unjudged(stored.store, plan, stored.sources, inbox.forms), inbox.forms, subjects)
        return inbox.forms, subjects, found or tabulate([], [])


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
