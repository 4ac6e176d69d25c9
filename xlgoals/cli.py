"""The command line: options in, one call, words and an exit code out. Heavy libraries load inside the commands that need them.

Exit codes: 0 nothing blocks; 1 done, and an error or an unanswered query remains; 2 not done (usage, spec, output exists);
3 done, but a defect of ours makes the result incomplete.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from xlgoals import __version__

WIDEST = 110
COMMANDS = {
    "init": "cli_cycle:init",
    "distribute": "cli_cycle:distribute",
    "fill": "cli_cycle:fill",
    "collect": "cli_collect:collect",
    "status": "cli_collect:status",
    "forms": "cli_forms:forms_command",
    "new": "cli_forms:new",
    "convert": "cli_forms:convert",
    "check": "cli_returns:check",
    "read": "cli_returns:read",
    "consolidate": "cli_returns:consolidate",
    "ties": "cli_budget:ties",
    "rules": "cli_rules:rules_command",
    "explain": "cli_rules:explain",
    "diff": "cli_review:diff",
    "bundle": "cli_bundle:bundle",
    "demo": "cli_try:demo",
    "target": "cli_try:target",
}
"""Command -> module and function; a module is loaded when one of its commands is asked for."""


def first_line(where: str) -> str:
    """The first paragraph of a command's help, as it stands in the source of its module."""
    module, _, function = where.partition(":")
    loader: Any = __loader__  # type: ignore[name-defined]  # every module has one; pathlib would cost a tenth of the time of --help
    source: str = loader.get_data(__file__.removesuffix("cli.py") + f"{module}.py").decode()
    return source.partition(f"\ndef {function}(")[2].partition('"""')[2].partition('"""')[0].partition("\n\n")[0]


def width() -> int:
    """How wide help is written. click would ask shutil, which takes a twentieth of the time of --help to load."""
    try:
        columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(sys.__stdout__.fileno()).columns  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):  # no terminal
        columns = 80
    return max(min(columns, WIDEST) - 2, 50)


class Group(click.Group):
    """Finds commands where they are, and says in one place what stopped one."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        return super().make_context(info_name, args, parent, **{"terminal_width": width(), **extra})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, function = COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(f"xlgoals.{module}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by the first lines of their help, without loading their modules."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, click.Command(name, help=first_line(where)).get_short_help_str(room)) for name, where in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("已中断。写到一半的没有留下，已写完的都是完整的；再运行一次，会接着做完。", err=True)
        except BrokenPipeError:
            raise  # whoever reads what we print has had enough: click ends without a word
        except Exception as error:
            from xlgoals.errors import SpecError, XlgoalsError

            if isinstance(error, SpecError):
                click.echo(f"表样文件有 {len(error.mistakes)} 处需要改：\n{error}", err=True)
            elif isinstance(error, XlgoalsError):
                click.echo(str(error), err=True)
            else:
                import traceback

                click.echo(f"{traceback.format_exc()}\n程序出错了，这是程序的缺陷，不是文件的问题。请把上面的文字转告程序维护人。", err=True)
                sys.exit(3)
        sys.exit(2)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xlgoals")
def main() -> None:
    """绩效目标表：生成官方表样、读回、审核、汇总，都用 Excel。

    先试一遍：xlgoals demo
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a GBK console lacks some signs: show a question mark, never stop
