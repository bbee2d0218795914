"""`calendar.json`: how many posts of the list set there are in each year, month and day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


def calendar_json(years: Mapping[str, int], months: Mapping[str, int], days: Mapping[str, int]) -> str:
    """Write the counts, by `2025`, `2025-01` and `2025-01-15`, in the order of the calendar."""
    counts = {name: dict(sorted(of.items())) for name, of in (("years", years), ("months", months), ("days", days))}
    return msgspec.json.encode(counts).decode() + "\n"
