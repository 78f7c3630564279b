"""What the glossary has read, said in another language: simple phrases in that language's order, and nothing else."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from catalog.translation.reading import COMPOUNDING, SHADES, Common, Piece, common_forms
from catalog.vocabulary.tokens import fold
from catalog.vocabulary.words import Thing, color_forms, quality_forms, read_rows, thing_forms

# Languages in which what describes a thing stands behind it.
ROMANCE = frozenset(("fr", "es", "it", "pt"))
# What qualities begin with that stand behind a thing as they are.
BEHIND = re.compile(
    "(?:aus|für|mit|en|de|di|da|in|a|à|d'|pour|para|per|em|às|con|com|sans|sin|senza|sem"
    "|van|voor|met|z|ze|w|dla|na|bez) ?"
)
# What goes before a thing in French all the same.
BEFORE_IN_FRENCH = frozenset(("small", "large", "new"))
# Endings of German adjectives without an article, by gender, p being the plural.
GERMAN = {"m": "er", "f": "e", "n": "es", "p": "e"}
# What the endings of these languages do not tell of a thing's gender: m and f, with p the plural.
EXCEPTIONS = {
    "es": {"paraguas": "m", "pijama": "m"},
    "pt": {"ténis": "m", "pijama": "m"},
    "it": {
        "maglione": "m", "bracciale": "m", "stivale": "m", "guanciale": "m", "portatile": "m", "impermeabile": "m",
        "scarpe": "fp", "cuffie": "fp", "pigiama": "m", "parka": "m", "jeans": "mp", "leggings": "mp",
    },
}  # fmt: skip
ORDER = ("audience", "adjective", "shade", "color", "style", "pattern", "material", "noun")


def compose(pieces: Sequence[Piece], language: str, *, keep_unknown: bool = False) -> str | None:
    """Return what was read in another language, or None where that would be no good language.

    It is none when something said has no word there, or must agree with a thing whose gender is not known; when two
    things stand side by side, or words are joined in a way that bends them; and, unless they are kept, when words are
    unknown. Names with digits stay as they are.
    """
    if language != "en" and not _can_be_joined(pieces, language):
        return None
    said: list[str] = []
    for segment in _segments(pieces):
        if isinstance(segment, Common):
            words = common_forms()[segment][language]
            said += words[:1]
            continue
        phrase = _phrase(segment, language, keep_unknown=keep_unknown)
        if phrase is None:
            return None
        said.append(phrase)
    return " ".join(part for part in said if part) or None


def _can_be_joined(pieces: Sequence[Piece], language: str) -> bool:
    """Tell whether joined descriptions stay as they are: each of a thing of its own, and none in another case."""
    segments = list(_segments(pieces))
    if len(segments) < 2:
        return True
    named = [
        [piece.meaning for piece in segment if piece.is_thing] for segment in segments if isinstance(segment, list)
    ]
    joins = [segment.english for segment in segments if isinstance(segment, Common)]
    bends = language in ("de", "pl") and any(word not in ("and", "or") for word in joins)
    return not bends and all(named) and len({tuple(things) for things in named}) == len(named)


def _segments(pieces: Sequence[Piece]) -> Iterator[list[Piece] | Common]:
    """Yield runs of pieces that describe one thing, and the words that join them; other small words are dropped."""
    run: list[Piece] = []
    for piece in pieces:
        if isinstance(piece.meaning, Common) and piece.meaning.kind == "joins":
            if run:
                yield run
            yield piece.meaning
            run = []
        elif not piece.is_small:
            run.append(piece)
    if run:
        yield run


def _phrase(pieces: list[Piece], language: str, *, keep_unknown: bool) -> str | None:
    kept = [piece.text for piece in pieces if piece.meaning is None]
    if not keep_unknown and any(not _is_name(word) for word in kept):
        return None
    heads = [piece for piece in pieces if piece.is_thing]
    described = [piece.meaning for piece in pieces if not piece.is_thing]
    meanings = _ordered([*described, *(modifier for piece in pieces for modifier in piece.modifiers)])
    if language == "en":
        return _join([*map(_english, meanings), *map(_english_thing, heads), *kept])
    if len(heads) > 1 or (not heads and len(meanings) > 1):
        return None
    if heads and any(_kind(meaning) == "noun" for meaning in meanings):
        return None
    phrase = _described(heads[0] if heads else None, meanings, language)
    return None if phrase is None else _join([phrase, *kept])


def _described(head: Piece | None, meanings: list[Thing | str | Common], language: str) -> str | None:
    """Return a thing with what describes it, agreeing with it; without a thing, the one word as it is listed."""
    if head is None:
        return next((forms[0].rstrip("?") for meaning in meanings if (forms := _forms(meaning, language))), None)
    assert isinstance(head.meaning, Thing)
    noun, gender = _noun(head.meaning, language, is_plural=head.is_plural)
    if not noun:
        return None
    before: list[str] = []
    behind: list[str] = []
    shade = next((meaning for meaning in meanings if _kind(meaning) == "shade"), None)
    for meaning in meanings:
        if meaning is shade:
            continue
        compound = _compounded(meaning, noun, head.meaning, language)
        if compound:
            noun = compound
            continue
        is_shaded = isinstance(meaning, str) and shade is not None
        word = _shaded(meaning, shade, language, gender) if is_shaded else _say(meaning, language, gender)
        if not word:
            return None
        if word not in noun:
            (behind if _is_behind(meaning, word, language) else before).append(word)
    if language in ROMANCE:
        behind.sort(key=_stands_behind)
    return _join([*before, noun, *behind])


def _shaded(color: Thing | str | Common, shade: Thing | str | Common | None, language: str, gender: str) -> str:
    """Return a light or dark colour: one word in some languages, and two that do not agree in the Romance ones."""
    assert isinstance(shade, Common)
    if language in ROMANCE:
        said, light_or_dark = _forms(color, language)[0], _forms(shade, language)[0]
        return said if light_or_dark in said else f"{said} {light_or_dark}"
    said = _say(color, language, gender)
    return said and SHADES[language][shade.english == "dark"] + said


def _say(meaning: Thing | str | Common, language: str, gender: str) -> str:
    """Return a word that describes a thing of this gender, or nothing where there is none that agrees."""
    forms = [form.rstrip("?") for form in _forms(meaning, language)]
    is_looked_for = _kind(meaning) in ("material", "pattern", "audience")
    ready = next((form for form in (forms if is_looked_for else forms[:1]) if _stands_behind(form)), "")
    if ready or not forms or _kind(meaning) in ("material", "audience"):
        return ready
    return _agreeing(forms, language, gender)


def _agreeing(forms: list[str], language: str, gender: str) -> str:
    base = forms[0]
    if not any(form[:2] == base[:2] and form != base and " " not in form for form in forms[1:4]):
        return base
    if not gender:
        return ""
    if language == "de":
        is_declined = base + "er" in forms or (base + "e" in forms and base.endswith(("lich", "isch", "t")))
        return base + GERMAN[gender] if is_declined else base
    listed = next((form for form in _inflected(base, language, gender) if form in forms), "")
    # What is the same for both genders is listed once; a plural that is not listed is not known.
    is_common = not gender.endswith("p") and not (language in ("es", "it", "pt") and base.endswith("o"))
    return listed or (base if is_common else "")


def _inflected(base: str, language: str, gender: str) -> Iterable[str]:
    """Return the forms that an adjective may have with a thing of this gender; the one that is listed is right."""
    is_plural, is_feminine = gender.endswith("p"), gender.startswith("f")
    match language:
        case "nl":
            return [] if gender == "n" else [base + "e", *_dutch_stems(base)]
        case "fr":
            feminine = (
                [base + "e", base + "he", base[:-1] + "ve", base + base[-1] + "e", base] if is_feminine else [base]
            )
            return [form + "s" for form in feminine] if is_plural else feminine
        case "it":
            ending = {"m": "o", "f": "a", "mp": "i", "fp": "e", "p": "i"}[gender]
            return [base[:-1] + ending, base[:-1] + "he", base[:-1] + "i"] if is_plural else [base[:-1] + ending]
        case "pl":
            stem = base[:-1]
            return {"m": [base], "f": [stem + "a", base + "a"]}.get(gender, [stem + "e", stem + "ie", base + "e"])
        case _:
            stem = base[:-1] + "a" if is_feminine and base.endswith("o") else base
            return [stem + "s", stem + "es", base[:-1] + "is"] if is_plural else [stem, base + "a"]


def _dutch_stems(base: str) -> list[str]:
    """Return what a Dutch adjective may be before a vowel: rood, rode; wit, witte; grijs, grijze."""
    voiced = base[:-1] + {"s": "z", "f": "v"}.get(base[-1], base[-1])
    opened = voiced[:-2] + voiced[-1] if len(base) > 3 and base[-2] == base[-3] else voiced
    return [opened + "e", base + base[-1] + "e"]


def _noun(thing: Thing, language: str, *, is_plural: bool) -> tuple[str, str]:
    """Return what a thing is called, and its gender: m, f, n, p or, of a plural, mp and fp; nothing if not known."""
    forms = thing_forms()[thing][language]
    if not forms:
        return "", ""
    plural = next((form for form in forms[1:4] if _is_plural_of(form, forms[0], language)), "") if is_plural else ""
    noun = plural or forms[0]
    return noun, _gender(thing, noun, language, is_plural=bool(plural))


def _gender(thing: Thing, noun: str, language: str, *, is_plural: bool) -> str:
    if language in ("es", "it", "pt"):
        return _gender_by_ending(noun.split()[0].lower(), language)
    gender = _genders().get(thing.name, {}).get(language, "")
    if not gender or gender.endswith("p") or not is_plural:
        return gender
    return gender + "p" if language == "fr" else "p"


def _gender_by_ending(word: str, language: str) -> str:
    if word in EXCEPTIONS[language]:
        return EXCEPTIONS[language][word]
    if language == "it":
        return {"a": "f", "i": "mp", "e": "fp"}.get(word[-1], "m")
    if word.endswith(("as", "ãs")):
        return "fp"
    if word.endswith("s"):
        return "mp"
    return "f" if word.endswith(("a", "ción", "ção", "dad", "dade")) else "m"


def _is_plural_of(form: str, singular: str, language: str) -> bool:
    first, root = form.split()[0], singular.split()[0]
    if len(form.split()) != len(singular.split()) or fold(first)[:2] != fold(root)[:2]:
        return False
    if language == "it":
        return first[-1] in "ie" and first != root
    if language in ROMANCE:
        return first.endswith(("s", "x")) and not root.endswith("s")
    return first != root and not (language == "de" and first == root + "n" and root.endswith("el"))


@cache
def _genders() -> dict[str, dict[str, str]]:
    return {row.pop("thing"): row for row in read_rows("genders.csv")}


def _compounded(meaning: Thing | str | Common, noun: str, thing: Thing, language: str) -> str:
    """Return a quality and a thing as one word, where that is a word that is listed: Sommerkleid."""
    if language not in COMPOUNDING or not isinstance(meaning, Thing):
        return ""
    listed = {fold(form): form for form in thing_forms()[thing][language]}
    joined = (fold(form + noun) for form in quality_forms()[meaning][language] if " " not in form)
    return next((listed[word] for word in joined if word in listed), "")


def _is_behind(meaning: Thing | str | Common, word: str, language: str) -> bool:
    if language == "fr" and isinstance(meaning, Common) and meaning.english in BEFORE_IN_FRENCH:
        return False
    return language in ROMANCE or _stands_behind(word)


def _stands_behind(word: str) -> bool:
    return BEHIND.match(word) is not None and (" " in word or "'" in word)


def _forms(meaning: Thing | str | Common, language: str) -> list[str]:
    if isinstance(meaning, str):
        return color_forms()[meaning][language]
    return (quality_forms()[meaning] if isinstance(meaning, Thing) else common_forms()[meaning])[language]


def _ordered(meanings: Iterable[Thing | str | Common | None]) -> list[Thing | str | Common]:
    """Return what describes a thing, each once, in the order of English."""
    once = dict.fromkeys(meaning for meaning in meanings if meaning is not None)
    return sorted(once, key=lambda meaning: ORDER.index(_kind(meaning)))


def _kind(meaning: Thing | str | Common) -> str:
    if isinstance(meaning, str):
        return "color"
    return meaning.quality if isinstance(meaning, Thing) else meaning.kind


def _english(meaning: Thing | str | Common) -> str:
    if isinstance(meaning, Thing):
        return quality_forms()[meaning]["en"][0] if meaning.quality != "audience" else f"{meaning.name}'s"
    return meaning if isinstance(meaning, str) else meaning.english


def _english_thing(piece: Piece) -> str:
    assert isinstance(piece.meaning, Thing)
    return thing_forms()[piece.meaning]["en"][0]


def _is_name(word: str) -> bool:
    return any(character.isdigit() for character in word)


def _join(words: Iterable[str]) -> str:
    return " ".join(word for word in words if word)
