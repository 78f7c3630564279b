import pytest

from search.configuration.config import config_of
from search.models import Experiment
from search.ranking import Weights
from search.tests.test_experiments import A, B, report, search, start, take_part

URL = "/search-settings"
NEW = f"{URL}/experiments/new"
FORM = (
    {"name": "Looks only"}
    | {f"a.{signal}": f"{weight:g}" for signal, weight in A.items()}
    | {f"b.{signal}": f"{weight:g}" for signal, weight in B.items()}
)


@pytest.fixture
def portal(admin_user, client):
    client.force_login(admin_user)
    return client


def shown(portal, experiment):
    response = portal.get(f"{URL}/experiments/{experiment.experiment_id}")
    return response.context["shown"], " ".join(response.content.decode().split())


def test_an_experiment_is_started_from_a_form_that_begins_with_todays_weights(portal, tenant):
    page = portal.get(URL).content.decode()
    assert "No experiment yet" in page
    assert f'href="{NEW}"' in page
    for variant in portal.get(NEW).context["sets"]:
        assert {weight.signal: float(weight.value) for weight in variant["weights"]} == A
    assert portal.post(NEW, FORM)["Location"] == URL
    experiment = Experiment.objects.get()
    assert (experiment.name, experiment.variant_a, experiment.variant_b) == ("Looks only", A, B)
    assert experiment.planned_sample == 6510
    page = portal.get(URL).content.decode()
    assert "0 of 6,510 planned sessions" in page
    assert "No verdict yet." in page
    assert f'href="{NEW}"' not in page


@pytest.mark.parametrize(
    ("fields", "wrong", "message"),
    [
        ({"name": ""}, "name", "This field may not be blank."),
        ({"b.color": "33"}, "b", "The weights of B total 99.7; they must total 100."),
        ({"a.color": "101"}, "a.color", "less than or equal to 100"),
        ({"b.shape": ""}, "b.shape", "A valid number is required."),
        ({"planned_sample": "99"}, "planned_sample", "greater than or equal to 100"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_is_kept(portal, fields, wrong, message):
    response = portal.post(NEW, FORM | fields)
    assert response.status_code == 422
    assert list(response.context["errors"]) == [wrong]
    assert message in response.content.decode()
    assert (FORM | fields).items() <= response.context["values"].items()
    assert not Experiment.objects.exists()


def test_one_experiment_runs_at_a_time(portal, owner):
    start(owner)
    page = portal.post(NEW, FORM, follow=True).content.decode()
    assert "Another experiment is running." in page
    assert Experiment.objects.count() == 1


def test_before_the_plan_there_are_figures_and_no_verdict(portal, owner):
    experiment = start(owner, planned_sample=100)
    take_part(experiment, variant="a", sessions=100, clicked=10)
    take_part(experiment, variant="b", sessions=99, clicked=60)
    event = search(owner.tenant, "b000", number=1, experiment=experiment.experiment_id, variant="b")
    report(event, "purchase", order_id="7", order_value=1234, currency="EUR")
    found, page = shown(portal, experiment)
    assert found["verdict"].winner is None
    assert "No verdict yet." in page
    assert "99 of 100 planned sessions" in page
    assert "1,234.00 EUR" in page
    assert "50.6 percentage points" in page
    assert "is better" not in page


@pytest.mark.parametrize(
    ("clicked_a", "clicked_b", "told"),
    [(10, 60, "B is better."), (60, 10, "A is better."), (50, 52, "No difference")],
)
def test_at_the_plan_there_is_a_verdict(portal, owner, clicked_a, clicked_b, told):
    experiment = start(owner, planned_sample=100)
    take_part(experiment, variant="a", sessions=100, clicked=clicked_a)
    take_part(experiment, variant="b", sessions=100, clicked=clicked_b)
    _, page = shown(portal, experiment)
    assert f"<strong>{told.removesuffix('.')}" in page
    assert "No verdict" not in page


def test_an_interval_is_drawn_around_no_difference(portal, owner):
    experiment = start(owner, planned_sample=100)
    take_part(experiment, variant="a", sessions=100, clicked=10)
    take_part(experiment, variant="b", sessions=100, clicked=60)
    interval = shown(portal, experiment)[0]["interval"]
    assert (interval.value, round(interval.low, 1), round(interval.high, 1)) == (50, 37.7, 60.1)
    # The line reaches 1.1 times as far as the interval: 66.1 points to either side.
    assert (interval.start, interval.point) == (78.51, 87.81)
    assert interval.start + interval.length == pytest.approx(95.45)


def test_a_lopsided_split_is_an_alarm(portal, owner):
    experiment = start(owner, planned_sample=100)
    take_part(experiment, variant="a", sessions=100, clicked=10)
    take_part(experiment, variant="b", sessions=160, clicked=100)
    found, page = shown(portal, experiment)
    assert found["alarm"] is True
    assert "The split is too uneven to be chance" in page
    assert "is better" not in page


@pytest.mark.parametrize(
    ("form", "winner", "weights", "told"),
    [
        ({"winner": "b", "apply": "true"}, "b", Weights(**B), "ranked by the weights of B from now on"),
        ({"winner": "b"}, "b", Weights(), "B has won"),
        ({"winner": "", "apply": "true"}, "", Weights(), "ranked by your weights again"),
    ],
)
def test_it_is_stopped_with_or_without_a_winner_and_listed(portal, owner, form, winner, weights, told):
    experiment = start(owner)
    response = portal.post(f"{URL}/experiments/{experiment.experiment_id}/stop", form, follow=True)
    page = response.content.decode()
    assert told in page
    experiment.refresh_from_db()
    owner.tenant.refresh_from_db()
    assert (experiment.status, experiment.winner) == ("stopped", winner)
    assert config_of(owner.tenant).weights == weights
    assert f'href="{URL}/experiments/{experiment.experiment_id}"' in page
    again = portal.post(f"{URL}/experiments/{experiment.experiment_id}/stop", {"winner": "a"}, follow=True)
    assert "has been stopped already" in again.content.decode()


def test_a_winner_that_does_not_exist_is_a_bad_request(portal, owner):
    experiment = start(owner)
    assert portal.post(f"{URL}/experiments/{experiment.experiment_id}/stop", {"winner": "c"}).status_code == 400
    experiment.refresh_from_db()
    assert experiment.status == "running"


def test_past_experiments_are_listed_in_pages(portal, tenant):
    for number in range(21):
        tenant.experiments.create(
            name=f"No. {number}", variant_a=A, variant_b=B, planned_sample=100, status=Experiment.Status.STOPPED
        )
    assert "No. 20<" in portal.get(URL).content.decode()
    assert "No. 0<" not in portal.get(URL).content.decode()
    assert "No. 0<" in portal.get(f"{URL}?page=2").content.decode()


def test_experiments_of_another_shop_are_not_there(portal, stranger):
    experiment = start(stranger)
    address = f"{URL}/experiments/{experiment.experiment_id}"
    assert portal.get(address).status_code == 404
    assert portal.post(f"{address}/stop", {"winner": "b"}).status_code == 404
    assert "No experiment yet" in portal.get(URL).content.decode()
    experiment.refresh_from_db()
    assert experiment.status == "running"


def test_a_reader_sees_nothing_and_changes_nothing(reader, owner, client):
    experiment = start(owner)
    client.force_login(reader.user)
    address = f"{URL}/experiments/{experiment.experiment_id}"
    assert client.get(address).status_code == 403
    assert client.post(f"{address}/stop", {"winner": "b"}).status_code == 403
    assert client.post(NEW, FORM).status_code == 403
    experiment.refresh_from_db()
    assert experiment.status == "running"
