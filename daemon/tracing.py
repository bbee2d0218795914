"""Which line of which template asks what: a page is rendered once more, and each read looks up who is calling.

Templates are functions (or, where they are interpreted, nodes) that are on Python's stack while they ask, so rendering
needs no change for this. The line is that of the innermost template: a partial's own, not that of the page that
renders it. A variable is asked for once, by the line that comes first. What blogd reads by itself has no line.
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from liquid.ast import Node
from liquid.expression import Expression

from blogd.daemon.resources import bundled_templates, stylesheet_source
from blogd.daemon.worker import SourceBodies
from blogd.render.diagnostic import LostError
from blogd.render.liquid_errors import Place, Places
from blogd.render.liquid_interpreter import Template
from blogd.render.reads import Recorder
from blogd.render.renderer import Bodies, Choice, Renderer

if TYPE_CHECKING:
    from types import FrameType

    from blogd.daemon.last_run import LastRun
    from blogd.render.pages import Page
    from blogd.render.reads import Entity, Reads
    from blogd.render.routes import PageKey
    from blogd.render.site import Site


class Tracer(Recorder):
    """A recorder that notes who asks first: for each entity, lines (`path:number`) and the aspects that they asked."""

    __slots__ = ("lines", "template")

    def __init__(self) -> None:
        self.lines: dict[Entity, dict[str, int]] = {}
        self.template = ""
        super().__init__()

    def begin(self) -> Reads:
        """Give what notes who asks."""
        return _Traced(self.lines)

    def askers(self, entity: Entity, mask: int) -> tuple[str, ...]:
        """Give the lines that asked these aspects."""
        return tuple(line for line, asked in self.lines.get(entity, {}).items() if asked & mask)


class _Traced(dict["Entity", int]):
    def __init__(self, lines: dict[Entity, dict[str, int]]) -> None:
        super().__init__()
        self._lines = lines

    def __setitem__(self, entity: Entity, mask: int) -> None:
        new = mask & ~self.get(entity, 0)
        super().__setitem__(entity, mask)
        line = _template_line(inspect.currentframe()) if new else ""
        if line:
            lines = self._lines.setdefault(entity, {})
            lines[line] = lines.get(line, 0) | new


class _TracingRenderer(Renderer):
    def __init__(self, site: Site, bodies: Bodies) -> None:
        super().__init__(site, bodies, bundled_templates(), stylesheet_source())
        self.tracer = Tracer()

    def _page(self, key: PageKey, now: datetime) -> Page:
        page = super()._page(key, now)
        page.recorder = self.tracer
        return page

    def _html(self, choice: Choice, page: Page) -> str:
        self.tracer.template = choice.template
        return super()._html(choice, page)


def trace(run: LastRun, key: PageKey) -> Tracer:
    """Render a page of the last run's site for its reads alone, as far as the files are still there."""
    bodies = SourceBodies(str(run.root), run.cache / "bodies", run.site)
    renderer = _TracingRenderer(run.site, bodies)
    now = datetime.fromtimestamp((run.build_time or 0) / 1_000_000, tz=UTC)
    try:
        renderer.render(key, now.astimezone(run.site.zone))
    except LostError:
        pass  # what was asked before that is right
    finally:
        bodies.close()
    return renderer.tracer


def _template_line(frame: FrameType | None) -> str:
    """Give the line of the innermost template on the stack, '' if there is none."""
    index = -1
    while frame is not None:
        places, subject = frame.f_globals.get("places"), frame.f_locals.get("self")
        if isinstance(places, Places) and (place := places.find(frame.f_lineno)):
            return _show(place)
        if isinstance(subject, Template):
            return _show(Place(subject.source, index))
        if index < 0 and isinstance(subject, Node | Expression):
            index = subject.token.start_index
        frame = frame.f_back
    return ""


def _show(place: Place) -> str:
    line = place.source.first_line + place.source.text.count("\n", 0, max(0, place.index))
    return f"{place.source.path}:{line}"
