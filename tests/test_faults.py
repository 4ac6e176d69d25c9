"""What goes wrong around the program: it is killed, the disk is full, a folder is read-only, files change, vanish, come in numbers.

After each: no half file, nothing lost, no input touched, and a second run does the work. Commands run as people run them, in
processes of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from xlgoals.cycle import create_cycle
from xlgoals.intake import gather
from xlgoals.outputs import MARKER, write_whole
from xlgoals.sources import STATE
from xlgoals.spec import data_folder

FILLED = data_folder("examples") / "filled"
ROOT = Path(__file__).parent.parent
KILLS = 12


def command(*words: object, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.Popen(
        [*options.pop("before", []), sys.executable, "-m", "xlgoals", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, encoding=options.pop("encoding", "utf-8"), env=environment, start_new_session=True, **options,
    )  # fmt: skip


def run(*words: object, **options: Any) -> tuple[int, str]:
    process = command(*words, **options)
    out, err = process.communicate(timeout=300)
    return process.returncode, out + err


def prints(folder: Path) -> dict[str, str]:
    """Every file of a folder by its hash."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".xlgoals-*") if path.name != MARKER)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    shutil.copytree(FILLED, tmp_path / "报送")
    return tmp_path / "报送"


# --- killed ----------------------------------------------------------------------------------------------------------


def whole(path: Path) -> bool:
    with contextlib.suppress(Exception):
        openpyxl.load_workbook(path, read_only=True).close()
        return True
    return False


def test_killed_at_any_moment_a_command_leaves_no_half_file(inbox: Path, tmp_path: Path) -> None:
    before, output = prints(inbox), tmp_path / "汇总" / "汇总.xlsx"
    words = ("consolidate", inbox, "-o", output, "--force")
    started = time.monotonic()
    assert run(*words)[0] in (0, 1)
    took, expected = time.monotonic() - started, output.read_bytes()
    output.unlink()
    moments = random.Random(7)
    for _ in range(KILLS):
        process = command(*words)
        time.sleep(moments.uniform(0.2, took * 1.05))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert not output.exists() or whole(output)
        assert prints(inbox) == before
    assert run(*words)[0] in (0, 1)
    assert output.read_bytes() == expected
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_run_left_is_swept_and_what_another_writes_is_kept(tmp_path: Path, folder: bool) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from xlgoals.outputs import write_whole\n"
        f"with write_whole(Path(sys.argv[1]), folder={folder}, force=True) as draft:\n"
        f"    (draft / 'x' if {folder} else draft).write_text('halb')\n"
        "    print(draft.name, flush=True); sys.stdin.readline(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    writing = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert writing.stdout
    name = writing.stdout.readline().strip()
    with write_whole(tmp_path / "b") as draft:
        draft.write_text("ganz")
    assert leftovers(tmp_path) == [name]
    writing.communicate("\n")
    assert leftovers(tmp_path) == [name]
    with write_whole(tmp_path / "c") as draft:
        draft.write_text("ganz")
    assert leftovers(tmp_path) == []


def test_an_old_folder_comes_back_when_the_run_was_killed_between_two_renames(tmp_path: Path) -> None:
    with write_whole(tmp_path / "数据", folder=True) as draft:
        (draft / "一").write_text("alt")
    code = (
        "import os, signal, sys; from pathlib import Path; from xlgoals import outputs\n"
        "first = Path.replace\n"
        "def once(self, target):\n"
        "    first(self, target); os.kill(os.getpid(), signal.SIGKILL)\n"
        "Path.replace = once\n"
        "with outputs.write_whole(Path(sys.argv[1]), folder=True, force=True) as draft:\n"
        "    (draft / '一').write_text('neu')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "数据")], check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert not (tmp_path / "数据").exists()
    with write_whole(tmp_path / "别的") as draft:
        draft.write_text("x")
    assert (tmp_path / "数据" / "一").read_text() == "alt"
    assert leftovers(tmp_path) == []


def test_interrupted_by_the_user_a_command_leaves_everything_as_it_was(inbox: Path, tmp_path: Path) -> None:
    process = command("consolidate", inbox, "-o", tmp_path / "汇总.xlsx")
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not (tmp_path / "汇总.xlsx").exists()
    assert leftovers(tmp_path) == []


# --- disk and folders ------------------------------------------------------------------------------------------------


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None] | None]]:
    """A folder that takes no more than 40 kB: a tiny file system, or, where none may be mounted, a limit on the size of files."""
    folder = tmp_path / "小盘"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(folder)], capture_output=True, check=False).returncode == 0
    yield folder, None if mounted else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_old_file_stays(inbox: Path, full_disk: tuple[Path, Callable[[], None] | None]) -> None:
    folder, limit = full_disk
    (folder / "汇总.xlsx").write_bytes(b"old")
    code, said = run("consolidate", inbox, "-o", folder / "汇总.xlsx", "--force", preexec_fn=limit)
    assert (code, "磁盘空间" in said, "Traceback" in said) == (2, True, False), said
    assert (folder / "汇总.xlsx").read_bytes() == b"old"
    assert leftovers(folder) == []


def unprivileged() -> list[str]:
    """Permission bits mean nothing to root: give up what makes it so, for the command only."""
    if os.getuid() != 0:
        return []
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


def test_a_read_only_folder_is_told(inbox: Path, tmp_path: Path) -> None:
    folder = tmp_path / "只读"
    folder.mkdir(mode=0o555)
    code, said = run("consolidate", inbox, "-o", folder / "汇总.xlsx", before=unprivileged())
    assert (code, "写入权限" in said, "Traceback" in said) == (2, True, False), said
    assert list(folder.iterdir()) == []


def test_a_file_nobody_may_read_is_named_and_the_rest_is_read(inbox: Path, tmp_path: Path) -> None:
    locked = next(iter(sorted(inbox.iterdir())))
    locked.chmod(0)
    code, said = run("check", inbox, "--format", "json", before=unprivileged())
    assert code == 1
    assert f'"file.unreadable", "severity": "error", "file": "{locked.name}"' in said
    assert "读了 4 个文件" in said


# --- files that change -----------------------------------------------------------------------------------------------


class After(Executor):
    """Does something to the folder after it was listed and before anything is read; then works in the caller's process."""

    def __init__(self, deed: Callable[[], None]) -> None:
        self.deed = deed

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.deed()
        self.deed = lambda: None
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_a_file_that_vanishes_is_named(inbox: Path) -> None:
    gone = next(iter(sorted(inbox.iterdir())))
    tables = gather([inbox], executor=After(gone.unlink)).tables
    assert tables.findings.filter(tables.findings["file"] == gone.name)["code"].to_list() == ["file.unreadable"]
    assert tables.returns["file"].n_unique() == 4


def test_a_file_cut_short_while_it_is_copied_is_named(inbox: Path) -> None:
    half = next(iter(sorted(inbox.iterdir())))
    data = half.read_bytes()
    tables = gather([inbox], executor=After(lambda: void(half.write_bytes(data[: len(data) // 2])))).tables
    assert tables.findings.filter(tables.findings["file"] == half.name)["code"].to_list() == ["file.damaged"]
    assert tables.returns["file"].n_unique() == 4


def void(_: object) -> None:
    """A lambda may say nothing but an expression."""


def test_two_runs_at_once_do_no_harm(inbox: Path, tmp_path: Path) -> None:
    before = prints(inbox)
    words = ("consolidate", inbox, "-o", inbox / "汇总.xlsx", "--force")
    processes = [command(*words) for _ in range(3)]
    codes = [process.communicate(timeout=300) and process.returncode for process in processes]
    assert all(code in (1, 2) for code in codes)  # 2: another's output appeared meanwhile
    assert 1 in codes
    assert whole(inbox / "汇总.xlsx")
    assert {name: mark for name, mark in prints(inbox).items() if not name.endswith(("汇总.xlsx", STATE))} == before
    assert leftovers(tmp_path) == []


# --- what lies in folders --------------------------------------------------------------------------------------------


def test_gigabytes_of_junk_cost_nothing(inbox: Path) -> None:
    for name in ("录像.mp4", "大.xlsx", "备份.zip", "无后缀"):
        with (inbox / name).open("wb") as junk:
            junk.truncate(4 << 30)
    code, said = run("check", inbox, "--format", "json", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30)))
    assert code == 1
    assert '"file.too_large", "severity": "error", "file": "大.xlsx"' in said
    assert "备份.zip" in said
    assert "读了 5 个文件" in said


def test_gigabytes_that_are_named_cost_nothing_on_the_way_back(inbox: Path, tmp_path: Path) -> None:
    """Two of one size are not compared byte by byte, and of a file that was not read nothing is read for its list of problems."""
    for name in ("大一.xlsx", "大二.xlsx"):
        with (inbox / name).open("wb") as junk:
            junk.truncate(4 << 30)
    bound = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))}
    code, said = run("check", inbox, "--return", tmp_path / "退回", **bound)
    assert code == 1, said
    assert {"大一.xlsx-校验问题清单.xlsx", "大二.xlsx-校验问题清单.xlsx"} <= {path.name for path in (tmp_path / "退回").iterdir()}


def test_folders_that_lead_to_themselves_and_to_nowhere(inbox: Path) -> None:
    (inbox / "圈").mkdir()
    (inbox / "圈" / "回").symlink_to(inbox, target_is_directory=True)
    (inbox / "自己.xlsx").symlink_to("自己.xlsx")
    (inbox / "没有了.xlsx").symlink_to(inbox / "从来没有.xlsx")
    code, said = run("check", inbox, "--format", "json")
    assert code == 1
    assert said.count('"file.unreadable"') == 2
    assert "读了 5 个文件" in said


def test_names_in_an_archive_that_are_none_for_windows(tmp_path: Path) -> None:
    """What comes back gets names that every system takes, inside the folder asked for, and no two the same."""
    source = next(iter(sorted(FILLED.iterdir()))).read_bytes()
    names = ("CON.xlsx", "../../外面.xlsx", "甲:乙.xlsx", "甲：乙.xlsx", "尾点.. /表.xlsx", "表\u202exslx.xlsx", "长" * 80 + ".xlsx", "\x1b[31m红.xlsx")
    with zipfile.ZipFile(tmp_path / "报送.zip", "w") as packed:
        for number, name in enumerate(names):
            packed.writestr(name, source[:-30] + bytes([number]))  # each of its own bytes, none to be read
    code, said = run("check", tmp_path / "报送.zip", "--return", tmp_path / "退回" / "一")
    assert code == 1, said
    assert "\x1b" not in said
    assert "\u202e" not in said
    written = [path for path in (tmp_path / "退回").rglob("*") if path.is_file()]
    assert len(written) == len(names)
    assert all((tmp_path / "退回" / "一") in path.parents for path in written)
    for path in written:
        for part in path.relative_to(tmp_path).parts:
            assert not re.search(r'[<>:"/\\|?*\x00-\x1f\u202a-\u202e]', part), part
            assert not re.fullmatch(r"(?i)(con|nul)(\..*)?", part), part
            assert not part.endswith((".", " ")), part


def test_names_and_paths_as_people_make_them(tmp_path: Path) -> None:
    deep = tmp_path / "单 位" / ("很长的文件夹名字" * 9) / ("再深一层的文件夹" * 9) / ("e\u0301te\u0301 NFD") / ("深" * 60)
    deep.mkdir(parents=True)
    assert len(str(deep)) > 260
    source = next(iter(sorted(FILLED.iterdir())))
    shutil.copy(source, deep / "报 表（终稿）.xlsx")
    with open(os.fsencode(deep) + "/乡镇.xlsx".encode("gbk"), "wb") as other:  # noqa: PTH123  a name that is no UTF-8
        other.write(source.read_bytes())
    output = deep / "汇 总.xlsx"
    code, said = run("consolidate", tmp_path / "单 位", "-o", output)
    assert code in (0, 1), said
    assert whole(output)
    assert "读了 1 个文件" in said  # the same bytes under two names


def test_a_gbk_console_survives_every_sign(inbox: Path, tmp_path: Path) -> None:
    for words in (("check", inbox), ("read", inbox), ("consolidate", inbox, "-o", tmp_path / "汇总.xlsx"), ("target", "≥95%", "✔ ☑ ² 𠮷")):
        code, said = run(*words, env={"PYTHONIOENCODING": "gbk"}, encoding="gbk")
        assert code in (0, 1), said
        assert "Traceback" not in said


# --- killed, command by command --------------------------------------------------------------------------------------

MOMENTS = """
import os, signal, sys
last, folder, seen = int(sys.argv.pop(1)), sys.argv.pop(1), 0

def watch(event, told):
    global seen
    written = event == "open" and isinstance(told[2], int) and told[2] & (os.O_WRONLY | os.O_RDWR)
    if (written or event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir")) and str(told[0]).startswith(folder):
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
import xlgoals.bundle
xlgoals.bundle._pip = lambda *words: open(os.path.join(words[words.index("--wheel-dir") + 1], "a-1-py3-none-any.whl"), "wb").close() if words[0] == "wheel" else None
xlgoals.bundle._download = lambda *words: None
from xlgoals.cli import main
try:
    main()
finally:
    print("MOMENTS", seen, file=sys.stderr)
"""
"""Runs a command that is killed at the given one of the moments in which it makes, opens for writing, renames or removes something in
a folder; tells at the end how many there were. What pip fetches is left out."""


def interrupted(moment: int, folder: Path, *words: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", MOMENTS, str(moment), str(folder), *map(str, words)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=300, cwd=folder.parent,
    )  # fmt: skip
    return done.returncode, done.stderr


def a_return(tmp_path: Path, output: Path) -> tuple[object, ...]:
    shutil.copytree(FILLED, tmp_path / "报送")
    (tmp_path / "报送" / "坏.xlsx").write_bytes(b"PK\3\4")
    return "check", tmp_path / "报送", "--return", output, "--force"


def a_collection(tmp_path: Path, output: Path) -> tuple[object, ...]:
    folder = tmp_path / "2023预算"
    create_cycle(folder, "2023", "yiyang-2023")
    (folder / "roster.xlsx").unlink()
    (folder / "roster.csv").write_text("单位编码,单位名称,主管部门,级次,上级单位编码\n415,某县民政局,,部门,\n415001,某中心,,所属单位,415\n", encoding="utf-8-sig")
    shutil.copy(next(iter(sorted(FILLED.iterdir()))), folder / "inbox")
    return "collect", "--cycle", folder, "-o", output / "台账.xlsx"


def a_filling(tmp_path: Path, output: Path) -> tuple[object, ...]:
    blank, projects = tmp_path / "空表.xlsx", tmp_path / "清单.csv"
    assert run("new", "yiyang-2023", "--year", "2025", "--department", "某局", "--unit", "某中心", "-o", blank)[0] == 0
    projects.write_text("项目名称\n某某补助\n", encoding="utf-8-sig")
    return "fill", blank, "--data", projects, "-o", output / "已填.xlsx", "--force"


def a_bundle(tmp_path: Path, output: Path) -> tuple[object, ...]:
    return "bundle", output / "安装包", "--force"


def untouched(folder: Path, output: Path) -> dict[str, str]:
    """What no command may touch: all but its output, and what a cycle keeps of what it has read."""
    return {name: mark for name, mark in prints(folder).items() if not name.startswith(str(output)) and STATE not in name}


@pytest.mark.parametrize("made", [a_return, a_collection, a_filling, a_bundle])
def test_killed_whenever_it_writes_a_command_leaves_nothing_half(tmp_path: Path, made: Callable[[Path, Path], tuple[object, ...]]) -> None:
    output = tmp_path / "写"
    output.mkdir()
    words = made(tmp_path, output)
    inputs = untouched(tmp_path, output)
    code, said = interrupted(0, output, *words)
    assert code in (0, 1), said
    expected, moments = prints(output), int(said.rpartition("MOMENTS ")[2])
    assert expected
    assert moments > 2
    shutil.rmtree(output)
    output.mkdir()
    for moment in sorted({1, moments, *random.Random(7).sample(range(1, moments + 1), 2)}):
        code, said = interrupted(moment, output, *words)
        assert code == -signal.SIGKILL, said
        found = {name: mark for name, mark in prints(output).items() if f"{os.sep}.xlgoals-" not in name.removesuffix(MARKER)}
        assert found.items() <= expected.items()
        assert untouched(tmp_path, output) == inputs
    code, said = interrupted(0, output, *words)
    assert code in (0, 1), said
    assert prints(output) == expected
    assert leftovers(tmp_path) == []


def test_workers_end_with_the_command_that_is_killed(inbox: Path, tmp_path: Path) -> None:
    process = command("consolidate", inbox, "-o", tmp_path / "汇总.xlsx", "--jobs", "2")
    until = time.monotonic() + 60
    while len(of_session(process.pid)) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(of_session(process.pid)) >= 3
    process.kill()
    process.communicate()
    while of_session(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert of_session(process.pid) == []


def of_session(number: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for one in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            state, _, _, session = (one / "stat").read_text().rpartition(") ")[2].split()[:4]
            if int(session) == number and state != "Z":
                found.append(int(one.name))
    return found
