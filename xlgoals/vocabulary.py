"""The words that labels are known by when their form is not: mappings/words.yaml, mappings/fields.yaml and all forms, asked what a
printed text means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from xlgoals.errors import Mistake, SpecError
from xlgoals.forms import Forms, bare_word
from xlgoals.layout import plan
from xlgoals.models import HOLE, Lists, Model
from xlgoals.records import Horizon
from xlgoals.spec import data_folder, load_model
from xlgoals.words import bare, short

CELL_RECORDS = ("", "funds", "goals", "plan")  # what a labelled cell holds; any other record is lines of a grid
HORIZONS: tuple[Horizon, ...] = ("mid_term", "long_term", "annual")


class Words(Model):
    """`mappings/words.yaml`."""

    fields: dict[str, tuple[str, ...]]
    keys: dict[str, str]
    horizons: dict[Horizon, tuple[str, ...]]
    set_aside: tuple[str, ...]
    patterns: tuple[str, ...]
    years: tuple[str, ...]
    unit_lines: tuple[str, ...]
    hand: tuple[str, ...]
    bureau: tuple[str, ...]


class Sense(NamedTuple):
    """What a label may mean: a canonical field, and which line of it where it has several (6月底)."""

    to: str
    line: str = ""

    @property
    def record(self) -> str:
        return self.to.partition(".")[0] if "." in self.to else ""

    @property
    def part(self) -> str:
        return self.to.rpartition(".")[2]


class Vocabulary:
    """The words that all spec files know, asked for what a printed text means."""

    def __init__(self, forms: Forms, words: Words, lists: Lists) -> None:
        self.forms, self.words, self.lists = forms, words, lists
        self.taxonomies, self.units = lists.taxonomies, forms.money_units
        self.numbered: list[tuple[re.Pattern[str], str]] = []
        exact: dict[str, dict[str, Sense]] = {}
        for to, label, line in self._labels(forms):
            if HOLE.search(label):
                self.numbered.append((re.compile(re.sub(r"\\{\w+\\}", r"\\d+", re.escape(label))), to))
            else:
                exact.setdefault(Sense(to).record if Sense(to).record not in CELL_RECORDS else "", {}).setdefault(
                    short(label), Sense(to, line)
                )
        self.exact: Mapping[str, Mapping[str, Sense]] = exact
        self.reduced = {record: self._reduced(known) for record, known in exact.items()}
        plain = {word for word, sense in exact[""].items() if not sense.record and len(word) > 1}
        self._colons = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, sorted(plain, key=len, reverse=True)))})\s*[：:]")
        self.levels = self._levels(forms, lists)

    def _labels(self, forms: Forms) -> Iterator[tuple[str, str, str]]:
        """Every known label with the field it stands for; the first to claim a word has it."""
        for to, labels in self.words.fields.items():
            yield from ((to, label, "") for label in labels)
        for to, known in forms.fields.items():
            if not known.many:  # a word of many meanings tells none
                yield to, known.label, ""
        for form in forms.forms.values():
            laid = plan(form)
            for key, slot in laid.labels.items():
                if slot.text and not HOLE.search(slot.text):
                    meaning = form.meanings[key]
                    yield from ((meaning.to, label, meaning.line) for label in (slot.text, *slot.aka))
            for slot in laid.slots:
                if slot.kind == "heading" and slot.text:
                    meaning = form.columns[slot.grid][slot.key]
                    if meaning.many or not meaning.to:
                        continue
                    yield from ((meaning.to, label, "") for label in (slot.text, *slot.aka))

    def _reduced(self, known: Mapping[str, Sense]) -> dict[str, Sense]:
        """Known words without what may stand before them; what then means two things means nothing."""
        found: dict[str, set[Sense]] = {}
        for word, sense in known.items():
            found.setdefault(self._reduce(word), set()).add(sense)
        return {word: senses.pop() for word, senses in found.items() if len(word) > 1 and len(senses) == 1}

    def _reduce(self, word: str) -> str:
        return re.sub("|".join(map(re.escape, self.words.set_aside)), "", word)

    def _levels(self, forms: Forms, lists: Lists) -> dict[str, dict[str, str]]:
        """For each level: a spelling as it is compared -> the canonical word."""
        levels: dict[str, dict[str, str]] = {"level1": {}, "level2": {}}
        for taxonomy in lists.taxonomies.values():
            for first, seconds in taxonomy.items():
                levels["level1"].setdefault(bare_word(first), first)
                for second in seconds:
                    for spelling in (second, *lists.aka.get(second, ())):
                        levels["level2"].setdefault(bare_word(spelling), second)
        for form in forms.forms.values():
            for local, word in form.dialect.words.items():
                levels["level1" if word in form.taxonomy else "level2"].setdefault(bare_word(local), word)
        return levels

    def sense(self, text: str, record: str = "") -> Sense | None:
        """What a label means; `record` is the grid that it heads, if any."""
        word = short(text)
        if not record:
            for pattern, to in self.numbered:
                if pattern.fullmatch(word):
                    return Sense(to, word)
        return self.exact.get(record, {}).get(word) or self.reduced.get(record, {}).get(self._reduce(word))

    def horizon(self, text: str) -> Horizon | None:
        """The years a label says it is for; None when it says nothing."""
        return next((h for h in HORIZONS for word in self.words.horizons.get(h, ()) if word in bare(text)), None)

    def level(self, text: str, level: str) -> str | None:
        return self.levels[level].get(bare_word(text))

    def by(self, text: str) -> Literal["hand", "bureau"] | None:
        """Who but the unit writes at these words."""
        plain = bare(text)
        if any(bare(word) in plain for word in self.words.bureau):
            return "bureau"
        hand = any(bare(word) in plain for word in self.words.hand if not word.endswith("：")) or any(
            plain.endswith(bare(word)) and text.strip().endswith(("：", ":")) for word in self.words.hand if word.endswith("：")
        )
        return "hand" if hand else None

    def money_unit(self, text: str) -> str | None:
        """The unit of money a label names in brackets, or a line above the table after its colon."""
        units = "|".join(sorted(map(re.escape, self.units), key=len, reverse=True))
        match = re.search(rf"\((?:[^()]*:)?({units})\)", unicodedata.normalize("NFKC", re.sub(r"\s", "", text)))
        return match[1] if match else self.unit_line(text)

    def unit_line(self, text: str) -> str | None:
        for pattern in self.words.unit_lines:
            words = bare(text)
            head = bare(HOLE.sub("", pattern))
            if words.startswith(head) and words.removeprefix(head).strip("()") in self.units:
                return words.removeprefix(head).strip("()")
        return None

    def inline(self, text: str) -> str:
        """Printed words with known fields behind their colons, as a pattern; empty when the text is none."""
        found = list(self._colons.finditer(text))
        if not found or (len(found) == 1 and not text[found[0].end() :].strip()):
            return ""
        pattern = text[: found[0].start()]
        for match, after in zip(found, [*found[1:], None], strict=True):
            rest = text[match.end() : after.start() if after else len(text)]
            gap = re.search(r"\s*$", rest) if after else None
            pattern += f"{match[1]}：{{{self.exact[''][match[1]].to}}}" + (gap[0] if gap else "")
        return pattern.strip()

    def dated(self, text: str) -> str:
        """Printed words with years in them that are fields of their own."""
        return next((found for pattern in self.words.patterns if (found := held(pattern, text, r"(\d{4})", whole=True))), "")


def held(pattern: str, text: str, hole: str, *, whole: bool) -> str:
    """The text with the pattern's holes in place of its figures; empty when it is not of that pattern."""
    alike = "".join(one if len(one := unicodedata.normalize("NFKC", letter)) == 1 else letter for letter in text).translate(
        str.maketrans("—–~至", "----")
    )
    literals = re.split(r"\{\w+\}", unicodedata.normalize("NFKC", pattern).translate(str.maketrans("—–~至", "----")))
    regex = hole.join(r"\s*".join(map(re.escape, literal)) for literal in literals).replace(hole, rf"\s*{hole}\s*")
    match = re.fullmatch(rf"\s*{regex}\s*", alike) if whole else re.search(regex, alike)
    if not match:
        return ""
    for name, group in reversed([*zip(HOLE.findall(pattern), range(1, 9), strict=False)]):
        text = text[: match.start(group)] + f"{{{name}}}" + text[match.end(group) :]
    return text


def load_vocabulary(forms: Forms, extra: Sequence[str] = ()) -> Vocabulary:
    """The words of the shipped mappings and of the folders in `extra` (as `spec.load_forms` takes them: the last one wins)."""
    folders = [data_folder("mappings"), *(p for e in extra for p in (Path(e) / "mappings", Path(e)))]

    mistakes: list[Mistake] = []
    words = load_model(Words, folders, "words.yaml", mistakes)
    lists = load_model(Lists, folders, "lists.yaml", mistakes)
    if mistakes or words is None or lists is None:
        raise SpecError(mistakes)
    return Vocabulary(forms, words, lists)
