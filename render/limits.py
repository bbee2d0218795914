"""What rendering one page may cost, so that every template comes to an end."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of a page.

    `iterations` counts the turns of all loops and the partials of a page; `characters` bounds the page and each
    string that a template builds; `depth` bounds nested blocks, nested scopes and partials within partials.
    """

    iterations: int = 10_000_000
    characters: int = 64_000_000
    depth: int = 30
