import pytest
from django.test import Client

from accounts.models import User
from catalog.models import RelevanceCalibration
from catalog.tests.test_relevance import stock
from conftest import PASSWORD
from search.configuration.config import Config, change_config, config_of, etag_of
from search.models import SearchConfig
from search.ranking import Weights
from search.tests.test_experiments import start

URL = "/search-settings"
WEIGHTS = {
    "visual_similarity": "66.7",
    "product_type": "0",
    "popularity": "0",
    "category_match": "0",
    "shape": "0",
    "color": "33.3",
}
SMART = {"cut": "smart", "default_threshold": ""}


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


@pytest.fixture
def looker(tenant, client):
    """A client of somebody who may see settings and change none."""
    user = User.objects.create_user("eve@example.com", PASSWORD, tenant=tenant)
    user.user_groups.add(tenant.user_groups.create(name="Lookers", permissions=["settings:read"]))
    client.force_login(user)
    return client


def etag(portal):
    return portal.get(URL).context["values"]["etag"]


def save(portal, **fields):
    return portal.post(f"{URL}/save", WEIGHTS | SMART | {"etag": etag(portal)} | fields)


def configured(tenant):
    tenant.refresh_from_db()
    return config_of(tenant)


@pytest.mark.parametrize(
    ("cut", "threshold", "is_smart"), [("smart", None, True), ("fixed", 0.3, True), ("none", None, False)]
)
def test_what_a_form_saves_counts_and_shows_so_again(portal, tenant, cut, threshold, is_smart):
    response = save(portal, cut=cut, default_threshold="0.3")
    assert (response.status_code, response["Location"]) == (302, URL)
    weights = Weights(66.7, 0, 0, 0, 0, 33.3)
    assert configured(tenant) == Config(weights, threshold, is_smart)
    page = portal.get(URL)
    shown = {"cut": cut, "default_threshold": "0.3" if cut == "fixed" else ""}
    assert (WEIGHTS | shown).items() <= page.context["values"].items()
    assert "Saved. It counts from the next search on." in page.content.decode()


@pytest.mark.parametrize(
    ("fields", "wrong", "message"),
    [
        ({"color": "36.3"}, "weights", "The weights total 103; they must total 100."),
        ({"color": "-1"}, "color", "greater than or equal to 0"),
        ({"shape": ""}, "shape", "A valid number is required."),
        ({"cut": "fixed"}, "default_threshold", "A valid number is required."),
        ({"cut": "fixed", "default_threshold": "1.1"}, "default_threshold", "less than or equal to 1"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_is_kept(portal, fields, wrong, message):
    response = save(portal, **fields)
    page = response.content.decode()
    assert response.status_code == 422
    assert list(response.context["errors"]) == [wrong]
    assert message in page
    assert all(response.context["values"][name] == typed for name, typed in (WEIGHTS | fields).items())
    assert f'id="{wrong}-error"' in page or wrong == "weights"
    assert not SearchConfig.objects.exists()


def test_of_two_merchandisers_the_second_notices_the_first_and_may_go_on(portal, tenant):
    opened = etag(portal)
    change_config(tenant, {"default_threshold": 0.9})
    wrong = save(portal, etag=opened, color="-1")
    assert wrong.context["values"]["etag"] == opened
    refused = save(portal, etag=opened)
    assert refused.status_code == 412
    assert "somebody else has changed the ranking" in refused.content.decode()
    assert refused.context["values"]["color"] == "33.3"
    assert configured(tenant) == Config(Weights(), 0.9)
    again = refused.context["values"]["etag"]
    assert again == etag_of(configured(tenant))
    assert save(portal, etag=again).status_code == 302
    assert configured(tenant).weights.color == 33.3


@pytest.mark.parametrize("etag", ["", '"other"'])
def test_nothing_is_saved_without_knowing_what_was_there(portal, etag):
    assert save(portal, etag=etag).status_code == 412
    assert not SearchConfig.objects.exists()


def test_a_cut_that_does_not_exist_is_a_bad_request(portal):
    assert save(portal, cut="magic").status_code == 400
    assert not SearchConfig.objects.exists()


def test_a_small_catalogue_shows_the_demo_shops_scores_and_is_told_so(portal):
    page = portal.get(URL)
    assert [mode["computed_at"] for mode in page.context["recommended"]["charts"]] == [None, None]
    assert page.content.decode().count("From the demo shop") == 2
    told = portal.post(f"{URL}/recompute", follow=True).content.decode()
    assert "Your catalogue does not tell enough yet" in told


def test_a_catalogue_is_computed_anew_and_shown_with_a_text_for_each_chart(portal, tenant):
    stock(tenant, 60)
    response = portal.post(f"{URL}/recompute", follow=True)
    assert response.redirect_chain == [(URL, 302)]
    page = response.content.decode()
    assert "Computed from your catalogue as it is now." in page
    rows = {row.mode: row for row in RelevanceCalibration.objects.filter(tenant=tenant)}
    for mode in response.context["recommended"]["charts"]:
        chart = mode["chart"]
        assert mode["computed_at"] == rows[mode["mode"]].computed_at
        assert f"At <strong>{chart.threshold:.2f}</strong> they keep {chart.kept_hits}% of what was meant" in page
        assert f'aria-describedby="spread-{mode["mode"]}"' in page
        assert f'id="spread-{mode["mode"]}"' in page


def test_who_may_only_read_finds_no_button_and_changes_nothing(looker, owner):
    start(owner)
    response = looker.get(URL)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Looks only" in page
    assert page.count("<fieldset disabled>") == 2 - page.count('<fieldset class="cuts" disabled>')
    for address in ("save", "recompute", "experiments/"):
        assert f'action="{URL}/{address}' not in page or address == "save"
    assert ">Save<" not in page
    assert looker.post(f"{URL}/save", WEIGHTS | SMART | {"etag": "*"}).status_code == 403
    assert looker.post(f"{URL}/recompute").status_code == 403
    assert configured(owner.tenant) == Config()


def test_a_form_of_another_site_is_refused(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(f"{URL}/save", WEIGHTS | SMART | {"etag": "*"}).status_code == 403
    assert not SearchConfig.objects.exists()


def test_pages_hold_no_inline_style_or_script(portal, owner):
    experiment = start(owner)
    for path in (URL, f"{URL}/experiments/new", f"{URL}/experiments/{experiment.experiment_id}"):
        page = portal.get(path).content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page


def test_the_page_costs_few_queries_however_many_experiments(portal, owner, django_assert_max_num_queries):
    for _ in range(3):
        owner.client.post(f"/v1/experiments/{start(owner).experiment_id}/stop", {})
    start(owner)
    portal.get(URL)
    with django_assert_max_num_queries(20):
        assert portal.get(URL).status_code == 200
