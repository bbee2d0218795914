"""Reasons in `--verbose`: a line for each page, or one for all that share a reason."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from blogd.cache.reasons import Cause, changed_answer
from blogd.daemon.events import Explained
from blogd.daemon.explaining import explained
from blogd.render.reads import ALL, ASPECT
from tests.support import Ground

if TYPE_CHECKING:
    from pathlib import Path

    from blogd.render.reads import Entity

ENTITIES: list[Entity] = [(), ("post", "posts/a.md", "en"), ("template", "partials/footer")]


def events(reasons: dict[int, list[str]]) -> list[Explained]:
    return list(explained(reasons, ENTITIES.__getitem__))


def test_few_pages_are_named_by_their_urls() -> None:
    reason = changed_answer(1, ASPECT["title"] | ASPECT["path"], ASPECT["title"] | ASPECT["body"])
    assert events({reason: ["index.html", "2024/a/index.html", "rss.xml"]}) == [
        Explained(page=page, reason="title of posts/a.md (en) changed") for page in ("/", "/2024/a/", "/rss.xml")
    ]


def test_many_pages_that_share_a_reason_are_counted() -> None:
    reasons = {changed_answer(2, 1, 1): [f"{n}.html" for n in range(1337)], int(Cause.NEW): ["new/index.html"]}
    assert events(reasons) == [
        Explained(page="1,337 pages", reason="template partials/footer changed"),
        Explained(page="/new/", reason="it is new"),
    ]


def test_a_post_that_came_or_went_changed_as_a_whole() -> None:
    reason = changed_answer(1, ASPECT["title"], ALL)
    assert events({reason: ["a.html"]}) == [Explained(page="/a.html", reason="posts/a.md (en) came or went")]


def test_a_verbose_build_explains_itself_and_others_do_not(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", b"---\ntitle: A\ncreatedAt: 2024-01-01\n---\nOne.\n")

    def build(*flags: str) -> list[str]:
        command = [sys.executable, "-m", "blogd.daemon", "build", str(ground.root), "--workers", "1", *flags]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()

    assert any(line.endswith(" pages: first build") for line in build("--verbose"))
    ground.write("posts/a.md", b"---\ntitle: A\ncreatedAt: 2024-01-01\n---\nTwo.\n")
    assert any(line.endswith(" pages: body of posts/a.md (en) changed") for line in build("--verbose"))
    ground.write("posts/a.md", b"---\ntitle: A\ncreatedAt: 2024-01-01\n---\nThree.\n")
    assert not any("body of" in line for line in build())
