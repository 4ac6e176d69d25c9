"""The identity a generated workbook carries: written by render into every form sheet, read back by locate."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Literal, NamedTuple

from xlgoals.findings import Catalogue, Finding
from xlgoals.records import At, Book, Return, Stamp, cell_name

VERSION = 1
PROPERTY = "xlgoals"  # custom document property of a generated workbook
OUTPUT_PROPERTY = "xlgoals-output"  # custom document property of our own outputs, which are never read as input
MARKED_PROPERTY = "xlgoals-marked"  # custom document property of a form that goes back with marks: it is still a return
LIST_PART = "xl/worksheets/xlgoalsList{}.xml"  # what the list of problems is called within such a form
SIGNATURE_LENGTH = 32  # hexadecimal digits: 128 bits
FIELDS = tuple(field.name for field in fields(Stamp))
UNSIGNED = ("stamp.forged", "stamp.unsigned")  # the findings of stamps that no key of ours signed
TITLE = "xlgoals"  # what the version is called in a stamp: it marks one
NAMES = (TITLE, *FIELDS[1:])
GROUPS = (  # the fields around the two that differ from sheet to sheet
    NAMES[: NAMES.index("instance")], NAMES[NAMES.index("instance") + 1 : NAMES.index("project")],
    tuple(name for name in NAMES[NAMES.index("project") + 1 :] if name != "signature"),
)  # fmt: skip
NUMBERS = (TITLE, "round")
_quoted = json.JSONEncoder(ensure_ascii=False).encode
Standing = Literal["signed", "unsigned", "forged"]
MARK = '{"xlgoals":'  # how a stamp cell begins


def stamp_text(stamp: Stamp, key: bytes = b"") -> str:
    """The stamp as one line of text for a cell; blank parts are left out. With a key it is signed anew."""
    return next(sheet_stamps(stamp, key, [(stamp.form, stamp.digest, stamp.instance, stamp.project)]))


def sheet_stamps(stamp: Stamp, key: bytes, sheets: Iterable[tuple[str, str, str, str]]) -> Iterator[str]:
    """The stamps of the sheets of one workbook, which differ from its own in form, digest, instance and project only."""
    shared: dict[tuple[str, str], list[_Piece]] = {}
    for form, digest, instance, project in sheets:
        if (form, digest) not in shared:
            told = {**_parts(stamp), "form": form, "digest": digest}
            groups = [{name: told[name] for name in names} for names in GROUPS]
            shared[form, digest] = [_piece(group) for group in groups]
        before, between, behind = shared[form, digest]
        shown, said = f'{before.json},"instance":{_quoted(instance)}' if instance else before.json, before.said
        if instance:
            said += f"instance={len(instance)}:{instance};"
        shown += between.json
        said += between.said
        if project:
            shown += f',"project":{_quoted(project)}'
            said += f"project={len(project)}:{project};"
        signature = _signature(said + behind.said, key) if key else stamp.signature
        end = f',"signature":{_quoted(signature)}}}' if signature else "}"
        yield f"{{{shown[1:]}{behind.json}{end}"


class _Piece(NamedTuple):
    """Some fields of a stamp as they are written, each with a comma before it, and as they are signed: with name and length, so
    that no two stamps give one text; a blank field is left out, so that one which a later version adds leaves older signatures right."""

    json: str
    said: str


def _piece(fields: Mapping[str, str]) -> _Piece:
    filled = [(name, value) for name, value in fields.items() if value]
    return _Piece(
        "".join([f',"{name}":{value if name in NUMBERS else _quoted(value)}' for name, value in filled]),
        "".join([f"{name}={len(value)}:{value};" for name, value in filled]),
    )


def _parts(stamp: Stamp) -> dict[str, str]:
    """All that a stamp may say, its version first under the name that marks a stamp."""
    return {name: str(getattr(stamp, FIELDS[0] if name == TITLE else name)) for name in NAMES}


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
    return replace(stamp, signature=_signature(_said(stamp), key))


def verify(stamp: Stamp, key: bytes) -> Standing:
    """Whether a stamp was signed with this key, and says what it said then."""
    if not stamp.signature:
        return "unsigned"
    right = hmac.compare_digest(_signature(_said(stamp), key).encode(), stamp.signature.encode("utf-8", "surrogatepass"))
    return "signed" if right else "forged"


def _said(stamp: Stamp) -> str:
    """What is signed of a stamp: everything but the signature."""
    return _piece({name: value for name, value in _parts(stamp).items() if name != "signature"}).said


def _signature(said: str, key: bytes) -> str:
    """HMAC-SHA256, cut to 128 bits."""
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
