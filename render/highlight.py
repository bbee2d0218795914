"""Code highlighted by Pygments while the site is built: spans with CSS classes.

Highlighting is by far the dearest thing in a body, so results are kept by code and language, and Pygments' machinery is
imported with the first code in a language.

Its lexers were not written for hostile input: on 20,000 line feeds, or letters, or braces, many take quadratic time. So
code stays plain if it is long, has a very long line, or a long stretch without any punctuation; no real program does.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pygments.lexer import Lexer

HIGHLIGHT_CLASS = "highlight"
LIGHT_STYLE, DARK_STYLE = "default", "github-dark"

_MAX_LENGTH = 20_000
_HOSTILE = re.compile(r"[^\n]{1001}|[\w\s.$]{1001}")
_LANGUAGE = re.compile(r"\{?\.?([\w#+.-]+)")


@lru_cache(maxsize=512)
def highlight_code(code: str, language: str) -> str | None:
    """Return code as HTML, or None if the language isn't known or the code is none to look into.

    `language` may be what follows the fence of a code block: `python`, `{.python}`, `js{1,3}`.
    """
    name = _LANGUAGE.match(language)
    if not name or len(code) > _MAX_LENGTH or _HOSTILE.search(code):
        return None
    lexer = _lexer(name[1].lower())
    return _formatter()(code, lexer(stripnl=False)) if lexer else None  # a lexer may remember its last text


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """Return CSS for highlighted code: light, and dark for those who prefer it; all under `.highlight`."""
    return "".join(
        f"@media (prefers-color-scheme: {scheme}) {{\n{_rules(style)}}}\n"
        for scheme, style in (("light", LIGHT_STYLE), ("dark", DARK_STYLE))
    )


@lru_cache(maxsize=256)
def _lexer(name: str) -> type[Lexer] | None:
    from pygments.lexers import find_lexer_class_by_name  # noqa: PLC0415 - most runs highlight nothing anew
    from pygments.util import ClassNotFound  # noqa: PLC0415 - slow to load; not all code is highlighted

    try:
        return find_lexer_class_by_name(name)
    except ClassNotFound:
        return None


@lru_cache(maxsize=1)
def _formatter() -> Callable[[str, Lexer], str]:
    from pygments import highlight  # noqa: PLC0415 - slow to load; not all code is highlighted
    from pygments.formatters.html import HtmlFormatter  # noqa: PLC0415 - slow to load; not all code is highlighted

    formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
    return lambda code, lexer: highlight(code, lexer, formatter)


def _rules(style_name: str) -> str:
    """Return the rules of a Pygments style; what a lexer takes for an error stays unmarked."""
    from pygments.styles import (  # noqa: PLC0415 - slow to load; not all code is highlighted
        get_style_by_name,  # pyright: ignore[reportUnknownVariableType] - its stub leaves the parameter open
    )
    from pygments.token import STANDARD_TYPES, Token  # noqa: PLC0415 - slow to load; not all code is highlighted

    style = get_style_by_name(style_name)
    plain = ""
    classes: dict[str, list[str]] = {}
    for token, look in style:
        declarations = _declarations(look)
        if token is Token:
            plain = declarations
        elif declarations not in {plain, ""} and token in STANDARD_TYPES and token is not Token.Error:
            classes.setdefault(declarations, []).append(f".{HIGHLIGHT_CLASS} .{STANDARD_TYPES[token]}")
    rules = [f".{HIGHLIGHT_CLASS} {{ background: {style.background_color};{plain} }}"]
    rules += [f"{', '.join(selectors)} {{{declarations} }}" for declarations, selectors in classes.items()]
    return "".join(f"  {rule}\n" for rule in rules)


def _declarations(look: Mapping[str, object]) -> str:
    color, background = look["color"], look["bgcolor"]
    return (
        (f" color: #{color};" if color else "")
        + (f" background: #{background};" if background else "")
        + (" font-weight: bold;" if look["bold"] else "")
        + (" font-style: italic;" if look["italic"] else "")
        + (" text-decoration: underline;" if look["underline"] else "")
    )
