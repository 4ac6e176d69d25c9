"""Commands to try the program with: the examples walked through, and single values read."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from xlgoals.running import Reading, echo_json, reviewed, tally


@click.command()
@click.option(
    "-o", "--output", default="demo", show_default=True, type=click.Path(path_type=Path, file_okay=False), help="写到哪个文件夹。"
)
def demo(output: Path) -> None:
    """用随附的真实例子走一遍：生成空表、读取、审核、汇总。"""
    import shutil

    from xlgoals.adding import Target, summarise
    from xlgoals.outputs import write_whole
    from xlgoals.records import Stamp
    from xlgoals.render import render
    from xlgoals.report import finding_object
    from xlgoals.spec import data_folder, load_forms
    from xlgoals.tables import findings_of

    forms = load_forms()
    inside = {sheet.form for book in forms.books.values() for sheet in book.sheets if sheet.per == "workbook"}
    for name in (*forms.books, *(form for form in forms.forms if form not in inside)):
        with write_whole(output / "空表" / f"{name}.xlsx", force=True) as path:
            path.write_bytes(render(forms, forms.binder(name), count=3, stamp=Stamp(0, "", "", year=name[-4:])))
    filled = data_folder("examples") / "filled"
    for source in sorted(filled.glob("*.xlsx")):
        with write_whole(output / "报送" / source.name, force=True) as path:
            shutil.copyfile(source, path)
    taken = reviewed([output / "报送"], ("", "", ""), None, ())
    findings = findings_of(taken.tables)
    with write_whole(output / "问题清单.jsonl", force=True) as path:
        path.write_text("".join(json.dumps(finding_object(f), ensure_ascii=False) + "\n" for f in findings), encoding="utf-8")
    summarise([output / "报送"], Target(output / "汇总.xlsx", force=True), how=Reading(state=False))
    tally(taken.tables, findings)
    click.echo(
        f"看看做出来的东西：\n  {output / '空表'}  各表样的空白工作簿\n  {output / '报送'}  填好的真实例子\n"
        f"  {output / '问题清单.jsonl'}  审核发现的问题\n  {output / '汇总.xlsx'}  部门汇总\n"
        f"想在屏幕上看问题：xlgoals check {output / '报送'}"
    )


@click.command()
@click.argument("texts", nargs=-1)
@click.option("--name", default="", help="三级指标名称，如 参保人数(人)。")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一个对象。")
def target(texts: Sequence[str], name: str, shape: str) -> None:
    """看懂指标值。例：xlgoals target "≥95%"；不给文字时逐行读标准输入（指标值，可接制表符和指标名称）。"""
    from xlgoals.report import target_lines
    from xlgoals.spec import load_units
    from xlgoals.target import read_target, to_json

    units = load_units()
    given = [(text, name) for text in texts] or [line.rstrip("\r\n").partition("\t")[::2] for line in sys.stdin]
    for text, own_name in given:
        understood = read_target(text, name=own_name or name, units=units)
        if shape == "json":
            echo_json(to_json(understood))
        else:
            click.echo("\n".join(target_lines(understood)))
