"""The program `blogd`; a spawned worker imports this module again, so it does nothing by itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import NoReturn

UTF_8_MODE: Final = "PYTHONUTF8"


def main() -> int:
    """Run the command line; Ctrl-C while modules are loading ends it without a traceback."""
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get(UTF_8_MODE) != "1":
        _begin_again()
    try:
        from blogd.daemon.cli import run  # noqa: PLC0415 - the import is what may be interrupted

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


def _begin_again() -> NoReturn:
    """Put this program in its own place, in UTF-8 mode: outputs have the same names in any locale."""
    os.environ[UTF_8_MODE] = "1"
    if sys.stdout is not None:  # closed, it is None
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    sys.exit(main())
