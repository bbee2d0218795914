"""Explanations: what a page is made of, what it read, why it was made; and how a page is named by those who ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from blogd.cache.reasons import Cause
from blogd.cache.store import DATABASE
from blogd.daemon.cli import run
from blogd.daemon.exits import RefusalError
from blogd.daemon.last_run import last_run, place_of
from blogd.daemon.lock import held
from blogd.daemon.options import Options
from blogd.daemon.reads_wording import cause
from blogd.daemon.why import Explanation, explain, run_why
from tests.support import Ground, build, builder, post

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROJECT: Final = {"name": "Test", "publicUrl": "https://t.example/blog", "timezone": "UTC", "maxPostsPerPage": 2}
NEIGHBOURS: Final = """---
slug: neighbours
---
<nav>
{% if next_post %}
{{ next_post.title }}
{% endif %}
</nav>
"""
OLD, NEW = "/2024/01/01/old/", "/2024/01/02/new/"


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """A site that has not been built yet."""
    ground = Ground(tmp_path / "site")
    ground.write("meta/project.json", json.dumps(PROJECT).encode())
    ground.write("posts/old.md", post("Old", 1, "[none](/posts/nowhere)", tags="[sea]"))
    ground.write("posts/new.md", post("New", 2))
    ground.write("templates/partials/neighbours.liquid", NEIGHBOURS.encode())
    ground.write("templates/partials/footer.liquid", b"<footer>{{ 'now' | date: '%Y' }}</footer>")
    ground.write("templates/note.liquid", b"{{ post.title }}")
    return ground


def options(ground: Ground) -> Options:
    return Options(mode="build", site=ground.root)


def why(ground: Ground, page: str) -> Explanation:
    with last_run(place_of(options(ground))) as known:
        return explain(known, page)


def rebuild(ground: Ground) -> None:
    build(ground.root, ground.root / "html")


def text(ground: Ground, page: str) -> str:
    return run_why(options(ground), page, as_json=False)


def words(found: Explanation) -> list[str]:
    return [f"{read.words}: {read.answer}" if read.answer else read.words for read in found.reads]


def test_it_says_what_a_page_is_made_of_and_what_it_reads(ground: Ground) -> None:
    rebuild(ground)
    found = why(ground, OLD)

    assert (found.page, found.section, found.claimed_by) == (OLD, "single", "posts/old.md")
    assert (found.template, found.state, found.file) == ("single-post", "made", f"{ground.root}/html{OLD}index.html")
    assert {"posts/old.md", "posts/new.md", "meta/project.json", "templates/partials/neighbours.liquid"} <= set(
        found.sources
    )
    assert "which post has the slug nowhere: none" in words(found)
    assert "title, path of posts/new.md (en)" in words(found)
    assert {"setting publicUrl", "settings of tag/sea", "template partials/head", "menu"} <= set(words(found))


def test_a_list_reads_a_stretch_of_posts(ground: Ground) -> None:
    rebuild(ground)
    assert {"posts 1-2 of tag/sea", "whether tag/sea has more than 2 posts", "whether tag/sea has posts"} <= set(
        words(why(ground, "/tag/sea/"))
    )


def test_a_copy_and_a_feed_have_no_template(ground: Ground) -> None:
    ground.write("assets/logo.svg", b"<svg/>")
    rebuild(ground)
    copy, feed = why(ground, "/assets/logo.svg"), why(ground, "/rss.xml")
    assert (copy.template, copy.sources, words(copy)) == ("", ("assets/logo.svg",), ["bytes of assets/logo.svg"])
    assert (feed.template, feed.claimed_by) == ("", "blogd's rss.xml")


def test_it_names_the_line_that_read_what_changed(ground: Ground) -> None:
    rebuild(ground)
    ground.write("posts/new.md", post("Newer", 2))
    rebuild(ground)

    found = why(ground, OLD)
    assert found.reason == "title of posts/new.md (en) changed"
    assert found.read_by == ("templates/partials/neighbours.liquid:5",)


def test_lines_are_known_in_templates_that_are_interpreted(ground: Ground) -> None:
    ground.write("templates/note.liquid", b"{% assign part = 'partials/x' %}\n\n{% include part %}\n")
    ground.write("templates/partials/x.liquid", b"one\n{{ next_post.title }}\n")
    ground.write("posts/old.md", post("Old", 1, templateSlug="note"))
    rebuild(ground)
    ground.write("posts/new.md", post("Newer", 2))
    rebuild(ground)

    assert why(ground, OLD).read_by == ("templates/partials/x.liquid:2",)


def _rename(ground: Ground) -> None:
    ground.write("posts/new.md", post("New", 2, slug="renamed"))


def _alter(ground: Ground) -> None:
    ground.write(f"html{OLD}index.html", b"altered")


def _claim(ground: Ground) -> None:
    ground.write("posts/pages/page.md", post("A page", 9, slug="2024", categories="[page]"))


REASONS: Final[dict[str, tuple[str, str, Callable[[Ground], object]]]] = {
    "first": (OLD, "first build", lambda _: None),
    "body": (
        OLD,
        "body, raw Markdown of posts/old.md (en) changed",
        lambda g: g.write("posts/old.md", post("Old", 1, tags="[sea]")),
    ),
    "neighbour": (OLD, "title of posts/new.md (en) changed", lambda g: g.write("posts/new.md", post("N", 2))),
    "path": (OLD, "path of posts/new.md (en) changed", _rename),
    "gone": (OLD, "posts/new.md (en) came or went", lambda g: g.delete("posts/new.md")),
    "slug": (OLD, "which post has the slug nowhere changed", lambda g: g.write("posts/nowhere.md", post("N", 7))),
    "page": ("/2024/01/07/x/", "it is new", lambda g: g.write("posts/x.md", post("X", 7))),
    "list": ("/", "posts 1-2 of the blog changed", lambda g: g.write("posts/x.md", post("X", 7))),
    "partial": (OLD, "template partials/footer changed", lambda g: g.write("templates/partials/footer.liquid", b"")),
    "none": (OLD, "template partials/date changed", lambda g: g.write("templates/partials/date.liquid", b"")),
    "setting": (
        OLD,
        "setting name changed",
        lambda g: g.write("meta/project.json", json.dumps({**PROJECT, "name": "N"}).encode()),
    ),
    "frame": (
        OLD,
        cause(Cause.FRAME),
        lambda g: g.write("meta/project.json", json.dumps({**PROJECT, "timezone": "Asia/Tokyo"}).encode()),
    ),
    "tag": (
        OLD,
        "settings of tag/sea changed",
        lambda g: g.write("meta/tags.json", b'[{"name":"sea","color":"#00f"}]'),
    ),
    "altered": (OLD, cause(Cause.ALTERED), _alter),
    "removed": (OLD, cause(Cause.ALTERED), lambda g: g.delete(f"html{OLD}")),
    "claimed": ("/2024/", cause(Cause.CLAIMED), _claim),
}


@pytest.mark.parametrize(("page", "reason", "edit"), REASONS.values(), ids=REASONS)
def test_the_reason_is_what_made_the_page_stale(
    page: str, reason: str, edit: Callable[[Ground], object], ground: Ground
) -> None:
    rebuild(ground)
    edit(ground)
    rebuild(ground)
    assert why(ground, page).reason == reason

    rebuild(ground)
    assert why(ground, page).reason == reason, "a build that makes nothing changes no reason"


def test_the_time_and_the_version_are_reasons(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild(ground)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    rebuild(ground)
    assert why(ground, OLD).reason == "time of the build as '%Y' changed"

    monkeypatch.setattr("blogd.daemon.project.versions", lambda: "blogd 99")
    rebuild(ground)
    assert why(ground, OLD).reason == cause(Cause.VERSION)


def test_of_several_reasons_it_names_the_one_about_fewest_pages(ground: Ground) -> None:
    rebuild(ground)
    ground.write("posts/new.md", post("Newer", 2))
    ground.write("templates/partials/footer.liquid", b"")
    rebuild(ground)
    assert why(ground, OLD).reason == "title of posts/new.md (en) changed"
    assert why(ground, "/404.html").reason == "template partials/footer changed"


def test_a_page_that_fails_is_explained(ground: Ground) -> None:
    rebuild(ground)
    ground.write("posts/old.md", post("Old", 1, templateSlug="note"))
    ground.write("templates/note.liquid", b"\n{% if %}")
    rebuild(ground)

    found = why(ground, OLD)
    assert found.state == "failed"
    assert [(finding.path, finding.line) for finding in found.findings] == [("templates/note.liquid", 2)]
    assert "\n  failed    20" in text(ground, OLD)


@pytest.mark.parametrize(
    "name",
    [
        "/2024/01/01/old/",
        "/2024/01/01/old",
        "2024/01/01/old/index.html",
        "/blog/2024/01/01/old/",
        "https://t.example/blog/2024/01/01/old/?x=1#top",
        "http://127.0.0.1:8000/2024/01/01/old/",
        "/2024/01/01/%6fld/",
        "site/html/2024/01/01/old/index.html",
        "site/html/2024/01/01/old",
    ],
)
def test_a_page_is_named_by_a_url_or_a_file(name: str, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild(ground)
    monkeypatch.chdir(ground.root.parent)
    assert why(ground, name).page == OLD


@pytest.mark.parametrize("name", ["/", "", "index.html", "https://t.example/blog/", "https://t.example/blog"])
def test_the_home_page_has_names_too(name: str, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild(ground)
    monkeypatch.chdir(ground.root.parent)
    assert why(ground, name).page == "/"


def test_names_that_are_not_ascii_are_found_as_written_and_encoded(ground: Ground) -> None:
    ground.write("posts/x.md", post("X", 3, tags="[Größe]"))
    rebuild(ground)
    assert why(ground, "/tag/Größe/").page == why(ground, "/tag/Gr%C3%B6%C3%9Fe/").page == "/tag/Größe/"


def test_an_unknown_page_names_near_ones(ground: Ground) -> None:
    rebuild(ground)
    with pytest.raises(RefusalError) as refusal:
        why(ground, "/2024/01/01/odl/")
    assert refusal.value.message == "/2024/01/01/odl/: blogd makes no such page"
    assert OLD in refusal.value.hint

    with pytest.raises(RefusalError) as refusal:
        why(ground, "qqqqqqqq")
    assert refusal.value.hint == "give a URL of the site, or a file of its output"


@pytest.mark.parametrize("name", ["posts/old.md", "site/posts/old.md"])
def test_a_source_names_its_pages(name: str, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuild(ground)
    monkeypatch.chdir(ground.root.parent)
    with pytest.raises(RefusalError) as refusal:
        why(ground, name)
    assert refusal.value.hint == f"its pages are {OLD}"


def test_what_was_not_built_is_refused_and_left_alone(ground: Ground) -> None:
    before = sorted(ground.root.rglob("*"))
    with pytest.raises(RefusalError, match="not built yet"):
        why(ground, "/")
    assert sorted(ground.root.rglob("*")) == before


def test_a_database_that_is_none_is_refused(ground: Ground) -> None:
    rebuild(ground)
    (place_of(options(ground)).cache / DATABASE).write_bytes(b"no database at all")
    with pytest.raises(RefusalError, match="not a database"):
        why(ground, "/")


def test_it_works_beside_a_run_and_sees_what_that_has_committed(ground: Ground) -> None:
    with builder(ground.root, ground.root / "html", mode="watch") as running:
        running.build()
        with held(place_of(options(ground)).cache / "lock", ground.root / "html"):
            assert why(ground, OLD).reason == "first build"
            running.build(ground.write("posts/new.md", post("Newer", 2)))
            assert why(ground, OLD).reason == "title of posts/new.md (en) changed"


def test_sources_that_have_moved_on_cost_only_the_lines(ground: Ground) -> None:
    ground.write("templates/note.liquid", b"{{ post.title }}{{ post.content }}{{ post.slug }}")
    ground.write("posts/old.md", post("Old", 1, templateSlug="note"))
    rebuild(ground)
    ground.write("posts/old.md", post("Old", 1, "Other words.", templateSlug="note"))

    found = why(ground, OLD)
    assert "title, raw Markdown, slug, choice of template of posts/old.md (en)" in words(found)
    assert found.reads[0].lines == ("templates/note.liquid:1",)


def test_the_program_says_it_in_lines(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    rebuild(ground)
    ground.write("posts/new.md", post("Newer", 2))
    rebuild(ground)

    assert run(["why", OLD, str(ground.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == OLD
    assert "  is        single: posts/old.md, by template single-post" in lines
    because = "title of posts/new.md (en) changed; read by templates/partials/neighbours.liquid:5"
    assert f"  because   {because}" in lines
    assert "      title, path of posts/new.md (en); at templates/partials/neighbours.liquid:5" in lines


def test_posts_of_which_the_same_was_asked_stand_together(ground: Ground) -> None:
    ground.write("templates/note.liquid", b"{% for p in site.posts %}{{ p.slug }}{% endfor %}")
    ground.write("posts/x.md", post("X", 3, templateSlug="note"))
    rebuild(ground)
    shown = text(ground, "/2024/01/03/x/")
    assert (
        "slug of 2 posts; at templates/note.liquid:1\n        posts/new.md (en)\n        posts/old.md (en)\n" in shown
    )


def test_the_program_says_it_in_json(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    rebuild(ground)
    assert run(["why", "--json", OLD, str(ground.root)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["page"], found["reason"], found["state"]) == (OLD, "first build", "made")
    read = next(read for read in found["reads"] if read["entity"] == ["post", "posts/new.md", "en"])
    assert (read["aspects"], read["group"]) == (["title", "path"], "posts")


def test_the_program_refuses_kindly(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    rebuild(ground)
    assert run(["why", "/2024/01/01/odl/", str(ground.root)]) == 2
    assert capsys.readouterr().err.startswith(
        "blogd: /2024/01/01/odl/: blogd makes no such page\nhint: near ones are /"
    )


def test_names_cannot_drive_a_terminal(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    ground.write("posts/x.md", post("X", 3, tags='["\\e[31mred"]'))
    rebuild(ground)
    run(["why", "/2024/01/03/x/", str(ground.root)])
    assert "\x1b" not in capsys.readouterr().out
