"""What templates can reach: objects that look values up in the site and note what was read.

A drop answers `drop["name"]` by calling the getter of that name; templates see nothing else of it. All drops of a page
share the page's `Scene`: the site, the language tree, and the recorder.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, SupportsIndex, cast

from blogd.render.links import url_segment
from blogd.render.liquid_page import TO_THE_END
from blogd.render.reads import ASPECT, CATEGORY
from blogd.render.routes import list_href
from blogd.render.urls import MAIN_TREE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from blogd.render.delta import Entry
    from blogd.render.reads import ListKey, Recorder
    from blogd.render.records import Post
    from blogd.render.site import Site

_SHOW_TITLE: Final = CATEGORY["show_title"]
Getters = Mapping[str, "Callable[[Any], object]"]  # each takes the object that it is a getter of


class Scene(Protocol):
    """What a page's drops share. `source` gives the raw Markdown of a record."""

    site: Site
    tree: str
    recorder: Recorder

    def source(self, record: str) -> str:
        """Read the raw body of a record."""
        ...


class Drop:
    """An object that a template sees through getters."""

    __slots__ = ("scene",)
    getters: ClassVar[Getters] = {}

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def __repr__(self) -> str:
        return type(self).__name__  # printed, the same in every process

    def __getitem__(self, name: str) -> object:
        return self.getters[name](self)

    def __contains__(self, name: object) -> bool:
        return name in self.getters

    def __iter__(self) -> Iterator[str]:
        return iter(self.getters)

    def __len__(self) -> int:
        return len(self.getters)

    @property
    def likeness(self) -> Hashable:
        """Tell what the drop stands for: drops of equal likeness give the same in one tree of one state of the site."""
        return (self.__class__,)


class Unread(list[object]):
    """Stands for a collection where Liquid compares it: `empty` and `blank` ask whether there is anything in it."""

    def __init__(self, has_any: Callable[[], bool]) -> None:
        super().__init__()
        self._has_any = has_any

    def __bool__(self) -> bool:
        return self._has_any()


class MainPrefix:
    """The prefix of the main tree, which is none; printed, it keeps the prefix of another tree's page away."""

    __slots__ = ()

    def __str__(self) -> str:
        return MAIN_TREE

    def __repr__(self) -> str:
        return repr("")

    def __liquid__(self) -> str:
        """Be compared as what it is."""
        return ""


class Content:
    """A post's raw Markdown, read only when it is printed as it is; the `markdown` filter takes the rendered body."""

    __slots__ = ("path", "post")

    def __init__(self, post: PostDrop) -> None:
        self.post = post
        self.path = post.path

    @property
    def likeness(self) -> Hashable:
        """Tell whose text it is."""
        return Content, self.post.likeness

    def __str__(self) -> str:
        self.post.read("source")
        return self.post.scene.source(self.post.entry.post.path)

    def __repr__(self) -> str:
        return repr(str(self))

    def __liquid__(self) -> str:
        """Be compared as a text."""
        return str(self)

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, str | Content) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __len__(self) -> int:
        return len(str(self))

    def __contains__(self, part: object) -> bool:
        return str(part) in str(self)

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))  # with the two above, what Liquid's `contains` looks into


class PostDrop(Drop):
    """A post as its page's tree shows it, or in a translation that has no tree.

    What is asked for is noted in one place, before the getter is called.
    """

    __slots__ = ("_entity", "_masks", "entry", "path")

    def __init__(self, scene: Scene, path: str, untreed: Entry | None = None) -> None:
        self.scene = scene
        self.path = path
        self.entry = untreed or scene.site.view(path, scene.tree)
        self._entity = ("post", path, scene.tree)
        self._masks = _MASKS_OF_EXTRAS if untreed else MASKS

    def __getitem__(self, name: str) -> object:
        give = self.getters[name]
        if mask := self._masks[name]:
            reads, entity = self.scene.recorder.reads, self._entity  # as `read`, which takes twice as long to call
            reads[entity] = reads.get(entity, 0) | mask
        return give(self)

    @property
    def likeness(self) -> Hashable:
        """Tell what post it is."""
        return self.__class__, self.path, self.entry.post.path

    def read(self, aspect: str) -> None:
        """Note that an aspect of the post was asked for."""
        reads, entity = self.scene.recorder.reads, self._entity
        reads[entity] = reads.get(entity, 0) | self._masks[aspect]

    def text(self, name: str) -> str:
        """Give what is a text."""
        return cast("str", self[name])

    def names(self, name: str) -> list[str]:
        """Give the tags or the categories."""
        return cast("list[str]", self[name])

    def title_and_path(self) -> tuple[str, str]:
        """Give what a link shows, noted at once."""
        reads, entity, masks = self.scene.recorder.reads, self._entity, self._masks
        reads[entity] = reads.get(entity, 0) | masks["title"] | masks["path"]
        return self.entry.post.title, self.scene.site.route(self.path)

    def instant(self, name: str) -> datetime:
        """Give one of the post's times, in the site's zone."""
        return cast("datetime", self[name])

    def day(self) -> tuple[str, str, str]:
        """Give the year, month and day of creation in the site's zone, as URLs have them."""
        self.read("day")
        return self.scene.site.dates[self.path]

    def _base(self) -> Post:
        return self.scene.site.entries[self.path].post

    def _show_title(self) -> bool:
        """Tell whether none of the categories hides the title."""
        known, reads = self.scene.site.meta.categories, self.scene.recorder.reads
        shown = True
        for name in self._base().categories:
            entity = ("category", name)
            reads[entity] = reads.get(entity, 0) | _SHOW_TITLE
            if name in known and not known[name].show_title:
                shown = False
        return shown

    def _language(self) -> str:
        post = self.entry.post
        return post.language or post.sibling_language or self.scene.site.main

    def _author(self) -> str:
        """Give the author, by default the project's."""
        author = self.entry.post.author
        if author is None:
            author = self._base().author
        if author:
            return author
        self.scene.recorder.read(("project", "default_author"))
        return self.scene.site.meta.project.default_author

    def _excerpt(self) -> str | None:
        excerpt = self.entry.post.excerpt
        return self._base().excerpt if excerpt is None else excerpt

    def _created(self) -> datetime:
        instant = self.entry.post.created_at
        return local_time(self.scene.site, cast("int", self._base().created_at if instant is None else instant))

    def _later(self, aspect: str) -> datetime:
        """Give a time that is that of creation where the post doesn't say."""
        for post in (self.entry.post, self._base()):
            instant: int | None = getattr(post, aspect)
            if instant is not None:
                return local_time(self.scene.site, instant)
        return self.instant("created_at")

    getters: ClassVar[Getters] = {
        "id": lambda self: self._base().id,
        "slug": lambda self: self._base().slug,
        "title": attrgetter("entry.post.title"),
        "content": Content,
        "show_title": _show_title,
        "language": _language,
        "excerpt": _excerpt,
        "author": _author,
        "created_at": _created,
        "updated_at": lambda self: self._later("updated_at"),
        "published_at": lambda self: self._later("published_at"),
        "tags": lambda self: list(self._base().tags),
        "categories": lambda self: list(self._base().categories),
        "path": lambda self: self.scene.site.route(self.path),
    }


MASKS: Final = {
    **ASPECT,
    "content": 0,
    "show_title": ASPECT["categories"],
    "home": ASPECT["path"] | ASPECT["categories"],
}
"""What is noted when a field or an aspect is asked for; `home` is the URL that stands for the post."""

_MASKS_OF_EXTRAS: Final = {name: mask and mask | ASPECT["extra"] for name, mask in MASKS.items()}


class ListedPost(PostDrop):
    """A post on a list page: its content is the excerpt where there is one and the title is shown."""

    __slots__ = ()

    def _summary(self) -> object:
        return (self["show_title"] and self["excerpt"]) or Content(self)

    getters: ClassVar[Getters] = {**PostDrop.getters, "content": _summary}


class Posts:
    """The posts of a list as a sequence; notes only the stretch that is looked at."""

    __slots__ = ("key", "scene")

    def __init__(self, scene: Scene, key: ListKey) -> None:
        self.scene = scene
        self.key = key

    def __repr__(self) -> str:
        return type(self).__name__

    @property
    def likeness(self) -> Hashable:
        """Tell what list it is."""
        return Posts, self.key

    def window(self, start: int, stop: int) -> Sequence[PostDrop]:
        """Give the posts from start up to stop, and read no more than these."""
        start, stop = min(int(start), TO_THE_END), min(int(stop), TO_THE_END)
        self.scene.recorder.read(("slice", *self.key, start, stop))
        return [PostDrop(self.scene, path) for path in self.scene.site.members(self.key)[start:stop]]

    def __getitem__(self, index: SupportsIndex) -> PostDrop:
        at = operator.index(index)
        at = at if at >= 0 else len(self) + at
        found = self.window(at, at + 1) if at >= 0 else ()
        if not found:
            raise IndexError(index)
        return found[0]

    def __iter__(self) -> Iterator[PostDrop]:
        return iter(self.window(0, TO_THE_END))

    def __len__(self) -> int:
        self.scene.recorder.read(("length", *self.key))
        return len(self.scene.site.members(self.key))

    def __liquid__(self) -> Unread:
        """Be compared as a list."""
        return Unread(lambda: bool(self.window(0, 1)))


class SiteDrop(Drop):
    """The site as a whole."""

    __slots__ = ()

    def project(self, field: str) -> object:
        """Give one of the project's settings."""
        self.scene.recorder.reads["project", field] = 1  # as `read`
        return getattr(self.scene.site.meta.project, field)

    def posts(self) -> Posts:
        """Give the list set of this tree."""
        return Posts(self.scene, (self.scene.site.scope(self.scene.tree), "root", ""))

    def terms(self, kind: str) -> list[dict[str, object]]:
        """Give all tags or categories that have posts, by name."""
        scope = self.scene.site.scope(self.scene.tree)
        self.scene.recorder.read(("taxonomy", scope, kind))
        names = sorted(self.scene.site.lists.names.get((scope, kind), ()), key=lambda name: (name.casefold(), name))
        return [
            {
                "name": name,
                "count": len(self.scene.site.members((scope, kind, name))),
                "path": list_href(kind, name, 1),
            }
            for name in names
        ]

    getters: ClassVar[Getters] = {
        "name": lambda self: self.project("name"),
        "description": lambda self: self.project("description"),
        "url": lambda self: self.project("public_url"),
        "language": lambda self: self.scene.site.main,
        "posts": posts,
        "tags": lambda self: self.terms("tag"),
        "categories": lambda self: self.terms("category"),
    }


class Lookup(Mapping[str, object]):
    """A mapping whose single answers are read one by one; going through all of it reads all.

    Those of equal `likeness` give the same in one tree of one state of the site.
    """

    __slots__ = ("_all", "_find", "likeness")

    def __init__(
        self, likeness: Hashable, find: Callable[[str], object], everything: Callable[[], dict[str, object]]
    ) -> None:
        self.likeness = (Lookup, likeness)
        self._find = find
        self._all = everything

    def __repr__(self) -> str:
        return repr(self._all())

    def __getitem__(self, name: object) -> object:
        found = self._find(name) if isinstance(name, str) else None
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return self._find(str(name)) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __liquid__(self) -> Unread:
        """Be compared as a mapping."""
        return Unread(lambda: bool(self._all()))


def local_time(site: Site, instant: int) -> datetime:
    """Give an instant in the site's time zone."""
    return _local_time(instant, site.zone)


@lru_cache(maxsize=1 << 13)
def _local_time(instant: int, zone: ZoneInfo) -> datetime:
    seconds, micros = divmod(instant, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micros).astimezone(zone)


def term_href(kind: str, name: str) -> str:
    """Give the URL of a tag's or category's archive."""
    return f"/{kind}/{url_segment(name)}/"
