"""Mutants of filled workbooks, at the level of bytes, of XML and of cells, each judged by one oracle.

The oracle: every value is read right, with its address, or there is a finding; never an exception of ours. What stands in a mutant's
cells is told by a reader that is not the program's (`drift.looked_at`); what was typed there, by `oracle`. A mutant is made from its
number alone, so that a number in a report is a way to see it again: `python -m tests.fuzz NUMBER`.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import sys
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from statistics import median
from typing import Any, NamedTuple

from lxml import etree
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.cell import coordinate_from_string
from openpyxl.worksheet.merge import MergedCellRange
from openpyxl.worksheet.worksheet import Worksheet

from tests import drift
from tests.case import SHIPPED
from tests.forms import FORMS
from tests.opened import plainly
from tests.oracle import Place, Seen, Truth, What, _split, judge, shown
from tests.returns import checked
from xlgoals.errors import Refused
from xlgoals.findings import Finding
from xlgoals.limits import Limits
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.records import Return
from xlgoals.tables import tabulate
from xlgoals.workers import deadline, work_through

LEVEL_WORDS = {"bytes": "zip's bytes and parts", "xml": "parts' XML", "cells": "cells"}
LEVELS = tuple(LEVEL_WORDS)
LIMITS = Limits(seconds=20.0)
JUNK = ("", "0", "-1", "99999999", "A1", "XFD1048576", "甲", "1e999", "TRUE", "x" * 300, "&lt;", "\u202e1", "#REF!")
TYPED_JUNK = ("？", "待定", 1234567890123, -1, 0.3, True, "=1+1", "１２３", " ", "\n", "\u200b", "√")
SHIFTS = ("row+", "row-", "column+", "column-")
TYPING = ("clear", "junk", "formula", "unmerge", "merge", "hide", "rename", "pad")


class Mutant(NamedTuple):
    """A damaged workbook, what was done to it, and what was typed into it."""

    number: int
    level: str
    form: str
    deed: str
    data: bytes
    truths: Mapping[str, Truth]


class Outcome(NamedTuple):
    """What became of a mutant: read or refused (the code), and what was silently wrong or lost."""

    number: int
    level: str
    deed: str
    fate: str  # read, a finding's code, crashed, slow, defect
    wrong: tuple[str, ...] = ()
    seconds: float = 0.0  # of reading and checking it, the judging not counted
    peak: int = 0  # bytes resident at most in the worker so far, which also holds the forms and the oracle's reader


# --- making ----------------------------------------------------------------------------------------------------------


def mutant(number: int) -> Mutant:
    luck = random.Random(number)
    form = luck.choice(SHIPPED)
    level = LEVELS[number % len(LEVELS)]
    truths = {name: truth.copy() for name, truth in _truths(form).items()}
    if level == "bytes":
        deed, data = _bytes(luck, drift.base(form))
    elif level == "xml":
        deed, data = _xml(luck, drift.base(form))
    else:
        deed, data = _cells(luck, form)
    return Mutant(number, level, form, deed, data, truths)


@cache
def _truths(form: str) -> Mapping[str, Truth]:
    return drift.case_of(form).truths


def _bytes(luck: random.Random, data: bytes) -> tuple[str, bytes]:
    kind = luck.choice(("flip", "cut", "zero", "insert", "drop", "swap", "twice", "empty"))
    if kind in ("flip", "zero", "insert", "cut"):
        made, at = bytearray(data), luck.randrange(len(data))
        if kind == "flip":
            for _ in range(luck.choice((1, 1, 4, 64))):
                made[luck.randrange(len(made))] ^= 1 << luck.randrange(8)
        elif kind == "zero":
            made[at : at + 64] = bytes(len(made[at : at + 64]))
        elif kind == "insert":
            made[at:at] = luck.randbytes(luck.choice((1, 7, 300)))
        else:
            del made[at:]
        return f"{kind} at {at}", bytes(made)
    parts = _parts(data)
    name = luck.choice(list(parts))
    if kind == "drop":
        del parts[name]
    elif kind == "empty":
        parts[name] = b""
    elif kind == "swap":
        other = luck.choice([part for part in parts if "worksheets" not in part or "worksheets" not in name])  # two sheets may change places
        parts[name], parts[other] = parts[other], parts[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name twice is what is wanted
        return f"{kind} {name}", _packed(parts, twice=name if kind == "twice" else "")


def _xml(luck: random.Random, data: bytes) -> tuple[str, bytes]:
    parts = _parts(data)
    names = [name for name in parts if name.endswith((".xml", ".rels"))]
    likely = [name for name in names if name.startswith("xl/worksheets/") or "sharedStrings" in name]
    deeds = []
    for _ in range(luck.choice((1, 1, 1, 2, 5))):
        name = luck.choice(likely if luck.random() < 0.8 else names)
        try:
            root = etree.fromstring(parts[name])
        except etree.XMLSyntaxError:
            continue
        every = [element for element in root.iter() if isinstance(element.tag, str)]
        one = luck.choice(every)
        deeds.append(f"{name} {etree.QName(one).localname} {_deed(luck, one, every)}")
        parts[name] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return "; ".join(deeds), _packed(parts)


def _deed(luck: random.Random, one: Any, every: Sequence[Any]) -> str:
    kind = luck.choice(("drop", "twice", "attribute", "unset", "text", "move", "swap"))
    parent, junk = one.getparent(), luck.choice(JUNK)
    if kind == "drop" and parent is not None:
        parent.remove(one)
    elif kind == "twice" and parent is not None and etree.QName(one).localname != "t":  # readers differ on two texts in one cell
        parent.insert(parent.index(one), etree.fromstring(etree.tostring(one)))
    elif kind == "move" and parent is not None:
        parent.remove(one)
        parent.insert(luck.randrange(len(parent) + 1), one)
    elif kind == "swap":
        other = luck.choice(every)
        one.text, other.text = other.text, one.text
    elif kind == "attribute" and one.attrib:
        name = luck.choice(list(one.attrib))
        one.set(name, junk)
        return f"{name}={junk[:20]!r}"
    elif kind == "unset" and one.attrib:
        name = luck.choice(list(one.attrib))
        del one.attrib[name]
        return f"without {name}"
    else:
        one.text = junk
        return f"text {junk[:20]!r}"
    return kind


def _cells(luck: random.Random, form: str) -> tuple[str, bytes]:
    """Edits that a hurried hand makes, several at once, anywhere on the sheets: not only where the drift kinds look."""
    book = plainly(drift.base(form))
    deeds = []
    # where cells move, nothing is copied over others as well: nobody could say any more what a word at a place is
    kinds = luck.choice(((*SHIFTS, *TYPING), ("swap", "copy", *TYPING)))
    for _ in range(luck.choice((1, 2, 3, 6))):
        page = luck.choice([page for page in book.worksheets if page.title in _truths(form)])
        deeds.append(f"{page.title} {_edit(luck, page, luck.choice(kinds))}")
    buffer = io.BytesIO()
    book.save(buffer)
    return "; ".join(deeds), buffer.getvalue()


def _edit(luck: random.Random, page: Worksheet, kind: str) -> str:
    filled = [cell for row in page.iter_rows() for cell in row if cell.value is not None]
    one, other = luck.choice(filled), luck.choice(filled)
    if kind == "clear":
        one.value = None
    elif kind == "swap":
        one.value, other.value = other.value, one.value
    elif kind == "copy":
        one.value = other.value
    elif kind == "junk":
        one.value = luck.choice(TYPED_JUNK)
    elif kind == "formula":
        one.value = luck.choice(("=1/0", "=NOW()", "=[1]Sheet1!A1", f"={other.coordinate}", "=#REF!"))
    elif kind in ("row+", "row-"):
        _shifted(page, one.row, 1 if kind == "row+" else -1, rows=True)
    elif kind in ("column+", "column-"):
        _shifted(page, one.column, 1 if kind == "column+" else -1, rows=False)
    elif kind == "unmerge":
        for area in list(page.merged_cells.ranges)[: luck.choice((1, 99))]:
            _unmerged(page, area)
    elif kind == "merge":
        with contextlib.suppress(ValueError):
            page.merge_cells(start_row=one.row, end_row=one.row + 1, start_column=one.column, end_column=one.column)
    elif kind == "hide":
        page.row_dimensions[one.row].hidden = True
    elif kind == "pad":
        one.value = f" {one.value}　" if isinstance(one.value, str) else one.value
    elif kind == "rename":
        page.parent.defined_names.clear()
    return f"{kind} {one.coordinate}"


def _unmerged(page: Worksheet, area: MergedCellRange) -> None:
    with contextlib.suppress(KeyError):  # where merges overlap, the other one's cells are gone already
        page.unmerge_cells(area.coord)


def _shifted(page: Worksheet, at: int, by: int, *, rows: bool) -> None:
    """Insert or delete a row or column as Excel does: merges and names go along, which openpyxl leaves behind."""
    areas = [[area.min_row, area.max_row, area.min_col, area.max_col] for area in page.merged_cells.ranges]
    for area in list(page.merged_cells.ranges):
        _unmerged(page, area)
    if rows:
        (page.insert_rows if by > 0 else page.delete_rows)(at)
    else:
        (page.insert_cols if by > 0 else page.delete_cols)(at)
    first, last = (0, 1) if rows else (2, 3)
    for area in areas:
        area[first] += by * (area[first] >= at + (by < 0))
        area[last] += by * (area[last] >= at)
        if area[first] <= area[last] and (area[0], area[2]) != (area[1], area[3]):
            page.merge_cells(start_row=area[0], end_row=area[1], start_column=area[2], end_column=area[3])
    for names in (page.parent.defined_names, page.defined_names):
        for name in list(names.values()):
            name.attr_text = _moved(name.attr_text or "", page.title, at, by, rows)


def _moved(reference: str, title: str, at: int, by: int, rows: bool) -> str:
    """A name's reference to this sheet, moved; #REF! where its one row or column was deleted."""
    sheet, bang, cells = reference.rpartition("!")
    if not bang or sheet.strip("'") != title:
        return reference
    found = re.findall(r"\$([A-Z]+)\$(\d+)", cells)
    numbers = [int(row) if rows else column_index_from_string(column) for column, row in found]
    if by < 0 and set(numbers) == {at}:
        return f"{sheet}!#REF!"
    moved = [n + by * (n >= at + (by < 0 and len(numbers) == 1)) if n != at or by > 0 else n for n in numbers]
    corners = [f"${column}${n}" if rows else f"${get_column_letter(n)}${row}" for (column, row), n in zip(found, moved, strict=True)]
    return f"{sheet}!{':'.join(corners)}"


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def _packed(parts: Mapping[str, bytes], twice: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in parts.items():
            package.writestr(name, part)
            if name == twice:
                package.writestr(name, part[: len(part) // 2])
    return buffer.getvalue()


# --- judging ---------------------------------------------------------------------------------------------------------


class Taken(NamedTuple):
    """A mutant that was read: what came of it, and how long it took."""

    made: Mutant
    returns: Sequence[Return]
    findings: Sequence[Finding]
    seconds: float

    def outcome(self, findings: Sequence[Finding]) -> Outcome:
        """Judge the reading, given everything that was told of it."""
        crash = [f"{one.code} {one.found} {one.text}" for one in findings if one.code.startswith("internal.")]
        fate, wrong = ("defect", crash) if crash else _judged(self.made, self.returns, findings)
        return Outcome(self.made.number, self.made.level, self.made.deed, fate, tuple(wrong), self.seconds, _peak())


def outcome(number: int) -> Outcome:
    """Make a mutant, read it, check it, judge the reading."""
    taken = _taken(number)
    return taken if isinstance(taken, Outcome) else taken.outcome([*taken.findings, *_checked([taken])])


def _taken(number: int) -> Taken | Outcome:
    """A mutant read; the outcome where it is refused."""
    made, start = mutant(number), time.perf_counter()
    try:
        book = read_bytes(made.data, name=f"{number}.xlsx", limits=LIMITS)
    except Refused as refused:
        return Outcome(number, made.level, made.deed, refused.code, (), time.perf_counter() - start, _peak())
    returns, findings = understand(book, FORMS)
    return Taken(made, returns, findings, time.perf_counter() - start)


def _checked(taken: Sequence[Taken]) -> Sequence[Finding]:
    """What the rules say of some mutants at once."""
    return checked(tabulate([one for some in taken for one in some.returns], [one for some in taken for one in some.findings]), FORMS)


def _judged(made: Mutant, returns: Sequence[Return], findings: Sequence[Finding]) -> tuple[str, Iterable[str]]:
    seen = _seen(made.data)
    if seen is None:  # the other reader refuses it: what we read must be what was typed, word for word
        typed = {text for truth in made.truths.values() for text in truth.values} | {shown(text) for text in JUNK}
        strange = [f"{key} {spot.text!r}" for one in returns for key, spot in one.spots.items() if _typed(key, spot.text) and shown(spot.text) not in typed]
        return "read alone", strange if not findings else ()
    truths = _followed(made.truths, made.form, seen)
    still = {sheet for sheet in truths if not re.search(rf"{sheet} (row|column)[+-]", made.deed) and made.level == "cells"}
    _overwritten(truths, made.form, seen, returns, still)
    verdict = judge(truths, seen, returns, findings, FORMS)
    return "read", [one for one in _silent([*verdict.wrong, *verdict.lost], findings) if not _still_typed(one, made.form)]


def _still_typed(complaint: str, form: str) -> bool:
    """Whether what is read at a cell was typed there: a damaged cell may still show it to us and hide it from the other reader."""
    found = re.fullmatch(r"([^!:]+)!([A-Z]+[0-9]+) '(.*)' read as .*: the cell holds None", complaint)
    if not found or drift.OWN in found[3]:
        return bool(found)  # the text of one of our formulas, as text: the other reader leaves out whatever looks like one
    column, row = coordinate_from_string(found[2])
    return shown(_base_cells(form)[found[1]].get((row - 1, column_index_from_string(column) - 1), "")) == found[3]


def _peak() -> int:
    """The most memory this process has had resident; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _overwritten(truths: Mapping[str, Truth], form: str, seen: Seen, returns: Sequence[Return], still: set[str]) -> None:
    """Printed words copied over an input are what was typed there: where no row or column moved, its cell tells what it is."""
    before = _base_spots(form)
    for one in returns:
        for key, spot in one.spots.items() if one.sheet in still else ():
            truth, text = truths[one.sheet], shown(spot.text)
            if before.get((one.sheet, key), spot.at.cell) == spot.at.cell and text and text not in truth.values and not _level(key):
                truth.values[text] = What(_split(key)[1])


@lru_cache(maxsize=32)
def _base_spots(form: str) -> Mapping[tuple[str, str], str]:
    returns, _ = understand(read_bytes(drift.base(form), name="表.xlsx"), FORMS)
    return {(one.sheet, key): spot.at.cell for one in returns for key, spot in one.spots.items()}


def _level(key: str) -> bool:
    return key.endswith((".level1", ".level2"))


def _silent(complaints: Sequence[str], findings: Sequence[Finding]) -> Iterator[str]:
    """The complaints about what no finding speaks of: a wrong reading that is told of is not silent."""
    spoken = {(at.sheet, at.cell) for one in findings for at in (one.at, *one.others)}
    words = {(one.at.sheet, text) for one in findings for text in (one.found, repr(one.found)[1:-1])}
    amounts = {one.at.sheet for one in findings if one.code.startswith("money.")}
    levels = {one.at.sheet for one in findings if one.code.startswith(("level", "line."))}
    for complaint in complaints:
        cell = re.match(r"([^!:]+)!([A-Z]+[0-9]+)", complaint)
        value = re.match(r"([^:]+): \w+ is '(.*)'$", complaint)
        if cell and ((cell[1], cell[2]) in spoken or re.search(r" '(\\[nt]|\s)*' ", complaint)):
            continue
        if value and (value[1], value[2]) in words:
            continue
        if re.search(r": funds\.\S+ is ", complaint) and complaint.partition(":")[0] in amounts:
            continue
        if " is read as " in complaint and complaint.partition(":")[0] in levels:
            continue
        yield complaint


def _typed(key: str, text: str) -> bool:
    return bool(text) and not key.endswith((".level1", ".level2")) and "□" not in text


@lru_cache(maxsize=32)
def _base_cells(form: str) -> Seen:
    return drift.looked_at(drift.base(form), ".xlsx")


def _seen(data: bytes) -> Seen | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return drift.looked_at(data, ".xlsx")
        except Exception:  # whatever another reader dies of
            return None


def _followed(truths: Mapping[str, Truth], form: str, seen: Seen) -> Mapping[str, Truth]:
    """The truth after the damage: where a typed cell holds another text now that was typed nowhere, that is what was typed."""
    before = _base_cells(form)
    for sheet, truth in truths.items():
        here = seen.get(sheet, {})
        anything = What("|".join(dict.fromkeys(what.kind for what in truth.values.values())))
        truth.values |= {shown(junk): anything for junk in TYPED_JUNK if junk in here.values()}
        now = {shown(value) for value in here.values()}
        known = set(truth.values) | {shown(value) for value in before[sheet].values()}
        for spot, value in before[sheet].items():
            old, new = shown(value), shown(here.get(spot, ""))
            if old in truth.values and old not in now and new and new not in known and not _elsewhere(spot, here, before[sheet]):
                truth.change(old, new)
                known.add(new)
            elif old != new and old in truth.values and new in truth.values and not _elsewhere(spot, here, before[sheet]):
                both = (truth.values[old].kind, truth.values[new].kind)  # copied over another input, or changed places with it
                truth.values[new] = What("|".join(both))
    return truths


def _elsewhere(spot: Place, here: Mapping[Place, object], before: Mapping[Place, object]) -> bool:
    """Whether the cells of this row have moved away: then what stands here now is another line's."""
    row = [other for other in before if other[0] == spot[0] and other != spot]
    return bool(row) and not any(shown(here.get(other, "")) == shown(before[other]) for other in row)


# --- running ---------------------------------------------------------------------------------------------------------


def outcomes(numbers: Sequence[int], jobs: int = 2, on_done: Callable[[int, int], None] = lambda done, total: None) -> list[Outcome]:
    """Judge mutants in workers, as the program reads files: what kills a worker is found out, and the rest goes on."""
    answers = work_through(numbers, _work, _lost, limits=LIMITS, jobs=jobs, executor=None, on_done=on_done)
    return [one for some in answers for one in some]


def _work(numbers: Sequence[int]) -> list[Outcome]:
    """Judge some mutants. The rules take most of the time: they run once over all, to see whether one crashes; and over a single
    mutant, as `outcome` does it, only where reading alone does not tell of everything."""
    found, taken = [], []
    for number in numbers:
        with deadline(LIMITS.seconds):
            try:
                one = _taken(number)
                if isinstance(one, Taken):
                    taken.append(one)
                    one = one.outcome(one.findings)
                    one = outcome(number) if one.wrong else one
                found.append(one)
            except Exception as error:
                found.append(_defect(number, error))
    with deadline(LIMITS.seconds):
        if _sound(taken):
            return found
    at_fault = {}
    for one in taken:
        try:
            at_fault[one.made.number] = outcome(one.made.number)
        except Exception as error:
            at_fault[one.made.number] = _defect(one.made.number, error)
    return [at_fault.get(one.number, one) for one in found]


def _sound(taken: Sequence[Taken]) -> bool:
    try:
        return not any(one.code.startswith("internal.") for one in _checked(taken))
    except Exception:  # of which mutant, each alone will tell
        return False


def _defect(number: int, error: Exception) -> Outcome:
    made = mutant(number)
    return Outcome(number, made.level, made.deed, "defect", (f"{type(error).__name__}: {error}"[:300],))


def _lost(number: int, slow: bool) -> list[Outcome]:
    made = mutant(number)
    return [Outcome(number, made.level, made.deed, "slow" if slow else "crashed")]


FAILED = ("slow", "crashed", "defect")  # fates that are failures by themselves


def told(found: Sequence[Outcome]) -> str:
    """A table: level and fate, the slowest, the largest, and every failure by its number."""
    levels = Counter(one.level for one in found)
    counts = Counter((one.level, one.fate) for one in found)
    failed = [one for one in found if one.wrong or one.fate in FAILED]
    slowest = max(found, key=lambda one: one.seconds)
    return "\n".join(
        [
            f"{len(found)} mutants: " + ", ".join(f"{levels[level]} of the {what}" for level, what in LEVEL_WORDS.items()) + ".",
            "",
            "| level | fate | mutants |",
            "|---|---|---|",
            *(f"| {level} | {fate} | {n} |" for (level, fate), n in sorted(counts.items())),
            "",
            f"Slowest to read: {slowest.seconds:.2f} s (mutant {slowest.number}, {slowest.deed[:80]}); half take less than "
            f"{median(one.seconds for one in found):.3f} s. Peak memory of a worker, with the forms and the judge: {max(one.peak for one in found) >> 20} MB.",
            "",
            f"Silently wrong or lost, or a defect: {len(failed)} of {len(found)}.",
            *(f"- {one.number} {one.deed}: {one.wrong[:3]}" for one in failed),
        ]
    )


if __name__ == "__main__":
    for number in map(int, sys.argv[1:]):
        print(mutant(number).deed, outcome(number), sep="\n")  # noqa: T201
