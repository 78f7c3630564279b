from django.test import Client

PROBLEM = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "error",
    "message",
    "request_id",
    "retryable",
}


def test_every_error_has_the_one_shape(owner):
    response = owner.client.get("/v1/products/none", headers={"x-request-id": "my-id"})
    body = response.json()
    assert set(body) == PROBLEM
    assert response["Content-Type"] == "application/problem+json"
    assert (body["status"], body["error"], body["instance"]) == (404, "not_found", "/v1/products/none")
    assert body["request_id"] == response["X-Request-ID"] == "my-id"


def test_an_id_that_could_forge_a_log_line_is_replaced(db):
    response = Client().get("/healthz", headers={"x-request-id": "a\tb"})
    assert response["X-Request-ID"].startswith("req_")


def test_an_address_that_does_not_exist_says_where_to_look(db):
    response = Client().get("/v1/no-such-thing")
    assert (response.status_code, response.json()["error"]) == (404, "not_found")
    assert "/docs" in response.json()["message"]


def test_a_browser_gets_a_page_and_the_api_never_does(db):
    page = Client().get("/no-such-page", headers={"accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Nothing at this address" in page.content.decode()
    for path, accept in (("/v1/no-such-thing", "text/html"), ("/no-such-page", "*/*")):
        assert Client().get(path, headers={"accept": accept})["Content-Type"] == "application/problem+json"


def test_a_wrong_method_is_told(owner):
    response = owner.client.put("/v1/products", {})
    assert (response.status_code, response.json()["error"]) == (405, "method_not_allowed")


def test_a_form_of_too_many_fields_is_refused(db):
    form = "&".join(f"field{number}=1" for number in range(1001))
    response = Client().post("/oauth/token", form, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_another_host_is_refused_with_json_for_programs_and_text_for_browsers(db):
    foreign = Client(headers={"host": "elsewhere.example", "accept": "text/html"})
    answer = foreign.get("/v1/products")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["error"] == "invalid_request"
    page = foreign.get("/docs")
    assert (page.status_code, page["Content-Type"]) == (400, "text/plain")
    assert "another host" in page.content.decode()


def test_a_wrong_content_type_is_told(owner):
    response = owner.client.post("/v1/products", "a=b", content_type="text/plain")
    assert (response.status_code, response.json()["error"]) == (415, "unsupported_media_type")


def test_a_body_that_is_too_large_is_not_read(owner, settings):
    settings.MAX_BODY_BYTES = 100
    response = owner.client.post("/v1/search/text", {"query": "x" * 200})
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")


def test_fields_of_nested_errors_are_named_by_their_path(owner):
    response = owner.client.post("/v1/products", {"product_id": "a", "image_url": "x", "images": [1, ""]})
    assert [error["field"] for error in response.json()["errors"]] == ["images.1"]
