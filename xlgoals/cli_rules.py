"""Commands about the rules: what is checked, how strictly, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xlgoals.options import forms_option
from xlgoals.running import echo_json

if TYPE_CHECKING:
    from xlgoals.findings import Catalogue, Rule
    from xlgoals.forms import Forms

MEANT = {"error": "逻辑性问题，必须改正", "query": "核实性问题，改正或者说明", "note": "提示，不影响报送"}
HELD_BACK = "表样"  # what is told before content is looked at: of none of the four properties


HOLES = {"found": "填的内容", "expected": "应有的内容", "field": "栏目", "detail": "详情", "unit": "万元", "form": "表样", "period": "年度"}


class _Shown(dict[str, str]):
    """Words of an example; one that it does not give stands in brackets."""

    def __missing__(self, name: str) -> str:
        return f"〔{HOLES.get(name, name)}〕"


def _known(forms_dirs: tuple[str, ...]) -> Forms:
    from xlgoals.rules import lint
    from xlgoals.spec import load_forms

    forms = load_forms(forms_dirs)
    lint(forms.catalogue, tuple(forms.money_units.items()))
    return forms


def rule_object(rule: Rule, catalogue: Catalogue) -> dict[str, Any]:
    """One rule as an object: everything the catalogue says of it, and the file and line where it stands."""
    file, line = catalogue.lines.get((rule.code,), ("", 0))
    return {
        "code": rule.code, "severity": rule.severity, "serves": rule.serves, "title": rule.title, "off": rule.off, "kind": rule.kind,
        "amount": rule.amount, "sentence": rule.sentence, "remedy": rule.remedy, "why": rule.why, "source": rule.source,
        "parameters": dict(rule.parameters), "cases": [dict(case) for case in rule.cases], "example": dict(rule.example), "written": f"{file}:{line}",
    }  # fmt: skip


@click.command("rules")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一条规则。")
@forms_option
def rules_command(shape: str, forms_dirs: tuple[str, ...]) -> None:
    """列出全部审核规则：代码、级别、四性、参数。xlgoals explain 代码 看详细说明。"""
    from xlgoals.findings import SEVERITY_WORDS
    from xlgoals.report import print_table

    catalogue = _known(forms_dirs).catalogue
    if shape == "json":
        for rule in catalogue.rules.values():
            echo_json(rule_object(rule, catalogue))
        return
    rows = []
    for rule in catalogue.rules.values():
        given = "；".join(f"{name}={value}" for name, value in rule.parameters.items()) if rule.kind else ""
        state = "关" if rule.off else "开"
        rows.append((rule.code, SEVERITY_WORDS[rule.severity], rule.serves, rule.title, state, given if len(given) <= 40 else given[:39] + "…"))
    print_table(("代码", "级别", "四性", "查什么", "开关", "参数"), rows)
    off = len(catalogue.off)
    click.echo(f"{len(catalogue.rules)} 条规则{f'，其中 {off} 条关着' if off else ''}。看一条的说明：xlgoals explain {next(iter(catalogue.rules))}", err=True)


@click.command()
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json 为每行一条规则。")
@forms_option
def explain(codes: tuple[str, ...], shape: str, forms_dirs: tuple[str, ...]) -> None:
    """说明一条规则：查什么、为什么、怎么改、参数什么意思。例：xlgoals explain funds.sum"""
    from xlgoals.errors import UsageError
    from xlgoals.specfile import near

    catalogue = _known(forms_dirs).catalogue
    for code in codes:
        if code not in catalogue.rules:
            raise UsageError(f"没有规则“{code}”{near(code, catalogue.rules, '。')}用 xlgoals rules 查看全部规则。")
    for number, code in enumerate(codes):
        rule = catalogue[code]
        if shape == "json":
            echo_json(rule_object(rule, catalogue))
        else:
            click.echo(("\n" if number else "") + "\n".join(explained(rule, catalogue)))


def explained(rule: Rule, catalogue: Catalogue) -> list[str]:
    """What people want to know of a rule, line by line."""
    from xlgoals.findings import SEVERITY_WORDS

    words = _Shown({**rule.parameters, **rule.example})
    told = [f"{rule.code}　{rule.title}{'（关着，不查）' if rule.off else ''}", f"  级别　　{SEVERITY_WORDS[rule.severity]}：{MEANT[rule.severity]}"]
    if rule.why:
        told.append(f"  查什么　{rule.why}")
    told.append(f"  举例　　{rule.sentence.format_map(words)}")
    shown = [f"{label}“{rule.example[name]}”" for name, label in (("found", "填的是"), ("expected", "应为")) if rule.example.get(name)]
    if shown:
        told.append(f"  　　　　{'，'.join(shown)}")
    told.append(f"  怎么办　{rule.remedy.format_map(words)}")
    asked = catalogue.serves.get(rule.serves, "")
    told.append(f"  四性　　{asked if rule.serves == HELD_BACK else f'{rule.serves}：{asked}'}")
    told.append(f"  依据　　{rule.source or '财预〔2015〕88号 绩效目标审核'}")
    if rule.amount:
        told.append("  汇总　　没有解决之前，这个金额列入“待核实”")
    for i, (name, value) in enumerate(rule.parameters.items() if rule.kind else ()):
        told.append(f"  {'　　' if i else '参数'}　　{name}：{catalogue.meanings.get(name, '')}")
        told.append(f"  　　　　　现为 {' '.join(value.split()) or '（空）'}")
    for i, case in enumerate(rule.cases):
        told.append(f"  {'　　' if i else '情况'}　　{'；'.join(f'{name}={value}' for name, value in case.items())}")
    file, line = catalogue.lines.get((rule.code,), ("", 0))
    told.append(f"  写在　　{file}:{line}")
    return told
