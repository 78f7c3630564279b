"""Steps 3 to 9 of the developer guide run unchanged but for addresses and credentials, in all three languages.

Step 10 does in Python; what it says in JavaScript of signatures runs in the tests of webhooks.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from catalog.demo.pictures import render
from catalog.demo.products import DEMO_PRODUCTS
from trooply.testing.picture_server import PictureServer
from trooply.tests.e2e.samples import FUSION, read_samples

GUIDE = settings.BASE_DIR.parent / "shared/product/developer-portal.txt"
STEPS = (3, 4, 5, 6, 7, 8, FUSION, 9)
WEBHOOKS = 10
# What stands in the guide for everything with an @ in it: a file in curl, an email address elsewhere.
HIDDEN = "[email\N{NO-BREAK SPACE}protected]"

pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="the guide does not lie beside the project")


@pytest.fixture(scope="module")
def shop() -> Iterator[PictureServer]:
    """Somebody's web shop: the guide's pictures, and an address for callbacks."""
    pictures = {product.product_id: product.picture for product in DEMO_PRODUCTS}
    sneaker, dress, jacket = (
        next(picture for name, picture in pictures.items() if word in name) for word in ("sneaker", "dress", "jacket")
    )
    with PictureServer() as server:
        server.serve("/blue-sneaker.jpg", render(sneaker))
        server.serve("/query-sneaker.jpg", render(sneaker))
        server.serve("/red-dress.jpg", render(dress))
        server.serve("/dress.jpg", render(dress))
        server.serve("/blue-dress.jpg", render(pictures["demo-dress-blue"]))
        server.serve("/black-jacket.jpg", render(jacket))
        server.serve("/webhook", b"ok", content_type="text/plain")
        yield server


@pytest.fixture(scope="module")
def clothing(installation, shop) -> None:
    """Index what the guide's fusion search asks for: the shop files its dresses under another category."""
    dresses = {"red": 59.90, "blue": 64.90, "blue-couture": 640.00}
    with installation.api() as api:
        for name, price in dresses.items():
            metadata = {"name": f"The {name} dress", "category": "Clothing", "price": price}
            url = shop.url(f"/{name.removesuffix('-couture')}-dress.jpg")
            body = {"product_id": f"clothing-{name}", "image_url": url, "metadata": metadata}
            assert api.post("/v1/products", json=body).is_success


@pytest.fixture
def ready(installation, shop, clothing, tmp_path):
    """Return what turns a sample into one that runs here: addresses and credentials, and nothing else."""
    credentials = installation.credentials
    (tmp_path / "query-image.jpg").write_bytes(render(DEMO_PRODUCTS[0].picture))
    replacements = {
        "https://search.trooply.ai": installation.base_url,
        "https://example.com": shop.url(""),
        "https://your-server.com": shop.url(""),
        "YOUR_TOKEN": "YOUR_ACCESS_TOKEN",
        "YOUR_CLIENT_ID": credentials["client_id"],
        "YOUR_CLIENT_SECRET": credentials["client_secret"],
        "secureP@ssw0rd!": credentials["password"],
        f'-F "{HIDDEN}"': '-F "image=@query-image.jpg"',
        HIDDEN: credentials["email"],
    }

    def prepare(sample: str, **more: str) -> str:
        for old, new in (replacements | more).items():
            sample = sample.replace(old, new)
        return sample

    return prepare


@pytest.fixture
def token(installation) -> str:
    credentials = installation.credentials
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials["client_id"],
        "client_secret": credentials["client_secret"],
    }
    with installation.api() as api:
        del api.headers["Authorization"]
        access_token: str = api.post("/oauth/token", data=form).json()["access_token"]
    return access_token


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_guide_was_followed(output: str) -> None:
    """What the samples of Python and JavaScript print alike."""
    assert "Token obtained, expires in 3600s" in output
    assert "Logged in as Demo Shop" in output
    assert "Product image indexed successfully" in output
    assert "Status: completed" in output
    assert re.search(r"Found \d+ results in [\d.]+ms\n  \S+: [01]\.\d\d", output)
    assert re.search(r"Upload search found [1-9]\d* results", output)
    assert re.search(r"Found \d+ results in [\d.]+ms\n  \S+: [01]\.\d\d - .*dress\b", output, re.IGNORECASE)
    assert re.search(
        r"Hybrid search: [1-9]\d* results in [\d.]+ms\n(  (prod-001|demo-dress-\S+): [01]\.\d\d\n)+", output
    )


def test_python(ready, tmp_path):
    # The guide's second sample of step 8 calls its token by another name.
    named = {FUSION: "token = access_token\n"}
    script = "\n".join(named.get(step, "") + ready(read_samples(GUIDE, step).python) for step in STEPS)
    (tmp_path / "guide.py").write_text(script)
    output = run([sys.executable, "guide.py"], tmp_path)
    assert_guide_was_followed(output)
    assert re.search(r"Fusion: 2 results in [\d.]+ms", output)
    printed = dict(re.findall(r"^(Feedback recorded|Popular products|Analytics|Suggestions): (\{.*\})$", output, re.M))
    answers = {name: ast.literal_eval(text) for name, text in printed.items()}
    assert answers["Feedback recorded"] == {"status": "recorded"}
    shoe = next(product for product in answers["Popular products"]["products"] if product["product_id"] == "shoe-001")
    assert shoe["clicks"] >= 1
    assert answers["Analytics"]["conversion"].keys() >= {"clicks", "add_to_carts", "purchases"}
    assert isinstance(answers["Suggestions"]["suggestions"], list)


def test_webhooks_in_python(ready, token, tmp_path):
    script = f"access_token = {token!r}\n{ready(read_samples(GUIDE, WEBHOOKS).python)}"
    (tmp_path / "webhooks.py").write_text(script)
    output = run([sys.executable, "webhooks.py"], tmp_path)
    assert re.fullmatch(r"Webhook registered: wh_\w+\nActive webhooks: 1\nWebhook deleted\n", output)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js here")
def test_javascript(ready, token, tmp_path):
    browser = """
        import { readFileSync } from 'node:fs';
        const fileInput = { files: [new File([readFileSync('query-image.jpg')], 'query-image.jpg')] };
    """
    # The guide's second sample of step 8 calls its token by another name, and prints nothing.
    named = {FUSION: ("const token = accessToken;\n", "\nconsole.log(JSON.stringify(results));")}
    outputs = []
    for step in STEPS:
        signed_in = "" if step == STEPS[0] else f"const accessToken = '{token}';\n"
        before, after = named.get(step, ("", ""))
        script = browser + signed_in + before + ready(read_samples(GUIDE, step).javascript) + after
        (tmp_path / f"step{step}.mjs").write_text(script)
        outputs.append(run(["node", f"step{step}.mjs"], tmp_path))
    assert_guide_was_followed("".join(outputs))
    assert_blue_dress_is_best(outputs[-2])
    feedback, *others = re.findall(r"^(Feedback recorded|Popular products|Analytics|Suggestions): ", outputs[-1], re.M)
    assert (feedback, others) == ("Feedback recorded", ["Popular products", "Analytics", "Suggestions"])
    assert "Feedback recorded: { status: 'recorded' }" in outputs[-1]
    assert "product_id: 'shoe-001'" in outputs[-1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl(ready, token, tmp_path, installation):
    with installation.api() as api:
        jobs = api.get("/v1/jobs").json()["data"]
        job_id = next(job["job_id"] for job in jobs if job["status"] == "completed")
    personal = {"YOUR_ACCESS_TOKEN": token, "job-abc-123": job_id}
    outputs = []
    for step in STEPS:
        (tmp_path / f"step{step}.sh").write_text("set -e\n" + ready(read_samples(GUIDE, step).shell, **personal))
        outputs.append(run(["bash", f"step{step}.sh"], tmp_path))
    authenticate, index, bulk, by_image, by_text, hybrid, fusion, feedback = outputs
    assert authenticate.count('"token_type":"bearer"') == 2
    assert '"message":"Product image indexed successfully"' in index
    assert '"status":"processing","total":2' in bulk
    assert '"status":"completed"' in bulk
    assert by_image.count('"results":[{"product_id":') == 2
    assert '"results":[{"product_id":' in by_text
    assert '"results":[{"product_id":' in hybrid
    assert_blue_dress_is_best(fusion)
    assert feedback.startswith('{"status":"recorded"}{"products":[{"product_id":')
    assert '"total_searches":' in feedback
    assert '"suggestions":[' in feedback


def assert_blue_dress_is_best(output: str) -> None:
    """The answer to a red dress "like this but in blue", of clothing up to 150."""
    assert [result["product_id"] for result in json.loads(output)["results"]] == ["clothing-blue", "clothing-red"]
