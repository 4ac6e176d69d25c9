"""Settings and roster: every mistake told at once with its place; what is right becomes a tree, from xlsx and csv alike."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from xlgoals.cycle import create_cycle, find_cycle, load_cycle, look_at_cycle
from xlgoals.enrol import load_whole, read_roster
from xlgoals.errors import InputError, UsageError
from xlgoals.records import cell_name
from xlgoals.roster import Roster
from xlgoals.spec import load_forms
from xlgoals.subjects import subjects_of

FORMS = load_forms()
HEAD = ("单位编码", "单位名称", "主管部门", "级次", "上级单位编码", "是否填报", "联系人")
PROJECTS = ("单位编码", "项目名称", "项目编码", "项目属性")
GOOD = [
    ("130", "某县", "", "县", "", "", ""),
    ("450", "医疗保障局", "", "部门", "130", "", "张三"),
    ("450001", "医保中心", "", "", "450", "", ""),
    ("450002", "信息中心", "450", "所属单位", "", "否", ""),
    ("610", "水利局", "", "", "", "", ""),
]


def workbook(units: list[tuple[object, ...]], projects: list[tuple[object, ...]] | None = None, head: tuple[str, ...] = HEAD, formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "单位"
    for row in [head, *units]:
        sheet.append(row)
    for cell, code in (formats or {}).items():
        sheet[cell].number_format = code
    other = book.create_sheet("项目")
    for row in [PROJECTS, *(projects or [])]:
        other.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def roster(folder: Path, *args: object, **kwargs: object) -> Roster:
    path = folder / "roster.xlsx"
    path.write_bytes(workbook(*args, **kwargs))  # type: ignore[arg-type]
    return read_roster([path], FORMS.catalogue)


def faults(folder: Path, *args: object, **kwargs: object) -> list[str]:
    with pytest.raises(InputError) as told:
        roster(folder, *args, **kwargs)
    return [str(fault) for fault in told.value.faults]


def test_a_tree_of_units(tmp_path: Path) -> None:
    found = roster(tmp_path, GOOD, [("450001", "某项目", "0012", "常年项目")])
    told = [(u.code, u.level, u.department_text, u.fills) for u in found]
    assert told == [
        ("130", "县", "", False), ("450", "部门", "450 医疗保障局", True), ("450001", "所属单位", "450 医疗保障局", True),
        ("450002", "所属单位", "450 医疗保障局", False), ("610", "部门", "610 水利局", True),
    ]  # fmt: skip
    assert [unit.code for unit in found.under("130")] == ["130", "450", "450001"]
    assert [unit.code for unit in found.above("450001")] == ["450", "130"]
    (project,) = found.units["450001"].projects
    assert (project.label, project.kind) == ("0012 某项目", "常年")
    assert found.named("信息中心") is found.units["450002"]


def with_row(*row: object) -> list[tuple[object, ...]]:
    return [*GOOD, row]


MISTAKES = {
    "a code twice": (with_row("450001", "又一个", "450"), ["单位!A7", "重复", "单位!A4"]),
    "a name twice in a department": (with_row("450009", "医保中心", "450"), ["单位!B7", "重名", "单位!B4"]),
    "a parent that is not there": (with_row("450009", "某站", "", "", "999"), ["单位!E7", "999"]),
    "a parent that lost its zeros": ([*GOOD, ("0071", "甲局"), ("0071001", "乙", "", "", "71")], ["单位!E8", "是不是 0071", "0 丢了"]),
    "a ring": (with_row("450009", "某站", "", "", "450009"), ["单位!E7", "成了圈"]),
    "no name": (with_row("450009", None, "450"), ["第7行", "单位名称"]),
    "no code": (with_row(None, "某站", "450"), ["第7行", "单位编码"]),
    "an unknown level": (with_row("450009", "某站", "450", "乡"), ["单位!D7", "乡", "所属单位"]),
    "neither yes nor no": (with_row("450009", "某站", "450", "", "", "也许"), ["单位!F7", "也许"]),
    "no department to be seen": (with_row("700001", "某站", "", "所属单位"), ["第7行", "主管部门"]),
    "a department's code that is not there": (with_row("450009", "某站", "459"), ["单位!C7", "459", "是不是 450"]),
    "a number that lost digits": (with_row(311000000000000000000.0, "某站", "450"), ["单位!A7", "数字"]),
    "a number shorter than the others": ([("450001", "甲", "450 局"), ("450002", "乙", "450 局"), (12, "丙", "450 局")], ["单位!A4", "000012"]),
    "another department than the parent's": (with_row("450009", "某站", "610", "", "450"), ["单位!C7", "610", "450 医疗保障局"]),
    "another department than itself": (with_row("620", "某局", "610", "部门"), ["单位!C7", "610", "620 某局"]),
    "a level above the parent's": (with_row("450009", "邻县", "", "县", "450"), ["单位!D7", "医疗保障局", "部门"]),
    "a code twice, once in wide digits": (with_row("４５０００１", "又一个", "450"), ["单位!A7", "重复", "单位!A4"]),
    "text in scientific notation": (with_row("3.11E+05", "某站", "450"), ["单位!A7", "文本格式"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_units(name: str, tmp_path: Path) -> None:
    units, words = MISTAKES[name]
    (fault,) = faults(tmp_path, units)
    assert all(word in fault for word in words), fault


def test_a_name_broken_over_lines_is_one_name(tmp_path: Path) -> None:
    found = roster(tmp_path, with_row("450009", "某站 \n（含分站）", "450"), [("450009", "某\r\n项目", "００12", "")])
    assert (found.units["450009"].name, found.units["450009"].projects[0].label) == ("某站（含分站）", "0012 某项目")


def test_a_whole_number_is_a_code(tmp_path: Path) -> None:
    assert [u.code for u in roster(tmp_path, [(450001, "甲", "450 局"), (450002, "乙", "450 局")])] == ["450001", "450002"]


def test_a_code_shown_in_scientific_notation_is_a_mistake(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, [(311000, "甲", "450 局")], formats={"A2": "0.00E+00"})
    assert "单位!A2" in fault


@pytest.mark.parametrize(
    ("project", "words"),
    [
        (("999", "某项目"), ["项目!A2", "999"]),
        (("130", "某项目"), ["项目!A2", "不填报"]),
        (("450", None), ["第2行", "项目名称"]),
        ((None, "某项目"), ["第2行", "单位编码"]),
        (("450", "某项目", "", "常常"), ["项目!D2", "常年"]),
        (("450", "某项目", 1.3e20), ["项目!C2", "文本格式"]),
    ],
)
def test_a_mistake_in_the_projects(project: tuple[object, ...], words: list[str], tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, GOOD, [project])
    assert all(word in fault for word in words), fault


def test_a_project_twice(tmp_path: Path) -> None:
    rows = [("450", "甲"), ("450", " 甲 "), ("610", "乙", "01"), ("450", "丙", "01"), ("610", "甲")]
    told = faults(tmp_path, GOOD, rows)
    assert len(told) == 2 and "项目!B3" in told[0] and "项目!C5" in told[1]


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    units = [*GOOD, ("450001", "又一个", "450"), ("450009", None, "450"), ("450010", "某站", "", "", "999")]
    assert len(faults(tmp_path, units, [("999", "某项目"), ("450", "某项目", "", "常常")])) == 5


def test_headings_that_are_missing_or_strange(tmp_path: Path) -> None:
    told = faults(tmp_path, [("450", "甲局", "x")], head=("单位编码", "单位名称", "主管部们"))
    assert len(told) == 1 and "单位!C1" in told[0] and "主管部门" in told[0]


def test_a_title_above_and_merged_departments(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [("2026年预算单位名册",), ("单位代码", "预算单位名称", "主管部门"), ("450", "甲局", "450 甲局"), ("451", "乙站", None), ("452", "丙站", None)]:
        sheet.append(row)
    sheet.merge_cells("C3:C5")
    book.save(tmp_path / "名册.xlsx")
    assert [u.department_text for u in read_roster([tmp_path / "名册.xlsx"], FORMS.catalogue)] == ["450 甲局"] * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    units, projects = tmp_path / "roster.csv", tmp_path / "projects.csv"
    units.write_bytes("单位编码,单位名称,主管部门\n007,某局,\n007001,某站,007\n".encode(encoding))
    projects.write_bytes("单位编码\t项目名称\t资金用途\n007001\t某项目\t修路\n".encode(encoding))
    found = read_roster([units, projects], FORMS.catalogue)
    assert [(u.code, u.department_code) for u in found] == [("007", "007"), ("007001", "007")]
    assert found.units["007001"].projects[0].more["资金用途"].text == "修路"


def test_a_csv_that_lost_its_zeros(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("单位编码,单位名称,主管部门\n007001,甲,局\n007002,乙,局\n7003,丙,局\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"roster\.csv:4.*007003"):
        read_roster([path], FORMS.catalogue)


# --- settings


@pytest.fixture
def cycle(tmp_path: Path) -> Path:
    folder = tmp_path / "2026预算"
    create_cycle(folder, "2026", "qinglong-2024")
    return folder


def test_a_new_cycle(cycle: Path) -> None:
    found, _ = load_cycle(cycle)
    assert (found.settings.cycle, found.settings.year, found.settings.form) == ("2026预算", "2026", "qinglong-2024")
    assert sorted(path.name for path in cycle.iterdir()) == ["cycle.yaml", "inbox", "outbox", "returned", "roster.xlsx", "summary"]
    assert find_cycle(cycle / "inbox") == cycle
    with pytest.raises(UsageError):
        create_cycle(cycle, "2026", "qinglong-2024")
    with pytest.raises(InputError, match="一个单位也没有"):
        load_whole(cycle)


def test_the_roster_made_reads_back(cycle: Path) -> None:
    book = openpyxl.load_workbook(cycle / "roster.xlsx")
    book["单位"].append(("001", "某局"))
    book["项目"].append(("001", "某项目", None, "跨年"))
    book.save(cycle / "roster.xlsx")
    _, _, found = load_whole(cycle)
    assert [(u.code, u.projects[0].kind) for u in found] == [("001", "跨年")]
    assert book["单位"].column_dimensions["A"].number_format == "@" and {rule.type for rule in book["单位"].data_validations.dataValidation} == {"list", None}


def test_the_codes_of_projects_and_the_year_s_list_of_codes(cycle: Path) -> None:
    """What the forms do not say: which code of expenditure a project is of, and whether its money is carried over."""
    book = openpyxl.load_workbook(cycle / "roster.xlsx")
    book["单位"].append(("001", "某局"))
    head = {cell.value: cell.column for cell in book["项目"][1]}
    for row, (name, subject, carried) in enumerate([("甲", "2101301 城乡医疗救助", "是"), ("乙", 21015, None), ("丙", None, "否")], 2):
        for heading, value in (("单位编码", "001"), ("项目名称", name), ("科目编码", subject), ("是否结转", carried)):
            book["项目"].cell(row, head[heading]).value = value
    book.save(cycle / "roster.xlsx")
    _, forms, found = load_whole(cycle)
    assert [(one.project_name, one.code, one.carried, one.presumed) for one in subjects_of(found)] == [("甲", "2101301", True, False), ("乙", "21015", False, False)]
    assert not forms.codes["functional"].complete
    with (cycle / "cycle.yaml").open("a", encoding="utf-8") as settings:
        settings.write("codes: 科目2026.csv\n")
    (cycle / "科目2026.csv").write_bytes("科目编码,科目名称\n210,卫生健康支出\n21015,医疗保障管理事务\n".encode("gb18030"))
    with pytest.raises(InputError) as told:
        load_whole(cycle)
    assert [str(one) for one in told.value.faults] == [f"roster.xlsx 项目!{cell_name(1, head['科目编码'] - 1)}  2026年支出功能分类科目里没有“2101301”这个编码，请改正。"]
    (cycle / "科目2026.csv").write_bytes("科目编码,科目名称\n21015,医疗保障管理事务\n2101501,\n".encode("gb18030"))
    with pytest.raises(InputError) as told:
        load_whole(cycle)
    assert [one.place for one in told.value.faults] == ["科目2026.csv:3", "科目2026.csv:2"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("form: qinglong-2023", ["cycle.yaml:", "qinglong-2024"]),
        ("year: 26", ["四位数字"]),
        ("deadline: 2025-13-01", ["2025-13-01"]),
        ("deadline: 10月15日", ["年-月-日"]),
        ("deadlin: 2025-10-15", ["deadline"]),
        ("spare_sheets: 很多", ["整数"]),
        ("departments: {某局: nowhere}", ["nowhere"]),
        ("review: {include: all}", ["include"]),
        ("review: {folders: [没有]}", ["没有文件夹 没有"]),
        ("review: {tolerance: 1}", ["tolerance"]),
        ("key: abc", ["太短"]),
        ("key_file: 没有.txt", ["没有.txt"]),
        ("roster: 没有.xlsx", ["没有.xlsx"]),
        ("codes: 没有.csv", ["没有.csv"]),
    ],
)
def test_a_mistake_in_the_settings(settings: str, words: list[str], cycle: Path) -> None:
    path = cycle / "cycle.yaml"
    name = settings.partition(":")[0]
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith((f"{name}:", "  " if name == "review" else f"{name}:"))]
    path.write_text("\n".join([*kept, settings]) + "\n", encoding="utf-8")
    _, _, told = look_at_cycle(cycle)
    assert len(told) == 1 and all(word in str(told[0]) for word in words), told
    assert told[0].place.startswith(f"cycle.yaml:{len(kept) + 1}"), told


def test_one_mistake_in_the_settings_hides_no_other(cycle: Path) -> None:
    path = cycle / "cycle.yaml"
    path.write_text("cycle: 某\nyear: 26\nform: nowhere\nkey: 一二三\nkey_file: 没有\nspare_sheets: 99\nreview: {include: all, folders: [没有]}\n", encoding="utf-8")
    _, _, told = look_at_cycle(cycle)
    assert {fault.place for fault in told} == {f"cycle.yaml:{n}" for n in (2, 3, 4, 5, 6, 7)}, told
    assert any("只能是 accepted、queries、errors" in fault.text for fault in told)


def test_mistakes_of_settings_and_roster_together(cycle: Path) -> None:
    path = cycle / "cycle.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "departments: {水务局: mof-2021}\ndeadline: 2026-02-30\n", encoding="utf-8")
    (cycle / "roster.xlsx").write_bytes(workbook([("450", "甲局"), ("450", "乙局")]))
    with pytest.raises(InputError) as told:
        load_whole(cycle)
    assert [fault.place.partition(":")[0] for fault in told.value.faults] == ["cycle.yaml", "roster.xlsx 单位!A3"]
    path.write_text(path.read_text(encoding="utf-8").replace("02-30", "02-28"), encoding="utf-8")
    (cycle / "roster.xlsx").write_bytes(workbook([("450", "甲局")]))
    with pytest.raises(InputError, match="水务局"):
        load_whole(cycle)
