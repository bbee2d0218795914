"""What the last run, or one that is under way, has written down about an output folder: to be looked at, not changed.

Looking needs no lock. The database is read as it was when it was opened; bodies and sources may have moved on since.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from blogd.cache.database import StoreError
from blogd.cache.manifest import Manifest
from blogd.cache.store import DATABASE, Store
from blogd.daemon.exits import RefusalError
from blogd.daemon.expanding import Expanding
from blogd.daemon.policy import Policy
from blogd.daemon.project import cache_of
from blogd.daemon.sources import Sources
from blogd.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Generator

    from blogd.daemon.macro_host import MacroHost
    from blogd.daemon.options import Options

_decode_policy = msgspec.msgpack.Decoder(Policy).decode
_decode_time = msgspec.msgpack.Decoder(int).decode


class Place(NamedTuple):
    """Where an output and its cache are, as real paths."""

    root: Path
    out: Path
    cache: Path


class LastRun:
    """What is on record of an output folder; places are those of `Place`."""

    def __init__(self, place: Place, store: Store) -> None:
        self.root, self.out, self.cache = place
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
    def policy(self) -> Policy:
        """What was shown."""
        stored = self._store.get("policy")
        return _decode_policy(stored) if stored else Policy()

    @property
    def version(self) -> str:
        """The versions of what made the pages."""
        return self._store.version()

    @property
    def build_time(self) -> int | None:
        """A time that looks as pages show the build's time, in µs since 1970; None if no page shows it."""
        stored = self._store.get("now")
        return _decode_time(stored) if stored else None


def place_of(options: Options) -> Place:
    """Find an output folder that was built; RefusalError if it wasn't."""
    root = Path(os.path.realpath(options.site))
    out = Path(os.path.realpath(options.output))
    cache = cache_of(root, out)
    if not (cache / DATABASE).exists():
        raise RefusalError(f"{out}: not built yet, or not from {root}", "build it first: blogd build")
    return Place(root, out, cache)


@contextmanager
def last_run(place: Place) -> Generator[LastRun]:
    """Open what is known of an output folder; RefusalError if it can't be read, or what is done inside meets that."""
    try:
        with closing(Store(place.cache, "", read_only=True)) as store:
            yield LastRun(place, store)
    except StoreError as error:
        raise RefusalError(str(error), error.hint) from error


def _no_host() -> MacroHost:
    raise AssertionError("results are looked at, not made")
