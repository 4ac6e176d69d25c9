"""The roster: a bureau's tree of units with the projects to pre-fill, and the words its lists are written in. `enrol` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from xlgoals.errors import Mistake, SpecError
from xlgoals.lists import Item
from xlgoals.models import Model
from xlgoals.spec import data_folder, load_model
from xlgoals.words import bare

FOLDER, FILE = "cycle", "roster.yaml"


# --- words -------------------------------------------------------------------------------------------------------------


class ColumnWords(Model):
    label: str
    aka: tuple[str, ...] = ()
    width: float
    required: bool = False
    choices: str = ""
    prompt: str


class SheetWords(Model):
    sheet: str
    columns: Mapping[str, ColumnWords]
    more: str = ""


class Choice(Model):
    word: str
    aka: tuple[str, ...] = ()
    fills: bool = True
    department: bool = False
    carried: bool = False


class HelpWords(Model):
    sheet: str
    title: str
    head: tuple[str, str, str, str]
    required: str
    optional: str
    lines: tuple[str, ...]


class IssuedWords(Model):
    """The words of what was sent out: how it differs from the roster, and the manifest's headings."""

    year: str
    department: str
    unit: str
    form: str
    version: str
    added: str
    gone: str
    manifest: tuple[str, ...]
    carried: tuple[str, ...]
    unknown_kind: str


class RosterWords(Model):
    """`templates/cycle/roster.yaml`: headings, choices and explanations of a roster."""

    units: SheetWords
    projects: SheetWords
    levels: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    answers: tuple[Choice, ...]
    help: HelpWords
    issued: IssuedWords

    def choices(self, name: str) -> tuple[Choice, ...]:
        return {"levels": self.levels, "kinds": self.kinds, "answers": self.answers}[name]

    def kind(self, text: str) -> Choice | None:
        """What kind of project a text names (常年, 跨年, 一次性); None when it names none."""
        return chosen(self.kinds, text)


def chosen(choices: Iterable[Choice], text: str) -> Choice | None:
    """The choice that a text names, by its word or another spelling; None when it names none."""
    return next((one for one in choices if bare(text) in map(bare, (one.word, *one.aka))), None)


@lru_cache(maxsize=1)
def load_words() -> RosterWords:
    mistakes: list[Mistake] = []
    words = load_model(RosterWords, [data_folder("templates") / FOLDER], FILE, mistakes)
    if words is None:
        raise SpecError(mistakes)
    return words


# --- the tree ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Project:
    """One known project of a unit. `kind` is a word of the roster's kinds or blank; `subject` its code of expenditure, where known,
    and `carried` whether its money is carried over from last year; `more` holds what else is to be pre-filled, by the heading it
    stands under."""

    unit: str
    name: str
    code: str = ""
    kind: str = ""
    subject: str = ""
    carried: bool = False
    more: Mapping[str, Item] = field(default_factory=dict)
    place: str = ""

    @property
    def label(self) -> str:
        """What stamps and lists call it: its code, where it has one, and its name."""
        return f"{self.code} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Unit:
    """One node of the tree. `department` and `department_code` are those of the department it belongs to, blank above
    departments; `parent` is the code of the unit above, blank at the top; `fills` tells whether it is sent a form."""

    code: str
    name: str
    department: str = ""
    department_code: str = ""
    level: str = ""
    parent: str = ""
    fills: bool = True
    contact: str = ""
    phone: str = ""
    mail: str = ""
    projects: tuple[Project, ...] = ()
    place: str = ""

    @property
    def department_text(self) -> str:
        """The department as forms have it: its code, where known, before its name."""
        return f"{self.department_code} {self.department}".strip()


@dataclass(frozen=True)
class Roster:
    """Units by code, in the order of the list."""

    units: Mapping[str, Unit]

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.units.values())

    @property
    def filling(self) -> tuple[Unit, ...]:
        """The units that are sent a form."""
        return tuple(unit for unit in self if unit.fills)

    def above(self, code: str) -> Iterator[Unit]:
        """The units above one, the nearest first."""
        while (code := self.units[code].parent) in self.units:
            yield self.units[code]

    @cached_property
    def children(self) -> Mapping[str, tuple[Unit, ...]]:
        """The units right below each; those at the top under the empty code."""
        below: dict[str, list[Unit]] = {}
        for unit in self:
            below.setdefault(unit.parent, []).append(unit)
        return {code: tuple(units) for code, units in below.items()}

    def under(self, code: str) -> Iterator[Unit]:
        """A unit and all below it, in the order of the tree."""
        yield self.units[code]
        for unit in self.children.get(code, ()):
            yield from self.under(unit.code)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Unit, ...]]:
        names: dict[str, list[Unit]] = {}
        for unit in self:
            names.setdefault(bare(unit.name), []).append(unit)
        return {name: tuple(units) for name, units in names.items()}

    def named(self, name: str, department: str = "") -> Unit | None:
        """The one unit of a name, in a department where several have it; None when there is none, or no single one."""
        found = self._by_name.get(bare(name), ())
        if len(found) > 1 and department:
            found = tuple(unit for unit in found if bare(unit.department) in bare(department) or (unit.department_code and unit.department_code in department))
        return found[0] if len(found) == 1 else None
