"""What kind of thing a picture shows, told by the kind's name that its vector is nearest to (zero-shot)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.vision.encoder import Encoder

CLOTHING = (
    "t-shirt, shirt, blouse, polo shirt, longsleeve, sweater, hoodie, cardigan, jacket, coat, blazer, suit, "
    "dress, skirt, pants, jeans, leggings, shorts, jumpsuit, bodysuit, pyjamas, underwear, bra, sock, "
    "swimsuit"
)
ACCESSORIES = (
    "hat, scarf, glove, belt, tie, shoe, sneaker, boot, sandal, high heel, slipper, handbag, backpack, "
    "suitcase, duffel bag, wallet, umbrella, watch, sunglasses, necklace, bracelet, ring, earring"
)
HOME = (
    "sofa, armchair, chair, stool, table, desk, bed, mattress, wardrobe, shelf, lamp, mirror, rug, curtain, "
    "cushion, blanket, towel, vase, candle, clock, picture frame, basket, plant pot, houseplant"
)
KITCHEN = "mug, glass, plate, bowl, pan, pot, kettle, teapot, knife, cutlery, toaster, blender, water bottle"
ELECTRONICS = (
    "phone, laptop, tablet, monitor, keyboard, computer mouse, headphones, loudspeaker, camera, television, "
    "game controller"
)
SPORTS_AND_TOYS = (
    "teddy bear, doll, puzzle, toy car, board game, ball, bicycle, helmet, skateboard, skis, snowboard, "
    "goggles, tent, sleeping bag, rope, climbing harness, dumbbell, yoga mat, tennis racket, headlamp, "
    "compass"
)
OTHER = "perfume, lipstick, shampoo, soap, book, pen, notebook, hammer, drill, screwdriver"
GROCERY = "fruit, vegetable, mushroom, milk, yoghurt, juice, bread, cheese, chocolate, coffee, tea, wine"

GROUPS = (CLOTHING, ACCESSORIES, HOME, KITCHEN, ELECTRONICS, SPORTS_AND_TOYS, OTHER, GROCERY)
TYPES = tuple(name for group in GROUPS for name in group.split(", "))

# A type's vector is the mean over these (Radford et al., "Learning transferable visual models from natural
# language supervision", 2021, section 3.1.4).
PROMPTS = ("{}", "a photo of a {}", "a {} for sale")

# Divides cosines before the softmax. At 0.02 scout-1 is as sure of held-out clothing as it is right.
TEMPERATURE = 0.02


@dataclass(frozen=True)
class ProductType:
    """A kind of thing, one of `TYPES`, and how sure that is, 0..1."""

    name: str
    confidence: float


class ProductTypes:
    """The kinds of things that one encoder tells apart; their vectors are computed once."""

    def __init__(self, encoder: Encoder) -> None:
        by_prompt = [encoder.encode_texts([prompt.format(name) for name in TYPES]) for prompt in PROMPTS]
        mean = np.mean(by_prompt, axis=0)
        self._vectors = mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def classify(self, vectors: NDArray[np.float32]) -> list[ProductType]:
        """Return the likeliest kind for each picture's vector; vectors are unit rows (n, dimensions)."""
        logits = vectors @ self._vectors.T / TEMPERATURE
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        confidences = odds / odds.sum(axis=1, keepdims=True)
        best = confidences.argmax(axis=1)
        return [ProductType(TYPES[i], float(row[i])) for i, row in zip(best, confidences, strict=True)]
