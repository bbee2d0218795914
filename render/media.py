"""Media files and their sidecars, `{file}.meta`: a block of front matter and nothing else."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from blogd.render.diagnostic import Diagnostic, SourceError
from blogd.render.fields import Fields
from blogd.render.frontmatter import read_front_matter
from blogd.render.records import Media

if TYPE_CHECKING:
    from datetime import tzinfo

SUFFIX = ".meta"


def media_without_sidecar(path: str) -> Media:
    """Say what a media file's path alone tells of it."""
    return Media(path=path, original_name=path.rpartition("/")[2])


def read_sidecar(path: str, data: bytes, zone: tzinfo = UTC) -> tuple[Media, tuple[Diagnostic, ...]]:
    """Read the sidecar at `path` (which ends in `.meta`); one that can't be read says nothing of its file.

    `zone` is meant by dates that name none.
    """
    media = media_without_sidecar(path.removesuffix(SUFFIX))
    try:
        matter = read_front_matter(path, data)
    except SourceError as error:
        return media, (error.diagnostic,)
    fields = Fields(matter.source, matter.fields)
    if not matter.source.text:
        fields.findings.warn(1, "a sidecar starts with a line `---`")
    media = Media(
        path=media.path,
        id=fields.text("id") or "",
        original_name=fields.text("originalName") or media.original_name,
        mime_type=fields.text("mimeType") or "",
        width=fields.number("width"),
        height=fields.number("height"),
        title=fields.text("title") or "",
        alt=fields.text("alt") or "",
        caption=fields.text("caption") or "",
        author=fields.text("author") or "",
        language=fields.language("language"),
        created_at=fields.instant(zone, "createdAt"),
        tags=fields.texts("tags"),
        linked_post_ids=fields.texts("linkedPostIds"),
    )
    return media, (*matter.diagnostics, *fields.findings.noted)
