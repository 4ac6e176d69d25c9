"""Commands about filled workbooks: check, read and consolidate them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from xlgoals.options import engine_options, force_option, forms_option, given_options, jobs_option, paths_argument
from xlgoals.running import check_place, echo_json, echo_tally, exit_code, opined, reviewed, send_back, summarise, taken_in, tally


@click.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一个对象。")
@click.option(
    "--opinions", type=click.Path(path_type=Path, dir_okay=False),
    help="审核意见工作簿：没有就新写一份，有就先读审核人的处理、意见和评级，再按这次的问题重写。",
)
@click.option(
    "--return", "folder", type=click.Path(path_type=Path, file_okay=False),
    help="把有问题的工作簿标注后写到这个文件夹，退回单位：格子加底色和批注，另加一张“校验问题清单”，单位改好后原样发回。",
)
@force_option
@given_options
@jobs_option
@forms_option
def check(
    paths: Sequence[Path], shape: str, opinions: Path | None, folder: Path | None, force: bool, year: str, department: str, unit: str,
    jobs: int | None, forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """读取并审核填好的工作簿或文件夹。例：xlgoals check 报送/"""
    if folder:
        check_place(folder, paths)
    taken = reviewed(paths, (year, department, unit), jobs, forms_dirs)
    if opinions:
        taken = opined(taken, opinions, forms_dirs, write=True)
    tables = taken.tables
    from xlgoals.report import finding_object, print_findings
    from xlgoals.tables import findings_of

    findings = findings_of(tables)
    if shape == "json":
        for finding in findings:
            echo_json(finding_object(finding))
    else:
        print_findings(findings)
    tally(tables, findings)
    if opinions:
        click.echo(f"审核意见已写到 {opinions}：请在“处理”一栏选退回、认可或误报，下次 check 和 consolidate 照此。", err=True)
    code = exit_code(findings)
    if folder:
        code = max(code, send_back(taken, folder, force))
    sys.exit(code)


@click.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一张表。")
@given_options
@jobs_option
@forms_option
def read(paths: Sequence[Path], shape: str, year: str, department: str, unit: str, jobs: int | None, forms_dirs: tuple[str, ...]) -> None:
    """读出填好的工作簿，不审核：看程序读懂了什么。例：xlgoals read 报送/ --format json"""
    tables = taken_in(paths, (year, department, unit), jobs, forms_dirs).tables
    from xlgoals.report import print_findings, print_table, return_objects
    from xlgoals.tables import findings_of

    findings = findings_of(tables)
    if shape == "json":
        for one in return_objects(tables):
            echo_json(one)
    else:
        for one in return_objects(tables):
            places = one["places"]
            rows = [(place["label"], place["text"], place["cell"], place["witness"]) for place in places.values() if place["text"]]
            print_table(
                ("栏目", "内容", "单元格", "依据"), rows, f"{one['file']}  {one['sheet']}  {one['form']}  {one['year']}  {one['unit']}"
            )
        print_findings(findings)
    tally(tables, findings)
    sys.exit(exit_code(findings))


@click.command()
@paths_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="汇总工作簿，或 parquet、csv 的文件夹。")
@click.option(
    "--format", "shape", type=click.Choice(["xlsx", "parquet", "csv", "json"]), default="xlsx", show_default=True, help="写成什么。"
)
@click.option("--opinions", type=click.Path(path_type=Path, dir_okay=False), help="审核意见工作簿：认可和误报的问题不再算待核实。")
@click.option("--state/--no-state", default=True, show_default=True, help="在汇总旁边记下读过什么（.xlgoals-state），再汇总时没变的不用重读；删掉也无妨。")
@force_option
@given_options
@jobs_option
@engine_options
@forms_option
def consolidate(
    paths: Sequence[Path], output: Path, shape: str, opinions: Path | None, state: bool, force: bool, year: str, department: str, unit: str,
    jobs: int | None, engine: str, scheduler: str, forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """汇总文件夹里全部工作簿（含子文件夹）。例：xlgoals consolidate 报送/ -o 汇总.xlsx"""
    from xlgoals.errors import OutputError

    if output.exists() and not force:
        raise OutputError(f"{output} 已经存在。请换一个名字，或加 --force 覆盖。")
    told = summarise(
        paths, output, shape, given=(year, department, unit), jobs=jobs, forms_dirs=forms_dirs, force=force, opinions=opinions, state=state,
        engine_name=engine, scheduler=scheduler,
    )
    echo_tally(told.files, told.forms, told.indicators, told.severities, told.explained)
    click.echo(f"汇总已写到 {output}", err=True)
    sys.exit(3 if told.defect else int(told.blocked))
