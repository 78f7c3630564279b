"""Finishing a rotation of SECRET_KEY."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import CallbackSecret, WebhookEndpoint


@pytest.fixture
def endpoint(tenant, settings):
    """An endpoint whose secrets were saved under a key that is now a fallback, beside such a secret of callbacks."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    CallbackSecret.objects.create(tenant=tenant, secret="of-callbacks")
    endpoint = tenant.webhook_endpoints.create(
        url="https://example.com/", events=["*"], secret="present", previous_secret="previous"
    )
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    return endpoint


def secrets_of(endpoint):
    endpoint = WebhookEndpoint.objects.get(pk=endpoint.pk)
    return endpoint.secret, endpoint.previous_secret, CallbackSecret.objects.get(tenant=endpoint.tenant_id).secret


def test_afterwards_nothing_needs_the_old_key(endpoint, settings, capsys):
    call_command("reencrypt_secrets")
    settings.SECRET_KEY_FALLBACKS = []
    assert secrets_of(endpoint) == ("present", "previous", "of-callbacks")
    assert "accounts.WebhookEndpoint: 1 encrypted anew, 0 cannot be read" in capsys.readouterr().out


def test_a_dry_run_changes_nothing(endpoint, settings, capsys):
    call_command("reencrypt_secrets", "--dry-run")
    assert "accounts.CallbackSecret: 1 can be read, 0 cannot be read" in capsys.readouterr().out
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    assert secrets_of(endpoint) == ("present", "previous", "of-callbacks")


def test_what_cannot_be_read_is_told_and_holds_up_nothing(endpoint, tenant, settings, capsys):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "lost", []
    lost = tenant.webhook_endpoints.create(url="https://example.com/", events=["*"], secret="gone")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["old"]
    with pytest.raises(CommandError, match=r"^1 rows have secrets"):
        call_command("reencrypt_secrets")
    assert f"accounts.WebhookEndpoint {lost.pk}: cannot be read" in capsys.readouterr().err
    settings.SECRET_KEY_FALLBACKS = []
    assert secrets_of(endpoint) == ("present", "previous", "of-callbacks")
