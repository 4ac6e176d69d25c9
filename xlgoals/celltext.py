"""What a person typed into a cell that the spreadsheet turned into a number or a date: 0.95 shown as 95% was ``95%``."""

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache

_SECTION = re.compile(r'((?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[])*)')
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|!(.)|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|_.|\*.')
_MASK = re.compile(r"[#0?][#0?,.]*")
_DIGITS = 15  # all that a spreadsheet keeps of a number


def as_typed(value: object, number_format: str = "General") -> str:
    """Give the text of a cell as it was typed, as far as value and number format tell; text comes back unchanged."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    section = _SECTION.match(number_format or "General")
    shown = section[1] if section else ""
    if isinstance(value, dt.date):
        return _date(value, _LITERAL.sub("", shown).lower())
    if isinstance(value, dt.time):
        return value.isoformat("minutes" if not value.second else "seconds")
    if isinstance(value, int | float | Decimal):
        return _number(value, shown)
    return str(value)


def _date(value: dt.date, shown: str) -> str:
    year, day = "y" in shown or "e" in shown or "g" in shown, "d" in shown
    month = "m" in shown.replace("h:mm", "").replace("mm:ss", "")
    if shown in ("", "general", "@") or not (year or month or day):
        year = month = day = True
    text = (f"{value.year}年" if year else "") + (f"{value.month}月" if month else "") + (f"{value.day}日" if day else "")
    if isinstance(value, dt.datetime) and "h" in shown and (value.hour or value.minute):
        text += f" {value.hour}:{value.minute:02}"
    return text


def _number(value: float | Decimal, shown: str) -> str:
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        return str(value)
    if isinstance(value, float):
        exact = +exact if len(exact.as_tuple().digits) <= _DIGITS else round(exact, _DIGITS - 1 - exact.adjusted())
    bare, before, mask, after = _parts(shown)
    if "%" in bare:
        exact *= 100
        least = len(mask.partition(".")[2])
        text = _plain(exact)
        missing = least - len(text.partition(".")[2])
        if missing > 0:
            text += ("" if "." in text else ".") + "0" * missing
        return f"{before}{text}{after if '%' in after else after + '%'}"
    if mask.endswith(",") or "!" in shown or "e+" in bare.lower() or "/" in bare or bare.strip().lower() in ("", "general", "@"):
        return _plain(exact)  # scaled or otherwise not shown as it is: words around the mask would be about another number
    return f"{before}{_plain(exact)}{after}"


@lru_cache(maxsize=1_024)
def _parts(shown: str) -> tuple[str, str, str, str]:
    """A number format without its words, and `_around`."""
    return _LITERAL.sub("", shown), *_around(shown)


def _around(shown: str) -> tuple[str, str, str]:
    """The words a format prints before and after its digits, and the digits' mask."""
    literals: list[str] = []

    def hold(match: re.Match[str]) -> str:
        text = next((group for group in match.groups() if group is not None), "")
        literals.append(text)
        return "\0" if text else ""

    bare = _LITERAL.sub(hold, shown)
    literals = [text for text in literals if text]
    mask = _MASK.search(bare)
    if mask is None:
        return "", "", ""
    filled = [bare[: mask.start()], bare[mask.end() :]]
    for at, part in enumerate(filled):
        while "\0" in part:
            part = part.replace("\0", literals.pop(0), 1)
        filled[at] = re.sub(r"[^%\w≥≤<>=¥￥$€/()（）·℃‰]", "", part) if not re.search(r"general", part, re.IGNORECASE) else ""
    return filled[0], mask[0], filled[1]


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
