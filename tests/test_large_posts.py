"""A post of several megabytes is a post like others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import Ground, build

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTES = 4
CHAPTER = "## {0}\n\n" + "Some words of a *very* long book. " * 50 + "[And on](/posts/small#{0}).\n\n- an item\n\n"


def test_megabytes_of_markdown_are_built_with_the_rest(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "site")
    chapters = [CHAPTER.format(number) for number in range((MEGABYTES << 20) // len(CHAPTER))]
    ground.write("posts/large.md", f"---\ndate: 2024-01-15\n---\n{''.join(chapters)}\nThe end.\n".encode())
    ground.write("posts/small.md", b"---\ndate: 2024-01-15\n---\nA [link](/posts/large#7).\n")

    built = build(ground.root, tmp_path / "html", workers=1)

    page = built.files["2024/01/15/large/index.html"].decode()
    assert built.findings == []
    assert page.count('<a href="/2024/01/15/small/#') == len(chapters)
    assert "<p>The end.</p>" in page
    assert '<a href="/2024/01/15/large/#7">' in built.files["2024/01/15/small/index.html"].decode()
