"""How good the review is: which of the published documents' real mistakes it finds, and which of its findings are justified.

`mistakes.yaml` states for each catalogued mistake which rule finds it where; `judged.yaml` holds a person's verdict on every error
and query raised on the 46 forms. `python -m tests.review` writes `docs/review-quality.md`; `--open` adds what nobody judged yet to
`judged.yaml`, to be judged by hand.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from xlgoals.check import check
from xlgoals.findings import Finding
from xlgoals.intake import gather
from xlgoals.records import At
from xlgoals.spec import data_folder, load_forms
from xlgoals.tables import findings_of, with_findings
from xlgoals.yamlmark import load_marked

HERE = Path(__file__).parent
REPORT = HERE.parent / "docs" / "review-quality.md"
DOCUMENTS = {"弋阳": "yiyang-2023", "六安": "luan-2023", "青龙": "qinglong-2024", "平罗": "pingluo-2026", "石鼓": "shigu-2020"}
FORMS = 46
LEVELS = ("level1", "level2")


# --- what the program says ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """One folder of examples, read and checked."""

    returns: pl.DataFrame
    places: pl.DataFrame
    indicators: pl.DataFrame
    findings: list[Finding]

    def forms(self, document: str) -> list[dict[str, Any]]:
        """The forms of a document in their order, told by layout: file names do not matter."""
        return self.returns.filter(pl.col("form") == DOCUMENTS[document]).to_dicts()


@cache
def reviewed(folder: str) -> Reviewed:
    known = load_forms()
    tables = gather([data_folder("examples") / folder], jobs=1).tables
    findings = findings_of(with_findings(tables, check(tables, known)))
    return Reviewed(tables.returns, tables.places, tables.indicators, findings)


# --- recall ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mistake:
    """One real mistake in one form: where it stands, and the rules of which any finds it there."""

    entry: str
    what: str
    document: str
    form: int
    cells: tuple[str, ...]
    all: bool
    rules: tuple[str, ...]
    unseen: str
    by: tuple[str, ...]  # the rules that did find it

    @property
    def found(self) -> bool:
        return bool(self.by)


def ordinals(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


@cache
def mistakes() -> tuple[Mistake, ...]:
    """Every mistake of the catalogue, one for each form it stands in, with what was found of it."""
    return tuple(one for entry, told in load_marked(HERE / "mistakes.yaml").data.items() for text in told for one in _looked_for(entry, text))


def _looked_for(entry: str, told: dict[str, Any]) -> Iterator[Mistake]:
    document, _, numbers = told["in"].partition(" ")
    seen = reviewed("as-published" if told.get("published") else "filled")
    forms = seen.forms(document)
    for number in ordinals(numbers):
        form = forms[number - 1]
        cells = [_cells(seen, form["rid"], place) for place in told["at"]]
        rules = tuple(told.get("by", ()))
        hits = [{f.code for f in seen.findings if f.code in rules and _touches(f, form, spots)} for spots in cells]
        if told.get("anywhere"):
            hits = [{f.code for f in seen.findings if f.code in rules and _stands_in(f, form)}]
        some = told.get("any") or told.get("anywhere")
        found = any(hits) if some else bool(hits) and all(hits)
        by = tuple(sorted(set().union(*hits))) if found else ()
        named = tuple(dict.fromkeys(cell for spots in cells for cell in spots))
        yield Mistake(entry, told["what"], document, number, named, not some, rules, told.get("unseen", ""), by)


def _cells(seen: Reviewed, rid: str, place: str) -> list[str]:
    """The cells of a place: a record key, part=text of indicator lines (its value's cell and its name's count alike), or @cell."""
    if place.startswith("@"):
        return [place[1:]]
    mine = seen.places.filter(pl.col("rid") == rid)
    if "=" not in place:
        return mine.filter(pl.col("key") == place)["cell"].to_list() or [""]
    part, _, text = place.partition("=")
    horizon, _, part = part.rpartition(":")
    of = pl.col("horizon") == {"mid": "mid_term", "annual": "annual"}[horizon] if horizon else pl.lit(True)
    lines = seen.indicators.filter((pl.col("rid") == rid) & (pl.col(part) == text) & of)
    assert not lines.is_empty(), f"no such line: {rid} {place}"
    wanted = [f"{key}.{one}" for key in lines["key"] for one in {"name", "target", "level2", part}]
    return mine.filter(pl.col("key").is_in(wanted))["cell"].to_list()


def _spots(finding: Finding) -> Iterator[At]:
    yield finding.at
    yield from finding.others


def _touches(finding: Finding, form: dict[str, Any], cells: list[str]) -> bool:
    spots = [*cells, form["area"].partition(":")[0]] if cells == [""] else cells  # of what no cell holds, its first cell tells
    return any(at.file == form["file"] and at.sheet == form["sheet"] and at.cell in spots for at in _spots(finding))


def _stands_in(finding: Finding, form: dict[str, Any]) -> bool:
    return any(at.file == form["file"] and at.sheet == form["sheet"] for at in _spots(finding))


def entries() -> dict[str, str]:
    """Each entry of the catalogue: found, missed, or unseen (none of it can be seen by a machine)."""
    by: dict[str, list[Mistake]] = defaultdict(list)
    for one in mistakes():
        by[one.entry].append(one)
    told = {}
    for entry, some in by.items():
        visible = [one for one in some if not one.unseen]
        told[entry] = "unseen" if not visible else "found" if all(one.found for one in visible) else "missed"
    return told


# --- precision ---------------------------------------------------------------------------------------------------------


def name_of(finding: Finding) -> str:
    """A finding's name in `judged.yaml`: document, ordinal of the form, record (or cell) it speaks of."""
    seen = reviewed("filled")
    for document in DOCUMENTS:
        forms = seen.forms(document)
        files = {form["file"] for form in forms}
        if finding.at.file in files:
            here = [n for n, form in enumerate(forms, 1) if (form["file"], form["sheet"]) == (finding.at.file, finding.at.sheet)]
            return f"{document} {here[0] if here else 0} {finding.record or finding.at.cell}"
    return f"? 0 {finding.record}"


def raised() -> dict[tuple[str, str], Finding]:
    """Every error and query on the 46 forms, by rule and name."""
    return {(f.code, name_of(f)): f for f in reviewed("filled").findings if f.severity != "note"}


def judged() -> dict[tuple[str, str], str]:
    """A person's verdicts: `right`, or `wrong: why`."""
    path = HERE / "judged.yaml"
    data = load_marked(path).data if path.exists() else {}
    return {(code, name): verdict for code, verdicts in (data or {}).items() for name, verdict in verdicts.items()}


def precision() -> dict[str, tuple[int, int]]:
    """Justified and all, of the errors and of the queries."""
    verdicts, counts = judged(), Counter[tuple[str, bool]]()
    for key, finding in raised().items():
        counts[finding.severity, verdicts.get(key) == "right"] += 1
    return {severity: (counts[severity, True], counts[severity, True] + counts[severity, False]) for severity in ("error", "query")}


# --- telling -----------------------------------------------------------------------------------------------------------


def report() -> str:
    told, right, all_entries = entries(), precision(), Counter(entries().values())
    visible = all_entries["found"] + all_entries["missed"]
    single = [one for one in mistakes() if not one.unseen]
    hit = sum(one.found for one in single)
    lines = [
        "# How good the review is",
        "",
        "Written by `python -m tests.review`; `tests/test_review.py` holds it to the thresholds. The mistakes are those that stand in the",
        "five published documents (`tests/mistakes.yaml` says which rule finds each, at which cell); the verdicts on every error and query",
        "the program raises on the 46 forms were given by hand (`tests/judged.yaml`).",
        "",
        "| figure | value | wanted |",
        "|---|---|---|",
        f"| catalogue entries found, of those a machine can see | {all_entries['found']} of {visible} ({all_entries['found'] / visible:.0%}) | ≥ 90 % |",
        f"| single mistakes found, form by form | {hit} of {len(single)} ({hit / len(single):.0%}) | |",
        f"| entries no machine should find | {all_entries['unseen']} | ≤ 8 |",
        *(
            f"| {name} justified | {good} of {every} ({good / every if every else 1:.0%}) | ≥ {wanted} % |"
            for name, (good, every), wanted in (("errors", right["error"], 95), ("queries", right["query"], 80))
        ),
        "",
        "## Entry by entry",
        "",
        "| entry | mistake | form | cell | found by |",
        "|---|---|---|---|---|",
    ]
    for one in mistakes():
        by = f"— {one.unseen}" if one.unseen else "、".join(one.by) or "**missed**"
        lines.append(f"| {one.entry} | {one.what} | {one.document} {one.form} | {'、'.join(one.cells) or '整表'} | {by} |")
    lines += ["", f"Entries: {' '.join(f'{entry} {state}' for entry, state in told.items() if state != 'found') or 'all found'}.", ""]
    lines += ["## Rule by rule: errors and queries on the 46 forms", "", "| rule | severity | raised | justified |", "|---|---|---|---|"]
    verdicts = judged()
    counts: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for key, finding in raised().items():
        counts[key[0], finding.severity].append(verdicts.get(key) == "right")
    lines += [f"| {code} | {severity} | {len(some)} | {sum(some)} |" for (code, severity), some in sorted(counts.items())]
    return "\n".join(lines) + "\n"


def write_open() -> None:
    """Rewrite `judged.yaml`: verdicts kept, findings nobody judged added as `open` with what they say, stale ones dropped."""
    verdicts, lines = judged(), ["# A person's verdict on every error and query that the program raises on the 46 forms: right, or wrong and why.\n"]
    last = ""
    for (code, name), finding in sorted(raised().items()):
        if code != last:
            lines.append(f"{code}:\n")
            last = code
        lines.append(f'  "{name}": {json.dumps(verdicts.get((code, name), "open"), ensure_ascii=False)}  # {finding.at.cell} {finding.message}\n'.replace("\x00", ""))
    (HERE / "judged.yaml").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    if "--open" in sys.argv:
        write_open()
    else:
        REPORT.write_text(report(), encoding="utf-8")
    told = entries()
    print(Counter(told.values()), precision(), [entry for entry, state in told.items() if state == "missed"])  # noqa: T201
