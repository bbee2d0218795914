"""Python macros between two states of the site: which calls a change asks for, and what they came to.

A record that calls macros has, in each tree that shows it, a tuple of results, one for each call in its body: None for
a call that no script answers. They are part of the site, so pages read them like all else. After a change the records
whose facts changed are expanded again, all of them when the scripts or the settings did; `macro_memo` sees to it that
a call is made only if something that it asked for differs. A record whose source can't be read keeps its results until
it can be: nobody knows what its scripts would read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from blogd.daemon.macro_memo import MacroCall, MacroMemo, MacroResult
from blogd.render.delta import Delta, MacroResults
from blogd.render.diagnostic import Diagnostic
from blogd.render.macros import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from blogd.daemon.macro_host import MacroHost
    from blogd.render.changes import Changes
    from blogd.render.delta import Entry
    from blogd.render.reads import Entity
    from blogd.render.site import Site
    from blogd.render.template_source import Script

Place = tuple[str, str]  # a record and a tree that shows it


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What the calls of a record in a tree came to. `failed`: try again when the next run begins."""

    results: MacroResults
    diagnostics: tuple[Diagnostic, ...] = ()
    failed: bool = False


_Stored = dict[str, list[tuple[str, Outcome]]]
_decode = msgspec.msgpack.Decoder(_Stored).decode


class Expanding:
    """The results of Python macros, and the calls under way.

    `read_source` gives a record's raw Markdown, `is_lost` tells whether its source can't be read.
    """

    def __init__(
        self,
        site: Site,
        host: Callable[[], MacroHost],
        read_source: Callable[[str], str],
        is_lost: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._site = site
        self._make_host = host
        self._host: MacroHost | None = None
        self._read_source = read_source
        self._is_lost = is_lost
        self._outcomes: dict[Place, Outcome] = {}
        self._open: dict[MacroCall, tuple[Place, int]] = {}
        self._done: dict[Place, dict[int, MacroResult]] = {}
        self._due: set[Place] = set()
        self._callers: set[str] = set()

    # Between runs.

    def load(self, stored: bytes | None) -> Delta:
        """Take in the results of earlier runs, the site being loaded; what failed is to be tried again."""
        self._note_callers((), is_all=True)
        found = _decode(stored) if stored else {}
        self._outcomes = {(record, tree): outcome for record, trees in found.items() for tree, outcome in trees}
        self._due = {place for place, outcome in self._outcomes.items() if outcome.failed}
        return Delta(macros={place: outcome.results for place, outcome in self._outcomes.items()})

    @staticmethod
    def has_failed(stored: bytes | None) -> bool:
        """Tell whether a call of an earlier run has failed."""
        found = _decode(stored) if stored else {}
        return any(outcome.failed for trees in found.values() for _, outcome in trees)

    def dump(self) -> bytes:
        """Give all results for the next run."""
        stored: _Stored = {}
        for (record, tree), outcome in sorted(self._outcomes.items()):
            stored.setdefault(record, []).append((tree, outcome))
        return msgspec.msgpack.encode(stored)

    def findings(self) -> list[Diagnostic]:
        """Give what is wrong with the calls."""
        return [finding for outcome in self._outcomes.values() for finding in outcome.diagnostics]

    @property
    def memo(self) -> MacroMemo | None:
        """The results by what was asked, if there were calls in this run."""
        return self._host.memo if self._host else None

    # A change.

    def begin(self, changes: Changes, touched: Iterable[str], scripts: Mapping[str, Script], *, is_all: bool) -> Delta:
        """Begin the calls that a change asks for; give what is known of other places: no results, or their old ones."""
        self._note_callers(touched, is_all=is_all or changes.everything)
        places = set(self._places(changes, is_all=is_all or changes.everything)) | self._due
        gone = {place for place in places if not self._is_shown(place)}
        for place in gone:
            self._outcomes.pop(place, None)
        self._due = {place for place in places - gone if place in self._outcomes and self._is_lost(place[0])}
        for place in self._due:
            self._outcomes[place] = msgspec.structs.replace(self._outcomes[place], failed=True)
        for place in sorted(places - gone - self._due):
            self._call(place, scripts)
        return Delta(macros={**dict.fromkeys(gone), **{place: self._outcomes[place].results for place in self._due}})

    def _note_callers(self, touched: Iterable[str], *, is_all: bool) -> None:
        entries = self._site.entries
        for record in entries if is_all else touched:
            entry = entries.get(record)
            if entry is not None and any(call.name not in TEMPLATES for call in entry.body.macros):
                self._callers.add(record)
            else:
                self._callers.discard(record)

    def _places(self, changes: Changes, *, is_all: bool) -> Iterator[Place]:
        """Give the places that a change can have an effect on."""
        if is_all:
            yield from self._outcomes
            yield from ((record, tree) for record in self._callers for tree in self._site.meta.trees)
            return
        for entity in changes.masks:
            for record, tree in self._places_of(entity):
                if record in self._callers or (record, tree) in self._outcomes:
                    yield record, tree

    def _places_of(self, entity: Entity) -> Iterator[Place]:
        """Give the places that a changed answer can be about."""
        match entity:
            case "post", str(path), str(tree):
                yield from ((record, tree) for record in {path, *self._site.translations.get(path, {}).values()})
            case "file", str(record):  # it shows another post now, or none
                yield from ((record, tree) for tree in self._site.meta.trees)
            case _:
                pass

    def _is_shown(self, place: Place) -> bool:
        record, tree = place
        base = self._site.bases.get(record, record)
        if record not in self._callers or tree not in self._site.meta.trees or not self._site.is_in(base, tree):
            return False
        is_extra = tree == self._site.main and record in self._site.untreed(base)
        return is_extra or self._site.view(base, tree).post.path == record

    def _call(self, place: Place, scripts: Mapping[str, Script]) -> None:
        record, tree = place
        entry = self._site.entries[record]
        post = _MacroPost(self._site, entry, self._read_source)
        self._done[place] = {}
        calls: list[MacroCall] = []
        for index, macro in enumerate(entry.body.macros):
            script = scripts.get(macro.name) if macro.name not in TEMPLATES else None
            if script is not None:
                call = MacroCall(script, macro.params, self._environment(entry, tree, macro.source), post)
                self._open[call] = (place, index)
                calls.append(call)
        if calls:
            self._host = self._host or self._make_host()
            self._host.submit(calls)

    def _environment(self, entry: Entry, tree: str, source: str) -> dict[str, object]:
        base = self._site.bases.get(entry.post.path, entry.post.path)
        return {
            "isPreview": False,
            "mainLanguage": self._site.main,
            "languagePrefix": self._site.prefix(tree),
            "hook": "render",
            "source": source,
            "translations": sorted(self._site.translations.get(base, {})),
        }

    # Waiting.

    def is_busy(self) -> bool:
        """Tell whether calls are under way."""
        self._advance()
        return bool(self._open)

    def handles(self) -> list[int]:
        """Give the file descriptors to wait on."""
        return self._host.handles() if self._host else []

    def deadline(self) -> float:
        """Give the monotonic time at which `is_busy` has to be asked again."""
        due = self._host.deadline() if self._host else None
        return float("inf") if due is None else due

    def _advance(self) -> None:
        for call, result in self._host.advance() if self._host else ():
            place, index = self._open.pop(call)
            self._done[place][index] = result

    def finish(self) -> Delta:
        """Give the results of the calls that were begun."""
        done, self._done = self._done, {}
        for place, found in done.items():
            count = len(self._site.entries[place[0]].body.macros)
            self._outcomes[place] = Outcome(
                tuple(found[index].html if index in found else None for index in range(count)),
                tuple(dict.fromkeys(finding for _, result in sorted(found.items()) for finding in result.diagnostics)),
                any(result.failed for result in found.values()),
            )
        return Delta(macros={place: self._outcomes[place].results for place in done})

    def close(self) -> None:
        """End the macro process."""
        if self._host is not None:
            self._host.close()


class _MacroPost(Mapping[str, object]):
    """A post as scripts see it; the raw content is read only when it is asked for."""

    def __init__(self, site: Site, entry: Entry, read_source: Callable[[str], str]) -> None:
        base = site.entries[site.bases.get(entry.post.path, entry.post.path)].post
        shown = entry.post
        created = shown.created_at or base.created_at
        self._path = shown.path
        self._read_source = read_source
        self._values: dict[str, object] = {
            "id": base.id,
            "title": shown.title,
            "slug": base.slug,
            "excerpt": shown.excerpt if shown.excerpt is not None else base.excerpt,
            "content": None,
            "status": shown.status,
            "author": shown.author or base.author,
            "createdAt": _iso(created),
            "updatedAt": _iso(shown.updated_at or base.updated_at or created),
            "publishedAt": _iso(shown.published_at or base.published_at or created),
            "tags": list(base.tags),
            "categories": list(base.categories),
        }

    def __getitem__(self, name: str) -> object:
        if name == "content":
            return self._read_source(self._path)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _iso(instant: int | None) -> str | None:
    if instant is None:
        return None
    return datetime.fromtimestamp(instant / 1_000_000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
