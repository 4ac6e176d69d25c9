"""An xlsx package to be patched: parts are read, replaced, added and dropped; those left alone keep their very bytes, compressed as they came."""

from __future__ import annotations

import posixpath
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from xlgoals import safexml, splice
from xlgoals.archive import Zip
from xlgoals.errors import Refused
from xlgoals.limits import Limits

TYPES = "[Content_Types].xml"
OURS = "xlgoals"  # how the ids of relationships begin that we add
DRAWN = ".vml"  # such parts of Excel's own are often not well-formed
DEFLATED, STORED = 8, 0
EPOCH = 0, 33  # the time and date that a zip archive begins to count at


class Relation(NamedTuple):
    """One relationship of a part; an external one has no part."""

    id: str
    kind: str
    part: str


class PatchedPackage:
    """The parts of a package by name. Names of parts are compared as the format does: whatever their case."""

    def __init__(self, data: bytes, limits: Limits | None = None) -> None:
        self.zip = Zip(data, limits or Limits())
        self.names = {name: info.filename.replace("\\", "/") for name, info in self.zip.infos.items() if not name.endswith("/")}
        self.changed: dict[str, bytes] = {}
        self.read: dict[str, bytes] = {}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.names

    def part(self, name: str) -> bytes:
        key = name.lower()
        if key in self.changed:
            return self.changed[key]
        if key not in self.read:
            part = self.zip.xml(name)
            if len(part) > self.zip.limits.odd_bytes:
                raise self.zip.limits.beyond("odd_bytes", f"内部部件 {name[:60]} 过大")
            if not key.endswith(DRAWN):
                safexml.parsed(part)  # what is edited as bytes must be sound
            self.read[key] = part
        return self.read[key]

    def put(self, name: str, part: bytes) -> None:
        """Replace a part, or add it at the end."""
        self.names.setdefault(name.lower(), name)
        self.changed[name.lower()] = part

    def drop(self, name: str) -> None:
        """Take a part away, with what tells of its type."""
        self.names.pop(name.lower(), None)
        self.changed.pop(name.lower(), None)
        types = self.part(TYPES)
        told = [(e.start, e.end) for e in splice.inside(types, splice.root(types)) if (e.get("PartName") or "").lower() == f"/{name}".lower()]
        if told:
            self.put(TYPES, splice.cut(types, told))

    def add(self, name: str, part: bytes, kind: str) -> None:
        """Add a new part of a content type."""
        self.put(name, part)
        types = self.part(TYPES)
        top = splice.root(types)
        prefix = f"{top.prefix}:" if top.prefix else ""
        told = f'<{prefix}Override PartName="/{name}" ContentType="{kind}"/>'
        self.put(TYPES, splice.put_in(types, top, told.encode()))

    def free(self, pattern: str) -> str:
        """The first name of a pattern that no part has."""
        number = 1
        while pattern.format(number) in self:
            number += 1
        return pattern.format(number)

    # --- relationships

    def relations(self, part: str) -> list[Relation]:
        """What a part leads to; "" stands for the package itself."""
        name = relations_name(part)
        if name not in self:
            return []
        told, folder = self.part(name), posixpath.dirname(part)
        found = []
        for one in splice.inside(told, splice.root(told)):
            target = one.get("Target") or ""
            where = posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))
            found.append(Relation(one.get("Id") or "", one.get("Type") or "", "" if one.get("TargetMode") == "External" else where))
        return found

    def related(self, part: str, ending: str) -> Relation | None:
        """The first part that a part leads to by a kind of relationship, and that is there."""
        return next((one for one in self.relations(part) if one.kind.endswith(ending) and one.part in self), None)

    def relate(self, part: str, kind: str, target: str) -> str:
        """Lead from a part to another; gives the id of the new relationship."""
        name = relations_name(part)
        if name not in self:
            self.put(name, b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>')
            if not any("rels" in (e.get("Extension") or "").lower() for e in splice.inside(self.part(TYPES), splice.root(self.part(TYPES)))):
                raise Refused("file.damaged", "内容类型表不完整")
        known = {one.id for one in self.relations(part)}
        number = 1
        while f"{OURS}{number}" in known:
            number += 1
        told = self.part(name)
        top = splice.root(told)
        prefix = f"{top.prefix}:" if top.prefix else ""
        line = f'<{prefix}Relationship Id="{OURS}{number}" Type="{kind}" Target="/{target}"/>'
        self.put(name, splice.put_in(told, top, line.encode()))
        return f"{OURS}{number}"

    def unrelate(self, part: str, id: str) -> None:
        """Take a relationship away; with its last one the list of relationships goes."""
        name = relations_name(part)
        told = self.part(name)
        lines = splice.inside(told, splice.root(told))
        rest = [one for one in lines if one.get("Id") != id]
        if rest:
            self.put(name, splice.cut(told, [(one.start, one.end) for one in lines if one not in rest]))
        else:
            self.drop(name)

    # --- bytes

    def packed(self) -> bytes:
        """The package as bytes: what was not changed is copied as it was compressed; equal parts give equal bytes."""
        body, directory, at = [], [], 0
        for name, method, flags, moment, crc, size, raw in self._members():
            told = struct.pack("<HHHHHIIIHH", 20, flags, method, *moment, crc, len(raw), size, len(name), 0)
            body += [b"PK\3\4", told, name, raw]
            directory.append(b"PK\1\2\x14\0" + told + struct.pack("<HHHII", 0, 0, 0, 0, at) + name)
            at += 30 + len(name) + len(raw)
        ending = b"".join(directory)
        count = len(directory)
        return b"".join(body) + ending + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(ending), at, 0)

    def _members(self) -> Iterator[tuple[bytes, int, int, tuple[int, int], int, int, bytes]]:
        for key, name in self.names.items():
            flags = 0 if name.isascii() else 0x800
            known = self.changed.get(key)
            if known is not None and known != self.read.get(key):
                packer = zlib.compressobj(6, zlib.DEFLATED, -15)
                yield name.encode(), DEFLATED, flags, EPOCH, zlib.crc32(known), len(known), packer.compress(known) + packer.flush()
                continue
            info = self.zip.infos[key]
            if info.flag_bits & 1 or info.compress_type not in (DEFLATED, STORED):
                raise Refused("file.encrypted" if info.flag_bits & 1 else "file.damaged", "使用了不支持的压缩方法")
            start = info.header_offset + 30 + sum(struct.unpack_from("<HH", self.zip.data, info.header_offset + 26))
            year, month, day, hour, minute, second = info.date_time
            moment = (hour << 11 | minute << 5 | second // 2, max(year - 1980, 0) << 9 | month << 5 | day)
            yield name.encode(), info.compress_type, flags, moment, info.CRC, info.file_size, self.zip.data[start : start + info.compress_size]


def relations_name(part: str) -> str:
    """The name of the part that tells a part's relationships."""
    folder, leaf = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{leaf}.rels")
