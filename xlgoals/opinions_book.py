"""The workbook 审核意见.xlsx: read what reviewers wrote into it, and write it anew with the findings of this run.

Nothing a reviewer wrote is lost by rewriting: decisions whose finding did not come up stand on a page of their own, opinions and
grades are kept line by line. Words and columns stand in `mappings/opinions.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from xlgoals.errors import OutputError, Refused, SpecError, UsageError
from xlgoals.findings import SEVERITIES, SEVERITY_WORDS, Finding, Status
from xlgoals.limits import ROWS_MOST, Limits
from xlgoals.opinions import Decision, Grade, Opinions, Remark, Told
from xlgoals.pages import FIRST, HEAD, Lines, Looks, Page, as_text, write_pages
from xlgoals.records import Sheet
from xlgoals.spec import data_folder, load_model
from xlgoals.stamp import OUTPUT_PROPERTY

# a workbook of our own, and as large as the inbox has findings
OWN = Limits(
    file_bytes=1 << 30, part_bytes=1 << 30, unpacked_bytes=2 << 30, ratio_from=2 << 30, cells=ROWS_MOST * 20, area=ROWS_MOST * 40, strings=ROWS_MOST * 20
)  # fmt: skip
KIND = "opinions"  # what the output property says of this workbook


class Words(BaseModel):
    """`mappings/opinions.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
    try:
        book = read_book(str(path), name=path.name, limits=OWN)
    except Refused as refused:
        raise UsageError(f"{path} 读不了（{refused.detail or refused.code}）。请用 Excel 或 WPS 打开看看；打不开就移走它，再用 check 写一份新的。") from refused
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
    heads = {as_text(value): n for n, value in enumerate(sheet.rows[HEAD] if len(sheet.rows) > HEAD else ())}
    if missing := [column.label for column in page.columns if column.label not in heads]:
        told.append(f"{path} 的“{page.name}”缺少列：{'、'.join(missing)}。请不要改动列名。")
        return []
    found = []
    for n, cells in enumerate(sheet.rows[FIRST:], FIRST + 1):
        row = {column.key: as_text(cells[heads[column.label]] if heads[column.label] < len(cells) else None) for column in page.columns}
        if not any(row.values()):
            continue
        for column in page.columns:
            if column.words and row[column.key] and row[column.key] not in words.choices(column.words):
                allowed = "、".join(words.choices(column.words))
                told.append(f"{path} 的“{page.name}”第 {n} 行“{column.label}”写的是“{row[column.key]}”，只能选：{allowed}。")
        found.append((n, row))
    return found


# --- writing -----------------------------------------------------------------------------------------------------------


HOME = ("file", "sheet", "unit", "project_name", "identity", "digest")  # what is told of a form here; the last: of its content


def write_opinions(path: Path, homes: pl.DataFrame, asked: Sequence[Finding], opinions: Opinions, told: Sequence[Told]) -> None:
    """Write the workbook: the findings to decide on, and all that reviewers have written so far. `homes`: a row a form, with the
    columns `HOME`."""
    words, keys = load_words(), {one.key for one in asked}
    pages: dict[str, Lines] = {
        "decisions": _decision_lines(asked, homes, opinions, words),
        "remarks": [_remark_line(one, words) for one in told],
        "grades": _grade_lines(homes, asked, opinions, words),
        "past": [decision.row for key, decision in opinions.decisions.items() if key not in keys],
    }
    for name, lines in pages.items():
        if len(lines) > ROWS_MOST - FIRST - words.sheets[name].spare:
            raise OutputError(f"“{words.sheets[name].name}”有 {len(lines)} 行，一张工作表放不下，没有写 {path.name}。请把收件箱按部门分成几个文件夹，分别审核。")
    choices = {name: words.choices(name) for name in ("verdicts", "weights", "grades")}
    write_pages(path, KIND, words.title, words.looks, ((page, pages[name]) for name, page in words.sheets.items()), choices)


def _decision_lines(asked: Iterable[Finding], known: pl.DataFrame, opinions: Opinions, words: Words) -> Lines:
    homes = {(row["file"], row["sheet"]): row for row in reversed(known.to_dicts())}
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


def _grade_lines(homes: pl.DataFrame, asked: Sequence[Finding], opinions: Opinions, words: Words) -> Lines:
    """A line a form; grades of forms that were not read this time are kept below."""
    lines, met = [], set()
    counts = pl.DataFrame([(f.at.file, f.at.sheet, f.severity) for f in asked if f.open], schema=["file", "sheet", "severity"], orient="row")
    known = {(file, sheet, severity): n for file, sheet, severity, n in counts.group_by("file", "sheet", "severity").len().iter_rows()}
    for row in homes.iter_rows(named=True):
        grade, digest = opinions.grades.get(row["identity"]), row["digest"]
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
