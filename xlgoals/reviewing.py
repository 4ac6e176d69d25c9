"""The reviewers' workbook over a run: its decisions and opinions count in each batch, and it is written anew with what the run found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from xlgoals.annexes import Graded, graded
from xlgoals.errors import UsageError
from xlgoals.findings import Catalogue
from xlgoals.keys import keyed
from xlgoals.opinions import Opinions, Told, decided, digests, lost, remarked, unfinished
from xlgoals.opinions_book import HOME, graded_lines, load_words, read_opinions, write_opinions
from xlgoals.outputs import write_whole
from xlgoals.sources import natural
from xlgoals.tables import SCHEMAS, Tables, as_findings, tabulate, with_findings

ASKED = pl.col("severity") != "note"  # what reviewers decide on


class Reviewing:
    """What reviewers wrote in the workbook at `path`, and what became of it. One that is not there yet is begun by writing; to be
    only read it must exist, else UsageError is raised."""

    def __init__(self, path: Path, catalogue: Catalogue, *, write: bool) -> None:
        if not write and not path.exists():
            raise UsageError(f"没有 {path}。先用 xlgoals check … --opinions {path} 写出一份，填好再用。")
        self.path, self.catalogue, self.words = path, catalogue, load_words()
        self.opinions = read_opinions(path, self.words) if path.exists() else Opinions()
        self._open = list(self.opinions.remarks)
        self._told: list[Told] = []
        self._homes: list[pl.DataFrame] = []
        self._asked: list[pl.DataFrame] = []
        self._answers: Mapping[str, str] = {}

    def judged(self, tables: Tables, last: bool) -> Tables:
        """The tables of a batch with the reviewers' verdicts, and what they raised; what speaks of nothing in any batch is told with
        the last."""
        told = remarked(self._open, tables, self.catalogue)
        left = [one for one in told if one.state == "lost"]
        self._open = [one.remark for one in left]
        self._told += told if last else [one for one in told if one.state != "lost"]
        raised = [one.finding for one in told if one.finding]
        if last:
            names = {name: page.name for name, page in self.words.sheets.items()}
            raised += lost(left, self.path.name, names["remarks"], self.catalogue)
            raised += unfinished(self.opinions, self.path.name, names, self.catalogue)
        return with_findings(replace(tables, findings=self._decided(tables.findings)), keyed(raised, tables, self.catalogue))

    def _decided(self, findings: pl.DataFrame) -> pl.DataFrame:
        """The findings with the reviewers' verdicts: only those decided on are taken up, each keeps its place."""
        placed, known = findings.with_row_index("place"), pl.col("key").is_in(list(self.opinions.decisions))
        told = placed.filter(known)
        if told.is_empty():
            return findings
        said = with_findings(tabulate([]), decided(as_findings(told), self.opinions)).findings
        return pl.concat([placed.filter(~known), said.insert_column(0, told["place"])]).sort("place").drop("place")

    def take(self, tables: Tables) -> None:
        """Take up a judged batch, to be written."""
        contents = digests(tables)
        digest = pl.Series([contents.get(rid, "") for rid in tables.returns["rid"]], dtype=pl.String)
        self._homes.append(tables.returns.with_columns(digest=digest).select(HOME))
        self._asked.append(tables.findings.filter(ASKED))
        self._answers = dict(tables.answers.select("key", "text").reverse().iter_rows())

    def write(self, inputs: Sequence[Path]) -> None:
        """Write the workbook anew with all that was taken up; nothing reviewers wrote is lost."""
        homes = self._forms()
        place = {file: at for at, file in enumerate(sorted(homes["file"].unique(), key=natural))}
        homes = homes.sort(pl.col("file").replace_strict(place, return_dtype=pl.Int64), maintain_order=True) if place else homes
        found = pl.concat([pl.DataFrame(schema=SCHEMAS["findings"]), *self._asked])
        with write_whole(self.path, force=True, inputs=inputs) as draft:
            write_opinions(draft, homes, found, self.opinions, sorted(self._told, key=lambda one: one.remark.line), self._answers)

    def _forms(self) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(schema=dict.fromkeys(HOME, pl.String())), *self._homes])

    def grades(self) -> dict[str, list[str]]:
        """What reviewers graded of the forms that were taken up, in words for the unit: file -> lines."""
        return graded_lines(self._forms(), self.opinions, self.words)

    def graded(self, tables: Tables) -> Graded:
        """What reviewers graded of these."""
        return graded(tables, self.opinions, self.words)
