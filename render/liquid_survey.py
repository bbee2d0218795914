"""What can be told of a template by looking at it: the names it sets and asks for, and the tags it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import Path, StringLiteral
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.doc_tag import DocNode
from liquid.builtin.tags.ifchanged_tag import IfChangedNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.builtin.tags.inline_comment_tag import InlineCommentNode
from liquid.exceptions import TemplateNotFoundError

from blogd.render.liquid_errors import TemplateError
from blogd.render.liquid_interpreter import (
    Context,
    Environment,
    ForNode,
    IncludeNode,
    Loop,
    RenderNode,
    TablerowNode,
    Template,
    template_name,
)
from blogd.render.liquid_unit import Names, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from liquid.ast import Node
    from liquid.expression import Expression

_TEXT: Final = (ContentNode, CommentNode, InlineCommentNode, DocNode)
_BOUND_TO_A_TEMPLATE: Final = (CycleNode, DecrementNode, IfChangedNode, IncludeNode, IncrementNode)


def named_template(environment: Environment, node: IncludeNode | RenderNode) -> Template | None:
    """Return the template that a tag names, None where it is missing or broken."""
    if not isinstance(node.name, StringLiteral):
        raise Unsupported("a computed name")
    try:
        return environment.parsed(template_name(node.name.value))
    except (TemplateNotFoundError, TemplateError):
        return None


def names_set(environment: Environment | None, template: Template, variable: Callable[[str], str]) -> Names:
    """Find what a template and, given an environment, its includes assign or count; name a Python variable for each."""
    assigned: dict[str, str] = {}
    counters: dict[str, str] = {}
    for node in walk(environment, (template,)):
        found, prefix = (counters, "n") if isinstance(node, IncrementNode | DecrementNode) else (assigned, "x")
        for name in node.template_scope():
            if name not in found:
                found[str(name)] = variable(prefix)
    return Names(assigned, counters)


def walk(environment: Environment | None, path: tuple[Template, ...]) -> Iterator[Node]:
    """Visit the nodes of the last template of `path` and, given an environment, those of its includes."""
    context = Context(path[-1])
    pending = list(path[-1].nodes)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, IncludeNode):
            included = named_template(environment, node) if environment else None
            if included in path:
                raise Unsupported("an include of itself")
            if included is not None:
                yield from walk(environment, (*path, included))
        elif not isinstance(node, RenderNode):
            pending += node.children(context, include_partials=False)


def is_text(template: Template) -> bool:
    """Tell whether a template is nothing but text."""
    return all(isinstance(node, _TEXT) for node in template.nodes)


def stands_alone(template: Template) -> bool:
    """Tell whether nothing in a template counts on the state of the template that it is in."""
    return not any(isinstance(node, _BOUND_TO_A_TEMPLATE) or _continues(node) for node in walk(None, (template,)))


def names_asked(environment: Environment, template: Template, seen: set[str] | None = None) -> set[str]:
    """Return the names that a template and its partials look up, more or less.

    Those that it sets somewhere are left out, and those that it gives to the first that renders a partial.
    """
    seen = set() if seen is None else seen
    asked: set[str] = set()
    of_partials: set[str] = set()
    known = {"forloop", "tablerowloop"}
    for node in walk(None, (template,)):
        asked.update(heads(node.expressions()))
        known.update(map(str, (*node.template_scope(), *node.block_scope())))
        if isinstance(node, RenderNode) and isinstance(node.name, StringLiteral) and node.name.value not in seen:
            seen.add(node.name.value)
            partial = named_template(environment, node)
            of_partials |= names_asked(environment, partial, seen) - given(node) if partial else set[str]()
    return (asked - known) | of_partials


def given(node: RenderNode) -> set[str]:
    """Return the names of the arguments that a partial is given by name."""
    return {argument.name for argument in node.args}


def heads(expressions: Iterable[Expression]) -> Iterator[str]:
    """Give the names that paths in some expressions start from."""
    pending = list(expressions)
    while pending:
        expression = pending.pop()
        if isinstance(expression, Path):
            yield str(expression.head())
        pending += expression.children()


def _continues(node: Node) -> bool:
    return isinstance(node, ForNode | TablerowNode) and isinstance(node.expression, Loop) and node.expression.continues
