"""Python macros in whole builds: what costs too much is ended, nothing is left behind, and no call is made twice."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from blogd.daemon.macro_host import MacroHost
from blogd.daemon.macro_process import Limits
from tests.support import Ground, build, builder

if TYPE_CHECKING:
    from pathlib import Path

POSTS = 500
COUNTING = b"""
def render(context, post):
    with open("calls", "a") as file:
        file.write(context["params"]["n"])
    return {"html": "<b>counted</b>"}
"""
HANGING = b"""
import os, subprocess, time


def render(context, post):
    held = os.open("fifo", os.O_WRONLY)
    subprocess.Popen(["sleep", "1000"], pass_fds=(held,))
    time.sleep(1000)
"""


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path / "site")


def write_post(ground: Ground, name: str, body: str, title: str = "T") -> str:
    text = f"---\ntitle: {title}\ncreatedAt: 2024-01-15T10:00:00Z\n---\n{body}\n"
    return ground.write(f"posts/{name}.md", text.encode())[0]


def test_a_call_that_many_posts_make_is_made_once_and_never_again(ground: Ground, tmp_path: Path) -> None:
    ground.write("scripts/count.py", COUNTING)
    for number in range(POSTS):
        write_post(ground, f"p{number}", "[[count n=x]]")
    calls = ground.root / "calls"

    first = build(ground.root, tmp_path / "html")
    assert calls.read_text() == "x"
    assert all(b"<b>counted</b>" in first.files[f"2024/01/15/p{number}/index.html"] for number in range(POSTS))
    second = build(ground.root, tmp_path / "html")
    assert (calls.read_text(), second.made) == ("x", [])
    write_post(ground, "p7", "[[count n=x]]", title="Other")
    assert "2024/01/15/p7/index.html" in build(ground.root, tmp_path / "html").made
    assert calls.read_text() == "x"
    write_post(ground, "p7", "[[count n=y]]")
    build(ground.root, tmp_path / "html")
    assert calls.read_text() == "xy"


def test_a_macro_that_hangs_is_ended_with_all_it_started(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MacroHost, "of", partial(MacroHost.of, limits=Limits(time_s=0.3)))
    os.mkfifo(ground.root / "fifo")
    reader = os.open(ground.root / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    ground.write("scripts/hang.py", HANGING)
    ground.write("scripts/fine.py", b"def render(context, post):\n    return {'html': '<b>fine</b>'}\n")
    write_post(ground, "a", "[[hang]]\n\n[[fine]]\n\ntext")

    with builder(ground.root, tmp_path / "html") as opened:
        built = opened.build()
        os.set_blocking(reader, True)
        assert os.read(reader, 1) == b""  # nobody holds the other end: pytest-timeout says so if somebody does
    os.close(reader)

    page = built.files["2024/01/15/a/index.html"]
    assert b"<b>fine</b>\n<p>text</p>" in page
    assert built.findings == ["scripts/hang.py:8: error: macro `hang`: it took longer than 0.3 s"]
