"""The style sheet of a package: what our marks need is put in behind what is there, and taken out again to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from xlgoals import listsheet, splice
from xlgoals.findings import SEVERITIES, Severity
from xlgoals.package import OURS, PatchedPackage
from xlgoals.wording import ReturnWords

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
# a group's children, and what it must hold before ours where the package has none
GROUPS: Mapping[str, str] = {
    "fonts": '<font><sz val="11"/><name val="Calibri"/></font>',
    "fills": '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>',
    "borders": "<border><left/><right/><top/><bottom/><diagonal/></border>",
    "cellXfs": '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
    "dxfs": "",
}
_BASE = '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
ORDER = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles", "colors", "extLst")


class Styles(NamedTuple):
    """The numbers of what was put in: cell styles of the list by look, differential formats by severity."""

    looks: Mapping[str, int]
    tints: Mapping[Severity, int]


def add_styles(package: PatchedPackage, workbook: str, space: str, relations: str, words: ReturnWords) -> Styles:
    """Put the styles of tints and list into a package; it gets a style sheet when it has none."""
    found = package.related(workbook, "/styles")
    if found is None:
        name = "xl/styles.xml" if "xl/styles.xml" not in package else package.free("xl/xlgoalsStyles{}.xml")  # some readers know but the usual name
        head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        package.add(name, f'{head}<styleSheet xmlns="{space}">{_BASE}</styleSheet>'.encode(), TYPE)
        package.relate(workbook, f"{relations}/styles", name)
    else:
        name = found.part
    part = package.part(name)
    firsts: dict[str, int] = {}
    for group, content in _ours(words, firsts):
        part, firsts[group] = _with(part, group, content)
    package.put(name, part)
    looks = {look: firsts["cellXfs"] + n for n, look in enumerate(listsheet.LOOKS)}
    return Styles(looks, {severity: firsts["dxfs"] + n for n, severity in enumerate(SEVERITIES)})


def drop_styles(package: PatchedPackage, workbook: str, words: ReturnWords) -> None:
    """Take ours out again, where they stand as we put them; a program that saved the file since has sorted them anew, and
    drops by itself what nothing uses."""
    found = package.related(workbook, "/styles")
    if found is None:
        return
    if found.id.startswith(OURS):
        package.unrelate(workbook, found.id)
        package.drop(found.part)
        return
    part = package.part(found.part)
    top = splice.root(part)
    firsts: dict[str, int] = {}
    groups = {one.name: splice.inside(part, one) for one in splice.inside(part, top) if one.name in GROUPS}
    for group, content in _ours(words, firsts):
        held = [part[one.start : one.end] for one in groups.get(group, ())]
        wanted = [_prefixed(one, top.prefix) for one in content]
        if held[-len(wanted) :] != wanted:
            return
        firsts[group] = len(held) - len(wanted)
    for group in GROUPS:
        part = _without(part, group, len(groups[group]) - firsts[group])
    package.put(found.part, part)


def _ours(words: ReturnWords, firsts: Mapping[str, int]) -> Iterator[tuple[str, Sequence[str]]]:
    """What we put in, group by group; cell styles refer to where fonts, fills and borders went."""
    yield "fonts", listsheet.fonts(words.list)
    yield "fills", listsheet.fills(words.list, words.tints)
    yield "borders", listsheet.BORDERS
    yield "cellXfs", listsheet.formats(firsts["fonts"], firsts["fills"], firsts["borders"])
    yield "dxfs", [listsheet.tint(words.tints[severity]) for severity in SEVERITIES]


def _with(part: bytes, group: str, content: Sequence[str]) -> tuple[bytes, int]:
    """A style sheet with more in a group, and the number of the first of it."""
    top = splice.root(part)
    there = splice.child(part, top, group)
    if there is None:
        # without a count: so that taking out knows that the group is ours
        prefix = f"{top.prefix}:" if top.prefix else ""
        empty = f"<{prefix}{group}>".encode() + _prefixed(GROUPS[group], top.prefix) + f"</{prefix}{group}>".encode()
        later = ORDER[ORDER.index(group) + 1 :]
        at = next((one.start for one in splice.inside(part, top) if one.name in later), None)
        part = splice.put_in(part, top, empty, at)
        there = splice.child(part, splice.root(part), group)
        assert there is not None
    count = len(splice.inside(part, there))
    part = splice.put_in(part, there, b"".join(_prefixed(one, top.prefix) for one in content))
    return _counted(part, group, count + len(content)), count


def _without(part: bytes, group: str, count: int) -> bytes:
    """A style sheet without the last ones of a group."""
    there = splice.child(part, splice.root(part), group)
    assert there is not None
    held = splice.inside(part, there)
    rest, ours = held[: len(held) - count], held[len(held) - count :]
    made = there.get("count") is None and b"".join(part[one.start : one.end] for one in rest) == _prefixed(GROUPS[group], there.prefix)
    if made:
        return splice.cut(part, [(there.start, there.end)])
    part = _counted(part, group, len(rest))
    there = splice.child(part, splice.root(part), group)
    assert there is not None
    ours = splice.inside(part, there)[len(rest) :]
    part = splice.cut(part, [(ours[0].start, ours[-1].end)])
    left = splice.child(part, splice.root(part), group)
    return splice.closed(part, left) if left and left.inner == left.close else part


def _counted(part: bytes, group: str, count: int) -> bytes:
    there = splice.child(part, splice.root(part), group)
    return splice.with_attribute(part, there, "count", str(count)) if there else part


def _prefixed(content: str, prefix: str) -> bytes:
    """XML of ours with the prefix that a part's own elements have."""
    return (re.sub(r"<(/?)(?=[A-Za-z])", rf"<\1{prefix}:", content) if prefix else content).encode()
