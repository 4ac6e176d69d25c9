"""Draw a form as a blank workbook that looks like the official one and guides whoever fills it (xlsxwriter's only home for forms)."""

from __future__ import annotations

import io
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.blanks import META, NUMBERED, Blank, Drawn, Notice, Own, Told
from xlgoals.contents import FormSheet, draw_contents
from xlgoals.entries import Entry
from xlgoals.forms import COMPUTED, STAMPED, Binder, Form, Forms, Meaning
from xlgoals.gridplan import BY_FORM
from xlgoals.guide import GuideSheet
from xlgoals.layout import ORIGIN, Plan, Slot, column_key, plan, style_of, tick_line
from xlgoals.models import HOLE, Grid, Guide, SheetSpec
from xlgoals.mould import mark
from xlgoals.pen import ALLOWED, PINNED, RenderError, absolute_area, put_formula, put_text
from xlgoals.records import Area, Stamp, absolute, area_name, cell_name
from xlgoals.selfcheck import Checks, checks_of
from xlgoals.selfcheck_cells import draw_checks, draw_tints
from xlgoals.selfcheck_sheet import SelfCheckSheet
from xlgoals.stamp import PROPERTY
from xlgoals.sums import Lookup, Tree
from xlgoals.tablecells import code_name, formula_text, holds_text, in_table, tables

PAPER = {"A4": 9, "A3": 8}
PROMPT_TITLE, PROMPT_TEXT = 32, 255  # Excel's limits, in UTF-16 units
HEADER_MOST = 200  # of Excel's 255, with room for the codes
SLIVER = 0.3  # width of the key column, in characters


def render(
    forms: Forms, form: Form | Binder, *, count: int, stamp: Stamp, content: Sequence[Sequence[Entry]] = (), projects: Sequence[str] = (),
    key: bytes = b"", notice: str = "", carried: Container[int] = (),
) -> bytes:  # fmt: skip
    """A workbook with `count` project sheets of a form (or of a book of forms), stamped for whom `stamp` says (its form, digest and instance are set
    here); `content` holds what stands in the first, second … of them beforehand. Equal input gives equal bytes. The rest as for
    `Blank.issue`, which makes many workbooks of one blank."""
    return blank(forms, form, count).issue(stamp, content, projects, key=key, notice=notice, carried=carried)


def blank(forms: Forms, form: Form | Binder, count: int) -> Blank:
    """A form (or a book of forms) drawn once, with so many project sheets, for any number of units."""
    binder = forms.binder(form.id) if isinstance(form, Form) else form
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    drawn = _Book(book, forms, binder, count)
    drawn.draw()
    book.close()
    told = Drawn(binder, count, forms.guide.meta_sheet, drawn.sheets, drawn.own, drawn.words, drawn.notice, drawn.growing, tuple(drawn.formulas))
    return Blank(buffer.getvalue(), told)


def printed(text: str, seq: int, stamp: Stamp | None = None) -> str:
    """Printed words with what is known of their holes filled in; holes of typed fields stay."""
    known = {"seq": str(seq), **({part: getattr(stamp, part) for part in STAMPED} if stamp else {})}
    return HOLE.sub(lambda hole: known.get(hole[1]) or ("" if hole[1] in known else hole[0]), text)


def _for_header(text: str) -> str:
    """Words for a page header, where & begins a code."""
    return text.replace("&", "&&")[:HEADER_MOST]


def _for_formula(text: str) -> str:
    return text.replace('"', '""')



class _Book:
    """Draws all that does not depend on whom the workbook is for, and notes what does."""

    def __init__(self, book: xlsxwriter.Workbook, forms: Forms, binder: Binder, count: int) -> None:
        self.book, self.forms, self.binder, self.count = book, forms, binder, count
        self.guide: Guide = forms.guide
        self.formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self.growing: dict[str, set[int]] = {}  # sheet part -> rows whose height Excel may refit
        self.formulas: dict[str, int] = {}  # long formulas, written by number
        self.sheets = list(self._sheets())
        units = tuple(forms.money_units.items())
        used = dict.fromkeys(one.form for one in self.sheets)
        self.checks: dict[Form, Checks] = {form: checks_of(form, forms.catalogue, forms.selfcheck, units) for form in used}
        self.own: list[Own] = []
        self.words: dict[str, Told] = {}
        self.marks: dict[tuple[str, Callable[[str], str]], str] = {}  # printed words and what is done to them -> their key in `words`
        self.notice: Notice = ("", 0, lambda text: 0.0)

    def _sheets(self) -> Iterator[FormSheet]:
        """Every form sheet of the workbook."""
        for spec in self.binder.sheets:
            for seq in range(1, self.count + 1) if spec.per == "project" else (1,):
                yield FormSheet(_sheet_name(spec, seq), self.forms[spec.form], seq, spec.per == "project", spec.title)

    def draw(self) -> None:
        guide, contents = self.guide, self.binder.contents
        self.book.set_properties({"title": self.binder.title, "created": PINNED})
        self.book.set_custom_property(PROPERTY, mark(PROPERTY))
        first = self.book.add_worksheet(guide.sheet)
        listing = self.book.add_worksheet(contents.sheet) if contents else None
        pages = [(self.book.add_worksheet(one.name), one) for one in self.sheets]
        checked = self.book.add_worksheet(self.forms.selfcheck.sheet)
        lists = self.book.add_worksheet(guide.lists_sheet)
        meta = self.book.add_worksheet(guide.meta_sheet)
        told = GuideSheet(first, guide, self.binder.title, self.sheets, self.format)
        told.draw()
        self.own += [(guide.sheet, spot, make) for spot, make in told.own]
        self.notice = (guide.sheet, told.notice_row, told.height)
        forms = [(one.name, one.form, self.checks[one.form]) for one in self.sheets]
        SelfCheckSheet(checked, self.forms.selfcheck, forms, self.format, self.short).draw()
        if contents and listing:
            draw_contents(listing, contents, self.sheets, self.format)
            self.own.append((contents.sheet, (0, 0), lambda stamp: printed(contents.title, 0, stamp)))
        self._lists(lists)
        for page, one in pages:
            _Page(self, page, one.form, one.seq).draw()
        put_text(meta, 0, 0, guide.meta_note, None)
        meta.write_blank(*META, None, self.format(num_format="@"))
        meta.protect()
        meta.very_hidden()
        first.activate()

    def _lists(self, sheet: Worksheet) -> None:
        """The dropdown sources, each an exact column under a defined name (plain ASCII: Excel repairs files for others)."""
        sheet.protect()
        sheet.hide()
        names: dict[str, tuple[str, ...]] = {}
        for form in dict.fromkeys(one.form for one in self.sheets):
            names |= list_names(form)
        for column, (name, words) in enumerate(names.items()):
            put_text(sheet, 0, column, name, None)
            for row, word in enumerate(words, 1):
                put_text(sheet, row, column, word, None)
            self.define(name, self.guide.lists_sheet, Area(1, column, len(words), column))

    def told(self, text: str, seq: int) -> Told | None:
        """How printed words with stamped fields in them are told for a unit; None when they hold none."""
        return (lambda stamp: printed(text, seq, stamp)) if set(HOLE.findall(text)) & set(STAMPED) else None

    def marked(self, text: str, seq: int, finish: Callable[[str], str]) -> str:
        """A mark for printed words that are told for each unit; the same words have the same mark on every sheet."""
        known = HOLE.sub(lambda hole: str(seq) if hole[1] in COMPUTED else hole[0], text)
        word = self.marks.setdefault((known, finish), f"word{len(self.marks)}")
        self.words[word] = lambda stamp: finish(printed(known, seq, stamp))
        return mark(word)

    def define(self, name: str, sheet: str, area: Area, local: bool = False) -> None:
        where = f"'{sheet.replace(chr(39), chr(39) * 2)}'!"
        first, last = cell_name(area.top, area.left), cell_name(area.bottom, area.right)
        target = absolute(first) if first == last else f"{absolute(first)}:{absolute(last)}"
        if self.book.define_name(f"{where if local else ''}{name}", f"={where}{target}"):
            raise RenderError(f"defined name {name}")

    def short(self, formula: str) -> str:
        """A formula by number (`Drawn.formulas`): the writer looks through every text it is given for some forty functions, which
        takes longer than all else, and many sheets hold the same ones."""
        return f"={NUMBERED.format(self.formulas.setdefault(formula, len(self.formulas)))}"

    def format(self, **properties: Any) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format(properties)
        return self.formats[key]


def list_prefix(form: Form) -> str:
    return f"lst_{form.id.replace('-', '_')}_"


def list_names(form: Form) -> dict[str, tuple[str, ...]]:
    """Defined name -> words, of every dropdown of a form. The checks accept exactly these (a test proves it)."""
    prefix = list_prefix(form)
    names: dict[str, tuple[str, ...]] = {}
    if form.taxonomy:
        names[f"{prefix}level1"] = form.choices("level1")
    for i, level1 in enumerate(form.choices("level1"), 1):
        names[f"{prefix}level2_{i}"] = form.choices("level2", level1)
    for name in form.dialect.lists:
        names[f"{prefix}{name}"] = form.choices(name)
    for slot in plan(form).slots:
        if slot.tick:
            names[f"{prefix}tick_{slot.key}"] = tuple(tick_line(slot.tick, ticked) for ticked in ("", *slot.tick))
    for name, codes in form.coded.items():
        names[code_name(name)] = tuple(codes.names)
        names[f"{code_name(name)}_names"] = tuple(codes.names.values())
    return names


def _sheet_name(spec: SheetSpec, seq: int) -> str:
    cut = 31 - len(str(seq))  # Excel's limit; the number must stay
    pattern = spec.sheet if len(spec.sheet) - len("{seq}") <= cut else spec.sheet.replace("{seq}", "")[:cut] + "{seq}"
    return HOLE.sub(lambda hole: str(seq) if hole[1] in COMPUTED else hole[0], pattern)


class _Page:
    """One form sheet."""

    def __init__(self, book: _Book, sheet: Worksheet, form: Form, seq: int) -> None:
        self.book, self.sheet, self.form, self.seq = book, sheet, form, seq
        self.plan: Plan = plan(form)
        self.prefix = list_prefix(form)

    def draw(self) -> None:
        self._page()
        self._keys()
        heights = self._heights()
        for row, planned in enumerate(self.plan.rows):
            options = {"hidden": True} if planned.hidden else {}
            if heights[row] is not None or options:
                self.sheet.set_row(row + ORIGIN[0], heights[row], None, options)
        for slot in self.plan.slots:
            self._slot(slot)
        self._names()
        self._validations()
        self._silence()
        checks, words = self.book.checks[self.form], self.book.forms.selfcheck
        draw_checks(self.sheet, checks, words, self.book.format, self.book.short)
        draw_tints(self.sheet, self.plan, checks, words, self.book.format)
        self._tint_tables()

    def _heights(self) -> list[float | None]:
        """Heights of the rows; None where Excel fits the row to what is typed. Rows of printed words of several lines get theirs
        here: LibreOffice does not fit rows when it opens a file. They still grow."""
        line = self.form.looks.line_size * self.form.looks.line_factor
        heights = [row.least if row.least > line else row.height for row in self.plan.rows]
        part = f"xl/worksheets/sheet{self.sheet.index + 1}.xml"
        own = {r + ORIGIN[0] + 1 for r, row in enumerate(self.plan.rows) if row.height is None and heights[r] is not None}
        self.book.growing[part] = own
        return heights

    def _area(self, slot: Slot) -> Area:
        return slot.area.moved(*ORIGIN)

    def _page(self) -> None:
        sheet, page, form = self.sheet, self.form.template.page, self.form
        last = len(self.plan.rows) - 1 + ORIGIN[0]
        sheet.set_paper(PAPER[page.paper])
        (sheet.set_landscape if page.orientation == "landscape" else sheet.set_portrait)()
        inches = {side: getattr(page.margins, side) / 25.4 for side in ("left", "right", "top", "bottom")}
        sheet.set_margins(**inches)
        sheet.center_horizontally()
        sheet.fit_to_pages(1, 0)  # a safety net only: the columns fill the page at 100 %
        sheet.print_area(ORIGIN[0], ORIGIN[1], last, ORIGIN[1] + self.plan.width - 1)
        if self.plan.repeat:
            sheet.repeat_rows(self.plan.repeat[0] + ORIGIN[0], self.plan.repeat[1] + ORIGIN[0])
        sheet.set_h_pagebreaks([row + ORIGIN[0] for row in self.plan.breaks])
        if page.header:
            sheet.set_header('&R&"宋体,常规"&9' + self.book.marked(page.header, self.seq, _for_header))
        sheet.set_footer('&C&"宋体,常规"&9' + self.book.guide.footer)
        for col, width in enumerate(form.template.columns):
            sheet.set_column(col + ORIGIN[1], col + ORIGIN[1], width)
        sheet.set_column(self.plan.width, self.plan.width, SLIVER)
        sheet.hide_gridlines(2)
        sheet.set_tab_color("#2F75B5")
        sheet.protect("", ALLOWED)
        first = next((slot for slot in self.plan.slots if slot.typed), None)
        if first:
            area = self._area(first)
            sheet.set_selection(area.top, area.left, area.top, area.left)

    def _keys(self) -> None:
        """The key row, the key column, and the stamp where they meet: they travel with a copied sheet. The row is hidden; the
        column is a sliver whose format shows nothing, because a hidden one would not count for row heights: the keys of rows
        that Excel fits are written large, which gives such a row its least height while it is blank or holds one line."""
        small = self.book.format(num_format=";;;", align="fill", font_size=1)
        self.sheet.set_row(0, None, None, {"hidden": True})
        for col in range(self.plan.width):
            put_text(self.sheet, 0, col, column_key(col), None)
        self.sheet.write_blank(0, self.plan.width, None, small)
        for row, planned in enumerate(self.plan.rows):
            put_text(self.sheet, row + ORIGIN[0], self.plan.width, planned.key, small if planned.height else self._tall(planned.least))

    def _tall(self, least: float) -> Format:
        return self.book.format(num_format=";;;", align="fill", font_size=round(least / self.form.looks.line_factor, 1))

    def _slot(self, slot: Slot) -> None:
        area, style = self._area(slot), self._format(slot)
        if (area.top, area.left) != (area.bottom, area.right):
            self.sheet.merge_range(*area, "", style)
        told = self.book.told(slot.text, self.seq) if slot.kind == "text" else None
        text = slot.text if told else printed(slot.text, self.seq)
        if slot.formula or (slot.kind == "text" and slot.by == BY_FORM):
            put_formula(self.sheet, area.top, area.left, formula_text(self.plan, slot), style)
        elif slot.kind == "text" and set(HOLE.findall(text)) - set(STAMPED):
            put_formula(self.sheet, area.top, area.left, self._echo(text), style)
        elif told:
            self.sheet.write_blank(area.top, area.left, None, style)
            self.book.own.append((self.sheet.get_name(), (area.top, area.left), told))
        elif slot.kind == "text" and text:
            put_text(self.sheet, area.top, area.left, text, style)
        elif slot.kind == "pattern":
            words = self._unfilled(slot)
            if told := self.book.told(slot.text, self.seq):
                self.sheet.write_blank(area.top, area.left, None, style)
                self.book.own.append((self.sheet.get_name(), (area.top, area.left), words))
            else:
                put_text(self.sheet, area.top, area.left, words(None), style)
        elif slot.text:
            put_text(self.sheet, area.top, area.left, slot.text, style)
        else:
            self.sheet.write_blank(area.top, area.left, None, style)

    def _unfilled(self, slot: Slot) -> Callable[[Stamp | None], str]:
        """Printed words as they stand until somebody types in their holes."""
        return lambda stamp: HOLE.sub(slot.blank, printed(slot.text, self.seq, stamp))

    def _echo(self, text: str) -> str:
        """A formula that repeats typed fields inside printed words."""
        parts: list[str] = []
        at = 0
        for hole in HOLE.finditer(text):
            if hole[1] in STAMPED:
                continue
            parts.append(self._quoted(text[at : hole.start()]))
            area = self._area(self.plan.inputs[hole[1]])
            parts.append(absolute(cell_name(area.top, area.left)))
            at = hole.end()
        parts.append(self._quoted(text[at:]))
        return "=" + "&".join(part for part in parts if part != '""')

    def _quoted(self, text: str) -> str:
        """Words as a formula holds them; those with stamped fields are told for each unit."""
        if self.book.told(text, self.seq):
            return f'"{self.book.marked(text, self.seq, _for_formula)}"'
        return f'"{_for_formula(printed(text, self.seq))}"'

    def _format(self, slot: Slot) -> Format:
        style = style_of(self.form, slot)
        look: dict[str, Any] = {
            "font_name": style.font, "font_size": style.size, "bold": style.bold, "align": style.align, "valign": "vcenter",
            "text_wrap": True, "locked": not slot.typed,
        }  # fmt: skip
        if style.border == "thin":
            look["border"] = 1
        if slot.kind in ("input", "pattern") and slot.by in ("unit", BY_FORM) and not isinstance(slot.formula, Lookup):
            look["num_format"] = "@" if slot.kind == "pattern" else self.form.looks.types[slot.meanings[slot.key].look].format
            if slot.column and slot.column.numbered:
                number = HOLE.sub(lambda hole: str(slot.line + 1), slot.column.numbered)
                look["num_format"] = f'"{number}"@'  # the printed number of a numbered line: shown, never typed
        return self.book.format(**look)

    def _names(self) -> None:
        name = self.sheet.get_name()
        for slot in self.plan.slots:
            if slot.kind in ("input", "pattern") and not slot.grid:
                area = self._area(slot)
                self.book.define(f"fld_{slot.key}", name, Area(area.top, area.left, area.top, area.left), local=True)
        for grid, block, area in self.blocks():
            self.book.define(f"blk_{grid}_{block + 1}", name, area, local=True)

    def blocks(self) -> Iterator[tuple[str, int, Area]]:
        """The lines of every block of every grid, as an area of the sheet."""
        rows: dict[tuple[str, int], list[int]] = {}
        for i, row in enumerate(self.plan.rows):
            if row.kind == "line":
                rows.setdefault((row.grid, row.block), []).append(i)
        for (grid, block), own in rows.items():
            yield grid, block, Area(own[0], 0, own[-1], self.plan.width - 1).moved(*ORIGIN)

    # --- guidance

    def _validations(self) -> None:
        """Dropdowns, stops and prompts: one for each field, and one for each column of a block."""
        done: set[tuple[str, int, str]] = set()
        for slots in tables(self.plan).values():
            for run in slots.values():
                (first, *more) = run
                rule = self._rule(first[0], first[0].meanings[first[0].key], first[1])
                if len(rule) > 1 and self.sheet.data_validation(*first[1], {**rule, "other_cells": [list(area) for _, area in more]}):
                    raise RenderError(f"{self.sheet.get_name()}!{area_name(first[1])}: validation refused")
        for slot in self.plan.slots:
            if not slot.typed or in_table(self.plan, slot):
                continue
            area = self._area(slot)
            if slot.grid:
                if (slot.grid, slot.block, slot.key) in done:
                    continue
                done.add((slot.grid, slot.block, slot.key))
                block = next(a for g, b, a in self.blocks() if (g, b) == (slot.grid, slot.block))
                area = Area(block.top, area.left, block.bottom, area.left)
            else:
                area = Area(area.top, area.left, area.top, area.left)
            rule = self._rule(slot, slot.meanings[slot.key], area)
            if len(rule) > 1 and self.sheet.data_validation(*area, rule):
                raise RenderError(f"{self.sheet.get_name()}!{area_name(area)}: validation refused")

    def _rule(self, slot: Slot, meaning: Meaning, area: Area) -> dict[str, Any]:
        guide, unit = self.book.guide, self.form.dialect.money_unit
        rule: dict[str, Any] = {"validate": "any", "input_title": slot.label[:PROMPT_TITLE], "input_message": meaning.prompt[:PROMPT_TEXT]}
        if slot.blank:  # a whole sentence is typed here, whatever stands in its holes
            prompts = dict.fromkeys(one.prompt for one in slot.meanings.values() if one.prompt)
            told = "；".join((guide.sentence.format(blank=slot.blank, money_unit=unit), *prompts))
            rule |= {"input_title": guide.sentence_title[:PROMPT_TITLE], "input_message": told[:PROMPT_TEXT]}
        elif meaning.type == "money":
            rule |= {
                "validate": "decimal", "criteria": ">=", "value": 0, "error_message": guide.not_money.format(money_unit=unit),
                "input_title": f"{slot.label}（{unit}）"[:PROMPT_TITLE],
            }  # fmt: skip
        elif slot.tick or (meaning.list and self.form.choices(meaning.list)):
            source = self._source(slot, meaning, area)
            rule |= {"validate": "list", "source": source, "ignore_blank": False, "error_message": guide.not_listed}
            if meaning.list in self.form.codes:  # a classification is issued anew each year: a code not listed is asked about, not refused
                rule |= {"ignore_blank": True, "error_type": "warning", "error_message": guide.not_in_codes}
        if not rule["input_message"]:
            del rule["input_message"], rule["input_title"]
        return rule

    def _source(self, slot: Slot, meaning: Meaning, area: Area) -> str:
        """A dropdown's source: a plain name, or the list of the first level that stands (or is chosen) in the same line."""
        if slot.tick:
            return f"={self.prefix}tick_{slot.key}"
        if meaning.list in self.form.codes and meaning.list not in self.form.dialect.lists:
            return f"={code_name(meaning.list or '')}"
        if meaning.list != "level2":
            return f"={self.prefix}{meaning.list}"
        block = self._grid(slot.grid).blocks[slot.block]
        first = next(s for s in self.plan.slots if s.grid == slot.grid and s.meanings and s.meanings[s.key].list == "level1")
        words = self.form.choices("level1")
        fixed = block.fixed.get(first.column.key) if first.column else None
        if fixed is not None:
            index = [self.form.canonical(w, "level1") for w in words].index(self.form.canonical(fixed, "level1")) + 1
            return f"={self.prefix}level2_{index}"
        chosen = "$" + cell_name(area.top, first.area.left + ORIGIN[1])
        seconds = ",".join(f"{self.prefix}level2_{i}" for i in range(1, len(words) + 1))
        return f"=CHOOSE(MATCH({chosen},{self.prefix}level1,0),{seconds})"

    def _grid(self, name: str) -> Grid:
        return next(grid for _, grid in self.form.template.grids() if grid.grid == name)

    def _tint_tables(self) -> None:
        """Inputs of a table of figures are tinted until the first of them is there: blank cells stay in a finished table."""
        tint = self.book.format(bg_color=self.form.looks.blank_tint)
        for runs in tables(self.plan).values():
            own = [area for slots in runs.values() for slot, area in slots if slot.formula is None or isinstance(slot.formula, Tree)]
            nothing = f"=COUNT({','.join(absolute_area(area) for area in own)})=0"
            for slots in runs.values():
                for slot, area in slots:
                    if slot.formula is None or isinstance(slot.formula, Tree):
                        self.sheet.conditional_format(*area, {"type": "formula", "criteria": nothing, "format": tint})

    def _silence(self) -> None:
        """No green corners where text looks like a number."""
        texts = [a for s in self.plan.slots if holds_text(s) for a in [self._area(s)]]
        if texts:
            self.sheet.ignore_errors({"number_stored_as_text": " ".join(dict.fromkeys(area_name(a) for a in texts))})
