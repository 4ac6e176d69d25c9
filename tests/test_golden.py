"""The parts of a rendered workbook, one element a line, compared with committed ones: what a change of the spec or of render does.

`pytest tests/test_golden.py --update-golden` writes them anew; then read the difference before committing it.
"""

from __future__ import annotations

import difflib
import io
import re
import zipfile
from pathlib import Path

import pytest

from tests.forms import FORMS, SHIPPED
from xlgoals.records import Stamp
from xlgoals.render import render

GOLDEN = Path(__file__).parent / "golden"
STAMP = Stamp(0, "", "", year="2025", department="450 某主管部门", unit="某中心")
PARTS = ("worksheets/sheet1", "worksheets/sheet2", "worksheets/sheet3", "worksheets/sheet4", "styles", "workbook", "sharedStrings")
BOOK_PARTS = ("worksheets/sheet1", "worksheets/sheet2", "workbook")  # guide, contents, names; its forms have goldens of their own
BOOKS = tuple(FORMS.books)


def indented(xml: str) -> str:
    """One element a line, indented by depth; text stays where it is."""
    lines, depth = [], 0
    for tag, text in re.findall(r"(<[^>]*>)([^<]*)", xml):
        closing = tag.startswith("</")
        depth -= closing
        lines.append("  " * depth + tag + text)
        depth += not (closing or tag.endswith("/>") or tag.startswith("<?"))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("form", [*SHIPPED, *BOOKS])
def test_rendered_parts(form: str, request: pytest.FixtureRequest) -> None:
    made = render(FORMS, FORMS.binder(form), count=2 if form in BOOKS else 1, stamp=STAMP)
    with zipfile.ZipFile(io.BytesIO(made)) as package:
        names = BOOK_PARTS if form in BOOKS else PARTS
        parts = {f"{part.rpartition('/')[2]}.xml": indented(package.read(f"xl/{part}.xml").decode()) for part in names}
    folder = GOLDEN / form
    if request.config.getoption("--update-golden"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in parts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return
    wrong = []
    for name, text in parts.items():
        path = folder / name
        known = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != known:
            lines = list(difflib.unified_diff(known.splitlines(), text.splitlines(), f"golden/{form}/{name}", "now", n=1, lineterm=""))
            wrong.append("\n".join(lines[:40] + ([f"… {len(lines) - 40} more lines"] if len(lines) > 40 else [])))
    assert not wrong, "\n" + "\n".join(wrong) + "\nIf this is meant, run pytest tests/test_golden.py --update-golden and read the difference."


def test_no_golden_of_a_form_that_is_gone() -> None:
    assert {path.name for path in GOLDEN.iterdir() if path.is_dir()} == {*SHIPPED, *BOOKS}
