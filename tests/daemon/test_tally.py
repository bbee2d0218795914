"""The bar is smooth and true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.daemon.events import SECTIONS, Progress, Section
from blogd.daemon.tally import Count, Tally


def begun() -> Tally:
    tally = Tally()
    tally.begin(0.0)
    return tally


def fill(tally: Tally, section: Section, done: int, total: int, now: float = 0.0) -> None:
    tally.update(Progress(section=section, done=done, total=total), now)


def test_sections_are_counted_by_themselves_and_together() -> None:
    tally = begun()
    fill(tally, "posts", 10, 10)
    fill(tally, "single", 4, 10)
    fill(tally, "tag", 0, 5)
    assert tally.sections["single"] == Count(4, 10)
    assert tally.overall == Count(14, 25)
    assert tally.pages == Count(4, 15)


def test_reading_all_posts_does_not_fill_the_bar() -> None:
    tally = begun()
    fill(tally, "posts", 10, 10)
    assert tally.fraction == pytest.approx(1 / 3)


def test_the_bar_does_not_jump_when_pages_become_known() -> None:
    tally = begun()
    fill(tally, "posts", 10, 10)
    fill(tally, "single", 0, 10)
    fill(tally, "tag", 0, 1000)
    assert tally.fraction == pytest.approx(1 / 3)
    fill(tally, "single", 10, 10)
    fill(tally, "tag", 500, 1000)
    assert 0.6 < tally.fraction < 0.7


@given(st.lists(st.tuples(st.sampled_from(SECTIONS), st.integers(0, 500), st.integers(0, 1000)), max_size=30))
def test_the_bar_never_goes_back_while_counts_grow(steps: list[tuple[Section, int, int]]) -> None:
    tally = begun()
    before = 0.0
    for section, done, total in steps:
        fill(tally, section, max(done, tally.sections.get(section, Count(0, 0)).done), total)
        assert before <= tally.fraction + 1e-9
        assert tally.fraction <= 1 + 1e-9
        before = tally.fraction


@given(st.dictionaries(st.sampled_from(SECTIONS[1:-1]), st.integers(1, 500), min_size=1), st.integers(1, 5))
def test_the_bar_is_full_when_all_is_done(totals: dict[Section, int], parts: int) -> None:
    tally = begun()
    fill(tally, "posts", 50, 50)
    for part in range(parts + 1):
        for section, total in totals.items():
            fill(tally, section, total * part // parts, total)
    assert tally.fraction == pytest.approx(1.0)


def test_more_done_than_foreseen_raises_the_total() -> None:
    tally = begun()
    fill(tally, "core", 7, 5)
    assert tally.overall == Count(7, 7)


def test_a_tally_begins_once_and_by_itself() -> None:
    tally = Tally()
    assert (tally.lasts(9.0), tally.rate(), tally.seconds_left(9.0)) == (0.0, None, None)
    fill(tally, "single", 1, 2, now=3.0)
    tally.begin(5.0)
    assert tally.lasts(9.0) == 6.0


def test_speed_is_that_of_posts_and_then_of_pages() -> None:
    tally = begun()
    assert tally.rate() is None
    fill(tally, "posts", 100, 100, now=1.0)
    assert tally.rate() == (100.0, "posts")
    fill(tally, "single", 60, 100, now=2.0)
    assert tally.rate() == (60.0, "pages")


def test_speed_is_that_of_the_last_seconds() -> None:
    tally = begun()
    for second in range(1, 21):
        fill(tally, "single", second if second < 10 else 100 * second, 5000, now=float(second))
    rate = tally.rate()
    assert rate
    assert rate[0] == pytest.approx(100)


def test_speed_does_not_count_the_time_before_work_began() -> None:
    tally = begun()
    for done, now in [(0, 2.0), (0, 3.0), (10, 4.0), (20, 5.0)]:
        fill(tally, "single", done, 100, now)
    assert tally.rate() == (10.0, "pages")
    assert tally.seconds_left(5.0) == pytest.approx(8.0)


def test_time_left_is_not_guessed_from_too_little() -> None:
    tally = begun()
    fill(tally, "single", 10, 1000, now=3.0)
    assert tally.seconds_left(3.0) is None


def test_time_left_follows_from_speed_and_passes_between_events() -> None:
    tally = begun()
    fill(tally, "single", 10, 100, now=0.5)
    assert tally.seconds_left(0.5) is None
    fill(tally, "single", 20, 100, now=2.0)
    assert tally.seconds_left(2.0) == pytest.approx(8.0)
    assert tally.seconds_left(3.0) == pytest.approx(7.0)
    assert tally.seconds_left(30.0) == 0.0
