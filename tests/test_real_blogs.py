"""Two real blogs, built as they are: no crash, no false finding, and no dead link but those of their authors.

Neither blog was written for blogd. What each is expected to give was checked by hand against its sources:

- Eight posts of digitalgov are drafts.
- 18f has no link in a form that blogd resolves; digitalgov has one, and it leads to a post. So there is no finding.
- Dead links are links of the posts themselves: Liquid (`{{ site.baseurl }}/assets/…`) and Hugo shortcodes, which are
  text in a body; files and pages of the two websites that are no posts; addresses without `https://` or `mailto:`; and
  fragments that name no heading. None of them was made by blogd.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import pytest

from tests.website import Website

if TYPE_CHECKING:
    from pathlib import Path


SINGLE = "[0-9]*/[0-9]*/[0-9]*/*/index.html"


class Expected(NamedTuple):
    """What was found by hand: posts, those of them that are drafts, and URLs that lead nowhere."""

    name: str
    posts: int
    drafts: int
    dead: int


BLOGS = (Expected("18f", 509, 0, 91), Expected("digitalgov", 2648, 8, 20))


class Blog(NamedTuple):
    """A blog that was built twice; the events of both builds."""

    expected: Expected
    folder: Path
    first: list[dict[str, object]]
    second: list[dict[str, object]]


def build(folder: Path) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "blogd.daemon", "build", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=BLOGS, ids=lambda blog: blog.name)
def blog(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Blog:
    """A real blog, built twice."""
    expected: Expected = request.param
    folder = tmp_path_factory.mktemp("real")
    with tarfile.open(shared / "corpora" / f"{expected.name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    folder /= expected.name
    return Blog(expected, folder, build(folder), build(folder))


def test_it_is_built_without_a_finding(blog: Blog) -> None:
    told = [event for event in (*blog.first, *blog.second) if event["event"] in {"diagnostic", "note"}]
    singles = [path for path in (blog.folder / "html").glob(SINGLE) if path.parts[-3] != "page"]

    assert told == []
    assert len([*(blog.folder / "posts").rglob("*.md")]) == blog.expected.posts
    assert len(singles) == blog.expected.posts - blog.expected.drafts


def test_a_second_build_makes_nothing(blog: Blog) -> None:
    first, second = blog.first[-1], blog.second[-1]

    assert first["written"] == first["pages"]
    assert (second["rendered"], second["written"], second["pages"]) == (0, 0, first["pages"])


def test_dead_links_are_their_authors_own(blog: Blog) -> None:
    website = Website(blog.folder / "html", f"https://{blog.expected.name}.example")
    dead = {link.url for link in website.dead_links()}
    sources = "\n".join(path.read_text("utf-8") for path in (blog.folder / "posts").rglob("*.md"))

    assert len(dead) == blog.expected.dead
    assert [url for url in dead if unquote(url) not in unquote(sources)] == []
