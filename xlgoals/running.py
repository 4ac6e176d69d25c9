"""What the commands do alike: read a batch, judge it, write it, and tell how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from xlgoals import __version__

if TYPE_CHECKING:
    from xlgoals.batches import Tally
    from xlgoals.collect import Ledger
    from xlgoals.cycle import Cycle
    from xlgoals.findings import Finding
    from xlgoals.forms import Forms
    from xlgoals.intake import Intake
    from xlgoals.records import Book
    from xlgoals.tables import Tables


OPINIONS = "审核意见.xlsx"  # the reviewers' workbook, in a cycle's folder


def echo_json(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))


def opened(path: Path, forms: Forms) -> Book:
    """Read the one workbook that a command works on; what cannot be read stops it."""
    from xlgoals.errors import Refused, UsageError
    from xlgoals.explanations import without_lists
    from xlgoals.read import read_book
    from xlgoals.records import At
    from xlgoals.wording import load_return_words

    try:
        return without_lists(read_book(str(path), name=path.name), load_return_words().list)[0]
    except Refused as refused:
        raise UsageError(forms.catalogue.finding(refused.code, At(path.name), detail=refused.detail).text) from refused


def reviewed(paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...]) -> Intake:
    from dataclasses import replace

    from xlgoals.check import check as run_checks
    from xlgoals.explanations import explained
    from xlgoals.spec import load_forms
    from xlgoals.tables import with_findings
    from xlgoals.wording import load_return_words

    taken = taken_in(paths, given, jobs, forms_dirs)
    judged = with_findings(taken.tables, run_checks(taken.tables, load_forms(forms_dirs)))
    return replace(taken, tables=explained(judged, load_return_words().explanation))


def opined(taken: Intake, path: Path, forms_dirs: tuple[str, ...], *, write: bool) -> Intake:
    """Let the bureau's decisions and opinions count; with `write` the workbook is written anew with the findings of this run.

    One that does not exist yet is begun by writing; else it is a mistake of usage.
    """
    from dataclasses import replace

    from xlgoals.errors import UsageError
    from xlgoals.explanations import explained
    from xlgoals.keys import keyed
    from xlgoals.opinions import Opinions, decided, lost, remarked
    from xlgoals.opinions_book import load_words, read_opinions, write_opinions
    from xlgoals.outputs import write_whole
    from xlgoals.spec import load_forms
    from xlgoals.tables import findings_of, with_findings
    from xlgoals.wording import load_return_words

    if not write and not path.exists():
        raise UsageError(f"没有 {path}。先用 xlgoals check … --opinions {path} 写出一份，填好再用。")
    catalogue, words = load_forms(forms_dirs).catalogue, load_words()
    opinions = read_opinions(path, words) if path.exists() else Opinions()
    told = remarked(opinions.remarks, taken.tables, catalogue)
    raised = [*(one.finding for one in told if one.finding), *lost(told, path.name, words.sheets["remarks"].name, catalogue)]
    findings = [*decided(findings_of(taken.tables), opinions), *keyed(raised, taken.tables, catalogue)]
    tables = with_findings(replace(taken.tables, findings=taken.tables.findings.clear()), findings)
    tables = explained(tables, load_return_words().explanation)  # the unit answers a reviewer's question as it answers ours
    if write:
        with write_whole(path, force=True, inputs=[Path(source.path) for source in taken.sources]) as draft:
            write_opinions(draft, tables, findings_of(tables), opinions, told)
    return replace(taken, tables=tables)


class Collected(NamedTuple):
    """A cycle's inbox, read, sorted out and judged."""

    cycle: Cycle
    taken: Intake  # the returns that count
    ledger: Ledger


def collected(folder: Path | None, paths: Sequence[Path], jobs: int | None) -> Collected:
    """Read a cycle's inbox, or the paths given instead, tell which returns count, and judge those."""
    from dataclasses import replace

    from xlgoals.check import check as run_checks
    from xlgoals.collect import ledger, sorted_out
    from xlgoals.cycle import cycle_folder
    from xlgoals.enrol import load_whole
    from xlgoals.explanations import explained
    from xlgoals.settle import settled
    from xlgoals.standing import load_words
    from xlgoals.tables import with_findings
    from xlgoals.wording import load_return_words

    cycle, forms, roster = load_whole(cycle_folder(folder))
    taken = taken_in(paths or [cycle.inbox], ("", "", ""), jobs, cycle.forms_dirs, settle=False, key=cycle.key)
    found = sorted_out(taken.tables, taken.sources, roster, cycle, forms.catalogue)
    tables = settled(found.of(taken.tables), {source.name: source.changed for source in taken.sources}, forms.catalogue)
    tables = with_findings(tables, [*run_checks(tables, forms), *found.findings])
    tables = explained(tables, load_return_words().explanation)
    opinions = cycle.folder / OPINIONS
    taken = replace(taken, tables=tables)
    if opinions.exists():
        taken = opined(taken, opinions, cycle.forms_dirs, write=False)
    return Collected(cycle, taken, ledger(found, taken.tables, roster, cycle.settings.deadline, load_words().altered_by))


def taken_in(
    paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...], *, settle: bool = True, key: bytes = b""
) -> Intake:
    from xlgoals.intake import gather
    from xlgoals.records import Given
    from xlgoals.report import reading_bar

    with reading_bar() as show:
        return gather(paths, forms_dirs=forms_dirs, given=Given(*given), jobs=jobs, on_progress=show, settle=settle, key=key)


def summarise(
    paths: Sequence[Path], output: Path, shape: str, *, given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...],
    force: bool = False, opinions: Path | None = None, state: bool = True, engine_name: str = "local", scheduler: str = "",
) -> Tally:  # fmt: skip
    """Read, judge and add up any number of workbooks, and write the summary whole, with links back to every file that was read
    and never over one of them. What was read is kept beside the summary, unless `state` is off."""
    import tempfile
    from functools import partial

    from xlgoals.batches import summarised
    from xlgoals.engines import engine
    from xlgoals.intake import read_into
    from xlgoals.limits import Limits
    from xlgoals.outputs import write_whole
    from xlgoals.records import Given
    from xlgoals.report import adding_bar, reading_bar
    from xlgoals.sources import STATE, files_in
    from xlgoals.spec import load_forms
    from xlgoals.store import Store, circumstances
    from xlgoals.summary import About, apart, write_data, write_summary

    forms, known = load_forms(forms_dirs), Given(*given)
    sources, listed = files_in(paths, forms.catalogue)
    keep = output.with_name(output.stem + STATE) if state else None
    if keep:
        keep.parent.mkdir(parents=True, exist_ok=True)
    with Store(keep, circumstances(forms_dirs, known, Limits())) as store, tempfile.TemporaryDirectory(prefix="xlgoals-") as work:
        with engine(engine_name, scheduler) as executor, reading_bar() as show:
            read_into(store, sources, forms_dirs=forms_dirs, given=known, jobs=jobs, executor=executor, on_progress=show)
        judge = _opinions(opinions, forms) if opinions else None
        with adding_bar() as show_batch:
            summary, tally = summarised(store, sources, listed, forms, Path(work), judged=judge, on_batch=show_batch)
        read_files = [source for source in sources if source.name not in store.outputs]
        told = About(
            source="、".join(str(path) for path in paths),
            version=__version__,
            forms={form.id: form.title for form in forms.forms.values()},
            base=output.parent,
            paths={source.name: Path(source.path) for source in read_files},
        )
        inputs = [Path(source.path) for source in read_files]
        write = partial(write_whole, force=force, inputs=inputs)
        with write(output, folder=shape in ("parquet", "csv")) as draft:
            if shape == "xlsx":
                write_summary(summary, draft, told=told)
            else:
                write_data(summary, draft, shape)  # type: ignore[arg-type]  # click lets only its formats through
            if shape == "xlsx" and apart(summary):
                with write(output.with_name(f"{output.stem}-明细"), folder=True) as details:
                    write_data(summary, details, "parquet")
    return tally


def _opinions(path: Path, forms: Forms) -> Callable[[Tables, bool], Tables]:
    """Lets the bureau's decisions and opinions count in each batch; what speaks of nothing in any is told with the last."""
    from dataclasses import replace

    from xlgoals.errors import UsageError
    from xlgoals.keys import keyed
    from xlgoals.opinions import decided, lost, remarked
    from xlgoals.opinions_book import load_words, read_opinions
    from xlgoals.tables import findings_of, with_findings

    if not path.exists():
        raise UsageError(f"没有 {path}。先用 xlgoals check … --opinions {path} 写出一份，填好再用。")
    words = load_words()
    opinions = read_opinions(path, words)
    open_remarks = list(opinions.remarks)

    def judged(tables: Tables, last: bool) -> Tables:
        told = remarked(open_remarks, tables, forms.catalogue)
        raised = [one.finding for one in told if one.finding]
        open_remarks[:] = [one.remark for one in told if one.state == "lost"]
        if last:
            raised += lost((one for one in told if one.state == "lost"), path.name, words.sheets["remarks"].name, forms.catalogue)
        findings = [*decided(findings_of(tables), opinions), *keyed(raised, tables, forms.catalogue)]
        return with_findings(replace(tables, findings=tables.findings.clear()), findings)

    return judged


def check_place(folder: Path, paths: Sequence[Path]) -> None:
    """Refuse a folder for marked copies that lies within what is read: next time they would be taken for returns."""
    from xlgoals.errors import OutputError

    where = folder.resolve()
    for path in paths:
        if path.is_dir() and (path.resolve() == where or path.resolve() in where.parents):
            raise OutputError(f"{folder} 在要审核的 {path} 里面，下次会把退回的表当成报送的表。请换一个文件夹。")


def send_back(taken: Intake, folder: Path, force: bool) -> int:
    """Write a marked copy of each workbook with findings, tell which, and give the exit code of doing so."""
    from xlgoals.returning import write_returns
    from xlgoals.wording import load_return_words

    told = write_returns(taken.tables, taken.sources, folder, load_return_words(), force=force)
    for path in told.marked:
        click.echo(f"已标注：{path}", err=True)
    for name, path in told.listed.items():
        click.echo(f"“{name}”不能直接标注（不是 xlsx 一类的格式，或者打不开），问题清单已写到 {path}", err=True)
    for name in told.changed:
        click.echo(f"“{name}”在审核以后又被改动或移走，没有标注。请重新审核。", err=True)
    for name, error in told.failed.items():
        click.echo(f"标注“{name}”时程序出错（{error}），没有写。这是程序的缺陷，请转告程序维护人。", err=True)
    count = len(told.marked) + len(told.listed)
    click.echo(f"要退回的工作簿 {count} 个，已写到 {folder}。" if count else "没有要退回的工作簿。", err=True)
    return 3 if told.failed else int(bool(told.changed))


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
