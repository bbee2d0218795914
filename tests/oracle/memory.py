"""A project folder in memory, and the site that it makes: edits without files, thousands of them in seconds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

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
    from collections.abc import Callable

    from blogd.render.body import Body
    from blogd.render.records import Media, Project, TemplateSource

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


def _difference[T](old: dict[str, T | None], new: dict[str, T | None]) -> dict[str, T | None]:
    return {path: new.get(path) for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
