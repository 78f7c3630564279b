"""Many products in one request, as JSON or NDJSON; one that is wrong is told by its place and holds up no other."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from rest_framework import exceptions, serializers
from rest_framework.parsers import BaseParser

from accounts.models import Tenant
from accounts.parsers import parse_json
from billing.limits import plan_of, require_room
from catalog.documents import ProductDocument, parse_product


@dataclass(frozen=True)
class Rejected:
    """A product of a bulk request that is not well-formed."""

    product_id: str
    message: str


class NDJSONParser(BaseParser):
    """Reads one product a line (ndjson.org); the `callback_url` of a JSON body goes into the query string."""

    media_type = "application/x-ndjson"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        callback_url = (parser_context or {})["request"].query_params.get("callback_url", "")
        return {"products": list(_read_lines(stream)), "callback_url": callback_url}


class BulkInput(serializers.Serializer[dict[str, Any]]):
    products = serializers.ListField(min_length=1)
    callback_url = serializers.URLField(max_length=2000, required=False, allow_blank=True)


def parse_bulk(data: Any, *, max_products: int) -> tuple[list[ProductDocument | Rejected], str]:
    """Return the products of a request, those not well-formed as Rejected, and its callback address.

    Raises ValidationError when there are none, or more than `max_products`.
    """
    body = BulkInput(data=data)
    body.is_valid(raise_exception=True)
    raw = body.validated_data["products"]
    if len(raw) > max_products:
        raise serializers.ValidationError(
            {
                "products": [
                    f"{len(raw)} products were sent; your plan takes {max_products} in one request. Send several."
                ]
            }
        )
    return [_parse_or_explain(product) for product in raw], body.validated_data.get("callback_url", "")


def require_bulk_room(tenant: Tenant, products: Iterable[ProductDocument | Rejected]) -> None:
    """Raise PlanLimitReached unless the plan has room for those of these products that are new."""
    sent = {product.product_id for product in products if isinstance(product, ProductDocument)}
    existing = tenant.products.filter(product_id__in=sent, is_demo=False).count()
    used = tenant.products.filter(is_demo=False).count()
    require_room(plan_of(tenant), used=used, wanted=len(sent) - existing)


def _read_lines(stream: IO[bytes]) -> Iterator[Any]:
    for line in stream:
        if line.strip():
            try:
                yield parse_json(line)
            except ValueError as error:
                yield Rejected(product_id="", message=f"This line is no JSON: {error}")


def _parse_or_explain(raw: Any) -> ProductDocument | Rejected:
    if isinstance(raw, Rejected):
        return raw
    if not isinstance(raw, Mapping):
        return Rejected(product_id="", message="A product is a JSON object.")
    try:
        return parse_product(raw)
    except exceptions.ValidationError as error:
        return Rejected(product_id=str(raw.get("product_id", ""))[:255], message=sentence(error.detail))


def sentence(detail: Any, field: str = "") -> str:
    """Return the details of a ValidationError as one text that names each field."""
    if isinstance(detail, Mapping):
        return " ".join(sentence(value, f"{field}.{name}".lstrip(".")) for name, value in detail.items())
    if isinstance(detail, list):
        return " ".join(sentence(value, field) for value in detail)
    return f"{field}: {detail}"
