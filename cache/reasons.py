"""Why a page was last made, as one integer in its row.

A reason is either a `Cause`, or a changed answer: the number of its entity in the manifest and the mask of those of its
aspects that both changed and had been asked for. The mask stays whole (`ALL`) where what was asked about came or went.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from blogd.render.reads import ALL

_MASK_BITS: Final = 32


class Cause(IntEnum):
    """The reasons that are no answer to a page's question."""

    UNKNOWN = 0
    FIRST = 1  # there was no cache
    NEW = 2  # nobody claimed its path before
    CLAIMED = 3  # another claimed its path before
    VERSION = 4  # blogd or what it is made of is of another version
    ALTERED = 5  # its file is not as it was left
    FRAME = 6  # the site's languages or time zone are others, which every page depends on


def changed_answer(entity: int, wanted: int, changed: int) -> int:
    """Give the reason for a page that asked the `wanted` aspects of an entity; 0 if none of these changed."""
    mask = wanted & changed
    if not mask:
        return Cause.UNKNOWN
    return entity << _MASK_BITS | (ALL if changed == ALL else mask)


def entity_and_mask(reason: int) -> tuple[int, int]:
    """Take a reason apart; the entity is 0 for a `Cause`, which is then the mask."""
    return reason >> _MASK_BITS, reason & ALL
