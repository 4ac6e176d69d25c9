"""One spec file as its model; what is wrong with it, told as `file:line: what, and what to do`."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from xlgoals.errors import Mistake
from xlgoals.yamlmark import Marked, Path_

M = TypeVar("M", bound=BaseModel)
_PROBLEMS = {
    "missing": "缺少 {field}，请补上",
    "extra_forbidden": "不认识 {field}{near}",
    "string_type": "应为文字",
    "dict_type": "应为“键: 值”",
    "model_type": "应为“键: 值”",
    "tuple_type": "应为列表",
    "int_parsing": "应为整数",
    "float_parsing": "应为数字",
    "decimal_parsing": "应为数字",
    "bool_parsing": "应为 yes 或 no",
    "literal_error": "只能是 {expected}",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "string_pattern_mismatch": "写法应符合 {pattern}",
    "string_too_long": "不能超过 {max_length} 字",
    "too_short": "至少要有 {min_length} 项",
}


def modelled(model: type[M], marked: Marked, mistakes: list[Mistake], at: Path_ = (), data: Any = None) -> M | None:
    """A file, or the part of it that stands at a path, as its model; None when it has mistakes, which are added to the list."""
    try:
        return model.model_validate(data if at else marked.data)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            loc = one["loc"]
            if loc[:1] == ("rows",) and loc[2:3] in (("cells",), ("grid",)):
                loc = (*loc[:2], *loc[3:])  # the model's tag for the kind of a row is no key of the file
            name = str(loc[-1]) if loc else ""
            hint = near(name, _names(model), "，请删去或改正") if one["type"] == "extra_forbidden" else ""
            words = {**one.get("ctx", {}), "field": name, "near": hint}
            words["expected"] = "、".join(re.findall(r"'([^']*)'", str(words.get("expected", ""))))
            problem = _PROBLEMS.get(one["type"])
            text = problem.format_map(words) if problem else str(one["msg"]).removeprefix("Value error, ")
            mistakes.append(marked.mistake((*at, *loc), f"{name}：{text}" if problem and "{field}" not in problem and name else text))
        return None


def near(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Did you mean …?"""
    match = difflib.get_close_matches(name, list(known), 1)
    return f"，是不是 {match[0]}？" if match else otherwise


@lru_cache
def _names(model: type[BaseModel]) -> tuple[str, ...]:
    """All keys that may occur anywhere in a model's files, for did-you-mean."""
    schema = json.dumps(TypeAdapter(model).json_schema())
    return tuple(sorted(set(re.findall(r'"(\w+)": \{', schema))))
