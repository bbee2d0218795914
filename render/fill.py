"""Fill the holes of rendered bodies: links, macros and element ids, as one page needs them.

What is filled in is read like all else: the slug or media file that a link means, the images of a gallery, the
template of a macro. Findings (a dead link, an unknown macro) are reported where a body is shown on its own page, once.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from urllib.parse import unquote

from blogd.render.body import Anchor, Link, Macro
from blogd.render.diagnostic import LostError
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


SHOWN_MOST: Final = 200  # characters of a line that a finding shows
_OPENINGS: Final = "(<\"'"  # of a URL
NO_BODY: Final = Shown("", "", "")  # text that is no post's body


class Filler:
    """Fill one body for one page; `report` takes the findings."""

    def __init__(self, page: Page, shown: Shown, expand: MacroExpander, report: Report | None = None) -> None:
        self._page = page
        self._shown = shown
        self._expand = expand
        self._report = report
        self._calls = 0
        self._lines: list[str] = []

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
            self._warn(Finding(message, "mend the link, or add what it points to"), link.line, link.url)
        return escape(link.url if url is None else url)

    def _macro(self, call: Macro) -> str:
        html, findings = self._expand(self._page, call, self._shown.record, self._shown.post, self._calls)
        self._calls += 1
        for finding in findings:
            self._warn(finding, call.line, call.source)
        if html is not None:
            return html
        unknown = Finding(f"there is no macro named {call.name!r}", "mend its name, or add a script for it")
        self._warn(unknown, call.line, call.source)
        text = escape(call.source, quote=False)
        return f"<p>{text}</p>" if call.block else text

    def _warn(self, finding: Finding, line: int, written: str) -> None:
        """Report what is wrong with a link or call that stands on a line of the body, 0 where that isn't known."""
        if self._report is None:
            return
        if not line:
            self._report(finding.at(self._shown.record, 0))
            return
        shown, record = self._shown, self._shown.record
        self._page.recorder.read(("post", shown.post, self._page.tree), ASPECT["lines"] | ASPECT["source"])
        number = self._page.site.entries[record].post.body_line + line - 1
        try:
            self._lines = self._lines or self._page.source(record).split("\n")
        except LostError:  # no reason to leave the page out: it is to be read again, or can't be
            self._report(finding.at(record, number))
            return
        text = self._lines[line - 1]
        self._report(finding.at(record, number, _column(text, written), text[:SHOWN_MOST]))


def _column(line: str, written: str) -> int:
    """Give the column at which a URL or macro call begins in a line, 0 if it is written in another way there."""
    start = written.partition("\n")[0]
    for text in (*(opening + start for opening in _OPENINGS), start, unquote(start)):
        if (at := line.find(text)) >= 0:
            return at + 1 + (text[0] in _OPENINGS)
    return 0


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
