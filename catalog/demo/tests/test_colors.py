import numpy as np
import pytest

from catalog.demo.colors import COLORS, from_hex, shades, to_hex, to_linear, to_srgb


def test_all_8_bit_values_come_back_from_linear_light():
    values = np.arange(256, dtype=np.uint8)
    assert to_srgb(to_linear(values)).tolist() == values.tolist()


def test_hex_codes_come_back():
    assert to_hex(from_hex("#1d294f")) == "#1d294f"
    assert from_hex("#ff0000").tolist() == [1, 0, 0]


def test_light_out_of_range_is_clipped():
    assert to_srgb(np.array([-0.5, 0.0, 1.0, 7.0])).tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("color", COLORS)
def test_shades_go_from_deep_to_pale(color):
    by_name = shades(color)
    brightness = [from_hex(by_name[name]).sum() for name in ("deep", "dark", "", "light", "pale")]
    assert by_name[""] == COLORS[color]
    assert brightness == sorted(brightness)
    assert len(set(brightness)) == 5
