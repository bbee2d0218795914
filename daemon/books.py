"""What is written down about an output folder: rows in the database, and the ledger of files in the folder itself.

Order is everything here. A change is entered in one transaction: the new sources, the new outputs, and the stale mark
on all that have to be made again. The ledger names a file before it is made. A made page is entered after its file,
in batches. A removed file goes before its row does.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.cache.manifest import Manifest
from blogd.cache.reasons import Cause
from blogd.cache.store import CLEAN, STALE, PageRow, Store
from blogd.daemon.findings import Findings
from blogd.daemon.output import Output, OutputError, read_ledger, write_ledger
from blogd.daemon.plan import Reassigned
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from blogd.daemon.sources import Intake, Sources
    from blogd.render.routes import PageKey

COMMIT_PAGES: Final = 500
COMMIT_S: Final = 0.25

_decode_clock = msgspec.msgpack.Decoder(dict[str, str]).decode


class Books:
    """The manifest, the findings and the ledger of one output folder."""

    def __init__(self, store: Store, out: Path) -> None:
        self.store = store
        self.manifest = Manifest(store)
        self.findings = Findings()
        self.output = Output(out)
        self._out = str(out)
        self._ours = read_ledger(str(out))
        self._strays = self._ours - self.manifest.ids.keys()
        self._made: dict[int, PageRow] = {}
        self._committed_at = 0.0

    def open(self, sources: Sources) -> None:
        """Take stock: what earlier runs found, and which files are not as they were left."""
        self.output.sweep()
        self.findings.load(self.store.get("findings"), sources.rows.values(), self.manifest.pages.values())
        for row in self.manifest.pages.values():
            if row.state == CLEAN and not self._is_intact(row):
                row.state, row.digest, row.reason = STALE, b"", Cause.ALTERED

    def _is_intact(self, row: PageRow) -> bool:
        try:
            found = os.lstat(f"{self._out}/{row.path}")
        except (OSError, ValueError):
            return False
        return (found.st_size, found.st_mtime_ns) == (row.size, row.mtime_ns)

    def is_ours(self, path: str) -> bool:
        """Tell whether a file that stands at a path may be replaced."""
        return path in self._ours

    def claim(self, path: str) -> None:
        """Note that a file is about to be made."""
        self._ours.add(path)

    def take_strays(self) -> set[str]:
        """Give, once, the files of the ledger that the manifest doesn't know: those of a cache that was lost."""
        strays, self._strays = self._strays, set[str]()
        return strays

    def differences(self, outputs: Mapping[str, PageKey]) -> Reassigned:
        """Give what it takes to have just these outputs; nothing, unless a run ended at a bad moment."""
        known = {row.path: row.key for row in self.manifest.pages.values()}
        assigned = {path: key for path, key in outputs.items() if known.get(path) != key}
        return Reassigned(assigned, known.keys() - outputs.keys())

    def enter_change(
        self, intake: Intake, sources: Sources, change: Reassigned, readers: Mapping[int, int]
    ) -> list[PageRow]:
        """Write down a change, and give the outputs that are to be made; `readers` are pages and their reasons."""
        is_first = not self.manifest.pages
        removed = self._remove_files(change.dropped)
        new = [self.manifest.assign(path, key) for path, key in change.assigned.items()]
        stale = [row for number in readers if (row := self.manifest.pages.get(number)) is not None]
        for row in stale:
            row.state, row.reason = STALE, readers[row.id]
        for row in new if is_first else ():
            row.reason = Cause.FIRST
        with self.store.transaction():
            sources.save(intake)
            self.store.delete_pages(removed)
            self.store.mark_stale(stale)
            self.manifest.save(new)
            self.store.put("findings", self.findings.dump())
        if change.assigned or change.dropped:
            write_ledger(self._out, self.manifest.ids)
        return list({row.id: row for row in (*new, *stale)}.values())

    def _remove_files(self, paths: Iterable[str]) -> list[int]:
        """Remove outputs; those that can't be removed keep their row, and are tried again."""
        gone: list[int] = []
        for path in paths:
            if not self.remove_file(path):
                continue
            number = self.manifest.ids.get(path)
            if number is not None:
                gone.append(number)
                self._made.pop(number, None)
                self.manifest.remove(number)
        return gone

    def remove_file(self, path: str) -> bool:
        """Remove one output; tell whether it is gone."""
        self.findings.replace(("page", path), ())
        try:
            self.output.remove(path)
        except (OSError, OutputError) as error:
            self.findings.replace(("page", path), (_unremoved(path, error),))
            return False
        self._ours.discard(path)
        return True

    def enter_page(self, row: PageRow) -> None:
        """Note how a page came out."""
        self._made[row.id] = row
        self.findings.replace(("page", row.path), row.diagnostics)

    def commit(self, *, at_once: bool = False) -> None:
        """Write down the pages that were made, if it is time to."""
        now = time.monotonic()
        is_time = at_once or len(self._made) >= COMMIT_PAGES or now - self._committed_at > COMMIT_S
        if self._made and is_time:
            rows, self._made, self._committed_at = self._made, {}, now
            made_s = int(time.time())
            for row in rows.values():
                row.made_s = made_s
            with self.store.transaction():
                self.manifest.save(rows.values())

    # The build's time, as pages show it.

    def clock(self) -> dict[str, str]:
        """Give the build's time as pages show it, by format."""
        stored = self.store.get("clock")
        return _decode_clock(stored) if stored else {}

    def finish(self, clock: Mapping[str, str], now: int) -> None:
        """Write down everything, at the end of a build; `now` is a time that looks as `clock` says."""
        self.commit(at_once=True)
        if self.clock() != clock:
            self.store.put("clock", msgspec.msgpack.encode(clock))
            self.store.put("now", msgspec.msgpack.encode(now))
        found = self.findings.dump()
        if found != self.store.get("findings"):
            self.store.put("findings", found)


def _unremoved(path: str, error: OSError | OutputError) -> Diagnostic:
    reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
    hint = error.hint if isinstance(error, OutputError) else "check the permissions of the output folder"
    return Diagnostic(severity="error", path=path, message=f"can't be removed: {reason}", hint=hint)
