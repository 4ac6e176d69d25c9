"""Cell values straight from the bytes of a sheet that is spelled as Excel, WPS and LibreOffice spell it.

The guard looks at every cell anyway; where each is of the plainest kind, its value is taken in the same pass, which is a good
deal faster than having the native reader look again. Whatever is not of that kind (rich text, inline strings, dates as text,
numbers spelled oddly) makes the whole workbook the native reader's: nothing is read here that needs interpreting, and a test
holds the two against each other.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from xlgoals.records import RowCol, Value, cell_spot

CELL = re.compile(
    rb'<c r="([A-Z]{1,3}+[1-9][0-9]{0,6}+)"(?: s="[0-9]++")?+(?: t="(s|str|n|b|e)")?+>'
    rb'(?:<f(?: [\w:]+="[^"<>/]*+")*+(?:/>|>[^<]*+</f>))?+(?:<v>([^<]*+)</v>|<v ?/>)?+</c>'
)
_ITEM = re.compile(r'<si><t(?: xml:space="preserve")?+>([^<]*+)</t>(?:<phoneticPr(?: \w+="[^"<>]*+")*+ ?/>)?+</si>')
_NUMBER = re.compile(rb"-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]{1,3}+)?+")
_ENCODED = re.compile(r"\r|_x[0-9A-Fa-f]{4}_|&(?!(?:amp|lt|gt|quot|apos);)")  # other than these five entities
_TRIMMED = re.compile(r"<t>(?:\s|[^<]*\s</t>)")  # blanks around a text that is not marked as keeping them
_ERRORS = frozenset((b"#DIV/0!", b"#N/A", b"#NAME?", b"#NULL!", b"#NUM!", b"#REF!", b"#VALUE!"))
_TEXT = re.compile(rb"[^&\r]*+")
Texts = Mapping[bytes, str]


class NotPlain(Exception):
    """Something that is for the native reader to tell."""


def plain_texts(part: bytes) -> Texts:
    """The shared strings by their number as it is written in cells; all of them one run of text each, or `NotPlain`."""
    try:
        text = part.decode()
    except UnicodeDecodeError as error:
        raise NotPlain from error
    found = _ITEM.findall(text)
    if len(found) != text.count("<si") or _ENCODED.search(text, text.find("<si")) or _TRIMMED.search(text):
        raise NotPlain
    return {b"%d" % number: html.unescape(one) if "&" in one else one for number, one in enumerate(found)}


def plain_values(cells: Iterable[tuple[bytes, bytes, bytes]], texts: Texts) -> tuple[dict[RowCol, Value | None], dict[RowCol, str]]:
    """The values of cells given as address, type and what stands in `<v>`; and the numbers that are none."""
    try:
        found = {cell_spot(address): (texts[raw] or None) if kind == b"s" else plain_value(kind, raw) for address, kind, raw in cells}
    except (KeyError, UnicodeDecodeError) as error:
        raise NotPlain from error
    # 1E999 is written as a number but is none; it must not be taken for a blank
    lost = {spot: "#NUM!" for spot, value in found.items() if value.__class__ is float and value - value != 0.0}
    return found | dict.fromkeys(lost), lost


def plain_value(kind: bytes, raw: bytes) -> Value | None:
    """The value of a cell that is no shared string."""
    if not raw or (kind == b"e" and raw in _ERRORS):
        return None  # a formula that nobody has calculated, or an error, which is told apart
    if kind == b"str" and _TEXT.fullmatch(raw):
        return raw.decode()
    if kind in (b"", b"n") and _NUMBER.fullmatch(raw):
        return float(raw)
    if kind == b"b" and raw in (b"0", b"1"):
        return raw == b"1"
    raise NotPlain
