"""How a cycle stands, for people: the ledger as a workbook, whom to remind, a table by department, a page for the browser."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from xlgoals.collect import Ledger, Line, Sent, local_time, received_time
from xlgoals.cycle import Settings
from xlgoals.errors import Mistake, SpecError
from xlgoals.pages import Lines, Looks, Page, write_pages
from xlgoals.spec import data_folder, load_model

STATES = ("accepted", "waiting", "blocked", "tie", "blank", "missing")


class Words(BaseModel):
    """`mappings/collect.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    looks: Looks
    title: str
    dunning_title: str
    unit_states: dict[str, str]
    file_states: dict[str, str]
    late: str
    altered: str
    altered_by: tuple[str, ...]
    count: str
    none: str
    total: str
    sheets: dict[str, Page]
    dunning: Page
    asks: dict[str, str]
    html: dict[str, str]


def load_words() -> Words:
    mistakes: list[Mistake] = []
    words = load_model(Words, [data_folder("mappings")], "collect.yaml", mistakes)
    if words is None:
        raise SpecError(mistakes)
    return words


def by_department(ledger: Ledger, words: Words) -> list[dict[str, str]]:
    """A row a department, in the roster's order: how many are to send, have sent, stand where; of several a row for all at the end."""
    lines: dict[str, list[Line]] = {}
    for line in ledger.lines:
        lines.setdefault(line.unit.department_text or line.unit.name, []).append(line)
    rows = [_counts(some) | {"department": department} for department, some in lines.items()]
    return [*rows, totals(ledger) | {"department": words.total}] if len(rows) > 1 else rows


def _counts(lines: Sequence[Line]) -> dict[str, str]:
    counts = {state: sum(line.state == state for line in lines) for state in STATES}
    told = {"all": len(lines), "received": len(lines) - counts["missing"], **counts, "late": sum(line.late for line in lines)}
    return {name: str(count) for name, count in told.items()}


def totals(ledger: Ledger) -> dict[str, str]:
    return _counts(ledger.lines)


def owing(ledger: Ledger, words: Words) -> list[str]:
    """Who has sent nothing that counts, a line a department; and who has sent blank forms."""
    told = []
    for state in ("missing", "blank"):
        names: dict[str, list[str]] = {}
        for line in ledger.lines:
            if line.state == state:
                names.setdefault(line.unit.department_text or line.unit.name, []).append(line.unit.name)
        if names or state == "missing":
            told.append(f"{words.unit_states[state]}：" + ("" if names else words.none))
        told += [f"  {department}（{len(some)}）：{'、'.join(some)}" for department, some in names.items()]
    return told


def write_ledger(ledger: Ledger, path: Path, words: Words) -> None:
    """收件台账.xlsx: by department, by unit, and the files that do not count."""
    pages: Mapping[str, Lines] = {
        "departments": by_department(ledger, words),
        "units": unit_lines(ledger, words),
        "others": [_other_line(sent, words) for sent in ledger.others],
    }
    write_pages(path, "ledger", words.title, words.looks, ((page, pages[name]) for name, page in words.sheets.items()))


def write_dunning(ledger: Ledger, path: Path, words: Words) -> None:
    """催报名单.xlsx: the units that still owe something, what to ask of them, and whom to call."""
    owing = [_unit_line(line, words) | _ask(line, words) for line in ledger.lines if line.state != "accepted"]
    write_pages(path, "dunning", words.dunning_title, words.looks, [(words.dunning, owing)])


def unit_lines(ledger: Ledger, words: Words) -> list[dict[str, str]]:
    """A line a unit that is to send a form, by the columns of the ledger's page."""
    return [_unit_line(line, words) for line in ledger.lines]


def _unit_line(line: Line, words: Words) -> dict[str, str]:
    sent, unit = line.sent, line.unit
    marks = [word for holds, word in ((line.late, words.late), (line.altered, words.altered)) if holds]
    marks += [words.file_states[line.vain.state]] if line.vain else []
    told = {"department": unit.department_text, "code": unit.code, "unit": unit.name, "state": words.unit_states[line.state], "marks": "、".join(marks)}
    if sent:
        told |= {
            "forms": str(line.forms), "errors": str(line.errors), "queries": str(line.queries), "answered": str(line.answered),
            "round": str(sent.round), "modified": local_time(sent.modified), "received": received_time(sent), "file": sent.file,
            "sha256": sent.sha256,
        }  # fmt: skip
    return told


def _other_line(sent: Sent, words: Words) -> dict[str, str]:
    return {
        "file": sent.file, "state": words.file_states[sent.state], "detail": sent.detail, "unit": sent.unit,
        "round": str(sent.round or ""), "modified": local_time(sent.modified), "received": received_time(sent),
    }  # fmt: skip


def _ask(line: Line, words: Words) -> dict[str, str]:
    ask = words.asks["vain" if line.vain else line.state].format(
        errors=line.errors, queries=line.queries, file=line.vain.file if line.vain else "", why=words.file_states[line.vain.state] if line.vain else "",
    )  # fmt: skip
    return {"ask": ask, "contact": line.unit.contact, "phone": line.unit.phone, "mail": line.unit.mail}


def page(ledger: Ledger, settings: Settings, words: Words, template: str) -> str:
    """A page for the browser, from the template's text; everything from rosters is escaped."""
    heads = words.sheets["departments"].columns
    rows = [
        "<tr>" + "".join(f"<{'th scope=row' if column.key == 'department' else 'td'}>{html.escape(row.get(column.key, ''))}" for column in heads) + "</tr>"
        for row in by_department(ledger, words)
    ]
    missing = [f"<li>{html.escape(line.unit.department_text)} · {html.escape(line.unit.name)}</li>" for line in ledger.lines if line.state == "missing"]
    counts = totals(ledger)
    share = int(counts["received"]) / max(int(counts["all"]), 1)
    told = {
        "title": html.escape(words.html["title"].format(cycle=settings.cycle)),
        "line": html.escape(words.html["line"].format(**counts)),
        "deadline": html.escape(words.html["deadline"].format(deadline=settings.deadline)) if settings.deadline else "",
        "share": f"{share:.0%}",
        "heads": "".join(f"<th>{html.escape(column.label)}" for column in heads),
        "rows": "\n".join(rows),
        "missing": html.escape(words.html["missing"]),
        "units": "\n".join(missing) or f"<li>{html.escape(words.none)}</li>",
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda hole: told[hole[1]], template)
