"""The sources of a site: which of them changed, and what that means for the site.

A *row* is a source as it was last read (stat, digest, findings). `changed` compares rows with what a scan or a look has
found; whatever differs is read: posts by workers, the small files of meta/, templates/, scripts/ and the sidecars of
media/ here. The outcome is gathered in an `Intake`: one delta for the site, and the rows to be written with it.

A source that can't be read keeps its last good version while somebody is watching, and counts as absent in a build,
which thus equals a clean one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from blogd.cache.bodies import gather, is_scattered, sweep
from blogd.cache.rows import SourceRow
from blogd.daemon.output import digest
from blogd.daemon.policy import Policy, decode_policy
from blogd.daemon.raw import read_bytes, unreadable
from blogd.daemon.texts import DEFAULT_META, META_PATHS, Texts, findings, is_text, template_name
from blogd.render.delta import Delta, Entry
from blogd.render.media import SUFFIX as SIDECAR

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from blogd.cache.store import Store
    from blogd.daemon.scan import FileStat
    from blogd.daemon.wire import FileResult
    from blogd.render.delta import Meta
    from blogd.render.records import Media, TemplateSource
    from blogd.render.template_source import Script

MOST_TEXT_BYTES: Final = 8 << 20  # of a template, script, sidecar or meta file
COPIED: Final = ("assets/", "images/", "media/")

_encode = msgspec.msgpack.Encoder().encode
_decode_entry = msgspec.msgpack.Decoder(Entry).decode


class Intake:
    """What has been read since the site was last changed."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry | None] = {}
        self.unshown: dict[str, str] = {}  # posts that are there: path → id
        self.media: set[str] = set()  # files that came or went, or whose sidecars did
        self.templates: dict[str, TemplateSource | None] = {}
        self.copies: dict[str, bool] = {}  # path → is there
        self.has_new_meta = False
        self.has_new_scripts = False
        self.rows: dict[str, SourceRow | None] = {}

    def __bool__(self) -> bool:
        return bool(self.rows)


class Sources:
    """All sources as they were last read."""

    def __init__(self, root: Path, store: Store, policy: Policy, version: str) -> None:
        self._root = root
        self._store = store
        self._version = version
        self.policy = policy
        self.rows = store.sources()
        self._looks: Mapping[str, FileStat | None] = {}
        self._given_up: dict[str, FileStat | None] = {}
        self.texts = Texts()
        self.meta = DEFAULT_META
        self.scripts: dict[str, Script] = {}
        self._shown = policy

    # What changed.

    def changed(
        self, found: Mapping[str, FileStat | None], unlisted: Collection[str], *, is_all: bool
    ) -> dict[str, FileStat | None]:
        """Give the paths that are not as their rows say, with their stat, None if they are gone.

        `is_all`: whatever isn't in `found` is gone. Of what is in `unlisted` folders nothing is known.
        """
        changed: dict[str, FileStat | None] = {}
        gone = {path for path, stat in found.items() if stat is None and path not in self.rows}
        changed.update(dict.fromkeys(known for known in self._below(gone) if known not in found))
        for path, stat in found.items():
            row = self.rows.get(path)
            if stat is None:
                if row is not None:
                    changed[path] = None
            elif row is None or (row.size, row.mtime_ns, row.inode) != (stat.size, stat.mtime_ns, stat.inode):
                changed[path] = stat
        if is_all:
            changed.update(dict.fromkeys(path for path in self.rows if path not in found))
        hidden = tuple(f"{folder}/" for folder in unlisted)
        for path, stat in list(changed.items()):
            is_hidden = stat is None and path.startswith(hidden)
            if is_hidden or (path in self._given_up and self._given_up[path] == stat):
                del changed[path]
        self._looks = changed
        return changed

    def _below(self, folders: set[str]) -> list[str]:
        """Give the sources in some folders, at any depth."""
        known = {path.rpartition("/")[0] for path in self.rows} if folders else set[str]()
        below = {folder for folder in known if not folders.isdisjoint(_ancestry(folder))}
        return [path for path in self.rows if path.rpartition("/")[0] in below] if below else []

    def give_up(self, path: str) -> None:
        """Leave a source alone as it is now: it costs too much to be read again in this run."""
        self._given_up[path] = self._looks.get(path)

    def doubt(self, paths: Iterable[str]) -> None:
        """Have sources compared by their bytes, whatever their stat says."""
        for path in paths:
            self._given_up.pop(path, None)
            if path in self.rows:
                self.rows[path].size = -1

    def distrust(self, paths: Iterable[str]) -> None:
        """Have sources read again, whatever their stat says."""
        for path in paths:
            if path in self.rows:
                self.rows[path].size, self.rows[path].digest = -1, b""

    def to_read(self, posts: Iterable[str], intake: Intake) -> dict[str, bytes]:
        """Give the posts that workers have to read, with their known digest: all, if they would be read otherwise."""
        wanted = {path: self.rows[path].digest if path in self.rows else b"" for path in posts}
        meta = self.current_meta() if intake.has_new_meta else self.meta
        if self._reading_key(meta) != self._store.get("reading"):
            known = (path for path in self.rows if is_post(path) and path not in intake.rows)
            wanted = dict.fromkeys([*wanted, *known], b"")
        return wanted

    def _reading_key(self, meta: Meta) -> bytes:
        """Give all that has a say in what a post's bytes mean."""
        return _encode((self._version, meta.timezone, meta.project.highlight))

    def is_lost(self, path: str) -> bool:
        """Tell whether a source can't be read, so that its text is nowhere."""
        row = self.rows.get(path)
        return row is not None and row.failed

    def is_other_policy(self) -> bool:
        """Tell whether the last run showed other records."""
        return self._stored_policy() != self.policy

    def _stored_policy(self) -> Policy:
        stored = self._store.get("policy")
        return decode_policy(stored) if stored else self.policy

    def begin(self) -> Intake:
        """Begin to take in what is new; the records that another policy shows are."""
        intake = Intake()
        intake.has_new_meta = not self.rows
        self._shown = self.policy
        if self.is_other_policy():
            old = self._stored_policy()
            intake.has_new_meta |= _settings(old) != _settings(self.policy)
            for path, record, failed in self._store.records():
                if is_post(path):
                    entry = _decode_entry(record)
                    if self.policy.status(entry, failed=failed) != old.status(entry, failed=failed):
                        self._show(path, entry, intake, failed=failed)
                elif failed and self.policy.keeps_last_good != old.keeps_last_good:
                    self.texts.keep(path, record if self.policy.keeps_last_good else None)
                    self._take_new_text(path, intake)
        return intake

    # What a site was made of.

    def load(self) -> Delta:
        """Give the site as the last run showed it, and keep the texts."""
        policy = self._shown = self._stored_policy()
        entries: dict[str, Entry | None] = {}
        unshown: dict[str, str | None] = {}
        for path, record, failed in self._store.records():
            if is_post(path):
                entry = _decode_entry(record)
                if policy.shows(entry, failed=failed):
                    entries[path] = entry
                elif policy.reads(failed=failed):
                    unshown[path] = entry.post.id
            elif policy.reads(failed=failed):
                self.texts[path] = record
        self.meta = self.current_meta()
        files = (path for path in self.rows if path.startswith("media/") and not is_text(path))
        media: dict[str, Media | None] = {path: self.texts.media(path, self.meta.timezone) for path in files}
        self.scripts = self.texts.macros()
        return Delta(meta=self.meta, entries=entries, media=media, templates=self.texts.templates(), unshown=unshown)

    def entry(self, path: str) -> Entry | None:
        """Give a post's record as it was last read, from the store."""
        record = self._store.record(path)
        return _decode_entry(record) if record is not None else None

    def current_meta(self) -> Meta:
        """Give the settings as the meta files say now."""
        return self.texts.meta(has_search=self._shown.has_search, timezone=self._shown.timezone)

    # Taking in what is new.

    def take(self, path: str, stat: FileStat | None, intake: Intake) -> None:
        """Read a source other than a post."""
        if stat is None:
            self._forget(path, intake)
        elif is_text(path):
            self._take_text(path, stat, intake)
        else:
            row = self.rows.get(path)
            intake.rows[path] = SourceRow(path, stat.size, stat.mtime_ns, stat.inode, b"")
            intake.copies[path] = True
            if path.startswith("media/") and row is None:
                intake.media.add(path)

    def _forget(self, path: str, intake: Intake) -> None:
        intake.rows[path] = None
        self.texts.pop(path, None)
        if is_post(path):
            intake.entries[path] = None
            intake.unshown.pop(path, None)
        elif is_text(path):
            self._take_new_text(path, intake)
        else:
            intake.copies[path] = False
            if path.startswith("media/"):
                intake.media.add(path)

    def _take_text(self, path: str, stat: FileStat, intake: Intake) -> None:
        row = SourceRow(path, stat.size, stat.mtime_ns, stat.inode, b"")
        old = self.rows.get(path)
        data = b""
        try:
            data = self._read(path)
        except FileNotFoundError:
            self._forget(path, intake)
            return
        except OSError as error:
            row.size = -1  # read it again next time: a stat doesn't say that it can be read now
            row.diagnostics = (unreadable(path, error),)
        else:
            row.digest = digest(data)
            if old is not None and old.digest == row.digest:
                seen = {"size": row.size, "mtime_ns": row.mtime_ns, "inode": row.inode}
                intake.rows[path] = msgspec.structs.replace(old, record=self._store.record(path), **seen)
                return
            row.diagnostics = findings(path, data)
        row.failed = any(finding.severity == "error" for finding in row.diagnostics)
        if row.failed and row == old:  # it still can't be read
            return
        if not row.failed:
            row.record = data
        elif self.policy.keeps_last_good:
            row.record = self.texts.get(path)
        self.texts.keep(path, row.record)
        intake.rows[path] = row
        self._take_new_text(path, intake)

    def _take_new_text(self, path: str, intake: Intake) -> None:
        if path in META_PATHS:
            intake.has_new_meta = True
        elif path.startswith("templates/"):
            name = template_name(path)
            intake.templates[name] = self.texts.template(name)
        elif path.startswith("scripts/"):
            intake.has_new_scripts = True
        elif path.endswith(SIDECAR):
            intake.media.add(path.removesuffix(SIDECAR))

    def _read(self, path: str) -> bytes:
        found, data = read_bytes(f"{self._root}/{path}", MOST_TEXT_BYTES)
        if max(found.st_size, len(data)) > MOST_TEXT_BYTES:
            raise OSError(0, f"it is larger than {MOST_TEXT_BYTES >> 20} MB")
        return data

    # Posts.

    def take_post(self, result: FileResult, intake: Intake) -> None:
        """Take in a post that a worker has read."""
        path, old = result.path, self.rows.get(result.path)
        if result.size < 0:
            self._forget(path, intake)
            return
        row = SourceRow(path, result.size, result.mtime_ns, result.inode, result.digest)
        if result.is_same and old is not None:
            intake.rows[path] = msgspec.structs.replace(
                old, size=row.size, mtime_ns=row.mtime_ns, inode=row.inode, record=self._store.record(path)
            )
            return
        row.failed = result.entry is None
        row.diagnostics = result.diagnostics
        if row.failed and row == old:  # it still can't be read
            return
        entry = result.entry
        if entry is None and self.policy.keeps_last_good:
            entry = self.entry(path)
        row.record = _encode(entry) if entry is not None else None
        intake.rows[path] = row
        self._show(path, entry, intake, failed=row.failed)

    def _show(self, path: str, entry: Entry | None, intake: Intake, *, failed: bool) -> None:
        if self.policy.shows(entry, failed=failed):
            intake.entries[path] = entry
        else:
            intake.entries[path] = None
            if entry is not None and self.policy.reads(failed=failed):
                intake.unshown[path] = entry.post.id

    def settle(self, intake: Intake) -> Delta:
        """Make the rows current and give the delta."""
        for path, row in intake.rows.items():
            if row is None:
                self.rows.pop(path, None)
            else:
                self.rows[path] = msgspec.structs.replace(row, record=None)
        meta: Meta | None = None
        if intake.has_new_meta:
            zone = self.meta.timezone
            meta = self.meta = self.current_meta()
            if meta.timezone != zone:  # which sidecars mean
                intake.media.update(path.removesuffix(SIDECAR) for path in self.texts if path.endswith(SIDECAR))
        zone = self.meta.timezone
        media = {path: self.texts.media(path, zone) if path in self.rows else None for path in intake.media}
        if intake.has_new_scripts:
            self.scripts = self.texts.macros()
        unshown = {path: intake.unshown.get(path) for path in intake.entries}
        return Delta(meta=meta, entries=intake.entries, media=media, templates=intake.templates, unshown=unshown)

    def save(self, intake: Intake) -> None:
        """Write the rows, within the store's transaction."""
        self._store.put_sources(row for row in intake.rows.values() if row is not None)
        self._store.delete_sources(path for path, row in intake.rows.items() if row is None)
        self._store.put("policy", _encode(self.policy))
        self._store.put("reading", self._reading_key(self.meta))

    def tidy(self, folder: Path) -> None:
        """Remove rendered bodies that no record refers to, if there are many; before any worker runs."""
        used = self._store.get("bodies")
        if not is_scattered(folder, int(used or b"0")):
            return
        records = {path: record for path, record, _ in self._store.records() if is_post(path)}
        entries = {path: _decode_entry(record) for path, record in records.items()}
        moved = gather(folder, {path: entry.body for path, entry in entries.items()})
        with self._store.transaction():
            for path, body in moved.items():
                self._store.put_record(path, _encode(Entry(entries[path].post, body)))
            self._store.put("bodies", str(sum(body.length for body in moved.values())).encode())
        self.distrust(entries.keys() - moved.keys())
        sweep(folder, moved.values())


def _settings(policy: Policy) -> tuple[bool, str]:
    """Give what a policy has to say of the settings."""
    return policy.has_search, policy.timezone


def _ancestry(folder: str) -> Iterator[str]:
    """Give a folder, and those that it lies in."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def is_post(path: str) -> bool:
    """Tell whether a source is read by workers."""
    return path.startswith("posts/")


def copies_of(paths: Iterable[str]) -> list[str]:
    """Give the sources that are outputs as they are."""
    return [path for path in paths if path.startswith(COPIED) and not is_text(path)]
