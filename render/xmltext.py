"""Text as XML 1.0 can hold it: escaped, and without the characters that no XML document may contain."""

from __future__ import annotations

import re

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def legal(text: str) -> str:
    """Leave out what XML can't hold: control characters, lone surrogates, non-characters."""
    return _ILLEGAL.sub("", text)


def escape(text: str) -> str:
    """Write a text as content, or as an attribute's value in double quotes."""
    return (
        legal(text)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("\r", "&#13;")
    )


def cdata(text: str) -> str:
    """Write a text as a CDATA section; a `]]>` in it is split between two."""
    return f"<![CDATA[{legal(text).replace(']]>', ']]]]><![CDATA[>')}]]>"
