"""The pass that completes URLs; what it means is in `tests/cases/`."""

from __future__ import annotations

from blogd.render.urls import complete_urls


def test_a_tag_that_never_ends_costs_no_more_than_its_length() -> None:
    text = f"<div{' ' * 200_000}" + "<a 'b" * 50_000
    assert complete_urls(text, "/de", "", ("/de",)) == text
