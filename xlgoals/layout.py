"""Pure geometry: a `Form` laid out as slots on a sheet. Rendering writes at slots, locating starts from them.

Rows and columns count from zero inside the form; where the form stands on a sheet is `ORIGIN` on a generated sheet (row 0
holds the column keys, hidden; the row keys stand in the column right of the form, hidden) and is found anew when reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from xlgoals.errors import Mistake, SpecError
from xlgoals.forms import Form
from xlgoals.gridplan import lay_grid
from xlgoals.models import HOLE, Box, Grid, Style
from xlgoals.records import Area
from xlgoals.slots import PlanRow, Slot

__all__ = ["PlanRow", "Slot"]

ORIGIN = (1, 0)
PAPERS = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}  # millimetres, ISO 216
POINTS = 72 / 25.4  # points in a millimetre
NARROW = 0.55  # em that a letter takes which is not East Asian
PADDING = 4  # points of a row above and below its text
TALLEST = 409.0  # Excel's limit of a row's height in points
TOKEN = re.compile(r"[A-Za-z0-9.,%+\-/]+|.")  # what no line break parts
NO_START = "，。、；：！？）》”’％%"  # never at the start of a line (kinsoku)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A form laid out; one for each form, compared by identity. `inputs` finds a field's slot by its key; `labels` the label slot that stands beside or above it."""

    form: Form
    slots: tuple[Slot, ...]
    rows: tuple[PlanRow, ...]
    width: int
    inputs: Mapping[str, Slot]
    labels: Mapping[str, Slot]
    breaks: tuple[int, ...]  # a page begins before these rows
    repeat: tuple[int, int] | None  # header rows to repeat on every page

    @property
    def row_keys(self) -> tuple[str, ...]:
        return tuple(row.key for row in self.rows)

    def lines(self, grid: str) -> Iterator[int]:
        """The rows of a grid's lines."""
        return (i for i, row in enumerate(self.rows) if row.kind == "line" and row.grid == grid)


@lru_cache(maxsize=512)
def in_percent(laid: Plan, key: str) -> bool:
    """Whether a label beside or above an input says that it is filled with percents; of columns of lines nothing says so."""
    if key not in laid.inputs:
        return False
    of = laid.inputs[key].area
    return any(
        slot.kind == "label" and re.search("[%％]", slot.text) is not None
        and ((slot.area.holds(of.top, slot.area.left) and slot.area.right < of.left) or (slot.area.holds(slot.area.top, of.left) and slot.area.bottom == of.top - 1))
        for slot in laid.slots
    )  # fmt: skip


def is_key(text: str) -> bool:
    """Whether a text is a key of a row or column, which a person may have copied into a cell."""
    return text.startswith("#") and re.fullmatch(r"#(c\d+|r\d+|\w+\.(head\d*|note|\d+\.\d+))", text) is not None


def column_key(col: int) -> str:
    """What the hidden key row holds above a column."""
    return f"#c{col}"


TICKED, UNTICKED = "☑", "□"


def tick_line(options: Sequence[str], ticked: str = "") -> str:
    """Choices printed in one line, one of them (or none) ticked."""
    return "    ".join(f"{option}{TICKED if option == ticked else UNTICKED}" for option in options)


def style_of(form: Form, slot: Slot) -> Style:
    return form.looks.styles[slot.style]


def column_points(width: float) -> float:
    """Printed width of a column of so many characters (Normal style Calibri 11: 7 pixels a digit, 5 of padding)."""
    return int(7 * width + 5) * 0.75


def page_size(form: Form) -> tuple[float, float]:
    """Printable width and height in points."""
    page = form.template.page
    width, height = PAPERS[page.paper]
    if page.orientation == "landscape":
        width, height = height, width
    m = page.margins
    return (width - m.left - m.right) * POINTS, (height - m.top - m.bottom) * POINTS


@lru_cache(maxsize=16_384)
def _em(token: str) -> float:
    return sum(1.0 if unicodedata.east_asian_width(ch) in "WFA" else NARROW for ch in token)


def text_lines(text: str, em: float) -> int:
    """How many lines a text takes in a width of so many em: East Asian characters take one, others 0.55; words stay whole."""
    count = 0
    for paragraph in text.split("\n"):
        count += 1
        used = 0.0
        for token in TOKEN.findall(paragraph):
            if token.isspace():
                used += NARROW  # blanks hang over the end of a line, they begin none
                continue
            width = _em(token)
            if used + width > em and used and token not in NO_START:
                count += 1
                used = 0.0
            while width > em > 0:
                count += 1
                width -= em
            used += width
    return count


def text_height(form: Form, style: Style, text: str, points: float, least: int = 1) -> float:
    """Points of height a text needs in a width, at least so many lines."""
    looks = form.looks
    lines = max(least, text_lines(text, (points - looks.cell_padding) / style.size) if text else 0)
    return lines * style.size * looks.line_factor + PADDING


@lru_cache(maxsize=256)
def plan(form: Form) -> Plan:
    """Lay a form out; raises SpecError with every mistake in its geometry."""
    return _Layout(form).plan()


class _Layout:
    """Places rows from top to bottom as a browser lays out a table."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.width = len(form.template.columns)
        self.slots: list[Slot] = []
        self.rows: list[PlanRow] = []
        self.origin: dict[int, tuple[str | int, ...]] = {}  # fixed row -> its path in the spec
        self.taken: dict[tuple[int, int], int] = {}  # cell -> index of its slot
        self.mistakes: list[Mistake] = []
        self.repeat: tuple[int, int] | None = None

    def plan(self) -> Plan:
        rows = self.form.template.rows
        for i, row in enumerate(rows):
            if isinstance(row, Grid):
                self._grid(("rows", i), row)
            else:
                self._cells(("rows", i), row)
        self._beyond()
        self._holes()
        labels = self._labels()
        total = sum(column_points(w) for w in self.form.template.columns)
        if total > page_size(self.form)[0] + 0.5:
            self._mistake(("columns",), f"各栏宽度之和为 {total:.0f} 磅，超出纸面可打印宽度 {page_size(self.form)[0]:.0f} 磅，请改窄")
        if self.mistakes:
            raise SpecError(self.mistakes)
        self._heights()
        inputs = {key: slot for slot in self.slots if not slot.grid for key in slot.meanings}
        slots = tuple(self.slots)
        return Plan(self.form, slots, tuple(self.rows), self.width, inputs, labels, tuple(self._breaks()), self.repeat)

    def _mistake(self, path: tuple[str | int, ...], text: str) -> None:
        self.mistakes.append(self.form.source.mistake(path, text))

    def _place(self, path: tuple[str | int, ...], slot: Slot) -> None:
        area = slot.area
        for row in range(area.top, area.bottom + 1):
            for col in range(area.left, area.right + 1):
                if col >= self.width or (row, col) in self.taken:
                    self._mistake(
                        path,
                        f"这一格放不下：第 {area.left + 1} 栏起占 {area.right - area.left + 1} 栏，与别的格子重叠或超出 {self.width} 栏",
                    )
                    return
        for row in range(area.top, area.bottom + 1):
            for col in range(area.left, area.right + 1):
                self.taken[row, col] = len(self.slots)
        self.slots.append(slot)

    # --- rows of cells

    def _cells(self, path: tuple[str | int, ...], boxes: Sequence[Box]) -> None:
        top, col = len(self.rows), 0
        self.rows.append(PlanRow(f"#r{top}", "fixed", None))
        self.origin[top] = path
        for j, box in enumerate(boxes):
            while (top, col) in self.taken:
                col += 1
            area = Area(top, col, top + box.down - 1, col + box.span - 1)
            self._place((*path, j), self._slot(box, area))
            col += box.span

    def _slot(self, box: Box, area: Area) -> Slot:
        common = {"area": area, "lines": box.lines, "by": box.by, "aka": box.aka}
        if box.key is not None:
            meaning = self.form.meanings[box.key]
            style = box.style or self.form.looks.types[meaning.look].style
            text = tick_line(box.tick) if box.tick else ""
            return Slot("input", text=text, key=box.key, style=style, meanings={box.key: meaning}, tick=box.tick, **common)  # type: ignore[arg-type]
        if box.pattern is not None:
            holes = {key: self.form.meanings[key] for key in HOLE.findall(box.pattern) if key in self.form.meanings}
            return Slot("pattern", text=box.pattern, key=next(iter(holes), ""), style=box.style or "line", meanings=holes, blank=box.blank, **common)  # type: ignore[arg-type]
        if box.label is not None:
            return Slot("label", text=box.label, style=box.style or "label", **common)  # type: ignore[arg-type]
        return Slot("text", text=box.text or "", style=box.style or "label", **common)  # type: ignore[arg-type]

    def _grid(self, path: tuple[str | int, ...], grid: Grid) -> None:
        top = len(self.rows)
        laid = lay_grid(self.form, grid, top, self.width)
        for at, text in laid.mistakes:
            self._mistake((*path, *at), text)
        if not laid.mistakes:
            self.rows += laid.rows
            for slot in laid.slots:
                self._place(path, slot)
            if laid.heads:
                self.repeat = (top, top + laid.heads - 1)

    # --- lint

    def _beyond(self) -> None:
        for slot in self.slots:
            if slot.area.bottom >= len(self.rows):
                path = self.origin.get(slot.area.top, ("rows",))
                self._mistake(path, f"这一格占 {slot.area.bottom - slot.area.top + 1} 行，超出最后一行，请改小 down")

    def _holes(self) -> None:
        for row, path in self.origin.items():
            missing = [col for col in range(self.width) if (row, col) not in self.taken]
            if missing:
                self._mistake(path, f"这一行少了第 {missing[0] + 1} 栏起的 {len(missing)} 栏，请补格子或加大 span")

    def _labels(self) -> dict[str, Slot]:
        """Every field has one label: left of it in its row, above it, or a taller one left of it, in this order."""
        found: dict[str, Slot] = {}
        for i, slot in enumerate(self.slots):
            if slot.kind == "pattern":
                self.slots[i] = replace(slot, label="、".join(m.label for m in slot.meanings.values()))
        for i, slot in enumerate(self.slots):
            if slot.kind != "input" or slot.grid:
                continue
            left, above = self._at(slot.area.top, slot.area.left - 1), self._at(slot.area.top - 1, slot.area.left)
            beside = left if left and left.kind == "label" else None
            over = (
                above
                if above and above.kind in ("label", "pattern") and (above.area.left, above.area.right) == (slot.area.left, slot.area.right)
                else None
            )
            if over and (served := self._at(over.area.top, over.area.right + 1)) and served.kind == "input":
                over = None  # that label already names the input right of it
            if beside and (beside.area.top, beside.area.bottom) != (slot.area.top, slot.area.bottom) and over:
                beside = None
            label = beside or over
            if label is None:
                self._mistake(self.origin[slot.area.top], f"key {slot.key} 的左边和上边都没有标签，请加一个 label（可以为空）")
                continue
            found[slot.key] = label
            words = re.sub(r"[（(].*?[)）]|[：:\s]", "", HOLE.sub("", label.text)).removeprefix("其中")
            self.slots[i] = replace(slot, label=words or slot.meanings[slot.key].label)
        return found

    def _at(self, row: int, col: int) -> Slot | None:
        index = self.taken.get((row, col))
        return None if index is None else self.slots[index]

    # --- heights and pages

    def _points(self, slot: Slot) -> float:
        return sum(column_points(w) for w in self.form.template.columns[slot.area.left : slot.area.right + 1])

    def _heights(self) -> None:
        """Rows of fixed words get their height here; a grid's lines are left to Excel, which fits them to what is typed,
        unless an input of theirs is merged over columns (merged cells never fit themselves)."""
        looks = self.form.looks
        need = [looks.body_height] * len(self.rows)
        merged = [False] * len(self.rows)
        for slot in self.slots:
            style = style_of(self.form, slot)
            height = text_height(self.form, style, "" if slot.kind in ("input", "pattern") else slot.text, self._points(slot), slot.lines)
            if slot.area.top == slot.area.bottom:
                need[slot.area.top] = max(need[slot.area.top], height, style.height or 0)
            grows = slot.kind == "input" and slot.column is not None and slot.meanings[slot.key].type not in ("choice", "money", "date")
            if grows and slot.area.left != slot.area.right:
                merged[slot.area.top] = True
        for slot in self.slots:
            spare = text_height(self.form, style_of(self.form, slot), slot.text, self._points(slot)) if slot.kind == "label" else 0
            if slot.area.top != slot.area.bottom and not slot.grid:
                spare -= sum(need[slot.area.top : slot.area.bottom + 1])
                need[slot.area.bottom] += max(0.0, spare)
        for i, row in enumerate(self.rows):
            fits = row.kind == "line" and not merged[i]
            fixed = None if fits else round(min(need[i], TALLEST) * 4 / 3) * 0.75
            self.rows[i] = replace(row, height=fixed, least=fixed or looks.line_size * looks.line_factor)
        for slot in self.slots:
            shown = [r for r in range(slot.area.top, slot.area.bottom + 1) if not self.rows[r].hidden]
            fitted = [r for r in shown if self.rows[r].height is None]
            if slot.kind == "fixed" and fitted:  # merged words never fit themselves: the lines beside them make room
                short = text_height(self.form, style_of(self.form, slot), slot.text, self._points(slot)) - sum(self.rows[r].least for r in shown)
                for r in fitted:
                    self.rows[r] = replace(self.rows[r], least=self.rows[r].least + max(0.0, short) / len(fitted))

    def _breaks(self) -> Iterator[int]:
        """Where the blank form does not fit a page: break before the group of blocks (a merged first column) that crosses it."""
        room = page_size(self.form)[1]
        groups = sorted(
            {slot.area.top for slot in self.slots if slot.kind == "fixed" and slot.column and slot.area.left == self._grid_left(slot)}
        )
        used, begun = 0.0, 0
        header = sum(self._row_height(r) for r in range(self.repeat[0], self.repeat[1] + 1)) if self.repeat else 0.0
        for row in range(len(self.rows)):
            height = self._row_height(row)
            if used + height > room:
                fits = [top for top in groups if begun < top <= row]
                if not fits:
                    used, begun = header + height, row
                    continue
                begun = fits[-1]
                yield begun
                used = header + sum(self._row_height(r) for r in range(begun, row + 1))
            else:
                used += height

    def _grid_left(self, slot: Slot) -> int:
        return min(s.area.left for s in self.slots if s.grid == slot.grid and s.column)

    def _row_height(self, row: int) -> float:
        if self.rows[row].hidden:
            return 0.0
        return self.rows[row].least
