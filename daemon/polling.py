"""Changes found by looking at everything again and again: for `--poll`, and where events can't be had.

A poll is a scan; what differs from the last scan in (size, mtime_ns, inode) has changed. An older mtime counts as
well as a newer one (`cp -p` and `mv` bring old files in). The pause is ten times what a poll costs, so that polling
takes a tenth of one CPU at most, however large the site is.

Leaves out: an edit that keeps size, mtime and inode (`dd conv=notrunc`, then `touch -r`); nothing in a scan shows it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from blogd.daemon.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PAUSE_LEAST_S: Final = 0.3
PAUSE_FACTOR: Final = 10.0


class Poller:
    """The last scan; what is found later is told against it.

    `pause_s` is how long to wait until the next poll.
    """

    def __init__(
        self,
        root: Path,
        folders: Sequence[str],
        *,
        output: Path | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._root = root
        self._folders = folders
        self._output = output
        self._clock = clock
        self.pause_s = PAUSE_LEAST_S
        self._files = scan(root, folders, output=output).files

    def poll(self) -> frozenset[str]:
        """Return the paths of files that were added, changed or removed since the last poll."""
        started_s = self._clock()
        files = scan(self._root, self._folders, output=self._output).files
        changed = {path for path, _ in files.items() ^ self._files.items()}
        self._files = files
        self.pause_s = max(PAUSE_LEAST_S, PAUSE_FACTOR * (self._clock() - started_s))
        return frozenset(changed)
