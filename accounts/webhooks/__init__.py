"""Telling merchants' servers what happened: an outbox of events, signed deliveries, endpoints, their API and page."""
