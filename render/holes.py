"""The holes of a body while its HTML is written.

HTML is written as strings. Where a hole belongs, a marker stands: the hole's number between two NULs, a character that
HTML can't hold and that has been taken out of the source. When all is written, `body` cuts the HTML at the markers.

A `#fragment` is decided last: it gets an id prefix if it names an id that this body gave out, be it further down.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from blogd.render.body import Anchor, Body, Link, Macro, Piece
from blogd.render.html_text import escape

if TYPE_CHECKING:
    from collections.abc import Callable

# `scheme:…`, `//…` and nothing at all lead elsewhere, whatever the site is.
_FIXED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:|//|\Z")
_MARKER = re.compile("\0([0-9]+)\0")


class _Fragment(str):
    """A reference to an id, without the `#`."""

    __slots__ = ()


class Holes:
    """Collects what is left open in one body."""

    def __init__(self) -> None:
        self._found: list[Link | Macro | Anchor | _Fragment] = []
        self._ids = set[str]()

    def url(self, url: str, attribute: str, line: Callable[[], int]) -> str | None:
        """Return what to write as an `href` or `src` between double quotes, or None if the site has no say in it."""
        if _FIXED.match(url):
            return None
        if url[0] == "#":
            return "#" + self._marker(_Fragment(url[1:])) if len(url) > 1 else None
        return self._marker(Link(url, attribute, line()))

    def macro(self, macro: Macro) -> str:
        """Return what to write for a macro call."""
        return self._marker(macro)

    def id(self, name: str) -> str:
        """Return what to write for an element id between double quotes, and take references to it for ours."""
        self._ids.add(name)
        return self._marker(Anchor()) + escape(name)

    def reference(self, name: str) -> str:
        """Return what to write for a reference to an id of this body, `#` included."""
        return "#" + self._marker(Anchor()) + escape(name)

    def plain(self, html: str) -> str:
        """Return HTML without markers, macro calls as they were written: for what goes into an attribute."""
        return _MARKER.sub(self._source, html) if "\0" in html else html

    def body(self, html: str) -> Body:
        """Cut the written HTML into pieces."""
        pieces: list[Piece] = []
        text = ""
        for index, chunk in enumerate(html.split("\0")):
            hole = self._found[int(chunk)] if index % 2 else chunk
            if isinstance(hole, _Fragment):
                if hole in self._ids or unquote(hole) in self._ids:
                    pieces += (text, Anchor())
                    text = ""
                text += escape(hole)
            elif isinstance(hole, str):
                text += hole
            else:
                if text:
                    pieces.append(text)
                text = ""
                pieces.append(hole)
        if text:
            pieces.append(text)
        return Body(tuple(pieces))

    def _marker(self, hole: Link | Macro | Anchor | _Fragment) -> str:
        self._found.append(hole)
        return f"\0{len(self._found) - 1}\0"

    def _source(self, marker: re.Match[str]) -> str:
        hole = self._found[int(marker[1])]
        return escape(hole.source) if isinstance(hole, Macro) else ""
