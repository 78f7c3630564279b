"""`POST /v1/search/voice`: a spoken sentence, written down and searched for."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.models import Tenant
from catalog.vocabulary.tokens import clean
from search.answers import AnswerSerializer, answer_body
from search.api import answered
from search.examples import ANSWER
from search.inputs import MAX_TEXT_LENGTH, CommonFields
from search.modes import build_nl, parse_form
from search.query import Query
from search.voice.recordings import MAX_SECONDS, Recording, RecordingError
from search.voice.transcription import TranscriberBusyError, TranscriberError, transcribe

logger = logging.getLogger(__name__)

MAX_AUDIO_BYTES = 10_000_000
LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z"
# A file's name goes into a header of the request to an endpoint.
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
STATUS = {
    "audio_too_long": status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    "audio_too_large": status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    "unsupported_audio": status.HTTP_415_UNSUPPORTED_MEDIA_TYPE,
}

VOICE_ANSWER = {"transcript": "red dress under 50 dollars", "interpreted": {"words": "red dress"}, **ANSWER}


class NotUnderstood(exceptions.APIException):
    """A RecordingError with the HTTP status that fits its code; 422 where none fits better."""

    def __init__(self, error: RecordingError) -> None:
        super().__init__(error.message)
        self.status_code = STATUS.get(error.code, status.HTTP_422_UNPROCESSABLE_ENTITY)
        self.code = error.code


class TranscriberBusy(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "transcriber_busy"
    default_detail = "Another recording is being written down. Please try again in a moment."
    wait = 3


class TranscriberUnavailable(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "transcriber_unavailable"
    default_detail = "What was said could not be written down at the moment. Please try again, or type it."
    wait = 10


class VoiceInput(CommonFields):
    audio = serializers.FileField(
        help_text=f"at most {MAX_SECONDS} seconds and 10 MB; WAV with PCM samples of 8 to 32 bits is always "
        "understood, other formats where an operator has set an endpoint that takes them"
    )
    language = serializers.RegexField(
        LANGUAGE, required=False, help_text="ISO 639, such as en; without an endpoint only English is understood"
    )

    def validate_audio(self, audio: "UploadedFile[Any]") -> "UploadedFile[Any]":
        if (audio.size or 0) > MAX_AUDIO_BYTES:
            raise NotUnderstood(RecordingError("audio_too_large", "A recording has at most 10 MB."))
        return audio


class VoiceAnswerSerializer(AnswerSerializer):
    transcript = serializers.CharField(help_text="what was heard")


class VoiceView(APIView):
    """Searches for what is said in a recording."""

    required_permissions = {"POST": "search:execute"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="search_voice",
        tags=["Search"],
        summary="Search by a spoken sentence",
        description="The recording is written down, and the words are searched for as by `/v1/search/nl`. Without an "
        "endpoint of the operator's it is a small English vocabulary of shopping: show the shopper the `transcript`, "
        "and let them correct it. Whatever is nested is sent as JSON in a field of the form.",
        request={"multipart/form-data": VoiceInput},
        responses={200: VoiceAnswerSerializer},
        examples=[OpenApiExample("One product found", VOICE_ANSWER, response_only=True, status_codes=["200"])],
    )
    def post(self, request: ApiRequest) -> Response:
        tenant = request.auth.tenant
        fields, params = parse_form(VoiceInput, request.data)
        transcript = write_down(fields["audio"], language=fields.get("language", ""))
        found = answered(tenant, lambda: build_voice(tenant, fields, params, transcript))
        return Response({"transcript": transcript, **answer_body(found)})


def write_down(audio: "UploadedFile[Any]", *, language: str) -> str:
    """Return what is said in an uploaded recording; raises the API's errors."""
    name = UNSAFE.sub("_", audio.name or "recording")[-100:]
    recording = Recording(audio.read(), name, audio.content_type or "application/octet-stream")
    try:
        return clean(transcribe(recording, language=language), max_length=MAX_TEXT_LENGTH)
    except RecordingError as error:
        raise NotUnderstood(error) from error
    except TranscriberBusyError as error:
        raise TranscriberBusy from error
    except TranscriberError as error:
        logger.warning("transcriber failed", extra={"error": str(error)})
        raise TranscriberUnavailable from error


def build_voice(tenant: Tenant, fields: Mapping[str, Any], params: Mapping[str, Any], transcript: str) -> Query:
    """Return the query that a spoken sentence means; it is remembered as what was heard."""
    query = build_nl(tenant, {**fields, "query": transcript})
    return replace(query, mode="voice", params={**params, "query": transcript})
