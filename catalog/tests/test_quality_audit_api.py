import csv
import io

import pytest

from catalog.models import Product
from catalog.quality.audit import PROBLEMS
from catalog.tests.judged_products import add_judged
from catalog.vision.quality import GRADES, HINTS

URL = "/v1/products/quality-audit"


@pytest.fixture
def judged(owner):
    """Four products of the owner, of each grade one, and one whose picture failed."""
    add_judged(owner.tenant, "lamp", score=0.95, grade="excellent", category="Home", name="Lamp")
    add_judged(owner.tenant, "boot", score=0.7, grade="good", category="Shoes")
    add_judged(
        owner.tenant, "shoe", score=0.6, grade="fair", problems=["blurry"], hint=HINTS["blurry"], category="shoes"
    )
    add_judged(
        owner.tenant,
        "sock",
        score=0.3,
        grade="poor",
        problems=["low_resolution", "blurry"],
        hint=HINTS["low_resolution"],
        category="Shoes",
        name="=1+1",
    )
    Product.objects.create(
        tenant=owner.tenant, product_id="lost", image_urls=["https://example.com/lost.jpg"], status="failed"
    )


def audit(character, **parameters):
    response = character.client.get(URL, parameters)
    assert response.status_code == 200, response.content
    return response.json()


def test_an_audit_counts_grades_and_problems_and_names_the_worst(judged, owner, settings):
    assert audit(owner, worst_n=1) == {
        "total_products": 5,
        "judged": 4,
        "average_score": pytest.approx(0.6375),
        "distribution": {"excellent": 1, "good": 1, "fair": 1, "poor": 1},
        "common_problems": [
            {"problem": "blurry", "label": "Blurred", "count": 2, "hint": HINTS["blurry"]},
            {"problem": "low_resolution", "label": "Too small", "count": 1, "hint": HINTS["low_resolution"]},
        ],
        "by_category": [
            {"category": "Shoes", "judged": 2, "average_score": 0.5, "poor": 1},
            {"category": "Home", "judged": 1, "average_score": 0.95, "poor": 0},
            {"category": "shoes", "judged": 1, "average_score": 0.6, "poor": 0},
        ],
        "worst": [
            {
                "product_id": "sock",
                "name": "=1+1",
                "image_url": "https://example.com/sock.jpg",
                "thumbnail_url": f"{settings.BASE_URL}/media/thumbnails/sock.webp",
                "score": 0.3,
                "grade": "poor",
                "problems": ["low_resolution", "blurry"],
                "hint": HINTS["low_resolution"],
            }
        ],
    }


@pytest.mark.parametrize(
    ("wanted", "worst"),
    [
        ({"category": "SHOES"}, ["sock", "shoe", "boot"]),
        ({"problem": "blurry"}, ["sock", "shoe"]),
        ({"grade": "good"}, ["boot"]),
        ({"grade": "excellent", "category": "shoes"}, []),
    ],
)
def test_the_worst_can_be_narrowed_down(judged, owner, wanted, worst):
    assert [one["product_id"] for one in audit(owner, **wanted)["worst"]] == worst


def test_a_category_is_audited_by_itself(judged, owner):
    body = audit(owner, category="home")
    assert (body["total_products"], body["average_score"], body["common_problems"]) == (1, 0.95, [])


def test_an_empty_catalogue_has_no_average(owner):
    body = audit(owner)
    assert (body["judged"], body["average_score"], body["worst"]) == (0, None, [])


def test_an_audit_asks_the_database_as_often_for_many_products_as_for_few(judged, owner, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        audit(owner)


@pytest.mark.parametrize(("below", "expected"), [("good", ["sock", "shoe"]), ("excellent", ["sock", "shoe", "boot"])])
def test_what_is_to_be_improved_comes_as_a_table(judged, owner, below, expected):
    response = owner.client.get(URL, {"format": "csv", "below": below})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [row["product_id"] for row in rows] == expected
    # A name is no formula.
    assert rows[0] == {
        "product_id": "sock",
        "name": "'=1+1",
        "category": "Shoes",
        "score": "0.3",
        "grade": "poor",
        "problems": "low_resolution, blurry",
        "what_to_do": HINTS["low_resolution"],
        "image_url": "https://example.com/sock.jpg",
    }


@pytest.mark.parametrize(
    "parameters", [{"worst_n": 101}, {"worst_n": -1}, {"grade": "bad"}, {"problem": "ugly"}, {"below": "poor"}]
)
def test_an_audit_takes_only_what_it_knows(owner, parameters):
    assert owner.client.get(URL, parameters).status_code == 422


def test_everybody_sees_their_own_pictures(judged, reader, stranger):
    assert audit(reader)["judged"] == 4
    assert audit(stranger)["total_products"] == 0


def test_every_problem_and_grade_has_a_name_for_people():
    assert PROBLEMS.keys() == HINTS.keys()
    assert list(GRADES) == ["excellent", "good", "fair", "poor"]
