"""The ledger of a cycle's inbox: whose each workbook is, which counts, what is missing; told by stamps, not by names."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from examples.fill import fill
from xlgoals.cli import main
from xlgoals.cycle import create_cycle
from xlgoals.pages import FIRST, HEAD
from xlgoals.records import Stamp
from xlgoals.stamp import sign
from xlgoals.standing import load_words
from xlgoals.yamlmark import load_marked

WORDS = load_words()
CLEAN: Mapping[str, Any] = load_marked(Path(__file__).parent / "clean" / "yiyang-2023.yaml").data
ROSTER = """单位编码,单位名称,主管部门,级次,上级单位编码,联系人,电话
415,安源区民政局,,部门,,李主任,0799-1
415001,安源区养老服务中心,,所属单位,415,张三,0799-2
415002,安源区福利院,,所属单位,415,王五,0799-3
420,安源区水利局,,部门,,赵六,0799-4
"""


def run(*told: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in told], catch_exceptions=False)


@pytest.fixture
def cycle(tmp_path: Path) -> Path:
    folder = tmp_path / "2025预算"
    create_cycle(folder, "2025", "yiyang-2023")
    (folder / "roster.xlsx").unlink()
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8-sig")
    return folder


def stamp(code: str, unit: str = "安源区养老服务中心", **more: Any) -> Stamp:
    told = {"year": "2025", "department": "415 安源区民政局", "cycle": "2025预算", "round": 1, **more}
    return Stamp(1, "yiyang-2023", "", code=code, unit=unit, **told)


def report(
    path: Path, of: Stamp, change: Mapping[str, Any] | None = None, *, saved: str = "2025-09-01T02:00:00Z", received: float = 1_756_700_000.0
) -> Path:
    """A workbook as a unit sends it: filled in well unless changed, saved and received when told."""
    data = {**CLEAN, "department": of.department, "unit": of.unit, "year": of.year}
    data["projects"] = [{**project, **(change or {})} for project in CLEAN["projects"]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(saved_at(fill(data, of), saved))
    os.utime(path, (received, received))
    return path


def saved_at(package: bytes, moment: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            part = source.read(info)
            if info.filename == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + moment.encode(), part)
            target.writestr(info, part)
    return buffer.getvalue()


def states(folder: Path) -> dict[str, str]:
    result = run("status", "--cycle", folder, "--format", "json")
    assert result.exit_code in (0, 1), result.stderr
    return {one["code"]: one["state"] for one in map(json.loads, result.stdout.splitlines())}


def pages(path: Path, name: str) -> list[dict[str, str]]:
    sheet = openpyxl.load_workbook(path)[name]
    heads = [cell.value for cell in sheet[HEAD + 1]]
    return [dict(zip(heads, (str(cell.value or "") for cell in row), strict=True)) for row in sheet.iter_rows(min_row=FIRST + 1)]


def others(folder: Path) -> dict[str, str]:
    run("collect", "--cycle", folder)
    return {row["文件"]: row["原因"] for row in pages(folder / "summary" / "收件台账.xlsx", WORDS.sheets["others"].name)}


def test_a_good_return_is_accepted_and_the_rest_is_missing(cycle: Path) -> None:
    report(cycle / "inbox" / "随便什么名字.xlsx", stamp("415001"))
    assert states(cycle) == {"415": "missing", "415001": "accepted", "415002": "missing", "420": "missing"}
    owing = pages(cycle / "summary" / "催报名单.xlsx", WORDS.dunning.name)
    assert [(row["单位编码"], row["联系人"], row["电话"]) for row in owing] == [("415", "李主任", "0799-1"), ("415002", "王五", "0799-3"), ("420", "赵六", "0799-4")]


def test_a_blank_target_blocks_and_is_counted(cycle: Path) -> None:
    report(cycle / "inbox" / "a.xlsx", stamp("415001"), {"project_name": ""})
    assert states(cycle)["415001"] == "blocked"
    run("collect", "--cycle", cycle)
    (row,) = [one for one in pages(cycle / "summary" / "收件台账.xlsx", WORDS.sheets["units"].name) if one["单位编码"] == "415001"]
    assert (row["状态"], row["表数"], int(row["错误"]) >= 2) == (WORDS.unit_states["blocked"], "2", True)


def test_a_higher_round_counts_before_a_later_save(cycle: Path) -> None:
    report(cycle / "inbox" / "旧.xlsx", stamp("415001", round=2), saved="2025-09-01T02:00:00Z")
    report(cycle / "inbox" / "新.xlsx", stamp("415001", round=1), {"project_name": ""}, saved="2025-09-09T02:00:00Z")
    assert states(cycle)["415001"] == "accepted"
    assert others(cycle) == {"新.xlsx": WORDS.file_states["superseded"]}


def test_the_later_save_counts_before_the_later_file(cycle: Path) -> None:
    report(cycle / "inbox" / "先.xlsx", stamp("415001"), {"project_name": ""}, saved="2025-09-01T02:00:00Z", received=1_790_000_000.0)
    report(cycle / "inbox" / "后.xlsx", stamp("415001"), saved="2025-09-02T02:00:00Z", received=1_750_000_000.0)
    assert states(cycle)["415001"] == "accepted"
    assert others(cycle) == {"先.xlsx": WORDS.file_states["superseded"]}


def test_a_tie_takes_neither_and_says_so(cycle: Path) -> None:
    for name, change in (("甲.xlsx", {"project_name": "甲项目"}), ("乙.xlsx", {"project_name": "乙项目"})):
        report(cycle / "inbox" / name, stamp("415001"), change)
    assert states(cycle)["415001"] == "tie"
    assert set(others(cycle).values()) == {WORDS.file_states["tie"]}


def test_the_same_bytes_twice_count_once(cycle: Path) -> None:
    one = report(cycle / "inbox" / "甲.xlsx", stamp("415001"))
    (cycle / "inbox" / "乙.xlsx").write_bytes(one.read_bytes())
    assert states(cycle)["415001"] == "accepted"
    assert list(others(cycle).values()) == [WORDS.file_states["duplicate"]]


@pytest.mark.parametrize(
    ("state", "of"),
    [
        ("wrong_unit", stamp("999", unit="别处的单位")),
        ("wrong_cycle", stamp("415001", cycle="2024预算")),
        ("wrong_cycle", stamp("415001", year="2024")),
    ],
)
def test_what_is_not_ours_is_named_and_not_taken(cycle: Path, state: str, of: Stamp) -> None:
    report(cycle / "inbox" / "a.xlsx", of)
    assert set(states(cycle).values()) == {"missing"}
    assert others(cycle) == {"a.xlsx": WORDS.file_states[state]}


def test_sheets_of_two_units_in_one_file_are_not_taken(cycle: Path) -> None:
    path = report(cycle / "inbox" / "a.xlsx", stamp("415001"))
    book = openpyxl.load_workbook(path)
    stamped = [cell for sheet in book for row in sheet.iter_rows() for cell in row if str(cell.value).startswith('{"xlgoals"')]
    assert [cell.parent.title for cell in stamped[:2]] == ["项目1", "项目2"]
    stamped[1].value = re.sub(r'"unit":"[^"]*"', '"unit":"安源区福利院"', stamped[1].value).replace('"415001"', '"415002"')
    book.save(path)
    assert others(cycle) == {"a.xlsx": WORDS.file_states["mixed"]}


def test_another_form_is_not_taken(cycle: Path) -> None:
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("form: yiyang-2023", "form: mof-2021"), encoding="utf-8")
    report(cycle / "inbox" / "a.xlsx", stamp("415001"))
    assert others(cycle) == {"a.xlsx": WORDS.file_states["wrong_form"]}


def test_who_sent_what_does_not_count_is_told_so_not_just_asked_to_send(cycle: Path) -> None:
    report(cycle / "inbox" / "去年.xlsx", stamp("415001", year="2024", cycle="2024预算"))
    run("status", "--cycle", cycle)
    owing = {row["单位编码"]: (row["状态"], row["请单位做什么"]) for row in pages(cycle / "summary" / "催报名单.xlsx", WORDS.dunning.name)}
    assert owing["415001"] == ("未报", "交来的“去年.xlsx”没有采用（年度或周期不对），请用这次下发的表填好重报。")
    assert owing["415002"] == ("未报", "请尽快填报。")
    run("collect", "--cycle", cycle)
    marks = {row["单位编码"]: row["另外"] for row in pages(cycle / "summary" / "收件台账.xlsx", WORDS.sheets["units"].name)}
    assert marks["415001"] == "年度或周期不对" and not marks["415002"]


def test_an_archive_that_cannot_be_opened_and_what_is_no_workbook_are_told(cycle: Path) -> None:
    (cycle / "inbox" / "民政局.zip").write_bytes(b"PK\x03\x04")
    (cycle / "inbox" / "水利局.rar").write_bytes(b"Rar!\x1a\x07\x00")
    assert others(cycle) == {"民政局.zip": WORDS.file_states["unreadable"]}
    told = run("collect", "--cycle", cycle)
    assert told.exit_code == 1 and "水利局.rar" in told.output and "解压" in told.output


def test_who_is_missing_is_told_by_department(cycle: Path) -> None:
    told = run("status", "--cycle", cycle).output.splitlines()
    assert "  415 安源区民政局（3）：安源区民政局、安源区养老服务中心、安源区福利院" in told


def test_a_form_without_stamp_and_a_broken_file_are_named(cycle: Path) -> None:
    source = next((Path(__file__).parent.parent / "examples" / "as-published").glob("弋阳*"))
    (cycle / "inbox" / "没有标记.xlsx").write_bytes(source.read_bytes())
    (cycle / "inbox" / "坏.xlsx").write_bytes(b"PK\x03\x04 broken")
    assert others(cycle) == {"没有标记.xlsx": WORDS.file_states["unstamped"], "坏.xlsx": WORDS.file_states["unreadable"]}


def test_with_a_key_only_signed_stamps_count(cycle: Path) -> None:
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\nkey: 很长的一串密钥不要外传\n", encoding="utf-8")
    report(cycle / "inbox" / "没有签名.xlsx", stamp("415001"))
    assert others(cycle) == {"没有签名.xlsx": WORDS.file_states["forged"]}
    key = "很长的一串密钥不要外传".encode()
    other = sign(stamp("415002", unit="安源区福利院"), key)
    report(cycle / "inbox" / "没有签名.xlsx", replace(other, code="415001", unit="安源区养老服务中心"))
    assert others(cycle) == {"没有签名.xlsx": WORDS.file_states["forged"]}


def test_zips_of_departments_are_read_and_late_ones_marked(cycle: Path, tmp_path: Path) -> None:
    settings = cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\ndeadline: 2025-08-15\n", encoding="utf-8")
    made = report(tmp_path / "a.xlsx", stamp("415001"))
    with zipfile.ZipFile(cycle / "inbox" / "民政局.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("养老/报表.xlsx", (2025, 9, 3, 8, 0, 0)), made.read_bytes())
    run("collect", "--cycle", cycle)
    (row,) = [one for one in pages(cycle / "summary" / "收件台账.xlsx", WORDS.sheets["units"].name) if one["单位编码"] == "415001"]
    assert (row["采用的文件"], row["另外"]) == ("民政局.zip/养老/报表.xlsx", WORDS.late)


def test_the_page_escapes_what_rosters_say_and_replaces_only_itself(cycle: Path) -> None:
    roster = cycle / "roster.csv"
    roster.write_text(ROSTER + '430,"<b>&{{rows}}局</b>",,部门,,,\n', encoding="utf-8-sig")
    path = cycle / "summary" / "进度.html"
    assert run("status", "--cycle", cycle, "--html", path).exit_code == 1
    text = path.read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;{{rows}}局&lt;/b&gt;" in text
    assert run("status", "--cycle", cycle, "--html", path).exit_code == 1
    path.write_text("别的网页", encoding="utf-8")
    assert run("status", "--cycle", cycle, "--html", path).exit_code == 2
    assert path.read_text(encoding="utf-8") == "别的网页"


def test_it_works_without_arguments_inside_the_folder(cycle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report(cycle / "inbox" / "a.xlsx", stamp("415001"))
    monkeypatch.chdir(cycle / "inbox")
    assert run("collect").exit_code == 1
    assert (cycle / "summary" / "收件台账.xlsx").is_file()
    monkeypatch.chdir(cycle.parent)
    assert run("collect").exit_code == 2


def test_what_a_roster_says_runs_nowhere(cycle: Path) -> None:
    """Neither a formula nor a link nor a tag comes of the words of a roster, in any of the outputs that list units."""
    evil = ("=cmd|'/c calc'!A1", "-2+3", "@SUM(1)", "http://evil.example/", "internal:A1", "<script>alert(1)</script>")
    lines = [f'{421000 + number},"{text}",,所属单位,420,"{text}",+1' for number, text in enumerate(evil)]
    (cycle / "roster.csv").write_text("单位编码,单位名称,主管部门,级次,上级单位编码,联系人,电话\n420,某局,,部门,,,\n" + "\n".join(lines), encoding="utf-8-sig")
    page = cycle / "进度.html"
    assert run("distribute", "--cycle", cycle).exit_code == 0
    assert run("collect", "--cycle", cycle).exit_code == 1
    assert run("status", "--cycle", cycle, "--html", page).exit_code == 1
    assert run("consolidate", "--cycle", cycle).exit_code == 1
    assert "<script>alert" not in page.read_text(encoding="utf-8")
    manifest = (cycle / "outbox" / "manifest.csv").read_text(encoding="utf-8-sig")
    assert not re.search(r"(?m)(^|,)\"?[=+@-][^,]", manifest)
    books = [path for path in cycle.rglob("*.xlsx") if path.parent.name != "inbox"]
    assert len(books) > len(evil)
    for path in books:
        with zipfile.ZipFile(path) as package:
            for name in package.namelist():
                text = package.read(name).decode("utf-8", "replace")
                assert not re.search(r"<f>[^<]*(?:calc|-2\+3|SUM\(1\)|alert)", text), (path, name)
                assert 'Target="http://evil' not in text, (path, name)
