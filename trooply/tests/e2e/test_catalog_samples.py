"""The examples of the Catalog API's document run unchanged but for addresses and the key, and answer as it shows."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from catalog.demo.pictures import render
from catalog.demo.products import DEMO_PRODUCTS
from trooply.testing.picture_server import PictureServer
from trooply.tests.e2e.samples import read_requests, read_responses

DOCUMENT = settings.BASE_DIR.parent / "shared/product/catalog-api.txt"
SECONDS_TO_EMBED = 60

pytestmark = [
    pytest.mark.skipif(not DOCUMENT.exists(), reason="the document does not lie beside the project"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here"),
]


@pytest.fixture(scope="module")
def shop() -> Iterator[PictureServer]:
    """Somebody's web shop with the pictures that the document names."""
    pictures = {product.product_id: product.picture for product in DEMO_PRODUCTS}
    with PictureServer() as server:
        server.serve("/jacket.jpg", render(pictures["demo-jacket-black"]))
        server.serve("/query.jpg", render(pictures["demo-jacket-black"]))
        server.serve("/boot.jpg", render(pictures["demo-boot-tan"]))
        yield server


@pytest.fixture
def send(installation, shop) -> Callable[..., Any]:
    """Run a curl command of the document here, and return the answer."""
    replacements = {
        "https://www.dupifyapp.com": installation.base_url,
        "https://example.com": shop.url(""),
        "YOUR_API_KEY": installation.credentials["api_key"],
    }

    def run(command: str) -> Any:
        for old, new in replacements.items():
            command = command.replace(old, new)
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    return run


def test_every_example_answers_as_the_document_shows(send, installation):
    upload, batch, search = read_requests(DOCUMENT)
    uploaded, found = read_responses(DOCUMENT)

    answer = send(upload)
    assert shape(answer) == shape(uploaded)
    assert (answer["external_id"], answer["status"], answer["embedding_status"]) == (
        "SKU-12345",
        "created",
        "processing",
    )

    boot = {
        "title": "Tan Boot",
        "image_url": "https://example.com/boot.jpg",
        "external_id": "SKU-2",
        "sku": "B-2",
        "description": "Laces up.",
        "brand": "Northpath",
        "category": "Footwear",
        "price": 149,
        "currency": "EUR",
        "product_url": "https://example.com/boot",
        "metadata": {"season": "winter"},
    }
    answer = send(batch.replace("[...]", json.dumps([boot])))
    assert [shape(result) for result in answer["results"]] == [shape(uploaded)]
    product = wait_until_embedded(installation, "SKU-2")
    assert {name: product[name] for name in boot.keys() - {"image_url", "product_url"}} == {
        name: boot[name] for name in boot.keys() - {"image_url", "product_url"}
    }

    wait_until_embedded(installation, "SKU-12345")
    answer = send(search)
    assert {name: kind for name, kind in shape(answer).items() if name != "results"} == {
        name: kind for name, kind in shape(found).items() if name != "results"
    }
    best = next(result for result in answer["results"] if result["external_id"] == "SKU-12345")
    assert shape(best) == shape(found["results"][0])
    assert best["title"] == "Classic Black Leather Jacket"
    assert best["similarity_score"] > 0.9
    assert len(answer["results"]) <= 20
    assert all(result["similarity_score"] >= 0.70 for result in answer["results"])


def wait_until_embedded(installation, external_id: str) -> dict[str, Any]:
    """Ask for a product, as the document advises, until its embedding is completed."""
    deadline = time.monotonic() + SECONDS_TO_EMBED
    with installation.api() as api:
        while True:
            product: dict[str, Any] = api.get(f"/v1/catalog/products/{external_id}").raise_for_status().json()
            if product["embedding_status"] == "completed":
                return product
            assert product["embedding_status"] in {"pending", "processing"}, product["embedding_error"]
            assert time.monotonic() < deadline, product
            time.sleep(0.2)


def shape(value: Any) -> Any:
    """Return the keys and types of an answer, without its values."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)
