"""Where blocks lie: mistune's parsing state, with offsets and lines.

A paragraph's token doesn't carry its text but says where it lies: `state`, `at` and `end`. So it grows without copying,
and the line of anything in it can be told. A quote, list item or footnote is parsed as a source of its own, whose lines
are its parent's one by one; it only has to know on which line it starts.
"""

from __future__ import annotations

from mistune import BlockState


class Source(BlockState):
    """A text and the tokens found in it.

    `first_line` is the line of the body on which it starts, `child_line` that on which its next child does.
    """

    def __init__(self, parent: Source | None = None) -> None:
        super().__init__(parent)
        self.first_line = 1
        self.child_line = 1
        self._known = (0, 0)

    def line_at(self, offset: int) -> int:
        """Return the line of an offset; asked in ascending order, all answers together read the text once."""
        known, lines = self._known
        if offset < known:
            known, lines = 0, 0
        lines += self.src.count("\n", known, offset)
        self._known = (offset, lines)
        return self.first_line + lines

    def child_state(self, src: str, lazy_line_starts: set[int] | None = None) -> Source:
        """Return a source for the content of a quote, list item or footnote, which begins on `child_line`."""
        child = Source(self)
        child.process(src)
        child.lazy_line_starts = lazy_line_starts or set()
        child.first_line = self.child_line
        return child

    def add_paragraph(self, text: str) -> None:
        """Make the text at the cursor a paragraph, or a part of the one that ends there."""
        end = self.cursor + len(text)
        if not self._extend_paragraph(end):
            self.tokens.append({"type": "paragraph", "state": self, "at": self.cursor, "end": end})

    def append_paragraph(self) -> int | None:
        """Make the line at the cursor a part of the paragraph that ends there, if one does; return the line's end."""
        end = self.find_line_end()
        return end if self._extend_paragraph(end) else None

    def _extend_paragraph(self, end: int) -> bool:
        last = self.last_token()
        if not last or last["type"] != "paragraph" or last["end"] != self.cursor:
            return False
        last["end"] = end
        return True
