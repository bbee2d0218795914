"""Texts that pages share for as long as the site stays as it is: a post on seven lists is rendered for one of them.

A text is kept with what was read for it, since each page that takes it over has read that too. All texts of a renderer
share one budget. When it is spent they are given up, all at once: pages are rendered in the order of their posts, so
what is needed next is mostly what was needed lately.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.render.reads import Reads

CHARACTERS_MOST: Final = 4_000_000
_OVERHEAD: Final = 600  # of what is kept beside a text, in characters


class Text(NamedTuple):
    """A text and what was read for it."""

    text: str
    reads: Reads


class Shelf:
    """The budget of all texts, and the bodies of posts by tree and path, on pages that are not their own.

    `state` counts the states of the site; whatever else keeps texts gives them up when it is told to.
    """

    def __init__(self) -> None:
        self.state = 0
        self.bodies: dict[tuple[str, str], Text] = {}
        self._left = CHARACTERS_MOST
        self._keepers: list[Callable[[], None]] = []

    def add_keeper(self, give_up: Callable[[], None]) -> None:
        """Learn of something that keeps texts until the site changes."""
        self._keepers.append(give_up)

    def make_room(self, text: str) -> None:
        """Account for a text that is to be kept."""
        self._left -= len(text) + _OVERHEAD
        if self._left < 0:
            self._give_up()

    def clear(self) -> None:
        """Give up all texts, since the site has changed."""
        self._give_up()
        self._keepers.clear()
        self.state += 1

    def _give_up(self) -> None:
        self._left = CHARACTERS_MOST
        self.bodies.clear()
        for give_up in self._keepers:
            give_up()
