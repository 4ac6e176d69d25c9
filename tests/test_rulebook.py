"""A bureau's own rules.yaml: what it changes, what it adds, and the mistakes in it; the commands that show the rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.returns import CLEAN, B, Y, found, one, told
from xlgoals.cli import main
from xlgoals.errors import SpecError
from xlgoals.forms import Forms
from xlgoals.intake import gather
from xlgoals.rules import lint
from xlgoals.spec import load_forms
from xlgoals.tables import findings_of

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def bureau(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Load the forms with a bureau's rules."""

    def load(text: str, name: str = "rules.yaml", *more: str) -> Forms:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        load_forms.cache_clear()
        forms = load_forms((str(tmp_path), *more))
        lint(forms.catalogue, tuple(forms.money_units.items()))
        return forms

    return load


def checked(forms: Forms, form: str, **changes: str) -> list[tuple[str, str]]:
    return found(one(forms[form], **changes), forms=forms)


def test_a_rule_switched_off_says_nothing(bureau) -> None:  # type: ignore[no-untyped-def]
    forms = bureau("rules:\n  - {code: funds.sum, off: yes}\n  - {code: money.unit_factor, off: yes}\n")
    assert checked(forms, Y, other="30") == []
    assert forms.catalogue.off == {"funds.sum", "money.unit_factor"}
    assert forms.catalogue["funds.sum"].sentence == load_forms().catalogue["funds.sum"].sentence


def test_severity_parameters_and_words_are_changed_and_the_rest_stays(bureau) -> None:  # type: ignore[no-untyped-def]
    forms = bureau("rules:\n  - {code: funds.sum, severity: note, parameters: {rounding: '0.4'}, remedy: 请找预算股。}\n", "mappings/rules.yaml")
    assert checked(forms, Y, other="30") == []  # three figures and a total may be rounded by 1.6
    (finding,) = told(one(forms[Y], other="32"), forms=forms)
    assert (finding.code, finding.severity, finding.remedy, finding.amount) == ("funds.sum", "note", "请找预算股。", True)
    assert forms.catalogue["funds.sum"].parameters["unless"] == "money.unit_factor"


def test_a_bureau_adds_a_rule_of_its_own(bureau) -> None:  # type: ignore[no-untyped-def]
    forms = bureau("""
rules:
  - code: wuyuan.slogan
    severity: note
    serves: 相关性
    title: 口号
    sentence: "“{field}”里有口号“{found}”。"
    remedy: 请写具体。
    kind: text_without
    parameters: {where: [goal, purpose], pattern: 再上新台阶|谱写新篇章}
""")
    (finding,) = told(one(forms[Y], goal="落实参保补助，让全县医保工作再上新台阶"), forms=forms)
    assert (finding.code, finding.at.cell, finding.message) == ("wuyuan.slogan", "A11", "“年度绩效目标”里有口号“再上新台阶”。")


def test_a_bureau_makes_second_levels_compulsory_and_weights_a_hundred(bureau) -> None:  # type: ignore[no-untyped-def]
    forms = bureau("""
rules:
  - {code: level2.missing, severity: error, parameters: {levels: [数量指标, 质量指标, 时效指标]}}
  - {code: level2.advised, parameters: {levels: [成本指标, 服务对象满意度指标]}}
  - {code: weight.sum, parameters: {sums: "100"}}
""", "rules.yaml", str(Path(__file__).parent / "seventh"))
    rows = [row for row in CLEAN[Y]["indicators"] if row["level2"] != "时效指标"]
    (finding,) = told(one(forms[Y], indicators=rows), forms=forms)
    assert (finding.code, finding.severity, finding.at.cell, finding.expected) == ("level2.missing", "error", "C13", "时效指标")
    (finding,) = told(one(forms[B]), forms=forms)
    assert (finding.code, finding.text) == ("weight.sum", "各条指标的权重合计 90，应为 100。请核对各条权重，使合计为 100。")


def test_later_folders_win(bureau, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    bureau("rules: [{code: funds.sum, severity: note}]")
    cycle = tmp_path / "cycle"
    cycle.mkdir()
    (cycle / "rules.yaml").write_text("rules: [{code: funds.sum, severity: query}]", encoding="utf-8")
    assert load_forms((str(tmp_path), str(cycle))).catalogue["funds.sum"].severity == "query"


def test_what_reading_raises_can_be_switched_off_unless_a_value_was_lost(bureau, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    bureau("rules: [{code: cell.outside, off: yes}]")
    book = next((EXAMPLES / "as-published").glob("六安*.xlsx"))
    plain, quiet = (findings_of(gather([book], forms_dirs=dirs).tables) for dirs in ((), (str(tmp_path),)))
    assert "cell.outside" in {f.code for f in plain}
    assert [f.code for f in quiet] == [f.code for f in plain if f.code != "cell.outside"]


@pytest.mark.parametrize(("text", "line", "said"), [
    ("rules:\n  - {code: funds.sun, off: yes}", 2, "规则清单里没有 funds.sun，是不是 funds.sum？"),
    ("rules:\n  - code: funds.sum\n    severity: fatal", 3, "severity：只能是"),
    ("rules:\n  - code: funds.sum\n    sevrity: note", 3, "不认识 sevrity，是不是 severity？"),
    ("rules:\n  - code: funds.sum\n    off: perhaps", 3, "off：应为 yes 或 no"),
    ("rules:\n  - code: funds.sum\n    parameters:\n      roundin: '1'", 4, "funds.sum 没有参数 roundin，是不是 rounding？"),
    ("rules:\n  - code: funds.sum\n    parameters:\n      rounding: a little", 4, "parameters 的 rounding 应为数字"),
    ("rules:\n  - code: text.past\n    parameters:\n      pattern: '('", 4, "pattern 不是正则表达式"),
    ("rules:\n  - code: funds.sum\n    parameters: {unless: no.such}", 3, "no.such 不在规则清单里"),
    ("rules:\n  - code: funds.sum\n    kind: required", 3, "funds.sum 的 kind 不能改"),
    ("rules:\n  - code: money.unreadable\n    off: yes", 3, "money.unreadable 说的是读不出的内容或程序缺陷"),
    ("rules:\n  - code: money.unreadable\n    severity: note", 3, "不能改"),
    ("rules:\n  - {code: funds.sum, off: yes}\n  - {code: funds.sum, off: no}", 3, "funds.sum 在第 2 行已经写过"),
    ("rules:\n  - {code: a.b, kind: required}", 2, "缺少 severity"),
    ("rules:\n  - {code: a.b, severity: note, serves: 完整性, title: a, sentence: a, remedy: a, kind: magic}", 2, "没有 kind magic"),
    ("rulez: []", 1, "不认识 rulez"),
    ("rules:\n  - code: funds.sum\n   off: yes", 3, "不是合法的 YAML"),
    ("rules:\n  - code: weight.sum\n    parameters: {sums: 90分}", 3, "sums 应为数字，几个数之间用空格分开"),
    ("rules:\n  - code: goals.short\n    parameters: {fewest: '30.5'}", 3, "fewest 应为整数"),
    ("rules:\n  - code: funds.sum\n    parameters: {rounding: '-1'}", 3, "rounding 应为数字，不能小于 0"),
    ("rules:\n  - code: level2.missing\n    parameters: {levels: 数量指标 时效}", 3, "“时效”不是一级、二级指标的名称，是不是 时效指标？"),
    ("rules:\n  - code: level2.kind\n    cases:\n      - {level2: 数量, sorts: ratio, say: 不行}", 4, "“数量”不是一级、二级指标的名称"),
    ("rules:\n  - code: level2.kind\n    cases:\n      - {level2: 数量指标, sorts: ratio, say: 不行, onyl: 率}", 4, "case 里不认识 onyl，是不是 only？"),
    ("rules:\n  - code: indicator.repeated\n    parameters: {which: both}", 3, "which 只能是 same、differing、explained"),
    ("rules:\n  - code: target.several\n    sentence: 指标{nam}", 3, "sentence 里的 {nam} 没有内容可填，是不是 name？"),
    ("rules:\n  - code: target.several\n    remedy: 请改{", 3, "remedy 里的大括号不成对"),
    ("rules:\n  - {code: a.b, severity: note, serves: 完整性, title: a, sentence: '{feld}', remedy: a, kind: required, parameters: {prompt: a}}", 2, "{feld} 没有内容可填，是不是 field？"),
])  # fmt: skip
def test_mistakes_have_file_and_line(bureau, tmp_path: Path, text: str, line: int, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError) as caught:
        bureau(text)
    assert any(f"{tmp_path / 'rules.yaml'}:{line}: " in one and said in one for one in str(caught.value).splitlines()), str(caught.value)


# --- commands


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, args)
    return result.exit_code, result.output


def test_rules_lists_every_rule() -> None:
    code, text = run("rules", "--format", "json")
    assert code == 0
    rows = [json.loads(row) for row in text.splitlines()]
    assert [row["code"] for row in rows] == list(load_forms().catalogue.rules)
    (sums,) = (row for row in rows if row["code"] == "funds.sum")
    assert (sums["severity"], sums["serves"], sums["off"], sums["parameters"]["rounding"]) == ("error", "适当性", False, "0.005")
    code, text = run("rules")
    assert code == 0
    assert "资金来源加起来不等于总额" in text


def test_rules_show_what_a_bureau_changed(bureau, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    bureau("rules: [{code: text.past, off: yes}]")
    code, text = run("rules", "--forms", str(tmp_path))
    assert code == 0
    assert next(row for row in text.splitlines() if "text.past" in row).split()[4] == "关"
    assert run("explain", "text.past", "--forms", str(tmp_path))[1].splitlines()[0].endswith("（关着，不查）")


def test_explain_says_what_why_and_what_to_do() -> None:
    code, text = run("explain", "funds.sum")
    assert code == 0
    for part in ("错误：逻辑性问题，必须改正", "各项来源之和 73.00，“年度资金总额”填的是 72.00", "请核对各项来源和总额", "适当性：", "财预〔2015〕88号", "rounding：", "rules.yaml:"):
        assert part in text


def test_explain_shows_each_case() -> None:
    text = run("explain", "level2.kind")[1]
    assert "  情况　　level2=数量指标；sorts=ratio；say=数量指标写做多少（人、次、件、公里），比率一般归质量指标或效益指标\n" in text
    assert "only=标准 单价 人均" in text


@pytest.mark.parametrize("code", load_forms().catalogue.rules)
def test_every_rule_can_be_explained(code: str) -> None:
    status, text = run("explain", code)
    assert status == 0
    assert code in text
    assert "{" not in text.split("怎么办")[0]


def test_explain_of_a_code_that_is_not_there() -> None:
    code, text = run("explain", "funds.sun")
    assert code == 2
    assert "是不是 funds.sum？" in text


def test_a_mistake_in_a_bureau_s_rules_stops_check_before_anything_is_read(bureau, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "rules.yaml").write_text("rules: [{code: funds.sun}]", encoding="utf-8")
    code, text = run("check", str(EXAMPLES / "filled"), "--forms", str(tmp_path))
    assert code == 2
    assert "rules.yaml:1: " in text


def test_percents_in_a_column_of_percents_are_read(tmp_path: Path) -> None:
    """The heading of 青龙's plan asks for percents: who obeys is not told that they are no amounts."""
    import openpyxl

    book = openpyxl.load_workbook(next((EXAMPLES / "filled").glob("青龙*.xlsx")))
    for cell, value in zip(("B8", "D8", "E8", "F8"), (0.25, "50%", "75％", 1), strict=True):
        book["项目2"][cell] = value
        if not isinstance(value, str):
            book["项目2"][cell].number_format = "0%"
    book.save(tmp_path / "a.xlsx")
    tables = gather([tmp_path / "a.xlsx"]).tables
    from tests.returns import checked

    findings = [f for f in (*findings_of(tables), *checked(tables, load_forms())) if f.at.sheet == "项目2" and f.at.cell in ("B8", "D8", "E8", "F8")]
    assert findings == []
