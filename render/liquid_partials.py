"""The compiled form of `include`, the other template written out in place, and of `render`, which is mostly a call.

A call is remembered (see `liquid_memo`), which pays where a text is shown on many pages. A partial that asks for what
hardly two pages have in common, or is nothing but text, is written out in place, as far as its tags allow it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from liquid.builtin.expressions import KeywordArgument, Path, StringLiteral

from blogd.render.liquid_expressions import value
from blogd.render.liquid_filters import Clocks
from blogd.render.liquid_interpreter import IncludeNode, RenderNode, Template, template_name
from blogd.render.liquid_survey import given, heads, is_text, named_template, names_asked, names_set, stands_alone
from blogd.render.liquid_unit import Binding, Code, Compile, Mode, Names, Unit, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liquid.ast import Node
    from liquid.token import Token

_MOST_LINES: Final = 2000  # of a function, before partials are called instead


def _render(unit: Unit, node: RenderNode) -> None:
    if not isinstance(node.name, StringLiteral):
        raise Unsupported("a snippet")
    name = template_name(node.name.value)
    template = named_template(unit.environment, node)
    if template is not None and _belongs_here(unit, node, name, template):
        _write_out(unit, node, name, template)
    else:
        _call(unit, node, name)


def _belongs_here(unit: Unit, node: RenderNode, name: str, template: Template) -> bool:
    """Tell whether a partial is better written out in place than remembered: if it says what is the page's own."""
    if node.loop or name in unit.within or unit.names.counters or len(unit.writer.lines) > _MOST_LINES:
        return False
    own = is_text(template) or not (unit.names.own - given(node)).isdisjoint(names_asked(unit.environment, template))
    return (own or bool(_own_arguments(unit, node, name))) and stands_alone(template)


def _write_out(unit: Unit, node: RenderNode, name: str, template: Template) -> None:
    _visit(unit, node, name)
    arguments = {argument.name: _bound(unit, value(unit, argument.value), node.token) for argument in node.args}
    _check_depth(unit, node)
    if node.var is not None:
        arguments[_key(node, name)] = _bound(unit, value(unit, node.var), node.token)
    names, outer = names_set(None, template, unit.writer.name), unit.names
    names.arguments = {**outer.arguments, **arguments}
    names.own = outer.own.difference(arguments) | _own_arguments(unit, node, name)
    names.known = dict(outer.known)
    scope: dict[str, Binding] = {"partial": Code("TRUE", bool, atom=True)}
    with unit.partial(name, names), unit.scope(scope, node.token), unit.source(name):
        unit.template_nodes(template.nodes)
    outer.known = names.known


def _call(unit: Unit, node: RenderNode, name: str) -> None:
    _visit(unit, node, name)
    partial = unit.writer.name("p")
    unit.line(f"{partial} = partials[{name!r}]", node.name.token)
    arguments = {name: code.text for name, code in unit.names.arguments.items()}
    for argument in node.args:
        code = value(unit, argument.value)
        if not _is_found_anyway(unit.names, argument):
            arguments[argument.name] = code.text
    _check_depth(unit, node)
    if node.var is None:
        names = _scope(arguments) if arguments else "names"
        unit.line(f"{partial}.once(run, {names}, {unit.out}, {_depth(unit)})", node.token)
        return
    key, variable = _key(node, name), value(unit, node.var).text
    if node.loop:
        names = unit.writer.name("names")
        unit.line(f"{names} = {_scope(arguments)}", node.token)
        function = f"repeat({partial}, run, {names}, {key!r}, {variable})"
        unit.line(f"{function}(run, {names}, {unit.out}, {_depth(unit)})", node.token)
    else:
        scope = _scope({**arguments, key: variable})
        unit.line(f"{partial}.once(run, {scope}, {unit.out}, {_depth(unit)})", node.token)


def _visit(unit: Unit, node: RenderNode | IncludeNode, name: str) -> None:
    """Write the lookup of a partial, as the interpreter accounts for it."""
    unit.state["reads"] = "run.recorder.reads"
    unit.line(f"reads['template', {name!r}] = 1; run.iterations -= 1", node.token)
    with unit.block("if run.iterations < 0:", node.token):
        unit.line("run.iterate(0)", node.token)


def _scope(arguments: Mapping[str, str]) -> str:
    return f"scope(names, {{{', '.join(f'{name!r}: {code}' for name, code in arguments.items())}}})"


def _depth(unit: Unit) -> str:
    """Return the code of how many partials a partial that is called here is within."""
    return str(len(unit.within)) if unit.mode is Mode.PAGE else f"depth + {len(unit.within)}"


def _check_depth(unit: Unit, node: RenderNode) -> None:
    left = unit.environment.context_depth_limit - len(unit.within) + 1
    if unit.mode is not Mode.PAGE or left < 0:
        with unit.block(f"if depth > {left}:", node.token):
            unit.line("too_deep('render')", node.token)


def _own_arguments(unit: Unit, node: RenderNode, name: str) -> set[str]:
    """Return the arguments whose values are the page's own."""
    given = [(argument.name, argument.value) for argument in node.args]
    given += [(_key(node, name), node.var)] if node.var else []
    return {name for name, expression in given if any(_is_own(unit.names, head) for head in heads([expression]))}


def _is_own(names: Names, name: str) -> bool:
    frame_bound = any(name in frame for frame in names.frames)
    return name in names.own and name not in names.assigned and not frame_bound


def _is_found_anyway(names: Names, argument: KeywordArgument) -> bool:
    """Tell whether an argument is a variable of its own name that is the page's, or an argument around it."""
    name, path = argument.name, argument.value
    is_same = isinstance(path, Path) and path.path == [name]
    return is_same and names.bound(name) is None and name not in {*names.assigned, *names.counters, *Clocks.formats}


def _key(node: RenderNode | IncludeNode, name: str) -> str:
    """Return the name under which a partial sees the value it is rendered with."""
    return str(node.alias or name.rpartition("/")[2].split(".")[0])


def _include(unit: Unit, node: IncludeNode) -> None:
    if unit.mode is not Mode.PAGE:
        unit.line("no_include()", node.token)
        return
    if not isinstance(node.name, StringLiteral):
        raise Unsupported("an include with a computed name")
    name = template_name(node.name.value)
    _visit(unit, node, name)
    included = named_template(unit.environment, node)
    if included is None:
        unit.templates.append(name)
        unit.line(f"fail({name!r})", node.name.token)
        return
    bindings: dict[str, Binding] = {}
    for argument in node.args:
        bindings[argument.name] = _bound(unit, value(unit, argument.value), node.token)
    with unit.scope(bindings, node.token):
        if node.var is None:
            _inline(unit, name, included, node.token)
            return
        item = unit.writer.name("v")
        variable = value(unit, node.var).text
        bindings[_key(node, name)] = Code(item, atom=True)
        with unit.block(f"for {item} in included(run, {variable}):", node.token), unit.jumping(None):
            _inline(unit, name, included, node.token)


def _bound(unit: Unit, code: Code, token: Token) -> Code:
    name = unit.writer.name("a")
    unit.line(f"{name} = {code.text}", token)
    return Code(name, code.kind, atom=True)


def _inline(unit: Unit, name: str, template: Template, token: Token) -> None:
    with unit.scope({"partial": Code("TRUE", bool, atom=True)}, token), unit.source(name):
        unit.nodes(template.nodes)


TAGS = cast(
    "Mapping[type[Node], Compile]",
    {
        RenderNode: _render,
        IncludeNode: _include,
    },
)
