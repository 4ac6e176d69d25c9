"""How good the review is, held to its thresholds; and that well-made forms are left in peace."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from examples.fill import fill
from tests import review
from xlgoals.check import check
from xlgoals.intake import gather
from xlgoals.spec import load_forms
from xlgoals.tables import findings_of, with_findings
from xlgoals.yamlmark import load_marked

CATALOGUE = [*(f"Y{n}" for n in range(1, 11)), *(f"L{n}" for n in range(1, 15)), *(f"Q{n}" for n in range(1, 27)),
             *(f"P{n}" for n in range(1, 13)), *(f"S{n}" for n in range(1, 9))]  # fmt: skip
CLEAN = sorted((review.HERE / "clean").glob("*.yaml"))


def test_every_catalogued_mistake_is_in_the_table() -> None:
    assert list(review.entries()) == CATALOGUE
    assert all(one.unseen or one.rules for one in review.mistakes())


def test_nine_tenths_of_what_a_machine_can_see_is_found() -> None:
    counts = Counter(review.entries().values())
    missed = [f"{one.entry} {one.what} {one.document} {one.form}" for one in review.mistakes() if not one.unseen and not one.found]
    assert counts["found"] >= 0.9 * (counts["found"] + counts["missed"]), missed
    assert counts["unseen"] <= 8


def test_every_error_and_query_is_judged_and_nearly_all_are_justified() -> None:
    assert set(review.judged()) == set(review.raised())
    assert all(verdict == "right" or verdict.startswith("wrong: ") for verdict in review.judged().values())
    (errors, all_errors), (queries, all_queries) = review.precision()["error"], review.precision()["query"]
    assert errors >= 0.95 * all_errors
    assert queries >= 0.8 * all_queries


def test_the_report_is_the_one_in_docs() -> None:
    assert review.REPORT.read_text(encoding="utf-8") == review.report()


@pytest.mark.parametrize("path", CLEAN, ids=[path.stem for path in CLEAN])
def test_well_made_forms_are_left_in_peace(path: Path, tmp_path: Path) -> None:
    known = load_forms()
    (tmp_path / "做得好的.xlsx").write_bytes(fill(load_marked(path).data))
    tables = gather([tmp_path], jobs=1).tables
    told = findings_of(with_findings(tables, check(tables, known)))
    assert [f"{f.at.sheet} {f.at.cell} {f.code} {f.text}" for f in told if f.severity != "note"] == []
    assert tables.returns.height == len(load_marked(path).data["projects"])
