"""What the user asked for: one frozen value, checked before anything starts.

A project is a folder with `posts/` or `meta/project.json`. Whatever else is missing has a default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from blogd.daemon.exits import RefusalError

Mode = Literal["build", "watch", "verify"]

SOURCES = ("posts", "meta", "media", "templates", "scripts", "assets", "images")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to run. `out` None means `html` in the site; `workers` None means as many as there are CPUs to use."""

    mode: Mode
    site: Path
    out: Path | None = None
    workers: int | None = None
    drafts: bool = False
    clean: bool = False
    verbose: bool = False
    poll: bool = False

    @property
    def output(self) -> Path:
        """The folder that is written to."""
        return self.out or self.site / "html"


def checked(options: Options) -> Options:
    """Make the paths absolute and refuse what can't be right.

    Raises RefusalError for a site that is no project and an output folder that would cover sources.
    """
    site = options.site.expanduser().absolute()
    _check_site(site, str(options.site))
    out = options.out and options.out.expanduser().absolute()
    _check_output(out or site / "html", site)
    if not out:
        _check_default(site / "html", site)
    return msgspec.structs.replace(options, site=site, out=out)


def _check_site(site: Path, given: str) -> None:
    if not site.exists():
        raise RefusalError(f"{given}: no such folder", f"to write a starter blog there: blogd init {given}")
    if not site.is_dir():
        raise RefusalError(f"{given}: not a folder", "name the project's folder, the one that holds posts/")
    if not (site / "posts").is_dir() and not (site / "meta" / "project.json").is_file():
        raise RefusalError(
            f"{given}: not a project: it has neither posts/ nor meta/project.json",
            "put Markdown files into posts/, or write a starter blog: blogd init DIR",
        )


def _check_default(out: Path, site: Path) -> None:
    """Refuse to follow a link that comes with a site: where it leads has to be said by who runs blogd."""
    if not out.resolve().is_relative_to(site.resolve()):
        raise RefusalError(f"{out}: leads out of the site", f"if that is what you want: --out {out.resolve()}")


def _check_output(out: Path, site: Path) -> None:
    if out.exists() and not out.is_dir():
        raise RefusalError(f"{out}: not a folder", "name a folder for the output, it is made where there is none")
    target, source = out.resolve(), site.resolve()
    if source.is_relative_to(target):
        raise RefusalError(f"{out}: the output can't be the site itself, nor hold it", "name a folder of its own")
    for name in SOURCES:
        if target.is_relative_to(source / name):
            raise RefusalError(f"{out}: the output can't lie in the site's {name}/", "name a folder of its own")
