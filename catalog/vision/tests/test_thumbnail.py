import io

import pytest
from PIL import Image

from catalog.vision.encoder import load_encoder
from catalog.vision.tests.pictures import BUNDLE, DATA, disc, needs_data
from catalog.vision.thumbnail import make_thumbnail


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1024, 512), (512, 256)),
        ((700, 1400), (256, 512)),
        ((512, 512), (512, 512)),
        ((30, 20), (30, 20)),
        ((1, 1), (1, 1)),
        ((4000, 3), (512, 1)),
    ],
)
def test_it_shrinks_the_longest_side_to_512_and_enlarges_nothing(size, small):
    thumbnail = Image.open(io.BytesIO(make_thumbnail(disc(size=size))))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", small)


def test_it_carries_no_metadata():
    image = disc()
    image.info["exif"] = b"Exif\0\0II*\0\x08\0\0\0\0\0"
    thumbnail = Image.open(io.BytesIO(make_thumbnail(image)))
    assert "exif" not in thumbnail.info


@needs_data
def test_an_encoder_sees_the_same_in_a_thumbnail():
    images = [Image.open(DATA / f"eshop/images/{number}.webp").convert("RGB") for number in range(1, 13)]
    thumbnails = [Image.open(io.BytesIO(make_thumbnail(image))).convert("RGB") for image in images]
    encoder = load_encoder(BUNDLE)
    cosines = (encoder.encode_images(images) * encoder.encode_images(thumbnails)).sum(axis=1)
    assert cosines.mean() > 0.995
    assert cosines.min() > 0.985
