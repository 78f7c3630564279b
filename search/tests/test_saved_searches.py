import pytest

from conftest import picture, signed_in
from search import saved as saved_searches
from search.models import SavedSearch

URL = "/v1/search/saved"
RED, GREEN, BLUE = (220, 20, 20), (20, 160, 40), (20, 40, 220)
BODY = {"name": "Red things", "type": "text", "params": {"query": "red", "limit": 2}}


@pytest.fixture
def shop(index):
    index(red=RED, green=GREEN, blue=BLUE)


def save(owner, **fields):
    response = owner.client.post(URL, BODY | fields)
    assert response.status_code == 201, response.content
    return response.json()


def run(owner, saved, **overrides):
    return owner.client.post(f"{URL}/{saved['id']}/run", overrides)


def ids(response):
    assert response.status_code == 200, response.content
    return [result["product_id"] for result in response.json()["results"]]


def test_a_search_is_saved_listed_shown_and_deleted(owner):
    response = owner.client.post(URL, BODY)
    assert response.status_code == 201
    saved = response.json()
    assert (BODY | {"created_by": None}).items() <= saved.items()
    assert response.headers["Location"] == f"{URL}/{saved['id']}"
    assert owner.client.get(URL).json()["data"] == [saved]
    assert owner.client.get(f"{URL}/{saved['id']}").json() == saved
    assert owner.client.delete(f"{URL}/{saved['id']}").status_code == 204
    assert owner.client.get(f"{URL}/{saved['id']}").status_code == 404


def test_it_remembers_who_has_saved_it(admin_user):
    assert signed_in(admin_user).post(URL, BODY).json()["created_by"] == "alice@example.com"


def test_it_finds_what_is_in_the_shop_now(owner, shop, index):
    saved = save(owner)
    assert ids(run(owner, saved))[0] == "red"
    assert owner.client.delete("/v1/products/red").status_code == 204
    assert "red" not in ids(run(owner, saved))


def test_limit_and_offset_stand_in_for_the_saved_ones(owner, shop):
    saved = save(owner, params={"query": "red", "limit": 2, "threshold": 0})
    every = ids(owner.client.post("/v1/search/text", {"query": "red", "threshold": 0}))
    assert len(every) == 3
    assert ids(run(owner, saved)) == every[:2]
    assert ids(run(owner, saved, limit=1)) == every[:1]
    assert ids(run(owner, saved, offset=1)) == every[1:]
    assert run(owner, saved, limit=0).status_code == 422
    assert owner.client.get(f"{URL}/{saved['id']}").json() == saved


def test_a_picture_is_saved_by_its_address(owner, pictures, shop):
    url = pictures.serve("/query.jpg", picture(GREEN, size=(300, 300)))
    saved = save(owner, type="url", params={"image_url": url})
    assert ids(run(owner, saved))[0] == "green"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "upload"}, "type"),
        ({"type": "telepathy"}, "type"),
        ({"params": {}}, "query"),
        ({"params": {"query": "red", "limit": 0}}, "limit"),
        ({"params": ["red"]}, "params"),
        ({"name": "n" * 101}, "name"),
        ({"params": {"query": "red", "note": "n" * 2_001}}, "params.note"),
        ({"type": "url", "params": {"image_base64": "A" * 2_001}}, "params.image_base64"),
        ({"type": "multi-image", "params": {"image_urls": ["a", "A" * 2_001]}}, "params.image_urls.1"),
        ({"params": {"query": "red", "note": ["n" * 2_000] * 10}}, "params"),
    ],
)
def test_what_could_not_be_run_or_holds_a_picture_is_refused(owner, fields, field):
    response = owner.client.post(URL, BODY | fields)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not SavedSearch.objects.exists()


def test_the_refusal_of_a_picture_says_what_to_do(owner):
    response = owner.client.post(URL, BODY | {"type": "url", "params": {"image_base64": "A" * 2_001}})
    assert "A saved search keeps a picture's address, not its bytes" in response.json()["message"]


def test_a_tenant_keeps_so_many_and_no_more(owner, stranger, monkeypatch):
    monkeypatch.setattr(saved_searches, "MAX_SAVED", 2)
    first = save(owner)
    save(owner)
    response = owner.client.post(URL, BODY)
    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    save(stranger)
    owner.client.delete(f"{URL}/{first['id']}")
    save(owner)


def test_a_stranger_finds_no_saved_search(owner, stranger):
    saved = save(owner)
    assert stranger.client.get(URL).json()["data"] == []
    for response in (
        stranger.client.get(f"{URL}/{saved['id']}"),
        run(stranger, saved),
        stranger.client.delete(f"{URL}/{saved['id']}"),
    ):
        assert response.status_code == 404
    assert SavedSearch.objects.count() == 1


@pytest.mark.parametrize(
    ("permissions", "may_read", "may_write"),
    [
        (["products:read"], False, False),
        (["search:execute"], False, False),
        (["search:read"], True, False),
        (["search:read", "search:write"], True, True),
    ],
)
def test_it_requires_permissions(owner, reader, shop, permissions, may_read, may_write):
    saved = save(owner)
    reader.user.user_groups.update(permissions=permissions)
    client = signed_in(reader.user)
    read, write = (200 if may_read else 403), (201 if may_write else 403)
    assert client.get(URL).status_code == read
    assert client.get(f"{URL}/{saved['id']}").status_code == read
    assert client.post(f"{URL}/{saved['id']}/run", {}).status_code == read
    assert client.post(URL, BODY).status_code == write
    assert client.delete(f"{URL}/{saved['id']}").status_code == (204 if may_write else 403)
