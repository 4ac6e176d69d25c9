"""Converting: every value of the source stands in the other form, or is told with its text and place; nothing is made up."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.forms import FORMS, GOALS, SMALL, SMALL_MAPPING, draw, type_levels, write_form
from xlgoals.convert import convert, convert_book
from xlgoals.errors import SpecError
from xlgoals.findings import Finding
from xlgoals.forms import STAMPED, Form, Forms
from xlgoals.layout import ORIGIN, plan, tick_line
from xlgoals.parse import understand
from xlgoals.read import read_book, read_bytes
from xlgoals.records import Area, At, Book, Detail, Funds, Given, Goal, Indicator, Return, Spot
from xlgoals.spec import data_folder, load_forms

FILLED = sorted((data_folder("examples") / "filled").glob("*.xlsx"))
KEPT = {"convert.moved"}  # told, but nothing is left behind


# --- accounting


def converted(book: Book, to: Form, forms: Forms = FORMS) -> tuple[list[Return], list[Return], list[Finding]]:
    """(what the book says, what the new book says, findings of converting); the new one must read without a finding of its own."""
    before, reading = understand(book, forms)
    made, findings = convert_book(book, to, forms)
    assert made is not None
    assert findings[: len(reading)] == reading
    told = findings[len(reading) :]
    assert all(finding.code.startswith("convert.") and finding.text and finding.field is not None for finding in told)
    after, again = understand(read_bytes(made, name="新.xlsx"), forms)
    # money.negative, money.cents: true of the content, wherever it stands; identity: what no sheet could say
    assert {f.code for f in again} <= {f.code for f in reading} | {"identity.missing", "form.blank", "form.all_blank"}
    return before, after, told


def account(before: Return, after: Return, told: Sequence[Finding], forms: Forms = FORMS) -> None:
    """Every value of one return is in the other, or told at its own place with its whole text."""
    left = [finding for finding in told if finding.at.sheet == before.sheet and finding.code not in KEPT]

    def said(text: str, key: str, *keys: str) -> bool:
        places = {spot.at for k in (key, *keys) if (spot := before.spots.get(k))}
        return any(text in finding.found and (not places or finding.at in places) for finding in left)

    for key, value in before.fields.items():
        there = after.fields.get(key, "")
        assert not value or there == value or _alike(key, value, there, forms) or said(value, key), (key, value, there)
    for line in before.funds:
        amounts = [f.amount for f in after.funds if (f.horizon, f.source) == (line.horizon, line.source) and f.amount is not None]
        assert (line.amount is None and not line.printed.strip()) or line.amount in amounts or said(
            line.printed.strip(), line.key
        ), (line, amounts)
    for goal in before.goals:
        assert _bare_goal(goal) in _whole_goals(after, goal) or said(goal.text, goal.key), goal
    after_lines = Counter(_line(one) for one in after.indicators)
    for one in before.indicators:
        name_at = (f"{one.key}.name", f"{one.key}.target")
        if said(f"：{one.name}" if one.name else one.target, one.key, *name_at):
            assert all(said(text, one.key, *name_at) for text in (one.target, *one.more.values()) if text)
            continue
        twin = next((line for line in after_lines if after_lines[line] and _part_of(one, line)), None)
        assert twin is not None, one
        after_lines[twin] -= 1
        parts = dict(twin[5])
        for part, text in one.more.items():
            assert not text or parts.get(part) == text or said(text, f"{one.key}.{part}", *name_at), (one, part)
        moved = any(f.code == "convert.moved" and f.at in {before.spots[k].at for k in name_at if k in before.spots} for f in told)
        for part, old, new in (("level1", one.level1, twin[1]), ("level2", one.level2, twin[2])):
            assert old == new or moved or said(old, f"{one.key}.{part}", *name_at), (one, part, new)
    assert not +after_lines, "made up"
    values = Counter(_detail(d, before, forms) for d in before.details)
    found = Counter(_detail(d, after, forms) for d in after.details)
    assert not found - values, "made up"
    for detail in before.details:
        if found[_detail(detail, before, forms)] > 0:
            found[_detail(detail, before, forms)] -= 1
        else:
            assert said(detail.text, detail.key, *(d.key for d in before.details if (d.grid, d.line) == (detail.grid, detail.line))), detail
    for key, spot in before.spots.items():  # whatever was typed, read or not
        if key not in before.fields and spot.text.strip() and not _record_of(key, before):
            assert said(spot.text.strip(), key), (key, spot)


def _alike(key: str, value: str, there: str, forms: Forms) -> bool:
    return any(value in group and there in group for group in forms.same.get(key, ()))


def _bare_goal(goal: Goal) -> str:
    """A goal without blanks, nor the number that a form prints before it."""
    return re.sub(rf"^({goal.number}[.、．)）](?!\d))+", "", "".join(goal.text.split()))


def _whole_goals(after: Return, goal: Goal) -> str:
    """The goals of a horizon in one text, joined and numbered as convert would."""
    own = [one.text for one in after.goals if one.horizon == goal.horizon]
    plain, numbered = "".join(own), "".join(f"{n}. {text}" for n, text in enumerate(own, 1))
    return "".join(f"{plain} {numbered}".split())


def _line(one: Indicator) -> tuple[str, str, str, str, str, tuple[tuple[str, str], ...]]:
    return one.horizon, one.level1, one.level2, one.name, one.target, tuple(sorted((k, v) for k, v in one.more.items() if v))


def _part_of(one: Indicator, line: tuple[str, str, str, str, str, tuple[tuple[str, str], ...]]) -> bool:
    return (one.horizon, one.name, one.target) == (line[0], line[3], line[4]) and set(line[5]) <= set(one.more.items())


def _detail(detail: Detail, one: Return, forms: Forms) -> tuple[str, object]:
    columns = forms[one.form].columns.get(detail.grid)
    to = next((m.to for m in columns.values() if m.part == detail.column), "") if columns else f"{detail.grid}.{detail.column}"
    return to, detail.text if detail.amount is None else detail.amount


def _record_of(key: str, one: Return) -> bool:
    records = {*(f.key for f in one.funds), *(g.key for g in one.goals), *(d.key for d in one.details)}
    if key in records or any(key.startswith(f"{i.key}.") for i in one.indicators):
        return True
    slots = (s for s in plan(FORMS.forms[one.form]).slots if s.kind == "pattern") if one.form in FORMS.forms else ()
    return any(key in {m.to for m in slot.meanings.values()} for slot in slots)


# --- whole books


@lru_cache
def book_of(path: Path) -> Book:
    return read_book(str(path), name=path.name)


@pytest.mark.parametrize("to", GOALS)
@pytest.mark.parametrize("path", FILLED, ids=lambda path: path.stem)
def test_examples_lose_nothing(path: Path, to: str) -> None:
    before, after, told = converted(book_of(path), FORMS[to])
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        account(one, other, told)
    if before[0].form == to:
        assert told == []


@pytest.mark.parametrize("to", GOALS)
@pytest.mark.parametrize("source", GOALS)
@pytest.mark.parametrize("full", [False, True], ids=["shown lines", "all lines"])
def test_full_forms_lose_nothing(source: str, to: str, full: bool) -> None:
    canvas = type_levels(draw(FORMS[source], full=full), FORMS[source])
    before, after, told = converted(canvas.book(), FORMS[to])
    account(before[0], after[0], told)
    if source == to:
        assert told == []


WORDS = ["甲", "村道硬化", "=1+1", "1、修路\n2、架桥", "100", "≥95%", "无", "中期（年", "—", "年度", "a b", "_x0041_", "其他", "2. 乙", "完成\n验收"]
MONEY = ["0", "12.5", "1,234.56", "8476.31", "0.01", "123456789.12", "-3", "无", "约三万", "5万元", "0.0000001", "", "１２"]


def strange(form: Form, rng: random.Random) -> Book:
    """A form filled with whatever people write: gaps, unreadable amounts, levels that do not exist, lines without a name."""
    count = iter(range(10_000))

    def value(key: str, line: str) -> str | float | None:
        slot = next(s for s in plan(form).slots if s.kind == "input" and s.key == key and f"{s.grid}.{s.block + 1}.{s.line + 1}" in (line, f"{line}.0.0"))
        meaning = slot.meanings[key]
        if rng.random() < (0.6 if slot.grid else 0.2):
            return None
        if meaning.type == "money":
            return rng.choice([rng.choice(MONEY) or None, round(rng.uniform(0, 10**6), 2)])
        if slot.tick:
            return tick_line(slot.tick, rng.choice(("", *slot.tick)))
        if meaning.list:
            return rng.choice([*form.choices(meaning.list), "不在清单里的"])
        unique = key.startswith(("name", "target")) or rng.random() < 0.7
        return rng.choice(WORDS) + (f"之{next(count)}" if unique else "")

    canvas = draw(form, values=lambda key, line: value(key, line) if line else value(key, ""))
    for slot in plan(form).slots:
        if slot.kind == "pattern" and rng.random() < 0.8:
            numbers = iter(rng.sample(["2024", "2025", "张三", "2024年—2025", ""], 5))
            canvas.cells[slot.area.top + ORIGIN[0], slot.area.left] = re.sub(r"\{\w+\}", lambda _: next(numbers), slot.text)  # noqa: B023
    return canvas.book()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(GOALS), st.sampled_from(GOALS), st.integers(0, 10**6))
def test_whatever_people_write_is_not_lost(source: str, to: str, seed: int) -> None:
    book = strange(FORMS[source], random.Random(seed))
    before, reading = understand(book, FORMS)
    if not before:
        assert convert_book(book, FORMS[to], FORMS) == (None, reading)
        return
    entries, told = convert(before[0], FORMS[to], FORMS)
    if entries or any(before[0].fields.get(part) for part in STAMPED):
        made, _ = convert_book(book, FORMS[to], FORMS)
        assert made is not None
        after, _ = understand(read_bytes(made, name="新.xlsx"), FORMS)
        account(before[0], after[0], told) if after else None


# --- what goes where


def a_return(form: str = "qinglong-2024", **parts: object) -> Return:
    """A return with a spot for every value."""
    spots: dict[str, Spot] = {}

    def spot(key: str, text: str) -> None:
        spots[key] = Spot(At("旧.xlsx", "项目1", f"A{len(spots) + 1}"), text, "key", key)

    for key, text in parts.get("fields", {}).items():  # type: ignore[attr-defined]
        spot(key, text)
    for line in (*parts.get("funds", ()), *parts.get("goals", ()), *parts.get("details", ())):  # type: ignore[misc]
        spot(line.key, getattr(line, "printed", "") or getattr(line, "text", ""))
    for one in parts.get("indicators", ()):  # type: ignore[attr-defined]
        for part in ("name", "target", "level2", *one.more):
            spot(f"{one.key}.{part}", one.more.get(part) or getattr(one, part, ""))
    told = {"fields": {}, **parts}
    return Return("旧.xlsx", "0", "项目1", Area(0, 0, 1, 1), form, None, spots=spots, **told)  # type: ignore[arg-type]


def moved(one: Return, to: str | Form, forms: Forms = FORMS) -> tuple[dict[str, list[object]], list[Finding]]:
    """The values by canonical field, and what is told."""
    form = forms[to] if isinstance(to, str) else to
    entries, told = convert(one, form, forms)
    found: dict[str, list[object]] = {}
    for slot, _, value in entries:
        for meaning in slot.meanings.values():
            found.setdefault(meaning.to, []).append(value)
    return found, told


def fund(amount: str | None, source: str = "total", horizon: str = "annual", printed: str = "") -> Funds:
    yuan = None if amount is None else Decimal(amount)
    return Funds(f"funds.{horizon}.{source}", horizon, source, yuan, printed or amount or "", "万元")  # type: ignore[arg-type]


def line(level1: str, level2: str, name: str = "指标", target: str = "1", key: str = "indicators.annual.1.1", horizon: str = "annual", **more: str) -> Indicator:
    return Indicator(key, horizon, level1, level2, name, target, more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("yuan", "to", "shown"),
    [
        ("780200", "mof-2021", "78.02"), ("0.01", "mof-2021", "0.000001"), ("190740000", "pingluo-2026", "190740000"),
        ("99999999999999999.99", "mof-2021", "9999999999999.999999"), ("0", "mof-2021", "0"), ("-3", "pingluo-2026", "-3"),
    ],
)  # fmt: skip
def test_money_is_turned_into_the_forms_unit_exactly(yuan: str, to: str, shown: str) -> None:
    found, told = moved(a_return(funds=(fund(yuan),)), to)
    assert found == {"funds.total": [Decimal(shown)]}
    assert told == []


def test_money_that_has_no_place_or_was_not_read_is_told() -> None:
    funds = (fund("5", "carryover"), fund("0", "other", "mid_term"), fund(None, "fiscal", printed="约三万"), fund(None, "other", printed=""))
    found, told = moved(a_return(funds=funds), "mof-2021")
    assert found == {"funds.other": [Decimal(0)]}
    assert [(f.code, f.found, f.severity) for f in told] == [("convert.no_funds", "5", "query"), ("convert.unread", "约三万", "query")]
    assert "年度" in told[0].message
    zero = a_return(funds=(fund("0", "carryover", printed="无"),))
    assert [(f.code, f.severity) for f in moved(zero, "mof-2021")[1]] == [("convert.no_field", "note")]


def goal(number: int, text: str, horizon: str = "annual") -> Goal:
    return Goal(f"goals.{horizon}.{number}", horizon, number, text)  # type: ignore[arg-type]


def test_goals_are_joined_with_their_numbers_and_parted_again() -> None:
    several = a_return(goals=(goal(1, "修路"), goal(2, "架桥\n通车"), goal(3, "绿化")))
    found, told = moved(several, "mof-2021")
    assert (found, told) == ({"goals.text": ["1. 修路\n2. 架桥\n通车\n3. 绿化"]}, [])
    assert moved(a_return("mof-2021", goals=(goal(1, "1. 修路\n2. 架桥"),)), "qinglong-2024")[0] == {"goals.text": ["修路", "架桥"]}
    for text in ("1. 修路\n3. 架桥", "修路\n架桥", "1. 修路"):
        assert len(moved(a_return("mof-2021", goals=(goal(1, text),)), "qinglong-2024")[0]["goals.text"]) == 1


def test_more_goals_than_places() -> None:
    found, told = moved(a_return(goals=tuple(goal(n, f"目标{n}") for n in range(1, 11))), "qinglong-2024")
    assert found["goals.text"] == [*(f"目标{n}" for n in range(1, 8)), "目标8\n9. 目标9\n10. 目标10"]
    assert told == []
    long = [goal(1, "甲" * 20_000), goal(2, "乙" * 20_000), goal(3, "丙")]
    found, told = moved(a_return(goals=tuple(long)), "mof-2021")
    assert found["goals.text"] == ["1. " + "甲" * 20_000 + "\n3. 丙"]
    assert [(f.code, f.found) for f in told] == [("convert.unfit", "乙" * 20_000)]


def test_goals_of_a_horizon_the_form_has_not() -> None:
    found, told = moved(a_return(goals=(goal(1, "长期的", "long_term"), goal(1, "年度的"))), "mof-2021")
    assert found == {"goals.text": ["年度的"]}
    assert [(f.code, f.found) for f in told] == [("convert.no_field", "长期的")]


@pytest.mark.parametrize(
    ("to", "levels", "expected"),
    [
        ("mof-2021", ("产出指标", "成本指标"), ("成本指标", "经济成本指标")),
        ("luan-2023", ("成本指标", "社会成本指标"), ("产出指标", "成本指标")),
        ("luan-2023", ("成本指标", ""), ("产出指标", "成本指标")),
        ("shigu-2020", ("满意度指标", "服务对象满意度指标"), ("效益指标", "服务对象满意度指标")),
        ("yiyang-2023", ("效益指标", "服务对象满意度指标"), ("满意度指标", "服务对象满意度指标")),
        ("mof-2021", ("产出指标", "数量指标"), None),
        ("yiyang-2023", ("成本指标", ""), None),
        ("qinglong-2024", ("产出指标", "成本指标"), None),
    ],
)
def test_indicators_move_where_the_taxonomies_differ(to: str, levels: tuple[str, str], expected: tuple[str, str] | None) -> None:
    one = a_return("yiyang-2023", indicators=(line(*levels),))
    entries, told = convert(one, FORMS[to], FORMS)
    laid, slot = plan(FORMS[to]), next(e.slot for e in entries if e.slot.key.startswith("name"))
    words = FORMS[to].template.rows and next(g for _, g in laid.form.template.grids() if g.grid == slot.grid).blocks[slot.block].fixed
    level1, level2 = expected or levels
    assert laid.form.canonical(words["level1"], "level1") == level1
    shown = words.get("level2") or next((str(e.value) for e in entries if e.slot.key.startswith("level2")), "")
    assert laid.form.canonical(shown, "level2") == level2
    assert [(f.code, f.found, f.expected) for f in told] == (
        [("convert.moved", "／".join(filter(None, levels)), "／".join(expected))] if expected else []
    )


def test_a_free_level_gets_the_local_word() -> None:
    found, _ = moved(a_return(indicators=(line("满意度指标", "服务对象满意度指标"),)), "shigu-2020")
    assert found["indicator.level2"] == ["社会公众或服务对象满意度指标"]


def test_levels_the_form_does_not_know() -> None:
    odd = a_return(indicators=(line("产出指标", "其他指标", "修路", key="indicators.annual.1.1"), line("特色指标", "甲", "架桥", "≥1座", key="indicators.annual.1.2", basis="文件")))
    found, told = moved(odd, "qinglong-2024")
    assert found == {"indicator.name": ["修路"], "indicator.target": ["1"]}
    assert [(f.code, f.field, f.at.cell) for f in told] == [("convert.not_listed", "indicators.annual.1.1.level2", "A3"), ("convert.no_level", "indicators.annual.1.2.name", "A4")]
    assert told[0].found == "其他指标"
    assert told[0].expected == "数量指标、质量指标、时效指标、成本指标"
    assert all(text in told[1].found for text in ("特色指标", "甲", "架桥", "≥1座", "文件"))


def test_lines_beyond_the_last_spare_one_are_told() -> None:
    many = tuple(line("产出指标", "数量指标", f"第{n}条", key=f"indicators.annual.1.{n}", description=f"描述{n}") for n in range(1, 9))
    found, told = moved(a_return(indicators=many), "pingluo-2026")
    assert found["indicator.name"] == [f"第{n}条" for n in range(1, 7)]
    assert [(f.code, "描述" in f.found) for f in told] == [("convert.no_field", True)] * 6 + [("convert.full", True)] * 2
    assert "第7条" in told[6].found


def test_a_horizon_the_form_has_not() -> None:
    found, told = moved(a_return("luan-2023", indicators=(line("产出指标", "数量指标", horizon="mid_term"),)), "yiyang-2023")
    assert (found, [f.code for f in told]) == ({}, ["convert.no_horizon"])
    assert "中期" in told[0].message


@pytest.mark.parametrize(
    ("to", "value", "shown"),
    [
        ("mof-2021", "常年性项目", "常年项目"), ("pingluo-2026", "常年项目", "常年性项目"), ("mof-2021", "一次性项目", "一次性项目"),
        ("shigu-2020", "新增专项", "延续专项□    新增专项☑"), ("mof-2021", "延续专项", None), ("shigu-2020", "常年项目", None),
    ],
)  # fmt: skip
def test_choices(to: str, value: str, shown: str | None) -> None:
    found, told = moved(a_return(fields={"attribute": value}), to)
    assert found == ({"attribute": [shown]} if shown else {})
    assert [(f.code, f.found) for f in told] == ([] if shown else [("convert.not_listed", value)])


def test_a_pattern_takes_its_parts_or_tells_them() -> None:
    assert moved(a_return(fields={"mid_from": "2024", "mid_to": "2026"}), "mof-2021")[0] == {
        "mid_from": ["中期目标（2024年—2026年）"], "mid_to": ["中期目标（2024年—2026年）"]
    }  # fmt: skip
    found, told = moved(a_return(fields={"mid_from": "2024年—2025", "mid_to": "2026"}), "mof-2021")
    assert found == {}
    assert [(f.code, f.found) for f in told] == [("convert.unfit", "2024年—2025"), ("convert.unfit", "2026")]


def test_what_was_typed_but_not_understood_is_told() -> None:
    one = a_return()
    spots = {"indicators.annual.1.1.level2": Spot(At("旧.xlsx", "项目1", "B9"), " 数量指标 ", "key", "二级指标")}
    one = Return(**{name: getattr(one, name) for name in one.__slots__} | {"spots": spots})
    assert [(f.code, f.field, f.found, f.at.cell) for f in moved(one, "mof-2021")[1]] == [("convert.unread", "二级指标", "数量指标", "B9")]


def test_words_printed_in_an_input_are_no_content() -> None:
    book = draw(FORMS["shigu-2020"], values=lambda key, line: "专项" if key == "project_name" else None)
    for slot in plan(FORMS["shigu-2020"]).slots:
        if slot.text and slot.kind in ("input", "pattern"):
            book.cells[slot.area.top + ORIGIN[0], slot.area.left] = re.sub(r"\{\w+\}", "", slot.text)
    _, _, told = converted(book.book(), FORMS["mof-2021"])
    assert told == []


# --- other grids

TABLE = SMALL.replace("rows:", """\
rows:
  - grid: plan
    columns: [{key: when, label: 时间}, {key: amount, label: 金额, span: 3}]
    blocks:
      - {when: 上半年, lines: {print: 1, most: 1}}
      - {when: 下半年, lines: {print: 1, most: 1}}
""").replace("form: small", "form: {id}")
TABLE_MAPPING = SMALL_MAPPING.replace("grids:", "grids:\n  plan: {when: schedule.task, amount: plan.amount}").replace("form: small", "form: {id}")


@lru_cache
def two_tables(folder: Path, swap: bool) -> Forms:
    write_form(folder, TABLE.replace("{id}", "one"), TABLE_MAPPING.replace("{id}", "one"), "one")
    other = TABLE.replace("上半年", "@").replace("下半年", "上半年").replace("@", "下半年") if swap else TABLE.replace("下半年", "年底")
    write_form(folder, other.replace("{id}", "two"), TABLE_MAPPING.replace("{id}", "two").replace("money_unit: 万元", "money_unit: 元"), "two")
    return load_forms((str(folder),))


def test_lines_with_printed_words_go_to_the_line_that_prints_the_same(tmp_path: Path) -> None:
    forms = two_tables(tmp_path, True)
    book = draw(forms["one"], values=lambda key, line: {"plan.1.1": 1.5, "plan.2.1": 2.25}.get(line) if key == "amount" else None).book()
    before, after, told = converted(book, forms["two"], forms)
    assert told == []
    assert [(d.line, d.amount) for d in before[0].details] == [("1.1", Decimal("15000.00")), ("2.1", Decimal("22500.00"))]
    assert [(d.line, d.amount) for d in after[0].details] == [("1.1", Decimal("22500.00")), ("2.1", Decimal("15000.00"))]


def test_lines_whose_words_the_form_does_not_print_are_told(tmp_path: Path) -> None:
    forms = two_tables(tmp_path, False)
    book = draw(forms["one"], values=lambda key, line: {"plan.1.1": 1.5, "plan.2.1": 2.25}.get(line) if key == "amount" else None).book()
    _, after, told = converted(book, forms["two"], forms)
    assert [d.amount for d in after[0].details] == [Decimal("15000.00")]
    assert [(f.code, f.found) for f in told] == [("convert.no_line", "资金支出计划：2.25")]


def test_a_schedule_moves_line_by_line() -> None:
    details = [
        Detail(f"schedule.1.{n}.{part}", "schedule", f"1.{n}", part, f"{part}{n}") for n in range(1, 9) for part in ("task", "start", "finish")
    ]
    found, told = moved(a_return("shigu-2020", details=tuple(details)), "shigu-2020")
    assert found["schedule.start"] == [f"start{n}" for n in range(1, 7)]
    assert [(f.code, f.found) for f in told] == [
        ("convert.full", f"实施内容：task{n}；计划开始时间：start{n}；计划完成时间：finish{n}") for n in (7, 8)
    ]
    assert Counter(f.code for f in moved(a_return("shigu-2020", details=tuple(details)), "mof-2021")[1]) == {"convert.no_field": 24}


# --- whose


def sheets(*who: Mapping[str, str]) -> Book:
    form = FORMS["yiyang-2023"]
    canvases = [draw(form, f"项目{n}", lambda key, line, w=w: w.get(key) if not line else None, seq=n) for n, w in enumerate(who, 1)]  # type: ignore[misc]
    for canvas in canvases:
        canvas.lose_keys()
    return canvases[0].book(*canvases[1:])


def test_identity_travels_in_the_stamp() -> None:
    one = {"project_name": "甲", "department": "450 甲局", "unit": "乙中心"}
    _, after, told = converted(sheets(one, {**one, "project_name": "丙"}), FORMS["qinglong-2024"])
    assert told == []
    assert [(a.fields["department"], a.fields["unit"], a.fields["project_name"]) for a in after] == [("450 甲局", "乙中心", "甲"), ("450 甲局", "乙中心", "丙")]


def test_identities_that_differ_are_typed_or_told() -> None:
    book = sheets({"project_name": "甲", "department": "甲局", "unit": "乙中心"}, {"project_name": "丙", "department": "甲局", "unit": "丁中心"})
    _, after, told = converted(book, FORMS["mof-2021"])
    assert ([a.fields["unit"] for a in after], told) == (["乙中心", "丁中心"], [])
    _, after, told = converted(book, FORMS["qinglong-2024"])
    assert [(a.fields["department"], a.fields["unit"]) for a in after] == [("甲局", "")] * 2
    assert [(f.code, f.found, f.at.sheet) for f in told] == [("convert.several", "乙中心", "项目1"), ("convert.several", "丁中心", "项目2")]


def test_a_book_without_content_is_not_converted() -> None:
    made, findings = convert_book(draw(FORMS["mof-2021"], values=lambda key, line: None).book(), FORMS["yiyang-2023"], FORMS, Given("2025"))
    assert made is None
    assert [f.code for f in findings] == ["form.all_blank"]


# --- the table of moves


def test_moves_between_unknown_levels_are_a_mistake_of_the_table(tmp_path: Path) -> None:
    write_form(tmp_path)
    text = (data_folder("mappings") / "lists.yaml").read_text(encoding="utf-8")
    wrong = text.replace("{from: [成本指标], to:", "{from: [成本], to:")
    (tmp_path / "mappings" / "lists.yaml").write_text(wrong, encoding="utf-8")
    number = next(n for n, row in enumerate(wrong.splitlines(), 1) if "from: [成本]" in row)
    with pytest.raises(SpecError) as stopped:
        load_forms((str(tmp_path),))
    assert [(m.file, m.line) for m in stopped.value.mistakes] == [("lists.yaml", number)]
    assert "成本" in stopped.value.mistakes[0].text


def test_every_pair_of_taxonomies_has_a_place_for_every_level() -> None:
    """No indicator of a shipped form with known levels is left behind for its levels alone."""
    for source in FORMS.forms.values():
        levels: Iterable[tuple[str, str]] = [(one, two) for one, twos in source.taxonomy.items() for two in twos]
        for to in GOALS:
            lines = tuple(line(*pair, key=f"indicators.annual.1.{n}") for n, pair in enumerate(levels, 1))
            assert not [f for f in moved(a_return(source.id, indicators=lines), to)[1] if f.code in ("convert.no_level", "convert.not_listed")], (source.id, to)


