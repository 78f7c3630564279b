"""Picture bytes from anywhere as an upright RGB picture, or a clear reason why not."""

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms
from PIL.Image import Transpose
from pillow_heif import HeifImageFile

from catalog.errors import PictureError

# No product picture is larger, and 40 million pixels already take 120 MB as RGB.
MAX_PIXELS = 40_000_000

# A JPEG whose short side is at least twice this long is decoded at 1/2, 1/4 or 1/8, to no shorter a side than
# this. Nobody here looks at more: encoders take up to 512 pixels, quality asks for 1,000.
DRAFT_SIDE = 1024

TOO_MANY = f"more than {MAX_PIXELS // 10**6} million pixels"

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIF")
ADVICE = "Send a JPEG, PNG, WebP, AVIF, GIF or HEIC picture."

# Only the reader, and for this format alone; register_heif_opener() would add a writer and file endings.
Image.register_open(HeifImageFile.format, HeifImageFile, lambda prefix: prefix[4:8] == b"ftyp")

# How files of these formats begin: what begins so and cannot be read is damaged, the rest is something else.
SIGNATURES = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP|GIF8|....ftyp(avi|hei|hev|mif|msf)", re.DOTALL)

# What arrives in place of pictures, by its first bytes.
STRANGERS = {
    "an SVG drawing": re.compile(rb"\s*(<\?xml.*)?<svg", re.DOTALL | re.IGNORECASE),
    "a web page": re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE),
    "JSON": re.compile(rb"\s*[{\[]"),
    "a PDF document": re.compile(rb"%PDF"),
    "a TIFF picture": re.compile(rb"II\*\0|MM\0\*"),
    "a BMP picture": re.compile(rb"BM"),
}

# How to turn a picture for each value of EXIF's Orientation (EXIF 2.32, tag 0x0112); 1 is upright.
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}

# Enough to find <svg behind a licence comment.
SNIFFED_BYTES = 4096

# What Pillow's readers raise on damaged and on hostile bytes, found by feeding them some.
READER_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    IndexError,
    RuntimeError,
    struct.error,
    zlib.error,
)

SRGB = ImageCms.createProfile("sRGB")

DATA_URI = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)


class DecodeError(PictureError):
    """Bytes that are no picture we can use: `unsupported_format`, `image_decode_failed`, `image_too_large`
    or, for base64 that is none, `invalid_image_data`."""


def decode(data: bytes) -> Image.Image:
    """Return a picture as RGB in sRGB, upright after its EXIF and with white where it was transparent.

    Of an animation the first frame is taken, of a large JPEG a smaller version (see `DRAFT_SIDE`).
    Raises DecodeError for anything but a whole JPEG, PNG, WebP, AVIF, GIF or HEIC of at most `MAX_PIXELS`.
    """
    with _reader_faults_explained(data):
        image = Image.open(BytesIO(data), formats=FORMATS)
    _require_size(image)
    with _reader_faults_explained(data):
        image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
        image.load()
    rgb = _to_srgb(_flatten(_turn_upright(image)))
    # A thumbnail would carry these along: where and when it was photographed, and a profile no longer true.
    rgb.info.clear()
    return rgb


def parse_base64_picture(text: str, *, max_bytes: int) -> bytes:
    """Return the bytes of a data URI (RFC 2397) or of plain base64 (RFC 4648, section 4, with line breaks).

    Raises DecodeError `invalid_image_data` for anything else, `image_too_large` above `max_bytes`.
    """
    encoded = "".join(_strip_header(text).split())
    if len(encoded) // 4 * 3 - encoded[-2:].count("=") > max_bytes:
        raise DecodeError("image_too_large", f"The picture is larger than {max_bytes / 1e6:g} MB.")
    if not encoded:
        raise DecodeError("invalid_image_data", "The picture is empty.")
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise DecodeError("invalid_image_data", f"The picture is not valid base64: {error}.") from error


def _strip_header(text: str) -> str:
    header = DATA_URI.match(text)
    if header:
        return text[header.end() :]
    if text[:5].lower() == "data:":
        raise DecodeError("invalid_image_data", 'A data URI must read "data:<type>;base64,<data>".')
    return text


def _require_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise DecodeError(
            "image_too_large",
            f"The picture has {image.width} x {image.height}, {TOO_MANY}. Send a smaller one.",
        )


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, struct.error):
        return image  # EXIF beyond reading turns nothing, as in browsers; the picture itself is sound.
    turn = UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _flatten(image: Image.Image) -> Image.Image:
    """Return a picture as RGB, or as CMYK if it was that, with 8 bits a channel and nothing transparent."""
    if image.mode.startswith("I"):
        # Pillow would cut 16 bits off at 255 and not scale them.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode in ("RGB", "CMYK") else image.convert("RGB")
    rgba = image.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    flat.info = rgba.info
    return flat


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert("RGB")
    try:
        if "sRGB" in ImageCms.getProfileDescription(BytesIO(profile)):
            return image.convert("RGB")
        return ImageCms.profileToProfile(image, BytesIO(profile), SRGB, outputMode="RGB") or image
    except ImageCms.PyCMSError:
        return image.convert("RGB")  # A profile that is broken or for other pixels than these says nothing.


@contextmanager
def _reader_faults_explained(data: bytes) -> Iterator[None]:
    """Turn what Pillow's readers raise into a DecodeError that tells the merchant what was sent."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DecodeError("image_too_large", f"The picture has {TOO_MANY}. Send a smaller one.") from error
    except READER_FAULTS as error:
        raise _explain(data) from error


def _explain(data: bytes) -> DecodeError:
    if not data:
        return DecodeError("image_decode_failed", f"The picture is empty (0 bytes). {ADVICE}")
    if SIGNATURES.match(data):
        return DecodeError("image_decode_failed", "The picture is damaged or cut off. Send it again.")
    for what, beginning in STRANGERS.items():
        if beginning.match(data[:SNIFFED_BYTES]):
            return DecodeError("unsupported_format", f"This is {what}. {ADVICE}")
    return DecodeError("unsupported_format", f"This is no picture that we can read. {ADVICE}")
