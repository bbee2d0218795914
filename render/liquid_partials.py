"""The compiled form of `render`, a call of a function, and of `include`, the other template written out in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from liquid.builtin.expressions import KeywordArgument, StringLiteral
from liquid.exceptions import TemplateNotFoundError

from blogd.render.liquid_errors import TemplateError
from blogd.render.liquid_expressions import value
from blogd.render.liquid_interpreter import Environment, IncludeNode, RenderNode, Template, template_name
from blogd.render.liquid_unit import Binding, Code, Compile, Mode, Unit, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liquid.ast import Node
    from liquid.token import Token


def included_template(environment: Environment, node: IncludeNode) -> Template | None:
    """Return the template that an `include` names, None where it is missing or broken."""
    if not isinstance(node.name, StringLiteral):
        raise Unsupported("an include with a computed name")
    try:
        return environment.parsed(template_name(node.name.value))
    except (TemplateNotFoundError, TemplateError):
        return None


def _arguments(unit: Unit, arguments: list[KeywordArgument]) -> list[str]:
    return [f"{argument.name!r}: {value(unit, argument.value).text}" for argument in arguments]


def _render(unit: Unit, node: RenderNode) -> None:
    if not isinstance(node.name, StringLiteral):
        raise Unsupported("a snippet")
    name, partial = template_name(node.name.value), unit.writer.name("p")
    unit.line(f"{partial} = find(run, {name!r})", node.name.token)
    arguments = _arguments(unit, node.args)
    with unit.block(f"if depth > {unit.environment.context_depth_limit}:", node.token):
        unit.line("too_deep('render')", node.token)
    if node.var is None:
        unit.line(f"{partial}.once(run, scope(names, {{{', '.join(arguments)}}}), {unit.out}, depth + 1)", node.token)
        return
    key, variable = _key(node, name), value(unit, node.var).text
    if node.loop:
        names = unit.writer.name("names")
        unit.line(f"{names} = scope(names, {{{', '.join(arguments)}}})", node.token)
        function = f"repeat({partial}, run, {names}, {key!r}, {variable})"
        unit.line(f"{function}(run, {names}, {unit.out}, depth + 1)", node.token)
    else:
        scope = f"scope(names, {{{', '.join([*arguments, f'{key!r}: {variable}'])}}})"
        unit.line(f"{partial}.once(run, {scope}, {unit.out}, depth + 1)", node.token)


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
    unit.line(f"visit(run, {name!r})", node.name.token)
    included = included_template(unit.environment, node)
    if included is None:
        unit.templates.append(name)
        unit.line(f"fail({name!r})", node.name.token)
        return
    bindings: dict[str, Binding] = {}
    for argument in node.args:
        bindings[argument.name] = _bound(unit, value(unit, argument.value).text, node.token)
    with unit.scope(bindings, node.token):
        if node.var is None:
            _inline(unit, name, included, node.token)
            return
        item = unit.writer.name("v")
        variable = value(unit, node.var).text
        bindings[_key(node, name)] = Code(item, atom=True)
        with unit.block(f"for {item} in included(run, {variable}):", node.token), unit.jumping(None):
            _inline(unit, name, included, node.token)


def _bound(unit: Unit, code: str, token: Token) -> Code:
    name = unit.writer.name("a")
    unit.line(f"{name} = {code}", token)
    return Code(name, atom=True)


def _inline(unit: Unit, name: str, template: Template, token: Token) -> None:
    with unit.scope({"partial": Code("TRUE", bool, atom=True)}, token):
        unit.flush()
        outer, unit.template = unit.template, len(unit.templates)
        unit.templates.append(name)
        unit.nodes(template.nodes)
        unit.flush()
        unit.template = outer


TAGS = cast(
    "Mapping[type[Node], Compile]",
    {
        RenderNode: _render,
        IncludeNode: _include,
    },
)
