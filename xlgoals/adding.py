"""What `consolidate` does: workbooks, or a cycle's inbox, read, judged and added up batch by batch, and the summary written whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlgoals import __version__
from xlgoals.annexes import Graded
from xlgoals.assembly import Assembled, Round, assemble, joined_grades
from xlgoals.balance import lay_out
from xlgoals.batches import Tally, added_up, planned, summarised, unjudged
from xlgoals.budget import Budgets, add_up
from xlgoals.budget_sheets import sheets
from xlgoals.comparison import Goals, former_frames, goals_of
from xlgoals.cycle import SETTINGS
from xlgoals.errors import UsageError
from xlgoals.forms import Forms
from xlgoals.inbox import collected, opened, read_through
from xlgoals.intake import Job
from xlgoals.limits import Limits
from xlgoals.outputs import write_whole
from xlgoals.records import Given
from xlgoals.report import adding_bar
from xlgoals.reviewing import Reviewing
from xlgoals.roster import chosen, load_words
from xlgoals.running import NO_LISTS, OwnLists, Reading, loaded
from xlgoals.sources import STATE, Source
from xlgoals.spec import load_forms
from xlgoals.store import Store
from xlgoals.subjects import Subject, subjects_of
from xlgoals.summary import About, apart, write_data, write_summary
from xlgoals.tables import Tables


class Target(NamedTuple):
    """Where a summary goes, as what, and whether one that is there may be replaced."""

    path: Path
    shape: str = "xlsx"
    force: bool = False


def summarise(
    paths: Sequence[Path], target: Target, *, given: tuple[str, str, str] = ("", "", ""), forms_dirs: tuple[str, ...] = (),
    lists: OwnLists = NO_LISTS, opinions: Path | None = None, former: Goals | None = None, how: Reading,
) -> Tally:  # fmt: skip
    """Read, judge and add up any number of workbooks, and write the summary. What was read is kept beside it, where `how` says so."""
    forms, subjects = loaded(forms_dirs, lists)
    reviewing = Reviewing(opinions, forms.catalogue, write=False) if opinions else None
    grades: list[Graded] = []
    state = target.path.with_name(target.path.stem + STATE) if how.state else None
    job = Job(forms_dirs, Given(*given), how.limits or Limits())

    def judged(tables: Tables, last: bool) -> Tables:
        assert reviewing
        grades.append(reviewing.graded(tables))
        return reviewing.judged(tables, last)

    with read_through(paths, state, job, forms, how) as stored, tempfile.TemporaryDirectory(prefix="xlgoals-") as work, adding_bar() as show:
        summary, tally = summarised(
            stored.store, stored.sources, stored.listed, forms, Path(work), subjects=subjects, judged=judged if reviewing else None, on_batch=show
        )  # fmt: skip
        whole = assemble(summary, forms.catalogue, former=former, grades=joined_grades(grades))
        _write(whole, target, paths, stored.returns, former, forms, _budgets(tally, forms, subjects, whole))
    return tally


def summarise_cycle(
    folder: Path, target: Target, *, include: str | None = None, level: str = "", opinions: Path | None = None, against: Path | None = None, how: Reading
) -> tuple[Tally, Round]:
    """Add up the returns of a cycle that are wanted, along its roster, and write the summary. The tally is theirs, but knows of
    defects wherever they came up. Raises UsageError for a level that is none."""
    levels = load_words().levels
    wanted = chosen(levels, level) if level else None
    if level and not wanted:
        raise UsageError(f"没有“{level}”这一级。可以写：{'、'.join(one.word for one in levels)}；不写就是每一级都列。")
    with collected(folder, [], how, opinions=opinions) as found, tempfile.TemporaryDirectory(prefix="xlgoals-") as work:
        cycle, forms, reviewing = found.cycle, found.inbox.forms, found.reviewing
        former = former_goals(against, cycle.forms_dirs, how._replace(limits=cycle.settings.limits)) if against else None
        now = Round(cycle, found.inbox.roster, found.ledger, include or cycle.settings.review.include, wanted.word if wanted else "")  # type: ignore[arg-type]  # click lets only its words through
        grades: list[Graded] = []

        def graded() -> Iterator[Tables]:
            for tables in found.tables(now.owners):
                if reviewing:
                    grades.append(reviewing.graded(tables))
                yield tables
                del tables

        subjects = subjects_of(found.inbox.roster)
        summary, tally = added_up(graded(), found.plan(now.owners), forms, Path(work), subjects)
        whole = assemble(summary, forms.catalogue, now=now, former=former, grades=joined_grades(grades))
        _write(whole, target, [Path(cycle.inbox.name)], found.inbox.stored.returns, former, forms, _budgets(tally, forms, subjects, whole))
    return tally.but(defect=tally.defect or found.tally.defect), now


def _budgets(tally: Tally, forms: Forms, subjects: Sequence[Subject], whole: Assembled) -> Budgets | None:
    if tally.budget is None:
        return None
    return add_up(lay_out(tally.budget, forms, forms.ties, subjects), forms.ties, tally.budget, tuple(whole.wording.budget))


def _write(
    whole: Assembled, target: Target, given: Sequence[Path], sources: Sequence[Source], former: Goals | None, forms: Forms, budgets: Budgets | None
) -> None:
    """Write a summary whole, with links back to every file that was read, and never over one of them; what is too long for a
    workbook goes into a folder beside it."""
    output, shape = target.path, target.shape
    told = About(
        source="、".join(str(path) for path in given),
        scope=whole.scope,
        counted=whole.counted,
        left_out=whole.left_out,
        version=__version__,
        forms={form.id: form.title for form in forms.forms.values()},
        rules={code: rule.title for code, rule in forms.catalogue.rules.items()},
        base=output.parent,
        paths={source.name: Path(source.path) for source in sources} | dict(whole.paths),
    )
    inputs = [*(Path(source.path) for source in sources), *(former.paths.values() if former else ())]
    write = partial(write_whole, force=target.force, inputs=inputs)
    with write(output, folder=shape in ("parquet", "csv")) as draft:
        if shape == "xlsx":
            extras = (*whole.extras, *(sheets(budgets, whole.wording, forms.ties) if budgets else ()))
            write_summary(whole.summary, draft, told=told, wording=whole.wording, extras=extras)
        else:
            more = {**whole.more, **(dict(budgets.items()) if budgets else {})}
            write_data(whole.summary, draft, shape, wording=whole.wording, more=more)  # type: ignore[arg-type]  # click lets only its formats through
        if shape == "xlsx" and apart(whole.summary):
            with write(output.with_name(f"{output.stem}-明细"), folder=True) as details:
                write_data(whole.summary, details, "parquet")


def former_goals(path: Path, forms_dirs: tuple[str, ...], how: Reading) -> Goals:
    """What a former summary holds: of a cycle's folder the returns that count, else what a folder of Parquet says or what the
    returns in a file or folder say."""
    try:
        if former := former_frames(path):
            return former
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(f"{path} 里的汇总数据读不了（{type(error).__name__}）。请用 consolidate --format parquet 重新写出，或直接写上期的报送文件夹。") from error
    with tempfile.TemporaryDirectory(prefix="xlgoals-") as work:
        if (path / SETTINGS).is_file():
            with opened(path, [], how) as inbox:
                sources = inbox.named({sent.file for sent in inbox.sorted.taken.values()})
                return _goals(inbox.stored.store, sources, inbox.forms, Path(work))
        forms = load_forms(forms_dirs)
        with read_through([path], None, Job(forms_dirs, Given(), how.limits or Limits()), forms, how) as stored:
            return _goals(stored.store, stored.returns, forms, Path(work))


def _goals(store: Store, sources: Sequence[Source], forms: Forms, work: Path) -> Goals:
    plan = planned(store, sources)
    summary, _ = added_up(unjudged(store, plan, sources, forms), plan, forms, work)
    return goals_of(summary, {source.name: Path(source.path) for source in sources})
