"""Cleaned text and the numbers written in it: Arabic with separators, Chinese numerals, full-width forms.

Cleaning changes only how a character is drawn, never what is said: full-width forms become ASCII, the many signs for
"at least" become one, blanks that a narrow cell forced into a value go. Superscripts, circled digits and fractions are left
alone on purpose: folding them would turn ``10²`` into ``102``.
"""

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

DIGITS = 24  # more digits than this are no target, and Decimal would start to round

_FOLDED = (range(0xFF01, 0xFFEF), range(0xFE50, 0xFE70), range(0x2F00, 0x2FE0), range(0xF900, 0xFB00))
_SIGNS = {
    "≧⩾⪰≽≿⋝≮≳": "≥",
    "≦⩽⪯≼≾⋜≯≲": "≤",
    "═﹦⩵": "=",
    "≈≒≅≃": "约",
    "〜∼∽⁓∾～": "~",
    "—–―−─‒‐‑⁃ㄧ━": "-",
    "\u3000\u00a0\u2002\u2003\u2009\u200a\u202f\u2007\u2008\t\x0b\x0c": " ",
    "\r\u2028\u2029\x85": "\n",
    "\u200b\u200c\u200d\ufeff\u2060\u00ad\u200e\u200f": "",
    "„‟": "“",
    "﹪": "%",
    "¥￥": "¥",
    "【〔": "(",
    "】〕": ")",
}


def _table() -> dict[int, str]:
    table = {code: unicodedata.normalize("NFKC", chr(code)) for block in _FOLDED for code in block}
    table |= {code: " " for code in range(32) if code != 10}
    for signs, plain in _SIGNS.items():
        table |= {ord(sign): plain for sign in signs}
    return table


_TABLE = _table()
_BREAKS = re.compile(r" *\n[ \n]*")
_BLANKS = re.compile(r" {2,}")
_DOUBLE_SIGN = re.compile(r"> ?/? ?=|= ?>|≥ ?=")
_DOUBLE_SIGN_LE = re.compile(r"< ?/? ?=|= ?<|≤ ?=")
_POINT_GAP = re.compile(r"(?<=\d) ?\. ?(?=\d{1,6}(?![\d年月.]))")
_COMMA_GAP = re.compile(r"(?<=\d) ?, ?(?=\d{3}(?!\d))")
_LOOSE = re.compile(r"(?<![0-9A-Za-z])[ \n]+|[ \n]+(?![0-9A-Za-z])")


def clean(text: str) -> str:
    """Draw every character one way; line breaks stay as single ``\\n``, other blanks as single spaces."""
    if text.isascii() and text.isalnum():
        return text
    text = text.translate(_TABLE)
    if "\n" in text:
        text = _BREAKS.sub("\n", text)
    text = _BLANKS.sub(" ", text).strip(" \n")
    if "=" in text:
        text = _DOUBLE_SIGN_LE.sub("≤", _DOUBLE_SIGN.sub("≥", text)).replace("==", "=")
    return text


def tight(text: str) -> str:
    """Drop the blanks of a cleaned text, except where they hold two ASCII words or numbers apart."""
    if " " not in text and "\n" not in text:
        return text
    text = _COMMA_GAP.sub(",", _POINT_GAP.sub(".", text))
    return _LOOSE.sub("", text).replace("\n", " ")


_WRAPPED = re.compile(r"[(\[\"'《<“](?P<inner>[^()\[\],\"'《》“”]+)[)\]\"'》>”]")
_TRAILING = re.compile(r"^[。;,、:]+|(?<!\.)[。;,、:!]+$|(?<=[^\d.])\.$")


def settled(cleaned: str) -> str:
    """A text without loose blanks, end punctuation or brackets around all of it; settled, so that reading it again changes nothing."""
    for _ in range(6):
        text = _TRAILING.sub("", tight(cleaned))
        if match := _WRAPPED.fullmatch(text):
            text = match["inner"]
        text = clean(text)
        if text == cleaned:
            break
        cleaned = text
    return cleaned


_ORDINARY = re.compile(r"[\u4e00-\u9fff0-9A-Za-z]*")


def settled_text(text: str) -> str:
    """A text cleaned and settled; one of nothing but letters and digits, as most names are, is both already."""
    return text if _ORDINARY.fullmatch(text) else settled(clean(text))


ARABIC = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
CHINESE = r"半(?=个?(?:月|天|日|小时|年|学期))|[零〇一二两三四五六七八九十百千壹贰叁肆伍陆柒捌玖拾佰仟]+(?:点[零〇一二三四五六七八九]+)?"

_DIGIT = {
    sign: value
    for value, signs in enumerate(("零〇", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for sign in signs
}
_PLACE = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}


@lru_cache(maxsize=4096)
def number(text: str) -> Decimal | None:
    """Read one numeral, Arabic or Chinese (below 万, which counts as scale); None when it is not well formed."""
    if text[:1].isascii():
        digits = text.replace(",", "")
        return Decimal(digits) if len(digits) <= DIGITS and re.fullmatch(r"-?\d+(\.\d+)?", digits, re.ASCII) else None
    if text == "半":
        return Decimal("0.5")
    whole, _, fraction = text.partition("点")
    value = _chinese(whole)
    if value is None or not fraction:
        return None if value is None else Decimal(value)
    return Decimal(f"{value}." + "".join(str(_DIGIT[sign]) for sign in fraction))


def _chinese(text: str) -> int | None:
    if len(text) > 1 and all(sign in _DIGIT for sign in text):  # 二〇二六
        return int("".join(str(_DIGIT[sign]) for sign in text)) if "两" not in text and len(text) == 4 else None
    total, digit, least = 0, None, 10000
    for at, sign in enumerate(text):
        if sign in _DIGIT:
            if digit is not None and digit != 0:
                return None
            digit = _DIGIT[sign]
            continue
        place = _PLACE[sign]
        if place >= least or (digit in (None, 0) and not (place == 10 and at == 0)):
            return None
        total, least, digit = total + (1 if digit is None else digit) * place, place, None
    return total + (digit or 0)


def plain(value: Decimal) -> str:
    """Write a number in digits, never with an exponent."""
    return format(value, "f")
