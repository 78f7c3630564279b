"""The stages of making the encoder; each reads what the ones before it kept under `out`.

draw      our own pictures
see       the frozen part of the image network, once for every view of every picture
text      the text tower alone, taught by the sentence model
together  the upper part of the image network, its heads and the text tower
choose    how much colour and look weigh, on the validation pictures
bundle    both towers in ONNX
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from catalog.vision.torchvision_compat import import_open_clip
from training.choice import choose_weights
from training.examples import Example, read_clothing, read_drawn, read_grocery, read_iconic
from training.export import write_bundle
from training.features import Seen, see_all
from training.image_tower import Heads, ImageTower, Weights
from training.image_training import PictureLessons, Student, make_classes, train_together
from training.lexicon import kinds
from training.rendering import draw_all
from training.teacher import Teacher
from training.text_tower import TextTower, Tokens
from training.text_training import TextLessons, make_lessons, train_text
from training.trunk import FEATURES, Trunk, load_trunk, write_lower
from training.type_space import Vectors, make_targets

# Random views of a training picture beside the encoder's own.
RANDOM_VIEWS = 3
NAME = "scout-2"
BATCH = 64


@dataclass(frozen=True)
class Work:
    """Where the pictures are, where the work goes, and how many processes draw and see."""

    data: Path
    out: Path
    processes: int

    def views(self) -> list[Seen]:
        """Return what was seen in the training pictures."""
        return [Seen.load(self.out / f"train-{view}") for view in range(1 + RANDOM_VIEWS)]

    def validation(self) -> Seen:
        """Return what was seen in the validation pictures."""
        return Seen.load(self.out / "validation-0")


def draw(work: Work) -> None:
    """Draw our own pictures."""
    draw_all(work.out / "drawn", processes=work.processes)


def see(work: Work) -> None:
    """Keep what the frozen part of the image network sees, and ImageNet's features of the encoder's own view."""
    trunk, lower = load_trunk(), work.out / "lower.onnx"
    write_lower(trunk, lower)
    for split, views in (("train", 1 + RANDOM_VIEWS), ("validation", 1)):
        for view in range(views):
            folder = work.out / f"{split}-{view}"
            see_all(_examples(work, split), folder, lower=lower, view=view, processes=work.processes)
    np.save(work.out / "features.npy", _features(trunk.upper, Seen.load(work.out / "train-0")))


def text(work: Work) -> None:
    """Teach the text tower alone."""
    teacher = Teacher()
    torch.save(train_text(teacher, _lessons(teacher)).state_dict(), work.out / "text.pt")


def together(work: Work) -> None:
    """Teach the image tower, with the text tower beside it."""
    teacher, trunk = Teacher(), load_trunk()
    lessons = _lessons(teacher)
    views = work.views()
    shown = sorted({name for example in views[0].examples for name in _names(example)})
    pictures = PictureLessons(views, make_classes(shown, lessons.names, lessons.targets), seed=2)
    tower = TextTower(teacher.tokenizer.get_vocab_size())
    tower.load_state_dict(torch.load(work.out / "text.pt"))
    student = train_together(
        trunk, np.load(work.out / "features.npy"), pictures, tower, lessons, Tokens(teacher.tokenizer)
    )
    states = {part: getattr(student, part).state_dict() for part in ("upper", "heads", "text")}
    torch.save(states, work.out / "student.pt")


def choose(work: Work) -> None:
    """Choose the weights of the parts of a picture's vector."""
    student, teacher = _load_student(work), Teacher()
    train, validation = Seen.load(work.out / "train-0"), work.validation()
    weights, figures = choose_weights(
        student,
        Tokens(teacher.tokenizer),
        references=(train, _features(student.upper, train)),
        tested=(validation, _features(student.upper, validation)),
    )
    chosen = {"color": weights.color, "look": weights.look}
    (work.out / "weights.json").write_text(json.dumps({"chosen": chosen, "figures": figures}, indent=1))


def bundle(work: Work) -> None:
    """Write the encoder."""
    student = _load_student(work)
    chosen = json.loads((work.out / "weights.json").read_text())["chosen"]
    tower = ImageTower(load_trunk().lower, student.upper, student.heads, weights=Weights(**chosen))
    tokenizer: Tokenizer = Teacher().tokenizer
    write_bundle(tower, student.text, tokenizer, work.out / NAME)


def imagenet_names() -> list[str]:
    """Return the names of ImageNet's classes in torchvision's spelling, in lower case."""
    import_open_clip()  # makes torchvision importable where it does not fit torch
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    return [name.lower() for name in _IMAGENET_CATEGORIES]


def _examples(work: Work, split: str) -> list[Example]:
    pictures = [
        *read_clothing(work.data),
        *read_grocery(work.data),
        *read_iconic(work.data),
        *read_drawn(work.out / "drawn"),
    ]
    return [example for example in pictures if example.split == split]


def _names(example: Example) -> list[str]:
    return [example.kind, *([example.product] if example.product in kinds() else [])]


def _lessons(teacher: Teacher) -> TextLessons:
    names = imagenet_names()
    return make_lessons(teacher, make_targets(teacher.encode, kinds(), names), names)


def _load_student(work: Work) -> Student:
    trunk: Trunk = load_trunk()
    states = torch.load(work.out / "student.pt")
    heads = Heads(np.zeros((2, FEATURES), np.float32), trunk)
    student = Student(trunk.upper, heads, TextTower(len(states["text"]["words.weight"])))
    for part, state in states.items():
        getattr(student, part).load_state_dict(state)
        getattr(student, part).eval()
    return student


@torch.inference_mode()
def _features(upper: nn.Module, seen: Seen) -> Vectors:
    upper = upper.to(memory_format=torch.channels_last)
    rows = []
    for start in range(0, len(seen.examples), BATCH):
        maps = torch.from_numpy(seen.maps[start : start + BATCH].astype(np.float32))
        rows.append(upper(maps.contiguous(memory_format=torch.channels_last)).numpy())
    return np.concatenate(rows)
