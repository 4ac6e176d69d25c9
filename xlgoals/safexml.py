"""XML of a package's parts, read without anything XML can do beyond holding data."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from xlgoals.errors import Refused

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ENCODING = re.compile(rb"""^[^<]{0,3}<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")
_SAFELY: Mapping[str, Any] = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "remove_comments": True, "remove_pis": True
}  # fmt: skip


def encoded(part: bytes) -> bytes:
    """Give a part back, or refuse it for its encoding."""
    declared = _ENCODING.search(part, 0, 200)
    foreign = declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii")
    if foreign or part[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in part[:4]:
        raise Refused("file.suspicious", "内部文件不是 UTF-8 编码")
    return part


def checked(part: bytes) -> bytes:
    """Give a part back, or refuse it for its encoding or for entities."""
    encoded(part)
    if b"!" in part and b"<!" in part and (b"<!DOCTYPE" in part or b"<!ENTITY" in part):
        raise Refused("file.suspicious", "含有实体定义（DOCTYPE），正常工作簿不会有")
    return part


def parsed(part: bytes) -> Any:
    try:
        return etree.fromstring(part, etree.XMLParser(**_SAFELY))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused("file.damaged", "内部 XML 不完整") from error


def events(part: bytes) -> Iterator[tuple[str, Any]]:
    """Walk a part without keeping it."""
    try:
        yield from etree.iterparse(io.BytesIO(part), ("start", "end"), **_SAFELY)
    except etree.XMLSyntaxError as error:
        raise Refused("file.damaged", "内部 XML 不完整") from error


def local(element: Any) -> str:
    """The name of an element, without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(parent: Any, name: str) -> Any:
    """The first child of that name; nothing to walk through when there is none."""
    return next((one for one in parent if local(one) == name), ())


def is_true(given: str | None) -> bool:
    """Whether an attribute says yes."""
    return given in ("1", "true", "on")


_ENTITY = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def unescaped(text: bytes) -> str:
    """What the bytes of a text between tags say."""
    decoded = text.decode("utf-8", "replace")
    if "&" not in decoded:
        return decoded
    return _ENTITY.sub(lambda m: _ENTITIES[m[3]] if m[3] else chr(min(int(m[1], 16) if m[1] else int(m[2]), 0x10FFFF)), decoded)


def whole(given: str, otherwise: int) -> int:
    """A whole number; of one with more digits than any that makes sense the first nine."""
    return int(given[:9]) if given.isdecimal() else otherwise
