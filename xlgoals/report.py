"""What is shown of findings and returns: JSON objects for programs, tables for people."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from xlgoals.findings import SEVERITY_WORDS, STATUS_WORDS, Finding, grouped
from xlgoals.wording import load_wording
from xlgoals.words import unhidden

if TYPE_CHECKING:
    from xlgoals.records import At
    from xlgoals.tables import Tables
    from xlgoals.target import Target

WIDE = 160  # columns of a table that is not shown on a terminal
LONG = 60  # longest text of a cell of such a table


def finding_object(finding: Finding) -> dict[str, Any]:
    """One finding as an object."""
    told: dict[str, Any] = {
        "code": finding.code, "severity": finding.severity, "file": finding.at.file, "sheet": finding.at.sheet, "cell": finding.at.cell,
        "field": finding.field, "found": finding.found, "expected": finding.expected, "message": finding.text, "key": finding.key,
    }  # fmt: skip
    if finding.status:
        told |= {"status": finding.status, "answer": finding.answer}
    if finding.others:
        told["others"] = [at._asdict() for at in finding.others]
    return told


def return_objects(tables: Tables) -> Iterator[dict[str, Any]]:
    """One object a form instance: what was understood, and for every value its original text, its cell and the witnesses."""
    from xlgoals.tables import BATCH

    parts = {
        name: {rid[0]: frame.drop("rid").to_dicts() for rid, frame in table.partition_by("rid", as_dict=True, maintain_order=True).items()}
        for name, table in tables.items()
        if name not in ("returns", *BATCH)
    }
    for row in tables.returns.iter_rows(named=True):
        rid = row["rid"]
        own = {name: known.get(rid, []) for name, known in parts.items()}
        yield {
            **{key: row[key] for key in ("file", "sheet", "area", "form", "year", "department", "unit")},
            "fields": {value["key"]: value["text"] for value in own["values"]},
            "funds": _plain(own["funds"]),
            "goals": own["goals"],
            "indicators": _plain([{key: value for key, value in line.items() if value not in ("", None, [])} for line in own["indicators"]]),
            "details": _plain(own["details"]),
            "places": {place.pop("key"): place for place in own["places"]},
        }


def _plain(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Exact decimals as text, without trailing zeros: JSON has none."""
    return [
        {key: f"{value.normalize():f}" if isinstance(value, Decimal) else value for key, value in line.items()} for line in lines
    ]


def target_lines(target: Target, indent: str = "") -> Iterator[str]:
    """What a target means, for people."""
    words = load_wording().words
    told = [words["kind"][target.kind]]
    if target.kind not in ("blank", "none"):
        told.append(target.canonical or "")
    if target.amount is not None and target.base_unit not in (None, target.unit):
        told.append(f"即 {target.amount.normalize():f} {target.base_unit if target.base_unit != '1' else ''}".rstrip())
    if target.from_ or target.to:
        told.append(f"{target.from_ or ''} 至 {target.to or ''}".strip())
    told.append(words["quantified"][str(target.quantified).lower()])
    if target.why:
        told.append(target.why)
    yield f"{indent}{target.text}　→　" + "；".join(part for part in told if part)
    for part in target.parts:
        yield from target_lines(part, indent + "　　")
    for conflict in target.conflicts:
        yield f"{indent}　　矛盾：{conflict.text}"


def print_findings(findings: Iterable[Finding]) -> None:
    """A table a file, worst first; equal findings of a sheet are one line with their cells."""
    for file, own in groupby(grouped(findings), key=lambda f: f.at.file):
        rows = []
        for finding in own:
            cells = [_cell(at, finding.at) for at in (finding.at, *finding.others)]
            shown = "、".join(dict.fromkeys(c for c in cells[:8] if c)) + (f" 等 {len(cells)} 处" if len(cells) > 8 else "")
            rows.append(
                (level(finding), finding.at.sheet, shown, finding.field, finding.found, finding.expected, finding.text)
            )
        print_table(("级别", "工作表", "单元格", "栏目", "填的是", "应为", "问题和办法"), rows, file)


def level(finding: Finding) -> str:
    """How bad it is, and what has been answered to it."""
    word = SEVERITY_WORDS[finding.severity]
    return f"{word}（{STATUS_WORDS[finding.status]}）" if finding.status else word


def _cell(at: At, first: At) -> str:
    """A cell as it is told beside another place: with its sheet and file where they are not the same."""
    if not at.cell or at == first:
        return at.cell
    return "!".join((*(part for part, same in ((at.file, first.file), (at.sheet, first.sheet)) if part != same), at.cell))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A plain table on standard output; rich measures Chinese text right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, title=Text(unhidden(title), style="bold") if title else None, title_justify="left", pad_edge=False)
    for word in head:
        table.add_column(word, overflow="fold")  # Chinese has no blanks to break at; rich would cut such a "word" off
    for row in rows:
        shown = [unhidden(cell) for cell in row]
        table.add_row(*(Text(cell if len(cell) <= LONG or i == len(row) - 1 else cell[: LONG - 1] + "…") for i, cell in enumerate(shown)))
    console.print(table)


@contextlib.contextmanager
def reading_bar(what: str = "读取文件") -> Iterator[Callable[..., None] | None]:
    """Show on standard error how far reading (or writing) is: files done, rate, time left, problems so far where they are told;
    nothing where that is no terminal."""
    with _bar(what, "{task.fields[rate]:.0f} 个/秒{task.fields[problems]}，还需") as bar:
        if bar is None:
            yield None
            return
        task, start = bar.add_task("", total=None, rate=0.0, problems=""), time.monotonic()
        known: list[int] = []

        def show(done: int, total: int, problems: int = 0) -> None:
            known[:] = known or [done]  # what an earlier run had read says nothing of the rate
            rate = (done - known[0]) / max(time.monotonic() - start, 1e-3)
            bar.update(task, completed=done, total=total, rate=rate, problems=f"，已见问题 {problems} 个" if problems else "")

        yield show


@contextlib.contextmanager
def adding_bar() -> Iterator[Callable[[int, int], None] | None]:
    """Show how many batches are judged and added up."""
    with _bar("审核汇总", "批，还需") as bar:
        task = bar.add_task("", total=None) if bar else None
        yield (lambda done, total: bar.update(task, completed=done, total=total)) if bar and task is not None else None


@contextlib.contextmanager
def _bar(title: str, told: str) -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(told), TimeRemainingColumn(compact=True))
    with Progress(title, *columns, console=Console(stderr=True), transient=True) as bar:
        yield bar
