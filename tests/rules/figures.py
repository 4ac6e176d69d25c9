"""The budget against what the form says of it elsewhere: purpose, costs, plan, heads and prices, the middle term."""

from __future__ import annotations

from tests.returns import L, P, Q, fails, line, lines, passes
from tests.rules.money import NO_PLAN, UNQUANTIFIED


def plan(*spent: str) -> dict[str, str]:
    return dict(zip(("plan_3", "plan_6", "plan_10", "plan_12"), spent, strict=True))


def purpose(text: str, **more: object) -> dict[str, object]:
    return {"purpose": text, **plan("", "", "", "4.50"), **UNQUANTIFIED[Q], **more}


COST = ("产出", "成本")
HEADS = ("产出", "数量")
CASES = [
    fails("funds.horizons", L, "H10", fiscal="0.00", other="300.00"),  # the sources are swapped: 其他资金 above the middle term's
    fails("funds.horizons", L, "H8", total="1000.00", fiscal="1000.00"),  # this year more than three years
    fails("funds.horizons", L, "H8", mid_from="2023", mid_to="2023", period="1年"),  # a term of one year that is not this year's
    passes("funds.horizons", L),
    passes("funds.horizons", L, mid_total="300.00", mid_fiscal="300.00", mid_from="2023", mid_to="2023", period="1年"),
    passes("funds.horizons", L, fiscal="0.00", other="300.00", mid_from="2024", mid_to="2026"),  # a term that leaves this year out
    passes("funds.horizons", L, mid_total="", mid_fiscal="", mid_other=""),
    fails("amount.purpose", Q, "B6", **purpose("预算数3万元，用于业务培训")),
    fails("amount.purpose", Q, "B6", **purpose("共需资金 45 万元，其中财政资金 45 万元，其他资金0万元")),
    fails("amount.purpose", Q, "B6", **purpose("资金总需要4.6万元")),
    passes("amount.purpose", Q, **purpose("预算4500万元", total="4500.4", fiscal="4500.4")),  # within half of its last digit
    fails("amount.purpose", Q, "B6", **purpose("预算5万元")),  # but not 4.5 for 5
    passes("amount.purpose", Q, **purpose("共需要资金4.50195万元，其中财政资金4.50195万元")),
    passes("amount.purpose", Q, **purpose("培训费预算2万元，差旅费预算2.5万元")),  # parts that add up
    passes("amount.purpose", Q, **purpose("预算总额9万元，其中本年安排4.5万元，其余下年安排")),  # one of them agrees
    passes("amount.purpose", Q, **purpose("用于业务培训，每人补助标准450元，上年预算3万元")),  # a rate, and last year's
    passes("amount.purpose", Q, **purpose("购置电脑2万元")),  # a part
    passes("amount.purpose", Q, **purpose("预算 2. 万元")),  # unreadable: another rule's
    fails("amount.cost", Q, "F18", **lines(Q, {"target": "≤5万元"})),  # above the budget
    fails("amount.cost", Q, "F18", **lines(Q, {"target": "≤4万元"})),  # 预算控制数 below it
    fails("amount.cost", Q, "F18", **purpose("预算3万元", **lines(Q, {"name": "结算服务成本", "target": "≤3万元", "description": ""}))),
    passes("amount.cost", Q),
    fails("amount.cost", Q, "F18", **lines(Q, {"name": "印刷成本", "target": "≤4.5元", "description": "印刷宣传单的支出"})),  # 元 for 万元
    passes("amount.cost", Q, **lines(Q, {"name": "印刷成本", "target": "≤1万元", "description": "印刷宣传单的支出"})),  # a part
    passes("amount.cost", Q, **lines(Q, {"name": "人均成本", "target": "≤5万元"})),  # a rate
    passes("amount.cost", Q, total="45000", fiscal="45000", **lines(Q, {"target": "≤4.5万元"})),  # 元 in a 万元 form: told at the amount
    fails("amount.plan", Q, "F8", **plan("1", "2", "3", "4.00")),
    fails("amount.plan", Q, "B8", **plan("2.00", "", "", "")),
    fails("amount.plan", Q, "F8", **plan("1", "1", "1", "1.50")),  # not cumulative
    passes("amount.plan", Q),
    passes("amount.plan", Q, **plan("1", "2", "3", "4.50")),
    passes("amount.plan", Q, **plan("25", "50", "75", "100")),  # percents
    passes("amount.plan", Q, **plan("1", "大约2", "3", "4")),  # unreadable
    fails("plan.money", Q, "B8", **plan("1", "2", "3", "4.50")),
    fails("plan.money", Q, "F8", **plan("", "", "", "4.50")),
    passes("plan.money", Q),
    passes("plan.money", Q, **plan("25", "50", "75", "100")),
    passes("plan.money", Q, **NO_PLAN),
    fails("plan.falling", Q, "E8", **plan("25%", "75%", "50%", "100%")),
    fails("plan.falling", Q, "F8", **plan("1", "2", "5", "4.50")),
    passes("plan.falling", Q, **plan("50%", "50%", "", "100%")),
    fails("plan.end", Q, "F8", **plan("", "4.50", "", "")),
    fails("plan.end", Q, "F8", **plan("25%", "50%", "75%", "90%")),
    passes("plan.end", Q),
    passes("plan.end", Q, **plan("1", "2", "3", "4.00")),  # told at the amount
    passes("plan.end", Q, **NO_PLAN),
    fails("cost.total", P, "D11", indicators=[line(*COST, "校舍维修支出", "180000.00元")]),
    passes("cost.total", P),
    passes("cost.total", P, indicators=[line(*COST, "校舍维修支出", "180000元"), line(*COST, "每平方米成本", "≤120元/平方米")]),
    fails("cost.price", P, "D12", indicators=[line(*HEADS, "资助学生人数", "≥1000人"), line(*COST, "资助标准", "500元/人")]),
    fails("cost.price", P, "D12", indicators=[line(*HEADS, "资助学生人数", "≥1000人"), line(*COST, "人均资助金额", "500元")]),
    passes("cost.price", P, indicators=[line(*HEADS, "资助学生人数", "≥360人"), line(*COST, "资助标准", "500元/人")]),
    passes("cost.price", P, indicators=[line(*HEADS, "资助学生人数", "≤1000人"), line(*COST, "资助标准", "500元/人")]),  # a bound
    passes("cost.price", P, indicators=[line(*HEADS, "资助学生人数", "≥1000人"), line(*COST, "维修成本", "≤500元")]),  # no rate
    passes("cost.price", P, project_name="资助县级配套", indicators=[line(*HEADS, "资助学生人数", "≥1000人"), line(*COST, "资助标准", "500元/人")]),
    fails("cost.price_bound", P, "D12", indicators=[line(*HEADS, "资助学生人数", "≤1000人"), line(*COST, "资助标准", "500元/人")]),
    passes("cost.price_bound", P, indicators=[line(*HEADS, "资助学生人数", "≤1000人"), line(*COST, "资助标准", "≤500元/人")]),
    passes("cost.price_bound", P, indicators=[line(*HEADS, "资助学生人数", "≤300人"), line(*COST, "资助标准", "500元/人")]),
    fails("heads.added", L, "E14", indicators=[line(*HEADS, "离休干部人数", "153人")], mid_indicators=[line(*HEADS, "离休干部保障人数", "459人")]),
    passes("heads.added", L, indicators=[line(*HEADS, "离休干部保障人数", "110人")], mid_indicators=[line(*HEADS, "离休干部保障人数", "≤350人")]),  # about
    passes("heads.added", L, indicators=[line(*HEADS, "离休干部保障人数", "153人")], mid_indicators=[line(*HEADS, "离休干部保障人数", "155人")]),
    passes("heads.added", L, indicators=[line(*HEADS, "培训人数", "100人")], mid_indicators=[line(*HEADS, "培训人数", "300人")]),  # others every year
    passes("heads.added", L, indicators=[line(*HEADS, "参保人数", "100人")], mid_indicators=[line(*HEADS, "救助人数", "300人")]),
    fails("duration.standing", P, "D7", attribute="常年性项目"),
    passes("duration.standing", P, attribute="常年性项目", period="3年"),
    passes("duration.standing", P, attribute="常年性项目", period="长期"),
    fails("duration.several", L, "F7", period="1 年", mid_from="2023", mid_to="2023"),
    passes("duration.several", L),
    fails("duration.once", P, "D7", period="三年"),
    passes("duration.once", P),
    fails("duration.length", L, "B11", period="2年"),
    passes("duration.length", L),
    passes("duration.length", L, period="2022—2024"),
    fails("duration.order", L, "B11", mid_from="2024", mid_to="2022"),
    passes("duration.order", L),
    fails("duration.year", L, "B11", mid_from="2019", mid_to="2021"),
    passes("duration.year", L),
    passes("duration.year", L, mid_from="2024", mid_to="2022"),
    fails("duration.term", L, "B11", mid_from="2023", mid_to="2023", period="1年"),
    passes("duration.term", L),
]
