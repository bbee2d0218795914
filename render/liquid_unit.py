"""One Python function in the making: a template, and others that are written out in it, in one of three modes.

Which variable a name means is settled here, since Liquid's scopes are lexical once `include` is written out in place:

- *frames*, the innermost first: loop variables, `forloop`, arguments of an `include`. Each is a Python variable.
- names that the template *assigns*: a Python variable each, which may not be set yet.
- *arguments* of a `render` that is written out in place, and of those around it. Each is a Python variable.
- everything else: the arguments of a `render` that is a call, then the page; then `now`, `today`; then counters.

What has been looked up is *known* to the code that follows in the same block or deeper, and isn't looked up again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from liquid.ast import Node

from blogd.render.liquid_writer import Place, Writer, marked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from liquid.ast import BlockNode
    from liquid.token import Token

    from blogd.render.liquid_interpreter import Environment


class Mode(Enum):
    """How a template is entered: as a page, by `render`, or by `render … for`."""

    PAGE = "page"
    PARTIAL = "partial"
    EACH = "each"


class Unsupported(Exception):  # noqa: N818 - not an error: such a template is interpreted
    """Something in a template has no compiled form."""


class Code(NamedTuple):
    """A Python expression; `kind` is the type of its values where that is known, `atom` that it may be repeated."""

    text: str
    kind: type[object] | None = None
    atom: bool = False


@dataclass(eq=False, slots=True)
class ForLoop:
    """What `forloop` means in the body of a loop: Python variables, and an object where one is needed.

    The lines numbered `make` and `step` are written when an object turns out to be needed.
    """

    title: str
    length: str
    index: str
    parent: ForLoop | None
    make: int
    step: int = -1
    counted: bool = False
    object: str = ""


_DEPTH: Final = 4  # that of a template that has no scope open
Binding = Code | ForLoop
Key = tuple[object, ...]


@dataclass(slots=True)
class Names:
    """What names mean at the current place.

    `own` are those of the page's variables and of the arguments that mean what hardly two pages have in common. `unset`
    are the Python variables that are looked at when they may not be set.
    """

    assigned: Mapping[str, str] = field(default_factory=dict[str, str])
    counters: Mapping[str, str] = field(default_factory=dict[str, str])
    arguments: Mapping[str, Code] = field(default_factory=dict[str, Code])
    own: frozenset[str] = frozenset()
    frames: list[dict[str, Binding]] = field(default_factory=list[dict[str, Binding]])
    definite: set[str] = field(default_factory=set[str])
    known: dict[Key, str] = field(default_factory=dict[Key, str])
    unset: set[str] = field(default_factory=set[str])

    def bound(self, name: str) -> Binding | None:
        """Return what a frame binds `name` to, or an argument if the template doesn't assign it."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return None if name in self.assigned else self.arguments.get(name)

    @contextmanager
    def frame(self, bindings: dict[str, Binding]) -> Generator[None]:
        """Put a frame in front of the others."""
        self.frames.append(bindings)
        yield
        self.frames.pop()

    @contextmanager
    def branch(self) -> Generator[None]:
        """Forget afterwards what is known only within."""
        definite, known = set(self.definite), dict(self.known)
        yield
        self.definite, self.known = definite, known


class Jumps(NamedTuple):
    """How to leave the innermost loop's body."""

    stop: tuple[str, ...] = ("break",)
    next: tuple[str, ...] = ("continue",)


class Unit:
    """The state of a compilation: the writer, the names, where output goes, and what the function needs from outside.

    `within` are the templates that are being rendered here, each by the one before. Of the last of them are `names` and
    the next four: `depth` counts open scopes as python-liquid does; `top` is the place of the template's own node that
    is being compiled; `stops` are the reserved lines where a loop notes where it stopped, for loops that continue.
    """

    def __init__(self, name: str, mode: Mode, environment: Environment, tags: Mapping[type[Node], Compile]) -> None:
        self.writer = Writer()
        self.mode = mode
        self.environment = environment
        self._tags = tags
        self.within: tuple[str, ...] = (name,)
        self.names = Names()
        self.depth = _DEPTH
        self.top: Place = (0, 0)
        self.loops: list[ForLoop] = []
        self.jumps: list[Jumps | None] = []
        self.stops: dict[int, tuple[str, str]] = {}
        self.templates = [name]
        self.template = 0
        self.out: str | None = "out"
        self.filters: dict[str, str] = {}
        self.undefined: dict[str, str] = {}
        self.state: dict[str, str] = {}
        self.continued: set[str] = set()
        self._pieces: list[str] = []
        self._text = ""

    def place(self, token: Token) -> Place:
        """Return the place of a token of the template that is being compiled."""
        return self.template, max(token.start_index, 0)

    def line(self, code: str, token: Token) -> None:
        """Write a statement after all output so far."""
        self.flush()
        self.writer.line(code, self.place(token))

    def temporary(self, code: Code, token: Token) -> Code:
        """Return code that may be repeated for the value of `code`."""
        if code.atom:
            return code
        name = self.writer.name("t")
        self.writer.line(f"{name} = {code.text}", self.place(token))
        return Code(name, code.kind, atom=True)

    def write_text(self, text: str) -> None:
        """Write a template's own text."""
        if self.out:
            self._text += text

    def write(self, code: Code, token: Token) -> None:
        """Write a value."""
        if self.out is None:
            raise Unsupported
        self._settle()
        self._pieces.append(marked(_as_text(code), self.place(token)))

    def flush(self) -> None:
        """Write the statement for all output so far."""
        self._settle()
        pieces, self._pieces = self._pieces, []
        if len(pieces) == 1:
            self.writer.line(f"{self.out}.append({pieces[0]})", (self.template, 0))
        elif pieces:
            self.writer.line(f"{self.out} += ({', '.join(pieces)})", (self.template, 0))

    @contextmanager
    def block(self, head: str, token: Token) -> Generator[None]:
        """Write a compound statement."""
        self.flush()
        with self.writer.block(head, self.place(token)), self.names.branch():
            yield
            self.flush()

    @contextmanager
    def output(self, name: str | None) -> Generator[None]:
        """Send output to the list `name`, or nowhere."""
        self.flush()
        out, self.out = self.out, name
        yield
        self.flush()
        self.out = out

    @contextmanager
    def scope(self, bindings: dict[str, Binding], token: Token) -> Generator[None]:
        """Open a scope; too deep a one is an error when it is reached."""
        if self.depth > self.environment.context_depth_limit:
            self.line("too_deep('include')", token)
        self.depth += 1
        with self.names.frame(bindings):
            yield
        self.depth -= 1

    @contextmanager
    def source(self, name: str) -> Generator[None]:
        """Say that what follows is of another template."""
        self.flush()
        outer, self.template = self.template, len(self.templates)
        self.templates.append(name)
        yield
        self.flush()
        self.template = outer

    @contextmanager
    def partial(self, name: str, names: Names) -> Generator[None]:
        """Write out a template that is rendered: it has its own names, loops and depth."""
        outer = self.within, self.names, self.depth, self.top, self.loops, self.jumps, self.stops
        self.within, self.names, self.depth = (*self.within, name), names, _DEPTH
        self.loops, self.jumps, self.stops = [], [], {}
        start = self.writer.reserve(self.top)
        yield
        if names.unset:
            self.writer.fill(start, " = ".join([*sorted(names.unset), "UNSET"]))
        self.within, self.names, self.depth, self.top, self.loops, self.jumps, self.stops = outer

    @contextmanager
    def jumping(self, jumps: Jumps | None) -> Generator[None]:
        """Say what `break` and `continue` become; None where they can't be compiled."""
        self.jumps.append(jumps)
        yield
        self.jumps.pop()

    def node(self, node: Node) -> None:
        """Compile a node."""
        compile_ = self._tags.get(type(node))
        if compile_ is None:
            raise Unsupported(type(node).__name__)
        compile_(self, node)

    def nodes(self, nodes: Iterable[Node]) -> None:
        """Compile some nodes in order."""
        for node in nodes:
            self.node(node)

    def template_nodes(self, nodes: Iterable[Node]) -> None:
        """Compile a template's own nodes."""
        for node in nodes:
            self.top = self.place(node.token)
            self.node(node)
        self.flush()

    def body(self, block: BlockNode) -> None:
        """Compile the body of a tag; one of nothing but space and assignments gives no output."""
        if block.blank:
            with self.output(None):
                self.nodes(block.nodes)
        else:
            self.nodes(block.nodes)

    def _settle(self) -> None:
        if self._text:
            self._pieces.append(repr(self._text))
            self._text = ""


Compile = Callable[[Unit, Node], None]
"""Writes what one type of node becomes."""


def _as_text(code: Code) -> str:
    if code.kind is str:
        return code.text
    if code.kind is int:
        return f"str({code.text})"
    if code.kind is bool:
        return f"('true' if {code.text} else 'false')"
    if code.atom:
        return f"{code.text} if {code.text}.__class__ is str else text({code.text})"
    return f"_ if (_ := {code.text}).__class__ is str else text(_)"
