"""Drafts of forms that nobody described: from the published workbooks, with the form they are laid out in left out of what is known.

Each is drafted twice: with all words of mappings/words.yaml, and with none of its labels (only fields.yaml and the *other* forms
know words then), which is what a form from a new county looks like. What a person edits is listed here, one pair a place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlgoals.cli import main
from xlgoals.draft import Draft, draft
from xlgoals.errors import SpecError, UsageError
from xlgoals.findings import Finding
from xlgoals.forms import Forms
from xlgoals.layout import plan
from xlgoals.parse import understand
from xlgoals.read import read_book, read_bytes
from xlgoals.records import Area, Book, Given, Return, Sheet, Stamp
from xlgoals.render import render
from xlgoals.spec import data_folder, load_forms
from xlgoals.stamp import read_stamp, stamp_text
from xlgoals.vocabulary import Vocabulary, load_vocabulary
from xlgoals.yamlmark import load_marked

EXAMPLES = data_folder("examples")
NAME = "drafted"
FIRST = {"luan-2023": 2}  # forms whose first instance the page has broken: the first whole one is compared
Edits = Sequence[tuple[str, str]]
TWINS = {"luan-2023": ("luan-2023", "mof-2021")}  # the national form descends with it from one document: both are left out
DOCUMENTS = {  # form -> its workbook; what must be settled when words.yaml knows none of its labels
    "yiyang-2023": ("弋阳县医疗保障局2023年项目支出绩效目标表.xlsx", ()),
    "luan-2023": (
        "六安市医疗保障局2023年项目支出绩效目标表.xlsx",
        (
            ('unknown_1: "?"', "unknown_1: {to: goals.text, horizon: mid_term}"),
            ('unknown_2: "?"', "unknown_2: goals.text"),
        ),
    ),
    "qinglong-2024": (
        "青龙县医保局2024年项目绩效目标.xlsx",
        (
            ('unknown_1: "?"  # ? “预算数”', "unknown_1: funds.total  # “预算数”"),
            ('unknown_2: "?"  # ? “其中：财政资金”', "unknown_2: funds.fiscal  # “财政资金”"),
            ('unknown_3: "?"  # ? “预算规模及资金用途”', "unknown_3: purpose  # “资金用途”"),
            ('unknown_1: "?"  # ? “3月底”', "unknown_1: {to: plan.amount, line: 3月底}  # "),
            ('unknown_2: "?"  # ? “6月底”', "unknown_2: {to: plan.amount, line: 6月底}  # "),
            ('unknown_3: "?"  # ? “10月底”', "unknown_3: {to: plan.amount, line: 10月底}  # "),
            ('unknown_4: "?"  # ? “12月底”', "unknown_4: {to: plan.amount, line: 12月底}  # "),
        ),
    ),
    "pingluo-2026": (
        "平罗县医疗保障局2026年项目绩效目标表.xlsx",
        (
            ('unknown_1: "?"  # ? “项目期限”', "unknown_1: period  # "),
            ('unknown_2: "?"  # ? “项目年度金额（元）”', "unknown_2: funds.total  # "),
            ('unknown_1: "?"  # ? 这一栏没有表头', "unknown_1: indicator.name  # "),
            ('unknown_2: "?"  # ? “绩效值”', "unknown_2: indicator.target  # "),
        ),
    ),
    "shigu-2020": (
        "石鼓区医保局专项资金绩效目标申报表2020.xlsx",
        (
            ('unknown_1: "?"  # ? “部门名称”', "unknown_1: department  # "),
            ('unknown_2: "?"  # ? “部门相应职能职责概述”', "unknown_2: duties  # "),
            ('unknown_3: "?"  # ? “专项实施保障措施”', "unknown_3: measures  # "),
            ('unknown_1: "?"  # ? “指标内容”', "unknown_1: indicator.name  # "),
        ),
    ),
}
EACH = pytest.mark.parametrize("form", DOCUMENTS)


@cache
def book(form: str) -> Book:
    name = DOCUMENTS[form][0]
    return read_book(str(EXAMPLES / "as-published" / name), name=name)


@cache
def vocabulary(form: str, *, labels: bool = True) -> Vocabulary:
    """What is known when the form itself is not."""
    forms = load_forms()
    left_out = TWINS.get(form, (form,))
    known = load_vocabulary(replace(forms, forms={name: one for name, one in forms.forms.items() if name not in left_out}))
    return known if labels else Vocabulary(known.forms, known.words.model_copy(update={"fields": {}}), known.lists)


def load(folder: Path, text: tuple[str, str], edits: Edits = ()) -> Forms:
    """Both files with the edits made, each of which must fit exactly one place, as a form beside the shipped ones."""
    files = list(text)
    for find, put in edits:
        assert sum(file.count(find) for file in files) == 1, find
        files = [file.replace(find, put) for file in files]
    for part, file in zip(("templates", "mappings"), files, strict=True):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / f"{NAME}.yaml").write_text(file, encoding="utf-8")
    return load_forms((str(folder),))


def only(forms: Forms, name: str) -> Forms:
    return replace(forms, forms={name: forms[name]})


def read(book: Book, forms: Forms, name: str) -> tuple[list[Return], list[Finding]]:
    return understand(book, only(forms, name), Given(year="2024", department="某局", unit="某局"))


def content(one: Return) -> dict[str, Any]:
    """What a return says, without the names that its form gives to keys."""
    return {
        "sheet": one.sheet,
        "fields": dict(one.fields),
        "funds": sorted((f.horizon, f.source, f.amount or 0, f.unit) for f in one.funds),
        "goals": [(g.horizon, g.text) for g in one.goals],
        "indicators": [(i.horizon, i.level1, i.level2, i.name, i.target, dict(i.more)) for i in one.indicators],
        "details": [(d.grid, d.line.removesuffix(".1"), d.column, d.text, d.amount) for d in one.details],
    }


@cache
def drafted(form: str, *, labels: bool = True) -> Draft:
    return draft(book(form), None, NAME, vocabulary(form, labels=labels))


# --- the five documents


@EACH
def test_with_known_words_a_draft_needs_no_edit_and_reads_as_the_form_written_by_hand(form: str, tmp_path: Path) -> None:
    made = drafted(form)
    assert not made.marks
    forms = load(tmp_path, (made.template, made.mapping))
    taken, findings = read(book(form), forms, NAME)
    expected, as_found = read(book(form), forms, form)
    assert [content(one) for one in taken] == [content(one) for one in expected]
    blocking = [sorted(f.code for f in some if f.severity != "note") for some in (findings, as_found)]
    assert blocking[0] == blocking[1]


@EACH
@pytest.mark.parametrize("labels", [True, False], ids=["words", "strange"])
def test_after_at_most_ten_edits_a_draft_renders_and_reads_the_document(form: str, labels: bool, tmp_path: Path) -> None:
    edits: Edits = () if labels else DOCUMENTS[form][1]
    assert len(edits) <= 10
    made = drafted(form, labels=labels)
    assert len(made.marks) == len(edits)
    if edits:
        with pytest.raises(SpecError, match=r"\?"):
            load(tmp_path / "open", (made.template, made.mapping))
    forms = load(tmp_path, (made.template, made.mapping), edits)
    assert plan(forms[NAME]).width == len(forms[NAME].template.columns)
    assert render(forms, forms[NAME], count=1, stamp=Stamp(1, "", "", year="2024", department="某局", unit="某局"))
    data = load_marked(EXAMPLES / "data" / f"{form}.yaml").data
    project = data["projects"][FIRST.get(form, 1) - 1]
    taken = next(one for one in read(book(form), forms, NAME)[0] if one.fields["project_name"].strip() == project["project_name"])
    for horizon, grid in (("annual", "indicators"), ("mid_term", "mid_term_indicators")):
        assert len([i for i in taken.indicators if i.horizon == horizon]) == len(project.get(grid, []))
    total = next(f.amount for f in taken.funds if (f.horizon, f.source) == ("annual", "total"))
    assert total == Decimal(project["total"].replace(",", "")) * forms[NAME].money_factor


@EACH
def test_every_mark_is_in_the_files_and_says_in_chinese_what_to_settle(form: str) -> None:
    made = drafted(form, labels=False)
    marked = [line for line in (made.template + made.mapping).splitlines()[1:] if "# ?" in line]
    assert len(marked) == len(made.marks)
    assert all(re.search(r'"\?"  # \? .*请', line) for line in marked)


@EACH
def test_no_value_of_the_document_is_copied(form: str) -> None:
    made = drafted(form)
    said = made.template + made.mapping
    for project in load_marked(EXAMPLES / "data" / f"{form}.yaml").data["projects"]:
        texts = [project["project_name"], project.get("goal", ""), *(i["name"] for i in project["indicators"])]
        assert not [text for text in texts if len(text) > 3 and text in said.split("\n", 1)[1] and text != "服务对象满意度指标"]


@EACH
def test_the_same_workbook_gives_the_same_draft(form: str) -> None:
    assert drafted(form) == draft(book(form), None, NAME, vocabulary(form))


def test_the_instance_that_the_page_broke_is_passed_over() -> None:
    broken, whole, *_ = (sheet.name for sheet in book("luan-2023").sheets)
    assert drafted("luan-2023").sheet == whole != broken


def test_a_sheet_can_be_named(tmp_path: Path) -> None:
    made = draft(book("shigu-2020"), "医保专项经费", NAME, vocabulary("shigu-2020"))
    assert made.sheet == "医保专项经费"
    assert load(tmp_path, (made.template, made.mapping))


@EACH
def test_every_whole_instance_alone_gives_a_form_that_loads(form: str, tmp_path: Path) -> None:
    known = vocabulary(form)
    for n, sheet in enumerate(book(form).sheets):
        made = draft(replace(book(form), sheets=(sheet,)), None, NAME, known)
        if not made.marks:
            plan(load(tmp_path / str(n), (made.template, made.mapping))[NAME])


# --- generated workbooks without their keys: spare lines hidden, nothing typed or everything


def stripped(book: Book) -> Book:
    """A generated workbook without the row and the column of keys and what stands behind it, as a paste of the form's values into
    a blank sheet leaves it."""
    forms = [sheet for sheet in book.sheets if sheet.rows and str(sheet.rows[0][0]).startswith("#c")]
    return replace(book, sheets=tuple(_values(sheet) for sheet in forms))


def _values(sheet: Sheet) -> Sheet:
    width = next(i for i, value in enumerate(sheet.rows[0]) if read_stamp(value))
    return replace(sheet, rows=((), *(row[:width] for row in sheet.rows[1:])), formulas={spot: text for spot, text in sheet.formulas.items() if spot[1] < width})


@EACH
def test_a_filled_form_without_its_keys(form: str, tmp_path: Path) -> None:
    data = load_marked(EXAMPLES / "data" / f"{form}.yaml").data
    path = EXAMPLES / "filled" / f"{data['unit']}-{data['year']}.xlsx"
    filled = stripped(read_book(str(path), name=path.name))
    made = draft(filled, None, NAME, vocabulary(form))
    assert not made.marks
    forms = load(tmp_path, (made.template, made.mapping))
    assert [content(one)["funds"] for one in read(filled, forms, NAME)[0]] == [
        content(one)["funds"] for one in read(filled, forms, form)[0]
    ]


@pytest.mark.parametrize("form", load_forms().forms)
def test_a_blank_form_without_its_keys(form: str, tmp_path: Path) -> None:
    forms = load_forms()
    blank = stripped(read_bytes(render(forms, forms[form], count=1, stamp=Stamp(1, "", "", year="2025")), name="空表.xlsx"))
    made = draft(blank, None, NAME, vocabulary(form))
    assert len(made.marks) <= 10
    if not made.marks:
        plan(load(tmp_path, (made.template, made.mapping))[NAME])


# --- what nobody knows


def sheet(rows: Sequence[Sequence[Any]], *merges: tuple[int, int, int, int]) -> Book:
    return Book("表.xlsx", "xlsx", (Sheet("Sheet1", tuple(map(tuple, rows)), tuple(Area(*one) for one in merges)),))


ROWS: list[list[Any]] = [
    ["附表3", None, None, None],
    ["项目名称", "甲项目", "资金规模（亿元）", 3.0],
    ["主管部门", "某局", "立项类型", None],
    ["一级指标", "二级指标", "三级指标", "指标值"],
    ["产出指标", "数量指标", "培训人数", "100人"],
    ["效益指标", "社会效益", "覆盖率", "≥90%"],
]


def test_what_nobody_knows_is_marked_and_refused_until_settled(tmp_path: Path) -> None:
    made = draft(sheet(ROWS), None, NAME, load_vocabulary(load_forms()))
    assert [mark.split("：")[0] for mark in made.marks] == [
        "“资金规模（亿元）”是什么", "“立项类型”是什么", "表上的一、二级指标看不出是 mof-2021、mof-2015、hunan-2020 中的哪一个",
    ]  # fmt: skip
    with pytest.raises(SpecError) as refused:
        load(tmp_path / "open", (made.template, made.mapping))
    assert len(refused.value.mistakes) >= 1
    settled = (
        ('unknown_1: "?"  # ?', "unknown_1: funds.total  #"),
        ('unknown_2: "?"  # ?', "unknown_2: attribute  #"),
        ('taxonomy: "?"  # ?', "taxonomy: mof-2021  #"),
    )
    forms = load(tmp_path, (made.template, made.mapping), settled)
    assert forms[NAME].dialect.money_unit == "亿元"
    assert "附表3" in made.template and "{seq}" not in made.template
    (taken,), _ = read(sheet(ROWS), forms, NAME)
    assert [f.amount for f in taken.funds] == [Decimal(300_000_000)]
    assert [i.name for i in taken.indicators] == ["培训人数", "覆盖率"]


def test_a_label_beside_a_grid_that_nobody_merged(tmp_path: Path) -> None:
    rows: list[list[Any]] = [[*ROWS[0], None], *([None, *row] for row in ROWS[1:])]
    rows[1][:2], rows[2][:2], rows[3][0] = ["项目名称", None], ["主管部门", None], "绩效指标"
    rows[1][3], rows[2][3] = "预算数（亿元）", "资金性质"
    made = draft(sheet(rows), None, NAME, load_vocabulary(load_forms()))
    assert "beside: {label: 绩效指标}" in made.template
    assert len(made.marks) == 1  # the taxonomy
    forms = load(tmp_path, (made.template, made.mapping), (('taxonomy: "?"  # ?', "taxonomy: mof-2021  #"),))
    assert plan(forms[NAME])


def test_a_long_text_is_never_taken_for_a_label() -> None:
    rows: list[list[Any]] = [["项目名称", "甲项目"], ["我单位按上级要求完成全部工作，确保资金使用合规。", None], ["主管部门", "某局"]]
    made = draft(sheet(rows), None, NAME, load_vocabulary(load_forms()))
    assert "上级要求" not in made.template + made.mapping and made.marks


def test_two_panes_without_a_word_of_years_are_asked_about() -> None:
    rows: list[list[Any]] = [
        ["项目名称", "甲项目", None, None, None, None, None],
        ["一级指标", *["二级指标", "三级指标", "指标值"] * 2],
        ["产出指标", *["数量指标", "人数", "1人"] * 2],
    ]
    made = draft(sheet(rows, (0, 1, 0, 6)), None, NAME, load_vocabulary(load_forms()))
    assert 'pane: "?"' in made.template and any("中期" in mark for mark in made.marks)


def test_two_sums_of_one_kind_are_asked_about() -> None:
    made = draft(
        sheet([["项目名称", "甲", "预算数（元）", 1.0], ["主管部门", "某局", "年度资金总额（元）", 2.0]]),
        None,
        NAME,
        load_vocabulary(load_forms()),
    )
    assert any("同是 funds.total" in mark for mark in made.marks)


@pytest.mark.parametrize(
    ("book", "where", "name", "told"),
    [
        (sheet(ROWS), None, "表样", "小写英文字母"),
        (sheet(ROWS), "没有", NAME, "没有名为“没有”的工作表，有：Sheet1"),
        (sheet([["甲", "乙"]]), None, NAME, "没有认得的标签"),
        (sheet([[stamp_text(Stamp(1, "yiyang-2023", "0"))], *ROWS]), None, NAME, "用表样 yiyang-2023 生成的"),
        (sheet([]), None, NAME, "没有认得的标签"),
    ],
)
def test_what_cannot_be_drafted_is_said(book: Book, where: str | None, name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        draft(book, where, name, load_vocabulary(load_forms()))


def test_words_of_a_folder_of_ones_own_replace_the_shipped_ones(tmp_path: Path) -> None:
    shipped = (data_folder("mappings") / "words.yaml").read_text(encoding="utf-8")
    (tmp_path / "words.yaml").write_text(shipped.replace("funds.total: [", "funds.total: [资金规模, "), encoding="utf-8")
    made = draft(sheet(ROWS), None, NAME, load_vocabulary(load_forms(), (str(tmp_path),)))
    assert "total: funds.total" in made.mapping


def test_every_word_stands_for_a_field_that_exists() -> None:
    known: Mapping[str, Any] = load_forms().fields
    words = load_marked(data_folder("mappings") / "words.yaml").data
    assert not words["fields"].keys() - known.keys() and not words["keys"].keys() - known.keys()


# --- the command


def run(*told: object) -> Result:
    return CliRunner().invoke(main, ["forms", *map(str, told)])


def saved(path: Path) -> Path:
    workbook = openpyxl.Workbook()
    for row in ROWS:
        workbook.worksheets[0].append(row)
    workbook.save(path)
    return path


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}


@EACH
def test_the_command_writes_two_files_that_check_accepts(form: str, tmp_path: Path) -> None:
    source = EXAMPLES / "as-published" / DOCUMENTS[form][0]
    result = run("draft", source, "--name", NAME, "-o", tmp_path)
    assert (result.exit_code, result.exception) == (0, None)
    made = draft(book(form), None, NAME, load_vocabulary(load_forms()))
    assert contents(tmp_path) == {f"templates/{NAME}.yaml": made.template, f"mappings/{NAME}.yaml": made.mapping}
    assert f"“{made.sheet}”" in result.output and "要定" not in result.output
    assert f"xlgoals forms check --forms {tmp_path}" in result.output
    assert run("check", "--forms", tmp_path).exit_code == 0


def test_the_command_tells_what_must_be_settled_and_check_refuses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("draft", saved(Path("表.xlsx")), "--name", NAME, "--sheet", "Sheet")
    marks = draft(read_book("表.xlsx", name="表.xlsx"), None, NAME, load_vocabulary(load_forms())).marks
    assert result.exit_code == 0 and f"有 {len(marks)} 处要定" in result.output and all(mark in result.output for mark in marks)
    assert contents(tmp_path / "表样草稿").keys() == {f"templates/{NAME}.yaml", f"mappings/{NAME}.yaml"}
    assert run("check", "--forms", "表样草稿").exit_code == 2


def test_the_command_replaces_nothing_without_force(tmp_path: Path) -> None:
    told = ("draft", EXAMPLES / "as-published" / DOCUMENTS["yiyang-2023"][0], "--name", NAME, "-o", tmp_path)
    mapping = tmp_path / "mappings" / f"{NAME}.yaml"
    mapping.parent.mkdir()
    mapping.write_text("我的", encoding="utf-8")
    refused = run(*told)
    assert refused.exit_code == 2 and "--force" in refused.output
    assert contents(tmp_path) == {f"mappings/{NAME}.yaml": "我的"}
    assert run(*told, "--force").exit_code == 0 and mapping.read_text(encoding="utf-8") != "我的"


def test_the_words_of_folders_given_before_and_after_the_command_are_known(tmp_path: Path) -> None:
    source = saved(tmp_path / "表.xlsx")
    shipped = (data_folder("mappings") / "words.yaml").read_text(encoding="utf-8")
    (tmp_path / "words.yaml").write_text(shipped.replace("funds.total: [", "funds.total: [资金规模, "), encoding="utf-8")
    told = (source, "--name", NAME, "-o", tmp_path / "out")
    assert "“资金规模（亿元）”是什么" in run("draft", *told).output
    for options in (("--forms", tmp_path, "draft", *told), ("draft", *told, "--forms", tmp_path)):
        result = run(*options, "--force")
        assert result.exit_code == 0 and "资金规模" not in result.output
        assert f"--forms {tmp_path} --forms {tmp_path / 'out'}" in result.output


@pytest.mark.parametrize(
    ("source", "told"),
    [(next((EXAMPLES / "filled").glob("*.xlsx")), "不用起草"), (Path(__file__), "不是 Excel"), (Path("没有.xlsx"), "没有.xlsx")],
    ids=["stamped", "text", "none"],
)
def test_the_command_says_what_it_cannot_draft_from(source: Path, told: str, tmp_path: Path) -> None:
    result = run("draft", source, "--name", NAME, "-o", tmp_path / "out")
    assert result.exit_code == 2 and told in result.output
    assert not (tmp_path / "out").exists()


# --- people at work on the workbook

DAMAGES = ("row out", "row in", "unmerged", "blank", "words")


def damaged(draw: st.DrawFn) -> Book:
    """One sheet of a document after a few of the things that people do to it."""
    whole = book(draw(st.sampled_from(sorted(DOCUMENTS))))
    one = draw(st.sampled_from(whole.sheets))
    rows: list[list[Any]] = [list(row) for row in one.rows[:40]]
    merges = [area for area in one.merges if area.bottom < 40]
    for damage in draw(st.lists(st.sampled_from(DAMAGES), max_size=5)):
        r, c = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, len(rows[0]) - 1))
        if damage == "row out":
            del rows[r]
            merges = [Area(a.top - (a.top > r), a.left, a.bottom - (a.bottom >= r), a.right) for a in merges]
            merges = [a for a in merges if a.top <= a.bottom]
        elif damage == "row in":
            rows.insert(r, [None] * len(rows[0]))
            merges = [Area(a.top + (a.top >= r), a.left, a.bottom + (a.bottom >= r), a.right) for a in merges]
        elif damage == "unmerged":
            merges = [a for a in merges if not a.top <= r <= a.bottom]
        else:
            rows[r][c] = None if damage == "blank" else draw(st.sampled_from(["未知", "主管部门", "一级指标", 5.0, "填报人："]))
    return replace(whole, sheets=(replace(one, rows=tuple(map(tuple, rows)), merges=tuple(merges)),))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.composite(damaged)())
def test_what_is_not_marked_is_accepted(damaged: Book) -> None:
    made = draft(damaged, None, NAME, load_vocabulary(load_forms()))
    with TemporaryDirectory() as folder:
        if made.marks:
            with pytest.raises(SpecError):
                load(Path(folder), (made.template, made.mapping))
        else:
            plan(load(Path(folder), (made.template, made.mapping))[NAME])


def test_a_mistake_in_a_bureaus_own_words_is_told_by_line(tmp_path: Path) -> None:
    words = (data_folder("mappings") / "words.yaml").read_text(encoding="utf-8")
    (tmp_path / "words.yaml").write_text(words.replace("set_aside:", "set_asside:"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_vocabulary(load_forms(), (str(tmp_path),))
    assert any(m.file == "words.yaml" and m.line > 1 and "set_aside" in m.text for m in caught.value.mistakes)
