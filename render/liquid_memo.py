"""Partials that come out the same are rendered once: what a menu or a footer is made of is seldom the page.

Nobody declares that. A partial is rendered with its reads on record: the names that it looks up, in order, and the
value of each. Next time the same questions are asked in the same order; if the answers are the same, so is the text.

- Each answer decides on the next question, so the questions form a tree. Whoever walks it asks nothing that the partial
  itself would not ask.
- Only plain values (text, numbers, lists and mappings of such, times) can be told to be the same. A partial that looks
  up anything else (a post, the site), or has a filter that so much as touches the page, is not remembered.
- One that gives another text each time is given up soon.

A memo holds as long as the templates do; what a partial's own partials say is in its text.
"""

from __future__ import annotations

import marshal
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, cast

from liquid.undefined import Undefined

from blogd.render.liquid_page import Page, Run
from blogd.render.liquid_runtime import PageNames, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[[Run, PageNames | Scope, list[str], int], None]

_TRIALS: Final = 500
_MOST_TEXTS: Final = 2048
_LONGEST_ANSWER: Final = 1 << 16
_MISSING: Final = b""


class Touched(BaseException):
    """A partial depends on something that can't be compared; no error, so that no `except Exception` can take it."""


class Result(NamedTuple):
    """What a partial gave, within `depth` partials: its text, what it took of the budget, and the templates it read."""

    text: str
    iterations: int
    templates: tuple[str, ...]
    depth: int


class Question(NamedTuple):
    """The name that is looked up next, and what follows from each answer."""

    name: str
    answers: dict[object, Question | Result]


class Memo:
    """A partial's function, and what it gave so far; calls `give_up` when it is of no use."""

    __slots__ = ("_function", "_give_up", "_hits", "_misses", "_root", "_texts")

    def __init__(self, function: Function, give_up: Callable[[], None]) -> None:
        self._function = function
        self._give_up = give_up
        self._root: Question | Result | None = None
        self._texts = 0
        self._hits = 0
        self._misses = 0

    def render(self, run: Run, names: PageNames | Scope, out: list[str], depth: int) -> None:
        """Give the text that is remembered, or render the partial."""
        found = self._recall(names)
        if found is None or found.depth < depth:
            self._try(run, names, out, depth)
            return
        self._hits += 1
        run.iterate(found.iterations)
        for name in found.templates:
            run.read_template(name)
        out.append(found.text)

    def _recall(self, names: PageNames | Scope) -> Result | None:
        node = self._root
        while isinstance(node, Question):
            try:
                answer = _answer(names, node.name)
            except Touched:
                return None
            node = node.answers.get(answer)
        return node

    def _try(self, run: Run, names: PageNames | Scope, out: list[str], depth: int) -> None:
        trial, record, text = Trial(run), Record(names), list[str]()
        try:
            self._function(trial, record, text, depth)
        except Touched:
            self._close()
            self._function(run, names, out, depth)
            return
        result = Result("".join(text), run.iterations - trial.iterations, tuple(trial.templates), depth)
        run.iterate(result.iterations)
        out.append(result.text)
        self._misses += 1
        if self._misses > max(_TRIALS, self._hits):
            self._close()
        else:
            self._remember(list(record.answers.items()), result)

    def _remember(self, answers: list[tuple[str, object]], result: Result) -> None:
        self._texts += 1
        if self._texts > _MOST_TEXTS:
            self._root, self._texts = None, 1
        if not answers:
            self._root = result
            return
        node = self._root = _question(self._root, answers[0][0])
        for (_, answer), (name, _) in pairwise(answers):
            following = _question(node.answers.get(answer), name)
            node.answers[answer] = following
            node = following
        node.answers[answers[-1][1]] = result

    def _close(self) -> None:
        self._root = None
        self._give_up()


class Record(PageNames):
    """Names that note, in order, what was looked up and found."""

    __slots__ = ("_names", "answers")

    def __init__(self, names: PageNames | Scope) -> None:
        super().__init__(cast("Page", names))
        self._names = names
        self.answers: dict[str, object] = {}

    def __missing__(self, name: str) -> object:
        self.answers[name] = _answer(self._names, name)
        return super().__missing__(name)


class Trial(Run):
    """A rendering that must not come near the page."""

    __slots__ = ("_run", "templates")

    def __init__(self, run: Run) -> None:
        super().__init__(cast("Page", _UNTOUCHABLE), run.limits, self._read_template)
        self.iterations = run.iterations
        self.templates: dict[str, None] = {}
        self._run = run

    def _read_template(self, name: str) -> None:
        self.templates[name] = None
        self._run.read_template(name)


class _Untouchable:
    """Stands in for the page: whatever is done with it ends the trial."""

    def _touch(self, *_: object) -> NoReturn:
        raise Touched

    __getattribute__ = __getitem__ = __contains__ = __iter__ = __len__ = _touch
    __eq__ = __hash__ = __bool__ = __str__ = __repr__ = __call__ = _touch


_UNTOUCHABLE: Final = _Untouchable()


def _question(known: Question | Result | None, name: str) -> Question:
    return known if isinstance(known, Question) and known.name == name else Question(name, {})


def _answer(names: PageNames | Scope, name: str) -> object:
    """Return what tells a variable's value from all others; raise Touched where nothing does."""
    try:
        value = names[name]
    except KeyError:
        return _MISSING
    kind = value.__class__
    if kind is str:
        return value if len(cast("str", value)) < _LONGEST_ANSWER else _touched()
    if kind is datetime:
        moment = cast("datetime", value)
        return moment.isoformat(), moment.tzname()
    if kind is Undefined:
        return Undefined, cast("Undefined", value).name
    return _plain(value)


def _plain(value: object) -> bytes:
    try:
        answer = marshal.dumps(value, 2)  # type: ignore[arg-type] # tells by a ValueError what it can't take
    except ValueError:
        raise Touched from None
    return answer if len(answer) < _LONGEST_ANSWER else _touched()


def _touched() -> NoReturn:
    raise Touched
