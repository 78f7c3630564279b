"""Teaching the image tower, with the text tower beside it.

Only the upper blocks of the image network and the heads learn, from maps that were computed once. Five things are asked
of every batch:

- a picture's kind is nearest to its own name, among all kinds that are shown and the names of ImageNet's classes;
- so is a feature that looks as ImageNet's classifier expects a class that nobody has shown (Lite's own knowledge);
- captions written for the pictures and the pictures find each other (Radford et al. 2021, "CLIP"), the text tower
  learning too while it still gives its teacher's vectors for other texts;
- two views of a picture, and two pictures of one product, look alike (Khosla et al. 2020, "Supervised contrastive
  learning");
- the features still tell ImageNet's classes as they did (Li & Hoiem 2016, "Learning without forgetting").
"""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, mse_loss, normalize
from tqdm import trange

from training.captions import Captions
from training.device import DEVICE, on_device
from training.examples import Example
from training.features import Seen
from training.image_tower import Heads
from training.lexicon import kinds
from training.text_tower import TextTower, Tokens
from training.text_training import TextLessons, text_loss, warm_cosine
from training.trunk import Trunk
from training.type_space import TYPE_DIMENSIONS, TypeTargets, Vectors

STEPS = 1_200
# Pictures of a batch, each in two views; features of classes that nobody has shown; texts for the teacher.
PICTURES, IMAGINED, TEXTS = 48, 64, 160
UPPER_RATE, HEAD_RATE, TEXT_RATE = 3e-4, 6e-4, 4e-4
UPPER_DECAY, HEAD_DECAY, LARGEST_GRADIENT = 0.02, 0.1, 2.0
SHARPNESS, LOOK_SHARPNESS = 20.0, 10.0
# Weights of the parts of the loss beside telling kinds apart, which has 1.
FINE, CAPTIONS, LOOKS, COLORS, KNOWLEDGE, FEATURES, TEACHER = 0.5, 0.5, 0.4, 0.5, 1.0, 0.3, 0.5
KNOWLEDGE_SOFTNESS = 2.0
# So much of the pictures are drawn ones, which are of many kinds but all in one studio.
DRAWN = 0.3
# Names as alike as this (cosine) are no use as each other's opposites: "jersey" and "t-shirt".
TOO_ALIKE = 0.35
# From a picture towards a class: how far, in mean distances of features from their mean, and what is left of it.
PUSH, LEFT = (0.5, 1.4), 0.5


@dataclass(frozen=True)
class Classes:
    """All names that a picture is told by: kinds, then products, then ImageNet's classes.

    `vectors` float32 (n, TYPE_DIMENSIONS); `opposites` bool (n, n), true where one may count against the other.
    """

    names: tuple[str, ...]
    vectors: Vectors
    opposites: NDArray[np.bool_]
    imagenet: int
    """Where ImageNet's classes begin."""


def make_classes(shown: Sequence[str], imagenet: Sequence[str], targets: TypeTargets) -> Classes:
    """Return the classes of kinds that pictures show, in the lexicon's names, and of ImageNet."""
    names = (*shown, *imagenet)
    vectors = np.stack([*(targets.kinds[name] for name in shown), *(targets.words[name] for name in imagenet)])
    opposites = vectors @ vectors.T < TOO_ALIKE
    n = len(shown)
    opposites[:n, :n] = [[not _is_kin(one, other) for other in shown] for one in shown]
    opposites[n:, n:] = True
    for row, name in enumerate(shown):
        for column, label in enumerate(imagenet, start=n):
            if any(label in kinds()[kin].imagenet for kin in (name, *_ancestors(name))):
                opposites[row, column] = opposites[column, row] = False
    np.fill_diagonal(opposites, True)
    return Classes(names, vectors, opposites, imagenet=n)


@dataclass
class Student:
    """What learns: the upper blocks, the heads and the text tower."""

    upper: nn.Module
    heads: Heads
    text: TextTower

    def finished(self) -> Self:
        """Return the student as it is used: on the CPU, no more learning."""
        for part in (self.upper, self.heads, self.text):
            part.eval().cpu()
        return self


class PictureLessons:
    """Batches of pictures from the views that were kept."""

    def __init__(self, views: Sequence[Seen], classes: Classes, *, seed: int) -> None:
        self.views, self.classes = views, classes
        self.examples = views[0].examples
        self._rng = np.random.default_rng(seed)
        number = {name: i for i, name in enumerate(classes.names[: classes.imagenet])}
        self.kind = np.array([number[example.kind] for example in self.examples])
        self.fine = np.array([number.get(example.product, -1) for example in self.examples])
        products = {product: i for i, product in enumerate(sorted({e.product for e in self.examples if e.product}))}
        drawn = np.array([example.drawn for example in self.examples])
        # Pictures of one grocery product show the same thing; other pictures are alike to themselves only.
        self.product = np.array(
            [
                products[example.product] if example.product and not example.drawn else len(products) + row
                for row, example in enumerate(self.examples)
            ]
        )
        self.chances = _chances(self.kind, drawn)

    def batch(self) -> tuple[NDArray[np.int64], torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the examples' numbers, twice each, with maps, small pictures and colours of two views."""
        rows = self._rng.choice(len(self.examples), PICTURES, p=self.chances)
        views = [self._rng.choice(len(self.views), PICTURES, replace=True) for _ in range(2)]
        places = [(view, row) for chosen in views for view, row in zip(chosen, rows, strict=True)]
        maps = np.stack([self.views[view].maps[row] for view, row in places]).astype(np.float32)
        small = np.stack([self.views[view].small[row] for view, row in places])
        colors = np.stack([self.views[view].colors[row] for view, row in places])
        return (
            np.concatenate([rows, rows]),
            on_device(maps).contiguous(memory_format=torch.channels_last),
            on_device(small.astype(np.float32) / 255).permute(0, 3, 1, 2),
            on_device(colors),
        )


def train_together(
    trunk: Trunk,
    features: Vectors,
    pictures: PictureLessons,
    text: TextTower,
    texts: TextLessons,
    tokens: Tokens,
    *,
    steps: int = STEPS,
    seed: int = 2,
) -> Student:
    """Return a student that has learnt from `steps` batches.

    `features` (n, 1280) are those that the network gives the training pictures before it learns.
    """
    torch.manual_seed(seed)
    before = trunk.upper.to(DEVICE, memory_format=torch.channels_last)
    student = Student(copy.deepcopy(before), Heads(features, trunk).to(DEVICE), text.train().to(DEVICE))
    imagination = Imagination(trunk, features, seed=seed)
    captions, chance = Captions(seed), random.Random(seed)
    optimizer = torch.optim.AdamW(
        [
            {"params": student.upper.parameters(), "lr": UPPER_RATE, "weight_decay": UPPER_DECAY},
            {"params": student.heads.parameters(), "lr": HEAD_RATE, "weight_decay": HEAD_DECAY},
            {"params": student.text.parameters(), "lr": TEXT_RATE, "weight_decay": 0},
        ]
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, steps))
    everything = [p for group in optimizer.param_groups for p in group["params"]]
    student.heads.train()
    progress = trange(steps, desc="pictures", unit=" steps", mininterval=5)
    for _ in progress:
        rows, maps, small, colors = pictures.batch()
        with torch.no_grad():
            known = before(maps[:PICTURES])
        seen = student.upper(maps)
        parts = {
            **_picture_losses(student.heads, pictures, imagination, rows, seen, small, maps, colors),
            "know": _forgetting(trunk, seen[:PICTURES], known),
            **_text_losses(student, pictures, texts, tokens, captions, chance, rows, seen),
        }
        loss = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(everything, LARGEST_GRADIENT)
        optimizer.step()
        schedule.step()
        progress.set_postfix({name: f"{part.item():.2f}" for name, part in parts.items()}, refresh=False)
    return student.finished()


class Imagination:
    """Features as ImageNet's classifier expects them of its classes, made from those of real pictures."""

    def __init__(self, trunk: Trunk, features: Vectors, *, seed: int) -> None:
        self._features, self._mean = features, features.mean(axis=0)
        directions = trunk.classifier - trunk.classifier.mean(axis=0)
        self._directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        self._reach = np.linalg.norm(features - self._mean, axis=1).mean()
        self._rng = np.random.default_rng(seed)

    def imagine(self, n: int) -> tuple[NDArray[np.int64], torch.Tensor]:
        """Return classes of ImageNet and a feature (n, 1280) for each."""
        classes = self._rng.integers(len(self._directions), size=n)
        starts = self._features[self._rng.integers(len(self._features), size=n)]
        left = self._rng.uniform(0, LEFT, (n, 1))
        push = self._rng.uniform(*PUSH, (n, 1)) * self._reach * self._directions[classes]
        imagined = np.maximum(left * starts + (1 - left) * self._mean + push, 0)
        return classes, on_device(imagined.astype(np.float32))


def _picture_losses(
    heads: Heads,
    pictures: PictureLessons,
    imagination: Imagination,
    rows: NDArray[np.int64],
    seen: torch.Tensor,
    small: torch.Tensor,
    maps: torch.Tensor,
    colors: torch.Tensor,
) -> dict[str, torch.Tensor]:
    imagined, imagined_features = imagination.imagine(IMAGINED)
    kinds_given = heads.kind(torch.cat([seen, imagined_features]))
    answers = np.concatenate([pictures.kind[rows], imagined + pictures.classes.imagenet])
    fine = pictures.fine[rows]
    looks = heads.look(seen)
    return {
        "kind": _tell_apart(kinds_given, answers, pictures.classes),
        "fine": FINE * _tell_products(kinds_given[: len(rows)][fine >= 0], fine[fine >= 0], pictures.classes),
        "look": LOOKS * find_each_other(looks, looks, pictures.product[rows], LOOK_SHARPNESS, itself=False),
        "color": COLORS * -(colors * heads.color(small, maps)).sum(1).mean(),
    }


def _text_losses(
    student: Student,
    pictures: PictureLessons,
    texts: TextLessons,
    tokens: Tokens,
    captions: Captions,
    chance: random.Random,
    rows: NDArray[np.int64],
    seen: torch.Tensor,
) -> dict[str, torch.Tensor]:
    half = rows[:PICTURES]
    written = [captions.of_kind(kinds()[_caption_kind(pictures.examples[row], chance)]).text for row in half]
    others, wanted = texts.batch(captions, chance, TEXTS)
    vectors = student.text(tokens([*written, *others]).to(DEVICE))
    spoken = normalize(vectors[:PICTURES, :TYPE_DIMENSIONS], dim=1)
    shown = student.heads.kind(seen[:PICTURES])
    found = find_each_other(shown, spoken, pictures.kind[half], SHARPNESS)
    found = found + find_each_other(spoken, shown, pictures.kind[half], SHARPNESS)
    return {"caption": CAPTIONS * found / 2, "teacher": TEACHER * text_loss(vectors[PICTURES:], wanted.to(DEVICE))}


def find_each_other(
    these: torch.Tensor, those: torch.Tensor, groups: NDArray[np.int64], sharpness: float, *, itself: bool = True
) -> torch.Tensor:
    """Return the cross entropy of finding one's own group among those, by cosine times `sharpness`."""
    same = on_device(groups[:, None] == groups[None, :]).float()
    logits = these @ those.T * sharpness
    if not itself:
        diagonal = torch.eye(len(groups), dtype=torch.bool, device=DEVICE)
        same, logits = same.masked_fill(diagonal, 0), logits.masked_fill(diagonal, -1e4)
    return -(same / same.sum(1, keepdim=True) * logits.log_softmax(1)).sum(1).mean()


def _tell_apart(given: torch.Tensor, answers: NDArray[np.int64], classes: Classes) -> torch.Tensor:
    logits = given @ on_device(classes.vectors).T * SHARPNESS
    excused = on_device(~classes.opposites[answers])
    return cross_entropy(logits.masked_fill(excused, -1e4), on_device(answers))


def _tell_products(given: torch.Tensor, answers: NDArray[np.int64], classes: Classes) -> torch.Tensor:
    if not len(answers):
        return given.sum() * 0
    return _tell_apart(given, answers, classes)


def _forgetting(trunk: Trunk, seen: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    classifier, bias = on_device(trunk.classifier), on_device(trunk.bias)
    now, then = (((features @ classifier.T + bias) / KNOWLEDGE_SOFTNESS).log_softmax(1) for features in (seen, known))
    told = kl_div(now, then, log_target=True, reduction="batchmean")
    return KNOWLEDGE * told + FEATURES * mse_loss(seen, known)


def _caption_kind(example: Example, chance: random.Random) -> str:
    return example.product if example.product in kinds() and chance.random() < 0.4 else example.kind


def _chances(kind: NDArray[np.int64], drawn: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how often each picture is taken: rare kinds more often than their number, drawn ones DRAWN in all."""
    chances = 1 / np.sqrt(np.bincount(kind)[kind])
    for part, share in ((drawn, DRAWN), (~drawn, 1 - DRAWN)):
        if part.any():
            chances[part] *= share / chances[part].sum()
    return chances / chances.sum()


def _is_kin(one: str, other: str) -> bool:
    return one != other and (one in _ancestors(other) or other in _ancestors(one))


def _ancestors(name: str) -> tuple[str, ...]:
    parent = kinds()[name].parent
    return (parent, *_ancestors(parent)) if parent else ()
