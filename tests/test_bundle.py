"""The folder for machines without the internet: installed there with no index, it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from xlgoals.bundle import PLATFORMS, PYTHONS, _environment, _needs
from xlgoals.cli import COMMANDS, main
from xlgoals.spec import data_folder

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PLATFORM = f"linux_{os.uname().machine}" if sys.platform == "linux" else "win_amd64"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle for this machine."""
    made = tmp_path_factory.mktemp("外网") / "安装 包"
    result = CliRunner().invoke(main, ["bundle", str(made), "--platform", PLATFORM, "--python", PYTHON], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return made


def test_it_installs_without_an_index_and_runs(folder: Path, tmp_path: Path) -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP"))}
    outside |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    subprocess.run(["sh", str(folder / "安装.sh")], env=outside, check=True, capture_output=True, timeout=300)
    run = subprocess.run([str(folder / "xlgoals.sh"), "demo", "-o", "试"], env=outside, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode in (0, 1), run.stderr
    assert (tmp_path / "试" / "汇总.xlsx").is_file()


def test_windows_reads_its_scripts(folder: Path) -> None:
    scripts = sorted(folder.glob("*.cmd"))
    assert [one.name for one in scripts] == sorted(["xlgoals.cmd", "安装.cmd", "审核.cmd", "汇总.cmd"])
    for one in scripts:
        text = one.read_bytes().decode("gbk")
        assert text.count("\r\n") == text.count("\n") > 3
        assert "{" not in text


def test_the_guide_names_every_command(folder: Path) -> None:
    text = (folder / "使用说明.html").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"xlgoals {name} " not in text] == []
    assert "{" not in text.split("</style>")[1]


def test_a_folder_that_is_there_stays(folder: Path) -> None:
    result = CliRunner().invoke(main, ["bundle", str(folder)])
    assert result.exit_code == 2
    assert "已存在" in result.stderr


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_another_system_needs_is_asked_by_its_own_markers(platform: str, python: str, folder: Path) -> None:
    """Of the wheels for every system, so that only those of this one need be downloaded here."""
    environment = _environment(platform, python)
    assert environment["python_version"] == python
    wheel = next(folder.glob("wheels/xlgoals-*.whl"))
    names = {one.name for one in _needs(wheel, environment)}
    assert {"polars", "lxml", "python-calamine", "xlsxwriter"} <= names
    assert "pytest" not in names


def test_every_script_is_shipped() -> None:
    assert {path.suffix for path in (data_folder("templates") / "bundle").iterdir()} == {".cmd", ".sh", ".html"}
