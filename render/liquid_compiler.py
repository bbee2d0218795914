"""From python-liquid's tree to Python source: what each tag becomes.

A template becomes one function, `render(run, names, out, depth)`, that appends strings to the list `out`. `include`
with a constant name is written out in place, since it shares its scope; `render` is a call. A template in which
something has no compiled form (a computed name of a partial, recursive includes) is left to the interpreter as a whole.

The statements keep python-liquid's order of evaluation as far as it can be noticed: a lookup may happen before an
earlier output is written, never one that python-liquid would not do at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.token import Token

from blogd.render import liquid_loops, liquid_partials, liquid_tags
from blogd.render.liquid_interpreter import Context, Environment, IncludeNode, RenderNode, Template
from blogd.render.liquid_partials import included_template
from blogd.render.liquid_unit import Binding, Code, Mode, Names, Unit, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from liquid.ast import Node

    from blogd.render.liquid_writer import Place

_TAGS: Final = {**liquid_tags.TAGS, **liquid_loops.TAGS, **liquid_partials.TAGS}
_PARAMETERS: Final = {
    Mode.PAGE: "run, names, out, depth",
    Mode.PARTIAL: "run, names, out, depth",
    Mode.EACH: "run, names, out, depth, turns",
}


class Source(NamedTuple):
    """A compiled template: Python source, the place of each of its lines, and what it refers to by number.

    `templates` are those that `places` refer to, the template itself and what it includes; some may not exist.
    """

    text: str
    places: list[Place]
    templates: list[str]
    filters: list[str]
    undefined: list[str]


def compile_template(environment: Environment, name: str, mode: Mode) -> Source:
    """Compile a template that can be parsed; raise Unsupported for one that must be interpreted."""
    template = environment.parsed(name)
    unit = Unit(name, mode, environment, _survey(environment, template, mode), _TAGS)
    head: dict[str, Binding] = {"partial": Code("FALSE" if mode is Mode.PAGE else "TRUE", bool, atom=True)}
    token = Token("", "", 0, "")
    with unit.scope(head, token):
        if mode is Mode.EACH:
            with unit.block("for item in turns.items:", token):
                unit.line("turns.loop.step(); names[turns.key] = item", token)
                _top(unit, template.nodes)
        else:
            _top(unit, template.nodes)
    unit.flush()
    _note_stops(unit)
    text, places = unit.writer.source([f"def render({_PARAMETERS[mode]}):", *_prologue(unit), "    pass"])
    return Source(text, places, unit.templates, list(unit.filters), list(unit.undefined))


def _top(unit: Unit, nodes: Iterable[Node]) -> None:
    for node in nodes:
        unit.top = unit.place(node.token)
        unit.node(node)
    unit.flush()


def _prologue(unit: Unit) -> list[str]:
    state = dict(unit.state)
    state |= dict.fromkeys(unit.names.assigned.values(), "UNSET")
    state |= dict.fromkeys(unit.names.counters.values(), "None")
    return [f"    {name} = {start}" for name, start in state.items()]


def _note_stops(unit: Unit) -> None:
    for number, (key, stop) in unit.stops.items():
        if key in unit.continued:
            unit.writer.fill(number, f"stops[{key!r}] = {stop}")


def _survey(environment: Environment, template: Template, mode: Mode) -> Names:
    """Find the names that a template and its includes assign or count."""
    assigned: dict[str, str] = {}
    counters: dict[str, str] = {}
    for node in _walk(environment if mode is Mode.PAGE else None, (template,)):
        found, prefix = (counters, "n") if isinstance(node, IncrementNode | DecrementNode) else (assigned, "x")
        for name in node.template_scope():
            found.setdefault(str(name), f"{prefix}{len(found)}")
    return Names(assigned, counters)


def _walk(environment: Environment | None, path: tuple[Template, ...]) -> Iterator[Node]:
    """Visit the nodes of the last template of `path` and, given an environment, those of its includes."""
    context = Context(path[-1])
    pending = list(path[-1].nodes)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, IncludeNode):
            included = included_template(environment, node) if environment else None
            if included in path:
                raise Unsupported("an include of itself")
            if included is not None:
                yield from _walk(environment, (*path, included))
        elif not isinstance(node, RenderNode):
            pending += node.children(context, include_partials=False)
