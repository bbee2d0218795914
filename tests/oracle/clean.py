"""A build from nothing, each page made as if it were the only one, and in what an output folder differs from it.

What could not be made (a broken template, say) keeps its last good version where there was one, so outputs that failed
in the clean build are left out. What remains has to be the same: outputs, findings, and all that can be asked of the
site, whether or not a page of it asks.
"""

from __future__ import annotations

import os
import shutil
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest.mock import patch

from msgspec.structs import replace

from blogd.cache.rows import FAILED
from blogd.daemon.engine import Engine
from blogd.daemon.project import Project
from blogd.render import renderer
from blogd.render.answers import difference
from blogd.render.reads import ASPECT, mask_names
from blogd.render.renderer import Renderer
from blogd.render.templates import Templates
from tests.oracle.asked import entities
from tests.support import Silence, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from blogd.daemon.policy import Policy
    from blogd.render.diagnostic import Diagnostic
    from blogd.render.reads import Entity
    from blogd.render.renderer import Rendering
    from blogd.render.routes import PageKey
    from blogd.render.site import Site

RENDER: Final = Renderer.render
TEXT: Final = ASPECT["source"] | ASPECT["macros"]
SHOWN_BEFORE: Final = 40
SHOWN_AFTER: Final = 80


class Hasty(Silence):
    """A reporter that never lets the engine wait."""

    def tick(self) -> float | None:
        return 0.0


class Clean(NamedTuple):
    """What a clean build has made; `unread` are the sources that it couldn't read, with what it says of them."""

    files: dict[str, bytes]
    failed: set[str]
    unread: dict[str, tuple[Diagnostic, ...]]
    findings: set[Diagnostic]
    site: Site
    lost: frozenset[str]


def open_engine(root: Path, out: Path, policy: Policy) -> tuple[Engine, Hasty]:
    """Begin a run, without processes; its cache lies beside the output folder."""
    cache, reporter = out.with_name(f"{out.name}-cache"), Hasty()
    for folder in (out, cache / "bodies"):
        folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(Project(root, out, cache, cache / "bodies", 0, policy, "test", os.getpid()), reporter)
    engine.open()
    return engine, reporter


def build(root: Path, out: Path, policy: Policy, lost: frozenset[str] = frozenset(), *, is_compiled: bool) -> Clean:
    """Build a site and remove what came out; `lost` are sources of which only what they meant is there.

    Of their text nothing is known: pages that show it can't be compared, and nobody tells what was wrong with it.
    """
    templates = partial(Templates, compiled=is_compiled)
    with patch.object(renderer, "Templates", templates), patch.object(Renderer, "render", _render_alone):
        engine, reporter = open_engine(root, out, policy)
        try:
            engine.look_everywhere()
            engine.settle((), lambda: None)
            assert not reporter.notes, f"a clean build had troubles: {reporter.notes}"
            manifest, sources = engine.books.manifest, engine.sources.rows
            rows = manifest.pages.values()
            untold = {finding for path in lost if path in sources for finding in sources[path].diagnostics}
            return Clean(
                read_tree(out),
                {row.path for row in rows if row.state == FAILED or _shows_text(manifest.reads_of(row), lost)},
                {row.path: row.diagnostics for row in sources.values() if row.failed},
                engine.books.findings.standing() - untold,
                engine.site,
                lost,
            )
        finally:
            engine.close()
            _remove(out)


def _render_alone(renderer: Renderer, key: PageKey, now: datetime) -> Rendering:
    """Render a page that takes over no text from another."""
    renderer.templates.shelf.clear()
    return RENDER(renderer, key, now)


def _remove(out: Path) -> None:
    """Remove a clean build, but for compiled templates: a site compiles each once."""
    shutil.rmtree(out)
    for path in out.with_name(f"{out.name}-cache").iterdir():
        if path.is_file():
            path.unlink()
        elif not path.name.startswith("code-"):
            shutil.rmtree(path)


def _shows_text(reads: Iterable[tuple[Entity, int]], lost: frozenset[str]) -> bool:
    """Tell whether a page shows the very text of a source: that goes with the source."""
    return any(entity[0] == "post" and entity[1] in lost and mask & TEXT for entity, mask in reads)


def differences(files: dict[str, bytes], engine: Engine, clean: Clean) -> Iterator[str]:
    """Say in what an output folder and the engine at work on it differ from a clean build."""
    for path in sorted(files.keys() | clean.files.keys()):
        if path not in clean.failed and files.get(path) != clean.files.get(path):
            yield f"{path} differs:{_where(files.get(path), clean.files.get(path))}"
    ours, theirs = (_vague(found, clean.lost) for found in (engine.books.findings.standing(), clean.findings))
    yield from (f"a finding is missing: {finding}" for finding in sorted(theirs - ours))
    yield from (f"a finding too many: {finding}" for finding in sorted(ours - theirs))
    engine.load()  # a run that finds nothing to do doesn't
    for entity in entities(engine.site, clean.site):
        mask = difference(engine.site, clean.site, entity)
        if clean.lost and entity[0] == "post":  # what macros come to is known of texts only
            mask &= ~ASPECT["macros"]
        if mask:
            yield f"the site has a wrong answer about {entity} {mask_names(entity, mask)}"


def _vague(findings: set[Diagnostic], lost: frozenset[str]) -> set[Diagnostic]:
    """Leave out of findings what the text of lost sources says."""
    return {replace(found, column=0, source_line="") if found.path in lost else found for found in findings}


def _where(ours: bytes | None, theirs: bytes | None) -> str:
    """Show where two files begin to differ."""
    pairs = enumerate(zip_longest(ours or b"", theirs or b""))
    at = next((number for number, pair in pairs if pair[0] != pair[1]), 0)
    start = max(0, at - SHOWN_BEFORE)
    shown = ("(missing)" if data is None else repr(data[start : at + SHOWN_AFTER]) for data in (ours, theirs))
    return "\n  {}, not\n  {}".format(*shown)
