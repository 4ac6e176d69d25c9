"""Commands of the review: two rounds of a unit compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlgoals.options import forms_option, given_options, jobs_option, limits_option
from xlgoals.running import echo_json, exit_code, reviewed

if TYPE_CHECKING:
    from xlgoals.limits import Limits

FATES = {"new": "新问题", "otherwise": "改了，仍有问题", "still": "没有改", "mended": "已改好"}


@click.command("diff")
@click.argument("before", type=click.Path(path_type=Path, exists=True))
@click.argument("after", type=click.Path(path_type=Path, exists=True))
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一个对象。")
@given_options
@jobs_option
@limits_option
@forms_option
def diff(
    before: Path, after: Path, shape: str, year: str, department: str, unit: str, jobs: int | None, limits: Limits | None, forms_dirs: tuple[str, ...]
) -> None:
    """对比同一单位的两次报送：改了什么，哪些问题改好了，哪些还在，哪些是新的。例：xlgoals diff 第一次/ 第二次/"""
    given = (year, department, unit)
    old, new = (reviewed([path], given, jobs, forms_dirs, limits=limits).tables for path in (before, after))
    from xlgoals.diff import FATES as ORDER
    from xlgoals.diff import difference
    from xlgoals.report import finding_object, level, print_table
    from xlgoals.tables import findings_of

    left = findings_of(new)
    found = difference(old, new, findings_of(old), left)
    judged = sorted(found.findings, key=lambda one: ORDER.index(one.fate))
    if shape == "json":
        for name, some in (("gone", found.gone), ("came", found.came)):
            for project in some:
                echo_json({"kind": name, "project": project})
        for change in found.changes:
            echo_json({"kind": "change", **change._asdict(), "at": change.at._asdict()})
        for fate, one, project in judged:
            echo_json({"kind": "finding", "fate": fate, "project": project, **finding_object(one)})
    else:
        for words, some in (("这次没有报的表", found.gone), ("这次新报的表", found.came)):
            if some:
                click.echo(f"{words}：{'、'.join(some)}")
        changed = [(one.project, one.field, one.before or "（空）", one.after or "（空）", f"{one.at.sheet} {one.at.cell}") for one in found.changes]
        if changed:
            print_table(("项目", "栏目", "原来", "现在", "单元格"), changed, "改动")
        rows = [
            (FATES[fate], project, level(one), f"{one.at.sheet} {one.at.cell}".strip(), one.field, one.text) for fate, one, project in judged
        ]
        if rows:
            print_table(("结果", "项目", "级别", "单元格", "栏目", "问题"), rows, "问题")
    counts = "，".join(f"{FATES[fate]} {sum(one.fate == fate for one in judged)}" for fate in ORDER)
    click.echo(f"改动 {len(found.changes)} 处；{counts}。", err=True)
    sys.exit(exit_code(left))
