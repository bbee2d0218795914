"""Markdown to a body: HTML with holes.

The dialect is mistune's CommonMark with GitHub's tables, struck text, task lists and bare URLs, and footnotes; raw HTML
goes through. The way there:

1. `blocks` (mistune's block parser) finds the blocks of the text: tokens that say where their text lies.
2. The blocks are written as HTML in their order; `inline` turns their texts into HTML.
3. `holes` keeps what is left open: URLs, macros, element ids. Markers stand for them in the HTML, which is cut at the
   markers when all is written.

A body never fails: any text has a rendering, and it takes a time in proportion to its length. What nests deeper than
20 levels is text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

import mistune
import pygments

from blogd.render.block_source import Source
from blogd.render.blocks import Blocks, Note
from blogd.render.body import Body
from blogd.render.heading_ids import HeadingIds
from blogd.render.highlight import HIGHLIGHT_CLASS, highlight_code
from blogd.render.holes import Holes
from blogd.render.html_text import escape, unescape
from blogd.render.inline import LinkDefinition, inline_html
from blogd.render.macro_syntax import CALL, is_only_calls, read_call
from blogd.render.raw_html import open_raw_html

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_REVISION = 1

MARKDOWN_VERSION = (
    f"{_REVISION} mistune {mistune.__version__} pygments {pygments.__version__} unicode {unicodedata.unidata_version}"
)

TABLE_CLASS = "table-scroll"

_BLOCKS = Blocks()
_SPACE = " \r\n\t\f"
_TASK = re.compile(r"\[([ xX])\](?:\s+|\Z)")
_NEXT_LINE = re.compile(r"\n+( *)[^\n]")
_ALIGN = {"": "", **{side: f' style="text-align:{side}"' for side in ("left", "center", "right")}}
_TAG = re.compile(r"<[^>]*+>")


def render_body(text: str, *, highlight: bool) -> Body:
    """Render Markdown; `highlight` asks for fenced code with spans and classes."""
    text = _readable(text)
    try:
        return _Writer(text, highlight=highlight).body()
    except RecursionError:
        return Body((f"<pre>{escape(text)}</pre>\n",))


def _readable(text: str) -> str:
    """Return a text without what HTML can't hold, its lines ended by line feeds."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = text.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


class _Attributes(TypedDict):
    level: int
    ordered: bool
    start: NotRequired[int]
    info: str


class _Token(TypedDict):
    """A block as `blocks` and mistune leave it. Of which `type` it is decides which of these keys there are."""

    type: str
    state: Source
    at: int
    end: int
    text: NotRequired[str]
    raw: str
    style: str
    attrs: _Attributes
    children: list[_Token]
    aligns: list[str]
    rows: list[tuple[int, list[str]]]


class _Writer:
    """Writes one body."""

    def __init__(self, text: str, *, highlight: bool) -> None:
        self._text = text
        self._highlight = highlight
        self._source = Source()
        self._heading_ids: HeadingIds | None = None
        self._notes: dict[str, Note] = {}
        self._cited: list[str] = []
        self._numbers: dict[str, int] = {}
        self._citations = Counter[str]()
        self.holes = Holes()
        self.definitions: dict[str, LinkDefinition] = self._source.env["ref_links"]

    def body(self) -> Body:
        """Read the text and write it."""
        self._source.process(self._text)
        _BLOCKS.parse(self._source)
        self._notes = self._source.env.get("notes", {})
        html = self._blocks(cast("list[_Token]", self._source.tokens))
        return self.holes.body(html + self._footnotes())

    def _blocks(self, tokens: Sequence[_Token]) -> str:
        return "".join([_WRITERS[token["type"]](self, token) for token in tokens])

    # Text

    def paragraph(self, token: _Token) -> str:
        text, line_at = self._place(token)
        if is_only_calls(text):
            return self._macros(text, line_at)
        return f"<p>{self._inline(text, line_at)}</p>\n"

    def block_text(self, token: _Token) -> str:
        text, line_at = self._place(token)
        if is_only_calls(text):
            return self._macros(text, line_at)
        return self._inline(text, line_at) + "\n"

    def _macros(self, text: str, line_at: Callable[[int], int]) -> str:
        calls = (read_call(call, block=True, line=line_at(call.start())) for call in CALL.finditer(text))
        return "".join([self.holes.macro(call) + "\n" for call in calls])

    def heading(self, token: _Token) -> str:
        html = self._inline(*self._place(token))
        if self._heading_ids is None:
            self._heading_ids = HeadingIds(self._text)
        name = self._heading_ids.new(unescape(_TAG.sub("", self.holes.plain(html))))
        tag = f"h{token['attrs']['level']}"
        return f'<{tag} id="{self.holes.id(name)}">{html}</{tag}>\n'

    def _inline(self, text: str, line_at: Callable[[int], int]) -> str:
        return inline_html(text, self, line_at)

    def _place(self, token: _Token) -> tuple[str, Callable[[int], int]]:
        """Return the text of a token and a function from offsets in it to lines."""
        source, at = token["state"], token["at"]
        text = token.get("text")
        if text is None:
            text = source.src[at : token["end"]].strip(_SPACE)
            if text and source.src[at] != text[0]:
                at = source.src.index(text[0], at)
        return text, lambda offset: source.line_at(at + offset)

    # Code and raw HTML

    def code(self, token: _Token) -> str:
        code = token["raw"]
        if token["style"] == "indent":
            code += "\n"
        words = unescape(token["attrs"]["info"]).split(None, 1) if "attrs" in token else []
        if not words:
            return f"<pre><code>{escape(code)}</code></pre>\n"
        language = words[0]
        html = highlight_code(code, language) if self._highlight else None
        pre = "<pre>" if html is None else f'<pre class="{HIGHLIGHT_CLASS}">'
        name = escape(language)
        code = escape(code) if html is None else html
        return f'{pre}<code class="language-{name}" data-code-language="{name}">{code}</code></pre>\n'

    def raw_html(self, token: _Token) -> str:
        html, source, at = token["raw"].rstrip("\n") + "\n", token["state"], token["at"]
        return open_raw_html(html, self.holes, lambda offset: source.line_at(at + offset))

    # Containers

    def quote(self, token: _Token) -> str:
        return f"<blockquote>\n{self._blocks(token['children'])}</blockquote>\n"

    def list_block(self, token: _Token) -> str:
        attributes = token["attrs"]
        items = "".join([self._item(item) for item in token["children"]])
        if not attributes["ordered"]:
            return f"<ul>\n{items}</ul>\n"
        start = attributes.get("start")
        return f"<ol>\n{items}</ol>\n" if start is None else f'<ol start="{start}">\n{items}</ol>\n'

    def _item(self, token: _Token) -> str:
        children = token["children"]
        tag, html = "<li>", ""
        if children and children[0]["type"] in {"paragraph", "block_text"}:
            text, line_at = self._place(children[0])
            if task := _TASK.match(text):
                tag = '<li class="task-list-item">'
                html = self._task(text[task.end() :], lambda at: line_at(task.end() + at), done=task[1] != " ")
                html = f"<p>{html}</p>\n" if children[0]["type"] == "paragraph" else f"{html}\n"
        html += self._blocks(children[1:] if html else children)
        if children and children[-1]["type"] == "block_text":
            html = html[:-1]
        return f"{tag}{html}</li>\n"

    def _task(self, text: str, line_at: Callable[[int], int], *, done: bool) -> str:
        checked = " checked" if done else ""
        box = f'<input class="task-list-item-checkbox" type="checkbox" disabled{checked}>'
        return f"{box} {self._inline(text, line_at)}"

    def table(self, token: _Token) -> str:
        head, *rows = token["rows"]
        body = "".join([self._row(token, row, "td") for row in rows])
        body = f"<tbody>\n{body}</tbody>\n" if body else ""
        head_html = f"<thead>\n{self._row(token, head, 'th')}</thead>\n"
        return f'<div class="{TABLE_CLASS}"><table>\n{head_html}{body}</table></div>\n'

    def _row(self, token: _Token, row: tuple[int, list[str]], tag: str) -> str:
        source, (at, cells) = token["state"], row
        html = "".join(
            [
                f"<{tag}{_ALIGN[align]}>{self._inline(cell, lambda _: source.line_at(at))}</{tag}>\n"
                for align, cell in zip(token["aligns"], cells, strict=False)
            ]
        )
        return f"<tr>\n{html}</tr>\n"

    # Footnotes

    def footnote(self, label: str) -> str | None:
        """Return the HTML of a reference to a footnote, or None if there is no such note."""
        if label not in self._notes:
            return None
        if label not in self._numbers:
            self._numbers[label] = len(self._numbers) + 1
            self._cited.append(label)
        self._citations[label] += 1
        number, times = self._numbers[label], self._citations[label]
        place = f"fnref-{number}" if times == 1 else f"fnref-{number}-{times}"
        link = f'<a href="{self.holes.reference(f"fn-{number}")}" role="doc-noteref">{number}</a>'
        return f'<sup class="footnote-ref" id="{self.holes.id(place)}">{link}</sup>'

    def _footnotes(self) -> str:
        # Notes cite further notes while they are written: the list grows.
        items = [self._note(self._notes[label], number) for number, label in enumerate(self._cited, 1)]
        if not items:
            return ""
        return f'<div class="footnotes" role="doc-endnotes">\n<ol>\n{"".join(items)}</ol>\n</div>\n'

    def _note(self, note: Note, number: int) -> str:
        back = f'<a href="{self.holes.reference(f"fnref-{number}")}" class="footnote" role="doc-backlink">&#8617;</a>'
        text = self._note_text(note).rstrip()
        text = f"{text[:-4]}{back}</p>" if text.endswith("</p>") else f"{text}\n{back}"
        return f'<li id="{self.holes.id(f"fn-{number}")}">{text}</li>\n'

    def _note_text(self, note: Note) -> str:
        text = note.text.lstrip("\n")
        self._source.child_line = note.line + len(note.text) - len(text)
        more = _NEXT_LINE.search(text)
        if more and more[1]:
            text = re.sub(f"^ {{1,{len(more[1])}}}", "", text, flags=re.MULTILINE)
        child = self._source.child_state(text.strip() + "\n")
        if more:
            _BLOCKS.parse(child)
        else:
            child.add_paragraph(child.src)
        return self._blocks(cast("list[_Token]", child.tokens))


_WRITERS: Mapping[str, Callable[[_Writer, _Token], str]] = {
    "blank_line": lambda _writer, _token: "",
    "block_code": _Writer.code,
    "block_html": _Writer.raw_html,
    "block_quote": _Writer.quote,
    "block_text": _Writer.block_text,
    "heading": _Writer.heading,
    "list": _Writer.list_block,
    "paragraph": _Writer.paragraph,
    "table": _Writer.table,
    "thematic_break": lambda _writer, _token: "<hr>\n",
}
