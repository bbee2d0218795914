"""Which items a `for` or `tablerow` visits; one rule for interpreted and compiled templates.

Mappings are visited as pairs, a string as one item, and what is no sequence not at all. A `Windowed` sequence is
asked for the items wanted and never for its length.

As in python-liquid, `limit: 0` without an offset means no limit. A negative limit visits nothing (python-liquid
ends in a ValueError of its own).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import cast

from liquid.exceptions import LiquidTypeError, LiquidValueError
from liquid.limits import to_int

from blogd.render.liquid_page import TO_THE_END, Windowed, is_windowed


def select(value: object, limit: int | None, offset: int) -> tuple[Sequence[object], int]:
    """Return the items from `offset` on, at most `limit`, and the index after the last of them."""
    stop = None if limit is None else (limit + offset) or None
    if is_windowed(value):
        return _window(value, max(offset, 0), stop)
    items = _items(value)
    length = _length(items)
    start = min(max(offset, 0), length)
    stop = length if stop is None else min(stop, length)
    if start == 0 and stop == length:
        return items, stop
    return _slice(items, start, max(stop, start)), stop


def argument(value: object) -> int:
    """Return a loop's limit or offset as a number."""
    try:
        return to_int(value)
    except (ValueError, TypeError) as error:
        message = f"expected an integer, found {type(value).__name__}"
        raise LiquidTypeError(message, token=None) from error


def as_list(value: object) -> object:
    """Return all items of a windowed sequence as a list, anything else as it is."""
    return list(value.window(0, TO_THE_END)) if is_windowed(value) else value


def _window(value: Windowed, start: int, stop: int | None) -> tuple[Sequence[object], int]:
    items = value.window(start, TO_THE_END if stop is None else max(start, stop))
    return items, start + len(items)


def _items(value: object) -> Sequence[object]:
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, Mapping):
        return list(cast("Mapping[object, object]", value).items())
    return cast("Sequence[object]", value) if isinstance(value, Sequence) else ()


def _length(items: Sequence[object]) -> int:
    try:
        return len(items)
    except OverflowError as error:
        raise LiquidValueError("range literal length limit reached", token=None) from error


def _slice(items: Sequence[object], start: int, stop: int) -> Sequence[object]:
    if isinstance(items, list | tuple | range):
        return cast("Sequence[object]", items)[start:stop]
    return list(islice(items, start, stop))
