"""What is known of the request at work, for whoever writes it down: its id and where it came from."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
remote_address: ContextVar[str] = ContextVar("remote_address", default="")
