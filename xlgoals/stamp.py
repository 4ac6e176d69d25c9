"""The identity a generated workbook carries: written by render into every form sheet, read back by locate."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, fields, replace
from typing import Literal

from xlgoals.records import Stamp

VERSION = 1
PROPERTY = "xlgoals"  # custom document property of a generated workbook
OUTPUT_PROPERTY = "xlgoals-output"  # custom document property of our own outputs, which are never read as input
MARKED_PROPERTY = "xlgoals-marked"  # custom document property of a form that goes back with marks: it is still a return
SIGNATURE_LENGTH = 32  # hexadecimal digits: 128 bits
Standing = Literal["signed", "unsigned", "forged"]
MARK = '{"xlgoals":'  # how a stamp cell begins


def stamp_text(stamp: Stamp) -> str:
    """The stamp as one line of text for a cell; blank parts are left out."""
    parts = {name: value for name, value in asdict(stamp).items() if value not in ("", None) and name != "version"}
    return json.dumps({"xlgoals": stamp.version, **parts}, ensure_ascii=False, separators=(",", ":"))


def read_stamp(text: object) -> Stamp | None:
    """The stamp in a cell's text; None when it is none, or not one we can read."""
    text = text.strip() if isinstance(text, str) else ""
    if not text.startswith(MARK):
        return None
    try:
        found = json.loads(text)
        known = {f.name for f in fields(Stamp)}
        parts = {
            name: value for name, value in found.items() if name in known and isinstance(value, str) and name not in ("version", "round")
        }
        return Stamp(version=int(found["xlgoals"]), round=int(found.get("round", 1)), **parts)
    except (ValueError, TypeError, KeyError):
        return None


def sign(stamp: Stamp, key: bytes) -> Stamp:
    """The stamp with a signature over everything it says; as it is when there is no key."""
    return replace(stamp, signature=_signature(stamp, key)) if key else stamp


def verify(stamp: Stamp, key: bytes) -> Standing:
    """Whether a stamp was signed with this key, and says what it said then."""
    if not stamp.signature:
        return "unsigned"
    return "signed" if hmac.compare_digest(_signature(stamp, key).encode(), stamp.signature.encode()) else "forged"


def _signature(stamp: Stamp, key: bytes) -> str:
    """HMAC-SHA256 over every filled field but the signature, each with its name and length, so that no two stamps give one text;
    a field that a later version adds leaves older signatures right."""
    parts = {name: str(value) for name, value in asdict(stamp).items() if value not in ("", None) and name != "signature"}
    said = "".join(f"{name}={len(value)}:{value};" for name, value in parts.items())
    return hmac.new(key, said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:SIGNATURE_LENGTH]
