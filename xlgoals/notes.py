"""Notes on cells: the comments part and the drawing that shows it.

What we write stands between two lines of its own, so that it is told from the unit's words in the same note, in any
program's spelling of the part. The drawing is edited as text: Excel's own is often not well-formed XML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from xlgoals import splice
from xlgoals.errors import Refused
from xlgoals.package import PatchedPackage
from xlgoals.records import RowCol, cell_spot
from xlgoals.safexml import whole
from xlgoals.splice import Element
from xlgoals.tints import place_of

COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
SHAPES_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
WIDTH, LINE, TALLEST = 300, 16, 640  # of a note, in pixels
LETTERS = 44  # half-width letters on a line of that width
COLUMN, ROW = 64, 20  # usual width and height of cells, in pixels
BLOCK = 1024  # shape numbers come in blocks, each named once in the drawing
FIRST_BLOCK = 91

_SHAPE = re.compile(r"<(\w+:)?shape\s(?:(?!</\1shape>).)*</\1shape>", re.DOTALL)
_NUMBER = re.compile(r"_x0000_s(\d{1,9})\b")
_ROW = re.compile(r"<(?:\w+:)?Row>\s*(\d+)\s*</")
_COLUMN = re.compile(r"<(?:\w+:)?Column>\s*(\d+)\s*</")
_BREAKS = (b"\n", b"&#10;", b"&#xA;", b"&#xa;")  # a line break, as programs write it
_SPACES = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel"'
_OPENED = f'<xml {_SPACES}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{{blocks}}"/></o:shapelayout>'
_TYPE = (
    '<v:shapetype {spaces}id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_NOTE = (
    '<v:shape {spaces}id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:0;margin-top:0;width:{width}px;height:{height}px;'
    'z-index:1;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill>'
    "<x:Row>{row}</x:Row><x:Column>{col}</x:Column></x:ClientData></v:shape>"
)


class Words(NamedTuple):
    """What tells our part of a note: who wrote it, its first and its last line."""

    author: str
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Grid:
    """How wide columns and how high rows of a sheet are, in pixels: notes are as large as the cells they lie over."""

    columns: Mapping[int, int]
    rows: Mapping[int, int]
    column: int
    row: int

    def anchor(self, spot: RowCol, height: int) -> str:
        """The rectangle of a note beside a cell, as column, pixels into it, row, pixels into it, of two corners."""
        row, col = spot
        left, top = (col + 1, 12), (max(row - 1, 0), 8)
        right = _reach(left, WIDTH, lambda n: self.columns.get(n, self.column))
        bottom = _reach(top, height, lambda n: self.rows.get(n, self.row))
        return ", ".join(map(str, (*left, *top, *right, *bottom)))


def _reach(start: tuple[int, int], length: int, size: Callable[[int], int]) -> tuple[int, int]:
    at, rest = start[0], start[1] + length
    while rest > size(at) and at < start[0] + 2000:
        rest -= size(at)
        at += 1
    return at, rest


# --- writing


def add_notes(package: PatchedPackage, sheet: str, told: Mapping[str, str], words: Words, relations: str) -> None:
    """Put a text on each cell of a sheet part: in the note it has, behind its words, or in a new one."""
    found = package.related(sheet, "/comments")
    part = package.part(sheet)
    top = splice.root(part)
    if splice.child(part, top, "legacyDrawing") and _drawing(package, sheet, part, top) is None:
        raise Refused("file.damaged", "批注的图形部件缺失")
    spread = splice.namespace(top)
    if found is None:
        name = package.free("xl/xlgoalsComments{}.xml")
        empty = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns="{spread}"><authors></authors><commentList></commentList></comments>'
        package.add(name, empty.encode(), COMMENTS_TYPE)
        package.relate(sheet, f"{relations}/comments", name)
    else:
        name = found.part
    part, new = _with_comments(package.part(name), told, words)
    package.put(name, part)
    if new:
        _add_shapes(package, sheet, {cell_spot(cell.encode()): told[cell] for cell in new}, relations)


def _with_comments(part: bytes, told: Mapping[str, str], words: Words) -> tuple[bytes, list[str]]:
    """The comments with ours, and the cells that had none."""
    known = {comment.get("ref"): comment for comment in _comments(part)}
    added: list[tuple[int, bytes]] = []
    new = []
    for cell, text in told.items():
        ours = splice.cell_text(f"{words.begin}\n{text}\n{words.end}")
        if cell not in known:
            new.append(cell)
        elif (text_element := splice.child(part, known[cell], "text")) and (ends := [t.close for t in _texts(part, text_element) if not t.empty]):
            added.append((ends[-1], b"\n" + ours))
    for at, content in sorted(added, reverse=True):
        part = part[:at] + content + part[at:]
    if not new:
        return part, new
    top = splice.root(part)
    prefix = f"{top.prefix}:" if top.prefix else ""
    part, author = _with_author(part, words.author, prefix)
    comments = b"".join(
        f'<{prefix}comment ref="{cell}" authorId="{author}"><{prefix}text><{prefix}r><{prefix}t xml:space="preserve">'.encode()
        + splice.cell_text(f"{words.begin}\n{told[cell]}\n{words.end}")
        + f"</{prefix}t></{prefix}r></{prefix}text></{prefix}comment>".encode()
        for cell in new
    )
    top = splice.root(part)
    listed = splice.child(part, top, "commentList")
    if listed is None:
        return splice.put_in(part, top, f"<{prefix}commentList>".encode() + comments + f"</{prefix}commentList>".encode()), new
    return splice.put_in(part, listed, comments), new


def _with_author(part: bytes, author: str, prefix: str) -> tuple[bytes, int]:
    top = splice.root(part)
    authors = splice.child(part, top, "authors")
    if authors is None:
        part = splice.put_in(part, top, f"<{prefix}authors></{prefix}authors>".encode(), top.inner)
        authors = splice.child(part, splice.root(part), "authors")
        assert authors is not None
    known = [splice.plain(part[one.inner : one.close]) for one in splice.inside(part, authors)]
    if author in known:
        return part, known.index(author)
    content = f"<{prefix}author>".encode() + splice.xml_text(author) + f"</{prefix}author>".encode()
    return splice.put_in(part, authors, content), len(known)


def _add_shapes(package: PatchedPackage, sheet: str, told: Mapping[RowCol, str], relations: str) -> None:
    """Draw the boxes of new notes, in the drawing that the sheet has for such things, or in a new one."""
    part = package.part(sheet)
    top = splice.root(part)
    grid = _grid(part, top)
    name = _drawing(package, sheet, part, top)
    if name is None:
        name = package.free("xl/drawings/xlgoalsDrawing{}.vml")
        blocks = ",".join(str(FIRST_BLOCK + n) for n in range(len(told) // (BLOCK - 1) + 1))
        package.add(name, f"{_OPENED.format(blocks=blocks)}{_TYPE.format(spaces='')}</xml>".encode(), SHAPES_TYPE)
        id = package.relate(sheet, f"{relations}/vmlDrawing", name)
        prefix = f"{top.prefix}:" if top.prefix else ""
        line = f'<{prefix}legacyDrawing xmlns:r="{relations}" r:id="{id}"/>'.encode()
        package.put(sheet, splice.put_in(part, top, line, place_of(part, top, "legacyDrawing")))
        first = FIRST_BLOCK * BLOCK
    else:
        first = max((int(number) for number in _NUMBER.findall(_drawn(package, name))), default=FIRST_BLOCK * BLOCK)
    text = _drawn(package, name)
    spaces = "" if name.startswith("xl/drawings/xlgoalsDrawing") else f"{_SPACES} "
    shapes = "" if 'id="_x0000_t202"' in text else _TYPE.format(spaces=spaces)
    for number, ((row, col), words) in enumerate(told.items(), first + 1):
        height = min(sum(1 + (sum(1 + (ord(c) > 0x2E7F) for c in line) - 1) // LETTERS for line in words.split("\n")) * LINE + 2 * LINE + 12, TALLEST)
        anchor = grid.anchor((row, col), height)
        shapes += _NOTE.format(spaces=spaces, number=number, width=WIDTH, height=height, anchor=anchor, row=row, col=col)
    end = text.rindex("</")
    package.put(name, (text[:end] + shapes + text[end:]).encode("utf-8", "surrogateescape"))


def _drawing(package: PatchedPackage, sheet: str, part: bytes, top: Element) -> str | None:
    """The drawing part that a sheet shows notes with."""
    shown = splice.child(part, top, "legacyDrawing")
    if shown is None:
        return None
    id = next((splice.plain(value) for value in re.findall(rb":id\s*=\s*[\"']([^\"']*)", shown.attributes)), "")
    return next((one.part for one in package.relations(sheet) if one.id == id and one.part in package), None)


def _drawn(package: PatchedPackage, name: str) -> str:
    return package.part(name).decode("utf-8", "surrogateescape")


def _grid(part: bytes, top: Element) -> Grid:
    """Sizes of columns and rows as the sheet tells them."""
    columns: dict[int, int] = {}
    column, row = COLUMN, ROW
    for one in splice.inside(part, top):
        if one.name == "sheetFormatPr":
            column = _pixels(one.get("defaultColWidth"), 7, 5, COLUMN)
            row = _pixels(one.get("defaultRowHeight"), 4 / 3, 0, ROW)
        elif one.name == "cols":
            for told in splice.inside(part, one):
                width = 0 if told.get("hidden") in ("1", "true") else _pixels(told.get("width"), 7, 5, column)
                first, last = whole(told.get("min") or "", 1), whole(told.get("max") or "", 1)
                columns |= dict.fromkeys(range(first - 1, min(last, first + 255)), width)
    rows: dict[int, int] = {}
    for tag in re.findall(rb"<(?:[^\s<>:]+:)?row\b([^<>]*)>", part):
        told = Element("row", "", 0, 0, 0, 0, tag)
        if (number := whole(told.get("r") or "", 0)) and (told.get("ht") or told.get("hidden")):
            rows[number - 1] = 0 if told.get("hidden") in ("1", "true") else _pixels(told.get("ht"), 4 / 3, 0, row)
    return Grid(columns, rows, column, row)


def _pixels(given: str | None, factor: float, more: float, otherwise: int) -> int:
    try:
        return min(max(int(float(given or "x") * factor + more), 0), 4000)
    except (ValueError, OverflowError):
        return otherwise


# --- taking away


def drop_notes(package: PatchedPackage, sheet: str, words: Words) -> None:
    """Take our words out of a sheet's notes; a note that held nothing else goes, with its box and what is then of no use."""
    found = package.related(sheet, "/comments")
    begin = splice.cell_text(words.begin)
    if found is None:
        return
    old = package.part(found.part)
    part, gone = _without_ours(old, begin, splice.cell_text(words.end))
    if part == old:
        return
    part = _without_author(part, words.author)
    package.put(found.part, part)
    if not list(_comments(part)):
        package.unrelate(sheet, found.id)
        package.drop(found.part)
    if gone:
        _drop_shapes(package, sheet, gone)


def _without_ours(part: bytes, begin: bytes, end: bytes) -> tuple[bytes, set[RowCol]]:
    spans: list[tuple[int, int]] = []
    gone: set[RowCol] = set()
    for comment in _comments(part):
        texts = [text for text in _texts(part, comment) if not text.empty]
        said = b"".join(part[text.inner : text.close] for text in texts)  # a program may break texts anywhere, at a change of script say
        first = said.find(begin)
        if first < 0:
            continue
        last = said.find(end, first)
        last = len(said) if last < 0 else last + len(end)
        if first == 0 and not splice.plain(said[last:]).strip():
            spans.append((comment.start, comment.end))
            gone.add(cell_spot((comment.get("ref") or "A1").encode()))
            continue
        first -= next((len(sign) for sign in _BREAKS if said[:first].endswith(sign)), 0)
        at = 0
        for text in texts:
            inner, length = text.inner, text.close - text.inner
            if first < at + length and last > at:
                spans.append((inner + max(first - at, 0), inner + min(last - at, length)))
            at += length
    return splice.cut(part, spans), gone


def _without_author(part: bytes, author: str) -> bytes:
    """The comments without our name among their authors, where it stands last and nothing is ours any more."""
    authors = splice.child(part, splice.root(part), "authors")
    if authors is None or not (listed := splice.inside(part, authors)):
        return part
    last = listed[-1]
    number = str(len(listed) - 1)
    if splice.plain(part[last.inner : last.close]) != author or any(one.get("authorId") == number for one in _comments(part)):
        return part
    return splice.cut(part, [(last.start, last.end)])


def _drop_shapes(package: PatchedPackage, sheet: str, gone: Iterable[RowCol]) -> None:
    part = package.part(sheet)
    top = splice.root(part)
    name = _drawing(package, sheet, part, top)
    if name is None:
        return
    text, spots = _drawn(package, name), set(gone)

    def kept(shape: re.Match[str]) -> str:
        row, col = _ROW.search(shape[0]), _COLUMN.search(shape[0])
        return "" if 'ObjectType="Note"' in shape[0] and row and col and (int(row[1]), int(col[1])) in spots else shape[0]

    text = _SHAPE.sub(kept, text)
    if not _SHAPE.search(text) and 'ObjectType="' not in text:
        shown = splice.child(part, top, "legacyDrawing")
        relation = next(one for one in package.relations(sheet) if one.part.lower() == name.lower())
        package.unrelate(sheet, relation.id)
        package.drop(name)
        if shown is not None:
            package.put(sheet, splice.cut(part, [(shown.start, shown.end)]))
        return
    if "#_x0000_t202" not in text:
        text = text.replace(_TYPE.format(spaces=f"{_SPACES} "), "")
    package.put(name, text.encode("utf-8", "surrogateescape"))


# --- the comments part


def _comments(part: bytes) -> Iterator[Element]:
    listed = splice.child(part, splice.root(part), "commentList")
    yield from (one for one in splice.inside(part, listed) if one.name == "comment") if listed else ()


def _texts(part: bytes, element: Element) -> Iterator[Element]:
    """The texts in an element, at any depth, phonetic ones left out."""
    for one in splice.inside(part, element):
        if one.name == "t":
            yield one
        elif one.name in ("text", "r"):
            yield from _texts(part, one)
