"""`[[name key="v" key='v' key=v]]`: what is a macro call, what it says, and what is left to Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.body import Macro
from blogd.render.macro_syntax import CALL, is_only_calls, read_call


def read(text: str) -> Macro | None:
    call = CALL.fullmatch(text)
    return call and read_call(call, block=True, line=7)


def test_a_call_keeps_how_it_was_written_and_where() -> None:
    source = "[[YouTube id=abc]]"
    assert read(source) == Macro("youtube", {"id": "abc"}, source, block=True, line=7)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", {}),
        (' a="b c"', {"a": "b c"}),
        (" a='b \"c\"'", {"a": 'b "c"'}),
        (" a=b/c?d=e", {"a": "b/c?d=e"}),
        ("\ta=1\n b=2 ", {"a": "1", "b": "2"}),
        (" a=1 A=2 a=3", {"a": "3", "A": "2"}),
        (" a= b=''", {"a": "", "b": ""}),
        (" a-b=ü", {"a-b": "ü"}),
        (' a="[[b"', {"a": "[[b"}),
    ],
)
def test_parameters(parameters: str, expected: dict[str, str]) -> None:
    call = read(f"[[m{parameters}]]")
    assert call is not None
    assert call.params == expected


@pytest.mark.parametrize(
    "text",
    [
        *("[[]]", "[[ m]]", "[[m-n]]", "[[two words]]", "[[m a]]", "[[m =b]]", "[[m a = b]]", "[[m a=[b]]", "[[m,]]"),
        *('[[m a="b]]', "[[m a='b]]", '[[m a="b"c]]', '[[m a="]"]]', "[m]", "[[m]", "[[m\\]]"),
    ],
)
def test_what_does_not_follow_the_syntax_is_no_call(text: str) -> None:
    assert CALL.search(text) is None


def test_a_link_with_a_bracketed_word_is_no_call() -> None:
    assert CALL.match("[[1]](https://example.com)") is None
    assert CALL.match("[[1]][ref]") is None


def test_calls_may_stand_side_by_side() -> None:
    assert [call[1] for call in CALL.finditer("[[a]][[b]] [[c]]")] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "alone"),
    [("[[a]]", True), ("[[a]]\n[[b c=d]] [[e]]", True), ("[[a]] b", False), ("a [[b]]", False), ("", False)],
)
def test_a_text_of_nothing_but_calls(text: str, *, alone: bool) -> None:
    assert is_only_calls(text) is alone


_VALUES = st.text(st.characters(exclude_characters="[]\"'", exclude_categories=["Cs"]))


@given(st.dictionaries(st.from_regex(r"[\w-]{1,8}", fullmatch=True), _VALUES))
def test_quoted_values_come_back_as_they_are(params: dict[str, str]) -> None:
    for quote in ("'", '"'):
        call = read("".join(["[[m", *(f" {key}={quote}{value}{quote}" for key, value in params.items()), "]]"]))
        assert call is not None
        assert call.params == params
