"""What a file may ask of us: settings with defaults that no honest form comes near."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from xlgoals.errors import Fault, InputError, Mistake, Refused, SpecError
from xlgoals.models import Model
from xlgoals.specfile import modelled
from xlgoals.yamlmark import load_marked

ROWS_MOST, COLUMNS_MOST = 1_048_576, 16_384  # what a sheet has
SIZES = {"": 0, "KB": 10, "MB": 20, "GB": 30}  # what may stand behind a size, and by how many bits it is more


def _size(value: object) -> object:
    """Bytes of what people write: 80 MB, 2GB, 1048576."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([0-9]{1,9})\s*([KMG]B)?", value.strip(), re.IGNORECASE)
    if not found:
        raise ValueError(f"大小应写成 80 MB、2 GB 这样，现在是“{value}”")
    return int(found[1]) << SIZES[(found[2] or "").upper()]


Count = Annotated[int, Field(ge=1)]
Size = Annotated[int, BeforeValidator(_size), Field(ge=1)]


class Limits(Model):
    """What a workbook may ask of us. Forms are small: the largest real ones stay below a tenth of each limit. Sizes are in bytes."""

    file_bytes: Size = 50 << 20
    archive_bytes: Size = 4 << 30  # all files of one zip archive together
    parts: Count = 3_000
    part_bytes: Size = 64 << 20
    unpacked_bytes: Size = 100 << 20
    ratio: Count = 150  # unpacked to packed, asked only of what unpacks to more than ratio_from
    ratio_from: Size = 8 << 20
    odd_bytes: Size = 16 << 20  # a part in an unusual spelling is rewritten as a whole, which takes more memory
    sheets: Count = 500
    cells: Count = 300_000  # that hold something
    area: Count = 2_000_000  # rows times columns, all sheets together: what a dense reader lays out in memory
    strings: Count = 200_000
    text_bytes: Size = 160_000  # of one cell; Excel's own limit is 32,767 characters
    names: Count = 20_000
    merges: Count = 50_000
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 30.0  # for one file
    memory: Annotated[Size, Field(ge=1 << 30)] = 4 << 30  # address space of a worker process; with less none could start

    def beyond(self, name: str, what: str) -> Refused:
        """The refusal of a file that goes beyond a limit, telling the limit by the name that it is set by."""
        return Refused("file.suspicious" if name == "ratio" else "file.too_large", f"{what}；{self.told(name)}")

    def told(self, name: str) -> str:
        """A limit as the bureau sees it: what it is now, and how it is raised."""
        most = getattr(self, name)
        if name in ("memory", "ratio_from") or name.endswith("_bytes"):
            unit = next(unit for unit, bits in reversed(SIZES.items()) if most >= 1 << bits)
            shown = f"{most / (1 << SIZES[unit]):.4g} {unit or 'B'}"
        else:
            shown = f"{most:g} 秒" if name == "seconds" else str(most)
        return f"上限 {shown}，由设置 {name} 定"


def load_limits(path: Path) -> Limits:
    """The limits that a file sets, the others as they are; raises InputError with every mistake in it."""
    mistakes: list[Mistake] = []
    try:
        limits = modelled(Limits, load_marked(path), mistakes)
    except SpecError as error:
        limits, mistakes = None, list(error.mistakes)
    except OSError as error:
        raise InputError([Fault(str(path), f"打不开（{error.strerror or error}），请检查路径。")]) from error
    if limits is None:
        raise InputError([Fault(f"{one.file}:{one.line}", one.text) for one in sorted(mistakes)])
    return limits
