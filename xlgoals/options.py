"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def several(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


forms_option = click.option("--forms", "forms_dirs", multiple=True, metavar="DIR", help="另加一个放表样的文件夹（可重复）。")
force_option = click.option("--force", is_flag=True, help="输出文件已存在时覆盖它。")
paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
given_options = several(
    click.option("--year", default="", help="表里没有年度时，按这个年度计。"),
    click.option("--department", default="", help="表里没有主管部门时，按这个部门计。"),
    click.option("--unit", default="", help="表里没有实施单位时，按这个单位计。"),
)
jobs_option = click.option("--jobs", type=click.IntRange(1), default=None, help="同时用几个进程读文件，默认按机器。")
engine_options = several(
    click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True, help="在本机的进程里读，还是在 dask 集群上读。"),
    click.option("--scheduler", default="", metavar="ADDRESS", help="dask 调度器的地址，如 tcp://10.0.0.5:8786。"),
)
state_option = click.option(
    "--state/--no-state", default=True, show_default=True,
    help="记下读过什么（.xlgoals-state，在汇总旁边或周期的文件夹里），下次没变的不用重读；删掉也无妨。",
)
reading_options = several(jobs_option, state_option, engine_options)
codes_option = click.option(
    "--codes", type=click.Path(path_type=Path, dir_okay=False), help="当年的政府收支分类科目表（.xlsx 或 .csv），代替自带的科目。"
)
lists_options = several(
    codes_option,
    click.option(
        "--subjects", type=click.Path(path_type=Path, dir_okay=False), help="项目与科目的清单（.xlsx 或 .csv）：项目编码或名称、科目编码、上年结转。"
    ),
)
cycle_option = click.option(
    "--cycle", "cycle_dir", default=None, type=click.Path(path_type=Path), metavar="DIR", help="预算周期的文件夹，默认是当前所在的。"
)
