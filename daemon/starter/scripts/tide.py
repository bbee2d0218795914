"""
---
slug: tide
title: Tide curve
kind: macro
enabled: true
entrypoint: render
---
Draws a day's tide: [[tide high="06:12" top="4.1" bottom="0.6"]]

`high` is the first high water of the day, `top` and `bottom` are the heights of high and low water in metres.
"""

from math import cos, pi

PERIOD = 12.42  # hours from one high water to the next
WIDTH, HEIGHT = 620, 150
WORDS = {
    "": ("Tide curve", "high water {}", "m"),
    "/de": ("Tidenkurve", "Hochwasser {}", "m"),
}


def render(context: dict[str, dict[str, str]], _post: dict[str, object] | None) -> dict[str, str]:
    """Return the HTML that takes the place of the macro."""
    params = context["params"]
    high = hours(params.get("high", "06:00"))
    top, bottom = float(params.get("top", 4)), float(params.get("bottom", 0.5))
    name, moment, unit = WORDS.get(context["env"]["languagePrefix"], WORDS[""])

    def depth(hour: float) -> float:
        return (top + bottom) / 2 + (top - bottom) / 2 * cos(2 * pi * (hour - high) / PERIOD)

    def point(hour: float) -> str:
        return f"{hour * WIDTH / 24:.0f} {HEIGHT - depth(hour) / top * (HEIGHT - 30):.1f}"

    curve = "L".join(point(step / 4) for step in range(24 * 4 + 1))
    peaks = [hour for hour in (high - PERIOD, high, high + PERIOD) if 0 <= hour <= 24]
    times = ", ".join(moment.format(clock(hour)) for hour in peaks)
    marks = "".join(mark(point(hour), clock(hour)) for hour in peaks)
    ticks = "".join(tick(hour) for hour in (0, 6, 12, 18, 24))
    return {
        "html": f'<figure class="tide"><svg viewBox="0 0 {WIDTH} {HEIGHT + 24}" role="img" aria-label="{name}">'
        f'{ticks}<path class="sea" fill="none" stroke="currentColor" '
        f'd="M0 {HEIGHT}L{curve}L{WIDTH} {HEIGHT}Z"/>{marks}</svg>'
        f"<figcaption>{name}: {times}; {bottom:g}&#8211;{top:g} {unit}</figcaption></figure>"
    }


def hours(text: str) -> float:
    """Read "06:12" as a number of hours."""
    hour, _, minute = text.partition(":")
    return int(hour) + int(minute or 0) / 60


def clock(hour: float) -> str:
    """Write a number of hours as "06:12"."""
    minutes = round(hour * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def mark(point: str, text: str) -> str:
    """Write a text above a point of the curve."""
    x, y = point.split()
    return f'<text x="{x}" y="{float(y) - 8:.1f}" text-anchor="middle">{text}</text>'


def tick(hour: int) -> str:
    """Draw the line of an hour, with the time below it."""
    x = hour * WIDTH // 24
    anchor = {0: "start", 24: "end"}.get(hour, "middle")
    return (
        f'<path class="axis" stroke="currentColor" stroke-opacity=".2" d="M{x} 10V{HEIGHT}"/>'
        f'<text x="{x}" y="{HEIGHT + 20}" text-anchor="{anchor}">{hour:02}:00</text>'
    )
