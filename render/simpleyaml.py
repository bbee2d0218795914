"""The plainest YAML, read without a YAML parser: what nearly every post's block is made of.

Lines of `key: value`, the value plain, quoted without escapes, or a flow list of words and quoted texts; or `key:` and
lines of `- value` below it. Whatever is not surely of this kind (comments, blank lines, indented text, tags, anchors,
tabs, control characters, a key given twice, …) is left to `yamltree`, whose answer is the same in all that is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from blogd.render.yamltree import FORBIDDEN, NULLS, Field, Tree

if TYPE_CHECKING:
    from blogd.render.source import Source
    from blogd.render.yamltree import Value

# What YAML forbids isn't looked for again in the parts of an entry, and so their sets are small and quickly compiled.
_EASY = r"[^:#\t\r\n]"
_PLAIN = rf"""(?![-?:,\[\]{{}}#&*!|>'"%@`~\s]){_EASY}++(?:(?::(?=\S)|(?<=\S)#){_EASY}*+)*+"""
_SINGLE = r"(?:[^'\t\r\n]++|'')*+"
_DOUBLE = r'[^"\\\t\r\n]*+'
_TEXT = rf"(?:({_PLAIN})|'({_SINGLE})'|\"({_DOUBLE})\")"
_WORD = r"(?=[A-Za-z0-9_])[A-Za-z0-9_./-]++(?: ++[A-Za-z0-9_./-]++)*+"
_MEMBER = rf"(?:{_WORD}|'{_SINGLE}'|\"{_DOUBLE}\")"
_FLOW = rf"\[ *((?:{_MEMBER} *(?:, *{_MEMBER} *)*)?)\]"
_END = r" *\r?\n"

_OPENING = re.compile(f"---{_END}")
_ENTRY = re.compile(rf"([A-Za-z_][\w-]{{0,99}}):(?: +(?:{_TEXT}|{_FLOW}){_END}|{_END}((?: *- .*\n)*))", re.ASCII)
_ITEM = re.compile(rf"( *)- +{_TEXT} *\r?", re.ASCII)
_FLOW_ITEM = re.compile(rf"({_WORD})|'({_SINGLE})'|\"({_DOUBLE})\"")
# The groups of an entry; those of the texts have the same numbers in an item.
_KEY_GROUP, _PLAIN_GROUP, _SINGLE_GROUP, _FLOW_GROUP, _BELOW_GROUP = 1, 2, 3, 5, 6
_WORD_IN_FLOW, _SINGLE_IN_FLOW = 1, 2


def read_simple(source: Source) -> Tree | None:
    """Read a block, `source` starting with its `---` line; None for what is left to a YAML parser."""
    text = source.text
    opening = None if FORBIDDEN.search(text) else _OPENING.match(text)
    fields: dict[str, Field] = {}
    end, line = (opening.end(), source.first_line + 1) if opening else (-1, 0)
    while 0 < end < len(text):
        entry = _ENTRY.match(text, end)
        if entry is None:
            return None
        key, below = entry.group(_KEY_GROUP, _BELOW_GROUP)
        if key in fields or key in NULLS:
            return None
        try:
            fields[key] = Field(_value(entry), line)
        except _NotSimpleError:
            return None
        line += below.count("\n") + 1 if below else 1
        end = entry.end()
    return Tree(fields) if opening else None


class _NotSimpleError(Exception):
    pass


def _value(entry: re.Match[str]) -> Value:
    if entry.lastindex == _FLOW_GROUP:
        return tuple(map(_member, _FLOW_ITEM.finditer(entry[_FLOW_GROUP])))
    if entry.lastindex == _BELOW_GROUP:
        return _items(entry[_BELOW_GROUP]) if entry[_BELOW_GROUP] else None
    return _scalar(entry)


def _scalar(match: re.Match[str]) -> str | None:
    text = match[match.lastindex or 0]
    if match.lastindex != _PLAIN_GROUP:
        return text.replace("''", "'") if match.lastindex == _SINGLE_GROUP else text
    plain = text.rstrip(" ")
    return None if plain in NULLS else plain


def _items(below: str) -> tuple[str | None, ...]:
    lines = below.split("\n")[:-1]
    items = [item for line in lines if (item := _ITEM.fullmatch(line))]
    if len(items) != len(lines) or len({item[1] for item in items}) != 1:
        raise _NotSimpleError
    return tuple(_scalar(item) for item in items)


def _member(match: re.Match[str]) -> str | None:
    text = match[match.lastindex or 0]
    if match.lastindex == _WORD_IN_FLOW:
        return None if text in NULLS else text
    return text.replace("''", "'") if match.lastindex == _SINGLE_IN_FLOW else text
