from __future__ import annotations

import re
from pathlib import Path

import pytest

from blogd.render import labels
from blogd.render.labels import LANGUAGES, label, long_date

BUNDLED = Path(labels.__file__).with_name("bundled")


def keys_in_templates() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in BUNDLED.rglob("*.liquid"))
    return {key for text in texts for key in re.findall(r"['\"](render\.[\w.]*\w)['\"]\s*\|\s*i18n", text)}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Older posts"),
        ("de", "Ältere Beiträge"),
        ("fr", "Billets plus anciens"),
        ("it", "Articoli meno recenti"),
        ("es", "Entradas anteriores"),
    ],
)
def test_speaks_five_languages(language: str, text: str) -> None:
    assert label("render.pagination.older", language) == text


@pytest.mark.parametrize("language", ["de-at", "de_AT", "DE", "De-Latn-CH"])
def test_a_regional_language_falls_to_its_own(language: str) -> None:
    assert label("render.month.3", language) == "März"


@pytest.mark.parametrize("language", ["", "pl", "zh-tw", "deutsch"])
def test_an_unknown_language_gets_english(language: str) -> None:
    assert label("render.month.3", language) == "March"


def test_an_unknown_key_is_its_own_text() -> None:
    assert label("render.no.such.key", "fr") == "render.no.such.key"


@pytest.mark.parametrize("language", LANGUAGES)
def test_months_are_twelve_different_ones(language: str) -> None:
    assert len({label(f"render.month.{month}", language) for month in range(1, 13)}) == 12
    assert label("render.month.13", language) == "render.month.13"


def test_languages_name_themselves_in_every_language() -> None:
    assert {label("render.language.fr", language) for language in LANGUAGES} == {"Français"}
    assert label("render.language.pt-br", "en") == "Português (Brasil)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_the_bundled_templates_has_a_text(language: str) -> None:
    keys = keys_in_templates()
    assert {"render.archive", "render.skipToContent", "render.pagination.older"} <= keys
    assert [key for key in sorted(keys) if label(key, language) == key] == []


@pytest.mark.parametrize("pattern", ["render.date.day", "render.date.month", "render.posts.other"])
def test_patterns_keep_their_places_in_every_language(pattern: str) -> None:
    places = {frozenset(re.findall(r"\{\w+\}", label(pattern, language))) for language in LANGUAGES}
    assert len(places) == 1
    assert places != {frozenset()}


@pytest.mark.parametrize(
    ("language", "day", "first", "month"),
    [
        ("en", "5 March 2024", "1 March 2024", "March 2024"),
        ("de", "5. März 2024", "1. März 2024", "März 2024"),
        ("fr", "5 mars 2024", "1er mars 2024", "mars 2024"),
        ("it", "5 marzo 2024", "1º marzo 2024", "marzo 2024"),
        ("es", "5 de marzo de 2024", "1 de marzo de 2024", "marzo de 2024"),
    ],
)
def test_dates_are_written_as_languages_do(language: str, day: str, first: str, month: str) -> None:
    assert long_date(language, 2024, 3, 5) == day
    assert long_date(language, 2024, 3, 1) == first
    assert long_date(language, 2024, 3) == month
