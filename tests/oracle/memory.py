"""A project folder in memory, and the site that it makes: edits without files, thousands of them in seconds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from blogd.daemon.output import digest
from blogd.render.body import Link, Macro
from blogd.render.diagnostic import SourceError
from blogd.render.links import link_target
from blogd.render.markdown import render_body
from blogd.render.media import media_without_sidecar, read_sidecar
from blogd.render.menu import DEFAULT_MENU, MENU_PATH, read_menu
from blogd.render.posts import read_post
from blogd.render.project import (
    CATEGORY_META_PATH,
    DEFAULT_CATEGORIES,
    DEFAULT_PROJECT,
    PROJECT_PATH,
    TAGS_PATH,
    read_categories,
    read_project,
    read_tags,
)
from blogd.render.site import BodyRef, Delta, Entry, Meta
from blogd.render.template_source import read_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blogd.render.posts import PostFile
    from blogd.render.records import Media, TemplateSource

T = TypeVar("T")

SIDECAR: Final = ".meta"


class Memory:
    """Files by path; what `edits` need of a project folder."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, path: str, data: bytes) -> list[str]:
        if any(known.startswith(f"{path}/") or path.startswith(f"{known}/") for known in self.files):
            raise OSError
        self.files[path] = data
        return [path]

    def touch(self, path: str) -> list[str]:
        return [path]

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise OSError
        return self.files[path]

    def delete(self, path: str) -> list[str]:
        self.read(path)
        del self.files[path]
        return [path]

    def rename(self, path: str, to: str) -> list[str]:
        moved = {name: to + name[len(path) :] for name in self.files if name == path or name.startswith(f"{path}/")}
        if not moved or any(known.startswith(f"{to}/") or to.startswith(f"{known}/") for known in self.files):
            raise OSError
        for name, target in moved.items():
            self.files[target] = self.files.pop(name)
        return [path, to]


def whole(files: dict[str, bytes]) -> Delta:
    """Read all files, as a delta to an empty site."""
    meta = _meta(files)
    paths = [path for path in files if path.startswith("media/") and not path.endswith(SIDECAR)]
    posts = {path: _entry(path, files[path], meta.timezone) for path in files if path.endswith(".md")}
    templates = {path[10:-7]: _template(path, data) for path, data in files.items() if path.startswith("templates/")}
    return Delta(
        meta=meta,
        entries={path: entry for path, entry in posts.items() if entry and path.startswith("posts/")},
        media={path: _media(path, files.get(path + SIDECAR)) for path in paths},
        templates={name: template for name, template in templates.items() if template},
    )


def delta(old: Delta, new: Delta) -> Delta:
    """Give what leads from one whole to another."""
    return Delta(
        meta=None if old.meta == new.meta else new.meta,
        entries=_difference(old.entries, new.entries),
        media=_difference(old.media, new.media),
        templates=_difference(old.templates, new.templates),
    )


def _difference(old: Mapping[str, T | None], new: Mapping[str, T | None]) -> dict[str, T | None]:
    return {path: new.get(path) for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)}


def _entry(path: str, data: bytes, timezone: str) -> Entry | None:
    parsed = _read_post(path, data, timezone)
    shown = parsed.post is not None and parsed.post.status == "published"
    return Entry(parsed.post, _body(path, parsed.text)) if parsed.post is not None and shown else None


@lru_cache(maxsize=4096)
def _read_post(path: str, data: bytes, timezone: str) -> PostFile:
    return read_post(path, data, ZoneInfo(timezone))


@lru_cache(maxsize=4096)
def _body(path: str, text: str) -> BodyRef:
    body = render_body(text, highlight=False)
    urls = (piece.url for piece in body.pieces if isinstance(piece, Link) and piece.attribute == "href")
    links = tuple(dict.fromkeys(url for url in urls if link_target(url, path)))
    macros = tuple(piece for piece in body.pieces if isinstance(piece, Macro))
    return BodyRef("", 0, 0, digest(text.encode()), links, macros)


def _media(path: str, sidecar: bytes | None) -> Media:
    return media_without_sidecar(path) if sidecar is None else read_sidecar(path + SIDECAR, sidecar)[0]


def _template(path: str, data: bytes) -> TemplateSource | None:
    return _read(lambda found: read_template(path[10:-7], path, found), data, None)


def _meta(files: Mapping[str, bytes]) -> Meta:
    project = _read(lambda data: read_project(data)[0], files.get(PROJECT_PATH), DEFAULT_PROJECT)
    others = (language for language in project.blog_languages if language != project.main_language)
    return Meta(
        project=project,
        trees=(project.main_language, *others),
        timezone=project.timezone or "UTC",
        categories=_read(lambda data: read_categories(data)[0], files.get(CATEGORY_META_PATH), dict(DEFAULT_CATEGORIES)),
        tags=_read(lambda data: read_tags(data)[0], files.get(TAGS_PATH), {}),
        menu=_read(lambda data: read_menu(data)[0], files.get(MENU_PATH), DEFAULT_MENU),
    )


def _read(reader: Callable[[bytes], T], data: bytes | None, default: T) -> T:
    if data is None:
        return default
    try:
        return reader(data)
    except SourceError:
        return default
