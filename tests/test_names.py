"""File names of units: valid on Windows, sorted by code, never the same for two units."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from xlgoals.names import safe_stem

RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")
ODD = st.sampled_from(["/", "\\", "..", ".", " ", "_", "~", "CON", "nul.txt", "COM1", "　", "\n", "\x00", "\u202e", "é", "e\u0301", "K", "K", "ß", "SS", "Ａ", "A", "a", "０", "0", "局", "𠮷", "\ufeff"])
TEXT = st.lists(ODD | st.text(max_size=5), min_size=1, max_size=6).map("".join) | st.text("甲局中心", min_size=100, max_size=250) | st.from_regex(r"[0-9]{3,9}", fullmatch=True)


def folded(name: str) -> str:
    """One name for all that some file system takes for the same."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def fits(name: str) -> bool:
    stem = name.removesuffix(".xlsx")
    return not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\ufeff]', name) and not RESERVED.fullmatch(stem) and (
        bool(stem) and not stem.startswith((".", "~$", " ")) and not stem.endswith((".", " ")) and len(name.encode()) <= 255
    )


@hypothesis_settings(max_examples=300)
@given(st.lists(st.tuples(TEXT, TEXT | st.just("")), min_size=1, max_size=12, unique_by=lambda one: one[0]))
def test_names_are_valid_and_no_two_are_the_same(units: list[tuple[str, str]]) -> None:
    stems = [safe_stem(*one) for one in units]
    assert all(fits(f"{stem}_第2次.xlsx") and fits(f"{stem}.zip") for stem in stems), stems
    assert len({folded(stem) for stem in stems}) == len(units), stems


def test_an_ordinary_unit_keeps_its_name() -> None:
    assert safe_stem("450001", "某县医保中心") == "450001_某县医保中心"
    assert safe_stem("某局") == "某局"
    assert safe_stem("450", "卫健局/疾控局（A区）..") == "450_卫健局／疾控局（A区）"


@pytest.mark.parametrize(("one", "other"), [("a1", "A1"), ("450/1", "450／1"), ("450 1", "450\u30001"), ("甲" * 200, "甲" * 201), ("CON", "con"), ("é", "e\u0301")])
def test_codes_that_look_alike_are_told_apart(one: str, other: str) -> None:
    assert folded(safe_stem(one, "某局")) != folded(safe_stem(other, "某局"))
