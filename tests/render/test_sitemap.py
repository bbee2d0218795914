from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from blogd.render import sitemap as writer
from blogd.render.sitemap import MAX_URLS, SitemapUrl, sitemap

SCHEMA = xmlschema.XMLSchema11(Path(__file__).parent / "schemas" / "sitemap.xsd")
ROOT = "https://example.org/blog"
ENGLISH, GERMAN = ("en", f"{ROOT}/a&b/"), ("de", f"{ROOT}/de/a&b/")
MOMENT = datetime(2024, 1, 15, 10, tzinfo=timezone(timedelta(hours=1)))
URLS = [
    SitemapUrl(loc=f"{ROOT}/"),
    SitemapUrl(loc=ENGLISH[1], lastmod=MOMENT, alternates=(ENGLISH, GERMAN)),
    SitemapUrl(loc=GERMAN[1], lastmod=MOMENT, alternates=(ENGLISH, GERMAN)),
]


def whole(urls: list[SitemapUrl]) -> str:
    return sitemap(urls, ROOT, "sitemap.xml")


def test_the_file_in_full() -> None:
    assert (
        whole(URLS[:2])
        == """<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<url>
<loc>https://example.org/blog/</loc>
</url>
<url>
<loc>https://example.org/blog/a&amp;b/</loc>
<lastmod>2024-01-15T10:00:00+01:00</lastmod>
<xhtml:link rel="alternate" hreflang="en" href="https://example.org/blog/a&amp;b/"/>
<xhtml:link rel="alternate" hreflang="de" href="https://example.org/blog/de/a&amp;b/"/>
<xhtml:link rel="alternate" hreflang="x-default" href="https://example.org/blog/a&amp;b/"/>
</url>
</urlset>
"""
    )


@pytest.mark.parametrize("urls", [URLS, URLS[:1], []])
def test_a_sitemap_keeps_the_rules_of_the_protocol(urls: list[SitemapUrl]) -> None:
    SCHEMA.validate(whole(urls))


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("<loc>https://example.org/blog/</loc>\n", ""),
        ("<loc>https://example.org/blog/</loc>", "<loc>/blog/</loc>"),
        ("2024-01-15T10:00:00+01:00", "2024-01-15T10:00:00"),
        ('hreflang="de"', 'hreflang="en"'),
        ('rel="alternate"', 'rel="me"'),
        ("</loc>", "</loc><changed/>"),
    ],
)
def test_the_schema_finds_what_is_wrong(found: str, put: str) -> None:
    text = whole(URLS)
    assert found in text
    assert not SCHEMA.is_valid(text.replace(found, put))


def test_past_the_limit_there_is_an_index_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_URLS == 50_000
    monkeypatch.setattr(writer, "MAX_URLS", 10)
    urls = [SitemapUrl(loc=f"{ROOT}/{n}/", lastmod=datetime(2024, 1, n, tzinfo=UTC)) for n in range(21, 0, -1)]
    assert len(ET.fromstring(whole(urls[:10])).findall("{*}url")) == 10
    index = whole(urls)
    SCHEMA.validate(index)
    names = ["sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml"]
    assert [loc.text for loc in ET.fromstring(index).iter() if loc.tag.endswith("loc")] == [
        f"{ROOT}/{name}" for name in names
    ]
    assert re.findall(r"2024-01-(\d\d)T00:00:00Z", index) == ["21", "11", "01"]
    listed = [url.findtext("{*}loc") for name in names for url in ET.fromstring(sitemap(urls, ROOT, name))]
    assert listed == [url.loc for url in urls]


@given(st.text(max_size=20))
def test_any_text_makes_xml(text: str) -> None:
    urls = [SitemapUrl(loc=text, alternates=(("en", text),))]
    root = ET.fromstring(whole(urls).encode())
    assert len(root) == 1


def test_the_schema_finds_a_page_given_twice() -> None:
    assert not SCHEMA.is_valid(whole([URLS[0], URLS[0]]))
