"""Returns as parse gives them, made from a few words: the clean return of each form, changed where a test needs it.

`CLEAN` is a well-made return of every form: it must raise no finding whatever rules there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

from xlgoals.check import check
from xlgoals.findings import Catalogue, Finding, Rule
from xlgoals.forms import Form, Forms
from xlgoals.layout import ORIGIN, plan
from xlgoals.records import Area, At, Detail, Funds, Goal, Indicator, Return, Spot, Stamp, cell_name
from xlgoals.spec import load_forms
from xlgoals.subjects import Subject
from xlgoals.tables import INDICATOR_MORE, Tables, as_findings, tabulate
from xlgoals.target import read_line

Change = Mapping[str, Any]
Y, Q, L, P, S, M = "yiyang-2023", "qinglong-2024", "luan-2023", "pingluo-2026", "shigu-2020", "mof-2021"
B = "bumen-2025"  # a form of tests/seventh: 性质, 指标值, 度量单位 and 权重 in columns of their own
YEAR = {Y: "2024", Q: "2024", L: "2023", P: "2026", S: "2020", M: "2026", B: "2025", "listed": "2024"}


def line(level1: str, level2: str, name: str, target: str, **more: str) -> dict[str, str]:
    return {"level1": f"{level1}指标", "level2": f"{level2}指标", "name": name, "target": target, **more}


_TWO_HORIZONS = {
    "project_name": "农村饮水安全巩固提升", "department": "[301]水利局", "unit": "水利工程站", "attribute": "跨年项目", "period": "3年",
    "mid_total": "900.00", "mid_fiscal": "900.00", "mid_other": "0.00", "total": "300.00", "fiscal": "300.00", "other": "0.00",
    "mid_goal": "三年改造供水管网90公里，使沿线村庄全部用上达标的自来水", "goal": "当年改造供水管网30公里，使沿线村庄用上达标的自来水",
}  # fmt: skip
CLEAN: Mapping[str, dict[str, Any]] = {
    Y: {
        "project_name": "城乡居民县级财政补助资金", "department": "610-弋阳县医疗保障局", "unit": "弋阳县医疗保障服务中心",
        "total": "1,329.00", "fiscal": "1,300.00", "other": "29", "carryover": "0", "goal": "落实参保补助，县级配套 1329 万元全部到位",
        "indicators": [
            line("成本", "经济成本", "县级配套", "≤1329万元"),
            line("产出", "数量", "参保人数", "≥30万人"),
            {"level1": "满意度指标", "level2": "服务对象满意度指标", "name": "参保人满意度", "target": "≥90%"},
            line("成本", "经济成本", "人均补助标准", "=44.3元/人"),
            line("产出", "质量", "参保信息准确率", "≥99%"),
            line("产出", "时效", "补助资金到位时间", "2024年6月底前"),
            line("效益", "社会效益", "参保政策知晓率", "≥90%"),
        ],
    },
    Q: {
        "project_code": "13032124P003105100527", "project_name": "一站式结算服务费", "total": "4.50", "fiscal": "4.5", "other": "",
        "purpose": "预算资金4.5万元，其中财政资金45000元，每人补助 450 元", "plan_3": "25%", "plan_6": "50%", "plan_10": "75%", "plan_12": "100%",
        "goals": ["按时完成全年救助对象的一站式结算", "群众就医结算只跑一次、不再垫付"],
        "indicators": [
            line("产出", "成本", "成本预算控制数", "≤4.5万元", description="全部支出控制在预算内", basis="年度工作计划"),
            line("产出", "成本", "人均成本", "≤4500元/人", description="每人次结算的平均成本", basis="年度工作计划"),
            line("效益", "社会效益", "政策知晓率", "≥90%", description="知晓结算政策的群众比例", basis="抽样调查"),
            line("产出", "数量", "结算服务人数", "≥10人", description="全年办理结算的人数", basis="年度工作计划"),
            line("产出", "质量", "结算准确率", "≥98%", description="结算无差错的比例", basis="年度工作计划"),
            line("产出", "时效", "结算完成时间", "≤30日", description="从受理到付款的时间", basis="年度工作计划"),
            line("满意度", "服务对象满意度", "救助对象满意度", "≥90%", description="满意的救助对象比例", basis="问卷调查"),
        ],
    },
    L: {
        **_TWO_HORIZONS, "mid_from": "2022", "mid_to": "2024",
        "indicators": [
            line("产出", "数量", "改造供水管网长度", "≥30公里"),
            line("产出", "质量", "工程验收合格率", "≥98%"),
            line("产出", "时效", "当年工程完工时间", "2023年11月底前"),
            line("产出", "成本", "每公里改造成本", "≤10万元/公里"),
            line("效益", "社会效益", "自来水普及率", "≥96%"),
            line("满意度", "服务对象满意度", "用水户满意度", "≥90%"),
        ],
        "mid_indicators": [
            line("产出", "数量", "改造供水管网长度", "≥90公里"),
            line("产出", "质量", "工程验收合格率", "≥98%"),
            line("产出", "时效", "全部工程完工时间", "2024年11月底前"),
            line("产出", "成本", "每公里改造成本", "≤10万元/公里"),
            line("效益", "社会效益", "自来水普及率", "≥98%"),
            line("满意度", "服务对象满意度", "用水户满意度", "≥90%"),
        ],
    },
    P: {
        "project_name": "中小学校舍维修", "department": "教育局", "unit": "第二中学", "attribute": "一次性项目", "period": "1年", "office": "教科文股",
        "total": "180000.00", "goal": "暑假期间完成两栋教学楼屋面维修，消除渗漏，保证秋季按时开学",
        "indicators": [
            line("产出", "数量", "维修屋面面积", "≥1500平方米"),
            line("产出", "质量", "维修验收合格率", "=100%"),
            line("产出", "时效", "维修完工时间", "2026年8月25日前"),
            line("产出", "成本", "每平方米维修成本", "≤120元/平方米"),
            line("效益", "社会效益", "教学楼安全使用率", "=100%"),
            line("满意度", "服务对象满意度", "师生满意度", "≥95%"),
        ],
    },
    S: {
        "project_name": "城区道路保洁", "attribute": "延续专项", "department": "城市管理局", "total": "60", "duties": "负责城区道路的清扫保洁和垃圾清运。",
        "grounds": "根据区政办发〔2019〕12号文件，城区主次干道清扫保洁经费列入年度预算。", "measures": "每天巡查、每周通报、按季考核，考核结果与经费拨付挂钩。",
        "long_goal": "城区主次干道全部机械化清扫，路面干净整洁，市民满意", "goal": "全年清扫城区主次干道42条，垃圾日产日清",
        "filler": "王建国", "phone": "8100000", "fill_date": "2019年11月20日",
        "indicators": [
            line("产出", "数量", "清扫保洁道路条数", "≥42条"),
            line("产出", "质量", "道路保洁考核合格率", "≥95%"),
            line("产出", "时效", "垃圾清运时间", "≤24小时"),
            line("产出", "成本", "每条道路年保洁成本", "≤1.4万元/条"),
            line("效益", "社会效益", "市民投诉办结率", "=100%"),
            line("效益", "服务对象满意度", "市民满意度", "≥90%"),
        ],
    },
    M: {
        **_TWO_HORIZONS, "mid_from": "2025", "mid_to": "2027",
        "indicators": [
            line("成本", "经济成本", "每公里改造成本", "≤10万元/公里"),
            line("产出", "数量", "改造供水管网长度", "≥30公里"),
            line("产出", "质量", "工程验收合格率", "≥98%"),
            line("产出", "时效", "当年工程完工时间", "2026年11月底前"),
            line("效益", "社会效益", "自来水普及率", "≥96%"),
            line("满意度", "服务对象满意度", "用水户满意度", "≥90%"),
        ],
        "mid_indicators": [
            line("成本", "经济成本", "每公里改造成本", "≤10万元/公里"),
            line("产出", "数量", "改造供水管网长度", "≥90公里"),
            line("产出", "质量", "工程验收合格率", "≥98%"),
            line("产出", "时效", "全部工程完工时间", "2027年11月底前"),
            line("效益", "社会效益", "自来水普及率", "≥98%"),
            line("满意度", "服务对象满意度", "用水户满意度", "≥90%"),
        ],
    },
    B: {
        "department": "教育局", "unit": "教育局", "total": "900.00", "fiscal": "900.00", "carryover": "0", "other": "0",
        "duties": "统筹管理全县的义务教育，改善办学条件", "goal": "维修校舍，培训教师，义务教育巩固率稳定在较高水平",
        "filler": "李明", "phone": "8200000", "fill_date": "2024年11月5日",
        "indicators": [
            line("成本", "经济成本", "每所维修费", "40", nature="≤", measure="万元/所", weight="20"),
            line("产出", "数量", "维修校舍数", "12", nature="＝", measure="所", weight="20"),
            line("产出", "质量", "维修验收合格率", "100", nature="＝", measure="%", weight="10"),
            line("产出", "时效", "维修完工时间", "8", nature="≤", measure="月", weight="10"),
            line("效益", "社会效益", "义务教育巩固率", "97", nature="≥", measure="%", weight="20"),
            line("满意度", "服务对象满意度", "家长满意度", "90", nature="≥", measure="%", weight="10"),
        ],
    },
}  # fmt: skip
CLEAN = {**CLEAN, "listed": {**CLEAN[Y], "department": "一次性项目"}}


def _listed(forms: Forms) -> Form:
    """弋阳's form with a choice of its own among the fields that the other cases leave alone."""
    shape = forms[Y]
    choice = replace(shape.meanings["department"], to="attribute", type="choice", list="attribute", label="项目属性")
    return replace(
        shape,
        template=shape.template.model_copy(update={"form": "listed"}),
        dialect=shape.dialect.model_copy(update={"form": "listed", "lists": {"attribute": ("常年项目", "一次性项目")}}),
        meanings={**shape.meanings, "department": choice},
    )


FORMS = load_forms((str(Path(__file__).parent / "seventh"),))
FORMS = replace(FORMS, forms={**FORMS.forms, "listed": _listed(FORMS)})


def one(form: Form | str, file: str = "a.xlsx", year: str | None = None, sheet: str = "项目1", **changes: Any) -> Return:
    """The clean return of a form with changes, every input placed where the form has it.

    Fields go by the layout's keys; `goals`, `indicators` and `mid_indicators` are lists, line by line from the top.
    """
    form = FORMS[form] if isinstance(form, str) else form
    year = YEAR[form.id] if year is None else year
    told = {**CLEAN[form.id], **changes}
    spots: dict[str, Spot] = {}

    def spot(key: str, row: int, col: int, text: str, label: str) -> None:
        spots[key] = Spot(At(file, sheet, cell_name(row + ORIGIN[0], col + ORIGIN[1])), text, "stamp", label)

    fields, funds, goals, details = {"year": year} if year else {}, [], [], []
    for key, slot in plan(form).inputs.items():
        meaning, text = form.meanings[key], told.get(key, "")
        record = meaning.record_key
        spot(record, slot.area.top, slot.area.left, text, slot.label)
        if meaning.record == "funds":
            funds.append(Funds(record, meaning.horizon, meaning.part, _yuan(text, form), text, form.dialect.money_unit))
        elif meaning.record == "goals":
            if text:
                goals.append(Goal(record, meaning.horizon, 1, text))
        elif meaning.record:
            if text:
                details.append(Detail(record, meaning.record, meaning.line, meaning.part, text, _yuan(text, form)))
        else:
            fields[record] = text
    for key, slot in ((k, s) for s in plan(form).slots if s.kind == "pattern" for k in s.meanings):
        fields[key] = told.get(key, "")
        spot(key, slot.area.top, slot.area.left, slot.text.format_map({k: told.get(k, "") for k in slot.meanings}), slot.label)
    for i, row in enumerate(plan(form).lines("goals")):
        text = dict(enumerate(told.get("goals", ()))).get(i, "")
        if text or i == 0:  # of the lines left blank, parse keeps the first as a place to point to
            spot(f"goals.annual.{i + 1}", row, 1, text, "绩效目标")
        if text:
            goals.append(Goal(f"goals.annual.{i + 1}", "annual", i + 1, text))
    indicators = []
    for pane, lines in (("annual", told["indicators"]), ("mid_term", told.get("mid_indicators", ()))):
        columns = [slot for slot in plan(form).slots if slot.kind == "heading" and slot.grid == "indicators" and slot.column and slot.column.pane in (None, pane)]
        for row, given in zip(plan(form).lines("indicators"), lines, strict=False):
            key = f"indicators.{pane}.{plan(form).rows[row].key.strip('#').removeprefix('indicators.')}"
            for slot in columns:
                assert slot.column
                spot(f"{key}.{slot.column.key}", row, slot.area.left, given.get(slot.column.key, ""), slot.text)
            level1, level2 = (form.canonical(given.get(part, ""), part) for part in ("level1", "level2"))
            name, target = given.get("name", ""), given.get("target", "")
            more = {part: given.get(part, "") for part in INDICATOR_MORE}
            means = read_line(target, name, level2, more, FORMS.units)
            indicators.append(Indicator(key, pane, level1, level2, name, target, more, means))
    for part in {"department", "unit"} - set(fields) - set(spots):
        fields[part] = told.get(part, "县直单位")  # as stamped
    area = Area(0, 0, len(plan(form).rows) - 1, plan(form).width - 1).moved(*ORIGIN)
    stamp = Stamp(1, form.id, form.digest, "p01", year)
    return Return(file, "0", sheet, area, form.id, stamp, fields, tuple(funds), tuple(goals), tuple(indicators), tuple(details), spots)


def _yuan(text: str, form: Form) -> Decimal | None:
    try:
        amount = Decimal(text.replace(",", "")) * form.money_factor
    except InvalidOperation:
        return None
    return amount.quantize(Decimal("0.01")) if amount.is_finite() and abs(amount) < Decimal(10) ** 17 else None


def checked(tables: Tables, forms: Forms, subjects: Sequence[Subject] = ()) -> list[Finding]:
    """What check finds, as findings."""
    return as_findings(check(tables, forms, subjects))


def told(*returns: Return, findings: Iterable[Finding] = (), forms: Forms = FORMS) -> list[Finding]:
    return checked(tabulate(returns, findings), forms)


def found(*returns: Return, findings: Iterable[Finding] = (), forms: Forms = FORMS) -> list[tuple[str, str]]:
    """Code and cell of every finding."""
    return [(f.code, f.at.cell) for f in told(*returns, findings=findings, forms=forms)]


def lines(form: str, *changes: Change, of: str = "indicators") -> dict[str, Any]:
    """The clean indicator lines of a form, with changes to the first ones; `of`: indicators, or mid_indicators."""
    return {of: [{**clean, **(changes[i] if i < len(changes) else {})} for i, clean in enumerate(CLEAN[form][of])]}


def with_rules(**changes: Rule | None) -> Forms:
    """The shipped forms with other rules: one rule put in or taken out by code (__ for a dot)."""
    rules = dict(FORMS.catalogue.rules)
    for name, rule in changes.items():
        rules.pop(name.replace("__", "."), None)
        if rule:
            rules[rule.code] = rule
    return replace(FORMS, catalogue=Catalogue(rules.values()))


class Case(NamedTuple):
    """A change of the clean return of a form, and the cell at which a rule must speak; None where it must be silent.

    `beside`: further returns of the batch, as changes of the same clean return ("file", "sheet", "year" too); by default they
    are further sheets of the same workbook. The cell is always that of the first one.
    """

    code: str
    form: str
    change: Mapping[str, Any]
    cell: str | None
    beside: tuple[Mapping[str, Any], ...] = ()

    def returns(self) -> list[Return]:
        more = [one(self.form, **{"sheet": f"项目{i}", **change}) for i, change in enumerate(self.beside, 2)]
        return [one(self.form, **self.change), *more]


def fails(code: str, form: str, cell: str, *, beside: tuple[Mapping[str, Any], ...] = (), **change: Any) -> Case:
    return Case(code, form, change, cell, beside)


def passes(code: str, form: str, *, beside: tuple[Mapping[str, Any], ...] = (), **change: Any) -> Case:
    return Case(code, form, change, None, beside)
