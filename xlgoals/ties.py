"""What must be equal: the declarations of `mappings/ties.yaml`, as models. `balance` evaluates them, `kinds_tie` tells what is not so."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from xlgoals.errors import Mistake, SpecError
from xlgoals.models import Model
from xlgoals.yamlmark import load_marked

Dimension = Literal["grid", "line", "code", "column"]
GOALS = "goals"  # the grid that the money lines of project goal forms stand for
CARRIED, NEW = "carried", "new"  # its lines: projects whose money is carried over from last year, and the others
CODES_AS = ("code", "line", "parent", "level1", "level2", "level3")  # what a cell's code may be compared as


def _several(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


Names = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]


class Term(Model):
    """One selection of cells, whose figures are added up (`minus`: taken away). An empty selection of columns, lines, codes or levels
    is all of them; `as_` says as what a cell counts where sides are compared one by one."""

    grid: Names
    column: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    line: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    code: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    level: Annotated[tuple[int, ...], BeforeValidator(_several)] = ()
    minus: bool = False
    as_: dict[Dimension, str] = Field({}, alias="as")

    @model_validator(mode="after")
    def known_code(self) -> Term:
        if self.as_.get("code", "code") not in CODES_AS:
            raise ValueError(f"as 的 code 只能是 {'、'.join(CODES_AS)}")
        return self


Terms = Annotated[tuple[Term, ...], BeforeValidator(_several)]


class Tie(Model):
    """One equality: the sum of `left` is the sum of `right`, in all or for `each` of what it names."""

    tie: str = Field(pattern=r"^[a-z]\w*(\.[a-z]\w*)*$")
    number: str = ""
    title: str
    each: tuple[Dimension, ...] = ()
    match: Literal["any", "both", "below"] = "any"
    left: Annotated[Terms, Field(min_length=1)]
    right: Annotated[Terms, Field(min_length=1)]
    without: Terms = ()
    absent: tuple[str, ...] = ()
    usual: bool = False
    front: bool = False

    @model_validator(mode="after")
    def comparable(self) -> Tie:
        for term in (*self.left, *self.right):
            if unused := term.as_.keys() - set(self.each):
                raise ValueError(f"as 里的 {'、'.join(sorted(unused))} 不在 each 里，不起作用，请补上或删去")
        if self.match == "below" and not {"grid", "code"} <= set(self.each):
            raise ValueError("match: below 要按 grid、code 逐一比较，请在 each 里补上")
        return self

    @property
    def grids(self) -> frozenset[str]:
        """The tables that take part."""
        return frozenset(grid for term in (*self.left, *self.right) for grid in term.grid)


class TieWords(Model):
    """How a side of an equality is named: by one cell, by several, by none; and what is added where a project's code is presumed, and
    where one side is the other ten thousand times over."""

    place: str = ""
    far_place: str = ""
    one: str = ""
    several: str = ""
    nothing: str = ""
    presumed: str = ""
    fold: str = ""


class Ties(Model):
    """`mappings/ties.yaml`. `rounding` is how far a printed figure may be from the exact one, in its printed unit."""

    rounding: Decimal
    words: TieWords = TieWords()
    ties: tuple[Tie, ...]

    @model_validator(mode="after")
    def told_apart(self) -> Ties:
        names = [one.tie for one in self.ties]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{'、'.join(twice)} 写了两次，请改名")
        return self

    @property
    def grids(self) -> frozenset[str]:
        return frozenset().union(*(one.grids for one in self.ties))


def load_ties(path: Path, mistakes: list[Mistake]) -> Ties | None:
    """Read the declarations; mistakes are added to the list."""
    try:
        marked = load_marked(path)
        return Ties.model_validate(marked.data)
    except SpecError as error:
        mistakes += error.mistakes
    except ValidationError as error:
        for one in error.errors(include_url=False):
            where = ".".join(str(part) for part in one["loc"][2:])
            mistakes.append(marked.mistake(one["loc"], f"{where}：{str(one['msg']).removeprefix('Value error, ')}".lstrip("：")))
    return None
