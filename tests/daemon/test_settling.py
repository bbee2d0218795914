from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from blogd.daemon.settling import (
    BELIEVED_S,
    FLOOD,
    FLOOD_PATIENCE_S,
    MANY,
    PATIENCE_S,
    QUIET_PATIENCE_S,
    QUIET_S,
    TICK_NS,
    YOUNG_PATIENCE_S,
    Settling,
    Sight,
    see,
)

if TYPE_CHECKING:
    from pathlib import Path

    from blogd.daemon.batch import Batch

A, B = "posts/a.md", "posts/b.md"
STEP_S = 0.01
START_NS = 1_700_000_000_123_456_789


def sight(size: int, stamp_ns: int, inode: int = 1) -> Sight:
    return Sight(size, stamp_ns, inode, (0o644, 0, 0), stamp_ns)


class World:
    """A disk and a clock, both under control."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.disk: dict[str, Sight] = {}
        self.settling = Settling(self.disk.get)

    @property
    def wall_ns(self) -> int:
        return START_NS + round(self.now_s * 1_000_000_000)

    def write(self, *paths: str, size: int = 5, inode: int = 1) -> None:
        self.disk |= {path: sight(size, self.wall_ns, inode) for path in paths}
        self.settling.add(paths, self.now_s)

    def remove(self, path: str) -> None:
        self.disk.pop(path, None)
        self.settling.add([path], self.now_s)

    def report(self, path: str) -> None:
        self.settling.add([path], self.now_s)

    def take(self) -> set[str]:
        return set(self.settling.take(self.now_s, self.wall_ns).paths)

    def until_told(self, most_s: float = 10.0) -> tuple[set[str], float]:
        """Step on until something is told; return it and the seconds that took."""
        start_s = self.now_s
        while not (told := self.take()):
            assert self.now_s - start_s < most_s, "nothing is told"
            self.now_s += STEP_S
        return told, self.now_s - start_s

    def hears_nothing_for(self, seconds: float) -> bool:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            if self.take():
                return False
            self.now_s += STEP_S
        return True


@pytest.fixture
def world() -> World:
    return World()


def test_a_look_sees_a_file_a_folder_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("12345")
    file, folder = see(str(tmp_path / "file")), see(str(tmp_path))
    assert file is not None
    assert file.size == 5
    assert folder is not None
    assert folder.size < 0  # 0, as some file systems say, would look like a save half-way
    assert see(str(tmp_path / "gone")) is None
    assert see(str(tmp_path / "nul\0")) is None


def test_nothing_reported_is_nothing_told(world: World) -> None:
    assert not world.settling
    assert not world.settling.take(world.now_s, world.wall_ns)


def test_a_save_is_told_once_its_last_change_is_a_tick_old(world: World) -> None:
    world.write(A)
    told, took_s = world.until_told()
    assert told == {A}
    assert TICK_NS / 1e9 <= took_s <= TICK_NS / 1e9 + STEP_S
    assert not world.settling


@pytest.mark.parametrize(
    ("size", "rest_s"), [(5_000, 0.0125), (200_000, 0.032), (400_000, 0.052), (400_000_000, 0.052), (-1, 0.012)]
)
def test_a_large_file_has_to_rest_for_longer(world: World, size: int, rest_s: float) -> None:
    world.write(A, size=size)
    told, took_s = world.until_told()
    assert told == {A}
    assert rest_s <= took_s <= rest_s + STEP_S


def test_an_old_mtime_does_not_make_a_file_steady(world: World) -> None:
    world.write(A)
    world.disk[A] = world.disk[A]._replace(mtime_ns=1_000)
    assert world.take() == set()
    assert world.until_told()[0] == {A}


def test_a_file_that_is_away_for_a_moment_is_one_save(world: World) -> None:
    world.remove(A)
    assert world.hears_nothing_for(PATIENCE_S / 2)
    world.write(A)
    told, _ = world.until_told()
    assert (told, world.disk[A].size) == ({A}, 5)
    assert world.hears_nothing_for(2)


def test_a_file_that_is_empty_for_a_moment_is_one_save(world: World) -> None:
    world.write(A, size=0)
    assert world.hears_nothing_for(PATIENCE_S / 2)
    world.write(A)
    assert world.until_told()[0] == {A}
    assert world.hears_nothing_for(2)


def test_a_file_that_stays_away_or_empty_is_believed(world: World) -> None:
    world.remove(A)
    world.write(B, size=0)
    told, took_s = world.until_told()
    assert told == {A, B}
    assert took_s == pytest.approx(PATIENCE_S, abs=2 * STEP_S)


def test_both_ends_of_a_rename_are_told_together(world: World) -> None:
    world.remove(A)
    world.write(B)
    assert world.until_told()[0] == {A, B}


def test_a_file_that_is_copied_in_slowly_does_not_hold_up_others(world: World) -> None:
    told: list[tuple[float, set[str]]] = []
    world.write(B)
    start_s = world.now_s
    for size in range(1, 150):
        world.write(A, size=size)
        if now := world.take():
            told.append((world.now_s - start_s, now))
        world.now_s += STEP_S
    (other_s, other), (slow_s, slow) = told
    assert (other, slow) == ({B}, {A})
    assert other_s == pytest.approx(PATIENCE_S, abs=2 * STEP_S)
    assert slow_s == pytest.approx(YOUNG_PATIENCE_S, abs=2 * STEP_S)
    assert world.until_told()[0] == {A}


def test_rapid_saves_are_one(world: World) -> None:
    for size in range(1, 20):
        world.write(A, size=size)
        assert world.take() == set()
        world.now_s += 0.005
    assert world.until_told()[0] == {A}
    assert world.hears_nothing_for(2)


def test_a_late_report_of_a_told_change_is_dropped(world: World) -> None:
    world.write(A)
    world.until_told()
    world.report(A)
    assert world.hears_nothing_for(0.5)


def test_rights_that_are_set_again_after_the_save_are_no_change(world: World) -> None:
    world.write(A)
    world.until_told()
    world.disk[A] = world.disk[A]._replace(ctime_ns=world.wall_ns)
    world.report(A)
    assert world.hears_nothing_for(0.5)


@pytest.mark.parametrize("change", [{"rights": (0, 0, 0)}, {"mtime_ns": 1}, {"inode": 2}, {"size": 6}])
def test_whatever_else_has_changed_is_told(world: World, change: dict[str, Any]) -> None:
    world.write(A)
    world.until_told()
    world.disk[A] = world.disk[A]._replace(ctime_ns=world.wall_ns, **change)
    world.report(A)
    assert world.until_told()[0] == {A}


def test_some_time_after_a_save_every_report_is_told(world: World) -> None:
    world.write(A)
    world.until_told()
    world.now_s += BELIEVED_S
    world.report(A)
    assert world.take() == {A}


def test_a_second_save_right_after_is_told(world: World) -> None:
    world.write(A)
    world.until_told()
    world.write(A)
    assert world.until_told()[0] == {A}


def test_a_change_that_the_clock_could_not_tell_apart_is_never_dropped(world: World) -> None:
    world.write(A)
    world.now_s += YOUNG_PATIENCE_S
    world.disk[A] = sight(5, world.wall_ns)  # as young as can be, and out of patience
    assert world.take() == {A}
    world.report(A)  # the same size, inode and tick
    world.now_s += STEP_S * 2
    assert world.take() == {A}


def test_where_files_keep_whole_seconds_nothing_is_dropped(world: World) -> None:
    world.disk[A] = sight(5, 1_700_000_000_000_000_000)
    world.report(A)
    assert world.take() == {A}
    world.report(A)
    assert world.take() == {A}


def test_a_repeated_removal_is_told_again(world: World) -> None:
    world.remove(A)
    world.until_told()
    world.remove(A)
    assert world.until_told()[0] == {A}


def test_a_clock_that_was_set_back_does_not_hold_a_file(world: World) -> None:
    world.disk[A] = sight(5, world.wall_ns + 3_600_000_000_000)
    world.report(A)
    assert world.take() == {A}


def test_many_changes_wait_for_quiet(world: World) -> None:
    paths = [f"posts/{number}.md" for number in range(MANY + 1)]
    world.write(*paths[1:])
    world.now_s += QUIET_S / 2
    world.write(paths[0])
    told, took_s = world.until_told()
    assert told == set(paths)
    assert took_s == pytest.approx(QUIET_S, abs=2 * STEP_S)


def batches_while_a_tool_works(world: World, pause_s: float, seconds: float) -> list[Batch]:
    """Write one file after another; return what was told meanwhile."""
    batches: list[Batch] = []
    start_s = next_s = world.now_s
    number = 0
    while world.now_s - start_s < seconds:
        while next_s <= world.now_s:
            number += 1
            next_s += pause_s
            world.write(f"media/{number}.jpg")
        batches.append(world.settling.take(world.now_s, world.wall_ns))
        world.now_s += STEP_S
    return list(filter(None, batches))


def test_a_fast_tool_is_interrupted_late_and_is_a_flood(world: World) -> None:
    batches = batches_while_a_tool_works(world, 0.002, 2.5 * FLOOD_PATIENCE_S)
    assert [batch.rescan for batch in batches] == [True, True]


@pytest.mark.parametrize("pause_s", [0.015, 0.05, 0.1])
def test_a_slow_tool_is_interrupted_now_and_then(world: World, pause_s: float) -> None:
    batches = batches_while_a_tool_works(world, pause_s, 10 * QUIET_PATIENCE_S)
    assert 8 <= len(batches) <= 10 + MANY
    assert not any(batch.rescan for batch in batches)
    assert sum(len(batch.paths) for batch in batches) >= 8 * QUIET_PATIENCE_S / pause_s


def test_after_a_tool_a_save_is_told_as_fast_as_ever(world: World) -> None:
    batches_while_a_tool_works(world, 0.05, 2)
    world.until_told()
    world.now_s += 1
    world.write(A)
    assert world.until_told()[1] <= TICK_NS / 1e9 + STEP_S


def test_a_flood_is_a_rescan(world: World) -> None:
    world.write(*(f"posts/{number}.md" for number in range(FLOOD + 1)))
    world.now_s += QUIET_S + STEP_S
    batch = world.settling.take(world.now_s, world.wall_ns)
    assert (batch.rescan, batch.reason, batch.paths) == (True, f"{FLOOD + 1:,} changes at once", frozenset())
    assert not world.settling


def test_a_rescan_waits_for_quiet_and_swallows_paths(world: World) -> None:
    world.write(A)
    world.settling.add_rescan("why", world.now_s)
    world.settling.add_rescan("why not", world.now_s)
    assert not world.settling.take(world.now_s + QUIET_S / 2, world.wall_ns)
    batch = world.settling.take(world.now_s + QUIET_S + STEP_S, world.wall_ns)
    assert (batch.rescan, batch.reason, batch.paths) == (True, "why", frozenset())
    assert not world.settling


def test_a_batch_knows_when_its_first_report_came(world: World) -> None:
    world.write(A)
    first_s = world.now_s
    world.now_s += 0.005
    world.write(B)
    world.now_s += 0.1
    assert world.settling.take(world.now_s, world.wall_ns).since_s == first_s


def test_what_is_cleared_is_not_told(world: World) -> None:
    world.write(A)
    world.settling.add_rescan("why", world.now_s)
    world.settling.clear()
    assert not world.settling
    assert world.hears_nothing_for(1)
