"""The variables of each kind of page, as the site format names them.

A page is a `Scene` (see `drops`) and the mapping that templates look their variables up in. Variables are computed when
a template asks for them, so that only what is asked is read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple
from urllib.parse import quote

import msgspec

from blogd.render.drops import Getters, Lookup, MainPrefix, PostDrop, SiteDrop
from blogd.render.labels import label
from blogd.render.links import media_name
from blogd.render.liquid_page import NotShared
from blogd.render.reads import ASPECT, TAG, Recorder
from blogd.render.routes import SEARCH, STYLESHEET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from blogd.render.reads import Reads
    from blogd.render.records import Media, MenuItem
    from blogd.render.site import Site

FLAGS: Final = {"en": "🇬🇧", "de": "🇩🇪", "fr": "🇫🇷", "it": "🇮🇹", "es": "🇪🇸"}


class Stage(NamedTuple):
    """Where a page plays: `now` is the build's time, `read_source` gives a record's raw Markdown."""

    site: Site
    tree: str
    now: datetime
    read_source: Callable[[str], str]


class Page:
    """What all pages have. `path` is that of the post that the page is about, '' if it is about none."""

    getters: ClassVar[Getters] = {}
    path = ""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.site, self.tree, self._now, self._read_source = stage
        self.recorder = Recorder()
        self._apart: Page | None = None

    def __getitem__(self, name: str) -> object:
        return self.getters[name](self)

    def __contains__(self, name: object) -> bool:
        return name in self.getters

    def __iter__(self) -> Iterator[str]:
        return iter(self.getters)

    def __len__(self) -> int:
        return len(self.getters)

    @property
    def kin(self) -> str:
        """Name what filters see of the page: its tree."""
        return self.tree

    def shares(self, name: str) -> bool:
        """Tell whether a variable is the same for all pages of the tree."""
        return name in self.of_tree

    def apart(self) -> Page:
        """Give a page that has the same recorder, and nothing that is this page's own."""
        if self._apart is None:
            self._apart = Apart(self)
        return self._apart

    def shows_otherwise(self, reads: Reads) -> bool:
        """Tell whether what was read for a text comes out otherwise here: the body of the page's own post does."""
        return bool(self.path) and bool(reads.get(("post", self.path, self.tree), 0) & ASPECT["body"])

    def source(self, record: str) -> str:
        """Read the raw Markdown of a record."""
        return self._read_source(record)

    def read_template(self, name: str) -> None:
        """Note that a template was looked up."""
        self.recorder.read(("template", name))

    def clock(self, time_format: str) -> str:
        """Give the build's time in a format, and note what it looks like."""
        self.recorder.read(("now", time_format))
        return self._now.strftime(time_format)

    def project(self, field: str) -> object:
        """Give one of the project's settings."""
        self.recorder.reads["project", field] = 1  # as `read`
        return getattr(self.site.meta.project, field)

    def name(self) -> str:
        """Give the site's name."""
        return str(self.project("name"))

    def page_title(self) -> str:
        """Give the project's description, else its name, as bDS does."""
        return str(self.project("description") or self.project("name"))

    def document_title(self) -> str:
        """Give what `<title>` should say."""
        heading, name = self.heading(), self.name()
        return f"{heading} \N{EN DASH} {name}" if heading and name else heading or name

    def heading(self) -> str:
        """Give the page's own title, '' on the home page."""
        return ""

    def switcher(self, paths: Mapping[str, str]) -> list[dict[str, object]]:
        """Give the site's languages, each with the URL of this page in it where `paths` has one, else its home."""
        return [
            {
                "code": tree,
                "flag": FLAGS.get(tree.partition("-")[0], ""),
                "href_prefix": (prefix := self.prefix_to(tree)),
                "is_current": tree == self.tree,
                "href": f"{prefix}{paths.get(tree, '/')}",
            }
            for tree in self.site.meta.trees
        ]

    def prefix_to(self, tree: str) -> object:
        """Give the URL prefix of a tree, as this page leads there."""
        return MainPrefix() if tree == self.site.main != self.tree else self.site.prefix(tree)

    def languages(self) -> list[dict[str, object]]:
        """Give the site's languages, each with the page that shows this one in it."""
        return self.switcher({})

    def menu(self) -> list[dict[str, object]]:
        """Give the menu."""
        self.recorder.read(("menu",))
        return _menu(self.site.meta.menu)

    def post_paths(self) -> Lookup:
        """Give canonical paths by slug."""

        def find(slug: str) -> str | None:
            self.recorder.read(("slug", slug))
            paths = self.site.slugs.get(slug)
            return self.site.route(paths[0]) if paths else None

        def everything() -> dict[str, object]:
            self.recorder.read(("slugs",))
            return {slug: self.site.route(paths[0]) for slug, paths in sorted(self.site.slugs.items())}

        return Lookup("slugs", find, everything)

    def media_paths(self) -> Lookup:
        """Give media URLs by source path."""

        def find(path: str) -> str | None:
            name = media_name(path.lstrip("/").removeprefix("media/"))
            self.recorder.read(("media", name))
            found = self.site.media.find(name)
            return media_href(found) if found else None

        def everything() -> dict[str, object]:
            self.recorder.read(("media-names",))
            return {path: media_href(path) for path in sorted(self.site.media.files)}

        return Lookup("media", find, everything)

    def post_data(self) -> Lookup:
        """Give the linked media of posts, as JSON, by id."""

        def find(post_id: str) -> str | None:
            self.recorder.read(("id", post_id))
            if post_id not in self.site.ids:
                return None
            return self._post_data(post_id)

        def everything() -> dict[str, object]:
            self.recorder.read(("ids",))
            return {post_id: self._post_data(post_id) for post_id in sorted(self.site.ids)}

        return Lookup("linked media", find, everything)

    def _post_data(self, post_id: str) -> str:
        self.recorder.read(("linked-media", post_id))
        return msgspec.json.encode([_media_data(media) for media in self.site.media.linked(post_id)]).decode()

    def tag_colors(self) -> Lookup:
        """Give the colours of tags by name."""

        def find(name: str) -> str | None:
            self.recorder.read(("tag", name), TAG["color"])
            tag = self.site.meta.tags.get(name)
            return tag.color if tag else None

        def everything() -> dict[str, object]:
            self.recorder.read(("tags",))
            return {name: tag.color for name, tag in sorted(self.site.meta.tags.items()) if tag.color}

        return Lookup("tag colors", find, everything)

    def search_href(self) -> str:
        """Give the URL of the search page, '' if the site has none."""
        return self.site.prefix(self.tree) + SEARCH if self.project("search") else ""

    # What all pages of a tree give alike.
    of_tree: ClassVar[Getters] = {
        "page_title": page_title,
        "language": lambda self: self.tree,
        "current_language": lambda self: self.tree,
        "language_prefix": lambda self: self.site.prefix(self.tree),
        "menu_items": menu,
        "pico_stylesheet_href": lambda _: f"/{STYLESHEET}",
        "canonical_post_path_by_slug": post_paths,
        "canonical_media_path_by_source_path": media_paths,
        "post_data_json_by_id": post_data,
        "tag_color_by_name": tag_colors,
        "search_href": search_href,
        "site": SiteDrop,
    }

    common: ClassVar[Getters] = {
        **of_tree,
        "document_title": lambda self: self.document_title(),
        "blog_languages": lambda self: self.languages(),
    }


class Stand(Page):
    """What stands for a page while a part of it is rendered; what that reads, the page reads."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.stage)
        self.recorder = page.recorder


class Apart(Stand):
    """What of a page is the same for others of its tree: not all variables, nor how it shows its own post's body."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.path = page.path

    def apart(self) -> Page:
        """Give itself."""
        return self

    def __getitem__(self, name: str) -> object:
        if name not in self.of_tree:
            raise NotShared
        return self.of_tree[name](self)

    def __contains__(self, name: object) -> bool:
        if name not in self.of_tree:
            raise NotShared
        return True


class PostPage(Page):
    """A single post, page or translation; `record` is set where another record than the tree's own is shown."""

    def __init__(self, stage: Stage, path: str, record: str = "") -> None:
        super().__init__(stage)
        self.path = path
        self.post = PostDrop(self, path, self.site.entries[record] if record else None)
        self._neighbours: tuple[str | None, str | None] | None = None

    def heading(self) -> str:
        """Give the post's title."""
        return self.post.text("title")

    def languages(self) -> list[dict[str, object]]:
        """Give the site's languages, each with the post's page in it, if it has one."""
        here = self.canonical()
        self.post.read("trees")
        return self.switcher({tree: here for tree in self.site.meta.trees if self.site.is_in(self.path, tree)})

    def canonical(self) -> str:
        """Give the URL that stands for all URLs of the post: a page's short one, else the dated one."""
        self.post.read("home")
        return self.site.home_of(self.path)

    def backlinks(self) -> list[dict[str, object]]:
        """Give the posts that link here."""
        self.post.read("backlinks")
        links: list[dict[str, object]] = []
        for linker in self.site.backlinks(self.path, self.tree):
            post = PostDrop(self, linker)
            slug, (title, path) = post["slug"], post.title_and_path()
            links.append({"slug": slug, "display_slug": slug, "path": path, "title": title})
        return links

    def neighbour(self, aspect: str) -> dict[str, object] | None:
        """Give the older or the newer post."""
        self.post.read(aspect)
        if self._neighbours is None:
            self._neighbours = self.site.neighbours(self.path, self.tree)
        path = self._neighbours[aspect == "newer"]
        if path is None:
            return None
        title, path = PostDrop(self, path).title_and_path()
        return {"title": title, "path": path}

    def alternates(self) -> list[dict[str, object]]:
        """Give the post's pages in the languages that it is written in, as absolute URLs where the site has one."""
        self.post.read("alternates")
        trees = self.site.alternates(self.path) if len(self.site.meta.trees) > 1 else ()
        if len(trees) < 2:
            return []
        root, path = str(self.project("public_url")), self.canonical()
        return [{"href": f"{root}{self.site.prefix(tree)}{path}", "hreflang": tree} for tree in trees]

    getters: ClassVar[Getters] = {
        **Page.common,
        "post": lambda self: self.post,
        "post_categories": lambda self: self.post["categories"],
        "post_tags": lambda self: self.post["tags"],
        "backlinks": backlinks,
        "alternate_links": alternates,
        "canonical_path": canonical,
        "previous_post": lambda self: self.neighbour("older"),
        "next_post": lambda self: self.neighbour("newer"),
    }


class NotFoundPage(Page):
    """The page for URLs that don't exist."""

    def heading(self) -> str:
        """Give its title."""
        return "404"

    getters: ClassVar[Getters] = {**Page.common, "alternate_links": lambda _: []}


class SearchPage(Page):
    """The page that searches."""

    def heading(self) -> str:
        """Give its title in the page's language."""
        return label("render.search.label", self.tree)

    def languages(self) -> list[dict[str, object]]:
        """Give the site's languages, each with its search page."""
        return self.switcher(dict.fromkeys(self.site.meta.trees, SEARCH))

    getters: ClassVar[Getters] = {**Page.common, "alternate_links": lambda _: []}


def media_href(path: str) -> str:
    """Give the URL of a media file by its source path."""
    return "/" + quote(path)


def _media_data(media: Media) -> dict[str, object]:
    return {
        "id": media.id,
        "path": media_href(media.path),
        "title": media.title,
        "alt": media.alt,
        "caption": media.caption,
        "mimeType": media.mime_type,
        "width": media.width,
        "height": media.height,
    }


@lru_cache(maxsize=64)
def _menu(items: tuple[MenuItem, ...]) -> list[dict[str, object]]:
    """Give menu items as templates see them, which never change them."""
    return [
        {
            "title": item.title,
            "href": item.href,
            "has_children": bool(item.children),
            "children": _menu(item.children),
        }
        for item in items
    ]
