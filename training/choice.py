"""How much colour and look weigh in a picture's vector beside its kind: tried on the validation pictures."""

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize, pad

from training.colors import NAMES
from training.examples import Example
from training.features import Seen
from training.image_tower import LOOK_DIMENSIONS, Parts, Weights, weighed
from training.image_training import Student
from training.text_tower import Tokens
from training.type_space import Vectors

COLOR_WEIGHTS, LOOK_WEIGHTS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0), (0.6, 0.8, 1.0, 1.2)
BATCH = 256
# A picture counts as of a colour when this share of it is, and a pair of kind and colour is asked for from so many
# pictures on; of so many found pictures it is counted how many are right.
CLEAR_COLOR, LEAST_PICTURES, FOUND = 0.4, 3, 5

Tested = tuple[Seen, Vectors]


def choose_weights(
    student: Student, tokens: Tokens, *, references: Tested, tested: Tested
) -> tuple[Weights, list[dict[str, float]]]:
    """Return the weights whose figures have the best mean, and the figures of all weights that were tried.

    Figures, each 0 to 1: pictures of a kind found by its name, pictures of a kind and a colour found by both, the kind
    of the nearest training picture, and the product of the nearest picture of groceries.
    """
    known, shown = _parts(student, *references), _parts(student, *tested)
    figures = []
    for color, look in itertools.product(COLOR_WEIGHTS, LOOK_WEIGHTS):
        weights = Weights(color=color, look=look)
        vectors, reference_vectors = weighed(*shown, weights), weighed(*known, weights)
        figures.append(
            {
                "color": color,
                "look": look,
                "names": _by_name(student, tokens, tested[0].examples, vectors),
                "colored": _by_color_and_name(student, tokens, tested[0], vectors),
                "neighbours": _nearest_agrees(
                    vectors, tested[0].examples, reference_vectors, references[0].examples, "kind"
                ),
                "products": _nearest_agrees(
                    vectors, tested[0].examples, reference_vectors, references[0].examples, "product"
                ),
            }
        )
    best = max(figures, key=lambda row: sum(row[name] for name in ("names", "colored", "neighbours", "products")))
    return Weights(color=best["color"], look=best["look"]), figures


@torch.inference_mode()
def _parts(student: Student, seen: Seen, features: Vectors) -> Parts:
    parts = []
    for start in range(0, len(features), BATCH):
        rows = slice(start, start + BATCH)
        small = torch.from_numpy(seen.small[rows].astype(np.float32) / 255).permute(0, 3, 1, 2)
        maps = torch.from_numpy(seen.maps[rows].astype(np.float32))
        parts.append(student.heads(small, maps, torch.from_numpy(features[rows])))
    kind, color, look = (torch.cat(part) for part in zip(*parts, strict=True))
    return kind, color, look


def _by_name(student: Student, tokens: Tokens, examples: list[Example], vectors: torch.Tensor) -> float:
    """Return how many photographs are nearest to their kind's name, among those of the same set."""
    right = []
    for is_grocery in (False, True):
        rows = [i for i, e in enumerate(examples) if not e.drawn and bool(e.product) == is_grocery]
        names = sorted({examples[row].kind for row in rows})
        best = (vectors[rows] @ _spoken(student, tokens, names).T).argmax(1)
        right += [names[i] == examples[row].kind for i, row in zip(best.tolist(), rows, strict=True)]
    return float(np.mean(right))


def _by_color_and_name(student: Student, tokens: Tokens, seen: Seen, vectors: torch.Tensor) -> float:
    rows = [i for i, e in enumerate(seen.examples) if not e.drawn and not e.product]
    colors = [NAMES[i] if share >= CLEAR_COLOR else "" for i, share in _strongest(seen.colors[rows])]
    pairs = [(color, seen.examples[row].kind) for color, row in zip(colors, rows, strict=True)]
    asked = sorted({pair for pair in pairs if pair[0] and pairs.count(pair) >= LEAST_PICTURES})
    found = (_spoken(student, tokens, [" ".join(pair) for pair in asked]) @ vectors[rows].T).topk(FOUND).indices
    main = [
        (NAMES[i], seen.examples[row].kind) for (i, _), row in zip(_strongest(seen.colors[rows]), rows, strict=True)
    ]
    # Where a pair has fewer pictures than are looked at, finding all of them is all that can be asked.
    scores = [
        sum(main[i] == pair for i in best) / min(FOUND, main.count(pair))
        for pair, best in zip(asked, found.tolist(), strict=True)
    ]
    return float(np.mean(scores))


def _nearest_agrees(
    vectors: torch.Tensor, examples: list[Example], references: torch.Tensor, known: list[Example], field: str
) -> float:
    """Return how often the nearest training photograph has the same kind, or is the same product."""
    rows = [i for i, e in enumerate(examples) if not e.drawn and getattr(e, field)]
    others = [i for i, e in enumerate(known) if not e.drawn]
    nearest = (vectors[rows] @ references[others].T).argmax(1).tolist()
    return float(
        np.mean(
            [
                getattr(examples[row], field) == getattr(known[others[i]], field)
                for row, i in zip(rows, nearest, strict=True)
            ]
        )
    )


def _strongest(colors: NDArray[np.float32]) -> list[tuple[int, float]]:
    return [(int(shares.argmax()), float(shares.max())) for shares in colors]


@torch.inference_mode()
def _spoken(student: Student, tokens: Tokens, texts: list[str]) -> torch.Tensor:
    return pad(normalize(student.text(tokens(texts)), dim=1), (0, LOOK_DIMENSIONS))
