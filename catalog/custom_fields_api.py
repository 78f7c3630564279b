"""`/v1/custom-fields`: what a shop declares to be in its products' metadata."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered, sent
from accounts.idempotency import idempotent
from catalog.custom_fields import RESERVED_KEYS
from catalog.examples import TIME
from catalog.field_changes import access_field, change_field, declare_field, remove_field
from catalog.lists import paginated
from catalog.models import CustomField

MAX_ENUM_VALUES = 500

FIELD_SENT = {
    "key": "season",
    "display_name": "Season",
    "type": "enum",
    "enum_values": ["SS26", "AW26"],
    "filterable": True,
    "facet": True,
    "required": False,
}
FIELD = FIELD_SENT | {"revalidation": None, "created_at": TIME}
REVALIDATION = {
    "status": "refused",
    "type": "number",
    "enum_values": [],
    "force": False,
    "checked": 1200,
    "misfits": 1,
    "product_ids": ["shoe-001"],
    "finished_at": TIME,
}
CHECKED_FIRST = FIELD | {"revalidation": REVALIDATION | {"status": "queued", "checked": 0, "misfits": 0}}


class CustomFieldChanges(serializers.Serializer[CustomField]):
    display_name = serializers.CharField(max_length=100, required=False, help_text="for people; else it is the key")
    type = serializers.ChoiceField(CustomField.Type.choices, required=False)
    enum_values = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=MAX_ENUM_VALUES,
        required=False,
        help_text="of type enum: the texts of which a product has one",
    )
    filterable = serializers.BooleanField(
        required=False, help_text="whether searches can filter by it; true by default"
    )
    facet = serializers.BooleanField(required=False, help_text="whether products can be counted by it")
    required = serializers.BooleanField(  # type: ignore[assignment]  # Field has one of its own
        required=False, help_text="whether a product without it is refused"
    )

    def validate_enum_values(self, values: list[str]) -> list[str]:
        return list(dict.fromkeys(values))


class CustomFieldInput(CustomFieldChanges):
    key = serializers.RegexField(
        r"^[a-z][a-z0-9_]{0,39}$", help_text="of the metadata: a small letter, then letters, digits and _, at most 40"
    )
    type = serializers.ChoiceField(CustomField.Type.choices)

    def validate_key(self, key: str) -> str:
        if key in RESERVED_KEYS:
            raise serializers.ValidationError(
                f"{key} has a meaning of its own here and needs no declaration.", code="reserved_key"
            )
        return key

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"display_name": attrs["key"].replace("_", " ").capitalize()} | attrs


class RevalidationSerializer(serializers.Serializer[dict[str, Any]]):
    """The last change of type that had to be checked: `refused` when values did not fit, listed in part."""

    status = serializers.ChoiceField(["queued", "running", "done", "refused"])
    type = serializers.ChoiceField(CustomField.Type.choices)
    enum_values = serializers.ListField(child=serializers.CharField())
    force = serializers.BooleanField()
    checked = serializers.IntegerField(help_text="products that have a value")
    misfits = serializers.IntegerField(help_text="products whose value does not fit")
    product_ids = serializers.ListField(child=serializers.CharField(), help_text="of the first 100 misfits")
    finished_at = serializers.DateTimeField(allow_null=True)


class CustomFieldSerializer(serializers.ModelSerializer[CustomField]):
    revalidation = RevalidationSerializer(allow_null=True)

    class Meta:
        model = CustomField
        fields = [
            "key",
            "display_name",
            "type",
            "enum_values",
            "filterable",
            "facet",
            "required",
            "revalidation",
            "created_at",
        ]


class HowToChange(serializers.Serializer[Any]):
    revalidate = serializers.BooleanField(
        default=False, help_text="check all products in the background; the new type counts when all of them fit"
    )
    force = serializers.BooleanField(default=False, help_text="with revalidate: let the new type count in any case")


class CustomFieldListView(GenericAPIView[CustomField]):
    """Lists custom fields, and declares one."""

    required_permissions = {"GET": "custom_fields:read", "POST": "custom_fields:write"}
    serializer_class = CustomFieldSerializer

    @extend_schema(
        operation_id="list_custom_fields",
        tags=["Custom fields"],
        summary="List custom fields",
        responses=CustomFieldSerializer(many=True),
        examples=[answered("Fields", FIELD)],
    )
    def get(self, request: ApiRequest) -> Response:
        return paginated(self, request.auth.tenant.custom_fields.all(), ordering=("key",))

    @extend_schema(
        operation_id="create_custom_field",
        tags=["Custom fields"],
        summary="Declare a custom field",
        description="Says what products have in `metadata` under this key. A product whose value is of another type, "
        "or who lacks a required one, is refused from now on; products that are there stay as they are.",
        request=CustomFieldInput,
        responses={201: CustomFieldSerializer},
        examples=[sent("A season", FIELD_SENT), answered("A season", FIELD, 201)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        body = CustomFieldInput(data=request.data)
        body.is_valid(raise_exception=True)
        field = declare_field(request.auth.tenant, body.validated_data)
        return Response(CustomFieldSerializer(field).data, status=status.HTTP_201_CREATED)


class CustomFieldView(APIView):
    """One custom field."""

    required_permissions = {
        "GET": "custom_fields:read",
        "PATCH": "custom_fields:write",
        "DELETE": "custom_fields:write",
    }

    @extend_schema(
        operation_id="get_custom_field",
        tags=["Custom fields"],
        summary="Get a custom field",
        responses=CustomFieldSerializer,
        examples=[answered("A season", FIELD)],
    )
    def get(self, request: ApiRequest, key: str) -> Response:
        return Response(CustomFieldSerializer(access_field(request.auth.tenant, key)).data)

    @extend_schema(
        operation_id="update_custom_field",
        tags=["Custom fields"],
        summary="Change a custom field",
        description="The key stays. Another type, or fewer enum values, count at once when the values of all products "
        "fit, else the answer is 409. With `revalidate=true` the answer is 202: all are checked in the background, and "
        "`revalidation` tells what came of it.",
        parameters=[HowToChange, OpenApiParameter("key", str, OpenApiParameter.PATH)],
        request=CustomFieldChanges,
        responses={200: CustomFieldSerializer, 202: CustomFieldSerializer},
        examples=[
            sent("To be filtered by", {"filterable": True, "facet": True}),
            answered("A season", FIELD),
            answered("Checked first", CHECKED_FIRST, 202),
        ],
    )
    def patch(self, request: ApiRequest, key: str) -> Response:
        body = CustomFieldChanges(data=request.data)
        body.is_valid(raise_exception=True)
        how = HowToChange(data=request.query_params)
        how.is_valid(raise_exception=True)
        before = access_field(request.auth.tenant, key)
        field = change_field(request.auth.tenant, key, body.validated_data, **how.validated_data)
        is_later = field.revalidation is not None and field.revalidation != before.revalidation
        return Response(
            CustomFieldSerializer(field).data,
            status=status.HTTP_202_ACCEPTED if is_later else status.HTTP_200_OK,
        )

    @extend_schema(
        operation_id="delete_custom_field",
        tags=["Custom fields"],
        summary="Remove a custom field",
        description="Products keep what their metadata say.",
        responses={204: None},
    )
    def delete(self, request: ApiRequest, key: str) -> Response:
        remove_field(request.auth.tenant, key)
        return Response(status=status.HTTP_204_NO_CONTENT)
