"""Renders pages of a blog with compiled templates and on python-liquid's interpreter, in turn.

    python rendering.py SITE WORK ROUNDS

Prints, as JSON, rows of CPU microseconds a page. Bodies are left out: they are the same work in both.
Stands alone, since it runs in the measured program's interpreter.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from blogd.daemon.engine import Engine
from blogd.daemon.memory import seldom_collect_garbage
from blogd.daemon.policy import Policy
from blogd.daemon.project import Project
from blogd.daemon.resources import bundled_templates
from blogd.render.labels import label
from blogd.render.links import url_segment
from blogd.render.liquid_filters import Steady
from blogd.render.list_page import OWN_VARIABLES, ListPage
from blogd.render.pages import PostPage, Stage
from blogd.render.slugs import slugify
from blogd.render.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blogd.daemon.events import Event
    from blogd.render.liquid_page import FilterFunction
    from blogd.render.pages import Page
    from blogd.render.site import Site

_MOST_PAGES = 1000


def _i18n(value: object, language: object = "en", *_rest: object) -> str:
    return label(str(value), str(language))


def _same(_: Page, *_values: object) -> str:
    return "<p>A body.</p>"


def _no_source(_: str) -> str:
    return ""


def _slug(value: object) -> str:
    return slugify(str(value))


def _segment(value: object) -> str:
    return url_segment(str(value))


_FILTERS: dict[str, FilterFunction] = {
    "markdown": _same,
    "i18n": Steady(_i18n),
    "slugify": Steady(_slug),
    "url_path": Steady(_segment),
}


class _Silence:
    """Takes what the engine tells."""

    def emit(self, event: Event, /) -> None:
        """Drop an event."""

    def tick(self) -> float | None:
        """Have nothing to draw."""
        return None

    def close(self) -> None:
        """Have nothing to close."""


def main(root: Path, work: Path, rounds: int) -> None:
    """Print the rows."""
    site = _load(root, work)
    seldom_collect_garbage()  # as workers do
    stage = Stage(site, site.main, datetime.fromtimestamp(0, tz=UTC), _no_source)
    posts = site.members(("main", "root", ""))
    size = site.meta.project.max_posts_per_page
    singles: list[Callable[[], Page]] = [partial(PostPage, stage, path) for path in posts[:_MOST_PAGES]]
    numbers = range(1, 1 + min(_MOST_PAGES, len(posts) // size))
    lists: list[Callable[[], Page]] = [partial(ListPage, stage, "root", "", n) for n in numbers]
    sources = {**bundled_templates(), **site.templates}
    ways = ("compiled", "interpreted")
    both = {way: Templates(sources, _FILTERS, own=OWN_VARIABLES, compiled=way == "compiled") for way in ways}
    kinds = (("single page", "single-post", singles), (f"list of {size}", "post-list", lists))
    print(json.dumps([{"what": what, **_row(both, name, pages, rounds)} for what, name, pages in kinds]))


def _load(root: Path, work: Path) -> Site:
    for folder in ("out", "cache/bodies"):
        (work / folder).mkdir(parents=True)
    project = Project(root, work / "out", work / "cache", work / "cache/bodies", 0, Policy(), "bench", os.getpid())
    engine = Engine(project, _Silence())
    engine.open()
    try:
        engine.look_everywhere()
        engine.settle((), lambda: None)
        return engine.site
    finally:
        engine.close()


def _row(
    both: dict[str, Templates], name: str, pages: Sequence[Callable[[], Page]], rounds: int
) -> dict[str, float | int]:
    times: dict[str, list[float]] = {way: [] for way in both}
    for turn in range(rounds + 1):  # the first turn parses and compiles
        for way, templates in both.items():
            made = [make() for make in pages]
            templates.shelf.clear()  # no page is made twice in one state of a site
            started = time.process_time()
            for page in made:
                templates.render(name, page)
            if turn:
                times[way].append(1e6 * (time.process_time() - started) / len(made))
    quick, slow = (statistics.median(times[way]) for way in ("compiled", "interpreted"))
    return {"pages": len(pages), "compiled_us": quick, "interpreted_us": slow, "ratio": slow / quick}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
