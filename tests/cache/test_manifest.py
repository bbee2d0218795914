"""Who reads what, as pages come, go, and read other things than before."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from blogd.cache import manifest as manifest_module
from blogd.cache import readers
from blogd.cache.manifest import NO_READS, Manifest
from blogd.cache.readers import Readers
from blogd.cache.store import Store
from blogd.render.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from blogd.render.reads import Entity

SEA: Entity = ("slug", "sea")
SKY: Entity = ("slug", "sky")


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    store = Store(tmp_path, "test")
    yield Manifest(store)
    store.close()


def read(manifest: Manifest, path: str, *entities: Entity) -> int:
    """Have a page read something, and give its id."""
    known = manifest.ids.get(path)
    row = manifest.assign(path, ("post", "en", path)) if known is None else manifest.pages[known]
    pairs = [number for entity in entities for number in (manifest.entity_id(entity), 1)]
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
    page, sea = read(manifest, "one", SEA), manifest.entity_id(SEA)
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
