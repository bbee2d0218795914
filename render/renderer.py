"""From a page key to bytes: choose the template, set the scene, render, complete the URLs.

Rendering is pure: the same site, templates, bodies and build time give the same bytes and the same reads, in whatever
process. A page that can't be rendered gives its diagnostics and no bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import msgspec
from liquid.exceptions import FilterArgumentError

from blogd.render.diagnostic import Diagnostic, SourceError
from blogd.render.drops import Content, PostDrop
from blogd.render.expand import Expander
from blogd.render.fill import NO_BODY, Filler, Shown
from blogd.render.highlight import stylesheet
from blogd.render.labels import label
from blogd.render.links import url_segment
from blogd.render.liquid_filters import Steady
from blogd.render.liquid_page import NotShared
from blogd.render.list_page import OWN_VARIABLES, ListPage
from blogd.render.markdown import render_body
from blogd.render.pages import Apart, NotFoundPage, Page, PostPage, SearchPage, Stage
from blogd.render.project import CATEGORY_META_PATH
from blogd.render.reads import CATEGORY, Reads
from blogd.render.shelf import Text
from blogd.render.site_files import calendar_file, feed_file, sitemap_file
from blogd.render.slugs import slugify
from blogd.render.templates import CodeCache, Templates
from blogd.render.urls import base_path, complete_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from blogd.render.body import Body
    from blogd.render.delta import BodyRef
    from blogd.render.records import TemplateSource
    from blogd.render.routes import PageKey
    from blogd.render.site import Site


class Bodies(Protocol):
    """Where rendered and raw bodies are read."""

    def read(self, ref: BodyRef) -> Body:
        """Give a rendered body."""
        ...

    def source(self, record: str) -> str:
        """Give a record's raw Markdown."""
        ...


class Rendering(msgspec.Struct, frozen=True):
    """A page's bytes, None if it could not be rendered; what it read; what was found on the way."""

    data: bytes | None
    reads: Reads
    diagnostics: tuple[Diagnostic, ...] = ()


class Choice(NamedTuple):
    """A template, and the file that names it, if any does."""

    template: str
    source: str = ""


class Renderer:
    """Render pages of a site. `bundled` are blogd's own templates, `style` its stylesheet."""

    def __init__(
        self,
        site: Site,
        bodies: Bodies,
        bundled: Mapping[str, TemplateSource],
        style: str,
        code_cache: CodeCache | None = None,
    ) -> None:
        self.site = site
        self.bodies = bodies
        self._style = style
        self._bundled = bundled
        self._code_cache = code_cache
        self._limits = site.meta.project.limits
        self._load_templates()
        self._findings: list[Diagnostic] = []
        self._open: set[str] = set()  # records whose bodies are being written

    def _load_templates(self) -> None:
        self.templates = Templates(
            {**self._bundled, **self.site.templates},
            {"markdown": self._markdown, **_STEADY},
            own=OWN_VARIABLES,
            limits=self._limits,
            code_cache=self._code_cache,
        )
        self._expand = Expander(self.templates)

    def update(self, names: Mapping[str, TemplateSource | None]) -> None:
        """Take in that the site has changed, and changed templates, which it has already."""
        self.templates.shelf.clear()
        limits = self.site.meta.project.limits
        if limits != self._limits:
            self._limits = limits
            self._load_templates()
        elif names:
            self.templates.update({name: source or self._bundled.get(name) for name, source in names.items()})

    def render(self, key: PageKey, now: datetime) -> Rendering:
        """Render the page of a key."""
        self._findings = []
        page = self._page(key, now)
        data: bytes | None = None
        try:
            data = self._text(key, page).encode("utf-8", "replace")
        except SourceError as error:
            self._findings.append(error.diagnostic)
        return Rendering(data, page.recorder.reads, tuple(dict.fromkeys(self._findings)))

    def _page(self, key: PageKey, now: datetime) -> Page:
        kind, tree, name = str(key[0]), str(key[1]), str(key[2])
        stage = Stage(self.site, tree or self.site.main, now, self.bodies.source)
        match kind:
            case "post" | "page":
                return PostPage(stage, name)
            case "extra":
                return PostPage(stage, self.site.bases[name], name)
            case "list":
                return ListPage(stage, name, str(key[3]), cast("int", key[4]))
            case "search":
                return SearchPage(stage)
            case _:
                return NotFoundPage(stage)

    def _text(self, key: PageKey, page: Page) -> str:
        match key[0], key[2]:
            case "style", _:
                page.recorder.read(("project", "highlight"))
                return self._style + (stylesheet() if self.site.meta.project.highlight else "")
            case "sitemap", name:
                return sitemap_file(page, str(name))
            case "text", "calendar.json":
                return calendar_file(page)
            case "text", ("rss.xml" | "atom.xml") as name:
                return feed_file(page, str(name), self._body)
            case _:
                return self._html(self._template(page), page)

    def _html(self, choice: Choice, page: Page) -> str:
        template = choice.template
        if not self._has_template(page, template):
            raise SourceError(_no_template(choice, page))
        html = self.templates.render(template, page)
        base = base_path(str(page.project("public_url")))
        return complete_urls(html, self.site.prefix(page.tree), base, self.site.prefixes())

    def _template(self, page: Page) -> Choice:
        if isinstance(page, PostPage):
            return self._post_template(page, page.post)
        if isinstance(page, ListPage):
            return self._list_template(page)
        return Choice("search" if isinstance(page, SearchPage) else "not-found")

    def _post_template(self, page: Page, post: PostDrop) -> Choice:
        post.read("template")
        record = self.site.entries[post.path].post
        if record.template_slug:
            return Choice(record.template_slug, post.path)
        if record.layout and self._has_template(page, record.layout):
            return Choice(record.layout)
        name, source = self.site.meta.template_for(record)
        return Choice(name, source) if name else Choice("single-post")

    def _list_template(self, page: ListPage) -> Choice:
        if page.kind == "category":
            page.recorder.read(("category", page.name_of_list), CATEGORY["list_template_slug"])
            category = self.site.meta.categories.get(page.name_of_list)
            if category and category.list_template_slug:
                return Choice(category.list_template_slug, CATEGORY_META_PATH)
        return Choice("post-list")

    def _has_template(self, page: Page, name: str) -> bool:
        page.read_template(name)
        return name in self.site.templates or name in self._bundled

    def _markdown(self, page: Page, value: object, *_: object, **__: object) -> str:
        """Give the HTML of a post's body, or of any other text."""
        if isinstance(value, Content):
            if isinstance(page, PostPage) and value.post.entry is page.post.entry:
                return self._fill(page, page.post, "", self._findings.append)
            return self._body(page, value.path)
        page.recorder.read(("project", "highlight"))
        body = _render_text("" if value is None else str(value), self.site.meta.project.highlight)
        return Filler(page, NO_BODY, self._expand).fill(body)

    def _body(self, page: Page, path: str) -> str:
        """Give the HTML of another post's body."""
        if isinstance(page, Apart) and page.path == path:
            raise NotShared
        known = self.templates.shelf.bodies.get((page.tree, path))
        if known is None:
            return self._shared_body(page, path)
        page.recorder.add(known.reads)
        return known.text

    def _shared_body(self, page: Page, path: str) -> str:
        """Give such HTML, and keep it for other pages, unless that is done with more around it.

        The template of a macro in the body can ask for what is the page's own: then it isn't kept.
        """
        try:
            with page.recorder.part() as reads:
                text = self._fill_foreign(page.apart(), path)
        except NotShared:
            if isinstance(page, Apart):
                raise
            return self._fill_foreign(page, path)
        if not isinstance(page, Apart):
            self.templates.shelf.make_room(text)
            self.templates.shelf.bodies[page.tree, path] = Text(text, reads)
        return text

    def _fill_foreign(self, page: Page, path: str) -> str:
        post = PostDrop(page, path)
        return self._fill(page, post, url_segment(post.text("slug")) + "-")

    def _fill(self, page: Page, post: PostDrop, anchor: str, report: Callable[[Diagnostic], None] | None = None) -> str:
        post.read("body")
        record = post.entry.post.path
        if record in self._open:
            raise FilterArgumentError(f"the body of {record} shows itself, by a macro in it, without end", token=None)
        self._open.add(record)
        try:
            shown = Shown(record, post.path, anchor)
            return Filler(page, shown, self._expand, report).fill(self.bodies.read(post.entry.body))
        finally:
            self._open.discard(record)


def _no_template(choice: Choice, page: Page) -> Diagnostic:
    name, source = choice
    if isinstance(page, PostPage) and source == page.path:
        page.post.read("lines")
        line, column = page.site.entries[source].post.template_at
    else:
        page.recorder.read(("naming", source, name))
        line, column = page.site.meta.namings.get((source, name), (0, 0))
    hint = f"add templates/{name}.liquid, or name another template"
    message = f"there is no template {name!r}"
    return Diagnostic(severity="error", path=source, line=line, column=column, message=message, hint=hint)


@lru_cache(maxsize=4096)
def _render_text(text: str, highlight: bool) -> Body:  # noqa: FBT001 - a setting passed on
    return render_body(text, highlight=highlight)


def _i18n(value: object, language: object = "en", *_: object) -> str:
    return label(str(value), str(language))


def _slugify(value: object) -> str:
    return slugify("" if value is None else str(value))


def _url_path(value: object) -> str:
    return url_segment("" if value is None else str(value))


_STEADY: Final = {"i18n": Steady(_i18n), "slugify": Steady(_slugify), "url_path": Steady(_url_path)}
