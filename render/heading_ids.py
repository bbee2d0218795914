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
_RAW_ID = re.compile(r"""<[A-Za-z][^<>]*?\s[iI][dD]\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++))""")
_FOOTNOTE_ID = re.compile(r"fn(?:ref)?-\d")


class HeadingIds:
    """Gives out ids that are unique in one body; `source` is the body's Markdown, searched for ids in raw HTML."""

    def __init__(self, source: str) -> None:
        self._taken = set[str]()
        self._numbers = dict[str, int]()
        self._taken.update(first or second or third for first, second, third in _RAW_ID.findall(source))

    def new(self, text: str) -> str:
        """Return a heading's id; `text` is without markup."""
        slug = slugify(text) or "section"
        if _FOOTNOTE_ID.match(slug):
            slug = f"section-{slug}"
        number = self._numbers.get(slug, 0)
        name = f"{slug}-{number}" if number else slug
        while name in self._taken:
            number += 1
            name = f"{slug}-{number}"
        self._numbers[slug] = number + 1
        self._taken.add(name)
        return name


def slugify(text: str) -> str:
    """Return a text in the form of an id; may be empty."""
    text = text.strip().lower()
    return _SPACE.sub("-", _DROPPED.sub(_mark, text))


def _mark(dropped: re.Match[str]) -> str:
    """Keep combining marks, which are no word characters to `re`: words of many scripts are wrong without them."""
    char = dropped[0]
    return char if not char.isascii() and unicodedata.category(char)[0] == "M" else ""
