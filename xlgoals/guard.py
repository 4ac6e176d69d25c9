"""The gate before any native reader: what the bytes are, whether they are safe to read, and what the reader cannot tell.

An xlsx is unpacked once, here. Its sheets are scanned as bytes for formulas, errors, number formats and what is hidden; the
native reader then gets `Package.readable`, a small package made anew from the very parts that were inspected, so that it never
sees a byte this module has not seen. A sheet in an unusual spelling (prefixes, single quotes, no addresses, CDATA) is first
rewritten in the usual one; so there is one scanner, and the reader cannot understand such a sheet differently.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from lxml import etree

from xlgoals.errors import Refused
from xlgoals.records import Area, cell_name

State = Literal["visible", "hidden", "very_hidden"]
Spot = tuple[int, int]
Words = Mapping[Spot, str]

OUTPUT_MARK = "xlgoals-output"
"""The custom document property that our own outputs carry, so that they are never read as input."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a workbook may ask of us. Forms are small: the largest real ones stay below a tenth of each limit."""

    file_bytes: int = 50 << 20
    parts: int = 3_000
    part_bytes: int = 64 << 20
    unpacked_bytes: int = 100 << 20
    ratio: int = 150  # unpacked to packed, asked only of what unpacks to more than ratio_from
    ratio_from: int = 8 << 20
    odd_bytes: int = 16 << 20  # a part in an unusual spelling is rewritten as a whole, which takes more memory
    sheets: int = 500
    cells: int = 300_000  # that hold something
    area: int = 2_000_000  # rows times columns, all sheets together: what a dense reader lays out in memory
    strings: int = 200_000
    text_bytes: int = 160_000  # of one cell; Excel's own limit is 32,767 characters
    names: int = 20_000
    merges: int = 50_000
    seconds: float = 30.0  # for one file
    memory: int = 4 << 30  # address space of a worker process


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """What one sheet holds beside its values. A formula is written as in the file, without the equals sign."""

    name: str
    state: State = "visible"
    formulas: Words = field(default_factory=dict)
    errors: Words = field(default_factory=dict)
    formats: Words = field(default_factory=dict)
    merges: tuple[Area, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_cols: frozenset[int] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Package:
    """A workbook that may be read. `plain_numbers`: the reader is shown no styles, so dates come to it as numbers."""

    kind: str
    readable: bytes
    sheets: tuple[SheetFacts, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    plain_numbers: bool = False
    date1904: bool = False


# ---------------------------------------------------------------------------------------------------------------- what it is

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF 文件"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"\x1f\x8b", "gzip 压缩包"),
    (b"\xff\xd8\xff", "JPEG 图片"),
    (b"\x89PNG", "PNG 图片"),
    (b"{\\rtf", "RTF 文档"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"


def inspect(data: bytes, limits: Limits | None = None) -> Package:
    """Tell what a file is and collect its facts, or raise `Refused` with the code of the finding that says why not."""
    limits = limits or Limits()
    if not data:
        raise Refused("file.empty")
    if len(data) > limits.file_bytes:
        raise Refused("file.too_large", f"文件大小 {len(data) >> 20} MB，上限 {limits.file_bytes >> 20} MB")
    if data.startswith(_OLE):
        return _inspect_ole(data, limits)
    if data.startswith(b"PK"):
        return _inspect_zip(_Zip(data, limits), limits)
    raise Refused("file.not_workbook", _what_is(data))


def kind_of(data: bytes) -> str:
    """Name the kind of a workbook (xlsx, xlsm, xlsb, xls, ods) by its bytes, without reading it; empty if it is none."""
    try:
        if data.startswith(_OLE):
            names = _Ole(data).names()
            return "xls" if {"workbook", "book", "encryptedpackage"} & names else ""
        return _Zip(data, Limits()).kind() if data.startswith(b"PK") else ""
    except Refused:
        return ""


def is_output(data: bytes) -> bool:
    """Whether these bytes are one of our own outputs."""
    try:
        zipped = _Zip(data, Limits())
        return OUTPUT_MARK in _custom_properties(zipped)
    except Refused:
        return False


def _what_is(data: bytes) -> str:
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            return what
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<html", b"<!doctype html", b"<table")) or b"<html" in head:
        return "网页（HTML），只是扩展名像工作簿"
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
        return "Excel 2003 XML 表格"
    if head.startswith(b"<?xml"):
        return "XML 文件"
    if b"\0" not in head and not any(byte < 9 for byte in head):
        return "文本文件（如 CSV）"
    return "无法识别的内容"


# ---------------------------------------------------------------------------------------------------------------- zip


class _Zip:
    """A zip archive in memory, read with limits: every part by name, unpacked at most once."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.limits, self.unpacked = data, limits, 0
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as opened:
                infos = opened.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError, UnicodeDecodeError, EOFError) as error:
            raise Refused("file.damaged", "压缩结构不完整，可能没有传完") from error
        if len(infos) > limits.parts:
            raise Refused("file.too_large", f"内部有 {len(infos)} 个部件，上限 {limits.parts}")
        self.infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename.replace("\\", "/").lower()
            if name.startswith("/") or ":" in name or ".." in name.split("/"):
                raise Refused("file.suspicious", f"内部部件名不正常：{info.filename[:60]}")
            if name in self.infos:
                raise Refused("file.suspicious", f"内部有重名部件：{info.filename[:60]}")
            self.infos[name] = info

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.infos

    def any(self, *starts: str) -> bool:
        return any(name.startswith(starts) for name in self.infos)

    def kind(self) -> str:
        if "xl/workbook.bin" in self.infos:
            return "xlsb"
        if any(name.startswith("xl/") for name in self.infos):
            return "xlsm" if "xl/vbaproject.bin" in self.infos else "xlsx"
        if "mimetype" in self and self.read("mimetype")[:60].strip() in (_ODS, _ODS + b"-template"):
            return "ods"
        return ""

    def read(self, name: str) -> bytes:
        """Unpack one part, never more of it than allowed."""
        info = self.infos.get(name.lower())
        if info is None:
            raise Refused("file.damaged", f"缺少内部部件 {name[:60]}")
        if info.flag_bits & 1:
            raise Refused("file.encrypted")
        limits, at = self.limits, info.header_offset
        room = min(limits.part_bytes, limits.unpacked_bytes - self.unpacked)
        if info.file_size > room:
            raise Refused("file.too_large", f"解压后超过 {limits.unpacked_bytes >> 20} MB")
        if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(info.compress_size, 1):
            raise Refused("file.suspicious", "压缩比异常，像是“压缩炸弹”")
        if self.data[at : at + 4] != b"PK\3\4":
            raise Refused("file.damaged", "压缩结构不完整，可能没有传完")
        start = at + 30 + sum(struct.unpack_from("<HH", self.data, at + 26))
        packed = self.data[start : start + info.compress_size]
        try:
            if info.compress_type == zipfile.ZIP_DEFLATED:
                plain = zlib.decompressobj(-15).decompress(packed, info.file_size + 1)
            elif info.compress_type == zipfile.ZIP_STORED:
                plain = packed
            else:
                raise Refused("file.damaged", "使用了不支持的压缩方法")
        except zlib.error as error:
            raise Refused("file.damaged", "内部数据损坏，无法解压") from error
        if len(plain) != info.file_size or zlib.crc32(plain) != info.CRC:
            raise Refused("file.damaged", "内部数据损坏，校验不符")
        self.unpacked += len(plain)
        return plain

    def xml(self, name: str) -> bytes:
        """Unpack an XML part and refuse what XML can do beyond holding data."""
        part = self.read(name)
        if part[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in part[:4]:
            raise Refused("file.suspicious", "内部文件不是 UTF-8 编码")
        declared = _ENCODING.search(part, 0, 200)
        if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
            raise Refused("file.suspicious", "内部文件不是 UTF-8 编码")
        if b"!" in part and (b"<!DOCTYPE" in part or b"<!ENTITY" in part):
            raise Refused("file.suspicious", "含有实体定义（DOCTYPE），正常工作簿不会有")
        return part

    def tree(self, name: str) -> Any:
        return _parsed(self.xml(name))


_ENCODING = re.compile(rb"""^[^<]{0,3}<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")


_SAFELY: Mapping[str, Any] = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "remove_comments": True, "remove_pis": True
}  # fmt: skip


def _parsed(part: bytes) -> Any:
    try:
        return etree.fromstring(part, etree.XMLParser(**_SAFELY))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused("file.damaged", "内部 XML 不完整") from error


def _stored_zip(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack parts without compressing them."""
    body, directory, at = [], [], 0
    for name, part in parts:
        sizes = struct.pack("<HHIIIHH", 0, 33, zlib.crc32(part), len(part), len(part), len(name), 0)
        body += [b"PK\3\4\x14\0\0\0\0\0", sizes, name.encode("ascii"), part]
        directory.append(b"PK\1\2\x14\0\x14\0\0\0\0\0" + sizes + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode("ascii"))
        at += 30 + len(name) + len(part)
    ending = b"".join(directory)
    count = len(directory)
    return b"".join(body) + ending + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(ending), at, 0)


def _inspect_zip(zipped: _Zip, limits: Limits) -> Package:
    kind = zipped.kind()
    if kind == "ods":
        return _inspect_ods(zipped, limits)
    if kind == "xlsb":
        return _inspect_xlsb(zipped, limits)
    if kind:
        return _inspect_xlsx(zipped, kind, limits)
    for folder, what in (("word/", "Word 文档"), ("ppt/", "演示文稿"), ("meta-inf/", "OpenDocument 文档，但不是表格")):
        if zipped.any(folder):
            raise Refused("file.not_workbook", what)
    raise Refused("file.not_workbook", "压缩包（zip），请先解压")


# ---------------------------------------------------------------------------------------------------------------- xlsx

_REL_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STATES: Mapping[str, State] = {"hidden": "hidden", "veryHidden": "very_hidden"}


def _inspect_xlsx(zipped: _Zip, kind: str, limits: Limits) -> Package:
    workbook_part = _target_of(_relations(zipped, "_rels/.rels"), "/officeDocument") or "xl/workbook.xml"
    source = zipped.xml(workbook_part)
    if source.count(b"definedName ") > limits.names * 2:
        raise Refused("file.too_large", f"定义的名称超过 {limits.names} 个")
    workbook = _parsed(source)
    folder, leaf = posixpath.split(workbook_part)
    relations = _relations(zipped, f"{folder}/_rels/{leaf}.rels", folder)
    strings_part, styles_part = _target_of(relations, "/sharedStrings"), _target_of(relations, "/styles")
    formats = _style_formats(zipped.tree(styles_part)) if styles_part and styles_part in zipped else {}
    listed = [element for element in _find(workbook, "sheets") if _local(element) == "sheet"]
    if len(listed) > limits.sheets:
        raise Refused("file.too_large", f"有 {len(listed)} 张工作表，上限 {limits.sheets}")
    wide, local = _defined_names(workbook, limits)

    scanner = _Scanner(limits, formats)
    sheets, parts, seen = [], [], set()
    for index, element in enumerate(listed):
        rid = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
        kind_of_sheet, part_name = relations.get(rid, ("", ""))
        if kind_of_sheet.endswith("/macroSheet") or not kind_of_sheet.endswith("/worksheet"):
            if not kind_of_sheet:
                raise Refused("file.damaged", f"找不到工作表“{element.get('name', '')[:31]}”的内容")
            continue  # a chart or dialog sheet holds no cells
        if part_name in seen:
            raise Refused("file.suspicious", "两张工作表指向同一内部部件")
        seen.add(part_name)
        facts, part = scanner.sheet(zipped.xml(part_name), element.get("name", ""))
        parts.append(part)
        sheets.append(_named(facts, element.get("name", ""), _STATES.get(element.get("state", ""), "visible"), local.get(index, {})))
    if len({sheet.name.casefold() for sheet in sheets}) != len(sheets):
        raise Refused("file.suspicious", "有同名的工作表")

    strings = _strings(zipped, strings_part, limits) if strings_part and strings_part in zipped else b""
    dated = any(e.get("date1904") in ("1", "true", "on") for e in workbook if _local(e) == "workbookPr")
    return Package(
        kind=kind,
        readable=_readable(parts, strings),
        sheets=tuple(sheets),
        names=wide,
        properties=_custom_properties(zipped),
        flags=_flags(zipped, scanner),
        plain_numbers=True,
        date1904=dated,
    )


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _find(parent: Any, name: str) -> Any:
    return next((child for child in parent if _local(child) == name), ())


def _relations(zipped: _Zip, name: str, folder: str = "") -> dict[str, tuple[str, str]]:
    """Relationship id -> (type, part name); an external target has no part."""
    if name not in zipped:
        return {}
    found = {}
    for element in zipped.tree(name):
        target = element.get("Target", "")
        part = posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))
        if element.get("TargetMode") == "External":
            part = ""
        elif part.startswith(".."):
            raise Refused("file.suspicious", f"内部链接指向文件之外：{target[:60]}")
        found[element.get("Id", "")] = (element.get("Type", ""), part)
    return found


def _target_of(relations: Mapping[str, tuple[str, str]], ending: str) -> str:
    return next((part for kind, part in relations.values() if kind.endswith(ending)), "")


def _defined_names(workbook: Any, limits: Limits) -> tuple[dict[str, str], dict[int, dict[str, str]]]:
    wide: dict[str, str] = {}
    local: dict[int, dict[str, str]] = {}
    for count, element in enumerate(_find(workbook, "definedNames"), 1):
        if count > limits.names:
            raise Refused("file.too_large", f"定义的名称超过 {limits.names} 个")
        scope = element.get("localSheetId")
        names = wide if scope is None else local.setdefault(int(scope) if scope.isdecimal() else -1, {})
        names[element.get("name", "")] = element.text or ""
    return wide, local


def _named(facts: SheetFacts, name: str, state: State, names: Mapping[str, str]) -> SheetFacts:
    return SheetFacts(
        name, state, facts.formulas, facts.errors, facts.formats, facts.merges, facts.hidden_rows, facts.hidden_cols, names
    )  # fmt: skip


def _custom_properties(zipped: _Zip) -> dict[str, str]:
    if "docProps/custom.xml" not in zipped:
        return {}
    return {element.get("name", ""): "".join(element.itertext()) for element in zipped.tree("docProps/custom.xml")}


_FLAGS: Mapping[str, tuple[str, ...]] = {
    "macros": ("xl/vbaproject", "xl/macrosheets/"),
    "external_links": ("xl/externallinks/",),
    "embedded": ("xl/embeddings/", "xl/activex/"),
    "connections": ("xl/connections.xml", "xl/querytables/"),
    "pictures_in_cells": ("xl/cellimages", "xl/richdata/rdrichvalue"),
}


def _flags(zipped: _Zip, scanner: _Scanner) -> tuple[str, ...]:
    """Name what a workbook carries beside cells: told to the user, never followed."""
    found = {flag for flag, starts in _FLAGS.items() if zipped.any(*starts)}
    found |= scanner.flags
    for name in zipped.infos:
        if name.startswith("xl/externallinks/externallink") and b"ddeLink" in zipped.xml(name):
            found.add("dde")
    return tuple(sorted(found))


def _readable(sheets: list[bytes], strings: bytes) -> bytes:
    """Make the package that the native reader gets: inspected sheets and strings, and nothing else."""
    doc = "http://schemas.openxmlformats.org/package/2006/relationships"
    listed = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="s{n}"/>' for n in range(1, len(sheets) + 1))
    relations = "".join(f'<Relationship Id="s{n}" Type="{_REL_NS}/worksheet" Target="{n}.xml"/>' for n in range(1, len(sheets) + 1))
    if strings:
        relations += f'<Relationship Id="t" Type="{_REL_NS}/sharedStrings" Target="sharedStrings.xml"/>'
    root = f'<Relationship Id="w" Type="{_REL_NS}/officeDocument" Target="xl/workbook.xml"/>'
    parts = [
        ("_rels/.rels", f'<Relationships xmlns="{doc}">{root}</Relationships>'.encode()),
        ("xl/workbook.xml", f'<workbook xmlns="{_MAIN.decode()}" xmlns:r="{_REL_NS}"><sheets>{listed}</sheets></workbook>'.encode()),
        ("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{doc}">{relations}</Relationships>'.encode()),
    ]
    if strings:
        parts.append(("xl/sharedStrings.xml", strings))
    parts += [(f"xl/{number}.xml", part) for number, part in enumerate(sheets, 1)]
    return _stored_zip(parts)


# ---------------------------------------------------------------------------------------------------------------- number formats

# What Excel does not write into the file because every Excel knows it; 27 to 36 and 50 to 58 as a Chinese Excel shows them.
_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "¥#,##0;¥-#,##0", 6: "¥#,##0;[Red]¥-#,##0", 7: "¥#,##0.00;¥-#,##0.00",
    8: "¥#,##0.00;[Red]¥-#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy/m/d",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy/m/d h:mm",
    37: "#,##0;-#,##0", 38: "#,##0;[Red]-#,##0", 39: "#,##0.00;-#,##0.00", 40: "#,##0.00;[Red]-#,##0.00",
    41: '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ', 42: '_ ¥* #,##0_ ;_ ¥* -#,##0_ ;_ ¥* "-"_ ;_ @_ ',
    43: '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', 44: '_ ¥* #,##0.00_ ;_ ¥* -#,##0.00_ ;_ ¥* "-"??_ ;_ @_ ',
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
    27: 'yyyy"年"m"月"', 28: 'm"月"d"日"', 29: 'm"月"d"日"', 30: "m-d-yy", 31: 'yyyy"年"m"月"d"日"', 32: 'h"时"mm"分"',
    33: 'h"时"mm"分"ss"秒"', 34: '上午/下午h"时"mm"分"', 35: '上午/下午h"时"mm"分"ss"秒"', 36: 'yyyy"年"m"月"',
    50: 'yyyy"年"m"月"', 51: 'm"月"d"日"', 52: 'yyyy"年"m"月"', 53: 'm"月"d"日"', 54: 'm"月"d"日"', 55: '上午/下午h"时"mm"分"',
    56: '上午/下午h"时"mm"分"ss"秒"', 57: 'yyyy"年"m"月"', 58: 'm"月"d"日"',
}  # fmt: skip


def _style_formats(styles: Any) -> dict[bytes, str]:
    """Style id, as a cell writes it -> number format, for the styles whose format is not General."""
    own = {e.get("numFmtId"): e.get("formatCode", "") for e in _find(styles, "numFmts")}
    return _resolved(own, [e.get("numFmtId", "0") for e in _find(styles, "cellXfs")])


def _resolved(own: Mapping[str, str], used: Iterable[str]) -> dict[bytes, str]:
    found = {}
    for number, used_id in enumerate(used):
        code = own.get(used_id) or (_BUILT_IN.get(int(used_id), "") if used_id.isdecimal() else "")
        if code and code.lower() != "general":
            found[b"%d" % number] = code
    return found


# ---------------------------------------------------------------------------------------------------------------- sheet XML

_CELL = re.compile(
    rb'<c r="([A-Z]{1,3}+[1-9][0-9]{0,6}+)"(?: s="[0-9]++")?+'
    rb'(?: t="s"><v>|(?: t="(?:s|str|n|b|e|d|inlineStr)")?+(?: (?:cm|vm|ph)="[0-9]++")*+(?:/>|>(?=<)))'
)
_BLANK = re.compile(rb'<c r="[A-Z]++[0-9]++"(?: s="[0-9]++")?+(?:/>|(?: t="n")?></c>)')
_ROW = re.compile(rb'<row r="([1-9][0-9]{0,6}+)"((?: [\w:]+="[^"<>]*")*+) ?/?>')
_HIDDEN_ROW = re.compile(rb'<row r="([1-9][0-9]{0,6})"[^<>]*? hidden="(1|0|true|false)"')
_FORMULA = re.compile(rb"><f((?: [\w:]+=\"[^\"<>/]*\")*+)(?:/>|>([^<]*+)</f>)")
_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_ERROR = re.compile(rb' t="e"[^<>]*+>(?:<f(?:[^<>/]*+/>|[^<>]*+>[^<]*+</f>))?+(?:<v>([^<]*+)</v>)?')
_MERGE = re.compile(rb'<mergeCell ref="([A-Z]{1,3}+[0-9]{1,7}+)(?::([A-Z]{1,3}+[0-9]{1,7}+))?"')
_COLUMN = re.compile(rb"<col ([^<>]*)>")
_DIGITS, _LETTERS = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ROWS_MOST, _COLUMNS_MOST = 1_048_576, 16_384


@lru_cache(maxsize=16_384)
def _spot(address: bytes) -> Spot:
    column = 0
    letters = address.rstrip(_DIGITS)
    for letter in letters:
        column = column * 26 + letter - 64
    return int(address[len(letters) :]) - 1, column - 1


class _Odd(Exception):
    """A sheet is not spelled as Excel, WPS, LibreOffice and the common libraries spell it."""


class _Scanner:
    """Scans the sheets of one workbook, with limits over all of them."""

    def __init__(self, limits: Limits, formats: Mapping[bytes, str]) -> None:
        self.limits, self.formats, self.flags = limits, formats, set[str]()
        self.cells = self.area = self.merged = self.merges = 0
        ids = b"|".join(sorted(formats)) if len(formats) <= 64 else b"[0-9]+"
        self.number = re.compile(rb'" s="(' + ids + rb')"(?: t="n")?(?: (?:cm|vm|ph)="[0-9]+")*><[vf]') if formats else None

    def sheet(self, part: bytes, name: str) -> tuple[SheetFacts, bytes]:
        """Scan a sheet; where it is spelled unusually, rewrite it first. Returns with it what the reader may see."""
        before = self.cells, self.area, self.merged, self.merges
        try:
            return self.scan(part, name)
        except _Odd:
            self.cells, self.area, self.merged, self.merges = before
            if len(part) > self.limits.odd_bytes:
                raise Refused("file.too_large", f"工作表“{name[:31]}”过大") from None
        part = rewritten_sheet(part, self.limits)
        try:
            return self.scan(part, name)
        except _Odd:
            raise Refused("file.damaged", f"工作表“{name[:31]}”内容不合规范") from None

    def scan(self, part: bytes, name: str) -> tuple[SheetFacts, bytes]:
        limits = self.limits
        start = part.find(b"<sheetData")
        if start < 0 or (b"!" in part and b"<!" in part):
            raise _Odd
        empty = part.startswith(b"<sheetData/>", start)
        close = start if empty else part.find(b"</sheetData>", start)
        head, body, tail = part[:start], part[start:close], part[close:]
        body = _BLANK.sub(b"", body)  # half of a form's cells, and all of a column formatted to the very end
        count = body.count(b"<c")
        self.cells += count
        if self.cells > limits.cells:
            raise Refused("file.too_large", f"单元格超过 {limits.cells} 个")
        # names count without their prefix, as for the native reader: so a prefixed cell must not stand beside usual ones
        if close < 0 or (b"?" in body and b"<?" in body) or b":c" in body or b":sheetData" in head:
            raise _Odd
        addresses = _CELL.findall(body)
        if len(addresses) != count:
            raise _Odd
        if len(set(addresses)) != len(addresses):
            raise Refused("file.damaged", f"工作表“{name[:31]}”中同一单元格出现两次")
        self.measure(addresses, name)
        if len(body) > limits.text_bytes and max(map(len, body.split(b"<"))) > limits.text_bytes:
            raise Refused("file.too_large", f"工作表“{name[:31]}”有一个单元格文字过长")
        facts = SheetFacts(
            name,
            formulas=self.find_formulas(body),
            errors=_find_errors(body),
            formats=self.find_formats(body),
            merges=self.find_merges(tail, name),
            hidden_rows=_find_hidden_rows(body),
            hidden_cols=_find_hidden_columns(head),
        )
        return facts, b"".join((b'<worksheet xmlns="', _MAIN, b'">', body or b"<sheetData>", b"</sheetData></worksheet>"))

    def measure(self, addresses: list[bytes], name: str) -> None:
        """Refuse a sheet that a dense reader would lay out in more memory than allowed."""
        if max(map(len, addresses), default=0) > 3:  # else at most row 99 and column ZZ: small
            joined = b" ".join(addresses)
            bottom = max(map(int, joined.translate(None, _LETTERS).split()), default=0)
            right = max((_spot(c + b"1")[1] + 1 for c in set(joined.translate(None, _DIGITS).split())), default=0)
            if bottom > _ROWS_MOST or right > _COLUMNS_MOST:
                raise Refused("file.damaged", f"工作表“{name[:31]}”有超出范围的单元格")
            self.area += bottom * right
        if self.area > self.limits.area:
            raise Refused("file.too_large", f"工作表“{name[:31]}”在很远的位置有内容，数据区域过大")

    def find_formulas(self, body: bytes) -> Words:
        expected = body.count(b"<f")
        if not expected:
            return {}
        found: dict[Spot, str] = {}
        shared: dict[bytes, tuple[Spot, str]] = {}
        matches = list(_FORMULA.finditer(body))
        if len(matches) != expected:
            raise _Odd
        if b"DISPIMG" in body:
            self.flags.add("pictures_in_cells")
        for match in matches:
            spot = _cell_before(body, match.start() + 1)
            text = _plain(match[2] or b"")
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

    def covered(self, reference: bytes) -> Iterator[Spot]:
        first, _, last = reference.partition(b":")
        if not (_ADDRESS.fullmatch(first) and _ADDRESS.fullmatch(last)):
            raise _Odd
        (top, left), (bottom, right) = _spot(first), _spot(last)
        self.merged += max(0, bottom - top + 1) * max(0, right - left + 1)
        if self.merged > self.limits.area:
            raise Refused("file.too_large", "数组公式覆盖的区域过大")
        return ((row, col) for row in range(top, bottom + 1) for col in range(left, right + 1))

    def find_formats(self, body: bytes) -> Words:
        found = {}
        for match in self.number.finditer(body) if self.number else ():
            code = self.formats.get(match[1])
            if code:
                found[_cell_before(body, match.start() + 1)] = code
        return found

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
            raise Refused("file.too_large", f"工作表“{name[:31]}”合并的单元格过多或过大")
        return areas


@lru_cache(maxsize=256)
def _merged(listed: bytes) -> tuple[tuple[Area, ...], int]:
    """Read a list of merged areas, and how many cells they cover. The sheets of a form have the same list again and again."""
    matches = _MERGE.findall(listed)
    if len(matches) != listed.count(b"<mergeCell "):
        raise _Odd
    areas = tuple(Area(*_spot(first), *_spot(last or first)) for first, last in matches)
    return areas, sum((bottom - top + 1) * (right - left + 1) for top, left, bottom, right in areas)


_ADDRESS = re.compile(rb"[A-Z]{1,3}[0-9]{1,7}")


def _cell_before(body: bytes, end: int) -> Spot:
    cell = _CELL.match(body, max(0, body.rfind(b"<c ", 0, end)))
    if cell is None:  # no cell at all: broken XML
        raise _Odd
    return _spot(cell[1])


def _find_errors(body: bytes) -> Words:
    if b' t="e"' not in body:
        return {}
    found = {}
    for match in _ERROR.finditer(body):
        start = body.rfind(b"<c ", 0, match.start() + 1)
        tag = _CELL.match(body, start)
        if tag and tag.end() > match.start():  # else these are words of a text
            found[_spot(tag[1])] = _plain(match[1] or b"") or "#?"
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
    if b"hidden" not in columns:
        if b":cols" in head or (start < 0 and b"<cols" in head):
            raise _Odd
        return frozenset()
    found = _COLUMN.findall(columns)
    if len(found) != columns.count(b"<col ") or b"'" in columns:
        raise _Odd
    hidden: set[int] = set()
    for text in found:
        given = dict(_ATTRIBUTE.findall(text))
        if given.get(b"hidden") in (b"1", b"true"):
            try:
                hidden.update(range(int(given[b"min"]) - 1, min(int(given[b"max"]), _COLUMNS_MOST)))
            except (KeyError, ValueError):
                raise _Odd from None
    return frozenset(hidden)


_ENTITY = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def _plain(text: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    if "&" not in decoded:
        return decoded
    return _ENTITY.sub(lambda m: _ENTITIES[m[3]] if m[3] else chr(min(int(m[1], 16) if m[1] else int(m[2]), 0x10FFFF)), decoded)


# a quoted text or sheet name (kept), or a reference that is not the beginning of a longer word or of a function
_REFERENCE = re.compile(r"(\"[^\"]*\"|'[^']*')|(?<![A-Za-z0-9_.$\\?])(\$?)([A-Z]{1,3})(\$?)([0-9]{1,7})(?![A-Za-z0-9_.(])")


def moved_formula(text: str, rows: int, cols: int) -> str:
    """Say what a shared formula reads in a cell so far from the one it was written in: B2*2, one down -> B3*2."""

    def shift(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        row, col = _spot(f"{match[3]}{match[5]}".encode())
        row, col = row if match[4] else row + rows, col if match[2] else col + cols
        if not (0 <= row < _ROWS_MOST and 0 <= col < _COLUMNS_MOST):
            return "#REF!"
        letters = cell_name(row, col).rstrip("0123456789")
        return f"{match[2]}{letters}{match[4]}{row + 1}"

    return _REFERENCE.sub(shift, text) if rows or cols else text


# ---------------------------------------------------------------------------------------------------------------- unusual spellings


def _events(part: bytes) -> Iterator[tuple[str, Any]]:
    """Walk an XML part without keeping it."""
    try:
        yield from etree.iterparse(io.BytesIO(part), ("start", "end"), **_SAFELY)
    except etree.XMLSyntaxError as error:
        raise Refused("file.damaged", "内部 XML 不完整") from error


def _escaped(text: str, quote: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return text.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;") if quote else text


def _rich(parent: Any) -> str:
    """Write the texts of a string item or inline string in the usual spelling, phonetic runs left out."""
    written = ""
    for child in parent:
        if _local(child) == "t":
            keep = ' xml:space="preserve"' if "preserve" in child.attrib.values() else ""
            written += f"<t{keep}>{_escaped(''.join(child.itertext()))}</t>"
        elif _local(child) == "r":
            written += f"<r>{_rich(child)}</r>"
    return written


_TYPES = {"s", "str", "n", "b", "e", "d", "inlineStr"}


def rewritten_sheet(part: bytes, limits: Limits) -> bytes:
    """Write a sheet anew in the usual spelling: what concerns values, formulas, merges and hiding, and nothing else."""
    body: list[str] = []
    columns: list[str] = []
    merges: list[str] = []
    row = col = -1
    inside, count = False, 0
    for event, element in _events(part):
        name = _local(element)
        if event == "start":
            if name == "sheetData":
                inside = True
            elif name == "row" and inside:
                given = element.get("r", "")
                row, col = (int(given) - 1 if given.isdecimal() and given.isascii() else row + 1), -1
                hidden = ' hidden="1"' if element.get("hidden") in ("1", "true", "on") else ""
                body.append(f'<row r="{row + 1}"{hidden}>')
            continue
        if name == "sheetData":
            inside = False
        elif name == "c" and inside:
            count += 1
            if count > limits.cells:
                raise Refused("file.too_large", f"单元格超过 {limits.cells} 个")
            address = element.get("r", "").upper().replace("$", "").encode()
            if address and not _ADDRESS.fullmatch(address):
                raise Refused("file.damaged", "有不合规范的单元格地址")
            at = _spot(address) if address else (row, col + 1)
            col = at[1]
            body.append(_rewritten_cell(element, at))
            element.clear()
        elif name == "row" and inside:
            body.append("</row>")
            element.clear()
        elif name == "col":
            columns.append(f'<col min="{element.get("min", "")}" max="{element.get("max", "")}" hidden="{_yes(element.get("hidden"))}"/>')
        elif name == "mergeCell":
            merges.append(f'<mergeCell ref="{_escaped(element.get("ref", "").upper().replace("$", ""), True)}"/>')
    head = f'<worksheet xmlns="{_MAIN.decode()}">' + (f"<cols>{''.join(columns)}</cols>" if columns else "")
    tail = f"<mergeCells>{''.join(merges)}</mergeCells>" if merges else ""
    return f"{head}<sheetData>{''.join(body)}</sheetData>{tail}</worksheet>".encode("utf-8", "replace")


def _yes(given: str | None) -> int:
    return int(given in ("1", "true", "on"))


def _rewritten_cell(cell: Any, at: Spot) -> str:
    style, kind = cell.get("s", ""), cell.get("t", "")
    content = ""
    for child in cell:
        name = _local(child)
        if name == "f":
            given = "".join(f' {key}="{_escaped(child.get(key), True)}"' for key in ("t", "ref", "si") if child.get(key))
            content += f"<f{given}>{_escaped(''.join(child.itertext()))}</f>"
        elif name == "v":
            content += f"<v>{_escaped(''.join(child.itertext()))}</v>"
        elif name == "is":
            content += f"<is>{_rich(child)}</is>"
    tag = f'<c r="{cell_name(*at)}"'
    tag += f' s="{style}"' if style.isdecimal() and style.isascii() and len(style) < 7 else ""
    tag += f' t="{kind}"' if kind in _TYPES else ""
    return f"{tag}>{content}</c>" if content else f"{tag}/>"


def _strings(zipped: _Zip, name: str, limits: Limits) -> bytes:
    """Unpack the shared strings, bounded, in the usual spelling."""
    part = zipped.xml(name)
    if b"<sst" not in part[:2000] or (b"!" in part and b"<!" in part) or b":si" in part:
        if len(part) > limits.odd_bytes:
            raise Refused("file.too_large", "文字内容过大")
        items = []
        for event, element in _events(part):
            if event == "end" and _local(element) == "si":
                items.append(f"<si>{_rich(element)}</si>")
                element.clear()
        part = f'<sst xmlns="{_MAIN.decode()}">{"".join(items)}</sst>'.encode("utf-8", "replace")
    if part.count(b"<si") > limits.strings:
        raise Refused("file.too_large", f"文字条目超过 {limits.strings} 个")
    if len(part) > limits.text_bytes and max(map(len, part.split(b"</si>"))) > limits.text_bytes:
        raise Refused("file.too_large", "有一个单元格文字过长")
    return part


# ---------------------------------------------------------------------------------------------------------------- ods

_ERROR_WORDS = re.compile(r"#[A-Z/0!?]+[!?]?|#N/A|Err:\d+")


def _inspect_ods(zipped: _Zip, limits: Limits) -> Package:
    if "META-INF/manifest.xml" in zipped and b"encryption-data" in zipped.xml("META-INF/manifest.xml"):
        raise Refused("file.encrypted")
    content = zipped.xml("content.xml")
    flags = {"macros"} if zipped.any("basic/", "scripts/") else set()
    if zipped.any("object "):
        flags.add("embedded")
    if b"dde-link" in content:
        flags.add("dde")
    sheets: list[SheetFacts] = []
    hidden_styles, style, total = set[str](), "", 0
    for event, element in _events(content):
        name = _local(element)
        if event == "start":
            if name == "style":
                style = element.get(_attribute(element, "name"), "")
        elif name == "table-properties" and _ods(element, "display") == "false":
            hidden_styles.add(style)
        elif name == "table":
            facts, area = _ods_sheet(element, limits)
            total += area
            if total > limits.area or len(sheets) >= limits.sheets:
                raise Refused("file.too_large", f"工作表“{facts.name[:31]}”数据区域过大")
            hidden = _ods(element, "style-name") in hidden_styles
            sheets.append(_named(facts, facts.name, "hidden" if hidden else "visible", {}))
            element.clear()
    properties = {}
    if "meta.xml" in zipped:
        properties = {_ods(e, "name"): e.text or "" for e in zipped.tree("meta.xml").iter() if _local(e) == "user-defined"}
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    readable = _stored_zip([("mimetype", _ODS), ("META-INF/manifest.xml", manifest), ("content.xml", content)])
    return Package("ods", readable, tuple(sheets), properties=properties, flags=tuple(sorted(flags)))


def _attribute(element: Any, name: str) -> str:
    return next((key for key in element.attrib if key.endswith("}" + name)), name)


def _ods(element: Any, name: str) -> str:
    return str(element.get(_attribute(element, name), ""))


def _repeated(element: Any, name: str) -> int:
    given = _ods(element, name)
    return int(given) if given.isdecimal() and len(given) < 9 else 1


def _ods_sheet(table: Any, limits: Limits) -> tuple[SheetFacts, int]:
    """Collect one table's facts, and the area its filled cells span; repeats are multiplied out only where there is content."""
    formulas, errors, formats = dict[Spot, str](), dict[Spot, str](), dict[Spot, str]()
    merges: list[Area] = []
    hidden_rows, hidden_cols = set[int](), set[int]()
    row = width = filled = col_at = 0
    bottom = right = 0
    for element in table.iter():
        name = _local(element)
        if name == "table-column":
            times = _repeated(element, "number-columns-repeated")
            if _ods(element, "visibility") in ("collapse", "filter"):
                hidden_cols.update(range(col_at, min(col_at + times, _COLUMNS_MOST)))
            col_at += times
        elif name == "table-row":
            times, col = _repeated(element, "number-rows-repeated"), 0
            if _ods(element, "visibility") in ("collapse", "filter"):
                hidden_rows.update(range(row, min(row + times, _ROWS_MOST)))
            for cell in element:
                if _local(cell) not in ("table-cell", "covered-table-cell"):
                    continue
                wide = _repeated(cell, "number-columns-repeated")
                kind, formula = _ods(cell, "value-type"), _ods(cell, "formula")
                if kind or formula or len(cell):
                    filled += wide * times
                    if filled > limits.cells:
                        raise Refused("file.too_large", f"单元格超过 {limits.cells} 个")
                    bottom, right = row + times, max(right, col + wide)
                    spots = [(r, c) for r in range(row, row + times) for c in range(col, col + wide)]
                    shown = "".join(cell.itertext()) if kind == "string" and formula else ""
                    if formula:
                        formulas.update(dict.fromkeys(spots, formula.partition("=")[2] or "?"))
                    if "error" in (v for k, v in cell.attrib.items() if k.endswith("}value-type")) or _ERROR_WORDS.fullmatch(shown):
                        errors.update(dict.fromkeys(spots, shown or "#?"))
                    if kind == "percentage":
                        formats.update(dict.fromkeys(spots, "0.00%"))
                down, across = _repeated(cell, "number-rows-spanned"), _repeated(cell, "number-columns-spanned")
                if down > 1 or across > 1:
                    merges.append(Area(row, col, row + down - 1, col + across - 1))
                    if len(merges) > limits.merges or down * across > limits.area:
                        raise Refused("file.too_large", "合并单元格过多或过大")
                col += wide
            row += times
            width = max(width, col)
    facts = SheetFacts(
        _ods(table, "name"), formulas=formulas, errors=errors, formats=formats, merges=tuple(merges),
        hidden_rows=frozenset(hidden_rows), hidden_cols=frozenset(hidden_cols),
    )  # fmt: skip
    return facts, bottom * right


# ---------------------------------------------------------------------------------------------------------------- xlsb and xls


def _inspect_xlsb(zipped: _Zip, limits: Limits) -> Package:
    """Bound what a binary workbook asks for. Its parts hold records; cells name their column, row records their row."""
    parts, cells, area = [], 0, 0
    for name, info in zipped.infos.items():
        if name.startswith(("xl/vbaproject", "xl/printersettings", "xl/embeddings")):
            continue
        if not name.endswith((".bin", ".rels", "[content_types].xml")):
            continue
        part = zipped.xml(name) if not name.endswith(".bin") else zipped.read(name)
        parts.append((info.filename.replace("\\", "/"), part))
        if name.startswith("xl/worksheets/"):
            row = bottom = right = 0
            for kind, start, size in _xlsb_records(part):
                if kind == 0 and size >= 4:
                    row = int.from_bytes(part[start : start + 4], "little")
                elif 1 < kind < 12 and size >= 4:
                    cells += 1
                    bottom, right = max(bottom, row + 1), max(right, int.from_bytes(part[start : start + 4], "little") + 1)
            area += bottom * right
            if area > limits.area or cells > limits.cells:
                raise Refused("file.too_large", "单元格过多，或在很远的位置有内容")
    if not all(name.isascii() for name, _ in parts):
        raise Refused("file.suspicious", "内部部件名不正常")
    flags = tuple(sorted(flag for flag, starts in _FLAGS.items() if zipped.any(*starts)))
    return Package("xlsb", _stored_zip(parts), (), properties=_custom_properties(zipped), flags=flags)


def _xlsb_records(part: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (kind, start, size) of each record; kind and size are numbers of seven bits a byte."""
    at, end = 0, len(part)
    while at < end:
        kind = part[at]
        at += 1
        if kind & 0x80 and at < end:
            kind = (kind & 0x7F) | (part[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while at < end and shift < 28:
            byte = part[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield kind, at, min(size, end - at)
        at += size


class _Ole:
    """An OLE compound file: the names in its directory, and its streams."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            shift, self.mini_shift = struct.unpack_from("<HH", data, 30)
            if shift not in (9, 12) or self.mini_shift != 6:
                raise Refused("file.damaged", "文件头不完整")
            self.size = 1 << shift
            directory, self.mini_most, mini_fat, _, difat, difats = struct.unpack_from("<I4xIIIII", data, 48)
            sectors = list(struct.unpack_from("<109I", data, 76))
            each = self.size // 4 - 1
            for _ in range(min(difats, 1_000)):
                if difat >= _OLE_SPECIAL:
                    break
                more = struct.unpack_from(f"<{each + 1}I", data, (difat + 1) * self.size)
                sectors += more[:each]
                difat = more[each]
            table = b"".join(self.sector(number) for number in sectors if number < _OLE_SPECIAL)
            self.fat = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
            self.entries = self.read_directory(self.chain(directory))
            mini = self.chain(mini_fat) if mini_fat < _OLE_SPECIAL else b""
            self.mini_fat = struct.unpack(f"<{len(mini) // 4}I", mini[: len(mini) // 4 * 4])
        except struct.error as error:
            raise Refused("file.damaged", "文件头不完整，可能没有传完") from error

    def sector(self, number: int) -> bytes:
        return self.data[(number + 1) * self.size : (number + 2) * self.size]

    def chain(self, number: int) -> bytes:
        found, seen = [], 0
        while number < len(self.fat) and seen <= len(self.fat):
            found.append(self.sector(number))
            number, seen = self.fat[number], seen + 1
        if seen > len(self.fat):
            raise Refused("file.damaged", "内部结构循环")
        return b"".join(found)

    @staticmethod
    def read_directory(table: bytes) -> list[tuple[str, int, int, int]]:
        entries = []
        for at in range(0, len(table) - 127, 128):
            length, kind = struct.unpack_from("<HB", table, at + 64)
            name = table[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            start, size = struct.unpack_from("<II", table, at + 116)
            if kind:
                entries.append((name.lower(), kind, start, size))
        return entries

    def names(self) -> set[str]:
        return {entry[0] for entry in self.entries}

    def stream(self, *names: str) -> bytes:
        for name, kind, start, size in self.entries:
            if name in names and kind == 2:
                if size >= self.mini_most:
                    return self.chain(start)[:size]
                root = next((self.chain(entry[2]) for entry in self.entries if entry[1] == 5), b"")
                found, seen = [], 0
                while start < len(self.mini_fat) and seen <= len(self.mini_fat):
                    found.append(root[start * 64 : start * 64 + 64])
                    start, seen = self.mini_fat[start], seen + 1
                return b"".join(found)[:size]
        return b""


_OLE_SPECIAL = 0xFFFFFFFA


def _inspect_ole(data: bytes, limits: Limits) -> Package:
    ole = _Ole(data)
    names = ole.names()
    if "encryptedpackage" in names:
        raise Refused("file.encrypted")
    if not {"workbook", "book"} & names:
        known = (("worddocument", "Word 或 WPS 文字文档"), ("powerpoint document", "演示文稿"))
        raise Refused("file.not_workbook", next((what for name, what in known if name in names), "Office 文档，但不是表格"))
    stream = ole.stream("workbook", "book")
    if not stream:
        raise Refused("file.damaged", "工作簿内容缺失")
    flags = {"macros"} if "_vba_project_cur" in names else set()
    if any(name.startswith(("mbd", "object")) for name in names):
        flags.add("embedded")
    return Package("xls", data, _Biff(stream, limits).sheets(), flags=tuple(sorted(flags)))


_BIFF_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


class _Biff:
    """Walks the records of an xls stream: bounds its cells, and marks formulas, errors, number formats and what is hidden."""

    def __init__(self, stream: bytes, limits: Limits) -> None:
        self.stream, self.limits, self.cells, self.area = stream, limits, 0, 0
        self.listed: list[tuple[int, int, int]] = []
        own: dict[str, str] = {}
        used: list[str] = []
        old = struct.unpack_from("<H", stream, 4)[0] < 0x600 if len(stream) > 8 else False
        for kind, start, size in self.records(0):
            if kind == 0x2F:
                raise Refused("file.encrypted")
            if kind == 0x85 and size >= 6:
                offset, state, sort = struct.unpack_from("<IBB", stream, start)
                self.listed.append((offset, state & 3, sort))
            elif kind == 0x41E and size >= 5:
                number, length, wide = struct.unpack_from("<HHB", stream, start)
                if old:  # Excel 5 and 95: one byte of length, text in the code page of the machine
                    own[str(number)] = stream[start + 3 : start + 3 + (length & 0xFF)].decode("gb18030", "replace")
                else:
                    text = stream[start + 5 : start + 5 + length * (1 + (wide & 1))]
                    own[str(number)] = text.decode("utf-16-le" if wide & 1 else "latin-1", "replace")
            elif kind == 0xE0 and size >= 4:
                used.append(str(struct.unpack_from("<H", stream, start + 2)[0]))
        self.formats = {int(style): code for style, code in _resolved(own, used).items()}

    def records(self, at: int) -> Iterator[tuple[int, int, int]]:
        """Yield (kind, start, size) from one BOF to its EOF; embedded charts come nested."""
        stream, depth = self.stream, 0
        while at + 4 <= len(stream):
            kind, size = struct.unpack_from("<HH", stream, at)
            if at + 4 + size > len(stream):
                raise Refused("file.damaged", "内部记录不完整，可能没有传完")
            if kind == 0x0809:
                depth += 1
            elif kind == 0x000A:
                depth -= 1
                if depth <= 0:
                    return
            elif depth == 1:
                yield kind, at + 4, size
            at += 4 + size

    def sheets(self) -> tuple[SheetFacts, ...]:
        if len(self.listed) > self.limits.sheets:
            raise Refused("file.too_large", f"有 {len(self.listed)} 张工作表，上限 {self.limits.sheets}")
        return tuple(self.sheet(offset) for offset, _, sort in self.listed if sort == 0)

    def sheet(self, offset: int) -> SheetFacts:
        formulas, errors, formats = dict[Spot, str](), dict[Spot, str](), dict[Spot, str]()
        hidden_rows, hidden_cols = set[int](), set[int]()
        stream = self.stream
        bottom = right = 0
        for kind, start, size in self.records(offset):
            if kind in (0x203, 0x27E, 0xFD, 0x204, 0x205, 0x06, 0xD6) and size >= 7:
                row, col, style = struct.unpack_from("<HHH", stream, start)
                last = col
                if kind == 0x06:
                    formulas[row, col] = "?"
                    if size >= 14 and stream[start + 12 : start + 14] == b"\xff\xff" and stream[start + 6] == 2:
                        errors[row, col] = _BIFF_ERRORS.get(stream[start + 8], "#?")
                elif kind == 0x205 and size >= 8 and stream[start + 7]:
                    errors[row, col] = _BIFF_ERRORS.get(stream[start + 6], "#?")
                if kind in (0x203, 0x27E, 0x06) and style in self.formats:
                    formats[row, col] = self.formats[style]
            elif kind == 0xBD and size >= 6:
                row, col = struct.unpack_from("<HH", stream, start)
                last = col + (size - 6) // 6 - 1
                for step in range(last - col + 1):
                    style = struct.unpack_from("<H", stream, start + 4 + step * 6)[0]
                    if style in self.formats:
                        formats[row, col + step] = self.formats[style]
            elif kind == 0x208 and size >= 16:
                if stream[start + 12] & 0x20:
                    hidden_rows.add(struct.unpack_from("<H", stream, start)[0])
                continue
            elif kind == 0x7D and size >= 10:
                first, final, _, _, given = struct.unpack_from("<5H", stream, start)
                if given & 1:
                    hidden_cols.update(range(first, min(final + 1, 256)))
                continue
            else:
                continue
            self.cells += last - col + 1
            bottom, right = max(bottom, row + 1), max(right, last + 1)
        self.area += bottom * right
        if self.cells > self.limits.cells or self.area > self.limits.area:
            raise Refused("file.too_large", "单元格过多，或在很远的位置有内容")
        return SheetFacts(
            "", formulas=formulas, errors=errors, formats=formats, hidden_rows=frozenset(hidden_rows), hidden_cols=frozenset(hidden_cols)
        )  # fmt: skip
