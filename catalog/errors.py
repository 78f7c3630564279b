"""What can go wrong with a product between its arrival and its vector."""


class IndexingError(Exception):
    """A product that cannot be indexed, with a code for machines and a sentence for the merchant.

    `retryable` tells whether the same product may succeed later (a network fault or a 5xx), so that it is worth trying
    again.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable


class PictureError(IndexingError):
    """A picture that cannot be fetched, read or used."""
