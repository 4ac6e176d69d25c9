"""What a form sheet says of itself, drawn: hints and status beside the form, and tints of inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from xlgoals.layout import ORIGIN, Plan, Slot
from xlgoals.models import SelfCheck
from xlgoals.ownformulas import OWN, owned
from xlgoals.pen import put_formula, put_text
from xlgoals.records import Area, absolute, cell_name, column_name
from xlgoals.selfcheck import Checks
from xlgoals.tablecells import in_table


def draw_checks(sheet: Worksheet, checks: Checks, words: SelfCheck, style: Callable[..., Format], short: Callable[[str], str]) -> None:
    """The hints and what they keep, hidden, behind the key column; beside them a column that shows them, outside the page.
    `style` makes (or finds) a format of the workbook, `short` a stand-in for a long formula."""
    hint = style(font_name="宋体", font_size=9, valign="vcenter", locked=True)
    status = style(font_name="黑体", font_size=12, valign="vcenter", locked=True)
    sheet.set_column(checks.hints, checks.shown - 1, None, None, {"hidden": True})
    sheet.set_column(checks.shown, checks.shown, words.hint_width)
    for col in range(checks.hints, checks.shown + 1):
        put_text(sheet, 0, col, OWN, None)
    for (row, col), expression in checks.formulas.items():
        look = None if col < checks.shown else hint if row else status
        put_formula(sheet, row + ORIGIN[0], col + ORIGIN[1], short(owned(expression)), look)


def draw_tints(sheet: Worksheet, plan: Plan, checks: Checks, words: SelfCheck, style: Callable[..., Format]) -> None:
    """Inputs are tinted only while blank, missing or implausible, so that a finished form prints plain."""
    tints = [style(bg_color=colour) for colour in (words.tints.error, words.tints.query, plan.form.looks.blank_tint)]
    hints = column_name(checks.hints + ORIGIN[1])
    for area, slot in _inputs(plan):
        # a run of lines is one range and its references move from row to row; a field's own stay
        name = cell_name(area.top, area.left)
        cell, row = (f"${name}", f"{area.top + 1}") if slot.grid else (absolute(name), f"${area.top + 1}")
        signs = (words.signs.error, words.signs.query)
        criteria = [f'=ISNUMBER(FIND("{words.at(sign, column_name(area.left))}",${hints}{row}))' for sign in signs]
        if slot.kind == "input":
            criteria.append(f'={cell}="{slot.text}"' if slot.tick else f'=LEN(TRIM(SUBSTITUTE({cell},"　"," ")))=0')
        elif slot.blank:
            criteria.append(f'=ISNUMBER(FIND("{slot.blank}",{cell}))')
        for one, tint in zip(criteria, tints, strict=False):
            sheet.conditional_format(*area, {"type": "formula", "criteria": one, "format": tint})


def _inputs(plan: Plan) -> Iterator[tuple[Area, Slot]]:
    """Every input with the cells it covers; those of one column on lines that follow each other as one."""
    run: tuple[Area, Slot] | None = None
    for slot in sorted((slot for slot in plan.slots if slot.typed and not in_table(plan, slot)), key=lambda slot: (slot.grid, slot.area.left, slot.area.top)):
        area = slot.area.moved(*ORIGIN)
        if run and slot.grid and run[1].grid == slot.grid and run[0].left == area.left and run[0].bottom + 1 == area.top:
            run = (Area(run[0].top, area.left, area.bottom, area.right), run[1])
            continue
        if run:
            yield run
        run = (area, slot)
    if run:
        yield run
