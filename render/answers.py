"""The answers to the questions that pages ask (see `reads`), worked out from a site alone.

Rendering asks and takes note; `Site.apply` says which answers an edit changed. This is the plain way to the same
answers, too slow for either: for explaining what a page read, and for telling two sites apart without trusting either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import asdict

from blogd.render.changes import list_of
from blogd.render.reads import ALL, ASPECT, CATEGORY, POST_ASPECTS, TAG
from blogd.render.records import Category, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blogd.render.reads import Entity
    from blogd.render.site import Site


def answer(site: Site, entity: Entity) -> object:
    """Give what a site says to a question, in values that can be compared; None to one that is not the site's."""
    match entity:
        case "post", str(path), str(tree):
            found: object = _post(site, path, tree)
        case "slice", _, _, _, int(start), int(stop):
            found = site.members(list_of(entity))[start:stop]
        case "length", *_:
            found = len(site.members(list_of(entity)))
        case "beyond", _, _, _, int(number):
            found = len(site.members(list_of(entity))) > number
        case "taxonomy", str(scope), str(kind):
            found = _sizes(site, scope, kind)
        case "naming", str(path), str(name):
            found = site.meta.namings.get((path, name))
        case str(kind), str(name) if kind in _ABOUT_ONE:
            found = _ABOUT_ONE[kind](site, name)
        case str(kind), *_ if kind in _ABOUT_ALL:
            found = _ABOUT_ALL[kind](site)
        case _:
            found = None
    return found


def difference(before: Site, after: Site, entity: Entity) -> int:
    """Give the mask of the aspects of an entity that two sites see differently."""
    old, new = answer(before, entity), answer(after, entity)
    bits = _BITS.get(entity[0], {})
    if not isinstance(old, dict) or not isinstance(new, dict) or not bits:
        return 0 if old == new else ALL
    return sum(bit for name, bit in bits.items() if old[name] != new[name])


def _post(site: Site, path: str, tree: str) -> dict[str, object] | None:
    """Give all aspects of a post by name."""
    if path not in site.order or tree not in site.meta.trees or not site.is_in(path, tree):
        return None
    records = (path, *sorted(site.translations.get(path, {}).values()))
    macros = {record: results for record in records if (results := site.macros.get((record, tree))) is not None}
    return dict(zip(POST_ASPECTS, (*site.facts(path, tree), macros), strict=True))


def _file(site: Site, path: str) -> tuple[str, str] | None:
    base = site.bases.get(path, path)
    return (base, site.route(base)) if base in site.order else None


def _sizes(site: Site, scope: str, kind: str) -> dict[str, int]:
    """Give the number of posts of each list of a kind."""
    return {name: len(site.members((scope, kind, name))) for name in site.lists.names.get((scope, kind), ())}


def _sitemap(site: Site) -> object:
    mapped = ("updated_at", "categories", "alternates", "translations")
    posts = {(path, tree): _post(site, path, tree) or {} for path in site.order for tree in site.meta.trees}
    facts = {key: [facts.get(name) for name in mapped] for key, facts in posts.items()}
    return site.lists.members, site.order, facts


_BITS: Final[Mapping[int | str, Mapping[str, int]]] = {"post": ASPECT, "tag": TAG, "category": CATEGORY}

_ABOUT_ONE: Final[dict[str, Callable[[Site, str], object]]] = {
    "slug": lambda site, slug: [(path, site.route(path)) for path in site.slugs.get(slug, ())],
    "id": lambda site, name: site.ids.get(name, []),
    "file": _file,
    "media": lambda site, name: site.media.find(name),
    "linked-media": lambda site, post_id: site.media.linked(post_id),
    "photos": lambda site, month: site.media.photos(month),
    "tag": lambda site, name: asdict(site.meta.tags.get(name, Tag(name=name))),
    "category": lambda site, name: asdict(site.meta.categories.get(name, Category(name=name, title=name))),
    "project": lambda site, field: getattr(site.meta.project, field),
    "template": lambda site, name: site.templates.get(name),
    "calendar": lambda site, scope: _sizes(site, scope, "day"),
}

_ABOUT_ALL: Final[dict[str, Callable[[Site], object]]] = {
    "slugs": lambda site: {slug: site.route(paths[0]) for slug, paths in site.slugs.items()},
    "ids": lambda site: site.ids,
    "media-names": lambda site: sorted(site.media.files),
    "photo-months": lambda site: site.media.months(),
    "cloud": lambda site: site.tag_counts,
    "tags": lambda site: site.meta.tags,
    "menu": lambda site: site.meta.menu,
    "sitemap": _sitemap,
}
