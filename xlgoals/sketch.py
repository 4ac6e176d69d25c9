"""One instance of a form cut into pieces, and what is understood of it so far: rows of boxes and grids, their keys, open questions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from xlgoals.records import Area, Horizon, Sheet, Value
from xlgoals.vocabulary import Sense, Vocabulary

OPEN = "?"  # what stands where a person must settle something: no spec accepts it


@dataclass(frozen=True)
class Piece:
    """One cell or merged area of a form, in rows and columns counted from the form's corner, hidden ones left out."""

    area: Area
    text: str = ""
    value: Value | None = None

    @property
    def blank(self) -> bool:
        return not self.text.strip()

    @property
    def span(self) -> int:
        return self.area.right - self.area.left + 1

    @property
    def down(self) -> int:
        return self.area.bottom - self.area.top + 1

    @property
    def across(self) -> tuple[int, int]:
        return self.area.left, self.area.right


Role = Literal["label", "pattern", "input", "text"]


@dataclass
class Box:
    """One box of the draft, before it is written."""

    piece: Piece
    role: Role
    words: str = ""
    span: int = 0  # where it takes more columns than its piece
    style: str = ""
    by: str = ""
    tick: tuple[str, ...] = ()
    sense: Sense | None = None
    horizon: Horizon | None = None
    number: str = ""  # what a title counts the sheets by


@dataclass
class Column:
    """A column of a grid; `mark` is what a person must settle about it."""

    key: str
    label: str
    span: int
    pane: str = ""
    numbered: str = ""
    lines: int = 1
    mark: str = ""


Block = tuple[dict[str, str], int]  # words printed in its columns, and how many lines it has


@dataclass
class Grid:
    """A table of lines; `beside` is the label left of the whole."""

    name: str
    columns: list[Column]
    blocks: list[Block]
    beside: Piece | None = None


@dataclass
class Target:
    """What the mapping says of a key."""

    to: str
    line: str = ""
    horizon: Horizon | None = None
    mark: str = ""


class Sketch:
    """`boxes` and `grids` read the rows into it, `draft` settles the whole, `formtext` writes it."""

    def __init__(self, sheet: Sheet, area: Area, vocabulary: Vocabulary) -> None:
        self.know = vocabulary
        self.lines, self.width = _pieces(sheet, area)
        self.at = {
            (r, c): piece
            for line in self.lines
            for piece in line
            for r in range(piece.area.top, piece.area.bottom + 1)
            for c in range(piece.area.left, piece.area.right + 1)
        }
        self.box: dict[Area, Box] = {}  # by the area of a piece
        self.rows: list[list[Box] | Grid] = []
        self.fields: dict[str, Target] = {}
        self.grids: dict[str, dict[str, Target]] = {}
        self.local: dict[str, str] = {}  # level words as printed -> canonical
        self.pairs: list[tuple[str, str]] = []  # levels that occur together, canonical
        self.options: dict[str, tuple[str, ...]] = {}
        self.marks: list[str] = []
        self.title = ""
        self.values: dict[str, str] = {}  # short texts of plain fields, to know them again in printed words
        self.unit = self.taxonomy = ("", "")  # a word, and what must be settled about it

    @property
    def known(self) -> int:
        """How many fields and columns are understood."""
        return sum(target.to != OPEN for targets in (self.fields, *self.grids.values()) for target in targets.values())

    @property
    def shape(self) -> tuple[object, ...]:
        """What two instances of one form have in common."""
        return tuple(
            (row.name, tuple((column.key, column.span) for column in row.columns))
            if isinstance(row, Grid)
            else tuple((box.role, box.words, box.piece.span, box.piece.down) for box in row)
            for row in self.rows
        )

    @property
    def titles(self) -> list[Box]:
        return [box for row in self.rows if isinstance(row, list) for box in row if box.style in ("title", "subtitle")]

    def box_at(self, row: int, col: int) -> Box | None:
        piece = self.at.get((row, col))
        return self.box.get(piece.area) if piece else None

    def ask(self, text: str) -> str:
        self.marks.append(text)
        return text


def _pieces(sheet: Sheet, area: Area) -> tuple[list[list[Piece]], int]:
    """The pieces of each row from left to right, and the number of columns that any of them begins in."""
    rows = [r for r in range(area.top, area.bottom + 1) if r not in sheet.hidden_rows]
    cols = [c for c in range(area.left, area.right + 1) if c not in sheet.hidden_cols]
    row_of, col_of = ({spot: n for n, spot in enumerate(spots)} for spots in (rows, cols))
    merged: dict[tuple[int, int], Area] = {}
    for one in sheet.merges:
        if area.holds(one.top, one.left):
            inside = [(r, c) for r in range(one.top, one.bottom + 1) for c in range(one.left, one.right + 1) if r in row_of and c in col_of]
            if inside:
                spots = [(row_of[r], col_of[c]) for r, c in inside]
                merged |= dict.fromkeys(inside, Area(*min(spots), *max(spots)))
    found: list[Piece] = []
    done: set[Area] = set()
    for r in rows:
        for c in cols:
            whole = merged.get((r, c), Area(row_of[r], col_of[c], row_of[r], col_of[c]))
            if whole not in done:
                done.add(whole)
                at = next(((m.top, m.left) for m in sheet.merges if m.holds(r, c)), (r, c))
                value = sheet.value(*at)
                found.append(Piece(whole, value if isinstance(value, str) else "" if value is None else "0", value))
    edges = sorted({piece.area.left for piece in found})
    rank = {col: sum(edge <= col for edge in edges) - 1 for col in range(len(cols))}
    lines: list[list[Piece]] = [[] for _ in rows]
    for piece in found:
        a = piece.area
        lines[a.top].append(Piece(Area(a.top, rank[a.left], a.bottom, rank[a.right]), piece.text, piece.value))
    return [sorted(line, key=lambda piece: piece.area.left) for line in lines], len(edges)


_FULL = str.maketrans("():", "（）：")


def tidy(text: str) -> str:
    """Printed words as a form's author would write them: in one line, no blanks between Chinese letters, full-width signs."""
    text = re.sub(r"\s+", " ", text.replace("\u3000", " ")).strip()
    text = re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f(])|(?<=\D) (?=[(（])", "", text)
    return text.translate(_FULL) if re.search(r"[\u4e00-\u9fff]", text) else text
