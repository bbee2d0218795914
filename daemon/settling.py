"""When a reported change is believed: one save is one batch, and no reader finds a file half-way.

For some milliseconds of a save a file is absent (vim, Emacs and git put a new one in its place) or empty (truncated
before the data comes), and one save is reported in several pieces. So a reported path is *held* until a look at it is
steady:

- *steady*: it is there, isn't empty, and its last change (ctime: unlike mtime it can't be set) is older than a tick,
  and older still if it is large: such a file is written in many pieces, between which a program may have to wait;
- *missing*: it is gone or empty and may be about to come back, so that is believed after `PATIENCE_S`;
- *young*: it has just changed and may go on changing, so it is believed when it is steady, or after `YOUNG_PATIENCE_S`.

What is held goes out together: one that isn't steady holds up the others, but for no longer than `PATIENCE_S` each and
`HOLD_UP_S` in all. So a file that is copied in slowly, or one file after another, does not stop everything else.

More than `MANY` paths within `BELIEVED_S` are a tool at work (a branch switch). From then on they wait until nothing
was reported for `QUIET_S`, but not for ever: a tool that gets through fewer than `TOOL_SPEED` files a second is
interrupted after `QUIET_PATIENCE_S`, a faster one after `FLOOD_PATIENCE_S`. A rescan waits in the same way, and
swallows the paths; more than `FLOOD` paths are one.

A late report of a change that has gone out already (vim sets the mode after it has waited for the disk) is dropped: for
`BELIEVED_S`, a file that has the same size, mtime, inode and rights as when it was believed is believed still. Another
save can't look like that, since a look counts as final only when the clock that stamps files has moved on; on file
systems that keep whole seconds, and of a path that is gone, nothing is dropped.

Leaves out: an edit within `BELIEVED_S` of another that keeps the size and puts the mtime back.
"""

from __future__ import annotations

import stat
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from blogd.daemon.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TICK_NS: Final = 12_000_000  # kernels stamp files at 100 Hz or more
PIECE_NS_PER_BYTE: Final = 100
PIECES_NS: Final = 40_000_000
PATIENCE_S: Final = 0.15
HOLD_UP_S: Final = 0.3
YOUNG_PATIENCE_S: Final = 1.0
MANY: Final = 4
FLOOD: Final = 1000
QUIET_S: Final = 0.15
QUIET_PATIENCE_S: Final = 1.0
FLOOD_PATIENCE_S: Final = 10.0
TOOL_SPEED: Final = 100
BELIEVED_S: Final = 0.5
_SECOND_NS: Final = 1_000_000_000


class Sight(NamedTuple):
    """What a look at a path saw; the size of a folder is never 0."""

    size: int
    mtime_ns: int
    inode: int
    rights: tuple[int, int, int]
    ctime_ns: int

    def looks_like(self, other: Sight) -> bool:
        """Tell whether these are two looks at one version of a file."""
        return self[:-1] == other[:-1]


def see(path: str) -> Sight | None:
    """Look at a path; None if there is nothing."""
    try:
        details = Path(path).stat()
    except (OSError, ValueError):
        return None
    size = -1 if stat.S_ISDIR(details.st_mode) else details.st_size
    rights = (details.st_mode, details.st_uid, details.st_gid)
    return Sight(size, details.st_mtime_ns, details.st_ino, rights, details.st_ctime_ns)


class _State(Enum):
    STEADY = auto()
    MISSING = auto()
    YOUNG = auto()


_PATIENCE_S: Final = {_State.MISSING: PATIENCE_S, _State.YOUNG: YOUNG_PATIENCE_S}


class _Believed(NamedTuple):
    sight: Sight
    at_s: float


class Settling:
    """Reports on their way to being believed; false while nothing is held.

    `see` looks at a path. `now_s` is a monotonic clock's time, `wall_ns` the time that files are stamped with.
    """

    def __init__(self, see: Callable[[str], Sight | None]) -> None:
        self._see = see
        self._held: dict[str, float] = {}  # when it was first reported
        self._reason = ""
        self._first_s = self._last_s = 0.0
        self._believed: dict[str, _Believed] = {}

    def __bool__(self) -> bool:
        return bool(self._held or self._reason)

    def add(self, paths: Iterable[str], now_s: float) -> None:
        """Hold paths that were reported."""
        for path in paths:
            self._note(now_s)
            self._held.setdefault(path, now_s)

    def add_rescan(self, reason: str, now_s: float) -> None:
        """Hold the wish to look at everything."""
        self._note(now_s)
        self._reason = self._reason or reason

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self._believed.clear()
        self._reason = ""

    def is_much(self, now_s: float) -> bool:
        """Tell whether what is held waits for quiet."""
        recent = sum(now_s - known.at_s < BELIEVED_S for known in self._believed.values())
        return bool(self._reason) or (bool(self._held) and len(self._held) + recent > MANY)

    def take(self, now_s: float, wall_ns: int) -> Batch:
        """Hand out all that is to be believed now; an empty batch: nothing yet."""
        if not self or self._waits_for_quiet(now_s):
            return Batch()
        if self._reason or len(self._held) > FLOOD:
            reason = self._reason or f"{len(self._held):,} changes at once"
            self.clear()
            return Batch(rescan=True, reason=reason, since_s=self._first_s)
        paths = self._settled(now_s, wall_ns)
        batch = Batch(paths=paths, since_s=self._first_s if paths else 0.0)
        self._first_s = min(self._held.values(), default=now_s)
        return batch

    def _note(self, now_s: float) -> None:
        if not self:
            self._first_s = now_s
        self._last_s = now_s

    def _waits_for_quiet(self, now_s: float) -> bool:
        patience_s = min(max(QUIET_PATIENCE_S, len(self._held) / TOOL_SPEED), FLOOD_PATIENCE_S)
        is_quiet = now_s - self._last_s >= QUIET_S or now_s - self._first_s >= patience_s
        return self.is_much(now_s) and not is_quiet

    def _settled(self, now_s: float, wall_ns: int) -> frozenset[str]:
        looks = {path: self._see(path) for path in self._held}
        states = {path: _judge(sight, wall_ns) for path, sight in looks.items()}
        ages_s = {path: now_s - first_s for path, first_s in self._held.items()}
        unsteady = [path for path, state in states.items() if state is not _State.STEADY]
        if now_s - self._first_s < HOLD_UP_S and any(ages_s[path] < PATIENCE_S for path in unsteady):
            return frozenset()
        behind = {path for path in unsteady if ages_s[path] < _PATIENCE_S[states[path]]}
        ready = [path for path in states if path not in behind]
        news = frozenset(path for path in ready if not self._is_old_news(path, looks[path], now_s))
        self._believe({path: looks[path] for path in ready}, now_s, wall_ns)
        return news

    def _is_old_news(self, path: str, sight: Sight | None, now_s: float) -> bool:
        believed = self._believed.get(path)
        if believed is None or sight is None:
            return False
        return now_s - believed.at_s < BELIEVED_S and believed.sight.looks_like(sight)

    def _believe(self, looks: dict[str, Sight | None], now_s: float, wall_ns: int) -> None:
        believed = {path: known for path, known in self._believed.items() if now_s - known.at_s < BELIEVED_S}
        for path, sight in looks.items():
            del self._held[path]
            believed.pop(path, None)
            if sight is not None and _is_final(sight, wall_ns):
                believed[path] = _Believed(sight, now_s)
        self._believed = believed


def _judge(sight: Sight | None, wall_ns: int) -> _State:
    if sight is None or sight.size == 0:
        return _State.MISSING
    rest_ns = TICK_NS + min(PIECE_NS_PER_BYTE * sight.size, PIECES_NS)
    return _State.YOUNG if 0 <= wall_ns - sight.ctime_ns < rest_ns else _State.STEADY


def _is_final(sight: Sight, wall_ns: int) -> bool:
    """Tell whether any later change is bound to show in the ctime."""
    return wall_ns - sight.ctime_ns >= TICK_NS and sight.ctime_ns % _SECOND_NS != 0
