"""The raw Markdown of a record, from its file: only if that is still what the record says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.daemon.output import digest
from blogd.render.diagnostic import LostError
from blogd.render.posts import MAX_BYTES, read_body

if TYPE_CHECKING:
    from blogd.render.records import Post


def read_source(root: str, post: Post) -> str:
    """Give a record's raw Markdown; LostError if the file has another by now."""
    try:
        with open(f"{root}/{post.path}", "rb") as file:
            raw = file.read(MAX_BYTES + 1)[post.body_offset :]
    except OSError as error:
        raise LostError(post.path) from error
    if digest(raw) != post.source_digest:
        raise LostError(post.path)
    return read_body(post.path, raw, post.body_line)[0]
