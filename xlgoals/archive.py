"""A zip archive in memory, read with limits; and one written anew, of parts that were inspected."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

from xlgoals import safexml
from xlgoals.errors import Refused
from xlgoals.limits import Limits


class Zip:
    """The parts of an archive by name, whatever its case."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.limits, self.unpacked = data, limits, 0
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as opened:
                infos = opened.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError, UnicodeDecodeError, EOFError) as error:
            raise Refused("file.damaged", "压缩结构不完整，可能没有传完") from error
        if len(infos) > limits.parts:
            raise limits.beyond("parts", f"内部有 {len(infos)} 个部件")
        self.infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename.replace("\\", "/").lower()
            if name.startswith("/") or ":" in name or ".." in name.split("/"):
                raise Refused("file.suspicious", f"内部部件名不正常：{info.filename[:60]}")
            if name in self.infos:
                raise Refused("file.suspicious", f"内部有重名部件：{info.filename[:60]}")
            self.infos[name] = info

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.infos

    def any(self, *starts: str) -> bool:
        """Whether a part's name, in small letters, begins so."""
        return any(name.startswith(starts) for name in self.infos)

    def read(self, name: str) -> bytes:
        """Unpack one part, never more of it than allowed."""
        info = self.infos.get(name.lower())
        if info is None:
            raise Refused("file.damaged", f"缺少内部部件 {name[:60]}")
        if info.flag_bits & 1:
            raise Refused("file.encrypted")
        limits, at = self.limits, info.header_offset
        if info.file_size > limits.part_bytes:
            raise limits.beyond("part_bytes", f"内部部件 {name[:60]} 解压后过大")
        if info.file_size > limits.unpacked_bytes - self.unpacked:
            raise limits.beyond("unpacked_bytes", "解压后过大")
        if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(info.compress_size, 1):
            raise limits.beyond("ratio", "压缩比异常，像是“压缩炸弹”")
        if self.data[at : at + 4] != b"PK\3\4":
            raise Refused("file.damaged", "压缩结构不完整，可能没有传完")
        start = at + 30 + sum(struct.unpack_from("<HH", self.data, at + 26))
        packed = self.data[start : start + info.compress_size]
        try:
            if info.compress_type == zipfile.ZIP_DEFLATED:
                plain = zlib.decompressobj(-15).decompress(packed, info.file_size + 1)
            elif info.compress_type == zipfile.ZIP_STORED:
                plain = packed
            else:
                raise Refused("file.damaged", "使用了不支持的压缩方法")
        except zlib.error as error:
            raise Refused("file.damaged", "内部数据损坏，无法解压") from error
        if len(plain) != info.file_size or zlib.crc32(plain) != info.CRC:
            raise Refused("file.damaged", "内部数据损坏，校验不符")
        self.unpacked += len(plain)
        return plain

    def xml(self, name: str) -> bytes:
        return safexml.checked(self.read(name))

    def tree(self, name: str) -> Any:
        return safexml.parsed(self.xml(name))


def stored_zip(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Pack parts without compressing them."""
    body, directory, at = [], [], 0
    for name, part in parts:
        sizes = struct.pack("<HHIIIHH", 0, 33, zlib.crc32(part), len(part), len(part), len(name), 0)
        body += [b"PK\3\4\x14\0\0\0\0\0", sizes, name.encode("ascii"), part]
        directory.append(b"PK\1\2\x14\0\x14\0\0\0\0\0" + sizes + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode("ascii"))
        at += 30 + len(name) + len(part)
    ending = b"".join(directory)
    count = len(directory)
    return b"".join(body) + ending + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(ending), at, 0)
