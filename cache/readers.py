"""Who reads what: from an entity's number to the pages that asked for it.

The index is only added to. Pages that have stopped reading something are still in it, and those that are gone: whoever
asks looks at what a page reads now. It is begun anew when most of it is of no use.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, KeysView

SPARE = 10_000


class Readers:
    """The ids of pages by what they read, as arrays of (entity, mask) pairs say it."""

    def __init__(self) -> None:
        self._pages: defaultdict[int, array[int]] = defaultdict(partial(array, "I"))
        self._entries = self._living = 0

    def add(self, page: int, reads: bytes, before: bytes = b"") -> None:
        """Note what a page reads now, and what it read before."""
        new = array("I", reads)[::2]
        if before:
            known = frozenset(array("I", before)[::2])
            new = array("I", [entity for entity in new if entity not in known])
        for entity in new:
            self._pages[entity].append(page)
        self._entries += len(new)
        self._living += (len(reads) - len(before)) // 8

    def fill(self, pages: Iterable[tuple[int, bytes]]) -> None:
        """Note what pages read that are not in the index yet."""
        readers, entries = self._pages, 0
        for page, reads in pages:
            asked = array("I", reads)[::2]
            for entity in asked:
                readers[entity].append(page)
            entries += len(asked)
        self._entries += entries
        self._living += entries

    def remove(self, reads: bytes) -> None:
        """Note that a page that read this is gone."""
        self._living -= len(reads) // 8

    def is_crammed(self) -> bool:
        """Tell whether most entries are of no use any more."""
        return self._entries > 2 * self._living + SPARE

    def of(self, entity: int) -> array[int]:
        """Give the pages that read an entity, or did."""
        return self._pages.get(entity, array("I"))

    def entities(self) -> KeysView[int]:
        """Give the entities that have readers, or had."""
        return self._pages.keys()


def pairs(reads: bytes) -> Iterator[tuple[int, int]]:
    """Give the entities and masks of an array of reads."""
    numbers = array("I", reads)
    return zip(numbers[::2], numbers[1::2], strict=True)


def mask_of(reads: bytes, entity: int) -> int:
    """Give the mask with which an entity is read, 0 if it isn't."""
    return next((mask for number, mask in pairs(reads) if number == entity), 0)
