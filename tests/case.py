"""One workbook to damage, where its form was drawn, and the register of the kinds of damage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.forms import GOALS
from tests.oracle import Place, Truth, What, places
from xlgoals.layout import ORIGIN, Plan, Slot, plan
from xlgoals.records import Area
from xlgoals.spec import Form

SHIPPED = GOALS
TABLES = ("qinglong-balance-2024", "qinglong-income-2024")  # two sides with named lines, and lines with codes: the others are like one of them


# --- a case ------------------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """One workbook to damage: either `book`, an openpyxl workbook, or `steps` for the office. `truths` follows the damage."""

    form: Form
    book: Workbook
    truths: dict[str, Truth]
    steps: list[list[Any]] = field(default_factory=list)
    suffix: str = ".xlsx"

    @property
    def plan(self) -> Plan:
        return plan(self.form)

    @property
    def pages(self) -> list[Worksheet]:
        return [self.book[title] for title in self.truths]

    def do(self, verb: str, *words: Any) -> None:
        self.steps.append([verb, *words])

    # --- where things were drawn (rows and columns from zero)

    def area(self, slot: Slot) -> Area:
        return slot.area.moved(*ORIGIN)

    def input(self, key: str) -> Place:
        return places(self.form)[key]

    def label(self, key: str) -> Place:
        area = self.area(self.plan.labels[key])
        return area.top, area.left

    @property
    def bottom(self) -> int:
        return len(self.plan.rows) - 1 + ORIGIN[0]

    @property
    def key_column(self) -> int:
        return self.plan.width + ORIGIN[1]

    def lines(self, block: int | None = None, grid: str = "indicators") -> list[int]:
        """The rows of a grid's lines, or of one block's."""
        return [i + ORIGIN[0] for i in self.plan.lines(grid) if block is None or self.plan.rows[i].block == block]

    @property
    def block(self) -> int:
        """A block with several printed lines, where there is one: the one that most is done to."""
        (_, grid) = next(one for one in self.form.template.grids() if one[1].grid == "indicators")
        return max(range(len(grid.blocks)), key=lambda b: (grid.blocks[b].lines.print, -b))

    def grid_slots(self, row: int, grid: str = "indicators") -> list[Slot]:
        """The inputs of one line."""
        return [s for s in self.plan.slots if s.grid == grid and s.kind == "input" and s.area.top + ORIGIN[0] == row]

    def column(self, part: str) -> int:
        """Where the (last) column of such a part stands: name, target, level2 …"""
        return max(s.area.left for s in self.plan.slots if s.grid == "indicators" and s.column and s.column.key == part) + ORIGIN[1]

    def filled(self, page: Worksheet, rows: Iterable[int]) -> list[int]:
        return [row for row in rows if page.cell(row + 1, self.column("name") + 1).value is not None]

    def blank(self, page: Worksheet, rows: Iterable[int]) -> int:
        """The first line in which nothing is typed."""
        return next(r for r in rows if all(page.cell(r + 1, s.area.left + 1).value is None for s in self.grid_slots(r)))

    def words(self) -> Iterator[tuple[Worksheet, Place, Slot]]:
        """Every printed label and heading of every sheet."""
        for page in self.pages:
            for slot in self.plan.slots:
                if slot.kind in ("label", "heading", "fixed") and slot.text:
                    area = self.area(slot)
                    yield page, (area.top, area.left), slot

    def new_line(self, title: str, n: int, levels: tuple[str, str]) -> dict[int, str]:
        """The texts of a line typed anew (column -> text), and their truth."""
        texts: dict[int, str] = {}
        truth = self.truths[title]
        for slot in self.grid_slots(self.lines()[0]):
            assert slot.column
            meaning = slot.meanings[slot.key]
            if meaning.list or slot.column.pane == "mid_term":
                continue
            text = f"≥{7000 + n}件" if meaning.type == "target" else f"新增{meaning.label}{n}"
            texts[slot.area.left + ORIGIN[1]] = text
            truth.values[text] = What(f"indicators.{meaning.horizon}.{meaning.part}", f"new{n}", slot.label)
        truth.levels[f"new{n}"] = levels
        return texts

    def levels(self, block: int) -> tuple[str, str]:
        """What a block prints of its levels."""
        (_, grid) = next(one for one in self.form.template.grids() if one[1].grid == "indicators")
        fixed = grid.blocks[block].fixed
        return self.form.canonical(fixed.get("level1", ""), "level1"), self.form.canonical(fixed.get("level2", ""), "level2")


def unmerge(page: Worksheet) -> None:
    for merged in list(page.merged_cells.ranges):
        page.unmerge_cells(str(merged))


def put(page: Worksheet, at: Place, value: Any) -> None:
    page.cell(at[0] + 1, at[1] + 1).value = value


def got(page: Worksheet, at: Place) -> Any:
    return page.cell(at[0] + 1, at[1] + 1).value


def rename(case: Case, old: str, new: str) -> None:
    case.truths = {new if title == old else title: truth for title, truth in case.truths.items()}


@dataclass(frozen=True)
class Kind:
    """One kind of damage. `floor` is the least share that must be read right where the damage leaves the information there;
    None where the right answer is to refuse. `notes` is how many findings it may raise a sheet."""

    name: str
    words: str
    make: Callable[[Case], None]
    office: bool = False
    floor: float | None = 1.0
    notes: int | None = 3


KINDS: dict[str, Kind] = {}
FOR_TABLES = frozenset({
    "saved_again", "protection_removed", "looks_changed", "columns_hidden", "keys_unhidden", "sheets_renamed", "sheet_names_swapped",
    "sheets_reordered", "sheet_hidden", "stamp_cleared", "meta_deleted", "guide_deleted", "other_version", "values_pasted",
    "values_pasted_shifted", "everything_pasted", "unrelated_sheet", "names_deleted", "names_broken", "row_keys_cleared",
    "only_words_left", "labels_spaced", "labels_broken", "labels_full_width", "labels_with_colon", "labels_required", "title_changed",
    "unmerged", "remark_below", "rows_on_top", "row_under_keys", "column_left", "keys_deleted_and_inserted", "key_row_deleted",
    "key_column_deleted", "keys_deleted", "copied_into_new_book", "unmerged_in_office", "saved_as_xlsx", "saved_as_xls",
    "saved_as_ods", "there_and_back", "bare_and_ods", "keys_deleted_and_xls",
})  # fmt: skip  # kinds of damage that speak of no project and no indicator


def applies(kind_name: str, form: str) -> bool:
    """Whether a kind of damage can be done to a form."""
    return form in SHIPPED or kind_name in FOR_TABLES


def pairs() -> Iterator[tuple[Kind, str]]:
    for one in KINDS.values():
        yield from ((one, form) for form in (*SHIPPED, *TABLES) if applies(one.name, form))


def kind(words: str, *, office: bool = False, floor: float | None = 1.0, notes: int | None = 3) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    def keep(make: Callable[[Case], None]) -> Callable[[Case], None]:
        KINDS[make.__name__] = Kind(make.__name__, words, make, office, floor, notes)
        return make

    return keep


def panes(case: Case) -> bool:
    """Whether two horizons share the lines."""
    return any(s.column and s.column.pane for s in case.plan.slots)
