"""Examples of webhooks for the API's documentation."""

TIME = "2026-11-21T10:30:00Z"
ENDPOINT_SENT = {
    "url": "https://your-server.com/webhooks/visual-search",
    "events": ["product.indexed", "product.updated", "product.deleted", "product.duplicate_detected"],
    "secret": "whsec_your_hmac_secret_here",
}
ENDPOINT = {
    "id": "wh_4be1f0a3c9d27e5b86a1f3d0",
    "url": ENDPOINT_SENT["url"],
    "events": ENDPOINT_SENT["events"],
    "description": "",
    "active": True,
    "state": "active",
    "failing_since": None,
    "paused_until": None,
    "previous_secret_expires_at": None,
    "created_at": TIME,
}
MADE_BY_US = "whsec_c2lxdHkgZml2ZSBieXRlcyB0aGF0IG5vYm9keSBrbm93cw=="
PAYLOAD = {
    "id": "msg_0f6d1c2b3a495867a1b2c3d4",
    "type": "product.deleted",
    "event": "product.deleted",
    "timestamp": TIME,
    "webhook_id": ENDPOINT["id"],
    "data": {"product_id": "shoe-001", "deleted_at": TIME},
}
DELIVERY = {
    "id": "dlv_9a8b7c6d5e4f30212f3e4d5c",
    "event_id": PAYLOAD["id"],
    "event": "product.deleted",
    "status": "pending",
    "attempts": 1,
    "next_attempt_at": "2026-11-21T10:30:05Z",
    "log": [{"at": TIME, "status": 503, "error": "http_error", "milliseconds": 41, "answer": "deploying"}],
    "created_at": TIME,
    "finished_at": None,
}
TEST = {
    "delivered": True,
    "status": 200,
    "error": "",
    "milliseconds": 87,
    "answer": "",
    "delivery_id": "dlv_1d2c3b4a5f6e70818f7e6d5c",
    "event_id": "msg_5a6b7c8d9e0f1a2b3c4d5e6f",
}
