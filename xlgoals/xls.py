"""What an xls, from Excel 5 on, holds beside values, within limits: an OLE file with a stream of BIFF records."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from xlgoals.errors import Refused
from xlgoals.formats import codes_of
from xlgoals.limits import Limits
from xlgoals.ownformulas import OWN, OWN_BYTES, UNTOLD
from xlgoals.records import Area, Package, RowCol, Sheet

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SPECIAL = 0xFFFFFFFA  # sector numbers from here on stand for no sector
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


class Ole:
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
                if difat >= _SPECIAL:
                    break
                more = struct.unpack_from(f"<{each + 1}I", data, (difat + 1) * self.size)
                sectors += more[:each]
                difat = more[each]
            table = b"".join(self.sector(number) for number in sectors if number < _SPECIAL)
            self.fat = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
            self.entries = self.read_directory(self.chain(directory))
            mini = self.chain(mini_fat) if mini_fat < _SPECIAL else b""
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


def inspect_ole(data: bytes, limits: Limits) -> Package:
    """Tell what an OLE file is; an xls has its facts collected."""
    ole = Ole(data)
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
        self.formats = codes_of(used, own)

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

    def sheets(self) -> tuple[Sheet, ...]:
        if len(self.listed) > self.limits.sheets:
            raise self.limits.beyond("sheets", f"有 {len(self.listed)} 张工作表")
        return tuple(self.sheet(offset) for offset, _, sort in self.listed if sort == 0)

    def sheet(self, offset: int) -> Sheet:
        formulas, errors, formats = dict[RowCol, str](), dict[RowCol, str](), dict[RowCol, str]()
        hidden_rows, hidden_cols, shared = set[int](), set[int](), list[Area]()
        stream = self.stream
        bottom = right = 0
        for kind, start, size in self.records(offset):
            if kind in (0x203, 0x27E, 0xFD, 0x204, 0x205, 0x06, 0xD6) and size >= 7:
                row, col, style = struct.unpack_from("<HHH", stream, start)
                last = col
                if kind == 0x06:
                    # its text is not told, but for ours: that one is, even where the key row is gone
                    formulas[row, col] = OWN if OWN_BYTES in stream[start : start + size] else UNTOLD
                    if size >= 14 and stream[start + 12 : start + 14] == b"\xff\xff" and stream[start + 6] == 2:
                        errors[row, col] = _ERRORS.get(stream[start + 8], "#?")
                elif kind == 0x205 and size >= 8 and stream[start + 7]:
                    errors[row, col] = _ERRORS.get(stream[start + 6], "#?")
                if kind in (0x203, 0x27E, 0x06) and style in self.formats:
                    formats[row, col] = self.formats[style]
            elif kind == 0xBD and size >= 6:
                row, col = struct.unpack_from("<HH", stream, start)
                last = col + (size - 6) // 6 - 1
                for step in range(last - col + 1):
                    style = struct.unpack_from("<H", stream, start + 4 + step * 6)[0]
                    if style in self.formats:
                        formats[row, col + step] = self.formats[style]
            elif kind == 0x4BC and size >= 6:  # one formula for the cells of an area, behind the first of them
                if OWN_BYTES in stream[start : start + size]:
                    top, low, left, last = struct.unpack_from("<HHBB", stream, start)
                    shared.append(Area(top, left, low, last))
                continue
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
            raise self.limits.beyond("cells" if self.cells > self.limits.cells else "area", "单元格过多，或在很远的位置有内容")
        formulas |= {spot: OWN for spot in formulas if any(area.holds(*spot) for area in shared)}
        return Sheet(
            "", formulas=formulas, errors=errors, formats=formats, hidden_rows=frozenset(hidden_rows), hidden_cols=frozenset(hidden_cols)
        )  # fmt: skip
