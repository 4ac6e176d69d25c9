"""The spec files: shipped forms load; every kind of mistake is told with file, line and what to do, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.forms import FORMS, SHIPPED, SMALL, SMALL_MAPPING, line_of, small, write_form
from xlgoals.cli import main
from xlgoals.errors import Mistake, SpecError, UsageError
from xlgoals.layout import plan
from xlgoals.spec import load_forms


def mistakes(folder: Path, template: str = SMALL, mapping: str = SMALL_MAPPING) -> list[Mistake]:
    write_form(folder, template, mapping)
    with pytest.raises(SpecError) as caught:
        for form in load_forms((str(folder),)).forms.values():
            plan(form)
    return list(caught.value.mistakes)


def test_shipped_forms_load_and_lay_out() -> None:
    assert {"yiyang-2023", "qinglong-2024"} <= set(SHIPPED)
    for form in FORMS.forms.values():
        assert form.title and len(form.digest) == 12
        assert plan(form).slots


def test_digest_follows_content(tmp_path: Path) -> None:
    one = small(tmp_path / "a")
    assert small(tmp_path / "b").digest == one.digest
    assert small(tmp_path / "c", SMALL.replace("小表", "小表格")).digest != one.digest
    assert small(tmp_path / "d", SMALL + "# a comment\n").digest == one.digest


def test_unknown_form_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="是不是 qinglong-2024"):
        FORMS["qinglong-2042"]
    with pytest.raises(UsageError, match="xlgoals forms"):
        FORMS["x"]


def test_missing_folder() -> None:
    with pytest.raises(UsageError, match="不存在"):
        load_forms(("no-such-folder",))


# kind of mistake: which file is changed, what by what, the part on whose line it is told (nth time), and words of the message
KINDS: dict[str, tuple[str, str, str, str, str]] = {
    "unknown key of the file": ("t", "title: 小表", "title: 小表\ncolums: 3", "colums: 3", "不认识 colums，是不是 columns？"),
    "unknown key of a cell": ("t", "{key: total}", "{key: total, spam: 2}", "spam: 2", "不认识 spam"),
    "misspelt key of a cell": ("t", "{key: total}", "{key: total, spann: 2}", "spann", "是不是 span？"),
    "missing title": ("t", "title: 小表\n", "", "form: small", "缺少 title，请补上"),
    "bad form name": ("t", "form: small", "form: Small 1", "form: Small", "写法应符合"),
    "two kinds in a cell": ("t", "{key: total}", "{key: total, label: 金额}", "key: total", "只能写"),
    "no kind in a cell": ("t", "{key: total}", "{span: 1}", "span: 1", "只能写"),
    "bad number": ("t", "{key: total}", "{key: total, span: two}", "span: two", "span：应为整数"),
    "number too small": ("t", "{key: total}", "{key: total, down: 0}", "down: 0", "不能小于 1"),
    "number too large": ("t", "{key: total}", "{key: total, lines: 99}", "lines: 99", "不能大于 25"),
    "bad choice": ("t", "title: 小表", "title: 小表\npage: {paper: A5}", "paper: A5", "只能是"),
    "most below print": ("t", "效益指标, lines: {print: 1, most: 2}", "效益指标, lines: {print: 3, most: 2}", "print: 3", "most 不能小于 print"),
    "lines missing": ("t", "效益指标, lines: {print: 1, most: 2}", "效益指标", "level1: 效益指标}", "缺少 lines"),
    "unknown style": ("t", "style: title", "style: tittle", "style: tittle", "没有样式 tittle"),
    "unknown style of a column": ("t", "{key: target,", "{key: target, style: wide,", "key: target, style", "没有样式 wide"),
    "bad hole": ("t", "{year}年小表", "{yera}年小表", "yera", "{yera} 既不是本表的 key"),
    "key twice": ("t", "{key: total}", "{key: project_name}", "{key: project_name}, {label: 年度", "key project_name 出现了两次"),
    "key without meaning": ("t", "{key: total}", "{key: totals}", "key: totals", "key totals 在 mappings/small.yaml 的 fields 里没有"),
    "column twice": ("t", "{key: name, label", "{key: level2, label", "三级指标", "栏 level2 出现了两次"),
    "column without meaning": ("t", "{key: name, label", "{key: nam, label", "key: nam,", "栏 nam 在 mappings/small.yaml"),
    "grid without meaning": ("t", "grid: indicators", "grid: goals", "grid: goals", "grid goals 在 mappings/small.yaml"),
    "unknown column in a block": ("t", "{level1: 效益指标,", "{levle1: 效益指标,", "levle1", "没有栏 levle1，是不是 level1"),
    "first level not in the taxonomy": ("t", "{level1: 效益指标,", "{level1: 收益指标,", "收益指标", "收益指标 不是分类 mof-2021 的一级指标"),
    "second level under the wrong first": ("t", "level2: 数量指标", "level2: 社会效益指标", "社会效益指标", "不在一级指标 产出指标 之下，可用：数量指标"),
    "too narrow a row": ("t", "span: 4, style: title", "span: 3, style: title", "style: title", "这一行少了第 4 栏起的 1 栏"),
    "too wide a row": ("t", "span: 4, style: title", "span: 5, style: title", "style: title", "放不下"),
    "too wide a grid": ("t", "{key: target, label", "{key: target, span: 2, label", "grid: indicators", "各栏 span 之和应为 4"),
    "too wide a page": ("t", "[20, 20, 20, 20]", "[40, 40, 40, 40]", "columns: [40", "超出纸面可打印宽度"),
    "field without a label": ("t", "{label: 年度资金总额}, ", "{text: 年度资金总额}, ", "key: total", "左边和上边都没有标签"),
    "no blocks": ("t", SMALL[SMALL.index("    blocks:") :], "    blocks: []\n", "blocks: []", "至少要有 1 项"),
    "no columns": ("t", "columns: [20, 20, 20, 20]", "columns: []", "columns: []", "至少要有 1 项"),
    "a word where a list belongs": ("t", "columns: [20, 20, 20, 20]", "columns: wide", "columns: wide", "应为列表"),
    "bad YAML": ("t", "style: title}]", "style: title}", "{label: 项目名称}", "不是合法的 YAML"),
    "key twice in a file": ("t", "title: 小表", "title: 小表\ntitle: 大表", "title: 大表", "键“title”重复"),
    "unknown canonical field": ("m", "total: funds.total", "total: funds.totle", "funds.totle", "fields.yaml 里没有 funds.totle，是不是 funds.total？"),
    "key that the form lacks": ("m", "  total: funds.total", "  total: funds.total\n  other: funds.other", "  other:", "表样里没有 key other"),
    "column that the form lacks": ("m", "    name: indicator.name", "    name: indicator.name\n    basis: indicator.basis", "basis", "grid indicators 没有栏 basis"),
    "grid that the form lacks": ("m", "words: {}", "  plan: {a: plan.amount}\nwords: {}", "plan:", "表样里没有 grid plan"),
    "unknown taxonomy": ("m", "mof-2021", "mof-2012", "taxonomy", "没有分类 mof-2012，可用："),
    "unknown unit of money": ("m", "万元", "万圆", "money_unit", "不认识货币单位 万圆"),
    "word not in the taxonomy": ("m", "words: {}", "words: {产出: 产出类}", "words", "产出类 不在分类 mof-2021 里"),
    "unknown key of a mapping": ("m", "words: {}", "wrods: {}", "wrods", "不认识 wrods，是不是 words？"),
    "bad horizon": ("m", "total: funds.total", "total: {to: funds.total, horizon: weekly}", "weekly", "只能是"),
    "no money unit": ("m", "money_unit: 万元\n", "", "form: small", "缺少 money_unit"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_told_with_its_place(kind: str, tmp_path: Path) -> None:
    which, old, new, part, words = KINDS[kind]
    template, mapping = SMALL, SMALL_MAPPING
    if which == "t":
        assert template.count(old) == 1, old
        template = template.replace(old, new)
    else:
        assert mapping.count(old) == 1, old
        mapping = mapping.replace(old, new)
    found = mistakes(tmp_path, template, mapping)
    told = [one for one in found if words in one.text]
    assert told, [str(one) for one in found]
    assert told[0].file == "small.yaml"
    assert told[0].line == line_of(template if which == "t" else mapping, part)


def test_form_without_mapping_and_mapping_without_form(tmp_path: Path) -> None:
    write_form(tmp_path, SMALL, "")
    write_form(tmp_path, "", SMALL_MAPPING.replace("form: small", "form: lonely"), "lonely")
    with pytest.raises(SpecError) as caught:
        load_forms((str(tmp_path),))
    assert [(one.file, one.line) for one in caught.value.mistakes] == [("lonely.yaml", 1), ("small.yaml", 1)]
    assert "没有表样 templates/lonely.yaml" in str(caught.value) and "没有 mappings/small.yaml" in str(caught.value)


def test_a_form_described_twice(tmp_path: Path) -> None:
    write_form(tmp_path)
    write_form(tmp_path, SMALL, "", "again")
    with pytest.raises(SpecError, match="表样 small 已在另一个文件"):
        load_forms((str(tmp_path),))


def test_a_file_without_form(tmp_path: Path) -> None:
    """Notes of a bureau's own lie about; a template that lost its `form` line must not vanish in silence."""
    write_form(tmp_path, SMALL.replace("form: small\n", ""))
    with pytest.raises(SpecError) as caught:
        load_forms((str(tmp_path),))
    assert {one.text[:7] for one in caught.value.mistakes} >= {"缺少 form"}


def test_one_folder_may_hold_both_kinds(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(SMALL_MAPPING, encoding="utf-8")
    assert "small" in load_forms((str(tmp_path),)).forms


def test_all_mistakes_of_all_files_come_together(tmp_path: Path) -> None:
    write_form(tmp_path, SMALL.replace("style: title", "style: tittle").replace("{key: total}", "{key: total, down: 0}"))
    write_form(tmp_path, SMALL.replace("small", "second").replace("{year}", "{yaer}"), SMALL_MAPPING.replace("small", "second").replace("万元", "万圆"), "second")
    write_form(tmp_path, "form: [", "", "broken")
    (tmp_path / "mappings" / "twice.yaml").write_text("form: twice\nform: twice\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_forms((str(tmp_path),))
    files = [one.file for one in caught.value.mistakes]
    assert files == sorted(files), "in order of files and lines"
    assert set(files) == {"small.yaml", "second.yaml", "broken.yaml", "twice.yaml"}
    for words in ("不能小于 1", "万圆", "yaer", "不是合法的 YAML", "键“form”重复"):
        assert words in str(caught.value)


def test_a_mistake_does_not_bring_false_ones_with_it(tmp_path: Path) -> None:
    assert {one.text for one in mistakes(tmp_path / "a", SMALL.replace("title: 小表", "titel: 小表"))} == {"不认识 titel，是不是 title？", "缺少 title，请补上"}
    assert len(mistakes(tmp_path / "b", SMALL, SMALL_MAPPING.replace("words: {}", "words: {}\nwords: {}"))) == 1
    assert len(mistakes(tmp_path / "c", SMALL.replace("style: title}]", "style: title}"))) == 1


def test_check_command_prints_all_and_exits_2(tmp_path: Path) -> None:
    write_form(tmp_path, SMALL.replace("style: title", "style: tittle"))
    write_form(tmp_path, SMALL.replace("small", "second"), SMALL_MAPPING.replace("small", "second").replace("万元", "万圆"), "second")
    result = CliRunner().invoke(main, ["forms", "check", "--forms", str(tmp_path)])
    assert result.exit_code == 2
    assert "2 处需要改" in result.output
    assert f"small.yaml:{line_of(SMALL, 'style: title')}: 没有样式 tittle" in result.output
    assert f"second.yaml:{line_of(SMALL_MAPPING, 'money_unit')}: 不认识货币单位 万圆" in result.output
    assert "Traceback" not in result.output


def test_check_command_tells_geometry_and_meaning_together(tmp_path: Path) -> None:
    """One run must be enough: mistakes of geometry in one form do not wait for those of meaning in another."""
    write_form(tmp_path, SMALL.replace("span: 4, style: title", "span: 3, style: title"))
    write_form(tmp_path, SMALL.replace("small", "second"), SMALL_MAPPING.replace("small", "second").replace("万元", "万圆"), "second")
    result = CliRunner().invoke(main, ["forms", "check", "--forms", str(tmp_path)])
    assert result.exit_code == 2
    assert "不认识货币单位 万圆" in result.output and "这一行少了第 4 栏" in result.output


def test_check_command_is_content_with_good_forms(tmp_path: Path) -> None:
    write_form(tmp_path)
    result = CliRunner().invoke(main, ["forms", "check", "--forms", str(tmp_path)])
    assert (result.exit_code, "没有发现错误" in result.output) == (0, True)


@pytest.mark.parametrize("form", SHIPPED)
def test_choices_and_words_are_canonical_both_ways(form: str) -> None:
    one = FORMS[form]
    for level1 in one.choices("level1"):
        assert one.canonical(level1, "level1") in one.taxonomy
        for level2 in one.choices("level2", level1):
            assert one.canonical(level2, "level2") in one.taxonomy[one.canonical(level1, "level1")]
    assert one.canonical("没有的词", "level2") == "没有的词"


def test_prompts_fit_excel() -> None:
    for definition in FORMS.fields.values():
        assert len(definition.prompt) <= 60
