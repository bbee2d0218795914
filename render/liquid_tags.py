"""The compiled form of tags other than loops and partials."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from liquid.ast import BlockNode, ConditionalBlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.doc_tag import DocNode
from liquid.builtin.tags.echo_tag import EchoNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.ifchanged_tag import IfChangedNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.builtin.tags.inline_comment_tag import InlineCommentNode
from liquid.builtin.tags.liquid_tag import LiquidNode
from liquid.builtin.tags.unless_tag import UnlessNode

from blogd.render.liquid_expressions import atom, condition, equal, value
from blogd.render.liquid_unit import Code, Compile, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liquid.token import Token


def _content(unit: Unit, node: ContentNode) -> None:
    unit.write_text(node.text)


def _nothing(_unit: Unit, _node: Node) -> None:
    pass


def _output(unit: Unit, node: OutputNode) -> None:
    unit.write(value(unit, node.expression), node.token)


def _liquid(unit: Unit, node: LiquidNode) -> None:
    unit.body(node.block)


def _assign(unit: Unit, node: AssignNode) -> None:
    _set(unit, str(node.name), value(unit, node.expression), node.token)


def _set(unit: Unit, name: str, code: Code, token: Token) -> None:
    local = unit.names.assigned[name]
    unit.line(f"{local} = {code.text}", token)
    if code.kind in (None, str):
        test = "" if code.kind else f"{local}.__class__ is str and "
        with unit.block(f"if {test}len({local}) > run.characters:", token):
            unit.line(f"run.check_length(len({local}))", token)
    unit.names.definite.add(name)


def _captured(unit: Unit, block: BlockNode, token: Token) -> str:
    """Write a block into a list of its own and return the code of the whole text."""
    name = unit.writer.name("out")
    unit.line(f"{name} = []", token)
    with unit.output(name):
        unit.body(block)
    return f"''.join({name})"


def _capture(unit: Unit, node: CaptureNode) -> None:
    _set(unit, str(node.name), Code(_captured(unit, node.block, node.token), str), node.token)


def _ifchanged(unit: Unit, node: IfChangedNode) -> None:
    unit.state["changed"] = "''"
    code = unit.temporary(Code(_captured(unit, node.block, node.token), str), node.token)
    unit.line(f"run.check_length(len({code.text}))", node.token)
    with unit.block(f"if {code.text} != changed:", node.token):
        unit.line(f"changed = {code.text}", node.token)
        if not node.blank:
            unit.write(code, node.token)


def _cycle(unit: Unit, node: CycleNode) -> None:
    unit.state["cycles"] = "{}"
    group = value(unit, node.group).text if node.group else "''"
    items = ", ".join([value(unit, item).text for item in node.args])
    unit.write(Code(f"cycle(cycles, {group}, [{items}])"), node.token)


def _increment(unit: Unit, node: IncrementNode) -> None:
    counter = unit.names.counters[str(node.name)]
    unit.line(f"{counter} = ({counter} or 0) + 1", node.token)
    unit.write(Code(f"({counter} - 1)", int), node.token)


def _decrement(unit: Unit, node: DecrementNode) -> None:
    counter = unit.names.counters[str(node.name)]
    unit.line(f"{counter} = ({counter} or 0) - 1", node.token)
    unit.write(Code(counter, int), node.token)


def _if(unit: Unit, node: IfNode) -> None:
    with unit.block(f"if {condition(unit, node.condition)}:", node.token):
        unit.body(node.consequence)
    _otherwise(unit, node.alternatives, node.default, node.token)


def _unless(unit: Unit, node: UnlessNode) -> None:
    with unit.block(f"if not {condition(unit, node.condition)}:", node.token):
        unit.body(node.consequence)
    _otherwise(unit, node.alternatives, node.default, node.token)


def _otherwise(unit: Unit, alternatives: list[ConditionalBlockNode], default: BlockNode | None, token: Token) -> None:
    """Write `elif`, or `else` with an `if` within where the condition needs statements."""
    if not alternatives:
        if default:
            with unit.block("else:", token):
                unit.body(default)
        return
    first, *others = alternatives
    start = len(unit.writer.lines)
    with unit.block("else:", token):
        test = condition(unit, first.expression)
        if len(unit.writer.lines) > start + 1:
            with unit.block(f"if {test}:", first.token):
                unit.body(first.block)
            _otherwise(unit, others, default, token)
            return
    unit.writer.rewind(start)
    with unit.block(f"elif {test}:", first.token):
        unit.body(first.block)
    _otherwise(unit, others, default, token)


def _case(unit: Unit, node: CaseNode) -> None:
    """Write a test for each `when`: all that match are rendered, and each as often as it matches."""
    matched = unit.writer.name("m") if any(isinstance(block, BlockNode) for block in node.blocks) else ""
    if matched:
        unit.line(f"{matched} = False", node.token)
    for block in node.blocks:
        if isinstance(block, MultiExpressionBlockNode):
            _when(unit, node, block, matched)
        else:
            with unit.block(f"if not {matched}:", node.token):
                unit.body(block)


def _when(unit: Unit, node: CaseNode, when: MultiExpressionBlockNode, matched: str) -> None:
    left = atom(unit, node.expression)
    tests = [equal(left, atom(unit, right)) for right in when.expression.expressions]
    single = len(tests) == 1
    head = f"if {tests[0]}:" if single else f"for _ in range({' + '.join(tests)}):"
    with unit.block(head, when.token):
        if matched:
            unit.line(f"{matched} = True", when.token)
        if single:
            unit.body(when.block)
        else:
            with unit.jumping(None):
                unit.body(when.block)


TAGS = cast(
    "Mapping[type[Node], Compile]",
    {
        ContentNode: _content,
        OutputNode: _output,
        EchoNode: _output,
        LiquidNode: _liquid,
        AssignNode: _assign,
        CaptureNode: _capture,
        IfChangedNode: _ifchanged,
        CycleNode: _cycle,
        IncrementNode: _increment,
        DecrementNode: _decrement,
        IfNode: _if,
        UnlessNode: _unless,
        CaseNode: _case,
        CommentNode: _nothing,
        InlineCommentNode: _nothing,
        DocNode: _nothing,
    },
)
