import pytest

from catalog.models import ModerationEvent, ModerationFloor
from catalog.tests.test_moderation_api import ANY

URL = "/moderation"
RED = (220, 20, 20)


@pytest.fixture(autouse=True)
def _floors(db):
    ModerationFloor.objects.get_or_create(category="minors_risk", defaults={"threshold": 0.9})


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


def test_the_page_tells_the_mode_and_how_to_leave_it(portal):
    page = portal.get(URL).content.decode()
    assert "Nothing is refused yet: you are in shadow mode" in page
    assert "Leave in shadow for at least a week before enforcing" in page
    assert "Nothing judged yet" in page
    assert "our floor 0.9" in page


def test_the_policy_is_saved_and_an_empty_threshold_is_the_default(portal, tenant):
    form = {"enforce": "true", "nudity": "0.6", "violence": "", "weapons": "0.5", "drugs": "", "minors_risk": "0.9"}
    assert portal.post(f"{URL}/policy", form)["Location"] == URL
    policy = tenant.moderation_policy
    assert (policy.enforce, policy.thresholds) == (True, {"nudity": 0.6, "weapons": 0.5, "minors_risk": 0.9})


def test_a_threshold_that_cannot_be_is_marked_and_stays_typed(portal, tenant):
    response = portal.post(f"{URL}/policy", {"enforce": "false", "nudity": "2", "minors_risk": "0.5"})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="2"' in page
    assert 'aria-describedby="nudity-told nudity-error"' in page
    response = portal.post(f"{URL}/policy", {"enforce": "false", "minors_risk": "0.95"})
    assert "nobody can allow them" in response.content.decode()
    assert not hasattr(tenant, "moderation_policy")


def test_a_flagged_picture_is_shown_blurred_and_can_be_decided_on(portal, owner, index, tenant):
    owner.client.put("/v1/moderation/policy", {"thresholds": ANY})
    index(red=RED)
    event = ModerationEvent.objects.get()
    page = portal.get(URL).content.decode()
    assert 'class="frame veiled"' in page
    assert page.count(f"{URL}/events/{event.event_id}") == 1
    assert portal.post(f"{URL}/events/{event.event_id}", {"decision": "allow_product"})["Location"] == URL
    tenant.products.get(is_exempt_from_moderation=True)
    page = portal.get(URL).content.decode()
    assert "The product is allowed · alice@example.com" in page
    assert [row.event for row in portal.get(URL).context["events"]] == [event]
    assert f"{URL}/events/{event.event_id}" not in page


def test_flagged_pictures_are_listed_unless_all_are_asked_for(portal, owner, index):
    index(blue=(20, 20, 220))
    owner.client.put("/v1/moderation/policy", {"thresholds": ANY})
    index(red=RED, green=(20, 220, 20))
    owner.client.put("/v1/moderation/policy", {})
    latest = ModerationEvent.objects.get(product_id="green")
    portal.post(f"{URL}/events/{latest.event_id}", {"decision": "confirm"})
    assert [row.event.product_id for row in portal.get(URL).context["events"]] == ["red", "green"]
    everything = portal.get(URL, {"scans": "all"}).context["events"]
    assert [row.event.product_id for row in everything] == ["green", "red", "blue"]


def test_ticked_pictures_are_decided_on_together(portal, owner, index):
    owner.client.put("/v1/moderation/policy", {"thresholds": ANY})
    index(red=RED, green=(20, 220, 20))
    ids = list(ModerationEvent.objects.order_by("pk").values_list("event_id", flat=True))
    page = portal.get(URL).content.decode()
    assert page.count('form="decide-ticked"') == 2 + 3
    ticked = {"decision": "allow_once", "event_id": [*ids, "mod_gone"]}
    page = portal.post(f"{URL}/events", ticked, follow=True).content.decode()
    assert "2 pictures allowed." in page
    assert "A picture is no longer in the log." in page
    assert set(ModerationEvent.objects.values_list("review", "reviewed_by")) == {("allowed_once", "alice@example.com")}


def test_counts_say_what_they_count(portal, owner, index):
    index(red=RED)
    page = " ".join(portal.get(URL).content.decode().split())
    assert "<strong>0 flagged</strong> by the threshold of then, of 1 scored" in page
    assert page.count("(in shadow mode one in 16 of those in bulk)") == 1
    owner.client.patch("/v1/moderation/policy", {"enforce": True})
    assert "one in 16 of those in bulk" not in portal.get(URL).content.decode()


def test_a_stranger_cannot_decide(portal, owner, stranger, index, client):
    index(red=RED)
    event = ModerationEvent.objects.get()
    path = f"/v1/moderation/events/{event.event_id}/review"
    assert stranger.client.post(path, {"decision": "allow_once"}).status_code == 404
    event.refresh_from_db()
    assert event.review == ""


def test_whoever_has_not_the_right_sees_no_page(reader, client):
    client.force_login(reader.user)
    assert client.get(URL).status_code == 403
