"""Posts, pages and translations: from the bytes of a Markdown file to a typed record and its text.

What a file says is believed as far as it makes sense: each oddity becomes a warning and a default, and only a file
that has no date, or whose front matter can't be read at all, is left out with an error.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from blogd.render.diagnostic import Diagnostic, SourceError
from blogd.render.fields import Fields, parse_language
from blogd.render.frontmatter import read_front_matter
from blogd.render.instants import parse_instant
from blogd.render.records import Post
from blogd.render.source import Source, decode

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from blogd.render.frontmatter import FrontMatter

MAX_BYTES = 32 << 20

_TOML = re.compile(rb"(?:\xef\xbb\xbf)?\+\+\+[ \t]*[\r\n]")
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})-(.+)", re.ASCII | re.DOTALL)
_TRANSLATED = re.compile(r"(.+)\.([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)", re.ASCII | re.DOTALL)
_NO_SLUGS = frozenset(("", ".", ".."))
_STATUSES = frozenset(("draft", "published", "archived"))


class PostFile(msgspec.Struct, frozen=True):
    """A file of `posts/` as read; `post` is None when it can't be used, and the diagnostics say why."""

    post: Post | None
    text: str
    diagnostics: tuple[Diagnostic, ...] = ()


class _Name(msgspec.Struct, frozen=True):
    """What a post's file name says: the slug, the day, and the post and language if it is `{slug}.{lang}.md`."""

    slug: str
    day: int | None
    sibling: str | None
    language: str


def read_post(path: str, data: bytes, zone: ZoneInfo) -> PostFile:
    """Read a post; `zone` is meant by dates that name none. Nothing is raised, whatever the bytes."""
    try:
        matter = _read_matter(path, data)
    except SourceError as error:
        return PostFile(None, "", (error.diagnostic,))
    fields = Fields(matter.source, matter.fields)
    raw = data[matter.body_offset :]
    try:
        post = _read_fields(path, fields, zone)
    except SourceError as error:
        return PostFile(None, "", (*matter.diagnostics, *fields.findings.noted, error.diagnostic))
    post = msgspec.structs.replace(
        post,
        body_offset=matter.body_offset,
        body_line=matter.body_line,
        source_digest=blake2b(raw, digest_size=16).digest(),
    )
    text, warnings = read_body(path, raw, matter.body_line)
    return PostFile(post, text, (*matter.diagnostics, *fields.findings.noted, *warnings))


def read_body(path: str, raw: bytes, first_line: int = 1) -> tuple[str, tuple[Diagnostic, ...]]:
    """Decode a body, which starts on the file's line `first_line`: lines end in LF, NUL is U+FFFD as in CommonMark."""
    source, warnings = decode(path, raw, first_line)
    text = source.text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "\ufffd"), warnings


def _read_matter(path: str, data: bytes) -> FrontMatter:
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES >> 20} MiB"
        raise SourceError(Diagnostic(severity="error", path=path, message=message, hint="split the post"))
    if _TOML.match(data):
        raise Source(path, "+++").error(1, "front matter in TOML is not read", "write YAML between lines `---`")
    return read_front_matter(path, data)


def _read_fields(path: str, fields: Fields, zone: ZoneInfo) -> Post:
    name = _read_name(path, zone)
    slug = _read_slug(fields, name)
    translation_for = fields.text("translationFor")
    language = fields.language("language", "lang")
    title = fields.text("title")
    if translation_for is not None:
        language = language or name.language
        _require(fields, "title", title)
        _require(fields, "language", language)
    created_at = fields.instant(zone, "createdAt", "date")
    created_at = name.day if created_at is None else created_at
    if created_at is None and translation_for is None and name.sibling is None:
        raise _undated(fields)
    default = created_at if translation_for is None else None
    updated_at = fields.instant(zone, "updatedAt", "lastmod", "last_modified_at", "updated")
    published_at = fields.instant(zone, "publishedAt")
    return Post(
        path=path,
        id=fields.text("id") or _readable(path.removeprefix("posts/").removesuffix(".md")),
        title=title or slug,
        slug=slug,
        excerpt=fields.text("excerpt", "description", "summary"),
        author=fields.text("author"),
        template_slug=fields.text("templateSlug"),
        template_at=fields.place("templateSlug"),
        layout=fields.text("layout"),
        status=_read_status(fields),
        language=language,
        do_not_translate=fields.flag("doNotTranslate") or False,
        created_at=created_at,
        updated_at=default if updated_at is None else updated_at,
        published_at=default if published_at is None else published_at,
        tags=fields.texts("tags"),
        categories=fields.texts("categories", "category"),
        translation_for=translation_for,
        sibling=name.sibling,
        sibling_language=name.language,
    )


def _undated(fields: Fields) -> SourceError:
    if fields.text("createdAt", "date") is not None:  # its reading was the last thing to be told
        return SourceError(msgspec.structs.replace(fields.findings.noted.pop(), severity="error"))
    hint = "add `createdAt: 2024-01-31T18:00:00Z`, or name the file `2024-01-31-….md`"
    return fields.source.error(fields.line("createdAt", "date"), "the post has no date", hint)


def _require(fields: Fields, key: str, value: str | None) -> None:
    if not value:
        line = fields.line(key, "translationFor")
        raise fields.source.error(line, f"a translation needs a {key}", f"add `{key}: …`")


def _read_slug(fields: Fields, name: _Name) -> str:
    slug = fields.text("slug") or ""
    field = fields.fields.get("slug")
    if slug in _NO_SLUGS:
        if field is not None and isinstance(field.value, str):
            fields.warn(field, f"the slug `{slug}` can't be part of a URL", f"`{name.slug}` is used")
        slug = name.slug
    if slug in _NO_SLUGS:
        raise fields.source.error(1, "the post has no slug", "add `slug: …`, or rename the file")
    return slug


def _read_status(fields: Fields) -> str:
    status = fields.text("status")
    if status is None:
        draft = fields.flag("draft") is True or fields.flag("published") is False
        return "draft" if draft else "published"
    if status.lower() in _STATUSES:
        return status.lower()
    fields.warn(
        fields.fields["status"], f"status `{status[:40]}` is unknown", "it is one of draft, published, archived"
    )
    return "draft"


def _read_name(path: str, zone: ZoneInfo) -> _Name:
    folder, slash, file = path.rpartition("/")
    stem = file.removesuffix(".md")
    translated = _TRANSLATED.fullmatch(stem)
    dated = _DATED.fullmatch(stem)
    day = parse_instant(dated[1], zone) if dated else None
    return _Name(
        slug=_readable(dated[2] if dated and day is not None else stem),
        day=day,
        sibling=f"{folder}{slash}{translated[1]}.md" if translated else None,
        language=parse_language(translated[2]) or "" if translated else "",
    )


def _readable(name: str) -> str:
    """Return a file name as text: bytes that are not UTF-8, which paths carry as lone surrogates, become U+FFFD."""
    return name.encode(errors="surrogateescape").decode(errors="replace")
