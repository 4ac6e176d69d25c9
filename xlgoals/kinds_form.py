"""Kinds of rule about what is filled in at all, and by which words and patterns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

import polars as pl

from xlgoals.conditions import Condition, Kind, Row, blank, filled
from xlgoals.facts import Units, goals, indicator_parts, scalars
from xlgoals.findings import Rule
from xlgoals.forms import LEVELS, Form, Meaning, bare_word
from xlgoals.formulas import BAR, every, exactly_one_of, level_word, one_of, phrase, quoted, shape
from xlgoals.marks import Cells, Line, Mark


def accepted(form: Form, name: str, level1: str | None = None) -> tuple[str, ...]:
    """The words that the in_list check accepts, as the form prints them; `level2` under one first level, or under any."""
    return tuple(form.local(word) for word in _canonical(form, name, level1))


def _canonical(form: Form, name: str, level1: str | None = None) -> tuple[str, ...]:
    if name == "level1":
        return tuple(form.taxonomy)
    if name != "level2":
        return form.dialect.lists.get(name, ())
    under = form.taxonomy if level1 is None else [form.canonical(level1, "level1")]
    return tuple(dict.fromkeys(word for first in under for word in form.taxonomy.get(first, ())))


def listed(words: tuple[str, ...]) -> str:
    return "、".join(words)


def _required(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A field that must be filled is."""
    for key, m in scalars(form).items():
        if m.required:

            def tell(row: Row, prompt: str = m.prompt or rule.parameters.get("prompt", "")) -> Mapping[str, str]:
                return {"found": "", "prompt": prompt}

            yield Condition(rule.code, "form", key, ~blank(key), key, tell, m.label)


def _required_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    for key, m in scalars(cells.form).items():
        if m.required and (ref := cells.fields.get(key)):
            yield Mark(ref, ref.blank, {"prompt": quoted(m.prompt or rule.parameters.get("prompt", ""))})


def _some_goal(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """There is a goal for each horizon whose goals are required."""
    for m in goals(form):
        if m.required:
            column = f"goals.{m.horizon}"
            yield Condition(rule.code, "form", column, pl.col(column) > 0, f"{column}.1", lambda row: {"found": ""}, m.label)


def _some_goal_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    for m in goals(cells.form):
        if m.required and (refs := cells.goals.get(m.horizon)):
            yield Mark(refs[0], cells.nothing(refs))


def _some_indicator(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """There is an indicator."""
    if indicator_parts(form):
        yield Condition(rule.code, "form", "#indicators", pl.col("#indicators") > 0, "{#line}", lambda row: {"found": ""})


def _some_indicator_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    refs = [line.cells[part] for line in cells.lines for part in ("name", "target") if part in line.cells]
    names = [ref for ref in refs if ref.meaning.part == "name"]
    if names:
        first = min(names, key=lambda ref: (ref.row, ref.slot.area.left))
        yield Mark(first, f"COUNTA({','.join(cells.ranges(ref.slot for ref in refs))})=0")


def _matches(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A field of a type is written by its pattern: the field's own, or the rule's."""
    wanted = rule.parameters["type"]
    typed = {key: m for key, m in scalars(form).items() if m.type == wanted}
    # a stamped year has no input and so no meaning; its type is what it is called
    found: dict[str, Meaning | None] = {**dict.fromkeys(set(form.template.stamped) & {wanted}), **typed}
    for key, m in found.items():
        pattern = (m and m.pattern) or rule.parameters.get("pattern", "")
        if not pattern:
            continue
        expected = (m and m.like) or rule.parameters.get("like", "")

        def tell(row: Row, key: str = key, pattern: str = pattern, expected: str = expected) -> Mapping[str, str]:
            return {"found": row[key], "expected": expected, "detail": _deviation(row[key], pattern, rule.parameters)}

        holds = ~filled(key) | pl.col(key).fill_null("").str.contains(rf"^(?:{pattern})$")
        yield Condition(rule.code, "form", key, holds, key, tell, m.label if m else rule.parameters.get("label", ""))


def _matches_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    for key, m in scalars(cells.form).items():
        pattern = m.pattern or rule.parameters.get("pattern", "")
        ref = cells.fields.get(key)
        if m.type != rule.parameters["type"] or not pattern or ref is None:
            continue
        text = cells.keep(ref.row, ref.text)
        if wanted := shape(pattern, text):
            length = phrase(rule.parameters.get("wrong_length", ""), {"length": f"LEN({text})"})
            words = {"found": text, "expected": quoted(m.like or rule.parameters.get("like", "")), "detail": f'IF({wanted.length},"",{length})'}
            yield Mark(ref, every(f'{text}<>""', f"NOT(AND({wanted.length},{wanted.letters}))"), words)


def _deviation(code: str, pattern: str, phrases: Mapping[str, str]) -> str:
    """Say which letters of a code are look-alikes from another script and at which place, and how long a code of wrong length is."""
    said: list[str] = []
    letters = {pair[0]: pair[1] for pair in phrases.get("letters", "").split()}
    for place, letter in enumerate(code, 1):
        script = phrases.get(unicodedata.name(letter, "?").partition(" ")[0].lower(), "")
        if script:
            folded = unicodedata.normalize("NFKC", letter)
            latin = letters.get(letter) or (folded if folded.isascii() else "")
            phrase = phrases.get("right_letter" if latin else "wrong_letter", "")
            said.append(phrase.format(place=place, letter=letter, script=script, latin=latin))
    shape = re.sub(r"\[[^\]]*\]|\\[dw]", ".", pattern)  # the pattern with any letter anywhere: only the length is left
    if not re.fullmatch(shape, code):
        said.append(phrases.get("wrong_length", "").format(length=len(code)))
    return "".join(said)


def _in_list(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A level is one of the form's words; a second level is one of those under its first. `field`: so is each other choice."""
    part = rule.parameters["list"]
    for key, m in scalars(form).items() if part == "field" else ():
        if m.list and (words := accepted(form, m.list)):

            def say(row: Row, key: str = key, words: tuple[str, ...] = words) -> Mapping[str, str]:
                return {"found": row[key], "expected": listed(words)}

            yield Condition(rule.code, "form", key, ~filled(key) | pl.col(key).fill_null("").is_in(words), key, say, m.label)
    if part not in indicator_parts(form):
        return
    place = f"{{key}}.{part}"
    known = ~filled("level1") | pl.col("level1").fill_null("").is_in(_canonical(form, "level1"))
    if part == "level1":
        expected = listed(accepted(form, "level1"))
        yield Condition(rule.code, "indicators", part, known, place, lambda row: {"found": form.local(row[part]), "expected": expected})
        return
    # an unknown first level is told by its own rule; under a blank one any second level will do
    holds = ~filled(part) | ~known
    for first in form.taxonomy:
        holds |= (pl.col("level1").fill_null("") == first) & pl.col(part).fill_null("").is_in(_canonical(form, part, first))
    holds |= ~filled("level1") & pl.col(part).fill_null("").is_in(_canonical(form, part))

    def tell(row: Row) -> Mapping[str, str]:
        first = row["level1"] or ""
        expected = listed(accepted(form, part, first or None))
        return {"found": form.local(row[part]), "expected": expected, "level1": form.local(first)}

    yield Condition(rule.code, "indicators", part, holds, place, tell)


def _in_list_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    form, part = cells.form, rule.parameters["list"]
    for ref in cells.fields.values() if part == "field" else ():
        if ref.meaning.list and not ref.slot.tick and (words := accepted(form, ref.meaning.list)):
            text = cells.keep(ref.row, ref.text)
            yield Mark(ref, every(f'{text}<>""', f"NOT({exactly_one_of(text, words)})"), {"found": text, "expected": quoted(listed(words))})
    for line in cells.lines if part in LEVELS else ():
        if part not in line.cells:
            continue
        typed = line.cells[part]
        level = _Levels(cells, line)
        wrong = level.first_unknown() if part == "level1" else level.second_elsewhere()
        first = line.printed.get("level1")
        told = {
            "found": typed.cell, "expected": quoted(listed(accepted(form, part, first))),
            "level1": quoted(first) if first else line.cells["level1"].cell if "level1" in line.cells else quoted(""),
        }  # fmt: skip
        yield Mark(typed, every(line.present, f"NOT({typed.blank})", wrong), told)


class _Levels:
    """The levels of one line as expressions, read as `parse` reads them: a first level left blank, or a second level written
    in its place, follows from the second level where that belongs to one first level only."""

    def __init__(self, cells: Cells, line: Line) -> None:
        form, self.line = cells.form, line
        firsts, seconds = form.spellings("level1"), form.spellings("level2")
        self.printed = form.canonical(line.printed["level1"], "level1") if "level1" in line.printed else None
        self.first, self.second = (
            cells.keep(ref.row, level_word(ref.cell)) if (ref := line.cells.get(part)) else quoted(bare_word(line.printed.get(part, "")) + BAR)
            for part in LEVELS
        )
        self.firsts = {first: tuple(text for text, word in firsts.items() if word == first) for first in form.taxonomy}
        self.seconds = {
            first: tuple(text for text, word in seconds.items() if word in words) for first, words in form.taxonomy.items()
        }
        owners = [word for words in form.taxonomy.values() for word in words]
        self.of_one = tuple(text for text, word in seconds.items() if owners.count(word) == 1)

    def first_blank(self) -> str:
        """Nothing stands there, and the second level does not tell."""
        return every(self.line.cells["level1"].blank, f"NOT({one_of(self.second, self.of_one)})")

    def known(self) -> str:
        return one_of(self.first, [text for texts in self.firsts.values() for text in texts])

    def first_unknown(self) -> str:
        """What stands there is neither a first level nor a second one that tells it."""
        second = self.line.cells.get("level2")
        agrees = {first: one_of(self.second, texts) for first, texts in self.seconds.items()}
        owners = "+".join(
            f"({one_of(self.first, texts)})*{f'OR({second.blank},{agrees[first]})' if second else f'({agrees[first]})'}"
            for first, texts in self.seconds.items()
        )
        return every(f"NOT({self.known()})", f"{owners}<>1")

    def second_elsewhere(self) -> str:
        """The second level is none of those under the first; under a blank one any will do, an unknown one is told by itself."""
        if self.printed is not None:
            return f"NOT({one_of(self.second, self.seconds.get(self.printed, ()))})"
        every_second = [text for texts in self.seconds.values() for text in texts]
        pairs = "+".join(f"({one_of(self.first, self.firsts[f])})*({one_of(self.second, self.seconds[f])})" for f in self.firsts)
        first = self.line.cells["level1"].blank if "level1" in self.line.cells else "TRUE"
        return f"IF({first},NOT({one_of(self.second, every_second)}),AND({self.known()},{pairs}=0))"


def _line_part(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
    """A line that has a name or a value has this part, too."""
    part = rule.parameters["part"]
    if part not in indicator_parts(form):
        return
    holds = ~blank(part) | ~(filled("name") | filled("target"))
    if part == "level2":
        holds |= filled("level1") & ~pl.col("level1").fill_null("").is_in(_canonical(form, "level1"))

    def tell(row: Row) -> Mapping[str, str]:
        expected = accepted(form, part, row["level1"] or None) if part in LEVELS else ()
        return {"found": (row["target"] if part == "name" else row["name"] or row["target"]) or "", "expected": listed(expected)}

    yield Condition(rule.code, "indicators", part, holds, f"{{key}}.{part}", tell)


def _line_part_marks(cells: Cells, rule: Rule, units: Units) -> Iterator[Mark]:
    part = rule.parameters["part"]
    for line in cells.lines:
        if (ref := line.cells.get(part)) is None:
            continue
        fails = [line.begun, ref.blank]
        if part == "level1":
            fails = [line.begun, _Levels(cells, line).first_blank()]
        elif part == "level2" and "level1" in line.cells:
            fails.append(f"OR({line.cells['level1'].blank},{_Levels(cells, line).known()})")
        elif part in ("name", "target") and {"name", "target"} <= line.cells.keys():
            fails[0] = line.filled("target" if part == "name" else "name")
        told = [line.cells[other].cell for other in ("name", "target") if other in line.cells and other != part]
        expected = accepted(cells.form, part, line.printed.get("level1")) if part in LEVELS else ()
        yield Mark(ref, every(*fails), {"found": told[0] if told else quoted(""), "expected": quoted(listed(expected))})


KINDS: Mapping[str, Kind] = {
    "required": Kind(_required, formula=_required_marks),
    "some_goal": Kind(_some_goal, formula=_some_goal_marks),
    "some_indicator": Kind(_some_indicator, formula=_some_indicator_marks),
    "matches": Kind(_matches, ("type",), formula=_matches_marks),
    "in_list": Kind(_in_list, ("list",), formula=_in_list_marks),
    "line_part": Kind(_line_part, ("part",), formula=_line_part_marks),
}
