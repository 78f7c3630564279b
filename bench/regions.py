"""`python -m bench.regions`: how well regions are proposed, on pictures put together from single things.

Things are drawn as in the demo shop and laid side by side, or one below the other as on a figure, on three grounds;
photographs of clothing, where a folder with them is named, are laid side by side whole, each on its own ground.
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.markdown import Cells, table
from bench.timing import median
from catalog.demo.colors import to_srgb
from catalog.demo.drawing import Pose, load_template, rasterize
from catalog.demo.labels import TYPES, head_labels, picture_file
from catalog.demo.lighting import light
from catalog.demo.pictures import Picture
from catalog.demo.products import DEMO_PRODUCTS, DemoProduct
from catalog.demo.surfaces import surface_of
from catalog.vision.decode import decode
from catalog.vision.encoder import Encoder, load_encoder
from catalog.vision.head_calibration import calibrate_heads
from catalog.vision.regions import Box, Region, overlap, propose_regions
from catalog.vision.zero_shot import ZeroShot, encode_words

BUNDLED = Path(__file__).parents[1] / "catalog/encoders"

# A thing is found by a region that covers so much of their union (Everingham et al., "The Pascal visual object
# classes challenge", 2010).
FOUND = 0.5

HEIGHT = 640
TOPS = ("t-shirt", "shirt", "jumper", "hoodie")
BOTTOMS = ("trousers", "jeans", "shorts", "skirt")
SHOES = ("sneaker", "boot", "running-shoe")

# What the heads call the things of the photographs; what is missing here is not laid out.
PHOTOGRAPHED = {
    "T-Shirt": frozenset({"t-shirt"}),
    "Shirt": frozenset({"shirt"}),
    "Longsleeve": frozenset({"longsleeve", "sweater"}),
    "Hoodie": frozenset({"hoodie"}),
    "Pants": frozenset({"pants", "jeans"}),
    "Shorts": frozenset({"shorts"}),
    "Skirt": frozenset({"skirt"}),
    "Dress": frozenset({"dress"}),
    "Shoes": frozenset({"shoe", "sneaker", "boot"}),
    "Hat": frozenset({"hat"}),
}


@dataclass(frozen=True)
class Thing:
    """Something to be found: where it is, and what it may be called."""

    box: Box
    names: frozenset[str]


@dataclass(frozen=True)
class Scene:
    """A picture with the things in it."""

    image: Image.Image
    things: tuple[Thing, ...]


@dataclass(frozen=True)
class Result:
    """What was proposed for one scene, and the milliseconds that took."""

    scene: Scene
    regions: tuple[Region, ...]
    milliseconds: float


def main() -> None:
    """Measure, and print a table."""
    options = _parse_arguments()
    encoder = load_encoder(options.encoder)
    heads = _heads(encoder)
    rows = [_row(title, [_propose(scene, encoder, heads) for scene in scenes]) for title, scenes in _scenes(options)]
    print(table(("", "found", "and named", "regions right", "regions a picture", "ms"), rows))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.regions", description=__doc__)
    parser.add_argument("--encoder", type=Path, default=max(BUNDLED.iterdir()), help="a bundle (default: the newest)")
    parser.add_argument("--scenes", type=int, default=24, help="pictures of each arrangement (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of what is laid where (default: %(default)s)")
    parser.add_argument("--photographs", type=Path, help="a folder with images.csv (image, label) and images/")
    return parser.parse_args()


def _heads(encoder: Encoder) -> ZeroShot:
    words = encode_words(encoder)
    pictures = encoder.encode_images([decode(picture_file(product).read_bytes()) for product in DEMO_PRODUCTS])
    return ZeroShot(words, calibrate_heads(words, pictures, [head_labels(shown.picture) for shown in DEMO_PRODUCTS]))


def _propose(scene: Scene, encoder: Encoder, heads: ZeroShot) -> Result:
    started = time.perf_counter()
    regions = propose_regions(scene.image, encoder, heads)
    return Result(scene, regions, milliseconds=(time.perf_counter() - started) * 1000)


def _scenes(options: argparse.Namespace) -> Iterator[tuple[str, list[Scene]]]:
    for ground, paint in GROUNDS.items():
        for arrangement, arrange in ARRANGEMENTS.items():
            rng = np.random.default_rng(options.seed)
            yield f"{arrangement}, {ground}", [arrange(rng, paint) for _ in range(options.scenes)]
    if options.photographs:
        rng = np.random.default_rng(options.seed)
        photographs = _read_photographs(options.photographs)
        yield (
            "photographs side by side",
            [_side_by_side_photographs(rng, photographs) for _ in range(options.scenes)],
        )
        yield "one photograph", [_one_photograph(rng, photographs) for _ in range(options.scenes)]


def _white(width: int, rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (width, HEIGHT), "white")


def _grey(width: int, rng: np.random.Generator) -> Image.Image:
    """Return a wall, darker to one side."""
    shade = np.linspace(200, 170, width, dtype=np.uint8)
    return Image.fromarray(np.broadcast_to(shade[None, :, None], (HEIGHT, width, 3)).copy())


def _floorboards(width: int, rng: np.random.Generator) -> Image.Image:
    """Return boards 80 pixels wide, each of its own brown, with grain along them."""
    boards = rng.normal(0, 14, -(-HEIGHT // 80)).repeat(80)[:HEIGHT, None]
    grain = rng.normal(0, 12, (HEIGHT, -(-width // 16))).repeat(16, axis=1)[:, :width]
    brown = np.array([150, 112, 78]) + (boards + grain)[..., None]
    brown[::80] -= 40
    return Image.fromarray(brown.clip(0, 255).astype(np.uint8))


GROUNDS: dict[str, Callable[[int, np.random.Generator], Image.Image]] = {
    "white": _white,
    "grey": _grey,
    "floorboards": _floorboards,
}


def _side_by_side(rng: np.random.Generator, paint: Callable[[int, np.random.Generator], Image.Image]) -> Scene:
    """Lay out 2 to 4 things of different kinds in a row, a little up or down, none touching another."""
    number = int(rng.integers(2, 5))
    products = _different_kinds(rng, number)
    cutouts = [_cutout(product.picture, int(rng.integers(260, 340)), rng) for product in products]
    gap = 40
    width = sum(cutout.width for cutout in cutouts) + gap * (number + 1)
    image, things, x = paint(width, rng), [], gap
    for product, cutout in zip(products, cutouts, strict=True):
        y = int(rng.integers(20, HEIGHT - cutout.height - 20))
        things.append(_paste(image, cutout, (x, y), _called(product.picture.kind)))
        x += cutout.width + gap
    return Scene(image, tuple(things))


def _as_on_a_figure(rng: np.random.Generator, paint: Callable[[int, np.random.Generator], Image.Image]) -> Scene:
    """Lay shoes below a pair of trousers or the like, and that below a top, which covers its waist."""
    width, things = 480, []
    image = paint(width, rng)
    for kinds, height, y in ((SHOES, 110, 525), (BOTTOMS, 300, 235), (TOPS, 260, 10)):
        product = _product_of(rng, kinds)
        cutout = _cutout(product.picture, height, rng)
        things.append(_paste(image, cutout, ((width - cutout.width) // 2, y), _called(product.picture.kind)))
    return Scene(image, tuple(things))


ARRANGEMENTS = {"side by side": _side_by_side, "as on a figure": _as_on_a_figure}


def _different_kinds(rng: np.random.Generator, number: int) -> list[DemoProduct]:
    kinds = sorted({product.picture.kind for product in DEMO_PRODUCTS})
    return [_product_of(rng, (kind,)) for kind in rng.choice(kinds, number, replace=False)]


def _product_of(rng: np.random.Generator, kinds: Sequence[str]) -> DemoProduct:
    candidates = [product for product in DEMO_PRODUCTS if product.picture.kind in kinds]
    return candidates[int(rng.integers(len(candidates)))]


def _called(kind: str) -> frozenset[str]:
    return frozenset(TYPES.get(kind, {kind}))


def _cutout(picture: Picture, height: int, rng: np.random.Generator) -> Image.Image:
    """Return a thing as drawn for the demo shop, without its ground and shadow, as RGBA at most as high and as wide."""
    template = load_template(picture.kind)
    drawing = rasterize(
        template,
        color=picture.color,
        accent=picture.accent,
        material=picture.material,
        printed=False,
        pose=Pose(mirrored=False, turn=0, zoom=1),
        size=800,
    )
    surface = surface_of(drawing, puff=template.puff, wrinkle=template.wrinkle, rng=rng)
    cutout = Image.fromarray(to_srgb(light(surface))).convert("RGBA")
    cutout.putalpha(Image.fromarray((drawing.alpha * 255).astype(np.uint8)))
    cutout = cutout.crop(cutout.getchannel("A").point(lambda alpha: 255 * (alpha > 25)).getbbox())
    scale = height / max(cutout.size)
    return cutout.resize((round(cutout.width * scale), round(cutout.height * scale)))


def _paste(image: Image.Image, cutout: Image.Image, place: tuple[int, int], names: frozenset[str]) -> Thing:
    image.paste(cutout, place, cutout.getchannel("A") if "A" in cutout.getbands() else None)
    box = Box(place[0] / image.width, place[1] / image.height, cutout.width / image.width, cutout.height / image.height)
    return Thing(box, names)


def _read_photographs(folder: Path) -> dict[str, list[Path]]:
    """Return the photographs of each kind of thing."""
    photographs: dict[str, list[Path]] = {kind: [] for kind in PHOTOGRAPHED}
    with (folder / "images.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["label"] in photographs:
                photographs[row["label"]].append(folder / "images" / row["image"])
    return photographs


def _side_by_side_photographs(rng: np.random.Generator, photographs: dict[str, list[Path]]) -> Scene:
    """Lay out 2 photographs of different kinds side by side, or 4 in two rows."""
    number = int(rng.choice([2, 4]))
    side = HEIGHT // 2
    image = Image.new("RGB", (2 * side, side * number // 2))
    things = [
        _paste(image, _photograph(rng, photographs[kind]), (place % 2 * side, place // 2 * side), PHOTOGRAPHED[kind])
        for place, kind in enumerate(rng.choice(list(photographs), number, replace=False))
    ]
    return Scene(image, tuple(things))


def _one_photograph(rng: np.random.Generator, photographs: dict[str, list[Path]]) -> Scene:
    """Return a photograph of one thing; where it lies in it is not known."""
    return Scene(_photograph(rng, photographs[str(rng.choice(list(photographs)))]), things=())


def _photograph(rng: np.random.Generator, files: Sequence[Path]) -> Image.Image:
    return decode(files[int(rng.integers(len(files)))].read_bytes()).resize((HEIGHT // 2, HEIGHT // 2))


def _row(title: str, results: Sequence[Result]) -> Cells:
    things = [(thing, result.regions) for result in results for thing in result.scene.things]
    regions = [(region, result.scene.things) for result in results for region in result.regions]
    return (
        title,
        _share([_finds(thing, proposed) for thing, proposed in things]),
        _share([_names(thing, proposed) for thing, proposed in things]),
        _share([any(_covers(region, thing) for thing in shown) for region, shown in regions if shown]),
        f"{len(regions) / len(results):.1f}",
        f"{median([result.milliseconds for result in results]):.0f}",
    )


def _share(cases: Sequence[bool]) -> str:
    return f"{np.mean(cases):.2f}" if cases else "?"


def _covers(region: Region, thing: Thing) -> bool:
    return overlap(region.box, thing.box) >= FOUND


def _finds(thing: Thing, regions: Sequence[Region]) -> bool:
    return any(_covers(region, thing) for region in regions)


def _names(thing: Thing, regions: Sequence[Region]) -> bool:
    return any(_covers(region, thing) and region.label in thing.names for region in regions)


if __name__ == "__main__":
    main()
