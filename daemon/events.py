"""What the engine tells the world: one frozen value per occurrence, and nothing about how it is shown.

The engine emits events; a `Reporter` prints them (Rich, plain lines, JSON) or drops them. No other module prints.
An event is data: numbers and paths, never finished prose. The order of one run:

    Started (PhaseStarted | Progress | WorkerState | DiagnosticEvent | Note | Explained)* Built
    watch goes on: Ready (RebuildStarted …the same… Built | Indexed)* Stopped
    verify ends in: Difference* Verified

`Started`, `Built`, `Ready`, `Indexed`, `Difference` and `Verified` are also lines of `--json`, under their tags;
`Progress` and `DiagnosticEvent` are the sources of others. Fields may be added to these, never taken away.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from blogd.render.diagnostic import Diagnostic

Phase = Literal["scan", "read", "plan", "render", "copy", "commit", "index"]
Section = Literal["posts", "single", "core", "category", "tag", "date", "copies"]
WorkerStatus = Literal["starting", "idle", "busy", "restarting"]

SECTIONS: tuple[Section, ...] = get_args(Section)


class _Event(msgspec.Struct, frozen=True, tag_field="event"):
    """An occurrence; its tag is its name in `--json`."""


class Started(_Event, frozen=True, kw_only=True, tag="started"):
    """Say that a run begins. `site` and `out` are absolute paths."""

    version: str
    site: str
    out: str
    workers: int


class PhaseStarted(_Event, frozen=True, kw_only=True, tag="phase"):
    """Say what the run turns to now."""

    phase: Phase


class Progress(_Event, frozen=True, kw_only=True, tag="progress"):
    """Count one section: `done` of `total`.

    `posts` are sources read and their Markdown rendered, `copies` are assets and media, the others are outputs.
    A total may be refined at any time; a section whose total is known and still untouched is sent with `done=0`.
    Send one per batch, not one per page.
    """

    section: Section
    done: int
    total: int


class WorkerState(_Event, frozen=True, kw_only=True, tag="worker"):
    """Say what one worker, counted from 0, is doing."""

    worker: int
    status: WorkerStatus


class DiagnosticEvent(_Event, frozen=True, kw_only=True, tag="diagnostic"):
    """Report a finding, once: when it appears, not at each rebuild while it stands."""

    diagnostic: Diagnostic


class Note(_Event, frozen=True, kw_only=True, tag="note"):
    """Tell of something that blogd deals with by itself: `worker 2 (4711) died: signal 9; its batch is tried again`."""

    text: str


class Explained(_Event, frozen=True, kw_only=True, tag="explained"):
    """Give the reason why one page, named by its URL, or as many as `page` says, were made; for `--verbose`."""

    page: str
    reason: str


class RebuildStarted(_Event, frozen=True, kw_only=True, tag="rebuild"):
    """Say that a batch of changes has settled; `changed` are source paths."""

    changed: tuple[str, ...] = ()


class Built(_Event, frozen=True, kw_only=True, tag="built"):
    """Sum up a build or rebuild, when its last byte is written.

    `pages` counts all files that blogd owns in the output, `rendered` the text outputs made anew, `written` the files
    whose bytes changed. `elapsed_ms` runs from the start of the program, in a rebuild from the save.
    `mended` are the paths whose errors are gone, `standing` is the number of errors that hold after this build.
    `planning_ms` is the CPU time between reading and making: what changed, and what that means.
    `peak_bytes` is the highest memory of all processes together (PSS), 0 where it isn't known.
    """

    changed: tuple[str, ...] = ()
    pages: int
    rendered: int
    written: int
    unchanged: int
    removed: int
    failed: int
    elapsed_ms: float
    mended: tuple[str, ...] = ()
    standing: int = 0
    planning_ms: float = 0.0
    peak_bytes: int = 0


class Ready(_Event, frozen=True, kw_only=True, tag="ready"):
    """Say that the first build of a watch is done, and that changes from now on are seen."""


class Indexed(_Event, frozen=True, kw_only=True, tag="indexed"):
    """Say that, in a watch, the search index is that of the pages again; a build's is when it is `Built`.

    `written` and `removed` count the files of the index, `elapsed_ms` runs from the start of the work.
    """

    written: int
    removed: int
    elapsed_ms: float


class Difference(_Event, frozen=True, kw_only=True, tag="difference"):
    """Name a file of the output that is not as a clean build makes it, and why it isn't.

    `line` is the first that differs, 0 where there is none to compare.
    """

    path: str
    kind: Literal["differs", "missing", "extra"]
    line: int
    because: tuple[str, ...]


class Verified(_Event, frozen=True, kw_only=True, tag="verified"):
    """Sum up a comparison of the output with a clean build of so many files, `failed` of which could not be made."""

    files: int
    differences: int
    failed: int
    elapsed_ms: float


class Stopped(_Event, frozen=True, kw_only=True, tag="stopped"):
    """Say that a signal, named as `SIGINT`, ends the run."""

    signal: str


Event = (
    Started
    | PhaseStarted
    | Progress
    | WorkerState
    | DiagnosticEvent
    | Note
    | Explained
    | RebuildStarted
    | Built
    | Ready
    | Indexed
    | Difference
    | Verified
    | Stopped
)
