"""The pages that are to be made, in the order in which people want to see them.

Three classes: what the edit itself is about, then first pages of lists and the site's own files, then the rest. Within
a class first come, first served. Batches hold pages of one class, as many as take a worker about `TARGET_S`, judged by
what pages of their section have cost so far, and fewer towards the end, so that all workers finish together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blogd.render.routes import section

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.cache.store import PageRow

TARGET_S: Final = 0.04
MOST: Final = 64
URGENT, SOON, LATER = range(3)
_GUESS_S: Final = 0.003
_SMOOTHING: Final = 0.3


class PageQueue:
    """Pages waiting to be made."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._classes: tuple[dict[int, PageRow], ...] = ({}, {}, {})
        self._alone: dict[int, PageRow] = {}
        self._costs: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(map(len, self._classes)) + len(self._alone)

    def add(self, row: PageRow, urgency: int) -> None:
        """Queue a page; one that is queued already keeps the more urgent place."""
        if row.id in self._alone:
            return
        for number, waiting in enumerate(self._classes):
            if row.id in waiting:
                if number <= urgency:
                    return
                del waiting[row.id]
        self._classes[urgency][row.id] = row

    def add_alone(self, row: PageRow) -> None:
        """Queue a page that is to be tried by itself: it may have killed a worker."""
        self.remove(row.id)
        self._alone[row.id] = row

    def remove(self, number: int) -> None:
        """Take a page out."""
        for waiting in (*self._classes, self._alone):
            waiting.pop(number, None)

    def is_suspect(self, number: int) -> bool:
        """Tell whether a page waits to be tried by itself."""
        return number in self._alone

    def learn(self, rows: list[PageRow], seconds: float) -> None:
        """Take in what a batch has cost."""
        if rows:
            name = section(rows[0].key)
            cost = seconds / len(rows)
            self._costs[name] = self._costs.get(name, cost) * (1 - _SMOOTHING) + cost * _SMOOTHING

    def take(self, is_wanted: Callable[[PageRow], bool]) -> list[PageRow]:
        """Take the next batch, [] if there is none."""
        for waiting in self._classes:
            batch = self._take_from(waiting, is_wanted)
            if batch:
                return batch
        while self._alone:
            row = self._alone.pop(next(iter(self._alone)))
            if is_wanted(row):
                return [row]
        return []

    def _take_from(self, waiting: dict[int, PageRow], is_wanted: Callable[[PageRow], bool]) -> list[PageRow]:
        batch: list[PageRow] = []
        most = MOST
        while waiting and len(batch) < most:
            number = next(iter(waiting))
            row = waiting[number]
            name = section(row.key)
            if batch and name != section(batch[0].key):
                break
            del waiting[number]
            if is_wanted(row):
                if not batch:
                    most = self._size(name, len(waiting) + 1)
                batch.append(row)
        return batch

    def _size(self, name: str, waiting: int) -> int:
        share = -(-waiting // (3 * self._workers))
        return max(1, min(MOST, share, int(TARGET_S / self._costs.get(name, _GUESS_S))))
