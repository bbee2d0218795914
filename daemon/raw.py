"""Sources as bytes; and the raw Markdown of a record, from its file, only if that is still what the record says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from blogd.daemon.output import digest
from blogd.render.diagnostic import Diagnostic, LostError
from blogd.render.posts import MAX_BYTES, read_body

if TYPE_CHECKING:
    from blogd.render.records import Post

_CHUNK_BYTES: Final = 1 << 16


def read_bytes(path: str, most: int) -> tuple[os.stat_result, bytes]:
    """Give a file's stat and its bytes, none of a file longer than `most`; raises OSError.

    One that grows beyond that meanwhile gives `most + 1` bytes. A buffered file would take twice the system calls, and
    room for `most` bytes.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found, parts = os.fstat(file), list[bytes]()
        left = most + 1 if found.st_size <= most else 0
        while left and (part := os.read(file, min(left, _CHUNK_BYTES))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(file)
    return found, b"".join(parts)


def read_source(root: str, post: Post) -> str:
    """Give a record's raw Markdown; LostError if the file has another by now."""
    try:
        raw = read_bytes(f"{root}/{post.path}", MAX_BYTES)[1][post.body_offset :]
    except OSError as error:
        raise LostError(post.path) from error
    if digest(raw) != post.source_digest:
        raise LostError(post.path)
    return read_body(post.path, raw, post.body_line)[0]


def unreadable(path: str, error: OSError) -> Diagnostic:
    """Say that a source can't be read."""
    reason = (error.strerror or str(error)).lower()
    return Diagnostic(
        severity="error", path=path, message=f"can't be read: {reason}", hint="check the file's permissions"
    )
