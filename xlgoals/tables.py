"""The tables that stand between reading and checking: returns of a batch as polars frames with one declared schema.

Money is `Decimal(20, 2)` in yuan. Every row carries `rid`, the id of its form instance; long text stands once.
Workers send these frames as Arrow IPC.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Context, Decimal
from operator import attrgetter
from typing import Any

import polars as pl

from xlgoals.findings import Finding
from xlgoals.records import At, Return, Stamp, area_name
from xlgoals.target import Target

MONEY = pl.Decimal(20, 2)
NUMBER = pl.Decimal(38, 12)
EXACT = Context(prec=200)
LARGEST = Decimal(10) ** 25

_FINDING: Mapping[str, pl.DataType] = {
    "code": pl.String(), "severity": pl.String(), "file": pl.String(), "sheet": pl.String(), "cell": pl.String(), "field": pl.String(),
    "found": pl.String(), "expected": pl.String(), "message": pl.String(), "remedy": pl.String(), "key": pl.String(),
    "amount": pl.Boolean(), "record": pl.String(), "others": pl.List(pl.List(pl.String())),
    "status": pl.String(), "answer": pl.String(),
}  # fmt: skip
SCHEMAS: Mapping[str, Mapping[str, pl.DataType]] = {
    # one row a form instance
    "returns": {
        "rid": pl.String(), "file": pl.String(), "sha256": pl.String(), "sheet": pl.String(), "area": pl.String(), "form": pl.String(),
        "digest": pl.String(), "instance": pl.String(), "identity": pl.String(), "year": pl.String(), "department": pl.String(),
        "unit": pl.String(), "project_code": pl.String(), "project_name": pl.String(),
    },
    # one row an instance that bears a stamp: what it was made for, and when the document was last saved
    "stamps": {
        "rid": pl.String(), "version": pl.Int32(), "form": pl.String(), "digest": pl.String(), "instance": pl.String(), "year": pl.String(),
        "department": pl.String(), "unit": pl.String(), "project": pl.String(), "cycle": pl.String(), "round": pl.Int32(),
        "code": pl.String(), "signature": pl.String(), "modified": pl.String(),
    },
    # every scalar field of an instance, long: canonical key and its text ("" when blank)
    "values": {"rid": pl.String(), "key": pl.String(), "text": pl.String()},
    "funds": {
        "rid": pl.String(), "key": pl.String(), "horizon": pl.String(), "source": pl.String(), "amount": MONEY, "printed": pl.String(),
        "unit": pl.String(),
    },
    "goals": {"rid": pl.String(), "key": pl.String(), "horizon": pl.String(), "number": pl.Int32(), "text": pl.String()},
    "indicators": {
        "rid": pl.String(), "key": pl.String(), "order": pl.Int32(), "horizon": pl.String(), "level1": pl.String(), "level2": pl.String(),
        "name": pl.String(), "target": pl.String(), "kind": pl.String(), "op": pl.String(), "value": NUMBER, "high": NUMBER,
        "measure": pl.String(), "amount": NUMBER, "base": pl.String(), "dimension": pl.String(), "quantified": pl.Boolean(),
        "from": pl.String(), "to": pl.String(),  # of a date: ISO ends, "" where open
        "parts": pl.List(pl.String()),  # of several values in one cell: the kind of each
        "conflicts": pl.List(pl.List(pl.String())),  # code and words of what is said against the value beside its cell
        "description": pl.String(), "basis": pl.String(), "remark": pl.String(), "nature": pl.String(), "unit": pl.String(), "weight": pl.String(),
    },
    "details": {
        "rid": pl.String(), "key": pl.String(), "grid": pl.String(), "line": pl.String(), "column": pl.String(), "text": pl.String(),
        "amount": MONEY,
    },
    # where each value stands: record key (an indicator's: its key + ".name", ".target" …), cell, text as typed, witness, label
    "places": {
        "rid": pl.String(), "key": pl.String(), "cell": pl.String(), "text": pl.String(), "witness": pl.String(), "label": pl.String(),
    },
    "findings": _FINDING,
    # what the rules found that look at one form alone; it counts once the batch is judged (`check.together`)
    "judged": {"rid": pl.String(), **_FINDING},
    # what units wrote beside queries in the lists of problems that went back
    "answers": {"file": pl.String(), "key": pl.String(), "code": pl.String(), "text": pl.String()},
}  # fmt: skip
# what only some forms ask of an indicator: part of the line -> column of the table (`measure` is the unit that holds, `unit` the one typed)
INDICATOR_MORE = {
    "description": "description", "basis": "basis", "remark": "remark", "nature": "nature", "measure": "unit", "weight": "weight",
}  # fmt: skip
OPEN = (pl.col("severity") != "note") & pl.col("status").is_in(["", "upheld"])  # as `Finding.open` says
BATCH = ("findings", "answers")  # tables of the whole batch: their rows belong to no one form instance
_STAMPED = attrgetter(*(field.name for field in fields(Stamp)))


@dataclass(frozen=True, slots=True)
class Tables:
    """The frames of one batch, each with the schema of its name in `SCHEMAS`."""

    returns: pl.DataFrame
    stamps: pl.DataFrame
    values: pl.DataFrame
    funds: pl.DataFrame
    goals: pl.DataFrame
    indicators: pl.DataFrame
    details: pl.DataFrame
    places: pl.DataFrame
    findings: pl.DataFrame
    judged: pl.DataFrame
    answers: pl.DataFrame

    def items(self) -> Iterator[tuple[str, pl.DataFrame]]:
        for one in fields(self):
            yield one.name, getattr(self, one.name)


def tabulate(returns: Iterable[Return], findings: Iterable[Finding] = (), answers: Iterable[tuple[str, str, str, str]] = ()) -> Tables:
    """Lay returns, findings and what units answered out as tables."""
    every = list(returns)
    rids = pl.Series([one.id for one in every], dtype=pl.String)
    known = [_known(one, rid) for one, rid in zip(every, rids, strict=True)]
    frames = {
        "returns": pl.DataFrame(known, schema=SCHEMAS["returns"], orient="row"),
        "findings": pl.DataFrame(schema=SCHEMAS["findings"]),
        "judged": pl.DataFrame(schema=SCHEMAS["judged"]),
        "answers": pl.DataFrame(list(answers), schema=SCHEMAS["answers"], orient="row"),
    }
    parts: Mapping[str, Iterable[Iterable[tuple[object, ...]]]] = {
        "stamps": ([(*_STAMPED(one.stamp), one.modified)] if one.stamp else () for one in every),
        "values": (one.fields.items() for one in every),
        "funds": ([(f.key, f.horizon, f.source, f.amount, f.printed, f.unit) for f in one.funds] for one in every),
        "goals": ([(g.key, g.horizon, g.number, g.text) for g in one.goals] for one in every),
        "indicators": _lines(every),
        "details": ([(d.key, d.grid, d.line, d.column, d.text, d.amount) for d in one.details] for one in every),
        "places": ([(key, at.cell, text, witness, label) for key, (at, text, witness, label) in one.spots.items()] for one in every),
    }
    frames |= {name: _laid_out(name, rids, rows) for name, rows in parts.items()}
    return with_findings(Tables(**frames), findings)


def _known(one: Return, rid: str) -> tuple[str, ...]:
    told, stamp = one.fields, one.stamp
    return (
        rid, one.file, one.sha256, one.sheet, area_name(one.area), one.form, stamp.digest if stamp else "",
        stamp.instance if stamp else "", one.identity, told.get("year", ""), told.get("department", ""), told.get("unit", ""),
        told.get("project_code", ""), told.get("project_name", ""),
    )  # fmt: skip


def _lines(returns: Sequence[Return]) -> Iterator[list[tuple[object, ...]]]:
    """The indicators of each return; what a target says is laid out once for all lines that say the same."""
    meanings: dict[int, tuple[object, ...]] = {}  # targets live as long as their returns, so that their ids are theirs
    for one in returns:
        rows = []
        for order, i in enumerate(one.indicators, 1):
            means = meanings.get(id(i.means))
            if means is None:
                means = meanings[id(i.means)] = _meaning(i.means)
            more = i.more
            rows.append((
                i.key, order, i.horizon, i.level1, i.level2, i.name, i.target, *means, *(more.get(k, "") for k in INDICATOR_MORE)
            ))  # fmt: skip
        yield rows


def _laid_out(name: str, rids: pl.Series, rows: Iterable[Iterable[tuple[object, ...]]]) -> pl.DataFrame:
    """The rows of each return as columns, which polars takes up much faster; an id is kept once, however many rows bear it."""
    found: list[tuple[object, ...]] = []
    owners: list[int] = []
    for number, own in enumerate(rows):
        found += own
        owners += [number] * (len(found) - len(owners))
    (_, *schema) = SCHEMAS[name].items()
    return pl.DataFrame([rids.gather(owners).alias("rid"), *_columns(schema, found)])


def _columns(schema: Sequence[tuple[str, pl.DataType]], rows: Sequence[Sequence[object]]) -> list[pl.Series]:
    """Rows as columns."""
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return [_column(name, dtype, values) for (name, dtype), values in zip(schema, columns, strict=True)]


def _column(name: str, dtype: pl.DataType, values: Sequence[Any]) -> pl.Series:
    """Values as a column; lists, given as tuples, by way of all they hold, since polars takes them up one by one."""
    if not isinstance(dtype, pl.List):
        return pl.Series(name, values, dtype=dtype)
    assert isinstance(dtype.inner, pl.DataType)
    held = _column("held", dtype.inner, [one for value in values for one in value])
    owners = pl.Series("of", [number for number, value in enumerate(values) for _ in value], dtype=pl.UInt32)
    lists = pl.DataFrame([owners, held]).group_by("of", maintain_order=True).agg("held")
    every = pl.DataFrame({"of": range(len(values))}, schema={"of": pl.UInt32}).join(lists, on="of", how="left", maintain_order="left")
    return every.select(pl.when(pl.col("held").is_null()).then(pl.lit([], dtype)).otherwise("held").alias(name)).to_series()


def _meaning(target: Target) -> tuple[object, ...]:
    """What a target says, as columns; a number too large or too fine for them is left to its text."""
    value, high, amount = map(_number, (target.value, target.high, target.amount))
    return (
        target.kind, target.op or "", value, high, target.unit or "", amount, target.base_unit or "", target.dimension or "", target.quantified,
        target.from_ or "", target.to or "", tuple(part.kind for part in target.parts), tuple(map(tuple, target.conflicts)),
    )  # fmt: skip


def _number(value: Decimal | None) -> Decimal | None:
    if value is None or not value.is_finite() or abs(value) >= LARGEST:
        return None
    exponent = value.normalize(EXACT).as_tuple().exponent  # rounding in the usual context would stumble over many digits
    return value if isinstance(exponent, int) and exponent >= -12 else None


def with_findings(tables: Tables, findings: Iterable[Finding] | pl.DataFrame) -> Tables:
    """The tables with more findings beside those they hold."""
    if isinstance(findings, pl.DataFrame):
        return replace(tables, findings=pl.concat([tables.findings, findings]))
    return with_findings(tables, framed("findings", as_rows(findings)))


def framed(name: str, rows: Sequence[Sequence[object]]) -> pl.DataFrame:
    """One of the tables, of rows in the order of its columns."""
    return pl.DataFrame(_columns(list(SCHEMAS[name].items()), rows))


def as_rows(findings: Iterable[Finding]) -> list[tuple[object, ...]]:
    """Findings as rows of a findings table."""
    return [
        (
            f.code, f.severity, *f.at, f.field, f.found, f.expected, f.message, f.remedy, f.key, f.amount, f.record, tuple(map(tuple, f.others)), f.status,
            f.answer,
        )
        for f in findings
    ]  # fmt: skip


def findings_of(tables: Tables) -> list[Finding]:
    """The findings table as findings again."""
    return as_findings(tables.findings)


def as_findings(frame: pl.DataFrame) -> list[Finding]:
    """Rows of a findings table as findings."""
    return [
        Finding(
            row["code"], row["severity"], At(row["file"], row["sheet"], row["cell"]), row["field"], row["found"], row["expected"],
            row["message"], row["remedy"], row["key"], row["amount"], row["record"], tuple(At(*at) for at in row["others"]),
            row["status"], row["answer"],
        )
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip


def cell_row(cell: pl.Expr) -> pl.Expr:
    """The number of a cell's row; null for what is no cell."""
    return cell.str.extract(r"^[A-Z]+(\d+)").cast(pl.Int64, strict=False)


def cell_column(cell: pl.Expr) -> pl.Expr:
    """A cell's column letters so padded that they compare in order: @@B < @AA."""
    return cell.str.extract(r"^([A-Z]+)").str.pad_start(3, "@")


def to_bytes(tables: Tables) -> dict[str, bytes]:
    """Pack for crossing a process border (Arrow IPC stream per table)."""
    packed = {}
    for name, frame in tables.items():
        buffer = io.BytesIO()
        frame.write_ipc_stream(buffer, compression="lz4")
        packed[name] = buffer.getvalue()
    return packed


def from_bytes(parts: Sequence[Mapping[str, bytes]]) -> Tables:
    """Join what workers sent, in the given order."""
    return Tables(
        **{
            name: pl.concat([pl.read_ipc_stream(part[name]) for part in parts]) if parts else pl.DataFrame(schema=SCHEMAS[name])
            for name in SCHEMAS
        }
    )
