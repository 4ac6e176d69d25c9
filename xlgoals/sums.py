"""What a form fills in by itself: sums along lines, columns and codes, and names of codes. As a formula for Excel, and computed here.

A formula speaks of lines by their place in the grid (block and line) and of columns by their id, never of cells: the layout
knows where they stand on a blank sheet, and the reader which lines people have filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from xlgoals.models import Block, Column, Grid

Line = tuple[int, int]  # block and line, from zero
STEP = 2  # letters by which a code is longer than the one above it


@dataclass(frozen=True, slots=True)
class Term:
    """One figure of a sum: of this line where `line` is None."""

    column: str
    line: Line | None = None
    minus: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of figures of the same grid."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The sum of what stands below in the same column: of the lines one step longer in code, or (`top`) of the shortest codes."""

    codes: str
    top: bool
    shortest: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """The name of the code that stands in another column of the line."""

    codes: str
    list: str


Formula = Sum | Tree | Lookup


def formula_of(grid: Grid, block: int, column: Column, money: bool, lists: Mapping[str, str], shortest: int) -> Formula | None:
    """What fills a cell of a grid in; None where people do. `lists` names the code list of each column that has one."""
    if column.look_up:
        return Lookup(column.look_up, lists.get(column.look_up, "")) if not grid.blocks[block].fixed.get(column.key) else None
    if column.sum:
        return Sum(tuple(Term(key.removeprefix("-"), minus=key.startswith("-")) for key in column.sum))
    words = grid.blocks[block].words.get(grid.names(column))
    if not money:
        return None
    if words and words.sum == "tree":
        return Tree(grid.tree, True, shortest)
    if words and words.sum:
        named = above(grid, block, column) if words.sum == "above" else words.sum
        return Sum(tuple(
            Term(column.id, (at, 0), one.startswith("-")) for one in named if (at := line_named(grid, column, one.removeprefix("-"))) is not None
        ))  # fmt: skip
    return Tree(grid.tree, False, shortest) if grid.tree and not listed(grid.blocks[block]) else None


def listed(block: Block) -> bool:
    """Whether a block is one printed line with a name of its own."""
    return any(words.id for words in block.words.values())


def closed(grid: Grid, block: int, column: Column) -> bool:
    """Whether nothing belongs here: on this side of the table the line has no words."""
    names = grid.names(column)
    return bool(names) and listed(grid.blocks[block]) and names not in grid.blocks[block].words


def above(grid: Grid, block: int, column: Column) -> Sequence[str]:
    """The lines of one side since the last sum before a block."""
    found: list[str] = []
    for one in reversed(grid.blocks[:block]):
        words = one.words.get(grid.names(column))
        if words and words.sum:
            break
        if words and words.id:
            found.append(words.id)
    return found[::-1]


def line_named(grid: Grid, column: Column, name: str) -> int | None:
    """The block of the line that a name stands for on a column's side."""
    return next((i for i, _ in enumerate(grid.blocks) if grid.line_id(i, column) == name), None)


# --- for Excel


def excel(formula: Formula, cell: Callable[[Term], str], below: Callable[[str], str], here: Callable[[str], str], names: str) -> str:
    """A formula as Excel writes it. `cell` gives the address of a term, `below` that of a column's lines below this one, `here`
    that of a column's cell in this line; `names` is the defined name of the code list's names (its codes: without `_names`)."""
    if isinstance(formula, Lookup):
        code = here(formula.codes)
        return f'=IF({code}="","",IFERROR(INDEX({names},MATCH({code},{names.removesuffix("_names")},0)),""))'
    if isinstance(formula, Tree):
        codes, own = below(formula.codes), below("")
        if formula.top:
            return f'=SUMIFS({own},{codes},"{"?" * formula.shortest}")'
        wanted = f'{here(formula.codes)}&"{"?" * STEP}"'
        return f'=IF({here(formula.codes)}="","",IF(COUNTIFS({codes},{wanted})=0,"",SUMIFS({own},{codes},{wanted})))'
    sums = ["SUM(" + ",".join(_ranges([cell(t) for t in formula.terms if t.minus is minus])) + ")" for minus in (False, True)]
    return "=" + "-".join(one for one in sums if one != "SUM()")


def is_own(formula: Formula, text: str) -> bool:
    """Whether a formula found in a cell is the one that was written there: rows inserted or deleted may have changed its addresses,
    but it names no other function and adds no figure of somebody's own."""
    text = re.sub(r"\[\.([^\]']*)\]", lambda cell: cell[1].replace(".", ""), text.removeprefix("of:").removeprefix("="))  # as ods writes it
    bare = re.sub(r'"[^"]*"|\$?[A-Z]{1,3}\$?[0-9]+|cod_\w+|_xlfn\.|#REF!', "", text.upper().replace("COD_", "cod_"))
    functions, figures = set(re.findall(r"[A-Z][A-Z0-9.]*(?=\()", bare)), set(re.findall(r"[0-9][0-9.]*", bare))
    if isinstance(formula, Sum):
        return functions <= {"SUM"} and not figures and "[" not in text
    known = {"IF", "IFERROR", "INDEX", "MATCH"} if isinstance(formula, Lookup) else {"IF", "COUNTIFS", "SUMIFS"}
    return functions <= known and figures <= {"0"} and "[" not in text


def _ranges(cells: Sequence[str]) -> Iterator[str]:
    """Addresses with runs down a column written as ranges."""
    run: list[str] = []
    for one in [*cells, ""]:
        if run and _next(run[-1]) == one:
            run.append(one)
            continue
        if run:
            yield run[0] if len(run) == 1 else f"{run[0]}:{run[-1]}"
        run = [one]


def _next(cell: str) -> str:
    letters = cell.rstrip("0123456789")
    return f"{letters}{int(cell[len(letters) :]) + 1}"


# --- computed


Figures = Mapping[tuple[int, str], Decimal]  # line as found (by its order) and column id -> what stands there


def compute(
    wanted: Mapping[tuple[int, str], Formula], figures: Figures, codes: Sequence[str], place: Mapping[Line, int]
) -> dict[tuple[int, str], Decimal]:
    """Compute what was never calculated, from what stands on the sheet: lines by their order, with the code of each, and where the
    line of a place in the grid has come to stand. What has nothing to add up is left out."""
    done: dict[tuple[int, str], Decimal | None] = dict(figures)

    def figure(at: tuple[int, str]) -> Decimal | None:
        if at not in done:
            done[at] = None  # a sum that asks for itself finds nothing there
            parts = list(_parts(wanted[at], at)) if at in wanted else []
            found = [-amount if minus else amount for part, minus in parts if (amount := figure(part)) is not None]
            done[at] = sum(found, Decimal(0)) if found else None
        return done[at]

    def _parts(formula: Formula, at: tuple[int, str]) -> Iterator[tuple[tuple[int, str], bool]]:
        line, column = at
        if isinstance(formula, Sum):
            for term in formula.terms:
                where = line if term.line is None else place.get(term.line)
                if where is not None:
                    yield (where, term.column), term.minus
        elif isinstance(formula, Tree):
            own = codes[line]
            if not (own or formula.top):
                return
            for i, code in enumerate(codes):
                if i > line and (len(code) == formula.shortest if formula.top else len(code) == len(own) + STEP and code.startswith(own)):
                    yield (i, column), False

    return {at: amount for at in wanted if at not in figures and (amount := figure(at)) is not None}
