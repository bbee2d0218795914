"""The law: after any edits, the output is that of a clean build.

Sites and edits are drawn from a seeded generator with few words, so that slugs, ids, tags and links meet often. Each
step makes some edits, takes them in as a watch, a rescan or a new run would, and compares the output tree and the
findings with those of a build from nothing. `BLOGD_EDIT_SEEDS` asks for more seeds than a test run has time for.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.support import Builder, Ground, Outcome, build, builder

if TYPE_CHECKING:
    from pathlib import Path

SEEDS: Final = int(os.environ.get("BLOGD_EDIT_SEEDS", "60"))
STEPS: Final = 12
WORDS: Final = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "fancy": (
        "F {{ post.title }} {{ post.content | markdown }} {{ post.path }}",
        "F {% render 'partials/bit', p: post %}{{ tag_color_by_name.alpha }}",
        "F {% for p in site.posts limit: 3 %}{{ p.title }};{% endfor %}{% include post.slug %}",
    ),
    "partials/bit": ("bit {{ p.title }}", "bit {{ p.tags | join: ',' }} {{ p.created_at | date: '%Y' }}"),
    "mylist": (
        "{% for b in day_blocks %}{{ b.date_label }}{% for p in b.posts %}{{ p.title }}{% endfor %}{% endfor %}",
        "{{ canonical_post_path_by_slug.alpha }}{% for t in site.tags %}{{ t.name }}{{ t.count }}{% endfor %}",
    ),
    "partials/footer": (
        "{{ 'now' | date: '%Y' }} {{ site.posts.size }}",
        "{{ site.posts.first.title }} {{ site.posts[1].path }}",
    ),
    "single-post": (
        "{{ post.title }} {{ post.excerpt }} {{ previous_post.title }} {{ next_post.path }}{{ post.content|markdown }}",
        "{% for b in backlinks %}{{ b.title }}{% endfor %}{% for a in alternate_links %}{{ a.href }}{% endfor %}",
        "{{ post.content | truncate: 20 }} {{ post.author }} {{ post.language }} {{ post.updated_at | date: '%s' }}",
    ),
    **{word: (f"included {word}",) for word in WORDS},
    "macros/gallery": ("G{% for i in images %}{{ i.href }}{{ i.title }}{% endfor %}",),
}
MACRO: Final = 'def render(context, post):\n    return {"html": "%s" + str(context["params"]) + %s}\n'


class Writer:
    """Somebody who edits a site at random; every deed gives the paths that it touched."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self._ground = ground
        self._random = random.Random(seed)
        (ground.root / "posts").mkdir()
        self.project()
        for name, texts in TEMPLATES.items():
            ground.write(f"templates/{name}.liquid", texts[0].encode())
        for _ in range(8):
            self.new()

    def edit(self) -> list[str]:
        """Do one deed."""
        usual = [self.body] * 5 + [self.rewrite, self.retitle, self.touch] + [self.new] * 3 + [self.delete] * 2
        rare = [self.rename, self.translate, self.translate, self.media, self.sidecar, self.asset, self.tags]
        rare += [self.categories, self.menu, self.template, self.template, self.script]
        return self._random.choice(usual * 2 + rare * 2 + [self.project])()

    def _write(self, path: str, text: str) -> list[str]:
        return self._ground.write(path, text.encode())

    def _words(self, count: int) -> str:
        return " ".join(self._random.choices(WORDS, k=count))

    def _posts(self) -> list[str]:
        root = self._ground.root
        return sorted(str(path.relative_to(root)) for path in (root / "posts").rglob("*.md"))

    def _post(self) -> str:
        posts = self._posts()
        return self._random.choice(posts) if posts else self.new()[0]

    def _place(self) -> str:
        return f"posts/2024/0{self._random.randint(1, 3)}/{self._random.choice(WORDS)}.md"

    def _body(self) -> str:
        chance, word = self._random, self._random.choice(WORDS)
        date = f"2024/0{chance.randint(1, 3)}/0{chance.randint(1, 4)}"
        pieces = (
            f"See [x](/posts/{word}) and [y](/{date}/{word}).",
            f"![i](/media/2024/01/{chance.choice(WORDS[:3])}.png)",
            "[[gallery]]",
            "[[tag_cloud]]",
            "[[photo_archive]]",
            f"[[hello name={word}]]",
            f"[f](../0{chance.randint(1, 3)}/{word}.md)",
            self._words(4),
        )
        return "\n\n".join(chance.choices(pieces, k=chance.randint(1, 3)))

    def _matter(self, slug: str) -> str:
        chance = self._random
        hour = chance.choice(("10:00", "23:30"))
        lines = [
            f"title: {self._words(2)}",
            f"slug: {slug}",
            f"createdAt: 2024-0{chance.randint(1, 3)}-0{chance.randint(1, 4)}T{hour}:00Z",
        ]
        sometimes = (
            (0.3, f"excerpt: {self._words(3)}"),
            (0.5, f"tags: [{', '.join(chance.sample(WORDS[:4], chance.randint(1, 2)))}]"),
            (0.5, f"categories: [{chance.choice(('article', 'aside', 'page', 'note'))}]"),
            (0.15, "status: draft"),
            (0.15, "doNotTranslate: true"),
            (0.2, "language: de"),
            (0.2, f"id: {chance.choice(WORDS)}"),
            (0.1, f"layout: {chance.choice(('fancy', 'single-post'))}"),
            (0.1, f"updatedAt: 2024-05-0{chance.randint(1, 9)}"),
            (0.05, "title: a: b"),
        )
        lines += [line for likely, line in sometimes if chance.random() < likely]
        return "".join(f"{line}\n" for line in lines)

    def new(self) -> list[str]:
        path = self._place()
        slug = self._random.choice((path.rpartition("/")[2][:-3], self._random.choice(WORDS)))
        return self._write(path, f"---\n{self._matter(slug)}---\n{self._body()}\n")

    def rewrite(self) -> list[str]:
        return self._write(self._post(), f"---\n{self._matter(self._random.choice(WORDS))}---\n{self._body()}\n")

    def body(self) -> list[str]:
        path = self._post()
        parts = self._ground.read(path).decode().split("---\n", 2)
        return self._write(path, "---\n".join([*parts[:2], f"{self._body()}\n"]))

    def retitle(self) -> list[str]:
        path = self._post()
        return self._write(path, self._ground.read(path).decode().replace("title: ", "title: X", 1))

    def touch(self) -> list[str]:
        return self._ground.touch(self._post())

    def delete(self) -> list[str]:
        root = self._ground.root
        files = sorted(str(path.relative_to(root)) for path in root.rglob("[!.]*") if path.is_file())
        files = [path for path in files if not path.startswith(".")]
        kept = {f"templates/{name}.liquid" for name in TEMPLATES}  # a page that fails keeps its last good version
        return self._ground.delete(self._random.choice([path for path in files if path not in kept] or [self._post()]))

    def rename(self) -> list[str]:
        path, to = self._post(), self._place()
        return self._ground.rename(path, to) if path != to else self._ground.touch(path)

    def translate(self) -> list[str]:
        path, language = self._post(), self._random.choice(("de", "fr", "en", "it"))
        named = [line[4:] for line in self._ground.read(path).decode().split("\n") if line.startswith("id: ")]
        identity = named[0] if named else path[6:-3]
        link = self._random.choice((f"translationFor: {identity}", "createdAt: 2024-01-01"))
        extra = self._random.choice(("", f"excerpt: {self._words(2)}\n", "status: draft\n"))
        matter = f"{link}\ntitle: {language} {self._words(1)}\nlanguage: {language}\n{extra}"
        return self._write(f"{path[:-3]}.{language}.md", f"---\n{matter}---\n{self._body()}\n")

    def media(self) -> list[str]:
        return self._write(f"media/2024/01/{self._random.choice(WORDS[:3])}.png", self._words(1))

    def sidecar(self) -> list[str]:
        linked = self._random.choice([path[6:-3] for path in self._posts()] + list(WORDS))
        fields = {"originalName": f"{self._random.choice(WORDS[:3])}.png", "title": self._words(1)}
        lines = "".join(f'{name}: "{value}"\n' for name, value in fields.items())
        text = f'---\nmimeType: "image/png"\n{lines}linkedPostIds: ["{linked}"]\n---\n'
        return self._write(f"media/2024/01/{self._random.choice(WORDS[:3])}.png.meta", text)

    def asset(self) -> list[str]:
        name = self._random.choice(("a.txt", "index.html", "blogd.css"))
        return self._write(f"assets/{name}", self._words(2))

    def tags(self) -> list[str]:
        colors, slugs = ("#f00", "#0f0", ""), (None, None, "fancy")
        tags = [
            {"name": name, "color": self._random.choice(colors), "postTemplateSlug": self._random.choice(slugs)}
            for name in self._random.sample(WORDS[:4], 2)
        ]
        return self._write("meta/tags.json", json.dumps(tags))

    def categories(self) -> list[str]:
        chance = self._random
        categories = {
            name: {
                "renderInLists": chance.random() < 0.7,
                "showTitle": chance.random() < 0.7,
                "title": self._words(1),
                "listTemplateSlug": chance.choice((None, "alpha")),
            }
            for name in ("article", "note")
        }
        return self._write("meta/category-meta.json", json.dumps(categories))

    def menu(self) -> list[str]:
        item = f'<outline text="{self._words(1)}" type="page" pageSlug="{self._random.choice(WORDS)}"/>'
        return self._write("meta/menu.opml", f'<opml version="2.0"><body>{item}</body></opml>')

    def template(self) -> list[str]:
        name = self._random.choice(sorted(TEMPLATES))
        return self._write(f"templates/{name}.liquid", self._random.choice(TEMPLATES[name]))

    def script(self) -> list[str]:
        read = self._random.choice(('post["title"]', 'context["env"]["languagePrefix"]', '""'))
        return self._write("scripts/hello.py", MACRO % (self._words(1), read))

    def project(self) -> list[str]:
        chance = self._random
        project = {
            "name": self._words(1),
            "description": chance.choice(("", "Words")),
            "publicUrl": chance.choice(("https://x.example", "https://x.example/blog")),
            "blogLanguages": ["en", *chance.sample(("de", "fr"), chance.choice((1, 1, 2)))],
            "maxPostsPerPage": chance.choice((2, 2, 3)),
            "timezone": chance.choice(("UTC", "Europe/Berlin")),
        }
        return self._write("meta/project.json", json.dumps(project))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_after_any_edits_the_output_is_that_of_a_clean_build(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    ground = Ground(tmp_path / "site")
    writer, chance = Writer(ground, seed), random.Random(seed)
    with ExitStack() as stack:
        opened = _open(stack, tmp_path)
        opened.build()
        for step in range(STEPS):
            touched = [path for _ in range(chance.choice((1, 1, 1, 2, 4))) for path in writer.edit()]
            way = chance.choice(("look", "scan", "restart"))
            if way == "restart":
                stack.pop_all().close()
                opened = _open(stack, tmp_path)
            result = opened.build(touched if way == "look" else None)
            _compare(result, _clean(tmp_path), f"seed {seed}, step {step}, {way}: {touched}")


def _open(stack: ExitStack, folder: Path) -> Builder:
    return stack.enter_context(builder(folder / "site", folder / "out"))


def _clean(folder: Path) -> Outcome:
    shutil.rmtree(folder / "clean", ignore_errors=True)
    for cache in (folder / "site/.blogd").glob("clean-*"):
        shutil.rmtree(cache)
    return build(folder / "site", folder / "clean")


def _compare(found: Outcome, clean: Outcome, where: str) -> None:
    paths = found.files.keys() | clean.files.keys()
    assert sorted(path for path in paths if found.files.get(path) != clean.files.get(path)) == [], where
    assert found.findings == clean.findings, where
