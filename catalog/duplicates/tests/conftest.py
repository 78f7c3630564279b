import pytest

from accounts.revisions import bump_revision


@pytest.fixture
def listener(owner):
    """Have somebody listen to these events of the owner's shop."""

    def listen(*events):
        owner.tenant.webhook_endpoints.create(url="https://shop.example/hook", events=list(events), secret="s" * 24)
        bump_revision(owner.tenant)

    return listen
