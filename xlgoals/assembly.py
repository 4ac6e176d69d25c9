"""What a summary is put together from: its frames, the sheets beside the usual ones, and what its first sheet says of how much is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from xlgoals import annexes, rollup, standing
from xlgoals.annexes import Graded, graded_listing, listing
from xlgoals.charts import Charts
from xlgoals.collect import Ledger
from xlgoals.comparison import Comparison, Goals, compare, goals_of
from xlgoals.consolidate import Summary
from xlgoals.cycle import Cycle, Include
from xlgoals.findings import Catalogue
from xlgoals.roster import Roster
from xlgoals.summary import Extra
from xlgoals.tablesheet import plan_listing
from xlgoals.wording import Wording


def joined_grades(grades: Sequence[Graded]) -> Graded | None:
    """The grades of all batches."""
    return Graded(pl.concat([one.frame for one in grades]), grades[0].columns) if grades else None


@dataclass(frozen=True, slots=True)
class Round:
    """A cycle as far as it has come: its roster, the ledger of its inbox, which returns are wanted, down to which level."""

    cycle: Cycle
    roster: Roster
    ledger: Ledger
    include: Include
    level: str = ""

    @property
    def owners(self) -> dict[str, str]:
        return rollup.owners(self.ledger, self.include)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A summary with all that stands beside it. `more`: the frames of further sheets; `scope`, `counted`, `left_out`: for the first
    sheet; `paths`: where files of the former summary are, by the names they have here."""

    summary: Summary
    wording: Wording
    extras: tuple[Extra, ...]
    more: Mapping[str, pl.DataFrame]
    scope: str
    counted: str
    left_out: str
    paths: Mapping[str, Path] = field(default_factory=dict)


def assemble(
    summary: Summary, catalogue: Catalogue, *, now: Round | None = None, former: Goals | None = None, grades: Graded | None = None
) -> Assembled:
    """Put together what goes into a summary's workbook. `now`: of a cycle; `former`: what to compare with; `grades`: of its forms."""
    words = annexes.load_annexes()
    extras: list[Extra] = []
    more: dict[str, pl.DataFrame] = {}
    if now:
        summary, sheets, frames = _along_the_tree(summary, now, words)
        extras += sheets
        more |= frames
    charts = Charts(words.charts, summary, {code: rule.title for code, rule in catalogue.rules.items()})
    if charts.any:
        extras.append(charts)
    if former:
        told = compare(goals_of(summary), former, words.scope.former)
        extras += _compared(told, words)
        more |= dict(told.items())
    if grades and grades.frame.height:
        extras.append(graded_listing(grades, words.tables["grades"]))
        more["grades"] = grades.frame
    scope, counted, left_out = _scope(summary, now, words)
    paths = {f"{words.scope.former}{name}": path for name, path in former.paths.items()} if former else {}
    return Assembled(summary, annexes.whole_wording(words, grades.columns if grades else ()), tuple(extras), more, scope, counted, left_out, paths)


def _along_the_tree(summary: Summary, now: Round, words: annexes.AnnexWords) -> tuple[Summary, list[Extra], dict[str, pl.DataFrame]]:
    tree, owners = rollup.grow(now.roster, now.level), now.owners
    summary = rollup.planted(summary, tree, owners)
    lines = [{**line, "standing": line["state"]} for line in standing.unit_lines(now.ledger, standing.load_words())]
    units = rollup.standing(now.ledger, tree, owners, lines)
    nodes = rollup.add_up(summary, tree, units)
    table = words.tables["tree"]
    reported = listing(words.tables["standing"], units)
    sheet = annexes.TreeSheet(plan_listing(table, nodes), table, nodes, reported.plan)
    return summary, [sheet, reported], {"tree": nodes, "standing": units}


def _compared(told: Comparison, words: annexes.AnnexWords) -> list[Extra]:
    table = words.tables["changes"]
    plan = replace(plan_listing(table, told.changes), listing=False)  # a row below adds them up
    return [annexes.ChangesSheet(plan, table, told.changes), listing(words.tables["targets"], told.targets)]


def _scope(summary: Summary, now: Round | None, words: annexes.AnnexWords) -> tuple[str, str, str]:
    """What was taken, how much of how much is in, and what is not, and why."""
    say, forms = words.scope, summary.projects.height
    if now is None:
        files = summary.sources.height
        read = int((summary.sources["forms"] > 0).sum())
        unread = say.unread.format(count=files - read) if files > read else say.nothing
        return say.paths, say.read.format(files=files, read=read, forms=forms), unread
    ledger, owners = now.ledger, now.owners
    received = [line for line in ledger.lines if line.state != "missing"]
    counted = say.counted.format(
        all=len(ledger.lines), received=len(received), received_forms=sum(line.forms for line in received), included=len(owners), forms=forms
    )
    cycle = say.cycle.format(cycle=now.cycle.settings.cycle, include=say.include[now.include])
    return cycle, counted, _left_out(ledger, set(owners.values()), words)


def _left_out(ledger: Ledger, included: set[str], words: annexes.AnnexWords) -> str:
    say, known = words.scope, standing.load_words()
    states: Counter[str] = Counter(line.state for line in ledger.lines if line.unit.code not in included)
    others: Counter[str] = Counter(sent.state for sent in ledger.others)
    units = _listed([say.left_out.format(state=known.unit_states[state], count=states[state]) for state in standing.STATES if states[state]], say)
    told = units + say.see.format(sheet=words.tables["standing"].name) if units else say.nothing
    if not others:
        return told
    names = _listed([f"{word} {others[state]}" for state, word in known.file_states.items() if others[state]], say)
    return told + "；" + say.files.format(count=sum(others.values()), states=names)


def _listed(told: Sequence[str], say: annexes.ScopeWords) -> str:
    return say.between.join(told)
