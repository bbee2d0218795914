"""A pool of warm workers that notices what happens to them.

One process and one duplex pipe per worker. The pool's owner waits on `handles()` (pipes and process sentinels), calls
`collect` for what has arrived, and `feed` to hand out work. A worker has up to `AHEAD` batches under way, so that it
never waits for the coordinator; it does them in order, so only the first of them can be the one that killed it.

A worker that is dead, overdue or talks nonsense is replaced at once, and its batches are given back with `Died`. What
is done about them is the owner's business. One that has grown by `GROWN` gets nothing more to do, and is replaced when
it is idle. A worker that dies before it is ready is started again a few times; if that doesn't help, or the system
gives no process, the pool goes on with fewer workers, down to none.

Updates of the site are large and are sent to idle workers only: a worker that is being sent something may be sending
its answer at the same time, and two full pipes would wait for each other. So are tasks that may not fit a pipe's
buffer.

Workers are forked where that is safe, which shares the site and the loaded libraries with them, and spawned where the
coordinator has threads (a watcher) or the platform asks for it; both give the same output.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec
import multiprocess

from blogd.daemon import wire
from blogd.daemon.crew import Answered, Died, Missing, News, Retired, Task
from blogd.daemon.memory import seldom_collect_garbage
from blogd.daemon.worker_process import Printed, run_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from blogd.daemon.worker import Setup
    from blogd.render.site import Site

AHEAD: Final = 2
LIMIT_S: Final = 30.0  # for the first page of a batch, and a little for each further one
PER_TASK_S: Final = 0.5
PAUSE_S: Final = 5.0  # without a look at the workers, the coordinator was stopped, and they with it
GROWN: Final = 400 << 20
STARTS_MOST: Final = 3
START_METHOD: Final = "BLOGD_START_METHOD"
_START_METHODS: Final = frozenset({"fork", "spawn"})
_BUFFER_BYTES: Final = 1 << 18
_LARGEST_BYTES: Final = 1 << 30
_HELD_BACK: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _NonsenseError(Exception):
    """An answer that makes no sense."""


class _Worker:
    """One process, its pipe, and what it has under way: tasks sent, and messages to be sent when it is idle."""

    def __init__(self, process: BaseProcess, connection: Connection, room: int, printed: Printed) -> None:
        self.process = process
        self.pid = process.pid or 0
        self.connection = connection
        self._room = room  # bytes that can be sent to it while it is busy
        self.printed = printed
        self.tasks: deque[Task] = deque()
        self.held: deque[tuple[bytes, Task | None]] = deque()
        self.deadline = float("inf")
        self.base = -1  # bytes of memory when it was ready
        self.growth = 0

    @property
    def is_idle(self) -> bool:
        return not self.tasks and all(task is None for _, task in self.held)

    @property
    def is_ready(self) -> bool:
        """Whether it has said that it has the site."""
        return self.base >= 0

    @property
    def is_grown(self) -> bool:
        return self.growth > GROWN

    def restart_clock(self) -> None:
        """Set the time by which the first task has to be done."""
        limit = LIMIT_S + PER_TASK_S * len(self.tasks[0].tasks) if self.tasks else float("inf")
        self.deadline = time.monotonic() + limit

    def give(self, task: Task) -> None:
        """Send a task, now if that is safe."""
        data = wire.encode(task)
        self.held.append((data, task))
        if len(data) <= self._room or not self.tasks:
            self.send_held()

    def send_held(self) -> None:
        """Send what was held back up to the first task."""
        while self.held:
            data, task = self.held.popleft()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its sentinel tells
                self.connection.send_bytes(data)
            if task is not None:
                self.tasks.append(task)
                if len(self.tasks) == 1:
                    self.restart_clock()
                return

    def take(self, answer: wire.FromWorker) -> None:
        """Take note of an answer; raises _NonsenseError."""
        match answer:
            case wire.Started(memory):
                self.base = memory
            case wire.FilesRead(_, _, _, memory) | wire.PagesRendered(_, _, _, _, _, memory):
                self._finish(answer)
                self.growth = memory - self.base
            case wire.WorkerFailed() | wire.NotStored():
                self._finish(answer)
            case _:
                pass
        self.restart_clock()

    def _finish(self, answer: wire.Answer) -> None:
        if not (self.tasks and _answers(self.tasks[0], answer)):
            raise _NonsenseError
        self.tasks.popleft()


def _answers(task: Task, answer: wire.Answer) -> bool:
    """Tell whether an answer can be one to a task."""
    match task, answer:
        case wire.ReadFiles(), wire.FilesRead():
            is_fit = [result.path for result in answer.results] == [file.path for file in task.tasks]
        case wire.RenderPages(), wire.PagesRendered():
            is_fit = [result.id for result in answer.results] == [page.id for page in task.tasks]
        case _:
            is_fit = isinstance(answer, wire.WorkerFailed | wire.NotStored)
    return is_fit and answer.batch == task.batch


class Pool:
    """`size` workers on one site. `site` is the coordinator's own, as it is when a worker starts.

    `snapshot` gives a new worker's first update, told whether it has the site already.
    """

    def __init__(self, size: int, setup: Setup, site: Site, snapshot: Callable[[bool], wire.Update]) -> None:
        self._setup = setup
        self._site = site
        self._snapshot = snapshot
        self._workers: dict[int, _Worker] = {}
        self._starts = dict.fromkeys(range(size), 0)
        self._news: list[News] = []
        self._looked_at = time.monotonic()
        gc.collect()
        gc.freeze()
        for number in range(size):
            self._start(number)

    def _start(self, number: int) -> None:
        """Start a worker, if that can be done."""
        self._starts[number] += 1
        try:
            with _signals_held_back():
                self._workers[number] = self._started(number)
        except OSError as error:
            self._workers.pop(number, None)
            self._news.append(Missing(number, str(error)))

    def _started(self, number: int) -> _Worker:
        method = start_method()
        context = multiprocess.get_context(method)
        printed_path = f"{os.path.dirname(self._setup.bodies)}/worker-{number}.out"
        ours, theirs = context.Pipe(duplex=True)
        room = _widen(ours, theirs)
        with theirs:
            is_fork = method == "fork"
            foreign = [worker.connection for worker in self._workers.values()] + [ours] if is_fork else []
            arguments = (theirs, self._setup, self._site if is_fork else None, printed_path, foreign)
            process = context.Process(target=_run, args=arguments, name="blogd-worker", daemon=True)
            try:
                process.start()
            except BaseException:
                ours.close()
                raise
        worker = _Worker(process, ours, room, Printed(printed_path))
        worker.held.append((wire.encode(self._snapshot(is_fork)), None))
        return worker

    @property
    def pids(self) -> list[int]:
        """The process ids of all workers."""
        return [worker.pid for worker in self._workers.values()]

    @property
    def starts_with_site(self) -> bool:
        """Whether workers are forked now."""
        return start_method() == "fork"

    def handles(self) -> list[int]:
        """Give the file descriptors to wait on."""
        connections = [worker.connection.fileno() for worker in self._workers.values()]
        return connections + [worker.process.sentinel for worker in self._workers.values()]

    def next_deadline(self) -> float:
        """Give the monotonic time at which the next worker is overdue."""
        if self._news:
            return 0.0
        return min((worker.deadline for worker in self._workers.values()), default=float("inf"))

    def under_way(self) -> dict[int, int]:
        """Give the number of batches under way by worker."""
        return {number: len(worker.tasks) + len(worker.held) for number, worker in self._workers.items()}

    def update(self, update: wire.Update) -> None:
        """Bring the site of all workers up to date, before whatever they are given next."""
        data = wire.encode(update)
        for worker in self._workers.values():
            worker.held.append((data, None))

    def feed(self, next_task: Callable[[int], Task | None]) -> None:
        """Give work to every worker that has room for it, evenly; `next_task` is told for whom."""
        for room in range(AHEAD):
            for number, worker in self._workers.items():
                if not worker.tasks:
                    worker.send_held()
                if worker.held or worker.is_grown or len(worker.tasks) > room:
                    continue
                task = next_task(number)
                if task is None:
                    return
                worker.give(task)

    def collect(self, ready: Iterable[int]) -> list[News]:
        """Take in what has arrived."""
        self._look_at_clock()
        ready = set(ready)
        for number, worker in list(self._workers.items()):
            reason = ""
            if worker.connection.fileno() in ready:
                reason = self._receive(number, worker)
            reason = reason or self._end_of(worker, ready)
            if reason:
                self._receive(number, worker)
                self._bury(number, worker, reason)
            elif worker.is_grown and worker.is_idle:
                self._retire(number, worker)
        news, self._news = self._news, []
        return news

    def _look_at_clock(self) -> None:
        """Give workers more time if nobody has looked at them for a while: they may have been stopped as well."""
        now = time.monotonic()
        if now - self._looked_at > PAUSE_S:
            for worker in self._workers.values():
                worker.restart_clock()
        self._looked_at = now

    def _receive(self, number: int, worker: _Worker) -> str:
        """Take in what a worker says; say what is wrong with it, '' if nothing is."""
        try:
            while worker.connection.poll():
                answer = wire.decode_answer(worker.connection.recv_bytes(_LARGEST_BYTES))
                worker.take(answer)
                if isinstance(answer, wire.Started):
                    self._starts[number] = 0
                elif not isinstance(answer, wire.Working):
                    self._news.append(Answered(number, answer))
        except (msgspec.MsgspecError, _NonsenseError, UnicodeDecodeError):
            return "its answer made no sense"
        except (EOFError, OSError):  # it is gone, as its sentinel will tell; or this was no message
            return "" if worker.connection.readable else "its answer made no sense"
        return ""

    def _end_of(self, worker: _Worker, ready: set[int]) -> str:
        """Say why a worker has to be replaced, '' if it hasn't."""
        if worker.process.sentinel in ready:
            worker.process.join()
            code = worker.process.exitcode or 0
            return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if time.monotonic() >= worker.deadline:
            return "no answer in time"
        return ""

    def _bury(self, number: int, worker: _Worker, reason: str) -> None:
        _end(worker)
        tasks = [*worker.tasks, *(task for _, task in worker.held if task is not None)]
        suspect = tasks.pop(0) if worker.is_ready and worker.tasks else None
        printed = worker.printed.last_words()
        self._news.append(Died(number, worker.pid, reason, suspect, tuple(tasks), printed))
        del self._workers[number]
        if self._starts[number] < STARTS_MOST:
            self._start(number)
        else:
            self._news.append(Missing(number, f"it ends as soon as it is started: {reason}"))

    def _retire(self, number: int, worker: _Worker) -> None:
        _end(worker)
        self._news.append(Retired(number, worker.growth))
        del self._workers[number]
        self._start(number)

    def close(self) -> None:
        """End all workers, now."""
        for worker in self._workers.values():
            worker.process.kill()
        for worker in self._workers.values():
            _end(worker)
            worker.printed.last_words()
        self._workers = {}


def _end(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.process.close()
    worker.connection.close()


def _widen(ours: Connection, theirs: Connection) -> int:
    """Ask for large buffers; give the number of bytes that surely fit."""
    sizes: list[int] = []
    for connection, option in ((ours, socket.SO_SNDBUF), (theirs, socket.SO_RCVBUF)):
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            sizes.append(end.getsockopt(socket.SOL_SOCKET, option))
    return min(sizes) // 4


@contextlib.contextmanager
def _signals_held_back() -> Generator[None]:
    """Hold signals back while a process starts, lest it answers them as the coordinator would."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(connection: Connection, setup: Setup, site: Site | None, printed: str, foreign: list[Connection]) -> None:
    """Start a worker that holds no other worker's pipe open."""
    for other in foreign:
        other.close()
    seldom_collect_garbage()
    run_worker(connection, setup, site, printed)


def start_method() -> str:
    """Choose how to start a process now."""
    chosen = os.environ.get(START_METHOD, "")
    if chosen in _START_METHODS:
        return chosen
    is_safe = sys.platform == "linux" and threading.active_count() == 1
    return "fork" if is_safe else "spawn"
