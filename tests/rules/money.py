"""Amounts: their sum and their unit."""

from __future__ import annotations

from tests.returns import Q, Y, fails, lines, passes

NO_PLAN = {"plan_3": "", "plan_6": "", "plan_10": "", "plan_12": ""}
UNQUANTIFIED = {form: lines(form, {"target": "控制在预算内"}) for form in (Q, Y)}  # the cost indicator states no amount
CASES = [
    fails("funds.sum", Y, "C6", other="30"),
    fails("funds.sum", Q, "C5", other="0.10"),
    passes("funds.sum", Q, total="4.51"),  # 2 figures filled: 0.01 may be rounding
    fails("funds.sum", Q, "C5", total="4.52"),
    passes("funds.sum", Y, fiscal="1329", other="", carryover=""),
    passes("funds.sum", Y, fiscal="", other="", carryover=""),
    fails("money.unit_size", Y, "C6", total="13,290,000", fiscal="13,290,000", other="0", goal="好", **UNQUANTIFIED[Y]),
    fails("money.unit_size", Q, "C5", total="45000000", fiscal="", purpose="好", **NO_PLAN, **UNQUANTIFIED[Q]),
    passes("money.unit_size", Y, total="99999.99", fiscal="99,999.99", other=""),
    fails("money.unit_factor", Y, "C6", total="13,290,000", fiscal="1300"),  # against the sum of its sources, and the goal
    fails("money.unit_factor", Y, "C7", fiscal="13,290,000", goal="好", **UNQUANTIFIED[Y]),  # a source against the total
    fails("money.unit_factor", Q, "C5", total="45000", fiscal="", purpose="好", **{**NO_PLAN, "plan_12": "4.50"}, **UNQUANTIFIED[Q]),  # the plan
    fails("money.unit_factor", Q, "C5", total="45000", fiscal="", **NO_PLAN, **UNQUANTIFIED[Q]),  # the purpose
    fails("money.unit_factor", Q, "C5", total="45000", fiscal="", **NO_PLAN, purpose="好"),  # a cost indicator
    fails("money.unit_factor", Q, "C5", total="45000", purpose="安排45000元", **NO_PLAN, **UNQUANTIFIED[Q]),
    passes("money.unit_factor", Q, total="4500", purpose="预算 4500 万元，另付 4500 元", **NO_PLAN),  # its own words acquit it
    passes("money.unit_factor", Q, total="4500", purpose="好", plan_12="4500", **UNQUANTIFIED[Q]),  # 4500元/人 is a rate
    passes("money.unit_factor", Q, total="900", purpose="另付 900 元", **UNQUANTIFIED[Q]),  # a trifle
    passes("money.unit_factor", Y, total="30000", fiscal="3", goal="好", **lines(Y, {}, {"target": "3万元"})),  # not a cost
]
