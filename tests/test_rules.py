"""Every rule tried: a passing and a failing case at its cell (`tests/rules/`), and what the catalogue says of it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tests.rules
from tests.returns import CLEAN, FORMS, Case, found, one
from xlgoals import kinds_tie
from xlgoals.findings import Rule
from xlgoals.rules import DEFECT, KINDS

MODULES = [importlib.import_module(f"tests.rules.{module.name}") for module in pkgutil.iter_modules(tests.rules.__path__)]
CASES: list[Case] = [case for module in MODULES for case in module.CASES]
RULES = FORMS.catalogue.rules.values()
CHECKED = {rule.code for rule in RULES if rule.kind and rule.kind not in kinds_tie.KINDS}  # the others are raised by reading itself, or tried in test_ties


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{'fails' if case.cell is not None else 'passes'}")
def test_rule(case: Case) -> None:
    told = [at for said, at in found(*case.returns()) if said == case.code]
    assert (case.cell in told) if case.cell is not None else not told


@pytest.mark.parametrize("form", CLEAN)
def test_clean_return_has_no_finding(form: str) -> None:
    assert found(one(form)) == []


def test_every_rule_with_a_kind_has_a_passing_and_a_failing_case() -> None:
    """The gate: a rule that nobody has tried is no rule."""
    assert CHECKED == {case.code for case in CASES if case.cell is not None} == {case.code for case in CASES if case.cell is None}


def test_every_other_rule_is_raised_in_a_test() -> None:
    written = "".join(path.read_text("utf-8") for path in sorted(Path(__file__).parent.rglob("*.py")))
    by_reason = ("book.", "collect.")  # codes made of a prefix and the reason that the tests of guard and collect name
    others = [rule.code for rule in RULES if rule.code not in CHECKED]  # those of the ties are tried in test_ties
    quoted = {code: code.partition(".")[2] if code.startswith(by_reason) else code for code in others}
    tried = {code: f'"{word}"' for code, word in quoted.items()} | {DEFECT: "DEFECT"}
    assert not [code for code, said in tried.items() if said not in written]


def test_every_kind_is_used() -> None:
    assert {rule.kind for rule in RULES} - {""} == set(KINDS)


# --- what the catalogue says of its rules


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.kind], ids=lambda rule: rule.code)
def test_every_rule_with_a_kind_says_why_and_shows_its_sentence(rule: Rule) -> None:
    """The example gives every word of the sentence, so that `xlgoals explain` shows it whole; each parameter has a meaning."""
    asked = set(re.findall(r"\{(\w+)\}", rule.sentence + rule.remedy)) - set(rule.parameters)
    assert rule.why
    assert asked <= set(rule.example), f"example lacks {asked - set(rule.example)}"
    assert set(rule.parameters) <= set(FORMS.catalogue.meanings)
