"""The workbook's check of itself, recalculated by LibreOffice, against `xlgoals check`: the same findings at the same cells."""

from __future__ import annotations

import io
import random
import re
import shutil
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.formula.translate import Translator
from openpyxl.worksheet.worksheet import Worksheet

from tests.forms import FORMS, SHIPPED
from tests.test_office import convert
from xlgoals.check import check
from xlgoals.findings import Finding
from xlgoals.forms import Form
from xlgoals.formulas import FORMULA_MOST, LITERAL_MOST
from xlgoals.layout import ORIGIN, Slot, plan, tick_line
from xlgoals.models import HOLE
from xlgoals.parse import understand
from xlgoals.read import read_book, read_bytes
from xlgoals.records import Return, Stamp, column_name
from xlgoals.render import render
from xlgoals.selfcheck import Checks, checks_of
from xlgoals.tables import tabulate

WORDS = FORMS.selfcheck
UNITS = tuple(FORMS.money_units.items())
STAMP = Stamp(0, "", "", year="2025", department="450 某局", unit="某中心")
office = pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice")
forms = pytest.mark.parametrize("form", SHIPPED)
# what Excel 2010 knows, WPS and LibreOffice too; nothing volatile but CELL, nothing that needs an array formula
ALLOWED = {
    "ABS", "AND", "CELL", "CHAR", "CLEAN", "COUNT", "COUNTA", "COUNTIF", "EXACT", "FIND", "HYPERLINK", "IF", "IFERROR", "INDEX", "ISERROR", "ISNUMBER", "ISTEXT", "LEFT",
    "LEN", "LOWER", "MAX", "MID", "N", "NA", "NOT", "OR", "REPT", "RIGHT", "ROUND", "ROW", "ROWS", "SUBSTITUTE", "SUMPRODUCT", "TEXT", "TRIM", "VALUE",
}  # fmt: skip


@cache
def checks(form: str) -> Checks:
    return checks_of(FORMS[form], FORMS.catalogue, WORDS, UNITS)


# --- fillings ----------------------------------------------------------------------------------------------------------

BLANKS = (None, " ", "　", "\u00a0", " \n　", "\t")
TEXTS = ("某项目", " 带空格 ", "a\nb", "450 某局", "某中心", "数量指标", "=1+1", "'", '说"好"', "✘※〔01〕", "·" * 60, 2025, "FALSE")
MONEY = (
    0, 100, 60.5, 40, 1234567.89, 100000, 99999.99, 150000, -5, 0.0000001, 12.345678, "1,234.5", "12,34", "1,2345", "100万元", "100元", "100 千元", "1亿元", "无", "—", "－", "/",
    "abc", "１２３", "１，２３４．５", "¥100", "￥ 100", "1e3", "1e-3", "1e30", "50%", "-3", "+3", "3-5", "1.2.3", " 100 ", ".5", "5.", "约100", "100万", "1/2", "(5)", "5-", "--5", "元", "1 000",
)  # fmt: skip
CODES = (
    "13032124P00461210001X", "13032124P0046121000Z", "13032124P0046121000", " 13032124P00461210001X　", "13032124Р00461210001X", "13032124p00461210001X", "１3032124P00461210001X",
    "13032124P00461210001XYZ", "1303212", "13 032124P00461210001X", "13032124P0046121\n0001X", 130321240046,
)  # fmt: skip
YEARS = ("2023", "2025", "1999", "23", "２０２３", "2023年", "20235", "abcd")
TICKS = ("{a}☑    {b}□", "{a}□    {b}☑", "{a}□{b}□", "{a}□　{b}囗", "□{a}□{b}", "{a}√ {b}", "{a}", "其他")


class Typist:
    """Fills one sheet's inputs from a seed. `care`: how often a value is a good one, `some`: how often there is one at all."""

    def __init__(self, form: Form, sheet: Worksheet, seed: str, care: float, some: float, errors: float = 0.0) -> None:
        self.form, self.sheet, self.luck = form, sheet, random.Random(seed)
        self.care, self.some, self.errors = care, some, errors

    def type(self, lines: bool) -> None:
        for slot in plan(self.form).slots:
            if slot.typed and (lines or not slot.grid) and self.luck.random() < self.some * (0.3 if slot.grid and self.hidden(slot) else 1):
                value = self.value(slot)
                cell = self.sheet.cell(slot.area.top + ORIGIN[0] + 1, slot.area.left + ORIGIN[1] + 1)
                cell.value = "=NA()" if self.luck.random() < self.errors else value
                if isinstance(value, str) and cell.value is value:
                    cell.data_type = "s"

    def hidden(self, slot: Slot) -> bool:
        return plan(self.form).rows[slot.area.top].hidden

    def value(self, slot: Slot) -> Any:
        good = self.luck.random() < self.care
        if slot.kind == "pattern":
            text = HOLE.sub(lambda hole: "2025" if good else str(self.luck.choice((*YEARS, "", " "))), slot.text)
            return text if good or self.luck.random() < 0.8 else self.luck.choice((text.replace("：", ":").replace("（", "("), text[2:], text.replace("年", ""), None, " "))
        if slot.tick:
            a, b = slot.tick
            return tick_line(slot.tick, self.luck.choice(slot.tick)) if good else self.luck.choice((*BLANKS, *(text.format(a=a, b=b) for text in TICKS)))
        meaning = slot.meanings[slot.key]
        if meaning.type == "money":
            return self.luck.choice((0, 100, 60, 40)) if good else self.luck.choice((*BLANKS, *MONEY))
        if meaning.list and (words := self.words(slot, meaning.list)):
            respelled = [f"{words[0]}（必填）", f" {words[-1]}　", "*".join(words[0]), words[0].removesuffix("指标"), f"{words[0]}：", "指标", "?量指标", "数*指标"]
            known = self.form.choices("level2") if meaning.list == "level2" else words
            spelled = [text for word in known for text in self.form.aka.get(word, ())]
            return self.luck.choice(words) if good else self.luck.choice((*BLANKS, "别的", *known, *respelled, *spelled))
        if meaning.type == "code":
            return CODES[0] if good else self.luck.choice((*BLANKS, *CODES))
        return f"{meaning.label}{self.luck.randrange(1000)}" if good else self.luck.choice((*BLANKS, *TEXTS))

    def words(self, slot: Slot, name: str) -> tuple[str, ...]:
        if name != "level2":
            return self.form.choices(name)
        grid = next(grid for _, grid in self.form.template.grids() if grid.grid == slot.grid)
        fixed = grid.blocks[slot.block].fixed
        first = next((fixed[c.key] for c in grid.columns if c.key in fixed and self.form.columns[slot.grid][c.id].list == "level1"), None)
        return self.form.choices("level2", first)


# care, share of cells filled, share of errors; the last is filled but for its lines
FILLINGS = [
    (1.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.5, 0.0), (0.9, 1.0, 0.0), (0.9, 0.7, 0.0), (0.5, 0.9, 0.0), (0.5, 0.5, 0.0), (0.0, 1.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.2, 0.0), (0.0, 0.05, 0.0),
    (0.8, 0.9, 0.1), (0.0, 0.6, 0.1), (1.0, 1.0, 0.0),
]  # fmt: skip


def fill(form: Form) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(render(FORMS, form, count=len(FILLINGS), stamp=STAMP)))
    for n, (care, some, errors) in enumerate(FILLINGS, 1):
        Typist(form, book[f"项目{n}"], f"{form.id}{n}", care, some, errors).type(lines=n < len(FILLINGS))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def recalculated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selfcheck")
    files = []
    for form in SHIPPED:
        files.append(folder / f"{form}.xlsx")
        files[-1].write_bytes(fill(FORMS[form]))
    return convert(files, "xlsx", folder)


def judged(path: Path) -> tuple[list[Return], list[Finding]]:
    returns, findings = understand(read_book(str(path), name=path.name), FORMS)
    return returns, [*findings, *check(tabulate(returns, findings), FORMS)]


Said = Counter[tuple[str, str]]


def told_by_sheet(form: str, sheet: Worksheet) -> Said:
    """(code, cell) of every hint on a form sheet."""
    one, said = checks(form), Counter[tuple[str, str]]()
    token = re.compile(rf"([{WORDS.signs.error}{WORDS.signs.query}])([A-Z]+){re.escape(WORDS.by(0)).replace('00', '([0-9]+)')}")
    for row in range(1, len(plan(FORMS[form]).rows) + 1):
        text = sheet.cell(row + ORIGIN[0], one.hints + ORIGIN[1] + 1).value or ""
        for sign, column, number in token.findall(text):
            rule = one.rules[int(number) - 1]
            assert sign == WORDS.signs.of(rule.severity)
            said[rule.code, f"{column}{row + ORIGIN[0]}"] += 1
        rest = token.sub("", text)
        assert WORDS.signs.query not in rest
        if WORDS.signs.error in rest:
            said["?", str(row)] += 1
    return said


def told_by_check(form: str, sheet: str, findings: list[Finding]) -> Said:
    codes = {rule.code for rule in checks(form).rules}
    return Counter((one.code, one.at.cell) for one in findings if one.at.sheet == sheet and one.code in codes)


def followed(form: str, said: Said, findings: list[Finding], sheet: str) -> Said:
    """What `check` leaves out because another finding says it better (a rule's `unless`)."""
    better = {one.code for one in findings if one.at.sheet == sheet}
    return Counter(pair for pair in said.elements() if set(FORMS.catalogue[pair[0]].parameters.get("unless", "").split()) & better)


@pytest.mark.office
@office
@forms
def test_the_sheet_and_check_agree_cell_by_cell(form: str, recalculated: Path) -> None:
    path = recalculated / f"{form}.xlsx"
    book, (returns, findings) = openpyxl.load_workbook(path, data_only=True), judged(path)
    read = {one.sheet for one in returns}
    wrong = []
    for n, filling in enumerate(FILLINGS, 1):
        name = f"项目{n}"
        ours, theirs = told_by_sheet(form, book[name]), told_by_check(form, name, findings)
        assert (name in read) == (not str(status(book[name], form)).startswith(WORDS.status.blank))
        unclear = Counter(one for one in ours if one[0] == "?")
        assert filling[2] or not unclear
        extra = ours - theirs - unclear
        wrong += [f"{name} only the sheet: {one}" for one in sorted((extra - followed(form, extra, findings, name)).elements())]
        wrong += [f"{name} only check: {one}" for one in sorted((theirs - ours).elements())]
    assert not wrong, "\n".join(wrong)


def status(sheet: Worksheet, form: str) -> Any:
    one = checks(form)
    return sheet.cell(ORIGIN[0] + 1, one.shown + ORIGIN[1] + 1).value


@pytest.mark.office
@office
def test_every_rule_with_a_formula_was_met_and_missed(recalculated: Path) -> None:
    """The fillings are no idle proof: each rule of each form fails somewhere, and holds somewhere."""
    met = set()
    for form in SHIPPED:
        book = openpyxl.load_workbook(recalculated / f"{form}.xlsx", data_only=True)
        for sheet in book.worksheets[1 : len(FILLINGS) + 1]:
            met |= {code for code, _ in told_by_sheet(form, sheet)}
    assert met - {"?"} == {rule.code for form in SHIPPED for rule in checks(form).rules}


@pytest.mark.office
@office
@forms
def test_the_overview_tells_what_the_forms_tell(form: str, recalculated: Path) -> None:
    book = openpyxl.load_workbook(recalculated / f"{form}.xlsx", data_only=True)
    sheet, one = book[WORDS.sheet], checks(form)
    rows = [[cell.value or "" for cell in row[:6]] for row in sheet.iter_rows(min_row=len(WORDS.about) + 5)]
    assert len(rows) == len(FILLINGS) * (1 + len(one.rules))
    states = {"passed": 0, "wrong": 0, "blank": 0}
    for n in range(len(FILLINGS)):
        head, *own = rows[n * (1 + len(one.rules)) : (n + 1) * (1 + len(one.rules))]
        name = f"项目{n + 1}"
        said = told_by_sheet(form, book[name])
        assert head[:2] == [name, WORDS.whole] and head[2] == status(book[name], form).strip().split("  ")[0]
        blank = head[2] == WORDS.status.blank
        states["blank" if blank else "wrong" if said else "passed"] += 1
        assert (head[2] == WORDS.status.passed) == (not blank and not said)
        for rule, row in zip(one.rules, own, strict=True):
            cells = sorted((cell for code, cell in said.elements() if code == rule.code), key=lambda cell: int(re.sub("[A-Z]", "", cell)))
            wanted = WORDS.results.query if rule.severity == "query" else WORDS.results.error
            assert row[2] == (WORDS.results.blank if blank else wanted.format(count=len(cells)) if cells else WORDS.results.passed)
            assert bool(row[3]) == bool(row[4]) == bool(cells)
            assert row[5] in (cells or [""]) and (not cells or row[5][1:] == cells[0][1:]), "the link goes to the first place"
    summary = WORDS.summary.format(count=len(FILLINGS), **states)
    assert sheet["A2"].value == summary
    assert not [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str) and cell.value.startswith("#") and cell.value != "#check"]


@forms
def test_every_input_is_tinted_by_its_own_hints(form: str) -> None:
    """A missing or implausible cell by the sign and letter of its own column, looked for in the hints of its own row."""
    sheet = openpyxl.load_workbook(io.BytesIO(render(FORMS, FORMS[form], count=1, stamp=STAMP))).worksheets[1]
    hints = column_name(checks(form).hints + ORIGIN[1])
    wanted, found = set(), set()
    for slot in plan(FORMS[form]).slots:
        if slot.typed:
            row, letter = slot.area.top + ORIGIN[0] + 1, column_name(slot.area.left + ORIGIN[1])
            wanted |= {(f"{letter}{row}", f'ISNUMBER(FIND("{WORDS.at(sign, letter)}",${hints}{row}))') for sign in (WORDS.signs.error, WORDS.signs.query)}
    for area, rules in sheet.conditional_formatting._cf_rules.items():
        (cells,) = area.sqref.ranges
        for rule in rules:
            for row in range(cells.min_row, cells.max_row + 1):
                moved = Translator(f"={rule.formula[0]}", f"A{cells.min_row}").translate_formula(f"A{row}")[1:]
                found.add((f"{column_name(cells.min_col - 1)}{row}", re.sub(r"\$(\d)", r"\1", moved)))
    assert wanted <= found


# --- without an office --------------------------------------------------------------------------------------------------


def formulas(data: bytes) -> list[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return [
            (name, text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
            for name in package.namelist() if name.startswith("xl/worksheets/sheet")
            for text in re.findall(r"<f>([^<]*)</f>|<formula>([^<]*)</formula>", package.read(name).decode()) for text in text if text
        ]  # fmt: skip


@forms
def test_formulas_keep_within_excel_2010(form: str) -> None:
    found = formulas(render(FORMS, FORMS[form], count=2, stamp=STAMP))
    assert len(found) > 100
    for name, text in found:
        assert len(text) <= FORMULA_MOST
        literals = re.findall(r'"((?:[^"]|"")*)"', text)
        assert all(len(literal.replace('""', '"')) <= LITERAL_MOST for literal in literals)
        plain = re.sub(r'"(?:[^"]|"")*"', '""', text)
        assert set(re.findall(r"([A-Z][A-Z0-9.]*)\(", plain)) <= ALLOWED | {"CHOOSE", "MATCH"}, name
        depth = deepest = 0
        for sign in plain:
            depth += (sign == "(") - (sign == ")")
            deepest = max(deepest, depth)
        assert depth == 0 and deepest <= 64


@forms
def test_a_form_refers_to_itself_only(form: str) -> None:
    """So a sheet may be copied into another workbook, renamed, deleted."""
    for name, text in formulas(render(FORMS, FORMS[form], count=2, stamp=STAMP)):
        if name in ("xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml"):
            assert "!" not in re.sub(r'"(?:[^"]|"")*"', '""', text)


@forms
def test_what_the_formulas_say_is_never_read(form: str) -> None:
    """Neither as a unit's formula, nor as a value, nor as another sheet; whatever value they carry."""
    made = render(FORMS, FORMS[form], count=1, stamp=STAMP)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as source, zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            part = source.read(info)
            if info.filename.startswith("xl/worksheets/"):
                part = part.replace(b"</f><v></v>", f"</f><v>{WORDS.status.passed}</v>".encode())
            target.writestr(info, part)
    returns, findings = understand(read_bytes(buffer.getvalue(), name="空表.xlsx"), FORMS)
    assert returns == [] and [one.code for one in findings] == ["form.all_blank"]
