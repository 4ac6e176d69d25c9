"""A form as drawn, and a workbook for a unit made of it: its cells filled in, its stamps written."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from xml.sax.saxutils import escape

from xlgoals.contents import FormSheet
from xlgoals.entries import Entry, fitted_heights
from xlgoals.forms import Binder, Form
from xlgoals.layout import ORIGIN, plan
from xlgoals.mould import Fill, Mould, MouldError
from xlgoals.pen import RenderError
from xlgoals.records import RowCol, Stamp
from xlgoals.stamp import PROPERTY, VERSION, sheet_stamps, stamp_text

NUMBERED = "own_{}"  # how a formula of `Drawn.formulas` is written first
_NUMBERED = re.compile(rb"<f>own_(\d+)</f>")
CUSTOM_HEIGHT = re.compile(rb'(<row r="(\d+)"[^>]*?) customHeight="1"')
PROPERTY_MOST = 255
META = (1, 0)  # where the stamp of the whole stands on the sheet that only programs see
Told = Callable[[Stamp], str]
Own = tuple[str, RowCol, Told]  # sheet, cell, and what stands there
Notice = tuple[str, int, Callable[[str], float]]  # sheet, row, and how high it must be for a text


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the drawing of a form leaves to be told for each unit."""

    binder: Binder
    count: int
    meta: str  # the sheet that only programs see
    sheets: Sequence[FormSheet]
    own: Sequence[Own]
    words: Mapping[str, Told]  # marked in the package
    notice: Notice
    growing: Mapping[str, set[int]]  # sheet part -> rows (from one) whose height Excel may refit
    formulas: tuple[str, ...] = ()  # those that were written by number


class Blank:
    """A form as drawn; a workbook for a unit is this with its cells filled in."""

    def __init__(self, package: bytes, drawn: Drawn) -> None:
        self.binder, self.count, self.sheets, self.meta = drawn.binder, drawn.count, drawn.sheets, drawn.meta
        self.own, self.words, self.notice, self.carried_tab = drawn.own, drawn.words, drawn.notice, drawn.sheets[0].form.looks.carried_tab
        self.mould = Mould(package, _mended(package, drawn), marks=True)
        self.inputs = {form: {(s.area.top, s.area.left) for s in plan(form).slots if s.kind in ("input", "pattern")} for form in dict.fromkeys(one.form for one in self.sheets)}

    def issue(
        self, stamp: Stamp, content: Sequence[Sequence[Entry]] = (), projects: Sequence[str] = (), *, key: bytes = b"", notice: str = "",
        carried: Container[int] = (),
    ) -> bytes:  # fmt: skip
        """A workbook for whom `stamp` says. `content` is what stands in its project sheets beforehand, `projects` what each is
        stamped with; `key` signs the stamps. `notice` is shown on the guide; the tabs of the sheets numbered (from one) in
        `carried` have a colour of their own."""
        if len(content) > self.count:
            raise RenderError(f"content for {len(content)} sheets, {self.count} asked for")
        stamp = replace(stamp, version=VERSION, form=self.binder.id, digest=self.binder.digest, instance="", project="")
        cells: dict[str, dict[RowCol, str | Decimal]] = {}
        for sheet, spot, make in self.own:
            if text := make(stamp):
                cells.setdefault(sheet, {})[spot] = text
        heights: dict[str, dict[int, tuple[float, bool]]] = {}
        if notice:
            sheet, row, height = self.notice
            cells.setdefault(sheet, {})[row, 0] = notice
            heights[sheet] = {row: (height(notice), True)}
        fills = {}
        named = [projects[one.seq - 1] if one.project and one.seq <= len(projects) else "" for one in self.sheets]
        told = ((one.form.id, one.form.digest, f"p{one.seq:02}", project) for one, project in zip(self.sheets, named, strict=True))
        for (name, form, seq, own_project, _), own in zip(self.sheets, sheet_stamps(stamp, key, told), strict=True):
            known: Sequence[Entry] = content[seq - 1] if own_project and seq <= len(content) else ()
            put = {**cells.get(name, {}), (0, plan(form).width): own}
            fills[name] = self._fill(name, form, known, put, self.carried_tab if seq in carried and own_project else "")
        whole = cells.setdefault(self.meta, {})[META] = stamp_text(stamp, key)
        for name in cells.keys() - fills.keys():
            fills[name] = Fill(cells[name], heights.get(name, {}))
        words = {word: make(stamp) for word, make in self.words.items()}
        words[PROPERTY] = whole if _fits_property(whole) else _property(stamp, key)
        try:
            return self.mould.cast(fills, words)
        except MouldError as error:
            raise RenderError(str(error)) from error

    def _fill(self, name: str, form: Form, content: Sequence[Entry], put: dict[RowCol, str | Decimal], tab: str) -> Fill:
        """A form sheet with what was known before and the entries that hold anything."""
        laid, (down, across) = plan(form), ORIGIN
        inputs, spots = self.inputs[form], set()
        shown = []
        for slot, row, value in content:
            spot = row, slot.area.left
            if spot in spots or (value != "" and spot not in inputs):
                raise RenderError(f"{name}: an entry twice in a cell, or where nobody fills in")
            spots.add(spot)
            if value != "":
                put[row + down, slot.area.left + across] = value
                if laid.rows[row].hidden:
                    shown.append(row + down)
        heights = {row + down: (points, laid.rows[row].height is None) for row, points in fitted_heights(laid, content).items()}
        return Fill(put, heights, frozenset(shown), tab)


def _mended(package: bytes, drawn: Drawn) -> dict[str, bytes]:
    """What the writer cannot do, by the parts changed. Rows with a height of their own still grow: it marks every height as set by
    hand, and Excel never refits such a row. And formulas written by number get their text."""
    changed, formulas = {}, [f"<f>{escape(text.removeprefix('='))}</f>".encode() for text in drawn.formulas]
    with zipfile.ZipFile(io.BytesIO(package)) as source:
        for part in (name for name in source.namelist() if name.startswith("xl/worksheets/sheet")):
            was = made = source.read(part)
            if rows := drawn.growing.get(part):
                made = CUSTOM_HEIGHT.sub(lambda row, rows=rows: row[1] if int(row[2]) in rows else row[0], made)  # type: ignore[misc]
            made = _NUMBERED.sub(lambda number: formulas[int(number[1])], made)
            if made != was:
                changed[part] = made
    return changed


def _property(stamp: Stamp, key: bytes) -> str:
    """A stamp too long for a document property, without the names: every sheet holds them."""
    shorter = (stamp_text(replace(stamp, department="", unit="", cycle=cycle), key) for cycle in (stamp.cycle, ""))
    return next(filter(_fits_property, shorter), "")


def _fits_property(text: str) -> bool:
    return len(text.encode("utf-16-le")) <= 2 * PROPERTY_MOST
