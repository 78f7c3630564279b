"""A kind's words are drawn together, and words of one kind end up nearer to it than to others."""

import numpy as np

from training.lexicon import LANGUAGES, Kind
from training.type_space import TypeSpace, Vectors, make_targets, unit


def make_kind(name: str, words: tuple[str, ...], parent: str = "", imagenet: tuple[str, ...] = ()) -> Kind:
    return Kind(name, dict.fromkeys(LANGUAGES, words), parent=parent, imagenet=imagenet)


KINDS = {
    "shoe": make_kind("shoe", ("shoe", "footwear"), imagenet=("running shoe",)),
    "boot": make_kind("boot", ("boot", "boots"), parent="shoe"),
    "mug": make_kind("mug", ("mug", "beaker")),
}
# As many as it takes to span the space.
NAMES = ("running shoe", *(f"thing {number}" for number in range(500)))


def encode(texts: object) -> Vectors:
    """Give every text a vector of its own, the same for the same text."""
    return unit(np.stack([np.random.default_rng(list(str(text).encode())).standard_normal(384) for text in texts]))


def test_targets_are_unit_vectors_of_all_words() -> None:
    targets = make_targets(encode, KINDS, NAMES)
    assert set(targets.kinds) == set(KINDS)
    assert set(targets.words) == {"shoe", "footwear", "boot", "boots", "mug", "beaker", *NAMES}
    for vector in (*targets.kinds.values(), *targets.words.values()):
        np.testing.assert_allclose(np.linalg.norm(vector), 1, atol=1e-5)


def test_words_of_a_kind_lie_nearest_to_it() -> None:
    targets = make_targets(encode, KINDS, NAMES)
    for word, kind in (("footwear", "shoe"), ("boots", "boot"), ("beaker", "mug"), ("running shoe", "shoe")):
        nearest = max(targets.kinds, key=lambda name: float(targets.kinds[name] @ targets.words[word]))
        assert nearest == kind


def test_a_kind_lies_nearer_to_what_it_is_part_of_than_to_others() -> None:
    kinds = make_targets(encode, KINDS, NAMES).kinds
    assert kinds["boot"] @ kinds["shoe"] > kinds["boot"] @ kinds["mug"]


def test_differences_within_kinds_are_shrunk() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.standard_normal((40, 384)) * (np.arange(384) < 20)
    noise = np.eye(384)[30] * 3
    groups = [np.stack([kind + side * noise for side in (-1, 1)]).astype(np.float32) for kind in kinds]
    others = rng.standard_normal((500, 384)).astype(np.float32) / 10
    space = TypeSpace.fit(groups, others)
    one, other = space.project(groups[3])
    before, beside = unit(groups[3])
    assert one @ other > before @ beside + 0.2
