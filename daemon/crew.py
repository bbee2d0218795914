"""Those who do the work, as the engine sees them: what can be asked of them, and what they say."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Protocol

import msgspec

from blogd.daemon import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Task = wire.ReadFiles | wire.RenderPages


class Answered(msgspec.Struct, frozen=True):
    """A worker's answer to a batch, or something that it printed."""

    worker: int
    answer: wire.Answer | wire.Printed


class Died(msgspec.Struct, frozen=True):
    """A worker is gone. It was at `suspect`, if at anything, and had `tasks` after that; `printed`: its last words."""

    worker: int
    pid: int
    reason: str
    suspect: Task | None
    tasks: tuple[Task, ...]
    printed: str

    @property
    def last_words(self) -> str:
        """What it printed, as the end of a sentence; '' if that is nothing."""
        words = self.printed.strip()
        return f"; it printed: {words}" if words else ""


class Retired(msgspec.Struct, frozen=True):
    """A worker that had nothing to do was replaced, since it had grown by `growth` bytes."""

    worker: int
    growth: int


class Missing(msgspec.Struct, frozen=True):
    """A worker can't be started, or not again, and is done without."""

    worker: int
    reason: str


News = Answered | Died | Retired | Missing


class Crew(Protocol):
    """Whoever does the work: a `Pool`, or one that needs no processes."""

    @property
    def pids(self) -> list[int]:
        """The process ids of all workers."""
        ...

    @property
    def starts_with_site(self) -> bool:
        """Whether a worker that is started has the site without being told of it."""
        ...

    def handles(self) -> list[int]:
        """Give the file descriptors to wait on."""
        ...

    def next_deadline(self) -> float:
        """Give the monotonic time at which `collect` has to be called, whatever is ready."""
        ...

    def under_way(self) -> dict[int, int]:
        """Give the number of batches under way by worker; empty if there are no workers left."""
        ...

    def update(self, update: wire.Update) -> None:
        """Bring the site of all workers up to date, before whatever they are given next."""
        ...

    def feed(self, next_task: Callable[[int], Task | None]) -> None:
        """Give work to every worker that has room for it, evenly; `next_task` is told for whom."""
        ...

    def collect(self, ready: Iterable[int]) -> list[News]:
        """Take in what has arrived."""
        ...

    def close(self) -> None:
        """End all workers, now."""
        ...


def usable_cpus() -> int:
    """Give the number of CPUs that this process may use: affinity and cgroup limits included."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, _cgroup_cpus() or count))


def _cgroup_cpus() -> int | None:
    """Give the CPU limit of this process's control group (version 2, then 1), rounded up; None if there is none."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = _read("/sys/fs/cgroup/cpu.max").split()
        return None if quota == "max" else -(-int(quota) // int(period))
    with contextlib.suppress(OSError, ValueError):
        quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
        return None if int(quota) <= 0 else -(-int(quota) // int(_read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")))
    return None


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()
