"""Reading on a dask cluster: the same as in processes of our own, also when one of its workers dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from distributed import Client, LocalCluster
from test_batches import FORMS, told, unit, whole
from test_collect import ROSTER, report, stamp

from xlgoals.batches import summarised
from xlgoals.cli import main
from xlgoals.cycle import create_cycle
from xlgoals.engines import engine
from xlgoals.errors import UsageError
from xlgoals.intake import read_into
from xlgoals.records import Given
from xlgoals.sources import files_in
from xlgoals.store import Store, circumstances

pytestmark = pytest.mark.filterwarnings("default")  # what dask warns of is not ours


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inbox")
    for number in range(60):
        unit(folder / f"{number}.xlsx", f"{'甲乙丙'[number % 3]}局", f"单位{number}")
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as made:
        yield made


def test_a_cluster_reads_what_processes_read_though_a_worker_is_killed(inbox: Path, cluster: LocalCluster, tmp_path: Path) -> None:
    sources, listed = files_in([inbox], FORMS.catalogue)
    (tmp_path / "w").mkdir()
    killed: list[int] = []

    def kill(done: int, total: int, problems: int) -> None:
        """The first answer is here, others are under way: end one of the workers."""
        if done and not killed:
            with Client(cluster.scheduler_address, set_as_default=False) as client:
                victims = client.run(os.getpid)
            killed.append(next(iter(victims.values())))
            threading.Thread(target=lambda: (time.sleep(0.05), os.kill(killed[0], signal.SIGKILL))).start()

    with engine("dask", cluster.scheduler_address) as pool, Store(None, circumstances((), Given())) as store:
        read_into(store, sources, jobs=12, executor=pool, on_progress=kill)
        assert killed and len(store.pieces) == len(sources)
        found = summarised(store, sources, listed, FORMS, tmp_path / "w", most=20)[0]
    assert whole(found) == whole(told(inbox, tmp_path / "local", 20))


def test_the_command_reads_on_a_cluster(inbox: Path, cluster: LocalCluster, tmp_path: Path) -> None:
    def run(name: str, *more: str) -> pl.DataFrame:
        args = ["consolidate", str(inbox), "-o", str(tmp_path / name), "--format", "parquet", "--no-state", *more]
        assert CliRunner().invoke(main, args).exit_code in (0, 1)
        return pl.read_parquet(tmp_path / name / "projects.parquet")

    assert run("a", "--engine", "dask", "--scheduler", cluster.scheduler_address).equals(run("b"))


def test_a_cycle_reads_on_a_cluster(cluster: LocalCluster, tmp_path: Path) -> None:
    folder = tmp_path / "2025预算"
    create_cycle(folder, "2025", "yiyang-2023")
    (folder / "roster.xlsx").unlink()
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8-sig")
    report(folder / "inbox" / "a.xlsx", stamp("415001"))
    ledgers = []
    for more in (("--engine", "dask", "--scheduler", cluster.scheduler_address), ()):
        assert CliRunner().invoke(main, ["collect", "--cycle", str(folder), "--no-state", *more]).exit_code == 1
        ledgers.append((folder / "summary" / "收件台账.xlsx").read_bytes())
    assert ledgers[0] == ledgers[1]


@pytest.mark.parametrize(("name", "scheduler"), [("dask", ""), ("local", "tcp://127.0.0.1:1")])
def test_an_engine_that_makes_no_sense_is_refused(name: str, scheduler: str) -> None:
    with pytest.raises(UsageError), engine(name, scheduler):
        pass
