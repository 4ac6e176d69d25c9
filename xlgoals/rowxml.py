"""Rows of a sheet that hold nothing but plain cells, told from their bytes alone.

The sheets of a form have the same rows again and again, but for the values in them. So what the bytes of a row say beside its values
(its frame) is found out once, for all sheets of all workbooks. A row that is spelled in any other way has no frame, and is left to
the scanner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from xlgoals.cellxml import NotPlain, Texts, plain_value
from xlgoals.ownformulas import OWN, OWN_BYTES
from xlgoals.records import RowCol, Value, cell_spot, changed
from xlgoals.safexml import unescaped

LONG = 4 << 20  # bytes of the rows of a sheet
LONGEST = 4_096  # bytes of a row worth remembering
_VALUE = re.compile(rb"<v>([^<]*+)</v>")
_CLOSE = b"</row>"
_NOWHERE: frozenset[RowCol] = frozenset()
_SLOT = b"<v>"  # stands in a frame for a value
_CELL = (
    rb'<c r="([A-Z]{1,3}+[1-9][0-9]{0,6}+)"(?: s="([0-9]++)")?+'
    rb'(?:/>|(?: t="n")?></c>|(?: t="(s|str|n|b)")?+(>)(?:<f>([^<]*+)</f>)?+(<v>|<v ?/>)?+</c>)'
)
_CELLS = re.compile(_CELL)
_ROW = re.compile(rb'<row r="([1-9][0-9]{0,6}+)"((?: [\w:]++="[^"<>]*+")*+) ?>((?:' + _CELL + rb")*+)")
BLANK = re.compile(rb'<c r="[A-Z]++[0-9]++"(?: s="[0-9]++")?+(?:/>|(?: t="n")?></c>)')  # half of a form's cells
# a blank cell or, with its address, one of our own formulas; one that is shared stays, for others follow it
_UNASKED = re.compile(
    BLANK.pattern
    + rb'|<c r="([A-Z]{1,3}+[0-9]{1,7}+)"[^<>]*+><f(?: aca="false")?>IF\(N\((?:"|&quot;)'
    + OWN_BYTES
    + rb'(?:"|&quot;)\)[^<]*+</f>(?:<v>[^<]*+</v>|<v ?/>)?</c>'
)
Values = tuple[Value | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What a row of plain cells says beside their values."""

    number: int
    hidden: bool
    width: int
    addresses: tuple[bytes, ...]  # of the cells that are not blank
    slots: tuple[tuple[int, bytes], ...]  # column and type of each value
    formulas: Mapping[RowCol, str]
    styles: Mapping[RowCol, bytes]  # of what may be a number

    def values(self, written: Sequence[bytes], texts: Texts) -> Values:
        """The values written in the slots, as a row from column A; `NotPlain` where one is for the native reader to tell, or no number."""
        row: list[Value | None] = [None] * self.width
        try:
            for (column, kind), raw in zip(self.slots, written, strict=True):
                value = row[column] = (texts[raw] or None) if kind == b"s" else plain_value(kind, raw)
                if value.__class__ is float and value - value != 0.0:
                    raise NotPlain
        except (KeyError, UnicodeDecodeError) as error:
            raise NotPlain from error
        return tuple(row)


class PlainRows:
    """The rows of plain cells of one sheet."""

    def __init__(self) -> None:
        self.values: dict[int, Values] = {}  # by number
        self.addresses: list[bytes] = []
        self.formulas: dict[RowCol, str] = {}
        self.styles: dict[RowCol, bytes] = {}
        self.hidden: list[int] = []
        self._numbers = set[int]()

    def take(self, frame: Frame, values: Values) -> bool:
        """Whether a row could be taken: one that comes a second time cannot."""
        if frame.number in self._numbers:
            return False
        self._numbers.add(frame.number)
        if frame.hidden:
            self.hidden.append(frame.number)
        if frame.addresses:
            self.values[frame.number] = values
            self.addresses += frame.addresses
            self.formulas |= frame.formulas
            self.styles |= frame.styles
        return True


def framed(row: bytes) -> tuple[Frame | None, Sequence[bytes]]:
    """The frame of a row, given up to its end tag, and what is written in its slots."""
    if len(row) > LONGEST:
        return None, ()
    pieces = _VALUE.split(row)
    frame, written = _frame(_SLOT.join(pieces[::2])), pieces[1::2]
    return (frame, written) if frame and len(frame.slots) == len(written) else (None, ())


@lru_cache(maxsize=8_192)
def _frame(row: bytes) -> Frame | None:
    """What the bytes of a row say without its values; None where it is not one row of plain cells from left to right."""
    found = _ROW.fullmatch(row)
    if found is None or b"DISPIMG" in row:
        return None
    number = int(found[1]) - 1
    width = 0
    addresses: list[bytes] = []
    slots: list[tuple[int, bytes]] = []
    formulas: dict[RowCol, str] = {}
    styles: dict[RowCol, bytes] = {}
    for address, style, kind, filled, formula, slot in (cell.groups() for cell in _CELLS.finditer(found[3])):
        if not filled:
            continue
        spot = cell_spot(address)
        if spot[0] != number or spot[1] < width or (kind == b"s" and slot != _SLOT):
            return None
        addresses.append(address)
        width = spot[1] + 1
        if slot == _SLOT:
            slots.append((spot[1], kind or b""))
        if formula is not None:
            formulas[spot] = OWN if OWN_BYTES in formula else unescaped(formula) or "?"
        if style and kind in (None, b"n") and (slot or formula is not None):
            styles[spot] = style
    hidden = b' hidden="1"' in found[2] or b' hidden="true"' in found[2]
    return Frame(number, hidden, width, tuple(addresses), tuple(slots), formulas, styles)


class Cutter:
    """Cuts the sheets of a workbook into rows, and leaves out our own formulas: nobody asks what they say, and they are many and long.

    The formulas at the end of a row are mostly those that stood at this address on another sheet, and are then passed over at once.
    A sheet that is much longer than a form is not cut.
    """

    def __init__(self) -> None:
        self._own: dict[bytes, tuple[bytes, bytes, frozenset[RowCol]]] = {}  # how such cells begin -> all of them, what else is there, where ours stood

    def rows(self, part: bytes, start: int, end: int) -> Iterator[tuple[bytes, frozenset[RowCol]]]:
        """Each row without its end tag and our formulas, and where these stood; what stands behind the last row comes as one more."""
        if end - start > LONG:
            whole = part[start:end]
            yield _without_own(whole) if OWN_BYTES in whole else (BLANK.sub(b"", whole), _NOWHERE)
            return
        own = part.find(OWN_BYTES, start, end)
        while True:
            close = part.find(_CLOSE, start, end if own < 0 else own)
            if close >= 0:
                yield part[start:close], _NOWHERE
                start = close + len(_CLOSE)
            elif own < 0:
                yield part[start:end], _NOWHERE
                return
            else:
                first = max(part.rfind(b"<c ", start, own), start)
                cells, rest, spots = self._own.get(part[first:own], (b"", b"", _NOWHERE))
                if not cells or not part.startswith(cells, first):
                    close = part.find(_CLOSE, own, end)
                    cells = part[first : end if close < 0 else close + len(_CLOSE)]
                    rest, spots = _without_own(cells.removesuffix(_CLOSE))
                    if close >= 0:
                        self._own[part[first:own]] = cells, rest, spots
                yield part[start:first] + rest, spots
                start = first + len(cells)
                own = part.find(OWN_BYTES, start, end)


def _without_own(cells: bytes) -> tuple[bytes, frozenset[RowCol]]:
    """Cells without our own formulas, and where these stood."""
    pieces = _UNASKED.split(cells)
    return b"".join(pieces[::2]), frozenset(cell_spot(address) for address in pieces[1::2] if address)


def laid_out(rows: Mapping[int, Values], others: Mapping[RowCol, Value | None]) -> list[Values]:
    """Rows by number, and the values of other cells, as rows of one width from A1."""
    width = max((*map(len, rows.values()), *(col + 1 for _, col in others)), default=0)
    blank: Values = (None,) * width
    found = [blank] * (max((*rows, *(row for row, _ in others)), default=-1) + 1)
    for number, row in rows.items():
        found[number] = row + blank[len(row) :]
    return changed(found, others)
