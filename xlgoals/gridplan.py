"""Lay one grid of a form out: its heading rows, its lines block by block, the words printed in them, the note below it."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlgoals.forms import Form, Meaning
from xlgoals.models import Column, Grid
from xlgoals.records import Area
from xlgoals.slots import PlanRow, Slot
from xlgoals.sums import Formula, Sum, Tree, closed, formula_of, listed

NUMBERS = ("money",)  # types whose figures are added up
BY_FORM = "form"  # who fills in a cell that holds a formula which staff must not write over


@dataclass
class GridPlan:
    """What a grid adds to a form from some row on, or why it cannot (paths are relative to the grid)."""

    slots: list[Slot] = field(default_factory=list)
    rows: list[PlanRow] = field(default_factory=list)
    heads: int = 0
    mistakes: list[tuple[tuple[str | int, ...], str]] = field(default_factory=list)


def lay_grid(form: Form, grid: Grid, top: int, width: int) -> GridPlan:
    """A grid from row `top` on, over all `width` columns of its form."""
    return _Grid(form, grid, top, width).plan()


class _Grid:
    def __init__(self, form: Form, grid: Grid, top: int, width: int) -> None:
        self.form, self.grid, self.top, self.width = form, grid, top, width
        self.meanings = form.columns[grid.grid]
        self.out = GridPlan()
        self.left = grid.beside.span if grid.beside else 0
        self.lefts: list[int] = []
        at = self.left
        for column in grid.columns:
            self.lefts.append(at)
            at += column.span
        self.across = at

    def plan(self) -> GridPlan:
        grid = self.grid
        if self.across != self.width:
            self.out.mistakes.append(((), f"grid {grid.grid} 各栏 span 之和应为 {self.width - self.left}，请改 columns"))
            return self.out
        if grid.head:
            self._head()
        elif grid.headed:
            for column, at in zip(grid.columns, self.lefts, strict=True):
                self._heading(column, Area(self.top, at, self.top, at + column.span - 1), column.label or "", column.aka)
            self.out.rows.append(PlanRow(f"#{grid.grid}.head", "head", None, grid=grid.grid))
        self.out.heads = len(self.out.rows)
        self._lines()
        if grid.beside:
            area = Area(self.top, 0, self.top + len(self.out.rows) - 1, grid.beside.span - 1)
            self.out.slots.append(Slot("label", area, grid.beside.label, style="label", grid=grid.grid, aka=grid.beside.aka))
        if grid.empty:
            row = self.top + len(self.out.rows)
            self.out.rows.append(PlanRow(f"#{grid.grid}.note", "fixed", None, grid=grid.grid))
            self.out.slots.append(Slot("text", Area(row, 0, row, self.width - 1), grid.empty, style="line", by=BY_FORM, grid=grid.grid))
        return self.out

    # --- headings

    def _heading(self, column: Column, area: Area, text: str, aka: tuple[str, ...]) -> None:
        self.out.slots.append(Slot("heading", area, text, column.id, style="heading", grid=self.grid.grid, column=column, aka=aka))

    def _head(self) -> None:
        """Heading rows as they are written. A column's heading is the lowest label that stands over it alone."""
        columns = {(at, at + column.span - 1): column for column, at in zip(self.grid.columns, self.lefts, strict=True)}
        taken: set[tuple[int, int]] = set()
        headed: dict[str, Slot] = {}
        for r, boxes in enumerate(self.grid.head):
            row, at = self.top + r, self.left
            for i, box in enumerate(boxes):
                while (row, at) in taken:
                    at += 1
                area = Area(row, at, row + box.down - 1, at + box.span - 1)
                cells = {(y, x) for y in range(area.top, area.bottom + 1) for x in range(area.left, area.right + 1)}
                if area.right >= self.width or area.bottom >= self.top + len(self.grid.head) or cells & taken:
                    self.out.mistakes.append((("head", r, i), "表头的这一格放不下：与别的格子重叠，或超出表头的栏数、行数"))
                    return
                taken |= cells
                over = columns.get((area.left, area.right)) if box.label is not None else None
                words = (box.text if box.label is None else box.label) or ""
                slot = Slot("text", area, words, style="heading", grid=self.grid.grid, aka=box.aka)
                if over:
                    slot = Slot("heading", area, words, over.id, style="heading", grid=self.grid.grid, column=over, aka=box.aka)
                    if over.id in headed:
                        self.out.slots.remove(headed[over.id])
                        self.out.slots.append(_as_text(headed[over.id]))
                    headed[over.id] = slot
                self.out.slots.append(slot)
                at += box.span
            if missing := [x for x in range(self.left, self.width) if (row, x) not in taken]:
                self.out.mistakes.append((("head", r), f"表头的这一行少了第 {missing[0] + 1} 栏起的 {len(missing)} 栏，请补格子或加大 span"))
            key = f"#{self.grid.grid}.head{r + 1 if r else ''}"
            self.out.rows.append(PlanRow(key, "head", None, grid=self.grid.grid))
        for i, column in enumerate(self.grid.columns):
            if column.id not in headed and not column.count:
                self.out.mistakes.append((("columns", i), f"head 里没有正好在栏 {column.key} 上方的 label，请补上"))

    # --- lines

    def _lines(self) -> None:
        grid, first = self.grid, self.top + len(self.out.rows)
        lines = [(b, n, block) for b, block in enumerate(grid.blocks) for n in range(block.lines.most)]
        for b, n, block in lines:
            self.out.rows.append(PlanRow(f"#{grid.grid}.{b + 1}.{n + 1}", "line", None, n >= block.lines.print, grid.grid, b, n))
        groups: list[object] = [None] * len(lines)  # what the columns so far print beside each line: merges never cross it
        headings = {slot.key: slot.text for slot in self.out.slots if slot.kind == "heading"}
        for column, at in zip(grid.columns, self.lefts, strict=True):
            label = headings.get(column.id) or self.meanings[column.id].label
            i = 0
            while i < len(lines):
                b, n, block = lines[i]
                text = str(i + 1) if column.count else block.fixed.get(column.key)
                last = i
                if text is not None and not column.count and not listed(block):
                    while last + 1 < len(lines) and groups[last + 1] == groups[i] and lines[last + 1][2].fixed.get(column.key) == text:
                        last += 1
                    for k in range(i, last + 1):
                        groups[k] = (groups[k], text)
                area = Area(first + i, at, first + last, at + column.span - 1)
                self.out.slots.append(self._cell(column, label, area, b, n, text))
                i = last + 1

    def _cell(self, column: Column, label: str, area: Area, block: int, line: int, text: str | None) -> Slot:
        """One cell of the lines: printed, closed, filled in by the form, or typed."""
        grid, meaning = self.grid, self.meanings[column.id]
        if text is None and closed(grid, block, column):
            return Slot("text", area, style="fixed", grid=grid.grid, block=block, line=line, column=column)
        style = column.style or ("fixed" if text is not None else self.form.looks.types[meaning.look].style)
        formula = self._formula(column, meaning, block) if text is None else None
        locked = isinstance(formula, Sum) or (isinstance(formula, Tree) and formula.top)
        return Slot(
            "fixed" if text is not None else "input", area, text or "", column.id, label, style, column.lines, BY_FORM if locked else "unit",
            grid.grid, block, line, column, {column.id: meaning}, formula=formula,
        )  # fmt: skip

    def _formula(self, column: Column, meaning: Meaning, block: int) -> Formula | None:
        lists = {c.key: self.meanings[c.id].list or "" for c in self.grid.columns}
        known = self.form.codes.get(lists.get(self.grid.tree, ""))
        return formula_of(self.grid, block, column, meaning.type in NUMBERS, lists, known.levels[0] if known else 0)


def _as_text(slot: Slot) -> Slot:
    return Slot("text", slot.area, slot.text, style=slot.style, grid=slot.grid, aka=slot.aka)
