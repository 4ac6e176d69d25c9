"""Whatever staff do to a form: no value silently wrong, none silently lost, and what is still there is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.case import FORMS, KINDS, SHIPPED
from tests.drift import REPORT, base, case_of, cells, office_python, report, run
from tests.oracle import Verdict, judge
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.records import Spot

OFFICE = pytest.mark.skipif(not office_python(), reason="LibreOffice is not installed")
FEWEST = 40  # kinds of damage that issue 3 asks for


def _cases() -> list[object]:
    marks = {False: (), True: (pytest.mark.office, OFFICE)}
    return [pytest.param(kind, form, marks=marks[one.office], id=f"{kind}-{form}") for kind, one in KINDS.items() for form in SHIPPED]


@pytest.mark.parametrize(("kind", "form"), _cases())
def test_nothing_is_silently_wrong_or_lost(kind: str, form: str) -> None:
    one, verdict = KINDS[kind], run(kind, form)
    assert verdict.wrong == [], "silently wrong"
    assert verdict.lost == [], "silently lost"
    if one.floor is not None:
        assert verdict.share >= one.floor, verdict.codes
    if one.notes is not None:
        assert sum(verdict.codes.values()) <= one.notes * verdict.sheets, f"too many findings for one mishap: {verdict.codes}"


def test_the_judge_sees_what_is_wrong_and_what_is_lost() -> None:
    """A reading that says another value, gives another line's target, or leaves a value out without a word, is found out."""
    case = case_of(SHIPPED[0])
    seen = cells(case.book)
    (one, other), findings = understand(read_bytes(base(SHIPPED[0]), name="表.xlsx"), FORMS)
    assert judge(case.truths, seen, [one, other], findings, FORMS).wrong == []

    def judged(spots: dict[str, Spot]) -> Verdict:
        return judge(case.truths, seen, [replace(one, spots=spots), other], findings, FORMS)

    first, second = (f"{indicator.key}.target" for indicator in one.indicators[:2])
    swapped = {**one.spots, first: one.spots[second], second: one.spots[first]}
    altered = {**one.spots, first: one.spots[first]._replace(text="≥1件")}
    elsewhere = {**one.spots, first: one.spots[first]._replace(at=one.spots[second].at)}
    assert judged(swapped).wrong and judged(altered).wrong and judged(elsewhere).wrong
    missing = judged({key: spot for key, spot in one.spots.items() if key != first})
    assert missing.wrong == [] and len(missing.lost) == 2  # the value, and its cell
    nothing = judge(case.truths, seen, [other], findings, FORMS)
    assert len(nothing.lost) >= len(case.truths["项目1"].values)


def test_there_are_kinds_enough() -> None:
    assert len(KINDS) >= FEWEST
    assert all(one.words and one.make.__name__ == name for name, one in KINDS.items())


@pytest.mark.office
@OFFICE
def test_the_report_is_current() -> None:
    assert REPORT.read_text(encoding="utf-8") == report(), "run `python -m tests.drift`"
