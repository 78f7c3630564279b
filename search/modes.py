"""The modes of search, and the query that each builds of what its request takes (`inputs.py`).

`MODES` names them all; `/v1/search/<name>`, batch, saved searches and the preview of rules find them there.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers

from accounts.models import Tenant
from accounts.parsers import parse_json
from catalog.color_search import MAX_DISTANCE
from catalog.facets import parse_facets
from catalog.filter_dialects import filters_from
from catalog.filters import All, Not, parent_is, product_is
from catalog.indexing import is_inline
from catalog.products import access_parent_id
from catalog.translation.queries import in_english
from catalog.vision.composition import PICTURE_WEIGHT
from search.inputs import (
    ColorInput,
    CommonFields,
    CropInput,
    FilteredInput,
    MultiImageInput,
    SimilarInput,
    TextInput,
    UploadInput,
    UrlInput,
    WeightedInput,
    picture_of,
)
from search.interpretation import understand_sentence
from search.query import Box, ColorRange, Combine, Example, Query

# Of what is remembered of a request, in characters of JSON.
MAX_REMEMBERED = 20_000
# That a search shows, the negative ones counted: each is downloaded and encoded while the shopper waits.
MAX_PICTURES = 10

# As in the guide's sample.
PICTURE_WEIGHT_HYBRID = 0.7


@dataclass(frozen=True)
class Mode:
    """A way to search: its name, which is its address, what it takes, and how a query is built of that."""

    name: str
    summary: str
    input: type[CommonFields]
    build: Callable[[Tenant, Mapping[str, Any]], Query]
    description: str = ""


def parse_mode(tenant: Tenant, name: str, data: Any) -> Query:
    """Return the query that a request of this mode means; raise ValidationError naming what is wrong."""
    mode = MODES[name]
    body = mode.input(data=data)
    body.is_valid(raise_exception=True)
    return replace(mode.build(tenant, body.validated_data), params=memorable(data))


def memorable(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a request is worth remembering: all but the bytes of pictures; nothing where that is too much."""
    kept = _without_bytes(data)
    return kept if len(json.dumps(kept, default=str)) <= MAX_REMEMBERED else {}


def _without_bytes(data: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in data.items() if name != "image_base64"}
    if isinstance(address := kept.get("image_url"), str) and is_inline(address):
        del kept["image_url"]
    if isinstance(addresses := kept.get("image_urls"), list):
        kept["image_urls"] = [one for one in addresses if isinstance(one, str) and not is_inline(one)]
    for name in ("positive", "negative"):
        if isinstance(examples := kept.get(name), list):
            kept[name] = [_without_bytes(example) for example in examples if isinstance(example, Mapping)]
    return kept


def build_text(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    return _query(tenant, "text", fields, _words(fields["query"]))


def build_url(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    return _query(tenant, "url", fields, Example(image_url=picture_of(fields)))


def build_upload(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    return _query(tenant, "upload", fields, Example(image_data=fields["image"].read()))


def build_hybrid(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    return _query(tenant, "hybrid", fields, *_picture_and_words(fields, PICTURE_WEIGHT_HYBRID))


def build_fusion(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    examples = _picture_and_words(fields, PICTURE_WEIGHT)
    combine = Combine.MOVE if len(examples) > 1 else Combine.BLEND
    return replace(_query(tenant, "fusion", fields, *examples), combine=combine)


def build_multi_image(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    combine = {"average": Combine.BLEND, "best": Combine.BEST, "union": Combine.UNION}[fields["aggregation"]]
    examples = [Example(image_url=url) for url in dict.fromkeys(fields["image_urls"])]
    return replace(_query(tenant, "multi-image", fields, *examples), combine=combine)


def build_crop(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    return _query(tenant, "crop", fields, Example(image_url=picture_of(fields), crop=Box(**fields["crop"])))


def build_filtered(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    example = _words(fields["query"]) if "query" in fields else Example(image_url=picture_of(fields))
    return _query(tenant, "filtered", fields, example)


def build_color(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    # Whoever says 441 means all: black and white are some 441.67 apart.
    distance = MAX_DISTANCE if fields["max_distance"] >= math.floor(MAX_DISTANCE) else fields["max_distance"]
    wanted = ColorRange(rgb=fields["color"], max_distance=distance)
    others = {name: value for name, value in fields.items() if name != "color"}
    return replace(_query(tenant, "color", others), color=wanted)


def build_similar(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    product_id = fields["product_id"]
    parent_id = access_parent_id(tenant, product_id)
    query = _query(tenant, "similar", fields, Example(product_id=product_id))
    others = [Not(product_is(product_id))]
    if fields["exclude_same_parent"] and parent_id:
        others.append(Not(parent_is(parent_id)))
    return replace(query, filters=All((query.filters, *others)))


def build_nl(tenant: Tenant, fields: Mapping[str, Any]) -> Query:
    understood = understand_sentence(tenant, fields["query"], chosen=fields.keys())
    query = _query(tenant, "nl", fields, Example(text=understood.words))
    return replace(
        query,
        filters=All((query.filters, understood.filters)),
        unlike=(*query.unlike, *(Example(text=phrase) for phrase in understood.unlike)),
        interpreted=understood.interpreted,
    )


def _query(tenant: Tenant, mode: str, fields: Mapping[str, Any], *examples: Example) -> Query:
    """Return the query for these examples with what every mode takes."""
    wanted = (*examples, *map(_example, fields.get("positive", ())))
    unwanted = tuple(map(_example, fields.get("negative", ())))
    if sum(example.brings_picture for example in (*wanted, *unwanted)) > MAX_PICTURES:
        message = f"A search shows at most {MAX_PICTURES} pictures, those in positive and negative counted."
        raise serializers.ValidationError({"negative": serializers.ErrorDetail(message, code="too_many_pictures")})
    return Query(
        mode=mode,
        examples=wanted,
        unlike=unwanted,
        filters=filters_from(tenant, fields),
        text=fields.get("query", ""),
        facets=tuple(field.name for field in parse_facets(tenant, fields.get("facets", ()))),
        **{name: fields[name] for name in ("limit", "offset", "threshold", "diversity", "explain")},
        # Only a further page belongs to a search that was made: whoever asks anew makes a new one.
        search_id=fields.get("search_id", "") if fields["offset"] else "",
        **{name: fields.get(name, "") for name in ("group_by", "session_id", "user_id")},
    )


def _example(fields: Mapping[str, Any]) -> Example:
    if "text" in fields:
        return _words(fields["text"])
    return Example(product_id=fields.get("product_id", ""), image_url=picture_of(fields))


def _words(text: str) -> Example:
    return Example(text=text, english=in_english(text))


def _picture_and_words(fields: Mapping[str, Any], usual_weight: float) -> tuple[Example, ...]:
    weight = fields.get("visual_weight", fields.get("image_weight", usual_weight))
    picture = Example(image_url=picture_of(fields), weight=weight)
    words = replace(_words(fields.get("query", "")), weight=1 - weight)
    sent = [example for example in (picture, words) if example.image_url or example.text]
    return tuple([example for example in sent if example.weight > 0] or sent)


MODES = {
    mode.name: mode
    for mode in (
        Mode("text", "Search by words", TextInput, build_text),
        Mode("url", "Search by a picture's address", UrlInput, build_url),
        Mode(
            "hybrid",
            "Search by a picture and words at once",
            WeightedInput,
            build_hybrid,
            "A product counts by the weighted mean of how well it fits the picture and how well it fits the words.",
        ),
        Mode(
            "fusion",
            "Search by a picture that words change",
            WeightedInput,
            build_fusion,
            "The words move the picture's vector: like this, but in blue.",
        ),
        Mode("multi-image", "Search by several pictures", MultiImageInput, build_multi_image),
        Mode("crop", "Search by a part of a picture", CropInput, build_crop),
        Mode(
            "filtered",
            "Search by words or a picture, with filters of any depth",
            FilteredInput,
            build_filtered,
            "`filter` holds `must`, `should` and `must_not`, in one another if need be. So do all other searches.",
        ),
        Mode(
            "color",
            "Search by a colour",
            ColorInput,
            build_color,
            "The distance of two colours is that of two points in RGB, 0 to 441.67; a product counts by its nearest.",
        ),
        Mode("similar", "Search by a product of the shop", SimilarInput, build_similar),
        Mode(
            "nl",
            "Search by a sentence",
            TextInput,
            build_nl,
            "Prices, colours, categories, brands and sizes become filters, what is not wanted is kept off, the rest is "
            "searched for; `interpreted` says how the sentence was understood.",
        ),
    )
}
UPLOAD = Mode("upload", "Search by an uploaded picture", UploadInput, build_upload)


def parse_upload(tenant: Tenant, data: Mapping[str, Any]) -> Query:
    """Return the query of a form with the file `image`."""
    fields, params = parse_form(UPLOAD.input, data)
    return replace(UPLOAD.build(tenant, fields), params=params)


def parse_form(form: type[CommonFields], data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a form's fields, and what of them is worth remembering; what is nested is JSON in the form's fields."""
    fields = {name: _parse_nested(name, value) for name, value in data.items()}
    body = form(data=fields)
    body.is_valid(raise_exception=True)
    sent = {name: value for name, value in fields.items() if not isinstance(value, UploadedFile)}
    return body.validated_data, memorable(sent)


def _parse_nested(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return parse_json(value.encode())
    except ValueError as error:
        raise serializers.ValidationError({name: f"This is no JSON: {error}"}) from error
