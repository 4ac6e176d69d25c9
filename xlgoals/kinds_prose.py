"""Kinds of rule about what is said in words: goals, fields, and what stands beside the indicators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from xlgoals.conditions import Condition, Kind, Row, words
from xlgoals.facts import Units, goals
from xlgoals.findings import Rule
from xlgoals.forms import Form

_STOP = "，。；：、,;:\\n"  # what ends a clause
_NUMBERED = r"[〔\[【（(]\s*((?:19|20)\d\d)\s*[〕\]】）)]\s*第?\s*(\d+)\s*号"  # 〔2023〕208号
_YEAR = r"20\d\d\s*年"
_NO_YEAR = r"《[^》]*》|[〔\[【（(]\s*20\d\d\s*[〕\]】）)]|20\d\d\s*年?\s*[-—–~～至到]+\s*20\d\d\s*年?|20\d\d\s*年?\s*[、和及]\s*20\d\d\s*年"
"""Years that say nothing of when: of a document, in a title, of a span."""


TEXT = pl.col("text")


def _where(rule: Rule) -> pl.Expr:
    """Whether a text is of those that a rule speaks of: by role (goal, name, target, basis …) or, of fields, by part (purpose …)."""
    wanted = list(words(rule.parameters["where"]))
    return pl.col("role").is_in(wanted) | pl.col("part").is_in(wanted)


def _first(pattern: str, text: pl.Expr) -> pl.Expr:
    return text.str.extract(f"({pattern})", 1).fill_null("").str.strip_chars()


def _said(row: Row) -> Mapping[str, str]:
    return {name.removeprefix("#"): row[name] for name in ("#found", "#expected") if name in row}


def _text_without(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A text does not hold what a pattern finds, once what `set_aside` finds is taken out."""
    pattern, aside = rule.parameters["pattern"], rule.parameters.get("set_aside", "")
    text = TEXT.str.replace_all(aside, "") if aside else TEXT
    holds, more = ~text.str.contains(pattern), {"#found": _first(pattern, text)}
    yield Condition(rule.code, "texts", "text", holds, "{key}", _said, more=more, asked=_where(rule))


def _doubled(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No word stands twice in a row, save those that end one compound and begin the next (工作工作经费)."""
    kept = list(words(rule.parameters["may_repeat"]))
    left = pl.col("doubled").str.split(" ").list.set_difference(["", *kept])

    def tell(row: Row) -> Mapping[str, str]:
        word = next(one for one in row["doubled"].split() if one not in kept)
        return {"found": word * 2, "expected": word}

    yield Condition(rule.code, "texts", "doubled", left.list.len() == 0, "{key}", tell, asked=_where(rule) & (pl.col("doubled") != ""))


def _goal_repeats(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Of the goals of a horizon no two say the same."""
    if goals(form):
        holds = pl.col("first") == pl.col("key")
        yield Condition(rule.code, "texts", "first", holds, "{key}", lambda row: {}, other="{first}", asked=pl.col("role") == "goal")


def _goal_short(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """The goals of a horizon are long enough to say what is done and to what effect."""
    if goals(form):
        holds = (pl.col("length").fill_null(0) >= int(rule.parameters["fewest"])) | (pl.col("first") != pl.col("key"))
        yield Condition(rule.code, "texts", "length", holds, "{key}", lambda row: {"length": str(row["length"])}, asked=pl.col("role") == "goal")


# --- years and numbers -----------------------------------------------------------------------------------------------


def _earlier(text: pl.Expr, base: str) -> pl.Expr:
    """The earliest year that a text speaks of, but for documents, titles, spans, and clauses that only look back."""
    plain = text.str.replace_all(_NO_YEAR, "")
    if base:
        plain = plain.str.replace_all(rf"[^{_STOP}]*(?:{base})[^{_STOP}]*", "")
    return plain.str.extract_all(_YEAR).list.eval(pl.element().str.slice(0, 4).cast(pl.Int32)).list.min()


def _year_of(column: str) -> pl.Expr:
    return pl.col(column).str.extract(r"^\s*(20\d\d)\s*$").cast(pl.Int32)


def _as_year(year: pl.Expr) -> pl.Expr:
    return year.cast(pl.String) + "年"


def _text_year(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A text about what is to be done does not speak only of a year shortly before the form's (before its middle term, in a goal
    of that)."""
    first = pl.when(pl.col("horizon") == "annual").then(_year_of("year")).otherwise(pl.coalesce(_year_of("from"), _year_of("year")))
    said = _earlier(TEXT, rule.parameters["base"])
    late = (said < first) & (said >= first - int(rule.parameters["back"]))
    more = {"#found": _as_year(said), "#expected": _as_year(first)}
    asked = _where(rule) & TEXT.str.contains(_YEAR) & ~TEXT.str.contains(pl.col("year"), literal=True)
    yield Condition(rule.code, "texts", "year", ~late.fill_null(False), "{key}", _said, more=more, asked=asked)


def _name_year(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A project's name speaks of no earlier year than the form; `against`: told only where the form's other words name its year."""
    said, year = _earlier(TEXT, rule.parameters["base"]), _year_of("year")
    late = (said < year) & (said >= year - int(rule.parameters["back"]))
    holds = ~late.fill_null(False)
    if rule.parameters["against"] == "yes":
        holds |= ~pl.col("years").str.contains(pl.col("year"), literal=True)

    more = {"#found": _as_year(said), "#expected": _as_year(year)}
    yield Condition(rule.code, "texts", "years", holds, "{key}", _said, more=more, asked=(pl.col("part") == "project_name") & TEXT.str.contains(_YEAR))


def _numbered(text: pl.Expr) -> pl.Expr:
    """Whether a text may name a document by its number: one look for a sign, before patterns are."""
    return text.str.contains("号", literal=True)


def _document(text: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Who issued the first document that a text names by its number, of which year, and which number."""
    return text.str.extract(rf"(\p{{Han}}{{2,4}})\s*{_NUMBERED}", 1), text.str.extract(_NUMBERED, 1), text.str.extract(_NUMBERED, 2)


def _same_document(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """What a line rests on is the document that the project is named after, where both are of the same issuer."""
    issuer, year, number = _document(pl.col("project"))
    said_issuer, said_year, said_number = _document(TEXT)
    same = (said_year == year) & (said_number == number)
    holds = (said_issuer != issuer).fill_null(True) | same.fill_null(True)

    whole = rf"\p{{Han}}{{2,4}}\s*{_NUMBERED}"
    more = {"#found": _first(whole, TEXT), "#expected": _first(whole, pl.col("project"))}
    yield Condition(rule.code, "texts", "project", holds, "{key}", _said, other="project_name", more=more, asked=_where(rule) & _numbered(TEXT))


def _basis_mixed(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """What a line rests on does not end with the whole of what another rests on, pasted behind it."""
    yield Condition(rule.code, "texts", "mixed", pl.col("mixed") == "", "{key}", lambda row: {"expected": row["mixed"]}, asked=pl.col("role") == "basis")


def _document_year(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """No document that a text names by its number is of a later year than the form."""
    _, said, _ = _document(TEXT)
    holds = (said.cast(pl.Int32) <= _year_of("year")).fill_null(True)

    more = {"#found": _first(_NUMBERED, TEXT), "#expected": pl.col("year")}
    yield Condition(rule.code, "texts", "part", holds, "{key}", _said, more=more, asked=_where(rule) & _numbered(TEXT))


def _promise_kept(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A percentage that a goal promises is carried by an indicator."""
    promised = pl.col("clause").str.contains(rule.parameters["pattern"]) & ~pl.col("clause").str.contains(rule.parameters["base"])
    yield Condition(
        rule.code, "promises", "share", pl.col("carried") | ~promised, "{key}", lambda row: {"found": row["clause"].strip(), "expected": row["share"]}
    )


KINDS: Mapping[str, Kind] = {
    "text_without": Kind(_text_without, ("where", "pattern"), patterns=("pattern", "set_aside")),
    "doubled": Kind(_doubled, ("where",)),
    "goal_repeats": Kind(_goal_repeats),
    "goal_short": Kind(_goal_short, numbers=("fewest",)),
    "text_year": Kind(_text_year, ("where", "base"), ("back",), patterns=("base",)),
    "name_year": Kind(_name_year, ("base", "against"), ("back",), patterns=("base",)),
    "same_document": Kind(_same_document, ("where",)),
    "basis_mixed": Kind(_basis_mixed),
    "document_year": Kind(_document_year, ("where",)),
    "promise_kept": Kind(_promise_kept, ("pattern", "base"), patterns=("pattern", "base")),
}
