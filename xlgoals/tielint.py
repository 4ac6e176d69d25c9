"""What must hold between `mappings/ties.yaml` and the forms: an equality that speaks of a table, column or line that no form has would
never be judged, and nobody would notice."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from xlgoals.errors import Mistake
from xlgoals.forms import Form
from xlgoals.ties import CARRIED, GOALS, NEW, Term, Ties
from xlgoals.yamlmark import Marked


@dataclass(slots=True)
class _Table:
    """What the forms have under one name: columns, lines that have a name of their own, and whether there are others."""

    columns: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)
    free: bool = False


def check_ties(ties: Ties, marked: Marked, forms: Iterable[Form], mistakes: list[Mistake]) -> None:
    """Every table, column and line that an equality names is one that some form has."""
    tables = _tables(forms)
    for number, tie in enumerate(ties.ties):
        for side in ("left", "right", "without"):
            for term in getattr(tie, side):
                mistakes += [marked.mistake(("ties", number, side), f"{tie.tie}：{text}") for text in _faults(term, tables)]
        unknown = set(tie.absent) - tie.grids
        mistakes += [marked.mistake(("ties", number, "absent"), f"{tie.tie}：absent 里的 {grid} 不在这条关系里，请改正") for grid in sorted(unknown)]


def _tables(forms: Iterable[Form]) -> Mapping[str, _Table]:
    found: dict[str, _Table] = {}
    for form in forms:
        for _, grid in form.template.grids():
            table = found.setdefault(grid.grid, _Table())
            table.columns |= {column.id for column in grid.columns}
            table.lines |= {words.id for block in grid.blocks for words in block.words.values() if words.id}
            table.free |= any(not any(words.id for words in block.words.values()) for block in grid.blocks)
        for key, meaning in form.meanings.items():
            if meaning.record:
                table = found.setdefault(meaning.record, _Table())
                table.columns.add(meaning.part)
                table.lines.add(meaning.line or key)
    found[GOALS] = _Table(found["funds"].columns if "funds" in found else set(), {CARRIED, NEW})
    return found


def _faults(term: Term, tables: Mapping[str, _Table]) -> Iterator[str]:
    known = [tables[grid] for grid in term.grid if grid in tables]
    yield from (f"没有表 {grid}{_near(grid, tables)}" for grid in term.grid if grid not in tables)
    if len(known) < len(term.grid):
        return
    columns, lines = set().union(*(one.columns for one in known)), set().union(*(one.lines for one in known))
    for names, have, word in ((term.column, columns, "栏"), (() if any(one.free for one in known) else term.line, lines, "行")):
        for name in names:
            if not any(fnmatchcase(one, name) for one in have):
                yield f"{'、'.join(term.grid)} 没有{word} {name}{_near(name, have)}"


def _near(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(name, known, 1)
    return f"，是不是 {match[0]}？" if match else "，请改正"
