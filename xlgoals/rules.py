"""The kinds of rule: what an entry of the catalogue demands of a form, as conditions on the rows of a table.

A short closed list. Everything else about a rule (code, severity, sentence, parameters, the words it looks for) stands in
`mappings/rules.yaml`; which fields it concerns follows from the form's meanings. The tables are those of `facts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from xlgoals import kinds_form, kinds_money, kinds_tie
from xlgoals.conditions import Condition, Kind
from xlgoals.errors import Mistake, SpecError
from xlgoals.facts import PARTS, Units
from xlgoals.findings import Catalogue, Rule
from xlgoals.forms import LEVELS, Form

DEFECT = "internal.rule"  # the one code that Python itself raises: a rule crashed
KINDS: Mapping[str, Kind] = {**kinds_form.KINDS, **kinds_money.KINDS, **kinds_tie.KINDS}


def lint(catalogue: Catalogue, units: Units) -> None:
    """Raise SpecError with every mistake in the catalogue that concerns a kind."""
    told = [(rule.code, text) for rule in catalogue.rules.values() for text in _mistakes(rule, catalogue, units)]
    if DEFECT not in catalogue.rules:
        told.append((DEFECT, "缺少这条规则，程序出错时要用它说明，请补上"))
    if told:
        raise SpecError(Mistake("mappings/rules.yaml", 0, f"{code}：{text}") for code, text in told)


def conditions(form: Form, rule: Rule, units: Units) -> tuple[Condition, ...]:
    """What a rule demands of a form; nothing where the form has no such field, or where an earlier stage raises the finding."""
    return tuple(KINDS[rule.kind].conditions(form, rule, units)) if rule.kind else ()


def _mistakes(rule: Rule, catalogue: Catalogue, units: Units) -> Iterator[str]:
    kind = KINDS.get(rule.kind)
    if kind is None:
        if rule.kind:
            yield f"没有 kind {rule.kind}，可用：{'、'.join(KINDS)}"
        return
    for name in (*kind.needs, *kind.numbers):
        if not rule.parameters.get(name):
            yield f"parameters 缺少 {name}，请补上"
        elif name in kind.numbers:
            try:
                finite = Decimal(rule.parameters[name]).is_finite()
            except InvalidOperation:
                finite = False
            if not finite:
                yield f"parameters 的 {name} 应为数字"
    choices = {
        "part": PARTS, "list": (*LEVELS, "field"), "unit": tuple(name for name, _ in units), "outcome": kinds_tie.OUTCOMES,
        "fault": kinds_tie.FAULTS,
    }  # fmt: skip
    for name, known in choices.items():
        if name in kind.needs and rule.parameters.get(name, known[0]) not in known:
            yield f"parameters 的 {name} 只能是 {'、'.join(known)}"
    for code in rule.parameters.get("unless", "").split():
        if code not in catalogue.rules:
            yield f"unless 里的 {code} 不在规则清单里，请改正或删去"
    try:
        re.compile(rule.parameters.get("pattern", ""))
    except re.error as error:
        yield f"parameters 的 pattern 不是正则表达式（{error}）"
