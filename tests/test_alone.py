"""Forms are judged where they are read, each alone; what only several together can get wrong is judged once all are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.returns import FORMS, Q, one, with_rules
from xlgoals.check import alone, check, together
from xlgoals.errors import SpecError
from xlgoals.findings import Rule
from xlgoals.intake import Job, gather, read_into, take_files
from xlgoals.limits import Limits
from xlgoals.records import Given
from xlgoals.rules import DEFECT, KINDS, lint
from xlgoals.sources import files_in
from xlgoals.spec import data_folder
from xlgoals.store import Store
from xlgoals.tables import from_bytes, tabulate


def test_what_workers_judge_is_what_the_batch_would() -> None:
    filled = data_folder("examples") / "filled"
    whole = gather([filled], jobs=1).tables
    sources, _ = files_in([filled], FORMS.catalogue)
    pieces = from_bytes([take_files([source], Job((), Given(), Limits(), judge=True)).tables for source in sources])
    assert whole.judged.is_empty() and not pieces.judged.is_empty()
    assert set(pieces.judged["rid"]) <= set(pieces.returns["rid"])
    found = together(pieces, FORMS)
    assert found.equals(check(whole, FORMS))
    assert found.height > pieces.judged.height  # something was only to be seen in several forms


def test_a_rule_that_crashes_where_forms_are_read_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = replace(KINDS["goal_repeats"], conditions=lambda *args: 1 / 0)
    monkeypatch.setattr("xlgoals.rules.KINDS", {**KINDS, "crash": crash})
    forms = with_rules(test__crash=Rule("test.crash", "query", "完整性", "", "", "", "crash"))
    halves = [tabulate([one(Q, file=name)]) for name in ("a.xlsx", "b.xlsx")]
    judged = pl.concat([alone(half, forms) for half in halves])
    tables = replace(tabulate([one(Q, file="a.xlsx"), one(Q, file="b.xlsx")]), judged=judged)
    assert together(tables, forms).filter(code=DEFECT)["found"].to_list() == ["test.crash"]


def test_a_rule_on_one_form_cannot_wait_for_one_across_forms() -> None:
    rule = replace(FORMS.catalogue["goals.short"], parameters={**FORMS.catalogue["goals.short"].parameters, "unless": "forms.copied"})
    with pytest.raises(SpecError, match="forms\\.copied 要看几张表才知道"):
        lint(with_rules(goals__short=rule).catalogue, tuple(FORMS.money_units.items()))


def test_a_mistake_in_the_rules_is_told_before_any_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules:\n  - {code: goals.short, parameters: {unless: forms.copied}}\n", encoding="utf-8")
    sources, _ = files_in([data_folder("examples") / "filled"], FORMS.catalogue)
    with Store(None, "") as store, pytest.raises(SpecError, match="forms\\.copied"):
        read_into(store, sources, forms_dirs=(str(tmp_path),), jobs=1)
