from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.instants import find_zone, local, parse_instant, rfc822, rfc3339

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def utc(*parts: int) -> int:
    return (datetime(*parts, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)  # type: ignore[misc,arg-type] # parts are what datetime takes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-15T10:00:00Z", utc(2024, 1, 15, 10)),
        ("2024-01-15T10:00:00.123Z", utc(2024, 1, 15, 10, 0, 0, 123_000)),
        ("2024-01-15T10:00:00,5+02:00", utc(2024, 1, 15, 8, 0, 0, 500_000)),
        ("2024-01-15T10:00:00.1234567890Z", utc(2024, 1, 15, 10, 0, 0, 123_456)),
        ("2015-12-25 17:00:00 +0000", utc(2015, 12, 25, 17)),
        ("2015-12-25 17:00:00 UTC", utc(2015, 12, 25, 17)),
        ("2015-12-25 17:00 -0330", utc(2015, 12, 25, 20, 30)),
        ("2001-12-14 21:59:43.10 -5", utc(2001, 12, 15, 2, 59, 43, 100_000)),
        ("2001-1-2t3:04:05z", utc(2001, 1, 2, 3, 4, 5)),
        ("  2016-03-09\t", utc(2016, 3, 8, 23)),
        ("2016-07-09", utc(2016, 7, 8, 22)),
        ("2012-06-23 00:07:06", utc(2012, 6, 22, 22, 7, 6)),
        ("2013/7/13 20:46", utc(2013, 7, 13, 18, 46)),
        ("1900-01-01", utc(1899, 12, 31, 23)),
    ],
)
def test_each_form_is_read(text: str, expected: int) -> None:
    assert parse_instant(text, BERLIN) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2024", "2024-13-01", "2024-02-30", "2024-01-15T25:00Z", "2024-01-15 10:61", "2024-01/15"),
        *("2024-01-15T10:00:00+25:00", "2024-01-15T10:00:00+01:60", "2024-01-15Z", "20240115"),
        *("0000-01-01", "0001-01-01", "9999-12-31T23:59:59-23:00", "\u0662\u0660\u0662\u0664-01-15"),
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_instant(text, BERLIN) is None


def test_a_time_that_summer_time_leaves_out_is_as_long_after_the_change() -> None:
    assert parse_instant("2024-03-31 02:30", BERLIN) == utc(2024, 3, 31, 1, 30)
    assert parse_instant("2024-03-10 02:30", NEW_YORK) == utc(2024, 3, 10, 7, 30)


def test_a_time_that_comes_twice_is_the_first() -> None:
    assert parse_instant("2024-10-27 02:30", BERLIN) == utc(2024, 10, 27, 0, 30)


@given(st.text(alphabet="0123456789-/:TZ+. ", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_date_or_none_and_a_date_can_be_shown_anywhere(text: str) -> None:
    instant = parse_instant(text, BERLIN)
    if instant is not None:
        for hours in (-14, 14):
            local(instant, timezone(timedelta(hours=hours)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-23 * 60, 23 * 60))  # noqa: DTZ001 - a wall clock's
def test_what_is_written_with_a_zone_comes_back(moment: datetime, minutes: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    instant = parse_instant(zoned.isoformat(), BERLIN)
    assert instant is not None
    assert local(instant, zoned.tzinfo or UTC) == zoned


def test_formats_are_those_of_the_rfcs() -> None:
    moment = datetime(2015, 12, 5, 7, 4, 3, 999_999, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    assert rfc3339(moment) == "2015-12-05T07:04:03-03:30"
    assert rfc822(moment) == "Sat, 05 Dec 2015 07:04:03 -0330"
    assert rfc3339(moment.astimezone(UTC)) == "2015-12-05T10:34:03Z"
    assert rfc822(moment.astimezone(UTC)) == "Sat, 05 Dec 2015 10:34:03 +0000"
    assert rfc3339(datetime(17, 1, 2, tzinfo=UTC)) == "0017-01-02T00:00:00Z"
    assert rfc822(datetime(17, 1, 2, tzinfo=UTC)) == "Mon, 02 Jan 0017 00:00:00 +0000"


def test_zones_with_seconds_are_shown_in_utc() -> None:
    moment = datetime(1850, 1, 1, tzinfo=BERLIN)
    assert moment.utcoffset() != timedelta(minutes=53)
    assert rfc3339(moment) == "1849-12-31T23:06:32Z"
    assert rfc822(moment) == "Mon, 31 Dec 1849 23:06:32 +0000"


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC"])
def test_a_zone_is_found(name: str) -> None:
    assert str(find_zone(name)) == name


@pytest.mark.parametrize(
    "name", ["", "Nowhere", "../etc/passwd", "/etc/passwd", "America", "a\0b", "x" * 5_000, "\udcff"]
)
def test_what_is_no_zone_is_none(name: str) -> None:
    assert find_zone(name) is None
