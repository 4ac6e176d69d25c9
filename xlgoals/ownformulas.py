"""Our own formulas on a form sheet: how they are told from a unit's, and set aside before anything is read.

They say whether the form is filled in well; nothing they say is ever read. Each is marked in its text, and the columns they
stand in by a key in the key row: xls and xlsb tell no more of a formula than that there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from xlgoals.records import RowCol, Sheet, Value, changed, trimmed

OWN = "#check"
OWN_BYTES = OWN.encode("ascii")
OVERVIEW = "#checks"  # stands on the sheet that looks at all forms
UNTOLD = "?"  # the text of a formula that the reader of xls leaves untold


def owned(expression: str) -> str:
    """A formula that gives what the expression gives, and is ours."""
    return f'=IF(N("{OWN}"),"",{expression})'


def set_aside(sheet: Sheet, said: re.Pattern[str]) -> Sheet:
    """The sheet without our own formulas. `said` is how begins what they say in words: where only values are left (somebody
    pasted values; xlsb tells no formulas), those words are ours in our columns, and any value is in the hidden ones."""
    ours = {spot for spot, formula in sheet.formulas.items() if OWN in formula}
    keys = [(r, c) for r, row in enumerate(sheet.rows) if OWN in row for c, value in enumerate(row) if value == OWN]
    if not ours and not keys:
        return sheet
    columns = {c for _, c in keys}
    hidden = columns - {max(columns, default=0)} if not (sheet.formulas or sheet.own) else set[int]()
    ours |= {spot for spot, formula in sheet.formulas.items() if formula == UNTOLD and spot[1] in columns}
    ours |= {spot for spot in sheet.errors if spot not in sheet.formulas and spot[1] in columns}  # a formula too long for xls

    def mine(spot: RowCol, value: Value) -> bool:
        return spot in ours or value == OWN or spot[1] in hidden or (isinstance(value, str) and said.match(value) is not None)

    spots = set(ours)
    if columns:  # most rows have nothing there: what our formulas gave is not read at all
        first = min(columns)
        spots |= {(r, c) for r, row in enumerate(sheet.rows) if row[first:].count(None) != len(row) - first for c in columns if c < len(row)}
    emptied = {(r, c): None for r, c in spots if (value := sheet.value(r, c)) is not None and mine((r, c), value)}

    def kept(cells: Mapping[RowCol, str]) -> dict[RowCol, str]:
        return {spot: text for spot, text in cells.items() if spot not in ours}

    return replace(sheet, rows=trimmed(changed(sheet.rows, emptied)), formulas=kept(sheet.formulas), errors=kept(sheet.errors), formats=kept(sheet.formats))
