"""What compiled templates call: Liquid's rules as functions.

Rules that python-liquid keeps in private functions are taken from there, so that they can't differ.
The functions raise python-liquid's errors without a token; the line of the compiled template says where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NoReturn, cast

from liquid.builtin.expressions.logical import (
    _contains,  # pyright: ignore[reportPrivateUsage]
    _eq,  # pyright: ignore[reportPrivateUsage]
    _le,  # pyright: ignore[reportPrivateUsage]
    _lt,  # pyright: ignore[reportPrivateUsage]
    is_truthy,
)
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow
from liquid.exceptions import ContextDepthError, DisabledTagError, LiquidSyntaxError
from liquid.limits import to_int
from liquid.stringify import to_liquid_string
from liquid.token import Token
from liquid.undefined import is_undefined

from blogd.render.liquid_filters import Clocks, format_once
from blogd.render.liquid_items import argument, as_list, select
from blogd.render.liquid_page import Page, Run, is_windowed

MISSING: Final = (KeyError, TypeError, IndexError)
_PLAIN: Final = frozenset({str, int, float, list, tuple, dict})
_NOWHERE: Final = Token("", "", -1, "")


class PageNames(dict[str, object]):
    """The page's variables; each is asked for once."""

    __slots__ = ("_page",)

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def __missing__(self, name: str) -> object:
        value = self[name] = self._page[name]
        return value


class Scope(dict[str, object]):
    """The arguments of a partial, and of those around it, before the page's variables."""

    __slots__ = ("page",)
    page: PageNames

    def __missing__(self, name: str) -> object:
        return self.page[name]


def scope(names: PageNames | Scope, arguments: dict[str, object]) -> Scope:
    """Return the names that a partial sees; as in python-liquid that includes its caller's arguments."""
    if isinstance(names, Scope):
        inner = Scope(names)
        inner.update(arguments)
        inner.page = names.page
        return inner
    inner = Scope(arguments)
    inner.page = names
    return inner


def item(value: object, key: object) -> object:
    """Return what one segment of a path means; raise one of MISSING where there is nothing."""
    if key.__class__ is str and key not in _ENDS:
        return cast("Mapping[object, object]", value)[key]
    plain = getattr(key, "__liquid__", None)
    key = key if plain is None else cast("object", plain())
    if isinstance(key, str) and key in _ENDS:
        return _ENDS[key](value)
    if isinstance(key, int) and isinstance(value, str):
        raise TypeError("string object is not subscriptable")
    return cast("Mapping[object, object]", value)[key]


def size_of(value: object) -> object:
    """Return a value's own `size`, or the number of its items."""
    if value.__class__ is list:
        return len(cast("list[object]", value))
    try:
        return cast("Mapping[str, object]", value)["size"]
    except MISSING:
        return len(cast("Sequence[object]", value))


def first_of(value: object) -> object:
    """Return a value's own `first`, or its first item."""
    if is_windowed(value):
        return value.window(0, 1)[0]
    mapping = cast("Mapping[str, object]", value)
    try:
        return mapping["first"]
    except MISSING:
        if isinstance(value, Mapping) and mapping:
            return next(iter(mapping.items()))
        return _end(mapping, 0)


def last_of(value: object) -> object:
    """Return a value's own `last`, or its last item."""
    if is_windowed(value):
        return cast("Sequence[object]", value)[-1]
    try:
        return cast("Mapping[str, object]", value)["last"]
    except MISSING:
        return _end(value, -1)


_ENDS: Final = {"size": size_of, "first": first_of, "last": last_of}


def _end(value: object, index: int) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return cast("Sequence[object]", value)[index]
    raise TypeError


def equal(left: object, right: object) -> bool:
    """Tell whether two values are the same in Liquid."""
    if left.__class__ in _PLAIN and right.__class__ in _PLAIN:
        return left == right
    if left.__class__ is bool and right.__class__ is bool:
        return left is right
    return _eq(left, right)


def contains(left: object, right: object) -> bool:
    """Tell whether Liquid finds one value in another."""
    if left.__class__ is list and right.__class__ is str:
        return right in cast("list[object]", left)
    return _contains(_NOWHERE, left, right)


def truthy(value: object) -> bool:
    """Tell whether a value other than true and false counts as true."""
    return value is not None and (value.__class__ in _PLAIN or is_truthy(value))


def make_range(start: object, stop: object) -> range:
    """Return the numbers from `start` to `stop`; what is no number is 0."""
    first, last = _bound(start), _bound(stop)
    return range(0) if first > last else range(first, last + 1)


def _bound(value: object) -> int:
    try:
        return to_int(value)
    except (ValueError, TypeError):
        return 0


def int_or_zero(value: object) -> int:
    """Return a number of columns."""
    try:
        return to_int(value)
    except ValueError:
        return 0


def cycle(state: dict[str, int], group: object, values: list[object]) -> object:
    """Return the next of the values."""
    name = "__UNDEFINED" if is_undefined(group) else str(group)
    key = name or str(values)
    index = state.setdefault(key, 0)
    state[key] = (index + 1) % len(values)
    return values[index] if index < len(values) else ""


def included(run: Run, value: object) -> Iterable[object]:
    """Return the values that an `include` is repeated for."""
    if isinstance(value, list | tuple):
        values = cast("Sequence[object]", value)
        run.iterate(len(values))
        return values
    return (value,)


def too_deep(tag: str) -> NoReturn:
    """Refuse to nest any deeper."""
    raise ContextDepthError(f"maximum context depth reached, possible recursive {tag}", token=None)


def unexpected(tag: str) -> NoReturn:
    """Refuse a jump outside a loop."""
    raise LiquidSyntaxError(f"unexpected '{tag}'", token=None)


def no_include() -> NoReturn:
    """Refuse an `include` within a `render`."""
    raise DisabledTagError("include usage is not allowed in this context", token=None)


NAMES: Final[Mapping[str, object]] = {
    "BLANK": Blank(_NOWHERE),
    "EMPTY": Empty(_NOWHERE),
    "FALSE": False,
    "ForLoop": ForLoop,
    "MISSING": MISSING,
    "ONCE": (None,),
    "TRUE": True,
    "TableRow": TableRow,
    "UNSET": object(),
    "argument": argument,
    "as_list": as_list,
    "clocks": Clocks,
    "contains": contains,
    "cycle": cycle,
    "datetime": datetime,
    "equal": equal,
    "first_of": first_of,
    "format_once": format_once,
    "included": included,
    "int_or_zero": int_or_zero,
    "item": item,
    "last_of": last_of,
    "less": partial(_lt, _NOWHERE),
    "less_or_equal": _le,
    "make_range": make_range,
    "no_include": no_include,
    "scope": scope,
    "select": select,
    "size_of": size_of,
    "text": partial(to_liquid_string, autoescape=False),
    "too_deep": too_deep,
    "truthy": truthy,
    "unexpected": unexpected,
}
"""What the source of a compiled template refers to by name."""
