from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogd.render.media import media_without_sidecar, read_sidecar
from blogd.render.records import Media

PATH = "media/2024/01/a.b.jpg"


def test_a_sidecar_is_read() -> None:
    data = rb"""---
id: "7"
originalName: "My \"best\" \\ photo.JPG"
mimeType: "image/jpeg"
size: 12345
width: 640
height: 480
title: "2019"
alt: "A: b # c"
caption: ""
author: "A"
language: "de_AT"
createdAt: "2024-01-15T10:00:00.000Z"
updatedAt: "2024-01-16T10:00:00.000Z"
tags: ["a", "b, c"]
linkedPostIds: ["x", "x", "y"]
---
"""
    assert read_sidecar(f"{PATH}.meta", data) == (
        Media(
            path=PATH,
            id="7",
            original_name='My "best" \\ photo.JPG',
            mime_type="image/jpeg",
            width=640,
            height=480,
            title="2019",
            alt="A: b # c",
            author="A",
            language="de-at",
            created_at=int(datetime(2024, 1, 15, 10, tzinfo=UTC).timestamp()) * 1_000_000,
            tags=("a", "b, c"),
            linked_post_ids=("x", "y"),
        ),
        (),
    )


def test_without_a_sidecar_the_path_is_all_there_is() -> None:
    assert media_without_sidecar(PATH) == Media(path=PATH, original_name="a.b.jpg")


@pytest.mark.parametrize(
    ("data", "severity", "message", "line"),
    [
        (b"id: 7\n", "warning", "a sidecar starts with a line `---`", 1),
        (b"", "warning", "a sidecar starts with a line `---`", 1),
        (b"---\nid: 7\n", "error", "the front matter is not closed", 1),
        (
            b"---\na: b: c\n---\n",
            "error",
            "the front matter is not YAML: mapping values are not allowed in this context",
            2,
        ),
        (b"---\n\nwidth: -1\n---\n", "warning", "`-1` is not a whole number", 3),
        (b"---\nheight: 9999999999999999\n---\n", "warning", "`9999999999999999` is not a whole number", 2),
        (b"---\ntags: {a: b}\n---\n", "warning", "`tags` is not a list of texts", 2),
    ],
)
def test_what_makes_no_sense_is_told_and_says_nothing(data: bytes, severity: str, message: str, line: int) -> None:
    media, (told,) = read_sidecar(f"{PATH}.meta", data)
    assert media == media_without_sidecar(PATH)
    assert (told.severity, told.path, told.message, told.line) == (severity, f"{PATH}.meta", message, line)


def test_a_date_without_a_zone_is_in_the_zone_given() -> None:
    media, _ = read_sidecar(f"{PATH}.meta", b"---\ncreatedAt: 2024-01-15\n---\n", ZoneInfo("Asia/Tokyo"))
    assert media.created_at == int(datetime(2024, 1, 14, 15, tzinfo=UTC).timestamp()) * 1_000_000


@given(
    st.lists(
        st.sampled_from([b"---\n", b"id: ", b"width: ", b"7", b"\n", b'"', b"\\", b"[", b"]", b"\xff", b"\0"])
    ).map(b"".join)
)
def test_any_bytes_are_media_and_findings(data: bytes) -> None:
    media, findings = read_sidecar(f"{PATH}.meta", data)
    assert media.path == PATH
    msgspec.msgpack.encode((media, findings))
