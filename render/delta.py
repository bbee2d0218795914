"""What a site is told: records, settings, media and templates, each by its key.

A *record* is a post or a translation; its key is its path.
"""

from __future__ import annotations

import msgspec

from blogd.render.body import Macro
from blogd.render.project import CATEGORY_META_PATH, TAGS_PATH
from blogd.render.records import Category, Media, MenuItem, Post, Project, Tag, TemplateSource

MacroResults = tuple[str | None, ...]


class BodyRef(msgspec.Struct, frozen=True, gc=False):
    """Where a rendered body lies, and what it needs: `digest` is that of its pieces, `links` its internal `href`s."""

    segment: str
    offset: int
    length: int
    digest: bytes
    links: tuple[str, ...] = ()
    macros: tuple[Macro, ...] = ()


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A post or translation with its rendered body."""

    post: Post
    body: BodyRef


class Meta(msgspec.Struct, frozen=True):
    """The site's settings. `trees` are its language codes, the main one first; `timezone` is an IANA name.

    `namings` are the lines and columns where a file of meta/ names a template.
    """

    project: Project = Project()
    trees: tuple[str, ...] = ("en",)
    timezone: str = "UTC"
    categories: dict[str, Category] = {}
    tags: dict[str, Tag] = {}
    menu: tuple[MenuItem, ...] = ()
    namings: dict[tuple[str, str], tuple[int, int]] = {}

    def template_for(self, post: Post) -> tuple[str, str]:
        """Give the template that a post's tags or else its categories name, and the file that says so; '' for none."""
        tags = (self.tags[name].post_template_slug for name in post.tags if name in self.tags)
        categories = (self.categories[name].post_template_slug for name in post.categories if name in self.categories)
        found = [(name, TAGS_PATH) for name in tags if name]
        found += [(name, CATEGORY_META_PATH) for name in categories if name]
        return found[0] if found else ("", "")


class Delta(msgspec.Struct, frozen=True):
    """What is new: records by path, None for those that are gone.

    `macros` are the results of a record's Python macros by tree. `unshown` are the ids of posts that are there but not
    shown, drafts say; None for those that are no longer.
    """

    meta: Meta | None = None
    entries: dict[str, Entry | None] = {}
    media: dict[str, Media | None] = {}
    templates: dict[str, TemplateSource | None] = {}
    macros: dict[tuple[str, str], MacroResults | None] = {}
    unshown: dict[str, str | None] = {}
