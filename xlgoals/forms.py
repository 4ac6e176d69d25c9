"""A form as the rest of the program knows it: template and dialect joined, with its code lists and what its words mean."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, lru_cache

from xlgoals.codes import CodeList
from xlgoals.errors import UsageError
from xlgoals.findings import Catalogue
from xlgoals.measures import Units
from xlgoals.models import Collection, Contents, Dialect, FieldDef, Guide, Looks, Move, SelfCheck, SheetSpec, Template
from xlgoals.records import Horizon
from xlgoals.ties import Ties
from xlgoals.words import bare
from xlgoals.yamlmark import Marked

STAMPED = ("year", "department", "unit")  # the fields of `records.Stamp` that a form may take from its stamp instead of a cell
COMPUTED = ("seq",)  # known to the program for every sheet, never typed
ENDING = "指标"  # a level word may go without it
NO_TIES = Ties(rounding=Decimal(0), ties=())
LEVELS = ("level1", "level2")  # the lists that the taxonomy gives; any other is a dialect's own


@dataclass(frozen=True)
class Meaning:
    """A form's key joined with the canonical field it stands for; everything that asks about a field asks this."""

    key: str
    to: str
    type: str
    label: str
    required: bool
    horizon: Horizon
    line: str = ""
    list: str | None = None
    pattern: str | None = None
    like: str = ""
    prompt: str = ""
    look: str = ""  # of styles.yaml `types`
    many: bool = False  # several keys of a form mean it: a value is known by its key

    @cached_property
    def record(self) -> str:
        """The kind of record the value goes to: funds, goals, indicator, plan … or "" for a plain field."""
        return self.to.partition(".")[0] if "." in self.to else ""

    @cached_property
    def part(self) -> str:
        return self.key if self.many else self.to.rpartition(".")[2]

    @cached_property
    def record_key(self) -> str:
        """The key of the record that a field outside grids becomes; a form that asks for several goals has a grid for them."""
        match self.record:
            case "":
                return self.to
            case "funds":
                return f"funds.{self.horizon}.{self.part}"
            case "goals":
                return f"goals.{self.horizon}.1"
            case grid:
                return f"{grid}.{self.line or self.key}"


@dataclass(frozen=True, eq=False)
class Form:
    """One official form: template and dialect joined. Immutable and hashed by identity; `digest` tells versions apart."""

    template: Template
    dialect: Dialect
    meanings: Mapping[str, Meaning]  # field key -> meaning
    columns: Mapping[str, Mapping[str, Meaning]]  # grid -> column id -> meaning
    taxonomy: Mapping[str, tuple[str, ...]]
    looks: Looks
    digest: str
    money_factor: Decimal  # yuan in one of the form's money unit
    aka: Mapping[str, tuple[str, ...]]
    source: Marked  # of the template: where a mistake in its geometry stands
    codes: Mapping[str, CodeList] = field(default_factory=dict)  # code lists of whole classifications, by name

    @property
    def id(self) -> str:
        return self.template.form

    @property
    def title(self) -> str:
        return self.template.title

    @cached_property
    def book(self) -> tuple[SheetSpec, ...]:
        return self.template.book or (SheetSpec(form=self.id),)

    @cached_property
    def coded(self) -> Mapping[str, CodeList]:
        """The code lists that this form's columns take their codes from."""
        lists = {m.list for columns in self.columns.values() for m in columns.values()}
        return {name: known for name, known in self.codes.items() if name in lists}

    @cached_property
    def _canonical(self) -> Mapping[str, Mapping[str, str]]:
        """For each level: normalised spelling -> canonical word."""
        levels: dict[str, Iterable[str]] = {"level1": self.taxonomy, "level2": [w for words in self.taxonomy.values() for w in words]}
        known: dict[str, dict[str, str]] = {}
        for level, words in levels.items():
            spellings = known[level] = {bare_word(word): word for word in words}
            for word in words:
                for other in self.aka.get(word, ()):
                    spellings.setdefault(bare_word(other), word)
            for local, word in self.dialect.words.items():
                if word in words:
                    spellings[bare_word(local)] = word
        return known

    def canonical(self, text: str, level: str) -> str:
        """The canonical word for a first or second level as this form's people write it; the text itself when unknown."""
        return self._canonical[level].get(bare_word(text), text)

    def spellings(self, level: str) -> Mapping[str, str]:
        """Every spelling of a level's words (as `bare_word` leaves them) -> the canonical word."""
        return self._canonical[level]

    def local(self, word: str) -> str:
        """How this form prints a canonical word."""
        return next((local for local, canonical in self.dialect.words.items() if canonical == word), word)

    def choices(self, name: str, level1: str | None = None) -> tuple[str, ...]:
        """The words of a code list as this form prints them; `level2` under one first level, or all of them. Empty when this
        form has no such list: then the field is free text."""
        if name not in LEVELS:
            return self.dialect.lists.get(name, ()) or tuple(self.codes[name].names if name in self.codes else ())
        if name == "level1":
            words: Iterable[str] = self.taxonomy
        elif level1 is not None:
            words = self.taxonomy.get(self.canonical(level1, "level1"), ())
        else:
            words = dict.fromkeys(w for level2s in self.taxonomy.values() for w in level2s)
        return tuple(self.local(w) for w in words)


@lru_cache(maxsize=20_000)
def bare_word(text: str) -> str:
    """Set aside what does not tell two level words apart: what people respell in printed words, the ending 指标."""
    word = bare(text)
    return word.removesuffix(ENDING) or word


@dataclass(frozen=True)
class Binder:
    """What one workbook holds: the sheets of a book of forms, or those of a single form."""

    id: str
    title: str
    digest: str
    sheets: tuple[SheetSpec, ...]
    contents: Contents | None = None

    @property
    def project(self) -> str:
        """The form that there is one of for each project; blank when the workbook has none."""
        return next((sheet.form for sheet in self.sheets if sheet.per == "project"), "")


@dataclass(frozen=True)
class Forms:
    """Everything the spec files say."""

    forms: Mapping[str, Form]
    catalogue: Catalogue
    fields: Mapping[str, FieldDef]
    money_units: Mapping[str, Decimal]
    units: Units
    guide: Guide
    selfcheck: SelfCheck
    moves: tuple[Move, ...] = ()
    same: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)  # code list -> choices that are one under several names
    books: Mapping[str, Collection] = field(default_factory=dict)
    codes: Mapping[str, CodeList] = field(default_factory=dict)  # functional, economic …: the classification that a column of codes is of
    ties: Ties = NO_TIES
    changes: Mapping[str, str] = field(default_factory=dict)  # words before an amount of change -> its sign

    def __getitem__(self, name: str) -> Form:
        if name not in self.forms:
            raise self._unknown(name, self.forms)
        return self.forms[name]

    def recoded(self, codes: Mapping[str, CodeList]) -> Forms:
        """The same forms with other code lists: a bureau's own for the year, in dropdowns, look-ups and checks alike."""
        return replace(self, codes=codes, forms={name: replace(form, codes=codes) for name, form in self.forms.items()})

    def binder(self, name: str) -> Binder:
        """The book of forms of a name, or the book that a form alone makes."""
        if name in self.books:
            book = self.books[name]
            digests = "".join(self.forms[sheet.form].digest for sheet in book.sheets)
            return Binder(name, book.title, hashlib.sha256(digests.encode()).hexdigest()[:12], book.sheets, book.contents)
        if name not in self.forms:
            raise self._unknown(name, {**self.books, **self.forms})
        form = self.forms[name]
        return Binder(name, form.title, form.digest, form.book)

    def of(self, stamp: str) -> frozenset[str]:
        """The forms that a workbook of a stamp may hold: those of its book, or the form itself."""
        return frozenset(sheet.form for sheet in self.books[stamp].sheets) if stamp in self.books else frozenset((stamp,))

    @staticmethod
    def _unknown(name: str, known: Iterable[str]) -> UsageError:
        near = difflib.get_close_matches(name, known, 1)
        return UsageError(f"没有名为“{name}”的表样{f'，是不是 {near[0]}' if near else ''}？用 xlgoals forms 查看全部表样。")
