"""Our signatures, verified by the sources' own samples, by ours and by the library of Standard Webhooks."""

import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Tenant, WebhookEndpoint
from accounts.webhooks.delivery import deliver_due
from accounts.webhooks.events import EventType, record_event
from accounts.webhooks.samples import NODE, PYTHON
from accounts.webhooks.signing import new_secret
from trooply.testing.webhook_receiver import WebhookReceiver

SAMPLE = "whsec_your_hmac_secret_here"
SHORTEST = "your-hmac-secret"
SECRETS = [SAMPLE, SHORTEST, *("whsec_" + base64.b64encode(b"k" * size).decode() for size in (24, 32))]
GUIDE = settings.BASE_DIR.parent / "shared/product/developer-portal.txt"
RUN_NODE = """
{sample}
const [body, signature, secret] = JSON.parse(require('fs').readFileSync(0));
console.log({function}(Buffer.from(body, 'base64'), signature, secret));
"""


@pytest.fixture
def receiver(settings):
    with WebhookReceiver() as server:
        settings.FETCH_ALLOWED_HOSTS = [server.host]
        yield server


@pytest.fixture
def receive(tenant, receiver):
    """Deliver one event to an endpoint with this secret and return the request."""

    def run(secret, **fields):
        WebhookEndpoint.objects.all().delete()
        tenant.webhook_endpoints.create(url=receiver.url(), events=["*"], secret=secret, **fields)
        fresh = Tenant.objects.get(pk=tenant.pk)
        fresh.is_changing = True
        record_event(fresh, EventType.PRODUCT_DELETED, {"product_id": "Größe-42 ✓"})
        deliver_due()
        return receiver.received[-1]

    return run


def guide_sample(pattern):
    """Return a sample of the developer portal's guide, as it stands there."""
    return re.search(pattern, GUIDE.read_text(), re.MULTILINE | re.DOTALL)[0]


def library(secret):
    return Webhook(secret if secret.startswith("whsec_") and secret != SAMPLE else secret.encode())


@pytest.mark.skipif(not GUIDE.exists(), reason="the guide is not here")
@pytest.mark.parametrize("secret", SECRETS)
def test_the_guides_python_sample_verifies(receive, secret):
    names = {"hmac": hmac, "hashlib": hashlib}
    exec(guide_sample(r"^def verify_webhook.*?, signature\)$"), names)
    request = receive(secret)
    signature = request.headers["X-Webhook-Signature"]
    assert names["verify_webhook"](request.body, signature, secret) is True
    assert names["verify_webhook"](request.body + b" ", signature, secret) is False
    assert names["verify_webhook"](request.body, signature, secret + "!") is False


@pytest.mark.skipif(shutil.which("node") is None or not GUIDE.exists(), reason="there is no Node here")
@pytest.mark.parametrize("secret", SECRETS)
def test_the_guides_node_sample_verifies(receive, secret):
    sample = guide_sample(r"^const crypto = require\('crypto'\);\nfunction verifyWebhook.*?^}$")
    request = receive(secret)
    signature = request.headers["X-Webhook-Signature"]
    assert run_node(sample, "verifyWebhook", request.body, signature, secret) == "true"
    assert run_node(sample, "verifyWebhook", request.body + b" ", signature, secret) == "false"


@pytest.mark.parametrize("secret", SECRETS)
def test_our_python_sample_verifies_and_refuses(receive, secret):
    names = {}
    exec(PYTHON, names)
    request = receive(secret)
    signature = request.headers["X-Webhook-Signature"]
    assert names["is_from_trooply"](request.body, signature, secret) is True
    for wrong in ("", "sha256=", "sha256=ü", signature[:-1] + "x"):
        assert names["is_from_trooply"](request.body, wrong, secret) is False


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_our_node_sample_verifies_and_does_not_throw(receive):
    request = receive(SAMPLE)
    signature = request.headers["X-Webhook-Signature"]
    assert run_node(NODE, "isFromTrooply", request.body, signature, SAMPLE) == "true"
    for wrong in ("", "sha256=short", signature[:-1] + "x"):
        assert run_node(NODE, "isFromTrooply", request.body, wrong, SAMPLE) == "false"


@pytest.mark.parametrize("secret", SECRETS)
def test_the_library_of_standard_webhooks_verifies(receive, secret):
    request = receive(secret)
    verified = library(secret).verify(request.body, dict(request.headers))
    assert verified == request.payload
    with pytest.raises(WebhookVerificationError):
        library(secret).verify(request.body + b" ", dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        library(new_secret()).verify(request.body, dict(request.headers))


def test_while_a_secret_is_rotated_both_verify(receive):
    old, new = new_secret(), new_secret()
    later = timezone.now() + timedelta(hours=1)
    request = receive(new, previous_secret=old, previous_secret_expires_at=later)
    for secret in (old, new):
        library(secret).verify(request.body, dict(request.headers))
    assert (
        request.headers["X-Webhook-Signature"] == f"sha256={hmac.new(new.encode(), request.body, 'sha256').hexdigest()}"
    )


def test_after_the_overlap_only_the_new_one_verifies(receive):
    old, new = new_secret(), new_secret()
    request = receive(new, previous_secret=old, previous_secret_expires_at=timezone.now())
    library(new).verify(request.body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        library(old).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(("body", "signers"), [({}, 2), ({"overlap_hours": 72}, 2), ({"overlap_hours": 0}, 1)])
def test_rotation_by_the_api_has_both_sign_for_a_while(owner, receiver, body, signers):
    created = owner.client.post("/v1/search/webhooks", {"url": receiver.url(), "events": ["*"]}).json()
    rotated = owner.client.post(f"/v1/search/webhooks/{created['id']}/rotate-secret", body).json()
    owner.client.post(f"/v1/search/webhooks/{created['id']}/test")
    (request,) = receiver.received
    assert len(request.headers["webhook-signature"].split()) == signers
    library(rotated["secret"]).verify(request.body, dict(request.headers))
    assert (rotated["previous_secret_expires_at"] is not None) is (signers == 2)


def test_an_overlap_has_its_bounds(owner, receiver):
    created = owner.client.post("/v1/search/webhooks", {"url": receiver.url(), "events": ["*"]}).json()
    for hours in (-1, 73):
        response = owner.client.post(f"/v1/search/webhooks/{created['id']}/rotate-secret", {"overlap_hours": hours})
        assert response.status_code == 422


def run_node(sample, function, body, signature, secret):
    program = RUN_NODE.format(sample=sample, function=function)
    asked = json.dumps([base64.b64encode(body).decode(), signature, secret])
    return subprocess.run(
        [shutil.which("node"), "-e", program], input=asked, capture_output=True, text=True, check=True
    ).stdout.strip()
