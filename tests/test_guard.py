"""The gate: what is let in, what is refused with which code, and that both spellings of a sheet say the same."""

from __future__ import annotations

import io
import re
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from xlgoals.errors import Refused
from xlgoals.guard import inspect, is_output, is_workbook
from xlgoals.limits import Limits
from xlgoals.records import Area, Package, cell_name
from xlgoals.respell import rewritten_sheet
from xlgoals.sheetxml import moved_formula

NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PKG = "http://schemas.openxmlformats.org/package/2006/relationships"
ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'
ROOT_RELS = f'<Relationships xmlns="{PKG}"><Relationship Id="rId1" Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
STYLES = (
    f'<styleSheet xmlns="{NS}"><numFmts><numFmt numFmtId="176" formatCode="0.00&quot;元&quot;"/></numFmts><cellXfs>'
    '<xf numFmtId="0"/><xf numFmtId="10"/><xf numFmtId="14"/><xf numFmtId="176"/><xf numFmtId="57"/><xf numFmtId="49"/></cellXfs></styleSheet>'
)


def sheet(rows: str, before: str = "", after: str = "") -> str:
    return f'<worksheet xmlns="{NS}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def package(
    *sheets: str, strings: str = "", names: str = "", target: str = "worksheets/sheet{}.xml", extra: Iterable[tuple[str, str | bytes]] = ()
) -> bytes:
    """Zip a workbook by hand."""
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1))
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{REL}/worksheet" Target="{target.format(n)}"/>' for n in range(1, len(sheets) + 1)
    )  # fmt: skip
    relations += f'<Relationship Id="st" Type="{REL}/styles" Target="styles.xml"/>'
    relations += f'<Relationship Id="ss" Type="{REL}/sharedStrings" Target="sharedStrings.xml"/>'
    parts: list[tuple[str, str | bytes]] = [
        ("_rels/.rels", ROOT_RELS),
        ("xl/workbook.xml", f'<workbook xmlns="{NS}" xmlns:r="{REL}"><sheets>{listed}</sheets>{names}</workbook>'),
        ("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PKG}">{relations}</Relationships>'),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", strings or f'<sst xmlns="{NS}"><si><t>甲</t></si><si><t>乙</t></si></sst>'),
        *((f"xl/worksheets/sheet{n}.xml", one) for n, one in enumerate(sheets, 1)),
        *extra,
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        for name, part in parts:
            zipped.writestr(name, part)
    return buffer.getvalue()


def looked(rows: str, before: str = "", after: str = "") -> Package:
    return inspect(package(sheet(rows, before, after)))


# --------------------------------------------------------------------------------------------------------------- what is collected


def test_facts_of_a_sheet() -> None:
    found = looked(
        '<row r="1"><c r="A1" s="1"><v>0.95</v></c><c r="B1" s="2"><v>45292</v></c><c r="C1" s="0"><v>3</v></c><c r="D1" s="3"/></row>'
        '<row r="2" hidden="1"><c r="A2" s="3"><f>A1*2</f><v>1.9</v></c><c r="B2" t="e"><f>Z9</f><v>#REF!</v></c><c r="C2" t="e"><v>#N/A</v></c></row>'
        '<row r="3"><c r="A3" s="1" t="s"><v>0</v></c><c r="B3" t="str"><f>"a"&amp;"&lt;"</f><v></v></c><c r="C3" s="5"><v>7</v></c></row>',
        before='<cols><col min="2" max="3" width="9" hidden="1"/><col min="5" max="5" width="9"/></cols>',
        after='<mergeCells count="2"><mergeCell ref="A1:B2"/><mergeCell ref="D4"/></mergeCells>',
    ).sheets[0]
    assert found.formats == {(0, 0): "0.00%", (0, 1): "yyyy/m/d", (1, 0): '0.00"元"', (2, 2): "@"}
    assert found.formulas == {(1, 0): "A1*2", (1, 1): "Z9", (2, 1): '"a"&"<"'}
    assert found.errors == {(1, 1): "#REF!", (1, 2): "#N/A"}
    assert found.merges == (Area(0, 0, 1, 1), Area(3, 3, 3, 3))
    assert (found.hidden_rows, found.hidden_cols) == ({1}, {1, 2})


def test_shared_and_array_formulas() -> None:
    found = looked(
        '<row r="1"><c r="B1"><f t="shared" ref="B1:B3" si="0">A1*$C$1+SUM(A$1:A1)</f><v>1</v></c></row>'
        '<row r="2"><c r="B2"><f t="shared" si="0"/><v>1</v></c></row>'
        '<row r="3"><c r="B3"><f t="shared" si="0"></f><v>1</v></c><c r="D3"><f t="array" ref="D3:D4">A1:A2</f><v>1</v></c></row>'
    ).sheets[0]
    assert found.formulas == {
        (0, 1): "A1*$C$1+SUM(A$1:A1)", (1, 1): "A2*$C$1+SUM(A$1:A2)", (2, 1): "A3*$C$1+SUM(A$1:A3)", (2, 3): "A1:A2", (3, 3): "A1:A2"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rows", "cols", "expected"),
    [
        ("B2*2", 1, 0, "B3*2"),
        ("$B2+B$2", 1, 1, "$B3+C$2"),
        ("'A1 表'!B2&\"B2\"", 1, 1, "'A1 表'!C3&\"B2\""),
        ("LOG10(A1)+fld_A1", 2, 0, "LOG10(A3)+fld_A1"),
        ("A1", -1, 0, "#REF!"),
        ("数据!A1:B9", 0, 2, "数据!C1:D9"),
    ],
)
def test_moved_formula(text: str, rows: int, cols: int, expected: str) -> None:
    assert moved_formula(text, rows, cols) == expected


def test_names_states_properties(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    book.add_worksheet("甲 表")
    book.add_worksheet("隐").hide()
    book.add_worksheet("_meta").very_hidden()
    book.define_name("fld_total", "='甲 表'!$C$3")
    book.define_name("'甲 表'!fld_local", "='甲 表'!$C$4")
    book.set_custom_property("xlgoals-stamp", "1|弋阳", "text")
    book.close()
    found = inspect((tmp_path / "a.xlsx").read_bytes())
    assert [(s.name, s.state) for s in found.sheets] == [("甲 表", "visible"), ("隐", "hidden"), ("_meta", "very_hidden")]
    assert found.names == {"fld_total": "'甲 表'!$C$3"}
    assert found.sheets[0].names == {"fld_local": "'甲 表'!$C$4"}
    assert found.properties == {"xlgoals-stamp": "1|弋阳"}
    assert found.kind == "xlsx"


def test_sheets_are_found_by_relationship(tmp_path: Path) -> None:
    for target in ("/xl/worksheets/sheet{}.xml", "worksheets/../worksheets/sheet{}.xml", "WORKSHEETS/Sheet{}.xml"):
        assert inspect(package(sheet(ONE), target=target)).sheets[0].name == "S1"
    book = openpyxl.Workbook()  # writes absolute targets
    book.active["B2"] = 5
    book.active["B2"].number_format = "0.0%"
    book.save(tmp_path / "a.xlsx")
    assert inspect((tmp_path / "a.xlsx").read_bytes()).sheets[0].formats == {(1, 1): "0.0%"}


@pytest.mark.parametrize(
    ("part", "content", "flag"),
    [
        ("xl/vbaProject.bin", b"x", "macros"),
        ("xl/externalLinks/externalLink1.xml", b"<externalLink/>", "external_links"),
        ("xl/embeddings/oleObject1.bin", b"x", "embedded"),
        ("xl/connections.xml", b"<connections/>", "connections"),
        ("xl/cellimages.xml", b"<x/>", "pictures_in_cells"),
    ],
)
def test_flags(part: str, content: bytes, flag: str) -> None:
    found = inspect(package(sheet(ONE), extra=[(part, content)]))
    assert found.flags == (flag,)
    assert found.kind == ("xlsm" if flag == "macros" else "xlsx")


def test_dde_and_dispimg_are_flagged() -> None:
    link = f'<externalLink xmlns="{NS}"><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
    assert inspect(package(sheet(ONE), extra=[("xl/externalLinks/externalLink1.xml", link)])).flags == ("dde", "external_links")
    picture = '<row r="1"><c r="A1" t="str"><f>_xlfn.DISPIMG("ID_1",1)</f><v>=DISPIMG("ID_1",1)</v></c></row>'
    assert looked(picture).flags == ("pictures_in_cells",)


def test_the_reader_sees_only_what_was_inspected() -> None:
    assert not inspect(package(sheet(ONE))).readable  # so plain that it needs no reader
    rich = sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>')
    data = package(rich, extra=[("xl/vbaProject.bin", b"x"), ("xl/media/image1.png", b"x"), ("xl/worksheets/sheet9.xml", "<bad")])
    with zipfile.ZipFile(io.BytesIO(inspect(data).readable)) as zipped:
        assert zipped.testzip() is None
        assert sorted(zipped.namelist()) == [
            "_rels/.rels",
            "xl/1.xml",
            "xl/_rels/workbook.xml.rels",
            "xl/sharedStrings.xml",
            "xl/workbook.xml",
        ]


def test_own_outputs_are_known(tmp_path: Path) -> None:
    for mark in ("xlgoals-output", "other"):
        book = xlsxwriter.Workbook(tmp_path / f"{mark}.xlsx")
        book.add_worksheet()
        book.set_custom_property(mark, "summary", "text")
        book.close()
        assert is_output((tmp_path / f"{mark}.xlsx").read_bytes()) == (mark == "xlgoals-output")
    assert not is_output(b"PK\3\4 nothing")


def test_facts_of_an_old_workbook() -> None:
    facts = inspect(
        xls(
            record(0x208, struct.pack("<HHHHHHI", 1, 0, 9, 255, 0, 0, 0x20)),
            record(0x7D, struct.pack("<5H", 2, 3, 9, 0, 1)),
            record(0x203, struct.pack("<HHHd", 0, 0, 1, 0.5)),
            record(0xBD, struct.pack("<HHHIHIH", 0, 1, 0, 0, 1, 0, 2)),
            record(0x06, struct.pack("<HHHBBBBBBBB", 1, 0, 0, 2, 0, 23, 0, 0, 0, 0xFF, 0xFF) + bytes(8)),
            record(0x205, struct.pack("<HHHBB", 1, 1, 0, 42, 1)),
        )
    ).sheets[0]
    assert facts.formats == {(0, 0): "0.0%", (0, 2): "0.0%"}
    assert facts.formulas == {(1, 0): "?"}
    assert facts.errors == {(1, 0): "#REF!", (1, 1): "#N/A"}
    assert (facts.hidden_rows, facts.hidden_cols) == ({1}, {2, 3})


# --------------------------------------------------------------------------------------------------------------- two spellings, one meaning

CELLS = st.sampled_from(["blank", "number", "text", "shared", "error", "formula", "error_formula", "text_formula", "bool", "inline"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=6)


def spelled(kind: str, style: int, text: str, number: float) -> tuple[str, str]:
    """Type and content of a cell."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        "blank": ("", ""), "number": ("", f"<v>{number}</v>"), "text": ("str", f"<v>{safe}</v>"), "shared": ("s", "<v>0</v>"),
        "error": ("e", "<v>#DIV/0!</v>"), "formula": ("", f'<f>SUM(A1:B2)&amp;"{safe}"</f><v>{number}</v>'),
        "error_formula": ("e", '<f t="shared" ref="A1:A2" si="3">A1/0</f><v>#DIV/0!</v>'), "text_formula": ("str", f'<f>"{safe}"</f><v></v>'),
        "bool": ("b", "<v>1</v>"), "inline": ("inlineStr", f'<is><t xml:space="preserve">{safe}</t></is>'),
    }[kind]  # fmt: skip


ROWS = st.lists(
    st.tuples(st.booleans(), st.lists(st.tuples(CELLS, st.integers(0, 5), TEXTS, st.floats(0, 1e6)), max_size=5)), min_size=1, max_size=6
)
Row = list[tuple[bool, list[tuple[str, int, str, float]]]]


def usual(rows: Row) -> str:
    body = ""
    for r, (hidden, cells) in enumerate(rows):
        body += f'<row r="{r + 1}"{" hidden=" + chr(34) + "1" + chr(34) if hidden else ""}>'
        for c, one in enumerate(cells):
            kind, content = spelled(*one)
            tag = f'<c r="{cell_name(r, c)}" s="{one[1]}"' + (f' t="{kind}"' if kind else "")
            body += f"{tag}>{content}</c>" if content else f"{tag}/>"
        body += "</row>"
    return sheet(body, '<cols><col min="1" max="2" hidden="1"/></cols>', '<mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells>')


def unusual(rows: Row, prefix: str, quote: str, addresses: bool) -> str:
    """The same sheet as another program might write it."""
    p, q = f"{prefix}:" if prefix else "", quote
    body = ""
    for r, (hidden, cells) in enumerate(rows):
        number = f" r={q}{r + 1}{q}" if addresses else ""
        body += f"<{p}row  hidden = {q}{'true' if hidden else '0'}{q}{number}>\n<!-- <c r='Z9'><v>1</v></c> -->"
        for c, one in enumerate(cells):
            kind, content = spelled(*one)
            for name in ("v", "f", "is", "t") if prefix else ():
                content = (
                    content.replace(f"<{name}>", f"<{p}{name}>").replace(f"<{name} ", f"<{p}{name} ").replace(f"</{name}>", f"</{p}{name}>")
                )
            given_type = f" t={q}{kind}{q}" if kind else ""
            at = f" r={q}{cell_name(r, c)}{q}" if addresses else ""
            body += f"<{p}c{given_type}\n s={q}{one[1]}{q}{at}>{content}</{p}c>\n"
        body += f"</{p}row>"
    bound = f"xmlns:{prefix}" if prefix else "xmlns"
    return (
        f"<?xml version='1.0'?><{p}worksheet {bound}={q}{NS}{q}><{p}cols><{p}col hidden={q}1{q} max={q}2{q} min={q}1{q}/></{p}cols>"
        f"<{p}sheetData >{body}</{p}sheetData><{p}mergeCells><{p}mergeCell\tref={q}A1:B2{q}/></{p}mergeCells></{p}worksheet>"
    )


def by_tree(text: str) -> tuple[dict[tuple[int, int], str], dict[tuple[int, int], str], set[tuple[int, int]]]:
    """Formulas, errors and formatted numbers, read slowly and independently."""
    formulas, errors, numbers = {}, {}, set()
    for cell in etree.fromstring(text.encode()).iter(f"{{{NS}}}c"):
        column, row = openpyxl.utils.cell.coordinate_from_string(cell.get("r"))
        spot = row - 1, openpyxl.utils.column_index_from_string(column) - 1
        formula, value = cell.find(f"{{{NS}}}f"), cell.find(f"{{{NS}}}v")
        if formula is not None:
            formulas[spot] = formula.text
        if cell.get("t") == "e":
            errors[spot] = value.text
        if cell.get("t") is None and value is not None and cell.get("s") not in (None, "0"):
            numbers.add(spot)
    return formulas, errors, numbers


@settings(max_examples=150, deadline=None)
@given(ROWS, st.sampled_from(["", "x"]), st.sampled_from(['"', "'"]), st.booleans())
def test_both_spellings_say_the_same(rows: Row, prefix: str, quote: str, addresses: bool) -> None:
    plain, odd = usual(rows), unusual(rows, prefix, quote, addresses)
    usually, unusually = inspect(package(plain)), inspect(package(odd))
    found = usually.sheets[0]
    assert replace(found, rows=()) == replace(unusually.sheets[0], rows=())
    (again,) = inspect(package(rewritten_sheet(plain.encode(), Limits()).decode())).sheets
    assert replace(again, rows=()) == replace(found, rows=())
    formulas, errors, numbers = by_tree(plain)
    assert (found.formulas, found.errors, set(found.formats)) == (formulas, errors, numbers)
    assert found.hidden_rows == {r for r, (hidden, _) in enumerate(rows) if hidden}


# --------------------------------------------------------------------------------------------------------------- what is refused


def ole(*names: str, stream: bytes = b"") -> bytes:
    """An OLE compound file with nothing but a directory, and a stream that all its names have."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", header, 44, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    header[76:512] = b"\xff" * 436
    fat = bytearray(b"\xff" * 512)
    struct.pack_into("<II", fat, 0, 0xFFFFFFFD, 0xFFFFFFFE)
    directory = bytearray()
    for kind, name in ((5, "Root Entry"), *((2, name) for name in names)):
        encoded = name.encode("utf-16-le") + b"\0\0"
        entry = encoded.ljust(64, b"\0") + struct.pack("<HB", len(encoded), kind)
        directory += entry.ljust(116, b"\0") + struct.pack("<III", 2 if stream and kind == 2 else 0xFFFFFFFE, len(stream), 0)
    struct.pack_into("<I", header, 76, 0)
    sectors = -(-len(stream) // 512)
    struct.pack_into(f"<{sectors}I", fat, 8, *range(3, sectors + 2), *([0xFFFFFFFE] if sectors else []))
    return bytes(header) + bytes(fat) + bytes(directory.ljust(512, b"\0")) + stream.ljust(sectors * 512, b"\0")


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def xls(*cells: bytes, globally: bytes = b"") -> bytes:
    """An Excel 97 workbook of one sheet, of records by hand."""
    begin, end = record(0x809, struct.pack("<HH12x", 0x600, 5)), record(0x0A, b"")
    formats = (
        record(0x41E, struct.pack("<HHB", 176, 4, 0) + b"0.0%") + record(0xE0, bytes(20)) + record(0xE0, struct.pack("<HH16x", 0, 176))
    )
    offset = len(begin) + len(globally) + len(formats) + 4 + 9 + len(end)
    sheets = record(0x85, struct.pack("<IBBBB", offset, 0, 0, 1, 0) + b"S")
    stream = begin + globally + formats + sheets + end + begin + b"".join(cells) + end
    return ole("Workbook", stream=stream.ljust(4096, b"\0"))


def xlsb(*records: tuple[int, bytes]) -> bytes:
    part = b"".join(
        (bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])) + bytes([len(one)]) + one for kind, one in records
    )
    return zipped(("xl/workbook.bin", b"\x83\x01\x00"), ("xl/worksheets/sheet1.bin", part))


def zipped(*parts: tuple[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, part in parts:
            opened.writestr(name, part)
    return buffer.getvalue()


GOOD = package(sheet(ONE))
LAUGHS = "<!DOCTYPE x [" + "".join(f'<!ENTITY a{i} "{(f"&a{i - 1};" * 10) if i else "lol"}">' for i in range(10)) + "]>"
EXTERNAL = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'


def doubled() -> bytes:
    buffer = io.BytesIO(GOOD)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as opened:
        opened.writestr("xl/worksheets/sheet1.xml", sheet(ONE))
    return buffer.getvalue()


def corrupt() -> bytes:
    at = GOOD.index(b"xl/workbook.xml") + 40
    return GOOD[:at] + bytes(byte ^ 0x55 for byte in GOOD[at : at + 60]) + GOOD[at + 60 :]


def lying() -> bytes:
    """The directory says that a part is small; it is not."""
    data = bytearray(package(sheet(ONE + " " * 3_000_000)))
    at = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    struct.pack_into("<I", data, at + 24, 100)
    return bytes(data)


def many_cells(count: int) -> str:
    return "".join(
        f'<row r="{r}">' + "".join(f'<c r="{cell_name(r - 1, c)}"><v>1</v></c>' for c in range(10)) + "</row>"
        for r in range(1, count // 10)
    )


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "file.empty"),
    "random": (lambda: bytes(range(1, 256)) * 200, "file.not_workbook"),
    "text": (lambda: "项目名称,金额\n甲,1\n".encode("gb18030"), "file.not_workbook"),
    "pdf": (lambda: b"%PDF-1.7 ...", "file.not_workbook"),
    "html": (lambda: b"<html><table></table></html>", "file.not_workbook"),
    "xml 2003": (lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "file.not_workbook"),
    "docx": (lambda: zipped(("word/document.xml", "<x/>")), "file.not_workbook"),
    "zip": (lambda: zipped(("a.txt", "x")), "file.not_workbook"),
    "zip in zip": (lambda: zipped(("a.zip", GOOD)), "file.not_workbook"),
    "encrypted": (lambda: ole("EncryptionInfo", "EncryptedPackage"), "file.encrypted"),
    "doc": (lambda: ole("WordDocument"), "file.not_workbook"),
    "xls without content": (lambda: ole("Workbook"), "file.damaged"),
    "xls with password": (lambda: xls(globally=record(0x2F, bytes(6))), "file.encrypted"),
    "xls far cell": (lambda: xls(record(0x203, struct.pack("<HHHd", 65535, 255, 0, 1))), "file.too_large"),
    "xls cut": (lambda: ole("Workbook", stream=record(0x809, bytes(16)) + struct.pack("<HH", 0x85, 9000) + bytes(5000)), "file.damaged"),
    "xlsb far cell": (lambda: xlsb((0, struct.pack("<I", 1048575)), (5, struct.pack("<IId", 16383, 0, 1))), "file.too_large"),
    "ole cut": (lambda: ole("Workbook")[:200], "file.damaged"),
    "cut in half": (lambda: GOOD[: len(GOOD) // 2], "file.damaged"),
    "cut at the end": (lambda: GOOD[:-30], "file.damaged"),
    "corrupt": (corrupt, "file.damaged"),
    "lying sizes": (lying, "file.damaged"),
    "billion laughs": (lambda: package(LAUGHS + sheet('<row r="1"><c r="A1" t="str"><v>&a9;</v></c></row>')), "file.suspicious"),
    "laughs in strings": (lambda: package(sheet(ONE), strings=f'{LAUGHS}<sst xmlns="{NS}"><si><t>&a9;</t></si></sst>'), "file.suspicious"),
    "external entity": (lambda: package(sheet(ONE), strings=f'{EXTERNAL}<sst xmlns="{NS}"><si><t>&e;</t></si></sst>'), "file.suspicious"),
    "utf-16": (lambda: package(sheet(ONE), extra=[("docProps/custom.xml", "<a/>".encode("utf-16"))]), "file.suspicious"),
    "gbk": (lambda: package('<?xml version="1.0" encoding="GBK"?>' + sheet(ONE)), "file.suspicious"),
    "far cell": (lambda: package(sheet(ONE + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')), "file.too_large"),
    "far cell, odd": (lambda: package(sheet(ONE + "<row><c r='XFD1048576'><v>1</v></c></row>")), "file.too_large"),
    "beyond the sheet": (lambda: package(sheet('<row r="9"><c r="A9999999"><v>1</v></c></row>')), "file.damaged"),
    "cell twice": (lambda: package(sheet('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>')), "file.damaged"),
    "merge of all": (lambda: package(sheet(ONE, after='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>')), "file.too_large"),
    "array over all": (lambda: package(sheet('<row r="1"><c r="A1"><f t="array" ref="A1:XFD1048576">1</f></c></row>')), "file.too_large"),
    "many cells": (lambda: package(sheet(many_cells(320_000))), "file.too_large"),
    "many names": (
        lambda: package(sheet(ONE), names="<definedNames>" + "".join(f'<definedName name="n{i}">S1!$A$1</definedName>' for i in range(100_000)) + "</definedNames>"),
        "file.too_large",
    ),
    "many strings": (lambda: package(sheet(ONE), strings=f'<sst xmlns="{NS}">{"<si><t>a</t></si>" * 210_000}</sst>'), "file.too_large"),
    "long text": (lambda: package(sheet(ONE), strings=f'<sst xmlns="{NS}"><si><t>{"长 a" * 300_000}</t></si></sst>'), "file.too_large"),
    "long inline text": (lambda: package(sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>' + "长一" * 600_000 + "</t></is></c></row>")), "file.too_large"),
    "high ratio": (lambda: package(sheet(ONE + " " * 20_000_000)), "file.suspicious"),
    "unpacks to much": (lambda: package(sheet(ONE + " " * 70_000_000)), "file.too_large"),
    "many parts": (lambda: package(sheet(ONE), extra=[(f"xl/media/{i}.png", b"") for i in range(3_001)]), "file.too_large"),
    "many sheets": (lambda: package(*[sheet(ONE)] * 501), "file.too_large"),
    "same part twice": (lambda: package(sheet(ONE), sheet(ONE), target="worksheets/sheet1.xml"), "file.suspicious"),
    "two parts of one name": (doubled, "file.suspicious"),
    "path up": (lambda: package(sheet(ONE), extra=[("xl/../../evil.xml", "<a/>")]), "file.suspicious"),
    "path absolute": (lambda: package(sheet(ONE), extra=[("C:/evil.xml", "<a/>")]), "file.suspicious"),
    "target outside": (lambda: package(sheet(ONE), target="../../../etc/passwd"), "file.suspicious"),
    "part missing": (lambda: package(sheet(ONE), target="worksheets/none.xml"), "file.damaged"),
    "sheet cut": (lambda: package(sheet(ONE)[:-40]), "file.damaged"),
    "unknown entity": (lambda: package("<!-- -->" + sheet('<row r="1"><c r="A1" t="str"><v>&foo;</v></c></row>')), "file.damaged"),
    "ods encrypted": (
        lambda: zipped(("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("META-INF/manifest.xml", "<m><encryption-data/></m>"), ("content.xml", b"\x01")),
        "file.encrypted",
    ),
    "ods repeating": (
        lambda: zipped(
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", '<c xmlns:t="urn:t" xmlns:o="urn:o"><t:table t:name="a"><t:table-row t:number-rows-repeated="1048576">'
             '<t:table-cell t:number-columns-repeated="16384" o:value-type="float" o:value="1"/></t:table-row></t:table></c>'),
        ),
        "file.too_large",
    ),
}  # fmt: skip


def _peak() -> int:
    """The most memory that was resident, in KB."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))[0])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_fast_and_small(name: str) -> None:
    make, code = HOSTILE[name]
    data = make()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew, whatever ran before
    before, start = _peak(), time.process_time()
    with pytest.raises(Refused) as refused:
        inspect(data)
    taken = time.process_time() - start
    more = (_peak() - before) >> 10
    assert refused.value.code == code, refused.value.detail
    assert taken < 2, taken
    assert more < 200, f"{more} MB"


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("docx", HOSTILE["docx"][0](), "Word 文档"), ("pdf", b"%PDF-1", "PDF 文件"), ("doc", ole("WordDocument"), "Word 或 WPS 文字文档"),
        ("csv", b"a,b\n", "文本文件（如 CSV）"), ("zip", zipped(("a", "b")), "压缩包（zip），请先解压"), ("jpg", b"\xff\xd8\xff\xe0", "JPEG 图片"),
    ],
)  # fmt: skip
def test_what_it_is_instead(name: str, data: bytes, what: str) -> None:
    with pytest.raises(Refused) as refused:
        inspect(data)
    assert refused.value.detail == what
    assert not is_workbook(data)


@pytest.mark.parametrize("start", [b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", GOOD[:600], ole("Workbook")[:1200]])
@settings(max_examples=60, deadline=None)
@given(tail=st.binary(max_size=2_000))
def test_garbage_is_refused_not_crashed_on(start: bytes, tail: bytes) -> None:
    with pytest.raises(Refused):
        inspect(start + tail)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=8))
def test_damaged_bytes_never_crash(at: int, junk: bytes) -> None:
    try:
        inspect(GOOD[:at] + junk + GOOD[at + len(junk) :])
    except Refused as refused:
        assert refused.code.startswith("file.")


# --------------------------------------------------------------------------------------------------------------- what must be let in


def test_claimed_dimension_is_no_reason_to_refuse() -> None:
    assert looked(ONE, before='<dimension ref="A1:XFD1048576"/>').kind == "xlsx"


def test_a_column_formatted_to_the_end_is_read() -> None:
    rows = ONE + "".join(f'<row r="{r}"><c r="A{r}" s="1"/></row>' for r in range(2, 1_048_577))
    data = package(sheet(rows))
    start = time.process_time()
    assert len(inspect(data).readable) < 60 << 20
    assert time.process_time() - start < 3


def test_longest_text_of_excel_is_let_in() -> None:
    text = "项" * 32_767
    assert inspect(
        package(sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'), strings=f'<sst xmlns="{NS}"><si><t>{text}</t></si></sst>')
    )


def test_limits_are_settings() -> None:
    with pytest.raises(Refused) as refused:
        inspect(GOOD, Limits(file_bytes=100))
    assert refused.value.code == "file.too_large"


@pytest.mark.skipif(sys.platform == "win32", reason="a matter of the archive, not of the system")
def test_backslashes_in_part_names_of_old_programs() -> None:
    """Some .NET programs write them; every office program reads such a workbook."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            info = zipfile.ZipInfo("x")
            info.filename = name.replace("/", "\\")
            new.writestr(info, old.read(name))
    assert inspect(buffer.getvalue()).sheets[0].name == "S1"
