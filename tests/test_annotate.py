"""The marked copy: what it shows, that nothing else of the workbook changes, and that marks go as they came."""

from __future__ import annotations

import io
import posixpath
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.packages import CORPUS, ODD_NAME, STRICT, R, packed, parts_of, plain
from tests.test_office import convert
from xlgoals.annotate import mark, problem_list, unmark
from xlgoals.errors import Refused
from xlgoals.findings import SEVERITIES, Finding, Severity
from xlgoals.guard import inspect, is_marked
from xlgoals.listsheet import KEY_MARK
from xlgoals.notes import BLOCK, FIRST_BLOCK
from xlgoals.read import read_bytes
from xlgoals.records import At
from xlgoals.tints import ORDER
from xlgoals.wording import load_return_words

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")  # what openpyxl does not know, and would lose
WORDS = load_return_words()
NOTE, LIST = WORDS.note, WORDS.list
EXAMPLES = [path for folder in ("filled", "as-published") for path in sorted((Path(__file__).parents[1] / "examples" / folder).glob("*.xlsx"))]


def one(
    cell: str = "B4", severity: Severity = "error", sheet: str = "表", *, found: str = "旧", expected: str = "新", message: str = "这里不对。", key: str = "0123456789abcdef",
    **more: object,
) -> Finding:  # fmt: skip
    told = Finding("x.code", severity, At("a.xlsx", sheet, cell), "栏目", found, expected, message, "请改。", key)
    return told._replace(**more)


SOME = (
    one("B4"), one("B4", "query", key="1" * 16), one("A2", "query", key="2" * 16), one("C2", "note", key="3" * 16), one("F30", key="4" * 16),
    one("A1", "query", ODD_NAME, key="5" * 16), one("", "error", key="6" * 16), one("", "note", "", key="7" * 16), one("A1", "query", "暗", key="8" * 16),
)  # fmt: skip


@cache
def corpus(name: str) -> bytes:
    return CORPUS[name]()


def marked(data: bytes, findings: Sequence[Finding] = SOME) -> bytes:
    return mark(data, findings, WORDS, file="a.xlsx")


# --- nothing else changes


@pytest.mark.parametrize("name", CORPUS)
def test_marking_twice_is_marking_once_and_unmarking_gives_back_what_there_was(name: str) -> None:
    data = corpus(name)
    once = marked(data)
    assert marked(once) == once == marked(data), "byte for byte"
    assert parts_of(unmark(once, WORDS)) == parts_of(data)
    assert parts_of(mark(once, (), WORDS, file="a.xlsx")) == parts_of(data), "nothing found any more: the marks go"
    assert parts_of(unmark(data, WORDS)) == parts_of(data), "what bears no marks is left alone"


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_can_be_marked_and_unmarked(path: Path) -> None:
    data = path.read_bytes()
    sheets = [sheet.name for sheet in read_bytes(data, name="a").sheets]
    findings = [one(f"{col}{n}", SEVERITIES[n % 3], sheet, key=f"{n:016x}") for sheet in sheets for n in range(1, 12, 2) for col in "BD"]
    once = marked(data, findings)
    assert marked(once, findings) == once
    assert parts_of(unmark(once, WORDS)) == parts_of(data)
    assert [sheet for sheet in read_bytes(once, name="a").sheets if sheet.name != LIST.sheet] == list(read_bytes(data, name="a").sheets)
    check_package(once)


CELLS = st.builds(lambda col, row: f"{col}{row}", st.sampled_from(["A", "B", "C", "D", "E", "Z", "AB"]), st.integers(1, 40))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(
    st.sampled_from(sorted(CORPUS)),
    st.lists(st.builds(one, CELLS, st.sampled_from(SEVERITIES), st.sampled_from(["表", ODD_NAME, "没有的表"]), found=TEXTS, expected=TEXTS, message=TEXTS), max_size=8),
    st.lists(st.builds(one, CELLS, st.sampled_from(SEVERITIES)), max_size=3),
)
@settings(max_examples=40)
def test_any_findings_go_in_and_out(name: str, first: list[Finding], then: list[Finding]) -> None:
    data = corpus(name)
    once = marked(data, first)
    check_package(once)
    assert marked(once, first) == once
    assert parts_of(marked(once, then)) == parts_of(marked(data, then)), "only the last marks stand"
    assert parts_of(unmark(once, WORDS)) == parts_of(data)


def test_untouched_parts_are_copied_as_they_were_compressed() -> None:
    data = corpus("enriched")
    before, after = parts_of(data), parts_of(marked(data))
    changed = {name for name, part in before.items() if after[name] != part}
    assert changed <= {
        "[Content_Types].xml", "_rels/.rels", "docProps/custom.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/comments1.xml",
        *(name for name in before if re.search(r"worksheets/|vmlDrawing\d", name)),
    }, "pictures, macros, threads, printer settings, calcChain, WPS pictures: not looked at"  # fmt: skip
    raw = data[data.index(b"xl/vbaProject.bin") + 17 :][:80]
    assert raw in marked(data)


@pytest.mark.parametrize("name", CORPUS)
def test_a_sheet_keeps_all_it_has(name: str) -> None:
    """Each child of a worksheet is there as it was, but for tints, the drawing of notes, and the ranks of other formats."""
    before, after = parts_of(corpus(name)), parts_of(marked(corpus(name)))
    for part in (part for part in before if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part)):
        old, new = (re.sub(rb'(cfRule[^>]*) priority="\d+"', rb"\1", parts[part]) for parts in (before, after))
        for child in (etree.tostring(child, with_tail=False) for child in etree.fromstring(old)):
            assert child in [etree.tostring(one, with_tail=False) for one in etree.fromstring(new)]


# --- what it shows


@pytest.mark.parametrize("name", ["written", "enriched", "openpyxl", "plain", "bare_styles", "prefixed"])
def test_each_marked_cell_has_one_note_and_a_tint(name: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(marked(corpus(name))))
    sheet = book["表"]
    notes = {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
    note = notes["B4"]
    assert note.count("这里不对。") == 2 and "【错误】" in note and "【核实】" in note and "旧" in note and "新" in note and "请改。" in note
    merged = name in ("written", "enriched", "openpyxl")
    assert "【提示】" in notes["B2" if merged else "C2"], "a cell within a merged area is marked at its first"
    assert "F30" in notes, "a cell that the file does not mention"
    tints = {str(area): rules[0].dxf.fill.bgColor.rgb for area, rules in ((f.sqref, f.rules) for f in sheet.conditional_formatting) if rules[0].dxf}
    assert tints["B4 F30"] == f"FF{WORDS.tints['error']}"
    assert tints["A2"] == f"FF{WORDS.tints['query']}"
    assert tints["B2:D2" if merged else "C2"] == f"FF{WORDS.tints['note']}"
    assert book[ODD_NAME]["A1"].comment
    if name == "openpyxl":
        assert sheet["B2"].fill.fgColor.rgb == "00FFCC00", "the cell's own fill is its own"


def test_tints_stand_before_and_rank_above_the_sheets_own_formats() -> None:
    sheet = parts_of(marked(corpus("written")))["xl/worksheets/sheet1.xml"].decode()
    formulas = re.findall(r"<cfRule[^>]*>(?:<formula>([^<]*))?", sheet)
    assert ["xlgoals" in one for one in formulas] == [True] * 3 + [False] * (len(formulas) - 3)
    assert [int(rank) for rank in re.findall(r'<cfRule[^>]* priority="(\d+)"', sheet)] == list(range(1, len(formulas) + 1))


@pytest.mark.parametrize("name", ["written", "enriched", "openpyxl"])
def test_the_units_own_note_stays(name: str) -> None:
    own = openpyxl.load_workbook(io.BytesIO(corpus(name)))["表"]["A2"].comment
    both = openpyxl.load_workbook(io.BytesIO(marked(corpus(name))))["表"]["A2"].comment
    assert own and both and both.text.startswith(own.text) and both.author == own.author
    assert NOTE.begin in both.text and "请改。" in both.text


def test_words_that_staff_add_behind_our_note_stay() -> None:
    parts = parts_of(marked(corpus("written")))
    name = "xl/comments1.xml"
    end = NOTE.end.encode()
    at = parts[name].rindex(end) + len(end)
    parts[name] = parts[name][:at] + "\n王科员：已改".encode() + parts[name][at:]
    again = openpyxl.load_workbook(io.BytesIO(unmark(packed(parts), WORDS)))["表"]
    assert [cell.comment.text.strip() for row in again.iter_rows() for cell in row if cell.comment and "已改" in cell.comment.text] == ["王科员：已改"]


def listed(data: bytes) -> list[dict[str, object]]:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[-1]
    head = next(row for row in sheet.iter_rows() if row[-1].value == KEY_MARK)
    labels = {column.label: key for key, column in LIST.columns.items()}
    keys = [labels.get(str(cell.value), "key") for cell in head]
    return [{**dict(zip(keys, (cell.value for cell in row), strict=True)), "cells": dict(zip(keys, row, strict=True))} for row in sheet.iter_rows(min_row=head[0].row + 1)]


def test_the_list_names_every_finding_with_links_and_room_for_an_answer() -> None:
    data = marked(corpus("written"), [*SOME, one("E7", "query", key="9" * 16, status="explained", answer="文件规定如此"), one("E8", key="a" * 16, status="dismissed", answer="张三 误报")])
    rows = listed(data)
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["表", ODD_NAME, "暗", LIST.sheet] and book.active and book.active.title == "表"
    assert Counter(row["severity"] for row in rows) == {"错误": 4, "核实": 5, "提示": 2}
    assert [row["number"] for row in rows] == [str(n) for n in range(1, 12)]
    by_key = {row["key"]: row for row in rows}
    assert set(by_key) == {one.key for one in SOME} | {"9" * 16, "a" * 16}
    link = by_key["5" * 16]["cells"]["cell"].hyperlink  # type: ignore[index]
    assert link.location == "'O''Neil 表<&>\"1\"'!A1" and link.target is None
    assert by_key["8" * 16]["cells"]["cell"].hyperlink is None, "a hidden sheet cannot be jumped to"  # type: ignore[index]
    assert "隐藏" in str(by_key["8" * 16]["cell"]) and by_key["6" * 16]["cell"] is None
    for row in rows:
        assert row["cells"]["answer"].protection.locked is (row["severity"] != "核实")  # type: ignore[index]
    assert (by_key["9" * 16]["status"], by_key["9" * 16]["answer"]) == ("已说明", "文件规定如此")
    assert (by_key["a" * 16]["status"], by_key["a" * 16]["decision"], by_key["a" * 16]["answer"]) == ("误报", "张三 误报", None)
    sheet = book.worksheets[-1]
    assert sheet.protection.sheet and sheet.freeze_panes == f"A{rows[0]['cells']['key'].row}"  # type: ignore[index]
    assert sheet.column_dimensions["N"].hidden and sheet.page_setup.orientation == "landscape" and sheet.print_title_rows


def test_what_the_unit_wrote_stands_beside_the_bureaus_verdict() -> None:
    upheld = one("E7", "query", status="upheld", answer="文件规定如此；张三：不成立")
    (row,) = listed(mark(corpus("written"), [upheld], WORDS, file="a", answers={upheld.key: "文件规定如此"}))
    assert (row["status"], row["answer"], row["decision"]) == ("退回", "文件规定如此", "张三：不成立")


EVIL = ["=1+1", "+1", "-1+1", "@SUM(1)", "=cmd|'/c calc'!A1", "http://a.b/c", "</t></is></c><script>", "]]>", "<!--", "a\x00b\x0bc\ud800", "_x0041_", '"&<>\'', "\r\n\t", "<r><t>x</t></r>"]


@pytest.mark.parametrize("text", EVIL)
def test_foreign_text_is_text_everywhere(text: str) -> None:
    data = marked(corpus("written"), [one("B4", "query", found=text, expected=text, message=text, answer=text, status="accepted", field=text)])
    check_package(data)
    clean = text.replace("\x00", "").replace("\x0b", "").replace("\ud800", "").replace("\r\n", "\n")
    (row,) = listed(data)
    cells: dict[str, openpyxl.cell.Cell] = row["cells"]  # type: ignore[assignment]
    for key in ("found", "expected", "field"):
        assert cells[key].data_type in ("s", "inlineStr", "n") and cells[key].hyperlink is None
        assert (cells[key].value or "").replace("_x005F_", "_") == (clean or "")
    sheet = openpyxl.load_workbook(io.BytesIO(data))["表"]
    assert sheet["B4"].comment and clean.strip() in sheet["B4"].comment.text.replace("_x005F_", "_")


def test_a_sheet_name_that_is_taken_is_not_taken_again() -> None:
    parts = parts_of(corpus("plain"))
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace('name="表"'.encode(), f'name="{LIST.sheet}"'.encode())
    data = packed(parts)
    once = marked(data, [one(sheet=LIST.sheet)])
    assert openpyxl.load_workbook(io.BytesIO(once)).sheetnames == [LIST.sheet, ODD_NAME, f"{LIST.sheet}(2)"]
    assert marked(once, [one(sheet=LIST.sheet)]) == once and parts_of(unmark(once, WORDS)) == parts_of(data)


def test_a_list_that_staff_moved_and_left_open_goes_without_harm() -> None:
    """Names of sheets behind it, and the sheet that opens first, are told by number."""
    book = openpyxl.load_workbook(io.BytesIO(marked(corpus("openpyxl"))))
    book.move_sheet(LIST.sheet, -3)
    book.active = 0
    buffer = io.BytesIO()
    book.save(buffer)
    for data in (unmark(buffer.getvalue(), WORDS), marked(buffer.getvalue())):
        again = openpyxl.load_workbook(io.BytesIO(data))
        assert [title for title in again.sheetnames if title != LIST.sheet] == ["表", ODD_NAME, "暗"]
        assert again.active and again.active.title == "表" and again["表"].print_title_rows == "$1:$1"
        assert not list(again[ODD_NAME].defined_names)
    check_package(marked(buffer.getvalue()))


def test_very_many_findings() -> None:
    findings = [one(f"{'ABCDE'[n % 5]}{n // 5 + 1}", SEVERITIES[n % 3], key=f"{n:016x}") for n in range(3_000)] + [one("A1", key=f"{n:016x}") for n in range(9_000, 9_050)]
    data = marked(corpus("plain"), findings)
    check_package(data)
    assert len(listed(data)) == len(findings)
    note = openpyxl.load_workbook(io.BytesIO(data))["表"]["A1"].comment
    assert note and f"另有 {51 - NOTE.most} 个" in note.text
    assert marked(data, findings) == data and parts_of(unmark(data, WORDS)) == parts_of(corpus("plain"))


def test_what_is_no_such_package_is_refused_and_gets_a_list_of_its_own() -> None:
    for data in (b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), packed({"xl/workbook.bin": b"\0"})):
        with pytest.raises(Refused):
            mark(data, SOME, WORDS, file="a")
    data = problem_list(SOME, WORDS, file="旧表.xls")
    check_package(data)
    assert is_marked(data) and data == problem_list(SOME, WORDS, file="旧表.xls")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet and "旧表.xls" in " ".join(str(sheet.cell(n, 1).value) for n in range(1, 5))
    assert len(listed(data)) == len(SOME) and not any(row["cells"]["cell"].hyperlink for row in listed(data))  # type: ignore[index]


def test_a_drawing_of_notes_that_is_missing_is_no_ground_to_build_on() -> None:
    parts = plain()
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", f'</sheetData><legacyDrawing xmlns:r="{R}" r:id="rId7"/>'.encode())
    with pytest.raises(Refused):
        marked(packed(parts))


def test_a_package_with_an_entity_or_broken_xml_is_refused() -> None:
    for old, new in ((b"<sheetData/>", b"<sheetData>"), (b"<worksheet ", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet ')):
        parts = plain()
        parts["xl/worksheets/sheet2.xml"] = parts["xl/worksheets/sheet2.xml"].replace(old, new)
        with pytest.raises(Refused):
            marked(packed(parts))


# --- what Excel insists on


def check_package(data: bytes) -> None:
    """Rules of the package and of its parts that Excel asks repairs for when they are broken."""
    parts = parts_of(data)
    assert len({name.lower() for name in parts}) == len(parts)
    types = etree.fromstring(parts["[Content_Types].xml"])
    defaults = {e.get("Extension", "").lower() for e in types if e.tag.endswith("Default")}
    overrides = [e.get("PartName", "").lstrip("/") for e in types if e.tag.endswith("Override")]
    assert len(overrides) == len(set(overrides)) and set(overrides) <= set(parts)
    for name in parts:
        assert name == "[Content_Types].xml" or name in overrides or name.rpartition(".")[2].lower() in defaults, name
        if not name.endswith((".bin", ".vml", ".png", ".jpeg", ".emf")):
            etree.fromstring(parts[name])
    for name in (name for name in parts if name.endswith(".rels")):
        folder = posixpath.dirname(posixpath.dirname(name))
        ids = [e.get("Id") for e in etree.fromstring(parts[name])]
        assert len(ids) == len(set(ids)) and ids
        for e in etree.fromstring(parts[name]):
            target = e.get("Target", "")
            where = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            assert e.get("TargetMode") == "External" or where in parts, (name, target)
    sheets = [name for name in parts if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
    styles = next((parts[name] for name in parts if re.search(r"tyles\d*\.xml$", name)), b"<s/>")
    counts = {etree.QName(group).localname: len(group) for group in etree.fromstring(styles) if isinstance(group.tag, str)}
    for group in etree.fromstring(styles):
        if isinstance(group.tag, str) and group.get("count"):
            assert int(group.get("count", "")) == len(group), group.tag
    for name in sheets:
        check_sheet(name, parts, counts)
    inspect(data)


def check_sheet(name: str, parts: dict[str, bytes], counts: dict[str, int]) -> None:
    sheet = etree.fromstring(parts[name])
    order = [ORDER.index(etree.QName(child).localname) for child in sheet if isinstance(child.tag, str)]
    assert order == sorted(order), f"{name}: {[ORDER[n] for n in order]}"
    once = Counter(order)
    assert all(count == 1 or ORDER[n] in ("conditionalFormatting", "AlternateContent") for n, count in once.items())
    tag = etree.QName(sheet).namespace
    ranks = [int(rule.get("priority", "0")) for rule in sheet.iter(f"{{{tag}}}cfRule")]
    assert len(ranks) == len(set(ranks)) and all(rank > 0 for rank in ranks)
    assert all(int(rule.get("dxfId", "0")) < counts["dxfs"] for rule in sheet.iter(f"{{{tag}}}cfRule") if rule.get("dxfId"))
    assert all(int(cell.get("s", "0")) < max(counts.get("cellXfs", 1), 1) for cell in sheet.iter(f"{{{tag}}}c"))
    told = f"xl/worksheets/_rels/{posixpath.basename(name)}.rels"
    related = {e.get("Id"): (e.get("Type", ""), e.get("Target", "")) for e in etree.fromstring(parts[told])} if told in parts else {}
    ids = [value for child in sheet.iter() for key, value in child.attrib.items() if key.endswith("}id") and ("relationships" in key)]
    assert set(ids) <= set(related)
    comments = next((target for kind, target in related.values() if kind.endswith("/comments")), None)
    if comments is None:
        return
    root = etree.fromstring(parts[posixpath.normpath(posixpath.join("xl/worksheets", comments)).lstrip("/") if not comments.startswith("/") else comments[1:]])
    names = [e.text for e in root[0]]
    refs = [e.get("ref", "") for e in root[1]]
    assert len(refs) == len(set(refs)) and refs and all(int(e.get("authorId", "")) < len(names) for e in root[1])
    drawing = sheet.find(f"{{{tag}}}legacyDrawing")
    assert drawing is not None, "comments are not shown without their drawing"
    target = related[next(iter(drawing.attrib.values()))][1]
    vml = parts[target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join("xl/worksheets", target))].decode()
    etree.fromstring(vml.encode())
    shapes = re.findall(r'<\w+:shape [^>]*id="(_x0000_s\d+)"', vml)
    assert len(shapes) == len(set(shapes))
    spots = Counter(re.findall(r"<\w+:Row>(\d+)</\w+:Row>\s*<\w+:Column>(\d+)</\w+:Column>", vml))
    assert len(spots) == sum(spots.values()) == len(refs), "a shape for each comment"
    assert 'id="_x0000_t202"' in vml, "the kind of shape that notes are"
    blocks = re.search(r'idmap[^>]*data="([\d,]+)"', vml)
    if blocks and "xlgoals" in target:
        assert {int(one.removeprefix("_x0000_s")) // BLOCK for one in shapes} <= set(map(int, blocks[1].split(","))) and FIRST_BLOCK * BLOCK < 2**24
    assert etree.QName(root).namespace == tag and (STRICT not in str(tag)) == (STRICT not in str(etree.QName(sheet).namespace))


# --- in a real office program


@pytest.mark.office
@pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice")
def test_the_office_shows_notes_tints_and_list_of_every_kind_of_package(tmp_path: Path) -> None:
    for name in CORPUS:
        (tmp_path / f"{name}.xlsx").write_bytes(marked(corpus(name)))
    (tmp_path / "alone.xlsx").write_bytes(problem_list(SOME, WORDS, file="旧.xls"))
    saved = convert(sorted(tmp_path.glob("*.xlsx")), "xlsx", tmp_path)
    for name in CORPUS:
        book = openpyxl.load_workbook(saved / f"{name}.xlsx")
        sheet = book["表"]
        assert LIST.sheet in book.sheetnames
        notes = {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
        assert "这里不对。" in notes["B4"] and "F30" in notes and NOTE.begin in notes["A2"], name
        if name in ("written", "enriched"):
            assert "填写说明" in notes["A2"]
        tints = {
            str(area.sqref): rule.dxf.fill.bgColor.rgb
            for area in sheet.conditional_formatting for rule in area.rules if rule.formula and "xlgoals" in rule.formula[0]
        }  # fmt: skip
        assert sorted(tints.values()) == sorted(f"FF{colour}" for colour in WORDS.tints.values()), name
        assert len(listed((saved / f"{name}.xlsx").read_bytes())) == len(SOME)
        once = marked((saved / f"{name}.xlsx").read_bytes())
        assert marked(once) == once
        check_package(once)
        again = openpyxl.load_workbook(io.BytesIO(once))
        assert sum(LIST.sheet in title for title in again.sheetnames) == 1
        assert all(cell.comment.text.count(NOTE.begin) == 1 for row in again["表"].iter_rows() for cell in row if cell.comment)
        assert parts_of(unmark(once, WORDS)) == parts_of(unmark((saved / f"{name}.xlsx").read_bytes(), WORDS))
    assert openpyxl.load_workbook(saved / "alone.xlsx").sheetnames == [LIST.sheet]
