"""The built-in macros: what their templates are given, and what is said of calls that make no sense."""

from __future__ import annotations

import string
from html import unescape
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render import macros
from blogd.render.body import Macro
from blogd.render.records import Media

if TYPE_CHECKING:
    from collections.abc import Iterable

Records = list[dict[str, object]]


def call(name: str, **params: str) -> Macro:
    return Macro(name, params, "", block=True, line=1)


def media(path: str, created_at: int | None = None, mime_type: str = "") -> Media:
    return Media(path=path, created_at=created_at, mime_type=mime_type)


def href(path: str) -> str:
    return f"/{path}"


def label(year: int, month: int) -> str:
    return f"{month}. {year}"


class Shelf:
    """Images by month; `asked` are the months whose images were looked at."""

    def __init__(self, months: dict[str, list[Media]]) -> None:
        self._months = months
        self.asked: list[str] = []

    def months(self) -> Iterable[str]:
        return self._months

    def photos(self, month: str) -> Iterable[Media]:
        self.asked.append(month)
        return self._months[month]


def variables(expansion: macros.Expansion) -> dict[str, object]:
    assert expansion.variables is not None
    return expansion.variables


def records(expansion: macros.Expansion, name: str) -> Records:
    return cast("Records", variables(expansion)[name])


def messages(expansion: macros.Expansion) -> list[str]:
    return [finding.message for finding in expansion.findings]


def test_a_finding_becomes_a_warning_at_a_line_of_the_file() -> None:
    finding = macros.Finding("it is odd", "make it even").at("posts/a.md", 7)
    assert (finding.severity, finding.path, finding.line) == ("warning", "posts/a.md", 7)
    assert (finding.message, finding.hint) == ("it is odd", "make it even")


@pytest.mark.parametrize(
    ("name", "video_id"),
    [
        ("youtube", "dQw4w9WgXcQ"),
        ("youtube", "-_aA0"),
        ("vimeo", "76979871"),
        ("vimeo", "76979871?h=8272103f6e"),
    ],
)
def test_a_video_is_embedded_by_its_id(name: str, video_id: str) -> None:
    expansion = macros.video(call(name, id=f" {video_id} ", title="Two boats"), "de")
    assert variables(expansion) == {"id": video_id, "title": "Two boats", "language": "de"}
    assert not expansion.findings


@pytest.mark.parametrize("name", ["youtube", "vimeo"])
@pytest.mark.parametrize("params", [{}, {"id": ""}, {"id": " "}])
def test_a_video_without_an_id_is_nothing_and_a_warning(name: str, params: dict[str, str]) -> None:
    expansion = macros.video(call(name, **params), "en")
    assert expansion.variables is None
    assert messages(expansion) == [f"macro `{name}` has no id"]


@pytest.mark.parametrize(
    ("name", "video_id"),
    [
        ("youtube", "https://youtu.be/dQw4w9WgXcQ"),
        ("youtube", 'x" onload="alert(1)'),
        ("youtube", "a" * 65),
        ("youtube", "\u0430bc"),
        ("vimeo", "dQw4w9WgXcQ"),
        ("vimeo", "7697\u0669"),
        ("vimeo", "1?h=1&autoplay=1"),
    ],
)
def test_a_video_with_an_id_that_can_be_none_is_nothing_and_a_warning(name: str, video_id: str) -> None:
    expansion = macros.video(call(name, id=video_id), "en")
    assert expansion.variables is None
    assert [text.startswith(f"macro `{name}` can't use id=") for text in messages(expansion)] == [True]


def test_a_gallery_shows_the_linked_images_newest_first() -> None:
    linked = [
        media("media/2024/01/b.jpg", 10),
        media("media/2024/01/undated.png"),
        media("media/2024/01/a.jpg", 10),
        media("media/2024/01/new.jpg", 20),
        media("media/2024/01/notes.pdf", 30),
        media("media/2024/01/picture", 5, mime_type="image/webp"),
        media("media/2024/01/film.jpg", 5, mime_type="video/mp4"),
    ]
    images = records(macros.gallery(call("gallery"), "en", "p1", linked, href), "images")
    assert [image["href"] for image in images] == [
        f"/media/2024/01/{name}" for name in ("new.jpg", "a.jpg", "b.jpg", "picture", "undated.png")
    ]


def test_an_image_says_what_its_sidecar_says() -> None:
    said = Media(path="media/a.jpg", title="T", alt="A", caption="C", width=640, height=480)
    (image,) = records(macros.gallery(call("gallery"), "en", "p1", [said], href), "images")
    assert image == {
        "href": "/media/a.jpg",
        "alt": "A",
        "title": "C",
        "caption": "C",
        "width": 640,
        "height": 480,
        "media_path": "/media/a.jpg",
        "group_name": "gallery-p1",
    }


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Media(path="media/a.jpg", title="T"), "T"),
        (Media(path="media/a.jpg", original_name="O.jpg"), "O.jpg"),
        (Media(path="media/a.jpg"), "a.jpg"),
    ],
)
def test_an_image_always_has_an_alternative_text_and_a_title(record: Media, text: str) -> None:
    (image,) = records(macros.gallery(call("gallery"), "en", "", [record], href), "images")
    assert (image["alt"], image["title"]) == (text, text)


@pytest.mark.parametrize(("columns", "used"), [("1", 1), ("6", 6), ("", 3)])
def test_a_gallery_has_one_to_six_columns(columns: str, used: int) -> None:
    expansion = macros.gallery(call("gallery", columns=columns, caption="Boats"), "en", "p1", [], href)
    assert (variables(expansion)["columns"], variables(expansion)["caption"]) == (used, "Boats")
    assert not expansion.findings


@pytest.mark.parametrize("columns", ["0", "7", "-1", "two", "2.5", "\u0663", "9" * 5000])
def test_columns_that_make_no_sense_are_three_and_a_warning(columns: str) -> None:
    expansion = macros.gallery(call("gallery", columns=columns), "en", "p1", [], href)
    assert variables(expansion)["columns"] == 3
    (finding,) = expansion.findings
    assert finding.message.startswith("macro `gallery` can't use columns=")
    assert len(finding.message) < 100
    assert finding.hint == "give a whole number from 1 to 6"


def test_an_unknown_parameter_is_a_warning() -> None:
    expansion = macros.gallery(call("gallery", colums="2"), "en", "p1", [], href)
    assert messages(expansion) == ["macro `gallery` has no parameter `colums`"]
    assert expansion.findings[0].hint == "it has columns and caption"


def fifteen_months() -> Shelf:
    months = [f"2023-{month:02}" for month in range(1, 13)] + ["2022-03", "2022-12", "2021-03"]
    return Shelf({month: [media(f"media/{month.replace('-', '/')}/a.jpg")] for month in months})


@pytest.mark.parametrize("name", ["photo_archive", "photo_album"])
def test_the_photo_archive_shows_the_ten_newest_months(name: str) -> None:
    shelf = fifteen_months()
    months = records(macros.photo_archive(call(name), "en", shelf, label, href), "months")
    assert [(month["year"], month["month"]) for month in months] == [(2023, month) for month in range(12, 2, -1)]
    assert months[0]["label"] == "12. 2023"
    assert shelf.asked == [f"2023-{month:02}" for month in range(12, 2, -1)]


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"year": "2023"}, [f"2023-{month:02}" for month in range(12, 0, -1)]),
        ({"year": "2022", "month": "3"}, ["2022-03"]),
        ({"year": "2022", "month": "03"}, ["2022-03"]),
        ({"month": "3"}, ["2023-03", "2022-03", "2021-03"]),
        ({"year": "1999"}, []),
    ],
)
def test_the_photo_archive_shows_what_is_asked_for(params: dict[str, str], shown: list[str]) -> None:
    shelf = fifteen_months()
    expansion = macros.photo_archive(call("photo_archive", **params), "en", shelf, label, href)
    assert shelf.asked == shown
    assert len(records(expansion, "months")) == len(shown)
    assert not expansion.findings


def test_the_images_of_a_month_are_newest_first() -> None:
    shelf = Shelf({"2024-05": [media("media/2024/05/a.jpg", 1), media("media/2024/05/b.jpg", 2)]})
    (month,) = records(macros.photo_archive(call("photo_archive"), "en", shelf, label, href), "months")
    assert [image["href"] for image in cast("Records", month["images"])] == [
        "/media/2024/05/b.jpg",
        "/media/2024/05/a.jpg",
    ]


def test_folders_that_are_no_month_are_left_out() -> None:
    shelf = Shelf({"2024-13": [media("media/2024/13/a.jpg")], "old-stuff": [media("media/old/stuff/a.jpg")]})
    assert records(macros.photo_archive(call("photo_archive"), "en", shelf, label, href), "months") == []


@pytest.mark.parametrize("params", [{"year": "last"}, {"year": "0"}, {"year": "2023", "month": "13"}])
def test_a_year_or_month_that_is_none_is_a_warning(params: dict[str, str]) -> None:
    expansion = macros.photo_archive(call("photo_archive", **params), "en", fifteen_months(), label, href)
    assert len(expansion.findings) == 1
    assert records(expansion, "months")


def test_a_tag_cloud_has_its_words_in_order_sized_by_the_logarithm_of_their_number() -> None:
    tags = [("Zebra", 100, "/tag/Zebra/"), ("apple", 10, "/tag/apple/"), ("Boat", 1, "/tag/Boat/")]
    words = records(macros.tag_cloud(call("tag_cloud"), "en", tags), "words")
    assert words == [
        {"text": "apple", "size": 35, "count": 10, "url": "/tag/apple/"},
        {"text": "Boat", "size": 14, "count": 1, "url": "/tag/Boat/"},
        {"text": "Zebra", "size": 56, "count": 100, "url": "/tag/Zebra/"},
    ]


def test_tags_that_are_equally_common_are_of_middling_size() -> None:
    words = records(macros.tag_cloud(call("tag_cloud"), "en", [("a", 3, "/a/"), ("b", 3, "/b/")]), "words")
    assert [word["size"] for word in words] == [35, 35]


def test_tags_without_posts_are_left_out() -> None:
    words = records(macros.tag_cloud(call("tag_cloud"), "en", [("a", 0, "/a/"), ("b", 2, "/b/")]), "words")
    assert [word["text"] for word in words] == ["b"]


def test_a_tag_cloud_of_nothing_is_empty() -> None:
    expansion = macros.tag_cloud(call("tag_cloud"), "en", [])
    assert (variables(expansion)["words"], variables(expansion)["words_json"]) == ([], "")


def test_the_words_are_also_given_as_json_for_an_attribute() -> None:
    expansion = macros.tag_cloud(call("tag_cloud"), "en", [('"><script>', 1, "/tag/x/")])
    words_json = cast("str", variables(expansion)["words_json"])
    assert not set(words_json) & set("<>\"'")
    assert msgspec.json.decode(unescape(words_json)) == variables(expansion)["words"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ("horizontal", 900, 420)),
        ({"orientation": "mixed_hv", "width": "320", "height": "900"}, ("mixed-hv", 320, 900)),
        ({"orientation": "Diagonal"}, ("mixed-diagonal", 900, 420)),
    ],
)
def test_a_tag_cloud_has_a_size_and_an_orientation(params: dict[str, str], expected: tuple[object, ...]) -> None:
    expansion = macros.tag_cloud(call("tag_cloud", **params), "en", [])
    assert tuple(variables(expansion)[name] for name in ("orientation", "width", "height")) == expected
    assert not expansion.findings


def test_what_a_tag_cloud_can_not_use_is_told() -> None:
    expansion = macros.tag_cloud(call("tag_cloud", orientation="up", width="319", height="1e3"), "en", [])
    assert [finding.hint for finding in expansion.findings] == [
        "give one of horizontal, mixed-hv, mixed-diagonal",
        "give a whole number from 320 to 1600",
        "give a whole number from 180 to 900",
    ]


KEYS = st.sampled_from(["id", "title", "columns", "caption", "year", "month", "orientation", "width", "height"])
VALUES = st.text() | st.integers().map(str) | st.text(alphabet=string.printable)


@given(
    name=st.sampled_from(sorted(macros.TEMPLATES)),
    params=st.dictionaries(KEYS | st.text(), VALUES),
    tags=st.lists(st.tuples(st.text(), st.integers(min_value=0), st.text())),
)
def test_whatever_the_parameters_a_template_gets_values_that_make_sense(
    name: str, params: dict[str, str], tags: list[tuple[str, int, str]]
) -> None:
    macro = Macro(name, params, "", block=True)
    shelf = fifteen_months()
    expansion = {
        "youtube": lambda: macros.video(macro, "en"),
        "vimeo": lambda: macros.video(macro, "en"),
        "gallery": lambda: macros.gallery(macro, "en", "p", shelf.photos("2023-01"), href),
        "photo_archive": lambda: macros.photo_archive(macro, "en", shelf, label, href),
        "photo_album": lambda: macros.photo_archive(macro, "en", shelf, label, href),
        "tag_cloud": lambda: macros.tag_cloud(macro, "en", tags),
    }[name]()
    given_variables = expansion.variables or {}
    assert given_variables or expansion.findings
    assert 1 <= cast("int", given_variables.get("columns", 1)) <= 6
    assert 320 <= cast("int", given_variables.get("width", 320)) <= 1600
    assert set(cast("str", given_variables.get("id", ""))) <= {*string.ascii_letters, *string.digits, *"-_?="}
    assert all(14 <= cast("int", word["size"]) <= 56 for word in cast("Records", given_variables.get("words", [])))
    assert all("\n" not in finding.hint and finding.message for finding in expansion.findings)
