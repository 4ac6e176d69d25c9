"""Models of the spec files: what may stand in `templates/` and `mappings/`, field by field. Meaningless beyond their shape: `spec`
joins them, `layout` gives them places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)  # fmt: skip

from xlgoals.records import Horizon

HOLE = re.compile(r"\{(\w+)\}")  # a field inside printed words


class Model(BaseModel):
    """`ADDED` are fields that the language gained after forms had been sent out: left out of a form's content where nobody writes
    them, so that its digest, and with it every sheet printed from it, stays what it was."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ADDED: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def content(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in plain(self).items() if value or key not in self.ADDED}


# --- templates -------------------------------------------------------------------------------------------------------


class Style(Model):
    font: str = "宋体"
    size: float = 10.5
    bold: bool = False
    align: Literal["left", "center", "right"] = "left"
    border: Literal["thin", "none"] = "thin"
    height: float | None = None


class TypeLook(Model):
    """How a field's type looks in Excel."""

    format: str
    style: str


class Looks(Model):
    """`templates/styles.yaml`."""

    styles: dict[str, Style]
    types: dict[str, TypeLook]
    blank_tint: str
    carried_tab: str = Field(pattern="^[0-9A-F]{6}$")
    body_height: float
    line_size: float
    line_factor: float
    cell_padding: float


class Identity(Model):
    year: str
    department: str
    unit: str
    blank: str


class Notice(Model):
    """What the bureau has to say on the guide of a distributed workbook."""

    deadline: str
    contact: str
    carried: str


class Guide(Model):
    """`templates/guide.yaml`: the words of the 填报说明 sheet and of prompts."""

    sheet: str
    title: str
    identity: Identity
    notice: Notice
    steps_title: str
    steps: tuple[str, ...]
    spare: str
    links_title: str
    fields_title: str
    fields_head: tuple[str, str, str]
    required: str
    optional: str
    contact_title: str
    contact: str
    meta_sheet: str
    meta_note: str
    lists_sheet: str
    footer: str
    choose: str
    not_listed: str
    not_in_codes: str
    not_money: str
    sentence_title: str
    sentence: str


class Results(Model):
    blank: str
    passed: str
    error: str
    query: str
    gone: str


class Status(Model):
    blank: str
    passed: str
    error: str
    query: str
    both: str
    added: str
    broken: str


class Signs(Model):
    """One of each severity that is told: words, a colour."""

    error: str = Field(min_length=1)
    query: str = Field(min_length=1)

    def of(self, severity: str) -> str:
        return self.query if severity == "query" else self.error


class SelfCheck(Model):
    """`templates/selfcheck.yaml`: the words and looks of what a workbook says of itself."""

    sheet: str
    title: str
    about: tuple[str, ...]
    summary: str
    heads: tuple[str, str, str, str, str, str]
    widths: tuple[float, float, float, float, float, float]
    whole: str
    results: Results
    status: Status
    signs: Signs
    place: str
    number: str
    unclear: str
    hint_width: float
    tints: Signs
    link: str

    @model_validator(mode="after")
    def told_apart(self) -> SelfCheck:
        """What is looked for in a hint must be found in no other."""
        one, other = self.signs.error, self.signs.query
        if one in other or other in one:
            raise ValueError("signs 的两个符号要不同")
        if not self.place.startswith("{sign}{column}") or "{number" not in self.number or "{" in self.number[:1] or self.number.endswith("}"):
            raise ValueError("place 要以 {sign}{column} 开头，number 里的 {number} 前后要有字")
        if not self.unclear.startswith(self.signs.error):
            raise ValueError("unclear 要以 signs 的 error 开头")
        return self

    @cached_property
    def said(self) -> re.Pattern[str]:
        """How everything begins that a form sheet says of itself."""
        status = {HOLE.split(text)[0] for text in self.status.model_dump().values()}
        return re.compile("|".join(map(re.escape, (self.signs.error, self.signs.query, *sorted(status)))))

    def at(self, sign: str, column: str) -> str:
        """What a hint about a column begins with."""
        return self.place.format(sign=sign, column=column) + self.number.partition("{")[0]

    def by(self, number: int) -> str:
        """What every hint of a check holds, whatever its column."""
        return self.place.removeprefix("{sign}{column}") + self.number.format(number=number)


class Margins(Model):
    """Millimetres."""

    left: float = 20
    right: float = 20
    top: float = 20
    bottom: float = 20


class Page(Model):
    paper: Literal["A4", "A3"] = "A4"
    orientation: Literal["portrait", "landscape"] = "portrait"
    margins: Margins = Margins()
    header: str = ""


class Box(Model):
    """One cell of a printed row: words, a label, an input, or words with inputs in them.

    `text` may echo stamped, computed or other fields in braces; `pattern` is an input cell whose words stay around what is
    typed, with `blank` standing in each hole until somebody types there; `tick` are the choices printed with a box each, in one
    line. `lines` is how many lines of text the row must have room for. `by` says who writes there: what the bureau or a hand
    writes is no input and never missing.
    """

    ADDED = frozenset({"blank"})

    text: str | None = None
    label: str | None = None
    key: str | None = None
    pattern: str | None = None
    blank: str = ""
    tick: tuple[str, ...] = ()
    span: int = Field(1, ge=1)
    down: int = Field(1, ge=1)
    lines: int = Field(1, ge=1, le=25)
    style: str | None = None
    aka: tuple[str, ...] = ()
    by: Literal["unit", "bureau", "hand"] = "unit"

    @model_validator(mode="after")
    def one_kind(self) -> Box:
        if sum(part is not None for part in (self.text, self.label, self.key, self.pattern)) != 1:
            raise ValueError("一个格子只能写 text、label、key、pattern 中的一个")
        return self


class Beside(Model):
    """A label that stands left of a whole grid."""

    label: str
    span: int = Field(1, ge=1)
    aka: tuple[str, ...] = ()


class Column(Model):
    """One column of a grid. `pane` names the horizon of a column where two horizons share the lines; `count` prints the number of
    the line, which is no value; `sum` makes the column the sum of others of its line (a minus before a key takes it away);
    `look_up` fills it in with the name of the code that stands in another column."""

    ADDED = frozenset({"count", "sum", "look_up"})
    key: str
    label: str | None = None
    span: int = Field(1, ge=1)
    pane: Horizon | None = None
    numbered: str = ""
    count: bool = False
    sum: tuple[str, ...] = ()
    look_up: str = ""
    lines: int = Field(1, ge=1, le=25)
    style: str | None = None
    aka: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The column's key, told apart by pane where two panes hold the same key."""
        return f"{self.key}@{self.pane}" if self.pane else self.key


class Lines(Model):
    """How many lines a block prints, and how many it may grow to (the rest are hidden rows that staff may unhide)."""

    print: int = Field(ge=0)
    most: int = Field(ge=1)

    @model_validator(mode="after")
    def grows(self) -> Lines:
        if self.most < self.print:
            raise ValueError("most 不能小于 print")
        return self


class Words(Model):
    """Words printed in a column of a block; written as a plain text, or with an `id`: then they name the line for themselves and for
    the columns right of them, up to the next such words. `sum` makes the figures of the line the sum of others of this side: of the
    lines named (a minus before an id takes one away), of all since the last sum (`above`), or of the topmost codes (`tree`)."""

    text: str
    id: str = Field("", pattern=r"^\w*$")
    sum: Literal["above", "tree"] | tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def short(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @model_serializer(mode="wrap")
    def content(self, plain: SerializerFunctionWrapHandler) -> Any:
        return plain(self) if self.id or self.sum else self.text


class Block(BaseModel):
    """A run of lines of a grid; whatever else it names is a column with words printed in it. One whose words have an id is a
    single line that is always there."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Words] = Field(init=False)
    lines: Lines

    @model_validator(mode="before")
    @classmethod
    def one_line(cls, value: Any) -> Any:
        named = isinstance(value, dict) and any(isinstance(words, dict) and "id" in words for words in value.values())
        return {"lines": {"print": 1, "most": 1}, **value} if named else value

    @property
    def words(self) -> dict[str, Words]:
        return dict(self.__pydantic_extra__ or {})

    @property
    def fixed(self) -> dict[str, str]:
        return {key: words.text for key, words in self.words.items()}


class Head(Model):
    """One cell of a heading row: words over one column (then its heading) or over several, or numbers and the like (`text`)."""

    label: str | None = None
    text: str | None = None
    span: int = Field(1, ge=1)
    down: int = Field(1, ge=1)
    aka: tuple[str, ...] = ()

    @model_validator(mode="after")
    def one_kind(self) -> Head:
        if (self.label is None) == (self.text is None):
            raise ValueError("表头的一格只能写 label、text 中的一个")
        return self


class Grid(Model):
    """Lines of equal columns, in blocks. `head` are heading rows of their own, where one row of column labels is not enough.
    `tree` names the column of codes along which lines add up: a line is the sum of those below it whose code is one step longer. `empty` is what stands below a grid in which nothing is written."""

    ADDED = frozenset({"head", "tree", "empty"})
    grid: str = Field(pattern=r"^[a-z]\w*$")
    columns: tuple[Column, ...] = Field(min_length=1)
    blocks: tuple[Block, ...] = Field(min_length=1)
    beside: Beside | None = None
    head: tuple[tuple[Head, ...], ...] = ()
    tree: str = ""
    empty: str = ""

    @property
    def headed(self) -> bool:
        return bool(self.head) or any(column.label is not None for column in self.columns)

    def names(self, column: Column) -> str:
        """The key of the column whose printed words name the lines for a column: itself, or the nearest one left of it; else empty."""
        named = {key for block in self.blocks for key, words in block.words.items() if words.id}
        before = self.columns[: self.columns.index(column) + 1]
        return next((one.key for one in reversed(before) if one.key in named), "")

    def line_id(self, block: int, column: Column) -> str:
        """What names a line of a block for a column; empty for lines that nothing printed names."""
        words = self.blocks[block].words.get(self.names(column))
        return words.id if words else ""


def _row_kind(row: Any) -> str:
    return "grid" if isinstance(row, (dict, Grid)) else "cells"


Row = Annotated[Annotated[tuple[Box, ...], Tag("cells")] | Annotated[Grid, Tag("grid")], Discriminator(_row_kind)]


class SheetSpec(Model):
    """Which form a sheet of the workbook holds, and how many such sheets there are. `title` is its line in the contents."""

    ADDED = frozenset({"title"})
    form: str
    per: Literal["project", "workbook"] = "project"
    sheet: str = "项目{seq}"
    title: str = ""


class Contents(Model):
    """A sheet that lists the sheets of a book by their titles, with links."""

    sheet: str
    title: str
    head: tuple[str, str]


class Collection(Model):
    """`templates/<workbook>.yaml`: a workbook of several forms."""

    workbook: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    contents: Contents | None = None
    sheets: tuple[SheetSpec, ...] = Field(min_length=1)


class Template(Model):
    """`templates/<form>.yaml`."""

    form: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    stamped: tuple[Literal["year", "department", "unit"], ...] = ()
    page: Page = Page()
    columns: tuple[float, ...] = Field(min_length=1, max_length=100)
    styles: dict[str, Style] = {}
    rows: tuple[Row, ...] = Field(min_length=1)
    book: tuple[SheetSpec, ...] = ()

    def boxes(self) -> Iterator[tuple[tuple[str | int, ...], Box]]:
        for i, row in enumerate(self.rows):
            if not isinstance(row, Grid):
                for j, box in enumerate(row):
                    yield ("rows", i, j), box

    def grids(self) -> Iterator[tuple[tuple[str | int, ...], Grid]]:
        for i, row in enumerate(self.rows):
            if isinstance(row, Grid):
                yield ("rows", i), row


# --- mappings --------------------------------------------------------------------------------------------------------


class FieldDef(Model):
    """One canonical field of `mappings/fields.yaml`."""

    label: str
    type: Literal["text", "word", "prose", "choice", "code", "year", "date", "target", "money", "change"]
    look: str = ""  # of styles.yaml `types`, where it is not that of the type
    many: bool = False  # a grid may have many columns of it: each value keeps the key that the form gives its column
    required: bool = False
    list: str | None = None
    pattern: str | None = None
    like: str = ""
    prompt: str = Field("", max_length=60)


class Fields(Model):
    fields: dict[str, FieldDef]


class To(Model):
    """What one key of a form means."""

    to: str
    line: str = ""
    horizon: Horizon = "annual"
    required: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def short(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value


class Dialect(Model):
    """`mappings/<form>.yaml`."""

    form: str
    money_unit: str
    taxonomy: str = ""  # a form without levels needs none
    fields: dict[str, To] = {}
    grids: dict[str, dict[str, To]] = {}
    words: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}


class Move(Model):
    """Where indicators of one first and second level (of any second one, if none is named) go in a taxonomy that lacks them."""

    source: Annotated[tuple[str, ...], Field(alias="from", min_length=1, max_length=2)]
    to: tuple[str, str]


class Lists(Model):
    """`mappings/lists.yaml`."""

    taxonomies: dict[str, dict[str, tuple[str, ...]]]
    aka: dict[str, tuple[str, ...]]
    money_units: dict[str, Decimal]
    moves: tuple[Move, ...] = ()
    same: dict[str, tuple[tuple[str, ...], ...]] = {}
    changes: dict[str, Literal["+", "-"]] = {}  # words before an amount of change


def _joined(value: Any) -> Any:
    """A list of words is written with blanks between them, so that a parameter is always one text."""
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else value


Parameters = dict[str, Annotated[str, BeforeValidator(_joined)]]
Severity = Literal["error", "query", "note"]
Serves = Literal["完整性", "相关性", "适当性", "可行性", "表样"]


class RuleSpec(Model):
    """An entry of the catalogue, whole. `example`: words that show the sentence at work, for `xlgoals explain`."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
    severity: Severity
    serves: Serves
    title: str
    sentence: str
    remedy: str
    why: str = ""
    source: str = ""
    example: dict[str, str] = {}
    kind: str = ""
    amount: bool = False
    off: bool = False
    parameters: Parameters = {}
    cases: tuple[Parameters, ...] = ()


class RuleChange(Model):
    """What a bureau's entry may change of a rule that is there."""

    code: str
    severity: Severity | None = None
    serves: Serves | None = None
    title: str | None = None
    sentence: str | None = None
    remedy: str | None = None
    why: str | None = None
    source: str | None = None
    example: dict[str, str] | None = None
    amount: bool | None = None
    off: bool | None = None
    parameters: Parameters = {}
    cases: tuple[Parameters, ...] | None = None


class Rulebook(Model):
    """`mappings/rules.yaml`, or a bureau's own. `parameters`: what a parameter means, whichever rules have it; `serves`: what the four properties ask for."""

    rules: tuple[dict[str, Any], ...] = ()
    parameters: dict[str, str] = {}
    serves: dict[str, str] = {}
