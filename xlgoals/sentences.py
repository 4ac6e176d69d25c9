"""Printed words with fields in them, read as they were drawn: what stands in a hole, and what the sentence calls it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from xlgoals.slots import Slot


def in_hole(slot: Slot, key: str, whole: str) -> str | None:
    """What is typed in the hole of a field, "" while it holds only what is printed there; None where the printed words are not
    to be found."""
    match = _pattern(slot.text).fullmatch(whole)
    if match is None:
        return None
    text = match[key].strip(" \u3000")
    return text.strip(slot.blank) if slot.blank else text


def words_before(text: str, key: str, unit: str) -> str:
    """What a sentence calls the figure in a hole: the words before it, from the last sign or hole on."""
    before = re.sub(r"（[^（）]*）", "", text.partition(f"{{{key}}}")[0])
    return re.split(r"[，；。：（）{}]", before)[-1].removeprefix(unit).removeprefix("和").removeprefix("年").removesuffix("为")


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", text)
    words = (f"(?P<{p}>.*?)" if i % 2 else r"\s*".join(map(_any_width, re.sub(r"\s+", "", p))) + r"\s*" for i, p in enumerate(parts))
    return re.compile("".join(words) + r"\s*", re.DOTALL)


def _any_width(letter: str) -> str:
    """A pattern for one printed letter, full or half width."""
    plain = unicodedata.normalize("NFKC", letter)
    return re.escape(letter) if plain == letter else f"(?:{re.escape(letter)}|{re.escape(plain)})"
