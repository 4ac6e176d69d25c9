"""Slots: the cells and rows of a form laid out, as values that everything after the layout passes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xlgoals.forms import Meaning
from xlgoals.models import Column
from xlgoals.records import Area
from xlgoals.sums import Formula

Kind = Literal["text", "label", "heading", "fixed", "input", "pattern"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One cell or merged area of a form.

    `key` is a field's key, or the id of a grid's column; `label` is what people call it. A grid's slot also tells its grid,
    block and line (both from zero); `meanings` joins each key in the slot with its canonical field. `formula` is what the form
    fills in by itself: where `by` says "form", nobody else does; elsewhere staff may write over it.
    """

    kind: Kind
    area: Area
    text: str = ""
    key: str = ""
    label: str = ""
    style: str = ""
    lines: int = 1
    by: str = "unit"
    grid: str = ""
    block: int = -1
    line: int = -1
    column: Column | None = None
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    aka: tuple[str, ...] = ()
    tick: tuple[str, ...] = ()
    blank: str = ""
    formula: Formula | None = None

    @property
    def typed(self) -> bool:
        """Staff write here."""
        return self.kind in ("input", "pattern") and self.by == "unit"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row of a form. `height` in points, None where Excel may fit it to what is typed, `least` what it has while blank;
    `key` is what the hidden key column holds."""

    key: str
    kind: Literal["fixed", "head", "line"]
    height: float | None
    hidden: bool = False
    grid: str = ""
    block: int = -1
    line: int = -1
    least: float = 0.0
