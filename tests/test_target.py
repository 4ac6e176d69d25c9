"""The reader of 指标值 against tables judged by hand, against what stands beside the cell, and against any text at all."""

import csv
import datetime as dt
import json
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlgoals.celltext import as_typed
from xlgoals.measures import Units
from xlgoals.target import Conflict, Reader, Target, read_target, read_uncached, render, to_json

HERE = Path(__file__).parent
TABLE = yaml.load((HERE.parent / "mappings" / "units.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
UNITS = Units.from_table(TABLE["units"])


def read(text: str, **beside: str) -> Target:
    return read_target(text, units=UNITS, **beside)


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / "targets" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


SEEDS = rows("seeds.tsv")
FORMS = rows("forms-of-writing.tsv")


def found(target: Target) -> dict[str, str]:
    return {
        "kind": target.kind,
        "op": target.op or "",
        "value": "" if target.value is None else format(target.value.normalize(), "f"),
        "high": "" if target.high is None else format(target.high.normalize(), "f"),
        "unit": target.unit or "",
    }


def label(row: dict[str, str]) -> str:
    return "-".join(filter(None, (row.get("document"), row.get("project"), row.get("horizon"), row.get("target", row.get("text")))))


def test_seeds_are_all_there() -> None:
    counted = {
        key: sum((row["document"], row["horizon"]) == key for row in SEEDS) for key in {(row["document"], row["horizon"]) for row in SEEDS}
    }
    assert counted == {
        ("弋阳2023", "annual"): 36,
        ("六安2023", "annual"): 66,
        ("六安2023", "mid_term"): 66,
        ("青龙2024", "annual"): 238,
        ("平罗2026", "annual"): 54,
        ("石鼓2020", "annual"): 17,
    }
    assert len(FORMS) >= 250


@pytest.mark.parametrize("row", SEEDS, ids=label)
def test_seed(row: dict[str, str]) -> None:
    target = read(row["target"], name=row["name"])
    assert found(target) == {key: row[key] for key in ("kind", "op", "value", "high", "unit")}
    assert target.text == row["target"]


@pytest.mark.parametrize("row", FORMS, ids=label)
def test_form_of_writing(row: dict[str, str]) -> None:
    text = row["text"].replace("\\n", "\n")
    target = read(text, name=row["name"], symbol=row["symbol"], unit=row["column"])
    assert found(target) == {key: row[key] for key in ("kind", "op", "value", "high", "unit")}
    assert (target.from_ or "", target.to or "") == (row["from"], row["to"])
    assert target.text == text


@pytest.mark.parametrize(
    ("text", "amount", "base", "dimension"),
    [
        ("2.8 万人", "28000", "人", "count"),
        ("≥95%", "0.95", "1", "ratio"),
        ("5‰", "0.005", "1", "ratio"),
        ("八成", "0.8", "1", "ratio"),
        ("三分之二", "0.666667", "1", "ratio"),
        ("四分之三", "0.75", "1", "ratio"),
        ("翻两番", "4", "倍", "multiple"),
        ("5个百分点", "5", "百分点", "points"),
        ("≤4000元/会议次数", "4000", "元/会议次数", "money per unit"),
        ("0.8万元/人", "8000", "元/人", "money per head"),
        ("530元/天", "530", "元/天", "money per time"),
        ("1次/半年", "2", "次/年", "count per time"),
        ("1次/月", "12", "次/年", "count per time"),
        ("1次/2年", "0.5", "次/年", "count per time"),
        ("2小时", "120", "分钟", "time"),
        ("2周", "14", "天", "time"),
        ("3年", "36", "月", "time"),
        ("5个工作日", "5", "工作日", "time"),
        ("3万亩", "30000", "亩", "area"),
        ("2km", "2000", "米", "length"),
        ("10万", "100000", None, None),
        ("3", "3", None, None),
        ("≥3坨", "3", None, None),
    ],
)
def test_amounts_are_exact(text: str, amount: str, base: str | None, dimension: str | None) -> None:
    target = read(text)
    assert (target.amount, target.base_unit, target.dimension) == (Decimal(amount), base, dimension)


def test_a_range_has_two_amounts_and_keeps_open_ends() -> None:
    target = read("60%<报销比例≤70%")
    assert (target.amount, target.high_amount, target.bounds, target.op) == (Decimal("0.6"), Decimal("0.7"), "(]", None)
    assert render(target) == "60%<指标值≤70%"


def test_the_name_decides_what_the_text_leaves_open() -> None:
    assert read("≥6月", name="基金滚存结余可支配月数(月)").dimension == "time"
    assert read("≥6月").kind == "date"
    assert read("≤12月", name="项目完成时间").to == "--12"
    assert read("95", name="满意度（%）").canonical == "95%"
    assert read("474", name="参保人数（万人）").amount == 4740000
    assert read("98%", name="参保率（≥**%）").op == ">="
    assert read("2026.12", name="完成时间").to == "2026-12"
    assert read("2026.12", name="项目成本（万元）").value == Decimal("2026.12")
    assert read("2026", name="完成年份").kind == "date"


def test_columns_fill_what_the_text_leaves_open() -> None:
    target = read("95", symbol="≥", unit="%")
    assert (target.op, target.unit, target.amount, target.conflicts) == (">=", "%", Decimal("0.95"), ())
    assert read("12", symbol="≤", unit="月", name="完成时间").to == "--12"
    assert read("12", symbol="≤", unit="月", name="服务期").dimension == "time"
    assert read("3", symbol="＝", unit="次/年").kind == "frequency"
    assert read("12月31日", symbol="≤").op == "<="
    assert read("100", symbol="大于等于", unit="人次").op == ">="


@pytest.mark.parametrize(
    ("text", "beside", "code"),
    [
        ("60%", {"name": "二乙人员保障人数"}, "unit-name"),
        ("60063人", {"name": "全县医疗救助人次"}, "unit-name"),
        ("≥5 次", {"name": "满足办公室日常办公费用人数"}, "unit-name"),
        ("≥95%", {"name": "参保人数（人）"}, "unit-name"),
        ("20人", {"name": "参保率"}, "unit-name"),
        ("≥95%", {"unit": "人"}, "unit-column"),
        ("20", {"name": "覆盖率（%）", "unit": "人"}, "unit-name"),
        ("5万元", {"unit": "元"}, "scale"),
        ("≥10万", {"name": "挽回经济损失(万元)"}, "scale"),
        ("≤95%", {"symbol": "≥"}, "symbol-cell"),
        ("95%以上", {"symbol": "="}, "symbol-cell"),
        ("95%", {"symbol": "定性"}, "symbol-text"),
        ("明显提高", {"symbol": "≥"}, "symbol-text"),
        ("≤98%", {"name": "参保率（≥**%）"}, "symbol-name"),
        ("≥98%", {"name": "参保政策范围内住院报销比例63%"}, "value-name"),
        ("≥95%", {"name": "满意度（≥90%）"}, "value-name"),
        ("≥474万人", {"name": "参保人数(人)"}, "scale-name"),
        ("基金平稳运行", {"name": "维护医保基金运行的安全平稳"}, "repeats-name"),
    ],
)
def test_contradictions_are_reported(text: str, beside: dict[str, str], code: str) -> None:
    assert [conflict.code for conflict in read(text, **beside).conflicts] == [code]


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("≥95%", {"name": "参保率(%)", "symbol": "≥", "unit": "%"}),
        ("2次/年", {"name": "检查次数"}),
        ("增长5%", {"name": "旅游收入"}),
        ("250元/人", {"name": "补助金额（元）"}),
        ("明显提高", {"symbol": "定性"}),
        ("5个百分点", {"name": "增速"}),
        ("≥20家", {"name": "贷款贴息企业数"}),  # things are counted by many words, people by one
        ("≥80场", {"name": "演出次数"}),
        ("≥5%", {"name": "增加农民收入"}),  # how much it changes, not how much it is
        ("有效缓解", {"name": "缓解看病贵问题"}),
    ],
)
def test_what_agrees_is_not_reported(text: str, beside: dict[str, str]) -> None:
    assert read(text, **beside).conflicts == ()


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("€50%", "≤50%"),
        ("≪36万元", "≤36万元"),
        ("≥90″%", "≥90%"),
        ("≪82 次", "≤82次"),
        ("1212 月之前", "12月前"),
        ("≪0 次年 5 月之前", "次年5月前"),
        ("≪0 申报时间 3 个月内", "申报时间≤3个月"),
        ("2. 万元", "2万元"),
        ("万3元", "3万元"),
        ("≥9O%", "≥90%"),
        ("95%%", "95%"),
    ],
)
def test_damaged_text_says_what_it_probably_was(text: str, guess: str) -> None:
    target = read(text)
    assert (target.kind, target.value, target.quantified) == ("unreadable", None, False)
    assert f"可能是“{guess}”" in target.why


@pytest.mark.parametrize(
    ("kind", "text"),
    [("number", "95%"), ("range", "3-5天"), ("date", "6月底前"), ("frequency", "2次/年"), ("multi", "20人；30人")],
)
def test_quantified(kind: str, text: str) -> None:
    assert (read(text).kind, read(text).quantified) == (kind, True)


@pytest.mark.parametrize("text", ["逐步推开", "无", "", "**", "€50%", "及时，100%"])
def test_not_quantified(text: str) -> None:
    assert not read(text).quantified
    assert read(text).why


def test_json_has_fixed_keys_in_order() -> None:
    keys = ["text", "kind", "op", "value", "high", "unit", "amount", "base_unit", "dimension", "quantified", "canonical", "why"]
    data = to_json(read("≥2.8 万人"))
    assert list(data) == keys
    assert (data["text"], data["value"], data["amount"], data["op"]) == ("≥2.8 万人", 2.8, 28000, ">=")
    assert isinstance(data["amount"], int)
    assert list(to_json(read("6月底前"))) == [*keys, "from", "to"]
    multi = to_json(read("20 人; 2.8 万人"))
    assert list(multi) == [*keys, "parts"]
    assert [part["canonical"] for part in multi["parts"]] == ["20人", "2.8万人"]
    assert json.loads(json.dumps(multi, ensure_ascii=False)) == multi


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (0.95, "0%", "95%"),
        (0.95, "0.00%", "95.00%"),
        (0.955, "0%", "95.5%"),
        (0.07, "0%", "7%"),
        (95.0, "General", "95"),
        (2.8, "General", "2.8"),
        (0.1 + 0.2, "General", "0.3"),
        (1907400.0, "#,##0.00_ ", "1907400"),
        (200.0, '0"人"', "200人"),
        (0.95, '"≥"0%', "≥95%"),
        (19074000.0, '0!.0,"万元"', "19074000"),
        (30.0, r"0_);[Red]\(0\)", "30"),
        (1e-7, "0.00E+00", "0.0000001"),
        (dt.date(2026, 12, 1), 'yyyy"年"m"月"', "2026年12月"),
        (dt.datetime(2026, 12, 31, tzinfo=dt.UTC), 'yyyy"年"m"月"d"日"', "2026年12月31日"),
        (dt.date(2026, 12, 31), "yyyy/m/d", "2026年12月31日"),
        (dt.date(2026, 12, 31), '[$-804]m"月"d"日";@', "12月31日"),
        (dt.date(2026, 12, 31), "d-mmm", "12月31日"),
        (dt.datetime(2026, 12, 31, 9, 30, tzinfo=dt.UTC), "yyyy/m/d h:mm", "2026年12月31日 9:30"),
        (dt.time(9, 30), "h:mm", "09:30"),
        (True, "General", "TRUE"),
        (None, "General", ""),
        (" ≥95% ", "@", " ≥95% "),
        (Decimal("12.50"), "General", "12.5"),
        (float("inf"), "General", "inf"),
    ],
)
def test_as_typed(value: object, number_format: str, text: str) -> None:
    assert as_typed(value, number_format) == text


def bare(target: Target) -> Target:
    """What must survive writing and reading again: everything but the text, the remark and the words of a contradiction."""
    conflicts = tuple(Conflict(conflict.code, "") for conflict in target.conflicts)
    return replace(target, text="", why="", conflicts=conflicts, parts=tuple(map(bare, target.parts)))


WORDS = (
    "≥|≤|>|<|=|不少于|不超过|达到|控制在|以上|以内|左右|约|每|每年|每月|按|力争|增长|较上年|0|1|2|"
    "3|12|30|95|100|2026|1,907,400|8.5|%|‰|万|亿|人|人次|次|元|万元|天|个工作日|"
    "月|年|日|底|前|之前|起|季度|上半年|第|/年|/人|/半年|/会议次数|-|~|至|、|；|,|。|(|)|一|两|"
    "三|半|成|分之|零|无|**|XX|完成|满意度|逐步|推开|€|≪|″|.|±|且|指标值|和|\n|\u3000|１|％"
)
PIECES = st.sampled_from(WORDS.split("|"))
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(PIECES, max_size=9).map("".join),
    st.sampled_from([row["text"] for row in FORMS] + [row["target"] for row in SEEDS]),
    st.text(alphabet="≥≤<>=0123456789.,%万亿千百人次元年月日底前至-~、；;/()个分之一二三半每 \n", max_size=16),
)
NAMES = st.sampled_from(
    ["", "参保人数(人)", "满意度（%）", "完成时间", "可支配月数(月)", "参保率（≥**%）", "挽回损失（万元）", "工期", "报销比例63%"]
)
SYMBOLS = st.sampled_from(["", "≥", "＝", "<=", "定性", "大于"])
COLUMNS = st.sampled_from(["", "%", "人", "万元", "月", "次/年", "不知道的单位", "无"])


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, NAMES, SYMBOLS, COLUMNS)
def test_what_is_written_reads_back_the_same(text: str, name: str, symbol: str, unit: str) -> None:
    beside = {"name": name, "symbol": symbol, "unit": unit}
    target = read(text, **beside)
    again = read(render(target), **beside)
    assert bare(again) == bare(target)
    assert target.text == text
    assert target.why or target.quantified
    json.dumps(to_json(target))


@settings(max_examples=800, deadline=None)
@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())) | TEXTS, st.text(max_size=20))
def test_any_text_is_read(text: str, name: str) -> None:
    assert isinstance(read(text, name=name), Target)
    assert read(text + "\ud800\x00\x0b").kind


WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@settings(max_examples=800, deadline=None)
@given(st.sampled_from([row["text"] for row in FORMS] + [row["target"] for row in SEEDS]))
def test_width_makes_no_difference(text: str) -> None:
    assert bare(read(text.translate(WIDE))) == bare(read(text))


@pytest.mark.parametrize(
    "unit",
    [
        "9",
        "9,",
        "1-",
        "≥",
        "一",
        "每年",
        "(",
        "95%；",
        "9月",
        "2026年",
        "*",
        "人",
        "之",
        " 1",
        "1 ",
        "\n",
        "1.",
        "约",
        "不超过",
        "三分之",
        "0 ",
    ],
)
def test_long_text_is_read_quickly(unit: str) -> None:
    for length in (180, 200, 20000):
        text = (unit * length)[:length]
        start = time.perf_counter()
        read_uncached(text, "", "", "", "", UNITS)
        assert time.perf_counter() - start < 0.5
    assert read(unit * 400).kind in ("qualitative", "blank")


def test_a_reader_holds_one_table() -> None:
    assert Reader(UNITS).read("≥95%", name="满意度") == read("≥95%", name="满意度")


def test_the_table_names_each_word_once() -> None:
    with pytest.raises(ValueError, match="两次"):
        Units.from_table([{"unit": "人", "dimension": "count"}, {"unit": "名", "dimension": "count", "aka": ["人"]}])
    for row in TABLE["units"]:
        base = row.get("base", row["unit"])
        assert base == "1" or row["dimension"] == "scale" or UNITS.words[base].base == base, row
