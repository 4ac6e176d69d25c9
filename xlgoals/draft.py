"""Draft the two YAML files of a form that nobody has described, from a workbook laid out in it: what `xlgoals forms draft` writes.

Known words are taken for labels; what stands beside or below a label is its input and is not copied. Whatever a person must settle
carries `# ?` and a "?" in place of a word, which lint refuses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from xlgoals.boxes import read_boxes
from xlgoals.errors import UsageError
from xlgoals.forms import bare_word
from xlgoals.formtext import form_texts
from xlgoals.grids import read_grid
from xlgoals.models import HOLE
from xlgoals.ownformulas import set_aside
from xlgoals.records import Area, Book, Sheet, area_name
from xlgoals.sketch import OPEN, Block, Grid, Sketch, tidy
from xlgoals.stamp import read_stamp
from xlgoals.vocabulary import Vocabulary, held
from xlgoals.words import short


class Draft(NamedTuple):
    """The two files of a form, the sheet they were drafted from, and what a person must settle in them."""

    template: str
    mapping: str
    sheet: str
    marks: tuple[str, ...]


def draft(book: Book, sheet: str | None, name: str, vocabulary: Vocabulary) -> Draft:
    """Draft the form of a workbook under the given name, from the first instance of the shape that most have among those
    with the fewest questions: people break one copy of a form more often than all. Raises UsageError when there is nothing to draft from."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageError(f"表样名称“{name}”只能用小写英文字母、数字和短横，以字母开头，如 yiyang-2023。")
    chosen = [one for one in book.sheets if (one.name == sheet if sheet is not None else one.state == "visible")]
    if not chosen:
        raise UsageError(f"{book.file} 里没有名为“{sheet}”的工作表，有：{'、'.join(one.name for one in book.sheets)}。")
    if stamp := next((s for one in chosen for row in one.rows for value in row if (s := read_stamp(value))), None):
        raise UsageError(
            f"{book.file} 是用表样 {stamp.form or '（填报说明里写明）'} 生成的，不用起草；要改表样，请复制它的两个 YAML 文件。"
        )
    chosen = [set_aside(one, vocabulary.forms.selfcheck.said) for one in chosen]
    instances = [(one, area) for one in chosen for area in _instances(one, vocabulary)]
    if not instances:
        raise UsageError(f"{book.file} 里没有认得的标签，起草不了；请先在 mappings/words.yaml 里补上这张表的叫法。")
    readings = [(one.name, area, _read(one, area, vocabulary)) for one, area in instances]
    most = max(reading.known for *_, reading in readings)
    forms = [one for one in readings if 2 * one[2].known >= most]  # not a cover sheet that shares a word or two
    least = min(len(reading.marks) for *_, reading in forms)
    good = [one for one in forms if len(one[2].marks) == least]
    shapes = Counter(reading.shape for *_, reading in good)
    where, area, best = max(good, key=lambda one: shapes[one[2].shape])  # of equals the first
    _settle(best, [reading for *_, reading in good if reading.shape == best.shape])
    return Draft(*form_texts(best, name, f"{book.file}，工作表“{where}”{area_name(area)}"), where, tuple(best.marks))


def _instances(sheet: Sheet, vocabulary: Vocabulary) -> list[Area]:
    """Where each form of a sheet stands: it begins some rows above the first label it prints once, and ends before the next."""
    known = {
        (r, c): short(value)
        for r, row in enumerate(sheet.rows)
        for c, value in enumerate(row)
        if isinstance(value, str) and (sense := vocabulary.sense(value)) and not sense.record and not vocabulary.by(value)
    }
    if not known:
        return []
    first = min(known)
    anchors = [r for (r, c), word in known.items() if (c, word) == (first[1], known[first])]
    filled = [any(value is not None for value in row) for row in sheet.rows]
    top = anchors[0]
    while top and (filled[top - 1] or top == anchors[0]):
        top -= 1
    while not filled[top]:
        top += 1
    above = anchors[0] - top
    starts = [top, *(max(before + 1, anchor - above) for before, anchor in pairwise(anchors))]
    areas = []
    for start, anchor, end in zip(starts, anchors, [*starts[1:], len(sheet.rows)], strict=True):
        last = next((r - 1 for r in range(anchor, end - 1) if not (filled[r] or filled[r + 1]) and not _covered(sheet, r)), end - 1)
        while not filled[last] and not _covered(sheet, last):
            last -= 1
        columns = [c for r in range(start, last + 1) for c, value in enumerate(sheet.rows[r]) if value is not None]
        columns += [c for area in sheet.merges if start <= area.top <= last for c in (area.left, area.right)]
        areas.append(Area(start, min(columns), last, max(columns)))
    return areas


def _covered(sheet: Sheet, row: int) -> bool:
    return any(area.top < area.bottom and area.top <= row <= area.bottom for area in sheet.merges)


def _read(sheet: Sheet, area: Area, vocabulary: Vocabulary) -> Sketch:
    """One instance understood, row by row."""
    sketch = Sketch(sheet, area, vocabulary)
    row = 0
    inside = False  # the table proper has begun
    while row < len(sketch.lines):
        if taken := read_grid(sketch, row):
            row += taken
            inside = True
            continue
        line = sketch.lines[row]
        boxes = read_boxes(sketch, line, inside)
        inside = inside or any(box.role == "input" for box in boxes)
        empty = all(box.role == "label" and not box.words for box in boxes) and sum(piece.span for piece in line) == sketch.width
        if not empty:  # a blank row between the table and what stands below it
            sketch.rows.append(boxes)
        row += 1
    _echoes(sketch)
    sketch.unit = _money_unit(sketch)
    return sketch


def _echoes(sketch: Sketch) -> None:
    """Fields repeated in the lines above the table: a title with the project's or the department's name, the year, the number
    of the sheet. Of equal names the one that stands first is meant."""
    names = sorted(((text, key) for key, text in sketch.values.items() if len(text) > 3), key=lambda one: -len(one[0]))
    for box in sketch.titles:
        plain = box.words
        for text, key in names:
            box.words = box.words.replace(tidy(text), f"{{{key}}}")
        box.words = next(
            (w for year in sketch.know.words.years if (w := held(year, box.words, r"(\d[,，]?\d{3})", whole=False))), box.words
        )
        for number in (r"^(\d{1,3})(?=[、.．])", r"(?<=\D)(\d{1,3})$"):
            if match := re.search(number, box.words):
                box.number = match[1]
                box.words = f"{box.words[: match.start(1)].rstrip()}{' ' if match.start(1) else ''}{{seq}}{box.words[match.end(1) :]}"
        if plain == sketch.title:
            sketch.title = HOLE.sub("", box.words).strip("、.． ") or plain


def _money_unit(sketch: Sketch) -> tuple[str, str]:
    texts = [piece.text for line in sketch.lines for piece in line if isinstance(piece.value, str)]
    units = Counter(unit for text in texts if len(text) < 40 and (unit := sketch.know.money_unit(text)))
    if len(units) == 1:
        return next(iter(units)), ""
    told = f"表上有 {'、'.join(units)}" if units else "表上没有写金额单位"
    return OPEN, sketch.ask(f"{told}：请写 {'、'.join(sketch.know.units)} 之一")


def _settle(sketch: Sketch, peers: Sequence[Sketch]) -> None:
    """Decide what one instance alone does not tell: a second level is printed where every instance has it in its place, and
    the taxonomy is the one that holds the levels of all."""
    for n, row in enumerate(sketch.rows):
        if isinstance(row, Grid):
            others = [grid.blocks for peer in peers if isinstance(grid := peer.rows[n], Grid)]
            row.blocks = _common(row.blocks, others)
    for n, box in enumerate(sketch.titles):
        numbers = {peer.titles[n].number for peer in peers}
        if len(numbers) == 1 and (len(peers) > 1 or "{project_name}" not in box.words):
            settled = box.words.replace(" {seq}", box.number).replace("{seq}", box.number)  # 附表3 is no number of the sheet
            sketch.title = settled if box.words.startswith(sketch.title) else sketch.title
            box.words = settled
    for peer in peers:
        sketch.local |= {word: known for word, known in peer.local.items() if known != OPEN}
    sketch.taxonomy = _taxonomy(sketch, [pair for peer in peers for pair in peer.pairs])


def _common(blocks: list[Block], others: Sequence[list[Block]]) -> list[Block]:
    """Blocks with the second levels left open under each first level where not all instances agree."""

    def seconds(given: list[Block], first: str) -> list[str]:
        return [fixed.get("level2", "") for fixed, _ in given if fixed.get("level1", "") == first]

    found: list[Block] = []
    for first, same in groupby(blocks, lambda block: block[0].get("level1", "")):
        own = list(same)
        agreed = all([*map(bare_word, seconds(other, first))] == [bare_word(f.get("level2", "")) for f, _ in own] for other in others)
        fixed = {"level1": first} if first else {}
        found += own if agreed else [(fixed, sum(count for _, count in own))]
    return found


def _taxonomy(sketch: Sketch, seen: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The one taxonomy in which all levels seen hang together; those of this instance alone where one of the others errs."""

    def holding(pairs: Sequence[tuple[str, str]]) -> list[str]:
        known = sketch.know.taxonomies.items()
        return [name for name, levels in known if all(one in levels and (not two or two in levels[one]) for one, two in pairs)]

    fitting = holding(seen) or holding(sketch.pairs)
    if len(fitting) == 1:
        return fitting[0], ""
    told = f"表上的一、二级指标看不出是 {'、'.join(fitting)} 中的哪一个" if fitting else "表上的一、二级指标不全合任何一个分类"
    return OPEN, sketch.ask(f"{told}：请写 lists.yaml 里的一个")
