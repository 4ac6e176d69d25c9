"""The department's tables in `examples/` against the text of the printed document (as scanned, `tests/printed/`), cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xlgoals.spec import data_folder
from xlgoals.yamlmark import load_marked

DATA: dict[str, Any] = load_marked(data_folder("examples") / "data" / "budget" / "qinglong-2024.yaml").data
SCAN = (Path(__file__).parent / "printed" / "qinglong-budget-2024.txt").read_text(encoding="utf-8")


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def pages(title: str) -> str:
    """The scanned pages of one table: from its title to the next title."""
    titles = [f"\n{table['table']}\n" for table in DATA["tables"]] + ["\n青龙满族", "\n情况说明", "\n八、", "\n九、", "\n二、"]
    text = "\n" + SCAN
    start = text.index(f"\n{title}\n") + len(title) + 1
    ends = [at for one in titles if (at := text.find(one, start)) > 0]
    return text[start : min(ends, default=len(text))]


def scanned(title: str) -> Iterator[list[str]]:
    """The rows of a table as the scan has them, without blanks; a name broken over two rows or pages is joined again."""
    rows: list[list[str]] = []
    for line in pages(title).splitlines():
        cells = [bare(cell) for cell in line.split("\t")]
        if len(cells) > 3 and re.fullmatch(r"\d\d?", cells[0]):  # no wreck of a heading (1175)
            rows.append(cells)
        elif len(cells) > 3 and cells[:2] == ["", ""] and cells[2] and not any(cells[3:]) and rows:
            rows[-1][2] += cells[2]
    yield from rows


@pytest.mark.parametrize("table", [t for t in DATA["tables"] if t["columns"][0] == "seq"], ids=lambda t: t["grid"])
def test_every_row_of_a_table_is_as_scanned(table: dict[str, Any]) -> None:
    """The scan of the first page of 收支总表 lost its lines: those rows are held against its figures below."""
    typed = {row[0]: row for row in table["rows"]}
    found = list(scanned(table["table"]))
    for cells in found:
        row = [bare(cell) for cell in typed[cells[0]]]
        assert [cell.strip("_·") for cell in cells[: len(row)]] == row, table["table"]
    lost = set(typed) - {cells[0] for cells in found}
    assert lost == ({str(n) for n in range(1, 20)} if table["grid"] == "balance" else set())


def test_the_page_without_lines_holds_the_same_words_and_figures() -> None:
    balance = DATA["tables"][0]
    printed = next(line for line in SCAN.splitlines() if "栏次 1 2" in line)
    page = bare(printed)
    for seq, *cells in balance["rows"][:19]:
        for cell in cells:
            assert bare(cell) in page, seq
    figures = [cell for row in balance["rows"][:19] for cell in (row[2], row[4]) if cell]
    assert sorted(figures) == sorted(bare(figure) for figure in re.findall(r"\d+\. ?\d\d", printed))


@pytest.mark.parametrize("table", DATA["tables"], ids=lambda t: t["grid"])
def test_every_figure_and_note_stands_in_the_print(table: dict[str, Any]) -> None:
    page, columns = bare(pages(table["table"])), len(table["columns"])
    assert len(table["headings"]) == columns
    for row in table["rows"]:
        assert len(row) == columns
        for cell in row:
            if re.fullmatch(r"[\d.]+", cell):
                assert cell in page
    assert bare(table.get("note", "")) in page


def test_the_sentences_stand_in_the_print_and_hold_their_figures() -> None:
    text = bare(SCAN)
    for sentence in DATA["statement"]:
        assert bare(sentence["text"]) in text
        rest = sentence["text"]
        for name, figure in sentence.get("figures", {}).items():
            assert figure in rest, name
            rest = rest[rest.index(figure) + len(figure) :]  # in the order in which they are printed
        amounts = re.findall(r"([\d.]+)万元", sentence["text"])
        assert amounts == [one for one in sentence.get("figures", {}).values() if one[0].isdigit()]
