"""Tell the event loop which paths to look at: one thread, one pipe, and no report believed further than that.

The thread waits for changes (events; or polls, where it has to), lets them settle, and puts them into the outbox, on
which the event loop can wait. What was told while the loop was busy arrives as one batch. A batch's paths have been
seen to be steady; still, a reader may meet the next save, and then the next batch tells.

A *rescan* says "look at everything". Events do get lost, so there is one
- after every `tick_s` of quiet, and soon after a flood or a renewal of the watches, when a loss is likeliest;
- for a flood itself: a scan gets through it faster than a look at every path;
- when the kernel's watcher broke off (a name that isn't UTF-8 does that) and was made anew;
- when the site's folder, an input folder or the output came, went or was swapped for another. Nothing reports that, so
  these few are looked at every `_TOPS_S`;
- when the clock says that the process or the machine was stopped.

While the site's folder is gone nothing is told: a site that is moved away for a moment isn't an empty site.
Where events can't be had (a limit, a system without them, a watcher that breaks again and again) polling takes over,
and a diagnostic says so. The constructor starts no thread, since workers are to be forked before there is one.
"""

from __future__ import annotations

import os
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from blogd.daemon.batch import Batch, Outbox
from blogd.daemon.polling import Poller
from blogd.daemon.scan import FOLDERS
from blogd.daemon.settling import QUIET_S, Settling, see
from blogd.daemon.watches import WatchError, Watches, native_notifier
from blogd.render.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from blogd.daemon.watches import Notifier

TICK_S: Final = 60.0
_STEP_MS: Final = 10  # also the time between two beats
_SLOW_STEP_MS: Final = 20  # while nobody is saving
_TOPS_S: Final = 0.1
_SOON_S: Final = 2.0
_JUMP_NS: Final = 3_000_000_000
_BREAKS_MOST: Final = 10
_BREAKS_WITHIN_S: Final = 60.0
_CLOSE_S: Final = 5.0
_ROUTINE: Final = "routine check"
Identity = tuple[int, int, int]
"""Which folder a path leads to, and whether by a link: device, inode, and the inode of the path itself."""


class Mode(Enum):
    """How changes are found."""

    EVENTS = "events"
    POLLING = "polling"


class Clocks(NamedTuple):
    """The clocks that a watcher goes by: one that never goes back, and the one that files are stamped with."""

    monotonic_s: Callable[[], float] = time.monotonic
    wall_ns: Callable[[], int] = time.time_ns


_CLOCKS: Final = Clocks()


class _Beat:
    """Lets the notifier call us at every step, when it asks whether to stop."""

    def __init__(self, beat: Callable[[], bool]) -> None:
        self._beat = beat

    def is_set(self) -> bool:
        """Tell whether to stop."""
        return self._beat()


class Watcher:
    """Watches the input folders of the project in `root`, but not `output`.

    A context manager that starts and closes it. `select` and its kin can wait on it.
    """

    def __init__(  # noqa: PLR0913 - the last two are seams for tests
        self,
        root: Path,
        folders: Sequence[str] = FOLDERS,
        *,
        mode: Mode = Mode.EVENTS,
        output: Path | None = None,
        tick_s: float = TICK_S,
        notify: Callable[[list[str]], Notifier] = native_notifier,
        clocks: Clocks = _CLOCKS,
    ) -> None:
        self.mode = mode
        self._root = root.absolute()
        self._folders = tuple(folders)
        self._output = output
        self._tick_s = tick_s
        self._clocks = clocks
        self._watches = Watches(self._root, self._folders, output, notify)
        self._poller: Poller | None = None
        self._settling = Settling(lambda path: see(f"{self._root}/{path}"))
        self._outbox = Outbox()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._tops: tuple[Identity | None, ...] = ()
        self._is_gone = False
        self._reopen_reason = ""
        self._breaks_s: list[float] = []
        self._step_ms = _STEP_MS
        self._next_tops_s = self._next_tick_s = 0.0
        self._last_beat_ns = 0

    def start(self) -> None:
        """Begin: what changes after this call will be told, so scan after it."""
        self._tops = self._look_at_tops()
        self._open()
        self._plan_tick(self._tick_s)
        self._thread = threading.Thread(target=self._run, name="blogd-watcher", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Return a descriptor that is readable while there is something to receive."""
        return self._outbox.fileno()

    def receive(self) -> Batch:
        """Return everything there is to look at since the last time; never blocks."""
        return self._outbox.take()

    def close(self) -> None:
        """End the thread at once."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)
        if self._thread is None or not self._thread.is_alive():
            self._outbox.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._follow()
            except (WatchError, OSError, RuntimeError) as error:
                self._mend(error)
        self._watches.close()

    def _follow(self) -> None:
        if self._reopen_reason:
            self._reopen()
        elif self._poller is not None:
            self._follow_polls(self._poller)
        else:
            self._follow_events()

    def _follow_events(self) -> None:
        changes = self._watches.wait(_Beat(self._beat), self._step_ms)
        now_s = self._clocks.monotonic_s()
        if changes is not None:
            self._step_ms = _STEP_MS
            self._settling.add(changes.paths, now_s)
            self._plan_tick(self._tick_s if changes.is_complete else _SOON_S)
            self._flush(now_s)
        elif not self._reopen_reason:
            self._step_ms = _SLOW_STEP_MS
            self._plan_tick(self._tick_s)
            self._settling.add_rescan(_ROUTINE, now_s)

    def _follow_polls(self, poller: Poller) -> None:
        changed = frozenset[str]() if self._is_gone else poller.poll()
        now_s = self._clocks.monotonic_s()
        self._settling.add(changed, now_s)
        next_s = now_s + (QUIET_S / 2 if self._settling.is_much(now_s) else poller.pause_s)
        while not self._closing.is_set() and not self._reopen_reason and now_s < next_s:
            self._check_tops()
            if not self._reopen_reason:
                self._flush(now_s)
            self._closing.wait(_STEP_MS / 1000 if self._settling else next_s - now_s)
            now_s = self._clocks.monotonic_s()

    def _beat(self) -> bool:
        """Do what is due; tell whether to stop waiting, after which there is a rescan or the end."""
        now_s = self._clocks.monotonic_s()
        self._notice_jump(now_s)
        if now_s >= self._next_tops_s:
            self._next_tops_s = now_s + _TOPS_S
            self._check_tops()
        if not self._reopen_reason:
            self._flush(now_s)
        is_tick = now_s >= self._next_tick_s and not self._settling
        return self._closing.is_set() or bool(self._reopen_reason) or is_tick

    def _notice_jump(self, now_s: float) -> None:
        wall_ns = self._clocks.wall_ns()
        if not -_JUMP_NS < wall_ns - self._last_beat_ns < _JUMP_NS:
            self._settling.add_rescan("the clock jumped, or the process was stopped", now_s)
        self._last_beat_ns = wall_ns

    def _look_at_tops(self) -> tuple[Identity | None, ...]:
        """See which folders the site's, the input folders and the output are; None: not there."""
        tops = [_identity(f"{self._root}/{name}") for name in ("", *self._folders)]
        return (*tops, _identity(str(self._output)) if self._output else None)

    def _check_tops(self) -> None:
        tops = self._look_at_tops()
        if tops[0] is None:
            if not self._is_gone:
                self._tell("error", "the site's folder is gone", "bring it back, and watching goes on")
            self._is_gone = True
        elif self._is_gone or tops != self._tops:
            reason = "the site's folder is back" if self._is_gone else "a folder came or went"
            self._reopen_reason = self._reopen_reason or reason
            self._is_gone = False
            self._tops = tops

    def _flush(self, now_s: float) -> None:
        """Hand over what has settled."""
        batch = self._settling.take(now_s, self._clocks.wall_ns())
        if not batch:
            return
        self._check_tops()
        if self._is_gone or self._reopen_reason:
            return  # there will be a rescan
        if batch.rescan and batch.reason != _ROUTINE:
            self._plan_tick(_SOON_S)
        self._outbox.put(batch)

    def _plan_tick(self, delay_s: float) -> None:
        self._next_tick_s = self._clocks.monotonic_s() + delay_s

    def _open(self) -> None:
        if self.mode is Mode.EVENTS:
            try:
                self._watches.open()
            except WatchError as error:
                self._poll_instead(error)
        else:
            self._poller = Poller(self._root, self._folders, output=self._output)
        self._last_beat_ns = self._clocks.wall_ns()

    def _reopen(self) -> None:
        """Begin again with what is there now; everything before is covered by the rescan."""
        reason, self._reopen_reason = self._reopen_reason, ""
        self._open()
        self._settling.add_rescan(reason, self._clocks.monotonic_s())

    def _mend(self, error: WatchError | OSError | RuntimeError) -> None:
        now_s = self._clocks.monotonic_s()
        self._breaks_s = [*(at_s for at_s in self._breaks_s if now_s - at_s < _BREAKS_WITHIN_S), now_s]
        if len(self._breaks_s) > _BREAKS_MOST:
            self._poll_instead(WatchError(f"the system's watcher breaks off again and again: {error}"))
        self._reopen_reason = f"the system's watcher broke off: {error}"

    def _poll_instead(self, error: WatchError) -> None:
        self._watches.close()
        self.mode = Mode.POLLING
        self._poller = Poller(self._root, self._folders, output=self._output)
        self._tell("warning", f"{error}; looking for changes now and then instead", error.hint)

    def _tell(self, severity: Severity, message: str, hint: str) -> None:
        self._outbox.put(Batch(diagnostics=(Diagnostic(severity=severity, path=".", message=message, hint=hint),)))


def _identity(path: str) -> Identity | None:
    try:
        details = os.stat(path)
        return details.st_dev, details.st_ino, os.lstat(path).st_ino
    except OSError:
        return None
