"""The JSON files of `meta/`: the project, its categories and its tags.

Each reader takes a file's bytes and gives values and findings. An entry that makes no sense is told and left at its
default; a file that can't be read at all raises SourceError, and the caller goes on with the last good version or with
the defaults, which are constants here for projects that have no such file.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import msgspec

from blogd.render.fields import parse_language
from blogd.render.instants import find_zone
from blogd.render.jsonfile import JsonFile, position
from blogd.render.limits import Limits
from blogd.render.records import Category, Project, Tag
from blogd.render.source import BOM, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blogd.render.diagnostic import Diagnostic

PROJECT_PATH = "meta/project.json"
CATEGORY_META_PATH = "meta/category-meta.json"
CATEGORIES_PATH = "meta/categories.json"
TAGS_PATH = "meta/tags.json"

DEFAULT_PROJECT = Project()
DEFAULT_CATEGORIES: Mapping[str, Category] = {
    "article": Category(name="article", title="article"),
    "picture": Category(name="picture", title="picture"),
    "aside": Category(name="aside", title="aside", show_title=False),
    "page": Category(name="page", title="page", render_in_lists=False),
}

_MAX_PAGE_SIZE = 500
_MAX_DEPTH = 60  # Python's stack has to hold that
_URL = re.compile(r"[^\s\x00-\x1f\x7f\"'<>\\^`{|}]+")
_NAMING = re.compile(r'"(?:post|list)TemplateSlug"\s*:\s*("(?:[^"\\]|\\.)*+")')
_COLOR = re.compile(r"[\w#%.,()/ +-]{1,64}", re.ASCII)


def read_project(data: bytes) -> tuple[Project, tuple[Diagnostic, ...]]:
    """Read `project.json`. Raises SourceError when it is not a JSON object."""
    file = JsonFile(PROJECT_PATH, data)
    top = file.members()
    languages = (_language(file, text) for text in file.texts(top, "blogLanguages"))
    own = file.table(top, "blogd")
    project = Project(
        name=file.text(top, "name"),
        description=file.text(top, "description"),
        public_url=_public_url(file, file.text(top, "publicUrl")),
        main_language=_language(file, file.text(top, "mainLanguage")) or DEFAULT_PROJECT.main_language,
        blog_languages=tuple(dict.fromkeys(language for language in languages if language)),
        default_author=file.text(top, "defaultAuthor"),
        max_posts_per_page=_page_size(file, top.get("maxPostsPerPage")),
        timezone=_timezone(file, file.text(top, "timezone")),
        highlight=file.flag(own, "highlight", default=True),
        search=file.flag(own, "search", default=True),
        limits=_limits(file, file.table(own, "limits")),
    )
    return project, tuple(file.findings.noted)


def _public_url(file: JsonFile, text: str) -> str:
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment)
    except ValueError:
        valid = False
    if valid and _URL.fullmatch(text):
        return text.rstrip("/")
    file.warn("publicUrl", "`publicUrl` is not a web address", "write one like `https://example.org/blog`")
    return ""


def _language(file: JsonFile, text: str) -> str:
    language = parse_language(text)
    if text and language is None:
        file.warn(text, f"`{text[:40]}` is not a language code", "write one like `en` or `zh-tw`")
    return language or ""


def _page_size(file: JsonFile, value: object) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _MAX_PAGE_SIZE:
        return int(value)
    if value is not None:
        message = f"`maxPostsPerPage` is not a number from 1 to {_MAX_PAGE_SIZE}"
        file.warn("maxPostsPerPage", message, f"{DEFAULT_PROJECT.max_posts_per_page} is used")
    return DEFAULT_PROJECT.max_posts_per_page


def _limits(file: JsonFile, table: Mapping[str, object]) -> Limits:
    usual = DEFAULT_PROJECT.limits
    return Limits(
        iterations=file.number(table, "loopTurns", default=usual.iterations, most=10**12),
        characters=file.number(table, "characters", default=usual.characters, most=10**9),
        depth=file.number(table, "depth", default=usual.depth, most=_MAX_DEPTH),
    )


def _timezone(file: JsonFile, name: str) -> str:
    if not name or find_zone(name) is not None:
        return name
    file.warn("timezone", f"`{name[:40]}` is not a time zone", "write one like `Europe/Berlin`")
    return ""


def read_categories(data: bytes) -> tuple[dict[str, Category], tuple[Diagnostic, ...]]:
    """Read `category-meta.json` over the defaults. Raises SourceError when it is not a JSON object."""
    file = JsonFile(CATEGORY_META_PATH, data)
    categories = dict(DEFAULT_CATEGORIES)
    top = file.members()
    for name in top:
        default = categories.get(name, Category(name=name, title=name))
        categories[name] = _category(file, file.table(top, name), default)
    return categories, tuple(file.findings.noted)


def _category(file: JsonFile, entry: Mapping[str, object], default: Category) -> Category:
    return msgspec.structs.replace(
        default,
        title=file.text(entry, "title") or default.title,
        render_in_lists=file.flag(entry, "renderInLists", default=default.render_in_lists),
        show_title=file.flag(entry, "showTitle", default=default.show_title),
        post_template_slug=file.text(entry, "postTemplateSlug") or None,
        list_template_slug=file.text(entry, "listTemplateSlug") or None,
    )


def read_category_names(data: bytes) -> tuple[tuple[str, ...], tuple[Diagnostic, ...]]:
    """Read `categories.json`. Raises SourceError when it is not a JSON list."""
    file = JsonFile(CATEGORIES_PATH, data)
    names = file.strings("", file.items())
    return names, tuple(file.findings.noted)


def read_tags(data: bytes) -> tuple[dict[str, Tag], tuple[Diagnostic, ...]]:
    """Read `tags.json` by name; a plain text is a tag's name. Raises SourceError when it is not a JSON list."""
    file = JsonFile(TAGS_PATH, data)
    tags: dict[str, Tag] = {}
    for item in file.items():
        entry: Mapping[str, object] = {"name": item} if isinstance(item, str) else _entry(item)
        name = file.text(entry, "name")
        if name:
            slug = file.text(entry, "postTemplateSlug") or None
            tags[name] = Tag(name=name, color=_color(file, name, file.text(entry, "color")), post_template_slug=slug)
        else:
            file.warn("name", "a tag has no name", 'write `{"name": "…"}`')
    return tags, tuple(file.findings.noted)


def template_names(data: bytes) -> dict[str, tuple[int, int]]:
    """Find the templates that a file of `meta/` names: the line and column of the first key that does."""
    text = decode("", data.removeprefix(BOM))[0].text
    found: dict[str, tuple[int, int]] = {}
    for match in _NAMING.finditer(text):
        with suppress(msgspec.DecodeError):
            name = msgspec.json.decode(match[1], type=str).strip()
            found[name] = found.get(name) or position(text, match.start())
    return found


def _entry(item: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", item) if isinstance(item, dict) else {}


def _color(file: JsonFile, name: str, color: str) -> str | None:
    if not color or _COLOR.fullmatch(color):
        return color or None
    file.warn(color, f"the colour of the tag `{name[:40]}` is not one of CSS", "write one like `#1a7f37`")
    return None
