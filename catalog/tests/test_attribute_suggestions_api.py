import pytest

from accounts.models import AuditEntry, WebhookEndpoint, WebhookEvent
from accounts.revisions import bump_revision
from accounts.webhooks.events import EventType
from catalog.attributes import requests
from catalog.models import AttributeDecision, CustomField, Job, Product, ProductImage
from catalog.tests.judged_products import add_judged
from conftest import picture

URL = "/v1/products/attribute-suggestions"
LEATHER = {"material": {"leather": 0.9, "suede": 0.6}}


def listed(character, **parameters):
    response = character.client.get(URL, parameters)
    assert response.status_code == 200, response.content
    return [(one["product_id"], one["attribute"], one["value"]) for one in response.json()["data"]]


def decide(character, verdict, *choices):
    names = ("product_id", "attribute", "value")
    body = {"suggestions": [dict(zip(names, choice, strict=True)) for choice in choices]}
    response = character.client.post(f"{URL}/{verdict}", body)
    assert response.status_code == 200, response.content
    return response.json()


def decide_all(character, verdict, **wanted):
    return character.client.post(f"{URL}/{verdict}", {"all": wanted})


def counts(answer):
    return answer["decided"], answer["unchanged"], answer["failed"]


def metadata(tenant, product_id):
    return tenant.products.get(product_id=product_id).metadata


def test_the_surest_value_of_each_attribute_is_suggested_with_the_key_it_would_have(owner):
    seen = LEATHER | {"color": {"brown": 0.7}}
    add_judged(owner.tenant, "boot", attributes=seen, kind=("boot", 0.8), category="Shoes")
    data = owner.client.get(URL).json()["data"]
    assert data == [
        {"product_id": "boot", "attribute": name, "value": value, "confidence": confidence, "metadata_key": key}
        for name, value, confidence, key in [
            ("color", "brown", 0.7, "color_name"),
            ("material", "leather", 0.9, "material"),
            ("product_type", "boot", 0.8, "product_type"),
        ]
    ]
    assert listed(owner, min_confidence=0.75) == [("boot", "material", "leather"), ("boot", "product_type", "boot")]
    assert listed(owner, attribute="color", category="shoes") == [("boot", "color", "brown")]
    assert listed(owner, category="Hats") == []
    assert listed(owner, value="suede") == []


@pytest.mark.parametrize(
    ("said", "attribute"),
    [
        ({"material": "suede"}, "material"),
        ({"color": "red"}, "color"),
        ({"colour": "red"}, "color"),
        ({"color_name": "red"}, "color"),
        ({"type": "boot"}, "product_type"),
    ],
)
def test_what_the_shop_says_itself_is_not_suggested(owner, said, attribute):
    seen = {"material": {"leather": 0.9}, "color": {"brown": 0.7}}
    add_judged(owner.tenant, "a", attributes=seen, kind=("boot", 0.8), metadata=said)
    assert sorted({"material", "color", "product_type"} - {attribute}) == [name for _, name, _ in listed(owner)]


@pytest.mark.parametrize("unsaid", [None, "", []])
def test_an_empty_value_says_nothing(owner, unsaid):
    add_judged(owner.tenant, "a", attributes=LEATHER, metadata={"material": unsaid})
    assert listed(owner) == [("a", "material", "leather")]
    assert counts(decide(owner, "accept", ("a", "material", "leather"))) == (1, 0, 0)


def test_the_list_comes_in_pages(owner):
    for number in range(3):
        add_judged(owner.tenant, f"p{number}", attributes=LEATHER)
    first = owner.client.get(URL, {"limit": 2})
    body = first.json()
    assert [one["product_id"] for one in body["data"]] == ["p0", "p1"]
    assert body["has_more"] is True
    assert f"cursor={body['next_cursor'].replace('=', '%3D')}" in first["Link"]
    assert listed(owner, limit=2, cursor=body["next_cursor"]) == [("p2", "material", "leather")]
    assert owner.client.get(URL, {"cursor": "AAAA"}).json()["error"] == "invalid_parameter"


def test_accepting_writes_as_a_patch_would_and_tells_of_it(owner):
    WebhookEndpoint.objects.create(tenant=owner.tenant, url="https://example.com/hook", events=["product.updated"])
    add_judged(owner.tenant, "a", attributes={"color": {"brown": 0.7}}, metadata={"name": "Boot"}, name="Boot")
    assert counts(decide(owner, "accept", ("a", "color", "brown"))) == (1, 0, 0)
    product = owner.tenant.products.get()
    assert (product.metadata, product.colors) == ({"name": "Boot", "color_name": "brown"}, ["brown"])
    assert WebhookEvent.objects.get().data["changes"] == ["metadata.color_name"]
    assert listed(owner) == []


def test_accepting_twice_changes_nothing_more(owner):
    add_judged(owner.tenant, "a", attributes=LEATHER)
    assert counts(decide(owner, "accept", ("a", "material", "leather"))) == (1, 0, 0)
    assert counts(decide(owner, "accept", ("a", "material", "leather"))) == (0, 1, 0)
    decision = AttributeDecision.objects.get()
    assert (decision.accepted, decision.decided_by) == (True, "owner")


def sent_again(character, **fields):
    """Send a product's whole version anew; return its metadata, and what was told to have changed."""
    WebhookEndpoint.objects.create(
        tenant=character.tenant, url="https://shop.example/hook", events=list(EventType), secret="s" * 24
    )
    bump_revision(character.tenant)
    response = character.client.post("/v1/products", {"product_id": "a", **fields})
    assert response.status_code == 200, response.content
    changes = [change for event in WebhookEvent.objects.all() for change in event.data["changes"]]
    return metadata(character.tenant, "a"), changes


@pytest.mark.parametrize(
    ("sent", "stored", "changes"),
    [
        ({}, {"material": "leather"}, []),
        ({"material": "", "price": 5}, {"material": "leather", "price": 5}, ["metadata.price"]),
        ({"material": "suede"}, {"material": "suede"}, ["metadata.material"]),
    ],
)
def test_what_was_accepted_stays_when_the_shop_sends_the_product_without_a_word_on_it(
    owner, pictures, sent, stored, changes
):
    url = pictures.serve("/a.jpg", picture((20, 40, 200)))
    owner.client.post("/v1/products", {"product_id": "a", "image_url": url})
    ProductImage.objects.update(attributes={"material": [{"value": "leather", "confidence": 0.9}]})
    decide(owner, "accept", ("a", "material", "leather"))
    assert sent_again(owner, image_url=url, metadata=sent) == (stored, changes)


@pytest.mark.parametrize("take_back", ["undo", "patch"])
def test_what_was_accepted_and_taken_back_stays_away(owner, pictures, take_back):
    url = pictures.serve("/a.jpg", picture((20, 40, 200)))
    owner.client.post("/v1/products", {"product_id": "a", "image_url": url})
    ProductImage.objects.update(attributes={"material": [{"value": "leather", "confidence": 0.9}]})
    decide(owner, "accept", ("a", "material", "leather"))
    if take_back == "undo":
        decide(owner, "undo", ("a", "material", "leather"))
    else:
        owner.client.patch("/v1/products/a", {"metadata": {"material": None}})
    assert sent_again(owner, image_url=url) == ({}, [])


def test_the_shop_goes_before_a_suggestion_whenever_it_speaks(owner):
    add_judged(owner.tenant, "a", attributes=LEATHER, metadata={"material": "pleather"})
    answer = decide(owner, "accept", ("a", "material", "leather"))
    assert (answer["errors"][0]["code"], metadata(owner.tenant, "a")) == ("already_set", {"material": "pleather"})
    add_judged(owner.tenant, "b", attributes=LEATHER)
    decide(owner, "accept", ("b", "material", "leather"))
    owner.client.patch("/v1/products/b", {"metadata": {"material": "pleather"}})
    assert counts(decide(owner, "accept", ("b", "material", "leather"))) == (0, 1, 0)
    assert counts(decide(owner, "undo", ("b", "material", "leather"))) == (1, 0, 0)
    assert metadata(owner.tenant, "b") == {"material": "pleather"}


def test_what_is_rejected_does_not_come_back_with_another_picture(owner):
    add_judged(owner.tenant, "a", attributes=LEATHER)
    assert counts(decide(owner, "reject", ("a", "material", "leather"))) == (1, 0, 0)
    ProductImage.objects.update(sha256="f" * 64, attributes={"material": [{"value": "leather", "confidence": 0.99}]})
    assert listed(owner) == []
    assert metadata(owner.tenant, "a") == {}


def test_after_a_rejection_the_next_value_is_suggested(owner):
    add_judged(owner.tenant, "a", attributes=LEATHER)
    decide(owner, "reject", ("a", "material", "leather"))
    assert listed(owner) == [("a", "material", "suede")]


def test_decisions_are_taken_back(owner):
    add_judged(owner.tenant, "a", attributes=LEATHER)
    add_judged(owner.tenant, "b", attributes=LEATHER)
    decide(owner, "accept", ("a", "material", "leather"))
    decide(owner, "reject", ("b", "material", "leather"))
    undone = decide_all(owner, "undo", attribute="material", value="leather", accepted=True).json()
    assert counts(undone) == (1, 0, 0)
    assert metadata(owner.tenant, "a") == {}
    assert listed(owner, value="leather") == [("a", "material", "leather")]
    assert counts(decide(owner, "undo", ("b", "material", "leather"), ("b", "material", "suede"))) == (1, 1, 0)
    assert not AttributeDecision.objects.exists()


def test_what_was_accepted_can_be_rejected_after_all(owner):
    add_judged(owner.tenant, "a", attributes=LEATHER)
    decide(owner, "accept", ("a", "material", "leather"))
    assert counts(decide(owner, "reject", ("a", "material", "leather"))) == (1, 0, 0)
    assert (metadata(owner.tenant, "a"), AttributeDecision.objects.get().accepted) == ({}, False)


def test_a_choice_that_cannot_be_holds_up_no_other(owner):
    CustomField.objects.create(
        tenant=owner.tenant, key="pattern", display_name="Pattern", type="enum", enum_values=["plain"]
    )
    add_judged(owner.tenant, "a", attributes=LEATHER | {"pattern": {"striped": 0.8}})
    answer = decide(
        owner,
        "accept",
        ("a", "material", "leather"),
        ("a", "material", "suede"),
        ("a", "material", "gold"),
        ("a", "pattern", "striped"),
        ("gone", "material", "leather"),
    )
    assert counts(answer) == (1, 0, 4)
    assert [(one["index"], one["code"]) for one in answer["errors"]] == [
        (1, "already_set"),
        (2, "not_suggested"),
        (3, "invalid_choice"),
        (4, "not_found"),
    ]
    assert [decision.value for decision in AttributeDecision.objects.all()] == ["leather"]
    assert metadata(owner.tenant, "a") == {"material": "leather"}


def test_a_group_is_accepted_as_far_as_it_is_sure(owner, stranger):
    for product_id, confidence in (("a", 0.9), ("b", 0.7), ("c", 0.95)):
        add_judged(owner.tenant, product_id, attributes={"material": {"leather": confidence}}, category="Shoes")
    add_judged(owner.tenant, "d", attributes={"material": {"wool": 0.9}}, category="Shoes")
    add_judged(owner.tenant, "e", attributes={"material": {"leather": 0.9}}, category="Bags")
    add_judged(stranger.tenant, "a", attributes=LEATHER, category="Shoes")
    wanted = {"attribute": "material", "value": "leather", "min_confidence": 0.8, "category": "shoes"}
    assert counts(decide_all(owner, "accept", **wanted).json()) == (2, 0, 0)
    assert counts(decide_all(owner, "accept", **wanted).json()) == (0, 0, 0)
    said = Product.objects.filter(metadata__material="leather").values_list("tenant", "product_id")
    assert sorted(said) == [(owner.tenant.pk, "a"), (owner.tenant.pk, "c")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("verdict", "said", "decisions"), [("accept", 5, 5), ("reject", 0, 5)])
def test_many_are_decided_by_a_job(owner, monkeypatch, verdict, said, decisions):
    monkeypatch.setattr(requests, "AT_ONCE", 3)
    monkeypatch.setattr(requests, "STEP", 2)
    for number in range(5):
        add_judged(owner.tenant, f"p{number}", attributes=LEATHER)
    response = decide_all(owner, verdict, attribute="material", value="leather")
    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (202, f"/v1/jobs/{job.job_id}")
    assert (response.json()["total"], job.status) == (3, "completed")
    assert Product.objects.filter(metadata__material="leather").count() == said
    assert AttributeDecision.objects.filter(accepted=verdict == "accept", decided_by="owner").count() == decisions
    undone = decide_all(owner, "undo", attribute="material", value="leather")
    assert undone.status_code == 202
    assert not AttributeDecision.objects.exists()
    assert not Product.objects.filter(metadata__has_key="material").exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_counts_the_products_that_refuse(owner, monkeypatch):
    monkeypatch.setattr(requests, "AT_ONCE", 1)
    monkeypatch.setattr(requests, "STEP", 2)
    CustomField.objects.create(tenant=owner.tenant, key="material", type="enum", enum_values=["suede"])
    bump_revision(owner.tenant)
    for product_id, seen in (("a", "leather"), ("b", "leather"), ("c", "suede")):
        add_judged(owner.tenant, product_id, attributes={"material": {seen: 0.9}})
    decide_all(owner, "accept", attribute="material")
    refused, done = Job.objects.get().items.order_by("index")
    assert refused.status == "failed"
    assert refused.message.startswith("Not for 2 of 2: a: ")
    assert (done.status, metadata(owner.tenant, "c")) == ("succeeded", {"material": "suede"})


def test_each_request_is_audited_once(owner):
    for product_id in ("a", "b"):
        add_judged(owner.tenant, product_id, attributes=LEATHER)
    decide(owner, "accept", ("a", "material", "leather"), ("b", "material", "leather"))
    decide_all(owner, "reject", attribute="material", value="leather")
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "actor", "after")) == [
        ("attributes.accept", "owner", {"suggestions": 2, "decided": 2}),
        (
            "attributes.reject",
            "owner",
            {"attribute": "material", "value": "leather", "min_confidence": 0.5, "decided": 0},
        ),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"suggestions": []},
        {"suggestions": [{"product_id": "a", "attribute": "mood", "value": "x"}]},
        {"all": {"value": "leather"}},
        {"all": {"attribute": "material"}, "suggestions": [{"product_id": "a", "attribute": "style", "value": "x"}]},
    ],
)
def test_a_request_says_what_it_decides_on(owner, body):
    response = owner.client.post(f"{URL}/accept", body)
    assert (response.status_code, response.json()["error"]) == (422, "validation_failed")


@pytest.mark.parametrize("verdict", ["accept", "reject", "undo"])
def test_deciding_takes_the_right_to_write(owner, reader, verdict):
    add_judged(owner.tenant, "a", attributes=LEATHER)
    assert listed(reader) == [("a", "material", "leather")]
    body = {"suggestions": [{"product_id": "a", "attribute": "material", "value": "leather"}]}
    assert reader.client.post(f"{URL}/{verdict}", body).status_code == 403
    assert metadata(owner.tenant, "a") == {}


def test_a_stranger_finds_and_decides_nothing(owner, stranger):
    add_judged(owner.tenant, "a", attributes=LEATHER)
    assert listed(stranger) == []
    assert decide(stranger, "accept", ("a", "material", "leather"))["errors"][0]["code"] == "not_found"
    assert not AttributeDecision.objects.exists()
