import base64
import io
import random
import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.Image import Transpose

from catalog.errors import PictureError
from catalog.vision.decode import MAX_PIXELS, DecodeError, decode, parse_base64_picture
from catalog.vision.tests.pictures import disc, saved

# How a camera that is held so stores an upright picture.
HELD = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


def corners():
    """Return a picture of 40 x 20 with another colour in each corner."""
    image = Image.new("RGB", (40, 20), "red")
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 0, 39, 9), fill="lime")
    draw.rectangle((0, 10, 19, 19), fill="blue")
    draw.rectangle((20, 10, 39, 19), fill="yellow")
    return image


def heic(image):
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer)
    return buffer.getvalue()


def refusal(data):
    with pytest.raises(DecodeError) as caught:
        decode(data)
    return caught.value


def outcome(data):
    try:
        return decode(data).mode
    except DecodeError as error:
        return error.code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIC"])
def test_it_decodes_every_accepted_format(kind):
    picture = disc(size=(80, 60))
    image = decode(heic(picture) if kind == "HEIC" else saved(picture, kind))
    assert (image.mode, image.size) == ("RGB", (80, 60))
    assert np.abs(np.array(image.getpixel((40, 30))) - (200, 50, 40)).max() <= 6
    assert min(image.getpixel((2, 2))) >= 250


def test_it_takes_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize("orientation", HELD)
def test_it_turns_a_picture_upright_by_its_exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    held = corners() if HELD[orientation] is None else corners().transpose(HELD[orientation])
    assert decode(saved(held, "PNG", exif=exif)).tobytes() == corners().tobytes()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0rubbish!"])
def test_it_takes_a_picture_with_broken_exif_as_it_lies(exif):
    assert decode(saved(corners(), "JPEG", exif=exif)).size == (40, 20)


def test_it_keeps_no_metadata():
    exif = Image.Exif()
    exif[0x010F] = "Some camera"
    assert decode(saved(corners(), "JPEG", exif=exif, dpi=(72, 72))).info == {}


def test_it_lays_transparent_pictures_on_white():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 128))
    flat = decode(saved(image, "PNG"))
    assert [flat.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (255, 127, 127)]


def test_it_lays_grey_pictures_with_transparency_on_white():
    assert decode(saved(Image.new("LA", (1, 1), (0, 0)), "PNG")).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_it_lays_a_transparent_palette_colour_on_white(kind):
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 255, 0, 255, 0])
    image.putpixel((1, 0), 1)
    flat = decode(saved(image, kind, transparency=0))
    assert [flat.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (0, 255, 0)]


@pytest.mark.parametrize("color", [(255, 0, 0), (10, 20, 30)])
def test_it_lays_a_transparent_rgb_colour_on_white(color):
    data = saved(Image.new("RGB", (1, 1), color), "PNG", transparency=color)
    assert decode(data).getpixel((0, 0)) == (255, 255, 255)


def test_it_turns_grey_into_rgb():
    assert decode(saved(Image.new("L", (3, 3), 90), "PNG")).getpixel((1, 1)) == (90, 90, 90)


def test_it_scales_16_bits_down_to_8():
    image = Image.fromarray(np.full((3, 3), 0x8040, dtype=np.uint16))
    assert decode(saved(image, "PNG")).getpixel((1, 1)) == (0x80, 0x80, 0x80)


def test_it_turns_cmyk_into_rgb():
    image = decode(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"))
    assert image.mode == "RGB"
    assert np.abs(np.array(image.getpixel((4, 4))) - (255, 0, 0)).max() <= 2


def test_it_converts_colours_by_their_profile():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    green_for_red = profile.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    renamed = green_for_red.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    image = decode(saved(Image.new("RGB", (8, 8), (255, 0, 0)), "PNG", icc_profile=renamed))
    assert np.abs(np.array(image.getpixel((4, 4))) - (0, 255, 0)).max() <= 2


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_it_ignores_a_broken_profile(mode):
    data = saved(Image.new(mode, (8, 8), "white"), "JPEG", icc_profile=b"not a profile at all")
    assert decode(data).mode == "RGB"


def test_it_decodes_a_very_large_jpeg_at_half_its_size():
    assert decode(saved(Image.new("L", (4200, 3000)), "JPEG")).size == (2100, 1500)
    assert decode(saved(Image.new("L", (4200, 2000)), "JPEG")).size == (4200, 2000)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIC"])
def test_it_refuses_a_truncated_picture(kind):
    picture = Image.effect_noise((200, 200), 80).convert("RGB")
    data = heic(picture) if kind == "HEIC" else saved(picture, kind)
    error = refusal(data[: len(data) // 2])
    assert (error.code, error.retryable) == ("image_decode_failed", False)
    assert error.message == "The picture is damaged or cut off. Send it again."


def test_it_refuses_no_bytes():
    error = refusal(b"")
    assert error.code == "image_decode_failed"
    assert "empty" in error.message


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"\n <html><img src=x></html>", "a web page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg/>', "an SVG drawing"),
        (b'{"error": "not found"}', "JSON"),
        (b"%PDF-1.7", "a PDF document"),
        (saved(Image.new("RGB", (2, 2)), "TIFF"), "a TIFF picture"),
        (saved(Image.new("RGB", (2, 2)), "BMP"), "a BMP picture"),
        (b"\0\1\2\3 anything", "no picture that we can read"),
    ],
)
def test_it_says_what_was_sent_in_place_of_a_picture(data, what):
    error = refusal(data)
    assert error.code == "unsupported_format"
    assert error.message == f"This is {what}. Send a JPEG, PNG, WebP, AVIF, GIF or HEIC picture."


def test_it_refuses_too_many_pixels_before_it_unpacks_them():
    bomb = saved(Image.new("1", (9000, 9000)), "PNG")
    assert len(bomb) < 20_000
    error = refusal(bomb)
    assert error.code == "image_too_large"
    assert error.message == "The picture has 9000 x 9000, more than 40 million pixels. Send a smaller one."


def test_it_takes_exactly_as_many_pixels_as_are_allowed():
    assert decode(saved(Image.new("1", (8000, 5000)), "PNG")).size == (8000, 5000)
    assert MAX_PIXELS == 8000 * 5000
    assert refusal(saved(Image.new("1", (8000, 5001)), "PNG")).code == "image_too_large"


def test_it_refuses_a_header_that_claims_billions_of_pixels():
    header = b"GIF89a" + struct.pack("<HHBBB", 60000, 60000, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 60000, 60000, 0) + b"\x02\x02\x4c\x01\x00;"
    assert refusal(header + frame).code == "image_too_large"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIC"])
def test_damage_anywhere_gives_a_picture_or_a_clear_error(kind):
    dice = random.Random(kind)
    picture = disc(size=(48, 40))
    whole = heic(picture) if kind == "HEIC" else saved(picture, kind)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 4, 20])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        assert outcome(bytes(data)) in {"RGB", "image_decode_failed", "unsupported_format", "image_too_large"}


def test_its_errors_are_picture_errors():
    assert isinstance(refusal(b""), PictureError)


PIXEL = saved(Image.new("RGB", (1, 1), "red"), "PNG")
BASE64 = base64.b64encode(PIXEL).decode()


@pytest.mark.parametrize(
    "text",
    [
        BASE64,
        f"data:image/png;base64,{BASE64}",
        f"DATA:image/png;charset=utf-8;BASE64,{BASE64}",
        f"data:;base64,{BASE64}",
        "\r\n".join(BASE64[start : start + 20] for start in range(0, len(BASE64), 20)) + "\n",
    ],
)
def test_it_reads_base64_with_and_without_a_header(text):
    assert parse_base64_picture(text, max_bytes=10_000) == PIXEL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data:image/png;base64,",
        "data:image/png,%89PNG",
        "data:image/png;base64",
        BASE64[:-1],
        BASE64[:-4] + "é===",
        "https://shop.example/shoe.jpg",
        BASE64.replace(BASE64[5], "_"),
        BASE64 + "====" + BASE64,
    ],
)
def test_it_refuses_what_is_not_base64(text):
    with pytest.raises(DecodeError) as caught:
        parse_base64_picture(text, max_bytes=10_000)
    assert caught.value.code == "invalid_image_data"


@pytest.mark.parametrize("length", [9, 10, 11])
def test_it_limits_the_size_to_the_byte(length):
    text = base64.b64encode(bytes(length)).decode()
    assert parse_base64_picture(text, max_bytes=length) == bytes(length)
    with pytest.raises(DecodeError) as caught:
        parse_base64_picture(text, max_bytes=length - 1)
    assert caught.value.code == "image_too_large"
