"""The identity a generated workbook carries: written by render into every form sheet, read back by locate."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Literal

from xlgoals.records import Stamp

VERSION = 1
PROPERTY = "xlgoals"  # custom document property of a generated workbook
OUTPUT_PROPERTY = "xlgoals-output"  # custom document property of our own outputs, which are never read as input
SIGNATURE_LENGTH = 32  # hexadecimal digits: 128 bits
FIELDS = tuple(field.name for field in fields(Stamp))
NUMBERS = ("xlgoals", "round")
Standing = Literal["signed", "unsigned", "forged"]
MARK = '{"xlgoals":'  # how a stamp cell begins


def stamp_text(stamp: Stamp, key: bytes = b"") -> str:
    """The stamp as one line of text for a cell; blank parts are left out. With a key it is signed anew."""
    parts = _parts(stamp)
    if key:
        parts["signature"] = _signature(parts, key)
    return "{" + ",".join(f'"{name}":{value if name in NUMBERS else _quoted(value)}' for name, value in parts.items()) + "}"


def _parts(stamp: Stamp) -> dict[str, str]:
    """What a stamp says, its version first under the name that marks a stamp."""
    return {"xlgoals" if name == "version" else name: str(value) for name in FIELDS if (value := getattr(stamp, name)) not in ("", None)}


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def read_stamp(text: object) -> Stamp | None:
    """The stamp in a cell's text; None when it is none, or not one we can read."""
    if not isinstance(text, str) or not text.startswith(MARK):
        return None
    try:
        found = json.loads(text)
        parts = {name: value for name, value in found.items() if name in FIELDS and isinstance(value, str) and name not in ("version", "round")}
        return Stamp(version=int(found["xlgoals"]), round=int(found.get("round", 1)), **parts)
    except (ValueError, TypeError, KeyError):
        return None


def verify(stamp: Stamp, key: bytes) -> Standing:
    """Whether a stamp was signed with this key, and says what it said then."""
    if not stamp.signature:
        return "unsigned"
    parts = _parts(stamp)
    del parts["signature"]
    return "signed" if hmac.compare_digest(_signature(parts, key).encode(), stamp.signature.encode("utf-8", "surrogatepass")) else "forged"


def _signature(parts: Mapping[str, str], key: bytes) -> str:
    """HMAC-SHA256 over every filled field but the signature, each with its name and length, so that no two stamps give one text;
    a field that a later version adds leaves older signatures right."""
    said = "".join([f"{name}={len(value)}:{value};" for name, value in parts.items()])
    return hmac.digest(key, said.encode("utf-8", "surrogatepass"), "sha256").hex()[:SIGNATURE_LENGTH]
