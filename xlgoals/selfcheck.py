"""A workbook's check of itself, without macros: what the formulas of a form's sheets say, in the words of the rule catalogue.

Beside every row of a form stand hints, one for each mark that fails there; beside its title the status; in hidden columns
between, what the formulas keep. All of it refers to its own sheet only and stands outside the printed page. The 填报自检
sheet looks at the forms' hints. No formula carries a value, so that a program that does not compute shows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xlgoals.facts import Units
from xlgoals.findings import Catalogue, Rule
from xlgoals.forms import Form
from xlgoals.formulas import phrase, quoted, substituted
from xlgoals.layout import ORIGIN
from xlgoals.marks import Cells, Mark, letter_of
from xlgoals.models import HOLE, SelfCheck
from xlgoals.records import absolute, cell_name, column_name, column_number
from xlgoals.rules import marks

END = "  "  # behind every hint; no text in one holds two blanks
SHOWN = 40  # letters of what is found, in a hint
BLANK = '""'
HINT_MOST = 500  # letters of one
UNKNOWN = "…"  # for a hole that the sheet cannot fill
ROOM = 2000  # letters of a formula: xls holds far fewer than FORMULA_MOST
Spot = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Checks:
    """What the sheets of one form say of themselves: the same formulas on each. Rows and columns are the form's."""

    rules: tuple[Rule, ...]  # numbered from one
    formulas: Mapping[Spot, str]
    hints: int  # column of the hints, the first of the hidden ones
    shown: int  # column that shows them, and the status in its first row
    last: int  # row
    state: Spot  # a number: how many hints; -1 where nothing is filled in
    columns: tuple[str, ...]  # letters of the columns that a hint may speak of

    @property
    def status(self) -> Spot:
        return 0, self.shown


def checks_of(form: Form, catalogue: Catalogue, words: SelfCheck, units: Units) -> Checks:
    """Gather the marks of all rules on a form and lay them out."""
    cells = Cells(form)
    last = len(cells.plan.rows) - 1
    told: dict[int, list[tuple[Mark, str]]] = {}
    rules: list[Rule] = []
    for rule in catalogue.rules.values():
        found = marks(cells, rule, units) if rule.severity != "note" else ()
        if found:
            rules.append(rule)
        for mark in found:
            told.setdefault(mark.ref.row, []).append((mark, _said(mark, rule, len(rules), words)))
    area = f"{_fixed(cells.address(0, cells.hints))}:{_fixed(cells.address(last, cells.hints))}"
    begun = _fixed(cells.keep(0, cells.anything()))
    error, query = (cells.keep(0, _times(area, quoted(sign))) for sign in (words.signs.error, words.signs.query))
    added = cells.keep(0, f"ROWS({area})-COUNTA({area})")  # every row has a hint, if only a blank one: one without was inserted
    state = cells.keep(0, f"IF({begun}=0,-1,{error}+{query}+{added})")
    formulas = {(row, cells.hints): _hints(cells, row, told.get(row, []), begun, words) for row in range(last + 1)}
    for row, own in cells.kept.items():
        formulas |= {(row, cells.helper + n): expression for expression, n in own.items()}
    shown = cells.helper + cells.helpers
    formulas |= {(row, shown): cells.address(row, cells.hints) for row in range(1, last + 1)}
    formulas[0, shown] = f"{_status(begun, error, query, added, words)}&{quoted(END)}&{cells.address(0, cells.hints)}"
    columns = sorted({letter_of(ref) for ref in cells.inputs}, key=lambda name: (len(name), name))
    at = (0, cells.helper + next(n for expression, n in cells.kept[0].items() if cells.address(0, cells.helper + n) == state))
    return Checks(tuple(rules), formulas, cells.hints, shown, last, at, tuple(columns))


def _said(mark: Mark, rule: Rule, number: int, words: SelfCheck) -> str:
    """What a hint says: where, by which check, and the rule's own sentence."""
    known = {name: quoted(text) for name, text in rule.parameters.items()} | {"field": quoted(mark.ref.label)}
    known |= {name: told if told.startswith('"') else _found(told, words) for name, told in mark.words.items()}
    holes = {hole: known.get(hole, quoted(UNKNOWN)) for hole in HOLE.findall(rule.sentence)}
    head = words.place.format(sign=words.signs.of(rule.severity), column=letter_of(mark.ref)) + words.number.format(number=number)
    return phrase(f"{head}{rule.sentence}{END}", holes)


def _found(told: str, words: SelfCheck) -> str:
    """What somebody typed, within a hint: short, and nothing in it that hints are told by."""
    return substituted(f"TRIM(LEFT({told},{SHOWN}))", [(words.signs.error, ""), (words.signs.query, "")])


def _hints(cells: Cells, row: int, told: Sequence[tuple[Mark, str]], begun: str, words: SelfCheck) -> str:
    """All hints of a row, cell by cell; more than a formula holds are kept beside it in parts."""
    unread: dict[str, list[tuple[Mark, str]]] = {}
    for mark, said in told:
        unread.setdefault(mark.ref.unread, []).append((mark, said))
    parts: list[list[str]] = [[]]
    for cell, own in unread.items():
        lost, here = (_listed((mark.fails, said) for mark, said in own if mark.of_error == wanted) for wanted in (True, False))
        sure = here if here == BLANK else f"IFERROR({here},{quoted(words.unclear + END)})"
        hint = f"IF(ISERROR({cell}),{lost},{sure})"
        if len("&".join([*parts[-1], hint])) > ROOM:
            parts.append([])
        parts[-1].append(hint)
    joined = ["&".join(part) for part in parts if part]
    whole = "&".join(cells.keep(row, part) for part in joined) if len(joined) > 1 else "".join(joined)
    return f'IF({begun}=0,"",{whole})' if whole else BLANK


def _listed(told: Iterable[tuple[str, str]]) -> str:
    return "&".join(said if fails == "TRUE" else f'IF({fails},{said},"")' for fails, said in told) or BLANK


def _status(begun: str, error: str, query: str, added: str, words: SelfCheck) -> str:
    said, holes = words.status, {"error": error, "query": query}
    some = f"IF({error}=0,{phrase(said.query, holes)},IF({query}=0,{phrase(said.error, holes)},{phrase(said.both, holes)}))"
    whole = f"IF({added}<>0,{quoted(said.added)},IF({error}+{query}=0,{quoted(said.passed)},{some}))"
    return f"IFERROR(IF({begun}=0,{quoted(said.blank)},{whole}),{quoted(said.broken)})"


def _times(area: str, text: str) -> str:
    """How often a text stands in the cells of an area."""
    return f'SUMPRODUCT(LEN({area})-LEN(SUBSTITUTE({area},{text},"")))/LEN({text})'


def _fixed(cell: str) -> str:
    """A reference that stays when its formula is copied."""
    return absolute(cell.replace("$", ""))


# --- the sheet -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the 填报自检 sheet: formulas begin with an equals sign, what does not is words. `kept` stands in hidden columns:
    how many hints (-1 where nothing is filled in, -2 where the form is gone), where the first stands (sheet rows counted up
    to BELOW), the hints beside that row, the letter of its column; and, for a whole form, its state."""

    shown: tuple[str, str, str, str, str, str]
    kept: tuple[str, str, str, str, str]


KEPT = 5  # of the hidden columns
BELOW = 100_000


def rows_of(name: str, form: Form, checks: Checks, words: SelfCheck, first: int) -> list[Row]:
    """The rows about one form sheet, the first of them at a row of the 填报自检 sheet (from zero): the whole form, then each check.
    The sheet may be renamed or deleted: nothing but references names it."""
    sheet = "'" + name.replace("'", "''") + "'!"

    def cell(row: int, col: int) -> str:
        return f"{sheet}{absolute(cell_name(row + ORIGIN[0], col + ORIGIN[1]))}"

    def whole(first: str, last: str) -> str:
        return f"{sheet}${first}:${last}"

    result, area = words.results, f"{cell(0, checks.hints)}:{cell(checks.last, checks.hints).removeprefix(sheet)}"
    gone, column = quoted(result.gone), column_name(checks.hints + ORIGIN[1])
    link = f'HYPERLINK("#"&CELL("address",{cell(0, 0)}),{quoted(name)})'
    said = cell(*checks.status)  # the hints of its row stand behind it
    rows = [Row(
        (f"=IFERROR({link},{quoted(name)})", words.whole, f"=IFERROR(LEFT({said},FIND({quoted(END)},{said})-1),{gone})", "", "", ""),
        ("", "", "", "", f"=IFERROR({cell(*checks.state)},-2)"),
    )]  # fmt: skip
    letters = "{" + ",".join(quoted(letter) for letter in checks.columns) + "}"
    numbers = "{" + ",".join(str(column_number(letter)) for letter in checks.columns) + "}"
    for n, rule in enumerate(checks.rules, 1):
        count, place, text, letter = (f"${column_name(len(words.heads) + i)}{first + n + 1}" for i in range(4))
        token, sign = quoted(words.by(n)), quoted(words.signs.of(rule.severity))
        before, behind = f"LEFT({text},FIND({token},{text})-1)", f"MID({text},FIND({token},{text})+LEN({token}),{HINT_MOST})"
        some = phrase(result.query if rule.severity == "query" else result.error, {"count": count})
        target = f"INDEX({whole(column_name(0), checks.columns[-1])},{BELOW}-{place},SUMPRODUCT(({letters}={letter})*{numbers}))"
        known = {"unit": form.dialect.money_unit, **rule.parameters}
        remedy = HOLE.sub(lambda hole, known=known: known.get(hole[1], UNKNOWN), rule.remedy)  # type: ignore[misc]
        rows.append(Row(
            (
                name, rule.title,
                f"=IF({count}=-2,{gone},IF({count}=-1,{quoted(result.blank)},IF({count}=0,{quoted(result.passed)},{some})))",
                f'=IFERROR(LEFT({behind},FIND({quoted(END)},{behind}&{quoted(END)})-1),"")',
                f'=IF({count}>0,{quoted(remedy)},"")',
                f'=IFERROR(IF({place}>0,HYPERLINK("#"&CELL("address",{target}),{letter}&({BELOW}-{place})),""),"")',
            ),
            (
                f"=IFERROR(IF({cell(*checks.state)}=-1,-1,{_times(area, token)}),-2)",
                f"=IFERROR(IF({count}>0,SUMPRODUCT(MAX(ISNUMBER(FIND({token},{area}))*({BELOW}-ROW({area})))),0),0)",
                f'=IFERROR(IF({place}>0,INDEX({whole(column, column)},{BELOW}-{place}),""),"")',
                f'=IFERROR(TRIM(RIGHT(SUBSTITUTE({before},{sign},REPT(" ",99)),99)),"")', "",
            ),
        ))  # fmt: skip
    return rows
