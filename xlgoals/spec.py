"""The declarative spec: models of `templates/` and `mappings/`, loaded, joined and cross-checked into `Form`s.

`templates/<form>.yaml` says where things stand and how they look, `mappings/<form>.yaml` what they mean; the layout key is
the only join between them. Mistakes are collected over all files and told as `file:line: what, and what to do`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError, model_validator

from xlgoals.errors import Mistake, SpecError, UsageError
from xlgoals.findings import Catalogue, Rule
from xlgoals.records import Horizon
from xlgoals.yamlmark import Marked, load_marked

STAMPED = ("year", "department", "unit")  # the fields of `records.Stamp` that a form may take from its stamp instead of a cell
COMPUTED = ("seq",)  # known to the program for every sheet, never typed
LEVELS = ("level1", "level2")  # the lists that the taxonomy gives; any other is a dialect's own
HOLE = re.compile(r"\{(\w+)\}")


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    body_height: float
    line_size: float
    line_factor: float
    cell_padding: float


class Identity(Model):
    year: str
    department: str
    unit: str
    blank: str


class Guide(Model):
    """`templates/guide.yaml`: the words of the 填报说明 sheet and of prompts."""

    sheet: str
    title: str
    identity: Identity
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
    not_money: str


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
    typed; `tick` are the choices printed with a box each, in one line. `lines` is how many lines of text the row must have
    room for. `by` says who writes there: what the bureau or a hand writes is no input and never missing.
    """

    text: str | None = None
    label: str | None = None
    key: str | None = None
    pattern: str | None = None
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
    """One column of a grid. `pane` names the horizon of a column where two horizons share the lines."""

    key: str
    label: str | None = None
    span: int = Field(1, ge=1)
    pane: Horizon | None = None
    numbered: str = ""
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


class Block(BaseModel):
    """A run of lines of a grid; whatever else it names is a column with words printed in it."""

    model_config = ConfigDict(extra="allow", frozen=True)
    lines: Lines

    @property
    def fixed(self) -> dict[str, str]:
        return dict(self.model_extra or {})


class Grid(Model):
    """Lines of equal columns, in blocks."""

    grid: str = Field(pattern=r"^[a-z]\w*$")
    columns: tuple[Column, ...] = Field(min_length=1)
    blocks: tuple[Block, ...] = Field(min_length=1)
    beside: Beside | None = None

    @property
    def headed(self) -> bool:
        return any(column.label is not None for column in self.columns)


def _row_kind(row: Any) -> str:
    return "grid" if isinstance(row, (dict, Grid)) else "cells"


Row = Annotated[Annotated[tuple[Box, ...], Tag("cells")] | Annotated[Grid, Tag("grid")], Discriminator(_row_kind)]


class SheetSpec(Model):
    """Which form a sheet of the workbook holds, and how many such sheets there are."""

    form: str
    per: Literal["project", "workbook"] = "project"
    sheet: str = "项目{seq}"


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
    type: Literal["text", "word", "prose", "choice", "code", "year", "date", "target", "money"]
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
    taxonomy: str
    fields: dict[str, To] = {}
    grids: dict[str, dict[str, To]] = {}
    words: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}


class Lists(Model):
    """`mappings/lists.yaml`."""

    taxonomies: dict[str, dict[str, tuple[str, ...]]]
    aka: dict[str, tuple[str, ...]]
    money_units: dict[str, Decimal]


class RuleSpec(Model):
    code: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")
    severity: Literal["error", "query", "note"]
    serves: Literal["完整性", "相关性", "适当性", "可行性", "表样"]
    title: str
    sentence: str
    remedy: str
    kind: str = ""
    amount: bool = False
    parameters: dict[str, str] = {}


class Rules(Model):
    rules: tuple[RuleSpec, ...]


# --- joined ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meaning:
    """A form's key joined with the canonical field it stands for; everything that asks about a field asks this."""

    key: str
    to: str
    type: str
    label: str
    required: bool
    horizon: Horizon
    line: str = ""
    list: str | None = None
    pattern: str | None = None
    like: str = ""
    prompt: str = ""

    @property
    def record(self) -> str:
        """The kind of record the value goes to: funds, goals, indicator, plan … or "" for a plain field."""
        return self.to.partition(".")[0] if "." in self.to else ""

    @property
    def part(self) -> str:
        return self.to.rpartition(".")[2]


@dataclass(frozen=True, eq=False)
class Form:
    """One official form: template and dialect joined. Immutable and hashed by identity; `digest` tells versions apart."""

    template: Template
    dialect: Dialect
    meanings: Mapping[str, Meaning]  # field key -> meaning
    columns: Mapping[str, Mapping[str, Meaning]]  # grid -> column id -> meaning
    taxonomy: Mapping[str, tuple[str, ...]]
    looks: Looks
    digest: str
    money_factor: Decimal  # yuan in one of the form's money unit
    aka: Mapping[str, tuple[str, ...]]
    source: Marked  # of the template: where a mistake in its geometry stands

    @property
    def id(self) -> str:
        return self.template.form

    @property
    def title(self) -> str:
        return self.template.title

    @cached_property
    def book(self) -> tuple[SheetSpec, ...]:
        return self.template.book or (SheetSpec(form=self.id),)

    @cached_property
    def _canonical(self) -> Mapping[str, Mapping[str, str]]:
        """For each level: normalised spelling -> canonical word."""
        levels: dict[str, Iterable[str]] = {"level1": self.taxonomy, "level2": [w for words in self.taxonomy.values() for w in words]}
        known: dict[str, dict[str, str]] = {}
        for level, words in levels.items():
            spellings = known[level] = {bare_word(word): word for word in words}
            for word in words:
                for other in self.aka.get(word, ()):
                    spellings.setdefault(bare_word(other), word)
            for local, word in self.dialect.words.items():
                if word in words:
                    spellings[bare_word(local)] = word
        return known

    def canonical(self, text: str, level: str) -> str:
        """The canonical word for a first or second level as this form's people write it; the text itself when unknown."""
        return self._canonical[level].get(bare_word(text), text)

    def local(self, word: str) -> str:
        """How this form prints a canonical word."""
        return next((local for local, canonical in self.dialect.words.items() if canonical == word), word)

    def choices(self, name: str, level1: str | None = None) -> tuple[str, ...]:
        """The words of a code list as this form prints them; `level2` under one first level, or all of them. Empty when this
        form has no such list: then the field is free text."""
        if name not in LEVELS:
            return self.dialect.lists.get(name, ())
        if name == "level1":
            words: Iterable[str] = self.taxonomy
        elif level1 is not None:
            words = self.taxonomy.get(self.canonical(level1, "level1"), ())
        else:
            words = dict.fromkeys(w for level2s in self.taxonomy.values() for w in level2s)
        return tuple(self.local(w) for w in words)


def bare_word(text: str) -> str:
    """Set aside what does not tell two level words apart: blanks, line breaks, the ending 指标."""
    bare = re.sub(r"\s+", "", text)
    return bare.removesuffix("指标") or bare


@dataclass(frozen=True)
class Forms:
    """Everything the spec files say."""

    forms: Mapping[str, Form]
    catalogue: Catalogue
    fields: Mapping[str, FieldDef]
    money_units: Mapping[str, Decimal]
    guide: Guide

    def __getitem__(self, name: str) -> Form:
        if name not in self.forms:
            near = difflib.get_close_matches(name, self.forms, 1)
            raise UsageError(f"没有名为“{name}”的表样{f'，是不是 {near[0]}' if near else ''}？用 xlgoals forms 查看全部表样。")
        return self.forms[name]


# --- loading ---------------------------------------------------------------------------------------------------------


def data_folder(name: str) -> Path:
    """Find templates/, mappings/ or examples/: beside the package in a checkout or an editable install, inside it in a wheel."""
    package = Path(__file__).parent
    inside = package / "data" / name
    return inside if inside.is_dir() else package.parent / name


M = TypeVar("M", bound=BaseModel)
_PROBLEMS = {
    "missing": "缺少 {field}，请补上",
    "extra_forbidden": "不认识 {field}{near}",
    "string_type": "应为文字",
    "dict_type": "应为“键: 值”",
    "model_type": "应为“键: 值”",
    "tuple_type": "应为列表",
    "int_parsing": "应为整数",
    "float_parsing": "应为数字",
    "decimal_parsing": "应为数字",
    "bool_parsing": "应为 yes 或 no",
    "literal_error": "只能是 {expected}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "string_pattern_mismatch": "写法应符合 {pattern}",
    "string_too_long": "不能超过 {max_length} 字",
    "too_short": "至少要有 {min_length} 项",
}


def _modelled(model: type[M], marked: Marked, mistakes: list[Mistake]) -> M | None:
    try:
        return model.model_validate(marked.data)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            loc = one["loc"]
            name = str(loc[-1]) if loc else ""
            near = ""
            if one["type"] == "extra_forbidden":
                known = _names(model)
                match = difflib.get_close_matches(name, known, 1)
                near = f"，是不是 {match[0]}？" if match else "，请删去或改正"
            words = {**one.get("ctx", {}), "field": name, "near": near}
            problem = _PROBLEMS.get(one["type"])
            text = problem.format_map(words) if problem else str(one["msg"]).removeprefix("Value error, ")
            mistakes.append(marked.mistake(loc, f"{name}：{text}" if problem and "{field}" not in problem and name else text))
        return None


@lru_cache
def _names(model: type[BaseModel]) -> tuple[str, ...]:
    """All keys that may occur anywhere in a model's files, for did-you-mean."""
    schema = json.dumps(TypeAdapter(model).json_schema())
    return tuple(sorted(set(re.findall(r'"(\w+)": \{', schema))))


@lru_cache(maxsize=4)
def load_forms(extra: tuple[str, ...] = ()) -> Forms:
    """Load all forms shipped, and those of the folders in `extra` (a bureau's own templates and mappings, side by side or in
    subfolders of these names). Raises SpecError with every mistake in every file."""
    mistakes: list[Mistake] = []
    templates, mappings = [data_folder("templates")], [data_folder("mappings")]
    for folder in map(Path, extra):
        if not folder.is_dir():
            raise UsageError(f"表样文件夹 {folder} 不存在，请检查 --forms 的路径。")
        templates.append(folder / "templates" if (folder / "templates").is_dir() else folder)
        mappings.append(folder / "mappings" if (folder / "mappings").is_dir() else folder)

    looks = _one(Looks, templates, "styles.yaml", mistakes)
    guide = _one(Guide, templates, "guide.yaml", mistakes)
    fields = _one(Fields, mappings, "fields.yaml", mistakes)
    lists = _one(Lists, mappings, "lists.yaml", mistakes)
    rules = _one(Rules, mappings, "rules.yaml", mistakes)
    shapes = _all(Template, templates, "columns", mistakes)
    dialects = _all(Dialect, mappings, "taxonomy", mistakes)

    forms: dict[str, Form] = {}
    for name, (template, marked) in shapes.items():
        if name not in dialects:
            mistakes.append(marked.mistake(("form",), f"表样 {name} 没有 mappings/{name}.yaml，请写一个，说明每个 key 是什么"))
        elif looks and fields and lists:
            form = _join(template, marked, *dialects[name], looks, fields, lists, mistakes)
            if form:
                forms[name] = form
    for name, (_, marked) in dialects.items():
        if name not in shapes:
            mistakes.append(marked.mistake(("form",), f"没有表样 templates/{name}.yaml，请检查 form 的写法"))
    if mistakes or not (looks and guide and fields and lists and rules):
        raise SpecError(mistakes)
    catalogue = Catalogue(Rule(**rule.model_dump()) for rule in rules.rules)
    return Forms(dict(sorted(forms.items())), catalogue, fields.fields, lists.money_units, guide)


def _one(model: type[M], folders: Sequence[Path], name: str, mistakes: list[Mistake]) -> M | None:
    """The last of the folders that has the file wins: a bureau's own replaces the shipped one."""
    path = next((f / name for f in reversed(folders) if (f / name).is_file()), folders[0] / name)
    try:
        return _modelled(model, load_marked(path), mistakes)
    except SpecError as error:
        mistakes += error.mistakes
        return None


def _all(model: type[M], folders: Sequence[Path], mark: str, mistakes: list[Mistake]) -> dict[str, tuple[M, Marked]]:
    """Every file that has a `form` and the given key (that is what tells a template from a mapping in one folder)."""
    found: dict[str, tuple[M, Marked]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            try:
                marked = load_marked(path)
            except SpecError as error:
                mistakes += error.mistakes
                continue
            if not isinstance(marked.data, dict) or "form" not in marked.data or mark not in marked.data:
                if folder.name in ("templates", "mappings") and isinstance(marked.data, dict) and "form" in marked.data:
                    mistakes.append(marked.mistake((), f"缺少 {mark}，请补上"))
                continue
            one = _modelled(model, marked, mistakes)
            if one is None:
                continue
            name = str(marked.data["form"])
            if name in found:
                mistakes.append(marked.mistake(("form",), f"表样 {name} 已在另一个文件 {found[name][1].file} 中写过，请改名"))
            found[name] = (one, marked)
    return found


def _join(
    template: Template, shape: Marked, dialect: Dialect, words: Marked, looks: Looks, fields: Fields, lists: Lists, mistakes: list[Mistake]
) -> Form | None:
    before = len(mistakes)
    keys = dict(_keys(template, shape, mistakes))
    for path, box in template.boxes():
        for hole in HOLE.findall(box.text or ""):
            if hole not in keys and hole not in template.stamped and hole not in COMPUTED:
                mistakes.append(shape.mistake((*path, "text"), f"{{{hole}}} 既不是本表的 key，也不在 stamped 里，请改正"))
        if box.style and box.style not in looks.styles | template.styles:
            mistakes.append(shape.mistake((*path, "style"), f"没有样式 {box.style}，可用：{'、'.join(looks.styles | template.styles)}"))
    for key, path in keys.items():
        if key not in dialect.fields:
            mistakes.append(shape.mistake(path, f"key {key} 在 mappings/{template.form}.yaml 的 fields 里没有，请补上它的含义"))
    for key in dialect.fields:
        if key not in keys:
            mistakes.append(words.mistake(("fields", key), f"表样里没有 key {key}，请删去或改正"))
    meanings = {key: _meaning(key, to, ("fields", key), fields, words, mistakes) for key, to in dialect.fields.items()}
    columns: dict[str, dict[str, Meaning | None]] = {}
    grids = {grid.grid: (path, grid) for path, grid in template.grids()}
    for name, (path, grid) in grids.items():
        _check_grid(path, grid, shape, mistakes)
        known = dialect.grids.get(name)
        if known is None:
            mistakes.append(shape.mistake((*path, "grid"), f"grid {name} 在 mappings/{template.form}.yaml 的 grids 里没有，请补上"))
            continue
        columns[name] = {}
        for i, column in enumerate(grid.columns):
            if column.key not in known:
                mistakes.append(shape.mistake((*path, "columns", i), f"栏 {column.key} 在 mappings/{template.form}.yaml 的 grids.{name} 里没有，请补上"))
                continue
            to = known[column.key]
            to = to.model_copy(update={"horizon": column.pane}) if column.pane else to
            columns[name][column.id] = _meaning(column.key, to, ("grids", name, column.key), fields, words, mistakes)
        for key in known:
            if key not in {column.key for column in grid.columns}:
                mistakes.append(words.mistake(("grids", name, key), f"grid {name} 没有栏 {key}，请删去或改正"))
    for name in dialect.grids:
        if name not in grids:
            mistakes.append(words.mistake(("grids", name), f"表样里没有 grid {name}，请删去或改正"))
    if dialect.taxonomy not in lists.taxonomies:
        mistakes.append(words.mistake(("taxonomy",), f"没有分类 {dialect.taxonomy}，可用：{'、'.join(lists.taxonomies)}"))
    if dialect.money_unit not in lists.money_units:
        mistakes.append(words.mistake(("money_unit",), f"不认识货币单位 {dialect.money_unit}，可用：{'、'.join(lists.money_units)}"))
    if len(mistakes) > before:
        return None
    taxonomy = lists.taxonomies[dialect.taxonomy]
    known_words = {w for level1, level2s in taxonomy.items() for w in (level1, *level2s)}
    for local, word in dialect.words.items():
        if word not in known_words:
            mistakes.append(words.mistake(("words", local), f"{word} 不在分类 {dialect.taxonomy} 里，请改为其中的词"))
    content = json.dumps([template.model_dump(mode="json"), dialect.model_dump(mode="json")], ensure_ascii=False, sort_keys=True)
    form = Form(
        template=template,
        dialect=dialect,
        meanings={key: meaning for key, meaning in meanings.items() if meaning},
        columns={grid: {key: meaning for key, meaning in known.items() if meaning} for grid, known in columns.items()},
        taxonomy=taxonomy,
        looks=looks.model_copy(update={"styles": looks.styles | template.styles}),
        digest=hashlib.sha256(content.encode()).hexdigest()[:12],
        money_factor=lists.money_units[dialect.money_unit],
        aka=lists.aka,
        source=shape,
    )
    _check_levels(form, shape, mistakes)
    return form


def _keys(template: Template, shape: Marked, mistakes: list[Mistake]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    seen: set[str] = set()
    for path, box in template.boxes():
        for key in [box.key] if box.key else HOLE.findall(box.pattern or ""):
            if key in seen:
                mistakes.append(shape.mistake(path, f"key {key} 出现了两次，请改名；要重复显示请用 text: \"…{{{key}}}…\""))
            seen.add(key)
            yield key, path


def _meaning(key: str, to: To, path: tuple[str, ...], fields: Fields, words: Marked, mistakes: list[Mistake]) -> Meaning | None:
    definition = fields.fields.get(to.to)
    if definition is None:
        near = difflib.get_close_matches(to.to, fields.fields, 1)
        mistakes.append(words.mistake(path, f"fields.yaml 里没有 {to.to}{f'，是不是 {near[0]}？' if near else '，请先在那里写明'}"))
        return None
    required = definition.required if to.required is None else to.required
    return Meaning(
        key, to.to, definition.type, definition.label, required, to.horizon, to.line,
        definition.list, definition.pattern, definition.like, definition.prompt,
    )  # fmt: skip


def _check_grid(path: tuple[str | int, ...], grid: Grid, shape: Marked, mistakes: list[Mistake]) -> None:
    ids = [column.id for column in grid.columns]
    keys = {column.key for column in grid.columns}
    for i, one in enumerate(ids):
        if one in ids[:i]:
            mistakes.append(shape.mistake((*path, "columns", i), f"栏 {one} 出现了两次，请改名或用 pane 区分"))
    for i, block in enumerate(grid.blocks):
        for key, text in block.fixed.items():
            if key not in keys:
                near = difflib.get_close_matches(key, keys, 1)
                mistakes.append(shape.mistake((*path, "blocks", i, key), f"grid {grid.grid} 没有栏 {key}{f'，是不是 {near[0]}？' if near else ''}"))
            elif not isinstance(text, str):
                mistakes.append(shape.mistake((*path, "blocks", i, key), "应为文字"))


def _check_levels(form: Form, shape: Marked, mistakes: list[Mistake]) -> None:
    """Words printed in a level column must belong to the form's taxonomy, and a second level to its first."""
    for path, grid in form.template.grids():
        lists = {column.key: form.columns[grid.grid][column.id].list for column in grid.columns}
        for i, block in enumerate(grid.blocks):
            levels = {lists.get(key): text for key, text in block.fixed.items()}
            first, second = levels.get("level1"), levels.get("level2")
            if first and form.canonical(first, "level1") not in form.taxonomy:
                mistakes.append(shape.mistake((*path, "blocks", i), f"{first} 不是分类 {form.dialect.taxonomy} 的一级指标，可用：{'、'.join(form.taxonomy)}"))
            elif first and second and form.canonical(second, "level2") not in form.taxonomy[form.canonical(first, "level1")]:
                allowed = "、".join(form.choices("level2", first))
                mistakes.append(shape.mistake((*path, "blocks", i), f"{second} 不在一级指标 {first} 之下，可用：{allowed}"))
