"""What was read, kept in one file beside the summary: for the rest of this run, and so that the next need not read it again.

An SQLite file of what workers answered, in pieces of a few dozen workbooks. A workbook is known by its name, the hash of all its
bytes, and the circumstances of reading (program, spec files, what the caller said): not by its date, which anybody can set. The
file is a cache and never the only place of anything: deleted, damaged or in use by another run, it is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import sqlite3
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import polars as pl

from xlgoals import __version__
from xlgoals.errors import OutputError
from xlgoals.sources import STATE, Source, opened
from xlgoals.spec import data_folder
from xlgoals.tables import BATCH, SCHEMAS, Tables

_TABLES = """
create table if not exists piece (id integer not null, name text not null, packed blob not null, crc integer not null, primary key (id, name));
create table if not exists workbook (key text primary key, piece integer not null, output integer not null, problems integer not null);
"""


class Piece(NamedTuple):
    """What a worker answers for some files: their tables, packed; the hash of each that it could read; which of them are our own
    outputs; how many problems it found."""

    tables: Mapping[str, bytes]
    hashes: Mapping[str, str] = {}
    outputs: tuple[str, ...] = ()
    problems: int = 0


class Store:
    """Pieces of tables, and which workbook is in which. Without a path, or where the file is in use, it lasts as long as the run."""

    def __init__(self, path: Path | None, circumstances: str) -> None:
        self.circumstances = circumstances
        self.pieces: dict[str, int] = {}  # name of a workbook -> the piece it is in
        self.outputs: set[str] = set()
        self.problems = 0
        self._stale: set[int] = set()  # pieces that also hold what is no longer so
        self._lone: Any = None
        try:
            self._base = _opened(path or self._alone())
        except sqlite3.OperationalError:  # another run has it, or nothing can be written here
            self._base = _opened(self._alone())
        except sqlite3.DatabaseError:  # damaged
            assert path is not None
            path.unlink()
            self._base = _opened(path)

    def _alone(self) -> Path:
        self._lone = tempfile.TemporaryDirectory(prefix="xlgoals-")
        return Path(self._lone.name) / STATE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(sqlite3.Error):
            if kind is None and not self._lone:
                self._forget()
            self._base.commit()
        self._base.close()
        if self._lone:
            self._lone.cleanup()

    # --- what was read before

    def known(self, sources: Sequence[Source], on_new: Callable[[], None] = lambda: None) -> list[Source]:
        """Recognise the workbooks that were read before, and give the others, which are to be read; `on_new` is called at the first of
        them, while the rest is still looked at."""
        held: dict[str, tuple[int, bool, int]] = {}
        for key, *told in self._base.execute("select key, piece, output, problems from workbook"):
            held[key] = told[0], bool(told[1]), told[2]
        if not held:
            return list(sources)
        keys: dict[str, str] = {}
        new = False
        with ThreadPoolExecutor(4) as threads:
            for one, content in zip(sources, threads.map(_hashed, sources), strict=True):
                keys[one.name] = self._key(one.name, content)
                if not new and keys[one.name] not in held:
                    new = True
                    on_new()
        here = Counter(held[key][0] for key in keys.values() if key in held)
        every = Counter(piece for piece, _, _ in held.values())
        useful = self._sound({piece for piece, count in here.items() if 2 * count >= every[piece]})
        self._stale = {piece for piece in useful if here[piece] < every[piece]}
        rest = []
        for one in sources:
            piece, output, problems = held.get(keys[one.name], (-1, False, 0))
            if piece not in useful:
                rest.append(one)
            elif output:
                self.outputs.add(one.name)
            else:
                self.pieces[one.name] = piece
                self.problems += problems
        return rest

    def _key(self, name: str, content: str) -> str:
        """What a workbook is known by, from the hash of its bytes; one that could not be opened by nothing."""
        return hashlib.sha256("\0".join((self.circumstances, name, content)).encode("utf-8", "surrogatepass")).hexdigest() if content else ""

    def _sound(self, pieces: Collection[int]) -> set[int]:
        """The pieces that are whole, of those asked for."""
        found = Counter[int]()
        for number in pieces:
            for packed, crc in self._base.execute("select packed, crc from piece where id = ?", (number,)):
                found[number] += zlib.crc32(packed) == crc
        return {number for number, count in found.items() if count == len(SCHEMAS)}

    def keep(self, sources: Sequence[Source], answer: Piece) -> None:
        """Take up what was read. The next run will know those workbooks again whose bytes are still those that were read."""
        try:
            self._keep(sources, answer)
        except sqlite3.OperationalError as error:
            raise OutputError(f"读过的内容记不下来（{error}），没有写出汇总。请检查磁盘空间后重试。") from error

    def _keep(self, sources: Sequence[Source], answer: Piece) -> None:
        ((number,),) = self._base.execute("select coalesce(max(id), 0) + 1 from piece")
        parts = [(number, name, packed, zlib.crc32(packed)) for name, packed in answer.tables.items()]
        self._base.executemany("insert into piece values (?, ?, ?, ?)", parts)
        for one in sources:
            output = one.name in answer.outputs
            if output:
                self.outputs.add(one.name)
            else:
                self.pieces[one.name] = number
            if content := answer.hashes.get(one.name):
                told = self._key(one.name, content), number, output, answer.problems // len(sources)
                self._base.execute("insert or replace into workbook values (?, ?, ?, ?)", told)
        self.problems += answer.problems
        self._base.commit()

    # --- what was read

    def frame(self, name: str, pieces: Iterable[int]) -> pl.DataFrame:
        """One table of some pieces, with all rows that stand in them."""
        frames = [pl.DataFrame(schema=SCHEMAS[name])]
        for number in pieces:
            for (packed,) in self._base.execute("select packed from piece where id = ? and name = ?", (number, name)):
                frames.append(pl.read_ipc_stream(io.BytesIO(packed)))
        return pl.concat(frames)

    def by_piece(self, *names: str) -> Iterator[tuple[pl.DataFrame, ...]]:
        """Some tables of all workbooks, piece by piece: never those of many at once."""
        own: dict[int, list[str]] = {}
        for name, piece in self.pieces.items():
            own.setdefault(piece, []).append(name)
        for piece, files in own.items():
            returns = self.frame("returns", [piece]).filter(pl.col("file").is_in(files))
            frames = {"returns": returns}
            for name in names:
                if name in BATCH:
                    frames[name] = self.frame(name, [piece]).filter(pl.col("file").is_in(files))
                elif name != "returns":
                    frames[name] = self.frame(name, [piece]).join(returns, on="rid", how="semi", maintain_order="left")
            yield tuple(frames[name] for name in names)

    def tables(self, names: Sequence[str]) -> Tables:
        """The tables of some workbooks, in the order given."""
        wanted = set(names)
        own: dict[int, list[str]] = {self.pieces[name]: [] for name in names if name in self.pieces}
        whole = dict.fromkeys(own, True)
        for name, piece in self.pieces.items():
            if name in wanted:
                own[piece].append(name)
            elif piece in own:
                whole[piece] = False
        parts: dict[str, list[pl.DataFrame]] = {name: [pl.DataFrame(schema=schema)] for name, schema in SCHEMAS.items()}
        for piece, files in own.items():
            # a piece may hold other workbooks too, and older states of these: rows are asked for by piece, never by name alone
            returns = self.frame("returns", [piece]).filter(pl.col("file").is_in(files))
            for name in SCHEMAS:
                frame = returns if name == "returns" else self.frame(name, [piece])
                if name in BATCH:
                    frame = frame.filter(pl.col("file").is_in(files))
                elif name != "returns" and not (whole[piece] and piece not in self._stale):
                    frame = frame.join(returns, on="rid", how="semi", maintain_order="left")
                parts[name].append(frame)
        found = {name: pl.concat(frames) for name, frames in parts.items()}
        order = pl.DataFrame({"file": names, "place": range(len(names))}, schema={"file": pl.String(), "place": pl.Int64()})
        for name in ("returns", "findings"):
            found[name] = found[name].join(order, on="file", maintain_order="left").sort("place", maintain_order=True).drop("place")
        return Tables(**found)

    def answers(self, place: Mapping[str, int]) -> pl.DataFrame:
        """What units answered, in all workbooks, in the order of these: of two answers to one question the first counts."""
        found = pl.concat([pl.DataFrame(schema=SCHEMAS["answers"]), *(frame for (frame,) in self.by_piece("answers") if frame.height)])
        return found.sort(pl.col("file").replace_strict(place, default=len(place), return_dtype=pl.Int64), maintain_order=True)

    def _forget(self) -> None:
        """Drop the pieces that this run had no use for."""
        used = set(self.pieces.values())
        held = {piece for (piece,) in self._base.execute("select piece from workbook where not output")}
        if gone := [(piece,) for piece in held - used]:
            self._base.executemany("delete from workbook where piece = ?", gone)
        lasting = "select piece from workbook"
        self._base.execute(f"delete from piece where id not in ({lasting})")
        self._base.commit()
        if gone:
            self._base.execute("vacuum")


def _hashed(source: Source) -> str:
    try:
        with opened(source) as file:
            found = hashlib.sha256()
            while part := file.read(1 << 20):
                found.update(part)
            return found.hexdigest()
    except OSError:
        return ""


def _opened(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=0.2)
    try:
        base.execute("pragma locking_mode = exclusive")  # two runs at once: the second one works without
        base.execute("pragma synchronous = off")
        base.executescript(_TABLES)
        base.execute("delete from workbook where key = ''")  # takes the lock
        base.commit()
    except sqlite3.Error:
        base.close()
        raise
    return base


def circumstances(forms_dirs: Iterable[str], *told: object) -> str:
    """A hash of everything but the workbooks that what is read depends on: the program, its native readers, the spec files, what the
    caller said (for whom it counts, within which limits, with which key stamps are signed)."""
    readers = [version(name) for name in ("python-calamine", "lxml")]
    found = hashlib.sha256(repr((__version__, readers, told)).encode("utf-8", "surrogatepass"))
    folders = [Path(__file__).parent, data_folder("templates"), data_folder("mappings"), *map(Path, forms_dirs)]
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".yaml", ".yml")):
            found.update(path.name.encode("utf-8", "surrogatepass"))
            found.update(path.read_bytes())
    return found.hexdigest()
