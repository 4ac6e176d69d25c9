"""Lists that people keep: a sheet or a csv file with headings, as rows of text, each with its place. No meaning beyond headings."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from xlgoals.celltext import as_typed
from xlgoals.errors import Fault, InputError, Refused
from xlgoals.findings import Catalogue
from xlgoals.limits import Limits
from xlgoals.read import read_apart
from xlgoals.records import At, Book, Sheet, Value, cell_name
from xlgoals.words import bare

HEAD_WITHIN = 12  # headings stand in one of the first so many rows: a title may stand above them
EXACT = 10**15  # beyond, a spreadsheet's number no longer holds every digit
SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]+")
CSV_ENDINGS = (".csv", ".txt", ".tsv")


class Item(NamedTuple):
    """What one cell of a list says: its text without outer blanks, where it stands, and how it stood there."""

    text: str
    place: str
    number: float | None = None  # the cell held a number
    number_format: str = ""

    def fault(self, text: str) -> Fault:
        return Fault(self.place, text)


class Line(NamedTuple):
    """One row of a list: what stands under its headings, blank cells left out."""

    place: str
    items: Mapping[str, Item]

    def text(self, heading: str) -> str:
        return self.items[heading].text if heading in self.items else ""

    def at(self, heading: str) -> str:
        """Where the cell under a heading is, blank or not."""
        return self.items[heading].place if heading in self.items else self.place


class Listing(NamedTuple):
    """One sheet, or one csv file: headings (as written) with their places, and the rows below that hold anything."""

    name: str
    place: str
    headings: Mapping[str, str]
    lines: tuple[Line, ...]


def code_in(item: Item, heading: str) -> tuple[str, Fault | None]:
    """A code as text, its letters and digits of plain width; one that a spreadsheet took for a number and that may have lost digits
    is a mistake."""
    text = unicodedata.normalize("NFKC", item.text)
    whole = item.number is None or (item.number == int(item.number) and abs(item.number) < EXACT and "e+" not in item.number_format.lower())
    if not whole or SCIENTIFIC.fullmatch(text):
        return "", item.fault(f"“{heading}”是 {item.text}，编码被当成数字，已丢了末尾的数。请把这一栏设为文本格式，重新输入编码。")
    if item.number is not None:
        return str(int(item.number)), None
    return re.sub(r"^([0-9]+)\.0+$", r"\1", text), None


class _Raw(NamedTuple):
    """One row before its headings are known."""

    place: str
    items: tuple[Item | None, ...]


def read_lists(path: Path, catalogue: Catalogue, known: Iterable[str], limits: Limits | None = None) -> tuple[Listing, ...]:
    """All lists of a workbook (a sheet each) or of a csv file (one). Headings are found as the row, of the first twelve, that
    holds most of the `known` ones; a sheet without any is left out. Raises InputError for what cannot be read, and for cells
    that hold an error."""
    try:
        with path.open("rb") as opened:
            data = opened.read((limits or Limits()).file_bytes + 1)
    except OSError as error:
        raise InputError([Fault(str(path), f"打不开（{error.strerror or error}），请检查路径，并关闭正打开它的程序。")]) from error
    words = {bare(word) for word in known}
    if path.suffix.lower() in CSV_ENDINGS:
        found = [_listing(path.stem, path.name, list(_csv_rows(data, path.name)), words)]
        return tuple(one for one in found if one)
    try:
        sheets = read_apart(path, _visible, limits=limits)
    except Refused as refused:
        told = catalogue.finding(refused.code, At(path.name), detail=refused.detail).text
        raise InputError([Fault(path.name, told)]) from refused
    faults = [
        Fault(f"{path.name} {sheet.name}!{cell_name(*spot)}", f"单元格是错误值 {error}，请改成要填的内容。")
        for sheet in sheets for spot, error in sheet.errors.items()
    ]  # fmt: skip
    if faults:
        raise InputError(faults)
    found = [_listing(sheet.name, f"{path.name} {sheet.name}", list(_sheet_rows(sheet, path.name)), words) for sheet in sheets]
    return tuple(one for one in found if one)


def _visible(book: Book) -> list[Sheet]:
    return [sheet for sheet in book.sheets if sheet.state == "visible"]


def _sheet_rows(sheet: Sheet, file: str) -> Iterator[_Raw]:
    above = {  # of cells merged over rows, all say what the first says
        (r, area.left): area.top for area in sheet.merges if area.left == area.right for r in range(area.top + 1, area.bottom + 1)
    }  # fmt: skip
    for r, row in enumerate(sheet.rows):
        items = []
        for c in range(len(row)):
            top = above.get((r, c), r)
            items.append(_item(sheet.value(top, c), sheet.formats.get((top, c), ""), f"{file} {sheet.name}!{cell_name(r, c)}"))
        if any(item and (r, c) not in above for c, item in enumerate(items)):
            yield _Raw(f"{file} {sheet.name}!第{r + 1}行", tuple(items))


def _item(value: Value | None, number_format: str, place: str) -> Item | None:
    text = as_typed(value, number_format).strip().strip("\ufeff").strip()
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return Item(text, place, number, number_format) if text else None


def _csv_rows(data: bytes, file: str) -> Iterator[_Raw]:
    """Rows of a csv file, in whichever encoding Excel, WPS or a database wrote it."""
    text = _decoded(data, file)
    head = text[:4096]
    delimiter = max(",\t;", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before = 0
    try:
        for row in reader:
            place = f"{file}:{before + 1}"
            before = reader.line_num
            items = tuple(_item(value, "", f"{place} 第{c}列") for c, value in enumerate(row, 1))
            if any(items):
                yield _Raw(place, items)
    except csv.Error as error:
        raise InputError([Fault(f"{file}:{reader.line_num}", f"这一行读不懂（{error}），请检查引号和逗号。")]) from error


def _decoded(data: bytes, file: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError([Fault(file, "既不是 UTF-8 也不是 GBK 编码，请用 Excel 或 WPS 打开，另存为 .xlsx 或“CSV UTF-8”。")])


def _listing(name: str, place: str, rows: Sequence[_Raw], known: set[str]) -> Listing | None:
    def heads(row: _Raw) -> int:
        return sum(item is not None and bare(item.text) in known for item in row.items)

    best = max(rows[:HEAD_WITHIN], key=heads, default=None)
    if best is None or not heads(best):
        return None
    columns = [(c, item) for c, item in enumerate(best.items) if item]
    faults = []
    headings: dict[str, Item] = {}
    for _, item in columns:
        other = headings.setdefault(item.text, item)
        if other is not item:
            faults.append(item.fault(f"栏目“{item.text}”重复（{other.place} 也是），请删去一栏或改名。"))
    if faults:
        raise InputError(faults)
    lines = []
    for row in rows[rows.index(best) + 1 :]:
        items = {item.text: found for c, item in columns if c < len(row.items) and (found := row.items[c])}
        if items:
            lines.append(Line(row.place, items))
    return Listing(name, place, {text: item.place for text, item in headings.items()}, tuple(lines))
