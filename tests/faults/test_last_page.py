"""A run that is killed while the last page is under way, whose path has just passed to another source."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blogd.daemon import books, in_process
from blogd.daemon.in_process import InProcess
from tests.support import Ground, build, builder, post

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from blogd.daemon.crew import Task

PAGE = "2024/01/01/x/index.html"


class _Stuck(InProcess):
    """Never makes the page of one source."""

    source = ""

    def feed(self, next_task: Callable[[int], Task | None]) -> None:
        def next_other(worker: int) -> Task | None:
            task = next_task(worker)
            if task and any(getattr(each, "key", ())[:3] == ("post", "en", _Stuck.source) for each in task.tasks):
                return next_task(worker)
            return task

        super().feed(next_other)

    def next_deadline(self) -> float:
        return 0.0


def test_a_page_that_was_made_for_another_source_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "InProcess", _Stuck)
    monkeypatch.setattr(_Stuck, "source", "")
    monkeypatch.setattr(books, "COMMIT_S", float("inf"))
    ground = Ground(tmp_path / "site")
    ground.write("posts/a.md", post("A", 1, slug="x"))
    out = ground.root / "html"
    with pytest.raises(KeyboardInterrupt), builder(ground.root, out) as opened:  # noqa: PT012 - the run is what ends
        opened.build()
        engine = opened.engine
        engine.look_at(ground.write("posts/a.md", post("Another", 1, slug="x")))

        def between() -> None:
            made = engine.books._made  # noqa: SLF001
            if not _Stuck.source and engine.books.manifest.ids[PAGE] in made and len(made) > 4:
                _Stuck.source = "posts/b.md"
                paths = ground.rename("posts/a.md", "posts/b.md")
                ground.write("posts/b.md", post("B", 1, slug="x"))
                engine.look_at(paths)
            elif _Stuck.source and engine._making._busy == {PAGE} and not engine._making._queue:  # noqa: SLF001
                engine.books.commit(at_once=True)  # as time would have it
                raise KeyboardInterrupt

        engine.settle([], between)
    monkeypatch.setattr(_Stuck, "source", "")
    assert build(ground.root, out).files == build(ground.root, tmp_path / "clean").files
