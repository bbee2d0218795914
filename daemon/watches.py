"""Changes told by the kernel: which folders are under watch, and what a report means for the site.

watchfiles' Rust notifier does the watching. It is given every folder by name and not asked to go down by itself: it
would follow links out of the site (`posts/all -> /`), watch hidden folders, miss files born with their folder, and
say nothing when the limit is reached at a folder made later. So a new folder means a new notifier over all folders,
which takes some milliseconds; afterwards the folder is listed again, until nothing in it has escaped. What the old
notifier had still to tell is asked of it last. macOS watches trees, at no cost for each folder, and doesn't follow
links: there, the top folders do.

A report means "look at this path", no more. Whether something was added or removed matters for folders only.
A file that is a link is reported when its target changes. A folder that is reached in two ways is one to the kernel,
which reports one of the names: the others are added here.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from blogd.daemon.mounts import taciturn_file_system
from blogd.daemon.scan import FolderStat, ScanResult, is_hidden, is_input, scan_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_IS_DEEP: Final = sys.platform == "darwin"
_MODIFIED: Final = 2  # as in watchfiles.Change
_GROW_MS: Final = 30  # reports are gathered for this long while new ones come in; much less than settling.QUIET_S
_DRAIN_STEP_MS: Final = 2
_DRAIN_MS: Final = 10
_TRIES: Final = 5

Report = tuple[int, str]


class Stop(Protocol):
    """Asked at every step of a wait whether to end it."""

    def is_set(self) -> bool:
        """Tell whether to end it."""
        ...


class Notifier(Protocol):
    """The part of watchfiles' RustNotify that is used."""

    def watch(
        self, debounce_ms: int, step_ms: int, timeout_ms: int, stop_event: Stop | None
    ) -> set[Report] | Literal["signal", "stop", "timeout"]:
        """Wait for reports, and for more while they grow; a time-out of 0 is none."""
        ...

    def close(self) -> None:
        """Watch nothing any more."""
        ...


class Changes(NamedTuple):
    """Paths to look at; `is_complete` is false where watches were renewed and a report may have slipped through."""

    paths: frozenset[str]
    is_complete: bool


class WatchError(Exception):
    """Events can't be had; says why, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def native_notifier(paths: list[str]) -> Notifier:
    """Watch folders with the kernel's help, each without what lies below it (on macOS: with it).

    Raises OSError or RuntimeError. The notifier could also ignore folders that may not be read, but then it
    ignores every other error as well.
    """
    from watchfiles._rust_notify import RustNotify  # noqa: PLC0415 - takes 40 ms that `build` has no use for

    notifier = RustNotify(paths, False, False, 0, _IS_DEEP, False)
    if repr(notifier).startswith("RustNotify(Poll"):
        notifier.close()
        raise WatchError("this system reports no changes of files")
    return notifier


class Watches:
    """The folders under watch. `open` before anything else; one thread at a time."""

    def __init__(
        self, root: Path, folders: Sequence[str], output: Path | None, notify: Callable[[list[str]], Notifier]
    ) -> None:
        self._given_root = root
        self._tops = folders
        self._output = output
        self._notify = notify
        self._root = ""
        self._folders: dict[str, FolderStat] = {}
        self._links: dict[str, str] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._notifier: Notifier | None = None

    def open(self) -> None:
        """Watch all that is there now; raise `WatchError` if that can't be done."""
        self.close()
        self._root = os.path.realpath(self._given_root)
        self._folders, self._links = {}, {}
        if kind := taciturn_file_system(self._root):
            raise WatchError(f"changes on this kind of file system ({kind}) are not all reported")
        self._notifier = self._cover(self._tops)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None

    def wait(self, stop: Stop, step_ms: int) -> Changes | None:
        """Wait for changes; None when `stop` says so, and then changes may have been lost.

        Raises RuntimeError when the notifier is broken for good, and `WatchError`.
        """
        if self._notifier is None:
            raise WatchError("nothing is watched")
        reports = self._notifier.watch(_GROW_MS, step_ms, 0, stop)
        return None if isinstance(reports, str) else self._take_in(reports)

    def _take_in(self, reports: set[Report]) -> Changes:
        paths: set[str] = set()
        is_complete = True
        while reports:
            found, fresh = self._sort(reports)
            paths |= found
            reports = self._renew(fresh) if fresh else set()
            is_complete = is_complete and not fresh
        return Changes(frozenset(paths), is_complete)

    def _sort(self, reports: Iterable[Report]) -> tuple[set[str], set[str]]:
        """Tell the paths to look at, and those of them that may be folders to watch anew."""
        found: set[str] = set()
        fresh: set[str] = set()
        for change, path in self._named(reports):
            if change == _MODIFIED and self._is_same_folder(path):
                continue
            leads_on = self._leads_on(path)
            if leads_on:
                fresh.add(path)
            if leads_on or path in self._folders or is_input(path):
                found.add(path)
        stale = found & self._folders.keys()
        if stale:
            self._folders = {path: known for path, known in self._folders.items() if not _is_below(path, stale)}
        return found, fresh

    def _named(self, reports: Iterable[Report]) -> Iterator[Report]:
        """Give every report all the names in the input folders that its file has."""
        start = len(self._root.rstrip("/")) + 1
        for change, full_path in reports:
            path = full_path[start:]
            folder, _, name = path.rpartition("/")
            names = [path, *(f"{other}/{name}" for other in self._names.get(folder, ())), *self._names.get(path, ())]
            for each in dict.fromkeys(names):
                top, *below = each.split("/")
                if top in self._tops and not any(map(is_hidden, below)):
                    yield change, each

    def _is_same_folder(self, path: str) -> bool:
        """Tell whether a known folder was reported for its times only; what is in it reports itself."""
        known = self._folders.get(path)
        return known is not None and known == _folder_stat(f"{self._root}/{path}")

    def _leads_on(self, path: str) -> bool:
        try:
            mode = Path(self._root, path).lstat().st_mode
        except (OSError, ValueError):
            return False
        return stat.S_ISDIR(mode) or stat.S_ISLNK(mode)

    def _renew(self, fresh: set[str]) -> set[Report]:
        """Watch what was found as well; return what the notifier before still had to tell."""
        old = self._notifier
        try:
            self._notifier = self._cover(fresh)
            left = old.watch(0, _DRAIN_STEP_MS, _DRAIN_MS, None) if old is not None else set[Report]()
        finally:
            if old is not None and old is not self._notifier:
                old.close()
        return set() if isinstance(left, str) else left

    def _cover(self, paths: Iterable[str]) -> Notifier:
        """Make a notifier that misses nothing at or below `paths`, which are listed until they stay the same."""
        fresh = tuple(paths)
        found = self._list(fresh)
        notifier: Notifier | None = None
        for _ in range(_TRIES):
            try:
                made = self._notify(self._aim(found))
            except (FileNotFoundError, PermissionError):
                found = self._list(fresh)
                continue
            except (OSError, RuntimeError) as error:
                _close(notifier)
                raise _explained(error, len(self._folders)) from error
            _close(notifier)
            notifier, before, found = made, found, self._list(fresh)
            if found.folders.items() <= before.folders.items():
                break
        if notifier is None:
            raise WatchError("the folders change faster than they can be watched")
        return notifier

    def _list(self, paths: Iterable[str]) -> ScanResult:
        return scan_folders(self._given_root, paths, output=self._output)

    def _aim(self, found: ScanResult) -> list[str]:
        """Take in what was found; return the full paths to watch."""
        self._folders |= found.folders
        self._links |= found.links
        targets = {target.rpartition("/")[0] for target in self._links.values()}
        watched = {path: (known.device, known.inode) for path, known in self._folders.items()}
        for path in targets - watched.keys():
            known = _folder_stat(f"{self._root}/{path}")
            if known is not None:
                watched[path] = (known.device, known.inode)
        self._names = _other_names(watched, self._links)
        aimed = (targets | set(self._tops)) & watched.keys() if _IS_DEEP else watched.keys()
        full_paths = (Path(self._root, path) for path in aimed)
        return [str(path) for path in full_paths if os.access(path, os.R_OK) and path.is_dir()]


def _other_names(folders: dict[str, tuple[int, int]], links: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Map folders to other names of the same folder, and files to links that lead to them."""
    same: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for path, key in folders.items():
        same[key].append(path)
    names = {path: [other for other in same[key] if other != path] for path, key in folders.items() if same[key][1:]}
    for link, target in links.items():
        names.setdefault(target, []).append(link)
    return {path: tuple(others) for path, others in names.items()}


def _explained(error: OSError | RuntimeError, folders: int) -> WatchError:
    """Say which limit was met and how to raise it."""
    text = str(error)
    if "watch limit" in text:
        message = f"the system lets a user watch fewer folders than are needed here ({folders:,})"
        return WatchError(message, f"sudo sysctl fs.inotify.max_user_watches={max(524_288, 8 * folders)}")
    if "Too many open files" in text:
        message = "the system lets a user have no more watchers at the same time"
        return WatchError(message, "sudo sysctl fs.inotify.max_user_instances=512")
    return WatchError(f"changes of files can't be watched: {text}")


def _folder_stat(path: str) -> FolderStat | None:
    try:
        return FolderStat.of(Path(path).stat())
    except (OSError, ValueError):
        return None


def _is_below(path: str, folders: set[str]) -> bool:
    """Tell whether a path is one of the folders or lies in one."""
    while path:
        if path in folders:
            return True
        path = path.rpartition("/")[0]
    return False


def _close(notifier: Notifier | None) -> None:
    if notifier is not None:
        notifier.close()
