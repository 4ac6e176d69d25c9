"""Two rounds of a unit compared: values by what they are, findings by their keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from examples.fill import fill
from xlgoals.cli import main
from xlgoals.spec import data_folder
from xlgoals.yamlmark import load_marked

PUBLISHED = data_folder("examples") / "as-published" / "青龙县医保局2024年项目绩效目标.xlsx"  # all forms on one sheet
Change = Callable[[dict[str, Any]], None]


def report(folder: Path, name: str, change: Change = lambda data: None) -> Path:
    """A round of 青龙's sixth form (a blank target) and first."""
    data = load_marked(data_folder("examples") / "data" / "qinglong-2024.yaml").data
    data = json.loads(json.dumps({**data, "projects": [data["projects"][5], data["projects"][0]]}))
    change(data)
    path = folder / f"{name}.xlsx"
    path.write_bytes(fill(data))
    return path


def rows(before: Path, after: Path) -> tuple[list[dict[str, Any]], int]:
    result = CliRunner().invoke(main, ["diff", str(before), str(after), "--format", "json"], catch_exceptions=False)
    return [json.loads(line) for line in result.stdout.splitlines()], result.exit_code


def fates(told: list[dict[str, Any]], code: str) -> list[str]:
    return [one["fate"] for one in told if one["kind"] == "finding" and one["code"] == code]


def blank(data: dict[str, Any]) -> dict[str, Any]:
    line: dict[str, Any] = next(one for one in data["projects"][0]["indicators"] if not one["target"])
    return line


def test_what_was_filled_in_is_a_change_and_its_problem_is_mended(tmp_path: Path) -> None:
    told, _ = rows(report(tmp_path, "一"), report(tmp_path, "二", lambda data: blank(data).update(target="≥95%")))
    (change,) = [one for one in told if one["kind"] == "change"]
    assert (change["before"], change["after"]) == ("", "≥95%")
    assert change["at"]["cell"].startswith("F")
    assert fates(told, "target.blank") == ["mended"]


def test_what_was_not_touched_is_still_there(tmp_path: Path) -> None:
    told, code = rows(report(tmp_path, "一"), report(tmp_path, "二"))
    assert [one for one in told if one["kind"] != "finding"] == []
    assert {one["fate"] for one in told} == {"still"}
    assert fates(told, "target.blank") == ["still"]
    assert code == 1


def test_a_new_mistake_is_new(tmp_path: Path) -> None:
    def twice(data: dict[str, Any]) -> None:
        data["projects"][1]["fiscal"] = "70"

    told, _ = rows(report(tmp_path, "一"), report(tmp_path, "二", twice))
    assert fates(told, "funds.sum") == ["new"]


def test_a_value_changed_and_still_wrong_is_told_as_such(tmp_path: Path) -> None:
    def so(amount: str) -> Change:
        return lambda data: data["projects"][1].update(fiscal=amount)

    told, _ = rows(report(tmp_path, "一", so("70")), report(tmp_path, "二", so("71")))
    assert fates(told, "funds.sum") == ["otherwise"]


def test_lines_that_moved_are_no_change(tmp_path: Path) -> None:
    def turned(data: dict[str, Any]) -> None:
        lines = data["projects"][1]["indicators"]
        first = [one for one in lines if one["level1"] == "产出指标"]
        data["projects"][1]["indicators"] = [*reversed(first), *(one for one in lines if one["level1"] != "产出指标")]

    told, _ = rows(report(tmp_path, "一"), report(tmp_path, "二", turned))
    assert [one for one in told if one["kind"] == "change"] == []


def test_forms_that_came_or_went_are_named(tmp_path: Path) -> None:
    def renamed(data: dict[str, Any]) -> None:
        data["projects"] = data["projects"][:1]

    whole, part = report(tmp_path, "一"), report(tmp_path, "二", renamed)
    assert [one["kind"] for one in rows(whole, part)[0] if one["kind"] in ("gone", "came")] == ["gone"]
    assert [one["kind"] for one in rows(part, whole)[0] if one["kind"] in ("gone", "came")] == ["came"]


def off_by_one(path: Path, number: int) -> Path:
    """The published forms, the fiscal amount of one of them off by one."""
    book = openpyxl.load_workbook(PUBLISHED)
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if str(cell.value or "").startswith("其中：财政")]
    spot = next(cell for cell in book.worksheets[0][cells[number].row][cells[number].column :] if cell.value is not None)
    spot.value = str(float(str(spot.value)) + 1)
    book.save(path)
    return path


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
def test_problems_are_told_apart_where_all_forms_stand_on_one_sheet(tmp_path: Path) -> None:
    told, _ = rows(off_by_one(tmp_path / "一.xlsx", 3), off_by_one(tmp_path / "二.xlsx", 6))
    sums = [(one["fate"], one["project"]) for one in told if one["kind"] == "finding" and one["code"] == "funds.sum"]
    assert sorted(fate for fate, _ in sums if fate != "still") == ["mended", "new"]
    assert len({project for _, project in sums}) == len(sums) and len({one["project"] for one in told if one["kind"] == "finding"}) > 10
    shown = CliRunner().invoke(main, ["diff", str(tmp_path / "一.xlsx"), str(tmp_path / "二.xlsx")], catch_exceptions=False).output
    assert "项目" in shown and all(project[:6] in shown for _, project in sums)


def test_a_limit_counts_for_both_rounds(tmp_path: Path) -> None:
    low = tmp_path / "低.yaml"
    low.write_text("file_bytes: 5 KB\n", encoding="utf-8")
    path = report(tmp_path, "一")
    for words in (["diff", path, path], ["ties", path]):
        told = CliRunner().invoke(main, [*map(str, words), "--limits", str(low), "--format", "json"], catch_exceptions=False)
        assert "上限 5 KB，由设置 file_bytes 定" in told.output and told.exit_code == 1
