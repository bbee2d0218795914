"""Who reads what, as pages come, go, and read other things than before."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from blogd.cache import manifest as manifest_module
from blogd.cache import readers
from blogd.cache.manifest import NO_READS, Manifest
from blogd.cache.readers import Readers
from blogd.cache.reasons import Cause
from blogd.cache.rows import CLEAN, STALE, PageRow
from blogd.cache.store import Store
from blogd.render.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from blogd.render.reads import Entity

SEA: Entity = ("slug", "sea")
SKY: Entity = ("slug", "sky")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, "test")
    yield opened
    opened.close()


@pytest.fixture
def manifest(store: Store) -> Manifest:
    return Manifest(store)


def read(manifest: Manifest, path: str, *entities: Entity) -> int:
    """Have a page read something, and give its id."""
    known = manifest.ids.get(path)
    row = manifest.assign(path, ("post", "en", path)) if known is None else manifest.pages[known]
    pairs = [value for number in manifest.entity_ids(entities) for value in (number, 1)]
    manifest.set_reads(row, array("I", pairs).tobytes(), NO_READS)
    return row.id


def found(manifest: Manifest, entity: Entity) -> set[int]:
    changes = Changes()
    changes.add(entity)
    return set(manifest.readers(changes))


def test_a_page_hears_of_what_it_reads_now(manifest: Manifest) -> None:
    one, two = read(manifest, "one", SEA), read(manifest, "two", SEA, SKY)
    assert (found(manifest, SEA), found(manifest, SKY)) == ({one, two}, {two})
    read(manifest, "one", SKY)
    assert (found(manifest, SEA), found(manifest, SKY)) == ({two}, {one, two})
    read(manifest, "one", SEA)
    assert (found(manifest, SEA), found(manifest, SKY)) == ({one, two}, {two})


def test_a_page_that_is_gone_hears_of_nothing(manifest: Manifest) -> None:
    manifest.remove(read(manifest, "one", SEA))
    assert found(manifest, SEA) == set()


def test_what_was_read_once_takes_no_memory_for_ever(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "SPARE", 10)
    anew = Readers()
    monkeypatch.setattr(manifest_module, "Readers", lambda: anew)
    page, (sea,) = read(manifest, "one", SEA), manifest.entity_ids([SEA])
    while not anew.of(sea):
        read(manifest, "one", SKY)
        read(manifest, "one", SEA)
    assert list(anew.of(sea)) == [page]
    assert found(manifest, SEA) == {page}


def test_an_index_without_garbage_is_not_crammed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "SPARE", 0)
    index = Readers()
    index.add(1, array("I", [7, 1]).tobytes())
    assert not index.is_crammed()
    index.remove(array("I", [7, 1]).tobytes())
    assert index.is_crammed()


def written_down(store: Store) -> dict[str, tuple[PageRow, list[Entity]]]:
    """Give what a manifest knows that is loaded now."""
    manifest = Manifest(store)
    return {row.path: (row, [entity for entity, _ in manifest.reads_of(row)]) for row in manifest.pages.values()}


def steps(store: Store) -> int:
    return sum(1 for _ in store.steps())


def save(manifest: Manifest, store: Store, *paths: str, stale: str = "") -> None:
    with store.transaction():
        made = [manifest.pages[manifest.ids[path]] for path in paths]
        manifest.save(made, [manifest.pages[manifest.ids[stale]]] if stale else ())
    manifest.saved()


def test_the_next_run_knows_what_steps_have_said_last(store: Store) -> None:
    manifest = Manifest(store)
    for path, entity in (("one", SEA), ("two", SEA), ("three", SKY)):
        manifest.pages[read(manifest, path, entity)].state = CLEAN
    save(manifest, store, "one", "two", "three")
    manifest.remove(manifest.ids["one"])
    read(manifest, "two", SKY)
    manifest.pages[manifest.ids["three"]].reason = Cause.ALTERED
    save(manifest, store, "two", stale="three")
    known = written_down(store)
    assert {path: reads for path, (_, reads) in known.items()} == {"two": [SKY], "three": [SKY]}
    assert (known["two"][0].state, known["three"][0].state) == (CLEAN, STALE)
    assert known["three"][0].reason == Cause.ALTERED


def test_a_path_that_another_has_got_is_its_own_alone(store: Store) -> None:
    manifest = Manifest(store)
    read(manifest, "one", SEA)
    save(manifest, store, "one")
    heir = manifest.assign("one", ("post", "en", "heir"))
    save(manifest, store, "one")
    assert [row.id for row, _ in written_down(store).values()] == [heir.id]
    assert len(Manifest(store).pages) == 1


def test_steps_that_are_out_of_date_are_written_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "SPARE", 10)
    manifest = Manifest(store)
    entities: list[Entity] = [("slug", str(number)) for number in range(20)]
    for entity in entities:
        read(manifest, "one", entity)
        read(manifest, "two", SEA)
        save(manifest, store, "one", "two")
        with store.transaction():
            manifest.tidy()
    assert 2 <= steps(store) < len(entities)
    known = written_down(store)
    assert {path: reads for path, (_, reads) in known.items()} == {"one": [entities[-1]], "two": [SEA]}


def test_another_version_has_all_made_again(store: Store, tmp_path: Path) -> None:
    manifest = Manifest(store)
    manifest.pages[read(manifest, "one", SEA)].state = CLEAN
    save(manifest, store, "one")
    store.close()
    other = Store(tmp_path, "another")
    assert [(row.state, row.reason) for row, _ in written_down(other).values()] == [(STALE, Cause.VERSION)]
    other.close()
