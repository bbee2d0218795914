"""Numbers, times, places and excerpts read well and are harmless on a terminal."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.daemon import wording
from blogd.daemon.events import Built
from blogd.render.diagnostic import Diagnostic

NOTHING = Built(pages=0, rendered=0, written=0, unchanged=0, removed=0, failed=0, elapsed_ms=500.0)


def built(**counts: int) -> Built:
    return msgspec.structs.replace(NOTHING, **counts)


def finding(line: str, column: int) -> Diagnostic:
    return Diagnostic(severity="error", path="p", message="m", line=1, column=column, source_line=line)


@given(st.text(st.characters(exclude_categories=[])))
def test_printable_text_is_one_harmless_line(text: str) -> None:
    shown = wording.printable(text)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    shown.encode()


def test_an_escape_sequence_loses_its_power() -> None:
    assert wording.printable("\x1b[2Ja\tb\udc80") == "\ufffd[2Ja    b\ufffd"


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0.4, "0 ms"),
        (38.2, "38 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (8412.0, "8.41 s"),
        (9996.0, "10.0 s"),
        (59_940.0, "59.9 s"),
        (59_990.0, "1 min 00 s"),
        (133_000.0, "2 min 13 s"),
    ],
)
def test_durations(milliseconds: float, words: str) -> None:
    assert wording.duration(milliseconds) == words


def test_countdown_memory_and_counts() -> None:
    assert wording.countdown(4.4) == "0:04 left"
    assert wording.countdown(3725) == "1:02:05 left"
    assert wording.memory(312_400_000) == "312 MB"
    assert wording.memory(1_230_000_000) == "1.23 GB"
    assert wording.counted(1, "page") == "1 page"
    assert wording.counted(20_031, "page") == "20,031 pages"
    assert wording.findings(1, 0) == "1 error"
    assert wording.findings(2, 3) == "2 errors, 3 warnings"


def test_changes_are_named_by_the_first() -> None:
    assert wording.what_changed(()) == "no source changed"
    assert wording.what_changed(("posts/a.md",)) == "posts/a.md"
    assert wording.what_changed(("posts/2024/hello.md", "b", "c"), 19) == "…/hello.md + 2 more"


def test_wide_letters_take_two_columns() -> None:
    assert wording.cells("日本e\u0301") == 5
    assert wording.clipped("日本語", 5) == "日本…"
    assert wording.clipped_path("日本語.md", 6) == "…語.md"
    assert wording.clipped("abc", 3) == "abc"


@given(st.text(max_size=40), st.integers(1, 30))
def test_clipped_text_fits(text: str, width: int) -> None:
    assert wording.cells(wording.clipped(wording.printable(text), width)) <= width


def test_a_place_is_as_exact_as_is_known() -> None:
    assert wording.place(Diagnostic(severity="error", path="a.md", message="m")) == "a.md"
    assert wording.place(Diagnostic(severity="error", path="a.md", message="m", line=3)) == "a.md:3"
    assert wording.place(Diagnostic(severity="error", path="a.md", message="m", line=3, column=9)) == "a.md:3:9"


def test_the_caret_stands_under_the_column() -> None:
    assert wording.excerpt(finding("  {{ x | y }}", 10), 40) == ("{{ x | y }}", "       ^")
    assert wording.excerpt(finding("\tab\tc", 5), 40) == ("ab    c", "      ^")
    assert wording.excerpt(finding("日本x", 3), 40) == ("日本x", "    ^")
    assert wording.excerpt(finding("abc", 9), 40) == ("abc", "   ^")
    assert wording.excerpt(finding("abc", 0), 40) == ("abc", "")
    assert wording.excerpt(finding("   ", 2), 40) is None


@given(st.integers(1, 300), st.integers(10, 60))
def test_a_long_line_is_cut_around_the_column(column: int, width: int) -> None:
    line = "".join(chr(0x4E00 + i) if i % 7 == 0 else chr(97 + i % 26) for i in range(300))
    shown = wording.excerpt(finding(line, column), width)
    assert shown
    text, caret = shown
    assert wording.cells(text) <= width
    offsets = [wording.cells(text[:i]) for i in range(len(text))]
    below = text[offsets.index(len(caret) - 1)]
    assert below == line[column - 1] or (below == "…" and column >= 300 - width)


def test_an_outcome_leaves_out_what_is_nought() -> None:
    assert wording.outcome(built()) == "nothing to render"
    assert wording.outcome(built(unchanged=5)) == "nothing to render"
    assert wording.outcome(built(written=1, removed=2)) == "1 written, 2 removed"
    assert wording.outcome(built(rendered=3, written=2, failed=1)) == "3 rendered, 2 written, 1 failed"


def test_a_headline_tells_work_from_none() -> None:
    assert wording.headline(built(pages=20)) == "20 files up to date, checked in 500 ms"
    assert wording.headline(built(pages=20, failed=1)) == "built 20 files in 500 ms"
    assert wording.pages_per_second(built(rendered=1000)) == "2,000 pages/s"


def test_a_hint_has_a_line_of_its_own_and_a_traceback_several() -> None:
    one, more = (Diagnostic(severity="error", path="a", message="b", hint=hint) for hint in ("c\t", "c\n  d"))
    assert wording.hint(one) == ["hint: c    "]
    assert wording.hint(more) == ["    c", "      d"]
    assert wording.hint(Diagnostic(severity="error", path="a", message="b")) == []
