"""Heading ids: a heading's text as GitHub would put it into a link.

Lower case; letters, marks, digits, `_` and `-` of any script stay; a space becomes `-`; everything else goes. A second
heading of that name gets `-1`, the next `-2`, passing over ids that are taken already, be it by a heading whose text
ends so, by raw HTML or by footnotes.
"""

from __future__ import annotations

import re
import unicodedata

_DROPPED = re.compile(r"[^\w\s-]")
_SPACE = re.compile(r"\s")
_RAW_ID = re.compile(r"""\bid\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++))""", re.IGNORECASE)
_FOOTNOTE_ID = re.compile(r"fn(?:ref)?-\d")


class HeadingIds:
    """Gives out ids that are unique in one body; `source` is the body's Markdown, searched for ids in raw HTML."""

    def __init__(self, source: str) -> None:
        self._taken = set[str]()
        self._next_number = dict[str, int]()
        if "<" in source:
            self._taken.update(first or second or third for first, second, third in _RAW_ID.findall(source))

    def new(self, text: str) -> str:
        """Return a heading's id; `text` is without markup."""
        slug = slugify(text) or "section"
        found = slug
        number = self._next_number.get(slug, 0)
        while found in self._taken or _FOOTNOTE_ID.match(found):
            number += 1
            found = f"{slug}-{number}"
            if _FOOTNOTE_ID.match(slug):
                slug = found = f"section-{slug}"
        self._next_number[slug] = number
        self._taken.add(found)
        return found


def slugify(text: str) -> str:
    """Return a text in the form of an id; may be empty."""
    text = text.strip().lower()
    return _SPACE.sub("-", _DROPPED.sub(_mark, text))


def _mark(dropped: re.Match[str]) -> str:
    """Keep combining marks, which `\\w` leaves out: words of many scripts are wrong without them."""
    char = dropped[0]
    return char if not char.isascii() and unicodedata.category(char)[0] == "M" else ""
