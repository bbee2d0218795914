"""The texts of meta/, templates/ and scripts/, and the sidecars of media/: what they say, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from blogd.daemon.timezone import local_timezone
from blogd.render.delta import Meta
from blogd.render.diagnostic import SourceError
from blogd.render.media import SUFFIX as SIDECAR
from blogd.render.media import media_without_sidecar, read_sidecar
from blogd.render.menu import DEFAULT_MENU, MENU_PATH, read_menu
from blogd.render.project import (
    CATEGORIES_PATH,
    CATEGORY_META_PATH,
    DEFAULT_CATEGORIES,
    DEFAULT_PROJECT,
    PROJECT_PATH,
    TAGS_PATH,
    read_categories,
    read_category_names,
    read_project,
    read_tags,
    template_names,
)
from blogd.render.template_source import Script, read_script, read_template

if TYPE_CHECKING:
    from blogd.render.diagnostic import Diagnostic
    from blogd.render.records import Media, TemplateSource

META_PATHS: Final = frozenset({PROJECT_PATH, CATEGORY_META_PATH, CATEGORIES_PATH, TAGS_PATH, MENU_PATH})
DEFAULT_META: Final = Meta(
    trees=(DEFAULT_PROJECT.main_language,), categories=dict(DEFAULT_CATEGORIES), menu=DEFAULT_MENU
)


class Texts(dict[str, bytes]):
    """The last good version of each text, by its path."""

    def keep(self, path: str, text: bytes | None) -> None:
        """Take a text over; None forgets it."""
        if text is None:
            self.pop(path, None)
        else:
            self[path] = text

    def meta(self, *, has_search: bool, timezone: str) -> Meta:
        """Give the settings as the meta files say; without `has_search`, whatever they say, there is none.

        `timezone` is that of a blog that names none, "" the machine's.
        """
        project, categories = DEFAULT_PROJECT, dict(DEFAULT_CATEGORIES)
        if PROJECT_PATH in self:
            project = read_project(self[PROJECT_PATH])[0]
        project = msgspec.structs.replace(project, search=project.search and has_search)
        if CATEGORY_META_PATH in self:
            categories = read_categories(self[CATEGORY_META_PATH])[0]
        tags = read_tags(self[TAGS_PATH])[0] if TAGS_PATH in self else {}
        menu = read_menu(self[MENU_PATH])[0] if MENU_PATH in self else DEFAULT_MENU
        others = (language for language in project.blog_languages if language != project.main_language)
        return Meta(
            project=project,
            trees=(project.main_language, *others),
            timezone=project.timezone or timezone or local_timezone(),
            categories=categories,
            tags=tags,
            menu=menu,
            namings={
                (path, name): place
                for path in (TAGS_PATH, CATEGORY_META_PATH)
                for name, place in template_names(self.get(path, b"")).items()
            },
        )

    def templates(self) -> dict[str, TemplateSource | None]:
        """Give the templates by name."""
        names = (template_name(path) for path in self if path.startswith("templates/"))
        return {name: found for name in names if (found := self.template(name))}

    def template(self, name: str) -> TemplateSource | None:
        """Give a template, None if there is none that can be read."""
        path = f"templates/{name}.liquid"
        if path not in self:
            return None
        try:
            return read_template(name, path, self[path])
        except SourceError:
            return None

    def macros(self) -> dict[str, Script]:
        """Give the scripts of macros by slug, in lower case; of several, the first by path."""
        found: dict[str, Script] = {}
        for path in sorted(path for path in self if path.startswith("scripts/")):
            script = read_script(path, self[path])
            if script.enabled and script.kind == "macro":
                found.setdefault(script.slug.lower(), script)
        return found

    def media(self, path: str, timezone: str) -> Media:
        """Give a media file, and what its sidecar says of it."""
        sidecar = self.get(path + SIDECAR)
        if sidecar is None:
            return media_without_sidecar(path)
        return read_sidecar(path + SIDECAR, sidecar, ZoneInfo(timezone))[0]


_META_READERS: Final = {
    PROJECT_PATH: read_project,
    CATEGORY_META_PATH: read_categories,
    CATEGORIES_PATH: read_category_names,
    TAGS_PATH: read_tags,
    MENU_PATH: read_menu,
}


def findings(path: str, text: bytes) -> tuple[Diagnostic, ...]:
    """Say what is wrong with a text."""
    try:
        if path in META_PATHS:
            return _META_READERS[path](text)[1]
        if path.endswith(SIDECAR):
            return read_sidecar(path, text)[1]
        if path.startswith("templates/"):
            read_template(template_name(path), path, text)
        elif path.startswith("scripts/"):
            read_script(path, text)
    except SourceError as error:
        return (error.diagnostic,)
    return ()


def is_text(path: str) -> bool:
    """Tell whether a source is one of these."""
    if path.startswith("media/"):
        return path.endswith(SIDECAR)
    return path.startswith(("meta/", "templates/", "scripts/"))


def template_name(path: str) -> str:
    """Give the name that templates know a file of templates/ by."""
    return path.removeprefix("templates/").removesuffix(".liquid")
