"""All that can be asked of a site (see `blogd.render.reads`), to tell two sites apart whatever their pages ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blogd.render.records import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.render.reads import Entity
    from blogd.render.site import Site

STRETCHES: Final = ((0, 1), (0, 2), (1, 3), (2, 4), (0, 1 << 31))
ALONE: Final = ("slugs", "ids", "media-names", "photo-months", "cloud", "tags", "menu", "sitemap")
SCOPES: Final = ("main", "other")


def entities(*sites: Site) -> list[Entity]:
    """Give all questions that make sense to one of some sites."""
    return list(dict.fromkeys(entity for site in sites for entity in _entities(site)))


def _entities(site: Site) -> Iterator[Entity]:
    yield from (("post", path, tree) for path in site.order for tree in site.meta.trees if site.is_in(path, tree))
    for key in site.lists.members:
        yield from (("slice", *key, start, stop) for start, stop in STRETCHES)
        yield from (("beyond", *key, number) for number in range(4))
        yield "length", *key
    for scope in SCOPES:
        yield from (("calendar", scope), ("taxonomy", scope, "tag"), ("taxonomy", scope, "category"))
    yield from (("slug", slug) for slug in site.slugs)
    yield from (("id", name) for name in site.ids)
    yield from (("linked-media", name) for name in site.ids)
    yield from (("file", path) for path in site.entries)
    yield from (("media", path.removeprefix("media/").lower()) for path in site.media.files)
    yield from (("photos", month) for month in site.media.months())
    yield from (("tag", name) for name in site.meta.tags)
    yield from (("category", name) for name in site.meta.categories)
    yield from (("project", field) for field in Project.__struct_fields__)
    yield from (("template", name) for name in site.templates)
    yield from ((kind,) for kind in ALONE)
