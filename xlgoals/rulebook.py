"""The rule catalogue from its files: the one shipped, and what a bureau changes of it in a `rules.yaml` of its own.

A bureau's entry that names a known code gives only what changes (off, severity, parameters, sentence …); one with a new code
is a rule of its own and must name a `kind`. Later folders change what earlier ones say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from xlgoals.errors import Mistake, SpecError
from xlgoals.findings import Catalogue, Lines, Rule
from xlgoals.models import Rulebook, RuleChange, RuleSpec
from xlgoals.specfile import modelled, near
from xlgoals.yamlmark import Marked, Path_, load_marked


def load_catalogue(files: Sequence[Path], mistakes: list[Mistake], levels: Iterable[str] = ()) -> Catalogue | None:
    """Lay the files over each other, the shipped one first; None when one has mistakes, which are added to the list. `levels`: the
    words by which a rule may name levels."""
    before = len(mistakes)
    rules: dict[str, Rule] = {}
    lines: Lines = {}
    meanings: dict[str, str] = {}
    serves: dict[str, str] = {}
    for number, file in enumerate(files):
        if number and not file.is_file():
            continue
        try:
            marked = load_marked(file)
        except SpecError as error:
            mistakes += [one._replace(file=str(file)) for one in error.mistakes] if number else error.mistakes
            continue
        if number:  # not to be taken for the shipped file of the same name
            marked = Marked(str(file), marked.data, marked.lines)
        book = modelled(Rulebook, marked, mistakes)
        if book is None:
            continue
        meanings |= book.parameters
        serves |= book.serves
        written: dict[str, int] = {}
        for i, entry in enumerate(book.rules):
            at: Path_ = ("rules", i)
            code = str(entry.get("code", ""))
            if code in written:
                mistakes.append(marked.mistake((*at, "code"), f"{code} 在第 {written[code]} 行已经写过，请合并成一条"))
                continue
            written[code] = marked.line(at)
            rule = _changed(rules[code], entry, marked, at, mistakes) if code in rules else _new(entry, bool(number), rules, marked, at, mistakes)
            if rule:
                rules[code] = rule
                lines |= {(code, *map(str, path[2:])): (marked.file, line) for path, line in marked.lines.items() if path[:2] == at}
    return Catalogue(rules.values(), lines, meanings, serves, levels) if len(mistakes) == before else None


def _new(entry: dict[str, Any], added: bool, known: dict[str, Rule], marked: Marked, at: Path_, mistakes: list[Mistake]) -> Rule | None:
    code = str(entry.get("code", ""))
    if added and not entry.get("kind"):
        hint = near(code, known) or "，用 xlgoals rules 查看全部代码；自己加的规则要写 kind"
        mistakes.append(marked.mistake((*at, "code"), f"规则清单里没有 {code}{hint}"))
        return None
    spec = modelled(RuleSpec, marked, mistakes, at, entry)
    if spec is None:
        return None
    alike = [rule for rule in known.values() if rule.kind == spec.kind] if added else []
    if added and not _said(spec.sentence, spec.remedy, {"found", "expected", "field", *spec.parameters}.union(*map(_words, alike)), marked, at, mistakes):
        return None
    return Rule(**spec.model_dump())


def _words(rule: Rule) -> set[str]:
    """The words in braces that a rule's sentences may hold."""
    return {"found", "expected", "field", *rule.parameters, *rule.example, *_braced(rule.sentence), *_braced(rule.remedy)}


def _braced(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


def _said(sentence: str | None, remedy: str | None, known: set[str], marked: Marked, at: Path_, mistakes: list[Mistake]) -> bool:
    """Whether sentence and remedy hold only words in braces that the rule has something for."""
    before = len(mistakes)
    for name, text in (("sentence", sentence), ("remedy", remedy)):
        try:
            unknown = [word for word in _braced(text or "") if word not in known]
        except ValueError:
            mistakes.append(marked.mistake((*at, name), f"{name} 里的大括号不成对，请改正"))
            continue
        for word in unknown:
            listed = "、".join(f"{{{one}}}" for one in sorted(known))
            mistakes.append(marked.mistake((*at, name), f"{name} 里的 {{{word}}} 没有内容可填{near(word, known) or f'，可用：{listed}'}"))
    return len(mistakes) == before


def _changed(rule: Rule, entry: dict[str, Any], marked: Marked, at: Path_, mistakes: list[Mistake]) -> Rule | None:
    """A rule with what a bureau's entry changes. What reading itself says of a value it could not take stays an error: without
    it the value would be lost in silence."""
    if "kind" in entry:
        mistakes.append(marked.mistake((*at, "kind"), f"{rule.code} 的 kind 不能改；要另一种检查，请用新的 code 另写一条"))
        return None
    change = modelled(RuleChange, marked, mistakes, at, entry)
    if change is None:
        return None
    for name in change.parameters:
        if name not in rule.parameters:
            hint = near(name, rule.parameters) or f"，可用：{'、'.join(rule.parameters) or '无'}"
            mistakes.append(marked.mistake((*at, "parameters", name), f"{rule.code} 没有参数 {name}{hint}"))
            return None
    if not _said(change.sentence, change.remedy, _words(rule), marked, at, mistakes):
        return None
    if not rule.kind and rule.severity == "error" and (change.off or change.severity not in (None, "error")):
        told = f"{rule.code} 说的是读不出的内容或程序缺陷，关掉或降级会漏掉它，不能改"
        mistakes.append(marked.mistake((*at, "off" if change.off else "severity"), told))
        return None
    given = change.model_dump(exclude_none=True, exclude={"parameters"})
    whole = {name: getattr(rule, name) for name in RuleSpec.model_fields}
    return Rule(**{**whole, **given, "parameters": {**rule.parameters, **change.parameters}})
