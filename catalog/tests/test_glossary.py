"""Names and queries in other languages, by our own words."""

import csv

import pytest

from catalog.demo.products import DEMO_PRODUCTS
from catalog.translation.queries import in_english, language_of
from catalog.translation.translators import GlossaryTranslator
from catalog.vocabulary.words import FOLDER, LANGUAGES, color_forms, quality_forms, thing_forms

# Many of these words are words of other languages too.
ENGLISH_QUERIES = [
    "red dress", "rose coat", "rose gold ring", "red robe", "robe", "rouge lipstick", "rouge", "polo shirt",
    "petite jeans", "lime green dress", "camel coat", "noir dress", "mini skirt", "chic bag", "grand piano",
    "slip dress", "body lotion", "jean jacket", "tan boots", "coat for winter", "tea pot", "mango",
    "dress without sleeves", "sofa", "banana", "orange juice", "gift for boys", "men in black t-shirt",
    "nude heels", "beach bag", "vest", "gilet", "beret", "string bikini", "tank top", "shorts", "cap",
    "rock t-shirt", "band t-shirt", "culottes", "rode microphone", "marine blue shirt", "hobo bag", "die cast",
    "hot pink pumps", "creme brulee bowl", "champagne glass", "cognac bag", "olive", "petrol", "corsage", "collar",
    "palazzo pants", "tartan", "clogs", "mule", "espadrilles", "pareo", "chaise longue", "banquette", "commode",
    "console table", "divan", "fauteuil", "lederhosen", "jersey", "kimono", "sombrero", "main",
]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "language", "english"),
    [
        ("rotes Kleid", "de", "red dress"),
        ("robe rouge", "fr", "red dress"),
        ("vestido rojo", "es", "red dress"),
        ("abito rosso", "it", "red dress"),
        ("vestido vermelho", "pt", "red dress"),
        ("rode jurk", "nl", "red dress"),
        ("czerwona sukienka", "pl", "red dress"),
        ("czerwoną sukienkę", "pl", "red dress"),
        ("zolta parasolka", "pl", "yellow umbrella"),
        ("rotes Sommerkleid mit Ärmeln", "de", "red summer dress with sleeves"),
        ("hellblaues Hemd", "de", "light blue shirt"),
        ("blusa de seda blanca", "es", "white silk blouse"),
        ("sac à main noir", "fr", "black handbag"),
        ("blaues Leinenhemd von Boss", "de", "blue linen shirt Boss"),
        ("braune Ledercouch", "de", "brown leather sofa"),
        ("mantel rojo", "es", "red tablecloth"),
        ("Mantel rot", "de", "red coat"),
    ],
)
def test_a_query_is_said_in_english(query, language, english):
    assert (language_of(query), in_english(query)) == (language, english)


@pytest.mark.parametrize("query", [product.metadata["name"] for product in DEMO_PRODUCTS] + ENGLISH_QUERIES)
def test_an_english_query_stays_as_it_is(query):
    assert in_english(query) == ""


@pytest.mark.parametrize(
    "query", ["", " ", "42", "xyzzy", "dress rot", "Kleid für die Hochzeit meiner Schwester im Mai"]
)
def test_nothing_is_guessed(query):
    assert in_english(query) == ""


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Red Summer Dress", "de", "Rotes Sommerkleid"),
        ("Red Summer Dress", "fr", "Robe rouge d'été"),
        ("Red Summer Dress", "es", "Vestido rojo de verano"),
        ("Red Summer Dress", "it", "Vestito rosso estivo"),
        ("Red Summer Dress", "pt", "Vestido vermelho de verão"),
        ("Red Summer Dress", "nl", "Rode zomerjurk"),
        ("Red Summer Dress", "pl", "Czerwona letnia sukienka"),
        ("White Cotton T-Shirt", "de", "Weißes T-Shirt aus Baumwolle"),
        ("Light Blue Shirt", "fr", "Chemise bleu clair"),
        ("Little Black Dress", "fr", "Petite robe noire"),
        ("Brown Leather Sandals", "pt", "Sandálias castanhas de couro"),
        ("dresses", "de", "Kleider"),
        ("Women > Dresses", "es", "Mujer > Vestidos"),
        ("Shoes & Boots", "nl", "Schoenen en laarzen"),
        ("Rotes Kleid", "fr", "Robe rouge"),
        ("Rotes Kleid", "en", "Red dress"),
        ("Rotes Kleid", "de", "Rotes Kleid"),
    ],
)
def test_a_name_is_said_in_another_language(text, language, said):
    assert GlossaryTranslator().translate([text], "auto", language) == [said]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Blubbering Dress", "de"),
        ("Silver Necklace with Blue Pendant", "pl"),
        ("Black and Gold Watch", "fr"),
        ("Home Decor", "de"),
        ("Red", "pl"),
        ("Red Teddy Bear", "de"),
        ("", "de"),
    ],
)
def test_what_cannot_be_said_well_is_not_said(text, language):
    said = GlossaryTranslator().translate([text], "en", language)
    assert said == ([None] if text != "Red" else ["Czerwony"])


def test_every_word_of_the_vocabulary_belongs_to_a_language():
    names = {thing.name for thing in thing_forms()}
    with (FOLDER / "genders.csv").open(encoding="utf-8", newline="") as file:
        assert {row["thing"] for row in csv.DictReader(file)} <= names
    for forms in (*thing_forms().values(), *quality_forms().values(), *color_forms().values()):
        assert forms.keys() == set(LANGUAGES)
        assert forms["en"]
