"""Examples for the API's documentation: what became of the sneaker that was searched."""

from catalog.examples import PRODUCT_SENT, TIME

CLICK = {"result_product_id": "shoe-001", "action": "click"}
PURCHASE = {
    "search_id": "srch_0123456789ab",
    "result_product_id": "shoe-001",
    "action": "purchase",
    "position": 1,
    "quantity": 1,
    "order_id": "order-1001",
    "order_value": 89.99,
    "currency": "USD",
    "session_id": "visit-42",
}
RECORDED = {"status": "recorded"}
POPULAR = {
    "products": [
        {
            "product_id": "shoe-001",
            "score": 26.0,
            "clicks": 12,
            "add_to_carts": 1,
            "purchases": 1,
            "metadata": PRODUCT_SENT["metadata"],
        }
    ]
}
SUGGESTIONS = {"suggestions": [{"query": "blue sneaker", "count": 14}, {"query": "running shoes", "count": 9}]}
COMPLETIONS = {
    "query": "snea",
    "suggestions": [
        {"text": "blue sneaker", "kind": "query", "count": 14},
        {"text": "Sneakers", "kind": "category", "count": 31},
        {"text": "Blue Running Sneaker", "kind": "product", "product_id": "shoe-001"},
    ],
}
SEARCH = {
    "search_id": "srch_0123456789ab",
    "type": "text",
    "query": "blue sneaker",
    "results": 8,
    "latency_ms": 9.4,
    "created_at": TIME,
    "surface": "api",
    "params": {"query": "blue sneaker", "limit": 10},
    "filters": [],
    "top_product_ids": ["shoe-001", "shoe-002"],
    "session_id": "visit-42",
    "user_id": "",
    "experiment": "",
    "variant": "",
}
HISTORY = {"data": [SEARCH], "has_more": False, "next_cursor": None, "summary": {"total": 1, "today": 1}}
FORGOTTEN = {"deleted": 3}
ANALYTICS = {
    "total_searches": 200,
    "avg_latency_ms": 11.2,
    "zero_result_searches": 4,
    "zero_result_rate": 0.02,
    "by_day": [{"date": "2026-11-21", "searches": 200}],
    "by_type": {"text": 150, "upload": 50},
    "top_queries": [{"query": "blue sneaker", "count": 14}],
    "conversion": {
        "clicks": 60,
        "add_to_carts": 12,
        "purchases": 5,
        "click_through_rate": 0.25,
        "conversion_rate": 0.02,
        "revenue": [{"currency": "USD", "amount": 359.96, "orders": 4}],
    },
}
