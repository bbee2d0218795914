"""Watches over notifiers that report what the test says, when it says so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import pytest

from blogd.daemon import watches as watches_module
from blogd.daemon.scan import FOLDERS
from blogd.daemon.watches import Changes, WatchError, Watches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ADDED, MODIFIED, DELETED = 1, 2, 3


class Reports:
    """A notifier that has the reports it was given, then none."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        self.waiting: list[set[tuple[int, str]]] = []
        self.is_closed = False

    def watch(
        self, debounce_ms: int, step_ms: int, timeout_ms: int, stop_event: object
    ) -> set[tuple[int, str]] | Literal["signal", "stop", "timeout"]:
        del debounce_ms, step_ms
        assert not self.is_closed
        assert timeout_ms or stop_event, "would wait for ever"
        return self.waiting.pop(0) if self.waiting else "timeout"

    def close(self) -> None:
        self.is_closed = True


class Never:
    """Never stops a wait."""

    def is_set(self) -> bool:
        return False


class World:
    """A site, its watches and all notifiers that were made for them; `meanwhile` happens while one is made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: list[Reports] = []
        self.meanwhile: list[Callable[[], object]] = []
        self.watches = Watches(root, FOLDERS, None, self._make)

    def _make(self, paths: list[str]) -> Reports:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        self.made.append(Reports(paths))
        return self.made[-1]

    @property
    def watched(self) -> set[str]:
        return {os.path.relpath(path, self.root) for path in self.made[-1].paths}

    def report(self, *reports: tuple[int, str]) -> Changes | None:
        self.made[-1].waiting.append({(change, f"{self.root}/{path}") for change, path in reports})
        return self.watches.wait(Never(), 1)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(watches_module, "_IS_DEEP", False)
    (tmp_path / "posts/2024").mkdir(parents=True)
    world = World(tmp_path.resolve())
    world.watches.open()
    return world


def test_every_folder_is_watched(world: World) -> None:
    assert world.watched == {"posts", "posts/2024"}


def test_nothing_is_watched_before_it_is_opened_or_after_it_is_closed(world: World) -> None:
    world.watches.close()
    assert [each.is_closed for each in world.made] == [True]
    with pytest.raises(WatchError):
        world.watches.wait(Never(), 1)


def test_inputs_are_told_and_nothing_else(world: World) -> None:
    changes = world.report(
        (ADDED, "posts/2024/a.md"), (DELETED, "posts/2024/a.md"), (ADDED, "posts/2024/4913"), (ADDED, "html/x.md")
    )
    assert changes == Changes(frozenset({"posts/2024/a.md"}), is_complete=True)
    assert len(world.made) == 1


def test_a_new_folder_means_a_new_notifier(world: World) -> None:
    (world.root / "posts/2025/01").mkdir(parents=True)
    assert world.report((ADDED, "posts/2025")) == Changes(frozenset({"posts/2025"}), is_complete=False)
    assert world.watched == {"posts", "posts/2024", "posts/2025", "posts/2025/01"}
    assert [each.is_closed for each in world.made] == [True, False]


def test_a_folder_made_while_its_parent_is_not_yet_watched_is_found(world: World) -> None:
    (world.root / "posts/2025").mkdir()
    world.meanwhile = [(world.root / "posts/2025/01").mkdir, (world.root / "posts/2025/01/x").mkdir]
    world.report((ADDED, "posts/2025"))
    assert world.watched == {"posts", "posts/2024", "posts/2025", "posts/2025/01", "posts/2025/01/x"}
    assert [each.is_closed for each in world.made] == [True, True, True, False]


def test_what_the_notifier_before_had_still_to_tell_is_told(world: World) -> None:
    old = world.made[0]
    (world.root / "posts/2025").mkdir()
    (world.root / "posts/2026").mkdir()
    late = {(MODIFIED, f"{world.root}/posts/2024/a.md"), (ADDED, f"{world.root}/posts/2026")}
    world.meanwhile = [lambda: old.waiting.append(late)]
    changes = world.report((ADDED, "posts/2025"))
    assert changes is not None
    assert changes.paths == {"posts/2025", "posts/2024/a.md", "posts/2026"}
    assert world.watched == {"posts", "posts/2024", "posts/2025", "posts/2026"}


def test_a_folder_that_went_is_told_and_watched_when_it_is_back(world: World) -> None:
    (world.root / "posts/2024").rmdir()
    assert world.report((DELETED, "posts/2024")) == Changes(frozenset({"posts/2024"}), is_complete=True)
    (world.root / "posts/2024").mkdir()
    world.report((ADDED, "posts/2024"))
    assert (len(world.made), world.watched) == (2, {"posts", "posts/2024"})


def test_a_folder_that_went_is_forgotten(world: World) -> None:
    (world.root / "posts/2024").rmdir()
    world.report((DELETED, "posts/2024"))
    (world.root / "posts/2024").write_text("a file now, and no input")
    assert world.report((ADDED, "posts/2024")) == Changes(frozenset(), is_complete=True)


def test_a_folder_of_the_same_name_is_watched_instead(world: World) -> None:
    changes = world.report((DELETED, "posts/2024"), (ADDED, "posts/2024"))
    assert changes == Changes(frozenset({"posts/2024"}), is_complete=False)
    assert len(world.made) == 2


def test_a_folder_whose_times_changed_is_not_told(world: World) -> None:
    os.utime(world.root / "posts/2024")
    assert world.report((MODIFIED, "posts/2024")) == Changes(frozenset(), is_complete=True)


def test_a_folder_that_vanishes_while_it_is_being_watched_is_no_error(world: World) -> None:
    def vanish() -> None:
        (world.root / "posts/2025").rmdir()
        raise FileNotFoundError

    (world.root / "posts/2025").mkdir()
    world.meanwhile = [vanish]
    world.report((ADDED, "posts/2025"))
    assert world.watched == {"posts", "posts/2024"}


def test_folders_that_never_stay_are_given_up(world: World) -> None:
    def vanish() -> None:
        raise FileNotFoundError

    world.meanwhile = [vanish] * 100
    with pytest.raises(WatchError, match="change faster"):
        world.watches.open()


def test_a_failed_renewal_keeps_the_notifier_before(world: World) -> None:
    def refuse() -> None:
        raise OSError("OS file watch limit reached. about [x]")

    (world.root / "posts/2025").mkdir()
    world.meanwhile = [refuse]
    with pytest.raises(WatchError, match="fewer folders than are needed"):
        world.report((ADDED, "posts/2025"))
    assert [each.is_closed for each in world.made] == [False]


def test_a_file_system_that_keeps_changes_to_itself_is_not_watched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches_module, "taciturn_file_system", {str(world.root): "9p"}.get)
    with pytest.raises(WatchError, match="9p"):
        world.watches.open()
