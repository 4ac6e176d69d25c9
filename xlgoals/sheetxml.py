"""Worksheet XML scanned as bytes: formulas, errors, number formats, merges and what is hidden.

A sheet in an unusual spelling is first rewritten in the usual one; so there is one scanner, and the native reader cannot
understand such a sheet differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from xlgoals.cellxml import CELL, NotPlain, Texts, plain_values
from xlgoals.errors import Refused
from xlgoals.limits import COLUMNS_MOST, ROWS_MOST, Limits
from xlgoals.ownformulas import OWN, OWN_BYTES
from xlgoals.records import Area, RowCol, Sheet, cell_spot, column_name
from xlgoals.respell import ADDRESS, rewritten_sheet
from xlgoals.rowxml import BLANK, Cutter, Frame, PlainRows, Values, framed, laid_out
from xlgoals.safexml import MAIN, checked, encoded, unescaped

_CELL = re.compile(
    rb'<c r="([A-Z]{1,3}+[1-9][0-9]{0,6}+)"(?: s="[0-9]++")?+'
    rb'(?: t="s"><v>|(?: t="(?:s|str|n|b|e|d|inlineStr)")?+(?: (?:cm|vm|ph)="[0-9]++")*+(?:/>|>(?=<)))'
)
_ROW = re.compile(rb'<row r="([1-9][0-9]{0,6}+)"((?: [\w:]+="[^"<>]*")*+) ?/?>')
_HIDDEN_ROW = re.compile(rb'<row r="([1-9][0-9]{0,6}+)"(?: (?!hidden)[\w:]++="[^"<>]*+")*+ hidden="(1|0|true|false)"')
_FORMULA = re.compile(rb"><f((?: [\w:]+=\"[^\"<>/]*\")*+)(?:/>|>([^<]*+)</f>)")
_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_ERROR = re.compile(rb' t="e"[^<>]*+>(?:<f(?:[^<>/]*+/>|[^<>]*+>[^<]*+</f>))?+(?:<v>([^<]*+)</v>)?')
_MERGE = re.compile(rb'<mergeCell ref="([A-Z]{1,3}+[0-9]{1,7}+)(?::([A-Z]{1,3}+[0-9]{1,7}+))?"')
_COLUMN = re.compile(rb"<col ([^<>]*)>")
_ROWS = b"<sheetData>"
_OPENED, _CLOSED = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode(), b"</sheetData></worksheet>"
_DIGITS, _LETTERS = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Odd(Exception):
    """A sheet is not spelled as Excel, WPS, LibreOffice and the common libraries spell it."""


class Scanner:
    """Scans the sheets of one workbook, with limits over all of them."""

    def __init__(self, limits: Limits, formats: Mapping[int, str], texts: Texts | None = None) -> None:
        self.limits, self.flags = limits, set[str]()
        self.texts = texts  # None when the native reader has to tell the values
        self.formats = {b"%d" % style: code for style, code in formats.items()}
        self.cutter = Cutter()
        self.known: dict[bytes, tuple[Frame, Values] | None] = {}
        self.cells = self.area = self.merged = self.merges = 0
        ids = b"|".join(sorted(self.formats)) if len(formats) <= 64 else b"[0-9]+"
        cell = rb'<c r="([A-Z]{1,3}+[1-9][0-9]{0,6}+)" s="(' + ids + rb')"(?: t="n")?(?: (?:cm|vm|ph)="[0-9]+")*><[vf]'
        self.number = re.compile(cell) if formats else None

    def sheet(self, part: bytes, bare: Sheet) -> tuple[Sheet, Sequence[bytes]]:
        """Scan a sheet, so far bare; where it is spelled unusually, rewrite it first. Returns with it what `readable` is made of."""
        before = self.cells, self.area, self.merged, self.merges
        encoded(part)
        try:
            return self.scan(part, bare)
        except _Odd:
            self.texts = None
            self.cells, self.area, self.merged, self.merges = before
            if len(part) > self.limits.odd_bytes:
                raise self.limits.beyond("odd_bytes", f"工作表“{bare.name[:31]}”的写法少见，又过大") from None
        part = rewritten_sheet(checked(part), self.limits)
        try:
            return self.scan(part, bare)
        except _Odd:
            raise Refused("file.damaged", f"工作表“{bare.name[:31]}”内容不合规范") from None

    def scan(self, part: bytes, bare: Sheet) -> tuple[Sheet, Sequence[bytes]]:
        limits, name = self.limits, bare.name
        start, end = _inside(part)
        head, tail = part[:start], part[end:]
        rows, own = zip(*self.cutter.rows(part, start, end), strict=True)
        plain, others = self.plain_rows(rows)
        body = BLANK.sub(b"", b"</row>".join(others))
        # names count without their prefix, as for the native reader: so a prefixed cell must not stand beside usual ones
        if any(b"<!" in piece for piece in (head, body, tail)) or b"<?" in body or (b":" in body and b":c" in body) or b":sheetData" in head or b"</sheetData" in body:
            raise _Odd
        count = body.count(b"<c")
        self.cells += count + len(plain.addresses)
        if self.cells > limits.cells:
            raise limits.beyond("cells", "有内容的单元格过多")
        cells = CELL.findall(body) if self.texts is not None else []
        addresses = [address for address, _, _ in cells] if len(cells) == count else _CELL.findall(body)
        if len(addresses) != count:
            raise _Odd
        addresses += plain.addresses
        if len(set(addresses)) != len(addresses):
            raise Refused("file.damaged", f"工作表“{name[:31]}”中同一单元格出现两次")
        self.measure(addresses, name)
        if len(body) > limits.text_bytes and max(map(len, body.split(b"<"))) > limits.text_bytes:
            raise limits.beyond("text_bytes", f"工作表“{name[:31]}”有一个单元格文字过长")
        values, lost = self.values(plain.values, cells if len(cells) == count else None)
        facts = replace(
            bare,
            rows=values,
            formulas=_ordered(plain.formulas, self.find_formulas(body)),
            errors=_ordered(_find_errors(body), lost),
            formats=_ordered({spot: self.formats[style] for spot, style in plain.styles.items() if style in self.formats}, self.find_formats(body)),
            merges=self.find_merges(tail, name),
            hidden_rows=_find_hidden_rows(body).union(plain.hidden),
            hidden_cols=_find_hidden_columns(head),
            own=frozenset().union(*own),
        )
        return facts, rows

    def plain_rows(self, rows: Sequence[bytes]) -> tuple[PlainRows, Sequence[bytes]]:
        """The rows of plain cells, and those that are to be scanned."""
        plain, others = PlainRows(), []
        for row in rows:
            if row not in self.known:
                self.known[row] = self.read(row)
            found = self.known[row]
            if found is None or not plain.take(*found):
                others.append(row)
        return plain, others

    def read(self, row: bytes) -> tuple[Frame, Values] | None:
        """A row of plain cells with its values, read once for all sheets of the workbook; None where it is none."""
        frame, written = framed(row) if len(row) <= self.limits.text_bytes else (None, ())
        if frame is None or self.texts is None:
            return None if frame is None else (frame, ())
        try:
            return frame, frame.values(written, self.texts)
        except NotPlain:
            return None

    def values(self, plain: Mapping[int, Values], cells: list[tuple[bytes, bytes, bytes]] | None) -> tuple[Any, dict[RowCol, str]]:
        """The values of cells of the plainest kind, as rows that are still to be finished; none once the native reader is needed."""
        if cells is None or self.texts is None:
            self.texts = None
            return (), {}
        try:
            others, lost = plain_values(cells, self.texts)
        except NotPlain:
            self.texts = None
            return (), {}
        return laid_out(plain, others), lost

    def measure(self, addresses: list[bytes], name: str) -> None:
        """Refuse a sheet that a dense reader would lay out in more memory than allowed."""
        if max(map(len, addresses), default=0) > 3:  # else at most row 99 and column ZZ: small
            joined = b" ".join(addresses)
            bottom = max(map(int, joined.translate(None, _LETTERS).split()), default=0)
            right = max((cell_spot(c + b"1")[1] + 1 for c in set(joined.translate(None, _DIGITS).split())), default=0)
            if bottom > ROWS_MOST or right > COLUMNS_MOST:
                raise Refused("file.damaged", f"工作表“{name[:31]}”有超出范围的单元格")
            self.area += bottom * right
        if self.area > self.limits.area:
            raise self.limits.beyond("area", f"工作表“{name[:31]}”在很远的位置有内容，数据区域过大")

    def find_formulas(self, body: bytes) -> dict[RowCol, str]:
        expected = body.count(b"<f")
        if not expected:
            return {}
        found: dict[RowCol, str] = {}
        shared: dict[bytes, tuple[RowCol, str]] = {}
        matches = list(_formulas(body))
        if len(matches) != expected:
            raise _Odd
        if b"DISPIMG" in body:
            self.flags.add("pictures_in_cells")
        for match in matches:
            spot = _cell_before(body, match.start() + 1)
            raw = match[2] or b""
            text = OWN if OWN_BYTES in raw else unescaped(raw)
            given = dict(_ATTRIBUTE.findall(match[1])) if match[1] else {}
            if given.get(b"t") == b"shared":
                if text:
                    shared[given.get(b"si", b"")] = spot, text
                else:
                    master, text = shared.get(given.get(b"si", b""), (spot, "?"))
                    text = moved_formula(text, spot[0] - master[0], spot[1] - master[1])
            elif given.get(b"t") in (b"array", b"dataTable") and b":" in given.get(b"ref", b""):
                for covered in self.covered(given[b"ref"]):
                    found[covered] = text or "?"
            found[spot] = text or "?"
        return found

    def covered(self, reference: bytes) -> Iterator[RowCol]:
        first, _, last = reference.partition(b":")
        if not (ADDRESS.fullmatch(first) and ADDRESS.fullmatch(last)):
            raise _Odd
        (top, left), (bottom, right) = cell_spot(first), cell_spot(last)
        self.merged += max(0, bottom - top + 1) * max(0, right - left + 1)
        if self.merged > self.limits.area:
            raise self.limits.beyond("area", "数组公式覆盖的区域过大")
        return ((row, col) for row in range(top, bottom + 1) for col in range(left, right + 1))

    def find_formats(self, body: bytes) -> dict[RowCol, str]:
        cells = self.number.findall(body) if self.number else ()
        return {cell_spot(address): self.formats[style] for address, style in cells if style in self.formats}

    def find_merges(self, tail: bytes, name: str) -> tuple[Area, ...]:
        start = tail.find(b"<mergeCells")
        if start < 0:
            if b":mergeCell" in tail:
                raise _Odd
            return ()
        areas, covered = _merged(tail[start : tail.find(b"</mergeCells>", start)])
        self.merges += len(areas)
        self.merged += covered
        if self.merges > self.limits.merges or self.merged > self.limits.area:
            raise self.limits.beyond("merges" if self.merges > self.limits.merges else "area", f"工作表“{name[:31]}”合并的单元格过多或过大")
        return areas


def readable(rows: Sequence[bytes]) -> bytes:
    """A sheet of its rows alone, for the native reader."""
    return b"".join((_OPENED, b"</row>".join(rows), _CLOSED))


def _ordered(*found: Mapping[RowCol, str]) -> dict[RowCol, str]:
    """What was found in cells, from top to bottom, whichever way it was found."""
    return dict(sorted(item for some in found for item in some.items()))


def _inside(part: bytes) -> tuple[int, int]:
    """Where the rows of a sheet begin and end."""
    start = part.find(b"<sheetData")
    if part.startswith(b"<sheetData/>", start):
        return start, start
    end = part.rfind(b"</sheetData>")
    if end < start or not part.startswith(_ROWS, start):
        raise _Odd
    return start + len(_ROWS), end


@lru_cache(maxsize=256)
def _merged(listed: bytes) -> tuple[tuple[Area, ...], int]:
    """Read a list of merged areas, and how many cells they cover. The sheets of a form have the same list again and again."""
    matches = _MERGE.findall(listed)
    if len(matches) != listed.count(b"<mergeCell "):
        raise _Odd
    areas = tuple(Area(*cell_spot(first), *cell_spot(last or first)) for first, last in matches)
    return areas, sum((bottom - top + 1) * (right - left + 1) for top, left, bottom, right in areas)


def _formulas(body: bytes) -> Iterator[re.Match[bytes]]:
    """The formulas of a sheet; most sheets have few, so they are sought by their beginning."""
    at = body.find(b"><f")
    while at >= 0:
        match = _FORMULA.match(body, at)
        if match:
            yield match
        at = body.find(b"><f", match.end() if match else at + 1)


def _cell_before(body: bytes, end: int) -> RowCol:
    cell = _CELL.match(body, max(0, body.rfind(b"<c ", 0, end)))
    if cell is None:  # no cell at all: broken XML
        raise _Odd
    return cell_spot(cell[1])


def _find_errors(body: bytes) -> dict[RowCol, str]:
    if b' t="e"' not in body:
        return {}
    found = {}
    for match in _ERROR.finditer(body):
        start = body.rfind(b"<c ", 0, match.start() + 1)
        tag = _CELL.match(body, start)
        if tag and tag.end() > match.start():  # else these are words of a text
            found[cell_spot(tag[1])] = unescaped(match[1] or b"") or "#?"
    return found


def _find_hidden_rows(body: bytes) -> frozenset[int]:
    if b"hidden" not in body:
        return frozenset()
    hidden = _HIDDEN_ROW.findall(body)
    if len(hidden) == body.count(b"hidden"):
        return frozenset(int(number) - 1 for number, given in hidden if given in (b"1", b"true"))
    rows = _ROW.findall(body)  # the word also stands in a text, or is spelled unusually
    if len(rows) != body.count(b"<row"):
        raise _Odd
    return frozenset(int(number) - 1 for number, given in rows if b' hidden="1"' in given or b' hidden="true"' in given)


def _find_hidden_columns(head: bytes) -> frozenset[int]:
    start = head.find(b"<cols>")
    columns = head[start : head.find(b"</cols>")] if start >= 0 else b""
    if b"hidden" in columns:
        return _hidden(columns)
    if b":cols" in head or (start < 0 and b"<cols" in head):
        raise _Odd
    return frozenset()


@lru_cache(maxsize=256)
def _hidden(columns: bytes) -> frozenset[int]:
    """The columns that are hidden, of those listed. The sheets of a form have the same list again and again."""
    found = _COLUMN.findall(columns)
    if len(found) != columns.count(b"<col ") or b"'" in columns:
        raise _Odd
    hidden: set[int] = set()
    for text in found:
        given = dict(_ATTRIBUTE.findall(text))
        if given.get(b"hidden") in (b"1", b"true"):
            try:
                hidden.update(range(int(given[b"min"]) - 1, min(int(given[b"max"]), COLUMNS_MOST)))
            except (KeyError, ValueError):
                raise _Odd from None
    return frozenset(hidden)


# a quoted text or sheet name (kept), or a reference that is not the beginning of a longer word or of a function
_REFERENCE = re.compile(r"(\"[^\"]*\"|'[^']*')|(?<![A-Za-z0-9_.$\\?])(\$?)([A-Z]{1,3})(\$?)([0-9]{1,7})(?![A-Za-z0-9_.(])")


def moved_formula(text: str, rows: int, cols: int) -> str:
    """Say what a shared formula reads in a cell so far from the one it was written in: B2*2, one down -> B3*2."""

    def shift(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        row, col = cell_spot(f"{match[3]}{match[5]}".encode())
        row, col = row if match[4] else row + rows, col if match[2] else col + cols
        if not (0 <= row < ROWS_MOST and 0 <= col < COLUMNS_MOST):
            return "#REF!"
        return f"{match[2]}{column_name(col)}{match[4]}{row + 1}"

    return _REFERENCE.sub(shift, text) if rows or cols else text
