"""Commands about a budget cycle: start one, send its forms out, fill in a unit's own list."""

from __future__ import annotations

import re
from pathlib import Path

import click

from xlgoals.options import forms_option


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--year", default="", help="预算年度，四位数字；文件夹名里有年份的可以不写。")
@click.option("--form", default="mof-2021", show_default=True, help="一般部门用哪种表样。")
@forms_option
def init(folder: Path, year: str, form: str, forms_dirs: tuple[str, ...]) -> None:
    """新建一个预算周期的文件夹：设置、名册和收发文件夹。例：xlgoals init 2026预算"""
    from xlgoals.cycle import create_cycle
    from xlgoals.errors import UsageError
    from xlgoals.spec import load_forms

    found = re.search(r"20[0-9]{2}", folder.name)
    year = year or (found[0] if found else "")
    if not re.fullmatch(r"20[0-9]{2}", year):
        raise UsageError(f"不知道是哪一年的预算，请写 --year，如 --year 2026{f'（现在是“{year}”）' if year else ''}。")
    made = create_cycle(folder, year, load_forms(forms_dirs)[form].id, forms_dirs)
    click.echo(
        f"已建好 {folder}：\n"
        f"  cycle.yaml   设置：年度 {year}，表样 {form}，截止日期等\n"
        f"  {made}  单位名册和要预填的项目，请先填好\n"
        f"接下来：填好名册，进入这个文件夹，运行 xlgoals distribute。"
    )
