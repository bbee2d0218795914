"""Points in time: the ways in which sources write them, and the ways in which outputs do.

An *instant* is a whole number of microseconds since 1970-01-01 UTC: exact, comparable, free of zones. A text without
a zone means the site's: in the hour that a change to summer time leaves out, the instant just as long after the
change; in the hour that comes twice, the first. Years 1 and 9999 are left out but for what any zone can still show.

Names of days and months are those of the RFCs, whatever the locale.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_WRITTEN = re.compile(
    r"""
    (\d{4}) ([-/]) (\d{1,2}) \2 (\d{1,2})
    (?:
        (?: [Tt] | [ \t]+ ) (\d{1,2}) : (\d{2}) (?: : (\d{2}) (?: [.,] (\d{1,6}) \d* )? )?
        [ \t]* (?: ( [Zz] | UTC | GMT ) | ([-+]) (\d{1,2}) :? (\d{2})? )?
    )?
    """,
    re.VERBOSE | re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime(1, 1, 3, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 29, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=8)  # posts often give the same date two or three times
def parse_instant(text: str, zone: tzinfo) -> int | None:
    """Read an instant; None when the text is no date.

    ISO 8601 in its extended form, `2015-12-25 17:00:00 +0000`, YAML's timestamps, `/` for `-`; seconds, time and zone
    may be missing. `zone` is meant where none is written.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    year, _, month, day, hour, minute, second, fraction, utc, sign, hours, minutes = match.groups(default="")
    try:
        moment = datetime(
            *(int(year), int(month), int(day)),
            *(int(hour or 0), int(minute or 0), int(second or 0), int(fraction.ljust(6, "0"))),
            tzinfo=UTC if utc else _offset(sign, int(hours), int(minutes or 0)) if sign else zone,
        )
    except ValueError:
        return None
    instant = (moment - _EPOCH) // _MICROSECOND
    return instant if _FIRST <= instant <= _LAST else None


def _offset(sign: str, hours: int, minutes: int) -> timezone:
    if minutes > 59:
        raise ValueError(minutes)
    east = timedelta(hours=hours, minutes=minutes)
    return timezone(-east if sign == "-" else east)


def local(instant: int, zone: tzinfo) -> datetime:
    """Tell what clocks and calendars in a zone show at an instant."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def rfc3339(moment: datetime) -> str:
    """Write a moment as Atom, sitemaps and HTML do, to the second: `2015-12-25T17:00:00+01:00`, or `…Z` for UTC."""
    return _whole_minutes(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def rfc822(moment: datetime) -> str:
    """Write a moment as RSS does, with a year of four digits: `Fri, 25 Dec 2015 17:00:00 +0100`."""
    moment = _whole_minutes(moment)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S %z}"


def _whole_minutes(moment: datetime) -> datetime:
    """Go to UTC where the zone's distance from it has seconds (before standard time), which no RFC can write."""
    offset = moment.utcoffset()
    return moment.astimezone(UTC) if offset and offset.seconds % 60 else moment


def find_zone(name: str) -> ZoneInfo | None:
    """Look up a time zone by its IANA name; None for anything that is not one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
