import pytest
from django.db import transaction

from accounts.models import Tenant
from accounts.revisions import bump_revision, until_changed


@pytest.fixture
def configured():
    """What is configured, and a function that remembers it."""
    texts = ["old"]

    @until_changed
    def read(tenant):
        return texts[0]

    return texts, read


def test_it_is_read_anew_when_the_revision_changes_and_not_before(tenant, configured):
    texts, read = configured
    assert read(tenant) == "old"
    texts[0] = "new"
    assert read(tenant) == "old"
    bump_revision(Tenant.objects.get(pk=tenant.pk))
    assert read(Tenant.objects.get(pk=tenant.pk)) == "new"


def test_what_is_rolled_back_is_not_remembered(tenant, configured):
    texts, read = configured
    with transaction.atomic():
        bump_revision(tenant)
        texts[0] = "rolled back"
        assert read(tenant) == "rolled back"
        transaction.set_rollback(True)
    texts[0] = "committed"
    bump_revision(Tenant.objects.get(pk=tenant.pk))
    assert read(Tenant.objects.get(pk=tenant.pk)) == "committed"
