"""The templates of a site, rendered for its pages.

`Templates` holds a snapshot of sources. python-liquid parses a template when it is first needed, and defines what
templates mean; most are then compiled to Python functions (see `liquid_units`), the others interpreted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blogd.render.diagnostic import LostError
from blogd.render.limits import Limits
from blogd.render.liquid_errors import TemplateError, missing_template, template_error
from blogd.render.liquid_interpreter import Environment, template_name
from blogd.render.liquid_page import FilterFunction, Page, Run
from blogd.render.liquid_runtime import PageNames
from blogd.render.liquid_units import CodeCache, Units
from blogd.render.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blogd.render.records import TemplateSource

__all__ = ["CodeCache", "FilterFunction", "Limits", "Page", "TemplateError", "Templates"]

_MANY = 100_000
"""A number of strings that might be too long to be joined before they are measured."""


class Templates:
    """The templates of a site by name; `filters` are added to Liquid's own or take their place.

    Texts of partials are kept on the `shelf`, which is to be cleared when any answer that pages give changes. `own`
    names the variables that hardly two pages have in common: no texts are kept of partials that show these.
    """

    def __init__(  # noqa: PLR0913 - all but two are options
        self,
        sources: Mapping[str, TemplateSource],
        filters: Mapping[str, FilterFunction],
        *,
        own: frozenset[str] = frozenset(),
        limits: Limits | None = None,
        compiled: bool = True,
        code_cache: CodeCache | None = None,
    ) -> None:
        self._sources = dict(sources)
        self._limits = limits or Limits()
        self.shelf = Shelf()
        self._environment = Environment(self._sources, filters, self._limits)
        cache: CodeCache = {} if code_cache is None else code_cache
        self._units = Units(self._environment, own, self.shelf, cache, compiled=compiled)

    def update(self, changes: Mapping[str, TemplateSource | None]) -> None:
        """Take new sources over; None removes a template."""
        for name, source in changes.items():
            if source is None:
                self._sources.pop(name, None)
            else:
                self._sources[name] = source
        self.shelf.clear()
        self._environment.forget(changes)
        self._units.forget(changes)

    def render(self, name: str, page: Page) -> str:
        """Return the page's text; raise TemplateError where a template is missing, broken, or fails."""
        name = template_name(name)
        run, out = Run(page, self._limits), list[str]()
        run.read_template(name)
        run.recorder.read(("project", "limits"))
        source = self._sources.get(name)
        if source is None:
            raise missing_template(name)
        try:
            self._units.page(name)(run, PageNames(page), out, 0)
            return _text(out, run)
        except LostError:
            raise
        except Exception as error:
            raise template_error(error, source) from error


def _text(out: list[str], run: Run) -> str:
    if len(out) > _MANY:
        run.check_length(sum(map(len, out)))
    text = "".join(out)
    run.check_length(len(text))
    return text
