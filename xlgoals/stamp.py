"""The identity a generated workbook carries: written by render into every form sheet, read back by locate."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

from xlgoals.records import Stamp

VERSION = 1
PROPERTY = "xlgoals"  # custom document property of a generated workbook
OUTPUT_PROPERTY = "xlgoals-output"  # custom document property of our own outputs, which are never read as input
MARKED_PROPERTY = "xlgoals-marked"  # custom document property of a form that goes back with marks: it is still a return
MARK = '{"xlgoals":'  # how a stamp cell begins


def stamp_text(stamp: Stamp) -> str:
    """The stamp as one line of text for a cell; blank parts are left out."""
    parts = {name: value for name, value in asdict(stamp).items() if value not in ("", None) and name != "version"}
    return json.dumps({"xlgoals": stamp.version, **parts}, ensure_ascii=False, separators=(",", ":"))


def read_stamp(text: object) -> Stamp | None:
    """The stamp in a cell's text; None when it is none, or not one we can read."""
    if not isinstance(text, str) or not text.startswith(MARK):
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
