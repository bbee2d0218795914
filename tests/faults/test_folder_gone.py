"""A folder that goes while what was seen in it waits to be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import Ground, build, builder, post

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_is_moved_away_after_a_full_look_is_gone(tmp_path: Path) -> None:
    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", post("A", 1))
    ground.write("posts/folder/b.md", post("B", 2))
    with builder(ground.root, ground.root / "html") as opened:
        opened.build()
        opened.engine.look_everywhere()  # and before it gets to compare, because it is reading:
        (ground.root / "posts/folder").rename(tmp_path / "elsewhere")
        made = opened.build(["posts/folder"])
    assert made.files == build(ground.root, tmp_path / "clean").files
