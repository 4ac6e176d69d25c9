"""A sketch written as the two YAML files of a form, as an author would type them; open questions carry `# ?`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from xlgoals.forms import STAMPED
from xlgoals.layout import PAPERS, POINTS, column_points, text_lines
from xlgoals.sketch import OPEN, Box, Grid, Sketch, Target, tidy

SPARE = 6  # lines a block may grow by
MARGINS = {"left": 16, "right": 16, "top": 16, "bottom": 14}  # millimetres
WIDEST = 124  # characters of a portrait page's natural width: what wants more lies on its side


def form_texts(sketch: Sketch, name: str, source: str) -> tuple[str, str]:
    """Template and mapping."""
    landscape, widths = _widths(sketch)
    orientation = "landscape" if landscape else "portrait"
    count = len(sketch.marks)
    note = f"有 {count} 处要定，在两个文件里都标着 “# ?”" if count else "没有要定的地方"
    margins = ", ".join(f"{side}: {size}" for side, size in MARGINS.items())
    printed = {target.to for target in sketch.fields.values()}
    stamped = [part for part in STAMPED if part not in printed]
    template = [
        f"# 起草自 {source}；{note}。定完后用 xlgoals forms check 检查。",
        f"form: {name}",
        f"title: {_scalar(sketch.title or name)}",
        *([f"stamped: [{', '.join(stamped)}]"] if stamped else []),
        f"page: {{paper: A4, orientation: {orientation}, margins: {{{margins}}}}}",
        f"columns: [{', '.join(f'{width:g}' for width in widths)}]",
        "rows:",
    ]
    for row in sketch.rows:
        template += _grid_lines(row) if isinstance(row, Grid) else [f"  - [{', '.join(_box(box, widths) for box in row)}]"]
    mapping = [
        f"# {name} 的叫法：每个 key 是 fields.yaml 里的哪一项。",
        f"form: {name}",
        f"money_unit: {_marked(*sketch.unit)}",
        f"taxonomy: {_marked(*sketch.taxonomy)}",
    ]
    mapping += ["fields:", *(f"  {key}: {_target(target)}" for key, target in sketch.fields.items())] if sketch.fields else []
    mapping += ["grids:"] if sketch.grids else []
    for grid, columns in sketch.grids.items():
        mapping += [f"  {grid}:", *(f"    {key}: {_target(target)}" for key, target in columns.items())]
    if sketch.local:
        mapping.append("words:")
        for word, known in sketch.local.items():
            mapping.append(f"  {_scalar(word)}: {_marked(known, f'“{word}”是 lists.yaml 里的哪个词' if known == OPEN else '')}")
    if sketch.options:
        mapping += ["lists:", *(f"  {to}: [{', '.join(map(_scalar, words))}]" for to, words in sketch.options.items())]
    return "\n".join(template) + "\n", "\n".join(mapping) + "\n"


def _marked(text: str, mark: str) -> str:
    return f'"{OPEN}"  # ? {mark}' if text == OPEN else text


def _target(target: Target) -> str:
    if target.to == OPEN:
        return _marked(OPEN, target.mark)
    if not (target.line or target.horizon):
        return target.to
    more = ([f"line: {_scalar(target.line)}"] if target.line else []) + ([f"horizon: {target.horizon}"] if target.horizon else [])
    return f"{{to: {target.to}, {', '.join(more)}}}"


def _box(box: Box, widths: Sequence[float]) -> str:
    span, down = box.span or box.piece.span, box.piece.down
    parts = [f"{'key' if box.role == 'input' else box.role}: {_scalar(box.words)}"]
    parts += [f"tick: [{', '.join(map(_scalar, box.tick))}]"] if box.tick else []
    parts += [f"span: {span}"] if span > 1 else []
    parts += [f"down: {down}"] if down > 1 else []
    left = box.piece.area.left
    lines = text_lines(box.piece.text.strip(), sum(widths[left : left + span]) / 2 or 1)
    least = 3 if box.by == "bureau" else min(8, lines) if box.role == "input" else 1
    parts += [f"lines: {least}"] if least > 1 else []
    parts += [f"style: {box.style}"] if box.style else []
    parts += [f"by: {box.by}"] if box.by else []
    return f"{{{', '.join(parts)}}}"


def _grid_lines(grid: Grid) -> Iterator[str]:
    yield f"  - grid: {grid.name}"
    if grid.beside:
        span = f", span: {grid.beside.span}" if grid.beside.span > 1 else ""
        yield f"    beside: {{label: {_scalar(tidy(grid.beside.text))}{span}}}"
    yield "    columns:"
    for column in grid.columns:
        parts = [f"pane: {_scalar(column.pane)}"] if column.pane else []
        parts += [f"key: {column.key}"]
        parts += [] if column.numbered else [f"label: {_scalar(column.label)}"]
        parts += [f"span: {column.span}"] if column.span > 1 else []
        parts += [f"numbered: {_scalar(column.numbered)}"] if column.numbered else []
        parts += [f"lines: {column.lines}"] if column.lines > 1 else []
        yield f"      - {{{', '.join(parts)}}}" + (f"  # ? {column.mark}" if column.mark else "")
    yield "    blocks:"
    for fixed, count in grid.blocks:
        words = "".join(f"{key}: {_scalar(word)}, " for key, word in fixed.items())
        yield f"      - {{{words}lines: {{print: {count}, most: {count + SPARE}}}}}"


def _scalar(text: str) -> str:
    """A text as it may stand inside a flow map, quoted where YAML would read it otherwise."""
    plain = re.fullmatch(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=~][^,\[\]{}#:\"\n\t]*", text) and text == text.strip()
    return text if plain and text.lower() not in ("null", "~") else json.dumps(text, ensure_ascii=False)


def _widths(sketch: Sketch) -> tuple[bool, list[float]]:
    """Whether the page lies on its side, and the widths of its columns, by the length of what stands in them."""
    wants = [8.0] * sketch.width
    for line in sketch.lines:
        for piece in line:
            text = max(tidy(piece.text).split("\n"), key=len, default="")
            need = 2 * min(len(text), 10) + 2
            if piece.span == 1:
                wants[piece.area.left] = max(wants[piece.area.left], need)
    landscape = sum(wants) > WIDEST
    across = PAPERS["A4"][landscape] - MARGINS["left"] - MARGINS["right"]
    room = across * POINTS
    scale = room / sum(map(column_points, wants))
    widths = [max(4.0, int(want * scale * 2) / 2) for want in wants]
    while sum(map(column_points, widths)) > room:
        widest = widths.index(max(widths))
        widths[widest] -= 0.5
    return landscape, widths
