from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.case_format import CaseError, Section, read_case, to_path, unescape

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str) -> Path:
    path = folder / "case.txt"
    path.write_text(text, "utf-8")
    return path


def test_a_case_is_prose_then_steps_of_sections(tmp_path: Path) -> None:
    text = "What it shows.\n\n-- file a.md\n---\n\ntext\n\n-- missing\nb\n\n== a step\n-- edit a.md\n- text\n+ other\n"
    first, second = read_case(write(tmp_path, text)).steps
    assert first.deeds == [Section("file", "a.md", "---\n\ntext\n", 3)]
    assert first.checks == [Section("missing", "", "b\n", 8)]
    assert (second.title, second.deeds) == ("a step", [Section("edit", "a.md", "- text\n+ other\n", 12)])


def test_a_list_without_lines_is_not_a_list_that_is_absent(tmp_path: Path) -> None:
    step = read_case(write(tmp_path, "Shows.\n-- rendered\n")).steps[0]
    assert step.listed("rendered") == []
    assert step.listed("stays") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-- file a\n", "line 1: say first what the case shows"),
        ("Shows.\n-- fiel a\n", "line 2: no section is called 'fiel'"),
        ("Shows.\n== step\nstray\n", "line 2: a step begins with a section"),
    ],
)
def test_what_does_not_follow_the_format_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CaseError, match=message):
        read_case(write(tmp_path, text))


def test_edits_pair_old_lines_with_new_ones() -> None:
    edit = Section("edit", "a", "- one\n- two\n+ three\n- four\n- \n", 1)
    assert edit.replacements() == [("one\ntwo\n", "three\n"), ("four\n\n", "")]


@pytest.mark.parametrize("text", ["+ new\n", "old\n", ""])
def test_an_edit_without_old_lines_is_refused(text: str) -> None:
    with pytest.raises(CaseError, match="line 7"):
        Section("edit", "a", text, 7).replacements()


def test_escapes_stand_for_bytes() -> None:
    assert unescape(r"\xef\xbb\r\n\t\0\\n é \q") == b"\xef\xbb\r\n\t\0\\n \xc3\xa9 \\q"
    assert to_path(r"e\xcc\x81") == "e\u0301"
