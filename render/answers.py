"""The answers to the questions that pages ask (see `reads`), worked out from a site alone.

Rendering asks and takes note; `Site.apply` says which answers an edit changed. This is the plain way to the same
answers, too slow for either: for explaining what a page read, and for telling two sites apart without trusting either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blogd.render.reads import ALL, ASPECT, POST_ASPECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blogd.render.reads import Entity
    from blogd.render.site import Site


def answer(site: Site, entity: Entity) -> object:
    """Give what a site says to a question, in values that can be compared; None to one that is not the site's."""
    kind, *subject = entity
    return _ANSWERS[kind](site, *subject) if kind in _ANSWERS else None


def difference(before: Site, after: Site, entity: Entity) -> int:
    """Give the mask of the aspects of an entity that two sites see differently."""
    old, new = answer(before, entity), answer(after, entity)
    if not isinstance(old, dict) or not isinstance(new, dict) or entity[0] != "post":
        return 0 if old == new else ALL
    return sum(ASPECT[name] for name in POST_ASPECTS if old[name] != new[name])


def _post(site: Site, path: str, tree: str) -> dict[str, object] | None:
    """Give all aspects of a post by name."""
    if path not in site.order or tree not in site.meta.trees or not site.is_in(path, tree):
        return None
    records = (path, *sorted(site.translations.get(path, {}).values()))
    macros = [site.macros.get((record, tree)) for record in records]
    return dict(zip(POST_ASPECTS, (*site.facts(path, tree), macros), strict=True))


def _file(site: Site, path: str) -> str | None:
    base = site.bases.get(path, path)
    return site.route(base) if base in site.order else None


def _taxonomy(site: Site, scope: str, kind: str) -> dict[str, int]:
    return {name: len(site.members((scope, kind, name))) for name in site.names.get((scope, kind), ())}


def _sitemap(site: Site) -> object:
    mapped = ("path", "updated_at", "categories", "alternates", "untreed")
    posts = {(path, tree): _post(site, path, tree) or {} for path in site.order for tree in site.meta.trees}
    return site.lists, {key: [facts.get(name) for name in mapped] for key, facts in posts.items()}


_ANSWERS: Final[Mapping[str | int, Callable[..., object]]] = {
    "post": _post,
    "slice": lambda site, scope, kind, name, start, stop: site.members((scope, kind, name))[start:stop],
    "length": lambda site, *key: len(site.members(key)),
    "slug": lambda site, slug: [(path, site.route(path)) for path in site.slugs.get(slug, ())],
    "slugs": lambda site: {slug: site.route(paths[0]) for slug, paths in site.slugs.items()},
    "id": lambda site, name: site.ids.get(name, []),
    "ids": lambda site: site.ids,
    "file": _file,
    "media": lambda site, name: site.media.find(name),
    "media-names": lambda site: sorted(site.media.files),
    "linked-media": lambda site, post_id: site.media.linked(post_id),
    "photos": lambda site, month: site.media.photos(month),
    "photo-months": lambda site: site.media.months(),
    "cloud": lambda site: site.tag_counts,
    "tag": lambda site, name: site.meta.tags.get(name),
    "tags": lambda site: site.meta.tags,
    "category": lambda site, name: site.meta.categories.get(name),
    "project": lambda site, field: getattr(site.meta.project, field),
    "menu": lambda site: site.meta.menu,
    "template": lambda site, name: site.templates.get(name),
    "taxonomy": _taxonomy,
    "calendar": lambda site, scope: _taxonomy(site, scope, "day"),
    "sitemap": _sitemap,
}
