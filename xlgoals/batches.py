"""A summary of any number of workbooks: judged and added up batch by batch, so that no more than a batch is ever held.

A batch is made of whole departments, as far as one is not larger than a batch itself: rules that look across the forms of a
department see all of them. Workbooks that hold the same return stand in the same batch, so that it is counted once.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from xlgoals.balance import is_goal_form, lay_out
from xlgoals.check import together
from xlgoals.consolidate import COUNTED, Begin, Named, Summary, adding, consolidate, number_units, totalled
from xlgoals.explanations import explained
from xlgoals.findings import SEVERITIES, Finding
from xlgoals.forms import Forms
from xlgoals.parts import Frame, Parts
from xlgoals.settle import settled
from xlgoals.sources import Source
from xlgoals.store import Store
from xlgoals.subjects import Subject
from xlgoals.tables import BATCH, OPEN, Tables, with_findings
from xlgoals.wording import load_return_words

MOST = 2_000  # forms of a batch: all their places, with what adding them up takes, are some 150 MB
Judge = Callable[[Tables, bool], Tables]
_UNITS = {"department": pl.String(), "unit": pl.String()}
DETAILS = ("projects", "funds", "indicators", "findings")


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run found: how many files were read, forms, indicators and findings by severity; whether any finding still blocks,
    and whether a defect of ours is among them."""

    files: int = 0
    forms: int = 0
    indicators: int = 0
    severities: Mapping[str, int] = field(default_factory=dict)
    explained: int = 0
    blocked: bool = False
    defect: bool = False
    budget: Tables | None = None  # the returns that make up departments' budgets, of all batches

    def but(self, *, defect: bool) -> Tally:
        return replace(self, defect=defect)

    def with_(self, tables: Tables, budget: Tables | None = None) -> Tally:
        findings = tables.findings
        return Tally(
            self.files + tables.returns["file"].n_unique(), self.forms + tables.returns.height, self.indicators + tables.indicators.height,
            Counter(self.severities) + Counter(findings["severity"]),
            self.explained + findings.filter(status="explained").height,
            self.blocked or not findings.filter(OPEN).is_empty(),
            self.defect or bool(findings["code"].str.starts_with("internal.").any()),
            _together(self.budget, budget),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """In which batches the workbooks of a store are taken, by name, and the numbers of all units."""

    batches: tuple[tuple[str, ...], ...]
    units: pl.DataFrame


def planned(store: Store, sources: Sequence[Source], most: int = MOST, order: Sequence[Named] = ()) -> Plan:
    """Arrange what was read of these in batches of at most so many forms: departments in their order, in each the workbooks in theirs.
    `order`: departments and units as the roster has them; others come behind, by name."""
    place = {source.name: at for at, source in enumerate(sources)}
    homes: dict[str, str] = {}
    sizes = Counter[str]()
    units: dict[tuple[str, str], None] = {}  # no frames: each would keep alive all the texts that it was cut out of
    named: list[pl.DataFrame] = []
    for (whole,) in store.by_piece("returns"):
        mine = {name: place[name] for name in whole["file"].unique() if name in place}
        if not mine:
            continue
        returns = whole.filter(pl.col("file").is_in(list(mine)))
        homes |= dict(reversed(returns.select("file", "department").rows()))
        sizes.update(returns["file"])
        units |= dict.fromkeys(returns.select("department", "unit").unique(maintain_order=True).iter_rows())
        known = (pl.col("project_code") != "") | ((pl.col("project_name") != "") & (pl.col("unit") != ""))
        files = pl.col("file").replace_strict(mine, return_dtype=pl.UInt32)
        named.append(returns.filter(known).select(files, same=pl.col("identity").hash()))
    alike = _linked(named, len(sources))
    groups: dict[int, list[str]] = {}
    for name in sorted(homes, key=place.__getitem__):
        groups.setdefault(alike[place[name]], []).append(name)
    departments: dict[str, list[list[str]]] = {}
    for group in groups.values():
        departments.setdefault(homes[group[0]], []).append(group)
    batches: list[list[str]] = [[]]
    held = 0
    ranks = dict(reversed([(department, rank) for rank, (department, _) in enumerate(order)]))
    for department in sorted(departments, key=lambda name: (name == "", ranks.get(name, len(order)), name)):
        own = [(group, sum(sizes[name] for name in group)) for group in departments[department]]
        if held and held + sum(forms for _, forms in own) > most:
            batches.append([])
            held = 0
        for group, forms in own:
            if held and held + forms > most:  # a department that is more than a batch itself
                batches.append([])
                held = 0
            batches[-1] += group
            held += forms
    batches[-1] += [source.name for source in sources if source.name not in homes and source.name in store.pieces]
    return Plan(tuple(tuple(sorted(batch, key=place.__getitem__)) for batch in batches), units_of([pl.DataFrame(list(units), schema=_UNITS, orient="row")], order))


def units_of(parts: Iterable[pl.DataFrame], order: Sequence[Named] = ()) -> pl.DataFrame:
    """The numbers of all units, from the returns of all batches."""
    return number_units(pl.concat([pl.DataFrame(schema=_UNITS), *(one.select(*_UNITS).unique() for one in parts)]), stray=True, order=order)


def _linked(named: Sequence[pl.DataFrame], count: int) -> list[int]:
    """For each workbook the first of those that hold the same return as it does."""
    first = list(range(count))
    if not named:
        return first

    def root(at: int) -> int:
        while first[at] != at:
            at = first[at]
        return at

    every, same = pl.concat(named).sort("same", "file"), pl.col("same")  # sorting takes a fifth of the memory of grouping
    before, last = -1, None
    for file, identity in every.filter((same == same.shift()) | (same == same.shift(-1))).select("file", "same").iter_rows():
        if identity == last:
            one, two = root(before), root(file)
            first[max(one, two)] = min(one, two)
        before, last = file, identity
    return [root(at) for at in range(count)]


def summarised(
    store: Store,
    sources: Sequence[Source],
    listed: Sequence[Finding],
    forms: Forms,
    work: Path,
    *,
    subjects: Sequence[Subject] = (),
    judged: Judge | None = None,
    on_batch: Callable[[int, int], None] | None = None,
    most: int = MOST,
) -> tuple[Summary, Tally]:
    """Judge and add up what was read. `listed`, `judged`, `on_batch`: see `judging`; `work`: see `added_up`."""
    plan = planned(store, sources, most)
    batches = judging(store, plan, sources, listed, forms, subjects=subjects, judged=judged, on_batch=on_batch)
    return added_up(batches, plan, forms, work, subjects)


def judging(
    store: Store,
    plan: Plan,
    sources: Sequence[Source],
    listed: Sequence[Finding],
    forms: Forms,
    *,
    subjects: Sequence[Subject] = (),
    judged: Judge | None = None,
    on_batch: Callable[[int, int], None] | None = None,
) -> Iterator[Tables]:
    """Judge together what was read and judged alone, batch by batch. `listed` are findings of listing the files; `judged` may change the findings of a batch,
    told whether it is the last."""
    changed = {source.name: source.changed for source in sources}
    # they may have come in a list of their own, for a return of another batch
    answers = store.answers({source.name: at for at, source in enumerate(sources)})
    explanation = load_return_words().explanation
    home = {name: at for at, batch in enumerate(plan.batches) for name in batch}
    last = len(plan.batches) - 1

    for number, names in enumerate(plan.batches):
        own = [finding for finding in listed if home.get(finding.at.file, last) == number]
        tables = settled(with_findings(store.tables(names), own), changed, forms.catalogue)
        tables = explained(replace(with_findings(tables, together(tables, forms, subjects)), answers=answers), explanation)
        if judged:  # a unit answers a reviewer's question as it answers ours
            tables = explained(judged(tables, number == last), explanation)
        yield tables
        del tables
        if on_batch:
            on_batch(number + 1, last + 1)


def unjudged(store: Store, plan: Plan, sources: Sequence[Source], forms: Forms) -> Iterator[Tables]:
    """What was read, batch by batch, each return once: for what needs no judgement."""
    changed = {source.name: source.changed for source in sources}
    return (settled(store.tables(names), changed, forms.catalogue) for names in plan.batches)


def added_up(batches: Iterable[Tables], plan: Plan, forms: Forms, work: Path, subjects: Sequence[Subject] = ()) -> tuple[Summary, Tally]:
    """Add up the judged batches of a plan; `work` is an empty folder for what several leave."""
    others = [form.id for form in forms.forms.values() if not is_goal_form(form)]
    tally, begin = Tally(), Begin()
    kept: list[Summary] = []
    for tables in batches:
        tally = tally.with_(tables, _budget(tables, forms, subjects))
        part = consolidate(tables, plan.units, begin, others)
        begin = Begin(begin.projects + part.projects.height, begin.indicators + part.indicators.height, begin.findings + part.findings.height)
        if kept:  # every part lists all units: of the second and later ones only those that it adds anything to
            part = replace(part, departments=adding(part.departments), subtotals=part.subtotals.clear(), total=part.total.clear())
        kept.append(_laid_down(part, len(kept), work) if len(plan.batches) > 1 else part)
        del tables, part  # else two batches are held while the next is judged; enumerate would hold them too
    return _joined(kept, work), tally


def budget_of(batches: Iterable[Tables], forms: Forms, subjects: Sequence[Subject] = ()) -> Tables | None:
    """What of all batches makes up departments' budgets; None when there are none."""
    found = None
    for tables in batches:
        found = _together(found, _budget(tables, forms, subjects))
        del tables
    return found


def _budget(tables: Tables, forms: Forms, subjects: Sequence[Subject]) -> Tables | None:
    """What of a batch makes up departments' budgets: their tables, and the money of the goal forms; None when there are none."""
    laid = lay_out(tables, forms, forms.ties, subjects)
    if not laid.scopes.height:
        return None
    returns = tables.returns.join(laid.cells.select("rid").unique(), on="rid", how="semi", maintain_order="left")
    frames = {
        name: frame.join(returns, on="file" if name in BATCH else "rid", how="semi", maintain_order="left") for name, frame in tables.items()
    }
    return Tables(**frames)


def _together(one: Tables | None, other: Tables | None) -> Tables | None:
    if one is None or other is None:
        return one or other
    return Tables(**{name: pl.concat([frame, getattr(other, name)]) for name, frame in one.items()})


def _laid_down(part: Summary, number: int, work: Path) -> Summary:
    """A part with its details on disk, and of the rest copies of their own: a frame of a few texts keeps alive all the texts that it
    was cut out of."""
    details = {name: _written(frame, work / f"{name}-{number:05}.parquet") for name, frame in part.items() if name in DETAILS}
    rest = {name: _copied(frame) for name, frame in part.items() if isinstance(frame, pl.DataFrame) and name not in DETAILS}
    return Summary(**{**rest, **details})  # type: ignore[arg-type]


def _copied(frame: pl.DataFrame) -> pl.DataFrame:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="lz4")
    return pl.read_parquet(io.BytesIO(buffer.getvalue()))


def _written(frame: Frame, path: Path) -> Parts:
    assert isinstance(frame, pl.DataFrame)
    frame.write_parquet(path, compression="lz4")
    return Parts((path,), frame.height)


def _joined(parts: Sequence[Summary], work: Path) -> Summary:
    """One summary of all batches."""
    departments, subtotals, total = totalled([part.departments for part in parts])
    counts = list(COUNTED)
    if departments.filter(pl.col("department").is_null() & (pl.sum_horizontal(counts) == 0)).height:  # nothing belonged nowhere
        departments = departments.filter(pl.col("department").is_not_null())
        subtotals = subtotals.filter(pl.col("department").is_not_null())
    whole = replace(parts[0], departments=departments, subtotals=subtotals, total=total)
    if len(parts) == 1:
        return whole
    counts = ["forms", *counts]
    sources = pl.concat([part.sources for part in parts]).group_by("file").agg(pl.col("sha256").max(), pl.col(counts).sum())
    details = {name: _one_after_another([getattr(part, name) for part in parts]) for name in DETAILS}
    details["findings"] = _worst_first(details["findings"], work)
    sources = sources.select(parts[0].sources.columns).cast(parts[0].sources.schema).sort("file")
    return Summary(**{**dict(whole.items()), **details, "sources": sources})  # type: ignore[arg-type]


def _one_after_another(parts: Sequence[Parts]) -> Parts:
    return Parts(tuple(path for part in parts for path in part.paths), sum(part.height for part in parts))


def _worst_first(findings: Parts, work: Path) -> Parts:
    """The findings of all batches by severity, then by batch, numbered anew."""
    found: list[Parts] = []
    count = 0
    for severity in SEVERITIES:
        for number, path in enumerate(findings.paths):
            own = pl.read_parquet(path).filter(pl.col("severity") == severity)
            numbers = pl.int_range(count + 1, count + own.height + 1, dtype=pl.Int32, eager=True)
            found.append(_written(own.with_columns(finding_no=numbers), work / f"findings-{severity}-{number:05}.parquet"))
            count += own.height
    for path in findings.paths:
        path.unlink()
    return _one_after_another(found)
