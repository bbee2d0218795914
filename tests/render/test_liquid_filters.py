"""blogd's versions of Liquid's filters give what python-liquid's give."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.undefined import Undefined

from blogd.render import liquid_filters
from blogd.render.liquid_filters import OWN_FILTERS, Steady
from blogd.render.reads import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.render.reads import Reads

ENVIRONMENT = Environment()
MARKUP = st.text("<>/&;ab\r\n ", max_size=20) | st.just("<p>a<script>b</script> c")
TEXTS = st.text() | st.text("<>&'\"a ", min_size=150, max_size=250)
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | TEXTS


class Timeless:
    """A page that has no clock and no variables."""

    def __getitem__(self, name: str) -> object:
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return False

    kin = "en"
    recorder = Recorder()

    def shows_otherwise(self, _: Reads) -> bool:
        return False

    def shares(self, _: str) -> bool:
        return False

    def apart(self) -> Timeless:
        return self

    def clock(self, form: str) -> str:
        raise AssertionError(form)


def outcome(act: Callable[[], object]) -> object:
    try:
        return act()
    except (LiquidError, TypeError) as error:
        return str(error)


def assert_same(name: str, *arguments: object) -> None:
    theirs = ENVIRONMENT.filters[name]
    extra = {"environment": ENVIRONMENT} if hasattr(theirs, "with_environment") else {}
    expected = outcome(lambda: theirs(*arguments, **extra))
    assert outcome(lambda: OWN_FILTERS[name](Timeless(), *arguments)) == expected


@given(SCALARS | st.lists(TEXTS, max_size=2))
def test_escaping(value: object) -> None:
    assert_same("escape", value)
    assert_same("url_encode", value)


@given(SCALARS | MARKUP | st.lists(TEXTS, max_size=2))
def test_stripping(value: object) -> None:
    assert_same("strip_html", value)
    assert_same("strip_newlines", value)


@given(SCALARS | st.lists(TEXTS, max_size=2), SCALARS, SCALARS)
def test_replacing(value: object, old: object, new: object) -> None:
    assert_same("replace", value, old, new)
    assert_same("replace", value, old)


@given(SCALARS | st.booleans() | st.lists(TEXTS, max_size=2), SCALARS)
def test_defaults(value: object, other: object) -> None:
    assert_same("default", value, other)
    assert_same("default", value)
    assert_same("default", Undefined("x"), other)


@given(SCALARS | st.lists(st.integers(), max_size=5), st.integers(-6, 6) | st.text(max_size=2), st.integers(-2, 6))
def test_slices(value: object, start: object, length: int) -> None:
    assert_same("slice", value, start, length)


@given(SCALARS | st.lists(st.integers(), max_size=5), st.lists(st.integers(), max_size=2) | st.text())
def test_concatenation(value: object, other: object) -> None:
    assert_same("concat", value, other)


def test_equal_times_that_look_different_are_told_apart() -> None:
    """python-liquid mixes them up: it looks dates up by their value."""
    berlin = ZoneInfo("Europe/Berlin")
    there = datetime(2024, 10, 27, 0, 30, tzinfo=UTC).astimezone(berlin)
    again = datetime(2024, 10, 27, 1, 30, tzinfo=UTC).astimezone(berlin)
    for moment in (there.astimezone(UTC), there, again, again.astimezone(UTC)):
        assert OWN_FILTERS["date"](Timeless(), moment, "%F %R %z") == moment.strftime("%F %R %z")


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M", "%s", "%d. %B", "", "%%", None, 3])
@pytest.mark.parametrize(
    "value",
    [
        datetime(2020, 2, 29, 23, 59, tzinfo=UTC),
        date(2020, 2, 29),
        "2020-02-29",
        "29 Feb 2020 10:30",
        "2020-02-29T10:30:00+02:00",
        "1152098955",
        1152098955,
        0,
        True,
        "no date",
        "",
        None,
        2.5,
    ],
)
def test_dates(value: object, form: object) -> None:
    assert_same("date", value, form)


def test_what_is_kept_of_a_filter_is_short_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liquid_filters, "_MOST_KEPT", 2)
    kept = Steady("{}{}".format).kept
    assert kept["a", "x" * 400] == "a" + "x" * 400
    assert not kept
    assert [kept["a", part] for part in "bcd"] == ["ab", "ac", "ad"]
    assert kept == {("a", "d"): "ad"}
