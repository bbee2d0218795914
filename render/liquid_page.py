"""What a template may ask of the page it renders, and what is left of its budget.

`Page` is the seam between templates and the site: a template reaches everything through it, so that what was read
can be recorded. Reads are the same whether a template is interpreted or compiled. A page gives the same answer
throughout one rendering; templates rely on it and ask at most as often as they are written to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeGuard

from liquid.exceptions import LoopIterationLimitError, OutputStreamLimitError

if TYPE_CHECKING:
    from blogd.render.limits import Limits
    from blogd.render.reads import Reads, Recorder

TO_THE_END: Final = 1 << 31
"""The `stop` of a window that has none."""

FilterFunction = Callable[..., object]
"""Called as `function(page, value, *arguments, **keywords)`."""


class NotShared(BaseException):
    """A text depends on more of its page than can be compared; no error, so that no `except Exception` can take it."""


class Page(Protocol):
    """The variables of one page; every question asked of it is a read.

    Pages of one `kin` give the same to whoever asks anything but their variables, as long as the site stays as it is.
    `recorder` collects the reads.
    """

    @property
    def kin(self) -> str:
        """Name what the page has in common with others."""
        ...

    @property
    def recorder(self) -> Recorder:
        """Return what the page's reads go to."""
        ...

    def shares(self, name: str, /) -> bool:
        """Say whether all pages of the kin give the same variable of that name."""
        ...

    def apart(self) -> Page:
        """Return a page of the same kin and recorder that raises NotShared when it is asked for what is its own."""
        ...

    def shows_otherwise(self, reads: Reads, /) -> bool:
        """Say whether a text for which this was read, on another page of the kin, would be another here."""
        ...

    def __getitem__(self, name: str, /) -> object:
        """Return a variable; raise KeyError where there is none."""
        ...

    def __contains__(self, name: object, /) -> bool:
        """Say whether there is such a variable."""
        ...

    def clock(self, format: str, /) -> str:  # noqa: A002 - the word of strftime
        """Return the time of this build in strftime's `format`."""
        ...


class Windowed(Protocol):
    """A sequence that can be read in part: a loop over some of its items reads no others."""

    def window(self, start: int, stop: int, /) -> Sequence[object]:
        """Return the items from `start` up to, not including, `stop`, fewer where there are fewer."""
        ...


def is_windowed(value: object) -> TypeGuard[Windowed]:
    """Tell whether a value can be read in part."""
    return hasattr(value, "window")


class Run:
    """One rendering of one page: the page itself and what is left of its budget."""

    __slots__ = ("characters", "iterations", "kin", "limits", "page", "recorder")

    def __init__(self, page: Page, limits: Limits) -> None:
        self.page = page
        self.kin = page.kin
        self.recorder = page.recorder
        self.limits = limits
        self.iterations = limits.iterations
        self.characters = limits.characters

    def read_template(self, name: str) -> None:
        """Take note that the template `name` was looked up, whether or not there is one."""
        self.recorder.read(("template", name))

    def iterate(self, count: int) -> None:
        """Account for `count` turns of a loop."""
        self.iterations -= count
        if self.iterations < 0:
            raise LoopIterationLimitError(f"more than {self.limits.iterations} loop turns", token=None)

    def visit(self, name: str) -> None:
        """Account for the lookup of a partial."""
        self.read_template(name)
        self.iterate(1)

    def check_length(self, length: int) -> None:
        """Refuse a text of more characters than allowed."""
        if length > self.characters:
            raise OutputStreamLimitError(f"more than {self.characters} characters", token=None)
