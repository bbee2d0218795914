from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.website import Document, Website

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://blog.example/some/path"
PAGE = '<h1 id="top-of-it">T</h1><a name="old"></a>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ä b").mkdir()
    (tmp_path / "ä b" / "index.html").write_text(PAGE, "utf-8")
    (tmp_path / "a.png").touch()
    return tmp_path


def dead(folder: Path, html: str) -> list[tuple[str, str]]:
    (folder / "index.html").write_text(html, "utf-8")
    return [(link.url, link.reason) for link in Website(folder, URL).dead_links()]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="/some/path/%C3%A4%20b/#top-of-it">',
        '<a href="ä%20b/#old">',
        '<a href="ä%20b/?q=1#">',
        '<a href="#top"><a href="">',
        '<a href="https://blog.example/some/path/">',
        '<a href="https://other.example/gone"><a href="//other.example/gone"><a href="mailto:a@b.example">',
        '<img src="a.png" srcset="/some/path/a.png 1x, a.png 2x">',
    ],
)
def test_links_that_lead_somewhere(folder: Path, html: str) -> None:
    assert not dead(folder, html)


@pytest.mark.parametrize(
    ("html", "url", "reason"),
    [
        ('<a href="/some/path/gone/">', "/some/path/gone/", "no such file"),
        ('<a href="/some/path/%C3%A4%20b">', "/some/path/%C3%A4%20b", "no such file"),
        ('<a href="/%C3%A4%20b/">', "/%C3%A4%20b/", "outside /some/path/"),
        ('<a href="https://blog.example/">', "https://blog.example/", "outside /some/path/"),
        ('<a href="ä%20b/#gone">', "ä%20b/#gone", "no such id"),
        ('<a href="#gone">', "#gone", "no such id"),
        ('<a href="http://[">', "http://[", "no URL"),
        ('<img src="b.png"/>', "b.png", "no such file"),
        ('<img srcset="a.png 1x, b.png 2x">', "b.png", "no such file"),
        ('<link rel="canonical" href="/gone">', "/gone", "outside /some/path/"),
        ('<meta property="og:url" content="https://blog.example/some/path/gone/">', f"{URL}/gone/", "no such file"),
        ('<video poster="b.png">', "b.png", "no such file"),
        ('<form action="find/">', "find/", "no such file"),
    ],
)
def test_links_that_lead_nowhere(folder: Path, html: str, url: str, reason: str) -> None:
    assert dead(folder, html) == [(url, reason)]


def test_links_in_comments_and_scripts_are_none(folder: Path) -> None:
    assert not dead(folder, '<!-- <a href="/gone"> --><script>"<a href=/gone>"</script>')


def test_ids_that_are_given_twice() -> None:
    assert Document('<p id="a"><p id="b"/><p id="a">').repeated() == ["a"]
