"""Indicator lines: the value, the name and the level of one; several in a form; forms beside each other."""

from __future__ import annotations

from tests.returns import B, Case, L, M, Q, S, Y, fails, line, lines, passes


def first(form: str, level1: str, level2: str, name: str, target: str, **more: str) -> dict[str, object]:
    """The clean form with one more line, the first."""
    return {"indicators": [line(level1, level2, name, target, **more), *lines(form)["indicators"]]}


def bad(code: str, name: str, target: str, *, level: tuple[str, str] = ("产出", "数量"), cell: str = "D13", **more: str) -> Case:
    return fails(code, Y, cell, **first(Y, *level, name, target, **more))


def good(code: str, name: str, target: str, *, level: tuple[str, str] = ("产出", "数量"), **more: str) -> Case:
    return passes(code, Y, **first(Y, *level, name, target, **more))


QUALITY, TIMING, COST, ECONOMY = ("产出", "质量"), ("产出", "时效"), ("成本", "经济成本"), ("效益", "经济效益")
SOCIAL, CONTENT = ("效益", "社会效益"), ("满意度", "服务对象满意度")
NAME = "C13"
OTHER = {"project_code": "13032124P00310510055A", "project_name": "另一个项目"}  # of Q's unit


def sets(count: int, *, other: bool = False) -> list[dict[str, str]]:
    """A set of lines; the other one shares but the last."""
    mine = [line("产出", "数量", f"整修{what}面积", f"≥{n}00平方米") for n, what in enumerate(("操场", "食堂", "宿舍", "图书馆", "围墙", "厕所")[:count], 1)]
    return [*mine, line("产出", "质量", "整修验收合格率" if other else "整修工程优良率", "≥98%")]


def plain(form: str, *rows: dict[str, str]) -> dict[str, object]:
    return {"indicators": list(rows)}


CASES = [
    # is it a value
    bad("target.placeholder", "参保覆盖面", "≥**%", level=SOCIAL),
    bad("target.placeholder", "巡查次数", "XX次"),
    good("target.placeholder", "巡查次数", "≥12次"),
    bad("target.garbled", "自付比例", "€50%", level=SOCIAL),
    bad("target.garbled", "工程完工时间", "1212 月之前", level=TIMING),
    bad("target.garbled", "巡查次数", "≪82 次"),
    good("target.garbled", "巡查次数", "≤82 次"),
    bad("target.garbled", "工程完工时间", "2024年2月30日前", level=TIMING),
    good("target.garbled", "工程完工时间", "2024年2月29日前", level=TIMING),
    bad("target.nothing", "责任事故", "无", level=SOCIAL),
    good("target.nothing", "无", "无", level=ECONOMY),
    bad("line.nothing", "无", "无", level=ECONOMY, cell=NAME),
    good("line.nothing", "无障碍设施改造数量", "≥3处"),
    bad("target.unquantified", "参保人数", "全员参加"),
    bad("target.unquantified", "居民就医负担", "有效减轻", level=SOCIAL),
    good("target.unquantified", "责任事故", "不发生", level=SOCIAL),  # a benefit in words that can be told from its contrary
    good("target.unquantified", "工程质量", "合格", level=QUALITY),  # a verdict
    good("target.unquantified", "断面水质", "达到Ⅲ类及以上", level=QUALITY),
    good("target.unquantified", "安全保卫", "无盗窃、火灾事故", level=QUALITY),
    good("target.unquantified", "师生比", "≥1:18", level=QUALITY),
    bad("target.unquantified", "工程质量", "达到规定标准", level=QUALITY),  # which?
    bad("target.unquantified", "验收工程", "合格"),  # how many?
    bad("target.unquantified", "群众出行条件", "更加便捷", level=SOCIAL),
    bad("target.unclear", "办公系统运维", "5+2天", level=TIMING),
    bad("target.unclear", "培训人数", "RMB500000"),
    good("target.unclear", "系统值守时间", "7×24小时", level=TIMING),
    good("target.unclear", "审核程序", "按照财预〔2024〕15号执行", level=QUALITY),  # words only: unquantified
    passes("target.unquantified", B, **lines(B, {}, {}, {}, {}, {"nature": "定性", "measure": "", "target": "明显改善", "name": "办学条件"})),
    bad("target.repeats", "保障日常工作的正常开展", "保障工作开展", level=QUALITY),
    good("target.repeats", "参保政策知晓程度", "全部知道", level=SOCIAL),
    bad("target.several", "受益人数", "20 人; 2.8 万人"),
    good("target.several", "集中报销时间", "6月底、12月底", level=TIMING),
    # unit and sign
    bad("target.no_unit", "巡查", "≥1万"),
    bad("target.no_unit", "巡查", "30"),
    good("target.no_unit", "灌溉水利用系数", "≥0.58"),
    good("target.no_unit", "垮坝事故", "=0", level=SOCIAL),
    fails("target.no_unit", B, "G24", **lines(B, {"measure": "", "name": "每所维修"})),
    bad("target.unit", "评审费用标准", "≤4000元/会议次数", level=COST),
    bad("target.unit", "救助", "≥200 入次"),
    good("target.unit", "评审费用标准", "≤4000元/次", level=COST),
    bad("target.date", "审计完成时间", "≤12月份", level=TIMING),
    bad("target.date", "征缴时间", "年初", level=TIMING),
    good("target.date", "审计完成时间", "2024年12月底前", level=TIMING),
    bad("target.date", "物资采购完成时间", "汛前", level=TIMING),
    passes("target.date", B),  # ≤ stands in a column of its own
    bad("target.no_sign", "受益群众满意度", "98%", level=CONTENT),
    bad("target.no_sign", "人均补助", "384元", level=COST),
    good("target.no_sign", "受益群众满意度", "=98%", level=CONTENT),
    good("target.no_sign", "工程验收合格率", "100%", level=QUALITY),  # there is no more than that
    good("target.no_sign", "施工扬尘超标次数", "0次", level=("成本", "生态环境成本")),  # nor less than nought
    fails("target.no_sign", B, "E29", **lines(B, {}, {}, {}, {}, {}, {"nature": ""})),
    bad("target.measure", "救助人次", "≥60063人"),
    bad("target.measure", "参保人数（人）", "≥474万人"),
    good("target.measure", "参保人数（万人）", "≥474万人"),
    good("target.measure", "贷款贴息企业数", "≥20家"),
    good("target.measure", "增加农民收入", "≥5%", level=ECONOMY),
    bad("target.measure", "资金拨付及时率", "12月底前", level=TIMING),
    bad("target.measure", "工程验收时间", "100%", level=TIMING),
    bad("target.measure", "培训场次", "≥200人"),
    bad("target.measure", "建设面积（亩）", "≥1200平方米"),
    good("target.measure", "万人刑事案件发案率", "≤20起/万人", level=SOCIAL),
    good("target.measure", "播种面积", "≥1200亩"),
    good("target.measure", "奖补资金", "12月底前", level=TIMING),  # what is paid by then
    fails("target.column", B, "G25", **lines(B, {}, {"target": "12万元"})),
    passes("target.column", B, **lines(B, {}, {"target": "12所"})),
    fails("target.symbol", B, "E26", **lines(B, {}, {}, {"nature": "≥", "target": "≤98"})),
    fails("target.symbol", B, "E25", **lines(B, {}, {"nature": "定性"})),
    passes("target.symbol", B, **lines(B, {}, {}, {"nature": "≥", "target": "≥98"})),
    # what stands beside it
    bad("target.contradiction", "住院报销比例63%", "≥98%", level=QUALITY),
    fails("target.contradiction", Q, "F19", **lines(Q, {}, {"description": "每人成本 4000 元/人"})),
    passes("target.contradiction", Q, **lines(Q, {}, {"description": "由 5000元/人 降到 4500元/人"})),
    passes("target.contradiction", Q, **lines(Q, {}, {}, {}, {"description": "42家机构、每家1人"})),  # a part, told in passing
    fails("target.contradiction", Q, "F19", **lines(Q, {}, {"description": "按每人600元控制"})),
    fails("target.contradiction", Q, "F21", **lines(Q, {}, {}, {}, {"description": "服务人数不少于30人"})),
    passes("target.contradiction", Q, **lines(Q, {}, {}, {}, {"description": "甲镇服务人数3人、乙镇服务人数7人"})),
    bad("target.too_much", "参保覆盖率", "≥120%", level=QUALITY),
    bad("target.too_much", "参保覆盖率", ">100%", level=QUALITY),
    good("target.too_much", "产值增长率", "≥120%", level=ECONOMY),
    good("target.too_much", "参保覆盖率", "=100%", level=QUALITY),
    bad("target.direction", "违规率", "≥1%", level=SOCIAL),
    bad("target.direction", "安全事故起数", "≥2起", level=SOCIAL),
    bad("target.direction", "单位平均成本", "≥500元", level=COST),
    bad("target.direction", "补助发放及时率", "≤100%", level=TIMING),
    bad("target.direction", "政策覆盖率", "≤90%", level=QUALITY),
    bad("target.direction", "受益群众人数", "≤1000人"),
    bad("target.direction", "业务办结时间", "≥30天", level=TIMING),
    bad("target.direction", "待遇水平增幅", "≥0%", level=SOCIAL),
    fails("target.direction", Q, "F21", **lines(Q, {}, {}, {}, {"name": "处理的事件", "target": "≥10件", "description": "违规事件控制最低"})),
    good("target.direction", "违规行为纠正率", "≥90%", level=SOCIAL),
    good("target.direction", "投诉处理数量", "≥20件"),
    good("target.direction", "查处违法违规案件数", "≥50件"),  # to be fought, the more the better
    good("target.direction", "年减少土壤流失量", "≥3.2万吨", level=SOCIAL),
    good("target.direction", "污水达标排放率", "≥95%", level=SOCIAL),
    bad("target.direction", "抽检不合格率", "≥3%", level=QUALITY),
    bad("target.direction", "管网漏损率", "≥12%", level=QUALITY),
    bad("target.direction", "带动就业人数", "≤50人", level=SOCIAL),
    good("target.direction", "交通事故死亡人数", "≤15人", level=SOCIAL),
    good("target.direction", "财政补助标准", "≥610元/人", level=COST),
    good("target.direction", "预算执行率", "≤100%", level=COST),
    good("target.direction", "多报人数", "≤1人"),
    good("target.direction", "设备保修年限", "≥5年", level=TIMING),
    # does it fit its level
    bad("level2.kind", "参保率", "≥95%"),
    bad("level2.kind", "补助标准", "54元"),
    bad("level2.kind", "工程完工", "2024年6月底前"),
    bad("level2.kind", "纠正率", "", cell=NAME),
    bad("level2.kind", "故障响应时间", "≤60分钟", level=QUALITY),
    bad("level2.kind", "费用结算率", "=100%", level=TIMING),
    bad("level2.kind", "逐步调整保障范围", "扩大", level=TIMING, cell=NAME),
    bad("level2.kind", "业务工作完成率", "≥90%", level=COST),
    bad("level2.kind", "检查时间", "6月底前", level=COST),
    bad("level2.kind", "对健全制度体系的影响", "成效明显", level=("成本", "社会成本"), cell=NAME),
    bad("level2.kind", "保障数据安全", "≥90%", level=ECONOMY),
    good("level2.kind", "参保人数", "≥95人"),
    good("level2.kind", "供餐天数", "≥200天"),
    good("level2.kind", "资金到位率", "=100%", level=TIMING),
    good("level2.kind", "成本节约率", "≥5%", level=COST),
    good("level2.kind", "设备质保时间", "≥3年", level=QUALITY),
    good("level2.kind", "财政资金使用率", "≥95%", level=ECONOMY),
    bad("level2.kind", "培训人数", "≥200人", level=QUALITY),
    bad("level2.kind", "受益群众满意度", "≥90%", level=SOCIAL),
    good("level2.kind", "培训合格人数", "≥190人", level=QUALITY),
    good("level2.kind", "活动按计划举办率", "=100%", level=TIMING),
    good("level2.kind", "费用减免", "即时结算", level=TIMING),
    good("level2.kind", "县级保费补贴比例", "≤25%", level=COST),
    good("level2.kind", "补助资金拨付", "每季度结束后15日内", level=TIMING),
    good("level2.kind", "补贴资金兑现", "6月30日前兑现60%以上", level=TIMING),
    # the name
    bad("satisfaction.name", "政策知晓率", "≥95%", level=CONTENT, cell=NAME),
    good("satisfaction.name", "群众有效投诉次数", "≤3次", level=CONTENT),
    bad("name.heading", "服务对象满意度指标", "≥95%", level=CONTENT, cell=NAME),
    bad("name.heading", "数量", "≥95人", cell=NAME),
    bad("name.heading", "三级指标", "≥95人", cell=NAME),
    good("name.heading", "服务对象满意度", "≥95%", level=CONTENT),
    bad("name.vague", "经办服务能力显著提升", "≥95%", level=QUALITY, cell=NAME),
    good("name.vague", "环境明显改善的村庄占比", "≥95%", level=QUALITY),
    bad("name.no_measure", "困难群众医疗保障", "≥95%", level=QUALITY, cell=NAME),
    good("name.no_measure", "困难群众医疗保障率", "≥95%", level=QUALITY),
    good("name.no_measure", "群众信访总量下降", "≥5%", level=SOCIAL),
    good("name.no_measure", "群众安全感", "≥95%", level=SOCIAL),
    bad("name.empty", "计划完成率", "≥95%", level=QUALITY, cell=NAME),
    good("name.empty", "采购计划完成率", "≥95%", level=QUALITY),
    bad("name.doubled", "受益对象对象满意率", "≥95%", level=CONTENT, cell=NAME),
    good("name.doubled", "法律服务服务对象满意率", "≥95%", level=CONTENT),
    bad("name.width", "参保人数（人)", "≥95人", cell=NAME),
    bad("name.width", "ＤＲＧ付费医院数", "≥3家", cell=NAME),
    good("name.width", "参保人数（人）", "≥95人"),
    fails("name.variant", Q, "D18", goals=["推进 DRG 付费改革，全年完成三家医院"], **lines(Q, {"name": "DPG付费改革成本"})),
    passes("name.variant", Q, goals=["推进 DRG 付费改革，全年完成三家医院"], **lines(Q, {"name": "DRG付费改革成本"})),
    # the lines of a form together
    fails("level1.missing", Y, NAME, indicators=[row for row in lines(Y)["indicators"] if row["level1"] != "效益指标"]),
    passes("level1.missing", Y),
    fails("level2.missing", Y, NAME, indicators=[row for row in lines(Y)["indicators"] if row["level2"] != "质量指标"]),
    passes("level2.missing", Y),
    fails("level2.advised", Y, NAME, indicators=[row for row in lines(Y)["indicators"] if row["level2"] != "时效指标"]),
    passes("level2.advised", S),
    fails("weight.sum", B, "H24", **lines(B, {"weight": "25"})),
    passes("weight.sum", B),
    passes("weight.sum", B, **lines(B, {"weight": "30%"})),  # 100 in all
    passes("weight.sum", B, indicators=[{**row, "weight": ""} for row in lines(B)["indicators"]]),
    fails("indicator.repeated", Y, "C20", indicators=[*lines(Y)["indicators"], line("效益", "社会效益", "参保 政策知晓率", "≥90%")]),
    fails("indicator.repeated", Y, "C20", indicators=[*lines(Y)["indicators"], line("产出", "质量", "参保政策知晓率", "≥80%")]),
    passes("indicator.repeated", L),  # once for the year, once for the mid-term
    fails("indicator.same_name", Q, "D25", indicators=[*lines(Q)["indicators"], line("产出", "质量", "结算准确率", "≥90%", description="异地结算无差错的比例")]),
    passes("indicator.same_name", Q),
    # between horizons, between forms
    fails("indicator.differs", L, "H18", **lines(L, {}, {}, {}, {}, {"target": "≥99%"})),
    fails("indicator.differs", L, "H15", **lines(L, {}, {"target": "98%"})),
    passes("indicator.differs", L),
    passes("indicator.differs", M),
    fails("indicator.differs", Q, "F19", beside=tuple({**OTHER, "file": file, **lines(Q, {}, {"target": "≤4000元/人"})} for file in ("b.xlsx", "c.xlsx"))),
    fails("indicator.differs", Q, "F20", beside=({**OTHER, **lines(Q, {}, {}, {"target": "≤40%"})}, {**OTHER, "file": "b.xlsx", **lines(Q, {}, {}, {"target": "≤40%"})})),
    passes("indicator.differs", Q, beside=({**OTHER, **lines(Q, {}, {}, {"target": "≥95%"})},)),  # a little more here than there
    passes("indicator.differs", Q, beside=({**OTHER, **lines(Q, {}, {}, {}, {"target": "≥900人"})},)),  # so many here, so many there
    fails("forms.copied", Q, "D18", indicators=sets(6), beside=({**OTHER, "indicators": sets(6, other=True)},)),
    fails("forms.copied", Q, "D18", indicators=sets(6), beside=({**OTHER, "file": "b.xlsx", "indicators": sets(6)},)),
    passes("forms.copied", Q, indicators=sets(6), beside=({**OTHER, "indicators": [*sets(3), *lines(Q)["indicators"]]},)),
    passes("forms.copied", Y, beside=({"unit": "另一个单位", "file": "b.xlsx"},)),  # one project, filed by each unit under its name
    fails("forms.same_project", Q, "E4", beside=({"project_code": OTHER["project_code"]},)),
    passes("forms.same_project", Q, beside=(OTHER,)),
    passes("forms.same_project", Y, beside=({"unit": "另一个单位", "file": "b.xlsx"},)),
]
