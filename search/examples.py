"""What requests and answers of searches look like, for the documentation and its tests."""

from typing import Any

REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"query": "red summer dress", "limit": 10, "price_max": 100},
    "url": {"image_url": "https://example.com/query-sneaker.jpg", "limit": 10, "threshold": 0.5},
    "hybrid": {
        "image_url": "https://example.com/dress.jpg",
        "query": "summer casual",
        "colors": ["#ff0000", "#ffffff"],
        "metadata_filters": [{"field": "category", "operator": "eq", "value": "dresses"}],
        "visual_weight": 0.7,
        "limit": 10,
    },
    "fusion": {
        "image_url": "https://example.com/red-dress.jpg",
        "query": "like this but in blue",
        "image_weight": 0.6,
        "limit": 10,
        "category": "Clothing",
        "price_max": 150,
    },
    "multi-image": {
        "image_urls": ["https://example.com/a.jpg", "https://example.com/b.jpg"],
        "aggregation": "average",
    },
    "crop": {
        "image_url": "https://example.com/street.jpg",
        "crop": {"x": 0.25, "y": 0.5, "width": 0.5, "height": 0.25},
    },
    "filtered": {
        "query": "summer dress",
        "filter": {
            "must": [{"key": "price", "range": {"lte": 150}}],
            "must_not": [{"key": "brand", "match": {"value": "Zara"}}],
        },
    },
    "color": {"color": "#ff0000", "max_distance": 80, "limit": 10},
    "similar": {"product_id": "shoe-001", "limit": 10, "exclude_same_parent": True},
    "nl": {"query": "red dresses under $100 without stripes, size M, not Zara"},
}
ANSWER = {
    "search_id": "srch_0123456789abcdef01234567",
    "query_time_ms": 12.4,
    "timing_ms": {"parse": 0.3, "fetch": 0.1, "encode": 8.2, "database": 3.1, "rank": 1.0},
    "count": 1,
    "has_more": False,
    "applied_threshold": 0.31,
    "results": [
        {
            "product_id": "shoe-001",
            "similarity_score": 0.95,
            "score": 0.91,
            "relevance": 0.98,
            "match": "strong",
            "metadata": {"name": "Blue Running Sneaker", "price": 89.99},
            "image_url": "https://example.com/blue-sneaker.jpg",
            "thumbnail_url": "https://shop.example/media/thumbnails/1/ab/ab12.jpg",
        }
    ],
    "applied_rules": [],
    "promo_banners": [],
}
BATCH = {
    "queries": [
        {"type": "text", "query": "red summer dress", "limit": 5},
        {"type": "color", "color": "no colour"},
    ]
}
BATCH_ANSWER = {
    "results": [
        {"index": 0, "status": 200, "body": ANSWER},
        {"index": 1, "status": 422, "body": {"error": "validation_failed", "message": "color: …"}},
    ]
}
