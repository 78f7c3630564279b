"""What uploads and products of the Catalog API look like."""

from typing import Any

UPLOAD = {
    "title": "Classic Black Leather Jacket",
    "image_url": "https://example.com/jacket.jpg",
    "external_id": "SKU-12345",
    "price": 299.99,
    "category": "Outerwear",
}
UPLOAD_ANSWER = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "external_id": "SKU-12345",
    "status": "created",
    "embedding_status": "processing",
}
PRODUCT: dict[str, Any] = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "external_id": "SKU-12345",
    "title": "Classic Black Leather Jacket",
    "sku": None,
    "description": None,
    "brand": None,
    "category": "Outerwear",
    "price": 299.99,
    "currency": "USD",
    "product_url": None,
    "image_url": "https://example.com/jacket.jpg",
    "metadata": {},
    "embedding_status": "processing",
    "embedding_error": None,
    "features": None,
    "created_at": "2026-11-21T10:30:00Z",
    "updated_at": "2026-11-21T10:30:00Z",
}
LISTED = {"products": [PRODUCT], "page": 1, "per_page": 20, "total": 1}
