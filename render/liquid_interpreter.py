"""python-liquid, set up for blogd: what parses every template, and renders those that aren't compiled.

What differs from python-liquid:

- Variables come from a `Page` and are never copied into a dict. `now` and `today` come from it too.
- Templates are a snapshot of sources, parsed once each. Every lookup of one is reported to the page.
- Loops read windowed sequences in part; the loop budget counts the turns of a page's loops, one after the other.
- Limits are those of `Limits`; characters are counted, not bytes.
- Unknown filters pass their value on (`strict_filters=False`), as in bDS.
"""

from __future__ import annotations

from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, TextIO, cast

import liquid
from liquid.builtin.expressions import Identifier, KeywordArgument, LoopExpression, StringLiteral
from liquid.builtin.tags import for_tag, include_tag, render_tag, tablerow_tag
from liquid.exceptions import ContextDepthError, LiquidInterrupt, LiquidSyntaxError, TemplateNotFoundError
from liquid.expression import Expression
from liquid.filter import with_context
from liquid.utils import ReadOnlyChainMap

from blogd.render.liquid_errors import TemplateError, template_error
from blogd.render.liquid_filters import OWN_FILTERS, Clocks
from blogd.render.liquid_items import argument, as_list, select
from blogd.render.liquid_page import FilterFunction, Run, is_windowed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from liquid.ast import BlockNode
    from liquid.token import Token

    from blogd.render.limits import Limits
    from blogd.render.records import TemplateSource


class Buffer(StringIO):
    """An output that refuses to grow beyond a number of characters."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._length = 0

    def write(self, text: str, /) -> int:
        """Append a text."""
        self._length += len(text)
        self._run.check_length(self._length)
        return super().write(text)


class Context(liquid.RenderContext):
    """The scopes of one template while it is rendered for a page."""

    __slots__ = ("run",)
    run: Run

    @classmethod
    def of(cls, template: Template, run: Run, names: Mapping[str, object], depth: int = 0) -> Context:
        """Start rendering `template` at the given depth of partials, with `names` as its outermost variables."""
        context = cls(template, copy_depth=depth)
        context.begin(run, names)
        return context

    def begin(self, run: Run, names: Mapping[str, object]) -> None:
        """Look variables up in `names`, which is neither copied nor asked whether it is empty."""
        self.run = run
        self.globals = names
        self.scope = ReadOnlyChainMap(self.locals, names, Clocks(run.page), self.counters)

    def copy(
        self,
        namespace: Mapping[str, object],
        disabled_tags: list[str] | None = None,
        carry_loop_iterations: bool = False,  # noqa: ARG002, FBT001, FBT002 - python-liquid's signature
        template: liquid.BoundTemplate | None = None,
        block_scope: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> Context:
        """Return a context for a partial that sees its arguments, those of its callers, and the page."""
        if self._copy_depth > self.env.context_depth_limit:
            raise ContextDepthError("maximum context depth reached, possible recursive render", token=None)
        copied = Context(template or self.template, disabled_tags=disabled_tags, copy_depth=self._copy_depth + 1)
        copied.begin(self.run, ReadOnlyChainMap(namespace, self.globals))
        return copied

    def assign(self, key: str, val: object) -> None:
        """Set a template's variable."""
        if isinstance(val, str):
            self.run.check_length(len(val))
        self.locals[key] = val

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:  # noqa: ARG002
        """Return an output for a captured block."""
        return Buffer(self.run)

    def get_item(self, obj: object, key: object) -> object:
        """Return what a segment of a path means; ends of windowed sequences are read alone."""
        if key == "first" and is_windowed(obj):
            return obj.window(0, 1)[0]
        if key == "last" and is_windowed(obj):
            return cast("Sequence[object]", obj)[-1]
        return super().get_item(obj, key)

    @contextmanager
    def loop(
        self, namespace: Mapping[str, object], forloop: for_tag.ForLoop | tablerow_tag.TableRow
    ) -> Generator[Context]:
        """Enter a loop."""
        if isinstance(forloop, for_tag.ForLoop):  # a tablerow has been counted before
            self.run.iterate(forloop.length)
        self.loops.append(forloop)
        with self.extend(namespace):
            try:
                yield self
            finally:
                self.loops.pop()

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Account for the turns of a loop."""
        self.run.iterate(length)


class Template(liquid.BoundTemplate):
    """A parsed template; knows its source."""

    context_class = Context

    @property
    def source(self) -> TemplateSource:
        """The source it was parsed from."""
        return cast("TemplateSource", self.matter["source"])

    def render_with_context(
        self,
        context: liquid.RenderContext,
        buffer: TextIO,
        *_args: object,
        partial: bool = False,
        block_scope: bool = False,
        **_kwargs: object,
    ) -> None:
        """Render into `buffer`; errors keep the token they were raised with."""
        with context.extend({"partial": partial}):
            for node in self.nodes:
                try:
                    node.render(context, buffer)
                except LiquidInterrupt as interrupt:
                    if partial and not block_scope:
                        raise
                    raise LiquidSyntaxError(f"unexpected '{interrupt}'", token=node.token) from interrupt


class Environment(liquid.Environment):
    """The parser and the templates parsed so far."""

    template_class = Template

    def __init__(
        self, sources: Mapping[str, TemplateSource], filters: Mapping[str, FilterFunction], limits: Limits
    ) -> None:
        super().__init__(strict_filters=False)
        self.sources = sources
        self.page_filters = {**OWN_FILTERS, **filters}
        self.block_nesting_limit = self.context_depth_limit = limits.depth  # type: ignore[misc] # set per site
        self._parsed: dict[str, Template | TemplateError] = {}
        for name, function in self.page_filters.items():
            self.add_filter(name, _with_page(function))
        for tag in (ForTag, TablerowTag, IncludeTag, RenderTag):
            self.add_tag(tag)

    def forget(self, names: Iterable[str]) -> None:
        """Parse these templates anew when they are next asked for."""
        for name in names:
            self._parsed.pop(name, None)

    def get_template(
        self,
        name: str,
        *,
        globals: Mapping[str, object] | None = None,  # noqa: A002, ARG002 - python-liquid's signature
        context: liquid.RenderContext | None = None,
        **_kwargs: object,
    ) -> Template:
        """Return the template that a tag names, and report the lookup."""
        name = template_name(name)
        if isinstance(context, Context):
            context.run.visit(name)
        return self.parsed(name)

    def parsed(self, name: str) -> Template:
        """Return a template; raise TemplateNotFoundError or, for a broken one, TemplateError."""
        found = self._parsed.get(name)
        if found is None:
            if name not in self.sources:
                raise TemplateNotFoundError(name)
            found = self._parsed[name] = self._parse_source(self.sources[name])
        if isinstance(found, TemplateError):
            raise TemplateError(found.diagnostic)
        return found

    def _parse_source(self, source: TemplateSource) -> Template | TemplateError:
        base = source.name.rpartition("/")[2]
        try:
            nodes = self._parse(source.text)
        except Exception as error:  # noqa: BLE001 - whatever a template makes the parser do
            return template_error(error, source)
        return Template(self, nodes, base, source.path, matter={"source": source})


def template_name(name: str) -> str:
    """Return the name of a template as tags may write it."""
    return name.removesuffix(".liquid")


class Loop(LoopExpression):
    """The head of a loop, evaluated by blogd's rule."""

    __slots__ = ()

    @classmethod
    def of(cls, parsed: LoopExpression) -> Loop:
        """Take over what python-liquid has parsed."""
        return cls(
            parsed.token,
            parsed.identifier,
            parsed.iterable,
            limit=parsed.limit,
            offset=parsed.offset,
            reversed_=parsed.reversed,
            cols=parsed.cols,
        )

    @property
    def continues(self) -> bool:
        """Whether it goes on where the last loop of its kind stopped."""
        return isinstance(self.offset, StringLiteral) and self.offset.value == "continue"

    @property
    def key(self) -> str:
        """What loops that continue each other have in common."""
        return f"{self.identifier}-{self.iterable}"

    def evaluate(self, context: liquid.RenderContext) -> tuple[Iterator[object], int]:
        """Return the items to visit and their number."""
        value = self.iterable.evaluate(context)
        limit = None if self.limit is None else argument(self.limit.evaluate(context))
        items, stop = select(value, limit, self._offset(context))
        context.stopindex(self.key, stop)
        return iter(list(items)[::-1] if self.reversed else items), len(items)

    def _offset(self, context: liquid.RenderContext) -> int:
        if self.continues:
            return context.stopindex(self.key)
        return 0 if self.offset is None else argument(self.offset.evaluate(context))


class ForNode(for_tag.ForNode):
    """A `for` whose head is a `Loop`."""

    __slots__ = ()

    def __init__(
        self, token: Token, expression: LoopExpression, block: BlockNode, default: BlockNode | None = None
    ) -> None:
        super().__init__(token, Loop.of(expression), block, default)


class ForTag(for_tag.ForTag):
    """The `for` tag."""

    node_class = ForNode


class TablerowNode(tablerow_tag.TablerowNode):
    """A `tablerow` whose head is a `Loop`."""

    __slots__ = ()

    def __init__(self, token: Token, expression: LoopExpression, block: BlockNode) -> None:
        super().__init__(token, Loop.of(expression), block)


class TablerowTag(tablerow_tag.TablerowTag):
    """The `tablerow` tag."""

    node_class = TablerowNode


class Listed(Expression):
    """An expression whose value is visited item by item."""

    __slots__ = ("expression",)

    def __init__(self, expression: Expression) -> None:
        super().__init__(expression.token)
        self.expression = expression

    def __str__(self) -> str:
        return str(self.expression)

    def evaluate(self, context: liquid.RenderContext) -> object:
        """Return the value, a windowed sequence as a list."""
        return as_list(self.expression.evaluate(context))

    def children(self) -> list[Expression]:
        """Return the expression itself."""
        return [self.expression]


class IncludeNode(include_tag.IncludeNode):
    """An `include` that visits windowed sequences."""

    __slots__ = ()

    def __init__(
        self,
        token: Token,
        name: Expression,
        var: Expression | None = None,
        alias: Identifier | None = None,
        args: list[KeywordArgument] | None = None,
    ) -> None:
        super().__init__(token, name, Listed(var) if var else None, alias, args)


class IncludeTag(include_tag.IncludeTag):
    """The `include` tag."""

    node_class = IncludeNode


class RenderNode(render_tag.RenderNode):
    """A `render` that visits windowed sequences."""

    __slots__ = ()

    def __init__(  # noqa: PLR0913 - python-liquid's signature
        self,
        token: Token,
        name: StringLiteral | Identifier,
        *,
        var: Expression | None = None,
        loop: bool = False,
        alias: Identifier | None = None,
        args: list[KeywordArgument] | None = None,
    ) -> None:
        super().__init__(token, name, var=Listed(var) if var and loop else var, loop=loop, alias=alias, args=args)


class RenderTag(render_tag.RenderTag):
    """The `render` tag."""

    node_class = RenderNode


def _with_page(function: FilterFunction) -> FilterFunction:
    @with_context
    def call(value: object, *args: object, context: Context, **kwargs: object) -> object:
        return function(context.run.page, value, *args, **kwargs)

    return call
