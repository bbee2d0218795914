"""The syntax of a macro call in Markdown: `[[name key="v" key='v' key=v]]`.

The name is one or more word characters, in any case. Parameters are separated by white space, line breaks too; a value
without quotes ends there. No `]` stands inside, quoted or not, and no `[` in a value without quotes. Of two parameters
with one key the last wins.

What doesn't follow this to the letter is no macro but Markdown: `[[Some Page]]`, `[[ x ]]`. Nor is a call followed by
`(` or by a single `[`: `[[1]](https://example.com)` is the common way to link a bracketed number.

The pattern reads every character once: no alternative of it can begin where another one can go on.
"""

from __future__ import annotations

import re

from blogd.render.body import Macro

_KEY = r"[\w-]+"
_VALUE = r""""[^"\]]*+"|'[^'\]]*+'|(?!["'])[^\s\[\]]*+"""
_NO_LINK = r"(?!\(|\[(?!\[))"

CALL = re.compile(rf"\[\[(\w++)((?:\s++{_KEY}=(?:{_VALUE}))*+)\s*+\]\]{_NO_LINK}")
_PARAMETER = re.compile(rf"({_KEY})=({_VALUE})")
_ONLY_CALLS = re.compile(rf"(?:\s*+{CALL.pattern})++\s*+")


def read_call(call: re.Match[str], *, block: bool, line: int) -> Macro:
    """Return the macro that a match of `CALL` calls."""
    params = {key: _unquoted(value) for key, value in _PARAMETER.findall(call[2])}
    return Macro(call[1].lower(), params, call[0], block, line)


def is_only_calls(text: str) -> bool:
    """Tell whether there is nothing but macro calls in a text."""
    return text.startswith("[[") and _ONLY_CALLS.fullmatch(text) is not None


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {'"', "'"} else value
