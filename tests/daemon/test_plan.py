from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import Ground, build

if TYPE_CHECKING:
    from pathlib import Path

URLS = 5  # home, year, month, day and the post itself


@pytest.mark.parametrize(("most", "parts"), [(URLS, []), (URLS - 1, ["sitemap-1.xml", "sitemap-2.xml"])])
def test_the_sitemap_has_as_many_parts_as_its_urls_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, parts: list[str]
) -> None:
    """What it doesn't list, the page of what isn't found and copied pages, counts for nothing."""
    monkeypatch.setattr("blogd.render.routes.MAX_URLS", most)
    monkeypatch.setattr("blogd.render.sitemap.MAX_URLS", most)
    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", b"---\ncreatedAt: 2024-01-15T10:00:00Z\n---\n")
    ground.write("assets/page.html", b"")

    outcome = build(ground.root, tmp_path / "out")

    assert outcome.findings == []
    assert sorted(name for name in outcome.files if name.startswith("sitemap-")) == parts
