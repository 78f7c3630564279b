from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Tenant
from analytics.models import FeedbackEvent, SearchEvent
from analytics.search_events import flush_search_events
from search.configuration.config import config_of
from search.experiments.lifecycle import assign
from search.models import Experiment
from search.ranking import Weights

URL = "/v1/experiments"
A = {
    "visual_similarity": 57.0,
    "product_type": 23.0,
    "popularity": 5.0,
    "category_match": 5.0,
    "shape": 5.0,
    "color": 5.0,
}
B = dict.fromkeys(A, 0.0) | {"visual_similarity": 66.7, "color": 33.3}
BODY = {"name": "Looks only", "variant_a": {"weights": A}, "variant_b": {"weights": B}}


def start(owner, **fields):
    response = owner.client.post(URL, BODY | fields)
    assert response.status_code == 201, response.content
    owner.tenant.refresh_from_db()
    return Experiment.objects.get(experiment_id=response.json()["id"])


def stop(owner, experiment, **fields):
    response = owner.client.post(f"{URL}/{experiment.experiment_id}/stop", fields)
    owner.tenant.refresh_from_db()
    return response


def search(tenant, session, *, number=0, **fields):
    return SearchEvent.objects.create(
        tenant=tenant,
        search_id=f"srch_{tenant.pk}_{session}_{number}",
        mode="text",
        results=3,
        milliseconds=1,
        **{"session_id": session, "created_at": timezone.now()} | fields,
    )


def report(event, action="click", **fields):
    fields = {"product_id": "shoe"} | fields
    FeedbackEvent.objects.create(tenant=event.tenant, search_id=event.search_id, action=action, **fields)


def results(owner, experiment):
    return owner.client.get(f"{URL}/{experiment.experiment_id}").json()["results"]


def take_part(experiment, *, clicked, sessions, variant):
    """Have so many sessions search once, the first ones of which click."""
    for number in range(sessions):
        fields = {"experiment": experiment.experiment_id, "variant": variant}
        event = search(experiment.tenant, f"{variant}{number:03}", **fields)
        if number < clicked:
            report(event)


def test_an_experiment_is_started_listed_and_shown(owner):
    started = owner.client.post(URL, BODY | {"planned_sample": 500})
    assert started.status_code == 201
    body = started.json()
    expected = BODY | {"planned_sample": 500, "status": "running", "winner": None, "stopped_at": None}
    assert expected.items() <= body.items()
    assert started.headers["Location"] == f"{URL}/{body['id']}"
    assert owner.client.get(URL).json()["data"] == [body]
    shown = owner.client.get(started.headers["Location"]).json()
    assert shown.pop("results")["verdict"] is None
    assert shown == body


def test_one_experiment_runs_at_a_time(owner, stranger):
    first = start(owner)
    response = owner.client.post(URL, BODY)
    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    assert Experiment.objects.get() == first
    start(stranger)
    stop(owner, first)
    assert start(owner) != first


def test_the_database_holds_no_two_that_run(owner):
    experiment = start(owner)
    experiment.pk, experiment.experiment_id = None, "exp_other"
    with pytest.raises(IntegrityError), transaction.atomic():
        experiment.save()


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"variant_b": {"weights": B | {"color": 33}}}, 422, "weights of variant b total 99.7; they must total 100."),
        ({"variant_a": {"weights": {}}}, 422, "variant_a.weights.visual_similarity: This field is required."),
        ({"variant_a": {}}, 422, "variant_a.weights: This field is required."),
        ({"planned_sample": 99}, 422, "planned_sample: Ensure this value is greater than or equal to 100."),
        ({"name": ""}, 422, "name: This field may not be blank."),
    ],
)
def test_what_is_wrong_is_told(owner, fields, status, message):
    response = owner.client.post(URL, BODY | fields)
    assert response.status_code == status
    assert message in response.json()["message"]
    assert not Experiment.objects.exists()


def test_shoppers_are_split_in_halves_and_each_stays_with_a_variant(owner):
    experiment = start(owner)
    shoppers = [f"session-{number}" for number in range(10_000)]
    seen = [assign(owner.tenant, shopper) for shopper in shoppers]
    assert seen == [assign(owner.tenant, shopper) for shopper in shoppers]
    counts = Counter((assignment.experiment_id, assignment.variant) for assignment in seen)
    assert set(counts) == {(experiment.experiment_id, "a"), (experiment.experiment_id, "b")}
    # Four deviations of a fair coin: one such split in 16,000 is more uneven.
    assert abs(counts[experiment.experiment_id, "a"] - 5_000) < 200
    assert {assignment.variant: assignment.weights for assignment in seen} == {"a": Weights(**A), "b": Weights(**B)}


def test_the_next_experiment_splits_them_anew(owner):
    shoppers = [f"session-{number}" for number in range(1_000)]
    stop(owner, start(owner))
    first = start(owner)
    before = [assign(owner.tenant, shopper).variant for shopper in shoppers]
    stop(owner, first)
    start(owner)
    same = sum(assign(owner.tenant, shopper).variant == was for shopper, was in zip(shoppers, before, strict=True))
    assert abs(same - 500) < 64


def test_nobody_takes_part_without_an_id_or_an_experiment(owner, stranger):
    assert assign(owner.tenant, "session-1") is None
    experiment = start(owner)
    assert assign(owner.tenant, "") is None
    assert assign(stranger.tenant, "session-1") is None
    assert assign(owner.tenant, "session-1") is not None
    stop(owner, experiment)
    assert assign(owner.tenant, "session-1") is None


def test_the_running_experiment_costs_a_search_no_query(owner, django_assert_num_queries):
    start(owner)
    assign(owner.tenant, "session-1")
    with django_assert_num_queries(0):
        assign(owner.tenant, "session-2")


@pytest.mark.parametrize(
    ("fields", "weights", "winner"),
    [
        ({"winner": "b"}, Weights(**B), "b"),
        ({"winner": "b", "apply": False}, Weights(), "b"),
        ({"winner": None}, Weights(), None),
        ({}, Weights(), None),
    ],
)
def test_a_winners_weights_become_those_of_all_searches(owner, fields, weights, winner):
    response = stop(owner, start(owner), **fields)
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["winner"]) == ("stopped", winner)
    assert config_of(owner.tenant).weights == weights


def test_what_has_been_stopped_stays_so(owner):
    experiment = start(owner)
    stop(owner, experiment, winner="a")
    response = stop(owner, experiment, winner="b")
    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    experiment.refresh_from_db()
    assert experiment.winner == "a"
    assert config_of(owner.tenant).weights == Weights(**A)


def test_the_results_tell_what_became_of_each_variants_searches(owner, stranger):
    experiment = start(owner)
    part = {"experiment": experiment.experiment_id, "variant": "b"}
    first, second = (search(owner.tenant, "s1", number=number, **part) for number in range(2))
    by_user = search(owner.tenant, "u1", session_id="", user_id="u1", **part)
    report(first)
    report(first)
    report(second)
    report(second, "add_to_cart")
    for product in ("shoe", "sock"):
        report(second, "purchase", product_id=product, order_id="7", order_value=Decimal("19.50"), currency="EUR")
    report(by_user, "purchase", order_value=Decimal(5), currency="EUR")
    report(by_user, "purchase", order_value=Decimal(3), currency="USD")
    # None of these belongs to it.
    report(search(owner.tenant, "s2"))
    report(search(owner.tenant, "s3", experiment="exp_before", variant="a"))
    report(search(stranger.tenant, "s1", **part))
    FeedbackEvent.objects.create(
        tenant=stranger.tenant, search_id=by_user.search_id, action="click", product_id="shoe", session_id="u1"
    )
    found = results(owner, experiment)
    nothing = {"sessions": 0, "searches": 0, "clicks": 0, "purchases": 0, "revenue": {}}
    assert found["variants"] == {
        "a": nothing,
        "b": {"sessions": 2, "searches": 3, "clicks": 3, "purchases": 3, "revenue": {"EUR": 24.5, "USD": 3.0}},
    }
    assert found["comparison"]["b"] == {"sessions": 2, "clicked": 1, "click_through": 0.5}
    assert found["comparison"]["difference"] is None


def test_a_shoppers_search_and_click_count_for_their_variant(owner, index):
    index(red=(220, 20, 20))
    experiment = start(owner)
    shopper = {"query": "red", "session_id": "session-1"}
    found = owner.client.post("/v1/search/text", shopper).json()
    variant = assign(owner.tenant, "session-1").variant
    assert found["experiment"] == {"id": experiment.experiment_id, "variant": variant}
    assert "experiment" not in owner.client.post("/v1/search/text", {"query": "red"}).json()
    click = {"search_id": found["search_id"], "result_product_id": "red", "action": "click"}
    assert owner.client.post("/v1/search/feedback", click).status_code == 202
    flush_search_events()
    part = results(owner, experiment)["variants"][variant]
    assert (part["sessions"], part["searches"], part["clicks"]) == (1, 1, 1)


def test_a_variant_ranks_by_its_own_weights(owner, index):
    index(red=(220, 20, 20))
    start(owner)
    shopper = {"query": "red", "session_id": "session-1", "explain": True}
    used = owner.client.post("/v1/search/text", shopper).json()["explain"]["weights"]
    assert used == {"a": A, "b": B}[assign(owner.tenant, "session-1").variant]


def test_there_is_no_verdict_before_the_planned_sample(owner):
    experiment = start(owner, planned_sample=100)
    take_part(experiment, variant="a", sessions=100, clicked=10)
    take_part(experiment, variant="b", sessions=99, clicked=60)
    found = results(owner, experiment)
    assert (found["verdict"], found["reason"]) == (None, "planned_sample_not_reached")
    search(owner.tenant, "late", experiment=experiment.experiment_id, variant="b")
    found = results(owner, experiment)
    assert (found["verdict"], found["reason"]) == ("b", "interval_excludes_zero")
    assert found["comparison"] == {
        "a": {"sessions": 100, "clicked": 10, "click_through": 0.1},
        "b": {"sessions": 100, "clicked": 60, "click_through": 0.6},
        "difference": 0.5,
        "low": 0.377,
        "high": 0.6011,
        "confidence": 0.95,
        "method": "newcombe_1998",
    }


def test_sessions_beyond_the_planned_sample_do_not_change_the_verdict(owner):
    experiment = start(owner, planned_sample=100)
    take_part(experiment, variant="a", sessions=120, clicked=120)
    take_part(experiment, variant="b", sessions=110, clicked=100)
    found = results(owner, experiment)
    assert found["comparison"]["a"]["clicked"] == found["comparison"]["b"]["clicked"] == 100
    assert found["verdict"] == "no_difference"
    assert found["variants"]["a"]["sessions"] == 120


def test_a_lopsided_split_is_an_alarm_and_no_verdict(owner):
    experiment = start(owner, planned_sample=100)
    take_part(experiment, variant="a", sessions=100, clicked=10)
    take_part(experiment, variant="b", sessions=160, clicked=100)
    found = results(owner, experiment)
    assert found["sample_ratio"] == {"p_value": pytest.approx(0.000198, abs=1e-6), "alarm": True}
    assert (found["verdict"], found["reason"]) == (None, "sample_ratio_mismatch")


def test_the_plan_follows_from_how_often_shoppers_click_now(owner):
    assert start(owner).planned_sample == 6510  # 20 % is assumed, 22 % to be noticed
    stop(owner, Experiment.objects.get())
    for number in range(100):
        event = search(owner.tenant, f"s{number}", created_at=timezone.now() - timedelta(days=29))
        if number < 50:
            report(event)
        search(owner.tenant, f"old{number}", created_at=timezone.now() - timedelta(days=31))
    assert start(owner).planned_sample == 1565  # R: power.prop.test(p1 = 0.5, p2 = 0.55, power = 0.8)


def test_a_stranger_finds_no_experiment(owner, stranger):
    experiment = start(owner)
    assert stranger.client.get(URL).json()["data"] == []
    assert stranger.client.get(f"{URL}/{experiment.experiment_id}").status_code == 404
    assert stop(stranger, experiment, winner="b").status_code == 404
    assert Experiment.objects.get().status == "running"


def test_it_requires_permissions(owner, reader):
    experiment = start(owner)
    for response in (
        reader.client.get(URL),
        reader.client.post(URL, BODY),
        reader.client.get(f"{URL}/{experiment.experiment_id}"),
        stop(reader, experiment),
    ):
        assert (response.status_code, response.json()["error"]) == (403, "missing_permission")
    assert Experiment.objects.get().status == "running"


def test_stopping_changes_the_revision_so_that_every_process_notices(owner):
    experiment = start(owner)
    before = Tenant.objects.get(pk=owner.tenant.pk).revision
    stop(owner, experiment)
    assert owner.tenant.revision == before + 1
