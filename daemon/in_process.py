"""A worker in the coordinator's own process: for machines that give no processes, and for tests that take many steps.

It does what a pool of one does, in the same order; what it lacks is that it can't be replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from blogd.daemon import wire
from blogd.daemon.crew import Answered
from blogd.daemon.worker import Setup, Worker, attempt
from blogd.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blogd.daemon.crew import News, Task

M = TypeVar("M", bound=msgspec.Struct)


class InProcess:
    """One worker without a process. Messages are encoded and decoded, so that it sees what a process would."""

    def __init__(self, setup: Setup, snapshot: Callable[[bool], wire.Update]) -> None:
        self._worker = Worker(setup, Site())
        self._answers: list[wire.Answer] = []
        self.update(snapshot(False))

    @property
    def pids(self) -> list[int]:
        """There are no processes."""
        return []

    @property
    def starts_with_site(self) -> bool:
        """It has a site of its own."""
        return False

    def handles(self) -> list[int]:
        """There is nothing to wait on."""
        return []

    def next_deadline(self) -> float:
        """Answers are there at once."""
        return 0.0 if self._answers else float("inf")

    def under_way(self) -> dict[int, int]:
        """Give the number of answers not yet taken."""
        return {0: len(self._answers)}

    def update(self, update: wire.Update) -> None:
        """Bring the worker's site up to date."""
        self._worker.update(_received(update))

    def feed(self, next_task: Callable[[int], Task | None]) -> None:
        """Do one task."""
        task = None if self._answers else next_task(0)
        if task is not None:
            self._answers.append(_received(attempt(self._worker, _received(task))))

    def collect(self, ready: Iterable[int]) -> list[News]:
        """Give the answers."""
        del ready
        answers, self._answers = self._answers, []
        return [Answered(0, answer) for answer in answers]

    def close(self) -> None:
        """Close the worker's files."""
        self._worker.close()


def _received(message: M) -> M:
    return msgspec.msgpack.decode(wire.encode(message), type=type(message))
