"""How far a run is: counts per section, one true fraction, a speed and the time left.

Totals become known bit by bit: posts after the scan, pages after the posts are read. Two rules keep the bar honest:

- Work is weighed, since rendering a page costs more than copying a file. While only posts are known, the pages they
  will make are expected, so that reading never fills the bar.
- Whenever the totals change, what is left of the bar is shared out anew among what is left of the work. So the
  fraction never jumps and never goes back, and still ends at 1.

Speed is measured over the last few seconds.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from blogd.daemon.events import Progress, Section

WINDOW_S = 5.0
SAMPLE_S = 0.1
TOO_LITTLE = 0.02
PAGES_PER_POST = 2
WEIGHTS: dict[Section, float] = {"copies": 0.2}  # a page or a post weighs 1


class Count(NamedTuple):
    """So many of so many."""

    done: int
    total: int


class _Sample(NamedTuple):
    at: float
    weight: float
    posts: int
    pages: int


class Tally:
    """The counts of one run or rebuild, from `begin` on; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.started: float | None = None
        self.sections: dict[Section, Count] = {}
        self._samples: deque[_Sample] = deque()
        self._fraction_base = 0.0
        self._weight_base = 0.0
        self._weight_total = 0.0

    def begin(self, now: float) -> None:
        """Note that work is going on; only the first time counts."""
        if self.started is None:
            self.started = now
            self._samples.append(_Sample(now, 0.0, 0, 0))

    def update(self, progress: Progress, now: float) -> None:
        """Take a section's new counts."""
        self.begin(now)
        fraction, weight = self.fraction, self._weight_done
        total = max(progress.total, progress.done)
        self.sections[progress.section] = Count(progress.done, total)
        if (weight_total := self._weigh_all()) != self._weight_total:
            self._fraction_base, self._weight_base, self._weight_total = fraction, weight, weight_total
        self._sample(now)

    @property
    def overall(self) -> Count:
        """Count all sections together."""
        counts = self.sections.values()
        return Count(sum(count.done for count in counts), sum(count.total for count in counts))

    @property
    def posts(self) -> Count:
        """Count the posts read."""
        return self.sections.get("posts", Count(0, 0))

    @property
    def pages(self) -> Count:
        """Count outputs: all but the posts read."""
        overall, posts = self.overall, self.posts
        return Count(overall.done - posts.done, overall.total - posts.total)

    @property
    def fraction(self) -> float:
        """How much of the work is done, from 0 to 1; never falls."""
        left = self._weight_total - self._weight_base
        if left <= 0:
            return self._fraction_base
        step = (self._weight_done - self._weight_base) / left
        return self._fraction_base + (1 - self._fraction_base) * min(1.0, max(0.0, step))

    def rate(self) -> tuple[float, str] | None:
        """Give the speed per second and what is counted: pages once there are some, posts until then."""
        if not self._samples:
            return None
        first, last = self._samples[0], self._samples[-1]
        if last.pages > first.pages:  # the time when posts were read was not spent on pages
            first = next((sample for sample in reversed(self._samples) if not sample.pages), first)
        elapsed = last.at - first.at
        if elapsed < SAMPLE_S:
            return None
        pages, posts = last.pages - first.pages, last.posts - first.posts
        return (pages / elapsed, "pages") if pages else (posts / elapsed, "posts") if posts else None

    def lasts(self, now: float) -> float:
        """Say for how many seconds work has been going on, 0 if it is not."""
        return 0.0 if self.started is None else now - self.started

    def seconds_left(self, now: float) -> float | None:
        """Estimate the time left; None while too little has been seen to tell."""
        if self.lasts(now) < 1 or self.fraction < TOO_LITTLE:
            return None
        first, last = self._samples[0], self._samples[-1]
        if last.weight <= first.weight:
            return None
        speed = (last.weight - first.weight) / (last.at - first.at)
        return max(0.0, (self._weight_total - last.weight) / speed - (now - last.at))

    @property
    def _weight_done(self) -> float:
        return sum(WEIGHTS.get(name, 1.0) * count.done for name, count in self.sections.items())

    def _weigh_all(self) -> float:
        known = sum(WEIGHTS.get(name, 1.0) * count.total for name, count in self.sections.items())
        if self.sections.keys() <= {"posts", "copies"}:
            known += self.posts.total * PAGES_PER_POST
        return known

    def _sample(self, now: float) -> None:
        sample = _Sample(now, self._weight_done, self.posts.done, self.pages.done)
        if len(self._samples) > 1 and now - self._samples[-2].at < SAMPLE_S:
            self._samples.pop()
        self._samples.append(sample)
        while len(self._samples) > 2 and (now - self._samples[0].at > WINDOW_S or self._samples[1].weight == 0):
            self._samples.popleft()  # too old, or from before work began
