"""The parts of an xlsx: what its sheets hold beside values, and a small package of them for the native reader.

An xlsx is unpacked once, here, and most are read here (`cellxml`). Of any other the native reader gets a package made anew from the
very parts that were inspected, so that it never sees a byte this program has not seen.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from xlgoals.archive import Zip, stored_zip
from xlgoals.cellxml import NotPlain, Texts, plain_texts
from xlgoals.errors import Refused
from xlgoals.formats import codes_of
from xlgoals.limits import Limits
from xlgoals.records import Package, Sheet, State
from xlgoals.respell import rewritten_strings
from xlgoals.safexml import MAIN, RELATIONS, child, is_true, local, parsed, whole
from xlgoals.sheetxml import Scanner, readable

_CELLLESS = ("/chartsheet", "/dialogsheet", "/xlMacrosheet", "/xlIntlMacrosheet")  # sheets that hold no form
_STATES: Mapping[str, State] = {"hidden": "hidden", "veryHidden": "very_hidden"}
_FLAGS: Mapping[str, tuple[str, ...]] = {
    "macros": ("xl/vbaproject", "xl/macrosheets/"),
    "external_links": ("xl/externallinks/",),
    "embedded": ("xl/embeddings/", "xl/activex/"),
    "connections": ("xl/connections.xml", "xl/querytables/"),
    "pictures_in_cells": ("xl/cellimages", "xl/richdata/rdrichvalue"),
}


def inspect_xlsx(zipped: Zip, kind: str, limits: Limits) -> Package:
    """Follow the relationships to every sheet and collect its facts."""
    workbook_part = _target_of(_relations(zipped, "_rels/.rels"), "/officeDocument") or "xl/workbook.xml"
    source = zipped.xml(workbook_part)
    if source.count(b"definedName ") > limits.names * 2:
        raise limits.beyond("names", "定义的名称过多")
    workbook = parsed(source)
    folder, leaf = posixpath.split(workbook_part)
    relations = _relations(zipped, f"{folder}/_rels/{leaf}.rels", folder)
    strings_part, styles_part = _target_of(relations, "/sharedStrings"), _target_of(relations, "/styles")
    styles = zipped.tree(styles_part) if styles_part in zipped else ()
    own = {element.get("numFmtId"): element.get("formatCode", "") for element in child(styles, "numFmts")}
    formats = codes_of([element.get("numFmtId", "0") for element in child(styles, "cellXfs")], own)
    listed = [element for element in child(workbook, "sheets") if local(element) == "sheet"]
    if len(listed) > limits.sheets:
        raise limits.beyond("sheets", f"有 {len(listed)} 张工作表")
    names, own_names = _defined_names(workbook, limits)

    strings = _strings(zipped, strings_part, limits) if strings_part in zipped else b""
    scanner = Scanner(limits, formats, _texts(strings))
    sheets, parts, seen = [], [], set()
    for index, element in enumerate(listed):
        rid = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
        kind_of_sheet, part_name = relations.get(rid, ("", ""))
        name = element.get("name", "")
        if not kind_of_sheet:
            raise Refused("file.damaged", f"找不到工作表“{name[:31]}”的内容")
        if kind_of_sheet.endswith(_CELLLESS):
            continue
        if not kind_of_sheet.endswith("/worksheet"):
            raise Refused("file.damaged", f"工作表“{name[:31]}”的类型不明")
        if part_name in seen:
            raise Refused("file.suspicious", "两张工作表指向同一内部部件")
        seen.add(part_name)
        bare = Sheet(name, state=_STATES.get(element.get("state", ""), "visible"), names=own_names.get(index, {}))
        sheet, part = scanner.sheet(zipped.read(part_name), bare)
        sheets.append(sheet)
        parts.append(part)
    if len({sheet.name.casefold() for sheet in sheets}) != len(sheets):
        raise Refused("file.suspicious", "有同名的工作表")

    dated = any(is_true(element.get("date1904")) for element in workbook if local(element) == "workbookPr")
    return Package(
        kind=kind,
        readable=_readable(parts, strings) if scanner.texts is None else b"",
        sheets=tuple(sheets),
        names=names,
        properties=custom_properties(zipped),
        flags=tuple(sorted(carried(zipped) | scanner.flags)),
        plain_numbers=True,
        date1904=dated,
        modified=modified(zipped),
    )


def _relations(zipped: Zip, name: str, folder: str = "") -> dict[str, tuple[str, str]]:
    """Relationship id -> (type, part name); an external target has no part."""
    if name not in zipped:
        return {}
    found = {}
    for element in zipped.tree(name):
        target = element.get("Target", "")
        part = posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))
        if element.get("TargetMode") == "External":
            part = ""
        elif part.startswith(".."):
            raise Refused("file.suspicious", f"内部链接指向文件之外：{target[:60]}")
        found[element.get("Id", "")] = (element.get("Type", ""), part)
    return found


def _target_of(relations: Mapping[str, tuple[str, str]], ending: str) -> str:
    return next((part for kind, part in relations.values() if kind.endswith(ending)), "")


def _defined_names(workbook: Any, limits: Limits) -> tuple[dict[str, str], dict[int, dict[str, str]]]:
    """The names that hold in the whole workbook, and by sheet those that hold in one."""
    wide: dict[str, str] = {}
    own: dict[int, dict[str, str]] = {}
    for count, element in enumerate(child(workbook, "definedNames"), 1):
        if count > limits.names:
            raise limits.beyond("names", "定义的名称过多")
        scope = element.get("localSheetId")
        names = wide if scope is None else own.setdefault(whole(scope, -1), {})
        names[element.get("name", "")] = element.text or ""
    return wide, own


def custom_properties(zipped: Zip) -> dict[str, str]:
    if "docProps/custom.xml" not in zipped:
        return {}
    return {element.get("name", ""): "".join(element.itertext()) for element in zipped.tree("docProps/custom.xml")}


def modified(zipped: Zip) -> str:
    """When the document was last saved, as it says itself; blank when it does not say."""
    if "docProps/core.xml" not in zipped:
        return ""
    return next((element.text or "" for element in zipped.tree("docProps/core.xml") if local(element) == "modified"), "").strip()


def carried(zipped: Zip) -> set[str]:
    """Name what a workbook carries beside cells: told to the user, never followed."""
    found = {flag for flag, starts in _FLAGS.items() if zipped.any(*starts)}
    links = (name for name in zipped.infos if name.startswith("xl/externallinks/externallink") and name.endswith(".xml"))
    return found | {"dde" for name in links if b"ddeLink" in zipped.xml(name)}


def _readable(sheets: Sequence[Sequence[bytes]], strings: bytes) -> bytes:
    """Make the package that the native reader gets: inspected sheets and strings, and nothing else."""
    doc = "http://schemas.openxmlformats.org/package/2006/relationships"
    listed = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="s{n}"/>' for n in range(1, len(sheets) + 1))
    relations = "".join(f'<Relationship Id="s{n}" Type="{RELATIONS}/worksheet" Target="{n}.xml"/>' for n in range(1, len(sheets) + 1))
    if strings:
        relations += f'<Relationship Id="t" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
    root = f'<Relationship Id="w" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    parts = [
        ("_rels/.rels", f'<Relationships xmlns="{doc}">{root}</Relationships>'.encode()),
        ("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>'.encode()),
        ("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{doc}">{relations}</Relationships>'.encode()),
    ]
    if strings:
        parts.append(("xl/sharedStrings.xml", strings))
    parts += [(f"xl/{number}.xml", readable(part)) for number, part in enumerate(sheets, 1)]
    return stored_zip(parts)


def _texts(strings: bytes) -> Texts | None:
    try:
        return plain_texts(strings) if strings else {}
    except NotPlain:
        return None


def _strings(zipped: Zip, name: str, limits: Limits) -> bytes:
    """Unpack the shared strings, bounded, in the usual spelling."""
    part = zipped.xml(name)
    if b"<sst" not in part[:2000] or (b"!" in part and b"<!" in part) or b":si" in part:
        if len(part) > limits.odd_bytes:
            raise limits.beyond("odd_bytes", "文字内容的写法少见，又过大")
        part = rewritten_strings(part)
    if part.count(b"<si") > limits.strings:
        raise limits.beyond("strings", "文字条目过多")
    if len(part) > limits.text_bytes and max(map(len, part.split(b"</si>"))) > limits.text_bytes:
        raise limits.beyond("text_bytes", "有一个单元格文字过长")
    return part
