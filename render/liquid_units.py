"""Templates as functions: compiled where that is possible, interpreted where not, and kept until they change.

A function takes `(run, names, out, depth)`: what is left of the page's budget, the variables, the list to append
strings to, and how many partials it is within. A partial that is rendered for each item of a list is a second function,
which takes `Turns` as well. Partials are looked up by name whenever a template renders one, so that a changed one is
found; what is written out in a template is part of its function, which is made anew when one of these changes.

A `CodeCache` keeps compiled code from run to run. Its keys hold the template's text and the versions of Python and
python-liquid; a cache must be emptied when the version of blogd changes.
"""

from __future__ import annotations

import functools
import marshal
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from hashlib import blake2b
from importlib.util import MAGIC_NUMBER
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import liquid
from liquid.builtin.tags.for_tag import ForLoop
from liquid.undefined import Undefined

from blogd.render.liquid_compiler import compile_template
from blogd.render.liquid_errors import Places
from blogd.render.liquid_filters import Steady
from blogd.render.liquid_interpreter import Buffer, Context, Environment
from blogd.render.liquid_memo import Memo
from blogd.render.liquid_runtime import NAMES, Scope
from blogd.render.liquid_unit import Mode, Unsupported

if TYPE_CHECKING:
    from types import CodeType

    from blogd.render.liquid_page import FilterFunction, Run
    from blogd.render.shelf import Shelf

CodeCache = MutableMapping[bytes, bytes]
Function = Callable[..., None]


class Turns(NamedTuple):
    """What a partial is rendered for: `key` is the variable that holds the item."""

    items: Sequence[object]
    key: str
    loop: ForLoop


class Program(NamedTuple):
    """Compiled code and what it refers to; `code` is None for a template that has to be interpreted.

    `templates` are the template itself and what is written out in it, `digests` those of their sources.
    """

    code: CodeType | None
    places: Sequence[tuple[int, int]]
    templates: Sequence[str]
    digests: Sequence[bytes]
    filters: Sequence[str]
    undefined: Sequence[str]


class Partial:
    """A template as `render` calls it; `once` gives a text that is remembered, where that seems worth while."""

    __slots__ = ("_each", "_load", "_memo", "name", "once")

    def __init__(self, name: str, load: Callable[[str, Mode], Function], shelf: Shelf) -> None:
        self.name = name
        self._load = load
        self._each: Function | None = None
        self._memo = Memo(load(name, Mode.PARTIAL), shelf)
        self.once: Function = self._memo.render

    @property
    def each(self) -> Function:
        """The function that renders a list of items."""
        if self._each is None:
            self._each = self._load(self.name, Mode.EACH)
        return self._each


class Partials(dict[str, Partial]):
    """The partials that were asked for."""

    def __init__(self, load: Callable[[str, Mode], Function], shelf: Shelf) -> None:
        super().__init__()
        self._load = load
        self._shelf = shelf

    def __missing__(self, name: str) -> Partial:
        found = self[name] = Partial(name, self._load, self._shelf)
        return found


class Units:
    """The functions of an environment's templates."""

    def __init__(
        self, environment: Environment, own: frozenset[str], shelf: Shelf, cache: CodeCache, *, compiled: bool
    ) -> None:
        self._environment = environment
        self._own = own
        self._cache = cache
        self._compiled = compiled
        self._pages: dict[str, Function] = {}
        self.partials = Partials(self._load, shelf)
        self._included: dict[str, Sequence[str]] = {}
        self._names = dict(NAMES) | {
            "repeat": _repeat,
            "partials": self.partials,
            "fail": environment.parsed,
        }

    def page(self, name: str) -> Function:
        """Return the function of a page's template; raise TemplateError for a broken one."""
        found = self._pages.get(name)
        if found is None:
            found = self._pages[name] = self._load(name, Mode.PAGE)
        return found

    def forget(self, names: Iterable[str]) -> None:
        """Drop what was made of these templates."""
        changed = set(names)
        self.partials.clear()
        for name, included in list(self._included.items()):
            if not changed.isdisjoint(included):
                del self._included[name]
                self._pages.pop(name, None)

    def _load(self, name: str, mode: Mode) -> Function:
        program = self._program(name, mode) if self._compiled else None
        if mode is Mode.PAGE:
            self._included[name] = program.templates if program else (name,)
        if program is None or program.code is None:
            interpreted = Interpreted(self._environment, name, mode)
            return interpreted.each if mode is Mode.EACH else interpreted.once
        return self._function(program)

    def _function(self, program: Program) -> Function:
        sources = self._environment.sources
        names = dict(self._names)
        names["places"] = Places(program.places, [sources.get(name) for name in program.templates])
        for number, name in enumerate(program.filters):
            function = names[f"f{number}"] = self._filter(name)
            if isinstance(function, Steady):
                names[f"kept_f{number}"] = function.kept
        for number, name in enumerate(program.undefined):
            names[f"u{number}"] = Undefined(name)
        exec(cast("CodeType", program.code), names)  # noqa: S102 - code of our own making
        return cast("Function", names["render"])

    def _filter(self, name: str) -> FilterFunction:
        environment = self._environment
        function = environment.page_filters.get(name) or environment.filters.get(name, _unknown_filter)
        return (
            functools.partial(function, environment=environment) if hasattr(function, "with_environment") else function
        )

    def _program(self, name: str, mode: Mode) -> Program:
        key = self._key(name, mode)
        stored = self._cache.get(key)
        if stored is not None:
            program = Program(*cast("tuple[object, ...]", marshal.loads(stored)))  # type: ignore[arg-type] # noqa: S302
            if program.digests == self._digests(program.templates):
                return program
        program = self._compile(name, mode)
        plain: tuple[Any, ...] = tuple(program)
        self._cache[key] = marshal.dumps(plain)
        return program

    def _compile(self, name: str, mode: Mode) -> Program:
        path = self._environment.parsed(name).source.path
        for own in (self._own, frozenset[str]()):  # a partial that is written out may be what can't be compiled
            try:
                source = compile_template(self._environment, name, mode, own)
                code = compile(source.text, path, "exec", dont_inherit=True)
            except (Unsupported, SyntaxError, RecursionError):
                continue
            return Program(
                code, source.places, source.templates, self._digests(source.templates), source.filters, source.undefined
            )
        return Program(None, [], [name], self._digests([name]), [], [])

    def _key(self, name: str, mode: Mode) -> bytes:
        environment = self._environment
        names = sorted(environment.page_filters), sorted(self._own)
        parts = (MAGIC_NUMBER, liquid.__version__, name, mode.value, environment.context_depth_limit, names)
        return blake2b(repr(parts).encode() + self._digests([name])[0], digest_size=16).digest()

    def _digests(self, names: Iterable[str]) -> list[bytes]:
        found = [self._environment.sources.get(name) for name in names]
        return [blake2b(repr(source).encode("utf-8", "replace"), digest_size=16).digest() for source in found]


class Interpreted:
    """A template in the form of functions that interpret it."""

    def __init__(self, environment: Environment, name: str, mode: Mode) -> None:
        self._environment = environment
        self._name = name
        self._partial = mode is not Mode.PAGE

    def once(self, run: Run, names: Scope, out: list[str], depth: int) -> None:
        """Render the template."""
        buffer, context = self._begin(run, names, depth)
        self._render(buffer, context)
        out.append(buffer.getvalue())

    def each(self, run: Run, names: Scope, out: list[str], depth: int, turns: Turns) -> None:
        """Render the template for each item; variables that it sets live on from turn to turn."""
        buffer, context = self._begin(run, names, depth)
        for item in turns.items:
            turns.loop.step()
            names[turns.key] = item
            self._render(buffer, context)
        out.append(buffer.getvalue())

    def _begin(self, run: Run, names: Scope, depth: int) -> tuple[Buffer, Context]:
        context = Context.of(self._environment.parsed(self._name), run, names, depth)
        context.disabled_tags = ["include"] if self._partial else []
        return Buffer(run), context

    def _render(self, buffer: Buffer, context: Context) -> None:
        context.template.render_with_context(context, buffer, partial=self._partial, block_scope=True)


def _repeat(partial: Partial, run: Run, names: Scope, key: str, value: object) -> Function:
    """Return the function that renders a partial for `value`, an item at a time if that is a list."""
    if not isinstance(value, list | tuple):
        names[key] = value
        return partial.once
    items = cast("Sequence[object]", value)
    run.iterate(len(items))
    loop = ForLoop(key, iter(items), len(items), Undefined("parentloop"))
    names["forloop"] = loop
    return functools.partial(partial.each, turns=Turns(items, key, loop))


def _unknown_filter(value: object, *_args: object, **_kwargs: object) -> object:
    return value
