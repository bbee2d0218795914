"""Holes in raw HTML, which otherwise goes through untouched.

`href` and `src` attributes of tags (not of what looks like one in comments, other attributes or scripts) are links like
any other; their values come out in double quotes. Text between tags may call macros, except in elements whose content
is code or no text at all.

Raw HTML is whatever somebody wrote: nothing here needs it to be well-formed. No pattern can go over one stretch of text
in two ways, so that none backtracks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from blogd.render.html_text import unescape
from blogd.render.macro_syntax import CALL, is_only_calls, read_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.render.holes import Holes

LITERAL_ELEMENTS = frozenset({"code", "pre", "script", "style", "textarea", "title", "xmp"})

_OF_INTEREST = re.compile(r"(?:href|src)\s*=|\[\[", re.IGNORECASE)
_MARKUP = re.compile(
    r"""<!--|<[!?]|<(?P<name>/?[A-Za-z][^\s/<>]*+)(?P<attributes>(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+)>"""
)
_ATTRIBUTE = re.compile(
    r"""([^\s"'<>/=]++)(?:(\s*+=\s*+)(?:"([^"]*+)"|'([^']*+)'|([^\s"'=<>`]++)))?+|"[^"]*+"|'[^']*+'"""
)


def open_raw_html(html: str, holes: Holes, line_at: Callable[[int], int]) -> str:
    """Return raw HTML with markers for its holes; `line_at` gives the line of an offset into it."""
    if not _OF_INTEREST.search(html):
        return html
    return _RawHtml(html, holes, line_at).written()


class _RawHtml:
    """One stretch of raw HTML on its way."""

    def __init__(self, html: str, holes: Holes, line_at: Callable[[int], int]) -> None:
        self._html = html
        self._holes = holes
        self._line_at = line_at
        self._parts: list[str] = []

    def written(self) -> str:
        position = 0
        while markup := _MARKUP.search(self._html, position):
            self._write_text(position, markup.start())
            end = self._end(markup)
            if markup["name"]:
                self._write_tag(markup)
                self._parts.append(self._html[markup.end() : end])
            else:
                self._parts.append(self._html[markup.start() : end])
            position = end
        self._write_text(position, len(self._html))
        return "".join(self._parts)

    def _end(self, markup: re.Match[str]) -> int:
        """Return where the comment, declaration or tag ends, an element with literal content as a whole."""
        name = markup["name"]
        if not name:
            closing = "-->" if markup[0] == "<!--" else ">"
            found = self._html.find(closing, markup.end())
            return found + len(closing) if found >= 0 else len(self._html)
        if name.lower() not in LITERAL_ELEMENTS:
            return markup.end()
        end_tag = re.compile(f"</{name}", re.IGNORECASE).search(self._html, markup.end())
        return end_tag.start() if end_tag else len(self._html)

    def _write_tag(self, tag: re.Match[str]) -> None:
        start = tag.start("attributes")
        attributes = _ATTRIBUTE.sub(lambda found: self._attribute(found, start), tag["attributes"])
        self._parts.append(f"<{tag['name']}{attributes}>")

    def _attribute(self, attribute: re.Match[str], start: int) -> str:
        name, equals, *values = attribute.groups()
        if not equals or name.lower() not in {"href", "src"}:
            return attribute[0]
        url = unescape(next(value for value in values if value is not None)).strip()
        written = self._holes.url(url, name.lower(), lambda: self._line_at(start + attribute.start()))
        return attribute[0] if written is None else f'{name}{equals}"{written}"'

    def _write_text(self, start: int, end: int) -> None:
        text = self._html[start:end]
        if "[[" in text:
            block = _is_alone(text)
            text = CALL.sub(lambda call: self._macro(call, start, block=block), text)
        self._parts.append(text)

    def _macro(self, call: re.Match[str], start: int, *, block: bool) -> str:
        return self._holes.macro(read_call(call, block=block, line=self._line_at(start + call.start())))


def _is_alone(text: str) -> bool:
    """Tell whether there is nothing but macro calls in a text between two tags, on lines of their own."""
    calls = text.strip()
    before, _, after = text.partition(calls)
    return "\n" in before and "\n" in after and is_only_calls(calls)
