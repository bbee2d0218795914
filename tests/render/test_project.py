from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.diagnostic import SourceError
from blogd.render.project import (
    DEFAULT_CATEGORIES,
    DEFAULT_PROJECT,
    read_categories,
    read_category_names,
    read_project,
    read_tags,
    template_names,
)
from blogd.render.records import Category, Project, Tag
from blogd.render.source import MAX_FINDINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.render.diagnostic import Diagnostic

    Reader = Callable[[bytes], tuple[object, tuple[Diagnostic, ...]]]

READERS = pytest.mark.parametrize("reader", [read_project, read_categories, read_category_names, read_tags])


def test_a_project_is_read() -> None:
    data = b"""\xef\xbb\xbf{
        "name": " Blog ", "description": "D", "publicUrl": "https://example.org/path//", "mainLanguage": "de_AT",
        "blogLanguages": ["en", "EN", "zh_TW"], "defaultAuthor": "A", "maxPostsPerPage": 10,
        "timezone": "Europe/Berlin", "blogd": {"highlight": false, "other": 1}, "unknown": [null]
    }"""
    assert read_project(data) == (
        Project(
            name="Blog",
            description="D",
            public_url="https://example.org/path",
            main_language="de-at",
            blog_languages=("en", "zh-tw"),
            default_author="A",
            max_posts_per_page=10,
            timezone="Europe/Berlin",
            highlight=False,
        ),
        (),
    )


@pytest.mark.parametrize("data", [b"{}", b'{"name": null, "blogd": null, "maxPostsPerPage": null, "timezone": ""}'])
def test_what_is_absent_has_its_default(data: bytes) -> None:
    assert read_project(data) == (DEFAULT_PROJECT, ())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('"name": 7', "`name` is not a text"),
        ('"publicUrl": "ftp://example.org"', "`publicUrl` is not a web address"),
        ('"publicUrl": "example.org"', "`publicUrl` is not a web address"),
        ('"publicUrl": "http://"', "`publicUrl` is not a web address"),
        ('"publicUrl": "http://[x"', "`publicUrl` is not a web address"),
        ('"publicUrl": "http://a.b/?c"', "`publicUrl` is not a web address"),
        ('"publicUrl": "http://a.b/\\"><script>"', "`publicUrl` is not a web address"),
        ('"mainLanguage": "../x"', "`../x` is not a language code"),
        ('"blogLanguages": "de"', "`blogLanguages` is not a list"),
        ('"blogLanguages": ["de", 7]', "not all items of the list are texts"),
        ('"blogLanguages": ["d e"]', "`d e` is not a language code"),
        ('"maxPostsPerPage": 0', "`maxPostsPerPage` is not a number from 1 to 500"),
        ('"maxPostsPerPage": 501', "`maxPostsPerPage` is not a number from 1 to 500"),
        ('"maxPostsPerPage": true', "`maxPostsPerPage` is not a number from 1 to 500"),
        ('"maxPostsPerPage": "5"', "`maxPostsPerPage` is not a number from 1 to 500"),
        ('"timezone": "Mars/Olympus"', "`Mars/Olympus` is not a time zone"),
        ('"timezone": "../../etc/passwd"', "`../../etc/passwd` is not a time zone"),
        ('"blogd": []', "`blogd` is not an object"),
        ('"blogd": {"highlight": 1}', "`highlight` is neither true nor false"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_line_and_left_at_its_default(entry: str, message: str) -> None:
    project, (told,) = read_project(f'{{\n "defaultAuthor": "A",\n {entry}\n}}'.encode())
    blogged = ("de",) if "7]" in entry else ()
    assert project == msgspec.structs.replace(DEFAULT_PROJECT, default_author="A", blog_languages=blogged)
    assert (told.severity, told.path, told.line, told.message) == ("warning", "meta/project.json", 3, message)
    assert told.column >= 2
    assert told.source_line == f" {entry}"


@READERS
@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b'{"a": \n [1,}', 2, 5), (b"", 1, 1), (b'\n{"a": "\xc3\xa4', 2, 9), (b"{\r\n x}", 2, 2), (b"\xff", 1, 1)],
)
def test_what_is_not_json_is_refused_with_its_place(reader: Reader, data: bytes, line: int, column: int) -> None:
    with pytest.raises(SourceError) as caught:
        reader(data)
    told = caught.value.diagnostic
    assert told.message.startswith("this is not JSON: ")
    assert (told.line, told.column) == (line, column)


@READERS
def test_depth_is_bounded(reader: Reader) -> None:
    with pytest.raises(SourceError) as caught:
        reader(b"[" * 1_000_000)
    assert caught.value.diagnostic.message == "this JSON is nested too deeply"


@pytest.mark.parametrize(
    ("reader", "data", "message"),
    [
        (read_project, b"[]", "this file is not a JSON object"),
        (read_categories, b"7", "this file is not a JSON object"),
        (read_category_names, b"{}", "this file is not a JSON list"),
        (read_tags, b'"x"', "this file is not a JSON list"),
    ],
)
def test_another_kind_of_json_is_refused(reader: Reader, data: bytes, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        reader(data)
    assert caught.value.diagnostic.message == message


def test_bytes_that_are_not_utf8_are_told() -> None:
    project, (told,) = read_project(b'{"name":\n"caf\xe9"}')
    assert (project.name, told.line, told.column) == ("caf\ufffd", 2, 5)


def test_categories_are_read_over_the_defaults() -> None:
    categories, findings = read_categories(
        b"""{
        "aside": {"title": "Notes", "postTemplateSlug": "note"},
        "page": {"renderInLists": true, "showTitle": false},
        "links/2": {"listTemplateSlug": "links", "title": ""}
    }"""
    )
    assert findings == ()
    assert categories == {
        **DEFAULT_CATEGORIES,
        "aside": Category(name="aside", title="Notes", show_title=False, post_template_slug="note"),
        "page": Category(name="page", title="page", show_title=False),
        "links/2": Category(name="links/2", title="links/2", list_template_slug="links"),
    }


def test_the_default_categories() -> None:
    unlisted = [name for name, category in DEFAULT_CATEGORIES.items() if not category.render_in_lists]
    untitled = [name for name, category in DEFAULT_CATEGORIES.items() if not category.show_title]
    assert (list(DEFAULT_CATEGORIES), unlisted, untitled) == (
        ["article", "picture", "aside", "page"],
        ["page"],
        ["aside"],
    )


def test_a_category_that_makes_no_sense_is_told() -> None:
    categories, told = read_categories(b'{\n"a": 7,\n"b": {"showTitle": "no"}}')
    assert (categories["a"], categories["b"]) == (Category(name="a", title="a"), Category(name="b", title="b"))
    assert [(finding.line, finding.message) for finding in told] == [
        (2, "`a` is not an object"),
        (3, "`showTitle` is neither true nor false"),
    ]


def test_category_names_are_read() -> None:
    assert read_category_names(b'["a", " b ", "a", ""]') == (("a", "b"), ())
    assert read_category_names(b'["a", 7]')[1][0].message == "not all items of the list are texts"


def test_tags_are_read() -> None:
    data = b"""[{"name": "a", "color": "#FF0000", "postTemplateSlug": "wide"}, {"name": "b"}, "c",
        {"name": "b", "color": ""}]"""
    assert read_tags(data) == (
        {
            "a": Tag(name="a", color="#FF0000", post_template_slug="wide"),
            "b": Tag(name="b"),
            "c": Tag(name="c"),
        },
        (),
    )


def test_the_places_are_found_where_templates_are_named() -> None:
    data = b"""\xef\xbb\xbf{"a":\r\n {"postTemplateSlug": "x", "listTemplateSlug" :\r "\\u0079 "},
        "b": {"postTemplateSlug": "x"}}"""
    assert template_names(data) == {"x": (2, 3), "y": (2, 28)}


def test_no_template_is_named_by_what_is_no_text() -> None:
    assert template_names(b'{"postTemplateSlug": 7, "listTemplateSlug": "\\x", "postTemplateSlug": "') == {}


@pytest.mark.parametrize("item", ["7", "{}", '{"name": ""}', "null", "[]"])
def test_a_tag_without_a_name_is_told(item: str) -> None:
    tags, (told,) = read_tags(f'[{item}, "a"]'.encode())
    assert (list(tags), told.message) == (["a"], "a tag has no name")


@pytest.mark.parametrize("color", ["red", "#abc", "rgb(1, 2%, .5)", "oklch(40% 0.2 30deg / .5)", "var(--x)"])
def test_a_colour_may_be_any_of_css(color: str) -> None:
    assert read_tags(f'[{{"name": "a", "color": "{color}"}}]'.encode())[0]["a"].color == color


@pytest.mark.parametrize("color", ["red;x:y", "red'", "<b>", "url(javascript:x)", "}", "x" * 65])
def test_what_can_be_no_colour_is_told(color: str) -> None:
    tags, (told,) = read_tags(f'[\n{{"name": "a", "color": "{color}"}}]'.encode())
    assert (tags["a"].color, told.line) == (None, 2)


@READERS
def test_there_is_an_end_to_warnings(reader: Reader) -> None:
    items: object = {f"k{n}": n for n in range(50_000)} if reader is read_categories else [*range(50_000)]
    items = {"blogLanguages": [f"?{n}" for n in range(50_000)]} if reader is read_project else items
    assert 0 < len(reader(msgspec.json.encode(items))[1]) <= MAX_FINDINGS


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "title", "color", "publicUrl", "blogLanguages", "timezone", "blogd", "highlight", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(VALUES.map(msgspec.json.encode) | st.binary(max_size=30))
def test_any_bytes_are_values_and_findings_or_a_refusal(data: bytes) -> None:
    readers: tuple[Reader, ...] = (read_project, read_categories, read_category_names, read_tags)
    for reader in readers:
        with suppress(SourceError):
            msgspec.msgpack.encode(reader(data))
