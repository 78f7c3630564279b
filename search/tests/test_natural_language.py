from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.models import Tenant
from accounts.revisions import bump_revision
from catalog.models import Product
from search import shop_words
from search.natural_language import Catalogue, EnumField, FieldCondition, Interpretation, Understood, interpret
from search.shop_words import catalogue_of

SHOP = Catalogue(
    categories=("Dresses", "Women > Shoes", "Jackets", "Phone Cases", "Watches", "Bags & Wallets"),
    brands=("Zara", "H&M", "Mango", "Levi's", "Gap", "Guess", "Nike"),
    currencies=("EUR",),
    fields=(EnumField("material", ("Leather", "Cotton", "Silk")), EnumField("shoe_size", ("38", "39", "40"))),
)

# A query, what of it the vector search gets, and everything else that it asks for.
QUERIES = [
    (
        "red dresses under $100 without stripes, size M, not Zara",
        "red dresses",
        "unlike stripes; price_max 100; currency USD; categories Dresses; colors red; excluded_brands Zara; sizes M",
    ),
    (
        "black dress, not too long, up to $1,200.50",
        "black dress",
        "unlike too long; price_max 1200.5; currency USD; categories Dresses; colors black",
    ),
    ("dress for less than 50 pounds", "dress", "price_max 50; currency GBP; categories Dresses"),
    ("jackets between $50 and $100", "jackets", "price_min 50; price_max 100; currency USD; categories Jackets"),
    ("dress from 20 to 40 euros", "dress", "price_min 20; price_max 40; currency EUR; categories Dresses"),
    ("jacket 50-100€", "jacket", "price_min 50; price_max 100; currency EUR; categories Jackets"),
    ("a dress for around 100 euros", "a dress", "price_min 80; price_max 120; currency EUR; categories Dresses"),
    ("$50 dress", "dress", "price_min 40; price_max 60; currency USD; categories Dresses"),
    ("dress 100 or less", "dress", "price_max 100; categories Dresses"),
    ("jackets €80+", "jackets", "price_min 80; currency EUR; categories Jackets"),
    ("dress max. 50€", "dress", "price_max 50; currency EUR; categories Dresses"),
    ("dress max 1'299.90 CHF", "dress", "price_max 1299.9; currency CHF; categories Dresses"),
    ("not over 100 euro", "", "price_max 100; currency EUR"),
    ("dress over 50 under 100", "dress", "price_min 50; price_max 100; categories Dresses"),
    ("cheap red dress", "cheap red dress", "categories Dresses; colors red"),
    ("cheapest nike shoes in stock", "shoes", "categories Women > Shoes; brands Nike; in_stock True; sort price_asc"),
    ("newest jackets", "jackets", "categories Jackets; sort newest"),
    ("show me shoes by H&M", "shoes", "categories Women > Shoes; brands H&M"),
    ("shoes not red or black", "shoes", "categories Women > Shoes; excluded_colors red, black"),
    ("anything but black shoes", "shoes", "categories Women > Shoes; excluded_colors black"),
    ("dress without red stripes", "dress", "unlike red stripes; categories Dresses"),
    ("dress without belt loops under 40", "dress", "unlike belt loops; price_max 40; categories Dresses"),
    ("dress -stripes -Zara", "dress", "unlike stripes; categories Dresses; excluded_brands Zara"),
    ("dark blue or green skirt", "dark blue or green skirt", "colors navy, green"),
    ("light blue dress, not dark blue", "light blue dress", "categories Dresses; colors blue; excluded_colors navy"),
    (
        "dark green cotton jacket, no leather",
        "dark green cotton jacket",
        "categories Jackets; colors green; fields material is Cotton, material is not Leather",
    ),
    ("white shirt with blue stripes", "white shirt with blue stripes", "colors white"),
    ("watch with leather strap", "watch with leather strap", "categories Watches"),
    ("watch strap", "watch strap", ""),
    ("orange juice", "orange juice", ""),
    ("orange dress", "orange dress", "categories Dresses; colors orange"),
    ("dress in orange", "dress in orange", "categories Dresses; colors orange"),
    ("rose gold ring", "rose gold ring", ""),
    ("black pepper", "black pepper", ""),
    ("green tea", "green tea", ""),
    ("wine glass", "wine glass", ""),
    ("red and orange", "red and orange", "colors red, orange"),
    ("jeans by gap", "jeans", "brands Gap"),
    ("gap between shoes", "gap between shoes", "categories Women > Shoes"),
    ("Gap jeans", "jeans", "brands Gap"),
    ("guess what", "guess what", ""),
    ("sneakers size 42 or 43 under 120", "sneakers", "price_max 120; categories Women > Shoes; sizes 42, 43"),
    ("shoes size 10 UK", "shoes", "categories Women > Shoes; sizes UK 10"),
    ("EU 42 sneakers", "sneakers", "categories Women > Shoes; sizes EU 42"),
    ("H & M dress XL", "dress", "categories Dresses; brands H&M; sizes XL"),
    ("W32 L34 levis jeans", "jeans", "brands Levi's; sizes W32 L34"),
    ("L-shaped sofa", "L-shaped sofa", ""),
    ("shoes 38", "shoes", "categories Women > Shoes; sizes 38"),
    ("iphone 15 phone case", "iphone 15 phone case", "categories Phone Cases"),
    ("rug between 50 and 80 cm", "rug between 50 and 80 cm", ""),
    ("over the knee boots", "over the knee boots", "categories Women > Shoes"),
    ("red heels Under 1e400", "red heels Under 1e400", "categories Women > Shoes; colors red"),
    (
        "blau Kleid unter 50 Euro ohne Streifen",
        "blau Kleid",
        "unlike Streifen; price_max 50; currency EUR; categories Dresses; colors blue",
    ),
    (
        "rotes Kleid in Größe 38, nicht von Zara",
        "rotes Kleid",
        "categories Dresses; colors red; excluded_brands Zara; sizes 38",
    ),
    (
        "Jacke zwischen 50 und 100 Euro, kein Leder",
        "Jacke",
        "price_min 50; price_max 100; currency EUR; categories Jackets; fields material is not Leather",
    ),
    (
        "schwarze Schuhe ohne Absatz ab 1.050,50 €",
        "schwarze Schuhe",
        "unlike Absatz; price_min 1050.5; currency EUR; categories Women > Shoes; colors black",
    ),
    (
        "ich suche ein dunkelblaues Kleid, höchstens 80 Euro, nicht kariert",
        "ein dunkelblaues Kleid",
        "unlike kariert; price_max 80; currency EUR; categories Dresses; colors navy",
    ),
    (
        "grüne oder blaue Jacke aus Baumwolle",
        "grüne oder blaue Jacke aus Baumwolle",
        "categories Jackets; colors green, blue; fields material is Cotton",
    ),
    ("günstigste Schuhe auf Lager", "Schuhe", "categories Women > Shoes; in_stock True; sort price_asc"),
    ("Orangensaft", "Orangensaft", ""),
    ("Kleid nicht über 60 €", "Kleid", "price_max 60; currency EUR; categories Dresses"),
    ("robe rouge moins de 80 €", "robe rouge", "price_max 80; currency EUR; categories Dresses; colors red"),
    (
        "je cherche une robe bleu marine entre 50 et 100 euros, taille M",
        "une robe bleu marine",
        "price_min 50; price_max 100; currency EUR; categories Dresses; colors navy; sizes M",
    ),
    (
        "chaussures noires sans talon, pas de Zara",
        "chaussures noires",
        "unlike talon; categories Women > Shoes; colors black; excluded_brands Zara",
    ),
    (
        "veste en cuir noire à partir de 1 000 €",
        "veste en cuir noire",
        "price_min 1000; currency EUR; categories Jackets; colors black; fields material is Leather",
    ),
    ("robe sans manches rouge", "robe rouge", "unlike manches; categories Dresses; colors red"),
    ("robe sans manches rouges", "robe", "unlike manches rouges; categories Dresses"),
    ("robe sans manches ni dentelle", "robe", "unlike manches, dentelle; categories Dresses"),
    ("vin rouge", "vin rouge", ""),
    (
        "vestido rojo menos de 50 euros sin rayas, talla M",
        "vestido rojo",
        "unlike rayas; price_max 50; currency EUR; categories Dresses; colors red; sizes M",
    ),
    (
        "vestido verde oscuro entre 20 y 40 euros",
        "vestido verde oscuro",
        "price_min 20; price_max 40; currency EUR; categories Dresses; colors green",
    ),
    ("zapatos que no sean negros", "zapatos", "categories Women > Shoes; excluded_colors black"),
    (
        "bolsos negros de Mango hasta 60 euros",
        "bolsos negros",
        "price_max 60; currency EUR; categories Bags & Wallets; colors black; brands Mango",
    ),
    (
        "chaqueta sin capucha, más de 100 €",
        "chaqueta",
        "unlike capucha; price_min 100; currency EUR; categories Jackets",
    ),
    ("medias de red", "medias de red", ""),
    ("vestito nero sotto i 100 euro", "vestito nero", "price_max 100; currency EUR; categories Dresses; colors black"),
    (
        "vestito rosso senza maniche, taglia M",
        "vestito rosso",
        "unlike maniche; categories Dresses; colors red; sizes M",
    ),
    (
        "scarpe nere tra 50 e 100 euro, non di Zara",
        "scarpe nere",
        "price_min 50; price_max 100; currency EUR; categories Women > Shoes; colors black; excluded_brands Zara",
    ),
    (
        "giacca di pelle meno di 200 €",
        "giacca di pelle",
        "price_max 200; currency EUR; categories Jackets; fields material is Leather",
    ),
    (
        "vestito blu scuro almeno 40 euro",
        "vestito blu scuro",
        "price_min 40; currency EUR; categories Dresses; colors navy",
    ),
    (
        "vestido vermelho até 50 euros sem listras, tamanho M",
        "vestido vermelho",
        "unlike listras; price_max 50; currency EUR; categories Dresses; colors red; sizes M",
    ),
    (
        "vestido preto sem mangas até R$ 200",
        "vestido preto",
        "unlike mangas; price_max 200; currency BRL; categories Dresses; colors black",
    ),
    (
        "sapatos vermelhos entre 50 e 100 reais, tamanho 38",
        "sapatos vermelhos",
        "price_min 50; price_max 100; currency BRL; categories Women > Shoes; colors red; sizes 38",
    ),
    ("vestido azul no máximo 60 euros", "vestido azul", "price_max 60; currency EUR; categories Dresses; colors blue"),
    ("vestido vermelho no estilo boho", "vestido vermelho no estilo boho", "categories Dresses; colors red"),
    (
        "rode jurk onder 50 euro zonder strepen of stippen, maat 38",
        "rode jurk",
        "unlike strepen, stippen; price_max 50; currency EUR; categories Dresses; colors red; sizes 38",
    ),
    (
        "zwarte schoenen zonder hak, maat 39",
        "zwarte schoenen",
        "unlike hak; categories Women > Shoes; colors black; sizes 39",
    ),
    (
        "jas tussen 50 en 100 euro, geen leer",
        "jas",
        "price_min 50; price_max 100; currency EUR; categories Jackets; fields material is not Leather",
    ),
    (
        "lichtblauwe jurk niet van Zara vanaf 30 euro",
        "lichtblauwe jurk",
        "price_min 30; currency EUR; categories Dresses; colors blue; excluded_brands Zara",
    ),
    ("a bag that isn't leather", "a bag", "categories Bags & Wallets; fields material is not Leather"),
    ("non-leather jacket", "jacket", "categories Jackets; fields material is not Leather"),
    ("leather jacket", "leather jacket", "categories Jackets; fields material is Leather"),
    ("dresses that are not size M or L", "dresses", "categories Dresses; excluded_sizes M, L"),
    (
        "something elegant for a wedding, not white, max 150",
        "something elegant for a wedding",
        "price_max 150; excluded_colors white",
    ),
    (
        "sofa, grey or beige, between 400 and 900 euros",
        "sofa, grey or beige",
        "price_min 400; price_max 900; currency EUR; colors grey, beige",
    ),
    ("wooden table 120 cm under 300", "wooden table 120 cm", "price_max 300"),
    (
        "I'm looking for a blue summer dress below 60 dollars",
        "a blue summer dress",
        "price_max 60; currency USD; categories Dresses; colors blue",
    ),
    (
        "Damenschuhe Gr. 39 für weniger als 80 Euro",
        "Damenschuhe",
        "price_max 80; currency EUR; categories Women > Shoes; sizes 39",
    ),
    (
        "Turnschuhe zwischen 30 und 60€",
        "Turnschuhe",
        "price_min 30; price_max 60; currency EUR; categories Women > Shoes",
    ),
    ("ein günstiges rotes Sofa", "ein günstiges rotes Sofa", "colors red"),
    (
        "baskets blanches homme pointure 43",
        "baskets blanches homme",
        "categories Women > Shoes; colors white; sizes 43",
    ),
    ("lunettes de soleil sauf noires", "lunettes de soleil", "excluded_colors black"),
    (
        "pantalones negros talla 42 por menos de 40 euros",
        "pantalones negros",
        "price_max 40; currency EUR; colors black; sizes 42",
    ),
    ("zapatillas Nike no blancas", "zapatillas", "categories Women > Shoes; excluded_colors white; brands Nike"),
    (
        "scarpe da ginnastica bianche numero 42",
        "scarpe da ginnastica bianche",
        "categories Women > Shoes; colors white; sizes 42",
    ),
    (
        "calça preta tamanho 40 por menos de 150 reais",
        "calça preta",
        "price_max 150; currency BRL; colors black; sizes 40",
    ),
    ("tênis branco sem cadarço", "tênis branco", "unlike cadarço; categories Women > Shoes; colors white"),
    (
        "witte sneakers van Nike tussen 50 en 90 euro",
        "witte sneakers",
        "price_min 50; price_max 90; currency EUR; categories Women > Shoes; colors white; brands Nike",
    ),
    ("trui zonder capuchon, grijs of blauw", "trui grijs of blauw", "unlike capuchon; colors grey, blue"),
]

HOSTILE = [
    "\u0301" * 10_000,
    "\u202e\u200f" * 5_000,
    "\x00dress\x00" * 2_000,
    "\ud800dress",
    "$" * 10_000,
    "under $" * 2_000,
    "1e400 " * 2_000,
    "under " + "9" * 400,
    "1,1." * 3_000,
    "a'" * 5_000,
    "h." * 5_000,
    "de " * 4_000,
    "not a " * 2_000,
    "between 1 and " * 1_000,
    "size M or " * 1_000,
    "🧥👗" * 3_000,
    "٣٣٣ €",
    "²³ €",
    "(((((((((((((((((((((",
    "",
    " ",
]


def asked(interpretation):
    values = {name: value for name, value in interpretation.to_json().items() if name not in ("words", "understood")}
    return "; ".join(f"{name} {shown(value)}" for name, value in values.items())


def shown(value):
    match value:
        case list():
            return ", ".join(map(shown, value))
        case {"name": name, "value": chosen, "excluded": excluded}:
            return f"{name} {'is not' if excluded else 'is'} {chosen}"
        case float():
            return f"{value:g}"
    return str(value)


@pytest.mark.parametrize(("query", "words", "asks"), QUERIES, ids=[query for query, _, _ in QUERIES])
def test_a_query_is_understood(query, words, asks):
    interpretation = interpret(query, SHOP)

    assert interpretation.words == words
    assert asked(interpretation) == asks


def test_values_come_as_filters_need_them():
    interpretation = interpret("red silk dresses under $99.90 without stripes, size M, not Zara", SHOP)

    assert replace(interpretation, understood=()) == Interpretation(
        words="red silk dresses",
        unlike=("stripes",),
        price_max=Decimal("99.90"),
        currency="USD",
        categories=("Dresses",),
        colors=("red",),
        excluded_brands=("Zara",),
        sizes=("M",),
        fields=(FieldCondition("material", "Silk"),),
    )


def test_an_answer_explains_itself():
    assert interpret("show me red shoes, size 38 and under 50", SHOP).to_json() == {
        "words": "red shoes",
        "price_max": 50.0,
        "categories": ["Women > Shoes"],
        "colors": ["red"],
        "sizes": ["38"],
        "understood": [
            {"phrase": "show me", "meaning": "asks for products"},
            {"phrase": "red", "meaning": "colour red"},
            {"phrase": "shoes", "meaning": "category Women > Shoes"},
            {"phrase": "size 38", "meaning": "size 38"},
            {"phrase": "and under 50", "meaning": "price at most 50"},
        ],
    }


@pytest.mark.parametrize("query", [query for query, _, _ in QUERIES])
def test_no_word_is_lost(query):
    interpretation = interpret(query, SHOP)

    accounted = " ".join([interpretation.words, *(part.phrase for part in interpretation.understood)])
    assert [word for word in query.replace(",", " ").split() if word not in accounted] == []


@pytest.mark.parametrize("text", HOSTILE, ids=[ascii(text[:12]) for text in HOSTILE])
def test_hostile_text_is_read_to_its_500th_character(text):
    interpretation = interpret(text, SHOP)

    assert interpretation == interpret(text[:500], SHOP)
    interpretation.words.encode()


@pytest.mark.parametrize("text", ["show me", "without", "???", "not"])
def test_what_asks_for_nothing_is_searched_as_it_is(text):
    assert interpret(text, SHOP) == Interpretation(words=text)


def test_only_what_the_shop_has_becomes_a_filter():
    interpretation = interpret("Kleid von Zara aus Leder, nicht Mango", Catalogue())

    assert interpretation == Interpretation(
        words="Kleid von Zara aus Leder",
        unlike=("Mango",),
        understood=(Understood("nicht Mango", "unlike Mango"),),
    )


@pytest.mark.parametrize(
    ("currencies", "query", "currency"),
    [
        ((), "under $50", "USD"),
        (("EUR", "CAD"), "under $50", "CAD"),
        (("DKK",), "under 500 kr", "DKK"),
        (("CAD",), "under 50 USD", "USD"),
        (("EUR",), "under 50", ""),
    ],
)
def test_a_sign_of_several_currencies_means_the_shops_own(currencies, query, currency):
    assert interpret(query, Catalogue(currencies=currencies)).currency == currency


@pytest.mark.parametrize(
    ("categories", "query", "found"),
    [
        (("Sneakers", "Boots", "Hats"), "shoes", ("Sneakers", "Boots")),
        (("Jackets", "Hats"), "Lederjacke", ("Jackets",)),
        (("Jackets", "Leather jackets"), "Lederjacke", ("Leather jackets",)),
        (("Robes", "Chaussures"), "red dress", ("Robes",)),
        (("Women > Dresses", "Kids > Dresses"), "dress", ("Women > Dresses", "Kids > Dresses")),
        (("Gizmos",), "a blue gizmo", ("Gizmos",)),
        (("Belts",), "dress with a belt", ()),
        (("Shoes",), "rack for shoes", ()),
    ],
)
def test_a_category_is_found_by_what_it_holds(categories, query, found):
    assert interpret(query, Catalogue(categories=categories)).categories == found


def test_a_shops_words_are_read_from_its_products_and_fields(tenant, stranger, django_assert_num_queries):
    add_product(tenant, "1", category="Dresses", brand="Zara", currency="EUR")
    add_product(tenant, "2", category="Shoes", brand="Zara", currency="EUR")
    add_product(tenant, "3", category="Broken", status=Product.Status.FAILED)
    add_product(stranger.tenant, "1", category="Secret", brand="Secret")
    tenant.custom_fields.create(key="material", type="enum", enum_values=["Silk"])
    tenant.custom_fields.create(key="weight", type="number")
    tenant.custom_fields.create(key="season", type="enum", enum_values=["Summer"], filterable=False)
    bump_revision(tenant)

    tenant = Tenant.objects.get(pk=tenant.pk)
    expected = Catalogue(("Dresses", "Shoes"), ("Zara",), ("EUR",), (EnumField("material", ("Silk",)),))
    assert catalogue_of(tenant) == expected
    with django_assert_num_queries(0):
        assert catalogue_of(tenant) == expected


def test_new_products_bring_new_words_after_a_minute(tenant, monkeypatch):
    assert catalogue_of(tenant).brands == ()
    add_product(tenant, "1", brand="Zara")
    assert catalogue_of(tenant).brands == ()

    monkeypatch.setattr(shop_words, "LIFETIME_SECONDS", -1)
    assert catalogue_of(tenant).brands == ("Zara",)


def add_product(tenant, product_id, *, status=Product.Status.INDEXED, **columns):
    Product.objects.create(tenant=tenant, product_id=product_id, image_urls=[], status=status, **columns)
