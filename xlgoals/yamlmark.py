"""Strict YAML: every scalar is text, every place keeps its line, duplicate keys are mistakes.

Plain YAML would turn `no` into False, `012` into 10 and `1:30` into 90, and let the last of two equal keys win.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from xlgoals.errors import Mistake, SpecError

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A YAML document as plain strings, lists and dicts, with the line of every path in it."""

    file: str
    data: Any
    lines: dict[Path_, int]

    def line(self, path: Path_) -> int:
        """The line of the deepest known part of a path; unknown parts (a model's union tags) are skipped."""
        known: Path_ = ()
        for part in path:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines.get(known, 1)

    def mistake(self, path: Path_, text: str) -> Mistake:
        return Mistake(self.file, self.line(path), text)


def load_marked(path: Path) -> Marked:
    """Read one file; raise SpecError with all its mistakes."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise SpecError([Mistake(path.name, line, "文件不是 UTF-8 编码，请用记事本等另存为 UTF-8")]) from error
    return parse_marked(text, path.name)


@lru_cache(maxsize=128)
def parse_marked(text: str, file: str) -> Marked:
    """Read YAML text; `file` is the name used in mistakes. Equal text gives the same document, which nobody changes: several ask
    for the same files, and most of the time of loading the forms would go into reading them again."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise SpecError([Mistake(file, mark.line + 1 if mark else 1, f"不是合法的 YAML（{problem}），请检查缩进、冒号和引号")]) from error
    lines: dict[Path_, int] = {}
    mistakes: list[Mistake] = []

    def plain(node: yaml.Node, path: Path_, around: tuple[yaml.Node, ...] = ()) -> Any:
        line = lines[path] = node.start_mark.line + 1
        if any(node is one for one in around):
            mistakes.append(Mistake(file, line, "用 * 引用了自己，成了圈，请改写"))
            return None
        around = (*around, node)
        if isinstance(node, yaml.ScalarNode):
            return None if node.tag.endswith(":null") and not node.style else node.value
        if isinstance(node, yaml.SequenceNode):
            return [plain(item, (*path, i), around) for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            mistakes.append(Mistake(file, line, "不认识的 YAML 写法"))
            return None
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None:
                mistakes.append(Mistake(file, key.start_mark.line + 1, "键必须是文字"))
            elif name in found:
                mistakes.append(Mistake(file, key.start_mark.line + 1, f"键“{name}”重复，请删去一个"))
            else:
                found[name] = plain(value, (*path, name), around)
        return found

    data = plain(node, ()) if node is not None else None
    if mistakes:
        raise SpecError(mistakes)
    return Marked(file, data, lines)
