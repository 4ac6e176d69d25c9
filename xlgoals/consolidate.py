"""Tables of a batch → summary frames: what a bureau adds up, lists, and drills back from. Pure polars, no words for people.

Money is in 万元 with six decimals, exact; no sum passes through float. A flagged amount is never changed and never hides in
a total: every sum stands three times, as `_ready` (no open finding on the project's amounts), `_pending` (with one) and all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import NamedTuple, get_args

import polars as pl

from xlgoals.findings import SEVERITIES
from xlgoals.parts import Frame
from xlgoals.records import Horizon
from xlgoals.tables import OPEN, Tables, cell_column, cell_row

SOURCES = ("total", "fiscal", "other", "carryover")
HORIZONS: tuple[Horizon, ...] = get_args(Horizon)
STATES = ("ready", "pending", "blank")
COUNTS = {"error": "errors", "query": "queries", "note": "notes"}  # severity -> column that counts it
COUNTED = (*COUNTS.values(), "open_count", "answered")  # the last two: what still blocks, and queries that the unit has explained

WAN = pl.Decimal(38, 6)  # 20 digits would hold any one amount, but not the sum of some absurd ones: those must not end a batch
SHARE = pl.when(pl.col("indicators") > 0).then(pl.col("quantified_count") / pl.col("indicators")).alias("share")
UNIT = ("department_no", "department", "unit_no", "unit")  # what names a unit
NOTHING = pl.lit(Decimal(0)).cast(WAN)
Named = tuple[str, str]  # a department and one of its units


@dataclass(frozen=True, slots=True)
class Summary:
    """The frames of one summary; each row knows its numbers (`unit_no`, `project_no` …), by which frames join.

    `departments` has a row a unit; `subtotals` a row a department and `total` one row, with the same figures. `funds` has
    every money line, also those of sources or horizons that `projects` has no column for.
    """

    departments: pl.DataFrame
    subtotals: pl.DataFrame
    total: pl.DataFrame
    projects: Frame
    funds: Frame
    indicators: Frame
    findings: Frame
    sources: pl.DataFrame

    def items(self) -> Iterator[tuple[str, Frame]]:
        for one in fields(self):
            yield one.name, getattr(self, one.name)


def money_column(horizon: str, source: str) -> str:
    """Name the column of one source in `projects`; the year's own have no prefix."""
    return source if horizon == "annual" else f"{horizon}_{source}"


class Begin(NamedTuple):
    """How many projects, indicators and findings are numbered already."""

    projects: int = 0
    indicators: int = 0
    findings: int = 0


def consolidate(
    tables: Tables, units: pl.DataFrame | None = None, begin: Begin = Begin(), others: Collection[str] = ()  # noqa: B008  an immutable tuple
) -> Summary:
    """Add up, list and number what a batch holds; as one of several batches with the units of all of them and what is numbered
    before it, to be joined by `totalled`. Forms in `others` are no projects' (budget tables): of them only findings and files are
    told here."""
    findings = _located(tables)
    if units is None:
        units = number_units(tables.returns, stray=_has_stray(tables.returns, findings))
    returns = tables.returns.join(units, on=["department", "unit"], how="left", maintain_order="left")
    findings = _owned(findings, returns, units)
    unread = pl.col("amount").is_null() & (pl.col("printed").str.strip_chars() != "")
    lines = tables.funds.with_columns(amount_wan=_wan("amount"), unreadable=unread)
    mine = returns.filter(~pl.col("form").is_in(list(others)))
    projects = _projects(tables, mine, lines, findings, begin.projects)
    known = projects.select("rid", "project_no", "unit_no", "department", "unit", "project_name", "state", "file", "sheet")
    departments, subtotals, total = totalled([_departments(units, projects, findings)])
    return Summary(
        departments=departments,
        subtotals=subtotals,
        total=total,
        projects=projects.drop("rid"),
        funds=_funds(tables, lines, known),
        indicators=_indicators(tables, known, begin.indicators),
        findings=_listed(findings, known, units, begin.findings),
        sources=_sources(tables.returns, findings),
    )


def totalled(departments: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The rows of units of all batches, of their departments, and of all together, with their shares."""
    keys, figures = list(UNIT), _figures(departments[0])
    units = departments[0] if len(departments) == 1 else pl.concat([one.select(*keys, *figures) for one in departments])
    if len(departments) > 1:
        units = units.group_by(keys, maintain_order=True).agg(pl.col(figures).sum()).sort("unit_no")
        units = units.cast(departments[0].select(*keys, *figures).schema)
    subtotals = units.group_by("department_no", "department", maintain_order=True).agg(pl.col(figures).sum())
    return units.with_columns(SHARE), subtotals.with_columns(SHARE), units.select(pl.col(figures).sum()).with_columns(SHARE)


def adding(departments: pl.DataFrame) -> pl.DataFrame:
    """The rows of units that add anything to a sum."""
    return departments.filter(pl.any_horizontal(pl.col(_figures(departments)).fill_null(0) != 0))


def _figures(departments: pl.DataFrame) -> list[str]:
    return [name for name in departments.columns if name not in (*UNIT, "share")]


def _wan(column: str) -> pl.Expr:
    """Yuan to 万元. Widened first: polars keeps the left side's scale in a division and would round the rest away."""
    return pl.col(column).cast(WAN) / pl.lit(Decimal(10_000))


def _sum(column: str) -> pl.Expr:
    """Sum what is there; nothing when nothing is."""
    return pl.when(pl.col(column).count() > 0).then(pl.col(column).sum()).cast(WAN)


def _homes(spots: pl.DataFrame, returns: pl.DataFrame, sure: bool) -> pl.DataFrame:
    """Give each spot (file, sheet, cell) the form instances it may speak of.

    A form is not a sheet: where several stand on one, the cell decides. A spot without a cell then speaks of all of them,
    or, if it must be `sure`, of none.
    """
    first, last = pl.col("area").str.extract(r"^([^:]+)"), pl.col("area").str.extract(r"([^:]+)$")
    areas = returns.select(
        "rid", "file", "sheet", top=cell_row(first), left=cell_column(first), bottom=cell_row(last), right=cell_column(last),
        alone=pl.len().over("file", "sheet") == 1,
    )  # fmt: skip
    row, column = cell_row(pl.col("cell")), cell_column(pl.col("cell"))
    inside = row.is_between("top", "bottom") & column.is_between("left", "right")
    wanted = pl.col("alone") | inside.fill_null(value=not sure)
    return spots.join(areas, on=["file", "sheet"], how="inner", maintain_order="left_right").filter(wanted)


def _located(tables: Tables) -> pl.DataFrame:
    """Findings with a number and, where it is clear, the instance they speak of."""
    findings = tables.findings.with_row_index("finding")
    homes = _homes(findings.select("finding", "file", "sheet", "cell"), tables.returns, sure=True).unique("finding", keep="first")
    return findings.join(homes.select("finding", "rid"), on="finding", how="left", maintain_order="left")


def _has_stray(returns: pl.DataFrame, findings: pl.DataFrame) -> bool:
    """Whether any finding belongs to no unit."""
    owners = returns.select("file", "department", "unit").unique().filter(pl.len().over("file") == 1)
    return not findings.filter(pl.col("rid").is_null()).join(owners, on="file", how="anti").is_empty()


def number_units(returns: pl.DataFrame, stray: bool, order: Sequence[Named] = ()) -> pl.DataFrame:
    """Number departments and units in an order, those that are not in it by name, blank names last; a row without names takes the
    findings that belong to no unit."""
    named = returns.select("department", "unit").unique()
    if stray:
        named = named.vstack(pl.DataFrame({"department": [None], "unit": [None]}, schema=named.schema))
    ranks = pl.DataFrame(order, schema=named.schema, orient="row").unique(maintain_order=True).with_row_index("unit_rank")
    named = named.join(ranks, on=["department", "unit"], how="left")
    named = named.join(ranks.group_by("department").agg(department_rank=pl.col("unit_rank").min()), on="department", how="left")
    by = [pl.col("department").is_null(), pl.col("department") == "", "department_rank", "department", pl.col("unit") == "", "unit_rank", "unit"]
    named = named.sort(by, nulls_last=True)
    begins = (~pl.col("department").eq_missing(pl.col("department").shift())) | (pl.int_range(pl.len()) == 0)
    return named.select(
        begins.cum_sum().cast(pl.Int32).alias("department_no"), "department",
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("unit_no"), "unit",
    )  # fmt: skip


def _owned(findings: pl.DataFrame, returns: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Give each finding its unit: its instance's, else its file's where the file has only one, else the row for the rest."""
    owners = returns.select("file", by_file="unit_no").unique().filter(pl.len().over("file") == 1)
    rest = units.filter(pl.col("department").is_null())["unit_no"].max()
    found = findings.join(returns.select("rid", by_rid="unit_no"), on="rid", how="left", maintain_order="left")
    found = found.join(owners, on="file", how="left", maintain_order="left")
    return found.with_columns(unit_no=pl.coalesce("by_rid", "by_file", pl.lit(rest, dtype=pl.Int32))).drop("by_rid", "by_file")


def _doubtful(tables: Tables, lines: pl.DataFrame, findings: pl.DataFrame) -> pl.Series:
    """The instances whose amounts may not be added up: an open finding stands at one, or one cannot be read."""
    doubts = findings.filter(pl.col("amount") & OPEN)
    # equal findings of a sheet may come joined into one: the further cells may lie in a further form of that sheet
    cells = [
        [cell, *(c for f, s, c in others or () if (f, s) == (file, sheet))]
        for file, sheet, cell, others in doubts.select("file", "sheet", "cell", "others").iter_rows()
    ]
    spots = doubts.select("file", "sheet", "record", cell=pl.Series(cells, dtype=pl.List(pl.String))).explode("cell")
    homes = _homes(spots, tables.returns, sure=False).select("rid", "record")
    keys = tables.funds.select("rid", record="key")
    spoken = [homes.join(keys, on=["rid", "record"], how="semi"), homes.filter(pl.col("record").str.starts_with("funds."))]
    unread = lines.filter(pl.col("unreadable") & (pl.col("horizon") == "annual")).select("rid")
    return pl.concat([*(one.select("rid") for one in spoken), unread])["rid"].unique()


def _projects(tables: Tables, returns: pl.DataFrame, lines: pl.DataFrame, findings: pl.DataFrame, begin: int) -> pl.DataFrame:
    """A row a form instance, by unit, file, and place in the file."""
    frame, money = _with_money(returns.with_row_index("order"), lines)
    rid = pl.col("rid")
    amounts = pl.any_horizontal(pl.col(SOURCES).is_not_null())
    doubtful = rid.is_in(_doubtful(tables, lines, findings).implode())
    state = pl.when(doubtful).then(pl.lit("pending")).when(amounts).then(pl.lit("ready")).otherwise(pl.lit("blank"))
    written = tables.indicators.group_by("rid").agg(indicators=pl.len().cast(pl.Int32), quantified_count=pl.col("quantified").sum().cast(pl.Int32))
    frame = (
        frame.with_columns(state=state)
        .join(_project_cells(tables, lines), on="rid", how="left")
        .join(written, on="rid", how="left")
        .with_columns(pl.col("indicators", "quantified_count").fill_null(0))
    )
    frame = _join_counts(frame, findings, "rid").sort("unit_no", "file", "order")
    return frame.select(
        "rid", _number("project_no", begin), "unit_no", "department", "unit", "project_code", "project_name", "year", "form", "state", *money,
        "total_summed", "indicators", "quantified_count", *COUNTED, "file", "sheet", "cell", "sha256",
        pl.lit(None, dtype=pl.Int32).alias("node_no"),  # of the roster's tree: rollup tells it
    )  # fmt: skip


def _with_money(frame: pl.DataFrame, lines: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Add each horizon's sources as columns: as printed, the printed unit, 万元; and name these columns."""
    joined = lines.group_by("rid", "horizon", "source", maintain_order=True).agg(
        pl.col("printed").filter(pl.col("printed") != "").str.join("；"),
        pl.col("unit").unique(maintain_order=True).str.join("；"),
        _sum("amount_wan"),
    )
    names: list[str] = []
    for horizon, source in ((horizon, source) for horizon in HORIZONS for source in SOURCES):
        name = money_column(horizon, source)
        columns = {"printed": f"{name}_printed", "unit": f"{name}_unit", "amount_wan": name}
        here = joined.filter((pl.col("horizon") == horizon) & (pl.col("source") == source)).rename(columns).select("rid", *columns.values())
        frame = frame.join(here, on="rid", how="left", maintain_order="left")
        names += here.columns[1:]
    # only a total left blank is made up from its parts; one that cannot be read stays unknown, and 待核实
    parts = pl.col(SOURCES[1:])
    left_blank = pl.col("total").is_null() & (pl.col("total_printed").fill_null("").str.strip_chars() == "")
    made_up = left_blank & pl.any_horizontal(parts.is_not_null())
    total = pl.when(made_up).then(pl.sum_horizontal(parts.fill_null(NOTHING)).cast(WAN)).otherwise("total")
    return frame.with_columns(total=total, total_summed=made_up), names


def _project_cells(tables: Tables, lines: pl.DataFrame) -> pl.DataFrame:
    """Where a project is best looked up: at its total, else at another amount, its name, its form's first cell."""
    rank = pl.col("source").replace_strict({s: n for n, s in enumerate(SOURCES)}, default=len(SOURCES), return_dtype=pl.Int32)
    amounts = lines.filter(pl.col("horizon") == "annual").select("rid", "key", rank=rank)
    names = tables.returns.select("rid", key=pl.lit("project_name"), rank=pl.lit(len(SOURCES) + 1, dtype=pl.Int32))
    placed = pl.concat([amounts, names]).join(
        _cells(tables, pl.col("key").is_in(["project_name", *lines["key"].unique()])), on=["rid", "key"], how="inner", maintain_order="left"
    )
    best = placed.sort("rank", maintain_order=True).unique("rid", keep="first")
    corner = pl.col("area").str.extract(r"^([^:]+)")
    return tables.returns.join(best, on="rid", how="left").select("rid", cell=pl.coalesce("cell", corner).fill_null(""))


def _cells(tables: Tables, wanted: pl.Expr) -> pl.DataFrame:
    """The cells of some records: by far the most places are those of indicators, so say which."""
    places = tables.places.filter(wanted & (pl.col("cell") != ""))
    return places.select("rid", "key", "cell").unique(["rid", "key"], keep="first", maintain_order=True)


def _number(name: str, begin: int = 0) -> pl.Expr:
    return pl.int_range(begin + 1, begin + pl.len() + 1, dtype=pl.Int32).alias(name)


def _join_counts(frame: pl.DataFrame, findings: pl.DataFrame, key: str) -> pl.DataFrame:
    """Count the findings of each row: by severity, those still open, those explained."""
    wanted = [*(pl.col("severity") == severity for severity in COUNTS), OPEN, pl.col("status") == "explained"]
    counts = [one.sum().cast(pl.Int32).alias(name) for one, name in zip(wanted, COUNTED, strict=True)]
    counted = findings.filter(pl.col(key).is_not_null()).group_by(key).agg(counts)
    return frame.join(counted, on=key, how="left", maintain_order="left").with_columns(pl.col(COUNTED).fill_null(0))


def _departments(units: pl.DataFrame, projects: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """A row a unit: projects, money three times, indicators, findings."""
    ready, pending = pl.col("state") == "ready", pl.col("state") == "pending"
    sums = [
        _number("projects").last(),
        *((pl.col("state") == state).sum().cast(pl.Int32).alias(f"{state}_forms") for state in STATES),
        *(pl.col(source).filter(ready).sum().cast(WAN).alias(f"{source}_ready") for source in SOURCES),
        *(pl.col(source).filter(pending).sum().cast(WAN).alias(f"{source}_pending") for source in SOURCES),
        *(pl.col(source).sum().cast(WAN) for source in SOURCES),
        pl.col("indicators", "quantified_count").sum().cast(pl.Int32),
    ]
    added = projects.group_by("unit_no").agg(sums)
    blank = [pl.col(name).fill_null(NOTHING if kind == WAN else 0) for name, kind in added.schema.items() if name != "unit_no"]
    return _join_counts(units.join(added, on="unit_no", how="left", maintain_order="left").with_columns(blank), findings, "unit_no")


def _funds(tables: Tables, lines: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """A row a money line."""
    frame = lines.with_row_index("order").rename({"unit": "printed_unit"})
    frame = frame.join(_cells(tables, pl.col("key").is_in(lines["key"].unique().implode())), on=["rid", "key"], how="left").join(known, on="rid", how="inner").sort("project_no", "order")
    return frame.select(
        "project_no", "unit_no", "department", "unit", "project_name", "state", "horizon", "source", "printed", "printed_unit",
        "amount_wan", "file", "sheet", pl.col("cell").fill_null(""),
    )  # fmt: skip


def _indicators(tables: Tables, known: pl.DataFrame, begin: int) -> pl.DataFrame:
    """A row an indicator, at the cell of its value, else of its name."""
    frame = tables.indicators.drop("unit").join(known, on="rid", how="inner")  # theirs is a measure; the one listed is whose form it is
    for part in ("target", "name"):
        here = _cells(tables, pl.col("key").str.ends_with(f".{part}")).rename({"key": "place", "cell": f"{part}_cell"})
        frame = frame.with_columns(place=pl.col("key") + f".{part}").join(here, on=["rid", "place"], how="left")
    return frame.sort("project_no", "order").select(
        _number("indicator_no", begin), "project_no", "unit_no", "department", "unit", "project_name", "horizon", "level1", "level2", "name",
        "target", "kind", "op", "value", "high", "measure", "quantified", "description", "basis", "remark", "file", "sheet", cell=pl.coalesce("target_cell", "name_cell").fill_null(""),
    )  # fmt: skip


def _listed(findings: pl.DataFrame, known: pl.DataFrame, units: pl.DataFrame, begin: int) -> pl.DataFrame:
    """A row a finding, worst first, then by place."""
    some = findings.filter(pl.col("others").list.len() > 0).select("finding", "file", "sheet", "others").rows()
    others = pl.DataFrame([(number, _places(*told)) for number, *told in some], schema={"finding": findings.schema["finding"], "beside": pl.String()}, orient="row")
    rank = pl.col("severity").replace_strict({s: n for n, s in enumerate(SEVERITIES)}, return_dtype=pl.Int32)
    cell = pl.col("cell")
    frame = (
        findings.join(others, on="finding", how="left", maintain_order="left")
        .with_columns(others=pl.col("beside").fill_null(""), open=OPEN)
        .join(known.select("rid", "project_no", "project_name"), on="rid", how="left")
        .join(units.select("unit_no", "department", "unit"), on="unit_no", how="left")
        .sort(rank, "file", "sheet", cell_row(cell), cell_column(cell), "code", "finding")
    )
    return frame.select(
        _number("finding_no", begin), "severity", "code", "unit_no", "department", "unit", "project_no", "project_name", "field", "found",
        "expected", "message", "remedy", "open", "status", "answer", "file", "sheet", "cell", "others", "amount", "record", "key",
    )  # fmt: skip


def _places(file: str, sheet: str, others: Iterable[Iterable[str]] | None) -> str:
    """Name further places as briefly as is clear beside the first one's file and sheet."""
    told = []
    for other_file, other_sheet, cell in others or ():
        where = cell if (other_file, other_sheet) == (file, sheet) else "!".join(filter(None, (other_sheet, cell)))
        told.append(where if other_file == file else f"{other_file} {where}".strip())
    return "；".join(told)


def _sources(returns: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """A row a file that was read, or that something was found in."""
    files = returns.group_by("file").agg(pl.col("sha256").first(), pl.len().cast(pl.Int32).alias("forms"))
    files_only = (pl.col("file") != "") & ~pl.col("code").str.starts_with("folder.")  # such a finding stands at a folder's name
    others = findings.filter(files_only).select("file").unique().join(files, on="file", how="anti")
    unread = others.with_columns(sha256=pl.lit(""), forms=pl.lit(0, dtype=pl.Int32))
    return _join_counts(pl.concat([files, unread]).sort("file"), findings, "file")
