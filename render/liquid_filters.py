"""blogd's own versions of python-liquid's filters.

- `date` never reads the machine's clock: 'now' and 'today', and what a written date leaves out (the year of "3 March"),
  come from the page, which records the question.
- `slice` and `concat` take a windowed sequence for a list; `slice` reads no more of it than it returns.
- `default`, `escape`, `replace`, `strip_html`, `strip_newlines` and `url_encode` give what python-liquid's give,
  sooner.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from datetime import date as calendar_date
from datetime import datetime, time, tzinfo
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

from dateutil import parser
from liquid.builtin.filters import array, misc, string
from liquid.exceptions import FilterArgumentError
from liquid.undefined import Undefined, is_undefined
from liquid.utils.html import strip_tags

from blogd.render.liquid_items import as_list
from blogd.render.liquid_page import FilterFunction, Page, is_windowed

_CLOCK_WORDS: Final = ("now", "today")
_SHORT: Final = 400  # characters
_MOST_KEPT: Final = 1 << 13  # of each filter
_PROBES: Final = (datetime(2000, 1, 1), datetime(2001, 2, 2))  # noqa: DTZ001 - only compared with each other


class Steady:
    """A filter that gives a text and takes no notice of the page. What it gives of short texts is in `kept`."""

    __slots__ = ("_function", "kept")

    def __init__(self, function: Callable[..., str]) -> None:
        self._function = function
        self.kept = Kept(function)

    def __call__(self, _page: Page, value: object, *arguments: object, **options: object) -> str:
        """Apply the filter."""
        return self._function(value, *arguments, **options)


class Kept(dict[str | tuple[str, ...], str]):
    """What a function gives of a text, or of several, by these; worked out when it is first asked for."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: str | tuple[str, ...]) -> str:
        texts = (key,) if isinstance(key, str) else key
        result = self._function(*texts)
        if sum(map(len, texts)) <= _SHORT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[key] = result
        return result


class Direct:
    """A filter with one argument that is a Python expression where its value is of one class, named in `kind`.

    In `form` stand `{value}` and `{argument}`; the argument is a text.
    """

    __slots__ = ("_function", "form", "kind")

    def __init__(self, function: FilterFunction, kind: str, form: str) -> None:
        self._function = function
        self.kind = kind
        self.form = form

    def __call__(self, page: Page, *arguments: object, **options: object) -> object:
        """Apply the filter."""
        return self._function(page, *arguments, **options)


class Clock:
    """What `now` and `today` mean where they are written as variables."""

    __slots__ = ("_format", "_page")

    def __init__(self, page: Page, format_: str) -> None:
        self._page = page
        self._format = format_

    def __str__(self) -> str:
        return self._page.clock(self._format)


class Clocks(Mapping[str, object]):
    """The variables that every page has; a page's own of the same name come first."""

    __slots__ = ("_page",)
    formats: Final = {"now": "%Y-%m-%d %H:%M:%S", "today": "%Y-%m-%d"}

    def __init__(self, page: Page) -> None:
        self._page = page

    def __getitem__(self, name: str) -> object:
        return Clock(self._page, self.formats[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.formats)

    def __len__(self) -> int:
        return len(self.formats)


def date(page: Page, value: object, form: object) -> str:
    """Format a point in time by strftime's rules; what can't be understood as one stays as it is."""
    if isinstance(value, datetime) and isinstance(form, str):
        return format_once(value, value.tzinfo, value.fold, form)
    if is_undefined(value):
        return ""
    if is_undefined(form):
        return str(value)
    if isinstance(value, Clock) or (isinstance(value, str) and value in _CLOCK_WORDS):
        return page.clock(str(form))
    moment = value if isinstance(value, datetime) else _moment(page, value)
    if moment is not None:
        return _format(moment, form)
    if isinstance(value, str | int):
        return str(value)
    raise FilterArgumentError(f"date expected datetime.datetime, found {type(value).__name__}", token=None)


def slice_(_page: Page, value: object, start: object, length: object = 1) -> object:
    """Return part of a string or sequence."""
    if not is_windowed(value):
        return string.slice_(value, start, length)
    if type(start) is int and type(length) is int and start >= 0 and length >= 0:
        return list(value.window(start, start + length))
    return string.slice_(as_list(value), start, length)


def concat(_page: Page, value: object, other: object) -> object:
    """Return the items of two sequences as one."""
    return array.concat(value, as_list(other))


def escape(value: object) -> str:
    """Return a text with `&`, `<`, `>` and quotes as entities."""
    return html.escape(_text(value))


def strip_html(value: object) -> str:
    """Return a text without tags."""
    return strip_tags(_text(value))


def strip_newlines(value: object) -> str:
    """Return a text in one line."""
    return string.RE_LINETERM.sub("", _text(value))


def url_encode(value: object) -> str:
    """Return a text as it may stand in a URL's query."""
    return quote_plus(_text(value))


def default(_page: Page, value: object, other: object = "", **options: object) -> object:
    """Return a value, another if it is nil, false or empty."""
    if value.__class__ is str:
        return value or other
    if value is None or value.__class__ is Undefined:
        return other
    return misc.default(value, other, **options)


def replace(value: object, old: object, new: object = "") -> str:
    """Return a text with each occurrence of another replaced."""
    if isinstance(value, str) and isinstance(old, str) and isinstance(new, str):
        return value.replace(old, new)
    return str(string.replace(value, old, new))


OWN_FILTERS: Final[Mapping[str, FilterFunction]] = {
    "concat": concat,
    "date": Direct(date, "datetime", "format_once({value}, {value}.tzinfo, {value}.fold, {argument})"),
    "default": Direct(default, "str", "({value} or {argument})"),
    "escape": Steady(escape),
    "replace": Steady(replace),
    "slice": slice_,
    "strip_html": Steady(strip_html),
    "strip_newlines": Steady(strip_newlines),
    "url_encode": Steady(url_encode),
}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _format(moment: datetime, form: object) -> str:
    try:
        return moment.strftime(form)  # type: ignore[arg-type] # a form that is no string is a TypeError, as it should
    except ValueError as error:
        raise FilterArgumentError(str(error), token=None) from error


@lru_cache(maxsize=1 << 13)
def format_once(moment: datetime, _zone: tzinfo | None, _fold: int, form: str) -> str:
    """Format a time; times that differ in zone or fold can be equal, and don't look it."""
    return _format(moment, form)


def _moment(page: Page, value: object) -> datetime | None:
    if isinstance(value, calendar_date):
        return datetime.combine(value, time.min)
    if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
        return _timestamp(int(value))
    return _written(page, value) if isinstance(value, str) else None


def _timestamp(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds)  # noqa: DTZ006 - as python-liquid does
    except (OverflowError, OSError, ValueError):
        return None


def _written(page: Page, text: str) -> datetime | None:
    moment = _parsed(text, _PROBES[0])
    if moment == _parsed(text, _PROBES[1]):
        return moment
    today = datetime.strptime(page.clock("%Y-%m-%d"), "%Y-%m-%d")  # noqa: DTZ007 - a day, not a moment
    return _parsed(text, today)


@lru_cache(maxsize=4096)
def _parsed(text: str, default: datetime) -> datetime | None:
    try:
        return parser.parse(text, default=default)
    except (parser.ParserError, OverflowError):
        return None
