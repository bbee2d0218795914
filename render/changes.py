"""What an edit changed, as the answers to the questions that pages ask (see `reads`).

`Changes` holds the masks of changed aspects by entity, and for lists both versions, so that any question about a list
can be answered without knowing beforehand which were asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from blogd.render.reads import ALL, LIST_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blogd.render.reads import Entity, ListKey


class Changes:
    """The answers that differ between two states of a site."""

    __slots__ = ("everything", "lists", "masks")

    def __init__(self, *, everything: bool = False) -> None:
        self.everything = everything
        self.masks: dict[Entity, int] = {}
        self.lists: dict[ListKey, tuple[Sequence[str], Sequence[str]]] = {}

    def __bool__(self) -> bool:
        return self.everything or bool(self.masks) or bool(self.lists)

    def add(self, entity: Entity, mask: int = 1) -> None:
        """Note that these aspects of an entity have other values now."""
        if mask:
            self.masks[entity] = self.masks.get(entity, 0) | mask

    def include(self, later: Changes) -> None:
        """Take in what a later change, before anybody has seen this one, did."""
        self.everything |= later.everything
        for entity, mask in later.masks.items():
            self.add(entity, mask)
        for key, (before, after) in later.lists.items():
            self.lists[key] = (self.lists[key][0] if key in self.lists else before, after)

    def mask(self, entity: Entity) -> int:
        """Give the aspects of an entity that changed, 0 if none did."""
        if self.everything:
            return ALL
        lists = self.lists.get(list_of(entity)) if entity[0] in LIST_KINDS else None
        if lists is None:
            return self.masks.get(entity, 0)
        before, after = (_about(entity, posts) for posts in lists)
        return int(before != after)


def _about(entity: Entity, posts: Sequence[str]) -> object:
    """Answer a question about a list."""
    match entity:
        case "slice", _, _, _, int(start), int(stop):
            return posts[start:stop]
        case "beyond", _, _, _, int(number):
            return len(posts) > number
        case _:
            return len(posts)


def list_of(entity: Entity) -> ListKey:
    """Give the list that an entity of `LIST_KINDS` is about."""
    return cast("ListKey", entity[1:4])
