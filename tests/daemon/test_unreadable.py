"""What can't be read for a while: what is known of it stays, and it is read again when that can be done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from blogd.daemon import sources
from tests.support import build, builder

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = PermissionError(13, "Permission denied")


def refuse(*_: object) -> NoReturn:
    raise REFUSED


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    for path, text in {
        "posts/one.md": "---\ncreatedAt: 2024-01-15\n---\nWords.\n",
        "assets/a.txt": "a",
        "meta/project.json": '{"name": "Old", "blogd": {"search": false}}',
        "templates/partials/footer.liquid": "old",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("path", "text"), [("meta/project.json", '{"name": "New"}'), ("templates/partials/footer.liquid", "new")]
)
def test_a_text_is_read_again(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    build(site, tmp_path / "out")
    (site / path).write_text(text, "utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(sources, "read_bytes", refuse)
        refused = build(site, tmp_path / "out")

    assert any(f"{path}: error: can't be read" in finding for finding in refused.findings)
    again, clean = (build(site, tmp_path / name) for name in ("out", "clean"))
    assert (again.files, again.findings) == (clean.files, [])


@pytest.mark.parametrize("folder", ["posts", "assets", "meta", "templates/partials"])
@pytest.mark.parametrize("is_told", [False, True])
def test_what_is_in_a_folder_stays(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, *, is_told: bool
) -> None:
    """In a look at everything, and in one at the folder that a watcher has named."""
    scandir = os.scandir
    with builder(site, tmp_path / "out", mode="watch") as opened:
        before = opened.build()
        with monkeypatch.context() as patch:

            def list_others(path: str) -> object:
                return refuse() if path == str(site / folder) else scandir(path)

            patch.setattr(os, "scandir", list_others)
            refused = opened.build([folder] if is_told else None)
        after = opened.build([folder] if is_told else None)

    assert (refused.files, refused.made) == (before.files, [])
    assert [finding.split(": error:")[0] for finding in refused.findings] == [folder]
    assert (after.files, after.made, after.findings) == (before.files, [], [])
