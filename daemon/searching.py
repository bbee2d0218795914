"""The search index of an output folder: made by Pagefind when all pages are, then copied into the output like media.

It is made from single posts and pages; lists say the same again. It is made anew from nothing, in a process in the
background, whenever these pages are others than those of the last index: so it is what a clean build would make. Its
files wait in the cache; as outputs they are named by their digests, so that only those that differ are copied.

An index that was overtaken by a change is thrown away. One that can't be made is a warning, and the last one stays. A
cache that was left without the files of its index counts as one without an index.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.cache.rows import CLEAN
from blogd.daemon.output import digest
from blogd.daemon.pagefind import NEW, PAGES, pagefind_version
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from blogd.cache.manifest import Manifest
    from blogd.cache.store import Store
    from blogd.daemon.project import Project
    from blogd.render.routes import Outputs
    from blogd.render.site import Site

FILES: Final = "files"
OUTPUT: Final = "pagefind"
MOST_S: Final = 900.0
_OLD: Final = "old"
_SHOWN_BYTES: Final = 2_000


class Progress(Enum):
    """How far the search index is: as the pages are, on its way, or just put into the output."""

    IDLE = auto()
    BUSY = auto()
    DONE = auto()


class Index(msgspec.Struct, frozen=True):
    """An index as the store has it: what it was made from, and the digests of its files by name."""

    origin: bytes = b""
    files: dict[str, str] = {}


_decode = msgspec.msgpack.Decoder(Index).decode


class Searching:
    """The index that there is, and the next one on its way."""

    def __init__(self, store: Store, project: Project) -> None:
        self._store = store
        self._root = str(project.root)
        self._folder = str(project.cache / "search")
        self._out = str(project.out)
        stored = store.get("search")
        index = _decode(stored) if stored else Index()
        self.index = index if not index.files or os.path.isdir(f"{self._folder}/{FILES}") else Index()
        self.findings: tuple[Diagnostic, ...] = ()
        self._failed = b""
        self._run: _Run | None = None

    def outputs(self, index: Index) -> Outputs:
        """Give an index's files as outputs."""
        source = os.path.relpath(f"{self._folder}/{FILES}", self._root)
        return {f"{OUTPUT}/{name}": ("copy", "", f"{source}/{name}", text) for name, text in index.files.items()}

    def origin(self, manifest: Manifest, settings: bytes) -> bytes:
        """Name all that an index is made from: finished pages, the project's settings and Pagefind."""
        rows = (row for row in manifest.pages.values() if row.key[0] in {"post", "page", "extra"})
        pages = sorted((row.path, row.digest) for row in rows if row.state == CLEAN)
        return digest(msgspec.msgpack.encode((pages, settings, pagefind_version())))

    def is_due(self, origin: bytes) -> bool:
        """Tell whether the index is to be made anew."""
        return origin not in {self.index.origin, self._failed}

    @property
    def is_running(self) -> bool:
        """Whether the next index is on its way."""
        return self._run is not None

    def work(self, origin: bytes, manifest: Manifest, site: Site) -> Index | None:
        """Begin the next index, or go on with it; give it when it is done."""
        if self._run is not None and self._run.origin == origin and self._run.is_going():
            return None
        try:
            if self._run is None or self._run.origin != origin:
                self._start(origin, _pages(manifest, site))
                return None
            run, self._run = self._run, None
            if not (trouble := run.trouble()):
                self.findings = ()
                return Index(origin, self._take_files())
        except OSError as error:
            trouble = (error.strerror or str(error)).lower()
        self.findings = (_finding(trouble),)
        self._failed = origin
        return None

    def _start(self, origin: bytes, pages: list[str]) -> None:
        self.close()
        if os.path.islink(self._folder):
            os.unlink(self._folder)  # it would be written where it leads
        os.makedirs(self._folder, exist_ok=True)
        for name in (NEW, PAGES):
            _remove(f"{self._folder}/{name}")
        with open(f"{self._folder}/{PAGES}", "x", encoding="utf-8", errors="surrogateescape") as file:
            file.write("\0".join(pages))
        self._run = _Run(origin, self._out, self._folder)

    def _take_files(self) -> dict[str, str]:
        """Put a finished index in the place of the last one."""
        files, new, old = (f"{self._folder}/{name}" for name in (FILES, NEW, _OLD))
        found: dict[str, str] = {}
        for parent, _, names in os.walk(new):
            for name in names:
                with open(f"{parent}/{name}", "rb") as file:
                    found[os.path.relpath(file.name, new)] = digest(file.read()).hex()
        _remove(old)
        with contextlib.suppress(FileNotFoundError):
            os.rename(files, old)
        os.rename(new, files)
        shutil.rmtree(old, ignore_errors=True)
        return dict(sorted(found.items()))

    def keep(self, index: Index) -> None:
        """Write down that an index is in the output, or on its way there."""
        self.close()
        self.index = index
        self._store.put("search", msgspec.msgpack.encode(index))

    def handles(self) -> list[int]:
        """Give what is ready when an index is."""
        return [self._run.handle] if self._run else []

    def close(self) -> None:
        """End what is on its way."""
        if self._run is not None:
            self._run.close()
            self._run = None


class _Run:
    """Pagefind at work."""

    def __init__(self, origin: bytes, out: str, folder: str) -> None:
        self.origin = origin
        self._deadline = time.monotonic() + MOST_S
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the run
        # Its input never comes; its output ends when it does, and is never anything else.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "blogd.daemon.pagefind", out, folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._told,
        )
        assert self._process.stdout is not None
        self.handle = self._process.stdout.fileno()

    def is_going(self) -> bool:
        """Tell whether it is not done yet."""
        if time.monotonic() > self._deadline:
            self._process.kill()
        return self._process.poll() is None

    def trouble(self) -> str:
        """Say what went wrong, '' if nothing did."""
        code = self._process.wait()
        told = os.pread(self._told.fileno(), _SHOWN_BYTES, max(0, os.fstat(self._told.fileno()).st_size - _SHOWN_BYTES))
        self.close()
        last = told.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return f"exit code {code}: {last}" if code else ""

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.communicate()
        self._told.close()


def _remove(path: str) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _pages(manifest: Manifest, site: Site) -> list[str]:
    """Give the pages to be found, each by one address."""
    rows = (row for row in manifest.pages.values() if row.state == CLEAN)
    return sorted(
        row.path
        for row in rows
        if row.key[0] in {"page", "extra"} or (row.key[0] == "post" and not site.is_page(str(row.key[2])))
    )


def _finding(trouble: str) -> Diagnostic:
    hint = 'to do without, set "search": false in the "blogd" object of meta/project.json'
    return Diagnostic(severity="warning", path="meta/project.json", message=f"no search index: {trouble}", hint=hint)
