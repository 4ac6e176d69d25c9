"""Outputs: whole or not at all, harmless text, relative links, frames as data."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlgoals.errors import OutputError
from xlgoals.outputs import MARKER, TEXT_MOST, DataFormat, fit_text, link_target, write_frames, write_whole

MARK = "…（已截断）"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_at_the_end_only(tmp_path: Path) -> None:
    target = tmp_path / "新建" / ("汇" * 80 + ".xlsx")  # 245 bytes: no room for a longer temporary name
    with write_whole(target) as draft:
        assert draft.parent == target.parent
        assert draft.suffix == ".xlsx"
        assert draft.name.startswith(".")  # a run over this folder meanwhile skips it
        draft.write_text("完")
        assert not target.exists()
    assert target.read_text() == "完"
    assert names(target.parent) == [target.name]


@pytest.mark.parametrize("folder", [False, True])
def test_a_failure_leaves_nothing_and_keeps_the_old(tmp_path: Path, folder: bool) -> None:
    target = tmp_path / "out"
    with write_whole(target, folder=folder) as draft:
        (draft / "a" if folder else draft).write_text("旧")
    with pytest.raises(ZeroDivisionError), write_whole(target, force=True, folder=folder) as draft:
        (draft / "a" if folder else draft).write_text("新")
        raise ZeroDivisionError
    assert (target / "a" if folder else target).read_text() == "旧"
    assert names(tmp_path) == ["out"]


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    target = tmp_path / "a.xlsx"
    target.write_text("旧")
    with pytest.raises(OutputError, match="--force"), write_whole(target):
        pytest.fail("must be refused before work begins")
    with write_whole(target, force=True) as draft:
        draft.write_text("新")
    assert target.read_text() == "新"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.xlsx"
    with pytest.raises(OutputError, match="--force"), write_whole(target) as draft:
        draft.write_text("我们的")
        target.write_text("别人的")
    assert target.read_text() == "别人的"
    assert names(tmp_path) == ["a.xlsx"]


def test_an_input_is_never_written_over(tmp_path: Path) -> None:
    source, twin, inside = tmp_path / "a.xlsx", tmp_path / "b.xlsx", tmp_path / "夹" / "c.xlsx"
    inside.parent.mkdir()
    (inside.parent / MARKER).touch()
    source.write_text("x")
    inside.write_text("x")
    os.link(source, twin)
    for target in (source, twin, tmp_path / "夹" / ".." / "a.xlsx"):
        with pytest.raises(OutputError, match="输入"), write_whole(target, force=True, inputs=[source]):
            pytest.fail("must be refused")
    with pytest.raises(OutputError, match="输入"), write_whole(inside.parent, force=True, folder=True, inputs=[inside]):
        pytest.fail("must be refused")


def test_a_folder_is_replaced_only_if_it_is_ours(tmp_path: Path) -> None:
    ours, foreign = tmp_path / "数据", tmp_path / "文档"
    for text in ("1", "2"):
        with write_whole(ours, force=True, folder=True) as draft:
            (draft / f"{text}.csv").write_text(text)
    assert names(ours) == [MARKER, "2.csv"]
    with pytest.raises(OutputError, match="--force"), write_whole(ours, folder=True):
        pytest.fail("must be refused")
    foreign.mkdir()
    (foreign / "a.doc").touch()
    with pytest.raises(OutputError, match="不是本程序"), write_whole(foreign, force=True, folder=True):
        pytest.fail("must be refused")
    assert names(tmp_path) == ["数据", "文档"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_file_is_no_folder(tmp_path: Path, folder: bool) -> None:
    target = tmp_path / "a"
    if folder:
        target.touch()
    else:
        target.mkdir()
    with pytest.raises(OutputError, match="已存在"), write_whole(target, force=True, folder=folder):
        pytest.fail("must be refused")


def test_an_open_file_is_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "in use", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="请先关闭该文件（可能正被 Excel 或 WPS 打开）"), write_whole(tmp_path / "a.xlsx") as draft:
        draft.write_text("x")
    assert names(tmp_path) == []


def test_a_parent_that_is_a_file_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match="无法写入"), write_whole(tmp_path / "a" / "b.xlsx"):
        pytest.fail("must be refused")


def test_a_mistake_about_another_file_is_not_ours_to_explain(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), write_whole(tmp_path / "a.xlsx"):
        (tmp_path / "没有.txt").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "=1+1"),
        ("a\x0bb\x00", "ab"),
        ("一\r\n二\r三\t四", "一\n二\n三\t四"),
        ("<r><t>x</t></r>", "<r><t>x</t></r> "),
        ("长" * TEXT_MOST, "长" * TEXT_MOST),
        ("长" * (TEXT_MOST + 1), "长" * (TEXT_MOST - len(MARK)) + MARK),
        ("𠮷" * TEXT_MOST, "𠮷" * ((TEXT_MOST - len(MARK)) // 2) + MARK),
    ],
)
def test_foreign_text_is_made_fit(text: str, expected: str) -> None:
    assert fit_text(text, MARK) == expected


@given(st.text())
def test_any_text_fits_and_stays(text: str) -> None:
    fit = fit_text(text, MARK)
    assert fit_text(fit, MARK) == fit
    assert not any(ord(c) < 32 and c not in "\t\n" for c in fit)


@pytest.mark.parametrize(
    ("file", "folder", "expected"),
    [
        ("甲.xlsx", "base", "甲.xlsx"),
        ("医保 局/甲#1 100%'s.xlsx", "base", "医保%20局/甲%231%20100%25's.xlsx"),
        ("甲.xlsx", "base/汇总", "../甲.xlsx"),
        ("甲.xlsx", "其他", "../base/甲.xlsx"),
        ("a%20b?.xlsx", "base", "a%2520b%3F.xlsx"),
        ("http:x.xlsx", "base", "./http:x.xlsx"),
        ("[1]{2}^`|<>\".xlsx", "base", "%5B1%5D%7B2%7D%5E%60%7C%3C%3E%22.xlsx"),
    ],
)  # fmt: skip
def test_links_are_relative_and_escaped(tmp_path: Path, file: str, folder: str, expected: str) -> None:
    assert link_target(tmp_path / "base" / file, tmp_path / folder) == expected


def test_no_link_where_there_is_no_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_drive(path: object, start: object) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", other_drive)
    assert link_target(tmp_path / "a.xlsx", tmp_path) is None


FRAME = pl.DataFrame(
    {"text": ["=1+1", "@x", "-5", "\t", "文字", None], "money": [Decimal("-1.5"), None, None, None, None, Decimal("190.74")]},
    schema={"text": pl.String(), "money": pl.Decimal(38, 6)},
)


def test_csv_opens_in_excel_and_runs_nothing(tmp_path: Path) -> None:
    write_frames({"t": FRAME}, tmp_path / "d", "csv")
    raw = (tmp_path / "d" / "t.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw[3:].decode() == "text,money\r\n'=1+1,-1.500000\r\n'@x,\r\n'-5,\r\n'\t,\r\n文字,\r\n,190.740000\r\n"


def test_json_keeps_money_exact(tmp_path: Path) -> None:
    write_frames({"t": FRAME, "leer": FRAME.clear()}, tmp_path / "d.json", "json")
    told = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    assert told["t"][0] == {"text": "=1+1", "money": "-1.500000"}
    assert told["leer"] == []


@pytest.mark.parametrize("format", ["parquet", "csv", "json"])
def test_equal_frames_give_equal_bytes(tmp_path: Path, format: DataFormat) -> None:
    for name in ("1", "2"):
        write_frames({"t": FRAME}, tmp_path / name, format)
    first, second = (tmp_path / name if format == "json" else tmp_path / name / f"t.{format}" for name in ("1", "2"))
    assert first.read_bytes() == second.read_bytes()
    if format == "parquet":
        assert pl.read_parquet(first).equals(FRAME)


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="xml"):
        write_frames({}, tmp_path / "d", "xml")  # type: ignore[arg-type]
