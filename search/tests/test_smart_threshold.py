import pytest

from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder
from catalog.models import RelevanceCalibration
from catalog.relevance import relevance_of
from catalog.tests.test_relevance import stock
from search.configuration.config import config_of
from search.models import SearchConfig

URL = "/v1/search-config/smart-threshold"


@pytest.fixture
def encoder(db):
    return active_encoder()


def test_a_catalogue_recommends_its_own_threshold(owner, encoder):
    stock(owner.tenant, 60)
    usual = heads_of(encoder).relevance
    body = owner.client.post(URL, {}).json()
    own = relevance_of(owner.tenant, encoder)
    rows = RelevanceCalibration.objects.filter(tenant=owner.tenant)
    assert own != usual
    assert body["recommended"] == {"text": round(own.text.threshold, 4), "image": round(own.image.threshold, 4)}
    assert body["current"] == {"text": round(usual.text.threshold, 4), "image": round(usual.image.threshold, 4)}
    assert body["is_own"] == {"text": True, "image": True}
    assert body["sample_size"] == sum(row.scores for row in rows)
    assert body["computed_at"] is not None
    assert len(body["distribution"]["edges"]) == 25
    for mode in ("text", "image"):
        told = body["distribution"][mode]
        assert len(told["hits"]) == len(told["misses"]) == 24
        assert sum(told["hits"]) == pytest.approx(1, abs=0.01)
        assert sum(told["misses"]) == pytest.approx(1, abs=0.01)


def test_it_is_computed_anew_each_time(owner, encoder):
    stock(owner.tenant, 30)
    first = owner.client.post(URL, {}).json()
    stock(owner.tenant, 20, start=30)
    second = owner.client.post(URL, {}).json()
    assert second["computed_at"] > first["computed_at"]
    assert second["sample_size"] > first["sample_size"]
    assert second["current"] == first["recommended"]
    assert second["recommended"] != first["recommended"]


def test_a_repeated_request_gets_the_first_answer_to_the_letter(owner, encoder):
    stock(owner.tenant, 30)
    first, second = (owner.client.post(URL, {}, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert first.json()["computed_at"] is not None
    assert second.json() == first.json()


def test_a_catalogue_too_small_to_tell_gets_that_of_the_demo_shop(owner, encoder):
    stock(owner.tenant, 19)
    usual = heads_of(encoder).relevance
    body = owner.client.post(URL, {}).json()
    assert body["recommended"] == {"text": round(usual.text.threshold, 4), "image": round(usual.image.threshold, 4)}
    assert (body["is_own"], body["computed_at"]) == ({"text": False, "image": False}, None)
    assert not RelevanceCalibration.objects.exists()


@pytest.mark.parametrize(
    ("body", "applied", "default_threshold", "enabled"),
    [({}, False, 0.4, False), ({"apply": False}, False, 0.4, False), ({"apply": True}, True, None, True)],
)
def test_it_is_put_to_use_when_told(owner, encoder, body, applied, default_threshold, enabled):
    owner.client.patch("/v1/search-config", {"default_threshold": 0.4, "smart_threshold_enabled": False})
    answer = owner.client.post(URL, body).json()
    assert answer["applied"] is applied
    assert answer["current"] == {"text": 0.4, "image": 0.4}
    owner.tenant.refresh_from_db()
    config = config_of(owner.tenant)
    assert (config.default_threshold, config.smart_threshold_enabled) == (default_threshold, enabled)


def test_it_requires_a_permission(reader):
    assert reader.client.post(URL, {"apply": True}).status_code == 403
    assert not SearchConfig.objects.exists()
