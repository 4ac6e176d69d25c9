"""The command line: options in, one call, words and an exit code out. Heavy libraries load inside the commands that need them.

Exit codes: 0 nothing blocks; 1 done, and an error or an unanswered query remains; 2 not done (usage, spec, output exists);
3 done, but a defect of ours makes the result incomplete.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xlgoals import __version__
from xlgoals.errors import Mistake, SpecError, XlgoalsError

if TYPE_CHECKING:
    from xlgoals.findings import Finding
    from xlgoals.forms import Forms
    from xlgoals.intake import Intake
    from xlgoals.records import Book
    from xlgoals.tables import Tables

F = TypeVar("F", bound=Callable[..., Any])


class Group(click.Group):
    """Says in one place what stopped a command."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SpecError as error:
            click.echo(f"表样文件有 {len(error.mistakes)} 处需要改：\n{error}", err=True)
        except XlgoalsError as error:
            click.echo(str(error), err=True)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception:
            click.echo(f"{traceback.format_exc()}\n程序出错了，这是程序的缺陷，不是文件的问题。请把上面的文字转告程序维护人。", err=True)
            sys.exit(3)
        sys.exit(2)


def several(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


forms_option = click.option("--forms", "forms_dirs", multiple=True, metavar="DIR", help="另加一个放表样的文件夹（可重复）。")
force_option = click.option("--force", is_flag=True, help="输出文件已存在时覆盖它。")
paths_argument = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
given_options = several(
    click.option("--year", default="", help="表里没有年度时，按这个年度计。"),
    click.option("--department", default="", help="表里没有主管部门时，按这个部门计。"),
    click.option("--unit", default="", help="表里没有实施单位时，按这个单位计。"),
)
jobs_option = click.option("--jobs", type=click.IntRange(1), default=None, help="同时用几个进程读文件，默认按机器。")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="xlgoals")
def main() -> None:
    """绩效目标表：生成官方表样、读回、审核、汇总，都用 Excel。

    先试一遍：xlgoals demo
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a GBK console lacks some signs: show a question mark, never stop


# --- forms


@main.group("forms", invoke_without_command=True)
@forms_option
@click.pass_context
def forms_command(ctx: click.Context, forms_dirs: tuple[str, ...]) -> None:
    """列出全部表样；forms check 检查表样文件，forms draft 从一张现成的表起草。"""
    ctx.obj = forms_dirs
    if ctx.invoked_subcommand is None:
        from xlgoals.report import print_table
        from xlgoals.spec import load_forms

        rows = [(form.id, form.title, form.dialect.money_unit, form.digest) for form in load_forms(forms_dirs).forms.values()]
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
    made = draft(_opened(path, forms), sheet, name, load_vocabulary(forms, dirs))
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


@main.command()
@click.argument("form")
@click.option("--year", required=True, help="预算年度，四位数字。")
@click.option("--projects", "count", type=click.IntRange(1, 200), default=1, show_default=True, help="几张项目表。")
@click.option("--department", default="", help="主管部门（可带代码），写入标记。")
@click.option("--unit", default="", help="实施单位，写入标记。")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="写到哪个文件。")
@force_option
@forms_option
def new(form: str, year: str, count: int, department: str, unit: str, output: Path, force: bool, forms_dirs: tuple[str, ...]) -> None:
    """生成一个空白工作簿。例：xlgoals new qinglong-2024 --year 2025 --projects 12 -o 空表.xlsx"""
    from xlgoals.errors import UsageError
    from xlgoals.outputs import write_whole
    from xlgoals.records import Stamp
    from xlgoals.render import render
    from xlgoals.spec import load_forms

    if not (year.isdecimal() and year.isascii() and len(year) == 4):
        raise UsageError(f"--year 应是四位数字，如 2025，现在是“{year}”。")
    forms = load_forms(forms_dirs)
    stamp = Stamp(0, "", "", year=year, department=department, unit=unit)
    made = render(forms, forms[form], count=count, stamp=stamp)
    with write_whole(output, force=force) as path:
        path.write_bytes(made)
    click.echo(f"已生成 {output}：{forms[form].title}，{count} 张项目表。")


# --- returns


@main.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一个对象。")
@given_options
@jobs_option
@forms_option
def check(paths: Sequence[Path], shape: str, year: str, department: str, unit: str, jobs: int | None, forms_dirs: tuple[str, ...]) -> None:
    """读取并审核填好的工作簿或文件夹。例：xlgoals check 报送/"""
    tables = _reviewed(paths, (year, department, unit), jobs, forms_dirs).tables
    from xlgoals.report import finding_object, print_findings
    from xlgoals.tables import findings_of

    findings = findings_of(tables)
    if shape == "json":
        for finding in findings:
            _echo_json(finding_object(finding))
    else:
        print_findings(findings)
    _tally(tables, findings)
    sys.exit(_exit_code(findings))


@main.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一张表。")
@given_options
@jobs_option
@forms_option
def read(paths: Sequence[Path], shape: str, year: str, department: str, unit: str, jobs: int | None, forms_dirs: tuple[str, ...]) -> None:
    """读出填好的工作簿，不审核：看程序读懂了什么。例：xlgoals read 报送/ --format json"""
    tables = _taken_in(paths, (year, department, unit), jobs, forms_dirs).tables
    from xlgoals.report import print_findings, print_table, return_objects
    from xlgoals.tables import findings_of

    findings = findings_of(tables)
    if shape == "json":
        for one in return_objects(tables):
            _echo_json(one)
    else:
        for one in return_objects(tables):
            places = one["places"]
            rows = [(place["label"], place["text"], place["cell"], place["witness"]) for place in places.values() if place["text"]]
            print_table(
                ("栏目", "内容", "单元格", "依据"), rows, f"{one['file']}  {one['sheet']}  {one['form']}  {one['year']}  {one['unit']}"
            )
        print_findings(findings)
    _tally(tables, findings)
    sys.exit(_exit_code(findings))


@main.command()
@paths_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="汇总工作簿，或 parquet、csv 的文件夹。")
@click.option(
    "--format", "shape", type=click.Choice(["xlsx", "parquet", "csv", "json"]), default="xlsx", show_default=True, help="写成什么。"
)
@force_option
@given_options
@jobs_option
@forms_option
def consolidate(
    paths: Sequence[Path], output: Path, shape: str, force: bool, year: str, department: str, unit: str, jobs: int | None,
    forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """汇总文件夹里全部工作簿（含子文件夹）。例：xlgoals consolidate 报送/ -o 汇总.xlsx"""
    from xlgoals.errors import OutputError

    if output.exists() and not force:
        raise OutputError(f"{output} 已经存在。请换一个名字，或加 --force 覆盖。")
    taken = _reviewed(paths, (year, department, unit), jobs, forms_dirs)
    from xlgoals.tables import findings_of

    findings = findings_of(taken.tables)
    _write_summary(taken, output, shape, force, paths, forms_dirs)
    _tally(taken.tables, findings)
    click.echo(f"汇总已写到 {output}", err=True)
    sys.exit(_exit_code(findings))


@main.command()
@click.option(
    "-o", "--output", default="demo", show_default=True, type=click.Path(path_type=Path, file_okay=False), help="写到哪个文件夹。"
)
def demo(output: Path) -> None:
    """用随附的真实例子走一遍：生成空表、读取、审核、汇总。"""
    import shutil

    from xlgoals.outputs import write_whole
    from xlgoals.records import Stamp
    from xlgoals.render import render
    from xlgoals.report import finding_object
    from xlgoals.spec import data_folder, load_forms
    from xlgoals.tables import findings_of

    forms = load_forms()
    for form in forms.forms.values():
        with write_whole(output / "空表" / f"{form.id}.xlsx", force=True) as path:
            path.write_bytes(render(forms, form, count=3, stamp=Stamp(0, "", "", year=form.id[-4:])))
    filled = data_folder("examples") / "filled"
    for source in sorted(filled.glob("*.xlsx")):
        with write_whole(output / "报送" / source.name, force=True) as path:
            shutil.copyfile(source, path)
    taken = _reviewed([output / "报送"], ("", "", ""), None, ())
    findings = findings_of(taken.tables)
    with write_whole(output / "问题清单.jsonl", force=True) as path:
        path.write_text("".join(json.dumps(finding_object(f), ensure_ascii=False) + "\n" for f in findings), encoding="utf-8")
    _write_summary(taken, output / "汇总.xlsx", "xlsx", True, [output / "报送"])
    _tally(taken.tables, findings)
    click.echo(
        f"看看做出来的东西：\n  {output / '空表'}  各表样的空白工作簿\n  {output / '报送'}  填好的真实例子\n"
        f"  {output / '问题清单.jsonl'}  审核发现的问题\n  {output / '汇总.xlsx'}  部门汇总\n"
        f"想在屏幕上看问题：xlgoals check {output / '报送'}"
    )


@main.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", "form", required=True, help="换成哪种表样。")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="写到哪个文件。")
@force_option
@given_options
@forms_option
def convert(path: Path, form: str, output: Path, force: bool, year: str, department: str, unit: str, forms_dirs: tuple[str, ...]) -> None:
    """把填好的表换成另一种表样，列出新表放不下的内容。例：xlgoals convert 青龙.xlsx --to mof-2021 -o 国家式.xlsx"""
    from xlgoals.convert import convert_book
    from xlgoals.outputs import write_whole
    from xlgoals.records import Given
    from xlgoals.report import print_findings
    from xlgoals.spec import load_forms

    forms = load_forms(forms_dirs)
    made, findings = convert_book(_opened(path, forms), forms[form], forms, Given(year, department, unit))
    print_findings(findings)
    if made is None:
        sys.exit(2)
    with write_whole(output, force=force, inputs=[path]) as draft:
        draft.write_bytes(made)
    click.echo(f"已换成{forms[form].title}，写到 {output}。", err=True)
    sys.exit(_exit_code(findings))


@main.command()
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
            _echo_json(to_json(understood))
        else:
            click.echo("\n".join(target_lines(understood)))


# --- shared


def _echo_json(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))


def _opened(path: Path, forms: Forms) -> Book:
    """Read the one workbook that a command works on; what cannot be read stops it."""
    from xlgoals.errors import Refused, UsageError
    from xlgoals.read import read_book
    from xlgoals.records import At

    try:
        return read_book(str(path), name=path.name)
    except Refused as refused:
        raise UsageError(forms.catalogue.finding(refused.code, At(path.name), detail=refused.detail).text) from refused


def _reviewed(paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...]) -> Intake:
    from dataclasses import replace

    from xlgoals.check import check as run_checks
    from xlgoals.spec import load_forms
    from xlgoals.tables import with_findings

    taken = _taken_in(paths, given, jobs, forms_dirs)
    return replace(taken, tables=with_findings(taken.tables, run_checks(taken.tables, load_forms(forms_dirs))))


def _taken_in(paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...]) -> Intake:
    from xlgoals.intake import gather
    from xlgoals.records import Given
    from xlgoals.report import reading_bar

    with reading_bar() as show:
        return gather(paths, forms_dirs=forms_dirs, given=Given(*given), jobs=jobs, on_progress=show)


def _write_summary(taken: Intake, output: Path, shape: str, force: bool, inputs: Sequence[Path], forms_dirs: tuple[str, ...] = ()) -> None:
    """Write the summary whole, with links back to every file that was read, and never over one of them."""
    from xlgoals.consolidate import consolidate as roll_up
    from xlgoals.outputs import write_whole
    from xlgoals.spec import load_forms
    from xlgoals.summary import About, write_data, write_summary

    forms = load_forms(forms_dirs)
    told = About(
        source="、".join(str(path) for path in inputs),
        version=__version__,
        forms={form.id: form.title for form in forms.forms.values()},
        base=output.parent,
        paths={source.name: Path(source.path) for source in taken.sources},
    )
    summary = roll_up(taken.tables)
    read_files = [Path(source.path) for source in taken.sources]
    with write_whole(output, force=force, folder=shape in ("parquet", "csv"), inputs=read_files) as draft:
        if shape == "xlsx":
            write_summary(summary, draft, told=told)
        else:
            write_data(summary, draft, shape)  # type: ignore[arg-type]  # click lets only its formats through


def _exit_code(findings: Iterable[Finding]) -> int:
    codes = {(finding.severity, finding.code.partition(".")[0]) for finding in findings}
    if any(kind == "internal" for _, kind in codes):
        return 3
    return int(any(severity in ("error", "query") for severity, _ in codes))


def _tally(tables: Tables, findings: Sequence[Finding]) -> None:
    from xlgoals.findings import SEVERITIES, SEVERITY_WORDS

    counts = "，".join(f"{SEVERITY_WORDS[s]} {sum(f.severity == s for f in findings)}" for s in SEVERITIES)
    forms, files = tables.returns.height, tables.returns["file"].n_unique()
    click.echo(f"读了 {files} 个文件、{forms} 张表、{tables.indicators.height} 条指标：{counts}。", err=True)
