"""What a worker does: it reads posts, renders pages and writes them.

It knows one site, kept current by `Update`s, and does what it is told in the order it is told. It opens sources and
outputs only, never the database. Whatever goes wrong with one post or page is that one's finding, an error of blogd's
own too.
"""

from __future__ import annotations

import hashlib
import os
import time
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from blogd.cache.bodies import BodyReader, BodyWriter, NotStoredError, encode_body
from blogd.daemon import wire
from blogd.daemon.code_cache import CodeFiles
from blogd.daemon.memory import resident_set_size
from blogd.daemon.output import Output, OutputError, digest
from blogd.daemon.raw import read_bytes, read_source, unreadable
from blogd.daemon.resources import bundled_templates, stylesheet_source
from blogd.render.body import Body, Link, Macro
from blogd.render.delta import BodyRef, Entry
from blogd.render.diagnostic import Diagnostic, LostError
from blogd.render.links import link_target
from blogd.render.markdown import render_body
from blogd.render.posts import MAX_BYTES, read_post
from blogd.render.renderer import Renderer, Rendering
from blogd.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.render.records import Post

GROWTH_MOST: Final = 2 << 30
_CHUNK_BYTES: Final = 1 << 20


class Setup(msgspec.Struct, frozen=True):
    """What a worker needs to know from the start. `growth`: the bytes that its process may get beyond those it has."""

    root: str
    out: str
    bodies: str
    code: str
    parent: int
    growth: int = GROWTH_MOST


class SourceBodies:
    """The bodies of a site: rendered ones from the segments, raw ones from the sources themselves."""

    def __init__(self, root: str, folder: Path, site: Site) -> None:
        self._root = root
        self._reader = BodyReader(folder)
        self._site = site

    def read(self, ref: BodyRef) -> Body:
        """Give a rendered body."""
        return self._reader.read(ref)

    def source(self, record: str) -> str:
        """Give a record's raw Markdown; LostError if it is another by now."""
        return read_source(self._root, self._site.entries[record].post)

    def close(self) -> None:
        """Close all files."""
        self._reader.close()


class Worker:
    """The state of one worker. `progress` is called now and then during work that may take long."""

    def __init__(self, setup: Setup, site: Site, progress: Callable[[], None] = lambda: None) -> None:
        self._setup = setup
        self._progress = progress
        self._folder = Path(setup.bodies)
        self._writer = BodyWriter(self._folder)
        self._output = Output(Path(setup.out))
        self._reads = wire.ReadsWriter()
        self._now = datetime.fromtimestamp(0, tz=UTC)
        self._use(site)

    def _use(self, site: Site) -> None:
        self._site = site
        self._bodies = SourceBodies(self._setup.root, self._folder, site)
        self._renderer = Renderer(
            site, self._bodies, bundled_templates(), stylesheet_source(), CodeFiles(self._setup.code)
        )

    def answer(self, task: wire.ReadFiles | wire.RenderPages) -> wire.Answer:
        """Do what a task asks; raises NotStoredError if the cache can't be written."""
        start = time.perf_counter()
        if isinstance(task, wire.ReadFiles):
            found = tuple(self._read_safely(file, task) for file in task.tasks)
            return wire.FilesRead(task.batch, found, time.perf_counter() - start, resident_set_size())
        results = tuple(self._make_safely(page) for page in task.tasks)
        entities, shared = self._reads.take_new()
        seconds = time.perf_counter() - start
        return wire.PagesRendered(task.batch, results, entities, shared, seconds, resident_set_size())

    def close(self) -> None:
        """Close all files."""
        self._writer.close()
        self._bodies.close()

    def update(self, task: wire.Update) -> None:
        """Bring the site up to date."""
        self._output.forget_folders()
        self._now = datetime.fromtimestamp(task.now / 1_000_000, tz=UTC)
        if task.is_snapshot:
            self._use(Site())
        self._site.apply(task.delta)
        self._renderer.update(task.delta.templates)

    # Sources.

    def _read_safely(self, task: wire.FileTask, batch: wire.ReadFiles) -> wire.FileResult:
        """Read a post; an error of blogd's own is the post's, not the run's."""
        try:
            return self._read(task, batch)
        except NotStoredError:
            raise
        except Exception as error:  # noqa: BLE001 - told as the post's finding, with the traceback
            return wire.FileResult(task.path, 0, diagnostics=(_internal(task.path, error),))

    def _read(self, task: wire.FileTask, batch: wire.ReadFiles) -> wire.FileResult:
        try:
            found, data = read_bytes(f"{self._setup.root}/{task.path}", MAX_BYTES)
        except FileNotFoundError:
            return wire.FileResult(task.path)
        except OSError as error:
            return wire.FileResult(task.path, 0, diagnostics=(unreadable(task.path, error),))
        seen = (found.st_size, found.st_mtime_ns, found.st_ino, digest(data))
        if max(found.st_size, len(data)) > MAX_BYTES:
            return wire.FileResult(task.path, *seen, diagnostics=(_too_large(task.path),))
        if seen[3] == task.digest:
            return wire.FileResult(task.path, *seen, is_same=True)
        parsed = read_post(task.path, data, _zone(batch.timezone))
        entry: Entry | None = None
        if parsed.post is not None:
            entry = Entry(parsed.post, self._body(parsed.post, parsed.text, task, highlight=batch.highlight))
        return wire.FileResult(task.path, *seen, entry=entry, diagnostics=parsed.diagnostics)

    def _body(self, post: Post, text: str, task: wire.FileTask, *, highlight: bool) -> BodyRef:
        """Render a body, unless its text is that of the file as the site has it."""
        known = self._site.entries.get(post.path)
        if task.digest and known is not None and known.post.source_digest == post.source_digest:
            return known.body
        body = render_body(text, highlight=highlight)
        encoded = encode_body(body)
        segment, offset, length = self._writer.append(encoded)
        urls = (piece.url for piece in body.pieces if isinstance(piece, Link) and piece.attribute == "href")
        links = tuple(dict.fromkeys(url for url in urls if link_target(url, post.path)))
        macros = tuple(piece for piece in body.pieces if isinstance(piece, Macro))
        return BodyRef(segment, offset, length, digest(encoded), links, macros)

    # Pages.

    def _make_safely(self, task: wire.PageTask) -> wire.PageResult:
        """Make an output; an error of blogd's own is the page's, not the run's."""
        try:
            return self._make(task)
        except Exception as error:  # noqa: BLE001 - told as the page's finding, with the traceback
            return self._failure(task, Rendering(None, {}), _internal(task.path, error))

    def _make(self, task: wire.PageTask) -> wire.PageResult:
        if task.key[0] == "copy":
            return self._copy(task)
        try:
            rendering = self._renderer.render(task.key, self._now.astimezone(self._site.zone))
        except LostError as lost:
            return self._loss(task, str(lost))
        if rendering.data is None:
            return self._failure(task, rendering)
        name = digest(rendering.data)
        size, mtime, is_written = len(rendering.data), 0, False
        if name != task.digest:
            try:
                size, mtime = self._output.write(task.path, rendering.data, replace=task.replace)
            except (OSError, OutputError) as error:
                return self._failure(task, rendering, _unwritten(task.path, error))
            is_written = True
        reads, shared = self._reads.write(rendering.reads)
        return wire.PageResult(task.id, name, size, mtime, is_written, reads, shared, rendering.diagnostics)

    def _copy(self, task: wire.PageTask) -> wire.PageResult:
        source = str(task.key[2])
        path = f"{self._setup.root}/{source}"
        rendering = Rendering(None, {("asset", source): 1})
        try:
            before = os.stat(path)
            name = self._digest_of(path)
        except FileNotFoundError:
            return self._loss(task, source)
        except OSError as error:
            return self._failure(task, rendering, unreadable(source, error))
        size, mtime, is_written = -1, 0, name != task.digest
        try:
            if is_written:
                size, mtime = self._output.copy(path, task.path, replace=task.replace, progress=self._progress)
        except (OSError, OutputError) as error:
            if not _has_changed(path, before):
                return self._failure(task, rendering, _unwritten(task.path, error))
        if _has_changed(path, before):
            return self._loss(task, source)
        reads, shared = self._reads.write(rendering.reads)
        return wire.PageResult(task.id, name, size, mtime, is_written, reads, shared, ())

    def _digest_of(self, path: str) -> bytes:
        hasher = hashlib.blake2b(digest_size=16)
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                hasher.update(chunk)
                self._progress()
        return hasher.digest()

    def _failure(self, task: wire.PageTask, rendering: Rendering, passing: Diagnostic | None = None) -> wire.PageResult:
        """Report an output that could not be made: by its own fault, or because of something that passes."""
        reads, shared = self._reads.write(rendering.reads)
        found = (*rendering.diagnostics, *((passing,) if passing else ()))
        return wire.PageResult(task.id, b"", -1, 0, False, reads, shared, found, is_passing=passing is not None)

    def _loss(self, task: wire.PageTask, lost: str) -> wire.PageResult:
        """Report an output that can't be made before a source has been read again."""
        return wire.PageResult(task.id, b"", -1, 0, False, b"", 0, lost=lost)


def attempt(worker: Worker, task: wire.ReadFiles | wire.RenderPages) -> wire.Answer:
    """Have a worker answer a task; an error of blogd's own is an answer too."""
    try:
        return worker.answer(task)
    except NotStoredError as error:
        return wire.NotStored(task.batch, str(error))
    except Exception as error:  # noqa: BLE001 - the border of the process: it is told, and the worker goes on
        paths = tuple(file.path for file in task.tasks) if isinstance(task, wire.ReadFiles) else ()
        return wire.WorkerFailed(task.batch, paths, f"{type(error).__name__}: {error}", traceback.format_exc())


@lru_cache(maxsize=4)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _has_changed(path: str, before: os.stat_result) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return True
    return (found.st_size, found.st_mtime_ns, found.st_ino) != (before.st_size, before.st_mtime_ns, before.st_ino)


def _too_large(path: str) -> Diagnostic:
    limit = MAX_BYTES >> 20
    return Diagnostic(
        severity="error", path=path, message=f"is larger than {limit} MB", hint="split the post, or move data to media/"
    )


def _internal(path: str, error: Exception) -> Diagnostic:
    if isinstance(error, MemoryError):
        hint = "look for what makes it so large"
        return Diagnostic(severity="error", path=path, message="needs more memory than there is", hint=hint)
    trace = "".join(traceback.format_exception(error))
    return Diagnostic(severity="error", path=path, message="internal error", hint=f"please report this:\n{trace}")


def _unwritten(path: str, error: OSError | OutputError) -> Diagnostic:
    if isinstance(error, OutputError):
        return Diagnostic(severity="error", path=path, message=str(error), hint=error.hint)
    return Diagnostic(
        severity="error",
        path=path,
        message=f"can't be written: {(error.strerror or str(error)).lower()}",
        hint="check free space and permissions of the output folder",
    )
