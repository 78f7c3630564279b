"""`/v1/settings`: how a tenant wants its catalogue kept."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.models import Tenant
from catalog.catalog_settings import change_multilingual, multilingual_of, translation_job
from catalog.translation.translators import glossary_languages

SENT = {"multilingual": {"enabled": True, "languages": ["de", "fr"]}}
SETTINGS = {
    "multilingual": {
        "enabled": True,
        "languages": ["de", "fr"],
        "available": list(glossary_languages()),
        "job_id": "job-abc123",
    }
}


class KnownFields(serializers.Serializer[Any]):
    """Tells of a name that it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            for name in data:
                if name not in self.fields:
                    message = serializers.ErrorDetail("There is no such setting.", "unknown_field")
                    raise serializers.ValidationError({str(name)[:100]: message})
        return super().to_internal_value(data)


class MultilingualInput(KnownFields):
    enabled = serializers.BooleanField(required=False)
    languages = serializers.ListField(
        child=serializers.ChoiceField(glossary_languages()),
        max_length=len(glossary_languages()),
        required=False,
        help_text="to which names and categories are translated, ISO 639-1; they replace those that were chosen",
    )

    def validate_languages(self, languages: list[str]) -> list[str]:
        return list(dict.fromkeys(languages))


class SettingsInput(KnownFields):
    multilingual = MultilingualInput(required=False)


class MultilingualSerializer(serializers.Serializer[Any]):
    enabled = serializers.BooleanField()
    languages = serializers.ListField(child=serializers.CharField())
    available = serializers.ListField(child=serializers.CharField(), help_text="languages that there are")
    job_id = serializers.CharField(
        allow_null=True, help_text="of the job that last brought all products up to date; see /v1/jobs"
    )


class SettingsSerializer(serializers.Serializer[Any]):
    multilingual = MultilingualSerializer()


class SettingsView(APIView):
    """What a tenant has chosen."""

    required_permissions = {"GET": "settings:read", "PATCH": "settings:write"}

    @extend_schema(
        operation_id="get_settings",
        tags=["Account"],
        summary="Get the settings of the catalogue",
        responses=SettingsSerializer,
        examples=[answered("German and French", SETTINGS)],
    )
    def get(self, request: ApiRequest) -> Response:
        return Response(_describe(request.auth.tenant))

    @extend_schema(
        operation_id="update_settings",
        tags=["Account"],
        summary="Change the settings of the catalogue",
        description="Where `multilingual` is enabled, the name and category of every product are translated as it is "
        "indexed, and answers hold them as `translations`. A change starts a job that brings the products that are "
        "there up to date; switched off, it drops their translations. Queries may be in any of the languages in "
        "any case.",
        request=SettingsInput,
        responses=SettingsSerializer,
        examples=[sent("German and French", SENT), answered("German and French", SETTINGS)],
    )
    def patch(self, request: ApiRequest) -> Response:
        body = SettingsInput(data=request.data)
        body.is_valid(raise_exception=True)
        chosen = dict(body.validated_data.get("multilingual", {}))
        if chosen:
            change_multilingual(request.auth.tenant, request.auth.actor, **chosen)
        return Response(_describe(request.auth.tenant))


def _describe(tenant: Tenant) -> dict[str, Any]:
    chosen, job = multilingual_of(tenant), translation_job(tenant)
    return {
        "multilingual": {
            "enabled": chosen.enabled,
            "languages": list(chosen.languages),
            "available": list(glossary_languages()),
            "job_id": job.job_id if job is not None else None,
        }
    }
