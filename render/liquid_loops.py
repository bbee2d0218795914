"""The compiled form of `for` and `tablerow`, and of jumps out of them: Python loops and jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from liquid.builtin.tags.for_tag import BreakNode, ContinueNode

from blogd.render.liquid_expressions import atom, value
from blogd.render.liquid_interpreter import ForNode, Loop, TablerowNode
from blogd.render.liquid_unit import Binding, Code, Compile, ForLoop, Jumps, Unit, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liquid.ast import BlockNode, Node
    from liquid.token import Token


def _break(unit: Unit, node: BreakNode | ContinueNode) -> None:
    stop = isinstance(node, BreakNode)
    if not unit.jumps:
        word = "break" if stop else "continue"
        unit.flush()
        unit.writer.line(f"unexpected({word!r})", unit.top)
        return
    jumps = unit.jumps[-1]
    if jumps is None:
        raise Unsupported("a jump out of a block that is rendered several times")
    for line in jumps.stop if stop else jumps.next:
        unit.line(line, node.token)


def _items(unit: Unit, loop: Loop) -> tuple[str, str]:
    """Write what finds the items to visit; return the variables of the items and of their number."""
    token = loop.token
    items, length, stop = unit.writer.name("items"), unit.writer.name("length"), ""
    iterable = atom(unit, loop.iterable)
    if loop.limit is None and loop.offset is None:
        test = f"{iterable.text} if {iterable.text}.__class__ is list else "
        unit.line(f"{items} = {test}select({iterable.text}, None, 0)[0]", token)
    else:
        stop = unit.writer.name("stop")
        limit = f"argument({value(unit, loop.limit).text})" if loop.limit else "None"
        unit.line(f"{items}, {stop} = select({iterable.text}, {limit}, {_offset(unit, loop)})", token)
    unit.line(f"{length} = len({items})", token)
    unit.stops[unit.writer.reserve(unit.place(token))] = (loop.key, stop or length)
    if loop.reversed:
        unit.line(f"{items} = list({items})[::-1]", token)
    return items, length


def _offset(unit: Unit, loop: Loop) -> str:
    unit.state["stops"] = "{}"
    if loop.continues:
        unit.continued.add(loop.key)
        return f"stops.get({loop.key!r}, 0)"
    return f"argument({value(unit, loop.offset).text})" if loop.offset else "0"


def _for(unit: Unit, node: ForNode) -> None:
    head = cast("Loop", node.expression)
    items, length = _items(unit, head)
    with unit.block(f"if {length}:", node.token):
        unit.line(f"run.iterate({length})", node.token)
        _turns(unit, node, head, items, length)
    if node.default:
        with unit.block("else:", node.token):
            unit.body(node.default)


def _turns(unit: Unit, node: ForNode, head: Loop, items: str, length: str) -> None:
    writer, place = unit.writer, unit.place(node.token)
    make, start = writer.reserve(place), len(writer.lines) + 1
    loop = ForLoop(head.key, length, writer.name("i"), unit.loops[-1] if unit.loops else None, make)
    item = writer.name("v")
    with unit.scope({"forloop": loop, head.identifier: Code(item, atom=True)}, node.token), unit.jumping(Jumps()):
        start = len(writer.lines)
        with unit.block("for", node.token):
            loop.step = writer.reserve(place)
            unit.loops.append(loop)
            unit.body(node.block)
            unit.loops.pop()
    turns = f"{loop.index}, {item} in enumerate({items})" if loop.counted else f"{item} in {items}"
    writer.fill(start, f"for {turns}:")


def _tablerow(unit: Unit, node: TablerowNode) -> None:
    head, token = cast("Loop", node.expression), node.token
    items, length = _items(unit, head)
    row, item, stop = unit.writer.name("row"), unit.writer.name("v"), unit.writer.name("stop")
    with unit.block(f"if {length}:", token):
        columns = f"int_or_zero({value(unit, head.cols).text})" if head.cols else length
        unit.line(f"{row} = TableRow({head.identifier!r}, iter(()), {length}, {columns})", token)
        unit.line(f"run.iterate({length})", token)
        unit.line(f"{stop} = False", token)
        unit.write_text('<tr class="row1">\n')
        bindings: dict[str, Binding] = {"tablerowloop": Code(row, atom=True), head.identifier: Code(item, atom=True)}
        with unit.scope(bindings, token), unit.block(f"for {item} in {items}:", token):
            _cell(unit, node.block, row, stop, token)
        unit.write_text("</tr>\n")


def _cell(unit: Unit, block: BlockNode, row: str, stop: str, token: Token) -> None:
    unit.line(f"{row}.step()", token)
    unit.write(Code(f"f'<td class=\"col{{{row}.col}}\">'", str), token)
    with unit.block("for _ in ONCE:", token), unit.jumping(Jumps((f"{stop} = True", "break"), ("break",))):
        unit.body(block)
    unit.write_text("</td>")
    with unit.block(f"if {row}.col_last and not {row}.last:", token):
        unit.write(Code(f"f'</tr>\\n<tr class=\"row{{{row}.row + 1}}\">'", str), token)
    with unit.block(f"if {stop}:", token):
        unit.line("break", token)


TAGS = cast(
    "Mapping[type[Node], Compile]",
    {
        ForNode: _for,
        TablerowNode: _tablerow,
        BreakNode: _break,
        ContinueNode: _break,
    },
)
