"""A workbook package as a mould: cells are filled in again and again, and only the parts that differ are written and deflated anew.

What stays is copied as it lies in the zip file, compressed. Texts go to the end of the shared strings, so that what is fixed keeps
its numbers; a sheet filled in the same cells with the same numbers is the same part, and is kept for the next workbook. Words that
stand elsewhere (page headers, properties, formulas) are marked in the package by `mark`; a sheet is deflated up to the first such
mark and kept, the few bytes behind it follow as a deflate stream of their own.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from xml.sax.saxutils import unescape

from xlgoals.entries import TEXT_MOST, fits_cell
from xlgoals.errors import XlgoalsError
from xlgoals.records import RowCol, cell_name, cell_spot

EXACT_DIGITS = 15  # what Excel keeps of a number
KEPT = 4096  # filled sheets kept for further workbooks
LEVEL, QUICK, SHORT = 6, 1, 400  # how hard what is kept is deflated, and what is written once; less than SHORT is not
MARK = re.compile("\ue000(\\w+)\ue001")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")
SAFE = TEXT_MOST // 2  # letters that fit in a cell, whatever they are
ODD = "&<>_"  # what may stand otherwise in a file
ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
ROW = re.compile(r"<row\b([^>]*?)(?:/>|>(.*?)</row>)", re.DOTALL)
CELL = re.compile(r'<c r="([A-Z]+[0-9]+)"([^>]*?)(?:/>|>.*?</c>)', re.DOTALL)
SST = re.compile(r"<sst\b[^>]*>", re.DOTALL)
STRINGS, WORKBOOK = "xl/sharedStrings.xml", "xl/workbook.xml"
_COMMON, _PLACE = struct.Struct("<HHHHHIIIHH"), struct.Struct("<I")  # of a member's headers
TAB = re.compile(r'<tabColor rgb="[0-9A-F]*"/>')


class MouldError(XlgoalsError):
    """The package is not built as the programs we know build one."""


def mark(key: str) -> str:
    """What stands in a package for words that are told only when it is cast."""
    return f"\ue000{key}\ue001"


class Fill(NamedTuple):
    """What is put into one sheet; rows and columns count from zero. An amount is a Decimal. `heights` tells the points of rows, and
    whether the row may still grow; `shown` are rows no longer hidden; `tab` the colour of the sheet's tab, where it is another."""

    cells: Mapping[RowCol, str | Decimal]
    heights: Mapping[int, tuple[float, bool]] = {}
    shown: frozenset[int] = frozenset()
    tab: str = ""


Told = tuple[RowCol, int | str]  # what stands in a cell: the number of a shared string, or an amount as it is written


class Member(NamedTuple):
    """One part of a package as it lies in the file."""

    name: str
    method: int
    crc: int
    size: int  # unpacked
    raw: bytes


class _Head(NamedTuple):
    """A sheet up to its first mark, deflated so that more may follow; `rest` is what follows, words and marks in turn."""

    raw: bytes
    crc: int
    size: int
    rest: tuple[str, ...]


class _Sheet(NamedTuple):
    """A sheet taken apart: what stands before its rows, the rows (text, from one), what stands behind."""

    before: str
    rows: Mapping[int, str]
    behind: str


class Mould:
    """A package to cast workbooks from. `changed` are parts that replace those of the package, `marks` tells whether words in it
    are marked; in a foreign package nothing is taken for a mark."""

    def __init__(self, package: bytes, changed: Mapping[str, bytes] | None = None, *, marks: bool = False) -> None:
        self.marks = marks
        self.members: list[Member] = []
        texts: dict[str, str] = {}
        changed = changed or {}
        with zipfile.ZipFile(io.BytesIO(package)) as source:
            for member in members(package, source):
                name = member.name
                self.members.append(packed(name, changed[name]) if name in changed else member)
                if name.endswith((".xml", ".rels")):
                    texts[name] = (changed.get(name) or source.read(name)).decode()
        self.sheets = _sheet_parts(texts)
        self.marked = [name for name, text in texts.items() if marks and MARK.search(text)]
        self.texts = {name: texts[name] for name in (WORKBOOK, *self.sheets.values(), *self.marked) if name in texts}
        self.apart: dict[str, _Sheet] = {}
        self.kept: dict[object, _Head] = {}
        self.last: tuple[tuple[str, ...], bytes, bytes] = ((), b"", b"")
        head = SST.search(texts.get(STRINGS, ""))
        if not head or not texts[STRINGS].rstrip().endswith("</sst>"):
            raise MouldError("工作簿里没有文字表，不是用下发的表另存的。请用下发的原始空表。")
        self.strings = texts[STRINGS][head.end() :].rstrip().removesuffix("</sst>").encode()
        self.strings_raw = _deflated(self.strings, last=False)
        self.strings_before = texts[STRINGS][: head.start()]
        self.string_head = re.sub(r'\s(?:count|uniqueCount)="\d*"', "", head[0]).removesuffix(">")
        self.string_count = len(re.findall(rb"<si\b", self.strings))
        counted = re.search(r'\scount="(\d+)"', head[0])
        self.string_uses = int(counted[1]) if counted else self.string_count
        self.packages = [Packed.of(member) for member in self.members]

    def replace(self, part: str, text: str) -> None:
        """Let a part say something else from now on."""
        at = next(n for n, member in enumerate(self.members) if member.name == part)
        self.members[at] = packed(part, text.encode())
        self.packages[at] = Packed.of(self.members[at])

    def cast(self, fills: Mapping[str, Fill], words: Mapping[str, str] | None = None) -> bytes:
        """The package with its sheets (by name) filled in, and its marks replaced. Equal input gives equal bytes."""
        numbers: dict[str, int] = {}
        known, uses = self.string_count, 0
        self.last = ((), b"", b"")
        new: dict[str, Packed] = {}
        for name, part in self.sheets.items():
            fill = fills.get(name)
            if fill is None:
                continue
            cells: list[Told] = []
            for spot, value in fill.cells.items():
                told = None if isinstance(value, str) else amount_text(value)
                if told is None:
                    number = numbers.setdefault(value if isinstance(value, str) else f"{value:f}", known + len(numbers))
                    cells.append((spot, number))
                    uses += 1
                else:
                    cells.append((spot, told))
            new[part] = self._finished(part, self._head(part, tuple(cells), fill), words or {})
        for part in self.marked:
            if part not in new:
                new[part] = self._finished(part, self._head(part, (), None), words or {})
        if numbers:
            new[STRINGS] = Packed.of(self._strings(numbers, uses))
        return assemble([new.get(member.name, kept) for member, kept in zip(self.members, self.packages, strict=True)])

    def _strings(self, numbers: Mapping[str, int], uses: int) -> Member:
        start = f'{self.strings_before}{self.string_head} count="{self.string_uses + uses}" uniqueCount="{self.string_count + len(numbers)}">'.encode()
        end = f"{_strings_of(numbers)}</sst>".encode()
        crc = zlib.crc32(end, zlib.crc32(self.strings, zlib.crc32(start)))
        raw = _deflated(start, last=False) + self.strings_raw + _deflated(end, level=QUICK)
        return Member(STRINGS, zipfile.ZIP_DEFLATED, crc, len(start) + len(self.strings) + len(end), raw)

    def _head(self, part: str, cells: tuple[Told, ...], fill: Fill | None) -> _Head:
        key = (part, cells, tuple(fill.heights.items()), fill.shown, fill.tab) if fill else part
        found = self.kept.get(key)
        if found is None:
            text = self._filled(part, cells, fill) if fill else self.texts[part]
            pieces = MARK.split(text) if self.marks else [text]
            data = pieces[0].encode()
            found = _Head(_deflated(data, last=len(pieces) == 1), zlib.crc32(data), len(data), tuple(pieces[1:]))
            if len(self.kept) >= KEPT:
                self.kept.clear()
            self.kept[key] = found
        return found

    def _finished(self, part: str, head: _Head, words: Mapping[str, str]) -> Packed:
        if not head.rest:
            return Packed.made(part, zipfile.ZIP_DEFLATED, head.crc, head.size, head.raw)
        if self.last[0] != head.rest:  # mostly the same for all sheets of a workbook
            rest = "".join([piece if i % 2 else _escaped(words.get(piece, "")) for i, piece in enumerate(head.rest)]).encode()
            self.last = head.rest, rest, _deflated(rest)
        _, rest, raw = self.last
        return Packed.made(part, zipfile.ZIP_DEFLATED, zlib.crc32(rest, head.crc), head.size + len(rest), head.raw, raw)

    # --- a sheet

    def _filled(self, part: str, cells: Sequence[Told], fill: Fill) -> str:
        sheet = self.apart.get(part) or self.apart.setdefault(part, _taken_apart(self.texts[part]))
        rows = dict(sheet.rows)
        by_row: dict[int, list[tuple[int, int | str]]] = {}
        for (row, col), told in cells:
            by_row.setdefault(row + 1, []).append((col, told))
        touched = {*by_row, *(row + 1 for row in (*fill.heights, *fill.shown))}
        for number in touched:
            found = ROW.fullmatch(rows.get(number, f'<row r="{number}"></row>'))
            if found is None:  # cannot be: rows were cut out by this very pattern
                raise MouldError(f"第 {number} 行")
            attributes = found[1]
            if number - 1 in fill.heights:
                points, grows = fill.heights[number - 1]
                attributes = re.sub(r'\s(?:ht|customHeight)="[^"]*"', "", attributes) + f' ht="{points:g}"' + ("" if grows else ' customHeight="1"')
            if number - 1 in fill.shown:
                attributes = re.sub(r'\shidden="[^"]*"', "", attributes)
            rows[number] = f"<row{attributes}>{_with_cells(found[2] or '', number, by_row.get(number, ()))}</row>"
        ordered = rows.values() if rows.keys() == sheet.rows.keys() else (rows[number] for number in sorted(rows))
        before = TAB.sub(f'<tabColor rgb="FF{fill.tab}"/>', sheet.before, count=1) if fill.tab else sheet.before
        return before + "".join(ordered) + sheet.behind


def _with_cells(inner: str, row: int, cells: Iterable[tuple[int, int | str]]) -> str:
    """A row's cells with some of them filled in; a cell keeps its look."""
    for col, told in cells:
        ref = cell_name(row - 1, col)
        value = f' t="s"><v>{told}</v></c>' if isinstance(told, int) else f"><v>{told}</v></c>"
        for found in CELL.finditer(inner):
            if found[1] == ref:
                look = re.search(r'\ss="\d+"', found[2])
                inner = f'{inner[: found.start()]}<c r="{ref}"{look[0] if look else ""}{value}{inner[found.end() :]}'
                break
            if cell_spot(found[1].encode())[1] > col:
                inner = f'{inner[: found.start()]}<c r="{ref}"{value}{inner[found.start() :]}'
                break
        else:
            inner += f'<c r="{ref}"{value}'
    return inner


def _taken_apart(text: str) -> _Sheet:
    start = re.search(r"<sheetData>|<sheetData\s[^>/]*>", text)
    end = text.find("</sheetData>")
    if start is None or end < 0:
        raise MouldError("工作表里没有表格内容，不是下发的表。请用下发的原始空表。")
    rows = {}
    for found in ROW.finditer(text, start.end(), end):
        number = re.search(r'\sr="(\d+)"', found[1])
        if number is None:
            raise MouldError("工作表的行没有编号，不是下发的表。请用下发的原始空表。")
        rows[int(number[1])] = found[0]
    return _Sheet(text[: start.end()], rows, text[end:])


def _sheet_parts(texts: Mapping[str, str]) -> dict[str, str]:
    """The sheets of a workbook by name, in order, with the part that holds each: found by relationships."""
    targets = {}
    for tag in re.findall(r"<Relationship\b[^>]*>", texts.get("xl/_rels/workbook.xml.rels", "")):
        told = dict(re.findall(r'\s([\w:]+)="([^"]*)"', tag))
        target = told["Target"]
        targets[told["Id"]] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    found = {}
    for tag in re.findall(r"<sheet\s[^>]*>", texts.get(WORKBOOK, "")):
        told = dict(re.findall(r'\s([\w:]+)="([^"]*)"', tag))
        part = targets.get(told.get("r:id", ""), "")
        if part in texts:
            found[unescape(told["name"], {"&quot;": '"', "&apos;": "'"})] = part
    return found


# --- values ------------------------------------------------------------------------------------------------------------


def amount_text(amount: Decimal) -> str | None:
    """An amount as a number in a file; None for one of more than 15 digits, which must be text: Excel keeps no more of a number, and
    the cents of what comes back would be others."""
    if len(amount.normalize().as_tuple().digits) > EXACT_DIGITS:
        return None
    return repr(float(amount)).removesuffix(".0")


def _strings_of(texts: Collection[str]) -> str:
    """Shared strings one after another; all at once where no letter in any of them is odd."""
    whole = "".join(texts)
    if len(whole) <= SAFE and whole.isprintable() and not any(odd in whole for odd in ODD) and all(text[:1] != " " != text[-1:] for text in texts):
        return f"<si><t>{'</t></si><si><t>'.join(texts)}</t></si>"
    return "".join(map(_si, texts))


def _si(text: str) -> str:
    """One shared string; what XML or Excel would not keep is escaped as Excel does."""
    if text.isprintable() and text == text.strip() and not ("&" in text or "<" in text or ">" in text or "_" in text) and len(text) <= SAFE:
        return f"<si><t>{text}</t></si>"  # stands in a file as it is: nearly every text
    if not fits_cell(text):
        raise MouldError("有文字太长，或有单元格存不下的字符。")
    space = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
    text = CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", _escaped(ESCAPED.sub("_x005F_", text)))
    return f"<si><t{space}>{text}</t></si>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- zip ---------------------------------------------------------------------------------------------------------------


def _deflated(data: bytes, *, last: bool = True, level: int = LEVEL) -> bytes:
    """Deflate; what is not the last ends at a byte, and a stream of its own can follow it."""
    if len(data) < SHORT:  # stored in one block: setting a compressor up takes longer than it saves
        return struct.pack("<BHH", last, len(data), len(data) ^ 0xFFFF) + data
    bits = min(max(len(data).bit_length(), 10), 15)  # a window larger than the data only takes time to lay out
    stream = zlib.compressobj(level, zlib.DEFLATED, -bits, min(bits - 6, zlib.DEF_MEM_LEVEL))
    return stream.compress(data) + stream.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def packed(name: str, data: bytes) -> Member:
    return Member(name, zipfile.ZIP_DEFLATED, zlib.crc32(data), len(data), _deflated(data))


def members(package: bytes, opened: zipfile.ZipFile) -> Iterator[Member]:
    """The members of a package as they lie."""
    for info in opened.infolist():
        name, extra = struct.unpack_from("<HH", package, info.header_offset + 26)
        start = info.header_offset + 30 + name + extra
        yield Member(info.filename, info.compress_type, info.CRC, info.file_size, package[start : start + info.compress_size])


class Packed(NamedTuple):
    """A member with its headers: all that a zip file says of it but its place. What lies compressed in it may come in two pieces."""

    local: bytes
    raw: bytes
    more: bytes
    central: bytes
    name: bytes

    @classmethod
    def of(cls, member: Member) -> Packed:
        return cls.made(*member)

    @classmethod
    def made(cls, part: str, method: int, crc: int, size: int, raw: bytes, more: bytes = b"") -> Packed:
        name = part.encode()
        flags = 0 if len(name) == len(part) else 0x800
        # version 2.0, 1 January 1980: equal input gives equal bytes
        common = _COMMON.pack(20, flags, method, 0, 33, crc, len(raw) + len(more), size, len(name), 0)
        return cls(b"PK\3\4" + common + name, raw, more, b"PK\1\2\x14\0" + common + b"\0" * 10, name)


def assemble(members: Sequence[Packed]) -> bytes:
    """A zip file of members as they lie."""
    parts: list[bytes] = []
    directory: list[bytes] = []
    at = 0
    for local, raw, more, central, name in members:
        parts += (local, raw, more)
        directory += (central, _PLACE.pack(at), name)
        at += len(local) + len(raw) + len(more)
    listed = b"".join(directory)
    return b"".join((*parts, listed, struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(members), len(members), len(listed), at, 0)))
