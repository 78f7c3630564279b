"""The portal's search page: what was understood, why each product is there, and the way back to looks alone."""

import pytest

RED, BLUE = (220, 20, 20), (20, 40, 220)


@pytest.fixture
def page(client, admin_user, index):
    index(metadata={"category": "Balls", "price": 10}, red=RED)
    index(metadata={"category": "Balls", "price": 20}, blue=BLUE)
    client.force_login(admin_user)

    def get(**asked):
        response = client.get("/search", asked)
        assert response.status_code == 200
        return response

    return get


def test_words_are_read_as_a_sentence_which_is_shown(page):
    response = page(query="balls under 15")
    assert [hit.product_id for hit, _ in response.context["shown"]] == ["red"]
    assert "price at most 15" in response.content.decode()


def test_by_looks_alone_a_sentence_is_only_words(page):
    response = page(query="balls under 15", by_looks="1")
    assert {hit.product_id for hit, _ in response.context["shown"]} == {"red", "blue"}
    assert "price at most" not in response.content.decode()


def test_each_product_says_what_its_score_is_made_of(page):
    response = page(query="red ball")
    (hit, reasons), *_ = response.context["shown"]
    assert reasons[0][0] == "Looks"
    assert sum(signal.share for _, signal in reasons) == pytest.approx(hit.score)
    assert "Why here" in response.content.decode()


def test_words_in_another_language_are_shown_as_they_are_searched_for(page):
    assert '<q lang="en">red dress</q>' in page(query="rotes Kleid", by_looks="1").content.decode()
    assert "Searched for" not in page(query="red dress").content.decode()
