"""The media files of a site: by name, as links in bodies say it, by linked post, and by month.

Questions (see `reads`): ("media", name) which file a link means; ("linked-media", id) the images of a post;
("photos", month) the images of a month `YYYY-MM`; ("photo-months",) the months that have any.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from blogd.render.links import media_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from blogd.render.changes import Changes
    from blogd.render.reads import Entity
    from blogd.render.records import Media

_FOLDER = "media/"


class MediaIndex:
    """All media files, and where they are found."""

    def __init__(self) -> None:
        self.files: dict[str, Media] = {}
        self._found: dict[Entity, set[str]] = {}

    def find(self, name: str) -> str | None:
        """Give the path of the media file that a link names (see `links.media_name`), or None.

        Of several, a file that has the name itself goes before one that had it when it was imported.
        """
        paths = self._found.get(("media", name), set())
        return min(paths, key=lambda path: (media_name(path) != _FOLDER + name, path), default=None)

    def linked(self, post_id: str) -> list[Media]:
        """Give the media files linked to a post, by path."""
        return [self.files[path] for path in sorted(self._found.get(("linked-media", post_id), ()))]

    def photos(self, month: str) -> list[Media]:
        """Give the images of a month, by path."""
        return [self.files[path] for path in sorted(self._found.get(("photos", month), ()))]

    def months(self) -> list[str]:
        """Give the months that have images, newest first."""
        return sorted((str(entity[1]) for entity in self._found if entity[0] == "photos"), reverse=True)

    def apply(self, delta: dict[str, Media | None], changes: Changes) -> None:
        """Take in what is new."""
        entities = set(self._entities(delta)) | set(_entities(media for media in delta.values() if media))
        before = {entity: self._answer(entity) for entity in entities}
        months, names = self.months(), self.files.keys() & delta.keys()
        for path, media in delta.items():
            self._exchange(path, media)
        for entity in entities:
            changes.add(entity, int(before[entity] != self._answer(entity)))
        changes.add(("photo-months",), int(months != self.months()))
        changes.add(("media-names",), int(names != self.files.keys() & delta.keys()))

    def _exchange(self, path: str, media: Media | None) -> None:
        old = self.files.pop(path, None)
        for entity in set(_entities([old] if old else [])):
            self._found[entity].discard(path)
            if not self._found[entity]:
                del self._found[entity]
        if media is not None:
            self.files[path] = media
            for entity in _entities([media]):
                self._found.setdefault(entity, set()).add(path)

    def _entities(self, paths: Iterable[str]) -> Iterator[Entity]:
        return _entities(self.files[path] for path in paths if path in self.files)

    def _answer(self, entity: Entity) -> object:
        if entity[0] == "media":
            return self.find(str(entity[1]))
        return [self.files[path] for path in sorted(self._found.get(entity, ()))]


def is_image(media: Media) -> bool:
    """Tell whether a media file is a picture."""
    if media.mime_type:
        return media.mime_type.startswith("image/")
    return media.path.lower().endswith((".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".svg"))


def _entities(files: Iterable[Media]) -> Iterator[Entity]:
    """Give the questions that a media file is an answer to."""
    for media in files:
        name = media.path.removeprefix(_FOLDER)
        yield "media", media_name(name)
        if media.original_name:
            yield "media", media_name(posixpath.join(posixpath.dirname(name), media.original_name))
        for post_id in media.linked_post_ids:
            yield "linked-media", post_id
        parts = name.split("/")
        if len(parts) > 2 and is_image(media):
            yield "photos", f"{parts[0]}-{parts[1]}"
