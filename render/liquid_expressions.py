"""The compiled form of Liquid's expressions.

`value` writes the statements that an expression needs, in the order in which python-liquid evaluates, and returns the
code of its value; `condition` the same for its truth. Looking a path up is a statement, since what is missing on the
way must become an undefined value: `try: t1 = post["title"] / except MISSING: t1 = u1`.
"""

from __future__ import annotations

from functools import reduce
from keyword import iskeyword
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Nil, Path, StringLiteral
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import (
    Blank,
    Empty,
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    RangeLiteral,
    TrueLiteral,
)

from blogd.render.liquid_filters import Clocks, Direct, Steady
from blogd.render.liquid_interpreter import Listed
from blogd.render.liquid_unit import Code, ForLoop, Key, Unit, Unsupported
from blogd.render.liquid_writer import marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from liquid.builtin.expressions.filtered import Filter
    from liquid.expression import Expression
    from liquid.token import Token

Segments = list[str | int | Code]
_TEXTS: Final = (None, str)
_ENDS: Final = {"size", "first", "last"}
_FORLOOP: Final = {
    "index": ("{index} + 1", int),
    "index0": ("{index}", int),
    "rindex": ("{length} - {index}", int),
    "rindex0": ("{length} - {index} - 1", int),
    "first": ("{index} == 0", bool),
    "last": ("{index} == {length} - 1", bool),
    "length": ("{length}", int),
    "name": ("{title!r}", str),
}


def value(unit: Unit, expression: Expression) -> Code:
    """Return the code of an expression's value."""
    compile_ = _VALUES.get(type(expression))
    if compile_ is None:
        raise Unsupported(type(expression).__name__)
    return compile_(unit, expression)


def condition(unit: Unit, expression: Expression) -> str:
    """Return the code of an expression's truth."""
    code = value(unit, expression)
    if code.kind is bool:
        return code.text
    if code.kind is not None:
        return "True"
    code = unit.temporary(code, expression.token)
    return f"({code.text} if {code.text}.__class__ is bool else truthy({code.text}))"


def atom(unit: Unit, expression: Expression) -> Code:
    """Return code that may be repeated for an expression's value."""
    return unit.temporary(value(unit, expression), expression.token)


def equal(left: Code, right: Code) -> str:
    """Return the code of Liquid's `==` between atoms."""
    for one, other in ((left, right), (right, left)):
        if other.kind in (str, int) and one.kind in (None, other.kind):
            plain = f"{one.text} == {other.text}"
            if one.kind is other.kind:
                return f"({plain})"
            kind = cast("type[object]", other.kind).__name__
            return f"({plain} if {one.text}.__class__ is {kind} else equal({left.text}, {right.text}))"
        if other.kind is bool and one.kind is None:
            return f"({one.text} is {other.text} if {one.text}.__class__ is bool else equal({left.text}, {right.text}))"
    if left.kind is right.kind is None:
        test = f"{left.text}.__class__ is str and {right.text}.__class__ is str"
        return f"({left.text} == {right.text} if {test} else equal({left.text}, {right.text}))"
    return f"equal({left.text}, {right.text})"


def _path(unit: Unit, expression: Path) -> Code:
    root = expression.head()
    if not isinstance(root, str):
        raise Unsupported("a variable's name that is computed")
    segments = [value(unit, part) if isinstance(part, Path) else part for part in expression.path[1:]]
    bound = unit.names.bound(root)
    if isinstance(bound, ForLoop):
        return _forloop(unit, bound, segments, expression.token)
    return _segments(unit, Root(root, bound, expression.token), segments)


class Root(NamedTuple):
    """The variable that a path starts from; `bound` where it is one of a frame's."""

    name: str
    bound: Code | None
    token: Token

    @property
    def key(self) -> Key:
        """What the variable's values are known by."""
        return (self.bound.text,) if self.bound else ("", self.name)


def _segments(unit: Unit, root: Root, segments: Segments) -> Code:
    """Look up what follows the root, starting from as much of it as is known."""
    constant = next((at for at, part in enumerate(segments) if isinstance(part, Code)), len(segments))
    keys = [(*root.key, *segments[:length]) for length in range(constant + 1)]
    start, found = 0, root.bound or _variable(unit, root)
    is_steady = bool(root.bound) or root.name not in unit.names.assigned
    for length in range(constant if is_steady else 0, 0, -1):
        if keys[length] in unit.names.known:
            start, found = length, Code(unit.names.known[keys[length]], atom=True)
            break
    if start == len(segments):
        return found
    result = _attempt(unit, reduce(_segment, segments[start:], found.text), root.name, root.token)
    if constant == len(segments) and is_steady:
        unit.names.known[keys[-1]] = result.text
    return result


def undefined(unit: Unit, root: str) -> str:
    """Return the variable that holds the undefined value of a root name."""
    return unit.undefined.setdefault(root, f"u{len(unit.undefined)}")


def loop_object(unit: Unit, loop: ForLoop) -> str:
    """Return the variable that holds a loop's `forloop` as an object, which costs a step in every turn."""
    if not loop.object:
        parent = loop_object(unit, loop.parent) if loop.parent else undefined(unit, "parentloop")
        loop.object = unit.writer.name("loop")
        unit.writer.fill(loop.make, f"{loop.object} = ForLoop({loop.title!r}, iter(()), {loop.length}, {parent})")
        unit.writer.fill(loop.step, f"{loop.object}.step()")
    return loop.object


def _forloop(unit: Unit, loop: ForLoop, segments: Segments, token: Token) -> Code:
    while len(segments) > 1 and segments[0] == "parentloop":
        if loop.parent is None:
            return Code(undefined(unit, "parentloop"), atom=True)
        loop, segments = loop.parent, segments[1:]
    if len(segments) == 1 and isinstance(segments[0], str) and segments[0] in _FORLOOP:
        text, kind = _FORLOOP[segments[0]]
        loop.counted = loop.counted or "index" in text
        return Code(f"({text.format(index=loop.index, length=loop.length, title=loop.title)})", kind, atom=True)
    found = loop_object(unit, loop)
    return _attempt(unit, reduce(_segment, segments, found), "forloop", token) if segments else Code(found, atom=True)


def _segment(text: str, segment: str | int | Code) -> str:
    if isinstance(segment, Code):
        return f"item({text}, {segment.text})"
    if isinstance(segment, int):
        return f"item({text}, {segment})"
    if segment == "size" and text.isidentifier():
        return f"len({text}) if {text}.__class__ is list else size_of({text})"
    return f"{segment}_of({text})" if segment in _ENDS else f"{text}[{segment!r}]"


def _attempt(unit: Unit, text: str, root: str, token: Token, default: str = "") -> Code:
    """Write a lookup that may fail; by default the value is then undefined under the name of the root."""
    name, place = unit.writer.name("t"), unit.place(token)
    with unit.writer.block("try:", place):
        unit.writer.line(f"{name} = {text}", place)
    with unit.writer.block("except MISSING:", place):
        unit.writer.line(f"{name} = {default or undefined(unit, root)}", place)
    return Code(name, atom=True)


def _variable(unit: Unit, root: Root) -> Code:
    local = unit.names.assigned.get(root.name)
    if local is None:
        return _global(unit, root)
    if root.name in unit.names.definite:
        return Code(local, atom=True)
    result, place = unit.writer.name("t"), unit.place(root.token)
    unit.names.unset.add(local)
    unit.writer.line(f"{result} = {local}", place)
    with unit.writer.block(f"if {result} is UNSET:", place), unit.names.branch():
        unit.writer.line(f"{result} = {_global(unit, root).text}", place)
    return Code(result, atom=True)


def _global(unit: Unit, root: Root) -> Code:
    name, counter, default = root.name, unit.names.counters.get(root.name), ""
    argument = unit.names.arguments.get(name)
    if argument is not None:
        return argument
    known = unit.names.known.get(("", name))
    if known is not None:
        return Code(known, atom=True)
    if name in Clocks.formats:
        default = f"clocks(run.page)[{name!r}]"
    elif counter is not None:
        default = f"{undefined(unit, name)} if {counter} is None else {counter}"
    result = _attempt(unit, f"names[{name!r}]", name, root.token, default)
    if counter is None:
        unit.names.known["", name] = result.text
    return result


def _filtered(unit: Unit, expression: FilteredExpression) -> Code:
    code = value(unit, expression.left)
    for filter_ in expression.filters or ():
        code = _filter(unit, filter_, code)
    return code


def _filter(unit: Unit, filter_: Filter, left: Code) -> Code:
    name = unit.filters.setdefault(filter_.name, f"f{len(unit.filters)}")
    arguments = [left]
    keywords: list[tuple[str, str]] = []
    for argument in filter_.args:
        code = value(unit, argument.value)
        keyword = getattr(argument, "name", None)
        if keyword is None:
            arguments.append(code)
        else:
            keywords.append((keyword, code.text))
    function = unit.environment.page_filters.get(filter_.name)
    if isinstance(function, Steady) and not keywords:
        return Code(marked(_steady(name, arguments), unit.place(filter_.token)), str)
    texts = ["run.page"] if function is not None else []
    texts += [code.text for code in arguments] + _keywords(keywords)
    call = f"{name}({', '.join(texts)})"
    if isinstance(function, Direct) and not keywords and [code.atom for code in arguments] == [True, True]:
        call = _direct(function, arguments, call)
    return Code(marked(call, unit.place(filter_.token)))


def _direct(function: Direct, arguments: list[Code], call: str) -> str:
    """Return the expression that a filter comes to, or its call where that is not what it takes."""
    left, other = arguments
    if other.kind is not str:
        return call
    form = function.form.format(value=left.text, argument=other.text)
    return f"{form} if {left.text}.__class__ is {function.kind} else {call}"


def _steady(name: str, arguments: list[Code]) -> str:
    """Return the call of a steady filter, or what it keeps where all that it is called with are texts."""
    left, *others = arguments
    texts = [code.text for code in arguments]
    call = f"{name}(run.page, {', '.join(texts)})"
    if left.kind not in _TEXTS or not all(code.kind is str or (code.atom and not code.kind) for code in others):
        return call
    tests = [f"{code.text}.__class__ is str" for code in arguments if code.atom and not code.kind]
    if not left.kind and not left.atom:
        tests.insert(0, f"(_s := {left.text}).__class__ is str")
        texts[0], call = "_s", f"{name}(run.page, {', '.join(['_s', *texts[1:]])})"
    kept = f"kept_{name}[{', '.join(texts)}]"
    return f"{kept} if {' and '.join(tests)} else {call}" if tests else kept


def _keywords(keywords: list[tuple[str, str]]) -> list[str]:
    names = [name for name, _ in keywords]
    if len(set(names)) == len(names) and all(name.isidentifier() and not iskeyword(name) for name in names):
        return [f"{name}={code}" for name, code in keywords]
    return [f"**{{{', '.join(f'{name!r}: {code}' for name, code in keywords)}}}"]


def _boolean(unit: Unit, expression: BooleanExpression) -> Code:
    return Code(condition(unit, expression.expression), bool)


def _logical(word: str) -> Callable[[Unit, LogicalAndExpression | LogicalOrExpression], Code]:
    """Compile `and` or `or`; what the right side needs is written so that it happens only if the left side asks."""
    test = {"and": "if {}:", "or": "if not {}:"}[word]

    def compile_(unit: Unit, expression: LogicalAndExpression | LogicalOrExpression) -> Code:
        left, token = condition(unit, expression.left), expression.token
        unit.flush()
        start, result = len(unit.writer.lines), unit.writer.name("c")
        unit.line(f"{result} = {left}", token)
        with unit.block(test.format(result), token):
            before = len(unit.writer.lines)
            right = condition(unit, expression.right)
            needed = len(unit.writer.lines) > before
            unit.line(f"{result} = {right}", token)
        if needed:
            return Code(result, bool, atom=True)
        unit.writer.rewind(start)
        return Code(f"({left} {word} {right})", bool)

    return compile_


def _equality(form: str) -> Callable[[Unit, EqExpression | NeExpression], Code]:
    def compile_(unit: Unit, expression: EqExpression | NeExpression) -> Code:
        left, right = atom(unit, expression.left), atom(unit, expression.right)
        return Code(form.format(equal(left, right)), bool)

    return compile_


Comparison = LtExpression | GtExpression | LeExpression | GeExpression | ContainsExpression


def _comparison(operator: str, helper: str, *, swapped: bool = False) -> Callable[[Unit, Comparison], Code]:
    def compile_(unit: Unit, expression: Comparison) -> Code:
        left, right = atom(unit, expression.left), atom(unit, expression.right)
        one, other = (right, left) if swapped else (left, right)
        code = f"{helper}({one.text}, {other.text})"
        if operator and right.kind is int and left.kind in (None, int):
            plain = f"{left.text} {operator} {right.text}"
            code = plain if left.kind else f"{plain} if {left.text}.__class__ is int else {code}"
        return Code(marked(code, unit.place(expression.token)), bool)

    return compile_


def _range(unit: Unit, expression: RangeLiteral) -> Code:
    start, stop = value(unit, expression.start), value(unit, expression.stop)
    return Code(marked(f"make_range({start.text}, {stop.text})", unit.place(expression.token)))


def _literal(_unit: Unit, expression: StringLiteral | IntegerLiteral) -> Code:
    return Code(repr(expression.value), type(expression.value), atom=True)


def _float(_unit: Unit, expression: FloatLiteral) -> Code:
    return Code(f"float({str(expression.value)!r})", atom=True)


def _constant(text: str, kind: type[object] | None = None) -> Callable[[Unit, Expression], Code]:
    return lambda _unit, _expression: Code(text, kind, atom=True)


def _listed(unit: Unit, expression: Listed) -> Code:
    return Code(f"as_list({value(unit, expression.expression).text})")


_VALUES = cast(
    "dict[type[Expression], Callable[[Unit, Expression], Code]]",
    {
        Path: _path,
        FilteredExpression: _filtered,
        BooleanExpression: _boolean,
        LogicalAndExpression: _logical("and"),
        LogicalOrExpression: _logical("or"),
        EqExpression: _equality("{}"),
        NeExpression: _equality("(not {})"),
        LtExpression: _comparison("<", "less"),
        GtExpression: _comparison(">", "less", swapped=True),
        LeExpression: _comparison("<=", "less_or_equal"),
        GeExpression: _comparison(">=", "less_or_equal", swapped=True),
        ContainsExpression: _comparison("", "contains"),
        RangeLiteral: _range,
        StringLiteral: _literal,
        IntegerLiteral: _literal,
        FloatLiteral: _float,
        TrueLiteral: _constant("True", bool),
        FalseLiteral: _constant("False", bool),
        Nil: _constant("None"),
        Empty: _constant("EMPTY"),
        Blank: _constant("BLANK"),
        Listed: _listed,
    },
)
