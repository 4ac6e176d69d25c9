"""Dates, deadlines and spans as goal forms write them: 6月底前, 2026年12月, 不晚于12月底, 1月1日至12月31日, 第三季度, 20261231.

Moments are ISO text with no more than was printed: ``2026-12``, ``--12`` (December, year unknown), ``--06-30``, ``---15`` (a day of
some month). A deadline has only ``to``, a beginning only ``from_``, a moment both alike. Words that fix no moment (年初,
每季度最后一个月) leave both empty; they are dates all the same.
"""

import re
from calendar import monthrange
from dataclasses import dataclass, replace

_MONTH = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九]|元(?=月))"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?P<y>(?:19|20)\d\d|2,0\d\d)"
_PART = r"(?P<part>中旬|上旬|下旬|底|末|初|中(?!旬))?"
_QUARTER = r"第?(?P<q>[一二三四1-4])季度?(?P<part>末|底)?(?!度)"

_WITH_YEAR = (
    rf"{_YEAR}(?:年度?|[-./])(?P<m>{_MONTH})(?:月份?|[-./])(?P<d>{_DAY})(?:[日号]|(?!\d))",
    r"(?P<y>20[0-5]\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?!\d)",
    rf"{_YEAR}年度?(?P<m>{_MONTH})月份?{_PART}",
    rf"{_YEAR}[-/](?P<m>{_MONTH})(?:月份?|(?![\d%]))(?![-/]){_PART}",
    rf"{_YEAR}\.(?P<m>{_MONTH})(?:月份?|(?=[前底止至~-]|以前|之前|DOT))(?!\d){_PART}",
    rf"{_YEAR}年?度?{_QUARTER}",
    rf"{_YEAR}年?度?(?P<half>[上下])半年(?P<part>末|底)?",
    rf"{_YEAR}年?年度?(?P<yearpart>底|末|终|内)",
    rf"{_YEAR}年?前(?P<first>{_MONTH})个(?P<of>月|季度)|{_YEAR.replace('<y>', '<y2>')}年?前(?P<firstq>[二三2-3])(?:个)?季度",
    rf"{_YEAR}(?:年全年|学年(?!度|[底末])|年度(?![底末终内])|年(?=[^底末初中内终度]|$))",
)
_WITHOUT_YEAR = (
    rf"(?P<m>{_MONTH})月份?(?P<d>{_DAY})[日号]",
    rf"(?P<m>{_MONTH})月份?(?![-~]?龄|薪|均|度|报|刊|活){_PART}",
    rf"前(?P<first>{_MONTH})个(?P<of>月|季度)|前(?P<firstq>[二三2-3])季度",
    rf"{_QUARTER}(?![一二两三\d]次)",
    r"(?P<half>[上下])半年(?P<part>末|底)?",
    r"年度?(?P<yearpart>底|末|终|内)|全(?P<whole>年)(?=$)|(?P<yearpart2>底|末)",
)
_OF_MONTH = (rf"(?P<d>{_DAY})[日号]", rf"(?P<d>{_DAY})[日号]?(?=前|之前|以前)")
_LOOSE_DAY = rf"(?P<d>{_DAY})[日号](?=前|之前|以前)"
_SLASHED = rf"(?P<m>{_MONTH})[/.-](?P<d>{_DAY})(?!\d)[日号]?"


def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.ASCII) for pattern in patterns)


_YEARED = _compiled(tuple(pattern.replace("|DOT", "") for pattern in _WITH_YEAR))
_YEARED_DOTTED = _compiled(tuple(pattern.replace("(?=[前底止至~-]|以前|之前|DOT)", "(?!%)") for pattern in _WITH_YEAR))
_YEARLESS = _compiled(_WITHOUT_YEAR)
_MONTHLY = _compiled(_OF_MONTH)
_DAY_ALONE = re.compile(_LOOSE_DAY, re.ASCII)
_MONTH_DAY = re.compile(_SLASHED, re.ASCII)

_RELATIVE = re.compile(r"(?:当年度?|本年度?|今年|次年度?|翌年|下一?年度?|明年|每个?年度?|各年度?|年度)(?=[^底末初中内终]|[底末内])")
_RELATIVE_MONTH = re.compile(r"(?:当月|次月|本月|下月|每个?月|每季度?)")
_VAGUE = re.compile(
    r"(?:(?:19|20)\d\d年|当年|本年|次年|每年)?年?(?:初|中)(?=前|$)|年(?:初|中)|每个?(?:季度?|半年|月|年|学期)度?(?:的?(?:最后|第)一个?[月周天日]|末|底|初|终|[上中下]旬)"
    r"|(?:季度?|月|学期)(?:末|底|初)|(?:当|本|次)(?:年度?|月|季度?)(?=[内前底完]|$)"
    r"|(?:主?汛期?|春节|元旦|五一|国庆|中秋|开学|放假|寒假|暑假|采暖季|供暖季|春耕|秋收|入冬|入汛)(?:节|期)?(?=之?前|以前|期间)"
)
_MONTHS = re.compile(rf"(?:{_YEAR}[年.])?(?P<m>{_MONTH})月?(?:份)?[-~至到]+(?P<m2>{_MONTH})月份?(?P<part>底|末)?", re.ASCII)
_YEARS = re.compile(r"(?P<y>20[0-5]\d)年?[-~至到]+(?P<y2>20[0-5]\d)(?:年度?|学年|(?=$|\())", re.ASCII)
_QUARTERS = re.compile(rf"(?:{_YEAR}年?)?第?(?P<q>[一二三四1-4])(?:季度)?[-~至到、和]+第?(?P<q2>[一二三四1-4])季度", re.ASCII)
_DAYS = re.compile(rf"(?P<m>{_MONTH})\.(?P<d>{_DAY})[-~至到]+(?P<m2>1[0-2]|[1-9])\.(?P<d2>1[3-9]|2\d|30|31)", re.ASCII)
_SEPARATOR = re.compile(r"(?:[-~]{1,3}|至|到)")

_BEFORE = (
    (
        "≤",
        re.compile(
            r"≤|(?:最?终?不(?:晚|迟)于|不得(?:晚|迟)于|不超过|截(?:至|止)到?|最迟|最晚|至迟|务必于?|必须于|(?:至|到)(?=[12]\d{3}年|\d+月|年[底末]))"
        ),
    ),
    ("<", re.compile(r"<|早于|先于")),
    ("≥", re.compile(r"≥|不早于|(?:自|从)")),
    (">", re.compile(r">|晚于")),
    ("=", re.compile(r"=")),
)
_FILLER = re.compile(r"(?:力争|争取|确保|保证|预计|计划|拟|原则上|应|须|需|均|全部|于|在|即)+")
_AFTER = (
    ("≤", re.compile(r"(?:之前|以前|前|以内|之内|内(?!容|部)|为?止|截止)(?![期景瞻一二三四五六七八九十\d])")),
    ("≥", re.compile(r"(?:之后|以后|后(?![期续勤备台])|起始?(?!草|诉|点)|开始|以来)")),
)
_TAIL = re.compile(
    r"(?:左右|期间|(?:各|一)?(?:[一二两三四五六七八九十]|\d{1,2})次|(?:全部|全面|基本|均|正式|陆续|按时|集中|一次性)?(?:完成|完工|竣工|开工|结束|实施|启动|投入|发放|拨付|到位|"
    r"交付|验收|建成|通车|支付|上线|运行|举办|召开|开展|执行|报送|印发|下达|兑付|结算|投产|开放|开园|开学|结项|结题|申报|缴纳|采购|使用|落实|办结|到账|交工|完毕|施工|招标|建设|编制|审批|评审|公示|筛查|申请|征缴|达到|供暖|播种|收获|组织|清算))"
    r"[^\d≥≤<>]{0,20}|\([^()]{0,30}\)"
)
_WORDS = re.compile(r"[^\W\d_]{1,12}")
_LEAD = re.compile(r"[^\W\d_不未无没非勿]{1,16}?:?")
_AGAINST = re.compile(r"(?:[高低优好多少大小快慢][于於]?|相?比|相?较|接近|持平|同)$")  # 接近或高于2024年: compared with a year, no date
_QUICK = re.compile(r"[年月日号季]|20[0-5]\d|\d[/.-]\d|[底末初]|当[年月]|前|期间", re.ASCII)
_COUNTED = "半几数多一二两三四五六七八九十百千"
_NUMERAL = {sign: at for at, sign in enumerate("零一二三四五六七八九十")} | {"十一": 11, "十二": 12, "元": 1}


@dataclass(frozen=True, slots=True)
class Dated:
    """A date as read: comparison (``""`` when none was printed), ISO ends, and the words around it."""

    op: str = ""
    from_: str | None = None
    to: str | None = None
    lead: str = ""
    tail: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Point:
    start: str
    end: str
    stop: int
    deadline: bool = False
    spanned: bool = False


def read_date(text: str, hinted: bool = False) -> Dated | None:
    """Read a tight text as a date, deadline or span; ``hinted`` when the indicator's name says it is about time."""
    if not _QUICK.search(text):
        return None
    found = _read_at(text, 0, hinted)
    if found is not None:
        return found
    for at in range(1, min(len(text), 17)):
        lead = text[:at]
        if not _LEAD.fullmatch(lead):
            break
        if lead[-1] in _COUNTED or _AGAINST.search(lead):  # 三年内, 半年内
            continue
        found = _read_at(text, at, hinted)
        if found is not None:
            return replace(found, lead=lead + found.lead)
    return None


def _read_at(text: str, at: int, hinted: bool) -> Dated | None:
    at, op = _skip_fillers(text, at), ""
    for sign, pattern in _BEFORE:
        if match := pattern.match(text, at):
            op, at = sign, _skip_fillers(text, match.end())
            break
    if (vague := _VAGUE.match(text, at)) and (ended := _end(text, vague.end(), op)) is not None:
        return replace(ended, lead=vague[0], why="未写明具体月日")
    if relative := _RELATIVE_MONTH.match(text, at):
        point = _point(text, relative.end(), _MONTHLY)
        if point is None:
            return None
        ended = _end(text, point.stop, op)
        return None if ended is None else _placed(ended, point, relative[0], "")
    word = ""
    if relative := _RELATIVE.match(text, at):
        word, at = relative[0], relative.end()
    span = _span(text, at, hinted)
    if span is None:
        return None
    point, why = span
    ended = _end(text, point.stop, op or ("≤" if point.deadline else ""), point.spanned)
    return None if ended is None else _placed(ended, point, word, why)


def _placed(ended: Dated, point: _Point, lead: str, why: str) -> Dated:
    from_: str | None = point.start
    to: str | None = point.end
    if ended.op in ("≤", "<"):
        from_ = None
    elif ended.op in ("≥", ">"):
        to = None
    return replace(ended, from_=from_, to=to, lead=lead, why=why)


def _skip_fillers(text: str, at: int) -> int:
    match = _FILLER.match(text, at)
    return match.end() if match else at


def _end(text: str, at: int, op: str, spanned: bool = False) -> Dated | None:
    """Read what follows the moment: 前, 底前, 起, words of completion; None when something else stands there."""
    for sign, pattern in _AFTER:
        if match := pattern.match(text, at):
            if op not in ("", "=") and (op in "≥>") != (sign == "≥"):
                return None
            op, at = op if op in ("≤", "<", "≥", ">") else sign, match.end()
            tail = text[at:]
            return Dated(op, tail=tail) if len(tail) <= 30 and not re.search(r"[\d≥≤<>]", tail) else None
    tail = text[at:]
    if not tail or _TAIL.fullmatch(tail) or (spanned and _WORDS.fullmatch(tail)):
        return Dated("≤" if not op and tail.endswith("前") else op, tail=tail)
    return None


def _span(text: str, at: int, hinted: bool) -> tuple[_Point, str] | None:
    """Read one moment, or two with a dash between them."""
    if match := _YEARS.match(text, at):
        return _Point(match["y"], match["y2"], match.end(), spanned=True), ""
    if match := _MONTHS.match(text, at):
        year = _year(match["y"])
        one, two = _month(match["m"]), _month(match["m2"])
        return _Point(_iso(year, one), _bounds(year, two, match["part"])[1], match.end(), spanned=True), "" if one <= two else "跨年"
    if match := _DAYS.fullmatch(text, at):
        first_day, last_day = (_iso(None, _month(match[month]), int(match[day])) for month, day in (("m", "d"), ("m2", "d2")))
        return _Point(first_day, last_day, match.end(), spanned=True), ""
    if match := _QUARTERS.match(text, at):
        year = _year(match["y"])
        return _Point(_iso(year, 3 * _month(match["q"]) - 2), _iso(year, 3 * _month(match["q2"])), match.end(), spanned=True), ""
    first = _moment(text, at, hinted)
    if first is None:
        return None
    why = "年份中有千分位逗号" if re.match(r"2,0\d\d", text[at:]) else ""
    dash = _SEPARATOR.match(text, first.stop)
    if dash is None:
        return first, why
    after = dash.end()
    if relative := _RELATIVE.match(text, after):
        after = relative.end()
    second = _moment(text, after, True) or _point(text, after, _MONTHLY)
    if second is None:
        return None
    end = second.end
    if end.startswith("---") and len(first.start.rsplit("-", 1)[0]) > 2:  # 3月1日至15日
        end = f"{first.start[:-3]}-{end[3:]}"
    elif end.startswith("--") and first.start[:1].isdigit() and relative is None:
        end = f"{first.start[:4]}{end[1:]}"
    return _Point(first.start, end, second.stop, spanned=True), why


def _moment(text: str, at: int, hinted: bool) -> _Point | None:
    found = _point(text, at, _YEARED_DOTTED if hinted else _YEARED) or _point(text, at, _YEARLESS)
    if found is not None:
        return found
    if match := _DAY_ALONE.match(text, at):
        return _Point(day := f"---{int(match['d']):02}", day, match.end())
    if match := _MONTH_DAY.match(text, at):
        month, day_ = _month(match["m"]), int(match["d"])
        certain = hinted or match[0][-1] in "日号" or text.startswith(("前", "之前", "以前"), match.end())
        if (certain or (day_ > 12 and "/" in match[0])) and day_ <= _last(None, month):
            return _Point(iso := _iso(None, month, day_), iso, match.end())
    return None


def _point(text: str, at: int, patterns: tuple[re.Pattern[str], ...]) -> _Point | None:
    for pattern in patterns:
        if match := pattern.match(text, at):
            point = _resolved(match)
            if point is not None:
                return point
    return None


def _resolved(match: re.Match[str]) -> _Point | None:
    group = match.groupdict()
    year, part, stop = _year(group.get("y") or group.get("y2")), group.get("part"), match.end()
    if first := group.get("first") or group.get("firstq"):
        last = _month(first) * (1 if group.get("of") == "月" else 3)
        return _Point(_iso(year, 1), _iso(year, last), stop) if last <= 12 else None
    if group.get("q"):
        last = 3 * _month(group["q"])
        end = _bounds(year, last, "底")[1] if part else _iso(year, last)
        return _Point(end if part else _iso(year, last - 2), end, stop)
    if group.get("half"):
        last = 6 if group["half"] == "上" else 12
        end = _bounds(year, last, "底")[1] if part else _iso(year, last)
        return _Point(end if part else _iso(year, last - 5), end, stop)
    if group.get("yearpart") or group.get("yearpart2"):
        end = _iso(year, 12, 31)
        return _Point(end, end, stop, deadline=group.get("yearpart") == "内")
    if group.get("whole"):
        return _Point(_iso(None, 1, 1), _iso(None, 12, 31), stop)
    if group.get("m"):
        month = _month(group["m"])
        if group.get("d"):
            day = int(group["d"])
            return _Point(iso := _iso(year, month, day), iso, stop) if day <= _last(year, month) else None
        start, end = _bounds(year, month, part)
        return _Point(start, end, stop)
    if group.get("d"):
        return _Point(day_ := f"---{int(group['d']):02}", day_, stop)
    return _Point(str(year), str(year), stop) if year else None


def _bounds(year: int | None, month: int, part: str | None) -> tuple[str, str]:
    if part is None:
        return (iso := _iso(year, month)), iso
    if part in ("底", "末"):
        return (iso := _iso(year, month) if month == 2 and year is None else _iso(year, month, _last(year, month))), iso
    first, last = {"初": (1, 10), "上旬": (1, 10), "中": (11, 20), "中旬": (11, 20), "下旬": (21, _last(year, month))}[part]
    return _iso(year, month, first), _iso(year, month, last)


def _last(year: int | None, month: int) -> int:
    return monthrange(year or 2024, month)[1]


def _year(text: str | None) -> int | None:
    return int(text.replace(",", "")) if text else None


def _month(text: str) -> int:
    return int(text) if text.isascii() else _NUMERAL[text]


def _iso(year: int | None, month: int, day: int | None = None) -> str:
    return (f"{year}-" if year else "--") + f"{month:02}" + (f"-{day:02}" if day else "")


def date_text(op: str, from_: str | None, to: str | None) -> str:
    """Write a date back in Chinese, so that reading it gives the same again."""
    if op in ("≤", "<") and to:
        return f"{_spoken(to)}前" if op == "≤" else f"早于{_spoken(to)}"
    if op in ("≥", ">") and from_:
        return f"{_spoken(from_)}起" if op == "≥" else f"晚于{_spoken(from_)}"
    if from_ and to:
        return _spoken(from_) if from_ == to else f"{_spoken(from_)}至{_spoken(to)}"
    return {"≤": "前", "≥": "起"}.get(op, "")


def _spoken(iso: str) -> str:
    if iso.startswith("---"):
        return f"{int(iso[3:])}日"
    parts = iso.removeprefix("--").split("-")
    words = ("月", "日") if iso.startswith("--") else ("年", "月", "日")
    return "".join(f"{int(part)}{word}" for part, word in zip(parts, words, strict=False))
