"""What is said of a failure; what suppresses what; crashes; batches; amounts in prose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.returns import CLEAN, FORMS, Q, Y, checked, found, lines, one, told, with_rules
from tests.rules.money import NO_PLAN, UNQUANTIFIED
from xlgoals.check import BUILDERS, DEFECT, accepted
from xlgoals.conditions import Condition, Kind
from xlgoals.errors import SpecError
from xlgoals.facts import Units, amounts_in, columns
from xlgoals.findings import Catalogue, Finding, Rule
from xlgoals.forms import Form
from xlgoals.records import At, Return, Spot
from xlgoals.rules import KINDS, conditions, lint
from xlgoals.tables import tabulate

UNITS = tuple(FORMS.money_units.items())
IDS = (Q, Y)


# --- what is said


def sole(code: str, item: Return) -> Finding:
    (finding,) = [f for f in checked(tabulate([item]), FORMS) if f.code == code]
    return finding


def test_sum_is_said_in_the_unit_of_the_form() -> None:
    finding = sole("funds.sum", one(Y, other="30"))
    assert (finding.found, finding.expected) == ("1,329.00", "1,330.00")
    assert (finding.field, finding.record) == ("年度资金总额", "funds.annual.total")
    assert "相差 1.00万元" in finding.message
    assert finding.amount
    assert finding.at == At("a.xlsx", "项目1", "C6")


def test_size_is_said_readably() -> None:
    finding = next(f for f in checked(tabulate([one(Y, total="1,907,400", fiscal="", other="", carryover="")]), FORMS) if f.at.cell == "C6")
    assert finding.code == "money.unit_size"
    assert "合 190.74 亿元" in finding.message


def test_factor_names_the_other_figure_and_its_cell() -> None:
    finding = sole("money.unit_factor", one(Q, total="45000", fiscal="", **NO_PLAN))
    assert finding.found == "45,000.00"
    assert finding.expected == "4.5万元"
    assert finding.others == (At("a.xlsx", "项目1", "B6"),)
    assert "另一处“预算规模及资金用途”" in finding.message or "另一处“资金用途”" in finding.message


def test_code_names_look_alikes_and_length() -> None:
    finding = sole("code.format", one(Q, project_code="13032123Р0031051005２X"))
    assert "第 9 位“Р”是俄文（西里尔）字母，应为“P”" in finding.message
    assert "第 20 位“２”是全角字符，应为“2”" in finding.message
    assert "共" not in finding.message
    assert "共 12 位" in sole("code.format", one(Q, project_code="13032123P003")).message
    assert "第 9 位“Ж”是俄文（西里尔）字母，共" not in sole("code.format", one(Q, project_code="13032123Ж00310510052X")).message


def test_level2_lists_the_words_of_the_form() -> None:
    finding = sole("level2.list", one(Y, **lines(Y, {}, {}, {"level2": "数量指标"})))
    assert finding.expected == "服务对象满意度"  # this county's word, not the canonical one
    assert finding.found == "数量指标"


def test_required_gives_the_prompt_of_the_field() -> None:
    assert sole("field.required", one(Q, purpose="")).remedy == "写明需要多少资金、用在什么地方，数字与预算数一致。"


def test_severity_is_the_catalogue_s() -> None:
    milder = with_rules(funds__sum=replace(FORMS.catalogue["funds.sum"], severity="note"))
    (finding,) = checked(tabulate([one(Y, other="30")]), milder)
    assert finding.severity == "note"


def test_tolerance_is_a_parameter() -> None:
    rule = FORMS.catalogue["funds.sum"]
    wider = with_rules(funds__sum=replace(rule, parameters={**rule.parameters, "rounding": "1"}))
    assert found(one(Y, other="30"), forms=wider) == []


def test_a_rule_that_is_left_out_says_nothing() -> None:
    rule = FORMS.catalogue["money.unit_factor"]
    fewer = with_rules(funds__sum=replace(FORMS.catalogue["funds.sum"], off=True), money__unit_factor=replace(rule, off=True))
    assert found(one(Y, other="30"), forms=fewer) == []  # `unless` may name a rule that is off


def test_key_survives_a_moved_cell_but_not_a_changed_value() -> None:
    before, after = one(Y, other="30"), one(Y, other="31")
    moved = replace(before, spots={k: s._replace(at=s.at._replace(cell="Z99")) for k, s in before.spots.items()})
    keys = [checked(tabulate([item]), FORMS)[0].key for item in (before, moved, after)]
    assert keys[0] == keys[1] != keys[2]


# --- what follows from another finding is not said


def spoken(code: str, record: str, cell: str) -> Finding:
    """What parse says of a value."""
    return FORMS.catalogue.finding(code, At("a.xlsx", "项目1", cell), field="x", found="x", record=record, unit="万元", written="元")


@pytest.mark.parametrize(("change", "finding"), [
    ({"total": "大约四万"}, spoken("money.unreadable", "funds.annual.total", "C5")),
    ({"fiscal": "大约四万", "other": "1"}, spoken("money.unreadable", "funds.annual.fiscal", "E5")),
    ({"total": ""}, spoken("cell.no_value", "funds.annual.total", "C5")),
    ({"purpose": ""}, spoken("cell.no_value", "purpose", "B6")),
    ({"goals": []}, spoken("cell.no_value", "goals.annual.1", "B9")),
    ({"indicators": []}, spoken("cell.no_value", "indicators.annual.1.1.name", "D18")),
    ({"indicators": []}, spoken("layout.lost", "indicators", "")),
    (lines(Q, {"target": ""}), spoken("cell.no_value", "indicators.annual.1.1.target", "F18")),
    (lines(Q, {"level2": ""}), spoken("cell.no_value", "indicators.annual.1.1.level2", "B18")),
])  # fmt: skip
def test_an_unreadable_cell_has_no_consequences(change: dict[str, Any], finding: Finding) -> None:
    assert found(one(Q, **change), findings=[finding]) == []


def test_an_unreadable_amount_has_no_consequences_even_when_nobody_has_said_so() -> None:
    assert found(one(Q, fiscal="大约四万", other="1")) == []


def test_a_lost_field_is_not_missing() -> None:
    """A field whose place was not found was told by locate; it has neither value nor place."""
    whole = one(Q)
    spots = {key: spot for key, spot in whole.spots.items() if key != "purpose"}
    fields = {key: text for key, text in whole.fields.items() if key != "purpose"}
    assert found(replace(whole, spots=spots, fields=fields)) == []


def test_lost_goals_are_not_missing() -> None:
    whole = one(Y, goal="")
    assert found(replace(whole, goals=(), spots={key: spot for key, spot in whole.spots.items() if not key.startswith("goals.")})) == []


def test_words_at_a_place_that_gave_no_value_are_not_judged() -> None:
    """A cell with printed words in it that no longer fit its pattern: parse says so and takes no value."""
    whole = one(Q, project_code="编码：")
    assert found(replace(whole, fields={key: text for key, text in whole.fields.items() if key != "project_code"})) == []


def test_no_indicator_is_told_at_the_first_line_where_it_has_a_place() -> None:
    whole = one(Q, indicators=[])
    spots = {**whole.spots, "indicators.annual.1.1.name": Spot(At("a.xlsx", "项目1", "D18"), "", "stamp", "三级指标")}
    assert found(replace(whole, spots=spots)) == [("indicators.none", "D18")]


def test_a_finding_about_a_value_that_was_read_suppresses_nothing() -> None:
    assert found(one(Y, other="30"), findings=[spoken("cell.formula", "funds.annual.total", "C6")]) == [("funds.sum", "C6")]


def test_a_finding_about_another_form_of_the_sheet_suppresses_nothing() -> None:
    assert found(one(Q, purpose=""), findings=[spoken("cell.no_value", "purpose", "B66")]) == [("field.required", "B6")]


def test_a_blank_total_has_no_sum() -> None:
    assert found(one(Y, total="")) == [("field.required", "C6")]


def test_all_blank_money_is_only_required() -> None:
    assert found(one(Q, total="", fiscal="", other="")) == [("field.required", "C5")]


def test_an_unknown_first_level_has_no_consequences() -> None:
    for level2 in ("", "数量指标", "别的指标"):
        assert found(one(Y, **lines(Y, {"level1": "成果指标", "level2": level2}))) == [("level1.list", "A13")]


def test_a_line_is_told_by_what_it_lacks_only() -> None:
    assert found(one(Q, **lines(Q, {"target": "", "level2": ""}))) == [("level2.blank", "B18"), ("target.blank", "F18")]


def test_an_amount_with_the_factor_error_has_only_that() -> None:
    def found(item: Return) -> list[tuple[str, str]]:
        return [(f.code, f.at.cell) for f in told(item) if f.amount]

    item = one(Q, total="4,500,000", fiscal="4,500,000", purpose="预算 450 万元", **NO_PLAN, **lines(Q, {"target": "好"}))
    assert found(item) == [("money.unit_factor", "C5"), ("money.unit_factor", "E5")]
    item = one(Q, total="45000", purpose="好", **NO_PLAN, **lines(Q, {"target": "好"}))
    assert found(item) == [("money.unit_factor", "C5")]  # not the sum as well
    assert found(one(Y, fiscal="13,290,000", goal="落实参保补助，县级配套资金全部到位", **UNQUANTIFIED[Y])) == [("money.unit_factor", "C7")]  # nor here, at the total


def test_a_true_large_amount_is_a_query_at_most() -> None:
    """六安's 199,923.00 万元 stands beside prices per head."""
    cost = [{"level1": "成本指标", "level2": "经济成本指标", "name": "人均补助标准", "target": rate} for rate in ("384元", "512元")]
    item = one(Y, total="199,923.00", fiscal="0.00", other="199,923.00", carryover="", goal="保障全部参保居民的基本医疗待遇按时足额支付", indicators=cost)
    findings = checked(tabulate([item]), FORMS)
    assert [(f.code, f.severity, f.at.cell) for f in findings if f.amount] == [("money.unit_size", "query", "C6")]  # once, at the total


# --- lists


@pytest.mark.parametrize("form", CLEAN)
def test_each_dropdown_s_list_is_the_list_the_check_accepts(form: str) -> None:
    spec = FORMS[form]
    words = {word for name in ("level1", "level2") for word in spec.choices(name)} | {"别的指标"}
    assert accepted(spec, "level1") == spec.choices("level1")
    assert accepted(spec, "level2") == spec.choices("level2")
    for name, listed in spec.dialect.lists.items():
        assert accepted(spec, name) == spec.choices(name) == listed

    def passed(code: str, part: str, **line: str) -> set[str]:
        """The words that the check lets pass as a part of an indicator, in the form's own spelling."""
        items = [one(form, f"{word}.xlsx", indicators=[{"name": "a", "target": "1", **line, part: word}]) for word in sorted(words)]
        refused = {f.at.file for f in checked(tabulate(items), FORMS) if f.code == code}
        return {spec.local(spec.canonical(word, part)) for word in words if f"{word}.xlsx" not in refused}

    assert passed("level1.list", "level1") == set(spec.choices("level1"))
    for first in spec.choices("level1"):
        assert accepted(spec, "level2", first) == spec.choices("level2", first)
        assert passed("level2.list", "level2", level1=first) == set(spec.choices("level2", first))


# --- forms that do not exist yet


def test_a_year_typed_on_the_form_is_told_at_its_cell() -> None:
    shape = FORMS[Y]
    meanings = {**shape.meanings, "unit": replace(shape.meanings["unit"], to="year", type="year", label="年度")}
    form = replace(shape, meanings=meanings)
    forms = replace(FORMS, forms={Y: form})
    assert [said for said in found(one(form, year="", unit="2,023"), forms=forms) if said[0] == "year.format"] == [("year.format", "D5")]
    assert not [said for said in found(one(form, year="", unit="2023"), forms=forms) if said[0] == "year.format"]


def test_two_horizons_are_summed_apart() -> None:
    shape = FORMS[Y]
    parts = {"other": "total", "carryover": "fiscal"}
    as_mid = {key: replace(shape.meanings[key], to=f"funds.{part}", horizon="mid_term") for key, part in parts.items()}
    form = replace(shape, meanings={**shape.meanings, **as_mid})
    forms = replace(FORMS, forms={Y: form})
    assert found(one(form, total="1300", other="50", carryover="49"), forms=forms)[0] == ("funds.sum", "C8")


def test_columns_follow_the_meanings() -> None:
    assert columns(FORMS[Q])["form"]["plan.12月底:yuan"] == pl.Decimal(20, 2)
    assert "project_code" not in columns(FORMS[Y])["form"]


# --- batches


def test_forty_returns_of_both_forms_in_one_batch() -> None:
    items = [one(IDS[i % 2], f"{i:02}.xlsx", unit=f"第{i}中学", **({"other": "9"} if i % 10 == 3 else {})) for i in range(40)]
    calls: list[str] = []
    validate = pa.DataFrameSchema.validate

    def counted(self: pa.DataFrameSchema, *args: Any, **kwargs: Any) -> Any:
        calls.append(str(self.name))
        return validate(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pa.DataFrameSchema, "validate", counted)
        findings = checked(tabulate(items), FORMS)
    assert [(f.code, f.at.file, f.at.cell) for f in findings] == [("funds.sum", f"{i:02}.xlsx", "C6") for i in (3, 13, 23, 33)]
    assert len(calls) == len(set(calls))  # one validation a table and batch
    assert {f"{form} {table}" for form in IDS for table in ("form", "indicators", "figures", "texts")} <= set(calls)


def test_findings_do_not_depend_on_the_order_of_the_returns() -> None:
    items = [one(IDS[i % 2], f"{i}.xlsx", unit=f"第{i}中学", total="9", project_name="", **lines(IDS[i % 2], {"target": ""})) for i in range(6)]
    findings = checked(tabulate(items), FORMS)
    assert checked(tabulate(items[::-1]), FORMS) == findings
    assert [(f.at.file, f.at.cell) for f in findings[:3]] == [("0.xlsx", "E4"), ("0.xlsx", "C5"), ("0.xlsx", "F18")]


def test_an_empty_batch() -> None:
    assert checked(tabulate([]), FORMS) == []


# --- our own defects


def crashing(holds: pl.Expr | None = None, tell: Any = lambda row: {}) -> Kind:
    """A kind whose condition, or whose making of one, is broken."""

    def build(form: Form, rule: Rule, units: Units) -> Iterator[Condition]:
        if holds is None:
            raise AttributeError("x")
        yield Condition(rule.code, "form", "project_name", holds, "project_name", tell)

    return Kind(build)


def _explode(row: object) -> dict[str, str]:
    raise KeyError("x")


def _explode_with(*args: object, **kwargs: object) -> None:
    raise KeyError("x")


@pytest.mark.parametrize(("kind", "error"), [
    (crashing(), "AttributeError"),
    (crashing(holds=pl.col("nothing of this name") == ""), "ColumnNotFoundError"),
    (crashing(holds=pl.col("project_name").str.to_integer() > 0), "ComputeError"),
    (crashing(holds=pl.lit(None, pl.Boolean)), "undecided"),
    (crashing(holds=pl.col("project_name") == "", tell=_explode), "KeyError"),
    (crashing(holds=pl.col("project_name") == ""), "KeyError"),  # the sentence asks for a word nobody passes
])  # fmt: skip
def test_a_rule_that_crashes_is_a_defect_of_ours_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch, kind: Kind, error: str) -> None:
    monkeypatch.setattr("xlgoals.rules.KINDS", {**KINDS, "crash": kind})
    forms = with_rules(test__crash=Rule("test.crash", "query", "完整性", "", "{nobody}", "", "crash"))
    defect, real = checked(tabulate([one(Y, other="30")]), forms)
    assert (defect.code, defect.severity, defect.found, defect.at) == (DEFECT, "error", "test.crash", At(""))
    assert error in defect.message
    assert "程序的缺陷" in defect.message
    assert (real.code, real.at.cell) == ("funds.sum", "C6")


def test_a_table_that_cannot_be_built_is_a_defect_of_every_rule_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlgoals.facts.amounts_in", _explode)
    findings = checked(tabulate([one(Y, other="30")]), FORMS)
    on_figures = {rule.code for kind in ("money_factor", "amount_said", "amount_cost", "cost_total") for rule in FORMS.catalogue.of_kind(kind)}
    assert {f.found for f in findings if f.code == DEFECT} == on_figures
    assert [(f.code, f.at.cell) for f in findings if f.code != DEFECT] == [("funds.sum", "C6")]


def test_a_crash_of_pandera_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pa.DataFrameSchema, "validate", _explode_with)
    assert {f.code for f in checked(tabulate([one(Y)]), FORMS)} == {DEFECT}


def test_a_table_that_is_not_as_declared_is_a_defect_and_no_bad_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from xlgoals import facts

    monkeypatch.setitem(BUILDERS, "indicators", lambda *args: facts.indicator_table(*args).drop("basis"))
    findings = checked(tabulate([one(Y)]), FORMS)
    assert {f.code for f in findings} == {DEFECT}
    demanded = [one for rule in FORMS.catalogue.rules.values() for one in conditions(FORMS[Y], rule, UNITS)]
    assert {f.found for f in findings} == {one.code for one in demanded if one.table == "indicators"}


@pytest.mark.parametrize(("rule", "said"), [
    ({"kind": "magic"}, "没有 kind magic"),
    ({"kind": "in_list"}, "parameters 缺少 list"),
    ({"kind": "in_list", "parameters": {"list": "colours"}}, "只能是 level1、level2"),
    ({"kind": "line_part", "parameters": {"part": "colour"}}, "part 只能是"),
    ({"kind": "funds_sum", "parameters": {"rounding": "a little"}}, "应为数字"),
    ({"kind": "funds_sum", "parameters": {"rounding": "nan"}}, "应为数字"),
    ({"kind": "money_size", "parameters": {"from": "1", "unit": "美元"}}, "unit 只能是"),
    ({"kind": "required", "parameters": {"unless": "no.such"}}, "no.such 不在规则清单里"),
    ({"kind": "matches", "parameters": {"type": "code", "pattern": "["}}, "不是正则表达式"),
])  # fmt: skip
def test_a_mistake_in_the_catalogue_is_the_author_s(rule: dict[str, Any], said: str) -> None:
    forms = with_rules(test__rule=Rule("test.rule", "error", "完整性", "", "", "", **rule))
    with pytest.raises(SpecError, match=r"test\.rule") as caught:
        checked(tabulate([one(Y)]), forms)
    assert said in str(caught.value)


def test_every_mistake_of_the_catalogue_at_once() -> None:
    rules = [Rule(f"test.r{i}", "error", "完整性", "", "", "", kind) for i, kind in enumerate(("magic", "money_factor"))]
    with pytest.raises(SpecError) as caught:
        lint(Catalogue(rules), UNITS)
    assert len(caught.value.mistakes) == 7  # an unknown kind, five parameters, and no rule to tell a crash by


# --- amounts in prose


@pytest.mark.parametrize(("text", "amounts"), [
    ("预算资金 4 万元", [("4 万元", "40000")]),
    ("≤4万元", [("4万元", "40000")]),
    ("40000元", [("40000元", "40000")]),
    ("安排１，９０７，４００元", [("1,907,400元", "1907400")]),
    ("共需要资金78.02095万元,其中财政资金78.02万元,用于", [("78.02095万元", "780209.50"), ("78.02万元", "780200")]),
    ("1.5亿元和3千元", [("1.5亿元", "150000000"), ("3千元", "3000")]),
    ("参保5人，400元", [("400元", "400")]),
    ("其中财政资金万3元", []),
    ("预算资金 2. 万元", []),
    ("8476. 31万元", []),
    ("3-5万元", []),
    ("1亿2000万元", []),
    ("≥5 万人次", []),
    ("≥10万", []),
    ("1,23,4元", []),
    ("10²元", []),
    ("9" * 30 + "万元", []),
    ("0.0000001元", [("0.0000001元", "0")]),
])  # fmt: skip
def test_amounts_in_prose(text: str, amounts: list[tuple[str, str]]) -> None:
    assert [(a.written, a.yuan) for a in amounts_in(text, UNITS)] == [(written, Decimal(yuan)) for written, yuan in amounts]


def test_an_amount_knows_its_clause() -> None:
    clauses = [amount.clause for amount in amounts_in("总额4万元，每人补助300元；（另付1,000元）", UNITS)]
    assert clauses == ["总额4万元", "每人补助300元", "另付1,000元"]


# --- anything at all

ODD = ["0", "-1", "1e5", "{x}", "4万元", "４５元", "成本指标", "Р", "\x00", "\u202e", "9" * 20]
WORDS = st.text(max_size=12) | st.sampled_from(ODD)
LINE = st.dictionaries(st.sampled_from(["level1", "level2", "name", "description", "target", "basis"]), WORDS)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_never_raises_and_never_crashes(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(IDS))
    grids: dict[str, st.SearchStrategy[Any]] = {"goals": st.lists(WORDS, max_size=3), "indicators": st.lists(LINE, max_size=3)}
    changes = {key: data.draw(grids.get(key, WORDS)) for key in CLEAN[form]}
    findings = checked(tabulate([one(form, year=data.draw(WORDS), **changes)]), FORMS)
    assert not [f for f in findings if f.code == DEFECT]
    assert all(f.at.file == "a.xlsx" and f.message and f.remedy for f in findings)


def test_a_number_beyond_all_reckoning_is_left_to_its_text() -> None:
    """Twenty nines need more digits than a Decimal has by default."""
    item = one(Y, **lines(Y, {}, {"target": "≥" + "9" * 20 + "人"}))
    assert found(item) == []
    assert tabulate([item]).indicators["value"][1] == Decimal("9" * 20)
