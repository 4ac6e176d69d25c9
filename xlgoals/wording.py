"""The words and widths of summaries and of what goes back to units: `mappings/summary.yaml` and `mappings/return.yaml` as models."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from xlgoals.errors import SpecError
from xlgoals.findings import Severity
from xlgoals.spec import data_folder
from xlgoals.yamlmark import load_marked

# columns that formulas refer to, whatever else a sheet shows
NEEDED = {"departments": ("level", "department_no", "unit_no"), "projects": ("unit_no", "state"), "findings": ("unit_no", "severity", "open", "status")}

M = TypeVar("M", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Looks(_Model):
    font: str
    size: float
    line_factor: float
    title_size: float
    wide: float
    head_fill: str
    total_fill: str
    link_colour: str
    money: str
    count: str
    number: str
    share: str
    margins: tuple[float, float, float, float]
    footer: str


class Heading(_Model):
    """One column: its heading, what it holds, the word list that its codes go through, the column `of` which it shows (its own, where
    that is not said), its narrowest and widest."""

    label: str
    kind: Literal["text", "count", "money", "number", "share", "printed"] = "text"
    words: str = ""
    of: str = ""
    width: tuple[float, float] = (8, 16)


class TableWords(_Model):
    """One table; those with a sheet name and columns become sheets."""

    about: str
    name: str = ""
    note: str = ""
    empty: str = ""
    columns: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()


class BudgetWords(_Model):
    """One budget table of the whole (`budget`, by grid): its sheet, and headings for columns whose form has none of their own."""

    name: str
    about: str
    note: str = ""
    headings: dict[str, str] = {}
    width: float = 14


class BudgetTold(_Model):
    """What the front sheet adds on the budget tables of the whole and on their equalities."""

    counted: str
    left_out: str
    partly: str
    ties: str
    front: str


class FrontRow(_Model):
    topic: str
    name: str = ""
    value: str = ""
    text: str = ""


class SourceWords(_Model):
    topic: str
    read: str
    unread: str
    hash: str


class Front(_Model):
    name: str
    title: str
    note: str
    columns: tuple[str, str, str, str]
    widths: tuple[float, float, float, float]
    rows: tuple[FrontRow, ...]
    contents: FrontRow
    sources: SourceWords


class Phrases(_Model):
    cut: str
    apart: str
    made_up: str
    unassigned: str
    unnamed: str
    back: str
    open: str
    between: str


class Wording(_Model):
    """`mappings/summary.yaml`."""

    looks: Looks
    words: dict[str, dict[str, str]]
    phrases: Phrases
    columns: dict[str, Heading]
    tables: dict[str, TableWords]
    budget: dict[str, BudgetWords] = {}
    budget_told: BudgetTold
    front: Front

    @model_validator(mode="after")
    def _complete(self) -> Wording:
        """What the program needs whatever a bureau rearranges."""
        for name, table in self.tables.items():
            if unknown := [key for key in table.columns if key not in self.columns]:
                raise ValueError(f"tables.{name} 的列 {'、'.join(unknown)} 没有在 columns 中说明，请补上或删去")
        for name, needed in NEEDED.items():
            shown = self.tables[name].columns if name in self.tables else ()
            if missing := [key for key in needed if key not in shown or key in self.tables[name].optional]:
                raise ValueError(f"tables.{name} 缺少必有的列 {'、'.join(missing)}，公式要用到它们，请补上")
        return self


def load_wording(path: Path | None = None) -> Wording:
    """Read the shipped words, or a bureau's own file."""
    return loaded(Wording, path or data_folder("mappings") / "summary.yaml")


def loaded(model: type[M], path: Path) -> M:
    marked = load_marked(path)
    try:
        return model.model_validate(marked.data)
    except ValidationError as error:
        raise SpecError(marked.mistake(one["loc"], f"{'.'.join(map(str, one['loc']))}：{one['msg']}") for one in error.errors()) from error


# --- what goes back to units -----------------------------------------------------------------------------------------

# columns that the list of problems cannot do without: the answer is read again, by the key
LIST_COLUMNS = ("number", "severity", "sheet", "cell", "field", "message", "found", "expected", "remedy", "status", "answer", "decision", "code", "key")


class NoteWords(_Model):
    author: str
    begin: str
    end: str
    line: str
    found: str
    expected: str
    remedy: str
    answer: str
    more: str
    most: int


class ListColumn(_Model):
    label: str
    width: float


class ListWords(_Model):
    sheet: str
    title: str
    guide: tuple[str, ...]
    unmarked: str
    columns: dict[str, ListColumn]
    others: str
    hidden: str
    none: str
    open: dict[str, str]
    cut: str
    between: str
    rest: str
    footer: str
    font: str
    size: float
    title_size: float
    line_factor: float
    tab: str
    head: str
    locked: str
    input: str
    link: str
    alone: str

    @model_validator(mode="after")
    def _complete(self) -> ListWords:
        if unknown := [key for key in self.columns if key not in LIST_COLUMNS]:
            raise ValueError(f"没有 {'、'.join(unknown)} 这一列，可用：{'、'.join(LIST_COLUMNS)}")
        if missing := [key for key in ("answer", "key") if key not in self.columns]:
            raise ValueError(f"缺少 {'、'.join(missing)} 这一列，说明靠它们读回，请补上")
        if list(self.columns)[-1] != "key":
            raise ValueError("key 应是最后一列：它是隐藏的")
        return self


class Explanation(_Model):
    """When a unit's words count as an explanation."""

    least: int
    void: tuple[str, ...]


class ReturnWords(_Model):
    """`mappings/return.yaml`."""

    note: NoteWords
    tints: dict[Severity, str]
    list: ListWords
    explanation: Explanation


@lru_cache(maxsize=4)
def load_return_words(path: Path | None = None) -> ReturnWords:
    """Read the shipped words of what goes back, or a bureau's own file."""
    return loaded(ReturnWords, path or data_folder("mappings") / "return.yaml")
