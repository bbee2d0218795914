"""Where in which template something went wrong, and the way out.

python-liquid's errors hold a token, or none, and rarely the template; other exceptions come out of filters and drops.
The place is found from the traceback: the innermost template, and in it the innermost node, expression or filter
that was at work. A token that an error brings along is more exact and wins.

Compiled templates are found by their code: the globals of a compiled function hold `places`, one for each line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from traceback import walk_tb
from typing import TYPE_CHECKING, Final, cast

from liquid.ast import Node
from liquid.builtin.expressions.filtered import Filter
from liquid.exceptions import (
    ContextDepthError,
    LiquidError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    TemplateNotFoundError,
)
from liquid.expression import Expression
from liquid.template import BoundTemplate
from liquid.token import Token

from blogd.render.diagnostic import Diagnostic, SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blogd.render.records import TemplateSource

_RESERVED: Final = re.compile(r"expected an identifier, found (\w+)")
_FILTER: Final = re.compile(r"(?<=[|\s])\w+")
_HINTS: Final[dict[type[Exception], str]] = {
    ContextDepthError: "look for partials that render each other without end",
    LoopIterationLimitError: "narrow the loops, for example with `limit`",
    OutputStreamLimitError: "look for a loop or a filter that makes text without end",
}


class TemplateError(SourceError):
    """A template that can't be parsed, found or rendered."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a template; `index` counts characters of its text."""

    source: TemplateSource
    index: int


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a compiled template's lines: for each the number of one of `sources`, and an index."""

    lines: Sequence[tuple[int, int]]
    sources: Sequence[TemplateSource | None]

    def find(self, line: int) -> Place | None:
        """Return the place of a line, counted from 1."""
        number, index = self.lines[line - 1]
        source = self.sources[number]
        return Place(source, index) if source and index >= 0 else None


def template_error(error: Exception, source: TemplateSource) -> TemplateError:
    """Say what an exception raised while parsing or rendering `source` means to the template's author."""
    if isinstance(error, TemplateError):
        return error
    place = _place(error, source)
    message = _message(error, place)
    return TemplateError(_diagnostic(place, message, _hint(error, message, place)))


def missing_template(name: str) -> TemplateError:
    """Say that the template of a page is missing."""
    message = f"template {name!r} not found"
    return TemplateError(Diagnostic(severity="error", path=f"templates/{name}.liquid", message=message))


def _diagnostic(place: Place, message: str, hint: str) -> Diagnostic:
    text, index, source = place.source.text, place.index, place.source
    if index < 0:
        return Diagnostic(severity="error", path=source.path, message=message, hint=hint)
    start = text.rfind("\n", 0, index) + 1
    end = text.find("\n", index)
    return Diagnostic(
        severity="error",
        path=source.path,
        message=message,
        line=source.first_line + text.count("\n", 0, index),
        column=index - start + 1,
        hint=hint,
        source_line=text[start : len(text) if end < 0 else end].rstrip("\r"),
    )


def _message(error: Exception, place: Place) -> str:
    if isinstance(error, TemplateNotFoundError):
        return f"template {str(error.args[0])!r} not found"
    if isinstance(error, LiquidError):
        return str(error.message)
    if isinstance(error, TypeError) and (name := _FILTER.match(place.source.text, max(place.index, 0))):
        return f"{name[0]}: {error}"
    return f"{type(error).__name__}: {error}"


def _hint(error: Exception, message: str, place: Place) -> str:
    if isinstance(error, TemplateNotFoundError):
        return f"create templates/{error.args[0]}.liquid, or correct the name"
    if (found := _RESERVED.match(message)) and place.source.text[place.index - 1 : place.index] == ".":
        word = found[1]
        return f'{word!r} is one of Liquid\'s own words: write ["{word}"] in place of .{word}'
    return _HINTS.get(type(error), "mend the template; until then its pages stay as they were")


def _place(error: Exception, source: TemplateSource) -> Place:
    place = Place(source, -1)
    for frame, line in walk_tb(error.__traceback__):
        subject: object = frame.f_locals.get("self")
        places: object = frame.f_globals.get("places")
        if isinstance(subject, BoundTemplate):
            source = cast("TemplateSource", subject.matter["source"])
        elif isinstance(places, Places):
            place = places.find(line) or place
            source = place.source
        token = subject.token if isinstance(subject, Node | Expression | Filter) else frame.f_locals.get("token")
        if isinstance(token, Token) and token.start_index >= 0:
            place = Place(source, token.start_index)
    if isinstance(error, LiquidError) and error.token is not None and error.token.start_index >= 0:
        return Place(source, error.token.start_index)
    return place
