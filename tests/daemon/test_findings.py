"""What stands and what is over, by whom it was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.daemon.findings import Findings
from blogd.render.diagnostic import Diagnostic
from tests.support import Ground, builder

if TYPE_CHECKING:
    from pathlib import Path


def finding(path: str) -> Diagnostic:
    return Diagnostic(severity="warning", path=path, message="odd")


def test_a_review_replaces_what_was_found_at_and_below_its_paths() -> None:
    findings = Findings()
    findings.replace(("scan",), map(finding, ("posts/a.md", "posts/b", "posts/b/c.md", "posts/bc.md")))
    findings.review(("scan",), ["posts/b"], [finding("posts/b/new.md")])

    assert [found.path for found in findings.of(("scan",))] == ["posts/a.md", "posts/b/new.md", "posts/bc.md"]


def test_what_a_look_finds_is_told_and_over_when_it_is_mended(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", b"---\ncreatedAt: 2024-01-01\n---\n")
    (tmp_path / "elsewhere.md").write_text("none of the site's business")
    with builder(ground.root, tmp_path / "out", mode="watch") as opened:
        opened.build()
        (ground.root / "posts/b.md").symlink_to(tmp_path / "elsewhere.md")
        told = opened.build(["posts/b.md"]).findings
        still = opened.build(ground.touch("posts/a.md")).findings
        (ground.root / "posts/b.md").unlink()
        over = opened.build(["posts/b.md"]).findings

    assert told == still == ["posts/b.md: warning: is a link that leads out of the site; it is left out"]
    assert over == []
