"""A rendered body: HTML with holes.

Markdown is rendered once per text, not once per page that shows it. What depends on the rest of the site is left open:
the target of a link, the result of a macro, and element ids, which need a prefix where several bodies share a page.
Filling the holes is cheap.
"""

from __future__ import annotations

import msgspec


class Link(msgspec.Struct, frozen=True, array_like=True, tag="l", gc=False):
    """The value of an `href` or `src` attribute, as text (HTML entities decoded), to be resolved and escaped.

    `line` counts from the body's first line as 1; 0 where it isn't known.
    """

    url: str
    attribute: str
    line: int = 0


class Macro(msgspec.Struct, frozen=True, array_like=True, tag="m", gc=False):
    """A macro call; `source` is how it was written. `block`: it is alone in its paragraph."""

    name: str
    params: dict[str, str]
    source: str
    block: bool
    line: int = 0


class Anchor(msgspec.Struct, frozen=True, array_like=True, tag="a", gc=False):
    """A place for the page's id prefix: stands before an element id and before references to it in this body."""


Piece = str | Link | Macro | Anchor


class Body(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The pieces in order; adjacent strings are joined."""

    pieces: tuple[Piece, ...]
