"""The made-up blogs: the same each time, and shaped like real ones."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest
import yaml
from bench_lib import blog
from bench_lib.posts import LAST, Spec, identity

if TYPE_CHECKING:
    from pathlib import Path

POSTS = 600


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return dict(blog.files(Spec(posts=POSTS, languages=("en", "de", "fr"), macros=True)))


def front_matter(content: bytes) -> dict[str, object]:
    _, head, _ = content.decode().split("---\n", 2)
    fields: dict[str, object] = yaml.safe_load(head)
    return fields


def posts(made: dict[str, bytes]) -> dict[str, dict[str, object]]:
    return {path: front_matter(content) for path, content in made.items() if path.endswith(".md")}


def bodies(made: dict[str, bytes]) -> list[str]:
    return [content.decode().split("---\n", 2)[2] for path, content in made.items() if path.endswith(".md")]


def test_the_same_spec_makes_the_same_blog() -> None:
    spec = Spec(posts=40, languages=("en", "de"), macros=True)

    assert list(blog.files(spec)) == list(blog.files(spec))
    assert dict(blog.files(spec)) != dict(blog.files(Spec(posts=40, languages=("en", "de"), macros=True, seed=2)))


def test_no_path_comes_twice() -> None:
    paths = [path for path, _ in blog.files(Spec(posts=200, languages=("en", "de")))]

    assert len(paths) == len(set(paths))


def test_lengths_are_realistic_with_a_heavy_tail(made: dict[str, bytes]) -> None:
    lengths = sorted(len(body.split()) for body in bodies(made))

    assert 300 < statistics.median(lengths) < 420
    assert lengths[-1] > 4 * statistics.median(lengths)


def test_posts_spread_evenly_over_twelve_years_oldest_first() -> None:
    spec = Spec(posts=POSTS)
    dates = [identity(spec, number).created for number in range(POSTS)]

    assert dates == sorted(dates)
    assert dates[-1] <= LAST
    assert len({date.year for date in dates}) == 13
    assert len({date.date() for date in dates}) > POSTS * 0.85


def test_blogs_that_are_alike_have_as_many_posts_a_day_and_a_tag_whatever_their_size() -> None:
    small, large = (Spec(posts=posts, alike=True) for posts in (1000, 4000))

    assert large.tags == 4 * small.tags == 60
    assert _days(small) / 1000 == pytest.approx(_days(large) / 4000, rel=0.05)
    assert identity(Spec(posts=10_000, alike=True), 77) == identity(Spec(posts=10_000), 77)


def _days(spec: Spec) -> int:
    return len({identity(spec, number).created.date() for number in range(spec.posts)})


def test_tags_follow_zipf_one_to_four_a_post(made: dict[str, bytes]) -> None:
    lists = [cast("list[str]", fields["tags"]) for fields in posts(made).values() if "tags" in fields]
    used = Counter(name for names in lists for name in names)
    (_, first), (_, second), *_, (_, last) = used.most_common()

    assert {len(names) for names in lists} == {1, 2, 3, 4}
    assert len(used) > 100
    assert first > 1.4 * second > 20 * last


def test_output_is_about_two_pages_a_post_at_ten_thousand() -> None:
    """Single pages, days, and the four lists that hold each post once; tags hold each about twice."""
    spec = Spec(posts=10_000)
    lists_of_ten = spec.posts // spec.per_page * 6

    assert 18_500 < spec.posts + _days(spec) + lists_of_ten < 21_500


@pytest.mark.parametrize("form", ["](/post/", ".html)", "/#top)", "](../../20", "](/20", "](https://", "](/media/"])
def test_links_take_every_form(made: dict[str, bytes], form: str) -> None:
    assert any(form in body for body in bodies(made))


@pytest.mark.parametrize(
    "construct", ["\n```python\n", "\n| ", "\n- ", "\n> ", "\n## ", "**", "~~", "[[badge ", "[[gallery"]
)
def test_bodies_hold_every_construct(made: dict[str, bytes], construct: str) -> None:
    assert any(construct in body for body in bodies(made))


def test_macros_are_in_a_fifth_of_the_posts(made: dict[str, bytes]) -> None:
    with_macro = sum("[[" in body for body in bodies(made))

    assert 0.15 < with_macro / len(bodies(made)) < 0.25
    assert "scripts/badge.py" in made


def test_without_the_option_there_are_no_macros() -> None:
    made = dict(blog.files(Spec(posts=50)))

    assert not any("[[" in body for body in bodies(made))
    assert not any(path.startswith("scripts/") for path in made)


def test_images_have_sidecars_and_posts_that_show_them(made: dict[str, bytes]) -> None:
    images = [path for path in made if path.endswith(".png")]

    assert len(images) == POSTS // 15
    for path in images:
        assert made[path].startswith(b"\x89PNG")
        assert f"size: {len(made[path])}\n".encode() in made[f"{path}.meta"]
        assert any(f"(/{path})" in body for body in bodies(made))


def test_translations_name_the_post_they_belong_to(made: dict[str, bytes]) -> None:
    found = posts(made)
    ids = {fields["id"] for fields in found.values() if "id" in fields}
    translations = {path: fields for path, fields in found.items() if "translationFor" in fields}

    assert POSTS * 0.6 < len(translations) < POSTS * 1.4
    assert {fields["language"] for fields in translations.values()} == {"en", "de", "fr"}
    for path, fields in translations.items():
        assert fields["translationFor"] in ids
        assert path.endswith(f".{fields['language']}.md")
    assert any(fields.get("doNotTranslate") for fields in found.values())


def test_script_writes_the_blog_and_spares_what_is_there(project: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [
        sys.executable,
        project / "scripts/make-blog",
        "12",
        tmp_path / "blog",
        "--per-page",
        "5",
        "--no-highlight",
    ]

    first = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    second = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert first.returncode == 0, first.stderr
    assert "12 posts" in first.stdout
    assert b'"maxPostsPerPage": 5' in (tmp_path / "blog/meta/project.json").read_bytes()
    assert b'"highlight": false' in (tmp_path / "blog/meta/project.json").read_bytes()
    assert second.returncode == 1
    assert "hint: " in second.stderr
