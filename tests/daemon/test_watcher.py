from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from blogd.daemon.batch import Batch, Outbox
from blogd.daemon.scan import look
from blogd.daemon.watcher import Clocks, Mode, Watcher
from blogd.daemon.watches import native_notifier
from blogd.render.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.daemon.watches import Notifier

Hear = Callable[[Watcher], Batch]
HearUntil = Callable[[Watcher, Callable[[Batch], bool]], list[Batch]]

A, B, MARK = "posts/2024/a.md", "posts/2024/b.md", "meta/mark.json"


def write(root: Path, path: str, text: str = "text") -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def has(path: str) -> Callable[[Batch], bool]:
    return lambda batch: path in batch.paths


def finds(root: Path, path: str) -> Callable[[Batch], bool]:
    """Wait for a batch that leads to a file that is there."""
    return lambda batch: look(root, batch.paths).files.get(path) is not None


def wants_rescan(batch: Batch) -> bool:
    return batch.rescan


def told(batches: list[Batch]) -> set[str]:
    return {path for batch in batches for path in batch.paths}


@pytest.fixture
def site(ground: Path) -> Path:
    """A project with two posts."""
    root = ground / "site"
    for path in (A, B, "meta/project.json", "media/2024/photo.jpg", "html/index.html"):
        write(root, path)
    return root


@pytest.fixture(params=Mode, ids=lambda mode: mode.value)
def any_watcher(site: Path, request: pytest.FixtureRequest) -> Iterator[Watcher]:
    with Watcher(site, mode=request.param) as watcher:
        yield watcher


@pytest.fixture
def watcher(site: Path) -> Iterator[Watcher]:
    with Watcher(site) as watcher:
        yield watcher


class Aims:
    """A notifier's maker that remembers which folders it was asked to watch, and can be told to refuse."""

    def __init__(self) -> None:
        self.aims: list[set[str]] = []
        self.error: Exception | None = None

    def __call__(self, paths: list[str]) -> Notifier:
        if self.error is not None:
            raise self.error
        self.aims.append(set(paths))
        return native_notifier(paths)


def test_an_outbox_is_readable_while_there_is_something_in_it() -> None:
    outbox = Outbox()
    os.set_blocking(outbox.fileno(), False)
    assert outbox.take() == Batch()
    outbox.put(Batch(paths=frozenset([A]), since_s=2.0))
    outbox.put(Batch())
    outbox.put(Batch(paths=frozenset([B]), since_s=3.0, rescan=True, reason="why"))
    assert outbox.take() == Batch(paths=frozenset([A, B]), since_s=2.0, rescan=True, reason="why")
    with pytest.raises(BlockingIOError):
        os.read(outbox.fileno(), 1)
    outbox.close()


def test_batches_add_up() -> None:
    problem = Diagnostic(severity="error", path=".", message="m")
    first = Batch(diagnostics=(problem,))
    second = Batch(paths=frozenset([A]), rescan=True, reason="later", since_s=1.5)
    assert first | second == Batch(
        paths=frozenset([A]), rescan=True, reason="later", since_s=1.5, diagnostics=(problem,)
    )


def test_a_save_is_told(site: Path, any_watcher: Watcher, hear: Hear) -> None:
    before_s = time.monotonic()
    write(site, A, "changed")
    batch = hear(any_watcher)
    assert batch.paths == {A}
    assert before_s <= batch.since_s <= time.monotonic()


def test_a_replaced_file_is_one_save(site: Path, any_watcher: Watcher, hear: Hear, hear_until: HearUntil) -> None:
    write(site, "posts/2024/.tmp", "new")
    (site / "posts/2024/.tmp").replace(site / A)
    assert hear(any_watcher).paths == {A}
    write(site, MARK)
    assert [batch.paths for batch in hear_until(any_watcher, has(MARK))] == [{MARK}]


def test_a_removed_and_a_renamed_file_are_told(site: Path, any_watcher: Watcher, hear: Hear) -> None:
    (site / A).unlink()
    assert hear(any_watcher).paths == {A}
    (site / B).rename(site / "posts/2024/c.md")
    assert hear(any_watcher).paths == {B, "posts/2024/c.md"}


def test_an_older_time_is_told(site: Path, any_watcher: Watcher, hear: Hear) -> None:
    os.utime(site / A, ns=(1, 1_000_000_000))
    assert hear(any_watcher).paths == {A}


def test_what_editors_leave_is_not_told(site: Path, any_watcher: Watcher, hear_until: HearUntil) -> None:
    for name in (".a.md.swp", "a.md~", "#a.md#", "4913", "sedAbCdEf", ".~tmp~/a.md", "a.md.AbCd123456"):
        write(site, f"posts/2024/{name}")
    (site / "posts/2024/.#a.md").symlink_to("user@host.1")
    write(site, "html/page/index.html")
    write(site, ".blogd/cache.sqlite")
    write(site, MARK)
    assert told(hear_until(any_watcher, has(MARK))) == {MARK}


def test_the_output_is_not_told(site: Path, hear_until: HearUntil) -> None:
    output = site / "media" / "html"
    output.mkdir()
    with Watcher(site, output=output) as watcher:
        write(site, "media/html/index.html")
        write(site, MARK)
        assert told(hear_until(watcher, has(MARK))) == {MARK}


def test_a_new_folder_is_told_and_then_watched(site: Path, any_watcher: Watcher, hear_until: HearUntil) -> None:
    post = "posts/2025/01/new.md"
    write(site, post, "1")
    hear_until(any_watcher, finds(site, post))
    write(site, post, "changed")
    hear_until(any_watcher, has(post))


def test_a_renamed_folder_is_watched_under_its_new_name(
    site: Path, any_watcher: Watcher, hear_until: HearUntil
) -> None:
    (site / "posts/2024").rename(site / "posts/2025")
    batches = hear_until(any_watcher, finds(site, "posts/2025/a.md"))
    gone = {path for path, known in look(site, told(batches)).files.items() if known is None}
    assert gone & {"posts/2024", A}
    write(site, "posts/2025/a.md", "changed")
    hear_until(any_watcher, has("posts/2025/a.md"))


def test_a_folder_is_watched_again_when_it_comes_back(
    site: Path, ground: Path, any_watcher: Watcher, hear_until: HearUntil
) -> None:
    (site / "posts/2024").rename(ground / "away")
    hear_until(any_watcher, lambda batch: bool(batch.paths & {"posts/2024", A}))
    (ground / "away").rename(site / "posts/2024")
    hear_until(any_watcher, finds(site, A))
    write(site, A, "changed")
    hear_until(any_watcher, has(A))


def test_a_folder_in_place_of_another_is_watched(
    site: Path, ground: Path, any_watcher: Watcher, hear_until: HearUntil
) -> None:
    shutil.copytree(site / "posts/2024", ground / "next")
    (ground / "next/a.md").write_text("the next one")
    (site / "posts/2024").rename(ground / "last")
    (ground / "next").rename(site / "posts/2024")
    hear_until(any_watcher, finds(site, A))
    write(ground, "last/b.md", "unseen")
    write(site, A, "changed")
    assert B not in told(hear_until(any_watcher, has(A)))


def test_folders_made_one_in_another_are_all_watched(site: Path, any_watcher: Watcher, hear_until: HearUntil) -> None:
    posts = [f"posts/new/{'/'.join('abcdefgh'[:depth])}/x.md" for depth in range(1, 9)]
    for post in posts:
        write(site, post)
    hear_until(any_watcher, finds(site, posts[-1]))
    for post in posts:
        write(site, post, "changed")
        hear_until(any_watcher, has(post))


def test_a_touched_folder_is_no_change(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    os.utime(site / "posts/2024")
    write(site, MARK)
    assert told(hear_until(watcher, has(MARK))) == {MARK}


def test_a_folder_that_others_may_read_now_is_a_change(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    (site / "posts/2024").chmod(0o700)
    hear_until(watcher, has("posts/2024"))


def test_an_input_folder_that_comes_later_is_watched(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    write(site, "templates/single-post.liquid")
    hear_until(watcher, wants_rescan)
    write(site, "templates/single-post.liquid", "changed")
    hear_until(watcher, has("templates/single-post.liquid"))


def test_an_input_folder_that_went_is_told(site: Path, any_watcher: Watcher, hear_until: HearUntil) -> None:
    shutil.rmtree(site / "posts")
    hear_until(any_watcher, lambda batch: batch.rescan or A in batch.paths)


@pytest.mark.parametrize("back", ["the same", "another"])
def test_a_site_that_is_gone_is_waited_for(
    site: Path, ground: Path, any_watcher: Watcher, hear: Hear, hear_until: HearUntil, back: str
) -> None:
    site.rename(ground / "away")
    gone = hear(any_watcher)
    assert [(each.severity, each.message) for each in gone.diagnostics] == [("error", "the site's folder is gone")]
    assert not gone.paths
    assert not gone.rescan
    if back == "the same":
        (ground / "away").rename(site)
    else:
        shutil.copytree(ground / "away", ground / "copy")
        (ground / "copy").rename(site)
    batch = hear(any_watcher)
    assert (batch.rescan, batch.reason, batch.paths) == (True, "the site's folder is back", frozenset())
    write(site, A, "changed")
    hear_until(any_watcher, has(A))


@pytest.mark.parametrize("mode", Mode)
def test_nothing_is_told_while_the_site_is_gone(site: Path, ground: Path, hear: Hear, mode: Mode) -> None:
    with Watcher(site, mode=mode, tick_s=0.1) as watcher:
        site.rename(ground / "away")
        while not hear(watcher).diagnostics:
            pass
        assert not select.select([watcher], [], [], 0.8)[0]  # no routine check, and no removed files


def test_after_watches_were_renewed_there_is_a_check_soon(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    write(site, "posts/2025/new.md")
    assert hear_until(watcher, wants_rescan)[-1].reason == "routine check"


def test_a_swapped_site_is_told_and_watched(site: Path, ground: Path, hear_until: HearUntil) -> None:
    shutil.copytree(site, ground / "next")
    (ground / "current").symlink_to("site")
    with Watcher(ground / "current") as watcher:
        (ground / "link").symlink_to("next")
        (ground / "link").replace(ground / "current")
        hear_until(watcher, wants_rescan)
        write(site, B, "unseen")
        write(ground / "next", A, "changed")
        assert B not in told(hear_until(watcher, has(A)))


@pytest.mark.skipif(sys.platform != "linux", reason="only here may names be anything but UTF-8")
def test_a_name_that_is_not_utf8_does_not_end_the_watch(
    site: Path, any_watcher: Watcher, hear_until: HearUntil
) -> None:
    Path(os.fsdecode(os.fsencode(site) + b"/posts/2024/caf\xe9.md")).write_text("x")
    if any_watcher.mode is Mode.EVENTS:
        assert "broke off" in hear_until(any_watcher, wants_rescan)[-1].reason
    write(site, A, "changed")
    hear_until(any_watcher, has(A))


def test_links_out_of_the_site_and_hidden_folders_are_not_watched(site: Path, ground: Path) -> None:
    (ground / "outside/deep").mkdir(parents=True)
    (site / "posts/out").symlink_to("../../outside")
    (site / "posts/all").symlink_to("/")
    (site / "posts/.git/objects").mkdir(parents=True)
    aims = Aims()
    with Watcher(site, notify=aims):
        top = Path(os.path.realpath(site))
        folders = {"posts", "posts/2024", "meta", "media", "media/2024"}
        wanted = {"posts", "meta", "media"} if sys.platform == "darwin" else folders
        assert aims.aims == [{str(top / path) for path in wanted}]


def test_a_linked_folder_is_watched(site: Path, any_watcher: Watcher, hear_until: HearUntil) -> None:
    write(site, "shared/2023/c.md")
    (site / "posts/linked").symlink_to("../shared")
    hear_until(any_watcher, finds(site, "posts/linked/2023/c.md"))
    write(site, "shared/2023/c.md", "changed")
    hear_until(any_watcher, has("posts/linked/2023/c.md"))


def test_a_linked_file_is_told_when_its_target_changes(site: Path, any_watcher: Watcher, hear_until: HearUntil) -> None:
    write(site, "shared/c.md")
    (site / "posts/linked.md").symlink_to("../shared/c.md")
    (site / "posts/also.md").symlink_to("2024/a.md")
    hear_until(any_watcher, finds(site, "posts/also.md"))
    write(site, "shared/c.md", "changed")
    hear_until(any_watcher, has("posts/linked.md"))
    write(site, A, "changed")
    assert hear_until(any_watcher, has(A))[-1].paths == {A, "posts/also.md"}


def test_a_folder_with_two_names_is_told_by_both(site: Path, hear: Hear) -> None:
    (site / "posts/also").symlink_to("2024")
    with Watcher(site) as watcher:
        write(site, A, "changed")
        assert hear(watcher).paths == {A, "posts/also/a.md"}


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (OSError("OS file watch limit reached. about [x]"), "fewer folders than are needed", "max_user_watches"),
        (RuntimeError("Too many open files (os error 24)"), "no more watchers", "max_user_instances"),
        (OSError("what now"), "what now", ""),
    ],
)
def test_where_events_cannot_be_had_polling_takes_over(
    site: Path, hear: Hear, hear_until: HearUntil, error: Exception, message: str, hint: str
) -> None:
    aims = Aims()
    aims.error = error
    with Watcher(site, notify=aims) as watcher:
        (diagnostic,) = hear(watcher).diagnostics
        assert message in diagnostic.message
        assert hint in diagnostic.hint
        assert (diagnostic.severity, watcher.mode) == ("warning", Mode.POLLING)
        write(site, A, "changed")
        hear_until(watcher, has(A))


def test_a_limit_that_is_met_later_is_told_and_polling_takes_over(site: Path, hear_until: HearUntil) -> None:
    aims = Aims()
    with Watcher(site, notify=aims) as watcher:
        aims.error = OSError("OS file watch limit reached. about [x]")
        write(site, "posts/2025/c.md")
        hear_until(watcher, lambda batch: bool(batch.diagnostics))
        hear_until(watcher, wants_rescan)
        write(site, A, "changed")
        hear_until(watcher, has(A))


@pytest.mark.skipif(sys.platform != "linux", reason="inotify's limits")
@pytest.mark.parametrize(
    ("limit", "hint"), [("max_inotify_watches", "max_user_watches"), ("max_inotify_instances", "max_user_instances")]
)
def test_the_systems_own_limits_are_told(site: Path, limit: str, hint: str) -> None:
    program = f"""
import select
from pathlib import Path
from blogd.daemon.watcher import Watcher
with Watcher(Path({str(site)!r})) as watcher:
    select.select([watcher], [], [], 20)
    print(watcher.mode.value, watcher.receive().diagnostics[0].hint)
"""
    shell = f'echo 1 > /proc/sys/user/{limit} && exec "$0" -c "$1"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", shell]
    if shutil.which("unshare") is None or subprocess.run([*command[:3], "true"], check=False).returncode:
        pytest.skip("limits can't be set for one process here")
    if limit == "max_inotify_instances":
        command[-1] = shell.replace("echo 1", "echo 0")
    done = subprocess.run([*command, sys.executable, program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("polling ")
    assert hint in done.stdout


class Broken:
    """A notifier that breaks at every wait, as a sticky error makes it."""

    def watch(
        self, debounce_ms: int, step_ms: int, timeout_ms: int, stop_event: object
    ) -> Literal["signal", "stop", "timeout"]:
        del debounce_ms, step_ms, timeout_ms, stop_event
        raise RuntimeError("sticky")

    def close(self) -> None:
        pass


def test_a_watch_that_breaks_again_and_again_is_given_up(site: Path, hear_until: HearUntil) -> None:
    with Watcher(site, notify=lambda _: Broken()) as watcher:
        (told_of,) = hear_until(watcher, lambda batch: bool(batch.diagnostics))[-1].diagnostics
        assert "again and again: sticky" in told_of.message
        hear_until(watcher, wants_rescan)
        write(site, A, "changed")
        hear_until(watcher, has(A))


def test_a_flood_is_a_rescan_and_then_another(site: Path, any_watcher: Watcher, hear_until: HearUntil) -> None:
    for number in range(1500):
        write(site, f"posts/2024/{number}.md")
    batches = hear_until(any_watcher, wants_rescan)
    assert "changes at once" in batches[-1].reason
    if any_watcher.mode is Mode.EVENTS:
        assert hear_until(any_watcher, wants_rescan)[-1].reason == "routine check"


def test_quiet_brings_a_routine_check(site: Path, hear: Hear) -> None:
    with Watcher(site, tick_s=0.2) as watcher:
        for _ in range(2):
            batch = hear(watcher)
            assert (batch.rescan, batch.reason, batch.paths) == (True, "routine check", frozenset())


def test_a_machine_that_slept_brings_a_rescan(site: Path, hear: Hear) -> None:
    slept_ns = 0
    with Watcher(site, clocks=Clocks(wall_ns=lambda: time.time_ns() + slept_ns)) as watcher:
        slept_ns = 3_600_000_000_000
        assert hear(watcher).reason == "the clock jumped, or the process was stopped"


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


def eventually(is_so: Callable[[], bool]) -> bool:
    """Wait for what the notifier's own thread does in its own time."""
    until_s = time.monotonic() + 10
    while not is_so() and time.monotonic() < until_s:
        threading.Event().wait(0.01)
    return is_so()


def test_closing_leaves_nothing_behind(site: Path) -> None:
    threads, files = threading.active_count(), open_files()
    for mode in Mode:
        for _ in range(10):
            with Watcher(site, mode=mode):
                pass
    assert eventually(lambda: threading.active_count() <= threads and open_files() <= files)


def test_a_watcher_is_closed_at_once_and_may_be_closed_twice(site: Path) -> None:
    for mode in Mode:
        watcher = Watcher(site, mode=mode)
        watcher.start()
        start_s = time.monotonic()
        watcher.close()
        assert time.monotonic() - start_s < 1
        watcher.close()
    Watcher(site).close()


def test_nothing_runs_before_the_start(site: Path) -> None:
    before = threading.active_count()
    watcher = Watcher(site)
    assert threading.active_count() == before
    watcher.close()


def test_new_folders_do_not_use_up_descriptors(site: Path, watcher: Watcher, hear_until: HearUntil) -> None:
    write(site, "posts/0/x.md")
    hear_until(watcher, finds(site, "posts/0/x.md"))
    before = open_files()
    for number in range(1, 20):
        write(site, f"posts/{number}/x.md")
        hear_until(watcher, finds(site, f"posts/{number}/x.md"))
    assert eventually(lambda: open_files() <= before)
