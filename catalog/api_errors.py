"""What went wrong in the catalogue, as the API answers it."""

from rest_framework import exceptions, serializers, status

from catalog.errors import IndexingError

_STATUS = {
    "invalid_image_url": status.HTTP_400_BAD_REQUEST,
    "plan_limit_reached": status.HTTP_403_FORBIDDEN,
    "moderation_blocked": status.HTTP_403_FORBIDDEN,
    "conflict": status.HTTP_409_CONFLICT,
    "superseded": status.HTTP_409_CONFLICT,
    "image_too_large": status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
}


class NotIndexed(exceptions.APIException):
    """An IndexingError with the HTTP status that fits its code; 422 where none fits better."""

    def __init__(self, error: IndexingError) -> None:
        super().__init__(error.message)
        self.status_code = _STATUS.get(error.code, status.HTTP_422_UNPROCESSABLE_ENTITY)
        self.code = error.code
        self.retryable = error.retryable


class EmbeddingUnavailable(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "embedding_unavailable"
    default_detail = "The encoder cannot be reached at the moment. Please try again."
    wait = 5


class NotConfirmed(serializers.ValidationError):
    """Something that cannot be undone was asked for without saying so."""

    default_code = "validation_failed"

    def __init__(self) -> None:
        message = "This deletes all products and cannot be undone. Send confirm=DELETE to do it."
        super().__init__({"confirm": serializers.ErrorDetail(message, code="required")})
