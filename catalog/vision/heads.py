"""What is told of a picture from its vector alone, by comparing it with the vectors of words (zero-shot).

Each head asks one question. Its labels are written "label/other word/other word": what is answered, and what else a
thing of that label is called; a label fits a picture as well as the best of its words does.
"""

from dataclasses import dataclass, field

from catalog.vision.palette import EXAMPLES


@dataclass(frozen=True)
class Label:
    """An answer of a head, and the words that stand for it."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Head:
    """A question about a picture, its possible answers, and the sentences that each word is put into.

    The labels of an `exclusive` head share one certainty; of any other a picture may have several or none. Words in
    `ordinary` describe what none of the labels means: a label counts by how much better than these it fits.
    """

    name: str
    labels: tuple[Label, ...]
    prompts: tuple[str, ...]
    exclusive: bool = False
    ordinary: tuple[str, ...] = field(default=())

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def words(self) -> tuple[str, ...]:
        """All words of the labels in their order, then the ordinary ones."""
        return tuple(word for label in self.labels for word in label.words) + self.ordinary


def _labels(text: str) -> tuple[Label, ...]:
    """Return the labels of "label/other word, label, …"."""
    words = [tuple(label.split("/")) for label in text.split(", ")]
    return tuple(Label(of_label[0], of_label) for of_label in words)


CLOTHING = (
    "t-shirt/tee, shirt, blouse, polo shirt, longsleeve, sweater/jumper/pullover, hoodie, cardigan, jacket, coat, "
    "blazer, suit, dress, skirt, pants/trousers, jeans, leggings, shorts, jumpsuit, bodysuit, pyjamas, underwear, bra, "
    "sock, swimsuit"
)
ACCESSORIES = (
    "hat/cap/beanie, scarf, glove, belt, tie, shoe, sneaker/running shoe, boot, sandal, high heel, slipper, "
    "handbag/tote bag, backpack, suitcase, duffel bag, wallet, umbrella, watch, sunglasses, necklace, bracelet, ring, "
    "earring"
)
HOME = (
    "sofa/couch, armchair, chair, stool, table, desk, bed, mattress, wardrobe, shelf, lamp, mirror, rug, curtain, "
    "cushion, blanket, towel, vase, candle, clock, picture frame, basket, plant pot, houseplant"
)
KITCHEN = "mug, glass, plate, bowl, pan, pot, kettle, teapot, knife, cutlery, toaster, blender, water bottle"
ELECTRONICS = (
    "phone/smartphone, laptop, tablet, monitor, keyboard, computer mouse, headphones, loudspeaker, camera, television, "
    "game controller"
)
SPORTS_AND_TOYS = (
    "teddy bear, doll, puzzle, toy car, board game, ball, bicycle, helmet, skateboard, skis, snowboard, "
    "goggles, tent, sleeping bag, rope, climbing harness, dumbbell, yoga mat, tennis racket, headlamp, "
    "compass, guitar"
)
OTHER = "perfume, lipstick, shampoo, soap, book, pen, notebook, hammer, drill, screwdriver"
GROCERY = "fruit, vegetable, mushroom, milk, yoghurt, juice, bread, cheese, chocolate, coffee, tea, wine"

PRODUCT_TYPE = Head(
    "product_type",
    _labels(", ".join([CLOTHING, ACCESSORIES, HOME, KITCHEN, ELECTRONICS, SPORTS_AND_TOYS, OTHER, GROCERY])),
    # As by Radford et al., "Learning transferable visual models from natural language supervision", 2021, 3.1.4.
    prompts=("{}", "a photo of a {}", "a {} for sale"),
    exclusive=True,
)

COLOR = Head("color", _labels(", ".join(EXAMPLES)), prompts=("{}", "something {}", "a {} product"))

MATERIAL = Head(
    "material",
    _labels(
        "canvas, ceramic/porcelain, cotton, denim, glass, knit/knitted wool, leather, linen, metal/steel, plastic, "
        "plush/faux fur, rubber, silk/satin, straw/wicker, suede, velvet, wood, wool"
    ),
    prompts=("{}", "made of {}", "a {} product"),
)

PATTERN = Head(
    "pattern",
    _labels(
        "plain/solid colour, striped/stripes, checked/plaid, floral/flowers, dotted/polka dots, "
        "animal print/leopard print, camouflage, paisley, graphic print"
    ),
    prompts=("{}", "{} fabric", "a {} pattern"),
)

STYLE = Head(
    "style",
    _labels(
        "casual, sporty/athletic, elegant/evening, business/office, vintage/retro, outdoor/hiking, playful/for kids"
    ),
    prompts=("{}", "{} style", "a {} product"),
)

MODERATION = Head(
    "moderation",
    _labels(
        "nudity/a naked person/nude body/pornography, "
        "violence/blood/a bleeding wound/a corpse, "
        "weapons/a gun/a pistol/a rifle/ammunition, "
        "drugs/cannabis/cocaine/a syringe, "
        "hate_symbols/a swastika/a nazi flag/a hate symbol, "
        "minors_risk/a naked child/an undressed child"
    ),
    prompts=("{}", "a photo of {}"),
    ordinary=("a product", "clothes", "shoes", "a bag", "furniture", "kitchenware", "electronics", "a toy", "food"),
)

ATTRIBUTES = (COLOR, MATERIAL, PATTERN, STYLE)
HEADS = (PRODUCT_TYPE, *ATTRIBUTES, MODERATION)
