"""The raw Markdown of a record, from its file: only if that is still what the record says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.daemon.output import digest
from blogd.render.posts import MAX_BYTES, read_body

if TYPE_CHECKING:
    from blogd.render.records import Post


class LostSourceError(Exception):
    """A source is not what it was when the site was made; it has to be read again."""


def read_source(root: str, post: Post) -> str:
    """Give a record's raw Markdown; LostSourceError if the file has another by now."""
    try:
        with open(f"{root}/{post.path}", "rb") as file:
            raw = file.read(MAX_BYTES + 1)[post.body_offset :]
    except OSError as error:
        raise LostSourceError(post.path) from error
    if digest(raw) != post.source_digest:
        raise LostSourceError(post.path)
    return read_body(post.path, raw, post.body_line)[0]
