"""`python -m bench.composition --data DIR`: how well several examples make one search, on photographs of clothes.

Searched are the validation and test pictures together, on which nothing was trained; what follows was chosen with
queries from the validation pictures (`--split validation`). Colours are measured, not labelled. A row's figure is the
mean over kinds and colours, so that frequent ones do not count for more.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.markdown import table
from catalog.demo.labels import picture_file
from catalog.demo.products import DEMO_PRODUCTS
from catalog.vision.composition import LOUDNESS, PICTURE_WEIGHT, Reference, blend_scores, diversify, move, penalise
from catalog.vision.decode import decode
from catalog.vision.encoder import Encoder, load_encoder
from catalog.vision.evaluation.colors import measure_color
from catalog.vision.evaluation.datasets import read_dataset
from catalog.vision.evaluation.figures import MIN_COLOR_SHARE, MIN_PICTURES
from catalog.vision.evaluation.pictures import Seen, see
from catalog.vision.logistic import Logistic
from catalog.vision.relevance import UNTOLD, Catalogue, Picture, Relevance, calibrate_image, calibrate_text
from catalog.vision.vocabulary import Vector, Vocabulary
from catalog.vision.zero_shot import encode_words

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "catalog/encoders/scout-2"

WEIGHTS = (0.3, 0.5, 0.6, 0.7)
PHRASES = ("like this but in {}", "in {}", "{}")
KIND_PHRASES = ("like this but a {}", "{}")
POOL = 200
# Queries of one kind and colour: more say nothing new.
QUERIES = 15
# Results of a negation, and of them the wanted ones that must exist for it to be fair.
WANTED = 10
STRENGTHS = (0.25, 0.5, 1.0)
DIVERSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)

# "Like this but in" and some colours as people say them in seven languages.
LANGUAGES = {
    "en": ("like this but in {}", "black grey brown blue"),
    "de": ("wie dies, aber in {}", "schwarz grau braun blau"),
    "fr": ("comme ça mais en {}", "noir gris marron bleu"),
    "es": ("como este pero en {}", "negro gris marrón azul"),
    "it": ("come questo ma in {}", "nero grigio marrone blu"),
    "pt": ("como este mas em {}", "preto cinzento castanho azul"),
    "nl": ("zoals dit maar in het {}", "zwart grijs bruin blauw"),
}


@dataclass(frozen=True)
class Shelf:
    """What is searched: unit vectors with the kind and the colour of each picture; and by what."""

    seen: Seen
    kinds: np.ndarray
    colors: np.ndarray
    encode: Callable[[str], Vector]
    vocabulary: Vocabulary
    relevance: Relevance

    def shows(self, *, kind: str | None = None, color: str | None = None) -> np.ndarray:
        """Return which pictures have a kind and a colour, None being any."""
        return (True if kind is None else self.kinds == kind) & (True if color is None else self.colors == color)

    def best(self, query: Vector, count: int, *, without: int | None = None) -> np.ndarray:
        similarities = self.seen.vectors @ query
        if without is not None:
            similarities[without] = -np.inf
        return np.argsort(-similarities, kind="stable")[:count]


def main() -> None:
    """Measure, and print the tables."""
    options = _parse_arguments()
    shelf = _fill(load_encoder(options.encoder, threads=1), options.data)
    queries = [row for row, picture in enumerate(shelf.seen.pictures) if picture.split == options.split]
    print(_fusion(shelf, queries, "another colour, same kind: P@5", PHRASES, _other_colors))
    print(_fusion(shelf, queries, "another kind, same colour: P@5", KIND_PHRASES, _other_kinds))
    print(_languages(shelf, queries))
    print(_negation(shelf, queries))
    print(_diversity(shelf))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.composition", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that has clothing/images.csv")
    parser.add_argument("--encoder", type=Path, default=BUNDLED, help="the folder of a bundle (default: %(default)s)")
    parser.add_argument("--split", choices=["validation", "test"], default="test", help="the pictures of the queries")
    return parser.parse_args()


def _fill(encoder: Encoder, data: Path) -> Shelf:
    dataset = read_dataset(ROOT / "training/evaluation/clothing.toml", data=data)
    pictures = [*dataset.of_split("validation"), *dataset.of_split("test")]
    seen = see(pictures, encoder, measure_color=measure_color, on_progress=lambda _: None)
    remembered: dict[str, Vector] = {}

    def encode(text: str) -> Vector:
        if text not in remembered:
            remembered[text] = encoder.encode_texts([text])[0]
        return remembered[text]

    return Shelf(
        seen=seen,
        kinds=np.array(seen.labels),
        colors=np.array([picture.color for picture in seen.pictures]),
        encode=encode,
        vocabulary=Vocabulary.from_heads(encode_words(encoder)),
        relevance=_demo_relevance(encoder),
    )


def _demo_relevance(encoder: Encoder) -> Relevance:
    categories = sorted({product.category for product in DEMO_PRODUCTS})
    catalogue = Catalogue(
        pictures=tuple(
            Picture(number, product.category, product.picture.kind) for number, product in enumerate(DEMO_PRODUCTS)
        ),
        picture_vectors=encoder.encode_images([decode(picture_file(one).read_bytes()) for one in DEMO_PRODUCTS]),
        meant=(*range(len(DEMO_PRODUCTS)), *categories),
        text_vectors=encoder.encode_texts([*(product.name for product in DEMO_PRODUCTS), *categories]),
    )
    return Relevance(text=calibrate_text(catalogue) or UNTOLD, image=calibrate_image(catalogue) or UNTOLD)


# --- Words that move a picture ---------------------------------------------------------------------------------------

Formula = Callable[[Vector, Vector, float], Vector]
# A query picture, what the words name, and which pictures are right.
Wish = tuple[int, str, np.ndarray]


def _formulas(shelf: Shelf) -> dict[str, Formula]:
    questions = shelf.vocabulary.questions
    neutral = np.concatenate([question.word_vectors for question in questions]).mean(axis=0)
    curves = [shelf.relevance.image.curve, shelf.relevance.text.curve]
    keeps_nothing = Vocabulary(tuple(replace(question, is_kept=False) for question in questions))
    return {
        "plain sum": lambda picture, text, w: w * picture + (1 - w) * text,
        "text less neutral texts": lambda picture, text, w: w * picture + (1 - w) * _unit(text - neutral),
        "blend of log-odds (hybrid)": lambda p, t, w: blend_scores(np.stack([p, t]), curves, [w, 1 - w])[0],
        "words three times louder": lambda picture, text, w: w * picture + (1 - w) * LOUDNESS * text,
        "louder, less the picture's own": lambda picture, text, w: move(picture, text, w, keeps_nothing),
        "move: and kind and colour kept": lambda picture, text, w: move(picture, text, w, shelf.vocabulary),
    }


def _fusion(
    shelf: Shelf,
    queries: Sequence[int],
    title: str,
    phrases: Sequence[str],
    wishes: Callable[[Shelf, Sequence[int]], Iterator[Wish]],
) -> str:
    wished = list(wishes(shelf, queries))
    rows = [
        [f"{phrase.format('…')}: {name}", *(_percent(_precision(shelf, wished, phrase, formula, w)) for w in WEIGHTS)]
        for phrase in phrases
        for name, formula in _formulas(shelf).items()
    ]
    return table([f"{title} of {len(wished)} queries, weight of the picture", *map(str, WEIGHTS)], rows) + "\n"


def _precision(shelf: Shelf, wishes: Sequence[Wish], phrase: str, formula: Formula, weight: float) -> float:
    shares: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row, named, right in wishes:
        moved = formula(shelf.seen.vectors[row], shelf.encode(phrase.format(named)), weight)
        key = (shelf.kinds[row], shelf.colors[row] if named in shelf.kinds else "", named)
        shares[key].append(right[shelf.best(moved, MIN_PICTURES, without=row)].mean())
    return float(np.mean([np.mean(of_key) for of_key in shares.values()]))


def _other_colors(shelf: Shelf, queries: Sequence[int]) -> Iterator[Wish]:
    """Yield the colours, other than its own, that enough pictures of a picture's kind have."""
    for row in _clear(shelf, queries):
        for kind, color in _frequent(shelf):
            if kind == shelf.kinds[row] and color != shelf.colors[row]:
                yield row, color, shelf.shows(kind=kind, color=color)


def _other_kinds(shelf: Shelf, queries: Sequence[int]) -> Iterator[Wish]:
    """Yield the kinds, other than its own, of which enough pictures have a picture's colour."""
    for row in _clear(shelf, queries):
        for kind, color in _frequent(shelf):
            if kind != shelf.kinds[row] and color == shelf.colors[row]:
                yield row, kind, shelf.shows(kind=kind, color=color)


def _frequent(shelf: Shelf) -> list[tuple[str, str]]:
    counts = Counter(zip(shelf.kinds.tolist(), shelf.colors.tolist(), strict=True))
    return sorted(pair for pair, count in counts.items() if count >= MIN_PICTURES)


def _clear(shelf: Shelf, queries: Sequence[int]) -> list[int]:
    """Return a few pictures of each kind and colour that nobody would call another colour."""
    taken: Counter[tuple[str, str]] = Counter()
    rows = []
    for row in queries:
        pair = (shelf.kinds[row], shelf.colors[row])
        if shelf.seen.pictures[row].color_share >= MIN_COLOR_SHARE and taken[pair] < QUERIES:
            taken[pair] += 1
            rows.append(row)
    return rows


def _languages(shelf: Shelf, queries: Sequence[int]) -> str:
    """Compare a sentence with what is left of it without "like this but", and with the colour alone."""
    formula = _formulas(shelf)["move: and kind and colour kept"]
    english = LANGUAGES["en"][1].split()
    wishes = [wish for wish in _other_colors(shelf, queries) if wish[1] in english]
    rows = []
    for phrase, colors in LANGUAGES.values():
        theirs = dict(zip(english, colors.split(), strict=True))
        named = [(row, theirs[color], right) for row, color, right in wishes]
        shorter = " ".join(phrase.split()[3:])
        figures = [_precision(shelf, named, words, formula, PICTURE_WEIGHT) for words in (phrase, shorter, "{}")]
        rows.append([phrase.format("…"), *map(_percent, figures)])
    head = [
        f"move at {PICTURE_WEIGHT} in other languages: P@5",
        "as said",
        "without the first three words",
        "colour alone",
    ]
    return table(head, rows) + "\n"


# --- What is not to be found -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """A search for what is like one example and unlike another; `said` is the same as one text or fusion."""

    like: Reference
    unlike: Reference
    right: np.ndarray
    said: Vector
    without: int | None = None


def _negation(shelf: Shelf, queries: Sequence[int]) -> str:
    columns = {
        "words, unlike a colour": list(_words_unlike_color(shelf)),
        "words, unlike a kind": list(_words_unlike_kind(shelf)),
        "picture, unlike its colour": list(_picture_unlike(shelf, queries, of_color=True)),
        "picture, unlike its kind": list(_picture_unlike(shelf, queries, of_color=False)),
        "words, unlike a picture": list(_words_unlike_picture(shelf, queries)),
    }
    orders: dict[str, Callable[[Shelf, Refusal], np.ndarray]] = {
        "said in words": lambda shelf, refusal: shelf.best(refusal.said, WANTED, without=refusal.without),
        "left out": lambda shelf, refusal: shelf.best(refusal.like.vector, WANTED, without=refusal.without),
        **{f"subtracted x {strength}": _subtracted(strength) for strength in STRENGTHS},
        "penalty: curve alone": _by_curve,
        "penalise, pool of 100": _penalised(100),
        f"penalise, pool of {POOL}": _penalised(POOL),
        f"penalise, pool by subtraction x 0.25 of {POOL}": _penalised(POOL, subtracted=0.25),
    }
    rows = [
        [
            name,
            *(
                _percent(float(np.mean([refusal.right[order(shelf, refusal)].mean() for refusal in refusals])))
                for refusals in columns.values()
            ),
        ]
        for name, order in orders.items()
    ]
    heads = [f"{name} (n={len(refusals)})" for name, refusals in columns.items()]
    return table([f"has what is wanted and lacks the rest: P@{WANTED}", *heads], rows) + "\n"


def _subtracted(strength: float) -> Callable[[Shelf, Refusal], np.ndarray]:
    def order(shelf: Shelf, refusal: Refusal) -> np.ndarray:
        query = refusal.like.vector - strength * refusal.unlike.vector
        return shelf.best(query, WANTED, without=refusal.without)

    return order


def _by_curve(shelf: Shelf, refusal: Refusal) -> np.ndarray:
    pool = shelf.best(refusal.like.vector, POOL, without=refusal.without)
    vectors = shelf.seen.vectors[pool]
    chances = _chances(shelf, refusal.like, vectors) * (1 - _chances(shelf, refusal.unlike, vectors))
    return pool[np.argsort(-chances, kind="stable")][:WANTED]


def _penalised(size: int, subtracted: float = 0) -> Callable[[Shelf, Refusal], np.ndarray]:
    def order(shelf: Shelf, refusal: Refusal) -> np.ndarray:
        query = refusal.like.vector - subtracted * refusal.unlike.vector
        pool = shelf.best(query, size, without=refusal.without)
        vectors = shelf.seen.vectors[pool]
        penalty = penalise(vectors, refusal.like, [refusal.unlike], shelf.vocabulary, shelf.relevance)
        chances = _chances(shelf, refusal.like, vectors) * (1 - penalty)
        return pool[np.argsort(-chances, kind="stable")][:WANTED]

    return order


def _chances(shelf: Shelf, reference: Reference, vectors: Vector) -> np.ndarray:
    curve: Logistic = shelf.relevance.of_mode(is_picture=reference.is_picture).curve
    return np.array([curve(cosine) for cosine in vectors @ reference.vector])


def _words_unlike_color(shelf: Shelf) -> Iterator[Refusal]:
    for kind, color in _frequent(shelf):
        right = shelf.shows(kind=kind) & ~shelf.shows(color=color)
        if right.sum() >= WANTED:
            said = shelf.encode(f"{kind} without {color}")
            yield Refusal(_words(shelf, kind), _words(shelf, color), right, said)


def _words_unlike_kind(shelf: Shelf) -> Iterator[Refusal]:
    for kind, color in _frequent(shelf):
        right = shelf.shows(color=color) & ~shelf.shows(kind=kind)
        if right.sum() >= WANTED:
            said = shelf.encode(f"{color} but not {kind}")
            yield Refusal(_words(shelf, color), _words(shelf, kind), right, said)


def _picture_unlike(shelf: Shelf, queries: Sequence[int], *, of_color: bool) -> Iterator[Refusal]:
    for row in _clear(shelf, queries):
        vector, kind, color = shelf.seen.vectors[row], shelf.kinds[row], shelf.colors[row]
        is_kind, is_color = shelf.shows(kind=kind), shelf.shows(color=color)
        right, unwanted = (is_kind & ~is_color, color) if of_color else (is_color & ~is_kind, kind)
        if right.sum() >= WANTED and (is_kind & is_color).sum() >= MIN_PICTURES:
            said = move(vector, shelf.encode(f"not {unwanted}"), PICTURE_WEIGHT, shelf.vocabulary)
            yield Refusal(Reference(vector, is_picture=True), _words(shelf, unwanted), right, said, row)


def _words_unlike_picture(shelf: Shelf, queries: Sequence[int]) -> Iterator[Refusal]:
    for row in _clear(shelf, queries):
        vector, kind, color = shelf.seen.vectors[row], shelf.kinds[row], shelf.colors[row]
        right = shelf.shows(kind=kind) & ~shelf.shows(color=color)
        if right.sum() >= WANTED and shelf.shows(kind=kind, color=color).sum() >= MIN_PICTURES:
            said = shelf.encode(f"{kind} without {color}")
            yield Refusal(_words(shelf, kind), Reference(vector, is_picture=True), right, said, row)


def _words(shelf: Shelf, text: str) -> Reference:
    return Reference(shelf.encode(text), is_picture=False)


# --- Results that are unlike each other ------------------------------------------------------------------------------


def _diversity(shelf: Shelf) -> str:
    rows = []
    for diversity in DIVERSITIES:
        right, colors, cosines = [], [], []
        for kind in sorted(set(shelf.kinds)):
            pool = shelf.best(shelf.encode(kind), 100)
            vectors = shelf.seen.vectors[pool]
            order = diversify(vectors @ shelf.encode(kind), vectors, diversity, WANTED)
            right.append((shelf.kinds[pool[order]] == kind).mean())
            colors.append(len(set(shelf.colors[pool[order]])))
            likeness = vectors[order] @ vectors[order].T
            cosines.append((likeness.sum() - WANTED) / (WANTED * (WANTED - 1)))
        rows.append(
            [str(diversity), _percent(float(np.mean(right))), f"{np.mean(colors):.1f}", f"{np.mean(cosines):.2f}"]
        )
    return table([f"diversity of the first {WANTED}", "of the kind", "colours", "mean cosine"], rows) + "\n"


def _unit(vector: Vector) -> Vector:
    return vector / np.linalg.norm(vector)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    main()
