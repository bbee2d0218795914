"""Talk to Pagefind: a process of its own, which makes a search index of finished pages and ends.

    python -m blogd.daemon.pagefind OUT FOLDER

reads the paths of pages, below OUT, from `FOLDER/pages` and leaves the index in `FOLDER/new`. Pagefind numbers pages in
the order in which it gets them, and its command line takes them as the file system lists them. So they are handed over
one by one, sorted, by the protocol of its `--service`: base64 of JSON, ended by a comma, a question and its answer at a
time. What it makes then depends on the pages alone, but for the order of languages in one file, which is mended here.

Pagefind gives its files in an answer too. When it is asked to write them, it says that it has before they are whole.
The scripts and styles of its own search boxes are left out.
"""

from __future__ import annotations

import base64
import importlib
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, Protocol, cast
from urllib.parse import quote

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PACKAGE: Final = "pagefind_bin"
IGNORED: Final = ("header", "footer", "nav", "aside")
PAGES: Final = "pages"
NEW: Final = "new"
ENTRY: Final = "pagefind-entry.json"

_SCRIPTS: Final = frozenset({"pagefind.js", "pagefind-worker.js", ENTRY})
_BLOCK: Final = 1 << 20


class _Package(Protocol):
    def get_executable(self) -> Path: ...


class _File(msgspec.Struct):
    path: str
    content: bytes  # base64 in JSON


class _Payload(msgspec.Struct):
    type: str
    index_id: int = 0
    message: str = ""
    files: list[_File] = []


class _Answer(msgspec.Struct):
    payload: _Payload


class PagefindError(Exception):
    """Pagefind did not do what it was asked to."""


def pagefind_version() -> str:
    """Give the version of Pagefind, '' if the extra isn't installed."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return ""


def main(arguments: list[str]) -> None:
    """Make an index."""
    os.nice(10)  # edits come first
    out, folder = arguments
    with open(f"{folder}/{PAGES}", encoding="utf-8", errors="surrogateescape") as file:
        pages = list(filter(None, file.read().split("\0")))
    service = _Service()
    number = service.ask({"type": "NewIndex", "config": {"exclude_selectors": IGNORED}}).index_id
    for page in pages:
        service.ask({"type": "AddFile", "index_id": number, **_page(out, page)})
    for made in service.ask({"type": "GetFiles", "index_id": number}).files:
        if _is_needed(made.path):
            _write(f"{folder}/{NEW}/{made.path}", made.content)
    service.close()


def _page(out: str, path: str) -> Mapping[str, str]:
    with open(f"{out}/{path}", encoding="utf-8", errors="replace") as file:
        html = file.read()
    return {"url": "/" + quote(os.fsencode(path.removesuffix("index.html"))), "file_contents": html}


def _is_needed(path: str) -> bool:
    """Tell whether a file is one that searching needs."""
    return path in _SCRIPTS or path.endswith((".pf_fragment", ".pf_index", ".pf_meta", ".pagefind"))


def _write(path: str, content: bytes) -> None:
    if path.endswith(ENTRY):
        content = msgspec.json.encode(cast("object", msgspec.json.decode(content)), order="sorted")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


class _Service:
    """Pagefind, waiting for questions."""

    def __init__(self) -> None:
        package = cast("_Package", importlib.import_module(PACKAGE))
        command = [str(package.get_executable()), "--service"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._answers = self._read()

    def ask(self, question: Mapping[str, object]) -> _Payload:
        """Give the answer to a question. Raises PagefindError where it says that something is wrong."""
        stream = self._process.stdin
        assert stream is not None
        stream.write(base64.b64encode(msgspec.json.encode({"message_id": 1, "payload": question})) + b",")
        stream.flush()
        answer = next(self._answers)
        if answer.type == "Error":
            raise PagefindError(answer.message)
        return answer

    def _read(self) -> Iterator[_Payload]:
        stream = self._process.stdout
        assert stream is not None
        text = bytearray()
        while block := os.read(stream.fileno(), _BLOCK):
            text += block
            if block.endswith(b","):
                yield msgspec.json.decode(base64.b64decode(text[:-1]), type=_Answer).payload
                text.clear()
        raise PagefindError(f"Pagefind ended: exit code {self._process.wait()}")

    def close(self) -> None:
        """End Pagefind."""
        self._process.communicate()


if __name__ == "__main__":
    main(sys.argv[1:])
