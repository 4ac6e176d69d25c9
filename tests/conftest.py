"""Options, profiles and workers shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from xlgoals import workers

settings.register_profile("dev", max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=10, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

# What takes longest begins first: where tests run side by side (`run-tests`), nobody then waits for one late file.
LONGEST = (
    "test_drift", "test_tables", "test_budget", "test_faults", "test_selfcheck", "test_bundle", "test_fuzz", "test_batches", "test_intake", "test_rules", "test_roundtrip",
    "test_docs", "test_locate", "test_draft", "test_office", "test_rollup", "test_collect", "test_opinions", "test_distribute", "test_engines", "test_examples", "test_ties",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where LibreOffice is required (`.ci/run`), a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("XLGOALS_REQUIRE_OFFICE"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but everything must run here: {report.longrepr}"
    return report


class Here(Executor):
    """Works in the caller's own process, at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module", autouse=True)
def _work_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """Commands called within a test work in its process: to start others takes a second each time. That these do the same, and what
    becomes of them, is proved by the files marked `processes`, and by all that start the program itself."""
    if request.node.get_closest_marker("processes"):
        yield
        return

    def work_through(*told: Any, executor: Executor | None, **more: Any) -> Any:
        return workers.work_through(*told, executor=executor or Here(), **more)

    with pytest.MonkeyPatch.context() as patch:
        for user in ("intake", "carry"):
            patch.setattr(f"xlgoals.{user}.work_through", work_through)
        patch.setattr("xlgoals.intake.begin", lambda *told: Here())
        yield
