"""Where files are read: in processes of this machine, or on a dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor

from xlgoals.errors import UsageError

ENGINES = ("local", "dask")


@contextlib.contextmanager
def engine(name: str, scheduler: str) -> Iterator[Executor | None]:
    """An executor for `intake`; None stands for its own processes. The workers of a cluster need this program and see the files
    under the same paths; one that dies costs a task, which is then read here under supervision."""
    if name == "local":
        if scheduler:
            raise UsageError("--scheduler 只和 --engine dask 一起用。")
        yield None
        return
    if not scheduler:
        raise UsageError("--engine dask 要用 --scheduler 给出调度器的地址，如 tcp://10.0.0.5:8786。")
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("没有安装 dask。请先安装：pip install 'xlgoals[dask]'。") from error
    try:
        client = Client(scheduler, timeout=20, set_as_default=False)
    except OSError as error:
        raise UsageError(f"连不上调度器 {scheduler}（{error}）。请检查地址和网络。") from error
    with client, client.get_executor(pure=False) as pool:
        yield pool
