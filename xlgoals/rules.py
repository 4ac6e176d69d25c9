"""The kinds of rule: what an entry of the catalogue demands of a form, as conditions on the rows of a table.

A short closed list. Everything else about a rule (code, severity, sentence, parameters, the words it looks for) stands in
`mappings/rules.yaml`; which fields it concerns follows from the form's meanings. The tables are those of `facts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from xlgoals import kinds_form, kinds_money, kinds_name, kinds_plan, kinds_prose, kinds_reading, kinds_set, kinds_target, kinds_tie
from xlgoals.conditions import Across, Condition, Kind, unfit_pattern
from xlgoals.errors import SpecError
from xlgoals.facts import PARTS, SORTS, Units
from xlgoals.findings import Catalogue, Rule
from xlgoals.forms import LEVELS, Form
from xlgoals.marks import Cells, Mark
from xlgoals.specfile import near

DEFECT = "internal.rule"  # the one code that Python itself raises: a rule crashed
KINDS: Mapping[str, Kind] = {
    **kinds_form.KINDS, **kinds_money.KINDS, **kinds_plan.KINDS, **kinds_prose.KINDS, **kinds_target.KINDS, **kinds_name.KINDS, **kinds_set.KINDS,
    **kinds_tie.KINDS,
}  # fmt: skip


CHOICES: Mapping[str, tuple[str, ...]] = {  # parameters that hold one or several of some words
    "part": PARTS, "list": (*LEVELS, "field"), "outcome": kinds_tie.OUTCOMES, "fault": kinds_tie.FAULTS, "sorts": SORTS,
    "which": ("same", "differing", "explained"), "fits": ("length", "order", "year"), "bounds": ("yes", "no"), "against": ("yes", "no"),
    "value_kind": ("placeholder", "unreadable", "none"),
}  # fmt: skip
WHOLE = frozenset(("least", "most", "back", "fewest", "length", "shared_lines"))  # parameters that count something
MANY_NUMBERS = frozenset(("sums",))


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
        elif name in kind.numbers and not _number(rule.parameters[name], whole=name in WHOLE):
            yield at, f"parameters 的 {name} 应为{'整数' if name in WHOLE else '数字'}，不能小于 0"
        elif name in MANY_NUMBERS and not all(_number(word) for word in rule.parameters[name].split()):
            yield at, f"parameters 的 {name} 应为数字，几个数之间用空格分开"
    for name, known in {**CHOICES, "unit": tuple(name for name, _ in units)}.items():
        if name in kind.needs and not set(rule.parameters.get(name, known[0]).split()) <= set(known):
            yield ("parameters", name), f"parameters 的 {name} 只能是 {'、'.join(known)}"
    levels = "，可用：" + "、".join(sorted(catalogue.levels))
    for name in kind.levels:
        cases = ((("cases", str(number), name), case.get(name, "")) for number, case in enumerate(rule.cases))
        for path, text in ((("parameters", name), rule.parameters.get(name, "")), *cases):
            for word in text.split() if catalogue.levels else ():
                if word not in catalogue.levels:
                    yield path, f"{name} 里的“{word}”不是一级、二级指标的名称{near(word, catalogue.levels, levels)}"
    for code in rule.parameters.get("unless", "").split():
        if code not in catalogue.rules:
            yield ("parameters", "unless"), f"unless 里的 {code} 不在规则清单里，请改正或删去"
        elif across_forms(catalogue.rules[code]) and not kind.across:  # each form is judged before all of them are
            yield ("parameters", "unless"), f"unless 里的 {code} 要看几张表才知道，只看一张表的规则不能等它，请删去"
    if kind.cases and not rule.cases:
        yield (), "缺少 cases，请补上"
    for number, case in enumerate(rule.cases):
        for name, known in kind.cases.items():
            given = case.get(name, "").split()
            if not given or (known and not set(given) <= set(known)):
                choice = f"，可用：{'、'.join(known)}" if known else ""
                yield ("cases", str(number)), f"第 {number + 1} 个 case 的 {name} 空着或写错了{choice}"
        for name in case.keys() - {*kind.cases, *kind.besides}:
            yield ("cases", str(number), name), f"case 里不认识 {name}{near(name, (*kind.cases, *kind.besides), '，请删去或改正')}"
    for name in ("pattern", *kind.patterns):
        if told := unfit_pattern(rule.parameters.get(name, "")):
            yield ("parameters", name), f"parameters 的 {name} 不是正则表达式（{told}）"


def _number(text: str, *, whole: bool = False) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and number >= 0 and (not whole or number == number.to_integral_value())
