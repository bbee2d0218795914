"""Answers worked out anew agree with what a site says of its changes: whatever differs has been told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from blogd.render.answers import answer, difference
from blogd.render.delta import BodyRef, Delta, Entry, Meta
from blogd.render.reads import ALL, ASPECT, CATEGORY, TAG
from blogd.render.records import Category, Media, MenuItem, Post, Project, Tag, TemplateSource
from blogd.render.site import Site

if TYPE_CHECKING:
    from blogd.render.reads import Entity

DAY_US: Final = 86_400 * 1_000_000
META: Final = Meta(trees=("en", "de"), menu=(MenuItem(title="Home", href="/"),))


def entry(slug: str, day: int, *links: str, **fields: object) -> Entry:
    post = Post(path=f"posts/{slug}.md", id=f"id-{slug}", title=slug, slug=slug, created_at=day * DAY_US)
    return Entry(msgspec.structs.replace(post, **fields), BodyRef("s", 0, 0, slug.encode(), links))


A: Final = entry("a", 1, "/posts/b", tags=("sea",), categories=("note",))
B: Final = entry("b", 2, "/posts/c", tags=("sea",))
PICTURE: Final = Media(path="media/2024/01/p.jpg", id="p", linked_post_ids=("id-a",))
START: Final = Delta(
    meta=META,
    entries={"posts/a.md": A, "posts/b.md": B},
    media={PICTURE.path: PICTURE},
    templates={"x": TemplateSource(name="x", path="templates/x.liquid", text="x")},
)

ENTITIES: Final[list[Entity]] = [
    *(("post", f"posts/{slug}.md", tree) for slug in "abc" for tree in ("en", "de")),
    *(("slice", scope, "root", "", start, stop) for scope in ("main", "other") for start, stop in ((0, 1), (1, 9))),
    *(("length", "main", kind, name) for kind, name in (("root", ""), ("tag", "sea"), ("category", "note"))),
    *((kind, slug) for kind in ("slug", "id") for slug in ("a", "b", "c", "id-a", "id-c")),
    *(("file", f"posts/{slug}.md") for slug in "abc"),
    *(("media", f"2024/01/{name}") for name in ("p.jpg", "q.jpg")),
    *((kind,) for kind in ("slugs", "ids", "media-names", "photo-months", "menu", "sitemap", "cloud", "tags")),
    ("linked-media", "id-a"),
    ("photos", "2024-01"),
    ("tag", "sea"),
    ("category", "note"),
    ("project", "name"),
    ("template", "x"),
    ("naming", "meta/tags.json", "x"),
    ("taxonomy", "main", "tag"),
    ("calendar", "main"),
]


def changed(path: str, **fields: object) -> Delta:
    old = {"posts/a.md": A, "posts/b.md": B}[path]
    return Delta(entries={path: Entry(msgspec.structs.replace(old.post, **fields), old.body)})


def meta(**fields: object) -> Delta:
    return Delta(meta=msgspec.structs.replace(META, **fields))


# A change, and one of the questions that it answers anew.
DELTAS: Final[dict[str, tuple[Delta, Entity, int]]] = {
    "title": (changed("posts/a.md", title="New"), ("post", "posts/a.md", "en"), ASPECT["title"]),
    "slug": (changed("posts/b.md", slug="c"), ("slug", "c"), ALL),
    "date": (changed("posts/a.md", created_at=3 * DAY_US), ("slice", "main", "root", "", 0, 1), ALL),
    "tags": (changed("posts/a.md", tags=()), ("taxonomy", "main", "tag"), ALL),
    "main tree only": (changed("posts/a.md", do_not_translate=True), ("post", "posts/a.md", "de"), ALL),
    "another post": (Delta(entries={"posts/c.md": entry("c", 5, "/posts/a")}), ("file", "posts/c.md"), ALL),
    "a link to it": (Delta(entries={"posts/c.md": entry("c", 5)}), ("post", "posts/c.md", "en"), ALL),
    "a post less": (Delta(entries={"posts/b.md": None}), ("post", "posts/a.md", "en"), ASPECT["newer"]),
    "a picture less": (Delta(media={PICTURE.path: None}), ("linked-media", "id-a"), ALL),
    "a picture more": (
        Delta(media={"media/2024/01/q.jpg": Media(path="media/2024/01/q.jpg")}),
        ("photos", "2024-01"),
        ALL,
    ),
    "template": (Delta(templates={"x": None}), ("template", "x"), ALL),
    "setting": (meta(project=Project(name="New")), ("project", "name"), ALL),
    "menu": (meta(menu=()), ("menu",), ALL),
    "a template's name moves": (
        meta(namings={("meta/tags.json", "x"): (2, 1)}),
        ("naming", "meta/tags.json", "x"),
        ALL,
    ),
    "front matter grows": (changed("posts/a.md", body_line=9), ("post", "posts/a.md", "en"), ASPECT["lines"]),
    "tag": (meta(tags={"sea": Tag(name="sea", color="#00f")}), ("tag", "sea"), TAG["color"]),
    "a tag as it is by default": (meta(tags={"sea": Tag(name="sea")}), ("tags",), ALL),
    "a category's title": (
        meta(categories={"note": Category(name="note", title="N")}),
        ("category", "note"),
        CATEGORY["title"],
    ),
    "unlisted": (
        meta(categories={"note": Category(name="note", title="N", render_in_lists=False)}),
        ("length", "main", "category", "note"),
        ALL,
    ),
}


def site() -> Site:
    made = Site()
    made.apply(START)
    return made


@pytest.mark.parametrize(("delta", "entity", "mask"), DELTAS.values(), ids=DELTAS)
def test_a_change_makes_a_difference(delta: Delta, entity: Entity, mask: int) -> None:
    before, after = site(), site()
    after.apply(delta)
    assert difference(before, after, entity) == mask


@pytest.mark.parametrize("delta", [delta for delta, _, _ in DELTAS.values()], ids=DELTAS)
def test_what_differs_has_been_told_and_no_aspect_besides(delta: Delta) -> None:
    before, after = site(), site()
    changes = after.apply(delta)
    for entity in ENTITIES:
        told, found = changes.mask(entity), difference(before, after, entity)
        assert not found or told, entity
        assert entity[0] not in {"post", "tag", "category"} or found == told, entity


def test_a_site_does_not_differ_from_itself() -> None:
    assert [entity for entity in ENTITIES if difference(site(), site(), entity)] == []


def test_what_is_not_the_sites_has_no_answer() -> None:
    assert answer(site(), ("now", "%Y")) is None
    assert answer(site(), ("asset", "assets/logo.svg")) is None
