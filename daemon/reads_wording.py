"""What pages read and why they were made, in words: `title, path of posts/2024/03/x.md (en)`.

A question is a noun phrase, so that it goes into a list as well as into a sentence: `title of posts/a.md (en) changed`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from blogd.cache.reasons import Cause, entity_and_mask
from blogd.render.reads import ALL, mask_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from blogd.render.reads import Entity
    from blogd.render.site import Site

Group = Literal["posts", "lists", "links", "settings", "templates", "time", "files"]

_TO_THE_END: Final = 1 << 31
_GROUPS: Final[dict[Group, set[str]]] = {
    "posts": {"post"},
    "links": {"slug", "file", "id", "media"},
    "settings": {"project", "menu", "tag", "tags", "category"},
    "templates": {"template"},
    "time": {"now"},
    "files": {"asset"},
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
    "untreed": "translations without a tree",
    "extra": "translation without a tree",
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
        return _CAUSES[Cause(mask)]
    subject = entity_of(entity)
    if subject[0] == "post" and mask == ALL:
        return f"{subject[1]} ({subject[2]}) came or went"
    return f"{question(subject, mask)} changed"


def question(entity: Entity, mask: int) -> str:
    """Say what was asked."""
    kind, *subject = entity
    if kind == "post":
        return f"{aspects(mask_names(entity, mask))} of {subject[0]} ({subject[1]})"
    return _QUESTIONS[kind](*subject) if kind in _QUESTIONS else " ".join(map(str, entity))


def aspects(names: Iterable[str]) -> str:
    """Say which aspects of a post were asked for."""
    return ", ".join(_ASPECTS.get(name, name) for name in names)


def group(entity: Entity) -> Group:
    """Say which kind of thing a question is about."""
    return next((name for name, kinds in _GROUPS.items() if entity[0] in kinds), "lists")


def answer(site: Site, entity: Entity) -> str:
    """Say what is found where a name was looked up, '' for other questions."""
    kind, *subject = entity
    return _FOUND[kind](site, *subject) or "none" if kind in _FOUND else ""


def _slice(scope: str, kind: str, name: str, start: int, stop: int) -> str:
    shown = _list(scope, kind, name)
    if stop >= _TO_THE_END:
        return f"posts from {start + 1} on of {shown}" if start else f"all posts of {shown}"
    return f"post {stop} of {shown}" if stop == start + 1 else f"posts {start + 1}-{stop} of {shown}"


def _list(scope: str, kind: str, name: str) -> str:
    shown = f"{kind}/{name}" if kind in {"tag", "category"} else name or "the blog"
    return shown if scope == "main" else f"{shown} (other languages)"


def _setting(field: str) -> str:
    return f"setting {re.sub('_(.)', lambda match: match[1].upper(), field)}"


_QUESTIONS: Final[Mapping[str | int, Callable[..., str]]] = {
    "slice": _slice,
    "length": lambda *key: f"number of posts of {_list(*key)}",
    "slug": lambda slug: f"which post has the slug {slug}",
    "slugs": lambda: "slugs of all posts",
    "id": lambda name: f"which post has the id {name}",
    "ids": lambda: "ids of all posts",
    "file": lambda path: f"where {path} is shown",
    "media": lambda name: f"which media file is {name}",
    "media-names": lambda: "names of all media files",
    "linked-media": lambda name: f"media linked to the post with the id {name}",
    "photos": lambda month: f"pictures of {month}",
    "photo-months": lambda: "months that have pictures",
    "cloud": lambda: "number of posts of each tag",
    "tag": lambda name: f"settings of tag/{name}",
    "tags": lambda: "settings of all tags",
    "category": lambda name: f"settings of category/{name}",
    "project": _setting,
    "menu": lambda: "menu",
    "template": lambda name: f"template {name}",
    "now": lambda shown: f"time of the build as {shown!r}",
    "taxonomy": lambda scope, kind: f"number of posts of each {kind} of {_list(scope, '', '')}",
    "calendar": lambda scope: f"number of posts of each day of {_list(scope, '', '')}",
    "sitemap": lambda: "URLs of all pages",
    "asset": lambda path: f"bytes of {path}",
}

_FOUND: Final[Mapping[str | int, Callable[..., str | None]]] = {
    "slug": lambda site, slug: next(iter(site.slugs.get(slug, ())), None),
    "id": lambda site, name: next(iter(site.ids.get(name, ())), None),
    "file": lambda site, path: site.route(path) if path in site.order else None,
    "media": lambda site, name: site.media.find(name),
}
