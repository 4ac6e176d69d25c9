"""Mistakes that stop work: ours, a form author's, or the caller's. A filler's mistake is a `Finding`, never an exception."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class XlgoalsError(Exception):
    """Base of every mistake that ends a command with exit code 2; its text is Chinese and says what to do."""


class Mistake(NamedTuple):
    """One mistake in a spec file: where, what, and what to do."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class SpecError(XlgoalsError):
    """All mistakes found in the spec files at once; `forms` are those that can be joined all the same, for further checks."""

    def __init__(self, mistakes: Iterable[Mistake], forms: tuple[Any, ...] = ()) -> None:
        self.forms = forms
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


class Fault(NamedTuple):
    """One mistake in what the bureau keeps itself (roster, settings, lists): where (sheet and cell, or line), what and what to do."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}  {self.text}"


class InputError(XlgoalsError):
    """All mistakes found at once in the settings, rosters and lists that a command works by."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__(f"有 {len(self.faults)} 处需要改：\n" + "\n".join(map(str, self.faults)))


class UsageError(XlgoalsError):
    """The caller asked for something that cannot be done as asked (unknown form, no input, bad option)."""


class OutputError(XlgoalsError):
    """An output exists, or cannot be written."""


class Refused(Exception):
    """A file that must not, or cannot, be handed to a native reader; `code` names the finding that tells the user why."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")
