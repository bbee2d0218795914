"""Which post or media file a link in a body means, by its form alone.

The forms are those of bDS: `/posts/{slug}`, `/posts/{Y}/{M}/{slug}`, `/{Y}/{M}/{D}/{slug}` (each with or without
`.html`), the path of a post's `.md` file (relative to the linking file, or from the project's root), and
`/media/{Y}/{M}/{name}`. What the site has under that name is for `site` to say.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, unquote

import msgspec

_POST = re.compile(r"/?posts?/(?:(\d{4})/(\d{1,2})/)?([^/]+?)(?:\.html)?/?", re.ASCII)
_DATED = re.compile(r"/(\d{4})/(\d{1,2})/(\d{1,2})/([^/]+?)(?:\.html)?/?", re.ASCII)
_MEDIA = re.compile(r"/?media/(\d{4}/\d{1,2}/.+)", re.ASCII | re.DOTALL)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|#|\?|$")
_SUFFIX = re.compile(r"[?#]")


class PostLink(msgspec.Struct, frozen=True, gc=False):
    """A link to a post by slug; `date` is what of its date the link says: (), (year, month) or (year, month, day)."""

    slug: str
    date: tuple[int, ...]


class FileLink(msgspec.Struct, frozen=True, gc=False):
    """A link to a post by the path of its source."""

    path: str


class MediaLink(msgspec.Struct, frozen=True, gc=False):
    """A link to a media file; `name` is a `media_name`."""

    name: str


LinkTarget = PostLink | FileLink | MediaLink


def link_target(url: str, source: str) -> LinkTarget | None:
    """Say what a URL in the body of `source` points to; None if it is nothing that blogd resolves."""
    found = _named(url)
    return FileLink(_source_path(found, source)) if isinstance(found, str) else found


@lru_cache(maxsize=1 << 14)
def _named(url: str) -> LinkTarget | str | None:
    """Say what a URL points to wherever it stands; of a source, give the path as it is written."""
    if _SCHEME.match(url):
        return None
    path = unquote(split_suffix(url)[0])
    if media := _MEDIA.fullmatch(path):
        return MediaLink(media_name(media[1]))
    if path.endswith(".md"):
        return path
    if post := _POST.fullmatch(path):
        date = (int(post[1]), int(post[2])) if post[1] else ()
        return PostLink(post[3], date)
    if dated := _DATED.fullmatch(path):
        return PostLink(dated[4], (int(dated[1]), int(dated[2]), int(dated[3])))
    return None


def media_name(name: str) -> str:
    """Give what media files are found by: `YYYY/MM/name` in whatever case and normal form a system has written it."""
    return unicodedata.normalize("NFC", name).lower()


def split_suffix(url: str) -> tuple[str, str]:
    """Split a URL into its path and what follows from the first `?` or `#` on."""
    found = _SUFFIX.search(url)
    return (url[: found.start()], url[found.start() :]) if found else (url, "")


@lru_cache(maxsize=1 << 12)
def url_segment(name: str) -> str:
    """Give the URL's segment for a name: what a server decodes to the name of the folder."""
    return quote(disk_segment(name), safe="")


def disk_segment(name: str) -> str:
    """Give the name of the folder for a name: the name itself, but for what a path can't hold."""
    return {".": "%2E", "..": "%2E%2E"}.get(name) or name.replace("/", "%2F").replace("\0", "%00")


def _source_path(path: str, source: str) -> str:
    if path.startswith(("/", "posts/")):
        return posixpath.normpath(path.lstrip("/"))
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
