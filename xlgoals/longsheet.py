"""Long listings written as bytes into a finished workbook: many times as fast as cell by cell, in the memory of one slice.

xlsxwriter draws the workbook with everything but the rows of its long sheets; here these sheets get their rows and the rest of
the package is copied as it is. Texts stand in their cells (inline), so that nothing has to be remembered over the rows, and so that
no text can become a formula.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple
from xml.sax.saxutils import escape

import polars as pl

from xlgoals.outputs import TEXT_MOST, fit_text
from xlgoals.records import column_name

SLICE = 5_000  # rows turned into XML at a time
ROW = "{row}"  # in a formula: the number of the row it stands in
LEVEL = 1  # of packing: higher ones take several times as long for a tenth of the size
PINNED = (1980, 1, 1, 0, 0, 0)
_AWKWARD = r"[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{fffe}\x{ffff}]"  # what `fit_text` takes care of
_ZIP_MOST = 500_000  # rows that surely make no part of 2 GB, from which on archives need their larger format
_DIMENSION = re.compile(rb'<dimension ref="A1(?::([A-Z]+)[0-9]+)?"/>')


class Look(NamedTuple):
    """How a column of a long sheet is written: the number of its cell style, whether it holds text, and the formula that carries its
    figures, in which `ROW` stands for the number of the row."""

    style: int
    text: bool = False
    formula: str = ""


class Rows(NamedTuple):
    """What comes at the end of a sheet: its rows in slices, and the number of the last one as people count."""

    slices: Iterable[bytes]
    last: int


def rows_xml(
    frame: pl.DataFrame, looks: Mapping[str, Sequence[Look]], first: int, cut: str, *, kinds: pl.Series | None = None, tags: pl.Series | None = None
) -> Iterator[bytes]:
    """The rows of a sheet, in slices, the first of them in the zero-based row `first`. Null and empty text leave a blank cell;
    `cut` marks a text that is longer than a cell holds. `kinds`: which of the looks each row has, else the one named ""; `tags`:
    further attributes of each row, with a space behind them."""
    for at in range(0, frame.height, SLICE):
        part = frame.slice(at, SLICE)
        numbers = pl.int_range(first + at + 1, first + at + 1 + part.height, dtype=pl.Int64, eager=True).cast(pl.String).alias("row")
        starts = pl.DataFrame([numbers, pl.repeat("", part.height, eager=True).alias("tags") if tags is None else tags.slice(at, SLICE).alias("tags")])
        if kinds is None:
            written = _written_rows(part, starts, looks[""], cut)
        else:
            own, place = kinds.slice(at, SLICE), pl.int_range(part.height, eager=True)
            some = [(own == kind, looks[kind]) for kind in own.unique(maintain_order=True)]
            texts = pl.concat([_written_rows(part.filter(mine), starts.filter(mine), look, cut) for mine, look in some])
            written = texts.gather(pl.concat([place.filter(mine) for mine, _ in some]).arg_sort())
        yield written.str.join("").cast(pl.Binary).item()


def _written_rows(part: pl.DataFrame, starts: pl.DataFrame, looks: Sequence[Look], cut: str) -> pl.Series:
    """Each row as XML; `starts` tells its number and its further attributes."""
    row = pl.col("row")
    columns = [_written(values, look.text, cut).alias(f"c{col}") for col, (values, look) in enumerate(zip(part, looks, strict=True))]
    pieces: list[str | pl.Expr] = ["<row ", pl.col("tags"), 'r="', row, '">']
    for col, (values, look) in enumerate(zip(columns, looks, strict=True)):
        held, style = pl.col(values.name), f'" s="{look.style}"'
        pieces += [f'<c r="{column_name(col)}', row]
        if look.formula:  # one that gives no number gives an empty text
            pieces.append(pl.when(held.is_null()).then(pl.lit(f'{style} t="str"><f>')).otherwise(pl.lit(f"{style}><f>")))
            before, *others = escape(look.formula.removeprefix("=")).split(ROW)
            pieces.append(before)
            for piece in others:
                pieces += [row, piece]
            pieces += ["</f><v>", held.fill_null(""), "</v></c>"]
            continue
        opened = f'{style} t="inlineStr"><is><t xml:space="preserve">' if look.text else f"{style}><v>"
        closed = "</t></is></c>" if look.text else "</v></c>"
        if values.null_count():
            pieces.append(pl.when(held.is_null()).then(pl.lit(f"{style}/>")).otherwise(pl.lit(opened) + held + pl.lit(closed)))
        else:
            pieces += [opened, held, closed]
    return pl.DataFrame([*starts, *columns]).select(pl.concat_str(_merged([*pieces, "</row>"]))).to_series()


def _merged(pieces: Iterable[str | pl.Expr]) -> list[pl.Expr]:
    """Expressions to be joined, constant words that follow each other in one."""
    found: list[pl.Expr] = []
    words = ""
    for piece in pieces:
        if isinstance(piece, str):
            words += piece
        else:
            found += [pl.lit(words), piece]
            words = ""
    return [*found, pl.lit(words)]


def _written(values: pl.Series, text: bool, cut: str) -> pl.Series:
    """What stands in the cells of a column as XML, null where they are blank."""
    texts = values.cast(pl.String)
    if not text:
        return texts
    if texts.str.contains(_AWKWARD).any() or (texts.str.len_bytes().max() or 0) > TEXT_MOST // 2:  # type: ignore[operator]
        texts = pl.Series(texts.name, [None if one is None else fit_text(one, cut) for one in texts], dtype=pl.String)
    if texts.str.contains("[&<>]").any():
        texts = texts.str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
    if (texts == "").any():
        texts = texts.to_frame("text").select(pl.when(pl.col("text") != "").then("text")).to_series()
    return texts


def insert(package: IO[bytes], path: Path, rows: Mapping[str, Rows]) -> None:
    """Write a package to a file, with further rows at the end of the sheets named by their parts."""
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(path, "w") as target:
        for info in source.infolist():
            part, own = source.read(info), rows.get(info.filename)
            whole = zipfile.ZipInfo(info.filename, PINNED)
            whole.compress_type = zipfile.ZIP_DEFLATED
            if own is None:
                target.writestr(whole, part)
                continue
            whole._compresslevel = LEVEL  # type: ignore[attr-defined]
            part = _DIMENSION.sub(rb'<dimension ref="A1:\g<1>%d"/>' % own.last, part, count=1)
            at = part.index(b"</sheetData>")
            with target.open(whole, "w", force_zip64=own.last > _ZIP_MOST) as sheet, ThreadPoolExecutor(1) as packer:
                waiting = packer.submit(sheet.write, part[:at])
                for one in own.slices:  # one slice is packed while the next is made
                    waiting.result()
                    waiting = packer.submit(sheet.write, one)
                waiting.result()
                sheet.write(part[at:])
