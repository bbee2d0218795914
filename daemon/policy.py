"""What a run shows of what it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.render.delta import Entry


class Policy(msgspec.Struct, frozen=True):
    """What is shown: drafts too; the last good version of a source that can't be read; a search, if it is wanted.

    `timezone` is the machine's, which a blog has that names none.
    """

    drafts: bool = False
    keeps_last_good: bool = False
    has_search: bool = False
    timezone: str = ""

    def reads(self, *, failed: bool) -> bool:
        """Tell whether what is known of a source counts."""
        return self.keeps_last_good or not failed

    def shows(self, entry: Entry | None, *, failed: bool) -> bool:
        """Tell whether the site has a record."""
        if entry is None or not self.reads(failed=failed):
            return False
        return entry.post.status == "published" or (self.drafts and entry.post.status == "draft")

    def status(self, entry: Entry | None, *, failed: bool) -> tuple[bool, bool]:
        """Tell whether the site has a record, and whether it knows of one that it doesn't have."""
        return self.shows(entry, failed=failed), self.reads(failed=failed)


decode_policy: Final[Callable[[bytes], Policy]] = msgspec.msgpack.Decoder(Policy).decode
