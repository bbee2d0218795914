"""blogd as the bench sees it: its command line, and the JSON lines it prints."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, cast

from bench_lib import measure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from bench_lib.measure import Usage

PROJECT = Path(__file__).resolve().parents[2]
_FIRST_BUILD_S = 1800
_EVENT_S = 300


@dataclass(frozen=True, slots=True)
class Built:
    """A `built` line, and when it came (`time.perf_counter`); `planning_ms` where blogd tells it."""

    changed: tuple[str, ...]
    pages: int
    rendered: int
    written: int
    removed: int
    failed: int
    elapsed_ms: float
    planning_ms: float | None
    at: float


@dataclass(frozen=True, slots=True)
class Run:
    """One `blogd build`."""

    usage: Usage
    built: Built


@dataclass(frozen=True, slots=True)
class Blogd:
    """A blogd to measure."""

    program: str

    @classmethod
    def find(cls, named: str | None) -> Blogd:
        """Take the named one, or the project's own, or the one on PATH."""
        own = PROJECT / ".venv/bin/blogd"
        program = named or (str(own) if own.exists() else shutil.which("blogd"))
        if program is None:
            raise SystemExit("no blogd found\nhint: scripts/demo installs one; or name it with --blogd")
        return cls(program)

    @property
    def python(self) -> Path:
        """The interpreter that runs it, with the libraries that it uses: the one its first line names."""
        with Path(self.program).open("rb") as file:
            return Path(file.readline().decode().removeprefix("#!").strip())

    def command(self, verb: str, site: Path, out: Path, workers: int) -> list[str]:
        """Return the command line of `verb`."""
        return [self.program, verb, str(site), "--out", str(out), "--workers", str(workers), "--json"]

    def build(self, site: Path, out: Path, workers: int, *, memory: bool = False, more: Sequence[str] = ()) -> Run:
        """Build once; made-up blogs have findings to warn of, but no failures."""
        done = measure.run([*self.command("build", site, out, workers), *more], memory=memory)
        (built,) = (row for row in _events(done.stdout) if row["event"] == "built")
        return Run(done.usage, _built(built, time.perf_counter()))

    def watch(self, site: Path, out: Path, workers: int) -> Watch:
        """Return `blogd watch`, started when its context is entered."""
        return Watch(self.command("watch", site, out, workers))


def forget(site: Path, out: Path) -> None:
    """Remove a site's output and cache: the next build is a cold one."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(site / ".blogd", ignore_errors=True)


class Watch:
    """A running `blogd watch`; entering its context waits until it is ready, leaving it ends all its processes."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._events: queue.Queue[tuple[float, dict[str, object]] | None] = queue.Queue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        try:
            self.first = self._built(_FIRST_BUILD_S)
            self._event("ready", _EVENT_S)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def built(self, changed: frozenset[str], *, quiet_s: float = 0.3) -> list[Built]:
        """Wait for the rebuilds after a save of `changed`: until one names such a path, and then none for `quiet_s`."""
        rebuilds = [self._built(_EVENT_S)]
        while not changed.intersection(rebuilds[-1].changed):
            rebuilds.append(self._built(_EVENT_S))
        while True:
            try:
                rebuilds.append(self._built(quiet_s))
            except queue.Empty:
                return rebuilds

    def seen(self, changed: frozenset[str]) -> list[Built]:
        """Wait until rebuilds have named every path of `changed`."""
        rebuilds: list[Built] = []
        while missing := changed.difference(*(row.changed for row in rebuilds)):
            try:
                rebuilds.append(self._built(_EVENT_S))
            except queue.Empty:
                raise measure.ProgramFailedError(f"no rebuild named {', '.join(sorted(missing))}") from None
        return rebuilds

    def check(self) -> None:
        """Raise ProgramFailedError if it has ended."""
        if self._process.poll() is not None:
            raise measure.ProgramFailedError(f"{' '.join(self._command)}: ended by itself")

    def processes(self) -> list[int]:
        """Return the ids of all its processes, the first being the coordinator's."""
        pid = self._process.pid
        return [pid, *(other for other in measure.tree(pid) if other != pid)]

    def _built(self, timeout_s: float) -> Built:
        at, event = self._event("built", timeout_s)
        return _built(event, at)

    def _event(self, name: str, timeout_s: float) -> tuple[float, dict[str, object]]:
        deadline = time.monotonic() + timeout_s
        while True:
            item = self._events.get(timeout=max(deadline - time.monotonic(), 0.001))
            if item is None:
                raise measure.ProgramFailedError(f"{' '.join(self._command)}: ended by itself")
            if item[1]["event"] == name:
                return item

    def _read(self, stdout: IO[str]) -> None:
        for line in stdout:
            at = time.perf_counter()
            self._events.put((at, json.loads(line)))
        self._events.put(None)

    def _end(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _events(stdout: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in stdout.splitlines()]


def _built(event: dict[str, object], at: float) -> Built:
    def number(key: str) -> float:
        return cast("float", event.get(key, 0))

    return Built(
        changed=tuple(cast("list[str]", event.get("changed", []))),
        pages=int(number("pages")),
        rendered=int(number("rendered")),
        written=int(number("written")),
        removed=int(number("removed")),
        failed=int(number("failed")),
        elapsed_ms=number("elapsed_ms"),
        planning_ms=cast("float | None", event.get("planning_ms")),
        at=at,
    )
