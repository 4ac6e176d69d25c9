"""A table of lines in an unknown form: where it begins and ends, what its columns are, which levels its blocks print."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from xlgoals.sketch import OPEN, Block, Column, Grid, Piece, Sketch, Target, tidy
from xlgoals.vocabulary import Sense
from xlgoals.words import bare


def read_grid(sketch: Sketch, row: int) -> int:
    """Read the grid, or the goals in lines of their own, that begins in this row; returns how many rows it takes, 0 for none."""
    beside, heads = _heading(sketch, row)
    return _grid(sketch, row, beside, heads) if heads else _goals(sketch, row)


def _heading(sketch: Sketch, row: int, *, guess: bool = True) -> tuple[Piece | None, list[Piece]]:
    """The heads of a grid that begins in this row, and the label left of the whole grid; no heads where none begins."""
    line = list(sketch.lines[row])
    beside = line.pop(0) if line and line[0].area.left == 0 and (line[0].down > 1 or _unmerged(sketch, line)) else None
    complete = len(line) > 1 and sum(p.span for p in line) + (beside.span if beside else 0) == sketch.width
    if not complete or any(p.down > 1 or not (p.blank or isinstance(p.value, str)) for p in line):
        return None, []
    votes = _votes(sketch, line)
    known = max(votes.values(), default=0) > 1 or (guess and _levelled(sketch, row, line))
    if guess and not known and beside and not sketch.know.level(beside.text, "level1"):
        # unknown heads over lines laid out alike, beside one label
        below = [sketch.lines[r] for r in range(row + 1, beside.area.bottom + 1)]
        plain = not any(p.blank or sketch.know.sense(p.text) or sketch.know.inline(p.text) or sketch.know.dated(p.text) for p in line)
        known = len(line) > 2 and plain and all([p.across for p in one] == [p.across for p in line] for one in below)
    return (beside, line) if known else (None, [])


def _unmerged(sketch: Sketch, line: Sequence[Piece]) -> bool:
    """Whether a row begins with a label for all lines of a grid that nobody merged downwards."""
    second = sketch.know.sense(line[1].text, "indicator") if len(line) > 1 else None
    below = sketch.at.get((line[0].area.bottom + 1, 0))
    return second is not None and second.part == "level1" and below is not None and below.blank and not line[0].blank


def _levelled(sketch: Sketch, row: int, heads: Sequence[Piece]) -> bool:
    """Whether level words stand below the first two heads, whatever these are called."""
    below = [sketch.at.get((row + 1, head.area.left)) for head in heads[:2]]
    words = [piece.text if piece and piece.area.top == row + 1 else "" for piece in below]
    return not sketch.know.level(heads[0].text, "level1") and all(map(sketch.know.level, words, ("level1", "level2")))


def _votes(sketch: Sketch, heads: Sequence[Piece]) -> Counter[str]:
    """How many of the heads each kind of line knows."""
    return Counter(sense.record for record in sketch.know.exact if record for p in heads if (sense := sketch.know.sense(p.text, record)))


def _grid(sketch: Sketch, row: int, beside: Piece | None, heads: list[Piece]) -> int:
    """Read a grid from its heading on."""
    votes = _votes(sketch, heads)
    record = votes.most_common(1)[0][0] if votes else "unknown"
    name = f"{record}s" if record == "indicator" else record
    name = f"{name}_{row + 1}" if name in sketch.grids else name
    if guessed := _levelled(sketch, row, heads):
        record, name = "indicator", "indicators"
    columns, targets = _columns(sketch, record, heads, ["level1", "level2"] if guessed else [])
    last = _last(sketch, row, beside, heads, record)
    grid = Grid(name, columns, _blocks(sketch, row + 1, last, heads, columns, record), beside)
    sketch.grids[name] = targets
    sketch.rows.append(grid)
    return last + 1 - row


def _columns(sketch: Sketch, record: str, heads: list[Piece], parts: Sequence[str]) -> tuple[list[Column], dict[str, Target]]:
    """The columns of a grid; `parts` is what the first ones are by the words below them."""
    senses: list[Sense | None] = [Sense(f"{record}.{part}") for part in parts]
    senses += [sketch.know.sense(head.text, record) if not head.blank else None for head in heads[len(parts) :]]
    known = [sense.part for sense in senses if sense]
    missing = [part for part in ("level1", "level2", "name", "target") if record == "indicator" and part not in known]
    columns: list[Column] = []
    targets: dict[str, Target] = {}
    for head, sense in zip(heads, senses, strict=True):
        if sense is None and head.blank and len(missing) == 1:
            sense = Sense(f"{record}.{missing[0]}")  # the one column that every such grid has
        if sense is None or sum(column.key == sense.part for column in columns) > 1:
            key = f"unknown_{len([k for k in targets if k.startswith('unknown')]) + 1}"
            what = f"“{tidy(head.text)}”一栏是什么" if not head.blank else "这一栏没有表头，是什么"
            targets[key] = Target(OPEN, mark=sketch.ask(f"{what}：请写 fields.yaml 里的一项，没有就先在那里加"))
        else:
            key = sense.part
            targets[key] = Target(sense.to)
        columns.append(Column(key, tidy(head.text), head.span))
    twice = [key for key, count in Counter(column.key for column in columns).items() if count == 2]
    for key in twice:
        first, second = (column for column in columns if column.key == key)
        first.pane, second.pane = "mid_term", "annual"
        if not any(target.horizon == "mid_term" for target in sketch.fields.values()):
            first.pane = OPEN
            first.mark = sketch.ask(f"有两栏“{first.label}”，左边是中期（mid_term）还是别的？右边已写作年度（annual）")
    return columns, targets


def _last(sketch: Sketch, row: int, beside: Piece | None, heads: list[Piece], record: str) -> int:
    """The last line of a grid: its label's last row, else before what is laid out otherwise."""
    lefts = {head.area.left for head in heads}
    last = row
    for r in range(row + 1, len(sketch.lines)):
        line = sketch.lines[r]
        if beside and beside.down > 1 and r > beside.area.bottom:
            break
        if beside and beside.down == 1:  # what stands below a label that nobody merged
            if any(not piece.blank for piece in line if piece.area.left < heads[0].area.left):
                break
            line = [piece for piece in line if piece.area.left >= heads[0].area.left]
        first = sketch.at.get((r, heads[0].area.left))
        fits = all(piece.area.left in lefts and piece.across in {h.across for h in heads} for piece in line)
        if not fits or first is None or (_heading(sketch, r, guess=False)[1] and not _same_heads(sketch, r, heads)):
            break
        own = first.area.top == r and not first.blank and not _same_heads(sketch, r, heads)
        if own and record == "indicator" and not sketch.know.level(first.text, "level1") and sketch.know.sense(first.text):
            break
        if own and record != "indicator" and not beside and sketch.know.sense(first.text):
            break
        if not beside and record != "indicator" and all(piece.blank for piece in line) and r > row + 1:
            break
        last = r
    return last


def _same_heads(sketch: Sketch, row: int, heads: list[Piece]) -> bool:
    """Whether a row repeats the heading (续页)."""
    texts = {bare(head.text) for head in heads if not head.blank}
    return {bare(piece.text) for piece in sketch.lines[row] if not piece.blank} >= texts


def _blocks(sketch: Sketch, first: int, last: int, heads: list[Piece], columns: list[Column], record: str) -> list[Block]:
    """Blocks of lines by the level words that stand in them. A second level is printed where all that a first level has stand
    once each; else it was chosen, and is left to the dropdown."""
    rows = [r for r in range(first, last + 1) if not _same_heads(sketch, r, heads)]
    lefts = {column.key: head.area.left for column, head in reversed([*zip(columns, heads, strict=True)])}
    if record != "indicator" or "level1" not in lefts:
        return [({}, max(1, len(rows)))]
    level1 = _carried(sketch, rows, lefts["level1"])
    begins = [n for n in range(len(rows)) if level1[n] not in level1[max(n - 1, 0) : n]]
    level2 = _carried(sketch, rows, lefts["level2"], begins) if "level2" in lefts else [""] * len(rows)
    groups: list[tuple[str, list[str]]] = []
    for one, two in zip(level1, level2, strict=True):
        if not groups or groups[-1][0] != one:
            groups.append((one, []))
        groups[-1][1].append(two)
    blocks: list[Block] = []
    for one, twos in groups:
        fixed = {"level1": one} if one else {}
        words = list(dict.fromkeys(twos))
        canonical1 = _level(sketch, one, "level1")
        canonical2 = [_level(sketch, word, "level2") for word in words]
        sketch.pairs += [(canonical1, word) for word in canonical2 if canonical1]
        runs = 1 + sum(a != b for a, b in pairwise(twos))
        whole = any(set(canonical2) == set(taxonomy.get(canonical1, ())) for taxonomy in sketch.know.taxonomies.values())
        if whole and runs == len(words):
            blocks += [({**fixed, "level2": word}, twos.count(word)) for word in words]
        else:
            blocks.append((fixed, len(twos)))
    return blocks


def _carried(sketch: Sketch, rows: list[int], left: int, begins: Sequence[int] = (0,)) -> list[str]:
    """The level word of each line: its own, that of the merged cell it stands in, or the last one above it in its block."""
    words: list[str] = []
    for n, row in enumerate(rows):
        piece = sketch.at[row, left]
        words.append(tidy(piece.text) if not piece.blank else "" if n in begins or not words else words[-1])
    return words


def _level(sketch: Sketch, word: str, level: str) -> str:
    """The canonical word of a level; what is spelt otherwise is noted for the dialect."""
    if not word:
        return ""
    known = sketch.know.level(word, level)
    if known is None:
        sketch.local[word] = OPEN
        sketch.ask(f"“{word}”是哪个{'一' if level == 'level1' else '二'}级指标")
        return ""
    if known != word and not (level == "level2" and sketch.know.level(word, "level1") == word):
        sketch.local[word] = known
    return known


def _goals(sketch: Sketch, row: int) -> int:
    """Goals in lines of their own beside one label: how many rows they take, 0 where there are none."""
    line = sketch.lines[row]
    if len(line) != 2 or line[0].down < 2 or line[1].span + line[0].span != sketch.width or line[1].down > 1:
        return 0
    sense = sketch.know.sense(line[0].text)
    below = [sketch.lines[r] for r in range(row + 1, line[0].area.bottom + 1)]
    if not sense or sense.record != "goals" or any(len(one) != 1 or sketch.know.sense(one[0].text) for one in below):
        return 0
    if sketch.know.sense(line[1].text) or sketch.know.dated(line[1].text) or "goals" in sketch.grids:
        return 0
    number = re.match(r"\s*1\s*([.、．)）]\s?)", line[1].text)
    column = Column("goal", "", line[1].span, numbered=f"{{n}}{number[1]}" if number else "", lines=2)
    sketch.rows.append(Grid("goals", [column], [({}, len(below) + 1)], line[0]))
    horizon = sketch.know.horizon(line[0].text)
    sketch.grids["goals"] = {"goal": Target(sense.to, horizon=horizon if horizon != "annual" else None)}
    return len(below) + 1
