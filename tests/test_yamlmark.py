"""Strict YAML: text stays text, lines are kept, all mistakes come at once."""

from __future__ import annotations

import pytest

from xlgoals.errors import Mistake, SpecError
from xlgoals.yamlmark import load_marked, parse_marked


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(SpecError) as caught:
        parse_marked(text, "a.yaml")
    assert all(one.file == "a.yaml" for one in caught.value.mistakes)
    return [(one.line, one.text) for one in caught.value.mistakes]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("012", "012"), ("0x1F", "0x1F"), ("1:30", "1:30"), ("2025-01-01", "2025-01-01"),
        ("1e3", "1e3"), ("3.10", "3.10"), ("1_000", "1_000"), ("true", "true"), (".inf", ".inf"), ("'null'", "null"), ('""', ""), ("=", "="),
        ("<<", "<<"),
    ],
)  # fmt: skip
def test_every_scalar_is_text(written: str, text: str) -> None:
    assert parse_marked(f"a: {written}", "a.yaml").data == {"a": text}


@pytest.mark.parametrize("written", ["", "~", "null", "Null"])
def test_nothing_is_none(written: str) -> None:
    assert parse_marked(f"a: {written}", "a.yaml").data == {"a": None}


def test_empty_file_is_none() -> None:
    assert parse_marked("", "a.yaml").data is None
    assert parse_marked("# only words\n", "a.yaml").data is None


def test_keys_are_text_too() -> None:
    assert parse_marked("no: 1\n012: 2\n", "a.yaml").data == {"no": "1", "012": "2"}


def test_lines_of_paths() -> None:
    marked = parse_marked("a:\n  - x\n  - b: 1\n    c: {d: 2}\n", "a.yaml")
    assert marked.line(("a", 1, "c", "d")) == 4
    assert marked.line(("a", 0)) == 2
    assert marked.line(("a", 1, "nowhere", "deeper")) == 3, "an unknown part is told at what is known of its path"
    assert marked.line(("a", "cells", 1, "b")) == 3, "a model's union tag is no part of the file"
    assert marked.mistake(("a", 1, "b"), "错") == Mistake("a.yaml", 3, "错")


def test_duplicate_keys_and_odd_keys_come_together() -> None:
    text = "a: 1\nb: {c: 1, c: 2}\na: 2\n[x, y]: 3\nd:\n  - e: 1\n    e: 1\n"
    assert mistakes(text) == [
        (2, "键“c”重复，请删去一个"), (3, "键“a”重复，请删去一个"), (4, "键必须是文字"), (7, "键“e”重复，请删去一个")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [1, 2\nb: 3\n", 2), ("a: 1\n b: 2\n", 2), ("a: '1\n", 2), ("a: 1\n\tb: 2\n", 2), ("a: *x\n", 1), ("a: b: c\n", 1), ("a: 1\n---\nb: 2\n", 2)],
)
def test_bad_yaml_is_one_mistake_with_its_line(text: str, line: int) -> None:
    ((at, told),) = mistakes(text)
    assert "不是合法的 YAML" in told and "请检查" in told
    assert at == line


def test_anchors_do_not_blow_up_or_hide() -> None:
    assert parse_marked("a: &x {b: 1}\nc: *x\n", "a.yaml").data == {"a": {"b": "1"}, "c": {"b": "1"}}


def test_a_circle_of_anchors_is_a_mistake() -> None:
    assert "圈" in mistakes("a: &x\n  b: *x\n")[0][1]


def test_a_file_that_is_no_utf8_is_a_mistake(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "gbk.yaml"
    path.write_bytes("form: 表样".encode("gbk"))
    with pytest.raises(SpecError, match="UTF-8"):
        load_marked(path)


def test_a_mark_of_byte_order_is_no_content(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfform: a\n")
    assert load_marked(path).data == {"form": "a"}
    assert load_marked(path).file == "bom.yaml"
