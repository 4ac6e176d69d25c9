"""The kinds of rule: what an entry of the catalogue demands of a form, as conditions on the rows of a table.

A short closed list. Everything else about a rule (code, severity, sentence, parameters, the words it looks for) stands in
`mappings/rules.yaml`; which fields it concerns follows from the form's meanings. The tables are those of `facts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from xlgoals import kinds_form, kinds_money, kinds_name, kinds_plan, kinds_prose, kinds_reading, kinds_set, kinds_target
from xlgoals.conditions import Across, Condition, Kind, unfit_pattern
from xlgoals.errors import SpecError
from xlgoals.facts import PARTS, Units
from xlgoals.findings import Catalogue, Rule
from xlgoals.forms import LEVELS, Form
from xlgoals.marks import Cells, Mark

DEFECT = "internal.rule"  # the one code that Python itself raises: a rule crashed
KINDS: Mapping[str, Kind] = {
    **kinds_form.KINDS, **kinds_money.KINDS, **kinds_plan.KINDS, **kinds_prose.KINDS, **kinds_target.KINDS, **kinds_name.KINDS, **kinds_set.KINDS,
}  # fmt: skip


def lint(catalogue: Catalogue, units: Units) -> None:
    """Raise SpecError with every mistake in the catalogue that concerns a kind."""
    told = [
        catalogue.mistake(text, rule.code, *path) for rule in catalogue.rules.values() for path, text in _mistakes(rule, catalogue, units)
    ]
    if DEFECT not in catalogue.rules:
        told.append(catalogue.mistake("缺少这条规则，程序出错时要用它说明，请补上", DEFECT))
    if told:
        raise SpecError(told)


def conditions(form: Form, rule: Rule, units: Units) -> tuple[Condition, ...]:
    """What a rule demands of a form; nothing where the form has no such field, where an earlier stage raises the finding, or
    where the rule is off."""
    return tuple(KINDS[rule.kind].conditions(form, rule, units)) if rule.kind and not rule.off else ()


def marks(cells: Cells, rule: Rule, units: Units) -> tuple[Mark, ...]:
    """What a rule demands of a form, as formulas of the form's own workbook; nothing where it offers none, or is off."""
    if rule.off:
        return ()
    formula = KINDS[rule.kind].formula if rule.kind else kinds_reading.FORMULAS.get(rule.code)
    return tuple(formula(cells, rule, units)) if formula else ()


def across_forms(rule: Rule) -> Across | None:
    """What a rule gathers from all forms of a batch, if it looks across them."""
    return KINDS[rule.kind].across if rule.kind and not rule.off else None


def _mistakes(rule: Rule, catalogue: Catalogue, units: Units) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where in the entry, and what."""
    kind = KINDS.get(rule.kind)
    if kind is None:
        if rule.kind:
            yield ("kind",), f"没有 kind {rule.kind}，可用：{'、'.join(KINDS)}"
        return
    for name in (*kind.needs, *kind.numbers):
        at = ("parameters", name)
        if not rule.parameters.get(name):
            yield at, f"parameters 缺少 {name}，请补上"
        elif name in kind.numbers:
            try:
                finite = Decimal(rule.parameters[name]).is_finite()
            except InvalidOperation:
                finite = False
            if not finite:
                yield at, f"parameters 的 {name} 应为数字"
    for name, known in (("part", PARTS), ("list", (*LEVELS, "field")), ("unit", tuple(name for name, _ in units))):
        if name in kind.needs and rule.parameters.get(name, known[0]) not in known:
            yield ("parameters", name), f"parameters 的 {name} 只能是 {'、'.join(known)}"
    for code in rule.parameters.get("unless", "").split():
        if code not in catalogue.rules:
            yield ("parameters", "unless"), f"unless 里的 {code} 不在规则清单里，请改正或删去"
    if kind.cases and not rule.cases:
        yield (), "缺少 cases，请补上"
    for number, case in enumerate(rule.cases):
        for name, known in kind.cases.items():
            given = case.get(name, "").split()
            if not given or (known and not set(given) <= set(known)):
                choice = f"，可用：{'、'.join(known)}" if known else ""
                yield ("cases", str(number)), f"第 {number + 1} 个 case 的 {name} 空着或写错了{choice}"
    for name in ("pattern", *kind.patterns):
        if told := unfit_pattern(rule.parameters.get(name, "")):
            yield ("parameters", name), f"parameters 的 {name} 不是正则表达式（{told}）"
