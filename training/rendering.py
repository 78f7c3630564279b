"""Pictures that we draw ourselves: every template in many colours, materials, patterns and studios."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from catalog.demo.colors import COLORS
from catalog.demo.drawing import TEMPLATES, kinds_in
from catalog.demo.materials import MATERIALS
from catalog.demo.pictures import PATTERNS, PLAIN, Picture, draw
from catalog.demo.studio import BACKGROUNDS
from training.lexicon import kinds

OWN_TEMPLATES = Path(__file__).parent / "templates"
SIDE = 320
# Pictures of each template; every eighth is for validation.
PICTURES, VALIDATION = 24, 8
# So many have a pattern: its second colour hides the first one.
PATTERNED = 0.15

# What templates are called in the lexicon, where it is not the same.
KINDS = {
    "alarm-clock": "clock",
    "ball": "football",
    "bookshelf": "bookcase",
    "bottle": "water bottle",
    "brimmed-hat": "hat",
    "earphones": "earbuds",
    "earrings": "earring",
    "heel": "high heel",
    "jumper": "sweater",
    "keyboard": "computer keyboard",
    "knife": "kitchen knife",
    "monitor": "computer monitor",
    "juice-carton": "juice",
    "pendant-lamp": "ceiling light",
    "perfume-bottle": "perfume",
    "phone": "smartphone",
    "puzzle": "jigsaw puzzle",
    "rubber-duck": "toy",
    "socks": "sock",
    "speaker": "loudspeaker",
    "spoon": "cutlery",
    "tall-boot": "boot",
    "tennis-racket": "racket",
    "trousers": "pants",
}


@dataclass(frozen=True)
class Order:
    """A picture to be drawn to a file."""

    file: str
    picture: Picture
    split: str


def draw_all(folder: Path, *, processes: int) -> None:
    """Draw every template's pictures into a folder, and list in `pictures.jsonl` what each shows; go on if stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    orders = list(_orders())
    missing = [order for order in orders if not (folder / order.file).exists()]
    with ProcessPoolExecutor(processes) as pool:
        drawing = pool.map(_draw, missing, [folder] * len(missing), chunksize=8)
        for _ in tqdm(drawing, total=len(missing), desc="drawing", unit=" pictures"):
            pass
    lines = [json.dumps(_facts(order)) + "\n" for order in orders]
    (folder / "pictures.jsonl").write_text("".join(lines))


def _orders() -> Iterator[Order]:
    for templates in (TEMPLATES, OWN_TEMPLATES):
        for template in kinds_in(templates):
            for number in range(PICTURES):
                # A picture's look follows from its name alone, so that adding templates changes no other.
                rng = np.random.default_rng([number, *template.encode()])
                yield Order(
                    file=f"{template}-{number:02}.webp",
                    picture=_picture(template, templates, rng),
                    split="validation" if number % VALIDATION == VALIDATION - 1 else "train",
                )


def _picture(template: str, templates: Path, rng: np.random.Generator) -> Picture:
    color, accent = rng.choice(list(COLORS), 2, replace=False)
    return Picture(
        kind=template,
        color=str(color),
        accent=str(accent),
        material=str(rng.choice(list(MATERIALS))),
        pattern=str(rng.choice(PATTERNS)) if rng.random() < PATTERNED else PLAIN,
        background=str(rng.choice(list(BACKGROUNDS))),
        seed=int(rng.integers(1 << 31)),
        templates=templates,
    )


def _draw(order: Order, folder: Path) -> None:
    draft = folder / f".{order.file}"
    draw(order.picture, size=SIDE).save(draft, "WEBP", quality=90)
    draft.rename(folder / order.file)


def _facts(order: Order) -> dict[str, str]:
    template = order.picture.kind
    return {
        "file": order.file,
        "template": template,
        "kind": _kind_of(template),
        "split": order.split,
    }


def _kind_of(template: str) -> str:
    return KINDS.get(template, template if template in kinds() else template.replace("-", " "))
