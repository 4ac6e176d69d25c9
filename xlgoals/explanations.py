"""What units write beside queries in the list of problems that went back to them: read, and let count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from xlgoals.listsheet import KEY_MARK
from xlgoals.records import Book, RowCol, Sheet
from xlgoals.stamp import MARKED_PROPERTY
from xlgoals.tables import Tables
from xlgoals.target import as_typed
from xlgoals.wording import Explanation, ListWords
from xlgoals.words import bare

ALONE = "list"  # what the property says of a list that went back without the form it speaks of


class Said(NamedTuple):
    """One line of a list of problems in which the unit wrote something, and the file whose list it is."""

    file: str
    key: str
    code: str
    text: str


def is_list(book: Book) -> bool:
    """Whether a workbook is only a list of problems: no return, but the unit's words may stand in it."""
    return book.properties.get(MARKED_PROPERTY) == ALONE


def without_lists(book: Book, words: ListWords) -> tuple[Book, list[Said]]:
    """Take the lists of problems out of a workbook: what remains is the return. Staff may sort a list, insert rows and columns."""
    lists = {sheet.name: spot for sheet in book.sheets if (spot := _key_heading(sheet))}
    if not lists:
        return book, []
    answers = [one for sheet in book.sheets if sheet.name in lists for one in _answers(sheet, lists[sheet.name], book.file, words)]
    return replace(book, sheets=tuple(sheet for sheet in book.sheets if sheet.name not in lists)), answers


def _key_heading(sheet: Sheet) -> RowCol | None:
    for r, row in enumerate(sheet.rows):
        if KEY_MARK in row:
            return r, row.index(KEY_MARK)
    return None


def _answers(sheet: Sheet, heading: RowCol, file: str, words: ListWords) -> Iterator[Said]:
    top, keys = heading
    heads = {bare(value): col for col, value in reversed([*enumerate(sheet.rows[top])]) if isinstance(value, str)}
    column = heads.get(bare(words.columns["answer"].label))
    code = heads.get(bare(words.columns["code"].label)) if "code" in words.columns else None
    for row in range(top + 1, len(sheet.rows)) if column is not None else ():
        key, value = sheet.value(row, keys), sheet.value(row, column or 0)
        if isinstance(key, str) and re.fullmatch(r"[0-9a-f]{16}", key.strip()) and value is not None:
            text = (value if isinstance(value, str) else as_typed(value, "")).strip()
            if text:
                yield Said(file, key.strip(), str(sheet.value(row, code) or "") if code is not None else "", text)


def counts(text: str, rule: Explanation) -> bool:
    """Whether words explain anything: neither too short nor one of those that say nothing."""
    said = re.sub(r"[\W_]+", "", text)
    return len(said) >= rule.least and said not in {re.sub(r"[\W_]+", "", word) for word in rule.void}


def explained(tables: Tables, rule: Explanation) -> Tables:
    """The tables in which each query that its unit has explained says so. Errors are not explained away.

    By key alone: the words may stand in a list that came by itself, or in one of two copies of a return.
    """
    known = {key: text for key, text in tables.answers.select("key", "text").reverse().iter_rows() if counts(text, rule)}
    if not known:
        return tables
    frame = pl.DataFrame([*known.items()], schema={"key": pl.String(), "said": pl.String()}, orient="row")
    findings = tables.findings.join(frame, on="key", how="left", maintain_order="left")
    open_query = (pl.col("severity") == "query") & (pl.col("status") == "") & pl.col("said").is_not_null()
    findings = findings.with_columns(
        status=pl.when(open_query).then(pl.lit("explained")).otherwise("status"),
        answer=pl.when(open_query).then("said").otherwise("answer"),
    )
    return replace(tables, findings=findings.select(tables.findings.columns))
