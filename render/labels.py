"""The words that templates say by themselves, in five languages.

A *key* is dotted (`render.pagination.newer`); a *label* is its text: plain text, to be escaped where it is shown.
Some are patterns with `{day}`, `{month}`, `{year}` or `{count}`, which templates fill with `replace`.

The table has a row per key and a column per language, so that a missing translation can't be written down.
Languages name themselves: `render.language.fr` is "Français" in every column.
"""


# ruff: noqa: RUF001 - apostrophes as these languages set them

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("en", "de", "fr", "it", "es")

_TEXTS: Final = {
    "render.archive": ("Archive", "Archiv", "Archives", "Archivio", "Archivo"),
    "render.backlinks.label": ("Linked from", "Verlinkt von", "Cité dans", "Citato in", "Enlazado desde"),
    "render.date.day": (
        "{day} {month} {year}",
        "{day}. {month} {year}",
        "{day} {month} {year}",
        "{day} {month} {year}",
        "{day} de {month} de {year}",
    ),
    "render.date.first": ("1", "1", "1er", "1º", "1"),
    "render.date.month": (
        "{month} {year}",
        "{month} {year}",
        "{month} {year}",
        "{month} {year}",
        "{month} de {year}",
    ),
    "render.feeds.ariaLabel": ("Feeds", "Feeds", "Flux", "Feed", "Canales"),
    "render.footnotes.label": ("Footnotes", "Fußnoten", "Notes", "Note", "Notas"),
    "render.home": ("Home", "Startseite", "Accueil", "Home", "Inicio"),
    "render.languageSwitcher.ariaLabel": ("Languages", "Sprachen", "Langues", "Lingue", "Idiomas"),
    "render.menu.ariaLabel": (
        "Main menu",
        "Hauptmenü",
        "Menu principal",
        "Menu principale",
        "Menú principal",
    ),
    "render.neighbours.ariaLabel": (
        "Previous and next post",
        "Vorheriger und nächster Beitrag",
        "Billets précédent et suivant",
        "Articolo precedente e successivo",
        "Entradas anterior y siguiente",
    ),
    "render.neighbours.next": (
        "Next post",
        "Nächster Beitrag",
        "Billet suivant",
        "Articolo successivo",
        "Entrada siguiente",
    ),
    "render.neighbours.previous": (
        "Previous post",
        "Vorheriger Beitrag",
        "Billet précédent",
        "Articolo precedente",
        "Entrada anterior",
    ),
    "render.notFound.home": (
        "Go to the home page",
        "Zur Startseite",
        "Aller à l’accueil",
        "Vai alla home page",
        "Ir a la página de inicio",
    ),
    "render.notFound.message": (
        "There is nothing at this address. It may have moved, or it may never have been here.",
        "Unter dieser Adresse gibt es nichts. Vielleicht ist die Seite umgezogen, vielleicht war sie nie da.",
        "Il n’y a rien à cette adresse. La page a peut-être déménagé, ou n’a jamais existé.",
        "A questo indirizzo non c’è nulla. Forse la pagina è stata spostata, forse non è mai esistita.",
        "No hay nada en esta dirección. Quizá la página se haya mudado, o quizá nunca haya existido.",
    ),
    "render.notFound.title": (
        "Page not found",
        "Seite nicht gefunden",
        "Page introuvable",
        "Pagina non trovata",
        "Página no encontrada",
    ),
    "render.pagination.ariaLabel": ("Pages", "Seiten", "Pages", "Pagine", "Páginas"),
    "render.pagination.newer": (
        "Newer posts",
        "Neuere Beiträge",
        "Billets plus récents",
        "Articoli più recenti",
        "Entradas más recientes",
    ),
    "render.pagination.older": (
        "Older posts",
        "Ältere Beiträge",
        "Billets plus anciens",
        "Articoli meno recenti",
        "Entradas anteriores",
    ),
    "render.permalink": ("Permalink", "Permalink", "Permalien", "Permalink", "Enlace permanente"),
    "render.posts.one": ("1 post", "1 Beitrag", "1 billet", "1 articolo", "1 entrada"),
    "render.posts.other": (
        "{count} posts",
        "{count} Beiträge",
        "{count} billets",
        "{count} articoli",
        "{count} entradas",
    ),
    "render.readMore": ("Read on", "Weiterlesen", "Lire la suite", "Continua a leggere", "Seguir leyendo"),
    "render.search.broken": (
        "The search index can’t be loaded. Please try again later.",
        "Das Suchverzeichnis lässt sich nicht laden. Bitte versuche es später noch einmal.",
        "L’index de recherche ne peut pas être chargé. Veuillez réessayer plus tard.",
        "L’indice di ricerca non può essere caricato. Riprova più tardi.",
        "No se puede cargar el índice de búsqueda. Inténtalo más tarde.",
    ),
    "render.search.browse": (
        "Or look around:",
        "Oder sieh dich um:",
        "Ou promenez-vous :",
        "Oppure dai un’occhiata in giro:",
        "O echa un vistazo:",
    ),
    "render.search.label": ("Search", "Suche", "Recherche", "Ricerca", "Búsqueda"),
    "render.search.noScript": (
        "Searching needs JavaScript. Without it, tags and categories lead to every post.",
        "Die Suche braucht JavaScript. Ohne führen Schlagwörter und Kategorien zu allen Beiträgen.",
        "La recherche a besoin de JavaScript. Sans lui, les étiquettes et les catégories mènent à tous les billets.",
        "La ricerca ha bisogno di JavaScript. Senza, etichette e categorie portano a tutti gli articoli.",
        "La búsqueda necesita JavaScript. Sin él, las etiquetas y las categorías llevan a todas las entradas.",
    ),
    "render.search.none": (
        "Nothing found.",
        "Nichts gefunden.",
        "Aucun résultat.",
        "Nessun risultato.",
        "No se ha encontrado nada.",
    ),
    "render.search.some": (
        "Found: {count}",
        "Gefunden: {count}",
        "Résultats : {count}",
        "Risultati: {count}",
        "Resultados: {count}",
    ),
    "render.skipToContent": (
        "Skip to content",
        "Zum Inhalt springen",
        "Aller au contenu",
        "Vai al contenuto",
        "Saltar al contenido",
    ),
    "render.tagCloud.ariaLabel": (
        "Tag cloud",
        "Schlagwortwolke",
        "Nuage de mots-clés",
        "Nuvola di tag",
        "Nube de etiquetas",
    ),
    "render.taxonomy.ariaLabel": (
        "Categories and tags",
        "Kategorien und Schlagwörter",
        "Catégories et mots-clés",
        "Categorie e tag",
        "Categorías y etiquetas",
    ),
    "render.taxonomy.category": ("Category", "Kategorie", "Catégorie", "Categoria", "Categoría"),
    "render.taxonomy.tag": ("Tag", "Schlagwort", "Mot-clé", "Tag", "Etiqueta"),
    "render.updated": ("Updated", "Aktualisiert", "Mis à jour", "Aggiornato", "Actualizado"),
    "render.video.title": ("Video", "Video", "Vidéo", "Video", "Vídeo"),
}

_MONTHS: Final = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}

_OWN_NAMES: Final = {
    "ar": "العربية",
    "bg": "Български",
    "ca": "Català",
    "cs": "Čeština",
    "da": "Dansk",
    "de": "Deutsch",
    "el": "Ελληνικά",
    "en": "English",
    "eo": "Esperanto",
    "es": "Español",
    "et": "Eesti",
    "eu": "Euskara",
    "fa": "فارسی",
    "fi": "Suomi",
    "fr": "Français",
    "ga": "Gaeilge",
    "gl": "Galego",
    "he": "עברית",
    "hi": "हिन्दी",
    "hr": "Hrvatski",
    "hu": "Magyar",
    "id": "Bahasa Indonesia",
    "is": "Íslenska",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "lt": "Lietuvių",
    "lv": "Latviešu",
    "nb": "Norsk bokmål",
    "nl": "Nederlands",
    "nn": "Norsk nynorsk",
    "no": "Norsk",
    "pl": "Polski",
    "pt": "Português",
    "pt-br": "Português (Brasil)",
    "ro": "Română",
    "ru": "Русский",
    "sk": "Slovenčina",
    "sl": "Slovenščina",
    "sr": "Српски",
    "sv": "Svenska",
    "th": "ไทย",
    "tr": "Türkçe",
    "uk": "Українська",
    "vi": "Tiếng Việt",
    "zh": "中文",
    "zh-cn": "简体中文",
    "zh-tw": "繁體中文",
}


def label(key: str, language: str) -> str:
    """Give a key's text in a language.

    `de-AT` falls to `de`, a language without a column to English; an unknown key is its own text.
    """
    texts = _BY_LANGUAGE.get(language) or _BY_LANGUAGE.get(_primary(language), _ENGLISH)
    return texts.get(key, key)


def long_date(language: str, year: int, month: int, day: int | None = None) -> str:
    """Write a date, or without a day a month, as a language does: "5. März 2024", "marzo de 2024"."""
    name = label(f"render.month.{month}", language)
    pattern = label("render.date.day" if day else "render.date.month", language)
    ordinal = label("render.date.first", language) if day == 1 else f"{day}"
    return pattern.format(day=ordinal, month=name, year=year)


def _primary(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]


def _column(index: int, language: str) -> dict[str, str]:
    texts = {key: row[index] for key, row in _TEXTS.items()}
    texts |= {f"render.month.{n}": name for n, name in enumerate(_MONTHS[language].split(), 1)}
    return texts | {f"render.language.{code}": name for code, name in _OWN_NAMES.items()}


_BY_LANGUAGE: Final = {language: _column(index, language) for index, language in enumerate(LANGUAGES)}
_ENGLISH: Final = _BY_LANGUAGE["en"]
