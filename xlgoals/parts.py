"""A frame too large to hold: parts on disk that are read one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

SLICE = 20_000  # rows looked at at a time


@dataclass(frozen=True, slots=True)
class Parts:
    """A frame as Parquet files, in their order; all have the columns of the first."""

    paths: tuple[Path, ...]
    height: int

    @property
    def columns(self) -> list[str]:
        return list(pl.read_parquet_schema(self.paths[0]))


Frame = pl.DataFrame | Parts


def changed(frame: Frame, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Frame:
    """The frame with every row changed by itself, part by part; parts are written anew beside the old ones."""
    if isinstance(frame, pl.DataFrame):
        return change(frame)
    paths = []
    for path in frame.paths:
        paths.append(path.with_name(f"changed-{path.name}"))
        change(pl.read_parquet(path)).write_parquet(paths[-1], compression="lz4")
    return Parts(tuple(paths), frame.height)


def slices(frame: Frame, rows: int = SLICE) -> Iterator[pl.DataFrame]:
    """The rows of a frame in their order, never many at once; a frame without rows gives one empty slice."""
    if isinstance(frame, pl.DataFrame):
        yield from (frame.slice(at, rows) for at in range(0, max(frame.height, 1), rows))
        return
    some = False
    for path in frame.paths:
        whole = pl.read_parquet(path)
        if whole.height or (not some and path == frame.paths[-1]):
            some = True
            yield from slices(whole, rows)
