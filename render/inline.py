"""Inline Markdown to HTML in one pass.

What a text means is mistune's to say (its inline parser with the plugins `strikethrough`, `url` and `footnotes`), and a
differential test holds the two together. This is the same grammar without the bookkeeping, as bodies are most of what
a build costs: mistune makes a token of every scrap of text, joins tokens, takes them apart again at `*` and `_`, and
renders the tree; here every scrap is written as HTML at once.

1. One search finds the next character that may mean something; what lies before it is text.
2. The handler of that character writes a *part*, be it only the character, and says where to go on. It takes the plain
   cases (code, emphasis and links with nothing but words in them) whole.
3. Otherwise, a *run* of `*` or `_` leaves a part that holds it; a *bracket*, `[` or `![`, leaves one too.
4. A `]` that makes a link pairs the runs since its bracket and joins the parts since then into one. Runs that no link
   has closed over are paired at the end.

Pairing writes tags into the parts that hold the runs: nothing is copied and nothing recurs, so that nesting costs no
more than length. Links, images and strikethrough nest 20 deep at most, as in mistune; emphasis without limit.

Differences by choice: macros come before links; any URL scheme is let through, as in raw HTML; character references
are CommonMark's; a bare URL keeps a closing parenthesis that it opened, and is text inside a raw `<a>`; `![^1]` is an
exclamation mark and a footnote; the value of an attribute in a raw tag ends at white space of any kind; long runs pair
as in CommonMark (mistune may leave one unpaired).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, NotRequired, Protocol, TypedDict

from mistune.helpers import parse_link, parse_link_label
from mistune.util import striptags, unikey

from blogd.render.emphasis import Run, pair_runs
from blogd.render.html_text import REFERENCE, encode_url, escape, unescape
from blogd.render.macro_syntax import CALL, read_call
from blogd.render.raw_html import LITERAL_ELEMENTS, open_raw_html

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from blogd.render.holes import Holes

_MAX_DEPTH = 20
_MAX_LABEL = 999

_SPECIAL = re.compile(r"[\\`*_\[\]<&\n~]")
_SPECIAL_OR_COLON = re.compile(r"[\\`*_\[\]<&\n~:]")
_ESCAPES = re.compile(r"(?:\\[!-/:-@\[-`{-~])++")
_BREAK = re.compile(r"\n\s*+")
_TICKS = re.compile(r"`++")
_RUN = re.compile(r"\*++|_++")
_PLAIN_CODE = re.compile(r"`([^`\n]++)`(?!`)")
_PLAIN_RUN = re.compile(r"(\*\*?+|__?+)(?=[^\W_])([^\\`*_\[\]<&\n~:\">]*+)(?<=[^\W_])\1(?![^\W]|\*)")
_URL_AND_TITLE = r"""\(([^\s()<\\\x00-\x1f\x7f]++)(?: "([^"\\\n]++)")?\)"""
_TARGET = re.compile(_URL_AND_TITLE)
_PLAIN_LINK = re.compile(r"\[([^\\`*_\[\]<&\n~:\">]*+)\]" + _URL_AND_TITLE)
_FOOTNOTE = re.compile(r"\[\^((?:[^\\\[\]\s]|\\.){1,500})\]")
_STRUCK = re.compile(r"~~(?=[^\s~])")
_STRUCK_END = re.compile(r"(?<=\S)(?=~~(?!~(?!~)))")
_BARE_URL = re.compile(r"""https?://[^\s<]+[^<.,:;"')\]\s]""")
_AUTO_URL = re.compile(r"<([A-Za-z][A-Za-z0-9.+-]{1,31}:[^<>\x00-\x20]*+)>")
_AUTO_EMAIL = re.compile(
    r"<([a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]++@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)>"
)
_TAG = re.compile(
    r"<(?:([A-Za-z][A-Za-z0-9-]*+)"
    r"""(?:\s++[A-Za-z_:][A-Za-z0-9_.:-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?+)*+\s*+/?+"""
    r"|(/[A-Za-z][A-Za-z0-9-]*+)\s*+)>"
)
_UNPARSED = re.compile(r"<(?:(!--)|(\?)|(!\[CDATA\[)|!(?:[A-Z]+[ \t\n\r\f]))")
_EMPTY_COMMENT = re.compile(r"<!--(?:>|->)")
_UNPARSED_END = ("-->", "?>", "]]>", ">")


class LinkDefinition(TypedDict):
    """A link reference definition, as mistune's block parser stores it; `line` is where it stands."""

    url: str
    title: NotRequired[str]
    line: NotRequired[int]


class Surroundings(Protocol):
    """The body that a text is a part of, as far as it decides what the text means."""

    holes: Holes

    @property
    def definitions(self) -> Mapping[str, LinkDefinition]:
        """Return the link reference definitions by label."""
        ...

    def footnote(self, label: str) -> str | None:
        """Return the HTML of a reference to a footnote, or None if there is no such note."""
        ...


class _Target(NamedTuple):
    """Where a link leads: `line` is 0 unless it is another than the link's own, `end` the offset behind the link."""

    url: str
    title: str
    line: int
    end: int


class _BareLink(NamedTuple):
    """A link without brackets that starts at an offset; inside brackets that make a link it is `literal` text again."""

    part: int
    literal: str
    start: int


class _Bracket:
    """A `[` or `![` that may open a link: `start` is the offset behind it, `depth` how deep links nest in it so far."""

    __slots__ = ("depth", "first_run", "image", "part", "start")

    def __init__(self, part: int, start: int, first_run: int, *, image: bool) -> None:
        self.part = part
        self.start = start
        self.first_run = first_run
        self.image = image
        self.depth = 0


def inline_html(text: str, around: Surroundings, line_at: Callable[[int], int]) -> str:
    """Return a text as HTML, with the markers of `around.holes`; `line_at` gives the line of an offset into it."""
    if _SPECIAL_OR_COLON.search(text):
        return _Inline(text, around, line_at).html()
    return _escape_quotes(text)


class _Inline:
    """One text on its way to HTML.

    A handler gets the offset of its character and that of the text written before it, and returns where to go on.
    """

    # What most texts never need.
    _dead_below = 0  # brackets that a link already stands in can make no link
    _raw_link = False
    _raw_literal = ""
    _unclosed: frozenset[str] = frozenset()
    _ticks: dict[int, list[int]] | None = None
    _struck_ends: Sequence[int] | None = None

    def __init__(self, text: str, around: Surroundings, line_at: Callable[[int], int], depth: int = 0) -> None:
        self._text = text
        self._around = around
        self._line_at = line_at
        self._depth = depth
        self._parts: list[str] = []
        self._runs: list[Run] = []
        self._brackets: list[_Bracket] = []
        self._bare_links: list[_BareLink] = []
        self._bare_starts = set[int]()

    def html(self) -> str:
        text, parts, handlers = self._text, self._parts, _HANDLERS
        find = (_SPECIAL_OR_COLON if "://" in text else _SPECIAL).search
        quotes = '"' in text or ">" in text
        start = 0
        while special := find(text, start):
            at = special.start()
            if at > start:
                scrap = text[start:at]
                parts.append(_escape_quotes(scrap) if quotes else scrap)
            start = handlers[text[at]](self, at, start)
        parts.append(_escape_quotes(text[start:]))
        self._pair_runs(0, 0, len(text))
        return "".join(parts)

    def _write(self, part: str, end: int) -> int:
        self._parts.append(part)
        return end

    # Text

    def backslash(self, at: int, _start: int) -> int:
        if escapes := _ESCAPES.match(self._text, at):
            return self._write(escape(escapes[0][1::2]), escapes.end())
        if line_break := _BREAK.match(self._text, at + 1):
            return self._write("<br>\n", line_break.end())
        return self._write("\\", at + 1)

    def newline(self, at: int, start: int) -> int:
        is_hard = False
        if at > start:
            is_hard = self._parts[-1].endswith("  ")
            self._parts[-1] = self._parts[-1].rstrip(" ")
        return self._write("<br>\n" if is_hard else "\n", _after(_BREAK, self._text, at))

    def ampersand(self, at: int, _start: int) -> int:
        if reference := REFERENCE.match(self._text, at):
            return self._write(escape(unescape(reference[0])), reference.end())
        return self._write("&amp;", at + 1)

    def code(self, at: int, _start: int) -> int:
        text = self._text
        if plain := _PLAIN_CODE.match(text, at):
            start, end, after = at + 1, plain.end(1), plain.end()
        else:
            start = _after(_TICKS, text, at)
            closing = self._ticks_end(start - at, start)
            if closing is None:
                return self._write(text[at:start], start)
            end, after = closing, closing + start - at
        code = text[start:end].replace("\n", " ")
        if code[0] == code[-1] == " " and code.strip(" "):
            code = code[1:-1]
        return self._write(f"<code>{escape(code)}</code>", after)

    def _ticks_end(self, size: int, after: int) -> int | None:
        ticks = self._ticks
        if ticks is None:
            ticks = self._ticks = {}
            for run in _TICKS.finditer(self._text):
                ticks.setdefault(run.end() - run.start(), []).append(run.start())
        return _first_from(ticks.get(size, ()), after)

    # Emphasis

    def emphasis(self, at: int, _start: int) -> int:
        text = self._text
        if (not at or text[at - 1].isspace()) and (plain := _PLAIN_RUN.match(text, at)):
            tag = "em" if plain.end(1) - at == 1 else "strong"
            return self._write(f"<{tag}>{plain[2]}</{tag}>", plain.end())
        end = _after(_RUN, text, at)
        self._runs.append(Run(len(self._parts), text[at], at, end - at))
        return self._write(text[at:end], end)

    def _pair_runs(self, first: int, low: int, high: int) -> None:
        """Pair the runs from `first` on, which lie between two offsets."""
        runs = self._runs[first:]
        if not runs:
            return
        del self._runs[first:]
        for run in runs:
            run.look_around(self._text, low, high, self._bare_starts)
        pair_runs(runs)
        for run in runs:
            if run.left < run.size:
                self._parts[run.part] = run.html()

    # Links

    def open_bracket(self, at: int, start: int) -> int:
        text, parts = self._text, self._parts
        if text.startswith("[[", at) and not self._raw_literal and (call := CALL.match(text, at)):
            macro = read_call(call, block=False, line=self._line_at(at))
            return self._write(self._around.holes.macro(macro), call.end())
        image = at > start and text[at - 1] == "!"
        if text.startswith("[^", at) and (note := _FOOTNOTE.match(text, at)):
            is_image = image and text.startswith("(", note.end())
            reference = None if is_image else self._around.footnote(unikey(note[1]))
            if reference or not image:
                return self._write(reference or escape(unescape(note[0])), note.end())
        if image:
            parts[-1] = parts[-1][:-1]
        if not self._brackets and not self._raw_link and (link := _PLAIN_LINK.match(text, at)):
            target = _Target(encode_url(link[2]), link[3] or "", 0, link.end())
            write = self._image if image else self._link
            return self._write(write(link[1], target, at), link.end())
        self._brackets.append(_Bracket(len(parts), at + 1, len(self._runs), image=image))
        return self._write("![" if image else "[", at + 1)

    def close_bracket(self, at: int, _start: int) -> int:
        if not self._brackets:
            return self._write("]", at + 1)
        bracket = self._brackets.pop()
        below = len(self._brackets)
        is_dead = not bracket.image and (below < self._dead_below or self._raw_link)
        self._dead_below = min(self._dead_below, below)
        target = None if is_dead or self._depth + bracket.depth >= _MAX_DEPTH else self._target(bracket, at)
        if target is None:
            self._deepen(bracket.depth)
            return self._write("]", at + 1)
        content = self._cut(bracket, at)
        self._deepen(bracket.depth + 1)
        if not bracket.image:
            self._dead_below = below
        write = self._image if bracket.image else self._link
        return self._write(write(content, target, at), target.end)

    def _deepen(self, depth: int) -> None:
        if self._brackets:
            self._brackets[-1].depth = max(self._brackets[-1].depth, depth)

    def _cut(self, bracket: _Bracket, end: int) -> str:
        """Take the parts since a bracket away and return them as the content of a link."""
        parts = self._parts
        bare_links = self._bare_links
        while bare_links and bare_links[-1].part > bracket.part:
            link = bare_links.pop()
            if not bracket.image:
                parts[link.part] = escape(unescape(link.literal))
                self._bare_starts.discard(link.start)
        self._pair_runs(bracket.first_run, bracket.start, end)
        content = "".join(parts[bracket.part + 1 :])
        del parts[bracket.part :]
        return content

    def _target(self, bracket: _Bracket, close: int) -> _Target | None:
        if self._text.startswith("(", close + 1):
            if simple := _TARGET.match(self._text, close + 1):
                return _Target(encode_url(simple[1]), simple[2] or "", 0, simple.end())
            attributes, end = parse_link(self._text, close + 2)
            if attributes is not None and end is not None:
                return _Target(attributes["url"], attributes.get("title", ""), 0, end)
        return self._reference(bracket, close) if self._around.definitions else None

    def _reference(self, bracket: _Bracket, close: int) -> _Target | None:
        label, end = None, None
        if self._text.startswith("[", close + 1):
            label, end = parse_link_label(self._text, close + 2)
        if not label:
            if close - bracket.start > _MAX_LABEL:
                return None
            label = self._text[bracket.start : close]
        definition = self._around.definitions.get(unikey(label))
        if definition is None:
            return None
        return _Target(definition["url"], definition.get("title") or "", definition.get("line", 0), end or close + 1)

    def _link(self, content: str, target: _Target, at: int) -> str:
        return f'<a href="{self._url("href", target, at)}"{_title(target.title)}>{content}</a>'

    def _image(self, content: str, target: _Target, at: int) -> str:
        text = escape(unescape(striptags(self._around.holes.plain(content))))
        return f'<img src="{self._url("src", target, at)}" alt="{text}"{_title(target.title)} loading="lazy">'

    def _url(self, attribute: str, target: _Target, at: int) -> str:
        written = self._around.holes.url(target.url, attribute, lambda: target.line or self._line_at(at))
        return escape(target.url) if written is None else written

    def colon(self, at: int, start: int) -> int:
        """Write a bare URL, if the scheme just read begins one."""
        if self._raw_link:
            return self._write(":", at + 1)
        text, parts = self._text, self._parts
        scheme = 5 if text.endswith("https", start, at) else 4
        url = _BARE_URL.match(text, at - scheme) if at - scheme >= start else None
        if url is None:
            return self._write(":", at + 1)
        parts[-1] = parts[-1][:-scheme]
        end = self._bare_url_end(url)
        literal = text[url.start() : end]
        return self._bare_link(literal, literal, literal, url.start(), end)

    def _bare_url_end(self, url: re.Match[str]) -> int:
        end = url.end()
        if self._brackets and (close := self._text.find("]", url.start(), end)) >= 0:
            return close
        # Punctuation at the end is not the URL's, but for a parenthesis that the URL opened.
        left_open = url[0].count("(") - url[0].count(")")
        while left_open > 0 and self._text.startswith(")", end):
            left_open -= 1
            end += 1
        return end

    # Raw HTML and autolinks

    def less_than(self, at: int, _start: int) -> int:
        text = self._text
        if url := _AUTO_URL.match(text, at):
            return self._bare_link(url[1], url[1], url[0], at, url.end())
        if tag := _TAG.match(text, at):
            return self._tag(tag)
        if email := _AUTO_EMAIL.match(text, at):
            return self._bare_link(f"mailto:{email[1]}", email[1], email[0], at, email.end())
        if unparsed := _UNPARSED.match(text, at):
            return self._unparsed(unparsed)
        return self._write("&lt;", at + 1)

    def _bare_link(self, url: str, content: str, literal: str, start: int, end: int) -> int:
        """Write a link that shows its address, unless it stands in a raw link."""
        if self._raw_link:
            return self._write(escape(unescape(literal)), end)
        self._bare_links.append(_BareLink(len(self._parts), literal, start))
        self._bare_starts.add(start)
        self._deepen(1)
        return self._write(f'<a href="{escape(encode_url(url))}">{escape(unescape(content))}</a>', end)

    def _tag(self, tag: re.Match[str]) -> int:
        name = (tag[1] or tag[2]).lower()
        if name in {"a", "/a"}:
            self._raw_link = name == "a"
        elif name in LITERAL_ELEMENTS:
            self._raw_literal = self._raw_literal or name
        elif name == "/" + self._raw_literal:
            self._raw_literal = ""
        line_at = self._line_at
        return self._write(open_raw_html(tag[0], self._around.holes, lambda at: line_at(tag.start() + at)), tag.end())

    def _unparsed(self, opening: re.Match[str]) -> int:
        """Write a comment, a processing instruction, a CDATA section or a declaration."""
        text, start = self._text, opening.start()
        if empty := _EMPTY_COMMENT.match(text, start):
            return self._write(empty[0], empty.end())
        closing = _UNPARSED_END[(opening.lastindex or 4) - 1]
        found = text.find(closing, opening.end()) if closing not in self._unclosed else -1
        if found < 0:
            self._unclosed |= {closing}
            return self._write("&lt;", start + 1)
        end = found + len(closing)
        return self._write(text[start:end], end)

    # Strikethrough

    def tilde(self, at: int, _start: int) -> int:
        if self._depth < _MAX_DEPTH and _STRUCK.match(self._text, at):
            end = self._struck_end(at + 3)
            if end is not None:
                return self._write(f"<del>{self._inner(at + 2, end).html()}</del>", end + 2)
        return self._write("~", at + 1)

    def _inner(self, start: int, end: int) -> _Inline:
        line_at = self._line_at
        inner = _Inline(self._text[start:end], self._around, lambda at: line_at(start + at), self._depth + 1)
        inner._raw_link = self._raw_link
        return inner

    def _struck_end(self, least: int) -> int | None:
        ends = self._struck_ends
        if ends is None:
            text = self._text
            found = (end.start() for end in _STRUCK_END.finditer(text))
            ends = [end for end in found if text[end - 1] != "~" or _is_escaped(text, end - 1)]
            self._struck_ends = ends
        return _first_from(ends, least)


_HANDLERS: Mapping[str, Callable[[_Inline, int, int], int]] = {
    "\\": _Inline.backslash,
    "`": _Inline.code,
    "*": _Inline.emphasis,
    "_": _Inline.emphasis,
    "[": _Inline.open_bracket,
    "]": _Inline.close_bracket,
    "<": _Inline.less_than,
    "&": _Inline.ampersand,
    "\n": _Inline.newline,
    "~": _Inline.tilde,
    ":": _Inline.colon,
}


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return the offset behind a match that begins at an offset, or that offset if there is none."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _first_from(positions: Sequence[int], least: int) -> int | None:
    index = bisect_left(positions, least)
    return positions[index] if index < len(positions) else None


def _is_escaped(text: str, at: int) -> bool:
    first = at
    while first and text[first - 1] == "\\":
        first -= 1
    return (at - first) % 2 == 1


def _escape_quotes(text: str) -> str:
    return text.replace(">", "&gt;").replace('"', "&quot;")


def _title(title: str) -> str:
    return f' title="{escape(unescape(title))}"' if title else ""
