"""Units of measure: which words are units, what they measure, and how they convert.

The words live in a table (``mappings/units.yaml``). The table names plain units only; scale words before a unit (``万人次``) and
units per unit (``元/人·天``, ``次/2年``) follow from it by rule.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from xlgoals.numerals import DIGITS, number

_PER = re.compile(r"[/每](?P<n>\d{1,4}|[两二三四五六])?")
_PER_NUMBER = re.compile(r"/(?P<n>\d{0,6})(?P<scale>[十百千万亿]{1,2})|/(?P<round>10{3,6})(?!\d)")
_WORD = re.compile(r"[^\W\d_]{1,8}?(?=以上|以下|以内|左右|之内|及以上|内$|$|[/(·])")
_RELATIVE = frozenset(("ratio", "points", "multiple"))
_LATIN = re.compile(r"[0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit as printed and what it means; dimension and base are None where the table does not know them."""

    text: str
    factor: Decimal = Decimal(1)
    base: str | None = None
    dimension: str | None = None
    strict: bool = False
    """Too short or too common a word to be trusted inside running text."""
    counted: str | None = None
    """For a unit per unit, the dimension above the stroke."""
    per_year: int | None = None
    names: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        return self.dimension is not None

    def amount(self, value: Decimal) -> Decimal:
        """Convert a printed value to the base unit, exactly."""
        with localcontext() as context:
            context.prec = 4 * DIGITS
            return value * self.factor

    def same_kind(self, other: "Measure") -> bool:
        """Whether values in both can be meant for the same quantity: 万人 and 人, 元/天 and 元, never 人 and 人次."""
        ours, theirs = (
            (self.counted or self.dimension, (self.base or "").split("/")[0]),
            (other.counted or other.dimension, (other.base or "").split("/")[0]),
        )
        if "scale" in (ours[0], theirs[0]) or None in (ours[0], theirs[0]) or {ours[0], theirs[0]} <= _RELATIVE:
            return True
        return ours[0] == theirs[0] and (ours[0] != "count" or ours[1] == theirs[1] or not ours[1] or not theirs[1])


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The table of units, ready to find the longest unit that starts at a place in a text."""

    words: Mapping[str, Measure]
    scales: Mapping[str, Decimal]
    by_first: Mapping[str, tuple[str, ...]]
    endings: Mapping[str, Measure]
    lengths: tuple[int, ...]
    """Of the endings, longest first."""

    @classmethod
    def from_table(cls, rows: Iterable[Mapping[str, Any]]) -> "Units":
        """Build from rows of text: unit, dimension and, where they differ from the unit itself, base, factor, aka and the rest."""
        words: dict[str, Measure] = {}
        scales: dict[str, Decimal] = {}
        endings: dict[str, Measure] = {}
        for row in rows:
            unit, dimension = str(row["unit"]), str(row["dimension"])
            measure = Measure(
                unit,
                Decimal(str(row.get("factor", "1"))),
                None if dimension == "scale" else str(row.get("base", unit)),
                dimension,
                strict=str(row.get("strict", "")) == "yes",
                per_year=int(row["per_year"]) if "per_year" in row else None,
                names=tuple(row.get("names", ())),
            )
            if dimension == "scale":
                scales[unit] = measure.factor
            for word in (unit, *map(str, row.get("aka", ()))):
                if word in words:
                    raise ValueError(f"单位“{word}”在单位表里出现了两次")
                words[word] = measure
            for name in measure.names:
                endings.setdefault(name, measure)
        by_first: dict[str, list[str]] = {}
        for word in sorted(words, key=len, reverse=True):
            by_first.setdefault(word[0], []).append(word)
        return cls(
            words,
            scales,
            {first: tuple(group) for first, group in by_first.items()},
            endings,
            tuple(sorted(set(map(len, endings)), reverse=True)),
        )

    def scan(self, text: str, start: int = 0) -> tuple[Measure, int] | None:
        """Find the longest unit at a place: the measure and where it ends."""
        stop = text.find(")", start)
        if text.startswith("(", start) and stop > 0:
            inner = self.whole(text[start + 1 : stop])
            return (inner, stop + 1) if inner else None
        found = self._per_number(text, start) or self._scaled(text, start)
        if found is None:
            return None
        measure, end = found
        while end < len(text) and text[end] in "/每·.*、":
            longer = self._per(text, end, measure, start)
            if longer is None:
                break
            measure, end = longer
        return measure, end

    def whole(self, text: str) -> Measure | None:
        """Read a text that is a unit and nothing else, as in a unit column or in brackets behind a name."""
        text = text.strip().removeprefix("单位:").removeprefix("单位").strip(" ()")
        found = self.scan(text)
        return found[0] if found and found[1] == len(text) else None

    def _plain(self, text: str, start: int) -> tuple[Measure, int] | None:
        for word in self.by_first.get(text[start : start + 1], ()):
            if text.startswith(word, start):
                end = start + len(word)
                if word[-1].isascii() and word[-1].isalpha() and _LATIN.match(text, end):
                    continue
                measure = self.words[word]
                return (measure if word == measure.text else _renamed(measure, word)), end
        return None

    def _scaled(self, text: str, start: int) -> tuple[Measure, int] | None:
        plain = self._plain(text, start)
        if plain is None or plain[0].dimension != "scale":
            return plain
        scale, end = plain
        unit = self._plain(text, end)
        if unit is None or unit[0].dimension == "scale":
            return plain
        return _scaled(scale, unit[0]), unit[1]

    def _per_number(self, text: str, start: int) -> tuple[Measure, int] | None:
        match = _PER_NUMBER.match(text, start) if text.startswith("/", start) else None
        if match is None:
            return None
        if match["round"]:
            below = Decimal(match["round"])
        else:
            below = Decimal(match["n"] or 1)
            for word in match["scale"]:
                below *= self.scales.get(word, Decimal(1))
        return (Measure(match[0], 1 / below, "1", "ratio"), match.end()) if below and _finite(1, below) else None

    def _per(self, text: str, end: int, measure: Measure, start: int) -> tuple[Measure, int] | None:
        joint = text[end]
        if joint not in "/每":  # 元/人·天: only a further unit below the stroke
            below = self._plain(text, end + 1) if measure.counted else None
            return (_per(measure, below[0], Decimal(1), text[start : below[1]]), below[1]) if below else None
        match = _PER.match(text, end)
        if match is None:
            return None
        below = self._scaled(text.partition("·")[0] if "·" in text[match.end() :] else text, match.end())
        if below and match["n"] and below[0].dimension != "time" and match["n"].rstrip("0") != "1":
            return None  # 200户/600人 are two things
        if below is None or (joint == "每" and below[0].dimension == "scale"):
            word = _WORD.match(text, match.end()) if joint == "/" and not match["n"] else None
            if word is None:
                return None
            below = Measure(word[0], base=word[0]), word.end()
        many = number(match["n"]) if match["n"] else Decimal(1)
        return (_per(measure, below[0], many, text[start : below[1]]), below[1]) if many else None

    def plain(self, text: str, start: int) -> tuple[Measure, int] | None:
        """Find the longest unit without a stroke at a place."""
        return self._scaled(text, start)

    def per(self, measure: Measure, below: Measure, many: Decimal) -> Measure:
        """A unit per unit spelled as one: 次 and 年 with 每 give 次/年."""
        count = "" if many == 1 else format(many, "f")
        word = below.text[1:] if below.text.startswith("个") and len(below.text) > 1 else below.text
        return _per(measure, _renamed(below, word), many, f"{measure.text}/{count}{word}")

    def ending(self, name: str) -> Measure | None:
        """The unit an indicator's name promises by its last words (参保人数 promises 人)."""
        return next((self.endings[name[-n:]] for n in self.lengths if name[-n:] in self.endings), None)


def _finite(above: int, below: Decimal) -> bool:
    number = int(below)
    for prime in (2, 5):
        while number % prime == 0:
            number //= prime
    return number == 1 or above % number == 0


def _renamed(measure: Measure, word: str) -> Measure:
    return Measure(word, measure.factor, measure.base, measure.dimension, measure.strict, measure.counted, measure.per_year, measure.names)


def _scaled(scale: Measure, unit: Measure) -> Measure:
    return Measure(scale.text + unit.text, scale.factor * unit.factor, unit.base, unit.dimension, False, unit.counted, None, unit.names)


def _per(above: Measure, below: Measure, many: Decimal, text: str) -> Measure:
    """One unit per another. A count per time is brought to the year where that is exact; other denominators stay as they are."""
    head = above.counted or above.dimension
    factor, base = above.factor, above.base or ""
    count = "" if many == 1 else format(many, "f")
    if head == "count" and above.counted is None and below.per_year and _finite(below.per_year, many):
        factor, base = factor * below.per_year / many, f"{base}/年"
    else:
        base = f"{base}/{count}{below.text}"
    tail = "head" if below.base == "人" and below.dimension == "count" else below.dimension or "unit"
    if head is None or head == "scale":
        return Measure(text, factor, None, None, False, None)
    dimension = f"{above.dimension} per {tail}"
    return Measure(text, factor, base, dimension, False, head)
