"""What stands in a page where a body calls a macro.

Built-in macros fill a template; Python macros have been run before pages are rendered, and their results are part of
the site. Both are read like all else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.render import macros
from blogd.render.labels import label
from blogd.render.pages import Stand, media_href
from blogd.render.reads import ASPECT
from blogd.render.routes import list_href

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from blogd.render.body import Macro
    from blogd.render.macros import Expansion, Finding
    from blogd.render.pages import Page
    from blogd.render.records import Media
    from blogd.render.templates import Templates

Expanded = tuple[str | None, "tuple[Finding, ...]"]


class Expander:
    """Expand macro calls with the site's templates."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def __call__(self, page: Page, call: Macro, record: str, post: str, index: int) -> Expanded:
        """Give the HTML of call number `index` in a record's body, None if nobody knows the macro, and the findings."""
        if call.name not in macros.TEMPLATES:
            return self._python(page, record, post, index), ()
        expansion = self._expansion(page, call, post)
        if expansion.variables is None:
            return "", expansion.findings
        html = self._templates.render(macros.TEMPLATES[call.name], _MacroPage(page, expansion.variables))
        return html.strip(), expansion.findings

    def _python(self, page: Page, record: str, post: str, index: int) -> str | None:
        if not record:
            return None
        page.recorder.read(("post", post, page.tree), ASPECT["macros"])
        results = page.site.macros.get((record, page.tree), ())
        return results[index] if index < len(results) else None

    def _expansion(self, page: Page, call: Macro, post: str) -> Expansion:
        language = page.tree
        match call.name:
            case "gallery":
                post_id = self._post_id(page, post)
                page.recorder.read(("linked-media", post_id))
                return macros.gallery(call, language, post_id, page.site.media.linked(post_id), media_href)
            case "photo_archive" | "photo_album":
                return macros.photo_archive(call, language, _Album(page), _month_label(language), media_href)
            case "tag_cloud":
                page.recorder.read(("cloud",))
                return macros.tag_cloud(call, language, _listed_tags(page))
            case _:
                return macros.video(call, language)

    def _post_id(self, page: Page, post: str) -> str:
        if not post:
            return ""
        page.recorder.read(("post", post, page.tree), ASPECT["id"])
        return page.site.entries[post].post.id


def _listed_tags(page: Page) -> list[tuple[str, int, str]]:
    """Give the tags that have a page in the page's tree, each with the number of all its posts."""
    scope = page.site.scope(page.tree)
    page.recorder.read(("taxonomy", scope, "tag"))
    listed = page.site.lists.names.get((scope, "tag"), ())
    return [(name, n, list_href("tag", name, 1)) for name, n in page.site.tag_counts.items() if name in listed]


class _Album:
    """The site's images by month, as one page reads them."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def months(self) -> Iterable[str]:
        """Give the months that have any."""
        self._page.recorder.read(("photo-months",))
        return self._page.site.media.months()

    def photos(self, month: str) -> Iterable[Media]:
        """Give the images of a month."""
        self._page.recorder.read(("photos", month))
        return self._page.site.media.photos(month)


class _MacroPage(Stand):
    """A page as a macro's template sees it: the macro's variables, then the page's own."""

    def __init__(self, page: Page, variables: Mapping[str, object]) -> None:
        super().__init__(page)
        self._page = page
        self._variables = variables

    def __getitem__(self, name: str) -> object:
        return self._variables[name] if name in self._variables else self._page[name]

    def __contains__(self, name: object) -> bool:
        return name in self._variables or name in self._page

    def shares(self, name: str) -> bool:
        """Tell whether a variable is the same for all pages of the tree: one of the macro's own is not."""
        return name not in self._variables and self._page.shares(name)


def _month_label(language: str) -> Callable[[int, int], str]:
    def name(year: int, month: int) -> str:
        return f"{label(f'render.month.{month}', language)} {year}"

    return name
