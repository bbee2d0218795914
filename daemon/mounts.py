"""Which file system a path lies on, and whether it reports all changes.

Folders that a virtual machine or another computer lends are changed from both sides, but only the changes of this
side are reported. Where people edit on the other side (WSL's `/mnt/c`, folders shared with a virtual machine, sshfs)
events can't be relied on. On NFS and SMB most edits are made on this side.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOUNTS: Final = Path("/proc/self/mountinfo")
_TACITURN: Final = frozenset({"9p", "drvfs", "vboxsf", "prl_fs", "fuse.vmhgfs-fuse", "fuse.grpcfuse", "fuse.sshfs"})


def taciturn_file_system(path: str) -> str:
    """Return the type of a real path's file system if it doesn't report all changes, else ''."""
    try:
        mounts = _MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return ""
    kind = file_system(path, mounts.splitlines())
    return kind if kind in _TACITURN else ""


def file_system(path: str, mounts: Iterable[str]) -> str:
    """Return the type of the file system that a real path lies on.

    `mounts` are lines of `/proc/self/mountinfo` (see proc(5)); a later mount hides an earlier one.
    """
    best, kind = "", ""
    for line in mounts:
        mount, _, source = line.partition(" - ")
        point = _unescaped(mount.split(" ")[4]).rstrip("/")
        if (path == point or path.startswith(f"{point}/")) and len(point) >= len(best):
            best, kind = point, source.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    """Undo the octal escapes of blanks and backslashes."""
    for code in (0o40, 0o11, 0o12, 0o134):
        text = text.replace(f"\\{code:03o}", chr(code))
    return text
