"""Where the values of a form were found: the places that locating gives and parsing reads, and how printed words are told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from xlgoals.forms import Form
from xlgoals.layout import Plan, Slot
from xlgoals.models import HOLE
from xlgoals.records import Area, At, Book, Cell, Sheet, Stamp, Value, cell_name
from xlgoals.words import bare

Place = tuple[int, int]


class Taken(NamedTuple):
    """The place of one input: its cell (None when blank) and the witnesses that led there."""

    slot: Slot
    row: int
    col: int
    witness: str
    cell: Cell | None

    @property
    def address(self) -> str:
        return cell_name(self.row, self.col)

    @property
    def typed(self) -> bool:
        """Whether anybody wrote here: words printed into an input cell beforehand do not count."""
        if self.cell is None:
            return False
        return not (self.slot.text and self.cell.formula is None and plain(self.cell.value) == bare(HOLE.sub("", self.slot.text)))


class GridLine(NamedTuple):
    """One line of a grid as found. `key` is `block.line` from the row key, or `+row` for a line that staff added; `printed`
    holds the words that stand for columns nobody types in (by column id). Nobody wrote anything into a `blank` one."""

    key: str
    cells: Mapping[str, Taken]
    printed: Mapping[str, str]
    row: int
    added: bool = False
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """One form instance: which form, where, and the place of every value."""

    book: Book
    sheet: Sheet
    form: Form
    stamp: Stamp | None
    area: Area
    fields: Mapping[str, Taken]
    lines: Mapping[str, tuple[GridLine, ...]]
    echoes: Mapping[str, str] = field(default_factory=dict)  # what printed words say of stamped fields: year …
    echoed_at: Mapping[str, Place] = field(default_factory=dict)  # where they say it
    unit: str = ""  # another unit of money than the form's own, written on it: amounts are in doubt

    def at(self, taken: Taken) -> At:
        return At(self.book.file, self.sheet.name, taken.address)


# --- printed words


def plain(value: Value | None) -> str:
    return bare(value) if isinstance(value, str) else ""


@lru_cache(maxsize=256)
def echo_pattern(text: str) -> re.Pattern[str]:
    """A pattern for printed words with holes, as they may have been respelled."""
    parts = re.split(r"\{\w+\}", text)
    holes = HOLE.findall(text)
    pattern = re.escape(bare(parts[0]))
    for hole, part in zip(holes, parts[1:], strict=True):
        pattern += f"(?P<{hole}>.*?)" + re.escape(bare(part))
    return re.compile(pattern + "$")


@lru_cache(maxsize=4096)
def fixed_words(laid: Plan, grid: str, block: int) -> Mapping[str, str]:
    """What a block prints in its columns, by column id."""
    spec = next(g for _, g in laid.form.template.grids() if g.grid == grid)
    fixed = spec.blocks[block].fixed
    return {column.id: fixed[column.key] for column in spec.columns if column.key in fixed}


def echoed(slot: Slot, value: Value) -> dict[str, str]:
    """What printed words say of the fields in their holes."""
    match = echo_pattern(slot.text).match(plain(value))
    return {key: text for key, text in match.groupdict().items() if text} if match else {}


def shown(cell: Cell) -> str:
    if cell.error:
        return cell.error
    text = str(cell.value) if cell.value is not None else f"={cell.formula}"
    return text if len(text) <= 60 else text[:57] + "…"


def strange_unit(value: Value | None, form: Form, units: Iterable[str]) -> str:
    """Another unit of money than the form's, where printed words tell one: （元）, 单位：元."""
    if not isinstance(value, str) or len(value) > 40:
        return ""
    told = re.findall(rf"(?:单位|\()({'|'.join(sorted(units, key=len, reverse=True))})(?=\)|$)", bare(value))
    return next((unit for unit in told if unit != form.dialect.money_unit), "")
