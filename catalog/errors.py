"""What can go wrong with a product between its arrival and its vector."""

from datetime import timedelta


class IndexingError(Exception):
    """A product that cannot be indexed, with a code for machines and a sentence for the merchant.

    `retryable` tells whether the same product may succeed later (a network fault or a 5xx), so that it is worth trying
    again; `retry_after`, after how long, where the other side has said so.
    """

    def __init__(
        self, code: str, message: str, *, retryable: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after


class PictureError(IndexingError):
    """A picture that cannot be fetched, read or used."""
