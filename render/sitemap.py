"""The sitemap (https://www.sitemaps.org/protocol.html), with the languages of each page as `xhtml:link` alternates.

A sitemap holds 50,000 addresses at most. Past that, `sitemap.xml` is an index of `sitemap-1.xml`, `sitemap-2.xml`, …
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from blogd.render.instants import rfc3339
from blogd.render.xmltext import escape

MAX_URLS = 50_000

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


class SitemapUrl(msgspec.Struct, frozen=True, kw_only=True):
    """A page. `alternates` are (language, address) of all its languages, its own included, the default one first."""

    loc: str
    lastmod: datetime | None = None
    alternates: tuple[tuple[str, str], ...] = ()


def sitemap(urls: list[SitemapUrl], root: str, name: str) -> str:
    """Write one of the sitemap's files; `root` is the site's address, without trailing slash."""
    starts = range(0, len(urls), MAX_URLS)
    parts = {f"sitemap-{number}.xml": urls[start : start + MAX_URLS] for number, start in enumerate(starts, 1)}
    if name in parts:
        return _url_set(parts[name])
    return _index(parts, root) if len(parts) > 1 else _url_set(urls)


def _index(parts: dict[str, list[SitemapUrl]], root: str) -> str:
    entries = "".join(
        f"<sitemap>\n<loc>{escape(f'{root}/{name}')}</loc>\n{_lastmod(_newest(urls))}</sitemap>\n"
        for name, urls in parts.items()
    )
    return f'{_HEAD}<sitemapindex xmlns="{_NAMESPACE}">\n{entries}</sitemapindex>\n'


def _newest(urls: list[SitemapUrl]) -> datetime | None:
    return max((url.lastmod for url in urls if url.lastmod is not None), default=None)


def _url_set(urls: list[SitemapUrl]) -> str:
    entries = "".join(map(_url, urls))
    xhtml = ' xmlns:xhtml="http://www.w3.org/1999/xhtml"' if any(url.alternates for url in urls) else ""
    return f'{_HEAD}<urlset xmlns="{_NAMESPACE}"{xhtml}>\n{entries}</urlset>\n'


def _url(url: SitemapUrl) -> str:
    links = "".join(_alternate(language, href) for language, href in url.alternates)
    if url.alternates:
        links += _alternate("x-default", url.alternates[0][1])
    return f"<url>\n<loc>{escape(url.loc)}</loc>\n{_lastmod(url.lastmod)}{links}</url>\n"


def _lastmod(moment: datetime | None) -> str:
    return f"<lastmod>{rfc3339(moment)}</lastmod>\n" if moment is not None else ""


def _alternate(language: str, href: str) -> str:
    return f'<xhtml:link rel="alternate" hreflang="{escape(language)}" href="{escape(href)}"/>\n'
