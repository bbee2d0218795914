"""The starter blog as it is served, at the root of a host and below it: valid pages, no dead link, whole lists."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from blogd.daemon.pagefind import pagefind_version
from tests.website import Document, Website

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ROOT = "https://blog.example"
BELOW = f"{ROOT}/some/path"
SHORT = re.compile(r"\d{4}/\d\d/\d\d/([^/]+/index\.html)")
LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
ALTERNATE = "{http://www.w3.org/1999/xhtml}link"


class FeedEntry(Protocol):
    """What feedparser says of an entry."""

    link: str
    content: list[Mapping[str, str]]


class ParsedFeed(Protocol):
    """What feedparser says of a feed."""

    bozo: bool
    version: str
    feed: Mapping[str, str]
    entries: list[FeedEntry]


parse_feed = cast("Callable[[bytes], ParsedFeed]", import_module("feedparser").parse)  # a library without types


def blogd(*arguments: object) -> None:
    command = [sys.executable, "-m", "blogd.daemon", *map(str, arguments)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.fixture(scope="module", params=[ROOT, BELOW])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Website]:
    """The output folder of a starter blog with that `publicUrl`, and the website that it is."""
    url = cast("str", request.param)
    folder = tmp_path_factory.mktemp("starter")
    blogd("init", folder)
    settings = folder / "meta/project.json"
    project = json.loads(settings.read_text("utf-8"))
    settings.write_text(json.dumps({**project, "publicUrl": url}), "utf-8")
    blogd("build", folder)
    return folder / "html", Website(folder / "html", url)


def test_pages_that_are_in_no_list_are_among_those_looked_at(site: tuple[Path, Website]) -> None:
    _, website = site
    searched = {"search/index.html", "de/search/index.html"}

    assert {"404.html", "de/404.html"} <= website.pages.keys()
    assert website.pages.keys() & searched == (searched if pagefind_version() else set())


def test_every_page_and_the_stylesheets_are_valid(site: tuple[Path, Website], vnu_jar: Path) -> None:
    """Warnings count: there are none."""
    out, website = site
    files = [out / name for name in sorted(website.files) if name.endswith((".html", ".css"))]
    options = ["--also-check-css", "--stdout", "--format", "json"]
    command = ["java", "-jar", str(vnu_jar), *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert len(files) > 200
    assert json.loads(done.stdout)["messages"] == []


def test_every_link_leads_somewhere(site: tuple[Path, Website]) -> None:
    _, website = site

    assert sum(len(page.links) for page in website.pages.values()) > 5_000
    assert website.dead_links() == []


def test_no_page_has_an_id_twice(site: tuple[Path, Website]) -> None:
    _, website = site

    assert {name: page.repeated() for name, page in website.pages.items() if page.repeated()} == {}


def test_every_page_can_be_reached_from_home(site: tuple[Path, Website]) -> None:
    _, website = site
    seen, left = set[str](), ["index.html"]
    while left:
        name = left.pop()
        if name in website.pages and name not in seen:
            seen.add(name)
            left += website.targets(name)

    # A page's own address is the short one; its dated one is there for those who know it.
    dated = {name for name in website.pages if (short := SHORT.sub(r"\1", name)) != name and short in website.pages}
    assert dated
    assert website.pages.keys() - seen - dated == {"404.html", "de/404.html"}


def test_feeds_parse_and_lead_somewhere(site: tuple[Path, Website]) -> None:
    out, website = site
    for name in ("rss.xml", "atom.xml", "de/rss.xml", "de/atom.xml"):
        feed = parse_feed((out / name).read_bytes())
        links = [entry.link for entry in feed.entries]
        bodies = [Document(part["value"]).links for entry in feed.entries for part in entry.content]
        inner = [link for body in bodies for link in body]

        assert not feed.bozo
        assert feed.version == ("rss20" if "rss" in name else "atom10")
        assert feed.feed["link"] == website.url_of(name.removesuffix("rss.xml").removesuffix("atom.xml"))
        assert len(links) == len(bodies) == 8
        assert all(link.startswith(f"{website.url}/") for link in links)
        assert inner
        assert not [link for link in inner if link.startswith("/")]
        assert [*website.dead_among([*links, *inner], name)] == []


@pytest.mark.parametrize("name", ["rss.xml", "de/rss.xml", "atom.xml", "de/atom.xml", "sitemap.xml"])
def test_feeds_and_sitemap_keep_the_rules_of_their_formats(
    site: tuple[Path, Website], project: Path, name: str
) -> None:
    out, _ = site
    schema = xmlschema.XMLSchema11(project / "tests/render/schemas" / f"{(out / name).stem}.xsd")

    schema.validate(out / name)


def test_the_sitemap_has_every_page_once(site: tuple[Path, Website]) -> None:
    out, website = site
    tree = ET.parse(out / "sitemap.xml")
    locations = [element.text or "" for element in tree.iter(LOC)]
    others = [element.attrib["href"] for element in tree.iter(ALTERNATE)]
    pages = {name for name in website.pages if not name.endswith(("404.html", "search/index.html"))}

    assert len(locations) == len(set(locations)) == len(pages)
    assert {*map(website.file_of, locations)} == pages
    assert others
    assert [*website.dead_among(others, "sitemap.xml")] == []
