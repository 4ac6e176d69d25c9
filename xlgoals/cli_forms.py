"""Commands about forms: list, check and draft them, and make workbooks of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlgoals.errors import Mistake, SpecError
from xlgoals.options import codes_option, force_option, forms_option, given_options, limits_option
from xlgoals.running import exit_code, opened

if TYPE_CHECKING:
    from xlgoals.limits import Limits


@click.group("forms", invoke_without_command=True)
@forms_option
@click.pass_context
def forms_command(ctx: click.Context, forms_dirs: tuple[str, ...]) -> None:
    """列出全部表样；forms check 检查表样文件，forms draft 从一张现成的表起草。"""
    ctx.obj = forms_dirs
    if ctx.invoked_subcommand is None:
        from xlgoals.report import print_table
        from xlgoals.spec import load_forms

        known = load_forms(forms_dirs)
        rows = [(form.id, form.title, form.dialect.money_unit, form.digest) for form in known.forms.values()]
        rows += [(name, f"{book.title}：{len(book.sheets)} 种表", "", known.binder(name).digest) for name, book in known.books.items()]
        print_table(("名称", "表样", "金额单位", "版本"), rows)


@forms_command.command("check")
@forms_option
@click.pass_obj
def forms_check(outer: tuple[str, ...], forms_dirs: tuple[str, ...]) -> None:
    """检查表样文件（templates/ 和 mappings/），一次列出全部错误：文件:行: 错在哪里，怎么改。"""
    from xlgoals.layout import plan
    from xlgoals.rules import lint
    from xlgoals.spec import load_forms

    mistakes: list[Mistake] = []
    known = None
    try:
        known = load_forms((*outer, *forms_dirs))
        forms = tuple(known.forms.values())
    except SpecError as error:  # geometry is looked at all the same, so that one run tells everything
        mistakes += error.mistakes
        forms = error.forms
    for form in forms:
        try:
            plan(form)
        except SpecError as error:
            mistakes += error.mistakes
    if mistakes or known is None:
        raise SpecError(mistakes)
    lint(known.catalogue, tuple(known.money_units.items()))
    click.echo(f"{len(forms)} 个表样，没有发现错误。")


@forms_command.command("draft")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", required=True, help="给表样起的名称，如 wuyuan-2026。")
@click.option("--sheet", default=None, help="照哪张工作表起草，默认在可见的表里挑一张没有填乱的。")
@click.option(
    "-o", "--output", default="表样草稿", show_default=True, type=click.Path(path_type=Path, file_okay=False), help="写到哪个文件夹。"
)
@force_option
@forms_option
@click.pass_obj
def forms_draft(
    outer: tuple[str, ...], path: Path, name: str, sheet: str | None, output: Path, force: bool, forms_dirs: tuple[str, ...]
) -> None:
    """照一张现成的表（空表或填好的表）起草表样的两个文件。例：xlgoals forms draft 去年的表.xlsx --name wuyuan-2026"""
    from xlgoals.draft import draft
    from xlgoals.outputs import write_whole
    from xlgoals.spec import load_forms
    from xlgoals.vocabulary import load_vocabulary

    dirs = (*outer, *forms_dirs)
    forms = load_forms(dirs)
    made = draft(opened(path, forms), sheet, name, load_vocabulary(forms, dirs))
    template, mapping = (output / part / f"{name}.yaml" for part in ("templates", "mappings"))
    with write_whole(template, force=force, inputs=[path]) as one, write_whole(mapping, force=force, inputs=[path]) as other:
        one.write_text(made.template, encoding="utf-8")
        other.write_text(made.mapping, encoding="utf-8")
    click.echo(f"已照工作表“{made.sheet}”起草：\n  {template}  表长什么样\n  {mapping}  各格是什么意思")
    given = "".join(f" --forms {one}" for one in (*dirs, output))
    if made.marks:
        click.echo(f"有 {len(made.marks)} 处要定，在两个文件里都标着 “# ?”：")
        click.echo("\n".join(f"  {n}. {mark}" for n, mark in enumerate(made.marks, 1)))
        click.echo('接下来：在标着 “# ?” 的地方把 "?" 改成要写的词，再往下做。')
    click.echo(f"检查：xlgoals forms check{given}\n试做：xlgoals new {name} --year 2026{given} -o 试.xlsx，打开看列宽、行数、横竖版。")


@click.command()
@click.argument("form")
@click.option("--year", required=True, help="预算年度，四位数字。")
@click.option("--projects", "count", type=click.IntRange(1, 200), default=1, show_default=True, help="几张项目表。")
@click.option("--department", default="", help="主管部门（可带代码），写入标记。")
@click.option("--unit", default="", help="实施单位，写入标记。")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="写到哪个文件。")
@codes_option
@force_option
@forms_option
def new(
    form: str, year: str, count: int, department: str, unit: str, output: Path, codes: Path | None, force: bool, forms_dirs: tuple[str, ...]
) -> None:  # fmt: skip
    """生成一个空白工作簿；预算表的科目下拉清单用 --codes 换成当年的全表。例：xlgoals new qinglong-2024 --year 2025 --projects 12 -o 空表.xlsx"""
    from xlgoals.errors import UsageError
    from xlgoals.outputs import write_whole
    from xlgoals.records import Stamp
    from xlgoals.render import render
    from xlgoals.running import OwnLists, loaded

    if not (year.isdecimal() and year.isascii() and len(year) == 4):
        raise UsageError(f"--year 应是四位数字，如 2025，现在是“{year}”。")
    forms, _ = loaded(forms_dirs, OwnLists(codes))
    stamp = Stamp(0, "", "", year=year, department=department, unit=unit)
    binder = forms.binder(form)
    made = render(forms, binder, count=count, stamp=stamp)
    with write_whole(output, force=force) as path:
        path.write_bytes(made)
    click.echo(f"已生成 {output}：{binder.title}，{count} 张项目表。")


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", "form", required=True, help="换成哪种表样。")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="写到哪个文件。")
@force_option
@given_options
@limits_option
@forms_option
def convert(
    path: Path, form: str, output: Path, force: bool, year: str, department: str, unit: str, limits: Limits | None, forms_dirs: tuple[str, ...]
) -> None:
    """把填好的表换成另一种表样，列出新表放不下的内容。例：xlgoals convert 青龙.xlsx --to mof-2021 -o 国家式.xlsx"""
    from xlgoals.convert import convert_book
    from xlgoals.outputs import write_whole
    from xlgoals.records import Given
    from xlgoals.report import print_findings
    from xlgoals.spec import load_forms

    forms = load_forms(forms_dirs)
    made, findings = convert_book(opened(path, forms, limits), forms[form], forms, Given(year, department, unit))
    print_findings(findings)
    if made is None:
        sys.exit(2)
    with write_whole(output, force=force, inputs=[path]) as draft:
        draft.write_bytes(made)
    click.echo(f"已换成{forms[form].title}，写到 {output}。", err=True)
    sys.exit(exit_code(findings))
