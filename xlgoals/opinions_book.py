"""The workbook 审核意见.xlsx: read what reviewers wrote into it, and write it anew with the findings of this run.

Nothing a reviewer wrote is lost by rewriting: decisions whose finding did not come up stand on a page of their own, opinions and
grades are kept line by line. Words and columns stand in `mappings/opinions.yaml`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
from pydantic import BaseModel, ConfigDict
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.errors import SpecError, UsageError
from xlgoals.findings import SEVERITIES, SEVERITY_WORDS, Finding, Status
from xlgoals.layout import text_lines
from xlgoals.opinions import Decision, Grade, Opinions, Remark, Told, digests
from xlgoals.outputs import fit_text
from xlgoals.records import Sheet, Value
from xlgoals.spec import data_folder, load_model
from xlgoals.stamp import OUTPUT_PROPERTY
from xlgoals.tables import Tables

EPOCH = dt.datetime(2000, 1, 1)  # noqa: DTZ001  # pinned, so that equal input gives equal bytes
TITLE, NOTE, HEAD, FIRST = range(4)  # rows of every sheet
KIND = "opinions"  # what the output property says of this workbook

Lines = Sequence[Mapping[str, str]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Looks(_Model):
    font: str
    size: float
    title_size: float
    head_fill: str
    input_fill: str
    margins: tuple[float, float, float, float]
    footer: str


class Column(_Model):
    key: str
    label: str
    width: float
    fill: bool = False  # reviewers write here
    words: str = ""  # the list to choose from
    hidden: bool = False


class Page(_Model):
    name: str
    note: str
    columns: tuple[Column, ...]
    spare: int = 0  # blank lines to write in


class Words(_Model):
    """`mappings/opinions.yaml`."""

    looks: Looks
    title: str
    properties: tuple[str, ...]
    verdicts: dict[str, Status]
    weights: dict[str, str]
    grades: tuple[str, ...]
    states: dict[str, str]
    sheets: dict[str, Page]

    def choices(self, name: str) -> tuple[str, ...]:
        return tuple(getattr(self, name))


def load_words() -> Words:
    mistakes: list[Any] = []
    words = load_model(Words, [data_folder("mappings")], "opinions.yaml", mistakes)
    if words is None:
        raise SpecError(mistakes)
    return words


# --- reading -----------------------------------------------------------------------------------------------------------


def read_opinions(path: Path, words: Words | None = None) -> Opinions:
    """What reviewers wrote. Columns are found by their headings, so that a sorted, filtered or widened sheet reads the same.

    Raises UsageError where the workbook is none of ours, lacks a column, or a word stands in a cell that only takes those of a list.
    """
    from xlgoals.read import read_book

    words = words or load_words()
    book = read_book(str(path), name=path.name)
    if book.properties.get(OUTPUT_PROPERTY) != KIND:
        raise UsageError(f"{path} 不是本程序写出的审核意见。请用 check 写出的那一份填写，或换一个文件名。")
    pages = {sheet.name: sheet for sheet in book.sheets}
    told: list[str] = []
    lines = {name: _lines(path, pages.get(page.name), page, words, told) for name, page in words.sheets.items()}
    if told:
        raise UsageError("\n".join(told))
    decisions = {
        row["key"]: Decision(row["key"], words.verdicts[row["verdict"]], row["by"], row["date"], row["reason"], row)
        for name in ("past", "decisions")
        for _, row in lines[name]
        if row["key"] and row["verdict"]
    }
    return Opinions(decisions, tuple(_remark(n, row, words) for n, row in lines["remarks"] if row["text"]), _grades(lines["grades"], words))


def _remark(line: int, row: Mapping[str, str], words: Words) -> Remark:
    code = words.weights[row["weight"] or next(iter(words.weights))]
    return Remark(line, row["project"], row["file"], row["sheet"], row["field"], code, row["text"], row["by"], row["date"], row["seen"])


def _grades(lines: Iterable[tuple[int, Mapping[str, str]]], words: Words) -> dict[str, Grade]:
    fills = [column.key for column in words.sheets["grades"].columns if column.fill]
    found = {}
    for _, row in lines:
        if row["identity"] and any(row[key] for key in fills):
            found[row["identity"]] = Grade(row["identity"], row["digest"], {key: row[key] for key in fills})
    return found


def _lines(path: Path, sheet: Sheet | None, page: Page, words: Words, told: list[str]) -> list[tuple[int, dict[str, str]]]:
    """The lines of a page: number of the row, and text by column; what a reviewer's cell may not say is told."""
    if sheet is None:
        told.append(f"{path} 里没有工作表“{page.name}”。请用 check 写出的那一份填写。")
        return []
    heads = {_text(value): n for n, value in enumerate(sheet.rows[HEAD] if len(sheet.rows) > HEAD else ())}
    if missing := [column.label for column in page.columns if column.label not in heads]:
        told.append(f"{path} 的“{page.name}”缺少列：{'、'.join(missing)}。请不要改动列名。")
        return []
    found = []
    for n, cells in enumerate(sheet.rows[FIRST:], FIRST + 1):
        row = {column.key: _text(cells[heads[column.label]] if heads[column.label] < len(cells) else None) for column in page.columns}
        if not any(row.values()):
            continue
        for column in page.columns:
            if column.words and row[column.key] and row[column.key] not in words.choices(column.words):
                allowed = "、".join(words.choices(column.words))
                told.append(f"{path} 的“{page.name}”第 {n} 行“{column.label}”写的是“{row[column.key]}”，只能选：{allowed}。")
        found.append((n, row))
    return found


def _text(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime | dt.date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


# --- writing -----------------------------------------------------------------------------------------------------------


def write_opinions(path: Path, tables: Tables, findings: Sequence[Finding], opinions: Opinions, told: Sequence[Told]) -> None:
    """Write the workbook: the open findings to decide on, and all that reviewers have written so far."""
    words = load_words()
    asked = [one for one in findings if one.severity != "note"]
    pages: dict[str, Lines] = {
        "decisions": _decision_lines(asked, tables, opinions, words),
        "remarks": [_remark_line(one, words) for one in told],
        "grades": _grade_lines(tables, asked, opinions, words),
        "past": [decision.row for key, decision in opinions.decisions.items() if key not in {one.key for one in asked}],
    }
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": words.title, "created": EPOCH})
    book.set_custom_property(OUTPUT_PROPERTY, KIND, "text")
    looks = words.looks
    base = {"font_name": looks.font, "font_size": looks.size, "valign": "top", "text_wrap": True, "num_format": "@"}
    styles = {
        "title": book.add_format({"font_name": looks.font, "font_size": looks.title_size, "bold": True}),
        "note": book.add_format({**base, "border": 0}),
        "head": book.add_format({**base, "bold": True, "border": 1, "bg_color": looks.head_fill, "valign": "vcenter"}),
        "text": book.add_format({**base, "border": 1}),
        "fill": book.add_format({**base, "border": 1, "bg_color": looks.input_fill, "locked": False}),
    }
    for name, page in words.sheets.items():
        _write_page(book.add_worksheet(page.name), page, pages[name], words, styles)
    book.close()


def _decision_lines(asked: Iterable[Finding], tables: Tables, opinions: Opinions, words: Words) -> Lines:
    homes = {(row["file"], row["sheet"]): row for row in reversed(tables.returns.to_dicts())}
    verdicts = {status: word for word, status in words.verdicts.items()}
    lines = []
    for one in sorted(asked, key=lambda f: (f.at.file, SEVERITIES.index(f.severity), f.at.sheet)):
        home, decision = homes.get((one.at.file, one.at.sheet), {}), opinions.decisions.get(one.key)
        lines.append({
            "verdict": verdicts[decision.verdict] if decision else "", "by": decision.by if decision else "",
            "date": decision.date if decision else "", "reason": decision.reason if decision else "",
            "severity": SEVERITY_WORDS[one.severity], "unit": home.get("unit", ""), "project": home.get("project_name", ""),
            "field": one.field, "message": one.message, "remedy": one.remedy, "answer": "" if decision else one.answer, "file": one.at.file,
            "sheet": one.at.sheet, "cell": one.at.cell, "code": one.code, "key": one.key,
        })  # fmt: skip
    return lines


def _remark_line(told: Told, words: Words) -> Mapping[str, str]:
    one = told.remark
    weights = {code: word for word, code in words.weights.items()}
    return {
        "project": one.project, "file": one.file, "sheet": one.sheet, "field": one.field, "weight": weights[one.code], "text": one.text,
        "by": one.by, "date": one.date, "state": words.states[told.state], "seen": told.seen,
    }  # fmt: skip


def _grade_lines(tables: Tables, asked: Sequence[Finding], opinions: Opinions, words: Words) -> Lines:
    """A line a form; grades of forms that were not read this time are kept below."""
    contents, lines, met = digests(tables), [], set()
    counts = pl.DataFrame([(f.at.file, f.at.sheet, f.severity) for f in asked if f.open], schema=["file", "sheet", "severity"], orient="row")
    known = {(file, sheet, severity): n for file, sheet, severity, n in counts.group_by("file", "sheet", "severity").len().iter_rows()}
    for row in tables.returns.iter_rows(named=True):
        grade, digest = opinions.grades.get(row["identity"]), contents.get(row["rid"], "")
        met.add(row["identity"])
        state = "" if grade is None else words.states["done" if grade.digest in ("", digest) else "changed"]
        lines.append({
            "unit": row["unit"], "project": row["project_name"], "errors": str(known.get((row["file"], row["sheet"], "error"), 0)),
            "queries": str(known.get((row["file"], row["sheet"], "query"), 0)), **(grade.marks if grade else {}), "state": state,
            "file": row["file"], "sheet": row["sheet"], "identity": row["identity"],
            "digest": grade.digest if grade and grade.digest else digest,
        })  # fmt: skip
    rest = [{**grade.marks, "identity": identity, "digest": grade.digest, "project": identity} for identity, grade in opinions.grades.items() if identity not in met]
    return [*lines, *rest]


def _write_page(sheet: Worksheet, page: Page, lines: Lines, words: Words, styles: Mapping[str, Format]) -> None:
    looks = words.looks
    sheet.write_string(TITLE, 0, page.name, styles["title"])
    visible = [n for n, column in enumerate(page.columns) if not column.hidden]
    sheet.merge_range(NOTE, 0, NOTE, visible[-1], "", styles["note"])
    sheet.write_string(NOTE, 0, page.note, styles["note"])
    sheet.set_row(NOTE, _height(((page.note, sum(page.columns[n].width for n in visible)),), looks))
    for col, column in enumerate(page.columns):
        sheet.set_column(col, col, column.width, None, {"hidden": column.hidden})
        sheet.write_string(HEAD, col, column.label, styles["head"])
    last = FIRST + len(lines) + page.spare
    for row in range(FIRST, last):
        line = lines[row - FIRST] if row - FIRST < len(lines) else {}
        sheet.set_row(row, _height(((line.get(column.key, ""), column.width) for column in page.columns if not column.hidden), looks))
        for col, column in enumerate(page.columns):
            style = styles["fill" if column.fill else "text"]
            if text := line.get(column.key, ""):
                sheet.write_string(row, col, fit_text(text, "…"), style)
            else:
                sheet.write_blank(row, col, None, style)
    for col, column in enumerate(page.columns):
        if column.words and column.fill and last > FIRST:
            sheet.data_validation(FIRST, col, last - 1, col, {"validate": "list", "source": list(words.choices(column.words))})
    sheet.freeze_panes(FIRST, 0)
    if lines:
        sheet.autofilter(HEAD, 0, last - 1, visible[-1])
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD)
    left, right, top, bottom = looks.margins
    sheet.set_margins(left, right, top, bottom)
    sheet.set_footer(f"&C{looks.footer}")


def _height(texts: Iterable[tuple[str, float]], looks: Looks) -> float:
    """Points that a row of wrapped texts needs in columns of these widths: Excel would find it on opening, LibreOffice would not."""
    lines = max(text_lines(text, width * 10.5 / looks.size / 2 - 0.5) if text else 1 for text, width in texts)
    return min(lines * looks.size * 1.4 + 2, 409.0)
