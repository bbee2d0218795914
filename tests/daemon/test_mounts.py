from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from blogd.daemon import mounts
from blogd.daemon.mounts import file_system, taciturn_file_system

if TYPE_CHECKING:
    from pathlib import Path

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
60 22 0:50 / /mnt/c rw,noatime - 9p C:\134 rw,aname=drvfs
61 22 0:51 / /home/me/my\040sites rw shared:7 master:3 - fuse.sshfs me@host: rw
62 22 0:52 / /srv rw - xfs /dev/sdb rw
63 22 0:53 / /srv rw - vboxsf srv rw
""".strip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/site", "ext4"),
        ("/", "ext4"),
        ("/mnt/c", "9p"),
        ("/mnt/c/Users/me", "9p"),
        ("/mnt/cc", "ext4"),
        ("/home/me/my sites/blog", "fuse.sshfs"),
        ("/srv/blog", "vboxsf"),
    ],
)
def test_the_nearest_and_latest_mount_counts(path: str, kind: str) -> None:
    assert file_system(path, MOUNTS.splitlines()) == kind


def test_only_file_systems_that_keep_changes_to_themselves_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "mountinfo")
    assert taciturn_file_system("/mnt/c/site") == "9p"
    assert taciturn_file_system("/home/me/site") == ""


def test_where_mounts_are_not_told_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "absent")
    assert taciturn_file_system("/mnt/c/site") == ""
