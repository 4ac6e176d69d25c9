"""A cycle's inbox through its store: whatever happens to the inbox, all outputs are as if it were read anew; blank returns; batches."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from test_collect import ROSTER, WORDS, others, pages, report, run, saved_at, stamp, states

from xlgoals import batches
from xlgoals.collect import SEEN, seen
from xlgoals.cycle import create_cycle
from xlgoals.records import At, Stamp
from xlgoals.render import render
from xlgoals.sources import STATE
from xlgoals.spec import load_forms
from xlgoals.tables import tabulate

UNITS = {"415": "安源区民政局", "415001": "安源区养老服务中心", "415002": "安源区福利院", "420": "安源区水利局"}
FORMS = load_forms()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two forms, read in this process: starting workers takes a second each time."""

    @contextlib.contextmanager
    def here(name: str, scheduler: str) -> Iterator[Executor]:
        with ThreadPoolExecutor(1) as pool:
            yield pool

    monkeypatch.setattr("xlgoals.inbox.engine", here)
    for module in ("xlgoals.inbox", "xlgoals.adding"):
        monkeypatch.setattr(f"{module}.planned", partial(batches.planned, most=2))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("周期")
    for year in ("2024", "2025"):
        folder = base / f"{year}预算"
        create_cycle(folder, year, "yiyang-2023")
        (folder / "roster.xlsx").unlink()
        (folder / "roster.csv").write_text(ROSTER, encoding="utf-8-sig")
        for number, (code, unit) in enumerate(UNITS.items()):
            sent(folder, f"{code}/{unit}.xlsx", code, number)
    return base


@pytest.fixture
def cycle(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "局")
    return tmp_path / "局" / "2025预算"


def sent(cycle: Path, name: str, code: str, number: int, **more: object) -> Path:
    """What a unit sends; each number says something else, a number of three in a row leaves something out."""
    year = cycle.name[:4]
    told = {"unit": UNITS[code], "department": "420 安源区水利局" if code == "420" else "415 安源区民政局", "year": year, "cycle": cycle.name, **more}
    change = {"project_name": f"{UNITS[code]}第{number}项目" if number % 3 else "", "total": str(100 + number)}
    return report(cycle / "inbox" / name, stamp(code, **told), change, saved=f"2025-09-{1 + number:02}T02:00:00Z", received=1_756_700_000.0 + number)


def outputs(cycle: Path, *more: str) -> dict[str, bytes]:
    """All that the commands of a cycle write and say."""
    told: dict[str, bytes] = {}
    for command in (("collect",), ("status", "--format", "json"), ("check", "--format", "json"), ("consolidate", "--include", "errors", "--against", cycle.parent / "2024预算")):
        result = run(*command, "--cycle", cycle, *more)
        assert result.exit_code in (0, 1), result.output
        told[str(command[0])] = result.stdout.encode()
    files = [path for place in ("summary", "returned") for path in (cycle / place).rglob("*") if path.is_file()]
    return told | {path.relative_to(cycle).as_posix(): path.read_bytes() for path in [*files, cycle / "审核意见.xlsx"]}


def anew(cycle: Path, place: Path) -> dict[str, bytes]:
    """The outputs of a cycle of the same inbox that knows nothing of what was before."""
    shutil.copytree(cycle.parent, place, ignore=shutil.ignore_patterns(f"*{STATE}", "summary", "returned", "审核意见.xlsx"))
    fresh = outputs(place / cycle.name, "--no-state")
    assert not list(place.rglob(f"*{STATE}"))
    return fresh


def test_whatever_happens_to_the_inbox_the_store_gives_what_reading_anew_gives(cycle: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    inbox = cycle / "inbox"

    def add(n: int) -> None:
        code = rng.choice(list(UNITS))
        sent(cycle, f"又一份{n}.xlsx", code, n, round=rng.choice([1, 2]))

    def change(n: int) -> None:
        path = rng.choice(sorted(inbox.rglob("*.xlsx")))
        path.write_bytes(saved_at(path.read_bytes(), f"2025-10-{1 + n:02}T02:00:00Z"))

    def rename(n: int) -> None:
        path = rng.choice(sorted(inbox.rglob("*.xlsx")))
        path.rename(inbox / f"改名{n}.xlsx")

    def delete(n: int) -> None:
        rng.choice(sorted(inbox.rglob("*.xlsx"))).unlink()

    def twice(n: int) -> None:
        shutil.copy2(rng.choice(sorted(inbox.rglob("*.xlsx"))), inbox / f"重复{n}.xlsx")

    def pack(n: int) -> None:
        path = rng.choice(sorted(inbox.rglob("*.xlsx")))
        with zipfile.ZipFile(inbox / f"包{n}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo(path.name, (2025, 9, 3, 8, 0, n)), path.read_bytes())
        path.unlink()

    def spoil(n: int) -> None:
        (inbox / f"坏{n}.xlsx").write_bytes(b"PK\x03\x04 broken")
        (inbox / f"表样{n}.xlsx").write_bytes(render(FORMS, FORMS["yiyang-2023"], count=1, stamp=stamp("415002", unit=UNITS["415002"])))

    def rules(n: int) -> None:
        settings = cycle / "cycle.yaml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("  # folders: [本局规则]", "  folders: [本局规则]"), encoding="utf-8")
        (cycle / "本局规则").mkdir()
        (cycle / "本局规则" / "rules.yaml").write_text("rules:\n  - {code: forms.copied, off: yes}\n", encoding="utf-8")

    steps: list[Callable[[int], None]] = [lambda n: None, add, add, change, rename, twice, pack, spoil, delete, rules]
    for n, step in enumerate(steps, 4):
        step(n)
        if n % 2 == 0 or step is rules:  # two things happen between two runs
            told = outputs(cycle)
            fresh = anew(cycle, tmp_path / f"新{n}")
            assert set(told) == set(fresh) or set(told) > set(fresh)  # marked copies of returns that were withdrawn stay where they are
            assert {name: data == told[name] for name, data in fresh.items()} == dict.fromkeys(fresh, True), step
    assert (cycle / f"inbox{STATE}").is_file()


def known(cycle: Path) -> set[str]:
    """The workbooks that the state knows."""
    with contextlib.closing(sqlite3.connect(cycle / f"inbox{STATE}")) as base:
        return {key for (key,) in base.execute("select key from workbook")}


def test_what_one_command_has_read_the_next_need_not_read(cycle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xlgoals import intake

    read: list[str] = []
    take_file = intake.take_file
    monkeypatch.setattr(intake, "take_file", lambda source, job: read.append(source.name) or take_file(source, job))  # type: ignore[func-returns-value]
    run("collect", "--cycle", cycle)
    assert len(read) == 4
    sent(cycle, "又一份.xlsx", "415", 7)
    read.clear()
    for command in ("status", "check", "consolidate", "collect"):
        run(command, "--cycle", cycle)
    assert read == ["又一份.xlsx"]
    run("collect", cycle / "inbox", "--cycle", cycle)  # what is read from elsewhere is not kept, and what was kept stays
    run("status", "--cycle", cycle, "--no-state")
    assert len(known(cycle)) == 5


def test_another_key_or_other_rules_make_what_was_read_stale(cycle: Path) -> None:
    run("collect", "--cycle", cycle)
    before, settings = known(cycle), cycle / "cycle.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\nkey: 很长的一串密钥不要外传\n", encoding="utf-8")
    assert set(states(cycle).values()) == {"missing"}  # read without a key no stamp was looked into
    assert set(others(cycle).values()) == {WORDS.file_states["forged"]}
    assert not known(cycle) & before
    before = known(cycle)
    settings.write_text(settings.read_text(encoding="utf-8").replace("  # folders: [本局规则]", "  folders: [本局规则]"), encoding="utf-8")
    (cycle / "本局规则").mkdir()
    (cycle / "本局规则" / "rules.yaml").write_text("rules:\n  - {code: form.blank, off: yes}\n", encoding="utf-8")
    run("collect", "--cycle", cycle)
    assert not known(cycle) & before


def test_a_state_that_is_damaged_or_cannot_be_written_is_done_without(cycle: Path) -> None:
    before = states(cycle)
    (cycle / f"inbox{STATE}").write_bytes(os.urandom(9000))
    assert states(cycle) == before
    (cycle / f"inbox{STATE}").unlink()
    (cycle / f"inbox{STATE}").mkdir()
    assert states(cycle) == before


def test_a_workbook_nobody_filled_in_is_called_so_and_its_unit_is_asked_to(cycle: Path) -> None:
    shutil.rmtree(cycle / "inbox")
    blank = render(FORMS, FORMS["yiyang-2023"], count=2, stamp=stamp("415002", unit=UNITS["415002"]))
    (cycle / "inbox").mkdir()
    (cycle / "inbox" / "福利.xlsx").write_bytes(blank)
    assert states(cycle) == {"415": "missing", "415001": "missing", "415002": "blank", "420": "missing"}
    assert others(cycle) == {"福利.xlsx": WORDS.file_states["blank"]}
    (row,) = [one for one in pages(cycle / "summary" / "催报名单.xlsx", WORDS.dunning.name) if one["单位编码"] == "415002"]
    assert (row["状态"], row["请单位做什么"]) == (WORDS.unit_states["blank"], WORDS.asks["blank"])
    run("check", "--cycle", cycle)
    assert [path.name for path in (cycle / "returned").rglob("*.xlsx")] == ["福利.xlsx"]
    sent(cycle, "填了.xlsx", "415002", 1)
    assert states(cycle)["415002"] not in ("blank", "missing")


def test_projects_filled_in_beforehand_make_no_return(cycle: Path, tmp_path: Path) -> None:
    """As sent out, with a project of the roster in it; beside a good return it takes nothing away from that."""
    (cycle / "projects.csv").write_text("单位编码,项目名称,项目编码\n415002,高龄补贴,P1\n", encoding="utf-8-sig")
    shutil.rmtree(cycle / "inbox" / "415002")
    assert run("distribute", "--cycle", cycle, "--jobs", 1).exit_code == 0
    (blank,) = (cycle / "outbox").rglob("415002*.xlsx")
    shutil.copy(blank, cycle / "inbox" / "发回.xlsx")
    assert states(cycle)["415002"] == "blank"
    assert others(cycle) == {"发回.xlsx": WORDS.file_states["blank"]}
    sent(cycle, "填了.xlsx", "415002", 1, round=1)
    assert states(cycle)["415002"] not in ("blank", "missing")


def test_a_file_with_something_that_cannot_be_made_out_is_not_called_blank() -> None:
    blank = FORMS.catalogue.finding("form.all_blank", At("a.xlsx"), field="415002 安源区福利院", found="项目1")
    doubt = FORMS.catalogue.finding("cell.unrecognised", At("a.xlsx", "项目1", "B9"), found="见附件")
    for findings, written in (([blank], False), ([blank, doubt], True)):
        tables = tabulate([], findings)
        one = seen([[getattr(tables, name) for name in SEEN]])["a.xlsx"]
        assert (one.blank, one.owner, one.written, one.read) == (True, "415002 安源区福利院", written, False)


def test_a_list_of_problems_that_comes_alone_is_no_broken_file(cycle: Path) -> None:
    run("check", "--cycle", cycle)
    (cycle / "inbox" / "420" / "安源区水利局.xlsx").rename(cycle / "inbox" / "坏.xls")
    (cycle / "inbox" / "坏.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken")
    run("check", "--cycle", cycle)
    (alone,) = [path for path in (cycle / "returned").rglob("*.xlsx") if "坏" in path.name]
    shutil.copy(alone, cycle / "inbox" / alone.name)
    assert others(cycle)[alone.name] == WORDS.file_states["answers"]


def test_the_engine_is_asked_for_in_a_cycle_too(cycle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xlgoals import engines

    monkeypatch.setattr("xlgoals.inbox.engine", engines.engine)
    for command in ("collect", "status", "check", "consolidate"):
        result = run(command, "--cycle", cycle, "--engine", "dask")
        assert result.exit_code == 2 and "--scheduler" in result.output
    result = run("check", cycle / "inbox", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1")
    assert result.exit_code == 2 and "consolidate" in result.output


def test_the_ledger_of_many_batches_is_that_of_one(cycle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a department is not larger than a batch."""
    told, counts = [], []
    for most in (7, batches.MOST):
        many = set()

        def planned(*given: Any, most: int = most, many: set[int] = many, **more: Any) -> batches.Plan:
            found = batches.planned(*given, most=most, **more)
            many.add(len(found.batches))
            return found

        for module in ("xlgoals.inbox", "xlgoals.adding"):
            monkeypatch.setattr(f"{module}.planned", planned)
        told.append(outputs(cycle))
        counts.append(max(many))
    several, once = told
    assert counts[0] > 1 == counts[1]
    differ = {name for name in several if several[name] != once[name]}
    assert differ <= {"check", "summary/汇总.xlsx"}  # the order of findings is by batch
    assert sorted(several["check"].splitlines()) == sorted(once["check"].splitlines())
    for name in ("逐级汇总", "上报情况", "项目汇总"):
        sheets = []
        for data in (several, once):
            path = cycle / "x.xlsx"
            path.write_bytes(data["summary/汇总.xlsx"])
            sheets.append([*openpyxl.load_workbook(path, data_only=True)[name].iter_rows(values_only=True)])
        assert sheets[0] == sheets[1], name


def test_stamp_has_what_the_ledger_looks_at() -> None:
    from xlgoals.collect import OF_A_FILE

    assert set(OF_A_FILE) <= set(Stamp.__dataclass_fields__)
