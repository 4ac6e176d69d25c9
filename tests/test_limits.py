"""Limits are settings: of a cycle, or of a file given; a file beyond one is told of with the setting's name, and read once it is raised."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.test_guard import HOSTILE
from tests.test_intake import far
from xlgoals.cli import main
from xlgoals.errors import InputError, Refused
from xlgoals.guard import inspect
from xlgoals.limits import Limits, load_limits
from xlgoals.lists import read_lists
from xlgoals.spec import data_folder, load_forms

FILLED = sorted((data_folder("examples") / "filled").iterdir())
DOCS = Path(__file__).parent.parent / "docs" / "limits.md"


def xlgoals(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def low(tmp_path: Path) -> Path:
    path = tmp_path / "上限.yaml"
    path.write_text("file_bytes: 5 KB\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("written", "bytes_"), [("5 KB", 5 << 10), ("80MB", 80 << 20), ("2 gb", 2 << 30), ("4096", 4096)]
)  # fmt: skip
def test_sizes_as_people_write_them(tmp_path: Path, written: str, bytes_: int) -> None:
    (tmp_path / "a.yaml").write_text(f"file_bytes: {written}", encoding="utf-8")
    assert load_limits(tmp_path / "a.yaml") == Limits(file_bytes=bytes_)


MISTAKES = "cell: 9\nseconds: 0\nparts: 许多\nfile_bytes: 很大\nmemory: 10 MB\n"


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MISTAKES, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_limits(tmp_path / "a.yaml")
    told = [str(fault) for fault in raised.value.faults]
    assert [one.partition("  ")[0] for one in told] == [f"a.yaml:{n}" for n in range(1, 6)]
    for one, word in zip(told, ("是不是 cells？", "seconds：应大于 0", "parts：应为整数", "大小应写成 80 MB", "memory：不能小于"), strict=True):
        assert word in one
    told = xlgoals("check", FILLED[0], "--limits", tmp_path / "a.yaml").output.splitlines()
    assert len(told) == 6


@pytest.mark.parametrize("text", ["", "[1]", "a: [", "file_bytes: 1\nfile_bytes: 2"])
def test_what_is_no_mapping_is_a_mistake_of_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    result = xlgoals("check", FILLED[0], "--limits", tmp_path / "a.yaml")
    assert (result.exit_code, "a.yaml:" in result.output) == (2, True)
    assert xlgoals("check", FILLED[0], "--limits", tmp_path / "none.yaml").exit_code == 2


def test_a_file_beyond_a_limit_is_read_when_it_is_raised(tmp_path: Path, low: Path) -> None:
    refused = xlgoals("check", FILLED[0], "--limits", low, "--format", "json")
    assert '"code": "file.too_large"' in refused.output
    assert "上限 5 KB，由设置 file_bytes 定" in refused.output
    assert "读了 1 个文件" in xlgoals("check", FILLED[0]).output
    told = xlgoals("read", FILLED[0], "--limits", low)
    assert "读了 0 个文件" in told.output


def test_what_the_store_knows_of_a_low_limit_is_read_again_under_a_higher_one(tmp_path: Path, low: Path) -> None:
    output = tmp_path / "汇总.xlsx"
    assert "读了 0 个文件" in xlgoals("consolidate", FILLED[0], "-o", output, "--limits", low).output
    assert "读了 1 个文件" in xlgoals("consolidate", FILLED[0], "-o", output, "--force").output
    assert "读了 0 个文件" in xlgoals("consolidate", FILLED[0], "-o", output, "--force", "--limits", low).output


def test_a_cycle_has_limits_of_its_own(tmp_path: Path, low: Path) -> None:
    cycle = tmp_path / "2026预算"
    xlgoals("init", cycle)
    shutil.copy(FILLED[0], cycle / "inbox")
    settings = cycle / "cycle.yaml"
    text = settings.read_text(encoding="utf-8")
    assert "读了 1 个文件" in xlgoals("read", "--cycle", cycle).output
    settings.write_text(text + "\nlimits:\n  file_bytes: 5 KB\n", encoding="utf-8")
    told = xlgoals("read", "--cycle", cycle).output
    assert "读了 0 个文件" in told
    assert "由设置 file_bytes 定" in re.sub(r"\s", "", told) or "file_bytes" in told
    settings.write_text(text + "\nlimits:\n  file_byte: 5 KB\n", encoding="utf-8")
    told = xlgoals("read", "--cycle", cycle).output
    line = text.count("\n") + 3
    assert f"cycle.yaml:{line}  不认识 file_byte，是不是 file_bytes？" in told
    settings.write_text(text, encoding="utf-8")
    assert xlgoals("read", "--cycle", cycle, "--limits", low).exit_code == 2


@pytest.mark.parametrize("name", [name for name, (_, code) in HOSTILE.items() if code == "file.too_large"])
def test_every_finding_about_a_limit_names_the_setting(name: str) -> None:
    with pytest.raises(Refused) as refused:
        inspect(HOSTILE[name][0]())
    found = re.search(r"上限 \S+(?: [KMG]?B)?，由设置 (\w+) 定$", refused.value.detail)
    assert found, refused.value.detail
    assert found[1] in Limits.model_fields


def test_every_limit_is_in_the_documentation_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    shown = {name: re.match(r"上限 (.+)，", Limits().told(name))[1] for name in Limits.model_fields}  # type: ignore[index]
    assert {name: text.replace(",", "") for name, text in rows.items()} == {name: text.removesuffix(" 秒") for name, text in shown.items()}


def test_a_native_crash_does_not_end_a_command_about_one_file(tmp_path: Path) -> None:
    """With the guard's limit lifted, the far cell makes the native reader abort its process."""
    (tmp_path / "坏.xlsx").write_bytes(far())
    (tmp_path / "高.yaml").write_text(f"area: {1 << 50}", encoding="utf-8")
    told = xlgoals("convert", tmp_path / "坏.xlsx", "--to", "mof-2021", "-o", tmp_path / "x.xlsx", "--limits", tmp_path / "高.yaml")
    assert (told.exit_code, "读取程序异常退出" in told.output) == (2, True), told.output
    (tmp_path / "快.yaml").write_text("seconds: 0.001", encoding="utf-8")
    told = xlgoals("convert", FILLED[0], "--to", "mof-2021", "-o", tmp_path / "x.xlsx", "--limits", tmp_path / "快.yaml")
    assert (told.exit_code, "由设置 seconds 定" in told.output) == (2, True), told.output
    assert not (tmp_path / "x.xlsx").exists()


def test_a_native_crash_of_a_list_is_a_mistake_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "roster.xlsx").write_bytes(far())
    with pytest.raises(InputError, match="读取程序异常退出"):
        read_lists(tmp_path / "roster.xlsx", load_forms().catalogue, ["单位编码"], Limits(area=1 << 50))
