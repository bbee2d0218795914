from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.polling import PAUSE_FACTOR, PAUSE_LEAST_S, Poller
from blogd.daemon.scan import FOLDERS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def post(tmp_path: Path) -> Path:
    path = tmp_path / "posts" / "2024" / "a.md"
    path.parent.mkdir(parents=True)
    path.write_text("first")
    return path


def test_nothing_changed_is_nothing_told(tmp_path: Path, post: Path) -> None:
    poller = Poller(tmp_path, FOLDERS)
    assert poller.poll() == frozenset()
    assert post.exists()


def test_each_kind_of_change_is_told_once(tmp_path: Path, post: Path) -> None:
    poller = Poller(tmp_path, FOLDERS)
    post.write_text("longer than it was")
    assert poller.poll() == {"posts/2024/a.md"}
    post.with_name("b.md").write_text("new")
    assert poller.poll() == {"posts/2024/b.md"}
    post.unlink()
    assert poller.poll() == {"posts/2024/a.md"}
    post.parent.rename(tmp_path / "posts" / "2025")
    assert poller.poll() == {"posts/2024/b.md", "posts/2025/b.md"}
    assert poller.poll() == frozenset()


def test_a_new_time_is_told_though_it_is_older(tmp_path: Path, post: Path) -> None:
    poller = Poller(tmp_path, FOLDERS)
    os.utime(post, ns=(1, 1_000_000_001))
    assert poller.poll() == {"posts/2024/a.md"}
    os.utime(post, ns=(1, 1_000_000_002))  # the same second
    assert poller.poll() == {"posts/2024/a.md"}


def test_another_file_of_the_same_size_and_time_is_told(tmp_path: Path, post: Path) -> None:
    other = post.with_name("other.txt")
    other.write_text("FIRST")
    for path in (post, other):
        os.utime(path, ns=(1, 1_000_000_000))
    poller = Poller(tmp_path, FOLDERS)
    other.replace(post)
    assert poller.poll() == {"posts/2024/a.md"}


def test_what_is_no_input_is_not_told(tmp_path: Path, post: Path) -> None:
    output = tmp_path / "posts" / "html"
    poller = Poller(tmp_path, FOLDERS, output=output)
    output.mkdir()
    for path in (output / "x.md", post.with_name("a.md~"), tmp_path / "README.md"):
        path.write_text("x")
    assert poller.poll() == frozenset()


def test_polling_takes_a_small_part_of_the_time(tmp_path: Path) -> None:
    times_s = iter([10.0, 10.001, 20.0, 22.0])
    poller = Poller(tmp_path, FOLDERS, clock=lambda: next(times_s))
    assert poller.pause_s == PAUSE_LEAST_S
    poller.poll()
    assert poller.pause_s == PAUSE_LEAST_S
    poller.poll()
    assert poller.pause_s == PAUSE_FACTOR * 2
