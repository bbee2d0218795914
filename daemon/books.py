"""What is written down about an output folder: rows in the database, and the ledger of files in the folder itself.

Order is everything here. A change is entered in one transaction: the new sources, the results of macros, the new
outputs, and the stale mark on all that have to be made again. (Of a first build's outputs it says only that they are
not all there: the next run would find out which.) The ledger names a file before it is made. A made page is
entered after its file, in batches, along with the build's time as pages show it. A removed file goes before its row
does; one that can't be removed stays in the ledger, and is tried again.

A digest is believed only while its file is as it was left: whoever has changed or removed it, it is made again. When a
StoreError or an OutputError leaves this module, what is in memory is ahead of what is written down, and of no use.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.cache.manifest import Manifest
from blogd.cache.reasons import Cause
from blogd.cache.rows import CLEAN, STALE, PageRow
from blogd.daemon.findings import Findings
from blogd.daemon.ledger import Ledger
from blogd.daemon.output import Output, digest_of
from blogd.daemon.plan import Reassigned
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from blogd.cache.store import Store
    from blogd.daemon.sources import Sources
    from blogd.render.routes import PageKey

COMMIT_PAGES: Final = 500
COMMIT_S: Final = 0.25
UNFINISHED: Final = "unfinished"

_decode_clock = msgspec.msgpack.Decoder(dict[str, str]).decode


class Books:
    """The manifest, the findings and the ledger of one output folder.

    `clock` gives the build's time as pages show it by format, and a time that looks so. `twin` is an output folder that
    this one is to be compared with: what would come out as there is not written.
    """

    def __init__(self, store: Store, out: Path, clock: Callable[[], tuple[Mapping[str, str], int]]) -> None:
        self.store = store
        self.manifest = Manifest(store)
        self.findings = Findings()
        self.output = Output(out)
        self._ledger = Ledger(self.output)
        self._strays = self._ledger.beyond(self.manifest.ids)
        self.busy: set[str] = set()  # what is being made: its file may come after it was removed
        self.twin: Path | None = None
        self._clock = clock
        self._made: dict[int, PageRow] = {}
        self._committed_at = 0.0

    def open(self, sources: Sources) -> None:
        """Take stock: what earlier runs found, and which files are not as they were left."""
        self.output.sweep()
        settled = [row for row in self.manifest.pages.values() if row.state != STALE]
        self.findings.load(self.store.get("findings"), sources.rows.values(), settled)
        self.doubt_altered()

    def doubt_altered(self) -> list[PageRow]:
        """Give the outputs whose files are not as they were left: they have to be made again. The others are ours."""
        self._ledger.look(self.busy)
        altered: list[PageRow] = []
        for row in self.manifest.pages.values():
            if self.is_intact(row):
                self._ledger.add(row.path)
            elif row.state == CLEAN:
                altered.append(row)
        for row in altered:
            row.state, row.digest, row.reason = STALE, b"", Cause.ALTERED
        return altered

    def is_intact(self, row: PageRow) -> bool:
        """Tell whether an output's file is as it was left."""
        try:
            found = os.lstat(f"{self.output.root}/{row.path}")
        except (OSError, ValueError):
            return False
        return (found.st_size, found.st_mtime_ns) == (row.size, row.mtime_ns)

    def standing(self, row: PageRow) -> bytes:
        """Give the digest of the file that an output would replace, b'' if that is not known."""
        if self.twin is not None:
            return digest_of(self.twin / row.path)
        return row.digest if row.digest and self.is_intact(row) else b""

    def is_ours(self, path: str) -> bool:
        """Tell whether a file that stands at a path may be replaced."""
        return path in self._ledger

    def claim(self, paths: Iterable[str]) -> None:
        """Note which files are about to be made."""
        self._ledger.claim(paths)

    def disclaim(self, path: str) -> None:
        """Note that a file could not be made, if there is none."""
        if not os.path.lexists(f"{self.output.root}/{path}"):
            self._ledger.forget(path)

    def is_complete(self) -> bool:
        """Tell whether the manifest has all outputs of the site: the first build came to its end."""
        return not self.store.get(UNFINISHED)

    def has_strays(self) -> bool:
        """Tell whether there are files of blogd's that the manifest doesn't know: it was lost, or they stood fast."""
        return bool(self._strays)

    def take_strays(self) -> set[str]:
        """Give these files, once."""
        strays, self._strays = self._strays, set[str]()
        return strays

    def differences(self, outputs: Mapping[str, PageKey]) -> Reassigned:
        """Give what it takes to have just these outputs; nothing, unless a run ended at a bad moment."""
        known = {row.path: row.key for row in self.manifest.pages.values()}
        assigned = {path: key for path, key in outputs.items() if known.get(path) != key}
        return Reassigned(assigned, known.keys() - outputs.keys())

    def enter_change(self, save: Callable[[], None], change: Reassigned, readers: Mapping[int, int]) -> list[PageRow]:
        """Write down a change, and give the outputs that are to be made; `readers` are pages and their reasons.

        `save` writes down, within the transaction, what the change came from.
        """
        is_first = not self.manifest.pages
        self._remove_files(change.dropped)
        for path in change.assigned:  # what had the path is gone
            self._made.pop(self.manifest.ids.get(path, 0), None)
        new = [self.manifest.assign(path, key) for path, key in change.assigned.items()]
        stale = [row for number in readers if (row := self.manifest.pages.get(number)) is not None]
        for row in stale:
            row.state, row.reason = STALE, readers[row.id]
        for row in new if is_first else ():
            row.reason = Cause.FIRST
        with self.store.transaction():
            save()
            self.manifest.save(() if is_first else new, stale)
            if is_first:
                self.store.put(UNFINISHED, b"1")
            self.store.put("findings", self.findings.dump())
            self._save_clock()
        self.manifest.saved()
        return list({row.id: row for row in (*new, *stale)}.values())

    def _remove_files(self, paths: Iterable[str]) -> None:
        """Remove outputs."""
        for path in paths:
            self.remove_file(path)
            number = self.manifest.ids.get(path)
            if number is not None:
                self._made.pop(number, None)
                self.manifest.remove(number)

    def remove_file(self, path: str) -> None:
        """Remove one output, if it is blogd's; if that fails, it is told, and tried again after the next change."""
        self.findings.replace(("page", path), ())
        if path not in self._ledger:
            return
        try:
            self.output.remove(path)
        except OSError as error:
            self.findings.replace(("page", path), (_unremoved(path, error),))
            self._strays.add(path)
        else:
            if path not in self.busy:
                self._ledger.forget(path)

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
                self._save_clock()
            self.manifest.saved()

    # The build's time, as pages show it.

    def clock(self) -> dict[str, str]:
        """Give the build's time as pages show it, by format."""
        stored = self.store.get("clock")
        return _decode_clock(stored) if stored else {}

    def _save_clock(self) -> None:
        shown, now = self._clock()
        if self.clock() != shown:
            self.store.put("clock", msgspec.msgpack.encode(shown))
            self.store.put("now", msgspec.msgpack.encode(now))

    def finish(self) -> None:
        """Write down everything, at the end of a build."""
        self.commit(at_once=True)
        self._ledger.tidy()
        self.output.sweep()
        with self.store.transaction():
            self.manifest.tidy()
            self._save_clock()
            found = self.findings.dump()
            if found != self.store.get("findings"):
                self.store.put("findings", found)
            if not self.is_complete():
                self.store.put(UNFINISHED, b"")


def _unremoved(path: str, error: OSError) -> Diagnostic:
    reason = (error.strerror or str(error)).lower()
    hint = "check the permissions of the output folder"
    return Diagnostic(severity="error", path=path, message=f"can't be removed: {reason}", hint=hint)
