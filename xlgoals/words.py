"""Printed words compared as people read them: blanks, line breaks, width of letters and colons do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

IGNORED = ":*"  # signs that do not count in printed words
REQUIRED = "(必填)"  # nor this behind them
BLANKS = " \t\r\n\u3000\u00a0"  # what does not count around a value
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")  # shows as nothing, or as another order
NIL = ("无", "-", "—", "–", "－", "/", "——")  # what people write into a money cell that holds nothing
TICKS = "☑☒√✓✔■Rþ"  # what stands for a tick: signs, look-alikes, and the letters that symbol fonts leave behind
BOXES = "□☐▢囗口○"


@lru_cache(maxsize=20_000)
def bare(text: str) -> str:
    """A printed text without what staff change harmlessly: blanks, line breaks, width of letters, colons, stars."""
    return re.sub(rf"[\s{IGNORED}]+", "", unicodedata.normalize("NFKC", text)).removesuffix(REQUIRED).lower()


def unhidden(text: str) -> str:
    """A text without signs that show as nothing and may steer a terminal, or that turn the order of what follows them."""
    return text if text.isprintable() else HIDDEN.sub("", text)


def full_width(text: str) -> str:
    """ASCII signs as they are in Chinese type."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def short(text: str) -> str:
    """`bare` without what stands in brackets."""
    return re.sub(r"\(.*?\)", "", bare(text)) or bare(text)
