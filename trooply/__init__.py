"""The roof of the house: settings, URLs, Celery, middleware, the error and OpenAPI shapes of the whole API, health
checks, and the launcher of the embedded services. It may import every app; no app imports it."""
