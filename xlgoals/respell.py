"""Sheets and strings in an unusual spelling (prefixes, single quotes, no addresses, CDATA) written anew in the usual one."""

from __future__ import annotations

import re
from typing import Any

from xlgoals.errors import Refused
from xlgoals.limits import Limits
from xlgoals.records import RowCol, cell_name, cell_spot
from xlgoals.safexml import MAIN, events, is_true, local, whole

ADDRESS = re.compile(rb"[A-Z]{1,3}[0-9]{1,7}")
_TYPES = {"s", "str", "n", "b", "e", "d", "inlineStr"}


def rewritten_sheet(part: bytes, limits: Limits) -> bytes:
    """Write a sheet anew in the usual spelling: what concerns values, formulas, merges and hiding, and nothing else."""
    body: list[str] = []
    columns: list[str] = []
    merges: list[str] = []
    row = col = -1
    inside, count = False, 0
    for event, element in events(part):
        name = local(element)
        if event == "start":
            if name == "sheetData":
                inside = True
            elif name == "row" and inside:
                row, col = whole(element.get("r", ""), row + 2) - 1, -1
                hidden = ' hidden="1"' if is_true(element.get("hidden")) else ""
                body.append(f'<row r="{row + 1}"{hidden}>')
            continue
        if name == "sheetData":
            inside = False
        elif name == "c" and inside:
            count += 1
            if count > limits.cells:
                raise limits.beyond("cells", "有内容的单元格过多")
            address = element.get("r", "").upper().replace("$", "").encode()
            if address and not ADDRESS.fullmatch(address):
                raise Refused("file.damaged", "有不合规范的单元格地址")
            at = cell_spot(address) if address else (row, col + 1)
            col = at[1]
            body.append(_rewritten_cell(element, at))
            element.clear()
        elif name == "row" and inside:
            body.append("</row>")
            element.clear()
        elif name == "col":
            hidden = f' hidden="{is_true(element.get("hidden")):d}"'
            columns.append(f'<col min="{element.get("min", "")}" max="{element.get("max", "")}"{hidden}/>')
        elif name == "mergeCell":
            merges.append(f'<mergeCell ref="{_escaped(element.get("ref", "").upper().replace("$", ""), True)}"/>')
    head = f'<worksheet xmlns="{MAIN}">' + (f"<cols>{''.join(columns)}</cols>" if columns else "")
    tail = f"<mergeCells>{''.join(merges)}</mergeCells>" if merges else ""
    return f"{head}<sheetData>{''.join(body)}</sheetData>{tail}</worksheet>".encode("utf-8", "replace")


def rewritten_strings(part: bytes) -> bytes:
    """Write shared strings anew in the usual spelling."""
    items = []
    for event, element in events(part):
        if event == "end" and local(element) == "si":
            items.append(f"<si>{_rich(element)}</si>")
            element.clear()
    return f'<sst xmlns="{MAIN}">{"".join(items)}</sst>'.encode("utf-8", "replace")


def _rewritten_cell(cell: Any, at: RowCol) -> str:
    style, kind = cell.get("s", ""), cell.get("t", "")
    content = ""
    for child in cell:
        name = local(child)
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


def _escaped(text: str, quote: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return text.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;") if quote else text


def _rich(parent: Any) -> str:
    """Write the texts of a string item or inline string in the usual spelling, phonetic runs left out."""
    written = ""
    for child in parent:
        if local(child) == "t":
            keep = ' xml:space="preserve"' if "preserve" in child.attrib.values() else ""
            written += f"<t{keep}>{_escaped(''.join(child.itertext()))}</t>"
        elif local(child) == "r":
            written += f"<r>{_rich(child)}</r>"
    return written
