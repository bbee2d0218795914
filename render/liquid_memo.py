"""Partials that come out the same are rendered once: what a menu or a footer is made of is seldom the page.

Nobody declares that. A partial is rendered with its questions on record: the names that it looks up, in order, and the
value of each. Next time the same questions are asked in the same order; if the answers are the same, so is the text,
and so are its reads.

- What all pages of a kin give alike is no question: the text was made with it, and it is read for the text.
- Each answer decides on the next question, so the questions form a tree. Whoever walks it asks nothing that the partial
  itself would not ask.
- Plain values (text, numbers, lists and mappings of such, times) are told apart by what they are, drops by what they
  stand for (`likeness`): a post says the same on all pages of a kin. A partial that looks up anything else, or has a
  filter that asks the page for what is its own, is not remembered.
- One that gives another text most times is given up soon.

What is remembered lies on a shelf that is cleared when the site changes; what a partial's own partials say is in its
text.
"""

from __future__ import annotations

import marshal
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, cast

from liquid.undefined import Undefined

from blogd.render.liquid_page import NotShared, Run
from blogd.render.liquid_runtime import PageNames, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from blogd.render.reads import Reads
    from blogd.render.shelf import Shelf

    Function = Callable[[Run, PageNames | Scope, list[str], int], None]

_TRIALS: Final = 60
_LONGEST_ANSWER: Final = 1 << 16
_MISSING: Final = b""


class Result(NamedTuple):
    """What a partial gave, within `depth` partials: its text, what it took of the budget, and its reads."""

    text: str
    iterations: int
    reads: Reads
    depth: int

    def is_good_for(self, run: Run, depth: int) -> bool:
        """Tell whether a page would get the same; one that would run into a limit is told where."""
        is_within = depth <= self.depth and self.iterations <= run.iterations
        return is_within and not run.page.shows_otherwise(self.reads)


class Question(NamedTuple):
    """The name that is looked up next, and what follows from each answer."""

    name: str
    answers: dict[object, Question | Result]


class Memo:
    """A partial's function, and what it gave on pages of each kin."""

    __slots__ = ("_function", "_kinds", "_shelf", "_state")

    def __init__(self, function: Function, shelf: Shelf) -> None:
        self._function = function
        self._shelf = shelf
        self._state = -1
        self._kinds: dict[str, Kind] = {}

    def render(self, run: Run, names: PageNames | Scope, out: list[str], depth: int) -> None:
        """Give the text that is remembered, or render the partial."""
        if self._state != self._shelf.state:
            self._state = self._shelf.state
            self._kinds.clear()
        kind = self._kinds.get(run.kin)
        if kind is None:
            kind = self._kinds[run.kin] = Kind(self._function, self._shelf)
        if kind.is_given_up:
            self._function(run, names, out, depth)
        else:
            kind.render(run, names, out, depth)


class Kind:
    """What a partial gave on pages of one kin."""

    __slots__ = ("_function", "_hits", "_misses", "_root", "_shelf", "is_given_up")

    def __init__(self, function: Function, shelf: Shelf) -> None:
        self._function = function
        self._shelf = shelf
        self._root: Question | Result | None = None
        self._hits = 0
        self._misses = 0
        self.is_given_up = False
        shelf.add_keeper(self._forget)

    def render(self, run: Run, names: PageNames | Scope, out: list[str], depth: int) -> None:
        """Give the text that is remembered, or render the partial."""
        found = self._recall(names)
        if found is None or not found.is_good_for(run, depth):
            self._try(run, names, out, depth)
            return
        self._hits += 1
        run.iterate(found.iterations)
        run.recorder.add(found.reads)
        out.append(found.text)

    def _forget(self) -> None:
        self._root = None

    def _recall(self, names: PageNames | Scope) -> Result | None:
        node = self._root
        while isinstance(node, Question):
            try:
                answer = _answer(names[node.name])
            except KeyError:
                answer = _MISSING
            except NotShared:
                return None
            node = node.answers.get(answer)
        return node

    def _try(self, run: Run, names: PageNames | Scope, out: list[str], depth: int) -> None:
        self._misses += 1
        if self._misses > _TRIALS + self._hits:
            self.is_given_up = True
            self._forget()
            self._function(run, names, out, depth)
            return
        record = Record(names, run)
        try:
            result = self._record(run, record, depth)
        except NotShared:
            self._function(run, names, out, depth)
            return
        run.iterate(result.iterations)
        out.append(result.text)
        self._remember(list(record.answers.items()), result)

    def _record(self, run: Run, record: Record, depth: int) -> Result:
        """Render the partial, apart from its page but for what the record lets it ask."""
        trial, text = Trial(run), list[str]()
        with run.recorder.part() as reads:
            self._function(trial, record, text, depth)
        return Result("".join(text), run.iterations - trial.iterations, reads, depth)

    def _remember(self, answers: list[tuple[str, object]], result: Result) -> None:
        self._shelf.make_room(result.text)
        if not answers:
            self._root = result
            return
        node = self._root = _question(self._root, answers[0][0])
        for (_, answer), (name, _) in pairwise(answers):
            following = _question(node.answers.get(answer), name)
            node.answers[answer] = following
            node = following
        node.answers[answers[-1][1]] = result


class Record(PageNames):
    """Names that note, in order, what was looked up and found.

    What is read for that is the page's own. What pages of a kin have in common is no question; it is looked up in the
    page itself, and read for the text.
    """

    __slots__ = ("_names", "_outer", "_recorder", "answers")

    def __init__(self, names: PageNames | Scope, run: Run) -> None:
        super().__init__(run.page)
        self._names = names
        self._recorder = run.recorder
        self._outer = run.recorder.reads
        self.answers: dict[str, object] = {}

    def __missing__(self, name: str) -> object:
        names = self._names
        if self._page.shares(name) and not (names.__class__ is Scope and name in names):
            value = self[name] = self._page[name]
            return value
        reads, self._recorder.reads = self._recorder.reads, self._outer
        try:
            value = names[name]
        except KeyError:
            self.answers[name] = _MISSING
            raise
        finally:
            self._recorder.reads = reads
        self.answers[name] = _answer(value)  # else it stays unknown: who asks again is refused again
        self[name] = value
        return value


class Trial(Run):
    """A rendering that must not come by the page's variables but through a record."""

    __slots__ = ()

    def __init__(self, run: Run) -> None:
        self.page = run.page.apart()
        self.kin = run.kin
        self.recorder = run.recorder
        self.limits = run.limits
        self.iterations = run.iterations
        self.characters = run.characters


def _answer(value: object) -> object:
    """Return what tells a value from all others; raise NotShared where nothing does."""
    kind = value.__class__
    if kind is str:
        return value if len(cast("str", value)) < _LONGEST_ANSWER else _not_shared()
    if kind is datetime:
        moment = cast("datetime", value)
        return moment, moment.fold, id(moment.tzinfo)
    if kind is Undefined:
        return Undefined, cast("Undefined", value).name
    likeness: Hashable = getattr(value, "likeness", None)
    return likeness or _plain(value)


def _question(known: Question | Result | None, name: str) -> Question:
    return known if isinstance(known, Question) and known.name == name else Question(name, {})


def _plain(value: object) -> bytes:
    try:
        answer = marshal.dumps(value, 2)  # type: ignore[arg-type] # tells by a ValueError what it can't take
    except ValueError:
        raise NotShared from None
    return answer if len(answer) < _LONGEST_ANSWER else _not_shared()


def _not_shared() -> NoReturn:
    raise NotShared
