"""The command that packs the program for machines without the internet."""

from __future__ import annotations

from pathlib import Path

import click

from xlgoals.options import force_option

PLATFORMS = ("win_amd64", "linux_x86_64", "linux_aarch64")


@click.command("bundle")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--platform", "platforms", multiple=True, type=click.Choice(PLATFORMS), default=PLATFORMS, help="给哪些系统，默认全部（可重复）。")
@click.option("--python", "pythons", multiple=True, metavar="3.X", help="给哪些 Python 版本，默认 3.11、3.12、3.13（可重复）。")
@force_option
def bundle(folder: Path, platforms: tuple[str, ...], pythons: tuple[str, ...], force: bool) -> None:
    """做一个可以拷到内网机器上安装的文件夹（要在能访问软件源的机器上运行）。例：xlgoals bundle 安装包"""
    from xlgoals.bundle import PYTHONS
    from xlgoals.bundle import bundle as make
    from xlgoals.cli import main
    from xlgoals.outputs import write_whole

    context = click.Context(main)
    known = {name: main.get_command(context, name) for name in main.list_commands(context)}
    told = {name: command.get_short_help_str(60) for name, command in known.items() if command}
    with write_whole(folder, force=force, folder=True) as draft:
        count = make(draft, platforms, pythons or PYTHONS, told, lambda what: click.echo(f"正在收集 {what} ……", err=True))
    click.echo(f"已写到 {folder}：{count} 个安装包。整个文件夹拷到内网机器上，Windows 双击“安装.cmd”，麒麟、UOS 运行 sh 安装.sh。")
