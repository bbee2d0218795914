"""What pages read and why they were made, in words: `title, path of posts/2024/03/x.md (en)`.

A question is a noun phrase, so that it goes into a list as well as into a sentence: `title of posts/a.md (en) changed`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from blogd.cache.reasons import Cause, entity_and_mask
from blogd.render.changes import list_of
from blogd.render.reads import ALL, mask_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blogd.render.reads import Entity, ListKey
    from blogd.render.site import Site

Group = Literal["posts", "lists", "links", "settings", "templates", "time", "files"]

_TO_THE_END: Final = 1 << 31
_GROUPS: Final[dict[str | int, Group]] = {
    "post": "posts",
    **dict.fromkeys(("slug", "file", "id", "media"), "links"),
    **dict.fromkeys(("project", "menu", "tag", "tags", "category"), "settings"),
    "template": "templates",
    "naming": "settings",
    "now": "time",
    "asset": "files",
}

_QUESTIONS: Final[dict[str | int, str]] = {
    "slug": "which post has the slug {}",
    "slugs": "slugs of all posts",
    "id": "which post has the id {}",
    "ids": "ids of all posts",
    "file": "where {} is shown",
    "media": "which media file is {}",
    "media-names": "names of all media files",
    "linked-media": "media linked to the post with the id {}",
    "photos": "pictures of {}",
    "photo-months": "months that have pictures",
    "cloud": "number of posts of each tag",
    "tag": "settings of tag/{}",
    "tags": "settings of all tags",
    "category": "settings of category/{}",
    "menu": "menu",
    "template": "template {}",
    "naming": "where {} names the template {}",
    "now": "time of the build as {!r}",
    "taxonomy": "number of posts of each {1} ({0})",
    "calendar": "number of posts of each day ({})",
    "sitemap": "URLs of all pages",
    "asset": "bytes of {}",
}

_ASPECTS: Final = {
    "source": "raw Markdown",
    "created_at": "time of creation",
    "updated_at": "time of change",
    "published_at": "time of publication",
    "template": "choice of template",
    "alternates": "languages",
    "older": "older neighbour",
    "newer": "newer neighbour",
    "trees": "language trees",
    "extra": "translation without a tree",
    "lines": "lines in its file",
    "macros": "results of macros",
}

_CAUSES: Final = {
    Cause.UNKNOWN: "nobody wrote down why",
    Cause.FIRST: "first build",
    Cause.NEW: "it is new",
    Cause.CLAIMED: "its URL was another's before",
    Cause.VERSION: "another version of blogd or of a library made it",
    Cause.ALTERED: "its file was altered or removed",
    Cause.FRAME: "the site's languages or time zone changed",
}


def reason(number: int, entity_of: Callable[[int], Entity]) -> str:
    """Say why a page was made; `entity_of` gives the manifest's entities."""
    entity, mask = entity_and_mask(number)
    if not entity:
        return cause(Cause(mask))
    return change(entity_of(entity), mask)


def cause(found: Cause) -> str:
    """Say what else made a page stale."""
    return _CAUSES[found]


def change(entity: Entity, mask: int) -> str:
    """Say what changed; a whole post did if the mask is `ALL`."""
    if entity[0] == "post" and mask == ALL:
        return f"{entity[1]} ({entity[2]}) came or went"
    return f"{question(entity, mask)} changed"


def question(entity: Entity, mask: int) -> str:
    """Say what was asked."""
    match entity:
        case "post", path, tree:
            said = f"{aspects(mask_names(entity, mask))} of {path} ({tree})"
        case "slice", _, _, _, int(start), int(stop):
            said = f"{_stretch(start, stop)} of {_list(list_of(entity))}"
        case "beyond", _, _, _, 0:
            said = f"whether {_list(list_of(entity))} has posts"
        case "beyond", _, _, _, int(number):
            said = f"whether {_list(list_of(entity))} has more than {number} posts"
        case "length", *_:
            said = f"number of posts of {_list(list_of(entity))}"
        case "project", str(field):
            said = f"setting {re.sub('_(.)', lambda match: match[1].upper(), field)}"
        case kind, *subject:
            said = _QUESTIONS[kind].format(*subject) if kind in _QUESTIONS else " ".join(map(str, entity))
        case _:
            said = "nothing"
    return said


def aspects(names: Iterable[str]) -> str:
    """Say which aspects of a post were asked for."""
    return ", ".join(_ASPECTS.get(name, name) for name in names)


def group(entity: Entity) -> Group:
    """Say which kind of thing a question is about."""
    return _GROUPS.get(entity[0], "lists")


def answer(site: Site, entity: Entity) -> str:
    """Say what is found where a name was looked up, '' for other questions."""
    match entity:
        case "slug" | "id" as kind, str(name):
            return next(iter((site.slugs if kind == "slug" else site.ids).get(name, ())), "none")
        case "file", str(path):
            return site.route(path) if path in site.order else "nowhere"
        case "media", str(name):
            return site.media.find(name) or "none"
        case _:
            return ""


def _stretch(start: int, stop: int) -> str:
    if stop >= _TO_THE_END:
        return f"posts from {start + 1} on" if start else "all posts"
    return f"post {stop}" if stop == start + 1 else f"posts {start + 1}-{stop}"


def _list(key: ListKey) -> str:
    scope, kind, name = key
    shown = f"{kind}/{name}" if kind in {"tag", "category"} else name or "the blog"
    return shown if scope == "main" else f"{shown} (other languages)"
