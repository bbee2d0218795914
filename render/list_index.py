"""All lists of a site, each with the paths of its posts, newest first.

A *list* is the home page's, or that of a year, month, day, category or tag. Lists come in two *scopes*, "main" for the
main tree and "other" for all others, which lack the posts that are not to be translated. Where a post stands is its
*place*: its sort key and the lists that it is on.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from blogd.render.reads import ListKey

FEW: Final = 16  # members added to a list one by one; more are added together and sorted

Order = tuple[int, str, str]
ListChanges = dict["ListKey", tuple[list[str], list[str]]]


class Place(NamedTuple):
    """Where a post stands: by its sort key, on its lists."""

    order: Order
    keys: tuple[ListKey, ...]


class ListIndex:
    """The lists that are not empty."""

    def __init__(self) -> None:
        self.members: dict[ListKey, list[str]] = {}
        self.names: dict[tuple[str, str], set[str]] = {}
        self.order: dict[str, Order] = {}
        self._keys: dict[str, tuple[ListKey, ...]] = {}

    def place(self, path: str) -> Place | None:
        """Say where a post stands, None if it is on no list and in no order."""
        return Place(self.order[path], self._keys[path]) if path in self.order else None

    def arrive(self, path: str, order: Order, keys: Iterable[ListKey]) -> None:
        """Give a post a place; its lists have it after `change`."""
        self.order[path] = order
        self._keys[path] = tuple(keys)

    def leave(self, path: str) -> None:
        """Take a post's place away; its lists lack it after `change`."""
        del self.order[path], self._keys[path]

    def change(self, left: Mapping[str, Place], arrived: Iterable[str]) -> ListChanges:
        """Bring the lists up to date with posts that have left and arrived; give those that differ, old and new.

        What has arrived is best given in its order.
        """
        removed: dict[ListKey, set[str]] = {}
        added: dict[ListKey, list[str]] = {}
        now = {path: Place(self.order[path], self._keys[path]) for path in arrived}
        for path, key in _differing(left, now):
            removed.setdefault(key, set()).add(path)
        for path, key in _differing(now, left):
            added.setdefault(key, []).append(path)
        return {
            key: self._replace(key, removed.get(key, set()), added.get(key, []))
            for key in removed.keys() | added.keys()
        }

    def _replace(self, key: ListKey, removed: set[str], added: list[str]) -> tuple[list[str], list[str]]:
        old = self.members.get(key, [])
        new = [path for path in old if path not in removed] if removed else old.copy()
        if len(added) < FEW:
            for path in added:
                insort(new, path, key=self.order.__getitem__)
        else:
            new = sorted(new + added, key=self.order.__getitem__)
        names = self.names.setdefault(key[:2], set())
        if new:
            self.members[key] = new
            names.add(key[2])
        else:
            self.members.pop(key, None)
            names.discard(key[2])
        return old, new


def _differing(these: Mapping[str, Place], those: Mapping[str, Place]) -> Iterator[tuple[str, ListKey]]:
    """Give the lists on which posts stand here, but not there or elsewhere."""
    for path, (order, keys) in these.items():
        other = those.get(path)
        same = other.keys if other is not None and other.order == order else ()
        for key in keys:
            if key not in same:
                yield path, key
