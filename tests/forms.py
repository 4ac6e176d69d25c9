"""What the tests of forms share: small specs written into a folder, a form drawn as a sheet without a file, and accounting.

A `Canvas` is a sheet that tests may mutate the way people do. Every value typed on it is told apart by its text, so that
`account` can prove of any reading that nothing was silently wrong and nothing silently lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xlgoals.findings import Finding
from xlgoals.forms import Form, Forms
from xlgoals.layout import ORIGIN, Plan, Slot, column_key, plan, tick_line
from xlgoals.locate import locate
from xlgoals.models import HOLE, Grid
from xlgoals.parse import understand
from xlgoals.places import Located
from xlgoals.records import Area, Book, Given, Return, Sheet, Spot, Stamp, cell_name
from xlgoals.render import printed
from xlgoals.spec import load_forms
from xlgoals.stamp import read_stamp, stamp_text
from xlgoals.tablecells import is_table

FORMS = load_forms()
SHIPPED = tuple(FORMS.forms)
GOALS = tuple(form.id for form in FORMS.forms.values() if any(m.record == "indicator" for known in form.columns.values() for m in known.values()))
TABLES = tuple(form.id for form in FORMS.forms.values() if any(is_table(grid) for _, grid in form.template.grids()))


def unprinted(slot: Slot, laid: Plan) -> bool:
    """Whether a cell stands on spare lines only: those beyond what the spec says is printed of their block."""
    rows = [laid.rows[row] for row in range(slot.area.top, slot.area.bottom + 1)]
    spec = {grid.grid: grid for _, grid in laid.form.template.grids()}
    return all(row.kind == "line" and row.line >= spec[row.grid].blocks[row.block].lines.print for row in rows)


# --- small specs -------------------------------------------------------------------------------------------------------

SMALL = """\
form: small
title: 小表
stamped: [year, department, unit]
columns: [20, 20, 20, 20]
rows:
  - [{text: "{year}年小表", span: 4, style: title}]
  - [{label: 项目名称}, {key: project_name}, {label: 年度资金总额}, {key: total}]
  - grid: indicators
    columns:
      - {key: level1, label: 一级指标}
      - {key: level2, label: 二级指标}
      - {key: name, label: 三级指标}
      - {key: target, label: 指标值}
    blocks:
      - {level1: 产出指标, level2: 数量指标, lines: {print: 1, most: 2}}
      - {level1: 效益指标, lines: {print: 1, most: 2}}
"""

SMALL_MAPPING = """\
form: small
money_unit: 万元
taxonomy: mof-2021
fields:
  project_name: project_name
  total: funds.total
grids:
  indicators:
    level1: indicator.level1
    level2: indicator.level2
    name: indicator.name
    target: indicator.target
words: {}
"""


def write_form(folder: Path, template: str = SMALL, mapping: str = SMALL_MAPPING, name: str = "small") -> Path:
    """Write a form's two files into `folder`/templates and `folder`/mappings."""
    for part, text in (("templates", template), ("mappings", mapping)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        if text:
            (folder / part / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def small(folder: Path, template: str = SMALL, mapping: str = SMALL_MAPPING) -> Form:
    """Load one small form."""
    name = re.search(r"^form: *(\S+)", template, re.M)
    assert name
    return load_forms((str(write_form(folder, template, mapping, name[1])),))[name[1]]


def line_of(text: str, part: str, nth: int = 1) -> int:
    """The line on which `part` stands for the nth time."""
    return [i for i, line in enumerate(text.splitlines(), 1) if part in line][nth - 1]


# --- a form drawn without a file ---------------------------------------------------------------------------------------


@dataclass
class Canvas:
    """A sheet that can be mutated; rows and columns from zero, as `records.Sheet` has them."""

    name: str
    cells: dict[tuple[int, int], Any]
    merges: list[Area]
    names: dict[str, tuple[int, int] | None]
    typed: dict[str, str] = field(default_factory=dict)  # text -> what it is: field, funds line, or line and part of a grid
    state: str = "visible"
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    formats: dict[tuple[int, int], str] = field(default_factory=dict)
    printed: frozenset[str] = frozenset()

    def sheet(self) -> Sheet:
        spots = [*self.cells, *self.formulas, *self.errors]
        height, width = max((r for r, _ in self.cells), default=-1) + 1, max((c for _, c in self.cells), default=-1) + 1
        assert all(r >= 0 and c >= 0 for r, c in spots)
        rows = tuple(tuple(self.cells.get((r, c)) for c in range(width)) for r in range(height))
        names = {
            n: f"'{self.name}'!${cell_name(*at)[: len(cell_name(*at)) - len(str(at[0] + 1))]}${at[0] + 1}" if at else "#REF!"
            for n, at in self.names.items()
        }
        return Sheet(self.name, rows, tuple(self.merges), self.state, self.formulas, self.errors, self.formats, names)  # type: ignore[arg-type]

    def book(self, *others: Canvas, file: str = "表.xlsx") -> Book:
        return Book(file, "xlsx", tuple(one.sheet() for one in (self, *others)), "0" * 64)

    def copy(self, name: str = "") -> Canvas:
        return replace(
            self, name=name or self.name, cells=dict(self.cells), merges=list(self.merges), names=dict(self.names), typed=dict(self.typed),
            formulas=dict(self.formulas), errors=dict(self.errors), formats=dict(self.formats),
        )  # fmt: skip

    def find(self, text: object) -> tuple[int, int]:
        return next(spot for spot, value in sorted(self.cells.items()) if value == text)

    def find_all(self, text: object) -> list[tuple[int, int]]:
        return [spot for spot, value in sorted(self.cells.items()) if value == text]

    # --- what people do

    def _move(self, where: Callable[[int, int], tuple[int, int] | None]) -> None:
        """Move every cell, merge and name; `where` gives None for what is deleted."""
        for part in ("cells", "formulas", "errors", "formats"):
            setattr(self, part, {to: value for spot, value in getattr(self, part).items() if (to := where(*spot))})
        self.names = {name: where(*at) if at else None for name, at in self.names.items()}

    def insert_rows(self, row: int, count: int = 1) -> None:
        self._move(lambda r, c: (r + count if r >= row else r, c))
        self.merges = [
            a._replace(top=a.top + count * (a.top >= row), bottom=a.bottom + count * (a.bottom >= row)) for a in self.merges
        ]

    def insert_columns(self, col: int, count: int = 1) -> None:
        self._move(lambda r, c: (r, c + count if c >= col else c))
        self.merges = [a._replace(left=a.left + count * (a.left >= col), right=a.right + count * (a.right >= col)) for a in self.merges]

    def delete_row(self, row: int) -> None:
        gone = {str(v) for (r, _), v in self.cells.items() if r == row}
        kept = {a: str(self.cells.get((a.top, a.left), "")) for a in self.merges if a.top == row < a.bottom}
        self._move(lambda r, c: None if r == row else (r - (r > row), c))
        merges = []
        for a in self.merges:
            b = a._replace(top=a.top - (a.top > row), bottom=a.bottom - (a.bottom >= row))
            if b.bottom >= b.top and (b.top, b.left) != (b.bottom, b.right):
                merges.append(b)
        self.merges = merges
        del kept
        self.typed = {text: what for text, what in self.typed.items() if text not in gone}

    def delete_column(self, col: int) -> None:
        gone = {str(v) for (_, c), v in self.cells.items() if c == col}
        self._move(lambda r, c: None if c == col else (r, c - (c > col)))
        merges = []
        for a in self.merges:
            b = a._replace(left=a.left - (a.left > col), right=a.right - (a.right >= col))
            if b.right >= b.left and (b.top, b.left) != (b.bottom, b.right):
                merges.append(b)
        self.merges = merges
        self.typed = {text: what for text, what in self.typed.items() if text not in gone}

    def cut(self, spot: tuple[int, int], to: tuple[int, int]) -> None:
        """Cut one cell and paste it elsewhere: its defined name goes with it."""
        self.overwrite(to, self.cells.pop(spot, None))
        self.names = {name: to if at == spot else at for name, at in self.names.items()}

    def overwrite(self, spot: tuple[int, int], value: Any) -> None:
        old = self.cells.get(spot)
        if isinstance(old, str):
            self.typed.pop(old, None)
        if value is None:
            self.cells.pop(spot, None)
        else:
            self.cells[spot] = value

    def copy_row(self, row: int, to: int) -> None:
        """Copy a row (its key too) and insert the copy."""
        found = {c: v for (r, c), v in self.cells.items() if r == row}
        self.insert_rows(to)
        self.cells |= {(to, c): v for c, v in found.items()}

    def swap_rows(self, one: int, other: int) -> None:
        self._move(lambda r, c: ({one: other, other: one}.get(r, r), c))

    def unmerge(self) -> None:
        self.merges = []

    def respell(self, change: Callable[[str], str], which: Callable[[str], bool] = lambda text: True) -> None:
        for spot, value in self.cells.items():
            if isinstance(value, str) and value in self.printed and which(value):
                self.cells[spot] = change(value)

    def lose_names(self) -> None:
        self.names = {}

    def lose_keys(self, rows: bool = True, columns: bool = True, stamp: bool = True) -> None:
        def lost(value: object) -> bool:
            if not isinstance(value, str):
                return False
            if read_stamp(value):
                return stamp
            return columns if re.fullmatch(r"#c\d+", value) else rows and value.startswith("#")

        self.cells = {spot: value for spot, value in self.cells.items() if not lost(value)}


def draw(form: Form, name: str = "项目1", values: Callable[[str, str], Any] | None = None, seq: int = 1, stamp: Stamp | None = None, full: bool = False) -> Canvas:
    """A form's sheet as render writes it, with every input that is printed (or all lines, with `full`) holding a value of its own."""
    laid = plan(form)
    stamp = stamp or Stamp(1, "", "", year="2025", department="主管部门值", unit="实施单位值")
    stamp = replace(stamp, version=1, form=form.id, digest=form.digest, instance=stamp.instance or f"p{seq:02}")
    cells: dict[tuple[int, int], Any] = {(0, c): column_key(c) for c in range(laid.width)}
    cells |= {(r + ORIGIN[0], laid.width): key for r, key in enumerate(laid.row_keys)}
    cells[0, laid.width] = stamp_text(stamp)
    merges: list[Area] = []
    names: dict[str, tuple[int, int] | None] = {}
    typed: dict[str, str] = {}
    words: set[str] = set()
    for slot in laid.slots:
        area = slot.area.moved(*ORIGIN)
        spot = (area.top, area.left)
        if spot != (area.bottom, area.right):
            merges.append(area)
        if slot.kind in ("text", "label", "heading", "fixed"):
            text = printed(slot.text, seq, stamp) if slot.kind == "text" else slot.text
            if text:
                cells[spot] = HOLE.sub("", text)
                words.add(HOLE.sub("", text))
        if slot.kind in ("input", "pattern") and not slot.grid:
            names[f"fld_{slot.key}"] = spot
    canvas = Canvas(name, cells, merges, names, typed, printed=frozenset(words))
    for spot, text, what in typing(laid, full, seq) if values is None else ():
        canvas.cells[spot] = text
        canvas.typed[text] = what
    if values is not None:
        for slot in laid.slots:
            if slot.kind == "input":
                value = values(slot.key, f"{slot.grid}.{slot.block + 1}.{slot.line + 1}" if slot.grid else "")
                if value is not None:
                    canvas.cells[slot.area.top + ORIGIN[0], slot.area.left] = value
    return canvas


def typing(laid: Plan, full: bool = False, seq: int = 1) -> Iterator[tuple[tuple[int, int], str, str]]:
    """(place, text, what it is) of a full form: each text stands for one value only, level words excepted."""
    form = laid.form
    for n, slot in enumerate(laid.slots):
        spot = (slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1])
        if slot.kind == "pattern" and slot.by == "unit":
            numbers = iter(range(2021, 2099))
            yield spot, HOLE.sub(lambda hole: hole_text(form, hole[1], numbers), slot.text), "pattern"  # noqa: B023
        if slot.kind == "input" and slot.tick:
            yield spot, tick_line(slot.tick, slot.tick[0]), slot.meanings[slot.key].to
            continue
        if slot.kind != "input" or slot.by != "unit":
            continue
        meaning = slot.meanings[slot.key]
        if slot.grid and laid.rows[slot.area.top].hidden and not full:
            continue
        if meaning.list:
            continue  # level words repeat; typed below
        text = f"{seq * 1000 + n}.25" if meaning.type == "money" else "2025" if meaning.to == "year" else f"{meaning.label}值{seq}第{n}号"
        if meaning.to in ("department", "unit"):
            text = f"{meaning.label}值"
        if slot.grid:
            yield spot, text, f"{slot.grid}@{slot.area.top}@{slot.column.pane if slot.column else ''}.{meaning.part}"
        elif meaning.record == "funds":
            yield spot, text, f"funds.{meaning.horizon}.{meaning.part}"
        elif meaning.record == "goals":
            yield spot, text, f"goals.{meaning.horizon}"
        elif meaning.record:
            yield spot, text, f"{meaning.record}.{meaning.line or meaning.key}"
        else:
            yield spot, text, meaning.to


def hole_text(form: Form, key: str, numbers: Iterator[int]) -> str:
    """What is typed into one hole of a pattern."""
    return str(next(numbers)) if form.meanings[key].type in ("year", "code", "date") else f"{form.meanings[key].label}值"


def type_levels(canvas: Canvas, form: Form) -> Canvas:
    """Choose a first and second level in every line whose level columns are inputs."""
    laid = plan(form)
    for slot in laid.slots:
        if slot.kind != "input" or not slot.grid or not slot.meanings[slot.key].list or laid.rows[slot.area.top].hidden:
            continue
        block = grid_of(laid, slot.grid).blocks[slot.block]
        first = next((block.fixed[c.key] for c in grid_of(laid, slot.grid).columns if form.columns[slot.grid][c.id].list == "level1" and c.key in block.fixed), None)
        first = first or form.choices("level1")[0]
        words = form.choices("level1") if slot.meanings[slot.key].list == "level1" else form.choices("level2", first)
        canvas.cells[slot.area.top + ORIGIN[0], slot.area.left] = words[0]
    return canvas


def grid_of(laid: Plan, name: str) -> Grid:
    return next(grid for _, grid in laid.form.template.grids() if grid.grid == name)


# --- accounting --------------------------------------------------------------------------------------------------------

WHOLE = ("form.unknown", "form.ambiguous", "form.copy", "form.same_copy", "form.none", "form.blank", "form.all_blank")  # they name a whole sheet
_ADDRESS = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,3}[1-9]\d*(?![A-Za-z0-9])")


@dataclass(frozen=True)
class Reading:
    """A book as understood, with everything `account` proved about it."""

    returns: list[Return]
    findings: list[Finding]

    @property
    def codes(self) -> list[str]:
        return sorted(finding.code for finding in self.findings)

    def told(self, code: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.code == code]

    @property
    def only(self) -> Return:
        (one,) = self.returns
        return one


def account(book: Book, forms: Forms, *canvases: Canvas, given: Given = Given()) -> Reading:  # noqa: B008
    """Understand a book and prove: every spot's text stands at its address; no text stands for another field than it was typed
    for; lines are not mixed; every non-empty cell is printed, keyed, taken or named in a finding."""
    returns, findings = understand(book, forms, given)
    reading = Reading(returns, findings)
    sheets = {sheet.name: sheet for sheet in book.sheets}
    taken: dict[str, set[str]] = {name: set() for name in sheets}
    for one in returns:
        sheet = sheets[one.sheet]
        for key, spot in one.spots.items():
            row, col = address(spot.at.cell)
            value = sheet.value(row, col)
            if isinstance(value, str):
                assert spot.text == value, f"{key}: {spot.text!r} is not what stands at {spot.at.cell}: {value!r}"
            elif value is None:
                assert spot.text == "", f"{key}: {spot.text!r} at the blank cell {spot.at.cell}"
            assert spot.at.cell not in taken[one.sheet] or value is None or _shared(one, spot), f"{key}: {spot.at.cell} was taken twice"
            taken[one.sheet].add(spot.at.cell)
    named = {name: set[str]() for name in sheets}
    whole: set[str] = set()
    for finding in findings:
        for at in (finding.at, *finding.others):
            if at.sheet in named:
                named[at.sheet] |= {at.cell, *_ADDRESS.findall(finding.found), *_ADDRESS.findall(finding.message)}
                if finding.code in WHOLE:
                    whole |= {at.sheet, *(s for s in sheets if s in re.split(r"[、等 ]", finding.found))}
        if finding.code == "form.none":
            whole |= set(sheets)
    ours = {forms.guide.sheet, forms.selfcheck.sheet, forms.guide.lists_sheet, forms.guide.meta_sheet}
    for sheet in book.sheets:
        if sheet.name in whole or sheet.name in ours:
            continue
        one_of = [one for one in returns if one.sheet == sheet.name]
        form = forms[one_of[0].form] if one_of else None
        lost = [
            f"{cell_name(r, c)}={value!r}"
            for (r, c), value in _filled(sheet)
            if cell_name(r, c) not in taken[sheet.name] | named[sheet.name] and not _ours(value, form, one_of)
        ]
        assert not lost, f"{sheet.name}: silently lost: {lost}; findings: {[(f.code, f.at.cell, f.found) for f in findings]}"
    for canvas in canvases:
        for one in returns:
            if one.sheet == canvas.name:
                _no_mix(one, canvas)
    return reading


def _filled(sheet: Sheet) -> Iterator[tuple[tuple[int, int], object]]:
    for r, row in enumerate(sheet.rows):
        for c, value in enumerate(row):
            if value is not None:
                yield (r, c), value
    for spot in {*sheet.formulas, *sheet.errors}:
        if sheet.value(*spot) is None:
            yield spot, sheet.errors.get(spot) or sheet.formulas.get(spot)


def _shared(one: Return, spot: Spot) -> bool:
    """A level word may stand for several lines, and words with fields in one cell for several fields; nothing else is taken twice."""
    keys = [key for key, s in one.spots.items() if s.at.cell == spot.at.cell]
    return all(key.endswith((".level1", ".level2")) for key in keys) or any("{" in slot.text and set(keys) <= {m.to for m in slot.meanings.values()} for slot in plan(FORMS[one.form]).slots if slot.kind == "pattern")


def _ours(value: object, form: Form | None, returns: Iterable[Return]) -> bool:
    """A printed word, a key or a stamp."""
    if not isinstance(value, str):
        return False
    if value.startswith("#") or read_stamp(value):
        return True
    if form is None:
        return False
    words = set()
    for slot in plan(form).slots:
        if slot.kind in ("label", "heading", "fixed"):
            words |= {_loose(slot.text), *map(_loose, slot.aka)}
        elif slot.kind in ("text", "pattern"):
            pattern = ".*".join(re.escape(_loose(part)) for part in re.split(r"\{\w+\}", slot.text))
            if re.fullmatch(pattern, _loose(value)) and _loose(value):
                return True
    return _loose(value) in words


def _loose(text: str) -> str:
    import unicodedata

    text = re.sub(r"[\s:*]+", "", unicodedata.normalize("NFKC", text)).lower()
    return re.sub(r"\(.*?\)", "", text) or text


def _no_mix(one: Return, canvas: Canvas) -> None:
    """Nothing is silently wrong: each text typed for one thing is read as that thing, and lines stay whole."""
    lines: dict[str, set[str]] = {}
    for key, spot in one.spots.items():
        what = canvas.typed.get(spot.text)
        if what is None or what == "pattern":
            continue
        if "@" not in what:
            assert re.sub(r"\.\d+$", "", key) == what or key == what, f"{spot.text!r} was typed for {what} and read as {key}"
            continue
        part, record = what.rpartition(".")[2], key.rpartition(".")
        if key.startswith("goals."):
            assert what.split("@")[0] == "goals" or part == "text", f"{spot.text!r} was typed for {what} and read as {key}"
            continue
        assert record[2] == part, f"{spot.text!r} was typed for {what} and read as {key}"
        lines.setdefault(record[0], set()).add(what.rpartition(".")[0])
    for record, own in lines.items():
        assert len(own) == 1, f"{record} mixes the lines {own}"


def address(cell: str) -> tuple[int, int]:
    match = re.fullmatch(r"([A-Z]+)(\d+)", cell)
    assert match, cell
    col = 0
    for letter in match[1]:
        col = col * 26 + ord(letter) - 64
    return int(match[2]) - 1, col - 1


def located(book: Book, forms: Forms = FORMS) -> Located:
    (one,), _ = locate(book, forms)
    return one


def said(one: Return) -> Mapping[str, str]:
    """What a return says, by spot: blanks left out."""
    return {key: spot.text for key, spot in one.spots.items() if spot.text}
