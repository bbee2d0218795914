"""Text to HTML text and back: escaping, character references, percent encoding.

A character reference is what CommonMark says it is: a known name or a number, with its semicolon. (mistune goes by
`html.unescape`, which also takes a name's beginning: `&copyright;` would become `©right;`.)
"""

from __future__ import annotations

import html
import re
from html.entities import html5
from urllib.parse import quote

REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")

_SAFE_IN_URL = ":/?#@!$&()*+,;=%"
_SAFE_URL = re.compile(r"[A-Za-z0-9_.~:/?#@!$()*+,;=%-]*+")


def escape(text: str) -> str:
    """Return text as HTML, fit for an attribute in double quotes too."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def unescape(text: str) -> str:
    """Replace the character references in a text by what they stand for."""
    return REFERENCE.sub(_character, text) if "&" in text else text


def encode_url(url: str) -> str:
    """Return a link target as written in Markdown as a URL: references replaced, other bytes percent-encoded."""
    if _SAFE_URL.fullmatch(url):
        return url
    return quote(unescape(url), safe=_SAFE_IN_URL)


def _character(reference: re.Match[str]) -> str:
    body = reference[0]
    if body[1] == "#" or body[1:] in html5:
        return html.unescape(body)
    return body
