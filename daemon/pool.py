"""A pool of warm workers that notices what happens to them.

One process and one duplex pipe per worker. The pool's owner waits on `handles()` (pipes and process sentinels), calls
`collect` for what has arrived, and `feed` to hand out work. A worker has up to `AHEAD` batches under way, so that it
never waits for the coordinator; it does them in order, so only the first of them can be the one that killed it.

A dead or overdue worker is replaced at once; its batches come back as `Died`, the first as the suspect. What is done
about them is the owner's business.

Updates of the site are large and are sent to idle workers only: a worker that is being sent a task may be sending its
answer at the same time, and two full pipes would wait for each other. Tasks are small enough for a pipe's buffer.

Workers are forked where that is safe, which shares the site and the loaded libraries with them, and spawned where the
coordinator has threads (a watcher) or the platform asks for it; both give the same output.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import multiprocess

from blogd.daemon import wire
from blogd.daemon.crew import Answered, Died, Task
from blogd.daemon.worker import Setup, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from blogd.render.site import Site

AHEAD: Final = 2
LIMIT_S: Final = 30.0  # for the first page of a batch, and a little for each further one
PER_TASK_S: Final = 0.5
START_METHOD: Final = "BLOGD_START_METHOD"


class _Worker:
    """One process, its pipe, and what it has under way."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.tasks: deque[Task] = deque()
        self.updates: deque[bytes] = deque()
        self.deadline = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    def start_clock(self) -> None:
        """Set the time by which the first task has to be done."""
        limit = LIMIT_S + PER_TASK_S * len(self.tasks[0].tasks) if self.tasks else float("inf")
        self.deadline = time.monotonic() + limit


class Pool:
    """`size` workers on one site. `site` is the coordinator's own, as it is when a worker starts.

    `snapshot` gives a new worker's first update, told whether it has the site already.
    """

    def __init__(self, size: int, setup: Setup, site: Site, snapshot: Callable[[bool], wire.Update]) -> None:
        self._setup = setup
        self._site = site
        self._snapshot = snapshot
        gc.collect()
        gc.freeze()
        self._workers: list[_Worker] = []
        for _ in range(size):
            self._workers.append(self._start())

    def _start(self) -> _Worker:
        method = start_method()
        context = multiprocess.get_context(method)
        ours, theirs = context.Pipe(duplex=True)
        is_fork = method == "fork"
        foreign = [worker.connection for worker in self._workers] + [ours] if is_fork else []
        site = self._site if is_fork else None
        process = context.Process(
            target=_run, args=(theirs, self._setup, site, foreign), name="blogd-worker", daemon=True
        )
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        worker.updates.append(wire.encode(self._snapshot(is_fork)))
        return worker

    @property
    def pids(self) -> list[int]:
        """The process ids of all workers."""
        return [worker.pid for worker in self._workers]

    def handles(self) -> list[int]:
        """Give the file descriptors to wait on."""
        connections = [worker.connection.fileno() for worker in self._workers]
        return connections + [worker.process.sentinel for worker in self._workers]

    def next_deadline(self) -> float:
        """Give the monotonic time at which the next worker is overdue."""
        return min((worker.deadline for worker in self._workers if worker.tasks), default=float("inf"))

    def under_way(self) -> list[int]:
        """Give the number of batches under way by worker."""
        return [len(worker.tasks) for worker in self._workers]

    def update(self, update: wire.Update) -> None:
        """Bring the site of all workers up to date, before whatever they are given next."""
        data = wire.encode(update)
        for worker in self._workers:
            worker.updates.append(data)

    def feed(self, next_task: Callable[[], Task | None]) -> None:
        """Give work to every worker that has room for it, evenly."""
        for room in range(AHEAD):
            for worker in self._workers:
                if len(worker.tasks) <= room and self._bring_up_to_date(worker):
                    task = next_task()
                    if task is None:
                        return
                    self._send(worker, wire.encode(task))
                    worker.tasks.append(task)
                    if len(worker.tasks) == 1:
                        worker.start_clock()

    def _bring_up_to_date(self, worker: _Worker) -> bool:
        """Send what updates a worker lacks, if it is idle; tell whether it lacks none now."""
        while worker.updates and not worker.tasks:
            self._send(worker, worker.updates.popleft())
        return not worker.updates

    def _send(self, worker: _Worker, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its sentinel tells
            worker.connection.send_bytes(data)

    def collect(self, ready: Iterable[int]) -> list[Answered | Died]:
        """Take in what has arrived."""
        found: list[Answered | Died] = []
        ready = set(ready)
        for number, worker in enumerate(self._workers):
            if worker.connection.fileno() in ready:
                found += self._receive(number, worker)
            reason = self._end_of(worker, ready)
            if reason:
                found += self._receive(number, worker)
                found.append(self._replace(number, worker, reason))
        return found

    def _receive(self, number: int, worker: _Worker) -> list[Answered]:
        found: list[Answered] = []
        with contextlib.suppress(EOFError, ConnectionResetError):
            while worker.connection.poll():
                answer = wire.decode_answer(worker.connection.recv_bytes())
                if not isinstance(answer, wire.Printed) and worker.tasks:
                    worker.tasks.popleft()
                    worker.start_clock()
                found.append(Answered(number, answer))
        return found

    def _end_of(self, worker: _Worker, ready: set[int]) -> str:
        """Say why a worker has to be replaced, '' if it hasn't."""
        if worker.process.sentinel in ready:
            worker.process.join()
            code = worker.process.exitcode or 0
            return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if worker.tasks and time.monotonic() >= worker.deadline:
            worker.process.kill()
            worker.process.join()
            return "no answer in time"
        return ""

    def _replace(self, number: int, worker: _Worker, reason: str) -> Died:
        worker.connection.close()
        self._workers[number] = self._start()
        return Died(number, worker.pid, reason, tuple(worker.tasks))

    def close(self) -> None:
        """End all workers, now."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers = []


def _run(connection: Connection, setup: Setup, site: Site | None, foreign: list[Connection]) -> None:
    """Start a worker that holds no other worker's pipe open."""
    for other in foreign:
        other.close()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    run_worker(connection, setup, site)


def start_method() -> str:
    """Choose how to start a process now."""
    chosen = os.environ.get(START_METHOD)
    if chosen:
        return chosen
    is_safe = sys.platform == "linux" and threading.active_count() == 1
    return "fork" if is_safe else "spawn"
