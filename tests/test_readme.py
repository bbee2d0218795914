"""What the README shows of a blog is a blog: its pieces, put together, are built without a finding."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.website import Website

if TYPE_CHECKING:
    from pathlib import Path

BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS: Final = re.compile(r"`(/[\w./-]*)`")

# What each block of the guide is, in the order in which they stand there; None: not a file.
FILES: Final = (
    None,
    "posts/2025/03/hello.md",
    "meta/project.json",
    "meta/category-meta.json",
    "meta/tags.json",
    "meta/menu.opml",
    "media/2025/03/boat.jpg.meta",
    "templates/single-post.liquid",
    "scripts/greet.py",
)
POST: Final = "---\ntitle: {title}\ncreatedAt: 2025-03-04T10:00:00Z\ncategories: [{category}]\n---\n{body}\n"


@pytest.fixture(scope="module")
def guide(project: Path) -> str:
    """The part of the README that tells of a blog's files."""
    readme = (project / "README.md").read_text("utf-8")
    return readme.partition("\n## A blog's files\n")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def website(guide: str, tmp_path_factory: pytest.TempPathFactory) -> Website:
    """The blog that the guide shows, with the other posts that it speaks of."""
    site = tmp_path_factory.mktemp("readme")
    for name, (_, text) in zip(FILES, BLOCK.findall(guide), strict=True):
        if name:
            write(site, name, text)
    write(site, "media/2025/03/boat.jpg", "")
    write(site, "posts/other-slug.md", POST.format(title="Other", category="recipe", body='[[greet who="you"]]'))
    write(site, "posts/about.md", POST.format(title="About", category="page", body="About."))
    write(site, "posts/2025/03/hello.de.md", "---\ntitle: Hallo\n---\nHallo.\n")
    write(site, "templates/recipe.liquid", "{{ post.content | markdown: post.id }}")
    write(site, "templates/wide.liquid", "{{ post.content | markdown: post.id }}")
    for number in range(50):
        write(site, f"posts/2024-01-01-{number}.md", "")
    command = [sys.executable, "-m", "blogd.daemon", "build", str(site), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert not [event for event in told if event["event"] == "diagnostic"]
    return Website(site / "html", "https://example.org/blog")


def write(site: Path, name: str, text: str) -> None:
    (site / name).parent.mkdir(parents=True, exist_ok=True)
    (site / name).write_text(text, "utf-8")


def test_all_addresses_are_there(guide: str, website: Website) -> None:
    table = guide.partition("\n### Addresses\n")[2].partition("\n### ")[0]
    addresses = [address for line in table.splitlines() if line.startswith("|") for address in ADDRESS.findall(line)]

    assert len(addresses) >= 14
    assert {website.file_of(f"{website.url}{address}") for address in addresses} <= website.files


def test_pictures_menu_and_macro_are_shown(website: Website) -> None:
    assert website.dead_links() == []
    assert "/blog/media/2025/03/boat.jpg" in website.pages["2025/03/05/hello/index.html"].links
    assert "/blog/category/article/" in website.pages["page/2/index.html"].links
