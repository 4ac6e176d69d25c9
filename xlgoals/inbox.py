"""A cycle's inbox: read through one store in the cycle's folder, sorted out, judged batch by batch, and how far each unit is.

All commands of a cycle share the store: what one has read, the next need not read again. Of what is judged only a line a file stays
in memory; the rest is laid down, and whatever goes back or is rolled up is taken up again batch by batch.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from xlgoals.batches import Plan, Tally, judging, planned, units_of
from xlgoals.collect import BACK, SEEN, Ledger, Sorted, Stood, ledger, seen, sorted_out, stood
from xlgoals.consolidate import Named
from xlgoals.cycle import Cycle, cycle_folder
from xlgoals.engines import engine
from xlgoals.enrol import load_whole
from xlgoals.findings import Finding
from xlgoals.forms import Forms
from xlgoals.intake import Job, read_into
from xlgoals.records import Given
from xlgoals.report import adding_bar, reading_bar
from xlgoals.returning import with_problems
from xlgoals.reviewing import Reviewing
from xlgoals.roster import Roster
from xlgoals.running import OPINIONS, Reading
from xlgoals.sources import OTHERS, STATE, Source, files_in
from xlgoals.standing import load_words
from xlgoals.store import Store, circumstances
from xlgoals.subjects import subjects_of
from xlgoals.tables import BATCH, Tables


class Stored(NamedTuple):
    """Files that were read, in their store: all that were listed, and what was found listing them."""

    store: Store
    sources: list[Source]
    listed: list[Finding]

    @property
    def returns(self) -> list[Source]:
        """Without our own outputs, of which nothing is taken."""
        return [source for source in self.sources if source.name not in self.store.outputs]

    def answers(self) -> pl.DataFrame:
        """What units answered, in whichever file."""
        return self.store.answers({source.name: at for at, source in enumerate(self.sources)})


@contextlib.contextmanager
def read_through(paths: Sequence[Path], state: Path | None, job: Job, forms: Forms, how: Reading) -> Iterator[Stored]:
    """Read files and folders into the store kept at `state`, or in one that lasts as long as the run. All that a worker is told
    counts for whether what was read before still holds."""
    sources, listed = files_in(paths, forms.catalogue, job.limits)
    if state:
        state.parent.mkdir(parents=True, exist_ok=True)
    folders, *told = job
    with Store(state, circumstances(folders, *told)) as store:
        with engine(how.engine, how.scheduler) as executor, reading_bar() as show:
            read_into(
                store, sources, forms_dirs=job.forms, given=job.given, limits=job.limits, key=job.key, jobs=how.jobs, executor=executor, on_progress=show
            )  # fmt: skip
        yield Stored(store, sources, listed)


class Inbox(NamedTuple):
    """A cycle's inbox, read and sorted out."""

    cycle: Cycle
    forms: Forms
    roster: Roster
    stored: Stored
    sorted: Sorted

    @property
    def order(self) -> list[Named]:
        """Departments and units as the roster has them."""
        return [(unit.department_text, unit.name) for unit in self.roster]

    def named(self, files: Collection[str]) -> list[Source]:
        """The sources of these files, in their order."""
        return [source for source in self.stored.sources if source.name in files]


@contextlib.contextmanager
def opened(folder: Path | None, paths: Sequence[Path], how: Reading) -> Iterator[Inbox]:
    """Read a cycle's inbox, or the paths given instead, and tell whose each file is and whether it counts."""
    cycle, forms, roster = load_whole(cycle_folder(folder))
    state = cycle.folder / f"{cycle.inbox.name}{STATE}" if how.state and not paths else None
    job = Job(cycle.forms_dirs, Given(), cycle.settings.limits, cycle.key)
    with read_through(paths or [cycle.inbox], state, job, forms, how) as stored:
        found = sorted_out(seen(stored.store.by_piece(*SEEN)), stored.returns, stored.listed, roster, cycle, forms)
        yield Inbox(cycle, forms, roster, stored, found)


class Laid(NamedTuple):
    """A judged batch on disk: its returns that count, and what was found."""

    returns: Path
    findings: Path


@dataclass(frozen=True, slots=True)
class Collected:
    """A cycle's inbox, judged. `reviewing`: what reviewers say of it, where they have said anything or are to be asked."""

    inbox: Inbox
    ledger: Ledger
    tally: Tally
    batches: tuple[Laid, ...]
    reviewing: Reviewing | None

    @property
    def cycle(self) -> Cycle:
        return self.inbox.cycle

    @property
    def inputs(self) -> list[Path]:
        """All files that were read."""
        return [Path(source.path) for source in self.inbox.stored.returns]

    @property
    def passed_over(self) -> list[Finding]:
        """What is said of files that are no workbooks."""
        return [one for one in self.inbox.stored.listed if one.code == OTHERS]

    def findings(self) -> Iterator[pl.DataFrame]:
        """What was found, batch by batch."""
        return (_read(batch.findings) for batch in self.batches)

    def judged(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Returns that count, and what was found, batch by batch."""
        return ((_read(batch.returns), _read(batch.findings)) for batch in self.batches)

    def to_return(self) -> set[str]:
        """What goes back: files that count and are not accepted, and those that gave nothing; of the rest the ledger tells."""
        files = {line.sent.file for line in self.ledger.lines if line.sent and line.state != "accepted"}
        files |= {sent.file for sent in self.ledger.others if sent.state in BACK}
        return {file for frame in self.findings() for file in with_problems(frame) & files}

    def plan(self, files: Collection[str]) -> Plan:
        """The batches of these files, and their units."""
        returns = [_of(_read(batch.returns), files) for batch in self.batches]
        return Plan(tuple(_names(frame) for frame in returns), units_of(returns, self.inbox.order))

    def tables(self, files: Collection[str]) -> Iterator[Tables]:
        """All tables of these files as judged, batch by batch."""
        for returns, findings in self.judged():
            kept = _of(returns, files)
            tables = self.inbox.stored.store.tables(_names(kept))
            frames = {name: frame if name in BATCH else frame.join(kept, on="rid", how="semi", maintain_order="left") for name, frame in tables.items()}
            yield Tables(**{**frames, "findings": _of(findings, files)})
            del tables, frames


@contextlib.contextmanager
def collected(
    folder: Path | None, paths: Sequence[Path], how: Reading, *, opinions: Path | None = None, write: bool = False
) -> Iterator[Collected]:
    """Read a cycle's inbox, or the paths given instead, and judge the returns that count. The reviewers' workbook counts where there
    is one, the cycle's own unless another is given; with `write` it is written anew."""
    own = opinions or cycle_folder(folder) / OPINIONS
    with opened(folder, paths, how) as inbox, tempfile.TemporaryDirectory(prefix="xlgoals-") as work:
        reviewing = Reviewing(own, inbox.forms.catalogue, write=write) if write or opinions or own.exists() else None
        altered_by, standing, tally = load_words().altered_by, dict[str, Stood](), Tally()
        batches: list[Laid] = []
        with adding_bar() as show:
            for tables in _judging(inbox, reviewing, show):
                tally = tally.with_(tables)
                standing |= stood(tables, altered_by)
                if reviewing and write:
                    reviewing.take(tables)
                batches.append(_laid(tables, Path(work), len(batches)))
                del tables
        told = ledger(inbox.sorted, standing, inbox.roster, inbox.cycle.settings.deadline)
        found = Collected(inbox, told, tally, tuple(batches), reviewing)
        if reviewing and write:
            reviewing.write(found.inputs)
        yield found


def _judging(inbox: Inbox, reviewing: Reviewing | None, show: Callable[[int, int], None] | None) -> Iterator[Tables]:
    stored, forms = inbox.stored, inbox.forms
    plan = planned(stored.store, inbox.named(inbox.sorted.told), order=inbox.order)
    listed = inbox.sorted.of(stored.listed)
    judged, subjects = reviewing.judged if reviewing else None, subjects_of(inbox.roster)
    return judging(stored.store, plan, stored.sources, listed, forms, subjects=subjects, judged=judged, on_batch=show)


def _laid(tables: Tables, work: Path, number: int) -> Laid:
    laid = Laid(work / f"returns-{number:05}.arrow", work / f"findings-{number:05}.arrow")
    tables.returns.write_ipc(laid.returns, compression="lz4")
    tables.findings.write_ipc(laid.findings, compression="lz4")
    return laid


def _read(path: Path) -> pl.DataFrame:
    return pl.read_ipc(path)


def _of(frame: pl.DataFrame, files: Collection[str]) -> pl.DataFrame:
    return frame.filter(pl.col("file").is_in(list(files)))


def _names(returns: pl.DataFrame) -> tuple[str, ...]:
    return tuple(returns["file"].unique(maintain_order=True))
