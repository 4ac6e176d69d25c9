"""A row of an unknown form told apart: printed words, labels, inputs and whose they are, by known words and by where they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xlgoals.models import HOLE
from xlgoals.records import Horizon
from xlgoals.sketch import OPEN, Box, Piece, Sketch, Target, tidy
from xlgoals.words import BOXES, TICKS, bare

LONGEST = 24  # letters of a label


def read_boxes(sketch: Sketch, line: list[Piece], inside: bool) -> list[Box]:
    """The boxes of a row that is no grid's; `inside` tells whether the table proper has begun."""
    outside = _outside(sketch, line, inside)
    return _inside(sketch, line) if outside is None else outside


def _outside(sketch: Sketch, line: list[Piece], inside: bool) -> list[Box] | None:
    """A line above or below the table: a title, a subtitle, the unit of money, signatures, words with fields in them."""
    if sum(piece.span for piece in line) != sketch.width:
        return None
    lonely = len(line) > 1 and not line[0].blank and all(piece.blank and piece.span == 1 for piece in line[1:])
    whole = line[:1] if lonely else line
    table = len(whole) > 1 or (inside and whole[0].area.bottom + 1 < len(sketch.lines))
    for piece in whole:
        text = piece.text
        by = sketch.know.by(text)
        if piece.blank or (by != "hand" and not sketch.know.inline(text) and (table or by or sketch.know.sense(text))):
            return None
    boxes = []
    for piece in whole:
        text = tidy(piece.text)
        if inline := sketch.know.inline(piece.text.strip()):
            box = _pattern(sketch, piece, inline, "line")
        elif sketch.know.by(text) == "hand":
            box = Box(piece, "text", text, style="line", by="hand")
        elif sketch.know.unit_line(text):
            box = Box(piece, "text", text, style="unitline")
        elif inside:
            box = Box(piece, "text", text, style="line")
        else:
            box = Box(piece, "text", text, style="subtitle" if sketch.title else "title")
            sketch.title = sketch.title or text
        box.span = sketch.width if lonely else piece.span
        sketch.box[piece.area] = box
        boxes.append(box)
    return boxes


def _inside(sketch: Sketch, line: list[Piece]) -> list[Box]:
    """A row of the table: labels told from inputs by known words and by where they stand."""
    boxes: list[Box] = []
    for n, piece in enumerate(line):
        box = None if _slipped(sketch, line, n) else _one(sketch, piece, line[n + 1] if n + 1 < len(line) else None)
        last = boxes[-1] if boxes and boxes[-1].piece.down == piece.down else None
        if box is None and last and not (last.role == "input" and _above(sketch, last.piece)):
            sketch.box[piece.area] = last  # a blank cell beside an input: they are one
            last.span = (last.span or last.piece.span) + piece.span
            continue
        box = box or Box(piece, "label")
        sketch.box[piece.area] = box
        boxes.append(box)
        if box.role == "input":
            _name(sketch, box)
    return boxes


def _slipped(sketch: Sketch, line: Sequence[Piece], n: int) -> bool:
    """Whether a blank cell came in between a label and its value: the text after it has no room for a value of its own."""
    left = _beside(sketch, line[n])
    if not line[n].blank or n + 1 == len(line) or left is None or left.role != "label" or left.sense is None or _above(sketch, line[n]):
        return False
    value, after = line[n + 1], line[n + 2] if n + 2 < len(line) else None
    plain = not value.blank and not sketch.know.sense(value.text) and not sketch.know.inline(value.text)
    return plain and (not isinstance(value.value, str) or after is None or sketch.know.sense(after.text) is not None)


def _one(sketch: Sketch, piece: Piece, after: Piece | None) -> Box | None:
    """What a piece is; None for a blank one that no label asks for."""
    left, above = _beside(sketch, piece), _above(sketch, piece)
    by = sketch.know.by(piece.text)
    if left and left.role == "label" and sketch.know.by(left.words) == "bureau":
        return Box(piece, "text", _lines(piece.text), style="box", by="bureau")
    if piece.blank:
        return Box(piece, "input") if above or (left and left.role in ("label", "pattern")) else None
    if not isinstance(piece.value, str):
        return Box(piece, "input")
    if options := _options(piece.text):
        return Box(piece, "input", tick=options)
    if inline := sketch.know.inline(piece.text):
        return _pattern(sketch, piece, inline, "")
    if pattern := sketch.know.dated(piece.text):
        return _pattern(sketch, piece, pattern, "label")
    sense = sketch.know.sense(piece.text)
    if sense or by == "bureau":
        return Box(piece, "label", tidy(piece.text), sense=sense, horizon=sketch.know.horizon(piece.text))
    if by == "hand":
        return Box(piece, "text", _lines(piece.text), style="box", by="hand")
    heads = left is not None and left.piece.down > piece.down and _labelled(sketch, after)  # a label of several rows, then one of its own
    if above or _wordy(piece.text) or (left and left.role == "label" and (left.sense or not heads)):
        return Box(piece, "input")
    return Box(piece, "label", tidy(piece.text))


def _labelled(sketch: Sketch, after: Piece | None) -> bool:
    """Whether what follows has no label but the piece before it: then that piece is the label."""
    return after is not None and not (isinstance(after.value, str) and sketch.know.sense(after.text))


def _beside(sketch: Sketch, piece: Piece) -> Box | None:
    return sketch.box_at(piece.area.top, piece.area.left - 1)


def _above(sketch: Sketch, piece: Piece) -> Box | None:
    """The label over a piece, equally wide and not serving the input right of it."""
    box = sketch.box_at(piece.area.top - 1, piece.area.left)
    if box is None or box.role not in ("label", "pattern") or box.piece.across != piece.across or box.piece.down > 1:
        return None
    served = sketch.box_at(box.piece.area.top, box.piece.area.right + 1)
    if served and served.role == "input":
        return None
    beside = _beside(sketch, piece)
    if beside and beside.role == "label" and (beside.piece.down, beside.piece.area.top) == (piece.down, piece.area.top):
        return None
    return box


def _name(sketch: Sketch, box: Box) -> None:
    """Give an input its key, from the label beside or above it."""
    label = _above(sketch, box.piece) or _beside(sketch, box.piece)
    label = label if label and label.role in ("label", "pattern") else None
    sense = label.sense if label else None
    words = label.words if label else ""
    if label is None or sense is None:
        what = f"“{words}”是什么" if words else "这一格左边和上边都没有标签，请加一个 label，并写明它是什么"
        box.words = _key(sketch, "unknown_{n}", Target(OPEN, mark=sketch.ask(f"{what}：请写 fields.yaml 里的一项，没有就先在那里加")))
        return
    horizon = label.horizon or _inherited(sketch, label)
    later = {"mid_term": "mid_", "long_term": "long_"}.get(horizon or "", "")
    number = re.search(r"\d+", sense.line)
    key = later + sketch.know.words.keys.get(sense.to, sense.part).replace("{n}", number[0] if number else "{n}")
    target = Target(sense.to, sense.line, horizon if later else None)
    if any((one.to, one.line, one.horizon) == (target.to, target.line, target.horizon) for one in sketch.fields.values()):
        mark = sketch.ask(f"“{words}”与上面的一项同是 {sense.to}：请写明它是哪一年、哪一笔，或改成别的")
        target = Target(OPEN, mark=mark)
    box.words = _key(sketch, key, target)
    if box.tick:
        sketch.options[sense.to] = box.tick
    if not sense.record and isinstance(box.piece.value, str):
        sketch.values[box.words] = box.piece.text.strip()


def _inherited(sketch: Sketch, label: Box) -> Horizon | None:
    """The years of the labels above in the same column, where a form has two columns of money."""
    for row in range(label.piece.area.top - 1, -1, -1):
        box = sketch.box_at(row, label.piece.area.left)
        if box is None or box.piece.across != label.piece.across or box.role != "label":
            return None
        if box.horizon:
            return box.horizon if box.sense and label.sense and box.sense.record == label.sense.record else None
    return None


def _key(sketch: Sketch, key: str, target: Target) -> str:
    """A key that is still free."""
    name = key if "{n}" not in key else key.format(n=1)
    n = 2
    while name in sketch.fields:
        name = key.format(n=n) if "{n}" in key else f"{key}_{n}"
        n += 1
    sketch.fields[name] = target
    return name


def _pattern(sketch: Sketch, piece: Piece, pattern: str, style: str) -> Box:
    holes = {hole: _key(sketch, hole, Target(hole)) for hole in dict.fromkeys(HOLE.findall(pattern))}
    for hole, key in holes.items():
        pattern = pattern.replace(f"{{{hole}}}", f"{{{key}}}")
    plain = HOLE.sub("", pattern)
    words = tidy(pattern) if style == "label" else pattern
    return Box(piece, "pattern", words, style=style, sense=sketch.know.sense(plain), horizon=sketch.know.horizon(plain))


def _wordy(text: str) -> bool:
    """A text too long for a label: what somebody typed."""
    return len(bare(text)) > LONGEST or bool(re.search("[，。；;！？]", text))


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines() if line.strip())


def _options(text: str) -> tuple[str, ...]:
    """Choices printed with boxes in one line; empty when the text has none."""
    if not re.search(f"[{BOXES}{TICKS}]", text) or len(text) > 80:
        return ()
    found = tuple(part for part in re.split(rf"[{BOXES}{TICKS}\s]+", text) if part)
    return found if len(found) > 1 and all(len(part) <= 12 for part in found) else ()
