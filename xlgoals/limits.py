"""What a file may ask of us."""

from __future__ import annotations

from dataclasses import dataclass

ROWS_MOST, COLUMNS_MOST = 1_048_576, 16_384  # what a sheet has


@dataclass(frozen=True, slots=True)
class Limits:
    """What a workbook may ask of us. Forms are small: the largest real ones stay below a tenth of each limit."""

    file_bytes: int = 50 << 20
    archive_bytes: int = 4 << 30  # all files of one zip archive together
    parts: int = 3_000
    part_bytes: int = 64 << 20
    unpacked_bytes: int = 100 << 20
    ratio: int = 150  # unpacked to packed, asked only of what unpacks to more than ratio_from
    ratio_from: int = 8 << 20
    odd_bytes: int = 16 << 20  # a part in an unusual spelling is rewritten as a whole, which takes more memory
    sheets: int = 500
    cells: int = 300_000  # that hold something
    area: int = 2_000_000  # rows times columns, all sheets together: what a dense reader lays out in memory
    strings: int = 200_000
    text_bytes: int = 160_000  # of one cell; Excel's own limit is 32,767 characters
    names: int = 20_000
    merges: int = 50_000
    seconds: float = 30.0  # for one file
    memory: int = 4 << 30  # address space of a worker process
