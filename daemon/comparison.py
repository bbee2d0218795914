"""An output folder held against a clean build of the same sources: which files differ, and what should have told.

The clean build writes only what does not come out as it is there (`Books.twin`): what it has written is what differs.

For a file that differs, the two records of what its page read are compared as well:

- an answer on record that is another now should have told;
- a question that only the clean page asked went unnoticed, or followed from such an answer;
- where neither is the case, the file was altered, is yet to be rendered, or does not always come out the same.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from blogd.cache.reasons import Cause
from blogd.cache.rows import CLEAN, FAILED, STALE
from blogd.daemon import reads_wording
from blogd.daemon.events import Difference
from blogd.daemon.ledger import read_ledger
from blogd.daemon.output import digest_of
from blogd.render.answers import difference
from blogd.render.reads import ALL
from blogd.render.routes import claim_source, is_of_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blogd.cache.manifest import Manifest
    from blogd.cache.rows import PageRow
    from blogd.daemon.last_run import LastRun
    from blogd.daemon.project import Project
    from blogd.render.reads import Entity
    from blogd.render.site import Site

_UNMADE: Final = "could not be rendered when that was last tried"


class Comparison:
    """What is `known` of an output, and what a build of `project` made: a site and a manifest."""

    def __init__(self, known: LastRun, project: Project, site: Site, manifest: Manifest) -> None:
        self._known = known
        self._project = project
        self._site = site
        self._clean = manifest
        self._index = {row.path: row for row in known.manifest.pages.values() if is_of_index(row.key)}
        self._ours = (read_ledger(str(known.out)) | known.manifest.ids.keys()) - self._index.keys()
        self._differing: dict[Entity, int] = {}

    def differences(self) -> Iterator[Difference]:
        """Give what differs, by path; then what of the search index, of which no other is made, is not as it was."""
        for path in sorted(self._ours | self._clean.ids.keys()):
            clean = _row(self._clean, path)
            if clean is None:
                if os.path.lexists(self._known.out / path):
                    yield Difference(path=path, kind="extra", line=0, because=(self._why_extra(path),))
            elif clean.state == CLEAN and os.path.lexists(self._project.out / path):
                yield self._difference(clean)
        for path, row in sorted(self._index.items()):
            found = digest_of(self._known.out / path)
            if row.state == CLEAN and found.hex() != row.key[3]:
                because = "was altered after blogd wrote it" if found else "was removed after blogd wrote it"
                yield Difference(path=path, kind="differs" if found else "missing", line=0, because=(because,))

    def _difference(self, clean: PageRow) -> Difference:
        known = _row(self._known.manifest, clean.path)
        found = digest_of(self._known.out / clean.path)
        if not found:
            gone = f"was never made for {claim_source(clean.key)}"
            if known:
                gone = "was removed after blogd wrote it" if known.state == CLEAN else _UNMADE
            return Difference(path=clean.path, kind="missing", line=0, because=(gone,))
        reasons = tuple(self._reasons(known, clean, found)) if known else (self._why_strange(clean.path),)
        because = reasons or ("no answer on record differs: a change was not told, or the page varies by itself",)
        return Difference(path=clean.path, kind="differs", line=self._line(clean), because=because)

    # Reasons.

    def _why_extra(self, path: str) -> str:
        known = _row(self._known.manifest, path)
        return f"{claim_source(known.key)} has it no more" if known else "a cache that was lost knew of it"

    def _why_strange(self, path: str) -> str:
        return "a cache that was lost knew of it" if path in self._ours else "blogd did not write it"

    def _reasons(self, known: PageRow, clean: PageRow, found: bytes) -> Iterator[str]:
        if known.state == STALE:
            yield f"waits to be rendered: {reads_wording.reason(known.reason, self._known.manifest.entity)}"
        elif known.state == FAILED:
            yield _UNMADE
        elif found != known.digest:
            yield "was altered after blogd wrote it"
        elif known.key != clean.key:
            yield f"is of {claim_source(known.key)}, and should be of {claim_source(clean.key)}"
        elif known.key[0] == "copy":
            yield f"{known.key[2]} changed"
        if self._known.version != self._project.version:
            yield reads_wording.cause(Cause.VERSION)
        if _frame(self._known.site) != _frame(self._site):
            yield reads_wording.cause(Cause.FRAME)
        yield from self._reads(known, clean)

    def _reads(self, known: PageRow, clean: PageRow) -> Iterator[str]:
        """Give the reads on record that have other answers now, and those that are not on record."""
        noted = dict(self._known.manifest.reads_of(known))
        for entity, mask in noted.items():
            changed = self._changed(entity)
            if changed & mask:
                yield reads_wording.change(entity, changed if changed == ALL else changed & mask)
        for entity, mask in self._clean.reads_of(clean):
            if unnoted := mask & ~noted.get(entity, 0):
                yield f"not on record as read: {reads_wording.question(entity, unnoted)}"

    def _changed(self, entity: Entity) -> int:
        if entity not in self._differing:
            self._differing[entity] = difference(self._known.site, self._site, entity)
        return self._differing[entity]

    def _line(self, clean: PageRow) -> int:
        """Give the first line in which a file differs, 0 for a copy."""
        if clean.key[0] == "copy":
            return 0
        ours, wanted = _read(f"{self._known.out}/{clean.path}"), _read(f"{self._project.out}/{clean.path}")
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(ours.split(b"\n"), wanted.split(b"\n"), strict=False))
        return 1 + sum(1 for _ in alike)


def _row(manifest: Manifest, path: str) -> PageRow | None:
    number = manifest.ids.get(path)
    return None if number is None else manifest.pages[number]


def _frame(site: Site) -> tuple[object, ...]:
    return site.meta.trees, site.meta.timezone


def _read(path: str) -> bytes:
    with suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""
