"""The machine's time zone, by name."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LINK = Path("/etc/localtime")
_NAME = Path("/etc/timezone")


def local_timezone() -> str:
    """Give the IANA name of the machine's zone: `TZ`, then /etc/localtime, then /etc/timezone, else UTC."""
    for name in (os.environ.get("TZ", "").lstrip(":"), _linked(), _written()):
        if name and _exists(name):
            return name
    return "UTC"


def _linked() -> str:
    try:
        return os.path.realpath(_LINK).partition("zoneinfo/")[2]
    except OSError:
        return ""


def _written() -> str:
    try:
        return _NAME.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
