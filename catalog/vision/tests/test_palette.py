import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog.vision.foreground import find_foreground
from catalog.vision.palette import (
    EXAMPLES,
    MAX_COLORS,
    Swatch,
    find_colors,
    find_palette,
    name_color,
    palette_of,
    palette_similarities,
    palette_similarity,
    parse_color,
)
from catalog.vision.tests.pictures import disc, noise


def everything(image):
    return np.ones((image.height, image.width), dtype=bool)


def bands(*colors, width=60, height=10):
    image = Image.new("RGB", (width * len(colors), height))
    for place, color in enumerate(colors):
        image.paste(color, (place * width, 0, (place + 1) * width, height))
    return image


def painted(**shares):
    """Return a palette by percentages: `painted(red=70, white=30)`."""
    return tuple(Swatch(palette_of([name])[0].hex, percent / 100, name) for name, percent in shares.items())


def test_a_plain_picture_has_one_colour():
    image = Image.new("RGB", (20, 20), "#1e4aa0")
    assert find_palette(image, everything(image)) == (Swatch(hex="#1e4aa0", share=1.0, name="blue"),)


def test_it_weighs_the_colours_and_begins_with_the_most_frequent():
    image = bands("#c81e28", "#101010", "#c81e28", "#ffffff", "#c81e28")
    assert find_palette(image, everything(image)) == (
        Swatch(hex="#c81e28", share=0.6, name="red"),
        Swatch(hex="#101010", share=0.2, name="black"),
        Swatch(hex="#ffffff", share=0.2, name="white"),
    )


def test_it_leaves_the_background_out():
    image = disc("#2e8b45", background="#f8f8f8")
    swatch, *edge = find_palette(image, find_foreground(image).mask)
    assert (swatch.name, swatch.share > 0.9) == ("green", True)
    assert sum(other.share for other in edge) < 0.1


def test_light_and_shade_of_one_colour_are_one_colour():
    ramp = np.linspace(0.8, 1.1, 200)[None, :, None] * np.array([190, 40, 50])
    image = Image.fromarray(np.repeat(ramp, 50, axis=0).clip(0, 255).astype(np.uint8))
    assert [swatch.name for swatch in find_palette(image, everything(image))] == ["red"]


def test_it_names_at_most_six_colours_whose_shares_make_one():
    image = noise((960, 960))
    palette = find_palette(image, everything(image)[::10, ::10])
    assert len(palette) == MAX_COLORS
    assert sum(swatch.share for swatch in palette) == pytest.approx(1)
    assert [swatch.share for swatch in palette] == sorted((s.share for s in palette), reverse=True)


def test_the_same_picture_has_the_same_palette():
    mask = everything(noise())
    assert find_palette(noise(), mask) == find_palette(noise(), mask)


def test_a_speck_is_no_colour_of_its_own():
    image = Image.new("RGB", (100, 100), "#1e4aa0")
    ImageDraw.Draw(image).rectangle((0, 0, 11, 11), fill="#e0591a")
    assert [swatch.name for swatch in find_palette(image, everything(image))] == ["blue"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("#ff0000", "red"),
        ("#0000ff", "blue"),
        ("#FFF", "white"),
        ("000", "black"),
        ("808080", "grey"),
        ("#228b22", "green"),
        ("#ffa500", "orange"),
        ("#fffacd", "beige"),
        ("#40e0d0", "teal"),
        ("#191970", "navy"),
        ("#8b0000", "maroon"),
        ("#8b4513", "brown"),
        ("#800080", "purple"),
        ("#ffc0cb", "pink"),
        ("#556b2f", "olive"),
        ("#ffd700", "yellow"),
        ("#6f8fb5", "blue"),
    ],
)
def test_it_names_colours_as_people_do(code, name):
    assert name_color(code) == name


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_bears_its_own_name(name):
    assert {name_color(code) for code in EXAMPLES[name].split()} == {name}


@pytest.mark.parametrize("code", ["", "#12", "#12345", "#gggggg", "red", "#1234567"])
def test_it_names_nothing_but_hex(code):
    with pytest.raises(ValueError, match="no colour in hex"):
        name_color(code)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("red", "red"),
        (" Navy  Blue ", "navy"),
        ("GRAY", "grey"),
        ("burgundy", "maroon"),
        ("#00F", "blue"),
        ("1e90ff", "blue"),
    ],
)
def test_it_understands_colours_in_words_and_in_hex(text, name):
    assert parse_color(text) == name


@pytest.mark.parametrize("text", ["", "reddish", "#ggg", "rgb(1, 2, 3)"])
def test_it_says_which_colours_it_understands(text):
    with pytest.raises(ValueError, match=r"Use hex such as #1e90ff, or black, white, .*brown\."):
        parse_color(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("red summer dress", ["red"]),
        ("Navy  blue shirt with GREY and navy stripes", ["navy", "grey"]),
        ("a blue-green rug", ["blue", "green"]),
        ("gray turquoise", ["grey", "teal"]),
        ("bored blues tangerine", []),
        ("", []),
    ],
)
def test_it_finds_the_colours_that_a_text_names(text, names):
    assert find_colors(text) == names


def test_a_palette_of_names_has_their_first_examples_in_equal_shares():
    assert palette_of(["red", "white"]) == (Swatch("#ff0000", 0.5, "red"), Swatch("#ffffff", 0.5, "white"))
    assert palette_of([]) == ()


@pytest.mark.parametrize("palette", [painted(red=100), painted(red=70, white=30), painted(red=40, white=35, navy=25)])
def test_a_palette_is_like_itself_in_any_order(palette):
    assert palette_similarity(palette, palette[::-1]) == pytest.approx(1, abs=1e-6)
    assert palette_similarity(palette, palette) <= 1


def test_palettes_are_alike_both_ways():
    a, b = painted(red=70, white=30), painted(pink=60, navy=30, black=10)
    assert palette_similarity(a, b) == pytest.approx(palette_similarity(b, a), abs=1e-12)


def test_black_and_white_have_nothing_in_common():
    assert palette_similarity(painted(black=100), painted(white=100)) == pytest.approx(0, abs=1e-4)


def test_the_less_of_a_colour_and_the_farther_it_is_the_less_alike():
    red = painted(red=100)
    others = [
        painted(red=100),
        painted(red=90, white=10),
        painted(red=60, white=40),
        painted(red=20, white=80),
        painted(navy=100),
    ]
    similarities = [palette_similarity(red, other) for other in others]
    assert similarities == sorted(similarities, reverse=True)
    assert palette_similarity(red, painted(orange=100)) > palette_similarity(red, painted(yellow=100)) > 0.001


def test_shares_count():
    assert palette_similarity(painted(red=90, white=10), painted(red=10, white=90)) < 0.3


def test_an_unknown_palette_is_neither_like_nor_unlike():
    assert palette_similarity(painted(red=100), ()) == palette_similarity((), ()) == 0.5


def test_many_palettes_are_compared_as_each_by_itself():
    one = painted(red=50, teal=50)
    others = [painted(red=100), (), painted(teal=40, black=30, beige=20, white=10), painted(teal=50, red=50)]
    paints = [[(swatch.hex, swatch.share) for swatch in palette] for palette in (one, *others)]
    assert palette_similarities(paints[0], paints[1:]).tolist() == pytest.approx(
        [palette_similarity(one, other) for other in others], abs=1e-12
    )
