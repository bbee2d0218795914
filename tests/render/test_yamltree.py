from __future__ import annotations

from typing import cast

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from blogd.render.diagnostic import Diagnostic, SourceError
from blogd.render.simpleyaml import read_simple
from blogd.render.source import Source
from blogd.render.yamltree import MAX_DEPTH, Value, read_tree


def read(text: str) -> dict[str, Value]:
    return {key: field.value for key, field in read_tree(Source("x", f"---\n{text}")).fields.items()}


def refusal(text: str) -> Diagnostic:
    with pytest.raises(SourceError) as caught:
        read(text)
    return caught.value.diagnostic


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("2019", "2019"), ("Yes", "Yes"), ("012", "012"), ("1_000", "1_000"), ("12:30:45", "12:30:45")),
        *(("1.10", "1.10"), ("0x1F", "0x1F"), ("2016-03-09", "2016-03-09"), (".inf", ".inf"), ("=", "=")),
        *(("''", ""), ("'null'", "null"), ('"~"', "~"), ("null", None), ("~", None), ("", None)),
        *(("!!int 7", "7"), ("!!str null", "null"), ("!thing x", "x"), ("!!python/name:os.system x", "x")),
        *(("[a, [b], {c: d}]", ("a", ("b",), {"c": "d"})), ("|\n one\n two", "one\ntwo\n"), (">\n a\n b", "a b\n")),
        *(("[]", ()), ("{? [a] : b, c: d}", {"c": "d"}), ('"a\\tb"', "a\tb"), ("a\n b", "a b")),
    ],
)
def test_values_are_what_was_written(written: str, value: Value) -> None:
    assert read(f"key: {written}\n") == {"key": value}


def test_tags_construct_nothing() -> None:
    assert read("a: !!python/object/apply:os.system ['exit 1']\n") == {"a": ("exit 1",)}


def test_an_alias_shares_its_value_so_that_a_bomb_stays_small() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 100)]
    bomb = read("\n".join(lines))
    assert isinstance(bomb["a99"], tuple)
    assert len({id(item) for item in bomb["a99"]}) == 1


@pytest.mark.parametrize("text", ["a: *b\n", "a: &b [*b]\n", "a: &b {c: *b}\n"])
def test_an_alias_names_something_whole_above_it(text: str) -> None:
    assert refusal(text).message == "`*b` names nothing above"


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("{? ", "}"), ("\n- ", "")])
def test_depth_is_bounded(opening: str, closing: str) -> None:
    nest = opening[0].join(["a: ", ""]) if opening[0] == "\n" else "a: "
    deep = "".join(opening.replace("\n", "\n" + " " * n) for n in range(MAX_DEPTH))
    assert refusal(f"{nest}{deep}x{closing * MAX_DEPTH}\n").message == "the front matter is more than 32 levels deep"
    flat = "".join(opening.replace("\n", "\n" + " " * n) for n in range(MAX_DEPTH - 1))
    read(f"{nest}{flat}x{closing * (MAX_DEPTH - 1)}\n")


def test_a_hundred_thousand_brackets_end_at_the_thirty_third() -> None:
    assert "32 levels" in refusal("a: " + "[" * 100_000).message


@pytest.mark.parametrize(
    ("text", "line", "column", "problem", "hint"),
    [
        ("a: b\nc: d: e\n", 3, 5, "mapping values are not allowed", 'put the value in quotes: `title: "a: b"`'),
        ("a: @b\n", 2, 4, "found character that cannot start", "put the value in quotes"),
        ("a: `b`\n", 2, 4, "found character that cannot start", "put the value in quotes"),
        ("a: *b*\n", 2, 6, "did not find expected alphabetic", "put the value in quotes"),
        ("a:\n\t- b\n", 3, 1, "found character that cannot start", "indent with spaces, not with tabs"),
        ('a: "b\nc: d\n', 2, 4, "found unexpected end of stream", "close the quote"),
        ('a: "b" c\n', 2, 8, "did not find expected key", "put the whole value in quotes, and double"),
        ('a: "\\q"\n', 2, 5, "found unknown escape", "write the value in single quotes"),
        ("a: [b\nc: d\n", 3, 2, "did not find expected ',' or ']'", "close the bracket"),
        ("a: b\nc\n", 3, 1, "could not find expected ':'", "write `key: value` lines"),
    ],
)
def test_errors_point_at_the_place_and_tell_the_way_out(
    text: str, line: int, column: int, problem: str, hint: str
) -> None:
    told = refusal(text)
    assert (told.severity, told.path, told.line, told.column) == ("error", "x", line, column)
    assert told.message.startswith(f"the front matter is not YAML: {problem}")
    assert told.hint.startswith(hint)
    assert told.source_line == f"---\n{text}".split("\n")[line - 1]


def test_lines_are_counted_from_the_first_line_given() -> None:
    with pytest.raises(SourceError) as caught:
        read_tree(Source("x", "---\na: b: c", first_line=7))
    assert (caught.value.diagnostic.line, caught.value.diagnostic.source_line) == (8, "a: b: c")
    assert read_tree(Source("x", "---\na: b", first_line=7)).fields["a"].line == 8


@pytest.mark.parametrize("text", ["- a\n", "a\n", "[a]\n", "'a'\n"])
def test_what_has_no_keys_is_refused(text: str) -> None:
    assert refusal(text).message == "the front matter has no keys"


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "   \n"])
def test_nothing_is_no_keys(text: str) -> None:
    assert read(text) == {}


def test_a_second_document_is_refused() -> None:
    told = refusal("a: b\n--- c\n")
    assert (told.message, told.line) == ("a second YAML document starts in the front matter", 3)


def test_a_key_given_twice_counts_as_given_last_and_is_told() -> None:
    tree = read_tree(Source("x", "---\na: 1\nb: 2\na: 3\n"))
    assert tree.fields["a"].value == "3"
    (told,) = tree.diagnostics
    assert (told.severity, told.line, told.column, told.source_line) == ("warning", 4, 1, "a: 3")
    assert told.message == "`a` is given twice, first on line 2"


@pytest.mark.parametrize("char", ["\0", "\x07", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\uffff"])
def test_characters_that_yaml_forbids_or_breaks_lines_at_are_spaces(char: str) -> None:
    tree = read_tree(Source("x", f"---\na: b\ntitle: c{char}d\ne: f{char}g\n"))
    assert {key: field.value for key, field in tree.fields.items()} == {"a": "b", "title": "c d", "e": "f g"}
    (told,) = tree.diagnostics
    assert (told.line, told.column) == (3, 9)
    assert f"U+{ord(char):04X}" in told.message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(end: str) -> None:
    tree = read_tree(Source("x", end.join(("---", "a: b", "c:", "- d", "f: g", ""))))
    assert {key: (field.value, field.line) for key, field in tree.fields.items()} == {
        "a": ("b", 2),
        "c": (("d",), 3),
        "f": ("g", 5),
    }


YAML_BITS = st.sampled_from(
    [
        *("a", "key", "null", "Null", "~", "yes", "12", "Ä", "\U0001f600", "\xa0", "\ufeff", "\x85", "\t", "\0"),
        *(
            ":",
            ": ",
            " :",
            ":\n",
            "#",
            " #",
            "-",
            "- ",
            "\n- ",
            "\n  - ",
            "\n",
            "\r\n",
            "\r",
            " ",
            "  ",
            "\n  ",
            "\n\n",
        ),
        *(
            "'",
            "''",
            '"',
            "\\",
            "\\n",
            "[",
            "]",
            ", ",
            ",",
            "{",
            "}",
            "&a ",
            "*a",
            "!t ",
            "|",
            ">",
            "%",
            "@",
            "`",
            "?",
            "? ",
        ),
        *("---", "...", "<<", "=", "key: value\n", "tags: [a, b]\n", "tags:\n- a\n- b\n", "'it''s'", '"x"', "/", "_"),
    ]
)
BLOCKS = st.lists(YAML_BITS, max_size=20).map("".join) | st.text(max_size=60)
KEYS = st.sampled_from(["a", "b", "key", "null", "Key_2", "k-e-y"])
WORDS = st.sampled_from(
    ["a", "b c", "null", "1.5", "\xe4", "x:y", "x#y", "'a'", '"a"', "'it''s'", "[a, b]", "[]", "~", "-", ":"]
)
FLOWS = st.lists(WORDS | st.sampled_from([", ", ",", " ", "''", '"b"']), max_size=6).map(
    lambda parts: f"[{''.join(parts)}]"
)
VALUES = WORDS | WORDS | FLOWS | st.text(alphabet="ab:#'\"-,[] ~!\xa0\x85\\", max_size=6)
LINE_ENDS = st.sampled_from([*["\n"] * 9, " \n", "\r\n", "\r", "\n "])
ENTRIES = st.tuples(KEYS, st.sampled_from([": ", ": ", ":  ", ":"]), VALUES, LINE_ENDS).map("".join)
LISTS = st.tuples(
    KEYS,
    st.just(":\n"),
    st.lists(st.tuples(st.sampled_from(["- ", "  - ", "-"]), VALUES, LINE_ENDS).map("".join), max_size=3).map("".join),
).map("".join)
NEAR_SIMPLE = st.lists(ENTRIES | LISTS, max_size=3).map("".join)


@given(BLOCKS | NEAR_SIMPLE)
@example("{")
def test_any_text_is_keys_or_a_refusal(text: str) -> None:
    try:
        read_tree(Source("x", f"---\n{text}"))
    except SourceError as error:
        told = error.diagnostic
    else:
        return
    assert 1 <= told.line <= 2 + text.count("\n") + text.count("\r")


@given(NEAR_SIMPLE)
@example("a: b # c\n")
@example("a: b#c\n")
@example("a: b:c\n")
@example("a: http://x\n")
@example("a: 'it''s'\n")
@example("a: [x, , y]\n")
@example("a: [null, Null x]\n")
@example("a: [\"b\", 'c', d e]\n")
@example("a: ['b'c]\n")
@example("a: ['b' : c]\n")
@example("a: [b, 'null', ]\n")
@example("a: [-b, .c, /d]\n")
@example("a:\n- b\n - c\n")
@example("a:\n  - b\nc: d\n")
@example("a: b\n- c\n")
@example("a: \n")
@example("a: b")
def test_the_simple_reader_agrees_with_the_whole_one(text: str) -> None:
    source = Source("x", f"---\n{text}", first_line=3)
    simple = read_simple(source)
    if simple is not None:
        assert simple == read_tree(source)


@given(BLOCKS | NEAR_SIMPLE)
def test_texts_are_those_of_a_yaml_library(text: str) -> None:
    source = Source("x", f"---\n{text}")
    try:
        tree = read_tree(source)
        expected = yaml.load(source.text, yaml.CBaseLoader)
    except (SourceError, yaml.YAMLError, TypeError, ValueError):
        return
    if tree.diagnostics:
        return
    got = {key: field.value for key, field in tree.fields.items()}
    for key, value in got.items():
        assert plain(expected[key]) == plain(value)


def plain(value: object) -> object:
    """Take away what the two may differ in: the library knows no null here, nor drops keys that are no text."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return "a mapping"
    return None if value in {None, "", "~", "null", "Null", "NULL"} else value


@pytest.mark.parametrize(
    "text",
    [
        "title: Hello, world (again)\nslug: hello-world\ndate: 2024-01-15 10:00:00 +0100\n",
        "title: 'It''s \"this\"'\nurl: http://example.org/#top\nempty:\nnone: ~x\n".replace("~x", "x"),
        'title: "Ä: b"\ntags: [one, two three, 4]\nnothing: []\n',
        """tags: ["one", "two, [three]", 'it''s' , null, "null"]\n""",
        "tags:\n- one\n- 'two: 2'\ncategories:\n  - article\n",
        "title: x\r\ntags:\r\n- a\r\n",
    ],
)
def test_the_ordinary_block_is_simple(text: str) -> None:
    source = Source("x", f"---\n{text}")
    assert read_simple(source) == read_tree(source)
    assert read_simple(source) is not None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a: b: c\n",
            "a: *b\n",
            "a: &b c\n",
            "a: !b c\n",
            "a: |\n",
            "a: 'b\n",
            'a: "\\n"\n',
            "a: b\n c\n",
            "a: 1\na: 2\n",
        ),
        *(
            "# c\n",
            "\na: b\n",
            "a: b\tc\n",
            "a: [b\n",
            "a:\n- b: c\n",
            "a: {b: c}\n",
            "null: a\n",
            "--- a\n",
            "a: b\x85\n",
        ),
    ],
)
def test_all_else_is_left_to_the_whole_reader(text: str) -> None:
    assert read_simple(Source("x", f"---\n{text}")) is None
