"""A budget cycle: one folder with its settings, its roster and what goes out and comes in. Knows where things are, reads none of them."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from xlgoals.codes import take_codes
from xlgoals.errors import Fault, InputError, Mistake, SpecError, UsageError
from xlgoals.forms import Forms
from xlgoals.limits import Limits
from xlgoals.models import Model
from xlgoals.outputs import write_apart
from xlgoals.spec import data_folder, load_forms, load_model, mapping_path
from xlgoals.yamlmark import Marked, load_marked

SETTINGS = "cycle.yaml"
ROSTERS = ("roster.xlsx", "roster.csv")  # where no setting names the file
PROJECTS = "projects.csv"  # the projects of a roster that is no workbook
FOLDERS = ("outbox", "inbox", "returned", "summary")
KEY_LEAST = 8  # characters of a key worth the name
Include = Literal["accepted", "queries", "errors"]  # which returns are rolled up: each takes those of the ones before it, too
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Review(Model):
    """How returns are judged: further folders of forms and rules (with what rounding may differ by), and which returns are rolled up."""

    folders: tuple[Text, ...] = ()
    include: Include = "accepted"


class Settings(Model):
    """`cycle.yaml`."""

    cycle: Text
    year: str
    form: Text
    departments: Mapping[str, Text] = {}  # department's code or name -> form
    deadline: dt.date | None = None
    contact: str = ""
    spare_sheets: Annotated[int, Field(ge=0, le=50)] = 2
    roster: str = ""
    projects: str = ""
    codes: str = ""
    review: Review = Review()
    limits: Limits = Limits()
    key: str | None = None
    key_file: str | None = None

    @field_validator("year")
    @classmethod
    def four_digits(cls, value: str) -> str:
        if not re.fullmatch(r"20[0-9]{2}", value):
            raise ValueError(f"年度应是四位数字，如 2026，现在是“{value}”")
        return value

    @field_validator("key")
    @classmethod
    def long_enough(cls, value: str | None) -> str | None:
        if value and len(value) < KEY_LEAST:
            raise ValueError(f"key 太短，至少 {KEY_LEAST} 个字，否则容易被猜到")
        return value

    @field_validator("deadline", mode="before")
    @classmethod
    def date(cls, value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError("截止日期应写成 年-月-日，如 2025-10-15")
        try:
            return dt.date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(f"没有 {value} 这一天，请改正") from error

    @model_validator(mode="after")
    def one_key(self) -> Settings:
        if self.key and self.key_file:
            raise ValueError("key 和 key_file 只能写一个")
        return self


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle's folder, its settings, and its key (empty when stamps are not signed)."""

    folder: Path
    settings: Settings
    key: bytes = b""

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def returned(self) -> Path:
        return self.folder / "returned"

    @property
    def summary(self) -> Path:
        return self.folder / "summary"

    @property
    def forms_dirs(self) -> tuple[str, ...]:
        """The bureau's own folders of forms and rules, as `load_forms` takes them."""
        return tuple(str(self.folder / one) for one in self.settings.review.folders)

    @property
    def rosters(self) -> tuple[Path, ...]:
        """The files that hold the roster: the units, and the projects where they have a file of their own."""
        units = self.folder / self.settings.roster if self.settings.roster else next(iter(self._rosters()), self.folder / ROSTERS[0])
        projects = self.folder / (self.settings.projects or PROJECTS)
        return (units, projects) if self.settings.projects or projects.is_file() else (units,)

    def _rosters(self) -> Iterator[Path]:
        return (self.folder / name for name in ROSTERS if (self.folder / name).is_file())

    def form_of(self, department: str, code: str = "") -> str:
        """The id of the form, or the book of forms, that a department fills in, by its code or its name."""
        forms = self.settings.departments
        return forms.get(code) or forms.get(department) or self.settings.form


def find_cycle(start: Path) -> Path | None:
    """The cycle's folder that a folder is or lies in."""
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / SETTINGS).is_file()), None)


def cycle_folder(given: Path | None) -> Path:
    """The folder given, or the one that the command is run in; raises UsageError when it is no cycle."""
    if given is not None:
        if not (given / SETTINGS).is_file():
            raise UsageError(f"{given} 不是一个预算周期的文件夹（里面没有 {SETTINGS}）。新建一个：xlgoals init 2026预算")
        return given
    folder = find_cycle(Path.cwd())
    if folder is None:
        raise UsageError(f"这里不在预算周期的文件夹里（没有 {SETTINGS}）。请进入那个文件夹再运行，或用 --cycle 指明；新建一个：xlgoals init 2026预算")
    return folder


def load_cycle(folder: Path) -> tuple[Cycle, Forms]:
    """A cycle and the forms it works by; raises InputError with every mistake in its settings."""
    cycle, forms, faults = look_at_cycle(folder)
    if faults or cycle is None or forms is None:
        raise InputError(faults)
    return cycle, forms


def look_at_cycle(folder: Path) -> tuple[Cycle | None, Forms | None, list[Fault]]:
    """As `load_cycle`, with the mistakes told beside, so that a roster's can be told along with them. Forms are None where the
    bureau's own folders are not there."""
    faults: list[Fault] = []
    settings, marked = _settings(folder, faults)
    if settings is None:
        return None, load_forms(), faults

    def fault(path: tuple[str | int, ...], text: str) -> None:
        faults.append(Fault(f"{marked.file}:{marked.line(path)}", text))

    missing = [n for n, one in enumerate(settings.review.folders) if not (folder / one).is_dir()]
    for n in missing:
        fault(("review", "folders", n), f"没有文件夹 {settings.review.folders[n]}，请改正，或删去这一行。")
    for name in ("roster", "projects", "codes"):
        if getattr(settings, name) and not (folder / getattr(settings, name)).is_file():
            fault((name,), f"没有文件 {getattr(settings, name)}，请改正。")
    both = [name for name in ROSTERS if (folder / name).is_file()]
    if not settings.roster and len(both) > 1:
        fault((), f"{'、'.join(both)} 都在，不知道用哪一个。请移走一个，或写明 roster: 文件名。")
    forms = None if missing else load_forms(tuple(str(folder / one) for one in settings.review.folders))
    if forms and settings.codes and (folder / settings.codes).is_file():
        forms = _recoded(forms, folder, settings, faults)
    if forms:
        for path, name in ((("form",), settings.form), *((("departments", one), form) for one, form in settings.departments.items())):
            known = {**forms.books, **forms.forms}
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                fault(path, f"没有名为“{name}”的表样{f'，是不是 {near[0]}' if near else ''}？全部表样：{'、'.join(known)}。")
    return Cycle(folder, settings, _key(folder, settings, fault)), forms, faults


def _recoded(forms: Forms, folder: Path, settings: Settings, faults: list[Fault]) -> Forms:
    """The forms with the year's classification of the bureau."""
    headings = mapping_path([str(folder / one) for one in settings.review.folders], "listings.yaml")
    try:
        return forms.recoded(take_codes(folder / settings.codes, forms.codes, headings))
    except InputError as error:
        faults += error.faults
    except UsageError as error:
        faults.append(Fault(settings.codes, str(error)))
    return forms


def _key(folder: Path, settings: Settings, fault: Callable[[tuple[str | int, ...], str], None]) -> bytes:
    if not settings.key_file:
        return settings.key.encode() if settings.key else b""
    try:
        key = (folder / settings.key_file).read_bytes().strip()
    except OSError as error:
        fault(("key_file",), f"密钥文件 {settings.key_file} 打不开（{error.strerror or error}），请检查路径。")
        return b""
    if len(key) < KEY_LEAST:
        fault(("key_file",), f"密钥文件 {settings.key_file} 里的密钥太短，至少 {KEY_LEAST} 个字。")
    return key


def _settings(folder: Path, faults: list[Fault]) -> tuple[Settings | None, Marked]:
    mistakes: list[Mistake] = []
    settings, marked = None, Marked(SETTINGS, None, {})
    try:
        marked = load_marked(folder / SETTINGS)
        settings = load_model(Settings, [folder], SETTINGS, mistakes) or _sound(marked.data)
    except SpecError as error:
        mistakes += error.mistakes
    faults += [Fault(f"{one.file}:{one.line}", one.text) for one in dict.fromkeys(mistakes)]
    return settings, marked


def _sound(data: object) -> Settings | None:
    """What of mistaken settings can be worked by, so that all other mistakes are told along with theirs."""
    if not isinstance(data, dict):
        return None
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        bad = {str(key) for one in error.errors() for key in one["loc"][:1] or ("key", "key_file")}
    stand_ins = {"cycle": SETTINGS, "year": "2000", "form": next(iter(load_forms().forms))}
    try:
        return Settings.model_validate(stand_ins | {key: value for key, value in data.items() if key not in bad})
    except ValidationError:
        return None


def create_cycle(folder: Path, year: str, form: str, forms_dirs: tuple[str, ...] = ()) -> str:
    """Make a new cycle's folder, whole or not at all; gives the roster's name. Raises UsageError where something is in the way."""
    from xlgoals.roster import load_words
    from xlgoals.rosterbook import blank_roster

    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} 已存在，没有改动。请换一个名字，或先移走它。")
    text = (data_folder("templates") / "cycle" / SETTINGS).read_text(encoding="utf-8")
    holes = {"name": folder.resolve().name.replace('"', "”").replace("\\", "＼"), "year": year, "form": form}
    text = re.sub(r"\{(name|year|form)\}", lambda hole: holes[hole[1]], text)
    if forms_dirs:
        shown = ", ".join(json.dumps(str(Path(one).resolve()), ensure_ascii=False) for one in forms_dirs)
        text = re.sub(r"(?m)^  # folders: \S+", lambda _: f"  folders: [{shown}]", text)
    with write_apart(folder) as draft:
        (draft / SETTINGS).write_text(text, encoding="utf-8")
        (draft / ROSTERS[0]).write_bytes(blank_roster(load_words()))
        for name in FOLDERS:
            (draft / name).mkdir()
    return ROSTERS[0]
