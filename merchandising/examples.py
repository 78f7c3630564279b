"""Examples for the API's documentation: a shop shows its new sneaker first."""

from catalog.examples import TIME

RULE_SENT = {
    "rule_type": "pin",
    "product_ids": ["shoe-001"],
    "scope_type": "query_contains",
    "scope_value": "sneaker",
    "priority": 10,
    "description": "New sneaker first",
}
RULE = {
    "id": "6f8f57a7-1c9c-4b60-9d0e-7c1d5a3e2b90",
    "rule_type": "pin",
    "product_ids": ["shoe-001"],
    "boost_multiplier": None,
    "ignore_filters": False,
    "scope_type": "query_contains",
    "scope_value": "sneaker",
    "priority": 10,
    "active": True,
    "start_at": None,
    "end_at": None,
    "description": "New sneaker first",
    "created_at": TIME,
    "updated_at": TIME,
}
WARNING = {
    "code": "unknown_product",
    "product_id": "shoe-001",
    "message": "There is no product shoe-001 now; the rule counts for it once there is.",
}
RULE_WITH_WARNING = RULE | {"warnings": [WARNING]}
DRY_RUN = {"valid": True, "warnings": []}
BANNER_SENT = {
    "title": "Summer sale",
    "body": "20 % off all sandals until Sunday.",
    "cta_text": "See the sale",
    "cta_url": "/sale",
    "background_color": "#08784f",
    "foreground_color": "#ffffff",
    "position": "top",
    "scope_type": "category_match",
    "scope_value": "footwear",
}
BANNER = {
    "id": "0b4a2a51-93a6-4a0c-8c2e-0c7f4f1f6f2d",
    **BANNER_SENT,
    "image_url": "",
    "priority": 100,
    "active": True,
    "start_at": None,
    "end_at": None,
    "created_at": TIME,
    "updated_at": TIME,
}
SYNONYM_SENT = {"synonym_type": "two_way", "words": ["sneaker", "trainer", "running shoe"]}
SYNONYM = {
    "id": "c0a1b2d8-54c5-4f0e-8f39-2a6d5b1c9e77",
    **SYNONYM_SENT,
    "root": "",
    "active": True,
    "created_at": TIME,
    "updated_at": TIME,
}
