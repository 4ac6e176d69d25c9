"""What the drift suite types into a form, and how it judges a reading of the damaged workbook.

The truth of a sheet is known from the data typed into it, and the damaged workbook is looked at with a reader of its own
(`Seen`): nothing here asks the program where a value is.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from examples.fill import typed
from xlgoals.findings import Finding
from xlgoals.layout import ORIGIN, Plan, Slot, plan, tick_line
from xlgoals.models import Grid
from xlgoals.records import Indicator, Return, Spot, cell_name
from xlgoals.spec import Form, Forms, Meaning
from xlgoals.tablecells import is_table

Place = tuple[int, int]
CODES = ("208", "20805", "2080502", "2080505", "20899", "2089999", "210", "21011", "2101101")
DEPARTMENT, UNIT, YEAR = "测试县医疗保障局", "测试县医疗保障服务中心", "2025"
# Findings that name a whole sheet: everything on it is told.
WHOLE = (
    "form.unknown", "form.ambiguous", "form.copy", "form.same_copy", "form.none", "form.blank", "form.all_blank", "form.hidden_copy",
    "form.other_sheet", "form.continued",
)  # fmt: skip


# --- what is typed -----------------------------------------------------------------------------------------------------


def sample(form: Form) -> dict[str, Any]:
    """Two projects of a form: the first full, the second with optional fields left blank and one line a block."""
    return {"form": form.id, "year": YEAR, "department": DEPARTMENT, "unit": UNIT, "projects": [_project(form, 1), _project(form, 2)]}


def _project(form: Form, n: int) -> dict[str, Any]:
    values: dict[str, Any] = {"seq": str(n)}
    for i, (key, slot) in enumerate(plan(form).inputs.items()):
        meaning = slot.meanings[key]
        if n == 2 and not meaning.required and slot.kind == "input" and i % 2:
            continue
        values[key] = _value(form, slot, meaning, n, i)
    count = iter(range(1, 1000))
    for _, grid in form.template.grids():
        if is_table(grid):
            values[grid.grid] = _table(form, grid, n)
            continue
        for pane in dict.fromkeys(column.pane for column in grid.columns):
            if pane is None and any(column.pane for column in grid.columns):
                continue
            name = grid.grid if pane in (None, "annual") else f"{pane}_{grid.grid}"
            lines: list[Any] = []
            for b, block in enumerate(grid.blocks):
                shown_lines = block.lines.print - (block.lines.print > 2)  # the last of three stays blank
                for k in range(max(shown_lines, 1) if n == 1 else 0 if len(grid.blocks) > 3 and b == 2 else 1 + (b == 1)):
                    if pane == "mid_term" and k == 1 and b % 2:
                        continue  # the panes need not correspond
                    lines.append(_line(form, grid.grid, block.fixed, pane, n, next(count), k))
            values[name] = lines
    return values


def _table(form: Form, grid: Grid, n: int) -> Any:
    """A table's lines, the second project's with half of them: every figure another one; sums are left to the form."""
    count = iter(range(1, 1000))
    if not grid.tree:
        named: dict[str, dict[str, str]] = {}
        for slot in plan(form).slots:
            if slot.grid == grid.grid and slot.kind == "input" and slot.column and not slot.formula and (n == 1 or next(count) % 2):
                named.setdefault(grid.line_id(slot.block, slot.column), {})[slot.column.key] = f"{1000 * n + next(count)}.25"
        return named
    columns = [c for c in grid.columns if form.columns[grid.grid][c.id].type == "money" and not c.sum]
    lines: list[dict[str, str]] = []
    for code in CODES[: 9 if n == 1 else 4]:
        line = {"code": code}
        if len(code) == max(map(len, CODES)):
            line |= {c.key: f"{1000 * n + next(count)}.25" for i, c in enumerate(columns) if i % 2 or n == 1}
            line["name"] = f"科目名称{n}之{next(count)}"
        lines.append(line)
    return lines


def _value(form: Form, slot: Slot, meaning: Meaning, n: int, i: int) -> str:
    if meaning.to in ("department", "unit"):
        return DEPARTMENT if meaning.to == "department" else UNIT
    if slot.tick:
        return slot.tick[n - 1]
    if meaning.type == "money":
        return f"{1000 * n + i}.25"
    if meaning.type == "year":
        return str(2020 + 10 * n + i % 10)
    if meaning.type == "code":
        return f"13032125P0030000000{n}1"
    if meaning.type == "date":
        return f"2025年{n}月{i + 1}日"
    if meaning.list and form.choices(meaning.list):
        return form.choices(meaning.list)[n - 1]
    return f"第{n}个项目的{slot.label}" + ("，按季考核，年底前完成" * 3 if meaning.type == "prose" else "")


def _line(form: Form, grid: str, fixed: Mapping[str, str], pane: str | None, n: int, count: int, k: int) -> Any:
    spec = next(g for _, g in form.template.grids() if g.grid == grid)
    line: dict[str, str] = {}
    for column in spec.columns:
        if column.pane not in (None, pane):
            continue
        meaning = form.columns[grid][column.id]
        if column.key in fixed:
            line[column.key] = fixed[column.key]
        elif meaning.list == "level1":
            line[column.key] = form.choices("level1")[0]
        elif meaning.list == "level2":
            words = form.choices("level2", line["level1"])
            line[column.key] = words[k % len(words)]
        elif meaning.type == "target":
            line[column.key] = f"≥{1000 * n + count}件"
        elif meaning.type == "date":
            line[column.key] = f"202{n}年{count}月{len(line) + 1}日"
        elif meaning.part != "remark" or k % 2:
            line[column.key] = f"{meaning.label}{n}之{count}"
    return next(iter(line.values())) if len(spec.columns) == 1 else line


# --- the truth ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class What:
    """What a typed text is: the kind of value, and the line it belongs to."""

    kind: str
    line: str = ""
    label: str = ""
    project: int = 0  # which of several projects on one sheet


@dataclass
class Truth:
    """Everything typed on one sheet: text -> what it is; and the levels of each line of indicators."""

    form: Form
    values: dict[str, What] = field(default_factory=dict)
    levels: dict[str, tuple[str, str]] = field(default_factory=dict)
    unit_changed: bool = False  # the printed unit of money was changed: an amount taken without a word would be wrong

    def change(self, old: str, new: str) -> None:
        """The person typed something else in this place."""
        self.values[new] = self.values.pop(old)

    def forget(self, text: str) -> None:
        self.values.pop(text, None)

    def copy(self) -> Truth:
        return replace(self, values=dict(self.values), levels=dict(self.levels))


def truth_of(form: Form, project: Mapping[str, Any]) -> Truth:
    truth = Truth(form)
    laid = plan(form)
    chosen: dict[tuple[int, str | None], dict[str, str]] = {}
    grids = {grid.grid: grid for _, grid in form.template.grids() if is_table(grid)}
    entries = list(typed(laid, project))
    codes = {row: text for slot, row, text in entries if slot.grid in grids and slot.key == grids[slot.grid].tree}
    for slot, row, text in entries:
        if slot.grid in grids and slot.column:
            name = grids[slot.grid].line_id(slot.block, slot.column) or codes[row]
            truth.values[shown(text)] = What(f"{slot.grid}.{name}.{slot.column.key}", f"{slot.grid}.{name}", slot.label)
            continue
        meaning = slot.meanings[slot.key]
        pane = slot.column.pane if slot.column else None
        if slot.grid and meaning.list:
            chosen.setdefault((row, pane), {})[slot.key] = text
            continue
        truth.values[shown(text)] = What(_kind(slot, meaning), f"{slot.grid}{row}{pane}" if slot.grid else "", slot.label)
    for _, grid in form.template.grids():
        for row in laid.lines(grid.grid):
            for pane in dict.fromkeys(column.pane for column in grid.columns):
                words = {**grid.blocks[laid.rows[row].block].fixed, **chosen.get((row, pane), {})}
                truth.levels[f"{grid.grid}{row}{pane}"] = (form.canonical(words.get("level1", ""), "level1"), form.canonical(words.get("level2", ""), "level2"))
    return truth


def _kind(slot: Slot, meaning: Meaning) -> str:
    if slot.kind == "pattern":
        return "|".join(m.to for m in slot.meanings.values())
    if meaning.record == "indicator":
        return f"indicators.{meaning.horizon}.{meaning.part}"
    if meaning.record == "goals":
        return f"goals.{meaning.horizon}"
    if meaning.record == "funds":
        return f"funds.{meaning.horizon}.{meaning.part}"
    if slot.grid:
        return f"{slot.grid}.{meaning.part}"
    return f"{meaning.record}.{meaning.line or meaning.key}" if meaning.record else meaning.to


def shown(value: object) -> str:
    """A cell's value as text, whatever it was typed as."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        try:
            return _plain(Decimal(value.replace(",", "")))
        except InvalidOperation:
            return value.strip()
    if isinstance(value, dt.datetime):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, dt.date):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _plain(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    return str(value)


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


# --- the judgement -----------------------------------------------------------------------------------------------------

Seen = Mapping[str, Mapping[Place, object]]
"""Sheet -> cell -> value, of the damaged workbook, by a reader that is not the program's."""


@dataclass
class Verdict:
    """What a reading got right, and what it must not: values silently wrong, and cells silently lost."""

    right: int = 0
    present: int = 0
    sheets: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return self.right / self.present if self.present else 1.0


def judge(truths: Mapping[str, Truth], seen: Seen, returns: Sequence[Return], findings: Sequence[Finding], forms: Forms) -> Verdict:
    """Compare a reading with the truth, sheet by sheet."""
    verdict = Verdict(sheets=len(truths))
    for finding in findings:
        verdict.codes[finding.code] = verdict.codes.get(finding.code, 0) + 1
    told = _Told(findings)
    ours = {forms.guide.sheet, forms.selfcheck.sheet, forms.guide.lists_sheet, forms.guide.meta_sheet}
    by_sheet: dict[str, list[Return]] = {}
    for one in returns:
        by_sheet.setdefault(one.sheet, []).append(one)
        if one.sheet not in truths:
            verdict.wrong.append(f"{one.sheet}: read, but nothing was typed there")
    for sheet, cells in seen.items():
        if sheet in ours and sheet not in truths:
            continue
        truth = truths.get(sheet)
        own = by_sheet.get(sheet, [])
        taken: set[Place] = set()
        right: set[str] = set()
        told.cells |= {(sheet, spot.at.cell) for one in own for i in one.indicators if not i.name for key, spot in one.spots.items() if key.startswith(i.key)}
        for one in own:
            if truth:
                right |= _compare(one, truth, cells, taken, told, verdict)
        if truth:
            places: dict[str, list[Place]] = {}
            for spot, value in cells.items():
                places.setdefault(shown(value), []).append(spot)
            passed = not own and sheet in told.passed  # an old or equal copy, named: nothing to read there
            for text, what in truth.values.items():
                if text not in places or passed:
                    continue
                verdict.present += 1
                verdict.right += text in right
                if text not in right and not any(told.cell(sheet, spot) for spot in places[text]) and not told.field(sheet, what.label):
                    verdict.lost.append(f"{sheet}!{cell_name(*places[text][0])} {text!r} ({what.kind})")
        forms_here = [truth.form] if truth else [forms[one.form] for one in own]
        for spot, value in cells.items():
            if spot not in taken and not told.cell(sheet, spot) and not _printed(value, forms_here, own):
                verdict.lost.append(f"{sheet}!{cell_name(*spot)} {value!r} is not accounted for")
    return verdict


class _Told:
    """What the findings name: cells, fields and whole sheets."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.cells: set[tuple[str, str]] = set()
        self.fields: set[tuple[str, str]] = set()
        self.sheets: set[str] = set()
        self.passed: set[str] = set()
        self.everything = False
        for finding in findings:
            for at in (finding.at, *finding.others):
                self.cells |= {(at.sheet, cell) for cell in (at.cell, *_addresses(finding.message))}
                if finding.code in WHOLE:
                    self.sheets |= {at.sheet, *re.split("[、]", finding.found)}
                if finding.code in ("form.same_copy", "form.hidden_copy"):
                    self.passed |= {at.sheet, *re.split("[、]", finding.found)}
                if finding.code.startswith("layout."):
                    self.fields |= {(at.sheet, label) for label in (finding.field, *finding.field.split("、"))}
            self.everything |= finding.code == "form.none"

    def cell(self, sheet: str, spot: Place) -> bool:
        return self.everything or sheet in self.sheets or (sheet, cell_name(*spot)) in self.cells

    def field(self, sheet: str, label: str) -> bool:
        return bool(label) and (sheet, label) in self.fields


def _addresses(text: str) -> Iterator[str]:
    """Cell addresses in a sentence, ranges spelled out."""
    for first, last in re.findall(r"(?<![A-Za-z0-9])([A-Z]{1,2}[1-9]\d{0,3})(?:[:：]([A-Z]{1,2}[1-9]\d{0,3}))?(?![A-Za-z0-9])", text):
        yield first
        if last:
            (r1, c1), (r2, c2) = place(first), place(last)
            yield from (cell_name(r, c) for r in range(r1, r2 + 1) for c in range(c1, c2 + 1))


def place(cell: str) -> Place:
    match = re.fullmatch(r"([A-Z]+)(\d+)", cell)
    assert match, cell
    col = 0
    for letter in match[1]:
        col = col * 26 + ord(letter) - 64
    return int(match[2]) - 1, col - 1


def _compare(one: Return, truth: Truth, cells: Mapping[Place, object], taken: set[Place], told: _Told, verdict: Verdict) -> set[str]:
    """Every spot of a return against the truth; gives the texts read right."""
    right: set[str] = set()
    records: dict[str, set[str]] = {}
    by_cell: dict[Place, set[str]] = {}
    projects: set[int] = set()
    unticked = {tick_line(slot.tick) for slot in plan(truth.form).slots if slot.tick}
    typed_keys = {what.kind for what in truth.values.values()}
    nameless = {indicator.key for indicator in one.indicators if not indicator.name}
    for key, spot in one.spots.items():
        if not spot.text or (spot.text in unticked and shown(spot.text) not in truth.values):
            continue  # blank, or as printed: nobody typed here
        at = place(spot.at.cell)
        taken.add(at)
        record, kind = _split(key)
        by_cell.setdefault(at, set()).add(record or key)
        where = f"{one.sheet}!{spot.at.cell} {spot.text!r} read as {key}"
        if spot.at.sheet != one.sheet or not _same(cells.get(at), spot):
            verdict.wrong.append(f"{where}: the cell holds {cells.get(at)!r}")
            continue
        told_of = key in ("year", "department", "unit") and shown(spot.text) not in truth.values
        if told_of and any(slot.kind == "text" and f"{{{key}}}" in slot.text for slot in plan(truth.form).slots):
            continue  # printed words tell it; what is read of them is compared below
        if record in nameless:
            continue  # the checks name this line: indicator.no_name
        if key not in typed_keys and _filled_in(truth.form, key):
            continue  # what the form fills in by itself
        if kind.endswith((".level1", ".level2")):
            continue  # these words repeat; the record's levels are compared below
        text = shown(cells[at])
        what = truth.values.get(text)
        if what is None or kind not in what.kind.split("|"):
            verdict.wrong.append(f"{where}: it is {what.kind if what else 'not typed by anybody'}")
            continue
        projects |= {what.project} - {0}
        if what.line:
            records.setdefault(record, set()).add(what.line)
        right.add(text)
    if len(projects) > 1:
        verdict.wrong.append(f"{one.sheet}: {one.id} mixes two projects")
    for record, lines in records.items():
        if len(lines) > 1:
            verdict.wrong.append(f"{one.sheet}: {record} mixes the lines {sorted(lines)}")
    for indicator in one.indicators:
        _levels(indicator, records.get(indicator.key, set()), truth, one, verdict)
    for at, claimed in by_cell.items():
        if len(claimed) > 1 and "|" not in getattr(truth.values.get(shown(cells[at])), "kind", "") and not _levels_only(one, at):
            verdict.wrong.append(f"{one.sheet}!{cell_name(*at)}: taken by {sorted(claimed)}")
    for name, value in {"department": DEPARTMENT, "unit": UNIT, "year": YEAR}.items():
        read = one.fields.get(name, "")
        if read != value and (read or not told_missing(told, one)):
            verdict.wrong.append(f"{one.sheet}: {name} is {read!r}")
    if truth.unit_changed and any(fund.amount for fund in one.funds):
        verdict.wrong.append(f"{one.sheet}: amounts were taken though the printed unit was changed")
    for fund in one.funds:
        typed_ = [_money(text, truth.form) for text, what in truth.values.items() if fund.key in what.kind.split("|") and what.project in (0, *projects)]
        if fund.amount is not None and fund.amount not in typed_:
            verdict.wrong.append(f"{one.sheet}: {fund.key} is {fund.amount}")
    return right


def _filled_in(form: Form, key: str) -> bool:
    """Whether a figure stands in a column that the form fills in by itself: a sum, or a name looked up."""
    parts = key.split(".")
    return (parts[0], parts[-1]) in {(slot.grid, slot.column.key) for slot in plan(form).slots if slot.formula and slot.column}


def _money(text: str, form: Form) -> Decimal | None:
    try:
        return Decimal(text) * form.money_factor
    except InvalidOperation:
        return None


def told_missing(told: _Told, one: Return) -> bool:
    return (one.sheet, cell_name(one.area.top, one.area.left)) in told.cells  # identity.missing stands at the first cell of the form


def _levels_only(one: Return, at: Place) -> bool:
    return all(key.endswith((".level1", ".level2")) for key, spot in one.spots.items() if spot.at.cell == cell_name(*at))


def _levels(indicator: Indicator, lines: set[str], truth: Truth, one: Return, verdict: Verdict) -> None:
    for line in lines:
        for read, true in zip((indicator.level1, indicator.level2), truth.levels.get(line, ("", "")), strict=True):
            if read != true and read:
                verdict.wrong.append(f"{one.sheet}: {indicator.name!r} is read as {read!r}, was {true!r}")


def _split(key: str) -> tuple[str, str]:
    """A spot's key as (record, kind of value)."""
    if match := re.fullmatch(r"(indicators\.\w+)\.(.+)\.(\w+)", key):
        return f"{match[1]}.{match[2]}", f"{match[1]}.{match[3]}"
    if match := re.fullmatch(r"(goals\.\w+)\.\d+", key):
        return key, match[1]
    if match := re.fullmatch(r"(\w+)\.(\d+\.\d+|\+\d+)\.(\w+)", key):
        return f"{match[1]}.{match[2]}", f"{match[1]}.{match[3]}"
    if match := re.fullmatch(r"(\w+\.\w+)\.\w+", key):
        return match[1], key  # a figure of a table: its line and its whole name
    return "", key


def _same(value: object, spot: Spot) -> bool:
    if value is None:
        return False
    if shown(value) == shown(spot.text):
        return True
    if spot.text.endswith("%") and isinstance(value, int | float):
        return Decimal(repr(value)) * 100 == Decimal(spot.text[:-1])
    return False


def _printed(value: object, forms: Sequence[Form], returns: Sequence[Return]) -> bool:
    """Whether a form prints this, or it is a key or a stamp; or the level word of a line that was read."""
    if value == 0 and any(is_table(grid) for form in forms for _, grid in form.template.grids()):
        return True  # a sum of nothing
    if not isinstance(value, str):
        return False
    if any(is_table(grid) for form in forms for _, grid in form.template.grids()) and value.startswith("="):
        return True  # a sum
    if re.fullmatch(r"#c\d+|#r\d+|#\w+\.(head\d*|note|\d+\.\d+)", value) or value.strip().startswith('{"xlgoals":'):
        return True
    text = _loose(re.sub(r'"|&|\$[A-Z]+\$\d+|^=', "", value) if value.startswith("=") else value)
    for form in forms:
        for slot in plan(form).slots:
            if slot.kind in ("label", "heading", "fixed") and text in {_loose(slot.text), *map(_loose, slot.aka)}:
                return True
            if slot.kind in ("text", "pattern"):
                parts = [re.escape(_loose(part)) for part in re.split(r"\{\w+\}", slot.text)]
                if re.fullmatch(".*".join(parts), text):
                    return True
            if slot.tick and text == _loose(tick_line(slot.tick)):
                return True
    levels = {form.canonical(value, level) for form in forms for level in ("level1", "level2")}
    return any(indicator.level1 in levels or indicator.level2 in levels for one in returns for indicator in one.indicators)


def _loose(text: str) -> str:
    return re.sub(r"[\s:*]+", "", unicodedata.normalize("NFKC", text)).replace("(必填)", "").lower()


def places(form: Form) -> dict[str, Place]:
    """Where each field's input stands on a generated sheet."""
    laid: Plan = plan(form)
    return {key: (slot.area.top + ORIGIN[0], slot.area.left + ORIGIN[1]) for key, slot in laid.inputs.items()}
