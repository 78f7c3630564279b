import csv
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from catalog.feeds.formats import tables
from catalog.feeds.formats.detection import open_feed
from catalog.feeds.formats.entries import FeedError, FeedFormatError, FeedProduct, Format, Skipped
from catalog.feeds.formats.values import parse_amount, parse_availability, plain_text, split_addresses

FILES = Path(__file__).parent / "files"
CDN = "https://cdn.shop.example/files"
WP = "https://shop.example/wp-content"


def read(data, format_=None):
    """Return the format of a feed, its products by id, and what else it has."""
    content = (FILES / data).read_bytes() if isinstance(data, str) else data
    feed = open_feed(io.BytesIO(content), json.loads, format_)
    entries = list(feed.read())
    products = {entry.sent["product_id"]: entry.sent for entry in entries if isinstance(entry, FeedProduct)}
    return feed, products, [entry for entry in entries if not isinstance(entry, FeedProduct)]


def table(*rows, delimiter=",", encoding="utf-8"):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def test_a_shopify_product_is_one_with_the_range_of_its_prices():
    feed, products, _ = read("shopify.csv")
    assert feed.format is Format.SHOPIFY
    assert products["linen-dress"] == {
        "product_id": "linen-dress",
        "images": [f"{CDN}/linen-front.jpg?v=1", f"{CDN}/linen-back.jpg?v=2", f"{CDN}/linen-detail.jpg?v=3"],
        "metadata": {
            "name": "Linen Dress",
            "description": "Light & airy. Made in Portugal",
            "brand": "Maré",
            "category": "Dresses",
            "category_path": "Apparel & Accessories > Clothing > Dresses",
            "tags": ["summer", "linen"],
            "size": ["S", "M"],
            "price": 79.0,
            "price_range": {"min": 79.0, "max": 85.0},
            "stock_quantity": 2,
            "in_stock": True,
        },
    }
    assert products["mug"]["metadata"] == {
        "name": "Stoneware Mug",
        "brand": "Atelier Nord",
        "category": "Mugs",
        "price": 18.5,
        "sku": "MUG-1",
    }


def test_shopify_variants_with_pictures_of_their_own_are_products_of_one_parent():
    _, products, _ = read("shopify.csv")
    red, navy, raw = (products[key] for key in ("CB-RED", "canvas-bag-navy-blue-canvas", "CB-RAW"))
    assert [p["images"] for p in (red, navy, raw)] == [
        [f"{CDN}/bag-red.jpg"],
        [f"{CDN}/bag-navy.jpg"],
        [f"{CDN}/bag-group.jpg"],
    ]
    assert {p["metadata"]["parent_id"] for p in (red, navy, raw)} == {"canvas-bag"}
    assert [p["metadata"]["in_stock"] for p in (red, navy, raw)] == [True, False, True]
    assert red["metadata"] == {
        "name": "Canvas Bag (Red, Canvas)",
        "description": 'Room for everything, "even" a laptop.',
        "brand": "Maré",
        "category": "Bags",
        "color": "Red",
        "material": "Canvas",
        "price": 45.0,
        "sku": "CB-RED",
        "stock_quantity": 0,
        "in_stock": True,
        "parent_id": "canvas-bag",
    }
    assert "canvas-bag" not in products


def test_what_shopify_does_not_sell_is_skipped_with_the_reason():
    _, _, others = read("shopify.csv")
    assert others == [
        Skipped(10, "Its status is archived.", "old-scarf"),
        Skipped(11, "It is not published.", "hidden-hat"),
    ]


def test_the_newer_columns_of_shopify_are_known_too():
    feed, products, others = read("shopify_new.csv")
    assert feed.format is Format.SHOPIFY
    assert products["wool-beanie"] == {
        "product_id": "wool-beanie",
        "images": [f"{CDN}/beanie.jpg"],
        "metadata": {
            "name": "Wool Beanie",
            "description": "Warm.",
            "brand": "Atelier Nord",
            "category": "Hats",
            "tags": ["winter"],
            "price": 24.0,
            "regular_price": 30.0,
            "sku": "WB-1",
            "stock_quantity": 0,
            "in_stock": True,
        },
    }
    assert others == [Skipped(3, "Its status is draft.", "draft-beanie")]


def test_woocommerce_products_and_those_variations_that_look_different():
    feed, products, others = read("woocommerce.csv")
    assert feed.format is Format.WOOCOMMERCE
    assert products["hoodie"] == {
        "product_id": "hoodie",
        "images": [f"{WP}/hoodie.jpg", f"{WP}/hoodie-back.jpg"],
        "metadata": {
            "name": "Hoodie",
            "description": "Made of organic cotton.",
            "short_description": "Soft.",
            "category": "Hoodies",
            "category_path": "Clothing > Hoodies",
            "tags": ["warm", "organic"],
            "color": ["Blue", "Green"],
            "price": 39.5,
            "price_range": {"min": 39.5, "max": 45.0},
            "in_stock": True,
            "sku": "hoodie",
        },
    }
    blue = products["hoodie-blue"]
    assert blue["images"] == [f"{WP}/hoodie-blue.jpg"]
    assert {key: blue["metadata"][key] for key in ("name", "category", "color", "price", "parent_id", "tags")} == {
        "name": "Hoodie - Blue",
        "category": "Hoodies",
        "color": "Blue",
        "price": 45.0,
        "parent_id": "hoodie",
        "tags": ["warm", "organic"],
    }
    assert products["47"]["metadata"]["category_path"] == "Decor, Walls > Posters"
    assert products["50"]["metadata"]["parent_id"] == "49"
    assert others == [
        Skipped(4, "A variation without a picture of its own is found as its parent.", "hoodie-green"),
        Skipped(6, "It is not published.", "draft-cap"),
    ]


def test_google_merchant_rss():
    feed, products, others = read("google_rss.xml")
    assert (feed.format, feed.unit) == (Format.GOOGLE_MERCHANT, "item")
    assert products["TV-123"] == {
        "product_id": "TV-123",
        "images": [f"https://shop.example/{name}.jpg" for name in ("lamp", "lamp-2", "lamp-3")],
        "metadata": {
            "name": "Lamp & shade",
            "description": "Warm light",
            "url": "https://shop.example/lamp",
            "price": 99.0,
            "regular_price": 129.0,
            "currency": "EUR",
            "category": "Table lamps",
            "category_path": "Home > Lighting > Table lamps",
            "google_product_category": "594",
            "brand": "Lumo",
            "gtin": "0400638133393",
            "parent_id": "LAMP",
            "color": "Red",
            "in_stock": True,
        },
    }
    chair = products["CH-9"]["metadata"]
    assert (chair["price"], chair["currency"], chair["category"], chair["in_stock"]) == (1299.5, "CHF", "Chairs", False)
    assert others == [FeedError(2, "This item has no g:id.")]


def test_google_merchant_atom():
    _, products, _ = read("google_atom.xml")
    assert products == {
        "A1": {
            "product_id": "A1",
            "images": ["https://shop.example/vase.jpg"],
            "metadata": {
                "name": "Vase",
                "description": "Blown glass",
                "url": "https://shop.example/vase",
                "price": 35.0,
                "currency": "USD",
                "in_stock": True,
            },
        }
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "windows-1252"])
def test_a_csv_of_any_shop_in_any_encoding(encoding):
    text = (FILES / "german.csv").read_text()
    feed, products, others = read(text.encode(encoding))
    assert feed.format is Format.CSV
    assert products["ST-1"] == {
        "product_id": "ST-1",
        "images": [f"https://shop.example/{name}.jpg" for name in ("alma,neu", "a2", "a3")],
        "metadata": {
            "name": 'Stiefel "Alma"',
            "price": 1299.9,
            "currency": "EUR",
            "category": "Stiefel",
            "category_path": "Damen > Schuhe > Stiefel",
            "brand": "Fußwerk",
            "stock_quantity": 3,
            "in_stock": True,
            "color": "rot",
            "tags": ["leder", "winter"],
            "absatzhöhe": "7,5",
        },
    }
    assert products["ST-2"]["metadata"]["price"] == 69.0
    assert products["ST-2"]["metadata"]["regular_price"] == 89.0
    assert products["ST-6"]["metadata"]["availability"] == "nach Vereinbarung"
    assert [(error.line, error.product_id) for error in others] == [(5, "ST-3"), (6, ""), (7, "")]
    assert others[0].message == "price: 'auf Anfrage' is no price."


def test_columns_tell_what_becomes_of_them():
    feed, _, _ = read("german.csv")
    columns = {column.name: column.field for column in feed.columns}
    assert columns["Artikelnummer"] == "product_id"
    assert columns["Weitere Bilder"] == "images"
    assert columns["Verfügbarkeit"] == "metadata.in_stock"
    assert columns["Absatzhöhe"] == "metadata.absatzhöhe"


def test_an_id_goes_before_a_sku_which_stays_among_the_facts():
    _, products, _ = read(table(("sku", "id", "image"), ("S1", "1", "https://a.example/1.jpg")))
    assert products == {"1": {"product_id": "1", "images": ["https://a.example/1.jpg"], "metadata": {"sku": "S1"}}}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(delimiter):
    rows = (("id", "title", "image"), ("1", "Bag, red; new", "https://a.example/1.jpg"))
    _, products, _ = read(table(*rows, delimiter=delimiter))
    assert products["1"]["metadata"] == {"name": "Bag, red; new"}


def test_a_quotation_mark_that_is_never_closed_swallows_no_products_in_silence():
    data = b'id,title,image\n1,Bag,https://a.example/1.jpg\n2,"Cap,https://a.example/2.jpg\n3,Hat,https://a.example/3.jpg\n'
    _, products, others = read(data)
    assert list(products) == ["1"]
    assert [(error.line, error.product_id) for error in others] == [(3, "")]


def test_xml_that_breaks_off_tells_so():
    data = (FILES / "google_rss.xml").read_bytes()
    _, products, others = read(data[: data.index(b"<g:id>CH-9")])
    assert list(products) == ["TV-123"]
    assert isinstance(others[-1], FeedError)
    assert others[-1].product_id == ""


class CountedFile(io.BytesIO):
    """A file that counts what was read of it."""

    was_read = 0

    def read(self, size=-1):
        data = super().read(size)
        self.was_read += len(data)
        return data


def peak_of(data):
    """Return what a feed takes beside itself to be read, in bytes, and what is wrong with it."""
    file = io.BytesIO(data)
    tracemalloc.start()
    try:
        errors = [entry for entry in open_feed(file, json.loads).read() if isinstance(entry, FeedError)]
        return tracemalloc.get_traced_memory()[1], errors
    finally:
        tracemalloc.stop()


def shopify_rows(handle, count):
    return b"".join(b"%s,,%s,%d\n" % (handle, b"https://a.example/%d.jpg" % n, n) for n in range(count))


def woocommerce_rows(count):
    return b"".join(b"%d,variation,V%d,V,1,https://a.example/%d.jpg,A\n" % (n, n, n) for n in range(count))


@pytest.mark.parametrize(
    ("large", "product_id"),
    [
        (b"Handle,Title,Image Src,Image Position\nshirt,Shirt,,\n" + shopify_rows(b"shirt", 1_000), "shirt"),
        (b"ID,Type,SKU,Name,Published,Images,Parent\n1,variable,A,A,1,,\n" + woocommerce_rows(1_000), "A"),
    ],
)
def test_a_product_of_too_many_rows_is_told(monkeypatch, large, product_id):
    monkeypatch.setattr(tables, "MAX_GROUP_BYTES", 100_000)
    _, _, others = read(large)
    assert others == [FeedError(2, "This product has too many rows, or too long ones, to be read.", product_id)]


def test_a_product_after_one_that_is_too_large_is_read(monkeypatch):
    monkeypatch.setattr(tables, "MAX_GROUP_BYTES", 100_000)
    data = b"Handle,Title,Image Src,Image Position\n" + shopify_rows(b"shirt", 1_000)
    _, products, _ = read(data + b"hat,Hat,https://a.example/hat.jpg,1\n")
    assert products["hat"]["images"] == ["https://a.example/hat.jpg"]


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        (b"<note>x</note>" * 100_000, []),
        (b"<item><g>1</g>" + b"<note>x</note>" * 100_000, ["an element has more than 1 MB"]),
        (b"<note>" * 200_000, ["an element has more than 1 MB"]),
        (b"<note>" + b"x" * 1_200_000, ["an element has more than 1 MB"]),
    ],
)
def test_xml_without_items_or_with_endless_ones_takes_little_memory(inside, told):
    peak, errors = peak_of(b"<rss><channel>" + inside + (b"</channel></rss>" if not told else b""))
    assert [error.message for error in errors] == [f"From here on the file cannot be read: {why}." for why in told]
    assert peak < (64 if told else 2) * 1024**2


def test_a_row_that_does_not_end_is_told_and_not_read_whole():
    file = CountedFile(b"id,title,image\n1,Bag,https://a.example/1.jpg\n" + b"x," * 4_000_000)
    feed = open_feed(file, json.loads)
    before = file.was_read
    bag, error = feed.read()
    assert bag.sent["product_id"] == "1"
    assert (error.line, error.product_id) == (3, "")
    assert "it has more than 1,048,576 characters. Nothing after it was read." in error.message
    assert file.was_read - before < 2_000_000


def test_xml_cannot_make_us_expand_or_fetch_anything():
    bomb = b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss><channel><item><id>&a;</id></item></channel></rss>'
    with pytest.raises(FeedFormatError, match="no XML that we read"):
        read(bomb)


def test_ndjson_is_read_as_the_api_takes_it():
    product = {"product_id": "1", "image_url": "https://a.example/1.jpg"}
    feed, products, others = read(b"\xef\xbb\xbf" + json.dumps(product).encode() + b"\n\n[1]\n{\n")
    assert feed.format is Format.NDJSON
    assert products == {"1": product}
    assert [error.line for error in others] == [3, 4]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"PK\x03\x04rest", "spreadsheet or an archive. Save it as CSV"),
        (b"\x1f\x8brest", "compressed"),
        (b'[{"product_id": "1"}]', "JSON array. Write one object a line"),
        (b"<html><body></body></html>", "this is <html>"),
        (b"just words\nand more", "the first line is 'just words'"),
        (b"id," + b"x" * 200_000 + b",image\n1,a,b\n", "the first line cannot be read: field larger than field limit"),
        (b"id,image," * 500_000, "the first line cannot be read: it has more than 1,048,576 characters"),
        (b"id,image," * 1_000, "at most 1,000 columns; this one has 2,001"),
        (b"id,title\n1,Bag\n", "a column for the picture's address, called image_url, image_link.*has id, title"),
        (b"title,image\nBag,https://a.example/1.jpg\n", "a column for the product's id.*has title, image"),
    ],
)
def test_what_is_no_feed_is_told_what_was_expected_and_seen(data, told):
    with pytest.raises(FeedFormatError, match=told):
        read(data)


def test_a_format_may_be_said():
    _, products, _ = read(table(("Handle", "Title", "Image Src"), ("a", "A", f"{CDN}/a.jpg")), Format.CSV)
    assert products["a"]["images"] == [f"{CDN}/a.jpg"]


@pytest.mark.parametrize(
    ("text", "decimal_comma", "amount", "currency"),
    [
        ("19.99 EUR", False, 19.99, "EUR"),
        ("EUR 19,99", False, 19.99, "EUR"),
        ("€ 1.299,00", False, 1299.0, "EUR"),
        ("$1,299.00", False, 1299.0, "USD"),
        ("1 299,00 kr", False, 1299.0, ""),
        ("1\u00a0299,5 zł", False, 1299.5, "PLN"),
        ("CHF 1'299.50", False, 1299.5, "CHF"),
        ("1.299", True, 1299.0, ""),
        ("1.299", False, 1.299, ""),
        ("1,299", False, 1299.0, ""),
        ("1,299", True, 1.299, ""),
        ("12,-", False, 12.0, ""),
        ("1.234.567", False, 1234567.0, ""),
    ],
)
def test_amounts_are_read_as_shops_write_them(text, decimal_comma, amount, currency):
    assert parse_amount(text, decimal_comma=decimal_comma) == (amount, currency)


@pytest.mark.parametrize("text", ["", "free", "-5", "1.2.3", "EUR"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="is no price"):
        parse_amount(text)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("in_stock", True),
        ("In Stock", True),
        ("https://schema.org/InStock", True),
        ("backorder", True),
        ("out-of-stock", False),
        ("0", False),
        ("maybe", None),
    ],
)
def test_availability_is_read_as_shops_write_it(text, truth):
    assert parse_availability(text) is truth


def test_addresses_may_hold_commas():
    assert split_addresses("https://a.example/w_100,h_50/1.jpg, https://a.example/2.jpg|https://a.example/3.jpg") == [
        "https://a.example/w_100,h_50/1.jpg",
        "https://a.example/2.jpg",
        "https://a.example/3.jpg",
    ]


def test_texts_lose_their_tags_and_nothing_else():
    assert plain_text("<style>p {}</style><p>5 &lt; 6</p><p>Ends") == "5 < 6 Ends"
    assert plain_text("5 < 6 & 7") == "5 < 6 & 7"
