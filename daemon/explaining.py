"""Why pages were made in this run, for `--verbose`: an event for each page, or one for all that share a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blogd.daemon import reads_wording, wording
from blogd.daemon.events import Explained
from blogd.daemon.page_finding import page_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from blogd.render.reads import Entity

SINGLE_MOST: Final = 3


def explained(reasons: Mapping[int, list[str]], entity_of: Callable[[int], Entity]) -> Iterator[Explained]:
    """Explain outputs, given by the reason in their rows; `entity_of` gives the manifest's entities."""
    for number, paths in reasons.items():
        reason = reads_wording.reason(number, entity_of)
        if len(paths) > SINGLE_MOST:
            yield Explained(page=wording.counted(len(paths), "page"), reason=reason)
        else:
            yield from (Explained(page=page_url(path), reason=reason) for path in paths)
