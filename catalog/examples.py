"""Examples for the API's documentation, told as one story: a shop sends a sneaker."""

TIME = "2026-11-21T10:30:00Z"

PRODUCT_SENT = {
    "product_id": "shoe-001",
    "image_url": "https://example.com/blue-sneaker.jpg",
    "metadata": {
        "name": "Blue Running Sneaker",
        "category": "footwear",
        "brand": "SportMax",
        "price": 89.99,
        "color_name": "blue",
        "tags": ["running", "sports", "casual"],
    },
}
INDEXED = {
    "status": "indexed",
    "product_id": "shoe-001",
    "vector_id": "vec_1",
    "message": "Product image indexed successfully",
}
PRODUCT = {
    "product_id": "shoe-001",
    "status": "indexed",
    "image_url": "https://example.com/blue-sneaker.jpg",
    "image_urls": ["https://example.com/blue-sneaker.jpg"],
    "metadata": PRODUCT_SENT["metadata"],
    "translations": {"de": {"name": "Blauer Sneaker", "category": "Schuhe"}},
    "colors": ["blue", "white"],
    "product_type": "sneaker",
    "quality": 0.91,
    "error_code": "",
    "error_message": "",
    "is_demo": False,
    "images": [
        {
            "position": 0,
            "sha256": "9ddce0a259bd57de2f7a0c32e52d27586231a1702637ddd355dadbe393d089ce",
            "width": 1200,
            "height": 1200,
            "thumbnail_url": "https://search.example.com/media/thumbnails/1/9d/9ddce0a2.jpg",
            "palette": [{"hex": "#2456c8", "share": 0.7, "name": "blue"}],
            "quality": {"score": 0.91, "grade": "excellent", "problems": [], "hint": ""},
            "product_type": "sneaker",
            "product_type_confidence": 0.84,
            "attributes": {
                "color": [{"value": "blue", "confidence": 0.91}],
                "material": [],
                "pattern": [{"value": "plain", "confidence": 0.8}],
                "style": [{"value": "sporty", "confidence": 0.66}],
            },
        }
    ],
    "created_at": TIME,
    "updated_at": TIME,
    "indexed_at": TIME,
}
STATS = {
    "total_products": 1,
    "demo_products": 0,
    "plan_limit": 5000,
    "remaining": 4999,
    "by_status": {"indexed": 1},
    "by_category": {"footwear": 1},
    "avg_quality": 0.91,
    "last_indexed_at": TIME,
}
JOB_ERROR = {
    "index": 1,
    "product_id": "shoe-002",
    "code": "image_fetch_failed",
    "message": "example.com answered 404: there is no picture at this address. Send another one.",
    "retryable": False,
}
JOB_SUMMARY = {
    "job_id": "job-abc123",
    "type": "index",
    "source": "",
    "status": "completed",
    "total": 2,
    "processed": 2,
    "succeeded": 1,
    "failed": 1,
    "canceled": 0,
    "created_at": TIME,
    "started_at": TIME,
    "finished_at": TIME,
}
JOB = JOB_SUMMARY | {
    "waiting": 0,
    "next_attempt_at": None,
    "result": None,
    "errors": [JOB_ERROR],
    "errors_url": "https://search.example.com/v1/jobs/job-abc123/errors",
}
JOB_STARTED = {"job_id": "job-abc123", "status": "processing", "total": 1}
BULK = {"products": [PRODUCT_SENT], "callback_url": "https://your-server.example/webhook"}
DEMO = {"installed": 2, "product_ids": ["demo-dress-red", "demo-mug-blue"], "job_id": "job-abc123"}
