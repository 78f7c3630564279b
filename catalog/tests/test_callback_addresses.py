"""Where a job may be told to report to."""

import pytest

from catalog.models import Job

PRODUCTS = {"products": [{"product_id": "shoe-001", "image_url": "https://shop.example/shoe.jpg"}]}
LINE = b'{"product_id": "shoe-001", "image_url": "https://shop.example/shoe.jpg"}\n'
REFUSED = [
    ("https://10.0.0.1/done", "not on the public internet"),
    ("https://shop.example:22/done", "Port 22 is not allowed"),
    ("https://bob:secret@shop.example/done", "Remove the user name and the password"),
    ("ftp://shop.example/done", "HTTPS addresses only"),
]


def start(client, door, url):
    if door == "bulk":
        return client.post("/v1/products/bulk", PRODUCTS | {"callback_url": url})
    return client.generic("POST", f"/v1/products/{door}?callback_url={url}", LINE, content_type="application/x-ndjson")


@pytest.mark.parametrize("door", ["bulk", "import", "sync"])
@pytest.mark.parametrize(("url", "words"), REFUSED)
def test_an_address_that_is_never_called_is_refused_at_once(owner, door, url, words):
    response = start(owner.client, door, url)
    assert response.status_code == 422, response.content
    (error,) = response.json()["errors"]
    assert error["field"] == "callback_url"
    assert words in error["message"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("door", ["bulk", "import", "sync"])
def test_encryption_is_asked_for_in_production(owner, settings, door):
    settings.DEBUG = settings.INSECURE_HTTP = False
    assert start(owner.client, door, "http://shop.example/done").status_code == 422


@pytest.mark.parametrize("door", ["bulk", "import", "sync"])
@pytest.mark.parametrize("url", ["", "https://shop.example/done", "http://127.0.0.1:5000/done"])
def test_others_are_taken_and_so_is_what_is_allowed_for_development(owner, settings, door, url):
    settings.FETCH_ALLOWED_HOSTS = ["127.0.0.1"]
    response = start(owner.client, door, url)
    assert response.status_code == 202, response.content
    assert Job.objects.get().callback_url == url
