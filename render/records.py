"""The sources of a site as typed values: what is left of a file once it has been read.

Records cross processes and lie in the cache, so they are frozen and hold plain values only. They say what *one file*
says; what files say together (lists, links, translations) is the business of `site`.

Instants are whole microseconds since 1970-01-01 UTC. Language codes are lower case with `-` (`zh-tw`).
Paths are relative to the project, with `/`.
"""

from __future__ import annotations

import msgspec

from blogd.render.limits import Limits


class Post(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A post, a page or a translation, as its front matter says.

    `language` is '' where the file doesn't name one (the project's main language is meant). `created_at` is None in
    translations that leave it to their post. `translation_for` is the id of the post a translation belongs to;
    `sibling` is the path of the post that a file named `{slug}.{lang}.md` would translate, should that post exist.
    `layout` is a template name to use when there is such a template; `template_at` is the line and column of the
    key that gives `template_slug`.
    `body_offset` counts bytes from the start of the file; `body_line` is the file's line on which the body starts.
    `source_digest` is that of the body's raw text.
    """

    path: str
    id: str
    title: str
    slug: str
    excerpt: str | None = None
    author: str | None = None
    template_slug: str | None = None
    template_at: tuple[int, int] = (0, 0)
    layout: str | None = None
    status: str = "published"
    language: str = ""
    do_not_translate: bool = False
    created_at: int | None = None
    updated_at: int | None = None
    published_at: int | None = None
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    translation_for: str | None = None
    sibling: str | None = None
    sibling_language: str = ""
    body_offset: int = 0
    body_line: int = 1
    source_digest: bytes = b""


class Media(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A media file and what its sidecar says of it; `path` is the media file's own, `media/YYYY/MM/name`."""

    path: str
    id: str = ""
    original_name: str = ""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    title: str = ""
    alt: str = ""
    caption: str = ""
    author: str = ""
    language: str = ""
    created_at: int | None = None
    tags: tuple[str, ...] = ()
    linked_post_ids: tuple[str, ...] = ()


class Project(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`meta/project.json`. `public_url` has no trailing slash; `timezone` is an IANA name, '' for the machine's."""

    name: str = ""
    description: str = ""
    public_url: str = ""
    main_language: str = "en"
    blog_languages: tuple[str, ...] = ()
    default_author: str = ""
    max_posts_per_page: int = 50
    timezone: str = ""
    highlight: bool = True
    search: bool = True
    limits: Limits = Limits()


class Category(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of `meta/category-meta.json`."""

    name: str
    title: str
    render_in_lists: bool = True
    show_title: bool = True
    post_template_slug: str | None = None
    list_template_slug: str | None = None


class Tag(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of `meta/tags.json`."""

    name: str
    color: str | None = None
    post_template_slug: str | None = None


class MenuItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of the menu; `href` is root-relative, '#' for a submenu."""

    title: str
    href: str
    children: tuple[MenuItem, ...] = ()


class TemplateSource(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A template: `name` as templates refer to it (`partials/menu`), `path` as messages do.

    `text` is without front matter; `first_line` is the file's line on which it starts. `bundled` marks blogd's own.
    """

    name: str
    path: str
    text: str
    first_line: int = 1
    bundled: bool = False
