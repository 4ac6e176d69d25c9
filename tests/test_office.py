"""What survives a real office program: examples saved again as xlsx, xls and ods read back equal; blank forms print whole."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.forms import FORMS, SHIPPED, unprinted
from xlgoals.layout import plan
from xlgoals.parse import understand
from xlgoals.read import read_book
from xlgoals.records import Return, Stamp
from xlgoals.render import render

pytestmark = [pytest.mark.office, pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice")]
FILLED = sorted((Path(__file__).parents[1] / "examples" / "filled").glob("*.xlsx"))
BLANK = ("{seq}", "{project_name}")


def convert(files: list[Path], to: str, folder: Path) -> Path:
    """One start of the office for all files."""
    out = folder / to.partition(":")[0]
    subprocess.run(
        ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--norestore", "--convert-to", to, "--outdir", str(out), *map(str, files)],
        check=True, capture_output=True, timeout=1800,
    )  # fmt: skip
    return out


@pytest.fixture(scope="session")
def resaved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("office")
    for to in ("xlsx", "xls", "ods"):
        convert(FILLED, to, folder)
    return folder


def said(one: Return) -> dict[str, tuple[str, str]]:
    return {key: (spot.at.cell, spot.text) for key, spot in one.spots.items()}


@pytest.mark.parametrize("to", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("source", FILLED, ids=[path.stem for path in FILLED])
def test_saved_again_reads_back_equal(source: Path, to: str, resaved: Path) -> None:
    before, _ = understand(read_book(str(source), name="a"), FORMS)
    after, findings = understand(read_book(str(resaved / to / f"{source.stem}.{to}"), name="a"), FORMS)
    assert [said(one) for one in after] == [said(one) for one in before]
    assert [(one.fields, one.funds, one.goals, one.indicators) for one in after] == [(one.fields, one.funds, one.goals, one.indicators) for one in before]
    assert not [finding for finding in findings if finding.severity == "error"]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("print")
    files = []
    for form in SHIPPED:
        files.append(folder / f"{form}.xlsx")
        files[-1].write_bytes(render(FORMS, FORMS[form], count=1, stamp=Stamp(0, "", "", year="2025", department="某局", unit="某中心")))
    return convert(files, "pdf", folder)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext")
@pytest.mark.parametrize("form", SHIPPED)
def test_a_blank_form_prints_whole(form: str, pages: Path) -> None:
    text = subprocess.run(["pdftotext", "-layout", str(pages / f"{form}.pdf"), "-"], check=True, capture_output=True, text=True).stdout
    found = text.split("\f")
    sheets = [page for page in found if FORMS.guide.sheet not in page and FORMS.selfcheck.sheet not in page and page.strip()]
    assert len(sheets) == 1 + len(plan(FORMS[form]).breaks), "as many pages as the plan says"
    letters = "".join("".join(sheets).split())
    for slot in plan(FORMS[form]).slots:
        if slot.kind in ("label", "heading", "fixed") and slot.text and not unprinted(slot, plan(FORMS[form])):
            counted = all(letters.count(letter) >= slot.text.count(letter) for letter in slot.text if not letter.isspace())
            assert counted, f"{slot.text} is not printed"
