"""mistune as it comes, with blogd's choices of output: what `render_body` is held equal to.

The parsers are mistune's own, with its plugins. Only the renderer differs from mistune's, in what blogd writes in
another way by choice, and one inline rule: bare URLs (see `blogd.render.inline`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import mistune
from mistune.plugins.url import URL_LINK_PATTERN

from blogd.render.body import Anchor, Body, Link, Macro
from blogd.render.holes import Holes
from blogd.render.html_text import encode_url, escape, unescape
from blogd.render.raw_html import open_raw_html

if TYPE_CHECKING:
    from mistune.core import BlockState, InlineState
    from mistune.inline_parser import InlineParser

_TABLES = "mistune.plugins.table"
_PLUGINS = [
    *("table", f"{_TABLES}.table_in_quote", f"{_TABLES}.table_in_list"),
    *("strikethrough", "task_lists", "footnotes"),
]
_LAST_TEXT = "\x02"  # ends the text of a tight list item, for the item to see


def fill(body: Body, anchor: str = "") -> str:
    """Return a body's HTML with its links as they were written."""
    parts: list[str] = []
    for piece in body.pieces:
        match piece:
            case str():
                parts.append(piece)
            case Link():
                parts.append(escape(piece.url))
            case Macro():
                parts.append(escape(piece.source))
            case Anchor():
                parts.append(anchor)
    return "".join(parts)


def without_ids(body: Body) -> str:
    """Return a body's HTML as mistune writes it: without heading ids, roles, repeated references and our footnotes."""
    html = re.sub(r'(<h[1-6]) id="\x03[^"]*"', r"\1", fill(body, anchor="\x03"))
    html = html.replace("\x03", "")
    html = re.sub(r'<div class="footnotes"(.*)</div>', r'<section class="footnotes"\1</section>', html, flags=re.DOTALL)
    html = re.sub(r'( id="fnref-[0-9]+)-[0-9]+"', r'\1"', html)
    return re.sub(r' role="doc-[a-z]+"', "", html)


def markdown() -> mistune.Markdown:
    """Return mistune with the plugins that blogd's dialect is made of."""
    renderer = _Renderer()
    markdown = mistune.create_markdown(renderer=renderer, plugins=_PLUGINS)
    markdown.inline.register("url_link", URL_LINK_PATTERN, _bare_url)
    renderer.register("task_list_item", _task)
    renderer.register("footnote_ref", _footnote_reference)
    renderer.register("table", _table)
    renderer.register("table_body", _table_body)
    renderer.register("table_cell", _cell)
    return markdown


class _Renderer(mistune.HTMLRenderer):
    def __init__(self) -> None:
        super().__init__(escape=False, allow_harmful_protocols=True)

    def render_token(self, token: dict[str, Any], state: BlockState) -> str:
        if token["type"] == "block_code" and token["style"] == "indent":
            token["raw"] += "\n"
        return super().render_token(token, state)

    def text(self, text: str) -> str:
        return escape(unescape(text))

    def escape_attribute(self, value: object) -> str:
        return escape(unescape(str(value)))

    def linebreak(self) -> str:
        return "<br>\n"

    def thematic_break(self) -> str:
        return "<hr>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        named = f' title="{escape(unescape(title))}"' if title else ""
        return f'<a href="{escape(url)}"{named}>{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super().image(text, url, title).replace(" />", ' loading="lazy">')

    def inline_html(self, html: str) -> str:
        holes = Holes()
        return fill(holes.body(open_raw_html(html, holes, lambda _: 0)))

    def block_html(self, html: str) -> str:
        return self.inline_html(html.rstrip("\n") + "\n")

    def block_code(self, code: str, info: str | None = None) -> str:
        words = unescape(info or "").split()
        name = escape(words[0]) if words else ""
        attributes = f' class="language-{name}" data-code-language="{name}"' if words else ""
        return f"<pre><code{attributes}>{escape(code)}</code></pre>\n"

    def block_text(self, text: str) -> str:
        return f"{text}{_LAST_TEXT}\n"

    def list_item(self, text: str) -> str:
        return f"<li>{_item_text(text)}</li>\n"


def _item_text(text: str) -> str:
    return text.removesuffix(f"{_LAST_TEXT}\n").replace(_LAST_TEXT, "")


def _task(_: mistune.HTMLRenderer, text: str, *, checked: bool = False) -> str:
    done = " checked" if checked else ""
    box = f'<input class="task-list-item-checkbox" type="checkbox" disabled{done}> '
    inside = text.startswith("<p>")
    text = _item_text(text)
    html = text.replace("<p>", f"<p>{box}", 1) if inside else box + text
    return f'<li class="task-list-item">{html}</li>\n'


def _table(_: mistune.HTMLRenderer, rows: str) -> str:
    return f'<div class="table-scroll"><table>\n{rows}</table></div>\n'


def _table_body(_: mistune.HTMLRenderer, rows: str) -> str:
    return f"<tbody>\n{rows}</tbody>\n" if rows else ""


def _cell(_: mistune.HTMLRenderer, text: str, align: str | None = None, *, head: bool = False) -> str:
    tag = "th" if head else "td"
    style = f' style="text-align:{align}"' if align else ""
    return f"<{tag}{style}>{text}</{tag}>\n"


def _footnote_reference(_: mistune.HTMLRenderer, _key: str, index: int) -> str:
    return f'<sup class="footnote-ref" id="fnref-{index}"><a href="#fn-{index}">{index}</a></sup>'


def _bare_url(_: InlineParser, m: re.Match[str], state: InlineState) -> int | None:
    """Find bare URLs as mistune does, but not in a raw link, and with the parentheses that they open."""
    if state.in_link:
        return None
    url, end = m[0], m.end()
    if state.brackets and "]" in url:
        url = url[: url.index("]")]
        end = m.start() + len(url)
    else:
        while url.count("(") > url.count(")") and state.src.startswith(")", end):
            url += ")"
            end += 1
    children = [{"type": "text", "raw": url}]
    state.append_token({"type": "link", "children": children, "attrs": {"url": encode_url(url)}, "_autolink": url})
    return end
