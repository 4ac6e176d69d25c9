"""A roster to workbooks: what is sent, only once, never over anything, whole after any interruption; and a unit's own list filled in."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import openpyxl.worksheet.formula
import pytest
from click.testing import CliRunner, Result

from examples.fill import fill as filled_example
from tests.test_roster import workbook
from xlgoals import distribute
from xlgoals.carry import left_open
from xlgoals.cli import main
from xlgoals.cycle import create_cycle
from xlgoals.distribute import issues
from xlgoals.enrol import load_whole
from xlgoals.intake import gather
from xlgoals.layout import ORIGIN, plan
from xlgoals.parse import understand
from xlgoals.read import read_bytes
from xlgoals.records import Return, Stamp
from xlgoals.render import blank, render
from xlgoals.spec import data_folder, load_forms
from xlgoals.stamp import read_stamp, stamp_text, verify
from xlgoals.tables import findings_of
from xlgoals.yamlmark import load_marked

FORMS = load_forms()
UNITS: list[tuple[object, ...]] = [
    ("450", "医疗保障局", "", "部门", "", "", ""),
    ("450001", "医保中心/分部..", "", "", "450", "", ""),
    ("610", "水利局", "", "", "", "", ""),
]
PROJECTS: list[tuple[object, ...]] = [("450", "药品采购", "13032124P00310610030W", "常年"), ("450", "系统维护", "", ""), ("610", "水库维修", "", "一次性")]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


def roster(folder: Path, units: list[tuple[object, ...]] = UNITS, projects: list[tuple[object, ...]] = PROJECTS) -> None:
    (folder / "roster.xlsx").write_bytes(workbook(units, projects))


@pytest.fixture
def cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "2026预算"
    create_cycle(folder, "2026", "qinglong-2024")
    roster(folder)
    monkeypatch.chdir(folder / "inbox")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def parts(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def manifest(folder: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO((folder / "outbox" / "manifest.csv").read_text(encoding="utf-8-sig"))))


# --- distribute


def test_each_unit_gets_its_workbook(cycle: Path) -> None:
    assert run("distribute").exit_code == 0
    made = files(cycle / "outbox")
    assert [name for name in made if name.endswith(".xlsx")] == ["450_医疗保障局/450001_医保中心／分部.xlsx", "450_医疗保障局/450_医疗保障局.xlsx", "610_水利局/610_水利局.xlsx"]
    with zipfile.ZipFile(cycle / "outbox" / "450_医疗保障局.zip") as package:
        assert {f"450_医疗保障局/{name}": package.read(name) for name in package.namelist()} == {n: d for n, d in made.items() if n.startswith("450_医疗保障局/")}
    book = read_bytes(made["450_医疗保障局/450_医疗保障局.xlsx"], name="x")
    stamps = [stamp for sheet in book.sheets for value in (sheet.rows[0] if sheet.rows else ()) if (stamp := read_stamp(value))]
    assert [(s.code, s.unit, s.department, s.cycle, s.round, s.instance, s.project) for s in stamps] == [
        ("450", "医疗保障局", "450 医疗保障局", "2026预算", 1, f"p0{n}", project)
        for n, project in enumerate(("13032124P00310610030W 药品采购", "系统维护", "", ""), 1)
    ]
    returns, _ = understand(book, FORMS)
    assert [(one.fields["project_name"], one.fields.get("project_code", ""), one.fields["unit"]) for one in returns] == [
        ("药品采购", "13032124P00310610030W", "医疗保障局"), ("系统维护", "", "医疗保障局")
    ]  # fmt: skip
    assert [row[0] for row in manifest(cycle)[1:]] == ["450", "450001", "610"]


def test_a_slot_with_nothing_to_fill_in_is_a_blank_cell(cycle: Path) -> None:
    run("distribute")
    xml = parts(files(cycle / "outbox")["450_医疗保障局/450_医疗保障局.xlsx"])["xl/worksheets/sheet3.xml"].decode()
    cells = dict(re.findall(r'<c r="([A-Z]+\d+)"([^>]*?)/?>', xml))
    code = plan(FORMS["qinglong-2024"]).inputs["project_code"].area
    assert 't="' not in cells[f"B{code.top + ORIGIN[0] + 1}"] and 't="s"' in cells["E4"]


def test_a_department_may_fill_in_a_book_of_forms(cycle: Path) -> None:
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\ndepartments: {"450": qinglong-budget-2024}\n', encoding="utf-8")
    assert run("distribute").exit_code == 0
    forms = {row[0]: row[4] for row in manifest(cycle)[1:]}
    assert forms == {"450": "qinglong-budget-2024", "450001": "qinglong-budget-2024", "610": "qinglong-2024"}
    path = cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx"
    assert {"收支总表", "项目1", "固定资产占用情况"} <= set(openpyxl.load_workbook(path).sheetnames)
    book = openpyxl.load_workbook(path)
    book["收支总表"]["C8"] = 100
    book.save(cycle / "inbox" / "a.xlsx")
    (cycle / "inbox" / "b.xlsx").write_bytes((cycle / "outbox" / "450_医疗保障局" / "450001_医保中心／分部.xlsx").read_bytes())
    told = {one["code"]: one["state"] for one in map(json.loads, run("status", "--format", "json", "--jobs", "1").stdout.splitlines())}
    assert told == {"450": "blocked", "450001": "blank", "610": "missing"}
    assert "没有动" in run("distribute").output and run("distribute").exit_code == 0  # it is known again


@pytest.mark.parametrize("form_id", FORMS.forms)
def test_what_is_made_in_bulk_is_what_render_makes(form_id: str, cycle: Path) -> None:
    """One drawing cast for many units, in any order, gives what each gives alone, part by part."""
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("qinglong-2024", form_id), encoding="utf-8")
    projects = [*PROJECTS, ("610", "一个名称很长的项目" * 12, "", "跨年"), ("450001", "A & <B> _x0041_", "", ""), ("450001", "医保中心/分部..", "", "")]
    roster(cycle, projects=projects)
    loaded, forms, units = load_whole(cycle)
    drawn = blank(forms, forms[form_id], 4)
    wanted = issues(loaded, forms, units, {})
    told = [
        {"stamp": one.stamp, "content": one.content, "projects": one.projects, "key": b"secret key", "notice": "一行\n两行", "carried": {2}}
        for one in wanted
    ]  # fmt: skip
    first = [drawn.issue(**one) for one in told]  # type: ignore[arg-type]
    assert [drawn.issue(**one) for one in reversed(told)] == first[::-1]  # type: ignore[arg-type]
    for one, words, made in zip(wanted, told, first, strict=True):
        alone = render(forms, one.binder, count=4, **words)  # type: ignore[arg-type]
        assert parts(made) == parts(alone)
        second = openpyxl.load_workbook(io.BytesIO(alone))
        names = [second[name][f"{cell}"].value for name in ("项目1", "项目2", "项目3") if name in second.sheetnames for cell in _cells(forms[one.binder.id], "project_name")]
        named = [project.name for project in one.unit.projects][:3] if _cells(forms[one.binder.id], "project_name") else []  # a table stands for no project
        assert [name for name in names if name] == named


def _cells(form: object, to: str) -> list[str]:
    laid = plan(form)  # type: ignore[arg-type]
    return [f"{'ABCDEFGHIJKL'[s.area.left]}{s.area.top + ORIGIN[0] + 1}" for s in laid.slots if s.typed and s.kind == "input" and any(m.to == to for m in s.meanings.values())]


def test_twice_changes_nothing_and_equal_input_gives_equal_bytes(cycle: Path, tmp_path: Path) -> None:
    run("distribute")
    before = files(cycle / "outbox")
    told = run("distribute")
    assert told.exit_code == 0 and "新生成 0 份" in told.output
    assert files(cycle / "outbox") == before
    run("distribute", "--output", str(tmp_path / "else"))
    assert files(tmp_path / "else") == before


def test_a_grown_roster_gives_only_the_new_ones(cycle: Path) -> None:
    run("distribute")
    before = files(cycle / "outbox")
    roster(cycle, [*UNITS, ("610001", "水库管理处", "", "", "610")])
    assert run("distribute").exit_code == 0
    after = files(cycle / "outbox")
    assert after.keys() - before.keys() == {"610_水利局/610001_水库管理处.xlsx", "610_水利局_第2批.zip"}
    assert {name for name in before if before[name] != after[name]} == {"manifest.csv"}
    with zipfile.ZipFile(cycle / "outbox" / "610_水利局_第2批.zip") as package:
        assert package.namelist() == ["610001_水库管理处.xlsx"]


def test_a_changed_unit_is_listed_and_only_written_when_asked_for(cycle: Path) -> None:
    run("distribute")
    before = files(cycle / "outbox")
    units = [("450", "医疗保障局", "", "部门", "", "", ""), ("450001", "医保服务中心", "", "", "450", "", ""), UNITS[2]]
    roster(cycle, units, [*PROJECTS[1:], ("610", "新项目", "", "")])
    told = run("distribute")
    assert told.exit_code == 1 and files(cycle / "outbox").keys() == before.keys()
    assert all(word in told.output for word in ("医保服务中心", "新项目", "减少项目", "--reissue 450"))
    assert run("distribute", "--reissue", "450001", "--reissue", "610").exit_code == 1  # 450 is still as it was
    after = files(cycle / "outbox")
    assert after.keys() - before.keys() == {
        "450_医疗保障局/450001_医保服务中心_第2次.xlsx", "610_水利局/610_水利局_第2次.xlsx", "450_医疗保障局_第2批.zip", "610_水利局_第2批.zip"
    }  # fmt: skip
    assert all(after[name] == before[name] for name in before if name != "manifest.csv")
    assert [(row[0], row[3]) for row in manifest(cycle)[1:]] == [("450", "1"), ("450001", "1"), ("450001", "2"), ("610", "1"), ("610", "2")]
    assert run("distribute", "--reissue", "450").exit_code == 0
    assert run("distribute").exit_code == 0
    assert run("distribute", "--reissue", "999").exit_code == 2


def test_units_that_left_and_files_of_others_are_told_and_kept(cycle: Path) -> None:
    run("distribute")
    (cycle / "outbox" / "会议通知.xlsx").write_bytes(b"PK")
    roster(cycle, UNITS[:2], PROJECTS[:2])
    told = run("distribute")
    assert "610 水利局" in told.output and "会议通知.xlsx" in told.output and (cycle / "outbox" / "610_水利局" / "610_水利局.xlsx").exists()


def test_a_file_in_the_way_is_not_overwritten_and_the_rest_is_written(cycle: Path) -> None:
    there = cycle / "outbox" / "610_水利局" / "610_水利局.xlsx"
    there.parent.mkdir()
    there.write_bytes(b"somebody's own")
    told = run("distribute")
    assert told.exit_code == 2 and "没有覆盖" in told.output
    assert there.read_bytes() == b"somebody's own" and len(list((cycle / "outbox").rglob("*.xlsx"))) == 3


def test_killed_at_any_moment_and_run_again(cycle: Path, tmp_path: Path) -> None:
    """What was written is whole, what is missing comes with the next run, and the result is that of a run in peace."""
    units = [("450", "医疗保障局", "", "部门"), *((f"450{n:03}", f"单位{n}", "", "", "450") for n in range(60))]
    roster(cycle, units, [])
    run("distribute", "-o", str(tmp_path / "peace"))
    whole = files(tmp_path / "peace")
    seen = set()
    for written in (1, 7, 30, 61):
        process = subprocess.Popen([sys.executable, "-m", "xlgoals", "distribute"], cwd=cycle, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until and len(list((cycle / "outbox").rglob("*.xlsx"))) < written:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = {name: data for name, data in files(cycle / "outbox").items() if ".xlsx" in name and "/." not in name}
        assert all(whole[name] == data for name, data in found.items())
        seen.add(len(found))
    assert len(seen) > 1
    assert run("distribute").exit_code == 0
    last = files(cycle / "outbox")
    assert {n: d for n, d in last.items() if n.endswith((".xlsx", ".csv"))} == {n: d for n, d in whole.items() if not n.endswith(".zip")}
    zipped = [name for path in (cycle / "outbox").glob("*.zip") for name in zipfile.ZipFile(path).namelist()]
    assert len(zipped) == len(set(zipped)) == 61
    assert not [name for name in last if ".xlgoals-" in name]


def test_interrupted_it_goes_on_and_asks_for_no_round_twice(cycle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands of a first round stays, for the next run goes on from there; of a further round nothing, for it would be written again."""
    whole = distribute._write

    def third_stops(*told: Any) -> Any:
        written = len([name for name in files(cycle / "outbox") if name.endswith(".xlsx")])
        if written % 3 == 2:
            raise KeyboardInterrupt
        return whole(*told)

    monkeypatch.setattr(distribute, "_write", third_stops)
    stopped = run("distribute")
    assert stopped.exit_code == 2 and "已中断" in stopped.output and "没有写出任何文件" not in stopped.output
    assert len([name for name in files(cycle / "outbox") if name.endswith(".xlsx")]) == 2
    monkeypatch.setattr(distribute, "_write", whole)
    assert "新生成 1 份" in run("distribute").output
    before = files(cycle / "outbox")
    monkeypatch.setattr(distribute, "_write", third_stops)
    again = [word for code, *_ in UNITS for word in ("--reissue", str(code))]
    assert run("distribute", *again).exit_code == 2
    assert {name: data for name, data in files(cycle / "outbox").items() if "lock" not in name} == before
    monkeypatch.setattr(distribute, "_write", whole)
    assert run("distribute", *again).exit_code == 0
    assert not [name for name in files(cycle / "outbox") if "第3次" in name]


def test_two_runs_at_once_do_no_harm(cycle: Path) -> None:
    runs = [subprocess.Popen([sys.executable, "-m", "xlgoals", "distribute"], cwd=cycle, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    codes = [(one.communicate()[0], one.returncode)[1] for one in runs]
    assert 0 in codes and set(codes) <= {0, 2}
    assert len(list((cycle / "outbox").rglob("*.xlsx"))) == 3


def test_an_outbox_that_cannot_be_written_is_said(cycle: Path) -> None:
    (cycle / "outbox").rmdir()
    (cycle / "outbox").write_bytes(b"")
    told = run("distribute")
    assert told.exit_code == 2 and "无法写入" in told.output and (cycle / "outbox").read_bytes() == b""


def test_mistakes_of_the_roster_stop_everything(cycle: Path) -> None:
    roster(cycle, [*UNITS, ("450", "又一个")], [("999", "某项目")])
    told = run("distribute")
    assert told.exit_code == 2 and "有 2 处需要改" in told.output and not files(cycle / "outbox")


def test_what_the_forms_cannot_hold_is_told_with_the_mistakes_of_the_roster(cycle: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([*UNITS, ("610", "又一个", "", "")], PROJECTS)))
    book["项目"]["E1"], book["项目"]["F1"], book["项目"]["F2"] = "从没有过的栏", "预算数", "一百"
    book["项目"]["E2"] = "x"
    book.save(cycle / "roster.xlsx")
    told = run("distribute").output
    assert all(place in told for place in ("单位!A5", "项目!E2", "项目!F2")), told
    assert not list((cycle / "outbox").iterdir())


def test_further_columns_are_filled_in(cycle: Path) -> None:
    book = openpyxl.load_workbook(cycle / "roster.xlsx")
    sheet = book["项目"]
    for column, words in enumerate((("资金用途", "采购药品", None, "修"), ("预算数", 190.74, None, "九十"), ("没有的栏目", None, "甲", None)), 5):
        for row, word in enumerate(words, 1):
            sheet.cell(row, column, word)
    book.save(cycle / "roster.xlsx")
    told = run("distribute")
    assert told.exit_code == 2 and "项目!F4" in told.output and "项目!G3" in told.output
    sheet["F4"], sheet["G3"] = 1, None
    book.save(cycle / "roster.xlsx")
    assert run("distribute").exit_code == 0
    (first, *_), _ = understand(read_bytes(files(cycle / "outbox")["450_医疗保障局/450_医疗保障局.xlsx"], name="x"), FORMS)
    assert first.fields["purpose"] == "采购药品" and first.funds[0].amount == Decimal("1907400.00")


# --- a former cycle


def test_projects_that_go_on_are_carried_forward_amounts_and_dates_open(cycle: Path, tmp_path: Path) -> None:
    data = load_marked(data_folder("examples") / "data" / "luan-2023.yaml").data
    former = tmp_path / "去年"
    former.mkdir()
    (former / "a.xlsx").write_bytes(filled_example(data))
    was, _ = understand(read_bytes(filled_example(data), name="a.xlsx"), FORMS)
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("qinglong-2024", "luan-2023"), encoding="utf-8")
    unit = was[0].fields["unit"]
    roster(cycle, [("451", unit, "", "部门")], [("451", "新项目", "", "常年"), ("451", was[0].fields["project_name"], "", "")])
    assert run("distribute", "--from", str(former)).exit_code == 0
    (made,) = (data for name, data in files(cycle / "outbox").items() if name.endswith(".xlsx"))
    now, _ = understand(read_bytes(made, name="x"), FORMS)
    assert [one.fields["project_name"] for one in now] == ["新项目", *(one.fields["project_name"] for one in was if one.fields["attribute"] != "一次性项目")]
    for one in now[1:]:
        before = next(old for old in was if old.fields["project_name"] == one.fields["project_name"])
        assert not one.funds or all(line.amount is None for line in one.funds)
        assert one.goals == before.goals and one.fields["attribute"] == before.fields["attribute"]
        assert not any(target.means.kind == "date" or target.means.dimension == "money" for target in one.indicators)
        assert sorted((i.level2, i.name) for i in one.indicators) == sorted((i.level2, i.name) for i in before.indicators)
        assert {i.target for i in one.indicators} <= {"", *(i.target for i in before.indicators)} and any(i.target for i in one.indicators)
    shown = openpyxl.load_workbook(io.BytesIO(made))
    tabs = {sheet.title: sheet.sheet_properties.tabColor.rgb for sheet in shown if sheet.sheet_properties.tabColor}
    assert tabs["项目1"] != tabs["项目2"] == f"FF{FORMS['luan-2023'].looks.carried_tab}"
    assert any("沿用上年" in str(cell.value) for row in shown["填报说明"].iter_rows() for cell in row)


def test_what_is_left_open_has_no_place_either() -> None:
    data = load_marked(data_folder("examples") / "data" / "qinglong-2024.yaml").data
    returns, _ = understand(read_bytes(filled_example(data), name="x"), FORMS)
    for one in returns:
        left: Return = left_open(one, FORMS)
        assert not left.funds and not [d for d in left.details if d.amount is not None] and left.goals == one.goals
        assert not {line.key for line in one.funds} & left.spots.keys()


# --- signatures


def test_a_stamp_holds_what_was_signed() -> None:
    stamp = Stamp(1, "f", "d", year="2026", unit="某中心", code="450", cycle="2026预算", round=2)
    text = stamp_text(stamp, b"some long key")
    signed = read_stamp(text)
    assert signed and verify(signed, b"some long key") == "signed" and verify(signed, b"another key") == "forged"
    assert verify(stamp, b"some long key") == "unsigned"
    for part, value in {"unit": "别的单位", "code": "451", "year": "2027", "cycle": "x", "project": "p", "instance": "p02", "digest": "e"}.items():
        assert verify(replace(signed, **{part: value}), b"some long key") == "forged"  # type: ignore[arg-type]
    assert verify(replace(signed, round=3), b"some long key") == "forged"
    assert verify(replace(signed, unit="某", code="中心450"), b"some long key") == "forged"  # no text moves from field to field unseen


def test_a_workbook_of_one_unit_does_not_pass_as_anothers(cycle: Path) -> None:
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "key: 一个猜不到的密钥\n", encoding="utf-8")
    run("distribute")
    made = (cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx").read_bytes()
    forged = io.BytesIO()
    with zipfile.ZipFile(forged, "w") as target:
        for name, data in parts(made).items():
            target.writestr(name, data.replace(b'"code":"450"', b'"code":"610"').replace("医疗保障局".encode(), "水利局".encode()))
    (cycle / "inbox" / "a.xlsx").write_bytes(made)
    (cycle / "inbox" / "b.xlsx").write_bytes(forged.getvalue())
    (cycle / "inbox" / "c.xlsx").write_bytes(render(FORMS, FORMS["qinglong-2024"], count=1, stamp=Stamp(0, "", "", year="2026", unit="水利局", code="610")))
    key = "一个猜不到的密钥".encode()
    told = findings_of(gather([cycle / "inbox"], key=key).tables)
    codes = {file: {f.code for f in told if f.at.file == file and f.code.startswith("stamp.")} for file in ("a.xlsx", "b.xlsx", "c.xlsx")}
    assert codes == {"a.xlsx": set(), "b.xlsx": {"stamp.forged"}, "c.xlsx": {"stamp.unsigned"}}
    assert not [f for f in findings_of(gather([cycle / "inbox"]).tables) if f.code.startswith("stamp.")]


def test_what_was_sent_out_signed_comes_back_as_signed(cycle: Path, tmp_path: Path) -> None:
    """Also when the unit put a second form below the first: the stamps count as they stand in the file."""
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "key: 一个猜不到的密钥\n", encoding="utf-8")
    run("distribute")
    sent = cycle / "outbox" / "610_水利局" / "610_水利局.xlsx"
    assert run("fill", str(sent), "--data", str(own_list(tmp_path, [("水库维修", None, 3, "修水库", "修好")])), "-o", str(cycle / "inbox" / "a.xlsx")).exit_code == 0
    book = openpyxl.load_workbook(cycle / "inbox" / "a.xlsx")
    page = book["项目1"]
    bottom, across = page.max_row, plan(FORMS["qinglong-2024"]).width
    for row in range(2, bottom + 1):
        for column in range(1, across + 1):
            if not isinstance(value := page.cell(row, column).value, (type(None), openpyxl.worksheet.formula.ArrayFormula)):
                page.cell(row + bottom, column).value = value
    page.cell(4 + bottom, 5).value = "又一个项目"
    book.save(cycle / "inbox" / "a.xlsx")
    tables = gather([cycle / "inbox"], key="一个猜不到的密钥".encode()).tables
    assert tables.returns.height == 2
    assert not [finding for finding in findings_of(tables) if finding.code.startswith("stamp.")]
    assert "签名" not in run("collect").output


# --- fill


def own_list(folder: Path, rows: list[tuple[object, ...]], indicators: list[tuple[object, ...]] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [("项目名称", "项目编码", "预算数", "资金用途", "绩效目标"), *rows]:
        sheet.append(row)
    if indicators is not None:
        other = book.create_sheet("指标")
        for row in [("项目名称", "一级指标", "二级指标", "三级指标", "指标值"), *indicators]:
            other.append(row)
    path = folder / "清单.xlsx"
    book.save(path)
    return path


def test_a_list_is_filled_in(cycle: Path, tmp_path: Path) -> None:
    run("distribute")
    blank_file = cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx"
    before = blank_file.read_bytes()
    lines = [("药品采购", "产出指标", "数量指标", f"采购第{n}种", f"≥{n}件") for n in range(9)]
    data = own_list(tmp_path, [("新增项目", "13032124P00310610099Z", "1,000.50", "用途", "1. 一\n2. 二"), ("药品采购", None, 8476.31, "买药", None)], lines)
    assert run("fill", str(blank_file), "--data", str(data), "-o", str(tmp_path / "填好.xlsx")).exit_code == 0
    assert blank_file.read_bytes() == before
    returns, findings = understand(read_bytes((tmp_path / "填好.xlsx").read_bytes(), name="x"), FORMS)
    assert [(one.sheet, one.fields["project_name"]) for one in returns] == [("项目1", "药品采购"), ("项目2", "系统维护"), ("项目3", "新增项目")]
    assert returns[0].funds[0].amount == Decimal("84763100") and returns[2].funds[0].amount == Decimal("10005000")
    assert [i.name for i in returns[0].indicators] == [f"采购第{n}种" for n in range(9)] and [g.text for g in returns[2].goals] == ["一", "二"]
    assert [f.code for f in findings] == ["form.blank"]
    stamps = [one.stamp for one in returns]
    assert all(stamp and stamp.code == "450" for stamp in stamps)
    again = run("fill", str(tmp_path / "填好.xlsx"), "--data", str(data), "-o", str(tmp_path / "再.xlsx"))
    assert again.exit_code == 0 and parts((tmp_path / "再.xlsx").read_bytes()) == parts((tmp_path / "填好.xlsx").read_bytes())
    assert run("fill", str(blank_file), "--data", str(data), "-o", str(blank_file), "--force").exit_code == 2


@pytest.mark.parametrize(
    ("rows", "indicators", "words"),
    [
        ([("甲", None, "一百")], None, ["C2", "一百", "万元"]),
        ([("甲", 1.3e20)], None, ["B2", "文本格式"]),
        ([(None, None, 5)], None, ["第2行", "项目名称"]),
        ([("甲",), ("甲",)], None, ["第3行", "同一个项目"]),
        ([("药品采购",), ("药品采购", "13032124P00310610030W")], None, ["第3行", "同一个项目"]),
        ([("甲",), ("乙",), ("丙",)], None, ["第4行", "空表不够"]),
        ([("甲", "01")], [("乙", "产出指标", "数量指标", "x", "1")], ["指标!第2行", "乙"]),
        ([("甲", "01")], [("甲", "产出指标", "乱写", "x", "1")], ["指标!C2", "乱写"]),
        ([("甲", "01")], [("甲", "产出指标", "数量指标", "x", "1")] * 25, ["指标!D26"]),
    ],
)
def test_a_mistake_in_a_list(rows: list[tuple[object, ...]], indicators: list[tuple[object, ...]] | None, words: list[str], cycle: Path, tmp_path: Path) -> None:
    run("distribute")
    data = own_list(tmp_path, rows, indicators)
    told = run("fill", str(cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx"), "--data", str(data), "-o", str(tmp_path / "x.xlsx"))
    assert told.exit_code == 2 and "有 1 处需要改" in told.output and all(word in told.output for word in words), told.output
    assert not (tmp_path / "x.xlsx").exists()


def test_a_list_may_name_its_columns_as_lists_do_but_not_in_another_money_unit(cycle: Path, tmp_path: Path) -> None:
    run("distribute")
    outgoing, data, filled = cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx", tmp_path / "清单.csv", tmp_path / "填好.xlsx"
    data.write_text("项目,项目代码,预算数（万元）\n新增项目,13032124P00310610031W,12.5\n", encoding="gbk")
    assert run("fill", str(outgoing), "--data", str(data), "-o", str(filled)).exit_code == 0
    returns, _ = understand(read_bytes(filled.read_bytes(), name="x"), FORMS)
    assert (returns[-1].fields["project_code"], returns[-1].funds[0].amount) == ("13032124P00310610031W", Decimal("125000"))
    data.write_text("项目,预算数（元）\n新增项目,125000\n", encoding="gbk")
    told = run("fill", str(outgoing), "--data", str(data), "-o", str(tmp_path / "x.xlsx"))
    assert told.exit_code == 2 and "预算数（元）" in told.output


def test_a_list_of_indicators_may_name_its_columns_as_lists_do(cycle: Path, tmp_path: Path) -> None:
    run("distribute")
    outgoing, projects, lines = cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx", tmp_path / "项目.csv", tmp_path / "指标.csv"
    projects.write_text("项目名称\n新增项目\n", encoding="utf-8")
    lines.write_text(
        "项目,一级指标,二级指标,指标名称,目标值,指标说明,依据\n新增项目,产出指标,数量指标,采购设备数量,≥5台,采购几台,采购计划\n", encoding="utf-8"
    )
    filled = tmp_path / "填好.xlsx"
    told = run("fill", str(outgoing), "--data", str(projects), "--data", str(lines), "-o", str(filled))
    assert told.exit_code == 0, told.output
    returns, _ = understand(read_bytes(filled.read_bytes(), name="x"), FORMS)
    (line,) = returns[-1].indicators
    assert (line.name, line.target, line.more["description"], line.more["basis"]) == ("采购设备数量", "≥5台", "采购几台", "采购计划")


def test_what_stands_there_is_not_overwritten(cycle: Path, tmp_path: Path) -> None:
    run("distribute")
    source = cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx"
    book = openpyxl.load_workbook(source)
    book["项目1"]["C5"] = 12
    book.save(tmp_path / "填了.xlsx")
    data = own_list(tmp_path, [("药品采购", None, 13)])
    told = run("fill", str(tmp_path / "填了.xlsx"), "--data", str(data))
    assert told.exit_code == 2 and "已经填了“12”" in told.output


def test_only_a_workbook_as_sent_out_is_filled(cycle: Path, tmp_path: Path) -> None:
    run("distribute")
    source = cycle / "outbox" / "450_医疗保障局" / "450_医疗保障局.xlsx"
    data = own_list(tmp_path, [("甲",)])
    book = openpyxl.load_workbook(source)
    book["项目1"].delete_rows(9)
    book.save(tmp_path / "删了行.xlsx")
    openpyxl.Workbook().save(tmp_path / "别的.xlsx")
    for name, word in (("删了行.xlsx", "插过或删过行列"), ("别的.xlsx", "没有标记")):
        told = run("fill", str(tmp_path / name), "--data", str(data))
        assert told.exit_code == 2 and word in told.output
