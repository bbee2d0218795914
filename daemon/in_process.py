"""A worker in the coordinator's own process: for machines that give no processes, and for tests that take many steps.

It does what a pool of one does, in the same order; what it lacks is that it can't be replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.daemon import wire
from blogd.daemon.crew import Answered, Died
from blogd.daemon.worker import Setup, Worker, attempt
from blogd.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blogd.daemon.crew import Task


class InProcess:
    """One worker without a process. Messages are encoded and decoded, so that it sees what a process would."""

    def __init__(self, setup: Setup, snapshot: Callable[[bool], wire.Update]) -> None:
        self._worker = Worker(setup, Site())
        self._answers: list[wire.FromWorker] = []
        self.update(snapshot(False))

    @property
    def pids(self) -> list[int]:
        """There are no processes."""
        return []

    def handles(self) -> list[int]:
        """There is nothing to wait on."""
        return []

    def next_deadline(self) -> float:
        """Answers are there at once."""
        return 0.0 if self._answers else float("inf")

    def under_way(self) -> list[int]:
        """Give the number of answers not yet taken."""
        return [len(self._answers)]

    def update(self, update: wire.Update) -> None:
        """Bring the worker's site up to date."""
        self._do(update)

    def feed(self, next_task: Callable[[], Task | None]) -> None:
        """Do one task."""
        task = None if self._answers else next_task()
        if task is not None:
            self._do(task)

    def _do(self, message: wire.ToWorker) -> None:
        answer = attempt(self._worker, wire.decode_task(wire.encode(message)))
        if answer is not None:
            self._answers.append(wire.decode_answer(wire.encode(answer)))

    def collect(self, ready: Iterable[int]) -> list[Answered | Died]:
        """Give the answers."""
        del ready
        answers, self._answers = self._answers, []
        return [Answered(0, answer) for answer in answers]

    def close(self) -> None:
        """Close the worker's files."""
        self._worker.close()
