"""What the commands do alike: read a batch, judge it, write it, and tell how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xlgoals import __version__

if TYPE_CHECKING:
    from xlgoals.batches import Tally
    from xlgoals.findings import Finding
    from xlgoals.forms import Forms
    from xlgoals.intake import Intake
    from xlgoals.records import Book
    from xlgoals.tables import Tables


def echo_json(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, ensure_ascii=False))


def opened(path: Path, forms: Forms) -> Book:
    """Read the one workbook that a command works on; what cannot be read stops it."""
    from xlgoals.errors import Refused, UsageError
    from xlgoals.read import read_book
    from xlgoals.records import At

    try:
        return read_book(str(path), name=path.name)
    except Refused as refused:
        raise UsageError(forms.catalogue.finding(refused.code, At(path.name), detail=refused.detail).text) from refused


def reviewed(paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...]) -> Intake:
    from dataclasses import replace

    from xlgoals.check import check as run_checks
    from xlgoals.spec import load_forms
    from xlgoals.tables import with_findings

    taken = taken_in(paths, given, jobs, forms_dirs)
    return replace(taken, tables=with_findings(taken.tables, run_checks(taken.tables, load_forms(forms_dirs))))


def opined(taken: Intake, path: Path, forms_dirs: tuple[str, ...]) -> Intake:
    """Let the bureau's decisions and opinions count, and write their workbook, or the first one, with the findings of this run."""
    from dataclasses import replace

    from xlgoals.opinions import Opinions, decided, lost, remarked
    from xlgoals.opinions_book import load_words, read_opinions, write_opinions
    from xlgoals.outputs import write_whole
    from xlgoals.spec import load_forms
    from xlgoals.tables import findings_of, with_findings

    catalogue, words = load_forms(forms_dirs).catalogue, load_words()
    opinions = read_opinions(path, words) if path.exists() else Opinions()
    told = remarked(opinions.remarks, taken.tables, catalogue)
    raised = [*(one.finding for one in told if one.finding), *lost(told, path.name, words.sheets["remarks"].name, catalogue)]
    findings = [*decided(findings_of(taken.tables), opinions), *raised]
    tables = with_findings(replace(taken.tables, findings=taken.tables.findings.clear()), findings)
    with write_whole(path, force=True, inputs=[Path(source.path) for source in taken.sources]) as draft:
        write_opinions(draft, tables, findings, opinions, told)
    return replace(taken, tables=tables)


def taken_in(paths: Sequence[Path], given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...]) -> Intake:
    from xlgoals.intake import gather
    from xlgoals.records import Given
    from xlgoals.report import reading_bar

    with reading_bar() as show:
        return gather(paths, forms_dirs=forms_dirs, given=Given(*given), jobs=jobs, on_progress=show)


def summarise(
    paths: Sequence[Path], output: Path, shape: str, *, given: tuple[str, str, str], jobs: int | None, forms_dirs: tuple[str, ...],
    force: bool = False, opinions: Path | None = None, state: bool = True,
) -> Tally:  # fmt: skip
    """Read, judge and add up any number of workbooks, and write the summary whole, with links back to every file that was read
    and never over one of them. What was read is kept beside the summary, unless `state` is off."""
    import tempfile
    from functools import partial

    from xlgoals.batches import summarised
    from xlgoals.intake import read_into
    from xlgoals.limits import Limits
    from xlgoals.outputs import write_whole
    from xlgoals.records import Given
    from xlgoals.report import adding_bar, reading_bar
    from xlgoals.sources import STATE, files_in
    from xlgoals.spec import load_forms
    from xlgoals.store import Store, circumstances
    from xlgoals.summary import About, apart, write_data, write_summary

    forms, known = load_forms(forms_dirs), Given(*given)
    sources, listed = files_in(paths, forms.catalogue)
    keep = output.with_name(output.stem + STATE) if state else None
    if keep:
        keep.parent.mkdir(parents=True, exist_ok=True)
    with Store(keep, circumstances(forms_dirs, known, Limits())) as store, tempfile.TemporaryDirectory(prefix="xlgoals-") as work:
        with reading_bar() as show:
            read_into(store, sources, forms_dirs=forms_dirs, given=known, jobs=jobs, on_progress=show)
        judge = _opinions(opinions, forms) if opinions else None
        with adding_bar() as show_batch:
            summary, tally = summarised(store, sources, listed, forms, Path(work), judged=judge, on_batch=show_batch)
        read_files = [source for source in sources if source.name not in store.outputs]
        told = About(
            source="、".join(str(path) for path in paths),
            version=__version__,
            forms={form.id: form.title for form in forms.forms.values()},
            base=output.parent,
            paths={source.name: Path(source.path) for source in read_files},
        )
        inputs = [Path(source.path) for source in read_files]
        write = partial(write_whole, force=force, inputs=inputs)
        with write(output, folder=shape in ("parquet", "csv")) as draft:
            if shape == "xlsx":
                write_summary(summary, draft, told=told)
            else:
                write_data(summary, draft, shape)  # type: ignore[arg-type]  # click lets only its formats through
            if shape == "xlsx" and apart(summary):
                with write(output.with_name(f"{output.stem}-明细"), folder=True) as details:
                    write_data(summary, details, "parquet")
    return tally


def _opinions(path: Path, forms: Forms) -> Callable[[Tables, bool], Tables]:
    """Lets the bureau's decisions and opinions count in each batch; what speaks of nothing in any is told with the last."""
    from dataclasses import replace

    from xlgoals.errors import UsageError
    from xlgoals.opinions import decided, lost, remarked
    from xlgoals.opinions_book import load_words, read_opinions
    from xlgoals.tables import findings_of, with_findings

    if not path.exists():
        raise UsageError(f"没有 {path}。先用 xlgoals check … --opinions {path} 写出一份，填好再用。")
    words = load_words()
    opinions = read_opinions(path, words)
    open_remarks = list(opinions.remarks)

    def judged(tables: Tables, last: bool) -> Tables:
        told = remarked(open_remarks, tables, forms.catalogue)
        raised = [one.finding for one in told if one.finding]
        open_remarks[:] = [one.remark for one in told if one.state == "lost"]
        if last:
            raised += lost((one for one in told if one.state == "lost"), path.name, words.sheets["remarks"].name, forms.catalogue)
        findings = [*decided(findings_of(tables), opinions), *raised]
        return with_findings(replace(tables, findings=tables.findings.clear()), findings)

    return judged


def exit_code(findings: Iterable[Finding]) -> int:
    told = list(findings)
    if any(finding.code.startswith("internal.") for finding in told):
        return 3
    return int(any(finding.open for finding in told))


def tally(tables: Tables, findings: Sequence[Finding]) -> None:
    from xlgoals.findings import SEVERITIES

    counts: dict[str, int] = {s: sum(f.severity == s for f in findings) for s in SEVERITIES}
    echo_tally(tables.returns["file"].n_unique(), tables.returns.height, tables.indicators.height, counts)


def echo_tally(files: int, forms: int, indicators: int, counts: Mapping[str, int]) -> None:
    from xlgoals.findings import SEVERITIES, SEVERITY_WORDS

    told = "，".join(f"{SEVERITY_WORDS[s]} {counts.get(s, 0)}" for s in SEVERITIES)
    click.echo(f"读了 {files} 个文件、{forms} 张表、{indicators} 条指标：{told}。", err=True)
