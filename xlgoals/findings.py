"""A finding: what is wrong with a filled form, where, and what to do; and the catalogue that phrases it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from xlgoals.errors import Mistake
from xlgoals.records import At, Spot
from xlgoals.words import unhidden

Severity = Literal["error", "query", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "query", "note")
Status = Literal["", "explained", "upheld", "accepted", "dismissed"]
STATUS_WORDS: Mapping[Status, str] = {"": "", "explained": "已说明", "upheld": "退回", "accepted": "认可", "dismissed": "误报"}
SEVERITY_WORDS: Mapping[Severity, str] = {"error": "错误", "query": "核实", "note": "提示"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the rule catalogue (`mappings/rules.yaml`).

    `sentence` and `remedy` may hold {found}, {expected}, {field} and whatever else the check passes. `serves` is one of the
    four properties of 财预〔2015〕88号 (完整性, 相关性, 适当性, 可行性) or 表样 for what comes before content. An open
    finding of an `amount` rule makes the money line it stands at 待核实. `kind` names the check that evaluates the rule;
    it is empty where an earlier stage raises the finding. `cases`: the same parameters several times over. A rule that is `off` says nothing. `why`, `source` and `example`
    (words that show the sentence at work) are for `xlgoals explain`.
    """

    code: str
    severity: Severity
    serves: str
    title: str
    sentence: str
    remedy: str
    kind: str = ""
    amount: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Mapping[str, str], ...] = ()
    why: str = ""
    source: str = ""
    example: Mapping[str, str] = field(default_factory=dict)
    off: bool = False

    def phrased(self, words: Mapping[str, object]) -> tuple[str, str]:
        """The sentence and the remedy with these words in them, and the rule's own parameters."""
        told = _Told(words)
        told.parameters = self.parameters
        return unhidden(self.sentence.format_map(told)), self.remedy.format_map(told)


class _Told(dict[str, object]):
    """Words for a sentence; those that are not among them are looked for in the parameters, of which a rule may have very many."""

    parameters: Mapping[str, str]

    def __missing__(self, name: str) -> str:
        return self.parameters[name]


class Finding(NamedTuple):
    """One thing that is wrong, or must be explained, or should be known.

    `key` stays the same from round to round while the values it speaks of stay the same, wherever the cell has moved:
    explanations and decisions hang on it. `at` is only where it was seen; `others` are further places it concerns.
    `record` is the key of the record concerned, so that an amount with an open finding can be told. `status` is what the
    unit (explained: a query only) or the bureau (upheld, accepted, dismissed) has answered, in the words of `answer`.
    """

    code: str
    severity: Severity
    at: At
    field: str
    found: str
    expected: str
    message: str
    remedy: str
    key: str
    amount: bool = False
    record: str = ""
    others: tuple[At, ...] = ()
    status: Status = ""
    answer: str = ""

    @property
    def open(self) -> bool:
        """Whether it still blocks: an error or a query that nobody has answered, or that the bureau sends back."""
        return self.severity != "note" and self.status in ("", "upheld")

    @property
    def text(self) -> str:
        """The whole sentence for people: what, and what to do."""
        return f"{self.message}{self.remedy}"


def finding_key(code: str, identity: str, record: str, *values: str) -> str:
    """Hash what a finding is about, not where it stands."""
    return hashlib.sha256("\x1f".join((code, identity, record, *values)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


Lines = dict[tuple[str, ...], tuple[str, int]]
"""Where something is written: (code, "parameters", name) -> file and line."""


class Catalogue:
    """All rules by code; the only maker of findings, so that every sentence comes from the catalogue.

    `lines` tells where each rule and parameter is written, `meanings` what a parameter means, `serves` what each of the four
    properties of 财预〔2015〕88号 asks for, `levels` the words that a parameter may name levels by (none: any).
    """

    def __init__(
        self, rules: Iterable[Rule], lines: Lines | None = None, meanings: Mapping[str, str] | None = None, serves: Mapping[str, str] | None = None,
        levels: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.rules: dict[str, Rule] = {rule.code: rule for rule in rules}
        self.lines: Lines = lines or {}
        self.meanings: Mapping[str, str] = meanings or {}
        self.serves: Mapping[str, str] = serves or {}
        self.levels = frozenset(levels)
        self.off = frozenset(code for code, rule in self.rules.items() if rule.off)

    def __getitem__(self, code: str) -> Rule:
        return self.rules[code]

    def of_kind(self, kind: str) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules.values() if rule.kind == kind)

    def mistake(self, text: str, code: str, *path: str) -> Mistake:
        """A mistake in a rule, at the line of the deepest part of it that is written down."""
        file, line = next((self.lines[code, *path[:n]] for n in range(len(path), -1, -1) if (code, *path[:n]) in self.lines), ("rules.yaml", 1))
        return Mistake(file, line, f"{code}：{text}")

    def heeded(self, findings: Iterable[Finding]) -> list[Finding]:
        """Findings without those of rules that are off."""
        return [finding for finding in findings if finding.code not in self.off]

    def finding(
        self,
        code: str,
        at: At,
        *,
        field: str = "",
        found: str = "",
        expected: str = "",
        identity: str = "",
        record: str = "",
        others: Iterable[At] = (),
        **words: object,
    ) -> Finding:
        """Phrase one finding. `identity` is the return's, `record` the key of the value it speaks of. Its key is a first one:
        `keys.keyed` gives the one that holds from round to round, once it is known what the workbook holds."""
        rule = self.rules[code]
        message, remedy = rule.phrased({**words, "found": found, "expected": expected, "field": field})
        return Finding(
            code=code,
            severity=rule.severity,
            at=at,
            field=field,
            found=found,
            expected=expected,
            message=message,
            remedy=remedy,
            key=finding_key(code, identity or at.file, record or f"{at.sheet}!{at.cell}", found, expected),
            amount=rule.amount,
            record=record,
            others=tuple(others),
        )

    def at_spot(
        self, code: str, spot: Spot, *, found: str | None = None, expected: str = "", identity: str = "", record: str = "", **words: object
    ) -> Finding:
        """Phrase a finding about a value that stands somewhere: place, label and text come from its spot."""
        return self.finding(
            code,
            spot.at,
            field=spot.label,
            found=spot.text if found is None else found,
            expected=expected,
            identity=identity,
            record=record,
            **words,  # type: ignore[arg-type]  # mypy cannot see that words holds no `others`
        )


def grouped(findings: Iterable[Finding]) -> list[Finding]:
    """Join findings that say the same about the same sheet and are answered alike into one, the first place leading; worst first, then by place."""
    groups: dict[tuple[str, ...], Finding] = {}
    for finding in findings:
        same = (finding.code, finding.at.file, finding.at.sheet, finding.text, finding.status, finding.answer)
        first = groups.get(same)
        groups[same] = finding if first is None else first._replace(others=(*first.others, finding.at, *finding.others))
    return sorted(groups.values(), key=lambda f: (f.at.file, SEVERITIES.index(f.severity), f.at.sheet, f.code))
