"""What the terminal shows while files are read."""

from __future__ import annotations

import io

import pytest

from xlgoals.report import reading_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stderr", "shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_a_bar_only_on_a_terminal(stderr: io.StringIO, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with reading_bar() as show:
        if show:
            show(0, 40)
            show(40, 40)
    assert ("40/40" in stderr.getvalue()) == shown
    assert bool(stderr.getvalue()) == shown
