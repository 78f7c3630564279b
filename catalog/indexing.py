"""The way of a product into the catalogue: load its pictures, see what is in them, store everything at once.

    index_products:  admit (plan) -> load pictures -> look at new ones -> store each product

A picture whose bytes are known is not looked at again. Products go in batches, because an encoder is faster on many
pictures; each is stored in a transaction of its own and fails alone.
"""

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray
from PIL.Image import Image

from accounts.models import Tenant
from billing.limits import PlanLimitReached, plan_of, require_room
from catalog import locks
from catalog.color_search import MIN_COLOR_SHARE, record_colors
from catalog.custom_fields import MetadataError, find_metadata_misfit
from catalog.documents import MAX_URL_LENGTH, ProductDocument, color_words, promote
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_of, encoder_row, filled_encoder
from catalog.errors import IndexingError, PictureError
from catalog.fetch import MAX_BYTES, fetch
from catalog.models import Embedding, Encoder, Product, ProductImage
from catalog.thumbnails import discard_thumbnails, store_thumbnail
from catalog.vision.decode import decode, parse_base64_picture
from catalog.vision.encoder import EncoderError
from catalog.vision.features import Features, extract_features

logger = logging.getLogger(__name__)

# Pictures of a batch are downloaded side by side; more than this and a small shop's server would feel it.
CONCURRENT_DOWNLOADS = 10
# Nothing that looks at a picture sees more of it; a large one must not be kept whole while others are loaded.
MAX_SIDE = 2048


@dataclass(frozen=True)
class Picture:
    """A picture as it was received: the SHA-256 of its bytes, its size, and its pixels, reduced to MAX_SIDE."""

    sha256: str
    width: int
    height: int
    image: Image


@dataclass(frozen=True)
class Seen:
    """What is seen in a picture, and its vectors, float32 (dimensions,), by the names of their encoders."""

    features: Features
    vectors: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Outcome:
    """What became of a product: the stored row, or why there is none."""

    document: ProductDocument
    product: Product | None = None
    is_new: bool = False
    error: IndexingError | None = None


def index_products(
    tenant: Tenant, documents: Sequence[ProductDocument], *, fetch_deadline: float = 10.0
) -> list[Outcome]:
    """Index products; return what became of each, in order.

    `fetch_deadline` is in seconds and for each picture. Raises EncoderError when there is no encoder to see with.
    """
    beyond_plan = _find_refusals(tenant, documents)
    errors = [_find_misfit(tenant, document) or beyond_plan.get(document.product_id) for document in documents]
    admitted = [document for document, error in zip(documents, errors, strict=True) if error is None]
    pictures = _load_all(admitted, fetch_deadline)
    seen = _look_at_new(tenant, admitted, pictures)
    return [
        Outcome(document, error=error)
        if error is not None
        else _store(tenant, document, [pictures[source] for source in document.images], seen)
        for document, error in zip(documents, errors, strict=True)
    ]


def load_picture(source: str, *, deadline: float) -> Picture:
    """Return the picture at a web address, in a data URI or in base64. Raises PictureError."""
    return open_picture(read_source(source, deadline=deadline))


def read_source(source: str, *, deadline: float) -> bytes:
    """Return the bytes of a picture as received: at least one, maybe none of a picture. Raises PictureError."""
    if is_inline(source):
        return parse_base64_picture(source, max_bytes=MAX_BYTES)
    data = fetch(source, deadline=deadline).data
    if not data:
        raise PictureError("image_decode_failed", "The picture at this address is empty (0 bytes). Upload it again.")
    return data


def open_picture(data: bytes) -> Picture:
    """Return the picture that these are the bytes of. Raises PictureError."""
    image = decode(data)
    width, height = image.size
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return Picture(sha256=hashlib.sha256(data).hexdigest(), width=width, height=height, image=image)


def is_inline(source: str) -> bool:
    """Return whether this is a picture itself and no address: every address has a point or a colon, base64 neither."""
    return source.startswith("data:") or not {".", ":"} & set(source[:MAX_URL_LENGTH])


def record_failure(tenant: Tenant, document: ProductDocument, error: PictureError) -> None:
    """Keep a product whose picture could not be used, with the reason, unless an earlier version of it serves."""
    failure = columns_of(document) | {
        "status": Product.Status.FAILED,
        "error_code": error.code,
        "error_message": error.message,
    }
    product, is_new = Product.objects.get_or_create(tenant=tenant, product_id=document.product_id, defaults=failure)
    if not is_new:
        unusable = Product.objects.filter(pk=product.pk).exclude(status=Product.Status.INDEXED)
        unusable.update(**failure, updated_at=timezone.now())


def fail_pending(tenant: Tenant, product_ids: Collection[str], error: IndexingError) -> None:
    """Tell of products that were taken in, and whose turn never comes, why they cannot be found."""
    pending = tenant.products.filter(product_id__in=product_ids, status=Product.Status.PENDING)
    pending.update(
        status=Product.Status.FAILED, error_code=error.code, error_message=error.message, updated_at=timezone.now()
    )


def columns_of(document: ProductDocument) -> dict[str, object]:
    """Return the columns that a product's document fills."""
    columns = {
        "image_urls": _image_urls(document),
        "is_demo": document.is_demo,
        "error_code": "",
        "error_message": "",
    }
    if document.metadata is None:
        return columns
    return columns | {"metadata": document.metadata, **promote(document.metadata)}


def seen_colors(image: ProductImage) -> list[str]:
    """Return the names of the colours that a picture's product is found by."""
    return [swatch["name"] for swatch in image.palette if swatch["share"] >= MIN_COLOR_SHARE]


def _find_misfit(tenant: Tenant, document: ProductDocument) -> MetadataError | None:
    """Return what is wrong with a product by the tenant's custom fields, which our demo products need not know."""
    if document.metadata is None or document.is_demo:
        return None
    misfit = find_metadata_misfit(tenant, document.metadata)
    return None if misfit is None else MetadataError(misfit)


def _find_refusals(tenant: Tenant, documents: Sequence[ProductDocument]) -> dict[str, IndexingError]:
    """Return the new products that the plan has no room for."""
    counted = [document.product_id for document in documents if not document.is_demo]
    existing = set(tenant.products.filter(product_id__in=counted, is_demo=False).values_list("product_id", flat=True))
    new = list(dict.fromkeys(product_id for product_id in counted if product_id not in existing))
    if not new:
        return {}
    plan, used = plan_of(tenant), tenant.products.filter(is_demo=False).count()
    refusals: dict[str, IndexingError] = {}
    for wanted, product_id in enumerate(new, start=1):
        try:
            require_room(plan, used=used, wanted=wanted)
        except PlanLimitReached as error:
            refusals[product_id] = IndexingError(error.default_code, str(error.detail))
    return refusals


def _load_all(documents: Sequence[ProductDocument], deadline: float) -> dict[str, Picture | PictureError]:
    """Load every picture of these products, each address once."""
    sources = list(dict.fromkeys(source for document in documents for source in document.images))
    with ThreadPoolExecutor(CONCURRENT_DOWNLOADS) as pool:
        loaded = list(pool.map(lambda source: _load_or_explain(source, deadline), sources))
    return dict(zip(sources, loaded, strict=True))


def _load_or_explain(source: str, deadline: float) -> Picture | PictureError:
    try:
        return load_picture(source, deadline=deadline)
    except PictureError as error:
        return error


def _look_at_new(
    tenant: Tenant, documents: Sequence[ProductDocument], pictures: Mapping[str, Picture | PictureError]
) -> dict[str, Seen]:
    """Return, by digest, what is seen in those pictures that their product did not have in this place before."""
    encoder = active_encoder()
    known = set(
        ProductImage.objects.filter(
            tenant=tenant,
            product__product_id__in=[document.product_id for document in documents],
            embeddings__encoder=encoder_row(encoder),
        ).values_list("product__product_id", "position", "sha256")
    )
    new = {
        picture.sha256: picture.image
        for document in documents
        for position, source in enumerate(document.images)
        if isinstance(picture := pictures[source], Picture)
        and (document.product_id, position, picture.sha256) not in known
    }
    images = list(new.values())
    features = extract_features(images, encoder=encoder, heads=heads_of(encoder).zero_shot)
    seen = [
        Seen(found, {encoder.name: found.vector, **further})
        for found, further in zip(features, _embed_further(images), strict=True)
    ]
    return dict(zip(new, seen, strict=True))


def _embed_further(images: Sequence[Image]) -> list[dict[str, NDArray[np.float32]]]:
    """Return the pictures' vectors by the encoder that is filled in; where it fails, `reindex` makes up for it."""
    try:
        encoder = filled_encoder()
        if encoder is None:
            return [{} for _ in images]
        return [{encoder.name: vector} for vector in encoder.encode_images(images)]
    except EncoderError as error:
        logger.warning("new pictures are left to reindex", extra={"pictures": len(images), "error": str(error)})
        return [{} for _ in images]


def _store(
    tenant: Tenant,
    document: ProductDocument,
    pictures: Sequence[Picture | PictureError],
    seen: Mapping[str, Seen],
) -> Outcome:
    for picture in pictures:
        if isinstance(picture, PictureError):
            return Outcome(document, error=picture)
    usable = [picture for picture in pictures if isinstance(picture, Picture)]
    thumbnails = {p.sha256: store_thumbnail(tenant, p.sha256, p.image) for p in usable if p.sha256 in seen}
    try:
        return _store_product(tenant, document, usable, seen, thumbnails)
    except IndexingError as error:
        return Outcome(document, error=error)


@transaction.atomic
def _store_product(
    tenant: Tenant,
    document: ProductDocument,
    pictures: Sequence[Picture],
    seen: Mapping[str, Seen],
    thumbnails: Mapping[str, str],
) -> Outcome:
    before = ProductImage.objects.filter(tenant=tenant, product__product_id=document.product_id)
    thumbnails_before = set(before.values_list("thumbnail", flat=True))
    product, is_new = Product.objects.update_or_create(
        tenant=tenant,
        product_id=document.product_id,
        defaults=columns_of(document) | {"status": Product.Status.INDEXED, "indexed_at": timezone.now()},
    )
    images = [_store_image(product, position, picture, seen, thumbnails) for position, picture in enumerate(pictures)]
    product.images.filter(position__gte=len(images)).delete()
    discard_thumbnails(tenant.pk, thumbnails_before)
    _describe_by_cover(product, images[0])
    return Outcome(document, product=product, is_new=is_new)


def _store_image(
    product: Product,
    position: int,
    picture: Picture,
    seen: Mapping[str, Seen],
    thumbnails: Mapping[str, str],
) -> ProductImage:
    if picture.sha256 not in seen:
        return _keep_image(product, position, picture)
    features = seen[picture.sha256].features
    image, _ = ProductImage.objects.update_or_create(
        product=product,
        position=position,
        defaults={
            "tenant_id": product.tenant_id,
            "sha256": picture.sha256,
            "width": picture.width,
            "height": picture.height,
            "thumbnail": thumbnails[picture.sha256],
            "palette": [asdict(swatch) for swatch in features.palette],
            "shape": asdict(features.shape),
            "quality": asdict(features.quality),
            "product_type": features.answers.product_type.name,
            "product_type_confidence": features.answers.product_type.confidence,
            "attributes": asdict(features.answers)["attributes"],
            "moderation": features.answers.moderation,
        },
    )
    _store_vectors(image, picture, seen[picture.sha256].vectors)
    return image


def _store_vectors(image: ProductImage, picture: Picture, seen: Mapping[str, NDArray[np.float32]]) -> None:
    """Store the vectors of the encoders in use, in place of those that another picture may have left here.

    No other encoder begins to serve until this is committed: a picture has a vector of whichever does.
    """
    locks.share_until_commit(locks.SWITCH)
    in_use = Encoder.objects.exclude(state=Encoder.State.STANDBY)
    vectors = {row: seen[row.name] for row in in_use if row.name in seen}
    for row in in_use:
        # The encoder that this process has seen the picture with served a moment ago.
        if row.state == Encoder.State.SERVING and row not in vectors:
            vectors[row] = encoder_of(row).encode_images([picture.image])[0]
    image.embeddings.exclude(encoder__in=vectors).delete()
    for row, vector in vectors.items():
        Embedding.objects.update_or_create(
            image=image,
            encoder=row,
            defaults={"tenant_id": image.tenant_id, "product_id": image.product_id, "vector": vector},
        )


def _keep_image(product: Product, position: int, picture: Picture) -> ProductImage:
    image = product.images.filter(position=position, sha256=picture.sha256).first()
    if image is None:
        message = "Another request changed this product's pictures at the same time. Send it again."
        raise IndexingError("conflict", message, retryable=True)
    return image


def _describe_by_cover(product: Product, cover: ProductImage) -> None:
    product.colors = color_words(product.metadata, seen_colors(cover))
    product.product_type = cover.product_type
    product.quality = cover.quality["score"]
    product.save(update_fields=["colors", "product_type", "quality"])
    record_colors(product, cover.palette)


def _image_urls(document: ProductDocument) -> list[str]:
    return ["" if is_inline(source) else source for source in document.images]
