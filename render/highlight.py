"""Code highlighted by Pygments while the site is built: spans with CSS classes.

Highlighting is by far the dearest thing in a body, so results are kept by code and language, and Pygments' machinery is
imported with the first code in a language. Its lexers were not written for hostile input: long code stays plain.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from blogd.render.html_text import escape

if TYPE_CHECKING:
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexer import Lexer

HIGHLIGHT_CLASS = "highlight"

_MAX_LENGTH = 100_000
_LIGHT, _DARK = "default", "github-dark"  # text keeps a contrast of 4.5 in both
_LANGUAGE = re.compile(r"\{?\.?([\w#+.-]+)")
_COMMENT = re.compile(r" */\*.*?\*/")


@lru_cache(maxsize=4096)
def highlight_code(code: str, language: str) -> str | None:
    """Return code as HTML, or None if the language isn't known or the code is too long to look into.

    `language` may be what follows the fence of a code block: `python`, `{.python}`, `js{1,3}`.
    """
    name = _LANGUAGE.match(language)
    lexer = _lexer(name[1].lower()) if name and len(code) <= _MAX_LENGTH else None
    if lexer is None:
        return None
    from pygments import highlight  # noqa: PLC0415 - most runs highlight nothing anew

    return cast("str", highlight(code, lexer, _formatter(_LIGHT)))


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """Return CSS for highlighted code: light, and dark for those who prefer it; all under `.highlight`."""
    return "".join(
        f"@media (prefers-color-scheme: {scheme}) {{\n{_rules(style)}\n}}\n"
        for scheme, style in (("light", _LIGHT), ("dark", _DARK))
    )


@lru_cache(maxsize=256)
def _lexer(name: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415
    from pygments.util import ClassNotFound  # noqa: PLC0415

    try:
        return cast("Lexer", get_lexer_by_name(name, stripnl=False))
    except ClassNotFound:
        return None


@lru_cache(maxsize=2)
def _formatter(style: str) -> HtmlFormatter[str]:
    from pygments.formatters.html import HtmlFormatter  # noqa: PLC0415

    return HtmlFormatter(nowrap=True, style=style)


def _rules(style: str) -> str:
    formatter = _formatter(style)
    selector = f".{HIGHLIGHT_CLASS}"
    lines = formatter.get_background_style_defs(selector) + formatter.get_token_style_defs(selector)
    return "\n".join(_COMMENT.sub("", line) for line in lines if not line.startswith(f"{selector} .err "))
