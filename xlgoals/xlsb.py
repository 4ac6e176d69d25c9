"""An xlsb within limits; what it holds beside values it does not tell."""

from __future__ import annotations

from collections.abc import Iterator

from xlgoals.archive import Zip, stored_zip
from xlgoals.errors import Refused
from xlgoals.limits import Limits
from xlgoals.records import Package
from xlgoals.xlsx import carried, custom_properties


def inspect_xlsb(zipped: Zip, limits: Limits) -> Package:
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
            for kind, start, size in _records(part):
                if kind == 0 and size >= 4:
                    row = int.from_bytes(part[start : start + 4], "little")
                elif 1 < kind < 12 and size >= 4:
                    cells += 1
                    bottom, right = max(bottom, row + 1), max(right, int.from_bytes(part[start : start + 4], "little") + 1)
            area += bottom * right
            if area > limits.area or cells > limits.cells:
                raise limits.beyond("cells" if cells > limits.cells else "area", "单元格过多，或在很远的位置有内容")
    if not all(name.isascii() for name, _ in parts):
        raise Refused("file.suspicious", "内部部件名不正常")
    return Package("xlsb", stored_zip(parts), properties=custom_properties(zipped), flags=tuple(sorted(carried(zipped))))


def _records(part: bytes) -> Iterator[tuple[int, int, int]]:
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
