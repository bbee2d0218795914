"""What the last run, or one that is under way, has written down about an output folder: to be looked at, not changed.

Looking needs no lock. The database is read as it was when it was opened; bodies and sources may have moved on since.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from blogd.cache.manifest import Manifest
from blogd.cache.store import DATABASE, Store
from blogd.daemon.exits import RefusalError
from blogd.daemon.expanding import Expanding
from blogd.daemon.project import cache_of
from blogd.daemon.sources import Policy, Sources
from blogd.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.daemon.macro_host import MacroHost
    from blogd.daemon.options import Options

_decode_policy = msgspec.msgpack.Decoder(Policy).decode
_decode_time = msgspec.msgpack.Decoder(int).decode


class LastRun:
    """`root` and `out` are real paths, `cache` is the folder of this output's cache."""

    def __init__(self, root: Path, out: Path, cache: Path, store: Store) -> None:
        self.root = root
        self.out = out
        self.cache = cache
        self._store = store
        self.manifest = Manifest(store)

    @cached_property
    def site(self) -> Site:
        """The site as it was rendered."""
        site = Site()
        site.apply(Sources(self.root, self._store, Policy(), "").load())
        site.apply(Expanding(site, _no_host, str).load(self._store.get("macros")))
        return site

    @property
    def shows_drafts(self) -> bool:
        """Whether drafts were rendered."""
        stored = self._store.get("policy")
        return bool(stored) and _decode_policy(stored).drafts

    @property
    def build_time(self) -> int | None:
        """A time that looks as pages show the build's time, in µs since 1970; None if no page shows it."""
        stored = self._store.get("now")
        return _decode_time(stored) if stored else None


@contextmanager
def last_run(options: Options) -> Iterator[LastRun]:
    """Open what is known of an output folder; RefusalError if that is nothing, or can't be read."""
    root = Path(os.path.realpath(options.site))
    out = Path(os.path.realpath(options.output))
    cache = cache_of(root, out)
    if not (cache / DATABASE).exists():
        raise RefusalError(f"{out}: not built yet, or not from {root}", f"build it first: blogd build {options.site}")
    try:
        store = Store(cache, "", read_only=True)
    except sqlite3.DatabaseError as error:
        hint = "`blogd build` makes what is missing, and sets a broken cache aside"
        raise RefusalError(f"{cache / DATABASE}: can't be read: {error}", hint) from error
    try:
        yield LastRun(root, out, cache, store)
    finally:
        store.close()


def _no_host() -> MacroHost:
    raise AssertionError("results are looked at, not made")
