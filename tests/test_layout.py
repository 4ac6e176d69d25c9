"""Pure geometry, on forms of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forms import FORMS, SHIPPED, SMALL, SMALL_MAPPING, small, unprinted
from xlgoals.errors import SpecError
from xlgoals.layout import TALLEST, Plan, Slot, column_points, page_size, plan, style_of, text_height, text_lines
from xlgoals.records import Area

FIELDS = "a: project_name\n  b: funds.total\n  c: funds.fiscal\n  d: funds.other\n  e: purpose"
NO_GRID = f"form: small\nmoney_unit: 万元\ntaxonomy: mof-2021\nfields:\n  {FIELDS}\n"


def laid(folder: Path, rows: str, columns: str = "[10, 20, 30]", keys: str = "abcde") -> Plan:
    """A form of fields only; `rows` as in a template."""
    mapping = "\n".join(line for line in NO_GRID.splitlines() if not (line.startswith("  ") and line.strip()[0] not in keys)) + "\n"
    return plan(small(folder, f"form: small\ntitle: t\ncolumns: {columns}\nrows:\n{rows}", mapping))


def areas(plan: Plan) -> dict[str, Area]:
    return {slot.key or slot.text: slot.area for slot in plan.slots}


def test_span_and_down(tmp_path: Path) -> None:
    found = areas(laid(tmp_path, "  - [{label: 甲, down: 2}, {label: 乙}, {key: a}]\n  - [{label: 丙}, {key: b}]\n  - [{label: 丁}, {key: c, span: 2}]\n", keys="abc"))
    assert found == {
        "甲": Area(0, 0, 1, 0), "乙": Area(0, 1, 0, 1), "a": Area(0, 2, 0, 2), "丙": Area(1, 1, 1, 1), "b": Area(1, 2, 1, 2),
        "丁": Area(2, 0, 2, 0), "c": Area(2, 1, 2, 2),
    }  # fmt: skip


def test_a_tall_cell_in_the_middle_is_stepped_over(tmp_path: Path) -> None:
    found = areas(laid(tmp_path, "  - [{label: 甲}, {label: 高, down: 2}, {key: a}]\n  - [{label: 乙}, {key: b}]\n", keys="ab"))
    assert found["乙"] == Area(1, 0, 1, 0) and found["b"] == Area(1, 2, 1, 2)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("  - [{label: 甲}, {key: a}]\n", "少了第 3 栏起的 1 栏"),
        ("  - [{label: 甲}, {key: a, span: 3}]\n", "放不下"),
        ("  - [{label: 甲, span: 2}, {key: a, down: 2}]\n  - [{text: 乙, span: 3}]\n", "放不下"),
        ("  - [{text: 甲}, {key: a, span: 2}]\n", "没有标签"),
        ("  - [{text: 甲, span: 2}, {text: 乙}]\n  - [{key: a, span: 3}]\n", "没有标签"),
    ],
)
def test_holes_overlaps_and_missing_labels(rows: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=told) as caught:
        laid(tmp_path, rows, keys="a")
    assert caught.value.mistakes[0].file == "small.yaml" and caught.value.mistakes[0].line >= 5


def test_a_cell_that_reaches_below_the_last_row(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        laid(tmp_path, "  - [{label: 甲, down: 3}, {key: a, span: 2}]\n", keys="a")


def test_all_mistakes_of_geometry_come_together(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        laid(tmp_path, "  - [{label: 甲}, {key: a}]\n  - [{text: 乙}, {key: b, span: 2}]\n", "[100, 20, 30]", keys="ab")
    assert [one.line for one in caught.value.mistakes] == [3, 5, 6]


@pytest.mark.parametrize(
    ("rows", "label", "told"),
    [
        ("  - [{label: 项目名称}, {key: a, span: 2}]\n", "项目名称", "项目名称"),
        ("  - [{label: 项 目：, span: 3}]\n  - [{key: a, span: 3}]\n", "项 目：", "项目"),
        ("  - [{label: 高, down: 2}, {label: 其中：财政（万元）}, {key: a}]\n  - [{label: 乙}, {key: b}]\n", "其中：财政（万元）", "财政"),
        ("  - [{label: 高, down: 2}, {label: 甲, span: 2}]\n  - [{key: a, span: 2}]\n", "甲", "甲"),
        ("  - [{label: 高, down: 2}, {text: 甲, span: 2}]\n  - [{key: a, span: 2}]\n", "高", "高"),
        ('  - [{label: ""}, {key: a, span: 2}]\n', "", "项目名称"),
    ],
)
def test_labels_left_above_and_tall(rows: str, label: str, told: str, tmp_path: Path) -> None:
    one = laid(tmp_path, rows, keys="ab" if "key: b" in rows else "a")
    assert (one.labels["a"].text, one.inputs["a"].label) == (label, told)


def test_labels_above_in_a_row_beside_labels_left(tmp_path: Path) -> None:
    """3月底 | 6月底 over their inputs, and a label that names what is right of it does not name what is below it."""
    one = laid(tmp_path, "  - [{label: 计划, down: 2}, {label: 三月}, {label: 六月}]\n  - [{key: b}, {key: c}]\n  - [{label: 甲}, {key: a, span: 2}]\n", keys="abc")
    assert [one.labels[key].text for key in "bca"] == ["三月", "六月", "甲"]


@pytest.mark.parametrize("form", SHIPPED)
def test_every_key_of_every_form_has_one_label(form: str) -> None:
    one = plan(FORMS[form])
    for key, slot in one.inputs.items():
        if slot.kind == "input":
            label = one.labels[key]
            left = label.area.right == slot.area.left - 1 and label.area.top <= slot.area.top <= label.area.bottom
            above = label.area.bottom == slot.area.top - 1 and label.area.left == slot.area.left
            assert left or above
    served = [(id(label), slot.area.left > label.area.right) for key, label in one.labels.items() for slot in (one.inputs[key],)]
    assert len(served) == len(set(served)), "a label names at most one field in each direction"


@pytest.mark.parametrize("form", SHIPPED)
def test_every_cell_is_covered_once(form: str) -> None:
    one = plan(FORMS[form])
    cells = [(r, c) for s in one.slots for r in range(s.area.top, s.area.bottom + 1) for c in range(s.area.left, s.area.right + 1)]
    assert len(cells) == len(set(cells))
    assert set(cells) == {(r, c) for r in range(len(one.rows)) for c in range(one.width)}


@pytest.mark.parametrize("form", SHIPPED)
def test_row_keys_are_unique_and_tell_the_line(form: str) -> None:
    one = plan(FORMS[form])
    assert len(set(one.row_keys)) == len(one.rows)
    for row in one.rows:
        assert row.key.startswith("#")
        assert row.kind == "line" or not row.hidden, "only spare lines are hidden"
        if row.kind == "line":
            assert row.key == f"#{row.grid}.{row.block + 1}.{row.line + 1}"
            spec = next(g for _, g in FORMS[form].template.grids() if g.grid == row.grid)
            assert row.hidden == (row.line >= spec.blocks[row.block].lines.print)


@pytest.mark.parametrize("form", SHIPPED)
def test_pages(form: str) -> None:
    one = plan(FORMS[form])
    width, height = page_size(FORMS[form])
    assert sum(column_points(w) for w in FORMS[form].template.columns) <= width + 0.5
    for row in one.rows:
        assert row.height is None or 0 < row.height <= TALLEST
        assert row.height is None or row.height * 4 % 3 == 0, "whole pixels, else Excel rounds"
    for at in one.breaks:
        assert not one.rows[at].hidden and 0 < at < len(one.rows)
    assert width < height or FORMS[form].template.page.orientation == "landscape"


@pytest.mark.parametrize("form", SHIPPED)
def test_no_printed_text_is_cut_off(form: str) -> None:
    """Rows are as high as what is printed in them needs, also where a cell takes several rows."""
    one = plan(FORMS[form])

    def height(slot: Slot) -> float:
        rows = one.rows[slot.area.top : slot.area.bottom + 1]
        return sum(0.0 if row.hidden else row.least for row in rows)

    assert any(slot.text and not unprinted(slot, one) for slot in one.slots)
    for slot in one.slots:
        if slot.text and slot.kind != "pattern" and not unprinted(slot, one):
            points = sum(column_points(w) for w in FORMS[form].template.columns[slot.area.left : slot.area.right + 1])
            needed = text_height(FORMS[form], style_of(FORMS[form], slot), slot.text, points)
            assert height(slot) >= needed - 0.75, f"{slot.text}: {height(slot)} of {needed}"


def test_merged_printed_levels(tmp_path: Path) -> None:
    """Equal words in neighbouring blocks are one merged cell; a merge never crosses the border of a level left of it."""
    blocks = (
        "      - {level1: 产出指标, level2: 数量指标, lines: {print: 1, most: 2}}\n      - {level1: 产出指标, level2: 质量指标, lines: {print: 2, most: 2}}\n"
        "      - {level1: 产出指标, level2: 质量指标, lines: {print: 1, most: 1}}\n      - {level1: 效益指标, lines: {print: 1, most: 1}}\n"
    )
    one = plan(small(tmp_path, SMALL[: SMALL.index("    blocks:\n")] + "    blocks:\n" + blocks))
    fixed = [(s.text, s.area.top - 3, s.area.bottom - 3) for s in one.slots if s.kind == "fixed"]
    assert fixed == [("产出指标", 0, 4), ("效益指标", 5, 5), ("数量指标", 0, 1), ("质量指标", 2, 4)]
    assert [row.hidden for row in one.rows[3:]] == [False, True, False, False, False, False]
    assert [row.key for row in one.rows[3:5]] == ["#indicators.1.1", "#indicators.1.2"]


def test_repeat_and_breaks(tmp_path: Path) -> None:
    blocks = "".join(f"      - {{level1: {w}, lines: {{print: 15, most: 20}}}}\n" for w in ("成本指标", "产出指标", "效益指标"))
    one = plan(small(tmp_path, SMALL[: SMALL.index("    blocks:\n")] + "    blocks:\n" + blocks))
    assert one.repeat == (2, 2)
    tops = [s.area.top for s in one.slots if s.kind == "fixed"]
    assert one.breaks and set(one.breaks) <= set(tops), "pages begin where a block begins"


@pytest.mark.parametrize(
    ("text", "em", "lines"),
    [
        ("", 10, 1), ("一二三四五", 5, 1), ("一二三四五六", 5, 2), ("一二三四五，", 5, 1), ("一\n二\n", 5, 3), ("abcdefgh", 4.4, 1), ("abcdefghi", 4.4, 2),
        ("金额 1234.56 万元", 7, 2), ("一二三四 supercalifragilistic", 6, 3), ("。", 1, 1), ("第１项", 3, 1), ("abc", 0, 1), ("一二三", 0.5, 6),
    ],
)  # fmt: skip
def test_text_lines(text: str, em: float, lines: int) -> None:
    assert text_lines(text, em) == lines


def test_text_height_grows_with_text_and_never_with_width() -> None:
    form = FORMS[SHIPPED[0]]
    style = form.looks.styles["input"]
    heights = [text_height(form, style, "绩效目标" * n, 100) for n in range(1, 20)]
    assert heights == sorted(heights)
    widths = [text_height(form, style, "绩效目标" * 9, points) for points in range(20, 400, 10)]
    assert widths == sorted(widths, reverse=True)
    assert text_height(form, style, "", 100, 4) == 4 * style.size * form.looks.line_factor + 4


def test_mapping_without_grid(tmp_path: Path) -> None:
    assert NO_GRID.count("funds") == 3 and SMALL_MAPPING
    assert laid(tmp_path, "  - [{label: 甲}, {key: a, span: 2}]\n", keys="a").repeat is None
