"""A bureau's own lists (.xlsx, .xls, .ods or .csv): rows as text, each with its place, under the headings that are wanted, whatever
they are called there.

Known spellings of headings stand in `mappings/listings.yaml`. A heading may stand in any of the first rows; codes that Excel keeps as
numbers come as they were typed; a csv may be UTF-8 or GBK.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from xlgoals.errors import Fault, Refused, UsageError
from xlgoals.records import Book
from xlgoals.words import bare, short
from xlgoals.yamlmark import load_marked

HEADED = 30  # rows in which headings are looked for
LONG = 4  # a spelling of so many letters is known by the end of a heading, too
Placed = tuple[str, list[str]]  # a row's place, and its cells


class Row(NamedTuple):
    """What one row says under each heading that the list has (blank where nothing stands), and where it is."""

    place: str
    texts: Mapping[str, str]

    def text(self, heading: str) -> str:
        return self.texts.get(heading, "")

    def fault(self, text: str) -> Fault:
        return Fault(self.place, text)


@lru_cache(maxsize=4)
def spellings(path: Path) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """`mappings/listings.yaml`: headings (of indicators by their part) and words, each with its spellings as `bare` gives them."""
    told = load_marked(path).data
    return {part: {name: tuple(map(bare, words)) for name, words in told.get(part, {}).items()} for part in ("headings", "indicators", "words")}


def read_listing(path: Path, wanted: Sequence[Sequence[str]], headings: Mapping[str, tuple[str, ...]]) -> list[Row]:
    """The rows below the headings of all sheets that have one of the `wanted` sets; each row holds what it has of all headings.

    Raises UsageError when the file cannot be read, or no sheet has such headings.
    """
    found: list[Row] = []
    headed = False
    for rows in _sheets(path):
        for number, (_, row) in enumerate(rows[:HEADED]):
            columns = _columns(row, headings, wanted)
            if columns:
                headed = True
                found += _under(rows[number + 1 :], columns)
                break
    if not headed:
        told = "，或".join("、".join(headings[name][0] for name in names) for names in wanted)
        raise UsageError(f"{path.name} 里没有找到表头（{told}），请检查文件或补上表头。")
    return found


def _columns(row: Sequence[str], headings: Mapping[str, tuple[str, ...]], wanted: Sequence[Sequence[str]]) -> dict[str, int]:
    """Which column stands under which heading, when the row has all headings of a wanted set: exact spellings first, then endings."""
    heads = [short(cell) for cell in row]
    for names in wanted:
        columns: dict[str, int] = {}
        for exact in (True, False):
            for name in dict.fromkeys((*names, *headings)):
                if name in columns:
                    continue
                for col, head in enumerate(heads):
                    if head and col not in columns.values() and _is(head, headings[name], exact):
                        columns[name] = col
                        break
        if all(name in columns for name in names):
            return columns
    return {}


def _is(head: str, spelled: tuple[str, ...], exact: bool) -> bool:
    return head in spelled if exact else any(len(one) >= LONG and head.endswith(one) for one in spelled)


def _under(rows: Sequence[Placed], columns: Mapping[str, int]) -> Iterator[Row]:
    for place, row in rows:
        told = {name: row[col].strip() if col < len(row) else "" for name, col in columns.items()}
        if any(told.values()):
            yield Row(place, told)


def _sheets(path: Path) -> Iterator[list[Placed]]:
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        yield _delimited(path)
        return
    from xlgoals.read import read_apart

    try:
        yield from read_apart(path, _texts)
    except Refused as refused:
        raise UsageError(f"{path} 打不开（{refused.detail or refused.code}）。请用 Excel 或 WPS 另存为 .xlsx，或另存为 CSV 后重试。") from refused


def _texts(book: Book) -> list[list[Placed]]:
    """The sheets of a workbook as people see them."""
    return [
        [
            (f"{book.file} {sheet.name}!第{r + 1}行", [_text(value, sheet.formats.get((r, c), "")) for c, value in enumerate(row)])
            for r, row in enumerate(sheet.rows)
        ]
        for sheet in book.sheets
    ]


def _text(value: Any, number_format: str) -> str:
    """A cell as people see it: 208.0 is 208, and 5 under the format 00 is 05."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value)).zfill(len(number_format) if number_format.strip("0") == "" else 0)
    return str(value)


def _delimited(path: Path) -> list[Placed]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} 打不开（{error.strerror or type(error).__name__}），请检查路径。") from error
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        first = text.partition("\n")[0]
        delimiter = max(",\t;", key=first.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [(f"{path.name}:{reader.line_num}", row) for row in reader]
    raise UsageError(f"{path} 的编码不认识。请用 Excel 或 WPS 另存为“CSV UTF-8”后重试。")
