"""What lies in the input folders: every source file with its stat, and nothing else.

Words
- *path*: relative to the project, with `/`; the key of a source everywhere.
- *hidden*: a name that starts with `.`, ends in `~` or is `#like this#`: what editors and tools keep beside a file.
- *input*: a file that isn't hidden, in an input folder, with the suffix that the folder calls for, if it calls for
  one. Where any file is content (media, assets, images) nothing else is judged by its name.

A walk goes through folders with a stack, `os.scandir` and one stat for each input. It follows a symbolic link only if
the real target lies in the project, outside the output and outside hidden folders. A link to a folder that it lies in
is left out, so walks end; how many folders one walk enters through links is bounded, since links to links multiply.

Promises: nothing outside the project is listed; names are UTF-8; every entry was a regular file.
Leaves out: whether a file can be read; names that differ in case or Unicode form only (each is a file of its own).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from blogd.render.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FOLDERS: Final = ("meta", "posts", "media", "templates", "scripts", "assets", "images")

_SUFFIXES: Final = {
    "meta": (".json", ".opml"),
    "posts": (".md",),
    "templates": (".liquid",),
    "scripts": (".py",),
}
_ANY: Final = ("",)
_LINKED_FOLDERS_MOST: Final = 10_000


class FileStat(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The cheapest sign that a file is still the same."""

    size: int
    mtime_ns: int
    inode: int


class FolderStat(msgspec.Struct, frozen=True, gc=False):
    """Which folder it is (`device`, `inode`) and who may read it."""

    device: int
    inode: int
    mode: int
    owner: int
    group: int

    @classmethod
    def of(cls, details: os.stat_result) -> FolderStat:
        """Pick what counts from a stat."""
        return cls(details.st_dev, details.st_ino, details.st_mode, details.st_uid, details.st_gid)


class ScanResult(msgspec.Struct, frozen=True):
    """Everything that a walk found.

    `links` maps each file that is a symbolic link to its real target's path. `unlisted` are folders that can't be read.
    `diagnostics` are sorted.
    """

    files: dict[str, FileStat]
    folders: dict[str, FolderStat]
    links: dict[str, str]
    unlisted: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]


class LookResult(msgspec.Struct, frozen=True):
    """What the given paths are now.

    `None` for a path: forget it and everything known below it, but for what else is listed. A folder is `None` and
    then the files in it. `unlisted` are folders that can't be read: what is known of what lies below them stays.
    `diagnostics` are about the given paths and what lies below them.
    """

    files: dict[str, FileStat | None]
    unlisted: frozenset[str]
    diagnostics: tuple[Diagnostic, ...]


def scan(root: Path, folders: Sequence[str] = FOLDERS, *, output: Path | None = None) -> ScanResult:
    """List all inputs in `folders`; what lies in the `output` folder is none."""
    return _walk(root, folders, output, with_files=True)


def scan_folders(root: Path, paths: Iterable[str] = FOLDERS, *, output: Path | None = None) -> ScanResult:
    """List the folders at and below `paths`, and links; `files` stays empty, which saves the stats."""
    return _walk(root, paths, output, with_files=False)


def look(root: Path, paths: Iterable[str], *, output: Path | None = None) -> LookResult:
    """Look at `paths` again, each a file, a folder or gone."""
    wanted = sorted(paths)
    found = _walk(root, wanted, output, with_files=True)
    files: dict[str, FileStat | None] = dict.fromkeys(path for path in wanted if path not in found.files)
    files.update(found.files)
    return LookResult(files, found.unlisted, found.diagnostics)


def is_hidden(name: str) -> bool:
    """Tell whether a single name is one that editors and tools keep beside a file."""
    return name.startswith(".") or name.endswith("~") or (name.startswith("#") and name.endswith("#"))


def is_input(path: str) -> bool:
    """Tell whether a file of this path is an input, by its name alone."""
    top, *below = path.split("/")
    suffixes = _SUFFIXES.get(top, _ANY)
    is_wanted = top in FOLDERS and bool(below) and path.endswith(suffixes)
    return is_wanted and not any(map(is_hidden, below))


def _walk(root: Path, paths: Iterable[str], output: Path | None, *, with_files: bool) -> ScanResult:
    walk = _Walk(os.path.realpath(root), os.path.realpath(output) if output else "", with_files=with_files)
    for path in paths:
        walk.start(path)
    diagnostics = tuple(sorted(set(walk.diagnostics)))
    return ScanResult(walk.files, walk.folders, walk.links, frozenset(walk.unlisted), diagnostics)


class _Place(NamedTuple):
    """A folder to go through; `trail` has the real folders whose links led here."""

    path: str
    real: str
    trail: tuple[str, ...]


class _Walk:
    """A walk in progress; `root` and `output` are real paths."""

    def __init__(self, root: str, output: str, *, with_files: bool) -> None:
        self.files: dict[str, FileStat] = {}
        self.folders: dict[str, FolderStat] = {}
        self.links: dict[str, str] = {}
        self.unlisted: set[str] = set()
        self.diagnostics: list[Diagnostic] = []
        self._root = root
        self._output = output
        self._with_files = with_files
        self._linked_folders = 0
        self._pending: list[_Place] = []

    def start(self, path: str) -> None:
        """Take in a file or folder, and everything below it."""
        folder, _, name = path.rpartition("/")
        top, *below = path.split("/")
        if top not in FOLDERS or not name or any(map(is_hidden, below)):
            return
        try:
            place = self._place_of(folder)
            details = Path(self._root, path).lstat()
        except PermissionError as error:
            self._give_up(path, error)
            return
        except (OSError, ValueError):
            return
        if place is None or not self._is_utf8(place, name):
            return
        self._take(place, name, details)
        while self._pending:
            self._list(self._pending.pop())

    def _place_of(self, folder: str) -> _Place | None:
        """Find out how a walk from the top would have come to `folder`; None if it would not."""
        trail: list[str] = []
        step = Path(self._root)
        for name in filter(None, folder.split("/")):
            if (step / name).is_symlink():
                trail.append(os.path.realpath(step))
            step /= name
        real = os.path.realpath(step, strict=True)
        return _Place(folder, real, tuple(trail)) if self._is_allowed(real) else None

    def _take(self, place: _Place, name: str, details: os.stat_result) -> None:
        path = _join(place.path, name)
        if stat.S_ISLNK(details.st_mode):
            self._follow(place, path)
        elif stat.S_ISDIR(details.st_mode):
            self._enter(_Place(path, f"{place.real}/{name}", place.trail), details)
        elif "/" not in path:
            self._tell("error", path, "is not a folder", "move the file away and make a folder of this name")
        elif is_input(path):
            self._keep(path, details)

    def _list(self, place: _Place) -> None:
        suffixes = _SUFFIXES.get(place.path.partition("/")[0], _ANY)
        try:
            with os.scandir(place.real) as entries:
                for entry in entries:
                    if not is_hidden(entry.name):
                        self._take_entry(place, entry, suffixes)
        except (FileNotFoundError, NotADirectoryError):
            pass  # it went while we looked
        except OSError as error:
            self._give_up(place.path, error)

    def _give_up(self, path: str, error: OSError) -> None:
        self.unlisted.add(path)
        hint = "check the folder's permissions; what is known of its files stays until then"
        self._tell("error", path, f"can't be read: {(error.strerror or str(error)).lower()}", hint)

    def _take_entry(self, place: _Place, entry: os.DirEntry[str], suffixes: tuple[str, ...]) -> None:
        """Do what `_take` does, without a stat where the entry's type is enough."""
        is_link = entry.is_symlink()
        is_file = not is_link and not entry.is_dir(follow_symlinks=False)
        if is_file and not (self._with_files and entry.name.endswith(suffixes)):
            return
        if not self._is_utf8(place, entry.name):
            return
        try:
            details = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return
        if is_file:
            self._keep(f"{place.path}/{entry.name}", details)
        else:
            self._take(place, entry.name, details)

    def _follow(self, place: _Place, path: str) -> None:
        try:
            real = os.path.realpath(f"{self._root}/{path}", strict=True)
            details = Path(real).stat()
        except OSError:
            self._tell("warning", path, "is a link that leads nowhere", "mend the link or remove it")
            return
        is_folder = stat.S_ISDIR(details.st_mode)
        if not is_folder and not is_input(path):
            return
        if not self._is_allowed(real):
            hint = "put the file or folder itself there, or link to a place inside the site"
            self._tell("warning", path, "is a link that leads out of the site; it is left out", hint)
        elif is_folder:
            self._enter_link(place, _Place(path, real, (*place.trail, place.real)), details)
        else:
            self.links[path] = os.path.relpath(real, self._root)
            self._keep(path, details)

    def _enter_link(self, place: _Place, target: _Place, details: os.stat_result) -> None:
        self._linked_folders += 1
        if any(_is_within(real, target.real) for real in target.trail):
            hint = "remove the link, or link to another folder"
            self._tell("warning", target.path, "is a link to a folder that it lies in; it is left out", hint)
        elif self._linked_folders > _LINKED_FOLDERS_MOST:
            message = f"more than {_LINKED_FOLDERS_MOST:,} folders are reached through links; the rest is left out"
            self._tell("error", place.path, message, "remove links to folders that hold links to folders")
        else:
            self._enter(target, details)

    def _enter(self, place: _Place, details: os.stat_result) -> None:
        if self._output and _is_within(place.real, self._output):
            return
        self.folders[place.path] = FolderStat.of(details)
        self._pending.append(place)

    def _keep(self, path: str, details: os.stat_result) -> None:
        if not stat.S_ISREG(details.st_mode):
            self._tell("warning", path, "is neither a file nor a folder; it is left out", "move it away")
        elif self._with_files:
            self.files[path] = FileStat(details.st_size, details.st_mtime_ns, details.st_ino)

    def _is_allowed(self, real: str) -> bool:
        """Tell whether a walk may come to this real path."""
        if real == self._root:
            return True
        below = real.removeprefix(f"{self._root.rstrip('/')}/")
        if below == real or any(map(is_hidden, below.split("/"))):
            return False
        return not (self._output and _is_within(real, self._output))

    def _is_utf8(self, place: _Place, name: str) -> bool:
        """Tell whether a name is UTF-8, which all that is written with it has to be."""
        if name.isascii():
            return True
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(_join(place.path, name)).decode(errors="backslashreplace")
            self._tell("warning", shown, "has a name that is not UTF-8; it is left out", "rename it")
            return False
        return True

    def _tell(self, severity: Severity, path: str, message: str, hint: str) -> None:
        self.diagnostics.append(Diagnostic(severity=severity, path=path, message=message, hint=hint))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
