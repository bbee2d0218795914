"""The command line of `scripts/make-blog`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench_lib import blog
from bench_lib.posts import Spec


def main() -> None:
    """Write the blog that the command line asks for."""
    arguments = _parser().parse_args()
    folder: Path = arguments.folder
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder}: is there already, and not empty\nhint: name a new folder, or remove it first")
    spec = Spec(
        posts=arguments.posts,
        languages=tuple(arguments.languages.split(",")),
        seed=arguments.seed,
        per_page=arguments.per_page,
        highlight=arguments.highlight,
        macros=arguments.macros,
    )
    print(f"{folder}: {blog.write(spec, folder):,} files, {spec.posts:,} posts")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make-blog", description="Write a made-up blog, the same for the same options."
    )
    add = parser.add_argument
    add("posts", type=int, metavar="N", help="number of posts")
    add("folder", type=Path, metavar="DIR", help="a new or empty folder")
    add("--languages", default="en", metavar="en,de", help="the main language, then those of subtrees (default: en)")
    add("--seed", type=int, default=1, help="another seed, another blog (default: 1)")
    add("--per-page", type=int, default=10, metavar="N", help="posts on a list page (default: 10)")
    add("--highlight", action=argparse.BooleanOptionalAction, default=True, help="let code be highlighted")
    add("--macros", action="store_true", help="macros in a fifth of the posts, built-in ones and a Python one")
    return parser
