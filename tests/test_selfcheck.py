"""The workbook's check of itself, recalculated by LibreOffice, against `xlgoals check`: the same findings at the same cells."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import tempfile
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openpyxl.formula.translate import Translator
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from examples.fill import fill as typed
from tests.drift import by_office
from tests.forms import FORMS, SHIPPED, write_form
from tests.opened import opened, plainly, saved
from tests.returns import checked
from tests.test_office import convert
from xlgoals.findings import Finding
from xlgoals.forms import Form
from xlgoals.formulas import FORMULA_MOST, LITERAL_MOST, quoted, shape
from xlgoals.layout import ORIGIN, Slot, plan, tick_line
from xlgoals.models import HOLE
from xlgoals.ownformulas import OVERVIEW, OWN, set_aside
from xlgoals.parse import understand
from xlgoals.read import read_book, read_bytes
from xlgoals.records import Return, Sheet, Stamp, cell_name, column_name
from xlgoals.render import render
from xlgoals.selfcheck import Checks, checks_of
from xlgoals.spec import load_forms
from xlgoals.tablecells import in_table
from xlgoals.tables import tabulate
from xlgoals.yamlmark import load_marked

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


# what no shipped form has: levels both chosen by the unit, a year in a cell, a tick and a pattern that must be filled
FREE = """\
form: free
title: 自由表
stamped: [department]
columns: [16, 22, 22, 20]
rows:
  - [{label: 项目名称}, {key: project_name}, {label: 年度}, {key: year}]
  - [{label: 属性}, {key: attribute, tick: [常年, 一次]}, {label: 金额}, {key: total}]
  - grid: indicators
    columns:
      - {key: level1, label: 一级指标}
      - {key: level2, label: 二级指标}
      - {key: name, label: 三级指标}
      - {key: target, label: 指标值}
    blocks: [{lines: {print: 12, most: 14}}]
  - [{pattern: "填报人：{filler}   单位：{unit}", span: 4, style: line}]
"""
FREE_MAPPING = """\
form: free
money_unit: 元
taxonomy: mof-2021
fields: {project_name: project_name, year: year, attribute: {to: attribute, required: yes}, total: funds.total, filler: {to: filler, required: yes}, unit: unit}
grids:
  indicators: {level1: indicator.level1, level2: indicator.level2, name: indicator.name, target: indicator.target}
lists: {attribute: [常年, 一次]}
"""
with tempfile.TemporaryDirectory() as folder:
    KNOWN = load_forms((str(Path(__file__).with_name("seventh")), str(write_form(Path(folder), FREE, FREE_MAPPING, "free"))))
MARKED = tuple(form for form in SHIPPED if checks_of(FORMS[form], FORMS.catalogue, WORDS, UNITS).rules)  # tables of figures are not
UNMARKED = tuple(form for form in SHIPPED if form not in MARKED)
ALL = (*MARKED, "bumen-2025", "free")
every = pytest.mark.parametrize("form", ALL)
EXAMPLES = sorted((Path(__file__).parents[1] / "examples" / "filled").glob("*.xlsx"))
CLEAN = sorted(Path(__file__).with_name("clean").glob("*.yaml"))

DRAWN = {"CHOOSE", "MATCH", "SUM", "SUMIFS", "COUNTIFS"}  # of dropdowns and tables


@cache
def checks(form: str) -> Checks:
    return checks_of(KNOWN[form], KNOWN.catalogue, WORDS, UNITS)


@cache
def drawn(form: str) -> bytes:
    """A blank workbook of two sheets."""
    return render(KNOWN, KNOWN[form], count=2, stamp=STAMP)


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
            if slot.typed and (lines or not slot.grid) and self.luck.random() < self.some * (1 if not slot.grid or not self.hidden(slot) else 0 if self.care == 1 else 0.3):
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
            return (100 if meaning.part in ("total", "fiscal", "amount") else 0) if good else self.luck.choice((*BLANKS, *MONEY))
        if meaning.list and (words := self.words(slot, meaning.list)):
            respelled = [f"{words[0]}（必填）", f" {words[-1]}　", "*".join(words[0]), words[0].removesuffix("指标"), f"{words[0]}：", "指标", "?量指标", "数*指标"]
            known = self.form.choices("level2") if meaning.list == "level2" else words
            spelled = [text for word in known for text in self.form.aka.get(word, ())]
            first = self.form.choices("level1")[slot.area.top % len(self.form.choices("level1"))]
            if good and slot.grid and any(s.typed and s.area.top == slot.area.top and s.meanings[s.key].list == "level1" for s in plan(self.form).slots if s.grid):
                return first if meaning.list == "level1" else self.luck.choice(self.form.choices("level2", first))
            return self.luck.choice(words) if good else self.luck.choice((*BLANKS, "别的", *known, *respelled, *spelled))
        if meaning.type == "year":
            return "2025" if good else self.luck.choice((*BLANKS, *YEARS, 2025))
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
    book = plainly(render(KNOWN, form, count=len(FILLINGS), stamp=STAMP))
    for n, (care, some, errors) in enumerate(FILLINGS, 1):
        Typist(form, book[f"项目{n}"], f"{form.id}{n}", care, some, errors).type(lines=n < len(FILLINGS))
    return saved(book)


@pytest.fixture(scope="session")
def recalculated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selfcheck")
    files = []
    for form in ALL:
        files.append(folder / f"{form}.xlsx")
        files[-1].write_bytes(fill(KNOWN[form]))
    return convert(files, "xlsx", folder)


@cache
def calculated(path: Path) -> Workbook:
    """The values of a workbook that was recalculated, to look at."""
    return plainly(path, data_only=True)


def judged(path: Path) -> tuple[list[Return], list[Finding]]:
    returns, findings = understand(read_book(str(path), name=path.name), KNOWN)
    return returns, [*findings, *checked(tabulate(returns, findings), KNOWN)]


Said = Counter[tuple[str, str]]


def told_by_sheet(form: str, sheet: Worksheet) -> Said:
    """(code, cell) of every hint on a form sheet."""
    one, said = checks(form), Counter[tuple[str, str]]()
    token = re.compile(rf"([{WORDS.signs.error}{WORDS.signs.query}])([A-Z]+){re.escape(WORDS.by(0)).replace('00', '([0-9]+)')}")
    for row in range(1, len(plan(KNOWN[form]).rows) + 1):
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
    codes, left = {rule.code for rule in checks(form).rules}, unmarked(form)
    return Counter((one.code, one.at.cell) for one in findings if one.at.sheet == sheet and one.code in codes and one.at.cell not in left)


def unmarked(form: str) -> set[str]:
    """The inputs that a sheet says nothing of: figures of tables, and prose with blanks to fill."""
    laid = plan(KNOWN[form])
    return {cell_name(slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1]) for slot in laid.slots if in_table(laid, slot) or (slot.kind == "pattern" and slot.blank)}


def followed(form: str, said: Said, findings: list[Finding], sheet: str) -> Said:
    """What `check` leaves out because another finding says it better (a rule's `unless`)."""
    better = {one.code for one in findings if one.at.sheet == sheet}
    return Counter(pair for pair in said.elements() if set(KNOWN.catalogue[pair[0]].parameters.get("unless", "").split()) & better)


@pytest.mark.office
@office
@every
def test_the_sheet_and_check_agree_cell_by_cell(form: str, recalculated: Path) -> None:
    path = recalculated / f"{form}.xlsx"
    book, (returns, findings) = calculated(path), judged(path)
    read = {one.sheet for one in returns}
    wrong = []
    for n, filling in enumerate(FILLINGS, 1):
        name = f"项目{n}"
        ours, theirs = told_by_sheet(form, book[name]), told_by_check(form, name, findings)
        assert not {cell for _, cell in ours} & unmarked(form)
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
    met = set[str]()
    for form in ALL:
        book = calculated(recalculated / f"{form}.xlsx")
        for sheet in book.worksheets[1 : len(FILLINGS) + 1]:
            met |= {code for code, _ in told_by_sheet(form, sheet)}
    assert met - {"?"} == {rule.code for form in ALL for rule in checks(form).rules}


@pytest.mark.office
@office
@every
def test_the_overview_tells_what_the_forms_tell(form: str, recalculated: Path) -> None:
    book = calculated(recalculated / f"{form}.xlsx")
    sheet, one = book[WORDS.sheet], checks(form)
    rows = [[cell.value or "" for cell in row[:6]] for row in sheet.iter_rows(min_row=len(WORDS.about) + 5)]
    assert len(rows) == len(FILLINGS) * (1 + len(one.rules))
    assert rows[0][2] == WORDS.status.passed, "the first is filled well"
    states = {"passed": 0, "wrong": 0, "blank": 0}
    for n in range(len(FILLINGS)):
        head, *own = rows[n * (1 + len(one.rules)) : (n + 1) * (1 + len(one.rules))]
        name = f"项目{n + 1}"
        said = told_by_sheet(form, book[name])
        assert head[:2] == [name, WORDS.whole] and head[2] == str(status(book[name], form)).split("  ")[0]
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
    assert not [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str) and cell.value.startswith("#") and cell.value != OVERVIEW]


@forms
def test_every_input_is_tinted_by_its_own_hints(form: str) -> None:
    """A missing or implausible cell by the sign and letter of its own column, looked for in the hints of its own row."""
    sheet = plainly(drawn(form)).worksheets[1]
    hints = column_name(checks(form).hints + ORIGIN[1])
    wanted, found = set(), set()
    for slot in plan(KNOWN[form]).slots:
        if slot.typed and not in_table(plan(KNOWN[form]), slot):  # a table's tint goes with its first figure (test_render)
            row, letter = slot.area.top + ORIGIN[0] + 1, column_name(slot.area.left + ORIGIN[1])
            wanted |= {(f"{letter}{row}", f'ISNUMBER(FIND("{WORDS.at(sign, letter)}",${hints}{row}))') for sign in (WORDS.signs.error, WORDS.signs.query)}
    for area, rules in sheet.conditional_formatting._cf_rules.items():
        (cells,) = area.sqref.ranges
        for rule in rules:
            for row in range(cells.min_row, cells.max_row + 1):
                moved = Translator(f"={rule.formula[0]}", f"A{cells.min_row}").translate_formula(f"A{row}")[1:]
                found.add((f"{column_name(cells.min_col - 1)}{row}", re.sub(r"\$(\d)", r"\1", moved)))
    assert wanted <= found


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every form without marks: three sheets, the first left blank, one input of the second filled, all of the third."""
    folder = tmp_path_factory.mktemp("quiet")
    files = []
    for form in UNMARKED:
        book = plainly(render(KNOWN, KNOWN[form], count=3, stamp=STAMP))
        one = next(slot for slot in plan(KNOWN[form]).slots if slot.typed and slot.formula is None)
        for sheet, slots in ((book["项目2"], [one]), (book["项目3"], plan(KNOWN[form]).slots)):
            for slot in slots:
                if slot.typed and slot.formula is None:
                    sheet.cell(slot.area.top + ORIGIN[0] + 1, slot.area.left + ORIGIN[1] + 1).value = HOLE.sub("1", slot.text) if slot.kind == "pattern" else 1
        files.append(folder / f"{form}.xlsx")
        book.save(files[-1])
    return convert(files, "xlsx", folder)


@pytest.mark.office
@office
@pytest.mark.parametrize("form", UNMARKED)
def test_a_form_without_marks_is_blank_until_something_is_filled_in(form: str, quiet: Path) -> None:
    book, (returns, _) = calculated(quiet / f"{form}.xlsx"), judged(quiet / f"{form}.xlsx")
    said = {name: str(status(book[name], form)).split("  ")[0] for name in ("项目1", "项目2", "项目3")}
    assert said == {"项目1": WORDS.status.blank, "项目2": WORDS.status.passed, "项目3": WORDS.status.passed}
    assert {one.sheet for one in returns} == {"项目2", "项目3"}


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, and the clean forms of the review, recalculated."""
    folder = tmp_path_factory.mktemp("real")
    for path in EXAMPLES:
        shutil.copy(path, folder / path.name)
    for path in CLEAN:
        (folder / f"{path.stem}.xlsx").write_bytes(typed(load_marked(path).data))
    return convert(sorted(folder.glob("*.xlsx")), "xlsx", folder)


@pytest.mark.office
@office
@pytest.mark.parametrize("source", [*EXAMPLES, *CLEAN], ids=lambda path: path.stem)
def test_examples_agree_and_clean_forms_pass(source: Path, real: Path) -> None:
    path = real / f"{source.stem}.xlsx"
    book, (returns, findings) = calculated(path), judged(path)
    assert returns
    for one in returns:
        ours, theirs = told_by_sheet(one.form, book[one.sheet]), told_by_check(one.form, one.sheet, findings)
        assert ours - followed(one.form, ours, findings, one.sheet) == theirs, one.sheet
        if source in CLEAN:
            assert status(book[one.sheet], one.form).strip() == WORDS.status.passed


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
    found = formulas(drawn(form))
    assert len(found) > 100
    for name, text in found:
        assert len(text) <= FORMULA_MOST
        literals = re.findall(r'"((?:[^"]|"")*)"', text)
        assert all(len(literal.replace('""', '"')) <= LITERAL_MOST for literal in literals)
        plain = re.sub(r'"(?:[^"]|"")*"', '""', text)
        assert set(re.findall(r"([A-Z][A-Z0-9.]*)\(", plain)) <= ALLOWED | DRAWN, name
        depth = deepest = 0
        for sign in plain:
            depth += (sign == "(") - (sign == ")")
            deepest = max(deepest, depth)
        assert depth == 0 and deepest <= 64


@forms
def test_a_sheet_stays_small(form: str) -> None:
    """What a sheet says of itself is no more than some hundred kilobytes, packed some ten."""
    with zipfile.ZipFile(io.BytesIO(drawn(form))) as package:
        sheet = package.getinfo("xl/worksheets/sheet2.xml")
    assert sheet.file_size < 300_000 and sheet.compress_size < 25_000


@forms
def test_a_form_refers_to_itself_only(form: str) -> None:
    """So a sheet may be copied into another workbook, renamed, deleted."""
    for name, text in formulas(drawn(form)):
        if name in ("xl/worksheets/sheet2.xml", "xl/worksheets/sheet3.xml"):
            assert "!" not in re.sub(r'"(?:[^"]|"")*"', '""', text)


@forms
def test_what_the_formulas_say_is_never_read(form: str) -> None:
    """Neither as a unit's formula, nor as a value, nor as another sheet; whatever value they carry."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(drawn(form))) as source, zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            part = source.read(info)
            if info.filename.startswith("xl/worksheets/"):
                part = part.replace(b"</f><v></v>", f"</f><v>{WORDS.status.passed}</v>".encode())
            target.writestr(info, part)
    returns, findings = understand(read_bytes(buffer.getvalue(), name="空表.xlsx"), FORMS)
    assert returns == [] and [one.code for one in findings] == ["form.all_blank"]


# --- what staff do to the workbook ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def handled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook of five sheets, four of them filled well, after deleting, copying, renaming, and inserting and deleting rows."""
    folder = tmp_path_factory.mktemp("handled")
    form = FORMS["qinglong-2024"]
    book = plainly(render(FORMS, form, count=6, stamp=STAMP))
    for n in range(1, 6):
        Typist(form, book[f"项目{n}"], f"well{n}", 1.0, 1.0).type(lines=True)
    book["项目5"]["B4"].value = None
    book.save(folder / "填.xlsx")
    line = next(plan(form).lines("indicators")) + ORIGIN[0]
    steps = [
        ["delete_sheet", "项目2"], ["copy_sheet", "项目5", "抄", 3], ["rename", "项目5", "改名"], ["insert_rows", "项目3", line + 2, 1], ["delete_rows", "项目4", line + 2, 1],
    ]  # fmt: skip
    jobs = [{"source": str(folder / "填.xlsx"), "steps": steps, "target": str(folder / "改.xlsx")}]
    jobs.append({"source": str(folder / "填.xlsx"), "steps": [["into_new_book", "项目1", "项目5"]], "target": str(folder / "抄出.xlsx")})
    listed = folder / "jobs.json"
    listed.write_text(json.dumps(jobs), encoding="utf-8")
    trouble = by_office(listed, folder)
    assert not trouble, trouble
    return convert([folder / "改.xlsx", folder / "抄出.xlsx"], "xlsx", folder)


@pytest.mark.office
@office
def test_deleted_copied_renamed_sheets_and_rows(handled: Path) -> None:
    form, path = "qinglong-2024", handled / "改.xlsx"
    book = calculated(path)
    said = {name: str(status(book[name], form)).strip() for name in book.sheetnames if name not in (FORMS.guide.sheet, WORDS.sheet, FORMS.guide.lists_sheet, FORMS.guide.meta_sheet)}
    wrong = WORDS.status.error.format(error=1)
    assert said == {
        "项目1": WORDS.status.passed, "抄": wrong, "项目3": WORDS.status.added, "项目4": WORDS.status.passed, "改名": wrong, "项目6": WORDS.status.blank,
    }  # fmt: skip
    rows = [[cell.value for cell in row[:6]] for row in book[WORDS.sheet].iter_rows(min_row=len(WORDS.about) + 5)]
    heads = {row[0]: row[2] for row in rows if row[1] == WORDS.whole}
    assert heads == {
        "项目1": WORDS.status.passed, "项目2": WORDS.results.gone, "项目3": WORDS.status.added, "项目4": WORDS.status.passed, "项目5": wrong, "项目6": WORDS.status.blank,
    }  # fmt: skip
    assert {row[2] for row in rows if row[0] == "项目2" and row[1] != WORDS.whole} == {WORDS.results.gone}
    (missing,) = [row for row in rows if row[0] == "项目5" and row[5]]
    assert missing[5] == "B4" and missing[2] == WORDS.results.error.format(count=1)
    assert not any("#REF!" in str(cell.value) for sheet in book.worksheets for row in sheet.iter_rows() for cell in row)
    _, findings = understand(read_book(str(path), name=path.name), FORMS)
    assert {one.code for one in findings} <= {"form.blank", "form.copy", "form.same_copy", "form.copied", "line.added"}


@pytest.mark.office
@office
def test_a_sheet_copied_into_another_workbook_still_checks_itself(handled: Path) -> None:
    book = calculated(handled / "抄出.xlsx")
    said = {name: str(status(book[name], "qinglong-2024")).strip() for name in book.sheetnames}
    assert said == {"项目1": WORDS.status.passed, "项目5": WORDS.status.error.format(error=1)}


def test_a_unit_that_writes_beside_the_form_is_heard() -> None:
    """What stands in our columns and is not ours is told, not lost."""
    book = opened(drawn("yiyang-2023"))
    sheet, one = book["项目1"], checks("yiyang-2023")
    sheet["B4"].value = "某项目"
    sheet.cell(6, one.shown + 1).value = "这是备注"
    sheet.cell(7, one.shown + 1).value = "✘C列〔03〕是粘贴下来的提示"
    sheet.cell(8, one.hints + 1).value = "=1+1"
    _, findings = understand(read_bytes(saved(book), name="表.xlsx"), FORMS)
    assert [(one.code, one.found) for one in findings if one.code == "cell.outside"] == [("cell.outside", "这是备注"), ("cell.outside", "=1+1")]


def test_the_overview_is_ours_whatever_it_is_called() -> None:
    book = opened(drawn("yiyang-2023"))
    book["项目1"]["B4"].value = "某项目"
    book[WORDS.sheet].title = "检查"
    _, findings = understand(read_bytes(saved(book), name="表.xlsx"), FORMS)
    assert [one for one in findings if one.code == "form.other_sheet"] == []


def test_values_pasted_over_our_formulas_are_set_aside() -> None:
    """All values of a sheet pasted over its formulas: what the checks said is left as words and numbers."""
    one = checks("yiyang-2023")
    rows = [list[Any]([None] * (one.shown + 1)) for _ in range(4)]
    rows[0][one.hints :] = [OWN] * (one.shown + 1 - one.hints)
    rows[1][one.hints :] = ["", 3, *[None] * (one.shown - one.hints - 2), "✘ 本表还有 3 处要补改"]
    rows[2][0], rows[2][one.shown] = "项目名称", "别的话"
    left = set_aside(Sheet("项目1", tuple(map(tuple, rows))), WORDS.said)
    assert [(r, c, value) for r, row in enumerate(left.rows) for c, value in enumerate(row) if value is not None] == [(2, 0, "项目名称"), (2, one.shown, "别的话")]


# --- expressions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["20[0-9]{2}", r"\d{4}", "[0-9]{6}[A-Z][0-9A-Z]{11,12}", "A", "AB12", "[A-C]{2,5}"])
def test_patterns_that_a_formula_can_say(pattern: str) -> None:
    assert shape(pattern, "$A1")


@pytest.mark.parametrize("pattern", ["", "a|b", "(ab)", "a*", "a+", "a?", "[^a]", ".", "[0-9]{2,3}a", r"\w{2}", "[一-龥]{2}", "^a$", r"[\d]", "a{3,2}"])
def test_patterns_that_it_leaves_to_check(pattern: str) -> None:
    assert shape(pattern, "$A1") is None


def test_a_long_text_is_several_literals() -> None:
    text = '长"' * 200
    assert all(len(part.replace('""', '"')) <= LITERAL_MOST for part in re.findall(r'"((?:[^"]|"")*)"', quoted(text)))
    assert "".join(re.findall(r'"((?:[^"]|"")*)"', quoted(text))).replace('""', '"') == text


def test_more_hints_than_a_formula_holds(tmp_path: Path) -> None:
    """A row of many money columns: its hints are kept in parts, each short enough."""
    fields = "\n".join(f"  m{n}: {{to: plan.amount, line: {n}月}}" for n in range(14))
    (tmp_path / "wide.yaml").write_text(
        f"form: wide\ntitle: 宽表\nstamped: [year, department, unit]\npage: {{paper: A3, orientation: landscape}}\ncolumns: [{', '.join(['8'] * 14)}]\nrows:\n"
        f"  - [{{text: 宽表, span: 14, style: title}}]\n  - [{', '.join(f'{{label: 金额{n}}}' for n in range(14))}]\n  - [{', '.join(f'{{key: m{n}}}' for n in range(14))}]\n",
        encoding="utf-8",
    )
    (tmp_path / "wide-mapping.yaml").write_text(f"form: wide\nmoney_unit: 万元\ntaxonomy: mof-2021\nfields:\n{fields}\n", encoding="utf-8")
    known = load_forms((str(tmp_path),))
    one = checks_of(known["wide"], known.catalogue, known.selfcheck, UNITS)
    assert max(map(len, one.formulas.values())) < FORMULA_MOST - 100
    found = formulas(render(known, known["wide"], count=1, stamp=STAMP))
    assert max(len(text) for _, text in found) <= FORMULA_MOST
