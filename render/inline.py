"""Inline Markdown to HTML in one pass.

What a text means is mistune's to say (its inline parser with the plugins `strikethrough`, `url` and `footnotes`), and a
differential test holds the two together. This is the same grammar without the bookkeeping, as bodies are most of what a
build costs: mistune makes a token of every scrap of text, joins tokens, takes them apart again at `*` and `_`, and renders
the tree; here every scrap is written as HTML at once.

1. One search finds the next character that may mean something; what lies before it is text.
2. The handler of that character writes a *part*, be it only the character, and says where to go on.
3. A *run* of `*` or `_` leaves a part that holds it; a *bracket*, `[` or `![`, leaves one too.
4. A `]` that makes a link pairs the runs since its bracket and joins the parts since then into one. Runs that no link
   has closed over are paired at the end.

Pairing writes tags into the parts that hold the runs: nothing is copied and nothing recurs, so that nesting costs no
more than length. Links, images and strikethrough nest 20 deep at most, as in mistune; emphasis without limit.

Differences by choice: macros come before links; any URL scheme is let through, as raw HTML is too; character
references are CommonMark's; the value of an attribute in a raw tag ends at white space of any kind.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, NotRequired, Protocol, TypedDict

from blogd.render.html_text import REFERENCE, encode_url, escape, unescape
from blogd.render.macro_syntax import CALL, read_call
from blogd.render.raw_html import LITERAL_ELEMENTS, open_raw_html
from mistune.helpers import parse_link, parse_link_label
from mistune.util import striptags, unikey

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
_TARGET = re.compile(r"\(([^\s()<\\&\x00-\x1f\x7f]++)\)")
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
    definitions: Mapping[str, LinkDefinition]

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


class _Run:
    """A run of `*` or `_`: `size` characters from `start` on, `left` of them not yet made tags."""

    __slots__ = ("closes", "closing", "left", "opening", "order", "part", "size", "start")

    def __init__(self, part: int, start: int, size: int) -> None:
        self.part = part
        self.start = start
        self.size = self.left = size
        self.order = 0
        self.closes = False
        self.closing: list[str] = []
        self.opening: list[str] = []

    def may_pair(self, closer: _Run, *, closer_opens: bool) -> bool:
        """Apply CommonMark's rule of three to this opener."""
        if not self.closes and not closer_opens:
            return True
        return (self.size + closer.size) % 3 != 0 or (self.size % 3 == 0 and closer.size % 3 == 0)

    def write(self, parts: list[str], marker: str) -> None:
        parts[self.part] = "".join(self.closing) + marker * self.left + "".join(reversed(self.opening))


class _Bracket:
    """A `[` or `![` that may open a link: `start` is the offset behind it, `depth` how deep links nest in it so far."""

    __slots__ = ("depth", "first_run", "image", "nested", "part", "start")

    def __init__(self, part: int, start: int, first_run: int, *, image: bool) -> None:
        self.part = part
        self.start = start
        self.first_run = first_run
        self.image = image
        self.nested = False
        self.depth = 0


class Inline:
    """One text on its way to HTML; `line_at` gives the line of an offset into it."""

    def __init__(self, text: str, around: Surroundings, line_at: Callable[[int], int], depth: int = 0) -> None:
        self._text = text
        self._around = around
        self._line_at = line_at
        self._depth = depth
        self._parts: list[str] = []
        self._runs: list[_Run] = []
        self._brackets: list[_Bracket] = []
        self._dead_below = 0  # brackets that a link already stands in can make no link
        self._bare_links: list[_BareLink] = []
        self._bare_starts = set[int]()
        self._raw_link = False
        self._raw_literal = ""
        self._unclosed = set[str]()
        self._ticks: dict[int, list[int]] | None = None
        self._struck_ends: list[int] | None = None

    def html(self) -> str:
        """Return the text as HTML, with the markers of `holes`."""
        text, parts = self._text, self._parts
        find = (_SPECIAL_OR_COLON if "://" in text else _SPECIAL).search
        quotes = '"' in text or ">" in text
        start = 0
        while special := find(text, start):
            at = special.start()
            if at > start:
                scrap = text[start:at]
                parts.append(_escape_quotes(scrap) if quotes else scrap)
            start = _HANDLERS[text[at]](self, at, start)
        parts.append(_escape_quotes(text[start:]))
        self._pair_runs(0, 0, len(text))
        return "".join(parts)

    def _write(self, part: str, end: int) -> int:
        self._parts.append(part)
        return end

    # Text

    def _backslash(self, at: int, _start: int) -> int:
        if escapes := _ESCAPES.match(self._text, at):
            return self._write(escape(escapes[0][1::2]), escapes.end())
        if line_break := _BREAK.match(self._text, at + 1):
            return self._write("<br>\n", line_break.end())
        return self._write("\\", at + 1)

    def _newline(self, at: int, start: int) -> int:
        is_hard = False
        if at > start:
            is_hard = self._parts[-1].endswith("  ")
            self._parts[-1] = self._parts[-1].rstrip(" ")
        end = _BREAK.match(self._text, at).end()
        return self._write("<br>\n" if is_hard else "\n", end)

    def _ampersand(self, at: int, _start: int) -> int:
        if reference := REFERENCE.match(self._text, at):
            return self._write(escape(unescape(reference[0])), reference.end())
        return self._write("&amp;", at + 1)

    def _code(self, at: int, _start: int) -> int:
        start = _TICKS.match(self._text, at).end()
        end = self._ticks_end(start - at, start)
        if end is None:
            return self._write(self._text[at:start], start)
        code = self._text[start:end].replace("\n", " ")
        if code[0] == code[-1] == " " and code.strip(" "):
            code = code[1:-1]
        return self._write(f"<code>{escape(code)}</code>", end + start - at)

    def _ticks_end(self, size: int, after: int) -> int | None:
        if self._ticks is None:
            self._ticks = {}
            for ticks in _TICKS.finditer(self._text):
                self._ticks.setdefault(ticks.end() - ticks.start(), []).append(ticks.start())
        return _first_from(self._ticks.get(size, ()), after)

    # Emphasis

    def _emphasis(self, at: int, _start: int) -> int:
        end = _RUN.match(self._text, at).end()
        self._runs.append(_Run(len(self._parts), at, end - at))
        return self._write(self._text[at:end], end)

    def _pair_runs(self, first: int, low: int, high: int) -> None:
        """Turn the runs from `first` on into tags, by the algorithm of CommonMark; they lie between two offsets."""
        runs = self._runs[first:]
        del self._runs[first:]
        openers: list[_Run] = []
        bottoms: dict[tuple[str, int, bool], int] = {}
        for order, run in enumerate(runs):
            opens, run.closes = self._flanks(run, low, high)
            run.order = order
            if run.closes:
                self._close_runs(run, openers, bottoms, opens=opens)
            if opens and run.left:
                openers.append(run)
        for run in runs:
            if run.left < run.size:
                run.write(self._parts, self._text[run.start])

    def _close_runs(
        self, closer: _Run, openers: list[_Run], bottoms: dict[tuple[str, int, bool], int], *, opens: bool
    ) -> None:
        marker = self._text[closer.start]
        while closer.left and openers:
            key = (marker, closer.left % 3, opens)
            opener = self._opener(closer, openers, bottoms.get(key, 0), opens=opens)
            if opener is None:
                bottoms[key] = closer.order
                return
            while openers[-1] is not opener:
                openers.pop()
            strong = opener.left > 1 and closer.left > 1
            opener.opening.append("<strong>" if strong else "<em>")
            closer.closing.append("</strong>" if strong else "</em>")
            opener.left -= 1 + strong
            closer.left -= 1 + strong
            if not opener.left:
                openers.pop()

    def _opener(self, closer: _Run, openers: list[_Run], bottom: int, *, opens: bool) -> _Run | None:
        marker = self._text[closer.start]
        for opener in reversed(openers):
            if opener.order < bottom:
                return None
            if self._text[opener.start] == marker and opener.may_pair(closer, closer_opens=opens):
                return opener
        return None

    def _flanks(self, run: _Run, low: int, high: int) -> tuple[bool, bool]:
        """Tell whether a run may open and whether it may close emphasis, by the characters on its two sides."""
        text, end = self._text, run.start + run.size
        before = text[run.start - 1] if run.start > low else "\n"
        after = text[end] if end < high else "\n"
        if after == "\\" and text[end + 1 : end + 2] == "\n":
            after = "\n"
        elif end in self._bare_starts:
            after = "<"
        before_space, after_space = before.isspace(), after.isspace()
        before_word = not before_space and before.isalnum()
        after_word = not after_space and after.isalnum()
        if before_word and after_word and text[run.start] == "_":
            return False, False
        return (
            not after_space and (after_word or not before_word),
            not before_space and (before_word or not after_word),
        )

    # Links

    def _open_bracket(self, at: int, start: int) -> int:
        text, parts = self._text, self._parts
        if text.startswith("[[", at) and not self._raw_literal and (call := CALL.match(text, at)):
            macro = read_call(call, block=False, line=self._line_at(at))
            return self._write(self._around.holes.macro(macro), call.end())
        image = at > start and text[at - 1] == "!"
        if not image and text.startswith("[^", at) and (note := _FOOTNOTE.match(text, at)):
            reference = self._around.footnote(unikey(note[1]))
            return self._write(escape(unescape(note[0])) if reference is None else reference, note.end())
        if image:
            parts[-1] = parts[-1][:-1]
        if self._brackets:
            self._brackets[-1].nested = True
        self._brackets.append(_Bracket(len(parts), at + 1, len(self._runs), image=image))
        return self._write("![" if image else "[", at + 1)

    def _close_bracket(self, at: int, _start: int) -> int:
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
                return _Target(encode_url(simple[1]), "", 0, simple.end())
            attributes, end = parse_link(self._text, close + 2)
            if attributes is not None and end is not None:
                return _Target(attributes["url"], attributes.get("title", ""), 0, end)
        return self._reference(bracket, close) if self._around.definitions else None

    def _reference(self, bracket: _Bracket, close: int) -> _Target | None:
        label, end = None, None
        if self._text.startswith("[", close + 1):
            label, end = parse_link_label(self._text, close + 2)
        if not label:
            if bracket.nested or close - bracket.start > _MAX_LABEL:
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

    def _colon(self, at: int, start: int) -> int:
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

    def _less_than(self, at: int, _start: int) -> int:
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
        found = -1 if closing in self._unclosed else text.find(closing, opening.end())
        if found < 0:
            self._unclosed.add(closing)
            return self._write("&lt;", start + 1)
        end = found + len(closing)
        return self._write(text[start:end], end)

    # Strikethrough

    def _tilde(self, at: int, _start: int) -> int:
        if self._depth < _MAX_DEPTH and _STRUCK.match(self._text, at):
            end = _first_from(self._struck_ends_found(), at + 3)
            if end is not None:
                return self._write(f"<del>{self._inner(at + 2, end).html()}</del>", end + 2)
        return self._write("~", at + 1)

    def _inner(self, start: int, end: int) -> Inline:
        line_at = self._line_at
        inner = Inline(self._text[start:end], self._around, lambda at: line_at(start + at), self._depth + 1)
        inner._raw_link = self._raw_link
        return inner

    def _struck_ends_found(self) -> list[int]:
        if self._struck_ends is None:
            text = self._text
            found = (end.start() for end in _STRUCK_END.finditer(text))
            self._struck_ends = [end for end in found if text[end - 1] != "~" or _is_escaped(text, end - 1)]
        return self._struck_ends


_HANDLERS: dict[str, Callable[[Inline, int, int], int]] = {
    "\\": Inline._backslash,
    "`": Inline._code,
    "*": Inline._emphasis,
    "_": Inline._emphasis,
    "[": Inline._open_bracket,
    "]": Inline._close_bracket,
    "<": Inline._less_than,
    "&": Inline._ampersand,
    "\n": Inline._newline,
    "~": Inline._tilde,
    ":": Inline._colon,
}


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
