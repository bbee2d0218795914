"""The YAML of one block as a tree of texts, made from libyaml's events.

What that gives beyond a ready-made loader:

- every scalar keeps the text it was written with (`title: 2019`, `title: Yes`, `slug: 012`): what a key means decides
  its type;
- tags construct nothing, and an alias shares the value it names, so that a "billion laughs" stays as small as its text;
- depth is bounded while reading, and the reader is the only recursion;
- every key keeps its line and column, and a key given twice is told (the last one counts).

Characters that YAML forbids, and those that only YAML takes for line breaks, are read as spaces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import msgspec
import yaml

from blogd.render.diagnostic import Diagnostic
from blogd.render.source import Findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.render.diagnostic import SourceError
    from blogd.render.source import Source

MAX_DEPTH = 32

Value = str | None | tuple["Value", ...] | dict[str, "Value"]
"""Null, a scalar's text, a sequence, or a mapping (of its textual keys)."""

_READABLE = r"\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
FORBIDDEN = re.compile(rf"[^\t\n\r{_READABLE}]")
"""A character that YAML doesn't allow."""

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_QUOTE = "put the value in quotes"
_HINTS = (
    ("mapping values are not allowed", _QUOTE + ': `title: "a: b"`'),
    ("found character that cannot start any token", _QUOTE),
    ("did not find expected alphabetic or numeric", _QUOTE),
    ("found unknown escape character", "write the value in single quotes, or `\\\\` for a backslash"),
    ("found unexpected end of stream", "close the quote"),
    ("did not find expected key", "put the whole value in quotes, and double the quotes inside"),
    ("could not find expected ':'", "write `key: value` lines"),
    ("did not find expected ',' or", "close the bracket"),
)
_TOO_DEEP = f"the front matter is more than {MAX_DEPTH} levels deep"
_BLAMED_ON_THE_START = ("found unexpected end of stream", "could not find expected ':'")


_LINE_BREAK = re.compile(r"\r\n|\n|\r")


class _Mark(Protocol):
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Field(msgspec.Struct, frozen=True, gc=False):
    """A key's value, and the place of the key in the file."""

    value: Value
    line: int
    column: int = 1


class Tree(msgspec.Struct, frozen=True):
    """The keys of a block, in order, and what was noticed while reading them."""

    fields: dict[str, Field]
    diagnostics: tuple[Diagnostic, ...] = ()


def read_tree(source: Source) -> Tree:
    """Read the YAML of a block; `source` starts with its `---` line, so that no directive can come before.

    Raises SourceError for what is not one mapping.
    """
    readable = FORBIDDEN.sub(" ", source.text)
    reader = _Reader(source, yaml.parse(readable, Loader=_LOADER))  # pyright: ignore[reportUnknownMemberType]
    if readable != source.text:
        reader.tell_forbidden()
    try:
        return Tree(reader.document(), tuple(reader.findings.noted))
    except yaml.MarkedYAMLError as error:
        raise reader.syntax_error(error) from None


class _Reader:
    """Read one document by recursive descent."""

    def __init__(self, source: Source, events: Iterator[yaml.Event]) -> None:
        self.source = source
        self.events = events
        self.anchors: dict[str | None, Value] = {}
        self.findings = Findings(source)

    def document(self) -> dict[str, Field]:
        next(self.events)  # the stream starts
        next(self.events)  # the document starts
        root = next(self.events)
        if isinstance(root, yaml.ScalarEvent) and not root.value:
            return {}
        if not isinstance(root, yaml.MappingStartEvent):
            raise self._error(root.start_mark, "the front matter has no keys", "write `key: value` lines")
        fields = self._fields()
        next(self.events)  # the document ends
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error(after.start_mark, "a second YAML document starts in the front matter")
        return fields

    def _fields(self) -> dict[str, Field]:
        fields: dict[str, Field] = {}
        for event in self._until(yaml.MappingEndEvent):
            line, column = self._place(event.start_mark)
            key = self._value(event, 1)
            value = self._value(next(self.events), 1)
            if isinstance(key, str):
                if key in fields:
                    message = f"`{key}` is given twice, first on line {fields[key].line}"
                    self.findings.warn(line, message, "the last one counts", column=column)
                fields[key] = Field(value, line, column)
        return fields

    def _value(self, event: yaml.Event, depth: int) -> Value:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        assert isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH:
            raise self._error(event.start_mark, _TOO_DEEP)
        value: Value
        if isinstance(event, yaml.ScalarEvent):
            text = event.value.replace("\0", "\ufffd")  # an escape can say what no text may hold
            value = None if event.implicit[0] and text in NULLS else text
        elif isinstance(event, yaml.SequenceStartEvent):
            value = tuple(self._value(item, depth + 1) for item in self._until(yaml.SequenceEndEvent))
        else:
            value = self._mapping(depth + 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def _mapping(self, depth: int) -> dict[str, Value]:
        mapping: dict[str, Value] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._value(event, depth)
            value = self._value(next(self.events), depth)
            if isinstance(key, str):
                mapping[key] = value
        return mapping

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event

    def _alias(self, event: yaml.AliasEvent) -> Value:
        if event.anchor not in self.anchors:
            raise self._error(event.start_mark, f"`*{event.anchor}` names nothing above", _QUOTE)
        return self.anchors[event.anchor]

    def tell_forbidden(self) -> None:
        """Warn of the first character that was read as a space."""
        match = FORBIDDEN.search(self.source.text)
        assert match is not None
        lines = _LINE_BREAK.split(self.source.text[: match.start()])
        line = self.source.first_line + len(lines) - 1
        message = f"front matter can't hold U+{ord(match[0]):04X}, which is read as a space"
        self.findings.warn(line, message, "remove the character", column=len(lines[-1]) + 1)

    def _error(self, mark: _Mark | None, message: str, hint: str = "") -> SourceError:
        line, column = self._place(mark)
        last = self.source.first_line + len(_LINE_BREAK.findall(self.source.text))
        if line > last:  # libyaml ends a last line that has no end
            line, column = last, 1
        return self.source.error(line, message, hint, column=column)

    def _place(self, mark: _Mark | None) -> tuple[int, int]:
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        return self.source.first_line + line, column + 1

    def syntax_error(self, error: yaml.MarkedYAMLError) -> SourceError:
        """Translate libyaml's words, and add a way out."""
        problem = error.problem or "this is not YAML"
        if problem.startswith("exceeded maximum nesting depth"):  # libyaml 0.2.6 looks far ahead, and no deeper
            return self._error(error.problem_mark, _TOO_DEEP)
        at_start = error.context_mark is not None and problem.startswith(_BLAMED_ON_THE_START)
        mark = error.context_mark if at_start else error.problem_mark
        hint = next((hint for start, hint in _HINTS if problem.startswith(start)), "")
        if self._at_tab(mark):
            hint = "indent with spaces, not with tabs"
        return self._error(mark, f"the front matter is not YAML: {problem}", hint)

    def _at_tab(self, mark: _Mark | None) -> bool:
        lines = _LINE_BREAK.split(self.source.text)
        return mark is not None and mark.line < len(lines) and lines[mark.line].startswith("\t", mark.column)
