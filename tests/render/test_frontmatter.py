from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.diagnostic import SourceError
from blogd.render.frontmatter import MAX_BYTES, FrontMatter, read_front_matter
from blogd.render.source import Source, count_breaks, decode

BOM = b"\xef\xbb\xbf"


def read(data: bytes) -> tuple[dict[str, object], bytes, int]:
    matter = read_front_matter("x", data)
    return (
        {key: field.value for key, field in matter.fields.items()},
        data[matter.body_offset :],
        matter.body_line,
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bom", [b"", BOM])
@pytest.mark.parametrize("blanks", [b"", b" \t "])
def test_a_block_is_found_whatever_its_line_ends(end: bytes, bom: bytes, blanks: bytes) -> None:
    data = bom + end.join((b"---" + blanks, b"a: b", b"---" + blanks, b"one", b"---", b"two"))
    assert read(data) == ({"a": "b"}, end.join((b"one", b"---", b"two")), 4)


@pytest.mark.parametrize(
    ("data", "fields", "body", "line"),
    [
        (b"---\n---\n", {}, b"", 3),
        (b"---\n---", {}, b"", 2),
        (b"---\na: b\n---", {"a": "b"}, b"", 3),
        (b"---\na: b\n...\nbody", {"a": "b"}, b"body", 4),
        (b"---\na: b\n---\n\n\nbody", {"a": "b"}, b"\n\nbody", 4),
        (b"---\na: |\n  x\n  ---\n---\nbody", {"a": "x\n---\n"}, b"body", 6),
        (b"---\na: b----\n---\nbody", {"a": "b----"}, b"body", 4),
        (b"", {}, b"", 1),
        (b"body\n---\na: b\n---\n", {}, b"body\n---\na: b\n---\n", 1),
        (b"----\na: b\n---\n", {}, b"----\na: b\n---\n", 1),
        (b" ---\na: b\n---\n", {}, b" ---\na: b\n---\n", 1),
        (BOM + b"body", {}, b"body", 1),
    ],
)
def test_where_the_block_ends_and_the_body_starts(
    data: bytes, fields: dict[str, object], body: bytes, line: int
) -> None:
    assert read(data) == (fields, body, line)


@pytest.mark.parametrize("data", [b"---", b"---\n", b"---\na: b\n", b"---\na: b\n ---\n", b"---\na: b\n---x\n"])
def test_a_block_that_is_not_closed_is_told_where_it_starts(data: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        read_front_matter("x", data)
    told = caught.value.diagnostic
    assert (told.message, told.line, told.column) == ("the front matter is not closed", 1, 1)
    assert told.hint == "end it with a line that is just `---`"


def test_size_is_bounded() -> None:
    value = b"x" * (MAX_BYTES - len(b"a: \n---\n"))
    assert read(b"---\na: " + value + b"\n---\nbody")[1] == b"body"
    with pytest.raises(SourceError) as caught:
        read_front_matter("x", b"---\na: " + value + b"xxxxx\n---\nbody")
    assert caught.value.diagnostic.message == "the front matter is not closed within 256 KiB"


def test_bytes_that_are_not_utf8_are_replaced_and_told() -> None:
    matter = read_front_matter("x", BOM + b"---\na: b\ntitle: caf\xe9\n---\nbody")
    assert matter.fields["title"].value == "caf\ufffd"
    (told,) = matter.diagnostics
    assert (told.line, told.column, told.message) == (3, 11, "byte 0xE9 is not UTF-8 and is read as U+FFFD")
    assert told.source_line == "title: caf\ufffd"


def test_lines_are_those_of_the_file_a_part_was_cut_from() -> None:
    matter = read_front_matter("x", b"---\na: b\nb: \xff\n---\nbody", first_line=10)
    assert (matter.fields["a"].line, matter.body_line, matter.diagnostics[0].line) == (11, 14, 12)


@given(
    st.lists(st.sampled_from([b"---", b"...", b"\n", b"\r", b" ", b"a: b", BOM, b"\xff", b"\0", b"x"])).map(b"".join)
)
def test_any_bytes_are_a_block_and_a_body_or_a_refusal(data: bytes) -> None:
    with suppress(SourceError):
        matter = read_front_matter("x", data)
        assert 0 <= matter.body_offset <= len(data)
        assert matter.body_line == 1 + count_breaks(data, matter.body_offset)


def test_a_file_without_a_block_has_no_fields() -> None:
    assert read_front_matter("x", b"body") == FrontMatter(Source("x", ""), {})


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"\xff", 5, 1), (b"ab\n\xc3\xa4\xff", 6, 2), (b"a\r\xff", 6, 1), (b"a\r\nb\xed\xa0", 6, 2)],
)
def test_the_first_bad_byte_is_pointed_at(data: bytes, line: int, column: int) -> None:
    source, (told,) = decode("x", data, first_line=5)
    assert (told.line, told.column) == (line, column)
    assert "\ufffd" in source.text


def test_the_line_shown_is_cut() -> None:
    assert Source("x", "a" * 1_000).finding("error", 1, "m").source_line == "a" * 200
    assert Source("x", "a").finding("error", 7, "m").source_line == ""
