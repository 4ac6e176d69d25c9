"""Workbook formulas of rules that no kind evaluates: what reading itself finds in a cell or a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from xlgoals.amounts import UNREADABLE, state, yuan
from xlgoals.facts import Units
from xlgoals.findings import Rule
from xlgoals.formulas import every, number, quoted
from xlgoals.marks import Cells, Mark, Ref
from xlgoals.models import HOLE


def _money(cells: Cells, units: Units) -> Iterator[tuple[Ref, str]]:
    for ref in cells.inputs:
        if ref.meaning.type == "money":
            yield ref, state(cells, ref, units)


def _unreadable(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    for ref, amount in _money(cells, units):
        yield Mark(ref, f"{amount}={quoted(UNREADABLE)}", {"found": ref.cell, "unit": quoted(cells.form.dialect.money_unit)})


def _unit_written(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    for ref, amount in _money(cells, units):
        words = {"found": ref.cell, "unit": quoted(cells.form.dialect.money_unit), "written": f"MID({amount},2,9)"}
        yield Mark(ref, f"AND(LEFT({amount})={quoted(UNREADABLE)},LEN({amount})>1)", words)


def _negative(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    for ref, amount in _money(cells, units):
        yield Mark(ref, f"{yuan(cells, amount)}<0", {"found": ref.cell})


def _cents(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    for ref, amount in _money(cells, units):
        words = {"found": ref.cell, "unit": quoted(cells.form.dialect.money_unit)}
        yield Mark(ref, f"ROUND(N({amount})*{number(cells.form.money_factor)},6)<>{yuan(cells, amount)}", words)


def _no_value(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    """A formula that came to nothing."""
    for ref in cells.inputs:
        yield Mark(ref, f"ISERROR({ref.cell})" if ref.unread != ref.cell else "TRUE", of_error=True)


def _broken(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    """Words printed in an input that are no longer there."""
    for ref in (ref for ref in cells.inputs if ref.slot.kind == "pattern"):
        yield Mark(ref, f"NOT(ISERROR({ref.cell}))", {"found": ref.cell, "expected": quoted(HOLE.sub("…", ref.slot.text))}, of_error=True)


def _no_indicator(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    """A line that says something of an indicator that is not there."""
    for line in cells.lines:
        for ref in line.cells.values():
            if not ref.meaning.list and ref.meaning.part not in ("name", "target"):
                yield Mark(ref, every(f"NOT({ref.blank})", f"NOT({line.present})"), {"found": ref.cell})


FORMULAS: Mapping[str, Callable[[Cells, Rule, Units], Iterator[Mark]]] = {
    "cell.no_value": _no_value,
    "cell.pattern": _broken,
    "line.no_indicator": _no_indicator,
    "money.unreadable": _unreadable,
    "money.unit_written": _unit_written,
    "money.negative": _negative,
    "money.cents": _cents,
}
