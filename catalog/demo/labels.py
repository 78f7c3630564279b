"""What the demo products' pictures show, in the words of the heads: encoders are calibrated on them."""

from collections.abc import Mapping
from pathlib import Path

from catalog.demo.pictures import Picture
from catalog.demo.products import DemoProduct
from catalog.vision.palette import parse_color

FOLDER = Path(__file__).parents[1] / "static/demo"

# A kind of template may be called by several types and be right.
TYPES = {
    "alarm-clock": {"clock"},
    "beanie": {"hat"},
    "bottle": {"water bottle"},
    "cap": {"hat"},
    "heel": {"high heel", "shoe"},
    "jumper": {"sweater", "longsleeve"},
    "running-shoe": {"sneaker", "shoe"},
    "sneaker": {"sneaker", "shoe"},
    "socks": {"sock"},
    "speaker": {"loudspeaker"},
    "sun-hat": {"hat"},
    "table-lamp": {"lamp"},
    "teddy-bear": {"teddy bear"},
    "tote-bag": {"handbag"},
    "toy-car": {"toy car"},
    "trousers": {"pants"},
}

# Only of kinds whose style is beyond dispute; of the others it is not known.
STYLES = {
    "ball": "sporty",
    "bicycle": "sporty",
    "running-shoe": "sporty",
    "heel": "elegant",
    "necklace": "elegant",
    "ring": "elegant",
    "hoodie": "casual",
    "jeans": "casual",
    "sneaker": "casual",
    "t-shirt": "casual",
    "teddy-bear": "playful",
    "toy-car": "playful",
}


def picture_file(product: DemoProduct) -> Path:
    """Return where the picture of a demo product lies."""
    return FOLDER / f"{product.product_id}.webp"


def head_labels(picture: Picture) -> Mapping[str, frozenset[str]]:
    """Return, for each head that the truth is known of, the labels that are right for a picture."""
    labels = {
        "product_type": frozenset(TYPES.get(picture.kind, {picture.kind})),
        "color": frozenset({parse_color(picture.color)}),
        "material": frozenset({picture.material}),
        "pattern": frozenset({picture.pattern}),
    }
    if picture.kind in STYLES:
        labels["style"] = frozenset({STYLES[picture.kind]})
    return labels
