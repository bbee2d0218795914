"""Lists: mistune's rule for them, without what makes it slow.

The lines of a list are read one by one. A line belongs to the open item if it is blank, if it is indented as far as the
item's text, or if it is the lazy continuation of a paragraph (that is: nothing else). A line with the list's own marker
opens the next item; anything else ends the list. The text of an item, without its indentation, is a source of its own.

Most items are one line of plain text: such an item is a paragraph right away, where it stands.

Where mistune strays from CommonMark, this does not: a marker may be indented by up to three spaces whatever the items
before it, and an item without a first line has no lazy continuation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from mistune.util import strip_end

if TYPE_CHECKING:
    from mistune import BlockParser

    from blogd.render.block_source import Source

_CONTAINERS = {"list", "block_quote"}
_ENDS = ["thematic_break", "fenced_code", "atx_heading", "block_quote", "block_html", "list"]
_INDENT = re.compile(r"[ \t]*+")
_BLANK = re.compile(r"[ \t\v\f]*+\n")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*+){3,}|(?:\*[ \t]*+){3,})(?:\n|\Z)")
_ITEMS = {
    bullet: re.compile(rf"( {{0,3}}{marker})([ \t]*+|[ \t][^\n]++)(?:\n|\Z)")
    for bullet, marker in {".": r"\d{1,9}\.", ")": r"\d{1,9}\)", "*": r"\*", "+": r"\+", "-": "-"}.items()
}


class _Item(NamedTuple):
    """The first line of an item, which starts at an offset: how far its text is indented, and the text.

    `text_at` is the text's own offset, or -1 if it isn't in the source as it stands here.
    """

    start: int
    width: int
    text: str
    text_at: int


def parse_list(block: BlockParser, m: re.Match[str], source: Source) -> int:
    """Read a list, of which `m` is mistune's match, and return where it ends."""
    marker = m["list_2"]
    start = int(marker[:-1]) if len(marker) > 1 else 1
    may_interrupt = start == 1 and m["list_3"].strip()
    if not may_interrupt and (end := source.append_paragraph()):
        return end
    attributes: dict[str, object] = {"depth": source.depth(), "ordered": len(marker) > 1}
    if start != 1:
        attributes["start"] = start
    items = _Items(block, source, marker[-1])
    source.cursor = m.end() + 1
    items.read(_item(m.start(), len(m["list_1"]) + len(marker), m["list_3"], m.start("list_3")))
    token: dict[str, object] = {
        "type": "list",
        "children": items.tokens,
        "tight": items.tight,
        "attrs": attributes,
    }
    if items.end:
        source.tokens.insert(items.index, token)
        return items.end
    source.append_token(token)
    return source.cursor


class _Items:
    """Reads the items of one list. If another block ends it, `end` is where that ends and `index` that of its token."""

    def __init__(self, block: BlockParser, source: Source, bullet: str) -> None:
        self._block = block
        self._source = source
        self._bullet = bullet
        is_deep = source.depth() >= block.max_nested_level - 1
        self._rules = [rule for rule in block.list_rules if rule not in _CONTAINERS] if is_deep else block.list_rules
        self._begins_block = block.compile_sc(self._rules).match
        self._matches_end = block.compile_sc(_ENDS).match
        self.tokens: list[dict[str, object]] = []
        self._paragraphs: list[dict[str, object]] = []
        self.tight = True
        self.end: int | None = None
        self.index = 0

    def read(self, first: _Item) -> None:
        item: _Item | None = first
        while item:
            lines, following = self._lines(item)
            children = self._children(item, lines)
            self._paragraphs += [child for child in children if child["type"] == "paragraph"]
            self.tokens.append({"type": "list_item", "children": children})
            item = following
        if self.tight:
            for child in self._paragraphs:
                child["type"] = "block_text"

    def _children(self, item: _Item, lines: list[str]) -> list[dict[str, object]]:
        source, text = self._source, item.text
        if item.text_at >= 0 and not any(map(str.strip, lines)) and not self._begins_block(text):
            end = item.text_at + len(text)
            return [{"type": "paragraph", "state": source, "at": item.text_at, "end": end}]
        source.child_line = source.line_at(item.start)
        child = source.child_state(strip_end(text + "".join([_dedented(line, item.width) for line in lines])))
        self._block.parse(child, self._rules)
        kinds = [token["type"] for token in child.tokens]
        if "blank_line" in kinds or kinds.count("paragraph") > 1:
            self.tight = False
        return child.tokens

    def _lines(self, item: _Item) -> tuple[list[str], _Item | None]:
        """Read the further lines of an item, and the first line of the next one if there is one."""
        source = self._source
        indent = " " * item.width
        lines: list[str] = []
        after_blank = False
        is_empty = not item.text
        while source.cursor < source.cursor_max:
            line = source.get_line(source.cursor)
            if _BLANK.match(line):
                after_blank = True
            elif line.startswith(indent) or (line[0] in " \t" and _expanded(line).startswith(indent)):
                if after_blank and is_empty:
                    break
                is_empty = after_blank = False
            elif following := self._next_item(line):
                self.tight = self.tight and not after_blank
                source.cursor += len(line)
                return lines, following
            elif self._is_end() or after_blank or is_empty:
                break
            lines.append("\n" if after_blank else line)
            source.cursor += len(line)
        return lines, None

    def _next_item(self, line: str) -> _Item | None:
        start = self._source.cursor
        expanded = _expanded(line)
        marker = _ITEMS[self._bullet].match(expanded)
        if marker is None or (self._bullet in "-*" and _RULE.match(line)):
            return None
        text_at = start + marker.start(2) if expanded is line else -1
        return _item(start, marker.end(1), marker[2], text_at)

    def _is_end(self) -> bool:
        """Tell whether a line that is no item's ends the list; if it is a block that may do so, read that too."""
        source = self._source
        found = self._matches_end(source.src, source.cursor)
        if found is None or found.lastgroup == "list":
            return found is not None
        self.index = len(source.tokens)
        self.end = self._block.parse_method(found, source)
        return bool(self.end)


def _item(start: int, width: int, text: str, text_at: int) -> _Item:
    """Take the space between a marker and its text away: up to four columns, or one before indented code."""
    expanded = _expanded(text, width)
    content = expanded.lstrip(" ")
    if not content.strip():
        return _Item(start, width + 1, "", -1)
    indent = len(expanded) - len(content)
    indent = 1 if indent > 4 else indent
    text_at = text_at + indent if expanded is text and text_at >= 0 else -1
    return _Item(start, width + indent, expanded[indent:] + "\n", text_at)


def _expanded(line: str, column: int = 0) -> str:
    """Expand the tabs that a text begins with, which stands in a column."""
    found = _INDENT.match(line)
    indent = found[0] if found else ""
    if "\t" not in indent:
        return line
    return (" " * column + indent).expandtabs(4)[column:] + line[len(indent) :]


def _dedented(line: str, width: int) -> str:
    line = _expanded(line)
    return line[width:] if line.startswith(" " * width) else line
