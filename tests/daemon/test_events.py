"""Events are plain frozen values; those that are lines of `--json` carry the promised fields."""

from __future__ import annotations

import msgspec
import pytest

from blogd.daemon.events import (
    Built,
    DiagnosticEvent,
    Difference,
    Event,
    Explained,
    Note,
    PhaseStarted,
    Progress,
    Ready,
    RebuildStarted,
    Started,
    Stopped,
    Verified,
    WorkerState,
)
from blogd.render.diagnostic import Diagnostic

BUILT = Built(
    changed=("posts/a.md",), pages=9, rendered=3, written=2, unchanged=1, removed=0, failed=0, elapsed_ms=12.5
)
EVENTS: list[Event] = [
    Started(version="1.0", site="/s", out="/s/html", workers=2),
    PhaseStarted(phase="scan"),
    Progress(section="tag", done=1, total=2),
    WorkerState(worker=0, status="busy"),
    DiagnosticEvent(diagnostic=Diagnostic(severity="error", path="p", message="m")),
    Note(text="n"),
    Explained(page="/a/", reason="r"),
    RebuildStarted(changed=("posts/a.md",)),
    BUILT,
    Ready(),
    Difference(path="a.html", kind="differs", line=3, because=("r",)),
    Verified(files=9, differences=1, failed=0, elapsed_ms=12.5),
    Stopped(signal="SIGINT"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_survives_a_pipe(event: Event) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=Event) == event


def test_events_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        BUILT.pages = 1  # type: ignore[misc] # it is what the test is about  # pyright: ignore[reportAttributeAccessIssue]


def test_a_sum_keeps_the_promised_fields_in_their_order() -> None:
    assert list(msgspec.to_builtins(BUILT))[:9] == [
        "event",
        "changed",
        "pages",
        "rendered",
        "written",
        "unchanged",
        "removed",
        "failed",
        "elapsed_ms",
    ]


def test_a_start_and_a_ready_are_as_promised() -> None:
    assert msgspec.to_builtins(EVENTS[0]) == {
        "event": "started",
        "version": "1.0",
        "site": "/s",
        "out": "/s/html",
        "workers": 2,
    }
    assert msgspec.to_builtins(Ready()) == {"event": "ready"}
