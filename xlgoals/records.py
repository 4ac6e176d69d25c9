"""The values that travel between the stages: cells as found, their places, and the typed content of one form instance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from xlgoals.target import Target

Value = str | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta
"""What a cell may hold, as the reader gives it; blank is None, never an empty string."""

Horizon = Literal["annual", "mid_term", "long_term"]
State = Literal["visible", "hidden", "very_hidden"]
RowCol = tuple[int, int]


UNREAD = Target("", "blank")


class Area(NamedTuple):
    """A rectangle of cells, zero-based, all four sides included."""

    top: int
    left: int
    bottom: int
    right: int

    def holds(self, row: int, col: int) -> bool:
        return self.top <= row <= self.bottom and self.left <= col <= self.right

    def moved(self, rows: int, cols: int) -> Area:
        return Area(self.top + rows, self.left + cols, self.bottom + rows, self.right + cols)


def column_name(col: int) -> str:
    """Name a zero-based column as Excel does: 0 is A, 26 is AA."""
    name = ""
    col += 1
    while col:
        col, rest = divmod(col - 1, 26)
        name = chr(65 + rest) + name
    return name


def column_number(name: str) -> int:
    """The number of a column that Excel names so, counted from one: A is 1."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number


@lru_cache(maxsize=16_384)
def cell_name(row: int, col: int) -> str:
    """Name a zero-based cell as Excel does."""
    return f"{column_name(col)}{row + 1}"


def absolute(cell: str) -> str:
    """A cell's name as a reference that stays where its formula is copied: F14 -> $F$14."""
    letters = cell.rstrip("0123456789")
    return f"${letters}${cell[len(letters) :]}"


@lru_cache(maxsize=16_384)
def cell_spot(address: bytes) -> RowCol:
    """The zero-based row and column of a cell named as in a file."""
    letters = address.rstrip(b"0123456789")
    col = 0
    for letter in letters:
        col = col * 26 + letter - 64
    return int(address[len(letters) :]) - 1, col - 1


def area_name(area: Area) -> str:
    first, last = cell_name(area.top, area.left), cell_name(area.bottom, area.right)
    return first if first == last else f"{first}:{last}"


class At(NamedTuple):
    """Where a value was found; `cell` is an Excel address such as F14, or empty when the finding concerns a whole sheet or file."""

    file: str
    sheet: str = ""
    cell: str = ""


class Cell(NamedTuple):
    """One non-empty cell as found. `value` of a formula cell is its cached value, None when it has none."""

    row: int
    col: int
    value: Value | None
    formula: str | None = None
    error: str | None = None
    number_format: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worksheet as found: values row by row from A1, and beside them what only some cells have, by (row, column)."""

    name: str
    rows: tuple[tuple[Value | None, ...], ...] = ()
    merges: tuple[Area, ...] = ()
    state: State = "visible"
    formulas: Mapping[RowCol, str] = field(default_factory=dict)  # as in the file, without the equals sign
    errors: Mapping[RowCol, str] = field(default_factory=dict)
    formats: Mapping[RowCol, str] = field(default_factory=dict)  # number and date cells whose format is not General
    names: Mapping[str, str] = field(default_factory=dict)  # sheet-local defined names: name -> reference as written
    hidden_rows: frozenset[int] = frozenset()
    hidden_cols: frozenset[int] = frozenset()
    own: frozenset[RowCol] = frozenset()  # where formulas of ours stood that were left out with what they gave

    def value(self, row: int, col: int) -> Value | None:
        if 0 <= row < len(self.rows) and 0 <= col < len(self.rows[row]):
            return self.rows[row][col]
        return None

    def cell(self, row: int, col: int) -> Cell | None:
        """The cell, or None when it is blank: no value, no formula and no error."""
        spot = (row, col)
        value, formula, error = self.value(row, col), self.formulas.get(spot), self.errors.get(spot)
        if value is None and formula is None and error is None:
            return None
        return Cell(row, col, value, formula, error, self.formats.get(spot, ""))


def trimmed(rows: Sequence[Sequence[Value | None]]) -> tuple[tuple[Value | None, ...], ...]:
    """Rows of a sheet without the blank ones at the end and the blank columns at the right."""
    height = len(rows)
    while height and rows[height - 1].count(None) == len(rows[height - 1]):
        height -= 1
    width = 0
    for row in rows[:height]:
        while (beyond := row[width:]).count(None) < len(beyond):
            width += 1 + next(at for at, value in enumerate(beyond) if value is not None)
    return tuple(tuple(row) if len(row) == width else tuple(row[:width]) for row in rows[:height])


def changed(rows: Iterable[tuple[Value | None, ...]], values: Mapping[RowCol, Value | None]) -> list[tuple[Value | None, ...]]:
    """Rows of a sheet with other values in some places."""
    found = list(rows)
    own: dict[int, list[Value | None]] = {}
    for (row, col), value in values.items():
        if row not in own:
            own[row] = list(found[row])
        own[row][col] = value
    for row, cells in own.items():
        found[row] = tuple(cells)
    return found


@dataclass(frozen=True, slots=True)
class Package:
    """A workbook that may be read: its bytes for the native reader, and its sheets as yet without values; or no bytes, and sheets
    with the values as they are written.

    `plain_numbers`: styles are not looked at, so dates are numbers as yet.
    """

    kind: str
    readable: bytes
    sheets: tuple[Sheet, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    plain_numbers: bool = False
    modified: str = ""
    date1904: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """One workbook as found. `kind` is what the bytes are (xlsx, xlsm, xls, ods …), whatever the file's extension claims."""

    file: str
    kind: str
    sheets: tuple[Sheet, ...]
    sha256: str = ""
    names: Mapping[str, str] = field(default_factory=dict)  # workbook-wide defined names
    properties: Mapping[str, str] = field(default_factory=dict)  # custom document properties
    flags: tuple[str, ...] = ()  # macros, external_links, pictures_in_cells …: told to the user, never followed
    modified: str = ""  # when the document says it was last saved (ISO 8601), where it says so


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who a generated sheet was made for. Written into every form sheet, so that a copied sheet still knows. `code` and `unit` are
    the unit's code and name, `project` the code and name of the project the sheet was pre-filled with."""

    version: int
    form: str
    digest: str  # of the form's spec: which version of the layout this sheet was printed from
    instance: str = ""  # which form of the workbook: p01, p02 …
    year: str = ""
    department: str = ""
    unit: str = ""
    project: str = ""
    cycle: str = ""
    round: int = 1
    code: str = ""
    signature: str = ""


class Spot(NamedTuple):
    """Where one value stands, its text as typed, the witnesses that led there, and whether it was left blank."""

    at: At
    text: str
    witness: str
    label: str  # what the form calls it, for people


@dataclass(frozen=True, slots=True)
class Funds:
    """One money line. `amount` is in yuan, exact to the cent; None when blank or unreadable (then a finding says so)."""

    key: str
    horizon: Horizon
    source: str  # total, fiscal, other, carryover
    amount: Decimal | None
    printed: str
    unit: str  # the unit the form prints: 元, 万元, 亿元


@dataclass(frozen=True, slots=True)
class Goal:
    key: str
    horizon: Horizon
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """One line of the indicator grid that the unit wrote a name or a value in.

    `level1` and `level2` are canonical words (or the printed ones where no dialect knows them); `target` is the value as
    typed and `means` what it says; `more` holds what only some forms ask: description, basis, remark.
    """

    key: str
    horizon: Horizon
    level1: str
    level2: str
    name: str
    target: str
    more: Mapping[str, str] = field(default_factory=dict)
    means: Target = UNREAD


@dataclass(frozen=True, slots=True)
class Detail:
    """One value of any other grid: spending plan, progress plan, coded table rows. `amount` in yuan where it is money."""

    key: str
    grid: str
    line: str
    column: str
    text: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """What one form instance of one workbook says. Every value's place is in `spots`, under the record's key (for an
    indicator: key + ".name", ".target" …)."""

    file: str
    sha256: str
    sheet: str
    area: Area
    form: str
    stamp: Stamp | None
    fields: Mapping[str, str]  # canonical scalar fields: year, department, unit, project_name, project_code, purpose …
    funds: tuple[Funds, ...] = ()
    goals: tuple[Goal, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    details: tuple[Detail, ...] = ()
    spots: Mapping[str, Spot] = field(default_factory=dict)
    modified: str = ""  # when the document was last saved, as it says itself

    @property
    def id(self) -> str:
        """Names this instance within a batch."""
        return f"{self.file}#{self.sheet}#{cell_name(self.area.top, self.area.left)}"

    @property
    def identity(self) -> str:
        """Names the same form over rounds: unit, form, and the project by code, else by name and place in the workbook."""
        project = (
            self.fields.get("project_code") or f"{self.fields.get('project_name', '')}/{self.stamp.instance if self.stamp and self.stamp.instance else self.sheet}"
        )
        return "|".join((self.form, self.fields.get("year", ""), self.fields.get("unit", ""), project))


class Given(NamedTuple):
    """What the caller says about workbooks that do not say it themselves; never outvotes a stamp."""

    year: str = ""
    department: str = ""
    unit: str = ""
