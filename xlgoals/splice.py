"""XML as bytes: where its elements stand, so that something is put in or taken out and every other byte stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape, unescape

from xlgoals.errors import Refused

_TOKEN = re.compile(
    rb"<(?:!--.*?-->|!\[CDATA\[.*?\]\]>|\?.*?\?>"
    rb"|(?P<close>/?)(?P<name>[^\s/>!?]+)(?P<attributes>(?:[^\"'>/]|\"[^\"]*\"|'[^']*'|/(?!>))*+)(?P<empty>/?)>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(rb"([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_LONG = b"sheetData"  # the one element whose inside is long and not looked at


class Element(NamedTuple):
    """Where an element stands in its part: [start, end) with its tags, [inner, close) without; its attributes as written."""

    name: str  # without its prefix
    prefix: str
    start: int
    inner: int
    close: int
    end: int
    attributes: bytes

    def get(self, name: str) -> str | None:
        """An attribute's value, by its name as written."""
        for key, double, single in _ATTRIBUTE.findall(self.attributes):
            if key == name.encode():
                return plain(double or single)
        return None

    @property
    def empty(self) -> bool:
        """Whether it is written as one tag."""
        return self.inner == self.end


def elements(part: bytes, start: int = 0, end: int | None = None) -> Iterator[Element]:
    """The outermost elements of a stretch of a part, in order. Raises `Refused` where tags do not match."""
    end = len(part) if end is None else end
    at, opened = start, list[tuple[bytes, int, int, bytes]]()
    while True:
        token = _TOKEN.search(part, at, end)
        if token is None:
            break
        at = token.end()
        qname = token["name"]
        if qname is None:
            continue
        if token["close"]:
            if not opened or opened[-1][0] != qname:
                raise Refused("file.damaged", "内部 XML 不完整")
            name, first, inner, attributes = opened.pop()
            if not opened:
                yield _element(name, first, inner, token.start(), at, attributes)
        elif token["empty"]:
            if not opened:
                yield _element(qname, token.start(), at, at, at, token["attributes"])
        else:
            opened.append((qname, token.start(), at, token["attributes"]))
            if qname.rpartition(b":")[2] == _LONG and b"<![CDATA[" not in part:
                at = max(part.find(b"</" + qname, at, end), at)
    if opened:
        raise Refused("file.damaged", "内部 XML 不完整")


def _element(qname: bytes, start: int, inner: int, close: int, end: int, attributes: bytes) -> Element:
    prefix, _, name = qname.decode("utf-8", "replace").rpartition(":")
    return Element(name, prefix, start, inner, close, end, attributes)


def root(part: bytes) -> Element:
    """The element that holds all others."""
    for token in _TOKEN.finditer(part):
        name = token["name"]
        if name is None:
            continue
        if token["empty"]:
            return _element(name, token.start(), token.end(), token.end(), token.end(), token["attributes"])
        if end := re.compile(rb"</" + re.escape(name) + rb"\s*>(?:\s|<!--.*?-->)*\Z", re.DOTALL).search(part, max(part.rfind(b"</" + name), 0)):
            return _element(name, token.start(), token.end(), end.start(), part.index(b">", end.start()) + 1, token["attributes"])
        break
    raise Refused("file.damaged", "内部 XML 不完整")


def inside(part: bytes, element: Element) -> list[Element]:
    """The children of an element."""
    return [] if element.empty else list(elements(part, element.inner, element.close))


def child(part: bytes, parent: Element, name: str) -> Element | None:
    return next((one for one in inside(part, parent) if one.name == name), None)


def namespace(element: Element, prefix: str | None = None) -> str:
    """The namespace that an element declares for a prefix, its own by default."""
    prefix = element.prefix if prefix is None else prefix
    return element.get(f"xmlns:{prefix}" if prefix else "xmlns") or ""


def cut(part: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """A part without some stretches."""
    kept, at = [], 0
    for start, end in sorted(spans):
        if start > at:
            kept.append(part[at:start])
        at = max(at, end)
    return b"".join((*kept, part[at:]))


def put_in(part: bytes, parent: Element, content: bytes, at: int | None = None) -> bytes:
    """A part with more content in an element: at the given place, or as its last children."""
    if parent.empty:
        tag = part[parent.start : parent.end].removesuffix(b"/>")
        name = f"{parent.prefix}:{parent.name}" if parent.prefix else parent.name
        return part[: parent.start] + tag + b">" + content + f"</{name}>".encode() + part[parent.end :]
    at = parent.close if at is None else at
    return part[:at] + content + part[at:]


def closed(part: bytes, element: Element) -> bytes:
    """A part in which an element that has lost its content is one tag again."""
    return part[: element.inner - 1] + b"/>" + part[element.end :]


def with_attribute(part: bytes, element: Element, name: str, value: str) -> bytes:
    """A part with another value of an attribute that an element has; untouched when it has none."""
    tag_end = element.end if element.empty else element.inner
    pattern = re.compile(rb"(\s" + re.escape(name.encode()) + rb"\s*=\s*)(\"[^\"]*\"|'[^']*')")
    found = pattern.search(part, element.start, tag_end)
    if found is None:
        return part
    return part[: found.start(2)] + b'"' + xml_text(value, quoted=True) + b'"' + part[found.end(2) :]


def fit(text: str) -> str:
    """Foreign text without what XML does not take."""
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def xml_text(text: str, *, quoted: bool = False) -> bytes:
    """Foreign text as XML: nothing in it becomes a tag, and in an attribute nothing ends it."""
    fitted = fit(text)
    return escape(fitted, {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"} if quoted else {}).encode()


def cell_text(text: str) -> bytes:
    """Foreign text as the text of a cell or note: beside XML, what Excel itself would take for an escaped character is kept."""
    return xml_text(_ESCAPE_LIKE.sub("_x005F_", fit(text)))


def plain(raw: bytes) -> str:
    """An attribute's value or a text as written, without escapes."""
    text = raw.decode("utf-8", "replace")
    if "&" not in text:
        return text
    text = re.sub(r"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));", lambda m: chr(min(int(m[1], 16) if m[1] else int(m[2]), 0x10FFFF)), text)
    return unescape(text, {"&quot;": '"', "&apos;": "'"})
