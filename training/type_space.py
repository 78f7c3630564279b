"""The space of kinds: what a language model knows about words, bent so that a kind's own words lie together.

A sentence model gives every word a vector. Directions in which the words of one kind differ ("sneaker", "trainers")
tell nothing about the kind; they are shrunk by within-class covariance normalisation (Hatch et al. 2006), which also
helps words that no list names. What is left is reduced to TYPE_DIMENSIONS by principal components.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from training.lexicon import Kind

TYPE_DIMENSIONS = 224
# How much of the words' common spread is added to the spread within kinds before that is divided out.
SHRINKAGE = 0.1
# And so much of a spread that is the same everywhere: in one direction the teacher's vectors do not differ at all.
RIDGE = 0.01
# Principal components are divided by this power of their size: 1 would make all alike, 0 leave them.
WHITENING = 0.5
# A word lies so far towards the mean of its kind's words, and a kind so far towards the kind it is part of.
TO_KIND, TO_PARENT = 0.7, 0.3

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class TypeSpace:
    """The way from the teacher's vectors to the space of kinds."""

    mean: Vectors
    projection: Vectors

    @classmethod
    def fit(cls, groups: Sequence[Vectors], others: Vectors) -> Self:
        """Fit the space on each kind's words, (n_i, 384) each, and on other names of things, (m, 384)."""
        everything = np.concatenate([*groups, others]).astype(np.float64)
        mean = everything.mean(axis=0)
        within = np.concatenate([group - group.mean(axis=0) for group in groups if len(group) > 1])
        common = np.cov(everything.T)
        even = RIDGE * np.trace(common) / len(common) * np.eye(len(common))
        values, axes = np.linalg.eigh(np.cov(within.T) + SHRINKAGE * common + even)
        normaliser = (axes / np.sqrt(values)) @ axes.T
        sizes, components = np.linalg.eigh(normaliser @ common @ normaliser)
        kept = components[:, -TYPE_DIMENSIONS:] / sizes[-TYPE_DIMENSIONS:] ** (WHITENING / 2)
        return cls(mean=mean.astype(np.float32), projection=(normaliser @ kept).astype(np.float32))

    def project(self, vectors: Vectors) -> Vectors:
        """Return unit vectors float32 (n, TYPE_DIMENSIONS) of the teacher's (n, 384)."""
        return unit((vectors - self.mean) @ self.projection)


@dataclass(frozen=True)
class TypeTargets:
    """Where things belong in the space of kinds: kinds by name, and words (English ones and ImageNet's) by spelling."""

    space: TypeSpace
    kinds: dict[str, Vectors]
    words: dict[str, Vectors]


def make_targets(
    encode: Callable[[Sequence[str]], Vectors], kinds: dict[str, Kind], names: Sequence[str]
) -> TypeTargets:
    """Return the targets of a lexicon and of other names of things (ImageNet's); `encode` is the sentence model's."""
    words = [kind.words["en"] for kind in kinds.values()]
    flat = encode([word for group in words for word in group])
    groups = np.split(flat, np.cumsum([len(group) for group in words])[:-1])
    name_vectors = encode(names)
    space = TypeSpace.fit(groups, name_vectors)
    centres = {kind: unit(space.project(group).mean(axis=0)) for kind, group in zip(kinds, groups, strict=True)}
    centres = {name: _towards(centre, centres.get(kinds[name].parent), TO_PARENT) for name, centre in centres.items()}
    targets = dict(zip(names, space.project(name_vectors), strict=True))
    for kind in kinds.values():
        for name in kind.imagenet:
            targets[name] = _towards(targets[name], centres[kind.name], TO_KIND)
    for kind, group in zip(kinds.values(), groups, strict=True):
        for word, vector in zip(kind.words["en"], space.project(group), strict=True):
            targets[word] = _towards(vector, centres[kind.name], TO_KIND)
    return TypeTargets(space, centres, targets)


def unit(vectors: NDArray[Any]) -> Vectors:
    """Return the vectors along the last axis at length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-8)).astype(np.float32)


def _towards(vector: Vectors, goal: Vectors | None, share: float) -> Vectors:
    return vector if goal is None else unit((1 - share) * vector + share * goal)
