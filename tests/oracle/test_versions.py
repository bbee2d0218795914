"""What made a page is read like all else: another version of it makes everything anew, by itself and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.daemon import project
from blogd.daemon.project import versions
from tests.support import Ground, build

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

POST = b"---\ncreatedAt: 2024-01-15T10:00:00Z\n---\nText\n"


def test_an_upgrade_makes_everything_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ground, out = Ground(tmp_path / "site"), tmp_path / "out"
    ground.write("posts/a.md", POST)
    first = build(ground.root, out)
    assert build(ground.root, out).made == []
    monkeypatch.setattr(project, "versions", lambda: "another")
    assert build(ground.root, out).made == first.made == sorted(first.files)
    assert build(ground.root, out).made == []


def test_versions_are_those_of_all_that_has_a_say() -> None:
    names = ("blogd", "python-liquid", "mistune", "Pygments", "python", "templates")
    assert [name for name in names if f"{name.lower()} " not in versions().lower()] == []
