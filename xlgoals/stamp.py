"""The identity a generated workbook carries: written by render into every form sheet, read back by locate."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Literal

from xlgoals.findings import Catalogue, Finding
from xlgoals.records import At, Book, Return, Stamp, cell_name

VERSION = 1
PROPERTY = "xlgoals"  # custom document property of a generated workbook
OUTPUT_PROPERTY = "xlgoals-output"  # custom document property of our own outputs, which are never read as input
MARKED_PROPERTY = "xlgoals-marked"  # custom document property of a form that goes back with marks: it is still a return
SIGNATURE_LENGTH = 32  # hexadecimal digits: 128 bits
FIELDS = tuple(field.name for field in fields(Stamp))
UNSIGNED = ("stamp.forged", "stamp.unsigned")  # the findings of stamps that no key of ours signed
NUMBERS = ("xlgoals", "round")
Standing = Literal["signed", "unsigned", "forged"]
MARK = '{"xlgoals":'  # how a stamp cell begins


def stamp_text(stamp: Stamp, key: bytes = b"", **other: str) -> str:
    """The stamp as one line of text for a cell, `other` fields told instead of its own; blank parts are left out. With a key it is
    signed anew."""
    parts = {name: value for name, value in {**_parts(stamp), **other}.items() if value}
    if key:
        parts.pop("signature", None)
        parts["signature"] = _signature(parts, key)
    return "{" + ",".join([f'"{name}":{value if name in NUMBERS else _quoted(value)}' for name, value in parts.items()]) + "}"


@lru_cache(maxsize=16)
def _parts(stamp: Stamp) -> dict[str, str]:
    """All that a stamp may say, its version first under the name that marks a stamp."""
    return {"xlgoals" if name == "version" else name: str(getattr(stamp, name)) for name in FIELDS}


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def read_stamp(text: object) -> Stamp | None:
    """The stamp in a cell's text; None when it is none, or not one we can read."""
    text = text.strip() if isinstance(text, str) else ""
    if not text.startswith(MARK):
        return None
    try:
        found = json.loads(text)
        parts = {name: value for name, value in found.items() if name in FIELDS and isinstance(value, str) and name not in ("version", "round")}
        return Stamp(version=int(found["xlgoals"]), round=int(found.get("round", 1)), **parts)
    except (ValueError, TypeError, KeyError):
        return None


def sign(stamp: Stamp, key: bytes) -> Stamp:
    """The stamp with a signature over everything it says."""
    return replace(stamp, signature=_signature(_filled(stamp), key))


def verify(stamp: Stamp, key: bytes) -> Standing:
    """Whether a stamp was signed with this key, and says what it said then."""
    if not stamp.signature:
        return "unsigned"
    right = hmac.compare_digest(_signature(_filled(stamp), key).encode(), stamp.signature.encode("utf-8", "surrogatepass"))
    return "signed" if right else "forged"


def _filled(stamp: Stamp) -> dict[str, str]:
    """What a stamp says, without its signature."""
    return {name: value for name, value in _parts(stamp).items() if value and name != "signature"}


def _signature(parts: Mapping[str, str], key: bytes) -> str:
    """HMAC-SHA256 over every filled field but the signature, each with its name and length, so that no two stamps give one text;
    a field that a later version adds leaves older signatures right."""
    said = "".join([f"{name}={len(value)}:{value};" for name, value in parts.items()])
    return hmac.digest(key, said.encode("utf-8", "surrogatepass"), "sha256").hex()[:SIGNATURE_LENGTH]


def stamp_findings(book: Book, returns: Iterable[Return], key: bytes, catalogue: Catalogue) -> Iterator[Finding]:
    """What is wrong with the signatures of a workbook, for a cycle whose stamps are signed with `key`: every stamp in it as it stands
    there, and the forms in it that have none. Without a key nothing is said."""
    if not key:
        return
    stamped = set()
    for sheet in book.sheets:
        for r, row in enumerate(sheet.rows):
            for c, value in enumerate(row):
                if isinstance(value, str) and value.startswith(MARK) and (stamp := read_stamp(value)):
                    stamped.add(sheet.name)
                    yield from _told(stamp, key, At(book.file, sheet.name, cell_name(r, c)), catalogue)
    if own := read_stamp(book.properties.get(PROPERTY)):
        yield from _told(own, key, At(book.file), catalogue)
    for one in returns:
        if one.sheet not in stamped:
            yield catalogue.finding("stamp.unsigned", At(book.file, one.sheet), identity=one.identity)


def _told(stamp: Stamp, key: bytes, at: At, catalogue: Catalogue) -> Iterator[Finding]:
    standing = verify(stamp, key)
    if standing != "signed":
        yield catalogue.finding(f"stamp.{standing}", at, found=f"{stamp.code} {stamp.unit}".strip())
