"""Templates, mappings and examples are found wherever the package stands: in a checkout, an editable install, a wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from xlgoals.spec import data_folder

ROOT = Path(__file__).parent.parent
FOLDERS = ("templates", "mappings", "examples")
ASK = "from xlgoals.spec import data_folder, load_forms; print(data_folder('templates')); print(len(load_forms().forms))"


def test_a_checkout_and_an_editable_install_use_the_folders_beside_the_package() -> None:
    assert {data_folder(name) for name in FOLDERS} == {ROOT / name for name in FOLDERS}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer does."""
    made = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(made), str(ROOT)], check=True, timeout=300
    )
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as pack:
        pack.extractall(made / "site")
    return made / "site"


def test_a_wheel_carries_them_inside_the_package(unpacked: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(unpacked)!r}); {ASK}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    folder, count = run.stdout.split()
    assert Path(folder) == unpacked / "xlgoals" / "data" / "templates"
    known = [path.read_text(encoding="utf-8") for path in (ROOT / "templates").glob("*-20*.yaml")]
    assert int(count) == sum("\nform: " in text for text in known)  # the others are books of forms
    for name in FOLDERS:
        here = {path.relative_to(ROOT / name).as_posix() for path in (ROOT / name).rglob("*") if path.suffix in (".yaml", ".xlsx")}
        there = unpacked / "xlgoals" / "data" / name
        assert here <= {path.relative_to(there).as_posix() for path in there.rglob("*")}
