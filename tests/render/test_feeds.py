from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.feeds import Feed, FeedItem, atom_feed, rss_feed

Writer = Callable[[Feed], str]

parse_feed: Callable[..., object] = import_module("feedparser").parse  # a library without types
SCHEMAS = Path(__file__).parent / "schemas"
ATOM = xmlschema.XMLSchema11(SCHEMAS / "atom.xsd")
RSS = xmlschema.XMLSchema11(SCHEMAS / "rss.xsd")
CET = timezone(timedelta(hours=1))

ITEM = FeedItem(
    url="https://example.org/2024/01/15/a%20b/",
    title='Q&A: <b> "1" ]]>',
    html='<p>Ä &amp; ö</p>\n<pre>]]></pre><a href="https://example.org/x/">x</a>',
    summary="Short & <sweet>",
    author="Ann O'Nym",
    published=datetime(2024, 1, 15, 10, 0, 0, 5, tzinfo=CET),
    updated=datetime(2024, 2, 1, 8, 30, tzinfo=CET),
    categories=("article", "a & b"),
)
OLDER = FeedItem(
    url="https://example.org/2020/01/01/c/",
    title="C",
    html="",
    published=datetime(2020, 1, 1, tzinfo=UTC),
    updated=datetime(2020, 1, 1, tzinfo=UTC),
)
FEED = Feed(
    title="Blog & more",
    description="About <all>",
    url="https://example.org/",
    feed_url="https://example.org/rss.xml",
    language="zh-tw",
    items=(ITEM, OLDER),
)
EMPTY = msgspec.structs.replace(FEED, items=(), description="")
WRITERS = pytest.mark.parametrize(("write", "schema"), [(rss_feed, RSS), (atom_feed, ATOM)])


@WRITERS
@pytest.mark.parametrize("feed", [FEED, EMPTY])
def test_feeds_keep_the_rules_of_their_formats(write: Writer, schema: xmlschema.XMLSchema11, feed: Feed) -> None:
    schema.validate(write(feed))


@WRITERS
def test_a_site_without_an_address_has_ids_all_the_same(write: Writer, schema: xmlschema.XMLSchema11) -> None:
    feed = msgspec.structs.replace(
        FEED,
        url="/",
        feed_url="/rss.xml",
        items=tuple(
            msgspec.structs.replace(item, url=item.url.removeprefix("https://example.org")) for item in FEED.items
        ),
    )
    schema.validate(write(feed))
    assert write(feed) == write(feed)
    assert "urn:uuid:" in write(feed)


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("<title>C</title>", ""),
        ("2020-01-01T00:00:00Z", "2020-01-01"),
        ("2024-02-01T08:30:00+01:00</updated>\n<author>", "2019-01-01T00:00:00Z</updated>\n<author>"),
        ("https://example.org/2020/01/01/c/</id>", "/2020/01/01/c/</id>"),
        ("https://example.org/2020/01/01/c/</id>", "https://example.org/2024/01/15/a%20b/</id>"),
        ('rel="self"', 'rel="me"'),
        ("<name>Blog &amp; more</name>", "<name></name>"),
    ],
)
def test_the_schema_of_atom_finds_what_is_wrong(found: str, put: str) -> None:
    text = atom_feed(FEED)
    assert found in text
    assert not ATOM.is_valid(text.replace(found, put, 1))


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("<title>C</title>", ""),
        ("Wed, 01 Jan 2020 00:00:00 +0000", "2020-01-01"),
        ("<description>About &lt;all&gt;</description>", ""),
        ('<guid isPermaLink="true">https://example.org/2020/', '<guid isPermaLink="true">https://example.org/2021/'),
        ("https://example.org/2020/01/01/c/", "/2020/01/01/c/"),
        ("<language>zh-tw", "<language>zh_tw"),
        ('rel="self"', 'rel="me"'),
    ],
)
def test_the_schema_of_rss_finds_what_is_wrong(found: str, put: str) -> None:
    text = rss_feed(FEED)
    assert found in text
    assert not RSS.is_valid(text.replace(found, put))


class ReadItem(msgspec.Struct):
    title: str
    link: str
    id: str
    content: list[dict[str, str | None]]
    published_parsed: tuple[int, ...]
    updated_parsed: tuple[int, ...] = ()
    summary: str = ""
    author: str = ""
    tags: list[dict[str, str | None]] = []


class ReadChannel(msgspec.Struct):
    title: str
    link: str
    language: str
    links: list[dict[str, str]]
    updated_parsed: tuple[int, ...]
    subtitle: str = ""


class ReadFeed(msgspec.Struct):
    """What a feed reader makes of a feed."""

    bozo: bool
    version: str
    feed: ReadChannel
    entries: list[ReadItem]


def read(text: str) -> ReadFeed:
    return msgspec.convert(parse_feed(text, sanitize_html=False, resolve_relative_uris=False), ReadFeed)


def seconds(moment: datetime) -> tuple[int, ...]:
    return tuple(moment.astimezone(UTC).timetuple())[:6]


@pytest.mark.parametrize(("write", "version"), [(rss_feed, "rss20"), (atom_feed, "atom10")])
def test_a_feed_reader_gets_what_was_put_in(write: Writer, version: str) -> None:
    got = read(write(FEED))
    assert (got.bozo, got.version) == (False, version)
    assert (got.feed.title, got.feed.link, got.feed.language) == (FEED.title, FEED.url, FEED.language)
    assert got.feed.subtitle == FEED.description
    assert [link["href"] for link in got.feed.links if link["rel"] == "self"] == [FEED.feed_url]
    for entry, item in zip(got.entries, FEED.items, strict=True):
        assert (entry.title, entry.link, entry.id) == (item.title, item.url, item.url)
        assert (entry.content[0]["value"], entry.author) == (item.html, item.author)
        assert (entry.summary or item.html) == (item.summary or item.html)
        assert tuple(tag["term"] for tag in entry.tags) == item.categories
        assert entry.published_parsed[:6] == seconds(item.published)
        if write is atom_feed:
            assert entry.updated_parsed[:6] == seconds(item.updated)


@pytest.mark.parametrize("write", [rss_feed, atom_feed])
@pytest.mark.parametrize(("feed", "newest"), [(FEED, ITEM.updated), (EMPTY, datetime(1970, 1, 1, tzinfo=UTC))])
def test_a_feed_is_as_new_as_its_newest_post(write: Writer, feed: Feed, newest: datetime) -> None:
    assert read(write(feed)).feed.updated_parsed[:6] == seconds(newest)


TEXTS = st.text(max_size=20) | st.text(alphabet="]>&<\"'\0\x0b\r\n\ufffe\ud800a", max_size=12)


@given(title=TEXTS, html=TEXTS, summary=TEXTS, author=TEXTS, category=TEXTS)
def test_any_text_comes_back_without_what_xml_cannot_hold(
    title: str, html: str, summary: str, author: str, category: str
) -> None:
    item = msgspec.structs.replace(ITEM, title=title, html=html, summary=summary, author=author, categories=(category,))
    feed = msgspec.structs.replace(FEED, items=(item,), title=title)
    for write, name, body in (
        (rss_feed, ".//item/title", ".//item/{http://purl.org/rss/1.0/modules/content/}encoded"),
        (atom_feed, ".//{*}entry/{*}title", ".//{*}entry/{*}content"),
    ):
        root = ET.fromstring(write(feed).encode())
        assert (root.findtext(name) or "") == legal(title)
        assert (root.findtext(body) or "") == re.sub("\r\n?", "\n", legal(html))


def legal(text: str) -> str:
    return "".join(
        char
        for char in text
        if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff"
    )
