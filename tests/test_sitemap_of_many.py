"""A sitemap past its limit, here a small one: an index, and each page once in its parts; nothing else changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from blogd.render import routes, sitemap
from tests.support import Ground, Outcome, build, builder

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 9
LOC = re.compile(rb"<loc>(.*?)</loc>")
ROOT = "https://example.com"
LONG = "ü" * 128  # no file can have that name


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    for module in (routes, sitemap):
        monkeypatch.setattr(module, "MAX_URLS", LIMIT)
    ground = Ground(tmp_path / "site")
    ground.write("meta/project.json", f'{{"publicUrl": "{ROOT}", "blogLanguages": ["en", "de"]}}'.encode())
    return ground


def write_post(ground: Ground, name: str, matter: str = "") -> list[str]:
    return ground.write(f"posts/{name}.md", f"---\ncreatedAt: 2024-01-15T10:00:00Z\n{matter}---\n".encode())


def pages(outcome: Outcome) -> list[str]:
    """Give the URLs that pages are found under."""
    paths = (path for path in outcome.files if path.endswith("index.html"))
    return sorted(f"{ROOT}/{path.removesuffix('index.html')}" for path in paths)


def parts(outcome: Outcome) -> dict[str, list[str]]:
    """Give the addresses in each file of the sitemap."""
    files = (path for path in outcome.files if path.startswith("sitemap"))
    return {path: [loc.decode() for loc in LOC.findall(outcome.files[path])] for path in files}


def test_a_site_of_many_pages_has_an_index_of_sitemaps(ground: Ground, tmp_path: Path) -> None:
    for name in "abc":
        write_post(ground, name, f"tags: [t, {LONG}]\ncategories: [c]\n")
    write_post(ground, "rss.xml", "categories: [page]\n")
    write_post(ground, "long", f"slug: {LONG}\n")
    with builder(ground.root, tmp_path / "html", mode="watch") as watch:
        many = watch.build()
        found = parts(many)
        names = sorted(found.keys() - {"sitemap.xml"})

        assert len(pages(many)) > 2 * LIMIT
        assert b"<sitemapindex" in many.files["sitemap.xml"]
        assert found["sitemap.xml"] == [f"{ROOT}/{name}" for name in names]
        assert [len(found[name]) for name in names[:-1]] == [LIMIT] * (len(names) - 1)
        assert sorted(loc for name in names for loc in found[name]) == pages(many)

        few = watch.build([*ground.delete("posts"), *ground.write("meta/project.json", b"{}")])
        assert parts(few) == {"sitemap.xml": ["/"]}
        assert build(ground.root, tmp_path / "clean").files == few.files


@pytest.mark.parametrize("count", range(1, 9))
def test_the_limit_is_met_whatever_the_number_of_pages(ground: Ground, tmp_path: Path, count: int) -> None:
    ground.write("meta/project.json", f'{{"publicUrl": "{ROOT}"}}'.encode())
    for number in range(count):
        write_post(ground, f"p{number}", f"tags: [{LONG}]\n" if number else "")
    outcome = build(ground.root, tmp_path / "html")
    found = parts(outcome)

    assert (len(found) > 1) == (len(pages(outcome)) > LIMIT)
    index = found.pop("sitemap.xml") if len(found) > 1 else []
    assert index == [f"{ROOT}/{name}" for name in sorted(found) if index]
    assert sorted(loc for locs in found.values() for loc in locs) == pages(outcome)
