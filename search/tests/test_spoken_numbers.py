import pytest

from search.voice.spoken_numbers import in_digits


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("dress under fifty dollars", "dress under 50 dollars"),
        ("between twenty five and ninety nine", "between 25 and 99"),
        ("two hundred forty", "240"),
        ("a hundred one red sofas", "101 red sofas"),
        ("size nine", "size 9"),
        ("this one hundred euro", "this 100 euro"),
        ("the red one", "the red one"),
        ("a ball", "a ball"),
        ("twenty ten", "20 10"),
        ("", ""),
    ],
)
def test_numbers_become_digits(spoken, written):
    assert in_digits(spoken) == written
