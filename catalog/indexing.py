"""The way of a product into the catalogue: load its pictures, see what is in them, store everything at once.

    index_products:  admit (plan) -> find what is known -> load pictures -> look at new ones -> judge and store

A picture that its server says has not changed is not loaded again, and one whose bytes are known is not looked at
again. Products go in batches, because an encoder is faster on many pictures. New ones are stored together, as long as
nothing comes between; any other in a transaction of its own. Each fails alone, and what webhooks shall tell of it is
stored with it.
"""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, TypeGuard

import numpy as np
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from numpy.typing import NDArray
from PIL.Image import Image
from psycopg.errors import DeadlockDetected

from accounts.models import Tenant
from accounts.webhooks.events import EventType, record_event, record_events
from billing.limits import PlanLimitReached, plan_of, require_room
from billing.quota_warnings import warn_of_quota
from catalog import locks
from catalog.color_search import MIN_COLOR_SHARE, add_colors, record_colors
from catalog.custom_fields import MetadataError, find_metadata_misfit
from catalog.documents import MAX_URL_LENGTH, ProductDocument, color_words, promote
from catalog.duplicates.detection import NewCover, Twin, find_twins, record_twin
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_of, encoder_row, filled_encoder
from catalog.errors import IndexingError, PictureError
from catalog.models import Embedding, Encoder, ModerationEvent, Product, ProductImage
from catalog.moderation.judging import Judgement, PictureBlockedError, judge_product, record_products, require_allowed
from catalog.moderation.policy import policy_of
from catalog.moderation.scores import Scan, find_nudity, is_sampled, merge_scores
from catalog.pictures.fetch import MAX_BYTES, UNVERSIONED, Fetched, NotModified, Version, fetch, fetch_if_changed
from catalog.pictures.thumbnails import discard_thumbnails, store_thumbnail
from catalog.product_events import failed_data, first_vector_id, indexed_data, metadata_changes, same, updated_data
from catalog.translation.products import translations_of
from catalog.versions import GONE, SUPERSEDED, columns_of_whole, in_place_of, is_superseded
from catalog.vision.decode import decode, parse_base64_picture
from catalog.vision.encoder import EncoderError
from catalog.vision.features import Features, extract_features

logger = logging.getLogger(__name__)

Surface = ModerationEvent.Surface

# Pictures of a batch are downloaded side by side; more than this and a small shop's server would feel it.
CONCURRENT_DOWNLOADS = 10
# Nothing that looks at a picture sees more of it; a large one must not be kept whole while others are loaded.
MAX_SIDE = 2048
# Longer names of versions are not kept; these are the lengths of the columns.
MAX_ETAG, MAX_LAST_MODIFIED = 300, 100


@dataclass(frozen=True)
class Picture:
    """A picture as it was received: the SHA-256 of its bytes, its size, and its pixels, reduced to MAX_SIDE."""

    sha256: str
    width: int
    height: int
    image: Image
    version: Version = UNVERSIONED


@dataclass(frozen=True)
class Known:
    """A stored picture that the encoder in use has a vector of, where it came from, and which version it was there."""

    sha256: str
    url: str
    version: Version


@dataclass(frozen=True)
class Unchanged:
    """A known picture that its server says has not changed."""

    sha256: str


@dataclass(frozen=True)
class Seen:
    """What is seen in a picture, and its vectors, float32 (dimensions,), by the names of their encoders.

    `moderation` has a score 0..1 for each category that was looked for.
    """

    features: Features
    vectors: Mapping[str, NDArray[np.float32]]
    moderation: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """What became of a product: the stored row, or why there is none."""

    document: ProductDocument
    product: Product | None = None
    is_new: bool = False
    error: IndexingError | None = None


@dataclass(frozen=True)
class Room:
    """Which products are new, how many of a plan's limit are used, and which of the new ones are beyond it.

    `used` is 0 where none is new, and where there is no limit.
    """

    new: Collection[str]
    used: int
    limit: int | None
    refusals: Mapping[str, IndexingError]


@dataclass(frozen=True)
class Before:
    """What a product was when it was locked to be stored anew: its pictures by address and digest, the cover first."""

    could_be_found: bool
    metadata: Mapping[str, Any]
    pictures: Sequence[tuple[str, str]]

    @property
    def cover_url(self) -> str:
        return self.pictures[0][0]


# The known pictures of products, by the product's id and the picture's position.
KnownPictures = Mapping[tuple[str, int], Known]
Loaded = Picture | Unchanged


@dataclass(frozen=True)
class Sighted:
    """A product whose pictures are all there, and what the tenant's policy makes of those that were looked at."""

    document: ProductDocument
    pictures: Sequence[Loaded]
    judgements: Sequence[Judgement]

    @property
    def is_allowed(self) -> bool:
        return not any(judgement.blocked for judgement in self.judgements)


def index_products(
    tenant: Tenant,
    documents: Sequence[ProductDocument],
    *,
    fetch_deadline: float = 10.0,
    surface: Surface = Surface.INDEXING,
) -> list[Outcome]:
    """Index products; return what became of each, in order.

    `fetch_deadline` is in seconds and for each picture. Raises EncoderError when there is no encoder to see with.
    """
    room = _find_room(tenant, documents)
    errors = [_find_misfit(tenant, document) or room.refusals.get(document.product_id) for document in documents]
    admitted = [document for document, error in zip(documents, errors, strict=True) if error is None]
    known = _find_known(tenant, [document for document in admitted if document.product_id not in room.new])
    pictures = _load_all(admitted, known, fetch_deadline)
    seen = _look_at_new(admitted, pictures, known, sees_all=surface != Surface.BULK or policy_of(tenant).enforce)
    twins = find_twins(tenant, active_encoder(), _new_covers(admitted, pictures, known, seen))
    sighted = [
        error or _sight(tenant, document, [pictures[source] for source in document.images], seen)
        for document, error in zip(documents, errors, strict=True)
    ]
    created = _create_together(tenant, _undisputed(sighted, room.new), seen, surface, twins)
    outcomes = [
        Outcome(document, error=one)
        if isinstance(one, IndexingError)
        else created.get(document.product_id) or _store(tenant, one, seen, surface, twins)
        for document, one in zip(documents, sighted, strict=True)
    ]
    new = sum(outcome.is_new and not outcome.document.is_demo for outcome in outcomes)
    warn_of_quota(tenant, "products", room.used + new, room.limit)
    return outcomes


def load_picture(source: str, *, deadline: float) -> Picture:
    """Return the picture at a web address, in a data URI or in base64. Raises PictureError."""
    if is_inline(source):
        return open_picture(read_source(source, deadline=deadline))
    return _open_fetched(fetch(source, deadline=deadline))


def read_source(source: str, *, deadline: float) -> bytes:
    """Return the bytes of a picture as received: at least one, maybe none of a picture. Raises PictureError."""
    if is_inline(source):
        return parse_base64_picture(source, max_bytes=MAX_BYTES)
    return _require_bytes(fetch(source, deadline=deadline))


def open_picture(data: bytes, *, version: Version = UNVERSIONED) -> Picture:
    """Return the picture that these are the bytes of. Raises PictureError."""
    image = decode(data)
    width, height = image.size
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return Picture(sha256=hashlib.sha256(data).hexdigest(), width=width, height=height, image=image, version=version)


def is_inline(source: str) -> bool:
    """Return whether this is a picture itself and no address: every address has a point or a colon, base64 neither."""
    return source.startswith("data:") or not {".", ":"} & set(source[:MAX_URL_LENGTH])


@transaction.atomic
def record_failure(
    tenant: Tenant, document: ProductDocument, error: PictureError, *, image_url: str | None = None
) -> None:
    """Keep why a product's picture could not be used, and tell of it once, however often it is tried.

    A product that an earlier version can be found by stays as it is; a new one is kept as failed, but not one that was
    only to be looked at again. `image_url` is where the picture was looked for, if that is known to be elsewhere than
    the cover.
    """
    told: dict[str, Any] = {"error_code": error.code, "error_message": error.message}
    failed = {"status": Product.Status.FAILED, **told}
    products = tenant.products.select_for_update()
    product, is_new = products.filter(product_id=document.product_id).first(), False
    if product is None and document.metadata is None:
        return
    if product is None:
        product, is_new = products.get_or_create(
            tenant=tenant, product_id=document.product_id, defaults=columns_of(document) | failed
        )
    if is_superseded(document, product.sent_whole_at):
        return
    failure = columns_of(in_place_of(product, document)) | failed
    can_be_found = product.status == Product.Status.INDEXED
    columns = told if can_be_found else failure
    is_known = not is_new and all(getattr(product, name) == told[name] for name in told)
    if not is_new:
        tenant.products.filter(pk=product.pk).update(**columns, updated_at=timezone.now())
    if not is_known or (not can_be_found and product.image_urls != failure["image_urls"]):
        url = _image_urls(document)[0] if image_url is None else image_url
        record_event(tenant, EventType.PRODUCT_FAILED, failed_data(product.product_id, url, error, timezone.now()))


def fail_pending(tenant: Tenant, product_ids: Collection[str], error: IndexingError) -> None:
    """Tell of products that were taken in, and whose turn never comes, why they cannot be found."""
    pending = tenant.products.filter(product_id__in=product_ids, status=Product.Status.PENDING)
    pending.update(
        status=Product.Status.FAILED, error_code=error.code, error_message=error.message, updated_at=timezone.now()
    )


def columns_of(document: ProductDocument) -> dict[str, Any]:
    """Return the columns that a product's document fills."""
    columns: dict[str, Any] = {
        "image_urls": _image_urls(document),
        "is_demo": document.is_demo,
        "error_code": "",
        "error_message": "",
    }
    if document.metadata is None:
        return columns
    return columns | {"metadata": document.metadata, **promote(document.metadata)}


def columns_of_version(version: Version) -> dict[str, str]:
    """Return the columns that keep how a server names a version of a picture; too long a name is not kept."""
    return {
        "etag": version.etag if len(version.etag) <= MAX_ETAG else "",
        "last_modified": version.last_modified if len(version.last_modified) <= MAX_LAST_MODIFIED else "",
    }


def seen_colors(image: ProductImage) -> list[str]:
    """Return the names of the colours that a picture's product is found by."""
    return [swatch["name"] for swatch in image.palette if swatch["share"] >= MIN_COLOR_SHARE]


def _find_misfit(tenant: Tenant, document: ProductDocument) -> MetadataError | None:
    """Return what is wrong with a product by the tenant's custom fields, which our demo products need not know."""
    if document.metadata is None or document.is_demo:
        return None
    misfit = find_metadata_misfit(tenant, document.metadata)
    return None if misfit is None else MetadataError(misfit)


def _find_room(tenant: Tenant, documents: Sequence[ProductDocument]) -> Room:
    """Return what room the plan has for the new ones of these products, and which of them others have overtaken."""
    counted = [document for document in documents if not document.is_demo]
    rows = tenant.products.filter(product_id__in=[document.product_id for document in counted], is_demo=False)
    existing = dict(rows.values_list("product_id", "sent_whole_at"))
    refusals = _find_overtaken(counted, existing)
    absent = dict.fromkeys(one.product_id for one in counted if one.product_id not in existing)
    new = [product_id for product_id in absent if product_id not in refusals]
    plan = plan_of(tenant) if new else None
    if plan is None or plan.max_products is None:
        return Room(new, used=0, limit=None, refusals=refusals)
    used = tenant.products.filter(is_demo=False).count()
    for wanted, product_id in enumerate(new, start=1):
        try:
            require_room(plan, used=used, wanted=wanted)
        except PlanLimitReached as error:
            refusals[product_id] = IndexingError(error.default_code, str(error.detail))
    return Room(new, used, plan.max_products, refusals)


def _find_overtaken(
    documents: Sequence[ProductDocument], existing: Mapping[str, datetime | None]
) -> dict[str, IndexingError]:
    """Return why not to look at some documents at all, by product_id; storing them would find out as well."""
    overtaken = {}
    for document in documents:
        if document.metadata is None and document.product_id not in existing:
            overtaken[document.product_id] = GONE
        elif is_superseded(document, existing.get(document.product_id)):
            overtaken[document.product_id] = SUPERSEDED
    return overtaken


def _find_known(tenant: Tenant, documents: Sequence[ProductDocument]) -> KnownPictures:
    """Return the stored pictures of these products that need not be looked at again."""
    if not documents:
        return {}
    images = ProductImage.objects.filter(
        tenant=tenant,
        product__product_id__in=[document.product_id for document in documents],
        embeddings__encoder=encoder_row(active_encoder()),
    ).values_list("product__product_id", "position", "sha256", "product__image_urls", "etag", "last_modified")
    return {
        (product_id, position): Known(sha256, urls[position] if position < len(urls) else "", Version(*version))
        for product_id, position, sha256, urls, *version in images
    }


def _load_all(
    documents: Sequence[ProductDocument], known: KnownPictures, deadline: float
) -> dict[str, Loaded | PictureError]:
    """Load every picture of these products, each address once, and only if it is another than all of them have."""
    stored: dict[str, list[Known | None]] = defaultdict(list)
    for document in documents:
        for position, source in enumerate(document.images):
            stored[source].append(known.get((document.product_id, position)))
    with ThreadPoolExecutor(CONCURRENT_DOWNLOADS) as pool:
        loaded = list(pool.map(lambda item: _load_or_explain(item[0], item[1], deadline), stored.items()))
    return dict(zip(stored, loaded, strict=True))


def _load_or_explain(source: str, stored: Sequence[Known | None], deadline: float) -> Loaded | PictureError:
    known = stored[0]
    try:
        if known is None or known.url != source or not known.version or any(other != known for other in stored):
            return load_picture(source, deadline=deadline)
        fetched = fetch_if_changed(source, known.version, deadline=deadline)
        return Unchanged(known.sha256) if isinstance(fetched, NotModified) else _open_fetched(fetched)
    except PictureError as error:
        return error


def _open_fetched(fetched: Fetched) -> Picture:
    return open_picture(_require_bytes(fetched), version=fetched.version)


def _require_bytes(fetched: Fetched) -> bytes:
    if not fetched.data:
        raise PictureError("image_decode_failed", "The picture at this address is empty (0 bytes). Upload it again.")
    return fetched.data


def _look_at_new(
    documents: Sequence[ProductDocument],
    pictures: Mapping[str, Loaded | PictureError],
    known: KnownPictures,
    *,
    sees_all: bool,
) -> dict[str, Seen]:
    """Return, by digest, what is seen in those pictures that their product did not have in this place before.

    The detector of nudity sees all of them, or a sample.
    """
    encoder = active_encoder()
    new = {
        picture.sha256: picture.image
        for document in documents
        for position, source in enumerate(document.images)
        if isinstance(picture := pictures[source], Picture) and not _is_known(known, document, position, picture)
    }
    images = list(new.values())
    features = extract_features(images, encoder=encoder, heads=heads_of(encoder).zero_shot)
    nudity = find_nudity([image if sees_all or is_sampled(sha256) else None for sha256, image in new.items()])
    seen = [
        Seen(found, {encoder.name: found.vector, **further}, merge_scores(found.answers.moderation, naked))
        for found, further, naked in zip(features, _embed_further(images), nudity, strict=True)
    ]
    return dict(zip(new, seen, strict=True))


def _new_covers(
    documents: Sequence[ProductDocument],
    pictures: Mapping[str, Loaded | PictureError],
    known: KnownPictures,
    seen: Mapping[str, Seen],
) -> list[NewCover]:
    """Return the covers that were looked at because their product did not have them before."""
    encoder, covers = active_encoder(), []
    for document in documents:
        cover = pictures[document.images[0]]
        if not isinstance(cover, Picture) or cover.sha256 not in seen or _is_known(known, document, 0, cover):
            continue
        # An encoder that has begun to serve this moment has seen none of them.
        if (vector := seen[cover.sha256].vectors.get(encoder.name)) is not None:
            parent_id = None if document.metadata is None else promote(document.metadata)["parent_id"]
            covers.append(NewCover(document.product_id, parent_id, vector))
    return covers


def _is_known(known: KnownPictures, document: ProductDocument, position: int, picture: Picture) -> bool:
    stored = known.get((document.product_id, position))
    return stored is not None and stored.sha256 == picture.sha256


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


def _sight(
    tenant: Tenant,
    document: ProductDocument,
    pictures: Sequence[Loaded | PictureError],
    seen: Mapping[str, Seen],
) -> Sighted | PictureError:
    usable: list[Loaded] = []
    for picture in pictures:
        if isinstance(picture, PictureError):
            return picture
        usable.append(picture)
    scans = {p.sha256: Scan(p.sha256, seen[p.sha256].moderation) for p in usable if _is_seen(p, seen)}
    return Sighted(document, usable, judge_product(tenant, document.product_id, scans.values()))


def _undisputed(sighted: Sequence[Sighted | IndexingError], new: Collection[str]) -> list[Sighted]:
    """Return those that nothing speaks against storing together: new, sent once, and with no picture refused."""
    candidates = [one for one in sighted if isinstance(one, Sighted) and one.document.product_id in new]
    times = Counter(one.document.product_id for one in candidates)
    return [one for one in candidates if times[one.document.product_id] == 1 and one.is_allowed]


def _create_together(
    tenant: Tenant, sighted: Sequence[Sighted], seen: Mapping[str, Seen], surface: Surface, twins: Mapping[str, Twin]
) -> dict[str, Outcome]:
    """Create new products in one transaction; return what became of them, by product_id.

    That is nothing at all when something comes between, such as another request with one of them.
    """
    if len(sighted) < 2:
        return {}
    try:
        thumbnails = _store_thumbnails(tenant, [picture for one in sighted for picture in one.pictures], seen)
        with transaction.atomic():
            return _create_all(tenant, sighted, seen, thumbnails, surface, twins)
    except (IntegrityError, IndexingError):
        return {}
    except OperationalError as error:
        # Two requests with the same new products, each in an order of its own.
        if not isinstance(error.__cause__, DeadlockDetected):
            raise
        return {}


def _create_all(
    tenant: Tenant,
    sighted: Sequence[Sighted],
    seen: Mapping[str, Seen],
    thumbnails: Mapping[str, str],
    surface: Surface,
    twins: Mapping[str, Twin],
) -> dict[str, Outcome]:
    at = timezone.now()
    record_products(tenant, {one.document.product_id: one.judgements for one in sighted}, surface)
    images = [_images_of(tenant, one.pictures, seen, thumbnails, [], at) for one in sighted]
    products = [_new_product(tenant, one.document, own[0], at) for one, own in zip(sighted, images, strict=True)]
    Product.objects.bulk_create(products)
    for product, own in zip(products, images, strict=True):
        for image in own:
            image.product = product
    rows = [image for own in images for image in own]
    ProductImage.objects.bulk_create(rows)
    pictures = [picture for one in sighted for picture in one.pictures if _is_seen(picture, seen)]
    _store_vectors(list(zip(rows, pictures, strict=True)), [], seen)
    add_colors((product, own[0].palette) for product, own in zip(products, images, strict=True))
    for product in products:
        if product.product_id in twins:
            record_twin(tenant, product, twins[product.product_id], timezone.now())
    _tell_of_new(tenant, products)
    return {
        product.product_id: Outcome(one.document, product=product, is_new=True)
        for one, product in zip(sighted, products, strict=True)
    }


def _store(
    tenant: Tenant, one: Sighted, seen: Mapping[str, Seen], surface: Surface, twins: Mapping[str, Twin]
) -> Outcome:
    document, judged = one.document, {one.document.product_id: one.judgements}
    try:
        require_allowed(one.judgements)
        thumbnails = _store_thumbnails(tenant, one.pictures, seen)
        with transaction.atomic():
            record_products(tenant, judged, surface)
            outcome = _store_product(tenant, document, one.pictures, seen, thumbnails)
            if outcome.product is not None and document.product_id in twins:
                record_twin(tenant, outcome.product, twins[document.product_id], timezone.now())
            return outcome
    except PictureBlockedError as error:
        with transaction.atomic():
            record_products(tenant, judged, surface)
        return Outcome(document, error=error)
    except IndexingError as error:
        return Outcome(document, error=error)


def _store_thumbnails(tenant: Tenant, pictures: Sequence[Loaded], seen: Mapping[str, Seen]) -> dict[str, str]:
    """Return the names of the thumbnails of those pictures that were looked at, by digest."""
    new = dict.fromkeys(picture.sha256 for picture in pictures if _is_seen(picture, seen))
    return {sha256: store_thumbnail(tenant, sha256, seen[sha256].features.thumbnail) for sha256 in new}


def _store_product(
    tenant: Tenant,
    document: ProductDocument,
    pictures: Sequence[Loaded],
    seen: Mapping[str, Seen],
    thumbnails: Mapping[str, str],
) -> Outcome:
    """Store a product and its pictures, and tell of it, within a transaction; it fails with an IndexingError."""
    product = tenant.products.select_for_update().filter(product_id=document.product_id).first()
    if product is None and document.metadata is None:
        raise GONE
    if product is not None and is_superseded(document, product.sent_whole_at):
        raise SUPERSEDED
    stored = list(product.images.all()) if product is not None else []
    before = _before(product, stored)
    thumbnails_before = {str(image.thumbnail) for image in stored}
    at = timezone.now()
    images = _images_of(tenant, pictures, seen, thumbnails, stored, at)
    looked_at = [(image, picture) for image, picture in zip(images, pictures, strict=True) if _is_seen(picture, seen)]
    replaced = [image.pk for image, _ in looked_at if image.pk is not None]
    is_new = product is None
    if product is None:
        product = _create(tenant, document, images[0], at)
        if product is None:
            # Another request has just created it.
            return _store_product(tenant, document, pictures, seen, thumbnails)
    else:
        changed = _fill(product, document, images[0], at)
        noted = ["indexed_at", "sent_at", "sent_whole_at", "patched"]
        product.save(update_fields=[*changed, *noted, *(["updated_at"] if changed or looked_at else [])])
    _store_images(product, images, replaced, stored)
    if looked_at:
        _store_vectors(looked_at, replaced, seen)
    if is_new:
        add_colors([(product, images[0].palette)])
    elif _is_seen(pictures[0], seen):
        record_colors(product, images[0].palette)
    discard_thumbnails(tenant.pk, thumbnails_before - {str(image.thumbnail) for image in images})
    _tell(tenant, product, before, images, at)
    return Outcome(document, product=product, is_new=is_new)


def _before(product: Product | None, images: Sequence[ProductImage]) -> Before:
    if product is None or product.status != Product.Status.INDEXED:
        return Before(could_be_found=False, metadata={}, pictures=[])
    return Before(could_be_found=True, metadata=product.metadata, pictures=_pictures_of(product, images))


def _pictures_of(product: Product, images: Sequence[ProductImage]) -> list[tuple[str, str]]:
    return [(url, image.sha256) for url, image in zip(product.image_urls, images, strict=False)]


def _is_seen(picture: Loaded, seen: Mapping[str, Seen]) -> TypeGuard[Picture]:
    return isinstance(picture, Picture) and picture.sha256 in seen


def _images_of(
    tenant: Tenant,
    pictures: Sequence[Loaded],
    seen: Mapping[str, Seen],
    thumbnails: Mapping[str, str],
    stored: Sequence[ProductImage],
    at: datetime,
) -> list[ProductImage]:
    """Return the rows of a product's pictures, in their order, as they shall be; none of them is saved yet."""
    rows = {image.position: image for image in stored}
    images = []
    for position, picture in enumerate(pictures):
        image = rows.get(position)
        if _is_seen(picture, seen):
            image = image or ProductImage(tenant=tenant, position=position)
            _describe(image, picture, seen[picture.sha256], thumbnails[picture.sha256])
        elif image is None or image.sha256 != picture.sha256:
            message = "Another request changed this product's pictures at the same time. Send it again."
            raise IndexingError("conflict", message, retryable=True)
        if isinstance(picture, Picture):
            for name, value in columns_of_version(picture.version).items():
                setattr(image, name, value)
        image.checked_at = at
        images.append(image)
    return images


def _describe(image: ProductImage, picture: Picture, seen: Seen, thumbnail: str) -> None:
    features = seen.features
    image.sha256 = picture.sha256
    image.width, image.height = picture.width, picture.height
    image.thumbnail.name = thumbnail
    image.palette = [asdict(swatch) for swatch in features.palette]
    image.shape = asdict(features.shape)
    image.quality = asdict(features.quality)
    image.product_type = features.answers.product_type.name
    image.product_type_confidence = features.answers.product_type.confidence
    image.attributes = asdict(features.answers)["attributes"]
    image.moderation = dict(seen.moderation)


def _create(tenant: Tenant, document: ProductDocument, cover: ProductImage, at: datetime) -> Product | None:
    """Return a new product, saved, or None when it is there by now."""
    product = _new_product(tenant, document, cover, at)
    try:
        with transaction.atomic():
            product.save(force_insert=True)
    except IntegrityError:
        return None
    return product


def _new_product(tenant: Tenant, document: ProductDocument, cover: ProductImage, at: datetime) -> Product:
    product = Product(tenant=tenant, product_id=document.product_id)
    _fill(product, document, cover, at)
    return product


def _fill(product: Product, document: ProductDocument, cover: ProductImage, at: datetime) -> list[str]:
    """Give a product its columns; return the names of those that had another value, moments aside."""
    columns = columns_of(in_place_of(product, document))
    columns |= {
        "status": Product.Status.INDEXED,
        "colors": color_words(columns.get("metadata", product.metadata), seen_colors(cover)),
        "product_type": cover.product_type,
        "quality": cover.quality["score"],
    }
    columns["translations"] = translations_of(product.tenant, product, columns)
    changed = [name for name, value in columns.items() if not same(getattr(product, name), value)]
    for name in changed:
        setattr(product, name, columns[name])
    for name, value in columns_of_whole(product, document).items():
        setattr(product, name, value)
    product.indexed_at = at
    return changed


def _store_images(
    product: Product,
    images: Sequence[ProductImage],
    replaced: Collection[int],
    stored: Sequence[ProductImage],
) -> None:
    """Save the rows of a product's pictures, and delete those that it has no more."""
    if len(stored) > len(images):
        product.images.filter(position__gte=len(images)).delete()
    for image in images:
        if image.pk in replaced:
            image.save()
        elif image.pk is not None and product.image_urls[image.position]:
            image.save(update_fields=["etag", "last_modified", "checked_at"])
    new = [image for image in images if image.pk is None]
    for image in new:
        image.product = product
    ProductImage.objects.bulk_create(new)


def _store_vectors(
    looked_at: Sequence[tuple[ProductImage, Picture]], replaced: Collection[int], seen: Mapping[str, Seen]
) -> None:
    """Store the vectors of the encoders in use, in place of those of the pictures whose rows were there before.

    No other encoder begins to serve until this is committed: a picture has a vector of whichever does.
    """
    locks.share_until_commit(locks.SWITCH)
    in_use = list(Encoder.objects.exclude(state=Encoder.State.STANDBY))
    vectors = [
        Embedding(tenant_id=image.tenant_id, product_id=image.product_id, image=image, encoder=row, vector=vector)
        for image, picture in looked_at
        for row, vector in _vectors_by(in_use, picture, seen[picture.sha256].vectors)
    ]
    stored = Embedding.objects.bulk_create(
        vectors, update_conflicts=True, unique_fields=["image", "encoder"], update_fields=["vector"]
    )
    if replaced:
        left = Embedding.objects.filter(image__in=replaced)
        left.exclude(pk__in=[embedding.pk for embedding in stored]).delete()


def _vectors_by(
    in_use: Sequence[Encoder], picture: Picture, seen: Mapping[str, NDArray[np.float32]]
) -> Iterator[tuple[Encoder, NDArray[np.float32]]]:
    for row in in_use:
        if row.name in seen:
            yield row, seen[row.name]
        elif row.state == Encoder.State.SERVING:
            # The encoder that this process has seen the picture with served a moment ago.
            yield row, encoder_of(row).encode_images([picture.image])[0]


def _tell(tenant: Tenant, product: Product, before: Before, images: Sequence[ProductImage], at: datetime) -> None:
    """Tell the tenant's endpoints of a product that can be found from now on, or of what has changed about it."""
    if not before.could_be_found:
        _tell_of_new(tenant, [product])
        return
    pairs = zip_longest(before.pictures, _pictures_of(product, images))
    changed = [position for position, (one, other) in enumerate(pairs) if one != other]
    changes = [
        *(["image_url"] if 0 in changed else []),
        *(["images"] if any(changed) else []),
        *metadata_changes(before.metadata, product.metadata),
    ]
    if changes:
        data = updated_data(product.product_id, changes, before.cover_url, product.image_urls[0], at)
        record_event(tenant, EventType.PRODUCT_UPDATED, data)


def _tell_of_new(tenant: Tenant, products: Sequence[Product]) -> None:
    """Tell the tenant's endpoints of products that can be found from now on."""
    found = (indexed_data(product, vector_id=first_vector_id(product)) for product in products)
    record_events(tenant, EventType.PRODUCT_INDEXED, found)


def _image_urls(document: ProductDocument) -> list[str]:
    return ["" if is_inline(source) else source for source in document.images]
