import pytest
from django.db import IntegrityError, transaction

from accounts.models import Tenant
from conftest import signed_in
from search.configuration.config import Config, config_of, threshold_rule
from search.models import SearchConfig
from search.ranking import Weights

URL = "/v1/search-config"
DEFAULTS = {
    "visual_similarity": 57.0,
    "product_type": 23.0,
    "popularity": 5.0,
    "category_match": 5.0,
    "shape": 5.0,
    "color": 5.0,
}
LOOKS = {**dict.fromkeys(DEFAULTS, 0.0), "visual_similarity": 66.7, "color": 33.3}


def test_a_tenant_without_a_config_has_the_defaults(owner):
    assert owner.client.get(URL).json() == {
        "weights": DEFAULTS,
        "default_threshold": None,
        "smart_threshold_enabled": True,
    }
    assert config_of(owner.tenant) == Config(Weights(57, 23, 5, 5, 5, 5))


def test_a_config_is_replaced_as_a_whole(owner):
    owner.client.put(URL, {"weights": DEFAULTS, "default_threshold": 0.4, "smart_threshold_enabled": False})
    response = owner.client.put(URL, {"weights": LOOKS})
    assert response.status_code == 200
    assert response.json() == {"weights": LOOKS, "default_threshold": None, "smart_threshold_enabled": True}
    assert owner.client.get(URL).json() == response.json()


def test_a_part_of_it_is_changed_and_the_rest_stays(owner):
    owner.client.put(URL, {"weights": LOOKS, "default_threshold": 0.4})
    response = owner.client.patch(URL, {"weights": {"visual_similarity": 60, "shape": "6.7"}})
    assert response.json() == {
        "weights": LOOKS | {"visual_similarity": 60.0, "shape": 6.7},
        "default_threshold": 0.4,
        "smart_threshold_enabled": True,
    }


@pytest.mark.parametrize(
    ("method", "weights", "total"),
    [
        ("put", DEFAULTS | {"color": 4.5}, "99.5"),
        ("put", DEFAULTS | {"shape": 100}, "195"),
        ("patch", {"shape": 0}, "95"),
    ],
)
def test_weights_must_total_100(owner, method, weights, total):
    response = getattr(owner.client, method)(URL, {"weights": weights})
    assert response.status_code == 422
    assert response.json()["error"] == "weights_must_total_100"
    assert response.json()["message"] == f"The weights total {total}; they must total 100."
    assert not SearchConfig.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"weights": DEFAULTS | {"color": -5, "shape": 15}}, "weights.color"),
        ({"weights": DEFAULTS | {"color": 105}}, "weights.color"),
        ({"weights": DEFAULTS | {"color": "NaN"}}, "weights.color"),
        ({"weights": DEFAULTS | {"color": 5.001}}, "weights.color"),
        ({"weights": DEFAULTS | {"colour": 5}}, "weights.colour"),
        ({"weights": {"color": 100}}, "weights.visual_similarity"),
        ({"weights": []}, "weights"),
        ({}, "weights"),
        ({"weights": DEFAULTS, "default_threshold": 1.1}, "default_threshold"),
        ({"weights": DEFAULTS, "default_threshold": "nan"}, "default_threshold"),
        ({"weights": DEFAULTS, "smart_threshold_enabled": None}, "smart_threshold_enabled"),
    ],
)
def test_what_is_wrong_is_named(owner, body, field):
    response = owner.client.put(URL, body)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.json()["errors"]]
    assert not SearchConfig.objects.exists()


def test_of_two_merchandisers_the_second_notices_the_first(owner):
    read = owner.client.get(URL).headers["ETag"]
    first = owner.client.put(URL, {"weights": LOOKS}, headers={"If-Match": read})
    second = owner.client.patch(URL, {"default_threshold": 0.9}, headers={"If-Match": read})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["error"] == "precondition_failed"
    assert owner.client.get(URL).json() == first.json()
    again = owner.client.patch(URL, {"default_threshold": 0.9}, headers={"If-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.headers["ETag"] not in (read, first.headers["ETag"])


@pytest.mark.parametrize(
    ("form", "status"), [("{}", 200), ("W/{}", 200), ('"other", {}', 200), ("*", 200), ('"other"', 412), ("other", 412)]
)
def test_an_etag_counts_in_every_form_that_http_gives_it(owner, form, status):
    etag = owner.client.get(URL).headers["ETag"]
    response = owner.client.patch(URL, {"default_threshold": 0.9}, headers={"If-Match": form.format(etag)})
    assert response.status_code == status


def test_a_search_reads_it_without_a_query_until_it_is_changed(owner, django_assert_num_queries):
    config_of(owner.tenant)
    with django_assert_num_queries(0):
        assert config_of(owner.tenant).default_threshold is None
    owner.client.patch(URL, {"default_threshold": 0.25})
    tenant = Tenant.objects.get(pk=owner.tenant.pk)
    assert tenant.revision == owner.tenant.revision + 1
    assert config_of(tenant) == Config(Weights(), 0.25)


def test_one_tenants_config_is_not_anothers(owner, stranger):
    owner.client.put(URL, {"weights": LOOKS})
    assert stranger.client.get(URL).json()["weights"] == DEFAULTS


def test_it_requires_permissions(owner, reader):
    assert reader.client.get(URL).status_code == 403
    group = reader.user.user_groups.get()
    group.permissions = ["settings:read"]
    group.save()
    client = signed_in(reader.user)
    assert client.get(URL).status_code == 200
    assert client.put(URL, {"weights": LOOKS}).status_code == 403
    assert client.patch(URL, {"default_threshold": 0.1}).status_code == 403
    assert not SearchConfig.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [{"color": 6}, {"color": -5, "shape": 15}, {"default_threshold": 1.5}, {"default_threshold": float("nan")}],
)
def test_the_database_holds_no_config_that_makes_no_sense(tenant, fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        SearchConfig.objects.create(tenant=tenant, **DEFAULTS | fields)


@pytest.mark.parametrize(
    ("config", "query", "expected"),
    [
        (Config(default_threshold=0.4), 0.2, 0.2),
        (Config(default_threshold=0.4), 0.0, 0.0),
        (Config(default_threshold=0.4), "auto", None),
        (Config(default_threshold=0.4), None, 0.4),
        (Config(default_threshold=0.0), None, 0.0),
        (Config(), None, None),
        (Config(smart_threshold_enabled=False), None, 0.0),
        (Config(smart_threshold_enabled=False), "auto", None),
    ],
)
def test_the_query_goes_before_the_default_and_that_before_the_smart_threshold(config, query, expected):
    assert threshold_rule(config, query) == expected
