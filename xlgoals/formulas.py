"""The language of workbook formulas: texts, blanks, lists and patterns as expressions that Excel 2010, WPS and LibreOffice compute alike.

An expression is text without the equals sign. Nothing here takes an array except inside SUMPRODUCT and COUNTA, which all three
evaluate the same way; comparisons with lists avoid MATCH, to which * and ? are wildcards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from xlgoals.forms import ENDING
from xlgoals.models import HOLE
from xlgoals.words import IGNORED, REQUIRED, full_width

LITERAL_MOST = 255  # letters of one literal in a formula
FORMULA_MOST = 8192  # letters of a formula
BAR = "|"  # between the words of a list
WIDE, HARD = "\u3000", "\u00a0"  # the blanks that TRIM and CLEAN leave


def quoted(text: str) -> str:
    """A text as an expression."""
    parts = [text[i : i + LITERAL_MOST // 2] for i in range(0, len(text), LITERAL_MOST // 2)] or [""]
    return "&".join('"' + part.replace('"', '""') + '"' for part in parts)


def number(value: object) -> str:
    return f"{value:f}"


def every(*conditions: str) -> str:
    return f"AND({','.join(conditions)})" if len(conditions) > 1 else conditions[0]


def substituted(expression: str, changes: Iterable[tuple[str, str]]) -> str:
    for old, new in changes:
        expression = f"SUBSTITUTE({expression},{quoted(old)},{quoted(new)})"
    return expression


def content(cell: str) -> str:
    """What stands in a cell (or each cell of a range) besides blanks, to tell whether there is anything."""
    return f"TRIM({substituted(f'CLEAN({cell})', [(WIDE, ''), (HARD, '')])})"


def blank(cell: str) -> str:
    return f'{content(cell)}=""'


def stripped(cell: str) -> str:
    """The text of a cell without the blanks around it; blanks inside stay blanks."""
    for code in (9, 10, 13):
        cell = f'SUBSTITUTE({cell},CHAR({code})," ")'
    return f"TRIM({substituted(cell, [(WIDE, ' '), (HARD, ' ')])})"


def compact(cell: str) -> str:
    """The text of a cell without any blanks."""
    return substituted(f"CLEAN({cell})", [(" ", ""), (WIDE, ""), (HARD, "")])


def level_word(cell: str) -> str:
    """A level word as `forms.bare_word` takes it, with a bar behind it: to be looked for with `one_of`."""
    signs = [(BAR, "?"), *((sign, "") for mark in IGNORED for sign in (mark, full_width(mark)))]
    ends = [(f"{end}{BAR}", BAR) for end in (REQUIRED, full_width(REQUIRED), ENDING)]
    return substituted(f"LOWER({substituted(compact(cell), signs)})&{quoted(BAR)}", ends)


def one_of(barred: str, texts: Iterable[str]) -> str:
    """Whether a text with a bar behind it is one of some. No list is written as an array: LibreOffice loses the texts of one
    when its sheet is copied into another workbook."""
    return f"ISNUMBER(FIND({quoted(BAR)}&{barred},{quoted(BAR + ''.join(text + BAR for text in texts))}))"


def exactly_one_of(cell: str, texts: Iterable[str]) -> str:
    """Whether the text of a cell is one of some."""
    return every(f"ISERROR(FIND({quoted(BAR)},{cell}))", one_of(f"{cell}&{quoted(BAR)}", texts))


def phrase(template: str, words: Mapping[str, str]) -> str:
    """A sentence with holes as an expression; `words` are expressions for the holes."""
    parts, at = [], 0
    for hole in HOLE.finditer(template):
        parts += [quoted(template[at : hole.start()]), words[hole[1]]]
        at = hole.end()
    told = [part for part in (*parts, quoted(template[at:])) if part != '""']
    return "&".join(told) or '""'


# --- patterns --------------------------------------------------------------------------------------------------------


class Shape(NamedTuple):
    """A pattern as conditions on a text: its length, and what stands at each place."""

    length: str
    letters: str


_TOKEN = re.compile(r"(\[[^\]^][^\]]*\]|\\d|[^\\\[\](){}.*+?|^$])(?:\{(\d+)(?:,(\d+))?\})?")
_SPAN = re.compile(r"(.)-(.)")


def shape(pattern: str, text: str) -> Shape | None:
    """A regular expression of letters and classes of ASCII letters, each so many times (the last one from so many to so many),
    as conditions on a text; None for any other: then the rule has no formula."""
    conditions: list[str] = []
    least = most = at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None or least != most:
            return None
        letters = _class(token[1])
        few, many = int(token[2] or 1), int(token[3] or token[2] or 1)
        if letters is None or many < few:
            return None
        places = ",".join(str(n) for n in range(most + 1, most + many + 1))
        # a place behind the end of the text counts as well; nobody agrees on whether FIND finds "" anywhere
        padded = text if few == many else f"{text}&REPT({quoted(letters[0])},{many - few})"
        conditions.append(f"SUMPRODUCT(--ISNUMBER(FIND(MID({padded},{{{places}}},1),{quoted(letters)})))={many}")
        least, most, at = least + few, most + many, token.end()
    length = f"LEN({text})={least}" if least == most else f"LEN({text})>={least},LEN({text})<={most}"
    return Shape(f"AND({length})", every(*conditions)) if conditions else None


def _class(token: str) -> str | None:
    if token == r"\d":
        token = "[0-9]"
    if not token.startswith("["):
        return token
    spread = _SPAN.sub(lambda span: "".join(map(chr, range(ord(span[1]), ord(span[2]) + 1))), token[1:-1])
    return spread if spread.isascii() and "\\" not in spread else None
