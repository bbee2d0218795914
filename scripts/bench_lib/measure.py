"""What a program costs: wall and CPU seconds, and the memory of all its processes together.

CPU time of a finished program is the kernel's own account of it and of the children it waited for (`wait4`); of a
running one it is the sum over its process tree of `/proc/*/task/*/schedstat`, in nanoseconds.

Memory is PSS (proportional set size: a page shared by n processes counts 1/n in each), summed over the tree every
50 ms. Reading it stops the process that is read for some milliseconds, so runs that take the time leave the memory.
The tree is every descendant and every member of the program's session: a worker whose parent died still counts.
Where there is no /proc (macOS), memory is None and CPU time of running programs 0.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

SAMPLE_S = 0.05
_PROC = Path("/proc")
HAS_PROC = (_PROC / "self/smaps_rollup").exists()


class ProgramFailedError(Exception):
    """A measured program ended badly; carries what it said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run cost; `peak_mb` only where memory was taken."""

    wall_s: float
    cpu_s: float
    peak_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended."""

    usage: Usage
    code: int
    stdout: str


def run(
    command: Sequence[str | Path],
    *,
    memory: bool = False,
    accept: tuple[int, ...] = (0,),
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program to its end; raise ProgramFailedError unless its exit code is one of `accept`."""
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        peak = PeakMemory(process.pid) if memory and HAS_PROC else None
        assert process.stdout is not None
        stdout = process.stdout.read().decode(errors="replace")
        _, status, resources = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode not in accept:
            errors.seek(0)
            said = stdout[-2000:] + errors.read().decode(errors="replace")[-4000:]
            raise ProgramFailedError(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{said}")
    usage = Usage(wall, resources.ru_utime + resources.ru_stime, peak.stop() if peak else None)
    return Finished(usage, process.returncode, stdout)


def usable_cpus() -> int:
    """Return the number of CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def on_cpus(number: int) -> Generator[None]:
    """Let what is started inside use so many CPUs; all for 0, and where the system can't do that."""
    if not number or not hasattr(os, "sched_setaffinity"):
        yield
        return
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(usable)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


class PeakMemory:
    """Samples a process tree's memory until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Stop sampling; return the peak in MB."""
        self._stopped.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        while True:
            self._peak = max(self._peak, memory_mb(tree(self._pid)))
            if self._stopped.wait(SAMPLE_S):
                return


def tree(root: int) -> list[int]:
    """Return the process ids of `root`, of its descendants, and of its session."""
    members = {root}
    rows = list(_processes())
    while True:
        found = {pid for pid, parent, session in rows if parent in members or session == root} - members
        if not found:
            return sorted(members)
        members |= found


def memory_mb(pids: Sequence[int]) -> float:
    """Return the PSS of processes together, in MB; those that have gone count nothing."""
    return sum(_pss_kb(pid) for pid in pids) / 1024


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU seconds that living processes have used so far."""
    return sum(_cpu_ns(pid) for pid in pids) / 1e9


def open_files(pids: Sequence[int]) -> int:
    """Return the number of file descriptors that processes hold together."""
    return sum(len(_listed(_PROC / str(pid) / "fd")) for pid in pids)


def threads(pids: Sequence[int]) -> int:
    """Return the number of threads that processes have together."""
    return sum(len(_listed(_PROC / str(pid) / "task")) for pid in pids)


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield (process, parent, session); field numbers are those of proc_pid_stat(5)."""
    for name in _listed(_PROC):
        if name.isdigit():
            stat = _read(_PROC / name / "stat").rpartition(")")[2].split()
            if stat:
                yield int(name), int(stat[1]), int(stat[3])


def _pss_kb(pid: int) -> int:
    for line in _read(_PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _cpu_ns(pid: int) -> int:
    tasks = _PROC / str(pid) / "task"
    return sum(int((_read(tasks / task / "schedstat") or "0").split()[0]) for task in _listed(tasks))


def _listed(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:  # it has gone
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has gone
        return ""
