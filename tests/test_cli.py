"""The command line: what it prints, what it writes, what it refuses, its exit codes, and that help loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.forms import SHIPPED
from xlgoals import __version__
from xlgoals.cli import COMMANDS, first_line, main

HEAVY = ("polars", "pandera", "openpyxl", "xlsxwriter", "python_calamine", "pydantic", "pandas", "lxml", "yaml", "rich")
FILLED = Path(__file__).parents[1] / "examples" / "filled"


def run(*told: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in told])


def loaded(*told: str) -> set[str]:
    code = (
        f"import sys\nfrom xlgoals.cli import main\ntry: main({list(told)!r})\nexcept SystemExit as e: assert not e.code, e.code\n"
        f"print('loaded:' + '|'.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    out = subprocess.run([sys.executable, "-W", "error", "-X", "utf8", "-c", code], capture_output=True, text=True, check=True).stdout
    return set(out.rpartition("loaded:")[2].strip().split("|")) - {""}


@pytest.mark.parametrize("told", [("--help",), ("--version",), ("check", "--help"), ("consolidate", "--help"), ("new", "--help"), ("forms", "--help")])
def test_help_loads_nothing_heavy(told: tuple[str, ...]) -> None:
    assert loaded(*told) == set()


def test_listing_forms_loads_no_spreadsheet_and_no_frames() -> None:
    assert loaded("forms") & {"polars", "pandera", "openpyxl", "xlsxwriter", "python_calamine", "pandas", "lxml"} == set()


def test_version_and_module() -> None:
    assert __version__ in run("--version").output
    assert __version__ in subprocess.run([sys.executable, "-m", "xlgoals", "--version"], capture_output=True, text=True, check=True).stdout


def test_forms() -> None:
    result = run("forms")
    assert result.exit_code == 0
    assert all(form in result.output for form in SHIPPED)
    assert run("forms", "check").exit_code == 0


def test_new(tmp_path: Path) -> None:
    target = tmp_path / "下发" / "空表.xlsx"
    result = run("new", SHIPPED[0], "--year", "2025", "--projects", 3, "--unit", "某中心", "-o", target)
    assert (result.exit_code, result.exception) == (0, None) and str(target) in result.output
    made = target.read_bytes()
    again = run("new", SHIPPED[0], "--year", "2026", "-o", target)
    assert again.exit_code == 2 and "--force" in again.output and target.read_bytes() == made
    assert run("new", SHIPPED[0], "--year", "2026", "-o", target, "--force").exit_code == 0
    assert target.read_bytes() != made
    assert [path.name for path in target.parent.iterdir()] == ["空表.xlsx"], "nothing half-written is left"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (("new", "qinglong-2042", "--year", "2025", "-o", "x.xlsx"), "是不是 qinglong-2024"),
        (("new", "qinglong-2024", "--year", "25", "-o", "x.xlsx"), "四位数字"),
        (("new", "qinglong-2024", "--year", "二〇二五", "-o", "x.xlsx"), "四位数字"),
        (("new", "qinglong-2024", "--year", "２０２５", "-o", "x.xlsx"), "四位数字"),
        (("new", "qinglong-2024", "-o", "x.xlsx"), "--year"),
        (("new", "qinglong-2024", "--year", "2025", "--projects", "0", "-o", "x.xlsx"), "--projects"),
        (("forms", "--forms", "no-such-folder"), "不存在"),
        (("check", "no-such-file.xlsx"), "no-such-file.xlsx"),
        (("consolidate", "no-such-folder", "-o", "x.xlsx"), "no-such-folder"),
        (("nonsense",), "nonsense"),
    ],
)
def test_not_done_is_2(told: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*told)
    assert result.exit_code == 2 and words in result.output and "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_had_enough_is_no_defect_of_ours() -> None:
    command = f'"{sys.executable}" -m xlgoals explain amount.cost | true'
    for _ in range(3):
        assert "Traceback" not in subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False).stderr


def test_check_prints_findings_as_json(tmp_path: Path) -> None:
    result = run("check", FILLED, "--format", "json", "--jobs", 1)
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert lines and all({"code", "severity", "file", "sheet", "cell", "field", "found", "expected", "message"} <= line.keys() for line in lines)
    assert {line["severity"] for line in lines} <= {"error", "query", "note"}


def test_check_prints_a_readable_table() -> None:
    result = run("check", FILLED, "--jobs", 1)
    assert result.exit_code == 1 and "Traceback" not in result.output
    assert "单元格" in result.output and "错误" in result.output


def test_check_of_a_blank_form_blocks(tmp_path: Path) -> None:
    assert run("new", SHIPPED[0], "--year", "2025", "-o", tmp_path / "空表.xlsx").exit_code == 0
    result = run("check", tmp_path)
    assert result.exit_code == 1 and "一个字也没有填" in result.output


def test_bad_files_get_one_finding_each(tmp_path: Path) -> None:
    (tmp_path / "坏.xlsx").write_bytes(b"PK\3\4 not a workbook")
    (tmp_path / "说明.txt").write_text("x", encoding="utf-8")
    (tmp_path / "空.xlsx").write_bytes(b"")
    result = run("check", tmp_path, "--format", "json")
    told = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert result.exit_code == 1
    assert [line["file"] for line in told].count("坏.xlsx") == 1 and [line["file"] for line in told].count("空.xlsx") == 1


def test_consolidate_refuses_to_overwrite_and_runs_twice_alike(tmp_path: Path) -> None:
    target = tmp_path / "汇总.xlsx"
    first = run("consolidate", FILLED, "-o", target, "--jobs", 1)
    assert first.exit_code == 1 and target.exists()
    made = target.read_bytes()
    assert run("consolidate", FILLED, "-o", target).exit_code == 2
    assert target.read_bytes() == made
    assert run("consolidate", FILLED, "-o", target, "--force", "--jobs", 1).exit_code == 1
    assert target.read_bytes() == made


# --- target

KEYS = ["text", "kind", "op", "value", "high", "unit", "amount", "base_unit", "dimension", "quantified", "canonical", "why"]


def test_target_prints_an_object_a_line() -> None:
    run = CliRunner().invoke(main, ["target", "≥95%", "2.8 万人", "**万元", "--format", "json"])
    objects = [json.loads(line) for line in run.output.splitlines()]
    assert [list(one)[: len(KEYS)] for one in objects] == [KEYS] * 3
    assert [(o["kind"], o["op"], o["value"], o["unit"], o["amount"], o["base_unit"]) for o in objects[:2]] == [
        ("number", ">=", 95, "%", 0.95, "1"), ("number", "=", 2.8, "万人", 28000, "人"),
    ]  # fmt: skip
    assert objects[2]["kind"] == "placeholder"


def test_target_reads_lines_with_the_name_after_a_tab() -> None:
    run = CliRunner().invoke(main, ["target", "--format", "json"], input="≥6月\t可支配月数(月)\n≤12月份\n\n")
    objects = [json.loads(line) for line in run.output.splitlines()]
    assert [o["kind"] for o in objects] == ["number", "date", "blank"]
    assert objects[1]["to"] == "--12"


def test_target_tells_people_what_it_understood() -> None:
    run = CliRunner().invoke(main, ["target", "€50%"])
    assert run.exit_code == 0
    assert "≤50%" in run.output and "核对" in run.output


def test_the_list_of_commands_says_what_their_own_help_says_and_loads_none_of_them() -> None:
    context = click.Context(main)
    for name, where in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None and command.help
        assert first_line(where) == command.help.partition("\n\n")[0], name
    code = "import sys; from click.testing import CliRunner; from xlgoals.cli import main; CliRunner().invoke(main, ['--help']); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in found if name.startswith("xlgoals.cli_")]
