"""Any number of workbooks: batch by batch as all at once, from the state as anew, and what ends a run early."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import weakref
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

from xlgoals.batches import MOST, planned, summarised
from xlgoals.cli import main
from xlgoals.consolidate import Summary
from xlgoals.entries import typed
from xlgoals.intake import gather, read_into
from xlgoals.layout import plan
from xlgoals.parts import slices
from xlgoals.records import Given, Stamp
from xlgoals.render import render
from xlgoals.settle import settled
from xlgoals.sources import STATE, files_in
from xlgoals.spec import load_forms
from xlgoals.store import Store, circumstances
from xlgoals.tables import Tables
from xlgoals.wording import load_wording

FORMS = load_forms()
FORM = FORMS["qinglong-2024"]


def unit(path: Path, department: str, name: str, projects: int = 1, total: str = "12.5", code: str = "") -> Path:
    """A unit's workbook with so many projects."""
    stamp = Stamp(1, "", "", year="2024", department=department, unit=name)
    contents = []
    for number in range(projects):
        project = {
            "project_code": f"{code or name}-{number}", "project_name": f"{name}项目{number}", "total": total, "fiscal": total, "purpose": "用于试验",
            "goals": ["做好"], "indicators": [{"level1": "产出指标", "level2": "数量指标", "name": "数量", "description": "数", "target": "≥1个", "basis": "计划"}],
        }  # fmt: skip
        contents.append(list(typed(plan(FORM), project)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render(FORMS, FORM, count=projects, stamp=stamp, content=contents))
    return path


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Departments whose workbooks do not lie together, a return that came twice, one in two versions, one that is no workbook."""
    folder = tmp_path_factory.mktemp("inbox")
    for number in range(9):
        unit(folder / f"{number}.xlsx", f"{'甲乙丙'[number % 3]}局", f"单位{number}", projects=1 + number % 2)
    shutil.copy(folder / "3.xlsx", folder / "z3.xlsx")
    unit(folder / "z5.xlsx", "丙局", "单位5", projects=2, total="99")
    (folder / "坏.xlsx").write_bytes(b"none")
    unit(folder / "空.xlsx", "丁局", "单位空", projects=1, total="")
    return folder


def told(folder: Path, work: Path, most: int, state: Path | None = None) -> Summary:
    sources, listed = files_in([folder], FORMS.catalogue)
    work.mkdir()
    with Store(state, circumstances((), Given())) as store:
        read_into(store, sources, jobs=2)
        return summarised(store, sources, listed, FORMS, work, most=most)[0]


def whole(summary: Summary) -> dict[str, list[tuple[object, ...]]]:
    """All that a summary says; findings and the numbers they have by batch put in one order."""
    found = {name: pl.concat(slices(frame)) for name, frame in summary.items()}
    found["findings"] = found["findings"].drop("finding_no").sort(pl.all())
    return {name: frame.rows() for name, frame in found.items()}


def test_batches_say_what_all_at_once_says(inbox: Path, tmp_path: Path) -> None:
    once, several = (told(inbox, tmp_path / str(most), most) for most in (MOST, 6))
    assert isinstance(once.projects, pl.DataFrame) and not isinstance(several.projects, pl.DataFrame)
    assert whole(several) == whole(once)
    numbers = pl.concat(slices(several.findings))
    assert numbers["finding_no"].to_list() == list(range(1, numbers.height + 1))
    assert numbers["severity"].to_list() == sorted(numbers["severity"], key=["error", "query", "note"].index)


def test_one_batch_is_held_at_a_time(inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Any] = []
    alive: list[bool] = []

    def watched(tables: Tables, *more: Any) -> Tables:
        alive.append(any(one() is not None for one in held))
        found = settled(tables, *more)
        held.append(weakref.ref(found.indicators))
        return found

    monkeypatch.setattr("xlgoals.batches.settled", watched)
    told(inbox, tmp_path / "w", 4)
    assert len(alive) > 2 and not any(alive)


def test_a_department_is_whole_in_its_batch_and_so_is_a_return_that_came_twice(inbox: Path, tmp_path: Path) -> None:
    sources, _ = files_in([inbox], FORMS.catalogue)
    with Store(None, "") as store:
        read_into(store, sources, jobs=2)
        found = planned(store, sources, 6)
    batches = [set(batch) for batch in found.batches]
    assert sorted(name for batch in batches for name in batch) == sorted(source.name for source in sources)
    assert any({"5.xlsx", "z5.xlsx"} <= batch for batch in batches)
    for own in ({"0.xlsx", "6.xlsx"}, {"1.xlsx", "4.xlsx", "7.xlsx"}, {"2.xlsx", "5.xlsx", "8.xlsx"}):
        assert any(own <= batch for batch in batches)
    assert found.units["unit_no"].to_list() == list(range(1, found.units.height + 1))


def test_the_state_gives_the_same_as_reading_anew(inbox: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(inbox, folder)
    state = tmp_path / f"a{STATE}"
    told(folder, tmp_path / "w1", 4, state)
    unit(folder / "4.xlsx", "乙局", "单位4", projects=1, total="77")
    unit(folder / "新.xlsx", "甲局", "单位新")
    (folder / "8.xlsx").unlink()
    sources, _ = files_in([folder], FORMS.catalogue)
    with Store(state, circumstances((), Given())) as store:
        assert [source.name for source in store.known(sources)] == ["4.xlsx", "坏.xlsx", "新.xlsx"]  # what cannot be read is tried again
        again = told(folder, tmp_path / "w2", 4, state)
    assert whole(again) == whole(told(folder, tmp_path / "w3", 4))
    with Store(state, circumstances((), Given(year="2031"))) as store:
        assert len(store.known(sources)) == len(sources)  # what the caller says has changed


def test_a_changed_file_is_read_again_whatever_its_date_says(tmp_path: Path) -> None:
    path = unit(tmp_path / "in" / "a.xlsx", "甲局", "单位", total="1")
    state, stat = tmp_path / f"a{STATE}", path.stat()
    first = told(tmp_path / "in", tmp_path / "w1", 4, state)
    unit(path, "甲局", "单位", total="2")
    with zipfile.ZipFile(path, "a") as package:  # as long as before, and as old
        package.comment = b""
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = told(tmp_path / "in", tmp_path / "w2", 4, state)
    assert [row[0] for row in (first.total.select("total").row(0), second.total.select("total").row(0))] != [None, None]
    assert first.total["total"][0] * 2 == second.total["total"][0]


@pytest.mark.parametrize("damage", ["cut", "garbage", "blob", "locked"])
def test_a_state_that_is_no_use_is_done_without(inbox: Path, tmp_path: Path, damage: str) -> None:
    state = tmp_path / f"a{STATE}"
    first = told(inbox, tmp_path / "w1", 4, state)
    other: sqlite3.Connection | None = None
    if damage == "cut":
        state.write_bytes(state.read_bytes()[:3000])
    elif damage == "garbage":
        state.write_bytes(os.urandom(20_000))
    else:
        other = sqlite3.connect(state)
        if damage == "blob":
            other.execute("update piece set packed = zeroblob(100) where name = 'funds'")
            other.commit()
            other.close()
        else:
            other.execute("begin exclusive")
    assert whole(told(inbox, tmp_path / "w2", 4, state)) == whole(first)
    if other:
        other.close()


def test_an_interrupted_run_leaves_what_it_read(inbox: Path, tmp_path: Path) -> None:
    sources, _ = files_in([inbox], FORMS.catalogue)
    state = tmp_path / f"a{STATE}"

    def interrupt(done: int, total: int, problems: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Store(state, "x") as store:
        read_into(store, sources, jobs=2, on_progress=interrupt)
    with Store(state, "x") as store:
        assert 0 < len(store.known(sources)) < len(sources)


def run(*args: str) -> int:
    return CliRunner().invoke(main, list(args)).exit_code


def test_the_command_writes_the_same_bytes_from_its_state(inbox: Path, tmp_path: Path) -> None:
    out = tmp_path / "汇总.xlsx"
    assert run("consolidate", str(inbox), "-o", str(out)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"汇总{STATE}", "汇总.xlsx"]
    first = out.read_bytes()
    assert run("consolidate", str(inbox), "-o", str(out), "--force") == 1
    assert out.read_bytes() == first
    assert run("consolidate", str(inbox), "-o", str(tmp_path / "b" / "汇总.xlsx"), "--no-state") == 1
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["汇总.xlsx"]
    assert run("consolidate", str(inbox), "-o", str(tmp_path / "c" / "汇总"), "--format", "parquet") == 1
    assert gather([tmp_path]).tables.returns.is_empty()  # neither the state nor our own outputs are input


@pytest.fixture
def long(inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A summary whose listings are long ones, two sheets each."""
    monkeypatch.setattr("xlgoals.tablesheet.LINKED_ROWS_MOST", 3)
    monkeypatch.setattr("xlgoals.tablesheet.ROWS_MOST", 5)
    monkeypatch.setattr("xlgoals.tablesheet.SHEETS_MOST", 100)
    monkeypatch.setattr("xlgoals.longsheet.SLICE", 2)
    out = tmp_path / "长.xlsx"
    assert run("consolidate", str(inbox), "-o", str(out), "--no-state") == 1
    yield out


def test_long_listings_say_what_short_ones_say(inbox: Path, tmp_path: Path, long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    short = tmp_path / "短.xlsx"
    assert run("consolidate", str(inbox), "-o", str(short), "--no-state") == 1
    ours, theirs = openpyxl.load_workbook(long), openpyxl.load_workbook(short)
    listings = [name for name in theirs.sheetnames if f"{name}（2）" in ours.sheetnames]
    assert len(listings) > 1
    for name in listings:
        parts = [sheet for sheet in ours.sheetnames if sheet == name or sheet.startswith(f"{name}（")]
        rows = [row for part in parts for row in ours[part].iter_rows(min_row=5, values_only=True)]
        link = load_wording().phrases.open  # what a short listing shows for a file without a cell
        assert rows == [tuple(None if value == link else value for value in row) for row in theirs[name].iter_rows(min_row=5, values_only=True)]
        assert all(ours[part].dimensions.startswith("A1:") and ours[part].max_row <= 9 for part in parts)
        for one, other in zip(ours[name][5], theirs[name][5], strict=True):
            assert (one.number_format, one.border.left.style, one.alignment.wrap_text) == (
                other.number_format, other.border.left.style, other.alignment.wrap_text,
            )  # fmt: skip


def test_a_table_beyond_the_workbook_goes_beside_it(inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlgoals.tablesheet.LINKED_ROWS_MOST", 3)
    monkeypatch.setattr("xlgoals.tablesheet.ROWS_MOST", 4)
    monkeypatch.setattr("xlgoals.tablesheet.SHEETS_MOST", 2)
    out = tmp_path / "汇总.xlsx"
    assert run("consolidate", str(inbox), "-o", str(out), "--no-state") == 1
    beside = pl.read_parquet(tmp_path / "汇总-明细" / "indicators.parquet")
    assert beside.height > 8
    book = openpyxl.load_workbook(out)
    (sheet,) = (sheet for sheet in book if "indicators" in str(sheet["A2"].value))
    assert sheet["A5"].value is None


def test_no_text_becomes_a_formula_or_breaks_the_sheet(tmp_path: Path) -> None:
    from xlgoals.longsheet import Look, Rows, insert, rows_xml

    texts = ["=1+1", "+86", "a&b<c>", "]]>", "x\x00y", " 首尾 ", "a\r\nb", "", None, "长" * 40_000, "_x000D_", "<r>raw</r>"]
    frame = pl.DataFrame({"text": texts, "number": [1.5, None, 0.0, -2.25, 1e300, 1e-7, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]})
    package = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["甲", "乙"])  # type: ignore[union-attr]
    book.save(package)
    rows = rows_xml(frame, {"": [Look(0, text=True), Look(0)]}, 1, "…")
    insert(package, tmp_path / "a.xlsx", {"xl/worksheets/sheet1.xml": Rows(rows, 13)})
    read = list(openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows(min_row=2, values_only=True))  # type: ignore[union-attr]
    shown = [row[0] for row in read]
    assert shown[:6] == ["=1+1", "+86", "a&b<c>", "]]>", "xy", " 首尾 "]
    assert shown[6:9] == ["a\nb", None, None]
    assert shown[9].endswith("…") and len(shown[9]) == 32_767  # type: ignore[union-attr,arg-type]
    assert [row[1] for row in read][:6] == [1.5, None, 0, -2.25, 1e300, 1e-7]
    cells = openpyxl.load_workbook(tmp_path / "a.xlsx").active["A2"]  # type: ignore[index]
    assert cells.data_type in ("s", "inlineStr")


def test_frames_are_alike(inbox: Path, tmp_path: Path) -> None:
    """Every part of a table has the types of the whole."""
    several = told(inbox, tmp_path / "w", 4)
    for name, frame in several.items():
        assert len({tuple(one.schema.items()) for one in slices(frame, 2)}) == 1, name
    assert replace(several) == several
