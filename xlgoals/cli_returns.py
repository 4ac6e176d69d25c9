"""Commands about filled workbooks: check, read and consolidate them. Inside a cycle's folder they need no arguments."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlgoals.options import (
    cycle_option,
    force_option,
    forms_option,
    given_options,
    jobs_option,
    limits_option,
    lists_options,
    paths_argument,
    reading_options,
)
from xlgoals.running import (
    OPINIONS,
    OwnLists,
    Reading,
    check_place,
    echo_json,
    echo_tally,
    exit_code,
    found_cycle,
    is_open,
    no_more,
    opined,
    ours,
    reviewed,
    send_back,
    taken_in,
    tally,
)

if TYPE_CHECKING:
    from xlgoals.findings import Finding
    from xlgoals.limits import Limits


@click.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一个对象。")
@click.option(
    "--opinions", type=click.Path(path_type=Path, dir_okay=False),
    help="审核意见工作簿：没有就新写一份，有就先读审核人的处理、意见和评级，再按这次的问题重写。在周期里默认是其中的审核意见.xlsx。",
)
@click.option(
    "--return", "folder", type=click.Path(path_type=Path, file_okay=False),
    help="把有问题的工作簿标注后写到这个文件夹，退回单位：格子加底色和批注，另加一张“校验问题清单”，单位改好后原样发回。在周期里默认是 returned/。",
)
@force_option
@given_options
@lists_options
@cycle_option
@reading_options
@limits_option
@forms_option
def check(
    paths: Sequence[Path], shape: str, opinions: Path | None, folder: Path | None, force: bool, year: str, department: str, unit: str,
    codes: Path | None, subjects: Path | None, cycle_dir: Path | None, jobs: int | None, state: bool, engine: str, scheduler: str,
    limits: Limits | None, forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """读取并审核填好的工作簿或文件夹。例：xlgoals check 报送/

    在周期的文件夹里什么也不用写：审核收件箱里计数的表，更新审核意见.xlsx，标注好的表写到 returned/（只替换自己上次写的；
    上次退回、这次不用再退的会拿掉，退回以后又有人写过的不动）。
    """
    inside = found_cycle(cycle_dir, paths, "check 报送/")
    if inside:
        no_more(year, department, unit, *forms_dirs, codes, subjects, limits=limits)
        sys.exit(_check_cycle(inside, shape, opinions, folder, force, Reading(jobs, state, engine, scheduler)))
    from xlgoals.errors import UsageError
    from xlgoals.returning import Batch, with_problems
    from xlgoals.tables import findings_of

    if engine != "local" or scheduler:
        raise UsageError("写明了文件的 check 只在本机读。要用集群，请在周期的文件夹里运行 check，或者用 consolidate。")
    if folder:
        check_place(folder, paths)
    taken = reviewed(paths, (year, department, unit), jobs, forms_dirs, OwnLists(codes, subjects), limits)
    grades: Mapping[str, Sequence[str]] = {}
    if opinions:
        taken, grades = opined(taken, opinions, forms_dirs)
    tables, findings = taken.tables, findings_of(taken.tables)
    _show(findings, shape)
    tally(tables, findings)
    _tell_of(opinions)
    code = exit_code(findings)
    if folder:
        batch = Batch(tables.returns, tables.findings)
        back = send_back([batch], taken.sources, with_problems(tables.findings), tables.answers, folder, force, limits, grades=grades)
        code = max(code, back)
    sys.exit(code)


def _check_cycle(inside: Path, shape: str, opinions: Path | None, folder: Path | None, force: bool, how: Reading) -> int:
    """Tell what was found in the returns of a cycle that count, and send back what is not accepted."""
    from xlgoals.cycle import load_cycle
    from xlgoals.inbox import collected
    from xlgoals.returning import Batch
    from xlgoals.tables import as_findings

    cycle, _ = load_cycle(inside)
    back = folder or cycle.returned
    check_place(back, [cycle.inbox])
    with collected(inside, [], how, opinions=opinions, write=True) as found:
        for frame in found.findings():
            _show(as_findings(frame), shape)
        told = found.tally
        echo_tally(told.files, told.forms, told.indicators, told.severities, told.explained)
        _tell_of(opinions or cycle.folder / OPINIONS)
        stored = found.inbox.stored
        batches = (Batch(*both) for both in found.judged())
        grades = found.reviewing.grades() if found.reviewing else {}
        code = send_back(
            batches, stored.returns, found.to_return(), stored.answers(), back, force or folder is None, cycle.settings.limits, grades=grades,
            clear=folder is None,
        )  # fmt: skip
    return max(code, 3 if told.defect else int(told.blocked))


def _show(findings: Sequence[Finding], shape: str) -> None:
    from xlgoals.report import finding_object, print_findings

    if shape == "json":
        for finding in findings:
            echo_json(finding_object(finding))
    else:
        print_findings(findings)


def _tell_of(opinions: Path | None) -> None:
    if opinions:
        click.echo(f"审核意见已写到 {opinions}：请在“处理”一栏选退回、认可或误报，下次 check 和 consolidate 照此。", err=True)
        if is_open(opinions):
            click.echo(f"{opinions.name} 好像正开着：还没有保存的处理，这次不算。请保存、关闭，再审核一次。", err=True)


@click.command()
@paths_argument
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一张表。")
@given_options
@cycle_option
@jobs_option
@limits_option
@forms_option
def read(
    paths: Sequence[Path], shape: str, year: str, department: str, unit: str, cycle_dir: Path | None, jobs: int | None, limits: Limits | None,
    forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """读出填好的工作簿，不审核：看程序读懂了什么。例：xlgoals read 报送/ --format json

    在周期的文件夹里什么也不用写：读整个收件箱。
    """
    if inside := found_cycle(cycle_dir, paths, "read 报送/"):
        from xlgoals.cycle import load_cycle

        no_more(limits=limits)
        settled, _ = load_cycle(inside)
        limits = settled.settings.limits
        paths, forms_dirs = [settled.inbox], (*settled.forms_dirs, *forms_dirs)
    tables = taken_in(paths, (year, department, unit), jobs, forms_dirs, limits=limits).tables
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
@click.option("-o", "--output", type=click.Path(path_type=Path), help="汇总工作簿，或 parquet、csv 的文件夹。在周期里默认写到 summary/。")
@click.option(
    "--format", "shape", type=click.Choice(["xlsx", "parquet", "csv", "json"]), default="xlsx", show_default=True, help="写成什么。"
)
@click.option("--opinions", type=click.Path(path_type=Path, dir_okay=False), help="审核意见工作簿：认可和误报的问题不再算待核实。")
@click.option(
    "--include", type=click.Choice(["accepted", "queries", "errors"]),
    help="周期里汇总哪些表：accepted 只收已通过的，queries 待说明的也收，errors 有错误的也收。默认照 cycle.yaml。",
)
@click.option("--level", default="", help="周期里逐级汇总到哪一级：市、县、部门（主管部门）、所属单位。默认每一级都列。")
@click.option("--against", type=click.Path(path_type=Path), help="和上期比：上期的周期文件夹、报送文件夹、文件，或 parquet 汇总文件夹。")
@force_option
@given_options
@lists_options
@cycle_option
@reading_options
@limits_option
@forms_option
def consolidate(
    paths: Sequence[Path], output: Path | None, shape: str, opinions: Path | None, include: str | None, level: str, against: Path | None,
    force: bool, year: str, department: str, unit: str, codes: Path | None, subjects: Path | None, cycle_dir: Path | None,
    jobs: int | None, state: bool, engine: str, scheduler: str, limits: Limits | None, forms_dirs: tuple[str, ...],
) -> None:  # fmt: skip
    """汇总文件夹里全部工作簿（含子文件夹）。例：xlgoals consolidate 报送/ -o 汇总.xlsx

    在周期的文件夹里什么也不用写：汇总收件箱里已通过的表，按名册逐级相加，写到 summary/汇总.xlsx（替换上次的）。
    写明文件时，凡读得出的都汇总，注明“已收未审”。
    """
    from xlgoals.errors import OutputError, UsageError

    inside = found_cycle(cycle_dir, paths, "consolidate 报送/ -o 汇总.xlsx")
    if inside:
        no_more(year, department, unit, *forms_dirs, codes, subjects, limits=limits)
        output, force = _own_output(inside, output, shape, force)
    elif include or level:
        raise UsageError("--include 和 --level 要按周期的名册来，写明了文件就用不上。请在周期的文件夹里运行，不写文件。")
    elif output is None:
        raise UsageError("没有写汇总写到哪里。请加上 -o，例：xlgoals consolidate 报送/ -o 汇总.xlsx")
    if output.exists() and not force:
        raise OutputError(f"{output} 已经存在。请换一个名字，或加 --force 覆盖。")
    if against and not against.exists():
        raise UsageError(f"找不到 {against}，请检查路径。")
    from xlgoals.adding import Target, former_goals, summarise, summarise_cycle

    target, how, left_out = Target(output, shape, force), Reading(jobs, state, engine, scheduler, limits), 0
    if inside:
        told, now = summarise_cycle(inside, target, include=include, level=level, opinions=opinions, against=against, how=how)
        left_out = int(len(now.owners) < len(now.ledger.lines))
    else:
        former = former_goals(against, forms_dirs, how) if against else None
        lists = OwnLists(codes, subjects)
        told = summarise(
            paths, target, given=(year, department, unit), forms_dirs=forms_dirs, lists=lists, opinions=opinions, former=former, how=how
        )  # fmt: skip
    echo_tally(told.files, told.forms, told.indicators, told.severities, told.explained)
    whose = f"应报 {len(now.ledger.lines)} 家，计入 {len(now.owners)} 家。" if inside else ""
    click.echo(f"{whose}汇总已写到 {output}", err=True)
    sys.exit(3 if told.defect else max(int(told.blocked), left_out))


def _own_output(cycle: Path, output: Path | None, shape: str, force: bool) -> tuple[Path, bool]:
    """Where the summary of a cycle goes; one of ours that is there already is replaced, unless the caller has named the place."""
    if output:
        return output, force
    from xlgoals.annexes import load_annexes
    from xlgoals.cycle import load_cycle

    name = load_annexes().scope.output
    output = load_cycle(cycle)[0].summary / (f"{name}.{shape}" if shape in ("xlsx", "json") else f"{name}-{shape}")
    return output, force or shape != "xlsx" or not output.exists() or ours(output)
