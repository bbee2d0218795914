"""What is no project, and what is no place for output, is refused with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from blogd.daemon.exits import RefusalError
from blogd.daemon.options import Options, checked


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site" / "posts").mkdir(parents=True)
    return tmp_path / "site"


def check(site: Path, out: Path | None = None) -> Options:
    return checked(Options(mode="build", site=site, out=out))


def test_paths_become_absolute(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.parent)
    options = check(Path("site"), Path("public"))
    assert (options.site, options.out, options.output) == (site, site.parent / "public", site.parent / "public")
    assert check(Path("site")).output == site / "html"


def test_posts_or_a_project_file_make_a_project(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="not a project") as refusal:
        check(tmp_path)
    assert "blogd init" in refusal.value.hint
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "project.json").write_text("{}")
    assert check(tmp_path).site == tmp_path


def test_a_site_must_be_a_folder_that_exists(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusalError, match="no such folder"):
        check(tmp_path / "none")
    with pytest.raises(RefusalError, match="not a folder"):
        check(tmp_path / "file")


@pytest.mark.parametrize("out", [".", "..", "posts", "posts/sub", "media", "templates", "x/../meta"])
def test_output_may_not_cover_sources(site: Path, out: str) -> None:
    with pytest.raises(RefusalError, match="the output can't"):
        check(site, site / out)


def test_output_may_not_reach_sources_by_a_link(site: Path) -> None:
    (site.parent / "link").symlink_to(site / "posts")
    with pytest.raises(RefusalError, match="the output can't"):
        check(site, site.parent / "link")


def test_output_may_not_be_a_file(site: Path) -> None:
    (site / "file").touch()
    with pytest.raises(RefusalError, match="not a folder"):
        check(site, site / "file")


@pytest.mark.parametrize("out", ["html", "public/deep", "../elsewhere", "posts2"])
def test_output_may_be_anywhere_else(site: Path, out: str) -> None:
    assert check(site, site / out).output == site / out
