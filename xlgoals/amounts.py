"""Amounts of money typed into cells, as expressions: what `parse` makes of them, in the form's unit and in yuan.

A number is an amount; text is one when it is written as `parse` takes it (a unit behind it, thousands separated, a word for
nothing). Number formats are not seen here: 50% typed into a cell that took its format along is the number 0.5.
"""

from __future__ import annotations

from decimal import Decimal

from xlgoals.facts import Units
from xlgoals.formulas import HARD, WIDE, every, exactly_one_of, number, quoted, substituted
from xlgoals.layout import in_percent, plan
from xlgoals.marks import Cells, Ref
from xlgoals.words import NIL, full_width

ERROR, UNREADABLE = "!", "?"  # what `state` says instead of a number: the cell is an error; no amount, then the unit it bears
MOST = 10**17  # yuan; what no table holds is no amount
SIGNS = "0123456789.,+-eE"
LONGEST = 30  # letters of an amount


def state(cells: Cells, ref: Ref, units: Units) -> str:
    """The cell that says what an input holds: the amount in the form's unit, "" when blank, else text that begins with
    ERROR or UNREADABLE."""
    form, row, cell = cells.form, ref.row, ref.cell
    blanks = [(blank, "") for blank in (" ", WIDE, HARD)]
    narrow = [(full_width(sign), sign) for sign in SIGNS[:-2] + "/"]
    # a bar in front, for a sign of money that may only stand there
    signed = substituted(f'"|"&CLEAN({cell})', [*blanks, *narrow, ("−", "-"), ("￥", "¥")])
    text = cells.keep(row, f"MID({substituted(signed, [('|¥', '|')])},2,99)")
    bare, names = text, sorted((name for name, _ in units), key=len)
    for name in names:  # the longest is asked first
        bare = f"IF(RIGHT({text},{len(name)})={quoted(name)},LEFT({text},LEN({text})-{len(name)}),{bare})"
    figure = cells.keep(row, bare)
    plain = substituted(figure, [(",", "")])
    unsigned = substituted(figure, [("+", ""), ("-", "")])
    whole = f'LEFT({unsigned},FIND(".",{unsigned}&".")-1)'
    tail = substituted(f"LOWER(MID({figure},2,99))", [("e+", "e"), ("e-", "e")])
    places = ",".join(str(place) for place in range(1, LONGEST + 1))
    well = every(
        f"SUMPRODUCT(--ISERROR(FIND(MID({figure}&REPT({quoted(SIGNS[0])},{LONGEST}),{{{places}}},1),{quoted(SIGNS)})))=0",
        f"LEN({figure})<={LONGEST}",
        f"ISERROR(FIND(\"-\",{tail}))",
        f"ISERROR(FIND(\"+\",{tail}))",
        f"LEN({figure})-LEN({substituted(figure, [('.', '')])})<=1",
        f'IF(ISERROR(FIND(",",{figure})),TRUE,TEXT(VALUE({substituted(whole, [(",", "")])}),"#,##0")={whole})',
        f"ABS(VALUE({plain}))*{number(form.money_factor)}<{MOST}",
    )
    own = f"MID({text},LEN({figure})+1,9)"
    read = f"IFERROR(IF({well},IF(OR({own}=\"\",{own}={quoted(form.dialect.money_unit)}),VALUE({plain}),{quoted(UNREADABLE)}&{own}),{quoted(UNREADABLE)}),{quoted(UNREADABLE)})"
    typed = f"IF(ABS({cell})*{number(form.money_factor)}<{MOST},{cell},{quoted(UNREADABLE)})"
    nil = exactly_one_of(text, NIL)
    nothing = f'{text}=""'
    if in_percent(plan(form), ref.slot.key):  # 30% is a share there, and no amount
        nothing = f'OR({nothing},RIGHT({text})="%",RIGHT({text})="％")'
    return cells.keep(
        row, f"IF(ISERROR({cell}),{quoted(ERROR)},IF(ISNUMBER({cell}),{typed},IF({nothing},\"\",IF({nil},0,{read}))))"
    )


def yuan(cells: Cells, amount: str) -> str:
    """An amount in yuan, to the cent; nothing is 0."""
    return f"ROUND(N({amount})*{number(cells.form.money_factor)},2)"


def unknown(amount: str) -> str:
    """Whether something stands there that is no amount."""
    return f'AND(ISTEXT({amount}),{amount}<>"")'


def figure(cells: Cells, amount: str) -> str:
    """Yuan as the form prints them."""
    return f'TEXT({amount}/{number(cells.form.money_factor)},"#,##0.00####")'


def readable(amount: str, least: Decimal, units: Units) -> str:
    """Yuan in the largest unit that `least` fills."""
    name, factor = max((unit for unit in units if unit[1] <= least), key=lambda unit: unit[1])
    return f'TEXT(ROUND({amount}/{number(factor)},2),"#,##0.##")&{quoted(f" {name}")}'
