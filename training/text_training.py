"""Teaching the text tower: texts made up at random, each to the place where the teacher puts what it speaks of."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import normalize
from tqdm import trange

from training.captions import Caption, Captions
from training.colors import NAMES, color_codes
from training.device import DEVICE
from training.lexicon import colors, kinds, qualities
from training.teacher import Teacher
from training.text_tower import TextTower, Tokens
from training.type_space import TypeTargets, Vectors

STEPS, BATCH = 2_600, 192
RATE, WORD_RATE, DECAY, WARM_UP = 1e-3, 2e-3, 0.02, 100
# Shares of a batch: captions of the lexicon's kinds, of ImageNet's names; the rest are single English words.
OF_KINDS, OF_NAMES = 0.6, 0.15
# How much a colour weighs beside the kind in a text's vector.
COLOR_WEIGHT = 0.7
# The loss also compares the likenesses within a batch with the teacher's (Park et al. 2019, "Relational knowledge
# distillation"), so sharply and with this weight.
SHARPNESS, RELATIONS = 20.0, 0.3


@dataclass(frozen=True)
class TextLessons:
    """Captions with their target vectors."""

    targets: TypeTargets
    names: Sequence[str]
    words: dict[str, Vectors]

    def batch(self, captions: Captions, chance: random.Random, size: int) -> tuple[list[str], torch.Tensor]:
        """Return texts and the unit vectors (size, TEXT_DIMENSIONS) that they shall get."""
        made = [self._caption(captions, chance) for _ in range(size)]
        types = np.stack([self._type_of(caption) for caption in made])
        return [caption.text for caption in made], with_colors(types, [caption.color for caption in made])

    def _caption(self, captions: Captions, chance: random.Random) -> Caption:
        draw = chance.random()
        if draw < OF_KINDS:
            return captions.of_any_kind()
        if draw < OF_KINDS + OF_NAMES:
            return captions.of_word(chance.choice(self.names))
        word = chance.choice(list(self.words))
        return Caption(word, word, "", "")

    def _type_of(self, caption: Caption) -> Vectors:
        if caption.word in self.targets.words:
            return self.targets.words[caption.word]
        return self.targets.kinds[caption.kind] if caption.kind else self.words[caption.word]


def with_colors(types: Vectors, names: Sequence[str]) -> torch.Tensor:
    """Return unit vectors of kinds and colours; a text without a colour ("") has zeros in its place."""
    codes = np.vstack([color_codes(), np.zeros((1, len(NAMES)), np.float32)])
    chosen = codes[[NAMES.index(name) if name else len(NAMES) for name in names]]
    return normalize(torch.from_numpy(np.concatenate([types, COLOR_WEIGHT * chosen], axis=1)), dim=1)


def make_lessons(teacher: Teacher, targets: TypeTargets, names: Sequence[str]) -> TextLessons:
    """Return lessons that also cover the plain words of the teacher's vocabulary."""
    vocabulary = english_words(teacher.tokenizer)
    vectors = targets.space.project(teacher.encode(vocabulary))
    return TextLessons(targets, names, dict(zip(vocabulary, vectors, strict=True)))


def english_words(tokenizer: Tokenizer) -> list[str]:
    """Return the whole words of a tokenizer that no lexicon explains better."""
    explained = {
        word.lower()
        for entries in (kinds(), colors(), qualities())
        for entry in entries.values()
        for words in entry.words.values()
        for word in words
    }
    whole = [word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 2]
    return sorted(set(whole) - explained)


def train_text(teacher: Teacher, lessons: TextLessons, *, steps: int = STEPS, seed: int = 1) -> TextTower:
    """Return a tower that has learnt from `steps` batches."""
    torch.manual_seed(seed)
    tower, tokens = TextTower(teacher.tokenizer.get_vocab_size()), Tokens(teacher.tokenizer)
    tower.start_from(teacher.word_vectors)
    tower.to(DEVICE)
    captions, chance = Captions(seed), random.Random(seed)
    others = [parameter for name, parameter in tower.named_parameters() if name != "words.weight"]
    optimizer = torch.optim.AdamW(
        [{"params": others, "lr": RATE}, {"params": [tower.words.weight], "lr": WORD_RATE, "weight_decay": 0}],
        weight_decay=DECAY,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, steps))
    progress = trange(steps, desc="text tower", unit=" steps", mininterval=5)
    for _ in progress:
        texts, wanted = lessons.batch(captions, chance, BATCH)
        loss = text_loss(tower(tokens(texts).to(DEVICE)), wanted.to(DEVICE))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return tower.eval()


def text_loss(given: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return how far vectors are from those wanted, by themselves and in their likenesses to each other."""
    apart = 1 - (given * wanted).sum(1).mean()
    likenesses = (wanted @ wanted.T * SHARPNESS).softmax(1)
    relations = -(likenesses * (given @ wanted.T * SHARPNESS).log_softmax(1)).sum(1).mean()
    return 2 * apart + RELATIONS * relations


def warm_cosine(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step: up from 0, then down along a cosine to a hundredth."""
    return min(1.0, (step + 1) / WARM_UP) * (0.5 * (1 + math.cos(math.pi * step / steps)) + 0.01)
