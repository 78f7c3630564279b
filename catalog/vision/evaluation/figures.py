"""The figures of an encoder on pictures that somebody labelled, from vectors that are already computed."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catalog.vision.evaluation.measures import (
    Rate,
    Vectors,
    neighbours_vote,
    others_vote,
    precision,
    recall,
    zero_shot,
)
from catalog.vision.evaluation.pictures import Seen

EncodeTexts = Callable[[Sequence[str]], Vectors]

PROMPTS = {"bare": "{}", "a photo of a": "a photo of a {}"}
VOTERS = (1, 10)
RECALLED = (1, 5, 10)

# A search's first row.
PRECISION_AT = 5

# A colour and a kind are asked for when so many pictures show both, each with this much of its product in the
# colour: fewer could not fill the first row, and with less nobody would say that the thing has that colour.
MIN_PICTURES = PRECISION_AT
MIN_COLOR_SHARE = 0.4

ENGLISH = "en"


@dataclass(frozen=True)
class Word:
    """Another word for a label; `listed` when an encoder may have been trained on it."""

    word: str
    label: str
    listed: bool


@dataclass(frozen=True)
class Phrase:
    """A label, or a colour and a label, in the words of a language (ISO 639-1)."""

    lang: str
    text: str
    label: str
    color: str = ""


@dataclass(frozen=True)
class Figure:
    """What is measured, the rate, what its `n` counts, and how much of the English figure that is."""

    name: str
    rate: Rate
    unit: str
    of_english: float | None = None


def measure(
    seen: Seen,
    encode_texts: EncodeTexts,
    *,
    classes: Sequence[str] = (),
    references: Seen | None = None,
    gallery: Seen | None = None,
    words: Sequence[Word] = (),
    phrases: Sequence[Phrase] = (),
) -> list[Figure]:
    """Return the figures that can be had from what is known about the pictures.

    - `classes`: the labels to tell apart; all that occur if empty. Other pictures count for names and products only.
    - `references`: labelled pictures for k-NN; without any, each picture is told by the others.
    - `gallery`: one or more pictures of each product.
    """
    classes = list(classes) or sorted(set(seen.labels) - {""})
    labelled = seen.where(lambda picture: picture.label in classes)
    figures: list[Figure] = []
    if len(classes) > 1 and labelled.pictures:
        known = references and references.where(lambda picture: picture.label in classes)
        figures += _zero_shot(labelled, encode_texts, classes)
        figures += _neighbours(labelled, known)
        figures += _colors_and_labels(labelled, encode_texts)
        figures += _words(labelled, encode_texts, words)
        figures += _languages(labelled, encode_texts, classes, phrases)
    if gallery:
        figures += _products(seen.where(lambda picture: picture.product), gallery)
    figures += _names(seen.where(lambda picture: picture.name), encode_texts)
    return figures


def _zero_shot(seen: Seen, encode_texts: EncodeTexts, classes: Sequence[str]) -> list[Figure]:
    figures = []
    for name, prompt in PROMPTS.items():
        texts = encode_texts([prompt.format(label) for label in classes])
        rate = zero_shot(seen.vectors, seen.labels, classes=classes, texts=texts)
        figures.append(Figure(f"zero-shot, {name}", rate, "pictures"))
    return figures


def _neighbours(seen: Seen, references: Seen | None) -> list[Figure]:
    figures = []
    for k in VOTERS:
        if references is None or not references.pictures:
            rate = others_vote(seen.vectors, seen.labels, k=k)
        else:
            rate = neighbours_vote(
                seen.vectors, seen.labels, references=references.vectors, reference_labels=references.labels, k=k
            )
        figures.append(Figure(f"{k}-NN", rate, "pictures"))
    return figures


def _colors_and_labels(seen: Seen, encode_texts: EncodeTexts) -> list[Figure]:
    """Return how much of the first row has the colour and the kind that were asked for, then each by itself."""
    pairs = _askable(seen)
    if not pairs:
        return []
    texts = encode_texts([f"{color} {label}" for color, label in pairs])
    colors, labels = [picture.color for picture in seen.pictures], seen.labels
    return [
        Figure(
            name,
            precision(texts, wanted, candidates=seen.vectors, keys=keys, k=PRECISION_AT),
            "queries",
        )
        for name, wanted, keys in (
            (f"colour and type P@{PRECISION_AT}", pairs, list(zip(colors, labels, strict=True))),
            ("of these the type", [label for _, label in pairs], labels),
            ("of these the colour", [color for color, _ in pairs], colors),
        )
    ]


def _askable(seen: Seen) -> list[tuple[str, str]]:
    """Return the colours and kinds that at least MIN_PICTURES show clearly."""
    clear = [
        (picture.color, picture.label)
        for picture in seen.pictures
        if picture.color and picture.color_share >= MIN_COLOR_SHARE
    ]
    return [pair for pair, count in sorted(Counter(clear).items()) if count >= MIN_PICTURES]


def _products(seen: Seen, gallery: Seen) -> list[Figure]:
    keys = [picture.product for picture in gallery.pictures]
    known = seen.where(lambda picture: picture.product in keys)
    if not known.pictures:
        return []
    wanted = [picture.product for picture in known.pictures]
    return [
        Figure(
            f"photo -> gallery R@{k}",
            recall(known.vectors, wanted, candidates=gallery.vectors, keys=keys, k=k),
            "pictures",
        )
        for k in RECALLED
    ]


def _names(seen: Seen, encode_texts: EncodeTexts) -> list[Figure]:
    if not seen.pictures:
        return []
    names = [picture.name for picture in seen.pictures]
    texts = encode_texts(names)
    return [
        Figure(f"name -> picture R@{k}", recall(texts, names, candidates=seen.vectors, keys=names, k=k), "names")
        for k in RECALLED
    ]


def _words(seen: Seen, encode_texts: EncodeTexts, words: Sequence[Word]) -> list[Figure]:
    counts = Counter(seen.labels)
    figures = []
    for name, listed in (("listed", True), ("unlisted", False)):
        asked = [word for word in words if word.listed == listed and counts[word.label] >= MIN_PICTURES]
        if asked:
            texts, wanted = encode_texts([word.word for word in asked]), [word.label for word in asked]
            rate = precision(texts, wanted, candidates=seen.vectors, keys=seen.labels, k=PRECISION_AT)
            figures.append(Figure(f"{name} words P@{PRECISION_AT}", rate, "queries"))
    return figures


def _languages(
    seen: Seen, encode_texts: EncodeTexts, classes: Sequence[str], phrases: Sequence[Phrase]
) -> list[Figure]:
    """Return each language's zero-shot accuracy and colour and type precision, and their shares of English's.

    A language that has no word for one of the classes is left out of the first.
    """
    labels = _by_language([phrase for phrase in phrases if not phrase.color and phrase.label in classes])
    told = {
        lang: zero_shot(
            seen.vectors,
            seen.labels,
            classes=[phrase.label for phrase in own],
            texts=encode_texts([phrase.text for phrase in own]),
        )
        for lang, own in labels.items()
        if {phrase.label for phrase in own} == set(classes)
    }
    askable = _askable(seen)
    pairs = _by_language([phrase for phrase in phrases if (phrase.color, phrase.label) in askable])
    found = {
        lang: precision(
            encode_texts([phrase.text for phrase in own]),
            [(phrase.color, phrase.label) for phrase in own],
            candidates=seen.vectors,
            keys=[(picture.color, picture.label) for picture in seen.pictures],
            k=PRECISION_AT,
        )
        for lang, own in pairs.items()
    }
    return [
        *_beside_english("zero-shot", told, "pictures"),
        *_beside_english(f"colour and type P@{PRECISION_AT}", found, "queries"),
    ]


def _by_language(phrases: Sequence[Phrase]) -> dict[str, list[Phrase]]:
    """Return the phrases of each language, English first."""
    langs = sorted({phrase.lang for phrase in phrases}, key=lambda lang: (lang != ENGLISH, lang))
    return {lang: [phrase for phrase in phrases if phrase.lang == lang] for lang in langs}


def _beside_english(name: str, rates: dict[str, Rate], unit: str) -> list[Figure]:
    english = rates.get(ENGLISH)
    return [
        Figure(f"{lang}: {name}", rate, unit, rate.value / english.value if english and english.value else None)
        for lang, rate in rates.items()
    ]
