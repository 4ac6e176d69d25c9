"""Commands about what comes in: the ledger of a cycle's inbox, and how the cycle stands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlgoals.options import cycle_option, reading_options, several
from xlgoals.running import Reading, echo_json

if TYPE_CHECKING:
    from xlgoals.inbox import Collected
    from xlgoals.standing import Words

cycle_options = several(cycle_option, reading_options)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="台账写到哪个文件，默认 summary/收件台账.xlsx。")
@cycle_options
def collect(
    paths: Sequence[Path], output: Path | None, cycle_dir: Path | None, jobs: int | None, state: bool, engine: str, scheduler: str
) -> None:  # fmt: skip
    """登记收到的表：谁报了、谁没报、哪些不算，写成收件台账。在周期的文件夹里运行，读 inbox/（含压缩包）。"""
    from xlgoals.inbox import collected
    from xlgoals.outputs import write_whole
    from xlgoals.report import print_table
    from xlgoals.standing import load_words, totals, write_ledger

    words = load_words()
    with collected(cycle_dir, paths, Reading(jobs, state, engine, scheduler)) as found:
        path = output or found.cycle.summary / f"{words.title}.xlsx"
        with write_whole(path, force=output is None, inputs=found.inputs) as draft:
            write_ledger(found.ledger, draft, words)
    if found.ledger.others:
        rows = [(words.file_states[sent.state], sent.file, sent.detail) for sent in found.ledger.others]
        print_table(("没有采用", "文件", "说明"), rows)
    for finding in found.passed_over:
        click.echo(f"{finding.at.file}：{finding.text}")
    click.echo(_standing(totals(found.ledger), words))
    click.echo(f"台账已写到 {path}", err=True)
    sys.exit(_code(found))


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--html", "page_path", type=click.Path(path_type=Path, dir_okay=False), help="另写一个网页，可以挂到内网上。")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="催报名单写到哪个文件，默认 summary/催报名单.xlsx。")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一个单位。")
@cycle_options
def status(
    paths: Sequence[Path], page_path: Path | None, output: Path | None, shape: str, cycle_dir: Path | None, jobs: int | None, state: bool,
    engine: str, scheduler: str,
) -> None:  # fmt: skip
    """各部门报到哪一步，还差谁；写出催报名单。在周期的文件夹里运行。"""
    from xlgoals.inbox import collected
    from xlgoals.outputs import write_whole
    from xlgoals.report import print_table
    from xlgoals.spec import data_folder
    from xlgoals.standing import by_department, load_words, owing, page, totals, write_dunning

    words = load_words()
    with collected(cycle_dir, paths, Reading(jobs, state, engine, scheduler)) as found:
        path = output or found.cycle.summary / f"{words.dunning_title}.xlsx"
        with write_whole(path, force=output is None, inputs=found.inputs) as draft:
            write_dunning(found.ledger, draft, words)
        if page_path:
            template = (data_folder("templates") / "cycle" / "status.html").read_text(encoding="utf-8")
            with write_whole(page_path, force=_is_page(page_path), inputs=found.inputs) as draft:
                draft.write_text(page(found.ledger, found.cycle.settings, words, template), encoding="utf-8")
    if shape == "json":
        for line in found.ledger.lines:
            echo_json({
                "code": line.unit.code, "unit": line.unit.name, "department": line.unit.department, "state": line.state,
                "file": line.sent.file if line.sent else "", "round": line.sent.round if line.sent else 0, "late": line.late,
                "altered": line.altered, "errors": line.errors, "queries": line.queries,
            })  # fmt: skip
    else:
        columns = words.sheets["departments"].columns
        rows = [tuple(row[column.key] for column in columns) for row in by_department(found.ledger, words)]
        print_table(tuple(column.label for column in columns), rows, found.cycle.settings.cycle)
        click.echo("\n".join(owing(found.ledger, words)))
    click.echo(_standing(totals(found.ledger), words), err=True)
    click.echo(f"催报名单已写到 {path}" + (f"，网页已写到 {page_path}" if page_path else ""), err=True)
    sys.exit(_code(found))


def _is_page(path: Path) -> bool:
    """Whether a file is an earlier page of ours, which may be replaced."""
    return path.is_file() and b'content="xlgoals"' in path.read_bytes()[:1000]


def _standing(counts: dict[str, str], words: Words) -> str:
    return words.html["line"].format(**counts)


def _code(found: Collected) -> int:
    """1 while a unit is missing or blocked, or a file was not taken for a reason that somebody must look into."""
    if found.tally.defect:
        return 3
    harmless = ("superseded", "duplicate")
    return int(any(line.state != "accepted" for line in found.ledger.lines) or any(sent.state not in harmless for sent in found.ledger.others))
