"""The pages that are to be made, in the order in which people want to see them, and in which workers have least to do.

Three classes: what the edit itself is about, then first pages of lists and the site's own files, then the rest. Within
a class each worker has a stretch of what was queued at a time, and pages are queued in the order of their posts: what
a worker has made of a post it needs again for the next lists that show it (`render.shelf`). One that is done with its
own stretch helps from the far end of the longest.

A page that was taken out, or is wanted sooner, stays where it was queued and is passed over there.

Batches hold pages of one class, as many as take a worker about `TARGET_S`, judged by what pages of their sections have
cost so far, and fewer towards the end, so that all workers finish together.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from blogd.render.routes import section

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blogd.cache.rows import PageRow

    Stretch = deque[PageRow]

TARGET_S: Final = 0.04
MOST: Final = 64
URGENT, SOON, LATER = range(3)
_GUESS_S: Final = 0.001
_LEAST_S: Final = 0.000_01
_SMOOTHING: Final = 0.3


class PageQueue:
    """Pages waiting to be made."""

    def __init__(self, workers: int) -> None:
        self._workers = max(1, workers)
        self._classes: tuple[list[Stretch], ...] = tuple([deque() for _ in range(self._workers)] for _ in range(3))
        self._urgency: dict[int, int] = {}
        self._alone: dict[int, PageRow] = {}
        self._costs: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._urgency) + len(self._alone)

    def add(self, rows: Sequence[PageRow], urgency: Callable[[PageRow], int]) -> None:
        """Queue pages; one that is queued already keeps the more urgent place."""
        for number, row in enumerate(rows):
            wanted = urgency(row)
            if row.id not in self._alone and self._urgency.get(row.id, LATER + 1) > wanted:
                self._classes[wanted][number * self._workers // len(rows)].append(row)
                self._urgency[row.id] = wanted

    def add_alone(self, row: PageRow) -> None:
        """Queue a page that is to be tried by itself: it may have killed a worker."""
        self.remove(row.id)
        self._alone[row.id] = row

    def remove(self, number: int) -> None:
        """Take a page out."""
        self._alone.pop(number, None)
        self._urgency.pop(number, None)

    def is_suspect(self, number: int) -> bool:
        """Tell whether a page waits to be tried by itself."""
        return number in self._alone

    def learn(self, rows: list[PageRow], seconds: float) -> None:
        """Take in what a batch has cost."""
        if rows:
            ratio = seconds / sum(map(self._cost, rows))
            for name in {section(row.key) for row in rows}:
                cost = self._costs.get(name, _GUESS_S)
                self._costs[name] = max(_LEAST_S, cost * (1 - _SMOOTHING) + cost * ratio * _SMOOTHING)

    def _cost(self, row: PageRow) -> float:
        return self._costs.get(section(row.key), _GUESS_S)

    def take(self, worker: int, is_wanted: Callable[[PageRow], bool]) -> list[PageRow]:
        """Take the next batch for a worker, [] if there is none."""
        for urgency, stretches in enumerate(self._classes):
            while any(stretches):
                batch = self._take_from(urgency, worker % self._workers, is_wanted)
                if batch:
                    return batch
        while self._alone:
            row = self._alone.pop(next(iter(self._alone)))
            if is_wanted(row):
                return [row]
        return []

    def _take_from(self, urgency: int, own: int, is_wanted: Callable[[PageRow], bool]) -> list[PageRow]:
        stretches = self._classes[urgency]
        stretch = stretches[own] or max(stretches, key=len)
        take = stretch.popleft if stretch is stretches[own] else stretch.pop
        most = min(MOST, -(-sum(map(len, stretches)) // (3 * self._workers)))
        batch: list[PageRow] = []
        left = TARGET_S
        while stretch and left > 0 and len(batch) < most:
            row = take()
            if self._urgency.get(row.id) != urgency:
                continue
            del self._urgency[row.id]
            if is_wanted(row):
                batch.append(row)
                left -= self._cost(row)
        return batch
