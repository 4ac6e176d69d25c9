"""Batches judged in several processes."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

import pytest

from tests.returns import checked
from tests.test_batches import FORMS, unit
from xlgoals.forms import Forms
from xlgoals.intake import gather
from xlgoals.judges import judged
from xlgoals.tables import Tables, findings_of


class Deadly(Forms):
    """Forms that end every process they are sent to."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> list[Tables]:
    folder = tmp_path_factory.mktemp("batches")
    return [gather([unit(folder / f"{n}.xlsx", "甲局", f"单位{n}", projects=n, total="1")], jobs=1).tables for n in (1, 2, 3)]


@pytest.mark.parametrize("deadly", [False, True])
def test_batches_come_back_in_their_order_with_what_the_rules_found(batches: list[Tables], deadly: bool) -> None:
    """Also when every judging process dies: then they are judged here."""
    law = Deadly(**{one.name: getattr(FORMS, one.name) for one in fields(FORMS)}) if deadly else FORMS
    found = list(judged(iter(batches), len(batches), law, (), 2))
    assert [one.returns.height for one in found] == [1, 2, 3]
    for tables, before in zip(found, batches, strict=True):
        expected = [*findings_of(before), *checked(before, FORMS)]
        assert len(expected) > before.findings.height and findings_of(tables) == expected
