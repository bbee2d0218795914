"""Files of others in the output folder, and pages that go and come while a worker has them."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blogd.daemon import in_process
from blogd.daemon.crew import Answered
from blogd.daemon.in_process import InProcess
from blogd.daemon.worker import attempt
from tests.support import Ground, build, builder, post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blogd.daemon import wire
    from blogd.daemon.crew import News, Task

SOURCES = {"posts/x.md": "2024/01/01/x/index.html", "assets/x.css": "assets/x.css", "media/x.png": "media/x.png"}
PAGE = SOURCES["posts/x.md"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_file_of_others_stays_when_the_source_goes_that_claimed_its_place(tmp_path: Path, source: str) -> None:
    ground = Ground(tmp_path / "site")
    ground.write("posts/other.md", post("Other", 2))
    ground.write(source, post("X", 1))
    out = ground.root / "html"
    theirs = out / SOURCES[source]
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    told = build(ground.root, out).findings
    ground.delete(source)
    build(ground.root, out)
    assert any("blogd did not write it" in finding for finding in told)
    assert theirs.read_text() == "theirs"


class _Slow(InProcess):
    """Writes one page, and answers, only when it is let go."""

    waits = False
    held: tuple[wire.Answer, bytes] | None = None

    def feed(self, next_task: Callable[[int], Task | None]) -> None:
        def next_other(worker: int) -> Task | None:
            task = next_task(worker)
            if _Slow.waits and _Slow.held is None and task and any(each.path == PAGE for each in task.tasks):
                _Slow.held = self._do(task)
                return next_task(worker)
            return task

        super().feed(next_other)

    def _do(self, task: Task) -> tuple[wire.Answer, bytes]:
        page = Path(self._worker._setup.out, PAGE)  # noqa: SLF001 - what a process would hide
        before = page.read_bytes() if page.exists() else None
        answer, written = attempt(self._worker, task), page.read_bytes()
        page.unlink() if before is None else page.write_bytes(before)
        return answer, written

    def next_deadline(self) -> float:
        return 0.0

    def collect(self, ready: Iterable[int]) -> list[News]:
        news = super().collect(ready)
        if _Slow.held is not None and not _Slow.waits:
            answer, data = _Slow.held
            page = Path(self._worker._setup.out, PAGE)  # noqa: SLF001
            os.makedirs(page.parent, exist_ok=True)
            page.write_bytes(data)
            _Slow.held = None
            news.append(Answered(0, answer))
        return news


@pytest.mark.parametrize("is_known", [False, True])
def test_a_page_that_went_and_came_while_it_was_made_is_blogds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    monkeypatch.setattr(in_process, "InProcess", _Slow)
    monkeypatch.setattr(_Slow, "waits", False)
    ground = Ground(tmp_path / "site")
    ground.write("posts/other.md", post("Other", 2))
    if is_known:
        ground.write("posts/x.md", post("Before", 1))
    with builder(ground.root, ground.root / "html") as opened:
        opened.build()
        engine = opened.engine
        _Slow.waits = True
        engine.look_at(ground.write("posts/x.md", post("First", 1)))
        deeds = [
            (lambda: _Slow.held is not None, lambda: engine.look_at(ground.delete("posts/x.md"))),
            (
                lambda: PAGE not in engine.books.manifest.ids,
                lambda: engine.look_at(ground.write("posts/x.md", post("Second", 1))),
            ),
            (lambda: PAGE in engine.books.manifest.ids, lambda: setattr(_Slow, "waits", False)),
        ]

        def between() -> None:
            if deeds and deeds[0][0]():
                deeds.pop(0)[1]()

        engine.settle([], between)
        made = opened.build()
    clean = build(ground.root, tmp_path / "clean")
    assert (made.files, made.findings) == (clean.files, clean.findings)
