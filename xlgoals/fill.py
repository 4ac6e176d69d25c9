"""A unit's own list into its own workbook: cells are filled in, everything else stays byte for byte; mistakes are told by row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from xlgoals.celltext import as_typed
from xlgoals.entries import Entry, fitted_heights
from xlgoals.errors import Fault, InputError, UsageError
from xlgoals.forms import LEVELS, Form, Forms, Meaning
from xlgoals.layout import ORIGIN, plan
from xlgoals.listed import Content, indicator_headings, meant
from xlgoals.lists import Item, Line, Listing
from xlgoals.models import HOLE
from xlgoals.mould import WORKBOOK, Fill, Mould
from xlgoals.records import Book, Sheet
from xlgoals.stamp import read_stamp
from xlgoals.words import bare

PROJECT = ("project_code", "project_name")  # what tells projects apart: the code, else the name


class Page(NamedTuple):
    """A project sheet of the workbook: what it says of its project so far."""

    sheet: Sheet
    project: Mapping[str, str]


def fill(package: bytes, book: Book, lists: Sequence[Listing], forms: Forms) -> tuple[bytes, int]:
    """The workbook with the projects of the lists filled in, and how many they are. Raises InputError with every mistake in the
    lists, and where the workbook already says something else; UsageError for a workbook that is not as it was sent out."""
    form, pages = _pages(book, forms)
    faults: list[Fault] = []
    projects = _projects(lists, form, faults)
    if not projects and not faults:
        faults.append(Fault("、".join(dict.fromkeys(one.place for one in lists)) or "清单", f"没有找到项目：要有一栏“{_label(form, 'project_name')}”，一行一个项目。"))
    chosen = _chosen(projects, pages, form, faults)
    fills: dict[str, Fill] = {}
    for line, content, page in chosen:
        entries = content.entries(form, forms)
        faults += content.faults
        fills[page.sheet.name] = _fill(form, page, line, [one for one in entries if one.value != ""], faults)
    if faults:
        raise InputError(faults)
    return _recalculated(Mould(package)).cast(fills), len(chosen)


def _pages(book: Book, forms: Forms) -> tuple[Form, list[Page]]:
    """The project sheets of a workbook that is as it was sent out, in order."""
    found: list[tuple[Form, Sheet]] = []
    for sheet in book.sheets:
        stamp = next((s for value in (sheet.rows[0] if sheet.rows else ()) if (s := read_stamp(value)) and s.instance), None)
        if stamp is None:
            continue
        if stamp.form not in forms.forms or forms[stamp.form].digest != stamp.digest:
            raise UsageError(f"{book.file} 的表样（{stamp.form}）与本程序的不是同一版，不能填。请向下发的单位要新的空表。")
        form = forms[stamp.form]
        laid = plan(form)
        keys = tuple(sheet.value(row + ORIGIN[0], laid.width + ORIGIN[1]) for row in range(len(laid.rows)))
        if keys != laid.row_keys:
            raise UsageError(f"{book.file} 的“{sheet.name}”插过或删过行列，不能填。请用下发的原始空表。")
        found.append((form, sheet))
    main = next((form for form, _ in found if any(m.to == "project_name" for s in plan(form).slots for m in s.meanings.values())), None)
    if main is None:
        raise UsageError(f"{book.file} 不是下发的空表（表里没有标记），不能填。请用下发的原始空表，或用 xlgoals new 生成的。")
    return main, [Page(sheet, dict(_said(sheet, main))) for form, sheet in found if form is main]


def _said(sheet: Sheet, form: Form) -> Iterator[tuple[str, str]]:
    for slot in plan(form).slots:
        for meaning in slot.meanings.values() if slot.kind == "input" and not slot.grid else ():
            if meaning.to in PROJECT and (text := _text(sheet, slot.area.top, slot.area.left)):
                yield meaning.to, text


def _text(sheet: Sheet, row: int, left: int) -> str:
    spot = row + ORIGIN[0], left + ORIGIN[1]
    return as_typed(sheet.value(*spot), sheet.formats.get(spot, "")).strip()


def _label(form: Form, to: str) -> str:
    return next((slot.label for slot in plan(form).slots for meaning in slot.meanings.values() if meaning.to == to), to)


# --- the lists ---------------------------------------------------------------------------------------------------------


def _projects(lists: Sequence[Listing], form: Form, faults: list[Fault]) -> list[tuple[Line, Content]]:
    """The projects of the lists with their indicators, in the order of the list."""
    found: list[tuple[Line, Content]] = []
    indicators: list[tuple[Listing, dict[str, Meaning]]] = []
    for listing in lists:
        own = {heading: meaning for heading in listing.headings if (meaning := indicator_headings(form).get(bare(heading)))}
        if {*LEVELS, "name", "target"} & {meaning.part for meaning in own.values()}:
            indicators.append((listing, own))
            continue
        known = {heading: meaning for heading in listing.headings if (meaning := meant(heading, form))}
        if not any(meaning.to in PROJECT for meaning in known.values()):
            continue
        _strange(listing, known, form, faults)
        for line in listing.lines:
            content = Content()
            for heading, meaning in known.items():
                if heading in line.items:
                    content.put(form, meaning, line.items[heading], heading)
            if not any(content.fields.get(part) for part in PROJECT):
                faults.append(Fault(line.place, f"没有填“{_label(form, 'project_name')}”，不知道是哪个项目，请补上或删去这一行。"))
            found.append((line, content))
    for listing, own in indicators:
        _indicators(listing, own, found, form, faults)
    return found


def _strange(listing: Listing, known: Mapping[str, object], form: Form, faults: list[Fault]) -> None:
    for heading, place in listing.headings.items():
        if heading not in known and bare(heading) not in ("序号", "备注"):
            faults.append(Fault(place, f"栏目“{heading}”不是表样 {form.id} 的栏目，不知道填在哪里。请改成表上的叫法，或删去这一栏。"))


def _indicators(
    listing: Listing, own: Mapping[str, Meaning], projects: Sequence[tuple[Line, Content]], form: Form, faults: list[Fault]
) -> None:
    """The lines of a list of indicators, each to its project; without a heading for the project all belong to the only one."""
    told = {heading: m.to for heading in listing.headings if (m := meant(heading, form)) and m.to in PROJECT and heading not in own}
    _strange(listing, {**own, **told}, form, faults)
    for line in listing.lines:
        wanted = {to: line.text(heading) for heading, to in told.items() if line.text(heading)}
        same = [content for _, content in projects if all(bare(content.fields.get(to, "")) == bare(text) for to, text in wanted.items())]
        if len(same) != 1 or (not wanted and len(projects) > 1):
            shown = "、".join(wanted.values())
            faults.append(Fault(line.place, f"指标所属的项目“{shown}”在项目清单里{'没有' if not same else '不止一个'}，请改正。" if shown else "没有写这条指标是哪个项目的，请补上。"))
            continue
        items: dict[Meaning, tuple[str, Item]] = {meaning: (heading, line.items[heading]) for heading, meaning in own.items() if heading in line.items}
        if items:
            same[0].put_indicator(form, items)


# --- the sheets --------------------------------------------------------------------------------------------------------


def _chosen(
    projects: Sequence[tuple[Line, Content]], pages: Sequence[Page], form: Form, faults: list[Fault]
) -> list[tuple[Line, Content, Page]]:
    """A sheet for each project: the one that already names it, else the next that names none."""
    chosen: list[tuple[Line, Content, Page]] = []
    taken: dict[str, Line] = {}
    waiting: list[tuple[Line, Content]] = []
    for line, content in projects:
        page = _named(content, pages)
        if page is None:
            waiting.append((line, content))
        elif page.sheet.name in taken:
            faults.append(Fault(line.place, f"与 {taken[page.sheet.name].place} 是同一个项目，请删去一行。"))
        else:
            taken[page.sheet.name] = line
            chosen.append((line, content, page))
    free = [page for page in pages if not page.project]
    if len(waiting) > len(free):
        faults.append(Fault(waiting[len(free)][0].place, f"空表不够：还有 {len(waiting)} 个项目没有表，空表只剩 {len(free)} 张。请向下发的单位要更多的空表。"))
    chosen += [(line, content, page) for (line, content), page in zip(waiting, free, strict=False)]
    seen: dict[tuple[str, ...], Line] = {}
    for line, content in waiting:
        key = tuple(bare(content.fields.get(part, "")) for part in PROJECT)
        if any(key) and (first := seen.setdefault(key, line)) is not line:
            faults.append(Fault(line.place, f"与 {first.place} 是同一个项目，请删去一行。"))
    return chosen


def _named(content: Content, pages: Sequence[Page]) -> Page | None:
    """The sheet of a project: by code, else by name where the codes do not gainsay."""
    for part in PROJECT:
        text = bare(content.fields.get(part, ""))
        for page in pages:
            codes = {bare(code) for code in (content.fields.get("project_code", ""), page.project.get("project_code", "")) if code}
            if text and bare(page.project.get(part, "")) == text and len(codes) < 2:
                return page
    return None


def _fill(form: Form, page: Page, line: Line, entries: Sequence[Entry], faults: list[Fault]) -> Fill:
    laid, (down, across) = plan(form), ORIGIN
    new = []
    for entry in entries:
        there = _text(page.sheet, entry.row, entry.slot.area.left)
        blank = bare(HOLE.sub("", entry.slot.text)) if entry.slot.kind in ("input", "pattern") else ""
        told = entry.value if isinstance(entry.value, str) else f"{entry.value.normalize():f}"
        if not there or bare(there) == blank:
            new.append(entry)
        elif bare(there) != bare(told):
            faults.append(Fault(line.place, f"{page.sheet.name} 的“{entry.slot.label}”已经填了“{there}”，与清单里的“{told}”不同，没有改。请先定下用哪一个。"))
    return Fill(
        {(entry.row + down, entry.slot.area.left + across): entry.value for entry in new},
        {row + down: (points, laid.rows[row].height is None) for row, points in fitted_heights(laid, new).items()},
        frozenset(entry.row + down for entry in new if laid.rows[entry.row].hidden),
    )


def _recalculated(mould: Mould) -> Mould:
    """Have the program that opens the workbook calculate its formulas anew: what they repeat has just been filled in."""
    text = mould.texts[WORKBOOK]
    if "fullCalcOnLoad" not in text:
        mould.replace(WORKBOOK, re.sub(r"<calcPr\b", '<calcPr fullCalcOnLoad="1"', text, count=1))
    return mould
