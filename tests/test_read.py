"""Bytes to cells: every value as typed, and what the native reader cannot tell beside it."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from test_guard import HOSTILE, NS, ROWS, Row, package, sheet, unusual, usual

from xlgoals import guard
from xlgoals.cellxml import NotPlain
from xlgoals.errors import Refused
from xlgoals.formats import is_moment, moment
from xlgoals.limits import Limits
from xlgoals.read import read_book, read_bytes
from xlgoals.records import Area, Book


def rows_of(text: str, strings: str = "") -> tuple[tuple[object, ...], ...]:
    return read_bytes(package(sheet(text), strings=strings), name="a.xlsx").sheets[0].rows


def filled(path: Path) -> Path:
    """What a person may have typed, as Excel would store it."""
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet("表一")
    page.write_string("B2", "  首尾有空格 ")
    page.write_string("C2", "≥95%")
    page.write_string("D2", "0012")
    page.write_string("E2", "   ")
    page.write_string("F2", "第一行\n第二行")
    page.write_number("B3", 8806.34)
    page.write_number("C3", 0.95, book.add_format({"num_format": "0%"}))
    page.write_datetime("D3", dt.datetime(2024, 5, 6), book.add_format({"num_format": "yyyy-mm-dd"}))  # noqa: DTZ001
    page.write_datetime("E3", dt.datetime(2024, 5, 6, 12, 30), book.add_format({"num_format": 'yyyy"年"m"月"d"日" h:mm'}))  # noqa: DTZ001
    page.write_boolean("F3", False)
    page.write_number("G3", 0)
    page.write_formula("B4", "=B3*2", value=17612.68)
    page.write_formula("C4", "=B3", value="")
    page.write_formula("D4", "=1/0", value="#DIV/0!")
    page.write_formula("E4", '=B2&"x"', value="首x")
    page.merge_range("A6:C7", "合并")
    page.set_row(7, None, None, {"hidden": True})
    page.set_column("H:I", None, None, {"hidden": True})
    page.write_blank("Z99", None, book.add_format({"bg_color": "#ffff00"}))
    book.add_worksheet("隐藏").hide()
    book.add_worksheet("空").very_hidden()
    book.close()
    return path


def test_values_as_typed(tmp_path: Path) -> None:
    path = filled(tmp_path / "甲.xlsx")
    book = read_book(str(path), name="报送/甲.xlsx")
    page = book.sheets[0]
    assert (book.file, book.kind, len(book.sha256)) == ("报送/甲.xlsx", "xlsx", 64)
    assert page.rows[1] == (None, "  首尾有空格 ", "≥95%", "0012", "   ", "第一行\n第二行", None)
    stamp = dt.datetime(2024, 5, 6, 12, 30)  # noqa: DTZ001
    assert page.rows[2] == (None, 8806.34, 0.95, dt.date(2024, 5, 6), stamp, False, 0.0)
    assert page.rows[3] == (None, 17612.68, None, None, "首x", None, None)
    assert len(page.rows) == 6
    assert page.merges == (Area(5, 0, 6, 2),)
    assert page.formats[2, 2] == "0%"
    assert (page.hidden_rows, page.hidden_cols) == ({7}, {7, 8})
    assert [s.state for s in book.sheets] == ["visible", "hidden", "very_hidden"]
    assert book.sheets[2].rows == ()


def test_formula_cells(tmp_path: Path) -> None:
    page = read_book(str(filled(tmp_path / "a.xlsx")), name="a").sheets[0]
    cells = {
        name: page.cell(row, col) for name, row, col in (("value", 3, 1), ("none", 3, 2), ("error", 3, 3), ("text", 3, 4), ("blank", 8, 8))
    }
    assert [c and (c.value, c.formula, c.error) for c in cells.values()] == [
        (17612.68, "B3*2", None), (None, "B3", None), (None, "1/0", "#DIV/0!"), ("首x", 'B2&"x"', None), None
    ]  # fmt: skip


def test_rich_text_and_escapes() -> None:
    strings = (
        f'<sst xmlns="{NS}"><si><r><t>产出</t></r><r><rPr><b/></rPr><t xml:space="preserve"> 指标</t></r><rPh sb="0" eb="1"><t>chan</t></rPh></si>'
        "<si><t>甲_x000D_\n乙</t></si><si><t><![CDATA[a<b]]></t></si></sst>"
    )
    row = "".join(f'<c r="{c}1" t="s"><v>{n}</v></c>' for n, c in enumerate("ABC"))
    assert rows_of(f'<row r="1">{row}</row>', strings) == (("产出 指标", "甲\r\n乙", "a<b"),)


def test_cdata_in_a_cell_is_no_blank() -> None:
    assert rows_of('<row r="1"><c r="A1" t="str"><v><![CDATA[a<b]]></v></c></row>') == (("a<b",),)


def test_number_that_is_none_is_an_error_not_a_blank() -> None:
    page = read_bytes(
        package(sheet('<row r="1"><c r="A1"><v>1E999</v></c><c r="B1"><v>nan</v></c><c r="C1"><v>1</v></c></row>')), name="a"
    ).sheets[0]
    assert page.rows == ((None, None, 1.0),)
    assert page.errors == {(0, 0): "#NUM!", (0, 1): "#NUM!"}


def test_cells_without_addresses() -> None:
    assert rows_of("<row><c><v>1</v></c><c><v>2</v></c></row><row r='4'><c r='C4'><v>3</v></c><c><v>4</v></c></row>") == (
        (1.0, 2.0, None, None), (None,) * 4, (None,) * 4, (None, None, 3.0, 4.0)
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("number", "code", "expected"),
    [
        (45292.0, "yyyy/m/d", dt.date(2024, 1, 1)),
        (45292.0, 'yyyy"年"m"月"', dt.date(2024, 1, 1)),
        (45292.5, "yyyy-mm-dd h:mm", dt.datetime(2024, 1, 1, 12)),  # noqa: DTZ001
        (0.5, "h:mm", dt.time(12)),
        (1.5, "[h]:mm", dt.timedelta(hours=36)),
        (1.0, "yyyy/m/d", dt.date(1900, 1, 1)),
        (59.0, "yyyy/m/d", dt.date(1900, 2, 28)),
        (60.0, "yyyy/m/d", 60.0),  # 29 February 1900, which never was
        (61.0, "yyyy/m/d", dt.date(1900, 3, 1)),
        (0.5, "yyyy/m/d", 0.5),
        (-1.0, "yyyy/m/d", -1.0),
        (1e12, "yyyy/m/d", 1e12),
        (1e300, "[h]:mm", 1e300),
        (2958465.0, "yyyy/m/d", dt.date(9999, 12, 31)),
    ],
)
def test_moments(number: float, code: str, expected: object) -> None:
    assert moment(number, code) == expected
    assert type(moment(number, code)) is type(expected)


def test_dates_from_1904() -> None:
    assert moment(0.0, "yyyy/m/d", date1904=True) == dt.date(1904, 1, 1)
    assert moment(43830.0, "yyyy/m/d", date1904=True) == dt.date(2024, 1, 1)


@pytest.mark.parametrize(
    ("code", "shows_date"),
    [
        ("yyyy-mm-dd", True), ("[$-804]yyyy年m月d日", True), ("[h]:mm", True), ("h:mm AM/PM", True), ("mm:ss.0", True), ("m-d-yy;@", True),
        ("0.00", False), ("0.00E+00", False), ('0.00"元/d"', False), ("[Red]0.00", False), ("@", False), ("General", False), ('#,##0"万元"', False),
        ("0\\d", False), ("_-* #,##0.00_-;_-@", False), ("[$USD] #,##0.00", False), ('0.00"a;d"', False), ("0;[Red]-0", False),
    ],
)  # fmt: skip
def test_which_formats_show_a_date(code: str, shows_date: bool) -> None:
    assert is_moment(code) == shows_date


# --------------------------------------------------------------------------------------------------------------- against other readers


def natively(data: bytes) -> list[list[list[object]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return [[list(row) for row in book.get_sheet_by_index(n).to_python(skip_empty_area=False)] for n in range(len(book.sheet_names))]


def same_values(book: Book, native: list[list[list[object]]]) -> None:
    assert len(book.sheets) == len(native)
    for page, rows in zip(book.sheets, native, strict=True):
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                assert page.value(r, c) == (None if value == "" else value), (page.name, r, c)
        assert len(page.rows) <= len(rows)


def test_no_other_value_than_the_native_reader_has(tmp_path: Path) -> None:
    data = filled(tmp_path / "a.xlsx").read_bytes()
    same_values(read_bytes(data, name="a"), natively(data))


def test_same_as_openpyxl(tmp_path: Path) -> None:
    path = filled(tmp_path / "a.xlsx")
    page = read_book(str(path), name="a").sheets[0]
    other = openpyxl.load_workbook(path, data_only=True).worksheets[0]
    for row in other.iter_rows(max_row=12, max_col=10):
        for cell in row:
            if cell.data_type == "e":
                continue
            found = page.value(cell.row - 1, cell.column - 1)
            if isinstance(cell.value, dt.datetime) and not isinstance(found, dt.datetime):
                assert found == cell.value.date()
            else:
                assert found == cell.value, cell.coordinate


@settings(max_examples=100, deadline=None)
@given(ROWS, st.sampled_from(["", "x"]), st.sampled_from(['"', "'"]), st.booleans())
def test_spelling_does_not_change_values(rows: Row, prefix: str, quote: str, addresses: bool) -> None:
    """Both spellings give the same cells; the native reader agrees on the usual one, but for dates that are none."""
    usually, unusually = read_bytes(package(usual(rows)), name="a"), read_bytes(package(unusual(rows, prefix, quote, addresses)), name="a")
    assert usually.sheets == unusually.sheets
    native = natively(package(usual(rows)))[0]
    for r, row in enumerate(native):
        for c, value in enumerate(row):
            found = usually.sheets[0].value(r, c)
            if not is_moment(usually.sheets[0].formats.get((r, c), "0")):
                assert found == (None if value == "" else value)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("many strings", "unpacks to much", "many cells")])
def test_hostile_files_never_reach_the_native_reader(name: str) -> None:
    with pytest.raises(Refused) as refused:
        read_bytes(HOSTILE[name][0](), name=name)
    assert refused.value.code == HOSTILE[name][1]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_xml_is_refused_or_read(data: st.DataObject) -> None:
    text = sheet('<row r="1"><c r="A1" s="1"><v>1</v></c><c r="B1" t="s"><v>0</v></c><c r="C1"><f>A1</f><v>2</v></c></row>').encode()
    at = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.sampled_from([b"<", b">", b'"', b"", b"&", b"<c>", b"</row>", b"99999", b"\xff", b"<v>", b"\0", b"A"]))
    cut = data.draw(st.integers(0, 12))
    mutant = text[:at] + junk + text[at + cut :]
    try:
        read_bytes(package(mutant.decode("utf-8", "surrogateescape"), extra=()) if b"\xff" not in mutant else package("x"), name="a")
    except Refused as refused:
        assert refused.code.startswith("file.")


def test_string_number_out_of_range_is_damage() -> None:
    with pytest.raises(Refused) as refused:
        rows_of('<row r="1"><c r="A1" t="s"><v>99</v></c></row>')
    assert refused.value.code == "file.damaged"


def test_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_book(str(tmp_path / "gone.xlsx"), name="gone.xlsx")
    assert refused.value.code == "file.unreadable"
    (tmp_path / "big.xlsx").write_bytes(b"PK" * 100)
    with pytest.raises(Refused) as refused:
        read_book(str(tmp_path / "big.xlsx"), name="big.xlsx", limits=Limits(file_bytes=100))
    assert refused.value.code == "file.too_large"


# --------------------------------------------------------------------------------------------------------------- other kinds

SOFFICE = shutil.which("soffice")


@pytest.mark.office
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("kind", ["xls", "ods", "xlsx"])
def test_kinds_saved_by_libreoffice(tmp_path: Path, kind: str) -> None:
    path = filled(tmp_path / "a.xlsx")
    command = [str(SOFFICE), f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", kind, "--outdir"]
    subprocess.run([*command, str(tmp_path / "out"), str(path)], check=True, capture_output=True, timeout=120)
    shutil.move(tmp_path / "out" / f"a.{kind}", tmp_path / "b.xlsx")  # the extension must not matter
    book = read_book(str(tmp_path / "b.xlsx"), name="b")
    assert book.kind == kind
    assert [(s.name, s.state) for s in book.sheets][:2] == [("表一", "visible"), ("隐藏", "hidden")]
    page = book.sheets[0]
    assert page.rows[1][:6] == (None, "  首尾有空格 ", "≥95%", "0012", "   ", "第一行\n第二行")
    assert page.rows[2][:4] == (None, 8806.34, 0.95, dt.date(2024, 5, 6))
    assert page.rows[2][5] == 0  # false; from ods it comes as a number
    assert page.rows[2][6] == 0
    assert set(page.formulas) - {(2, 5)} == {(3, 1), (3, 2), (3, 3), (3, 4)}  # LibreOffice writes FALSE as =FALSE()
    assert page.errors == {(3, 3): "#DIV/0!"}
    assert page.value(3, 3) is None
    assert page.value(3, 1) == 17612.68
    assert page.formats[2, 2] in ("0%", "0.00%")
    assert Area(5, 0, 6, 2) in page.merges
    assert (page.hidden_rows, page.hidden_cols) == ({7}, {7, 8})


# ------------------------------------------------------------------------------------------------- values without the native reader

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").rglob("*.xlsx"))
TRICKY = (
    "a&amp;b &lt;c&gt; &quot;&apos;", "a&#10;b", "_x000D_", "  首尾  ", "a\r\nb", "a\nb", "&#x4E2D;", "", "𠮷",
)  # fmt: skip
NUMBERS = ("0", "-0", "1E5", "1e-7", "0.1", "12345678901234567", "1E999", "-1E999", "1_0", " 1", "+1", ".5", "1.", "NaN", "inf", "", "0x1")


def by_reader(data: bytes) -> Book:
    """The same workbook, with every value told by the native reader."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xlgoals.xlsx.plain_texts", _not_plain)
        return read_bytes(data, name="a")


def by_scanner(data: bytes) -> Book:
    """The same workbook, with no row taken out as one of plain cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xlgoals.rowxml.LONG", -1)
        return read_bytes(data, name="a")


def _not_plain(*_: object) -> None:
    raise NotPlain


def same(data: bytes) -> bool:
    """Whether all ways give the same, or refuse for the same reason."""
    told: list[object] = []
    for way in (lambda data: read_bytes(data, name="a"), by_scanner, by_reader):
        try:
            book = way(data)
            told.append((book, repr([sheet.rows for sheet in book.sheets])))  # repr: -0.0 is not 0.0
        except Refused as refused:
            told.append(refused.code)
    return told[0] == told[1] == told[2]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_read_the_same_without_the_native_reader(path: Path) -> None:
    assert same(path.read_bytes())


def test_ordinary_workbooks_need_no_native_reader(tmp_path: Path) -> None:
    data = filled(tmp_path / "甲.xlsx").read_bytes()
    assert not guard.inspect(data).readable
    assert same(data)


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_any_sheet_reads_the_same_without_the_native_reader(rows: Row) -> None:
    assert same(package(usual(rows)))


@pytest.mark.parametrize("text", TRICKY)
@pytest.mark.parametrize("item", ["<si><t>{}</t></si>", '<si><t xml:space="preserve">{}</t></si>', '<si><t>{}</t><phoneticPr fontId="1"/></si>'])
def test_any_text_reads_the_same_without_the_native_reader(text: str, item: str) -> None:
    cells = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="str"><f>A1</f><v>' + text + "</v></c></row>"
    assert same(package(sheet(cells), strings=f'<sst xmlns="{NS}">{item.format(text)}</sst>'))


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", ["", ' t="n"', ' t="b"', ' t="e"', ' t="s"', ' t="str"', ' s="2"'])
def test_any_number_reads_the_same_without_the_native_reader(number: str, kind: str) -> None:
    cells = f'<row r="2"><c r="B2"{kind}><v>{number}</v></c><c r="C2"{kind}><f>1</f><v>{number}</v></c></row>'
    assert same(package(sheet(cells), strings=f'<sst xmlns="{NS}"><si><t>a</t></si></sst>'))


OURS = '<c r="{}"><f>IF(N("#check"),"",A1)</f><v>{}</v></c>'
TYPED = '<c r="A{0}" s="1"><v>1</v></c><c r="B{0}"/><c r="C{0}" t="s"><v>0</v></c>'
SPELLINGS = {
    "ours behind": (f'<row r="{n}">{TYPED.format(n)}{OURS.format(f"D{n}", "")}</row>' for n in (1, 2, 2, 3)),
    "ours told": (f'<row r="{n}">{TYPED.format(n)}{OURS.format(f"D{n}", f"说{n}")}{OURS.format(f"E{n}", "")}</row>' for n in (1, 2)),
    "ours between": ('<row r="1">', OURS.format("A1", "x"), '<c r="B1"><v>2</v></c>', OURS.format("C1", ""), '<c r="D1"><v>3</v></c></row>'),
    "ours shared": ('<row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">IF(N("#check"),"",B1)</f><v>1</v></c></row>',
                    '<row r="2"><c r="A2"><f t="shared" si="0"/><v>1</v></c></row>'),
    "our mark in a text": ('<row r="1"><c r="A1" t="str"><v>#check</v></c><c r="B1"><v>1</v></c></row>',),
    "a row twice": ('<row r="1"><c r="A1"><v>1</v></c></row>', '<row r="1"><c r="B1"><v>2</v></c></row>'),
    "a cell twice": ('<row r="1"><c r="A1"><v>1</v></c></row>', '<row r="1"><c r="A1"><v>2</v></c></row>'),
    "a cell twice in a row": ('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>',),
    "cells of another row": ('<row r="1"><c r="A2"><v>1</v></c></row>', '<row r="2"><c r="B2"><v>2</v></c></row>'),
    "cells from right to left": ('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>',),
    "rows upwards": ('<row r="3"><c r="A3"><f>B3</f><v>1</v></c></row>', '<row r="1"><c r="A1"><f>B1</f><v>2</v></c></row>'),
    "blank rows": ('<row r="1" hidden="1"/>', '<row r="2" ht="3" hidden="1"><c r="A2" s="1"/></row>', '<row r="3" hidden="0"><c r="A3"><v>1</v></c></row>'),
    "formulas": ('<row r="1"><c r="A1"><f>B1</f></c><c r="B1"><f></f><v>1</v></c><c r="C1" t="str"><f>"&amp;"&amp;A1</f><v>&lt;</v></c></row>',),
    "shared behind plain": ('<row r="1"><c r="A1"><f>B1</f><v>1</v></c></row>', '<row r="2"><c r="A2"><f t="shared" ref="A2:A3" si="0">B2</f><v>2</v></c></row>',
                            '<row r="3"><c r="A3"><f t="shared" si="0"/><v>3</v></c></row>'),
    "a value within a value": ('<row r="1"><c r="A1"><v><v>1</v></v></c><c r="B1"><v>2</v></c></row>',),
    "a value not closed": ('<row r="1"><c r="A1"><v></c><c r="B1"><v>2</v></c></row>',),
    "far away": ('<row r="1048576"><c r="A1048576" s="1"/><c r="XFD1048576"/></row>', '<row r="2"><c r="ZZ2"><v>2</v></c></row>'),
}  # fmt: skip


@pytest.mark.parametrize("rows", [pytest.param("".join(rows), id=name) for name, rows in SPELLINGS.items()])
def test_any_row_reads_the_same_without_the_native_reader(rows: str) -> None:
    assert same(package(sheet(rows), strings=f'<sst xmlns="{NS}"><si><t>a</t></si></sst>'))
