"""Printed words compared as people read them: blanks, line breaks, width of letters and colons do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


@lru_cache(maxsize=20_000)
def bare(text: str) -> str:
    """A printed text without what staff change harmlessly: blanks, line breaks, width of letters, colons, stars."""
    return re.sub(r"[\s:*]+", "", unicodedata.normalize("NFKC", text)).removesuffix("(必填)").lower()


def short(text: str) -> str:
    """`bare` without what stands in brackets."""
    return re.sub(r"\(.*?\)", "", bare(text)) or bare(text)
