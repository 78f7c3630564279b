import pytest
from django.utils import timezone

from catalog import field_changes, field_revalidation
from catalog.documents import ProductDocument
from catalog.field_revalidation import LOST_AFTER, due_revalidations
from catalog.indexing import index_products
from catalog.models import CustomField, JobItem, Product
from catalog.tasks import resume_revalidations, revalidate_custom_field
from conftest import picture

SEASON = {"key": "season", "display_name": "Season", "type": "enum", "enum_values": ["SS26", "AW26"]}
PATH = "/v1/custom-fields/season"


def declare(character, **definition):
    response = character.client.post("/v1/custom-fields", SEASON | definition)
    assert response.status_code == 201, response.content
    return response.json()


def add_products(tenant, *values):
    Product.objects.bulk_create(
        Product(tenant=tenant, product_id=f"p{n}", image_urls=[""], status="indexed", metadata={"season": value})
        for n, value in enumerate(values)
    )


def errors_of(response):
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


def test_a_field_is_declared_listed_changed_and_removed(owner):
    created = declare(owner)
    assert created.pop("created_at")
    assert created == SEASON | {"filterable": True, "facet": False, "required": False, "revalidation": None}
    assert [field["key"] for field in owner.client.get("/v1/custom-fields").json()["data"]] == ["season"]
    changed = owner.client.patch(PATH, {"facet": True, "display_name": "Saison"})
    assert changed.status_code == 200
    assert owner.client.get(PATH).json() == changed.json()
    assert (changed.json()["facet"], changed.json()["display_name"]) == (True, "Saison")
    assert owner.client.delete(PATH).status_code == 204
    assert owner.client.get(PATH).status_code == 404


def test_a_field_is_named_by_its_key_unless_told(owner):
    response = owner.client.post("/v1/custom-fields", {"key": "heel_height", "type": "number"})
    assert response.json()["display_name"] == "Heel height"


def test_fields_are_listed_by_key_in_pages(owner):
    for key in ("b", "c", "a"):
        declare(owner, key=key)
    first = owner.client.get("/v1/custom-fields", {"limit": 2}).json()
    assert [field["key"] for field in first["data"]] == ["a", "b"]
    second = owner.client.get("/v1/custom-fields", {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert ([field["key"] for field in second["data"]], second["has_more"]) == (["c"], False)


@pytest.mark.parametrize("key", ["Season", "1st", "a-b", "a" * 41, "a b", "", "_a", "größe"])
def test_a_key_is_a_short_word_in_small_letters(owner, key):
    response = owner.client.post("/v1/custom-fields", SEASON | {"key": key})
    assert response.status_code == 422
    assert [field for field, _ in errors_of(response)] == ["key"]


@pytest.mark.parametrize(
    "key", ["price", "category", "color", "color_name", "in_stock", "stock_quantity", "created_at"]
)
def test_a_key_with_a_meaning_of_its_own_is_reserved(owner, key):
    response = owner.client.post("/v1/custom-fields", SEASON | {"key": key})
    assert (response.status_code, errors_of(response)) == (422, [("key", "reserved_key")])
    assert CustomField.objects.count() == 0


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"type": "money"}, "type"),
        ({"enum_values": []}, "enum_values"),
        ({"type": "string"}, "enum_values"),
        ({"enum_values": ["x" * 101]}, "enum_values.0"),
        ({"display_name": ""}, "display_name"),
        ({"required": "perhaps"}, "required"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(owner, definition, field):
    response = owner.client.post("/v1/custom-fields", SEASON | definition)
    assert response.status_code == 422
    assert [name for name, _ in errors_of(response)] == [field]
    assert CustomField.objects.count() == 0


def test_a_key_is_declared_once(owner, stranger):
    declare(owner)
    again = owner.client.post("/v1/custom-fields", SEASON)
    assert (again.status_code, again.json()["error"]) == (409, "conflict")
    declare(stranger)


def test_there_are_not_more_fields_than_that(owner, monkeypatch):
    monkeypatch.setattr(field_changes, "MAX_FIELDS", 1)
    declare(owner)
    response = owner.client.post("/v1/custom-fields", SEASON | {"key": "other"})
    assert (response.status_code, errors_of(response)) == (422, [("key", "too_many_fields")])


@pytest.mark.parametrize(
    ("method", "path"), [("get", ""), ("post", ""), ("get", "/a"), ("patch", "/a"), ("delete", "/a")]
)
def test_the_reader_of_products_may_do_nothing_here(reader, method, path):
    response = getattr(reader.client, method)(f"/v1/custom-fields{path}", SEASON)
    assert (response.status_code, response.json()["error"]) == (403, "missing_permission")


def test_a_stranger_does_not_see_it(owner, stranger):
    declare(owner)
    assert stranger.client.get("/v1/custom-fields").json()["data"] == []
    assert stranger.client.patch(PATH, {"facet": True}).status_code == 404
    assert stranger.client.delete(PATH).status_code == 404
    assert CustomField.objects.get().facet is False


@pytest.mark.parametrize(
    ("definition", "metadata", "code", "error"),
    [
        ({"required": True}, {}, "missing_required_field", "missing_required_field"),
        ({"required": True}, {"season": None}, "missing_required_field", "missing_required_field"),
        ({"required": True}, {"season": ""}, "missing_required_field", "missing_required_field"),
        ({}, {"season": "WS99"}, "invalid_choice", "validation_failed"),
        ({}, {"season": ["SS26"]}, "invalid_choice", "validation_failed"),
        ({"type": "string", "enum_values": []}, {"season": 26}, "not_a_text", "validation_failed"),
        ({"type": "number", "enum_values": []}, {"season": "26"}, "not_a_number", "validation_failed"),
        ({"type": "number", "enum_values": []}, {"season": True}, "not_a_number", "validation_failed"),
        ({"type": "number", "enum_values": []}, {"season": 10**16}, "not_a_number", "validation_failed"),
        ({"type": "boolean", "enum_values": []}, {"season": 1}, "not_a_boolean", "validation_failed"),
        ({"type": "date", "enum_values": []}, {"season": "2026-13-01"}, "not_a_date", "validation_failed"),
        ({"type": "date", "enum_values": []}, {"season": "20260131"}, "not_a_date", "validation_failed"),
        ({"type": "string[]", "enum_values": []}, {"season": "SS26"}, "not_a_list_of_texts", "validation_failed"),
        ({"type": "string[]", "enum_values": []}, {"season": ["a", 1]}, "not_a_list_of_texts", "validation_failed"),
    ],
)
def test_a_product_that_is_not_as_declared_is_refused(owner, pictures, definition, metadata, code, error):
    declare(owner, **definition)
    url = pictures.serve("/a.jpg", picture())
    body = {"product_id": "a", "image_url": url, "metadata": metadata}
    response = owner.client.post("/v1/products", body)
    assert (response.status_code, response.json()["error"]) == (422, error)
    assert errors_of(response) == [("metadata.season", code)]
    assert (Product.objects.count(), pictures.requests["/a.jpg"]) == (0, 0)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("string", "SS26"),
        ("number", -1.5),
        ("boolean", False),
        ("date", "2026-01-31"),
        ("date", "2026-01-31T23:30:00-05:00"),
        ("string[]", ["SS26", "AW26"]),
    ],
)
def test_a_product_that_is_as_declared_is_indexed(owner, index, type_, value):
    declare(owner, type=type_, enum_values=[], required=True)
    index({"season": value}, a=(255, 0, 0))
    assert Product.objects.get().metadata["season"] == value


def test_in_bulk_a_product_that_is_not_as_declared_fails_alone(owner, pictures, django_capture_on_commit_callbacks):
    declare(owner, required=True)
    url = pictures.serve("/a.jpg", picture())
    seasons = [{"season": "SS26"}, {"season": "WS99"}, {}]
    products = [{"product_id": f"p{n}", "image_url": url, "metadata": metadata} for n, metadata in enumerate(seasons)]
    with django_capture_on_commit_callbacks(execute=True):
        response = owner.client.post("/v1/products/bulk", {"products": products})
    assert response.status_code == 202
    assert list(JobItem.objects.order_by("index").values_list("status", "code")) == [
        ("succeeded", ""),
        ("failed", "invalid_choice"),
        ("failed", "missing_required_field"),
    ]
    assert JobItem.objects.get(index=2).message == "metadata.season: Every product has Season. Send it."


def test_a_change_of_metadata_is_held_to_the_fields_that_it_touches(owner):
    add_products(owner.tenant, "WS99")
    declare(owner, required=True)
    path = "/v1/products/p0"
    assert owner.client.patch(path, {"metadata": {"price": 5}}).status_code == 200
    refused = owner.client.patch(path, {"metadata": {"season": None}})
    assert (refused.status_code, refused.json()["error"]) == (422, "missing_required_field")
    refused = owner.client.patch(path, {"metadata": {"season": "XX"}})
    assert (refused.json()["error"], errors_of(refused)) == (
        "validation_failed",
        [("metadata.season", "invalid_choice")],
    )
    assert owner.client.patch(path, {"metadata": {"season": "AW26"}}).status_code == 200
    assert Product.objects.get().metadata == {"season": "AW26", "price": 5}


def test_a_declaration_counts_from_the_next_request_on(owner):
    add_products(owner.tenant, "SS26", "AW26")
    wanted = {"facets": "category", "filters": '{"season": "SS26"}'}
    assert owner.client.get("/v1/products/facets", wanted).json()["error"] == "unknown_filter_field"
    declare(owner)
    assert owner.client.get("/v1/products/facets", wanted).status_code == 200
    owner.client.patch(PATH, {"filterable": False})
    assert owner.client.get("/v1/products/facets", wanted).json()["error"] == "unknown_filter_field"


def test_another_type_counts_at_once_where_all_values_fit(owner, stranger):
    add_products(owner.tenant, "SS26", "any", None)
    add_products(stranger.tenant, 5)
    declare(owner)
    response = owner.client.patch(PATH, {"type": "string"})
    assert response.status_code == 200
    assert (response.json()["type"], response.json()["enum_values"]) == ("string", [])


@pytest.mark.parametrize(
    "changes", [{"type": "number"}, {"enum_values": ["SS26"]}, {"enum_values": ["SS26", "new"]}, {"type": "string[]"}]
)
def test_another_type_that_values_do_not_fit_conflicts(owner, changes):
    add_products(owner.tenant, "AW26")
    declare(owner)
    response = owner.client.patch(PATH, {"enum_values": []} | changes | {"facet": True})
    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    assert "product p0" in response.json()["message"]
    assert CustomField.objects.values("type", "enum_values", "facet").get() == {
        "type": "enum",
        "enum_values": ["SS26", "AW26"],
        "facet": False,
    }


def test_more_values_of_an_enum_conflict_with_nothing(owner):
    add_products(owner.tenant, "WS99")
    declare(owner)
    response = owner.client.patch(PATH, {"enum_values": ["SS26", "AW26", "XX"]})
    assert (response.status_code, response.json()["revalidation"]) == (200, None)


def test_too_many_products_are_not_checked_while_the_request_waits(owner, monkeypatch):
    monkeypatch.setattr(field_changes, "CHECKED_AT_ONCE", 1)
    add_products(owner.tenant, "SS26", "AW26")
    declare(owner)
    response = owner.client.patch(PATH, {"type": "string"})
    assert response.status_code == 409
    assert "revalidate=true" in response.json()["message"]


@pytest.mark.parametrize(
    ("query", "values", "status", "type_", "misfits"),
    [
        ("revalidate=true", [1, 2.5], "done", "number", []),
        ("revalidate=true", [1, "AW26", "SS26", 4], "refused", "enum", ["p1", "p2"]),
        ("revalidate=true&force=true", [1, "AW26", "SS26", 4], "done", "number", ["p1", "p2"]),
    ],
)
def test_a_worker_checks_all_products_before_a_type_counts(
    owner, stranger, monkeypatch, django_capture_on_commit_callbacks, query, values, status, type_, misfits
):
    monkeypatch.setattr(field_revalidation, "BATCH", 3)
    add_products(owner.tenant, *values)
    add_products(stranger.tenant, "other")
    declare(owner)
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        response = owner.client.patch(f"{PATH}?{query}", {"type": "number", "facet": True})
    assert response.status_code == 202
    waiting = response.json()
    assert (waiting["type"], waiting["facet"], waiting["revalidation"]["status"]) == ("enum", True, "queued")
    for callback in callbacks:
        callback()
    field = owner.client.get(PATH).json()
    report = field["revalidation"]
    assert (field["type"], report["status"], report["checked"]) == (type_, status, len(values))
    assert (report["misfits"], report["product_ids"]) == (len(misfits), misfits)
    assert report["finished_at"] is not None
    before = CustomField.objects.values().get()
    revalidate_custom_field(before["id"])
    assert CustomField.objects.values().get() == before


def test_a_report_names_no_more_misfits_than_that(owner, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(field_revalidation, "NAMED", 2)
    add_products(owner.tenant, "a", "b", "c")
    declare(owner)
    with django_capture_on_commit_callbacks(execute=True):
        owner.client.patch(f"{PATH}?revalidate=true", {"type": "number"})
    report = owner.client.get(PATH).json()["revalidation"]
    assert (report["misfits"], report["product_ids"]) == (3, ["p0", "p1"])


def test_a_check_whose_message_was_lost_is_taken_up(owner):
    add_products(owner.tenant, 1)
    declare(owner)
    owner.client.patch(f"{PATH}?revalidate=true", {"type": "number"})
    resume_revalidations()
    assert CustomField.objects.get().type == "number"


def test_a_check_whose_worker_was_lost_is_taken_up_after_a_while(owner):
    declare(owner)
    field = CustomField.objects.get()
    now = timezone.now()
    field.revalidation = {"status": "running", "active_at": now.isoformat()}
    field.save()
    assert due_revalidations(now + LOST_AFTER / 2) == []
    assert due_revalidations(now + LOST_AFTER * 2) == [field.pk]


def test_a_later_change_takes_the_place_of_one_that_waits(owner):
    add_products(owner.tenant, "SS26")
    declare(owner)
    owner.client.patch(f"{PATH}?revalidate=true&force=true", {"type": "number"})
    response = owner.client.patch(PATH, {"type": "string"})
    assert (response.status_code, response.json()["revalidation"]) == (200, None)
    resume_revalidations()
    assert CustomField.objects.get().type == "string"


def test_a_demo_product_need_not_have_what_is_required(owner, pictures):
    declare(owner, required=True)
    url = pictures.serve("/a.jpg", picture())
    documents = [ProductDocument(product_id=name, images=(url,), is_demo=name == "demo") for name in ("demo", "own")]
    demo, own = index_products(owner.tenant, documents)
    assert (demo.error, own.product) == (None, None)
    assert own.error.code == "missing_required_field"
