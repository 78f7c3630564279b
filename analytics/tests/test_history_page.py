from datetime import UTC, datetime

import pytest

from analytics.tests.searches import search


@pytest.fixture
def browser(admin_user, client):
    client.force_login(admin_user)
    return client


def shown(browser, query=""):
    response = browser.get(f"/history{query}")
    assert response.status_code == 200
    return [(row.mode, row.event.text, row.filters, row.again) for row in response.context["rows"]]


def test_searches_are_listed_with_what_asks_them_again(browser, tenant, stranger):
    search(tenant, "red dress", params={"query": "red dress", "price_max": 100, "limit": 10})
    search(tenant, mode="url", params={"image_url": "https://shop.example/a b.jpg"})
    search(
        tenant,
        mode="multi-image",
        filters=[{"field": "brand", "value": ["SportMax", "Runner"]}, {"field": "price", "value": "100.00"}],
    )
    search(stranger.tenant, "theirs")
    assert shown(browser) == [
        ("Several pictures", "", "brand: SportMax or Runner, price: 100.00", ""),
        ("Picture address", "", "", "image_url=https%3A%2F%2Fshop.example%2Fa+b.jpg"),
        ("Words", "red dress", "", "query=red+dress&price_max=100"),
    ]
    page = browser.get("/history").content.decode()
    assert 'href="/search?query=red+dress&amp;price_max=100"' in page
    assert "3 searches in all, 3 today" in page


def test_the_list_is_filtered_and_comes_in_pages(browser, tenant):
    for number in range(26):
        search(tenant, f"dress {number}", created_at=datetime(2026, 3, 20, 12, number, tzinfo=UTC))
    search(tenant, "old dress", created_at=datetime(2026, 3, 19, 12, tzinfo=UTC))
    search(tenant, mode="upload")
    query = "?q=DRESS&mode=text&created_after=2026-03-20"
    assert [text for _, text, _, _ in shown(browser, query)] == [f"dress {number}" for number in range(25, 0, -1)]
    assert [text for _, text, _, _ in shown(browser, f"{query}&page=2")] == ["dress 0"]


def test_the_modes_that_were_searched_by_can_be_chosen(browser, tenant, stranger):
    for mode in ("text", "hybrid", "filtered", "a-new-mode", "text"):
        search(tenant, mode=mode)
    search(stranger.tenant, mode="voice")
    assert browser.get("/history").context["modes"] == [
        ("a-new-mode", "A new mode"),
        ("filtered", "With filters"),
        ("hybrid", "Picture and words"),
        ("text", "Words"),
    ]


def test_htmx_gets_the_results_alone(browser, tenant):
    search(tenant, "red dress")
    page = browser.get("/history", HTTP_HX_REQUEST="true").content.decode()
    assert "red dress" in page
    assert "<html" not in page


def test_a_filter_that_does_not_exist_is_told(browser):
    response = browser.get("/history?created_after=yesterday", follow=True)
    assert response.redirect_chain == [("/history", 302)]
    assert "There are no such filters" in response.content.decode()


def test_the_history_is_deleted(browser, tenant):
    search(tenant, "red dress")
    response = browser.post("/history/forget", follow=True)
    assert "1 search deleted from the history." in response.content.decode()
    assert shown(browser) == []


def test_a_reader_neither_sees_nor_deletes_it(reader, client):
    client.force_login(reader.user)
    assert client.get("/history").status_code == 403
    assert client.post("/history/forget").status_code == 403


def test_a_longer_list_costs_no_more_queries(browser, tenant, django_assert_num_queries):
    for number in range(3):
        search(tenant, f"dress {number}")
    browser.get("/history")
    with django_assert_num_queries(8):
        browser.get("/history")
