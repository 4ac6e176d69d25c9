"""Placed cells to typed content: money to the cent, identity by its sources, what counts as an indicator."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.forms import FORMS, GOALS, SHIPPED, Canvas, Reading, account, draw, said, type_levels
from xlgoals.layout import ORIGIN, plan, tick_line
from xlgoals.records import Given, Stamp, cell_name

YIYANG, QINGLONG = "yiyang-2023", "qinglong-2024"


def filled(form: str, stamp: Stamp | None = None, **values: Any) -> Canvas:
    """A form with only some cells filled: fields by key, cells of lines by `key_block_line`."""
    def value(key: str, line: str) -> Any:
        return values.get(f"{key}_{line.partition('.')[2].replace('.', '_')}" if line else key)

    return draw(FORMS[form], values=value, stamp=stamp)


def read(form: str, stamp: Stamp | None = None, given: Given = Given(), **values: Any) -> Reading:  # noqa: B008
    canvas = filled(form, stamp, **values)
    return account(canvas.book(), FORMS, canvas, given=given)


BASE: dict[str, Any] = {"project_name": "项目", "department": "主管部门值", "unit": "实施单位值"}

MONEY: list[tuple[Any, str | None, list[str]]] = [
    ("1,907,400", "19074000000", []), ("8476. 31", "84763100", []), ("１２．５", "125000", []), ("1，000", "10000000", []), (" 12 ", "120000", []),
    ("12万元", "120000", []), ("12 万元", "120000", []), ("120000元", None, ["money.unit_written"]), ("1.2亿元", None, ["money.unit_written"]),
    ("¥12", "120000", []), ("￥12", "120000", []), ("无", "0", []), ("-", "0", []), ("—", "0", []), ("/", "0", []), ("0", "0", []), ("−5", "-50000", ["money.negative"]),
    ("-5", "-50000", ["money.negative"]), ("1e5", "1000000000", []), ("12.345678", "123456.78", []), ("12.3456789", "123456.79", ["money.cents"]),
    ("12.34567849", "123456.78", ["money.cents"]), ("十二", None, ["money.unreadable"]), ("12人", None, ["money.unreadable"]), ("1.2.3", None, ["money.unreadable"]),
    ("约12", None, ["money.unreadable"]), ("12-15", None, ["money.unreadable"]), ("1" * 30, None, ["money.unreadable"]), ("1e99", None, ["money.unreadable"]),
    ("", None, []), (" 　", None, []), (12.0, "120000", []), (12.5, "125000", []), (0.1, "1000", []), (1907400.0, "19074000000", []),
    (1e5, "1000000000", []), (-3.0, "-30000", ["money.negative"]), (True, None, ["money.unreadable"]), (".5", "5000", []), ("5.", "50000", []), ("+5", "50000", []),
    ("1,2", None, ["money.unreadable"]), ("12,34.5", None, ["money.unreadable"]), ("12,345", "123450000", []), ("1,234,567.89", "12345678900", []),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "yuan", "codes"), MONEY)
def test_money(typed: Any, yuan: str | None, codes: list[str]) -> None:
    reading = read(YIYANG, **BASE, total=typed if typed != "" else None)
    (total,) = [f for f in reading.only.funds if f.source == "total"]
    assert (total.amount, reading.codes) == (None if yuan is None else Decimal(yuan), codes)
    assert total.amount is None or total.amount.as_tuple().exponent >= -2
    for finding in reading.findings:
        assert finding.at.cell == reading.only.spots["funds.annual.total"].at.cell and finding.field == "年度资金总额"
        assert str(typed).strip().removesuffix(".0").casefold() in finding.text.casefold()


@pytest.mark.parametrize(("typed", "yuan", "codes"), [("120000元", "120000", []), ("12万元", None, ["money.unit_written"]), ("19,420,000.00", "19420000", []), ("0.005", "0.01", ["money.cents"])])
def test_money_in_yuan(typed: str, yuan: str | None, codes: list[str]) -> None:
    form = next(form for form in SHIPPED if FORMS[form].dialect.money_unit == "元")
    reading = read(form, **BASE, total=typed)
    assert (reading.only.funds[0].amount, reading.codes) == (None if yuan is None else Decimal(yuan), codes)


@pytest.mark.parametrize(
    ("stamp", "given", "typed", "known", "codes"),
    [
        (("2023", "局", "中心"), Given(), ("局", "中心"), ("2023", "局", "中心"), []),
        (("2023", "", ""), Given(), ("局", "中心"), ("2023", "局", "中心"), []),
        (("2023", "局", "中心"), Given(), (None, None), ("2023", "局", "中心"), []),
        (("2023", "610-局", "中心"), Given(), ("局", "[610]中心"), ("2023", "局", "[610]中心"), []),
        (("2023", "局", "中心"), Given(), ("局", "别的中心"), ("2023", "局", "别的中心"), ["identity.conflict"]),
        (("2023", "局", "中心"), Given("2030", "别局", "别中心"), (None, None), ("2023", "局", "中心"), []),
        (("", "", ""), Given("2024", "局", "中心"), (None, None), ("2024", "局", "中心"), []),
        (("", "", ""), Given(), ("局", "中心"), ("", "局", "中心"), ["identity.missing"]),
    ],
)
def test_identity(stamp: tuple[str, str, str], given: Given, typed: tuple[str | None, str | None], known: tuple[str, str, str], codes: list[str]) -> None:
    one = Stamp(1, "", "", year=stamp[0], department=stamp[1], unit=stamp[2])
    reading = read(YIYANG, one, given, project_name="项目", department=typed[0], unit=typed[1])
    assert tuple(reading.only.fields[part] for part in ("year", "department", "unit")) == known
    assert reading.codes == codes


def test_identity_that_no_cell_holds_comes_from_the_stamp_or_is_missed() -> None:
    one = Stamp(1, "", "", year="2024", department="局", unit="中心")
    reading = read(QINGLONG, one, project_name="项目")
    assert [reading.only.fields[p] for p in ("year", "department", "unit")] == ["2024", "局", "中心"]
    reading = read(QINGLONG, Stamp(1, "", ""), project_name="项目")
    assert reading.codes == ["identity.missing"] * 3
    assert {option for f in reading.findings for option in ("--year", "--department", "--unit") if option in f.remedy} == {"--year", "--department", "--unit"}
    given = read(QINGLONG, Stamp(1, "", ""), Given("2025", "甲", "乙"), project_name="项目")
    assert given.codes == [] and given.only.fields["unit"] == "乙"


def test_a_printed_year_that_was_changed_disagrees_with_the_stamp() -> None:
    canvas = filled(YIYANG, Stamp(1, "", "", year="2023"), **BASE)
    canvas.cells[canvas.find("（2023年度）")] = "（2024年度）"
    reading = account(canvas.book(), FORMS, canvas)
    assert reading.codes == ["identity.conflict"] and reading.findings[0].found == "2024"


def test_year_typed_with_separators_is_kept_as_typed() -> None:
    canvas = filled(YIYANG, Stamp(1, "", ""), **BASE)
    canvas.lose_keys()
    canvas.lose_names()
    canvas.cells[2, 0] = "（2,023年度）"
    reading = account(canvas.book(), FORMS, canvas)
    assert reading.only.fields["year"] == "2,023"


# --- lines -------------------------------------------------------------------------------------------------------------


def test_what_counts_as_an_indicator() -> None:
    reading = read(YIYANG, **BASE, name_2_1="次数", target_2_1="≥3次", name_2_2="人数", target_3_1="100%")
    assert [(i.level1, i.level2, i.name, i.target) for i in reading.only.indicators] == [
        ("产出指标", "数量指标", "次数", "≥3次"), ("产出指标", "数量指标", "人数", ""), ("产出指标", "质量指标", "", "100%")
    ]  # fmt: skip
    assert reading.findings == []


def test_printed_levels_alone_are_no_indicator_and_chosen_ones_are_told() -> None:
    reading = read(YIYANG, **BASE, level2_1_1="经济成本指标")
    assert reading.only.indicators == () and reading.codes == ["line.only_level"]


def test_a_description_alone_is_told() -> None:
    reading = read(QINGLONG, project_name="项目", description_1_1="说明")
    assert reading.only.indicators == () and reading.codes == ["line.no_indicator"]
    assert reading.findings[0].found == "说明" and reading.findings[0].at.cell


def test_a_hidden_spare_line_counts() -> None:
    reading = read(YIYANG, **BASE, name_2_8="末行", target_2_8="1")
    assert reading.only.indicators[0].key == "indicators.annual.2.8"


def test_level_words_become_canonical() -> None:
    reading = read(YIYANG, **BASE, level2_1_1="经济 成本", name_1_1="成本", name_6_1="满意度")
    assert [i.level2 for i in reading.only.indicators] == ["经济成本指标", "服务对象满意度指标"]
    assert said(reading.only)["indicators.annual.1.1.level2"] == "经济 成本"


def test_goals_are_numbered_and_keep_their_places() -> None:
    reading = read(QINGLONG, project_name="项目", goal_1_1="1. 先做", goal_1_3="3．再做")
    assert [(g.number, g.text) for g in reading.only.goals] == [(1, "先做"), (2, "3．再做")]
    cells = [reading.only.spots[g.key].at.cell for g in reading.only.goals]
    first = plan(FORMS[QINGLONG])
    rows = list(first.lines("goals"))
    assert cells == [cell_name(rows[0] + ORIGIN[0], 1), cell_name(rows[2] + ORIGIN[0], 1)]


def test_numbers_in_text_cells_read_as_typed() -> None:
    reading = read(YIYANG, project_name=2023.0, department="局", unit="中心", name_2_1="次数", target_2_1=30.0)
    assert reading.only.fields["project_name"] == "2023"
    assert reading.only.indicators[0].target == "30"


def test_percent_in_a_number_cell_reads_as_shown() -> None:
    canvas = filled(YIYANG, **BASE, name_2_1="率", target_2_1=0.95)
    canvas.formats[canvas.find(0.95)] = "0%"
    reading = account(canvas.book(), FORMS, canvas)
    assert reading.only.indicators[0].target == "95%"


def test_details_of_a_plan() -> None:
    reading = read(QINGLONG, project_name="项目", plan_3="2", plan_12="无")
    assert [(d.line, d.text, d.amount) for d in reading.only.details] == [("3月底", "2", Decimal(20000)), ("12月底", "无", Decimal(0))]


def test_stamped_identity_alone_is_a_blank_form() -> None:
    stamp = Stamp(1, "", "", year="2023", department="局", unit="中心")
    assert read(YIYANG, stamp, department="局", unit="中心").codes == ["form.all_blank"]
    assert read(YIYANG, stamp, department="局", unit="别的").codes != ["form.all_blank"]


# --- ticks and words with fields in them -------------------------------------------------------------------------------

TICKED = [(form, key, slot) for form in SHIPPED for key, slot in plan(FORMS[form]).inputs.items() if slot.tick]
PATTERNS = [(form, slot) for form in GOALS for slot in plan(FORMS[form]).slots if slot.kind == "pattern" and slot.by == "unit"]


@pytest.mark.parametrize(("form", "key", "slot"), TICKED, ids=[form for form, _, _ in TICKED])
def test_ticks(form: str, key: str, slot: Any) -> None:
    meaning = slot.meanings[key].to
    for option in slot.tick:
        reading = read(form, **{**BASE, key: tick_line(slot.tick, option)})
        assert reading.only.fields[meaning] == option and reading.findings == []
    none = read(form, **{**BASE, key: tick_line(slot.tick)})
    assert none.only.fields[meaning] == "" and none.findings == []
    both = read(form, **{**BASE, key: tick_line(slot.tick, slot.tick[0]).replace("□", "☑")})
    assert both.only.fields[meaning] == "" and both.codes == ["tick.unclear"]
    lost = read(form, **{**BASE, key: f"{slot.tick[0]}    {slot.tick[1]}□"})
    assert lost.only.fields[meaning] == slot.tick[0] and lost.codes == ["tick.lost"]
    other = read(form, **{**BASE, key: "别的"})
    assert other.codes, "what is no choice must be told"


@pytest.mark.parametrize(("form", "slot"), PATTERNS, ids=[form for form, _ in PATTERNS])
def test_words_with_fields_in_them(form: str, slot: Any) -> None:
    keys = list(slot.meanings)
    typed = {key: f"{2021 + n}" for n, key in enumerate(keys)}
    canvas = filled(form, **BASE)
    spot = (slot.area.top + ORIGIN[0], slot.area.left)
    text = slot.text
    for key, value in typed.items():
        text = text.replace(f"{{{key}}}", value)
    for written in (text, text.replace("：", ":"), text.replace(" ", "  ")):
        canvas.cells[spot] = written
        reading = account(canvas.book(), FORMS, canvas)
        assert {key: reading.only.fields[slot.meanings[key].to] for key in keys} == typed, written
    canvas.cells[spot] = "乱改了"
    reading = account(canvas.book(), FORMS, canvas)
    assert "cell.pattern" in reading.codes or "layout.lost" in reading.codes
    assert cell_name(*spot) in {f.at.cell for f in reading.findings}


@pytest.mark.parametrize("form", GOALS)
def test_panes_and_horizons_stay_apart(form: str) -> None:
    canvas = type_levels(draw(FORMS[form]), FORMS[form])
    reading = account(canvas.book(), FORMS, canvas)
    horizons = {m.horizon for known in FORMS[form].columns.values() for m in known.values() if m.record == "indicator"}
    assert {i.horizon for i in reading.only.indicators} == horizons
    for indicator in reading.only.indicators:
        assert said(reading.only)[f"{indicator.key}.name"] == indicator.name
        assert said(reading.only)[f"{indicator.key}.target"] == indicator.target
        assert indicator.key.startswith(f"indicators.{indicator.horizon}.")
    assert len({i.key for i in reading.only.indicators}) == len(reading.only.indicators)
