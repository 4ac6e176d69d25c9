"""Commands about a budget cycle: start one, send its forms out, fill in a unit's own list."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlgoals.options import cycle_option, force_option, forms_option, jobs_option

if TYPE_CHECKING:
    from xlgoals.carry import Former
    from xlgoals.cycle import Cycle
    from xlgoals.forms import Forms
    from xlgoals.roster import Roster


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--year", default="", help="预算年度，四位数字；文件夹名里有年份的可以不写。")
@click.option("--form", default="mof-2021", show_default=True, help="一般部门用哪种表样，也可以是几种表合成的一本。")
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
    made = create_cycle(folder, year, load_forms(forms_dirs).binder(form).id, forms_dirs)
    click.echo(
        f"已建好 {folder}：\n"
        f"  cycle.yaml   设置：年度 {year}，表样 {form}，截止日期等\n"
        f"  {made}  单位名册和要预填的项目，请先填好\n"
        f"接下来：填好名册，进入这个文件夹，运行 xlgoals distribute。"
    )


@click.command()
@cycle_option
@click.option("--roster", "rosters", multiple=True, type=click.Path(path_type=Path), help="单位名册（csv 的名册和项目各写一次），默认按设置。")
@click.option("--from", "former", multiple=True, type=click.Path(path_type=Path, exists=True), help="上年的周期文件夹或报送的表：常年、跨年项目沿用其内容。")
@click.option("--reissue", multiple=True, metavar="CODE", help="这个单位重新下发一次，轮次加一（可重复）。")
@click.option("-o", "--output", default=None, type=click.Path(path_type=Path, file_okay=False), help="写到哪个文件夹，默认是 outbox。")
@jobs_option
def distribute(
    cycle_dir: Path | None, rosters: tuple[Path, ...], former: tuple[Path, ...], reissue: tuple[str, ...], output: Path | None, jobs: int | None
) -> None:
    """按名册给每个单位生成一份预填好的表，一个部门一个压缩包。例：xlgoals distribute --from ../2025预算"""
    from xlgoals.cycle import cycle_folder
    from xlgoals.distribute import Issued, issued_in, issues, manifest_rows, unfit, work_to_do, write_issues, zip_departments
    from xlgoals.enrol import load_whole
    from xlgoals.outputs import alone, settle, write_rows, write_whole
    from xlgoals.report import print_table, reading_bar
    from xlgoals.roster import load_words

    cycle, forms, roster = load_whole(cycle_folder(cycle_dir), rosters, unfit)
    outbox, words = output or cycle.outbox, load_words().issued
    carried = _carried(former, cycle, forms, roster, jobs) if former else {}
    wanted = issues(cycle, forms, roster, carried)
    with alone(outbox):
        issued, others = issued_in(outbox, cycle.settings.cycle)
        work = work_to_do(wanted, issued, reissue)
        with reading_bar("生成表格") as show:
            made, failed = write_issues(work.write, outbox, forms, cycle.key, show)
        everything: list[Issued] = [*issued, *made]
        zips = zip_departments(outbox, everything)
        with write_whole(outbox / "manifest.csv", force=True) as draft:
            write_rows((words.manifest, *manifest_rows(everything)), draft)
        if lost := [(one.unit.code, one.unit.name, project, text) for one in work.write for project, texts in one.lost for text in texts]:
            with write_whole(outbox / "carried.csv", force=True) as draft:
                write_rows((words.carried, *lost), draft)
        settle()
    click.echo(f"名册里有 {len(wanted)} 个单位要填报；新生成 {len(made)} 份，原有 {len(issued)} 份没有动。写在 {outbox}。")
    for path in zips:
        click.echo(f"  {path.name}  可以发给这个部门")
    if lost:
        click.echo(f"沿用上年内容时有 {len(lost)} 处没有放进新表，见 {outbox / 'carried.csv'}。")
    if work.changed:
        print_table(("单位编码", "单位名称", "已下发的文件", "与名册不同"), [(c.unit.code, c.unit.name, c.issued.file.name, "；".join(c.what)) for c in work.changed], "名册改了、已下发的表没有跟着改的单位")
        click.echo(f"要重新下发：xlgoals distribute {' '.join(f'--reissue {c.unit.code}' for c in work.changed[:5])}{' …' if len(work.changed) > 5 else ''}")
    if work.gone:
        click.echo(f"已下发但名册里没有（或不再填报）的：{'、'.join(f'{one.stamp.code} {one.stamp.unit}' for one in work.gone)}")
    if others:
        click.echo(f"{outbox} 里有 {len(others)} 个工作簿不是本周期下发的，没有动：{'、'.join(map(str, others[:5]))}")
    for text in failed:
        click.echo(text, err=True)
    sys.exit(2 if failed else int(bool(work.changed)))


def _carried(former: tuple[Path, ...], cycle: Cycle, forms: Forms, roster: Roster, jobs: int | None) -> dict[str, list[Former]]:
    """What is carried forward, by unit; tells what could not be read or does not belong to a unit of the roster."""
    from xlgoals.carry import read_formers
    from xlgoals.report import reading_bar

    form_ids = sorted({forms.binder(cycle.form_of(unit.department, unit.department_code)).project for unit in roster.filling} - {""})
    with reading_bar("读取上年的表") as show:
        formers = read_formers(former, form_ids, cycle.forms_dirs, jobs, show, cycle.settings.limits)
    found, strange = formers.of_units(roster)
    strangers = sorted({one.unit or one.order[2] for one in strange})
    click.echo(f"上年的表里有 {len(formers.projects)} 个项目，{sum(map(len, found.values()))} 个对得上名册里的单位。")
    if formers.unread:
        click.echo(f"{len(formers.unread)} 个文件读不出：{'、'.join(formers.unread[:5])}", err=True)
    if strangers:
        click.echo(f"对不上名册的单位：{'、'.join(strangers[:10])}{f' 等 {len(strangers)} 个' if len(strangers) > 10 else ''}", err=True)
    return found


@click.command()
@click.argument("path", metavar="BLANK", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", "lists", required=True, multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), help="本单位的清单，xlsx 或 csv，一行一个项目（指标另放一张表，可重复）。")
@click.option("-o", "--output", default=None, type=click.Path(path_type=Path, dir_okay=False), help="写到哪个文件，默认在原文件名后加“_已填”。")
@force_option
@forms_option
def fill(path: Path, lists: tuple[Path, ...], output: Path | None, force: bool, forms_dirs: tuple[str, ...]) -> None:
    """把本单位自己的项目清单填进下发的空表。例：xlgoals fill 空表.xlsx --data 项目清单.xlsx"""
    from xlgoals.errors import UsageError
    from xlgoals.fill import fill as fill_in
    from xlgoals.listed import headings, indicator_headings
    from xlgoals.lists import read_lists
    from xlgoals.outputs import write_whole
    from xlgoals.running import opened
    from xlgoals.spec import load_forms

    forms = load_forms(forms_dirs)
    known = {word for form in forms.forms.values() for words in (headings(form), indicator_headings(form)) for word in words}
    listings = [one for given in lists for one in read_lists(given, forms.catalogue, known)]
    book = opened(path, forms)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != book.sha256:
        raise UsageError(f"{path} 在读的时候被改动，没有填。请关闭正打开它的程序，再试一次。")
    made, count = fill_in(data, book, listings, forms)
    target = output or path.with_name(f"{path.stem}_已填.xlsx")
    with write_whole(target, force=force, inputs=[path, *lists]) as draft:
        draft.write_bytes(made)
    click.echo(f"已把 {count} 个项目填进 {target}。")
