"""Emphasis: which runs of `*` and `_` belong together, by CommonMark's rules.

A run may open emphasis, close it, both or neither, by the characters on its two sides. Each closing run looks back for
the nearest opening run of its kind; what lies between the two can pair with nothing more. Where a search has failed,
no later run of the same kind looks again (`bottoms`): so time grows with the number of runs, not with its square.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet


class Run:
    """A run of `*` or `_`: `size` characters of a text from `start` on, held by a part of the HTML."""

    __slots__ = ("closes", "closing", "left", "marker", "opening", "opens", "order", "part", "size", "start")

    def __init__(self, part: int, marker: str, start: int, size: int) -> None:
        self.part = part
        self.marker = marker
        self.start = start
        self.size = self.left = size
        self.order = 0
        self.opens = self.closes = False
        self.opening: list[str] = []
        self.closing: list[str] = []

    def look_around(self, text: str, low: int, high: int, links: AbstractSet[int]) -> None:
        """Find out whether the run may open or close, seen between two offsets; at `links` stand links, not words."""
        end = self.start + self.size
        before = text[self.start - 1] if self.start > low else "\n"
        after = text[end] if end < high else "\n"
        if after == "\\" and text[end + 1 : end + 2] == "\n":
            after = "\n"
        elif end in links:
            after = "<"
        before_space, before_word = before.isspace(), before.isalnum()
        after_space, after_word = after.isspace(), after.isalnum()
        if self.marker == "*" or not (before_word and after_word):
            self.opens = not after_space and (after_word or not before_word)
            self.closes = not before_space and (before_word or not after_word)

    def may_open_for(self, closer: Run) -> bool:
        """Tell whether this run and a later one can be the ends of one emphasis: CommonMark's rule of three."""
        if self.marker != closer.marker:
            return False
        if not self.closes and not closer.opens:
            return True
        return (self.size + closer.size) % 3 != 0 or (self.size % 3 == 0 and closer.size % 3 == 0)

    def html(self) -> str:
        """Return what the run has become: tags, and the characters that are left."""
        return "".join(self.closing) + self.marker * self.left + "".join(reversed(self.opening))


def pair_runs(runs: Sequence[Run]) -> None:
    """Turn runs, of which it is known whether they open or close, into tags as far as they pair."""
    openers: list[Run] = []
    bottoms: dict[tuple[str, int, bool], int] = {}
    for order, run in enumerate(runs):
        run.order = order
        if run.closes:
            _close(run, openers, bottoms)
        if run.opens and run.left:
            openers.append(run)


def _close(closer: Run, openers: list[Run], bottoms: dict[tuple[str, int, bool], int]) -> None:
    while closer.left and openers:
        kind = (closer.marker, closer.size % 3, closer.opens)
        opener = _opener(closer, openers, bottoms.get(kind, 0))
        if opener is None:
            bottoms[kind] = closer.order
            return
        while openers[-1] is not opener:
            openers.pop()
        width, tag = (2, "strong") if opener.left > 1 and closer.left > 1 else (1, "em")
        opener.opening.append(f"<{tag}>")
        closer.closing.append(f"</{tag}>")
        opener.left -= width
        closer.left -= width
        if not opener.left:
            openers.pop()


def _opener(closer: Run, openers: Sequence[Run], bottom: int) -> Run | None:
    for opener in reversed(openers):
        if opener.order < bottom:
            return None
        if opener.may_open_for(closer):
            return opener
    return None
