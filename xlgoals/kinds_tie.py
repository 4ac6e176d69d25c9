"""Kinds of rule that are judged on a whole batch's budget tables: what must be equal (`tie`), and codes of the classification (`subject`).

Which equalities there are is declared in `mappings/ties.yaml`; a rule of kind `tie` says what to say of an outcome, one of kind
`subject` of a fault of a code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from xlgoals.balance import CODE, TOTAL, Laid, evaluate, lay_out, witnesses
from xlgoals.codes import CodeList
from xlgoals.conditions import Condition, Kind
from xlgoals.facts import Units
from xlgoals.findings import Catalogue, Finding, Rule
from xlgoals.forms import Form, Forms
from xlgoals.kinds_money import figure
from xlgoals.records import At
from xlgoals.subjects import Subject
from xlgoals.tables import Tables
from xlgoals.ties import GOALS, Tie, TieWords

OUTCOMES = ("broken", "unusual", "rounding", "unassigned", "several")
FAULTS = ("shape", "unknown", "name", "nameless", "parent", "repeated", "blank", "unlisted")
FOLD = 10_000  # yuan in a 万元
Place = tuple[str, str]


def _on_batch(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """Nothing: these are judged on all tables of a batch together."""
    return iter(())


KINDS: Mapping[str, Kind] = {"tie": Kind(_on_batch, ("outcome",)), "subject": Kind(_on_batch, ("fault",))}


def judge(tables: Tables, forms: Forms, subjects: Sequence[Subject] = ()) -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    """The judgements of a batch, each by the name of its kind, to be made one by one so that one that crashes stops no other."""
    yield "subject", lambda: list(_told_codes(tables, forms))
    yield "tie", lambda: list(_told_ties(tables, forms, subjects))


def _rules(catalogue: Catalogue, kind: str, parameter: str) -> dict[str, Rule]:
    return {rule.parameters.get(parameter, ""): rule for rule in catalogue.of_kind(kind)}


# --- equalities -------------------------------------------------------------------------------------------------------


class _Spot(NamedTuple):
    """Where a figure stands, and what its form calls it."""

    at: At
    label: str
    identity: str
    form: str


def _told_ties(tables: Tables, forms: Forms, subjects: Sequence[Subject]) -> Iterator[Finding]:
    """A finding for each equality that does not hold, at its first cell; all other cells of both sides beside it."""
    rules, ties = _rules(forms.catalogue, "tie", "outcome"), {one.tie: one for one in forms.ties.ties}
    if not rules:
        return
    laid = lay_out(tables, forms, forms.ties, subjects)
    if laid.scopes.is_empty():
        return
    if "several" in rules:
        yield from _several(rules["several"], laid, tables, forms)
    if subjects and "unassigned" in rules:
        yield from _unassigned(rules["unassigned"], laid, tables, forms.catalogue)
    outcomes = evaluate(laid, forms.ties).filter(pl.col("outcome") != "equal").with_row_index("number")
    for (name,), rows in outcomes.partition_by("tie", as_dict=True, maintain_order=True).items():
        tie = ties[str(name)]
        seen = witnesses(laid, tie, rows)
        spots = _spots(tables, seen)
        cells: dict[int, list[Mapping[str, Any]]] = {}
        for cell in seen.iter_rows(named=True):
            cells.setdefault(cell["number"], []).append(cell)
        for row in rows.iter_rows(named=True):
            outcome = "unusual" if tie.usual and row["outcome"] == "broken" else row["outcome"]
            if outcome in rules:
                yield _tied(rules[outcome], tie, row, cells.get(row["number"], []), spots, forms)


def _unassigned(rule: Rule, laid: Laid, tables: Tables, catalogue: Catalogue) -> Iterator[Finding]:
    """A finding for each project whose code of expenditure the bureau's list does not give: projects cannot be compared by code."""
    lost = laid.cells.filter((pl.col("grid") == GOALS) & pl.col("code").is_null()).select("rid").unique()
    found = lost.join(tables.returns, on="rid").sort("file", "sheet")
    for file, sheet, identity, name in found.select("file", "sheet", "identity", "project_name").iter_rows():
        yield catalogue.finding(rule.code, At(file, sheet), found=name, identity=identity, record="tie.unassigned")


def _several(rule: Rule, laid: Laid, tables: Tables, forms: Forms) -> Iterator[Finding]:
    """A finding for each table that a department sent more than once, at the first, with the others beside it."""
    returns = laid.twice.select("scope", "form", "rid").unique().join(tables.returns.select("rid", "file", "sheet", "identity"), on="rid").sort("scope", "form", "file", "sheet")
    for (_, form), frame in returns.partition_by("scope", "form", as_dict=True, maintain_order=True).items():
        places = [At(file, sheet) for file, sheet in frame.select("file", "sheet").iter_rows()]
        identity = frame["identity"][0]
        yield forms.catalogue.finding(
            rule.code, places[0], field=forms.forms[str(form)].title, identity=identity, record="tie.several", others=places[1:],
            found="、".join(f"{at.file}“{at.sheet}”" for at in places[1:]), count=len(places),
        )  # fmt: skip


def _spots(tables: Tables, seen: pl.DataFrame) -> dict[Place, _Spot]:
    """The places of some cells."""
    asked = seen.select("rid", "key").unique()
    found = asked.join(tables.returns.select("rid", "file", "sheet", "identity", "form"), on="rid").join(
        tables.places.select("rid", "key", "cell", "label"), on=["rid", "key"], how="left"
    )
    wanted = ("rid", "key", "file", "sheet", "cell", "label", "identity", "form")
    return {
        (rid, key): _Spot(At(file, sheet, cell or ""), label or "", identity, form)
        for rid, key, file, sheet, cell, label, identity, form in found.select(wanted).iter_rows()
    }


def _tied(rule: Rule, tie: Tie, row: Mapping[str, Any], cells: Sequence[Mapping[str, Any]], spots: Mapping[Place, _Spot], forms: Forms) -> Finding:
    sides = {side: [spots[one["rid"], one["key"]] for one in cells if one["side"] == side] for side in ("left", "right")}
    every = [*sides["left"], *sides["right"]]
    first, form = every[0], forms.forms[every[0].form]
    words, by = forms.ties.words, "|".join(row[name] for name in tie.each)
    return forms.catalogue.finding(
        rule.code, first.at, field=first.label, identity=first.identity, record=f"tie.{tie.tie}|{by}",
        found=figure(_cents(row["left"]), form), expected=figure(_cents(row["right"]), form), others=_others(every),
        title=tie.title, left=_side(sides["left"], first, words), right=_side(sides["right"], first, words),
        difference=figure(_cents(abs(row["difference"])), form), tolerance=f"{(row['tolerance'] / form.money_factor).normalize():f}",
        unit=form.dialect.money_unit, presumed=(words.presumed if row["presumed"] else "") + (words.fold if _folded(row) else ""),
    )  # fmt: skip


def _folded(row: Mapping[str, Any]) -> bool:
    """Whether one side is the other in yuan, printed where 万元 belong."""
    less, more = sorted((abs(row["left"]), abs(row["right"])))
    return bool(less > row["tolerance"] and abs(more - FOLD * less) <= FOLD * row["tolerance"])


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _others(spots: Sequence[_Spot]) -> list[At]:
    return [at for at in dict.fromkeys(spot.at for spot in spots) if at != spots[0].at]


def _side(spots: Sequence[_Spot], first: _Spot, words: TieWords) -> str:
    """Name one side of an equality: its cell, or its first and how many more, or that it is blank."""
    if not spots:
        return words.nothing
    at = spots[0].at
    place = words.place if at.file == first.at.file else words.far_place
    where = place.format(file=at.file, sheet=at.sheet, cell=at.cell, label=spots[0].label)
    return (words.one if len(spots) == 1 else words.several).format(where=where, count=len(spots))


# --- codes ------------------------------------------------------------------------------------------------------------


def _told_codes(tables: Tables, forms: Forms) -> Iterator[Finding]:
    """What is wrong with the codes of coded tables: each code by itself, and the rows of a table together."""
    rules = _rules(forms.catalogue, "subject", "fault")
    lists = {
        (form.id, grid): forms.codes[m.list]
        for form in forms.forms.values() for grid, columns in form.columns.items() for name, m in columns.items()
        if name == CODE and m.list and m.list in forms.codes
    }  # fmt: skip
    if not rules or not lists:
        return
    coded = pl.DataFrame([*lists], schema={"form": pl.String(), "grid": pl.String()}, orient="row")
    returns = tables.returns.select("rid", "form", "file", "sheet", "identity")
    details = tables.details.join(returns.join(coded, on="form"), on=["rid", "grid"]).filter(pl.col("text").str.strip_chars() != "")
    spots = tables.places.join(details, on=["rid", "key"], how="semi").select("rid", "key", "cell", "label")
    places = {(rid, key): (cell, label) for rid, key, cell, label in spots.iter_rows()}
    for (rid, grid), frame in details.partition_by("rid", "grid", as_dict=True, maintain_order=True).items():
        of = frame.row(0, named=True)
        rows: dict[str, dict[str, tuple[str, str]]] = {}
        for line, column, key, text in frame.select("line", "column", "key", "text").iter_rows():
            rows.setdefault(line, {})[column] = (key, text.strip())
        for fault, key, words in _faults(rows, lists[of["form"], str(grid)]):
            if fault in rules:
                cell, label = places.get((str(rid), key), ("", ""))
                at = At(of["file"], of["sheet"], cell)
                yield forms.catalogue.finding(
                    rules[fault].code, at, field=label, identity=of["identity"], record=key, found=words.pop("found"), **words  # type: ignore[arg-type]
                )  # fmt: skip


def _faults(rows: Mapping[str, Mapping[str, tuple[str, str]]], known: CodeList) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each fault of a table's codes: which, at which record, with the words for it. A table that lists one level only has no parents."""
    codes = {line: row[CODE] for line, row in rows.items() if CODE in row}
    good = {text for _, text in codes.values() if known.level(text)}
    printed = {known.level(code) for code in good}
    seen: set[str] = set()
    unlisted: list[tuple[str, str]] = []
    told = {"title": known.title, "year": known.year}
    for line, row in rows.items():
        if line == TOTAL:
            continue
        if CODE not in row:
            figures = [key for column, (key, _) in row.items() if column != "name"]
            if figures:
                yield "blank", figures[0], {"found": row["name"][1] if "name" in row else "", **told}
            continue
        key, code = codes[line]
        if fault := known.fault(code):
            lengths = known.levels
            yield ("unknown" if fault == "unknown" else "shape"), key, {
                "found": code, "begins": known.begins, "lengths": "、".join(map(str, lengths)), "nearest": _nearest(code, known), **told,
            }  # fmt: skip
            continue
        if code in seen:
            yield "repeated", key, {"found": code, **told}
        seen.add(code)
        name = row["name"][1] if "name" in row else ""
        if code not in known.names:
            unlisted.append((key, code))
            if not name:
                yield "nameless", key, {"found": code, **told}
        elif not known.fits(code, name):
            yield "name", row["name"][0], {"found": name, "expected": known.names[code], "subject": code, **told}
        parent = known.parent(code)
        if parent and parent not in good and known.level(parent) in printed:
            yield "parent", key, {"found": code, "expected": parent, **told}
    if unlisted:
        yield "unlisted", unlisted[0][0], {"found": _some(code for _, code in unlisted), "count": str(len(unlisted)), **told}


def _some(codes: Iterable[str], most: int = 6) -> str:
    listed = list(codes)
    return "、".join(listed[:most]) + ("……" if len(listed) > most else "")


def _nearest(code: str, known: CodeList) -> str:
    """The nearest ancestor of a code that the list has, with its name."""
    for length in sorted(known.levels, reverse=True):
        above = code[:length]
        if length < len(code) and above in known.names:
            return f"{above}{known.names[above]}"
    return ""
