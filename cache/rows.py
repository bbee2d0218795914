"""What is written down of sources and outputs, and how outputs are written: as steps of a journal.

A *step* says what one transaction did to the outputs: which it removed, which it made or entered (whole rows), which it
marked stale. A second part has what the pages it made asked for the first time. Whoever reads all steps in their order
has the outputs as they are now.
"""

from __future__ import annotations

from typing import Final

import msgspec

from blogd.cache.reasons import Cause
from blogd.render.diagnostic import Diagnostic
from blogd.render.reads import Entity
from blogd.render.routes import PageKey

CLEAN: Final = 0  # as its row says
STALE: Final = 1  # to be rendered
FAILED: Final = 2  # could not be rendered; an older file may stand


class SourceRow(msgspec.Struct, gc=False):
    """A source as it was last read. `failed`: it can't be used, and `record` is of an older version, if any."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    digest: bytes
    failed: bool = False
    record: bytes | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class PageRow(msgspec.Struct, gc=False, array_like=True):
    """An output as it was last made. `reads` is an array of (entity id, mask) pairs, `shared` names a further set.

    `reason` says why it was made (see `reasons`), or why it has to be; `made_s` when, in seconds since 1970, 0: never.
    """

    id: int
    path: str
    key: PageKey
    digest: bytes = b""
    size: int = -1
    mtime_ns: int = 0
    state: int = STALE
    shared: int = 0
    reads: bytes = b""
    diagnostics: tuple[Diagnostic, ...] = ()
    reason: int = Cause.UNKNOWN
    made_s: int = 0


class Step(msgspec.Struct, array_like=True):
    """What a transaction did to outputs, in this order; `all_stale` is a reason to make all anew that there were."""

    removed: tuple[int, ...] = ()
    made: tuple[PageRow, ...] = ()
    stale: tuple[tuple[int, int], ...] = ()  # ids and reasons
    all_stale: int = 0

    def __len__(self) -> int:
        """Give the number of things it says."""
        return len(self.removed) + len(self.made) + len(self.stale)

    def apply(self, rows: dict[int, PageRow]) -> None:
        """Do the same to the outputs by id."""
        for number in self.removed:
            rows.pop(number, None)
        for row in self.made:
            rows[row.id] = row
        for number, reason in self.stale:
            if number in rows:
                rows[number].state, rows[number].reason = STALE, reason
        for row in rows.values() if self.all_stale else ():
            row.state, row.reason = STALE, self.all_stale


class Questions(msgspec.Struct, array_like=True):
    """Entities, and sets of reads that pages share, by their numbers."""

    entities: tuple[tuple[int, Entity], ...] = ()
    shared: tuple[tuple[int, bytes], ...] = ()


encode = msgspec.msgpack.Encoder().encode
decode_step = msgspec.msgpack.Decoder(Step).decode
decode_questions = msgspec.msgpack.Decoder(Questions).decode


def once(parts: tuple[str | int, ...], known: dict[str | int, str | int]) -> tuple[str | int, ...]:
    """Give a key or entity in which a part that many of them have is kept only once."""
    return tuple(map(known.setdefault, parts, parts))
