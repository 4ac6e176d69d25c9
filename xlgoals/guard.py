"""The gate before any native reader: what the bytes are, and whether they may be read."""

from __future__ import annotations

from xlgoals.archive import Zip
from xlgoals.errors import Refused
from xlgoals.limits import Limits
from xlgoals.ods import MIMETYPE, inspect_ods
from xlgoals.records import Package
from xlgoals.stamp import LIST_PART, MARKED_PROPERTY, OUTPUT_PROPERTY
from xlgoals.xls import SIGNATURE, Ole, inspect_ole
from xlgoals.xlsb import inspect_xlsb
from xlgoals.xlsx import custom_properties, inspect_xlsx

HEADS = (b"PK", SIGNATURE)  # how the bytes of a workbook may begin
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF 文件"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"\x1f\x8b", "gzip 压缩包"),
    (b"\xff\xd8\xff", "JPEG 图片"),
    (b"\x89PNG", "PNG 图片"),
    (b"{\\rtf", "RTF 文档"),
)


def inspect(data: bytes, limits: Limits | None = None) -> Package:
    """Tell what a file is and collect its facts, or raise `Refused` with the code of the finding that says why not."""
    limits = limits or Limits()
    if not data:
        raise Refused("file.empty")
    if len(data) > limits.file_bytes:
        raise limits.beyond("file_bytes", "文件过大")
    if data.startswith(SIGNATURE):
        return inspect_ole(data, limits)
    if not data.startswith(b"PK"):
        raise Refused("file.not_workbook", _what_is(data))
    zipped = Zip(data, limits)
    kind = _kind(zipped)
    if kind == "ods":
        return inspect_ods(zipped, limits)
    if kind == "xlsb":
        return inspect_xlsb(zipped, limits)
    if kind:
        return inspect_xlsx(zipped, kind, limits)
    folders = (("word/", "Word 文档"), ("ppt/", "演示文稿"), ("meta-inf/", "OpenDocument 文档，但不是表格"))
    raise Refused("file.not_workbook", next((what for folder, what in folders if zipped.any(folder)), "压缩包（zip），请先解压"))


def is_workbook(data: bytes, limits: Limits | None = None) -> bool:
    """Whether these bytes are a workbook of any kind, told without reading it."""
    try:
        if data.startswith(SIGNATURE):
            return bool({"workbook", "book", "encryptedpackage"} & Ole(data).names())
        return data.startswith(b"PK") and _kind(Zip(data, limits or Limits())) != ""
    except Refused:
        return False


def is_output(data: bytes) -> bool:
    """Whether these bytes are one of our own outputs."""
    return _bears(data, OUTPUT_PROPERTY)


def is_marked(data: bytes) -> bool:
    """Whether these bytes are a return that went back with marks, or its list of problems."""
    return _bears(data, MARKED_PROPERTY)


def is_untouched(data: bytes) -> bool:
    """Whether a return that went back is as we wrote it: every program that saves a workbook names its parts anew."""
    try:
        return Zip(data, Limits()).any(LIST_PART.partition("{")[0].lower())
    except Refused:
        return False


def _bears(data: bytes, name: str) -> bool:
    try:
        return name in custom_properties(Zip(data, Limits()))
    except Refused:
        return False


def _kind(zipped: Zip) -> str:
    if "xl/workbook.bin" in zipped:
        return "xlsb"
    if zipped.any("xl/"):
        return "xlsm" if "xl/vbaproject.bin" in zipped else "xlsx"
    if "mimetype" in zipped and zipped.read("mimetype")[:60].strip() in (MIMETYPE, MIMETYPE + b"-template"):
        return "ods"
    return ""


def _what_is(data: bytes) -> str:
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            return what
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<html", b"<!doctype html", b"<table")) or b"<html" in head:
        return "网页（HTML），只是扩展名像工作簿"
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
        return "Excel 2003 XML 表格"
    if head.startswith(b"<?xml"):
        return "XML 文件"
    if b"\0" not in head and not any(byte < 9 for byte in head):
        return "文本文件（如 CSV）"
    return "无法识别的内容"
