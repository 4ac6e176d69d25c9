"""Numbers with a comparison and a unit, ranges and frequencies: ≥95%, 不少于3次, 60-80%, 每年2次, 达到90%以上, 三分之二.

A quantity may have plain words before and after it (培训200人次, 100%完成, 15个工作日内办结); they are kept. What the words could
turn into something else (a negation, further figures, a Chinese numeral inside a word) makes the text no quantity.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from xlgoals.measures import Measure, Units
from xlgoals.numerals import ARABIC, CHINESE, number

OPS = ("≥", "≤", ">", "<", "=")
_WORDS = {
    "≥": "大于等于 大于或等于 不少于 不低于 不小于 不下于 不短于 不得少于 不得低于 不得小于 不能低于 至少 最少 最低 不少於 起码",
    "≤": "小于等于 小于或等于 不超过 不超 不高于 不大于 不多于 不长于 不晚于 不迟于 不得超过 不得高于 不得大于 不得多于 不能超过 未超过 至多 最多 最高 不突破 控制在 控制到 控制为 上限",
    ">": "大于 超过 超 高于 多于 超出 突破 优于",
    "<": "小于 低于 少于 不足 不到 不满 短于",
    "=": "等于 达到 达 等於",
}
_OP_OF = {word: op for op, words in _WORDS.items() for word in (op, *words.split())}
_WITHIN_WORDS = {"达": "(?<![下到抵直表])达", "超": "(?<![赶])超"}
_OP = "|".join(_WITHIN_WORDS.get(word, re.escape(word)) for word in sorted(_OP_OF, key=len, reverse=True))
_OP_AT = re.compile(_OP)
_ABOUT = "大约|大概|约为|(?<![节集签合预制公条简])约|(?<![附就最邻接])近"
_FILLER = "力争|争取|确保|保证|保持|维持|稳定|预计|计划|预期|目标值|指标值|年度目标|为|应|须|需|要|均|在|:"
_REFERENCE = r"(?:上年度?|去年|上一年度?|往年|预算数?|计划数?)(?:同期)?(?:的|水平|实际|数|总数)*"
_HEAD = rf"(?P<words>(?:{_OP}|{_FILLER}|{_ABOUT}|(?P<reference>{_REFERENCE}))*)"
_UNKNOWN = re.compile(r"(?![以左上之内半多余点号至到和且前后的])[\u3400-\u9fff]{1,4}(?=$|\(|以[上下内])")
_DATE_LEAD = r"(?:(?:较|比|与|在|到|至|截至)?(?:20\d\d年度?(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2}月(?:\d{1,2}日)?)(?:[底末]?(?:之前|以前|前)?|同期|基期)(?!\d))?"
_MODEL_LEAD = r"(?:[A-Z][A-Za-z]{0,3}\d{1,4}|\d{1,4}k?[A-Z][A-Za-z]{0,2}\+?)(?=[\u3400-\u9fff])"  # 10kV线路25公里
_RISE_LEAD = r"[从由]?\d{1,3}(?:\.\d{1,2})?%(?:提高|提升|增加|增长|上升|下降|降低)[到至]"
_PLAIN_LEAD = rf"{_DATE_LEAD}[\u3400-\u9fffA-Za-z&:“”\"()·]{{0,24}}?"
_ARABIC_HEAD = re.compile(rf"(?P<lead>{_PLAIN_LEAD}){_HEAD}(?P<money>¥)?(?P<n>-?{ARABIC})(?![\d.]|,\d)", re.ASCII)
_DIGIT_LEAD = rf"(?:{_MODEL_LEAD}|{_RISE_LEAD})[\u3400-\u9fff:“”()]{{0,24}}?"
_DIGIT_HEAD = re.compile(rf"(?P<lead>{_DIGIT_LEAD}){_HEAD}(?P<money>¥)?(?P<n>-?{ARABIC})(?![\d.]|,\d)", re.ASCII)
_EACH_HEAD = re.compile(rf"(?P<lead>[^\W\d_零〇一二两三四五六七八九十百千]{{0,8}}?){_HEAD}(?P<money>)(?P<n>{CHINESE})")
_CHINESE_HEAD = re.compile(rf"(?P<lead>){_HEAD}(?P<money>)(?P<n>{CHINESE})")
_ANY_HEAD = re.compile(
    rf"(?P<lead>[^≥≤<>=]{{1,40}}?)(?P<words>(?:[≥≤<>=]|不少于|不低于|不超过|不高于|不大于|不小于)(?:{_ABOUT}|{_FILLER})*)(?P<reference>(?!))?(?P<money>¥)?(?P<n>-?{ARABIC})(?![\d.]|,\d)",
    re.ASCII,
)
_PLUS_MINUS = re.compile(rf"(?P<lead>{_PLAIN_LEAD})(?:{_FILLER})*≤?±(?P<n>{ARABIC})", re.ASCII)
_NOT = (  # 不 and its kin, but not in words that deny nothing: 不动产, 无障碍, 未成年人, 非遗
    r"不(?!动产|锈|限|同|断|孕|等|定期)|未(?!成年|来|婚|就业|利用)|无(?!人机|障碍|害|偿|线|公害|烟|土|纺|缝)|非(?!遗|物质|公有|公经|全日|常|凡|税|机动)|[没勿]"
)
_NEGATED = re.compile(rf"{_NOT}|杜绝|避免|禁止|防止|^除(?![险雪草尘害虫湿臭])|除了")
_EARLY_OP = re.compile(r"至少|最少|不少于|不低于|不小于|最多|至多|不超过|不高于|不大于|控制在|最高(?=补助|补贴|奖励|奖补|限价|支付|报销)")
_LEAD_REFUSED = re.compile(r"(?:第|\d\D?[至到和与或及]|[万亿千百]|(?:^|[^日月底末号年])前|[早晚]于)$")
_ORDINAL = frozenset("期批层代届")  # 二期 is a stage, 2期 may be a number
_MORE = re.compile(r"[余多](?!个?(?:级|方|层|元化|样))|来(?=[个名人次户家])")
_TO = re.compile(r"(?:-{1,3}|~{1,2}|至|到)")
_BETWEEN = re.compile(r"(?P<low>[≤<])[^\d≤<≥>=%]{0,12}(?P<high>[≤<])|(?P<high2>[≥>])[^\d≤<≥>=%]{0,12}(?P<low2>[≥>])")
_AND = re.compile(rf"(?:[,、;]|且|并且|并|同时|而|和|但)?(?P<words>(?:{_OP})+)", re.ASCII)
_SUFFIX = re.compile(
    r"(?P<op>(?P<open>\(不含\)以[上下内])|\(含\)以上|含?及以上|或以上|以上|\(含\)以下|及以下|以下|\(含\)以内|以内|之内|以外|内(?![部容涝设外控河科环存地])|封顶)|(?P<about>左右|上下|之间)"
)
_SUFFIX_OP = {"上": "≥", "下": "≤", "内": "≤", "顶": "≤", "外": ">"}
_TAIL = re.compile(r"[\u3400-\u9fff、“”\"《》()]{1,24}|\([^()]{1,40}\)|[\u3400-\u9fff]{1,16}\([^()]{1,40}\)")
_WORDS_REFUSED = re.compile(r"以[上下内外]|不[含足满]|不[低少小]于|不超过|不[高大多]于|至[少多]|左右")
_FIRST_REFUSED = re.compile(r"[亿万千百半多余又几点分号级型期制代龄版的之与和或及且底末初份前后起止、)]")
_TAIL_REFUSED = re.compile(rf"[\u3400-\u9fff]{{0,12}}?(?:[一二三四五六七八九十两]{{2,}}|{_NOT})")
_REMARK = re.compile(r"\([^()\d≥≤<>=]{1,20}\)")
_ZERO = re.compile(
    r"(?:重特?大)?(?:安全)?(?:生产)?(?:责任)?(?:投诉|事故|差错|失误|上访|信访|案件|舆情|违规|违纪|违法|感染|伤亡|死亡|缺陷|纠纷|积压|遗漏|发生|返贫|拖欠|增长|泄密|故障|瑕疵|容忍|流失|退件|超标|排放|聚集|报告|借阅事故|举报|复发|发案|火灾|污染)"
)
_SHARE = re.compile(
    rf"(?P<lead>{_PLAIN_LEAD}){_HEAD}(?P<below>[二三四五六七八九十]|\d{{1,2}})分之(?P<above>[一二三四五六七八九]|\d{{1,2}})(?P<rest>.*)"
)
_HUNDREDTH = re.compile(rf"(百|千|万)分之((?:{ARABIC})|(?:{CHINESE}))")
_CHINESE_YEAR = re.compile(r"(?<![一二三四五六七八九〇零])([一二][九〇零][一二三四五六七八九〇零]{2})年")
_SIGN_OF_HUNDREDTH = {"百": "%", "千": "‰", "万": "‱"}
_FOLD = re.compile(rf"(?P<lead>{_PLAIN_LEAD}){_HEAD}翻(?P<n>[一二两三四]|\d)?番(?P<rest>.*)")
_ROUND_THE_CLOCK = re.compile(r"(?P<lead>(?:7天?[×xX*])?)24个?小时(?P<tail>(?:[×xX*](?:7|36[56])天?)?(?![内以之左])[\u3400-\u9fff]{0,8})")
_TIMES = re.compile(r"[×xX*]")
_EACH = re.compile(r"每(?P<n>[一二两三四五六]|\d{1,3})?")
_ONCE = re.compile(
    r"(?P<n>一|半|两|二|三|[1-9](?=年|个|周|天|学))个?(?P<unit>年|季度?|月|周|星期|天|日|学期|学年)(?:度)?(?=(?:不少于|至少|≥|不低于|各)?(?:[一二两三四五六七八九十]{1,2}|\d{1,3})(?:次|场|期|轮|批|回))"
)
_RECURRENCE = re.compile(
    r"(?:每|按|逐)个?(?:年|半年|季度?|月|旬|周|日|天|学期|学年)(?:度)?(?:按时|及时|足额|定期|均)?(?:发放|拨付|支付|结算|报送|兑付|公示|通报|缴纳|开展|巡查|检查|更新|编制|出刊|清扫|维护|保洁|拨款)?"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, range or frequency as read; ``op`` is empty when none was printed, ``value`` only for a bare 每月."""

    op: str
    value: Decimal | None
    measure: Measure | None
    high: Decimal | None = None
    bounds: str = "[]"
    lead: str = ""
    tail: str = ""
    about: bool = False
    share: Decimal | None = None
    notes: tuple[str, ...] = ()

    def amount(self, value: Decimal, measure: Measure) -> Decimal:
        """Convert to the base unit; 翻两番 is four times as much."""
        return Decimal(2) ** int(value) if measure is _FOLDS else measure.amount(value)


_FOLDS = Measure("番", base="倍", dimension="multiple")


def comparison(text: str) -> str:
    """The comparison a text says, as a sign, or nothing: for symbol columns and brackets in names."""
    match = _OP_AT.search(text)
    if match is None:
        match = _SUFFIX.search(text)
        return _closing(match) if match and match["op"] else ""
    return _OP_OF[match[0]]


def in_digits(text: str) -> str:
    """Write 百分之九十五 as 95%, 千分之 and 万分之 likewise, 二〇二六年 as 2026年, (≥)95% as ≥95%."""
    if text.startswith("(") and text[2:3] == ")" and text[1] in OPS:
        text = text[1] + text[3:]
    if "分之" in text:
        text = _HUNDREDTH.sub(_percent, text)
    return _CHINESE_YEAR.sub(lambda match: f"{number(match[1])}年", text) if "年" in text else text


def _percent(match: re.Match[str]) -> str:
    value = number(match[2])
    return match[0] if value is None else f"{value:f}{_SIGN_OF_HUNDREDTH[match[1]]}"


def read_recurrence(text: str, units: Units) -> Quantity | None:
    """Read 一年两次, 半年一次 and a bare 每月, 按季发放."""
    if _RECURRENCE.fullmatch(text) and not text.startswith("逐"):
        return Quantity("", None, None, lead=text, notes=("只写了频率，没有写次数",))
    match = _ONCE.match(text)
    if match is None:
        return None
    half = match["n"] == "半" and match["unit"] == "年"
    below = units.whole("半年" if half else match["unit"])
    if below is None or (match["n"] == "半" and not half):
        return None
    quantity = read_quantity(text[match.end() :], units)
    if quantity is None or quantity.measure is None or quantity.high is not None or quantity.lead:
        return None
    return replace(quantity, measure=units.per(quantity.measure, below, Decimal(1) if half else number(match["n"]) or Decimal(1)))


def read_quantity(text: str, units: Units) -> Quantity | None:
    """Read a tight text as one quantity from end to end."""
    if "翻" in text and (match := _FOLD.fullmatch(text)):
        op = _said(match["words"])
        ended = _ended(match["rest"], op or "", known=True) if op is not None else None
        value = number(match["n"] or "1")
        if ended and value is not None:
            return replace(ended, value=value, measure=_FOLDS, lead=match["lead"])
    if "分之" in text and (match := _SHARE.fullmatch(text)):
        op = _said(match["words"])
        above, below = number(match["above"]), number(match["below"])
        ended = _ended(match["rest"], op or "", known=True) if op is not None else None
        if ended and above is not None and below and not _NEGATED.search(match["lead"]):
            return replace(ended, value=above, share=below, lead=match["lead"], about=ended.about or _is_about(match["words"]))
    if (match := _ROUND_THE_CLOCK.fullmatch(text)) and _TIMES.search(match["lead"] + match["tail"]):
        lead, tail = (_TIMES.sub("×", match[part]) for part in ("lead", "tail"))
        return Quantity("", Decimal(24), units.whole("小时"), lead=lead, tail=tail)
    if text in ("零", "0") or (text[0] in "零0" and _ZERO.fullmatch(text[1:])):
        return Quantity("", Decimal(0), None, tail=text[1:])
    under: list[tuple[Measure, Decimal]] = []
    at = 0
    while match := _EACH.match(text, at):
        many = number(match["n"]) if match["n"] else Decimal(1)
        found = units.plain(text, match.end())
        if found is None or not many or found[0].dimension == "scale":
            break
        under.append((found[0], many))
        at = found[1]
    quantity = _core(text[at:], units, bool(under))
    if quantity is None:
        return None
    if under and quantity.lead.endswith(("后", "前")):  # 每季度结束后15日内: so long each time, not so much a quarter
        return replace(quantity, lead=text[:at] + quantity.lead)
    for unit, many in under:
        if quantity.measure is None or not quantity.measure.known:
            return None
        quantity = replace(quantity, measure=units.per(quantity.measure, unit, many))
    return quantity


def _said(words: str) -> str | None:
    """The one comparison that words before a number make; None when they disagree."""
    signs = [_OP_OF[word] for word in _OP_AT.findall(words)]
    firm = [sign for sign in signs if sign != "="]
    if len(set(firm)) > 1 or sum(word in OPS for word in _OP_AT.findall(words)) > 1:
        return None
    return firm[0] if firm else (signs[0] if signs else "")


def _is_about(words: str) -> bool:
    return re.search(_ABOUT, words) is not None


def _core(text: str, units: Units, each: bool) -> Quantity | None:
    if text[:1] in OPS and text[1:2].isalpha():  # ≤概算投资3500万元
        inner = _core(text[1:], units, each)
        if inner and inner.lead and inner.high is None and inner.op in ("", text[0]):
            return replace(inner, op=text[0])
    if "±" in text:
        found = _plus_minus(text, units)
        if found:
            return found
    for pattern in (_ARABIC_HEAD, _EACH_HEAD if each else _CHINESE_HEAD, _ANY_HEAD, _DIGIT_HEAD):
        if match := pattern.match(text):
            quantity = _after_number(text, match, units, chinese=pattern in (_CHINESE_HEAD, _EACH_HEAD), each=each)
            if quantity is not None:
                return quantity
    return None


def _plus_minus(text: str, units: Units) -> Quantity | None:
    if match := _PLUS_MINUS.match(text):
        middle, start, lead = Decimal(0), match, match["lead"]
        unit = units.scan(text, match.end())
    else:
        first = _ARABIC_HEAD.match(text)
        if first is None or _said(first["words"]) not in ("", "="):
            return None
        unit = units.scan(text, first.end())
        at = unit[1] if unit else first.end()
        again = re.compile(rf"±(?P<n>{ARABIC})", re.ASCII).match(text, at)
        value = number(first["n"])
        if again is None or value is None:
            return None
        middle, start, lead = value, again, first["lead"]
        second = units.scan(text, again.end())
        if unit and second and unit[0] != second[0]:
            return None
        unit = second or (unit and (unit[0], again.end()))
    width = number(start["n"])
    ended = _ended(text[unit[1] if unit else start.end() :], "", known=unit is not None)
    if width is None or ended is None or ended.op not in ("", "≤"):
        return None
    return replace(
        ended, op="", value=middle - width, high=middle + width, measure=unit[0] if unit else None, lead=lead, notes=("±写作区间",)
    )


def _after_number(text: str, match: re.Match[str], units: Units, *, chinese: bool, each: bool) -> Quantity | None:
    """Read on behind the first number: unit, second number of a range, 以上, words."""
    op, value, lead = _said(match["words"]), number(match["n"]), match["lead"]
    if op is None or value is None or (_NEGATED.search(_EARLY_OP.sub("", lead)) and not re.search(r"[≥≤<>=]", match["words"])):
        return None
    about = _is_about(match["words"])
    if match["reference"]:
        lead += match["reference"]
    elif lead and match["words"]:  # words of running text stay: 投诉率为0
        lead += re.sub(rf"{_OP}|{_ABOUT}", "", match["words"])
    if not op and (early := _EARLY_OP.search(lead)):  # 至少开展1次
        op, lead = _OP_OF[early[0]], lead[: early.start()] + lead[early.end() :]
    if lead.count("(") != lead.count(")") or _LEAD_REFUSED.search(lead) or (lead[-1:].isascii() and lead[-1:].isalpha() and not op):
        return None
    at, about_number = _more(text, match.end())
    found = units.scan(text, at)
    if found and found[0].dimension == "scale" and (more := _MORE.match(text, found[1])):  # 3万余亩
        text = text[: more.start()] + text[more.end() :]
        found, about = units.scan(text, at), True
    measure, at = found if found else (None, at)
    if match["money"] and measure is None:
        measure = units.whole("元")
    elif match["money"] and measure and measure.dimension == "scale":
        measure = replace(measure, base="元", dimension="money", text=measure.text + "元")
    at, about_unit = _more(text, at)
    about = about or about_number or about_unit
    explicit = bool(op) and op != "="
    start = Quantity(op, value, measure, lead=lead, about=about)
    if between := _second(text, at, start, units, chinese):
        return between
    unknown = _UNKNOWN.match(text, at) if explicit and measure is None and not chinese else None
    if unknown:
        measure, at = Measure(unknown[0]), unknown.end()
    if chinese and not (explicit or each) and measure and measure.text in _ORDINAL:
        return None
    if chinese and (measure is None or (measure.strict and measure.text not in ("成", "半"))):
        return None
    if value < 0 and _SUFFIX.match(text, at):
        return None  # -3%以内: which way
    ended = _ended(
        text[at:],
        op,
        known=measure is not None and (not measure.strict or explicit or each),
        words=not chinese or each,
        units=units,
        measure=measure,
    )
    if ended is None:
        return None
    return replace(ended, value=value, measure=ended.measure or measure, lead=lead, about=about or ended.about)


def _closing(suffix: re.Match[str]) -> str:
    """The comparison that words behind a number make: 以上 and 以下 include it unless 不含 is said."""
    sign = _SUFFIX_OP[suffix["op"][-1]]
    return {"≥": ">", "≤": "<"}[sign] if suffix["open"] else sign


def _more(text: str, at: int) -> tuple[int, bool]:
    match = _MORE.match(text, at)
    return (match.end(), True) if match else (at, False)


def _second(text: str, at: int, first: Quantity, units: Units, chinese: bool) -> Quantity | None:
    """Read the other end of a range, if one follows."""
    low_open = high_open = swapped = False
    op_first = first.op
    suffix = _SUFFIX.match(text, at)
    if suffix and suffix["op"] and not op_first:
        op_first, after = _closing(suffix), suffix.end()
    else:
        after = at
    if (match := _BETWEEN.match(text, at)) and op_first in ("", "="):
        swapped = match["low"] is None
        low_open, high_open = (match["low2"] == ">", match["high2"] == ">") if swapped else (match["low"] == "<", match["high"] == "<")
    elif op_first in ("", "=") and (match := _TO.match(text, at)):
        pass
    elif op_first in ("≥", ">", "≤", "<") and (match := _AND.match(text, after)):
        other = _said(match["words"])
        if other is None or {op_first, other} not in ({"≥", "≤"}, {">", "≤"}, {"≥", "<"}, {">", "<"}):
            return None
        swapped = op_first in "≤<"
        low_open, high_open = ">" in (op_first, other), "<" in (op_first, other)
    elif op_first in ("≥", ">", "≤", "<") and (match := re.compile(r"[,、;]?且?").match(text, after)) and after > at:
        pass  # 60%以上80%以下: the second comparison stands behind
    elif op_first == "≤" and first.op == "≤" and (match := _TO.match(text, at)):
        pass  # 控制在3%~5%
    else:
        return None
    trailing = op_first in ("≥", ">", "≤", "<") and after > at and "words" not in match.re.groupindex
    numeral = (re.compile(CHINESE) if chinese else re.compile(rf"-?{ARABIC}(?![\d.]|,\d)", re.ASCII)).match(text, match.end())
    value = number(numeral[0]) if numeral else None
    if numeral is None or value is None:
        return None
    end, more = _more(text, numeral.end())
    found = units.scan(text, end)
    measure, end = found if found else (first.measure, end)
    if trailing:
        closing = _SUFFIX.match(text, end)
        if not closing or not closing["op"] or {op_first, _closing(closing)} != {"≥", "≤"}:
            return None
        swapped, end = op_first == "≤", closing.end()
    joined = _joined(first, value, measure)
    if joined is None or (chinese and joined.measure is None):
        return None
    low, high = joined.value, joined.high
    if swapped:
        low, high = high, low
    ended = _ended(text[end:], "", known=joined.measure is not None and not joined.measure.strict, ranged=True)
    if ended is None or low is None or high is None or low > high:
        return None
    if first.op == "≤" and "words" not in match.re.groupindex and not text.startswith("控制", len(first.lead)) and not trailing:
        return None  # 不超过3~5: which of the two
    bounds = ("(" if low_open else "[") + (")" if high_open else "]")
    return replace(joined, op="", value=low, high=high, bounds=bounds, tail=ended.tail, about=first.about or ended.about or more)


def _joined(first: Quantity, high: Decimal, measure: Measure | None) -> Quantity | None:
    """Give both ends of a range one unit: 3万-5万元, 60-80%, 500元-1万元."""
    low, ours = first.value or Decimal(0), first.measure
    if ours is None or measure is None or ours == measure or ours.text == measure.text:
        return replace(first, high=high, measure=measure or ours)
    if ours.dimension == "scale" and measure.factor == ours.factor:
        return replace(first, high=high, measure=measure)
    if ours.base == measure.base and ours.known and ours.counted is None and ours.factor <= measure.factor:
        times = measure.factor / ours.factor
        return replace(first, value=low, high=high * times, notes=(f"两端单位不同，已按“{ours.text}”统一",))
    return None


def _ended(
    text: str, op: str, *, known: bool, words: bool = True, ranged: bool = False, units: Units | None = None, measure: Measure | None = None
) -> Quantity | None:
    """Read what stands behind number and unit: 以上, 左右, /年, a remark in brackets, plain words. Other things make it no quantity."""
    about, longer, bare = False, None, True
    if match := _SUFFIX.match(text):
        if match["about"]:
            about = match["about"] != "之间"
            if match["about"] == "之间" and not ranged:
                return None
        else:
            sign = _closing(match)
            if ranged and sign not in "≤<":
                return None
            if op not in ("", "=") and (op in "≥>") != (sign in "≥>"):
                return None
            op = sign if op in ("", "=") else op
        text, bare = text[match.end() :], False
        if units and measure and text[:1] in ("/", "每"):
            found = units.scan(measure.text + text)
            if found and found[0].counted:
                longer, text = found[0], (measure.text + text)[found[1] :]
    plainly = _tail_allowed(text, words or not bare) and known and not (bare and _FIRST_REFUSED.match(text))
    if text and not plainly and not _REMARK.fullmatch(text):
        return None
    return Quantity(op, None, longer, tail=text, about=about)


def _tail_allowed(text: str, words: bool) -> bool:
    if not text:
        return True
    if _WORDS_REFUSED.search(re.sub(r"\((?!不含)[^()]*\)", "", text)):
        return False
    if text[0] == "(":
        return _TAIL.fullmatch(text) is not None
    return words and _TAIL.fullmatch(text) is not None and _TAIL_REFUSED.match(text) is None
