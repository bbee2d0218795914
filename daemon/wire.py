"""What the coordinator and its workers say to each other: frozen values as MessagePack, never pickles.

Reads travel by number. Each worker numbers the entities and the sets of shared reads that it meets, in its own order,
and sends each along once, with the first page that read it; the coordinator keeps a table per worker that leads from
these numbers to the manifest's.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import msgspec

from blogd.cache.manifest import NO_READS
from blogd.render.delta import Delta, Entry
from blogd.render.diagnostic import Diagnostic
from blogd.render.reads import OWN_KINDS, Entity
from blogd.render.routes import PageKey

if TYPE_CHECKING:
    from blogd.cache.manifest import Manifest
    from blogd.render.reads import Reads


class Update(msgspec.Struct, frozen=True, tag=True):
    """Bring the site to a generation. `is_snapshot`: forget what was there. `now`: the build's time, µs since 1970."""

    generation: int
    delta: Delta
    now: int
    is_snapshot: bool = False


class FileTask(msgspec.Struct, frozen=True, array_like=True):
    """Read a post. `digest` is what it was when last read, b'' if it must be read in any case."""

    path: str
    digest: bytes


class ReadFiles(msgspec.Struct, frozen=True, tag=True):
    """Read posts and render their bodies, with the settings that can change what that gives."""

    batch: int
    tasks: tuple[FileTask, ...]
    timezone: str
    highlight: bool


class FileResult(msgspec.Struct, frozen=True, array_like=True):
    """A post as it is now. `is_same`: its bytes are those of the task's digest, the rest is empty.

    `size` is -1 if the file is gone. `entry` is None if it can't be used.
    """

    path: str
    size: int = -1
    mtime_ns: int = 0
    inode: int = 0
    digest: bytes = b""
    is_same: bool = False
    entry: Entry | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class FilesRead(msgspec.Struct, frozen=True, tag=True):
    """The answer to `ReadFiles`. `seconds` of work; `memory` in bytes that the worker holds now, 0 if unknown."""

    batch: int
    results: tuple[FileResult, ...]
    seconds: float
    memory: int = 0


class PageTask(msgspec.Struct, frozen=True, array_like=True):
    """Make an output. `digest` is that of the file that stands there, b'' if none is known to.

    `replace`: a file that stands there is blogd's and may be replaced.
    """

    id: int
    path: str
    key: PageKey
    digest: bytes
    replace: bool


class RenderPages(msgspec.Struct, frozen=True, tag=True):
    """Make outputs, from the site as it is at this point of the conversation."""

    batch: int
    tasks: tuple[PageTask, ...]


class PageResult(msgspec.Struct, frozen=True, array_like=True):
    """An output as it was made. `size` is -1 and `digest` empty if it could not be.

    `is_passing`: what kept it from being made has nothing to do with what it reads (a full disk), so it is tried again.
    `reads` is an array of (entity, mask) pairs and `shared` the number of a set, both in the worker's numbers.
    """

    id: int
    digest: bytes
    size: int
    mtime_ns: int
    is_written: bool
    reads: bytes
    shared: int
    diagnostics: tuple[Diagnostic, ...] = ()
    is_passing: bool = False
    lost: str = ""


class PagesRendered(msgspec.Struct, frozen=True, tag=True):
    """The answer to `RenderPages`. `entities` and `shared` are those met for the first time, in their order.

    `seconds` of work; `memory` in bytes that the worker holds now, 0 if unknown.
    """

    batch: int
    results: tuple[PageResult, ...]
    entities: tuple[Entity, ...]
    shared: tuple[bytes, ...]
    seconds: float
    memory: int = 0


class WorkerFailed(msgspec.Struct, frozen=True, tag=True):
    """A batch met an error that is blogd's own; the worker goes on. `paths` are the sources it was to read."""

    batch: int
    paths: tuple[str, ...]
    message: str
    trace: str


class NotStored(msgspec.Struct, frozen=True, tag=True):
    """The cache can't be written: the run can't go on."""

    batch: int
    reason: str


class Printed(msgspec.Struct, frozen=True, tag=True):
    """Something was written to the worker's stdout or stderr."""

    text: str


class Started(msgspec.Struct, frozen=True, tag=True):
    """The worker is ready: it has the site. `memory` in bytes that it holds."""

    memory: int


class Working(msgspec.Struct, frozen=True, tag=True):
    """The worker gets on with something that may take long."""


ToWorker = Update | ReadFiles | RenderPages
Answer = FilesRead | PagesRendered | WorkerFailed | NotStored
FromWorker = Answer | Printed | Started | Working

encode = msgspec.msgpack.Encoder().encode
decode_task = msgspec.msgpack.Decoder(ToWorker).decode
decode_answer = msgspec.msgpack.Decoder(FromWorker).decode


class ReadsWriter:
    """Number reads, on the worker's side."""

    def __init__(self) -> None:
        self._own: dict[Entity, int] = {}
        self._common: dict[Entity, int] = {}
        self._shared: dict[bytes, int] = {}
        self._new_entities: list[Entity] = []
        self._new_shared: list[bytes] = []

    def write(self, reads: Reads) -> tuple[bytes, int]:
        """Give a page's own reads as an array, and the number of the set that it shares with others."""
        own, common, known = array("I"), list[tuple[int, int]](), self._own
        for entity, mask in reads.items():
            number = known.get(entity)
            if number is None and entity[0] in OWN_KINDS:
                number = known[entity] = self._new_number(entity)
            if number is not None:
                own.append(number)
                own.append(mask)
            else:
                common.append((self._common_number(entity), mask))
        common.sort()
        encoded = array("I", [number for pair in common for number in pair]).tobytes()
        return own.tobytes(), self._set_number(encoded)

    def _common_number(self, entity: Entity) -> int:
        number = self._common.get(entity)
        if number is None:
            number = self._common[entity] = self._new_number(entity)
        return number

    def _new_number(self, entity: Entity) -> int:
        self._new_entities.append(entity)
        return len(self._own) + len(self._common)

    def _set_number(self, encoded: bytes) -> int:
        number = self._shared.get(encoded)
        if number is None:
            number = self._shared[encoded] = len(self._shared)
            self._new_shared.append(encoded)
        return number

    def take_new(self) -> tuple[tuple[Entity, ...], tuple[bytes, ...]]:
        """Give the entities and sets that have not been sent yet."""
        new = tuple(self._new_entities), tuple(self._new_shared)
        self._new_entities, self._new_shared = [], []
        return new


class ReadsReader:
    """Lead from one worker's numbers to the manifest's."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._entities: list[int] = []
        self._shared: list[int] = []

    def learn(self, entities: tuple[Entity, ...], shared: tuple[bytes, ...]) -> None:
        """Take in the entities and sets that come with an answer."""
        self._entities += self._manifest.entity_ids(entities)
        for encoded in shared:
            pairs = self._translate(encoded)
            ordered = sorted(zip(pairs[::2], pairs[1::2], strict=True))
            reads = array("I", [number for pair in ordered for number in pair]).tobytes()
            self._shared.append(self._manifest.shared_id(reads) if reads else NO_READS)

    def read(self, reads: bytes, shared: int) -> tuple[bytes, int]:
        """Give a page's reads in the manifest's numbers."""
        return self._translate(reads).tobytes(), self._shared[shared]

    def _translate(self, encoded: bytes) -> array[int]:
        numbers = array("I", encoded)
        numbers[::2] = array("I", map(self._entities.__getitem__, numbers[::2]))
        return numbers
