"""A worker process: reads posts, renders pages and writes them, until its pipe closes.

It knows one site, kept current by `Update`s, and does what it is told in the order it is told. It opens sources and
outputs only, never the database. Whatever goes wrong with one page is that page's finding; an error of blogd's own ends
the batch with `WorkerFailed`, not the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from blogd.cache.bodies import BodyReader, BodyWriter, LostBodyError, encode_body
from blogd.daemon import wire
from blogd.daemon.code_cache import CodeFiles
from blogd.daemon.output import Output, OutputError, digest
from blogd.daemon.raw import LostSourceError, read_source
from blogd.daemon.resources import bundled_templates, stylesheet_source
from blogd.render.body import Body, Link, Macro
from blogd.render.diagnostic import Diagnostic
from blogd.render.links import link_target
from blogd.render.markdown import render_body
from blogd.render.posts import MAX_BYTES, read_post
from blogd.render.renderer import Renderer, Rendering
from blogd.render.site import BodyRef, Entry, Site

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from blogd.render.records import Post

PRINTED_MOST = 4_000


class Setup(msgspec.Struct, frozen=True):
    """What a worker needs to know from the start."""

    root: str
    out: str
    bodies: str
    code: str
    parent: int


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
        """Give a record's raw Markdown; LostSourceError if it is another by now."""
        return read_source(self._root, self._site.entries[record].post)

    def close(self) -> None:
        """Close all files."""
        self._reader.close()


class Worker:
    """The state of one worker process."""

    def __init__(self, setup: Setup, site: Site) -> None:
        self._setup = setup
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

    def answer(self, task: wire.ToWorker) -> wire.FromWorker | None:
        """Do what a message asks, and give the answer if it wants one."""
        start = time.perf_counter()
        match task:
            case wire.Update():
                self._update(task)
                return None
            case wire.ReadFiles():
                found = tuple(self._read(file, task.timezone, highlight=task.highlight) for file in task.tasks)
                return wire.FilesRead(task.batch, found, time.perf_counter() - start)
            case wire.RenderPages():
                self._output.forget_folders()
                results = tuple(self._make_safely(page) for page in task.tasks)
                entities, shared = self._reads.take_new()
                return wire.PagesRendered(task.batch, results, entities, shared, time.perf_counter() - start)

    def close(self) -> None:
        """Close all files."""
        self._writer.close()
        self._bodies.close()

    def _update(self, task: wire.Update) -> None:
        self._now = datetime.fromtimestamp(task.now / 1_000_000, tz=UTC)
        if task.is_snapshot:
            self._use(Site())
        self._site.apply(task.delta)
        if task.delta.templates:
            self._renderer.update(task.delta.templates)

    # Sources.

    def _read(self, task: wire.FileTask, timezone: str, *, highlight: bool) -> wire.FileResult:
        try:
            with open(f"{self._setup.root}/{task.path}", "rb") as file:
                found = os.fstat(file.fileno())
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return wire.FileResult(task.path)
        except OSError as error:
            return wire.FileResult(task.path, 0, diagnostics=(_unreadable(task.path, error.strerror or ""),))
        seen = (found.st_size, found.st_mtime_ns, found.st_ino, digest(data))
        if len(data) > MAX_BYTES:
            return wire.FileResult(task.path, *seen, diagnostics=(_too_large(task.path),))
        if seen[3] == task.digest:
            return wire.FileResult(task.path, *seen, is_same=True)
        parsed = read_post(task.path, data, _zone(timezone))
        entry: Entry | None = None
        if parsed.post is not None:
            entry = Entry(parsed.post, self._body(parsed.post, parsed.text, task, highlight=highlight))
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
        except Exception:  # noqa: BLE001 - told as the page's finding, with the traceback
            return self._failure(task, Rendering(None, {}), _internal(task.path, traceback.format_exc()))

    def _make(self, task: wire.PageTask) -> wire.PageResult:
        if task.key[0] == "copy":
            return self._copy(task)
        try:
            rendering = self._renderer.render(task.key, self._now.astimezone(self._site.zone))
        except (LostBodyError, LostSourceError) as lost:
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
        rendering = Rendering(None, {("asset", source): 1})
        try:
            name = self._digest_of(source)
            size, mtime, is_written = -1, 0, name != task.digest
            if is_written:
                size, mtime = self._output.copy(f"{self._setup.root}/{source}", task.path, replace=task.replace)
        except FileNotFoundError:
            return self._loss(task, source)
        except (OSError, OutputError) as error:
            return self._failure(task, rendering, _unwritten(task.path, error))
        reads, shared = self._reads.write(rendering.reads)
        return wire.PageResult(task.id, name, size, mtime, is_written, reads, shared, ())

    def _digest_of(self, source: str) -> bytes:
        with open(f"{self._setup.root}/{source}", "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()

    def _failure(self, task: wire.PageTask, rendering: Rendering, passing: Diagnostic | None = None) -> wire.PageResult:
        """Report an output that could not be made: by its own fault, or because of something that passes."""
        reads, shared = self._reads.write(rendering.reads)
        found = (*rendering.diagnostics, *((passing,) if passing else ()))
        return wire.PageResult(task.id, b"", -1, 0, False, reads, shared, found, is_passing=passing is not None)

    def _loss(self, task: wire.PageTask, lost: str) -> wire.PageResult:
        """Report an output that can't be made before a source has been read again."""
        return wire.PageResult(task.id, b"", -1, 0, False, b"", 0, lost=lost)


def run_worker(connection: Connection, setup: Setup, site: Site | None) -> None:
    """Be a worker: the target of a process."""
    _prepare(setup)
    printed = _capture_output()
    worker = Worker(setup, site or Site())
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task = wire.decode_task(connection.recv_bytes())
            answer = attempt(worker, task)
            text = _take_printed(printed)
            if text:
                connection.send_bytes(wire.encode(wire.Printed(text)))
            if answer is not None:
                connection.send_bytes(wire.encode(answer))
    os._exit(0)


def attempt(worker: Worker, task: wire.ToWorker) -> wire.FromWorker | None:
    """Have a worker answer a message; an error of blogd's own is an answer too."""
    try:
        return worker.answer(task)
    except Exception as error:  # noqa: BLE001 - the border of the process: it is told, and the worker goes on
        batch = 0 if isinstance(task, wire.Update) else task.batch
        paths = tuple(file.path for file in task.tasks) if isinstance(task, wire.ReadFiles) else ()
        return wire.WorkerFailed(batch, paths, f"{type(error).__name__}: {error}", traceback.format_exc())


def _prepare(setup: Setup) -> None:
    """Leave signals to the coordinator, and die with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != setup.parent:
        os._exit(1)


def _capture_output() -> BinaryIO:
    """Send what this process prints into a file of its own."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is
    sys.stdout.flush()
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    return file


def _take_printed(file: BinaryIO) -> str:
    sys.stdout.flush()
    size = os.fstat(file.fileno()).st_size
    if not size:
        return ""
    text = os.pread(file.fileno(), PRINTED_MOST, 0).decode("utf-8", "replace")
    os.ftruncate(file.fileno(), 0)
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return text


@lru_cache(maxsize=4)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _unreadable(path: str, reason: str) -> Diagnostic:
    return Diagnostic(
        severity="error", path=path, message=f"can't be read: {reason.lower()}", hint="check the file's permissions"
    )


def _too_large(path: str) -> Diagnostic:
    limit = MAX_BYTES >> 20
    return Diagnostic(
        severity="error", path=path, message=f"is larger than {limit} MB", hint="split the post, or move data to media/"
    )


def _internal(path: str, trace: str) -> Diagnostic:
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
