"""From python-liquid's tree to Python source: what each tag becomes.

A template becomes one function, `render(run, names, out, depth)`, that appends strings to the list `out`. `include`
with a constant name is written out in place, since it shares its scope; `render` is a call, or written out in place
too. A template in which something has no compiled form (a computed name of a partial, recursive includes) is left to
the interpreter as a whole.

The statements keep python-liquid's order of evaluation as far as it can be noticed: a lookup may happen before an
earlier output is written, never one that python-liquid would not do at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from liquid.token import Token

from blogd.render import liquid_loops, liquid_partials, liquid_tags
from blogd.render.liquid_survey import names_set
from blogd.render.liquid_unit import Binding, Code, Mode, Unit

if TYPE_CHECKING:
    from blogd.render.liquid_interpreter import Environment
    from blogd.render.liquid_writer import Place

_TAGS: Final = {**liquid_tags.TAGS, **liquid_loops.TAGS, **liquid_partials.TAGS}
_PARAMETERS: Final = {
    Mode.PAGE: "run, names, out, depth",
    Mode.PARTIAL: "run, names, out, depth",
    Mode.EACH: "run, names, out, depth, turns",
}


class Source(NamedTuple):
    """A compiled template: Python source, the place of each of its lines, and what it refers to by number.

    `templates` are those that `places` refer to, the template itself and what is written out in it; some may not
    exist.
    """

    text: str
    places: list[Place]
    templates: list[str]
    filters: list[str]
    undefined: list[str]


def compile_template(environment: Environment, name: str, mode: Mode, own: frozenset[str] = frozenset()) -> Source:
    """Compile a template that can be parsed; raise Unsupported for one that must be interpreted.

    `own` names the variables that hardly two pages have in common.
    """
    template = environment.parsed(name)
    unit = Unit(name, mode, environment, _TAGS)
    unit.names = names_set(environment if mode is Mode.PAGE else None, template, unit.writer.name)
    unit.names.own = own
    head: dict[str, Binding] = {"partial": Code("FALSE" if mode is Mode.PAGE else "TRUE", bool, atom=True)}
    token = Token("", "", 0, "")
    with unit.scope(head, token):
        if mode is Mode.EACH:
            with unit.block("for item in turns.items:", token):
                unit.line("turns.loop.step(); names[turns.key] = item", token)
                unit.template_nodes(template.nodes)
        else:
            unit.template_nodes(template.nodes)
    _note_stops(unit)
    text, places = unit.writer.source([f"def render({_PARAMETERS[mode]}):", *_prologue(unit), "    pass"])
    return Source(text, places, unit.templates, list(unit.filters), list(unit.undefined))


def _prologue(unit: Unit) -> list[str]:
    state = unit.state | dict.fromkeys(unit.names.counters.values(), "None")
    state |= dict.fromkeys(sorted(unit.names.unset), "UNSET")
    return [f"    {name} = {start}" for name, start in state.items()]


def _note_stops(unit: Unit) -> None:
    for number, (key, stop) in unit.stops.items():
        if key in unit.continued:
            unit.writer.fill(number, f"stops[{key!r}] = {stop}")
