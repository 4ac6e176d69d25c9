"""A workbook and its findings to the marked copy: tinted cells, a note a cell, the sheet 校验问题清单. Pure: bytes in, bytes out.

The package is patched, never loaded and saved: every part but those that carry the marks keeps its bytes. Marking takes
earlier marks away first, so that marking twice is marking once, and `unmark` gives back what there was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from xlgoals import splice
from xlgoals.archive import stored_zip
from xlgoals.errors import Refused
from xlgoals.findings import SEVERITIES, SEVERITY_WORDS, STATUS_WORDS, Finding, Severity
from xlgoals.limits import Limits
from xlgoals.listsheet import KEY_MARK, ListSheet, quoted, rows_of
from xlgoals.notes import Words, add_notes, drop_notes
from xlgoals.package import PatchedPackage, Relation, relations_name
from xlgoals.records import Area, RowCol, area_name, cell_name, cell_spot
from xlgoals.safexml import MAIN, RELATIONS
from xlgoals.splice import Element
from xlgoals.stamp import LIST_PART, MARKED_PROPERTY
from xlgoals.styles import add_styles, drop_styles
from xlgoals.tints import tinted, untinted
from xlgoals.wording import ReturnWords

MARKABLE = ("xlsx", "xlsm")
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_CUSTOM_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CUSTOM, _VALUES = (
    "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties",
    "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes",
)
_STRICT = "http://purl.oclc.org/ooxml/"
_FORMAT_ID = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_ADDRESS = re.compile(r"[A-Z]{1,3}[1-9][0-9]{0,6}")


class _Page(NamedTuple):
    """A worksheet of the package, in the order of the workbook's list."""

    number: int
    name: str
    visible: bool
    part: str
    relation: str


def mark(
    data: bytes, findings: Iterable[Finding], words: ReturnWords, *, file: str, answers: Mapping[str, str] | None = None, grades: Sequence[str] = (),
    limits: Limits | None = None,
) -> bytes:  # fmt: skip
    """Mark the findings of a file in its bytes (xlsx or xlsm). `answers` holds what the unit has explained, by finding key; `grades`
    what reviewers graded, a line a form.

    Raises `Refused` for a package that cannot be patched. Without findings only earlier marks are taken away.
    """
    package = PatchedPackage(data, limits)
    book = _Workbook(package)
    book.unmark(words)
    pages = book.pages()
    told = _ordered(findings, [page.name for page in pages])
    if told:
        styles = add_styles(package, book.part, book.space, book.relations, words)
        for page in pages:
            own = [one for one in told if one.at.sheet == page.name and _ADDRESS.match(one.at.cell)]
            if own:
                _mark_sheet(package, page.part, own, styles.tints, words, book.relations)
        listed = ListSheet(rows_of(told, answers or {}, {page.name: page.visible for page in pages}), words.list, file, grades=grades)
        book.add_list(listed, styles.looks)
        book.add_property("copy")
    return package.packed()


def unmark(data: bytes, words: ReturnWords, *, limits: Limits | None = None) -> bytes:
    """Take all marks of ours out of a workbook."""
    package = PatchedPackage(data, limits)
    _Workbook(package).unmark(words)
    return package.packed()


def problem_list(
    findings: Iterable[Finding], words: ReturnWords, *, file: str, answers: Mapping[str, str] | None = None, grades: Sequence[str] = ()
) -> bytes:
    """The list alone, as a workbook, for a file that cannot be marked."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    links = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{links}/content-types"><Default Extension="rels" ContentType="{types}package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{types}officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{links}/relationships"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><bookViews><workbookView/></bookViews><sheets></sheets></workbook>',
    }
    package = PatchedPackage(stored_zip((name, (head + part).encode()) for name, part in parts.items()))
    book = _Workbook(package)
    styles = add_styles(package, book.part, book.space, book.relations, words)
    told = _ordered(findings, ())
    book.add_list(ListSheet(rows_of(told, answers or {}, {}), words.list, file, alone=True, grades=grades), styles.looks)
    book.add_property("list")
    return package.packed()


def _ordered(findings: Iterable[Finding], sheets: Sequence[str]) -> list[Finding]:
    """Worst first, then as the sheets stand, then by place."""
    order = {name: n for n, name in enumerate(sheets)}

    def rank(one: Finding) -> tuple[object, ...]:
        spot = cell_spot(one.at.cell.encode()) if _ADDRESS.fullmatch(one.at.cell) else (-1, -1)
        return SEVERITIES.index(one.severity), order.get(one.at.sheet, -1), one.at.sheet, spot, one.code, one.record, one.found, one.key

    return sorted(findings, key=rank)


# --- one sheet -------------------------------------------------------------------------------------------------------


def _mark_sheet(
    package: PatchedPackage, sheet: str, findings: Sequence[Finding], tints: Mapping[Severity, int], words: ReturnWords, relations: str
) -> None:
    merged = {(row, col): area for area in _merges(package.part(sheet)) for row in range(area.top, area.bottom + 1) for col in range(area.left, area.right + 1)}
    cells: dict[RowCol, list[Finding]] = {}
    for one in findings:
        match = _ADDRESS.match(one.at.cell)
        assert match
        spot = cell_spot(match[0].encode())
        cells.setdefault((merged[spot].top, merged[spot].left) if spot in merged else spot, []).append(one)
    areas: dict[Severity, list[str]] = {}
    for spot, own in sorted(cells.items()):
        areas.setdefault(own[0].severity, []).append(area_name(merged.get(spot, Area(*spot, *spot))))  # the worst comes first
    package.put(sheet, tinted(package.part(sheet), areas, tints))
    note = words.note
    told = {cell_name(*spot): _note(own, words) for spot, own in sorted(cells.items())}
    add_notes(package, sheet, told, Words(note.author, note.begin, note.end), relations)


def _merges(part: bytes) -> Iterator[Area]:
    listed = splice.child(part, splice.root(part), "mergeCells")
    for one in splice.inside(part, listed) if listed else ():
        first, _, last = (one.get("ref") or "").partition(":")
        if _ADDRESS.fullmatch(first) and _ADDRESS.fullmatch(last):
            area = Area(*cell_spot(first.encode()), *cell_spot(last.encode()))
            if (area.bottom - area.top + 1) * (area.right - area.left + 1) <= 100_000:
                yield area


def _note(findings: Sequence[Finding], words: ReturnWords) -> str:
    """What a cell's note says: each finding with what stands there, what is expected, what to do, and what was answered."""
    note, lines = words.note, []
    for number, one in enumerate(findings[: note.most], 1):
        lines.append(note.line.format(number=number, severity=SEVERITY_WORDS[one.severity], message=one.message))
        told = {"found": one.found, "expected": one.expected, "remedy": one.remedy}
        lines += [getattr(note, part).format_map(told) for part in told if told[part]]
        if one.status:
            lines.append(note.answer.format(status=STATUS_WORDS[one.status], answer=one.answer))
    if len(findings) > note.most:
        lines.append(note.more.format(count=len(findings) - note.most, sheet=words.list.sheet))
    text = "\n".join(line if len(line) <= 600 else line[:600] + words.list.cut for line in lines)
    return text.replace(note.begin, "").replace(note.end, "")


# --- the workbook ----------------------------------------------------------------------------------------------------


class _Workbook:
    """The parts of a package that tell of its sheets, styles and properties."""

    def __init__(self, package: PatchedPackage) -> None:
        self.package = package
        start = package.related("", "/officeDocument")
        if start is None:
            raise Refused("file.damaged", "找不到工作簿部件")
        self.part = start.part
        self.relations = start.kind.rpartition("/")[0]  # of the transitional or the strict kind
        self.space = splice.namespace(splice.root(package.part(self.part))) or MAIN

    def pages(self) -> list[_Page]:
        source = self.package.part(self.part)
        listed = splice.child(source, splice.root(source), "sheets")
        parts = {one.id: one for one in self.package.relations(self.part)}
        found = []
        for number, element in enumerate(splice.inside(source, listed) if listed else ()):
            relation = parts.get(_relation_id(element))
            if relation and relation.kind.endswith("/worksheet") and relation.part in self.package:
                visible = element.get("state") in (None, "visible")
                found.append(_Page(number, element.get("name") or "", visible, relation.part, relation.id))
        return found

    # --- taking away

    def unmark(self, words: ReturnWords) -> None:
        """Take our marks out of every part. Parts that bear none are not touched."""
        note, package = Words(words.note.author, words.note.begin, words.note.end), self.package
        lists = self._lists()
        for page in reversed(self.pages()):
            if page.part in lists:
                self._drop_list(page)
                continue
            drop_notes(package, page.part, note)
            part = package.part(page.part)
            if (bare := untinted(part)) is not part:
                package.put(page.part, bare)
        drop_styles(package, self.part, words)
        self._drop_property()

    def _lists(self) -> set[str]:
        """The sheets that are lists of ours, by the word over their keys: a program may have moved it to the shared strings."""
        package, mark = self.package, KEY_MARK.encode()
        strings = package.related(self.part, "/sharedStrings")
        numbers = []
        if strings and mark in (part := package.part(strings.part)):
            items = [one for one in splice.inside(part, splice.root(part)) if one.name == "si"]
            numbers = [b"%d" % n for n, one in enumerate(items) if mark in part[one.start : one.end]]
        shared = re.compile(rb"<(?:[^\s<>:]+:)?c\b[^<>]*\bt=[\"']s[\"'][^<>]*>\s*<(?:[^\s<>:]+:)?v>(?:" + b"|".join(numbers) + rb")</") if numbers else None
        return {page.part for page in self.pages() if mark in (part := package.part(page.part)) or (shared and shared.search(part))}

    def _drop_list(self, page: _Page) -> None:
        package = self.package
        for relation in package.relations(page.part):
            if relation.part in package and relation.kind.endswith(("/printerSettings", "/drawing", "/vmlDrawing", "/comments")):
                package.drop(relation.part)  # what a program has hung on our sheet is of no other's use
        package.drop(relations_name(page.part))
        package.drop(page.part)
        package.unrelate(self.part, page.relation)
        source = package.part(self.part)
        listed = splice.child(source, splice.root(source), "sheets")
        assert listed
        element = splice.inside(source, listed)[page.number]
        source = splice.cut(source, [(element.start, element.end)])
        package.put(self.part, _viewed(_named(source, page.number), page.number))

    def _drop_property(self) -> None:
        found = self._properties()
        mark = MARKED_PROPERTY.encode()
        if found is None or mark not in (part := self.package.part(found.part)):
            return
        known = splice.inside(part, splice.root(part))
        ours = [one for one in known if one.get("name") == MARKED_PROPERTY]
        if len(ours) == len(known):
            self.package.unrelate("", found.id)
            self.package.drop(found.part)
        elif ours:
            self.package.put(found.part, splice.cut(part, [(one.start, one.end) for one in ours]))

    def _properties(self) -> Relation | None:
        """Where the document's custom properties are, in the transitional or the strict kind."""
        return self.package.related("", "/custom-properties") or self.package.related("", "/customProperties")

    # --- putting in

    def add_list(self, listed: ListSheet, looks: Mapping[str, int]) -> None:
        """Add the list as the last sheet: no other sheet's number changes."""
        package, words = self.package, listed.words
        source = package.part(self.part)
        top = splice.root(source)
        sheets = splice.child(source, top, "sheets")
        if sheets is None:
            raise Refused("file.damaged", "工作簿没有工作表清单")
        known = splice.inside(source, sheets)
        names = {(one.get("name") or "").casefold() for one in known}
        name = next(name for n in range(1, len(names) + 3) if (name := words.sheet if n == 1 else f"{words.sheet}({n})").casefold() not in names)
        part = package.free(LIST_PART)
        views = splice.child(source, top, "bookViews") is not None
        package.add(part, listed.xml(self.space, self.relations, looks, views), SHEET_TYPE)
        id = package.relate(self.part, f"{self.relations}/worksheet", part)
        number = max((int(given) for one in known if (given := one.get("sheetId") or "0").isdecimal()), default=0) + 1
        prefix = f"{top.prefix}:" if top.prefix else ""
        bound = "" if splice.namespace(top, "r") == self.relations else f' xmlns:r="{self.relations}"'
        line = f'<{prefix}sheet{bound} name="{splice.xml_text(name, quoted=True).decode()}" sheetId="{number}" r:id="{id}"/>'
        source = splice.put_in(source, sheets, line.encode())
        area = quoted(name) + "!"
        titles = f"{area}${listed.head}:${listed.head}"
        defined = (
            f'<{prefix}definedName name="_xlnm._FilterDatabase" localSheetId="{len(known)}" hidden="1">{area}{listed.area}</{prefix}definedName>'
            f'<{prefix}definedName name="_xlnm.Print_Titles" localSheetId="{len(known)}">{titles}</{prefix}definedName>'
        ).encode()
        top = splice.root(source)
        there = splice.child(source, top, "definedNames")
        if there is None:
            before = [one for one in splice.inside(source, top) if one.name in ("sheets", "functionGroups", "externalReferences")]
            # the blank in the tag tells it from one that the workbook had, if only an empty one
            source = splice.put_in(source, top, f"<{prefix}definedNames >".encode() + defined + f"</{prefix}definedNames>".encode(), before[-1].end)
        else:
            source = splice.put_in(source, there, defined)
        package.put(self.part, source)

    def add_property(self, value: str) -> None:
        """Say in the document's properties what it is, so that reading knows."""
        package, strict = self.package, self.relations.startswith(_STRICT)
        space, values = (_STRICT + "officeDocument/customProperties", _STRICT + "officeDocument/docPropsVTypes") if strict else (_CUSTOM, _VALUES)
        found = self._properties()
        if found is None:
            part = "docProps/custom.xml" if "docProps/custom.xml" not in package else package.free("docProps/xlgoals{}.xml")
            package.add(part, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="{space}"></Properties>'.encode(), _CUSTOM_TYPE)
            package.relate("", f"{self.relations}/{'customProperties' if strict else 'custom-properties'}", part)
        else:
            part = found.part
        source = package.part(part)
        top = splice.root(source)
        number = max((int(given) for one in splice.inside(source, top) if (given := one.get("pid") or "0").isdecimal()), default=1) + 1
        prefix = f"{top.prefix}:" if top.prefix else ""
        line = (
            f'<{prefix}property fmtid="{_FORMAT_ID}" pid="{max(number, 2)}" name="{MARKED_PROPERTY}">'
            f'<vt:lpwstr xmlns:vt="{values}">{value}</vt:lpwstr></{prefix}property>'
        )
        package.put(part, splice.put_in(source, top, line.encode()))


def _relation_id(element: Element) -> str:
    found = re.search(rb"\s[^\s:=]+:id\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", b" " + element.attributes)
    return splice.plain(found[1] or found[2] or b"") if found else ""


def _named(source: bytes, gone: int) -> bytes:
    """A workbook part without the names of a sheet that is gone; sheets behind it have moved up by one."""
    listed = splice.child(source, splice.root(source), "definedNames")
    if listed is None:
        return source
    names = splice.inside(source, listed)
    scopes = [int(given) if (given := one.get("localSheetId") or "").isdecimal() else -1 for one in names]
    if names and all(scope == gone for scope in scopes):
        if listed.attributes == b" ":
            return splice.cut(source, [(listed.start, listed.end)])
        source = splice.cut(source, [(listed.inner, listed.close)])
        return splice.closed(source, listed._replace(close=listed.inner, end=listed.inner + listed.end - listed.close))
    for one, scope in reversed([*zip(names, scopes, strict=True)]):
        if scope == gone:
            source = splice.cut(source, [(one.start, one.end)])
        elif scope > gone:
            source = splice.with_attribute(source, one, "localSheetId", str(scope - 1))
    return source


def _viewed(source: bytes, gone: int) -> bytes:
    """A workbook part without a sheet that opened first: the first visible one does then; sheets behind it have moved up by one."""
    top = splice.root(source)
    sheets, views = splice.child(source, top, "sheets"), splice.child(source, top, "bookViews")
    states = [one.get("state") or "visible" for one in splice.inside(source, sheets)] if sheets else []
    visible = states.index("visible") if "visible" in states else 0
    for view in reversed(splice.inside(source, views) if views else []):
        for attribute in ("activeTab", "firstSheet"):
            given = view.get(attribute) or ""
            if given.isdecimal() and int(given) >= gone:
                source = splice.with_attribute(source, view, attribute, str(visible if int(given) == gone else int(given) - 1))
    return source
