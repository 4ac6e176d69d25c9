"""Code lists of whole classifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlgoals.errors import Mistake
from xlgoals.yamlmark import load_marked


@dataclass(frozen=True)
class CodeList:
    names: Mapping[str, str]
    levels: tuple[int, ...]


def load_codes(folders: Sequence[Path], mistakes: list[Mistake]) -> dict[str, CodeList]:
    found = {}
    for folder in folders:
        for path in sorted((folder / "codes").glob("*.yaml")):
            data = load_marked(path).data
            found[path.stem] = CodeList(data["codes"], tuple(int(x) for x in data["levels"]))
    return found
