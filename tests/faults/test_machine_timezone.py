"""A blog that names no time zone has the machine's, which may be another in the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import Ground, build, post

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("is_edited", [False, True])
def test_another_time_zone_of_the_machine_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_edited: bool
) -> None:
    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", post("A", 1, createdAt="2024-01-05T10:30:00Z"))
    ground.write("posts/b.md", post("B", 1, createdAt="2024-01-05T23:30:00Z"))
    ground.write("posts/c.md", post("C", 1, createdAt="2024-01-06"))
    ground.write("templates/single-post.liquid", b"{{ post.created_at | date: '%F %R' }}")
    monkeypatch.setenv("TZ", "UTC")
    build(ground.root, ground.root / "html")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    if is_edited:
        ground.write("posts/d.md", post("D", 9))
    made = build(ground.root, ground.root / "html")
    assert made.files == build(ground.root, tmp_path / "clean").files
    assert made.made
    assert not build(ground.root, ground.root / "html").made
