"""A sheet of a summary: planned first (which columns, which rows, where: `Plan`), then written; formulas refer to plans, not to addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.url import Url
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlgoals.findings import SEVERITY_WORDS, STATUS_WORDS
from xlgoals.longsheet import ROW, Look, Rows, rows_xml
from xlgoals.outputs import fit_text
from xlgoals.parts import Frame, slices
from xlgoals.records import At
from xlgoals.wording import Looks, TableWords, Wording

LINK_MOST = 2_079
TEXTS = ("text", "printed")  # kinds of columns that hold text
A3, A4 = 8, 9  # as Excel numbers papers
LINKED_ROWS_MOST = 20_000  # Excel drops links past 65,530 a sheet, and grows slow long before; longer sheets are written as `longsheet` does
ROWS_MOST = 1_000_000  # of one sheet; further ones go to a second, a third …
SHEETS_MOST = 3  # of one table; a longer one is written as data beside the workbook, which keeps the totals
HEIGHT_MOST = 409.0  # Excel's tallest row, in points
TITLE, NOTE, BACK, HEAD, FIRST = range(5)  # rows of every sheet: title in A1, a note, the way back, headings, data


@dataclass(frozen=True, slots=True)
class Plan:
    """One sheet before it is written: its columns in order, and how many rows of data."""

    name: str
    columns: tuple[str, ...]
    height: int
    listing: bool = True  # else its rows hang together and stay on one sheet

    @property
    def apart(self) -> bool:
        """Whether its rows are too many for the workbook."""
        return self.listing and self.height > SHEETS_MOST * ROWS_MOST

    @property
    def whole(self) -> bool:
        """Whether all its rows stand on one sheet, where formulas reach them."""
        return not self.apart and len(self.sheets) == 1

    @property
    def sheets(self) -> list[tuple[str, int, int]]:
        """Its sheets: name, first row of the table and how many."""
        starts = range(0, 1 if self.apart or not self.listing else max(self.height, 1), ROWS_MOST)
        rows = 0 if self.apart else self.height
        return [(f"{self.name[:25]}（{n}）" if n > 1 else self.name, at, min(rows - at, ROWS_MOST)) for n, at in enumerate(starts, 1)]

    def cell(self, column: str, row: int | None = None) -> str:
        """A cell in a column, as formulas on the same sheet name it; without a row, one in the row of the formula."""
        return f"${xl_col_to_name(self.columns.index(column))}{ROW if row is None else row + 1}"

    def reach(self, column: str) -> str:
        """A column's data from anywhere in the workbook; one blank row when there is none, for an empty range is no range."""
        letters = xl_col_to_name(self.columns.index(column))
        return f"{quoted(self.name)}!${letters}${FIRST + 1}:${letters}${FIRST + max(self.height, 1)}"


def linked(rows: int) -> bool:
    """Whether so many rows of a sheet have links to where they come from."""
    return rows <= LINKED_ROWS_MOST


def quoted(sheet: str) -> str:
    """Name a sheet as formulas and links do."""
    return "'" + sheet.replace("'", "''") + "'"


def plan_listing(table: TableWords, frame: Frame, more: int = 0) -> Plan:
    """Plan a sheet of a frame's rows, and of `more` beside them, which then stay on one sheet."""
    blank = {c for c in table.columns if c in table.optional}
    for one in slices(frame) if blank else ():
        blank -= {c for c in blank if _filled(one[c])}
    return Plan(table.name, tuple(c for c in table.columns if c not in blank), frame.height + more, listing=not more)


def _filled(values: pl.Series) -> bool:
    return bool(((values != "") if values.dtype == pl.String else values.is_not_null()).any())


def done(code: int) -> None:
    """Insist that xlsxwriter did what it was asked: it reports limits by return codes only."""
    if code != 0:
        raise RuntimeError(f"xlsxwriter: {code}")


def _link(target: str, place: str, text: str) -> Url:
    """A relative link with `/` and our escapes; xlsxwriter's own turns `/` into a backslash and splits names at `#`."""
    url = Url("external:file.xlsx")
    url._relationship_link, url._anchor, url.text = target, place, text
    return url


class Writer:
    """Writes one workbook; the only place that touches cells."""

    def __init__(
        self, book: xlsxwriter.Workbook, words: Wording, plans: Mapping[str, Plan], codes: Mapping[str, Mapping[str, str]],
        target: Callable[[str], str | None],
    ) -> None:  # fmt: skip
        """`plans`: the sheets of the summary's own tables; `codes`: words for codes, beside those of `words`; `target`: where a link
        to a file leads, None without one."""
        self.book, self.words, self.plans = book, words, plans
        self.codes: dict[str, Mapping[str, str]] = {
            **words.words,
            "severity": {str(one): word for one, word in SEVERITY_WORDS.items()},
            "status": {str(one): word for one, word in STATUS_WORDS.items()},
            **codes,
        }
        self.target = lru_cache(maxsize=None)(target)
        self.long: dict[str, Rows] = {}  # what is still to be written, by part of the package
        self.looks = _formats(words.looks)
        self.formats = {name: book.add_format(look) for name, look in self.looks.items()}

    # --- cells ---

    def text(self, sheet: Worksheet, row: int, col: int, text: str, look: str = "text") -> None:
        fit = fit_text(text, self.words.phrases.cut)
        done(sheet.write_string(row, col, fit, self.formats[look]) if fit else sheet.write_blank(row, col, None, self.formats[look]))

    def figure(self, sheet: Worksheet, row: int, col: int, value: Decimal | float | None, look: str, formula: str | None = None) -> None:
        """A number, or a formula that carries it. Excel holds doubles: this is the only place where money becomes one."""
        held = float(value) if isinstance(value, Decimal) else value
        if formula:
            done(sheet.write_formula(row, col, formula, self.formats[look], "" if held is None else held))
        elif held is None:
            done(sheet.write_blank(row, col, None, self.formats[look]))
        else:
            done(sheet.write_number(row, col, held, self.formats[look]))

    def outer(self, sheet: Worksheet, row: int, col: int, at: At, text: str) -> None:
        """A short text that leads to a cell of a source. Not the file's name: LibreOffice would not wrap a link."""
        target, anchor = self.target(at.file), f"{quoted(at.sheet)}!{at.cell}" if at.sheet and at.cell else ""
        if target and len(target) <= LINK_MOST and len(anchor) <= LINK_MOST:
            done(sheet.write_url(row, col, _link(target, anchor, text or self.words.phrases.open), self.formats["link"]))
        else:
            self.text(sheet, row, col, text)

    def inner(self, sheet: Worksheet, row: int, col: int, name: str, text: str, look: str) -> None:
        """A link to another sheet of this workbook."""
        done(sheet.write_url(row, col, f"internal:{quoted(name)}!A1", self.formats[look], text))

    # --- sheets ---

    def open(self, sheet: Worksheet, title: str, note: str, headings: Sequence[str], widths: Sequence[float], height: int) -> None:
        """What all sheets share: title, note, headings, filter, frozen head, print set-up, the way back."""
        front, last, bottom = self.words.front, len(headings) - 1, HEAD + max(height, 1)
        self.text(sheet, TITLE, 0, title, "title")
        self.text(sheet, NOTE, 0, note, "note")
        if title != front.title:
            self.inner(sheet, BACK, 0, front.name, self.words.phrases.back.format(sheet=front.name), "back")
        for col, (heading, width) in enumerate(zip(headings, widths, strict=True)):
            self.text(sheet, HEAD, col, heading, "head")
            done(sheet.set_column(col, col, width))
        self.heighten(sheet, HEAD, pl.DataFrame([headings], schema=list(map(str, range(last + 1))), orient="row"), widths)
        done(sheet.autofilter(HEAD, 0, bottom, last))
        done(sheet.ignore_errors({"number_stored_as_text": f"A{FIRST + 1}:{xl_rowcol_to_cell(bottom, last)}"}))
        sheet.freeze_panes(FIRST, 0)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(A3 if sum(widths) > self.words.looks.wide else A4)
        sheet.set_margins(*self.words.looks.margins)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(HEAD)
        done(sheet.print_area(0, 0, bottom, last))
        sheet.set_footer(f"&C{self.words.looks.footer}")

    def listing(self, sheets: Sequence[Worksheet], table: TableWords, frame: Frame, plan: Plan, data: str = "") -> None:
        """The sheets of a listing: a frame row by row, each linked to where it comes from; one of many rows is written in the end, and
        without links, unless its rows hang together with others. `data`: what it is called where it is written as data beside the workbook."""
        if plan.listing and not linked(plan.height):
            self._long(sheets, table, frame, plan, data)
            return
        (sheet,) = sheets
        whole = pl.concat(slices(frame))
        shown = self.shown(whole, plan)
        widths = self.widths(shown)
        self.open(sheet, table.name, table.note if plan.height else table.note + table.empty, self.headings(plan), widths, plan.height)
        self.heighten(sheet, FIRST, shown, widths)
        kinds = [self.words.columns[c].kind for c in plan.columns]
        places = map(At._make, whole.select("file", "sheet", "cell").iter_rows())
        for row, (cells, at) in enumerate(zip(shown.iter_rows(), places, strict=True), FIRST):
            for col, (key, kind, value) in enumerate(zip(plan.columns, kinds, cells, strict=True)):
                if key == "cell" and linked(plan.height):
                    self.outer(sheet, row, col, at, value)
                elif kind in TEXTS:
                    self.text(sheet, row, col, value, kind)
                else:
                    self.figure(sheet, row, col, value, kind)

    def _long(self, sheets: Sequence[Worksheet], table: TableWords, frame: Frame, plan: Plan, data: str) -> None:
        """A listing of many rows. Excel fits their heights."""
        widths = self.widths(self.shown(next(slices(frame)), plan))
        looks = [self.look(self.words.columns[c].kind) for c in plan.columns]
        note = table.note + self.words.phrases.apart.format(name=data) if plan.apart else table.note
        for sheet, (title, start, height) in zip(sheets, plan.sheets, strict=True):
            self.open(sheet, title, note, self.headings(plan), widths, height)
            if height:
                self.later(sheet, self._rows(frame, plan, looks, start, height), FIRST + height)

    def _rows(self, frame: Frame, plan: Plan, looks: Sequence[Look], start: int, height: int) -> Iterator[bytes]:
        at = 0
        for one in slices(frame):
            own = one.slice(max(start - at, 0), max(start + height - max(at, start), 0))
            if own.height:
                yield from rows_xml(self.shown(own, plan), {"": looks}, FIRST + max(at, start) - start, self.words.phrases.cut)
            at += one.height

    def look(self, name: str, formula: str | None = None) -> Look:
        """How a column of rows that are written in the end looks."""
        return Look(self.formats[name]._get_xf_index(), name.partition(" ")[0] in TEXTS, formula or "")

    def indented(self, name: str, depth: int) -> str:
        """A look like another one, so far in."""
        found = f"{name} {depth}"
        if found not in self.formats:
            self.formats[found] = self.book.add_format({**self.looks[name], "align": "left", "indent": depth})
        return found

    def later(self, sheet: Worksheet, rows: Iterable[bytes], last: int) -> None:
        """Let a sheet end with rows that are written when the workbook is finished; `last` is the number of the last of them."""
        self.long[f"xl/worksheets/sheet{sheet.index + 1}.xml"] = Rows(rows, last)

    def named(self, name: str | None) -> str:
        return self.words.phrases.unassigned if name is None else name or self.words.phrases.unnamed

    # --- what is shown ---

    def headings(self, plan: Plan) -> tuple[str, ...]:
        return tuple(self.words.columns[c].label for c in plan.columns)

    def shown(self, frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
        """A frame's columns as people see them: words for codes, the printed figure with its unit, names for the nameless."""
        shown = []
        for key in plan.columns:
            heading = self.words.columns[key]
            column = pl.col(heading.of or key)
            if heading.words:
                column = column.cast(pl.String).replace(self.codes[heading.words])
            elif heading.kind == "printed":
                both = pl.format("{} {}", column, pl.col(key.removesuffix("_printed") + "_unit").fill_null("")).str.strip_chars_end()
                column = pl.when(column != "").then(both)
                if key == "total_printed":
                    column = pl.when("total_summed").then(pl.lit(self.words.phrases.made_up)).otherwise(column)
            elif key in ("department", "unit") and "level" not in frame.columns:
                column = column.fill_null(self.named(None)).replace("", self.named(""))
            shown.append((column.fill_null("") if heading.kind in TEXTS else column).alias(key))
        return frame.select(shown)

    def widths(self, shown: pl.DataFrame) -> list[float]:
        """Wide enough for the longest text within the column's bounds."""
        widths = []
        for values in shown:
            heading = self.words.columns[values.name]
            if heading.kind in ("money", "number"):  # with separators, and two decimals
                longest = values.fill_null(0).cast(pl.Float64).round(6).cast(pl.String).str.len_chars().max()
                room = float(str(longest or 0)) * 4 / 3 + 3
            else:
                room = float(str(_units(values).max() or 0)) + 2
            widths.append(min(max(room, heading.width[0]), heading.width[1]))
        return widths

    def heighten(self, sheet: Worksheet, first: int, shown: pl.DataFrame, widths: Sequence[float]) -> None:
        """Give rows the height their wrapped text needs."""
        for row, height in enumerate(self.heights(shown, widths), first):
            done(sheet.set_row(row, height))

    def heights(self, shown: pl.DataFrame, widths: Sequence[float]) -> pl.Series:
        """The height that the wrapped text of each row needs, in points: Excel would find it on opening, LibreOffice would not."""
        looks, lines = self.words.looks, []
        for values, width in zip(shown, widths, strict=True):
            if values.dtype == pl.String:
                fit = width * 10.5 / looks.size // 2 * 2  # half-width characters of our size on a line; Chinese ones come in twos
                more = (_units(values).cast(pl.Float64) - fit).clip(0) * 1.06 / fit  # some room for words and stops kept whole
                lines.append(1 + more.ceil() + values.str.count_matches("\n", literal=True))
        most = pl.DataFrame([one.alias(str(n)) for n, one in enumerate(lines)]).select(pl.max_horizontal(pl.all())).to_series()
        return (most * looks.size * looks.line_factor + 4).clip(upper_bound=HEIGHT_MOST)

    def tags(self, shown: pl.DataFrame, widths: Sequence[float]) -> pl.Series:
        """The heights of rows that are written in the end, as attributes of them."""
        return pl.select(pl.format('ht="{}" customHeight="1" ', self.heights(shown, widths))).to_series()


def _units(values: pl.Series) -> pl.Series:
    """How many half-width characters each value takes; a Chinese character takes two, and three bytes of UTF-8."""
    text = values.cast(pl.String).fill_null("")
    return (text.str.len_bytes() + text.str.len_chars()) // 2


def _formats(looks: Looks) -> dict[str, dict[str, Any]]:
    plain = {"font_name": looks.font, "font_size": looks.size}
    cell = {**plain, "valign": "top", "border": 1}
    text = {**cell, "num_format": "@", "text_wrap": True}
    link = {"font_color": looks.link_colour, "underline": 1}
    kinds: dict[str, dict[str, Any]] = {
        "text": text,
        "printed": {**text, "align": "right"},
        "link": {**text, **link},
        "count": {**cell, "num_format": looks.count, "align": "center"},
        "money": {**cell, "num_format": looks.money, "align": "right"},
        "number": {**cell, "num_format": looks.number, "align": "right"},
        "share": {**cell, "num_format": looks.share, "align": "center"},
    }
    facts = {f"{name} fact": {**kinds[name], "align": "left"} for name in ("count", "money")}
    totals = {f"{name} total": {**look, "bold": True, "bg_color": looks.total_fill} for name, look in kinds.items()}
    head = {**text, "bold": True, "bg_color": looks.head_fill, "align": "center", "valign": "vcenter"}
    title = {**plain, "font_size": looks.title_size, "bold": True}
    return {**kinds, **facts, **totals, "title": title, "note": plain, "back": {**plain, **link}, "head": head}


