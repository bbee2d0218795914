"""Feeds, from plain values to text: RSS 2.0 (https://www.rssboard.org/rss-specification) and Atom (RFC 4287).

A feed says nothing of the time it was written, so that it changes only when its posts do: it is as new as its newest
post, and one without posts as old as time. An item is known by its address for ever; where addresses are not absolute
(no `publicUrl` is set), which neither format allows for an id, by a UUID made of the address.

RSS wants e-mail addresses for authors; names go into Dublin Core's `creator`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

import msgspec

from blogd.render.instants import rfc822, rfc3339
from blogd.render.xmltext import cdata, escape

_RSS = """<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" \
xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A post in a feed. `url` and the links in `html` are absolute; `summary` is plain text, '' for none."""

    url: str
    title: str
    html: str
    summary: str = ""
    author: str = ""
    published: datetime
    updated: datetime
    categories: tuple[str, ...] = ()


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed: `url` is the page it follows, `feed_url` its own address; the items are in the order to be shown."""

    title: str
    description: str
    url: str
    feed_url: str
    language: str
    items: tuple[FeedItem, ...] = ()


def rss_feed(feed: Feed) -> str:
    """Write RSS 2.0, with the whole posts as `content:encoded`."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        _RSS,
        "<channel>",
        f"<title>{escape(feed.title)}</title>",
        f"<link>{escape(feed.url)}</link>",
        f"<description>{escape(feed.description or feed.title)}</description>",
        f"<language>{escape(feed.language)}</language>",
        f'<atom:link href="{escape(feed.feed_url)}" rel="self" type="application/rss+xml"/>',
        f"<lastBuildDate>{rfc822(_updated(feed))}</lastBuildDate>",
        *(line for item in feed.items for line in _rss_item(item)),
        "</channel>",
        "</rss>\n",
    ]
    return "\n".join(lines)


def _rss_item(item: FeedItem) -> list[str]:
    permalink = "true" if _is_absolute(item.url) else "false"
    return [
        "<item>",
        f"<title>{escape(item.title)}</title>",
        f"<link>{escape(item.url)}</link>",
        f'<guid isPermaLink="{permalink}">{escape(_id(item.url))}</guid>',
        f"<pubDate>{rfc822(item.published)}</pubDate>",
        *([f"<dc:creator>{escape(item.author)}</dc:creator>"] if item.author else []),
        *(f"<category>{escape(category)}</category>" for category in item.categories),
        *([f"<description>{escape(item.summary)}</description>"] if item.summary else []),
        f"<content:encoded>{cdata(item.html)}</content:encoded>",
        "</item>",
    ]


def atom_feed(feed: Feed) -> str:
    """Write Atom, with the whole posts as `content`."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{escape(feed.language)}">',
        f"<title>{escape(feed.title)}</title>",
        *([f"<subtitle>{escape(feed.description)}</subtitle>"] if feed.description else []),
        f'<link href="{escape(feed.url)}"/>',
        f'<link rel="self" type="application/atom+xml" href="{escape(feed.feed_url)}"/>',
        f"<id>{escape(_id(feed.feed_url))}</id>",
        f"<updated>{rfc3339(_updated(feed))}</updated>",
        f"<author><name>{escape(feed.title)}</name></author>",
        *(line for item in feed.items for line in _atom_entry(item)),
        "</feed>\n",
    ]
    return "\n".join(lines)


def _atom_entry(item: FeedItem) -> list[str]:
    return [
        "<entry>",
        f"<title>{escape(item.title)}</title>",
        f'<link href="{escape(item.url)}"/>',
        f"<id>{escape(_id(item.url))}</id>",
        f"<published>{rfc3339(item.published)}</published>",
        f"<updated>{rfc3339(item.updated)}</updated>",
        *([f"<author><name>{escape(item.author)}</name></author>"] if item.author else []),
        *(f'<category term="{escape(category)}"/>' for category in item.categories),
        *([f"<summary>{escape(item.summary)}</summary>"] if item.summary else []),
        f'<content type="html">{cdata(item.html)}</content>',
        "</entry>",
    ]


def _updated(feed: Feed) -> datetime:
    return max((item.updated for item in feed.items), default=_EPOCH)


def _is_absolute(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _id(url: str) -> str:
    return url if _is_absolute(url) else uuid5(NAMESPACE_URL, url).urn
