"""Workbooks as the tests' second reader (openpyxl) opens them."""

from __future__ import annotations

import io
import pickle
from functools import lru_cache
from pathlib import Path
from unittest import mock

import openpyxl
from openpyxl.workbook import Workbook
from openpyxl.worksheet.merge import MergedCellRange


def opened(source: bytes | Path) -> Workbook:
    """A workbook to look at or to change: each is opened once, and whoever asks gets a copy of his own, in a tenth of the time."""
    book: Workbook = pickle.loads(_opened(source if isinstance(source, bytes) else source.read_bytes()))
    for page in book.worksheets:  # what makes a row or column that was not told of yet: a pickle does not keep it
        page.row_dimensions.default_factory, page.column_dimensions.default_factory = page._add_row, page._add_column
    return book


@lru_cache(maxsize=16)
def _opened(data: bytes) -> bytes:
    return pickle.dumps(openpyxl.load_workbook(io.BytesIO(data)), pickle.HIGHEST_PROTOCOL)


def plainly(source: bytes | Path, *, data_only: bool = False) -> Workbook:
    """A workbook whose values are looked at: most of the time of opening one goes into the borders of its merged cells."""
    with mock.patch.object(MergedCellRange, "format", lambda area: None):
        return openpyxl.load_workbook(io.BytesIO(source) if isinstance(source, bytes) else source, data_only=data_only)


def saved(book: Workbook) -> bytes:
    """A workbook as openpyxl writes it."""
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
