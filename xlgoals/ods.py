"""What an ods holds beside values, within limits."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from xlgoals.archive import Zip, stored_zip
from xlgoals.errors import Refused
from xlgoals.limits import COLUMNS_MOST, ROWS_MOST, Limits
from xlgoals.records import Area, Package, RowCol, Sheet
from xlgoals.safexml import events, local, whole

MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_ERROR_WORDS = re.compile(r"#[A-Z/0!?]+[!?]?|#N/A|Err:\d+")


def inspect_ods(zipped: Zip, limits: Limits) -> Package:
    """Collect the facts of all sheets; the native reader gets the very content that was inspected."""
    if "META-INF/manifest.xml" in zipped and b"encryption-data" in zipped.xml("META-INF/manifest.xml"):
        raise Refused("file.encrypted")
    content = zipped.xml("content.xml")
    flags = {"macros"} if zipped.any("basic/", "scripts/") else set()
    if zipped.any("object "):
        flags.add("embedded")
    if b"dde-link" in content:
        flags.add("dde")
    sheets: list[Sheet] = []
    hidden_styles, style, total = set[str](), "", 0
    for event, element in events(content):
        name = local(element)
        if event == "start":
            if name == "style":
                style = _given(element, "name")
        elif name == "table-properties" and _given(element, "display") == "false":
            hidden_styles.add(style)
        elif name == "table":
            facts, area = _sheet(element, limits)
            total += area
            if total > limits.area:
                raise limits.beyond("area", f"工作表“{facts.name[:31]}”数据区域过大")
            if len(sheets) >= limits.sheets:
                raise limits.beyond("sheets", "工作表过多")
            hidden = _given(element, "style-name") in hidden_styles
            sheets.append(replace(facts, state="hidden" if hidden else "visible"))
            element.clear()
    properties = {}
    if "meta.xml" in zipped:
        properties = {_given(e, "name"): e.text or "" for e in zipped.tree("meta.xml").iter() if local(e) == "user-defined"}
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    readable = stored_zip([("mimetype", MIMETYPE), ("META-INF/manifest.xml", manifest), ("content.xml", content)])
    return Package("ods", readable, tuple(sheets), properties=properties, flags=tuple(sorted(flags)))


def _given(element: Any, name: str) -> str:
    """An attribute, whatever its prefix."""
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _repeated(element: Any, name: str) -> int:
    return whole(_given(element, name), 1)


def _sheet(table: Any, limits: Limits) -> tuple[Sheet, int]:
    """Collect one table's facts, and the area its filled cells span; repeats are multiplied out only where there is content."""
    formulas, errors, formats = dict[RowCol, str](), dict[RowCol, str](), dict[RowCol, str]()
    merges: list[Area] = []
    hidden_rows, hidden_cols = set[int](), set[int]()
    row = filled = col_at = 0
    bottom = right = 0
    for element in table.iter():
        name = local(element)
        if name == "table-column":
            times = _repeated(element, "number-columns-repeated")
            if _given(element, "visibility") in ("collapse", "filter"):
                hidden_cols.update(range(col_at, min(col_at + times, COLUMNS_MOST)))
            col_at += times
        elif name == "table-row":
            times, col = _repeated(element, "number-rows-repeated"), 0
            if _given(element, "visibility") in ("collapse", "filter"):
                hidden_rows.update(range(row, min(row + times, ROWS_MOST)))
            for cell in element:
                if local(cell) not in ("table-cell", "covered-table-cell"):
                    continue
                wide = _repeated(cell, "number-columns-repeated")
                kind, formula = _given(cell, "value-type"), _given(cell, "formula")
                if kind or formula or len(cell):
                    filled += wide * times
                    if filled > limits.cells:
                        raise limits.beyond("cells", "有内容的单元格过多")
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
                        raise limits.beyond("merges" if len(merges) > limits.merges else "area", "合并单元格过多或过大")
                col += wide
            row += times
    facts = Sheet(
        _given(table, "name"), formulas=formulas, errors=errors, formats=formats, merges=tuple(merges),
        hidden_rows=frozenset(hidden_rows), hidden_cols=frozenset(hidden_cols),
    )  # fmt: skip
    return facts, bottom * right
