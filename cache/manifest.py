"""The manifest in memory: all outputs of a site, and who reads what.

Entities are numbered. What a page reads is an array of (entity, mask) pairs in two parts: its own, and a set that it
shares with many pages (templates, menu, settings), which is kept once. The reverse index leads from an entity to its
readers; it is built when the first change asks for it, or before that when there is time.

Numbers that no page refers to any more are found when the reads are loaded, and given to what is new: the tables grow
with the site, not with the edits that it has seen. What is written down grows with the edits, until most of it is out
of date; then it is written anew.
"""

from __future__ import annotations

import contextlib
import gc
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeVar

from blogd.cache.database import DamagedError
from blogd.cache.readers import Readers, mask_of, pairs
from blogd.cache.reasons import Cause, changed_answer, entity_and_mask
from blogd.cache.rows import STALE, PageRow, Questions, Step, once
from blogd.render.changes import list_of
from blogd.render.reads import LIST_KINDS, OWN_KINDS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from blogd.cache.store import Store
    from blogd.render.changes import Changes
    from blogd.render.reads import Entity, ListKey
    from blogd.render.routes import PageKey

NO_READS = 0
SPARE: Final = 5_000  # things that the steps may say in vain
_MOST_AT_ONCE: Final = 5_000  # in a step, when all is written anew

T = TypeVar("T")


class Manifest:
    """All outputs by id, and the reverse index of their reads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pages: dict[int, PageRow] = {}
        self.ids: dict[str, int] = {}
        self._last_id = 0
        self._said = 0  # by the steps that are written down
        self._removed: list[int] = []
        with _without_collection():
            self._load_outputs()
        self._is_loaded = self._is_indexed = False
        self._entities: list[Entity] = [()]
        self._entity_ids: dict[Entity, int] = {(): 0}
        self._shared: list[bytes] = [b""]
        self._shared_ids: dict[bytes, int] = {b"": NO_READS}
        self._readers = Readers()
        self._shared_readers: dict[int, dict[int, int]] = {}
        self._sharers: dict[int, set[int]] = {}
        self._lists: defaultdict[ListKey, set[int]] = defaultdict(set)
        self._clocks: set[int] = set()
        self._new_entities: list[tuple[int, Entity]] = []
        self._new_shared: list[tuple[int, bytes]] = []
        self._free_entities: list[int] = []
        self._free_shared: list[int] = []

    def _load_outputs(self) -> None:
        rows: dict[int, PageRow] = {}
        for step in self._store.steps():
            step.apply(rows)
            self._said += len(step)
        known: dict[str | int, str | int] = {}
        for row in rows.values():
            row.key = once(row.key, known)
            self._enter(row)

    def _enter(self, row: PageRow) -> None:
        self.pages[row.id] = row
        self.ids[row.path] = row.id
        self._last_id = max(self._last_id, row.id)

    # Outputs.

    def assign(self, path: str, key: PageKey) -> PageRow:
        """Enter an output, to be made; one that is there gets a new id, so that answers about the old one are known."""
        row = PageRow(self._last_id + 1, path, key, reason=Cause.NEW)
        old = self.ids.get(path)
        if old is not None:
            was = self.pages[old]
            row.reason = Cause.CLAIMED
            row.digest, row.size, row.mtime_ns = was.digest, was.size, was.mtime_ns
            self.remove(old)
        self._enter(row)
        return row

    def remove(self, number: int) -> None:
        """Forget an output."""
        self._load()
        row = self.pages.pop(number)
        del self.ids[row.path]
        self._removed.append(number)
        if self._is_indexed:
            self._sharers.get(row.shared, set()).discard(number)
            self._readers.remove(row.reads)

    # Reads.

    def index(self) -> None:
        """Build the reverse index, unless it is there."""
        self._load()
        if not self._is_indexed:
            self._is_indexed = True
            self._link_all()

    def _load(self) -> None:
        """Load what pages read, unless that is done; this makes the index of those that there are."""
        if self._is_loaded:
            return
        self._is_loaded, self._is_indexed = True, bool(self.pages)
        try:
            with _without_collection():
                self._load_reads()
        except (ValueError, IndexError) as error:
            raise DamagedError(self._store.path, f"what pages read makes no sense: {error}") from error

    def _load_reads(self) -> None:
        self._link_all()
        entities: dict[int, Entity] = {}
        shared: dict[int, bytes] = {}
        for questions in self._store.questions():
            entities.update(questions.entities)
            shared.update(questions.shared)
        for number, reads in shared.items():
            if number in self._sharers:
                self._place_shared(number, reads)
            else:
                self._free_shared.append(number)
        asked = self._readers.entities() | self._shared_readers.keys()
        told = {entity_and_mask(reason)[0] for reason in {row.reason for row in self.pages.values()}}
        known: dict[str | int, str | int] = {}
        for number, entity in entities.items():
            if number in asked or number in told:
                self._place(number, once(entity, known))
            else:
                self._free_entities.append(number)
        if not (asked <= set(self._entity_ids.values()) and self._sharers.keys() <= set(self._shared_ids.values())):
            raise IndexError("something that pages refer to is missing")

    def entity_ids(self, entities: Iterable[Entity]) -> list[int]:
        """Give the numbers of entities, new ones to those that have none."""
        self._load()
        known = self._entity_ids
        return [known.get(entity) or self._new_entity(entity) for entity in entities]

    def _new_entity(self, entity: Entity) -> int:
        number = self._free_entities.pop() if self._free_entities else len(self._entities)
        self._place(number, entity)
        self._new_entities.append((number, entity))
        return number

    def shared_id(self, reads: bytes) -> int:
        """Give the number of a set of shared reads, a new one if it has none."""
        number = self._shared_ids.get(reads)
        if number is None:
            number = self._free_shared.pop() if self._free_shared else len(self._shared)
            self._place_shared(number, reads)
            self._new_shared.append((number, reads))
        return number

    def set_reads(self, row: PageRow, reads: bytes, shared: int) -> None:
        """Replace what a page reads."""
        self._load()
        if (row.reads, row.shared) == (reads, shared):
            return
        old, before = row.shared, row.reads
        row.reads, row.shared = reads, shared
        if self._is_indexed:
            self._sharers.get(old, set()).discard(row.id)
            self._link(row, before)
            self._tidy_readers()

    def reads_of(self, row: PageRow) -> Iterator[tuple[Entity, int]]:
        """Give all that a page reads."""
        self._load()
        for part in (row.reads, self._shared[row.shared]):
            for number, mask in pairs(part):
                yield self._entities[number], mask

    def readers(self, changes: Changes) -> dict[int, int]:
        """Give the pages that asked something whose answer changed, each with the reason that says the most."""
        self.index()
        if changes.everything:
            return dict.fromkeys(self.pages, int(Cause.FRAME))
        asked = {number for entity in changes.masks if (number := self._entity_ids.get(entity))}
        for key in changes.lists:
            asked.update(self._lists.get(key, ()))
        changed = {number: mask for number in asked if (mask := changes.mask(self._entities[number]))}
        found: dict[int, int] = {}
        for number in sorted(changed, key=self._rank, reverse=True):  # what is found last stays
            for shared, wanted in self._shared_readers.get(number, {}).items():
                if reason := changed_answer(number, wanted, changed[number]):
                    found.update(dict.fromkeys(self._sharers.get(shared, ()), reason))
            for page in self._readers.of(number):
                wanted = mask_of(self.pages[page].reads, number) if page in self.pages else 0
                if reason := changed_answer(number, wanted, changed[number]):
                    found[page] = reason
        return found

    def _rank(self, number: int) -> tuple[bool, Entity]:
        """Order entities by how much they say about a page: what few pages read first, and long stretches of lists."""
        entity = self._entities[number]
        match entity:
            case "slice", *key, int(start), int(stop):
                return False, ("slice", *key, start - stop, start)
            case "beyond", *_:
                return True, entity
            case _:
                return entity[0] not in OWN_KINDS, entity

    def reason(self, row: PageRow, changes: Changes) -> int:
        """Give a reason for a page to be made anew after a change, 0 if it asked nothing whose answer changed."""
        if changes.everything:
            return Cause.FRAME
        reads = ((self._entity_ids[entity], mask, changes.mask(entity)) for entity, mask in self.reads_of(row))
        return next(filter(None, (changed_answer(*read) for read in reads)), 0)

    def entity(self, number: int) -> Entity:
        """Give the entity of a number."""
        self._load()
        return self._entities[number]

    def clock_formats(self) -> list[str]:
        """Give the formats in which pages show the build's time."""
        self._load()
        return [str(self._entities[number][1]) for number in self._clocks]

    def save(self, made: Iterable[PageRow], stale: Iterable[PageRow] = ()) -> None:
        """Write down a step, within a transaction; after that, call `saved`.

        These are the outputs that were made or entered, those that are stale now, all that were removed since the last
        step, and what was read for the first time.
        """
        self._load()
        step = Step(tuple(self._removed), tuple(made), tuple((row.id, row.reason) for row in stale))
        questions = Questions(tuple(self._new_entities), tuple(self._new_shared))
        if step or questions.entities or questions.shared:
            self._store.add_step(step, questions)
        self._said += len(step)

    def saved(self) -> None:
        """Note that what was saved has been committed."""
        self._removed.clear()
        self._new_entities.clear()
        self._new_shared.clear()

    def tidy(self) -> None:
        """Write all down anew, within a transaction, if most of what is written is out of date."""
        if self._said <= 2 * len(self.pages) + SPARE:
            return
        self._load()
        self._store.forget_steps()
        entities = ((number, entity) for entity, number in self._entity_ids.items() if number)
        shared = ((number, reads) for reads, number in self._shared_ids.items() if number)
        self._store.add_step(Step(), Questions(tuple(entities), tuple(shared)))
        rows = tuple(self.pages.values())
        for start in range(0, len(rows), _MOST_AT_ONCE):
            self._store.add_step(Step(made=rows[start : start + _MOST_AT_ONCE]), Questions())
        self._said = len(self.pages)

    def stale(self) -> list[PageRow]:
        """Give the outputs that are to be rendered."""
        return [row for row in self.pages.values() if row.state == STALE]

    def _place(self, number: int, entity: Entity) -> None:
        _put(self._entities, number, entity, ())
        self._entity_ids[entity] = number
        if entity[0] in LIST_KINDS:
            self._lists[list_of(entity)].add(number)
        elif entity[0] == "now":
            self._clocks.add(number)

    def _place_shared(self, number: int, reads: bytes) -> None:
        _put(self._shared, number, reads, b"")
        self._shared_ids[reads] = number
        for entity, mask in pairs(reads):
            self._shared_readers.setdefault(entity, {})[number] = mask

    def _link(self, row: PageRow, before: bytes = b"") -> None:
        self._readers.add(row.id, row.reads, before)
        if row.shared:
            self._sharers.setdefault(row.shared, set()).add(row.id)

    def _link_all(self) -> None:
        self._readers.fill((row.id, row.reads) for row in self.pages.values())
        for row in self.pages.values():
            if row.shared:
                self._sharers.setdefault(row.shared, set()).add(row.id)

    def _tidy_readers(self) -> None:
        """Build the index of readers anew, if it isn't worth its memory."""
        if self._readers.is_crammed():
            self._readers = Readers()
            self._readers.fill((row.id, row.reads) for row in self.pages.values())


def _put(items: list[T], number: int, item: T, nothing: T) -> None:
    """Put an item at a number, with `nothing` at those before it that have none yet."""
    if number == len(items):
        items.append(item)
        return
    items.extend([nothing] * (number + 1 - len(items)))
    items[number] = item


@contextlib.contextmanager
def _without_collection() -> Generator[None]:
    """Look for no garbage among thousands of objects that have come to stay."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
