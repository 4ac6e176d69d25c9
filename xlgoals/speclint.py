"""What must hold within one grid of a template: mistakes told as `file:line: what, and what to do`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from xlgoals.errors import Mistake
from xlgoals.models import Block, Grid
from xlgoals.yamlmark import Marked

Path_ = tuple[str | int, ...]


def check_grid(path: Path_, grid: Grid, shape: Marked, mistakes: list[Mistake]) -> None:
    """Columns and blocks that speak of columns and lines speak of ones that are there."""
    for at, text in (*_columns(grid), *_blocks(grid)):
        mistakes.append(shape.mistake((*path, *at), text))


def _columns(grid: Grid) -> Iterator[tuple[Path_, str]]:
    ids = [column.id for column in grid.columns]
    keys = [column.key for column in grid.columns]
    for i, column in enumerate(grid.columns):
        if column.id in ids[:i]:
            yield ("columns", i), f"栏 {column.id} 出现了两次，请改名或用 pane 区分"
        for key in column.sum:
            if key.removeprefix("-") not in keys:
                yield ("columns", i, "sum"), f"grid {grid.grid} 没有栏 {key.removeprefix('-')}{_near(key, keys)}"
            elif key.removeprefix("-") == column.key:
                yield ("columns", i, "sum"), f"栏 {column.key} 不能是自己的和，请改 sum"
        if column.look_up and column.look_up not in keys:
            yield ("columns", i, "look_up"), f"grid {grid.grid} 没有栏 {column.look_up}{_near(column.look_up, keys)}"
        if grid.head and column.label is not None:
            yield ("columns", i, "label"), "写了 head，栏名就写在 head 里，请删去 label"
    if grid.tree and grid.tree not in keys:
        yield ("tree",), f"grid {grid.grid} 没有栏 {grid.tree}{_near(grid.tree, keys)}"


def _blocks(grid: Grid) -> Iterator[tuple[Path_, str]]:
    keys = [column.key for column in grid.columns]
    named: dict[str, dict[str, int]] = {}
    for i, block in enumerate(grid.blocks):
        for key, words in block.words.items():
            if key not in keys:
                yield ("blocks", i, key), f"grid {grid.grid} 没有栏 {key}{_near(key, keys)}"
            if words.id and named.setdefault(key, {}).setdefault(words.id, i) != i:
                yield ("blocks", i, key), f"id {words.id} 在栏 {key} 里用了两次，请改名"
            if words.sum == "tree" and not grid.tree:
                yield ("blocks", i, key, "sum"), "sum: tree 要先在 grid 里写 tree: 哪一栏是科目编码"
            if words.sum and not words.id:
                yield ("blocks", i, key, "sum"), "有 sum 的一行要有 id"
        if _listed(block) and block.lines.most > 1:
            yield ("blocks", i, "lines"), "有 id 的一行只能是一行，请删去 lines"
    for i, block in enumerate(grid.blocks):
        for key, words in block.words.items():
            for one in words.sum if isinstance(words.sum, tuple) else ():
                if one.removeprefix("-") not in named.get(key, {}):
                    yield ("blocks", i, key, "sum"), f"栏 {key} 里没有 id 为 {one.removeprefix('-')} 的行{_near(one, named.get(key, {}))}"


def _listed(block: Block) -> bool:
    return any(words.id for words in block.words.values())


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.removeprefix("-"), list(known), 1)
    return f"，是不是 {near[0]}？" if near else ""
