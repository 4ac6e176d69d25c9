"""Workbooks that carry what staff, Excel and WPS put into them beside cells: pictures, controls, notes, macros; and odd spellings."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

import openpyxl
import xlsxwriter
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/"
ODD_NAME = "O'Neil 表<&>\"1\""


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, part in parts.items():
            opened.writestr(name, part)
    return buffer.getvalue()


def picture() -> io.BytesIO:
    """A red seal, 8 by 8."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\xc8\0\0" * 8 for _ in range(8))
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def written() -> bytes:
    """By xlsxwriter, with most of what Excel knows."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet, other, last = book.add_worksheet("表"), book.add_worksheet(ODD_NAME), book.add_worksheet("暗")
    last.hide()
    book.set_custom_property("tpl_id", "PT-001")
    red, open_cell = book.add_format({"font_color": "red"}), book.add_format({"locked": False, "border": 1, "bg_color": "#CCFFCC"})
    other.write_column("A1", ["甲", "乙", "丙"])
    book.define_name("清单", f"='{ODD_NAME.replace(chr(39), chr(39) * 2)}'!$A$1:$A$3")
    sheet.write_rich_string("A1", "项目", red, "（必填）", "名称")
    sheet.write("A2", "plain", open_cell)
    sheet.merge_range("B2:D2", "合并", open_cell)
    sheet.data_validation("B4:B9", {"validate": "list", "source": "=清单", "input_title": "t"})
    sheet.conditional_format("A4:A9", {"type": "formula", "criteria": '=$A4=""', "format": book.add_format({"bg_color": "#FFFF99"})})
    sheet.conditional_format("E4:E9", {"type": "data_bar", "data_bar_2010": True})
    sheet.write_column("E4", [1, 2, 3, 4, 5, 6])
    sheet.insert_image("G2", "seal.png", {"image_data": picture(), "description": "单位公章"})
    sheet.insert_textbox("G12", "说明文本框")
    sheet.insert_button("B14", {"caption": "btn"})
    sheet.write_comment("A2", "填写说明", {"author": "王科员"})
    other.insert_button("B14", {"caption": "only a control"})
    sheet.write_url("A15", "internal:'表'!A1", string="去")
    sheet.write_formula("E11", "=SUM(E4:E9)", None, 21)
    sheet.protect("秘密", {"format_rows": True})
    sheet.ignore_errors({"number_stored_as_text": "C4:C9"})
    sheet.add_sparkline("F4", {"range": "表!E4:E9"})
    sheet.set_header("&C表头&G", {"image_center": "seal.png", "image_data_center": picture()})
    sheet.fit_to_pages(1, 0)
    sheet.set_paper(9)
    sheet.repeat_rows(0)
    sheet.print_area("A1:H20")
    sheet.freeze_panes(3, 0)
    sheet.set_column("B:B", 30)
    sheet.set_row(3, 40)
    book.close()
    return buffer.getvalue()


def enriched() -> bytes:
    """The same with what only Excel and WPS add: extensions, threaded comments, macros, calcChain, printer settings, WPS pictures."""
    parts = parts_of(written())
    sheet, told = parts["xl/worksheets/sheet1.xml"].decode(), parts["xl/worksheets/_rels/sheet1.xml.rels"].decode()
    x14 = (
        '<ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}" xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"><x14:dataValidations count="1" '
        'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:dataValidation type="list"><x14:formula1><xm:f>暗!$A$1:$A$3</xm:f></x14:formula1>'
        "<xm:sqref>D4:D9</xm:sqref></x14:dataValidation></x14:dataValidations></ext>"
    )
    sheet = sheet.replace("</extLst>", x14 + "</extLst>")
    sheet = sheet.replace("<legacyDrawingHF", '<!-- kept --><legacyDrawingHF')
    sheet = re.sub(r"<pageSetup ", '<pageSetup r:id="rId90" ', sheet)
    person, thread = "{00000000-0000-0000-0000-000000000001}", "{00000000-0000-0000-0000-000000000002}"
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    parts["xl/worksheets/_rels/sheet1.xml.rels"] = told.replace(
        "</Relationships>",
        f'<Relationship Id="rId90" Type="{R}/printerSettings" Target="../printerSettings/printerSettings1.bin"/>'
        '<Relationship Id="rId91" Type="http://schemas.microsoft.com/office/2017/10/relationships/threadedComment" Target="../threadedComments/threadedComment1.xml"/>'
        "</Relationships>",
    ).encode()
    book = parts["xl/_rels/workbook.xml.rels"].decode()
    parts["xl/_rels/workbook.xml.rels"] = book.replace(
        "</Relationships>",
        f'<Relationship Id="rId93" Type="http://schemas.microsoft.com/office/2017/10/relationships/person" Target="persons/person.xml"/>'
        f'<Relationship Id="rId94" Type="{R}/calcChain" Target="calcChain.xml"/>'
        '<Relationship Id="rId95" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="vbaProject.bin"/>'
        '<Relationship Id="rId96" Type="http://www.wps.cn/officeDocument/2020/cellImage" Target="cellimages.xml"/></Relationships>',
    ).encode()
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = parts["[Content_Types].xml"].decode()
    parts["[Content_Types].xml"] = (
        types.replace(f"{office}.sheet.main+xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml")
        .replace(
            "</Types>",
            f'<Default Extension="bin" ContentType="{office}.printerSettings"/><Override PartName="/xl/threadedComments/threadedComment1.xml" ContentType="application/vnd.ms-excel.threadedcomments+xml"/>'
            '<Override PartName="/xl/persons/person.xml" ContentType="application/vnd.ms-excel.person+xml"/><Override PartName="/xl/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/>'
            f'<Override PartName="/xl/calcChain.xml" ContentType="{office}.calcChain+xml"/><Override PartName="/xl/cellimages.xml" ContentType="application/vnd.wps-officedocument.cellimage+xml"/></Types>',
        )
        .encode()
    )
    threads = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
    parts |= {
        "xl/printerSettings/printerSettings1.bin": b"\0" * 64,
        "xl/threadedComments/threadedComment1.xml": f'<ThreadedComments xmlns="{threads}"><threadedComment ref="A2" dT="2026-01-01T00:00:00.00" personId="{person}" id="{thread}"><text>hi</text></threadedComment></ThreadedComments>'.encode(),
        "xl/persons/person.xml": f'<personList xmlns="{threads}"><person displayName="u" id="{person}"/></personList>'.encode(),
        "xl/vbaProject.bin": bytes(range(256)) * 9,
        "xl/calcChain.xml": b'<calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><c r="E11" i="1"/></calcChain>',
        "xl/cellimages.xml": b'<etc:cellImages xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData"/>',
        "customXml/item1.xml": b'<t xmlns="urn:tpl">PT-001</t>',
    }
    return packed(parts)


def by_openpyxl() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet
    sheet.title = "表"
    for row in range(1, 12):
        for col in range(1, 6):
            sheet.cell(row, col, f"{row}/{col}")
    sheet["B2"].fill = PatternFill("solid", fgColor="FFCC00")
    sheet["A2"].comment = Comment("第一行\n第二行 <b>&", "王科员")
    sheet["B4"].comment = Comment("  两端有空格  ", "李科员")
    sheet.merge_cells("B2:D2")
    sheet.add_data_validation(DataValidation(type="list", formula1='"是,否"', sqref="C4:C9"))
    sheet.print_title_rows = "1:1"
    book.create_sheet(ODD_NAME)["A1"] = 1
    book.create_sheet("暗").sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def plain() -> dict[str, bytes]:
    """The least that is a workbook: inline strings, no styles, no strings, no properties, rows and cells missing."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    links = "http://schemas.openxmlformats.org/package/2006"
    odd = ODD_NAME.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    cells = '<row r="1"><c r="A1" t="inlineStr"><is><t>项目</t></is></c></row><row r="7"><c r="E7"><v>1</v></c></row>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{links}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{office}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{office}.worksheet+xml"/><Override PartName="/xl/worksheets/sheet2.xml" ContentType="{office}.worksheet+xml"/></Types>'.encode(),
        "_rels/.rels": f'<Relationships xmlns="{links}/relationships"><Relationship Id="rId1" Type="{R}/officeDocument" Target="xl/workbook.xml"/></Relationships>'.encode(),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{R}"><sheets><sheet name="表" sheetId="1" r:id="rId1"/><sheet name="{odd}" sheetId="2" r:id="rId2"/></sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}/relationships"><Relationship Id="rId1" Type="{R}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{R}/worksheet" Target="/xl/worksheets/sheet2.xml"/></Relationships>'.encode(),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'.encode(),
        "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{main}"><sheetData/></worksheet>'.encode(),
    }


def prefixed() -> bytes:
    """As the OpenXML SDK writes: every element with a prefix, in quotes of the other kind."""
    parts = plain()
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    for name in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"):
        part = re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", parts[name]).replace(b'xmlns="' + main, b"xmlns:x='" + main).replace(main + b'"', main + b"'")
        parts[name] = part.replace(b"xmlns:r=", b"xmlns:rel=").replace(b" r:id=", b" rel:id=")
    return packed(parts)


def strict() -> bytes:
    """The strict kind of the format."""
    old = b"http://schemas.openxmlformats.org/"
    new = {
        old + b"spreadsheetml/2006/main": STRICT.encode() + b"spreadsheetml/main",
        old + b"officeDocument/2006/relationships": STRICT.encode() + b"officeDocument/relationships",
    }
    parts = plain()
    for name, part in parts.items():
        for a, b in new.items():
            part = part.replace(a, b)
        parts[name] = part
    return packed(parts)


def bare_styles() -> bytes:
    """A style sheet without the groups we add to, pretty-printed."""
    parts = plain()
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/styles.xml"] = f'<?xml version="1.0"?>\n<styleSheet xmlns="{main}">\n  <numFmts count="1">\n    <numFmt numFmtId="170" formatCode="0.0"/>\n  </numFmts>\n  <dxfs count="0" />\n</styleSheet>\n'.encode()
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(b"</Relationships>", f'<Relationship Id="rId9" Type="{R}/styles" Target="styles.xml"/></Relationships>'.encode())
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        b"</Types>", b'<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>'
    )
    return packed(parts)


CORPUS: dict[str, Callable[[], bytes]] = {
    "written": written, "enriched": enriched, "openpyxl": by_openpyxl, "plain": lambda: packed(plain()), "prefixed": prefixed, "strict": strict,
    "bare_styles": bare_styles,
}  # fmt: skip
