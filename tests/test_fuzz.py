"""Mutants of filled workbooks: read right or told of, never an exception, never slow. `benchmarks/fuzz.py` does many more."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fuzz import FAILED, LEVELS, mutant, outcomes

MUTANTS, SEED = 500, 42_000_000
FOUND_BEFORE = (1001138, 1002451, 1004881, 1005787, 1005973, 1006747, 1007219, 1008196, 1009316, 5000033, 5000084, 5000090, 6000041, 6000050, 6000223, 6000476, 7000247)  # what each brought to light is mended


def test_mutants_are_read_right_or_told_of() -> None:
    found = outcomes([*FOUND_BEFORE, *range(SEED, SEED + MUTANTS)])
    assert len(found) == MUTANTS + len(FOUND_BEFORE)
    failed = [one for one in found if one.wrong or one.fate in FAILED]
    assert failed == []
    fates = Counter(one.fate for one in found)
    assert fates["read"] > MUTANTS / 3  # most damage is of the kind that a careless reader would read wrong
    assert {one.level for one in found if one.fate == "read"} == set(LEVELS)


@pytest.mark.parametrize("number", range(3))
def test_a_mutant_can_be_made_again(number: int) -> None:
    assert mutant(number).deed == mutant(number).deed
