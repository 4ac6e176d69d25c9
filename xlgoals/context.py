"""What stands beside a target's cell: the indicator's name, the form's columns for comparison and unit; and what contradicts the cell."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from xlgoals.measures import Measure, Units
from xlgoals.numerals import clean, number, plain, settled, settled_text, tight
from xlgoals.quantities import OPS, Quantity, comparison, read_quantity

LONGEST = 200
NOTHING = re.compile(
    r"(?:无|没有|暂无|无此项|此项无|不适用|不涉及|未涉及|无涉及|不设|未设置|不考核|空|[-/\\]+|N/?A|n/?a|none|nil)", re.IGNORECASE
)
HOLE = r"(?:\*+|[X×]+|x{2,}|_+|○+|〇{2,}|□+|△+|…+|\.{3,}|某+|\(\s*\)|(?:\?){2,}|N(?![A-Za-z]))"
_DURATION = re.compile(r"月数|月份数|天数|日数|年数|时长|工期|周期|年限|间隔|月龄|可支配|\((?:个?月|天|日|年|小时)\)|(?:个月|小时)$")
_MOMENT = re.compile(r"时间|年份|时限|时点|节点|日期|时效|期限|进度|截止|起止|完成时|及时")
_TIMED = re.compile(r"(?:时间|日期|时限|时点)$")
_CHANGED = re.compile(r"[增降减涨升压]|提高|上年|去年|同期")
_BRACKETED = re.compile(r"\(([^()]{1,16})\)")
_NAME_VALUE = re.compile(r"(\d[\d.,]*\D{1,6})$")


class Conflict(NamedTuple):
    """Two things said about one target that cannot both be meant."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What surrounds the cell, as far as it bears on a target: most names say nothing of it, so that few contexts serve for all.
    Equal ones are one and the same, compared by identity."""

    symbol: str
    column: Measure | None
    named: Measure | None
    promised: Measure | None
    named_op: str
    named_values: tuple[Quantity, ...]
    dated: bool
    lasting: bool
    changing: bool
    timed: bool
    """The name ends by saying that it is a time."""


NO_CONTEXT = Context("", None, None, None, "", (), False, False, False, False)


_one_context = lru_cache(maxsize=8192)(Context)


@lru_cache(maxsize=65_536)
def read_context(name: str, symbol: str, unit: str, level2: str, units: Units) -> Context:
    """Read what stands beside the cell."""
    name, level2 = settled_text(name)[:LONGEST], tight(clean(level2))
    sign = tight(clean(symbol))
    named, named_op, values = None, "", []
    for inner in _BRACKETED.findall(name) if "(" in name else ():
        body = re.sub(rf"^(?:指标值)?|{HOLE}", "", inner)
        body_op = comparison(body)
        measure = units.whole(body.lstrip("≥≤<>=") if body_op else body)
        if measure:
            named, named_op = measure, body_op or named_op
        elif (quantity := read_quantity(inner, units)) and _pointed(quantity):
            values.append(quantity)
            named_op = quantity.op or named_op
    stem = _BRACKETED.sub("", name)
    if named is None and stem.endswith(("%", "‰")) and not stem[-2:-1].isdigit():
        named = units.whole(stem[-1])
    match = _NAME_VALUE.search(stem)
    if match and (quantity := read_quantity(match[1], units)) and _pointed(quantity) and not quantity.tail:
        values.append(quantity)
    column_text = tight(clean(unit))
    column = (units.whole(column_text) or Measure(column_text)) if column_text and not NOTHING.fullmatch(column_text) else None
    return _one_context(
        "定性" if "定性" in sign else comparison(sign), column, named, units.ending(stem) if stem else None, named_op, tuple(values),
        dated=bool(_MOMENT.search(name)) or (level2.startswith("时效") and not _DURATION.search(name)),
        lasting=bool(_DURATION.search(name)), changing=bool(_CHANGED.search(name)), timed=bool(_TIMED.search(stem)),
    )  # fmt: skip


def _pointed(quantity: Quantity) -> bool:
    """Whether a quantity in a name is one number with a unit, to compare with the cell's."""
    return quantity.measure is not None and quantity.value is not None and quantity.high is None


def held_op(printed: str, context: Context) -> tuple[str, tuple[Conflict, ...]]:
    """The comparison that holds, the cell's before the column's before the name's, and what contradicts it."""
    conflicts = []
    op = printed or (context.symbol if context.symbol in OPS else "") or context.named_op or "="
    if printed and context.symbol in OPS and context.symbol != printed:
        conflicts.append(Conflict("symbol-cell", f"符号栏是“{context.symbol}”，指标值里是“{printed}”"))
    elif context.symbol == "定性":
        conflicts.append(Conflict("symbol-text", "符号为“定性”，指标值却是数值"))
    if context.named_op and op != context.named_op:
        conflicts.append(Conflict("symbol-name", f"指标名称里是“{context.named_op}”，指标值里是“{op}”"))
    return op, tuple(conflicts)


def held_date(context: Context) -> tuple[Conflict, ...]:
    """What contradicts a date: a name that promises a share or heads."""
    promised = context.named or context.promised
    if promised is None or promised.dimension not in ("ratio", "count"):
        return ()
    return (Conflict("unit-name", f"指标名称的单位是“{promised.text}”，指标值是时间"),)


def contested(context: Context) -> bool:
    """Whether an equals sign must be written, because without it the column's or the name's comparison would hold."""
    return (context.symbol in OPS and context.symbol != "=") or context.named_op not in ("", "=")


def held_measure(quantity: Quantity, context: Context) -> tuple[Measure | None, tuple[Conflict, ...], tuple[str, ...]]:
    """The unit that holds, the cell's before the column's before the name's, what contradicts it, and what to say about it."""
    printed, column, named = quantity.measure, context.column, context.named
    promised = named or (None if quantity.lead else context.promised)
    holds = printed or column or named
    conflicts: list[Conflict] = []
    note = ""
    if holds is None:
        note = "" if quantity.value is None or quantity.share else "没有单位"
    elif printed is None:
        note = f"单位“{holds.text}”取自指标名称" if column is None else ""
    elif printed.dimension == "scale":
        note = f"“{printed.text}”后没有写单位"
        beside = column or named
        if beside and beside.known and beside.dimension != "scale":
            if beside.factor != 1:
                conflicts.append(Conflict("scale", f"单位是“{beside.text}”，指标值又写了“{printed.text}”，请核对数量级"))
            holds = replace(printed, base=beside.base, dimension=beside.dimension)
    elif not printed.known:
        note = f"单位“{printed.text}”不在单位表内"
    elif column and not printed.same_kind(column):
        conflicts.append(Conflict("unit-column", f"单位栏是“{column.text}”，指标值的单位是“{printed.text}”"))
    elif column and column.known and printed.factor != column.factor:
        conflicts.append(Conflict("scale", f"单位栏是“{column.text}”，指标值的单位是“{printed.text}”，请核对数量级"))
    # 增加收入 ≥5%: how much something changes is a share, whatever it is measured in itself
    changing = bool(_CHANGED.search(quantity.lead)) or (named is None and context.changing)
    changes = holds is not None and holds.dimension in ("ratio", "points") and changing
    counted = holds is not None and promised is not None and named is None and holds.dimension == promised.dimension == "count"
    heads = counted and not {"人", "人次"}.isdisjoint((holds.base, promised.base))  # type: ignore[union-attr]  # what counts things is a matter of taste: 企业数 20家
    rate = holds is not None and promised is not None and promised.dimension == "ratio" and holds.counted not in (None, "money")  # 发案率 20起/万人
    if holds and holds.known and promised and not (changes or rate) and (heads or not counted) and not holds.same_kind(promised):
        conflicts.append(Conflict("unit-name", f"指标名称的单位是“{promised.text}”，指标值的单位是“{holds.text}”"))
    if context.timed and holds and holds.dimension in ("ratio", "count", "money"):
        conflicts.append(Conflict("unit-name", f"指标名称说的是时间，指标值的单位是“{holds.text}”"))
    if printed and printed.known and named and column is None and printed.same_kind(named) and _apart(printed, named):
        conflicts.append(Conflict("scale-name", f"指标名称里的单位是“{named.text}”，指标值的单位是“{printed.text}”"))
    for other in context.named_values if holds and quantity.value is not None and quantity.high is None else ():
        assert holds and quantity.value is not None and other.measure and other.value is not None
        if other.measure.known and other.measure.base == holds.base and other.measure.amount(other.value) != holds.amount(quantity.value):
            conflicts.append(
                Conflict(
                    "value-name", f"指标名称里写的是{plain(other.value)}{other.measure.text}，指标值是{plain(quantity.value)}{holds.text}"
                )
            )
    return holds, tuple(conflicts), (note,)


def _apart(one: Measure, other: Measure) -> bool:
    """Whether two units of one kind count in different steps: 人 and 万人, 亩 and 平方米; how a share is written makes no difference."""
    if one.base != other.base:
        return one.dimension == other.dimension == "area"
    return one.factor != other.factor and one.dimension == other.dimension and one.base != "1"


_EACH_OF = re.compile(r"每([\u3400-\u9fff]{1,2})$")
_COMPARED = re.compile(r"(?:[≥≤<>=为是达到约: ]|不[少低]于|不超过|不[高大多]于|至少|最多|控制在)*$")
_FIGURE = re.compile(r"(?<![\d.,~-])\d[\d.,]*(?![\d.,])")


def described(
    description: str, name: str, base: str | None, dimension: str | None, amounts: tuple[Decimal | None, Decimal | None], units: Units
) -> tuple[Conflict, ...]:
    """What the words that explain an indicator say against its value, given in its base unit.

    Heeded is a figure in the value's own unit: the only one of a rate (元/人, %), or one that follows the name itself, or the end
    of it where it is the only one. A part or a condition told in passing (42 家, 1 名) contradicts nothing, nor does a description
    in which the value stands, too.
    """
    if not base or not dimension or amounts[0] is None or not any(sign.isdigit() for sign in description):
        return ()
    text, own = settled(clean(description)), settled(clean(name))
    said: list[tuple[Decimal, str, int]] = []  # how much, as written, and how many characters before it are the end of the name
    for match in _FIGURE.finditer(text):
        value, at = number(match[0].rstrip(".,")), match.end() + (text[match.end() : match.end() + 1] == " ")
        found = units.scan(text, at)
        if value is None or found is None:
            continue
        measure, before = found[0], text[: match.start()]
        if each := _EACH_OF.search(before):  # 每人600元
            below = units.whole(each[1])
            measure = units.per(measure, below, Decimal(1)) if below else measure
        if measure.base == base:
            before = _COMPARED.sub("", before)
            shared = next((n for n in range(min(len(before), len(own)), 0, -1) if before[-n:] == own[-n:]), 0)
            said.append((measure.amount(value), match[0] + found[0].text, shared))
    single = len(said) == 1
    heeded = [one for one in said if (own and one[2] == len(own)) or (single and (one[2] >= 4 or dimension == "ratio" or " per " in dimension))]
    if not heeded or {amount for amount, _, _ in said} & set(amounts):
        return ()
    return tuple(Conflict("value-description", f"描述里写的是{written}") for _, written, _ in heeded[:1])
