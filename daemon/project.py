"""One site and one output folder, as a run sees them: where things lie, and what doesn't change while it runs."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from blogd.daemon.code_cache import tidy_code
from blogd.daemon.exits import RefusalError
from blogd.daemon.pagefind import pagefind_version
from blogd.daemon.policy import Policy
from blogd.daemon.resources import bundled_digest
from blogd.daemon.timezone import local_timezone

if TYPE_CHECKING:
    from blogd.daemon.options import Options

CACHE: Final = ".blogd"
EPOCH: Final = "SOURCE_DATE_EPOCH"  # https://reproducible-builds.org/docs/source-date-epoch/
LAST_SECOND: Final = 253_402_300_799  # of the year 9999
LIBRARIES: Final = ("blogd", "python-liquid", "mistune", "pygments")


class Project(msgspec.Struct, frozen=True):
    """`root` and `out` are real paths; `cache` is the folder of this output's cache, `bodies` that of its bodies.

    `workers` is the number of processes that render, 0 to do it in this one. `build_time` stands for the clock, if set.
    """

    root: Path
    out: Path
    cache: Path
    bodies: Path
    workers: int
    policy: Policy
    version: str
    pid: int
    build_time: int | None = None

    @property
    def code(self) -> Path:
        """The folder of templates that this version has compiled."""
        return self.cache / f"code-{hashlib.blake2b(self.version.encode(), digest_size=4).hexdigest()}"

    @property
    def crew(self) -> int:
        """The number of those who render."""
        return max(1, self.workers)

    def now(self) -> int:
        """Give the build's time, in whole seconds as µs since 1970: the clock's, or what SOURCE_DATE_EPOCH says."""
        if self.build_time is not None:
            return self.build_time
        given = _given_time()
        return (int(time.time()) if given is None else given) * 1_000_000

    def show_time(self, now: int, time_format: str, timezone: str) -> str:
        """Show a time as pages do."""
        return datetime.fromtimestamp(now / 1_000_000, tz=UTC).astimezone(ZoneInfo(timezone)).strftime(time_format)


def open_project(options: Options, workers: int) -> Project:
    """Make the folders of a run, and say where they are; raises RefusalError."""
    _given_time()
    root = Path(os.path.realpath(options.site))
    out = Path(os.path.realpath(options.output))
    _make_folder(out, "make it writable, or name another: --out DIR")
    cache = cache_of(root, out)
    bodies = cache / "bodies"
    _make_cache(root / CACHE, cache, bodies)
    has_search = bool(pagefind_version())
    policy = Policy(drafts=options.drafts, keeps_last_good=options.mode == "watch", has_search=has_search)
    policy = msgspec.structs.replace(policy, timezone=local_timezone())
    project = Project(root, out, cache, bodies, workers, policy, versions(), os.getpid())
    with suppress(OSError):
        tidy_code(cache, project.code)
    return project


def _given_time() -> int | None:
    """Give the time that SOURCE_DATE_EPOCH says, in seconds since 1970, at most LAST_SECOND, None if it is not set."""
    given = os.environ.get(EPOCH, "")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and int(given) <= LAST_SECOND):
        hint = "unset it, or give it a time before the year 10,000"
        raise RefusalError(f"{EPOCH} is {given[:40]!r}, which is no number of seconds since 1970", hint)
    return int(given)


def _make_cache(*folders: Path) -> None:
    """Make the folders of the cache, each in the one before; a link that stands there would lead who knows where."""
    for folder in folders:
        if folder.is_symlink():
            raise RefusalError(f"{folder}: is a link, which the cache can't be", "remove it")
        _make_folder(folder, "the cache has to be writable: see to its permissions, or remove what is in the way")
    with suppress(OSError), (folders[0] / ".gitignore").open("x", encoding="ascii") as file:
        file.write("*\n")


def _make_folder(folder: Path, hint: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefusalError(f"{folder}: can't be made: {(error.strerror or str(error)).lower()}", hint) from error


def cache_of(root: Path, out: Path) -> Path:
    """Name the folder of an output's cache; both paths are real."""
    return root / CACHE / f"{out.name}-{hashlib.blake2b(os.fsencode(out), digest_size=4).hexdigest()}"


def versions() -> str:
    """Name the versions of all that has a say in what pages look like."""
    names = [f"{name} {version_of(name)}" for name in LIBRARIES]
    return ", ".join([*names, f"python {platform.python_version()}", f"templates {bundled_digest()}"])
