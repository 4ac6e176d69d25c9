"""Number formats: their codes, and the moment that a serial number shows in one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from xlgoals.records import Value
from xlgoals.safexml import whole

# What Excel does not write into the file because every Excel knows it; 27 to 36 and 50 to 58 as a Chinese Excel shows them.
_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "¥#,##0;¥-#,##0", 6: "¥#,##0;[Red]¥-#,##0", 7: "¥#,##0.00;¥-#,##0.00",
    8: "¥#,##0.00;[Red]¥-#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy/m/d",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy/m/d h:mm",
    37: "#,##0;-#,##0", 38: "#,##0;[Red]-#,##0", 39: "#,##0.00;-#,##0.00", 40: "#,##0.00;[Red]-#,##0.00",
    41: '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ ', 42: '_ ¥* #,##0_ ;_ ¥* -#,##0_ ;_ ¥* "-"_ ;_ @_ ',
    43: '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', 44: '_ ¥* #,##0.00_ ;_ ¥* -#,##0.00_ ;_ ¥* "-"??_ ;_ @_ ',
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
    27: 'yyyy"年"m"月"', 28: 'm"月"d"日"', 29: 'm"月"d"日"', 30: "m-d-yy", 31: 'yyyy"年"m"月"d"日"', 32: 'h"时"mm"分"',
    33: 'h"时"mm"分"ss"秒"', 34: '上午/下午h"时"mm"分"', 35: '上午/下午h"时"mm"分"ss"秒"', 36: 'yyyy"年"m"月"',
    50: 'yyyy"年"m"月"', 51: 'm"月"d"日"', 52: 'yyyy"年"m"月"', 53: 'm"月"d"日"', 54: 'm"月"d"日"', 55: '上午/下午h"时"mm"分"',
    56: '上午/下午h"时"mm"分"ss"秒"', 57: 'yyyy"年"m"月"', 58: 'm"月"d"日"',
}  # fmt: skip
_MIDNIGHT = dt.datetime(2000, 1, 1)  # noqa: DTZ001  a date in a sheet has no zone
_NO_DATE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|am/pm|a/p|general', re.IGNORECASE)


def codes_of(styles: Iterable[str], own: Mapping[str, str]) -> dict[int, str]:
    """Number of a style -> code, where it is not General, of styles given by the ids of their formats."""
    found = {}
    for style, used in enumerate(styles):
        code = own.get(used) or _BUILT_IN.get(whole(used, 0), "")
        if code and code.lower() != "general":
            found[style] = code
    return found


@lru_cache(maxsize=1_024)
def is_moment(code: str) -> bool:
    """Whether a number format shows a date, a time or a duration."""
    bare = _bare(code)
    return any(letter in bare for letter in "ymdhse") and "0e" not in bare and "#e" not in bare


@lru_cache(maxsize=1_024)
def _bare(code: str) -> str:
    """The letters of a format's first section that stand for something."""
    return _NO_DATE.sub("", code).partition(";")[0].lower()


def moment(number: float, code: str, date1904: bool = False) -> Value:
    """Turn a serial number into what its format shows; where it shows no real date, the number stays a number."""
    bare = _bare(code)
    if "[" in code and any(mark in code.lower() for mark in ("[h", "[m", "[s")):
        return dt.timedelta(milliseconds=round(number * 86_400_000)) if abs(number) < 3_000_000 else number
    if not any(letter in bare for letter in "yde") and ("h" in bare or "s" in bare) and 0 <= number < 1:
        return (_MIDNIGHT + dt.timedelta(milliseconds=min(round(number * 86_400_000), 86_399_999))).time()
    if date1904:
        start = _MIDNIGHT.replace(1904, 1, 1)
    elif 1 <= number < 60:
        start = _MIDNIGHT.replace(1899, 12, 31)
    elif number >= 61:
        start = _MIDNIGHT.replace(1899, 12, 30)  # Excel counts a 29 February 1900 that never was
    else:
        return number
    if not 0 <= number < 2_958_466 - 1_462 * date1904:
        return number
    found = start + dt.timedelta(milliseconds=round(number * 86_400_000))
    return found if number % 1 else found.date()
