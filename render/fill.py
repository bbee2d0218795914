"""Fill the holes of rendered bodies: links, macros and element ids, as one page needs them.

What is filled in is read like all else: the slug or media file that a link means, the images of a gallery, the
template of a macro. Findings (a dead link, an unknown macro) are reported where a body is shown on its own page, once.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from blogd.render.body import Anchor, Link, Macro
from blogd.render.links import MediaLink, PostLink, link_target, split_suffix
from blogd.render.macros import Finding
from blogd.render.pages import media_href
from blogd.render.reads import ASPECT
from blogd.render.urls import MAIN_TREE

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.render.body import Body, Piece
    from blogd.render.diagnostic import Diagnostic
    from blogd.render.pages import Page

    Report = Callable[[Diagnostic], None]


class MacroExpander(Protocol):
    """Give the HTML of a macro call in a record's body, None if nobody knows that macro, and what is wrong with it."""

    def __call__(
        self, page: Page, call: Macro, record: str, post: str, index: int
    ) -> tuple[str | None, tuple[Finding, ...]]:
        """Expand one call; `index` counts the calls of the body."""
        ...


class Shown(NamedTuple):
    """A body on a page: its source file, its post, and the prefix of its element ids."""

    record: str
    post: str
    anchor: str


NO_BODY: Final = Shown("", "", "")  # text that is no post's body


class Filler:
    """Fill one body for one page; `report` takes the findings."""

    def __init__(self, page: Page, shown: Shown, expand: MacroExpander, report: Report | None = None) -> None:
        self._page = page
        self._shown = shown
        self._expand = expand
        self._report = report
        self._calls = 0

    def fill(self, body: Body) -> str:
        """Give the body's HTML."""
        return "".join(map(self._piece, body.pieces))

    def _piece(self, piece: Piece) -> str:
        match piece:
            case str():
                return piece
            case Link():
                return self._link(piece)
            case Macro():
                return self._macro(piece)
            case Anchor():
                return self._shown.anchor

    def _link(self, link: Link) -> str:
        url = resolve_link(self._page, link.url, self._shown.record)
        if url is None:
            message = f"the link {link.url!r} leads nowhere: there is no such post or media file"
            self._warn(link.line, Finding(message, "mend the link, or add what it points to"))
        return escape(link.url if url is None else url)

    def _macro(self, call: Macro) -> str:
        html, findings = self._expand(self._page, call, self._shown.record, self._shown.post, self._calls)
        self._calls += 1
        for finding in findings:
            self._warn(call.line, finding)
        if html is not None:
            return html
        self._warn(
            call.line, Finding(f"there is no macro named {call.name!r}", "mend its name, or add a script for it")
        )
        text = escape(call.source, quote=False)
        return f"<p>{text}</p>" if call.block else text

    def _warn(self, line: int, finding: Finding) -> None:
        if self._report:
            self._page.recorder.read(("post", self._shown.post, self._page.tree), ASPECT["lines"])
            first = self._page.site.entries[self._shown.record].post.body_line
            self._report(finding.at(self._shown.record, first + line - 1 if line else 0))


def resolve_link(page: Page, url: str, record: str) -> str | None:
    """Give the URL that a link leads to: as it is where blogd has no say, None where nothing is there."""
    target = link_target(url, record)
    if target is None:
        return url
    if isinstance(target, MediaLink):
        page.recorder.read(("media", target.name))
        media = page.site.media.find(target.name)
        return media_href(media) + split_suffix(url)[1] if media else None
    page.recorder.read(("slug", target.slug) if isinstance(target, PostLink) else ("file", target.path))
    path = page.site.find(target)
    return _home(page, path) + page.site.route(path) + split_suffix(url)[1] if path else None


def _home(page: Page, path: str) -> str:
    """Give what leads to the main tree, where the page's own doesn't have the post."""
    if page.tree == page.site.main:
        return ""
    page.recorder.read(("post", path, page.tree), ASPECT["trees"])
    return "" if page.site.is_in(path, page.tree) else MAIN_TREE
