"""Feeds over the server that customers meet, whose streams are not those of the tests' client."""

import json


def test_no_line_of_a_large_batch_is_lost(installation):
    lines = "".join(json.dumps({"product_id": f"nobody-{n}", "price": n}) + "\n" for n in range(2_000))
    with installation.api() as api:
        headers = {"Content-Type": "application/x-ndjson"}
        answer = api.post("/v1/products/patch-batch", content=lines, headers=headers)
    assert (answer.status_code, answer.json()["failed"]) == (200, 2_000)
    assert answer.json()["errors"][-1]["product_id"] == "nobody-1999"
