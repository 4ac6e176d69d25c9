"""What is filled in at all, and by which words and patterns."""

from __future__ import annotations

from tests.returns import Q, Y, fails, lines, passes

CASES = [
    fails("field.required", Y, "B4", project_name=""),
    fails("field.required", Y, "C6", total=""),
    fails("field.required", Q, "B6", purpose=" 　"),
    passes("field.required", Q, other="", plan_12=""),
    fails("goals.none", Y, "A11", goal=""),
    fails("goals.none", Q, "B9", goals=["", " "]),
    passes("goals.none", Q, goals=["", "方便群众"]),
    fails("indicators.none", Y, "", indicators=[]),  # a line left blank has no place
    fails("indicators.none", Q, "", indicators=[]),
    passes("indicators.none", Q),
    fails("year.format", Q, "", year="2,023"),
    fails("year.format", Y, "", year="２０２３"),
    passes("year.format", Y, year="2026"),
    passes("year.format", Y, year=""),
    fails("code.format", Q, "B4", project_code="13032123Р00310510052X"),  # Cyrillic Р
    fails("code.format", Q, "B4", project_code="13032123P003"),
    passes("code.format", Q, project_code="13032123P003105100616"),
    passes("code.format", Q, project_code="13032123P00310510051"),  # one shorter, as the seeds have it
    fails("level1.list", Y, "A13", **lines(Y, {"level1": "成果指标"})),
    fails("level1.list", Q, "A18", **lines(Q, {"level1": "成本指标"})),  # a first level elsewhere, not under this form's taxonomy
    passes("level1.list", Y, **lines(Y, {"level1": " 成本 指标"})),
    fails("level2.list", Y, "B13", **lines(Y, {"level2": "数量指标"})),
    fails("level2.list", Q, "B19", **lines(Q, {}, {"level2": "社会效益指标"})),
    passes("level2.list", Y, **lines(Y, {"level2": "社会成本"})),
    passes("level2.list", Y, **lines(Y, {}, {}, {"level2": "服务对象满意度"})),
    fails("choice.list", "listed", "B5", department="其他"),
    passes("choice.list", "listed", department="常年项目"),
    passes("choice.list", "listed", department=""),
    fails("level1.blank", Y, "A13", **lines(Y, {"level1": ""})),
    passes("level1.blank", Y),
    fails("level2.blank", Q, "B18", **lines(Q, {"level2": ""})),
    passes("level2.blank", Y),
    fails("indicator.no_name", Q, "D19", **lines(Q, {}, {"name": ""})),
    passes("indicator.no_name", Q),
    fails("target.blank", Q, "F20", **lines(Q, {}, {}, {"target": ""})),
    fails("target.blank", Y, "D13", **lines(Y, {"target": " "})),
    passes("target.blank", Y),
]
