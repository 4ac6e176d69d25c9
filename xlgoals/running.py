"""What the commands do alike: read a batch, judge it, write it, and tell how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from xlgoals import __version__

if TYPE_CHECKING:
    from xlgoals.annexes import Graded
    from xlgoals.assembly import Round
    from xlgoals.batches import Tally
    from xlgoals.collect import Ledger
    from xlgoals.comparison import Goals
    from xlgoals.cycle import Cycle
    from xlgoals.findings import Finding
    from xlgoals.forms import Forms
    from xlgoals.intake import Intake
    from xlgoals.limits import Limits
    from xlgoals.records import Book
    from xlgoals.roster import Roster
    from xlgoals.subjects import Subject
    from xlgoals.tables import Tables


OPINIONS = "审核意见.xlsx"  # the reviewers' workbook, in a cycle's folder


def echo_json(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))


def opened(path: Path, forms: Forms, limits: Limits | None = None) -> Book:
    """Read the one workbook that a command works on, in a worker; what cannot be read stops it."""
    from xlgoals.errors import Refused, UsageError
    from xlgoals.explanations import without_lists
    from xlgoals.read import read_apart
    from xlgoals.records import At
    from xlgoals.wording import load_return_words

    try:
        return without_lists(read_apart(path, limits=limits), load_return_words().list)[0]
    except Refused as refused:
        raise UsageError(forms.catalogue.finding(refused.code, At(path.name), detail=refused.detail).text) from refused


class OwnLists(NamedTuple):
    """What a bureau brings of its own: the year's classification, and which project is of which code."""

    codes: Path | None = None
    subjects: Path | None = None


NO_LISTS = OwnLists()


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

    return forms, read_subjects(lists.subjects, headings)


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
    roster: Roster


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


def collected(
    folder: Path | None, paths: Sequence[Path], jobs: int | None, *, opinions: Path | None = None, write: bool = False
) -> Collected:
    """Read a cycle's inbox, or the paths given instead, tell which returns count, and judge those. The reviewers' workbook counts
    where there is one, the cycle's own unless another is given; with `write` it is written anew."""
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
    taken = taken_in(paths or [cycle.inbox], ("", "", ""), jobs, cycle.forms_dirs, settle=False, key=cycle.key, limits=cycle.settings.limits)
    found = sorted_out(taken.tables, taken.sources, roster, cycle, forms.catalogue)
    tables = settled(found.of(taken.tables), {source.name: source.changed for source in taken.sources}, forms.catalogue)
    tables = with_findings(tables, [*run_checks(tables, forms), *found.findings])
    tables = explained(tables, load_return_words().explanation)
    taken, own = replace(taken, tables=tables), opinions or cycle.folder / OPINIONS
    if write or opinions or own.exists():
        taken = opined(taken, own, cycle.forms_dirs, write=write)
    told = ledger(found, taken.tables, roster, cycle.settings.deadline, load_words().altered_by)
    return Collected(cycle, taken, told, roster)


def taken_in(
    paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...], *, settle: bool = True, key: bytes = b"",
    limits: Limits | None = None,
) -> Intake:  # fmt: skip
    from xlgoals.intake import gather
    from xlgoals.records import Given
    from xlgoals.report import reading_bar

    with reading_bar() as show:
        return gather(paths, forms_dirs=forms_dirs, given=Given(*given), jobs=jobs, on_progress=show, settle=settle, key=key, limits=limits)


def write_summary(
    taken: Intake, output: Path, shape: str, force: bool, inputs: Sequence[Path], forms_dirs: tuple[str, ...] = (), *,
    now: Round | None = None, former: Goals | None = None, opinions: Path | None = None,
) -> None:  # fmt: skip
    """Write the summary whole, with links back to every file that was read, and never over one of them. `now`: of a cycle, whose
    tables were taken; `former`: what to compare with; `opinions`: the reviewers' workbook, with grades."""
    from xlgoals.assembly import assemble, grades_of
    from xlgoals.consolidate import consolidate as roll_up
    from xlgoals.outputs import write_whole
    from xlgoals.spec import load_forms
    from xlgoals.summary import About, write_data, write_summary

    forms = load_forms(forms_dirs)
    grades = grades_of(taken.tables, opinions) if opinions else None
    whole = assemble(roll_up(taken.tables), forms.catalogue, now=now, former=former, grades=grades)
    told = About(
        source="、".join(str(path) for path in inputs),
        scope=whole.scope,
        counted=whole.counted,
        left_out=whole.left_out,
        version=__version__,
        forms={form.id: form.title for form in forms.forms.values()},
        base=output.parent,
        paths={source.name: Path(source.path) for source in taken.sources} | dict(whole.paths),
    )
    read_files = [*(Path(source.path) for source in taken.sources), *(former.paths.values() if former else ())]
    with write_whole(output, force=force, folder=shape in ("parquet", "csv"), inputs=read_files) as draft:
        if shape == "xlsx":
            write_summary(whole.summary, draft, told=told, wording=whole.wording, extras=whole.extras)
        else:
            write_data(whole.summary, draft, shape, wording=whole.wording, more=whole.more)  # type: ignore[arg-type]  # click lets only its formats through


def former_goals(path: Path, jobs: int | None, forms_dirs: tuple[str, ...], limits: Limits | None = None) -> Goals:
    """What a former summary holds: of a cycle's folder the returns that count, else what a folder of Parquet says or what the
    returns in a file or folder say."""
    import polars as pl

    from xlgoals.comparison import Goals, goals_of
    from xlgoals.consolidate import consolidate as roll_up
    from xlgoals.cycle import SETTINGS
    from xlgoals.errors import UsageError

    parts = [path / f"{name}.parquet" for name in ("projects", "indicators")]
    if all(part.is_file() for part in parts):
        try:
            goals = Goals(pl.read_parquet(parts[0]), pl.read_parquet(parts[1]))
            goals.projects.select("project_no", "project_code", "project_name", "department", "unit", "total", "file", "sheet", "cell")
            goals.indicators.select("project_no", "horizon", "level1", "level2", "name", "target", "file", "sheet", "cell")
        except (pl.exceptions.PolarsError, OSError) as error:
            raise UsageError(f"{path} 里的汇总数据读不了（{type(error).__name__}）。请用 consolidate --format parquet 重新写出，或直接写上期的报送文件夹。") from error
        return goals
    taken = collected(path, [], jobs).taken if (path / SETTINGS).is_file() else taken_in([path], ("", "", ""), jobs, forms_dirs, limits=limits)
    return goals_of(roll_up(taken.tables), {source.name: Path(source.path) for source in taken.sources})


def to_return(found: Collected) -> Intake:
    """What goes back of a cycle: files that count and are not accepted, and those that could not be read; of the rest the ledger tells."""
    from dataclasses import replace

    files = {line.sent.file for line in found.ledger.lines if line.sent and line.state != "accepted"}
    files |= {sent.file for sent in found.ledger.others if sent.state == "unreadable"}
    return replace(found.taken, sources=tuple(source for source in found.taken.sources if source.name in files))


def rolled_up(found: Collected, include: str | None, level: str) -> tuple[Intake, Round]:
    """The returns of a cycle that go into its summary, and what is told of the others; raises UsageError for a level that is none."""
    from dataclasses import replace

    from xlgoals.assembly import Round, of_round
    from xlgoals.errors import UsageError
    from xlgoals.roster import chosen, load_words

    levels = load_words().levels
    wanted = chosen(levels, level) if level else None
    if level and not wanted:
        raise UsageError(f"没有“{level}”这一级。可以写：{'、'.join(one.word for one in levels)}；不写就是每一级都列。")
    now = Round(found.cycle, found.roster, found.ledger, include or found.cycle.settings.review.include, wanted.word if wanted else "")  # type: ignore[arg-type]  # click lets only its words through
    return replace(found.taken, tables=of_round(found.taken.tables, now)), now


def ours(path: Path) -> bool:
    """Whether a file is an output of this program, which its next run may replace unasked."""
    from xlgoals.guard import is_output

    return path.is_file() and is_output(path.read_bytes())
def summarise(
    paths: Sequence[Path], output: Path, shape: str, *, given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...],
    force: bool = False, opinions: Path | None = None, former: Goals | None = None, state: bool = True, engine_name: str = "local", scheduler: str = "",
    lists: OwnLists = NO_LISTS, limits: Limits | None = None,
) -> Tally:  # fmt: skip
    """Read, judge and add up any number of workbooks, and write the summary whole, with links back to every file that was read
    and never over one of them. What was read is kept beside the summary, unless `state` is off."""
    import tempfile
    from functools import partial

    from xlgoals.assembly import assemble, joined_grades
    from xlgoals.balance import lay_out
    from xlgoals.batches import summarised
    from xlgoals.budget import add_up
    from xlgoals.budget_sheets import sheets
    from xlgoals.engines import engine
    from xlgoals.intake import read_into
    from xlgoals.limits import Limits
    from xlgoals.outputs import write_whole
    from xlgoals.records import Given
    from xlgoals.report import adding_bar, reading_bar
    from xlgoals.sources import STATE, files_in
    from xlgoals.store import Store, circumstances
    from xlgoals.summary import About, apart, write_data, write_summary

    (forms, subjects), known, limits = loaded(forms_dirs, lists), Given(*given), limits or Limits()
    sources, listed = files_in(paths, forms.catalogue, limits)
    keep = output.with_name(output.stem + STATE) if state else None
    if keep:
        keep.parent.mkdir(parents=True, exist_ok=True)
    with Store(keep, circumstances(forms_dirs, known, limits)) as store, tempfile.TemporaryDirectory(prefix="xlgoals-") as work:
        with engine(engine_name, scheduler) as executor, reading_bar() as show:
            read_into(store, sources, forms_dirs=forms_dirs, given=known, jobs=jobs, executor=executor, on_progress=show, limits=limits)
        grades: list[Graded] = []
        judge = _graded(opinions, _opinions(opinions, forms), grades) if opinions else None
        with adding_bar() as show_batch:
            summary, tally = summarised(store, sources, listed, forms, Path(work), subjects=subjects, judged=judge, on_batch=show_batch)
        whole = assemble(summary, forms.catalogue, former=former, grades=joined_grades(grades))
        budgets = None
        if tally.budget:
            budgets = add_up(lay_out(tally.budget, forms, forms.ties, subjects), forms.ties, tally.budget, tuple(whole.wording.budget))
        read_files = [source for source in sources if source.name not in store.outputs]
        told = About(
            source="、".join(str(path) for path in paths),
            scope=whole.scope,
            counted=whole.counted,
            left_out=whole.left_out,
            version=__version__,
            forms={form.id: form.title for form in forms.forms.values()},
            base=output.parent,
            paths={source.name: Path(source.path) for source in read_files} | dict(whole.paths),
        )
        inputs = [*(Path(source.path) for source in read_files), *(former.paths.values() if former else ())]
        write = partial(write_whole, force=force, inputs=inputs)
        with write(output, folder=shape in ("parquet", "csv")) as draft:
            if shape == "xlsx":
                extras = (*whole.extras, *(sheets(budgets, whole.wording) if budgets else ()))
                write_summary(whole.summary, draft, told=told, wording=whole.wording, extras=extras)
            else:
                more = {**whole.more, **(dict(budgets.items()) if budgets else {})}
                write_data(whole.summary, draft, shape, wording=whole.wording, more=more)  # type: ignore[arg-type]  # click lets only its formats through
            if shape == "xlsx" and apart(summary):
                with write(output.with_name(f"{output.stem}-明细"), folder=True) as details:
                    write_data(summary, details, "parquet")
    return tally


def _graded(path: Path, judge: Callable[[Tables, bool], Tables], grades: list[Graded]) -> Callable[[Tables, bool], Tables]:
    """As `judge`, and the grades of each batch kept."""
    from xlgoals.assembly import grades_of

    def judged(tables: Tables, last: bool) -> Tables:
        grades.append(grades_of(tables, path))
        return judge(tables, last)

    return judged


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


def send_back(taken: Intake, folder: Path, force: bool, limits: Limits | None = None) -> int:
    """Write a marked copy of each workbook with findings, tell which, and give the exit code of doing so."""
    from xlgoals.returning import write_returns
    from xlgoals.wording import load_return_words

    told = write_returns(taken.tables, taken.sources, folder, load_return_words(), force=force, limits=limits)
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
