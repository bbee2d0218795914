"""What a page reads: how exactness and minimality come together.

A page is a function of what it reads and of nothing else. Whatever a template can reach is behind a small object that
notes the question here. A question is an *entity* (a tuple of plain values) and a mask of its *aspects*:

    ("post", path, tree)                     a post as one language tree shows it; aspects are `PostAspect`s
    ("slice", scope, kind, name, from, to)   that part of a list; which posts, in which order
    ("length", scope, kind, name)            how many posts are in a list
    ("beyond", scope, kind, name, number)    whether a list has more posts than that
    ("slug", slug), ("file", path)           which posts a link to that slug or source file can mean, also if none
    ("media", name)                          the media file of that name, also if none
    ("tag", name), ("category", name)        its metadata; aspects are the fields of its record
    ("project", field), ("menu",)            the site's settings and menu
    ("template", name)                       the source of a template, also if there is none
    ("naming", path, name)                   where a file of meta/ names that template
    ("now", format)                          the build's time, as that format shows it

and some more that are named where they are asked. The answers are not kept: an edit is applied to the site as a delta,
and the site says which answers that changed (`Changes`). A page is rendered again if it asked one of those questions.
"""

from __future__ import annotations

from typing import Final

from blogd.render.records import Category, Tag

Entity = tuple[str | int, ...]
Reads = dict[Entity, int]
ListKey = tuple[str, str, str]

ALL: Final = 0xFFFFFFFF

# The order is that of `site.Facts`, which lack the last; it is part of the cache's format.
POST_ASPECTS: Final = (
    "id",
    "title",
    "excerpt",
    "body",
    "source",
    "slug",
    "language",
    "author",
    "created_at",
    "updated_at",
    "published_at",
    "tags",
    "categories",
    "path",
    "day",
    "template",
    "alternates",
    "backlinks",
    "older",
    "newer",
    "trees",
    "status",
    "translations",
    "extra",
    "lines",
    "macros",
)
ASPECT: Final = {name: 1 << number for number, name in enumerate(POST_ASPECTS)}

# What can be asked about a tag or category; the order is that of the records' fields.
TAG: Final = {name: 1 << number for number, name in enumerate(Tag.__struct_fields__)}
CATEGORY: Final = {name: 1 << number for number, name in enumerate(Category.__struct_fields__)}

LIST_KINDS: Final = frozenset({"slice", "length", "beyond"})

# Entities that are about single posts, lists or files; the others are read by many pages alike, and kept once for all.
OWN_KINDS: Final = frozenset({"post", *LIST_KINDS, "slug", "file", "media", "id", "linked-media", "tag", "asset"})


class Recorder:
    """Collect what one page reads. Where time counts, `reads` is written to directly."""

    __slots__ = ("reads",)

    def __init__(self) -> None:
        self.reads = self.begin()

    def begin(self) -> Reads:
        """Give what reads are collected in."""
        return {}

    def read(self, entity: Entity, mask: int = 1) -> None:
        """Note that these aspects of an entity were asked for."""
        self.reads[entity] = self.reads.get(entity, 0) | mask

    def part(self) -> Part:
        """Collect what is read for a part of the page in a dict of its own, and then note it with the rest."""
        return Part(self)

    def add(self, reads: Reads) -> None:
        """Note what was read for a text that the page takes over."""
        known = self.reads
        known.update({entity: known.get(entity, 0) | mask for entity, mask in reads.items()})


class Part:
    """The context in which a recorder collects what is read for a part of the page."""

    __slots__ = ("_outer", "_recorder")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._outer = recorder.reads

    def __enter__(self) -> Reads:
        reads = self._recorder.reads = self._recorder.begin()
        return reads

    def __exit__(self, *_: object) -> None:
        reads, self._recorder.reads = self._recorder.reads, self._outer
        self._recorder.add(reads)


def mask_names(entity: Entity, mask: int) -> list[str]:
    """Name the aspects in a mask, for messages."""
    if entity[0] != "post":
        return []
    return [name for name, bit in ASPECT.items() if mask & bit]
