"""Code lists of the government's classification of revenue and expenditure (政府收支分类科目): names, levels, parents, and what a code may be.

The shipped lists (`mappings/codes/*.yaml`) hold only codes met in budget tables; a bureau loads the year's full list, for the ministry
reissues it every year. A code's level is its length, its parent its beginning: that much is checked of any code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from xlgoals.errors import Fault, InputError, Mistake, SpecError, UsageError
from xlgoals.listing import Row, read_listing, spellings
from xlgoals.models import Model
from xlgoals.words import bare
from xlgoals.yamlmark import load_marked

Wrong = Literal["", "digits", "begins", "length", "unknown"]
PLACES = ("level1", "level2", "level3")  # a list may give 类, 款 and 项 in columns of their own


@dataclass(frozen=True, slots=True)
class CodeList:
    """One classification. `names`: code -> name, in the order of the list; `levels`: the lengths of codes, level by level;
    `complete`: it is a year's full list, so that a code outside it does not exist."""

    id: str
    title: str
    year: str
    begins: str
    levels: tuple[int, ...]
    names: Mapping[str, str]
    complete: bool = False

    def level(self, code: str) -> int:
        """1 for 类, 2 for 款, 3 for 项; 0 when no code has this length."""
        return self.levels.index(len(code)) + 1 if len(code) in self.levels else 0

    def parent(self, code: str) -> str:
        """The code one level above; empty for the first level."""
        level = self.level(code)
        return code[: self.levels[level - 2]] if level > 1 else ""

    def fault(self, code: str) -> Wrong:
        """What is wrong with a code: no digits, another list's first digit, a length of no level, not in a complete list."""
        if not re.fullmatch(r"[0-9]+", code):
            return "digits"
        if not self.level(code):
            return "length"
        if not code.startswith(self.begins):
            return "begins"
        return "unknown" if self.complete and code not in self.names else ""

    def fits(self, code: str, name: str) -> bool:
        """Whether a name is the code's, as far as the list knows; blanks, width and brackets' kind do not count."""
        return code not in self.names or not name or bare(name) == bare(self.names[code])


class CodeSpec(Model):
    """`mappings/codes/<list>-<year>.yaml`."""

    codes: str = Field(pattern=r"^[a-z]\w*$")
    title: str
    year: str
    begins: str
    levels: tuple[int, ...] = Field(min_length=1)
    complete: bool = False
    names: dict[str, str]


def load_codes(folders: Sequence[Path], mistakes: list[Mistake]) -> dict[str, CodeList]:
    """All lists of the folders' `codes/`, by name; of several years the latest, and a later folder's before an earlier one's."""
    found: dict[str, CodeList] = {}
    for folder in folders:
        mine: dict[str, CodeList] = {}
        for path in sorted((folder / "codes").glob("*.yaml")):
            try:
                marked = load_marked(path)
                spec = CodeSpec.model_validate(marked.data)
            except SpecError as error:
                mistakes += error.mistakes
            except ValidationError as error:
                mistakes += [marked.mistake(one["loc"], f"{'.'.join(map(str, one['loc']))}：{one['msg']}") for one in error.errors()]
            else:
                one = CodeList(spec.codes, spec.title, spec.year, spec.begins, spec.levels, spec.names, spec.complete)
                mistakes += [
                    marked.mistake(("names", code), f"{code} 不是{spec.title}的编码（以 {spec.begins} 开头，{'、'.join(map(str, spec.levels))} 位）")
                    for code in spec.names if one.fault(code)
                ]  # fmt: skip
                if spec.codes not in mine or spec.year >= mine[spec.codes].year:
                    mine[spec.codes] = one
        found |= mine
    return found


def deepest(known: Mapping[str, CodeList]) -> CodeList | None:
    """The classification with the most levels: that of expenditure by function, which projects are of."""
    return max(known.values(), key=lambda one: len(one.levels), default=None)


def take_codes(path: Path, known: Mapping[str, CodeList], headings: Path) -> dict[str, CodeList]:
    """The known lists with the names of a bureau's file (`--codes`) instead of the shipped ones: for each list of which the file has
    codes, it is the full list. A list tells its codes by their first digit; codes of none (收入分类, 政府经济分类) are left.

    Codes may stand whole in one column, or as 类, 款 and 项 in three. Raises UsageError when the file holds no codes, InputError
    with every mistake in them.
    """
    rows = read_listing(path, (("code", "name"), ("level1", "level2", "name")), spellings(headings)["headings"])
    taken: dict[str, dict[str, Row]] = {}
    above: dict[str, str] = {}
    faults: list[Fault] = []
    for row in rows:
        code = _whole(row, above) if "code" not in row.texts else re.sub(r"\s|^'", "", row.text("code"))
        own = next((one for one in known.values() if code.startswith(one.begins)), None)
        if own is None or not re.fullmatch(r"[0-9A-Za-z.+]+", code):
            continue  # of another classification, or words
        if own.fault(code) not in ("", "unknown"):
            faults.append(row.fault(f"“{code}”不是{own.title}的编码（数字，{'、'.join(map(str, own.levels))} 位），请改正或删去这一行。"))
            continue
        if not row.text("name"):
            faults.append(row.fault(f"科目 {code} 没有名称，请补上。"))
        first = taken.setdefault(own.id, {}).setdefault(code, row)
        if _name(first) != _name(row):
            faults.append(row.fault(f"科目 {code} 有两个名称：“{row.text('name')}”和“{first.text('name')}”（{first.place}），请留一个。"))
    if not taken and not faults:
        raise UsageError(f"{path.name} 里没有读到科目编码（如 208、20805、2080502），请检查是不是科目表。")
    for name, codes in taken.items():
        orphans = {known[name].parent(code): code for code in reversed(codes)}  # the first of each
        faults += [
            codes[code].fault(f"有科目 {code}，没有它的上级 {parent}，请补上 {parent} 这一行。") for parent, code in orphans.items() if parent and parent not in codes
        ]  # fmt: skip
    if faults:
        raise InputError(faults)
    year = re.search(r"20[0-9]{2}", path.stem)
    told = year[0] if year else "当"  # as in 2026年科目表, 当年科目表
    full = {
        name: replace(known[name], year=told, names={code: _name(row) for code, row in sorted(codes.items())}, complete=True)
        for name, codes in taken.items()
    }  # fmt: skip
    return {**known, **full}


def _name(row: Row) -> str:
    return re.sub(r"\s+", "", row.text("name"))


def _whole(row: Row, above: dict[str, str]) -> str:
    """A code given in parts: blank or repeated parts above the last one are those of the rows before."""
    parts = [re.sub(r"\D", "", row.text(place)) for place in PLACES]
    last = max((i for i, part in enumerate(parts) if part), default=-1)
    if last < 0:
        return ""
    if len(parts[last]) > 3:  # the whole code stands in the column of its level
        return parts[last]
    for i, place in enumerate(PLACES):
        if i > last:
            above.pop(place, None)
        elif parts[i]:
            above[place] = parts[i].zfill(3 if i == 0 else 2)
    return "".join(above.get(place, "") for place in PLACES[: last + 1])
