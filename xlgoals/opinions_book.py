"""The workbook 审核意见.xlsx: read what reviewers wrote into it, and write it anew with the findings of this run.

Nothing a reviewer wrote is lost by rewriting: decisions whose finding did not come up stand on a page of their own, opinions and
grades are kept line by line, with what stands in columns that reviewers have added; what could not be kept stops the run before
anything is written. Words and columns stand in `mappings/opinions.yaml`.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from xlgoals.errors import OutputError, Refused, SpecError, UsageError
from xlgoals.findings import SEVERITIES, SEVERITY_WORDS, Status
from xlgoals.limits import ROWS_MOST, Limits
from xlgoals.opinions import Decision, Grade, Opinions, Remark, Told
from xlgoals.pages import FIRST, Column, Lines, Looks, Page, as_text, write_pages
from xlgoals.records import Book, Sheet
from xlgoals.spec import data_folder, load_model
from xlgoals.stamp import OUTPUT_PROPERTY
from xlgoals.tables import OPEN

# a workbook of our own, and as large as the inbox has findings
LIMITS = Limits(
    file_bytes=1 << 30, part_bytes=1 << 30, unpacked_bytes=2 << 30, ratio_from=2 << 30, cells=ROWS_MOST * 20, area=ROWS_MOST * 40, strings=ROWS_MOST * 20,
    seconds=600.0,
)  # fmt: skip
KIND = "opinions"  # what the output property says of this workbook
HEAD_WITHIN = 12  # the headings stand in one of the first so many rows: a reviewer may put some above
OWN = "+"  # how the keys of columns begin that reviewers have added
OWN_WIDTH = 20


class Words(BaseModel):
    """`mappings/opinions.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    looks: Looks
    title: str
    properties: tuple[str, ...]
    verdicts: dict[str, Status]
    weights: dict[str, str]
    grades: tuple[str, ...]
    graded: str
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

    Raises UsageError where the workbook is none of ours, lacks a column, where a word stands in a cell that only takes those of a
    list, and where something was added that would be lost when the workbook is written anew.
    """
    from xlgoals.read import read_apart

    try:
        opinions, told = read_apart(path, partial(_opinions, words=words or load_words()), limits=LIMITS)
    except Refused as refused:
        raise UsageError(f"{path} 读不了（{refused.detail or refused.code}）。请用 Excel 或 WPS 打开看看；打不开就移走它，再用 check 写一份新的。") from refused
    if told:
        raise UsageError("\n".join(f"{path} {one}" for one in told))
    return opinions


def _opinions(book: Book, words: Words) -> tuple[Opinions, list[str]]:
    """The opinions in a workbook, and what is wrong with it."""
    if book.properties.get(OUTPUT_PROPERTY) != KIND:
        return Opinions(), ["不是本程序写出的审核意见。请用 check 写出的那一份填写，或换一个文件名。"]
    pages = {sheet.name: sheet for sheet in book.sheets}
    ours = {page.name for page in words.sheets.values()}
    told = [
        f"里多了工作表“{sheet.name}”，重新写出时会丢掉。请把它移到别的工作簿，再运行。"
        for sheet in book.sheets if sheet.name not in ours and sheet.state == "visible" and sheet.rows
    ]  # fmt: skip
    lines, added = dict[str, list[tuple[int, dict[str, str]]]](), dict[str, tuple[str, ...]]()
    for name, page in words.sheets.items():
        table = _Table(page, pages.get(page.name), told)
        lines[name], added[name] = list(table.lines(words)), table.added
    added["decisions"] = added["past"] = tuple(dict.fromkeys(added["decisions"] + added["past"]))
    for name in ("past", "decisions"):
        for n, row in lines[name]:
            row["key"], _, sealed = row["key"].partition("-")
            if sealed and sealed != _seal(row):
                told.append(f"的“{words.sheets[name].name}”第 {n} 行和它隐藏的标识对不上，像是只排序了一部分列，或者改动了程序写的列。请撤销后再运行；要排序，请用表头的筛选箭头。")
    decisions = {
        row["key"]: Decision(
            row["key"], words.verdicts.get(row["verdict"], ""), row["by"], row["date"], row["reason"], row,
            n if name == "decisions" else 0,
        )
        for name in ("past", "decisions") for n, row in lines[name]
    }  # fmt: skip
    remarks = tuple(_remark(n, row, words) for n, row in lines["remarks"])
    grades = {row["identity"]: Grade(row["identity"], row["digest"], _filled(words.sheets["grades"], row)) for _, row in lines["grades"]}
    return Opinions(decisions, remarks, grades, added), told


def _seal(row: Mapping[str, str]) -> str:
    """A short hash of what a line says of its finding: it stands behind the key, and tells when only some columns were sorted."""
    said = "".join(re.sub(r"[\W_]+", "", row[key]) for key in ("code", "file", "field", "message"))
    return hashlib.sha256(said.encode()).hexdigest()[:6]


def _remark(line: int, row: Mapping[str, str], words: Words) -> Remark:
    code = words.weights.get(row["weight"], next(iter(words.weights.values())))
    own = tuple((key, text) for key, text in row.items() if key.startswith(OWN))
    return Remark(line, row["project"], row["file"], row["sheet"], row["field"], code, row["text"], row["by"], row["date"], row["seen"], own)


def _filled(page: Page, row: Mapping[str, str]) -> dict[str, str]:
    """What reviewers wrote into a line."""
    fills = {column.key for column in page.columns if column.fill}
    return {key: text for key, text in row.items() if key in fills or key.startswith(OWN)}


class _Table:
    """A page as it is found: the lines in which reviewers wrote, by columns, ours and those they have added. What is wrong is told."""

    def __init__(self, page: Page, sheet: Sheet | None, told: list[str]) -> None:
        self.page, self.told, self.rows, self.first = page, told, sheet.rows if sheet else (), 0
        self.places: dict[str, int] = {}
        self.added: tuple[str, ...] = ()
        labels = {column.label: column.key for column in page.columns}
        if sheet is None:
            told.append(f"里没有工作表“{page.name}”。请用 check 写出的那一份填写。")
            return
        head, heads = max(
            ((n, [as_text(value) for value in row]) for n, row in enumerate(self.rows[:HEAD_WITHIN])),
            key=lambda one: len(labels.keys() & set(one[1])), default=(0, []),
        )  # fmt: skip
        if missing := [label for label in labels if label not in heads]:
            told.append(f"的“{page.name}”缺少列：{'、'.join(missing)}。请不要改动列名。")
            return
        if twice := [label for label, count in Counter(filter(None, heads)).items() if count > 1]:
            told.append(f"的“{page.name}”有几列都叫“{'、'.join(twice)}”，不知道看哪一列。请改名或删去多的。")
            return
        self.first = head + 1
        self.added = tuple(label for label in heads if label and label not in labels)
        self.places = {labels.get(label, OWN + label): col for col, label in enumerate(heads) if label}

    def lines(self, words: Words) -> Iterator[tuple[int, dict[str, str]]]:
        """Number of the row, and text by column, of each line in which reviewers wrote."""
        page, known, name = self.page, set(self.places.values()), self.page.name
        hidden, fills = [column.key for column in page.columns if column.hidden], any(column.fill for column in page.columns)
        lists = [(column, words.choices(column.words)) for column in page.columns if column.words]
        for n, cells in enumerate(self.rows[self.first :] if self.places else (), self.first + 1):
            row = {key: as_text(cells[col] if col < len(cells) else None) for key, col in self.places.items()}
            if any(value is not None and col not in known and as_text(value) for col, value in enumerate(cells)):
                self.told.append(f"的“{name}”第 {n} 行有内容写在没有列名的列里，重新写出时会丢掉。请给这一列写上列名，或移走这些内容。")
            if hidden and not row[hidden[0]]:
                if any(row.values()):
                    self.told.append(f"的“{name}”第 {n} 行是后加的，程序不知道说的是哪个问题、哪张表。自己的意见请写在“{words.sheets['remarks'].name}”，再删去这一行。")
                continue
            if not any((_filled(page, row) if fills else row).values()):
                continue
            for column, choices in lists:
                if row[column.key] and row[column.key] not in choices:
                    self.told.append(f"的“{name}”第 {n} 行“{column.label}”写的是“{row[column.key]}”，只能选：{'、'.join(choices)}。")
            yield n, row


def graded_lines(homes: pl.DataFrame, opinions: Opinions, words: Words) -> dict[str, list[str]]:
    """What reviewers graded of forms that still say the same, in words for the unit: file -> lines."""
    properties = [column for column in words.sheets["grades"].columns if column.words]
    lines: dict[str, list[str]] = {}
    for row in homes.iter_rows(named=True):
        grade = opinions.grades.get(row["identity"])
        if grade is None or grade.digest not in ("", row["digest"]):
            continue
        marks, said = grade.marks, [f"{column.label} {grade.marks[column.key]}" for column in properties if grade.marks[column.key]]
        if said:
            who = "：".join(part for part in (f"{marks['by']} {marks['date']}".strip(), marks["reason"]) if part)
            form = f"{row['sheet']}（{row['project_name']}）" if row["project_name"] else row["sheet"]
            told = words.graded.format(form=form, marks="、".join(said), who=f"（{who}）" if who else "")
            lines.setdefault(row["file"], []).append(told)
    return lines


# --- writing -----------------------------------------------------------------------------------------------------------


HOME = ("file", "sheet", "unit", "project_name", "identity", "digest")  # what is told of a form here; the last: of its content
SLICE = 2_000  # findings taken up at a time


def write_opinions(
    path: Path, homes: pl.DataFrame, asked: pl.DataFrame, opinions: Opinions, told: Sequence[Told], answers: Mapping[str, str]
) -> None:
    """Write the workbook: the findings to decide on (a findings table), and all that reviewers have written so far. `homes`: a row a
    form, with the columns `HOME`; `answers`: what units have explained, by key."""
    words, keys = load_words(), set(asked["key"])
    past = [_sealed(decision.row) for key, decision in opinions.decisions.items() if key not in keys]
    grades = _grade_lines(homes, asked, opinions, words)
    pages: dict[str, tuple[int, Lines]] = {
        "decisions": (asked.height, _decision_lines(asked, homes, opinions, answers, words)),
        "remarks": (len(told), (_remark_line(one, words) for one in told)),
        "grades": (len(grades), grades),
        "past": (len(past), past),
    }
    for name, (count, _) in pages.items():
        if count > ROWS_MOST - FIRST - words.sheets[name].spare:
            raise OutputError(f"“{words.sheets[name].name}”有 {count} 行，一张工作表放不下，没有写 {path.name}。请把收件箱按部门分成几个文件夹，分别审核。")
    choices = {name: words.choices(name) for name in ("verdicts", "weights", "grades")}
    shown = ((_with(page, opinions.columns.get(name, ())), pages[name][1]) for name, page in words.sheets.items())
    write_pages(path, KIND, words.title, words.looks, shown, choices)


def _with(page: Page, added: Iterable[str]) -> Page:
    """A page with the columns that reviewers have added."""
    more = (Column(key=OWN + label, label=label, width=OWN_WIDTH, fill=True) for label in added)
    return page.model_copy(update={"columns": (*page.columns, *more)})


def _decision_lines(
    asked: pl.DataFrame, known: pl.DataFrame, opinions: Opinions, answers: Mapping[str, str], words: Words
) -> Iterator[Mapping[str, str]]:
    homes = {(row["file"], row["sheet"]): row for row in reversed(known.to_dicts())}
    verdicts = {status: word for word, status in words.verdicts.items()}
    rank = pl.col("severity").replace_strict({severity: n for n, severity in enumerate(SEVERITIES)}, return_dtype=pl.Int64)
    asked = asked.sort("file", rank, "sheet", maintain_order=True)
    for slice in asked.iter_slices(SLICE):
        for one in slice.iter_rows(named=True):
            home, decision = homes.get((one["file"], one["sheet"]), {}), opinions.decisions.get(one["key"])
            yield _sealed({
                **(_filled(words.sheets["decisions"], decision.row) if decision else {}),
                "verdict": verdicts.get(decision.verdict, "") if decision else "", "severity": SEVERITY_WORDS[one["severity"]],
                "unit": home.get("unit", ""), "project": home.get("project_name", ""), "field": one["field"], "message": one["message"],
                "remedy": one["remedy"], "answer": answers.get(one["key"], ""), "file": one["file"], "sheet": one["sheet"],
                "cell": one["cell"], "code": one["code"], "key": one["key"],
            })  # fmt: skip


def _sealed(row: Mapping[str, str]) -> Mapping[str, str]:
    return {**row, "key": f"{row['key']}-{_seal(row)}"}


def _remark_line(told: Told, words: Words) -> Mapping[str, str]:
    one = told.remark
    weights = {code: word for word, code in words.weights.items()}
    return {
        "project": one.project, "file": one.file, "sheet": one.sheet, "field": one.field, "weight": weights[one.code], "text": one.text,
        "by": one.by, "date": one.date, "state": words.states[told.state], "seen": told.seen, **dict(one.own),
    }  # fmt: skip


def _grade_lines(homes: pl.DataFrame, asked: pl.DataFrame, opinions: Opinions, words: Words) -> Sequence[Mapping[str, str]]:
    """A line a form; grades of forms that were not read this time are kept below."""
    lines, met = [], set()
    counts = asked.filter(OPEN).group_by("file", "sheet", "severity").len()
    known = {(file, sheet, severity): n for file, sheet, severity, n in counts.iter_rows()}
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
