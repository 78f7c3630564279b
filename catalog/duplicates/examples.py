"""What the API's documentation shows of near-duplicates."""

from typing import Any

DUPLICATE: dict[str, Any] = {
    "product_id": "shoe-001",
    "name": "Blue sneaker",
    "price": 79.99,
    "currency": "USD",
    "image_url": "https://example.com/blue-sneaker.jpg",
    "thumbnail_url": "https://search.example.com/media/thumbnails/1/ab/ab12.jpg",
    "width": 1200,
    "height": 1200,
    "quality": 0.82,
    "similarity": 0.97,
    "created_at": "2026-02-20T10:00:00Z",
}
GROUP = {
    "group_id": "dup_abc123",
    "similarity": 0.97,
    "state": "open",
    "action": "",
    "found_at": "2026-02-27T13:00:00Z",
    "resolved_at": None,
    "products": [
        DUPLICATE,
        DUPLICATE
        | {"product_id": "shoe-002", "image_url": "https://example.com/blue-sneaker-copy.jpg", "price": 74.99},
    ],
}
RESOLVED = GROUP | {
    "state": "resolved",
    "action": "delete_others",
    "resolved_at": "2026-02-27T14:00:00Z",
    "products": [DUPLICATE],
}
