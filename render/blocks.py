"""Blocks of Markdown: mistune's block parser, with the places of what it finds.

What is done otherwise than in mistune, and why:

- Runs of lines that can be nothing but a paragraph are taken at once: most lines are such.
- Lists take half the time (`lists`).
- The patterns for raw HTML never backtrack (mistune's take cubic time for `<a b=` and some hundred tabs).
- Footnotes hold lines that are indented by more than four spaces, too: code, or a list's further paragraphs.
- Tables are GitHub's (`tables`), also in quotes and lists.
- A paragraph ends where something else begins, be it a footnote, and is not taken up again behind it.
"""

from __future__ import annotations

import re
from typing import NamedTuple, cast

from mistune import BlockParser, BlockState
from mistune.helpers import BLOCK_TAGS, PRE_TAGS
from mistune.util import unikey

from blogd.render.block_source import Source
from blogd.render.lists import parse_list
from blogd.render.tables import TABLE_PATTERN, parse_table

_PLAIN = re.compile(r"((?:[^\s\d!-/:-@\[-`{-~][^\n|]*+(?:\n|\Z))++)(?:[ \t\v\f]*+\n)*+")
_ATTRIBUTES = r"""(?:\s++[A-Za-z_:][A-Za-z0-9_.:-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?+)*+"""
_OPEN_TAG_END = re.compile(_ATTRIBUTES + r"[ \t]*+>[ \t]*+(?:\n|\Z)")
_CLOSE_TAG_END = re.compile(r"[ \t]*+>[ \t]*+(?:\n|\Z)")
_BLANK_LINES = re.compile(r"(?:[ \t\v\f]*+\n)++")
_BLANK_LINE = re.compile(r"^[ \t\v\f]*+\n", re.MULTILINE)
_FOOTNOTE = (
    r"^(?P<footnote_lead> {0,3})\[\^(?P<footnote_key>(?:[^\\\[\]\s]|\\.){1,500})\]:[ \t\n]"
    r"(?P<footnote_text>[^\n]*+(?:\n++|\Z)(?:(?P=footnote_lead) [^\n]*+(?:\n++|\Z))*+)"
)
_UNPARSED = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>"}


class Note(NamedTuple):
    """The text of a footnote as it was written, and the line on which it starts."""

    text: str
    line: int


class Blocks(BlockParser):
    """Finds the blocks of a `Source`. Footnotes go to `env["notes"]`, by key."""

    state_cls = Source

    def __init__(self) -> None:
        super().__init__()
        self.register("footnote", _FOOTNOTE, Blocks.parse_footnote, before="ref_link")
        self.register("table", TABLE_PATTERN, parse_table)
        self.block_quote_rules.append("table")
        self.list_rules.append("table")

    def parse(self, state: BlockState, rules: list[str] | None = None) -> None:
        """Find the blocks from the cursor on."""
        match = self.compile_sc(self.rules if rules is None else rules).match
        source = state.src
        while (at := state.cursor) < state.cursor_max:
            if plain := _PLAIN.match(source, at):
                state.add_paragraph(plain[1])
                if plain.end() > plain.end(1):
                    state.tokens.append({"type": "blank_line"})
                state.cursor = plain.end()
                continue
            if blank := _BLANK_LINES.match(source, at):
                state.tokens.append({"type": "blank_line"})
                state.cursor = blank.end()
                continue
            end = self._parse_indent_code_fast(state) if source[at] in " \t" else None
            if end is None and (found := match(source, at)):
                end = self.parse_method(found, state)
            if not end:
                end = state.find_line_end()
                state.add_paragraph(source[at:end])
            state.cursor = end

    def extract_block_quote(self, m: re.Match[str], state: BlockState) -> tuple[str, int | None, set[int]]:
        """Read the lines of a quote, and the block that ends it, which may have children of its own."""
        source = _source(state)
        line = source.line_at(m.start())
        found = super().extract_block_quote(m, state)
        source.child_line = line
        return found

    def parse_list(self, m: re.Match[str], state: BlockState) -> int:
        """Read a list."""
        return parse_list(self, m, _source(state))

    def parse_atx_heading(self, m: re.Match[str], state: BlockState) -> int:
        """Read a heading that begins with `#`."""
        end = super().parse_atx_heading(m, state)
        state.tokens[-1].update(state=state, at=m.start())
        return end

    def parse_ref_link(self, m: re.Match[str], state: BlockState) -> int | None:
        """Read a link reference definition."""
        definitions = state.env["ref_links"]
        known = len(definitions)
        end = super().parse_ref_link(m, state)
        if len(definitions) > known:
            definitions[next(reversed(definitions))]["line"] = _source(state).line_at(m.start())
        return end

    def parse_footnote(self, m: re.Match[str], state: BlockState) -> int:
        """Read a footnote; the first of a name counts."""
        note = Note(m["footnote_text"], _source(state).line_at(m.start("footnote_text")))
        state.env.setdefault("notes", {}).setdefault(unikey(m["footnote_key"]), note)
        return m.end()

    def parse_raw_html(self, m: re.Match[str], state: BlockState) -> int | None:
        """Read raw HTML: CommonMark's seven kinds of HTML blocks."""
        start = m[0].strip()
        if start in _UNPARSED:
            return _html_until(state, _UNPARSED[start], m.end())
        if start.startswith("<!"):
            return _html_until(state, ">", m.end())
        name = start.strip("</").lower()
        is_end_tag = start.startswith("</")
        if name in PRE_TAGS and not is_end_tag:
            return _html_until(state, f"</{name}>", m.end())
        if name in BLOCK_TAGS:
            return _html_until_blank(state)
        if end := state.append_paragraph():
            return end
        tag_end = _CLOSE_TAG_END if is_end_tag else _OPEN_TAG_END
        return _html_until_blank(state) if tag_end.match(state.src, m.end(), state.find_line_end()) else None


def _source(state: BlockState) -> Source:
    return cast("Source", state)


def _html_until(state: BlockState, closing: str, start: int) -> int:
    found = state.src.find(closing, start)
    return _html(state, state.cursor_max if found < 0 else state.find_line_end_at(found))


def _html_until_blank(state: BlockState) -> int:
    blank = _BLANK_LINE.search(state.src, state.cursor)
    return _html(state, blank.start() if blank else state.cursor_max)


def _html(state: BlockState, end: int) -> int:
    state.append_token({"type": "block_html", "raw": state.get_text(end), "state": state, "at": state.cursor})
    return end
