"""Many files at once: what is picked up in a folder, what is counted once, and that one bad file takes nothing with it."""

from __future__ import annotations

import os
import shutil
import socket
import zipfile
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from test_guard import GOOD, ONE, many_cells, ole, package, sheet

from xlgoals import intake, workers
from xlgoals.errors import UsageError
from xlgoals.findings import Finding
from xlgoals.forms import Forms
from xlgoals.intake import gather, read_into
from xlgoals.limits import Limits
from xlgoals.outputs import MARKER
from xlgoals.records import Area, At, Book, Funds, Given, Return, Spot
from xlgoals.sources import STATE, files_in, natural
from xlgoals.spec import data_folder, load_forms
from xlgoals.store import Store
from xlgoals.tables import SCHEMAS, Tables

pytestmark = pytest.mark.processes
CATALOGUE = load_forms().catalogue
FILLED = sorted((data_folder("examples") / "filled").glob("*.xlsx"))


def book(path: Path, text: str = "", **properties: str) -> Path:
    """A workbook that is no form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = xlsxwriter.Workbook(path)
    written.add_worksheet().write_string("A1", text or path.name)
    for name, value in properties.items():
        written.set_custom_property(name.replace("_", "-"), value, "text")
    written.close()
    return path


def names(*paths: Path) -> list[str]:
    return [source.name for source in files_in(paths, CATALOGUE)[0]]


def codes(found: Tables) -> list[tuple[str, str]]:
    return sorted(zip(found.findings["file"], found.findings["code"], strict=True))


# --------------------------------------------------------------------------------------------------------------- which files


def test_a_folder_as_people_leave_it(tmp_path: Path) -> None:
    for name in ("单位10/a.xlsx", "单位2/b.xlsx", "单位2/深/层/c.XLSX", "d.xlsm"):
        book(tmp_path / name)
    for name in ("~$b.xlsx", ".~lock.b.xlsx#", "Thumbs.db", "desktop.ini", ".隐藏.xlsx", ".git/x.xlsx", "._a.xlsx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(GOOD)
    for name in ("说明.docx", "照片.jpg", "名单.csv"):
        (tmp_path / "单位2" / name).write_bytes(b"PK\3\4 none")
    book(tmp_path / "odd.bak.xlsx").rename(tmp_path / "odd.bak")
    sources, findings = files_in([tmp_path], CATALOGUE)
    assert [one.name for one in sources] == ["d.xlsm", "odd.bak", "单位2/b.xlsx", "单位2/深/层/c.XLSX", "单位10/a.xlsx"]
    assert [(one.code, one.found) for one in findings] == [("folder.other_files", "单位2/名单.csv、单位2/照片.jpg、单位2/说明.docx")]
    assert findings[0].severity == "note"


def test_given_directly_is_always_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("甲")
    assert names(tmp_path / "a.csv") == ["a.csv"]
    assert codes(gather([tmp_path / "a.csv"]).tables) == [("a.csv", "file.not_workbook")]
    with pytest.raises(UsageError, match="找不到"):
        files_in([tmp_path / "none"], CATALOGUE)


def test_names_are_told_apart(tmp_path: Path) -> None:
    one, other = book(tmp_path / "甲/a.xlsx", "1"), book(tmp_path / "乙/a.xlsx", "2")
    assert names(one.parent, other.parent) == [one.as_posix(), other.as_posix()]
    assert names(one, one, one.parent) == ["a.xlsx"]


def test_natural_order() -> None:
    assert sorted(["b2", "B10", "a", "b1", "１", "2"], key=natural) == ["１", "2", "a", "b1", "b2", "B10"]


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of another kind")
def test_links_loops_and_pipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book(tmp_path / "in/a.xlsx")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/again.xlsx").symlink_to(tmp_path / "in/a.xlsx")
    (tmp_path / "in/gone.xlsx").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "in/pipe.xlsx")
    with socket.socket(socket.AF_UNIX) as opened:
        monkeypatch.chdir(tmp_path / "in")  # the whole path may be too long for a socket
        opened.bind("socket.xlsx")
    sources, findings = files_in([tmp_path / "in"], CATALOGUE)
    assert [one.name for one in sources] == ["a.xlsx"]
    assert [(one.code, one.at.file) for one in findings] == [("file.unreadable", "gone.xlsx")]


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes only there")
def test_names_in_other_encodings(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/" + "单位.xlsx".encode("gb18030")
    shutil.copy(book(tmp_path / "out/x.xlsx"), raw)
    shutil.rmtree(tmp_path / "out")
    book(tmp_path / "Cafe\u0301.xlsx")
    found = gather([tmp_path]).tables
    assert {file for file, _ in codes(found)} == {"单位.xlsx", "Caf\u00e9.xlsx"}


def test_same_bytes_count_once_and_the_newer_is_named(tmp_path: Path) -> None:
    old = book(tmp_path / "a.xlsx")
    (tmp_path / "z").mkdir()
    new = Path(shutil.copy(old, tmp_path / "z/b.xlsx"))
    os.utime(old, (1_000, 1_000))
    sources, findings = files_in([tmp_path], CATALOGUE)
    assert [one.path for one in sources] == [str(new)]
    assert [(one.code, one.at.file, one.found, one.others) for one in findings] == [
        ("folder.same_file", "z/b.xlsx", "a.xlsx", (At("a.xlsx"),))
    ]


def test_own_outputs_are_passed_over_but_counted(tmp_path: Path) -> None:
    book(tmp_path / "a.xlsx")
    summary = book(tmp_path / "汇总.xlsx", xlgoals_output="summary")
    shutil.copy(summary, tmp_path / "汇总 (2).xlsx")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "values.csv").write_text("x")
    (tmp_path / "data" / MARKER).touch()
    taken = gather([tmp_path])
    assert ([source.name for source in taken.sources], taken.outputs) == (["a.xlsx"], 1)
    assert {file for file, _ in codes(taken.tables)} == {"a.xlsx"}


def test_empty_folder(tmp_path: Path) -> None:
    assert codes(gather([tmp_path]).tables) == [(tmp_path.name, "folder.no_workbooks")]


# --------------------------------------------------------------------------------------------------------------- one bad file


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "空.xlsx": (lambda: b"", "file.empty"),
    "密.xlsx": (lambda: ole("EncryptedPackage"), "file.encrypted"),
    "断.xlsx": (lambda: GOOD[:500], "file.damaged"),
    "文.xls": (lambda: b"%PDF-1.4", "file.not_workbook"),
    "远.xlsx": (lambda: package(sheet(ONE + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')), "file.too_large"),
}


def put_bad(folder: Path) -> None:
    for name, (make, _) in BAD.items():
        (folder / name).write_bytes(make())


def test_bad_files_get_one_finding_each_and_the_rest_goes_on(tmp_path: Path) -> None:
    book(tmp_path / "好.xlsx")
    put_bad(tmp_path)
    steps: list[tuple[int, int]] = []
    found = gather([tmp_path], jobs=2, on_progress=lambda done, total: steps.append((done, total))).tables
    told = codes(found)
    assert [pair for pair in told if pair[0] != "好.xlsx"] == sorted((name, code) for name, (_, code) in BAD.items())
    assert [code for file, code in told if file == "好.xlsx"] == ["form.none"]
    assert steps[0] == (0, 6)
    assert steps[-1] == (6, 6)
    assert {name: frame.schema for name, frame in found.items()} == {name: dict(schema) for name, schema in SCHEMAS.items()}


def test_any_executor_will_do_and_order_is_kept(tmp_path: Path) -> None:
    """Threads too: then no deadline may end the process, which is the caller's own."""
    for number in range(1, 61):
        book(tmp_path / f"{number}.xlsx")
    with ThreadPoolExecutor(3) as pool:
        found = gather([tmp_path], jobs=3, executor=pool, limits=Limits(seconds=0.001)).tables
    assert list(found.findings["file"]) == [f"{number}.xlsx" for number in range(1, 61)]


class Broken(Executor):
    """A pool whose every task fails."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(RuntimeError("worker lost"))
        return future


def test_a_broken_executor_loses_nothing(tmp_path: Path) -> None:
    for number in range(1, 6):
        book(tmp_path / f"{number}.xlsx")
    found = gather([tmp_path], executor=Broken()).tables
    assert codes(found) == [(f"{number}.xlsx", "form.none") for number in range(1, 6)]


def far() -> bytes:
    """A cell in the last corner, in a sheet that only the native reader reads."""
    inline = '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'
    return package(sheet(f'{inline}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))


def test_a_native_crash_is_named_and_the_rest_kept(tmp_path: Path) -> None:
    """With the guard's limit lifted, the far cell makes the native reader abort its process."""
    for number in range(1, 9):
        book(tmp_path / f"{number}.xlsx")
    (tmp_path / "4 坏.xlsx").write_bytes(far())
    found = gather([tmp_path], jobs=2, limits=Limits(area=1 << 50)).tables
    told = dict(codes(found))
    assert told.pop("4 坏.xlsx") == "file.crashed"
    assert told == {f"{number}.xlsx": "form.none" for number in range(1, 9)}


def test_processes_begun_while_files_are_recognised_may_die_like_others(tmp_path: Path) -> None:
    folder, limits = tmp_path / "in", Limits(area=1 << 50)
    folder.mkdir()
    for number in range(1, 5):
        book(folder / f"{number}.xlsx")

    def read() -> dict[str, str]:
        sources, _ = files_in([folder], load_forms().catalogue, limits)
        with Store(tmp_path / STATE, "x") as store:
            read_into(store, sources, jobs=2, limits=limits)
            return dict(codes(store.tables([one.name for one in sources])))

    good = {f"{number}.xlsx": "form.none" for number in range(1, 5)}
    assert read() == good
    (folder / "2 坏.xlsx").write_bytes(far())
    assert read() == {**good, "2 坏.xlsx": "file.crashed"}


def test_a_native_crash_of_a_single_file_does_not_end_the_command(tmp_path: Path) -> None:
    (tmp_path / "坏.xlsx").write_bytes(far())
    assert codes(gather([tmp_path / "坏.xlsx"], limits=Limits(area=1 << 50)).tables) == [("坏.xlsx", "file.crashed")]


def test_a_slow_file_is_named_and_the_rest_kept(tmp_path: Path) -> None:
    for number in range(1, 5):
        book(tmp_path / f"{number}.xlsx")
    (tmp_path / "3 慢.xlsx").write_bytes(package(sheet(many_cells(4_000_000)), strings=""))
    limits = Limits(seconds=3.0, cells=1 << 40, area=1 << 40, ratio=10_000, part_bytes=1 << 30, unpacked_bytes=1 << 30)
    found = gather([tmp_path], jobs=2, limits=limits).tables
    told = dict(codes(found))
    assert told.pop("3 慢.xlsx") == "file.too_slow"
    assert told == {f"{number}.xlsx": "form.none" for number in range(1, 5)}


def test_a_defect_of_ours_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(taken: Book, forms: Forms, given: Given) -> tuple[list[Return], list[Finding]]:
        if taken.file == "a.xlsx":
            raise ZeroDivisionError("oh")
        return [], []

    monkeypatch.setattr(intake, "understand", fail)
    with ThreadPoolExecutor(1) as here:  # what is replaced here is not replaced in a worker process
        found = gather([book(tmp_path / "a.xlsx"), book(tmp_path / "b.xlsx")], executor=here).tables
    assert codes(found) == [("a.xlsx", "internal.crash")]
    assert "ZeroDivisionError: oh" in found.findings["message"][0]


def test_flags_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsm").write_bytes(
        package(sheet(ONE), extra=[("xl/vbaProject.bin", b"x"), ("xl/externalLinks/externalLink1.xml", "<a/>")])
    )
    assert {"book.macros", "book.external_links"} <= {code for _, code in codes(gather([tmp_path / "a.xlsm"]).tables)}


# --------------------------------------------------------------------------------------------------------------- between files


def returned(file: str, *, code: str = "", name: str = "修路", unit: str = "甲局", amount: str = "100.00") -> Return:
    fields = {"year": "2025", "unit": unit, "project_code": code, "project_name": name}
    spot = Spot(At(file, "表1", "C6"), amount, "name", "年度资金总额")
    funds = (Funds("total", "annual", "total", Decimal(amount), amount, "元"),)
    return Return(file, "", "表1", Area(0, 0, 9, 3), "yiyang-2023", None, fields, funds, spots={"total": spot})


def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *returns: Return) -> Tables:
    """Take in files of which each says what is given."""
    said = {one.file: one for one in returns}
    monkeypatch.setattr(intake, "understand", lambda taken, forms, given: ([said[taken.file]], []))
    for age, one in enumerate(reversed(returns)):
        os.utime(book(tmp_path / one.file), (10_000 - age, 10_000 - age))
    with ThreadPoolExecutor(1) as here:  # what is replaced here is not replaced in a worker process
        return gather([tmp_path], executor=here).tables


def test_a_return_sent_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settled(tmp_path, monkeypatch, returned("a.xlsx", code="P1"), returned("b.xlsx", code="P1"))
    assert list(found.returns["file"]) == ["b.xlsx"]
    assert found.funds["rid"].n_unique() == 1
    row = found.findings.row(0, named=True)
    assert (row["code"], row["severity"], row["file"], row["found"], row["others"]) == (
        "folder.same_return", "note", "b.xlsx", "a.xlsx", [["a.xlsx", "表1", ""]]
    )  # fmt: skip


def test_unequal_returns_are_not_summed_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settled(
        tmp_path, monkeypatch, returned("a.xlsx", code="P1"), returned("b.xlsx", code="P1", amount="200.00"), returned("c.xlsx", code="P2")
    )
    assert list(found.returns["file"]) == ["c.xlsx"]
    assert {frame["rid"].n_unique() for name, frame in found.items() if name in ("values", "funds", "places")} == {1}
    row = found.findings.row(0, named=True)
    assert (row["code"], row["severity"], row["file"], row["found"]) == ("folder.conflicting_returns", "error", "b.xlsx", "a.xlsx")
    assert "年度资金总额" in row["message"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"code": "P1"}, {"code": "P2"}),
        ({"name": ""}, {"name": "", "amount": "2.00"}),
        ({"unit": ""}, {"unit": "", "amount": "2.00"}),  # a name is only unique within its unit
        ({"unit": "甲局"}, {"unit": "乙局", "amount": "2.00"}),
    ],
)
def test_different_returns_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one: dict[str, str], other: dict[str, str]) -> None:
    found = settled(tmp_path, monkeypatch, returned("a.xlsx", **one), returned("b.xlsx", **other))
    assert found.returns.height == 2
    assert found.findings.is_empty()


# --- archives --------------------------------------------------------------------------------------------------------


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 9, 1, 8, 30, 0)), data)
    return path


def test_workbooks_in_a_zip_are_read_under_both_names(tmp_path: Path) -> None:
    data = FILLED[0].read_bytes()
    packed(tmp_path / "教育局.zip", {"一小/报表.xlsx": data, "说明.docx": b"x", "__MACOSX/._报表.xlsx": b"x"})
    taken = gather([tmp_path], jobs=1)
    assert taken.tables.returns["file"].unique().to_list() == ["教育局.zip/一小/报表.xlsx"]
    assert {f["code"]: f["found"] for f in taken.tables.findings.to_dicts()}["folder.other_files"] == "说明.docx"
    assert gather([tmp_path / "教育局.zip"], jobs=1).tables.returns.height == taken.tables.returns.height


def test_names_in_gbk_within_a_zip_are_read(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("Z" * 8 + ".xlsx", FILLED[0].read_bytes())
    archive.write_bytes(archive.read_bytes().replace(b"Z" * 8, "乡镇报表".encode("gbk")))
    sources, _ = files_in([tmp_path], CATALOGUE)
    assert [one.name for one in sources] == ["a.zip/乡镇报表.xlsx"]
    assert gather([tmp_path], jobs=1).tables.returns.height > 0


def test_a_copy_inside_and_outside_a_zip_counts_once(tmp_path: Path) -> None:
    data = FILLED[0].read_bytes()
    packed(tmp_path / "部门.zip", {"一.xlsx": data, "二.xlsx": data})
    (tmp_path / "三.xlsx").write_bytes(data)
    sources, findings = files_in([tmp_path], CATALOGUE)
    assert len(sources) == 1
    assert [f.code for f in findings] == ["folder.same_file"]


def test_a_broken_zip_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = packed(tmp_path / "好.zip", {"一.xlsx": FILLED[0].read_bytes()})
    (tmp_path / "坏.zip").write_bytes(whole.read_bytes()[:500])
    middle = bytearray(whole.read_bytes())
    middle[2000:2100] = b"\0" * 100
    (tmp_path / "伤.zip").write_bytes(middle)
    taken = gather([tmp_path], jobs=1)
    named = {f["file"]: f["code"] for f in taken.tables.findings.to_dicts()}
    assert named["坏.zip"] == "file.unreadable"
    assert named["伤.zip/一.xlsx"] == "file.unreadable"
    assert set(taken.tables.returns["file"]) == {"好.zip/一.xlsx"}


def test_a_zip_that_unpacks_to_too_much_is_not_opened(tmp_path: Path) -> None:
    packed(tmp_path / "大.zip", {"一.xlsx": b"x" * 2000})
    _, findings = files_in([tmp_path], CATALOGUE, Limits(archive_bytes=1000))
    assert [f.code for f in findings if f.at.file == "大.zip"] == ["file.too_large"]


@pytest.mark.parametrize("jobs", [1, 2, 8])
@pytest.mark.parametrize("sizes", [[], [1], [1] * 250, [365_000] * 400, [20 << 20] * 3, [1, 40 << 20, 2, 3]])
def test_tasks_hold_all_files_in_their_order_and_none_too_much(sizes: list[int], jobs: int) -> None:
    items = list(enumerate(sizes))
    tasks = list(workers._tasks(items, jobs, lambda item: item[1]))
    assert [item for task in tasks for item in task] == items
    assert all(len(task) == 1 or (len(task) <= workers.ITEMS_A_TASK and sum(size for _, size in task) <= workers.BYTES_A_TASK) for task in tasks)
    assert len(tasks) >= min(jobs, len(items))
