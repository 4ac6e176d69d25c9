"""Tints on marked cells: a conditional format of ours on each sheet, so that no cell's own style is touched.

The format holds always; it is known by its formula, which programs keep when they save a workbook, wherever its cells move to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from xlgoals import splice
from xlgoals.findings import SEVERITIES, Severity
from xlgoals.splice import Element

MARK = re.compile(rb"(?:\"|&quot;)xlgoals(?:\"|&quot;)")  # stands in the formula of every format of ours
FORMULA = "&quot;xlgoals&quot;&lt;&gt;&quot;&quot;"
# the order of a worksheet's children, from what conditional formats stand behind to the end (ECMA-376 part 1, 18.3.1.99)
ORDER = (
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges",
    "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting",
    "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter", "rowBreaks", "colBreaks",
    "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing", "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture",
    "oleObjects", "controls", "AlternateContent", "webPublishItems", "tableParts", "extLst",
)  # fmt: skip
_PRIORITY = re.compile(rb"(<(?:[^\s<>:]+:)?cfRule\b[^<>]*?\spriority\s*=\s*[\"'])(\d{1,9})(?=[\"'])")


def place_of(part: bytes, sheet: Element, name: str, order: Sequence[str] = ORDER) -> int:
    """Where in a part a child of that name belongs: before the first one that must come later."""
    later = order[order.index(name) + 1 :]
    return next((one.start for one in splice.inside(part, sheet) if one.name in later), sheet.close)


def tinted(part: bytes, areas: Mapping[Severity, Sequence[str]], formats: Mapping[Severity, int]) -> bytes:
    """A worksheet whose areas are tinted by severity, above all formats it has; `formats` tells the number of each tint."""
    wanted = [severity for severity in SEVERITIES if areas.get(severity)]
    part = _renumbered(part, len(wanted))
    sheet = splice.root(part)
    prefix = f"{sheet.prefix}:" if sheet.prefix else ""
    content = "".join(
        f'<{prefix}conditionalFormatting sqref="{" ".join(areas[severity])}"><{prefix}cfRule type="expression" dxfId="{formats[severity]}" '
        f'priority="{number}"><{prefix}formula>{FORMULA}</{prefix}formula></{prefix}cfRule></{prefix}conditionalFormatting>'
        for number, severity in enumerate(wanted, 1)
    )
    # before the others, too: LibreOffice goes by their order, where Excel goes by their ranks
    first = next((one.start for one in splice.inside(part, sheet) if one.name == "conditionalFormatting"), None)
    return splice.put_in(part, sheet, content.encode(), place_of(part, sheet, "conditionalFormatting") if first is None else first)


def untinted(part: bytes) -> bytes:
    """A worksheet without tints of ours, its own formats of the rank they had."""
    spans, ours = [], 0
    for block in (one for one in splice.inside(part, splice.root(part)) if one.name == "conditionalFormatting" and MARK.search(part, one.start, one.end)):
        rules = [one for one in splice.inside(part, block) if one.name == "cfRule"]
        mine = [one for one in rules if MARK.search(part, one.start, one.end)]
        ours += len(mine)
        spans += [(block.start, block.end)] if mine and len(mine) == len(rules) else [(one.start, one.end) for one in mine]
    if not ours:
        return part
    part = splice.cut(part, spans)
    ranks = [int(rank) for _, rank in _PRIORITY.findall(part, part.rfind(b"sheetData"))]
    return _renumbered(part, -ours) if ranks and min(ranks) >= ours else part


def _renumbered(part: bytes, by: int) -> bytes:
    """Raise the ranks of all conditional formats, those in extensions too: what we add stands above them."""
    start = part.rfind(b"sheetData")
    return part[:start] + _PRIORITY.sub(lambda m: m[1] + b"%d" % (int(m[2]) + by), part[start:]) if by else part
