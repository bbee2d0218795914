"""Rendered bodies on disk: append-only segment files, shared by all processes of a run.

Bodies travel from the worker that renders them to those that list them through the file system's cache, not through
pipes or the database: a worker appends to a segment of its own and passes on where (segment, offset, length). Readers
need no lock, since what has been written is never changed. Each record ends in a CRC-32 of its bytes, so that what a
power loss took away is noticed and rendered again instead of being believed.

Segments that nothing refers to any more are removed when an output folder is opened (`sweep`); when most of what is
left is garbage, or it is scattered over many files, the living records are gathered in a new one (`gather`).
"""

from __future__ import annotations

import os
import secrets
import zlib
from typing import TYPE_CHECKING, Final

import msgspec

from blogd.render.body import Body
from blogd.render.diagnostic import LostError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from blogd.render.delta import BodyRef

SUFFIX: Final = ".bodies"
MANY_SEGMENTS: Final = 24
SPARE_BYTES: Final = 1 << 26
_CHECKSUM_BYTES: Final = 4

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Body).decode


class NotStoredError(Exception):
    """A rendered body can't be written."""


class BodyWriter:
    """Append bodies to a segment of its own, which is made at the first body."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segment = ""
        self._file = -1
        self._offset = 0

    def append(self, encoded: bytes) -> tuple[str, int, int]:
        """Store an encoded body and give (segment, offset, length); raises NotStoredError."""
        record = encoded + zlib.crc32(encoded).to_bytes(_CHECKSUM_BYTES, "little")
        try:
            if self._file < 0:
                self._open()
            write_all(self._file, record)
        except OSError as error:
            self.close()  # what comes after half a record would not be found
            raise NotStoredError(error.strerror or str(error)) from error
        place = (self._segment, self._offset, len(record))
        self._offset += len(record)
        return place

    def _open(self) -> None:
        self._segment, self._offset = secrets.token_hex(6), 0
        path = self._folder / (self._segment + SUFFIX)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def close(self) -> None:
        """Close the segment."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class BodyReader:
    """Read bodies by reference; segments stay open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}

    def raw(self, ref: BodyRef) -> bytes:
        """Give a body as it was encoded; LostError if it isn't there."""
        try:
            record = os.pread(self._open(ref.segment), ref.length, ref.offset)
        except OSError as error:
            raise LostError(ref.segment) from error
        encoded, checksum = record[:-_CHECKSUM_BYTES], record[-_CHECKSUM_BYTES:]
        if len(record) != ref.length or zlib.crc32(encoded).to_bytes(_CHECKSUM_BYTES, "little") != checksum:
            raise LostError(ref.segment)
        return encoded

    def read(self, ref: BodyRef) -> Body:
        """Give a body; LostError if it isn't there."""
        return _decode(self.raw(ref))

    def _open(self, segment: str) -> int:
        if segment not in self._files:
            self._files[segment] = os.open(self._folder / (segment + SUFFIX), os.O_RDONLY | os.O_CLOEXEC)
        return self._files[segment]

    def close(self) -> None:
        """Close all segments."""
        while self._files:
            os.close(self._files.popitem()[1])


def encode_body(body: Body) -> bytes:
    """Encode a body; equal bodies give equal bytes."""
    return _encode(body)


def sweep(folder: Path, living: Iterable[BodyRef]) -> None:
    """Remove the segments that nothing refers to."""
    kept = {ref.segment + SUFFIX for ref in living}
    for name in sorted(os.listdir(folder)):
        if name.endswith(SUFFIX) and name not in kept:
            (folder / name).unlink(missing_ok=True)


def is_scattered(folder: Path, used: int) -> bool:
    """Tell whether gathering pays: there are many segments, or more garbage than the `used` bytes."""
    sizes = [entry.stat().st_size for entry in os.scandir(folder) if entry.name.endswith(SUFFIX)]
    return len(sizes) > MANY_SEGMENTS or sum(sizes) > 2 * used + SPARE_BYTES


def gather(folder: Path, living: dict[str, BodyRef]) -> dict[str, BodyRef]:
    """Copy the living records, by path, to one new segment and give their new places; lost ones are left out."""
    reader, writer = BodyReader(folder), BodyWriter(folder)
    moved: dict[str, BodyRef] = {}
    try:
        for path, ref in living.items():
            try:
                segment, offset, length = writer.append(reader.raw(ref))
            except LostError:
                continue
            moved[path] = msgspec.structs.replace(ref, segment=segment, offset=offset, length=length)
    finally:
        reader.close()
        writer.close()
    return moved


def write_all(file: int, data: bytes) -> None:
    """Write all of some bytes to a file descriptor."""
    done = os.write(file, data)
    while done < len(data):
        done += os.write(file, data[done:])
