"""What a 指标值 (target) says: the text of a cell as a typed value.

``read_target("≥474万人")`` is a number, at least, 474, 万人, that is 4 740 000 人. The text decides; the indicator's name and the
form's own columns for comparison and unit fill what it leaves open, and what contradicts it is reported. Text that is not
certainly a value is qualitative, text that is damaged is unreadable with what it probably meant: nothing is guessed.

The work is shared: :mod:`xlgoals.numerals` draws characters one way, :mod:`xlgoals.dates` and :mod:`xlgoals.quantities` read the
two families of values, :mod:`xlgoals.context` what stands beside the cell; this module decides, and tells what was decided.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from xlgoals.celltext import as_typed
from xlgoals.context import (
    HOLE,
    LONGEST,
    NO_CONTEXT,
    NOTHING,
    Conflict,
    Context,
    contested,
    described,
    held_date,
    held_measure,
    held_op,
    read_context,
)
from xlgoals.dates import Dated, date_text, read_date
from xlgoals.measures import Units
from xlgoals.numerals import ARABIC, clean, number, plain, settled, settled_text
from xlgoals.quantities import Quantity, comparison, in_digits, read_quantity, read_recurrence

Kind = Literal["number", "range", "date", "frequency", "multi", "qualitative", "none", "blank", "placeholder", "unreadable"]
__all__ = ["Conflict", "Kind", "Reader", "Target", "as_typed", "read_line", "read_target", "read_uncached", "render", "to_json"]
_ASCII_OP = {"≥": ">=", "≤": "<=", ">": ">", "<": "<", "=": "="}


@dataclass(frozen=True, slots=True)
class Target:
    """One target as understood. ``value``, ``high`` and ``unit`` are as printed, only cleaned; ``amount`` is in ``base_unit``."""

    text: str
    kind: Kind
    op: str | None = None
    value: Decimal | None = None
    high: Decimal | None = None
    unit: str | None = None
    amount: Decimal | None = None
    base_unit: str | None = None
    dimension: str | None = None
    quantified: bool = False
    canonical: str = ""
    why: str = ""
    from_: str | None = None
    to: str | None = None
    parts: "tuple[Target, ...]" = ()
    conflicts: tuple[Conflict, ...] = ()
    high_amount: Decimal | None = None
    lead: str = ""
    tail: str = ""
    about: bool = False
    bounds: str = "[]"


_PLAIN = re.compile(rf"(?P<op>[≥≤<>=]?)(?P<n>{ARABIC})(?P<unit>[^\d\s.,]+)", re.ASCII)
_HOLED = re.compile(rf"(?P<head>[^\d*X×_]{{0,12}}?){HOLE}(?P<rest>[^\d]{{0,16}})")
_HOLES_WITHIN = re.compile(r"\*{2,}|(?<![A-Za-z])[X×]{2,}(?![A-Za-z])|(?<![A-Za-z])xx+(?![A-Za-z])|_{2,}|某某|○{2,}|□{2,}")
_HOLED_DATE = re.compile(r"(?=.*[X×*_])(?=.*[年月日])[\dX×x*_年月日号底末前之以至到.~-]{2,}")
_TEMPLATE = re.compile(
    r"(?:年度|绩效|中期|三级|二级|一级)?(?:目标|指标)(?:内容|值|名称)?\d{0,2}|(?:请|此处|在此)(?:填写|填|输入|选择|录入).*|(?:待|需|拟)(?:定|填写?|补充|填报|明确|核定)|填写.{0,12}|如[:：].*|示例.*|(?:数值|数字|具体数值|文字描述|定性描述)"
)
_BARE_OP = re.compile(r"[≥≤<>=]+")
_NEAR = re.compile(
    r"(?:比|较|不低于|不高于|不少于|低于|高于|优于|好于|持平|与).{0,4}(?:上年|去年|上一年|往年|同期|上期|基期|全省|全市|全国|平均|当地|现状)"
)
_ENUMERATOR = re.compile(r"\(?(\d{1,2}|[一二三四五六七八九十])(?:[、.)](?!\d)|(?<=\d)\.(?=\d{4}年))|[①-⑳⑴-⒇❶-❿]")
_MONTH_LIST = re.compile(r"(?:\d{1,2}[、,和及]){1,11}\d{1,2}月(?P<rest>[^\d]*)")
_SPLIT = (
    re.compile(r"[;\n]|(?<!\d)。(?=.)|。(?=\D)|(?<=[^\s(])(?=\((?:\d|[一二三四五六七八九])\))|(?=[①-⑳])"),
    re.compile(r"[,、](?![^(]*\))"),
    re.compile(r"(?<=[^\d])(?:和|及|与|以及)(?=\D{0,8}\d)"),
    re.compile(r"(?<=[^\d\s]) (?=\D{0,4}\d)"),
)
_COUNTS = re.compile(r"[^\d/≥≤<>=~-]{0,12}[≥≤]?\d[\d.,]*[^\d/]{1,6}(?=/?\d|$)/?")


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Reads targets with one table of units, for those who read many."""

    units: Units

    def read(self, text: str, *, name: str = "", symbol: str = "", unit: str = "", level2: str = "") -> Target:
        """Read one target; see :func:`read_target`."""
        return read_target(text, name=name, symbol=symbol, unit=unit, level2=level2, units=self.units)


def read_target(text: str, *, name: str = "", symbol: str = "", unit: str = "", level2: str = "", units: Units) -> Target:
    """Read the text of a target, with what the form says beside it: the indicator's name, its 性质 and 计量单位, its 二级指标.

    What was read once is remembered: values repeat, so most reads are a look-up.
    """
    return _repeating(_read_cached(text, _context(name, symbol, unit, level2, units), units), name)


def read_line(text: str, name: str, level2: str, more: Mapping[str, str], units: Units) -> Target:
    """Read the target of an indicator line with everything the line says; `more`: nature, measure, description, where the form asks them."""
    found = read_target(text, name=name, symbol=more.get("nature", ""), unit=more.get("measure", ""), level2=level2, units=units)
    contrary = described(more.get("description", ""), name, found.base_unit, found.dimension, (found.amount, found.high_amount), units)
    return replace(found, conflicts=(*found.conflicts, *contrary)) if contrary else found


def read_uncached(text: str, name: str, symbol: str, unit: str, level2: str, units: Units) -> Target:
    """Read a target without looking it up first."""
    return _repeating(_read(text, _context(name, symbol, unit, level2, units), units), name)


def _repeating(found: Target, name: str) -> Target:
    """Words that only repeat those of the name say nothing; the one thing that hangs on the name itself, so it is not remembered."""
    words = found.canonical
    if found.kind != "qualitative" or not 1 < len(words) <= LONGEST or not set(words) <= set(settled_text(name)[:LONGEST]):
        return found
    return replace(found, conflicts=(Conflict("repeats-name", f"“{words}”只是重复指标名称里的字"), *found.conflicts))


def _context(name: str, symbol: str, unit: str, level2: str, units: Units) -> Context:
    return read_context(name, symbol, unit, level2, units) if name or symbol or unit or level2 else NO_CONTEXT


@lru_cache(maxsize=65_536)
def _read_cached(text: str, context: Context, units: Units) -> Target:
    return _read(text, context, units)


def _read(text: str, context: Context, units: Units) -> Target:
    cleaned = clean(text)
    whole = settled(cleaned)
    if not whole:
        return Target(text, "blank", why="空白")
    if len(whole) > LONGEST:
        return Target(text, "qualitative", canonical=whole, why=f"文字超过{LONGEST}字，不是一个指标值")
    found = _certain(cleaned, whole, context, units)
    if found is None and cleaned != whole:  # a line break may as well be the narrow cell's
        found = _certain(whole, whole, context, units)
    if found is None:
        found = Target(text, "qualitative", canonical=whole, why=_reason(whole))
        if context.symbol and context.symbol != "定性":
            found = replace(found, conflicts=(Conflict("symbol-text", f"符号为“{context.symbol}”，指标值却是文字“{whole}”"),))
    return replace(found, text=text)


def _certain(cleaned: str, whole: str, context: Context, units: Units) -> Target | None:
    """Read a text, unless what was read cannot be written down so that it reads the same: then it was not certain."""
    found = _understood(cleaned, whole, context, units)
    if found is not None and found.canonical != whole:
        again = clean(found.canonical)
        if _essence(_understood(again, settled(again), context, units)) != _essence(found):
            return None
    return found


def _understood(cleaned: str, whole: str, context: Context, units: Units) -> Target | None:
    return _single(whole, context, units) or _several(cleaned, whole, context, units) or _damaged(whole, context, units)


def _essence(target: Target | None) -> Target | None:
    """A target without the remarks on it."""
    return target and replace(target, text="", why="", conflicts=(), parts=tuple(part for part in map(_essence, target.parts) if part))


def _single(text: str, context: Context, units: Units) -> Target | None:
    """Read a text that is one thing: nothing, a place to fill in, a date, a quantity."""
    if match := _PLAIN.fullmatch(text):  # most values are like ≥95%; the rest of the way would only say the same
        measure, value = units.words.get(match["unit"]), number(match["n"])
        if (
            value is not None
            and measure
            and measure.text == match["unit"]
            and measure.dimension not in ("time", "scale")
            and not measure.strict
        ):
            return _from_quantity(Quantity(match["op"], value, measure), context)
    if NOTHING.fullmatch(text):
        return Target(text, "none", canonical="无", why="填写为“无”")
    if (hole := _placeholder(text, units)) is not None:
        return hole
    spoken = in_digits(text)
    measured = context.column is not None and context.column.dimension == "time" and not context.dated
    if (measured or context.lasting) and (quantity := read_quantity(spoken, units)) and _lasts(quantity, measured):
        return _from_quantity(quantity, context, "按指标名称理解为时长，不是日期")
    if recurrence := read_recurrence(spoken, units):
        return _from_quantity(recurrence, context)
    if dated := read_date(spoken, context.dated):
        return _from_date(dated, context)
    if (column := context.column) and not column.known and column.text in spoken:  # a unit the table lacks, but the form's own
        quantity = read_quantity(spoken.replace(column.text, "") or column.text, units)
        if quantity and quantity.measure is None and not quantity.tail:
            return _from_quantity(quantity, context)
    if quantity := read_quantity(spoken, units):
        if quantity.measure is None and context.dated and not context.named and not context.column and re.fullmatch(r"20[0-5]\d", spoken):
            return _from_date(Dated("", spoken, spoken, why="按指标名称理解为年份"), context)
        if quantity.measure is None and context.dated and context.column and context.column.text in ("月", "月份", "年", "年度"):
            dated = read_date(f"{spoken}{context.column.text}", True)
            if dated:
                return _from_date(dated, context)
        if quantity.measure and quantity.measure.text in ("月", "月份") and quantity.value and 0 < (quantity.high or quantity.value) <= 12:
            return None  # months of the year with words that are no date, not a length of time
        if quantity.measure and quantity.measure.text in ("年", "年度", "学年", "版") and quantity.value and 1900 <= quantity.value <= 2100:
            return None  # a year among words, not a span of two thousand years
        return _from_quantity(quantity, context)
    return None


def _lasts(quantity: Quantity, measured: bool) -> bool:
    """Whether a quantity is a length of time; 1月至6月 is one only where the column says so."""
    measure = quantity.measure
    spanned = quantity.high is not None and measure is not None and measure.text in ("月", "月份", "年")
    return measure is not None and measure.dimension == "time" and (measured or not spanned)


def _placeholder(text: str, units: Units) -> Target | None:
    if _TEMPLATE.fullmatch(text) or _HOLED_DATE.fullmatch(text):
        return Target(text, "placeholder", canonical=text, why="还是模板里的占位文字，没有填写")
    if match := _HOLED.fullmatch(text):
        rest = match["rest"]
        found = units.scan(rest)
        if found and rest[found[1] :] and not comparison(rest[found[1] :]):
            found = None
        op = comparison(match["head"]) or comparison(rest[found[1] if found else 0 :])
        if found or not rest.strip(")") or op:
            return Target(
                text,
                "placeholder",
                op=_ASCII_OP.get(op),
                unit=found[0].text if found else None,
                canonical=text,
                why="数值还是占位符，没有填写",
            )
    if _HOLES_WITHIN.search(text):
        return Target(text, "placeholder", canonical=text, why="文字里还有占位符，没有填写")
    bare = text.lstrip("≥≤<>=")
    op = text[: len(text) - len(bare)]
    if not bare and _BARE_OP.fullmatch(text):
        return Target(text, "placeholder", op=_ASCII_OP.get(op), canonical=text, why="只有比较符，没有数值")
    if len(op) < 2 and bare[:1] != "半" and (measure := units.whole(bare)) and (op or measure.counted or not measure.strict):
        return Target(text, "placeholder", op=_ASCII_OP.get(op), unit=measure.text, canonical=text, why="只有单位，没有数值")
    return None


def _several(cleaned: str, whole: str, context: Context, units: Units) -> Target | None:
    """Read several values in one cell; at least one of the parts must be a value."""
    if match := _MONTH_LIST.fullmatch(whole):
        pieces = [f"{month}月{match['rest']}" for month in re.findall(r"\d+", whole)]
        parts = [_single(piece, context, units) for piece in pieces]
        if all(part is not None and part.kind == "date" for part in parts):
            return _multi(tuple(part for part in parts if part is not None))
    for separator in _SPLIT:
        pieces = [piece for piece in (settled(piece) for piece in separator.split(cleaned)) if piece]
        if len(pieces) < 2 or any(re.search(r"[\[\]]", piece) or piece.count("(") != piece.count(")") for piece in pieces):
            continue
        pieces = _unnumbered(pieces)
        if len(pieces) > 1 and not (
            separator is not _SPLIT[0] and any(piece[0].isdigit() and len(piece) < 3 and piece.isdigit() for piece in pieces)
        ):
            found = [_single(piece, context, units) for piece in pieces]
            values = [part for part in found if part is not None and part.quantified]
            if values and (separator in _SPLIT[:2] or len(values) == len(pieces)):
                if any(part is None and (_damaged(piece, context, units)) for part, piece in zip(found, pieces, strict=True)):
                    return None
                return _multi(
                    tuple(
                        part or Target(piece, "qualitative", canonical=piece, why=_reason(piece))
                        for part, piece in zip(found, pieces, strict=True)
                    )
                )
        if separator is _SPLIT[0]:
            break
    pieces = _COUNTS.findall(whole)
    if len(pieces) > 1 and "".join(pieces) == whole:  # 200户600人
        found = [_single(piece, context, units) for piece in pieces]
        if all(part and part.kind == "number" and part.dimension == "count" and not part.tail for part in found):
            return _multi(tuple(part for part in found if part))
    return None


def _unnumbered(pieces: list[str]) -> list[str]:
    """Drop the numbers of a list (1、…；2、…) when every piece has one."""
    matches = [_ENUMERATOR.match(piece) for piece in pieces]
    if all(match and match.end() < len(piece) for match, piece in zip(matches, pieces, strict=True)):
        return [piece[match.end() :] for match, piece in zip(matches, pieces, strict=True) if match]
    return pieces


def _multi(parts: tuple[Target, ...]) -> Target:
    plain_parts = tuple(replace(part, conflicts=()) for part in parts)
    conflicts = tuple(dict.fromkeys(conflict for part in parts for conflict in part.conflicts))
    quantified = all(part.quantified for part in parts)
    why = f"一格里写了{len(parts)}项" + ("" if quantified else "，其中有的没有数值")
    return Target(
        "",
        "multi",
        quantified=quantified,
        canonical="；".join(part.canonical for part in parts),
        why=why,
        parts=plain_parts,
        conflicts=conflicts,
    )


def _from_date(dated: Dated, context: Context) -> Target:
    op, conflicts = held_op(dated.op, context)
    conflicts += held_date(context)
    from_, to = dated.from_, dated.to
    if not dated.op and op in "≤<":
        from_ = None
    elif not dated.op and op in "≥>":
        to = None
    said = ("=" if op == "=" and contested(context) else "") + date_text(op, from_, to)
    return Target(
        "", "date", _ASCII_OP[op], quantified=True, canonical=f"{dated.lead}{said}{dated.tail}", why=dated.why, from_=from_, to=to, conflicts=conflicts, lead=dated.lead, tail=dated.tail
    )  # fmt: skip


def _from_quantity(quantity: Quantity, context: Context, why: str = "") -> Target:
    measure, conflicts, notes = held_measure(quantity, context)
    op, more = held_op("" if quantity.high is not None else quantity.op, context) if quantity.value is not None else ("=", ())
    conflicts += more if quantity.high is None else ()
    kind: Kind = "number"
    if quantity.high is not None:
        kind = "range"
    elif quantity.value is None or (
        measure and measure.counted == "count" and str(measure.dimension).endswith("per time") and "head" not in str(measure.dimension)
    ):
        kind = "frequency"
    amount, base, dimension = quantity.value, measure.base if measure else None, measure.dimension if measure else None
    high = quantity.high
    if measure and amount is not None:
        amount = quantity.amount(amount, measure)
        high = None if high is None else measure.amount(high)
    unit = measure.text if measure else None
    if quantity.share:  # 三分之二: not a finite number
        amount = (quantity.value or Decimal(0)) / quantity.share
        if amount != round(amount, 6):
            amount, notes = round(amount, 6), (*notes, "折算值取六位小数")
        unit, base, dimension = f"{plain(quantity.share)}分之", "1", "ratio"
    if measure and measure.dimension == "scale":
        dimension = None
    canonical = _quantity_text(quantity, op if kind != "range" else "", unit, contested=contested(context))
    notes = tuple(note for note in (why, *notes, *quantity.notes) if note)
    return Target(
        "", kind, None if kind == "range" else _ASCII_OP[op], quantity.value, quantity.high, unit, amount, base, dimension, True, canonical, "；".join(notes), conflicts=conflicts,
        high_amount=high, lead=quantity.lead, tail=quantity.tail, about=quantity.about, bounds=quantity.bounds,
    )  # fmt: skip


def _quantity_text(quantity: Quantity, op: str, unit: str | None, *, contested: bool = False) -> str:
    """Write a quantity so that reading it gives the same again; an equals sign is left out."""
    if quantity.value is None:
        return f"{quantity.lead}{quantity.tail}"
    about = "约" if quantity.about else ""
    if quantity.high is not None:
        low, high = f"{plain(quantity.value)}{unit or ''}", f"{plain(quantity.high)}{unit or ''}"
        if quantity.bounds == "[]":
            return f"{quantity.lead}{about}{low}~{high}{quantity.tail}"
        left, right = "<" if quantity.bounds[0] == "(" else "≤", "<" if quantity.bounds[1] == ")" else "≤"
        return f"{quantity.lead}{low}{left}指标值{right}{high}{quantity.tail}"
    if op == "=" and not contested and not (quantity.lead and quantity.lead[-1].isascii() and quantity.lead[-1].isalpha()):
        op = ""  # but Y=100% keeps its sign
    if quantity.share:
        return f"{quantity.lead}{op}{about}{unit}{plain(quantity.value)}{quantity.tail}"
    if unit == "番":
        return f"{quantity.lead}{op}{about}翻{plain(quantity.value)}番{quantity.tail}"
    return f"{quantity.lead}{op}{about}{plain(quantity.value)}{unit or ''}{quantity.tail}"


_GARBLED = re.compile(r"[€≪≫«»″′�￿¤¢£∙§†‡ﬁ\ud800-\udfff\ue000-\uf8ff]|^[?《》〈〉]|[?\"'`](?=[%\d])|\d[\"'`?]|\d[。·]\d")
_NUMERIC = re.compile(
    r"[≥≤<>=]*[\d.,≥≤<>=OolI|\s-]*\d[\d.,≥≤<>=OolI|%\s-]*(?P<rest>[^\d]{0,6})|[万亿千百]\d[\d.]*.{0,4}|\d{3,4}月.{0,3}|\d{1,4}月\d{1,4}[日号].{0,3}"
)
_SOUND = re.compile(rf"[≥≤<>=]?{ARABIC}", re.ASCII)
_NO_DATE = re.compile(r"(?:截?[至止到])?(?:\d{4}年)?\d{1,2}月(?:\d{1,2}[日号]|[底末初])?(?:之前|以前|前|以内|内|止|完成){0,2}", re.ASCII)
_DATE_REST = re.compile(r"(?:年|[月日号]份?[底末初]?)?(?:之前|以前|前|以内|之内|内|止|起|以上|以下|左右)?")
_REPAIRS = (
    (re.compile(r"^[?�]|[≪€«《〈](?==?)|￡"), "≤"),
    (re.compile(r"[≫»》〉]"), "≥"),
    (re.compile(r"[″′\"'`�¤§\ud800-\udfff\ue000-\uf8ff]"), ""),
    (re.compile(r"(?<=[\d.])[Oo](?=[\d.%OoA-Za-z人元次个万天]|$)"), "0"),
    (re.compile(r"(?<![A-Za-z])[lI|](?=\d)|(?<=\d)[lI|](?=[\d%.])"), "1"),
    (re.compile(r"([≥≤<>=])[≥≤<>=]+"), r"\1"),
    (re.compile(r"^([≥≤])0(?=[^\d.%\s])(?![人元个天件万项]|次(?!年))"), r"\1"),
    (re.compile(r"%{2,}"), "%"),
    (re.compile(r"(?<=\d)[。·](?=\d)|(?<=\d),(?=\d{1,2}(?![\d,]))"), "."),
    (re.compile(r"(?<=\d) (?=\d)"), ""),
    (re.compile(r"\.{2,}"), "."),
    (re.compile(r"(?<=\d)\.(?!\d)|(?<=\d),(?!\d)"), ""),
    (re.compile(r"(?<=\d),(?=\d)"), ""),
    (re.compile(r"^([≥≤<>=]?)([万亿千百])(\d[\d.]*)"), r"\1\3\2"),
    (re.compile(r"(?<!\d)(\d\d?)\1(?=月)"), r"\1"),
)


def _damaged(text: str, context: Context, units: Units) -> Target | None:
    """Recognise a value damaged in scanning or typing, and say what it probably was; the probable value is never taken."""
    if _NO_DATE.fullmatch(text):  # written as a date, and refused as one
        return Target(text, "unreadable", canonical=text, why="没有这个日期，请核对原文")
    marked = _GARBLED.search(text) is not None and (any(sign.isdigit() for sign in text) or "�" in text)
    shaped = _NUMERIC.fullmatch(text)
    if not marked:
        if not shaped or text[0] == "-":
            return None
        rest = shaped["rest"] or ""
        sound = _SOUND.fullmatch(text[: len(text) - len(rest)]) is not None  # a plain number, refused for what it would mean
        if rest and not _DATE_REST.fullmatch(rest) and (sound or not units.whole(rest)):
            return None
    mended = text
    for pattern, correct in _REPAIRS:
        mended = pattern.sub(correct, mended)
        if (
            mended != text
            and (found := _single(settled(clean(mended)), replace(context, symbol="", named_op=""), units))
            and found.quantified
        ):
            return Target(text, "unreadable", canonical=text, why=f"字符有误，可能是“{found.canonical}”，请核对原文")
    shorter = mended.lstrip("≥≤<>=")
    if shorter and shorter != mended and (found := _single(settled(clean(shorter)), NO_CONTEXT, units)) and found.quantified:
        return Target(text, "unreadable", canonical=text, why=f"字符有误，可能是“{found.canonical}”，请核对原文")
    return Target(text, "unreadable", canonical=text, why="字符有误，看不出原来的数值，请核对原文")


def _reason(text: str) -> str:
    if _NEAR.search(text):
        return "与上年或别处比较，没有写出数值"
    if text in ("是", "否"):
        return "是否判断，没有数值"
    if any(sign.isdigit() for sign in text):
        return "文字里有数字，但不是一个明确的数值"
    if text[0] in "≥≤<>=":
        return "有比较符，但没有数值"
    return "文字描述，没有数值"


def render(target: Target) -> str:
    """Write a target in the canonical form, which reads back as the same target."""
    return target.canonical


def to_json(target: Target) -> dict[str, Any]:
    """The target as plain data, keys in fixed order; exact numbers become JSON numbers."""
    data: dict[str, Any] = {
        "text": target.text,
        "kind": target.kind,
        "op": target.op,
        "value": _json_number(target.value),
        "high": _json_number(target.high),
        "unit": target.unit,
        "amount": _json_number(target.amount),
        "base_unit": target.base_unit,
        "dimension": target.dimension,
        "quantified": target.quantified,
        "canonical": target.canonical,
        "why": target.why,
    }
    if target.kind == "date":
        data |= {"from": target.from_, "to": target.to}
    if target.kind == "multi":
        data["parts"] = [to_json(part) for part in target.parts]
    if target.conflicts:
        data["conflicts"] = [{"code": conflict.code, "text": conflict.text} for conflict in target.conflicts]
    return data


def _json_number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
