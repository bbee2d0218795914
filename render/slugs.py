"""Slugs from titles: lower case, letters and digits of any script, words joined by `-`."""

from __future__ import annotations

import re
import unicodedata

_GAP = re.compile(r"[^\w]+|_+", re.UNICODE)


def slugify(text: str) -> str:
    """Make a slug: accents are dropped where a plain letter is left, other letters stay."""
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _GAP.sub("-", plain.casefold()).strip("-")
