"""Summary frames → the summary workbook, or Parquet, CSV, JSON. Every word and width stands in `mappings/summary.yaml`.

A sheet is planned first (which columns, which rows, where: `Plan`), then written; formulas refer to plans, not to addresses.
The file is written where told, plainly: give the temporary path of `outputs.write_whole`.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import xlsxwriter
from xlsxwriter.url import Url
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from xlgoals.consolidate import COUNTS, SOURCES, Summary
from xlgoals.findings import SEVERITY_WORDS, STATUS_WORDS
from xlgoals.longsheet import Look, Rows, insert, rows_xml
from xlgoals.outputs import DataFormat, fit_text, link_target, write_frames
from xlgoals.parts import Frame, Parts, slices
from xlgoals.pen import close_book
from xlgoals.records import At
from xlgoals.stamp import OUTPUT_PROPERTY
from xlgoals.wording import Looks, TableWords, Wording, load_wording

LINK_MOST = 2_079
A3, A4 = 8, 9  # as Excel numbers papers
LINKED_ROWS_MOST = 20_000  # Excel drops links past 65,530 a sheet, and grows slow long before; longer sheets are written as `longsheet` does
ROWS_MOST = 1_000_000  # of one sheet; further ones go to a second, a third …
SHEETS_MOST = 3  # of one table; a longer one is written as data beside the workbook, which keeps the totals
FORMULAS_MOST = 200_000_000  # rows that all formulas of one column look at together: Excel works them out on opening
HEIGHT_MOST = 409.0  # Excel's tallest row, in points
EPOCH = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter wants it naive; pinned so that equal input gives equal bytes
TITLE, NOTE, BACK, HEAD, FIRST = range(5)  # rows of every sheet: title in A1, a note, the way back, headings, data


@dataclass(frozen=True, slots=True)
class About:
    """What the caller tells of a summary. Left blank, a line is left out; nothing here is read from the clock."""

    source: str = ""  # what was read
    scope: str = ""  # what was taken of it, such as 已收未审
    counted: str = ""  # how many of how many are in
    left_out: str = ""  # what is not, and why
    made: str = ""
    version: str = ""
    forms: Mapping[str, str] = field(default_factory=dict)  # form id -> official title
    rules: Mapping[str, str] = field(default_factory=dict)  # code of a rule -> what it is called
    base: Path = Path()  # the folder that the files' names are relative to
    paths: Mapping[str, Path] = field(default_factory=dict)  # where each file is, if `base` does not tell; others get no link


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

    def cell(self, column: str, row: int) -> str:
        """A cell in a column, as formulas on the same row name it."""
        return f"${xl_col_to_name(self.columns.index(column))}{row + 1}"

    def reach(self, column: str) -> str:
        """A column's data from anywhere in the workbook; one blank row when there is none, for an empty range is no range."""
        letters = xl_col_to_name(self.columns.index(column))
        return f"{quoted(self.name)}!${letters}${FIRST + 1}:${letters}${FIRST + max(self.height, 1)}"


def quoted(sheet: str) -> str:
    """Name a sheet as formulas and links do."""
    return "'" + sheet.replace("'", "''") + "'"


class Extra(Protocol):
    """A sheet beside the usual ones: its plan, what the contents say of it, and how it is written."""

    @property
    def plan(self) -> Plan: ...

    @property
    def about(self) -> str: ...

    def write(self, writer: Writer, sheet: Worksheet) -> None: ...


def write_summary(summary: Summary, path: Path, *, told: About, wording: Wording | None = None, extras: Sequence[Extra] = ()) -> None:
    """Write the summary workbook; equal input gives equal bytes. Links lead from `path`'s folder."""
    words = wording or load_wording()
    own = dict(summary.items())
    plans = {name: _plan(name, summary, words) for name, table in words.tables.items() if table.columns and name in own}
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    package = io.BytesIO()
    book = xlsxwriter.Workbook(package, options)
    book.set_properties({"title": words.front.title, "created": EPOCH})
    _done(book.set_custom_property(OUTPUT_PROPERTY, "summary", "text"))
    writer = Writer(book, summary, words, told, plans, path.parent, extras)
    writer.write()
    close_book(book)
    if writer.long:
        insert(package, path, writer.long)
    else:
        path.write_bytes(package.getbuffer())


def apart(summary: Summary, wording: Wording | None = None) -> list[str]:
    """The tables that are too long for the workbook, by name: the caller writes them as data beside it."""
    words = wording or load_wording()
    own = dict(summary.items())
    return [name for name, table in words.tables.items() if table.columns and name in own and _plan(name, summary, words).apart]


def _plan(name: str, summary: Summary, words: Wording) -> Plan:
    more = summary.subtotals.height + 1 if name == "departments" else 0
    return plan_listing(words.tables[name], getattr(summary, name), more)


def plan_listing(table: TableWords, frame: Frame, more: int = 0) -> Plan:
    """Plan a sheet of a frame's rows, and of `more` beside them, which then stay on one sheet."""
    blank = {c for c in table.columns if c in table.optional}
    for one in slices(frame) if blank else ():
        blank -= {c for c in blank if _filled(one[c])}
    return Plan(table.name, tuple(c for c in table.columns if c not in blank), frame.height + more, listing=not more)


def _filled(values: pl.Series) -> bool:
    return bool(((values != "") if values.dtype == pl.String else values.is_not_null()).any())


def _done(code: int) -> None:
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
        self, book: xlsxwriter.Workbook, summary: Summary, words: Wording, told: About, plans: Mapping[str, Plan], folder: Path,
        extras: Sequence[Extra] = (),
    ) -> None:  # fmt: skip
        self.extras = extras
        self.book, self.summary, self.words, self.told, self.plans, self.folder = book, summary, words, told, plans, folder
        self.codes: dict[str, dict[str, str]] = {
            **words.words,
            "severity": {str(one): word for one, word in SEVERITY_WORDS.items()},
            "status": {str(one): word for one, word in STATUS_WORDS.items()},
            "form": dict(told.forms),
            "rule": dict(told.rules),
        }
        self.targets: dict[str, str | None] = {}
        self.long: dict[str, Rows] = {}  # what is still to be written, by part of the package
        self.looks = _formats(words.looks)
        self.formats = {name: book.add_format(look) for name, look in self.looks.items()}

    def write(self) -> None:
        front = self.book.add_worksheet(self.words.front.name)
        sheets = {name: [self.book.add_worksheet(one) for one, _, _ in plan.sheets] for name, plan in self.plans.items()}
        self._front(front)
        for name, own in sheets.items():
            if name == "departments":
                self._departments(own[0], self.plans[name])
            elif self.plans[name].height > LINKED_ROWS_MOST:
                self._long(own, name, self.plans[name])
            else:
                self.listing(own[0], self.words.tables[name], pl.concat(slices(getattr(self.summary, name))), self.plans[name])
        for extra, sheet in [(one, self.book.add_worksheet(one.plan.name)) for one in self.extras]:
            extra.write(self, sheet)

    # --- cells ---

    def text(self, sheet: Worksheet, row: int, col: int, text: str, look: str = "text") -> None:
        fit = fit_text(text, self.words.phrases.cut)
        _done(sheet.write_string(row, col, fit, self.formats[look]) if fit else sheet.write_blank(row, col, None, self.formats[look]))

    def figure(self, sheet: Worksheet, row: int, col: int, value: Decimal | float | None, look: str, formula: str | None = None) -> None:
        """A number, or a formula that carries it. Excel holds doubles: this is the only place where money becomes one."""
        held = float(value) if isinstance(value, Decimal) else value
        if formula:
            _done(sheet.write_formula(row, col, formula, self.formats[look], "" if held is None else held))
        elif held is None:
            _done(sheet.write_blank(row, col, None, self.formats[look]))
        else:
            _done(sheet.write_number(row, col, held, self.formats[look]))

    def _outer(self, sheet: Worksheet, row: int, col: int, at: At, text: str) -> None:
        """A short text that leads to a cell of a source. Not the file's name: LibreOffice would not wrap a link."""
        if at.file not in self.targets:
            where = self.told.paths.get(at.file) if self.told.paths else self.told.base / at.file
            self.targets[at.file] = link_target(where, self.folder) if at.file and where else None
        target, anchor = self.targets[at.file], f"{quoted(at.sheet)}!{at.cell}" if at.sheet and at.cell else ""
        if target and len(target) <= LINK_MOST and len(anchor) <= LINK_MOST:
            _done(sheet.write_url(row, col, _link(target, anchor, text or self.words.phrases.open), self.formats["link"]))
        else:
            self.text(sheet, row, col, text)

    def inner(self, sheet: Worksheet, row: int, col: int, name: str, text: str, look: str) -> None:
        """A link to another sheet of this workbook."""
        _done(sheet.write_url(row, col, f"internal:{quoted(name)}!A1", self.formats[look], text))

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
            _done(sheet.set_column(col, col, width))
        self.heighten(sheet, HEAD, pl.DataFrame([headings], schema=list(map(str, range(last + 1))), orient="row"), widths)
        _done(sheet.autofilter(HEAD, 0, bottom, last))
        _done(sheet.ignore_errors({"number_stored_as_text": f"A{FIRST + 1}:{xl_rowcol_to_cell(bottom, last)}"}))
        sheet.freeze_panes(FIRST, 0)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(A3 if sum(widths) > self.words.looks.wide else A4)
        sheet.set_margins(*self.words.looks.margins)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(HEAD)
        _done(sheet.print_area(0, 0, bottom, last))
        sheet.set_footer(f"&C{self.words.looks.footer}")

    def listing(self, sheet: Worksheet, table: TableWords, frame: pl.DataFrame, plan: Plan) -> None:
        """A sheet that lists a frame row by row, each linked to where it comes from; beyond some rows without links."""
        linked = plan.height <= LINKED_ROWS_MOST
        shown = self.shown(frame, plan)
        widths = self.widths(shown)
        self.open(sheet, table.name, table.note if plan.height else table.note + table.empty, self._headings(plan), widths, plan.height)
        self.heighten(sheet, FIRST, shown, widths)
        kinds = [self.words.columns[c].kind for c in plan.columns]
        places = map(At._make, frame.select("file", "sheet", "cell").iter_rows())
        for row, (cells, at) in enumerate(zip(shown.iter_rows(), places, strict=True), FIRST):
            for col, (key, kind, value) in enumerate(zip(plan.columns, kinds, cells, strict=True)):
                if key == "cell" and linked:
                    self._outer(sheet, row, col, at, value)
                elif kind in ("text", "printed"):
                    self.text(sheet, row, col, value, kind)
                else:
                    self.figure(sheet, row, col, value, kind)

    def _long(self, sheets: Sequence[Worksheet], name: str, plan: Plan) -> None:
        """A listing of many rows: its sheets get them when the workbook is finished. Excel fits their heights."""
        table, frame = self.words.tables[name], getattr(self.summary, name)
        widths = self.widths(self.shown(next(slices(frame)), plan))
        kinds = [self.words.columns[c].kind for c in plan.columns]
        looks = [Look(self.formats[kind]._get_xf_index(), kind in ("text", "printed")) for kind in kinds]
        note = table.note + self.words.phrases.apart.format(name=name) if plan.apart else table.note
        for sheet, (title, start, height) in zip(sheets, plan.sheets, strict=True):
            self.open(sheet, title, note, self._headings(plan), widths, height)
            if height:
                rows = self._rows(frame, plan, looks, start, height)
                self.long[f"xl/worksheets/sheet{sheet.index + 1}.xml"] = Rows(rows, FIRST + height)

    def _rows(self, frame: Frame, plan: Plan, looks: Sequence[Look], start: int, height: int) -> Iterator[bytes]:
        at = 0
        for one in slices(frame):
            own = one.slice(max(start - at, 0), max(start + height - max(at, start), 0))
            if own.height:
                yield from rows_xml(self.shown(own, plan), looks, FIRST + max(at, start) - start, self.words.phrases.cut)
            at += one.height

    def _departments(self, sheet: Worksheet, plan: Plan) -> None:
        """Grand total, then each department's subtotal with its units below: formulas all, over 项目汇总 and 问题清单."""
        # the writer looks into every formula for each of thirty newer functions: ours have none, and there are tens of thousands
        sheet._prepare_formula = lambda formula, *_: formula.removeprefix("=")
        table, rows = self.words.tables["departments"], list(self._rolled())
        shown = pl.DataFrame(rows, schema={c: self.summary.departments.schema.get(c, pl.String()) for c in plan.columns})
        levels = shown["level"].to_list()
        shown = self.shown(shown, plan)
        widths = self.widths(shown)
        self.open(sheet, table.name, table.note, self._headings(plan), widths, plan.height)
        self.heighten(sheet, FIRST, shown, widths)
        for row, (level, cells) in enumerate(zip(levels, shown.iter_rows(), strict=True), FIRST):
            ending = "" if level == "unit" else " total"
            for col, (key, value) in enumerate(zip(plan.columns, cells, strict=True)):
                kind = self.words.columns[key].kind
                if kind == "text":
                    self.text(sheet, row, col, value, kind + ending)
                else:
                    formula = None if key.endswith("_no") else self._formula(plan, key, level, row)
                    self.figure(sheet, row, col, value, kind + ending, formula)

    def _rolled(self) -> Iterator[dict[str, Any]]:
        """The rows of 部门汇总, parents first."""
        units = self.summary.departments.partition_by("department_no", as_dict=True)
        yield {"level": "all", **self.summary.total.row(0, named=True)}
        for department in self.summary.subtotals.iter_rows(named=True):
            name = self.named(department["department"])
            yield {"level": "department", **department, "department": name}
            for unit in units[(department["department_no"],)].iter_rows(named=True):
                yield {"level": "unit", **unit, "department": name, "unit": self.named(unit["unit"])}

    def named(self, name: str | None) -> str:
        return self.words.phrases.unassigned if name is None else name or self.words.phrases.unnamed

    def _formula(self, plan: Plan, key: str, level: str, row: int) -> str | None:
        """The formula of one figure of 部门汇总, None where its detail is on no sheet.

        Rows are told apart by numbers, for a name may hold `*` or begin with `=`, which criteria take for more than text.
        """
        kind = self.words.columns[key].kind
        if kind == "share":
            count, whole = plan.cell("quantified_count", row), plan.cell("indicators", row)
            return f'=IF({whole}=0,"",{count}/{whole})'
        if level != "unit":
            mine = [(plan.reach("department_no"), plan.cell("department_no", row))] if level == "department" else []
            return _total(plan.reach(key), [(plan.reach("level"), _literal(self.codes["level"]["unit"])), *mine], kind)
        said = self._counted(key)
        detail = self.plans["findings" if said else "projects"]
        if len(detail.sheets) > 1 or detail.apart or self.summary.departments.height * detail.height > FORMULAS_MOST:
            return None
        wanted = [(detail.reach("unit_no"), plan.cell("unit_no", row))]
        stem, _, state = key.rpartition("_")  # total_ready, pending_forms
        if said:
            return _total("", [*wanted, (detail.reach(said[0]), _literal(said[1]))], kind)
        if state == "forms":
            return _total("", [*wanted, (detail.reach("state"), _literal(self.codes["state"][stem]))], kind)
        if key == "projects":
            return _total("", wanted, kind)
        if stem in SOURCES:
            wanted.append((detail.reach("state"), _literal(self.codes["state"][state])))
        column = stem if stem in SOURCES else key
        return _total(detail.reach(column), wanted, kind) if column in detail.columns else None

    def _counted(self, key: str) -> tuple[str, str] | None:
        """Which column of 问题清单 holds which word in the rows that a figure counts; None for what counts no findings."""
        if key == "open_count":
            return "open", self.codes["truth"]["true"]
        if key == "answered":
            return "status", STATUS_WORDS["explained"]
        severity = {count: severity for severity, count in COUNTS.items()}.get(key)
        return ("severity", self.codes["severity"][severity]) if severity else None

    def _front(self, sheet: Worksheet) -> None:
        """What this is, the figures, how to read it, the way to each sheet, and all sources."""
        front, sources, departments = self.words.front, self.summary.sources, self.plans["departments"]
        total, told = self.summary.total.row(0, named=True), self._told()
        rows = [one for one in front.rows if not one.value or one.value in total or told.get(one.value)]
        contents = FIRST + len(rows)
        sheets = [(plan, self.words.tables[name].about) for name, plan in self.plans.items()] + [(one.plan, one.about) for one in self.extras]
        files = contents + len(sheets)
        self.open(sheet, front.title, front.note, front.columns, front.widths, files + sources.height - FIRST)
        lines = [(one.topic, one.name, str(told.get(one.value, "")), one.text) for one in rows]
        lines += [(front.contents.topic, plan.name, "", about) for plan, about in sheets]
        for file in sources.iter_rows(named=True):
            found = (front.sources.read if file["forms"] else front.sources.unread).format_map(file)
            lines.append((front.sources.topic, file["file"], found, front.sources.hash.format_map(file) if file["sha256"] else ""))
        self.heighten(sheet, FIRST, pl.DataFrame(lines, schema=list("abcd"), orient="row"), front.widths)
        for row, line in enumerate(lines, FIRST):
            for col, text in enumerate(line):
                self.text(sheet, row, col, text)
        for row, one in enumerate(rows, FIRST):
            if one.value in total:
                formula = f"={quoted(departments.name)}!{departments.cell(one.value, FIRST)}" if one.value in departments.columns else None
                self.figure(sheet, row, 2, total[one.value], f"{self.words.columns[one.value].kind} fact", formula)
            elif isinstance(number := told.get(one.value), int):
                self.figure(sheet, row, 2, number, "count fact")
        for row, (plan, _) in enumerate(sheets, contents):
            self.inner(sheet, row, 1, plan.name, plan.name, "link")
        for row, name in enumerate(sources["file"] if sources.height <= LINKED_ROWS_MOST else (), files):
            self._outer(sheet, row, 2, At(name), lines[row - FIRST][2])

    def _told(self) -> dict[str, object]:
        """What the front sheet can tell beside the totals."""
        join = self.words.phrases.between.join
        projects = pl.concat(one.select("year", "form").unique() for one in slices(self.summary.projects))
        return {
            **{name: getattr(self.told, name) for name in ("source", "scope", "counted", "left_out", "made", "version")},
            "files": self.summary.sources.height,
            "years": join(year for year in projects["year"].unique().sort() if year),
            "forms": join(self.codes["form"].get(form, form) for form in projects["form"].unique().sort()),
        }

    # --- what is shown ---

    def _headings(self, plan: Plan) -> tuple[str, ...]:
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
            shown.append((column.fill_null("") if heading.kind in ("text", "printed") else column).alias(key))
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

    def heighten(self, sheet: Worksheet, first: int, shown: pl.DataFrame, widths: Sequence[float], levels: Sequence[int] = ()) -> None:
        """Give rows the height their wrapped text needs: Excel would find it on opening, LibreOffice would not. `levels`: of outline."""
        looks, lines = self.words.looks, []
        for values, width in zip(shown, widths, strict=True):
            if values.dtype == pl.String:
                fit = width * 10.5 / looks.size // 2 * 2  # half-width characters of our size on a line; Chinese ones come in twos
                more = (_units(values).cast(pl.Float64) - fit).clip(0) * 1.06 / fit  # some room for words and stops kept whole
                lines.append(1 + more.ceil() + values.str.count_matches("\n", literal=True))
        most = pl.DataFrame([one.alias(str(n)) for n, one in enumerate(lines)]).select(pl.max_horizontal(pl.all())).to_series()
        for row, count in enumerate(most, first):
            options = {"level": levels[row - first]} if levels else None
            _done(sheet.set_row(row, min(count * looks.size * looks.line_factor + 4, HEIGHT_MOST), None, options))


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


def _literal(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _total(area: str, wanted: Sequence[tuple[str, str]], kind: str) -> str:
    """Count the rows that fit, or sum an area over them; money rounded to the cent, for Excel adds doubles."""
    criteria = ",".join(f"{where},{value}" for where, value in wanted)
    if not area:
        return f"=COUNTIFS({criteria})"
    return f"=ROUND(SUMIFS({area},{criteria}),6)" if kind == "money" else f"=SUMIFS({area},{criteria})"


# --- data ------------------------------------------------------------------------------------------------------------


def write_data(
    summary: Summary, path: Path, format: DataFormat, *, wording: Wording | None = None, more: Mapping[str, pl.DataFrame] | None = None
) -> None:
    """Write all frames, and `more`, as `outputs.write_frames` does, and a table `columns` that says what each column means in Chinese. A table
    in parts becomes a folder of Parquet files, or a file for each part; JSON holds it whole."""
    words = (wording or load_wording()).columns
    every: dict[str, Frame] = {**dict(summary.items()), **(more or {})}
    legend = [(name, key, words[key].label) for name, frame in every.items() for key in frame.columns]
    told = pl.DataFrame(legend, schema={name: pl.String() for name in ("table", "column", "label")}, orient="row")
    frames: dict[str, pl.DataFrame] = {}
    for name, frame in every.items():
        if not isinstance(frame, Parts):
            frames[name] = frame
        elif format == "json":
            frames[name] = pl.concat(slices(frame))
        else:
            for number, part in enumerate(frame.paths, 1):
                write_frames({f"{number:05}": pl.read_parquet(part)}, path / name, format)
    write_frames({**frames, "columns": told}, path, format)
