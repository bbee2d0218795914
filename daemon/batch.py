"""What the watcher tells the event loop, and the way from its thread to the loop."""

from __future__ import annotations

import os
import threading

import msgspec

from blogd.render.diagnostic import Diagnostic


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at; false if there is nothing to do.

    `paths` are inputs and folders of inputs, there or gone, relative to the project. `reason` says why `rescan` is set.
    `since_s` is when the first report came, by the monotonic clock; 0 where none did.
    """

    paths: frozenset[str] = frozenset()
    rescan: bool = False
    reason: str = ""
    since_s: float = 0.0
    diagnostics: tuple[Diagnostic, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.paths or self.rescan or self.diagnostics)

    def __or__(self, later: Batch) -> Batch:
        return Batch(
            paths=self.paths | later.paths,
            rescan=self.rescan or later.rescan,
            reason=self.reason or later.reason,
            since_s=self.since_s or later.since_s,
            diagnostics=self.diagnostics + later.diagnostics,
        )


class Outbox:
    """One batch at most, to which threads add; its descriptor is readable while there is something in it."""

    def __init__(self) -> None:
        self._batch = Batch()
        self._lock = threading.Lock()
        self._readable, self._writable = os.pipe()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._readable

    def put(self, batch: Batch) -> None:
        """Add to what is to be told; never blocks."""
        with self._lock:
            if batch and not self._batch:
                os.write(self._writable, b"\0")
            self._batch |= batch

    def take(self) -> Batch:
        """Return everything that was put in since the last time; never blocks."""
        with self._lock:
            if self._batch:
                os.read(self._readable, 1)
            batch, self._batch = self._batch, Batch()
        return batch

    def close(self) -> None:
        """Give the descriptors back; nobody may put in or take out any more."""
        os.close(self._readable)
        os.close(self._writable)
