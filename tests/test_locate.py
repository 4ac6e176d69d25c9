"""Finding every value on a sheet that people have changed: 0 silently wrong, 0 silently lost, without any file.

Every test ends in `account`, which proves both of any reading. What a test says beside that is how much was read right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.forms import FORMS, GOALS, Canvas, Reading, account, draw, said, type_levels
from xlgoals.layout import ORIGIN, Plan, Slot, plan
from xlgoals.records import Area, Book, Given, Stamp, cell_name
from xlgoals.stamp import read_stamp, stamp_text

WHO = Given("2025", "主管部门值", "实施单位值")


def whole(form: str, full: bool = False) -> Canvas:
    return type_levels(draw(FORMS[form], full=full), FORMS[form])


def read(canvas: Canvas, *others: Canvas, given: Given = WHO) -> Reading:
    return account(canvas.book(*others), FORMS, canvas, *others, given=given)


def unread(reading: Reading, canvas: Canvas) -> list[str]:
    """What was typed and is not among the values read."""
    got = {text for one in reading.returns for text in said(one).values()}
    return [text for text in canvas.typed if text not in got]


def fields(laid: Plan) -> Iterator[tuple[str, Slot, tuple[int, int]]]:
    for key, slot in laid.inputs.items():
        if slot.kind == "input" and slot.by == "unit":
            yield key, slot, (slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1])


def unstamped(canvas: Canvas) -> Canvas:
    canvas.lose_keys()
    canvas.lose_names()
    return canvas


def stride(laid: Plan) -> int:
    """Every row of a short form, every fourth of a long one."""
    return 1 if len(laid.rows) < 60 else 4


forms = pytest.mark.parametrize("form", GOALS)


# --- nothing changed, or nothing that matters --------------------------------------------------------------------------


@forms
def test_exact_and_search_agree(form: str) -> None:
    canvas = whole(form, full=True)
    exact = read(canvas)
    assert exact.findings == [] and unread(exact, canvas) == []
    searched = canvas.copy()
    searched.respell(lambda text: text + "：", lambda text: not text.startswith("（"))
    search = read(searched)
    assert said(search.only) == said(exact.only)
    assert {key: spot.at for key, spot in search.only.spots.items()} == {key: spot.at for key, spot in exact.only.spots.items()}
    assert replace(search.only, spots={}, area=exact.only.area) == replace(exact.only, spots={})
    assert search.findings == []


RESPELLED: dict[str, Callable[[str], str]] = {
    "blanks between": " ".join,
    "line breaks": "\n".join,
    "full-width blanks": lambda t: f"　{t}　",
    "colon": lambda t: f"{t}：",
    "star": lambda t: f"*{t}",
    "required": lambda t: f"{t}（必填）",
    "half-width brackets": lambda t: t.replace("（", "(").replace("）", ")"),
    "no-break blanks": lambda t: f" {t}\t",
}


@forms
@pytest.mark.parametrize("how", RESPELLED)
@pytest.mark.parametrize("alone", [False, True])
def test_respelled_labels(form: str, how: str, alone: bool) -> None:
    canvas = whole(form)
    canvas.respell(RESPELLED[how], lambda text: "年" not in text)
    if alone:
        unstamped(canvas)
    assert unread(read(canvas), canvas) == []


@forms
@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("stamp", [True, False])
@pytest.mark.parametrize("merged", [True, False])
def test_any_witness_may_be_lost(form: str, names: bool, keys: bool, stamp: bool, merged: bool) -> None:
    canvas = whole(form)
    if not names:
        canvas.lose_names()
    canvas.lose_keys(not keys, not keys, not stamp)
    if not merged:
        canvas.unmerge()
    assert unread(read(canvas), canvas) == []


# --- rows and columns --------------------------------------------------------------------------------------------------


@forms
@pytest.mark.parametrize("count", [1, 2])
def test_rows_inserted_anywhere(form: str, count: int) -> None:
    base = whole(form)
    for row in range(count - 1, len(plan(FORMS[form]).rows) + 2, stride(plan(FORMS[form]))):
        canvas = base.copy()
        canvas.insert_rows(row, count)
        assert unread(read(canvas), canvas) == [], f"inserted above row {row + 1}"


@forms
def test_columns_inserted_anywhere(form: str) -> None:
    base = whole(form)
    for col in range(plan(FORMS[form]).width + 2):
        for names in (True, False):
            canvas = base.copy()
            canvas.insert_columns(col)
            if not names:
                canvas.lose_names()
            assert unread(read(canvas), canvas) == [], f"inserted before column {col + 1}"


@forms
@pytest.mark.parametrize("lost", ["nothing", "names", "keys", "all"])
def test_a_row_or_a_column_deleted(form: str, lost: str) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for row in range(0, len(laid.rows) + 1, stride(laid)):
        canvas = base.copy()
        canvas.delete_row(row)
        if lost in ("names", "all"):
            canvas.lose_names()
        if lost in ("keys", "all"):
            canvas.lose_keys(stamp=lost == "all")
        reading = read(canvas)
        if lost == "nothing":
            assert unread(reading, canvas) == [], f"row {row + 1} deleted"
    for col in range(laid.width + 1):
        canvas = base.copy()
        canvas.delete_column(col)
        if lost in ("names", "all"):
            canvas.lose_names()
        if lost in ("keys", "all"):
            canvas.lose_keys(stamp=lost == "all")
        read(canvas)


@forms
def test_insertions_without_some_witness(form: str) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for witness in range(8):
        for row in range(1, len(laid.rows) + 1, 2 * stride(laid)):
            canvas = base.copy()
            if witness & 1:
                canvas.lose_names()
            if witness & 2:
                canvas.lose_keys(stamp=False)
            if witness & 4:
                canvas.unmerge()
            canvas.insert_rows(row)
            read(canvas)


@forms
def test_lines_swapped(form: str) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for _, grid in FORMS[form].template.grids():
        shown = [r + ORIGIN[0] for r in laid.lines(grid.grid) if not laid.rows[r].hidden]
        for one, other in zip(shown, shown[2:], strict=False):
            canvas = base.copy()
            canvas.unmerge()
            canvas.swap_rows(one, other)
            assert unread(read(canvas), canvas) == []


@forms
def test_a_row_copied_with_its_key(form: str) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for row in range(1, len(laid.rows) + 1, stride(laid)):
        canvas = base.copy()
        canvas.copy_row(row, row + 1)
        account(canvas.book(), FORMS, given=WHO)


@forms
@pytest.mark.parametrize("alone", [False, True])
def test_repeated_headers(form: str, alone: bool) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for head, row in enumerate(laid.rows):
        if row.kind != "head":
            continue
        for line in [r + ORIGIN[0] for r in laid.lines(row.grid) if not laid.rows[r].hidden][1:]:
            canvas = base.copy()
            words = {c: v for (r, c), v in canvas.cells.items() if r == head + ORIGIN[0] and c < laid.width}
            canvas.insert_rows(line)
            canvas.cells |= {(line, c): v for c, v in words.items()}
            if alone:
                unstamped(canvas)
            reading = read(canvas)
            assert unread(reading, canvas) == []
            assert not any(spot.text in words.values() for spot in reading.only.spots.values() if spot.text.endswith(("指标值", "三级指标")))


@forms
@pytest.mark.parametrize("rows", [0, 1, 4])
@pytest.mark.parametrize("cols", [0, 2])
def test_values_pasted_into_a_blank_sheet(form: str, rows: int, cols: int) -> None:
    canvas = unstamped(whole(form))
    canvas.unmerge()
    if rows:
        canvas.insert_rows(0, rows)
    if cols:
        canvas.insert_columns(0, cols)
    assert unread(read(canvas), canvas) == []


# --- single cells ------------------------------------------------------------------------------------------------------


@forms
def test_a_field_cut_and_pasted_beside_the_form(form: str) -> None:
    """Its defined name goes with it; where there is none, the cell is named."""
    base, laid = whole(form), plan(FORMS[form])
    for _, _, spot in fields(laid):
        if base.cells.get(spot) not in base.typed:
            continue
        for to in ((len(laid.rows) + 4, 0), (2, laid.width + 3)):
            canvas = base.copy()
            canvas.cut(spot, to)
            reading = read(canvas)
            assert unread(reading, canvas) == []
            assert [f.at.cell for f in reading.told("layout.moved")] == [cell_name(*to)]
            canvas.lose_names()
            assert cell_name(*to) in {f.at.cell for f in read(canvas).findings}


@forms
def test_a_field_cut_and_pasted_over_another(form: str) -> None:
    """What stands on the sheet is what is read: the name of the cell that was pasted over is gone."""
    base, laid = whole(form), plan(FORMS[form])
    keys = list(fields(laid))
    for (_, _, one), (other_key, other_slot, other) in zip(keys, keys[1:] + keys[:1], strict=True):
        if other_slot.tick or one not in base.cells:
            continue
        canvas = base.copy()
        text = canvas.cells[one]
        canvas.cut(one, other)
        canvas.names[f"fld_{other_key}"] = None
        canvas.typed.pop(text, None)
        reading = read(canvas)
        assert [s.text for k, s in reading.only.spots.items() if s.at.cell == cell_name(*other)] in ([text], [])


@forms
@pytest.mark.parametrize("how", ["drawn", "respelled", "unstamped"])
def test_stray_content_is_named(form: str, how: str) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for row in range(0, len(laid.rows) + 4, 2 * stride(laid) - 1):
        for col in range(laid.width + 3):
            if (row, col) in base.cells:
                continue
            canvas = base.copy()
            canvas.cells[row, col] = "随手写的"
            if how == "respelled":
                canvas.respell(lambda text: text + "：", lambda text: "年" not in text)
            elif how == "unstamped":
                unstamped(canvas)
            assert unread(read(canvas), canvas) == []


@forms
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("text", ["", "别的"])
def test_a_printed_text_changed_or_gone(form: str, text: str, alone: bool) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for slot in laid.slots:
        if slot.kind not in ("text", "label", "heading", "fixed") or not slot.text or slot.by != "unit":
            continue
        spot = (slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1])
        if not base.cells.get(spot):
            continue
        canvas = base.copy()
        if text:
            canvas.cells[spot] = text
        else:
            canvas.cells.pop(spot)
        if alone:
            unstamped(canvas)
        reading = read(canvas)
        if not alone:
            assert unread(reading, canvas) == []
            if text:
                assert cell_name(*spot) in {f.at.cell for f in reading.findings}, f"{slot.text} changed into {text}"


@forms
def test_a_level_word_changed_into_another(form: str) -> None:
    """The block says one first level, the paper another: that must never pass in silence."""
    base, laid = whole(form), plan(FORMS[form])
    for slot in laid.slots:
        if slot.kind == "fixed" and slot.area.top >= 0:
            canvas = base.copy()
            words = [w for w in FORMS[form].choices("level1") if w != slot.text]
            canvas.cells[slot.area.top + ORIGIN[0], slot.area.left] = words[0]
            assert read(canvas).findings


@forms
@pytest.mark.parametrize("how", ["drawn", "respelled", "unstamped"])
def test_a_value_that_reads_like_a_label(form: str, how: str) -> None:
    base, laid = whole(form), plan(FORMS[form])
    words = sorted({s.text for s in laid.slots if s.kind in ("label", "heading", "fixed") and s.text})
    for n, slot in enumerate(s for s in laid.slots if s.kind == "input" and not s.tick and s.by == "unit"):
        spot = (slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1])
        if spot not in base.cells or slot.meanings[slot.key].list:
            continue
        word = words[n % len(words)]
        canvas = base.copy()
        canvas.overwrite(spot, word)
        if how == "respelled":
            canvas.respell(lambda text: text + "：", lambda text: "年" not in text)
            canvas.cells[spot] = word
        elif how == "unstamped":
            unstamped(canvas)
        reading = account(canvas.book(), FORMS, canvas, given=WHO)
        cell = cell_name(*spot)
        read_there = any(s.at.cell == cell for one in reading.returns for s in one.spots.values())
        named = any(cell == f.at.cell or cell in f.found or cell in [at.cell for at in f.others] for f in reading.findings)
        assert read_there or named, f"{word} typed at {cell} is lost"


@forms
def test_cells_merged_over_columns_or_lines(form: str) -> None:
    base, laid = whole(form), plan(FORMS[form])
    for slot in laid.slots:
        if slot.kind != "input" or not slot.grid or laid.rows[slot.area.top].hidden:
            continue
        top, left = slot.area.top + ORIGIN[0], slot.area.left
        for area in (Area(top, left, top + 1, slot.area.right), Area(top, left, top, laid.width - 1)):
            for alone in (False, True):
                canvas = base.copy()
                canvas.merges = [m for m in canvas.merges if not (m.left <= area.right and area.left <= m.right and m.top <= area.bottom and area.top <= m.bottom)]
                canvas.merges.append(area)
                for spot in [(r, c) for r in range(area.top, area.bottom + 1) for c in range(area.left, area.right + 1)][1:]:
                    canvas.overwrite(spot, None)
                if alone:
                    unstamped(canvas)
                read(canvas)


@forms
def test_unmerged_and_filled_twice(form: str) -> None:
    """A merged input taken apart, something typed into its rest: named with both texts."""
    base, laid = whole(form), plan(FORMS[form])
    for _, slot, spot in fields(laid):
        if slot.area.left == slot.area.right:
            continue
        canvas = base.copy()
        canvas.unmerge()
        canvas.cells[spot[0], spot[1] + 1] = "又写一处"
        reading = read(canvas)
        assert any(f.at.cell == cell_name(spot[0], spot[1] + 1) for f in reading.findings)


# --- formulas and errors -----------------------------------------------------------------------------------------------


def first_money(form: str) -> tuple[str, tuple[int, int]]:
    return next((f"funds.{s.meanings[k].horizon}.{s.meanings[k].part}", spot) for k, s, spot in fields(plan(FORMS[form])) if s.meanings[k].record == "funds")


@forms
@pytest.mark.parametrize("searched", [False, True])
def test_formulas_and_errors(form: str, searched: bool) -> None:
    key, spot = first_money(form)
    base = whole(form)
    if searched:
        base.respell(lambda text: text + "：", lambda text: "年" not in text)
    base.overwrite(spot, None)

    with_value = base.copy()
    with_value.cells[spot], with_value.formulas[spot] = 12.5, "A1*2"
    reading = read(with_value)
    assert [(f.code, f.at.cell, f.found) for f in reading.findings] == [("cell.formula", cell_name(*spot), "12.5")]
    assert next(f.amount for f in reading.only.funds if f.key == key) == 125000 if FORMS[form].dialect.money_unit == "万元" else 12.5

    for formula, value, error, told in (
        ("A1*2", None, None, "没有算出结果"), ("[1]表!A1", 7.0, None, "引用了别的文件"), ("1/0", None, "#DIV/0!", "#DIV/0!"), (None, None, "#N/A", "#N/A")
    ):  # fmt: skip
        canvas = base.copy()
        if formula:
            canvas.formulas[spot] = formula
        if error:
            canvas.errors[spot] = error
        if value is not None:
            canvas.cells[spot] = value
        reading = read(canvas)
        assert [(f.code, f.at.cell, f.found) for f in reading.findings] == [("cell.no_value", cell_name(*spot), told)]
        assert next(f.amount for f in reading.only.funds if f.key == key) is None


# --- which form --------------------------------------------------------------------------------------------------------


def test_no_form_at_all() -> None:
    assert account(Book("a.xlsx", "xlsx", ()), FORMS).codes == ["form.none"]
    blank = Canvas("Sheet1", {(0, 0): "会议纪要"}, [], {})
    assert account(blank.book(), FORMS).codes == ["form.none"]


def test_a_stamp_of_an_unknown_form() -> None:
    canvas = whole(GOALS[0])
    corner = next(spot for spot, value in canvas.cells.items() if read_stamp(value))
    canvas.cells[corner] = stamp_text(Stamp(1, "elsewhere-2030", "0", "p01"))
    reading = read(canvas)
    assert reading.codes == ["form.unknown"] and reading.findings[0].found == "elsewhere-2030"


@pytest.mark.parametrize("text", ['{"xlgoals":', '{"xlgoals":1', '{"xlgoals":"x","form":"a"}', '{"xlgoals":1,"instance":"p01"}', '{"xlgoals":[1]}'])
def test_a_broken_stamp_is_no_stamp(text: str) -> None:
    canvas = whole(GOALS[0])
    corner = next(spot for spot, value in canvas.cells.items() if read_stamp(value))
    canvas.cells[corner] = text
    assert read_stamp(text) is None
    reading = read(canvas)
    assert [one.form for one in reading.returns] == [GOALS[0]]
    assert unread(reading, canvas) == []


@forms
def test_another_version_of_the_form_is_read_by_its_witnesses(form: str) -> None:
    canvas = whole(form)
    corner = next(spot for spot, value in canvas.cells.items() if read_stamp(value))
    stamp = read_stamp(canvas.cells[corner])
    assert stamp
    canvas.cells[corner] = stamp_text(replace(stamp, digest="000000000000"))
    reading = read(canvas)
    assert reading.codes == ["form.version"] and unread(reading, canvas) == []


@forms
def test_recognised_by_labels_alone(form: str) -> None:
    canvas = unstamped(whole(form))
    reading = read(canvas)
    assert [(one.form, one.stamp) for one in reading.returns] == [(form, None)]
    assert reading.only.fields["year"] == "2025"


def test_two_forms_alike_are_refused() -> None:
    """A sheet that shows the labels of two forms equally is no sheet to guess about."""
    one, other = whole("qinglong-2024"), whole("yiyang-2023")
    for canvas in (one, other):
        unstamped(canvas)
    one.cells |= {(r, c + 40): v for (r, c), v in other.cells.items()}
    reading = account(one.book(), FORMS)
    assert reading.codes == ["form.ambiguous"] and reading.returns == []


def test_forms_of_equal_labels_are_told_apart_by_the_words_in_their_lines() -> None:
    for form in ("luan-2023", "mof-2021"):
        assert read(unstamped(whole(form))).only.form == form


def test_a_hidden_sheet_counts_when_it_is_stamped() -> None:
    canvas = whole(GOALS[0])
    canvas.state = "hidden"
    assert len(read(canvas).returns) == 1


def test_a_hidden_form_without_a_stamp_is_named() -> None:
    canvas = unstamped(whole(GOALS[0])).copy("旧表")
    canvas.state = "hidden"
    assert "旧表" in {finding.at.sheet for finding in account(canvas.book(whole(GOALS[0])), FORMS).findings}


# --- copies of sheets --------------------------------------------------------------------------------------------------


def project(form: str, canvas: Canvas) -> tuple[int, int]:
    """Where the name (and, if any, the code) of the project stands."""
    keys = {slot.meanings[key].to: spot for key, slot, spot in fields(plan(FORMS[form]))}
    return keys.get("project_code", keys["project_name"])


@forms
def test_a_sheet_copied_for_another_project(form: str) -> None:
    one = whole(form)
    other = one.copy("项目1 (2)")
    other.overwrite(project(form, other), "另一个")
    reading = read(one, other)
    assert [taken.sheet for taken in reading.returns] == ["项目1", "项目1 (2)"]
    assert reading.codes == ["form.copied"] and reading.findings[0].at.sheet == "项目1 (2)"


@forms
def test_a_sheet_copied_and_left_as_it_is(form: str) -> None:
    reading = read(whole(form), whole(form).copy("项目1 (2)"))
    assert [taken.sheet for taken in reading.returns] == ["项目1"]
    assert reading.codes == ["form.same_copy"]


@forms
def test_two_states_of_one_project_are_both_refused(form: str) -> None:
    one = whole(form)
    other = one.copy("旧稿")
    _, spot = first_money(form)
    other.overwrite(spot, "1")
    reading = read(one, other)
    assert reading.returns == [] and reading.codes == ["form.copy"]
    assert cell_name(*spot) in reading.findings[0].message
    assert {at.sheet for at in (reading.findings[0].at, *reading.findings[0].others)} == {"项目1", "旧稿"}


@forms
def test_blank_forms_are_one_note_and_all_blank_is_an_error(form: str) -> None:
    def blank(canvas: Canvas) -> Canvas:
        canvas.cells = {spot: value for spot, value in canvas.cells.items() if value in canvas.printed or re.match(r"[#{]", str(value))}
        canvas.typed = {}
        return canvas

    blanks = [blank(draw(FORMS[form], name, seq=n)) for n, name in ((2, "项目2"), (3, "项目3"))]
    reading = read(whole(form), *blanks)
    assert reading.codes == ["form.blank"] and reading.findings[0].found == "项目2、项目3"
    assert account(blanks[0].book(blanks[1]), FORMS).codes == ["form.all_blank"]
