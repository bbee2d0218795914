"""The built-in macros: from a call and what the site has, to the variables of a macro template.

Each function takes the call and plain data, and gives an `Expansion`: the variables of the template that `TEMPLATES`
names, or None where nothing is to be shown, and what is wrong with the call. A parameter that makes no sense is a
warning and counts as absent: a slip of the pen costs no picture. Whoever calls these functions records what they read.

The templates of bDS know some variables by other names (`items`, `media_path`, `words_json`, …); they get those too.
"""

from __future__ import annotations

import math
import posixpath
import re
from html import escape
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from blogd.render.diagnostic import Diagnostic
from blogd.render.media_index import is_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from blogd.render.body import Macro
    from blogd.render.records import Media

TEMPLATES: Final = {
    "youtube": "macros/youtube",
    "vimeo": "macros/vimeo",
    "gallery": "macros/gallery",
    "photo_archive": "macros/photo-archive",
    "photo_album": "macros/photo-archive",
    "tag_cloud": "macros/tag-cloud",
}
RECENT_MONTHS: Final = 10

_SMALLEST, _LARGEST = 14, 56
_VIDEO_IDS = {
    "youtube": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "vimeo": re.compile(r"[0-9]{1,20}(\?h=[0-9a-f]{1,40})?"),
}
_ORIENTATIONS = {
    "horizontal": "horizontal",
    "mixed-hv": "mixed-hv",
    "hv": "mixed-hv",
    "horizontal-vertical": "mixed-hv",
    "mixed-diagonal": "mixed-diagonal",
    "diagonal": "mixed-diagonal",
    "diag": "mixed-diagonal",
}


class Finding(msgspec.Struct, frozen=True):
    """Something wrong with a macro call."""

    message: str
    hint: str = ""

    def at(self, path: str, line: int, column: int = 0, source_line: str = "") -> Diagnostic:
        """Say where the call stands; `line` is that of the file."""
        return Diagnostic(
            severity="warning",
            path=path,
            line=line,
            column=column,
            message=self.message,
            hint=self.hint,
            source_line=source_line,
        )


class Album(Protocol):
    """The images of a site by month, each month as `YYYY-MM`."""

    def months(self) -> Iterable[str]:
        """Give the months that have any."""
        ...

    def photos(self, month: str) -> Iterable[Media]:
        """Give the images of a month; asked for the months shown alone."""
        ...


class Expansion(msgspec.Struct, frozen=True):
    """What a call comes to: the variables of its template, None to show nothing."""

    variables: dict[str, object] | None
    findings: tuple[Finding, ...] = ()


def video(macro: Macro, language: str) -> Expansion:
    """Embed a video of YouTube or Vimeo.

    A Vimeo id may be followed by `?h=` and the key of an unlisted video.
    """
    params = _Params(macro, "id", "title")
    video_id = params.text("id")
    if not video_id:
        params.warn(f"macro `{macro.name}` has no id", f'write [[{macro.name} id="…"]]')
    elif not _VIDEO_IDS[macro.name].fullmatch(video_id):
        params.reject("id", "give the id alone, as it stands in the video's address")
        video_id = ""
    variables: dict[str, object] = {"id": video_id, "title": params.text("title"), "language": language}
    return Expansion(variables if video_id else None, tuple(params.findings))


def gallery(
    macro: Macro, language: str, post_id: str, linked: Iterable[Media], href: Callable[[str], str]
) -> Expansion:
    """Show the images among the media linked to a post, newest first; `href` gives the URL of a media path."""
    params = _Params(macro, "columns", "caption")
    images = _images(linked, href, f"gallery-{post_id or 'post'}")
    variables: dict[str, object] = {
        "images": images,
        "items": images,
        "columns": params.number("columns", 1, 6, default=3),
        "caption": params.text("caption"),
        "post_id": post_id,
        "language": language,
    }
    return Expansion(variables, tuple(params.findings))


def photo_archive(
    macro: Macro, language: str, album: Album, month_label: Callable[[int, int], str], href: Callable[[str], str]
) -> Expansion:
    """Show images by month, newest first; `month_label` names a month of a year.

    A month without a year means that month of the newest years.
    """
    params = _Params(macro, "year", "month")
    year, month = params.number("year", 1, 9999), params.number("month", 1, 12)
    wanted = [entry for entry in _calendar(album.months()) if year in {None, entry[0]} and month in {None, entry[1]}]
    months: list[dict[str, object]] = []
    for shown_year, shown_month, name in wanted[:RECENT_MONTHS] if year is None else wanted:
        images = _images(album.photos(name), href, f"photo-archive-{name}")
        label = month_label(shown_year, shown_month)
        months.append({"year": shown_year, "month": shown_month, "label": label, "images": images, "items": images})
    variables = {"months": months, "language": language, **_archive_attributes(year, month)}
    return Expansion(variables, tuple(params.findings))


def tag_cloud(macro: Macro, language: str, tags: Iterable[tuple[str, int, str]]) -> Expansion:
    """Show tags, each a name, the number of its posts and its URL, sized by the logarithm of that number."""
    params = _Params(macro, "orientation", "width", "height")
    words = _words(list(tags))
    variables: dict[str, object] = {
        "words": words,
        "words_json": escape(msgspec.json.encode(words).decode()) if words else "",
        "orientation": params.choice("orientation", _ORIENTATIONS, "horizontal"),
        "width": params.number("width", 320, 1600, default=900),
        "height": params.number("height", 180, 900, default=420),
        "language": language,
    }
    return Expansion(variables, tuple(params.findings))


class _Params:
    """The parameters of one call, and what turns out to be wrong with them."""

    def __init__(self, macro: Macro, *known: str) -> None:
        self._macro = macro
        self.findings: list[Finding] = []
        for name in sorted(macro.params.keys() - set(known)):
            self.warn(f"macro `{macro.name}` has no parameter `{name}`", f"it has {' and '.join(known)}")

    def warn(self, message: str, hint: str) -> None:
        self.findings.append(Finding(message, hint))

    def reject(self, name: str, hint: str) -> None:
        value = self._macro.params[name]
        shown = value if len(value) <= 40 else f"{value[:40]}…"
        self.warn(f"macro `{self._macro.name}` can't use {name}={shown!r}", hint)

    def text(self, name: str) -> str:
        return self._macro.params.get(name, "").strip()

    def number(self, name: str, first: int, last: int, default: int | None = None) -> int | None:
        text = self.text(name)
        if not text:
            return default
        if re.fullmatch(r"[0-9]{1,9}", text) and first <= int(text) <= last:
            return int(text)
        self.reject(name, f"give a whole number from {first} to {last}")
        return default

    def choice(self, name: str, values: Mapping[str, str], default: str) -> str:
        text = self.text(name).lower().replace("_", "-")
        if text and text not in values:
            self.reject(name, f"give one of {', '.join(dict.fromkeys(values.values()))}")
        return values.get(text, default)


def _images(files: Iterable[Media], href: Callable[[str], str], group: str) -> list[dict[str, object]]:
    images = [media for media in files if is_image(media)]
    images.sort(key=lambda media: (media.created_at is None, -(media.created_at or 0), media.path))
    return [_image(media, href(media.path), group) for media in images]


def _image(media: Media, href: str, group: str) -> dict[str, object]:
    name = media.original_name or posixpath.basename(media.path)
    return {
        "href": href,
        "alt": media.alt or media.title or name,
        "title": media.caption or media.title or name,
        "caption": media.caption,
        "width": media.width,
        "height": media.height,
        "media_path": href,
        "group_name": group,
    }


def _calendar(months: Iterable[str]) -> list[tuple[int, int, str]]:
    """Give year, month and name, newest first, of all names that are a month of the calendar."""
    named = (re.fullmatch(r"([0-9]{4})-([0-9]{1,2})", name) for name in months)
    entries = [(int(match[1]), int(match[2]), match[0]) for match in named if match]
    return sorted((entry for entry in entries if 1 <= entry[1] <= 12), reverse=True)


def _archive_attributes(year: int | None, month: int | None) -> dict[str, object]:
    """Give what the photo archive of bDS is styled by."""
    if year is None:
        kind, attributes = "recent-months", {"data-recent": RECENT_MONTHS}
    elif month is None:
        kind, attributes = "full-year", {"data-year": year}
    else:
        kind, attributes = "single-month", {"data-year": year, "data-month": month}
    return {
        "root_classes": f"macro-photo-archive photo-archive-{kind}",
        "data_attrs": [{"name": name, "value": str(value)} for name, value in attributes.items()],
    }


def _words(tags: Sequence[tuple[str, int, str]]) -> list[dict[str, object]]:
    counts = [count for _, count, _ in tags if count > 0]
    least, most = min(counts, default=1), max(counts, default=1)
    return [
        {"text": name, "size": _size(count, least, most), "count": count, "url": url}
        for name, count, url in sorted(tags, key=lambda tag: (tag[0].casefold(), tag[0]))
        if count > 0
    ]


def _size(count: int, least: int, most: int) -> int:
    if least == most:
        return (_SMALLEST + _LARGEST) // 2
    return round(_SMALLEST + (_LARGEST - _SMALLEST) * math.log(count / least) / math.log(most / least))
