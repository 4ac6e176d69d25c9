"""What the documents tell to type is typed here; what the program offers is told there."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.test_distribute import own_list
from tests.test_roster import workbook
from xlgoals.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh-CN.md")


def commands(document: str) -> list[str]:
    """The lines of the shell blocks of a document that call xlgoals, without their remarks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.startswith("xlgoals ")]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a bureau has it, with returns in 报送/, a unit's list, and a cycle begun as the README says."""
    folder = tmp_path_factory.mktemp("局里")
    for name in ("报送", "第一次", "第二次"):
        shutil.copytree(ROOT / "examples" / "filled", folder / name)
    subprocess.run([sys.executable, "-m", "xlgoals", "--version"], cwd=folder, check=True, capture_output=True)  # it is installed
    (begin,) = {line for document in READMES for line in commands(document) if line.startswith("xlgoals init ")}
    subprocess.run([sys.executable, "-m", *shlex.split(begin)], cwd=folder, check=True, capture_output=True)
    (folder / "2026预算" / "roster.xlsx").write_bytes(workbook([("450", "某局")], [("450", "某项目")]))
    subprocess.run([sys.executable, "-m", "xlgoals", "distribute", "--cycle", "2026预算"], cwd=folder, check=True, capture_output=True)
    own_list(folder, [("某项目", "", 12.5, "用途")]).rename(folder / "项目清单.xlsx")
    return folder


@pytest.mark.parametrize("line", sorted({line for document in READMES for line in commands(document) if not line.startswith("xlgoals init ")}))
def test_a_command_of_the_readme_runs(line: str, office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line)
    monkeypatch.chdir(office)
    run = CliRunner().invoke(main, words[1:], catch_exceptions=False)
    assert run.exit_code in (0, 1), run.output  # 1: the real examples do hold mistakes
    if "-o" in words:
        assert (office / words[words.index("-o") + 1]).exists()


@pytest.mark.parametrize("document", READMES)
def test_every_command_stands_in_the_readme(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"xlgoals {name}" not in text] == []


def test_both_readmes_tell_the_same_commands() -> None:
    assert commands("README.md") == commands("README.zh-CN.md")


def test_the_two_set_up_commands_are_the_ones_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "./run-tests" in readme
    assert "./run-tests" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
