import pytest

from accounts.models import ApiKey
from merchandising.models import MerchandisingRule, PromoBanner, SynonymSet
from merchandising.rules import rules_of

RULES, BANNERS, SYNONYMS = "/v1/merchandising/rules", "/v1/promo-banners", "/v1/merchandising/synonyms"
PIN = {"rule_type": "pin", "product_ids": ["a"]}
BODIES = {
    RULES: PIN,
    BANNERS: {"title": "Sale"},
    SYNONYMS: {"synonym_type": "two_way", "words": ["sofa", "couch"]},
}
MODELS = {RULES: MerchandisingRule, BANNERS: PromoBanner, SYNONYMS: SynonymSet}
EACH = pytest.mark.parametrize("path", [RULES, BANNERS, SYNONYMS])


def test_a_rule_is_saved_and_shown(owner, index):
    index(a=(255, 0, 0))
    sent = {
        "rule_type": "boost",
        "product_ids": ["a", "a"],
        "boost_multiplier": 1.5,
        "scope_type": "query_contains",
        "scope_value": "red",
        "priority": 5,
        "start_at": "2026-11-01T00:00:00Z",
        "end_at": "2026-12-01T00:00:00Z",
        "description": "Red first",
    }
    response = owner.client.post(RULES, sent)
    body = response.json()
    assert response.status_code == 201
    assert body | sent | {"product_ids": ["a"]} == body
    assert (body["active"], body["ignore_filters"], body["warnings"]) == (True, False, [])
    assert owner.client.get(f"{RULES}/{body['id']}").json() == body
    assert [rule["id"] for rule in owner.client.get(RULES).json()["data"]] == [body["id"]]


def test_products_that_do_not_exist_are_taken_with_a_warning(owner, stranger, index):
    index(a=(255, 0, 0))
    body = owner.client.post(RULES, {"rule_type": "bury", "product_ids": ["a", "gone"]}).json()
    assert [(warning["code"], warning["product_id"]) for warning in body["warnings"]] == [("unknown_product", "gone")]
    foreign = stranger.client.post(RULES, PIN).json()
    assert [warning["product_id"] for warning in foreign["warnings"]] == ["a"]


def test_what_a_type_or_scope_has_no_use_for_is_not_kept(owner):
    body = owner.client.post(RULES, {**PIN, "boost_multiplier": 2, "scope_value": "red"}).json()
    assert (body["boost_multiplier"], body["scope_value"]) == (None, "")
    changed = owner.client.patch(
        f"{RULES}/{body['id']}", {"rule_type": "boost", "boost_multiplier": 2, "ignore_filters": True}
    )
    assert (changed.json()["boost_multiplier"], changed.json()["ignore_filters"]) == (2, False)


def test_a_banner_is_saved_and_shown(owner):
    sent = {
        "title": "Summer sale",
        "body": "20 % off",
        "cta_text": "Go",
        "cta_url": "/sale",
        "image_url": "https://shop.example/sale.jpg",
        "background_color": "#AABBCC",
        "foreground_color": "#000000",
        "position": "middle",
        "scope_type": "category_match",
        "scope_value": "shoes",
        "priority": 3,
    }
    response = owner.client.post(BANNERS, sent)
    body = response.json()
    assert response.status_code == 201
    assert body | sent | {"background_color": "#aabbcc"} == body
    assert owner.client.get(f"{BANNERS}/{body['id']}").json() == body


def test_synonyms_are_saved_and_shown(owner):
    sent = {"synonym_type": "one_way", "root": "footwear", "words": ["Boot", "boot", "sandal"]}
    response = owner.client.post(SYNONYMS, sent)
    body = response.json()
    assert response.status_code == 201
    assert (body["synonym_type"], body["root"], body["words"]) == ("one_way", "footwear", ["Boot", "sandal"])
    assert owner.client.get(f"{SYNONYMS}/{body['id']}").json() == body


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        (RULES, {"rule_type": "hide"}, "rule_type"),
        (RULES, {"product_ids": []}, "product_ids"),
        (RULES, {"product_ids": [f"{n}" for n in range(101)]}, "product_ids"),
        (RULES, {"rule_type": "boost"}, "boost_multiplier"),
        (RULES, {"rule_type": "boost", "boost_multiplier": 0}, "boost_multiplier"),
        (RULES, {"rule_type": "boost", "boost_multiplier": 5.01}, "boost_multiplier"),
        (RULES, {"rule_type": "boost", "boost_multiplier": "NaN"}, "boost_multiplier"),
        (RULES, {"rule_type": "boost", "boost_multiplier": 10**400}, "boost_multiplier"),
        (RULES, {"scope_type": "query_exact"}, "scope_value"),
        (RULES, {"scope_type": "query_exact", "scope_value": " "}, "scope_value"),
        (RULES, {"scope_type": "sometimes"}, "scope_type"),
        (RULES, {"priority": -1}, "priority"),
        (RULES, {"priority": 10**30}, "priority"),
        (RULES, {"start_at": "soon"}, "start_at"),
        (RULES, {"start_at": "2026-11-02T00:00:00Z", "end_at": "2026-11-02T00:00:00Z"}, "end_at"),
        (BANNERS, {"title": ""}, "title"),
        (BANNERS, {"background_color": "red"}, "background_color"),
        (BANNERS, {"foreground_color": "#12345"}, "foreground_color"),
        (BANNERS, {"position": "left"}, "position"),
        (BANNERS, {"cta_text": "Go"}, "cta_url"),
        (BANNERS, {"cta_url": "/sale"}, "cta_text"),
        (BANNERS, {"cta_text": "Go", "cta_url": "javascript:alert(1)"}, "cta_url"),
        (BANNERS, {"cta_text": "Go", "cta_url": "//evil.example"}, "cta_url"),
        (BANNERS, {"cta_text": "Go", "cta_url": "/\\evil.example"}, "cta_url"),
        (BANNERS, {"image_url": "data:image/png;base64,AAAA"}, "image_url"),
        (SYNONYMS, {"words": ["sofa"]}, "words"),
        (SYNONYMS, {"words": ["sofa", "SOFA"]}, "words"),
        (SYNONYMS, {"words": ["x" * 81, "y"]}, "words"),
        (SYNONYMS, {"words": [f"{n}" for n in range(21)]}, "words"),
        (SYNONYMS, {"synonym_type": "one_way"}, "root"),
    ],
)
def test_what_is_wrong_is_named(owner, path, fields, field):
    response = owner.client.post(path, BODIES[path] | fields)
    assert (response.status_code, response.json()["error"]) == (422, "validation_failed")
    assert {error["field"].split(".")[0] for error in response.json()["errors"]} == {field}
    assert not MODELS[path].objects.exists()


def test_a_change_is_checked_against_what_is_there(owner):
    rule = owner.client.post(RULES, {**PIN, "start_at": "2026-11-02T00:00:00Z"}).json()
    response = owner.client.patch(f"{RULES}/{rule['id']}", {"end_at": "2026-11-01T00:00:00Z"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "end_at")
    response = owner.client.patch(f"{RULES}/{rule['id']}", {"scope_type": "query_exact"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "scope_value")


@EACH
def test_every_write_counts_at_the_next_search(owner, path):
    revisions = [owner.tenant.revision]

    def look():
        owner.tenant.refresh_from_db()
        revisions.append(owner.tenant.revision)

    row = owner.client.post(path, BODIES[path]).json()
    look()
    assert owner.client.patch(f"{path}/{row['id']}", {"active": False}).json()["active"] is False
    look()
    assert owner.client.delete(f"{path}/{row['id']}").status_code == 204
    look()
    assert [later - revisions[0] for later in revisions] == [0, 1, 2, 3]
    assert owner.client.get(f"{path}/{row['id']}").status_code == 404


def test_rules_are_read_in_their_order_and_once(owner, django_assert_num_queries):
    names = {}
    for name, priority in [("older", 100), ("newer", 100), ("first", 1)]:
        body = owner.client.post(RULES, {**PIN, "priority": priority}).json()
        names[body["id"]] = name
    owner.client.post(RULES, {**PIN, "active": False})
    owner.tenant.refresh_from_db()
    with django_assert_num_queries(1):
        assert [names[rule.rule_id] for rule in rules_of(owner.tenant)] == ["first", "newer", "older"]
        rules_of(owner.tenant)
    listed = owner.client.get(RULES, {"limit": 2}).json()
    assert [names.get(rule["id"], "paused") for rule in listed["data"]] == ["first", "paused"]
    rest = owner.client.get(RULES, {"limit": 2, "cursor": listed["next_cursor"]}).json()
    assert [names[rule["id"]] for rule in rest["data"]] == ["newer", "older"]


@EACH
def test_a_dry_run_saves_nothing(owner, path):
    revision = owner.tenant.revision
    response = owner.client.post(f"{path}?dry_run=true", BODIES[path])
    owner.tenant.refresh_from_db()
    assert (response.status_code, response.json()["valid"]) == (200, True)
    assert (MODELS[path].objects.count(), owner.tenant.revision) == (0, revision)
    assert owner.client.post(f"{path}?dry_run=true", {}).status_code == 422


def test_a_dry_run_warns_as_well(owner):
    body = owner.client.post(f"{RULES}?dry_run=true", PIN).json()
    assert [warning["product_id"] for warning in body["warnings"]] == ["a"]


@EACH
def test_there_is_room_for_so_many(owner, stranger, path, monkeypatch):
    monkeypatch.setattr(MODELS[path], "LIMIT", 1)
    assert stranger.client.post(path, BODIES[path]).status_code == 201
    assert owner.client.post(path, BODIES[path]).status_code == 201
    response = owner.client.post(path, BODIES[path])
    assert (response.status_code, response.json()["error"]) == (409, "limit_reached")
    assert MODELS[path].objects.filter(tenant=owner.tenant).count() == 1


@EACH
def test_a_write_may_be_sent_twice(owner, path):
    first, second = (
        owner.client.post(path, BODIES[path], headers={"Idempotency-Key": "the same"}).json() for _ in range(2)
    )
    assert first == second
    assert MODELS[path].objects.count() == 1


@EACH
def test_shops_do_not_see_each_other(owner, stranger, path):
    row = owner.client.post(path, BODIES[path]).json()
    assert stranger.client.get(path).json()["data"] == []
    for method in (stranger.client.get, stranger.client.patch, stranger.client.delete):
        response = method(f"{path}/{row['id']}")
        assert (response.status_code, response.json()["error"]) == (404, "not_found")
    assert owner.client.get(f"{path}/{row['id']}").status_code == 200


@pytest.mark.parametrize(
    ("path", "resource"), [(RULES, "merchandising"), (BANNERS, "banners"), (SYNONYMS, "merchandising")]
)
def test_reading_and_writing_need_their_permissions(owner, reader, path, resource):
    row = owner.client.post(path, BODIES[path]).json()
    assert reader.client.get(path).json()["error"] == "missing_permission"
    _, key = ApiKey.objects.create_key(tenant=owner.tenant, name="Reads", scopes=[f"{resource}:read"])
    may_read = {"X-API-Key": key}
    client = type(owner.client)()
    assert client.get(f"{path}/{row['id']}", headers=may_read).status_code == 200
    for method, address in [
        (client.post, path),
        (client.patch, f"{path}/{row['id']}"),
        (client.delete, f"{path}/{row['id']}"),
    ]:
        assert method(address, BODIES[path], headers=may_read).json()["error"] == "missing_permission"
    assert MODELS[path].objects.count() == 1
