"""What the commands do alike: read a batch, judge it, write it, and tell how it went."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from polars import DataFrame

    from xlgoals.findings import Finding
    from xlgoals.forms import Forms
    from xlgoals.intake import Intake
    from xlgoals.limits import Limits
    from xlgoals.records import Book
    from xlgoals.returning import Batch
    from xlgoals.sources import Source
    from xlgoals.subjects import Subject
    from xlgoals.tables import Tables


OPINIONS = "审核意见.xlsx"  # the reviewers' workbook, in a cycle's folder


def echo_json(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))


def opened(path: Path, forms: Forms, limits: Limits | None = None) -> Book:
    """Read the one workbook that a command works on, in a worker; what cannot be read stops it."""
    from functools import partial

    from xlgoals.errors import Refused, UsageError
    from xlgoals.explanations import without_lists
    from xlgoals.read import read_apart
    from xlgoals.records import At
    from xlgoals.wording import load_return_words

    try:
        return read_apart(path, partial(without_lists, words=load_return_words().list), limits=limits)[0]
    except Refused as refused:
        raise UsageError(forms.catalogue.finding(refused.code, At(path.name), detail=refused.detail).text) from refused


class OwnLists(NamedTuple):
    """What a bureau brings of its own: the year's classification, and which project is of which code."""

    codes: Path | None = None
    subjects: Path | None = None


NO_LISTS = OwnLists()


class Reading(NamedTuple):
    """How a command reads files: in how many processes, on which engine, within which limits, and whether it keeps what it read for
    the next one."""

    jobs: int | None = None
    state: bool = True
    engine: str = "local"
    scheduler: str = ""
    limits: Limits | None = None


def loaded(forms_dirs: tuple[str, ...], lists: OwnLists) -> tuple[Forms, tuple[Subject, ...]]:
    """The spec files, with a bureau's own lists."""
    from xlgoals.spec import load_forms, mapping_path

    forms, headings = load_forms(forms_dirs), mapping_path(forms_dirs, "listings.yaml")
    if lists.codes:
        from xlgoals.codes import take_codes

        forms = forms.recoded(take_codes(lists.codes, forms.codes, headings))
    if not lists.subjects:
        return forms, ()
    from xlgoals.subjects import read_subjects

    return forms, read_subjects(lists.subjects, headings, forms.codes)


def reviewed(
    paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...], lists: OwnLists = NO_LISTS,
    limits: Limits | None = None,
) -> Intake:  # fmt: skip
    from dataclasses import replace

    from xlgoals.check import check as run_checks
    from xlgoals.explanations import explained
    from xlgoals.tables import with_findings
    from xlgoals.wording import load_return_words

    forms, subjects = loaded(forms_dirs, lists)
    taken = taken_in(paths, given, jobs, forms_dirs, limits=limits)
    judged = with_findings(taken.tables, run_checks(taken.tables, forms, subjects))
    return replace(taken, tables=explained(judged, load_return_words().explanation))


def opined(taken: Intake, path: Path, forms_dirs: tuple[str, ...]) -> tuple[Intake, Mapping[str, Sequence[str]]]:
    """Let the bureau's decisions and opinions count, and write the workbook anew with the findings of this run; gives what was graded,
    too, by file."""
    from dataclasses import replace

    from xlgoals.explanations import explained
    from xlgoals.reviewing import Reviewing
    from xlgoals.spec import load_forms
    from xlgoals.wording import load_return_words

    reviewing = Reviewing(path, load_forms(forms_dirs).catalogue, write=True)
    tables = explained(reviewing.judged(taken.tables, last=True), load_return_words().explanation)
    reviewing.take(tables)
    reviewing.write([Path(source.path) for source in taken.sources])
    return replace(taken, tables=tables), reviewing.grades()


def found_cycle(folder: Path | None, paths: Sequence[Path], command: str) -> Path | None:
    """The cycle that a command works on, None when it works on the paths given; raises UsageError when it has neither."""
    from xlgoals.cycle import cycle_folder, find_cycle
    from xlgoals.errors import UsageError

    if paths:
        if folder:
            raise UsageError("写了要读的文件或文件夹，就不要再写 --cycle；要按周期的收件箱来，就只写 --cycle。")
        return None
    found = folder or find_cycle(Path.cwd())
    if found is None:
        raise UsageError(f"没有写要读哪些文件，这里也不在预算周期的文件夹里。请写明文件或文件夹，例：xlgoals {command}；或者进入周期的文件夹再运行，就什么也不用写。")
    return cycle_folder(found)


def no_more(*given: object, limits: Limits | None) -> None:
    """Refuse what a cycle's own settings say."""
    from xlgoals.errors import UsageError

    if limits:
        raise UsageError("在周期里，读取上限写在 cycle.yaml 的 limits 里，不用另写 --limits。")
    if any(given):
        raise UsageError(
            "在周期里，年度、部门、单位看下发时写入的标记，表样、规则和科目表（codes）看 cycle.yaml，项目的科目看名册“项目”表，"
            "不用另写 --year、--department、--unit、--forms、--codes、--subjects。"
        )


def taken_in(
    paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...], *, limits: Limits | None = None
) -> Intake:  # fmt: skip
    from xlgoals.intake import gather
    from xlgoals.records import Given
    from xlgoals.report import reading_bar

    with reading_bar() as show:
        return gather(paths, forms_dirs=forms_dirs, given=Given(*given), jobs=jobs, on_progress=show, limits=limits)


def ours(path: Path) -> bool:
    """Whether a file is an output of this program, which its next run may replace unasked."""
    from xlgoals.guard import is_output

    return path.is_file() and is_output(path.read_bytes())


def is_open(path: Path) -> bool:
    """Whether Excel, WPS or LibreOffice seems to have a workbook open: what is not saved yet is not in the file."""
    return any((path.parent / name).exists() for name in (f"~${path.name}", f".~lock.{path.name}#", f".~{path.name}"))


def check_place(folder: Path, paths: Sequence[Path]) -> None:
    """Refuse a folder for marked copies that lies within what is read: next time they would be taken for returns."""
    from xlgoals.errors import OutputError

    where = folder.resolve()
    for path in paths:
        if path.is_dir() and (path.resolve() == where or path.resolve() in where.parents):
            raise OutputError(f"{folder} 在要审核的 {path} 里面，下次会把退回的表当成报送的表。请换一个文件夹。")


def send_back(
    batches: Iterable[Batch], sources: Sequence[Source], wanted: Collection[str], answers: DataFrame, folder: Path, force: bool,
    limits: Limits | None = None, *, grades: Mapping[str, Sequence[str]] | None = None, clear: bool = False,
) -> int:  # fmt: skip
    """Write a marked copy of each workbook that is to go back, tell which, and give the exit code of doing so. See `write_returns`."""
    from xlgoals.returning import write_returns
    from xlgoals.wording import load_return_words

    told = write_returns(batches, sources, wanted, answers, folder, load_return_words(), grades=grades, force=force, clear=clear, limits=limits)
    for path in told.marked:
        click.echo(f"已标注：{path}", err=True)
    for name, path in told.listed.items():
        click.echo(f"“{name}”不能直接标注（不是 xlsx 一类的格式，或者打不开），问题清单已写到 {path}", err=True)
    for name in told.changed:
        click.echo(f"“{name}”在审核以后又被改动或移走，没有标注。请重新审核。", err=True)
    for name, error in told.failed.items():
        click.echo(f"标注“{name}”时程序出错（{error}），没有写。这是程序的缺陷，请转告程序维护人。", err=True)
    for path in told.written:
        click.echo(f"{path} 退回以后又有人写过，没有动它。是单位改好的，请移到收件的文件夹；不要了，请删掉；然后再审核一次。", err=True)
    if told.cleared:
        click.echo(f"上次退回、这次不用再退的 {len(told.cleared)} 个已从 {folder} 里拿掉。", err=True)
    count = len(told.marked) + len(told.listed)
    click.echo(f"要退回的工作簿 {count} 个，已写到 {folder}。" if count else "没有要退回的工作簿。", err=True)
    return 3 if told.failed else int(bool(told.changed or told.written))


def exit_code(findings: Iterable[Finding]) -> int:
    told = list(findings)
    if any(finding.code.startswith("internal.") for finding in told):
        return 3
    return int(any(finding.open for finding in told))


def tally(tables: Tables, findings: Sequence[Finding]) -> None:
    from xlgoals.findings import SEVERITIES

    counts: dict[str, int] = {s: sum(f.severity == s for f in findings) for s in SEVERITIES}
    explained = sum(f.status == "explained" for f in findings)
    echo_tally(tables.returns["file"].n_unique(), tables.returns.height, tables.indicators.height, counts, explained)


def echo_tally(files: int, forms: int, indicators: int, counts: Mapping[str, int], explained: int) -> None:
    from xlgoals.findings import SEVERITIES, SEVERITY_WORDS, STATUS_WORDS

    told = "，".join(f"{SEVERITY_WORDS[s]} {counts.get(s, 0)}" for s in SEVERITIES)
    if explained:
        told += f"（{STATUS_WORDS['explained']} {explained}）"
    click.echo(f"读了 {files} 个文件、{forms} 张表、{indicators} 条指标：{told}。", err=True)
