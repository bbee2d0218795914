"""`init` writes the starter blog, and nothing over anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blogd.daemon.exits import RefusalError
from blogd.daemon.init import write_starter
from blogd.daemon.options import Options, checked

if TYPE_CHECKING:
    from pathlib import Path


def test_the_starter_blog_is_a_project(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "blog"
    count = write_starter(folder)
    assert count == sum(path.is_file() for path in folder.rglob("*"))
    assert checked(Options(mode="build", site=folder)).site == folder


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_starter(tmp_path)
    assert (tmp_path / "posts").is_dir()


@pytest.mark.parametrize("kind", ["file", "full folder"])
def test_nothing_is_written_over_anything(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "there"
    target.touch() if kind == "file" else (target / "mine").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RefusalError, match="not an empty folder"):
        write_starter(target)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusalError, match="Not a directory"):
        write_starter(tmp_path / "file" / "blog")
